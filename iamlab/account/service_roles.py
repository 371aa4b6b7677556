"""How an AWS service takes on a role for what runs in it: an instance, a task, a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iamlab.account import seam
from iamlab.account.callers import Caller, Session
from iamlab.account.errors import denial
from iamlab.account.supplements import sts
from iamlab.account.trail import Record
from iamlab.account.wire import ApiCall

if TYPE_CHECKING:
    from iamlab.account.lab import Lab
    from iamlab.policy import Decision


def trusts(lab: Lab, service: str, role: Any, source_arn: str, region: str) -> Decision:
    """Ask a role's trust policy whether a service may assume it.

    Parameters
    ----------
    lab : Lab
    service : str
        The service principal, such as ``"ec2.amazonaws.com"``.
    role : object
        moto's role.
    source_arn : str
        For which instance, task or function: the value of ``aws:SourceArn``. ECS documents it
        ("Cross-service confused deputy prevention", IAM User Guide); that EC2 and Lambda send it
        too is an assumption. [I]
    region : str
        Where that is.

    Returns
    -------
    Decision
    """
    return lab.gate.decide(
        Caller("service", "", service, service, service, service),
        "sts:AssumeRole",
        role.arn,
        {
            "aws:SourceArn": source_arn,
            "aws:SourceAccount": role.account_id,
            "aws:RequestedRegion": region,
        },
        resource_account=role.account_id,
        policy_of=("role", role.account_id, role.name),
    )


def assume(
    lab: Lab,
    service: str,
    role: Any,
    session_name: str,
    *,
    seconds: int,
    source_arn: str,
    region: str,
    keys: dict[str, str] | None = None,
) -> Session:
    """Let a service assume a role, and put that in the record as CloudTrail does.

    Nobody signs this call, and no policy of a user allows it: the trust policy alone decides.
    The role's MaxSessionDuration does not limit it ("Update the maximum session duration for a
    role", IAM User Guide).

    Parameters
    ----------
    lab, service, role, source_arn, region
        As for `trusts`.
    session_name : str
        What comes after the role's name in the session's ARN.
    seconds : int
        How long the credentials last.
    keys : dict of str to str, optional
        Condition keys that every call with these credentials has.

    Returns
    -------
    Session

    Raises
    ------
    AwsError
        ``AccessDenied`` if the trust policy does not allow the service.
    """
    decision = trusts(lab, service, role, source_arn, region)
    params = {"RoleArn": role.arn, "RoleSessionName": session_name}
    caller = Caller("service", "", service, service, service, service)
    record = Record(
        lab.clock.now(), service, "sts", "AssumeRole", region, role.account_id, params,
        access_key_id="", source_ip=service, decisions=[decision], caller=caller,
        user_agent=service,
    )  # fmt: skip
    lab.trail.records.append(record)
    if decision.effect != "allowed":
        record.error = denial("sts", service, decision, True)
        raise record.error
    session = sts.new_session(
        lab,
        seconds,
        kind="role",
        account=role.account_id,
        arn=f"arn:aws:sts::{role.account_id}:assumed-role/{role.name}/{session_name}",
        principal_arn=role.arn,
        user_id=f"{role.id}:{session_name}",
        name=role.name,
        entity_id=role.id,
        role_session_name=session_name,
        keys=keys,
    )
    call = ApiCall("sts", "AssumeRole", params, region, role.account_id, caller)
    user = {"AssumedRoleId": session.user_id, "Arn": session.arn}
    answer = {"Credentials": sts.credentials(session), "AssumedRoleUser": user}
    record.response = seam.serialize(call, answer)
    return session
