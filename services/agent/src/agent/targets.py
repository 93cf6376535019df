"""The exact list or item that a step is about: the model proposes an alias, the request's words decide."""

from collections.abc import Sequence

from agent import words
from agent.board import Board
from agent.names import Named, named_in, same_name
from agent.resolution import Unresolvable, stop
from agent.words import NOTHING_CHANGED, joined, quoted
from contracts.todo import TodoItem, TodoList
from contracts.turns import Candidate, Outcome

CANDIDATES_MAX = 6


class Targets:
    """Targets of one request over one board. Raises Unresolvable where the words do not name exactly one thing."""

    def __init__(self, board: Board, request: str) -> None:
        self._board = board
        self._request = request
        self._lists: Named[TodoList] = named_in(request, ((row.name, row) for row in board.lists))
        self._items: Named[TodoItem] = named_in(request, ((item.title, item) for item in board.all_items()))

    def list_for(self, alias: str, *, adding: str | None = None) -> TodoList:
        """The list meant. `adding` is a new item's title: then, with no list named, the only list will do."""
        chosen = self._board.list_at(alias)
        named = self._lists.rows
        if chosen is not None and chosen in named:
            alike = [row for row in named if same_name(row.name, chosen.name)]
            if len(alike) == 1:
                return chosen
            raise self._which_list(alike, adding)
        if len(named) == 1:
            return named[0]  # the words win over the model's choice
        if named:
            raise self._which_list(named, adding)
        if len(self._board.lists) == 1 and chosen is not None:
            return chosen
        if not self._board.lists:
            raise stop(Outcome.NOT_FOUND, f"There is no list yet. {NOTHING_CHANGED}", reason="no_list")
        ordered = [chosen] if chosen is not None else []
        raise self._which_list([*ordered, *(row for row in self._board.lists if row != chosen)], adding)

    def _which_list(self, rows: Sequence[TodoList], adding: str | None) -> Unresolvable:
        shown = rows[:CANDIDATES_MAX]
        question = f"Which list do you mean: {joined([quoted(row.name) for row in shown])}? {NOTHING_CHANGED}"
        reply = "add {item} to {list}" if adding is not None else "{request} in {list}"
        candidates = tuple(
            Candidate(
                label=row.name,
                detail=words.counted(len(self._board.items_of(row.id)), "item"),
                reply=reply.format(item=adding, request=self._request, list=row.name),
            )
            for row in shown
        )
        return stop(Outcome.CLARIFY, question, reason="which_list", candidates=candidates)

    def item_for(self, alias: str, verb: str, *, going_to: str | None = None) -> TodoItem:
        """The item meant. `verb` begins the request that a candidate's button sends; `going_to` is the list that it
        is moved to, which is named in the request without being where the item is."""
        chosen = self._board.item_at(alias)
        named = self._narrowed(self._items.rows, going_to)
        if chosen is not None and chosen in named:
            alike = [item for item in named if same_name(item.title, chosen.title)]
            if len(alike) == 1:
                return chosen
            raise self._which_item(alike, verb)
        if len(named) == 1:
            return named[0]
        if named:
            raise self._which_item(named, verb)
        if self._items.rows:
            # Named, but not in the list that the request names.
            lists = joined([quoted(row.name) for row in self._lists.rows])
            titles = joined([quoted(title) for title in dict.fromkeys(item.title for item in self._items.rows)])
            raise stop(Outcome.NOT_FOUND, f"{titles} is not in {lists}. {NOTHING_CHANGED}", reason="not_in_list")
        if chosen is not None:
            raise self._which_item([chosen], verb)
        raise stop(
            Outcome.NOT_FOUND, f"No item is named like anything in your request. {NOTHING_CHANGED}", reason="no_item"
        )

    def _narrowed(self, items: Sequence[TodoItem], going_to: str | None) -> list[TodoItem]:
        """If the request names lists too, only items of those."""
        inside = {
            row.id
            for row in self._lists.rows
            # A list called like an item ("Milk") must not hide the item.
            if row.id != going_to and not any(same_name(row.name, item.title) for item in items)
        }
        return [item for item in items if not inside or item.list_id in inside]

    def _which_item(self, items: Sequence[TodoItem], verb: str) -> Unresolvable:
        shown = items[:CANDIDATES_MAX]
        where = [self._board.list_named(item.list_id).name for item in shown]
        labels = [f"{quoted(item.title)} in {quoted(name)}" for item, name in zip(shown, where, strict=True)]
        candidates = tuple(
            Candidate(label=item.title, detail=name, reply=f"{verb} {item.title} in {name}")
            for item, name in zip(shown, where, strict=True)
        )
        question = f"Which one do you mean: {joined(labels)}? {NOTHING_CHANGED}"
        return stop(Outcome.CLARIFY, question, reason="which_item", candidates=candidates)
