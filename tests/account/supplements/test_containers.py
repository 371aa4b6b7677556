"""ECS tasks and Lambda functions: passing their roles, and running with them."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import CredentialRetrievalError, NoCredentialsError

from .conftest import ACCOUNT, allow, refused, trust

TASKS, LAMBDA = {"Service": "ecs-tasks.amazonaws.com"}, {"Service": "lambda.amazonaws.com"}
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
FARGATE = {
    "family": "web",
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
    "containerDefinitions": [{"name": "web", "image": "nginx"}],
}


@pytest.fixture
def ecs(lab: Any) -> Any:
    client = boto3.client("ecs")
    client.create_cluster(clusterName="app")
    return client


@pytest.fixture
def run(lab: Any, ecs: Any) -> Callable[..., dict[str, Any]]:
    subnet = boto3.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]

    def make(client: Any = ecs, **more: Any) -> dict[str, Any]:
        network = {"awsvpcConfiguration": {"subnets": [subnet]}}
        answer = client.run_task(
            cluster="app",
            taskDefinition="web",
            launchType="FARGATE",
            networkConfiguration=network,
            **more,
        )
        assert answer["failures"] == []
        return answer["tasks"][0]

    return make


def code() -> dict[str, bytes]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): return 1")
    return {"ZipFile": packed.getvalue()}


def create_function(client: Any, role: str, name: str = "tidy") -> Any:
    return client.create_function(
        FunctionName=name, Runtime="python3.12", Role=role, Handler="app.handler", Code=code()
    )


# --- ECS --------------------------------------------------------------------------------------


def test_a_task_runs_with_its_role(lab: Any, ecs: Any, role: Any, run: Any) -> None:
    """boto3's own container provider finds it; the session is named like the task."""
    role("app", TASKS)
    definition = ecs.register_task_definition(taskRoleArn=f"{ROLE}/app", **FARGATE)
    assert definition["taskDefinition"]["taskRoleArn"] == f"{ROLE}/app"
    task = run()
    assert task["lastStatus"] == "RUNNING"
    before = dict(os.environ)
    with lab.on_task(task["taskArn"]):
        assert "AWS_ACCESS_KEY_ID" not in os.environ
        assert boto3.Session().get_credentials().method == "container-role"
        me = boto3.client("sts").get_caller_identity()["Arn"]
        url = os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
        key = os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        said = requests.get(url, headers={"Authorization": key}).json()
        assert requests.get(url).status_code == 401
        assert requests.get(url + "0", headers={"Authorization": key}).status_code == 400
        relative = url.partition("/v2/")[2]
        assert requests.get(f"http://169.254.170.2/v2/{relative}").json() == said
    task_id = task["taskArn"].rpartition("/")[2]
    assert me == f"arn:aws:sts::{ACCOUNT}:assumed-role/app/{task_id}"
    assert list(said) == ["RoleArn", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"]
    assert said["RoleArn"] == f"{ROLE}/app"
    assert dict(os.environ) == before
    assumed = next(r for r in lab.trail.records if r.principal == "ecs-tasks.amazonaws.com")
    assert assumed.params == {"RoleArn": f"{ROLE}/app", "RoleSessionName": task_id}


def test_a_tasks_credentials_are_renewed(lab: Any, ecs: Any, role: Any, run: Any) -> None:
    role("app", TASKS)
    ecs.register_task_definition(taskRoleArn="app", **FARGATE)  # ECS takes a name, too
    with lab.on_task(run()["taskArn"]):
        sts, keys = boto3.client("sts"), set()
        for _ in range(13):
            sts.get_caller_identity()
            keys.add(lab.trail.records[-1].access_key_id)
            lab.clock.advance(hours=1)
    assert len(keys) == 3


def test_the_call_s_role_goes_before_the_definition_s(
    lab: Any, ecs: Any, role: Any, run: Any
) -> None:
    role("app", TASKS), role("other", TASKS)
    ecs.register_task_definition(taskRoleArn=f"{ROLE}/app", **FARGATE)
    with lab.on_task(run(overrides={"taskRoleArn": f"{ROLE}/other"})["taskArn"]):
        assert "/other/" in boto3.client("sts").get_caller_identity()["Arn"]


def test_a_task_without_a_role_has_no_credentials(lab: Any, ecs: Any, run: Any) -> None:
    ecs.register_task_definition(**FARGATE)
    with lab.on_task(run()["taskArn"]), pytest.raises(NoCredentialsError):
        boto3.client("sts").get_caller_identity()


def test_a_stopped_task_runs_nothing(lab: Any, ecs: Any, role: Any, run: Any) -> None:
    role("app", TASKS)
    ecs.register_task_definition(taskRoleArn=f"{ROLE}/app", **FARGATE)
    task = run()["taskArn"]
    with lab.on_task(task):
        ecs.stop_task(cluster="app", task=task)
        with pytest.raises(CredentialRetrievalError):
            boto3.client("sts").get_caller_identity()
    with pytest.raises(LookupError, match="is stopped"), lab.on_task(task):
        pass
    with pytest.raises(LookupError, match=r"no task 'x'.*list_tasks"), lab.on_task("x"):
        pass


def test_a_role_that_does_not_trust_ecs(lab: Any, ecs: Any, role: Any, run: Any) -> None:
    """RunTask says so; RegisterTaskDefinition looks at the form alone. Texts [O]."""
    role("other", {"Service": "ec2.amazonaws.com"})
    for member in ("taskRoleArn", "executionRoleArn"):
        for name in ("other", "missing"):
            ecs.register_task_definition(**FARGATE, **{member: f"{ROLE}/{name}"})
            text = f"ECS was unable to assume the role '{ROLE}/{name}' that was provided for this"
            with refused("ClientException", 400, text):
                run()
    with refused("ClientException", 400, "Role is not valid"):
        ecs.register_task_definition(**FARGATE, taskRoleArn=f"arn:aws:iam::{ACCOUNT}:user/ana")


def test_the_trust_policy_can_name_ecs_of_the_account(
    lab: Any, ecs: Any, role: Any, run: Any
) -> None:
    """The condition that the ECS Developer Guide recommends."""
    condition = {
        "ArnLike": {"aws:SourceArn": f"arn:aws:ecs:us-east-1:{ACCOUNT}:*"},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }
    role("app", trust=trust(TASKS, condition=condition))
    ecs.register_task_definition(taskRoleArn=f"{ROLE}/app", **FARGATE)
    with lab.on_task(run()["taskArn"]):
        assert "/app/" in boto3.client("sts").get_caller_identity()["Arn"]


def test_passing_a_tasks_roles(
    lab: Any, ecs: Any, iam: Any, role: Any, user: Any, run: Any
) -> None:
    """iam:PassRole to register, and to run: for the definition's roles or the call's own."""
    role("app", TASKS), role("other", TASKS)
    theirs = user("dev", "ecs:*").client("ecs")
    with refused("AccessDeniedException", 400, f"iam:PassRole on resource: {ROLE}/app"):
        theirs.register_task_definition(taskRoleArn=f"{ROLE}/app", **FARGATE)
    ecs.register_task_definition(taskRoleArn=f"{ROLE}/app", **FARGATE)
    with refused("AccessDeniedException", 400, f"iam:PassRole on resource: {ROLE}/app"):
        run(theirs)
    passing = {
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Action": "iam:PassRole", "Resource": f"{ROLE}/app",
            "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        }],
    }  # fmt: skip
    iam.put_user_policy(UserName="dev", PolicyName="pass", PolicyDocument=json.dumps(passing))
    theirs.register_task_definition(taskRoleArn=f"{ROLE}/app", **FARGATE)
    run(theirs)
    with refused("AccessDeniedException", 400, f"iam:PassRole on resource: {ROLE}/other"):
        run(theirs, overrides={"taskRoleArn": f"{ROLE}/other"})


@pytest.mark.parametrize(
    ("resource", "allowed"),
    [
        ("task-definition/web:1", True),
        ("task-definition/web:*", True),
        ("task-definition/web:2", False),
        ("task-definition/api:*", False),
        ("cluster/app", False),
    ],
)
def test_what_run_task_is_asked_on(
    ecs: Any, user: Any, iam: Any, run: Any, resource: str, allowed: bool
) -> None:
    ecs.register_task_definition(**FARGATE)
    theirs = user("dev").client("ecs")
    document = allow("ecs:RunTask", resource=f"arn:aws:ecs:us-east-1:{ACCOUNT}:{resource}")
    iam.put_user_policy(UserName="dev", PolicyName="own", PolicyDocument=document)
    if allowed:
        run(theirs)
    else:
        with refused("AccessDeniedException", 400, "ecs:RunTask"):
            run(theirs)


def test_the_cluster_as_a_condition(ecs: Any, user: Any, iam: Any, run: Any) -> None:
    ecs.register_task_definition(**FARGATE)
    theirs = user("dev").client("ecs")
    for cluster, allowed in (("app", True), ("prod", False)):
        arn = f"arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/{cluster}"
        statement = {"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}
        statement["Condition"] = {"ArnEquals": {"ecs:cluster": arn}}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="dev", PolicyName="own", PolicyDocument=document)
        if allowed:
            task = run(theirs)["taskArn"]
            theirs.describe_tasks(cluster="app", tasks=[task])
        else:
            with refused("AccessDeniedException", 400):
                theirs.stop_task(cluster="app", task=task)


# --- Lambda -----------------------------------------------------------------------------------


def test_a_function_runs_with_its_role(lab: Any, iam: Any, role: Any) -> None:
    """Temporary credentials in the environment; the session is named like the function."""
    arn = role("tidy", LAMBDA)
    made = create_function(boto3.client("lambda"), arn)
    for name in ("tidy", made["FunctionArn"]):
        with lab.on_function(name):
            assert os.environ["AWS_ACCESS_KEY_ID"].startswith("ASIA")
            assert os.environ["AWS_LAMBDA_FUNCTION_NAME"] == "tidy"
            me = boto3.client("sts").get_caller_identity()["Arn"]
        assert me == f"arn:aws:sts::{ACCOUNT}:assumed-role/tidy/tidy"
    call = lab.trail.records[-1]
    assert call.caller.session.keys == {"lambda:SourceFunctionArn": made["FunctionArn"]}
    assert lab.trail.records[-2].principal == "lambda.amazonaws.com"
    assert boto3.client("sts").get_caller_identity()["Arn"].endswith("user/administrator")


def test_a_role_that_lambda_cannot_assume(lab: Any, iam: Any, role: Any) -> None:
    client = boto3.client("lambda")
    text = "The role defined for the function cannot be assumed by Lambda."
    other, good = role("other", {"Service": "ec2.amazonaws.com"}), role("tidy", LAMBDA)
    for arn in (other, f"{ROLE}/missing"):
        with refused("InvalidParameterValueException", 400, text):
            create_function(client, arn)
    create_function(client, good)
    with refused("InvalidParameterValueException", 400, text):
        client.update_function_configuration(FunctionName="tidy", Role=other)
    iam.update_assume_role_policy(
        RoleName="tidy", PolicyDocument=trust({"Service": "ec2.amazonaws.com"})
    )
    with pytest.raises(PermissionError, match=r"lambda.amazonaws.com"), lab.on_function("tidy"):
        pass
    assert lab.why().blocked_by == "resource"
    iam.delete_role(RoleName="tidy")
    with pytest.raises(LookupError, match="is gone"), lab.on_function("tidy"):
        pass
    with pytest.raises(LookupError, match="no function 'x'"), lab.on_function("x"):
        pass


def test_creating_a_function_needs_pass_role(lab: Any, role: Any, user: Any) -> None:
    arn = role("tidy", LAMBDA)
    theirs = user("dev", "lambda:*").client("lambda")
    with refused("AccessDeniedException", 403, f"iam:PassRole on resource: {arn}"):
        create_function(theirs, arn)
