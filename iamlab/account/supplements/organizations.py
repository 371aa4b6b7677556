"""Organizations: the role that leads into a new account, and the policies that must stay."""

from __future__ import annotations

from typing import Any

from iamlab.account.errors import AwsError

_ROLE = "OrganizationAccountAccessRole"
_FULL = "arn:aws:iam::aws:policy/AdministratorAccess"
_RCP_FULL = "p-RCPFullAWSAccess"
_AT_LEAST_ONE = "SERVICE_CONTROL_POLICY"


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


def detach(call: Any, lab: Any) -> None:
    """Refuse to detach the last SCP, and RCPFullAWSAccess.

    Notes
    -----
    Source: "DetachPolicy", AWS Organizations API Reference (every root, OU and account has an
    SCP), and "Resource control policies", AWS Organizations User Guide. The texts: [I].
    """
    backend = lab.state.backend("organizations", call.account)
    policy, target = call.params["PolicyId"], call.params["TargetId"]
    for holder in (*backend.ou, *backend.accounts):
        attached = [kept for kept in holder.attached_policies if kept.type == _AT_LEAST_ONE]
        last = [kept.id for kept in attached] == [policy]
        if holder.id == target and (last or policy == _RCP_FULL):
            text = f"You cannot detach {policy} from {target}: it must have one such policy."
            fields = {"Reason": "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"}
            raise AwsError("ConstraintViolationException", text, 400, fields)


REGISTRY = {("organizations", "CreateAccount"): create_account}
BEFORE = {("organizations", "DetachPolicy"): detach}
