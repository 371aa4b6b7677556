"""Policy generation: from what a user or role really did to a policy that allows just that.

As on AWS the policy names actions, and resources only where ``includeResourcePlaceholders`` asks
for placeholders. It is made from the lab's record, so no trail's bucket is read; what AWS does not
see is left out as well: denied calls, data events, ``iam:PassRole``. `exact` has them in.
Source: "IAM Access Analyzer policy generation", IAM User Guide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from iamlab.account.errors import AwsError
from iamlab.account.supplements.paging import token_page
from iamlab.account.supplements.policy_checks import form, invalid
from iamlab.account.trail import Record
from iamlab.policy import catalog

KEPT = timedelta(days=7)  # "Lists all of the policy generations requested in the last seven days"
LONGEST = timedelta(days=90)
# Of these services AWS names only that they were used: they have data events alone, or are not on
# the page's list of services with action-level information.
SERVICE_LEVEL = ("dynamodb", "sqs", "organizations", "cloudtrail")
# Calls that CloudTrail has only as data events: "Data events not available".
DATA_EVENTS = {
    "s3": re.compile(
        r"(Get|Put|Head|Delete|Restore|Select|Copy)Object.*|(Create|Upload|Complete|"
        r"Abort|List).*(Multipart|Part).*|ListObject.*|DeleteObjects"
    ),
    "lambda": re.compile("Invoke.*"),
}
NOT_TRACKED = ("iam:PassRole",)


def start(call: Any, lab: Any) -> dict[str, Any]:
    """StartPolicyGeneration. The job is done at once: the record is at hand."""
    params, now = call.params, lab.clock.now()
    jobs = _jobs(lab, call)
    token = params.get("clientToken")
    for job in jobs:
        if token and job["token"] == token:
            if job["params"] != params:
                text = "The client token was used with other parameters."
                raise _conflict(text, job["id"])
            return {"jobId": job["id"]}
    principal = params["policyGenerationDetails"]["principalArn"]
    if principal.split(":")[4] != call.account:
        raise invalid("The principal must be in your account.", name="principalArn")
    details = params.get("cloudTrailDetails")
    start_time = _moment(details["startTime"]) if details else now - LONGEST
    end_time = _moment(details.get("endTime") or now) if details else now
    if details and (start_time >= end_time or end_time - start_time > LONGEST):
        text = "The time range must start before it ends, and be no longer than 90 days."
        raise invalid(text, name="startTime")
    missing = lab.callers.principal(principal) is None
    jobs.append(
        {
            "id": str(uuid4()),
            "principal": principal,
            "status": "FAILED" if missing else "SUCCEEDED",
            "started": now,
            "completed": now,
            "token": token,
            "params": params,
            "from": start_time,
            "to": end_time,
            "details": details,
        }
    )
    return {"jobId": jobs[-1]["id"]}


def get(call: Any, lab: Any) -> dict[str, Any]:
    """GetGeneratedPolicy."""
    job = _job(call, lab)
    properties: dict[str, Any] = {"principalArn": job["principal"], "isComplete": False}
    result: dict[str, Any] = {"properties": properties}
    if job["details"]:
        properties["cloudTrailProperties"] = {
            "trailProperties": job["details"]["trails"],
            "startTime": job["from"],
            "endTime": job["to"],
        }
    if job["status"] == "SUCCEEDED":
        params = call.params
        actions, services = used(lab, job["principal"], job["from"], job["to"])
        properties["isComplete"] = not services
        found = policies(
            actions,
            services if _true(params.get("includeServiceLevelTemplate")) else set(),
            _true(params.get("includeResourcePlaceholders")),
        )
        result["generatedPolicies"] = [{"policy": json.dumps(one, indent=2)} for one in found]
    return {"jobDetails": _details(job), "generatedPolicyResult": result}


def listed(call: Any, lab: Any) -> dict[str, Any]:
    """ListPolicyGenerations: those of the last seven days, the newest first."""
    wanted = call.params.get("principalArn")
    found = [
        _details(job) | {"principalArn": job["principal"]}
        for job in reversed(_jobs(lab, call))
        if wanted in (None, job["principal"]) and lab.clock.now() - job["started"] <= KEPT
    ]
    for one in found:
        one.pop("jobError", None)
    return token_page(found, call.params, "policyGenerations")


def cancel(call: Any, lab: Any) -> dict[str, Any]:
    """CancelPolicyGeneration."""
    _job(call, lab)["status"] = "CANCELED"
    return {}


def used(lab: Any, principal: str, start: datetime, end: datetime) -> tuple[set[str], set[str]]:
    """Return the actions that a user or role used, and the services of which only that is known.

    Parameters
    ----------
    lab : Lab
    principal : str
        ARN of the user or role.
    start, end : datetime
        Lab time.

    Returns
    -------
    tuple of (set of str, set of str)
        ``{"iam:GetUser", …}`` and ``{"dynamodb", …}``.
    """
    actions, services = set(), set()
    for record in _allowed(lab, principal):
        if not start <= record.time <= end:
            continue
        data = DATA_EVENTS.get(record.service)
        for decision in record.decisions:
            action = decision.request.action
            service = action.partition(":")[0]
            if action in NOT_TRACKED:
                continue
            if service in SERVICE_LEVEL or (data and data.fullmatch(record.operation)):
                services.add(service)
            else:
                actions.add(action)
    return actions, services


def policies(actions: set[str], services: set[str], placeholders: bool) -> list[dict[str, Any]]:
    """Write a policy that allows some actions, and one that names services still to be filled in.

    Examples
    --------
    >>> policies({"sqs:SendMessage"}, set(), True)[0]["Statement"][0]["Resource"]
    'arn:aws:sqs:${Region}:${Account}:${QueueName}'
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for action in sorted(actions):
        groups.setdefault(_resources(action) if placeholders else ("*",), []).append(action)
    statements = [
        {"Effect": "Allow", "Action": names, "Resource": _one(resources)}
        for resources, names in groups.items()
    ]
    found = [{"Version": "2012-10-17", "Statement": statements}] if statements else []
    if services:
        # AWS's template leaves the actions to whoever completes it.
        open_ = [f"{service}:${{ActionName}}" for service in sorted(services)]
        statement = {"Effect": "Allow", "Action": open_, "Resource": "*"}
        found.append({"Version": "2012-10-17", "Statement": [statement]})
    return found


