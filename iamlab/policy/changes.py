"""What would have to change? The smallest changes of policies or request that turn a verdict.

Proposed are single steps: an entry more in Action, a statement less, a condition key in the
request. They are put together, the smallest first, and each is tried: what does not turn the
verdict when the evaluator is asked again is never shown.
"""

from __future__ import annotations

import heapq
import json
from collections import namedtuple

from .conditions import read_date, read_network, read_number
from .decision import EXPLICIT_DENY, IMPLICIT_DENY, NOT_ASKED
from .document import Policy, PolicyError, parse
from .evaluation import Policies, Request, evaluate
from .variables import Template, lookup
from .wording import TYPES, _named, _type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .conditions import Condition
    from .decision import Decision, StatementResult, Step

    Place = tuple[str, int, int]  # type of policy, level, and which one there, from 0

_TRIES = 120  # evaluations until the search is given up
_NEAREST = 4  # statements of a station that are mended: those that came nearest
_NEVER = {"Null": {"iamlab:never": "false"}}  # a condition that no request meets
_STEPS = 8  # single steps that one change may need: identity, boundary, each level of SCPs, ...


class Change(namedtuple("Change", "sentences request policies documents")):
    """One way to turn a verdict.

    Attributes
    ----------
    sentences : tuple of str
        What to do, one sentence a step.
    request : Request
        The request after the change.
    policies : Policies
        The policies after the change; asked about `request`, the verdict is turned.
    documents : dict
        The policies that changed: (type, level, place), each from 0 except the type, to the new
        document as a dict, or to None if nothing is left of it.
    """

    __slots__ = ()


def changes(request: Request, policies: Policies, most: int = 4) -> list[Change]:
    """Find the smallest changes that turn the verdict: from denied to allowed, or back.

    Parameters
    ----------
    request : Request
    policies : Policies
    most : int
        How many to return.

    Returns
    -------
    list of Change
        The smallest first. Empty if none was found: some verdicts no small change can turn.

    Examples
    --------
    >>> bucket = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
    ...     "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports"}]}
    >>> found = changes(Request("arn:aws:iam::111122223333:user/mia", "s3:GetObject",
    ...                         "arn:aws:s3:::reports/q3.csv"), Policies(identity=[bucket]))
    >>> found[0].sentences
    ('Add `arn:aws:s3:::reports/*` to Resource of statement 1 of identity policy 1.',)
    >>> bool(evaluate(found[0].request, found[0].policies))
    True
    """
    first = evaluate(request, policies)
    wanted = not first.allowed
    state = _State(first.request, policies, (), {}, first)
    waiting, seen, found, count = [(0.0, 0, 0.0, state)], {frozenset()}, [], 1
    while waiting and count < _TRIES and len(found) < most:
        _, _, cost, state = heapq.heappop(waiting)
        if any(set(one.sentences) < set(state.sentences) for _, one in found):
            continue
        if state.decision.allowed is wanted:
            if not any(_much_alike(state.sentences, one.sentences) for _, one in found):
                found.append((cost, _swept(state)))
            continue
        if len(state.sentences) == _STEPS:
            continue
        for step in (_grants if wanted else _refusals)(state.decision):
            done = frozenset((*state.sentences, step.sentence))
            if done in seen:
                continue
            seen.add(done)
            after = _take(step, state)
            if after is not None:
                count += 1
                spent = cost + step.cost
                least = spent + 3 * (_in_the_way(after.decision) if wanted else 0)
                heapq.heappush(waiting, (least, count, spent, after))
    return [change for _, change in sorted(found, key=lambda pair: pair[0])]


