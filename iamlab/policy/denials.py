"""Takes a real AWS error message apart: who, what, on what, and which kind of policy said no."""

from __future__ import annotations

import json
import re

from .denial_checks import CAUSES, CHECKS, DECODE, HEAD, REFUSED, TYPES, WORDS

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
    "cause",
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
    cause : str or None
        Why, where no policy is the reason: a key of `iamlab.policy.denial_checks.CAUSES`, such as
        ``"expired"``.
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
        if self.cause:
            return CAUSES[self.cause][0]
        who = _short(self.principal) or "The caller"
        what = self.action or (f"the {self.operation} operation" if self.operation else "this")
        where = f" on {self.resource}" if self.resource else ""
        said = f"{who} may not do {what}{where}"
        if self.policy_type is None:
            deny = "A Deny statement forbids it. " if self.explicit else ""
            return f"{said}. {deny}The message does not say which policy is the reason."
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
        if self.cause:
            return list(CAUSES[self.cause][1])
        kind, action = self.policy_type, self.action or ""
        if kind is None and self.explicit is None:  # some name no kind, or three at once
            kind = "trust" if action.startswith("sts:AssumeRole") else kind
            kind = "key" if action.startswith("kms:") else kind
        known = CHECKS.get((kind, self.explicit), CHECKS[None, None])
        if self.encoded:
            known = (DECODE, *known)
        if self.operation in ("HeadObject", "HeadBucket"):
            known = (HEAD, *known)
        facts = {
            "operation": {"HeadObject": "GetObject"}.get(self.operation or "", "ListObjectsV2"),
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
    text = _tidy(facts.pop("text", None) or _inside(text))
    encoded = _ENCODED.search(text)
    text = " ".join(_BROKEN_ARN.sub(r"\1", text).split())
    for pattern in _CODES:
        if found := pattern.search(text):
            for name, value in found.groupdict().items():
                if value:
                    facts.setdefault(name, value)
    code = facts.get("code") or ""
    denied = code in REFUSED or code.rpartition(".")[2].startswith(_DENIED)
    if found := _FRAME.search(text):
        denied = True
        facts |= {name: value for name, value in found.groupdict().items() if value}
        facts["resource"] = (facts.get("resource") or "").strip("\"'").rstrip(".,") or None
        facts["principal"] = _who(text[: found.start()]) or facts.get("principal")
    elif found := _NOBODY.search(text):
        denied = True
        facts |= {"action": found["action"], "policy_type": "trust", "explicit": None}
    elif found := _ROLE.search(text):
        denied = True
        facts |= {"operation": found[1], "service": found[2], "principal": "The function's role"}
    elif found := _QUEUE.search(text):
        denied = True
        facts["resource"] = f"arn:aws:sqs:{found[1]}:{found[2]}:{found[3]}" if found[2] else None
    facts |= _reason(text)
    if encoded:
        denied = True
        facts["encoded"] = "".join(encoded[1].split())
        facts.setdefault("code", "UnauthorizedOperation")
    cause = REFUSED.get(code) or next((name for words, name in WORDS if words in text), None)
    if not denied and not cause:
        return None
    if not cause:
        facts.setdefault("code", "AccessDenied")
    _fill(facts, text)
    facts.pop("service", None)
    return Denial(**facts, cause=cause)


def error_code(text: str) -> str | None:
    """Return AWS's code of any error, a denial or not.

    Examples
    --------
    >>> error_code("An error occurred (NoSuchKey) when calling the GetObject operation: ...")
    'NoSuchKey'
    """
    text = " ".join(_tidy(_inside(text[:100_000])).split())
    found = filter(None, (pattern.search(text) for pattern in _CODES))
    return next((match["code"] for match in found if match.groupdict().get("code")), None)


# Colours, and what Terraform, tables and mails draw before a line; backticks.
_DRAWN = re.compile(r"\x1b\[[0-9;]*m|^[ \t]*[│╷╵|>,]+|`", re.M)
# A table broke the line inside an ARN: it has fewer than its five colons.
_BROKEN_ARN = re.compile(r"(arn:[\w-]*(?::[^\s:\"']*){0,3}) *\n\s*(?=\S)")
_FRAME = re.compile(
    r"is not authorized to (?:perform|access)(?: this resource)?:? ?"
    r"(?P<action>[A-Za-z0-9-]+:[A-Za-z0-9]+)?"
    r"(?: on (?:the )?resource(?:: ?| )(?!associated )"
    r"(?P<resource>\"[^\"]*\"|'[^']*'|[^\s\]]+(?: [\w+=,.@-]+)??)"
    r"(?= because| with| or |[\].;,)'\"\\]+ |[\].;,)]?$|$|: | Encoded| \())?"
)
_NOBODY = re.compile(r"Not authorized to perform (?P<action>sts:AssumeRole\w*)")
_ROLE = re.compile(r"execution role does not have permissions to call (\w+) on (\w+)")
_QUEUE = re.compile(
    r"Access to the resource https://"
    r"(?:sqs\.([\w-]+)\.amazonaws\.com/(\d{12})/([\w.-]+)|\S+) is denied"
)
# A terminal may have broken it into lines.
_ENCODED = re.compile(
    r"Encoded authorization failure message:\s+([\w=+/-]{16,}(?:\s*\n\s*[\w=+/-]{20,}(?=\s*$))*)",
    re.M,
)
_CODES = (
    # boto3 and the AWS CLI
    re.compile(r"rror (?:occurred )?\((?P<code>[\w.]+)\) (?:occurred )?when calling the"
               r" (?P<operation>\w+) op"),
    # SDKs for Go and Terraform: "operation error IAM: CreateRole, ... api error AccessDenied: "
    re.compile(r"operation error (?P<service>[\w ]+): (?P<operation>\w+)"),
    re.compile(r"api error (?P<code>[\w.]+):"),
    # SDK for Java: "(Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; ..."
    re.compile(r"Error Code: (?P<code>\w+)"),
    # SDKs for PHP, Ruby, JavaScript; JSON
    re.compile(r"Error executing \"(?P<operation>\w+)\""),
    re.compile(r"Errors::(?P<code>\w+)"),
    re.compile(r"\b(?:[Ee]rror)?[Cc]ode\\?[\"']?: ?\\?[\"'](?P<code>[\w.]+)"),
    # SDK for JavaScript, Go v1 and plain: "AccessDenied: User: ..."
    re.compile(r"\b(?P<code>(?:AccessDenied|Unauthorized(?=Op|Ac|Ex)|Expired|Invalid|Unrecognized"
               r"|Signature|Request(?=Exp|Time)|AuthFailure|MissingAuth|IncompleteSig)\w*"
               r"|Forbidden(?=:)):? "),
)  # fmt: skip
_DENIED = ("AccessDenied", "Unauthorized", "403", "Forbidden", "Authorization", "NotAuthorized")

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


def _tidy(text: str) -> str:
    return _DRAWN.sub("", text)


def _who(before: str) -> str | None:
    """The principal: the last word before "is not authorized"."""
    words = before[-3000:].rsplit(maxsplit=2)
    word = words[-1].strip("\"'(") if words else ""
    named = len(words) > 1 and words[-2].endswith(("User:", "Principal:"))
    return word if word and (named or word.startswith("arn:")) else None


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
    return {"explicit": True} if "with an explicit deny" in text else {}


def _inside(text: str) -> str:
    """The message in JSON or XML, with the code before it as boto3 would write it."""
    xml = re.search(r"<Code>(\w+(?:\.\w+)?)</Code>.*?<Message>(.*?)</Message>", text, re.S)
    if xml:
        return f"{xml[1]}: {xml[2].replace('&quot;', chr(34)).replace('&amp;', '&')}"
    found = _json(text)
    if isinstance(found, dict):
        found = found.get("Error") if isinstance(found.get("Error"), dict) else found
        names = ("__type", "Code", "code", "errorCode", "errorType")
        code = next((str(found[name]) for name in names if found.get(name)), "")
        said = next(
            (found[n] for n in ("message", "Message", "errorMessage") if found.get(n)), None
        )
        if said:
            return f"{code.rpartition('#')[2]}: {said} "
    return text


def _cloudtrail(text: str) -> dict[str, Any] | None:
    event = _json(text)
    if isinstance(event, dict) and isinstance(event.get("Records"), list):
        failed = [e for e in event["Records"] if isinstance(e, dict) and e.get("errorCode")]
        event = failed[0] if failed else None
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


def _fill(facts: dict[str, Any], text: str) -> None:
    """What follows from the rest: the action of an operation, the ARN of an s3:// address."""
    operation = facts.get("operation")
    if operation and not facts.get("action"):
        from . import catalog

        named = (facts.get("service") or "").lower().replace(" ", "")
        fits = [s for s in (named, *COMMON) if s and catalog.describe(f"{s}:{operation}")]
        if operation in OTHER_NAMES:
            facts["action"] = OTHER_NAMES[operation]
        elif fits and (fits[0] == named or len(fits) == 1):
            facts["action"] = f"{fits[0]}:{operation}"
    action = facts.get("action") or ""
    if action.startswith("s3:") and not facts.get("resource") and (found := _S3.search(text)):
        key = (found[2] or "") if "Object" in action else ""
        facts["resource"] = f"arn:aws:s3:::{found[1]}{key}"
    if "ciphertext refers to a customer master key" in text:
        facts.setdefault("action", "kms:Decrypt")


_S3 = re.compile(r"s3://([\w.-]+)(/[^\s\"']+)?")
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
