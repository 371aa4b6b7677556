"""What IAM Access Analyzer finds wrong with the text of a policy, in its own codes and words.

Only codes of the page "IAM policy validation check reference" (IAM User Guide) are given. Where
`advice` says more than AWS has a code for, nothing is said here.
"""

from __future__ import annotations

import re
from collections import namedtuple

from . import catalog
from .advice import advise
from .conditions import Condition, read_network, read_number
from .document import parse
from .grammar import Refused, read_json, read_policy
from .matching import resource as resource_matcher
from .matching import wildcard
from .places import Places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .document import Policy

    Found = Iterator[tuple[str, str, dict[str, str]]]

_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks"
_TOO_WIDE = " We recommend that you specify resource ARNs instead."
_OR_KEY = " We recommend that you specify resource ARNs or add the iam:PassedToService condition key to your statement."  # noqa: E501
_PRIVATE = "aws:SourceIp works only for public IP address ranges."

# type -> code -> what AWS says; a name in braces is filled in.
MESSAGES = {
    "ERROR": {
        "ARN_ACCOUNT_NOT_ALLOWED": "The service {service} does not support specifying an account "
        "ID in the resource ARN.",
        "ARN_REGION_NOT_ALLOWED": "The service {service} does not support specifying a Region in "
        "the resource ARN.",
        "DATA_TYPE_MISMATCH": "The text does not match the expected JSON data type.",
        "DUPLICATE_KEYS_WITH_DIFFERENT_CASE": "The condition key {key} appears more than once with "
        "different capitalization in the same condition block. Remove the duplicate condition "
        "keys.",
        "INVALID_ACTION": "The action {action} does not exist.{nearest}",
        "INVALID_ARN_ACCOUNT": "The resource ARN account ID {account} is not valid. Provide a "
        "12-digit account ID.",
        "INVALID_ARN_PREFIX": "Add the required prefix (arn) to the resource ARN.",
        "INVALID_ARN_RESOURCE": "Resource ARN does not match the expected ARN format. Update the "
        "resource portion of the ARN.",
        "INVALID_ARN_SERVICE_CASE": "Update the service name {service} in the resource ARN to use "
        "all lowercase letters.",
        "INVALID_CONDITION_MULTIPLE_BOOLEAN": "The condition key does not support multiple Boolean "
        "values. Use a single Boolean value.",
        "INVALID_CONDITION_OPERATOR": "The condition operator {operator} is not valid. Use a valid "
        "condition operator.",
        "INVALID_EFFECT": "The effect {effect} is not valid. Use Allow or Deny.",
        "INVALID_GLOBAL_CONDITION_KEY": "The condition key {key} does not exist. Use a valid "
        "condition key.",
        "INVALID_PARTITION": "The resource ARN for the service {service} does not support the "
        "partition {partition}. Use the supported values: {partitions}",
        "INVALID_POLICY_ELEMENT": "The policy element {element} is not valid.",
        "INVALID_PRINCIPAL_FORMAT": "The Principal element contents are not valid. Specify a "
        "key-value pair in the Principal element.",
        "INVALID_PRINCIPAL_KEY": "The principal key {key} is not valid.",
        "INVALID_SERVICE": "The service {service} does not exist. Use a valid service name.",
        "INVALID_SERVICE_CONDITION_KEY": "The condition key {key} does not exist in the service "
        "{service}. Use a valid condition key.",
        "INVALID_SERVICE_IN_ACTION": "The service {service} specified in the action does not "
        "exist.{nearest}",
        "INVALID_VARIABLE_FOR_OPERATOR": "Policy variables can only be used with String and ARN "
        "operators.",
        "INVALID_VERSION": "The version {version} is not valid. Use one of the following versions: "
        "2012-10-17, 2008-10-17",
        "JSON_SYNTAX_ERROR": "Fix the JSON syntax error at index {index} line {line} column "
        "{column}.",
        "MISSING_ACTION": "Add an Action or NotAction element to the policy statement.",
        "MISSING_ARN_FIELD": "Resource ARNs must include at least 6 fields in the following "
        "structure: arn:partition:service:region:account:resource",
        "MISSING_EFFECT": "Add an Effect element to the policy statement with a value of Allow or "
        "Deny.",
        "MISSING_PRINCIPAL": "Add a Principal element to the policy statement.",
        "MISSING_QUALIFIER": "The request context key {key} has multiple values. Use the "
        "ForAllValues or ForAnyValue condition key qualifiers in your policy.",
        "MISSING_RESOURCE": "Add a Resource or NotResource element to the policy statement.",
        "MISSING_STATEMENT": "Add a statement to the policy",
        "MISSING_BRACE_IN_VARIABLE": "The policy variable is missing a closing curly brace. Add } "
        "after the variable text.",
        "EMPTY_VARIABLE": "Empty policy variable. Remove the ${ } variable structure or provide a "
        "variable within the structure.",
        "NULL_WITH_IF_EXISTS": "The Null condition operator cannot be used with the IfExists "
        "suffix. Update the operator or the suffix.",
        "SCP_SYNTAX_ERROR_PRINCIPAL": "SCPs do not support specifying principals. Remove the "
        "Principal or NotPrincipal element.",
        "RCP_SYNTAX_ERROR_PRINCIPAL": "The Principal element contents are not valid. RCPs only "
        'support specifying all principals ("*") in the Principal element. The NotPrincipal '
        "element is not supported for RCPs.",
        "RCP_SYNTAX_ERROR_ALLOW": 'RCPs only support specifying all principals ("*") in the '
        'Principal element, all resources ("*") in the Resource element, and no Condition element '
        "with an effect of Allow.",
        "RCP_SYNTAX_ERROR_NOTACTION": "RCPs do not support the NotAction element. Update to use "
        "the Action element.",
        "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL": "Role trust policies do not support "
        "NotPrincipal. Update the policy to use a Principal element instead.",
        "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE": "Role trust policies apply to the role that "
        "they are attached to. You cannot specify a resource. Remove the Resource or NotResource "
        "element.",
        "TYPE_MISMATCH_IP_RANGE": "The condition operator {operator} is used with an invalid IP "
        "range value. Specify the IP range in standard CIDR format.",
        "UNIQUE_SIDS_REQUIRED": "Duplicate statement IDs are not supported for this policy type. "
        "Update the Sid value.",
        "UNSUPPORTED_ACTION_IN_POLICY": "The action {action} is not supported for the "
        "resource-based policy attached to the resource type {type}.",
        "UNSUPPORTED_ELEMENT_COMBINATION": "The policy elements {element} and Not{element} can not "
        "be used in the same statement. Remove one of these elements.",
        "UNSUPPORTED_PRINCIPAL": "The policy type {type} does not support the Principal element. "
        "Remove the Principal element.",
        "UNSUPPORTED_SID": "Update the characters in the Sid element to use one of the following "
        "character types: [a-z, A-Z, 0-9]",
        "UNSUPPORTED_WILDCARD_IN_PRINCIPAL": "Wildcards (*, ?) are not supported with the "
        "principal key {key}. Replace the wildcard with a valid principal value.",
        "VARIABLE_UNSUPPORTED_IN_VERSION": "To include variables in your policy, use the policy "
        "version 2012-10-17 or later.",
        "PRIVATE_IP_ADDRESS": f"{_PRIVATE} The values for condition key aws:SourceIp include only "
        "private IP addresses and will not have the desired effect. Update the value to include "
        "only public IP addresses.",
        "PRIVATE_NOT_IP_ADDRESS": "The values for condition key aws:SourceIp include only private "
        f"IP addresses and has no effect. {_PRIVATE} Update the value to include only public IP "
        "addresses.",
        "POLICY_SIZE_EXCEEDS_SCP_QUOTA": "The {size} characters in the service control policy "
        "(SCP) exceed the {quota} character maximum for SCPs. We recommend that you use multiple "
        "granular policies.",
        "POLICY_SIZE_EXCEEDS_RCP_QUOTA": "The {size} characters in the resource control policy "
        "(RCP) exceed the {quota} character maximum for RCPs. We recommend that you use multiple "
        "granular policies.",
    },
    "WARNING": {
        "MISSING_VERSION": "We recommend that you specify the Version element to help you with "
        "debugging permission issues.",
        "UNIQUE_SIDS_RECOMMENDED": "We recommend that you use statement IDs that are unique to "
        "your policy. Update the Sid value.",
        "WILDCARD_WITHOUT_LIKE_OPERATOR": "Your condition value includes a * or ? character. If "
        "you meant to use a wildcard (*, ?), update the condition operator to include Like.",
        "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA": "The {size} characters in the identity "
        "policy, excluding whitespace, exceed the {quota} character maximum for inline and managed "
        "policies. We recommend that you use multiple granular policies.",
        "TYPE_MISMATCH": "Use the operator type {type} instead of operator {operator} for the "
        "condition key {key}.",
        "TYPE_MISMATCH_BOOLEAN": "Add a valid Boolean value (true or false) for the condition "
        "operator {operator}.",
        "TYPE_MISMATCH_DATE": "The date condition operator is used with an invalid value. Specify "
        "a valid date using YYYY-MM-DD or other ISO 8601 date/time format.",
        "TYPE_MISMATCH_NUMBER": "Add a valid numeric value for the condition operator {operator}.",
        "TYPE_MISMATCH_STRING": "Add a valid base64-encoded string value for the condition "
        "operator {operator}.",
        "INVALID_ROLE_REFERENCE": "The Principal element includes the IAM role ID {id}. We "
        "recommend that you use a role ARN instead.",
        "INVALID_USER_REFERENCE": "The Principal element includes the IAM user ID {id}. We "
        "recommend that you use a user ARN instead.",
        "CREATE_SLR_WITH_NOT_RESOURCE": "Using the iam:CreateServiceLinkedRole action with "
        "NotResource can allow creation of unintended service-linked roles for multiple resources."
        + _TOO_WIDE,
        "CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE": "Using an action with a wildcard(*) and "
        "NotResource can allow creation of unintended service-linked roles because it can allow "
        "iam:CreateServiceLinkedRole permissions on multiple resources." + _TOO_WIDE,
        "CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE": "Using NotAction with NotResource can allow "
        "creation of unintended service-linked roles because it allows "
        "iam:CreateServiceLinkedRole permissions on multiple resources." + _TOO_WIDE,
        "CREATE_SLR_WITH_STAR_IN_RESOURCE": "Using the iam:CreateServiceLinkedRole action with "
        "wildcards (*) in the resource can allow creation of unintended service-linked roles."
        + _TOO_WIDE,
        "CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE": "Using wildcards (*) in the action and the "
        "resource can allow creation of unintended service-linked roles because it allows "
        "iam:CreateServiceLinkedRole permissions on all resources." + _TOO_WIDE,
        "CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION": "Using a resource with wildcards (*) "
        "and NotAction can allow creation of unintended service-linked roles because it allows "
        "iam:CreateServiceLinkedRole permissions on all resources." + _TOO_WIDE,
    },
    "SECURITY_WARNING": {
        "ALLOW_WITH_NOT_PRINCIPAL": "Using Allow with NotPrincipal can be overly permissive. We "
        "recommend that you use Principal instead.",
        "FORALLVALUES_WITH_SINGLE_VALUED_KEY": "Using ForAllValues qualifier with the "
        "single-valued condition key {key} can be overly permissive. We recommend that you remove "
        "ForAllValues:.",
        "PASS_ROLE_WITH_NOT_RESOURCE": "Using the iam:PassRole action with NotResource can be "
        "overly permissive because it can allow iam:PassRole permissions on multiple resources."
        + _TOO_WIDE,
        "PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE": "Using an action with a wildcard (*) and "
        "NotResource can be overly permissive because it can allow iam:PassRole permissions on "
        "multiple resources." + _TOO_WIDE,
        "PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE": "Using NotAction with NotResource can be "
        "overly permissive because it can allow iam:PassRole permissions on multiple resources.."
        + _TOO_WIDE,
        "PASS_ROLE_WITH_STAR_IN_RESOURCE": "Using the iam:PassRole action with wildcards (*) in "
        "the resource can be overly permissive because it allows iam:PassRole permissions on "
        "multiple resources." + _OR_KEY,
        "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE": "Using wildcards (*) in the action and the "
        "resource can be overly permissive because it allows iam:PassRole permissions on all "
        "resources." + _OR_KEY,
        "PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION": "Using a resource with wildcards (*) and "
        "NotAction can be overly permissive because it allows iam:PassRole permissions on all "
        "resources." + _OR_KEY,
    },
    "SUGGESTION": {
        "EMPTY_ARRAY_ACTION": "This statement includes no actions and does not affect the policy. "
        "Specify actions.",
        "EMPTY_ARRAY_RESOURCE": "This statement includes no resources and does not affect the "
        "policy. Specify resources.",
        "EMPTY_ARRAY_PRINCIPAL": "This statement includes no principals and does not affect the "
        "policy. Specify principals.",
        "EMPTY_OBJECT_PRINCIPAL": "This statement includes no principals and does not affect the "
        "policy. Specify principals.",
        "EMPTY_OBJECT_CONDITION": "This condition block is empty and it does not affect the "
        "policy. Specify conditions.",
        "EMPTY_ARRAY_CONDITION": "There are no values for the condition key {key} and it does not "
        "affect the policy. Specify conditions.",
        "EMPTY_ARRAY_CONDITION_FORALLVALUES": "The ForAllValues prefix with an empty condition key "
        "matches only if the key {key} is missing from the request context. To determine if the "
        "request context is empty, we recommend that you use the Null condition operator with the "
        "value of true instead.",
        "EMPTY_ARRAY_CONDITION_FORANYVALUE": "The ForAnyValue prefix with an empty condition key "
        "{key} never matches the request context and it does not affect the policy. Specify "
        "conditions.",
        "EMPTY_ARRAY_CONDITION_IFEXISTS": "The IfExists suffix with an empty condition key matches "
        "only if the key {key} is missing from the request context. To determine if the request "
        "context is empty, we recommend that you use the Null condition operator with the value "
        "of true instead.",
        "EMPTY_SID_VALUE": "Add a value to the empty string in the Sid element.",
        "IMPROVE_IP_RANGE": "The non-zero bits in the IP address after the masked bits are "
        "ignored. Replace address with {range}.",
        "NULL_WITH_QUALIFIER": "Avoid using the Null condition operator with the ForAllValues or "
        "ForAnyValue qualifiers because they always return a true or false respectively.",
        "PRIVATE_IP_ADDRESS_SUBSET": "The values for condition key aws:SourceIp include a mix of "
        "private and public IP addresses. The private addresses will not have the desired effect. "
        f"{_PRIVATE} To define permissions for private IP ranges, use aws:VpcSourceIp.",
        "PRIVATE_NOT_IP_ADDRESS_SUBSET": "The values for condition key aws:SourceIp include a mix "
        "of private and public IP addresses. The private addresses have no effect. "
        f"{_PRIVATE} To define permissions for private IP ranges, use aws:VpcSourceIp.",
        "REDUNDANT_ACTION": "The {count} action(s) are redundant because they provide similar "
        "permissions. Update the policy to remove the redundant action such as: {action}.",
        "REDUNDANT_CONDITION_VALUE_NUM": "Multiple values in {key} are redundant. Replace with the "
        "greatest/least single value for {operator}.",
        "REDUNDANT_RESOURCE": "The {count} resource ARN(s) are redundant because they reference "
        "the same resource. Review the use of wildcards (*)",
        "REDUNDANT_STATEMENT": "The statements are redundant because they provide identical "
        "permissions. Update the policy to remove the redundant statement.",
        "WILDCARD_IN_SERVICE_NAME": "Avoid using wildcards (*, ?) in the service name because it "
        "might grant unintended access to other AWS services with similar names.",
    },
}
_TYPE_OF = {code: kind for kind, codes in MESSAGES.items() for code in codes}
_ANCHORS = {
    "ERROR": "error",
    "WARNING": "general-warning",
    "SECURITY_WARNING": "security-warning",
    "SUGGESTION": "suggestion",
}

