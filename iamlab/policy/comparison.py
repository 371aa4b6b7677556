"""Does one policy allow more than another? Proved, or shown by a request, or not answered.

A request is an action, a resource, a caller and a context. For each of them the patterns of both
policies tell only so many kinds apart (see `representatives`): one of every kind is tried. If none
is allowed by the new policy and not by the old, no request is. What is found is shown to the
evaluator as a real request before it counts.

Condition keys are taken to be independent of each other, except for who calls. A policy variable
may stand for any text; what could depend on it is proved for all texts or tried with a few.
"""

from __future__ import annotations

import re
from collections import namedtuple
from itertools import combinations, pairwise, product
from math import prod

from . import catalog
from .conditions import Condition, plain, read_binary, read_date, read_network, read_number
from .document import Policy, parse
from .evaluation import Asked, Request
from .matching import resource as resource_matcher
from .representatives import (
    IN_PART,
    OF_PART,
    OPAQUE,
    TooMany,
    arn,
    folded,
    included,
    representatives,
    wild,
)
from .rules import compiled
from .variables import lookup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from .document import Statement

    Document = dict[str, Any] | str | Policy

ACCOUNT, STRANGER = "111122223333", "999988887777"
_MOST = 200_000  # combinations that are tried before the question is given up


class Unproved(Exception):
    """It could be neither proved that nothing is allowed nor shown what is; the text says why."""


class Witness(namedtuple("Witness", "statement request")):
    """A request that is allowed, and the statement that allows it.

    Attributes
    ----------
    statement : Statement
    request : Request
        Both policies can be asked about it.
    """

    __slots__ = ()


def new_access(new: Document, old: Document, *, resource_policy: bool = False) -> list[Witness]:
    """Find what a new policy allows and an old one does not.

    Parameters
    ----------
    new, old : document
        Dicts, JSON texts or `Policy` objects.
    resource_policy : bool
        True for policies with a Principal: bucket policies, trust policies, ...

    Returns
    -------
    list of Witness
        One for each statement of the new policy that allows something new. Empty: it is proved
        that there is nothing new, for actions and resources that exist and those yet to come.

    Raises
    ------
    PolicyError
        If AWS would refuse a document.
    Unproved
        If neither is certain.

    Examples
    --------
    >>> def allow(action):
    ...     return {"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}
    >>> new_access(allow(["s3:GetObject", "s3:List*"]), allow("s3:*"))
    []
    >>> new_access(allow("s3:Get*"), allow("s3:GetObject"))[0].request.action
    's3:GetAccelerateConfiguration'
    """
    return _compare(parse(new), parse(old), resource_policy)


def granted(
    policy: Document,
    actions: Sequence[str] = (),
    resources: Sequence[str] = (),
    *,
    resource_policy: bool = False,
) -> list[Witness]:
    """Find what a policy allows of some actions (none named: any) on some resources (likewise).

    Returns, raises: as `new_access`.

    Examples
    --------
    >>> policy = {"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    >>> granted(policy, ["iam:*"])
    []
    >>> granted(policy, ["s3:DeleteBucket", "iam:*"])[0].request.action
    's3:DeleteBucket'
    """
    unwanted = {"Action": list(actions) or "*", "Resource": list(resources) or "*"}
    return _compare(parse(policy), _all_but(unwanted, resource_policy), resource_policy)


def public_access(policy: Document) -> list[Witness]:
    """Find what a resource policy allows to anybody: to callers that it does not single out.

    Somebody is singled out by Principal, or by a condition with a fixed value (or an ARN with a
    fixed account, or a range of addresses that is not huge) of one of the keys in `SINGLES_OUT`.
    Returns, raises: as `new_access`.

    Notes
    -----
    Source: "The meaning of 'public'" in "Blocking public access to your Amazon S3 storage",
    Amazon S3 User Guide.

    Examples
    --------
    >>> policy = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
    ...           "Resource": "arn:aws:s3:::reports/*"}}
    >>> public_access(policy)[0].request.principal
    '*'
    >>> policy["Statement"]["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}
    >>> public_access(policy)
    []
    """
    return outside_access(policy, [ANYBODY, _stranger()], public=True)


