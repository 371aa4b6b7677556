"""Takes a real AWS error message apart: who, what, on what, and which kind of policy said no."""

from __future__ import annotations

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Not a dataclass: this package is imported where every millisecond counts.
FIELDS = (
    "code",
    "operation",
    "principal",
    "action",
    "resource",
    "policy_type",
    "explicit",
    "policy_arn",
    "encoded",
    "context",
)


class Denial:
    """What an error message says.

    Attributes
    ----------
    code : str or None
        AWS's error code, such as ``"AccessDenied"``.
    operation : str or None
        The call, as SDKs name it: ``"GetObject"``.
    principal, action, resource : str or None
        As the message prints them; None for what it leaves out.
    policy_type : str or None
        ``"identity"``, ``"resource"``, ``"boundary"``, ``"session"``, ``"scp"``, ``"rcp"``,
        ``"endpoint"`` (VPC endpoint) or ``"trust"``; None if the message names none.
    explicit : bool or None
        True for a Deny statement, False where nothing allows; None if the message does not say.
    policy_arn : str or None
        The policy with the Deny, where AWS names it.
    encoded : str or None
        EC2's encoded part. Only AWS can read it, with ``aws sts decode-authorization-message``;
        what that prints can be pasted here too.
    context : dict
        Condition keys of the request, as far as the message tells them.
    """

    __slots__ = FIELDS

    def __init__(self, **facts: Any) -> None:
        for name in FIELDS:
            setattr(self, name, facts.get(name))
        self.context = facts.get("context") or {}

    def __repr__(self) -> str:
        said = ", ".join(f"{n}={v!r}" for n in FIELDS if (v := getattr(self, n)))
        return f"Denial({said})"

    def __str__(self) -> str:
        return "\n".join([self.summary(), *(f"{n}. {c}" for n, c in enumerate(self.checks(), 1))])

    def summary(self) -> str:
        """Say in one or two plain sentences what happened.

        Examples
        --------
        >>> text = ("User: arn:aws:iam::111122223333:user/ana is not authorized to perform: "
        ...         "s3:ListAllMyBuckets because no identity-based policy allows the "
        ...         "s3:ListAllMyBuckets action")
        >>> read_denial(text).summary()
        'user/ana may not do s3:ListAllMyBuckets: no identity policy of the caller allows it.'
        """
        if self.code in REFUSED:
            return f"AWS did not accept the caller at all. {REFUSED[self.code][0]}"
        who = _short(self.principal) or "The caller"
        what = self.action or (f"the {self.operation} operation" if self.operation else "this")
        where = f" on {self.resource}" if self.resource else ""
        said = f"{who} may not do {what}{where}"
        if self.policy_type is None:
            return f"{said}. The message does not say which policy is the reason."
        names = TYPES[self.policy_type]
        if self.explicit:
            arn = f" ({self.policy_arn})" if self.policy_arn else ""
            return f"{said}: a Deny statement in {names[0]}{arn} forbids it."
        return f"{said}: no {names[1]} allows it."

    def checks(self) -> list[str]:
        """Return what to look at, in the order that finds the cause soonest.

        Examples
        --------
        >>> read_denial("An error occurred (ExpiredToken) when calling the GetObject operation: "
        ...             "The provided token has expired.").checks()[0]
        'Get new temporary credentials: assume the role again, or sign in again.'
        """
        if self.code in REFUSED:
            return list(REFUSED[self.code][1])
        kind = self.policy_type
        if kind is None and (self.action or "").startswith("sts:AssumeRole"):
            kind = "trust"  # these denials end after the role's ARN
        known = CHECKS.get((kind, self.explicit), CHECKS[None, None])
        if self.encoded:
            known = (DECODE, *known)
        facts = {
            "who": _short(self.principal) or "the caller",
            "action": self.action or "the action",
            "resource": self.resource or "the resource",
            "policy": self.policy_arn or "that policy",
        }
        return [check.format(**facts) for check in known]


