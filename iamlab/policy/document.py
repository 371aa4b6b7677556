"""From JSON to a `Policy`: AWS's grammar, and every mistake with its place.

A good policy is read in one quick pass. Only when something is wrong does a second, slower look
find line and column. AWS's texts for each mistake stand in `refusals`.
"""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself is slow to import
    from typing import Any, NoReturn

    from .places import Places

PARTITIONS = frozenset(
    (
        "aws",
        "aws-cn",
        "aws-us-gov",
        "aws-iso",
        "aws-iso-b",
        "aws-iso-e",
        "aws-iso-f",
        "aws-eusc",
        "*",
    )
)
PRINCIPAL_KINDS = ("AWS", "Service", "Federated", "CanonicalUser")

# What each kind of policy asks of a statement. R required, F forbidden, O optional.
#             Principal NotPrincipal Resource plain Sid
_KINDS = {
    None: ("O", "O", "O", False),
    "identity": ("F", "F", "R", True),
    "managed": ("F", "F", "R", True),
    "boundary": ("F", "F", "R", True),
    "session": ("F", "F", "R", True),
    "scp": ("F", "F", "R", True),
    "rcp": ("R", "F", "R", True),
    "trust": ("R", "F", "F", True),
    "resource": ("R", "O", "R", False),
    "bucket": ("R", "O", "R", False),
    # KMS stores a statement without Action or Resource, and it has no effect ("CreateKey").
    "key": ("R", "O", "K", False),
}
KINDS = tuple(kind for kind in _KINDS if kind)

