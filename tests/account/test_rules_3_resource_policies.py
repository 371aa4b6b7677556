"""iam_evaluation §3: when a resource policy alone suffices, in one account, by real calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.account.helpers import (
    ACCOUNT,
    IAM,
    OTHER,
    STS,
    Doc,
    World,
    allow,
    deny,
    outcome,
    policy,
    read,
    refusal,
    signed,
    trusts,
)

READ, OBJECTS = "s3:GetObject", "arn:aws:s3:::reports/*"
SILENT, OPEN = policy(allow("iam:*")), policy(allow("*"))
USER, ROLE = f"{IAM}:user/ana", f"{IAM}:role/reader"
SESSION = f"{STS}:assumed-role/reader/morning"
GUEST = f"{STS}:federated-user/guest"
EVERYBODY_BEHIND_THE_ROLE = {
    "Principal": "*",
    "Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE}},
}

# The table: (mark, whom the statement names, caller, needs identity allow, limited by a boundary
# that is silent, limited by a session policy that is silent; None where there can be none).
ROWS = {
    "user ARN: that user [D]": (USER, "user", False, False, None),
    "user ARN: its GetSessionToken session [D]": (USER, "token", False, False, None),
    "user ARN: its federated session [I, D, D]": (USER, "federated", False, True, True),
    "role ARN: session of that role [D]": (ROLE, "role", False, True, True),
    "role-session ARN: that session [D]": (SESSION, "role", False, False, False),
    "federated-user ARN: that session [D]": (GUEST, "federated", False, False, False),
    "* and aws:PrincipalArn [D, D new]": (
        EVERYBODY_BEHIND_THE_ROLE,
        "role",
        False,
        False,
        False,
    ),
    "*: user [D, I]": ("*", "user", False, False, None),
    "*: role session [D, I, I]": ("*", "role", False, False, False),
    "*: federated session [D, I, I]": ("*", "federated", False, False, False),
    "{'AWS': '*'}: role session [D, I, I]": ({"AWS": "*"}, "role", False, False, False),
    "account ARN: user [D, I]": (f"{IAM}:root", "user", True, True, None),
    "account number: user [D, I]": (ACCOUNT, "user", True, True, None),
    "account ARN: role session [D, I, I]": (f"{IAM}:root", "role", True, True, True),
    "account number: federated session [D, I, I]": (ACCOUNT, "federated", True, True, True),
    "account ARN: root user [D]": (f"{IAM}:root", "root", False, None, None),
    "account number: root user [D]": (ACCOUNT, "root", False, None, None),
}


def _named(who: Any) -> Doc:
    if isinstance(who, dict):
        return who if "Principal" in who else {"Principal": who}
    return {"Principal": who if who == "*" else {"AWS": who}}


def _caller(world: World, kind: str, session_policy: str | None = OPEN) -> Any:
    """A session of some kind, whose user or role has no permissions but to become it."""
    if kind == "root":
        return world.lab.session("root")
    if kind == "role":
        more = {"Policy": session_policy} if session_policy else {}
        return world.assume("reader", **more)
    session = world.lab.session("user/ana")
    if kind == "token":
        return signed(session.client("sts").get_session_token())
    if kind == "federated":
        more = {"Policy": session_policy} if session_policy else {}
        return signed(session.client("sts").get_federation_token(Name="guest", **more))
    return session


def _people(world: World) -> None:
    world.user("ana", allow("sts:GetFederationToken"))
    world.role("reader")


def _both(world: World, *statements: Doc) -> None:
    world.grant("user/ana", allow("sts:GetFederationToken"), *statements)
    world.grant("role/reader", *(statements or [allow("ec2:RunInstances")]))


def _bound(world: World) -> None:
    limit = world.managed("limit", allow(["iam:*", "sts:*"]))
    world.iam.put_user_permissions_boundary(UserName="ana", PermissionsBoundary=limit)
    world.iam.put_role_permissions_boundary(RoleName="reader", PermissionsBoundary=limit)


# --- The three kinds of resource ----------------------------------------------------------------


def _bucket(world: World, who: Any) -> Callable[[Any], Callable[[], Any]]:
    world.bucket("reports", allow(READ, OBJECTS, **_named(who)))
    return read


def _queue(world: World, who: Any) -> Callable[[Any], Callable[[], Any]]:
    sqs = world.admin("sqs")
    text = policy(allow("sqs:SendMessage", **_named(who)))
    url = sqs.create_queue(QueueName="jobs", Attributes={"Policy": text})["QueueUrl"]

    def send(session: Any) -> Callable[[], Any]:
        client = session.client("sqs")
        return lambda: client.send_message(QueueUrl=url, MessageBody="hello")

    return send


def _secret(world: World, who: Any) -> Callable[[Any], Callable[[], Any]]:
    client = world.admin("secretsmanager")
    client.create_secret(Name="door", SecretString="1234")
    text = policy(allow("secretsmanager:GetSecretValue", **_named(who)))
    client.put_resource_policy(SecretId="door", ResourcePolicy=text)

    def open_(session: Any) -> Callable[[], Any]:
        client = session.client("secretsmanager")
        return lambda: client.get_secret_value(SecretId="door")

    return open_


RESOURCES = {"bucket": _bucket, "queue": _queue, "secret": _secret}


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("row", ROWS)
def test_needs_identity_allow(world: World, row: str, resource: str) -> None:
    """§3, the table's third column: first without, then with an identity policy that allows."""
    who, kind, needs_identity, *_ = ROWS[row]
    _people(world)
    call = RESOURCES[resource](world, who)(_caller(world, kind))
    assert outcome(call) == ("denied" if needs_identity else "allowed")
    _both(world, allow("*"))
    assert outcome(call) == "allowed"


