"""Puts the course's desks into widgets, and follows the cells that the learner runs."""

from __future__ import annotations

import sys
from typing import Any

from iamlab.course import (
    Bench,
    Desk,
    ExerciseDesk,
    Lesson,
    MapDesk,
    NotesDesk,
    PredictionDesk,
    QuizDesk,
)

# The desk's class to the widget's name in iamlab.widgets.
_WIDGETS: dict[type[Desk], str] = {
    ExerciseDesk: "exercise_card",
    PredictionDesk: "prediction_card",
    QuizDesk: "quiz_card",
    MapDesk: "progress_map",
    NotesDesk: "notes",
}
_followed: dict[str, Bench] = {}  # lesson ID -> what its cells did, in this kernel


def show(desk: Desk) -> Any:
    """Return the widget that draws a desk. The widgets are loaded at the first one."""
    from iamlab import widgets

    return getattr(widgets, _WIDGETS[type(desk)])(desk)


def follow_cells(lesson: Lesson) -> Bench:
    """Return the bench of a lesson; in a notebook it hears of each cell that is run.

    A first cell that is run again finds the same bench: cards further down still use it.
    """
    if lesson.id in _followed:
        return _followed[lesson.id]
    bench = _followed[lesson.id] = lesson.bench
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:

        def heard(result: Any) -> None:
            bench.ran(getattr(result.info, "cell_id", None), result.info.raw_cell, shell.user_ns)

        shell.events.register("post_run_cell", heard)
    return bench
