"""The access matrix: the same answers as the engine and as `policy.breadth`, for real policies."""

from __future__ import annotations

import gc
import json
import random
from typing import Any

import boto3
import pytest

from iamlab.audit import access_matrix, statements_behind
from iamlab.audit.opened import LEVELS, actions_in, bits_of, opened, universe
from iamlab.policy import Policies, Request, catalog, evaluate, parse
from iamlab.policy.breadth import open_actions
from tests.account.helpers import World, allow, deny, policy


@pytest.fixture
def world(lab: Any) -> World:
    return World(lab)


def _real_policies() -> dict[str, Any]:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    every = json.loads(aws_managed_policies_data)
    return {name: parse(entry["Document"]) for name, entry in every.items()}


def test_every_action_stands_once_and_under_its_level() -> None:
    everything = universe()
    assert len(set(everything.names)) == len(everything.names) > 20_000
    assert set(everything.names) == {a for s in catalog.services() for a in catalog.actions(s)}
    byte = dict(zip(everything.groups, everything.starts.tolist(), strict=True))
    for name in ("s3:GetObject", "iam:AttachUserPolicy", "sts:TagSession"):
        group = (name.partition(":")[0], catalog.access_level(name))
        later = [start for start in byte.values() if start > byte[group]]
        bit = everything.index[name.lower()]
        assert byte[group] * 8 <= bit < min(later) * 8
    assert {level for _, level in everything.groups} == set(LEVELS)


@pytest.mark.parametrize(
    "pattern",
    ["*", "s3:*", "S3:get*", "s3:*Object", "iam:*User*", "ec2:Describe?pcs", "no:*", "*:*"],
)
def test_a_pattern_means_what_the_catalogue_says(pattern: str) -> None:
    at = {bit: name for name, bit in universe().index.items()}
    expected = {name.lower() for name in catalog.expand("*" if pattern == "*:*" else pattern)}
    assert {at[bit] for bit in bits_of([pattern])} == expected


def test_real_policies_open_what_breadth_says() -> None:
    chosen = random.Random(7).sample(list(_real_policies().values()), 60)
    for one in chosen:
        assert set(actions_in(opened([one], [], wide=False))) == open_actions(one)
    for number in range(0, 60, 6):
        together = chosen[number : number + 6]
        assert set(actions_in(opened(together, [], wide=False))) == open_actions(together)


