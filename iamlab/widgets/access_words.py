"""What the access table says in words: of the whole, of a cell, why it is open or closed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from iamlab.audit.access import Behind, behind, places_of
from iamlab.audit.reports import STALE
from iamlab.widgets.access_grid import ALL, KINDS, SORTS, Access, Grid

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

PLURALS = {"service": "services", "access level": "access levels", "action": "actions"}
_WHERE = {"identity": "identity policy", "boundary": "permissions boundary"}


def many(number: int, one: str) -> str:
    """Write a number and its noun.

    Examples
    --------
    >>> many(1, "action"), many(2000, "access level")
    ('1 action', '2,000 access levels')
    """
    return f"{number:,} {one if number == 1 else PLURALS.get(one, one + 's')}"


def title(grid: Grid) -> str:
    """Say what the columns are."""
    return (
        "Users and roles, by service",
        "Users and roles, by access level of {0}",
        "Users and roles, by action of {0} that is {1}",
    )[len(grid.path)].format(*grid.path)


def legend(grid: Grid) -> list[str]:
    """Say what the blues, the hatching and the keys mean."""
    blue = f"Number: open actions. The deeper the blue, the more of the {grid.kind} is open."
    if grid.kind == "action":
        blue = "all: open on every resource. some: on some resources, or under a condition."
    enter = "shows the statements" if grid.kind == "action" else "zooms in"
    return [
        blue,
        f"Hatched: open, but unused in the last {STALE} days.",
        f"Arrow keys move, Enter {enter}, Escape goes back.",
    ]


def summary(access: Access, grid: Grid, rows: list[int], columns: list[int], sort: str) -> str:
    """Say what is shown, and how much of it is unused."""
    if not access.names:
        return "This account has no users and no roles."
    if not grid.columns:
        return "Nobody may do anything here."
    if not rows or not columns:
        return "Nothing has such a name. Type less, or something else."
    here = np.ix_(rows, columns)
    opened, unused = int((grid.counts[here] > 0).sum()), int(grid.unused[here].sum())
    shown = f"{_of(len(rows), len(access.names), 'principal')}, "
    shown += f"{_of(len(columns), len(grid.columns), grid.kind)}; sorted by {SORTS[sort]}."
    if not opened:
        return f"{shown} None of these cells is open."
    what = "1 cell is open" if opened == 1 else f"{opened:,} cells are open"
    return f"{shown} {what}, {unused:,} of them unused in the last {STALE} days."


def _of(shown: int, all_: int, noun: str) -> str:
    return many(all_, noun) if shown == all_ else f"{shown:,} of {many(all_, noun)}"


def cell(access: Access, grid: Grid, row: int, column: int, wide: bool) -> str:
    """Say what one cell shows: how much is open, and when it was last used."""
    who, name = access.names[row], grid.columns[column]
    opened, total = int(grid.counts[row, column]), int(grid.totals[column])
    where = " on every resource, without a condition" if wide else ""
    if grid.kind == "action":
        action = f"{grid.path[0]}:{name}"
        if not opened:
            return f"{who} may not do `{action}`{where}."
        on = "every resource" if opened == ALL else "some resources, or under a condition"
        return f"{who} may do `{action}` on {on}. {_use(access, grid, row, [column])}"
    inside = f"`{name}`" if grid.kind == "service" else f"`{grid.path[0]}` that are {name}"
    if not opened:
        return f"{who} may do none of the {many(total, 'action')} of {inside}{where}."
    said = f"{who} may do {opened:,} of {many(total, 'action')} of {inside}{where}."
    if used := int(grid.used[row, column]):
        return f"{said} {used:,} of them {_were(used)} used in the last {STALE} days."
    return f"{said} {_use(access, grid, row, [column])}"


def principal(access: Access, grid: Grid, row: int) -> str:
    """Say what one principal may do here, and what of it lies unused."""
    who, kind = access.names[row], grid.kind
    opened = int(grid.open_actions()[row].sum())
    if not opened:
        return f"{who} may do nothing here."
    said = f"{who} may do {many(opened, 'action')}"
    if kind != "action":
        said += f" in {many(int((grid.counts[row] > 0).sum()), kind)}"
    used = int(grid.used[row].sum())
    idle = [name for name, off in zip(grid.columns, grid.unused[row], strict=True) if off]
    if not used:
        return f"{said}. {_use(access, grid, row, range(len(grid.columns)))}"
    rest = f" Unused {PLURALS[kind]}: {_few(idle)}." if idle else f" No {kind} is unused."
    return f"{said}; {used:,} of them {_were(used)} used in the last {STALE} days.{rest}"


def column(access: Access, grid: Grid, number: int) -> str:
    """Say how many may do something of one column."""
    opened, idle = (
        int((grid.counts[:, number] > 0).sum()),
        int(grid.unused[:, number].sum()),
    )
    name = grid.columns[number]
    what = {"service": f"in `{name}`", "access level": f"of {name}", "action": f"with `{name}`"}
    said = f"{many(opened, 'principal')} may do something {what[grid.kind]}"
    return f"{said}; {idle:,} of them did not in the last {STALE} days."


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _few(names: list[str], most: int = 8) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _use(access: Access, grid: Grid, row: int, columns: Any) -> str:
    """Say when anything of these columns was used for the last time."""
    which = _actions(grid, set(columns))
    last = max((when for action, when in access.uses[row].items() if which(action)), default=None)
    if last is None:
        made = access.made(row)
        return f"Never used since it was made on {made:%Y-%m-%d}, {_ago(access.now, made)}."
    return f"Last used on {last:%Y-%m-%d}, {_ago(access.now, last)}."


def _actions(grid: Grid, columns: set[int]) -> Any:
    names = {grid.columns[number].lower() for number in columns}
    if grid.kind == "service":
        return lambda action: action.partition(":")[0].lower() in names
    if grid.kind == "action":
        return lambda action: action.lower() in {f"{grid.path[0]}:{name}".lower() for name in names}
    from iamlab.policy.catalog import access_level

    return lambda action: (
        action.partition(":")[0].lower() == grid.path[0]
        and (access_level(action) or "Write").lower() in names
    )


def _ago(now: datetime, then: datetime) -> str:
    days = (now - then) // timedelta(days=1)
    return "today" if days < 1 else "1 day ago" if days == 1 else f"{days:,} days ago"


def statements(lab: Lab, access: Access, row: int, action: str) -> dict[str, Any]:
    """List the statements that open or close one action, and say which of them decides.

    Returns
    -------
    dict
        ``title``, ``sentence``, and ``rows``: of each statement ``effect``, ``name``, ``scope``
        (a sentence) and ``text`` (its JSON).
    """
    who, caller = access.names[row], access.callers[row]
    found = list(behind(lab, caller, action))
    return {
        "title": f"{who} and {action}",
        "sentence": _why(who, found, [place for place, _ in places_of(lab, caller)]),
        "rows": [
            {"effect": one.effect, "name": _name(one), "scope": _scope(one), "text": one.text}
            for one in found
        ],
    }


def _name(one: Behind) -> str:
    sid = f" ({one.sid})" if one.sid else ""
    return f"Statement {one.statement + 1}{sid} of the {_place(one.where)} {one.policy}"


def _place(where: str) -> str:
    return _WHERE.get(where) or f"SCP of level {where.rsplit(' ', 1)[-1]}"


def _scope(one: Behind) -> str:
    verb = "Allows" if one.effect == "Allow" else "Denies"
    where = "on every resource" if one.everywhere else "on some resources, or under a condition"
    return f"{verb} it {where}."


def _why(who: str, found: list[Behind], places: list[str]) -> str:
    denies = [one for one in found if one.effect == "Deny"]
    for one in denies:
        if one.everywhere:
            return f"Closed: {_name(one)} denies it always. A Deny beats every Allow."
    narrow = []
    for place in places:
        allows = [one for one in found if one.where == place and one.effect == "Allow"]
        if not allows and place == "identity":
            return f"Closed: no identity policy of {who} allows it."
        if not allows:
            return f"Closed: the {_place(place)} does not allow it. It sets what {who} may have."
        if not any(one.everywhere for one in allows):
            narrow.append(f"the {_place(place)} names resources or conditions")
    if narrow or denies:
        parts = [*narrow, *(["a Deny takes some of it away"] if denies else [])]
        return f"Open on something, not on everything: {', and '.join(parts)}."
    return "Open on every resource, without a condition."


def lines(access: Access, grid: Grid, rows: list[int], columns: list[int], most: int) -> list[str]:
    """Write the table as one line a principal, for where there is no page."""
    found = []
    for row in rows[:most]:
        cells = sorted(
            (c for c in columns if grid.counts[row, c]), key=lambda c: -grid.counts[row, c]
        )
        parts = [_brief(grid, row, c) for c in cells]
        found.append(f"{access.names[row]}: {_few(parts) or 'nothing'}")
    if len(rows) > most:
        found.append(f"… and {many(len(rows) - most, 'principal')} more.")
    return found


def _brief(grid: Grid, row: int, number: int) -> str:
    value = int(grid.counts[row, number])
    if grid.kind == "action":
        text = f"{grid.columns[number]} on {'everything' if value == ALL else 'something'}"
    else:
        text = f"{grid.columns[number]} {value:,}"
    return f"{text} (unused)" if grid.unused[row, number] else text


def where_to(grid: Grid, number: int) -> str:
    """Name what Enter does on a cell of a column."""
    if grid.kind == "action":
        return "Show the statements"
    return f"Zoom into {grid.columns[number]}: {PLURALS[KINDS[len(grid.path) + 1]]}"