_POLICY = frozenset(("Version", "Id", "Statement"))
_PAIRS = ("Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource")
_STATEMENT = frozenset(("Sid", "Effect", *_PAIRS, "Condition"))
_NUMBER_TESTS = (
    "Equals",
    "NotEquals",
    "LessThan",
    "LessThanEquals",
    "GreaterThan",
    "GreaterThanEquals",
)
_BASE_OPERATORS = (
    *(f"{kind}{test}" for kind in ("Numeric", "Date") for test in _NUMBER_TESTS),
    *("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
    *("StringLike", "StringNotLike", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"),
    *("Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "Null"),
)
OPERATORS = {name.lower(): name for name in _BASE_OPERATORS}


class PolicyError(ValueError):
    """A policy that AWS would refuse.

    Attributes
    ----------
    message : str
        AWS's own text, for example ``"Syntax errors in policy."``.
    path : str
        Where, as a JSON path: ``"Statement[0].Effect"``; ``""`` is the whole policy.
    line, column : int or None
        The same place in the text, from 1. None when the policy was given as a dict.
    hint : str
        What is wrong and what to do next, in plain words.
    code : str
        AWS's error code, mostly ``"MalformedPolicyDocument"``.
    """

    def __init__(
        self,
        message: str,
        path: str = "",
        line: int | None = None,
        column: int | None = None,
        hint: str = "",
        code: str = "MalformedPolicyDocument",
    ) -> None:
        super().__init__(message, path, line, column, hint, code)
        self.message, self.path, self.line = message, path, line
        self.column, self.hint, self.code = column, hint, code

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}" if self.line else ""
        where = ", ".join(part for part in (self.path, where) if part)
        return " ".join(part for part in (self.message, where and f"({where})", self.hint) if part)


class Statement(
    namedtuple(
        "Statement",
        "index sid effect actions not_actions resources not_resources principals not_principals "
        "conditions",
    )
):
    """One statement of a policy, as it was written. Immutable.

    Attributes
    ----------
    index : int
        Its place in the policy, from 0.
    sid : str or None
    effect : str
        ``"Allow"`` or ``"Deny"``.
    actions, not_actions, resources, not_resources : tuple of str or None
        None when the element is not there.
    principals, not_principals : tuple of (str, str) or None
        Pairs of kind (``AWS``, ``Service``, ``Federated``, ``CanonicalUser``) and value; the lone
        ``"*"`` is ``("AWS", "*")``.
    conditions : tuple of (str, str, tuple of str)
        Operator and key as written, and the values; ``true`` and ``5`` are ``"true"``, ``"5"``.
    """

    __slots__ = ()


class Policy:
    """A policy document that AWS would accept. Do not change it: `parse` a new one.

    Attributes
    ----------
    version : str
        ``"2012-10-17"``, or ``"2008-10-17"``, which is also meant when Version is missing.
    statements : tuple of Statement
    kind, name, arn : str or None
        The kind of policy, what to call it in explanations, and its ARN.
    id : str or None
        The Id element.
    text : str or None
        The JSON text it came from; None when it was given as a dict.
    """

    __slots__ = (
        "_compiled",
        "_places",
        "arn",
        "has_version",
        "id",
        "kind",
        "name",
        "statements",
        "text",
        "version",
    )

    def __init__(
        self,
        version: str,
        statements: tuple[Statement, ...],
        *,
        has_version: bool = True,
        id: str | None = None,
        kind: str | None = None,
        name: str | None = None,
        arn: str | None = None,
        text: str | None = None,
    ) -> None:
        self.version, self.statements, self.has_version = version, statements, has_version
        self.id, self.kind, self.name, self.arn, self.text = id, kind, name, arn, text
        self._compiled = None  # what the evaluator makes of it, once
        self._places: Places | None = None

    def __repr__(self) -> str:
        return f"<Policy {self.name or self.arn or ''} {len(self.statements)} statements>"

    def place(self, path: str) -> tuple[int, int] | None:
        """Return line and column (from 1) of a JSON path in the text.

        Parameters
        ----------
        path : str
            For example ``"Statement[0].Action[1]"``. Of a path that is not there, the nearest
            thing around it is given.

        Returns
        -------
        tuple of (int, int) or None
            None when the policy was given as a dict.

        Examples
        --------
        >>> policy = parse('{"Statement":\\n {"Effect": "Deny", "Action": "*", "Resource": "*"}}')
        >>> policy.place("Statement[0].Effect")
        (2, 13)
        """
        if self.text is None:
            return None
        if self._places is None:
            from .places import Places

            self._places = Places(self.text)
        return self._places.of(path)

    def line_of(self, index: int) -> int | None:
        """Return the line on which a statement begins, or None without a text."""
        place = self.place(f"Statement[{index}]")
        return place and place[0]

    def as_dict(self) -> dict[str, Any]:
        """Return the policy as a dict that `parse` reads back as the same policy."""
        document: dict[str, Any] = {"Version": self.version} if self.has_version else {}
        if self.id is not None:
            document["Id"] = self.id
        document["Statement"] = [_as_dict(statement) for statement in self.statements]
        return document


def parse(
    doc: dict[str, Any] | str | Policy,
    *,
    kind: str | None = None,
    name: str | None = None,
    arn: str | None = None,
    stored: bool = False,
) -> Policy:
    """Read a policy document, checked as AWS checks it.

    Parameters
    ----------
    doc : dict, str or Policy
        The document, or its JSON text. A Policy is given back as it is.
    kind : str, optional
        What the policy is for; the rules and AWS's texts differ. One of ``identity`` (user, group
        or role policies), ``managed`` (the same, as a managed policy), ``boundary``, ``session``,
        ``trust``, ``resource``, ``bucket`` (a resource policy, in the words of S3), ``key``,
        ``scp``, ``rcp``. Without it, anything grammatical is accepted.
    name, arn : str, optional
        Kept for explanations.
    stored : bool, optional
        Also refuse what AWS refuses when it keeps a policy and what is merely never true when a
        policy is evaluated: unknown condition operators, an Allow in an RCP.

    Returns
    -------
    Policy

    Raises
    ------
    PolicyError
        With AWS's message, the JSON path, line and column, and a plain hint.

    Notes
    -----
    Source: "Grammar of the IAM JSON policy language", IAM User Guide. Sizes are not looked at.

    Examples
    --------
    >>> policy = parse('{"Version": "2012-10-17", "Statement":'
    ...     ' {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}', kind="identity")
    >>> policy.statements[0].actions
    ('s3:GetObject',)
    >>> parse({"Statement": {"Effect": "allow", "Action": "*", "Resource": "*"}})
    Traceback (most recent call last):
    ...
    iamlab.policy.document.PolicyError: The policy failed legacy parsing (Statement[0].Effect) \
Effect must be "Allow" or "Deny", with a capital letter first.
    """
    if isinstance(doc, Policy):
        return doc
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}; not {kind!r}")
    text = doc if isinstance(doc, str) else None
    try:
        source = doc if text is None else _read(text)
        return _policy(source, kind, name, arn, text, stored)
    except _Refused as refused:
        raise _error(refused, kind, text) from None


class _Refused(Exception):
    def __init__(self, problem: str, path: str, on_name: bool, at: int | None, facts: dict) -> None:
        self.problem, self.path, self.on_name, self.at = problem, path, on_name, at
        self.facts = facts


def _refuse(
    problem: str, path: str = "", *, on_name: bool = False, at: int | None = None, **facts: str
) -> NoReturn:
    raise _Refused(problem, path, on_name, at, facts)


def _error(refused: _Refused, kind: str | None, text: str | None) -> PolicyError:
    from .places import Places
    from .refusals import words

    message, code, hint = words(refused.problem, kind, refused.facts)
    path, line, column = refused.path, None, None
    if text is not None:
        places = Places(text)
        at = refused.at
        if refused.problem == "duplicate" and places.duplicate:
            path, at = places.duplicate
        elif refused.problem == "json" and at is None:
            at = places.constant()
        line, column = (
            places.of(path, name=refused.on_name) if at is None else places.line_column(at)
        )
    return PolicyError(_printable(message), _printable(path), line, column, _printable(hint), code)


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


# --- JSON ---------------------------------------------------------------------------------------


class _Number(str):
    """A JSON number, as it was written."""

    __slots__ = ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        _refuse("duplicate", detail=next(n for n in names if names.count(n) > 1))
    return found


def _constant(word: str) -> NoReturn:
    _refuse("json", part="{", detail=f"{word} is not a JSON number.")


def _read(text: str) -> Any:
    global _decode
    if _decode is None:
        from json import JSONDecoder

        _decode = JSONDecoder(
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_Number,
            parse_float=_Number,
        ).decode
    try:
        found = _decode(text)
    except RecursionError:
        _refuse("json", at=0, part=text[:1], detail="it is nested far too deep.")
    except ValueError as error:
        at = getattr(error, "pos", 0)
        _refuse("json", at=at, part=text[:1], detail=_json_hint(text, at, error))
    # The scanner lets half characters through, as raw text or as \uD800.
    if not text.isascii() or "\\u" in text:
        try:
            str(found).encode()
        except (UnicodeEncodeError, RecursionError):
            _refuse("surrogate")
    return found


_decode = None


def _json_hint(text: str, at: int, error: ValueError) -> str:
    before, here = text[:at].rstrip(), text[at : at + 1]
    if not text.strip():
        return "the text is empty."
    if text[0] == "\ufeff":
        return "it begins with an invisible byte order mark: save the file as UTF-8 without BOM."
    if text.startswith("%7B"):
        return "it is URL-encoded: decode it first, with urllib.parse.unquote."
    if "{" not in text:
        return "a policy begins with {. Is this a file name? Give what is in the file instead."
    if (before.endswith(",") and (not here or here in "}]")) or (
        here == "," and before[-1:] in ","
    ):
        return "there is a comma too many just before this place."
    if here == "'":
        return "names and values stand in double quotes."
    return f"{getattr(error, 'msg', error)}."


# --- grammar ------------------------------------------------------------------------------------


def _policy(
    source: Any, kind: str | None, name: str | None, arn: str | None, text: str | None, stored: bool
) -> Policy:
    if not isinstance(source, dict):
        part = text[:1] if text else ""
        problem = "json" if kind == "bucket" else "form"
        _refuse(
            problem,
            part=part,
            detail="A policy is a JSON object: it begins with { and ends with }.",
        )
    if not _POLICY.issuperset(source):
        _unknown(source, _POLICY, "")
    version = source.get("Version")
    if version is None and "Version" not in source:
        version, has_version = "2008-10-17", False
    else:
        has_version = True
    if version != "2012-10-17":
        if version != "2008-10-17":
            _refuse("version", "Version")
        if kind == "managed":
            _refuse("old version", "Version")
    id_ = source.get("Id")
    if id_.__class__ is not str and "Id" in source:
        _refuse("form", "Id", detail="Id must be a string.")
    found = source.get("Statement")
    if found.__class__ is not list:
        if isinstance(found, dict):
            found = [found]
        elif isinstance(found, (list, tuple)):
            found = list(found)
        elif "Statement" in source:
            _refuse("form", "Statement", detail="Statement must be a list of { … } statements.")
        else:
            _refuse("statement")
    if not found:
        _refuse("no statements", "Statement")
    rules = _KINDS[kind]
    statements = tuple(
        [_statement(one, index, kind, rules, stored) for index, one in enumerate(found)]
    )
    if len(statements) > 1 and rules[3]:
        _unique_sids(statements)
    return Policy(
        version,
        statements,
        has_version=has_version,
        id=id_,
        kind=kind,
        name=name,
        arn=arn,
        text=text,
    )


def _statement(source: Any, index: int, kind: str | None, rules: tuple, stored: bool) -> Statement:
    if not isinstance(source, dict):
        _refuse("form", f"Statement[{index}]", detail="A statement is a JSON object: { … }.")
    get = source.get
    if not _STATEMENT.issuperset(source):
        _unknown(source, _STATEMENT, f"Statement[{index}]")
    effect = get("Effect")
    if effect != "Allow" and effect != "Deny":
        _bad_effect(source, index)
    sid = get("Sid")
    if sid is not None or "Sid" in source:
        _check_sid(sid, index, rules[3])

    may_have, may_have_not, resource_rule, _ = rules
    principals = not_principals = None
    if "Principal" in source:
        if may_have == "F":
            _refuse(
                "principal forbidden",
                f"Statement[{index}].Principal",
                on_name=True,
                detail="Principal",
            )
        principals = _principals(source["Principal"], f"Statement[{index}].Principal", kind)
    if "NotPrincipal" in source:
        path = f"Statement[{index}].NotPrincipal"
        if may_have == "F":
            _refuse("principal forbidden", path, on_name=True, detail="NotPrincipal")
        if may_have_not == "F":
            _refuse(
                "prohibited",
                path,
                on_name=True,
                detail="NotPrincipal",
                why="Use Principal, or a condition on aws:PrincipalArn.",
            )
        if principals is not None:
            _refuse("both", path, on_name=True, detail="Principal")
        not_principals = _principals(source["NotPrincipal"], path, kind)
    elif principals is None and may_have == "R":
        _refuse("no Principal", f"Statement[{index}]")

    actions, not_actions = _pair(source, "Action", index, kind, "K" if kind == "key" else "R")
    if resource_rule == "F":
        for element in ("Resource", "NotResource"):
            if element in source:
                _refuse(
                    "prohibited",
                    f"Statement[{index}].{element}",
                    on_name=True,
                    detail=element,
                    why="A trust policy is always about the role it belongs to.",
                )
        resources = not_resources = None
    else:
        resources, not_resources = _pair(source, "Resource", index, kind, resource_rule)
    for action in actions or not_actions or ():
        if action != "*":
            service, colon, name = action.partition(":")
            if not colon or ":" in name or not service.isalnum() or not service.isascii():
                _check_action(action, index, "Action" if actions else "NotAction")
            if kind == "trust" and service.lower() != "sts":
                _refuse("trust action", f"Statement[{index}].Action")
    for resource in resources or not_resources or ():
        if resource != "*":
            _check_resource(resource, index, "Resource" if resources else "NotResource")

    conditions = get("Condition")
    if conditions is None and "Condition" not in source:
        conditions = ()
    else:
        conditions = _conditions(conditions, index, stored)
    return Statement(
        index,
        sid,
        effect,
        actions,
        not_actions,
        resources,
        not_resources,
        principals,
        not_principals,
        conditions,
    )


def _pair(
    source: dict, element: str, index: int, kind: str | None, rule: str
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    value = source.get(element)
    if value is not None and ("Not" + element) not in source:
        if value.__class__ is str:
            return (value,), None
        found = _strings(value, f"Statement[{index}].{element}")
        if not found:
            _refuse(f"no {element}", f"Statement[{index}].{element}")
        return found, None
    if element in source and "Not" + element in source:
        _refuse("both", f"Statement[{index}].Not{element}", on_name=True, detail=element)
    if element in source:
        _strings(value, f"Statement[{index}].{element}")
    if "Not" + element in source:
        found = _strings(source["Not" + element], f"Statement[{index}].Not{element}")
        if not found:
            _refuse(f"no {element}", f"Statement[{index}].Not{element}")
        return None, found
    if rule == "R":
        _refuse(f"no {element}", f"Statement[{index}]")
    return ((), None) if rule == "K" else (None, None)


def _strings(value: Any, path: str) -> tuple[str, ...]:
    if isinstance(value, str) and value.__class__ is not _Number:
        return (str(value),)
    if not isinstance(value, (list, tuple)):
        _refuse(
            "form", path, detail=f"{path.rpartition('.')[2]} must be a string or a list of strings."
        )
    for number, one in enumerate(value):
        if not isinstance(one, str) or one.__class__ is _Number:
            _refuse("form", f"{path}[{number}]", detail="This must be a string in double quotes.")
    return tuple(value)


def _conditions(
    source: Any, index: int, stored: bool
) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    path = f"Statement[{index}].Condition"
    if not isinstance(source, dict):
        _refuse("form", path, detail='Condition looks like {"operator": {"key": "value"}}.')
    found = []
    for operator, keys in source.items():
        if not isinstance(keys, dict):
            _refuse(
                "form",
                f"{path}.{operator}",
                detail=f'An operator holds keys and values: "{operator}": {{"key": "value"}}.',
            )
        if stored and not known_operator(operator):
            _refuse("operator", f"{path}.{operator}", on_name=True, detail=operator)
        for key, value in keys.items():
            if value.__class__ is str:
                found.append((operator, key, (value,)))
                continue
            values = value if isinstance(value, (list, tuple)) else (value,)
            found.append(
                (operator, key, tuple([_scalar(one, f"{path}.{operator}.{key}") for one in values]))
            )
    return tuple(found)


def _scalar(value: Any, path: str) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)) and value - value == 0:  # neither NaN nor infinite
        return repr(value)
    _refuse(
        "form",
        path,
        detail="A condition value is a string, a number, true or false, or a list of these.",
    )