# What the grammar refuses (`refusals`) -> code.
_REFUSED = {
    "json": "JSON_SYNTAX_ERROR",
    "surrogate": "JSON_SYNTAX_ERROR",
    "duplicate": "JSON_SYNTAX_ERROR",
    "form": "DATA_TYPE_MISMATCH",
    "unknown": "INVALID_POLICY_ELEMENT",
    "statement": "MISSING_STATEMENT",
    "no statements": "MISSING_STATEMENT",
    "version": "INVALID_VERSION",
    "no effect": "MISSING_EFFECT",
    "effect": "INVALID_EFFECT",
    "effect case": "INVALID_EFFECT",
    "no Action": "MISSING_ACTION",
    "no Resource": "MISSING_RESOURCE",
    "no Principal": "MISSING_PRINCIPAL",
    "principal forbidden": "UNSUPPORTED_PRINCIPAL",
    "both": "UNSUPPORTED_ELEMENT_COMBINATION",
    "prefix": "INVALID_ACTION",
    "colons": "INVALID_ACTION",
    "vendor": "INVALID_SERVICE_IN_ACTION",
    "trust action": "UNSUPPORTED_ACTION_IN_POLICY",
    "arn": "INVALID_ARN_PREFIX",
    "partition": "INVALID_PARTITION",
    "region": "ARN_REGION_NOT_ALLOWED",
    "iam path": "INVALID_ARN_RESOURCE",
    "principal": "INVALID_PRINCIPAL_FORMAT",
    "sid": "UNSUPPORTED_SID",
    "sid twice": "UNIQUE_SIDS_REQUIRED",
}
# What `advice` says -> code; the others have none.
_ADVISED = {
    "unknown-service": "INVALID_SERVICE_IN_ACTION",
    "unknown-action": "INVALID_ACTION",
    "unknown-operator": "INVALID_CONDITION_OPERATOR",
    "arn-shape": "MISSING_ARN_FIELD",
    "variable-needs-version": "VARIABLE_UNSUPPORTED_IN_VERSION",
    "no-version": "MISSING_VERSION",
    "not-principal-allow": "ALLOW_WITH_NOT_PRINCIPAL",
    "star-in-equals": "WILDCARD_WITHOUT_LIKE_OPERATOR",
    "several-values": "MISSING_QUALIFIER",
    "key-type": "TYPE_MISMATCH",
    "duplicate-statement": "REDUNDANT_STATEMENT",
}
_MISMATCH = {"Numeric": "NUMBER", "Date": "DATE", "Bool": "BOOLEAN", "Binary": "STRING"}
# Quotas in characters: "IAM and AWS STS quotas", "Quotas for AWS Organizations".
_QUOTAS = {
    "identity": ("IDENTITY_POLICY", 6_144),
    "scp": ("SCP", 10_240),
    "rcp": ("RCP", 5_120),
}

