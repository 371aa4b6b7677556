"""Every credential of a lab as a bar: how long it lives, what made it, what it called."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iamlab.account.callers import Session
    from iamlab.account.lab import Lab
    from iamlab.account.trail import Record

# The name that the console's "Revoke active sessions" gives the policy.
# Source: "Revoke IAM role temporary security credentials", IAM User Guide.
REVOCATION = "AWSRevokeOlderSessions"
SOON = 0.15  # the last part of a life, in which credentials are said to end soon
_KEY_IN_ANSWER = re.compile(rb"<AccessKeyId>(ASIA\w+)</AccessKeyId>")


@dataclass(slots=True)
class Call:
    """One call; ``kind`` is ``"allowed"``, ``"denied"`` (by a policy) or ``"refused"``.

    Refused means that AWS did not accept the credentials: no policy was asked.
    """

    at: datetime
    kind: str
    what: str
    said: str


@dataclass(slots=True, eq=False)
class Bar:
    """One credential: a session, or a long-term key (``expires`` is None).

    Attributes
    ----------
    key : str
        The access key ID.
    who, name : str
        ``"role/reader"`` and ``"session build-7"``.
    issued : datetime
        Of the root user's keys and of hidden ones: when they were first used.
    parent : Bar or None
        The credentials that it was made with; ``maker`` says so in words where it has none.
    gone : str
        Why AWS takes it no longer, although its time is not over; else empty.
    role : str
        ARN of the role behind a session; empty where there is none.
    revoked : datetime or None
        The role denies everything to what was issued before this; None if this was not.
    """

    key: str
    who: str
    name: str
    arn: str
    account: str
    issued: datetime
    expires: datetime | None
    role: str = ""
    chained: bool = False
    parent: Bar | None = None
    maker: str = ""
    operation: str = ""
    gone: str = ""
    revoked: datetime | None = None
    made: list[Bar] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def left(self, now: datetime) -> float | None:
        """Return the seconds until it expires; None for a long-term key."""
        return None if self.expires is None else (self.expires - now).total_seconds()

    def phase(self, now: datetime) -> str:
        """Return ``"good"``, ``"soon"``, ``"expired"``, ``"revoked"``, ``"gone"`` or ``"key"``."""
        left = self.left(now)
        if left is not None and left <= 0:
            return "expired"
        if self.gone:
            return "gone"
        if left is None or self.expires is None:
            return "key"
        if self.revoked is not None:
            return "revoked"
        return "soon" if left < SOON * (self.expires - self.issued).total_seconds() else "good"


def bars(lab: Lab, account: str | None = None) -> list[Bar]:
    """List the credentials of a lab, the oldest first.

    Parameters
    ----------
    lab : Lab
    account : str, optional
        Only this account's; every account's if not given.

    Returns
    -------
    list of Bar
        Every temporary credential, and every long-term key that exists or was used.

    Examples
    --------
    >>> import boto3, iamlab
    >>> with iamlab.start() as lab:
    ...     made = boto3.client("sts").get_session_token(DurationSeconds=900)
    ...     [bar.name.split()[0] for bar in bars(lab)]
    ['long-term', 'session']
    """
    records = list(lab.trail.records)
    found = {bar.key: bar for bar in _sessions(lab)} | {bar.key: bar for bar in _keys(lab)}
    for record in records:
        if record.access_key_id.startswith("AKIA") and record.access_key_id not in found:
            used = _used_key(lab, record)
            if used is not None:
                found[used.key] = used
    for record in records:
        bar = found.get(record.access_key_id)
        if bar is not None:
            bar.calls.append(_call(record))
        made = _KEY_IN_ANSWER.search(record.response[2]) if _gives(record) else None
        if made is not None and (session := found.get(made[1].decode())) is not None:
            session.parent, session.operation = bar, record.operation
            session.maker = short(record.principal, lab.account_id)
            if bar is not None:
                bar.made.append(session)
    kept = [bar for bar in found.values() if account in (None, bar.account)]
    # Dates are whole seconds: what a key made may have the key's own.
    return sorted(kept, key=lambda bar: (bar.issued, bar.expires is not None))


def chains(found: list[Bar]) -> list[list[Bar]]:
    """Put bars in rows: one a row, or a chain of sessions that took over one from the other.

    A session goes on a chain if it has the ARN and the maker of the one before it, and was issued
    in the second half of that one's life or later: as credentials do that renew themselves.

    Parameters
    ----------
    found : list of Bar
        As `bars` returns them.

    Returns
    -------
    list of list of Bar
        A session's row comes after the row of the credentials that made it.
    """
    row_of: dict[str, list[Bar]] = {}
    last: dict[Any, list[Bar]] = {}
    for bar in found:
        source = row_of.get(bar.parent.key) if bar.parent else None
        same = (bar.arn, id(source) if source else bar.maker)
        row = last.get(same)
        if bar.expires is None or row is None or not _takes_over(row[-1], bar):
            row = last[same] = []
        row.append(bar)
        row_of[bar.key] = row
    under: dict[int, list[list[Bar]]] = {}
    for row in {id(row): row for row in row_of.values()}.values():
        source = row_of.get(row[0].parent.key) if row[0].parent else None
        under.setdefault(id(source) if source else 0, []).append(row)
    return list(_below(under, 0))


def depth(bar: Bar, within: set[str]) -> int:
    """Count the credentials that it comes from, as far as they are shown."""
    deep, parent = 0, bar.parent
    while parent is not None:
        deep, parent = deep + (parent.key in within), parent.parent
    return deep


def lanes(row: list[Bar]) -> list[int]:
    """Give bars of one row that overlap lanes of their own, numbered from 0."""
    ends: list[datetime] = []
    taken = []
    for bar in row:
        end = bar.expires or datetime.max.replace(tzinfo=UTC)
        free = next((n for n, until in enumerate(ends) if until <= bar.issued), len(ends))
        ends[free : free + 1] = [end]
        taken.append(free)
    return taken


def short(arn: str, home: str) -> str:
    """Name a principal without what everybody here shares.

    Examples
    --------
    >>> short("arn:aws:iam::444455556666:role/ops/reader", "111122223333")
    'role/reader in 444455556666'
    """
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return arn
    kind, *path = parts[5].split("/")
    if kind == "assumed-role":  # …/role/session
        kind, path = "role", path[:-1]
    name = f"{kind}/{path[-1]}" if path else kind
    return name if parts[4] in (home, "") else f"{name} in {parts[4]}"


def _sessions(lab: Lab) -> Iterator[Bar]:
    for session in lab.callers.sessions.values():
        name = f"session {session.role_session_name}"
        if not session.role_session_name:
            name = "session token" if session.kind in ("user", "root") else "federated session"
        bar = Bar(
            session.access_key_id, short(session.arn, lab.account_id), name, session.arn,
            session.account, session.issued, session.expires, chained=session.chained,
        )  # fmt: skip
        if session.kind == "role":
            bar.role = session.principal_arn
            cut = _cut_off(lab, session)
            bar.revoked = cut if cut and session.issued < cut else None
        if lab.callers.find(session.access_key_id) is None:
            bar.gone = "gone with its role" if session.kind == "role" else "gone with its user"
        yield bar


def _keys(lab: Lab) -> Iterator[Bar]:
    for account in lab.state.accounts():
        for user in lab.state.iam(account).users.values():
            for key in user.access_keys:
                made = key.create_date.replace(tzinfo=UTC)
                bar = _key(lab, key.access_key_id, user.arn, account, made)
                bar.gone = "" if key.status == "Active" else "switched off"
                yield bar


def _used_key(lab: Lab, record: Record) -> Bar | None:
    """A long-term key that no user has: the root user's, a hidden one, or one that was deleted."""
    if record.caller is None:
        return None
    caller = record.caller
    bar = _key(lab, record.access_key_id, caller.arn, caller.account, record.time)
    bar.gone = "" if lab.callers.find(record.access_key_id) else "deleted"
    return bar


