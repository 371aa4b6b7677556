"""Policy variables: `${aws:username}`, with defaults, filled in from the request's context.

Only policies of Version 2012-10-17 have them. A value that is filled in is literal text: a star
inside it is a star, not a wildcard. Source: *IAM policy elements: Variables and tags*.
"""

from __future__ import annotations

import re
from functools import lru_cache
from sys import intern

STAR = object()  # any text
ANY = object()  # any one character

# Given to `re` as text: it compiles them when they are first needed, which makes the import quick.
_WILD = r"([*?])"
_WILD_OR_VARIABLE = r"([*?]|\$\{[^{}]*\})"
_DEFAULT = r"(?s)([^,]*),\s*'(.*)'\s*"


@lru_cache(maxsize=4096)
def lookup(key: str) -> str:
    """Give a condition key in small letters, always the same object: quick to find in a dict."""
    return intern(key.lower())


class Variable:
    """One `${key}` or `${key, 'default'}` in a policy."""

    __slots__ = ("default", "key", "text")

    def __init__(self, text: str) -> None:
        inside = text[2:-1]
        found = re.fullmatch(_DEFAULT, inside) if "," in inside else None
        key, self.default = found.groups() if found else (inside, None)
        self.key = lookup(key.strip())
        self.text = text

    def value(self, context: dict) -> str | None:
        """Give the text to put in, or None. A key with many values is no variable."""
        value = context.get(self.key)
        return value if type(value) is str else self.default


def tokens_of(pattern: str, variables: bool) -> list:
    """Cut a pattern into literal texts, STAR, ANY and Variable, in their order."""
    if not variables:
        return [_TOKENS.get(part, part) for part in re.split(_WILD, pattern) if part]
    return [
        _TOKENS.get(part) or _SPECIAL.get(part) or (_variable(part) if n % 2 else part)
        for n, part in enumerate(re.split(_WILD_OR_VARIABLE, pattern))
        if part
    ]


_TOKENS = {"*": STAR, "?": ANY}
_SPECIAL = {"${*}": "*", "${?}": "?", "${$}": "$"}
_variable = lru_cache(maxsize=1024)(Variable)


def split_arn(pattern: str) -> list[str]:
    """Cut an ARN pattern at its first five colons, leaving the colons in `${aws:...}` alone."""
    parts = [[]]
    for piece in re.findall(_PIECES, pattern):
        if piece == ":" and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append(piece)
    return ["".join(part) for part in parts]


_PIECES = r"\$\{[^{}]*\}|:|[^:$]+|\$"


class Template:
    """A pattern with variables in it.

    Examples
    --------
    >>> Template("home/${aws:username, 'nobody'}").text({})
    'home/nobody'
    """

    __slots__ = ("pieces", "tokens", "variables")

    def __init__(self, pattern: str) -> None:
        self.tokens = tokens_of(pattern, variables=True)
        self.variables = [token for token in self.tokens if isinstance(token, Variable)]
        self.pieces = [[]]
        for token in self.tokens:
            if token is STAR:
                self.pieces.append([])
            else:
                self.pieces[-1].append(token)

    def fill(self, context: dict) -> list | None:
        """Put the values in; None if one is missing."""
        filled = []
        for token in self.tokens:
            if isinstance(token, Variable):
                token = token.value(context)
                if token is None:
                    return None
            filled.append(token)
        return filled

    def fill_pieces(self, context: dict) -> list[str] | None:
        """Put the values in and join what stands between the stars (for patterns without `?`)."""
        filled = []
        for piece in self.pieces:
            texts = [t if type(t) is str else t.value(context) for t in piece]
            if None in texts:
                return None
            filled.append("".join(texts))
        return filled

    def text(self, context: dict) -> str | None:
        """Put the values in, wildcards left as they were written; None if a value is missing."""
        filled = self.fill(context)
        if filled is None:
            return None
        return "".join("*" if t is STAR else "?" if t is ANY else t for t in filled)

    def missing(self, context: dict) -> list[str]:
        """Give the variables, as written, that have no value in this request."""
        return [v.text for v in self.variables if v.value(context) is None]
