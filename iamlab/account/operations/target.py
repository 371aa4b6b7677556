"""What an action is asked on, and small helpers that the services' tables share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

NOTHING: Mapping[str, Any] = {}
words = str.split  # tables of names are easier to read as one text


@dataclass(slots=True)
class Check:
    """One permission question: may the caller do this action on this resource?

    Attributes
    ----------
    action : str
        AWS's name of the action, such as "s3:ListBucket".
    resource : str
        ARN, or "*" for an action that has no resource. A resource that the call would create
        has "*" for its name.
    context : dict of str to str or list of str
        The condition keys that come from the request and from the resource.
    resource_account : str or None
        The account that owns the resource, 12 digits.
    policy_of : tuple or None
        Whose resource policy applies: ("bucket", name), ("queue", account, region, name),
        ("key", account, region, id), ("secret", account, region, name), ("role", account, name),
        ("function", account, region, name), ("table", account, region, name).
    """

    action: str
    resource: str
    context: dict[str, Any] = field(default_factory=dict)
    resource_account: str | None = None
    policy_of: tuple | None = None


class Kind(NamedTuple):
    """A resource type of an action, as the Service Authorization Reference lists it."""

    name: str
    form: str  # the ARN, with {region}, {account} and {name} to fill in
    required: bool
    members: tuple[str, ...]  # the request members that can name it
    keys: frozenset[str]  # its condition keys and the action's, in lower case


class Target(NamedTuple):
    """A resource that a call names, with what the account knows of it."""

    arn: str
    account: str | None = None  # None: read it from the ARN
    policy_of: tuple | None = None
    tags: Mapping[str, str] = NOTHING
    keys: Mapping[str, Any] = NOTHING  # condition keys that come from the resource


def ask(action: str, target: Target, context: Mapping, call: Any, prefixes: Iterable) -> Check:
    """The question for one action on one resource."""
    account = target.account
    if account is None:
        account = account_of(target.arn) or call.account
    context = {**context, **target.keys}
    if target.tags:
        for prefix in prefixes:
            for key, value in target.tags.items():
                context[prefix + key] = value
    return Check(action, target.arn, context, account, target.policy_of)


def same(action: str, check: Check) -> Check:
    """One more action on the same resource, with the same keys."""
    return Check(
        action, check.resource, dict(check.context), check.resource_account, check.policy_of
    )


def account_of(arn: str) -> str | None:
    """The account in an ARN; None if it names none (S3, AWS's own policies)."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[4].isdigit() else None


def fill(kind: Kind, name: str, call: Any) -> str:
    """The ARN of a resource of the caller's account and Region."""
    return kind.form.format(region=call.region, account=call.account, name=name)


def any_of(kind: Kind, call: Any) -> Target:
    """A resource of this kind without a name: the call will create it, or names it elsewhere."""
    return Target(fill(kind, "*", call))


def plain(kind: Kind, value: str | None, call: Any, state: Any) -> Target | None:
    """The usual case: a name that completes the ARN, or the whole ARN."""
    if value is None:
        return None
    return Target(value if value.startswith("arn:") else fill(kind, value, call))


def pass_role(arns: Any, service: str, resource: str, call: Any) -> list[Check]:
    """`iam:PassRole` for each role that a call hands to a service.

    Source: "Granting a user permissions to pass a role to an AWS service", IAM User Guide.
    """
    arns = [arns] if isinstance(arns, str) else arns or []
    return [
        Check(
            "iam:PassRole",
            arn if arn.startswith("arn:") else f"arn:aws:iam::{call.account}:role/{arn}",
            {
                "iam:PassedToService": service,
                "iam:AssociatedResourceArn": resource,
            },
            account_of(arn) or call.account,
        )
        for arn in arns
    ]


def tags_of(tags: Any) -> dict[str, str | None]:
    """Tags in any of the shapes that AWS's services use, as one dict.

    >>> tags_of([{"Key": "team", "Value": "red"}]), tags_of({"team": "red"}), tags_of(["team"])
    ({'team': 'red'}, {'team': 'red'}, {'team': None})
    """
    if not tags:
        return {}
    if isinstance(tags, Mapping):
        if "TagSet" in tags:
            return tags_of(tags["TagSet"])
        pairs = tags.values()
        return tags_of(list(pairs)) if all(isinstance(p, Mapping) for p in pairs) else dict(tags)
    if isinstance(tags, str):
        return {tags: None}
    found: dict[str, str | None] = {}
    for tag in tags:
        if not isinstance(tag, Mapping):
            found[tag] = None
        elif (key := tag.get("Key", tag.get("TagKey"))) is not None:
            found[key] = tag.get("Value", tag.get("TagValue"))
    return found


def pairs(table: str) -> dict[str, str]:
    """A table written as text.

    >>> pairs("Prefix=s3:prefix MaxKeys=s3:max-keys")
    {'Prefix': 's3:prefix', 'MaxKeys': 's3:max-keys'}
    """
    return dict(item.split("=", 1) for item in table.split())


def dig(params: Any, path: Iterable[str]) -> Any:
    """The value at a path of member names; None where the request has none. Lists are walked.

    >>> dig({"Disks": [{"Ebs": {"Size": 8}}, {"Ebs": {}}]}, ["Disks", "Ebs", "Size"])
    [8]
    """
    for name in path:
        if isinstance(params, list):
            items = [item.get(name) for item in params if isinstance(item, Mapping)]
            params = [item for item in items if item is not None]
        elif isinstance(params, Mapping):
            params = params.get(name)
        else:
            return None
    return params


def text(value: Any) -> Any:
    """A request value as a condition key's value: text, or a list of texts."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return [text(item) for item in value]
    return str(value)
