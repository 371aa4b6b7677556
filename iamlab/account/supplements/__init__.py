"""What AWS does and moto does not: temporary credentials, refusals, boundaries, passwords, MFA.

Each module has one subject and up to two tables: ``REGISTRY``, calls answered here instead of by
moto (an answer of None leaves the call to moto), and ``BEFORE``, refusals that AWS makes before it
does anything. Both come after the gate has found the call allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.exceptions import ServiceException

from iamlab.account.errors import AwsError
from iamlab.account.supplements import (
    access_analyzer,
    authorization_messages,
    boundaries,
    certificates,
    cloudtrail,
    containers,
    credential_report,
    documents,
    entities,
    instances,
    inventory,
    keys,
    last_accessed,
    mfa,
    objects,
    organizations,
    passwords,
    policy_generation,
    providers,
    service_credentials,
    simulation,
    sts,
    tagging,
    web_identity,
)
from iamlab.account.supplements.boundaries import boundary_arn
from iamlab.account.supplements.objects import item_by_item
from iamlab.account.supplements.sts import may_not_call

__all__ = ["REGISTRY", "authenticate", "before", "boundary_arn", "item_by_item", "may_not_call"]

Key = tuple[str, str]
# In this order are several refusals of one call made.
_MODULES = (
    entities,
    boundaries,
    documents,
    passwords,
    keys,
    mfa,
    objects,
    organizations,
    sts,
    simulation,
    authorization_messages,
    credential_report,
    last_accessed,
    inventory,
    tagging,
    certificates,
    service_credentials,
    providers,
    web_identity,
    cloudtrail,
    access_analyzer,
    policy_generation,
    instances,
    containers,
)
REGISTRY: dict[Key, Callable[[Any, Any], dict[str, Any] | None]] = {}
_BEFORE: dict[Key, list[Callable[[Any, Any], None]]] = {}
for _module in _MODULES:
    REGISTRY |= getattr(_module, "REGISTRY", {})
    for _key, _refuse in getattr(_module, "BEFORE", {}).items():
        _BEFORE.setdefault(_key, []).append(_refuse)

# IAM's HTTP statuses that are not 400, from the IAM API Reference.
_STATUS = {
    "NoSuchEntity": 404,
    "EntityAlreadyExists": 409,
    "DeleteConflict": 409,
    "LimitExceeded": 409,
}


def authenticate(call: Any, lab: Any) -> dict[str, Any]:
    """Do what STS does before it asks any policy: the form, the MFA code, the token.

    Parameters
    ----------
    call : ApiCall
        Any call; only those to STS are looked at. A token says who calls: it sets ``caller``.
    lab : Lab
        The lab.

    Returns
    -------
    dict
        What that adds to the context.

    Raises
    ------
    AwsError
        In STS's words.
    """
    if call.service != "sts":
        return {}
    context = sts.authenticate(call, lab)
    identify = web_identity.IDENTIFIES.get(call.operation)
    if identify is not None:
        identify(call, lab)
    return context


def before(call: Any, lab: Any) -> None:
    """Make the refusals that AWS makes of a call it has authorized, before it does anything.

    Parameters
    ----------
    call : ApiCall
        An authorized call.
    lab : Lab
        The lab.

    Raises
    ------
    AwsError
        In AWS's words.
    """
    if call.service == "iam":
        entities.before_iam(call, lab)
    for refuse in _BEFORE.get((call.service, call.operation), ()):
        refuse(call, lab)


def answer(call: Any, lab: Any) -> dict[str, Any] | None:
    """Answer a call that moto cannot answer as AWS does.

    Parameters
    ----------
    call : ApiCall
        An authorized call that `before` has let pass.
    lab : Lab
        The lab.

    Returns
    -------
    dict or None
        botocore's output shape; None if the call is moto's to answer.

    Raises
    ------
    AwsError
        In AWS's words; what moto's own parts refuse on the way is passed on as such.
    """
    whole = REGISTRY.get((call.service, call.operation))
    if whole is None:
        return None
    try:
        return whole(call, lab)
    except ServiceException as error:
        raise AwsError(error.code, error.message, _STATUS.get(error.code, 400)) from None
