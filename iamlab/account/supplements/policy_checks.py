"""IAM Access Analyzer's calls about the text of a policy: ValidatePolicy and the custom checks.

Source: "IAM Access Analyzer API Reference". The texts of the custom checks are those of the
examples in AWS's documentation.
"""

from __future__ import annotations

from typing import Any

from iamlab.account.errors import AwsError
from iamlab.account.supplements import parameters
from iamlab.account.supplements.paging import token_page
from iamlab.policy import PolicyError

TRUST = "AWS::IAM::AssumeRolePolicyDocument"
_KINDS = {
    "IDENTITY_POLICY": "identity",
    "SERVICE_CONTROL_POLICY": "scp",
    "RESOURCE_CONTROL_POLICY": "rcp",
}
# check: what is said if it passes, if it fails, and of each statement
_NO_NEW = (
    "The modified permissions do not grant new access compared to your existing policy.",
    "The modified permissions grant new access compared to your existing policy.",
    "New access in the statement with",
)
_NOT_GRANTED = (
    "The policy document does not grant access to perform the listed actions or resources.",
    "The policy document grants access to perform one or more of the listed actions or resources.",
    "One or more of the listed actions or resources in the statement with",
)
_NOT_PUBLIC = (
    "The resource policy does not grant public access for the given resource type.",
    "The resource policy grants public access for the given resource type.",
    "Public access granted in the following statement with",
)


def form(call: Any, _: Any) -> None:
    """Refuse parameters whose form AWS does not accept, as Access Analyzer words it."""
    try:
        parameters.check("access-analyzer", call.operation, call.params)
    except AwsError as error:
        raise invalid(error.message) from None


def invalid(message: str, reason: str = "fieldValidationFailed", name: str = "") -> AwsError:
    """Return a ValidationException. Its texts are not documented. [I]"""
    fields: dict[str, Any] = {"reason": reason}
    if name:
        fields["fieldList"] = [{"name": name, "message": message}]
    return AwsError("ValidationException", message, 400, fields)


def validate(call: Any, lab: Any) -> dict[str, Any]:
    """ValidatePolicy. Messages are in English, whatever the locale."""
    from iamlab.policy.validation import findings

    params = call.params
    resource_type = params.get("validatePolicyResourceType")
    kind = _KINDS.get(params["policyType"])
    if resource_type and params["policyType"] != "RESOURCE_POLICY":
        text = "A resource type can only be given for a policy of type RESOURCE_POLICY."
        raise invalid(text, name="validatePolicyResourceType")
    if resource_type == TRUST:
        kind = "trust"
    found = [
        {
            "findingDetails": finding.details,
            "findingType": finding.type,
            "issueCode": finding.code,
            "learnMoreLink": finding.link,
            "locations": [{"path": [_step(s) for s in finding.path], "span": _span(finding.span)}],
        }
        for finding in findings(params["policyDocument"], kind, resource_type)
    ]
    return token_page(found, params, "findings")


def _step(step: str | int) -> dict[str, Any]:
    return {"index": step} if isinstance(step, int) else {"value": step}


def _span(span: tuple) -> dict[str, Any]:
    names = ("line", "column", "offset")
    start, end = (dict(zip(names, place, strict=True)) for place in span)
    return {"start": start, "end": end}


def no_new_access(call: Any, lab: Any) -> dict[str, Any]:
    """CheckNoNewAccess: proved, or shown by a request; otherwise an error says it is neither."""
    params = call.params
    documents = (params["newPolicyDocument"], params["existingPolicyDocument"])
    return _checked(_NO_NEW, "new_access", *documents, resource_policy=_is_resource(params))


def access_not_granted(call: Any, lab: Any) -> dict[str, Any]:
    """CheckAccessNotGranted, likewise."""
    params = call.params
    access = (params["access"] or [{}])[0]
    actions, resources = access.get("actions") or (), access.get("resources") or ()
    if not actions and not resources:
        raise _wrong("At least one action or resource must be specified.")
    return _checked(
        _NOT_GRANTED,
        "granted",
        params["policyDocument"],
        actions,
        resources,
        resource_policy=_is_resource(params),
    )


def no_public_access(call: Any, lab: Any) -> dict[str, Any]:
    """CheckNoPublicAccess, likewise."""
    return _checked(_NOT_PUBLIC, "public_access", call.params["policyDocument"])


def _is_resource(params: dict[str, Any]) -> bool:
    return params["policyType"] == "RESOURCE_POLICY"


def _checked(texts: tuple[str, str, str], check: str, *given: Any, **options: Any) -> dict:
    from iamlab.policy import comparison

    try:
        found = getattr(comparison, check)(*given, **options)
    except PolicyError as error:
        raise _wrong(f"The policy document is not valid: {error}") from None
    except comparison.Unproved as error:
        text = f"The lab can neither prove that there is no such access nor show one. {error}"
        raise AwsError("UnprocessableEntityException", text, 422) from None
    if not found:
        return {"result": "PASS", "message": texts[0]}
    reasons = []
    for witness in found:
        index, sid = witness.statement.index, witness.statement.sid
        where = f"sid: {sid}" if sid else f"index: {index}"
        reason = {"description": f"{texts[2]} {where}.", "statementIndex": index}
        reasons.append(reason | ({"statementId": sid} if sid else {}))
    return {"result": "FAIL", "message": texts[1], "reasons": reasons}


def _wrong(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


REGISTRY = {
    ("access-analyzer", "ValidatePolicy"): validate,
    ("access-analyzer", "CheckNoNewAccess"): no_new_access,
    ("access-analyzer", "CheckAccessNotGranted"): access_not_granted,
    ("access-analyzer", "CheckNoPublicAccess"): no_public_access,
}
