"""What the widgets of a lesson share: each draws a desk, and hands on what is done to it."""

from __future__ import annotations

from typing import Any, Protocol

import traitlets

from iamlab.widgets._base import LabWidget


class Desk(Protocol):
    """What such a widget draws. The course's desks are of this form; they know no widget."""

    def state(self) -> dict[str, Any]:
        """Return what the page shows, as plain data."""
        ...

    def do(self, what: str, value: Any = None) -> dict[str, Any]:
        """Do one thing; return what the page needs besides the new state."""
        ...

    def words(self) -> str:
        """Say all of it in plain lines."""
        ...


class Furniture(LabWidget):
    """A widget of a lesson.

    Attributes
    ----------
    state : dict
        What the page shows. All sentences in it are the desk's.
    """

    state = traitlets.Dict().tag(sync=True)

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        super().__init__(state=desk.state())

    def heard(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Do what the page asks, and bring `state` up to date."""
        what = message.get("do", "look")
        reply = None if what == "look" else self._desk.do(what, message.get("value"))
        self.state = self._desk.state()
        return reply

    def words(self) -> str:
        """Say what the widget shows, in plain lines."""
        return self._desk.words()
