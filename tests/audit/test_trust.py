"""Who can become whom: each step really works, tried with plain boto3."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from iamlab.audit import paths, trust_edges
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
        ("user/administrator", "administrator"),
    }


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