def known_operator(name: str) -> bool:
    """Tell whether AWS has this condition operator, with its set prefix and IfExists.

    Examples
    --------
    >>> known_operator("ForAnyValue:StringLikeIfExists"), known_operator("StringEqual")
    (True, False)
    """
    name = name.lower()
    prefix, colon, rest = name.partition(":")
    if colon:
        if prefix not in ("forallvalues", "foranyvalue"):
            return False
        name = rest
    base = name.removesuffix("ifexists")
    return base in OPERATORS and not (base == "null" and base != name)


def _principals(value: Any, path: str, kind: str | None) -> tuple[tuple[str, str], ...]:
    if value == "*":
        return (("AWS", "*"),)
    if not isinstance(value, dict) or not value:
        part = f'"{value}"' if isinstance(value, str) else ""
        detail = 'Principal is "*" or looks like {"AWS": "arn:aws:iam::111122223333:user/ana"}.'
        _refuse("principal", path, part=part, detail=detail)
    found = []
    for which, values in value.items():
        if which not in PRINCIPAL_KINDS:
            detail = f"The kinds of principal are {', '.join(PRINCIPAL_KINDS)}."
            _refuse("principal", f"{path}.{which}", on_name=True, part=f'"{which}"', detail=detail)
        names = (values,) if values.__class__ is str else _strings(values, f"{path}.{which}")
        if not names:
            _refuse(
                "principal",
                f"{path}.{which}",
                part=f'"{which.upper()}"',
                detail="Name at least one principal.",
            )
        for name in names:
            problem = name != "*" and _principal_problem(which, name)
            if problem or (name == "*" and which == "Service"):
                _refuse(
                    "principal",
                    f"{path}.{which}",
                    part=f'"{which.upper()}":"{name}"',
                    detail=problem or "Name the service, for example ec2.amazonaws.com.",
                )
            found.append((which, name))
    if kind == "rcp" and found != [("AWS", "*")]:
        _refuse("principal", path, detail='In an RCP the Principal is always "*".')
    return tuple(found)


