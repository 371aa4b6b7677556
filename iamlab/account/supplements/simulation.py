"""The policy simulator: SimulateCustomPolicy, SimulatePrincipalPolicy, the keys policies ask for.

Nothing is filled in that the caller does not give: a condition key without a value is absent, and
named in MissingContextValues ("Testing IAM policies with the IAM policy simulator", IAM User
Guide). Unlike AWS's, this simulator honours a trust policy given as ResourcePolicy.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from iamlab.account.callers import Caller
from iamlab.account.errors import AwsError
from iamlab.account.supplements.entities import KINDS, find
from iamlab.account.supplements.paging import page
from iamlab.policy import Decision, Policies, Policy, PolicyError, Request, evaluate, parse
from iamlab.policy.arn import split
from iamlab.policy.conditions import FAMILIES
from iamlab.policy.matching import resource as covering
from iamlab.policy.matching import wildcard
from iamlab.policy.variables import Template

# The most restrictive first.
VERDICTS = ("explicitDeny", "implicitDeny", "allowed")
OUTCOMES = {"allow": "allowed", "notAsked": "implicitDeny"}
# How AWS's own examples name the types of policies (the enumeration of the model differs).
DETAILS = {
    "identity": "IAM Policy",
    "resource": "Resource Policy",
    "boundary": "Permissions Boundary Policy",
}
# Actions that a role's trust policy decides.
TRUST = ("sts:assumerole", "sts:tagsession", "sts:setsourceidentity", "sts:setcontext")
# ContextKeyType without "List" -> how its values are read.
READERS = {
    "numeric": FAMILIES["Numeric"],
    "boolean": FAMILIES["Bool"],
    "ip": FAMILIES["IpAddress"],
    "binary": FAMILIES["Binary"],
    "date": FAMILIES["Date"],
}
_EC2 = ("instance", "image", "security-group")
_VPC = (*_EC2, "network-interface")
# ResourceHandlingOption -> types of resources that must be given.
SCENARIOS = {
    "EC2-Classic-InstanceStore": _EC2,
    "EC2-Classic-EBS": (*_EC2, "volume"),
    "EC2-VPC-InstanceStore": _VPC,
    "EC2-VPC-InstanceStore-Subnet": (*_VPC, "subnet"),
    "EC2-VPC-EBS": (*_VPC, "volume"),
    "EC2-VPC-EBS-Subnet": (*_VPC, "subnet", "volume"),
}
# Texts of public logs [O]; those without a mark beside their use below are [I].
UNCLEAR = "Invalid Entity Arn: {} does not clearly define entity type and name."
ELSEWHERE = (
    "Invalid Policy Source Arn: caller's account {} does not have access to policies in account {}"
)
NOT_A_USER = "Invalid caller - Caller must be an IAM user in this context."
NOT_ARNS = "ResourceNames are not in a valid ARN format: {}."
NOT_AN_OWNER = "'{}' is not a valid as a Resource Owner."

NO_ARN = "arn:aws::::*"  # what "*" says of partition and account
_ENTITY = r"arn:aws[\w-]*:iam::(\d{12}|):(user|group|role|oidc-provider|saml-provider)/(.+)"
_OWNER = r"(?:arn:aws[\w-]*:iam::)?(\d{12})(?::root)?"
_NAME, _NAMES = r"[\w+=,.@-]+", r"[\w+=,.@?-]*\*?[\w+=,.@?-]*"
_POLICY_ARN = r"arn:aws[\w-]*:iam::(?:\d{12}|aws):policy/[^*]+\*?[^*]*"

# An attached policy, and what PolicyExclusionList may name it by: type; an inline policy by its
# name and the kind and name of who has it; a managed one by its ARN.
Attached = namedtuple("Attached", "type policy name kind holder arn", defaults=(None,) * 5)


def simulate_custom(call: Any, lab: Any) -> dict[str, Any]:
    """SimulateCustomPolicy (IAM API Reference): policies given as texts."""
    params = call.params
    levels = params.get("OrderedOrganizationPolicyInputList")
    policies = Policies(
        identity=_given(params, "PolicyInputList", "identity"),
        boundary=_boundary(params),
        scps=[_given(level, "ServiceControlPolicyInputList", "scp") for level in levels or ()],
    )
    return _simulate(call, policies, params.get("CallerArn"), bool(levels))


def simulate_principal(call: Any, lab: Any) -> dict[str, Any]:
    """SimulatePrincipalPolicy (IAM API Reference): what a user, group or role really has."""
    params = call.params
    kind, entity = _source(call, lab)
    excluded = [_exclusion(one) for one in params.get("PolicyExclusionList") or ()]

    def kept(attached: Attached) -> bool:
        return not any(means(attached) for means in excluded)

    attached = _attached(lab, call.account, kind, entity)
    caller = lab.callers.principal(entity.arn) or Caller(
        "user", call.account, entity.arn, entity.arn, entity.id, entity.name
    )
    limits = lab.attached.policies(caller, None, None)
    boundary = limits.boundary if kept(Attached("permission-boundary")) else ()
    policies = Policies(
        identity=[one.policy for one in attached if kept(one)]
        + _given(params, "PolicyInputList", "identity"),
        boundary=_boundary(params) or boundary,
        scps=limits.scps if kept(Attached("scp")) else (),
    )
    in_organization = lab.attached.organization_id(call.account) is not None
    caller_arn = params.get("CallerArn") or entity.arn
    return _simulate(call, policies, caller_arn, in_organization)


def keys_custom(call: Any, lab: Any) -> dict[str, Any]:
    """GetContextKeysForCustomPolicy (IAM API Reference)."""
    return {"ContextKeyNames": context_keys(_given(call.params, "PolicyInputList", None))}


def keys_principal(call: Any, lab: Any) -> dict[str, Any]:
    """GetContextKeysForPrincipalPolicy (IAM API Reference): of a user's groups too, no SCPs."""
    policies = [one.policy for one in _attached(lab, call.account, *_source(call, lab))]
    policies += _given(call.params, "PolicyInputList", None)
    return {"ContextKeyNames": context_keys(policies)}


