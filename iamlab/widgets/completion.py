"""What could be written here: completions for a policy as it is typed, and for the request.

The text may be broken, as a text is while it is typed: only what stands before the caret is read,
and of the statement around it the actions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from iamlab.policy import advice, catalog

MOST = 60  # rows; who wants another one types on


class Spot(NamedTuple):
    """Where the caret is in a policy.

    ``path`` are the names of the elements around it (a list adds none), ``is_key`` is True where
    a name is written, ``start`` and ``end`` are the text that a completion replaces, ``closed``
    is True if a quote follows, ``statement`` is where the statement around it begins.
    """

    path: tuple[str, ...]
    is_key: bool
    start: int
    end: int
    closed: bool
    statement: int | None


Row = dict[str, Any]  # text (what is written), note, and perhaps select: what to type over then


def complete(
    text: str, at: int, kind: str, request: Mapping[str, str], lab: Iterable[Row] = ()
) -> dict[str, Any] | None:
    """Propose what could be written at a place in a policy.

    Parameters
    ----------
    text : str
        The policy as it stands.
    at : int
        Where the caret is, in characters.
    kind : str
        What the policy is for, as in `iamlab.policy.parse`.
    request : mapping of str to str
        The fields of the request: its ARNs are proposed too.
    lab : iterable of dict
        ``text`` and ``note`` of what exists in the lab.

    Returns
    -------
    dict or None
        ``start``, ``end`` (what is replaced), ``closed`` (a quote follows), ``rows`` (``text``,
        ``note``, perhaps ``select``) and ``more`` (how many are left out). None where nothing can
        be proposed.

    Examples
    --------
    >>> found = complete('{"Statement": {"Action": "sqs:getq', 34, "identity", {})
    >>> [row["text"] for row in found["rows"]]
    ['sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:GetQ*']
    """
    spot = find_spot(text, at)
    if spot is None:
        return None
    typed = text[spot.start : at]
    rows = list(_rows(spot, typed, text, kind, request, list(lab)))
    found = _sorted(rows, typed)
    if not found or [row["text"] for row in found] == [text[spot.start : spot.end]]:
        return None
    where = {"start": spot.start, "end": spot.end, "closed": spot.closed}
    return where | {"rows": found[:MOST], "more": max(0, len(found) - MOST)}


def complete_field(
    field: str,
    text: str,
    at: int,
    request: Mapping[str, str],
    people: Iterable[Row] = (),
    things: Iterable[Row] = (),
) -> dict[str, Any] | None:
    """Propose what could be written in a field of the request; else as `complete`.

    Examples
    --------
    >>> complete_field("action", "sts:getcaller", 13, {})["rows"][0]["text"]
    'sts:GetCallerIdentity'
    """
    start, end = 0, len(text)
    action = request.get("action", "").strip()
    if field == "principal":
        rows = [*people, {"text": "ec2.amazonaws.com", "note": "an AWS service"}]
        rows.append({"text": "*", "note": "anybody, without signing in"})
    elif field == "action":
        rows = [row for row in _actions(text[:at]) if not row["text"].endswith("*")]
    elif field == "resource":
        rows = list(_arns([action], request, things, wild=False))
    elif field == "context":
        start = text.rfind("\n", 0, at) + 1
        end = len(text) if (found := text.find("\n", at)) < 0 else found
        key, equals, _ = text[start:at].partition("=")
        if equals:
            start += len(key) + 1
            start += len(text[start:at]) - len(text[start:at].lstrip())
            rows = list(_values(key.strip(), request))
        else:
            rows = [row | {"text": f"{row['text']} = "} for row in _keys([action])]
    else:
        return None
    found = _sorted(rows, text[start:at])
    if not found or [row["text"] for row in found] == [text[start:end]]:
        return None
    return {"start": start, "end": end, "closed": True, "rows": found[:MOST]} | {
        "more": max(0, len(found) - MOST)
    }


# --- where is the caret ---------------------------------------------------------------------------

_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"?|[{}\[\],:]')


def find_spot(text: str, at: int) -> Spot | None:
    """Find out what is being written at a place; None if it is not inside a string."""
    stack: list[list[Any]] = []  # [bracket, name of the element, what comes next is a name]
    starts: list[int] = []
    for token in _TOKEN.finditer(text):
        begin, word = token.start(), token.group()
        if begin >= at:
            return None
        top = stack[-1] if stack else None
        if word[0] == '"':
            ended = len(word) > 1 and word[-1] == '"' and not word.endswith('\\"')
            if at <= token.end() - ended:
                path = tuple(name for bracket, name, _ in stack if bracket == "{" and name)
                is_key = bool(top and top[0] == "{" and top[2])
                if is_key:  # the name of the element before it is no part of the path
                    path = tuple(n for bracket, n, _ in stack[:-1] if bracket == "{" and n)
                end, closed = _end(text, at)
                return Spot(path, is_key, begin + 1, end, closed, _statement(stack, starts))
            if top and top[0] == "{" and top[2]:
                top[1] = word.strip('"')
        elif word in "{[":
            stack.append([word, "", word == "{"])
            starts.append(begin)
        elif word in "}]":
            if stack:
                stack.pop()
                starts.pop()
        elif top:
            top[2] = word == "," and top[0] == "{"
    return None


def _end(text: str, at: int) -> tuple[int, bool]:
    """Where the string ends: at its quote, or at the caret if there is none."""
    rest = re.compile(r'[^"\\\n,{}\[\]]*"').match(text, at)
    return (rest.end() - 1, True) if rest else (at, False)


def _statement(stack: list[list[Any]], starts: list[int]) -> int | None:
    """Where the innermost object directly in Statement begins."""
    for number, (bracket, _, _) in enumerate(stack):
        before = [name for b, name, _ in stack[:number] if b == "{"]
        if bracket == "{" and before == ["Statement"]:
            return starts[number]
    return None


def _actions_of(text: str, start: int | None) -> list[str]:
    """The actions of the statement that begins at a place, as far as it is written."""
    if start is None:
        return []
    depth, end = 0, len(text)
    for token in _TOKEN.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(token.group(), 0)
        if depth == 0:
            end = token.end()
            break
    found = re.search(r'"(?:Not)?Action"\s*:\s*("[^"\n]*"|\[[^\]]*)', text[start:end])
    return re.findall(r'"([^"\n]+)"', found[1]) if found else []


# --- what could stand there -----------------------------------------------------------------------

_TOP = {
    "Version": "always 2012-10-17",
    "Statement": "one or more statements",
    "Id": "a name for the policy",
}
_ELEMENTS = {
    "Sid": "a name for the statement",
    "Effect": "Allow or Deny",
    "Principal": "whom it is about",
    "NotPrincipal": "everybody but these",
    "Action": "what may be done",
    "NotAction": "everything but these",
    "Resource": "on what",
    "NotResource": "on everything but these",
    "Condition": "only if",
}
_PRINCIPALS = {
    "AWS": "accounts, users and roles",
    "Service": "services such as ec2.amazonaws.com",
    "Federated": "identity providers",
}
_SERVICES = ("ec2", "lambda", "s3", "cloudtrail", "ecs-tasks", "events", "sns", "cloudfront")


def _rows(
    spot: Spot, typed: str, text: str, kind: str, request: Mapping[str, str], lab: list[Row]
) -> Iterator[Row]:
    actions = _actions_of(text, spot.statement)
    match spot.path, spot.is_key:
        case (), True:
            yield from _table(_TOP)
        case ("Statement",), True:
            no = {
                "trust": ("Resource", "NotResource"),
                "resource": (),
                "key": (),
                "rcp": ("NotPrincipal",),
            }.get(kind, ("Principal", "NotPrincipal"))
            yield from _table({k: v for k, v in _ELEMENTS.items() if k not in no})
        case ("Version",), False:
            yield {"text": "2012-10-17", "note": "the language of today"}
        case ("Statement", "Effect"), False:
            yield from _table({"Allow": "", "Deny": "always wins"})
        case ("Statement", "Action" | "NotAction"), False:
            asked = request.get("action", "").strip().lower()
            for row in _actions(typed):
                if row["text"].lower() == asked:
                    row |= {"note": f"In the request. {row['note']}", "first": True}
                yield row
        case ("Statement", "Resource" | "NotResource"), False:
            yield {"text": "*", "note": "every resource"}
            yield from _arns(actions, request, lab)
        case ("Statement", "Principal" | "NotPrincipal"), True:
            yield from _table(_PRINCIPALS)
        case ("Statement", "Principal" | "NotPrincipal"), False:
            yield {"text": "*", "note": "everybody in the world"}
        case ("Statement", "Principal" | "NotPrincipal", "Service"), False:
            yield from _table({f"{name}.amazonaws.com": "" for name in _SERVICES})
        case ("Statement", "Principal" | "NotPrincipal", "AWS"), False:
            caller = request.get("principal", "").strip()
            if caller.startswith("arn:"):
                account = caller.split(":")[4]
                yield {"text": caller, "note": "the caller of the request"}
                yield {"text": f"arn:aws:iam::{account}:root", "note": "the whole account"}
            yield from (row for row in lab if ":user/" in row["text"] or ":role/" in row["text"])
        case ("Statement", "Condition"), True:
            yield from _table(dict.fromkeys(advice.OPERATORS, ""))
        case ("Statement", "Condition", _), True:
            yield from _keys(actions)
        case ("Statement", "Condition", _, key), False:
            yield from _values(key, request)


def _table(rows: Mapping[str, str]) -> Iterator[Row]:
    return ({"text": text, "note": note} for text, note in rows.items())


def _actions(typed: str) -> Iterator[Row]:
    service, colon, name = typed.partition(":")
    if colon:
        known = catalog.entries(service)
        for action in known.values():
            yield {
                "text": f"{service.lower()}:{action['name']}",
                "note": f"{action['accessLevel']}. {action['description']}",
            }
        if known and name and "*" not in name:
            yield from _pattern(service.lower(), name, known)
        if known and not name:
            yield {"text": f"{service.lower()}:*", "note": f"all {len(known)} actions"}
        return
    for prefix in catalog.services():
        yield {"text": f"{prefix}:", "note": catalog.service_name(prefix), "open": True}
    if len(typed) >= 3:
        word = typed.lower()
        for name, action in _everything():
            if word in name:
                yield {"text": action, "note": catalog.access_level(action) or ""}


def _pattern(service: str, name: str, known: Mapping[str, Any]) -> Iterator[Row]:
    """What is typed, with a star after it, if that covers more than one action."""
    fits = [action["name"] for low, action in known.items() if low.startswith(name.lower())]
    if len(fits) > 1:
        text = f"{service}:{fits[0][: len(name)]}*"
        yield {"text": text, "note": f"{len(fits)} actions", "last": True}


@lru_cache(maxsize=1)
def _everything() -> tuple[tuple[str, str], ...]:
    return tuple((action.partition(":")[2].lower(), action) for action in catalog.expand("*"))


def warm() -> None:
    """Read all of AWS's actions, so that the first key finds them."""
    _everything()


