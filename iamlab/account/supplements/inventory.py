"""What an account holds: its lists by pages, all of it at once, its counts, who uses a policy.

A list shows less of a thing than asking for it does: no tags, no boundary, no last use ("ListRoles"
and the like, IAM API Reference).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from iamlab.account.supplements import credential_report, documents, entities
from iamlab.account.supplements.boundaries import boundary_arn
from iamlab.account.supplements.paging import page

# "Regions where data is tracked", IAM User Guide: how far back IAM says when a role was used.
TRACKED = timedelta(days=400)
AWS_OWN = "arn:aws:iam::aws:policy/"
DEFAULT_SESSION = 3600  # seconds

# --- One thing, as a list shows it ----------------------------------------------------------------


def _group(group: Any) -> dict[str, Any]:
    return _named(group, "Group")


def _role(role: Any) -> dict[str, Any]:
    shown = _named(role, "Role") | {
        "AssumeRolePolicyDocument": quote(role.assume_role_policy_document, safe=""),
        "MaxSessionDuration": int(role.max_session_duration or DEFAULT_SESSION),
    }
    return shown | ({"Description": role.description} if role.description else {})


def _profile(profile: Any) -> dict[str, Any]:
    return _named(profile, "InstanceProfile") | {"Roles": [_role(role) for role in profile.roles]}


def _policy(policy: Any, uses: Uses) -> dict[str, Any]:
    updated = max(policy.update_date, *(version.create_date for version in policy.versions))
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default_version_id,
        "AttachmentCount": uses.attached[policy.arn],
        "PermissionsBoundaryUsageCount": uses.bounding[policy.arn],
        "IsAttachable": policy.is_attachable,
        "CreateDate": policy.create_date,
        "UpdateDate": updated,
    }


def _version(version: Any, policy: Any) -> dict[str, Any]:
    return {
        "VersionId": version.version_id,
        "IsDefaultVersion": version.version_id == policy.default_version_id,
        "CreateDate": version.create_date,
    }


def _named(entity: Any, kind: str) -> dict[str, Any]:
    return {
        "Path": entity.path,
        f"{kind}Name": entity.name,
        f"{kind}Id": entity.id,
        "Arn": entity.arn,
        "CreateDate": entity.create_date,
    }


def _attached(holder: Any) -> list[dict[str, str]]:
    found = holder.managed_policies.values()
    return [{"PolicyName": p.name, "PolicyArn": p.arn} for p in sorted(found, key=_name)]


def _inline(holder: Any) -> list[dict[str, str]]:
    return [
        {"PolicyName": name, "PolicyDocument": quote(text, safe="")}
        for name, text in sorted(holder.policies.items())
    ]


def _bounded(entity: Any) -> dict[str, Any]:
    bound = entity.permissions_boundary if boundary_arn(None, entity) else None
    return {"PermissionsBoundary": bound} if bound else {}


def _name(thing: Any) -> str:
    return thing.name


def _owned_name(policy: Any) -> str:
    """One of AWS's policies may be called like one of the account's. (A marker is to be short.)"""
    return f"{policy.name} {policy.arn.split(':')[4]}"


def _tags(thing: Any) -> list[dict[str, str]]:
    tags = thing.tags or []
    if isinstance(tags, Mapping):  # moto's policies
        return [{"Key": tag["Key"], "Value": tag["Value"]} for tag in tags.values()]
    return list(tags)


class Uses:
    """How often each managed policy is attached, and how often it bounds somebody."""

    def __init__(self, iam: Any) -> None:
        bounded = (*iam.users.values(), *iam.roles.values())
        holders = (*bounded, *iam.groups.values())
        self.attached = Counter(arn for holder in holders for arn in holder.managed_policies)
        self.bounding = Counter(arn for one in bounded if (arn := boundary_arn(iam, one)))


def last_used(role: Any, now: datetime) -> dict[str, Any]:
    """Return ``RoleLastUsed`` of a role: empty if it was not used in the last 400 days.

    Parameters
    ----------
    role : moto.iam.models.Role
        ``last_used`` (UTC, naive) and ``last_used_region`` are read.
    now : datetime
        Lab time.

    Returns
    -------
    dict
        ``LastUsedDate`` and ``Region``, or nothing.
    """
    used = role.last_used
    if used is None or used < now.replace(tzinfo=None) - TRACKED:
        return {}
    return {"LastUsedDate": used.replace(microsecond=0), "Region": role.last_used_region}


# --- Lists ----------------------------------------------------------------------------------------

# operation: (member of the answer, what is listed, how one is shown). Lists are sorted by name.
Items = Callable[[Any, Any], Iterable[Any]]
LISTS: dict[str, tuple[str, Items, Callable[[Any], Any]]] = {
    "ListUsers": ("Users", lambda iam, entity: iam.users.values(), entities.facts_of_user),
    "ListGroups": ("Groups", lambda iam, entity: iam.groups.values(), _group),
    "ListRoles": ("Roles", lambda iam, entity: iam.roles.values(), _role),
    "ListInstanceProfiles": (
        "InstanceProfiles",
        lambda iam, entity: iam.instance_profiles.values(),
        _profile,
    ),
    "ListInstanceProfilesForRole": (
        "InstanceProfiles",
        lambda iam, entity: entity.instance_profile_list,
        _profile,
    ),
    "ListGroupsForUser": (
        "Groups",
        lambda iam, entity: (g for g in iam.groups.values() if entity in g.users),
        _group,
    ),
    "GetGroup": ("Users", lambda iam, entity: entity.users, entities.facts_of_user),
}
for _kind in entities.HOLDERS:
    LISTS[f"ListAttached{_kind}Policies"] = (
        "AttachedPolicies",
        lambda iam, entity: entity.managed_policies.values(),
        lambda policy: {"PolicyName": policy.name, "PolicyArn": policy.arn},
    )
# The kind of thing that an operation's list belongs to, where it belongs to one.
_OF = {
    "ListInstanceProfilesForRole": "Role",
    "ListGroupsForUser": "User",
    "GetGroup": "Group",
    **{f"ListAttached{kind}Policies": kind for kind in entities.HOLDERS},
    **{f"List{kind}Policies": kind for kind in entities.HOLDERS},
}


def listed(call: Any, lab: Any) -> dict[str, Any]:
    """ListUsers and every other operation of `LISTS`; GetGroup lists a group's users."""
    member, items, show = LISTS[call.operation]
    iam, entity = lab.state.iam(call.account), _whose(call, lab)
    prefix = call.params.get("PathPrefix") or "/"
    found = [item for item in items(iam, entity) if item.path.startswith(prefix)]
    answer = page(found, call.params, member, key=_name)
    answer[member] = [show(item) for item in answer[member]]
    return answer | ({"Group": _group(entity)} if call.operation == "GetGroup" else {})


