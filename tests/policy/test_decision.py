"""A decision explains itself: issue 2, item 2, and design.md's fixed names."""

import json

import pytest

from iamlab.policy import Policies, Request, evaluate, parse

A = "111122223333"
MIA = f"arn:aws:iam::{A}:user/mia"
FILE = "arn:aws:s3:::reports/q3.csv"
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"}


def doc(*statements, version="2012-10-17"):
    return {"Version": version, "Statement": list(statements)}


def decide(*statements, context=None, action="s3:GetObject", resource=FILE, who=MIA, **more):
    request = Request(who, action, resource, context or {})
    return evaluate(request, Policies(identity=[doc(*statements)] if statements else [], **more))


def first(decision, policy_type="identity"):
    (step,) = [s for s in decision.steps if s.policy_type == policy_type]
    return step.statements[0]


def test_the_fixed_names():
    denies = READ | {"Effect": "Deny", "Sid": "No"}
    decision = decide(READ, denies)
    assert (decision.effect, decision.blocked_by) == ("explicitDeny", "identity")
    assert not decision
    assert decision.request.action == "s3:GetObject"
    assert decision.policies.identity[0].statements[1].sid == "No"
    step = decision.steps[3]
    assert (step.policy_type, step.outcome) == ("identity", "explicitDeny")
    allow, deny = step.statements
    assert (allow.effect, allow.matched, allow.failure, allow.index) == ("Allow", True, None, 0)
    assert (deny.effect, deny.sid, deny.index, deny.policy_arn) == ("Deny", "No", 1, None)
    assert deny.document is decision.policies.identity[0]
    assert deny.statement is deny.document.statements[1]
    assert decision.deciding == (deny,)
    assert decide(READ).deciding[0].effect == "Allow"
    assert decide().deciding == ()


def test_every_step_speaks_and_json_takes_it_all():
    everything = Policies(
        identity=[doc(READ | {"Condition": {"Bool": {"a:b": "true"}}})],
        resource=doc(READ | {"Principal": "*", "Action": "s3:Put*"}),
        boundary=doc(READ), session=doc(READ), scps=[[doc(READ)], [doc(READ)]],
        rcps=[[doc(READ | {"Principal": "*"})]],
    )  # fmt: skip
    session = f"arn:aws:sts::{A}:assumed-role/Auditor/s"
    decision = evaluate(Request(session, "s3:GetObject", FILE, {"k": ["a", "b"]}), everything)
    told = json.loads(json.dumps(decision.as_dict()))
    assert [step["outcome"] for step in told["steps"]] == [
        *("allow", "allow", "implicitDeny", "implicitDeny", "allow", "allow")
    ]
    assert all(step["sentence"].endswith((".", ")")) for step in told["steps"])
    assert told["steps"][3]["statements"][0]["failure"]["key"] == "a:b"
    assert told["text"] == str(decision)
    assert [r.level for r in decision.steps[1].statements] == [0, 1]


def test_policies_are_called_by_their_names():
    named = parse(doc(READ), name="ReadReports", arn=f"arn:aws:iam::{A}:policy/ReadReports")
    decision = evaluate(Request(MIA, "s3:GetObject", FILE), Policies(identity=[named]))
    result = decision.deciding[0]
    assert (result.policy, result.policy_arn) == ("ReadReports", named.arn)
    assert "ReadReports" in str(decision)


@pytest.mark.parametrize(
    ("element", "expected", "actual", "statement"),
    [
        ("Action", ("s3:PutObject",), "s3:GetObject", READ | {"Action": "s3:PutObject"}),
        ("NotAction", ("s3:*",), "s3:GetObject",
         {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}),
        ("Resource", ("arn:aws:s3:::b/*",), FILE, READ | {"Resource": "arn:aws:s3:::b/*"}),
        ("NotResource", (FILE,), FILE, {"Effect": "Allow", "Action": "*", "NotResource": FILE}),
        ("Condition", ("a", "b"), "c",
         READ | {"Condition": {"StringEquals": {"k": ["a", "b"]}}}),
        ("Condition", ("x",), None, READ | {"Condition": {"StringEquals": {"none": "x"}}}),
    ],
)  # fmt: skip
def test_the_first_element_that_failed_with_both_values(element, expected, actual, statement):
    failure = first(decide(statement, context={"k": "c"})).failure
    assert (failure.element, failure.expected, failure.actual) == (element, expected, actual)
    assert failure.problem is None
    for value in (*expected, actual):
        assert value is None or f"`{value}`" in failure.sentence


def test_the_order_is_that_of_the_statement():
    """Principal, then Action, Resource and the conditions as they stand."""
    wrong = {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "s3:PutObject",
             "Resource": "arn:aws:s3:::b/*", "Condition": {"Bool": {"a": "true"}}}  # fmt: skip
    found = []
    for right in ({}, {"Principal": "*"}, {"Action": "*"}, {"Resource": "*"}):
        wrong = wrong | right
        decision = evaluate(Request(MIA, "s3:GetObject", FILE), Policies(resource=doc(wrong)))
        found.append(first(decision, "resource").failure.element)
    assert found == ["Principal", "Action", "Resource", "Condition"]


