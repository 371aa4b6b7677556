"""What policies open, compared: actions by service and access level, and how many were used.

An action counts as open that is allowed on anything at all; see `iamlab.policy.breadth`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iamlab.audit.access import bit_table, everybody, running
from iamlab.audit.opened import LEVELS, actions_in
from iamlab.audit.use import last_used
from iamlab.policy import Policy, catalog, parse
from iamlab.policy.breadth import open_actions

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

HAND_OUT = "Permissions management"
NOTE = (
    "An action counts as open if it is allowed on anything at all: a Resource or a Condition that "
    "narrows it is not weighed."
)
_WHAT = (
    "give a policy (a dict, JSON text or a list of them), the ARN of a managed policy, such an ARN "
    'with a version as ("arn:…", "v1"), or a principal such as "user/ana"'
)


@dataclass(frozen=True)
class Side:
    """One of the two things compared: what to call it, its open actions, is it the lab's."""

    name: str
    actions: frozenset[str]
    live: bool = False


def read_side(source: Any, called: str) -> Side:
    """Read what `iamlab.widgets.opens` is given.

    Parameters
    ----------
    source : dict, str, Policy, list or tuple
    called : str
        What to call a policy without a name.

    Raises
    ------
    PolicyError
        If AWS would refuse a document.
    LookupError
        If the lab has no such policy, version or principal.
    TypeError
        If it is none of what can be read.

    Examples
    --------
    >>> read_side({"Version": "2012-10-17", "Statement": {
    ...     "Effect": "Allow", "Action": "sts:GetCaller*", "Resource": "*"}}, "now")
    Side(name='now', actions=frozenset({'sts:GetCallerIdentity'}), live=False)
    """
    if _is_principal(source):
        lab = running(None)
        ((name, caller),) = everybody(lab, None, [source])
        (rows,) = bit_table(lab, [caller])
        return Side(f"everything that {name} may do", frozenset(actions_in(rows[0])), True)
    several = source if isinstance(source, list) else [source]
    if not several:
        raise TypeError(f"the list of policies is empty: {_WHAT}")
    policies = [_policy(one) for one in several]
    live = any(policy.arn for policy in policies)
    names = [policy.name for policy in policies if policy.name]
    return Side(", ".join(names) or called, frozenset(open_actions(policies)), live)


def _policy(source: Any) -> Policy:
    if isinstance(source, tuple) and len(source) == 2 and all(isinstance(s, str) for s in source):
        return _managed(*source)
    if isinstance(source, str) and source.startswith("arn:"):
        return _managed(source, None)
    if isinstance(source, (str, Mapping, Policy)):
        return parse(source)
    raise TypeError(f"a {type(source).__name__} is no policy: {_WHAT}")


def _managed(arn: str, version: str | None) -> Policy:
    lab = running(None)
    found = lab.state.managed_policy(arn, lab.account_id)
    if found is None:
        raise LookupError(f"The lab has no managed policy {arn}.")
    wanted = version or found.default_version_id
    for one in found.versions:
        if one.version_id == wanted:
            default = ", the default" if wanted == found.default_version_id else ""
            return parse(one.document, name=f"{found.name} ({wanted}{default})", arn=arn)
    known = ", ".join(one.version_id for one in found.versions)
    raise LookupError(f"{found.name} has no version {wanted}: it has {known}.")


def _is_principal(source: Any) -> bool:
    if not isinstance(source, str):
        return False
    head = source.split(":", 5)[-1] if source.startswith("arn:") else source
    return head.startswith(("user/", "role/"))


@dataclass(frozen=True)
class Used:
    """What was used, and who says so: a list, or the lab's record of a principal."""

    by: str
    actions: frozenset[str]
    live: bool = False


def read_used(source: Any) -> Used:
    """Read what was used: actions, or a principal whose allowed calls the lab has on record.

    Raises
    ------
    ValueError
        If AWS has no such action.
    LookupError
        If the lab has no such principal.

    Examples
    --------
    >>> sorted(read_used(["S3:getobject"]).actions)
    ['s3:GetObject']
    """
    if _is_principal(source):
        lab: Lab = running(None)
        ((name, caller),) = everybody(lab, None, [source])
        return Used(name, frozenset(last_used(lab).get(caller.entity.id, ())), True)
    listed = [source] if isinstance(source, str) else list(source)
    return Used("", frozenset(_action(one) for one in listed))


def _action(name: Any) -> str:
    known = catalog.describe(name) if isinstance(name, str) else None
    if known is None:
        near = catalog.nearest(name) if isinstance(name, str) and ":" in name else None
        hint = f" Did you mean {near}?" if near else ""
        if isinstance(name, str) and ("*" in name or "?" in name):
            hint = " Write out each action that was used."
        raise ValueError(f"used holds {name!r}, which is no action of AWS.{hint}")
    return f"{name.partition(':')[0].lower()}:{known['name']}"


