"""The quiz card, with choices and steps to put in order, and the prediction card."""

from __future__ import annotations

from iamlab.widgets._base import page_file, page_style
from iamlab.widgets.furniture import Desk, Furniture


class QuizCard(Furniture):
    """The widget behind `quiz_card`."""

    _esm = page_file("common.js", "furniture.js", "quiz_card.js")
    _css = page_style("furniture.css")


class PredictionCard(Furniture):
    """The widget behind `prediction_card`."""

    _esm = page_file("common.js", "furniture.js", "prediction_card.js")
    _css = page_style("furniture.css")


def quiz_card(desk: Desk) -> QuizCard:
    """Draw a quiz: choices by radio buttons, steps to move up and down, and a button to mark it.

    Parameters
    ----------
    desk : Desk
        Such as `iamlab.course.QuizDesk`. Lessons make it: ``lesson.quiz_card()``.

    Returns
    -------
    QuizCard
        Show it as the last line of a cell. ``print`` it for the same in words.

    Examples
    --------
    >>> from iamlab.lessons import open_lesson
    >>> quiz = open_lesson("02").quiz_card()
    >>> quiz.state["button"]
    'Mark my answers'
    """
    return QuizCard(desk)


def prediction_card(desk: Desk) -> PredictionCard:
    """Draw a prediction: write the guess down, run the code, and see what happened.

    Parameters
    ----------
    desk : Desk
        Such as `iamlab.course.PredictionDesk`. Lessons make it: ``lesson.prediction("case")``.

    Returns
    -------
    PredictionCard
        Show it as the last line of a cell. ``print`` it for the same in words.

    Examples
    --------
    >>> from iamlab.lessons import open_lesson
    >>> open_lesson("02").prediction("case").state["choices"]
    ['allowed', 'denied']
    """
    return PredictionCard(desk)
