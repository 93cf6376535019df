"""Each way in which a session can be told wrongly is seen."""

import pytest

from contracts.streams import CHAT, OUT

from .ledger import Account, Entry, settle

PLAN = Entry(OUT, 3, ("t1", "plan"))
PLAN_AGAIN = Entry(OUT, 5, ("t1", "plan"))  # it waits for the model; the stream forgets the one before
DONE = Entry(CHAT, 9, ("t1", "completed"))
NEXT = Entry(CHAT, 12, ("t2", "completed"))
HELD = [PLAN_AGAIN, DONE, NEXT]


def test_everything_once_and_in_order_is_settled() -> None:
    assert settle(HELD, HELD) == Account(told=3)
    assert settle([PLAN, *HELD], HELD) == Account(told=4)
    assert settle(HELD, HELD).is_settled


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ([PLAN_AGAIN, NEXT], {"lost": (DONE,)}),
        ([PLAN_AGAIN, DONE, DONE, NEXT], {"doubled": (DONE,)}),
        ([PLAN_AGAIN, NEXT, DONE], {"disordered": (DONE,)}),
        ([*HELD, Entry(CHAT, 13, ("t3", "completed"))], {"invented": (Entry(CHAT, 13, ("t3", "completed")),)}),
        ([*HELD, Entry(OUT, 7, ("t1", "plan"))], {"invented": (Entry(OUT, 7, ("t1", "plan")),)}),
    ],
)
def test_what_is_wrong_is_named(told: list[Entry], wrong: dict[str, tuple[Entry, ...]]) -> None:
    account = settle(told, HELD)
    assert {name: getattr(account, name) for name in ("lost", "doubled", "invented", "disordered")} == {
        "lost": (), "doubled": (), "invented": (), "disordered": ()
    } | wrong  # fmt: skip
    assert not account.is_settled


@pytest.mark.parametrize(
    ("wires", "wrong"),
    [
        ([HELD, [DONE, NEXT]], {}),  # told again on the next connection, as it may be
        ([HELD, [NEXT, NEXT]], {"repeated": (NEXT,)}),
        ([HELD, [NEXT, PLAN_AGAIN, DONE]], {"overtaken": (DONE,)}),
    ],
)
def test_what_is_wrong_on_one_connection_is_named_though_the_client_takes_it_out(
    wires: list[list[Entry]], wrong: dict[str, tuple[Entry, ...]]
) -> None:
    account = settle(HELD, HELD, wires=wires)
    assert account.sent == sum(map(len, wires))
    assert {"repeated": account.repeated, "overtaken": account.overtaken} == {"repeated": (), "overtaken": ()} | wrong
    assert account.is_settled is not bool(wrong)


def test_what_came_when_the_turn_had_its_end_may_be_told_or_not() -> None:
    late = Entry(OUT, 14, ("t1", "execute"))
    assert settle(HELD, [*HELD, late], [late]).is_settled
    assert settle([*HELD, late], [*HELD, late], [late]).is_settled


def test_accounts_add_up() -> None:
    both = settle(HELD, HELD) + settle([PLAN_AGAIN, NEXT], HELD)
    assert (both.told, both.lost, both.is_settled) == (5, (DONE,), False)
    assert Entry.stored(CHAT, 9, "evt.chat.s1.t1.completed") == DONE
