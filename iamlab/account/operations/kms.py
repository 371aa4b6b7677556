"""KMS's exceptions to the general rule: keys by ID, ARN or alias, and keys used by a service.

Source: "Actions, resources, and condition keys for AWS Key Management Service"; "Permissions
reference" and "AWS KMS condition keys", AWS KMS Developer Guide.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from .target import Check, Kind, Target, ask, pairs, words

TAGS_ALSO: dict[str, str] = {"ReplicateKey": "kms:TagResource"}
TAG_PREFIXES = ("aws:ResourceTag/",)
MEMBERS = {
    "key": ("KeyId", "TargetKeyId"),
    ("DeleteAlias", "key"): ("AliasName",),
    ("UpdateAlias", "key"): ("AliasName", "TargetKeyId"),
    "alias": ("AliasName",),
}
KEYS = pairs("""
    EncryptionAlgorithm=kms:EncryptionAlgorithm SigningAlgorithm=kms:SigningAlgorithm
    MacAlgorithm=kms:MacAlgorithm KeyAgreementAlgorithm=kms:KeyAgreementAlgorithm
    EncapsulationAlgorithm=kms:EncapsulationAlgorithm MessageType=kms:MessageType
    KeyPairSpec=kms:DataKeyPairSpec Operations=kms:GrantOperations
    GranteePrincipal=kms:GranteePrincipal RetiringPrincipal=kms:RetiringPrincipal
    WrappingAlgorithm=kms:WrappingAlgorithm WrappingKeySpec=kms:WrappingKeySpec
    ExpirationModel=kms:ExpirationModel ValidTo=kms:ValidTo ReplicaRegion=kms:ReplicaRegion
    PrimaryRegion=kms:PrimaryRegion RotationPeriodInDays=kms:RotationPeriodInDays
    PendingWindowInDays=kms:ScheduleKeyDeletionPendingWindowInDays
    BypassPolicyLockoutSafetyCheck=kms:BypassPolicyLockoutSafetyCheck
""")
# Operations that take an encryption context, and use SYMMETRIC_DEFAULT if told nothing else.
_WITH_CONTEXT = frozenset(
    words(
        "Encrypt Decrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair "
        "GenerateDataKeyPairWithoutPlaintext"
    )
)
# What may be done with another account's key ("Cross-account use", AWS KMS API Reference).
_ACROSS = frozenset(
    words(
        "CreateGrant Decapsulate Decrypt DeriveSharedSecret DescribeKey Encapsulate Encrypt "
        "GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext "
        "GenerateDataKeyWithoutPlaintext GenerateMac GetKeyRotationStatus GetPublicKey ListGrants "
        "ReEncrypt RetireGrant RevokeGrant Sign Verify VerifyMac"
    )
)
# What CreateKey takes for granted.
_NEW_KEY = {
    "KeySpec": "SYMMETRIC_DEFAULT",
    "KeyUsage": "ENCRYPT_DECRYPT",
    "Origin": "AWS_KMS",
    "MultiRegion": "false",
}


def context(operation: str, call: Any, state: Any, found: dict[str, Any]) -> None:
    """The caller's account, the encryption context and the alias that the request names."""
    if call.account:
        found["kms:CallerAccount"] = call.account
    if operation in _WITH_CONTEXT:
        found.setdefault("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT")
        found.update(_encryption_context(call.params.get("EncryptionContext")))
    name = str(call.params.get("KeyId", ""))
    if "alias/" in name:
        found["kms:RequestAlias"] = name[name.index("alias/") :]
    if operation in ("Sign", "Verify"):
        found.setdefault("kms:MessageType", "RAW")
    if operation == "CreateGrant":
        found["kms:GrantIsForAWSResource"] = "false"
        constraints = list(call.params.get("Constraints") or ())
        if constraints:
            found["kms:GrantConstraintType"] = constraints[0]


def _encryption_context(pairs: Mapping[str, str] | None) -> dict[str, Any]:
    if not pairs:
        return {}
    found: dict[str, Any] = {"kms:EncryptionContext:" + key: v for key, v in pairs.items()}
    return {**found, "kms:EncryptionContextKeys": list(pairs)}


def target(kind: Kind, value: str | None, call: Any, state: Any) -> Target | None:
    """A key or an alias. Without KeyId, Decrypt finds the key in the ciphertext."""
    if kind.name == "key":
        return _key(value or _sealed_with(call, state), call, state)
    if value is None or value.startswith("arn:"):
        return value and Target(value)
    return Target(f"arn:aws:kms:{call.region}:{call.account}:{value}")


