"""A statement read aloud: who may do what, on what, and under which condition, in plain words."""

from __future__ import annotations

import re

from . import catalog
from .conditions import _read_operator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .document import Statement

# What a condition key holds, for those that beginners meet.
KEYS = {
    "aws:sourceip": "the caller's IP address",
    "aws:username": "the caller's user name",
    "aws:userid": "the caller's unique ID",
    "aws:principalarn": "the caller's ARN",
    "aws:principalaccount": "the caller's account",
    "aws:principalorgid": "the caller's organization",
    "aws:principaltype": "the kind of caller",
    "aws:multifactorauthpresent": "whether the caller signed in with MFA",
    "aws:multifactorauthage": "the seconds since the caller's sign-in with MFA",
    "aws:securetransport": "whether the connection is encrypted",
    "aws:requestedregion": "the Region that the call goes to",
    "aws:currenttime": "the time",
    "aws:sourcearn": "the resource that the call comes from",
    "aws:sourceaccount": "the account that the call comes from",
    "aws:sourcevpce": "the VPC endpoint that the call goes through",
    "aws:viaawsservice": "whether an AWS service makes the call for the caller",
    "aws:calledvia": "the services that pass the call on",
    "aws:tagkeys": "the names of the tags in the request",
    "sts:externalid": "the external ID in the request",
    "sts:rolesessionname": "the name of the new session",
    "iam:passedtoservice": "the service that gets the role",
    "iam:permissionsboundary": "the permissions boundary in the request",
    "s3:prefix": "the beginning of the names asked for",
}
_TAGS = {
    "aws:principaltag/": "the caller's tag",
    "aws:resourcetag/": "the resource's tag",
    "aws:requesttag/": "the tag in the request",
}
# Operator without ForAnyValue and IfExists, to words before the values; {} is "any of" or "".
_IS = {
    "stringequals": "is {}",
    "stringnotequals": "is not {}",
    "stringequalsignorecase": "is {}, whatever its capitals,",
    "stringnotequalsignorecase": "is not {}, whatever its capitals,",
    "stringlike": "looks like {}",
    "stringnotlike": "does not look like {}",
    "bool": "is {}",
    "binaryequals": "is {}",
    "ipaddress": "is in {}",
    "notipaddress": "is not in {}",
    "arnequals": "looks like {}",
    "arnlike": "looks like {}",
    "arnnotequals": "does not look like {}",
    "arnnotlike": "does not look like {}",
    "numericequals": "is {}",
    "numericnotequals": "is not {}",
    "numericlessthan": "is less than {}",
    "numericlessthanequals": "is at most {}",
    "numericgreaterthan": "is more than {}",
    "numericgreaterthanequals": "is at least {}",
    "dateequals": "is {}",
    "datenotequals": "is not {}",
    "datelessthan": "is before {}",
    "datelessthanequals": "is {} or before",
    "dategreaterthan": "is after {}",
    "dategreaterthanequals": "is {} or later",
}
_MOST = 5  # values that are listed; nobody reads more in a sentence


def aloud(statement: Statement, kind: str | None = None) -> str:
    """Say in plain sentences what a statement does. Code stands in `backticks`.

    Parameters
    ----------
    statement : Statement
        Of a `Policy`: ``parse(text).statements[0]``.
    kind : str, optional
        What the policy is for, as in `parse`. Boundaries, session policies and SCPs grant
        nothing, and are read so.

    Returns
    -------
    str

    Examples
    --------
    >>> from iamlab.policy import parse
    >>> policy = parse({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
    ...     "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"}})
    >>> aloud(policy.statements[0])
    'Allows `s3:GetObject` (read) on every object in the bucket `reports`.'
    """
    allow = statement.effect == "Allow"
    verb = "Allows" if allow else "Denies"
    if allow and kind in ("boundary", "session", "scp"):
        verb = "Leaves room for"
    who = _who(statement)
    parts = [verb, who and (f"{who} to do" if allow else f"{who}"), _what(statement)]
    parts.append(_where(statement))
    sentence = " ".join(filter(None, parts))
    conditions = [_condition(*one) for one in statement.conditions]
    if len(conditions) == 1:
        sentence += f", but only if {conditions[0]}" if allow else f" if {conditions[0]}"
    elif conditions:
        sentence += ", but only if all of this is so: " if allow else " if all of this is so: "
        sentence += "; ".join(conditions)
    return ". ".join([sentence, *_notes(statement, kind)]) + "."


