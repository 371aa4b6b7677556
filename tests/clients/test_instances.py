"""The real AWS CLI and curl on an instance, in a task and in a function: no keys anywhere."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import zipfile
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.clients.conftest import Cli, CliError

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

STS = "arn:aws:sts::111122223333:assumed-role"
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}


def make_role(name: str, service: str) -> str:
    """A role that a service may assume, and that may list buckets."""
    iam = boto3.client("iam")
    trust = {**TRUST, "Statement": [TRUST["Statement"][0] | {"Principal": {"Service": service}}]}
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    allow = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    return made["Role"]["Arn"]


@pytest.fixture
def instance(aws: Cli) -> str:
    """An instance that wants version 2, made with the CLI as AWS's documentation writes it."""
    make_role("web", "ec2.amazonaws.com")
    aws("iam", "create-instance-profile", "--instance-profile-name", "web")
    words = ("--instance-profile-name", "web", "--role-name", "web")
    aws("iam", "add-role-to-instance-profile", *words)
    made = aws(
        *("ec2", "run-instances", "--image-id", "ami-12c6146b", "--instance-type", "t3.micro"),
        *("--iam-instance-profile", "Name=web", "--metadata-options", "HttpTokens=required"),
    )["Instances"][0]
    assert made["MetadataOptions"]["HttpTokens"] == "required"
    return made["InstanceId"]


def test_the_cli_uses_the_instance_s_role(lab: Lab, aws: Cli, instance: str) -> None:
    with lab.on_instance(instance):
        assert not [name for name in aws.environment() if name.startswith("AWS_ACCESS")]
        me = aws("sts", "get-caller-identity")
        assert me["Arn"] == f"{STS}/web/{instance}"
        assert aws("s3api", "list-buckets")["Buckets"] == []
        with pytest.raises(CliError) as caught:
            aws("iam", "list-users")
    assert caught.value.code == "AccessDenied"
    assert f"{STS}/web/{instance} is not authorized to perform: iam:ListUsers" in str(caught.value)
    assert aws("sts", "get-caller-identity")["Arn"].endswith("user/administrator")


def test_the_cli_changes_profile_and_options(aws: Cli, instance: str) -> None:
    link = aws("ec2", "describe-iam-instance-profile-associations")
    link = link["IamInstanceProfileAssociations"][0]
    assert (link["InstanceId"], link["State"]) == (instance, "associated")
    words = ("--iam-instance-profile", "Name=web", "--association-id", link["AssociationId"])
    replaced = aws("ec2", "replace-iam-instance-profile-association", *words)
    replaced = replaced["IamInstanceProfileAssociation"]
    assert replaced["State"] == "associating"
    words = ("--association-id", replaced["AssociationId"])
    gone = aws("ec2", "disassociate-iam-instance-profile", *words)
    assert gone["IamInstanceProfileAssociation"]["State"] == "disassociating"
    words = ("--instance-id", instance, "--iam-instance-profile", "Name=web")
    made = aws("ec2", "associate-iam-instance-profile", *words)["IamInstanceProfileAssociation"]
    assert made["IamInstanceProfile"]["Arn"].endswith(":instance-profile/web")
    words = ("--instance-id", instance, "--http-tokens", "optional")
    options = aws("ec2", "modify-instance-metadata-options", *words)
    assert options["InstanceMetadataOptions"]["HttpTokens"] == "optional"


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_curl_as_the_documentation_writes_it(lab: Lab, aws: Cli, instance: str) -> None:
    """Only the address is another one: a program outside this process cannot reach 169.254.…"""
    script = """
        URL=$AWS_EC2_METADATA_SERVICE_ENDPOINT
        TOKEN=`curl -s -X PUT "$URL/latest/api/token" \
            -H "X-aws-ec2-metadata-token-ttl-seconds: 21600"`
        curl -s -H "X-aws-ec2-metadata-token: $TOKEN" $URL/latest/meta-data/instance-id; echo
        curl -s -H "X-aws-ec2-metadata-token: $TOKEN" \
            $URL/latest/meta-data/iam/security-credentials/; echo
        curl -s -o /dev/null -w "%{http_code}" $URL/latest/meta-data/
    """
    with lab.on_instance(instance):
        done = subprocess.run(
            ["sh", "-c", script], env=dict(os.environ), capture_output=True, text=True, timeout=30
        )
    assert done.stdout.split() == [instance, "web", "401"], done


def test_the_cli_in_a_task_and_in_a_function(lab: Lab, aws: Cli, tmp_path: Any) -> None:
    role = make_role("app", "ecs-tasks.amazonaws.com")
    aws("ecs", "create-cluster", "--cluster-name", "app")
    containers = json.dumps([{"name": "web", "image": "nginx", "memory": 64}])
    aws(
        *("ecs", "register-task-definition", "--family", "web", "--task-role-arn", role),
        *("--requires-compatibilities", "FARGATE", "--cpu", "256", "--memory", "512"),
        *("--network-mode", "awsvpc"),
        *("--container-definitions", containers),
    )
    subnet = boto3.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    task = aws(
        *("ecs", "run-task", "--cluster", "app", "--task-definition", "web"),
        *("--launch-type", "FARGATE", "--network-configuration"),
        f"awsvpcConfiguration={{subnets=[{subnet}]}}",
    )["tasks"][0]
    with lab.on_task(task["taskArn"]):
        me = aws("sts", "get-caller-identity")["Arn"]
    assert me == f"{STS}/app/{task['taskArn'].rpartition('/')[2]}"

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): return 1")
    (tmp_path / "code.zip").write_bytes(packed.getvalue())
    words = ("--runtime", "python3.12", "--handler", "app.handler")
    words += ("--zip-file", f"fileb://{tmp_path / 'code.zip'}", "--function-name", "tidy")
    with pytest.raises(CliError) as caught:
        aws("lambda", "create-function", *words, "--role", role)
    assert caught.value.code == "InvalidParameterValueException"
    tidy = make_role("tidy", "lambda.amazonaws.com")
    aws("lambda", "create-function", *words, "--role", tidy)
    with lab.on_function("tidy"):
        assert aws("sts", "get-caller-identity")["Arn"] == f"{STS}/tidy/tidy"
