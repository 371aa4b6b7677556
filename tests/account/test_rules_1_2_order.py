"""iam_evaluation §1 (result kinds) and §2 (order within one account), by real calls.

``lab.why()`` gives the decision behind a denial: that is how "implicit" and "explicit" are told.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.account.helpers import (
    ACCOUNT,
    IAM,
    World,
    allow,
    deny,
    outcome,
    policy,
    read,
    signed,
)

READ = "s3:GetObject"
OBJECTS = "arn:aws:s3:::reports/*"
ANYBODY = {"Principal": "*"}


def _verdict(world: World, call: Any) -> tuple[str, str | None]:
    """Return ("allowed", None), or the kind of denial and the policy type that made it."""
    if outcome(call) == "allowed":
        return "allowed", None
    decision = world.lab.why()
    return decision.effect, decision.blocked_by


# --- §1 -----------------------------------------------------------------------------------------


def test_nothing_is_allowed_by_default(world: World) -> None:
    """§1 [D]."""
    ana = world.user("ana")
    world.bucket("reports")
    assert _verdict(world, read(ana)) == ("implicitDeny", "identity")


def test_the_root_user_has_full_access_in_its_own_account(world: World) -> None:
    """§1 [D]."""
    world.bucket("reports")
    root = world.lab.session("root")
    assert _verdict(world, read(root)) == ("allowed", None)
    assert outcome(lambda: root.client("iam").list_users()) == "allowed"


def test_the_root_user_has_nothing_in_another_account(world: World) -> None:
    """§1 [D]: "in its own account"."""
    world.bucket("theirs", account="444455556666")
    assert outcome(read(world.lab.session("root"), "theirs")) == "denied"


@pytest.mark.parametrize("first", ["allow", "deny"])
def test_order_of_statements_means_nothing(world: World, first: str) -> None:
    """§1 [D]: Deny wins, wherever it stands and however exact the Allow is."""
    both = [allow(READ, "arn:aws:s3:::reports/q3.csv"), deny("s3:*")]
    ana = world.user("ana", *(both if first == "allow" else both[::-1]))
    world.bucket("reports")
    assert _verdict(world, read(ana)) == ("explicitDeny", "identity")


DENIERS = ["identity", "group", "resource", "boundary", "session", "scp", "rcp"]


def _everything_allows(world: World, who: str, denier: str) -> Any:
    """A member account's role session or user with every kind of policy, all but one silent."""
    says = {kind: [allow("*")] for kind in DENIERS}
    says[denier] = [allow("*"), deny(READ)]
    member = world.organization()
    if denier in ("scp", "rcp"):
        world.scp(
            "no-reading",
            deny(READ, **(ANYBODY if denier == "rcp" else {})),
            target=member,
            kind="SERVICE" if denier == "scp" else "RESOURCE",
        )
    limit = world.managed("limit", *says["boundary"], account=member)
    more = {"PermissionsBoundary": limit}
    bucket = [{**said, "Principal": "*", "Resource": OBJECTS} for said in says["resource"]]
    world.bucket("reports", *bucket, account=member)
    iam = world.admin("iam", member)
    if who == "user":
        session = world.user("ana", *says["identity"], account=member, **more)
        iam.create_group(GroupName="staff")
        iam.put_group_policy(
            GroupName="staff", PolicyName="g", PolicyDocument=policy(*says["group"])
        )
        iam.add_user_to_group(GroupName="staff", UserName="ana")
        return session
    role = world.role("reader", *says["identity"], account=member, trust=member, **more)
    return world.assume(role, world.lab.account(member), Policy=policy(*says["session"]))


@pytest.mark.parametrize("denier", DENIERS)
@pytest.mark.parametrize("who", ["user", "role"])
def test_a_deny_of_any_type_wins_over_everything(world: World, who: str, denier: str) -> None:
    """§1 and §2.1 [D]: every other type allows, and the bucket policy even names everybody."""
    if (who, denier) in (("user", "session"), ("role", "group")):
        # A user has no session policy and a role no group: here the same Deny must not count.
        session = _everything_allows(world, who, denier)
        assert _verdict(world, read(session)) == ("allowed", None)
        return
    session = _everything_allows(world, who, denier)
    named = "identity" if denier == "group" else denier
    assert _verdict(world, read(session)) == ("explicitDeny", named)


def test_a_missing_scp_allow_is_an_implicit_denial(world: World) -> None:
    """§1 [D new]: the 2023 page called it explicit."""
    member = world.organization()
    ana = world.user("ana", allow("*"), account=member)
    only = world.scp("only-iam", allow("iam:*"), target=member)
    world.admin("organizations").detach_policy(PolicyId="p-FullAWSAccess", TargetId=member)
    assert _verdict(world, lambda: ana.client("s3").list_buckets()) == ("implicitDeny", "scp")
    assert outcome(lambda: ana.client("iam").list_users()) == "allowed"
    assert only


# --- §2 -----------------------------------------------------------------------------------------


