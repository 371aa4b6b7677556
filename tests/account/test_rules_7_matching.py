"""iam_evaluation §7: which statements are about a call, seen by what a user may then do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.account.helpers import (
    ACCOUNT,
    IAM,
    Doc,
    World,
    allow,
    deny,
    outcome,
    policy,
    refusal,
    trusts,
)

B = "arn:aws:s3:::reports"
FILE = B + "/2026/q3.csv"
V = "arn:aws:iam::${aws:PrincipalAccount}:user/ana"
DENIED = "denied"


def _calls(session: Any) -> dict[str, Any]:
    s3, iam = session.client("s3"), session.client("iam")
    return {
        "read": lambda: s3.get_object(Bucket="reports", Key="2026/q3.csv"),
        "read colons": lambda: s3.get_object(Bucket="reports", Key="a:b:c"),
        "list": lambda: s3.list_objects_v2(Bucket="reports"),
        "buckets": lambda: s3.list_buckets(),
        "users": lambda: iam.list_users(),
        "user": lambda: iam.get_user(UserName="ana"),
    }


# (rule, statement, call, allowed)
ROWS: list[tuple[str, Doc, str, bool]] = [
    # Action: service prefix and name ignore case [D]
    ("action, exact", allow("s3:GetObject"), "read", True),
    ("action, small letters", allow("s3:getobject"), "read", True),
    ("action, capitals", allow("S3:GETOBJECT"), "read", True),
    ("action, another", allow("s3:PutObject"), "read", False),
    ("action, another service", allow("iam:GetObject"), "read", False),
    # * and ? anywhere in the name [D; ? M]
    ("action, star at the end", allow("s3:Get*"), "read", True),
    ("action, star at the start", allow("s3:*Object"), "read", True),
    ("action, star in the middle", allow("s3:G*ct"), "read", True),
    ("action, stars", allow("s3:*et*bj*"), "read", True),
    ("action, star for nothing", allow("s3:GetObject*"), "read", True),
    ("action, star of the service", allow("s3:*"), "read", True),
    ("action, lone star", allow("*"), "read", True),
    ("action, question mark", allow("s3:Get?bject"), "read", True),
    ("action, question mark for nothing", allow("s3:GetObject?"), "read", False),
    ("action, star and small letters", allow("s3:get*"), "read", True),
    ("action, several", allow(["iam:*", "s3:GetObject"]), "read", True),
    # The name is the action's, not the operation's [D]
    ("action of ListObjectsV2", allow("s3:ListBucket"), "list", True),
    ("no such action as ListObjectsV2", allow("s3:ListObjects*"), "list", False),
    ("action of ListBuckets", allow("s3:ListAllMyBuckets"), "buckets", True),
    ("no such action as ListBuckets", allow("s3:ListBuckets"), "buckets", False),
    # Resource: * and ? within a part, the star covers / [D]
    ("resource, exact", allow("s3:*", FILE), "read", True),
    ("resource, star covers slashes", allow("s3:*", B + "/*"), "read", True),
    ("resource, star inside", allow("s3:*", B + "/*.csv"), "read", True),
    ("resource, star over the bucket", allow("s3:*", "arn:aws:s3:::rep*"), "read", True),
    ("resource, star before", allow("s3:*", "arn:aws:s3:::*/q3.csv"), "read", True),
    ("resource, question mark", allow("s3:*", B + "/2026/q?.csv"), "read", True),
    ("resource, ? for nothing", allow("s3:*", B + "/2026/q3?.csv"), "read", False),
    ("resource, ? covers a slash", allow("s3:*", B + "/2026?q3.csv"), "read", True),
    ("resource, the bucket alone", allow("s3:*", B), "read", False),
    ("resource, the bucket alone, listed", allow("s3:*", B), "list", True),
    ("resource, the objects, listed", allow("s3:*", B + "/*"), "list", False),
    ("resource, several", allow("s3:*", ["arn:aws:s3:::x", FILE]), "read", True),
    ("resource, stars in other parts", allow("s3:*", "arn:*:s3:*:*:reports/*"), "read", True),
    # Compare is case-sensitive [I]
    ("resource, capitals", allow("s3:*", "arn:aws:s3:::Reports/*"), "read", False),
    ("resource, capitals in a key", allow("s3:*", B + "/2026/Q3.csv"), "read", False),
    ("resource, user in capitals", allow("iam:*", f"{IAM}:user/Ana"), "user", False),
    # Six parts; the last may hold colons [I]
    ("resource with colons", allow("s3:*", B + "/a:b:c"), "read colons", True),
    ("resource with colons, star", allow("s3:*", B + "/a:*"), "read colons", True),
    ("resource, star over colons", allow("s3:*", "arn:aws:s3:::*"), "read colons", True),
    ("resource, star of IAM", allow("iam:*", f"{IAM}:user/*"), "user", True),
    ("resource, star for the account", allow("iam:*", "arn:aws:iam::*:user/ana"), "user", True),
    ("resource, wrong account", allow("iam:*", "arn:aws:iam::444455556666:user/*"), "user", False),
    ("resource, trailing star", allow("iam:*", "arn:aws:iam::*"), "user", True),
    # ListAllMyBuckets is asked on * [D, D, I]
    ("buckets on *", allow("s3:ListAllMyBuckets", "*"), "buckets", True),
    ("buckets on every bucket", allow("s3:ListAllMyBuckets", "arn:aws:s3:::*"), "buckets", True),
    ("buckets on one bucket", allow("s3:ListAllMyBuckets", B), "buckets", False),
    # NotAction, NotResource [D]
    ("NotAction, others", allow(None, NotAction="iam:*"), "read", True),
    ("NotAction, listed", allow(None, NotAction="s3:*"), "read", False),
    ("NotAction, several", allow(None, NotAction=["s3:Get*", "iam:*"]), "read", False),
    ("NotAction ignores case", allow(None, NotAction="S3:getobject"), "read", False),
    ("NotResource, others", allow("s3:*", None, NotResource="arn:aws:s3:::x/*"), "read", True),
    ("NotResource, listed", allow("s3:*", None, NotResource=B + "/*"), "read", False),
    ("NotResource, case", allow("s3:*", None, NotResource="arn:aws:s3:::REPORTS/*"), "read", True),
    (
        "NotResource, unresolved variable: nothing",
        allow("s3:*", None, NotResource="arn:aws:s3:::${aws:PrincipalTag/none}/*"),
        "read",
        False,
    ),
    (
        "Resource, unresolved variable: nothing",
        allow("s3:*", B + "/*${aws:PrincipalTag/none}"),
        "read",
        False,
    ),
    # Variables [D]
    ("no variables in actions", allow("s3:${aws:username}*"), "read", False),
    ("variable in a resource", allow("iam:*", f"{IAM}:user/${{aws:username}}"), "user", True),
    ("variable, another's", allow("iam:*", f"{IAM}:user/x${{aws:username}}"), "user", False),
    ("variable before the last part", allow("iam:*", V), "user", False),
    # Sid has no effect [D]
    ("Sid", allow("s3:GetObject", Sid="DenyAll"), "read", True),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "written", "call", "may"), ROWS, ids=[row[0] for row in ROWS])
def test_a_statement_is_about_a_call(
    world: World, rule: str, written: Doc, call: str, may: bool
) -> None:
    """§7, row by row."""
    _reports(world)
    refused = refusal(lambda: world.user("ana", written))
    if rule in ("no variables in actions", "variable before the last part") and refused:
        # The docs say that a variable has no place there, not whether the policy is refused.
        assert refused.code == "MalformedPolicyDocument"
        return
    assert refused is None
    answer = outcome(_calls(world.lab.session("user/ana"))[call])
    assert answer == ("allowed" if may else DENIED)


def _reports(world: World) -> None:
    world.s3.create_bucket(Bucket="reports")
    for key in ("2026/q3.csv", "a:b:c"):
        world.s3.put_object(Bucket="reports", Key=key, Body=b"1")


def test_no_wildcard_in_the_service_part(world: World) -> None:
    """§7, second bullet [D]: such a resource is refused, or it is about nothing."""
    _reports(world)
    for written in ("arn:aws:s?:::reports/*", "arn:aws:*:::reports/*"):
        name = f"u{len(written)}"
        refused = refusal(lambda name=name, arn=written: world.user(name, allow("s3:*", arn)))
        if refused:
            assert refused.code == "MalformedPolicyDocument"
        else:
            assert outcome(_calls(world.lab.session(f"user/{name}"))["read"]) == DENIED


def test_every_bucket_s_arn_is_not_the_star(world: World) -> None:
    """§7, third bullet [D]: under NotAction, listing all buckets is not among what is allowed."""
    _reports(world)
    ana = world.user("ana", allow(None, "arn:aws:s3:::*", NotAction="s3:DeleteBucket"))
    assert outcome(_calls(ana)["read"]) == "allowed"
    assert outcome(_calls(ana)["buckets"]) == DENIED


def test_allow_with_not_action_denies_nothing(world: World) -> None:
    """§7, fourth bullet [D]."""
    _reports(world)
    ana = world.user("ana", allow(None, NotAction="s3:*"), allow("s3:GetObject"))
    assert outcome(_calls(ana)["read"]) == "allowed"
    assert outcome(_calls(ana)["list"]) == DENIED
    assert world.lab.why().effect == "implicitDeny"
    assert outcome(_calls(ana)["users"]) == "allowed"


def test_deny_with_not_action_denies_all_others(world: World) -> None:
    """§7, fourth bullet [D]."""
    _reports(world)
    ana = world.user("ana", allow("*"), deny(None, NotAction="s3:*"))
    assert outcome(_calls(ana)["read"]) == "allowed"
    assert outcome(_calls(ana)["users"]) == DENIED
    assert world.lab.why().effect == "explicitDeny"


def test_deny_with_not_resource(world: World) -> None:
    """§7, fourth bullet [D]."""
    _reports(world)
    ana = world.user("ana", allow("*"), deny("s3:*", None, NotResource="arn:aws:s3:::reports/*"))
    assert outcome(_calls(ana)["read"]) == "allowed"
    assert outcome(_calls(ana)["list"]) == DENIED


# --- One call, several authorizations -----------------------------------------------------------

EC2 = "arn:aws:ec2:us-east-1"
RUN = {
    "instance": f"{EC2}:{ACCOUNT}:instance/*",
    "image": f"{EC2}::image/*",
    "network-interface": f"{EC2}:{ACCOUNT}:network-interface/*",
    "security-group": f"{EC2}:{ACCOUNT}:security-group/*",
    "subnet": f"{EC2}:{ACCOUNT}:subnet/*",
    "volume": f"{EC2}:{ACCOUNT}:volume/*",
}


@pytest.mark.parametrize("missing", [None, *RUN])
def test_run_instances_asks_on_every_resource(world: World, missing: str | None) -> None:
    """§7, fifth bullet [D]: every one must pass."""
    resources = [arn for kind, arn in RUN.items() if kind != missing]
    ana = world.user("ana", allow("ec2:RunInstances", resources))
    ec2 = ana.client("ec2")
    run = lambda: ec2.run_instances(  # noqa: E731
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1, DryRun=True
    )
    assert outcome(run) == ("DryRunOperation" if missing is None else DENIED)


@pytest.mark.parametrize(
    ("statements", "wanted"),
    [
        ([allow("s3:PutObject", B + "/copy")], DENIED),
        ([allow("s3:GetObject", FILE)], DENIED),
        ([allow("s3:PutObject", B + "/copy"), allow("s3:GetObject", FILE)], "allowed"),
    ],
)  # fmt: skip
def test_a_copy_asks_on_source_and_target(world: World, statements: list[Doc], wanted: str) -> None:
    """§7, fifth bullet [D]."""
    _reports(world)
    s3 = world.user("ana", *statements).client("s3")
    source = {"Bucket": "reports", "Key": "2026/q3.csv"}
    copy = lambda: s3.copy_object(Bucket="reports", Key="copy", CopySource=source)  # noqa: E731
    assert outcome(copy) == wanted


@pytest.mark.parametrize("tagging", [True, False])
def test_tags_at_creation_ask_twice(world: World, tagging: bool) -> None:
    """§7, fifth bullet [D]: iam:CreateUser and iam:TagUser."""
    actions = ["iam:CreateUser", "iam:TagUser"][: 1 + tagging]
    iam = world.user("ana", allow(actions)).client("iam")
    tags = [{"Key": "team", "Value": "maps"}]
    wanted = "allowed" if tagging else DENIED
    assert outcome(lambda: iam.create_user(UserName="bo", Tags=tags)) == wanted
    assert outcome(lambda: iam.create_user(UserName="eve")) == "allowed"


# --- Version, elements --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "wanted"), [("2012-10-17", "allowed"), ("2008-10-17", DENIED), (None, DENIED)]
)
@pytest.mark.parametrize("where", ["identity", "bucket"])
def test_variables_are_text_in_the_old_language(
    world: World, where: str, version: str | None, wanted: str
) -> None:
    """§7, sixth bullet [D]."""
    world.bucket("reports")
    world.s3.put_object(Bucket="reports", Key="ana/x", Body=b"")
    world.s3.put_object(Bucket="reports", Key="${aws:username}/x", Body=b"")
    ana = world.user("ana").client("s3")
    arn = "arn:aws:s3:::reports/${aws:username}/*"
    if where == "identity":
        text = policy(allow("s3:GetObject", arn), version=version)
        world.iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=text)
    else:
        grant = allow("s3:GetObject", arn, Principal={"AWS": f"{IAM}:user/ana"})
        world.s3.put_bucket_policy(Bucket="reports", Policy=policy(grant, version=version))
    assert outcome(lambda: ana.get_object(Bucket="reports", Key="ana/x")) == wanted
    literal = lambda: ana.get_object(Bucket="reports", Key="${aws:username}/x")  # noqa: E731
    assert outcome(literal) == (DENIED if wanted == "allowed" else "allowed")


def test_id_has_no_effect(world: World) -> None:
    """§7, last bullet [D]; a bucket policy, since identity policies take an Id as well."""
    world.bucket("reports")
    ana = world.user("ana")
    document = json.loads(policy(allow("s3:GetObject", "arn:aws:s3:::reports/*", Principal="*")))
    document["Id"] = "NobodyMayRead"
    world.s3.put_bucket_policy(Bucket="reports", Policy=json.dumps(document))
    s3 = ana.client("s3")
    assert outcome(lambda: s3.get_object(Bucket="reports", Key="q3.csv")) == "allowed"


BAD = {
    "Principal in an identity policy [D]": {
        "Version": "2012-10-17",
        "Statement": [allow("s3:*", Principal="*")],
    },
    "Effect in small letters [M]": {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "allow", "Action": "s3:*", "Resource": "*"}],
    },
    "Effect of no known kind [D]": {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Permit", "Action": "s3:*", "Resource": "*"}],
    },
    "no Effect [D]": {"Version": "2012-10-17", "Statement": [{"Action": "*", "Resource": "*"}]},
    "no Action [D]": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*"}]},
    "no Resource [D]": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*"}]},
    "Action and NotAction [D]": {
        "Version": "2012-10-17",
        "Statement": [allow("s3:*", NotAction="iam:*")],
    },
    "Resource and NotResource [D]": {
        "Version": "2012-10-17",
        "Statement": [allow("s3:*", NotResource="*")],
    },
    "an unknown element [D]": {
        "Version": "2012-10-17",
        "Statement": [allow("s3:*", Conditions={"Bool": {"aws:SecureTransport": "true"}})],
    },
    "an unknown Version [D]": {"Version": "2026-01-01", "Statement": [allow("s3:*")]},
    "the same Sid twice [D]": {
        "Version": "2012-10-17",
        "Statement": [allow("s3:*", Sid="A"), allow("iam:*", Sid="A")],
    },
    "no Statement [D]": {"Version": "2012-10-17"},
    "an action without its service [D]": {"Version": "2012-10-17", "Statement": [allow("Get*")]},
    "a resource that is no ARN [D]": {
        "Version": "2012-10-17",
        "Statement": [allow("s3:*", "reports")],
    },
    "an unknown operator [D]": {
        "Version": "2012-10-17",
        "Statement": [allow("s3:*", Condition={"StringIs": {"aws:username": "ana"}})],
    },
}  # fmt: skip


@pytest.mark.parametrize("where", ["inline", "managed", "version"])
@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_policy_is_refused(world: World, bad: str, where: str) -> None:
    """§7, last two bullets; §9, MalformedPolicyDocument 400 [D]."""
    text = json.dumps(BAD[bad])
    if where == "inline":
        world.user("ana")
        call = lambda: world.iam.put_user_policy(  # noqa: E731
            UserName="ana", PolicyName="p", PolicyDocument=text
        )
    elif where == "managed":
        call = lambda: world.iam.create_policy(PolicyName="p", PolicyDocument=text)  # noqa: E731
    else:
        arn = world.managed("p", allow("s3:*"))
        call = lambda: world.iam.create_policy_version(  # noqa: E731
            PolicyArn=arn, PolicyDocument=text
        )
    refused = refusal(call)
    assert refused and (refused.code, refused.status) == ("MalformedPolicyDocument", 400)
    assert refused.text


def test_a_role_is_told_apart_by_its_path(world: World) -> None:
    """§7, second bullet: an IAM resource's ARN has its path."""
    made = {
        "RoleName": "deep",
        "Path": "/team/maps/",
        "AssumeRolePolicyDocument": policy(trusts(ACCOUNT)),
    }
    world.iam.create_role(**made)
    iam = world.user("ana", allow("iam:GetRole", f"{IAM}:role/team/*")).client("iam")
    assert outcome(lambda: iam.get_role(RoleName="deep")) == "allowed"
    world.role("flat")
    assert outcome(lambda: iam.get_role(RoleName="flat")) == DENIED
