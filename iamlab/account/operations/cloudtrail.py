"""CloudTrail's exceptions to the general rule: trails by name or ARN, tags in a list of their own.

Source: "Actions, resources, and condition keys for AWS CloudTrail"; "CreateTrail", AWS CloudTrail
API Reference, for the role that is handed to CloudTrail.
"""

from __future__ import annotations

from typing import Any

from .target import Kind, Target, fill, tags_of

_ANY = ("ResourceId", "ResourceIdList", "ResourceArn")
MEMBERS = {
    "trail": ("Name", "TrailName", *_ANY),
    "eventdatastore": ("EventDataStore", "EventDataStores", *_ANY),
    "channel": ("Channel", *_ANY),
    "dashboard": ("DashboardId", *_ANY),
    ("CreateDashboard", "dashboard"): ("Name",),
    ("ListInsightsData", "trail"): ("InsightSource",),
}
_LOGS_ROLE = ((("CloudWatchLogsRoleArn",), "cloudtrail.amazonaws.com"),)
PASSES = {"CreateTrail": _LOGS_ROLE, "UpdateTrail": _LOGS_ROLE}


def target(kind: Kind, value: str | None, call: Any, state: Any) -> Target | None:
    """A trail, data store, channel or dashboard; an ARN says which of these it is."""
    if value is None:
        return None
    arn = value if value.startswith("arn:") else fill(kind, value, call)
    owner, what = arn.split(":", 5)[4:6]
    if what.partition("/")[0] != kind.name:
        return None
    tags = None
    if owner.isdigit() and call.operation != "CreateTrail":
        backend = state.backend("cloudtrail", owner, arn.split(":")[3])
        tags = backend.tagging_service.list_tags_for_resource(arn)["TagsList"]
    return Target(arn, tags=tags_of(tags))


def context(operation: str, call: Any, state: Any, found: dict[str, Any]) -> None:
    """CloudTrail calls the tags of a request TagsList."""
    tags = tags_of(call.params.get("TagsList"))
    if tags:
        found["aws:TagKeys"] = list(tags)
        found |= {f"aws:RequestTag/{key}": text for key, text in tags.items() if text is not None}
