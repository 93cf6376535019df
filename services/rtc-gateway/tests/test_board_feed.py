"""The journal put in order: whatever is lost, repeated or late, a page is told what follows, or to read the state."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from contracts.channel import StateStale
from contracts.store import Changes
from contracts.todo import Author, JournalEntry
from rtc_gateway.board_feed import KEPT_BYTES, KEPT_ENTRIES, BoardFeed, PageBoard

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SIZE = 100


def entry(revision: int, life: int = 0) -> JournalEntry:
    change = f"c{life}x{revision}"
    return JournalEntry(revision=revision, change_id=change, operation_id="o1", author=Author.CHAT, at=NOW)


def take(feed: BoardFeed, *revisions: int) -> None:
    for revision in revisions:
        feed.take(entry(revision), SIZE)


def changes(*revisions: int, newest: int | None = None) -> Changes:
    return Changes(
        revision=newest if newest is not None else max(revisions, default=0),
        entries=tuple(entry(revision) for revision in revisions),
    )


def asked(feed: BoardFeed, answer: Changes) -> None:
    ask = feed.ask()
    assert ask is not None
    feed.answer(ask, answer)


def told(page: PageBoard) -> list[int | str]:
    """What the page is told: revisions, and `stale 7`."""
    heard: list[int | str] = []
    while (message := page.next()) is not None:
        heard.append(f"stale {message.revision}" if isinstance(message, StateStale) else message.entry.revision)
    assert not page.waiting
    return heard


def loaded(revision: int, feed: BoardFeed | None = None) -> tuple[BoardFeed, PageBoard]:
    feed = feed or BoardFeed()
    page = PageBoard(feed)
    page.loaded(revision)
    return feed, page


def test_entries_are_told_in_order_once() -> None:
    feed, page = loaded(4)
    take(feed, 4, 5, 5, 6)
    assert told(page) == [5, 6]
    take(feed, 6, 7)
    assert told(page) == [7]


def test_what_is_behind_a_gap_waits_for_the_answer_and_is_not_told_twice() -> None:
    feed, page = loaded(4)
    take(feed, 6, 7)
    assert told(page) == []
    assert feed.behind
    asked(feed, changes(5, 6, newest=7))
    assert told(page) == [5, 6, 7]
    assert not feed.behind


def test_an_answer_that_ends_early_leaves_the_rest_to_be_asked_for() -> None:
    feed, page = loaded(0)
    asked(feed, changes(1, 2, newest=5))
    assert (told(page), feed.behind) == ([1, 2], True)
    asked(feed, changes(3, 4, 5))
    assert (told(page), feed.behind) == ([3, 4, 5], False)


def test_a_last_change_whose_event_was_lost_is_found_by_asking_although_nothing_seems_missing() -> None:
    feed, page = loaded(4)
    assert not feed.behind
    asked(feed, changes(5))
    assert told(page) == [5]


def test_rows_that_are_newer_than_any_event_say_that_something_is_missing() -> None:
    feed, first = loaded(4)
    second = PageBoard(feed)
    second.loaded(6)
    assert feed.behind
    asked(feed, changes(5, 6))
    assert (told(first), told(second)) == ([5, 6], [])
    take(feed, 7)
    assert (told(first), told(second)) == ([7], [7])


def test_a_page_that_has_asked_for_no_state_is_told_what_comes_from_now_on() -> None:
    feed = BoardFeed()
    early = PageBoard(feed)
    take(feed, 8)
    late = PageBoard(feed)
    take(feed, 9)
    assert (told(early), told(late)) == ([8, 9], [9])


def test_rows_older_than_what_is_kept_are_followed_from_where_they_are() -> None:
    feed = BoardFeed()
    take(feed, 8)
    first = PageBoard(feed)
    page = PageBoard(feed)
    page.loaded(5)
    assert told(page) == []
    assert feed.behind  # 8 is known, and was not kept for so long
    asked(feed, changes(6, 7, 8))
    take(feed, 9)
    assert (told(page), told(first)) == ([6, 7, 8, 9], [9])


def test_a_page_that_is_too_far_behind_is_told_once_and_goes_on_from_there() -> None:
    feed, page = loaded(0)
    take(feed, *range(1, KEPT_ENTRIES + 50))
    assert told(page) == [f"stale {KEPT_ENTRIES + 49}"]
    page.loaded(KEPT_ENTRIES + 49)
    take(feed, KEPT_ENTRIES + 50)
    assert told(page) == [KEPT_ENTRIES + 50]


def test_a_gap_too_long_to_be_filled_is_one_word_to_every_page() -> None:
    feed, page = loaded(3)
    take(feed, 1000)
    asked(feed, changes(4, 5, newest=1001))
    assert not feed.behind
    assert told(page) == ["stale 1001"]
    take(feed, 1002)
    assert told(page) == [1002]


def test_a_journal_that_does_not_give_what_it_counts_is_passed_over() -> None:
    feed, page = loaded(3)
    asked(feed, changes(newest=6))
    assert (told(page), feed.behind) == (["stale 6"], False)


def test_revisions_that_begin_anew_are_noticed_by_the_answer_and_by_an_entry_that_is_another() -> None:
    feed, page = loaded(4)
    asked(feed, changes(newest=0))
    assert told(page) == ["stale 0"]
    page.loaded(0)
    take(feed, 1)
    assert told(page) == [1]
    feed.take(entry(1, life=2), SIZE)
    assert told(page) == ["stale 0"]
    page.loaded(1)
    take(feed, 2)
    assert told(page) == [2]


def test_an_answer_that_was_asked_for_before_later_entries_is_not_taken_for_a_new_life() -> None:
    feed, page = loaded(4)
    ask = feed.ask()
    take(feed, 5, 6)
    assert ask is not None
    feed.answer(ask, changes(newest=4))
    assert (told(page), feed.life) == ([5, 6], 0)


def test_what_is_kept_is_bounded_by_count_and_by_bytes_on_both_sides_of_a_gap() -> None:
    feed, _ = loaded(0)
    for revision in (*range(1, 3000), *range(4000, 7000)):
        feed.take(entry(revision), SIZE)
    assert feed.held_bytes <= 2 * KEPT_ENTRIES * SIZE
    large = BoardFeed()
    large.read_at(0)
    for revision in (*range(1, 100), *range(200, 300)):
        large.take(entry(revision), KEPT_BYTES // 10)
    assert large.held_bytes <= 2 * KEPT_BYTES


def test_one_entry_larger_than_the_bound_still_comes_through() -> None:
    feed, page = loaded(0)
    feed.take(entry(1), KEPT_BYTES + 1)
    assert told(page) == [1]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(("arrives", "lost", "twice", "late", "look", "state")), st.booleans()),
    ),
    max_size=80,
)


@given(STEPS, st.integers(min_value=1, max_value=7))
def test_whatever_is_lost_a_page_follows_without_a_hole_and_is_current_after_a_look(
    steps: list[tuple[str, bool]], limit: int
) -> None:
    """The page applies its rules: an entry that follows is taken, an older one ignored, anything else is a fault."""
    newest = 0
    feed, page = loaded(0)
    shown = 0
    late: list[int] = []

    def read() -> None:
        nonlocal shown
        while (message := page.next()) is not None:
            assert not isinstance(message, StateStale)  # nothing here is beyond what is kept
            assert message.entry.revision <= shown + 1, "a hole"
            shown = max(shown, message.entry.revision)

    def look() -> None:
        while True:
            ask = feed.ask()
            assert ask is not None
            feed.answer(ask, changes(*range(ask.since + 1, min(newest, ask.since + limit) + 1), newest=newest))
            if not feed.behind:
                return

    for step, reads in steps:
        if step in {"arrives", "lost", "twice", "late"}:
            newest += 1
        if step in {"arrives", "twice"}:
            take(feed, *([newest] * (2 if step == "twice" else 1)))
        elif step == "late":
            late.append(newest)
        elif step == "look":
            take(feed, *late)
            late.clear()
            look()
        elif step == "state":
            page.loaded(newest)
            shown = newest
        if reads:
            read()
    look()
    read()
    assert shown == newest
