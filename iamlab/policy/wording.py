"""Every sentence of an explanation. The facts come from `decision` and `rules`; here are words.

Written for somebody who meets IAM for the first time: short sentences, both values shown, and a
hint where a common slip can be seen.
"""

from __future__ import annotations

from iamlab.policy.matching import wildcard
from iamlab.policy.variables import Template, split_arn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from iamlab.policy.decision import Decision, Failure, StatementResult, Step

TYPES = {
    "rcp": "resource control policy (RCP)",
    "scp": "service control policy (SCP)",
    "resource": "resource policy",
    "identity": "identity policy",
    "boundary": "permissions boundary",
    "session": "session policy",
}
_SPECIAL = {"trust": "role trust policy", "key": "key policy"}


def decision(decided: Decision) -> str:
    """Put a decision into a few plain sentences."""
    asked = decided._asked
    caller = asked.caller.short
    target = f" on {asked.resource}" if asked.resource != "*" else ""
    may = "may" if decided.allowed else "may not"
    verdict = "Allowed" if decided.allowed else "Denied"
    lines = [f"{verdict}: {caller} {may} do {asked.action}{target}."]
    steps = {step.policy_type: step for step in decided.steps}
    if decided.allowed:
        lines += _why_allowed(decided, steps)
        lines += [
            f"{_named(r)} would deny it, but does not match at Condition: {r.failure.sentence}"
            for r in _nearly_denying(decided)
        ]
    else:
        if decided.blocked_by != "resource" and steps["resource"].outcome == "allow":
            lines.append(steps["resource"].sentence)
        lines.append(steps[decided.blocked_by].sentence)
        if decided.effect == "explicitDeny":
            others = [r for r in decided.deciding if r not in steps[decided.blocked_by].statements]
            lines += [f"{_named(r)} denies it too." for r in others[:2]]
        else:
            lines += [
                f"{_named(r)} does not match at {r.failure.element}: {r.failure.sentence}"
                for r in closest(decided)
            ]
    lines += [f"Note: {warning}" for warning in decided.warnings]
    return "\n".join(lines)


def _why_allowed(decided: Decision, steps: dict[str, Step]) -> list[str]:
    how = decided.granted_by
    if how == "always":
        return [
            f"AWS answers {decided._asked.action} to everyone who has signed the request, "
            "whatever the policies say."
        ]
    if how in ("direct", "entity", "resource only"):
        return [steps["resource"].sentence]
    if how in ("both", "trust", "key", "chained"):
        return [steps["resource"].sentence, steps["identity"].sentence]
    return [steps["identity"].sentence]


def closest(decided: Decision) -> list[StatementResult]:
    """Pick the Allow statements that came nearest, where one was missing."""
    found = []
    steps = {step.policy_type: step for step in decided.steps}
    order = ("Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource")
    for result in steps[decided.blocked_by].statements:
        if result.effect == "Allow" and not result.matched:
            element = result.failure.element
            found.append((order.index(element) if element in order else len(order), result))
    found.sort(key=lambda pair: -pair[0])
    return [result for _, result in found[:2]]


def _nearly_denying(decided: Decision) -> list[StatementResult]:
    """Pick the Deny statements that only a condition kept from matching."""
    results = [r for said in decided.steps for r in said.statements]
    denying = [r for r in results if r.effect == "Deny" and not r.matched]
    return [r for r in denying if r.failure.element == "Condition"][:2]


def step(decided: Decision, said: Step) -> str:
    """Say in a sentence or two what one type of policy said."""
    asked = decided._asked
    name = _type_name(said.policy_type, asked)
    hits = [r for r in said.statements if r.matched]
    if said.outcome == "explicitDeny":
        denying = [r for r in hits if r.effect == "Deny"]
        return f"{_named(denying[0])} denies it. A matching Deny always wins."
    if said.outcome == "notAsked":
        return _not_asked(decided, said, name)
    if said.outcome == "allow":
        return _allows(decided, said, hits, name)
    return _silent(decided, said, name)


