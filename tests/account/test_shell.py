"""The settings files, the `aws` command and the variables of a served lab."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import boto3
import pytest

import iamlab
from iamlab.account import aws_command

SHELLS = [name for name in ("bash", "dash", "zsh") if shutil.which(name)]
FAKE_CLI = """#!/bin/sh
if [ "$1" = --version ]; then echo "aws-cli/{version} Python/3.11"; exit; fi
echo "home=$HOME" "key=$AWS_ACCESS_KEY_ID" "region=$AWS_REGION" "$@"
"""


def _put_cli(folder: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an ``aws`` that only says what it was given, first on the PATH."""
    folder.mkdir(exist_ok=True)
    (folder / "aws").write_text(FAKE_CLI.format(version=version))
    (folder / "aws").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder / "aws"


def _run(*words: str, **environment: str) -> str:
    given = os.environ | environment
    # A program is looked for on the PATH that it will have.
    words = (shutil.which(words[0], path=given["PATH"]) or words[0], *words[1:])
    ran = subprocess.run(words, env=given, capture_output=True, text=True, timeout=60)
    return ran.stdout + ran.stderr


@pytest.fixture
def folder(lab: Any) -> Path:
    lab.serve(quiet=True)
    return Path(os.environ["AWS_CONFIG_FILE"]).parent


def test_it_says_once_where_it_is(lab: Any, capsys: pytest.CaptureFixture[str]) -> None:
    url = lab.serve()
    said = capsys.readouterr().out
    assert url in said and lab.shell() in said
    assert len(said.splitlines()) == 2 and max(map(len, said.splitlines())) < 120
    assert lab.serve() == url
    assert capsys.readouterr().out == ""


def test_a_taken_port_and_a_second_port_are_refused_with_words(lab: Any) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"Port {port} cannot be used.*Port 0 takes a free one"):
            lab.serve(port)
    assert os.environ["AWS_CONFIG_FILE"] == os.devnull  # nothing is left half done
    url = lab.serve(quiet=True)
    with pytest.raises(ValueError, match=f"already listens at {url}"):
        lab.serve(port)


@pytest.mark.skipif(os.name == "nt", reason="modes of files are POSIX")
def test_only_the_owner_can_read_anything(folder: Path) -> None:
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    assert not [path for path, mode in modes.items() if mode & 0o077]
    assert modes[folder / "credentials"] == modes[folder / "config"] == 0o600
    assert len(modes) >= 8


def test_stop_removes_it_and_puts_the_environment_back() -> None:
    before = dict(os.environ)
    with iamlab.start() as lab:
        lab.serve(quiet=True)
        folder = Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).parent
        assert folder.is_dir() and str(folder) not in before.get("PATH", "")
    assert not folder.exists()
    assert dict(os.environ) == before


def test_a_process_that_never_calls_stop_leaves_nothing() -> None:
    program = (
        "import iamlab, os; iamlab.start().serve(quiet=True); print(os.environ['AWS_CONFIG_FILE'])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert said.strip().endswith("config") and not Path(said.strip()).parent.exists()


def test_reset_forgets_profiles_and_cached_roles(lab: Any, folder: Path) -> None:
    boto3.client("iam").create_user(UserName="ana")
    key = boto3.client("iam").create_access_key(UserName="ana")["AccessKey"]
    with (folder / "credentials").open("a") as file:
        file.write(
            f"[ana]\naws_access_key_id={key['AccessKeyId']}\n"
            f"aws_secret_access_key={key['SecretAccessKey']}\n"
        )
    cache = folder / "home" / ".aws" / "cli" / "cache"
    cache.mkdir(parents=True)
    (cache / "a.json").write_text("{}")
    session = boto3.Session(profile_name="ana", region_name="us-east-1")
    assert session.client("sts").get_caller_identity()["Arn"].endswith("user/ana")
    lab.reset()
    assert boto3.Session().available_profiles == ["default"]
    assert not cache.exists()
    assert boto3.client("sts").get_caller_identity()["Arn"].endswith("user/administrator")


def test_boto3_in_this_process_is_as_before(lab: Any, folder: Path) -> None:
    """Same identity and region, straight to the gate; a profile works as on AWS."""
    (folder / "config").write_text(
        "[default]\nregion = eu-west-1\n"
        "[profile away]\nrole_arn = arn:aws:iam::111122223333:role/reader\n"
        "source_profile = default\nregion = eu-north-1\n"
    )
    assert boto3.Session().region_name == "us-east-1"
    client = boto3.client("iam")
    assert client.meta.endpoint_url == "https://iam.amazonaws.com"
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": "111122223333"},
            "Action": "sts:AssumeRole",
        },
    }
    client.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(trust))
    away = boto3.Session(profile_name="away")
    assert away.region_name == "us-east-1"  # for boto3 the environment goes before a profile
    assert "assumed-role/reader/" in away.client("sts").get_caller_identity()["Arn"]


