"""IAM's exceptions to the general rule: names with paths, the caller's own user, boundaries.

Source: "Actions, resources, and condition keys for AWS Identity and Access Management".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .target import NOTHING, Check, Kind, Target, ask, fill, pairs, pass_role, tags_of

Plan = Callable[[Any, Any], list[Check]]
TAG_PREFIXES = ("aws:ResourceTag/", "iam:ResourceTag/")

_ARN = ("Arn", "PolicySourceArn")
MEMBERS = {
    "user": ("UserName", *_ARN),
    "group": ("GroupName", *_ARN),
    "role": ("RoleName", "DeletionTaskId", "AWSServiceName", *_ARN),
    "policy": ("PolicyArn", "PolicyName", *_ARN),
    "instance-profile": ("InstanceProfileName",),
    "mfa": ("SerialNumber", "VirtualMFADeviceName"),
    "sms-mfa": ("SerialNumber",),
    "oidc-provider": ("OpenIDConnectProviderArn", "Url"),
    "saml-provider": ("SAMLProviderArn", "Name"),
    "server-certificate": ("ServerCertificateName",),
    "access-report": ("EntityPath",),
    "delegation-request": ("DelegationRequestId", "EntityArn"),
    "role-template": ("TemplateArn",),
}

KEYS = pairs("""
    PolicyArn=iam:PolicyARN PermissionsBoundary=iam:PermissionsBoundary
    AWSServiceName=iam:AWSServiceName OrganizationsPolicyId=iam:OrganizationsPolicyId
    ServiceName=iam:ServiceSpecificCredentialServiceName
    CredentialAgeDays=iam:ServiceSpecificCredentialAgeDays TemplateArn=iam:TemplateArn
    OwnerId=iam:DelegationRequestOwner NotificationChannel=iam:NotificationChannel
    SessionDuration=iam:DelegationDuration
""")

# To give tags at creation, the caller needs the tagging action too.
TAGS_ALSO = pairs("""
    CreateUser=iam:TagUser CreateRole=iam:TagRole CreatePolicy=iam:TagPolicy
    CreateInstanceProfile=iam:TagInstanceProfile
    CreateOpenIDConnectProvider=iam:TagOpenIDConnectProvider
    CreateSAMLProvider=iam:TagSAMLProvider CreateVirtualMFADevice=iam:TagMFADevice
    UploadServerCertificate=iam:TagServerCertificate
""")


def target(kind: Kind, value: str | None, call: Any, state: Any) -> Target | None:
    """An IAM resource by name or ARN, with its path and tags looked up in the account."""
    if value is None:
        return _own_user(call, state) if kind.name == "user" else None
    if value.startswith("arn:"):
        entity = value.split(":", 5)[-1]
        if not entity.startswith(kind.name + "/"):
            return None  # an ARN member that serves several kinds
        name = entity.rpartition("/")[2]
        account = value.split(":")[4]
        if not account.isdigit() or call.params.get("PolicySourceArn") == value:
            account = call.account  # AWS's own policies; whose to simulate is looked at later
        found = _FIND[kind.name](state.iam(account), name, value) if kind.name in _FIND else None
        return Target(value, account, None, *_known(state.iam(account), found, value, kind))
    if kind.name == "oidc-provider":
        value = value.partition("//")[2].rstrip("/") or value
    elif kind.name == "role" and call.operation == "CreateServiceLinkedRole":
        value = _service_linked(value, call.params.get("CustomSuffix"))
    elif kind.name == "role" and value.startswith("task/"):  # task/PATH/ROLE/TASK-ID
        value = value.partition("/")[2].rpartition("/")[0]
    if kind.name not in _FIND:
        path = call.params.get("Path") or "/"
        return Target(fill(kind, path[1:] + value, call))
    iam = state.iam(call.account)
    found = _FIND[kind.name](iam, value, None)
    path = found.path if found is not None else call.params.get("Path") or "/"
    arn = f"arn:aws:iam::{call.account}:{kind.name}{path}{value}"
    return Target(arn, call.account, None, *_known(iam, found, arn, kind))


def _own_user(call: Any, state: Any) -> Target | None:
    """Calls that name no user speak of the caller's own; for a key ID, of the key's owner."""
    key = call.params.get("AccessKeyId")
    if key and call.operation == "GetAccessKeyLastUsed":
        owner = state.iam(call.account).access_keys.get(key)
        return owner and _user(owner.user_name, call, state)
    if call.caller.kind == "user":
        return _user(call.caller.name, call, state)
    return Target(call.caller.arn, call.account) if call.caller.kind == "root" else None


def _user(name: str, call: Any, state: Any) -> Target:
    iam = state.iam(call.account)
    found = iam.users.get(name)
    arn = f"arn:aws:iam::{call.account}:user{found.path if found is not None else '/'}{name}"
    return Target(arn, call.account, None, iam.tagger.tags.get(arn, NOTHING))


def _known(iam: Any, found: Any, arn: str, kind: Kind) -> tuple[Mapping, Mapping]:
    """The tags of an entity, and the boundary it has now if the action asks about it."""
    if found is None:
        return NOTHING, NOTHING
    if kind.name == "user":
        tags = iam.tagger.tags.get(arn, NOTHING)
    else:
        tags = tags_of(getattr(found, "tags", None))
    if "iam:permissionsboundary" in kind.keys:
        boundary = getattr(found, "permissions_boundary_arn", None)
        if boundary:
            return tags, {"iam:PermissionsBoundary": boundary}
    return tags, NOTHING


_role_ids: dict[tuple[str, str], str] = {}


def find_role(iam: Any, name: str, arn: str | None = None) -> Any:
    """moto's role of that name, or None. moto keeps roles by ID: the ID is remembered."""
    key = (iam.account_id, name)
    role = iam.roles.get(_role_ids.get(key))
    if role is None or role.name != name:
        role = next((role for role in list(iam.roles.values()) if role.name == name), None)
        if role is None:
            return None
        _role_ids[key] = role.id
    return role