@pytest.mark.parametrize("row", [row for row in ROWS if ROWS[row][3] is not None])
def test_limited_by_a_boundary(world: World, row: str) -> None:
    """§3, the table's fourth column."""
    who, kind, needs_identity, limited, _ = ROWS[row]
    _people(world)
    if needs_identity:
        _both(world, allow("*"))
    call = _bucket(world, who)(_caller(world, kind))
    assert outcome(call) == "allowed"
    _bound(world)
    assert outcome(call) == ("denied" if limited else "allowed")


@pytest.mark.parametrize("row", [row for row in ROWS if ROWS[row][4] is not None])
def test_limited_by_a_session_policy(world: World, row: str) -> None:
    """§3, the table's fifth column."""
    who, kind, needs_identity, _, limited = ROWS[row]
    _people(world)
    if needs_identity:
        _both(world, allow("*"))
    call = _bucket(world, who)
    wanted = "denied" if limited else "allowed"
    assert outcome(call(_caller(world, kind, OPEN))) == "allowed"
    assert outcome(call(_caller(world, kind, SILENT))) == wanted
    if kind == "federated":  # no session policy: nothing, but for what names the session itself
        assert outcome(call(_caller(world, kind, None))) == wanted


@pytest.mark.parametrize("row", ROWS)
def test_somebody_else_is_not_let_in(world: World, row: str) -> None:
    """§3: each row is about the principal it names and no other."""
    who, *_ = ROWS[row]
    _people(world)
    call = _bucket(world, who)
    bob = world.user("bob")
    open_to_all = who in ("*", {"AWS": "*"})
    assert outcome(call(bob)) == ("allowed" if open_to_all else "denied")


@pytest.mark.parametrize("row", ROWS)
def test_explicit_denies_still_win(world: World, row: str) -> None:
    """§3, first bullet [D]: an identity Deny (for root: a Deny in the bucket policy)."""
    who, kind, *_ = ROWS[row]
    _people(world)
    call = _bucket(world, who)(_caller(world, kind))
    if kind == "root":
        grant = allow(READ, OBJECTS, **_named(who))
        world.bucket("reports", grant, deny(READ, OBJECTS, Principal="*"))
    else:
        _both(world, allow("*"), deny(READ))
    assert outcome(call) == "denied"
    assert world.lab.why().effect == "explicitDeny"