def _who(statement: Statement) -> str:
    if statement.not_principals is not None:
        return f"everybody except {_list([_principal(*p) for p in statement.not_principals])}"
    if statement.principals is None:
        return ""
    return _list([_principal(*one) for one in statement.principals])


def _principal(kind: str, value: str) -> str:
    if value == "*":
        return "everybody in the world"
    account = value.split(":")[4] if value.endswith(":root") else value
    if kind == "AWS" and account.isdigit():
        return f"account `{account}` (whoever its own policies let)"
    if kind == "Service":
        return f"the AWS service `{value}`"
    if kind == "Federated":
        return f"people signed in with `{value}`"
    return f"`{value}`"


def _what(statement: Statement) -> str:
    if statement.not_actions is not None:
        return f"every action except {_list([f'`{a}`' for a in statement.not_actions])}"
    return _list([_action(pattern) for pattern in statement.actions or ()])


def _action(pattern: str) -> str:
    if pattern == "*":
        return "every action of every service"
    service, _, name = pattern.partition(":")
    if "*" not in pattern and "?" not in pattern:
        level = catalog.access_level(pattern)
        return f"`{pattern}`" + (f" ({level.lower()})" if level else "")
    if name == "*" and "*" not in service:
        return f"every action of `{service}`"
    count = len(catalog.expand(pattern))
    return f"`{pattern}` ({count:,} action{'' if count == 1 else 's'})"


def _where(statement: Statement) -> str:
    if statement.not_resources is not None:
        return f"on every resource except {_list([_resource(r) for r in statement.not_resources])}"
    if statement.resources is None:
        return ""
    if "*" in statement.resources:
        return "on every resource"
    return f"on {_list([_resource(one) for one in statement.resources])}"


def _resource(text: str) -> str:
    found = re.fullmatch(r"arn:[\w-]+:s3:::([^/*?$]+)(?:/(.*))?", text)
    if not found:
        return f"`{text}`"
    bucket, key = found.groups()
    if key is None:
        return f"the bucket `{bucket}` itself (not what is in it)"
    if key == "*":
        return f"every object in the bucket `{bucket}`"
    if key.endswith("*") and not re.search(r"[*?]", key[:-1]):
        return f"every object in the bucket `{bucket}` whose name begins with `{key[:-1]}`"
    if "*" in key or "?" in key:
        return f"every object in the bucket `{bucket}` whose name looks like `{key}`"
    return f"the object `{key}` in the bucket `{bucket}`"


def _condition(operator: str, key: str, values: tuple[str, ...]) -> str:
    quantifier, base, if_exists = _read_operator(operator)
    what = _key(key)
    if base == "null":
        missing = values and values[0].lower() == "true"
        return f"{what} is missing" if missing else f"{what} is there"
    if quantifier:
        every = quantifier == "forallvalues"
        what = f"{'each' if every else 'at least one'} of {what}"
    listed = _list([f"`{value}`" for value in values], "or") or "nothing"
    words = _IS.get(base)
    if words is None:
        return f"{what} `{operator}` {listed}, which AWS does not know"
    text = f"{what} {words.format(listed)}"
    if quantifier == "forallvalues":
        return f"{text} (also if there are none)"
    if if_exists or "not" in base:  # what is missing is not equal
        return f"{text} (also if it is missing)"
    return text


def _key(key: str) -> str:
    lower = key.lower()
    for start, words in _TAGS.items():
        if lower.startswith(start):
            return f"{words} `{key[len(start) :]}`"
    words = KEYS.get(lower)
    return f"{words} (`{key}`)" if words else f"`{key}`"


def _notes(statement: Statement, kind: str | None) -> list[str]:
    texts = [*(statement.resources or ()), *(statement.not_resources or ())]
    texts += [value for _, _, values in statement.conditions for value in values]
    named = {v for text in texts for v in re.findall(r"\$\{([\w:/.-]+)", text)}
    notes = [f"`${{{name}}}` stands for {_key(name)}" for name in sorted(named)]
    if statement.effect == "Deny":
        notes.append("No Allow helps against this")
    elif statement.not_actions is not None:
        notes.append("This denies nothing: another policy may allow the exceptions")
    elif kind in ("boundary", "session", "scp"):
        notes.append("It gives nothing by itself: an identity policy still has to allow it")
    return notes


def _list(parts: Sequence[str], word: str = "and") -> str:
    shown = list(parts[:_MOST])
    if len(parts) > _MOST:
        shown.append(f"{len(parts) - _MOST} more")
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} {word} {shown[-1]}"