# --- The aws command ------------------------------------------------------------------------

posix = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")


@posix
def test_the_learners_own_cli_is_used_if_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lab: Any
) -> None:
    _put_cli(tmp_path / "new", "2.13.0", monkeypatch)
    url = lab.serve(quiet=True)
    home = Path(os.environ["AWS_CONFIG_FILE"]).parent / "home"
    # What the files say is not in its environment, where it would go before every profile.
    # The address is given twice: version 1 heeds the environment's for most services only.
    said = _run("aws", "s3", "ls")
    assert said == f"home={home} key= region= --endpoint-url {url} s3 ls\n"
    said = _run("aws", "x", AWS_ACCESS_KEY_ID="AKIAANA", AWS_REGION="eu-west-1")
    assert said == f"home={home} key=AKIAANA region=eu-west-1 --endpoint-url {url} x\n"
    # A profile without a region of its own has the lab's.
    said = _run("aws", "x", "--profile", "bare")
    assert said == f"home={home} key= region=us-east-1 --endpoint-url {url} x --profile bare\n"


@posix
@pytest.mark.parametrize("version", ["2.12.9", "1.28.0", "3.0.0", "what?"])
def test_a_cli_that_would_call_the_real_aws_is_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lab: Any, version: str
) -> None:
    """AWS_ENDPOINT_URL means nothing to an old one."""
    _put_cli(tmp_path / "old", version, monkeypatch)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path / "nothing"))
    lab.serve(quiet=True)
    assert aws_command._program(Path(os.environ["AWS_CONFIG_FILE"]).parent / "program") == ""


@posix
def test_a_file_in_the_learners_home_is_still_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lab: Any
) -> None:
    _put_cli(tmp_path / "new", "2.20.1", monkeypatch)
    lab.serve(quiet=True)
    said = _run("aws", "iam", "--policy-document", "file://~/p.json", HOME="/home-of-ana")
    assert said.endswith("--policy-document file:///home-of-ana/p.json\n")


@posix
@pytest.mark.parametrize("shell", SHELLS)
def test_the_line_for_another_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lab: Any, shell: str
) -> None:
    """It hides all that was there of the learner's real AWS."""
    _put_cli(tmp_path / "new", "2.20.1", monkeypatch)
    line = lab.shell()
    bare = {
        "PATH": f"{tmp_path / 'new'}:/usr/bin:/bin",
        "AWS_PROFILE": "work",
        "AWS_SESSION_TOKEN": "real token",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    }
    ran = subprocess.run(
        [shell, "-c", f"{line}; env | grep '^AWS_' | sort; command -v aws"],
        env=bare, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    *variables, command = ran.stdout.splitlines()
    wanted = [f"{name}={value}" for name, value in os.environ.items() if name.startswith("AWS_")]
    assert sorted(variables) == sorted(wanted)
    assert command == str(Path(os.environ["AWS_CONFIG_FILE"]).parent / "bin" / "aws")


def test_before_serve_the_aws_command_says_what_to_do(lab: Any) -> None:
    """SQS: version 1 of the CLI would go to the real AWS, whatever AWS_ENDPOINT_URL says."""
    before = subprocess.run(["aws", "sqs", "list-queues"], capture_output=True, text=True)
    assert before.returncode == 253 and "lab.serve()" in before.stderr
    lab.serve(quiet=True)
    assert "lab.serve()" not in subprocess.run(["aws"], capture_output=True, text=True).stderr


def test_the_path_is_put_back() -> None:
    path = os.environ["PATH"]
    with iamlab.start():
        folder = Path(os.environ["PATH"].split(os.pathsep)[0])
        assert folder.exists() and os.environ["PATH"] != path
    assert os.environ["PATH"] == path and not folder.exists()
