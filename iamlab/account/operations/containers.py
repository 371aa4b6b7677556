"""ECS's exceptions to the general rule: things in clusters, task definitions, roles passed on.

Source: "Actions, resources, and condition keys for Amazon Elastic Container Service"; "Amazon ECS
task IAM role" and "Tag resources during creation", Amazon ECS Developer Guide.
"""

from __future__ import annotations

from typing import Any

from iamlab.account.wire import service_model

from .target import NOTHING, Check, Kind, Target, pairs, pass_role, tags_of, words

TAG_PREFIXES = ("aws:ResourceTag/", "ecs:ResourceTag/")
TASKS = "ecs-tasks.amazonaws.com"
_ANY = "resourceArn"
MEMBERS = {
    "capacity-provider": ("capacityProvider", "capacityProviders", "name", _ANY),
    "cluster": ("cluster", "clusters", "clusterName", "clusterArn", _ANY),
    "container-instance": ("containerInstance", "containerInstances", _ANY),
    "daemon": ("daemonArn", "daemonName", _ANY),
    "daemon-task-definition": ("daemonTaskDefinition", "family", _ANY),
    "gateway": ("gateway", "name", _ANY),
    "gateway-route": ("gatewayRouteArn",),
    "service": ("service", "services", "serviceName", "serviceArn", _ANY),
    "service-deployment": ("serviceDeploymentArn", "serviceDeploymentArns"),
    "service-revision": ("serviceRevisionArns",),
    "task": ("task", "tasks", _ANY),
    "task-definition": ("taskDefinition", "taskDefinitions", "family", _ANY),
    "task-set": ("taskSet", "taskSets", "primaryTaskSet", _ANY),
}
KEYS = pairs("""
    capacityProviders=ecs:capacity-provider enableExecuteCommand=ecs:enable-execute-command
    capacityProviderStrategy.capacityProvider=ecs:capacity-provider cpu=ecs:task-cpu
    enableECSManagedTags=ecs:enable-ecs-managed-tags memory=ecs:task-memory
    propagateTags=ecs:propagate-tags containerDefinitions.privileged=ecs:privileged
    overrides.cpu=ecs:task-cpu overrides.memory=ecs:task-memory container=ecs:container-name
    requiresCompatibilities=ecs:compute-compatibility service=ecs:service task=ecs:task
    name=ecs:account-setting containerInstances=ecs:container-instances
""")
_ROLES = ("taskRoleArn", "executionRoleArn")
_PASSED = tuple(((role,), TASKS) for role in _ROLES)
_OVERRIDDEN = tuple((("overrides", role), TASKS) for role in _ROLES)
PASSES = {
    "RegisterTaskDefinition": _PASSED,
    "RegisterDaemonTaskDefinition": _PASSED,
    "CreateExpressGatewayService": (
        *_PASSED,
        (("infrastructureRoleArn",), "ecs.amazonaws.com"),
    ),
    "UpdateExpressGatewayService": _PASSED,
    "CreateGateway": ((("infrastructureRoleArn",), "ecs.amazonaws.com"),),
    "UpdateGateway": ((("infrastructureRoleArn",), "ecs.amazonaws.com"),),
    "CreateService": ((("role",), "ecs.amazonaws.com"),),
    "RunTask": _OVERRIDDEN,
    "StartTask": _OVERRIDDEN,
}
TAGS_ALSO = dict.fromkeys(
    words(
        "CreateCapacityProvider CreateCluster CreateService CreateTaskSet RegisterContainerInstance"
        " RegisterTaskDefinition RunTask StartTask"
    ),
    "ecs:TagResource",
)
_IN_CLUSTER = ("container-instance", "daemon", "service", "task")


def target(kind: Kind, value: str | None, call: Any, state: Any) -> Target | None:
    """A thing by its name, or by its ARN; what is in a cluster has the cluster in its ARN."""
    if value is None:
        # AWS takes the cluster "default" where a call names none.
        return _cluster("default", call, state) if kind.name == "cluster" else None
    if value.startswith("arn:"):
        rest = value.split(":", 5)[5]
        if rest.partition("/")[0] != kind.name:
            return None
        if kind.name == "cluster":
            return _cluster(rest.partition("/")[2], call, state)
        return Target(value)
    if kind.name == "cluster":
        return _cluster(value, call, state)
    if kind.name == "task-definition":
        return _definition(value, call, state)
    if kind.name in _IN_CLUSTER:
        value = f"{_cluster_name(call)}/{value}"
    return Target(_arn(kind.name, value, call))


def _arn(kind: str, name: str, call: Any) -> str:
    return f"arn:aws:ecs:{call.region}:{call.account}:{kind}/{name}"


def _cluster_name(call: Any) -> str:
    named = call.params.get("cluster") or call.params.get("clusterArn") or "default"
    return named.rpartition("/")[2]


def _cluster(name: str, call: Any, state: Any) -> Target:
    found = state.backend("ecs", call.account, call.region).clusters.get(name) if state else None
    return Target(_arn("cluster", name, call), tags=tags_of(getattr(found, "tags", None)))


def _definition(value: str, call: Any, state: Any) -> Target:
    """FAMILY:REVISION, or FAMILY for its newest; a call that registers one makes the next."""
    if call.operation.startswith("Register"):
        return Target(_arn("task-definition", f"{value}:*", call))
    found = find_definition(value, call, state)
    name = f"{found.family}:{found.revision}" if found is not None else value
    tags = tags_of(found.tags) if found is not None else NOTHING
    return Target(_arn("task-definition", name, call), tags=tags)


def find_definition(value: str | None, call: Any, state: Any) -> Any:
    """moto's task definition, or None."""
    from moto.core.exceptions import ServiceException

    try:
        return state.backend("ecs", call.account, call.region).describe_task_definition(value or "")
    except (ServiceException, ValueError):
        return None


def context(operation: str, call: Any, state: Any, found: dict[str, Any]) -> None:
    """The cluster and the task definition, which conditions see as ARNs."""
    shape = service_model("ecs").operation_model(operation).input_shape
    members = shape.members if shape is not None else NOTHING
    if "cluster" in members and "clusterName" not in members:
        found["ecs:cluster"] = _arn("cluster", _cluster_name(call), call)
    for member, kind in (("service", "service"), ("task", "task")):
        if f"ecs:{member}" in found and not found[f"ecs:{member}"].startswith("arn:"):
            name = f"{_cluster_name(call)}/{found[f'ecs:{member}']}"
            found[f"ecs:{member}"] = _arn(kind, name, call)
    definition = call.params.get("taskDefinition")
    if definition and "ervice" in operation:
        arn = definition.startswith("arn:")
        found["ecs:task-definition"] = (
            definition if arn else _definition(definition, call, state).arn
        )


def _roles_of_definition(call: Any, state: Any, asked: list[Check]) -> list[Check]:
    """To run a task is to pass its roles: those of its definition, unless the call names others.

    Whether CreateService and UpdateService ask for it too is not documented; the lab asks. [I]
    """
    definition = find_definition(call.params.get("taskDefinition"), call, state)
    overrides = call.params.get("overrides") or {}
    found: list[Check] = []
    for member, attribute in zip(_ROLES, ("task_role_arn", "execution_role_arn"), strict=True):
        if not overrides.get(member) and (role := getattr(definition, attribute, None)):
            found += pass_role(role, TASKS, asked[0].resource, call)
    return found


EXTRA = dict.fromkeys(
    ("RunTask", "StartTask", "CreateService", "UpdateService", "CreateTaskSet"),
    _roles_of_definition,
)