def _key(lab: Lab, key: str, arn: str, account: str, made: datetime) -> Bar:
    name = f"long-term key …{key[-4:]}"
    return Bar(
        key, short(arn, lab.account_id), name, arn, account, made.replace(microsecond=0), None
    )


def _gives(record: Record) -> bool:
    return record.service == "sts" and record.response is not None and record.error is None


def _call(record: Record) -> Call:
    denied = record.denied is not None
    kind = "refused" if record.refused is not None else "denied" if denied else "allowed"
    said = f"{record.error.code}: {record.error.message}" if record.error else ""
    return Call(record.time, kind, f"{record.service}:{record.operation}", said)


def _takes_over(before: Bar, after: Bar) -> bool:
    assert before.expires is not None
    return after.issued >= before.issued + (before.expires - before.issued) / 2


def _below(under: dict[int, list[list[Bar]]], source: int) -> Iterator[list[Bar]]:
    for row in under.get(source, ()):
        yield row
        yield from _below(under, id(row))


def _cut_off(lab: Lab, session: Session) -> datetime | None:
    """Before what time the role's sessions are revoked, if the policy for that is there."""
    role = lab.state.iam(session.account).roles.get(session.entity_id)
    try:
        document = json.loads(role.policies[REVOCATION])
        statements = document["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            if statement["Effect"] == "Deny":
                text = statement["Condition"]["DateLessThan"]["aws:TokenIssueTime"]
                return datetime.fromisoformat(text).astimezone(UTC)
    except (AttributeError, KeyError, TypeError, ValueError):
        pass  # no such policy, or one of the learner's own that says something else
    return None
