"""Advice: what can never work, what is dangerous, what is odd; and silence on good policies."""

import json
import time

import pytest

from iamlab.policy import parse
from iamlab.policy.advice import CODES, OPERATORS, SEVERITIES, advise
from iamlab.policy.conditions import Condition

READ = {
    "Effect": "Allow",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::reports/*",
}
ANA = {"AWS": "arn:aws:iam::111122223333:user/ana"}


def statement(remove=(), **changes):
    return {k: v for k, v in {**READ, **changes}.items() if k not in remove}


def codes(*statements, kind="identity", **others):
    document = {"Version": "2012-10-17", **others, "Statement": list(statements)}
    return [one.code for one in advise(parse(document, kind=kind))]


def when(operator, key, value, effect="Allow", **changes):
    return statement(Effect=effect, Condition={operator: {key: value}}, **changes)


GOOD = [
    ("identity", statement()),
    ("identity", statement(Action=["s3:GetObject", "s3:PutObject*"])),
    ("identity", statement(Action="s3:ListBucket", Resource="arn:aws:s3:::reports")),
    ("identity", statement(Action="s3:ListAllMyBuckets", Resource="*")),
    # AWS's own examples allow it so
    ("identity", statement(Action="s3:ListAllMyBuckets", Resource="arn:aws:s3:::*")),
    (
        "identity",
        statement(
            Action=["s3:ListBucket", "s3:GetObject"],
            Resource=["arn:aws:s3:::reports", "arn:aws:s3:::reports/*"],
        ),
    ),
    ("identity", statement(Action="iam:*", Resource="arn:aws:iam::*:user/${aws:username}")),
    ("identity", statement(Action="iam:PassRole", Resource="arn:aws:iam::111122223333:role/app")),
    (
        "identity",
        when(
            *("StringEquals", "iam:PassedToService", "ec2.amazonaws.com"),
            Action="iam:PassRole",
            Resource="*",
        ),
    ),
    (
        "identity",
        when("StringLike", "s3:prefix", "ana/*", Action="s3:ListBucket", Resource="arn:aws:s3:::*"),
    ),
    ("identity", when("StringEquals", "aws:username", "a${*}")),
    (
        "identity",
        when(
            *("BoolIfExists", "aws:MultiFactorAuthPresent", "false", "Deny"),
            Action="iam:*",
            Resource="*",
        ),
    ),
    (
        "identity",
        statement(
            Condition={
                "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
                "Null": {"aws:TagKeys": "false"},
            }
        ),
    ),
    ("identity", when("DateGreaterThan", "aws:TokenIssueTime", "2026-01-01T00:00:00Z")),
    ("identity", when("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "2001:db8::/32"])),
    ("trust", {"Effect": "Allow", "Principal": ANA, "Action": "sts:AssumeRole"}),
    (
        "trust",
        {
            "Effect": "Allow",
            "Principal": {"Federated": "accounts.google.com"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {"accounts.google.com:aud": "me"}},
        },
    ),
    (
        "trust",
        {
            "Effect": "Allow",
            "Principal": ANA,
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "1234"}},
        },
    ),
    ("resource", statement(Principal=ANA)),
    ("resource", when("StringEquals", "aws:PrincipalOrgID", "o-1234567890", Principal="*")),
    (
        "resource",
        statement(
            *(["Action"],),
            Effect="Deny",
            NotPrincipal={"AWS": [*ANA.values(), "111122223333"]},
            NotAction="s3:Get*",
        ),
    ),
]


@pytest.mark.parametrize(("kind", "good"), GOOD)
def test_good_policies_get_none(kind, good):
    assert codes(good, kind=kind) == []


BAD = [
    ("unknown-service", statement(Action="s4:GetObject")),
    ("unknown-action", statement(Action=["s3:GetObject", "s3:ReadObject"])),
    ("unknown-action", statement(Action=["s3:GetObject", "s3:Frob*"])),
    ("resource-type", statement(Resource="arn:aws:s3:::reports")),
    ("resource-type", statement(Action="s3:ListBucket")),
    ("resource-type", statement(Action="s3:GetObject*", Resource="arn:aws:s3:::reports")),
    ("resource-star-only", statement(Action=["s3:GetObject", "ec2:DescribeInstances"])),
    ("unused-resource", statement(Resource=["arn:aws:s3:::reports", "arn:aws:s3:::reports/*"])),
    ("unknown-operator", when("StringEqual", "aws:username", "ana")),
    ("unknown-operator", when("NullIfExists", "aws:username", "true")),
    ("bad-value", when("NumericEquals", "aws:MultiFactorAuthAge", "ten")),
    ("bad-value", when("IpAddress", "aws:SourceIp", "10.0.0.0/99")),
    ("bad-value", when("DateLessThan", "aws:CurrentTime", "tomorrow")),
    ("no-values", when("StringEquals", "aws:username", [])),
    ("unknown-key", when("StringEquals", "s3:prefix", "ana")),
    ("unknown-key", when("StringEquals", "aws:usernam", "ana")),
    ("unknown-key", when("StringEquals", "username", "ana")),
    ("key-type", when("NumericEquals", "aws:username", "5")),
    ("key-type", when("StringEquals", "aws:SourceIp", "10.0.0.1")),
    ("arn-shape", statement(Action="logs:PutLogEvents", Resource="arn:aws:logs")),
    (
        "early-variable",
        statement(Action="sqs:SendMessage", Resource="arn:aws:sqs:${aws:RequestedRegion}:*:jobs"),
    ),
    ("allow-everything", statement(Action="*", Resource="*")),
    ("not-action-allow", statement(["Action"], NotAction="iam:*", Resource="*")),
    ("not-resource-allow", statement(["Resource"], NotResource="arn:aws:s3:::secret/*")),
    ("pass-any-role", statement(Action="iam:PassRole", Resource="*")),
    ("pass-any-role", statement(Action="iam:*", Resource="*")),
    ("pass-any-role", statement(Action="iam:Pass*", Resource="arn:aws:iam::111122223333:role/*")),
    ("star-in-equals", when("StringEquals", "aws:username", "a*")),
    ("star-in-equals", when("StringNotEqualsIgnoreCase", "aws:username", ["ana", "b?b"])),
    ("mfa-absent", when("Bool", "aws:MultiFactorAuthPresent", "false", "Deny")),
    ("mfa-absent", when("Bool", "AWS:multifactorauthpresent", False, "Deny")),
    ("for-all-values-allow", when("ForAllValues:StringEquals", "aws:TagKeys", ["team"])),
    ("set-operator", when("ForAnyValue:StringEquals", "aws:username", ["ana"])),
    ("several-values", when("StringEquals", "aws:TagKeys", ["team"])),
    ("redundant-action", statement(Action=["s3:GetObject", "s3:Get*"])),
]


@pytest.mark.parametrize(("code", "bad"), BAD)
def test_each_mistake_gets_its_advice(code, bad):
    assert code in codes(bad)


@pytest.mark.parametrize(
    ("code", "kind", "bad"),
    [
        ("anybody", "resource", statement(Principal="*")),
        ("anybody", "bucket", statement(Principal={"AWS": "*"})),
        ("trusts-anybody", "trust", {"Effect": "Allow", "Principal": "*", "Action": "sts:*"}),
        ("not-principal-allow", "resource", statement(NotPrincipal=ANA)),
        ("not-principal-account", "resource", statement(NotPrincipal=ANA, Effect="Deny")),
    ],
)
def test_mistakes_about_principals(code, kind, bad):
    assert codes(bad, kind=kind) == [code]


@pytest.mark.parametrize("kind", ["boundary", "session", "scp"])
def test_what_grants_nothing_may_be_wide(kind):
    assert codes(statement(Action="*", Resource="*"), kind=kind) == []
    assert codes(statement(["Action"], NotAction="iam:*", Resource="*"), kind=kind) == []


def test_mistakes_about_the_whole_policy():
    assert codes(statement(), statement(Sid="Again")) == ["duplicate-statement"]
    assert codes(statement(), Id="x") == ["id"]
    old = parse({"Statement": statement(Resource="arn:aws:s3:::reports/${aws:username}/*")})
    assert [one.code for one in advise(old)] == ["no-version", "variable-needs-version"]
    old = parse({"Statement": when("StringEquals", "aws:username", "${aws:userid}")})
    assert [one.code for one in advise(old)] == ["no-version", "variable-needs-version"]


def test_every_code_is_tested_here_and_every_severity_is_one_of_three():
    tested = {code for code, _ in BAD} | {
        *("anybody", "trusts-anybody", "not-principal-allow", "not-principal-account"),
        *("duplicate-statement", "id", "no-version", "variable-needs-version"),
    }
    assert tested == set(CODES)
    assert {severity for severity, _ in CODES.values()} == set(SEVERITIES)


def test_advice_names_what_was_perhaps_meant_and_where_it_stands():
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [statement(Action=["s3:GetObject", "s3:PutObjects"])],
        },
        indent=2,
    )
    (one,) = advise(parse(text, kind="identity"))
    assert (one.code, one.severity) == ("unknown-action", "error")
    assert "`s3:PutObjects`" in one.message and "`s3:PutObject`" in one.message
    assert one.path == "Statement[0].Action[1]"
    assert '"s3:PutObjects"' in text.splitlines()[one.line - 1]
    assert one.column == text.splitlines()[one.line - 1].index('"') + 1
    operator = advise(parse({"Version": "2012-10-17", "Statement": when("StringLikes", "a", "b")}))
    assert "Did you mean StringLike?" in operator[0].message


def test_the_list_of_operators_is_that_of_the_evaluator():
    assert all(Condition(name, "aws:username", (), True).family for name in OPERATORS)
    assert len(OPERATORS) == len(set(OPERATORS)) == 27


def test_a_policy_given_as_a_dict_has_no_lines():
    (one,) = advise(parse({"Version": "2012-10-17", "Statement": statement(Action="s3:Nothing")}))
    assert (one.line, one.column) == (None, None)


def test_hostile_policies_are_answered_in_time():
    """The bounds are generous: this is no benchmark."""
    start = time.perf_counter()
    stars = "*a" * 1000
    many = [statement(Sid=f"S{n}", Action=f"s3:Nothing{n}") for n in range(10_000)]
    for statements in (
        many,
        [statement(Action=[f"s3:Get{n}*" for n in range(5000)])],
        [statement(Action=f"s3:{stars}", Resource=f"arn:aws:s3:::{stars}")],
        [statement(Resource=[f"arn:aws:s3:::{'*' * 400}{n}" for n in range(150)])],
        [when("StringEquals", "aws:username", [stars] * 1000)],
        [when("a" * 100_000, "b" * 100_000, "c")],
    ):
        document = {"Version": "2012-10-17", "Statement": statements}
        assert len(advise(parse(json.dumps(document)))) <= 200
    assert time.perf_counter() - start < 20
