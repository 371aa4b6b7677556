"""The context that AWS supplies with a call (iam_evaluation §6, §8; the keys the gate must know).

Each key has a row: a condition that holds and one that does not, on the same call by the same
caller. A key that were missing, empty or wrong would fail one of the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.account.helpers import (
    ACCOUNT,
    IAM,
    OTHER,
    Doc,
    World,
    allow,
    outcome,
    policy,
    read,
    signed,
    trusts,
)

Call = Callable[[], Any]


@dataclass
class Scene:
    """A world with one of everything, and the session whose permission is in question."""

    world: World
    session: Any
    user_id: str

    def client(self, service: str) -> Any:
        return self.session.client(service)


def _tags(**tags: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _buckets(scene: Scene) -> Call:
    return scene.client("s3").list_buckets


def _list(scene: Scene) -> Call:
    s3 = scene.client("s3")
    return lambda: s3.list_objects_v2(Bucket="reports", Prefix="home/", Delimiter="/", MaxKeys=7)


def _put(**more: Any) -> Callable[[Scene], Call]:
    def of(scene: Scene) -> Call:
        s3 = scene.client("s3")
        return lambda: s3.put_object(Bucket="reports", Key="new", Body=b"", **more)

    return of


def _attach(scene: Scene) -> Call:
    iam = scene.client("iam")
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    return lambda: iam.attach_user_policy(UserName="bo", PolicyArn=arn)


def _create(**more: Any) -> Callable[[Scene], Call]:
    def of(scene: Scene) -> Call:
        iam = scene.client("iam")
        return lambda: iam.create_user(UserName="new", **more)

    return of


def _read(scene: Scene) -> Call:
    return read(scene.session)


def _get_bo(scene: Scene) -> Call:
    iam = scene.client("iam")
    return lambda: iam.get_user(UserName="bo")


def _run(scene: Scene) -> Call:
    ec2 = scene.client("ec2")
    return lambda: ec2.run_instances(
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1, InstanceType="t3.micro", DryRun=True
    )


def _regions(scene: Scene) -> Call:
    sqs = scene.session.client("sqs", region_name="eu-west-1")
    return sqs.list_queues


def _encrypt(scene: Scene) -> Call:
    key = scene.world.admin("kms").create_key(Tags=[{"TagKey": "team", "TagValue": "maps"}])
    key_id = key["KeyMetadata"]["KeyId"]
    kms = scene.client("kms")
    return lambda: kms.encrypt(KeyId=key_id, Plaintext=b"x", EncryptionContext={"dept": "finance"})


def _secret(scene: Scene) -> Call:
    scene.world.admin("secretsmanager").create_secret(
        Name="door", SecretString="1234", Tags=_tags(team="maps")
    )
    client = scene.client("secretsmanager")
    return lambda: client.get_secret_value(SecretId="door")


def _item(scene: Scene) -> Call:
    scene.world.admin("dynamodb").create_table(
        TableName="songs",
        KeySchema=[{"AttributeName": "who", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "who", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client = scene.client("dynamodb")
    return lambda: client.get_item(TableName="songs", Key={"who": {"S": "ana"}})


def _queue(scene: Scene) -> Call:
    url = scene.world.admin("sqs").create_queue(QueueName="jobs", tags={"team": "maps"})
    client = scene.client("sqs")
    return lambda: client.send_message(QueueUrl=url["QueueUrl"], MessageBody="x")


def _stop(scene: Scene) -> Call:
    ec2 = scene.world.admin("ec2")
    made = ec2.run_instances(
        ImageId="ami-12c6146b",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": _tags(team="maps")}],
    )
    instance = made["Instances"][0]["InstanceId"]
    client = scene.client("ec2")
    return lambda: client.stop_instances(InstanceIds=[instance], DryRun=True)


def _linked(scene: Scene) -> Call:
    iam = scene.client("iam")
    return lambda: iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")


S, A, B, N, D, IP = (
    "StringEquals",
    "ArnEquals",
    "Bool",
    "NumericEquals",
    "DateGreaterThan",
    "IpAddress",
)
ANY, ALL = "ForAnyValue:StringEquals", "ForAllValues:StringEquals"
# key -> (caller, call, operator, a value that holds, one that does not)
ROWS: dict[str, tuple[str, Callable[[Scene], Call], str, Any, Any]] = {
    # The caller
    "aws:username": ("user", _buckets, S, "ana", "bo"),
    "aws:userid": ("user", _buckets, S, "{id}", "AIDAEXAMPLE"),
    "aws:userid of a role session": ("role", _buckets, "StringLike", "AROA*:morning", "AROA*:eve"),
    "aws:PrincipalArn": ("user", _buckets, A, f"{IAM}:user/ana", f"{IAM}:user/bo"),
    "aws:PrincipalArn of a role session": (
        "role",
        _buckets,
        A,
        f"{IAM}:role/team/worker",
        f"{IAM}:role/worker",
    ),
    "aws:PrincipalType": ("user", _buckets, S, "User", "AssumedRole"),
    "aws:PrincipalType of a role session": ("role", _buckets, S, "AssumedRole", "User"),
    "aws:PrincipalType of a federated user": ("federated", _buckets, S, "FederatedUser", "User"),
    "aws:PrincipalAccount": ("user", _buckets, S, ACCOUNT, OTHER),
    "aws:PrincipalTag/team": ("user", _buckets, S, "maps", "ops"),
    "aws:PrincipalTag/team of a role": ("role", _buckets, S, "maps", "ops"),
    "aws:TokenIssueTime": ("role", _buckets, D, "2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"),
    "aws:MultiFactorAuthPresent": ("role", _buckets, B, "false", "true"),
    "aws:PrincipalIsAWSService": ("user", _buckets, B, "false", "true"),
    # The call
    "aws:SourceIp": ("user", _buckets, IP, "203.0.113.10", "198.51.100.7"),
    "aws:SecureTransport": ("user", _buckets, B, "true", "false"),
    "aws:CurrentTime": ("user", _buckets, D, "2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"),
    "aws:EpochTime": ("user", _buckets, D, "1577836800", "3786912000"),
    "aws:UserAgent": ("user", _buckets, "StringLike", "Boto3/*", "curl/*"),
    "aws:RequestedRegion": ("user", _regions, S, "eu-west-1", "us-east-1"),
    "aws:RequestedRegion of IAM": ("user", _get_bo, S, "us-east-1", "eu-west-1"),
    "aws:ViaAWSService": ("user", _buckets, B, "false", "true"),
    # Tags
    "aws:RequestTag/team": ("user", _create(Tags=_tags(team="maps")), S, "maps", "ops"),
    "aws:TagKeys": ("user", _create(Tags=_tags(team="maps")), ANY, ["team"], ["site"]),
    "aws:TagKeys, all": ("user", _create(Tags=_tags(a="1", b="2")), ALL, ["a", "b"], ["a"]),
    "aws:ResourceTag/team of a user": ("user", _get_bo, S, "ops", "maps"),
    "iam:ResourceTag/team": ("user", _get_bo, S, "ops", "maps"),
    "aws:ResourceTag/team of a queue": ("user", _queue, S, "maps", "ops"),
    "aws:ResourceTag/team of a key": ("user", _encrypt, S, "maps", "ops"),
    "aws:ResourceTag/team of a secret": ("user", _secret, S, "maps", "ops"),
    "secretsmanager:ResourceTag/team": ("user", _secret, S, "maps", "ops"),
    "aws:ResourceTag/team of an instance": ("user", _stop, S, "maps", "ops"),
    "ec2:ResourceTag/team": ("user", _stop, S, "maps", "ops"),
    "aws:ResourceAccount": ("user", _read, S, ACCOUNT, OTHER),
    # The services' own
    "s3:prefix": ("user", _list, S, "home/", ""),
    "s3:delimiter": ("user", _list, S, "/", "."),
    "s3:max-keys": ("user", _list, "NumericLessThanEquals", "7", "6"),
    "s3:x-amz-acl": ("user", _put(ACL="private"), S, "private", "public-read"),
    "s3:x-amz-server-side-encryption": (
        "user",
        _put(ServerSideEncryption="AES256"),
        S,
        "AES256",
        "aws:kms",
    ),
    "s3:x-amz-storage-class": (
        "user",
        _put(StorageClass="STANDARD_IA"),
        S,
        "STANDARD_IA",
        "GLACIER",
    ),
    "s3:RequestObjectTag/team": ("user", _put(Tagging="team=maps"), S, "maps", "ops"),
    "s3:ExistingObjectTag/team": ("user", _read, S, "maps", "ops"),
    "s3:ResourceAccount": ("user", _read, S, ACCOUNT, OTHER),
    "iam:PolicyARN": (
        "user",
        _attach,
        A,
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "arn:aws:iam::aws:policy/AdministratorAccess",
    ),
    "iam:PermissionsBoundary": (
        "user",
        _create(PermissionsBoundary=f"{IAM}:policy/limit"),
        A,
        f"{IAM}:policy/limit",
        f"{IAM}:policy/other",
    ),
    "iam:AWSServiceName": ("user", _linked, S, "autoscaling.amazonaws.com", "ec2.amazonaws.com"),
    "ec2:InstanceType": ("user", _run, "StringEqualsIfExists", "t3.micro", "m5.large"),
    "ec2:Region": ("user", _run, S, "us-east-1", "eu-west-1"),
    "kms:EncryptionContext:dept": ("user", _encrypt, S, "finance", "sales"),
    "kms:EncryptionContextKeys": ("user", _encrypt, ANY, ["dept"], ["site"]),
    "secretsmanager:SecretId": (
        "user",
        _secret,
        "ArnLike",
        f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:door-*",
        f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:gate-*",
    ),
    "dynamodb:LeadingKeys": ("user", _item, ALL, ["ana"], ["bo"]),
}


def _scene(world: World, who: str) -> Scene:
    world.user("bo", Tags=_tags(team="ops"))
    world.managed("limit", allow("*"))
    world.bucket("reports")
    world.s3.put_object_tagging(
        Bucket="reports", Key="q3.csv", Tagging={"TagSet": _tags(team="maps")}
    )
    user = world.user("ana", allow("sts:GetFederationToken"), Tags=_tags(team="maps"))
    user_id = world.iam.get_user(UserName="ana")["User"]["UserId"]
    world.role("worker", Path="/team/", Tags=_tags(team="maps"))
    session = user
    if who == "role":
        session = world.assume(f"{IAM}:role/team/worker")
    elif who == "federated":
        made = user.client("sts").get_federation_token(Name="guest", Policy=policy(allow("*")))
        session = signed(made)
    return Scene(world, session, user_id)


@pytest.mark.parametrize("row", ROWS)
def test_a_key(world: World, row: str) -> None:
    """Each key with a condition that holds, and with one that does not."""
    who, make, operator, good, bad = ROWS[row]
    scene = _scene(world, who)
    call = make(scene)
    key = row.split(" ")[0].rstrip(",")
    entity = "role/worker" if who == "role" else "user/ana"
    for value, wanted in ((good, "allowed"), (bad, "denied")):
        if value == "{id}":
            value = scene.user_id
        condition: Doc = {operator: {key: value}}
        world.grant(entity, allow("*", Condition=condition))
        answer = outcome(call)
        assert answer.replace("DryRunOperation", "allowed") == wanted, (value, answer)


# --- Keys of AssumeRole, seen by the trust policy -----------------------------------------------

TRUST_ROWS: dict[str, tuple[Doc, Any, dict[str, Any]]] = {
    # key: (parameters that hold, operator and value, parameters that do not)
    "sts:ExternalId": ({"ExternalId": "My-ID"}, (S, "My-ID"), {"ExternalId": "Your-ID"}),
    "sts:RoleSessionName": (
        {"RoleSessionName": "ana"},
        (S, "${aws:username}"),
        {"RoleSessionName": "bo"},
    ),
    "sts:SourceIdentity": ({"SourceIdentity": "ana"}, (S, "ana"), {"SourceIdentity": "bo"}),
    "sts:DurationSeconds": (
        {"DurationSeconds": 900},
        ("NumericLessThanEquals", "1800"),
        {"DurationSeconds": 3600},
    ),
    "aws:RequestTag/team": ({"Tags": _tags(team="maps")}, (S, "maps"), {"Tags": _tags(team="ops")}),
    "aws:TagKeys": ({"Tags": _tags(team="a")}, (ANY, ["team"]), {"Tags": _tags(site="a")}),
    "sts:TransitiveTagKeys": (
        {"Tags": _tags(team="a", site="b"), "TransitiveTagKeys": ["team"]},
        (ANY, ["team"]),
        {"Tags": _tags(team="a", site="b"), "TransitiveTagKeys": ["site"]},
    ),
}


@pytest.mark.parametrize("key", TRUST_ROWS)
def test_a_key_of_assume_role(world: World, key: str) -> None:
    """The keys that only a call to take a role has."""
    good, (operator, value), bad = TRUST_ROWS[key]
    actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    says = trusts(ACCOUNT, *actions, Condition={operator: {key: value}})
    vault = world.role("vault", trust=(says,))
    ana = world.user("ana", allow("sts:*"))
    assert outcome(lambda: world.assume(vault, ana, **good)) == "allowed"
    assert outcome(lambda: world.assume(vault, ana, **bad)) == "denied"


@pytest.mark.parametrize("tag", ["iam:ResourceTag/team", "aws:ResourceTag/team"])
def test_the_role_s_tags(world: World, tag: str) -> None:
    """sts:AssumeRole is asked on the role: its tags are the resource's."""
    for name, team in (("ours", "maps"), ("theirs", "ops")):
        world.role(name, Tags=_tags(team=team))
    ana = world.user("ana", allow("sts:AssumeRole", Condition={S: {tag: "maps"}}))
    assert outcome(lambda: world.assume("ours", ana)) == "allowed"
    assert outcome(lambda: world.assume("theirs", ana)) == "denied"


