"""Credentials as bars, on a real lab: what made them, what they called, what ended them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from iamlab.widgets.session_bars import Bar, bars, chains, depth, lanes, short
from iamlab.widgets.session_words import day_time, facts, length, sentence, status

HOME = "111122223333"
BEFORE_2090 = {"DateLessThan": {"aws:TokenIssueTime": "2090-01-01T00:00:00Z"}}
UNTIL_2090 = {"DateLessThan": {"aws:CurrentTime": "2090-01-01T00:00:00Z"}}
START = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)


def document(effect: str, *actions: str, **more: Any) -> str:
    statement = {"Effect": effect, "Action": list(actions), **more}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


@pytest.fixture
def become(lab: Any) -> Callable[..., boto3.Session]:
    """Roles reader and auditor, user ana, and a way from one session to the next."""
    lab.clock.speed = 0
    iam = boto3.client("iam")
    for role in ("reader", "auditor"):
        trust = document("Allow", "sts:AssumeRole", Principal={"AWS": HOME})
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
        may = document("Allow", "s3:ListAllMyBuckets", "sts:AssumeRole", Resource="*")
        iam.put_role_policy(RoleName=role, PolicyName="may", PolicyDocument=may)
    iam.create_user(UserName="ana")
    may = document("Allow", "sts:AssumeRole", Resource="*")
    iam.put_user_policy(UserName="ana", PolicyName="may", PolicyDocument=may)

    def assume(source: boto3.Session, role: str, name: str, seconds: int = 3600) -> boto3.Session:
        made = source.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{HOME}:role/{role}",
            RoleSessionName=name,
            DurationSeconds=seconds,
        )["Credentials"]
        return boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    return assume


def named(lab: Any, name: str) -> Bar:
    return next(bar for bar in bars(lab) if name in f"{bar.who}, {bar.name}")


def refused(call: Callable[..., Any], code: str) -> None:
    with pytest.raises(ClientError, match=code):
        call()


def test_a_session_its_calls_and_what_became_of_them(lab: Any, become: Any) -> None:
    build = become(lab.session("user/ana"), "reader", "build-7")
    bar = named(lab, "build-7")
    began, ends = f"{bar.issued:%H:%M}", f"{bar.expires:%H:%M}"
    s3 = build.client("s3")
    s3.list_buckets()
    refused(lambda: s3.create_bucket(Bucket="not-for-readers"), "AccessDenied")
    lab.clock.advance(minutes=47, seconds=59)
    bar, now = named(lab, "build-7"), lab.clock.now()
    if bar.expires.date() == bar.issued.date():  # else the sentence names the day, too
        assert sentence(bar, now) == (
            f"role/reader, session build-7: issued {began}, expires {ends}, 12 minutes left, "
            "2 calls, 1 denied."
        )
    assert (bar.phase(now), status(bar, now)) == ("soon", "12 minutes left") or (
        bar.phase(now) == "good" and status(bar, now) == "12 minutes left"
    )
    lab.clock.advance(minutes=15)
    refused(s3.list_buckets, "ExpiredToken")
    bar, now = named(lab, "build-7"), lab.clock.now()
    assert [(call.kind, call.what) for call in bar.calls] == [
        ("allowed", "s3:ListBuckets"),
        ("denied", "s3:CreateBucket"),
        ("refused", "s3:ListBuckets"),
    ]
    assert bar.calls[1].said.startswith("AccessDenied: User: arn:aws:sts::")
    assert bar.calls[2].said == "ExpiredToken: The provided token has expired."
    assert sentence(bar, now).endswith(", 2 minutes ago, 3 calls, 1 denied, 1 refused.")
    assert (bar.phase(now), status(bar, now)) == ("expired", "expired")


def test_what_made_it_and_what_came_from_it(lab: Any, become: Any) -> None:
    build = become(lab.session("user/ana"), "reader", "build-7")
    become(build, "auditor", "deeper", 7200 // 2)
    deeper, between = named(lab, "deeper"), named(lab, "build-7")
    assert deeper.parent.key == between.key and deeper.chained and not between.chained
    assert between.parent.who == "user/ana" and between.parent.expires is None
    within = {bar.key for bar in bars(lab)}
    assert [depth(bar, within) for bar in (deeper, between, between.parent)] == [2, 1, 0]
    now = lab.clock.now()
    assert facts(deeper, now) == [
        "Made with role/reader, session build-7, by AssumeRole.",
        "Role chaining: a session of a role made it. AWS gives such a session one hour at most.",
    ]
    assert facts(between, now)[1] == "From it came: role/auditor, session deeper."


def test_the_order_is_that_of_a_family(lab: Any, become: Any) -> None:
    first = become(lab.session("user/ana"), "reader", "first")
    become(lab.session("user/ana"), "reader", "second")
    become(first, "auditor", "of-first")
    rows = [row[0].name for row in chains(bars(lab))]
    assert rows[-3:] == ["session first", "session of-first", "session second"]


def test_what_came_from_a_revoked_session_lives_on(lab: Any, become: Any) -> None:
    build = become(lab.session("user/ana"), "reader", "build-7")
    deeper = become(build, "auditor", "deeper")
    lab.clock.advance(seconds=5)
    now = lab.clock.now().replace(microsecond=0)
    ban = document(
        "Deny",
        "*",
        Resource="*",
        Condition={"DateLessThan": {"aws:TokenIssueTime": f"{now:%Y-%m-%dT%H:%M:%SZ}"}},
    )
    boto3.client("iam").put_role_policy(
        RoleName="reader", PolicyName="AWSRevokeOlderSessions", PolicyDocument=ban
    )
    bar, now = named(lab, "build-7"), lab.clock.now()
    assert (bar.phase(now), status(bar, now)) == ("revoked", "revoked")
    assert sentence(bar, now).endswith(" Revoked: its role denies all that it asks for.")
    assert "What came from it lives on: each session has an end of its own." in facts(bar, now)
    refused(build.client("s3").list_buckets, "AccessDenied")
    deeper.client("s3").list_buckets()  # as the fact says
    assert named(lab, "deeper").revoked is None
    become(lab.session("user/ana"), "reader", "after")
    assert named(lab, "after").revoked is None


@pytest.mark.parametrize(
    "policy",
    [
        document("Deny", "*", Resource="*"),
        document("Allow", "*", Resource="*", Condition=BEFORE_2090),
        document("Deny", "*", Resource="*", Condition=UNTIL_2090),
    ],
)
def test_another_policy_of_that_name_revokes_nothing(lab: Any, become: Any, policy: str) -> None:
    become(lab.session("user/ana"), "reader", "build-7")
    boto3.client("iam").put_role_policy(
        RoleName="reader", PolicyName="AWSRevokeOlderSessions", PolicyDocument=policy
    )
    assert named(lab, "build-7").revoked is None


def test_long_term_keys_have_no_end(lab: Any, become: Any) -> None:
    ana = lab.session("user/ana")
    ana.client("sts").get_caller_identity()
    key = ana.get_credentials().access_key
    bar, now = named(lab, "user/ana"), lab.clock.now()
    assert sentence(bar, now) == (
        f"user/ana, long-term key …{key[-4:]}: made {bar.issued:%H:%M}, no end, 1 call."
    )
    assert (bar.phase(now), status(bar, now)) == ("key", "no end")
    boto3.client("iam").update_access_key(UserName="ana", AccessKeyId=key, Status="Inactive")
    bar = named(lab, "user/ana")
    assert (bar.phase(now), status(bar, now)) == ("gone", "switched off")
    boto3.client("iam").delete_access_key(UserName="ana", AccessKeyId=key)
    bar = named(lab, "user/ana")
    assert sentence(bar, now).endswith(" It is deleted: AWS refuses it.")
    lab.session("root").client("sts").get_caller_identity()
    assert named(lab, "root, long-term key").calls[0].what == "sts:GetCallerIdentity"


def test_a_session_is_gone_with_its_role(lab: Any, become: Any) -> None:
    build = become(lab.session("user/ana"), "reader", "build-7")
    iam = boto3.client("iam")
    iam.delete_role_policy(RoleName="reader", PolicyName="may")
    iam.delete_role(RoleName="reader")
    bar, now = named(lab, "build-7"), lab.clock.now()
    assert sentence(bar, now).endswith(" It is gone with its role: AWS refuses it.")
    with pytest.raises(ClientError):
        build.client("sts").get_caller_identity()


def test_other_kinds_and_other_accounts(lab: Any, become: Any) -> None:
    ana = lab.session("user/ana")
    may = document("Allow", "sts:GetFederationToken", Resource="*")
    boto3.client("iam").put_user_policy(UserName="ana", PolicyName="may2", PolicyDocument=may)
    ana.client("sts").get_session_token()
    ana.client("sts").get_federation_token(Name="bob")
    lab.account("444455556666").client("sts").get_session_token()
    found = [f"{bar.who}, {bar.name}" for bar in bars(lab) if bar.expires]
    assert sorted(found) == [
        "federated-user/bob, federated session",
        "user/administrator in 444455556666, session token",
        "user/ana, session token",
    ]
    assert {bar.account for bar in bars(lab, HOME)} == {HOME}
    assert {bar.account for bar in bars(lab)} == {HOME, "444455556666"}


def bar(minute: float, life: float | None = 60, arn: str = "a", maker: str = "m") -> Bar:
    issued = START + timedelta(minutes=minute)
    expires = issued + timedelta(minutes=life) if life else None
    return Bar(
        f"{arn}{maker}{minute}", "role/r", "session s", arn, HOME, issued, expires, maker=maker
    )


def test_chains_are_what_takes_over() -> None:
    takes_over, too_early, late = bar(45), bar(20), bar(200)
    assert chains([bar(0), takes_over])[0][1] is takes_over
    assert [len(row) for row in chains([bar(0), too_early])] == [1, 1]
    assert [len(row) for row in chains([bar(0), late])] == [2], "late, but the same program"
    assert [len(row) for row in chains([bar(0), bar(45, arn="b")])] == [1, 1]
    assert [len(row) for row in chains([bar(0), bar(45, maker="n")])] == [1, 1]
    assert [len(row) for row in chains([bar(0, None), bar(45, None)])] == [1, 1], "keys never do"


def test_bars_that_overlap_get_lanes_of_their_own() -> None:
    assert lanes([bar(0), bar(45), bar(90), bar(135)]) == [0, 1, 0, 1]
    assert lanes([bar(0), bar(60), bar(300)]) == [0, 0, 0]
    assert lanes([bar(0), bar(30), bar(50)]) == [0, 1, 2]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"), (1.9, "1 second"), (59.9, "59 seconds"), (60, "1 minute"),
        (725, "12 minutes"), (3600, "1 hour"), (3660, "1 hour 1 minute"), (86400, "1 day"),
        (90061, "1 day 1 hour"), (172800 + 120, "2 days 2 minutes"),
    ],
)  # fmt: skip
def test_lengths(seconds: float, words: str) -> None:
    assert length(seconds) == words


def test_times_name_the_day_only_where_it_is_another() -> None:
    assert day_time(START, START + timedelta(hours=1)) == "10:00"
    assert day_time(START, START + timedelta(days=1)) == "10:00 on 4 May"
    assert day_time(START, START + timedelta(days=400), seconds=True) == "10:00:00 on 4 May 2026"


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (f"arn:aws:iam::{HOME}:user/team/ana", "user/ana"),
        (f"arn:aws:sts::{HOME}:assumed-role/reader/build-7", "role/reader"),
        ("arn:aws:sts::444455556666:federated-user/bob", "federated-user/bob in 444455556666"),
        (f"arn:aws:iam::{HOME}:root", "root"),
        ("ec2.amazonaws.com", "ec2.amazonaws.com"),
    ],
)
def test_short_names(arn: str, name: str) -> None:
    assert short(arn, HOME) == name
