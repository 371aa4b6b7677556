"""Wildcards: `*` and `?` in actions, resources and condition values, in time that grows evenly.

A pattern is compiled to a function ``matches(text, context)``. The text is scanned once from
left to right, each literal piece is looked for after the one before it: taking the leftmost
place is always right for `*`, so nothing is ever tried twice.
"""

from __future__ import annotations

import re

from iamlab.policy.variables import ANY, STAR, Template, Variable, tokens_of


def wildcard(pattern: str, variables: bool = False):
    """Compile a pattern with ``*`` (any text) and ``?`` (any one character).

    Parameters
    ----------
    pattern : str
        The text in the policy. Capitals count: lower both sides where they should not.
    variables : bool
        True if ``${...}`` is to be filled in (a policy of Version 2012-10-17).

    Returns
    -------
    callable
        ``matches(text, context) -> bool or None``; None if a variable has no value.

    Examples
    --------
    >>> wildcard("reports/*.csv")("reports/2026/q3.csv", {})
    True
    >>> wildcard("home/${aws:username}/*", variables=True)("home/*/x", {"aws:username": "mia"})
    False
    """
    if variables and "${" in pattern:
        return _filled(Template(pattern))
    if "?" in pattern:
        return _with_marks(pattern)
    return _match_pieces(pattern.split("*"))


def _match_pieces(pieces: list[str]):
    """Match literal pieces with a star between each two."""
    if len(pieces) == 1:
        (literal,) = pieces
        return lambda text, context=None: text == literal
    first, last = pieces[0], pieces[-1]
    middle = [piece for piece in pieces[1:-1] if piece]
    if not middle and not last:
        if not first:
            return lambda text, context=None: True
        return lambda text, context=None: text.startswith(first)
    return lambda text, context=None: _scan(first, middle, last, text)


def _scan(first: str, middle: list[str], last: str, text: str) -> bool:
    end = len(text) - len(last)
    at = len(first)
    if at > end or not text.startswith(first) or not text.endswith(last):
        return False
    for piece in middle:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _with_marks(pattern: str):
    """Match a pattern with `?`, cut up only for a text that is long enough for it."""
    least = len(pattern) - pattern.count("*")
    made = []

    def matches(text, context=None):
        if len(text) < least:
            return False
        if not made:
            made.append(_match_tokens(tokens_of(pattern, variables=False)))
        return made[0](text)

    return matches


def _match_tokens(tokens: list):
    """Match pieces that hold `?`: each is a regular expression of fixed length, no repeats."""
    pieces = [[]]
    for token in tokens:
        if token is STAR:
            pieces.append([])
        else:
            pieces[-1].append(token)
    lengths = [sum(1 if t is ANY else len(t) for t in piece) for piece in pieces]
    least = sum(lengths)
    compiled = []

    def matches(text):
        if len(text) < least:
            return False
        if not compiled:  # only now: variables may have made it longer than the text
            compiled.extend([_piece(piece) for piece in pieces])
        if len(compiled) == 1:
            return len(text) == least and compiled[0].match(text) is not None
        if not compiled[0].match(text):
            return False
        at, end = lengths[0], len(text) - lengths[-1]
        for piece in compiled[1:-1]:
            found = piece.search(text, at, end)
            if found is None:
                return False
            at = found.end()
        return at <= end and compiled[-1].match(text, end) is not None

    return matches


def _piece(tokens: list) -> re.Pattern:
    return re.compile("".join("." if t is ANY else re.escape(t) for t in tokens), re.DOTALL)


def _filled(template: Template):
    """Match a pattern whose variables are filled in anew for every request."""
    if ANY in template.tokens:

        def matches(text, context):
            tokens = template.fill(context)
            return None if tokens is None else _match_tokens(tokens)(text)

        return matches

    first, *rest = template.pieces
    if len(template.variables) == 1 and rest and template.variables[0] in first:
        return _one_variable(template.variables[0], first, ["".join(piece) for piece in rest])

    def matches(text, context):
        pieces = template.fill_pieces(context)
        if pieces is None:
            return None
        if len(pieces) == 1:
            return text == pieces[0]
        return _scan(pieces[0], pieces[1:-1], pieces[-1], text)

    return matches


def _one_variable(variable: Variable, first: list, rest: list[str]):
    """Match the usual shape, one variable before the first star, more quickly."""
    place = first.index(variable)
    before, after = "".join(first[:place]), "".join(first[place + 1 :])
    middle, last = [piece for piece in rest[:-1] if piece], rest[-1]
    key, default = variable.key, variable.default

    def matches(text, context):
        value = context.get(key)
        if type(value) is not str:
            value = default
            if value is None:
                return None
        if not middle and not last:
            return text.startswith(before + value + after)
        return _scan(before + value + after, middle, last, text)

    return matches


def resource(pattern: str, variables: bool):
    """Compile one entry of a Resource element: six parts, each compared with its own.

    A pattern of fewer parts that ends with a star (``arn:aws:ec2:*``) spans the rest. A variable
    may stand only after the fifth colon; an entry with one before it cannot be evaluated.

    Parameters
    ----------
    pattern : str
    variables : bool
        True if ``${...}`` is to be filled in.

    Returns
    -------
    callable
        ``matches(text, context) -> bool or None``; None if it cannot be evaluated.

    Notes
    -----
    Source: *IAM JSON policy elements: Resource*, IAM User Guide.

    Examples
    --------
    >>> jobs = resource("arn:aws:sqs:*:111122223333:jobs", variables=False)
    >>> jobs("arn:aws:sqs:eu-west-1:111122223333:jobs")
    True
    """
    if pattern == "*":
        return wildcard("*")
    parts = pattern.split(":", 5)
    if len(parts) < 6:
        if not pattern.endswith("*") or (variables and "${" in pattern):
            return _never
        parts += ["*"] * (6 - len(parts))
    head = ":".join(parts[:5])
    if variables and "${" in head:
        return _never
    if "*" not in head and "?" not in head:  # the first five parts are literal: one comparison
        return wildcard(pattern, variables)
    return arn_parts(parts, variables)


def _never(text: str, context: dict | None = None) -> None:
    return None


def arn_parts(parts: list[str], variables: bool):
    """Compare the six parts of an ARN one by one, so that no wildcard crosses a colon."""
    tests = [(i, wildcard(p, variables)) for i, p in enumerate(parts) if p != "*"]

    def matches(text, context=None):
        found = text.split(":", 5)
        if len(found) < 6:
            return False
        for i, test in tests:
            answer = test(found[i], context)
            if not answer:
                return answer
        return True

    return matches
