"""From JSON to a `Policy`: AWS's grammar, and every mistake with its place.

A good policy is read in one quick pass (`grammar`). Only when something is wrong does a second,
slower look find line and column (`places`). AWS's texts for each mistake stand in `refusals`.
"""

from __future__ import annotations

from .grammar import (
    RULES,
    Refused,
    Statement,
    check_characters,
    read_json,
    read_policy,
)

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself is slow to import
    from typing import Any

    from .places import Places

__all__ = ["KINDS", "Policy", "PolicyError", "Statement", "parse"]

KINDS = tuple(kind for kind in RULES if kind)
# These point at the name of an element, the others at its value.
_ON_NAME = {"unknown", "prohibited", "principal forbidden", "both", "operator"}


class PolicyError(ValueError):
    """A policy that AWS would refuse.

    Attributes
    ----------
    message : str
        AWS's own text, for example ``"Syntax errors in policy."``.
    path : str
        Where, as a JSON path: ``"Statement[0].Effect"``; ``""`` is the whole policy.
    line, column : int or None
        The same place in the text, from 1. None when the policy was given as a dict.
    hint : str
        What is wrong and what to do next, in plain words.
    code : str
        AWS's error code, mostly ``"MalformedPolicyDocument"``.
    """

    def __init__(
        self,
        message: str,
        path: str = "",
        line: int | None = None,
        column: int | None = None,
        hint: str = "",
        code: str = "MalformedPolicyDocument",
    ) -> None:
        super().__init__(message, path, line, column, hint, code)
        self.message, self.path, self.line = message, path, line
        self.column, self.hint, self.code = column, hint, code

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}" if self.line else ""
        where = ", ".join(part for part in (self.path, where) if part)
        return " ".join(part for part in (self.message, where and f"({where})", self.hint) if part)


class Policy:
    """A policy document that AWS would accept. Do not change it: `parse` a new one.

    Attributes
    ----------
    version : str
        ``"2012-10-17"``, or ``"2008-10-17"``, which is also meant when Version is missing.
    statements : tuple of Statement
    kind, name, arn : str or None
        The kind of policy, what to call it in explanations, and its ARN.
    id : str or None
        The Id element.
    text : str or None
        The JSON text it came from; None when it was given as a dict.
    """

    __slots__ = (
        "_compiled",
        "_places",
        "arn",
        "has_version",
        "id",
        "kind",
        "name",
        "statements",
        "text",
        "version",
    )

    def __init__(
        self,
        version: str,
        statements: tuple[Statement, ...],
        has_version: bool = True,
        id: str | None = None,
        kind: str | None = None,
        name: str | None = None,
        arn: str | None = None,
        text: str | None = None,
    ) -> None:
        self.version, self.statements, self.has_version = version, statements, has_version
        self.id, self.kind, self.name, self.arn, self.text = id, kind, name, arn, text
        self._compiled = None  # what the evaluator makes of it, once
        self._places: Places | None = None

    def __repr__(self) -> str:
        return f"<Policy {self.name or self.arn or ''} {len(self.statements)} statements>"

    def place(self, path: str) -> tuple[int, int] | None:
        """Return line and column (from 1) of a JSON path in the text.

        Parameters
        ----------
        path : str
            For example ``"Statement[0].Action[1]"``. Of a path that is not there, the nearest
            thing around it is given.

        Returns
        -------
        tuple of (int, int) or None
            None when the policy was given as a dict.

        Examples
        --------
        >>> policy = parse('{"Statement":\\n {"Effect": "Deny", "Action": "*", "Resource": "*"}}')
        >>> policy.place("Statement[0].Effect")
        (2, 13)
        """
        if self.text is None:
            return None
        if self._places is None:
            from .places import Places

            self._places = Places(self.text)
        return self._places.of(path)

    def span(self, index: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Return where a statement begins and where it ends: line and column, each from 1.

        The end is the column after the last brace. None when the policy was given as a dict.

        Examples
        --------
        >>> parse('{"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}').span(0)
        ((1, 16), (1, 66))
        """
        path = f"Statement[{index}]"
        start = self.place(path)
        return start and (start, self._places.end(path))

    def line_of(self, index: int) -> int | None:
        """Return the line on which a statement begins, or None without a text."""
        place = self.place(f"Statement[{index}]")
        return place and place[0]

    def as_dict(self) -> dict[str, Any]:
        """Return the policy as a dict that `parse` reads back as the same policy."""
        document: dict[str, Any] = {"Version": self.version} if self.has_version else {}
        if self.id is not None:
            document["Id"] = self.id
        document["Statement"] = [_as_dict(statement) for statement in self.statements]
        return document


def parse(
    doc: dict[str, Any] | str | Policy,
    *,
    kind: str | None = None,
    name: str | None = None,
    arn: str | None = None,
    stored: bool = False,
) -> Policy:
    """Read a policy document, checked as AWS checks it.

    Parameters
    ----------
    doc : dict, str or Policy
        The document, or its JSON text. A Policy is given back as it is.
    kind : str, optional
        What the policy is for; the rules and AWS's texts differ. One of ``identity`` (user, group
        or role policies), ``managed`` (the same, as a managed policy), ``boundary``, ``session``,
        ``trust``, ``resource``, ``bucket`` (a resource policy, in the words of S3), ``key``,
        ``scp``, ``rcp``. Without it, anything grammatical is accepted.
    name, arn : str, optional
        Kept for explanations.
    stored : bool, optional
        Also refuse what AWS refuses when it keeps a policy and what is merely never true when a
        policy is evaluated: unknown condition operators, an Allow in an RCP.

    Returns
    -------
    Policy

    Raises
    ------
    PolicyError
        With AWS's message, the JSON path, line and column, and a plain hint.

    Notes
    -----
    Source: "Grammar of the IAM JSON policy language", IAM User Guide. Sizes are not looked at.

    Examples
    --------
    >>> policy = parse('{"Version": "2012-10-17", "Statement":'
    ...     ' {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}', kind="identity")
    >>> policy.statements[0].actions
    ('s3:GetObject',)
    >>> parse({"Statement": {"Effect": "allow", "Action": "*", "Resource": "*"}})
    Traceback (most recent call last):
    ...
    iamlab.policy.document.PolicyError: The policy failed legacy parsing (Statement[0].Effect) \
