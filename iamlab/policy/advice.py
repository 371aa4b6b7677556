"""Advice on a policy that AWS accepts: what can never work, what is dangerous, what is odd.

Advice stands beside the verdict and never changes it. Each check is a small generator of
``(code, path, facts)``; what a code means and how it is said stands in one table, `CODES`.
"""

from __future__ import annotations

from collections import namedtuple
from functools import lru_cache

from . import catalog
from .conditions import Condition
from .document import Policy, Statement
from .matching import wildcard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Found = Iterator[tuple[str, str, dict[str, str]]]

# code: (severity, message). error: can never work; warning: dangerous or probably not meant.
CODES = {
    "unknown-service": ("error", "AWS has no service `{service}`.{nearest}"),
    "unknown-action": ("error", "AWS has no action `{action}`.{nearest}"),
    "resource-type": (
        "error",
        "`{action}` is asked about {wanted}, and no Resource of this statement can be one.",
    ),
    "resource-star-only": (
        "error",
        '`{action}` is about no single resource: it needs Resource "*", which is not here.',
    ),
    "unused-resource": ("note", "None of this statement's actions is asked about `{resource}`."),
    "unknown-operator": ("error", "AWS has no condition operator `{operator}`.{nearest}"),
    "bad-value": ("error", "{problem}: this condition can never be met."),
    "no-values": ("error", "The list of values is empty: nothing can be equal to it."),
    "unknown-key": ("warning", "No action of this statement has the condition key `{key}`."),
    "key-type": ("warning", "`{key}` holds a value of type {type}: `{operator}` does not fit it."),
    "arn-shape": ("error", "`{resource}` is too short: an ARN has six parts, split by colons."),
    "early-variable": (
        "error",
        "A variable works only after the fifth colon of an ARN; here it is plain text.",
    ),
    "variable-needs-version": (
        "error",
        'Without "Version": "2012-10-17" the text `{text}` is not a variable but plain text.',
    ),
    "no-version": ("note", 'Write "Version": "2012-10-17", or the old rules of 2008 apply.'),
    "id": ("note", "Id is for resource policies; AWS's grammar has none in an identity policy."),
    "allow-everything": ("warning", "This allows every action on every resource."),
    "not-action-allow": (
        "warning",
        "Allow with NotAction allows everything else, also what AWS adds later; it denies nothing.",
    ),
    "not-resource-allow": (
        "warning",
        "Allow with NotResource allows it on every other resource, also on those made later.",
    ),
    "not-principal-allow": (
        "warning",
        "Allow with NotPrincipal allows everybody else in the world, without signing in as well.",
    ),
    "not-principal-account": (
        "warning",
        "Deny with NotPrincipal also hits {principal} unless its account is listed beside it.",
    ),
    "pass-any-role": (
        "warning",
        "iam:PassRole on every role lets the holder give a service more power than they have.",
    ),
    "star-in-equals": (
        "warning",
        "`{operator}` takes `{value}` as it is written, star and all. Wildcards need `{like}`.",
    ),
    "mfa-absent": (
        "warning",
        "With long-term keys aws:MultiFactorAuthPresent is absent, and this Deny does not match. "
        "BoolIfExists matches.",
    ),
    "for-all-values-allow": (
        "warning",
        "ForAllValues is true when `{key}` is missing. In an Allow, add Null with "
        '"{key}": "false".',
    ),
    "set-operator": (
        "warning",
        "`{key}` holds one value: ForAllValues and ForAnyValue are for keys with several.",
    ),
    "several-values": (
        "warning",
        "`{key}` holds several values: say ForAnyValue:{operator} or ForAllValues:{operator}.",
    ),
    "anybody": ("warning", "This is for anybody in the world: no Condition narrows it."),
    "trusts-anybody": (
        "warning",
        "Anybody in any AWS account may become this role: no Condition narrows it.",
    ),
    "duplicate-statement": ("note", "This says the same as statement {number}."),
    "redundant-action": ("note", "`{action}` is covered by `{other}` beside it."),
}
SEVERITIES = ("error", "warning", "note")
_MOST = 200  # nobody reads more, and a hostile policy would have a great many

