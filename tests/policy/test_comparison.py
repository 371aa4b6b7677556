"""Policies compared: what is proved holds for every request tried, what is shown is so.

Random policies and requests come from the pools of `test_against_naive`. A proof that nothing is
new is tried with many requests; a witness is put to the evaluator.
"""

import json
import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iamlab.policy import Policies, Request, allows, evaluate, parse
from iamlab.policy.comparison import (
    Unproved,
    entity,
    explain,
    granted,
    new_access,
    outside_access,
    permits,
    public_access,
)
from iamlab.policy.representatives import included, representatives, wild

from .test_against_naive import ASKED, CALLERS, FAMILIES, MANY, THREE_IN_FOUR, document

A, B = "111122223333", "444455556666"
PRINCIPAL_KEYS = ("aws:username", "aws:principaltag/team")


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action, resource="*", **more):
    return {**allow(action, resource, **more), "Effect": "Deny"}


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def when(operator, key, *values):
    return {"Condition": {operator: {key: list(values)}}}


def trust(principal, **more):
    who = {"AWS": principal} if principal != "*" else "*"
    return policy({"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole", **more})


# --- random policies ----------------------------------------------------------------------------


def some_request(pick):
    caller, action = pick(list(CALLERS)), pick(list(ASKED))
    context = {}
    for _, keys, _, values in [*FAMILIES, MANY]:
        for key in keys:
            nobody = caller == "*" or ("." in caller and ":" not in caller)
            if pick(THREE_IN_FOUR) and not (nobody and key.lower() in PRINCIPAL_KEYS):
                context[key] = pick(values)
    return Request(caller, action, pick(ASKED[action]), context, A, CALLERS[caller])


def two_policies(pick, principal):
    action = pick(list(ASKED))
    asked = action, pick(ASKED[action])
    new = document(pick, *asked, principal=principal)
    old = document(pick, *asked, principal=principal)
    if pick(THREE_IN_FOUR):  # most changes leave much as it was
        old["Statement"] = [*new["Statement"], *old["Statement"]][: pick([1, 2, 3, 4])]
    if pick(THREE_IN_FOUR):
        old["Version"] = new["Version"] = "2012-10-17"
    return (new, old) if pick([True, False]) else (old, new)


def check(pick, tries):
    principal = pick([True, False])
    new, old = two_policies(pick, principal)
    told = f"\n{new}\n{old}"
    try:
        found = new_access(new, old, resource_policy=principal)
    except Unproved:
        return "unproved"
    for witness in found:
        asked = witness.request
        assert permits(parse(new), asked) and not permits(parse(old), asked), told
        assert says(new, asked, principal) and not says(old, asked, principal), told
    if found:
        return "fail"
    for _ in range(tries):
        asked = some_request(pick)
        if permits(parse(new), asked):
            assert permits(parse(old), asked), f"{told}\n{asked}"
    return "pass"


def says(doc, request, principal):
    """Ask the evaluator what one policy says: as the only one that could grant the request."""
    if not principal:
        return allows(request, Policies(identity=[doc]))
    # In another account, so that the policy is asked whoever calls; the caller's side allows all.
    everything = policy(allow("*"))
    person = ":" in request.principal
    session = [everything] if ":federated-user/" in request.principal else None
    request.resource_account = "777777777777"
    mine = Policies(identity=[everything] if person else [], resource=doc, session=session)
    return allows(request, mine)


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_wrong_proof_is_made_small(data):
    check(lambda values: data.draw(st.sampled_from(values)), 10)


def test_proofs_and_witnesses_of_hundreds_of_policies():
    seen = Counter()
    for seed in range(250):
        try:
            seen[check(random.Random(seed).choice, 60)] += 1
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
    assert seen["pass"] >= 50 and seen["fail"] >= 50, seen
    assert seen["unproved"] <= 25, seen


# --- patterns -----------------------------------------------------------------------------------


@given(st.lists(st.text("ab*?", max_size=5), max_size=4), st.text("abc", max_size=6))
@settings(max_examples=40, deadline=None)
def test_every_text_is_as_one_of_the_representatives(patterns, text):
    def vector(one):
        return [naive_match(pattern, one) for pattern in patterns]

    kinds = [vector(one) for one in representatives(map(wild, patterns))]
    assert vector(text) in kinds
    assert len({tuple(kind) for kind in kinds}) == len(kinds)


@given(st.text("ab*?", max_size=5), st.text("ab*?", max_size=5), st.text("abc", max_size=6))
@settings(max_examples=40, deadline=None)
def test_inclusion(inner, outer, text):
    if included(wild(inner), wild(outer)):
        assert not naive_match(inner, text) or naive_match(outer, text)
    else:
        kinds = representatives([wild(inner), wild(outer)])
        assert any(naive_match(inner, one) and not naive_match(outer, one) for one in kinds)


