"""Files that AWS wrote about an account, read value by value: every mistake with its place."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

# What neither XML nor a file can hold; AWS never writes it.
_NEVER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_PATH = re.compile(r"/|/[!-~]{1,510}/")


class AccountFileError(ValueError):
    """A file that cannot be loaded: the text says where, why, and what to do.

    Nothing was loaded: the lab is as it was before.
    """


class Value:
    """A value of a JSON file, and the place where it stands.

    Parameters
    ----------
    value : object
        As the json module (or boto3) gives it.
    file : str
        What to call the file.
    path : str
        Where in it, such as ``"UserDetailList[3].Arn"``; "" is the whole.
    """

    __slots__ = ("file", "path", "value")

    def __init__(self, value: Any, file: str, path: str = "") -> None:
        self.value, self.file, self.path = value, file, path

    def wrong(self, why: str) -> AccountFileError:
        """Return the error that says what is wrong with this value."""
        return AccountFileError(
            f"{self.file}{self.path and f', {self.path}'}: {why} Nothing was loaded."
        )

    def fields(self) -> dict[str, Any]:
        """Return the value, which has to be an object."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"Expected an object {{...}}, found {_shown(self.value)}.")
        return self.value

    def get(self, name: str) -> Value:
        """Return a member; None stands in for one that is missing."""
        return Value(self.fields().get(name), self.file, f"{self.path}{self.path and '.'}{name}")

    def each(self) -> list[Value]:
        """Return the parts of this value, which has to be a list."""
        if not isinstance(self.value, list | tuple):
            raise self.wrong(f"Expected a list [...], found {_shown(self.value)}.")
        return [Value(item, self.file, f"{self.path}[{i}]") for i, item in enumerate(self.value)]

    def items(self, name: str) -> list[Value]:
        """Return what the list ``name`` has, nothing if it is missing.

        A single object counts as a list of one: AWS's own example writes it so.
        """
        found = self.get(name)
        if found.value is None:
            return []
        return [found] if isinstance(found.value, dict) else found.each()

    def text(self, name: str | None = None, default: str | None = None) -> str:
        """Return a member (or, without a name, this value), which has to be text."""
        found = self if name is None else self.get(name)
        if found.value is None and default is not None:
            return default
        if not isinstance(found.value, str):
            raise found.wrong(f"Expected text, found {_shown(found.value)}.")
        if _NEVER.search(found.value):
            raise found.wrong("It holds a character that AWS never writes.")
        return found.value

    def name(self, name: str) -> str:
        """Return a member that names something."""
        text = self.text(name)
        if not _NAME.fullmatch(text):
            raise self.get(name).wrong(f"{text[:60]!r} is not a name AWS would take.")
        return text

    def folder(self) -> str:
        """Return the member ``Path``; "/" if it is missing."""
        text = self.text("Path", "/")
        if not _PATH.fullmatch(text):
            raise self.get("Path").wrong("A path begins and ends with a slash.")
        return text

    def date(self, name: str) -> datetime:
        """Return a member that is a date, as moto keeps it: UTC, naive, whole seconds."""
        found = self.get(name)
        when = moment(found.value)
        if when is None:
            raise found.wrong(
                f'Expected a date such as "2026-01-31T12:00:00+00:00", found {_shown(found.value)}.'
            )
        return when

    def document(self, name: str) -> str:
        """Return a policy document as JSON text: an object, JSON text, or URL-encoded text.

        Whether it is a good policy is not asked here.
        """
        found = self.get(name)
        if isinstance(found.value, str):
            text = found.text()
            text = text if text.lstrip().startswith("{") else unquote(text)
            try:
                found = Value(json.loads(text), self.file, found.path)
            except (ValueError, RecursionError):
                return text
            found.fields()
            return text
        document = found.fields()
        try:
            text = json.dumps(document, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise found.wrong(f"This is not JSON: {error}.") from None
        return Value(text, found.file, found.path).text()


def moment(value: Any) -> datetime | None:
    """Return a date (ISO text or datetime) as UTC, naive, whole seconds; None if it is none.

    Parameters
    ----------
    value : object

    Returns
    -------
    datetime or None

    Examples
    --------
    >>> moment("2026-01-31T12:00:00+01:00")
    datetime.datetime(2026, 1, 31, 11, 0)
    >>> moment("N/A") is None
    True
    """
    try:
        when = datetime.fromisoformat(value) if isinstance(value, str) else value
        if when.tzinfo is not None:
            when = when.astimezone(UTC)
        when = when.replace(tzinfo=None, microsecond=0)
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None
    return when if isinstance(when, datetime) and 2000 <= when.year < 9999 else None


def read_text(source: str | os.PathLike[str]) -> str:
    """Return the text of a file.

    Raises
    ------
    AccountFileError
        If it cannot be opened or is not text.
    """
    try:
        raw = Path(source).read_bytes()
    except (OSError, ValueError) as error:
        raise AccountFileError(f"{source} cannot be opened: {error}.") from None
    # ``>`` in Windows PowerShell writes UTF-16.
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise AccountFileError(f"{source} is not a text file: {error}.") from None


def read_json(source: Any, what: str) -> Value:
    """Return a JSON file, or what was read from one before.

    Parameters
    ----------
    source : str, path, dict or list
        A path, or the data.
    what : str
        What to call data that came from no file.

    Returns
    -------
    Value

    Raises
    ------
    AccountFileError
        With line and column, if the file is not JSON.
    """
    if not isinstance(source, str | os.PathLike):
        return Value(source, what)
    text = read_text(source)
    try:
        return Value(json.loads(text), Path(source).name)
    except json.JSONDecodeError as error:
        where = f"{source}, line {error.lineno}, column {error.colno}"
        raise AccountFileError(
            f"{where}: This is not JSON: {error.msg}. Write the file anew with the AWS CLI and "
            "--output json; do not edit it by hand."
        ) from None
    except (ValueError, RecursionError) as error:
        raise AccountFileError(f"{source}: This is not JSON: {error}.") from None


def _shown(value: Any) -> str:
    kinds = {type(None): "nothing", dict: "an object", list: "a list"}
    return kinds.get(type(value)) or f"{value!r:.60}"


def some(things: list[str], joint: str = ", ") -> str:
    """Return the first five of many things in words, and how many more there are."""
    more = f" and {len(things) - 5} more" if len(things) > 5 else ""
    return joint.join(things[:5]) + more