MEMBER_ROWS = ["user", "role", "session", "*", "account", "root"]


@pytest.mark.parametrize("limit", ["scp silent", "scp deny", "rcp deny"])
@pytest.mark.parametrize("row", MEMBER_ROWS)
def test_scps_and_rcps_limit_every_row(world: World, row: str, limit: str) -> None:
    """§3, first bullet [D]."""
    member = world.organization()
    world.user("ana", *([allow("*")] if row == "account" else []), account=member)
    role = world.role("reader", trust=member, account=member)
    admin = world.lab.account(member)
    who = {
        "user": f"arn:aws:iam::{member}:user/ana",
        "role": role,
        "session": f"arn:aws:sts::{member}:assumed-role/reader/morning",
        "*": "*",
        "account": member,
        "root": member,
    }[row]
    if row in ("role", "session"):
        caller = world.assume(role, admin)
    else:
        caller = world.lab.session("root" if row == "root" else "user/ana", member)
    world.bucket("reports", allow(READ, OBJECTS, **_named(who)), account=member)
    call = read(caller)
    assert outcome(call) == "allowed"
    if limit == "rcp deny":
        world.scp("n", deny(READ, Principal="*"), target=member, kind="RESOURCE")
    elif limit == "scp deny":
        world.scp("n", deny(READ), target=member)
    else:
        world.scp("n", allow("iam:*"), target=member)
        world.admin("organizations").detach_policy(PolicyId="p-FullAWSAccess", TargetId=member)
    assert outcome(call) == "denied"
    assert world.lab.why().blocked_by == limit[:3]


# --- Principal values ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "who",
    [
        f"{IAM}:user/*",
        f"{IAM}:user/an?",
        "arn:aws:iam::*:root",
        f"{IAM}:role/read*",
        f"{STS}:assumed-role/reader/*",
        f"{IAM}:group/staff",
        f"{IAM}:user/Ana",  # the name is case-sensitive: there is no such user
        f"{IAM}:user/nobody",
    ],
)
def test_principals_that_are_none(world: World, who: str) -> None:
    """§3, second bullet [D]: no wildcard inside an ARN, no groups, names as they are written."""
    _people(world)
    world.iam.create_group(GroupName="staff")
    world.bucket("reports")
    statement = policy(allow(READ, OBJECTS, Principal={"AWS": who}))
    refused = refusal(lambda: world.s3.put_bucket_policy(Bucket="reports", Policy=statement))
    assert refused and (refused.code, refused.status) == ("MalformedPolicy", 400)
    assert refused.text == "Invalid principal in policy"
    trust = policy(trusts(who))
    make = {"RoleName": "other", "AssumeRolePolicyDocument": trust}
    refused = refusal(lambda: world.iam.create_role(**make))
    assert refused and (refused.code, refused.status) == ("MalformedPolicyDocument", 400)


def test_several_principals_are_ored(world: World) -> None:
    """§3, second bullet [D]."""
    _people(world)
    bob, eve = world.user("bob"), world.user("eve")
    call = _bucket(world, [USER, f"{IAM}:user/bob"])
    assert outcome(call(_caller(world, "user"))) == outcome(call(bob)) == "allowed"
    assert outcome(call(eve)) == "denied"


