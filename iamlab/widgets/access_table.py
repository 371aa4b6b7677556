"""Who can do what: a table to zoom into, from all services down to the statement behind a cell."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import traitlets

from iamlab.audit.access import running
from iamlab.widgets import access_words as words
from iamlab.widgets._base import LabWidget, page_file, page_style
from iamlab.widgets.access_grid import ALL, SORTS, Access, Grid

if TYPE_CHECKING:
    import pandas as pd

    from iamlab.account.lab import Lab
    from iamlab.widgets.picture import Picture

LINES = 25  # principals that `words` lists


class AccessTable(LabWidget):
    """The widget behind `access_matrix`.

    Attributes
    ----------
    grid : dict
        The numbers of one depth: ``path``, ``kind``, ``columns``, ``totals``, ``rows`` (names),
        ``legend`` and ``cells`` (a list a row). A number below zero: open, but not used in the last
        90 days. For actions 1 is open on something, 2 on everything.
    view : dict
        How they are shown: ``rows`` and ``columns`` (numbers of those shown, in order), ``title``,
        ``summary``, ``sort``, ``wide``, ``filters``, and ``stopped``: what to do when the lab does
        not run.
    """

    _esm = page_file("common.js", "access_cells.js", "access_table.js")
    _css = page_style("access_table.css")

    grid = traitlets.Dict().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    sorts = traitlets.Dict(SORTS).tag(sync=True)

    def __init__(self, lab: Lab, account: str) -> None:
        super().__init__()
        self._lab, self._account = lab, account
        self._path: tuple[str, ...] = ()
        self._sort, self._wide = "most", False
        self._names, self._columns = "", ["", "", ""]  # what names must hold; columns by depth
        self._read: tuple[int, int, int] | None = None  # what the account was like when it was read
        self._shown: tuple[tuple[str, ...], bool] | None = None
        self.look()

    # --- What can be done with it, by hand as from the page -----------------------------------

    def look(self) -> None:
        """Read the account again, if anything in it changed."""
        self._lab.check_running()
        today = self._lab.clock.now().toordinal()
        now = (self._lab.state.version, len(self._lab.trail.records), today)
        if now != self._read:
            self._access = Access(self._lab, self._account)
            self._read, self._shown = now, None
        self._show()

    def zoom(self, *path: str) -> None:
        """Show one service, or one access level of a service; without any, all services.

        Raises
        ------
        ValueError
            If there is no such service or level.
        """
        before, self._path = self._path, path
        for depth in range(len(before) + 1, len(path) + 1):
            self._columns[depth] = ""
        try:
            self.look()
        except KeyError:
            self._path = before
            raise ValueError(
                f'there is no {", ".join(path)}: give a service such as "s3", and perhaps one of '
                "its access levels: List, Read, Write, Tagging, Permissions management"
            ) from None

    def arrange(
        self,
        *,
        sort: str | None = None,
        wide: bool | None = None,
        principals: str | None = None,
        columns: str | None = None,
    ) -> None:
        """Choose what is shown; what is not given stays.

        Parameters
        ----------
        sort : str
            ``"most"`` (access), ``"unused"`` (most unused access) or ``"name"``.
        wide : bool
            Count only what is open on every resource without a condition.
        principals, columns : str
            Show only those whose name holds this text.

        Raises
        ------
        ValueError
            If `sort` is none of the three.
        """
        if sort is not None and sort not in SORTS:
            raise ValueError(f"sort is {sort!r}: give one of {', '.join(SORTS)}")
        self._sort = self._sort if sort is None else sort
        self._wide = self._wide if wide is None else wide
        self._names = self._names if principals is None else principals
        if columns is not None:
            self._columns[len(self._path)] = columns
        self.look()

    def frame(self) -> pd.DataFrame:
        """Return what is shown as a table; for actions ``"all"``, ``"some"`` or nothing."""
        import pandas as pd

        grid, rows, columns = self._now()
        cells = grid.counts[rows][:, columns]
        names = [self._access.names[row] for row in rows]
        found = pd.DataFrame(
            cells,
            pd.Index(names, name="principal"),
            pd.Index([grid.columns[number] for number in columns], name=grid.kind),
        )
        return found.replace({0: "", 1: "some", ALL: "all"}) if grid.kind == "action" else found

    def figure(self) -> Picture:
        """Draw what is shown with matplotlib; the first 40 rows and columns, if there are more."""
        from iamlab.widgets.access_figure import draw  # matplotlib: not at every start

        grid, rows, columns = self._now()
        return draw(self._access.names, grid, rows, columns, self.view)

    def words(self) -> str:
        """Say what the table shows, one line a principal."""
        if stopped := self._stopped():
            return stopped
        self.look()
        grid, rows, columns = self._now()
        listed = words.lines(self._access, grid, rows, columns, LINES)
        return "\n".join([f"{self.view['title']}. {self.view['summary']}", *listed])

    # --- What the page asks -------------------------------------------------------------------

    def heard(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Do what the page asks: zoom, arrange, say what a cell means, write a file."""
        if stopped := self._stopped():
            self.view = {**self.view, "stopped": stopped}
            return None
        match message:
            case {"do": "zoom", "path": [*path]}:
                self.zoom(*map(str, path))
            case {"do": "arrange", "value": {**chosen}}:
                self.arrange(**chosen)
            case {"do": "cell", "row": int(row), "column": int(column)}:
                return {"cell": [row, column], **self._cell(row, column)}
            case {"do": "open", "row": int(row), "column": int(column)}:
                action = f"{self._path[0]}:{self._now()[0].columns[column]}"
                panel = words.statements(self._lab, self._access, row, action)
                return {"panel": panel, "cell": [row, column], **self._cell(row, column)}
            case {"do": "csv" | "png" as kind}:
                return {"file": self._file(kind), "ticket": message.get("ticket")}
            case _:
                self.look()
        return None

    def _cell(self, row: int, column: int) -> dict[str, Any]:
        """Say what a cell means; -1 stands for the names on top and at the left."""
        grid, rows, columns = self._now()
        if row not in (-1, *rows) or column not in (-1, *columns):
            return {"said": ""}  # the account changed meanwhile
        if column < 0:
            return {"said": words.principal(self._access, grid, row) if row >= 0 else ""}
        if row < 0:
            said = words.column(self._access, grid, column)
            return {"said": said, "go": grid.kind != "action" and words.where_to(grid, column)}
        said = words.cell(self._access, grid, row, column, self._wide)
        return {"said": said, "go": words.where_to(grid, column)}

    def _now(self) -> tuple[Grid, list[int], list[int]]:
        return self._grid, self.view["rows"], self.view["columns"]

    def _show(self) -> None:
        shown = (self._path, self._wide)
        if shown != self._shown:
            self._grid = grid = self._access.grid(*shown)
            sign = 1 - 2 * grid.unused
            self.grid = {
                "path": list(grid.path),
                "kind": grid.kind,
                "columns": grid.columns,
                "totals": grid.totals.tolist(),
                "rows": self._access.names,
                "cells": (grid.counts * sign).tolist(),
                "legend": words.legend(grid),
            }
            self._shown = shown
        filters = [self._names, self._columns[len(self._path)]]
        rows, columns = self._grid.order(self._access.names, self._sort, *filters)
        self.view = {
            "rows": rows,
            "columns": columns,
            "title": words.title(self._grid),
            "summary": words.summary(self._access, self._grid, rows, columns, self._sort),
            "sort": self._sort,
            "wide": self._wide,
            "filters": filters,
            "stopped": "",
        }

    def _stopped(self) -> str:
        try:
            self._lab.check_running()
        except RuntimeError as error:
            return f"{error} Then run this cell again."
        return ""

    def _file(self, kind: str) -> dict[str, str]:
        name = "-".join(["access", *self._path]).lower().replace(" ", "-") + f".{kind}"
        if kind == "csv":
            return {"name": name, "type": "text/csv", "text": self.frame().to_csv()}
        picture = self.figure()
        data = base64.b64encode(picture.png()).decode()
        return {"name": name, "type": "image/png", "base64": data, "alt": picture.alt}


def access_matrix(lab: Lab | None = None, account: str | None = None) -> AccessTable:
    """Show who can do what in an account, as a table to zoom into.

    A number is how many actions of a service a user or role may do; Enter on it shows the access
    levels of the service, then the actions of a level, then the statements that open or close one
    of them. What was not used in the last 90 days is hatched. `iamlab.audit.access_matrix` has the
    same numbers as a DataFrame.

    Parameters
    ----------
    lab : Lab, optional
        The one that runs, if not given.
    account : str, optional
        Twelve digits; the learner's if not given.

    Returns
    -------
    AccessTable
        Show it as the last line of a cell. ``print`` it for the same in words.

    Notes
    -----
    Weighed are identity policies, permissions boundaries and SCPs. Resource policies, which open
    one resource each, are not. Source: "Policy evaluation logic", IAM User Guide.

    Examples
    --------
    >>> import iamlab
    >>> with iamlab.start() as lab:
    ...     table = access_matrix(lab)
    ...     table.arrange(columns="s3")
    ...     table.zoom("s3")
    ...     print(table.view["title"])
    Users and roles, by access level of s3
    """
    lab = running(lab)
    return AccessTable(lab, account or lab.account_id)