def context_keys(policies: Iterable[Policy]) -> list[str]:
    """Return the condition keys that policies ask for: in conditions and as variables.

    Parameters
    ----------
    policies : iterable of Policy

    Returns
    -------
    list of str
        As written, each once (capitals do not count), in the order of the texts' elements.

    Examples
    --------
    >>> context_keys([parse({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
    ...     "Action": "s3:*", "Resource": "arn:aws:s3:::home/${aws:username}/*",
    ...     "Condition": {"Bool": {"aws:SecureTransport": "true"}}}})])
    ['aws:username', 'aws:SecureTransport']
    """
    found: dict[str, str] = {}
    for policy in policies:
        for key in _asked_for(policy):
            found.setdefault(key.lower(), key)
    return list(found.values())


def _asked_for(policy: Policy) -> Iterator[str]:
    for statement in policy.statements:
        yield from _variables(policy, statement.resources or statement.not_resources or ())
        for _, key, values in statement.conditions:
            yield key
            yield from _variables(policy, values)


def _variables(policy: Policy, texts: Iterable[str]) -> Iterator[str]:
    if policy.version == "2012-10-17":
        for text in texts:
            for variable in Template(text).variables if "${" in text else ():
                yield variable.text[2:-1].partition(",")[0].strip()


# --- what is given ------------------------------------------------------------------------------


def _given(params: Mapping[str, Any], name: str, kind: str | None) -> list[Policy]:
    """Read the policies of a list; AWS calls them PolicyInputList.1 and so on."""
    texts = enumerate(params.get(name) or (), 1)
    return [_read(text, kind, f"{name}.{number}") for number, text in texts]


def _read(text: str, kind: str | None, name: str) -> Policy:
    try:
        return parse(text, kind=kind, name=name)
    except PolicyError as error:
        raise _invalid(f"Invalid policy in {name}: {error}") from None


def _boundary(params: Mapping[str, Any]) -> list[Policy]:
    given = _given(params, "PermissionsBoundaryPolicyInputList", "boundary")
    if len(given) > 1:
        raise _invalid("You can input only one permissions boundary.")
    return given


