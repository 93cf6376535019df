"""What the pages for operators name is there: other pages and their headings, files, commands, services."""

import re
from pathlib import Path

import pytest
import yaml

from local_stack.command_line import parser

ROOT = Path(__file__).parents[1]
PAGES = ("docs/operations.md", "docs/upgrading.md", "docs/backup.md")
TEXTS = {page: (ROOT / page).read_text() for page in PAGES}


def anchors(markdown: str) -> set[str]:
    """As GitHub makes them of headings."""
    titles = re.findall(
        r"^#+ (.+)$", re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_pages_and_headings_that_are_there(page: str) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", TEXTS[page].replace("\n", " "))
    missing = []
    for link in links:
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            missing.append(link)
    assert links
    assert missing == []


@pytest.mark.parametrize("page", PAGES)
def test_files_that_they_name_are_there(page: str) -> None:
    named = set(re.findall(r"`((?:tests|deploy|services|packages|k8s)/[\w./-]+)`", TEXTS[page]))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_each_command_of_ours_is_one() -> None:
    text = "\n".join(TEXTS.values())
    (known,) = (action.choices for action in parser()._subparsers._group_actions)  # type: ignore[union-attr]
    named = set(re.findall(r"(?:`|bin/)todo-agent (\w+)", text))
    assert {"backup", "restore", "renew", "up", "ask", "token", "forget"} <= named
    assert named <= set(known or ())


def test_each_service_of_compose_that_they_name_is_one() -> None:
    services = set(yaml.safe_load((ROOT / "compose.yml").read_text())["services"])
    commands = re.findall(r"docker compose ([^\n`|&#<>]+)", "\n".join(TEXTS.values()))
    named = set()
    for command in commands:
        words = command.split()
        arguments = [word for word in words if not word.startswith("-")]
        if arguments[:1] == ["run"]:
            named.add(next(word for word in arguments[1:] if "=" not in word))
        elif arguments[:1] == ["exec"]:
            named.update(arguments[1:2])  # the line may end here
        elif arguments[:1] == ["restart"]:
            named.update(arguments[1:])
    assert {"secrets", "nats", "postgres", "topology", "coturn", "signaling", "todo-store", "migrate"} <= named
    assert named - services == set()
