"""Refusals of IAM about users, groups, roles, policies and instance profiles; limits in tables."""

from __future__ import annotations

import re
from collections import namedtuple
from typing import Any
from uuid import uuid4

from moto.iam.exceptions import EntityAlreadyExists

from iamlab.account.errors import AwsError
from iamlab.account.supplements import parameters, principals

Kind = namedtuple("Kind", "param missing taken most")
# "IAM and AWS STS quotas", IAM User Guide. The texts are those of public logs. [O]
KINDS = {
    kind: Kind(
        f"{kind}Name",
        f"The {kind.lower()} with name {{}} cannot be found.",
        f"{kind} with name {{}} already exists.",
        most,
    )
    for kind, most in (("User", 5000), ("Group", 300), ("Role", 1000))
}
KINDS["InstanceProfile"] = Kind(
    "InstanceProfileName",
    "Instance Profile {} cannot be found.",
    "Instance Profile {} already exists.",
    1000,
)
KINDS["Policy"] = Kind(
    "PolicyName",
    "Policy {} was not found.",
    "A policy called {} already exists. Duplicate names are not allowed.",
    1500,
)
HOLDERS = ("User", "Group", "Role")  # what policies are attached to
MOST_ATTACHED = 10
MOST_GROUPS = 10
NOT_ATTACHABLE = "Policy {} does not exist or is not attachable."

IN_THE_WAY = "Cannot delete entity, must {} first."
# What has to go before a user, group or role may go: (attribute, what AWS says). The order in which
# AWS looks is not documented. [I]
USER_KEEPS = (
    ("access_keys", "delete access keys"),
    ("managed_policies", "detach all policies"),
    ("policies", "delete policies"),
    ("password", "delete login profile"),
    ("mfa_devices", "delete MFA device"),
    ("signing_certificates", "delete signing certificates"),
    ("ssh_public_keys", "delete SSH public keys"),
    ("service_credentials", "delete service specific credentials"),  # text: [I]
)
GROUP_KEEPS = (
    ("users", "remove users from group"),
    ("managed_policies", "detach all policies"),
    ("policies", "delete policies"),
)
ROLE_KEEPS = (
    ("instance_profile_list", "remove roles from instance profile"),
    ("managed_policies", "detach all policies"),
    ("policies", "delete policies"),
)
PROTECTED = (
    "Cannot perform the operation on the protected role '{}' - this role is only modifiable by AWS"
)
# These may be done to a service-linked role. ("Using service-linked roles", IAM User Guide)
ALLOWED_ON_LINKED = ("Get", "List", "Simulate", "Generate", "DeleteServiceLinkedRole", "UpdateRole")
# UserName may be left out of these: then it is the caller's.
OWN_USER = frozenset(
    f"{verb}{what}"
    for verb, what in (
        ("Get", "User"),
        ("Create", "AccessKey"),
        ("List", "AccessKeys"),
        ("Update", "AccessKey"),
        ("Delete", "AccessKey"),
        ("List", "MFADevices"),
        ("Deactivate", "MFADevice"),
        ("Upload", "SigningCertificate"),
        ("List", "SigningCertificates"),
        ("Update", "SigningCertificate"),
        ("Delete", "SigningCertificate"),
        ("List", "ServiceSpecificCredentials"),
        ("Reset", "ServiceSpecificCredential"),
        ("Update", "ServiceSpecificCredential"),
        ("Delete", "ServiceSpecificCredential"),
        ("Get", "LoginProfile"),
        ("Create", "LoginProfile"),
        ("Delete", "LoginProfile"),
    )
)
ROOT_TOO = ("GetUser", "ListMFADevices")  # of these, the root user's own
NOT_A_USER = "Must specify userName when calling with non-User credentials"


def before_iam(call: Any, lab: Any) -> None:
    """Refuse what AWS refuses of every IAM call: bad form, things that are not there.

    Parameters
    ----------
    call : ApiCall
        Any IAM call, already authorized.
    lab : Lab
        The lab.

    Raises
    ------
    AwsError
        ``ValidationError`` (400), ``NoSuchEntity`` (404), ``InvalidInput`` (400) or
        ``UnmodifiableEntity`` (400), in AWS's words. [O: public logs]

    Notes
    -----
    Source: the error sections of the IAM API Reference.
    """
    operation, params = call.operation, call.params
    parameters.check("iam", operation, params)
    own = operation in OWN_USER and not (params.get("UserName") or params.get("AllUsers"))
    if (
        own
        and call.caller.kind != "user"
        and not (call.caller.kind == "root" and operation in ROOT_TOO)
    ):
        raise AwsError("ValidationError", NOT_A_USER)
    for kind, facts in KINDS.items():
        name = params.get(facts.param)
        if name is None or kind == "Policy" or operation == f"Create{kind}":
            continue
        entity = find(lab, call.account, kind, name)
        if entity is None:
            raise AwsError("NoSuchEntity", facts.missing.format(name), 404)
        linked = getattr(entity, "_linked_service", None)
        if linked and not operation.startswith(ALLOWED_ON_LINKED):
            raise AwsError("UnmodifiableEntity", PROTECTED.format(name))
    arn = params.get("PolicyArn")
    if arn is not None and find(lab, call.account, "Policy", arn) is None:
        attach = operation.startswith(("Attach", "SetDefault")) or operation.endswith("Version")
        text = NOT_ATTACHABLE if attach else KINDS["Policy"].missing
        raise AwsError("NoSuchEntity", text.format(arn), 404)


