"""Lambda's exceptions to the general rule: functions by name, ARN or part of an ARN, versions.

Source: "Actions, resources, and condition keys for AWS Lambda"; "Fine-tuning the Resources and
Conditions sections of policies", AWS Lambda Developer Guide.
"""

from __future__ import annotations

from typing import Any

from .target import NOTHING, Check, Kind, Target, ask, fill, pairs, tags_of

ACTIONS = {
    "Invoke": "InvokeFunction",
    "InvokeWithResponseStream": "InvokeFunction",
    "GetLayerVersionByArn": "GetLayerVersion",
}
LIKE = dict.fromkeys(
    ("DeleteDurableExecution", "PauseDurableExecution", "ResumeDurableExecution"),
    "StopDurableExecution",
)
_ANY = ("Resource", "ResourceArn")
MEMBERS = {
    "function": ("FunctionName", *_ANY),
    "function alias": ("FunctionName",),
    "function version": ("FunctionName",),
    "webFunction": _ANY,
    "microvmImage": _ANY,
    "networkConnector": _ANY,
    "layer": ("LayerName",),
    "layerVersion": ("LayerName", "Arn"),
    "eventSourceMapping": ("UUID", *_ANY),
    "capacityProvider": ("CapacityProviderName", *_ANY),
    "code signing config": ("CodeSigningConfigArn", *_ANY),
    "durable execution": ("DurableExecutionArn",),
}
KEYS = pairs("""
    Principal=lambda:Principal FunctionUrlAuthType=lambda:FunctionUrlAuthType
    AuthType=lambda:FunctionUrlAuthType InvokedViaFunctionUrl=lambda:InvokedViaFunctionUrl
    EventSourceToken=lambda:EventSourceToken CodeSigningConfigArn=lambda:CodeSigningConfigArn
    Layers=lambda:Layer VpcConfig.SubnetIds=lambda:SubnetIds
    VpcConfig.SecurityGroupIds=lambda:SecurityGroupIds
""")
PASSES = {
    "CreateFunction": ((("Role",), "lambda.amazonaws.com"),),
    "UpdateFunctionConfiguration": ((("Role",), "lambda.amazonaws.com"),),
    "CreateCapacityProvider": (
        (("PermissionsConfig", "CapacityProviderOperatorRoleArn"), "lambda.amazonaws.com"),
    ),
}
TAGS_ALSO = {
    "CreateFunction": "lambda:TagResource",
    "CreateEventSourceMapping": "lambda:TagResource",
    "CreateCodeSigningConfig": "lambda:TagResource",
}


def context(operation: str, call: Any, state: Any, found: dict[str, Any]) -> None:
    """Event sources and function URLs are limited by the function they belong to."""
    if "EventSourceMapping" in operation or "FunctionUrlConfig" in operation:
        name = call.params.get("FunctionName")
        if name is None and (uuid := call.params.get("UUID")):
            mappings = state.backend("lambda", call.account, call.region)._event_source_mappings
            name = getattr(mappings.get(uuid), "function_arn", None)
        if name is not None:
            found["lambda:FunctionArn"] = _function(name, None, call, state).arn


def target(kind: Kind, value: str | None, call: Any, state: Any) -> Target | None:
    """A function, a version or alias of it, a layer, or another resource by its ARN."""
    if value is None:
        return None
    if kind.name.startswith("function"):
        if value.startswith("arn:") and ":function:" not in value:
            return Target(value)
        return _function(value, call.params.get("Qualifier"), call, state)
    version = call.params.get("VersionNumber")
    if kind.name == "layerVersion" and version is not None:
        value = value if value.startswith("arn:") else _layer(value, call)
        return Target(f"{value}:{version}")
    if kind.name == "layer" and not value.startswith("arn:"):
        return Target(_layer(value, call))
    return Target(value if value.startswith("arn:") else fill(kind, value, call))


def _layer(name: str, call: Any) -> str:
    return f"arn:aws:lambda:{call.region}:{call.account}:layer:{name}"


def _function(value: str, qualifier: str | None, call: Any, state: Any) -> Target:
    """NAME, NAME:QUALIFIER, ACCOUNT:function:NAME or an ARN, with or without a qualifier."""
    region, account = call.region, call.account
    head, marker, rest = value.rpartition("function:") if ":function:" in value else ("", "", value)
    if marker:
        region = head.split(":")[3] if value.startswith("arn:") else region
        account = head.rstrip(":").rpartition(":")[2]
    name, _, in_name = rest.partition(":")
    qualifier = qualifier or in_name or None
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
    found = state.backend("lambda", account, region)._lambdas.get_arn(arn) if account else None
    tags = tags_of(found.tags) if found is not None else NOTHING
    policy = None if found is None else ("function", account, region, name)
    return Target(f"{arn}:{qualifier}" if qualifier else arn, account, policy, tags)


def _layers(call: Any, state: Any, asked: list[Check]) -> list[Check]:
    """To use a layer, one must be allowed to read it. Source: "Using layers for sharing code"."""
    layers = call.params.get("Layers") or ()
    return [ask("lambda:GetLayerVersion", Target(arn), NOTHING, call, ()) for arn in layers]


EXTRA = {"CreateFunction": _layers, "UpdateFunctionConfiguration": _layers}
