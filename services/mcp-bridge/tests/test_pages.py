"""Pages: bounded, and all of them together tell everything once."""

from datetime import UTC, date, datetime

import pytest

from contracts.store import Changes, ListCount, SearchResult
from contracts.todo import Author, Image, JournalEntry, Priority, TodoItem, TodoList
from mcp_bridge.answers import Answer
from mcp_bridge.pages import PAGE_CHARS, Cursor, changes_page, found_page, lists_page


def item(item_id: str, list_id: str, **more: object) -> TodoItem:
    return TodoItem.model_validate(
        {"id": item_id, "list_id": list_id, "title": item_id, "position": "a", "version": 1, **more}
    )


def count(list_id: str, still_open: int, done: int = 0) -> ListCount:
    return ListCount(id=list_id, name=f"List {list_id}", open=still_open, done=done)


class Shelf:
    """Lists with items, given out as todo-store does."""

    def __init__(self, *lists: tuple[str, list[str]]) -> None:
        self.lists = list(lists)

    def page(self, cursor: str, limit: int) -> Answer:
        behind = Cursor.read(cursor)
        places = [(list_id, item_id) for list_id, items in self.lists for item_id in items]
        if behind.item_id:
            left = places[places.index((behind.list_id, behind.item_id)) + 1 :]
        elif behind.list_id:
            names = [list_id for list_id, _ in self.lists]
            left = [place for place in places if names.index(place[0]) > names.index(behind.list_id)]
        else:
            left = places
        found = SearchResult(
            revision=7,
            items=tuple(item(item_id, list_id) for list_id, item_id in left[:limit]),
            total=len(places),
            counts=tuple(count(list_id, len(items)) for list_id, items in self.lists),
        )
        return lists_page(found, behind=behind, only="", limit=limit, left=len(left) > limit)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 50])
@pytest.mark.parametrize(
    "shelf",
    [
        Shelf(("la", ["i1", "i2", "i3"]), ("lb", []), ("lc", ["i4"]), ("ld", []), ("le", [])),
        Shelf(("la", []), ("lb", []), ("lc", ["i1", "i2"])),
        Shelf(("la", []), ("lb", []), ("lc", [])),
        Shelf(("la", ["i1"]), ("lb", ["i2"]), ("lc", ["i3"])),
    ],
)
def test_the_pages_together_show_every_list_and_every_item_once_and_in_order(shelf: Shelf, limit: int) -> None:
    shown: list[tuple[str, list[str]]] = []
    cursor, pages = "", 0
    while True:
        facts = shelf.page(cursor, limit).facts
        pages += 1
        for row in facts["lists"]:
            items = [one["id"] for one in row["items"]]
            if shown and shown[-1][0] == row["id"]:
                shown[-1][1].extend(items)  # it goes on
            else:
                shown.append((row["id"], items))
        rows = sum(max(1, len(row["items"])) for row in facts["lists"])
        assert rows <= limit
        cursor = facts.get("next_cursor", "")
        if not cursor:
            break
        assert pages < 20
    assert shown == shelf.lists


def test_no_lists_at_all_name_the_tool_that_makes_one() -> None:
    answer = Shelf().page("", 50)
    assert answer.text == "revision 7: no lists yet; create_todo_list makes one."
    assert answer.facts == {"revision": 7, "lists": []}


def test_a_page_ends_early_where_its_lines_are_long() -> None:
    items = tuple(item(f"i{number}", "la", title="x" * 500, notes="y" * 500) for number in range(100))
    found = SearchResult(revision=1, items=items, total=100, counts=(count("la", 100),))
    answer = lists_page(found, behind=Cursor(), only="", limit=100, left=False)
    assert len(answer.text) < PAGE_CHARS + 1000
    shown = answer.facts["lists"][0]["items"]
    assert 10 < len(shown) < 100
    assert answer.facts["next_cursor"] == f"la.{shown[-1]['id']}"


def test_what_is_set_on_an_item_is_told_and_text_of_the_user_cannot_end_its_quotes() -> None:
    told = item(
        "i1", "la", title='say "hi"', notes="one\ntwo", done=True, due=date(2026, 12, 1), priority=Priority.HIGH
    )
    lists = (TodoList(id="la", name='A "list"', position="a", version=1),)
    found = SearchResult(revision=3, items=(told,), lists=lists, total=1)
    assert found_page(found, words="hi", left=False).text == (
        'revision 3: 1 item with "hi".\n'
        'i1 "say \\"hi\\"" in "A \\"list\\"" (la), done, due 2026-12-01, priority high, notes "one\\ntwo"'
    )


def test_notes_are_shown_whole_of_one_item_and_cut_of_several() -> None:
    long = "n" * 5000
    one = found_page(SearchResult(revision=1, items=(item("i1", "la", notes=long),), total=1), words="", left=False)
    assert one.facts["items"][0]["notes"] == long
    both = (item("i1", "la", notes=long), item("i2", "la", notes=long))
    two = found_page(SearchResult(revision=1, items=both, total=2), words="", left=False)
    assert all(len(row["notes"]) < 300 for row in two.facts["items"])


def entry(revision: int, *images: Image) -> JournalEntry:
    return JournalEntry(
        revision=revision,
        change_id=f"c{revision}",
        operation_id="o",
        author=Author.BOARD,
        at=datetime(2026, 12, 1, 9, tzinfo=UTC),
        images=images,
    )


def test_changes_are_told_with_what_they_did_and_where_to_go_on() -> None:
    old = item("i1", "la", title="milk")
    new = item("i1", "lb", title="oat milk", done=True, priority=Priority.LOW, notes="n")
    renamed = (TodoList(id="la", name=name, position="a", version=1) for name in ("Old", "New"))
    before, after = renamed
    changes = Changes(
        revision=9,
        entries=(
            entry(5, Image(row_id="i1", before=None, after=old)),
            entry(6, Image(row_id="i1", before=old, after=new)),
            entry(7, Image(row_id="la", before=before, after=after), Image(row_id="i1", before=new, after=None)),
        ),
    )
    answer = changes_page(changes, since=4)
    lines = answer.text.splitlines()
    assert lines[0] == "revision 9: 3 changes after revision 4, oldest first."
    start = "change c{0}, by board, 2026-12-01T09:00:00Z: "
    assert lines[1] == "revision 5, " + start.format(5) + 'made item i1 "milk" in la'
    assert lines[2] == "revision 6, " + start.format(6) + (
        'changed item i1 "oat milk" in lb: title "milk" to "oat milk", done false to true, priority none to low, '
        'list_id "la" to "lb", other notes'
    )
    assert lines[3] == "revision 7, " + start.format(7) + (
        'changed list la "New" : name "Old" to "New"; deleted item i1 "oat milk" in lb'.replace('" :', '":')
    )
    assert lines[4] == "More: call get_changes with since=7."
    assert [row["change_id"] for row in answer.facts["changes"]] == ["c5", "c6", "c7"]