def inline_names(call: Any, lab: Any) -> dict[str, Any]:
    """ListUserPolicies, ListGroupPolicies, ListRolePolicies."""
    return page(_whose(call, lab).policies, call.params, "PolicyNames", key=str)


def aliases(call: Any, lab: Any) -> dict[str, Any]:
    """ListAccountAliases."""
    return page(lab.state.iam(call.account).account_aliases, call.params, "AccountAliases")


def policies(call: Any, lab: Any) -> dict[str, Any]:
    """ListPolicies."""
    iam, params = lab.state.iam(call.account), call.params
    uses, scope = Uses(iam), params.get("Scope") or "All"
    only_attached = str(params.get("OnlyAttached")).lower() == "true"
    usage = params.get("PolicyUsageFilter")
    counts = {
        "PermissionsPolicy": (uses.attached,),
        "PermissionsBoundary": (uses.bounding,),
        None: (uses.attached, uses.bounding),
    }[usage]
    found = [
        policy
        for arn, policy in iam.managed_policies.items()
        if policy.path.startswith(params.get("PathPrefix") or "/")
        and (scope == "All" or (scope == "AWS") == arn.startswith(AWS_OWN))
        and (not (only_attached or usage) or any(count[arn] for count in counts))
    ]
    answer = page(found, params, "Policies", key=_owned_name)
    answer["Policies"] = [_policy(policy, uses) for policy in answer["Policies"]]
    return answer


def versions(call: Any, lab: Any) -> dict[str, Any]:
    """ListPolicyVersions, newest first."""
    policy = lab.state.managed_policy(call.params["PolicyArn"], call.account)
    newest_first = sorted(policy.versions, key=lambda v: -int(v.version_id[1:].split(".")[0]))
    answer = page(newest_first, call.params, "Versions")
    answer["Versions"] = [_version(version, policy) for version in answer["Versions"]]
    return answer


def _whose(call: Any, lab: Any) -> Any:
    kind = _OF.get(call.operation)
    return kind and entities.find(lab, call.account, kind, call.params[f"{kind}Name"])


# --- One thing, whole -----------------------------------------------------------------------------


