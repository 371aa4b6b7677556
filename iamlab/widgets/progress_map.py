"""The progress map: what is done of each lesson, to open it, save it to a file, bring it back."""

from __future__ import annotations

from iamlab.widgets._base import page_file, page_style
from iamlab.widgets.furniture import Desk, Furniture


class ProgressMap(Furniture):
    """The widget behind `progress_map`."""

    _esm = page_file("common.js", "furniture.js", "progress_map.js")
    _css = page_style("furniture.css")


def progress_map(desk: Desk) -> ProgressMap:
    """Draw the way through the course.

    Parameters
    ----------
    desk : Desk
        Such as `iamlab.course.MapDesk`. Lessons make it: ``lesson.map()``.

    Returns
    -------
    ProgressMap
        Show it as the last line of a cell. ``print`` it for the same in words.

    Examples
    --------
    >>> from iamlab.lessons import open_lesson
    >>> progress = open_lesson("02").map()
    >>> progress.state["lessons"][0]["link"]
    '00-welcome.ipynb'
    """
    return ProgressMap(desk)