def _key(value: str | None, call: Any, state: Any) -> Target | None:
    """The key of an ID, key ARN, alias name or alias ARN."""
    if not value:
        return None
    region, account, name = call.region, call.account, value
    if value.startswith("arn:"):
        region, account, name = value.split(":", 5)[3:]
    backend = state.backend("kms", account, region)
    name = name.removeprefix("key/")
    keys = list(backend.keys.values())
    found = backend.keys.get(name) or next((key for key in keys if name in key.aliases), None)
    if found is None:
        where = "*" if name.startswith("alias/") else name
        policy_of = None if where == "*" else ("key", account, region, name)
        return Target(f"arn:aws:kms:{region}:{account}:key/{where}", account, policy_of)
    about = {
        "kms:KeySpec": found.key_spec,
        "kms:KeyUsage": found.key_usage,
        "kms:KeyOrigin": found.origin,
        "kms:MultiRegion": "true" if found.multi_region else "false",
    }
    if found.aliases:
        about["kms:ResourceAliases"] = list(found.aliases)
    if found.multi_region:
        about["kms:MultiRegionKeyType"] = found.multi_region_configuration["MultiRegionKeyType"]
    tags = backend.tagger.get_tag_dict_for_resource(found.id)
    policy_of = ("key", account, region, found.id)
    if call.service == "kms" and account != call.account and call.operation not in _ACROSS:
        policy_of = None  # the key's policy cannot allow it
    return Target(found.arn, account, policy_of, tags, about)


def _key_in(blob: Any) -> str | None:
    """The key ID at the head of moto's ciphertexts."""
    try:
        data = base64.b64decode(blob) if isinstance(blob, str) else bytes(blob or b"")
        return data[:36].decode("ascii") or None
    except ValueError:
        return None


def _sealed_with(call: Any, state: Any) -> str | None:
    """The key of the ciphertext; an ARN if it is another account's, as KMS knows it too."""
    key = _key_in(call.params.get("CiphertextBlob"))
    accounts = (call.account, *state.accounts()) if key else ()
    for account in accounts:
        if account and key in state.backend("kms", account, call.region).keys:
            return f"arn:aws:kms:{call.region}:{account}:key/{key}"
    return key


def use_key(
    actions: Iterable[str], key: str, service: str, pairs: Mapping, call: Any, state: Any
) -> list[Check]:
    """The caller's permission to use a key through another service (`kms:ViaService`).

    AWS's own keys (aliases `aws/...`) need none: their policies admit the account's callers.
    """
    if "alias/aws/" in key:
        return []
    thing = _key(key, call, state)
    keys = {
        "kms:ViaService": f"{service}.{call.region}.amazonaws.com",
        "kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        **({"kms:CallerAccount": call.account} if call.account else {}),
        **_encryption_context(pairs),
    }
    return [ask(action, thing, keys, call, TAG_PREFIXES) for action in actions]


def _re_encrypt(call: Any, state: Any) -> list[Check]:
    """Out of one key and into another: one action for each."""
    params, found = call.params, []
    sides = (
        ("From", params.get("SourceKeyId") or _sealed_with(call, state), "Source"),
        ("To", params.get("DestinationKeyId"), "Destination"),
    )
    targets = [_key(key, call, state) or Target("*") for _, key, _ in sides]
    same = "true" if targets[0].arn == targets[1].arn else "false"
    for (side, key, name), thing in zip(sides, targets, strict=True):
        keys = {
            "kms:ReEncryptOnSameKey": same,
            "kms:EncryptionAlgorithm": params.get(name + "EncryptionAlgorithm")
            or "SYMMETRIC_DEFAULT",
            **_encryption_context(params.get(name + "EncryptionContext")),
        }
        if call.account:
            keys["kms:CallerAccount"] = call.account
        if key and "alias/" in key:
            keys["kms:RequestAlias"] = key[key.index("alias/") :]
        found.append(ask("kms:ReEncrypt" + side, thing, keys, call, TAG_PREFIXES))
    return found


def _create_key(call: Any, state: Any, asked: list[Check]) -> list[Check]:
    """A new key's properties are in the request; tags on it need kms:TagResource too."""
    new = {name: call.params.get(name) or value for name, value in _NEW_KEY.items()}
    new["KeySpec"] = call.params.get("CustomerMasterKeySpec") or new["KeySpec"]
    for name, value in new.items():
        key = "kms:KeyOrigin" if name == "Origin" else "kms:" + name
        asked[0].context[key] = str(value).lower() if name == "MultiRegion" else value
    if not call.params.get("Tags"):
        return []
    arn = f"arn:aws:kms:{call.region}:{call.account}:key/*"
    return [ask("kms:TagResource", Target(arn), asked[0].context, call, ())]


WHOLE = {"ReEncrypt": _re_encrypt}
EXTRA = {"CreateKey": _create_key}