def outside_access(
    policy: Document, callers: Iterable[Caller], *, public: bool = False
) -> list[Witness]:
    """Find what a resource policy allows to some callers.

    Parameters
    ----------
    policy : document
    callers : iterable of Caller
    public : bool
        True if these callers have none of the values that the policy singles out.

    Returns, raises: as `new_access`.
    """
    nothing = _all_but({"Action": "*", "Resource": "*"}, True)
    return _compare(parse(policy), nothing, True, list(callers), public)


def permits(policy: Policy, request: Request) -> bool:
    """Tell whether one policy, taken alone, allows a request: an Allow, and no Deny.

    Examples
    --------
    >>> policy = parse({"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}})
    >>> permits(policy, Request("*", "s3:GetObject", "arn:aws:s3:::reports/q3.csv"))
    True
    """
    asked = Asked(request)
    effects = {
        rule.allows
        for rule in compiled(policy).about(asked.act)
        if _named(rule, asked) and rule.holds(asked)
    }
    return effects == {True}


def _named(rule: Any, asked: Asked) -> bool:
    statement = rule.statement
    anyone = statement.principals is None and statement.not_principals is None
    return anyone or rule.grant(asked) > 0


def _all_but(unwanted: dict[str, Any], resource_policy: bool) -> Policy:
    who = {"Principal": "*"} if resource_policy else {}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*", **who}
    statements = [everything, {"Effect": "Deny", **unwanted, **who}]
    return parse({"Version": "2012-10-17", "Statement": statements})


def _compare(new, old, resource_policy, callers=None, public=False) -> list[Witness]:
    new = _without_old(new, old)
    if not any(statement.effect == "Allow" for statement in new.statements):
        return []
    variables = _variables(new) | _variables(old)
    try:
        if not variables:
            return _Search(new, old, resource_policy, callers, public, {}).witnesses()
        if not _Search(new, old, resource_policy, callers, public, None).suspects():
            return []
        for values in _assignments(variables, new, old):
            search = _Search(new, old, resource_policy, callers, public, values)
            if found := search.witnesses():
                return found
    except TooMany:
        raise Unproved("The policies tell too many kinds of requests apart.") from None
    names = ", ".join(sorted(variables))
    raise Unproved(f"The answer depends on what the policy variables are: {names}.")


def _without_old(new: Policy, old: Policy) -> Policy:
    """Leave out what the old policy allows in the same words, if it denies nothing else."""
    before = {statement[2:] for statement in old.statements}
    denied = {s[2:] for s in old.statements if s.effect == "Deny"}
    if new.version != old.version or not denied <= {s[2:] for s in new.statements}:
        return new
    kept = [s for s in new.statements if s.effect == "Deny" or s[2:] not in before]
    return Policy(new.version, tuple(kept))


# --- callers ------------------------------------------------------------------------------------


class Caller(namedtuple("Caller", "principal issuer facts", defaults=(None, None))):
    """Who asks: the principal and issuer of a Request, and its condition keys that are certain.

    Attributes
    ----------
    principal : str
    issuer : str or None
    facts : dict of str to (str or None)
        Keys in small letters; None: the key is absent.
    """

    __slots__ = ()


_NOBODY_KNOWN = dict.fromkeys(
    ("aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths")
)
_SOMEBODY = Caller(f"arn:aws:iam::{ACCOUNT}:user/somebody")
_OF_PRINCIPALS = ("aws:principaltag/", "aws:username")
ANYBODY = Caller("*", None, _NOBODY_KNOWN)


def entity(arn_: str, session: str | None = None) -> Caller:
    """Return the caller that a user, role or root ARN stands for (a role: a session of it)."""
    _, partition, _, _, account, rest = arn_.split(":", 5)
    facts = {"aws:principalaccount": account, "aws:principalarn": arn_}
    if rest.startswith("role/"):
        name = rest.rsplit("/", 1)[-1]
        session = session or f"arn:{partition}:sts::{account}:assumed-role/{name}/session"
        return Caller(session, arn_, facts)
    return Caller(arn_, arn_, facts)


def _stranger() -> Caller:
    return entity(f"arn:aws:iam::{STRANGER}:user/stranger")


