"""Permissions boundaries of users, which moto lacks, and a policy that must exist for each."""

from __future__ import annotations

from typing import Any

from iamlab.account.errors import AwsError

KIND = "PermissionsBoundaryPolicy"


def boundary_arn(iam: Any, entity: Any) -> str | None:
    """Return the ARN of the policy that bounds a user or a role.

    Parameters
    ----------
    iam : moto.iam.models.IAMBackend
        The account of the entity.
    entity : moto.iam.models.User or moto.iam.models.Role
        Whose boundary.

    Returns
    -------
    str or None
        None if it has no boundary.

    Notes
    -----
    Source: "Permissions boundaries for IAM entities", IAM User Guide.

    Examples
    --------
    >>> from moto.iam.models import User
    >>> boundary_arn(None, User("111122223333", "aws", "ana")) is None
    True
    """
    return getattr(entity, "permissions_boundary_arn", None) or None


def create_user(call: Any, lab: Any) -> dict[str, Any]:
    """CreateUser, with its boundary."""
    iam, params = lab.state.iam(call.account), call.params
    name, path = params["UserName"], params.get("Path") or "/"
    user = iam.create_user(call.region, name, path, params.get("Tags") or [])
    bound(user, params.get("PermissionsBoundary"))
    return {"User": user}


def put_on_user(call: Any, lab: Any) -> dict[str, Any]:
    """PutUserPermissionsBoundary."""
    bound(
        lab.state.iam(call.account).users[call.params["UserName"]],
        call.params["PermissionsBoundary"],
    )
    return {}


def delete_from_user(call: Any, lab: Any) -> dict[str, Any]:
    """DeleteUserPermissionsBoundary. AWS refuses where there is none. [I]"""
    user = lab.state.iam(call.account).users[call.params["UserName"]]
    if boundary_arn(None, user) is None:
        text = f"The user with name {user.name} does not have a permissions boundary."
        raise AwsError("NoSuchEntity", text, 404)
    bound(user, None)
    return {}


def must_exist(call: Any, lab: Any) -> None:
    """Refuse a boundary that is no managed policy of this account or of AWS. [O: public logs]"""
    arn = call.params.get("PermissionsBoundary")
    if not arn:
        return
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[2] != "iam" or not parts[5].startswith("policy/"):
        raise AwsError("InvalidInput", f"ARN {arn} is not valid.")
    if parts[4] not in (call.account, "aws") or lab.state.managed_policy(arn, call.account) is None:
        text = f"Scope ARN: {arn} does not exist or is not attachable."
        raise AwsError("NoSuchEntity", text, 404)


def bound(user: Any, arn: str | None) -> None:
    """Give a moto User this boundary, or take it away."""
    # The names that moto's roles have; its serializer shows the second one where AWS shows it.
    user.permissions_boundary_arn = arn
    shown = {"PermissionsBoundaryType": KIND, "PermissionsBoundaryArn": arn}
    user.permissions_boundary = shown if arn else None


REGISTRY = {
    ("iam", "CreateUser"): create_user,
    ("iam", "PutUserPermissionsBoundary"): put_on_user,
    ("iam", "DeleteUserPermissionsBoundary"): delete_from_user,
}
BEFORE = {
    ("iam", operation): must_exist
    for operation in (
        "CreateUser",
        "CreateRole",
        "PutUserPermissionsBoundary",
        "PutRolePermissionsBoundary",
    )
}
