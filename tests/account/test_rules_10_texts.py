"""iam_evaluation §10: what AWS says when it says no, word for word, by real calls."""

from __future__ import annotations

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
    policy,
    read,
    refusal,
    signed,
    trusts,
)

USER = f"{IAM}:user/ana"
READ = "s3:GetObject"
FILE = "arn:aws:s3:::reports/q3.csv"

# --- Each service's frame -----------------------------------------------------------------------

# service -> (call, code, status, action as printed, what is said of the resource)
SERVICES: dict[str, tuple[Callable[[Any], Any], str, int, str, str]] = {
    "iam": (
        lambda c: c.get_user(UserName="bo"),
        "AccessDenied",
        403,
        "iam:GetUser",
        f" on resource: {IAM}:user/bo",
    ),
    "iam, a list": (
        lambda c: c.list_users(),
        "AccessDenied",
        403,
        "iam:ListUsers",
        f" on resource: {IAM}:user/",
    ),
    "sts": (
        lambda c: c.get_federation_token(Name="guest"),
        "AccessDenied",
        403,
        "sts:GetFederationToken",
        f" on resource: {STS}:federated-user/guest",
    ),
    "s3": (
        lambda c: c.get_object(Bucket="reports", Key="q3.csv"),
        "AccessDenied",
        403,
        READ,
        f' on resource: "{FILE}"',
    ),
    "s3, no resource": (
        lambda c: c.list_buckets(),
        "AccessDenied",
        403,
        "s3:ListAllMyBuckets",
        "",
    ),
    "dynamodb": (
        lambda c: c.get_item(TableName="songs", Key={"k": {"S": "v"}}),
        "AccessDeniedException",
        400,
        "dynamodb:GetItem",
        f" on resource: arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/songs",
    ),
    "kms": (
        lambda c: c.list_keys(),
        "AccessDeniedException",
        400,
        "kms:ListKeys",
        " on resource: *",
    ),
    "secretsmanager": (
        lambda c: c.get_secret_value(SecretId="door"),
        "AccessDeniedException",
        400,
        "secretsmanager:GetSecretValue",
        f" on resource: arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:door",
    ),
    "organizations": (
        lambda c: c.describe_organization(),
        "AccessDeniedException",
        400,
        "organizations:DescribeOrganization",
        " on resource: *",
    ),
    "lambda": (
        lambda c: c.get_function(FunctionName="f"),
        "AccessDeniedException",
        403,
        "lambda:GetFunction",
        f" on resource: arn:aws:lambda:us-east-1:{ACCOUNT}:function:f",
    ),
    "lambda, a list": (
        lambda c: c.list_functions(),
        "AccessDeniedException",
        403,
        "lambda:ListFunctions",
        " on resource: *",
    ),
    "secretsmanager, a list": (
        lambda c: c.list_secrets(),
        "AccessDeniedException",
        400,
        "secretsmanager:ListSecrets",
        "",
    ),
    "dynamodb, a list": (
        lambda c: c.list_tables(),
        "AccessDeniedException",
        400,
        "dynamodb:ListTables",
        f" on resource: arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/*",
    ),
    "sqs, a list": (
        lambda c: c.list_queues(),
        "AccessDenied",
        403,
        "sqs:listqueues",
        f" on resource: arn:aws:sqs:us-east-1:{ACCOUNT}:",
    ),
    "sqs": (
        lambda c: c.create_queue(QueueName="jobs"),
        "AccessDenied",
        403,
        "sqs:createqueue",
        f" on resource: arn:aws:sqs:us-east-1:{ACCOUNT}:jobs",
    ),
}


@pytest.mark.parametrize("row", SERVICES)
@pytest.mark.parametrize("explicit", [False, True])
def test_the_frame_of_each_service(world: World, row: str, explicit: bool) -> None:
    """§10, frame [D], S3's quotes [O], codes of the styles [D, M]; SQS's small letters [O].

    What is printed where an action has no resource is of public logs [O]: the service decides.
    """
    call, code, status, action, where = SERVICES[row]
    world.bucket("reports")
    ana = world.user("ana", *([deny("*")] if explicit else []))
    refused = refusal(lambda: call(ana.client(row.split(",")[0])))
    assert refused and (refused.code, refused.status) == (code, status)
    reason = (
        "with an explicit deny in an identity-based policy"
        if explicit
        else f"because no identity-based policy allows the {action} action"
    )
    assert refused.text == f"User: {USER} is not authorized to perform: {action}{where} {reason}"