def test_only_the_deny_of_an_rcp_matters(world: World) -> None:
    """§2.2 [D new]: RCPFullAWSAccess cannot be detached and always allows."""
    member = world.organization()
    world.bucket("reports", account=member)
    ana = world.user("ana", allow("s3:*"), account=member)
    assert _verdict(world, read(ana)) == ("allowed", None)
    organizations = world.admin("organizations")
    detach = {"PolicyId": "p-RCPFullAWSAccess", "TargetId": member}
    assert outcome(lambda: organizations.detach_policy(**detach)) == "ConstraintViolationException"
    assert _verdict(world, read(ana)) == ("allowed", None)
    rcp = world.scp("n", deny(READ, **ANYBODY), target=member, kind="RESOURCE")
    assert _verdict(world, read(ana)) == ("explicitDeny", "rcp")
    world.admin("organizations").detach_policy(PolicyId=rcp, TargetId=member)
    assert _verdict(world, read(ana)) == ("allowed", None)


def test_rcps_are_those_of_the_resource_s_account(world: World) -> None:
    """§2.2 [D new]: a caller from outside the organization meets them too."""
    member = world.organization()
    world.bucket("reports", allow(READ, OBJECTS, **ANYBODY), account=member)
    outside = world.user("olga", allow("s3:*"), account="999988887777")
    assert outcome(read(outside)) == "allowed"
    world.scp("n", deny(READ, **ANYBODY), target=member, kind="RESOURCE")
    assert outcome(read(outside)) == "denied"
    # The same caller's own bucket is out of the RCP's reach.
    world.bucket("mine", account="999988887777")
    assert outcome(read(outside, "mine")) == "allowed"


@pytest.mark.parametrize("level", ["root", "unit", "account"])
def test_every_level_of_scps_must_allow(world: World, level: str) -> None:
    """§2.3 [D "must allow"; M per level]."""
    member = world.organization()
    client = world.admin("organizations")
    unit = client.create_organizational_unit(ParentId=world.root, Name="apps")
    unit = unit["OrganizationalUnit"]["Id"]
    client.move_account(AccountId=member, SourceParentId=world.root, DestinationParentId=unit)
    ana = world.user("ana", allow("*"), account=member)
    s3 = ana.client("s3")
    assert _verdict(world, s3.list_buckets) == ("allowed", None)
    target = {"root": world.root, "unit": unit, "account": member}[level]
    world.scp("only-iam", allow("iam:*"), target=target)
    world.admin("organizations").detach_policy(PolicyId="p-FullAWSAccess", TargetId=target)
    assert _verdict(world, s3.list_buckets) == ("implicitDeny", "scp")
    assert outcome(ana.client("iam").list_users) == "allowed"


def test_without_an_organization_no_scp_is_asked(world: World) -> None:
    """§2.3 [D]."""
    ana = world.user("ana", allow("s3:ListAllMyBuckets"))
    assert outcome(ana.client("s3").list_buckets) == "allowed"


def test_scps_are_those_of_the_principal_s_account(world: World) -> None:
    """§2.3 [D]: the bucket's own account has none."""
    member = world.organization()
    world.bucket("reports", allow(READ, OBJECTS, **ANYBODY))
    ana = world.user("ana", allow("s3:*"), account=member)
    assert outcome(read(ana)) == "allowed"
    world.scp("no-s3", deny("s3:*"), target=member)
    assert outcome(read(ana)) == "denied"


@pytest.mark.parametrize(
    ("own", "in_group", "verdict"),
    [
        ([], [], "implicitDeny"),
        ([allow(READ)], [], "allowed"),
        ([], [allow(READ)], "allowed"),
        ([deny(READ)], [allow(READ)], "explicitDeny"),
        ([allow(READ)], [deny(READ)], "explicitDeny"),
        ([allow("s3:PutObject")], [allow("s3:DeleteObject")], "implicitDeny"),
    ],
)
def test_identity_policies_are_the_user_s_and_its_groups(
    world: World, own: list[Any], in_group: list[Any], verdict: str
) -> None:
    """§2.5 [D]."""
    world.bucket("reports")
    ana = world.user("ana", *own)
    world.iam.create_group(GroupName="staff")
    if in_group:
        world.grant("group/staff", *in_group)
    world.iam.add_user_to_group(GroupName="staff", UserName="ana")
    assert _verdict(world, read(ana))[0] == verdict


@pytest.mark.parametrize(
    ("identity", "boundary", "verdict"),
    [
        ([allow("s3:*")], [allow("s3:Get*")], ("allowed", None)),
        ([allow("s3:*")], [allow("iam:*")], ("implicitDeny", "boundary")),
        ([allow("s3:*")], [allow("s3:*"), deny(READ)], ("explicitDeny", "boundary")),
        ([], [allow("*")], ("implicitDeny", "identity")),  # a boundary never grants
    ],
)
@pytest.mark.parametrize("who", ["user", "role"])
def test_boundaries(
    world: World, who: str, identity: list[Any], boundary: list[Any], verdict: tuple[str, Any]
) -> None:
    """§2.6 and the bullet below it [D]."""
    world.bucket("reports")
    limit = world.managed("limit", *boundary)
    if who == "user":
        session = world.user("ana", *identity, PermissionsBoundary=limit)
    else:
        session = world.assume(world.role("reader", *identity, PermissionsBoundary=limit))
    assert _verdict(world, read(session)) == verdict