def _not_asked(decided: Decision, said: Step, name: str) -> str:
    asked, caller = decided._asked, decided._asked.caller
    if decided.granted_by == "always":
        return f"Not asked: policies have no say about {asked.action}."
    given = any(decided.policies.of(said.policy_type))
    if said.policy_type == "resource" and (
        decided.blocked_by == "resource" or caller.kind in ("anonymous", "service", "provider")
    ):
        if not asked.same_account and caller.account:
            return (
                "The resource has no policy of its own. A caller from another account needs one "
                "that names it, as well as its own identity policy."
            )
        return "The resource has no policy of its own, and nothing else can allow this caller."
    if said.policy_type == "identity":
        return f"Not asked: {caller.short} has no identity policies."
    if not given:
        more = " In one account it is not needed." if said.policy_type == "resource" else ""
        return f"Not asked: there is no {name}.{more}"
    if caller.service_linked:
        return f"Not asked: a {name} does not bind service-linked roles."
    if said.policy_type == "rcp":
        return f"Not asked: RCPs do not cover {asked.act.partition(':')[0]}, or this role."
    return f"Not asked: a {name} does not apply to {caller.short}."


def _allows(decided: Decision, said: Step, hits: list[StatementResult], name: str) -> str:
    asked, caller = decided._asked, decided._asked.caller
    if said.policy_type == "identity" and caller.is_root:
        return "The root user may do everything in its own account; no identity policy limits it."
    allowing = [r for r in hits if r.effect == "Allow"]
    if said.policy_type == "rcp":
        return "No RCP denies it. (AWS's own RCPFullAWSAccess always allows.)"
    sentence = f"{_named(allowing[0])} allows it."
    if said.policy_type == "scp":
        return f"Every level of service control policies allows it. {sentence}"
    if said.policy_type == "resource":
        if decided.granted_by == "direct":
            sentence += " It names the caller itself, or everybody: in one account that is enough."
        elif decided.granted_by == "entity":
            sentence += " It names who is behind the session: no identity policy has to agree."
        elif decided.granted_by == "chained":
            sentence += " A role that goes on to another role needs it in its own policies too."
        elif not asked.same_account and caller.account:
            sentence += " The caller is of another account, so its identity policy must agree."
        elif caller.account:
            sentence += " It names the account only: the caller's identity policy has to agree."
    elif said.policy_type in ("boundary", "session"):
        sentence += f" A {name} gives nothing; it only sets the limit."
    return sentence


def _silent(decided: Decision, said: Step, name: str) -> str:
    asked, caller = decided._asked, decided._asked.caller
    if said.policy_type == "resource" and decided.granted_by in ("foreign", "root"):
        return {
            "foreign": "The caller and the resource are in different partitions of AWS (such as "
            "aws and aws-cn). No grant reaches from one to the other.",
            "root": "AWS does not let the root user assume a role.",
        }[decided.granted_by]
    if said.policy_type == "session" and not decided.policies.session:
        sentence = (
            "A federated user without a session policy gets nothing from the policies of the "
            "user who made the session."
        )
    elif said.policy_type == "scp":
        levels = range(len(decided.policies.scps))
        allowing = {r.level for r in said.statements if r.matched and r.effect == "Allow"}
        level = next(n for n in levels if n not in allowing)
        sentence = (
            f"No SCP at level {level + 1} (1 is the root of the organization) allows "
            f"{asked.action}. Every level has to."
        )
    elif not said.statements:
        none = "no identity policies" if said.policy_type == "identity" else f"an empty {name}"
        sentence = f"Nothing allows it: {caller.short} has {none} at all."
        if said.policy_type != "identity":
            sentence = f"Nothing allows it: the {name} has no statements."
    else:
        count = len(said.statements)
        whose = f" of {caller.short}" if said.policy_type == "identity" else ""
        one, many = "the one statement does not match", f"none of the {count} statements matches"
        which = one if count == 1 else many
        sentence = f"No {name}{whose} allows it: {which}."
        if any(r.matched and r.effect == "Deny" for r in said.statements):
            sentence = f"No {name} allows it."
    if decided.allowed or said.policy_type != decided.blocked_by:
        return sentence + _does_not_matter(decided, said)
    if said.policy_type == "resource" and asked.mode in _SPECIAL and asked.same_account:
        sentence += f" A {name} must agree, also within one account."
    elif said.policy_type == "resource" and not asked.same_account and caller.account:
        sentence += " The caller is of another account, so both sides must allow."
    elif said.policy_type in ("boundary", "session"):
        sentence += f" What the {name} does not allow is beyond the limit, whoever allows it."
    return sentence