def find(lab: Any, account: str, kind: str, name: str) -> Any:
    """Return moto's user, group, role, instance profile (by name) or policy (by ARN), or None."""
    iam = lab.state.iam(account)
    if kind == "Role":
        return lab.state.role(account, name)
    if kind == "Policy":
        if not re.fullmatch(r"arn:aws[\w-]*:iam::(\d{12}|aws):policy/.+", name):
            raise AwsError("InvalidInput", f"ARN {name} is not valid.")
        own = name.split(":")[4] in (account, "aws")
        return lab.state.managed_policy(name, account) if own else None
    kept = {"User": iam.users, "Group": iam.groups, "InstanceProfile": iam.instance_profiles}
    return kept[kind].get(name)


def create(call: Any, lab: Any) -> None:
    """Refuse a name that is taken, whatever its case, and one too many."""
    kind = call.operation.removeprefix("Create")
    facts = KINDS[kind]
    names = _names(lab.state.iam(call.account), kind)
    _free(call.params[facts.param], names, facts)
    if len(names) >= facts.most:
        plural = "Policies" if kind == "Policy" else f"{kind}s"
        raise _too_many(f"{plural}PerAccount", facts.most)


def rename(call: Any, lab: Any) -> dict[str, Any]:
    """UpdateUser: the new name must be free, and policies that name the user follow it."""
    iam, params = lab.state.iam(call.account), call.params
    user = iam.users[params["UserName"]]
    old, name, arn = user, params.get("NewUserName"), user.arn
    if name and name.lower() != old.name.lower():
        _free(name, _names(iam, "User"), KINDS["User"])
    tags = iam.tagger.list_tags_for_resource(arn)["Tags"]
    iam.update_user(params["UserName"], params.get("NewPath"), name)
    if user.arn != arn:
        for key in user.access_keys:
            key.user_name = user.name
        iam.tagger.delete_all_tags_for_resource(arn)
        iam.tagger.tag_resource(user.arn, tags)
        principals.rename(lab, arn, user.arn)
        for session in lab.callers.sessions.values():
            if session.kind == "user" and session.entity_id == user.id:
                session.name, session.arn, session.principal_arn = user.name, user.arn, user.arn
    return {}


def rename_group(call: Any, lab: Any) -> dict[str, Any]:
    """UpdateGroup: moto forgets the path if the name stays."""
    iam, params = lab.state.iam(call.account), call.params
    group, name = iam.groups[params["GroupName"]], params.get("NewGroupName")
    if name and name.lower() != group.name.lower():
        _free(name, _names(iam, "Group"), KINDS["Group"])
    if name and name != group.name:
        iam.groups[name] = iam.groups.pop(group.name)
        group.name = name
    group.path = params.get("NewPath") or group.path
    return {}


def delete_user(call: Any, lab: Any) -> dict[str, Any]:
    """DeleteUser: everything of the user must be gone; then policies show the user's ID."""
    iam, name = lab.state.iam(call.account), call.params["UserName"]
    user = iam.users[name]
    if any(user in group.users for group in iam.groups.values()):
        raise _conflict(IN_THE_WAY.format("remove users from group"))
    _empty(user, USER_KEEPS)
    iam.delete_user(name)
    principals.rename(lab, user.arn, user.id)
    return {}


def delete_role(call: Any, lab: Any) -> dict[str, Any]:
    """DeleteRole: everything of the role must be gone; then policies show the role's ID."""
    role = lab.state.role(call.account, call.params["RoleName"])
    _empty(role, ROLE_KEEPS)
    lab.state.iam(call.account).delete_role(role.name)
    principals.rename(lab, role.arn, role.id)
    return {}


def delete_group(call: Any, lab: Any) -> None:
    """Refuse to delete a group with users or policies."""
    _empty(lab.state.iam(call.account).groups[call.params["GroupName"]], GROUP_KEEPS)