@pytest.mark.parametrize(
    ("identity", "session_policy", "verdict"),
    [
        ([allow("s3:*")], None, ("allowed", None)),  # a role session without one is not limited
        ([allow("s3:*")], [allow(READ)], ("allowed", None)),
        ([allow("s3:*")], [allow("s3:PutObject")], ("implicitDeny", "session")),
        ([allow("s3:*")], [allow("*"), deny(READ)], ("explicitDeny", "session")),
        ([], [allow("*")], ("implicitDeny", "identity")),  # it never grants
    ],
)
def test_session_policies_of_roles(
    world: World, identity: list[Any], session_policy: Any, verdict: tuple[str, Any]
) -> None:
    """§2.7 [D]."""
    world.bucket("reports")
    more = {"Policy": policy(*session_policy)} if session_policy else {}
    session = world.assume(world.role("reader", *identity), **more)
    assert _verdict(world, read(session)) == verdict


@pytest.mark.parametrize(
    ("identity", "session_policy", "verdict"),
    [
        ([allow("s3:*")], None, ("implicitDeny", "session")),
        ([allow("s3:*")], [allow(READ)], ("allowed", None)),
        ([allow("s3:*")], [allow("s3:PutObject")], ("implicitDeny", "session")),
        ([], [allow("*")], ("implicitDeny", "identity")),
    ],
)
def test_session_policies_of_federated_users(
    world: World, identity: list[Any], session_policy: Any, verdict: tuple[str, Any]
) -> None:
    """§2.7 [D]: without a session policy they get nothing from the user's own policies."""
    world.bucket("reports")
    ana = world.user("ana", allow("sts:GetFederationToken"), *identity)
    more = {"Policy": policy(*session_policy)} if session_policy else {}
    session = signed(ana.client("sts").get_federation_token(Name="guest", **more))
    assert _verdict(world, read(session)) == verdict


def test_scps_and_rcps_never_grant(world: World) -> None:
    """§2, the bullet below the list [D]: full access at every level, and still nothing."""
    member = world.organization()
    world.bucket("reports", account=member)
    ana = world.user("ana", account=member)
    world.scp("read", allow(READ), target=member)
    assert _verdict(world, read(ana)) == ("implicitDeny", "identity")


@pytest.mark.parametrize(
    "missing", [None, "identity", "boundary", "session", "scp"], ids=lambda m: m or "none"
)
def test_the_effective_permission_is_the_intersection(world: World, missing: str | None) -> None:
    """§2, the bullet below the list [D]: each of the four must allow."""
    member = world.organization()
    world.bucket("reports", account=member)
    says = {
        kind: [allow("s3:PutObject" if kind == missing else "s3:*")]
        for kind in ("identity", "boundary", "session", "scp")
    }
    limit = world.managed("limit", *says["boundary"], account=member)
    role = world.role(
        "reader", *says["identity"], account=member, trust=member, PermissionsBoundary=limit
    )
    session = world.assume(role, world.lab.account(member), Policy=policy(*says["session"]))
    world.scp("s3", *says["scp"], target=member)
    world.admin("organizations").detach_policy(PolicyId="p-FullAWSAccess", TargetId=member)
    wanted = ("allowed", None) if missing is None else ("implicitDeny", missing)
    assert _verdict(world, read(session)) == wanted


@pytest.mark.parametrize("call", ["get_federation_token", "get_session_token"])
def test_the_boundary_is_that_of_the_user_behind_the_session(world: World, call: str) -> None:
    """§2, last bullet [D for federation; I for GetSessionToken]."""
    world.bucket("reports")
    limit = world.managed("limit", allow("sts:*"))
    ana = world.user("ana", allow("*"))
    more = {"Name": "guest", "Policy": policy(allow("*"))} if "federation" in call else {}
    session = signed(getattr(ana.client("sts"), call)(**more))
    assert _verdict(world, read(session)) == ("allowed", None)
    world.iam.put_user_permissions_boundary(UserName="ana", PermissionsBoundary=limit)
    assert _verdict(world, read(session)) == ("implicitDeny", "boundary")


def test_the_boundary_of_a_role_binds_its_sessions(world: World) -> None:
    """§2, last bullet [D]; ``ACCOUNT`` trusts itself, so only the boundary can deny here."""
    world.bucket("reports")
    session = world.assume(world.role("reader", allow("*"), trust=ACCOUNT))
    limit = world.managed("limit", allow("iam:*"))
    assert limit == f"{IAM}:policy/limit"
    world.iam.put_role_permissions_boundary(RoleName="reader", PermissionsBoundary=limit)
    assert _verdict(world, read(session)) == ("implicitDeny", "boundary")
    world.iam.delete_role_permissions_boundary(RoleName="reader")
    assert _verdict(world, read(session)) == ("allowed", None)
