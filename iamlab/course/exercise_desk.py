"""An exercise at the learner's desk: check, hints, a solution beside one's own, start again."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from iamlab.course.card import Card, Outcome
from iamlab.course.desk import TONES, Desk, when
from iamlab.course.restore import say

if TYPE_CHECKING:
    from iamlab.course.lesson import Lesson


class ExerciseDesk(Desk):
    """One exercise. It is checked when it is laid out, as ``lesson.check`` does.

    Parameters
    ----------
    lesson : Lesson
        The lesson.
    number : int
        1 for the first exercise.

    Examples
    --------
    >>> from iamlab.lessons import open_lesson
    >>> desk = ExerciseDesk(open_lesson("02"), 1)
    >>> desk.state()["chip"]
    'Not attempted'
    >>> desk.do("hint")
    {}
    >>> desk.state()["hint_button"]
    'Hint 2 of 3'
    """

    def __init__(self, lesson: Lesson, number: int) -> None:
        self._lesson, self._number = lesson, number
        self._exercise = lesson.exercises[number - 1]
        self._open = False  # the solution
        self._card = Card(self._title(), "Press the button to check.", Outcome.NOT_ATTEMPTED)
        self.do("check")

    def state(self) -> dict[str, Any]:
        """Return the task, the outcome, the hints seen, the solution, and the buttons' texts."""
        exercise, card = self._exercise, self._card
        entry = self._lesson.progress.read()["exercises"].get(exercise.id, {})
        hints = exercise.hints[: entry.get("hints", 0)]
        done, every = entry.get("outcome") == Outcome.DONE, len(exercise.hints)
        offered = done or len(hints) == every
        checks = entry.get("checks", 0)
        return {
            "title": self._title(),
            "task": exercise.task,
            "tone": TONES[card.outcome or Outcome.NOT_ATTEMPTED],
            "chip": str(card.outcome),
            "text": card.text,
            "count": f"Checked {checks} {'time' if checks == 1 else 'times'}.",
            "before": _before(entry) if done and not card.done else "",
            "hints": [f"Hint {n} of {every}: {text}" for n, text in enumerate(hints, start=1)],
            "hint_button": f"Hint {len(hints) + 1} of {every}" if len(hints) < every else "",
            "solution": self._solution() if offered and self._open else None,
            "solution_button": _solution_button(self._open) if offered else "",
            "again": self._again(),
            "problem": self.problem,
        }

    def act(self, what: str, value: Any) -> None:
        """Check, show a hint, show or hide the solution, or put the exercise back."""
        lesson, number = self._lesson, self._number
        match what:
            case "check":
                self._card = lesson.check(number, lesson.bench.answer(number))
            case "hint":
                lesson.hint(number)
            case "solution":
                self._open = not self._open
            case "again":
                back = lesson.again(number)
                now = lesson.check(number)
                self._card = Card(now.head, f"{back.text}\n{now.text}", now.outcome)

    def words(self) -> str:
        """Say the outcome, the hints seen, and the calls that do what the buttons do."""
        state, n = self.state(), self._number
        lines = [str(self._card), state["before"], state["problem"], *state["hints"]]
        if state["solution"]:
            lines.append(f"One solution:\n{self._exercise.solution}")
        variable = f", {self._exercise.answer}" if self._exercise.answer else ""
        lines.append(
            f"Without buttons: lesson.check({n}{variable}), lesson.hint({n}), "
            f"lesson.solution({n}), lesson.again({n})"
        )
        return "\n".join(filter(None, lines))

    def _title(self) -> str:
        return f"Exercise {self._exercise.id}: {self._exercise.title}"

    def _again(self) -> dict[str, str] | None:
        if not self._exercise.touches:
            return None
        return {
            "head": "Start this exercise again",
            "what": f"This puts back what the lesson began with: {say(self._exercise.touches)}. "
            "Your code, your progress and the other exercises stay.",
            "button": "Put it back",
        }

    def _solution(self) -> dict[str, Any]:
        mine = self._lesson.bench.code(self._number).strip().splitlines()
        one = self._exercise.solution.strip().splitlines()
        same_mine, same_one = set(), set()
        pair = [[line.strip() for line in lines] for lines in (mine, one)]
        for block in difflib.SequenceMatcher(None, *pair, autojunk=False).get_matching_blocks():
            same_mine |= set(range(block.a, block.a + block.size))
            same_one |= set(range(block.b, block.b + block.size))
        note = "Many answers are right. This is one of them."
        if mine:
            note += " The lines marked ≠ differ: that does not make them wrong."
        else:
            note += " Run the exercise's cell, and your code stands beside it."
        return {
            "note": note,
            "mine_head": "Yours, as you last ran it",
            "mine": [[line, n not in same_mine] for n, line in enumerate(mine)],
            "one_head": "One solution",
            "one": [[line, bool(mine) and n not in same_one] for n, line in enumerate(one)],
        }


def _solution_button(shown: bool) -> str:
    return "Hide the solution" if shown else "Show one solution"


def _before(entry: dict[str, Any]) -> str:
    day = when(entry.get("done_at", ""))
    return f"You did this exercise{day and ' on '}{day}. Your progress keeps that."