def callers_of(*policies: Policy) -> list[Caller]:
    """Return a caller of every kind that the Principal elements and conditions tell apart.

    Raises
    ------
    Unproved
        If a principal is one that an ARN does not tell: a unique ID, a canonical user.
    """
    arns, accounts, found, sessions = set(), {STRANGER}, [ANYBODY], set()
    others = {"stranger.example.com"}
    for statement in (s for policy in policies for s in policy.statements):
        for kind, value in statement.principals or statement.not_principals or ():
            parts = value.split(":", 5)
            if value == "*":
                continue
            if kind in ("Service", "Federated"):
                others.add(value)
            elif kind == "AWS" and (value.isdigit() or parts[-1] == "root"):
                accounts.add(value if value.isdigit() else parts[4])
            elif kind == "AWS" and parts[-1].startswith(("user/", "role/")):
                arns.add(value)
                accounts.add(parts[4])
            elif kind == "AWS" and len(parts) == 6:
                sessions.add(value)
                accounts.add(parts[4])
            else:
                raise Unproved(f"The principal {value} says nothing about who that is.")
    patterns = [list(a) for a in arns] + [wild(f"arn:*:iam::{a}:*") for a in accounts]
    for condition in _conditions(policies):
        if condition.lookup in ("aws:principalarn", "aws:principalaccount"):
            for value in _patterns(condition, {}):
                whole = condition.lookup.endswith("arn")
                patterns.append(value if whole else arn([*_IAM_PARTS, value, wild("*")]))
    roles = []
    for kind in ("user/", "role/", "root"):
        domain = arn([*map(wild, ("arn", "aws*", "iam", "", "?" * 12)), wild(kind + "?*")])
        if kind == "root":
            domain = arn([*map(wild, ("arn", "aws*", "iam", "", "?" * 12)), list("root")])
        for text in representatives(patterns, domain):
            found.append(entity(text))
            roles += [text] if kind == "role/" else []
    for session in sessions:
        _, partition, _, _, account, rest = session.split(":", 5)
        kind, name = [*rest.split("/"), ""][:2]
        if kind == "assumed-role":
            ends = {f"arn:{partition}:iam::{account}:role/{name}"}
            ends.update(r for r in roles if r.endswith("/" + name) and f"::{account}:" in r)
            found += [entity(role, session) for role in sorted(ends)]
        else:
            facts = {"aws:principalaccount": account, "aws:principalarn": session}
            found.append(Caller(session, None, facts))
    found.sort(key=lambda caller: not (caller.facts["aws:principalaccount"] or "1").isdigit())
    return found + [Caller(name, None, _NOBODY_KNOWN) for name in sorted(others)]


_IAM_PARTS = [list("arn"), wild("*"), list("iam"), []]


# --- the search ---------------------------------------------------------------------------------

_Piece = namedtuple("_Piece", "new rule resource atoms")


