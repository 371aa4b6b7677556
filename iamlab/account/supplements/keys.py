"""Access keys: UserName may be left out, and a key is only ever found under its own user."""

from __future__ import annotations

from typing import Any

from iamlab.account.errors import AwsError
from iamlab.account.supplements.paging import page


def create(call: Any, lab: Any) -> dict[str, Any]:
    """CreateAccessKey; moto refuses the third."""
    return {"AccessKey": lab.state.iam(call.account).create_access_key(_user(call, lab).name)}


def listed(call: Any, lab: Any) -> dict[str, Any]:
    """ListAccessKeys."""
    return page(_user(call, lab).access_keys, call.params, "AccessKeyMetadata")


def update(call: Any, lab: Any) -> dict[str, Any]:
    """UpdateAccessKey. The credential report counts it as a rotation: "created or last changed"."""
    key = _key(call, lab)
    key.status, key.last_rotated = call.params["Status"], lab.clock.now().replace(microsecond=0)
    return {}


def delete(call: Any, lab: Any) -> dict[str, Any]:
    """DeleteAccessKey."""
    key = _key(call, lab)
    _user(call, lab).access_keys.remove(key)
    del lab.state.iam(call.account).access_keys[key.access_key_id]
    return {}


def _user(call: Any, lab: Any) -> Any:
    name = call.params.get("UserName")
    return lab.state.iam(call.account).users[name] if name else call.caller.entity


def _key(call: Any, lab: Any) -> Any:
    key_id = call.params["AccessKeyId"]
    for key in _user(call, lab).access_keys:
        if key.access_key_id == key_id:
            return key
    text = f"The Access Key with id {key_id} cannot be found."
    raise AwsError("NoSuchEntity", text, 404)


REGISTRY = {
    ("iam", "CreateAccessKey"): create,
    ("iam", "DeleteAccessKey"): delete,
    ("iam", "ListAccessKeys"): listed,
    ("iam", "UpdateAccessKey"): update,
}
