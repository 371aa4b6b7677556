"""The exercise card: task, outcome, hints, a solution beside one's own, start again."""

from __future__ import annotations

from iamlab.widgets._base import page_file, page_style
from iamlab.widgets.furniture import Desk, Furniture


class ExerciseCard(Furniture):
    """The widget behind `exercise_card`."""

    _esm = page_file("common.js", "furniture.js", "exercise_card.js")
    _css = page_style("furniture.css")


def exercise_card(desk: Desk) -> ExerciseCard:
    """Draw an exercise: what to do, how far it is, and buttons to check, to get a hint, to compare.

    Parameters
    ----------
    desk : Desk
        Such as `iamlab.course.ExerciseDesk`. Lessons make it: ``lesson.exercise(1)``.

    Returns
    -------
    ExerciseCard
        Show it as the last line of a cell. ``print`` it for the same in words.

    Examples
    --------
    >>> from iamlab.lessons import open_lesson
    >>> str(open_lesson("02").exercise(1)).splitlines()[0]
    'Not attempted · Exercise 02-1: Read the reports'
    """
    return ExerciseCard(desk)
