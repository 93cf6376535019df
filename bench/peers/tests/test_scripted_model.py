"""The model that everybody talks to, and that what is scored as right is what its right acts come to."""

import json
from typing import Any

import pytest
from bench.peers.driver.stores import MemoryStore
from bench.peers.rows import as_lists, of_lists, seeded
from bench.peers.scenarios import OTHERS_TITLE, SCENARIOS, Scenario
from bench.peers.scripted_model import CALLS_MAX, Player

from contracts.planning import plan_schema
from standin.chat_request import WireError
from standin.lmstudio import Answer

SCENARIO = {scenario.name: scenario for scenario in SCENARIOS}
IDS = {"$list:Groceries": "lg", "$list:Work": "lw", "$item:eggs": "ie", "$item:bread": "ib", "$item:report": "ir"}
STATE = {
    "lists": [
        {"list": "L1", "name": "Groceries", "items": [{"item": "L1.1", "title": "eggs", "done": False}]},
        {"list": "L2", "name": "Work", "items": []},
    ]
}
LISTS = '{"lists": []}'
OK = '{"ok": true}'
STORE_ERROR = '{"store_error": "there is no list l0notthere"}'
NUDGE = "Nothing has changed."


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}


class Talk:
    """A peer's conversation with the model."""

    def __init__(self, scenario: str, *tools: str, **player: Any) -> None:
        self.player = Player(SCENARIO[scenario], IDS, **player)
        self.messages: list[dict[str, Any]] = [{"role": "user", "content": "please"}]
        self.tools = [tool(name) for name in tools or ("get_lists", "add_item")]

    async def hear(self, *shown: str, role: str = "tool") -> Answer:
        self.messages += [{"role": role, "content": text} for text in shown]
        answer = await self.player.answer({"messages": self.messages, "tools": self.tools})
        self.messages.append({"role": "assistant", "content": answer.content})
        return answer


def calls(answer: Answer) -> list[tuple[str, Any]]:
    return [(call.name, json.loads(call.arguments)) for call in answer.calls]


async def test_it_reads_then_acts_then_tells() -> None:
    talk = Talk("nothing goes wrong")
    assert calls(await talk.hear()) == [("get_lists", {})]
    assert calls(await talk.hear(LISTS)) == [("add_item", {"list_id": "lg", "title": "milk"})]
    assert (await talk.hear(OK)).content.startswith("Done!")
    assert talk.player.calls == 3
    assert talk.player.prompt_tokens > 0


async def test_it_errs_once_and_claims_success_over_the_stores_error_and_acts_well_when_asked_again() -> None:
    talk = Talk("an id that does not exist")
    await talk.hear()
    assert calls(await talk.hear(LISTS)) == [("add_item", {"list_id": "l0notthere", "title": "milk"})]
    assert (await talk.hear(STORE_ERROR)).content.startswith("Done!")
    assert calls(await talk.hear(NUDGE, role="user")) == [("add_item", {"list_id": "lg", "title": "milk"})]


async def test_a_frameworks_complaint_is_a_question_asked_again() -> None:
    talk = Talk("arguments that are not JSON")
    await talk.hear()
    broken = await talk.hear(LISTS)
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken.calls[0].arguments)
    assert calls(await talk.hear('{"error": "invalid JSON"}')) == [("add_item", {"list_id": "lg", "title": "milk"})]


@pytest.mark.parametrize(
    ("scenario", "then"),
    [
        ("no answer after the commit; the model gives up", "I could not do that: the store did not answer."),
        ("no answer after the commit; the model tries again", ""),
    ],
)
async def test_it_tells_of_the_stores_error_or_tries_again_once(scenario: str, then: str) -> None:
    talk = Talk(scenario)
    await talk.hear()
    await talk.hear(LISTS)
    answer = await talk.hear(STORE_ERROR)
    assert answer.content == then
    assert bool(answer.calls) is (then == "")
    assert not (await talk.hear(STORE_ERROR)).calls