class _Search:
    """Every kind of request there is for two policies.

    ``values`` gives each policy variable a text (or None: absent). With ``values=None``, whatever
    depends on a variable is taken to be true or false as it may be: if nothing is found then,
    nothing is there; what is found is only a suspicion.
    """

    def __init__(self, new, old, resource_policy, callers, public, values) -> None:
        self.policies, self.values, self.public = (new, old), values, public
        if callers is None:
            callers = callers_of(new, old) if resource_policy else [_SOMEBODY]
        self.callers = callers
        self.pieces = list(self._cut())
        self.truths = {}  # axis -> what can be true together, and a value that makes it so
        self.marks = {}  # variable -> the character that stands for its value
        self.tried = 0

    # --- policies, cut up -----------------------------------------------------------------------

    def _cut(self) -> Iterator[_Piece]:
        """Cut statements into pieces with one resource each."""
        self.conditions = {}  # atom -> (axis, condition)
        self.opaque = set()
        for new, policy in zip((True, False), self.policies, strict=True):
            for rule in compiled(policy).rules:
                if rule.covers is None:
                    rule.compile()
                atoms = frozenset(map(self._atom, rule.conditions))
                for resource in rule.statement.resources or (None,):
                    yield _Piece(new, rule, resource, atoms)

    def _atom(self, condition: Condition) -> tuple:
        # Operators that mean the same are one atom: capitals do not matter, nor does the order.
        atom = (condition.quantifier, condition.base, condition.if_exists, condition.lookup)
        atom = (*atom, tuple(sorted(set(condition.values))), bool(condition.templates))
        if condition.templates and self.values is None:
            self.opaque.add(atom)
        else:
            self.conditions[atom] = (condition.lookup, condition)
        return atom

    def _depends(self, rule, pattern: str) -> bool:
        return self.values is None and rule.variables and _VARIABLE.search(pattern) is not None

    def _covers(self, piece: _Piece, text: str) -> frozenset | None:
        """Return what else must be true for a resource to be covered; None if it is not."""
        rule, statement = piece.rule, piece.rule.statement
        if piece.resource is not None:
            if not self._depends(rule, piece.resource):
                matcher = resource_matcher(piece.resource, rule.variables)
                return frozenset() if matcher(text, self.values or {}) else None
            if not resource_matcher(_VARIABLE.sub("*", piece.resource), True)(text, {}):
                return None
            return frozenset([self._uncertain("in", piece.resource)])
        if statement.not_resources is None:
            return frozenset() if rule.covers(text, {}) else None
        unsure = [p for p in statement.not_resources if self._depends(rule, p)]
        for pattern in statement.not_resources:
            if pattern not in unsure:
                answer = resource_matcher(pattern, rule.variables)(text, self.values or {})
                if answer is not False:
                    return None
        return frozenset(self._uncertain("out", pattern) for pattern in unsure)

    def _uncertain(self, how: str, pattern: str) -> tuple:
        atom = (how, pattern)
        self.opaque.add(atom)
        return atom

    # --- kinds of actions and resources, as sets of pieces --------------------------------------

    def actions(self) -> dict[tuple[int, bool], str]:
        """Return for each set of pieces that an action can be named by, such an action."""
        listed = {p.lower() for x in self.pieces for p in _actions(x.rule.statement)}
        by_service: dict[str, list[str]] = {"s3": [_ALL_BUCKETS]}
        for pattern in sorted(listed):
            by_service.setdefault(pattern.partition(":")[0], []).append(pattern)
        anywhere = by_service.pop("*", [])  # a service is named whole, or it is a star
        other = next(name for n in range(1, 99) if (name := "x" * n) not in by_service)
        found = {}
        for service, patterns in {**by_service, other: []}.items():
            domain = [*service, ":", IN_PART, OF_PART]
            for text in representatives(map(wild, [*anywhere, *patterns]), domain):
                if not any(c in text.partition(":")[2] for c in "*? "):
                    found.setdefault((self._naming(text), text == _ALL_BUCKETS), text)
        return found

    def _naming(self, action: str) -> int:
        known = {}
        bits = 0
        for number, piece in enumerate(self.pieces):
            named = known.get(id(piece.rule))
            if named is None:
                named = known[id(piece.rule)] = piece.rule.names_action(action.lower())
            bits |= named << number
        return bits

    def resources(self) -> dict[tuple, str]:
        """Return for each set of pieces (and what else they need) a resource they cover."""
        patterns = {
            self._rewritten(pattern, piece.rule.variables)
            for piece in self.pieces
            for statement in [piece.rule.statement]
            for pattern in statement.resources or statement.not_resources or ()
        }
        found = {}
        domain = arn([wild(part) for part in ("arn", "aws*", "?*", "*", "*", "?*")])
        tokens = filter(None, map(_resource_tokens, sorted(patterns)))
        for text in ["*", *representatives(tokens, domain)]:
            found.setdefault(self._covering(text), text)
        return found

    def _rewritten(self, pattern: str, variables: bool) -> tuple[str, bool]:
        if not variables:
            return pattern, False
        return _VARIABLE.sub(lambda m: _filled(m, self.values), pattern), True

    def _covering(self, text: str, also: str | None = None) -> tuple:
        found = []
        for number, piece in enumerate(self.pieces):
            needs = self._covers(piece, text)
            statement = piece.rule.statement
            if needs is None and also and statement.resources and statement.actions:
                needs = self._covers(piece, also)
            if needs is not None:
                found.append((number, needs))
        return tuple(found)

    # --- trying them ----------------------------------------------------------------------------

    def suspects(self) -> bool:
        """Tell whether there may be a request that the new policy allows and the old does not."""
        return next(self._found(set()), None) is not None

    def witnesses(self) -> list[Witness]:
        """Return a request, seen to be allowed by the new policy alone, for each statement."""
        found, doubt, done = {}, False, set()
        for index, caller, action, resource, context in self._found(done):
            request = self._request(caller, action, resource, context)
            if permits(self.policies[0], request) and not permits(self.policies[1], request):
                done.add(index)
                statements = self.policies[0].statements
                found[index] = Witness(next(s for s in statements if s.index == index), request)
            else:
                doubt = True
        if doubt and not found and not self.values:
            raise Unproved("A request that would show the difference could not be made.")
        return [self._real(found[index]) for index in sorted(found)]

    def _found(self, done: set[int]) -> Iterator[tuple]:
        wanted = {p.rule.statement.index for p in self.pieces if p.new and p.rule.allows}
        actions, resources = self.actions(), self.resources()
        buckets = {}
        for partition in ("aws", "aws-cn", "aws-us-gov"):
            covering = self._covering("*", f"arn:{partition}:s3:::*")
            buckets.setdefault(covering, f"*{partition}")
        memo = {}
        for number, caller in enumerate(self.callers):
            naming = self._calling(caller)
            if not naming:
                continue
            for (named, all_buckets), action in actions.items():
                bits = named & naming
                if not bits:
                    continue
                choice = resources
                if all_buckets:
                    choice = {k: v for k, v in resources.items() if v != "*"} | buckets
                for covering, resource in choice.items():
                    pieces = tuple((n, needs) for n, needs in covering if bits >> n & 1)
                    key = (pieces, number)
                    if key not in memo:
                        memo[key] = list(self._solve(pieces, caller))
                    for index, context in memo[key]:
                        if index not in done:
                            yield index, caller, action, resource, context
                if wanted <= done:
                    return

    def _calling(self, caller: Caller) -> int:
        asked = Asked(self._request(caller, "a:b", "*", {}))
        return sum(_named(p.rule, asked) << n for n, p in enumerate(self.pieces))

    def _solve(self, pieces: tuple, caller: Caller) -> Iterator[tuple[int, dict]]:
        """Find contexts in which the new policy's pieces allow and the old one's do not."""
        sides = {(True, True): [], (True, False): [], (False, True): [], (False, False): []}
        for number, needs in pieces:
            piece = self.pieces[number]
            sides[piece.new, piece.rule.allows].append((piece, piece.atoms | needs))
        if not sides[True, True] or any(not atoms for _, atoms in sides[True, False]):
            return
        open_, shut = sides[False, True], sides[False, False]
        if not shut and any(not atoms for _, atoms in open_):
            return
        atoms = frozenset(a for side in sides.values() for _, needed in side for a in needed)
        axes = {self.conditions[a][0] if a in self.conditions else a: None for a in atoms}
        choices = []
        for axis in axes:
            merged = {}
            for true, value in self._axis(axis, caller):
                merged.setdefault(true & atoms, value)
            choices.append([(axis, true, value) for true, value in merged.items()])
        size = prod(map(len, choices))
        self.tried += size
        if self.tried > _MOST:
            raise TooMany
        seen = set()
        for world in product(*choices):
            true = frozenset().union(*(t for _, t, _ in world))
            if any(needed <= true for _, needed in sides[True, False]):
                continue
            if any(n <= true for _, n in open_) and not any(n <= true for _, n in shut):
                continue
            for piece, needed in sides[True, True]:
                index = piece.rule.statement.index
                if needed <= true and index not in seen:
                    seen.add(index)
                    yield index, {a: v for a, _, v in world if isinstance(a, str)}

    # --- condition keys -------------------------------------------------------------------------

    def _axis(self, axis: Any, caller: Caller) -> list[tuple[frozenset, Any]]:
        """Return what of the conditions on one key can be true together, with such a value."""
        facts = caller.facts or {}
        if axis in self.opaque:
            if axis[0] == "in":
                return [(frozenset(), None), (frozenset(self._implied(axis)), None)]
            return [(frozenset(), None), (frozenset([axis]), None)]
        nobody = facts.get("aws:principalarn", "") is None
        certain = axis in facts or (nobody and axis.startswith(_OF_PRINCIPALS))
        key = (axis, certain, facts.get(axis))
        if key not in self.truths:
            mine = {a: c for a, (x, c) in self.conditions.items() if x == axis}
            if certain:
                values = [facts.get(axis)]
            elif self.values and axis in self.values:
                values = [self.values[axis]]
            else:
                values = self._possible(axis, list(mine.values()))
            fixed = {k: v for k, v in (self.values or {}).items() if v is not None}
            found = {}
            for value in values:
                context = fixed if value is None else fixed | {axis: value}
                if value is None and axis in context:
                    context = {k: v for k, v in context.items() if k != axis}
                true = frozenset(a for a, c in mine.items() if c.test(context))
                found.setdefault(true, value)
            self.truths[key] = list(found.items())
        return self.truths[key]

    def _implied(self, atom: tuple) -> list[tuple]:
        def mark(found: re.Match) -> str:
            return self.marks.setdefault(found.group(), chr(OPAQUE + len(self.marks)))

        def tokens(pattern: str) -> list | None:
            return _resource_tokens((_VARIABLE.sub(mark, pattern), True))

        mine = tokens(atom[1])
        others = [a for a in self.opaque if a[0] == "in" and a != atom]
        return [atom, *(a for a in others if mine and included(mine, tokens(a[1]) or []))]

    def _possible(self, axis: str, conditions: list[Condition]) -> list[Any]:
        """Return values of every kind that the conditions on a key tell apart; None: absent."""
        singles = _singles(axis, conditions, self.values)
        if self.public and axis in SINGLES_OUT:
            singles = [v for v in singles if v is None or not _singled_out(v, conditions)]
        kind = catalog.key_type(axis)
        several = any(c.quantifier for c in conditions) and kind is None
        if not several and not (kind or "").startswith("Many"):
            return singles
        kinds = {}
        for value in singles:
            if value is not None:
                vector = tuple(bool(c.test({axis: value})) for c in conditions)
                kinds.setdefault((vector, value == ""), value)
        values = list(kinds.values())
        most = min(len(conditions), len(values))
        sets = [s for n in range(2, most + 1) for s in combinations(values, n)]
        if len(sets) > 5_000:
            raise TooMany
        return [*singles, *sets]

    # --- witnesses ------------------------------------------------------------------------------

    def _request(self, caller: Caller, action: str, resource: str, context: dict) -> Request:
        facts = {**(self.values or {}), **context, **(caller.facts or {})}
        principal, issuer = caller.principal, caller.issuer
        partition = resource[1:] if resource.startswith("*") else resource.split(":")[1]
        if not caller.facts and partition:  # anybody at all, in an identity policy
            principal = issuer = f"arn:{partition}:iam::{ACCOUNT}:user/somebody"
        context = {k: v for k, v in facts.items() if v is not None}
        resource = "*" if resource.startswith("*") else resource
        return Request(principal, action, resource, context, ACCOUNT, issuer)

    def _real(self, witness: Witness) -> Witness:
        """Put an action and a resource that AWS has in the place of ones that only fit."""
        asked = witness.request
        naming, covering = self._naming(asked.action), self._covering(asked.resource)
        listed = {p for x in self.pieces for p in _actions(x.rule.statement)}
        named = [*_actions(witness.statement), *sorted(listed)]
        services = dict.fromkeys(p.partition(":")[0].lower() for p in named)
        for service in (*services, "s3", "iam"):
            for action in catalog.actions(service):
                if self._naming(action) != naming or action.lower() == _ALL_BUCKETS:
                    continue
                types = [_BLANK.sub(_fill, text) for _, text in catalog.resource_types(action)]
                for resource in (*(types or ["*"]), *_exact(witness.statement), asked.resource):
                    if self._covering(resource) == covering:
                        return self._asked_of(witness, action, resource)
        return witness

    def _asked_of(self, witness: Witness, action: str, resource: str) -> Witness:
        asked = witness.request
        rest = (asked.context, asked.resource_account, asked.issuer)
        better, (new, old) = Request(asked.principal, action, resource, *rest), self.policies
        shown = permits(new, better) and not permits(old, better)
        return witness._replace(request=better) if shown else witness