def report(before: Side, after: Side | None, used: Used | None) -> dict[str, Any]:
    """Put the comparison into the numbers, names and sentences that are shown.

    Returns
    -------
    dict
        ``before``, ``after`` (names), ``headline``, ``more`` (sentences), ``levels`` and
        ``services`` (numbers, and the names of actions), ``meter`` (empty without `used`),
        ``note``.
    """
    new = after or Side("", frozenset())
    parts = {
        "gained": new.actions - before.actions if after else frozenset(),
        "lost": before.actions - new.actions if after else frozenset(),
        "kept": before.actions & new.actions if after else before.actions,
    }
    tree: dict[str, dict[str, dict[str, list[str]]]] = {}
    for part, actions in parts.items():
        for action in sorted(actions):
            service, _, name = action.partition(":")
            at = tree.setdefault(service, {}).setdefault(level_of(action), {})
            at.setdefault(part, []).append(name)
    services = [
        {
            "name": service,
            **{part: sum(len(at.get(part, ())) for at in levels.values()) for part in parts},
            "levels": [{"name": level, **levels[level]} for level in LEVELS if level in levels],
        }
        for service, levels in tree.items()
    ]
    services.sort(key=lambda row: (-(row["gained"] + row["lost"]), -row["kept"], row["name"]))
    levels = [
        {"name": level, **{part: _of_level(actions, level) for part, actions in parts.items()}}
        for level in LEVELS
    ]
    return {
        "before": before.name,
        "after": after.name if after else "",
        "both": after is not None,
        "headline": _headline(before, after, parts),
        "more": _more(parts) if after else [],
        "levels": levels,
        "services": services,
        "meter": _meter(after or before, used) if used else {},
        "note": NOTE,
    }


def level_of(action: str) -> str:
    """Return the access level of an action, as the Service Authorization Reference has it."""
    return catalog.access_level(action) or "Write"


def _of_level(actions: Iterable[str], level: str) -> int:
    return sum(level_of(action) == level for action in actions)


def _headline(before: Side, after: Side | None, parts: Mapping[str, frozenset[str]]) -> str:
    if after is None:
        return f"It opens {_count(before.actions)}{_in_services(before.actions)}."
    gained, lost = len(parts["gained"]), len(parts["lost"])
    if not gained and not lost:
        return f"Nothing changes: both open the same {_count(before.actions)}."
    changes = [f"{gained:,} gained"] if gained else []
    changes += [f"{lost:,} lost"] if lost else []
    both = f"{_count(before.actions)} before, {len(after.actions):,} after"
    return f"{both}: {' and '.join(changes)}."


def _more(parts: Mapping[str, frozenset[str]]) -> list[str]:
    risky = [action for action in sorted(parts["gained"]) if level_of(action) == HAND_OUT]
    if not risky:
        return []
    return [f"Gained with it, the right to hand out rights: {few(risky)}."]


def _meter(side: Side, used: Used) -> dict[str, Any]:
    hit, missing = side.actions & used.actions, sorted(used.actions - side.actions)
    opened, number = len(side.actions), len(hit)
    who = f" by {used.by}" if used.by else ""
    said = [f"{_count(side.actions)} open; {number:,} used{who}."]
    if opened and not number:
        said.append("Nothing of what is open was used.")
    elif number and opened == number:
        said.append("It fits: all that is open was used.")
    elif number:
        said.append(f"So it is {_times(opened / number)} as wide as what was used.")
    if number:
        levels = [f"{n:,} {level}" for level in LEVELS if (n := _of_level(hit, level))]
        said.append(f"Used: {', '.join(levels)}.")
    idle = [a for a in sorted(side.actions - used.actions) if level_of(a) == HAND_OUT]
    if idle:
        said.append(
            f"Open, not used, and able to hand out rights (Permissions management): {few(idle)}."
        )
    elif opened:
        said.append("No unused action of it can hand out rights (Permissions management).")
    if missing:
        said.append(f"Used, but not opened by it: {few(missing)}. Something else allowed that.")
    return {
        "opened": opened,
        "used": number,
        "idle": opened - number,
        "sentences": said,
        "levels": [
            {"name": level, "opened": n, "used": _of_level(hit, level)}
            for level in LEVELS
            if (n := _of_level(side.actions, level))
        ],
    }


def few(names: list[str], most: int = 6) -> str:
    """List a few names, and say how many more there are.

    Examples
    --------
    >>> few(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def _count(actions: frozenset[str]) -> str:
    return f"{len(actions):,} action" + ("" if len(actions) == 1 else "s")


def _in_services(actions: frozenset[str]) -> str:
    services = len({action.partition(":")[0] for action in actions})
    return f" in {services:,} service{'' if services == 1 else 's'}" if services else ""


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:,.0f} times"