def _source(call: Any, lab: Any) -> tuple[str, Any]:
    """Find the user, group or role that PolicySourceArn names."""
    arn = call.params["PolicySourceArn"]
    account, kind, path = _entity(arn)
    name = path.rpartition("/")[2]
    if kind.endswith("provider"):
        raise _invalid(UNCLEAR.format(arn))
    if account not in ("", call.account):
        raise _invalid(ELSEWHERE.format(call.account, account))
    entity = find(lab, call.account, kind.capitalize(), name)
    if entity is None or not entity.arn.endswith(f":{kind}/{path}"):
        raise AwsError("NoSuchEntity", KINDS[kind.capitalize()].missing.format(name), 404)
    return kind, entity


def _entity(arn: str) -> tuple[str, str, str]:
    found = re.fullmatch(_ENTITY, arn)
    if found is None:
        raise _invalid(UNCLEAR.format(arn))
    return found[1], found[2], found[3]


def _attached(lab: Any, account: str, kind: str, entity: Any) -> list[Attached]:
    """The identity policies of a user (and their groups), group or role.

    AWS calls an inline policy user_NAME_POLICY, and a managed one by its name.
    """
    holders = [(kind, entity)]
    if kind == "user":
        groups = lab.state.iam(account).groups.values()
        holders += [("group", group) for group in groups if entity in group.users]
    found = []
    for kind, holder in holders:
        for name, text in holder.policies.items():
            policy = _stored(text, f"{kind}_{holder.name}_{name}")
            found.append(Attached("inline", policy, name, kind, holder.name))
        for managed in holder.managed_policies.values():
            whose = "aws-managed" if managed.arn.split(":")[4] == "aws" else "user-managed"
            policy = lab.attached.default_version(managed)
            found.append(Attached(whose, policy, arn=managed.arn))
    return found


def _stored(text: str, name: str) -> Policy:
    try:
        return parse(text, name=name)
    except PolicyError as error:
        raise AwsError("PolicyEvaluation", f"{name} cannot be evaluated: {error}", 500) from None


def _exclusion(identifier: Mapping[str, Any]) -> Callable[[Attached], bool]:
    """Read a PolicyIdentifier; what it gives tells whether an attached policy is meant."""
    if len(identifier) != 1:
        raise _invalid("A PolicyIdentifier has exactly one member.")
    ((member, value),) = identifier.items()
    if member == "PolicyType":
        return lambda attached: attached.type == value
    if member == "PolicyArn":
        if not re.fullmatch(_POLICY_ARN, value):
            raise _invalid(f"Invalid policy ARN in PolicyExclusionList: {value}")
        like = wildcard(value)
        return lambda attached: attached.arn is not None and like(attached.arn)
    name, kind, holder = (
        value.get(field, "") for field in ("PolicyName", "AttachmentType", "AttachmentName")
    )
    if not re.fullmatch(_NAME, name) or not re.fullmatch(_NAMES, holder):
        raise _invalid(f"Invalid inline policy in PolicyExclusionList: {name} of {holder}")
    like = wildcard(holder)
    return lambda attached: (attached.name, attached.kind) == (name, kind) and like(attached.holder)


def _context(params: Mapping[str, Any]) -> dict[str, Any]:
    """Read ContextEntries; a key without values is absent."""
    context = {}
    for entry in params.get("ContextEntries") or ():
        key, values = entry.get("ContextKeyName"), entry.get("ContextKeyValues") or ()
        if not key:
            raise _invalid("A ContextEntry has no ContextKeyName.")
        form = entry.get("ContextKeyType") or "string"
        read, what = READERS.get(form.removesuffix("List"), (str, ""))
        for value in values:
            if read(value) is None:
                raise _invalid(f"The value {value} of context key {key} is not {what}.")
        if values:
            many = form.endswith("List") or len(values) > 1
            context[key] = list(values) if many else values[0]
    return context


def _resources(params: Mapping[str, Any]) -> list[str]:
    resources = params.get("ResourceArns") or ["*"]
    for arn in resources:
        try:
            split(NO_ARN if arn == "*" else arn)
        except ValueError:
            raise _invalid(NOT_ARNS.format(arn)) from None
    option = params.get("ResourceHandlingOption")
    if option is not None and option not in SCENARIOS:
        raise _invalid(f"Invalid ResourceHandlingOption {option}: {', '.join(SCENARIOS)}.")
    given = {arn.split(":", 5)[-1].partition("/")[0] for arn in resources}
    missing = [name for name in SCENARIOS.get(option, ()) if name not in given]
    if missing:
        raise _invalid(f"{option} needs resources of these types too: {', '.join(missing)}.")
    return resources