# --- Keys that need a story ---------------------------------------------------------------------


@pytest.mark.parametrize("via", ["s3.us-east-1.amazonaws.com", "sqs.us-east-1.amazonaws.com"])
def test_kms_via_service(world: World, via: str) -> None:
    """kms:ViaService: the key may be used through S3 alone."""
    key = world.admin("kms").create_key()["KeyMetadata"]["Arn"]
    world.bucket("reports")
    ana = world.user("ana", allow("s3:*"), allow("kms:*", Condition={S: {"kms:ViaService": via}}))
    s3, kms = ana.client("s3"), ana.client("kms")
    sealed = {"Bucket": "reports", "Key": "x", "Body": b"", "ServerSideEncryption": "aws:kms"}
    put = lambda: s3.put_object(SSEKMSKeyId=key, **sealed)  # noqa: E731
    assert outcome(put) == ("allowed" if via.startswith("s3") else "denied")
    assert outcome(lambda: kms.encrypt(KeyId=key, Plaintext=b"x")) == "denied"


@pytest.mark.parametrize("service", ["lambda.amazonaws.com", "ec2.amazonaws.com"])
def test_passed_to_service(world: World, service: str) -> None:
    """iam:PassedToService."""
    worker = world.role("worker", trust=(trusts({"Service": "lambda.amazonaws.com"}),))
    passing = allow("iam:PassRole", Condition={S: {"iam:PassedToService": service}})
    client = world.user("ana", allow("lambda:*"), passing).client("lambda")
    make = lambda: client.create_function(  # noqa: E731
        FunctionName="f",
        Runtime="python3.12",
        Role=worker,
        Handler="h.h",
        Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
    )
    assert outcome(make) == ("allowed" if service.startswith("lambda") else "denied")


