"""The timeline's Python half, on a real lab: over the end, revoked, renewed, refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

import iamlab
from iamlab.widgets import Timeline, timeline

HOME = "111122223333"
READER = f"arn:aws:iam::{HOME}:role/reader"


@pytest.fixture
def reader(lab: Any) -> str:
    """A role that may list buckets, and a session of it: the access key ID."""
    lab.clock.speed = 0
    iam = boto3.client("iam")
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": HOME}}
    trust = json.dumps({"Version": "2012-10-17", "Statement": allow})
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust)
    may = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": may})
    iam.put_role_policy(RoleName="reader", PolicyName="may", PolicyDocument=document)
    return assume()


def assume(name: str = "build-7", seconds: int = 3600) -> str:
    answer = boto3.client("sts").assume_role(
        RoleArn=READER, RoleSessionName=name, DurationSeconds=seconds
    )
    return answer["Credentials"]["AccessKeyId"]


@pytest.fixture
def shown(lab: Any, reader: str) -> Iterator[Timeline]:
    page = timeline(lab)
    yield page
    page.close()


def ask(page: Timeline, do: str, value: Any = None) -> None:
    page._on_message(page, {"do": do, "value": value, "ping": object()}, None)


def bar(page: Timeline, key: str) -> dict[str, Any]:
    return next(bar for row in page.rows for bar in row["bars"] if bar["key"] == key)


def test_a_session_is_walked_over_its_end(lab: Any, shown: Timeline, reader: str) -> None:
    ask(shown, "walk", reader)
    assert lab.clock.speed == 0
    assert lab.callers.sessions[reader].expires.timestamp() - lab.clock.now().timestamp() == 1
    assert bar(shown, reader)["status"] == "1 second left"
    assert shown.state["notice"] == (
        "The clock is paused one second before the end of role/reader, session build-7. "
        "AWS still takes it."
    )
    assert shown.try_call(reader, "s3 ListBuckets")["ok"]
    ask(shown, "step", reader)
    assert bar(shown, reader)["phase"] == "expired"
    assert shown.try_call(reader, "s3 ListBuckets")["text"] == (
        "s3 ListBuckets with role/reader, session build-7 did not work: "
        "ExpiredToken: The provided token has expired."
    )
    calls = shown.calls[reader]
    assert [(row["word"], row["ok"]) for row in calls["rows"]] == [
        ("refused", False),
        ("allowed", True),
    ]
    assert [kind for _, kind in calls["marks"]] == ["allowed", "refused"]


def test_the_clock_cannot_go_back_to_an_end(lab: Any, shown: Timeline, reader: str) -> None:
    shown.step_over(reader)
    with pytest.raises(ValueError, match="has expired"):
        shown.walk_to_end(reader)
    admin = shown.rows[0]["bars"][0]["key"]
    with pytest.raises(ValueError, match="no end"):
        shown.step_over(admin)
    ask(shown, "walk", admin)
    assert "no end" in shown.state["notice"]


def test_a_running_clock_is_stopped_exactly_there(lab: Any, shown: Timeline, reader: str) -> None:
    lab.clock.speed = 600
    shown.walk_to_end(reader)
    assert bar(shown, reader)["status"] == "1 second left"


def test_revoked_as_the_console_does_it(lab: Any, shown: Timeline, reader: str) -> None:
    assert shown.try_call(reader, "s3 ListBuckets")["ok"]
    ask(shown, "revoke", READER)
    policy = boto3.client("iam").get_role_policy(
        RoleName="reader", PolicyName="AWSRevokeOlderSessions"
    )["PolicyDocument"]
    now = f"{lab.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    assert policy["Statement"] == [
        {
            "Effect": "Deny",
            "Action": ["*"],
            "Resource": ["*"],
            "Condition": {"DateLessThan": {"aws:TokenIssueTime": now}},
        }
    ]
    assert bar(shown, reader)["status"] == "revoked"
    assert "role/reader now denies every session" in shown.state["notice"]
    assert ": 1 session. " in shown.state["notice"]
    denied = shown.try_call(reader, "s3 ListBuckets")
    assert "with an explicit deny in an identity-based policy" in denied["text"]
    assert shown.try_call(reader)["ok"], "GetCallerIdentity needs no permission"
    again = assume("again")
    assert shown.try_call(again, "s3 ListBuckets")["ok"], "issued after it, although at once"
    assert bar(shown, again)["phase"] == "good"


def test_what_iam_refuses_is_shown(lab: Any, shown: Timeline) -> None:
    speed = lab.clock.speed = 60.0
    ask(shown, "revoke", f"arn:aws:iam::{HOME}:role/nobody")
    assert shown.state["notice"].startswith("AWS answered NoSuchEntity: ")
    assert lab.clock.speed == speed


def test_credentials_renew_themselves(lab: Any, shown: Timeline) -> None:
    ask(shown, "renew", READER)
    assert shown.state["renewing"] == [READER]
    for _ in range(12):
        lab.clock.advance(minutes=17)
        ask(shown, "look")
    row = next(row for row in shown.rows if row["note"] == "session renews-itself")
    assert len(row["bars"]) > 3
    assert [one["lane"] for one in row["bars"][:4]] == [0, 1, 0, 1]
    for before, after in zip(row["bars"], row["bars"][1:], strict=False):
        assert before["issued"] < after["issued"] < before["expires"], "before the old ones expire"
    assert row["bars"][-1]["phase"] == "good"
    assert any("renew themselves" in text for text in row["bars"][-1]["facts"])
    ask(shown, "stop renewing", READER)
    lab.clock.advance(hours=2)
    ask(shown, "look")
    assert (
        shown.state["renewing"] == [] and bar(shown, row["bars"][-1]["key"])["phase"] == "expired"
    )


def test_what_cannot_renew_itself_any_more_says_so(lab: Any, shown: Timeline) -> None:
    shown.renew(READER)
    deny = {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": "*"}
    boto3.client("iam").update_assume_role_policy(
        RoleName="reader",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": deny}),
    )
    lab.clock.advance(minutes=59)
    shown.look()
    assert "could not renew themselves any more" in shown.state["notice"]
    assert "AccessDenied" in shown.state["notice"] and shown.state["renewing"] == []
    ask(shown, "renew", READER)
    assert shown.state["notice"].startswith("AWS answered AccessDenied: ")


def test_an_instance_is_followed(lab: Any, reader: str) -> None:
    iam, ec2 = boto3.client("iam"), boto3.client("ec2")
    allow = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "ec2.amazonaws.com"},
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": allow})
    iam.update_assume_role_policy(RoleName="reader", PolicyDocument=trust)
    iam.create_instance_profile(InstanceProfileName="p")
    iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="reader")
    made = ec2.run_instances(
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1, IamInstanceProfile={"Name": "p"}
    )["Instances"][0]["InstanceId"]
    with lab.on_instance(made):
        session = boto3.Session()
        page = timeline(lab, follow=session)
        for _ in range(8):
            lab.clock.advance(hours=2)
            page.look()
    row = next(row for row in page.rows if row["note"] == f"session {made}")
    assert len(row["bars"]) >= 3 and row["bars"][-1]["phase"] in ("good", "soon")
    assert row["bars"][0]["facts"][0] == "ec2.amazonaws.com asked for it, by AssumeRole."
    assert "These credentials renew themselves" in row["bars"][0]["facts"][1]


@pytest.mark.parametrize("wrong", [5, "ana", boto3.Session])
def test_what_cannot_be_followed_is_said(lab: Any, wrong: Any) -> None:
    with pytest.raises(TypeError, match="follow takes boto3 sessions"):
        timeline(lab, follow=[wrong])


def test_calls_of_the_lessons_own_and_roles_to_become(lab: Any, reader: str) -> None:
    page = timeline(lab, calls={"my call": lambda session: session.region_name})
    assert page.choices[0] == "my call" and "sts AssumeRole role/reader" in page.choices
    assert page.try_call(reader, "my call")["text"].endswith("worked: us-east-1")
    admin = page.rows[0]["bars"][0]["key"]
    assert page.try_call(admin, "sts AssumeRole role/reader")["ok"]
    assert [row["depth"] for row in page.rows] == [0, 1, 1]
    assert page.rows[-1]["note"] == "session tried-here"
    with pytest.raises(LookupError, match="There are: my call, sts GetCallerIdentity"):
        page.try_call(reader, "no such call")
    with pytest.raises(LookupError, match="no credential 'AKIANONE'"):
        page.try_call("AKIANONE")


def test_secrets_stay_in_python(lab: Any, shown: Timeline, reader: str) -> None:
    shown.try_call(shown.rows[0]["bars"][0]["key"], "sts AssumeRole role/reader")
    shown.renew(READER)
    sent = json.dumps(shown.get_state(), default=str)
    for session in lab.callers.sessions.values():
        assert session.secret not in sent and session.token not in sent
        assert session.access_key_id in sent


def test_only_one_account(lab: Any, reader: str) -> None:
    lab.account("444455556666").client("sts").get_session_token()
    everyone, home = timeline(lab), timeline(lab, HOME)
    assert len(everyone.rows) == len(home.rows) + 2
    assert not any("444455556666" in row["label"] for row in home.rows)


def test_the_words_hold_every_bar(lab: Any, shown: Timeline, reader: str) -> None:
    shown.try_call(reader, "iam ListUsers")
    lines = str(shown).splitlines()
    assert lines[0].startswith("Credentials of the lab at ")
    assert lines[1].startswith("user/administrator, long-term key …")
    assert lines[2] == "  " + bar(shown, reader)["sentence"]
    assert lines[2].endswith("1 hour left, 1 call, 1 denied.") or "59 minutes" in lines[2]
    assert lines[-1].startswith("✗ iam ListUsers with role/reader, session build-7 did not work: A")


def test_nothing_is_sent_while_nothing_changes(lab: Any, shown: Timeline) -> None:
    seen: list[str] = []
    shown.observe(lambda change: seen.append(change["name"]), ["rows", "calls", "roles", "choices"])
    for _ in range(3):
        ask(shown, "look")
    assert seen == []


def test_a_long_list_is_cut_and_says_so(lab: Any, reader: str) -> None:
    sts = boto3.client("sts")
    for _ in range(250):
        sts.get_session_token()
    page = timeline(lab)
    assert sum(len(row["bars"]) for row in page.rows) == 200
    assert page.state["note"] == "These are the newest 200 of 252 credentials."


def test_an_emptied_lab_is_an_empty_timeline(lab: Any, shown: Timeline) -> None:
    shown.renew(READER)
    lab.reset()
    ask(shown, "look")
    assert [row["label"] for row in shown.rows] == ["user/administrator"]
    assert shown.state["renewing"] == []
    assert timeline(lab, "444455556666").state["note"].startswith("No credentials yet.")


def test_nothing_is_called_once_the_lab_is_stopped() -> None:
    lab = iamlab.start()
    key = boto3.client("sts").get_session_token()["Credentials"]["AccessKeyId"]
    called: list[Any] = []
    page = timeline(lab, calls={"mine": called.append})
    lab.stop()
    ask(page, "try", [key, "mine"])
    ask(page, "step", key)
    assert not called and "iamlab.start()" in page.state["stopped"]
    assert "session token" in str(page)
    for act in (page.try_call, page.walk_to_end, page.revoke, page.renew):
        with pytest.raises(RuntimeError, match="stopped"):
            act(key)
    with pytest.raises(RuntimeError, match="stopped"):
        timeline(lab)


def test_without_a_lab_the_running_one_is_taken(lab: Any) -> None:
    assert timeline()._lab is lab