@pytest.mark.parametrize("who", ["*", {"AWS": "*"}, {"AWS": ["*"]}])
def test_everybody_means_anonymous_callers_too(world: World, who: Any) -> None:
    """§3, second bullet [D]."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    nobody = boto3.client("s3", config=Config(signature_version=UNSIGNED))
    world.bucket("reports")
    call = lambda: nobody.get_object(Bucket="reports", Key="q3.csv")  # noqa: E731
    assert outcome(call) == "denied"
    _bucket(world, {"Principal": who})
    assert outcome(call) == "allowed"


# --- Unique IDs ---------------------------------------------------------------------------------


def _reads(document: Any) -> Any:
    return document if isinstance(document, dict) else json.loads(document)


@pytest.mark.parametrize("kind", ["user", "role"])
def test_trust_is_kept_by_the_unique_id(world: World, kind: str) -> None:
    """§3, third bullet [D]: made anew under the old name, it is somebody else."""
    iam = world.iam
    arn = f"{IAM}:{kind}/friend"
    make = world.user if kind == "user" else world.role
    make("friend")
    if kind == "user":
        first = iam.get_user(UserName="friend")["User"]["UserId"]
    else:
        first = iam.get_role(RoleName="friend")["Role"]["RoleId"]
    target = world.role("vault", trust=arn)

    def enter() -> Any:
        if kind == "user":
            return world.assume(target, world.lab.session("user/friend"))
        return world.assume(target, world.assume(arn))

    assert outcome(enter) == "allowed"
    if kind == "user":
        for key in iam.list_access_keys(UserName="friend")["AccessKeyMetadata"]:
            iam.delete_access_key(UserName="friend", AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName="friend")
    else:
        iam.delete_role(RoleName="friend")
    shown = _reads(iam.get_role(RoleName="vault")["Role"]["AssumeRolePolicyDocument"])
    assert shown["Statement"][0]["Principal"]["AWS"] == first
    assert first.startswith("AIDA" if kind == "user" else "AROA")
    make("friend")
    assert outcome(enter) == "denied"
    iam.update_assume_role_policy(RoleName="vault", PolicyDocument=policy(trusts(arn)))
    assert outcome(enter) == "allowed"


def test_a_condition_on_the_principal_s_arn_survives(world: World) -> None:
    """§3, third bullet [D]."""
    role = f"{IAM}:role/friend"
    condition = {"ArnEquals": {"aws:PrincipalArn": role}}
    target = world.role("vault", trust=(trusts(ACCOUNT, Condition=condition),))
    for _ in range(2):
        world.role("friend", allow("sts:AssumeRole"))
        friend = world.assume(role)
        assert outcome(lambda who=friend: world.assume(target, who)) == "allowed"
        world.grant("role/friend")
        world.iam.delete_role(RoleName="friend")


# --- NotPrincipal -------------------------------------------------------------------------------

# The cautious reading of §3's fifth bullet [I]: all that a caller is called must be listed.
NOT_PRINCIPAL = [
    ("user", [USER, ACCOUNT], "allowed"),
    ("user", [USER, f"{IAM}:root"], "allowed"),
    ("user", [USER], "denied"),
    ("user", [ACCOUNT], "denied"),
    ("role", [SESSION, ROLE, ACCOUNT], "allowed"),
    ("role", [ROLE, ACCOUNT], "denied"),
    ("role", [SESSION, ACCOUNT], "denied"),
    ("role", [SESSION, ROLE], "denied"),
]


@pytest.mark.parametrize(("kind", "listed", "wanted"), NOT_PRINCIPAL)
def test_not_principal_with_deny(world: World, kind: str, listed: list[str], wanted: str) -> None:
    """§3, fifth bullet [D "list the account"; I the rest]."""
    _people(world)
    _both(world, allow("*"))
    ban = deny(READ, OBJECTS, NotPrincipal={"AWS": listed})
    world.bucket("reports", ban)
    assert outcome(read(_caller(world, kind))) == wanted
    bob = world.user("bob", allow("*"))
    assert outcome(read(bob)) == "denied"


def test_not_principal_is_for_resource_policies_alone(world: World) -> None:
    """§3, fifth bullet [D]: forbidden in identity policies and in trust policies."""
    world.user("ana")
    identity = policy(deny(READ, NotPrincipal={"AWS": ACCOUNT}))
    put = {"UserName": "ana", "PolicyName": "p", "PolicyDocument": identity}
    refused = refusal(lambda: world.iam.put_user_policy(**put))
    assert refused and refused.code == "MalformedPolicyDocument"
    trust = policy(allow("sts:AssumeRole", None, NotPrincipal={"AWS": OTHER}))
    make = {"RoleName": "r", "AssumeRolePolicyDocument": trust}
    refused = refusal(lambda: world.iam.create_role(**make))
    assert refused and refused.code == "MalformedPolicyDocument"
