"""AWS's grammar for policies: JSON in, statements out, or a refusal that says where.

Written for the good case: one pass, and paths are only put together when something is wrong.
Source: "Grammar of the IAM JSON policy language", IAM User Guide, and the tables in `refusals`.
"""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself is slow to import
    from typing import Any, NoReturn

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

# What each kind of policy asks of a statement: R required, F forbidden, O optional.
#             Principal, NotPrincipal, Resource, Sid only letters and digits and unique
RULES = {
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
    # KMS keeps a statement without Action or Resource, but it has no effect (API "CreateKey"):
    # N, nothing, is what such a statement is about.
    "key": ("R", "O", "N", False),
}

_POLICY = frozenset(("Version", "Id", "Statement"))
_PAIRS = ("Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource")
_STATEMENT = frozenset(("Sid", "Effect", *_PAIRS, "Condition"))
_new = tuple.__new__  # a namedtuple's own constructor is slower
_SURE = {
    "statement": "A statement is a JSON object: { … }.",
    "condition": 'Condition looks like {"StringEquals": {"aws:username": "ana"}}.',
    "value": "A condition value is a string, a number, true or false, or a list of these.",
    "principal": 'Principal is "*" or looks like {"AWS": "arn:aws:iam::111122223333:user/ana"}.',
}


