"""What IAM Access Analyzer's analyzers find: access from outside, and access that nobody uses.

Source: "How IAM Access Analyzer findings work", "IAM Access Analyzer resource types for external
access" and "Unused access findings", IAM User Guide. What is reported is worked out anew each time
it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from iamlab.account.errors import AwsError
from iamlab.account.trail import Record
from iamlab.policy import Policy, parse
from iamlab.policy.comparison import (
    ANYBODY,
    STRANGER,
    Unproved,
    callers_of,
    entity,
    outside_access,
    public_access,
)

# moto's service, its store of things, the type, and how the resource policy is asked for.
RESOURCES = {
    "sqs": ("queues", "AWS::SQS::Queue", "queue"),
    "kms": ("keys", "AWS::KMS::Key", "key"),
    "secretsmanager": ("secrets", "AWS::SecretsManager::Secret", "secret"),
    "lambda": ("", "AWS::Lambda::Function", "function"),
    "dynamodb": ("tables", "AWS::DynamoDB::Table", "table"),
}
TYPES = ("AWS::IAM::Role", "AWS::S3::Bucket", *(kind for _, kind, _ in RESOURCES.values()))
# Whom a bucket's ACL can name beyond the account, and what each permission allows:
# "Mapping of ACL permissions and access policy permissions", Amazon S3 User Guide.
EVERYBODY = ("/global/AllUsers", "/global/AuthenticatedUsers")
ACL_ACTIONS = {
    "READ": ("s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"),
    "WRITE": ("s3:PutObject",),
    "READ_ACP": ("s3:GetBucketAcl",),
    "WRITE_ACP": ("s3:PutBucketAcl",),
}
ACL_ACTIONS["FULL_CONTROL"] = tuple(a for actions in ACL_ACTIONS.values() for a in actions)


class Resource(NamedTuple):
    """A thing with a policy: what the analyzer of external access looks at."""

    arn: str
    type: str
    owner: str
    policy_of: tuple[Any, ...]
    thing: Any


def resources(lab: Any, account: str, region: str) -> Iterator[Resource]:
    """Yield everything with a resource policy in an account, as seen from one Region."""
    state = lab.state
    for role in state.iam(account).roles.values():
        yield Resource(role.arn, TYPES[0], account, ("role", account, role.name), role)
    for name, bucket in state.backend("s3", account).buckets.items():
        if bucket.region_name == region:
            yield Resource(f"arn:aws:s3:::{name}", TYPES[1], account, ("bucket", name), bucket)
    for service, (store, kind, what) in RESOURCES.items():
        backend = state.backend(service, account, region)
        things = getattr(backend, store).values() if store else backend.list_functions()
        for thing in things:
            arn = getattr(thing, _ARNS.get(service, "arn"))
            yield Resource(arn, kind, account, (what, account, region, _name(thing, what)), thing)


_ARNS = {"sqs": "queue_arn", "lambda": "function_arn", "dynamodb": "table_arn"}


def _name(thing: Any, what: str) -> str:
    if what == "key":
        return thing.id
    return thing.function_name if what == "function" else thing.name


# --- access from outside ------------------------------------------------------------------------


def external(lab: Any, resource: Resource, zone: set[str], own_org: str | None) -> list[dict]:
    """Find who outside the zone of trust may do what with a resource.

    Parameters
    ----------
    lab : Lab
    resource : Resource
    zone : set of str
        The accounts of the zone of trust.
    own_org : str or None
        The organization that is the zone of trust, if it is one.

    Returns
    -------
    list of dict
        ``principal``, ``action``, ``condition``, ``isPublic`` and, for buckets, ``sources``.
        ``{"error": "INTERNAL_ERROR"}`` where it can be neither proved nor ruled out.
    """
    found: list[dict[str, Any]] = []
    block = getattr(resource.thing, "public_access_block", None)
    bucket = resource.type == "AWS::S3::Bucket"
    try:
        policy = lab.attached.resource_policy(resource.policy_of)
        if policy is not None:
            found = list(_granted(policy, zone, own_org, _is(block, "restrict_public_buckets")))
    except (Unproved, AwsError):
        found = [{"error": "INTERNAL_ERROR"}]
    if bucket:
        found = [one | {"sources": [{"type": "POLICY"}]} for one in found]
        if not _is(block, "ignore_public_acls"):
            found += _by_acl(resource.thing)
    return found


def _granted(policy: Policy, zone: set[str], own_org: str | None, restricted: bool) -> Iterator:
    outside = [
        _without(caller, own_org)
        for caller in callers_of(policy)
        if (caller.facts["aws:principalaccount"] or STRANGER) not in zone
    ]
    public = {w.statement.index for w in public_access(policy)}
    for statement in policy.statements:
        if statement.effect != "Allow":
            continue
        condition = {key: ",".join(values) for _, key, values in statement.conditions}
        named = statement.principals or (("AWS", "*"),)
        for kind, value in named:
            if kind == "Service" or _inside(kind, value, zone):
                continue
            mine = outside if value == "*" else _callers(kind, value, own_org)
            alone = parse(_only(policy, statement, kind, value))
            is_public = statement.index in public and value == "*"
            shown = [w for w in outside_access(alone, mine) if not _from_inside(w.request, zone)]
            if shown and not (is_public and restricted):
                yield {
                    "principal": {kind: value},
                    "action": list(statement.actions or ("*",)),
                    "condition": condition,
                    "isPublic": is_public,
                }


def _only(policy: Policy, statement: Any, kind: str, value: str) -> dict[str, Any]:
    """Return a policy with one Allow, for one principal, and every Deny of the whole one."""
    document = policy.as_dict()
    kept = document["Statement"]
    one = dict(kept[statement.index])
    if "Principal" in one:
        one["Principal"] = {kind: value}
    denials = [s for s in kept if s["Effect"] == "Deny"]
    return document | {"Statement": [one, *denials]}


def _callers(kind: str, value: str, own_org: str | None) -> list:
    if kind == "AWS" and (value.isdigit() or value.endswith(":root")):
        account = value if value.isdigit() else value.split(":")[4]
        return [_without(entity(f"arn:aws:iam::{account}:user/somebody"), own_org)]
    one = {"Statement": [{"Effect": "Allow", "Principal": {kind: value}, "Action": "*"}]}
    names = {value, value.rpartition("/")[2]}
    found = callers_of(parse(one))
    return [_without(c, own_org) for c in found if names & {c.principal, c.issuer}]


def _without(caller: Any, own_org: str | None) -> Any:
    """Return a caller who is not of the organization, if that is the zone of trust."""
    if own_org is None or caller is ANYBODY:
        return caller
    return caller._replace(facts={**caller.facts, "aws:principalorgid": "o-stranger"})


def _inside(kind: str, value: str, zone: set[str]) -> bool:
    parts = value.split(":")
    account = value if value.isdigit() else parts[4] if len(parts) > 5 else ""
    return kind == "AWS" and account in zone


def _from_inside(request: Any, zone: set[str]) -> bool:
    """Tell whether a service only calls so on behalf of the zone of trust."""
    source = request.context.get("aws:sourceaccount")
    parts = str(request.context.get("aws:sourcearn", "")).split(":")
    return source in zone or (len(parts) > 5 and parts[4] in zone)


def _by_acl(bucket: Any) -> Iterator[dict[str, Any]]:
    for grant in bucket.acl.grants if bucket.acl else ():
        for grantee in grant.grantees:
            if str(grantee.uri or "").endswith(EVERYBODY):
                actions = {a for p in grant.permissions for a in ACL_ACTIONS.get(p, ())}
                yield {
                    "principal": {"AWS": "*"},
                    "action": sorted(actions),
                    "condition": {},
                    "isPublic": True,
                    "sources": [{"type": "BUCKET_ACL"}],
                }


def _is(block: Any, name: str) -> bool:
    return str(getattr(block, name, "false")).lower() == "true"


# --- access that nobody uses --------------------------------------------------------------------


def unused(lab: Any, account: str, age: int, exclusions: list[dict]) -> Iterator[tuple]:
    """Yield what the users and roles of an account have and have not used for ``age`` days.

    Yields
    ------
    tuple of (str, str, str, list of dict)
        ARN, resource type, finding type, details.
    """
    iam, now = lab.state.iam(account), lab.clock.now()
    limit = now - timedelta(days=age)
    uses = _uses(lab.trail.records)
    for role in iam.roles.values():
        if getattr(role, "_linked_service", None) or _aware(role.create_date) > limit:
            continue
        if _excluded({t["Key"]: t["Value"] for t in role.tags or []}, exclusions):
            continue
        last = _aware(role.last_used)
        if last is None or last < limit:
            details = [{"unusedIamRoleDetails": _last(last)}]
            yield role.arn, "AWS::IAM::Role", "UnusedIAMRole", details
        else:
            yield from _permissions(lab, account, role, "AWS::IAM::Role", uses, limit)
    for user in iam.users.values():
        if _aware(user.create_date) > limit:
            continue
        tags = iam.tagger.list_tags_for_resource(user.arn)["Tags"]
        if _excluded({t["Key"]: t["Value"] for t in tags}, exclusions):
            continue
        for key in user.access_keys:
            use = getattr(key, "reported_use", None) or key.last_used
            last = _aware(getattr(use, "timestamp", use))
            made = _aware(key.create_date)
            if key.status == "Active" and made <= limit and (last is None or last < limit):
                shown = {"accessKeyId": key.access_key_id} | _last(last)
                details = [{"unusedIamUserAccessKeyDetails": shown}]
                yield user.arn, "AWS::IAM::User", "UnusedIAMUserAccessKey", details
        if user.password:
            last = _aware(user.password_last_used)
            made = _aware(getattr(user, "password_last_changed", None) or user.create_date)
            if made <= limit and (last is None or last < limit):
                details = [{"unusedIamUserPasswordDetails": _last(last)}]
                yield user.arn, "AWS::IAM::User", "UnusedIAMUserPassword", details
        yield from _permissions(lab, account, user, "AWS::IAM::User", uses, limit)


def _permissions(lab, account, holder, kind, uses, limit) -> Iterator[tuple]:
    from iamlab.policy.breadth import open_actions

    by_service: dict[str, list[str]] = {}
    for action in sorted(open_actions(lab.attached.identity(account, holder))):
        by_service.setdefault(action.partition(":")[0], []).append(action)
    details = []
    for service, actions in by_service.items():
        when = {a: uses.get((holder.arn, a)) for a in actions}
        used = [w for w in when.values() if w is not None]
        last = max(used, default=None)
        shown: dict[str, Any] = {"serviceNamespace": service} | _last(last)
        if last is not None and last >= limit:
            idle = [a for a in actions if when[a] is None or when[a] < limit]
            if not idle:
                continue
            # Actions are told of services that are used: "the unused actions of a service".
            shown["actions"] = [
                {"action": a.partition(":")[2]} | _last(when[a], "lastAccessed") for a in idle
            ]
        details.append({"unusedPermissionDetails": shown})
    if details:
        yield holder.arn, kind, "UnusedPermission", details


def _uses(records: list[Record]) -> dict[tuple[str, str], datetime]:
    """Return when each principal last used each action; denied calls are no use."""
    found = {}
    for record in records:
        if record.caller is None or record.denied is not None:
            continue
        for decision in record.decisions:
            found[record.caller.principal_arn, decision.request.action] = record.time
    return found


def _last(when: datetime | None, name: str = "lastAccessed") -> dict[str, Any]:
    return {} if when is None else {name: when}


def _aware(when: Any) -> Any:
    return when.replace(tzinfo=UTC) if isinstance(when, datetime) and not when.tzinfo else when


def _excluded(tags: dict[str, str], exclusions: list[dict]) -> bool:
    return any(
        tags.get(key) == value
        for rule in exclusions
        for wanted in rule.get("resourceTags", ())
        for key, value in wanted.items()
    )


def identifier(*parts: Any) -> str:
    """Return the ID of a finding: the same for the same facts.

    Examples
    --------
    >>> identifier("a", 1) == identifier("a", 1) != identifier("a", 2)
    True
    """
    return str(uuid5(NAMESPACE_URL, json.dumps(parts, sort_keys=True, default=str)))
