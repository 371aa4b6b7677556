"""What every widget shares: its page files, its words without a page, its talk with the page."""

from __future__ import annotations

import html
from importlib import resources
from typing import Any

import anywidget
from IPython.display import display

from iamlab.widgets import palette

_SAVED = (
    '<div class="iamlab-saved"><p>This was a live widget. What it showed is written below. To play '
    "with it again, run the cell that starts the lab (<code>lab = iamlab.start()</code>), then run "
    "this cell.</p><pre>{words}</pre></div>"
)


def page_file(*names: str) -> str:
    """Read files that lie beside this module and put them end to end.

    The browser gets one text a widget, so what the widgets share is simply put in front of it:
    no build step.
    """
    folder = resources.files("iamlab.widgets")
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


def page_style(name: str) -> str:
    """Return the colours, the shared style and the style of one widget, in that order."""
    return palette.css() + page_file("common.css", name)


class LabWidget(anywidget.AnyWidget):
    """A widget that says in words what it shows, and answers the page's "are you there?".

    A subclass gives `words` and `heard`. The page asks, Python answers: nothing runs in the kernel
    while nobody looks, and nothing has to be stopped when the widget is closed.
    """

    _ping: str | None = None  # the name of the last question
    _reply: dict[str, Any] = {}  # noqa: RUF012 (never changed, only replaced)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(self._on_message)

    def words(self) -> str:
        """Say in plain sentences what the widget shows."""
        raise NotImplementedError

    def heard(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Do what the page asks; a bare "are you there?" asks nothing.

        What it returns goes to the page that asked, with the answer.
        """

    def _on_message(self, _: Any, message: Any, __: Any) -> None:
        ping = message.get("ping")
        done, self._ping = message.get("again") and ping == self._ping, ping
        try:
            if not done:  # the page asks again when it hears nothing; it is done only once
                self._reply = {}
                self._reply = self.heard(message) or {}
        finally:  # answered even after an error, so that the page never waits for ever
            self.send({"pong": ping, **self._reply})

    def __repr__(self) -> str:
        return self.words()

    __str__ = __repr__

    def _ipython_display_(self) -> None:
        data, metadata = super()._repr_mimebundle_()
        display({**data, "text/plain": self.words()}, metadata=metadata, raw=True)
        # A page opened later has no widget to show. This stays in the file, and common.css hides it
        # as long as the live widget stands above it.
        display({"text/html": _SAVED.format(words=html.escape(self.words()))}, raw=True)
