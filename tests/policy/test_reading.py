"""A statement in plain words: nothing of it is left out, and code is marked as code."""

import re

import pytest

from iamlab.policy import parse
from iamlab.policy.conditions import _OPERATORS
from iamlab.policy.reading import aloud


def read(kind=None, **statement):
    full = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"} | statement
    full = {element: value for element, value in full.items() if value is not None}
    policy = parse({"Version": "2012-10-17", "Statement": full})
    return aloud(policy.statements[0], kind)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({}, "Allows `s3:GetObject` (read) on every resource."),
        (
            {"Action": ["s3:*", "sqs:GetQueueU*", "*"], "Resource": "arn:aws:s3:::reports"},
            "Allows every action of `s3`, `sqs:GetQueueU*` (1 action) and every action of every "
            "service on the bucket `reports` itself (not what is in it).",
        ),
        (
            {"Resource": ["arn:aws:s3:::reports/*", "arn:aws:s3:::reports/2026/*"]},
            "Allows `s3:GetObject` (read) on every object in the bucket `reports` and every object "
            "in the bucket `reports` whose name begins with `2026/`.",
        ),
        (
            {"Resource": ["arn:aws:s3:::r/a.csv", "arn:aws:s3:::r/*.csv", "arn:aws:sqs:::q"]},
            "Allows `s3:GetObject` (read) on the object `a.csv` in the bucket `r`, every object in "
            "the bucket `r` whose name looks like `*.csv` and `arn:aws:sqs:::q`.",
        ),
        (
            {"Effect": "Deny", "Action": None, "NotAction": ["iam:*", "sts:*"]},
            "Denies every action except `iam:*` and `sts:*` on every resource. No Allow helps "
            "against this.",
        ),
        (
            {
                "Action": None,
                "NotAction": "iam:*",
                "Resource": None,
                "NotResource": "arn:aws:b:::c",
            },
            "Allows every action except `iam:*` on every resource except `arn:aws:b:::c`. This "
            "denies nothing: another policy may allow the exceptions.",
        ),
        (
            {"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}},
            "Allows `s3:GetObject` (read) on every resource, but only if the caller's IP address "
            "(`aws:SourceIp`) is in `203.0.113.0/24`.",
        ),
        (
            {
                "Effect": "Deny",
                "Condition": {
                    "StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-west-2"]},
                    "Null": {"aws:PrincipalTag/team": "false"},
                },
            },
            "Denies `s3:GetObject` (read) on every resource if all of this is so: the Region that "
            "the call goes to (`aws:RequestedRegion`) is not `eu-west-1` or `eu-west-2` (also if "
            "it is missing); the caller's tag `team` is there. No Allow helps against this.",
        ),
        (
            {"Condition": {"ForAllValues:StringLike": {"aws:TagKeys": "cost*"}}},
            "Allows `s3:GetObject` (read) on every resource, but only if each of the names of the "
            "tags in the request (`aws:TagKeys`) looks like `cost*` (also if there are none).",
        ),
        (
            {"Resource": "arn:aws:s3:::home/${aws:username}/*"},
            "Allows `s3:GetObject` (read) on every object in the bucket `home` whose name begins "
            "with `${aws:username}/`. `${aws:username}` stands for the caller's user name "
            "(`aws:username`).",
        ),
        (
            {
                "Principal": {"AWS": "111122223333", "Service": "ec2.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Resource": None,
            },
            "Allows account `111122223333` (whoever its own policies let) and the AWS service "
            "`ec2.amazonaws.com` to do `sts:AssumeRole` (write).",
        ),
        (
            {"Effect": "Deny", "Principal": "*"},
            "Denies everybody in the world `s3:GetObject` (read) on every resource. No Allow helps "
            "against this.",
        ),
    ],
)
def test_the_words(statement, words):
    assert read(**statement) == words


@pytest.mark.parametrize("kind", ["boundary", "session", "scp"])
def test_a_limit_gives_nothing(kind):
    assert read(kind) == (
        "Leaves room for `s3:GetObject` (read) on every resource. It gives nothing by itself: an "
        "identity policy still has to allow it."
    )


@pytest.mark.parametrize("operator", [name for name in _OPERATORS if name != "null"])
def test_every_operator_has_words(operator):
    text = read(Condition={operator: {"aws:x": ["a", "b"]}})
    assert re.search(r"only if `aws:x` (is|looks|does) .*`a` or `b`", text)
    assert "also if it is missing" in read(Condition={f"{operator}IfExists": {"aws:x": "a"}})
    assert ("also if it is missing" in text) == ("not" in operator)


def test_an_unknown_operator_is_said_to_be_unknown():
    assert "which AWS does not know" in read(Condition={"StringEqual": {"aws:x": "a"}})


def test_long_lists_are_cut():
    text = read(Action=[f"s3:X{n}" for n in range(9)])
    assert "`s3:X4` and 4 more" in text and "X5" not in text