Finding = namedtuple("Finding", "code type details link path span")
Finding.__doc__ = """One finding.

Attributes
----------
code, type, details, link : str
    Issue code, ``ERROR``, ``WARNING``, ``SECURITY_WARNING`` or ``SUGGESTION``, AWS's text, and the
    address of the page about it.
path : tuple of str or int
    Keys and indexes that lead to the place in the document.
span : tuple of ((int, int, int), (int, int, int))
    Start and end (exclusive): line from 1, column from 0, offset from 0.
"""


def findings(text: str, kind: str | None, resource_type: str | None = None) -> list[Finding]:
    """Find what is wrong, dangerous or superfluous in a policy.

    Parameters
    ----------
    text : str
        JSON.
    kind : str or None
        ``"identity"``, ``"scp"``, ``"rcp"``, ``"trust"``; None for a resource policy of any kind.
    resource_type : str, optional
        AWS's name of what the policy is for, such as ``"AWS::S3::Bucket"``.

    Returns
    -------
    list of Finding
        In the order of the text. Empty if there is nothing to say.

    Notes
    -----
    Source: "IAM policy validation check reference", IAM User Guide.

    Examples
    --------
    >>> [f.code for f in findings('{"Statement": {"Effect": "Allow", "Action": "s3:GetObjcet",'
    ...                           ' "Resource": "*"}}', "identity")]
    ['MISSING_VERSION', 'INVALID_ACTION']
    """
    try:
        document = read_json(text)
    except Refused as refused:
        return [_broken(text, refused)]
    places = Places(text)
    found = [
        _finding(code, path, facts, document, places)
        for code, path, facts in _all(text, document, kind, resource_type)
    ]
    return sorted(dict.fromkeys(found), key=lambda f: (f.span[0][2], f.code))


