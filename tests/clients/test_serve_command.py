"""`iamlab serve`: the account without a notebook, as a person or a CI job starts it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.clients.conftest import Cli

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and a shell are POSIX here")
SERVE = [sys.executable, "-m", "iamlab", "serve"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def terminal(tmp_path: Path) -> dict[str, str]:
    """The environment of a person who uses the real AWS too."""
    aws = tmp_path / "person" / ".aws"
    aws.mkdir(parents=True)
    (aws / "credentials").write_text("[default]\naws_access_key_id=CANARY\n")
    (aws / "config").write_text("[default]\nregion=eu-central-1\n")
    (aws / "cli").mkdir()
    (aws / "cli" / "alias").write_text("[toplevel]\niam = !echo the alias of the real one\n")
    return os.environ | {
        "HOME": str(aws.parent),
        "PYTHONPATH": str(ROOT),
        "AWS_PROFILE": "work",
        "AWS_SESSION_TOKEN": "CANARY",
    }


@pytest.fixture
def served(terminal: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running `iamlab serve`, and the line that it says to paste."""
    running = subprocess.Popen(
        SERVE, env=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    said = [running.stdout.readline() for _ in range(6)]
    assert re.match(r"Account 111122223333 is at http://127\.0\.0\.1:\d+\.", said[0]), said
    yield running, said[2].strip()
    running.kill()
    running.communicate()


def _folder(line: str) -> Path:
    return Path(line.removeprefix(". ").strip("'")).parent


def test_the_pasted_line_leads_there_and_ctrl_c_ends_it(
    served: tuple[subprocess.Popen[str], str], terminal: dict[str, str], aws: Cli
) -> None:
    running, line = served
    _folder(line).joinpath("program").write_text(aws.program)
    ran = subprocess.run(
        ["sh", "-c", f"{line}; aws iam list-users --query Users[].UserName --output text"],
        env=terminal, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.stdout.strip() == "administrator", ran.stderr
    # Nothing of the person's own home was used, or is new there.
    names = {path.name for path in Path(terminal["HOME"]).rglob("*")}
    assert names == {".aws", "credentials", "config", "cli", "alias"}
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=20)
    assert (running.returncode, errors) == (0, "")
    assert not _folder(line).exists()


def test_a_kill_ends_it_cleanly_too(served: tuple[subprocess.Popen[str], str]) -> None:
    running, line = served
    running.terminate()
    running.communicate(timeout=20)
    assert running.returncode == 0 and not _folder(line).exists()


def _serve(terminal: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SERVE, *words], env=terminal, capture_output=True, text=True, timeout=60
    )


def test_a_command_runs_in_the_account(terminal: dict[str, str]) -> None:
    """Its output is all that is printed, and its exit code the command's; -- may be in it."""
    program = (
        "import boto3, sys; print(boto3.client('sts').get_caller_identity()['Arn'], sys.argv[1:]);"
        "sys.exit(7)"
    )
    words = ["--account", "444455556666", "--", sys.executable, "-c", program, "-x", "--", "--y"]
    ran = _serve(terminal, *words)
    said = "arn:aws:iam::444455556666:user/administrator ['-x', '--', '--y']\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (7, said, "")


def test_a_kill_reaches_the_command(terminal: dict[str, str], tmp_path: Path) -> None:
    """A CI job that is cancelled leaves nothing running."""
    started = tmp_path / "started"
    line = f"echo $$ > {started}; exec sleep 60"
    running = subprocess.Popen([*SERVE, "--", "sh", "-c", line], env=terminal)
    deadline = time.monotonic() + 30
    while not (started.exists() and started.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.terminate()
    assert running.wait(timeout=20) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


def test_what_cannot_be_is_said_in_one_line(terminal: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for words, said in [
            (["--port", port], f"Port {port} cannot be used"),
            (["--account", "12"], "12 digits"),
            (["--", "no-such-program"], "Cannot run no-such-program"),
        ]:
            ran = _serve(terminal, *words)
            assert ran.returncode == 2 and ran.stdout == ""
            assert ran.stderr.startswith("iamlab: ") and said in ran.stderr
            assert ran.stderr.count("\n") == 1
