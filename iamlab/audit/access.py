"""Who can do what: a table of principals and actions, and the statements behind one cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iamlab.audit.opened import about, count, flags, opened, universe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from iamlab.account.callers import Caller
    from iamlab.account.lab import Lab
    from iamlab.policy.document import Policy

GROUPINGS = ("service", "level", "action")


def access_matrix(
    lab: Lab | None = None,
    *,
    account: str | None = None,
    principals: Iterable[str] | None = None,
    by: str = "service",
    wide: bool = False,
) -> pd.DataFrame:
    """Count what every user and role of an account may do.

    Identity policies (inline, managed, of groups), permissions boundaries and SCPs are weighed.
    Resource policies, which open one resource each, are not: see `trust_edges` and `findings`.

    Parameters
    ----------
    lab : Lab, optional
        The one that runs, if not given.
    account : str, optional
        Twelve digits; the learner's if not given.
    principals : iterable of str, optional
        ``"user/ana"``, ``"role/reader"`` or ARNs; every user and role if not given.
    by : str
        ``"service"`` counts actions by service, ``"level"`` by service and access level (List,
        Read, Write, Tagging, Permissions management); ``"action"`` says of every one of AWS's
        22,000 actions whether it is open.
    wide : bool
        Count only what is open on every resource without a condition. Otherwise an action counts
        that is open on anything at all.

    Returns
    -------
    pandas.DataFrame
        One row a principal (``user/ana``), sorted. Numbers of actions, or bool for ``"action"``;
        columns without any access are left out, but for ``"action"``.

    Raises
    ------
    LookupError
        If there is no such principal.
    ValueError
        If `by` is none of the three.

    Notes
    -----
    Sources: "Policy evaluation logic", IAM User Guide; access levels as the Service Authorization
    Reference lists them.

    Examples
    --------
    >>> import iamlab
    >>> with iamlab.start() as lab:
    ...     int(access_matrix(lab).loc["user/administrator", "sts"]) > 5
    True
    """
    import pandas as pd

    if by not in GROUPINGS:
        raise ValueError(f"by is {by!r}: give one of {', '.join(GROUPINGS)}")
    lab = running(lab)
    everything = universe()
    names, table = [], []
    known: dict[Any, np.ndarray] = {}
    for name, caller in everybody(lab, account, principals):
        identity, limits = policies_of(lab, caller)
        key = (tuple(map(id, identity)), tuple(tuple(map(id, limit)) for limit in limits))
        if key not in known:
            known[key] = opened(identity, limits, wide)
        names.append(name)
        table.append(known[key])
    bits = np.stack(table) if table else np.zeros((0, everything.width // 8), np.uint64)
    index = pd.Index(names, name="principal")
    if by == "action":
        return pd.DataFrame(flags(bits), index, pd.Index(everything.names, name="action"))
    counts = count(bits)
    used = counts.any(axis=0)
    groups = [group for group, on in zip(everything.groups, used, strict=True) if on]
    columns = pd.MultiIndex.from_tuples(groups, names=["service", "level"])
    frame = pd.DataFrame(counts[:, used], index, columns)
    return frame.T.groupby(level=0).sum().T if by == "service" else frame


def statements_behind(
    principal: str, action: str, lab: Lab | None = None, *, account: str | None = None
) -> pd.DataFrame:
    """List the statements that open or close one action to one principal.

    Parameters
    ----------
    principal : str
        ``"user/ana"``, ``"role/reader"`` or an ARN.
    action : str
        Such as ``"s3:GetObject"``.
    lab : Lab, optional
        The one that runs, if not given.
    account : str, optional
        The learner's if not given.

    Returns
    -------
    pandas.DataFrame
        Columns where (``identity``, ``limit 1``, …), policy, statement (number, from 0), sid,
        effect, everywhere (True if on every resource without a condition).

    Raises
    ------
    LookupError
        If there is no such principal.

    Examples
    --------
    >>> import iamlab
    >>> with iamlab.start() as lab:
    ...     statements_behind("user/administrator", "s3:GetObject", lab)["policy"].tolist()
    ['AdministratorAccess']
    """
    import pandas as pd

    lab = running(lab)
    ((_, caller),) = everybody(lab, account, [principal])
    identity, limits = policies_of(lab, caller)
    bit = universe().index.get(action.lower())
    found = []
    places = [("identity", identity), *((f"limit {n}", p) for n, p in enumerate(limits, 1))]
    for where, policies in places:
        for policy in policies:
            for statement in policy.statements:
                if bit in about(statement):
                    everywhere = "*" in (statement.resources or ()) and not statement.conditions
                    found.append(
                        (
                            where,
                            policy.name or policy.arn or "policy",
                            statement.index,
                            statement.sid,
                            statement.effect,
                            everywhere,
                        )
                    )
    columns = ["where", "policy", "statement", "sid", "effect", "everywhere"]
    return pd.DataFrame(found, columns=columns)


def running(lab: Lab | None) -> Lab:
    """Return the lab that was given, or the one that runs."""
    if lab is None:
        from iamlab.account.lab import start

        return start()
    lab.check_running()
    return lab


def everybody(
    lab: Lab, account: str | None = None, principals: Iterable[str] | None = None
) -> Iterator[tuple[str, Caller]]:
    """Yield name (``user/ana``) and caller of every user and role, or of those named."""
    account = account or lab.account_id
    if principals is None:
        iam = lab.state.iam(account)
        principals = sorted(f"user/{user.name}" for user in iam.users.values())
        principals += sorted(f"role/{role.name}" for role in iam.roles.values())
    for name in principals:
        arn = name if name.startswith("arn:") else f"arn:aws:iam::{account}:{name}"
        caller = lab.callers.principal(arn)
        if caller is None:
            raise LookupError(f"There is no {name} in account {account}.")
        yield f"{caller.kind}/{caller.name}", caller


def policies_of(lab: Lab, caller: Caller) -> tuple[list[Policy], list[list[Policy]]]:
    """Return a principal's identity policies, and what limits it: boundary, levels of SCPs."""
    known = lab.attached.policies(caller, None, caller.account)
    limits = [list(level) for level in known.scps or ()]
    if known.boundary:
        limits.insert(0, list(known.boundary))
    return list(known.identity), limits
