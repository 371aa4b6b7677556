"""Secrets Manager's exceptions to the general rule: ARNs end in six random characters.

Source: "Actions, resources, and condition keys for AWS Secrets Manager"; the "Required
permissions" part of each operation, AWS Secrets Manager API Reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .kms import use_key
from .target import NOTHING, Check, Kind, Target, ask, pairs, same, tags_of

TAG_PREFIXES = ("aws:ResourceTag/", "secretsmanager:ResourceTag/")
MEMBERS = {"Secret": ("SecretId", "Name")}
LIKE = dict.fromkeys(
    ("AssociateCrossAccountReplica", "DisassociateCrossAccountReplica", "ListResourcePolicies"),
    "GetResourcePolicy",
)
TAGS_ALSO = {"CreateSecret": "secretsmanager:TagResource"}
KEYS = pairs("""
    Name=secretsmanager:Name Description=secretsmanager:Description
    KmsKeyId=secretsmanager:KmsKeyId VersionId=secretsmanager:VersionId
    VersionStage=secretsmanager:VersionStage
    RecoveryWindowInDays=secretsmanager:RecoveryWindowInDays
    ForceDeleteWithoutRecovery=secretsmanager:ForceDeleteWithoutRecovery
    ForceOverwriteReplicaSecret=secretsmanager:ForceOverwriteReplicaSecret
    BlockPublicPolicy=secretsmanager:BlockPublicPolicy
    RotationLambdaARN=secretsmanager:RotationLambdaARN
    RotateImmediately=secretsmanager:RotateImmediately
    AddReplicaRegions.Region=secretsmanager:AddReplicaRegions Type=secretsmanager:Type
""")


def target(kind: Kind, value: str | None, call: Any, state: Any) -> Target | None:
    """A secret by name or ARN. A name without a secret gets AWS's own `-??????` for its end."""
    if value is None:
        return None
    region, account, name = call.region, call.account, value
    if value.startswith("arn:"):
        region, account = value.split(":")[3:5]
        name = value.split(":", 6)[-1]
    secret = None
    if account and call.operation != "CreateSecret":
        secret = state.backend("secretsmanager", account, region).secrets.get(value)
    if secret is None:
        end = "" if value.startswith("arn:") else "-??????"
        arn = f"arn:aws:secretsmanager:{region}:{account}:secret:{name}{end}"
        keys = {"secretsmanager:SecretId": arn} if call.operation != "CreateSecret" else NOTHING
        return Target(arn, account, None, NOTHING, keys)
    keys = {"secretsmanager:SecretId": secret.arn}
    if rotation := getattr(secret, "rotation_lambda_arn", None):
        keys["secretsmanager:resource/AllowRotationLambdaArn"] = rotation
    policy = ("secret", account, region, secret.name)
    return Target(secret.arn, account, policy, tags_of(secret.tags), keys)


def _more(call: Any, state: Any, asked: list[Check]) -> list[Check]:
    """What a call needs beside its own action: the KMS key, the rotation function, replicas."""
    params, secret = call.params, asked[0]
    found = []
    if params.get("AddReplicaRegions") and call.operation == "CreateSecret":
        found.append(same("secretsmanager:ReplicateSecretToRegions", secret))
    if arn := params.get("RotationLambdaARN"):
        region, account, _, name = (*arn.split(":"), "", "", "")[3:7]
        function = Target(arn, account, ("function", account, region, name))
        found.append(ask("lambda:InvokeFunction", function, NOTHING, call, ()))
    if actions := _KEY_ACTIONS.get(call.operation):
        found += _key(actions, secret, params.get("KmsKeyId"), call, state)
    return found


_KEY_ACTIONS = {
    "CreateSecret": ["kms:GenerateDataKey", "kms:Decrypt"],
    "UpdateSecret": ["kms:GenerateDataKey", "kms:Decrypt"],
    "PutSecretValue": ["kms:GenerateDataKey", "kms:Decrypt"],
    "GetSecretValue": ["kms:Decrypt"],
}


def _key(actions: list[str], secret: Check, key: str | None, call: Any, state: Any) -> list[Check]:
    if key is None and secret.policy_of is not None:
        _, account, region, name = secret.policy_of
        stored = state.backend("secretsmanager", account, region).secrets.get(name)
        key = getattr(stored, "kms_key_id", None)
    pairs: Mapping[str, str] = {"SecretARN": secret.resource}
    return use_key(actions, key, "secretsmanager", pairs, call, state) if key else []


def _batch(call: Any, state: Any, asked: list[Check]) -> list[Check]:
    """Each secret of the list. AWS answers for each; the lab denies the call if one is denied."""
    found: list[Check] = []
    for name in call.params.get("SecretIdList") or ():
        secret = target(None, name, call, state)  # type: ignore[arg-type]
        found.append(ask("secretsmanager:GetSecretValue", secret, {}, call, TAG_PREFIXES))
        found += _key(["kms:Decrypt"], found[-1], None, call, state)
    return found


EXTRA = dict.fromkeys((*_KEY_ACTIONS, "RotateSecret"), _more) | {"BatchGetSecretValue": _batch}
