"""What would have to change: every proposal turns the verdict, and the small ones come first."""

import json
import random

import pytest

from iamlab.policy import Policies, Request, evaluate, parse
from iamlab.policy.changes import changes

ANA = "arn:aws:iam::111122223333:user/ana"
FILE = "arn:aws:s3:::reports/q3.csv"
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"}
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def doc(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def find(*statements, context=None, who=ANA, action="s3:GetObject", on=FILE, **more):
    """Return the sentences of each change, after having tried all of them."""
    owner = more.pop("owner", None)
    request = Request(who, action, on, context, owner)
    policies = Policies(identity=[doc(*statements)] if statements else [], **more)
    before = evaluate(request, policies).allowed
    found = changes(request, policies)
    for change in found:
        assert evaluate(change.request, change.policies).allowed is not before
        for (kind, level, place), document in change.documents.items():
            if document is not None:
                kept = change.policies.of(kind)[level][place]
                assert kept.statements == parse(json.dumps(document)).statements
        assert (
            change.request.resource_account == evaluate(request, policies)._asked.resource_account
        )
    return [change.sentences for change in found]


@pytest.mark.parametrize(
    ("statement", "context", "first"),
    [
        (
            READ | {"Resource": "arn:aws:s3:::reports"},
            {},
            "Add `arn:aws:s3:::reports/*` to Resource of statement 1 of identity policy 1.",
        ),
        (
            READ | {"Resource": "arn:aws:s3:::other/*"},
            {},
            f"Add `{FILE}` to Resource of statement 1 of identity policy 1.",
        ),
        (
            READ | {"Action": ["s3:PutObject"], "Sid": "Files"},
            {},
            "Add `s3:GetObject` to Action of statement 1 (Files) of identity policy 1.",
        ),
        (
            READ | {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
            {"aws:SourceIp": "8.8.8.8"},
            "Make the request with `aws:SourceIp` = `10.0.0.1` (now it is `8.8.8.8`).",
        ),
        (
            READ | {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}},
            {},
            "Make the request with `aws:MultiFactorAuthPresent` = `true` (it has no such key now).",
        ),
        (
            READ | {"Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}},
            {},
            "Make the request with `aws:MultiFactorAuthAge` = `299` (it has no such key now).",
        ),
        (
            READ | {"Condition": {"DateGreaterThan": {"aws:CurrentTime": "2026-01-01"}}},
            {},
            "Make the request with `aws:CurrentTime` = `2026-01-02T00:00:00Z` (it has no such key "
            "now).",
        ),
        (
            READ | {"Condition": {"StringLike": {"aws:PrincipalOrgID": "o-*"}}},
            {},
            "Make the request with `aws:PrincipalOrgID` = `o-example` (it has no such key now).",
        ),
        (
            READ | {"Condition": {"Null": {"aws:TokenIssueTime": "true"}}},
            {"aws:TokenIssueTime": "2026-01-02T00:00:00Z"},
            "Make the request without `aws:TokenIssueTime`.",
        ),
        (
            READ | {"Condition": {"StringEquals": {"s3:ExistingObjectTag/a": "${aws:username}"}}},
            {"aws:username": "ana"},
            "Make the request with `s3:ExistingObjectTag/a` = `ana` (it has no such key now).",
        ),
    ],
)
def test_the_smallest_way_to_an_allow(statement, context, first):
    assert find(statement, context=context)[0] == (first,)


def test_a_condition_can_also_go():
    statement = READ | {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}
    text = "Take the condition on `aws:SecureTransport` out of statement 1 of identity policy 1."
    assert (text,) in find(statement)


def test_without_any_policy_a_new_one():
    assert find() == [(f"Add a new identity policy: Allow `s3:GetObject` on `{FILE}`.",)]


@pytest.mark.parametrize(
    ("deny", "context", "first"),
    [
        (
            {"Action": "s3:*", "Resource": "*", "Sid": "No"},
            {},
            "Take out statement 2 (No) of identity policy 1, which denies it.",
        ),
        (
            {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"},
            {},
            "Take `s3:GetObject` out of Action of statement 2 of identity policy 1.",
        ),
        (
            {"Action": "s3:*", "Resource": [FILE, "arn:aws:s3:::reports/q4.csv"]},
            {},
            f"Take `{FILE}` out of Resource of statement 2 of identity policy 1.",
        ),
        (
            {"NotAction": "iam:*", "Resource": "*"},
            {},
            "Add `s3:GetObject` to NotAction of statement 2 of identity policy 1.",
        ),
        (
            {"Action": "*", "NotResource": "arn:aws:s3:::other/*"},
            {},
            f"Add `{FILE}` to NotResource of statement 2 of identity policy 1.",
        ),
        (
            {
                "Action": "*",
                "Resource": "*",
                "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
            },
            {},
            "Make the request with `aws:MultiFactorAuthPresent` = `true` (it has no such key now).",
        ),
        (
            {
                "Action": "*",
                "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}},
            },
            {"aws:RequestedRegion": "us-east-1"},
            "Make the request with `aws:RequestedRegion` = `eu-west-1` (now it is `us-east-1`).",
        ),
    ],
)
def test_the_smallest_way_round_a_deny(deny, context, first):
    assert find(READ, {"Effect": "Deny"} | deny, context=context)[0] == (first,)


def test_every_limit_that_stands_in_the_way_is_named():
    (first, *_) = find(
        READ,
        boundary=doc(READ | {"Action": ["s3:PutObject"]}),
        scps=[[doc(ALL)], [doc(ALL | {"Action": "ec2:*"})]],
    )
    assert set(first) == {
        "Add `s3:GetObject` to Action of statement 1 of the permissions boundary.",
        "Add `s3:GetObject` to Action of statement 1 of service control policy (SCP) 1 at level 2.",
    }


def test_across_accounts_both_sides_change():
    (first, *_) = find(owner="444455556666")
    assert set(first) == {
        f"Add a new identity policy: Allow `s3:GetObject` on `{FILE}`.",
        f"Add a new resource policy: Allow `s3:GetObject` on `{FILE}` for `{ANA}`.",
    }


def test_a_trust_policy_gets_the_caller_as_principal():
    role = "arn:aws:iam::111122223333:role/publisher"
    trust = doc({"Effect": "Allow", "Principal": {"AWS": [ANA]}, "Action": "sts:AssumeRole"})
    tomas = ANA.replace("ana", "tomas")
    request = Request(tomas, "sts:AssumeRole", role)
    policies = Policies(identity=[doc(ALL)], resource=parse(trust, kind="trust"))
    found = [change.sentences for change in changes(request, policies)]
    assert found[0] == (f"Add `{tomas}` to Principal of statement 1 of the role trust policy.",)


def test_from_allowed_to_denied():
    found = find(READ | {"Action": ["s3:GetObject", "s3:PutObject"]})
    assert found == [
        ("Take `s3:GetObject` out of Action of statement 1 of identity policy 1.",),
        ("Take out statement 1 of identity policy 1, which allows it.",),
        (f"Add a statement to the identity policy: Deny `s3:GetObject` on `{FILE}`.",),
    ]


def test_two_allows_go_together_or_a_deny_comes():
    found = find(READ, ALL)
    assert found == [
        (f"Add a statement to the identity policy: Deny `s3:GetObject` on `{FILE}`.",),
        (
            "Take out statement 1 of identity policy 1, which allows it.",
            "Take out statement 2 of identity policy 1, which allows it.",
        ),
    ]


def test_what_no_policy_can_allow_gets_no_proposal():
    assert find(READ, who="arn:aws-cn:iam::111122223333:user/ana") == []
    assert find(who=ANA, action="sts:GetCallerIdentity", on="*") == []


def test_the_given_policies_are_left_alone():
    text = json.dumps(doc(READ | {"Resource": "arn:aws:s3:::reports"}), indent=3)
    policies = Policies(identity=[text])
    (change, *_) = changes(Request(ANA, "s3:GetObject", FILE), policies)
    assert policies.identity[0].text == text
    assert change.documents["identity", 0, 0]["Statement"][0]["Resource"] == [
        "arn:aws:s3:::reports",
        "arn:aws:s3:::reports/*",
    ]


def test_whatever_the_policies_every_proposal_turns_the_verdict():
    rng = random.Random(7)
    proposals = 0
    for _ in range(150):

        def statement(principal=False):
            made = {
                "Effect": rng.choice(["Allow", "Allow", "Deny"]),
                rng.choice(["Action", "Action", "NotAction"]): rng.choice(
                    ["s3:*", ["s3:GetObject", "s3:PutObject"], "iam:*", "*"]
                ),
                rng.choice(["Resource", "Resource", "NotResource"]): rng.choice(
                    ["*", FILE, [FILE, "arn:aws:s3:::other"], "arn:aws:s3:::reports"]
                ),
            }
            if principal:
                made["Principal"] = rng.choice(["*", {"AWS": [ANA]}, {"Service": "a.b.com"}])
            if rng.random() < 0.4:
                made["Condition"] = rng.choice(
                    [
                        {"Bool": {"aws:SecureTransport": "true"}},
                        {"StringNotEquals": {"aws:PrincipalTag/a": ["x", "y"]}},
                        {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
                        {"ForAllValues:StringLike": {"aws:TagKeys": ["a*", "b?"]}},
                        {"NumericGreaterThan": {"a:b": "not a number"}},
                    ]
                )
            return made

        def some(most, **kind):
            return [doc(*(statement(**kind) for _ in range(rng.randint(1, most))))]

        context = rng.choice([{}, {"aws:SourceIp": "8.8.8.8", "aws:TagKeys": ["a1", "c"]}])
        more = {
            "resource": some(2, principal=True) if rng.random() < 0.5 else None,
            "boundary": some(2) if rng.random() < 0.3 else None,
            "scps": [some(2), some(2)] if rng.random() < 0.3 else None,
            "owner": rng.choice([None, "444455556666"]),
        }
        proposals += len(find(statement(), statement(), context=context, **more))
    assert proposals > 200


def test_every_station_in_the_way_is_mended_in_one_change():
    ec2 = doc(*({"Effect": "Allow", "Action": f"ec2:Run{n}", "Resource": "*"} for n in range(15)))
    session = "arn:aws:sts::111122223333:assumed-role/reader/s"
    found = find(
        *ec2["Statement"],
        who=session,
        owner="444455556666",
        boundary=ec2,
        session=ec2,
        scps=[[ec2], [ec2], [ec2]],
    )
    assert len(found) == 1, "ways that differ in one of seven steps are not worth reading twice"
    places = " ".join(found[0])
    for place in ("level 1", "level 2", "level 3", "identity", "boundary", "session", "resource"):
        assert place in places
    assert len(found[0]) == 7