def exact(lab: Any, principal: str) -> dict[str, Any]:
    """Write the policy that allows exactly what a user or role did: the lab's own, not AWS's.

    The record knows more than CloudTrail: the resources, the data events, the roles handed over.

    Parameters
    ----------
    lab : Lab
    principal : str
        ARN of the user or role.

    Returns
    -------
    dict
        A policy document; ``Statement`` is empty if nothing was done.

    Examples
    --------
    >>> import boto3, iamlab
    >>> with iamlab.start() as lab:
    ...     _ = boto3.client("s3").create_bucket(Bucket="reports")
    ...     exact(lab, "arn:aws:iam::111122223333:user/administrator")["Statement"]
    [{'Effect': 'Allow', 'Action': ['s3:CreateBucket'], 'Resource': ['arn:aws:s3:::reports']}]
    """
    resources: dict[str, set[str]] = {}
    for record in _allowed(lab, principal):
        for decision in record.decisions:
            asked = decision.request
            resources.setdefault(asked.action, set()).add(asked.resource.replace("${", "${$}{"))
    groups: dict[tuple[str, ...], list[str]] = {}
    for action, names in sorted(resources.items()):
        groups.setdefault(tuple(sorted(names)), []).append(action)
    statements = [
        {"Effect": "Allow", "Action": actions, "Resource": list(names)}
        for names, actions in groups.items()
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _allowed(lab: Any, principal: str) -> Iterator[Record]:
    for record in lab.trail.records:
        caller = record.caller
        if caller is not None and caller.principal_arn == principal and record.denied is None:
            yield record


def _resources(action: str) -> tuple[str, ...]:
    types = [arn for _, arn in catalog.resource_types(action)]
    return tuple(arn.replace("${Partition}", "aws") for arn in types) or ("*",)


def _one(resources: tuple[str, ...]) -> str | list[str]:
    return resources[0] if len(resources) == 1 else list(resources)


def _details(job: dict[str, Any]) -> dict[str, Any]:
    found = {"jobId": job["id"], "status": job["status"], "startedOn": job["started"]}
    found["completedOn"] = job["completed"]
    if job["status"] == "FAILED":
        text = f"The principal {job['principal']} does not exist."
        found["jobError"] = {"code": "RESOURCE_NOT_FOUND_ERROR", "message": text}
    return found


def _jobs(lab: Any, call: Any) -> list[dict[str, Any]]:
    from iamlab.account.supplements.access_analyzer import store

    return store(lab, call)["jobs"]


def _job(call: Any, lab: Any) -> dict[str, Any]:
    for job in _jobs(lab, call):
        if job["id"] == call.params["jobId"] and lab.clock.now() - job["started"] <= KEPT:
            return job
    raise invalid("There is no policy generation with this job ID.", name="jobId")


def _conflict(text: str, job: str) -> AwsError:
    fields = {"resourceId": job, "resourceType": "PolicyGeneration"}
    return AwsError("ConflictException", text, 409, fields)


def _true(value: Any) -> bool:
    return str(value).lower() == "true"


def _moment(value: Any) -> datetime:
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


REGISTRY = {
    ("access-analyzer", "StartPolicyGeneration"): start,
    ("access-analyzer", "GetGeneratedPolicy"): get,
    ("access-analyzer", "ListPolicyGenerations"): listed,
    ("access-analyzer", "CancelPolicyGeneration"): cancel,
}
BEFORE = dict.fromkeys(REGISTRY, form)