def _actions(params: Mapping[str, Any]) -> list[str]:
    if not params["ActionNames"]:
        raise _invalid("ActionNames is empty. Name at least one action.")
    for name in params["ActionNames"]:
        if not re.fullmatch(r"[\w-]+:\w+", name, re.ASCII):
            raise _invalid(f"Invalid action name: {name}. Give a service, a colon and one action.")
    return params["ActionNames"]


def _resource_policy(
    params: Mapping[str, Any], caller: str | None, resources: list[str]
) -> Policy | None:
    """Read ResourcePolicy: a trust policy, if all actions are about assuming roles."""
    text = params.get("ResourcePolicy")
    trust = all(action.lower().startswith(TRUST) for action in params["ActionNames"])
    kind = _entity(caller)[1] if caller else None
    if kind is not None and kind.endswith("provider") and not (trust and text):
        raise _invalid(UNCLEAR.format(caller))
    if text is None:
        return None
    if caller is None:
        raise _invalid("Invalid caller - CallerArn is required with a ResourcePolicy.")
    if kind == "group" or (kind == "role" and not trust):
        raise _invalid(NOT_A_USER)
    policy = _read(text, "trust" if trust else "resource", "ResourcePolicy")
    for arn in () if trust else resources:
        if not any(_is_about(statement, arn) for statement in policy.statements):
            raise _invalid(f"The ResourcePolicy is not applicable to the resource {arn}.")
    return policy


def _is_about(statement: Any, arn: str) -> bool:
    """Tell whether a statement may stand in the policy of this resource, or of its bucket."""
    if statement.resources is None:
        return True
    return any(
        pattern == "*"
        or "${" in pattern
        or wildcard(pattern.partition("/")[0])(arn.partition("/")[0])
        for pattern in statement.resources
    )


def _owner(params: Mapping[str, Any]) -> str | None:
    given = params.get("ResourceOwner")
    found = re.fullmatch(_OWNER, given or "")
    if given is not None and found is None:
        raise _invalid(NOT_AN_OWNER.format(given))
    return found and found[1]


def _invalid(text: str) -> AwsError:
    return AwsError("InvalidInput", text)


# --- the simulation -----------------------------------------------------------------------------


def _simulate(
    call: Any, policies: Policies, caller: str | None, in_organization: bool
) -> dict[str, Any]:
    params = call.params
    actions, resources, context = _actions(params), _resources(params), _context(params)
    resource_policy = _resource_policy(params, caller, resources)
    owner, account = _owner(params), call.account
    # Nobody in particular calls, or a group does: then no Principal is ever asked about.
    principal = f"arn:aws:iam::{account}:user/anybody"
    if caller is not None:
        named, kind, path = _entity(caller)
        account = named or account
        kind = "user" if kind == "group" else kind
        principal = f"arn:{caller.split(':')[1]}:iam::{account}:{kind}/{path}"
    policies = Policies(
        policies.identity, resource_policy, policies.boundary, None, policies.scps or None
    )
    given = {key.lower() for key in context}
    asked = context_keys([*policies.identity, *policies.resource])
    missing = [key for key in asked if key.lower() not in given]

    def outcome(action: str, resource: str) -> _Outcome:
        _, partition, _, _, holder, _ = split(NO_ARN if resource == "*" else resource)
        home, who = holder if holder.isdigit() else owner or account, principal
        if caller is None:  # then everything is in one account
            home, who = account, f"arn:{partition}:iam::{account}:user/anybody"
        request = Request(who, action, resource, context, home)
        return _Outcome(evaluate(request, policies), home != account)

    shown = page(actions, params, "EvaluationResults")
    shown["EvaluationResults"] = [
        _result(
            action,
            resources,
            [outcome(action, arn) for arn in resources],
            missing,
            in_organization,
        )
        for action in shown["EvaluationResults"]
    ]
    return shown