_ALL_BUCKETS = "s3:listallmybuckets"
_VARIABLE = re.compile(r"\$\{[^{}*?$][^{}]*\}")


def _variables(policy: Policy) -> set[str]:
    """Return the keys of the policy variables of a policy, in small letters."""
    if policy.version != "2012-10-17":
        return set()
    texts = []
    for statement in policy.statements:
        texts += statement.resources or statement.not_resources or ()
        texts += [v for _, _, values in statement.conditions for v in values]
    found = {m.group()[2:-1].partition(",")[0] for t in texts for m in _VARIABLE.finditer(t)}
    return {lookup(name.strip()) for name in found}


def _assignments(variables: set[str], *policies: Policy) -> Iterator[dict[str, str | None]]:
    """Yield what the variables may be: several texts, one, nothing, a word of the policies."""
    names = sorted(variables)
    yield {name: f"value{number}" for number, name in enumerate(names, 1)}
    yield dict.fromkeys(names, "value")
    yield dict.fromkeys(names)
    written = [s.resources or s.not_resources or () for p in policies for s in p.statements]
    parts = {part for rs in written for r in rs for part in re.split("[:/]", r)}
    for text in sorted(part for part in parts if part.replace("-", "").isalnum())[:20]:
        yield dict.fromkeys(names, text)


