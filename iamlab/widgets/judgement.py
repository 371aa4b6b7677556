"""What the playground says about the texts on the page: verdict, reasons, mistakes and advice."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from iamlab.policy import (
    Decision,
    Policy,
    PolicyError,
    Request,
    StatementResult,
    Step,
    advise,
    evaluate,
    parse,
    reading,
)
from iamlab.policy.wording import closest
from iamlab.widgets import slots
from iamlab.widgets.request_fields import read_fields

# What a station of the path does to a request, and how the page says it.
WORDS = {
    "pass": "pass",
    "deny": "stop: a Deny",
    "stop": "stop: no Allow",
    "silent": "no Allow",
    "notAsked": "not asked",
}

# What to call each type of policy on the path.
STATIONS = {
    "rcp": "RCP",
    "scp": "SCP",
    "resource": "Resource policy",
    "identity": "Identity policy",
    "boundary": "Boundary",
    "session": "Session policy",
}
# Of a station's statements that do not match, so many are told one by one; first the near ones.
_MOST_MISSES = 12
_MOST_ADVICE = 8


def judge(
    policies: Mapping[str, str],
    request: Mapping[str, str],
    names: Mapping[str, str] | None = None,
    aloud: Collection[str] = (),
    quick: bool = False,
) -> tuple[dict[str, Any], Decision | None]:
    """Judge one request by the texts of some policies.

    Parameters
    ----------
    policies : mapping of str to str
        Slot (see `iamlab.widgets.slots`) to JSON text. Blank text means no such policy.
    request : mapping of str to str
        ``principal``, ``action``, ``resource`` and ``context`` as typed; `read_context` of
        `iamlab.widgets.request_fields` tells how the context is written.
    names : mapping of str to str, optional
        Slot to the policy's own name, for those that have one.
    aloud : collection of str
        The slots whose statements are to be put into words.
    quick : bool
        Give only the advice that is already known. It is most of the work, and no part of the
        verdict.

    Returns
    -------
    result : dict
        JSON-able. ``effect`` (AWS's word, or None while something is still to be mended),
        ``headline``, ``sentence``, ``steps`` (the path), ``marks`` (slot to the lines that
        decided), ``warnings``, ``problems`` and ``advice`` (slot to a list), ``aloud`` (slot to
        the statements in words), ``fields`` (field of the request to its problem).
    decision : Decision or None
        The full answer, when there is one.

    Examples
    --------
    >>> result, decision = judge(
    ...     {"identity": '{"Version": "2012-10-17", "Statement": '
    ...      '{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}'},
    ...     {"principal": "arn:aws:iam::111122223333:user/analyst", "action": "s3:GetObject",
    ...      "resource": "arn:aws:s3:::reports/q3.csv", "context": ""})
    >>> result["effect"], decision.allowed
    ('allowed', True)
    """
    names = names or {}
    written = slots.in_order(slot for slot, text in policies.items() if text.strip())
    read = {
        slot: _read(
            policies[slot], slots.grammar(slot, request), slots.called(slot, written, names)
        )
        for slot in written
    }
    parsed = {slot: policy for slot, (policy, _) in read.items() if policy}
    problems = {slot: found for slot, (policy, found) in read.items() if not policy}
    values, fields = read_fields(request)
    result: dict[str, Any] = {
        "effect": None,
        "headline": "No verdict yet",
        "sentence": "",
        "marks": {},
        "names": {slot: slots.label(slot, policies, request, names) for slot in policies},
        "steps": [],
        "warnings": [],
        "problems": problems,
        "advice": _all_advice(parsed, quick),
        "aloud": {slot: _aloud(parsed[slot], slot) for slot in aloud if slot in parsed},
        "fields": fields,
    }
    if problems or fields:
        result["sentence"] = _what_to_mend(problems, fields, result["names"])
        return result, None
    try:
        decision = evaluate(Request(**values), slots.gather(parsed))
    except ValueError as error:  # a principal or an action that cannot be: the text says which
        result["sentence"] = str(error)
        return result, None
    return result | _tell(decision, slots.places(parsed), result["names"]), decision


def as_text(policy: Any) -> str:
    """Return a policy as the text an editor shows: a dict is laid out, a text is left alone."""
    if policy is None:
        return ""
    if isinstance(policy, str):
        return policy
    if isinstance(policy, Policy):
        if policy.text is None:
            raise TypeError("this Policy was made from a dict and keeps no text: give the dict")
        return policy.text
    return json.dumps(policy, indent=2, ensure_ascii=False)


def in_words(result: Mapping[str, Any]) -> str:
    """Write a result of `judge` in plain lines, for a place without a page."""
    lines = [result["headline"], result["sentence"]]
    for step in result["steps"]:
        if step["absent"]:
            continue
        lines.append(f"- {step['label']} ({step['word']}): {step['sentence']}")
        lines += [f"    {row['title']}: {row['why']}" for row in step["statements"] if row["why"]]
    lines += result["fields"].values()
    for slot, found in (*result["problems"].items(), *result["advice"].items()):
        lines += [f"{result['names'][slot]}: {_say_place(row)}" for row in found]
    return "\n".join([*filter(None, lines), *result["warnings"]])


# The same text is the same policy: while one is typed, the others are not read again.
@lru_cache(maxsize=256)
def _read(text: str, grammar: str, name: str) -> tuple[Policy | None, list[dict[str, Any]]]:
    """Return a policy, or None and its mistake."""
    try:
        policy = parse(text, kind=grammar, name=name)
    except PolicyError as error:
        return None, [_place(error)]
    return policy, []


# The advice on the policies that were read last.
_advice: dict[Policy, list[dict[str, Any]]] = {}


def _all_advice(parsed: Mapping[str, Policy], quick: bool) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for slot, policy in parsed.items():
        if policy not in _advice and not quick:
            while len(_advice) >= 256:
                _advice.pop(next(iter(_advice)))
            _advice[policy] = _advise(policy)
        if rows := _advice.get(policy):
            found[slot] = rows
    return found


def _advise(policy: Policy) -> list[dict[str, Any]]:
    found = [_place(one) for one in advise(policy, policy.kind)]
    if len(found) > _MOST_ADVICE:
        more = f"And {len(found) - _MOST_ADVICE} more. Mend these first."
        nowhere = dict.fromkeys(("line", "column"))
        found[_MOST_ADVICE:] = [nowhere | {"path": "", "message": more, "hint": "", "severity": ""}]
    return found


@lru_cache(maxsize=64)
def _aloud(policy: Policy, slot: str) -> list[dict[str, Any]]:
    kind = slots.read(slot)[0]
    return [
        {
            "line": policy.line_of(statement.index),
            "title": _title(statement.index, statement.sid),
            "text": reading.aloud(statement, kind),
        }
        for statement in policy.statements
    ]


def _tell(
    decision: Decision, places: Mapping[slots.Place, str], names: Mapping[str, str]
) -> dict[str, Any]:
    headline, _, rest = str(decision).strip().partition("\n")
    kinds = [kind for kind, _, _ in places]
    return {
        "effect": decision.effect,
        "headline": headline,
        "sentence": rest.partition("\n")[0],
        "marks": _marks(decision, places),
        "steps": [_station(decision, step, places, kinds, names) for step in decision.steps],
        "warnings": list(decision.warnings),
    }


def _station(
    decision: Decision,
    step: Step,
    places: Mapping[slots.Place, str],
    kinds: list[str],
    names: Mapping[str, str],
) -> dict[str, Any]:
    kind = step.policy_type
    decides = kind == decision.blocked_by
    state = {
        "allow": "pass",
        "explicitDeny": "deny",
        "implicitDeny": "stop" if decides else "silent",
        "notAsked": "stop" if decides else "notAsked",
    }[step.outcome]
    label = names.get(kind, STATIONS[kind]) if kind == "resource" else STATIONS[kind]
    near = [r for r in step.statements if not _other(r)]
    if state == "stop" and all(r.matched for r in near):
        near += closest(decision)  # about other actions too, but nothing is nearer
    others = [r for r in step.statements if r not in near]
    misses, rows = 0, []
    for result in (*near, *others):
        misses += not result.matched
        if not result.matched and misses > _MOST_MISSES:
            continue
        slot = places[kind, result.level or 0, result._place]
        title = _title(result.index, result.sid)
        rows.append(
            {
                "slot": slot,
                "line": result.document.line_of(result.index),
                "title": f"{title}, {names[slot]}" if kinds.count(kind) > 1 else title,
                "effect": result.effect,
                "matched": result.matched,
                "decides": result.matched and result in decision.deciding,
                "other": result in others,
                "why": "" if result.matched else result.failure.sentence,
            }
        )
    return {
        "type": kind,
        "label": label.partition(":")[0],
        "outcome": step.outcome,
        "state": state,
        "word": WORDS[state],
        "sentence": step.sentence,
        # A kind that nobody wrote and that did not matter.
        "absent": state == "notAsked" and kind not in (*kinds, "identity"),
        "statements": rows,
        "more": max(0, misses - _MOST_MISSES),
    }


def _other(result: StatementResult) -> bool:
    """Tell whether a statement that does not match is about other actions altogether."""
    return not result.matched and result.failure.element in ("Action", "NotAction")


def _marks(
    decision: Decision, places: Mapping[slots.Place, str]
) -> dict[str, list[dict[str, Any]]]:
    """Say which lines decided; or, where an Allow was missing, where the nearest one failed."""
    marks: dict[str, list[dict[str, Any]]] = {}

    def mark(result: StatementResult, kind: str, first: int, last: int) -> None:
        slot = places[result._type, result.level or 0, result._place]
        marks.setdefault(slot, []).append({"kind": kind, "line": first, "to": last})

    for result in decision.deciding:
        (first, _), (last, _) = result.document.span(result.index)
        mark(result, "decided", first, last)
    if decision.effect == "implicitDeny":
        for result in closest(decision):
            failure, path = result.failure, f"Statement[{result.index}].{result.failure.element}"
            if failure.element == "Condition":
                path += f".{failure.operator}.{failure.key}"
            line, _ = result.document.place(path)
            mark(result, "near", line, line)
    return marks


def _title(index: int, sid: str | None) -> str:
    return f"Statement {index + 1}" + (f" ({sid})" if sid else "")


def _place(found: Any) -> dict[str, Any]:
    """Turn a PolicyError or a piece of advice into what the page shows at its line."""
    return {
        "line": found.line,
        "column": found.column,
        "path": found.path or "",
        "message": found.message,
        "hint": getattr(found, "hint", None) or "",
        "severity": str(getattr(found, "severity", "error")),
    }


def _say_place(row: Mapping[str, Any]) -> str:
    where = f"line {row['line']}, column {row['column']}: " if row["line"] else ""
    return f"{where}{row['message']} {row['hint']}".strip()


def _what_to_mend(
    problems: Mapping[str, list], fields: Mapping[str, str], names: Mapping[str, str]
) -> str:
    for slot, found in problems.items():
        line = f" at line {found[0]['line']}" if found[0]["line"] else ""
        return f"{names[slot]}: there is a mistake{line}. Mend it to see the verdict."
    return next(iter(fields.values()), "")