def naive_match(pattern, text):
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(naive_match(pattern[1:], text[n:]) for n in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and naive_match(pattern[1:], text[1:])


# --- what people ask ----------------------------------------------------------------------------

ADMIN = "arn:aws:s3:::home/admin/*"
HOME = "arn:aws:s3:::home/${aws:username}"
NOTHING_NEW = {
    "the same": (policy(allow("*")), policy(allow("*"))),
    "fewer actions": (policy(allow("s3:GetObject")), policy(allow("s3:Get*"))),
    "a narrower resource": (
        policy(allow("s3:*", "arn:aws:s3:::reports/q3/*")),
        policy(allow("s3:*", "arn:aws:s3:::reports/*")),
    ),
    "an action listed twice": (policy(allow("s3:*")), policy(allow(["s3:*", "s3:Get*"]))),
    "two that cover one": (
        policy(allow("s3:*")),
        policy({"Effect": "Allow", "NotAction": "s3:Get*", "Resource": "*"}, allow("s3:G*")),
    ),
    "a stricter condition": (
        policy(allow("s3:*", **when("StringEquals", "aws:username", "ana"))),
        policy(allow("s3:*", **when("StringLike", "aws:username", "a*"))),
    ),
    "one more condition": (
        policy(allow("s3:*", **when("Bool", "aws:SecureTransport", "true"))),
        policy(allow("s3:*")),
    ),
    "half the addresses": (
        policy(allow("s3:*", **when("IpAddress", "aws:SourceIp", "10.1.0.0/16"))),
        policy(allow("s3:*", **when("IpAddress", "aws:SourceIp", "10.0.0.0/9", "10.128.0.0/9"))),
    ),
    "an earlier end": (
        policy(allow("s3:*", **when("DateLessThan", "aws:CurrentTime", "2026-01-01T00:00:00Z"))),
        policy(allow("s3:*", **when("DateLessThan", "aws:CurrentTime", "2027-01-01T00:00:00Z"))),
    ),
    "fewer tags": (
        policy(allow("s3:*", **when("ForAllValues:StringEquals", "aws:TagKeys", "a"))),
        policy(allow("s3:*", **when("ForAllValues:StringEquals", "aws:TagKeys", "a", "b"))),
    ),
    "one more Deny": (policy(allow("*"), deny("iam:*")), policy(allow("*"))),
    "a variable, narrower": (
        policy(allow("s3:GetObject", HOME + "/notes")),
        policy(allow("s3:GetObject", HOME + "/*")),
    ),
    "a variable under a star": (
        policy(allow("s3:GetObject", HOME + "/*")),
        policy(allow("s3:GetObject", "arn:aws:s3:::home/*")),
    ),
}
SOMETHING_NEW = {
    "one more action": (policy(allow(["s3:GetObject", "s3:PutObject"])), policy(allow("s3:Get*"))),
    "actions yet to come": (
        policy(allow("sqs:GetQueue*")),
        policy(allow(["sqs:GetQueueUrl", "sqs:GetQueueAttributes"])),
    ),
    "a Deny taken away": (policy(allow("*")), policy(allow("*"), deny("s3:DeleteBucket"))),
    "a condition taken away": (
        policy(allow("s3:*")),
        policy(allow("s3:*", **when("Bool", "aws:SecureTransport", "true"))),
    ),
    "IfExists": (
        policy(allow("s3:*", **when("BoolIfExists", "aws:MultiFactorAuthPresent", "true"))),
        policy(allow("s3:*", **when("Bool", "aws:MultiFactorAuthPresent", "true"))),
    ),
    "a variable taken away": (
        policy(allow("s3:GetObject", "arn:aws:s3:::home/*")),
        policy(allow("s3:GetObject", HOME + "/*")),
    ),
    "a user with a special name": (
        policy(allow("s3:GetObject", HOME + "/*")),
        policy(allow("s3:GetObject", "arn:aws:s3:::home/*"), deny("s3:*", ADMIN)),
    ),
}


@pytest.mark.parametrize("new, old", NOTHING_NEW.values(), ids=NOTHING_NEW)
def test_nothing_new_is_proved(new, old):
    assert new_access(new, old) == []


@pytest.mark.parametrize("new, old", SOMETHING_NEW.values(), ids=SOMETHING_NEW)
def test_something_new_is_shown(new, old):
    (witness,) = new_access(new, old)
    assert witness.statement.index == 0
    asked = witness.request
    assert evaluate(asked, Policies(identity=[new])).effect == "allowed", explain(witness)
    assert evaluate(asked, Policies(identity=[old])).effect != "allowed", explain(witness)


def test_long_policies_of_aws():
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    policies = json.loads(aws_managed_policies_data)
    audit = policies["SecurityAudit"]["Document"]
    assert new_access(audit, audit) == []
    longer = {**audit, "Statement": [*audit["Statement"], allow("iam:PassRole")]}
    assert [w.request.action for w in granted(policy(allow("*")), ["iam:PassRole"])] == [
        "iam:PassRole"
    ]
    assert new_access(audit, longer) == []
    admin, power = (
        policies[name]["Document"] for name in ("AdministratorAccess", "PowerUserAccess")
    )
    assert new_access(power, admin) == [] and new_access(admin, power)


def test_each_statement_that_adds_something_has_its_own_witness():
    new = policy(allow("s3:GetObject"), allow("sqs:*"), allow("iam:GetUser"))
    found = new_access(new, policy(allow("s3:*")))
    assert [(w.statement.index, w.request.action.split(":")[0]) for w in found] == [
        (1, "sqs"),
        (2, "iam"),
    ]


def test_what_depends_on_a_variable_is_not_guessed():
    tag = "${aws:PrincipalTag/team}"
    new = policy(allow("s3:*", **when("StringEquals", "aws:RequestTag/team", tag)))
    old = policy(allow("s3:*", **when("StringLike", "aws:RequestTag/team", tag + "*")))
    assert new_access(new, new) == []
    with pytest.raises(Unproved, match="aws:principaltag/team"):
        new_access(new, old)


def test_a_hopeless_number_of_kinds_is_given_up():
    keys = {f"aws:RequestTag/{n}": "x" for n in range(30)}
    new = policy(*[allow("s3:*", Condition={"StringEquals": {key: "x"}}) for key in keys])
    old = policy(
        *[deny("s3:*", Condition={"StringEquals": {key: "x"}}) for key in keys], allow("s3:*")
    )
    with pytest.raises(Unproved, match="too many"):
        new_access(new, old)


# --- resource policies --------------------------------------------------------------------------

USER = f"arn:aws:iam::{B}:user/ci"


@pytest.mark.parametrize(
    "new, old, is_new",
    [
        (trust(B), trust([A, B]), False),
        (trust(USER), trust(B), False),
        (trust(B), trust(USER), True),
        (trust("*", **when("StringEquals", "aws:PrincipalAccount", B)), trust(B), False),
        (trust(B), trust("*", **when("StringEquals", "aws:PrincipalAccount", B)), False),
        (trust("*", **when("ArnLike", "aws:PrincipalArn", USER + "*")), trust(B), False),
        (
            trust("*", **when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:user/ci")),
            trust(B),
            True,
        ),
        (trust("*"), trust(B), True),
        (trust(B), trust(B, **when("StringEquals", "sts:ExternalId", "x")), True),
    ],
)
def test_who_may_become_a_role(new, old, is_new):
    assert bool(new_access(new, old, resource_policy=True)) is is_new


def test_a_principal_that_tells_nothing_is_not_guessed():
    with pytest.raises(Unproved, match="AIDA"):
        new_access(trust("AIDACKCEVSQ6C2EXAMPLE"), trust(B), resource_policy=True)


# --- access that is not to be granted -----------------------------------------------------------


def test_access_that_is_not_granted():
    mine = policy(allow(["s3:Get*", "s3:List*"], "arn:aws:s3:::reports/*"))
    assert granted(mine, ["s3:PutObject", "iam:*"]) == []
    assert granted(mine, [], ["arn:aws:s3:::salaries/*"]) == []
    assert granted(mine, ["s3:GetObject"], ["arn:aws:s3:::salaries/*"]) == []
    (witness,) = granted(mine, ["s3:GetObject"], ["arn:aws:s3:::reports/q3.csv"])
    assert (witness.request.action, witness.request.resource) == (
        "s3:GetObject",
        "arn:aws:s3:::reports/q3.csv",
    )
    assert granted(policy(allow("*"), deny("iam:*")), ["iam:CreateUser"]) == []


@pytest.mark.parametrize(
    "doc, public",
    [
        (trust("*"), True),
        (trust("*", **when("StringEquals", "sts:ExternalId", "secret")), True),
        (trust("*", **when("StringNotEquals", "aws:PrincipalOrgID", "o-1234567890")), True),
        (trust("*", **when("StringLike", "aws:PrincipalOrgID", "o-*")), True),
        (trust("*", **when("IpAddress", "aws:SourceIp", "0.0.0.0/1")), True),
        (trust("*", **when("IpAddress", "aws:SourceIp", "203.0.113.0/24")), False),
        (trust("*", **when("StringEquals", "aws:PrincipalOrgID", "o-1234567890")), False),
        (trust("*", **when("ArnLike", "aws:SourceArn", f"arn:aws:sns:*:{B}:*")), False),
        (trust("*", **when("ArnLike", "aws:SourceArn", "arn:aws:s3:::*")), True),
        (trust(B), False),
        (policy({"Effect": "Allow", "NotPrincipal": {"AWS": B}, **allow("s3:*")}), True),
    ],
)
def test_what_is_public(doc, public):
    found = public_access(doc)
    assert bool(found) is public
    for witness in found:
        assert permits(parse(doc), witness.request)


def test_what_some_caller_may():
    doc = trust("*", **when("StringEquals", "aws:PrincipalAccount", B))
    assert outside_access(doc, [entity(USER)])
    assert not outside_access(doc, [entity(f"arn:aws:iam::{A}:user/ana")])
