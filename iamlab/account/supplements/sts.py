"""STS as AWS does it: who gets temporary credentials, how long, and what they may not do."""

from __future__ import annotations

import base64
import binascii
import secrets
import zlib
from datetime import timedelta
from typing import Any

from iamlab.account.callers import Caller, Session, new_secret
from iamlab.account.errors import AwsError
from iamlab.account.supplements import mfa, parameters
from iamlab.policy.document import Policy, PolicyError, parse

DEFAULT_ROLE = CHAIN_LIMIT = ROOT_LIMIT = 3600  # seconds
DEFAULT_USER = 43_200
MAX_POLICY = 2048  # characters of the inline session policy and the ARNs of managed ones
MAX_POLICY_ARNS = 10
TOKEN_START = "IQoJb3JpZ2luX2Vj"  # how AWS's session tokens begin today
TOKEN_BYTES = 512
# An access key ID is 80 bits in base 32 after its prefix; the first 41 are the account's number and
# this. [O: moto makes and public tools read them so]
KEY_OFFSET = 2**40
# AWS packs policies and tags into the token, in a form that it does not publish. This is a guess
# that gives the 6 % of the API reference's example. [I]
PACKED_BYTES = 1600

SESSION_CREDENTIALS = "Cannot call {} with session credentials"
INVALID_TOKEN = "The security token included in the request is invalid"
NO_SESSION_IN_SESSION = frozenset({"GetFederationToken", "GetSessionToken"})
# "Compare AWS STS credentials", IAM User Guide; the GetSessionToken and GetFederationToken pages.
# Which STS operations the credentials of each call may still use.
STS_LEFT = {
    "federated": frozenset(
        {"GetCallerIdentity", "GetScopedCredentials", "GetDelegatedAccessToken"}
    ),
    "user": frozenset(
        {
            "AssumeRole",
            "GetCallerIdentity",
            "GetScopedCredentials",
            "GetWebIdentityToken",
            "GetDelegatedAccessToken",
        }
    ),
}
STS_LEFT["root"] = STS_LEFT["user"]


def may_not_call(caller: Caller, service: str, operation: str) -> AwsError | None:
    """Say why these credentials cannot call this operation, whatever the policies say.

    Parameters
    ----------
    caller : Caller
        Who signed the call.
    service, operation : str
        botocore names.

    Returns
    -------
    AwsError or None
        None if the credentials themselves do not forbid the call.

    Notes
    -----
    Source: "Compare AWS STS credentials", IAM User Guide. The texts are those of public logs for
    GetSessionToken, GetFederationToken, IAM and root [O]; that the other STS operations are refused
    in the same words is inferred [I].

    Examples
    --------
    >>> root = Caller("root", "111122223333", "arn:aws:iam::111122223333:root", "", "", "root")
    >>> may_not_call(root, "sts", "AssumeRole").message
    'Roles may not be assumed by root accounts.'
    """
    if service not in ("iam", "sts"):
        return None
    if operation == "AssumeRole" and caller.kind == "root":
        return AwsError("AccessDenied", "Roles may not be assumed by root accounts.", 403)
    session = caller.session
    if session is None:
        return None
    if service == "iam":
        if session.kind == "federated" or (session.kind != "role" and session.mfa_at is None):
            return AwsError("InvalidClientTokenId", INVALID_TOKEN, 403)
        return None
    left = STS_LEFT.get(session.kind)
    if operation in NO_SESSION_IN_SESSION if left is None else operation not in left:
        return AwsError("AccessDenied", SESSION_CREDENTIALS.format(operation), 403)
    return None