def find_profile(iam: Any, name: str, arn: str | None = None) -> Any:
    """moto's instance profile of that name, or None."""
    return next((p for p in list(iam.instance_profiles.values()) if p.name == name), None)


_FIND = {
    "user": lambda iam, name, arn: iam.users.get(name),
    "group": lambda iam, name, arn: iam.groups.get(name),
    "role": find_role,
    "policy": lambda iam, name, arn: iam.managed_policies.get(arn),
    "instance-profile": find_profile,
    "server-certificate": lambda iam, name, arn: next(
        (c for c in list(iam.certificates.values()) if c.cert_name == name), None
    ),
    "mfa": lambda iam, name, arn: iam.virtual_mfa_devices.get(arn),
    "oidc-provider": lambda iam, name, arn: iam.open_id_providers.get(arn),
    "saml-provider": lambda iam, name, arn: next(
        (p for p in list(iam.saml_providers.values()) if p.arn == arn), None
    ),
}


def _service_linked(service: str, suffix: str | None) -> str:
    """Path and name of a service-linked role. The real names are each service's own choice."""
    names = {"autoscaling": "AutoScaling", "elasticbeanstalk": "ElasticBeanstalk"}
    host = service.split(".")[0]
    name = "AWSServiceRoleFor" + names.get(host, host) + (f"_{suffix}" if suffix else "")
    return f"aws-service-role/{service}/{name}"


def _renamed(call: Any, state: Any, asked: list[Check]) -> list[Check]:
    """Renaming asks on the old and on the new name. Source: "Renaming an IAM user"."""
    new = next((call.params[m] for m in _NEW_NAME if m in call.params), None)
    path = call.params.get("NewPath")
    if new is None and path is None:
        return []
    old = asked[0]
    start, _, old_name = old.resource.rpartition("/")
    kind, *old_path = start.split(":", 5)[-1].split("/")
    path = path or "/" + "".join(part + "/" for part in old_path)
    arn = f"arn:aws:iam::{call.account}:{kind}{path}{new or old_name}"
    return [ask(old.action, Target(arn, call.account), NOTHING, call, ())]


_NEW_NAME = ("NewUserName", "NewGroupName", "NewServerCertificateName")


def _profile_role(call: Any, state: Any, asked: list[Check]) -> list[Check]:
    """Source: AddRoleToInstanceProfile, IAM API Reference: "must be granted PassRole"."""
    role = find_role(state.iam(call.account), call.params.get("RoleName", ""))
    name = role.path[1:] + role.name if role else call.params.get("RoleName", "")
    return pass_role(name, "ec2.amazonaws.com", asked[0].resource, call)


def _listed(action: str, kind: str) -> Plan:
    def plan(call: Any, state: Any) -> list[Check]:
        path = call.params.get("PathPrefix") or "/"
        where = Target(f"arn:aws:iam::{call.account}:{kind}{path}", call.account)
        return [ask(action, where, NOTHING, call, ())]

    return plan


# AWS's table gives these no resource; AWS's own denials name the path that is listed
# (public logs [O]). A policy with Resource "*" matches either.
WHOLE = {
    f"List{kinds}": _listed(f"iam:List{kinds}", kind)
    for kinds, kind in pairs("""
        Users=user Groups=group Roles=role InstanceProfiles=instance-profile
        ServerCertificates=server-certificate
    """).items()
}

LIKE = {
    "UpdateOpenIDConnectProvider": "UpdateOpenIDConnectProviderThumbprint",
    "UpdateDelegationRequest": "GetDelegationRequest",
}
EXTRA = {
    "UpdateUser": _renamed,
    "UpdateGroup": _renamed,
    "UpdateServerCertificate": _renamed,
    "AddRoleToInstanceProfile": _profile_role,
}
