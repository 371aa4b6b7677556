"""Saves what stands in the playground: as a small file, and as a text short enough for a link."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

from iamlab.widgets import slots
from iamlab.widgets.request_fields import FIELDS

FORMAT, VERSION = "iamlab playground", 1
_LINK = re.compile(r"iamlab(\d+)\.([\w=-]*)", re.ASCII)
_MOST = 1_000_000  # characters; a text that unpacks to more is not one of ours

State = Mapping[str, Mapping[str, str]]


def as_file(state: State) -> str:
    """Write a playground as the JSON text of a file.

    Parameters
    ----------
    state : mapping
        ``policies`` (slot to text), ``request`` (field to text), ``names`` (slot to name).

    Examples
    --------
    >>> as_file({"policies": {"identity": ""}, "request": {}}).splitlines()[1]
    '  "format": "iamlab playground",'
    """
    return json.dumps(_whole(state), indent=2, ensure_ascii=False) + "\n"


def as_link(state: State) -> str:
    """Write a playground as one short word of letters, digits, dots, dashes and underscores.

    Examples
    --------
    >>> state = {"policies": {"identity": "{}"}, "request": {"action": "s3:GetObject"}}
    >>> as_link(state).startswith("iamlab1.")
    True
    >>> read(as_link(state))["request"]["action"]
    's3:GetObject'
    """
    text = json.dumps(_whole(state), separators=(",", ":"), ensure_ascii=False)
    packed = base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")
    return f"iamlab{VERSION}.{packed}"


def read(text: str) -> dict[str, dict[str, str]]:
    """Read what `as_file` or `as_link` wrote, also after a mail program broke it into lines.

    Returns
    -------
    dict
        ``policies``, ``request`` and ``names``.

    Raises
    ------
    ValueError
        If it cannot be read; the message says why, and what to do.

    Examples
    --------
    >>> read("iamlab1.eJyr")
    Traceback (most recent call last):
    ...
    ValueError: This text is not whole. Copy all of it, from iamlab1. to its end.
    """
    text = text.strip().lstrip("\ufeff")
    if not text:
        raise ValueError("There is nothing here. Paste a share text, or choose a file.")
    if len(text) > _MOST:
        raise ValueError("This is too long to be a saved playground.")
    joined = "".join(text.split())
    if found := _LINK.search(joined):
        if int(found[1]) > VERSION:
            raise ValueError("A newer iamlab made this text. Update iamlab, then try again.")
        text = _unpack(found[2])
    elif not text.startswith("{"):
        raise ValueError("This is no share text: such a text begins with iamlab1. or is a file.")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ValueError(f"This file is broken{line}. Download it again.") from None
    return _checked(found)


def _whole(state: State) -> dict[str, Any]:
    whole: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    for part in ("policies", "request", "names"):
        whole[part] = {name: text for name, text in state.get(part, {}).items() if text}
    return whole


def _unpack(packed: str) -> str:
    try:
        data = base64.urlsafe_b64decode(packed.rstrip("=") + "=" * (-len(packed.rstrip("=")) % 4))
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(data, _MOST)
        if not unpacker.eof:
            raise ValueError
        return text.decode()
    except (ValueError, binascii.Error, zlib.error):
        message = f"This text is not whole. Copy all of it, from iamlab{VERSION}. to its end."
        raise ValueError(message) from None


def _checked(found: Any) -> dict[str, dict[str, str]]:
    if isinstance(found, dict) and "Statement" in found:
        raise ValueError("This is a policy, not a saved playground. Paste it into an editor.")
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f'This file is no saved playground: it does not say "{FORMAT}".')
    if not isinstance(found.get("version"), int) or found["version"] > VERSION:
        raise ValueError("A newer iamlab made this file. Update iamlab, then try again.")
    state = {part: found.get(part, {}) for part in ("policies", "request", "names")}
    for part, texts in state.items():
        if not isinstance(texts, dict) or not all(isinstance(t, str) for t in texts.values()):
            raise ValueError(f'In this file "{part}" is not what it has to be: names and texts.')
    for slot in (*state["policies"], *state["names"]):
        slots.read(slot)
    if unknown := set(state["request"]) - set(FIELDS):
        raise ValueError(f"The request in this file has an unknown part: {sorted(unknown)[0]!r}.")
    return state