def _principal_problem(which: str, name: str) -> str | None:
    if which == "Service":
        if "." in name and "*" not in name:
            return None
        return "Name the whole service, for example ec2.amazonaws.com; wildcards are not allowed."
    if which != "AWS":
        return None if name else "The name is empty."
    if name.isalnum():
        if name.isdigit() and len(name) != 12:
            return "An account number has 12 digits."
        if name.isdigit() or (len(name) >= 16 and name.isupper()):
            return None  # an account, or the unique ID of a user or role
    if "*" in name or "?" in name:
        return (
            'No wildcards inside a principal: write the whole ARN, or a lone "*" with a Condition.'
        )
    parts = name.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[2] not in ("iam", "sts") or not parts[4]:
        return "Write the ARN of an account, user, role or session, or a 12-digit account number."
    if parts[1] not in PARTITIONS:
        return f"There is no partition {parts[1]!r}; it is usually aws."
    if parts[5].startswith("group/"):
        return "A group cannot be a principal: name its users, or a role."
    if parts[5] == "root" or parts[5].startswith(
        ("user/", "role/", "assumed-role/", "federated-user/")
    ):
        return None
    return "A principal is root (the account), user/…, role/…, assumed-role/… or federated-user/…"


def _check_action(action: str, index: int, element: str) -> None:
    path = f"Statement[{index}].{element}"
    service, colon, name = action.partition(":")
    if not colon:
        _refuse("prefix", path, detail=action)
    if ":" in name:
        _refuse("colons", path, detail=action)
    plain = service.replace("-", "").replace("_", "").replace(".", "")
    if service != "*" and not (plain.isalnum() and plain.isascii()):
        _refuse("vendor", path, detail=service)


