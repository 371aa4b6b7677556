"""The lesson's widgets, Python's half: they draw a desk, and hand on what is done to it."""

from __future__ import annotations

from typing import Any

import pytest

import iamlab.lessons.furniture as cells
from iamlab import widgets
from iamlab.lessons import LESSONS, open_lesson
from iamlab.widgets import (
    ExerciseCard,
    Notes,
    PredictionCard,
    ProgressMap,
    QuizCard,
    exercise_card,
)
from iamlab.widgets._base import page_file


class Desk:
    """A desk of the test's own: any object of this form will do."""

    def __init__(self) -> None:
        self.done: list[tuple[str, Any]] = []

    def state(self) -> dict[str, Any]:
        return {"title": "T", "count": len(self.done)}

    def do(self, what: str, value: Any = None) -> dict[str, Any]:
        self.done.append((what, value))
        return {"file": {"name": "n", "text": "t"}}

    def words(self) -> str:
        return f"T, {len(self.done)}"


def test_it_hands_on_what_is_done_and_shows_the_new_state() -> None:
    desk, sent = Desk(), []
    card = exercise_card(desk)
    card.send = sent.append
    card._on_message(card, {"do": "check", "value": 7, "ping": 1}, None)
    assert desk.done == [("check", 7)] and card.state == {"title": "T", "count": 1}
    assert sent == [{"pong": 1, "file": {"name": "n", "text": "t"}}]
    # Asked again because the answer was lost on the way: done once, answered twice.
    card._on_message(card, {"do": "check", "value": 7, "ping": 1, "again": True}, None)
    assert len(desk.done) == 1 and len(sent) == 2
    card._on_message(card, {"do": "look", "ping": 2}, None)
    card._on_message(card, {"ping": 3}, None)
    assert len(desk.done) == 1 and str(card) == repr(card) == "T, 1"


@pytest.fixture
def lesson(lab: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("IAMLAB_DATA_DIR", str(tmp_path))
    return open_lesson("05")


def test_a_lesson_shows_widgets(lesson: Any) -> None:
    shown = {
        ExerciseCard: lesson.exercise(1),
        PredictionCard: lesson.prediction("admin"),
        QuizCard: lesson.quiz_card(),
        ProgressMap: lesson.map(),
        Notes: lesson.notes(),
    }
    for kind, widget in shown.items():
        assert isinstance(widget, kind)
        assert widget.state["title"] and str(widget) == widget._desk.words()
    assert str(shown[ExerciseCard]).startswith("Not attempted · Exercise 05-1")
    assert [row["id"] for row in shown[ProgressMap].state["lessons"]] == list(LESSONS)


def test_every_desk_of_the_course_has_its_widget() -> None:
    assert {getattr(widgets, name) for name in cells._WIDGETS.values()} == {
        widgets.exercise_card,
        widgets.prediction_card,
        widgets.quiz_card,
        widgets.progress_map,
        widgets.notes,
    }


@pytest.mark.parametrize("kind", [ExerciseCard, PredictionCard, QuizCard, ProgressMap, Notes])
def test_each_gets_its_page_files(kind: type) -> None:
    own = {"ExerciseCard": "exercise_card", "Notes": "notes", "ProgressMap": "progress_map"}
    own |= {"QuizCard": "quiz_card", "PredictionCard": "prediction_card"}
    assert page_file("furniture.js") in kind._esm
    assert page_file(f"{own[kind.__name__]}.js") in kind._esm
    assert kind._esm.count("export default") == 1
    assert page_file("furniture.css") in kind._css


def test_cells_are_followed_once(lesson: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    again = open_lesson("05")
    assert again.bench is lesson.bench, "cards further down the page still use it"

    listening: list[Any] = []

    class Events:
        def register(self, name: str, function: Any) -> None:
            assert name == "post_run_cell"
            listening.append(function)

    class Shell:
        events, user_ns = Events(), {"session": "s"}

    class Result:
        class info:
            raw_cell, cell_id = "session = 's'", "exercise-3"

    monkeypatch.setattr(cells, "_followed", {})
    monkeypatch.setattr("IPython.get_ipython", Shell)
    bench = cells.follow_cells(lesson)
    cells.follow_cells(lesson)
    (heard,) = listening
    heard(Result)
    assert bench.code(3) == "session = 's'" and bench.answer(3) == "s"
