"""The exact list or item that a step is about: the model proposes an alias, the request's words decide."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

from agent import asking, likeness
from agent.asking import Reply
from agent.board import Board
from agent.names import asks_for_a_group, named_in, same_name, words
from agent.places import phrase_for_list
from agent.resolution import NO_CONTEXT, Context, stop
from agent.vocabulary import ARTICLES, COURTESY, GROUP, INBOX, LISTS, PLACES
from agent.words import NOTHING_CHANGED, either, joined, quoted
from contracts.planning import MADE_LISTS, Select
from contracts.todo import TodoItem, TodoList
from contracts.turns import Outcome

_DOING: Final = frozenset(
    {"mark", "tick", "check", "complete", "bought", "buy", "did", "got", "have", "just", "already", "item", "task"}
    | {"delete", "remove", "move", "rename", "change", "set", "habe", "gekauft", "acheté", "comprado", "ai", "he"}
)
AKIN_MAX: Final = 200
"""Items that share words with one that is named, looked at for a series such as report 1, report 2."""
_SAYS_NOTHING: Final = _DOING | ARTICLES | COURTESY | GROUP | LISTS | PLACES


class Targets:
    """Targets of one request over one board. Raises Unresolvable where the words do not name exactly one thing.

    `made` are the names of lists that the plan makes: "Travel 2" must not be taken for Travel. `explained` are the
    plan's own texts, whose words name nothing that exists. `everywhere` says that the plan is about each list there is,
    which "everything" may mean. What `context` holds settled is not asked again.
    """

    def __init__(
        self,
        board: Board,
        request: str,
        made: Iterable[str],
        context: Context = NO_CONTEXT,
        explained: Iterable[str] = (),
        *,
        everywhere: bool = False,
    ) -> None:
        self._board = board
        self._request = request
        self._settled = context.settled
        self._made = tuple(made)
        self._everywhere = everywhere
        self._explained = tuple(text for text in explained if text.strip())
        candidates: list[tuple[str, TodoList | None]] = [(row.name, row) for row in board.lists]
        candidates += [(name, None) for name in self._made]
        named = named_in(request, candidates).rows
        exactly = tuple(row for row in named if row is not None)
        self._lists = (*exactly, *self._called(exactly, context))
        self._items = board.items_named_in(request)
        self._group = asks_for_a_group(request)

    @property
    def named_lists(self) -> tuple[TodoList, ...]:
        return self._lists

    def group(self, select: Select) -> bool:
        """Whether the request asks for all of something, or for what is in this state; or an answer did."""
        return asks_for_a_group(self._request, select) or asking.ALL in self._settled

    def items_named_in(self, list_id: str) -> list[TodoItem]:
        return [item for item in self._items if item.list_id == list_id]

    def _called(self, exactly: Sequence[TodoList], context: Context) -> tuple[TodoList, ...]:
        """Lists by what their owner calls them, unless the same words are another list's own name."""
        own = {word for row in exactly for word in words(row.name)}
        rows = {row.id: row for row in self._board.lists}
        called = [
            (alias.phrase, rows[alias.list_id])
            for alias in context.aliases
            if alias.list_id in rows and own.isdisjoint(words(alias.phrase))
        ]
        return tuple(row for row in dict.fromkeys(named_in(self._request, called).rows) if row not in exactly)

    @cached_property
    def _pieces(self) -> list[tuple[str, ...]]:
        """The words that neither a name nor the plan's own texts account for."""
        names = [row.name for row in self._lists] + [item.title for item in self._items]
        return likeness.without(self._request, [*self._explained, *names])

    @cached_property
    def _near_lists(self) -> tuple[TodoList, ...]:
        return likeness.near(self._pieces, ((row.name, row) for row in self._board.lists))

    @cached_property
    def _phrase(self) -> str | None:
        titles = [item.title for item in self._items]
        return phrase_for_list(self._request, [*self._explained, *titles])

    def list_for(self, alias: str, reply: Reply, *, filling: bool = False) -> TodoList:
        """The list meant: the one that the words name, or the only one there is; for `filling`, else the Inbox."""
        chosen = self._board.list_at(alias)
        named = self._lists
        meant = self._of_another_number(named, reply)
        if meant is not None:
            return meant
        if chosen is not None and chosen in named:
            alike = [row for row in named if same_name(row.name, chosen.name)]
            if len(alike) == 1:
                return chosen
            return self._one_of_alike(alike)
        if chosen is not None and self._near_lists == (chosen,):
            return chosen
        if named:
            # The words win over the model's choice.
            return named[0] if len(named) == 1 else self._one_list(named, reply)
        return self._unnamed_list(chosen, alias, reply, filling=filling)

    def _unnamed_list(self, chosen: TodoList | None, alias: str, reply: Reply, *, filling: bool) -> TodoList:
        """Of no list the name is said: the only one, or the Inbox, unless the words call it something; else a
        question, with the model's guess first."""
        if not self._board.lists:
            raise stop(Outcome.NOT_FOUND, f"There is no list yet. {NOTHING_CHANGED}", reason="no_list")
        if self._near_lists:
            return self._one_list(self._near_lists, reply, phrase=self._phrase)
        if self._phrase is None:
            if chosen is not None and self._group and self._everywhere:
                return chosen
            if len(self._board.lists) == 1 and alias.strip().upper() not in MADE_LISTS:
                return self._board.lists[0]
            inbox = [row for row in self._board.lists if any(same_name(row.name, name) for name in INBOX)]
            if filling and len(inbox) == 1:
                return inbox[0]
        ordered = [chosen] if chosen is not None else []
        rows = [*ordered, *(row for row in self._board.lists if row != chosen)]
        return self._one_list(rows, reply, phrase=self._phrase)

    def _of_another_number(self, named: Sequence[TodoList], reply: Reply) -> TodoList | None:
        """What is meant by "Work 3" where there are Work and Work 2; None where no such thing is said."""
        names = [*(row.name for row in self._board.lists), *self._made]
        for row in named:
            phrase = likeness.other_number(self._request, row.name, names, self._explained)
            if phrase is not None:
                own = words(row.name)
                series = [other for other in self._board.lists if words(other.name)[: len(own)] == own]
                return self._one_list(series, reply, phrase=phrase)
        return None

    def _one_of_alike(self, alike: Sequence[TodoList]) -> TodoList:
        answered = self._answered(alike)
        if answered is None:
            raise asking.which_of_alike(self._board, alike)
        return answered

    def _one_list(self, rows: Sequence[TodoList], reply: Reply, *, phrase: str | None = None) -> TodoList:
        answered = self._answered(rows)
        if answered is None:
            raise asking.which_list(self._board, rows, reply, phrase=phrase)
        return answered

    def _answered(self, rows: Sequence[TodoList]) -> TodoList | None:
        """The one of these that an answer has settled."""
        settled = [row for row in rows if row.id in self._settled]
        return settled[0] if len(settled) == 1 else None

    def item_for(
        self, alias: str, reply: Reply, *, going_to: str | None = None, wants_done: bool | None = None
    ) -> TodoItem:
        """The item meant. `going_to` is the list that it is moved to, which is named in the request without being where
        the item is; `wants_done` is the state it shall get, so that of two alike the one that has it is not meant."""
        chosen = self._board.item_at(alias)
        named = self._narrowed(self._items, going_to)
        series = self._series(named)
        if series:
            return self._one_item(series, reply)
        if chosen is not None and chosen in named:
            return self._one_of(
                [item for item in named if same_name(item.title, chosen.title)], chosen, wants_done, reply
            )
        if named and all(same_name(item.title, named[0].title) for item in named):
            return self._one_of(named, None, wants_done, reply)
        if named:
            return self._one_item(named, reply)
        if self._items:
            # Named, but not in the list that the request names.
            lists = either([quoted(row.name) for row in self._lists])
            titles = joined([quoted(title) for title in dict.fromkeys(item.title for item in self._items)])
            raise stop(Outcome.NOT_FOUND, f"{titles} is not in {lists}. {NOTHING_CHANGED}", reason="not_in_list")
        if chosen is not None and self._group:
            inside = {row.id for row in self._lists if row.id != going_to}
            if chosen.list_id in inside or (not inside and len(self._board.lists) == 1):
                return chosen  # "everything from Groceries" names each of its items
        return self._likely_item(chosen, reply, going_to, wants_done)

    def _series(self, named: Sequence[TodoItem]) -> list[TodoItem]:
        """The items among which "report 3" is none, where report and report 2 are there; empty where all is well."""
        if not any(word.isdecimal() for word in words(self._request)):
            return []
        for item in named:
            akin = self._board.items_sharing_words(item.title, AKIN_MAX)
            titles = [other.title for other in akin]
            if likeness.other_number(self._request, item.title, titles, self._explained) is not None:
                own = words(item.title)
                return [other for other in akin if words(other.title)[: len(own)] == own]
        return []

    def _likely_item(
        self, chosen: TodoItem | None, reply: Reply, going_to: str | None, wants_done: bool | None
    ) -> TodoItem:
        """No item is named exactly: what the words are near to, if the model chose the same; else a question."""
        items = self._board.all_items()
        near = self._narrowed(likeness.near(self._pieces, ((item.title, item) for item in items)), going_to)
        if chosen is not None and near and all(same_name(item.title, chosen.title) for item in near):
            return self._one_of(near, chosen, wants_done, reply)
        if not near:
            left_out = _SAYS_NOTHING | {word for row in self._lists for word in words(row.name)}
            pieces = " ".join(word for piece in self._pieces for word in piece)
            titles = ((item.title, item) for item in items)
            near = self._narrowed(likeness.partly(pieces, titles, leave_out=left_out), going_to)
            if wants_done is not None:
                waiting = [item for item in near if item.done is not wants_done] or near
                if len(waiting) == 1 and chosen in (None, waiting[0]):
                    return waiting[0]
        guesses = [*([chosen] if chosen is not None else []), *near]
        if guesses:
            return self._one_item(guesses, reply)
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
            return self._one_item(alike, reply)
        return chosen if chosen is not None and chosen in alike else alike[0]

    def _one_item(self, items: Sequence[TodoItem], reply: Reply) -> TodoItem:
        settled = list({item.id: item for item in items if item.id in self._settled}.values())
        if len(settled) == 1:
            return settled[0]
        raise asking.which_item(self._board, items, self._request, reply)

    def _narrowed(self, items: Sequence[TodoItem], going_to: str | None) -> list[TodoItem]:
        """If the request names lists too, only items of those."""
        inside = {
            row.id
            for row in self._lists
            # A list called like an item ("Milk") must not hide the item.
            if row.id != going_to and not any(same_name(row.name, item.title) for item in items)
        }
        return [item for item in items if not inside or item.list_id in inside]
