"""What the playground says about the texts on the page: verdict, reasons, mistakes and advice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from iamlab.policy import (
    Decision,
    Policies,
    Policy,
    PolicyError,
    Request,
    StatementResult,
    advise,
    evaluate,
    parse,
)

# One row an editor: the key is the argument of `Policies`, except that an SCP is one of many.
KINDS: dict[str, dict[str, str]] = {
    "identity": {"label": "Identity policy", "note": "attached to the user or role that asks"},
    "resource": {"label": "Resource policy", "note": "of the bucket, queue, key or role asked for"},
    "boundary": {"label": "Permissions boundary", "note": "the most the user or role may have"},
    "session": {"label": "Session policy", "note": "narrows one session of a role"},
    "scp": {"label": "Service control policy", "note": "the most anyone in the account may have"},
}

# One row a field of the request: label, an example, and what to write when it is empty.
FIELDS: dict[str, dict[str, str]] = {
    "principal": {
        "label": "Principal",
        "note": "who asks",
        "missing": "Write who asks, for example arn:aws:iam::111122223333:user/analyst.",
    },
    "action": {
        "label": "Action",
        "note": "what for",
        "missing": "Write what is asked for, for example s3:GetObject.",
    },
    "resource": {
        "label": "Resource",
        "note": "on what",
        "missing": "Write the ARN of what it is asked on, or * when the action names no resource.",
    },
    "context": {
        "label": "Context",
        "note": "one a line: key = value",
        "missing": "",
    },
}

OUTCOMES = {
    "allow": "allows",
    "explicitDeny": "denies",
    "implicitDeny": "no match",
    "notAsked": "not asked",
}

# What to call each type of policy in the steps.
TYPES = {kind: about["label"] for kind, about in KINDS.items()} | {"rcp": "Resource control policy"}


def judge(
    policies: Mapping[str, str], request: Mapping[str, str]
) -> tuple[dict[str, Any], Decision | None]:
    """Judge one request by the texts of some policies.

    Parameters
    ----------
    policies : mapping of str to str
        Kind of policy (a key of `KINDS`) to its JSON text. Blank text means no such policy.
    request : mapping of str to str
        ``principal``, ``action``, ``resource`` and ``context`` as typed; `read_context` tells how
        the context is written.

    Returns
    -------
    result : dict
        JSON-able. ``effect`` (AWS's word, or None while something is still to be mended),
        ``headline``, ``sentence``, ``steps``, ``warnings``, ``problems`` and ``advice`` (kind of
        policy to a list), ``fields`` (field of the request to its problem).
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
    parsed, problems, advice = {}, {}, {}
    for kind, text in policies.items():
        if not text.strip():
            continue
        try:
            grammar = _grammar(kind, request)
            parsed[kind] = parse(text, kind=grammar, name="above")
            advice[kind] = [_place(found) for found in advise(parsed[kind], grammar)]
        except PolicyError as error:
            problems[kind] = [_place(error)]
    values, fields = _read_fields(request)
    result: dict[str, Any] = {
        "effect": None,
        "headline": "No verdict yet",
        "sentence": "",
        "deciding": {},
        "names": {kind: _name(kind, request) for kind in policies},
        "steps": [],
        "warnings": [],
        "problems": problems,
        "advice": advice,
        "fields": fields,
    }
    if problems or fields:
        result["sentence"] = _what_to_mend(problems, fields)
        return result, None
    try:
        decision = evaluate(Request(**values), _gather(parsed))
    except ValueError as error:  # a principal or an action that cannot be: the text says which
        result["sentence"] = str(error)
        return result, None
    return result | _tell(decision, parsed, TYPES | result["names"]), decision


def read_context(text: str) -> dict[str, str | list[str]]:
    """Read condition keys as typed: one ``key = value`` a line.

    A key that comes twice has both values, as ``aws:TagKeys`` can have.

    Parameters
    ----------
    text : str
        The lines. Blank lines are skipped.

    Returns
    -------
    dict of str to str or list of str
        Condition key to its value, or to its values.

    Raises
    ------
    ValueError
        If a line has no ``=`` or nothing before it; the message names the line.

    Examples
    --------
    >>> read_context("aws:SourceIp = 10.0.0.7")
    {'aws:SourceIp': '10.0.0.7'}
    """
    found: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise ValueError(
                f"Line {number} is not key = value. Write for example aws:SourceIp = 10.0.0.7."
            )
        found.setdefault(key.strip(), []).append(value.strip())
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()}


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


