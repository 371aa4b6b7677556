"""Organizations' exceptions to the general rule: ARNs hold the organization and its owner.

Source: "Actions, resources, and condition keys for AWS Organizations".
"""

from __future__ import annotations

from typing import Any

from .target import NOTHING, Kind, Target, pairs

_TARGET = ("TargetId", "ResourceId", "ChildId", "ParentId", "SourceParentId", "DestinationParentId")
MEMBERS = {
    "account": ("AccountId", "Target.Id", *_TARGET),
    "organizationalunit": ("OrganizationalUnitId", *_TARGET),
    "root": ("RootId", *_TARGET),
    "policy": ("PolicyId", "ResourceId"),
    "handshake": ("HandshakeId",),
    "resourcepolicy": ("ResourceId",),
    "responsibilitytransfer": ("Id", "ResourceId"),
}
KEYS = {
    "Type": "organizations:PolicyType",
    "PolicyType": "organizations:PolicyType",
    "Filter": "organizations:PolicyType",
    "ServicePrincipal": "organizations:ServicePrincipal",
}
TAGS_ALSO = dict.fromkeys(
    ("CreateAccount", "CreateGovCloudAccount", "CreateOrganizationalUnit", "CreatePolicy",
     "InviteAccountToOrganization", "PutResourcePolicy"),
    "organizations:TagResource",
)  # fmt: skip
_PREFIXES = pairs("""
    organizationalunit=ou- root=r- policy=p- handshake=h- resourcepolicy=rp-
    responsibilitytransfer=rt-
""")


def target(kind: Kind, value: str | None, call: Any, state: Any) -> Target | None:
    """An account, unit, root or policy by ID: the ID tells which of them it is."""
    owner = _owner(call, state)
    organization = getattr(state.backend("organizations", owner), "org", None) if owner else None
    id_ = organization.id if organization is not None else "o-*"
    if value is None:
        if not kind.required or any(kind.members[0] != m and m in call.params for m in _TARGET):
            return None
        value = "*"
    prefix = _PREFIXES.get(kind.name, "")
    if value != "*" and (not value.startswith(prefix) if prefix else not value.isdigit()):
        return None
    found = _find(owner, value, state)
    if getattr(found, "aws_managed", False):
        arn = f"arn:aws:organizations::aws:policy/{found.type.lower()}/{value}"
    elif found is not None:
        arn = found.arn
    else:
        arn = kind.form.format(account=owner, region="", name=value.removeprefix(prefix))
        arn = arn.replace("o-*", id_)
    return Target(arn, owner, None, getattr(found, "tags", None) or NOTHING)


def context(operation: str, call: Any, state: Any, found: dict[str, Any]) -> None:
    """The type of the policy that a call names by its ID."""
    if id_ := call.params.get("PolicyId"):
        policy = _find(_owner(call, state), id_, state)
        if policy is not None:
            found["organizations:PolicyType"] = policy.type


def _owner(call: Any, state: Any) -> str | None:
    """The management account of the caller's organization; the caller's own if there is none."""
    from moto.organizations.models import organizations_backends

    found = organizations_backends.master_accounts.get(call.account)
    return found[0] if found else call.account


def _find(owner: str | None, id_: str, state: Any) -> Any:
    if owner is None or id_ == "*":
        return None
    backend = state.backend("organizations", owner)
    things = (*backend.accounts, *backend.ou, *backend.policies)
    return next((thing for thing in things if thing.id == id_), None)
