"""The log files of a trail: written into its bucket when somebody next looks there.

CloudTrail delivers about every five minutes. The lab writes the files that are due by its clock
when objects are next listed or read. Management events only, as the trail's selectors say; data
events and digest files are not written.

Sources: "CloudTrail log file name format" and "Finding your CloudTrail log files", AWS CloudTrail
User Guide.
"""

from __future__ import annotations

import gzip
import json
import secrets
import sys
from datetime import UTC, datetime
from typing import Any

from iamlab.account.supplements import trail_events, trails

EVERY = 300  # seconds


def start(call: Any, lab: Any) -> None:
    """StartLogging: from this call on."""
    trail = trails.find(call, lab)
    if trail is not None and not trail.status.is_logging:
        _deliver(trail, lab)
        trail.status.log_from, trail.status.log_to = len(lab.trail.records) - 1, None


def stop(call: Any, lab: Any) -> None:
    """StopLogging: this call is the last."""
    trail = trails.find(call, lab)
    if trail is not None and trail.status.is_logging:
        trail.status.log_to = len(lab.trail.records)


def deliver(call: Any, lab: Any) -> None:
    """Write what is due into the bucket that somebody looks into."""
    models = sys.modules.get("moto.cloudtrail.models")
    if models is None:
        return
    for regions in list(models.cloudtrail_backends.values()):
        for backend in list(regions.values()):
            for trail in backend.trails.values():
                if trail.bucket_name == call.params.get("Bucket"):
                    _deliver(trail, lab)


def _deliver(trail: Any, lab: Any) -> None:
    first = getattr(trail.status, "log_from", None)
    if first is None or not trails.may_write(trail, lab):
        return
    # The call that is under way is not over: it comes with the next file.
    end = min(len(lab.trail.records) - 1, trail.status.log_to or sys.maxsize)
    due = lab.clock.now().timestamp() // EVERY * EVERY
    files: dict[tuple[str, int], list[dict[str, Any]]] = {}
    while first < end and (record := lab.trail.records[first]).time.timestamp() < due:
        first += 1
        region = trail_events.region(record)
        here = trail.is_multi_region or region == trail.region_name
        if here and trail.account_id in trail_events.recipients(record):
            told = trail_events.event(record, trail.account_id)
            if _is_wanted(told, trail):
                at = int(record.time.timestamp() // EVERY + 1) * EVERY
                files.setdefault((region, at), []).append(told)
    trail.status.log_from = first
    for (region, at), told in files.items():
        _write(trail, lab, region, datetime.fromtimestamp(at, UTC), told)


def _is_wanted(told: dict[str, Any], trail: Any) -> bool:
    if trail.advanced_event_selectors:
        return any(
            _fits(told, selector["FieldSelectors"]) for selector in trail.advanced_event_selectors
        )
    for selector in trail.event_selectors or [trails.DEFAULT]:
        kinds = {"ReadOnly": True, "WriteOnly": False}
        wanted = kinds.get(selector.get("ReadWriteType", "All"), told["readOnly"])
        excluded = selector.get("ExcludeManagementEventSources") or ()
        if selector.get("IncludeManagementEvents", True) and wanted == told["readOnly"]:
            return told["eventSource"] not in excluded
    return False


_TESTS = {
    "Equals": lambda text, values: text in values,
    "NotEquals": lambda text, values: text not in values,
    "StartsWith": lambda text, values: text.startswith(tuple(values)),
    "NotStartsWith": lambda text, values: not text.startswith(tuple(values)),
    "EndsWith": lambda text, values: text.endswith(tuple(values)),
    "NotEndsWith": lambda text, values: not text.endswith(tuple(values)),
}


def _fits(told: dict[str, Any], fields: list[dict[str, Any]]) -> bool:
    for field in fields:
        value = told.get(field["Field"], "")
        text = str(value).lower() if isinstance(value, bool) else str(value)
        for name, test in _TESTS.items():
            if field.get(name) and not test(text, field[name]):
                return False
    return True


def _write(trail: Any, lab: Any, region: str, at: datetime, told: list[dict[str, Any]]) -> None:
    account, prefix = trail.account_id, trail.s3_key_prefix
    unique = secrets.token_urlsafe(12).replace("-", "0").replace("_", "1")
    key = (
        f"{prefix + '/' if prefix else ''}AWSLogs/{account}/CloudTrail/{region}/{at:%Y/%m/%d}/"
        f"{account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_{unique}.json.gz"
    )
    text = json.dumps({"Records": told}, separators=(",", ":")).encode()
    owner = lab.state.bucket_account(trail.bucket_name)
    made = lab.state.backend("s3", owner).put_object(
        trail.bucket_name, key, gzip.compress(text, mtime=int(at.timestamp()))
    )
    made.set_metadata({"Content-Type": "application/json", "Content-Encoding": "gzip"})


_LOOKS = ("GetObject", "HeadObject", "ListObjects", "ListObjectsV2", "ListObjectVersions")
BEFORE = {("s3", operation): deliver for operation in _LOOKS} | {
    ("cloudtrail", "StartLogging"): start,
    ("cloudtrail", "StopLogging"): stop,
}
