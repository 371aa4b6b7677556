"""What a shell needs to find the lab: settings files of its own, an ``aws`` command, variables."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from iamlab.account import aws_command

_BASH = """\
# Where the lab is. In bash, zsh or sh:  . {file}
for name in $(env | sed -n 's/^\\(AWS_[A-Za-z0-9_]*\\)=.*/\\1/p'); do unset "$name"; done
{lines}
"""
_POWERSHELL = """\
# Where the lab is. In PowerShell:  Get-Content -Raw {file} | Invoke-Expression
Remove-Item Env:AWS_*
{lines}
"""


_UNSERVED = "aws: the lab runs. First call lab.serve() in the notebook, then this works here."


class Unserved:
    """An ``aws`` command for as long as the lab is not on loopback: it only says what to do.

    Without it, the AWS CLI would try the real AWS for SQS and some others, with the lab's keys:
    version 1 does not heed AWS_ENDPOINT_URL there.

    Attributes
    ----------
    path : str
        The present ``PATH`` with that command before everything.
    """

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix=aws_command.PREFIX)
        folder = Path(self._temporary.name) / "bin"
        folder.mkdir()
        if os.name == "nt":
            (folder / "aws.cmd").write_text(f"@echo {_UNSERVED} 1>&2\n@exit /b 253\n")
        else:
            (folder / "aws").write_text(f"#!/bin/sh\necho {shlex.quote(_UNSERVED)} >&2\nexit 253\n")
            (folder / "aws").chmod(0o700)
        self.path = os.pathsep.join([str(folder), os.environ.get("PATH", "")])

    def remove(self) -> None:
        """Remove the command."""
        self._temporary.cleanup()


class Shell:
    """The lab's private folder, and the environment that leads a program to it.

    The folder holds ``config`` and ``credentials``, as AWS's own ~/.aws does, with the lab's
    administrator as the default; a ``bin`` with an ``aws`` command; that command's home; and
    files that set all this in another terminal. Only its owner can read it.

    Parameters
    ----------
    url : str
        Where the lab listens.
    region : str
    key_id, secret : str
        The administrator's access key.

    Attributes
    ----------
    folder : Path
    environment : dict of str to str
        The variables that a program needs; ``PATH`` is the present one with ``bin`` before it.
    """

    def __init__(self, url: str, region: str, key_id: str, secret: str) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix=aws_command.PREFIX)
        self.folder = Path(self._temporary.name).resolve()
        self._region, self._key = region, (key_id, secret)
        replaceable = {
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": region,
            "AWS_REGION": region,
        }
        self.environment = {
            **replaceable,
            "AWS_ENDPOINT_URL": url,
            "AWS_CONFIG_FILE": str(self.folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            # No proxy for loopback: iamlab.start() has set these.
            **{name: os.environ[name] for name in ("NO_PROXY", "no_proxy") if name in os.environ},
            "PATH": os.pathsep.join([str(self.folder / "bin"), os.environ.get("PATH", "")]),
        }
        told = {"url": url, "environment": replaceable}
        self._write("lab.json", json.dumps(told))
        (self.folder / "bin").mkdir(mode=0o700)
        words = [sys.executable, "-I", aws_command.__file__, str(self.folder)]
        if os.name == "nt":
            self._write("bin/aws.cmd", f"@{subprocess.list2cmdline(words)} %*\n")
        else:
            self._write("bin/aws", f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', 0o700)
        self._write("env.sh", _BASH.format(file=self._quoted("env.sh"), lines=self._bash()))
        file = self._quoted("env.ps1")
        self._write("env.ps1", _POWERSHELL.format(file=file, lines=self._powershell()))
        self.renew()

    def renew(self) -> None:
        """Forget the profiles and the cached credentials: only the administrator is left."""
        shutil.rmtree(self.folder / "home", ignore_errors=True)
        (self.folder / "home").mkdir(mode=0o700)
        key_id, secret = self._key
        self._write("config", f"[default]\nregion = {self._region}\n")
        self._write(
            "credentials",
            f"[default]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n",
        )

    def line(self) -> str:
        """Return the line to type in another terminal of this computer."""
        if os.name == "nt":
            return f"Get-Content -Raw {self._quoted('env.ps1')} | Invoke-Expression"
        return f". {self._quoted('env.sh')}"

    def remove(self) -> None:
        """Remove the folder."""
        self._temporary.cleanup()

    def _write(self, name: str, text: str, mode: int = 0o600) -> None:
        path = self.folder / name
        path.unlink(missing_ok=True)
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(opened, "w", encoding="utf-8") as file:
            file.write(text)

    def _quoted(self, name: str) -> str:
        path = str(self.folder / name)
        return "'" + path.replace("'", "''") + "'" if os.name == "nt" else shlex.quote(path)

    def _bash(self) -> str:
        given = self.environment | {"PATH": ""}
        lines = [f"export {name}={shlex.quote(given[name])}" for name in given if name != "PATH"]
        return "\n".join([*lines, f'export PATH={shlex.quote(str(self.folder / "bin"))}:"$PATH"'])

    def _powershell(self) -> str:
        given = self.environment.items()
        lines = [f"$Env:{name} = '{value}'" for name, value in given if name != "PATH"]
        before = f"{self.folder / 'bin'}{os.pathsep}"
        return "\n".join([*lines, f"$Env:PATH = '{before}' + $Env:PATH"])