def _broken(text: str, refused: Refused) -> Finding:
    at = refused.facts.get("at")
    if at is None:
        places = Places(text, "\0")
        at = places.duplicate[1] if places.duplicate else places.constant()
    at = min(at, len(text))
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1)
    facts = {"index": str(at), "line": str(line), "column": str(column)}
    where = ((line, column, at), (line, column, at))
    return _made("JSON_SYNTAX_ERROR", facts, (), where)


def _made(code: str, facts: dict[str, str], path: tuple, span: tuple) -> Finding:
    kind = _TYPE_OF[code]
    said = re.sub(r"\{(\w+)\}", lambda m: str(facts.get(m.group(1), "")), MESSAGES[kind][code])
    anchor = f"{_ANCHORS[kind]}-{code.lower().replace('_', '-')}"
    link = f"{_PAGE}.html#access-analyzer-reference-policy-checks-{anchor}"
    return Finding(code, kind, " ".join(said.split()), link, path, span)


def _finding(code: str, path: str, facts: dict, document: Any, places: Places) -> Finding:
    steps, at = [], document
    for step in _steps(path):
        if isinstance(step, int):
            if not isinstance(at, list) or step >= len(at):
                continue  # a single value that stands without its list
            at = at[step]
        elif isinstance(at, dict) and step in at:
            at = at[step]
        else:
            break
        steps.append(step)
    where = path
    while where and where not in places.values:
        where = where[: max(where.rfind("."), where.rfind("["), 0)]
    start = places.values.get(where, 0)
    try:
        end = places.end(where)
    except (ValueError, KeyError, StopIteration):
        end = places.line_column(start)
    ends = [places.line_column(start), end]
    lines = places.text.split("\n")
    before = [sum(len(one) + 1 for one in lines[: line - 1]) for line, _ in ends]
    span = tuple(
        (line, column - 1, offset + column - 1)
        for (line, column), offset in zip(ends, before, strict=True)
    )
    return _made(code, facts, tuple(steps), span)


