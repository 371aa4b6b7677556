"""Lesson 06: temporary credentials: how long they live, how to renew them, how to revoke them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from iamlab.course import Lesson, Look, Probe, Role, World, read_manifest
from iamlab.course.look import BLANK, unrecorded
from iamlab.lessons.company import Q3, Q4_2025, REPORTS, WAGES, arn, buckets, folder, trust
from iamlab.lessons.company import policy as document
from iamlab.lessons.company import statement as allow

if TYPE_CHECKING:
    from iamlab.account.callers import Caller
    from iamlab.account.lab import Lab

READ = allow("Allow", "s3:GetObject", f"arn:aws:s3:::{REPORTS}/*", Sid="Read")
WRITE = allow("Allow", "s3:PutObject", f"arn:aws:s3:::{REPORTS}/nightly/*", Sid="Write")
NIGHTLY = f"arn:aws:s3:::{REPORTS}/nightly/sum.csv"
HALF_DAY = 12 * 3600


def events(lab: Lab) -> dict[str, dict[str, str]]:
    """Make the sessions that the story hands out: a stolen one, a limited one, an orphan."""
    with unrecorded(lab):
        keys = {}
        for user in ("nightly-report", "omar"):
            key = boto3.client("iam").create_access_key(UserName=user)["AccessKey"]
            keys[user] = _keys(key)
        night = boto3.Session(**keys["nightly-report"]).client("sts")
        limit = json.dumps(document(READ))
        keys["stolen"] = _assume(night, "night-worker", "night-server")
        keys["archive-job"] = _assume(
            night, "report-archiver", "archive-job", Policy=limit, DurationSeconds=HALF_DAY
        )
        keys["archiver"] = _assume(night, "report-archiver", "chain", DurationSeconds=HALF_DAY)
        omar = boto3.Session(**keys.pop("omar"))
        keys["omar-session"] = _assume(
            omar.client("sts"), "report-demo", "omar", DurationSeconds=HALF_DAY
        )
        boto3.client("iam").delete_access_key(
            UserName="omar", AccessKeyId=omar.get_credentials().access_key
        )
    lab.clock.advance(minutes=10)  # Ten minutes later the learner hears of the theft.
    return keys


def _keys(found: dict[str, Any]) -> dict[str, str]:
    keys = {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
    }
    token = found.get("SessionToken")
    return keys | {"aws_session_token": token} if token else keys


def _assume(sts: Any, role: str, name: str, **more: Any) -> dict[str, str]:
    reply = sts.assume_role(RoleArn=arn(f"role/{role}"), RoleSessionName=name, **more)
    return _keys(reply["Credentials"])


def _role_session(look: Look, session: Any, role: str) -> Caller:
    """Return the caller of a session of this role; anything else ends the check."""
    caller = look.caller(session)
    if caller.session is None:
        look.not_yet(f"These are long-term keys of {caller.name}. They never end by themselves.")
    if caller.kind != "role":
        look.not_yet("These keys are temporary, and they are of a user. The task asks for a role.")
    if caller.principal_arn != arn(f"role/{role}"):
        look.not_yet(f"This is a session of another role: {caller.name}.")
    return caller


def check_short(look: Look, session: Any) -> None:
    """01: a session of fifteen minutes."""
    found = _role_session(look, session, "report-reader").session
    minutes = (found.expires - found.issued) / timedelta(minutes=1)
    if minutes == 60:
        look.not_yet("This session lives for an hour: that is what you get without asking.")
    if minutes != 15:
        look.not_yet(f"This session lives for {minutes:g} minutes. DurationSeconds counts seconds.")


def check_limit(look: Look, _: Any) -> None:
    """03: the role's longest session is four hours."""
    hours = {
        name: look.find("get_role", RoleName=name)["Role"]["MaxSessionDuration"] / 3600
        for name in ("night-worker", "report-reader")
    }
    if hours["report-reader"] != 1:
        look.not_yet("You changed the limit of another role: report-reader.")
    if hours["night-worker"] == 1:
        look.not_attempted("The longest session of night-worker is still one hour.")
    if hours["night-worker"] < 4:
        look.not_yet("The limit is higher now. The job needs more time than that.")
    if hours["night-worker"] > 4:
        look.not_yet("The limit is higher than the job needs. A stolen session lives as long.")


def check_narrow(look: Look, session: Any) -> None:
    """04: a session policy that takes away the old years."""
    found = _role_session(look, session, "report-reader").session
    if not found.policies:
        look.not_yet("This session has no session policy: it may do all that the role may do.")
    resources = [r for p in found.policies for s in p.statements for r in s.resources or ()]
    if any(BLANK in resource for resource in resources):
        look.not_attempted(f"The session policy still has a blank: change {BLANK}.")
    if any("payroll" in resource for resource in resources):
        look.not_yet("You put the payroll into the session policy. A session policy adds nothing.")
    look.probe(
        Probe(session, "s3:GetObject", Q4_2025, False, "This session still reads the old years."),
        Probe(session, "s3:GetObject", Q3, True, "This session cannot read the reports of 2026."),
        Probe(
            session,
            "s3:GetObject",
            f"arn:aws:s3:::{REPORTS}/2026/q4.csv",
            True,
            "This session cannot read a report that comes later in 2026.",
        ),
    )