def test_ec2_s_frame(world: World) -> None:
    """§10, EC2 row [O]."""
    ec2 = world.user("ana").client("ec2")
    refused = refusal(ec2.describe_instances)
    assert refused and (refused.code, refused.status) == ("UnauthorizedOperation", 403)
    assert refused.text.startswith(
        f"You are not authorized to perform this operation. User: {USER} is not authorized to "
        "perform: ec2:DescribeInstances because no identity-based policy allows the "
        "ec2:DescribeInstances action."
    )
    _, found, encoded = refused.text.partition(" Encoded authorization failure message: ")
    assert found and len(encoded) > 20 and " " not in encoded
    refused = refusal(lambda: ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1))
    assert (
        refused and "perform: ec2:RunInstances on resource: arn:aws:ec2:us-east-1:" in refused.text
    )


def test_a_dry_run(world: World) -> None:
    """§10, last line [M: 412]."""
    ec2 = world.user("ana", allow("ec2:*")).client("ec2")
    refused = refusal(lambda: ec2.describe_instances(DryRun=True))
    assert refused and (refused.code, refused.status) == ("DryRunOperation", 412)
    assert refused.text == "Request would have succeeded, but DryRun flag is set."
    world.grant("user/ana", deny("ec2:*"))
    refused = refusal(lambda: ec2.describe_instances(DryRun=True))
    assert refused and refused.code == "UnauthorizedOperation"


# --- Reasons, by policy type --------------------------------------------------------------------

ANYBODY = {"Principal": "*", "Resource": "arn:aws:s3:::reports/*"}


def _member(world: World, *statements: Doc, **more: Any) -> Any:
    """A role session in a member account, with a bucket there."""
    world.member = world.organization()
    limit = more.pop("boundary", None)
    if limit:
        arn = world.managed("limit", *limit, account=world.member)
        more["PermissionsBoundary"] = arn
    narrow = more.pop("session", None)
    role = world.role("worker", *statements, trust=world.member, account=world.member, **more)
    world.bucket("reports", account=world.member)
    passed = {"Policy": policy(*narrow)} if narrow else {}
    return world.assume(role, world.lab.account(world.member), **passed)


def _scp(world: World, *statements: Doc, kind: str = "SERVICE") -> None:
    world.scp("p", *statements, target=world.member, kind=kind)
    if kind == "SERVICE" and not any(said["Effect"] == "Deny" for said in statements):
        world.admin("organizations").detach_policy(
            PolicyId="p-FullAWSAccess", TargetId=world.member
        )


def _bucket_denies(world: World) -> Any:
    session = _member(world, allow("*"))
    world.bucket("reports", {**deny(READ), **ANYBODY}, account=world.member)
    return session


def _with(world: World, session: Any, kind: str, *statements: Doc) -> Any:
    _scp(world, *statements, kind=kind)
    return session


EVERYTHING, NOTHING = allow("*"), allow("iam:*")
REASONS: dict[str, tuple[Callable[[World], Any], str]] = {
    "identity, implicit": (
        lambda w: _member(w),
        f"because no identity-based policy allows the {READ} action",
    ),
    "identity, explicit": (
        lambda w: _member(w, EVERYTHING, deny(READ)),
        "with an explicit deny in an identity-based policy",
    ),
    "resource, explicit": (
        _bucket_denies,
        "with an explicit deny in a resource-based policy",
    ),
    "boundary, implicit": (
        lambda w: _member(w, EVERYTHING, boundary=[NOTHING]),
        f"because no permissions boundary allows the {READ} action",
    ),
    "boundary, explicit": (
        lambda w: _member(w, EVERYTHING, boundary=[EVERYTHING, deny(READ)]),
        "with an explicit deny in a permissions boundary",
    ),
    "session, implicit": (
        lambda w: _member(w, EVERYTHING, session=[NOTHING]),
        f"because no session policy allows the {READ} action",
    ),
    "session, explicit": (
        lambda w: _member(w, EVERYTHING, session=[EVERYTHING, deny(READ)]),
        "with an explicit deny in a session policy",
    ),
    "SCP, implicit": (
        lambda w: _with(w, _member(w, EVERYTHING), "SERVICE", NOTHING),
        f"because no service control policy allows the {READ} action",
    ),
    "SCP, explicit": (
        lambda w: _with(w, _member(w, EVERYTHING), "SERVICE", deny(READ)),
        "with an explicit deny in a service control policy",
    ),
    "RCP, explicit": (
        lambda w: _with(w, _member(w, EVERYTHING), "RESOURCE", deny(READ, Principal="*")),
        "with an explicit deny in a resource control policy",
    ),
}