def delete_policy(call: Any, lab: Any) -> None:
    """Refuse to delete a managed policy that is attached, bounds somebody or has versions."""
    arn = call.params["PolicyArn"]
    _own_policy(call, arn)
    iam = lab.state.iam(call.account)
    everybody = (*iam.users.values(), *iam.groups.values(), *iam.roles.values())
    if any(
        arn in entity.managed_policies or getattr(entity, "permissions_boundary_arn", None) == arn
        for entity in everybody
    ):
        raise _conflict("Cannot delete a policy attached to entities.")
    if len(iam.managed_policies[arn].versions) > 1:
        raise _conflict(
            "This policy has more than one version. Before you delete a policy, you must delete "
            "the policy's versions. The default version is deleted with the policy."
        )


def version(call: Any, lab: Any) -> None:
    """Refuse to show or delete a version that is not there; moto refuses the default one."""
    arn, version = call.params["PolicyArn"], call.params["VersionId"]
    if call.operation == "DeletePolicyVersion":
        _own_policy(call, arn)
    policy = lab.state.managed_policy(arn, call.account)
    if version not in {kept.version_id for kept in policy.versions}:
        text = f"Policy {arn} version {version} does not exist or is not attachable."
        raise AwsError("NoSuchEntity", text, 404)


def attach(call: Any, lab: Any) -> dict[str, Any]:
    """AttachUserPolicy and its sisters: at most 10; twice is once (moto counts twice)."""
    kind = call.operation.removeprefix("Attach").removesuffix("Policy")
    entity = find(lab, call.account, kind, call.params[KINDS[kind].param])
    policy = find(lab, call.account, "Policy", call.params["PolicyArn"])
    if policy.path.startswith("/aws-service-role/"):
        text = f"Cannot attach a Service Role Policy to a Customer {kind}."
        raise AwsError("PolicyNotAttachable", text)
    if policy.arn not in entity.managed_policies:
        if len(entity.managed_policies) >= MOST_ATTACHED:
            raise _too_many(f"PoliciesPer{kind}", MOST_ATTACHED)
        policy.attach_to(entity)
    return {}


def join(call: Any, lab: Any) -> None:
    """Refuse a user's eleventh group."""
    iam, params = lab.state.iam(call.account), call.params
    user = iam.users[params["UserName"]]
    groups = [group for group in iam.groups.values() if user in group.users]
    if len(groups) >= MOST_GROUPS and params["GroupName"] not in {g.name for g in groups}:
        raise _too_many("GroupsPerUser", MOST_GROUPS)


def get_user(call: Any, lab: Any) -> dict[str, Any]:
    """GetUser, of the caller if no name is given."""
    caller, name = call.caller, call.params.get("UserName")
    if name is None and caller.kind == "root":
        return {"User": {"UserId": caller.account, "Arn": caller.arn, "Path": "/"}}
    iam = lab.state.iam(call.account)
    return {"User": iam.users[name] if name else caller.entity}


def facts_of_user(user: Any) -> dict[str, Any]:
    """Return what AWS's lists show of a user: all but its tags and its boundary."""
    return {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": user.arn,
        "CreateDate": user.create_date,
        "PasswordLastUsed": user.password_last_used,
    }


def _names(iam: Any, kind: str) -> list[str]:
    if kind == "Role":
        return [role.name for role in iam.roles.values()]
    if kind == "Policy":
        own = iam.managed_policies.values()
        return [policy.name for policy in own if ":iam::aws:" not in policy.arn]
    kept = {"User": iam.users, "Group": iam.groups, "InstanceProfile": iam.instance_profiles}
    return list(kept[kind])


def _free(name: str, names: list[str], facts: Any) -> None:
    if name.lower() in {taken.lower() for taken in names}:
        raise AwsError("EntityAlreadyExists", facts.taken.format(name), 409)


def _empty(entity: Any, keeps: tuple[tuple[str, str], ...]) -> None:
    for attribute, what in keeps:
        if getattr(entity, attribute, None):
            raise _conflict(IN_THE_WAY.format(what))


def _own_policy(call: Any, arn: str) -> None:
    if arn.split(":")[4] == "aws":
        # Code: [I]; text: [O].
        raise AwsError("AccessDenied", f"Policy {arn} is outside your own account.", 403)


def _conflict(text: str) -> AwsError:
    return AwsError("DeleteConflict", text, 409)


def _too_many(quota: str, most: int) -> AwsError:
    return AwsError("LimitExceeded", f"Cannot exceed quota for {quota}: {most}", 409)


def linked_role(call: Any, lab: Any) -> dict[str, Any]:
    """CreateServiceLinkedRole: for a service, and once for each suffix."""
    params = call.params
    if not params["AWSServiceName"].endswith(".amazonaws.com"):
        text = f"{params['AWSServiceName']} is not a valid service name."  # text: [I]
        raise AwsError("InvalidInput", text)
    iam, suffix = lab.state.iam(call.account), params.get("CustomSuffix") or ""
    try:
        role = iam.create_service_linked_role(
            params["AWSServiceName"], params.get("Description") or "", suffix
        )
    except EntityAlreadyExists as error:
        name = error.message.split()[3]  # "Role with name NAME already exists."
        text = (
            f"Service role name {name} has been taken in this account, please try a different "
            "suffix."
        )
        raise AwsError("InvalidInput", text) from None  # [O]
    return {"Role": role}