def check_renewed(look: Look, session: Any) -> None:
    """02: a session of the role that is still good."""
    found = _role_session(look, session, "night-worker").session
    if found.expires <= look.lab.clock.now():
        look.not_yet("This session has expired. Keys that have expired do not come back.")


def check_revoked(look: Look, _: Any) -> None:
    """05: the stolen session is out, new ones are in."""
    role, server = "role/night-worker", look.keys["nightly-report"]["aws_access_key_id"]
    if look.find("get_role", RoleName="night-worker") is None:
        look.not_yet("The role is gone. The thief is out, and so is the program.")
    listed = look.find("list_access_keys", UserName="nightly-report")
    if server not in [k["AccessKeyId"] for k in (listed or {}).get("AccessKeyMetadata", [])]:
        look.not_yet("The program's key is deleted. The stolen session lives on without it.")
    look.needs_policy(role, "revoke-older")
    stolen = boto3.Session(**look.keys["stolen"])
    if look.lab.callers.find(look.keys["stolen"]["aws_access_key_id"]) is None:
        look.not_yet(
            "The stolen session went with the role that it belonged to. lesson.reset() gives you a "
            "fresh account."
        )
    later = (look.lab.clock.now() + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    new = {"aws:TokenIssueTime": later}
    old = look.allows(stolen, "s3:GetObject", Q3)
    if old and not look.allows(role, "s3:GetObject", Q3, **new):
        look.not_yet("It is the wrong way round: new sessions are denied, the old one is not.")
    look.probe(
        Probe(stolen, "s3:GetObject", Q3, False, "The stolen session still reads the reports."),
        Probe(stolen, "s3:PutObject", NIGHTLY, False, "The stolen session can still write."),
        Probe(
            role,
            "s3:GetObject",
            Q3,
            True,
            "A session that is made after this is denied too. The program cannot work.",
            new,
        ),
    )


def check_archive(look: Look, session: Any) -> None:
    """06: a session of the same role without the limit."""
    role = "role/report-archiver"
    if look.allows(role, "s3:DeleteObject", WAGES) or look.allows(role, "s3:GetObject", WAGES):
        look.not_yet("The role may do more now. What it may do was never the trouble.")
    caller = _role_session(look, session, "report-archiver")
    if caller.access_key_id == look.keys["archive-job"]["aws_access_key_id"]:
        look.not_yet("These are the job's old keys. What limits them stays with them.")
    say = "This session is new, and it cannot write either. What came with it?"
    look.probe(
        Probe(session, "s3:PutObject", NIGHTLY, True, say),
        Probe(session, "s3:GetObject", Q3, True, "This session can write, and no longer read."),
    )


def truth_policy_change(look: Look) -> str:
    """Judge a session's call after its role has lost its policy."""
    from iamlab.policy import Policies, Request, allows

    caller = f"arn:aws:sts::{look.lab.account_id}:assumed-role/report-demo/ana"
    return "allowed" if allows(Request(caller, "s3:GetObject", Q3), Policies()) else "denied"


def truth_key_deleted(look: Look) -> str:
    """Use a session whose maker's access key is deleted."""
    return _works(look, "omar-session", lambda s: s.client("sts").get_caller_identity())


def truth_chain(look: Look) -> str:
    """Go from one role to the next, and ask for two hours."""
    return _works(
        look,
        "archiver",
        lambda s: _assume(s.client("sts"), "report-demo", "chained", DurationSeconds=7200),
    )


def _works(look: Look, keys: str, call: Any) -> str:
    with unrecorded(look.lab):
        try:
            call(boto3.Session(**look.keys[keys]))
        except ClientError:
            return "no"
        return "yes"


def lesson() -> Lesson:
    """Return lesson 06."""
    ana, night, omar = (arn(f"user/{name}") for name in ("ana", "nightly-report", "omar"))
    archiver = arn("role/report-archiver")
    read, work = {"read": document(READ)}, {"work": document(READ, WRITE)}
    return Lesson(
        id="06",
        title="Credentials that expire",
        data=folder(),
        world=World(
            users={"ana": {}, "omar": {}, "nightly-report": {}},
            buckets=buckets(),
            roles={
                "report-reader": Role(trust(AWS=ana), read),
                "night-worker": Role(trust(AWS=night), work),
                "report-archiver": Role(trust(AWS=night), _archive(work), HALF_DAY),
                "report-demo": Role(trust(AWS=[ana, omar, archiver]), read, HALF_DAY),
            },
            events=events,
        ),
        **read_manifest(Path(__file__).with_suffix(".toml"), globals()),
    )


def _archive(work: dict[str, Any]) -> dict[str, Any]:
    onward = allow("Allow", "sts:AssumeRole", arn("role/report-demo"), Sid="GoOn")
    return {**work, "go-on": document(onward)}
