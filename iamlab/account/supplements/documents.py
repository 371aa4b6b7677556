"""Storing policies: each is read as AWS reads it first, and must name somebody who exists.

moto's own check is left out of IAM's calls, since it refuses what AWS accepts (an inline policy
without a Version).
"""

from __future__ import annotations

import re
from collections import namedtuple
from fnmatch import fnmatchcase
from typing import Any

from moto.iam.models import ManagedPolicy, PolicyVersion

from iamlab.account.errors import AwsError
from iamlab.account.supplements import principals
from iamlab.account.supplements.entities import KINDS, find
from iamlab.policy import Policies, Policy, PolicyError, Request, allows, parse

# "IAM and AWS STS quotas", IAM User Guide. White space does not count.
MOST_INLINE = {"User": 2048, "Group": 5120, "Role": 10_240}  # all inline policies of one together
MOST_MANAGED = 6144
MOST_TRUST = 2048
MOST_VERSIONS = 5
MOST_SCP = 5120
MOST_RCP = 5120

Stored = namedtuple("Stored", "where kind code nobody")
_POLICY = ("Policy",)
_MALFORMED = "MalformedPolicyDocumentException"
_SQS = Stored(
    ("Attributes", "Policy"),
    "resource",
    "InvalidAttributeValue",
    "Invalid value for the parameter Policy.",
)
_KMS = Stored(
    _POLICY,
    "key",
    _MALFORMED,
    "Policy contains a statement with one or more invalid principals.",
)
# Where other services take a policy, the error code for a bad one, and the text for a principal
# who does not exist. Codes of SQS and DynamoDB, and the texts: [O] and [I].
ELSEWHERE = {
    ("s3", "PutBucketPolicy"): Stored(
        _POLICY, "bucket", "MalformedPolicy", "Invalid principal in policy"
    ),
    ("sqs", "CreateQueue"): _SQS,
    ("sqs", "SetQueueAttributes"): _SQS,
    ("kms", "CreateKey"): _KMS,
    ("kms", "PutKeyPolicy"): _KMS,
    ("secretsmanager", "PutResourcePolicy"): Stored(
        ("ResourcePolicy",),
        "resource",
        _MALFORMED,
        "This resource policy contains an unsupported principal.",
    ),
    ("dynamodb", "PutResourcePolicy"): Stored(
        _POLICY, "resource", "ValidationException", "Invalid policy document: {} is not valid"
    ),
}


def check(text: str, kind: str, code: str | None = None) -> Policy:
    """Read a policy that is about to be stored.

    Parameters
    ----------
    text : str
        The document.
    kind : str
        See `iamlab.policy.document.parse`.
    code : str, optional
        The service's error code, where it has one of its own.

    Returns
    -------
    Policy

    Raises
    ------
    AwsError
        ``MalformedPolicyDocument`` (400) or the service's own code, with AWS's text.

    Examples
    --------
    >>> check("{}", "identity")
    Traceback (most recent call last):
    ...
    iamlab.account.errors.AwsError: MalformedPolicyDocument: Syntax errors in policy.
    """
    try:
        return parse(text, kind=kind, stored=True)
    except PolicyError as error:
        raise AwsError(code or error.code, error.message) from None


def put_inline(call: Any, lab: Any) -> dict[str, Any]:
    """PutUserPolicy and its sisters."""
    kind = call.operation.removeprefix("Put").removesuffix("Policy")
    params = call.params
    entity = find(lab, call.account, kind, params[KINDS[kind].param])
    name, text = params["PolicyName"], params["PolicyDocument"]
    check(text, "identity")
    others = sum(_size(kept) for other, kept in entity.policies.items() if other != name)
    if others + _size(text) > MOST_INLINE[kind]:
        most = MOST_INLINE[kind]
        words = f"Maximum policy size of {most} bytes exceeded for {kind.lower()} {entity.name}"
        raise AwsError("LimitExceeded", words, 409)
    entity.put_policy(name, text)
    return {}


def create_policy(call: Any, lab: Any) -> dict[str, Any]:
    """CreatePolicy."""
    params, iam = call.params, lab.state.iam(call.account)
    text = params["PolicyDocument"]
    _managed(text)
    policy = ManagedPolicy(
        params["PolicyName"],
        account_id=call.account,
        region=iam.region_name,
        description=params.get("Description"),
        document=text,
        path=params.get("Path"),
        tags={tag["Key"].lower(): tag for tag in params.get("Tags") or ()},
    )
    iam.managed_policies[policy.arn] = policy
    return {"Policy": policy}


def create_version(call: Any, lab: Any) -> dict[str, Any]:
    """CreatePolicyVersion."""
    params = call.params
    arn, text = params["PolicyArn"], params["PolicyDocument"]
    if arn.split(":")[4] == "aws":
        raise AwsError("AccessDenied", f"Policy {arn} is outside your own account.", 403)
    policy = find(lab, call.account, "Policy", arn)
    _managed(text)
    if len(policy.versions) >= MOST_VERSIONS:
        raise AwsError(
            "LimitExceeded",
            f"A managed policy can have up to {MOST_VERSIONS} versions. Before you create a new "
            "version, you must delete an existing version.",
            409,
        )
    version = PolicyVersion(arn, text, version_id=f"v{policy.next_version_num}")
    policy.next_version_num += 1
    policy.versions.append(version)
    policy.update_date = version.create_date
    if str(params.get("SetAsDefault", "")).lower() == "true":
        policy.update_default_version(version.version_id)
    return {
        "PolicyVersion": {
            "VersionId": version.version_id,
            "IsDefaultVersion": version.is_default,
            "CreateDate": version.create_date,
        }
    }


def create_role(call: Any, lab: Any) -> None:
    """Refuse a bad trust policy; moto does the rest."""
    _trust(call.params["AssumeRolePolicyDocument"], lab)


