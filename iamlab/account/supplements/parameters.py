"""Parameters that AWS refuses by their form: too short, too long, too big, wrong characters.

The limits are not written here. They are read from the service model that botocore carries, which
is AWS's own: minimum, maximum, pattern and list of values for every parameter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
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
    ...     check("sts", "AssumeRole", {"RoleSessionName": "two words"})
    ... except AwsError as error:
    ...     print(error.message[:66])
    1 validation error detected: Value 'two words' at 'roleSessionName
    """
    shape = service_model(service).operation_model(operation).input_shape
    if shape is None:
        return
    faults = []
    for member, at, value in _members(shape, params, ""):
        if value is None:
            faults.append(f"Value null at '{at}' failed to satisfy constraint: {NULL}")
            continue
        pattern = member.metadata.get("pattern")
        if service == "iam" and pattern in IAM_TEXTS and not _compiled(pattern).fullmatch(value):
            raise AwsError("ValidationError", IAM_TEXTS[pattern].format(at=at))
        shown = (
            f"Value at '{at}'" if member.metadata.get("sensitive") else f"Value '{value}' at '{at}'"
        )
        faults += [f"{shown} failed to satisfy constraint: {why}" for why in _faults(member, value)]
    if faults:
        plural = "s" if len(faults) > 1 else ""
        count = f"{len(faults)} validation error{plural} detected: "
        raise AwsError("ValidationError", count + "; ".join(faults))


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    for java, python in JAVA_CLASSES.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern, re.ASCII if r"\w" in pattern and "\\u00a0" not in pattern else 0)


def _members(shape: Shape, value: Any, at: str) -> Iterator[tuple[Shape, str, Any]]:
    """Every value given, with its shape and the place that AWS names."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            here = name[0].lower() + name[1:]
            here = f"{at}.{here}" if at else here
            if isinstance(value, Mapping) and value.get(name) is not None:
                yield from _members(member, value[name], here)
            elif name in shape.required_members:
                yield member, here, None
    elif shape.type_name == "list":
        yield shape, at, value
        for number, item in enumerate(value, 1):
            yield from _members(shape.member, item, f"{at}.{number}.member")
    elif shape.type_name in ("string", "integer", "long"):
        yield shape, at, value


def _faults(shape: Shape, value: Any) -> Iterator[str]:
    limits = shape.metadata
    if "pattern" in limits and not _compiled(limits["pattern"]).fullmatch(str(value)):
        yield f"Member must satisfy regular expression pattern: {limits['pattern']}"
    if "enum" in limits and value not in limits["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"
    number = shape.type_name in ("integer", "long")
    if number and not re.fullmatch(r"-?\d{1,18}", str(value)):
        yield "Member must be a whole number"  # text: [I]
        return
    size, measure = (int(value), "value") if number else (len(value), "length")
    if "min" in limits and size < limits["min"]:
        yield f"Member must have {measure} greater than or equal to {limits['min']}"
    if "max" in limits and size > limits["max"]:
        yield f"Member must have {measure} less than or equal to {limits['max']}"