def _check_resource(resource: str, index: int, element: str) -> None:
    path = f"Statement[{index}].{element}"
    parts = resource.split(":", 5)
    if len(parts) < 2 or parts[0] != "arn":
        _refuse("arn", path, detail=resource)
    if parts[1] not in PARTITIONS:
        _refuse("partition", path, detail=resource, part=parts[1])
    service = parts[2] if len(parts) > 2 else ""
    if not service or "*" in service or "?" in service:
        _refuse("service", path, detail=resource)
    if service == "iam" and len(parts) == 6:
        if parts[3]:
            _refuse("region", path, detail=resource)
        _check_iam_path(parts[5], path)


def _check_iam_path(last: str, path: str) -> None:
    from .refusals import IAM_PATHS

    if last in ("*", "root") or last.startswith(tuple(IAM_PATHS)):
        return
    if last.partition("*")[0] != last and any(
        p.startswith(last.partition("*")[0]) for p in IAM_PATHS
    ):
        return  # user* is fine: it may still become user/…
    _refuse("iam path", path)


def _check_sid(sid: Any, index: int, plain: bool) -> None:
    path = f"Statement[{index}].Sid"
    if sid.__class__ is not str:
        _refuse("form", path, detail="Sid must be a string.")
    if plain and sid and not (sid.isalnum() and sid.isascii()):
        _refuse("sid", path)


