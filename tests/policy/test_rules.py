"""Statement matching: iam_evaluation.md §7, and NotPrincipal of §3."""

import pytest

from iamlab.policy import Policies, Request, evaluate, parse
from iamlab.policy.rules import compiled

A = "111122223333"
MIA = f"arn:aws:iam::{A}:user/mia"
SESSION = f"arn:aws:sts::{A}:assumed-role/Auditor/s"
ROLE = f"arn:aws:iam::{A}:role/Auditor"
BUCKET = "arn:aws:s3:::reports"


def decide(statement, action="s3:GetObject", resource=f"{BUCKET}/q3.csv", **more):
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
    return evaluate(Request(MIA, action, resource, **more), Policies(identity=[document]))


@pytest.mark.parametrize(
    ("written", "asked", "allowed"),
    [
        ("s3:GetObject", "s3:GetObject", True),
        ("S3:getobject", "s3:GetObject", True),  # [D]
        ("s3:GetObject", "S3:GETOBJECT", True),
        ("s3:Get*", "s3:GetBucketAcl", True),
        ("s3:Get*", "s3:ListBucket", False),
        ("s3:*Object", "s3:PutObject", True),
        ("s3:?etObject", "s3:GetObject", True),  # ? [M]
        ("*", "s3:GetObject", True),
        ("s3:GetObject", "s3:GetObjectAcl", False),
        (["ec2:*", "s3:Get*"], "s3:GetObject", True),
    ],
)
def test_actions(written, asked, allowed):
    context = {"aws:username": "mia"}
    got = decide({"Action": written, "Resource": "*"}, action=asked, context=context)
    assert got.allowed is allowed


@pytest.mark.parametrize(
    ("statement", "action", "resource", "effect"),
    [
        ({"NotAction": "iam:*", "Resource": "*"}, "s3:GetObject", BUCKET, "allowed"),
        ({"NotAction": "iam:*", "Resource": "*"}, "IAM:GetUser", "*", "implicitDeny"),
        ({"Action": "*", "NotResource": BUCKET}, "s3:GetObject", BUCKET, "implicitDeny"),
        ({"Action": "*", "NotResource": BUCKET}, "s3:GetObject", BUCKET + "/x", "allowed"),
        ({"Action": "*", "NotResource": [BUCKET, "*"]}, "s3:GetObject", "*", "implicitDeny"),
    ],
)
def test_the_not_elements_take_the_rest(statement, action, resource, effect):
    """§7: complements; Allow with NotAction never denies [D]."""
    assert decide(statement, action, resource).effect == effect


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ({"Action": "s3:ListAllMyBuckets", "Resource": "arn:aws:s3:::*"}, True),  # [I]
        ({"Action": "s3:ListAllMyBuckets", "Resource": "*"}, True),
        ({"Action": "s3:ListAllMyBuckets", "Resource": BUCKET}, False),
        ({"NotAction": "s3:DeleteBucket", "Resource": "arn:aws:s3:::*"}, False),  # [D]
        ({"NotAction": "s3:DeleteBucket", "Resource": "*"}, True),
    ],
)
def test_listing_all_buckets(statement, allowed):
    assert decide(statement, "s3:ListAllMyBuckets", "*").allowed is allowed


def test_another_action_without_a_resource_needs_the_star():
    """§7: `arn:aws:s3:::*` does not match requests whose resource is `*` [D]."""
    statement = {"Action": "s3:*", "Resource": "arn:aws:s3:::*"}
    assert not decide(statement, "s3:GetAccountPublicAccessBlock", "*").allowed


def principal(entry, who=MIA, effect="Deny", boundary=None, **more):
    statement = {"Effect": effect, "NotPrincipal": entry, "Action": "*", "Resource": "*"}
    wide = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    policies = Policies(identity=[wide], resource={"Statement": [statement]}, boundary=boundary)
    return evaluate(Request(who, "s3:GetObject", BUCKET + "/x", **more), policies)


@pytest.mark.parametrize(
    ("who", "entry", "effect"),
    [
        (MIA, {"AWS": [MIA, A]}, "allowed"),
        (MIA, {"AWS": [MIA, f"arn:aws:iam::{A}:root"]}, "allowed"),
        (MIA, {"AWS": MIA}, "explicitDeny"),
        (MIA, {"AWS": A}, "explicitDeny"),
        (MIA, {"AWS": "*"}, "allowed"),
        (SESSION, {"AWS": [SESSION, ROLE, A]}, "allowed"),
        (SESSION, {"AWS": [ROLE, A]}, "explicitDeny"),
        (SESSION, {"AWS": [SESSION, A]}, "explicitDeny"),
        (f"arn:aws:iam::{A}:root", {"AWS": A}, "allowed"),
    ],
)
def test_a_deny_with_not_principal_spares_only_who_is_listed_in_full(who, entry, effect):
    """§3: account, and role for a session, have to be listed too [I, the cautious reading]."""
    decision = principal(entry, who)
    assert decision.effect == effect
    assert any("NotPrincipal" in text for text in decision.warnings) is (effect != "allowed")


def test_a_deny_with_not_principal_always_hits_a_caller_with_a_boundary():
    """*Permissions boundaries for IAM entities*: whatever NotPrincipal lists [D]."""
    wide = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    listed = {"AWS": [MIA, A]}
    assert principal(listed).allowed
    decision = principal(listed, boundary=wide)
    assert (decision.effect, decision.blocked_by) == ("explicitDeny", "resource")
    assert any("boundary" in warning for warning in decision.warnings)


def test_canonical_user_ids_are_reported():
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = {"Statement": [{**statement, "Principal": {"CanonicalUser": "79a59df900b949e5"}}]}
    decision = evaluate(Request("*", "s3:GetObject", BUCKET + "/x"), Policies(resource=document))
    assert "canonical user" in decision.steps[2].statements[0].failure.problem
    assert any("canonical" in warning for warning in decision.warnings)


def test_what_is_remembered_by_action_is_bounded_and_right():
    policy = parse({"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}] * 40})
    rules = compiled(policy)
    assert compiled(policy) is rules
    for n in range(6000):
        assert len(rules.about(f"s3:get{n}")) == 40
        assert rules.about(f"s3:put{n}") == ()
    assert len(rules._by_action) <= 100_000 // 41
