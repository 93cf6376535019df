"""The exact list or item that a step is about: the model proposes an alias, the request's words decide."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from agent import words
from agent.board import Board
from agent.names import asks_for_a_group, named_in, same_name
from agent.resolution import Unresolvable, stop
from agent.words import NOTHING_CHANGED, either, joined, quoted
from contracts.todo import TodoItem, TodoList
from contracts.turns import Candidate, Outcome

CANDIDATES_MAX: Final = 6

Reply = Callable[[str], str]
"""From the name of a list to the whole request that says what is meant."""


class Targets:
    """Targets of one request over one board. Raises Unresolvable where the words do not name exactly one thing.

    `made` are the names of lists that the plan makes: "Travel 2" must not be taken for Travel.
    """

    def __init__(self, board: Board, request: str, made: Iterable[str]) -> None:
        self._board = board
        self._request = request
        candidates: list[tuple[str, TodoList | None]] = [(row.name, row) for row in board.lists]
        candidates += [(name, None) for name in made]
        named = named_in(request, candidates).rows
        self._lists = tuple(row for row in named if row is not None)
        self._items = board.items_named_in(request)
        self._group = asks_for_a_group(request)

    @property
    def named_lists(self) -> tuple[TodoList, ...]:
        return self._lists

    @property
    def group(self) -> bool:
        """Whether the request asks for all of something."""
        return self._group

    def items_named_in(self, list_id: str) -> list[TodoItem]:
        return [item for item in self._items if item.list_id == list_id]

    def list_for(self, alias: str, reply: Reply) -> TodoList:
        """The list meant: the one that the words name, or the only one there is."""
        chosen = self._board.list_at(alias)
        named = self._lists
        if chosen is not None and chosen in named:
            alike = [row for row in named if same_name(row.name, chosen.name)]
            if len(alike) == 1:
                return chosen
            text = f"There are {len(alike)} lists called {quoted(chosen.name)}; rename one of them first."
            raise stop(Outcome.CLARIFY, f"{text} {NOTHING_CHANGED}", reason="lists_alike")
        if len(named) == 1:
            return named[0]  # the words win over the model's choice
        if named:
            raise self._which_list(named, reply)
        if not self._board.lists:
            raise stop(Outcome.NOT_FOUND, f"There is no list yet. {NOTHING_CHANGED}", reason="no_list")
        if len(self._board.lists) == 1 and (chosen is not None or not alias.strip()):
            return self._board.lists[0]
        ordered = [chosen] if chosen is not None else []
        raise self._which_list([*ordered, *(row for row in self._board.lists if row != chosen)], reply)

    def _which_list(self, rows: Sequence[TodoList], reply: Reply) -> Unresolvable:
        shown = rows[:CANDIDATES_MAX]
        question = f"Which list do you mean: {either([quoted(row.name) for row in shown])}? {NOTHING_CHANGED}"
        candidates = tuple(
            Candidate(
                label=row.name,
                detail=words.counted(len(self._board.items_of(row.id)), "item"),
                reply=reply(row.name),
            )
            for row in shown
        )
        return stop(Outcome.CLARIFY, question, reason="which_list", candidates=candidates)

    def item_for(
        self, alias: str, reply: Reply, *, going_to: str | None = None, wants_done: bool | None = None
    ) -> TodoItem:
        """The item meant. `going_to` is the list that it is moved to, which is named in the request without being where
        the item is; `wants_done` is the state it shall get, so that of two alike the one that has it is not meant."""
        chosen = self._board.item_at(alias)
        named = self._narrowed(self._items, going_to)
        if chosen is not None and chosen in named:
            return self._one_of(
                [item for item in named if same_name(item.title, chosen.title)], chosen, wants_done, reply
            )
        if named and all(same_name(item.title, named[0].title) for item in named):
            return self._one_of(named, None, wants_done, reply)
        if named:
            raise self._which_item(named, reply)
        if self._items:
            # Named, but not in the list that the request names.
            lists = either([quoted(row.name) for row in self._lists])
            titles = joined([quoted(title) for title in dict.fromkeys(item.title for item in self._items)])
            raise stop(Outcome.NOT_FOUND, f"{titles} is not in {lists}. {NOTHING_CHANGED}", reason="not_in_list")
        if chosen is not None:
            inside = {row.id for row in self._lists if row.id != going_to}
            if self._group and (chosen.list_id in inside or (not inside and len(self._board.lists) == 1)):
                return chosen  # "everything from Groceries" names each of its items
            raise self._which_item([chosen], reply)
        raise stop(
            Outcome.NOT_FOUND, f"No item is named like anything in your request. {NOTHING_CHANGED}", reason="no_item"
        )

    def _one_of(
        self, alike: list[TodoItem], chosen: TodoItem | None, wants_done: bool | None, reply: Reply
    ) -> TodoItem:
        """One of items with the same title. In one list they can be told apart by their state alone."""
        if wants_done is not None:
            alike = [item for item in alike if item.done is not wants_done] or alike
        if len({item.list_id for item in alike}) > 1:
            raise self._which_item(alike, reply)
        return chosen if chosen is not None and chosen in alike else alike[0]

    def _narrowed(self, items: Sequence[TodoItem], going_to: str | None) -> list[TodoItem]:
        """If the request names lists too, only items of those."""
        inside = {
            row.id
            for row in self._lists
            # A list called like an item ("Milk") must not hide the item.
            if row.id != going_to and not any(same_name(row.name, item.title) for item in items)
        }
        return [item for item in items if not inside or item.list_id in inside]

    def _which_item(self, items: Sequence[TodoItem], reply: Reply) -> Unresolvable:
        shown = list({(item.title, item.list_id): item for item in items}.values())[:CANDIDATES_MAX]
        where = [self._board.list_named(item.list_id).name for item in shown]
        labels = [f"{quoted(item.title)} in {quoted(name)}" for item, name in zip(shown, where, strict=True)]
        same = all(same_name(item.title, shown[0].title) for item in shown)
        named = len(shown) > 1 and same
        candidates = tuple(
            Candidate(label=item.title, detail=name, reply=reply(name))
            for item, name in zip(shown, where, strict=True)
            if named
        )
        question = f"Which one do you mean: {either(labels)}? Name it with its list. {NOTHING_CHANGED}"
        return stop(Outcome.CLARIFY, question, reason="which_item", candidates=candidates)
