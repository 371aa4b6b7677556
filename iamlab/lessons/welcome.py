"""Lesson 00: the lab, and the three parts of every call."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from iamlab.course import Lesson, Look, World, read_manifest
from iamlab.lessons.company import MAPS, PAYROLL, REPORTS, WAGES, arn, buckets, folder
from iamlab.lessons.company import policy as document
from iamlab.lessons.company import statement as allow

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

READ_REPORTS = document(
    allow("Allow", "s3:GetObject", f"arn:aws:s3:::{REPORTS}/*", Sid="ReadReports")
)
HELLO = "notes/hello.txt"


def events(lab: Lab) -> dict[str, dict[str, str]]:
    """Play the calls of last night: they stand in the history that the learner reads."""
    calls = [("ana", REPORTS, "2026/q3.csv"), ("nightly-report", REPORTS, "2026/q3.csv")]
    calls += [("nightly-report", PAYROLL, "2026/september.csv"), ("ana", REPORTS, "2026/q2.csv")]
    for user, bucket, key in calls:
        with contextlib.suppress(ClientError):  # One of them is denied: that is the story.
            lab.session(f"user/{user}").client("s3").get_object(Bucket=bucket, Key=key)
    lab.clock.advance(hours=6)
    return {}


def check_who(look: Look, answer: Any) -> None:
    """01: the learner's own ARN."""
    if answer in ("", None):
        look.not_attempted("answer is still empty.")
    mine = look.lab.callers.find(boto3.Session().get_credentials().access_key).caller
    text = answer.strip() if isinstance(answer, str) else answer
    if text == mine.arn:
        return
    if isinstance(answer, dict):
        look.not_yet("That is the whole reply. Take one field of it: the one called Arn.")
    if text == look.lab.account_id:
        look.not_yet("That is the account number. An account holds many principals.")
    if text == mine.user_id:
        look.not_yet("That is the unique ID. It does not tell a reader who you are.")
    if str(text).startswith("arn:"):
        look.not_yet("That ARN names another principal. Ask the account who you are.")
    look.not_yet("An ARN begins with arn: and has five colons or more.")


def check_callers(look: Look, answer: Any) -> None:
    """02: people and programs, counted from the files."""
    if answer in ("", None):
        look.not_attempted("answer is still empty.")
    people, programs = (len((folder() / f).read_text().splitlines()) - 1 for f in _FILES)
    try:
        number = int(str(answer))
    except ValueError:
        look.not_yet("The answer is one whole number.")
    if number == people:
        look.not_yet("That counts the people. Who else calls AWS at Larkfield?")
    if number == programs:
        look.not_yet("That counts the programs. People call AWS too.")
    if number == people + programs + 2:
        look.not_yet("That counts the header lines as well. A header is not a caller.")
    if number != people + programs:
        look.not_yet("The number does not fit the two files. Count their rows with len().")


_FILES = ("staff.csv", "programs.csv")


def check_parts(look: Look, answer: Any) -> None:
    """03: principal, action and resource of one denied call."""
    right = {"principal": arn("user/ben"), "action": "s3:GetObject", "resource": WAGES}
    if answer is None:
        look.not_attempted("The three parts are still empty.")
    if not isinstance(answer, dict) or set(answer) != set(right):
        look.not_yet("call is a dict with the three keys principal, action and resource.")
    given = {part: str(value).strip().strip('"') for part, value in answer.items()}
    if not any(given.values()):
        look.not_attempted("The three parts are still empty.")
    if given["action"].startswith("arn:") or given["resource"].startswith("s3:"):
        look.not_yet("The action and the resource have changed places.")
    if given["action"].lower() in ("get_object", "getobject"):
        look.not_yet("That is only the method's name. An action has a service and a colon.")
    if given["action"].lower() != right["action"].lower():
        look.not_yet("The action is not the one in the error. Look after 'to perform:'.")
    if not given["principal"].startswith("arn:"):
        look.not_yet("A short name could be any account's. Give the principal's whole ARN.")
    if given["principal"] != right["principal"]:
        look.not_yet("That principal did not make this call. Look after 'User:' in the error.")
    if given["resource"] == f"arn:aws:s3:::{PAYROLL}":
        look.not_yet("That is the bucket. Which object in it did the call ask for?")
    if given["resource"] != right["resource"]:
        look.not_yet("The resource is not the one in the error. Look after 'on resource:'.")


def check_note(look: Look, _: Any) -> None:
    """04: an object that the learner wrote."""
    s3 = look.client("s3")
    keys = {b: _keys(s3, b) for b in (MAPS, REPORTS, PAYROLL)}
    if HELLO not in keys[MAPS]:
        for bucket in (REPORTS, PAYROLL):
            if any("hello" in key for key in keys[bucket]):
                look.not_yet(f"A note lies in {bucket}. The task names another bucket.")
        near = [key for key in keys[MAPS] if "hello" in key.lower()]
        if near:
            look.not_yet(f"There is an object {near[0]!r}. Its key differs from the task's key.")
        look.not_attempted("The note is not in the bucket yet.")
    if not s3.get_object(Bucket=MAPS, Key=HELLO)["Body"].read().strip():
        look.not_yet("The note is there, and it is empty. Give it a Body with some words.")


def _keys(s3: Any, bucket: str) -> set[str]:
    return {item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}


def check_night(look: Look, answer: Any) -> None:
    """05: who was denied on the payroll bucket, read from the history."""
    if answer in ("", None):
        look.not_attempted("answer is still empty.")
    name = str(answer).strip().rsplit("/", 1)[-1]
    if name == "nightly-report":
        return
    if name == "ben":
        look.not_yet("Ben's call was yours, by day, in this notebook. Look at the hours before.")
    if name == "ana":
        look.not_yet("Ana read reports, and she may. Filter the rows by the payroll bucket.")
    if name == "administrator":
        look.not_yet("The administrator is you. Filter the rows by their decision as well.")
    look.not_yet("No such principal was denied on the payroll bucket last night.")


def truth_no_rule(look: Look) -> str:
    """Ask whether Ben may read the payroll file."""
    return "allowed" if look.allows("user/ben", "s3:GetObject", WAGES) else "denied"


def truth_who_am_i(look: Look) -> str:
    """Ask whether Ben may ask who he is."""
    return "yes" if look.allows("user/ben", "sts:GetCallerIdentity", "*") else "no"


def lesson() -> Lesson:
    """Return lesson 00."""
    return Lesson(
        id="00",
        title="Welcome",
        data=folder(),
        world=World(
            users={
                "ana": {"read-reports": READ_REPORTS},
                "ben": {},
                "nightly-report": {"read-reports": READ_REPORTS},
            },
            buckets=buckets(),
            events=events,
        ),
        **read_manifest(Path(__file__).with_suffix(".toml"), globals()),
    )
