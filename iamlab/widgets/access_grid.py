"""Who can do what, in numbers: services, then the access levels of one, then its actions.

At each of these three depths there is a grid: principals by columns, how much of each column is
open to each principal, and how much of that was used.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from iamlab.audit.access import bit_table, everybody
from iamlab.audit.opened import bits_of, count, universe
from iamlab.audit.reports import STALE
from iamlab.audit.use import last_used

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

# What the columns are at each depth; the path to depth 2 is (service, access level).
KINDS = ("service", "access level", "action")
SOME, ALL = 1, 2  # an action is open on something; on every resource without a condition
SORTS = {"most": "most access", "unused": "most unused", "name": "name"}


@dataclass(frozen=True)
class Grid:
    """One depth, for every principal.

    Attributes
    ----------
    path : tuple of str
        Nothing, a service, or a service and an access level.
    columns : list of str
        Services, access levels, or actions.
    totals : numpy.ndarray of int
        How many actions of AWS stand behind each column.
    counts : numpy.ndarray of int, principals by columns
        How many of them are open. For an action: 0, `SOME` or `ALL`.
    used : numpy.ndarray of int, principals by columns
        How many of the open ones were used in the last 90 days.
    """

    path: tuple[str, ...]
    columns: list[str]
    totals: np.ndarray
    counts: np.ndarray
    used: np.ndarray

    @property
    def kind(self) -> str:
        """What a column is."""
        return KINDS[len(self.path)]

    @property
    def unused(self) -> np.ndarray:
        """Where something is open and nothing was used: bool, principals by columns."""
        return (self.counts > 0) & (self.used == 0)

    def open_actions(self) -> np.ndarray:
        """How many actions are open: as `counts`, but 1 for an action that is open."""
        return self.counts if len(self.path) < 2 else np.minimum(self.counts, 1)

    def order(self, names: list[str], sort: str, rows: str, columns: str) -> tuple[Any, Any]:
        """Say which rows and columns to show, and in which order.

        Parameters
        ----------
        names : list of str
            The principals.
        sort : str
            One of `SORTS`.
        rows, columns : str
            What a principal's or a column's name must hold; capitals do not matter.

        Returns
        -------
        (list of int, list of int)
        """
        chosen = [i for i, name in enumerate(names) if rows.lower() in name.lower()]
        shown = [i for i, name in enumerate(self.columns) if columns.lower() in name.lower()]
        if sort == "name":
            # Access levels have an order of their own: from looking to handing out.
            by_name = shown if len(self.path) == 1 else sorted(shown, key=self.columns.__getitem__)
            return sorted(chosen, key=names.__getitem__), by_name
        weight = self.open_actions() - self.used if sort == "unused" else self.open_actions()
        cells = self.unused if sort == "unused" else self.counts > 0
        per_row = weight[:, shown].sum(axis=1)
        per_column = cells[chosen].sum(axis=0)
        return (
            sorted(chosen, key=lambda i: (-per_row[i], names[i])),
            sorted(shown, key=lambda i: (-per_column[i], i)),
        )


class Access:
    """Every user and role of an account, what each may do and what each did.

    Parameters
    ----------
    lab : Lab
    account : str

    Attributes
    ----------
    names : list of str
        ``user/ana``, ``role/reader``, …
    callers : list of Caller
    uses : list of dict of str to datetime
        Of each: action to the lab time of its last use.
    """

    def __init__(self, lab: Lab, account: str) -> None:
        pairs = list(everybody(lab, account))
        self.now: datetime = lab.clock.now()
        self.names = [name for name, _ in pairs]
        self.callers = [caller for _, caller in pairs]
        record = last_used(lab)
        self.uses = [record.get(caller.entity.id, {}) for caller in self.callers]
        may, wide = bit_table(lab, self.callers, (False, True))
        self._bits = {False: may, True: wide}
        self._counted: dict[bool, tuple[np.ndarray, ...]] = {}

    @cached_property
    def _recent(self) -> np.ndarray:
        """Rows of bits like the others: what was used in the last 90 days."""
        rows = np.zeros(self._bits[False].shape, np.uint64)
        for row, used in zip(rows.view(np.uint8), self.uses, strict=True):
            late = [action for action, when in used.items() if not self.stale(when)]
            for bit in bits_of(late):
                row[bit // 8] |= np.uint8(1 << bit % 8)
        return rows

    def stale(self, when: datetime) -> bool:
        """Whether that was 90 days ago, or longer."""
        return self.now - when >= timedelta(days=STALE)

    def made(self, row: int) -> datetime:
        """When a principal was made, lab time."""
        return self.callers[row].entity.create_date.replace(tzinfo=self.now.tzinfo)

    def grid(self, path: tuple[str, ...] = (), wide: bool = False) -> Grid:
        """Work out one depth.

        Parameters
        ----------
        path : tuple of str
            Nothing, a service, or a service and an access level.
        wide : bool
            Count only what is open on every resource without a condition.

        Raises
        ------
        KeyError
            If AWS has no such service or level.
        """
        bits = self._bits[wide]
        if len(path) == 2:
            return self._actions(path, wide)
        if wide not in self._counted:
            self._counted[wide] = count(_everything()), count(bits), count(bits & self._recent)
        totals, counts, used = self._counted[wide]
        groups = universe().groups
        if path:
            chosen = [i for i, (service, _) in enumerate(groups) if service == path[0]]
            if not chosen:
                raise KeyError(path[0])
            columns = [groups[i][1] for i in chosen]
            return Grid(path, columns, totals[0, chosen], counts[:, chosen], used[:, chosen])
        services = [service for service, _ in groups]
        first = [i for i, one in enumerate(services) if i == 0 or services[i - 1] != one]
        totals, counts, used = (
            np.add.reduceat(table, first, axis=1) for table in (totals, counts, used)
        )
        open_ones = np.flatnonzero(counts.any(axis=0))  # 400 empty columns would hide the rest
        columns = [services[first[i]] for i in open_ones]
        return Grid((), columns, totals[0, open_ones], counts[:, open_ones], used[:, open_ones])

    def _actions(self, path: tuple[str, ...], wide: bool) -> Grid:
        everything = universe()
        if path not in everything.groups:
            raise KeyError(path)
        group = everything.groups.index(path)
        start, end = np.append(everything.starts, everything.width)[group : group + 2]
        here = slice(*np.searchsorted(everything.bits, [start * 8, end * 8]))
        columns = [name.partition(":")[2] for name in everything.names[here]]
        may, every, recent = (
            np.unpackbits(table.view(np.uint8)[:, start:end], axis=1, bitorder="little")[
                :, : len(columns)
            ].astype(np.int32)
            for table in (self._bits[False], self._bits[True], self._recent)
        )
        counts = every * ALL if wide else may * SOME + every
        totals = np.ones(len(columns), np.int32)
        return Grid(path, columns, totals, counts, recent * (counts > 0))


def _everything() -> np.ndarray:
    row = np.zeros(universe().width * 8, bool)
    row[universe().bits] = True
    return np.packbits(row, bitorder="little").view(np.uint64)[None, :]