def read_denial(text: str) -> Denial | None:
    """Read an error message that AWS gave, however it was copied.

    Parameters
    ----------
    text : str
        A boto3 or CLI error, an SDK's or Terraform's, the JSON or XML of the answer, a
        CloudTrail event, or what decode-authorization-message printed. Other text around it does
        no harm.

    Returns
    -------
    Denial or None
        None if it is no denial and no refusal that is known here.

    Notes
    -----
    Source: "Troubleshoot access denied error messages", IAM User Guide; the forms of SDKs and
    tools are those of public logs [O].

    Examples
    --------
    >>> denial = read_denial(
    ...     "An error occurred (AccessDenied) when calling the GetObject operation: User: "
    ...     "arn:aws:iam::111122223333:user/ana is not authorized to perform: s3:GetObject on "
    ...     'resource: "arn:aws:s3:::reports/q3.csv" with an explicit deny in a service control '
    ...     "policy")
    >>> denial.action, denial.resource, denial.policy_type, denial.explicit
    ('s3:GetObject', 'arn:aws:s3:::reports/q3.csv', 'scp', True)
    """
    text = text[:100_000]
    facts: dict[str, Any] = _cloudtrail(text) or _decoded(text) or {}
    text = facts.pop("text", None) or _inside(text)
    text = " ".join(text.split())
    for pattern in _CODES:
        if found := pattern.search(text):
            for name, value in found.groupdict().items():
                if value:
                    facts.setdefault(name, value)
    if found := _FRAME.search(text):
        facts |= {name: value for name, value in found.groupdict().items() if value}
        facts["resource"] = (facts.get("resource") or "").strip("\"'").rstrip(".,") or None
        facts.setdefault("code", "AccessDenied")
    elif found := _NOBODY.search(text):
        facts |= {"action": found["action"], "policy_type": "trust", "explicit": None}
        facts.setdefault("code", "AccessDenied")
    facts |= _reason(text)
    if found := _ENCODED.search(text):
        facts["encoded"] = found[1]
        facts.setdefault("code", "UnauthorizedOperation")
    _fill(facts)
    code = facts.get("code") or ""
    if not facts.get("action") and code not in REFUSED and not code.startswith(_DENIED):
        return None
    return Denial(**facts)


_ARN = r"arn:aws[a-z-]*:[^\s\"']+"
_FRAME = re.compile(
    r"(?:User|Principal): (?P<principal>\S+) is not authorized to (?:perform|access)(?: this"
    r" resource)?:? ?(?P<action>[A-Za-z0-9-]+:[A-Za-z0-9]+)?"
    r"(?: on (?:the )?resource:? (?P<resource>\"[^\"]*\"|'[^']*'|\S+(?: [\w+=,.@-]+)??)"
    r"(?= because| with| or |[.;,)] |[.;,)]?$|$|: | Encoded| \())?"
)
_NOBODY = re.compile(r"Not authorized to perform (?P<action>sts:AssumeRole\w+)")
_ENCODED = re.compile(r"Encoded authorization failure message: ([\w=+/-]{16,})")
_CODES = (
    # boto3 and the AWS CLI
    re.compile(r"An error occurred \((?P<code>\w+)\) when calling the (?P<operation>\w+) op"),
    # SDKs for Go and Terraform: "operation error IAM: CreateRole, ... api error AccessDenied: "
    re.compile(r"operation error [\w ]+: (?P<operation>\w+)"),
    re.compile(r"api error (?P<code>[\w.]+):"),
    # SDK for Java: "(Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; ..."
    re.compile(r"Error Code: (?P<code>\w+)"),
    # SDK for JavaScript, Go v1 and plain: "AccessDenied: User: ..."
    re.compile(r"\b(?P<code>(?:AccessDenied|Unauthorized|Expired|Invalid|Unrecognized|Signature"
               r"|RequestExpired|AuthFailure|MissingAuth|IncompleteSig)\w*):? "),
)  # fmt: skip
_DENIED = ("AccessDenied", "Unauthorized", "Client.Unauthorized", "403", "Forbidden", "AuthFailure")

# Words in the message, to the type of policy.
_WORDS = (
    ("identity-based polic", "identity"),
    ("resource-based polic", "resource"),
    ("permissions boundary", "boundary"),
    ("session polic", "session"),
    ("sessions polic", "session"),  # AWS's documentation has it so, once
    ("service control polic", "scp"),
    ("resource control polic", "rcp"),
    ("VPC endpoint polic", "endpoint"),
    ("role trust polic", "trust"),
)
_ALLOWS = re.compile(r"because no (?P<kind>[\w -]+?) allows?\b")
_DENIES = re.compile(
    r"explicit deny in (?:an?|the) (?P<kind>[\w -]*?(?:polic|boundary))\w*(?:: (?P<arn>arn:\S+))?"
)

# (as a holder of a Deny, as what should allow)
TYPES = {
    "identity": ("an identity policy of the caller", "identity policy of the caller"),
    "resource": ("the policy on the resource", "policy on the resource"),
    "boundary": ("the caller's permissions boundary", "permissions boundary"),
    "session": ("the session policy", "session policy"),
    "scp": ("a service control policy of the organization", "service control policy"),
    "rcp": ("a resource control policy of the organization", "resource control policy"),
    "endpoint": ("the VPC endpoint's policy", "VPC endpoint policy"),
    "trust": ("the role's trust policy", "statement of the role's trust policy"),
}

