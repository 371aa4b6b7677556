"""The learner's own notes on a lesson, kept with the progress."""

from __future__ import annotations

import hashlib
from typing import Any

from iamlab.course.desk import Desk, when
from iamlab.course.progress import NOTE_LIMIT, Progress


class NotesDesk(Desk):
    """The notes on one lesson.

    Examples
    --------
    >>> desk = NotesDesk(Progress(), "02", "Policies")
    >>> desk.do("save", {"text": "Deny wins.", "seen": desk.state()["text"]})
    {'kept': 'Deny wins.'}
    """

    def __init__(self, progress: Progress, lesson: str, title: str) -> None:
        self._progress, self._lesson, self._title = progress, lesson, title

    def state(self) -> dict[str, Any]:
        """Return the notes as they are kept, and when they changed."""
        entry = self._progress.read()["notes"].get(self._lesson, {})
        at = entry.get("at", "")
        saved = "Nothing is written yet. What you write is saved as you type."
        if when(at):
            saved = f"Saved. The last change was on {when(at, '%d %B %Y, %H:%M')} UTC."
        place = f"{self._progress.path.absolute()} {self._lesson}"
        return {
            "title": f"Your notes on lesson {self._lesson}: {self._title}",
            "label": "Notes",
            "text": entry.get("text", ""),
            "saved": saved,
            "unsaved": "Not saved yet.",
            "limit": NOTE_LIMIT,
            # Names what the browser keeps until Python has it: one for each learner and lesson.
            "draft": f"iamlab-note-{hashlib.sha256(place.encode()).hexdigest()[:16]}",
            "problem": self.problem,
        }

    def act(self, what: str, value: Any) -> dict[str, Any] | None:
        """Save the notes."""
        if what == "save":
            kept = self._progress.write_note(self._lesson, value["text"], value["seen"])
            return {"kept": kept}
        return None

    def words(self) -> str:
        """Say the notes, and the call that adds to them."""
        state = self.state()
        lines = [state["title"], state["text"] or "(nothing yet)", state["problem"]]
        return "\n".join([*filter(None, lines), 'Without a field: lesson.note("…") adds a line.'])