_ONE_ACCOUNT = ("identity", "managed", "boundary", "session", "scp")
_GRANT_NOTHING = ("boundary", "session", "scp", "rcp")  # wide Allows are usual in them
# Which families of operators make sense of a type of key ("Null" always does).
_FITTING = {
    "String": ("String", "Arn"),
    "ARN": ("Arn", "String"),
    "Bool": ("Bool", "String"),
    "Numeric": ("Numeric", "String"),
    "Date": ("Date", "Numeric", "String"),
    "IPAddress": ("IpAddress",),
}
_TESTS = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
OPERATORS = (
    *("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
    *("StringLike", "StringNotLike", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"),
    *(kind + test for kind in ("Numeric", "Date") for test in _TESTS),
    *("Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "Null"),
)
_MFA = "aws:multifactorauthpresent"


class Advice(namedtuple("Advice", "code severity message path line column")):
    """One piece of advice.

    Attributes
    ----------
    code : str
        A key of `CODES`.
    severity : str
        ``"error"`` (can never work), ``"warning"`` (dangerous or hardly meant) or ``"note"``.
    message : str
        One or two plain sentences.
    path : str
        Where, as a JSON path.
    line, column : int or None
        The same place in the text, from 1; None when the policy was given as a dict.
    """

    __slots__ = ()


def advise(policy: Policy, kind: str | None = None) -> list[Advice]:
    """Say what is wrong or dangerous in a policy that AWS accepts.

    Parameters
    ----------
    policy : Policy
    kind : str, optional
        What the policy is for, as for `parse`; by default the kind it was parsed as.

    Returns
    -------
    list of Advice
        In the order of the text, 200 at most.

    Examples
    --------
    >>> from iamlab.policy import parse
    >>> policy = parse({"Version": "2012-10-17", "Statement": {
    ...     "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::reports/*"}})
    >>> [advice.code for advice in advise(policy)]
    ['resource-type']
    """
    found = []
    for code, path, facts in _all(policy, kind or policy.kind):
        severity, message = CODES[code]
        line, column = policy.place(path) or (None, None)
        found.append(Advice(code, severity, message.format_map(facts), path, line, column))
        if len(found) >= _MOST:
            break
    return found


def _all(policy: Policy, kind: str | None) -> Found:
    if not policy.has_version:
        yield "no-version", "", {}
    if policy.id is not None and kind in _ONE_ACCOUNT:
        yield "id", "Id", {}
    seen: dict[tuple, int] = {}
    for statement in policy.statements:
        path = f"Statement[{statement.index}]"
        same = statement[2:]
        if same in seen:
            yield "duplicate-statement", path, {"number": str(seen[same] + 1)}
            continue
        seen[same] = statement.index
        for check in _CHECKS:
            yield from check(statement, path, policy, kind)


# --- actions and resources ----------------------------------------------------------------------


def _actions(statement: Statement, path: str, *_: object) -> Found:
    element = "NotAction" if statement.actions is None else "Action"
    listed = statement.actions or statement.not_actions or ()
    for number, action in enumerate(listed):
        service, name = action.partition(":")[::2]
        place = f"{path}.{element}[{number}]"
        if service != "*" and service.lower() not in catalog.services():
            yield "unknown-service", place, {"service": service[:64], "nearest": _meant(action)}
        elif not _covered(action):
            yield "unknown-action", place, {"action": action[:64], "nearest": _meant(action)}
        elif name and len(listed) <= 100:
            others = [o for o in listed if o != action and ("*" in o or "?" in o)]
            wider = next((o for o in others if wildcard(o.lower())(action.lower(), {})), None)
            if wider:
                yield "redundant-action", place, {"action": action, "other": wider}


def _resources(statement: Statement, path: str, policy: Policy, kind: str | None) -> Found:
    element = "NotResource" if statement.resources is None else "Resource"
    for number, resource in enumerate(statement.resources or statement.not_resources or ()):
        place = f"{path}.{element}[{number}]"
        parts = resource.split(":", 5)
        if resource != "*" and len(parts) < 6:
            yield "arn-shape", place, {"resource": resource[:100]}
        elif policy.version == "2012-10-17" and "${" in ":".join(parts[:5]):
            yield "early-variable", place, {}
        elif policy.version != "2012-10-17" and "${" in resource:
            yield "variable-needs-version", place, {"text": "${" + resource.split("${")[1][:40]}


def _fitting(statement: Statement, path: str, *_: object) -> Found:
    """Check that what the actions are asked about is among the resources."""
    resources = statement.resources or ()
    if "*" in resources or not resources or not statement.actions or len(resources) > 200:
        return
    used, misfits = set(), False
    for number, pattern in enumerate(statement.actions[:200]):
        actions = _covered(pattern) if pattern != "*" else ()
        if pattern == "*" or len(actions) > 400:
            return  # something will fit
        fits = [r for r in resources if any(_is_about(action, r) for action in actions)]
        used.update(fits)
        if fits or not actions:
            continue
        misfits = True
        place, types = f"{path}.Action[{number}]", _types(actions[0])
        if len(actions) == 1 and not types:
            yield "resource-star-only", place, {"action": pattern}
        else:
            # The plainest form will do: AWS lists access points and the like beside it.
            name, arn = min(types, key=lambda kind: len(kind[1]), default=("", ""))
            example = f"{_a(name)}, as in `{_example(arn)}`"
            wanted = example if len(actions) == 1 else "other kinds of resource"
            yield "resource-type", place, {"action": pattern, "wanted": wanted}
    # Where an action fits nothing, that has been said; to say it of the resource too only repeats.
    if not misfits and any(_covered(pattern) for pattern in statement.actions):
        for number, resource in enumerate(resources):
            if resource not in used:
                yield "unused-resource", f"{path}.Resource[{number}]", {"resource": resource[:100]}


def _a(name: str) -> str:
    return f"{'an' if name[:1] in 'aeio' else 'a'} {name}"


def _example(arn: str) -> str:
    """Write ``arn:${Partition}:s3:::${BucketName}/${ObjectName}`` as people write ARNs.

    >>> _example("arn:${Partition}:s3:::${BucketName}/${ObjectName}")
    'arn:aws:s3:::BucketName/ObjectName'
    """
    return arn.replace("${Partition}", "aws").replace("${", "").replace("}", "")


def _wide(statement: Statement, path: str, policy: Policy, kind: str | None) -> Found:
    if statement.effect != "Allow" or kind in _GRANT_NOTHING:
        return
    everywhere = "*" in (statement.resources or ()) and not statement.conditions
    actions = statement.actions or ()
    if "*" in actions and everywhere and statement.principals is None:
        yield "allow-everything", f"{path}.Action", {}
    if statement.not_actions:
        yield "not-action-allow", f"{path}.NotAction", {}
    if statement.not_resources:
        yield "not-resource-allow", f"{path}.NotResource", {}
    if statement.not_principals:
        yield "not-principal-allow", f"{path}.NotPrincipal", {}
    roles = statement.resources or ()
    any_role = any(r == "*" or r.endswith((":*", ":role/*", ":role*")) for r in roles)
    keys = {key.lower() for _, key, _ in statement.conditions}
    for number, action in enumerate(actions):
        passes = action != "*" and wildcard(action.lower())("iam:passrole", {})
        if passes and any_role and "iam:passedtoservice" not in keys:
            yield "pass-any-role", f"{path}.Action[{number}]", {}


def _principals(statement: Statement, path: str, policy: Policy, kind: str | None) -> Found:
    everybody = ("AWS", "*") in (statement.principals or ()) and statement.effect == "Allow"
    if everybody and not statement.conditions and kind != "rcp":
        yield "trusts-anybody" if kind == "trust" else "anybody", f"{path}.Principal", {}
    if statement.not_principals and statement.effect == "Deny":
        listed = {value for _, value in statement.not_principals}
        for kind_, value in statement.not_principals:
            parts = value.split(":", 5)
            if kind_ != "AWS" or len(parts) < 6 or parts[5] == "root":
                continue
            if not listed & {parts[4], f"arn:{parts[1]}:iam::{parts[4]}:root"}:
                yield "not-principal-account", f"{path}.NotPrincipal", {"principal": value}


# --- conditions ---------------------------------------------------------------------------------


def _conditions(statement: Statement, path: str, policy: Policy, kind: str | None) -> Found:
    present = {key.lower() for operator, key, _ in statement.conditions if operator == "Null"}
    allow = statement.effect == "Allow"
    for operator, key, values in statement.conditions:
        place = f"{path}.Condition.{operator}.{key}"
        condition = Condition(operator, key, values, policy.version == "2012-10-17")
        if condition.family is None:
            at = f"{path}.Condition.{operator}"
            yield "unknown-operator", at, {"operator": operator[:64], "nearest": _near(operator)}
            continue
        if not values:
            yield "no-values", place, {}
        elif condition.problem and condition.family != "Null":
            yield "bad-value", place, {"problem": condition.problem}
        if policy.version != "2012-10-17" and any("${" in value for value in values):
            yield "variable-needs-version", place, {"text": next(v for v in values if "${" in v)}
        facts = {"key": key, "operator": operator, "type": catalog.key_type(key) or ""}
        yield from _key(statement, condition, place, facts)
        if condition.family == "String" and "like" not in condition.base:
            for value in values:
                plain = value.replace("${*}", "").replace("${?}", "")
                if "*" in plain or "?" in plain:
                    like = "StringNotLike" if condition.negated else "StringLike"
                    yield "star-in-equals", place, {**facts, "value": value, "like": like}
                    break
        if condition.quantifier == "forallvalues" and allow and key.lower() not in present:
            yield "for-all-values-allow", place, facts
        absent = key.lower() == _MFA and not condition.if_exists and condition.family == "Bool"
        if absent and not allow and {value.lower() for value in values} == {"false"}:
            yield "mfa-absent", place, {}


def _key(statement: Statement, condition: Condition, place: str, facts: dict[str, str]) -> Found:
    kind = facts["type"]
    actions = statement.actions or ()
    if facts["key"].lower() not in catalog.GLOBAL_KEYS and not (
        kind and facts["key"].lower().startswith("aws:")
    ):
        # A service's own key: does one of the actions have it?
        services = {action.partition(":")[0].lower() for action in actions}
        whole = "*" in services or not actions or any(a.endswith(":*") for a in actions)
        known = {_family(k) for a in actions if not whole for c in _covered(a) for k in _keys(c)}
        if not whole and _family(facts["key"]) not in known and not _provider(facts["key"]):
            yield "unknown-key", place, facts
            return
    if not kind or condition.family == "Null":
        return
    several = kind.startswith("Many")
    fitting = _FITTING.get(kind.removeprefix("Many"), ())
    if fitting and condition.family not in fitting:
        yield "key-type", place, facts
    if condition.quantifier and not several:
        yield "set-operator", place, facts
    if several and not condition.quantifier:
        yield "several-values", place, facts


_CHECKS = (_actions, _resources, _fitting, _wide, _principals, _conditions)


# --- the catalog, asked quickly -----------------------------------------------------------------


def _covered(pattern: str) -> tuple[str, ...]:
    """Return the actions a pattern covers; the pattern itself stands for all, or for a long one."""
    if pattern.startswith("*") or len(pattern) > 200:
        return (pattern,)
    return catalog.expand(pattern)


@lru_cache(maxsize=1024)
def _types(action: str) -> tuple[tuple[str, str], ...]:
    return catalog.resource_types(action)


@lru_cache(maxsize=1024)
def _keys(action: str) -> tuple[str, ...]:
    return catalog.condition_keys(action)


def _family(key: str) -> str:
    """Return a key without the part that may be anything: a tag's name, an encryption context."""
    return ":".join(key.lower().partition("/")[0].split(":")[:2])


def _provider(key: str) -> bool:
    """Tell whether a key belongs to an identity provider: accounts.google.com:aud, saml:sub."""
    vendor = key.lower().partition(":")[0]
    return "." in vendor or "/" in vendor or vendor == "saml"


@lru_cache(maxsize=8192)
def _is_about(action: str, resource: str) -> bool:
    """Tell whether an action can be asked about something that a Resource pattern covers."""
    if action.lower() == "s3:listallmybuckets" and resource == "arn:aws:s3:::*":
        return True  # it is about "*", yet AWS's own examples allow it so
    if len(resource) > 500 or ":" not in action:
        return True
    mine = resource.split(":", 5)
    for _, arn in _types(action):
        theirs = arn.split(":", 5)
        if len(mine) < 6 or all(_overlap(_plain(m), _arn(t)) for m, t in zip(mine, theirs)):  # noqa: B905
            return True
    return False


def _plain(part: str) -> str:
    """Return a part of a Resource with its variables as stars."""
    pieces = part.split("${")
    return "*".join([pieces[0], *(piece.partition("}")[2] for piece in pieces[1:])])


def _arn(part: str) -> str:
    """Return a part of AWS's ARN pattern with its variables as stars; a bucket's has no slash."""
    return _plain(part.replace("${BucketName}", "\0"))


@lru_cache(maxsize=8192)
def _overlap(one: str, other: str) -> bool:
    """Tell whether some text fits two patterns; in ``other``, NUL is any text without a slash."""
    reached = {0}  # the places in `other` that can be stood on after each letter of `one`

    def through(places: set[int]) -> set[int]:
        found = set()
        for place in places:
            found.add(place)
            while place < len(other) and other[place] in "*\0":
                place += 1
                found.add(place)
        return found

    reached = through(reached)
    for letter in one:
        if letter == "*":
            # It may stand for nothing, or for anything up to a later place.
            reached = set(range(min(reached), len(other) + 1)) if reached else reached
            continue
        after = set()
        for place in reached:
            if place < len(other):
                want = other[place]
                if want == "*" or (want == "\0" and letter != "/"):
                    after.add(place)
                elif want in (letter, "?") or (letter == "?" and want != "\0"):
                    after.add(place + 1)
        reached = through(after)
    return len(other) in reached


def _meant(action: str) -> str:
    if len(action) > 200 or "*" in action or "?" in action:
        return ""
    found = catalog.nearest(action)
    return f" Did you mean `{found}`?" if found else ""


def _near(operator: str) -> str:
    from difflib import get_close_matches

    names = {name.lower(): name for name in OPERATORS}
    found = get_close_matches(operator.lower()[:64], names, 1, 0.7)
    return f" Did you mean {names[found[0]]}?" if found else ""