# What is no matter of policies: (what it means, what to do).
_KEYS = (
    "Run `aws sts get-caller-identity` with the same profile: it shows who you are, or fails too.",
    "Look which credentials the program really uses: environment variables win over profiles.",
)
REFUSED: dict[str | None, tuple[str, tuple[str, ...]]] = {}
for _codes, _means, _todo in (
    (
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired"),
        "Its temporary credentials have run out.",
        (
            "Get new temporary credentials: assume the role again, or sign in again.",
            "If they are new, look at the computer's clock.",
        ),
    ),
    (
        (
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "InvalidAccessKeyId",
            "AuthFailure",
        ),
        "AWS does not know the access key ID, or the key is not active.",
        (
            "Look whether the key was deleted or made inactive.",
            "With temporary credentials, look whether the session token is sent too.",
            *_KEYS,
        ),
    ),
    (
        ("SignatureDoesNotMatch", "InvalidSignatureException"),
        "The secret access key is wrong, or the request was changed on its way.",
        (
            "Look for a space or a missing character in the secret access key.",
            "Look at the computer's clock: more than five minutes off is too much.",
            *_KEYS,
        ),
    ),
    (
        ("MissingAuthenticationToken", "MissingAuthenticationTokenException"),
        "The request was not signed.",
        ("Give the program credentials; see whether it found its profile.", *_KEYS),
    ),
    (
        ("InvalidToken", "InvalidIdentityToken"),
        "The token is broken, or it was not made for AWS.",
        (
            "Look whether the token was cut off when it was copied.",
            "For a web identity, compare its audience with the identity provider's in IAM.",
        ),
    ),
):
    REFUSED |= dict.fromkeys(_codes, (_means, _todo))

_DENY_FIRST = "No Allow helps against a Deny. Find the Deny in {policy}: read its Condition first."
CHECKS = {
    ("identity", False): (
        "List the policies of {who}: inline, attached, and for a user those of its groups.",
        "Look for an Allow whose Action covers {action}: spelling, and the right service.",
        "Compare that statement's Resource with {resource}, part by part.",
        "Look at its Condition: does the request bring every key with the right value?",
    ),
    ("identity", True): (
        "Look in the policies of {who}, its groups' too, for Deny statements.",
        _DENY_FIRST,
        "A Deny that asks for MFA or for a place is met by signing in so, not by another policy.",
    ),
    ("resource", False): (
        "Read the policy on {resource}. Is there an Allow that names {who} or its account?",
        "Across accounts both sides must allow: the policy of {who} and the one on the resource.",
        "If it trusts the whole account, {who} needs an identity policy for {action} too.",
    ),
    ("resource", True): (
        "Read the policy on {resource} and look for its Deny statements.",
        _DENY_FIRST,
    ),
    ("boundary", False): (
        "See which permissions boundary {who} has.",
        "A boundary grants nothing, but it must allow {action} too: add it there.",
    ),
    ("boundary", True): ("Read the permissions boundary of {who}.", _DENY_FIRST),
    ("session", False): (
        "See what policy was passed when the session was made (Policy, PolicyArns).",
        "The session may do only what the role and the session policy both allow.",
    ),
    ("session", True): ("See what policy was passed when the session was made.", _DENY_FIRST),
    ("scp", False): (
        "Ask who runs the organization: an SCP at the root, an OU or the account lacks {action}.",
        "Every level must allow it. Nothing inside the account can change that.",
    ),
    ("scp", True): (
        "Ask who runs the organization which SCP denies {action}, and under what condition.",
        "Nothing inside the account can change that.",
    ),
    ("rcp", True): (
        "Ask who runs the organization that owns {resource} which RCP denies {action}.",
        "Often it asks that the caller be of the same organization.",
    ),
    ("endpoint", False): (
        "The call went through a VPC endpoint: read that endpoint's policy.",
        "It must allow {action} on {resource} for {who}.",
    ),
    ("endpoint", True): ("Read the VPC endpoint's policy.", _DENY_FIRST),
    ("trust", False): (
        "Read the role's trust policy: does an Allow name {who}, its account or its provider?",
        "Look at its Condition: external ID, MFA, or the token's sub and aud.",
        "From another account, {who} also needs an identity policy for {action}.",
    ),
    ("trust", True): ("Read the role's trust policy and its Deny statements.", _DENY_FIRST),
    (None, None): (
        "Run `aws sts get-caller-identity`: are you who you think you are?",
        "Look for an Allow in the identity policies of {who} that covers {action}.",
        "Look for a Deny: identity policies, permissions boundary, SCPs.",
        "Read the policy on {resource}, if it can have one; across accounts it must allow too.",
        "See whether the resource exists: AWS says no rather than that it is not there.",
    ),
}
DECODE = (
    "Read the encoded part: `aws sts decode-authorization-message --encoded-message ...`. Paste "
    "what it prints here."
)
CHECKS["trust", None] = CHECKS["trust", False]
CHECKS["rcp", False] = CHECKS["rcp", True]


