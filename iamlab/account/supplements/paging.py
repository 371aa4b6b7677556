"""Long answers in pages: IAM's MaxItems and Marker, and the nextToken of the younger services."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from iamlab.account.errors import AwsError

Key = Callable[[Any], str]


def page(
    items: Iterable[Any],
    params: Mapping[str, Any],
    name: str,
    size: int = 100,
    key: Key | None = None,
) -> dict[str, Any]:
    """Return one page of a list, the way IAM does.

    Parameters
    ----------
    items : iterable
        The whole list.
    params : mapping
        The request: ``MaxItems`` (its limits are checked elsewhere) and ``Marker`` are read.
    name : str
        The member of the answer that holds the list, such as ``"Users"``.
    size : int
        How many items a page has if ``MaxItems`` is not given.
    key : callable, optional
        What the list is sorted by: a text, different for each item. A marker then names the
        last item shown, so that nothing is lost or seen twice when things are made or deleted
        between two pages. Without it, the order stays and a marker is a position.

    Returns
    -------
    dict
        The page under ``name``, ``IsTruncated``, and ``Marker`` if there is more.

    Raises
    ------
    AwsError
        ``ValidationError`` (400) for a marker that no call of this kind returned.

    Notes
    -----
    Source: "ListUsers" and the like, IAM API Reference.

    Examples
    --------
    >>> first = page("abc", {"MaxItems": "2"}, "Letters")
    >>> first["Letters"], first["IsTruncated"]
    (['a', 'b'], True)
    >>> page("abc", {"Marker": first["Marker"]}, "Letters")
    {'Letters': ['c'], 'IsTruncated': False}
    """
    bad = AwsError("ValidationError", "Invalid Marker.")  # text: [I]
    size = int(params.get("MaxItems") or size)
    shown, marker = _cut(items, params.get("Marker"), size, name, key, bad)
    return {name: shown, "IsTruncated": bool(marker)} | ({"Marker": marker} if marker else {})


def token_page(
    items: Iterable[Any],
    params: Mapping[str, Any],
    name: str,
    size: int = 100,
    key: Key | None = None,
    *,
    limit: str = "maxResults",
    token: str = "nextToken",
    refused: str = "ValidationException",
) -> dict[str, Any]:
    """Return one page of a list, the way services with a ``nextToken`` do.

    Parameters
    ----------
    items, params, name, size, key
        As for `page`.
    limit, token : str
        The members of the request that say how many and from where; ``token`` is also the
        member of the answer.
    refused : str
        The service's error code for a token it never gave.

    Returns
    -------
    dict
        The page under ``name``, and ``token`` if there is more.

    Raises
    ------
    AwsError
        With the code ``refused`` (400).

    Notes
    -----
    Source: "ListAnalyzers", IAM Access Analyzer API Reference.

    Examples
    --------
    >>> sorted(token_page("abc", {"maxResults": 2}, "letters"))
    ['letters', 'nextToken']
    """
    bad = AwsError(refused, f"Invalid {token}.")  # text: [I]
    size = int(params.get(limit) or size)
    shown, marker = _cut(items, params.get(token), size, name, key, bad)
    return {name: shown} | ({token: marker} if marker else {})


def _cut(
    items: Iterable[Any], marker: str | None, size: int, name: str, key: Key | None, bad: AwsError
) -> tuple[list[Any], str | None]:
    ordered = sorted(items, key=key) if key else list(items)
    if marker:
        after = _read(marker, name, str if key else int, bad)
        ordered = [i for i in ordered if key(i) > after] if key else ordered[after:]
    else:
        after = "" if key else 0
    shown = ordered[:size]
    if len(ordered) <= size:
        return shown, None
    last = key(shown[-1]) if key else after + size
    return shown, base64.urlsafe_b64encode(json.dumps([name, last]).encode()).decode()


def _read(marker: str, name: str, kind: type, bad: AwsError) -> Any:
    try:
        whose, last = json.loads(base64.b64decode(marker, b"-_", validate=True))
    except (ValueError, TypeError):
        raise bad from None
    if whose != name or type(last) is not kind or (kind is int and last < 0):
        raise bad
    return last