def delete_linked(call: Any, lab: Any) -> dict[str, Any]:
    """DeleteServiceLinkedRole: a task, which is done at once; no service still needs the role."""
    role = lab.state.role(call.account, call.params["RoleName"])
    if not getattr(role, "_linked_service", None):
        # An ordinary role is no service-linked one: code of the API Reference, text: [I].
        raise AwsError("NoSuchEntity", KINDS["Role"].missing.format(role.name), 404)
    iam = lab.state.iam(call.account)
    iam.delete_role(role.name)
    principals.rename(lab, role.arn, role.id)
    task = f"task{role.path}{role.name}/{uuid4()}"
    _deletions(iam).add(task)
    return {"DeletionTaskId": task}


def deletion(call: Any, lab: Any) -> dict[str, Any]:
    """GetServiceLinkedRoleDeletionStatus."""
    task = call.params["DeletionTaskId"]
    if task not in _deletions(lab.state.iam(call.account)):
        text = f"Deletion task {task} cannot be found."  # text: [I]
        raise AwsError("NoSuchEntity", text, 404)
    return {"Status": "SUCCEEDED"}


def _deletions(iam: Any) -> set[str]:
    return iam.__dict__.setdefault("role_deletions", set())


def inline(call: Any, lab: Any) -> None:
    """Refuse to show or delete an inline policy that is not there."""
    kind = call.operation.removeprefix("Get").removeprefix("Delete").removesuffix("Policy")
    name = call.params["PolicyName"]
    if name not in find(lab, call.account, kind, call.params[KINDS[kind].param]).policies:
        text = f"The {kind.lower()} policy with name {name} cannot be found."  # [O]
        raise AwsError("NoSuchEntity", text, 404)


def leave_profile(call: Any, lab: Any) -> None:
    """Refuse to take out of an instance profile a role that is not in it."""
    params = call.params
    profile = find(lab, call.account, "InstanceProfile", params["InstanceProfileName"])
    if params["RoleName"] not in {role.name for role in profile.roles}:
        text = KINDS["Role"].missing.format(params["RoleName"])  # text: [I]
        raise AwsError("NoSuchEntity", text, 404)


def new_alias(call: Any, lab: Any) -> None:
    """Refuse an alias that looks like an account's ID, or that another account has.

    Notes
    -----
    Source: "Your AWS account ID and its alias", IAM User Guide. A new alias takes the place of
    the account's old one.
    """
    alias = call.params["AccountAlias"]
    if re.fullmatch(r"\d{12}", alias):
        text = f"The account alias {alias} must not be 12 digits."  # code and text: [I]
        raise AwsError("ValidationError", text)
    others = set(lab.state.accounts()) - {call.account}
    if any(alias in lab.state.iam(account).account_aliases for account in others):
        raise AwsError("EntityAlreadyExists", f"The account alias {alias} already exists.", 409)


def no_alias(call: Any, lab: Any) -> None:
    """Refuse to delete an alias that the account does not have."""
    alias = call.params["AccountAlias"]
    if alias not in lab.state.iam(call.account).account_aliases:
        text = f"The account alias {alias} cannot be found."  # text: [I]
        raise AwsError("NoSuchEntity", text, 404)


REGISTRY = {
    ("iam", "GetUser"): get_user,
    ("iam", "UpdateUser"): rename,
    ("iam", "UpdateGroup"): rename_group,
    ("iam", "DeleteUser"): delete_user,
    ("iam", "DeleteRole"): delete_role,
    ("iam", "CreateServiceLinkedRole"): linked_role,
    ("iam", "DeleteServiceLinkedRole"): delete_linked,
    ("iam", "GetServiceLinkedRoleDeletionStatus"): deletion,
    **{("iam", f"Attach{kind}Policy"): attach for kind in HOLDERS},
}
BEFORE = {
    **{("iam", f"Create{kind}"): create for kind in KINDS},
    ("iam", "DeleteGroup"): delete_group,
    ("iam", "DeletePolicy"): delete_policy,
    ("iam", "DeletePolicyVersion"): version,
    ("iam", "GetPolicyVersion"): version,
    ("iam", "CreateAccountAlias"): new_alias,
    ("iam", "DeleteAccountAlias"): no_alias,
    ("iam", "RemoveRoleFromInstanceProfile"): leave_profile,
    **{("iam", f"{verb}{kind}Policy"): inline for verb in ("Get", "Delete") for kind in HOLDERS},
    ("iam", "AddUserToGroup"): join,
}