def _does_not_matter(decided: Decision, said: Step) -> str:
    if not decided.allowed:
        return ""
    if decided.granted_by in ("direct", "entity", "resource only"):
        return " It need not: the resource policy is enough."
    return " It need not: the identity policy is enough."


def _type_name(policy_type: str, asked) -> str:
    if policy_type == "resource":
        return _SPECIAL.get(asked.mode, TYPES["resource"])
    return TYPES[policy_type]


def _named(result: StatementResult) -> str:
    sid = f" ({result.sid})" if result.sid else ""
    kind = _type_name(result._type, result._asked)
    given = result._rule.policy
    if given.name or given.arn:
        policy = f"the {kind} {given.name or given.arn}"
    elif result.level is not None:
        policy = f"{kind} {result._place + 1} at level {result.level + 1}"
    elif result._type in ("resource", "boundary"):
        policy = f"the {kind}"
    else:
        policy = f"{kind} {result._place + 1}"
    return f"Statement {result.index + 1}{sid} of {policy}"


def warnings(decided: Decision) -> tuple[str, ...]:
    """Say what could not be evaluated, and what is seldom meant as it is written."""
    asked, policies = decided._asked, decided.policies
    found = []
    if asked.caller.is_root and (policies.identity or policies.boundary):
        found.append("identity policies and boundaries do not bind the root user: not looked at.")
    for said in decided.steps:
        for result in said.statements:
            rule = result._rule
            about = f"{_named(result)}: "
            if not rule.names_action(asked.act):
                continue
            if said.policy_type == "resource":
                found += [about + text for text in _principal_warnings(rule, asked, result)]
            problem = rule.resource_problem()
            if problem:
                found.append(f"{about}it could not be evaluated: {problem}.")
            if not rule.covers_resource(asked):
                continue
            for condition in rule.conditions:
                problem = condition.problem_with(asked.context)
                actual = asked.context.get(condition.lookup)
                if problem:
                    found.append(f"{about}a condition could not be evaluated: {problem}.")
                elif (
                    type(actual) is tuple
                    and not condition.quantifier
                    and (condition.family != "Null" and len(actual) > 1)
                ):
                    found.append(
                        f"{about}`{condition.key}` has several values in this request. Say "
                        f"ForAnyValue:{condition.operator} or ForAllValues:{condition.operator}; "
                        "AWS does not define the plain operator, here any value may match."
                    )
    return tuple(dict.fromkeys(found))


def _principal_warnings(rule, asked, result) -> list[str]:
    statement = rule.statement
    entries = statement.principals or statement.not_principals or ()
    found = []
    if any(kind == "CanonicalUser" for kind, _ in entries):
        found.append("canonical user IDs are not evaluated: they are taken as not matching.")
    if statement.not_principals is not None and result.matched:
        if statement.effect == "Allow":
            found.append("AWS does not support NotPrincipal with Allow.")
        elif asked.bounded:
            found.append("a Deny with NotPrincipal always hits a caller with a boundary.")
        else:
            found.append(
                "to spare a caller, NotPrincipal must list its account as well as the user, and "
                "for a session also the role; AWS advises a condition on aws:PrincipalArn instead."
            )
    return found


