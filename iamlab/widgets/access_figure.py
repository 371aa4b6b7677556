"""The access table as a figure, for a report: blue by share, hatched where unused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iamlab.widgets import palette
from iamlab.widgets.access_grid import ALL
from iamlab.widgets.access_words import legend, many
from iamlab.widgets.picture import Picture

if TYPE_CHECKING:
    from iamlab.widgets.access_grid import Grid

MOST = 40  # rows and columns; more cannot be read on a page


def draw(
    names: list[str], grid: Grid, rows: list[int], columns: list[int], view: dict[str, Any]
) -> Picture:
    """Draw a grid.

    Parameters
    ----------
    names : list of str
        The principals.
    grid : Grid
    rows, columns : list of int
        Which of them to draw, in this order.
    view : dict
        ``title`` and ``summary``, for the words.

    Returns
    -------
    Picture
    """
    left_out = [
        many(len(chosen) - MOST, noun)
        for chosen, noun in ((rows, "principal"), (columns, grid.kind))
        if len(chosen) > MOST
    ]
    alt = f"{view['title']}. {view['summary']}"
    alt += f" Not drawn: {' and '.join(left_out)}." if left_out else ""
    rows, columns = rows[:MOST], columns[:MOST]
    size = (3.2 + 0.46 * max(len(columns), 14), 2.6 + 0.24 * max(len(rows), 2))
    figure = Picture(alt, figsize=size)
    axes = figure.subplots()
    axes.set_title(view["title"], loc="left", pad=12, weight="bold")
    counts, unused = grid.counts[np.ix_(rows, columns)], grid.unused[np.ix_(rows, columns)]
    whole = np.full(len(columns), ALL) if grid.kind == "action" else grid.totals[columns]
    blues = [palette.shades("light")[f"share-{step}"] for step in range(1, 6)]
    for (y, x), value in np.ndenumerate(counts):
        if value:
            axes.add_patch(_cell(x, y, blues[share(int(value), int(whole[x])) - 1], unused[y, x]))
            text = ("some", "all")[value - 1] if grid.kind == "action" else f"{value}"
            axes.text(x, y, text, ha="center", va="center", fontsize=7)
    axes.set_xlim(-0.5, max(len(columns), 1) - 0.5)
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axes.xaxis.tick_top()
    columns_said = [grid.columns[number] for number in columns]
    axes.set_xticks(range(len(columns)), columns_said, rotation=90, fontsize=8)
    axes.set_yticks(range(len(rows)), [names[row] for row in rows], fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_color(palette.shades("light")["line"])
    hints = [*legend(grid)[:2], *([f"Not drawn: {' and '.join(left_out)}."] if left_out else [])]
    axes.set_xlabel("\n".join(hints), fontsize=8, loc="left")
    return figure


def share(value: int, whole: int) -> int:
    """Return which of the five blues lies behind a number.

    Examples
    --------
    >>> share(1, 100), share(100, 100), share(40, 100), share(41, 100)
    (1, 5, 2, 3)
    """
    return max(1, -(-5 * value // whole)) if whole else 1


def _cell(x: int, y: int, colour: str, unused: bool) -> Any:
    from matplotlib.patches import Rectangle

    hatch = {"hatch": "//", "edgecolor": "#ffffff"} if unused else {"edgecolor": "#ffffff"}
    return Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, linewidth=0.6, **hatch)
