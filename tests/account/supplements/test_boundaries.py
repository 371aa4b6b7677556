"""Permissions boundaries: stored, shown, enforced, and the policy must exist (§2.6, §9)."""

from __future__ import annotations

import pytest

from .conftest import ACCOUNT, allow, refused

MISSING = f"arn:aws:iam::{ACCOUNT}:policy/none"
SCOPE = f"Scope ARN: {MISSING} does not exist or is not attachable."


@pytest.fixture
def boundary(iam):
    made = iam.create_policy(PolicyName="edge", PolicyDocument=allow("iam:ListUsers"))
    return made["Policy"]["Arn"]


def shown(entity):
    return entity.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")


def test_on_a_user(lab, iam, user, boundary):
    session = user("ana", "iam:*", PermissionsBoundary=boundary)
    assert shown(iam.get_user(UserName="ana")["User"]) == boundary
    session.client("iam").list_users()
    text = "because no permissions boundary allows the iam:ListRoles action"
    with refused("AccessDenied", 403, text):
        session.client("iam").list_roles()
    iam.delete_user_permissions_boundary(UserName="ana")
    assert shown(iam.get_user(UserName="ana")["User"]) is None
    session.client("iam").list_roles()
    iam.put_user_permissions_boundary(UserName="ana", PermissionsBoundary=boundary)
    with refused("AccessDenied", 403, text):
        session.client("iam").list_roles()


def test_on_a_role(lab, iam, role, boundary):
    role("team", PermissionsBoundary=boundary)
    assert shown(iam.get_role(RoleName="team")["Role"]) == boundary
    iam.put_role_policy(RoleName="team", PolicyName="all", PolicyDocument=allow("iam:*"))
    inside = lab.session("role/team").client("iam")
    inside.list_users()
    with refused("AccessDenied", 403):
        inside.list_roles()
    iam.delete_role_permissions_boundary(RoleName="team")
    inside.list_roles()


def test_policy_must_exist(iam, role):
    """[O: text]"""
    with refused("NoSuchEntity", 404, SCOPE):
        iam.create_user(UserName="ana", PermissionsBoundary=MISSING)
    with refused("NoSuchEntity", 404):
        iam.get_user(UserName="ana")
    with refused("NoSuchEntity", 404, SCOPE):
        role("team", PermissionsBoundary=MISSING)
    iam.create_user(UserName="ana")
    with refused("NoSuchEntity", 404, SCOPE):
        iam.put_user_permissions_boundary(UserName="ana", PermissionsBoundary=MISSING)
    with refused("InvalidInput", 400, "is not valid"):
        iam.put_user_permissions_boundary(UserName="ana", PermissionsBoundary="a" * 20)


def test_awss_own_policies_serve_too(lab, iam, user):
    arn = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
    session = user("ana", "iam:*", PermissionsBoundary=arn)
    session.client("iam").list_roles()
    with refused("AccessDenied", 403):
        session.client("iam").create_user(UserName="x")


def test_boundary_policy_cannot_be_deleted(iam, boundary):
    iam.create_user(UserName="ana", PermissionsBoundary=boundary)
    with refused("DeleteConflict", 409, "Cannot delete a policy attached to entities."):
        iam.delete_policy(PolicyArn=boundary)


def test_nothing_to_delete(iam):
    iam.create_user(UserName="ana")
    with refused("NoSuchEntity", 404):  # [I]
        iam.delete_user_permissions_boundary(UserName="ana")