# --- what failed ---------------------------------------------------------------------------------


def failure(failed: Failure) -> str:
    """Say which two values were compared, and add a hint where a common slip shows."""
    if failed.problem:
        return f"This could not be evaluated: {failed.problem}."
    if failed.element == "Condition":
        return _condition(failed)
    wrote, actual = _list(failed.expected), _quote(failed.actual)
    if failed.element in ("NotAction", "NotResource", "NotPrincipal"):
        missing = failed._rule.missing_variables(failed._asked)
        if failed.element == "NotResource" and missing:
            return f"you wrote {wrote}, but the request has no value for {_list(missing)}."
        if failed.element == "NotPrincipal":
            return f"you excepted {wrote}; the caller is {actual}, which is among them."
        return f"you excepted {wrote}; the request is for {actual}, which is among them."
    if failed.element == "Principal":
        sentence = f"you wrote {wrote or 'no principal'}; the caller is {actual}"
    elif failed.element == "Action":
        sentence = f"you wrote {wrote or 'no action'}; the request is for {actual}"
    else:
        sentence = f"you wrote {wrote or 'no resource'}; the request is for {actual}"
    hint = next((h for h in _HINTS[failed.element](failed) if h), "")
    return f"{sentence}: {hint}." if hint else f"{sentence}."


def _principal_hints(failed: Failure):
    caller = failed._asked.caller
    for entry in failed.expected:
        if "*" in entry and entry != "*":
            yield "a star inside a principal's ARN is no wildcard; only `*` alone is"
        account = entry.split(":")[4] if entry.endswith(":root") else entry
        if account.isdigit() and caller.account and account != caller.account:
            yield f"the caller is of account {caller.account}, not of {account}"
        if entry[:4] in ("AIDA", "AROA"):
            yield (
                f"{entry} is the unique ID of a user or role that was deleted; one made anew with "
                "the same name is another"
            )
        if entry.lower() == caller.arn.lower():
            yield "capitals count in names"
        if (
            caller.kind == "role"
            and entry.rpartition("/")[2] == (caller.issuer or "").rpartition("/")[2]
        ):
            yield f"the role behind this session is `{caller.issuer}`"


def _action_hints(failed: Failure):
    service, _, name = failed._asked.act.partition(":")
    for pattern in failed.expected:
        written = pattern.lower().partition(":")
        if written[0] == service and name.startswith("list") and written[2] in ("get*", "read*"):
            yield f"listing is an action of its own, `{failed.actual}`"
        if written[0] != service and written[2] and wildcard(written[2])(name):
            yield f"`{written[0]}` and `{service}` are different services"


def _resource_hints(failed: Failure):
    rule, asked = failed._rule, failed._asked
    actual = asked.resource
    if not rule.variables and any("${" in entry for entry in failed.expected):
        yield (
            'without `"Version": "2012-10-17"` a policy has no variables: `${...}` is plain text'
        )
    missing = rule.missing_variables(asked)
    if missing:
        yield f"the request has no value for {_list(missing)}"
    if actual == "*":
        yield f"{asked.action} is about no single resource here, so only `*` matches"
    for entry in failed.expected:
        text = Template(entry).text(asked.context) if rule.variables and "${" in entry else entry
        if text is None:
            continue
        if text.lower() == actual.lower() or wildcard(text.lower())(actual.lower()):
            yield "capitals count in ARNs"
        if text.startswith("arn:") and ":s3:::" in text:
            if "/" not in text and actual.startswith(text + "/"):
                yield f"`{text}` is the bucket itself; the objects in it are `{text}/*`"
            if text.endswith("/*") and actual == text[:-2]:
                yield f"`{text}` is the objects in the bucket; the bucket itself is `{actual}`"
        if actual.startswith(text) and not text.endswith("*") and len(text.split(":")) > 5:
            yield f"to match everything that begins so, end it with a star: `{text}*`"
        part = _differing_part(text, actual)
        if part and len(failed.expected) == 1:
            yield part


