"""The one place where the course speaks to the learner: a short text, and the same as HTML."""

from __future__ import annotations

import html
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What a check found. The value is also the headline that the learner reads."""

    NOT_ATTEMPTED = "Not attempted"
    NOT_YET = "Not yet"
    ERROR = "Error"
    DONE = "Done"


# Okabe-Ito colours. They only edge the card: the words carry the meaning, and the text is
# near-black on white (contrast above 15 to 1) in light and dark themes alike.
_EDGE = {
    Outcome.NOT_ATTEMPTED: "#56B4E9",
    Outcome.NOT_YET: "#E69F00",
    Outcome.ERROR: "#D55E00",
    Outcome.DONE: "#009E73",
    None: "#0072B2",
}


@dataclass(frozen=True)
class Card:
    """One message to the learner.

    Parameters
    ----------
    head : str
        The headline: what this is about.
    text : str
        The message, in plain sentences. Line breaks are kept.
    outcome : Outcome or None
        For the answer to a check. It stands, in words, before the headline.

    Examples
    --------
    >>> Card("Exercise 01-1", "The user is there.", Outcome.DONE)
    Done · Exercise 01-1
    The user is there.
    """

    head: str
    text: str
    outcome: Outcome | None = None

    @property
    def done(self) -> bool:
        """True if this card says that an exercise is done."""
        return self.outcome is Outcome.DONE

    def __str__(self) -> str:
        return f"{self._title()}\n{self.text}"

    # A notebook without HTML, a terminal and a test see the same words.
    __repr__ = __str__

    def _repr_html_(self) -> str:
        edge = _EDGE[self.outcome]
        return (
            f'<div role="status" style="border-left:6px solid {edge};background:#fff;'
            'color:#1a1a1a;padding:8px 14px;margin:4px 0;max-width:56em;line-height:1.45">'
            f"<strong>{html.escape(self._title())}</strong>"
            f'<div style="white-space:pre-wrap">{html.escape(self.text)}</div></div>'
        )

    def _title(self) -> str:
        return f"{self.outcome} · {self.head}" if self.outcome else self.head