def get_role(call: Any, lab: Any) -> dict[str, Any]:
    """GetRole."""
    role = entities.find(lab, call.account, "Role", call.params["RoleName"])
    more = {"RoleLastUsed": last_used(role, lab.clock.now())} | _bounded(role)
    tags = _tags(role)
    # The serializer encodes this one itself.
    more["AssumeRolePolicyDocument"] = role.assume_role_policy_document
    return {"Role": _role(role) | more | ({"Tags": tags} if tags else {})}


def get_policy(call: Any, lab: Any) -> dict[str, Any]:
    """GetPolicy."""
    policy = lab.state.managed_policy(call.params["PolicyArn"], call.account)
    shown = _policy(policy, Uses(lab.state.iam(call.account))) | {"Tags": _tags(policy)}
    return {"Policy": shown | ({"Description": policy.description} if policy.description else {})}


# --- Everything at once ---------------------------------------------------------------------------

# A row: what it is sorted by, the member of the answer it belongs to, what is shown.
Row = tuple[str, str, Callable[[], dict[str, Any]]]


def _rows_by_page(
    rows: Iterable[Row], params: Mapping[str, Any], members: Iterable[str]
) -> dict[str, Any]:
    """Return a page of several lists, which are counted together."""
    answer = page(rows, params, "rows", key=lambda row: row[0])
    shown: dict[str, Any] = {member: [] for member in members}
    for _, member, show in answer.pop("rows"):
        shown[member].append(show())
    return shown | answer


DETAILS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")


def authorization_details(call: Any, lab: Any) -> dict[str, Any]:
    """GetAccountAuthorizationDetails.

    Of AWS's managed policies, those in use are shown, or all where the filter asks for them. [I]
    """
    wanted = call.params.get("Filter") or ()
    if "AWSManagedPolicy" in wanted:
        lab.state.load_aws_policy(call.account)
    rows = _details(lab.state.iam(call.account), wanted, lab.clock.now())
    return _rows_by_page(rows, call.params, DETAILS)


def _details(iam: Any, wanted: Iterable[str], now: datetime) -> Iterator[Row]:
    uses = Uses(iam)
    if not wanted or "User" in wanted:
        for user in iam.users.values():
            yield f"1 {user.name}", "UserDetailList", lambda user=user: _user_detail(iam, user)
    if not wanted or "Group" in wanted:
        for group in iam.groups.values():
            yield f"2 {group.name}", "GroupDetailList", lambda group=group: _group_detail(group)
    if not wanted or "Role" in wanted:
        for role in iam.roles.values():
            yield f"3 {role.name}", "RoleDetailList", lambda role=role: _role_detail(role, now)
    for arn, policy in iam.managed_policies.items():
        kind = "AWSManagedPolicy" if arn.startswith(AWS_OWN) else "LocalManagedPolicy"
        in_use = kind == "LocalManagedPolicy" or uses.attached[arn] or uses.bounding[arn]
        if kind in wanted or (not wanted and in_use):
            yield (
                f"4 {_owned_name(policy)}",
                "Policies",
                lambda policy=policy: _policy_detail(policy, uses),
            )


def _user_detail(iam: Any, user: Any) -> dict[str, Any]:
    return {
        **_named(user, "User"),
        "UserPolicyList": _inline(user),
        "GroupList": sorted(g.name for g in iam.groups.values() if user in g.users),
        "AttachedManagedPolicies": _attached(user),
        "Tags": _tags(user),
        **_bounded(user),
    }


def _group_detail(group: Any) -> dict[str, Any]:
    policies = {"GroupPolicyList": _inline(group), "AttachedManagedPolicies": _attached(group)}
    return _group(group) | policies


def _role_detail(role: Any, now: datetime) -> dict[str, Any]:
    return {
        **_named(role, "Role"),
        "AssumeRolePolicyDocument": quote(role.assume_role_policy_document, safe=""),
        "InstanceProfileList": [_profile(profile) for profile in role.instance_profile_list],
        "RolePolicyList": _inline(role),
        "AttachedManagedPolicies": _attached(role),
        "Tags": _tags(role),
        "RoleLastUsed": last_used(role, now),
        **_bounded(role),
    }


def _policy_detail(policy: Any, uses: Uses) -> dict[str, Any]:
    shown = _policy(policy, uses)
    if policy.description:
        shown["Description"] = policy.description
    shown["PolicyVersionList"] = [
        _version(version, policy) | {"Document": quote(version.document, safe="")}
        for version in reversed(policy.versions)
    ]
    return shown


# --- Counts ---------------------------------------------------------------------------------------

