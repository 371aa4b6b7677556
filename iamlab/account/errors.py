"""How each AWS service says no: the codes, HTTP statuses and texts of refusals and denials."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from iamlab.policy import Decision

Response = tuple[int, dict[str, str], bytes]


class AwsError(Exception):
    """An error as AWS would answer it.

    Parameters
    ----------
    code : str
        AWS's error code, such as ``AccessDenied``.
    message : str
        AWS's text.
    status : int
        HTTP status.
    fields : dict of str to str, optional
        Further elements of the answer (S3 names the bucket or the key ID).

    Examples
    --------
    >>> str(AwsError("NoSuchEntity", "The user with name bo cannot be found.", 404))
    'NoSuchEntity: The user with name bo cannot be found.'
    """

    def __init__(
        self, code: str, message: str, status: int = 400, fields: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields or {}


# How a service writes its answers. SQS also still speaks the older query form.
STYLES = {
    "iam": "query",
    "sts": "query",
    "ec2": "ec2",
    "s3": "s3",
    "dynamodb": "json",
    "kms": "json",
    "secretsmanager": "json",
    "organizations": "json",
    "sqs": "sqs",
    "lambda": "rest-json",
    "cloudtrail": "json",
    "access-analyzer": "rest-json",
    "ecs": "json",
}

_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your "
)
_SIGNATURE = (
    _MISMATCH + "AWS Secret Access Key and signing method. "
    "Consult the service documentation for details."
)
_INVALID = "The security token included in the request is invalid"
_EXPIRED = "The security token included in the request is expired"
_MISSING = "Missing Authentication Token"
_EC2_UNKNOWN = "AWS was not able to validate the provided access credentials"

# Who-are-you refusals: (style) -> (reason) -> (code, HTTP status, text).
# The texts of unknown keys and signatures are those that public logs show; the numbers beside
# JSON and REST-JSON styles are from memory of the documentation (iam_evaluation §10 [M]).
REFUSALS: dict[str, dict[str, tuple[str, int, str]]] = {
    "query": {
        "unknown": ("InvalidClientTokenId", 403, _INVALID),
        "token": ("InvalidClientTokenId", 403, _INVALID),
        "signature": ("SignatureDoesNotMatch", 403, _SIGNATURE),
        "expired": ("ExpiredToken", 403, _EXPIRED),
        "missing": ("MissingAuthenticationToken", 403, "Request is missing Authentication Token"),
        "skewed": (
            "SignatureDoesNotMatch",
            403,
            "Signature expired: {signed} is now earlier than {earliest} ({now} - 15 min.)",
        ),
        "malformed": ("IncompleteSignature", 400, "Authorization header is malformed: {detail}"),
        "scope": (
            "SignatureDoesNotMatch",
            403,
            "Credential should be scoped to correct service: '{service}'. ",
        ),
    },
    "s3": {
        "unknown": (
            "InvalidAccessKeyId",
            403,
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        "token": ("InvalidToken", 400, "The provided token is malformed or otherwise invalid."),
        "signature": ("SignatureDoesNotMatch", 403, _MISMATCH + "key and signing method."),
        "expired": ("ExpiredToken", 400, "The provided token has expired."),
        "missing": ("AccessDenied", 403, "Access Denied"),
        "skewed": (
            "RequestTimeTooSkewed",
            403,
            "The difference between the request time and the current time is too large.",
        ),
        "url_expired": ("AccessDenied", 403, "Request has expired"),
        "malformed": (
            "AuthorizationHeaderMalformed",
            400,
            "The authorization header is malformed; {detail}",
        ),
        "scope": (
            "AuthorizationHeaderMalformed",
            400,
            "The authorization header is malformed; "
            'incorrect service. This endpoint belongs to "s3".',
        ),
    },
    "ec2": {
        "unknown": ("AuthFailure", 401, _EC2_UNKNOWN),
        "token": ("AuthFailure", 401, _EC2_UNKNOWN),
        "signature": ("AuthFailure", 401, _EC2_UNKNOWN),
        "expired": ("RequestExpired", 400, "Request has expired."),
        "missing": (
            "MissingParameter",
            400,
            "The request must contain the parameter AWSAccessKeyId",
        ),
        "skewed": ("RequestExpired", 400, "Request has expired."),
        "malformed": ("AuthFailure", 401, _EC2_UNKNOWN),
        "scope": ("AuthFailure", 401, "Credential should be scoped to correct service: 'ec2'. "),
    },
    "json": {
        "unknown": ("UnrecognizedClientException", 400, _INVALID + "."),
        "token": ("UnrecognizedClientException", 400, _INVALID + "."),
        "signature": ("InvalidSignatureException", 400, _SIGNATURE),
        "expired": ("ExpiredTokenException", 400, _EXPIRED),
        "missing": ("MissingAuthenticationTokenException", 400, _MISSING),
        "skewed": (
            "InvalidSignatureException",
            400,
            "Signature expired: {signed} is now earlier than {earliest} ({now} - 5 min.)",
        ),
        "malformed": (
            "IncompleteSignatureException",
            400,
            "Authorization header is malformed: {detail}",
        ),
        "scope": (
            "InvalidSignatureException",
            400,
            "Credential should be scoped to correct service: '{service}'. ",
        ),
    },
}
REFUSALS["rest-json"] = {
    reason: (code, 403, text) for reason, (code, _, text) in REFUSALS["json"].items()
}
# SQS answers in JSON, with the codes of its older query form (botocore's awsQueryCompatible).
REFUSALS["sqs"] = REFUSALS["query"]

# May-you denials: (style) -> (code, HTTP status).
DENIALS = {
    "query": ("AccessDenied", 403),
    "s3": ("AccessDenied", 403),
    "ec2": ("UnauthorizedOperation", 403),
    "json": ("AccessDeniedException", 400),
    "rest-json": ("AccessDeniedException", 403),
    "sqs": ("AccessDenied", 403),
}

# "Troubleshoot access denied error messages", IAM User Guide: one policy type is named.
_IMPLICIT = {
    "identity": "because no identity-based policy allows the {action} action",
    "resource": "because no resource-based policy allows the {action} action",
    "boundary": "because no permissions boundary allows the {action} action",
    "session": "because no session policy allows the {action} action",
    "scp": "because no service control policy allows the {action} action",
    "rcp": "because no resource control policy allows the {action} action",
}
_EXPLICIT = {
    "identity": "with an explicit deny in an identity-based policy",
    "resource": "with an explicit deny in a resource-based policy",
    "boundary": "with an explicit deny in a permissions boundary",
    "session": "with an explicit deny in a session policy",
    "scp": "with an explicit deny in a service control policy",
    "rcp": "with an explicit deny in a resource control policy",
}


# What is printed where an action has no resource, by action or by service; other services print
# nothing (public logs [O]).
_NO_RESOURCE = dict.fromkeys(("iam", "sts", "kms", "lambda", "organizations", "dynamodb"), "*") | {
    "dynamodb:ListTables": "arn:aws:dynamodb:{region}:{account}:table/*",
    "sqs:ListQueues": "arn:aws:sqs:{region}:{account}:",
}


# Calls that a token makes, not a key: AWS's denial names nobody (public logs [O]).
_UNSIGNED = ("sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML")


def refusal(service: str, reason: str, **details: str) -> AwsError:
    """Word a who-are-you refusal as the service does.

    Parameters
    ----------
    service : str
        botocore's name of the service, such as ``"s3"``.
    reason : str
        A key of ``REFUSALS``: unknown, token, signature, expired, missing, skewed, …
    **details : str
        What the text names.

    Returns
    -------
    AwsError
        With that service's code, HTTP status and text.

    Examples
    --------
    >>> refusal("s3", "expired").code, refusal("s3", "expired").status
    ('ExpiredToken', 400)
    """
    table = REFUSALS[STYLES[service]]
    code, status, text = table.get(reason) or table["expired"]
    return AwsError(code, text.format(service=service, **details) if "{" in text else text, status)


def denial(service: str, printed: str, decision: Decision, same_account: bool) -> AwsError:
    """Word a may-you denial as the service does.

    Parameters
    ----------
    service : str
        botocore's name of the service.
    printed : str
        The caller as AWS prints it (the session's ARN for a role).
    decision : Decision
        Why it was denied.
    same_account : bool
        False where the resource is another account's, and that is in no organization with
        the caller's: there S3 answers only "Access Denied".

    Returns
    -------
    AwsError
        With that service's code, HTTP status and text.

    Notes
    -----
    Source: "Troubleshoot access denied error messages", IAM User Guide. AssumeRole denials end
    after the role's ARN in practice (iam_evaluation §10 [O]).

    Examples
    --------
    >>> from iamlab.policy import Policies, Request, evaluate
    >>> no = evaluate(Request("arn:aws:iam::111122223333:user/ana", "iam:GetUser", "*"), Policies())
    >>> denial("iam", "arn:aws:iam::111122223333:user/ana", no, True).code
    'AccessDenied'
    """
    style = STYLES[service]
    code, status = DENIALS[style]
    request = decision.request
    # A secret that does not exist has no random ending: AWS prints the name alone [M].
    action, resource = request.action, request.resource.removesuffix("-??????")
    if style == "s3" and (not same_account or printed == "*"):
        return AwsError(code, "Access Denied", status)
    if style == "sqs":
        # SQS prints its action names in small letters (public logs [O]).
        action = action.lower()
    kind = decision.blocked_by or "identity"
    reasons = _EXPLICIT if decision.effect == "explicitDeny" else _IMPLICIT
    reason = reasons[kind].format(action=action)
    if action.lower().startswith("sts:assumerole"):
        reason = ""
    if action in _UNSIGNED:
        return AwsError(code, f"Not authorized to perform {action}", status)
    name = "anonymous" if printed == "*" else printed
    who = f"User: {name} is not authorized to perform: {action}"
    if resource == "*":
        facts = request.context
        resource = (_NO_RESOURCE.get(request.action) or _NO_RESOURCE.get(service, "")).format(
            region=facts.get("aws:RequestedRegion", ""), account=facts.get("aws:PrincipalAccount")
        )
    where = f" on resource: {resource}" if resource else ""
    if style == "s3" and resource:
        where = f' on resource: "{resource}"'
    text = f"{who}{where} {reason}".rstrip()
    if style == "ec2":
        from iamlab.account.supplements.authorization_messages import encode  # it imports this

        text = (
            f"You are not authorized to perform this operation. {text}."
            f" Encoded authorization failure message: {encode(decision)}"
        )
    return AwsError(code, text, status)


def respond(service: str, error: AwsError, head: bool = False, query: bool = False) -> Response:
    """Write an error in the service's own wire format.

    Parameters
    ----------
    service : str
        botocore's name of the service.
    error : AwsError
        What to say.
    head : bool
        True for an HTTP HEAD request, whose answer has no body.
    query : bool
        True where SQS was asked in its older query form.

    Returns
    -------
    tuple of (int, dict, bytes)
        HTTP status, headers, body.

    Examples
    --------
    >>> status, headers, body = respond("iam", AwsError("AccessDenied", "no", 403))
    >>> status, b"<Code>AccessDenied</Code>" in body
    (403, True)
    """
    request_id = str(uuid4())
    headers = {"x-amzn-requestid": request_id}
    style = STYLES.get(service, "json")
    if style == "sqs" and query:
        style = "query"
    if head:
        return error.status, {"x-amz-request-id": request_id}, b""
    if style in ("query", "ec2", "s3"):
        headers["content-type"] = "text/xml"
        return error.status, headers, _xml(style, error, request_id).encode()
    headers["content-type"] = "application/x-amz-json-1.0"
    body: dict[str, Any] = {"__type": error.code, "message": error.message}
    if style == "rest-json":
        headers["content-type"] = "application/json"
        headers["x-amzn-errortype"] = error.code
        body = {"message": error.message, "Message": error.message}
    elif style == "sqs":
        headers["x-amzn-query-error"] = f"{error.code};Sender"
    elif service == "dynamodb" and error.code == "AccessDeniedException":
        # DynamoDB writes this one with a capital M; botocore reads both.
        body = {
            "__type": "com.amazon.coral.service#AccessDeniedException",
            "Message": error.message,
        }
    return error.status, headers, json.dumps(body | error.fields).encode()


def numbered(service: str, answer: Response) -> tuple[str, Response]:
    """Return an answer and its request ID: in the header, and in the body of XML answers.

    Parameters
    ----------
    service : str
        botocore's name of the service.
    answer : tuple of (int, dict, bytes)

    Returns
    -------
    tuple of (str, (int, dict, bytes))

    Examples
    --------
    >>> request_id, answer = numbered("iam", (200, {}, b"<RequestId>request-id</RequestId>"))
    >>> answer[2] == f"<RequestId>{request_id}</RequestId>".encode()
    True
    """
    status, headers, body = answer
    request_id = headers.get("x-amzn-requestid") or headers.get("x-amz-request-id")
    if request_id is None:
        request_id = headers["x-amzn-requestid"] = str(uuid4())
    if STYLES.get(service) in ("query", "ec2", "sqs") and _NOT_NUMBERED in body:
        body = body.replace(_NOT_NUMBERED, f"equestId>{request_id}<".encode())
    return request_id, (status, headers, body)


# What moto's serializer writes for every call: <RequestId> or, in EC2, <requestId>.
_NOT_NUMBERED = b"equestId>request-id<"
# XML has no way to write these, and texts that quote a request may hold them.
_NO_XML = [*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF]
_NOT_IN_XML = dict.fromkeys(_NO_XML, "\N{REPLACEMENT CHARACTER}")


def _xml(style: str, error: AwsError, request_id: str) -> str:
    code, message = escape(error.code), escape(error.message.translate(_NOT_IN_XML))
    more = "".join(
        f"<{name}>{escape(value.translate(_NOT_IN_XML))}</{name}>"
        for name, value in error.fields.items()
    )
    inner = f"<Code>{code}</Code><Message>{message}</Message>{more}"
    if style == "s3":
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><Error>{inner}'
            f"<RequestId>{request_id}</RequestId><HostId>{request_id}</HostId></Error>"
        )
    if style == "ec2":
        return (
            '<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error>'
            f"{inner}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        )
    side = "Receiver" if error.status >= 500 else "Sender"
    return (
        f"<ErrorResponse><Error><Type>{side}</Type>{inner}</Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )
