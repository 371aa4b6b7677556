"""The real AWS CLI against a lab on loopback.

The CLI lives in an environment of its own (`make test` makes it in build/aws-cli), as on a
learner's machine: it shares nothing with this process but the address of the lab.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

ROOT = Path(__file__).parents[2]
_PLACES = [ROOT / "build" / "aws-cli" / "bin" / "aws", ROOT / "build/aws-cli/Scripts/aws.exe"]


class CliError(Exception):
    """The CLI ended with an error: its exit code, AWS's error code, and all that it printed."""

    def __init__(self, exit_code: int, printed: str) -> None:
        super().__init__(f"exit {exit_code}: {printed}")
        self.exit_code = exit_code
        self.printed = printed.strip()
        # "An error occurred (AccessDenied) when calling the GetUser operation: ..."
        self.code = printed.partition("An error occurred (")[2].partition(")")[0]


class Cli:
    """Runs ``aws`` commands against the served lab and reads what they print."""

    def __init__(self, lab: Lab, program: str, home: Path) -> None:
        self.lab, self.program, self.home = lab, program, home
        lab.serve(quiet=True)
        # The lab's own `aws` command would look for a CLI on the PATH: this is the one it found.
        folder = Path(os.environ["AWS_CONFIG_FILE"]).parent
        (folder / "program").write_text(program)
        self._command = str(folder / "bin" / "aws")

    def __call__(self, *words: str, who: str | None = None, stdin: str | None = None) -> Any:
        """Run ``aws WORDS``; return its JSON (or its text, or None if it prints nothing).

        ``who``: "user/ana", "role/reader" or "root"; the lab's administrator if not given.
        Raises CliError when the command fails.
        """
        done = self.run(*words, who=who, stdin=stdin)
        if done.returncode:
            raise CliError(done.returncode, done.stderr or done.stdout)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return done.stdout or None

    def run(
        self, *words: str, who: str | None = None, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``aws WORDS`` and return exit code, stdout and stderr."""
        return subprocess.run(
            [self._command, *words],
            env=self.environment(who),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def shell(self, line: str, **environment: str) -> str:
        """Type a line in a shell and return what it printed; a failure raises CliError.

        Here ``aws`` is the lab's own command, as in a cell that begins with ``!``.
        """
        done = subprocess.run(
            ["sh", "-c", line],
            env=self.environment() | environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        if done.returncode:
            raise CliError(done.returncode, done.stderr or done.stdout)
        return done.stdout.strip()

    def environment(self, who: str | None = None) -> dict[str, str]:
        """What a shell started from the notebook has, with the credentials of ``who``."""
        environment = dict(os.environ) | {"HOME": str(self.home), "AWS_PAGER": ""}
        if who is not None:
            made = self.lab.session(who).get_credentials().get_frozen_credentials()
            environment |= {
                "AWS_ACCESS_KEY_ID": made.access_key,
                "AWS_SECRET_ACCESS_KEY": made.secret_key,
            }
            if made.token:
                environment["AWS_SESSION_TOKEN"] = made.token
        return environment


@pytest.fixture
def aws(lab: Lab, tmp_path: Path) -> Cli:
    """The real AWS CLI, signed in as the lab's administrator."""
    program = next((str(place) for place in _PLACES if place.exists()), None)
    program = program or shutil.which("aws")
    if program is None:
        pytest.skip("no AWS CLI: `make test` installs one in build/aws-cli")
    home = tmp_path / "home"
    home.mkdir()
    return Cli(lab, program, home)
