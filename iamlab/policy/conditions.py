"""Conditions: every operator, with IfExists, ForAllValues, ForAnyValue and Null.

A condition is compiled to ``test(context) -> bool``. The context is the prepared one: keys in
small letters, each value one text or a tuple of texts. Source: *IAM JSON policy elements:
Condition operators* and *Set operators for multivalued context keys*, IAM User Guide.
"""

from __future__ import annotations

import operator as relations
import re
from functools import lru_cache

from iamlab.policy.matching import arn_parts, wildcard
from iamlab.policy.variables import Template, lookup, split_arn


class Condition:
    """One operator, one key and its values, ready to be tested.

    Attributes
    ----------
    operator, key : str
        As written in the policy.
    values : tuple of str
        As written in the policy.
    test : callable
        ``test(context) -> bool``.
    family : str or None
        ``"String"``, ``"Numeric"``, ...; None for an operator that AWS does not have.
    problem : str or None
        Why the condition cannot be evaluated as written.
    """

    __slots__ = (
        "base",
        "family",
        "if_exists",
        "key",
        "lookup",
        "negated",
        "operator",
        "problem",
        "quantifier",
        "templates",
        "test",
        "values",
    )

    def __init__(self, operator: str, key: str, values: tuple[str, ...], variables: bool) -> None:
        self.operator, self.key, self.values = operator, key, values
        self.lookup = lookup(key)
        self.problem = None
        self.templates = ()
        self.quantifier, self.base, self.if_exists = _read_operator(operator)
        found = _OPERATORS.get(self.base)
        if found is None or (self.base == "null" and (self.quantifier or self.if_exists)):
            self.family, self.negated = None, False
            self.problem = f"AWS has no condition operator `{operator}`"
            self.test = lambda context: False
            return
        self.family, compare, self.negated = found
        if self.family == "Null":
            self.test = self._null()
            return
        if variables and self.family in _WITH_VARIABLES:
            self.templates = tuple(Template(v) for v in values if "${" in v)
        one = self._one(compare, bool(self.templates))
        self.test = _QUANTIFIERS[self.quantifier](self.lookup, one, self.negated, self.if_exists)

    def _one(self, compare, variables: bool):
        """Make ``one(value, context)``: does this request value match any policy value?"""
        if compare is relations.eq and self.family == "String" and not variables:
            wanted = frozenset(self.values)
            return lambda value, context: value in wanted
        matchers = []
        for value in self.values:
            matcher = _MATCHERS.get(self.family, _typed)(self.family, compare, value, variables)
            if matcher is None:
                self.problem = self.problem or (
                    f"`{value}` in the policy is not {FAMILIES[self.family][1]}"
                )
            else:
                matchers.append(matcher)
        if len(matchers) == 1:
            return matchers[0]
        return lambda value, context: any(matches(value, context) for matches in matchers)

    def _null(self):
        wanted = set()
        for value in self.values:
            if value.lower() in ("true", "false"):
                wanted.add(value.lower() == "true")
            else:
                self.problem = f"`{value}` in the policy is not {FAMILIES['Bool'][1]}"
        key = self.lookup
        # An empty text counts as absent: "the key exists and its value is not null".
        return lambda context: (not context.get(key)) in wanted

    def problem_with(self, context: dict) -> str | None:
        """Say why this condition cannot be evaluated for a request, or None if it can."""
        actual = context.get(self.lookup)
        if self.problem or actual is None or self.family not in FAMILIES:
            return self.problem
        read, what = FAMILIES[self.family]
        for value in (actual,) if type(actual) is str else actual:
            if read(value) is None:
                return f"the request's `{self.key}` is `{value}`, which is not {what}"
        return None