def _steps(path: str) -> Iterator[str | int]:
    """Cut ``Statement[0].Condition.StringLike.aws:PrincipalTag/a.b[1]`` into its steps."""
    found = re.fullmatch(r"(Statement\[\d+\]\.Condition)\.([^.]+)(?:\.(.*?))?(\[\d+\])?", path)
    parts = [path]
    if found:
        parts = [found.group(1), "=" + found.group(2)]
        parts += ["=" + found.group(3)] if found.group(3) else []
        parts += [found.group(4)] if found.group(4) else []
    for part in parts:
        if part.startswith("="):
            yield part[1:]
            continue
        for name, number in re.findall(r"([^.\[\]]+)|\[(\d+)\]", part):
            yield int(number) if number else name


def _all(text: str, document: Any, kind: str | None, resource_type: str | None) -> Found:
    whole = {"Version": "2012-10-17", "Statement": []}
    if not isinstance(document, dict):
        yield "DATA_TYPE_MISMATCH", "", {}
        return
    yield from _size(text, kind)
    version = document.get("Version", "2012-10-17")
    if "Version" in document and version not in ("2012-10-17", "2008-10-17"):
        yield "INVALID_VERSION", "Version", {"version": str(version)[:64]}
        version = "2012-10-17"
    for element in document:
        if element not in ("Version", "Id", "Statement"):
            yield "INVALID_POLICY_ELEMENT", element, {"element": element[:64]}
    listed = document.get("Statement")
    listed = [listed] if isinstance(listed, dict) else listed
    if not isinstance(listed, list) or not listed:
        wrong = listed is not None and not isinstance(listed, list)
        yield "DATA_TYPE_MISMATCH" if wrong else "MISSING_STATEMENT", "Statement", {}
        return
    good = []
    for index, statement in enumerate(listed):
        path = f"Statement[{index}]"
        try:
            read_policy({**whole, "Version": version, "Statement": [statement]}, kind, False)
            good.append(index)
        except Refused as refused:
            where = refused.path.replace("Statement[0]", path, 1)
            yield from _refusal(refused, where, kind, resource_type, statement)
        if isinstance(statement, dict):
            yield from _raw(statement, path, kind)
    yield from _sids(listed, kind)
    if good:
        kept = {**whole, "Statement": [listed[i] for i in good]}
        kept |= {"Version": version} if "Version" in document else {}
        if "Version" not in document:
            del kept["Version"]
        yield from _advised(parse(kept, kind=None), kind, good)