@pytest.mark.parametrize("row", REASONS)
def test_the_reason_names_the_policy_type(world: World, row: str) -> None:
    """§10, table of reasons [D]; a role caller is printed as its session [O]."""
    make, reason = REASONS[row]
    session = make(world)
    refused = refusal(read(session))
    assert refused and (refused.code, refused.status) == ("AccessDenied", 403)
    who = f"arn:aws:sts::{world.member}:assumed-role/worker/morning"
    frame = f'User: {who} is not authorized to perform: {READ} on resource: "{FILE}"'
    assert refused.text == f"{frame} {reason}"


def test_no_resource_policy_allows(world: World) -> None:
    """§10, table of reasons [D]: resource, implicit; a key in the same account."""
    ana = world.user("ana", allow("*"))
    keeper = allow("kms:*", Principal={"AWS": f"{IAM}:user/administrator"})
    key = world.admin("kms").create_key(Policy=policy(keeper))["KeyMetadata"]["Arn"]
    refused = refusal(lambda: ana.client("kms").encrypt(KeyId=key, Plaintext=b"x"))
    assert refused and refused.text == (
        f"User: {USER} is not authorized to perform: kms:Encrypt on resource: {key} because no "
        "resource-based policy allows the kms:Encrypt action"
    )


def test_only_one_type_is_named(world: World) -> None:
    """§10 [D]: even if several deny."""
    session = _member(
        world, deny(READ), boundary=[EVERYTHING, deny(READ)], session=[EVERYTHING, deny(READ)]
    )
    _scp(world, deny(READ))
    refused = refusal(read(session))
    assert refused and refused.text.count("with an explicit deny in") == 1
    assert "because" not in refused.text


@pytest.mark.parametrize("why", ["trust silent", "trust denies", "identity silent", "no such role"])
def test_denials_of_assume_role_end_with_the_role(world: World, why: str) -> None:
    """§10 [O]: in practice no reason follows."""
    ana = world.user("ana", *([] if why == "identity silent" else [allow("sts:*")]))
    says = {
        "trust silent": (trusts(f"{IAM}:user/administrator"),),
        "trust denies": (
            trusts(ACCOUNT),
            deny("sts:AssumeRole", None, Principal={"AWS": USER}),
        ),
    }.get(why, (trusts(ACCOUNT),))
    role = f"{IAM}:role/vault"
    if why != "no such role":
        world.role("vault", trust=says)
    refused = refusal(lambda: world.assume(role, ana))
    assert refused and (refused.code, refused.status) == ("AccessDenied", 403)
    assert refused.text == (
        f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: {role}"
    )


@pytest.mark.parametrize("who", ["role", "federated", "root"])
def test_how_callers_are_printed(world: World, who: str) -> None:
    """§10 [O for the session's ARN]."""
    if who == "role":
        session, printed = world.assume(world.role("worker")), f"{STS}:assumed-role/worker/morning"
    elif who == "federated":
        ana = world.user("ana", allow("sts:*"))
        session = signed(ana.client("sts").get_federation_token(Name="guest"))
        printed = f"{STS}:federated-user/guest"
    else:
        session, printed = world.lab.session("root"), f"{IAM}:root"
        world.bucket("reports", {**deny(READ), **ANYBODY})
    if who != "root":
        world.bucket("reports")
    refused = refusal(read(session))
    assert refused and refused.text.startswith(f"User: {printed} is not authorized to perform: ")


