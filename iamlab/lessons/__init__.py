"""The lessons: one module a notebook, with its world and its exercises."""

from __future__ import annotations

from importlib import import_module

from iamlab.course import Entry, Lesson
from iamlab.lessons import furniture

# Lesson ID to module. A lesson's ID is the number in its notebook's name.
LESSONS = {
    "00": "welcome",
    "01": "users_and_keys",
    "02": "policies",
    "05": "roles_and_trust",
    "06": "credentials_that_expire",
    "07": "roles_for_services",
}


def open_lesson(number: str | int) -> Lesson:
    """Start the lab, build the lesson's part of the company in it, and return the lesson.

    Parameters
    ----------
    number : str or int
        The lesson's number, such as ``"01"`` or ``1``.

    Returns
    -------
    Lesson
        Ready to use: ``lesson.lab`` is the running lab.

    Raises
    ------
    ValueError
        If there is no such lesson; the message lists those that there are.

    Examples
    --------
    >>> lesson = open_lesson("01")
    >>> lesson.title
    'Users and keys'
    """
    lesson = load_lesson(number)
    lesson.show, lesson.course = furniture.show, course_entries
    lesson.bench = furniture.follow_cells(lesson)
    lesson.start()
    return lesson


def load_lesson(number: str | int) -> Lesson:
    """Return the lesson without starting anything: its exercises, to read or to count.

    Parameters
    ----------
    number : str or int
        The lesson's number.

    Returns
    -------
    Lesson
        A new object at each call.

    Raises
    ------
    ValueError
        If there is no such lesson.
    """
    key = f"{int(number):02}" if str(number).isdigit() else str(number)
    if key not in LESSONS:
        raise ValueError(f"There is no lesson {number!r}. There are: {', '.join(LESSONS)}.")
    return import_module(f"iamlab.lessons.{LESSONS[key]}").lesson()


def course_entries() -> list[Entry]:
    """Return the lessons that there are, in order, as the progress map shows them.

    Returns
    -------
    list of Entry

    Examples
    --------
    >>> course_entries()[1].notebook
    '01-users-and-keys.ipynb'
    """
    return [
        load_lesson(key).entry(f"{key}-{module.replace('_', '-')}.ipynb")
        for key, module in LESSONS.items()
    ]