def plain(key: str, value: object) -> str | tuple[str, ...] | None:
    """Turn a context value into one text or a tuple of texts; None if there is nothing in it.

    Parameters
    ----------
    key : str
        Named in the error.
    value : str, bool, int, float, bytes, datetime, None, or a list, tuple or set of those
        A datetime without a zone is taken as UTC.

    Raises
    ------
    ValueError
        If AWS knows no such value, for example a dict.

    Examples
    --------
    >>> plain("aws:MultiFactorAuthPresent", True), plain("aws:TagKeys", ["team", "cost"])
    ('true', ('team', 'cost'))
    """
    if isinstance(value, str):
        return str.__str__(value)
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, bytes):
        from base64 import b64encode

        return b64encode(value).decode()
    if hasattr(value, "isoformat"):
        return _iso(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        values = (plain(key, one) for one in value)
        texts = tuple(one for one in values if one is not None)
        if all(type(one) is str for one in texts):
            return (tuple(sorted(texts)) if isinstance(value, (set, frozenset)) else texts) or None
    raise ValueError(
        f"The context value of {key!r} is {value!r}. It must be a text, a number, a boolean, "
        "a datetime, or a list of those."
    )


def _iso(value) -> str:
    if getattr(value, "tzinfo", None) is None:
        return value.isoformat() + ("Z" if hasattr(value, "hour") else "")
    return value.isoformat()


# --- operators: name in small letters -> (family, comparison, negated) ---------------------------

_ORDER = {
    "Equals": (relations.eq, False),
    "NotEquals": (relations.eq, True),
    "LessThan": (relations.lt, False),
    "LessThanEquals": (relations.le, False),
    "GreaterThan": (relations.gt, False),
    "GreaterThanEquals": (relations.ge, False),
}
_OPERATORS = {
    "stringequals": ("String", relations.eq, False),
    "stringnotequals": ("String", relations.eq, True),
    "stringequalsignorecase": ("String", "folded", False),
    "stringnotequalsignorecase": ("String", "folded", True),
    "stringlike": ("String", "like", False),
    "stringnotlike": ("String", "like", True),
    "bool": ("Bool", relations.eq, False),
    "binaryequals": ("Binary", relations.eq, False),
    "ipaddress": ("IpAddress", None, False),
    "notipaddress": ("IpAddress", None, True),
    "arnequals": ("Arn", None, False),
    "arnlike": ("Arn", None, False),
    "arnnotequals": ("Arn", None, True),
    "arnnotlike": ("Arn", None, True),
    "null": ("Null", None, False),
    **{
        (family + name).lower(): (family, *how)
        for family in ("Numeric", "Date")
        for name, how in _ORDER.items()
    },
}
# AWS's own pages differ on variables in Bool; here they are filled in.
_WITH_VARIABLES = ("String", "Arn", "Bool")


def _read_operator(text: str) -> tuple[str, str, bool]:
    """Cut `ForAllValues:StringLikeIfExists` into its three parts, in small letters."""
    quantifier, colon, base = text.lower().rpartition(":")
    if colon and quantifier not in ("forallvalues", "foranyvalue"):
        return "", text.lower(), False
    if base.endswith("ifexists"):
        return quantifier, base[: -len("ifexists")], True
    return quantifier, base, False


# --- how the values of the request are put together ----------------------------------------------


def _plain_test(key, one, negated, if_exists):
    when_absent = negated or if_exists

    def test(context):
        value = context.get(key)
        if value is None:
            return when_absent
        if type(value) is str:
            return (not negated) if one(value, context) else negated
        # AWS does not define a plain operator on many values; here any of them may match.
        return any(one(v, context) for v in value) is not negated

    return test


def _for_all_values(key, one, negated, if_exists):
    def test(context):
        value = context.get(key)
        if not value:
            return True
        values = (value,) if type(value) is str else value
        return all(bool(one(v, context)) is not negated for v in values)

    return test


def _for_any_value(key, one, negated, if_exists):
    def test(context):
        value = context.get(key)
        if not value:
            return if_exists and value is None
        values = (value,) if type(value) is str else value
        return any(bool(one(v, context)) is not negated for v in values)

    return test


_QUANTIFIERS = {"": _plain_test, "forallvalues": _for_all_values, "foranyvalue": _for_any_value}


# --- how one value of the policy meets one value of the request ----------------------------------


def _string(family, compare, value, variables):
    filled = Template(value) if variables and "${" in value else None
    if compare == "like":
        return wildcard(value, variables)
    if compare == "folded":
        if filled is None:
            folded = value.casefold()
            return lambda actual, context: actual.casefold() == folded
        return lambda actual, context: (
            (text := filled.text(context)) is not None and actual.casefold() == text.casefold()
        )
    if filled is None:
        return lambda actual, context: actual == value
    return lambda actual, context: actual == filled.text(context)


def _arn(family, compare, value, variables):
    parts = split_arn(value) if variables else value.split(":", 5)
    return arn_parts(parts, variables) if len(parts) == 6 else None


def _network(family, compare, value, variables):
    wanted = read_network(value)
    if wanted is None:
        return None
    version, first, last = wanted

    def matches(actual, context):
        found = read_network(actual)
        return found is not None and found[0] == version and first <= found[1] and found[2] <= last

    return matches


def _typed(family, compare, value, variables):
    read = FAMILIES[family][0]
    if variables and "${" in value:  # Bool only
        filled = Template(value)

        def matches(actual, context):
            text = filled.text(context)
            wanted = None if text is None else read(text)
            return wanted is not None and read(actual) == wanted

        return matches
    wanted = read(value)
    if wanted is None:
        return None
    if family == "Bool":
        return lambda actual, context: actual.lower() == wanted

    def matches(actual, context):
        found = read(actual)
        return found is not None and compare(found, wanted)

    return matches


_MATCHERS = {"String": _string, "Arn": _arn, "IpAddress": _network}


# --- reading values: None means "not such a value" -----------------------------------------------

_NUMBER = r"(?ai)[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?"
_DATE = (
    r"(?ai)(\d{4})(?:-(\d\d)(?:-(\d\d)"
    r"(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?)?)?"
)


@lru_cache(maxsize=1024)
def read_number(text: str) -> int | float | None:
    """Read an integer or a decimal.

    Examples
    --------
    >>> read_number("10"), read_number("0.5"), read_number("ten")
    (10, 0.5, None)
    """
    text = text.strip()
    if len(text) > 100 or not re.fullmatch(_NUMBER, text):
        return None
    try:
        return int(text)
    except ValueError:
        return float(text)


@lru_cache(maxsize=1024)
def read_date(text: str) -> float | None:
    """Read an instant: ISO 8601 as the W3C profile has it, or seconds since 1970.

    Four digits are a year; without a zone the time is UTC.

    Examples
    --------
    >>> read_date("1970-01-01T01:00:00+01:00"), read_date("1609459200"), read_date("soon")
    (0.0, 1609459200, None)
    """
    from datetime import datetime, timedelta, timezone

    found = re.fullmatch(_DATE, text.strip())
    if found is None:
        return read_number(text)
    *numbers, fraction, zone = found.groups()
    year, month, day, hour, minute, second = (
        int(n) if n else least for n, least in zip(numbers, (1, 1, 1, 0, 0, 0), strict=True)
    )
    try:
        offset = timedelta(0)
        if zone and zone not in "Zz":
            hours, minutes = int(zone[1:3]), int(zone[-2:])
            if hours > 23 or minutes > 59:
                return None
            offset = timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)  # noqa: UP017
        seconds = (moment - datetime(1970, 1, 1, tzinfo=timezone.utc) - offset).total_seconds()  # noqa: UP017
    except (ValueError, OverflowError):
        return None
    return seconds + (float(fraction) if fraction else 0.0)


