"""What a widget of the course shows and does, in plain data: it knows no widget."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from iamlab.course.card import Outcome
from iamlab.course.progress import ProgressError

TONES = {
    Outcome.NOT_ATTEMPTED: "info",
    Outcome.NOT_YET: "notice",
    Outcome.ERROR: "deny",
    Outcome.DONE: "allow",
}


class Desk:
    """What stands on a learner's desk: a widget draws its `state`, and passes on what is done.

    A subclass gives `state`, `act` and `words`. Where there is no widget, a desk prints its words.
    """

    problem = ""
    """What went wrong with the last thing done, in words; empty if nothing did."""

    def state(self) -> dict[str, Any]:
        """Return what a page shows: texts, numbers, lists and dicts of them."""
        raise NotImplementedError

    def act(self, what: str, value: Any) -> dict[str, Any] | None:
        """Do one thing; return what the page needs besides the new state."""
        raise NotImplementedError

    def words(self) -> str:
        """Say all of it in plain lines."""
        raise NotImplementedError

    def do(self, what: str, value: Any = None) -> dict[str, Any]:
        """Do one thing, and keep what went wrong as `problem`.

        Parameters
        ----------
        what : str
            The name of the thing, as in the buttons: ``"check"``, ``"hint"`` …
        value : object, optional
            What the page sends along.

        Returns
        -------
        dict
            What the page needs besides the new state; mostly empty.
        """
        self.problem = ""
        try:
            return self.act(what, value) or {}
        except OSError as problem:
            self.problem = (
                f"This could not be saved: {problem.strerror or problem}. What was saved before "
                "is still there."
            )
        except (ProgressError, RuntimeError) as problem:
            self.problem = str(problem)
        return {}

    def __repr__(self) -> str:
        return self.words()


def when(text: str, form: str = "%d %B %Y") -> str:
    """Return the time of a progress file for reading; empty if it is none.

    Examples
    --------
    >>> when("2026-11-24T20:15:00+00:00")
    '24 November 2026'
    """
    try:
        return f"{datetime.fromisoformat(text):{form}}"
    except ValueError:
        return ""
