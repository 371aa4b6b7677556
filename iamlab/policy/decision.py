"""The answer and why: a Decision, its steps, the statements in them, and what each failed on.

Facts are fixed when the request is decided. Only the words for them (see `wording`) are made when
they are read.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from iamlab.policy.conditions import Condition
    from iamlab.policy.document import Policy, Statement
    from iamlab.policy.evaluation import Asked, Policies, Request
    from iamlab.policy.rules import Rule

ALLOW, EXPLICIT_DENY, IMPLICIT_DENY, NOT_ASKED = (
    "allow",
    "explicitDeny",
    "implicitDeny",
    "notAsked",
)
# AWS's order of asking.
ORDER = ("rcp", "scp", "resource", "identity", "boundary", "session")


class Decision:
    """What AWS would answer to one request, and every reason for it.

    Attributes
    ----------
    effect : str
        ``"allowed"``, ``"implicitDeny"`` (nothing allows it) or ``"explicitDeny"``: the words of
        SimulatePrincipalPolicy.
    blocked_by : str or None
        The type of policy that AWS would name: ``"identity"``, ``"resource"``, ``"boundary"``,
        ``"session"``, ``"scp"`` or ``"rcp"``. None if allowed.
    granted_by : str
        Which of AWS's rules led to the verdict, for example ``"direct"``: the resource policy
        names exactly this caller.
    policies : Policies

    Examples
    --------
    >>> from iamlab.policy import Policies, Request, evaluate
    >>> print(evaluate(Request("arn:aws:iam::111122223333:user/mia", "s3:ListAllMyBuckets"),
    ...                Policies()))
    Denied: user/mia may not do s3:ListAllMyBuckets.
    Nothing allows it: user/mia has no identity policies at all.
    """

    __slots__ = (
        "_asked",
        "_said",
        "_steps",
        "_warnings",
        "blocked_by",
        "effect",
        "granted_by",
        "policies",
    )

    def __init__(
        self,
        asked: Asked,
        policies: Policies,
        effect: str,
        blocked_by: str | None,
        said: tuple[tuple[str, list[Rule] | None], ...],
        granted_by: str,
    ) -> None:
        self._asked, self.policies = asked, policies
        self.effect, self.blocked_by, self.granted_by = effect, blocked_by, granted_by
        self._said, self._steps, self._warnings = said, None, None

    def __bool__(self) -> bool:
        return self.effect == "allowed"

    @property
    def allowed(self) -> bool:
        """True if the request is allowed."""
        return self.effect == "allowed"

    @property
    def request(self) -> Request:
        """The request, with the context it had when it was decided."""
        return self._asked.request

    @property
    def steps(self) -> tuple[Step, ...]:
        """What each type of policy said, in AWS's order: always all six."""
        if self._steps is None:
            self._steps = tuple(map(Step, (self,) * 6, ORDER, self._said))
        return self._steps

    @property
    def deciding(self) -> tuple[StatementResult, ...]:
        """The statements that decided: all that deny, or those that grant. Empty if none did."""
        if self.effect == "implicitDeny":
            return ()
        effect = "Allow" if self.allowed else "Deny"
        granting = ("resource", "identity") if self.allowed else ORDER
        return tuple(
            result
            for step in self.steps
            if step.policy_type in granting
            for result in step.statements
            if result.matched and result.effect == effect
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be evaluated, and what is seldom meant as it is written."""
        from iamlab.policy.wording import warnings

        if self._warnings is None:
            self._warnings = warnings(self)
        return self._warnings

    def __str__(self) -> str:
        from iamlab.policy.wording import decision

        return decision(self)

    def __repr__(self) -> str:
        blocked = f" by {self.blocked_by}" if self.blocked_by else ""
        return f"<Decision {self.effect}{blocked}: {self._asked.action}>"

    def as_dict(self) -> dict[str, object]:
        """Give everything as plain dicts, lists and texts, ready for JSON."""
        asked = self._asked
        return {
            "effect": self.effect,
            "blocked_by": self.blocked_by,
            "principal": asked.caller.arn,
            "action": asked.action,
            "resource": asked.resource,
            "text": str(self),
            "warnings": list(self.warnings),
            "steps": [step.as_dict() for step in self.steps],
        }


class Step:
    """What one type of policy said.

    Attributes
    ----------
    policy_type : str
        ``"rcp"``, ``"scp"``, ``"resource"``, ``"identity"``, ``"boundary"`` or ``"session"``.
    outcome : str
        ``"allow"``, ``"explicitDeny"``, ``"implicitDeny"`` or ``"notAsked"``.
    """

    __slots__ = ("_decision", "_hits", "_statements", "outcome", "policy_type")

    def __init__(
        self, decision: Decision, policy_type: str, said: tuple[str, list[Rule] | None]
    ) -> None:
        self._decision, self.policy_type, self._statements = decision, policy_type, None
        self.outcome, self._hits = said

    @property
    def statements(self) -> tuple[StatementResult, ...]:
        """Every statement of these policies, in order; none if they were not asked."""
        if self._statements is None:
            self._statements = () if self._hits is None else tuple(self._results())
        return self._statements

    def _results(self) -> list[StatementResult]:
        asked, policy_type = self._decision._asked, self.policy_type
        levelled = policy_type in ("scp", "rcp")
        hits = self._hits if len(self._hits) < 9 else frozenset(self._hits)
        return [
            StatementResult(rule, asked, rule in hits, policy_type, n if levelled else None, place)
            for n, docs in enumerate(self._decision.policies.of(policy_type))
            for place, policy in enumerate(docs)
            for rule in policy._compiled.rules
        ]

    @property
    def sentence(self) -> str:
        """The step in a plain sentence or two."""
        from iamlab.policy.wording import step

        return step(self._decision, self)

    def __repr__(self) -> str:
        return f"<Step {self.policy_type}: {self.outcome}>"

    def as_dict(self) -> dict[str, object]:
        """Give the step as plain dicts, lists and texts."""
        return {
            "policy_type": self.policy_type,
            "outcome": self.outcome,
            "sentence": self.sentence,
            "statements": [result.as_dict() for result in self.statements],
        }


class StatementResult:
    """One statement and whether it matched.

    Attributes
    ----------
    policy : str
        What the policy is called; ``policy_arn`` is its ARN, if it has one.
    document : Policy
    statement : Statement
    level : int or None
        For SCPs and RCPs the level, from 0 at the root.
    index : int
        The statement's place in the policy, from 0.
    sid : str or None
    effect : str
        ``"Allow"`` or ``"Deny"``.
    matched : bool
    failure : Failure or None
        The first element that did not match.
    """

    __slots__ = ("_asked", "_failure", "_place", "_rule", "_type", "level", "matched")

    def __init__(
        self,
        rule: Rule,
        asked: Asked,
        matched: bool,
        policy_type: str,
        level: int | None,
        place: int,
    ) -> None:
        self._rule, self._asked, self.matched = rule, asked, matched
        self._type, self.level, self._place = policy_type, level, place
        self._failure = None

    @property
    def policy(self) -> str:
        """What the policy is called, or which of the given ones it is."""
        policy = self._rule.policy
        return policy.name or policy.arn or f"{self._type} policy {self._place + 1}"

    @property
    def policy_arn(self) -> str | None:
        """The ARN of the policy, if it has one."""
        return self._rule.policy.arn

    @property
    def document(self) -> Policy:
        """The whole policy."""
        return self._rule.policy

    @property
    def statement(self) -> Statement:
        """The statement itself."""
        return self._rule.statement

    @property
    def index(self) -> int:
        """The statement's place in its policy, from 0."""
        return self._rule.statement.index

    @property
    def sid(self) -> str | None:
        """The statement's Sid."""
        return self._rule.statement.sid

    @property
    def effect(self) -> str:
        """``"Allow"`` or ``"Deny"``."""
        return self._rule.statement.effect

    @property
    def failure(self) -> Failure | None:
        """The first element that did not match; None if all did."""
        if self._failure is None and not self.matched:
            self._failure = self._rule.failure(self._asked, self._type == "resource")
        return self._failure

    def __repr__(self) -> str:
        failed = "matched" if self.matched else f"failed on {self.failure.element}"
        return f"<{self.effect} statement {self.index + 1} of {self.policy}: {failed}>"

    def as_dict(self) -> dict[str, object]:
        """Give the result as plain dicts, lists and texts."""
        fields = ("policy", "policy_arn", "level", "index", "sid", "effect", "matched")
        failure = self.failure
        return {name: getattr(self, name) for name in fields} | {
            "failure": failure and failure.as_dict()
        }


class Failure:
    """The first element of a statement that did not match, with the two values compared.

    Attributes
    ----------
    element : str
        ``"Principal"``, ``"NotPrincipal"``, ``"Action"``, ``"NotAction"``, ``"Resource"``,
        ``"NotResource"`` or ``"Condition"``.
    operator, key : str or None
        Of the condition that failed, as written.
    expected : tuple of str
        What the policy says, as written.
    actual : str, tuple of str or None
        What the request says; None if it has no such key.
    problem : str or None
        Why the statement could not be evaluated, if that is the reason.
    """

    __slots__ = ("_asked", "_condition", "_rule", "actual", "element", "expected", "problem")

    def __init__(
        self,
        rule: Rule,
        asked: Asked,
        element: str,
        expected: tuple[str, ...],
        actual: str | tuple[str, ...] | None,
        problem: str | None = None,
        condition: Condition | None = None,
    ) -> None:
        self._rule, self._asked, self._condition = rule, asked, condition
        self.element, self.expected, self.actual = element, expected, actual
        self.problem = problem

    @property
    def operator(self) -> str | None:
        """The condition operator, as written."""
        return self._condition and self._condition.operator

    @property
    def key(self) -> str | None:
        """The condition key, as written."""
        return self._condition and self._condition.key

    @property
    def sentence(self) -> str:
        """What failed, in words, with a hint where a common slip shows."""
        from iamlab.policy.wording import failure

        return failure(self)

    def __repr__(self) -> str:
        return f"<Failure {self.element}: {self.sentence}>"

    def as_dict(self) -> dict[str, object]:
        """Give the failure as plain dicts, lists and texts."""
        actual = list(self.actual) if isinstance(self.actual, tuple) else self.actual
        return {
            "element": self.element,
            "operator": self.operator,
            "key": self.key,
            "expected": list(self.expected),
            "actual": actual,
            "problem": self.problem,
            "sentence": self.sentence,
        }