def authenticate(call: Any, lab: Any) -> dict[str, Any]:
    """Do what STS does before it asks any policy: check the form, and the MFA code.

    Parameters
    ----------
    call : ApiCall
        Any call; only those to STS are looked at.
    lab : Lab
        The lab.

    Returns
    -------
    dict
        What the code adds to the context: a trust policy may ask for ``aws:MultiFactorAuthPresent``
        of the very call that gives the code.

    Raises
    ------
    AwsError
        ``ValidationError`` (400) for the form, ``AccessDenied`` (403) for the code,
        ``InvalidIdentityToken`` (400) for an identity provider's token.

    Notes
    -----
    Source: "AssumeRole", AWS STS API Reference.
    """
    if call.service != "sts":
        return {}
    params = call.params
    parameters.check("sts", call.operation, params)
    identity = params.get("SourceIdentity") or ""
    if identity.lower().startswith("aws:"):
        raise _invalid("sourceIdentity", identity, "Member must not begin with aws:")  # text: [I]
    if "RoleArn" in params:
        role_name(params["RoleArn"])
    if not (params.get("SerialNumber") or params.get("TokenCode")):
        return {}
    caller = call.caller
    user = caller.entity if caller.kind == "user" else None
    iam = lab.state.iam(caller.account)
    mfa.verify(iam, user, params.get("SerialNumber"), params.get("TokenCode"), lab.clock.now())
    return {"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "0"}


def assume_role(call: Any, lab: Any) -> dict[str, Any]:
    """AssumeRole: a session of a role that the gate found the caller may assume.

    The session does not remember the MFA code: only the trust policy sees it ("Configuring
    MFA-protected API access", IAM User Guide [M]).
    """
    return open_role(call, lab)[1]


def open_role(call: Any, lab: Any, **federated: Any) -> tuple[Session, dict[str, Any]]:
    """Open a session of the role that a call names; return it and what STS answers.

    ``federated`` holds what a session remembers of the identity provider it was given for.
    """
    params, caller = call.params, call.caller
    account, name = role_name(params["RoleArn"])
    role = lab.state.role(account, name)
    if role is None or role.arn != params["RoleArn"]:
        # AWS does not say that the role is missing: to the caller it looks like any denial.
        raise _denied(caller, f"sts:{call.operation}", params["RoleArn"])
    before = caller.session
    # To assume a role from an instance is not chaining ("Role chaining", IAM User Guide).
    instance = before is not None and "ec2:RoleDelivery" in (before.keys or {})
    chained = caller.kind == "role" and not instance
    seconds = int(params.get("DurationSeconds") or DEFAULT_ROLE)
    if chained and seconds > CHAIN_LIMIT:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining.",
        )
    if seconds > int(role.max_session_duration or DEFAULT_ROLE):
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )
    source = params.get("SourceIdentity")
    if before is not None and before.source_identity:
        if source and source != before.source_identity:
            raise _denied(caller, "sts:SetSourceIdentity", role.arn)
        source = before.source_identity
    inherited = {}
    if before is not None:
        keep = {key.lower() for key in before.transitive}
        inherited = {k: v for k, v in (before.tags or {}).items() if k.lower() in keep}
    tags = _tags(params, inherited)
    transitive = frozenset(inherited) | frozenset(params.get("TransitiveTagKeys") or ())
    policies, packed = _session_policies(params, tags, account, lab)
    session_name = params["RoleSessionName"]
    session = new_session(
        lab,
        seconds,
        kind="role",
        account=account,
        arn=f"arn:aws:sts::{account}:assumed-role/{role.name}/{session_name}",
        principal_arn=role.arn,
        user_id=f"{role.id}:{session_name}",
        name=role.name,
        entity_id=role.id,
        policies=policies,
        tags=inherited | tags,
        transitive=transitive,
        source_identity=source,
        chained=chained,
        role_session_name=session_name,
        **federated,
    )
    answer = {
        "Credentials": credentials(session),
        "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
    }
    if packed:
        answer["PackedPolicySize"] = packed
    if source:
        answer["SourceIdentity"] = source
    return session, answer


def get_session_token(call: Any, lab: Any) -> dict[str, Any]:
    """GetSessionToken: the caller's own permissions, for a while, perhaps with MFA."""
    caller, params = call.caller, call.params
    session = new_session(
        lab,
        _user_seconds(caller, params),
        kind=caller.kind,
        account=caller.account,
        arn=caller.arn,
        principal_arn=caller.principal_arn,
        user_id=caller.user_id,
        name=caller.name,
        entity_id=caller.user_id,
        mfa_at=lab.clock.now() if params.get("TokenCode") else None,
    )
    return {"Credentials": credentials(session)}


def get_federation_token(call: Any, lab: Any) -> dict[str, Any]:
    """GetFederationToken: credentials for somebody outside; no policy passed, no permissions."""
    caller, params = call.caller, call.params
    account, name = caller.account, params["Name"]
    tags = _tags(params, {})
    policies, packed = _session_policies(params, tags, account, lab)
    session = new_session(
        lab,
        _user_seconds(caller, params),
        kind="federated",
        account=account,
        arn=f"arn:aws:sts::{account}:federated-user/{name}",
        principal_arn=f"arn:aws:sts::{account}:federated-user/{name}",
        user_id=f"{account}:{name}",
        name=caller.name,
        entity_id=caller.user_id,
        policies=policies,
        tags=tags,
    )
    answer = {
        "Credentials": credentials(session),
        "FederatedUser": {"FederatedUserId": session.user_id, "Arn": session.arn},
    }
    if packed:
        answer["PackedPolicySize"] = packed
    return answer


def get_caller_identity(call: Any, lab: Any) -> dict[str, Any]:
    """GetCallerIdentity: works with any valid credentials; no policy can forbid it."""
    caller = call.caller
    return {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}


def get_access_key_info(call: Any, lab: Any) -> dict[str, Any]:
    """GetAccessKeyInfo: whose account a key is of; AWS says so even of keys that are gone."""
    key = call.params["AccessKeyId"]
    credentials = lab.callers.find(key)
    if credentials is not None:
        return {"Account": credentials.caller.account}
    try:
        number = (int.from_bytes(base64.b32decode(key[4:20]), "big") >> 39) - KEY_OFFSET
    except (binascii.Error, ValueError):
        number = -1
    if not 0 <= number < 10**12:
        raise AwsError("ValidationError", f"Invalid Access Key ID: {key}")  # text: [I]
    return {"Account": f"{number:012d}"}