def _filled(found: re.Match, values: dict[str, str | None] | None) -> str:
    if values is None:
        return "*"
    key, comma, default = found.group()[2:-1].partition(",")
    value = values.get(lookup(key.strip()))
    if value is None and comma:
        value = default.strip().strip("'")
    return "\0" if value is None else value.replace("*", "${*}").replace("?", "${?}")


def _actions(statement: Statement) -> tuple[str, ...]:
    return (statement.not_actions if statement.actions is None else statement.actions) or ()


_BLANK = re.compile(r"\$\{(\w+)\}")
_EXAMPLES = {"Partition": "aws", "Region": "us-east-1", "Account": ACCOUNT}


def _fill(blank: re.Match) -> str:
    return _EXAMPLES.get(blank.group(1), "example")


def _exact(statement: Statement) -> list[str]:
    """Return texts that the Resource element of a statement covers, as people would write them."""
    written = statement.resources or ()
    return [r.replace("*", "example").replace("?", "x") for r in written if r.startswith("arn:")]


def _resource_tokens(pattern: tuple[str, bool]) -> list | None:
    """Read an entry of Resource as `matching.resource` does; None if it matches nothing."""
    text, variables = pattern
    if text == "*":
        return wild("*")
    parts = text.split(":", 5)
    if len(parts) < 6:
        if not text.endswith("*"):
            return None
        parts += ["*"] * (6 - len(parts))
    return arn([wild(part, variables) for part in parts])


