"""The learner's own notes: a field that is saved as one types."""

from __future__ import annotations

from iamlab.widgets._base import page_file, page_style
from iamlab.widgets.furniture import Desk, Furniture


class Notes(Furniture):
    """The widget behind `notes`."""

    _esm = page_file("common.js", "furniture.js", "notes.js")
    _css = page_style("furniture.css")


def notes(desk: Desk) -> Notes:
    """Draw a field for notes. What is typed is saved soon after the last key.

    Parameters
    ----------
    desk : Desk
        Such as `iamlab.course.NotesDesk`. Lessons make it: ``lesson.notes()``.

    Returns
    -------
    Notes
        Show it as the last line of a cell. ``print`` it for the same in words.

    Examples
    --------
    >>> from iamlab.lessons import open_lesson
    >>> open_lesson("02").notes().state["title"]
    'Your notes on lesson 02: Policies'
    """
    return Notes(desk)