_NO_VARIABLES = (
    'without `"Version": "2012-10-17"` a policy has no variables: `${...}` is plain text there'
)
_PARTS = ("the word arn", "partition", "service", "region", "account")


def _differing_part(written: str, actual: str) -> str | None:
    """Name the one part of two ARNs that differs, if it is one of the first five."""
    one, other = split_arn(written), split_arn(actual)
    if len(one) != 6 or len(other) != 6:
        return None
    differing = [i for i in range(6) if not wildcard(one[i])(other[i])]
    if len(differing) == 1 and differing[0] < 5:
        part = differing[0]
        here, there = _quote(one[part] or " "), _quote(other[part] or " ")
        return f"the {_PARTS[part]} is {here} in one, {there} in the other"
    return None


_HINTS = {"Principal": _principal_hints, "Action": _action_hints, "Resource": _resource_hints}


def _condition(failed: Failure) -> str:
    condition, context = failed._condition, failed._asked.context
    values = [
        Template(v).text(context) or v if condition.templates and "${" in v else v
        for v in failed.expected
    ]
    wrote = _list(failed.expected, "or")
    if tuple(values) != failed.expected:
        wrote += f" (here {_list(values, 'or')})"
    wanted = f"{condition.operator} `{condition.key}` {wrote}"
    if failed.actual is None:
        sentence = f"you wrote {wanted}; the request has no `{condition.key}`"
    else:
        has = _list(failed.actual) if type(failed.actual) is tuple else _quote(failed.actual)
        sentence = f"you wrote {wanted}; in the request `{condition.key}` is {has}"
        if condition.negated:
            sentence += ", which it excludes"
    hint = next((h for h in _condition_hints(failed, condition, values) if h), "")
    return f"{sentence}: {hint}." if hint else f"{sentence}."


def _condition_hints(failed: Failure, condition, values):
    actual, context = failed.actual, failed._asked.context
    missing = [m for template in condition.templates for m in template.missing(context)]
    if missing:
        yield f"the request has no value for {_list(missing)}"
    if not failed._rule.variables and any("${" in v for v in failed.expected):
        yield (
            'without `"Version": "2012-10-17"` a policy has no variables: `${...}` is plain text'
        )
    if condition.family == "Null":
        return
    if actual is None:
        if condition.family == "Bool":
            yield (
                f"a key that is absent is neither true nor false, so {condition.operator} does "
                "not match; BoolIfExists does"
            )
        if condition.quantifier == "foranyvalue":
            yield "ForAnyValue needs at least one value"
        yield "a condition on an absent key does not match"
    if condition.base in ("stringequals", "stringequalsignorecase") and type(actual) is str:
        if any(("*" in v or "?" in v) and wildcard(v)(actual) for v in values):
            yield f"{condition.operator} takes `*` and `?` as they are; StringLike has wildcards"
        if any(v.casefold() == actual.casefold() for v in values):
            yield "only the capitals differ, and they count; StringEqualsIgnoreCase lets them"
    if condition.base == "stringlike" and type(actual) is str:
        if any(wildcard(v.lower())(actual.lower()) for v in values):
            yield "only the capitals differ, and they count"
        if any(v and v in actual and "*" not in v for v in values):
            yield "StringLike compares the whole value; put a star where more may stand"
    if condition.quantifier == "forallvalues" and type(actual) is tuple:
        bad = [v for v in actual if not condition.test({**context, condition.lookup: v})]
        if bad:
            yield f"every value has to pass, and {_list(bad)} does not"


def _quote(value: str | None) -> str:
    text = "" if value is None else value
    return f"`{text}`" if len(text) <= 300 else f"`{text[:200]}...` ({len(text):,} characters)"


def _list(values, word: str = "and") -> str:
    shown = [_quote(value) for value in values[:6]]
    if len(values) > 6:
        shown.append(f"{len(values) - 6} more")
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} {word} {shown[-1]}"