class _Outcome:
    """What the answer says of one action and one resource."""

    def __init__(self, decision: Decision, cross_account: bool) -> None:
        steps = {step.policy_type: step for step in decision.steps}
        self.verdict = decision.effect
        # SCPs come first: what they deny is looked at no further.
        self.by_organization = steps["scp"].outcome in ("allow", "notAsked")
        has_boundary = bool(decision.policies.boundary)
        self.by_boundary = steps["boundary"].outcome == "allow" if has_boundary else None
        effect = "Deny" if self.verdict == "explicitDeny" else "Allow"
        self.matched = [
            _statement(result, kind)
            for kind in ("resource", "identity")
            for result in (steps[kind].statements if self.by_organization else ())
            if result.matched and result.effect == effect
        ]
        self.details = None
        if cross_account and self.by_organization:
            self.details = {
                name: OUTCOMES.get(steps[kind].outcome, steps[kind].outcome)
                for kind, name in DETAILS.items()
                if kind != "boundary" or has_boundary
            }


def _result(
    action: str,
    resources: list[str],
    outcomes: list[_Outcome],
    missing: list[str],
    in_organization: bool,
) -> dict[str, Any]:
    """One EvaluationResult: the most restrictive of all resources, then each of them."""
    verdict = min((one.verdict for one in outcomes), key=VERDICTS.index)
    matched: list[dict[str, Any]] = []
    for one in outcomes:
        if one.verdict == verdict != "implicitDeny":
            matched += [found for found in one.matched if found not in matched]
    by_organization = all(one.by_organization for one in outcomes)
    bounded = outcomes[0].by_boundary is not None
    result = {
        "EvalActionName": action,
        "EvalResourceName": _template(action, resources),
        "EvalDecision": verdict,
        "MatchedStatements": matched,
        "MissingContextValues": missing,
        **_allowed_by("Organizations", by_organization if in_organization else None),
        **_allowed_by(
            "PermissionsBoundary", all(one.by_boundary for one in outcomes) if bounded else None
        ),
    }
    if resources == ["*"]:
        return result
    if by_organization:
        details = result["EvalDecisionDetails"] = {}
        for one in outcomes:
            for name, said in (one.details or {}).items():
                details[name] = min(details.get(name, said), said, key=VERDICTS.index)
    result["ResourceSpecificResults"] = [
        {
            "EvalResourceName": arn,
            "EvalResourceDecision": one.verdict,
            "MatchedStatements": one.matched,
            "MissingContextValues": missing,
            **({} if one.details is None else {"EvalDecisionDetails": one.details}),
            **_allowed_by("PermissionsBoundary", one.by_boundary),
        }
        for arn, one in zip(resources, outcomes, strict=True)
    ]
    return result


def _allowed_by(what: str, allowed: bool | None) -> dict[str, Any]:
    return {} if allowed is None else {f"{what}DecisionDetail": {f"AllowedBy{what}": allowed}}


def _statement(result: Any, kind: str) -> dict[str, Any]:
    policy = result.document
    (line, column), end = policy.span(result.index)
    # A single statement without a list begins after its brace: so in all of AWS's examples.
    single = policy.place("Statement") == policy.place("")
    return {
        "SourcePolicyId": policy.name,
        "SourcePolicyType": DETAILS[kind],
        "StartPosition": {"Line": line, "Column": column + single},
        "EndPosition": dict(zip(("Line", "Column"), end, strict=True)),
    }


def _template(action: str, resources: list[str]) -> str:
    """The form of the ARNs that an action is about ("EvaluationResult", IAM API Reference)."""
    if resources == ["*"]:
        return "*"
    from iamlab.policy.catalog import resource_types

    # AWS's own example calls an object's name KeyName.
    forms = [form.replace("ObjectName", "KeyName") for _, form in resource_types(action)]
    for form in forms:
        if covering(re.sub(r"\$\{.*?\}", "*", form), False)(resources[0]):
            return form
    return forms[0] if forms else "*"


REGISTRY = {
    ("iam", "GetContextKeysForCustomPolicy"): keys_custom,
    ("iam", "GetContextKeysForPrincipalPolicy"): keys_principal,
    ("iam", "SimulateCustomPolicy"): simulate_custom,
    ("iam", "SimulatePrincipalPolicy"): simulate_principal,
}
BEFORE = {}