HINTS = {
    "bucket, not objects": (
        READ | {"Resource": "arn:aws:s3:::reports"}, {}, "objects in it are `arn:aws:s3:::rep"
    ),
    "capitals in an ARN": (READ | {"Resource": "arn:aws:s3:::Reports/*"}, {}, "capitals count"),
    "no star at the end": (READ | {"Resource": "arn:aws:s3:::reports/q"}, {}, "end it with a star"),
    "another service": (READ | {"Action": "ec2:GetObject"}, {}, "different services"),
    "variable without value": (
        READ | {"Resource": "arn:aws:s3:::reports/${aws:username}"}, {}, "no value for `${aws:us"
    ),
    "StringEquals with a star": (
        READ | {"Condition": {"StringEquals": {"k": "ma*"}}}, {"k": "maps"}, "StringLike has"
    ),
    "StringLike without a star": (
        READ | {"Condition": {"StringLike": {"k": "ma"}}}, {"k": "maps"}, "put a star"
    ),
    "capitals in a value": (
        READ | {"Condition": {"StringEquals": {"k": "Maps"}}}, {"k": "maps"}, "IgnoreCase"
    ),
    "absent key": (READ | {"Condition": {"StringLike": {"k": "*"}}}, {}, "no `k`"),
    "absent key with Bool": (READ | {"Condition": {"Bool": {"k": "false"}}}, {}, "BoolIfExists"),
    "one of many values": (
        READ | {"Condition": {"ForAllValues:StringEquals": {"k": "a"}}}, {"k": ["a", "b"]}, "`b` do"
    ),
    "excluded value": (
        READ | {"Condition": {"NotIpAddress": {"k": "10.0.0.0/8"}}}, {"k": "10.1.1.1"}, "excludes"
    ),
    "variable in a condition": (
        READ | {"Condition": {"StringEquals": {"k": "${aws:username}"}}},
        {"k": "bo", "aws:username": "mia"}, "here `mia`",
    ),
}  # fmt: skip


@pytest.mark.parametrize("slip", HINTS)
def test_hints(slip):
    statement, context, hint = HINTS[slip]
    decision = decide(statement, context=context)
    assert hint in first(decision).failure.sentence
    assert first(decision).failure.sentence in str(decision)


@pytest.mark.parametrize(
    ("statement", "action", "resource", "hint"),
    [
        (READ | {"Action": "s3:Get*"}, "s3:ListBucket", "arn:aws:s3:::reports", "listing is"),
        (READ | {"Action": "s3:*"}, "s3:ListBucket", "arn:aws:s3:::reports", "the bucket itself"),
        (READ | {"Action": "s3:*"}, "s3:ListAllMyBuckets", "*", "only `*` matches"),
        (
            {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:sqs:us-east-1:1:q"},
            "sqs:SendMessage", "arn:aws:sqs:eu-west-1:1:q", "region is `us-east-1` in one",
        ),
    ],
)  # fmt: skip
def test_hints_for_other_requests(statement, action, resource, hint):
    assert hint in first(decide(statement, action=action, resource=resource)).failure.sentence


@pytest.mark.parametrize(
    ("principal", "hint"),
    [
        (f"arn:aws:iam::{A}:user/Mia", "capitals count"),
        ("444455556666", f"of account {A}"),
        ("AIDACKCEVSQ6C2EXAMPLE", "unique ID"),
    ],
)
def test_hints_for_principals(principal, hint):
    policy = doc(READ | {"Principal": {"AWS": principal}})
    decision = evaluate(Request(MIA, "s3:GetObject", FILE), Policies(resource=policy))
    assert hint in first(decision, "resource").failure.sentence


def test_a_deny_that_a_condition_kept_off_is_told():
    """misconceptions.md, 09: Deny with Bool false does not stop keys without MFA."""
    mfa = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}
    decision = decide(READ, READ | {"Effect": "Deny"} | mfa)
    assert decision.allowed
    assert "would deny it" in str(decision)
    assert "BoolIfExists" in str(decision)


def test_what_could_not_be_evaluated_is_told_even_if_something_else_failed():
    odd = {"Condition": {"StringEquals": {"none": "x"}, "Sounds": {"k": "x"}}}
    decision = decide(READ | odd)
    assert first(decision).failure.operator == "StringEquals"
    assert any("`Sounds`" in warning for warning in decision.warnings)
    assert "`Sounds`" in str(decision)


def test_a_plain_operator_on_many_values_is_warned_of():
    decision = decide(READ | {"Condition": {"StringEquals": {"k": "a"}}}, context={"k": ["a", "b"]})
    assert decision.allowed
    assert any("ForAnyValue:StringEquals" in warning for warning in decision.warnings)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({}, "no identity policies at all"),
        ({"who": f"arn:aws:iam::{A}:root"}, "root user may do everything"),
        ({"action": "sts:GetCallerIdentity", "resource": "*"}, "whatever the policies say"),
        ({"who": "*"}, "an anonymous caller may not"),
        ({"scps": [[doc(READ)], []]}, "No SCP at level 2"),
    ],
)
def test_plain_sentences(kwargs, words):
    assert words in str(decide(**kwargs))


def test_long_values_are_cut_in_words_but_not_in_facts():
    value = "x" * 5000
    failure = first(decide(READ | {"Resource": f"arn:aws:s3:::{value}"})).failure
    assert failure.expected == (f"arn:aws:s3:::{value}",)
    assert len(failure.sentence) < 600


def test_half_characters_do_not_break_the_words():
    decision = decide(READ | {"Condition": {"StringEquals": {"k": "a"}}}, context={"k": "\ud800"})
    assert "k" in str(decision)