def _some(actions: Iterable[str], most: int = 40) -> list[str]:
    """Spell out the patterns among some actions, not more than so many."""
    found: list[str] = []
    for pattern in actions:
        if pattern != "*":
            found += catalog.expand(pattern)[:most] if "*" in pattern else [pattern]
    return found[:most]


def _arns(
    actions: list[str], request: Mapping[str, str], lab: Iterable[Row], wild: bool = True
) -> Iterator[Row]:
    """Forms of ARN that some actions are asked about: what exists, what is asked for, the form."""
    asked = request.get("resource", "").strip()
    forms = {arn: name for action in _some(actions) for name, arn in catalog.resource_types(action)}
    if actions and not forms and not wild:
        yield {"text": "*", "note": "this action names no single resource"}
    if asked.startswith("arn:") and wild:
        yield {"text": asked, "note": "the resource of the request"}
    fit = [_fits(arn) for arn in forms]
    for row in lab:
        arn = row["text"]
        if arn.startswith("arn:aws:s3:::"):
            bucket = [arn] if not forms or any(f.fullmatch(arn) for f in fit) else []
            inside = f"{arn}/*" if wild else f"{arn}/KEY"
            if any(f.fullmatch(inside) for f in fit):
                select = None if wild else [len(arn) + 1, 3]
                note = "every object in it" if wild else "an object in it"
                yield {"text": inside, "note": note} | ({"select": select} if select else {})
            for text in bucket:
                yield row | {"text": text}
        elif not forms or any(f.fullmatch(arn) for f in fit):
            yield row
    account = request.get("principal", "").split(":")[4:5] or [""]
    for arn, name in forms.items():
        yield _form(arn, name, account[0])


