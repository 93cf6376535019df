"""What the tools of all peers stand on: the store of the turn that is going on, and whether it has changed.

The tools are the same for every peer, by name, arguments and answer; only how each framework takes them differs.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from bench.peers.driver.stores import Lists, Store, StoreError, new_id

INSTRUCTIONS = (
    "You look after the user's to-do lists. Call get_lists to see them with their ids, then call the tools that do "
    "what the user asks for. Name lists and items only by ids that get_lists gave you. When you are finished, tell "
    "the user in one sentence what you did."
)
NUDGE = "Nothing has changed in the store. Do what was asked with the tools, or say that you could not do it."
DENIAL = "I could not do that; nothing was changed."

Tool = Callable[..., Awaitable[str]]


class Agent(Protocol):
    """A peer, made once and used for many turns."""

    async def turn(self, request: str) -> str:
        """The agent's last words. Whatever it raises is what its user would see."""


class Desk:
    """Holds the store of the current turn; turns follow one another."""

    def __init__(self) -> None:
        self.store: Store
        self._before: Lists = []

    async def begin(self, store: Store, *, guarded: bool) -> None:
        """A new turn. With a guard it starts by reading what there is."""
        self.store = store
        if guarded:
            self._before = await store.lists()

    async def changed(self) -> bool:
        """The guard's question: did anything change since the turn began?"""
        return await self.store.lists() != self._before

    async def _write(self, **operation: Any) -> str:
        try:
            await self.store.write(operation)
        except StoreError as error:
            return json.dumps({"store_error": str(error)})
        return json.dumps({"ok": True})

    async def get_lists(self) -> str:
        """Read all lists with their items and ids."""
        return json.dumps({"lists": await self.store.lists()})

    async def create_list(self, name: str) -> str:
        """Make a new list.

        Args:
            name: The list's name.
        """
        return await self._write(op="create_list", list_id=new_id("l"), name=name)

    async def add_item(self, list_id: str, title: str) -> str:
        """Add an item to a list.

        Args:
            list_id: The id of the list.
            title: The item's title.
        """
        return await self._write(op="create_item", item_id=new_id("i"), list_id=list_id, title=title)

    async def complete_item(self, item_id: str) -> str:
        """Mark an item as done.

        Args:
            item_id: The id of the item.
        """
        return await self._write(op="complete_item", item_id=item_id)

    async def delete_item(self, item_id: str) -> str:
        """Delete an item.

        Args:
            item_id: The id of the item.
        """
        return await self._write(op="delete_item", item_id=item_id)

    def tools(self) -> list[Tool]:
        """All of them."""
        return [self.get_lists, self.create_list, self.add_item, self.complete_item, self.delete_item]


def summary(tool: Tool) -> str:
    """What a tool is for, in one line."""
    return (tool.__doc__ or "").partition("\n")[0]


def parameters(tool: Tool) -> dict[str, str]:
    """A tool's arguments, all of them strings, with what each is."""
    lines = [line.strip() for line in (tool.__doc__ or "").partition("Args:")[2].splitlines()]
    return dict(line.split(": ", 1) for line in lines if line)