def _conditions(policies: Iterable[Policy]) -> Iterator[Condition]:
    for policy in policies:
        for rule in compiled(policy).rules:
            if rule.covers is None:
                rule.compile()
            yield from rule.conditions


# --- values that a condition key may have -------------------------------------------------------

_TEXTS = ("String", "Arn", "Bool")


def _singles(axis: str, conditions: list[Condition], filled: dict | None) -> list[str | None]:
    families = {c.family for c in conditions if c.family not in (None, "Null")}
    if families <= set(_TEXTS):
        patterns = [p for c in conditions for p in _patterns(c, filled)]
        return [None, *representatives(patterns, wild("?*")), ""]
    if len(families) > 1:
        raise Unproved(f"The key {axis} is read in different ways: {', '.join(sorted(families))}.")
    (family,) = families
    given = [v for c in conditions for v in c.values]
    return [None, *_POINTS[family](given), "x", ""]


def _patterns(condition: Condition, filled: dict | None) -> list[list]:
    """Return what a condition on texts looks for."""
    found = []
    for value in condition.values:
        if condition.templates:
            value = _VARIABLE.sub(lambda m: _filled(m, filled), value)
        special = bool(condition.templates)
        if condition.family == "Arn":
            parts = value.split(":", 5)
            found += [arn([wild(p, special) for p in parts])] if len(parts) == 6 else []
        elif condition.family == "Bool" or "ignorecase" in condition.base:
            if not value.isascii():
                raise Unproved(f"Capitals of {value!r} may be written in several ways.")
            found.append(folded(_plain(value, special), condition.family == "String"))
        elif condition.family == "String" and "like" in condition.base:
            found.append(wild(value, special))
        elif condition.family == "String":
            found.append(list(_plain(value, special)))
    return found


