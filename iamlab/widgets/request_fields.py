"""The playground's request: the fields on the page, read into a `Request` and written from one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from iamlab.policy import Request
from iamlab.policy.arn import read_caller

# One row a field of the request: label, an example, and what to write when it is empty.
FIELDS: dict[str, dict[str, str]] = {
    "principal": {
        "label": "Principal",
        "note": "who asks",
        "missing": "Write who asks, for example arn:aws:iam::111122223333:user/analyst.",
    },
    "action": {
        "label": "Action",
        "note": "what for",
        "missing": "Write what is asked for, for example s3:GetObject.",
    },
    "resource": {
        "label": "Resource",
        "note": "on what",
        "missing": "Write the ARN of what it is asked on, or * when the action names no resource.",
    },
    "resource_account": {
        "label": "Owner of the resource",
        "note": "account ID, if the ARN has none and it is another account",
        "missing": "",
    },
    "context": {
        "label": "Context",
        "note": "one a line: key = value",
        "missing": "",
    },
}


def read_context(text: str) -> dict[str, str | list[str]]:
    """Read condition keys as typed: one ``key = value`` a line.

    A key that comes twice has both values, as ``aws:TagKeys`` can have.

    Parameters
    ----------
    text : str
        The lines. Blank lines are skipped.

    Returns
    -------
    dict of str to str or list of str
        Condition key to its value, or to its values.

    Raises
    ------
    ValueError
        If a line has no ``=`` or nothing before it; the message names the line.

    Examples
    --------
    >>> read_context("aws:SourceIp = 10.0.0.7")
    {'aws:SourceIp': '10.0.0.7'}
    """
    found: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise ValueError(
                f"Line {number} is not key = value. Write for example aws:SourceIp = 10.0.0.7."
            )
        found.setdefault(key.strip(), []).append(value.strip())
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()}


def as_fields(request: Request | dict[str, Any] | None) -> dict[str, str]:
    """Write a request as the text of the playground's fields.

    Parameters
    ----------
    request : Request, dict or None
        A dict has the names of `Request`; what is left out is an empty field.

    Returns
    -------
    dict of str to str
        Every field of the request.

    Raises
    ------
    TypeError
        If a name is not one of the fields.

    Examples
    --------
    >>> as_fields({"action": "s3:GetObject", "context": {"aws:SourceIp": "10.0.0.7"}})["context"]
    'aws:SourceIp = 10.0.0.7'
    """
    if isinstance(request, Request):
        request = _given(request)
    given = dict(request or {})
    if unknown := set(given) - set(FIELDS):
        names = ", ".join(FIELDS)
        raise TypeError(f"request has no {', '.join(sorted(unknown))}: its parts are {names}")
    context = given.pop("context", "")
    if not isinstance(context, str):
        context = "\n".join(
            f"{key} = {_as_value(value)}"
            for key, values in context.items()
            for value in (values if isinstance(values, list | tuple | set) else [values])
        )
    return {field: str(given.get(field, "")) for field in FIELDS} | {"context": context}


def read_fields(request: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Read every field: the values for a `Request`, and the problem of each field that has one.

    Examples
    --------
    >>> read_fields({"principal": "*", "action": "s3:GetObject"})[1]
    {'resource': 'Write the ARN of what it is asked on, or * when the action names no resource.'}
    """
    values: dict[str, Any] = {name: request.get(name, "").strip() for name in FIELDS}
    wrong = {n: row["missing"] for n, row in FIELDS.items() if row["missing"] and not values[n]}
    owner = values["resource_account"] = values["resource_account"] or None
    if owner and not re.fullmatch(r"[0-9]{12}", owner):
        wrong["resource_account"] = "An account ID is 12 digits, for example 444455556666."
    try:
        return values | {"context": read_context(values["context"])}, wrong
    except ValueError as error:
        return values, wrong | {"context": str(error)}


def _given(request: Request) -> dict[str, Any]:
    """Say what a request says, without what the page works out itself."""
    fields = {field: getattr(request, field) for field in FIELDS}
    caller = read_caller(request.principal)
    if fields["resource_account"] in (None, _account(request.resource) or caller.account):
        fields["resource_account"] = ""
    if request.issuer not in (None, caller.issuer):  # a role with a path: the session hides it
        fields["context"] = {"aws:PrincipalArn": request.issuer} | dict(fields["context"])
    return fields


def _account(resource: str) -> str | None:
    parts = resource.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[4].isdigit() else None


def _as_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