def as_fields(request: Request | dict[str, Any] | None) -> dict[str, str]:
    """Write a request as the text of the playground's fields.

    Parameters
    ----------
    request : Request, dict or None
        A dict has the names of `Request`; what is left out is an empty field.

    Returns
    -------
    dict of str to str
        Every field of the request.

    Raises
    ------
    TypeError
        If a name is not one of the fields.

    Examples
    --------
    >>> as_fields({"action": "s3:GetObject", "context": {"aws:SourceIp": "10.0.0.7"}})["context"]
    'aws:SourceIp = 10.0.0.7'
    """
    if isinstance(request, Request):
        request = {field: getattr(request, field) for field in FIELDS}
    given = dict(request or {})
    if unknown := set(given) - set(FIELDS):
        names = ", ".join(FIELDS)
        raise TypeError(f"request has no {', '.join(sorted(unknown))}: its parts are {names}")
    context = given.pop("context", "")
    if not isinstance(context, str):
        context = "\n".join(
            f"{key} = {_as_value(value)}"
            for key, values in context.items()
            for value in (values if isinstance(values, list | tuple | set) else [values])
        )
    return {field: str(given.get(field, "")) for field in FIELDS} | {"context": context}


def in_words(result: Mapping[str, Any]) -> str:
    """Write a result of `judge` in plain lines, for a place without a page."""
    lines = [result["headline"], result["sentence"]]
    for step in result["steps"]:
        if step["absent"]:
            continue
        lines.append(f"- {step['label']}: {step['sentence']}")
        lines += [f"    {miss}" for miss in step["misses"]]
    lines += result["fields"].values()
    for kind, found in (*result["problems"].items(), *result["advice"].items()):
        lines += [f"{KINDS[kind]['label']}: {_say_place(row)}" for row in found]
    return "\n".join([*filter(None, lines), *result["warnings"]])


def _read_fields(request: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    values: dict[str, Any] = {name: request.get(name, "").strip() for name in FIELDS}
    empty = {n: row["missing"] for n, row in FIELDS.items() if row["missing"] and not values[n]}
    try:
        return values | {"context": read_context(values["context"])}, empty
    except ValueError as error:
        return values, empty | {"context": str(error)}


def _gather(parsed: dict[str, Any]) -> Policies:
    scp = parsed.get("scp")
    return Policies(
        identity=[parsed["identity"]] if "identity" in parsed else [],
        resource=parsed.get("resource"),
        boundary=parsed.get("boundary"),
        session=parsed.get("session"),
        scps=[[scp]] if scp else None,
    )


def _grammar(kind: str, request: Mapping[str, str]) -> str:
    """Name the rules a text must follow: a role's resource policy is its trust policy."""
    action = request.get("action", "").strip().lower()
    if kind == "resource" and action.startswith(("sts:assumerole", "sts:tagsession")):
        return "trust"
    return "key" if kind == "resource" and action.startswith("kms:") else kind


def _name(kind: str, request: Mapping[str, str]) -> str:
    grammar = _grammar(kind, request)
    return {"trust": "Trust policy", "key": "Key policy"}.get(grammar) or KINDS[kind]["label"]


def _tell(
    decision: Decision, parsed: Mapping[str, Policy], names: Mapping[str, str]
) -> dict[str, Any]:
    headline, _, rest = str(decision).strip().partition("\n")
    deciding: dict[str, list[int]] = {}
    for step in decision.steps:
        for statement in step.statements:
            place = parsed[step.policy_type].place(f"Statement[{statement.index}]")
            if place and statement in decision.deciding:
                deciding.setdefault(step.policy_type, []).append(place[0])
    return {
        "effect": decision.effect,
        "headline": headline,
        "sentence": rest.partition("\n")[0],
        "deciding": deciding,
        "steps": [
            {
                "label": names[step.policy_type],
                "outcome": step.outcome,
                "word": OUTCOMES[step.outcome],
                "sentence": step.sentence,
                # A kind that nobody wrote and that did not matter: the page puts these in one row.
                "absent": step.outcome == "notAsked"
                and step.policy_type not in (*parsed, decision.blocked_by, "identity"),
                "misses": [
                    f"{_which(statement)}: {statement.failure.sentence}"
                    for statement in step.statements
                    if statement.failure
                ],
            }
            for step in decision.steps
        ],
        "warnings": list(decision.warnings),
    }


def _which(statement: StatementResult) -> str:
    return f"Statement {statement.index + 1}" + (f" ({statement.sid})" if statement.sid else "")


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


def _what_to_mend(problems: Mapping[str, list], fields: Mapping[str, str]) -> str:
    for kind, found in problems.items():
        line = f" at line {found[0]['line']}" if found[0]["line"] else ""
        return f"{KINDS[kind]['label']}: there is a mistake{line}. Mend it to see the verdict."
    return next(iter(fields.values()), "")


def _as_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
