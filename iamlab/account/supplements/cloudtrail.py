"""CloudTrail's event history: LookupEvents over the lab's record.

Events are made from the record when somebody looks, newest first, and only as many as a page
takes: a long record costs nothing. What CloudTrail needs minutes for, the lab shows at once.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from iamlab.account.errors import AwsError
from iamlab.account.supplements import trail_events, trail_files, trails
from iamlab.account.trail import Record

KEPT = timedelta(days=90)
MOST = 50
LONGEST = 2000  # characters of an attribute's value
_COUNT_TWICE = "_ ,\n"
# Attribute -> what of a call it is compared with. Resources take the whole event.
_LIGHT: dict[str, Callable[[Record, str], Any]] = {
    "EventId": trail_events.event_id,
    "EventName": lambda record, account: trail_events.name(record),
    "ReadOnly": lambda record, account: _text(trail_events.read_only(record)),
    "Username": trail_events.user_name,
    "EventSource": lambda record, account: trail_events.source(record),
    "AccessKeyId": trail_events.access_key_id,
}
_RESOURCE = ("ResourceType", "ResourceName")


def events(lab: Any, account: str, region: str | None = None) -> list[dict[str, Any]]:
    """Return an account's whole event history in CloudTrail's JSON, oldest first.

    Parameters
    ----------
    lab : Lab
    account : str
        12 digits.
    region : str, optional
        Only this Region's; all if not given.

    Returns
    -------
    list of dict
        Management events of the last 90 days of lab time.

    Examples
    --------
    >>> import boto3, iamlab
    >>> with iamlab.start() as lab:
    ...     _ = boto3.client("iam").list_users()
    ...     [told["eventName"] for told in events(lab, lab.account_id)]
    ['ListUsers']
    """
    start = lab.clock.now() - KEPT
    return [
        trail_events.event(record, account)
        for record in lab.trail.records
        if record.time >= start and _is_in(record, account, region)
    ]


def lookup_events(call: Any, lab: Any) -> dict[str, Any]:
    """LookupEvents ("LookupEvents", AWS CloudTrail API Reference): one Region, one account."""
    params, account = call.params, call.account
    wanted = _attribute(params)
    start, end = _times(params, lab.clock.now())
    size = params.get("MaxResults", MOST)
    if type(size) is not int or not 1 <= size <= MOST:
        raise AwsError("InvalidMaxResultsException", "MaxResults must be from 1 to 50.")
    category = params.get("EventCategory")
    if category not in (None, "insight"):
        raise AwsError("InvalidEventCategoryException", "The event category is not valid.")
    # The call that asks is not part of the answer yet.
    before = len(lab.trail.records) - 1
    asked = _digest(params, account, call.region)
    if (token := params.get("NextToken")) is not None:
        before = _position(token, asked, before)
    if category == "insight":
        return {"Events": []}
    found: list[dict[str, Any]] = []
    for index in range(before - 1, -1, -1):
        record = lab.trail.records[index]
        if not start <= record.time.replace(microsecond=0) <= end:
            continue
        if not _is_in(record, account, call.region):
            continue
        if wanted and wanted[0] in _LIGHT and _LIGHT[wanted[0]](record, account) != wanted[1]:
            continue
        told = _entry(record, account)
        if wanted and wanted[0] in _RESOURCE and not _names(told, *wanted):
            continue
        if len(found) == size:
            return {"Events": found, "NextToken": _token(asked, index + 1)}
        found.append(told)
    return {"Events": found}


def _is_in(record: Record, account: str, region: str | None) -> bool:
    return (region is None or trail_events.region(record) == region) and (
        account in trail_events.recipients(record)
    )


def _entry(record: Record, account: str) -> dict[str, Any]:
    told = trail_events.event(record, account)
    entry = {
        "EventId": told["eventID"],
        "EventName": told["eventName"],
        "ReadOnly": _text(told["readOnly"]),
        "AccessKeyId": trail_events.access_key_id(record, account),
        "EventTime": record.time.replace(microsecond=0),
        "EventSource": told["eventSource"],
        "Username": trail_events.user_name(record, account),
        "Resources": trail_events.referenced(told),
        "CloudTrailEvent": json.dumps(told, separators=(",", ":")),
    }
    return {key: value for key, value in entry.items() if value is not None}


def _names(entry: dict[str, Any], key: str, value: str) -> bool:
    return any(resource[key] == value for resource in entry["Resources"])


def _text(truth: bool) -> str:
    return "true" if truth else "false"


# --- The request ------------------------------------------------------------------------------
# The codes are AWS's; the texts are the lab's own [I].


def _attribute(params: dict[str, Any]) -> tuple[str, str] | None:
    bad = "InvalidLookupAttributesException"
    listed = params.get("LookupAttributes") or []
    if not isinstance(listed, list) or len(listed) > 1:
        raise AwsError(bad, "Only one lookup attribute can be given.")
    if listed and not isinstance(listed[0], dict):
        raise AwsError(bad, "A lookup attribute has an AttributeKey and an AttributeValue.")
    if not listed:
        return None
    key, value = listed[0].get("AttributeKey"), listed[0].get("AttributeValue")
    if key not in _LIGHT and key not in _RESOURCE:
        keys = ", ".join(sorted((*_LIGHT, *_RESOURCE)))
        raise AwsError(bad, f"{key!r} is not a lookup attribute. They are: {keys}.")
    length = len(str(value or "")) + sum(map(str(value or "").count, _COUNT_TWICE))
    if not isinstance(value, str) or not 1 <= length <= LONGEST:
        raise AwsError(bad, f"An attribute's value has 1 to {LONGEST} characters.")
    return key, value


def _times(params: dict[str, Any], now: datetime) -> tuple[datetime, datetime]:
    oldest = now - KEPT
    start = _time(params.get("StartTime"), oldest)
    end = _time(params.get("EndTime"), now)
    if start > end:
        raise AwsError("InvalidTimeRangeException", "The start time is after the end time.")
    if end < oldest:
        raise AwsError("InvalidTimeRangeException", "Events are kept for 90 days.")
    return max(start, oldest.replace(microsecond=0)), end


def _time(value: Any, default: datetime) -> datetime:
    if value is None:
        return default
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise AwsError("InvalidTimeRangeException", f"{value!r} is not a time.") from None


# --- Pages: a token says where to go on, and for which question ---------------------------------


def _digest(params: dict[str, Any], account: str, region: str) -> str:
    asked = {key: value for key, value in params.items() if key not in ("NextToken", "MaxResults")}
    text = json.dumps([asked, account, region], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _token(asked: str, before: int) -> str:
    return base64.b64encode(f"{asked} {before}".encode()).decode()


def _position(token: Any, asked: str, last: int) -> int:
    try:
        digest, _, before = base64.b64decode(token, validate=True).decode().partition(" ")
        if digest == asked and 0 <= int(before) <= last:
            return int(before)
    except (TypeError, ValueError):
        pass
    raise AwsError(
        "InvalidNextTokenException",
        "The token is not valid, or was given for other parameters.",
    )


REGISTRY = {("cloudtrail", "LookupEvents"): lookup_events} | trails.REGISTRY
BEFORE = trails.BEFORE | trail_files.BEFORE