class Refused(Exception):
    """Something AWS would refuse: a key of `refusals.IAM`, the JSON path, and what texts name."""

    def __init__(self, problem: str, path: str, facts: dict[str, Any]) -> None:
        self.problem, self.path, self.facts = problem, path, facts


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
        None when the element is not there. In a key policy a missing one is ``()``: no effect.
    principals, not_principals : tuple of (str, str) or None
        Pairs of kind (``AWS``, ``Service``, ``Federated``, ``CanonicalUser``) and value; the lone
        ``"*"`` is ``("AWS", "*")``.
    conditions : tuple of (str, str, tuple of str)
        Operator and key as written, and the values; ``true`` and ``5`` are ``"true"``, ``"5"``.
    """

    __slots__ = ()


def read_json(text: str) -> Any:
    """Return what a JSON text holds; names written twice and NaN are refused."""
    global _decoder, _scan
    if _decoder is None:
        from json import JSONDecoder

        hooks = {"object_pairs_hook": _object, "parse_constant": _constant}
        _decoder = JSONDecoder(parse_int=_Number, parse_float=_Number, **hooks)
        _scan = _decoder.scan_once
    try:
        if text[:1] == "{":  # the scanner alone, without decode() around it, is quicker
            found, end = _scan(text, 0)
            if end != len(text) and not text[end:].isspace():
                _decoder.decode(text)  # says what is wrong with what follows
        else:
            found = _decoder.decode(text)
    except RecursionError:
        _refuse("json", at=0, part=text[:1], detail="it is nested far too deep.")
    except (ValueError, StopIteration) as error:  # StopIteration: the scanner found no value
        at = error.value if isinstance(error, StopIteration) else getattr(error, "pos", 0)
        _refuse("json", at=at, part=text[:1], detail=_json_hint(text, at, error))
    if not text.isascii() or "\\u" in text:
        check_characters(found)
    return found


def check_characters(source: Any) -> None:
    """Refuse half characters (lone surrogates), endless and hopelessly nested documents."""
    global _encode
    if _encode is None:
        from json import JSONEncoder

        _encode = JSONEncoder(ensure_ascii=False).encode
    try:
        _encode(source).encode()
    except UnicodeEncodeError:
        _refuse("surrogate")
    except (RecursionError, ValueError):
        _refuse("form", detail="The document holds itself, or is nested far too deep.")
    except TypeError:
        pass  # not JSON at all: the grammar says so, with the place


def read_policy(source: Any, kind: str | None, stored: bool) -> tuple[str, tuple, bool, str | None]:
    """Return Version, the statements, whether Version was written, and Id of a document."""
    if not isinstance(source, dict):
        detail = "A policy is a JSON object: it begins with { and ends with }."
        _refuse("json" if kind == "bucket" else "form", at=0, detail=detail)
    if not _POLICY.issuperset(source):
        _unknown(source, _POLICY, "")
    has_version = "Version" in source
    version = source["Version"] if has_version else "2008-10-17"
    if version != "2012-10-17":
        if version != "2008-10-17":
            _refuse("version", "Version")
        if kind == "managed":
            _refuse("old version", "Version")
    id_ = source.get("Id")
    if "Id" in source and id_.__class__ is not str and not _is_text(id_):
        _refuse("form", "Id", detail="Id must be a string.")
    found = source.get("Statement")
    if isinstance(found, dict):
        found = [found]
    elif not isinstance(found, (list, tuple)):
        _refuse("statement", "Statement")
    if not found:
        _refuse("no statements", "Statement")
    statements = tuple([_statement(one, i, kind, stored) for i, one in enumerate(found)])
    if len(statements) > 1 and RULES[kind][3]:
        _unique_sids(statements)
    return version, statements, has_version, id_


def _refuse(problem: str, path: str = "", **facts: Any) -> NoReturn:
    raise Refused(problem, path, facts)


# --- a statement --------------------------------------------------------------------------------


# What was found good is remembered: policies name the same elements, actions and ARNs again and
# again. Each set is emptied when it is full.
_good_shapes: set[tuple] = set()
_good_actions: set[str] = set()
_good_resources: set[str] = set()


def _remember(good: set, value: Any) -> None:
    if len(good) >= 4096:
        good.clear()
    if len(value) <= 256:
        good.add(value)


def _statement(source: Any, index: int, kind: str | None, stored: bool) -> Statement:
    if not isinstance(source, dict):
        _refuse("form", f"Statement[{index}]", detail=_SURE["statement"])
    shape = (kind, *source)
    if shape not in _good_shapes:
        _check_shape(source, index, kind)
        _remember(_good_shapes, shape)
    effect = source["Effect"]
    if effect != "Allow" and effect != "Deny":
        _bad_effect(source, index)
    sid = None
    if "Sid" in source:
        sid = source["Sid"]
        _check_sid(sid, index, RULES[kind][3])

    principals = not_principals = not_actions = not_resources = None
    if "Principal" in source:
        principals = _principals(source, "Principal", index, kind)
    elif "NotPrincipal" in source:
        not_principals = _principals(source, "NotPrincipal", index, kind)

    actions = ()
    if "Action" in source:
        actions = _entries(source, "Action", index, _good_actions, _check_action)
    elif "NotAction" in source:
        actions = None
        not_actions = _entries(source, "NotAction", index, _good_actions, _check_action)
    if kind == "trust":
        _check_trust_actions(actions or not_actions or (), source, index)

    resources = () if kind == "key" else None
    if "Resource" in source:
        resources = _entries(source, "Resource", index, _good_resources, _check_resource)
    elif "NotResource" in source:
        resources = None
        not_resources = _entries(source, "NotResource", index, _good_resources, _check_resource)

    conditions = _conditions(source["Condition"], index, stored) if "Condition" in source else ()
    found = (index, sid, effect, actions, not_actions, resources, not_resources)
    return _new(Statement, (*found, principals, not_principals, conditions))


def _check_shape(source: dict, index: int, kind: str | None) -> None:
    """Refuse a statement for the elements it has or lacks; their values are not looked at."""
    path = f"Statement[{index}]"
    principal, not_principal, resource, _ = RULES[kind]
    if not _STATEMENT.issuperset(source):
        _unknown(source, _STATEMENT, f"{path}.")
    if "Effect" not in source:
        _refuse("no effect", path)
    for element in ("Principal", "NotPrincipal"):
        if principal == "F" and element in source:
            _refuse("principal forbidden", f"{path}.{element}", detail=element)
    if not_principal == "F" and "NotPrincipal" in source:
        why = "Use Principal, or a condition on aws:PrincipalArn."
        _refuse("prohibited", f"{path}.NotPrincipal", detail="NotPrincipal", why=why)
    for element in ("Resource", "NotResource"):
        if resource == "F" and element in source:
            why = "A trust policy is always about the role it belongs to."
            _refuse("prohibited", f"{path}.{element}", detail=element, why=why)
    must_have = {"Principal": principal, "Action": "N" if kind == "key" else "R"}
    for element, rule in {**must_have, "Resource": resource}.items():
        if element in source and f"Not{element}" in source:
            _refuse("both", f"{path}.Not{element}", detail=element)
        if rule == "R" and element not in source and f"Not{element}" not in source:
            _refuse(f"no {element}", path)


def _entries(source: dict, element: str, index: int, good: set, check) -> tuple[str, ...]:
    """Return the value of an Action or Resource element, each entry checked unless known."""
    value = source[element]
    if value.__class__ is str:
        if value in good:
            return (value,)
    elif value.__class__ is list and value:
        for one in value:
            if one.__class__ is not str or one not in good:
                break
        else:
            return tuple(value)
    values = _strings(value, element, index)
    for one in values:
        if one not in good:
            check(one, source, index)
            _remember(good, one)
    return values


def _strings(value: Any, element: str, index: int) -> tuple[str, ...]:
    path = f"Statement[{index}].{element}"
    if _is_text(value):
        return (str(value),)
    if not isinstance(value, (list, tuple)):
        _refuse("form", path, detail=f"{element} must be a string or a list of strings.")
    if not value:
        _refuse(f"no {element.partition('.')[0].removeprefix('Not')}", path)
    for number, one in enumerate(value):
        if not _is_text(one):
            _refuse("form", f"{path}[{number}]", detail="This must be a string in double quotes.")
    return tuple([str(one) for one in value])


def _item(source: dict, element: str, index: int, value: str) -> str:
    """Return the path of a value in Action or NotAction, Resource or NotResource."""
    element = element if element in source else f"Not{element}"
    found = source[element]
    number = f"[{found.index(value)}]" if isinstance(found, (list, tuple)) else ""
    return f"Statement[{index}].{element}{number}"


def _check_trust_actions(actions: tuple[str, ...], source: dict, index: int) -> None:
    for action in actions:
        if action != "*" and not action.lower().startswith("sts:"):
            _refuse("trust action", _item(source, "Action", index, action))


def _check_action(action: str, source: dict, index: int) -> None:
    if action == "*":
        return
    service, colon, name = action.partition(":")
    plain = service.replace("-", "").replace("_", "").replace(".", "")
    if not colon:
        problem = "prefix"
    elif ":" in name:
        problem = "colons"
    elif service == "*" or (plain.isalnum() and plain.isascii()):
        return
    else:
        problem = "vendor"
    detail = service if problem == "vendor" else action
    _refuse(problem, _item(source, "Action", index, action), detail=detail)


def _check_resource(resource: str, source: dict, index: int) -> None:
    if resource == "*":
        return
    parts = resource.split(":", 5)
    service = parts[2] if len(parts) > 2 else ""
    if parts[0] != "arn" or len(parts) < 2:
        problem = "arn"
    elif parts[1] not in PARTITIONS:
        problem = "partition"
    elif not service or "*" in service or "?" in service:
        problem = "service"
    elif service == "iam" and len(parts) == 6 and not _good_iam(parts):
        problem = "region" if parts[3] else "iam path"
    else:
        return
    path = _item(source, "Resource", index, resource)
    _refuse(problem, path, detail=resource, part=parts[1] if len(parts) > 1 else "")


def _good_iam(parts: list[str]) -> bool:
    from .refusals import IAM_PATHS

    start, star, _ = parts[5].partition("*")
    # user* is fine: it may still become user/…; AWS's own policies name role templates.
    good = parts[5].startswith((*IAM_PATHS, "role-template/")) or parts[5] == "root"
    return not parts[3] and (good or (star and any(path.startswith(start) for path in IAM_PATHS)))


def _conditions(source: Any, index: int, stored: bool) -> tuple:
    path = f"Statement[{index}].Condition"
    if not isinstance(source, dict):
        _refuse("form", path, detail=_SURE["condition"])
    found = []
    for operator, keys in source.items():
        if not isinstance(keys, dict):
            _refuse("form", f"{path}.{operator}", detail=_SURE["condition"])
        for key, value in keys.items():
            if value.__class__ is str:
                values = (value,)
            elif isinstance(value, (list, tuple)):
                values = tuple([_scalar(one, path, operator, key) for one in value])
            else:
                values = (_scalar(value, path, operator, key),)
            found.append((operator, key, values))
            if stored:
                _check_condition(f"{path}.{operator}", operator, key, values)
    return tuple(found)


def _check_condition(path: str, operator: str, key: str, values: tuple[str, ...]) -> None:
    from .conditions import Condition

    condition = Condition(operator, key, values, True)
    if condition.family is None:
        _refuse("operator", path, detail=operator)
    if condition.family == "Date" and condition.problem:
        _refuse("date", f"{path}.{key}")


def _scalar(value: Any, path: str, operator: str, key: str) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)) and value - value == 0:  # neither NaN nor infinite
        return repr(value)
    _refuse("form", f"{path}.{operator}.{key}", detail=_SURE["value"])


def _principals(source: dict, element: str, index: int, kind: str | None) -> tuple:
    path, value = f"Statement[{index}].{element}", source[element]
    if value == "*":
        return (("AWS", "*"),)
    if not isinstance(value, dict) or not value:
        part = f'"{value}"' if isinstance(value, str) else ""
        _refuse("principal", path, part=part, detail=_SURE["principal"])
    found = []
    for which, names in value.items():
        if which not in PRINCIPAL_KINDS:
            detail = f"The kinds of principal are {', '.join(PRINCIPAL_KINDS)}."
            _refuse("principal", f"{path}.{which}", part=f'"{which}"', detail=detail)
        for name in (
            (names,) if names.__class__ is str else _strings(names, f"{element}.{which}", index)
        ):
            problem = _principal_problem(which, name)
            if problem:
                part = f'"{which.upper()}":"{name}"'
                _refuse("principal", f"{path}.{which}", part=part, detail=problem)
            found.append((which, name))
    if kind == "rcp" and found != [("AWS", "*")]:
        _refuse("principal", path, detail='In an RCP the Principal is always "*".')
    return tuple(found)


def _principal_problem(which: str, name: str) -> str | None:
    if which == "Service":
        good = "." in name and "*" not in name
        return None if good else "Name the whole service, for example ec2.amazonaws.com."
    if which != "AWS":
        return None if name else "The name is empty."
    if name == "*" or (name.isdigit() and len(name) == 12):
        return None
    if name.isalnum() and name.isupper() and len(name) >= 16:
        return None  # the unique ID of a user or role, for example AROA…
    if "*" in name or "?" in name:
        return 'No wildcards inside a principal: write the whole ARN, or "*" with a Condition.'
    parts = name.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[2] not in ("iam", "sts") or not parts[4]:
        return "Write the ARN of an account, user, role or session, or a 12-digit account number."
    if parts[1] not in PARTITIONS:
        return f"There is no partition {parts[1]!r}; it is usually aws."
    if parts[5].startswith("group/"):
        return "A group cannot be a principal: name its users, or a role."
    if parts[5].startswith(("user/", "role/", "assumed-role/", "federated-user/")):
        return None
    good = parts[5] == "root"
    return None if good else "A principal is root (the account), user/…, role/… or a session."


def _check_sid(sid: Any, index: int, plain: bool) -> None:
    if not _is_text(sid):
        _refuse("form", f"Statement[{index}].Sid", detail="Sid must be a string.")
    if plain and sid and not (sid.isalnum() and sid.isascii()):
        _refuse("sid", f"Statement[{index}].Sid")


def _unique_sids(statements: tuple[Statement, ...]) -> None:
    seen = set()
    for statement in statements:
        if statement.sid and statement.sid in seen:
            _refuse("sid twice", f"Statement[{statement.index}].Sid", detail=statement.sid)
        seen.add(statement.sid)


def _bad_effect(source: dict, index: int) -> NoReturn:
    value = str(source["Effect"])[:64]
    problem = "effect case" if value.title() in ("Allow", "Deny") else "effect"
    _refuse(problem, f"Statement[{index}].Effect", detail=value)


def _unknown(source: dict, known: frozenset[str], path: str) -> NoReturn:
    name = next(str(key) for key in source if key not in known)
    right = {key.lower(): key for key in known}.get(name.lower().removesuffix("s"))
    meant = f"Did you mean {right}? Capitals count." if right else ""
    _refuse("unknown", path + name, detail=name, why=meant)


# --- JSON ---------------------------------------------------------------------------------------

_decoder = _scan = _encode = None


class _Number(str):
    """A JSON number, as it was written."""

    __slots__ = ()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.__class__ is not _Number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        name = next(name for name, _ in pairs if name in seen or seen.add(name))
        _refuse("duplicate", name, detail=name)
    return found


def _constant(word: str) -> NoReturn:
    _refuse("json", part="{", detail=f"{word} is not a JSON number.")


def _json_hint(text: str, at: int, error: Exception) -> str:
    before, here = text[:at].rstrip(), text[at : at + 1]
    if not text.strip():
        return "the text is empty."
    if text[0] == "\ufeff":
        return "it begins with an invisible byte order mark: save the file as UTF-8 without BOM."
    if text.startswith("%7B"):
        return "it is URL-encoded: decode it first, with urllib.parse.unquote."
    if "{" not in text:
        return "a policy begins with {. Is this a file name? Give what is in the file instead."
    if before.endswith(",") and (here in "}],"):
        return "there is a comma too many just before this place."
    if here == "'":
        return "names and values stand in double quotes."
    return f"{getattr(error, 'msg', 'a value is missing at this place')}."
