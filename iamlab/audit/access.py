"""Who can do what: a table of principals and actions, and the statements behind one cell."""

from __future__ import annotations

import gc
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from iamlab.account.callers import role_caller
from iamlab.audit.opened import about, count, everywhere, flags, opened, universe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from iamlab.account.callers import Caller
    from iamlab.account.lab import Lab
    from iamlab.policy.document import Policy, Statement

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
    everybodys = list(everybody(lab, account, principals))
    (bits,) = bit_table(lab, [caller for _, caller in everybodys], (wide,))
    index = pd.Index([name for name, _ in everybodys], name="principal")
    if by == "action":
        return pd.DataFrame(flags(bits), index, pd.Index(universe().names, name="action"))
    counts = count(bits)
    used = counts.any(axis=0)
    groups = [group for group, on in zip(universe().groups, used, strict=True) if on]
    columns = pd.MultiIndex.from_tuples(groups, names=["service", "level"])
    frame = pd.DataFrame(counts[:, used], index, columns)
    return frame.T.groupby(level=0).sum().T if by == "service" else frame


def bit_table(
    lab: Lab, callers: Iterable[Caller], wide: Iterable[bool] = (False,)
) -> list[np.ndarray]:
    """Return what callers may do, as rows of bits (see `iamlab.audit.opened`).

    Parameters
    ----------
    lab : Lab
    callers : iterable of Caller
    wide : iterable of bool
        For each of them one table: what is open on something (False), on everything (True).

    Returns
    -------
    list of numpy.ndarray of uint64, callers by width
    """
    wide = tuple(wide)
    found: list[list[np.ndarray]] = [[] for _ in wide]
    known: dict[Any, list[np.ndarray]] = {}
    with _no_collection():
        for caller in callers:
            identity, limits = policies_of(lab, caller)
            key = (tuple(map(id, identity)), tuple(tuple(map(id, limit)) for limit in limits))
            if key not in known:
                known[key] = [opened(identity, limits, one) for one in wide]
            for table, row in zip(found, known[key], strict=True):
                table.append(row)
    nobody = np.zeros((0, universe().width // 8), np.uint64)
    return [np.stack(table) if table else nobody for table in found]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from looking for garbage meanwhile.

    Reading hundreds of policies makes as many lasting objects; each few thousand of them would set
    off a search through everything that AWS's 1,300 policies left in memory, and find nothing.
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


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
        Columns where (``identity``, ``boundary``, ``SCPs level 1``, …), policy, statement (number,
        from 0), sid, effect, everywhere (True if on every resource without a condition), text (the
        statement as JSON).

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
    return pd.DataFrame(behind(lab, caller, action), columns=Behind._fields)


class Behind(NamedTuple):
    """A statement that is about an action, and where it stands: see `statements_behind`."""

    where: str
    policy: str
    statement: int
    sid: str | None
    effect: str
    everywhere: bool
    text: str


def behind(lab: Lab, caller: Caller, action: str) -> Iterator[Behind]:
    """Yield the statements that open or close one action to one caller."""
    for where, policies in places_of(lab, caller):
        for policy in policies:
            for statement in policy.statements:
                if about(statement, action):
                    yield Behind(
                        where,
                        policy.name or policy.arn or "policy",
                        statement.index,
                        statement.sid,
                        statement.effect,
                        everywhere(statement),
                        _written(policy, statement),
                    )


def _written(policy: Policy, statement: Statement) -> str:
    """Return a statement as it stands in its policy, neatly indented."""
    written = json.loads(policy.text or '{"Statement": {}}')["Statement"]
    return json.dumps(written[statement.index] if isinstance(written, list) else written, indent=2)


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
        roles = {role.name: role for role in iam.roles.values()}
    else:
        roles = {}
    for name in principals:
        arn = name if name.startswith("arn:") else f"arn:aws:iam::{account}:{name}"
        caller = lab.callers.principal(arn)
        if caller is None:
            raise LookupError(f"There is no {name} in account {account}.")
        yield f"{caller.kind}/{caller.name}", caller
    for name in sorted(roles):  # not by name: moto looks through all roles for each
        yield f"role/{name}", role_caller(account, roles[name], "lab-question")


def policies_of(lab: Lab, caller: Caller) -> tuple[list[Policy], list[list[Policy]]]:
    """Return a principal's identity policies, and what limits it: boundary, levels of SCPs."""
    identity, boundary, scps = lab.attached.of_principal(caller)
    return identity, [*([[boundary]] if boundary else []), *(scps or ())]


def places_of(lab: Lab, caller: Caller) -> Iterator[tuple[str, list[Policy]]]:
    """Yield the same with the name of each place: identity, boundary, SCPs level 1, …"""
    identity, boundary, scps = lab.attached.of_principal(caller)
    yield "identity", identity
    if boundary:
        yield "boundary", [boundary]
    for number, level in enumerate(scps or (), 1):
        yield f"SCPs level {number}", level