def test_wide_is_what_the_engine_allows_on_any_resource() -> None:
    """For boundaries and SCPs too: each action, asked of the engine on a resource of no name."""
    rnd = random.Random(11)
    named = _real_policies()
    real, broad = list(named.values()), [named["ReadOnlyAccess"], named["PowerUserAccess"]]
    everything = universe().names
    compared = 0
    for turn in range(12):
        identity = [*rnd.sample(real, 3), broad[turn % 2]]
        boundary = [broad[turn % 4 // 2]]
        forbids = parse(json.loads(policy(deny(["ec2:Delete*", "sqs:*"]))))
        scps = [[parse(json.loads(policy(allow("*")))), forbids], [named["AdministratorAccess"]]]
        wide = set(actions_in(opened(identity, [boundary, *scps], wide=True)))
        may = set(actions_in(opened(identity, [boundary, *scps], wide=False)))
        assert wide <= may
        policies = Policies(identity=identity, boundary=boundary[0], scps=scps)
        for action in {*rnd.sample(everything, 150), *sorted(wide)[:60]}:
            asked = Request(
                "arn:aws:iam::111122223333:user/ana",
                action,
                "arn:aws:none:us-east-1:111122223333:nothing/of-that-name",
                resource_account="111122223333",
            )
            if action in wide:
                compared += 1
                assert evaluate(asked, policies).effect == "allowed", action
            elif action not in may:
                assert evaluate(asked, policies).effect != "allowed", action
    assert compared > 100


def test_users_groups_roles_boundaries(lab: Any, world: World) -> None:
    world.user("ana", allow("s3:Get*"))
    boundary = world.managed("only-lists", allow("s3:GetObject"))
    world.user("ben", allow("s3:Get*"), PermissionsBoundary=boundary)
    iam = boto3.client("iam")
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="ana")
    world.grant("group/readers", allow("sqs:ListQueues"))
    world.role("auditor", deny("*"), allow("*"))
    frame = access_matrix(lab)
    assert list(frame.index) == ["user/administrator", "user/ana", "user/ben", "role/auditor"]
    assert frame.loc["user/ana", "s3"] == len(catalog.expand("s3:Get*"))
    assert frame.loc["user/ana", "sqs"] == 1
    assert frame.loc["user/ben", "s3"] == 1
    assert frame.loc["role/auditor"].sum() == 0
    assert frame.loc["user/administrator"].sum() == len(universe().names)


def test_scps_limit_members(lab: Any, world: World) -> None:
    member = world.organization()
    world.scp("no-s3", deny("s3:*"), target=member)
    frame = access_matrix(lab, account=member, by="level")
    assert "s3" not in frame.columns.get_level_values("service")
    assert frame["ec2"].to_numpy().sum() == len(catalog.actions("ec2"))


def test_by_level_and_by_action_agree_with_by_service(lab: Any, world: World) -> None:
    world.user("ana", allow(["s3:Get*", "iam:Put*", "dynamodb:*"]))
    who = ["user/ana"]
    service = access_matrix(lab, principals=who)
    level = access_matrix(lab, principals=who, by="level")
    action = access_matrix(lab, principals=who, by="action")
    assert level.T.groupby(level="service").sum().T.equals(service)
    assert action.loc["user/ana"].sum() == service.loc["user/ana"].sum()
    open_ones = set(action.columns[action.loc["user/ana"]])
    assert open_ones == {
        n for p in ("s3:Get*", "iam:Put*", "dynamodb:*") for n in catalog.expand(p)
    }
    assert level.loc["user/ana", ("iam", "Permissions management")] > 0


def test_what_is_narrow_counts_only_when_asked_so(lab: Any, world: World) -> None:
    world.user(
        "ana",
        allow("s3:GetObject", "arn:aws:s3:::reports/*"),
        allow("sqs:ListQueues", Condition={"Bool": {"aws:SecureTransport": "true"}}),
        allow("iam:ListUsers"),
    )
    assert access_matrix(lab, principals=["user/ana"]).loc["user/ana"].to_dict() == {
        "iam": 1,
        "s3": 1,
        "sqs": 1,
    }
    wide = access_matrix(lab, principals=["user/ana"], wide=True)
    assert wide.loc["user/ana"].to_dict() == {"iam": 1}


def test_a_cell_has_its_statements(lab: Any, world: World) -> None:
    boundary = world.managed("no-keys", deny("iam:CreateAccessKey", Sid="NoKeys"), allow("*"))
    world.user("ana", allow("iam:*"), allow("s3:*"), PermissionsBoundary=boundary)
    found = statements_behind("user/ana", "iam:CreateAccessKey", lab)
    assert found[["where", "policy", "statement", "effect"]].to_numpy().tolist() == [
        ["identity", "own", 0, "Allow"],
        ["boundary", "no-keys", 0, "Deny"],
        ["boundary", "no-keys", 1, "Allow"],
    ]
    assert found["sid"].tolist()[1] == "NoKeys" and found["everywhere"].all()
    assert json.loads(found["text"][1]) == deny("iam:CreateAccessKey", Sid="NoKeys")


def test_a_cell_of_a_member_has_its_scps(lab: Any, world: World) -> None:
    member = world.organization()
    world.scp("no-s3", deny("s3:*"), target=member)
    world.user("eva", allow("s3:*"), account=member)
    found = statements_behind("user/eva", "s3:GetObject", lab, account=member)
    denying = found[found["effect"] == "Deny"]
    assert denying["where"].tolist() == ["SCPs level 2"]
    assert set(found["where"]) == {"identity", "SCPs level 1", "SCPs level 2"}


def test_a_statement_of_not_action_is_about_the_rest(lab: Any, world: World) -> None:
    world.user("ana", allow(None, NotAction=["iam:*", "sts:GetCallerIdentity"]))
    assert len(statements_behind("user/ana", "S3:getobject", lab)) == 1
    assert len(statements_behind("user/ana", "iam:ListUsers", lab)) == 0
    assert len(statements_behind("user/ana", "s3:NoSuchAction", lab)) == 0
    frame = access_matrix(lab, principals=["user/ana"])
    assert "iam" not in frame and frame.loc["user/ana", "sts"] == len(catalog.actions("sts")) - 1


def test_the_collector_is_left_as_it_was(lab: Any) -> None:
    for on in (True, False):
        (gc.enable if on else gc.disable)()
        try:
            access_matrix(lab)
            assert gc.isenabled() is on
        finally:
            gc.enable()


def test_bad_questions_are_answered_in_words(lab: Any) -> None:
    with pytest.raises(ValueError, match="service, level, action"):
        access_matrix(lab, by="colour")
    with pytest.raises(LookupError, match="user/nobody"):
        access_matrix(lab, principals=["user/nobody"])


def test_an_account_without_principals(lab: Any) -> None:
    assert access_matrix(lab, principals=[]).shape == (0, 0)