# --- S3 -----------------------------------------------------------------------------------------


def test_s3_says_more_within_an_organization(world: World) -> None:
    """§5 and §10 [D excerpt]: detail only within the account or the organization."""
    member = world.organization()
    world.bucket("reports", account=member)
    world.bucket("foreign", account=OTHER)
    ana = world.user("ana", allow("s3:*"))
    refused = refusal(read(ana))  # the bucket of another account, in the organization
    assert refused and refused.text.endswith(
        f"because no resource-based policy allows the {READ} action"
    )
    refused = refusal(read(ana, "foreign"))
    assert refused and refused.text == "Access Denied"


def test_s3_says_nothing_to_anonymous_callers(world: World) -> None:
    """§10, S3 row [O]."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    world.bucket("reports")
    nobody = boto3.client("s3", config=Config(signature_version=UNSIGNED))
    refused = refusal(lambda: nobody.get_object(Bucket="reports", Key="q3.csv"))
    assert refused and (refused.code, refused.status) == ("AccessDenied", 403)
    assert refused.text == "Access Denied"


def test_head_requests_have_no_words(world: World) -> None:
    """§10: an answer to HEAD has no body, so botocore knows the status alone."""
    world.bucket("reports")
    s3 = world.user("ana").client("s3")
    refused = refusal(lambda: s3.head_object(Bucket="reports", Key="q3.csv"))
    assert refused and (refused.code, refused.status) == ("403", 403)
    assert refused.text == "Forbidden"


# --- Who are you, in words ----------------------------------------------------------------------

UNKNOWN = {
    "iam": "The security token included in the request is invalid",
    "sts": "The security token included in the request is invalid",
    "sqs": "The security token included in the request is invalid",
    "s3": "The AWS Access Key Id you provided does not exist in our records.",
    "ec2": "AWS was not able to validate the provided access credentials",
    "dynamodb": "The security token included in the request is invalid.",
    "kms": "The security token included in the request is invalid.",
    "secretsmanager": "The security token included in the request is invalid.",
    "organizations": "The security token included in the request is invalid.",
    "lambda": "The security token included in the request is invalid.",
}
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your "
)
SIGNATURE = dict.fromkeys(
    UNKNOWN,
    MISMATCH + "AWS Secret Access Key and signing method. Consult the service documentation for "
    "details.",
) | {"s3": MISMATCH + "key and signing method.", "ec2": UNKNOWN["ec2"]}
EXPIRED = dict.fromkeys(UNKNOWN, "The security token included in the request is expired") | {
    "s3": "The provided token has expired.",
    "ec2": "Request has expired.",
}
BAD_TOKEN = UNKNOWN | {"s3": "The provided token is malformed or otherwise invalid."}
HARMLESS = {
    "iam": "list_users",
    "sts": "get_caller_identity",
    "s3": "list_buckets",
    "ec2": "describe_instances",
    "dynamodb": "list_tables",
    "sqs": "list_queues",
    "kms": "list_keys",
    "secretsmanager": "list_secrets",
    "lambda": "list_functions",
    "organizations": "list_roots",
}


@pytest.mark.parametrize("service", UNKNOWN)
def test_refusals_in_words(world: World, service: str) -> None:
    """§10, second table [O; M the expired column and the JSON and REST rows]."""
    world.admin("organizations").create_organization()
    role = world.role("worker", allow("*"))
    made = world.admin("sts").assume_role(RoleArn=role, RoleSessionName="morning")["Credentials"]
    good = (made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    def text(*credentials: str) -> str:
        client = world.lab._session(*credentials).client(service)
        refused = refusal(getattr(client, HARMLESS[service]))
        return refused.text if refused else "allowed"

    assert text(*good) == "allowed"
    assert text("AKIAIOSFODNN7EXAMPLE", good[1]) == UNKNOWN[service]
    assert text(good[0], "x" * 40, good[2]) == SIGNATURE[service]
    assert text(good[0], good[1], good[2][:-8] + "AAAAAAA=") == BAD_TOKEN[service]
    world.lab.clock.advance(hours=2)
    assert text(*good) == EXPIRED[service]
