"""Tokens made where they are checked: for stacks in containers, which this machine's command line knows nothing of."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from access.errors import AccessError
from access.interface import Expected
from access.shared_secret import SharedSecrets

OLD, NEW = "o" * 32, "n" * 32


def token(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "signaling", "token", *arguments],
        env={"PATH": os.defpath, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_a_token_is_by_the_newest_secret_of_the_folder_and_its_address_is_the_pages(tmp_path: Path) -> None:
    (tmp_path / "auth_secret").write_text(f"{NEW},{OLD}")
    made = token("--owner", "ada", "--days", "1", "--url", "https://192.168.1.20:5443/", SECRETS_DIR=str(tmp_path))
    assert made.returncode == 0
    assert made.stderr.strip() == f"https://192.168.1.20:5443/#t={made.stdout.strip()}"
    expected = Expected("local", "todo-agent")
    assert (await SharedSecrets((NEW,), expected).verify(made.stdout.strip())).name == "ada"
    with pytest.raises(AccessError):
        await SharedSecrets((OLD,), expected).verify(made.stdout.strip())


def test_where_nobody_is_asked_there_is_nothing_to_make() -> None:
    made = token("--owner", "ada")
    assert (made.returncode, made.stdout) == (1, "")
    assert made.stderr == "signaling token: nobody is asked for a token here; set AUTH_SECRET for that\n"


def test_a_provider_makes_its_own() -> None:
    made = token(
        "--owner",
        "ada",
        AUTH_JWKS_URL="https://id.example/keys",
        AUTH_ISSUER="https://id.example",
        AUTH_AUDIENCE="todo",
    )
    assert (made.returncode, made.stdout, "AUTH_JWKS_URL" in made.stderr) == (1, "", True)


def test_a_setting_that_is_wrong_is_named_and_not_shown() -> None:
    made = token("--owner", "ada", AUTH_SECRET="hunter2")
    assert (made.returncode, made.stdout) == (1, "")
    assert made.stderr.startswith("signaling token: setting AUTH_SECRET: ")
    assert "hunter2" not in made.stderr


@pytest.mark.parametrize("days", ["0", "3651", "x", "-1"])
def test_days_have_bounds(days: str) -> None:
    assert token("--owner", "ada", "--days", days, AUTH_SECRET=NEW).returncode == 2
