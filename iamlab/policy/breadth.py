"""How much policies open: their actions by service and access level, and two policies compared.

Counted is what may be done to anything at all. A condition or a Resource that narrows a statement
is not weighed: the actions still count as open. A Deny takes actions away only where it denies
them always: on every resource, without a condition.
"""

from __future__ import annotations

from . import catalog
from .document import parse
from .matching import wildcard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .document import Policy, Statement

    Document = dict[str, Any] | str | Policy


def opens(policies: Document | Iterable[Document]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Say which actions policies open, by service and access level.

    Parameters
    ----------
    policies : document or list of documents
        Dicts, JSON texts or `Policy` objects, which hold for one principal together.

    Returns
    -------
    dict of str to dict of str to tuple of str
        Service prefix, then access level (``List``, ``Read``, ``Write``, ``Tagging``,
        ``Permissions management``), then the actions, sorted.

    Raises
    ------
    PolicyError
        If AWS would refuse a document.

    Examples
    --------
    >>> opens({"Version": "2012-10-17", "Statement": {
    ...     "Effect": "Allow", "Action": "sts:GetCaller*", "Resource": "*"}})
    {'sts': {'Read': ('sts:GetCallerIdentity',)}}
    """
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for action in sorted(open_actions(policies)):
        levels = found.setdefault(action.partition(":")[0], {})
        level = catalog.access_level(action) or "Write"
        levels[level] = (*levels.get(level, ()), action)
    return found


def compare(
    before: Document | Iterable[Document], after: Document | Iterable[Document]
) -> dict[str, tuple[str, ...]]:
    """Say which actions a change of policies opens and closes.

    Returns
    -------
    dict of str to tuple of str
        ``"gained"`` and ``"lost"``: actions, sorted.

    Examples
    --------
    >>> def allow(action):
    ...     return {"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}
    >>> compare(allow("sqs:GetQueueUrl"), allow("sqs:Get*"))
    {'gained': ('sqs:GetQueueAttributes',), 'lost': ()}
    """
    old, new = open_actions(before), open_actions(after)
    return {"gained": tuple(sorted(new - old)), "lost": tuple(sorted(old - new))}


def open_actions(policies: Document | Iterable[Document]) -> set[str]:
    """Return every action that policies allow on anything, see the module's first lines.

    Examples
    --------
    >>> open_actions({"Statement": {"Effect": "Allow", "Action": "sqs:GetQueueU*",
    ...                             "Resource": "*"}})
    {'sqs:GetQueueUrl'}
    """
    if isinstance(policies, (dict, str)) or hasattr(policies, "statements"):
        policies = [policies]
    statements = [one for doc in policies for one in parse(doc).statements]
    allowed: set[str] = set()
    for statement in statements:
        if statement.effect == "Allow":
            allowed |= _named(statement)
    for statement in statements:
        if _always_denies(statement):
            allowed = {action for action in allowed if not _covers(statement, action)}
    return allowed


def _named(statement: Statement) -> set[str]:
    if statement.not_actions is None:
        return {action for pattern in statement.actions or () for action in catalog.expand(pattern)}
    return {action for action in catalog.expand("*") if _covers(statement, action)}


def _covers(statement: Statement, action: str) -> bool:
    patterns = statement.not_actions if statement.actions is None else statement.actions
    hit = any(wildcard(pattern.lower())(action.lower(), {}) for pattern in patterns or ())
    return hit == (statement.not_actions is None)


def _always_denies(statement: Statement) -> bool:
    everyone = statement.principals is None or ("AWS", "*") in statement.principals
    everywhere = "*" in (statement.resources or ()) and statement.not_principals is None
    return statement.effect == "Deny" and everywhere and everyone and not statement.conditions
