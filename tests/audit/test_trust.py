"""Who can become whom: each step really works, tried with plain boto3."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from iamlab.audit import administrators, paths, trust_edges
from tests.account.helpers import ACCOUNT, OTHER, World, allow, deny, outcome, trusts


@pytest.fixture
def world(lab: Any) -> World:
    return World(lab)


def _steps(lab: Any, source: str) -> dict[tuple[str, str], str]:
    frame = trust_edges(lab)
    mine = frame[frame["source"] == source]
    return {(r.target, r.means): r.condition for r in mine.itertuples()}


def test_a_role_is_a_step_only_if_both_sides_allow_it(lab: Any, world: World) -> None:
    world.role("reader")
    world.role("closed", trust=(trusts(f"arn:aws:iam::{ACCOUNT}:role/reader"),))
    world.user("ana", allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/reader"))
    world.user("ben")
    assert ("role/reader", "sts:AssumeRole") in _steps(lab, "user/ana")
    assert _steps(lab, "user/ben") == {}
    assert list(_steps(lab, "role/reader")) == [("role/closed", "sts:AssumeRole")]
    sts = lab.session("user/ana").client("sts")
    arn = f"arn:aws:iam::{ACCOUNT}:role/reader"
    assert outcome(lambda: sts.assume_role(RoleArn=arn, RoleSessionName="ok")) == "allowed"


def test_a_condition_is_named(lab: Any, world: World) -> None:
    condition = {
        "StringEquals": {"sts:ExternalId": "x7"},
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
    }
    world.role("vendor", trust=(trusts(f"arn:aws:iam::{ACCOUNT}:root", Condition=condition),))
    world.user("ana", allow("sts:AssumeRole"))
    said = _steps(lab, "user/ana")["role/vendor", "sts:AssumeRole"]
    assert "sts:ExternalId is x7" in said and "aws:MultiFactorAuthPresent is true" in said


def test_services_providers_strangers_and_everybody(lab: Any, world: World) -> None:
    world.role("server", trust=(trusts({"Service": "ec2.amazonaws.com"}),))
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/ci.example"
    job = trusts({"Federated": provider}, "sts:AssumeRoleWithWebIdentity")
    world.role("job", trust=(job,))
    world.role("partner", trust=(trusts("999988887777"),))
    world.role("open", trust=(trusts("*"),))
    frame = trust_edges(lab)
    found = set(zip(frame["source"], frame["target"], strict=True))
    assert found == {
        ("ec2.amazonaws.com", "role/server"),
        ("ci.example", "role/job"),
        ("account 999988887777", "role/partner"),
        ("anyone", "role/open"),
        *((f"role/{name}", "role/open") for name in ("server", "job", "partner")),
        ("user/administrator", "administrator"),
    }


def test_anyone_is_also_everybody_of_the_account(lab: Any, world: World) -> None:
    arn = world.role("open", trust=(trusts("*"),))
    ana = world.user("ana")
    world.user("ben", deny("sts:AssumeRole"))
    assert list(_steps(lab, "user/ana")) == [("role/open", "sts:AssumeRole")]
    assert _steps(lab, "user/ben") == {}
    sts = ana.client("sts")
    assert outcome(lambda: sts.assume_role(RoleArn=arn, RoleSessionName="ok")) == "allowed"


def test_what_is_a_fact_cannot_be_brought(lab: Any, world: World) -> None:
    """Tags and boundaries are as they are; only what a request holds can be chosen."""
    ops = {"StringEquals": {"aws:PrincipalTag/team": "ops"}}
    world.role("ours", trust=(trusts(f"arn:aws:iam::{ACCOUNT}:root", Condition=ops),))
    world.role("a", Tags=[{"Key": "team", "Value": "ops"}])
    world.role("b", Tags=[{"Key": "team", "Value": "sales"}])
    tagged = {"StringEquals": {"aws:ResourceTag/team": "ops"}}
    world.user("ana", allow("sts:AssumeRole", "*", Condition=tagged))
    world.user("ben", allow("sts:AssumeRole"), Tags=[{"Key": "team", "Value": "ops"}])
    assert _steps(lab, "user/ana") == {("role/a", "sts:AssumeRole"): ""}
    assert ("role/ours", "sts:AssumeRole") in _steps(lab, "user/ben")
    only = {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}
    world.user("cleo", allow("iam:AttachUserPolicy", "*", Condition=only))
    assert _steps(lab, "user/cleo") == {}


def test_a_boundary_keeps_from_every_right(lab: Any, world: World) -> None:
    fence = world.managed("fence", allow(["iam:*", "s3:*"]))
    world.user("ana", allow("iam:PutUserPolicy"), PermissionsBoundary=fence)
    world.user("ben", allow("*"), PermissionsBoundary=fence)
    assert ("administrator", "iam:PutUserPolicy") not in _steps(lab, "user/ana")
    assert administrators(lab) == ["user/administrator"]


def test_to_join_a_group_that_may_do_everything(lab: Any, world: World) -> None:
    iam = boto3.client("iam")
    for name, action in (("chiefs", "*"), ("readers", "s3:Get*")):
        iam.create_group(GroupName=name)
        world.grant(f"group/{name}", allow(action))
    groups = f"arn:aws:iam::{ACCOUNT}:group/"
    ana = world.user("ana", allow("iam:AddUserToGroup", f"{groups}chiefs"))
    world.user("ben", allow("iam:AddUserToGroup", f"{groups}readers"))
    assert list(_steps(lab, "user/ana")) == [("administrator", "iam:AddUserToGroup")]
    assert _steps(lab, "user/ben") == {}
    ana.client("iam").add_user_to_group(UserName="ana", GroupName="chiefs")
    assert "user/ana" in administrators(lab)


def test_the_statements_behind_a_step(lab: Any, world: World) -> None:
    trust = trusts(f"arn:aws:iam::{ACCOUNT}:root")
    world.role("reader", trust=(trust,))
    boto3.client("iam").create_group(GroupName="staff")
    world.grant("group/staff", deny("s3:*"), allow("sts:AssumeRole"))
    world.user("ana")
    boto3.client("iam").add_user_to_group(GroupName="staff", UserName="ana")
    assert "statements" not in trust_edges(lab)
    frame = trust_edges(lab, statements=True).set_index(["source", "target"])
    found = frame["statements"]["user/ana", "role/reader"]
    assert [(s["policy"], s["statement"]) for s in found] == [
        ("trust policy of role reader", 0),
        ("own of group staff", 1),
    ]
    assert [json.loads(s["text"]) for s in found] == [trust, allow("sts:AssumeRole")]
    (all_rights,) = frame["statements"]["user/administrator", "administrator"]
    assert all_rights["policy"] == "AdministratorAccess"


def test_an_account_of_the_lab_is_looked_into(lab: Any, world: World) -> None:
    world.role("shared", trust=OTHER)
    world.user("eve", allow("sts:AssumeRole"), account=OTHER)
    world.user("tim", account=OTHER)
    frame = trust_edges(lab)
    sources = set(frame[frame["target"] == "role/shared"]["source"])
    assert sources == {f"user/eve of {OTHER}", f"user/administrator of {OTHER}"}


ESCALATES = {
    "iam:CreateAccessKey": lambda iam: iam.create_access_key(UserName="boss"),
    "iam:CreateLoginProfile": lambda iam: iam.create_login_profile(
        UserName="boss", Password="aB3$aB3$aB3$"
    ),
    "iam:UpdateAssumeRolePolicy": lambda iam: iam.update_assume_role_policy(
        RoleName="chief",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [trusts(f"arn:aws:iam::{ACCOUNT}:user/mole")],
            }
        ),
    ),
    "iam:PutUserPolicy": lambda iam: iam.put_user_policy(
        UserName="mole",
        PolicyName="more",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow("*")]}),
    ),
    "iam:AttachUserPolicy": lambda iam: iam.attach_user_policy(
        UserName="mole", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    ),
}


@pytest.mark.parametrize("action", ESCALATES)
def test_a_right_that_amounts_to_becoming_another(lab: Any, world: World, action: str) -> None:
    world.user("boss", allow("*"))
    world.role("chief", allow("*"), trust=(trusts({"Service": "lambda.amazonaws.com"}),))
    mole = world.user("mole", allow(action))
    ways = paths("user/mole", lab=lab)
    assert ways and all(way["means"].iloc[0] == action for way in ways)
    assert all(way["target"].iloc[-1] == "administrator" for way in ways)
    # What is listed is what works, and what is not does not.
    world.grant("user/mole", allow(action), deny(action))
    assert paths("user/mole", lab=lab) == []
    assert outcome(lambda: ESCALATES[action](mole.client("iam"))) == "denied"
    world.grant("user/mole", allow(action))
    assert outcome(lambda: ESCALATES[action](mole.client("iam"))) == "allowed"


def test_pass_role_needs_a_service_and_a_role_that_trusts_it(lab: Any, world: World) -> None:
    for service in ("ec2", "lambda"):
        statement = trusts({"Service": f"{service}.amazonaws.com"})
        world.role(f"{service}-admin", allow("*"), trust=(statement,))
    world.user("dev", allow(["iam:PassRole", "ec2:RunInstances"]))
    steps = _steps(lab, "user/dev")
    assert list(steps) == [("role/ec2-admin", "iam:PassRole + ec2:RunInstances")]
    world.grant(
        "user/dev",
        allow("ec2:RunInstances"),
        allow(
            "iam:PassRole",
            Condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        ),
    )
    assert _steps(lab, "user/dev") == {}


def test_a_new_version_of_ones_own_policy(lab: Any, world: World) -> None:
    own = world.managed("own", allow("iam:CreatePolicyVersion"))
    world.user("ana")
    boto3.client("iam").attach_user_policy(UserName="ana", PolicyArn=own)
    (way,) = paths("user/ana", lab=lab)
    assert way["means"].tolist() == ["iam:CreatePolicyVersion"]


def test_a_longer_way(lab: Any, world: World) -> None:
    world.role("reader")
    world.role("chief", allow("*"), trust=(trusts(f"arn:aws:iam::{ACCOUNT}:role/reader"),))
    world.user("ana", allow("sts:AssumeRole"))
    (way,) = paths("user/ana", lab=lab)
    assert way["target"].tolist() == ["role/reader", "role/chief", "administrator"]
    assert paths("user/nobody", lab=lab) == []
    assert paths("role/chief", "user/ana", lab=lab) == []


def test_an_organization_forbids_and_administrators_stay_administrators(
    lab: Any, world: World
) -> None:
    member = world.organization()
    world.user("ana", allow("*"), account=member)
    world.scp("no-leaving", deny("organizations:LeaveOrganization"), target=member)
    assert "user/ana" in administrators(lab, account=member)


def test_ways_can_be_limited(lab: Any, world: World) -> None:
    for name in ("a", "b", "c"):
        world.role(name)
    trust = tuple(trusts(f"arn:aws:iam::{ACCOUNT}:role/{name}") for name in ("a", "b", "c"))
    world.role("end", trust=trust)
    world.user("ana", allow("sts:AssumeRole", [f"arn:aws:iam::{ACCOUNT}:role/{n}" for n in "abc"]))
    edges = trust_edges(lab)
    assert len(paths("user/ana", "role/end", lab, edges=edges)) == 3
    assert len(paths("user/ana", "role/end", lab, edges=edges, limit=2)) == 2