def _plain(value: str, special: bool) -> str:
    return re.sub(r"\$\{([*?$])\}", r"\1", value) if special else value


def _numbers(given: list[str]) -> list[str]:
    marks = sorted({n for v in given if (n := read_number(v)) is not None})
    between = [(a + b) / 2 for a, b in pairwise(marks)]
    return [str(n) for n in ([marks[0] - 1, *marks, *between, marks[-1] + 1] if marks else [])]


def _dates(given: list[str]) -> list[str]:
    marks = sorted({d for v in given if (d := read_date(v)) is not None})
    between = [(a + b) / 2 for a, b in pairwise(marks)]
    ends = [marks[0] - 86_400, marks[-1] + 86_400] if marks else []
    return [_date(d) for d in [*ends[:1], *marks, *between, *ends[1:]]]


def _date(seconds: float) -> str:
    from datetime import datetime, timezone

    try:
        moment = datetime.fromtimestamp(seconds, timezone.utc)  # noqa: UP017
    except (ValueError, OverflowError, OSError):
        moment = None
    if moment is None or seconds % 1 or moment.year < 1000:
        return repr(float(seconds))  # with a point: four digits alone would be a year
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _addresses(given: list[str]) -> list[str]:
    from ipaddress import IPv4Address, IPv6Address

    found = ["203.0.113.99", "0.0.0.0", "::"]
    for version, first, last in filter(None, map(read_network, given)):
        make, end = (IPv4Address, 2**32) if version == 4 else (IPv6Address, 2**128)
        found += [str(make(n)) for n in (first, last, last + 1) if n < end]
    return found


def _bytes(given: list[str]) -> list[str]:
    known = {read_binary(v) for v in given}
    fresh = next(v for v in ("eA==", "eHg=", "eHh4") if read_binary(v) not in known)
    return [*given, fresh]


_POINTS = {"Numeric": _numbers, "Date": _dates, "IpAddress": _addresses, "Binary": _bytes}

# Conditions on these with a fixed value make a policy not public.
SINGLES_OUT = frozenset(
    {
        *("aws:principalarn", "aws:principalaccount", "aws:principalorgid"),
        *("aws:principalorgpaths", "aws:sourcearn", "aws:sourceaccount", "aws:sourceowner"),
        *("aws:sourcevpc", "aws:sourcevpce", "aws:sourceip", "aws:userid", "aws:username"),
        *("s3:dataaccesspointaccount", "s3:dataaccesspointarn", "kms:calleraccount"),
        *("lambda:functionurlauthtype", "aws:sourceorgid", "aws:sourceorgpaths"),
    }
)
_POSITIVE = {"Arn": "ArnLike", "IpAddress": "IpAddress", "Bool": "Bool", "String": "StringEquals"}


def _singled_out(value: str, conditions: list[Condition]) -> bool:
    """Tell whether a value is one that the policy fixes."""
    for condition in conditions:
        operator = _POSITIVE.get(condition.family)
        if operator == "StringEquals" and "like" in condition.base:
            operator = "StringLike"
        for fixed in condition.values if operator else ():
            if _is_fixed(fixed, condition.family) and Condition(
                operator, condition.key, (fixed,), False
            ).test({condition.lookup: value}):
                return True
    return False


def _is_fixed(value: str, family: str | None) -> bool:
    if family == "IpAddress":
        network = read_network(value)
        most = 24 if network and network[0] == 4 else 96  # a /8, or a /32 of IPv6
        return network is not None and network[2] - network[1] < 2**most
    parts = value.split(":", 5)
    if len(parts) == 6 and len(parts[4]) == 12 and parts[4].isdigit():
        return True
    return not any(mark in value for mark in ("*", "?", "${"))


def explain(witness: Witness) -> str:
    """Say what a witness is in one line.

    Examples
    --------
    >>> policy = {"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}
    >>> explain(granted(policy, ["s3:*"])[0])
    's3:GetObject on arn:aws:s3:us-east-1:111122223333:accesspoint/example/object/example'
    """
    asked = witness.request
    context = ", ".join(f"{k} = {plain(k, v)}" for k, v in sorted(asked.context.items()))
    return f"{asked.action} on {asked.resource}" + (f" with {context}" if context else "")