def update_trust(call: Any, lab: Any) -> dict[str, Any]:
    """UpdateAssumeRolePolicy."""
    _trust(call.params["PolicyDocument"], lab)
    role = lab.state.role(call.account, call.params["RoleName"])
    role.assume_role_policy_document = call.params["PolicyDocument"]
    return {}


def owners_only(call: Any, lab: Any) -> None:
    """Refuse a bucket policy's reading and writing to other accounts, who may be allowed to.

    Notes
    -----
    Source: "PutBucketPolicy", Amazon S3 API Reference: an identity that has the permission but is
    not of the bucket owner's account gets 405.
    """
    if lab.state.bucket_account(call.params["Bucket"]) not in (None, call.account):
        words = "The specified method is not allowed against this resource."
        raise AwsError("MethodNotAllowed", words, 405)


def elsewhere(call: Any, lab: Any) -> None:
    """Refuse a bad resource policy of another service."""
    stored = ELSEWHERE[call.service, call.operation]
    if stored.kind == "bucket":
        owners_only(call, lab)
    text: Any = call.params
    for name in stored.where:
        text = (text or {}).get(name)
    if not text:
        return
    policy = check(text, stored.kind, stored.code)
    nobody = principals.invalid(policy, lab)
    if nobody is not None:
        raise AwsError(stored.code, stored.nobody.format(nobody[1]))
    if stored.kind == "bucket":
        _bucket(policy, call.params["Bucket"])
    if stored.kind == "key" and not call.params.get("BypassPolicyLockoutSafetyCheck"):
        _no_lockout(policy, call, lab)


def key_policy(call: Any, lab: Any) -> dict[str, Any] | None:
    """GetKeyPolicy and PutKeyPolicy without a PolicyName, which moto insists on."""
    params = call.params
    region, account, key_id = call.region, call.account, params["KeyId"]
    if key_id.startswith("arn:") and key_id.count(":") == 5:
        _, _, _, region, account, key_id = key_id.split(":", 5)
    key = lab.state.backend("kms", account, region).keys.get(key_id.removeprefix("key/"))
    if params.get("PolicyName") or key is None:
        return None
    if call.operation == "GetKeyPolicy":
        return {"Policy": key.policy, "PolicyName": "default"}
    key.policy = params["Policy"]
    return {}


def organizations(call: Any, lab: Any) -> None:
    """Refuse a bad SCP or RCP."""
    text, kind = call.params.get("Content"), call.params.get("Type")
    if kind is None:  # UpdatePolicy names only the policy.
        backend = lab.state.backend("organizations", call.account)
        kept = {policy.id: policy.type for policy in backend.policies}
        kind = kept.get(call.params["PolicyId"])
    form = {"SERVICE_CONTROL_POLICY": "scp", "RESOURCE_CONTROL_POLICY": "rcp"}.get(kind or "")
    if text is None or form is None:
        return
    check(text, form)
    if _size(text) > {"scp": MOST_SCP, "rcp": MOST_RCP}[form]:
        words = "You have exceeded the allowed number of characters in a policy."  # [I]
        raise AwsError("ConstraintViolationException", words)


def _managed(text: str) -> None:
    check(text, "managed")
    if _size(text) > MOST_MANAGED:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for PolicySize: {MOST_MANAGED}", 409)


def _trust(text: str, lab: Any) -> None:
    policy = check(text, "trust")
    nobody = principals.invalid(policy, lab)
    if nobody is not None:
        words = f'Invalid principal in policy: "{nobody[0]}":"{nobody[1]}"'
        raise AwsError("MalformedPolicyDocument", words)
    if _size(text) > MOST_TRUST:
        raise AwsError(
            "LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {MOST_TRUST}", 409
        )


def _bucket(policy: Policy, bucket: str) -> None:
    """A bucket policy speaks only of its bucket."""
    for statement in policy.statements:
        for resource in (*(statement.resources or ()), *(statement.not_resources or ())):
            if not fnmatchcase(bucket, resource.split(":::")[-1].split("/")[0]):
                raise AwsError("MalformedPolicy", "Policy has invalid resource")


def _no_lockout(policy: Policy, call: Any, lab: Any) -> None:
    """Whoever sets a key policy must be able to change it again ("PutKeyPolicy", KMS API)."""
    caller, owner = call.caller, call.account
    had = lab.attached.policies(caller, None, owner)
    would = Policies(had.identity, policy, had.boundary, had.session or None, had.scps, had.rcps)
    key = f"arn:aws:kms:{call.region}:{owner}:key/{call.params.get('KeyId', 'new')}"
    facts = lab.attached.context(caller)
    if not allows(Request(caller.arn, "kms:PutKeyPolicy", key, facts), would):
        words = "The new key policy will not allow you to update the key policy in the future."
        raise AwsError(_MALFORMED, words)


def _size(text: str) -> int:
    return len(re.sub(r"\s", "", text))


REGISTRY = {
    ("iam", "CreatePolicy"): create_policy,
    ("iam", "CreatePolicyVersion"): create_version,
    ("iam", "UpdateAssumeRolePolicy"): update_trust,
    ("kms", "GetKeyPolicy"): key_policy,
    ("kms", "PutKeyPolicy"): key_policy,
    **{("iam", f"Put{kind}Policy"): put_inline for kind in MOST_INLINE},
}
BEFORE = {
    ("iam", "CreateRole"): create_role,
    ("organizations", "CreatePolicy"): organizations,
    ("organizations", "UpdatePolicy"): organizations,
    ("s3", "GetBucketPolicy"): owners_only,
    ("s3", "DeleteBucketPolicy"): owners_only,
    **dict.fromkeys(ELSEWHERE, elsewhere),
}