Effect must be "Allow" or "Deny", with a capital letter first.
    """
    if isinstance(doc, Policy):
        return doc
    if kind not in RULES:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}; not {kind!r}")
    text = doc if isinstance(doc, str) else None
    try:
        if text is None:
            check_characters(doc)
        else:
            doc = read_json(text)
        found = read_policy(doc, kind, stored)
    except Refused as refused:
        raise _error(refused, kind, text) from None
    return Policy(*found, kind, name, arn, text)


def _error(refused: Refused, kind: str | None, text: str | None) -> PolicyError:
    from .places import Places
    from .refusals import words

    message, code, hint = words(refused.problem, kind, refused.facts)
    path, line, column = refused.path, None, None
    if text is not None:
        twice = refused.problem == "duplicate"  # looked for below: no path is ever NUL
        places, at = Places(text, "\0" if twice else path or None), refused.facts.get("at")
        if twice and places.duplicate:
            path, at = places.duplicate
        elif refused.problem == "json" and at is None:
            at = places.constant()
        on_name = refused.problem in _ON_NAME
        line, column = places.of(path, name=on_name) if at is None else places.line_column(at)
    return PolicyError(_printable(message), _printable(path), line, column, _printable(hint), code)


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _as_dict(statement: Statement) -> dict[str, Any]:
    found: dict[str, Any] = {"Sid": statement.sid} if statement.sid is not None else {}
    found["Effect"] = statement.effect
    for element, pairs in (
        ("Principal", statement.principals),
        ("NotPrincipal", statement.not_principals),
    ):
        if pairs is not None:
            found[element] = {}
            for which, name in pairs:
                found[element].setdefault(which, []).append(name)
    for element, values in (
        ("Action", statement.actions),
        ("NotAction", statement.not_actions),
        ("Resource", statement.resources),
        ("NotResource", statement.not_resources),
    ):
        if values:
            found[element] = list(values)
    for operator, key, values in statement.conditions:
        found.setdefault("Condition", {}).setdefault(operator, {})[key] = list(values)
    return found