def test_keys_of_an_organization(world: World) -> None:
    """aws:PrincipalOrgID, aws:PrincipalOrgPaths and aws:ResourceOrgID."""
    member = world.organization()
    org = world.admin("organizations").describe_organization()["Organization"]["Id"]
    inside = world.user("ana", allow("s3:*"), account=member)
    outside = world.user("olga", allow("s3:*"), account=OTHER)
    grant = allow("s3:GetObject", "arn:aws:s3:::reports/*", Principal="*")
    for condition in (
        {S: {"aws:PrincipalOrgID": org}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{org}/{world.root}/*"}},
    ):
        world.bucket("reports", grant | {"Condition": condition})
        assert outcome(read(inside)) == "allowed"
        assert outcome(read(outside)) == "denied"
    world.bucket("reports", grant)
    ours = allow("s3:*", Condition={S: {"aws:ResourceOrgID": org}})
    world.grant("user/ana", ours, account=member)
    world.bucket("foreign", grant | {"Resource": "arn:aws:s3:::foreign/*"}, account=OTHER)
    assert outcome(read(inside)) == "allowed"
    assert outcome(read(inside, "foreign")) == "denied"


def test_resource_account_of_another_s_bucket(world: World) -> None:
    """aws:ResourceAccount is the owner's account, whoever asks."""
    world.bucket("theirs", allow("s3:*", "arn:aws:s3:::theirs/*", Principal="*"), account=OTHER)
    ana = world.user("ana", allow("s3:*", Condition={S: {"aws:ResourceAccount": ACCOUNT}}))
    assert outcome(read(ana, "theirs")) == "denied"
    world.grant("user/ana", allow("s3:*", Condition={S: {"aws:ResourceAccount": OTHER}}))
    assert outcome(read(ana, "theirs")) == "allowed"


def test_the_boundary_of_a_user_that_exists(world: World) -> None:
    """iam:PermissionsBoundary of what is changed: only bounded users may be given policies."""
    limit = world.managed("limit", allow("*"))
    bounded = allow("iam:PutUserPolicy", Condition={A: {"iam:PermissionsBoundary": limit}})
    iam = world.user("ana", bounded).client("iam")
    world.user("free")
    world.user("bound", PermissionsBoundary=limit)
    text = policy(allow("s3:*"))
    answers = [
        outcome(lambda n=n: iam.put_user_policy(UserName=n, PolicyName="p", PolicyDocument=text))
        for n in ("free", "bound")
    ]
    assert answers == ["denied", "allowed"]


def test_a_page_that_sent_the_browser(world: World) -> None:
    """aws:Referer, as old guides protect pictures with it."""
    condition = {"StringLike": {"aws:Referer": "https://example.com/*"}}
    ana = world.user("ana", allow("s3:*", Condition=condition)).client("s3")
    assert outcome(ana.list_buckets) == "denied"
    add = lambda request, **_: request.headers.add_header(  # noqa: E731
        "Referer", "https://example.com/page"
    )
    ana.meta.events.register("before-sign.s3", add)
    assert outcome(ana.list_buckets) == "allowed"