def _size(text: str, kind: str | None) -> Found:
    name, quota = _QUOTAS.get(kind or "", ("", 0))
    size = sum(not c.isspace() for c in text) if kind == "identity" else len(text)
    if name and size > quota:
        code = f"POLICY_SIZE_EXCEEDS_{name}_QUOTA"
        yield code, "", {"size": str(size), "quota": str(quota)}


def _refusal(refused: Refused, path: str, kind, resource_type, statement: Any) -> Found:
    problem, detail = refused.problem, str(refused.facts.get("detail", ""))[:64]
    code = _REFUSED.get(problem, "DATA_TYPE_MISMATCH")
    part = str(refused.facts.get("part", ""))[:64]
    facts = {"action": detail, "element": detail, "effect": detail}
    facts |= {"service": detail, "partition": part, "partitions": "aws, aws-cn, aws-us-gov"}
    element = path.rpartition(".")[2]
    if problem in ("no Action", "no Resource") and element.removeprefix("Not") == problem[3:]:
        code = f"EMPTY_ARRAY_{problem[3:].upper()}"
    elif problem == "principal forbidden":
        code = "SCP_SYNTAX_ERROR_PRINCIPAL" if kind == "scp" else code
        facts["type"] = "identity policy"
    elif problem == "prohibited":
        code = "ROLE_TRUST_POLICY_SYNTAX_ERROR_" + (
            "NOTPRINCIPAL" if detail == "NotPrincipal" else "RESOURCE"
        )
        code = "RCP_SYNTAX_ERROR_PRINCIPAL" if kind == "rcp" else code
    elif problem in ("partition", "region", "service"):
        service = detail.split(":")[2] if detail.count(":") > 1 else detail
        facts["service"] = service
        if problem == "service":
            code = "WILDCARD_IN_SERVICE_NAME" if set("*?") & set(service) else "INVALID_SERVICE"
    elif problem == "principal":
        yield _principal(path, kind, statement)
        return
    elif problem == "trust action":
        facts["type"] = resource_type or "AWS::IAM::AssumeRolePolicyDocument"
    if problem in ("prefix", "colons"):
        meant = catalog.nearest(detail) if ":" in detail else None
        facts["nearest"] = f" Did you mean {meant}?" if meant else ""
    yield code, path, facts


def _principal(path: str, kind: str | None, statement: dict) -> tuple[str, str, dict[str, str]]:
    """Say which of AWS's codes is about a Principal that the grammar refuses."""
    if kind == "rcp":
        return "RCP_SYNTAX_ERROR_PRINCIPAL", path, {}
    element = "Principal" if "Principal" in statement else "NotPrincipal"
    value, key = statement[element], path.rpartition(".")[2]
    if value == {}:
        return "EMPTY_OBJECT_PRINCIPAL", path, {}
    if isinstance(value, dict) and key not in ("AWS", "Service", "Federated", "CanonicalUser"):
        bad = next((k for k in value if k in path), key)
        return "INVALID_PRINCIPAL_KEY", path, {"key": bad}
    names = value.get(key, ()) if isinstance(value, dict) else ()
    if any("*" in n or "?" in n for n in ([names] if isinstance(names, str) else names)):
        return "UNSUPPORTED_WILDCARD_IN_PRINCIPAL", path, {"key": key}
    return "INVALID_PRINCIPAL_FORMAT", path, {}


def _raw(statement: dict, path: str, kind: str | None) -> Found:
    """Check what the parsed policy does not show any more."""
    if statement.get("Sid") == "":
        yield "EMPTY_SID_VALUE", f"{path}.Sid", {}
    if statement.get("Condition") == {}:
        yield "EMPTY_OBJECT_CONDITION", f"{path}.Condition", {}
    if kind is None and not {"Principal", "NotPrincipal"} & set(statement):
        yield "MISSING_PRINCIPAL", path, {}
    if kind == "rcp":
        if "NotAction" in statement:
            yield "RCP_SYNTAX_ERROR_NOTACTION", f"{path}.NotAction", {}
        narrowed = statement.get("Resource") not in ("*", ["*"]) or "Condition" in statement
        if statement.get("Effect") == "Allow" and narrowed:
            yield "RCP_SYNTAX_ERROR_ALLOW", path, {}


def _sids(listed: list, kind: str | None) -> Found:
    seen = set()
    for index, statement in enumerate(listed):
        sid = statement.get("Sid") if isinstance(statement, dict) else None
        if isinstance(sid, str) and sid:
            if sid in seen:
                code = "UNIQUE_SIDS_RECOMMENDED" if kind is None else "UNIQUE_SIDS_REQUIRED"
                yield code, f"Statement[{index}].Sid", {}
            seen.add(sid)


# --- policies that the grammar accepts ----------------------------------------------------------


