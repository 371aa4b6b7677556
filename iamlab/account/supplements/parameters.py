"""Parameters that AWS refuses by their form: too short, too long, too big, wrong characters.

The limits are not written here. They are read from the service model that botocore carries, which
is AWS's own: minimum, maximum, pattern and list of values for every parameter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from botocore.model import Shape

from iamlab.account.errors import AwsError
from iamlab.account.wire import service_model

# IAM answers in its own words for names and paths. [O: public logs]
IAM_TEXTS = {
    r"[\w+=,.@-]+": "The specified value for {at} is invalid. It must contain only alphanumeric "
    "characters and/or the following: +=,.@_-",
    r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)": "The specified value for {at} is invalid. It must "
    "begin and end with / and contain only alphanumeric characters and/or / characters.",
}
IAM_TEXTS[r"((/[A-Za-z0-9\.,\+@=_-]+)*)/"] = IAM_TEXTS[r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)"]

NULL = "Member must not be null"

# In these the model's patterns forbid what their own documentation allows: wildcards.
LOOSE = ("InlinePolicyIdentifierType",)

# AWS writes its patterns for Java. These are the parts that Python spells differently.
JAVA_CLASSES = {
    r"\p{L}\p{Z}\p{N}": r"\w \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    r"\uD7FF\uE000-\uFFFD\u10000-\u10FFFF": r"\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF",
}


def check(service: str, operation: str, params: Mapping[str, Any]) -> None:
    """Refuse parameters whose form AWS does not accept.

    Parameters
    ----------
    service, operation : str
        botocore names, such as ``"sts"`` and ``"AssumeRole"``.
    params : mapping
        The parameters by their botocore member names.

    Raises
    ------
    AwsError
        ``ValidationError`` (400) in AWS's words: "1 validation error detected: Value 'x' at
        'roleSessionName' failed to satisfy constraint: …".

    Notes
    -----
    Source: the pages "AssumeRole", "CreateUser" and the like of the STS and IAM API references,
    as botocore carries them.

    Examples
    --------
    >>> try:
    ...     check("sts", "GetFederationToken", {"Name": "two words"})
    ... except AwsError as error:
    ...     print(error.message[:54])
    1 validation error detected: Value 'two words' at 'nam
    """
    faults = []
    for at, value, rule in _values(_rule_of(service, operation), params, ""):
        if value is None:
            faults.append(f"Value null at '{at}' failed to satisfy constraint: {NULL}")
            continue
        if rule.words and not rule.pattern(value):
            raise AwsError("ValidationError", rule.words.format(at=at))
        for why in _faults(rule, value):
            shown = f"Value at '{at}'" if rule.secret else f"Value '{value}' at '{at}'"
            faults.append(f"{shown} failed to satisfy constraint: {why}")
    if faults:
        plural = "s" if len(faults) > 1 else ""
        count = f"{len(faults)} validation error{plural} detected: "
        raise AwsError("ValidationError", count + "; ".join(faults))


class _Rule:
    """What the model says of one shape; read from it once."""

    def __init__(self, shape: Shape, service: str) -> None:
        limits, kind = shape.metadata, shape.type_name
        self.written = limits.get("pattern")
        self.pattern = _compiled(self.written) if self.written else None
        self.words = IAM_TEXTS.get(self.written) if service == "iam" else None
        self.enum, self.secret = limits.get("enum"), limits.get("sensitive")
        self.number = kind in ("integer", "long")
        self.least, self.most = limits.get("min"), limits.get("max")
        self.checked = kind in ("string", "integer", "long", "list")
        self.members: list[tuple[str, str, _Rule, bool]] = []
        self.item = _Rule(shape.member, service) if kind == "list" else None
        if kind == "structure":
            for name, member in shape.members.items():
                here, needed = name[0].lower() + name[1:], name in shape.required_members
                rule = _Rule(member, service)
                if shape.name in LOOSE:
                    rule.pattern = rule.words = None
                self.members.append((name, here, rule, needed))


@cache
def _rule_of(service: str, operation: str) -> _Rule | None:
    shape = service_model(service).operation_model(operation).input_shape
    return _Rule(shape, service) if shape is not None else None


@cache
def _compiled(pattern: str) -> Callable[[str], Any]:
    for java, python in JAVA_CLASSES.items():
        pattern = pattern.replace(java, python)
    flags = re.ASCII if r"\w" in pattern and r"\u00a0" not in pattern else 0
    return re.compile(pattern, flags).fullmatch


def _values(rule: _Rule | None, value: Any, at: str) -> Iterator[tuple[str, Any, _Rule]]:
    """Every value given, and None for each one missing, with the place that AWS names."""
    if rule is None:
        return
    if rule.checked:
        yield at, value, rule
    if rule.item is not None:
        for number, item in enumerate(value, 1):
            yield from _values(rule.item, item, f"{at}.{number}.member")
    for name, here, member, needed in rule.members:
        found = value.get(name) if isinstance(value, Mapping) else None
        if found is not None:
            yield from _values(member, found, f"{at}.{here}" if at else here)
        elif needed and member.checked:  # an empty structure leaves no trace in a query
            yield (f"{at}.{here}" if at else here), None, member


def _faults(rule: _Rule, value: Any) -> Iterator[str]:
    if rule.pattern is not None and not rule.pattern(str(value)):
        yield f"Member must satisfy regular expression pattern: {rule.written}"
    if rule.enum and value not in rule.enum:
        yield f"Member must satisfy enum value set: [{', '.join(rule.enum)}]"
    if rule.number and not re.fullmatch(r"-?\d{1,18}", str(value)):
        yield "Member must be a whole number"  # text: [I]
        return
    size, measure = (int(value), "value") if rule.number else (len(value), "length")
    if rule.least is not None and size < rule.least:
        yield f"Member must have {measure} greater than or equal to {rule.least}"
    if rule.most is not None and size > rule.most:
        yield f"Member must have {measure} less than or equal to {rule.most}"