@lru_cache(maxsize=1024)
def _fits(form: str) -> re.Pattern[str]:
    """A form of ARN as a pattern; only what comes after a slash may hold slashes."""
    text = re.escape(form)
    text = re.sub(r"(?<=/)\\\$\\\{.*?\\\}", ".*", text)
    return re.compile(re.sub(r"\\\$\\\{.*?\\\}", "[^:/]*", text))


def _form(arn: str, name: str, account: str) -> Row:
    """An ARN with its blanks in capitals; the first of them is selected when it is written."""
    facts = {"Partition": "aws", "Region": "us-east-1", "Account": account or "111122223333"}
    text, select = "", None
    for plain, blank in re.findall(r"([^$]*)(?:\$\{(\w+)\})?", arn):
        text += plain
        word = facts.get(blank) or re.sub(r"(?<=[a-z])(?=[A-Z])", "-", blank).upper()
        if blank and blank not in facts and select is None:
            select = [len(text), len(word)]
        text += word
    return {"text": text, "note": f"form: {name}"} | ({"select": select} if select else {})


def _keys(actions: list[str]) -> Iterator[Row]:
    own = {key for action in _some(actions) for key in catalog.condition_keys(action)}
    for key in [*sorted(own), *(name for name in catalog.GLOBAL_NAMES if name not in own)]:
        text = re.sub(r"(\$\{\w+\}|<\w+>|\*)$", "", key)
        row = {"text": text, "note": (catalog.key_type(key) or "").replace("Many", "several: ")}
        yield row | ({"open": True} if text.endswith("/") else {})


