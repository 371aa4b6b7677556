"""Paste a denial: what is said, what is not, what to look at, and the request in the playground."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from iamlab.widgets import DenialPage, Playground, explain_denial
from iamlab.widgets.denial import EXAMPLES, OTHER, START, UNKNOWN, look, request_of

ANA = "arn:aws:iam::111122223333:user/ana"
S3, SCP, EC2, EXPIRED = (text for _, text in EXAMPLES)


def ask(page: DenialPage, **message: Any) -> None:
    page._on_message(page, {**message, "ping": 1}, None)


def table(text: str) -> dict[str, str]:
    return {row["label"]: row["value"] for row in look(text)["rows"]}


def test_a_denial_of_s3() -> None:
    result = look(S3)
    assert result["sentence"] == (
        "user/ana may not do s3:GetObject on arn:aws:s3:::reports/2026/q3.csv: no identity policy "
        "of the caller allows it."
    )
    assert table(S3) == {
        "Who": ANA,
        "What": "s3:GetObject",
        "On what": "arn:aws:s3:::reports/2026/q3.csv",
        "Which policy": "an identity policy of the caller",
        "How": "no statement allows it (implicit deny)",
        "AWS's code": "AccessDenied",
        "Call": "GetObject",
    }
    assert all(row["said"] for row in result["rows"])
    assert len(result["checks"]) == 4 and result["found"] and result["try"]
    assert result["command"] == ""


def test_a_deny_of_an_scp() -> None:
    said = table(SCP)
    assert said["Which policy"] == "a service control policy of the organization"
    assert said["How"] == "a Deny statement forbids it (explicit deny)"
    assert said["Its ARN"].endswith("service_control_policy/p-12345678")


def test_what_is_not_said_is_marked() -> None:
    silent = [row["label"] for row in look(EC2)["rows"] if not row["said"]]
    assert silent == ["Who", "On what", "Which policy", "How"]
    assert {row["value"] for row in look(EC2)["rows"] if not row["said"]} == {"not said"}
    assert look(EC2)["command"].startswith(
        "aws sts decode-authorization-message --encoded-message Ex4mpLe-"
    )
    assert table(EC2)["Encoded part"] == "129 characters"
    assert "Not said: Who, On what, Which policy, How." in str(explain_denial(EC2))


def test_expired_credentials_are_nothing_to_try() -> None:
    result = look(EXPIRED)
    assert result["sentence"] == (
        "AWS did not accept the caller at all. Its temporary credentials have run out."
    )
    assert result["found"] and not result["try"]
    with pytest.raises(ValueError, match="names no request"):
        explain_denial(EXPIRED).open_playground()


def test_what_is_no_denial_gets_a_kind_sentence() -> None:
    assert look("") == look("  \n") == {**look(""), "sentence": START, "found": False}
    assert look("hello")["sentence"] == UNKNOWN
    text = "An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation: gone"
    assert look(text)["sentence"] == OTHER.format(code="NoSuchBucket")
    assert str(explain_denial()) == START


def test_a_text_from_the_page_is_read_and_checks_are_ticked() -> None:
    page = explain_denial()
    ask(page, text=S3)
    assert page.denial.principal == ANA and page.result == look(S3)
    ask(page, text=S3, ticked=[0, 2])
    assert page.ticked == [0, 2]
    ask(page, text=S3 + "\n")
    assert page.ticked == [0, 2], "a space more changes nothing"
    ask(page, text=SCP)
    assert page.ticked == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (S3, {"principal": ANA, "action": "s3:GetObject",
              "resource": "arn:aws:s3:::reports/2026/q3.csv"}),
        (f"User: {ANA} is not authorized to perform: iam:GetRole on resource: role reader",
         {"resource": "arn:aws:iam::111122223333:role/reader"}),
        (f"User: {ANA} is not authorized to perform: s3:ListAllMyBuckets because no identity-based "
         "policy allows the s3:ListAllMyBuckets action", {"resource": "*"}),
        ("User: anonymous is not authorized to perform: es:ESHttpGet", {"principal": "*"}),
        ("The provided execution role does not have permissions to call CreateNetworkInterface on "
         "EC2", {"principal": "", "action": "ec2:CreateNetworkInterface"}),
        (EC2, {"principal": "", "action": "ec2:StopInstances", "resource": ""}),
    ],
)  # fmt: skip
def test_the_request_for_the_playground(text: str, expected: dict[str, str]) -> None:
    request = request_of(explain_denial(text).denial)
    assert {name: request[name] for name in expected} == expected


def test_without_a_lab_the_request_stands_alone() -> None:
    page = explain_denial(S3)
    ask(page, do="try")
    assert isinstance(page.page, Playground)
    assert page.page.request["principal"] == ANA and page.page.policies["identity"] == ""
    assert page.note == (
        "Put the policies of the caller into the editors: the message does not hold them."
    )
    assert page.page.decision.effect == "implicitDeny"
    assert str(page.page) in str(page)
    first = page.page
    ask(page, text=SCP)
    assert page.page is None and page.note == "", "another message has another request"
    assert first.comm is None, "and the old playground is closed"


def test_with_a_lab_the_callers_own_policies_stand_in_it(lab: Any) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="ana")
    document = (
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", '
        '"Resource": "arn:aws:s3:::reports"}}'
    )
    iam.put_user_policy(UserName="ana", PolicyName="read", PolicyDocument=document)
    page = explain_denial(S3)
    opened = page.open_playground()
    assert '"arn:aws:s3:::reports"' in opened.policies["identity"]
    assert opened.decision.effect == "implicitDeny"
    assert page.note == "These are the policies that the caller has in the running lab."
    iam.put_user_policy(
        UserName="ana", PolicyName="read", PolicyDocument=document.replace('reports"', 'reports/*"')
    )
    page.open_playground()
    assert page.note.endswith(
        "They allow this request: the message is older, or of another account."
    )


def test_a_caller_that_the_lab_does_not_know(lab: Any) -> None:
    page = explain_denial(S3)
    page.open_playground()
    assert page.note == (
        f"There is nobody with the ARN {ANA} in the lab. Put the policies of the caller into the "
        "editors: the message does not hold them."
    )
    assert page.page.request["principal"] == ANA


def test_the_lab_reads_its_own_encoded_messages(lab: Any) -> None:
    boto3.client("iam").create_user(UserName="ana")
    with pytest.raises(ClientError) as denied:
        lab.session("user/ana").client("ec2").stop_instances(InstanceIds=["i-1"])
    page = explain_denial(str(denied.value))
    ask(page, do="decode")
    assert page.note == "The lab has read its encoded message. This is what was in it."
    assert page.denial.principal == ANA and page.denial.action == "ec2:StopInstances"
    assert "aws:SourceIp = " in table(page.text)["Also"]
    page.open_playground()
    assert "aws:SourceIp" in page.page.request["context"]


@pytest.mark.parametrize("running", [True, False])
def test_other_encoded_messages_only_aws_can_read(running: bool, request: Any) -> None:
    if running:
        request.getfixturevalue("lab")
    page = explain_denial(EC2)
    ask(page, do="decode")
    assert page.text == EC2 and page.note.startswith("Only AWS can read this encoded part.")
