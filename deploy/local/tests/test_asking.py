"""What `ask` and `lists` print and return, and that the command's own words come without heavy imports."""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from client import Lists
from contracts.todo import Priority, TodoItem, TodoList
from contracts.turns import Candidate, Outcome, Receipt, TurnCompleted
from local_stack.__main__ import main
from local_stack.asking import STATUS, lists_json, lists_text, local_time_zone, rendered, rendered_json
from local_stack.command_line import parser
from local_stack.ports import free_port


def test_every_outcome_has_its_status() -> None:
    by_status = {status: {outcome.value for outcome in Outcome if STATUS[outcome] == status} for status in (0, 1, 3)}
    assert by_status == {
        0: {"confirmed", "already_so", "answered"},
        3: {"clarify", "not_found", "refused", "conflict", "cancelled"},
        1: {"failed", "unknown", "refuted"},
    }
    assert set(STATUS) == set(Outcome)


def completed(text: str, *candidates: Candidate) -> TurnCompleted:
    return TurnCompleted(
        session="s",
        turn_id="t",
        outcome=Outcome.CLARIFY,
        text=text,
        candidates=candidates,
        receipt=Receipt(),
        completed_at=datetime.now(UTC),
    )


def test_people_see_the_outcome_the_text_and_what_to_reply() -> None:
    turn = completed("Which one?", Candidate(label="Groceries", reply="add milk to Groceries"))
    assert rendered(turn) == "clarify: Which one?\n  Groceries: add milk to Groceries"


def test_a_title_cannot_write_on_the_terminal() -> None:
    assert "\x1b" not in rendered(completed("\x1b[2J\u202egone"))
    assert "\u202e" not in rendered(completed("\x1b[2J\u202egone"))


def test_what_joins_letters_and_emoji_is_kept() -> None:
    family, persian = "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u0645\u06cc\u200c\u062e\u0648"
    assert rendered(completed(f"{family} {persian}")) == f"clarify: {family} {persian}"


def test_programs_get_one_object_of_three_fields() -> None:
    assert '"outcome": "clarify"' in rendered_json(completed("Übung"))
    assert "Übung" in rendered_json(completed("Übung"))
    assert "\n" not in rendered_json(completed("two\nlines"))


def test_lists_are_shown_in_order_with_what_matters() -> None:
    groceries = TodoList(id="l1", name="Groceries", position="a0", version=1)
    milk = TodoItem(id="i1", list_id="l1", title="milk", done=True, position="a0", version=1)
    eggs = TodoItem(
        id="i2",
        list_id="l1",
        title="eggs",
        due=date(2026, 11, 23),
        priority=Priority.HIGH,
        position="a1",
        version=1,
    )
    state = Lists(revision=3, lists=((groceries, (milk, eggs)),))
    assert lists_text(state) == "Groceries\n  [x] milk\n  [ ] eggs (due 2026-11-23) (high priority)"
    assert lists_json(state).startswith('{"revision": 3, "lists": [{"id": "l1", "name": "Groceries"')
    assert lists_text(Lists(revision=0, lists=())) == "no lists"


def test_the_time_zone_is_this_machines_or_utc(tmp_path: Path) -> None:
    assert local_time_zone({"TZ": "Europe/Berlin"}) == "Europe/Berlin"
    assert local_time_zone({"TZ": ":Asia/Tokyo"}) == "Asia/Tokyo"
    assert local_time_zone({"TZ": "../../etc/passwd"}) == "UTC"
    zone = tmp_path / "zoneinfo" / "Europe" / "Rome"
    zone.parent.mkdir(parents=True)
    zone.touch()
    link = tmp_path / "localtime"
    link.symlink_to(zone)
    assert local_time_zone({}, link) == "Europe/Rome"
    assert local_time_zone({}, tmp_path / "missing") == "UTC"


@pytest.mark.parametrize(
    "arguments",
    [
        ["up", "--port", "0"],
        ["up", "--port", "x"],
        ["up", "--scale", "signaling=2"],
        ["up", "--scale", "agent=0"],
        ["up", "--scale", "agent=²"],
        ["up", "--deaths", "-1"],
        ["up", "--deaths", "1001"],
        ["up", "--standin", "--model-url", "http://localhost:1"],
        ["up", "--model-url", "localhost:1234"],
        ["lists", "more"],
        ["up", "--listen", "here"],
        ["up", "--listen", "1.2.3"],
        ["token"],
        ["token", "--owner", " "],
        ["token", "--owner", "x" * 201],
        ["token", "--owner", "a\nb"],
        ["token", "--owner", "me", "--days", "0"],
        ["token", "--owner", "me", "--days", "367"],
        ["token", "--owner", "me", "--minutes", "-1"],
        ["token", "--owner", "me", "--days", "1", "--minutes", "1"],
    ],
)
def test_usage_that_is_wrong_ends_with_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(arguments)
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_how_many_deaths_are_too_many_can_be_said() -> None:
    assert parser().parse_args(["up"]).deaths == 5
    assert parser().parse_args(["up", "--deaths", "1000"]).deaths == 1000


def test_services_are_scaled_by_name() -> None:
    arguments = parser().parse_args(["up", "--scale", "agent=2,rtc-gateway=3"])
    assert arguments.scale == {"agent": 2, "rtc-gateway": 3}


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys, local_stack.__main__ as m; m.parser(); "
        "print(*sorted({'asyncio', 'pydantic', 'nats', 'aiortc', 'httpx', 'client', 'contracts'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == ""


@pytest.mark.parametrize("runs", [True, False])
def test_without_a_url_the_running_stack_is_asked_and_else_the_usual_port(
    runs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://localhost:{free_port()}"
    if runs:
        (tmp_path / "stack.json").write_text(json.dumps({"pid": os.getpid(), "url": url}))
    asked: list[tuple[str, str | None]] = []
    monkeypatch.setattr("local_stack.directory.default_directory", lambda *_, **__: tmp_path)
    monkeypatch.setattr("local_stack.asking.lists", lambda url, *, token, as_json: asked.append((url, token)) or 0)
    monkeypatch.setattr("sys.argv", ["todo-agent", "lists"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, capsys.readouterr().err) == (0, "")
    assert asked == [(url if runs else "http://localhost:5173", None)]
