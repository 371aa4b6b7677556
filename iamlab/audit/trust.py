"""Who can become whom: by a role's trust, or by a right that amounts to it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from iamlab.audit.access import everybody, policies_of, running
from iamlab.audit.opened import actions_in, bits_of, opened, universe

if TYPE_CHECKING:
    import pandas as pd

    from iamlab.account.callers import Caller
    from iamlab.account.lab import Lab

COLUMNS = ["source", "target", "means", "condition", "policy", "sentence"]
ADMINISTRATOR = "administrator"


def trust_edges(lab: Lab | None = None, *, account: str | None = None) -> pd.DataFrame:
    """List every step by which one principal of an account can become another.

    Parameters
    ----------
    lab : Lab, optional
        The one that runs, if not given.
    account : str, optional
        Twelve digits; the learner's if not given.

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
    frame = pd.DataFrame(steps.all(), columns=COLUMNS).drop_duplicates(
        ["source", "target", "means"], ignore_index=True
    )
    return frame.sort_values(["source", "target", "means"], ignore_index=True)


def paths(
    source: str,
    target: str = ADMINISTRATOR,
    lab: Lab | None = None,
    *,
    account: str | None = None,
    edges: pd.DataFrame | None = None,
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
        ways = list(networkx.all_shortest_paths(graph, source, target))
    except networkx.NetworkXNoPath:
        return []
    return [
        edges.loc[[graph[a][b]["index"] for a, b in pairwise(way)]].reset_index(drop=True)
        for way in ways
    ]


def administrators(lab: Lab | None = None, *, account: str | None = None) -> list[str]:
    """Return the users and roles that may do everything AWS has, on everything.

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
    row = opened(*policies_of(lab, caller), wide=True)
    return len(actions_in(row)) == len(universe().names)


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
    """

    actions: tuple[str, ...]
    targets: Callable[[_Steps, Caller], Iterator[tuple[str, str]]]
    sentence: str
    context: tuple[tuple[str, str], ...] = ()


class _Steps:
    def __init__(self, lab: Lab, account: str) -> None:
        self.lab, self.account = lab, account
        self.iam = lab.state.iam(account)
        self.callers = dict(everybody(lab, account))
        self.rights = {name: self._rights(caller) for name, caller in self.callers.items()}
        self.administrators = administrators(lab, account=account)

    def all(self) -> Iterator[tuple[str, ...]]:
        for name in self.administrators:
            yield (name, ADMINISTRATOR, "is one", "", "", f"{name} may do everything.")
        for role in self.iam.roles.values():
            yield from self._into(role)
        for name, caller in self.callers.items():
            # Who may do everything need not become anybody: those steps would hide the others.
            if name in self.administrators:
                continue
            for escalation in ESCALATIONS:
                if set(bits_of(escalation.actions)) <= self.rights[name]:
                    yield from self._by(escalation, name, caller)

    def _rights(self, caller: Caller) -> set[int]:
        import numpy as np

        row = opened(*policies_of(self.lab, caller), wide=False)
        return set(np.flatnonzero(np.unpackbits(row.view(np.uint8), bitorder="little")).tolist())

    def _into(self, role: Any) -> Iterator[tuple[str, ...]]:
        from iamlab.policy import parse

        target = f"role/{role.name}"
        policy = parse(role.assume_role_policy_document, kind="trust", stored=True)
        accounts = set()
        for statement in policy.statements:
            if statement.effect != "Allow":
                continue
            for kind, value in statement.principals or ():
                if kind == "AWS" and value != "*":
                    accounts.add(value if value.isdigit() else (value.split(":") + [""] * 5)[4])
                    continue
                source = "anyone" if kind == "AWS" else value.rsplit("oidc-provider/", 1)[-1]
                means = next((a for a in statement.actions or () if "AssumeRole" in a), "sts:*")
                yield self._step(source, target, means, _conditions(statement), "trust policy")
        inside = set(self.lab.state.accounts())
        for account in accounts - {""}:
            if account not in inside:
                text = "; ".join(
                    filter(None, (_conditions(s) for s in policy.statements if s.principals))
                )
                yield self._step(
                    f"account {account}", target, "sts:AssumeRole", text, "trust policy"
                )
                continue
            callers = (
                self.callers if account == self.account else dict(everybody(self.lab, account))
            )
            for name, caller in callers.items():
                if account == self.account and name in (target, *self.administrators):
                    continue
                found = self._allowed(caller, "sts:AssumeRole", role.arn, ("role", role.name))
                if found is not None:
                    whose = name if account == self.account else f"{name} of {account}"
                    yield self._step(whose, target, "sts:AssumeRole", *found)

    def _by(self, escalation: _Escalation, name: str, caller: Caller) -> Iterator[tuple[str, ...]]:
        rest = []
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
                conditions = "; ".join(dict.fromkeys(c for c, _ in (found, *rest) if c))
                sentence = escalation.sentence.format(source=name, target=target)
                means = " + ".join(escalation.actions)
                yield (name, target, means, conditions, found[1], sentence)

    def _step(
        self, source: str, target: str, means: str, condition: str, policy: str
    ) -> tuple[str, ...]:
        sentence = f"{target} trusts {source}"
        sentence += f", if {condition}." if condition else "."
        return (source, target, means, condition, policy, sentence)

    def _allowed(
        self,
        caller: Caller,
        action: str,
        resource: str,
        role: tuple[str, str] | None = None,
        context: dict[str, Any] | None = None,
    ) -> tuple[str, str] | None:
        """Return what the request must bring, and the policy that allows it; None if nothing can.

        A condition that fails is met with the value it asks for, and the engine is asked again.
        """
        given: dict[str, Any] = dict(context or {})
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
                policy = next((result.policy for result in decision.deciding), "")
                return ", ".join(f"{k} is {v}" for k, v in met.items()), policy
            asked = _asked(decision, given)
            if asked is None:
                return None
            given[asked[0]] = asked[1]
            met[asked[0]] = asked[1]
        return None


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
            if _trusts(role, service):
                yield f"role/{role.name}", role.arn

    return found


def _trusts(role: Any, service: str) -> bool:
    document = json.loads(role.assume_role_policy_document)
    statements = document.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        named = statement.get("Principal")
        named = named.get("Service", ()) if isinstance(named, dict) else ()
        if statement.get("Effect") == "Allow" and service in (
            [named] if isinstance(named, str) else named
        ):
            return True
    return False


def _itself(kind: str) -> Callable[[_Steps, Caller], Iterator[tuple[str, str]]]:
    def found(steps: _Steps, caller: Caller) -> Iterator[tuple[str, str]]:
        if caller.kind == kind:
            yield ADMINISTRATOR, caller.principal_arn

    return found


def _own_groups(steps: _Steps, caller: Caller) -> Iterator[tuple[str, str]]:
    for group in steps.iam.groups.values():
        if caller.entity in group.users:
            yield ADMINISTRATOR, group.arn


def _own_policies(steps: _Steps, caller: Caller) -> Iterator[tuple[str, str]]:
    held = dict(caller.entity.managed_policies)
    for group in steps.iam.groups.values():
        if caller.entity in group.users:
            held |= group.managed_policies
    for arn in held:
        if not arn.startswith("arn:aws:iam::aws:"):
            yield ADMINISTRATOR, arn


_GRANTS = "{source} can give itself every right, with "
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
    _Escalation(("iam:AttachUserPolicy",), _itself("user"), _GRANTS + "AdministratorAccess."),
    _Escalation(("iam:PutRolePolicy",), _itself("role"), _GRANTS + "an inline policy."),
    _Escalation(("iam:AttachRolePolicy",), _itself("role"), _GRANTS + "AdministratorAccess."),
    _Escalation(("iam:PutGroupPolicy",), _own_groups, _GRANTS + "a policy of its group."),
    _Escalation(("iam:AttachGroupPolicy",), _own_groups, _GRANTS + "a policy of its group."),
    _Escalation(
        ("iam:CreatePolicyVersion",), _own_policies, _GRANTS + "a new version of its own policy."
    ),
)