def _unique_sids(statements: tuple[Statement, ...]) -> None:
    seen = set()
    for statement in statements:
        if statement.sid and statement.sid in seen:
            _refuse("sid twice", f"Statement[{statement.index}].Sid", detail=statement.sid)
        seen.add(statement.sid)


def _bad_effect(source: dict, index: int) -> NoReturn:
    path = f"Statement[{index}].Effect"
    if "Effect" not in source:
        _refuse("no effect", f"Statement[{index}]")
    value = source["Effect"]
    wrong_case = isinstance(value, str) and value.title() in ("Allow", "Deny")
    _refuse("effect case" if wrong_case else "effect", path, detail=str(value)[:64])


def _unknown(source: dict, known: frozenset[str], path: str) -> NoReturn:
    name = next(key for key in source if key not in known)
    right = {key.lower(): key for key in known}.get(str(name).lower().removesuffix("s"))
    detail = f"{name}: did you mean {right}? Capitals count" if right else f"{name}"
    _refuse("unknown", f"{path}.{name}" if path else str(name), on_name=True, detail=detail)


def _as_dict(statement: Statement) -> dict[str, Any]:
    found: dict[str, Any] = {"Sid": statement.sid} if statement.sid is not None else {}
    found["Effect"] = statement.effect
    for element, pairs in (
        ("Principal", statement.principals),
        ("NotPrincipal", statement.not_principals),
    ):
        if pairs is not None:
            found[element] = {}
            for which, name in pairs:
                found[element].setdefault(which, []).append(name)
    for element, values in (
        ("Action", statement.actions),
        ("NotAction", statement.not_actions),
        ("Resource", statement.resources),
        ("NotResource", statement.not_resources),
    ):
        if values:
            found[element] = list(values)
    for operator, key, values in statement.conditions:
        found.setdefault("Condition", {}).setdefault(operator, {})[key] = list(values)
    return found
