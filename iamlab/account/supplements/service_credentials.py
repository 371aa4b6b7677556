"""Service-specific credentials: a name and password, or an API key, for one service only.

No service that takes them is served by the lab: they can be made, listed, turned off and reset,
and an auditor finds them, but nothing can be done with them.
"""

from __future__ import annotations

import base64
import secrets
from datetime import timedelta
from typing import Any

from iamlab.account.callers import new_key_id
from iamlab.account.errors import AwsError
from iamlab.account.supplements.paging import page

MOST = 2  # a user and service
# Services that take them, and the start of the API key's alias and secret, where it is an API key
# ("API keys for AWS services", IAM User Guide). What the keys look like inside: [M].
SERVICES = {
    "cassandra.amazonaws.com": None,
    "codecommit.amazonaws.com": None,
    "bedrock.amazonaws.com": ("BedrockAPIKey", "ABSK"),
    "logs.amazonaws.com": ("CWLogsAPIKey", "ACWL"),
}
ALWAYS = ("UserName", "ServiceName", "CreateDate", "ServiceSpecificCredentialId", "Status")
NAMES = ("ServiceUserName", "ServiceCredentialAlias", "ExpirationDate")
SECRETS = ("ServicePassword", "ServiceCredentialSecret")


def create(call: Any, lab: Any) -> dict[str, Any]:
    """CreateServiceSpecificCredential. The password or key is shown only this once."""
    params, user = call.params, _user(call, lab)
    service, days = params["ServiceName"], params.get("CredentialAgeDays")
    _known(service)
    if days and SERVICES[service] is None:
        text = f"CredentialAgeDays is not supported for {service}."  # code and text: [I]
        raise AwsError("ValidationError", text)
    before = [one for one in of(user) if one["ServiceName"] == service]
    if len(before) >= MOST:
        text = f"Cannot exceed quota for ServiceSpecificCredentialsPerUser: {MOST}"  # name: [I]
        raise AwsError("LimitExceeded", text, 409)
    now = lab.clock.now().replace(microsecond=0)
    made = {
        "UserName": user.name,
        "ServiceName": service,
        "CreateDate": now,
        "ServiceSpecificCredentialId": new_key_id("ACCA"),
        "Status": "Active",
    }
    if days:
        made["ExpirationDate"] = now + timedelta(days=int(days))
    if SERVICES[service]:
        start = f"{SERVICES[service][0]}-{secrets.token_hex(2)}"
        made["ServiceCredentialAlias"] = f"{start}-at-{call.account}"
    else:  # "jane-at-123456789012"; the second: "jane+1-at-..." [M]
        taken = {one["ServiceUserName"] for one in before}
        names = (f"{user.name}{plus}-at-{call.account}" for plus in ("", "+1"))
        made["ServiceUserName"] = next(name for name in names if name not in taken)
    _renew(made)
    of(user).append(made)
    return {"ServiceSpecificCredential": _shown(made, user, lab, *SECRETS)}


def listed(call: Any, lab: Any) -> dict[str, Any]:
    """ListServiceSpecificCredentials: of one user, or of all for one service; no passwords."""
    params = call.params
    service = params.get("ServiceName")
    if service is not None:
        _known(service)
    if str(params.get("AllUsers")).lower() == "true":
        if params.get("UserName"):
            text = "UserName and AllUsers cannot both be specified."  # code and text: [I]
            raise AwsError("ValidationError", text)
        users = lab.state.iam(call.account).users.values()
    else:
        users = [_user(call, lab)]
    shown = [
        _shown(one, user, lab)
        for user in users
        for one in of(user)
        if service in (None, one["ServiceName"])
    ]
    return page(shown, params, "ServiceSpecificCredentials", key=_id)


def update(call: Any, lab: Any) -> dict[str, Any]:
    """UpdateServiceSpecificCredential."""
    _found(call, lab)["Status"] = call.params["Status"]
    return {}


def reset(call: Any, lab: Any) -> dict[str, Any]:
    """ResetServiceSpecificCredential: a new password or key; the old one is void at once."""
    found = _found(call, lab)
    _renew(found)
    return {"ServiceSpecificCredential": _shown(found, _user(call, lab), lab, *SECRETS)}


def delete(call: Any, lab: Any) -> dict[str, Any]:
    """DeleteServiceSpecificCredential."""
    of(_user(call, lab)).remove(_found(call, lab))
    return {}


def of(user: Any) -> list[dict[str, Any]]:
    """Return the service-specific credentials of a user: a list kept on moto's own user."""
    return user.__dict__.setdefault("service_credentials", [])


def _user(call: Any, lab: Any) -> Any:
    name = call.params.get("UserName")
    return lab.state.iam(call.account).users[name] if name else call.caller.entity


def _known(service: str) -> None:
    if service not in SERVICES:
        text = f"No such service {service} is supported for Service Specific Credentials"  # [I]
        raise AwsError("NotSupportedService", text, 404)


def _found(call: Any, lab: Any) -> dict[str, Any]:
    wanted = call.params["ServiceSpecificCredentialId"]
    for one in of(_user(call, lab)):
        if _id(one) == wanted:
            return one
    text = f"No such credential {wanted} exists"  # text: [I]
    raise AwsError("NoSuchEntity", text, 404)


def _renew(made: dict[str, Any]) -> None:
    start = SERVICES[made["ServiceName"]]
    if start is None:
        made["ServicePassword"] = base64.b64encode(secrets.token_bytes(33)).decode()
    else:
        key = f"{made['ServiceCredentialAlias']}:{secrets.token_urlsafe(32)}"
        made["ServiceCredentialSecret"] = start[1] + base64.b64encode(key.encode()).decode()


def _shown(one: dict[str, Any], user: Any, lab: Any, *more: str) -> dict[str, Any]:
    shown = {name: one[name] for name in (*ALWAYS, *NAMES, *more) if name in one}
    shown["UserName"] = user.name  # the user may have been renamed
    if "ExpirationDate" in one and lab.clock.now() >= one["ExpirationDate"]:
        shown["Status"] = "Expired"
    return shown


def _id(one: dict[str, Any]) -> str:
    return one["ServiceSpecificCredentialId"]


REGISTRY = {
    ("iam", "CreateServiceSpecificCredential"): create,
    ("iam", "DeleteServiceSpecificCredential"): delete,
    ("iam", "ListServiceSpecificCredentials"): listed,
    ("iam", "ResetServiceSpecificCredential"): reset,
    ("iam", "UpdateServiceSpecificCredential"): update,
}
