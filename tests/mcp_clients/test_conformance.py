"""The official conformance suite, over HTTP: what it finds is nothing, or needs a fixture of the suite's own.

The suite comes with tools, prompts and resources that a server is to have for being tested (`test_simple_text`,
`test://static-text`, ...). This server has twelve tools, and is not built anew with others for a test. So such a
scenario fails, and has to fail for that very reason: the message must name the fixture.
"""

import asyncio
import json
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local_stack.ports import free_port
from local_stack.temporary import RunningStack

from .bridge import BOUND_S, new_owner
from .node_tools import installed, run

SUITE_S = 110
PASSED = {"SUCCESS", "INFO", "SKIPPED", "WARNING"}

# Scenario: what it needs of the suite's own, as the failure tells it.
TOOLS = {
    "tools-call-simple-text": 'Unknown tool "test_simple_text"',
    "tools-call-image": 'Unknown tool "test_image_content"',
    "tools-call-audio": 'Unknown tool "test_audio_content"',
    "tools-call-embedded-resource": 'Unknown tool "test_embedded_resource"',
    "tools-call-mixed-content": 'Unknown tool "test_multiple_content_types"',
    "tools-call-error": 'Unknown tool "test_error_handling"',
    "tools-call-with-progress": 'Unknown tool "test_tool_with_progress"',
    "json-schema-2020-12": "Tool 'json_schema_2020_12_tool' not found",
}
NO_PROMPT = "no prompt has this name; there are plan_my_day"
NO_RESOURCE = "there are todo://lists and"
OTHERS = {
    "prompts-get-simple": NO_PROMPT,
    "prompts-get-with-args": NO_PROMPT,
    "prompts-get-embedded-resource": NO_PROMPT,
    "prompts-get-with-image": NO_PROMPT,
    "resources-read-text": NO_RESOURCE,
    "resources-read-binary": NO_RESOURCE,
    "resources-templates-read": NO_RESOURCE,
}
NO_ASKING = 'Unknown tool "test_input_required_result_'
EXPECTED = {
    "2026-07-28": {
        **TOOLS,
        **OTHERS,
        # Four of its 28 checks, which call test_missing_capability, test_streaming_elicitation and test_logging_tool.
        "server-stateless": "server does not list the diagnostic tool 'test_",
        "http-custom-header-server-validation": "server exposes no tool with x-mcp-header annotations",
        # A tool that asks back: none of ours does.
        "input-required-result-basic-elicitation": NO_ASKING,
        "input-required-result-basic-sampling": NO_ASKING,
        "input-required-result-basic-list-roots": NO_ASKING,
        "input-required-result-request-state": NO_ASKING,
        "input-required-result-multiple-input-requests": NO_ASKING,
        "input-required-result-multi-round": "Expected InputRequiredResult",  # of a tool like these
        "input-required-result-non-tool-request": NO_PROMPT,
        "input-required-result-result-type": NO_ASKING,
        "input-required-result-tampered-state": "could not get initial InputRequiredResult",  # likewise
        "input-required-result-capability-check": NO_ASKING,
    },
    "2025-11-25": {
        **TOOLS,
        **OTHERS,
        "tools-call-sampling": 'Unknown tool "test_sampling"',
        "tools-call-elicitation": 'Unknown tool "test_elicitation"',
        "elicitation-sep1034-defaults": 'Unknown tool "test_elicitation_sep1034_defaults"',
        "elicitation-sep1330-enums": 'Unknown tool "test_elicitation_sep1330_enums"',
        # Capabilities that are not offered, and not said to be: messages of a log, which is on stderr and which
        # 2026-07-28 deprecates; subscriptions outside of a session, which HTTP has none of here. The scenarios need
        # the tool test_tool_with_logging and the resource test://watched-resource besides.
        "tools-call-with-logging": "Method not found",
        "logging-set-level": "Method not found",
        "resources-subscribe": "Method not found",
        "resources-unsubscribe": "Method not found",
    },
}
EXTENSION = "tasks-"
"""The scenarios of the extension io.modelcontextprotocol/tasks, which is not offered, and which are not scored."""


@pytest.fixture(scope="module")
async def url(stack: RunningStack) -> AsyncIterator[str]:
    """A bridge over HTTP with lists of its own."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local_stack", "mcp", "--data", str(stack.data), "--owner", new_owner()),
        *("--http", f"127.0.0.1:{port}"),
        stderr=PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(BOUND_S):
        while b'"serving"' not in (line := await process.stderr.readline()):
            assert line
    yield f"http://127.0.0.1:{port}/mcp"
    process.terminate()
    await asyncio.wait_for(process.communicate(), BOUND_S)


def failures(results: Path) -> dict[str, list[str]]:
    """What each scenario that failed says, and of those that passed nothing."""
    found: dict[str, list[str]] = {}
    for file in sorted(results.glob("*/checks.json")):
        scenario = re.sub(r"^server-(.*)-\d{4}-\d\d-\d\dT.*$", r"\1", file.parent.name)
        checks = json.loads(file.read_text())
        said = [str(check.get("errorMessage", "")) for check in checks if check["status"] not in PASSED]
        if said:
            found[scenario] = said
    return found


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    ("revision", "chosen"),
    [
        ("2026-07-28", ("--requirements", "2026-07-28")),
        pytest.param(
            "2025-11-25", ("--suite", "all", "--spec-version", "2025-11-25"), marks=pytest.mark.long, id="2025-11-25"
        ),
    ],
)
async def test_the_suite_finds_nothing_but_that_its_own_fixtures_are_not_there(
    url: str, revision: str, chosen: tuple[str, ...], tmp_path: Path
) -> None:
    suite = await installed("conformance")
    _, out, said = await run(
        *(suite, "@modelcontextprotocol/conformance", "dist/index.js"),
        *("server", "--url", url, *chosen, "-o", str(tmp_path)),
        bound_s=SUITE_S,
    )
    assert "=== SUMMARY ===" in out, said
    found = {name: told for name, told in failures(tmp_path).items() if not name.startswith(EXTENSION)}
    expected = EXPECTED[revision]
    assert found.keys() == expected.keys()
    for scenario, told in found.items():
        assert all(expected[scenario] in one for one in told), (scenario, told)
    passed = int(re.search(r"Total: (\d+) passed", out)[1])  # type: ignore[index]
    assert passed >= {"2026-07-28": 100, "2025-11-25": 35}[revision]
