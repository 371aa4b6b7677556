"""What was used: the actions that the lab's record shows each principal doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from iamlab.account.lab import Lab


def last_used(lab: Lab) -> dict[str, dict[str, datetime]]:
    """Read from the lab's record who did what, and when for the last time.

    Parameters
    ----------
    lab : Lab

    Returns
    -------
    dict of str to dict of str to datetime
        Unique ID of a user or role (``AIDA…``, ``AROA…``), then action, then lab time (UTC). Only
        calls that were allowed; a call of a role's session is the role's.

    Examples
    --------
    >>> import boto3, iamlab
    >>> with iamlab.start() as lab:
    ...     _ = boto3.client("iam").list_users()
    ...     [sorted(actions) for actions in last_used(lab).values()]
    [['iam:ListUsers']]
    """
    found: dict[str, dict[str, datetime]] = {}
    for record in lab.trail.records:
        entity = record.caller.entity if record.caller is not None else None
        if entity is not None and record.denied is None:
            mine = found.setdefault(entity.id, {})
            for decision in record.decisions:
                mine[decision.request.action] = record.time
    return found
