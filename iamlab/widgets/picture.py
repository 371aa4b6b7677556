"""A figure that carries its own words: for a screen reader, a text console and the PNG file."""

from __future__ import annotations

import base64
import html
import io
from typing import Any

from matplotlib.figure import Figure


class Picture(Figure):
    """A matplotlib figure with a text alternative.

    Parameters
    ----------
    alt : str
        What the figure shows, in plain sentences.
    **options
        As for `matplotlib.figure.Figure`.

    Attributes
    ----------
    alt : str

    Examples
    --------
    >>> Picture("Nothing is drawn here.", figsize=(1, 1))
    Nothing is drawn here.
    """

    def __init__(self, alt: str, **options: Any) -> None:
        super().__init__(layout="constrained", facecolor="white", **options)
        self.alt = alt

    def png(self) -> bytes:
        """Return the figure as a PNG file; its Description holds the words."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=150, metadata={"Description": self.alt})
        return file.getvalue()

    def __repr__(self) -> str:
        return self.alt

    __str__ = __repr__

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.png()).decode()
        alt = html.escape(self.alt, quote=True)
        return f'<img alt="{alt}" style="max-width: 100%" src="data:image/png;base64,{data}">'
