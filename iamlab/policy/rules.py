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

    __slots__ = ("_by_action", "rules")

    def __init__(self, policy: Policy) -> None:
        self.rules = tuple([Rule(statement, policy) for statement in policy.statements])
        self._by_action = {}

    def about(self, action: str) -> tuple[Rule, ...]:
        """Give the statements whose Action element matches (action in small letters)."""
        found = self._by_action.get(action)
        if found is None:
            known = self._by_action
            if len(known) >= 16 and (len(known) + 1) * (len(self.rules) + 1) > 100_000:
                known.clear()
            found = []
            for rule in self.rules:
                if rule.names_action(action):
                    if rule.covers is None:
                        rule.compile()
                    found.append(rule)
            found = known[action] = tuple(found)
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

    __slots__ = (
        "allows",
        "always",
        "conditions",
        "covers",
        "everybody",
        "policy",
        "statement",
        "tests",
    )

    def __init__(self, statement: Statement, policy: Policy) -> None:
        self.statement, self.policy = statement, policy
        self.allows = statement.effect == "Allow"
        self.covers = None

    @property
    def variables(self) -> bool:
        """True if `${...}` is a variable here, and not plain text."""
        return self.policy.version == "2012-10-17"

    def compile(self) -> None:
        """Make resources and conditions ready, and see whether they always match."""
        statement, variables = self.statement, self.policy.version == "2012-10-17"
        resources, conditions = statement.resources, statement.conditions
        self.everybody = ("AWS", "*") in (statement.principals or ())
        self.always = not conditions and resources == ("*",)
        self.conditions = self.tests = ()
        if conditions:
            self.conditions = [_condition(*c, variables) for c in conditions]
            self.tests = [condition.test for condition in self.conditions]
        if resources is None:
            excluded = statement.not_resources
            self.covers = _no_resource if excluded is None else _none_of(excluded, variables)
        elif len(resources) == 1:
            self.covers = _resource(resources[0], variables)
        else:
            self.covers = _any_of(resources, variables)

    def names_action(self, action: str) -> bool:
        """Tell whether Action or NotAction covers an action given in small letters."""
        statement = self.statement
        named = statement.actions is not None
        for pattern in statement.actions if named else statement.not_actions:
            if pattern == "*" or (
                _short_action(pattern) if len(pattern) < _SHORT else wildcard(pattern.lower())
            )(action):
                return named
        return not named

    def covers_resource(self, asked: Asked) -> bool:
        """Tell whether Resource or NotResource covers what is asked for."""
        return bool(self.covers(asked.resource, asked.context)) or (
            asked.also is not None
            and bool(self.statement.resources and self.statement.actions)
            and bool(self.covers(asked.also, asked.context))
        )

    def holds(self, asked: Asked) -> bool:
        """Tell whether resource and conditions match (the action does already)."""
        context = asked.context
        if not self.covers(asked.resource, context) and not (
            asked.also is not None and self.covers_resource(asked)
        ):
            return False
        for test in self.tests:  # noqa: SIM110 (this is the innermost loop)
            if not test(context):
                return False
        return True

    def grant(self, asked: Asked) -> int:
        """Say how strongly Principal or NotPrincipal names the caller: 0, or see `arn`."""
        names = asked.caller.names
        statement = self.statement
        if statement.principals is not None:
            strongest = 0
            for entry in statement.principals:
                if names.get(entry, 0) > strongest:
                    strongest = names[entry]
            return strongest
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
        # An anonymous caller has no name to be listed by: the Deny is for them too.
        spared = ("AWS", "*") in listed or (every and found >= every)
        return 0 if spared else DIRECT

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
                "Resource" if statement.not_resources is None else "NotResource",
                expected=statement.not_resources or statement.resources or (),
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


def _any_of(resources: tuple[str, ...], variables: bool):
    matchers = [_resource(pattern, variables) for pattern in resources]

    def covers(text, context):
        for matches in matchers:  # noqa: SIM110 (quicker than any())
            if matches(text, context):
                return True
        return False

    return covers


def _none_of(resources: tuple[str, ...], variables: bool):
    matchers = [_resource(pattern, variables) for pattern in resources]
    # A matcher answers None for a variable without a value: then the statement matches nothing.
    return lambda text, context: all(matches(text, context) is False for matches in matchers)


def _no_resource(text: str, context: dict) -> bool:
    """A trust policy has no Resource. A key policy must: without, its statement has no effect."""
    return text.split(":", 3)[2:3] != ["kms"]


# Compiled pieces of text are remembered: they depend on nothing but the text. Not the long ones,
# lest somebody's megabytes stay in memory.
_SHORT = 300


def _resource(pattern: str, variables: bool):
    make = _short_resource if len(pattern) < _SHORT else resource
    return make(pattern, variables)


def _condition(operator: str, key: str, values: tuple[str, ...], variables: bool) -> Condition:
    make = _short_condition if len(key) + sum(map(len, values)) < _SHORT else Condition
    return make(operator, key, values, variables)


_short_action = lru_cache(maxsize=4096)(lambda pattern: wildcard(pattern.lower()))
_short_resource = lru_cache(maxsize=4096)(resource)
_short_condition = lru_cache(maxsize=4096)(Condition)
