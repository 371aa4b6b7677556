"""Trails where moto is too kind: what CreateTrail refuses, and what is told of a trail.

Sources: the calls' pages in the AWS CloudTrail API Reference; "Amazon S3 bucket policy for
CloudTrail", AWS CloudTrail User Guide.
"""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import JsonRESTError

from iamlab.account.callers import Caller
from iamlab.account.errors import AwsError

SERVICE = "cloudtrail.amazonaws.com"
_CLOUDTRAIL = Caller("service", "", SERVICE, SERVICE, SERVICE, SERVICE)
# What a trail logs if nobody said otherwise.
DEFAULT = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}


def before_create(call: Any, lab: Any) -> None:
    """CreateTrail: the name is free, and CloudTrail may write into the bucket."""
    name = str(call.params.get("Name", ""))
    if name in _backend(call, lab).trails:
        text = f"Trail {name} already exists for customer: {call.account}"  # text: [M]
        raise AwsError("TrailAlreadyExistsException", text)
    _check_bucket(call, lab, call.params.get("S3BucketName"), call.params.get("S3KeyPrefix"), name)


def before_update(call: Any, lab: Any) -> None:
    """UpdateTrail: a new bucket or prefix is one that CloudTrail may write into."""
    if "S3BucketName" in call.params or "S3KeyPrefix" in call.params:
        trail = _trail(call, lab, "Name")
        bucket = call.params.get("S3BucketName", trail.bucket_name)
        prefix = call.params.get("S3KeyPrefix", trail.s3_key_prefix)
        _check_bucket(call, lab, bucket, prefix, trail.trail_name)


def _check_bucket(call: Any, lab: Any, bucket: Any, prefix: Any, name: str) -> None:
    # moto says it if there is no such bucket.
    if lab.state.bucket_account(bucket) is not None and not _may_write(
        lab, bucket, prefix, call.account, call.region, name
    ):
        text = f"Incorrect S3 bucket policy is detected for bucket: {bucket}"  # [O]
        raise AwsError("InsufficientS3BucketPolicyException", text)


def may_write(trail: Any, lab: Any) -> bool:
    """Return whether CloudTrail can still write a trail's files: its bucket may say no by now."""
    where = (trail.bucket_name, trail.s3_key_prefix, trail.account_id, trail.region_name)
    return lab.state.bucket_account(trail.bucket_name) is not None and _may_write(
        lab, *where, trail.trail_name
    )


def _may_write(
    lab: Any, bucket: str, prefix: str | None, account: str, region: str, name: str
) -> bool:
    source = f"arn:aws:cloudtrail:{region}:{account}:trail/{name}"
    facts = {"aws:SourceArn": source, "aws:SourceAccount": account}
    acl = {"s3:x-amz-acl": "bucket-owner-full-control"}
    folder = f"arn:aws:s3:::{bucket}/{prefix + '/' if prefix else ''}AWSLogs/{account}/x"
    asked = (
        ("s3:GetBucketAcl", f"arn:aws:s3:::{bucket}", facts),
        ("s3:PutObject", folder, facts | acl),
    )
    return all(
        lab.gate.decide(
            _CLOUDTRAIL,
            action,
            resource,
            context,
            resource_account=lab.state.bucket_account(bucket),
            policy_of=("bucket", bucket),
        ).effect
        == "allowed"
        for action, resource, context in asked
    )


def delete_trail(call: Any, lab: Any) -> dict[str, Any]:
    """DeleteTrail: by name or ARN; a trail that is not there is an error."""
    del _backend(call, lab).trails[_trail(call, lab, "Name").trail_name]
    return {}


def get_trail(call: Any, lab: Any) -> dict[str, Any]:
    """GetTrail, with what the trail's selectors are."""
    return {"Trail": _described(_trail(call, lab, "Name"))}


def describe_trails(call: Any, lab: Any) -> dict[str, Any]:
    """DescribeTrails: those of the list only, if there is one; unknown names are passed over."""
    wanted = call.params.get("trailNameList")
    shadows = call.params.get("includeShadowTrails", True)
    found = _backend(call, lab).describe_trails(shadows)
    return {
        "trailList": [
            _described(trail)
            for trail in found
            if not wanted or trail.trail_name in wanted or trail.arn in wanted
        ]
    }


def get_event_selectors(call: Any, lab: Any) -> dict[str, Any]:
    """GetEventSelectors: a trail that was given none logs all management events."""
    trail = _trail(call, lab, "TrailName")
    told: dict[str, Any] = {"TrailARN": trail.arn}
    if trail.advanced_event_selectors:
        return told | {"AdvancedEventSelectors": trail.advanced_event_selectors}
    return told | {"EventSelectors": trail.event_selectors or [DEFAULT]}


def _described(trail: Any) -> dict[str, Any]:
    selectors = trail.event_selectors or trail.advanced_event_selectors
    told = trail.description(include_region=True) | {
        "HasCustomEventSelectors": bool(selectors),
        "HasInsightSelectors": bool(trail.insight_selectors),
    }
    return {key: value for key, value in told.items() if value is not None}


def _backend(call: Any, lab: Any) -> Any:
    return lab.state.backend("cloudtrail", call.account, call.region)


def find(call: Any, lab: Any) -> Any:
    """Return the trail that a call names, or None."""
    try:
        return _trail(call, lab, "Name")
    except AwsError:
        return None


def _trail(call: Any, lab: Any, member: str) -> Any:
    try:
        return _backend(call, lab).get_trail(str(call.params.get(member, "")))
    except JsonRESTError as error:
        raise AwsError(error.error_type, error.message) from None


REGISTRY = {
    ("cloudtrail", "DeleteTrail"): delete_trail,
    ("cloudtrail", "DescribeTrails"): describe_trails,
    ("cloudtrail", "GetEventSelectors"): get_event_selectors,
    ("cloudtrail", "GetTrail"): get_trail,
}
BEFORE = {
    ("cloudtrail", "CreateTrail"): before_create,
    ("cloudtrail", "UpdateTrail"): before_update,
}
