"""What the learner's cells did: the code of each exercise, and the answer it left."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_CELL = re.compile(r"exercise-(\d+)")  # the names of an exercise's cell in the notebooks


class Bench:
    """Follows the cells of one notebook as they are run.

    An exercise's answer is the value that its variable has while the learner works at that
    exercise: several exercises of a lesson may ask for a variable of the same name.

    Parameters
    ----------
    variables : mapping of int to str
        The number of an exercise to the name of the variable that it asks for.

    Examples
    --------
    >>> bench = Bench({1: "answer", 2: "answer"})
    >>> bench.ran("exercise-1", "answer = 7", {"answer": 7})
    >>> bench.ran("exercise-2", "answer = 8", {"answer": 8})
    >>> bench.answer(1), bench.code(2)
    (7, 'answer = 8')
    """

    def __init__(self, variables: Mapping[int, str]) -> None:
        self._variables = variables
        self._names: Mapping[str, Any] = {}
        self._code: dict[int, str] = {}
        self._answers: dict[int, Any] = {}
        self._at = 0
        self.cells = 0
        """How many cells were run."""

    def ran(self, cell: str | None, code: str, names: Mapping[str, Any]) -> None:
        """Note that a cell was run.

        Parameters
        ----------
        cell : str or None
            The cell's ID; None where the front end does not tell it.
        code : str
            What stood in it.
        names : mapping
            The notebook's variables after it.
        """
        self.cells += 1
        self._names = names
        if found := _CELL.fullmatch(cell or ""):
            self._at = int(found[1])
            self._code[self._at] = code
        if self._at in self._variables:
            self._answers[self._at] = names.get(self._variables[self._at])

    def answer(self, number: int) -> Any:
        """Return the answer to an exercise; None if there is none yet."""
        if number in self._answers:
            return self._answers[number]
        return self._names.get(self._variables.get(number, ""))

    def code(self, number: int) -> str:
        """Return the code that the learner last ran for an exercise; empty if it is not known."""
        return self._code.get(number, "")

    def forget(self, number: int) -> None:
        """Forget the answer to an exercise: it is started again."""
        if number in self._variables:
            self._answers[number] = None
