"""CreateAccount: the role that lets the management account into the new one may do everything."""

from __future__ import annotations

from typing import Any

_ROLE = "OrganizationAccountAccessRole"
_FULL = "arn:aws:iam::aws:policy/AdministratorAccess"


def create_account(call: Any, lab: Any) -> dict[str, Any] | None:
    """CreateAccount; moto makes the role, without the permissions that AWS gives it.

    Notes
    -----
    Source: "Creating a member account in an organization" and "Accessing member accounts",
    AWS Organizations User Guide.
    """
    backend = lab.state.backend("organizations", call.account)
    if backend.org is None:
        return None  # moto says that there is no organization
    made = backend.create_account(**call.params)
    account = made["CreateAccountStatus"]["AccountId"]
    role = lab.state.role(account, call.params.get("RoleName") or _ROLE)
    role.path = role.path or "/"
    lab.state.managed_policy(_FULL, account).attach_to(role)
    return made


REGISTRY = {("organizations", "CreateAccount"): create_account}