async def test_a_liar_claims_without_a_call_and_a_stubborn_one_again() -> None:
    for scenario, acts in (("a claim without a call", True), ("a claim without a call, again and again", False)):
        talk = Talk(scenario)
        await talk.hear()
        lie = await talk.hear(LISTS)
        assert (lie.content[:5], lie.calls) == ("Done!", ())
        assert bool((await talk.hear(NUDGE, role="user")).calls) is acts


async def test_where_ending_is_a_tool_it_ends_by_it() -> None:
    talk = Talk("nothing goes wrong", "get_lists", "add_item", "final_answer")
    await talk.hear()
    await talk.hear(LISTS)
    (name, arguments) = calls(await talk.hear(OK))[0]
    assert (name, arguments["answer"][:5]) == ("final_answer", "Done!")


async def test_the_other_writer_comes_once_after_the_read_and_before_the_act_is_answered() -> None:
    seen: list[int] = []

    async def write() -> None:
        seen.append(talk.player.calls)

    talk = Talk("another writer", other_writer=write)
    for shown in ((), (LISTS,), (OK,)):
        await talk.hear(*shown)
    assert seen == [2]


async def test_like_lm_studio_it_refuses_an_empty_id_that_is_sent_back() -> None:
    talk = Talk("a call with an empty id")
    await talk.hear()
    spoilt = await talk.hear(LISTS)
    assert [call.id for call in spoilt.calls] == [""]
    talk.messages[-1]["tool_calls"] = [{"id": "", "function": {"name": "add_item", "arguments": "{}"}}]
    with pytest.raises(WireError):
        await talk.hear(OK)


async def test_its_calls_are_bounded() -> None:
    talk = Talk("a claim without a call, again and again")
    for _ in range(CALLS_MAX):
        await talk.hear()
    with pytest.raises(WireError):
        await talk.hear()


def ours(**more: Any) -> dict[str, Any]:
    content = f"<state>{json.dumps(STATE)}</state><request>x</request>"
    return {"messages": [{"role": "user", "content": content}], **more}


async def test_for_us_it_plans_in_one_call_and_in_the_same_form() -> None:
    body = ours(tools=[tool("plan")])
    plan = {"steps": [{"op": "add_item", "list": "L1", "text": "milk"}]}
    assert calls(await Player(SCENARIO["nothing goes wrong"], IDS).answer(body)) == [("plan", plan)]
    assert calls(await Player(SCENARIO["the same call twice"], IDS).answer(body)) == [("plan", plan)] * 2
    wrong = (await Player(SCENARIO["an id that does not exist"], IDS).answer(body)).calls[0]
    assert json.loads(wrong.arguments)["steps"][0]["list"] == "L9"
    assert (await Player(SCENARIO["the call as text"], IDS).answer(body)).content.startswith("<tool_call>")
    assert not (await Player(SCENARIO["an answer without choices"], IDS).answer(body)).choices


async def test_asked_again_by_us_it_plans_well_in_the_form_that_was_asked_for() -> None:
    player = Player(SCENARIO["a claim without a call"], IDS)
    assert (await player.answer(ours(tools=[tool("plan")]))).content.startswith("Done!")
    form = {"type": "json_schema", "json_schema": {"schema": plan_schema()}}
    again = await player.answer(ours(response_format=form))
    assert json.loads(again.content)["steps"][0]["op"] == "add_item"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_gold_state_is_what_the_right_acts_come_to(scenario: Scenario) -> None:
    _, ids = seeded(scenario.seed)
    store = MemoryStore(as_lists(scenario.seed, ids), "")
    if scenario.other_writer:
        store.change({"op": "create_item", "item_id": "i", "list_id": ids["$list:Groceries"], "title": OTHERS_TITLE})
    for act in scenario.right if not scenario.stubborn else ():
        arguments = {name: ids.get(value, value) for name, value in act.arguments.items()}
        store.change({"op": act.tool.replace("add_item", "create_item"), "item_id": "inew", **arguments})
    reached = {name: sorted(rows) for name, rows in of_lists(store._lists).items()}
    assert reached == {name: sorted(rows) for name, rows in scenario.gold.items()}
    assert scenario.may_claim is (scenario.gold != scenario.seed)


def test_scenarios_have_names_of_their_own() -> None:
    assert len(SCENARIO) == len(SCENARIOS) >= 12