def _reason(text: str) -> dict[str, Any]:
    for pattern, explicit in ((_DENIES, True), (_ALLOWS, False)):
        if found := pattern.search(text):
            kind = next((name for words, name in _WORDS if words in found["kind"]), None)
            if kind:
                arn = found.groupdict().get("arn")
                return {
                    "policy_type": kind,
                    "explicit": explicit,
                    "policy_arn": arn and arn.rstrip(".,;)"),
                }
    return {}


def _inside(text: str) -> str:
    """The message in JSON or XML, with the code before it as boto3 would write it."""
    xml = re.search(r"<Code>(\w+(?:\.\w+)?)</Code>.*?<Message>(.*?)</Message>", text, re.S)
    if xml:
        return f"{xml[1]}: {xml[2].replace('&quot;', chr(34)).replace('&amp;', '&')}"
    found = _json(text)
    if isinstance(found, dict):
        found = found.get("Error") if isinstance(found.get("Error"), dict) else found
        code = str(found.get("__type") or found.get("Code") or found.get("code") or "")
        said = found.get("message") or found.get("Message")
        if said:
            return f"{code.rpartition('#')[2]}: {said}"
    return text


def _cloudtrail(text: str) -> dict[str, Any] | None:
    event = _json(text)
    if not isinstance(event, dict) or "eventName" not in event or not event.get("errorCode"):
        return None
    who = event.get("userIdentity")
    facts = {
        "code": str(event["errorCode"]),
        "operation": str(event["eventName"]),
        "principal": who.get("arn") if isinstance(who, dict) else None,
        "text": str(event.get("errorMessage") or " "),
        "context": {},
    }
    service = str(event.get("eventSource", "")).partition(".")[0]
    if service:
        facts["action"] = f"{service}:{event['eventName']}"
    if event.get("sourceIPAddress"):
        facts["context"]["aws:SourceIp"] = str(event["sourceIPAddress"])
    if event.get("awsRegion"):
        facts["context"]["aws:RequestedRegion"] = str(event["awsRegion"])
    return facts


def _decoded(text: str) -> dict[str, Any] | None:
    """What DecodeAuthorizationMessage answered, alone or inside ``{"DecodedMessage": "..."}``."""
    said = _json(text)
    if isinstance(said, dict) and isinstance(said.get("DecodedMessage"), str):
        said = _json(said["DecodedMessage"])
    if not isinstance(said, dict) or "explicitDeny" not in said:
        return None
    try:
        context = said["context"]
        action = str(context["action"])
        conditions = {
            str(item["key"]): ", ".join(str(value["value"]) for value in item["values"]["items"])
            for item in context.get("conditions", {}).get("items", ())
        }
        return {
            "code": "UnauthorizedOperation",
            "principal": context["principal"].get("arn"),
            "action": action if ":" in action else f"ec2:{action}",
            "resource": context.get("resource"),
            "explicit": bool(said["explicitDeny"]),
            "context": conditions,
            "text": " ",
        }
    except (KeyError, TypeError, AttributeError):
        return None


def _json(text: str) -> Any:
    start = text.find("{")
    try:
        return json.loads(text[start:], strict=False) if start >= 0 else None
    except (ValueError, RecursionError):
        return None


def _fill(facts: dict[str, Any]) -> None:
    """The action of a message that names only the operation, where the catalogue has just one."""
    operation = facts.get("operation")
    if facts.get("action") or not operation or facts.get("code") in REFUSED:
        return
    from . import catalog

    if operation in OTHER_NAMES:
        facts["action"] = OTHER_NAMES[operation]
        return
    fits = [s for s in COMMON if catalog.describe(f"{s}:{operation}")]
    if len(fits) == 1:
        facts["action"] = f"{fits[0]}:{operation}"


# Operations that are not named like their action.
OTHER_NAMES = {
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "HeadBucket": "s3:ListBucket",
    "ListBuckets": "s3:ListAllMyBuckets",
    "HeadObject": "s3:GetObject",
    "DeleteObjects": "s3:DeleteObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "Invoke": "lambda:InvokeFunction",
}
# Where the operation of a message without an action is looked for.
COMMON = ("s3", "iam", "ec2", "sts", "kms", "lambda", "dynamodb", "sqs", "secretsmanager", "ecs")


def _short(principal: str | None) -> str | None:
    if principal is None or not principal.startswith("arn:"):
        return principal
    return principal.split(":", 5)[-1]
