"""The script and the record of requests, and that they exist only where they were asked for."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

Steps = Callable[[httpx.Response], list[dict[str, str]]]


async def test_steps_are_consumed_in_order_and_then_the_rules_answer(standin: Any, arguments: Steps) -> None:
    await standin.script({"plan": [{"op": "show"}]}, {"pass": True})
    await standin.script({"plan": [{"op": "undo"}]})
    answers = [arguments(await standin.ask("delete eggs")) for _ in range(4)]
    deletion = [{"op": "delete_item", "item": "L1.2"}]
    assert answers == [[{"op": "show"}], deletion, [{"op": "undo"}], deletion]


async def test_a_script_names_lists_and_items_by_their_names(standin: Any, arguments: Steps) -> None:
    plan = [
        {"op": "move_item", "item": {"$item": "Milk"}, "list": {"$list": "travel"}},
        {"op": "nonsense", "x": [1, None]},
    ]
    await standin.script({"plan": plan})
    answer = arguments(await standin.ask("hello"))
    assert answer == [{"op": "move_item", "item": "L1.1", "list": "L2"}, {"op": "nonsense", "x": [1, None]}]


async def test_a_name_that_is_not_there_fails_loudly(standin: Any) -> None:
    await standin.script({"plan": [{"op": "show", "list": {"$list": "Nowhere"}}]})
    response = await standin.ask("hello")
    assert response.status_code == 500
    assert response.json() == {
        "error": "stand-in script: the script names a list that is not in the prompt's state: 'Nowhere'"
    }


async def test_a_script_can_be_forgotten(standin: Any, arguments: Steps) -> None:
    await standin.script({"fault": "empty"}, {"fault": "empty"})
    assert (await standin.http.delete("/__standin__/script")).json() == {"dropped": 2}
    assert arguments(await standin.ask("undo")) == [{"op": "undo"}]


@pytest.mark.parametrize(
    "step",
    [
        {}, {"fault": "no_such"}, {"pass": True, "fault": "lie"}, {"fault": "lie", "secnds": 3}, {"plan": "show"},
        {"fault": "hang", "seconds": 601}, {"fault": "duplicate_calls", "times": 51}, {"pass": False}, 7,
    ],
)  # fmt: skip
async def test_a_step_that_is_none_is_refused_and_nothing_is_queued(standin: Any, step: Any) -> None:
    response = await standin.http.post("/__standin__/script", json=[{"pass": True}, step])
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"][0] == 1
    assert (await standin.requests())["queued"] == 0


async def test_a_script_is_bounded(standin: Any) -> None:
    response = await standin.http.post("/__standin__/script", json=[{"pass": True}] * 1001)
    assert (response.status_code, response.json()) == (422, {"error": "at most 1000 steps can be queued"})


async def test_the_requests_seen_can_be_read(standin: Any) -> None:
    await standin.script({"fault": "lie"})
    body = standin.body("add tea to Groceries", seed=7)
    await standin.http.post("/v1/chat/completions", json=body, headers={"Authorization": "Bearer secret-token"})
    await standin.ask("undo")
    found = await standin.requests()
    first, second = found["requests"][-2:]
    assert (first["body"], first["authorized"], first["answered_by"]) == (body, True, "fault:lie")
    assert (second["body"]["messages"][1]["content"].endswith("<request>\nundo\n</request>"), second["authorized"]) == (
        True,
        False,
    )
    assert (second["answered_by"], second["number"]) == ("rules", found["seen"])
    assert "secret-token" not in json.dumps(found)


async def test_waiting_for_more_requests_than_come_ends(standin: Any) -> None:
    found = await standin.requests(at_least=10_000, timeout=0.05)
    assert found["reached"] is False
    response = await standin.http.get("/__standin__/requests", params={"at_least": "many"})
    assert response.status_code == 422


async def test_only_the_last_200_requests_are_kept(start: Any) -> None:
    async with start("--scriptable") as fresh:
        for number in range(205):
            await fresh.http.post("/v1/chat/completions", json={"n": number})
        found = await fresh.requests()
    assert found["seen"] == 205
    assert [entry["body"]["n"] for entry in found["requests"]] == list(range(5, 205))


async def test_unless_scriptable_it_cannot_be_scripted(start: Any) -> None:
    async with start() as plain:
        for method, path in (
            ("POST", "/__standin__/script"),
            ("DELETE", "/__standin__/script"),
            ("GET", "/__standin__/requests"),
            ("POST", "/__standin__/release"),
        ):
            response = await plain.http.request(method, path)
            assert response.json() == {"error": f"Unexpected endpoint or method. ({method} {path})"}


async def test_a_script_file_is_answered_first(start: Any, tmp_path: Path, arguments: Steps) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps([{"plan": [{"op": "undo"}]}]))
    async with start("--script", str(script)) as scripted:
        assert arguments(await scripted.ask("show Travel")) == [{"op": "undo"}]
        assert arguments(await scripted.ask("show Travel")) == [{"op": "show", "list": "L2"}]


async def test_more_requests_than_can_wait_are_refused(start: Any) -> None:
    async with start("--scriptable", "--parallel", "1") as narrow:
        await narrow.script({"fault": "hang", "seconds": 600})
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=narrow.http.base_url, timeout=20, limits=limits) as crowd:
            body = narrow.body("undo")
            asking = [asyncio.ensure_future(crowd.post("/v1/chat/completions", json=body)) for _ in range(66)]
            done, waiting = await asyncio.wait(asking, timeout=20, return_when=asyncio.FIRST_COMPLETED)
            assert {task.result().status_code for task in done} == {503}
            await narrow.http.post("/__standin__/release")
            answers = [await task for task in waiting]
        assert {answer.status_code for answer in answers} == {200}
        assert len(done) == 1


async def fails_with(*arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "standin", *arguments, stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode, complaint.decode()


async def test_a_taken_port_is_one_clear_line(standin: Any) -> None:
    port = str(standin.http.base_url.port)
    status, complaint = await fails_with("--port", port)
    assert (status, complaint) == (1, f"standin: cannot listen on 127.0.0.1 port {port}: Address already in use\n")


async def test_a_bad_script_file_is_one_clear_line(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    status, complaint = await fails_with("--port", "0", "--script", str(script))
    assert (status, complaint) == (1, f"standin: cannot read the script {script}: No such file or directory\n")
    script.write_text('[{"fault": "no_such"}]')
    status, complaint = await fails_with("--port", "0", "--script", str(script))
    assert status == 1
    assert complaint.startswith(f"standin: the script {script} is not a list of script steps: 0.fault: Input should be")
    assert complaint.count("\n") == 1


async def test_a_number_out_of_bounds_is_a_usage_error() -> None:
    status, complaint = await fails_with("--port", "70000")
    assert status == 2
    assert "70000 is not between 0 and 65535" in complaint


async def test_sigterm_ends_it_even_in_the_middle_of_a_hang(start: Any) -> None:
    async with start("--scriptable") as leaving:
        await leaving.script({"fault": "hang", "seconds": 600})
        asking = asyncio.ensure_future(leaving.ask("undo"))
        assert (await leaving.requests(at_least=1))["reached"]
        leaving.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(leaving.process.wait(), 10)
        with pytest.raises(httpx.HTTPError):
            (await asking).raise_for_status()