def role_name(arn: str) -> tuple[str, str]:
    """The account and the name in a role's ARN."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[2] != "iam" or not parts[5].startswith("role/"):
        raise AwsError("ValidationError", f"{arn} is invalid")
    return parts[4], parts[5].rsplit("/", 1)[-1]


def _user_seconds(caller: Caller, params: dict[str, Any]) -> int:
    """Root asks for too long and simply gets one hour."""
    if caller.kind == "root":
        return min(int(params.get("DurationSeconds") or ROOT_LIMIT), ROOT_LIMIT)
    return int(params.get("DurationSeconds") or DEFAULT_USER)


def _tags(params: dict[str, Any], inherited: dict[str, str]) -> dict[str, str]:
    """Session tags; two keys that differ only in case are one key. Codes and texts: [I]."""
    tags = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags") or ()}
    lowered = [tag["Key"].lower() for tag in params.get("Tags") or ()]
    if len(set(lowered)) < len(lowered):
        text = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        raise AwsError("InvalidParameterValue", text)
    if set(lowered) & {key.lower() for key in inherited}:
        raise AwsError(
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a "
            "transitive tag key from the calling session.",
        )
    if not {key.lower() for key in params.get("TransitiveTagKeys") or ()} <= set(lowered):
        text = "The specified transitive tag key must be included in the requested tags."
        raise AwsError("InvalidParameterValue", text)
    return tags


def _session_policies(
    params: dict[str, Any], tags: dict[str, str], account: str, lab: Any
) -> tuple[tuple[Policy, ...] | None, int]:
    """The session policies, and how full the token is with them, in percent."""
    inline = params.get("Policy")
    arns = [item["arn"] for item in params.get("PolicyArns") or ()]
    if len(arns) > MAX_POLICY_ARNS:
        limit = f"Member must have length less than or equal to {MAX_POLICY_ARNS}"
        raise _invalid("policyArns", arns, limit)
    if inline and len(inline) > MAX_POLICY:
        limit = f"Member must have length less than or equal to {MAX_POLICY}"
        raise _invalid("policy", inline, limit)
    policies = []
    if inline:
        try:
            policies.append(parse(inline, kind="session", name="session policy", stored=True))
        except PolicyError as error:
            raise AwsError("MalformedPolicyDocument", error.message) from None
    for arn in arns:
        stored = lab.state.managed_policy(arn, account)
        # Managed session policies are those of the session's own account, or AWS's.
        if stored is None or arn.split(":")[4] not in (account, "aws"):
            text = f"Policy {arn} does not exist or is not attachable."  # code and text: [I]
            raise AwsError("ValidationError", text)
        policies.append(parse(default_document(stored), name=stored.name, arn=arn))
    if not policies and not tags:
        return None, 0
    packed = "".join((inline or "", *arns, *tags, *tags.values())).encode()
    percent = 100 * len(zlib.compress(packed, 9)) // PACKED_BYTES or 1
    if len(inline or "") + sum(map(len, arns)) > MAX_POLICY:
        percent = max(percent, 101)
    if percent > 100:
        raise AwsError(
            "PackedPolicyTooLarge",
            f"Packed policy consumes {percent}% of allotted space, please use smaller policy.",
        )
    return tuple(policies) or None, percent


def new_session(lab: Any, seconds: int, *, account: str, **fields: Any) -> Session:
    """Make temporary credentials; ``fields`` are what a `Session` says of whose they are."""
    now = lab.clock.now().replace(microsecond=0)
    number = (int(account) + KEY_OFFSET) << 39 | secrets.randbits(39)
    session = Session(
        access_key_id="ASIA" + base64.b32encode(number.to_bytes(10, "big")).decode(),
        secret=new_secret(),
        token=TOKEN_START + base64.b64encode(secrets.token_bytes(TOKEN_BYTES)).decode(),
        issued=now,
        expires=now + timedelta(seconds=seconds),
        account=account,
        **fields,
    )
    lab.callers.add(session)
    return session


def default_document(policy: Any) -> str:
    """Return the JSON text of a moto managed policy's default version."""
    return next(v.document for v in policy.versions if v.version_id == policy.default_version_id)


def credentials(session: Session) -> dict[str, Any]:
    """What STS answers of a session."""
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret,
        "SessionToken": session.token,
        "Expiration": session.expires,
    }


def _denied(caller: Caller, action: str, resource: str) -> AwsError:
    text = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource}"
    return AwsError("AccessDenied", text, 403)


def _invalid(at: str, value: Any, why: str) -> AwsError:
    text = f"1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: "
    return AwsError("ValidationError", text + why)


REGISTRY = {
    ("sts", "AssumeRole"): assume_role,
    ("sts", "GetAccessKeyInfo"): get_access_key_info,
    ("sts", "GetCallerIdentity"): get_caller_identity,
    ("sts", "GetFederationToken"): get_federation_token,
    ("sts", "GetSessionToken"): get_session_token,
}
