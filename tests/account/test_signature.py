"""Signatures: what botocore signs is accepted, and any change is not."""

import string
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from iamlab.account.signature import Malformed, matches, read_claim
from iamlab.account.wire import HttpRequest, lower_headers

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEY = Credentials("AKIAIOSFODNN7EXAMPLE", SECRET)


def _signed(
    method: str, url: str, body: bytes, service: str, auth: Any = None, **headers: str
) -> HttpRequest:
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    (auth or SigV4Auth)(KEY, service, "eu-west-1").add_auth(request)
    prepared = request.prepare()
    return HttpRequest(method, prepared.url, lower_headers(prepared.headers), body)


paths = st.text(string.ascii_letters + "/ .~-_%+=ü", max_size=20)
values = st.dictionaries(
    st.text(string.ascii_letters, min_size=1, max_size=5), st.text("abc =&+/ü", max_size=6)
)


@settings(max_examples=150, deadline=None)
@given(path=paths, query=values, body=st.binary(max_size=50), s3=st.booleans())
def test_what_botocore_signs_is_accepted(
    path: str, query: dict[str, str], body: bytes, s3: bool
) -> None:
    from urllib.parse import quote, urlencode

    url = f"https://x.eu-west-1.amazonaws.com/{quote(path)}"
    if query:
        url += "?" + urlencode(query, quote_via=quote)
    service, auth = ("s3", S3SigV4Auth) if s3 else ("iam", SigV4Auth)
    request = _signed("POST", url, body, service, auth)
    claim = read_claim(request)
    assert claim is not None and claim.access_key_id == KEY.access_key
    assert matches(claim, request, SECRET)
    assert not matches(claim, request, SECRET + "x")


@pytest.mark.parametrize(
    "change",
    [
        lambda r: setattr(r, "method", "GET"),
        lambda r: setattr(r, "path", "/other"),
        lambda r: setattr(r, "query", "a=2"),
        lambda r: setattr(r, "body", b"other"),
        lambda r: r.headers.update({"x-amz-date": "20200101T000000Z"}),
        lambda r: r.headers.update({"content-type": "text/other"}),
        lambda r: setattr(r, "netloc", "y.amazonaws.com"),
    ],
)
def test_any_change_is_noticed(change: Any) -> None:
    request = _signed(
        "POST", "https://x.amazonaws.com/p?a=1", b"body", "iam", **{"Content-Type": "text/plain"}
    )
    assert matches(read_claim(request), request, SECRET)  # type: ignore[arg-type]
    change(request)
    assert not matches(read_claim(request), request, SECRET)  # type: ignore[arg-type]


def test_a_signed_query() -> None:
    """How presigned URLs, and some programs that prove who they are to a third, sign."""
    request = AWSRequest(method="GET", url="https://sts.amazonaws.com/?Action=GetCallerIdentity")
    SigV4QueryAuth(KEY, "sts", "us-east-1", expires=60).add_auth(request)
    got = HttpRequest("GET", request.prepare().url, {}, b"")
    claim = read_claim(got)
    assert claim is not None and (claim.expires, claim.in_query) == (60, True)
    assert matches(claim, got, SECRET)


def test_s3_body_hash_must_be_that_of_the_body() -> None:
    request = _signed("PUT", "https://b.s3.amazonaws.com/k", b"body", "s3", S3SigV4Auth)
    request.body = b"changed"
    assert not matches(read_claim(request), request, SECRET)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "header",
    [
        "Bearer x",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=x",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, Signature=x",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host, Signature=x",
        "",
    ],
)
def test_what_cannot_be_read_says_why(header: str) -> None:
    with pytest.raises(Malformed) as problem:
        read_claim(HttpRequest("GET", "https://iam.amazonaws.com/", {"authorization": header}, b""))
    assert str(problem.value)


@settings(max_examples=300, deadline=None)
@given(header=st.text(max_size=80), query=st.text(max_size=80))
def test_nonsense_is_refused_never_a_crash(header: str, query: str) -> None:
    for request in (
        HttpRequest("GET", "https://iam.amazonaws.com/", {"authorization": header}, b""),
        HttpRequest("GET", f"https://s3.amazonaws.com/?{query}&X-Amz-Signature=1", {}, b""),
    ):
        try:
            claim = read_claim(request)
        except Malformed:
            continue
        assert claim is None or not matches(claim, request, SECRET)