_VALUES = {
    "aws:sourceip": ("203.0.113.0/24", "10.0.0.0/8"),
    "aws:requestedregion": ("us-east-1", "eu-west-1", "eu-central-1"),
    "aws:currenttime": ("2027-01-01T00:00:00Z",),
    "aws:principaltype": ("User", "AssumedRole", "Account", "FederatedUser"),
    "iam:passedtoservice": ("ec2.amazonaws.com", "lambda.amazonaws.com"),
}
_VARIABLES = ("${aws:username}", "${aws:PrincipalAccount}", "${aws:userid}")


def _values(key: str, request: Mapping[str, str]) -> Iterator[Row]:
    kind = catalog.key_type(key) or ""
    for line in request.get("context", "").splitlines():
        name, _, value = line.partition("=")
        if name.strip().lower() == key.lower():
            yield {"text": value.strip(), "note": "in the request"}
    if "Bool" in kind:
        yield from _table({"true": "", "false": ""})
    if key.lower() in ("aws:principalarn", "aws:sourcearn"):
        yield {"text": request.get("principal", "").strip(), "note": "the caller"}
    yield from _table(dict.fromkeys(_VALUES.get(key.lower(), ()), "for example"))
    if kind == "String":
        yield from _table(dict.fromkeys(_VARIABLES, "a variable"))


def _sorted(rows: list[Row], typed: str) -> list[Row]:
    """Keep what fits what is typed: first what begins so, then words in it, then anything."""
    want = typed.lower()
    word = want.partition(":")[2] or want
    found: dict[str, tuple[tuple[int, int], Row]] = {}
    for number, row in enumerate(rows):
        text = row["text"].lower()
        if row.get("last"):
            rank = 9
        elif row.get("first") and word in text:
            rank = -1
        elif text.startswith(want):
            rank = 0
        elif ":" in want and not text.startswith(want.partition(":")[0] + ":"):
            continue
        elif word and word in text:
            rank = 1
        elif len(word) > 3 and word in row["note"].lower():
            rank = 2
        else:
            continue
        if row["text"]:
            found.setdefault(row["text"], ((rank, number), row))
    return [row for _, row in sorted(found.values(), key=lambda pair: pair[0])]
