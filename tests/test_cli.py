"""The `iamlab` command, as a learner types it."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from iamlab.cli import main

READ = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::reports/*",
            "Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}},
        }
    ],
}
NOTICES = "/api/settings/@jupyterlab/apputils-extension:notification"
ASK = ["--principal", "arn:aws:iam::111122223333:user/analyst", "--action", "s3:GetObject"]
ASK += ["--resource", "arn:aws:s3:::reports/q3.csv"]


@pytest.fixture(autouse=True)
def learner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner stands in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- open -----------------------------------------------------------------------------------


def test_open_copies_the_course_where_the_learner_stands(learner: Path, capsys) -> None:
    assert main(["open", "--copy-only"]) == 0
    assert (learner / "iam-course/notebooks/00-welcome.ipynb").is_file()
    assert (learner / "iam-course/datasets/company/staff.csv").is_file()
    assert str(learner / "iam-course") in capsys.readouterr().out


def test_open_tells_what_it_kept(learner: Path, capsys) -> None:
    main(["open", "here", "--copy-only"])
    mine = learner / "here/notebooks/00-welcome.ipynb"
    mine.write_text("mine", encoding="utf-8")
    (learner / "here/.iamlab-course.json").unlink()  # as if an older version had been copied
    capsys.readouterr()
    assert main(["open", "here", "--copy-only"]) == 0
    assert "You changed notebooks/00-welcome.ipynb" in capsys.readouterr().out
    assert mine.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("lesson", ["1", "01", "01-users-and-keys", "users-and-keys"])
def test_a_lesson_may_be_named_in_several_ways(lesson: str) -> None:
    assert main(["open", "--copy-only", "--lesson", lesson]) == 0


def test_a_lesson_that_does_not_exist_lists_those_that_do(capsys) -> None:
    assert main(["open", "--copy-only", "--lesson", "99"]) == 2
    assert re.search(r"no lesson '99'.*00-welcome.*01-users-and-keys", capsys.readouterr().err)


def test_open_says_what_is_in_its_way(learner: Path, capsys) -> None:
    (learner / "iam-course").write_text("a file of that name", encoding="utf-8")
    assert main(["open", "--copy-only"]) == 2
    assert "Name a folder where you may write" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="stops the server with a POSIX signal")
def test_open_brings_up_jupyterlab_on_the_first_lesson(learner: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "iamlab", "open", "--no-browser", "--port", "18931"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "HOME": str(learner)},
    )  # fmt: skip
    try:
        said, address = [], None
        until = time.monotonic() + 60
        while address is None and time.monotonic() < until:
            said.append(server.stdout.readline())
            address = re.search(r"http://127\.0\.0\.1:\d+/lab\S*\?token=\w+", said[-1])
        assert address, "".join(said)
        assert "/lab/tree/notebooks/00-welcome.ipynb" in address[0]
        page = _get(address[0])
        settings = json.loads(
            re.search(r'<script id="jupyter-config-data"[^>]*>(.*?)</', page, re.S)[1]
        )
        assert settings["treePath"] == "notebooks/00-welcome.ipynb"
        notices = _get(address[0].replace("/tree/notebooks/00-welcome.ipynb", NOTICES))
        defaults = json.loads(notices)["schema"]["properties"]
        assert defaults["fetchNews"]["default"] == "false", "a beginner is asked about news"
        assert defaults["checkForUpdates"]["default"] is False, "it would ask the internet"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
        server.stdout.close()


def _get(address: str) -> str:
    """Read a page; the server prints its address a moment before it listens."""
    until = time.monotonic() + 20
    while True:
        try:
            return urllib.request.urlopen(address, timeout=30).read().decode()
        except urllib.error.URLError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


# --- doctor ---------------------------------------------------------------------------------


def test_doctor_finds_this_computer_well(capsys) -> None:
    assert main(["doctor"]) == 0, capsys.readouterr().out
    printed = capsys.readouterr().out
    assert re.search(r"^ok +Lab: answers as account 111122223333, and asked nothing", printed, re.M)
    assert printed.endswith("All is well.\n")


def test_doctor_names_the_problem_and_what_to_do(monkeypatch, capsys) -> None:
    from importlib.metadata import version

    monkeypatch.setattr(
        "importlib.metadata.version", lambda name: "4.0" if name == "moto" else version(name)
    )
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"^PROBLEM +Packages: moto 4\.0 is not .*\n +-> Install iamlab", printed, re.M)
    assert printed.endswith("1 to mend: see the arrows above.\n")


def test_doctor_tells_when_the_lab_asks_the_network(monkeypatch) -> None:
    import contextlib
    import socket
    import types

    from iamlab import doctor

    @contextlib.contextmanager
    def leaky(**options):
        with contextlib.suppress(OSError):
            socket.getaddrinfo("sts.amazonaws.com", 443)
        yield types.SimpleNamespace(account_id="111122223333")

    class Client:
        def get_caller_identity(self) -> dict[str, str]:
            return {"Account": "111122223333"}

    monkeypatch.setattr("iamlab.start", leaky)
    monkeypatch.setattr("boto3.client", lambda *args, **more: Client())
    real = socket.getaddrinfo
    finding = {found.about: found for found in doctor.examine()}["Lab"]
    assert (finding.state, finding.detail) == ("PROBLEM", "tried to reach sts.amazonaws.com")
    assert socket.getaddrinfo is real


def test_a_check_that_breaks_does_not_stop_the_others(monkeypatch) -> None:
    from iamlab import doctor

    def broken(**options):
        raise RuntimeError("the seam moved")

    monkeypatch.setattr("iamlab.start", broken)
    findings = {found.about: found for found in doctor.examine()}
    assert findings["Lab"].state == "PROBLEM" and "the seam moved" in findings["Lab"].detail
    assert findings.keys() == doctor.CHECKS.keys()


# --- simulate -------------------------------------------------------------------------------


@pytest.fixture
def policy(learner: Path) -> str:
    (learner / "read.json").write_text(json.dumps(READ), encoding="utf-8")
    return "read.json"


def test_simulate_says_yes(policy: str, capsys) -> None:
    context = ["--context", "aws:SourceIp=198.51.100.7"]
    assert main(["simulate", "--policy", policy, *ASK, *context]) == 0
    assert "allowed" in capsys.readouterr().out.lower()


def test_simulate_says_no_and_why(policy: str, capsys) -> None:
    context = ["--context", "aws:SourceIp=203.0.113.9"]
    assert main(["simulate", "--policy", policy, *ASK, *context]) == 1
    assert "203.0.113.9" in capsys.readouterr().out


def test_simulate_takes_every_kind_of_policy(policy: str, learner: Path, capsys) -> None:
    wide = {**READ, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    nothing = {**READ, "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    (learner / "wide.json").write_text(json.dumps(wide), encoding="utf-8")
    (learner / "nothing.json").write_text(json.dumps(nothing), encoding="utf-8")
    bucket = {**nothing, "Statement": [{**nothing["Statement"][0], "Principal": "*"}]}
    (learner / "bucket.json").write_text(json.dumps(bucket), encoding="utf-8")
    ask = ["simulate", "--policy", "wide.json", *ASK]
    assert main(ask) == 0
    assert main([*ask, "--boundary", "nothing.json"]) == 1
    assert main([*ask, "--session-policy", "nothing.json"]) == 1
    assert main([*ask, "--resource-policy", "bucket.json"]) == 1
    assert main([*ask, "--policy", "nothing.json"]) == 1


def test_simulate_takes_several_values_of_one_key(learner: Path) -> None:
    tags = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "cost"]}}
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": tags}
    (learner / "tags.json").write_text(json.dumps({**READ, "Statement": statement}), "utf-8")
    ask = ["simulate", "--policy", "tags.json", *ASK]
    assert main([*ask, "--context", "aws:TagKeys=team", "--context", "aws:TagKeys=cost"]) == 0
    assert main([*ask, "--context", "aws:TagKeys=team", "--context", "aws:TagKeys=other"]) == 1


def test_simulate_reads_standard_input(monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(READ)))
    context = ["--context", "aws:SourceIp=198.51.100.7"]
    assert main(["simulate", "--policy", "-", *ASK, *context]) == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"Version": "2012-10-17",\n "Statement": [}', "line 2"),
        ('{"Statement": {"Effect": "Maybe", "Action": "*", "Resource": "*"}}', "Effect"),
    ],
)
def test_a_malformed_policy_names_its_file_and_place(
    learner: Path, capsys, content: str, words: str
) -> None:
    (learner / "bad.json").write_text(content, encoding="utf-8")
    assert main(["simulate", "--policy", "bad.json", *ASK]) == 2
    error = capsys.readouterr().err
    assert "bad.json" in error and words in error


def test_a_policy_file_that_is_not_there(capsys) -> None:
    assert main(["simulate", "--policy", "none.json", *ASK]) == 2
    assert "Cannot read the policy none.json" in capsys.readouterr().err


def test_context_without_a_value(policy: str, capsys) -> None:
    assert main(["simulate", "--policy", policy, *ASK, "--context", "aws:SourceIp"]) == 2
    assert "KEY=VALUE" in capsys.readouterr().err


# --- the command itself ---------------------------------------------------------------------


def test_without_a_command_the_commands_are_listed(capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2 and "COMMAND" in capsys.readouterr().err


def test_version(capsys) -> None:
    import iamlab

    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"iamlab {iamlab.__version__}\n"
