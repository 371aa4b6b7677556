"""What the playground takes from the running lab: its people, its things, and their policies."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from iamlab.policy import Decision, Policy
from iamlab.widgets import slots
from iamlab.widgets.judgement import as_text
from iamlab.widgets.request_fields import as_fields, read_fields

if TYPE_CHECKING:
    from iamlab.account.lab import Lab


def running() -> Lab | None:
    """Return the lab of this process, if one runs; none is started.

    Examples
    --------
    >>> running() is None
    True
    """
    module = sys.modules.get("iamlab.account.lab")
    return module._running if module else None


def people(lab: Lab | None) -> list[dict[str, str]]:
    """List the users and roles of every account, as completions."""
    if lab is None:
        return []
    found = []
    for account in sorted(lab.state.accounts(), key=lambda one: (one != lab.account_id, one)):
        backend = lab.state.iam(account)
        found += [{"text": user.arn, "note": "user, in the lab"} for user in backend.users.values()]
        found += [{"text": role.arn, "note": "role, in the lab"} for role in backend.roles.values()]
    return found


def things(lab: Lab | None) -> list[dict[str, str]]:
    """List what can be asked for: buckets of every account, then the people."""
    if lab is None:
        return []
    buckets = [
        {"text": f"arn:aws:s3:::{name}", "note": "bucket, in the lab"}
        for account in lab.state.accounts()
        for backend in lab.state.everywhere("s3", account)
        for name in backend.buckets
    ]
    return buckets + people(lab)


def from_lab(lab: Lab, request: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Fetch the policies and the context that the lab has for a request.

    Parameters
    ----------
    lab : Lab
    request : mapping of str to str
        The fields of the request.

    Returns
    -------
    dict
        ``policies``, ``request`` and ``names``.

    Raises
    ------
    ValueError
        If the lab knows no such caller, or the request cannot be read; the message says which.
    """
    values, wrong = read_fields(request)
    if wrong:
        raise ValueError(next(iter(wrong.values())))
    try:
        decision = lab.decide(
            values["principal"], values["action"], values["resource"], values["context"]
        )
    except (LookupError, RuntimeError) as error:
        raise ValueError(str(error).strip("'\"")) from None
    return from_decision(decision)


def from_decision(decision: Decision) -> dict[str, dict[str, str]]:
    """Write a decision as what stands in the playground: see `from_lab`.

    Examples
    --------
    >>> from iamlab.policy import Policies, Request, evaluate
    >>> decision = evaluate(Request("*", "s3:GetObject", "arn:aws:s3:::reports/q3.csv"), Policies())
    >>> from_decision(decision)["request"]["action"]
    's3:GetObject'
    """
    found = slots.spread(decision.policies)
    texts = {slot: _laid_out(policy) for slot, policy in found.items()}
    return {
        "policies": {"identity": ""} | texts,
        "request": as_fields(decision.request),
        "names": {slot: policy.name for slot, policy in found.items() if policy.name},
    }


def _laid_out(policy: Policy) -> str:
    """A policy's text; one in a single line is laid out, to be read."""
    if policy.text is None:
        return as_text(policy.as_dict())
    if "\n" in policy.text.strip():
        return policy.text
    whole: Any = json.loads(policy.text)
    return as_text(whole)
