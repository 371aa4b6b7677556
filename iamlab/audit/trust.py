"""Who can become whom: by a role's trust, or by a right that amounts to it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from iamlab.account.operations.target import tags_of
from iamlab.audit.access import everybody, policies_of, running
from iamlab.audit.opened import bits_of, flags, opened

if TYPE_CHECKING:
    import pandas as pd

    from iamlab.account.callers import Caller
    from iamlab.account.lab import Lab
    from iamlab.policy import Policy, Statement

COLUMNS = ["source", "target", "means", "condition", "policy", "sentence"]
ADMINISTRATOR = "administrator"
# Facts about the caller and the resource: no request can bring them.
_FACTS = (
    *("aws:principal", "aws:userid", "aws:username"),
    *("aws:resource", "iam:resourcetag/", "iam:permissionsboundary"),
)


def trust_edges(
    lab: Lab | None = None, *, account: str | None = None, statements: bool = False
) -> pd.DataFrame:
    """List every step by which one principal of an account can become another.

    Parameters
    ----------
    lab : Lab, optional
        The one that runs, if not given.
    account : str, optional
        Twelve digits; the learner's if not given.
    statements : bool
        Add the column ``statements``: a tuple of dict with ``policy``, ``statement`` (its number,
        from 0) and ``text`` (its JSON), all that together open the step.

    Returns
    -------
    pandas.DataFrame
        One row a step. Columns: source and target (``user/ana``, ``role/reader``,
        ``ec2.amazonaws.com``, ``account 444455556666``, ``anyone``; the target
        ``administrator`` stands for every right there is; who has it is listed once, and not for
        all that they could become), means (``sts:AssumeRole`` where a role
        trusts the source, else the action that amounts to it), condition (what a request must
        bring, empty if nothing), policy (whose statement opens the step), sentence.

    Notes
    -----
    A step is listed if the engine allows its calls. Sources: "AWS JSON policy elements:
    Principal"; "Grant a user permissions to pass a role to an AWS service", IAM User Guide; which
    rights amount to becoming another is known from public research on IAM privilege escalation.

    Examples
    --------
    >>> import iamlab
    >>> with iamlab.start() as lab:
    ...     trust_edges(lab)["target"].tolist()
    ['administrator']
    """
    import pandas as pd

    lab = running(lab)
    steps = _Steps(lab, account or lab.account_id)
    frame = pd.DataFrame(steps.all(), columns=[*COLUMNS, "statements"])
    key = ["source", "target", "means"]
    frame = frame.drop_duplicates(key).sort_values(key, ignore_index=True)
    return frame if statements else frame[COLUMNS]


def paths(
    source: str,
    target: str = ADMINISTRATOR,
    lab: Lab | None = None,
    *,
    account: str | None = None,
    edges: pd.DataFrame | None = None,
    limit: int | None = None,
) -> list[pd.DataFrame]:
    """Find the shortest ways by which one principal becomes another.

    Parameters
    ----------
    source, target : str
        As in `trust_edges`.
    lab, account
        As in `trust_edges`.
    edges : pandas.DataFrame, optional
        The answer of `trust_edges`, if it is at hand.
    limit : int, optional
        At most so many ways. In a large account there can be thousands.

    Returns
    -------
    list of pandas.DataFrame
        Each is one way, its steps in order; all are of the same, shortest length. Empty if there
        is no way.

    Examples
    --------
    >>> import iamlab
    >>> with iamlab.start() as lab:
    ...     [len(way) for way in paths("user/administrator", lab=lab)]
    [1]
    """
    import networkx

    if edges is None:
        edges = trust_edges(lab, account=account)
    graph = networkx.from_pandas_edgelist(
        edges.reset_index(), "source", "target", "index", networkx.DiGraph
    )
    if source not in graph or target not in graph:
        return []
    try:
        ways = list(islice(networkx.all_shortest_paths(graph, source, target), limit))
    except networkx.NetworkXNoPath:
        return []
    return [
        edges.loc[[graph[a][b]["index"] for a, b in pairwise(way)]].reset_index(drop=True)
        for way in ways
    ]


def administrators(lab: Lab | None = None, *, account: str | None = None) -> list[str]:
    """Return the users and roles that may do everything AWS has, on everything.

    What the organization forbids to the whole account (SCPs) makes nobody less of an administrator.

    Examples
    --------
    >>> import iamlab
    >>> with iamlab.start() as lab:
    ...     administrators(lab)
    ['user/administrator']
    """
    lab = running(lab)
    return [name for name, caller in everybody(lab, account) if _is_administrator(lab, caller)]


def _is_administrator(lab: Lab, caller: Caller) -> bool:
    known = lab.attached.policies(caller, None, caller.account)
    return _opens_everything(known.identity) and not _is_limited(known.boundary)


def _opens_everything(policies: Iterable[Policy]) -> bool:
    return bool(flags(opened(list(policies), [], wide=True)).all())


def _is_limited(boundary: Iterable[Policy]) -> bool:
    return bool(boundary) and not _opens_everything(boundary)


@dataclass(frozen=True)
class _Escalation:
    """A right that amounts to becoming another principal.

    Attributes
    ----------
    actions : tuple of str
        All are needed; the first is asked on the target, the others on anything.
    targets : callable
        From (steps, caller) to pairs of the target's name and the ARN that the action is on.
    sentence : str
        With {source} and {target} to fill in.
    context : tuple of (str, str)
        Condition keys that the first action's request has.
    """

    actions: tuple[str, ...]
    targets: Callable[[_Steps, Caller], Iterator[tuple[str, str]]]
    sentence: str
    context: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class _Found:
    """What opens a step: what its request must bring, and the statements that allow it."""

    condition: str
    statements: tuple[dict[str, Any], ...]

    @property
    def policy(self) -> str:
        return self.statements[0]["policy"] if self.statements else ""


class _Steps:
    def __init__(self, lab: Lab, account: str) -> None:
        self.lab, self.account = lab, account
        self.iam = lab.state.iam(account)
        self.callers = dict(everybody(lab, account))
        self.rights = {name: self._rights(caller) for name, caller in self.callers.items()}
        self.administrators = {n: c for n, c in self.callers.items() if _is_administrator(lab, c)}
        self.facts = {
            entity.arn: self._facts_of(entity)
            for kind in (self.iam.users, self.iam.roles, self.iam.managed_policies)
            for entity in kind.values()
        }

    def all(self) -> Iterator[tuple[Any, ...]]:
        for name, caller in self.administrators.items():
            shown = self._everything(caller)
            policy, said = shown[0]["policy"], f"{name} may do everything."
            yield (name, ADMINISTRATOR, "is one", "", policy, said, shown)
        for role in self.iam.roles.values():
            yield from self._into(role)
        for name, caller in self.callers.items():
            # Who may do everything need not become anybody: those steps would hide the others.
            if name in self.administrators:
                continue
            for escalation in ESCALATIONS:
                if self.rights[name].issuperset(_bits(escalation.actions)):
                    yield from self._by(escalation, name, caller)

    def is_limited(self, caller: Caller) -> bool:
        """Whether a permissions boundary keeps somebody from every right."""
        return _is_limited(self.lab.attached.policies(caller, None, caller.account).boundary)

    def _rights(self, caller: Caller) -> set[int]:
        import numpy as np

        row = opened(*policies_of(self.lab, caller), wide=False)
        return set(np.flatnonzero(np.unpackbits(row.view(np.uint8), bitorder="little")).tolist())

    def _everything(self, caller: Caller) -> tuple[dict[str, Any], ...]:
        """The statements that open everything: one alone, if there is one."""
        found = [
            (policy, statement)
            for policy in self.lab.attached.policies(caller, None, caller.account).identity
            for statement in policy.statements
            if statement.effect == "Allow" and "*" in (statement.resources or ())
        ]
        alone = [pair for pair in found if {"*", "*:*"} & set(pair[1].actions or ())][:1]
        return tuple(_shown(policy, statement) for policy, statement in alone or found)

    def _facts_of(self, entity: Any) -> dict[str, str]:
        """The condition keys that a request on a user, a role or a policy has by itself."""
        tags = self.iam.tagger.tags.get(entity.arn) or tags_of(getattr(entity, "tags", None))
        facts = {
            f"{service}:ResourceTag/{key}": value
            for key, value in tags.items()
            for service in ("aws", "iam")
        }
        boundary = getattr(entity, "permissions_boundary_arn", None)
        return facts | ({"iam:PermissionsBoundary": boundary} if boundary else {})

    def _into(self, role: Any) -> Iterator[tuple[Any, ...]]:
        target = f"role/{role.name}"
        policy = self.lab.attached.resource_policy(("role", self.account, role.name))
        named: dict[str, list[Statement]] = {}  # AWS principals, and the statements that name them
        for statement in policy.statements if policy else ():
            if statement.effect != "Allow":
                continue
            for kind, value in statement.principals or ():
                if kind == "AWS":
                    named.setdefault(value, []).append(statement)
                if kind != "AWS" or value == "*":
                    source = "anyone" if kind == "AWS" else value.rsplit("oidc-provider/", 1)[-1]
                    means = next((a for a in statement.actions or () if "AssumeRole" in a), "sts:*")
                    yield self._trusted(source, target, means, policy, [statement])
        accounts = {account for value in named if (account := self._account_in(value))}
        inside = set(self.lab.state.accounts())
        for account in sorted(accounts - inside):
            says = [
                s for value in named if self._account_in(value) == account for s in named[value]
            ]
            yield self._trusted(f"account {account}", target, "sts:AssumeRole", policy, says)
        for account in sorted(accounts & inside):
            yield from self._from(account, role, target, named)

    def _account_in(self, principal: str) -> str:
        """The account of an AWS principal; everybody ("*") is everybody in this one, too."""
        if principal == "*":
            return self.account
        return principal if principal.isdigit() else (principal.split(":") + [""] * 5)[4]

    def _from(
        self, account: str, role: Any, target: str, named: dict[str, list[Statement]]
    ) -> Iterator[tuple[Any, ...]]:
        """Steps into a role by users and roles of one account of the lab."""
        ours = account == self.account
        for name, caller in (self.callers if ours else dict(everybody(self.lab, account))).items():
            if ours:
                if name in (target, *self.administrators):
                    continue
                # To be named is enough; else a policy of their own has to allow it.
                may = self.rights[name].issuperset(_bits(("sts:AssumeRole",)))
                if not (may or "*" in named or caller.principal_arn in named):
                    continue
            found = self._allowed(caller, "sts:AssumeRole", role.arn, ("role", role.name))
            if found is not None:
                whose = name if ours else f"{name} of {account}"
                sentence = _trusts_if(target, whose, found.condition)
                yield (
                    *(whose, target, "sts:AssumeRole", found.condition, found.policy),
                    *(sentence, found.statements),
                )

    def _trusted(
        self, source: str, target: str, means: str, policy: Policy, statements: list[Statement]
    ) -> tuple[Any, ...]:
        """A step by somebody whom the lab cannot look into: the trust policy alone opens it."""
        condition = "; ".join(dict.fromkeys(filter(None, map(_conditions, statements))))
        shown = tuple(_shown(policy, s, "trust policy ") for s in dict.fromkeys(statements))
        sentence = _trusts_if(target, source, condition)
        return (source, target, means, condition, shown[0]["policy"], sentence, shown)

    def _by(self, escalation: _Escalation, name: str, caller: Caller) -> Iterator[tuple[Any, ...]]:
        rest: list[_Found] = []
        for action in escalation.actions[1:]:
            found = self._allowed(caller, action, _anything(action, self.account))
            if found is None:
                return
            rest.append(found)
        for target, arn in escalation.targets(self, caller):
            if target == name:
                continue
            found = self._allowed(
                caller, escalation.actions[0], arn, context=dict(escalation.context)
            )
            if found is not None:
                every = (found, *rest)
                condition = "; ".join(dict.fromkeys(f.condition for f in every if f.condition))
                sentence = escalation.sentence.format(source=name, target=target)
                shown = {(s["policy"], s["statement"]): s for f in every for s in f.statements}
                means = " + ".join(escalation.actions)
                yield (name, target, means, condition, found.policy, sentence, (*shown.values(),))

    def _allowed(
        self,
        caller: Caller,
        action: str,
        resource: str,
        role: tuple[str, str] | None = None,
        context: dict[str, Any] | None = None,
    ) -> _Found | None:
        """Return what the request must bring, and what allows it then; None if nothing can.

        A condition that fails is met with the value it asks for, and the engine is asked again.
        """
        given: dict[str, Any] = self.facts.get(resource, {}) | (context or {})
        met: dict[str, str] = {}
        policy_of = ("role", self.account, role[1]) if role else None
        for _ in range(6):
            decision = self.lab.gate.decide(
                caller,
                action,
                resource,
                given,
                resource_account=self.account,
                policy_of=policy_of,
            )
            if decision.allowed:
                return _Found(
                    ", ".join(f"{k} is {v}" for k, v in met.items()),
                    tuple(
                        _shown(
                            result.document,
                            result.statement,
                            "trust policy " if result.statement.principals else "",
                        )
                        for result in decision.deciding
                    ),
                )
            asked = _asked(decision, given)
            if asked is None:
                return None
            given[asked[0]] = asked[1]
            met[asked[0]] = asked[1]
        return None


def _trusts_if(target: str, source: str, condition: str) -> str:
    return f"{target} trusts {source}" + (f", if {condition}." if condition else ".")


@lru_cache(maxsize=64)
def _bits(actions: tuple[str, ...]) -> frozenset[int]:
    return frozenset(bits_of(actions))


@lru_cache(maxsize=8192)
def _shown(policy: Policy, statement: Statement, kind: str = "") -> dict[str, Any]:
    """One statement as a reader sees it: whose it is, which, and its text as it was written."""
    document = json.loads(policy.text) if policy.text else policy.as_dict()
    written = document["Statement"]
    written = written[statement.index] if isinstance(written, list) else written
    return {
        "policy": f"{kind}{policy.name or policy.arn or 'policy'}",
        "statement": statement.index,
        "text": json.dumps(written, indent=2, ensure_ascii=False),
    }


def _asked(decision: Any, given: dict[str, Any]) -> tuple[str, str] | None:
    """The first condition that keeps a statement from allowing, and a value that meets it."""
    for step in decision.steps:
        for result in step.statements:
            failure = result.failure
            if result.effect != "Allow" or failure is None or failure.element != "Condition":
                continue
            operator = str(failure.operator)
            if failure.key in given or "Not" in operator or not failure.expected:
                continue
            if str(failure.key).lower().startswith(_FACTS):
                continue
            if operator.split(":")[-1].startswith(("String", "Arn", "Bool", "IpAddress")):
                value = failure.expected[0].replace("*", "x").replace("?", "x")
                return str(failure.key), value.partition("/")[0] if "Ip" in operator else value
    return None


def _conditions(statement: Any) -> str:
    return ", ".join(
        f"{key} {operator} {' or '.join(values)}" for operator, key, values in statement.conditions
    )


def _anything(action: str, account: str) -> str:
    """An ARN of the kind that an action is about: some thing of the account."""
    from iamlab.policy import catalog

    types = catalog.resource_types(action)
    if not types:
        return "*"
    arn = types[0][1].replace("${Partition}", "aws").replace("${Region}", "us-east-1")
    return re.sub(r"\$\{[^}]*\}", "anything", arn.replace("${Account}", account))


# --- What amounts to becoming another ---------------------------------------------------------


def _users(steps: _Steps, caller: Caller) -> Iterator[tuple[str, str]]:
    for user in steps.iam.users.values():
        yield f"user/{user.name}", user.arn


def _roles(steps: _Steps, caller: Caller) -> Iterator[tuple[str, str]]:
    for role in steps.iam.roles.values():
        yield f"role/{role.name}", role.arn


def _roles_of(service: str) -> Callable[[_Steps, Caller], Iterator[tuple[str, str]]]:
    def found(steps: _Steps, caller: Caller) -> Iterator[tuple[str, str]]:
        for role in steps.iam.roles.values():
            if _trusts(steps, role, service):
                yield f"role/{role.name}", role.arn

    return found


def _trusts(steps: _Steps, role: Any, service: str) -> bool:
    policy = steps.lab.attached.resource_policy(("role", steps.account, role.name))
    return any(
        ("Service", service) in (statement.principals or ())
        for statement in (policy.statements if policy else ())
        if statement.effect == "Allow"
    )


def _itself(kind: str) -> Callable[[_Steps, Caller], Iterator[tuple[str, str]]]:
    def found(steps: _Steps, caller: Caller) -> Iterator[tuple[str, str]]:
        if caller.kind == kind and not steps.is_limited(caller):
            yield ADMINISTRATOR, caller.principal_arn

    return found


def _own_groups(steps: _Steps, caller: Caller) -> Iterator[tuple[str, str]]:
    for group in steps.iam.groups.values():
        if caller.entity in group.users and not steps.is_limited(caller):
            yield ADMINISTRATOR, group.arn


def _groups_of_administrators(steps: _Steps, caller: Caller) -> Iterator[tuple[str, str]]:
    for group in steps.iam.groups.values():
        opens = _opens_everything(steps.lab.attached.identity(steps.account, group))
        if caller.kind == "user" and opens and not steps.is_limited(caller):
            yield ADMINISTRATOR, group.arn


def _own_policies(steps: _Steps, caller: Caller) -> Iterator[tuple[str, str]]:
    held = dict(caller.entity.managed_policies)
    for group in steps.iam.groups.values():
        if caller.entity in group.users:
            held |= group.managed_policies
    for arn in held:
        if not arn.startswith("arn:aws:iam::aws:") and not steps.is_limited(caller):
            yield ADMINISTRATOR, arn


_GRANTS = "{source} can give itself every right, with "
_EVERY_RIGHT = (("iam:PolicyARN", "arn:aws:iam::aws:policy/AdministratorAccess"),)
ESCALATIONS = (
    _Escalation(
        ("iam:CreateAccessKey",),
        _users,
        "{source} can make itself an access key of {target}.",
    ),
    _Escalation(
        ("iam:CreateLoginProfile",), _users, "{source} can give {target} a password and sign in."
    ),
    _Escalation(
        ("iam:UpdateLoginProfile",), _users, "{source} can change {target}'s password and sign in."
    ),
    _Escalation(
        ("iam:UpdateAssumeRolePolicy",),
        _roles,
        "{source} can write itself into {target}'s trust policy.",
    ),
    _Escalation(
        ("iam:PassRole", "ec2:RunInstances"),
        _roles_of("ec2.amazonaws.com"),
        "{source} can start an instance with {target} and use its credentials.",
        (("iam:PassedToService", "ec2.amazonaws.com"),),
    ),
    _Escalation(
        ("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"),
        _roles_of("lambda.amazonaws.com"),
        "{source} can run code of its own as {target} in a new Lambda function.",
        (("iam:PassedToService", "lambda.amazonaws.com"),),
    ),
    _Escalation(
        ("iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"),
        _roles_of("ecs-tasks.amazonaws.com"),
        "{source} can run a container of its own as {target}.",
        (("iam:PassedToService", "ecs-tasks.amazonaws.com"),),
    ),
    _Escalation(("iam:PutUserPolicy",), _itself("user"), _GRANTS + "an inline policy."),
    _Escalation(
        ("iam:AttachUserPolicy",),
        _itself("user"),
        _GRANTS + "AdministratorAccess.",
        _EVERY_RIGHT,
    ),
    _Escalation(("iam:PutRolePolicy",), _itself("role"), _GRANTS + "an inline policy."),
    _Escalation(
        ("iam:AttachRolePolicy",),
        _itself("role"),
        _GRANTS + "AdministratorAccess.",
        _EVERY_RIGHT,
    ),
    _Escalation(("iam:PutGroupPolicy",), _own_groups, _GRANTS + "a policy of its group."),
    _Escalation(
        ("iam:AttachGroupPolicy",), _own_groups, _GRANTS + "a policy of its group.", _EVERY_RIGHT
    ),
    _Escalation(
        ("iam:AddUserToGroup",),
        _groups_of_administrators,
        "{source} can make itself a member of a group that may do everything.",
    ),
    _Escalation(
        ("iam:CreatePolicyVersion",), _own_policies, _GRANTS + "a new version of its own policy."
    ),
)