def _advised(policy: Policy, kind: str | None, numbers: list[int]) -> Found:
    def moved(path: str) -> str:
        return re.sub(r"^Statement\[(\d+)\]", lambda m: f"Statement[{numbers[int(m[1])]}]", path)

    redundant: dict[str, list[str]] = {}
    for advice in advise(policy, kind or "resource"):
        code, path = _ADVISED.get(advice.code), moved(advice.path)
        quoted = re.findall(r"`([^`]*)`", advice.message)
        first = quoted[0] if quoted else ""
        facts = {"action": first, "service": first, "operator": first, "key": first}
        if advice.code in ("unknown-action", "unknown-service") and len(quoted) > 1:
            facts["nearest"] = f" Did you mean {quoted[1]}?"
        if advice.code == "redundant-action":
            redundant.setdefault(path.rpartition("[")[0], []).append(first)
        elif advice.code == "key-type":
            kind_ = re.search(r"type (\w+)", advice.message)
            facts["operator"], facts["type"] = quoted[-1], kind_.group(1) if kind_ else ""
            yield code, path, facts
        elif code == "MISSING_QUALIFIER" and first.lower() in _ONE_VALUE:
            continue
        elif code and not (code == "INVALID_CONDITION_OPERATOR" and first.lower().endswith(_NULLS)):
            yield code, path, facts
    for path, actions in redundant.items():
        yield "REDUNDANT_ACTION", path, {"count": str(len(actions)), "action": actions[0]}
    for statement in policy.statements:
        path = f"Statement[{numbers[statement.index]}]"
        for check in (_passing, _resources, _conditions, _variables, _references):
            yield from check(statement, path, policy, kind)


_NULLS = ("nullifexists", ":null")
# How the action is named, and the resource -> the end of the code.
_HOW = {
    ("exact", "not"): "NOT_RESOURCE",
    ("star", "not"): "STAR_IN_ACTION_AND_NOT_RESOURCE",
    ("other", "not"): "NOT_ACTION_AND_NOT_RESOURCE",
    ("exact", "star"): "STAR_IN_RESOURCE",
    ("star", "star"): "STAR_IN_ACTION_AND_RESOURCE",
    ("other", "star"): "STAR_IN_RESOURCE_AND_NOT_ACTION",
}


def _passing(statement: Any, path: str, policy: Policy, kind: str | None) -> Found:
    """Warn of passing any role, and of making any service-linked role."""
    if statement.effect != "Allow" or kind not in ("identity",):
        return
    keys = {key.lower() for _, key, _ in statement.conditions}
    if statement.not_resources is not None:
        resource = "not"
    else:
        wide = [r for r in statement.resources or () if r == "*" or r.endswith((":*", "role/*"))]
        resource = "star" if wide else ""
    for action, code, key in (
        ("iam:passrole", "PASS_ROLE", "iam:passedtoservice"),
        ("iam:createservicelinkedrole", "CREATE_SLR", "iam:awsservicename"),
    ):
        patterns = [p.lower() for p in statement.actions or statement.not_actions or ()]
        hits = [p for p in patterns if wildcard(p)(action, {})]
        if statement.not_actions is not None:
            how = "" if hits else "other"
        else:
            how = "exact" if action in hits else "star" if hits else ""
        end = _HOW.get((how, resource))
        if end and key not in keys:
            element = "NotAction" if how == "other" else "Action"
            yield f"{code}_WITH_{end}", f"{path}.{element}", {}


def _resources(statement: Any, path: str, policy: Policy, kind: str | None) -> Found:
    element = "NotResource" if statement.resources is None else "Resource"
    listed = statement.resources or statement.not_resources or ()
    for number, text in enumerate(listed):
        place, parts = f"{path}.{element}[{number}]", text.split(":", 5)
        if len(parts) < 6:
            continue
        _, _, service, region, account, rest = parts
        if service != service.lower() and service.lower() in catalog.services():
            yield "INVALID_ARN_SERVICE_CASE", place, {"service": service}
        bucket = service == "s3" and not rest.startswith(_S3_WITH_ACCOUNT)
        if bucket and account not in ("", "*") and "$" not in account:
            yield "ARN_ACCOUNT_NOT_ALLOWED", place, {"service": service}
        elif bucket and region not in ("", "*") and "$" not in region:
            yield "ARN_REGION_NOT_ALLOWED", place, {"service": service}
        elif not bucket and account and not _ACCOUNT.fullmatch(account):
            yield "INVALID_ARN_ACCOUNT", place, {"account": account}
    if 1 < len(listed) <= 100:
        wide = [r for r in listed if "*" in r or "?" in r]
        covered = [
            r
            for r in listed
            if "${" not in r
            and any(w != r and resource_matcher(w, False)(r, {}) for w in wide if "${" not in w)
        ]
        covered += [r for n, r in enumerate(listed) if r in listed[:n]]
        if covered:
            yield "REDUNDANT_RESOURCE", f"{path}.{element}", {"count": str(len(covered))}


# Access points, jobs and the like have a Region and an account.
_S3_WITH_ACCOUNT = ("accesspoint", "job/", "storage-lens", "async-request", "access-grants", "*")
_ACCOUNT = re.compile(r"\d{12}|aws|.*[*?$].*|amazon|third-party|cloudfront")