@lru_cache(maxsize=4096)
def read_network(text: str) -> tuple[int, int, int] | None:
    """Read an IP address or a CIDR range: version, first address and last address as numbers.

    Examples
    --------
    >>> read_network("10.0.0.0/8")[0], read_network("10.0.0.300")
    (4, None)
    """
    from ipaddress import ip_network

    address, slash, length = text.strip().partition("/")
    if (slash and not (length.isascii() and length.isdigit())) or "%" in address:
        return None
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        return None
    return network.version, int(network[0]), int(network[-1])


def read_bool(text: str) -> str | None:
    """Read `true` or `false`, whatever their capitals."""
    lower = text.lower()
    return lower if lower in ("true", "false") else None


def read_binary(text: str) -> bytes | None:
    """Read base64 text."""
    from base64 import b64decode

    try:
        return b64decode(text, validate=True)
    except ValueError:
        return None


def _read_arn(text: str) -> str | None:
    return text if text.count(":") >= 5 else None


FAMILIES = {
    "Numeric": (read_number, "a number"),
    "Date": (read_date, "a date such as 2026-11-24T09:00:00Z"),
    "Bool": (read_bool, "`true` or `false`"),
    "Binary": (read_binary, "base64 text"),
    "IpAddress": (read_network, "an IP address or range such as 203.0.113.0/24"),
    "Arn": (_read_arn, "an ARN: six parts with a colon between them"),
}
