"""S3 DeleteObjects answers for each key: what is denied is listed as an error, the rest goes."""

from __future__ import annotations

from typing import Any

from iamlab.account.errors import denial


def delete_objects(call: Any, lab: Any) -> dict[str, Any]:
    """DeleteObjects: one decision a key.

    Notes
    -----
    Source: "DeleteObjects", Amazon S3 API Reference: the action "returns the result of deleting
    each object", and an object that may not be deleted comes back with the code AccessDenied.
    """
    bucket = call.params["Bucket"]
    owner = lab.state.bucket_account(bucket)
    backend = lab.state.backend("s3", owner)
    denied = {d.request.resource: d for d in call.decisions if d.effect != "allowed"}
    deleted, errors = [], []
    for item in call.params["Delete"]["Objects"]:
        known = {name: item[name] for name in ("Key", "VersionId") if item.get(name)}
        decision = denied.get(f"arn:aws:s3:::{bucket}/{item['Key']}")
        if decision is not None:
            error = denial("s3", call.caller.arn, decision, owner == call.account)
            errors.append(known | {"Code": error.code, "Message": error.message})
            continue
        bypass = str(call.params.get("BypassGovernanceRetention")).lower() == "true"
        done, locked = backend.delete_objects(bucket, [known], bypass)
        for _ in locked:
            text = "Access Denied because object protected by object lock."
            errors.append(known | {"Code": "AccessDenied", "Message": text})
        for _, _, marker in done:
            more = {"DeleteMarker": True, "DeleteMarkerVersionId": marker} if marker else {}
            deleted.append(known | more)
    quiet = str(call.params["Delete"].get("Quiet")).lower() == "true"
    return {"Deleted": [] if quiet else deleted, "Errors": errors}


def item_by_item(call: Any, lab: Any) -> bool:
    """Say whether AWS answers this call with a denial for each item, not one for the whole."""
    if (call.service, call.operation) not in REGISTRY:
        return False
    return lab.state.bucket_account(call.params.get("Bucket", "")) is not None


REGISTRY = {("s3", "DeleteObjects"): delete_objects}