# "IAM and AWS STS quotas", IAM User Guide.
QUOTAS = {
    "UsersQuota": entities.KINDS["User"].most,
    "GroupsQuota": entities.KINDS["Group"].most,
    "RolesQuota": entities.KINDS["Role"].most,
    "InstanceProfilesQuota": entities.KINDS["InstanceProfile"].most,
    "PoliciesQuota": entities.KINDS["Policy"].most,
    "AttachedPoliciesPerUserQuota": entities.MOST_ATTACHED,
    "AttachedPoliciesPerGroupQuota": entities.MOST_ATTACHED,
    "AttachedPoliciesPerRoleQuota": entities.MOST_ATTACHED,
    "GroupsPerUserQuota": entities.MOST_GROUPS,
    "AccessKeysPerUserQuota": 2,
    "SigningCertificatesPerUserQuota": 2,
    "ServerCertificatesQuota": 20,
    "VersionsPerPolicyQuota": documents.MOST_VERSIONS,
    "PolicyVersionsInUseQuota": 10000,
    "PolicySizeQuota": documents.MOST_MANAGED,
    **{f"{kind}PolicySizeQuota": most for kind, most in documents.MOST_INLINE.items()},
    "AssumeRolePolicySizeQuota": documents.MOST_TRUST,
}


def summary(call: Any, lab: Any) -> dict[str, Any]:
    """GetAccountSummary."""
    account, iam = call.account, lab.state.iam(call.account)
    uses = Uses(iam)
    root = credential_report.root(account, lab)

    def has(*columns: str) -> int:
        return int(any(root[column] == "true" for column in columns))

    worn = {serial for user in iam.users.values() for serial in user.mfa_devices}
    counts = {
        "Users": len(iam.users),
        "Groups": len(iam.groups),
        "Roles": len(iam.roles),
        "InstanceProfiles": len(iam.instance_profiles),
        "Policies": sum(not arn.startswith(AWS_OWN) for arn in iam.managed_policies),
        # A policy that is attached or bounds somebody has one version in use, its default. [I]
        "PolicyVersionsInUse": len(uses.attached | uses.bounding),
        "Providers": len(iam.saml_providers) + len(iam.open_id_providers),
        "ServerCertificates": len(iam.certificates),
        "MFADevices": len(worn | set(iam.virtual_mfa_devices)),
        "MFADevicesInUse": len(worn),
        "AccountMFAEnabled": has("mfa_active"),
        "AccountPasswordPresent": has("password_enabled"),
        "AccountAccessKeysPresent": has("access_key_1_active", "access_key_2_active"),
        "AccountSigningCertificatesPresent": has("cert_1_active", "cert_2_active"),
        "GlobalEndpointTokenVersion": 1,  # AWS's default; the lab has no call that changes it
    }
    return {"SummaryMap": counts | QUOTAS}


# --- Who uses a policy ----------------------------------------------------------------------------


def entities_for_policy(call: Any, lab: Any) -> dict[str, Any]:
    """ListEntitiesForPolicy."""
    iam, params = lab.state.iam(call.account), call.params
    arn, usage, only = (
        params["PolicyArn"],
        params.get("PolicyUsageFilter"),
        params.get("EntityFilter"),
    )
    prefix = params.get("PathPrefix") or "/"
    kinds = {"Group": iam.groups, "User": iam.users, "Role": iam.roles}
    rows: list[Row] = []
    for kind, kept in kinds.items():
        for entity in kept.values():
            how = {
                "PermissionsPolicy": arn in entity.managed_policies,
                "PermissionsBoundary": boundary_arn(iam, entity) == arn,
            }
            uses = how[usage] if usage else any(how.values())
            if uses and only in (None, kind) and entity.path.startswith(prefix):
                shown = {f"{kind}Name": entity.name, f"{kind}Id": entity.id}
                rows.append((f"{kind} {entity.name}", f"Policy{kind}s", lambda shown=shown: shown))
    return _rows_by_page(rows, params, [f"Policy{kind}s" for kind in kinds])


REGISTRY = {
    **{("iam", operation): listed for operation in LISTS},
    **{("iam", f"List{kind}Policies"): inline_names for kind in entities.HOLDERS},
    ("iam", "ListAccountAliases"): aliases,
    ("iam", "ListPolicies"): policies,
    ("iam", "ListPolicyVersions"): versions,
    ("iam", "GetRole"): get_role,
    ("iam", "GetPolicy"): get_policy,
    ("iam", "GetAccountAuthorizationDetails"): authorization_details,
    ("iam", "GetAccountSummary"): summary,
    ("iam", "ListEntitiesForPolicy"): entities_for_policy,
}