def _conditions(statement: Any, path: str, policy: Policy, kind: str | None) -> Found:
    seen: dict[tuple[str, str], str] = {}
    for operator, key, values in statement.conditions:
        place = f"{path}.Condition.{operator}.{key}"
        facts = {"key": key, "operator": operator}
        condition = Condition(operator, key, values, policy.version == "2012-10-17")
        quantifier, _, base = operator.lower().rpartition(":")
        if seen.setdefault((operator, key.lower()), key) != key:
            yield "DUPLICATE_KEYS_WITH_DIFFERENT_CASE", place, facts
        if base == "nullifexists":
            yield "NULL_WITH_IF_EXISTS", f"{path}.Condition.{operator}", facts
        elif base == "null" and quantifier:
            yield "NULL_WITH_QUALIFIER", f"{path}.Condition.{operator}", facts
        yield from _known(key, place, facts)
        if condition.family is None:
            continue
        if not values:
            end = quantifier.upper() or ("IFEXISTS" if condition.if_exists else "")
            yield "_".join(filter(None, ("EMPTY_ARRAY_CONDITION", end))), place, facts
        several = (catalog.key_type(key) or "").startswith("Many")
        known = catalog.key_type(key) is not None
        if quantifier == "forallvalues" and known and not several and statement.effect == "Allow":
            yield "FORALLVALUES_WITH_SINGLE_VALUED_KEY", place, facts
        if condition.family not in ("String", "Arn") and any("${" in v for v in values):
            yield "INVALID_VARIABLE_FOR_OPERATOR", place, facts
        elif condition.family in ("Numeric", "Date", "Bool", "Binary") and condition.problem:
            yield f"TYPE_MISMATCH_{_MISMATCH[condition.family]}", place, facts
        elif condition.family == "Bool" and len(values) > 1:
            yield "INVALID_CONDITION_MULTIPLE_BOOLEAN", place, facts
        elif condition.family == "Numeric" and len(values) > 1 and condition.base[7:] != "equals":
            if "than" in condition.base and all(read_number(v) is not None for v in values):
                yield "REDUNDANT_CONDITION_VALUE_NUM", place, facts
        elif condition.family == "IpAddress":
            yield from _addresses(condition, place, facts)


def _known(key: str, place: str, facts: dict[str, str]) -> Found:
    service = key.partition(":")[0].lower()
    if catalog.key_type(key) is not None or ":" not in key or key.lower() in _OLD_KEYS:
        return
    if service == "aws":
        yield "INVALID_GLOBAL_CONDITION_KEY", place, facts
    elif service in catalog.services() and service not in _OWN_KEYS:
        yield "INVALID_SERVICE_CONDITION_KEY", place, {**facts, "service": service}


_OLD_KEYS = ("aws:principalorgmasteraccountid",)  # AWS's own policies still use it
# AWS's own policies ask for this key's one value; the reference calls it a list.
_ONE_VALUE = ("events:detail-type",)
# Keys that AWS's reference does not list one by one: those of identity providers, for instance.
_OWN_KEYS = ("cognito-identity", "sts", "kms", "saml", "iam")


def _addresses(condition: Condition, place: str, facts: dict[str, str]) -> Found:
    from ipaddress import ip_network

    private = []
    for number, value in enumerate(condition.values):
        if read_network(value) is None:
            yield "TYPE_MISMATCH_IP_RANGE", place, facts
            return
        network = ip_network(value.strip(), strict=False)
        if "/" in value and str(network[0]) != value.partition("/")[0].strip().lower():
            yield "IMPROVE_IP_RANGE", f"{place}[{number}]", {"range": str(network)}
        private.append(
            any(network.subnet_of(p) for p in _privates() if p.version == network.version)
        )
    if condition.lookup == "aws:sourceip" and any(private):
        name = "PRIVATE_NOT_IP_ADDRESS" if condition.negated else "PRIVATE_IP_ADDRESS"
        yield name + ("" if all(private) else "_SUBSET"), place, facts


def _privates() -> list:
    from ipaddress import ip_network

    return [ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]


def _variables(statement: Any, path: str, policy: Policy, kind: str | None) -> Found:
    if policy.version != "2012-10-17":
        return
    texts = [(f"{path}.Resource[{n}]", r) for n, r in enumerate(statement.resources or ())]
    texts += [(f"{path}.Condition.{o}.{k}", v) for o, k, vs in statement.conditions for v in vs]
    for place, text in texts:
        if re.search(r"\$\{[^}]*$", text):
            yield "MISSING_BRACE_IN_VARIABLE", place, {}
        elif re.search(r"\$\{\s*\}", text):
            yield "EMPTY_VARIABLE", place, {}


def _references(statement: Any, path: str, policy: Policy, kind: str | None) -> Found:
    for which, value in statement.principals or ():
        if which == "AWS" and value[:4] in ("AROA", "AIDA"):
            code = "INVALID_ROLE_REFERENCE" if value[:4] == "AROA" else "INVALID_USER_REFERENCE"
            yield code, f"{path}.Principal.AWS", {"id": value}
