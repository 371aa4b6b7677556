"""Checks that a request was signed with the secret it claims: Signature Version 4, and S3's 2."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

if TYPE_CHECKING:
    from iamlab.account.wire import HttpRequest

# How far a signature's date may be off ("Signature Version 4", AWS General Reference: 5 minutes;
# S3 gives 15).
ALLOWED_SKEW = timedelta(minutes=15)


@dataclass(slots=True)
class Claim:
    """What a request says of its own signature: whose key, for which day, region and service."""

    version: int
    access_key_id: str
    signature: str
    token: str | None = None
    signed_at: datetime | None = None
    day: str = ""
    region: str = ""
    service: str = ""
    signed_headers: str = ""
    expires: int | None = None
    in_query: bool = False


class Malformed(ValueError):
    """The signature cannot be read; the text says what is missing."""


def read_claim(request: HttpRequest) -> Claim | None:
    """Return what a request claims of its signature; None if it is not signed.

    Parameters
    ----------
    request : HttpRequest

    Returns
    -------
    Claim or None

    Raises
    ------
    Malformed
        If a part is missing or cannot be read.

    Examples
    --------
    >>> from iamlab.account.wire import HttpRequest
    >>> read_claim(HttpRequest("GET", "https://s3.amazonaws.com/", {}, b"")) is None
    True
    """
    header = request.headers.get("authorization")
    if header is not None:
        return _from_header(header, request)
    if "X-Amz-Signature=" in request.query or "X-Amz-Credential=" in request.query:
        return _from_query(request)
    if "AWSAccessKeyId=" in request.query and "Signature=" in request.query:
        values = dict(parse_qsl(request.query, keep_blank_values=True))
        return Claim(
            2,
            values.get("AWSAccessKeyId", ""),
            values.get("Signature", ""),
            values.get("x-amz-security-token"),
            expires=int(values["Expires"]) if values.get("Expires", "").isdigit() else 0,
            service="s3",
            in_query=True,
        )
    return None


_V4 = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]+)")


def _from_header(header: str, request: HttpRequest) -> Claim:
    token = request.headers.get("x-amz-security-token")
    if header.startswith("AWS ") and ":" in header:
        key_id, _, signature = header[4:].strip().partition(":")
        return Claim(2, key_id, signature, token, service="s3")
    if not header.startswith("AWS4-HMAC-SHA256"):
        raise Malformed("it names no signing method that AWS knows")
    parts = dict(_V4.findall(header))
    for name in ("Credential", "Signature", "SignedHeaders"):
        if name not in parts:
            raise Malformed(f"Authorization header requires '{name}' parameter.")
    date = request.headers.get("x-amz-date", "")
    return _claim(parts, date, token, None, False)


def _from_query(request: HttpRequest) -> Claim:
    values = dict(parse_qsl(request.query, keep_blank_values=True))
    parts = {}
    for name in ("Credential", "Signature", "SignedHeaders"):
        if f"X-Amz-{name}" not in values:
            raise Malformed(f"Query-string authentication requires 'X-Amz-{name}' parameter.")
        parts[name] = values[f"X-Amz-{name}"]
    expires = values.get("X-Amz-Expires", "3600")
    token = values.get("X-Amz-Security-Token")
    date = values.get("X-Amz-Date", "")
    return _claim(parts, date, token, int(expires) if expires.isdigit() else 0, True)


def _claim(
    parts: dict[str, str], date: str, token: str | None, expires: int | None, in_query: bool
) -> Claim:
    scope = parts["Credential"].split("/")
    if len(scope) != 5 or scope[4] != "aws4_request":
        raise Malformed("Credential must have exactly 5 slash-delimited elements.")
    if len(date) != 16 or not (date[:8].isdigit() and date[9:15].isdigit()):
        raise Malformed("Authorization header requires existence of either a 'X-Amz-Date' header.")
    try:
        signed_at = datetime(
            int(date[:4]),
            int(date[4:6]),
            int(date[6:8]),
            int(date[9:11]),
            int(date[11:13]),
            int(date[13:15]),
            tzinfo=UTC,
        )
    except ValueError:
        raise Malformed(f"the date {date!r} cannot be read.") from None
    return Claim(
        4,
        scope[0],
        parts["Signature"],
        token,
        signed_at,
        scope[1],
        scope[2],
        scope[3],
        parts["SignedHeaders"],
        expires,
        in_query,
    )


def matches(claim: Claim, request: HttpRequest, secret: str) -> bool:
    """Return True if the request was signed with this secret.

    Parameters
    ----------
    claim : Claim
        From :func:`read_claim`.
    request : HttpRequest
    secret : str
        The secret access key that belongs to ``claim.access_key_id``.

    Returns
    -------
    bool

    Notes
    -----
    Source: "Create a signed AWS API request", IAM User Guide.
    """
    if claim.version == 2:
        return _matches_v2(claim, request, secret)
    text = "\n".join(
        (
            "AWS4-HMAC-SHA256",
            f"{claim.signed_at:%Y%m%dT%H%M%SZ}",
            f"{claim.day}/{claim.region}/{claim.service}/aws4_request",
            sha256(_canonical(claim, request).encode()).hexdigest(),
        )
    )
    key = _signing_key(secret, claim.day, claim.region, claim.service)
    expected = hmac.new(key, text.encode(), sha256).hexdigest()
    return hmac.compare_digest(expected, claim.signature) and _body_is_the_signed_one(request)


@lru_cache(maxsize=1024)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = ("AWS4" + secret).encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), sha256).digest()
    return key


def _canonical(claim: Claim, request: HttpRequest) -> str:
    path = request.path
    if claim.service != "s3":
        path = quote(_without_dots(path), safe="/~")
    query = request.query
    if query:
        pairs = (part.partition("=") for part in query.split("&"))
        query = "&".join(
            f"{name}={value}" for name, _, value in sorted(pairs) if name != "X-Amz-Signature"
        )
    headers = request.headers
    lines = []
    for name in claim.signed_headers.split(";"):
        value = headers.get(name)
        if value is None:
            value = request.netloc if name == "host" else ""
        lines.append(f"{name}:{' '.join(value.split())}\n")
    return "\n".join(
        (
            request.method,
            path,
            query,
            "".join(lines),
            claim.signed_headers,
            _payload(claim, request),
        )
    )


def _without_dots(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part and part != ".":
            parts.append(part)
    end = "/" if path.endswith("/") and parts else ""
    return "/" + "/".join(parts) + end


def _payload(claim: Claim, request: HttpRequest) -> str:
    stated = request.headers.get("x-amz-content-sha256")
    if stated is not None:
        return stated
    if claim.in_query and claim.service == "s3":
        return "UNSIGNED-PAYLOAD"
    return sha256(request.body).hexdigest()


def _body_is_the_signed_one(request: HttpRequest) -> bool:
    stated = request.headers.get("x-amz-content-sha256", "")
    if len(stated) != 64:
        return True  # UNSIGNED-PAYLOAD or STREAMING-…: the client chose not to sign the body.
    return hmac.compare_digest(stated, sha256(request.body).hexdigest())


def _matches_v2(claim: Claim, request: HttpRequest, secret: str) -> bool:
    """S3's older signature, which boto3 still uses for presigned URLs: botocore knows its rules."""
    from botocore.auth import HmacV1Auth
    from botocore.compat import HTTPHeaders
    from botocore.credentials import Credentials

    from iamlab.account.wire import host_service

    stated = request.headers.get("date", "") if claim.expires is None else str(claim.expires)

    class Auth(HmacV1Auth):
        def _get_date(self) -> str:
            return stated

    headers = HTTPHeaders()
    for name, value in request.headers.items():
        headers[name] = value
    found = host_service(request.netloc)
    path = f"/{found[2]}{request.path}" if found and found[2] else request.path
    auth = Auth(Credentials(claim.access_key_id, secret, claim.token))
    expected = auth.get_signature(request.method, urlsplit(request.url), headers, auth_path=path)
    return hmac.compare_digest(expected, claim.signature)