def _much_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Tell whether two long ways differ in so little that nobody wants to read both."""
    return len(set(one) & set(other)) > max(1, len(one) / 2)


def _in_the_way(decision: Decision) -> int:
    """How many stations and levels still say no: each needs a step more, so go on where few do."""
    if decision.allowed:
        return 0
    outcomes = {step.policy_type: step.outcome for step in decision.steps}
    if decision.granted_by in ("both", "resource only") and outcomes["resource"] == NOT_ASKED:
        outcomes["resource"] = IMPLICIT_DENY  # without a policy of its own it lets nobody in
    return sum(
        len(_silent_levels(decision, step)) or 1
        for step in decision.steps
        if outcomes[step.policy_type] in (EXPLICIT_DENY, IMPLICIT_DENY)
    )


_State = namedtuple("_State", "request policies sentences documents decision")
# where: the policy's place, or None for the request; act: changes the document or the context.
_Step = namedtuple("_Step", "sentence cost where act")


def _take(step: _Step, state: _State) -> _State | None:
    """Do one step, and ask again. None if it leads to what AWS would refuse."""
    request, policies, documents = state.request, state.policies, state.documents
    if step.where is None:
        old = request
        request = Request(old.principal, old.action, old.resource, step.act(dict(old.context)))
        request.resource_account, request.issuer = old.resource_account, old.issuer
    else:
        document = step.act(_document(policies, step.where))
        try:
            policies = _with(policies, step.where, document)
        except PolicyError:
            return None
        documents = documents | {step.where: document}
    decision = evaluate(request, policies)
    return _State(request, policies, (*state.sentences, step.sentence), documents, decision)


def _swept(state: _State) -> Change:
    """Leave out what was switched off; until then it kept the numbers of the others right."""
    policies, documents = state.policies, {}
    for where, document in state.documents.items():
        kept = [one for one in document["Statement"] if one.get("Condition") != _NEVER]
        documents[where] = document | {"Statement": kept} if kept else None
    for where in sorted(documents, reverse=True):
        policies = _with(policies, where, documents[where])
    return Change(state.sentences, state.request, policies, documents)


def _document(policies: Policies, where: Place) -> dict:
    kind, level, place = where
    docs = _levels(policies, kind)[level]
    if place == len(docs):
        return {"Version": "2012-10-17", "Statement": []}
    policy = docs[place]
    document = policy.as_dict() if policy.text is None else json.loads(policy.text)
    if isinstance(document["Statement"], dict):
        document["Statement"] = [document["Statement"]]
    return document


def _levels(policies: Policies, kind: str) -> list[list[Policy]]:
    return [list(docs) for docs in policies.of(kind)] or [[]]


def _with(policies: Policies, where: Place, document: dict | None) -> Policies:
    kind, level, place = where
    docs = {name: _levels(policies, name) for name in TYPES}
    old = docs[kind][level][place : place + 1]
    new = []
    if document is not None:
        name, arn = (old[0].name, old[0].arn) if old else ("that is new", None)
        new = [parse(json.dumps(document), kind=old[0].kind if old else None, name=name, arn=arn)]
    docs[kind][level][place : place + 1] = new
    levels = {f"{name}s": docs.pop(name) for name in ("scp", "rcp")}
    levels = {name: found if any(found) else None for name, found in levels.items()}
    return Policies(**{name: found[0] for name, found in docs.items()}, **levels)


# --- from denied to allowed -----------------------------------------------------------------------


def _grants(decision: Decision) -> Iterator[_Step]:
    for said in decision.steps:
        if said.outcome == EXPLICIT_DENY:
            for result in said.statements:
                if result.matched and result.effect == "Deny":
                    yield from _lift(result)
            return  # one Deny after the other
    said = next(s for s in decision.steps if s.policy_type == decision.blocked_by)
    if decision.granted_by in ("foreign", "root"):
        return  # no policy can allow it
    level = next(iter(_silent_levels(decision, said)), None)
    near = [r for r in said.statements if r.effect == "Allow" and not r.matched]
    near = [r for r in near if level is None or r.level == level]
    for result in sorted(near, key=_distance)[:_NEAREST]:
        yield from _widen(result)
    yield _add(decision, said.policy_type, level or 0, "Allow")


def _distance(result: StatementResult) -> int:
    """How far from a match: elements are compared in this order."""
    order = ("Condition", "Resource", "NotResource", "Action", "NotAction", "Principal")
    element = result.failure.element
    return order.index(element) if element in order else len(order)


def _silent_levels(decision: Decision, said: Step) -> list[int]:
    """Which levels of the organization allow nothing, for SCPs."""
    if said.policy_type not in ("scp", "rcp"):
        return []
    allowing = {r.level for r in said.statements if r.matched and r.effect == "Allow"}
    levels = range(len(decision.policies.of(said.policy_type)))
    return [level for level in levels if level not in allowing]


def _widen(result: StatementResult) -> Iterator[_Step]:
    """Make an Allow match in the element that failed."""
    failure, asked = result.failure, result._asked
    element, statement = failure.element, result.statement
    if element == "Action":
        yield _more(result, "Action", asked.action)
    elif element == "Resource" and (asked.resource != "*" or len(statement.actions or ()) == 1):
        for entry in _wider(failure.expected, asked.resource):
            yield _more(result, "Resource", entry)
    elif element == "Principal" and failure.problem is None:
        yield _more(result, "Principal", asked.caller.issuer or asked.caller.arn)
    elif element == "Condition":
        condition = failure._condition
        yield from _meet(condition, asked.context, True)
        yield _less_condition(result, condition)


def _wider(written: tuple[str, ...], resource: str) -> Iterator[str]:
    """Say what to write in Resource so that it covers a resource, near to what is written."""
    for entry in written:
        if resource.startswith(entry + "/"):
            yield entry + "/*"
            return
    yield resource


def _lift(result: StatementResult) -> Iterator[_Step]:
    """Keep a Deny from matching."""
    asked, statement = result._asked, result.statement
    for condition in result._rule.conditions:
        yield from _meet(condition, asked.context, False)
    for element, written, value in (
        ("NotAction", statement.not_actions, asked.action),
        ("NotResource", statement.not_resources, asked.resource),
    ):
        if written:
            yield _more(result, element, value)
    yield from _less(result, "Action", statement.actions, asked.action)
    yield from _less(result, "Resource", statement.resources, asked.resource)
    yield _out(result, "denies")


# --- from allowed to denied -----------------------------------------------------------------------


def _refusals(decision: Decision) -> Iterator[_Step]:
    for result in decision.deciding:
        asked, statement = result._asked, result.statement
        for condition in result._rule.conditions:
            yield from _meet(condition, asked.context, False)
        yield from _less(result, "Action", statement.actions, asked.action)
        yield from _less(result, "Resource", statement.resources, asked.resource)
        yield _out(result, "allows")
    policies = decision.policies
    kind = "resource" if policies.resource and not policies.identity else "identity"
    yield _add(decision, kind, 0, "Deny")


# --- single steps ---------------------------------------------------------------------------------


def _where(result: StatementResult) -> Place:
    return result._type, result.level or 0, result._place


def _of(result: StatementResult) -> str:
    text = _named(result)
    return text[0].lower() + text[1:]


def _more(result: StatementResult, element: str, value: str) -> _Step:
    def act(document: dict) -> dict:
        statement = document["Statement"][result.index]
        if element == "Principal" and isinstance(statement["Principal"], dict):
            kind = "AWS" if value.startswith("arn:") else "Service"
            entries = statement["Principal"]
            entries[kind] = [*_listed(entries.get(kind, [])), value]
        else:
            statement[element] = [*_listed(statement[element]), value]
        return document

    everywhere = element == "Action" and "*" in (result.statement.resources or ())
    cost = 1.6 if everywhere and result._asked.resource != "*" else 1.0  # that opens too much
    return _Step(f"Add `{value}` to {element} of {_of(result)}.", cost, _where(result), act)


def _less(
    result: StatementResult, element: str, written: tuple[str, ...] | None, value: str
) -> Iterator[_Step]:
    """Take an entry out that stands beside others."""
    entry = next((e for e in written or () if e.lower() == value.lower()), None)
    if entry is None or len(written) < 2:
        return

    def act(document: dict) -> dict:
        statement = document["Statement"][result.index]
        statement[element] = [e for e in _listed(statement[element]) if e != entry]
        return document

    yield _Step(f"Take `{entry}` out of {element} of {_of(result)}.", 1.1, _where(result), act)


def _less_condition(result: StatementResult, condition: Condition) -> _Step:
    def act(document: dict) -> dict:
        statement = document["Statement"][result.index]
        conditions = statement["Condition"]
        conditions[condition.operator].pop(condition.key)
        if not conditions[condition.operator]:
            conditions.pop(condition.operator)
        if not conditions:
            statement.pop("Condition")
        return document

    text = f"Take the condition on `{condition.key}` out of {_of(result)}."
    return _Step(text, 2.5, _where(result), act)


def _out(result: StatementResult, does: str) -> _Step:
    def act(document: dict) -> dict:
        document["Statement"][result.index] |= {"Effect": "Deny", "Condition": _NEVER}
        return document

    text = f"Take out {_of(result)}, which {does} it."
    return _Step(text, 1.5, _where(result), act)


def _add(decision: Decision, kind: str, level: int, effect: str) -> _Step:
    """Add a statement, to the first policy of a type or to a new one."""
    asked = decision._asked
    docs = _levels(decision.policies, kind)[level]
    statement: dict = {"Effect": effect}
    if kind == "resource":
        arn = asked.caller.issuer or asked.caller.arn
        which = "AWS" if arn.startswith("arn:") else "Service"
        statement["Principal"] = "*" if arn == "*" else {which: arn}
    statement["Action"] = asked.action
    if not (kind == "resource" and asked.mode == "trust"):
        statement["Resource"] = asked.resource
    what = f"{effect} `{asked.action}` on `{asked.resource}`"
    if kind == "resource":
        what += f" for `{asked.caller.issuer or asked.caller.arn}`"
    label = (docs and (docs[0].name or docs[0].arn)) or ""
    if docs:
        text = f"Add a statement to the {_type_name(kind, asked)} {label}".rstrip() + f": {what}."
    else:
        text = f"Add a new {_type_name(kind, asked)}: {what}."
    if kind == "scp" and level and not label:
        text = text.replace(": ", f" at level {level + 1}: ", 1)

    def act(document: dict) -> dict:
        document["Statement"].append(statement)
        return document

    return _Step(text, 2.0 if docs else 2.2, (kind, level, 0), act)


# --- the request ----------------------------------------------------------------------------------


def _meet(condition: Condition, context: dict, wanted: bool) -> Iterator[_Step]:
    """Change one key of the request so that a condition is met, or is met no more."""
    if condition.problem:
        return
    for value in _values(condition, context):
        tried = {**context, condition.lookup: value}
        if value is None:
            tried.pop(condition.lookup)
        if bool(condition.test(tried)) is wanted and value != context.get(condition.lookup):
            yield _request(condition, context.get(condition.lookup), value)
            return


def _request(condition: Condition, old: str | tuple[str, ...] | None, new: str | None) -> _Step:
    key = condition.key

    def act(context: dict) -> dict:
        kept = {k: v for k, v in context.items() if lookup(k) != condition.lookup}
        return kept if new is None else kept | {key: new}

    now = "it has no such key now" if old is None else f"now it is `{old}`"
    if new is None:
        return _Step(f"Make the request without `{key}`.", 1.3, None, act)
    return _Step(f"Make the request with `{key}` = `{new}` ({now}).", 1.2, None, act)


def _values(condition: Condition, context: dict) -> Iterator[str | None]:
    """Propose values for a key: what the condition names, near it, and none at all."""
    for written in condition.values:
        templates = condition.templates and "${" in written
        text = Template(written).text(context) if templates else written
        if text is not None:
            yield from _NEAR.get(condition.family, _plain_text)(text)
    yield None


def _plain_text(text: str) -> Iterator[str]:
    yield text.replace("*", "example").replace("?", "x")


def _truth(text: str) -> Iterator[str | None]:
    yield from ("true", "false")


def _existence(text: str) -> Iterator[str | None]:
    yield "example"


def _number(text: str) -> Iterator[str]:
    number = read_number(text)
    yield from () if number is None else (text, str(number + 1), str(number - 1))


def _moment(text: str) -> Iterator[str]:
    from datetime import datetime, timedelta, timezone

    seconds = read_date(text)
    if seconds is None:
        return
    moment = datetime.fromtimestamp(seconds, timezone.utc)  # noqa: UP017
    for days in (0, 1, -1):
        yield (moment + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _address(text: str) -> Iterator[str]:
    from ipaddress import ip_address

    network = read_network(text)
    if network is not None:
        _, first, last = network
        yield str(ip_address(first if first == last else first + 1))
        yield "198.51.100.7"


_NEAR: dict[str, Callable[[str], Iterator[str | None]]] = {
    "Bool": _truth,
    "Null": _existence,
    "Numeric": _number,
    "Date": _moment,
    "IpAddress": _address,
}


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
