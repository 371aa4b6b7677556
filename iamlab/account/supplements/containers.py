"""ECS tasks and Lambda functions: they start only if the service can assume their role.

What a task or a function then has of its role is in `iamlab.account.workloads`.
"""

from __future__ import annotations

import re
from typing import Any

from iamlab.account.errors import AwsError
from iamlab.account.operations.containers import find_definition

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
_ROLES = ("taskRoleArn", "executionRoleArn")


def find_role(lab: Any, account: str, named: str) -> Any:
    """Return moto's role of an ARN or, as ECS takes it too, a name; None if there is none."""
    if not named.startswith("arn:"):
        return lab.state.role(account, named)
    if not _ROLE_ARN.fullmatch(named):
        return None
    role = lab.state.role(named.split(":")[4], named.rpartition("/")[2])
    return role if role is not None and role.arn == named else None


def _assumable(call: Any, lab: Any, named: str, service: str, kind: str) -> bool:
    from iamlab.account.service_roles import trusts

    role = find_role(lab, call.account, named)
    if role is None or role.account_id != call.account:
        return False
    source = f"arn:aws:{kind}:{call.region}:{call.account}:*"
    return trusts(lab, service, role, source, call.region).effect == "allowed"


def _check_definition(call: Any, lab: Any) -> None:
    """RegisterTaskDefinition looks at the form of the roles only. Text: public logs [O]."""
    for member in _ROLES:
        named = call.params.get(member)
        if named is not None and (
            not named or (named.startswith("arn:") and not _ROLE_ARN.fullmatch(named))
        ):
            raise AwsError("ClientException", "Role is not valid")


def _check_task(call: Any, lab: Any) -> None:
    """RunTask and StartTask assume the roles before there is a task. Text: public logs [O]."""
    definition = find_definition(call.params.get("taskDefinition"), call, lab.state)
    overrides = call.params.get("overrides") or {}
    for member, attribute in zip(_ROLES, ("task_role_arn", "execution_role_arn"), strict=True):
        named = overrides.get(member) or getattr(definition, attribute, None)
        if named and not _assumable(call, lab, named, "ecs-tasks.amazonaws.com", "ecs"):
            raise AwsError(
                "ClientException",
                f"ECS was unable to assume the role '{named}' that was provided for this task. "
                "Please verify that the role being passed has the proper trust relationship and "
                "permissions and that your IAM user has permissions to pass this role.",
            )


def _check_function(call: Any, lab: Any) -> None:
    """CreateFunction and UpdateFunctionConfiguration: Lambda must be able to assume the role.

    A role that is missing or of a wrong form is moto's to refuse. Text: public logs [O].
    """
    named = call.params.get("Role") or ""
    if find_role(lab, call.account, named) is None:
        return
    if named.split(":")[4] == call.account and not _assumable(
        call, lab, named, "lambda.amazonaws.com", "lambda"
    ):
        raise AwsError(
            "InvalidParameterValueException",
            "The role defined for the function cannot be assumed by Lambda.",
        )


def run_task(call: Any, lab: Any) -> dict[str, Any]:
    """RunTask: as moto does it, which wants more of a task than AWS does.

    A container need not say its memory if its task does, and no security group means the VPC's
    default one (API Reference: ContainerDefinition, AwsVpcConfiguration).
    """
    params = call.params
    backend = lab.state.backend("ecs", call.account, call.region)
    definition = backend.describe_task_definition(params["taskDefinition"])
    for container in definition.container_definitions:
        if not {"memory", "memoryReservation"} & set(container):
            container["MemoryReservation"] = 0  # moto reads it, and does not print it
    network = params.get("networkConfiguration")
    if network and "awsvpcConfiguration" in network:
        network["awsvpcConfiguration"].setdefault("securityGroups", [])
    tasks = backend.run_task(
        params.get("cluster") or "default",
        params["taskDefinition"],
        int(params.get("count") or 1),
        params.get("overrides"),
        params.get("startedBy"),
        params.get("tags"),
        params.get("launchType"),
        network,
        params.get("group"),
        params.get("platformVersion"),
        params.get("capacityProviderStrategy"),
    )
    return {"tasks": tasks, "failures": []}


REGISTRY = {("ecs", "RunTask"): run_task}
BEFORE = {
    ("ecs", "RegisterTaskDefinition"): _check_definition,
    ("ecs", "RunTask"): _check_task,
    ("ecs", "StartTask"): _check_task,
    ("lambda", "CreateFunction"): _check_function,
    ("lambda", "UpdateFunctionConfiguration"): _check_function,
}
