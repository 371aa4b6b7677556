"""One compiled statement: does it apply to a request, and if not, which element failed first?"""

from __future__ import annotations

from functools import lru_cache

from iamlab.policy.arn import DIRECT
from iamlab.policy.conditions import Condition
from iamlab.policy.decision import Failure
from iamlab.policy.matching import resource, wildcard
from iamlab.policy.variables import Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from iamlab.policy.document import Policy, Statement
    from iamlab.policy.evaluation import Asked


class Rules:
    """The compiled statements of one policy, looked up by action.

    Kept in ``Policy._compiled``. A Policy never changes, so neither does this: what is remembered
    for an action stays right.
    """

    __slots__ = ("_by_action", "_most", "rules")

    def __init__(self, policy: Policy) -> None:
        self.rules = tuple(Rule(statement, policy) for statement in policy.statements)
        self._by_action = {}
        self._most = max(16, 100_000 // (len(self.rules) + 1))

    def about(self, action: str) -> tuple[Rule, ...]:
        """Give the statements whose Action element matches (action in small letters)."""
        found = self._by_action.get(action)
        if found is None:
            if len(self._by_action) >= self._most:
                self._by_action.clear()
            found = tuple(rule for rule in self.rules if rule.names_action(action))
            self._by_action[action] = found
        return found


def compiled(policy: Policy) -> Rules:
    """Compile a policy, once."""
    if policy._compiled is None:
        policy._compiled = Rules(policy)
    return policy._compiled


class Rule:
    """One statement. Action is looked at first, then Resource, Principal and the conditions.

    Resources and conditions are compiled when the action matches for the first time.
    """

    __slots__ = ("allows", "conditions", "inverted", "policy", "resources", "statement")

    def __init__(self, statement: Statement, policy: Policy) -> None:
        self.statement, self.policy = statement, policy
        self.allows = statement.effect == "Allow"
        self.resources = None

    @property
    def variables(self) -> bool:
        """True if `${...}` is a variable here, and not plain text."""
        return self.policy.version == "2012-10-17"

    def _compile(self) -> None:
        statement, variables = self.statement, self.variables
        self.conditions = [Condition(*c, variables) for c in statement.conditions]
        self.inverted = statement.not_resources is not None
        patterns = statement.not_resources if self.inverted else statement.resources
        self.resources = [resource(pattern, variables) for pattern in patterns or ()]

    def names_action(self, action: str) -> bool:
        """Tell whether Action or NotAction covers an action given in small letters."""
        statement = self.statement
        if statement.not_actions is not None:
            return not any(_action(p)(action) for p in statement.not_actions)
        return any(_action(p)(action) for p in statement.actions or ())

    def covers_resource(self, asked: Asked) -> bool:
        """Tell whether Resource or NotResource covers what is asked for."""
        if self.resources is None:
            self._compile()
        text, context = asked.resource, asked.context
        if self.inverted:
            # None: a variable without a value. Such a statement matches nothing.
            return all(matches(text, context) is False for matches in self.resources)
        for matches in self.resources:
            if matches(text, context):
                return True
        if self.statement.resources is None:
            return asked.mode != "key"  # a trust policy has no Resource; a key policy must
        return (
            asked.also is not None
            and self.statement.actions is not None
            and any(matches(asked.also, context) for matches in self.resources)
        )

    def grant(self, asked: Asked) -> int:
        """Say how strongly Principal or NotPrincipal names the caller: 0, or see `arn`."""
        names = asked.caller.names
        statement = self.statement
        if statement.principals is not None:
            return max([names.get(entry, 0) for entry in statement.principals], default=0)
        if statement.not_principals is None:
            return 0
        listed = [entry for entry in statement.not_principals if entry in names]
        if self.allows:
            return 0 if listed else DIRECT
        if asked.bounded:  # documented: it always denies a principal with a boundary
            return DIRECT
        # AWS may compare account, then role, then session: each of them has to be listed.
        every = {level for entry, level in names.items() if entry[1] != "*"}
        found = {names[entry] for entry in listed}
        spared = ("AWS", "*") in listed or (found and found >= every)  # anonymous: never listed
        return 0 if spared else DIRECT

    def holds(self, asked: Asked) -> bool:
        """Tell whether resource and conditions match (the action does already)."""
        if not self.covers_resource(asked):
            return False
        context = asked.context
        for condition in self.conditions:  # noqa: SIM110 (this is the innermost loop)
            if not condition.test(context):
                return False
        return True

    def failure(self, asked: Asked, has_principal: bool) -> Failure | None:
        """Find the first element, in the order of the statement, that does not match."""
        statement, caller = self.statement, asked.caller
        if has_principal and not self.grant(asked):
            element = "NotPrincipal" if statement.principals is None else "Principal"
            entries = statement.not_principals if element == "NotPrincipal" else None
            entries = entries or statement.principals or ()
            canonical = any(kind == "CanonicalUser" for kind, _ in entries)
            return Failure(
                self,
                asked,
                element,
                expected=tuple(value for _, value in entries),
                actual=caller.arn,
                problem="a canonical user ID says nothing about an ARN: it is taken as not matching"
                if canonical
                else None,
            )
        if not self.names_action(asked.act):
            inverted = statement.not_actions is not None
            return Failure(
                self,
                asked,
                "NotAction" if inverted else "Action",
                expected=(statement.not_actions if inverted else statement.actions) or (),
                actual=asked.action,
            )
        if not self.covers_resource(asked):
            return Failure(
                self,
                asked,
                "NotResource" if self.inverted else "Resource",
                expected=(statement.not_resources if self.inverted else statement.resources) or (),
                actual=asked.resource,
                problem=self.resource_problem(),
            )
        for condition in self.conditions:
            if not condition.test(asked.context):
                return Failure(
                    self,
                    asked,
                    "Condition",
                    expected=condition.values,
                    actual=asked.context.get(condition.lookup),
                    problem=condition.problem_with(asked.context),
                    condition=condition,
                )
        return None

    def resource_problem(self) -> str | None:
        """Say why an entry of Resource cannot be evaluated as written."""
        statement = self.statement
        for entry in statement.resources or statement.not_resources or ():
            head = entry.split(":", 5)
            if self.variables and "${" in ":".join(head[:5]):
                return f"a variable may stand only after the fifth colon of an ARN: `{entry}`"
            if len(head) < 6 and not entry.endswith("*"):
                return f"`{entry}` is not an ARN"
        return None

    def missing_variables(self, asked: Asked) -> list[str]:
        """Give the variables of Resource or NotResource that have no value in the request."""
        statement = self.statement
        if not self.variables:
            return []
        entries = statement.resources or statement.not_resources or ()
        return [m for e in entries if "${" in e for m in Template(e).missing(asked.context)]


def _action(pattern: str):
    return _short_action(pattern) if len(pattern) < 200 else wildcard(pattern.lower())


@lru_cache(maxsize=4096)
def _short_action(pattern: str):
    return wildcard(pattern.lower())
