"""Where things stand in a policy's text: JSON path -> line and column.

Only used when something is wrong or is to be shown: reading a good policy never comes here.
The skipping is done by the standard library's JSON scanner, so that a large text costs little.
"""

from __future__ import annotations

from bisect import bisect_right
from contextlib import suppress

# A policy is at most this deep: Statement, [0], Condition, operator, key, [0].
_DEPTH = 6
_SPACE = " \t\n\r"


class Places:
    """The offsets of every element of a JSON text.

    Parameters
    ----------
    text : str
        JSON. If it is broken, the places before the break are known.
    until : str, optional
        Stop at this path, or at the first name written twice; the rest stays unknown.

    Attributes
    ----------
    values, keys : dict of str to int
        JSON path (``Statement[0].Effect``) to the offset of the value, or of the element's name.
    duplicate : tuple of (str, int) or None
        The first name written twice in one object: its path and the offset of the second.

    Examples
    --------
    >>> Places('{"Statement":\\n [{"Effect": "Allow"}]}').of("Statement[0].Effect")
    (2, 14)
    """

    def __init__(self, text: str, until: str | None = None) -> None:
        self.text, self._until = text, until
        self.values: dict[str, int] = {}
        self.keys: dict[str, int] = {}
        self.duplicate: tuple[str, int] | None = None
        self._lines: list[int] | None = None
        # Where the text breaks, the walk ends; what was read so far is right.
        with suppress(ValueError, StopIteration, IndexError, RecursionError):
            self._value(self._skip(0), "", 0)

    def of(self, path: str, *, name: bool = False) -> tuple[int, int]:
        """Return line and column (from 1) of a path, or of the nearest thing around it.

        With ``name=True`` the place is that of the element's name, not of its value.
        """
        at = self.keys.get(path) if name else None
        while at is None:
            at = self.values.get(path)
            if not path:
                break
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.line_column(at or 0)

    def end(self, path: str) -> tuple[int, int]:
        """Return line and column (from 1) of the first character after a path's value."""
        return self.line_column(_scanner()(self.text, self.values[path])[1])

    def line_column(self, at: int) -> tuple[int, int]:
        """Return line and column (from 1) of an offset."""
        if self._lines is None:
            self._lines = [0]
            for line in self.text.split("\n"):
                self._lines.append(self._lines[-1] + len(line) + 1)
        line = bisect_right(self._lines, at)
        return line, at - self._lines[line - 1] + 1

    def constant(self) -> int:
        """Return the offset of the first NaN or Infinity, which JSON does not have."""
        words = ("NaN", "Infinity", "-Infinity")
        return next((at for at in self.values.values() if self.text.startswith(words, at)), 0)

    def _skip(self, at: int) -> int:
        text = self.text
        while text[at] in _SPACE:
            at += 1
        return at

    def _value(self, at: int, path: str, depth: int) -> int:
        self.values[path] = at
        if path == self._until:
            raise StopIteration
        opening = self.text[at]
        if depth > _DEPTH or opening not in "{[":
            return _scanner()(self.text, at)[1]
        at = self._skip(at + 1)
        if self.text[at] in "}]":
            return at + 1
        number, seen = 0, set()
        # A single statement may stand without its list; its path is the same.
        while True:
            if opening == "{":
                start = at
                if self.text[at] != '"':
                    raise ValueError
                key, at = _scanner()(self.text, at)
                inner = f"{path}.{key}" if path else key
                if key in seen and self.duplicate is None:
                    self.duplicate = (inner, start)
                    if self._until is not None:
                        raise StopIteration
                seen.add(key)
                self.keys.setdefault(inner, start)
                at = self._skip(at)
                if self.text[at] != ":":
                    raise ValueError
                at = self._skip(at + 1)
                if inner == "Statement" and self.text[at] == "{":
                    inner = "Statement[0]"
            else:
                inner = f"{path}[{number}]"
                number += 1
            at = self._skip(self._value(at, inner, depth + 1))
            if self.text[at] in "}]":
                return at + 1
            if self.text[at] != ",":
                raise ValueError
            at = self._skip(at + 1)


def _scanner():
    global _scan
    if _scan is None:
        from json import JSONDecoder

        _scan = JSONDecoder(strict=False, parse_int=str).scan_once
    return _scan


_scan = None
