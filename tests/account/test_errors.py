"""Texts, codes and wire formats of refusals and denials (iam_evaluation §10)."""

import json

import pytest

from iamlab.account.errors import REFUSALS, STYLES, AwsError, denial, refusal, respond
from iamlab.policy import Policies, Request, evaluate
from tests.account.smallest import model_of

ANA = "arn:aws:iam::111122223333:user/ana"
REASONS = ("unknown", "token", "signature", "expired", "missing", "skewed", "malformed", "scope")


def test_every_style_words_every_reason() -> None:
    for style, table in REFUSALS.items():
        assert set(REASONS) <= set(table), style
        for code, status, text in table.values():
            assert code and text and 400 <= status < 500


@pytest.mark.parametrize("service", STYLES)
def test_every_refusal_can_be_worded(service: str) -> None:
    dates = {"signed": "a", "earliest": "b", "now": "c", "detail": "d"}
    for reason in REASONS:
        error = refusal(service, reason, **dates)
        assert "{" not in error.message


def _deny(kind: str, effect: str) -> Policies:
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    other = {"Effect": "Allow", "Action": "sns:*", "Resource": "*"}
    doc = {"Version": "2012-10-17", "Statement": [other]}
    if effect == "explicit":
        doc = {"Version": "2012-10-17", "Statement": [allow, deny]}
    yes = {"Version": "2012-10-17", "Statement": [allow]}
    if kind == "identity":
        return Policies(identity=[doc])
    if kind in ("scp", "rcp"):
        return Policies(identity=[yes], **{f"{kind}s": [[doc]]})
    return Policies(identity=[yes], **{kind: doc})


# "Troubleshoot access denied error messages", IAM User Guide (§10 [D]).
REASON_TEXTS = [
    ("identity", "implicit", "because no identity-based policy allows the iam:GetUser action"),
    ("identity", "explicit", "with an explicit deny in an identity-based policy"),
    ("boundary", "implicit", "because no permissions boundary allows the iam:GetUser action"),
    ("boundary", "explicit", "with an explicit deny in a permissions boundary"),
    ("session", "implicit", "because no session policy allows the iam:GetUser action"),
    ("session", "explicit", "with an explicit deny in a session policy"),
    ("scp", "implicit", "because no service control policy allows the iam:GetUser action"),
    ("scp", "explicit", "with an explicit deny in a service control policy"),
]


@pytest.mark.parametrize(("kind", "effect", "text"), REASON_TEXTS)
def test_denials_name_the_policy_type(kind: str, effect: str, text: str) -> None:
    principal = "arn:aws:sts::111122223333:assumed-role/r/s" if kind == "session" else ANA
    decision = evaluate(Request(principal, "iam:GetUser", ANA), _deny(kind, effect))
    assert denial("iam", principal, decision, True).message == (
        f"User: {principal} is not authorized to perform: iam:GetUser on resource: {ANA} {text}"
    )


def test_the_services_own_ways_of_saying_no() -> None:
    decision = evaluate(Request(ANA, "s3:GetObject", "arn:aws:s3:::b/k"), Policies())
    assert denial("s3", ANA, decision, True).message == (
        f'User: {ANA} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::b/k" '
        "because no identity-based policy allows the s3:GetObject action"
    )
    assert denial("s3", ANA, decision, False).message == "Access Denied"
    decision = evaluate(Request(ANA, "ec2:RunInstances", "*"), Policies())
    error = denial("ec2", ANA, decision, True)
    assert (error.code, error.status) == ("UnauthorizedOperation", 403)
    assert error.message.startswith("You are not authorized to perform this operation. User: ")
    assert "Encoded authorization failure message: " in error.message
    role = "arn:aws:iam::111122223333:role/r"
    decision = evaluate(Request(ANA, "sts:AssumeRole", role), Policies())
    assert denial("sts", ANA, decision, True).message.endswith(f"on resource: {role}")


@pytest.mark.parametrize("service", STYLES)
def test_every_wire_format_is_what_botocore_reads(service: str) -> None:
    from botocore.parsers import create_parser

    error = AwsError("AccessDenied", 'no <&> "way"', 403)
    status, headers, body = respond(service, error)
    model = model_of(service)
    parser = create_parser(model.metadata["protocol"])
    parsed = parser.parse({"status_code": status, "headers": headers, "body": body}, None)
    assert parsed["Error"]["Code"] == "AccessDenied"
    assert parsed["Error"]["Message"] == 'no <&> "way"'
    assert parsed["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_head_answers_have_no_body() -> None:
    assert respond("s3", AwsError("AccessDenied", "x", 403), head=True)[2] == b""


def test_sqs_in_its_older_form_answers_in_xml() -> None:
    assert b"<Code>" in respond("sqs", AwsError("AccessDenied", "x", 403), query=True)[2]
    assert json.loads(respond("sqs", AwsError("AccessDenied", "x", 403))[2])["message"] == "x"


@pytest.mark.parametrize("service", ["iam", "s3", "ec2"])
def test_what_xml_cannot_write_is_replaced(service: str) -> None:
    from xml.etree import ElementTree

    text = "a\x07b\ud800c<d>"
    body = respond(service, AwsError("No", text, 400, {"Key": text}))[2]
    found = [element.text for element in ElementTree.fromstring(body).iter()]
    assert found.count("a\ufffdb\ufffdc<d>") == 2
