"""The ``aws`` command of a served lab: the real AWS CLI, with a home of its own.

The CLI keeps the credentials of assumed roles in ~/.aws/cli/cache, and no setting moves that. So
here it gets another home folder, the lab's. Nothing of the lab lands in the learner's own
``.aws``, and nothing of that is read: no alias, no cached sign-in. It also gets what it would
miss: the lab's address where it has one of its own, and the lab's clock.

This file runs by itself, as ``python aws_command.py FOLDER WORDS...``: it imports nothing of the
package, so that it costs little.
"""

from __future__ import annotations

import configparser
import contextlib
import itertools
import json
import os
import re
import shutil
import site
import subprocess
import sys
import sysconfig
from datetime import UTC, datetime
from pathlib import Path

LAB_TIME = "/.iamlab/time"  # where the endpoint tells the lab's time; no bucket is called so
PREFIX = "iamlab-"  # of the names of labs' folders
# The first versions of the AWS CLI that heed AWS_ENDPOINT_URL ("Service-specific endpoints", AWS
# SDKs and Tools Reference Guide). An older one would call the real AWS.
_NEW_ENOUGH = {1: (1, 29, 0), 2: (2, 13, 0)}
_MISSING = (
    "aws: there is no AWS CLI on this computer that can talk to the lab. "
    "Install one: python -m pip install awscli"
)


def main(folder: Path, words: list[str]) -> int:
    """Run ``aws`` with these words.

    Parameters
    ----------
    folder : Path
        The lab's private folder; see :mod:`iamlab.account.shell`.
    words : list of str

    Returns
    -------
    int
        Its exit code. On anything but Windows this process becomes the CLI and never returns.
    """
    settings = json.loads((folder / "lab.json").read_text("utf-8"))
    if os.environ.get("AWS_SHARED_CREDENTIALS_FILE") == str(folder / "credentials"):
        # The files say the same, and there a profile can say otherwise. In the environment
        # it would go before every profile.
        has_region = _has_region(folder / "config", words)
        for name, value in settings["environment"].items():
            if os.environ.get(name) == value and (has_region or "REGION" not in name):
                del os.environ[name]
    # The words may name files in the learner's own home; Python may have the CLI there.
    words = [_expanded(word) for word in words]
    os.environ.setdefault("PYTHONUSERBASE", site.getuserbase())
    home = folder / "home"
    os.environ["HOME"] = os.environ["USERPROFILE"] = str(home)
    program = _program(folder / "program")
    if not program:
        print(_MISSING, file=sys.stderr)
        return 127
    entries = list((home / ".aws" / "cli" / "cache").glob("*.json"))
    presigns = [word for word in words if word in ("s3", "presign")] == ["s3", "presign"]
    if entries or presigns:
        now = _lab_time(settings["url"])
        _forget_expired(entries, now)
        if presigns:
            words += ["--expires-in", str(_expiry(words, now))]
    # For some services (SQS is one) version 1 goes to AWS in spite of AWS_ENDPOINT_URL: it has
    # an address of its own for them, and only this option goes before that.
    words = ["--endpoint-url", os.environ.get("AWS_ENDPOINT_URL", settings["url"]), *words]
    if os.name == "nt":
        return subprocess.call([program, *words])
    os.execv(program, [program, *words])


def _has_region(config: Path, words: list[str]) -> bool:
    """Does the profile that is asked for say a region? Without one, the lab's stays."""
    given = dict(itertools.pairwise(words))
    profile = given.get("--profile") or os.environ.get("AWS_PROFILE") or "default"
    profiles = configparser.ConfigParser(interpolation=None, strict=False)
    with contextlib.suppress(OSError, ValueError, configparser.Error):
        profiles.read(config, "utf-8")
    section = profile if profile == "default" else f"profile {profile}"
    return profiles.has_option(section, "region")


def _expanded(word: str) -> str:
    scheme, found, path = word.partition("://~")
    return f"{scheme}://{os.path.expanduser('~' + path)}" if found else word


def _program(kept: Path) -> str:
    """The learner's own CLI if it is new enough, or the one that came with the lab."""
    if kept.exists() and os.path.exists(kept.read_text("utf-8")):
        return kept.read_text("utf-8")
    folders = os.environ.get("PATH", "").split(os.pathsep)
    others = [f for f in folders if not Path(f).parent.name.startswith(PREFIX)]
    found = shutil.which("aws", path=os.pathsep.join(others))
    ours = shutil.which("aws", path=sysconfig.get_path("scripts"))
    if found and found != ours and not _new_enough(found):
        found = None
    kept.write_text(found or ours or "", "utf-8")
    return found or ours or ""


def _new_enough(program: str) -> bool:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return False
    found = re.match(r"aws-cli/(\d+)\.(\d+)\.(\d+)", said.stdout or said.stderr)
    version = tuple(map(int, found.groups())) if found else (0,)
    return version >= _NEW_ENOUGH.get(version[0], (version[0] + 1,))


def _lab_time(url: str) -> datetime:
    """The lab's time. The CLI sees the real clock only."""
    import urllib.request  # slow to import, and seldom needed

    try:
        with urllib.request.urlopen(url + LAB_TIME, timeout=5) as answer:
            return datetime.fromisoformat(answer.read().decode())
    except OSError:  # the lab has stopped: the CLI will say so
        return datetime.now(UTC)


def _forget_expired(entries: list[Path], now: datetime) -> None:
    """Drop the cached credentials of roles that have expired by the lab's clock."""
    for entry in entries:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            until = json.loads(entry.read_text("utf-8"))["Credentials"]["Expiration"]
            if datetime.fromisoformat(until) <= now:
                entry.unlink()


def _expiry(words: list[str], now: datetime) -> int | str:
    """Seconds of the real clock after which a link shall end, so that it ends by the lab's."""
    given = dict(itertools.pairwise(words)).get("--expires-in", "3600")
    ahead = (now - datetime.now(UTC)).total_seconds()
    return int(given) + round(ahead) if given.isdigit() else given


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
