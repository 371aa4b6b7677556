"""Real error messages, as people paste them, taken apart."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamlab.policy.denials import CHECKS, REFUSED, TYPES, read_denial

ANA = "arn:aws:iam::111122223333:user/ana"
JOB = "arn:aws:sts::111122223333:assumed-role/ci/job-7"
READ = f'User: {ANA} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::r/q"'
BOTO = "An error occurred (AccessDenied) when calling the GetObject operation: "

# The reason in AWS's words, to (policy type, explicit), as its documentation lists them.
REASONS = {
    "because no identity-based policy allows the s3:GetObject action": ("identity", False),
    "with an explicit deny in an identity-based policy": ("identity", True),
    "because no resource-based policy allows the s3:GetObject action": ("resource", False),
    "with an explicit deny in a resource-based policy": ("resource", True),
    "because no permissions boundary allows the s3:GetObject action": ("boundary", False),
    "with an explicit deny in a permissions boundary": ("boundary", True),
    "because no session policy allows the s3:GetObject action": ("session", False),
    "with an explicit deny in a session policy": ("session", True),
    "with an explicit deny in a sessions policy": ("session", True),
    "because no service control policy allows the s3:GetObject action": ("scp", False),
    "with an explicit deny in a service control policy": ("scp", True),
    "with an explicit deny in a resource control policy": ("rcp", True),
    "because no VPC endpoint policy allows the s3:GetObject action": ("endpoint", False),
    "with an explicit deny in a VPC endpoint policy": ("endpoint", True),
    "because no role trust policy allows the sts:AssumeRole action": ("trust", False),
    "with an explicit deny in the role trust policy": ("trust", True),
}


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("before", ["", BOTO])
@pytest.mark.parametrize("after", ["", "\n", " (Service: S3, Status Code: 403)"])
def test_each_reason(reason: str, before: str, after: str) -> None:
    denial = read_denial(f"{before}{READ} {reason}{after}")
    assert denial is not None
    assert (denial.policy_type, denial.explicit) == REASONS[reason]
    assert (denial.principal, denial.action) == (ANA, "s3:GetObject")
    assert denial.resource == "arn:aws:s3:::r/q"
    assert denial.operation == ("GetObject" if before else None)
    assert "user/ana may not do s3:GetObject on arn:aws:s3:::r/q" in denial.summary()
    assert denial.checks() and not any("{" in check for check in denial.checks())


def test_the_policy_that_denies_is_named_where_aws_names_it() -> None:
    arn = "arn:aws:organizations::444455556666:policy/o-1/service_control_policy/p-7"
    denial = read_denial(f"{READ} with an explicit deny in a service control policy: {arn}")
    assert denial.policy_arn == arn and arn in denial.summary()


MESSAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "terraform": (
        "Error: creating IAM Role (x): operation error IAM: CreateRole, https response error "
        f"StatusCode: 403, RequestID: 1, api error AccessDenied: User: {JOB} is not authorized to "
        "perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/x because no "
        "permissions boundary allows the iam:CreateRole action",
        {"code": "AccessDenied", "operation": "CreateRole", "principal": JOB,
         "resource": "arn:aws:iam::111122223333:role/x", "policy_type": "boundary"},
    ),
    "java": (
        f"software.amazon.awssdk.services.sqs.model.SqsException: User: {ANA} is not authorized to "
        "perform: sqs:sendmessage on resource: arn:aws:sqs:us-east-1:111122223333:jobs because no "
        "identity-based policy allows the sqs:sendmessage action (Service: Sqs, Status Code: 403, "
        "Request ID: 1)",
        {"action": "sqs:sendmessage", "resource": "arn:aws:sqs:us-east-1:111122223333:jobs",
         "policy_type": "identity"},
    ),
    "java, S3": (
        "AmazonS3Exception: Access Denied (Service: Amazon S3; Status Code: 403; Error Code: "
        "AccessDenied; Request ID: 1)",
        {"code": "AccessDenied", "action": None, "policy_type": None},
    ),
    "json": (
        json.dumps({"__type": "com.amazon.coral.service#AccessDeniedException",
                    "Message": f"User: {ANA} is not authorized to perform: dynamodb:GetItem on "
                    "resource: arn:aws:dynamodb:us-east-1:111122223333:table/T because no "
                    "identity-based policy allows the dynamodb:GetItem action"}),
        {"code": "AccessDeniedException", "action": "dynamodb:GetItem"},
    ),
    "xml": (
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: "
        f"{ANA} is not authorized to perform: iam:ListUsers on resource: "
        "arn:aws:iam::111122223333:user/ because no identity-based policy allows the "
        "iam:ListUsers action</Message></Error></ErrorResponse>",
        {"action": "iam:ListUsers", "resource": "arn:aws:iam::111122223333:user/"},
    ),
    "s3 across accounts": (
        "An error occurred (AccessDenied) when calling the ListObjectsV2 operation: Access Denied",
        {"action": "s3:ListBucket", "policy_type": None, "explicit": None},
    ),
    "assume role": (
        f"An error occurred (AccessDenied) when calling the AssumeRole operation: User: {ANA} is "
        "not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/x",
        {"action": "sts:AssumeRole", "resource": "arn:aws:iam::444455556666:role/x"},
    ),
    "web identity": (
        "Error: Could not assume role with OIDC: Not authorized to perform "
        "sts:AssumeRoleWithWebIdentity",
        {"action": "sts:AssumeRoleWithWebIdentity", "policy_type": "trust"},
    ),
    "ec2, older": (
        "An error occurred (UnauthorizedOperation) when calling the RunInstances operation: You "
        "are not authorized to perform this operation. Encoded authorization failure message: "
        "4GIOHlTkIaWHQD0Q0m6XSnuUMCm-abc_def",
        {"action": "ec2:RunInstances", "encoded": "4GIOHlTkIaWHQD0Q0m6XSnuUMCm-abc_def"},
    ),
    "a resource that is no ARN": (
        f"User: {ANA} is not authorized to perform: iam:GetRole on resource: role reader because "
        "no identity-based policy allows the iam:GetRole action",
        {"resource": "role reader", "action": "iam:GetRole"},
    ),
    "no resource": (
        f"User: {ANA} is not authorized to perform: s3:ListAllMyBuckets because no identity-based "
        "policy allows the s3:ListAllMyBuckets action",
        {"resource": None, "policy_type": "identity"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_as_people_paste_them(name: str) -> None:
    text, expected = MESSAGES[name]
    for pasted in (text, f"$ aws something\n\n{text}\n", text.replace(" because", "\n  because")):
        denial = read_denial(pasted)
        assert denial is not None
        assert {key: getattr(denial, key) for key in expected} == expected


def test_an_event_of_cloudtrail() -> None:
    event = {
        "eventName": "PutUserPolicy",
        "eventSource": "iam.amazonaws.com",
        "errorCode": "AccessDenied",
        "errorMessage": f"User: {JOB} is not authorized to perform: iam:PutUserPolicy on resource: "
        "user ana with an explicit deny in an identity-based policy",
        "userIdentity": {"type": "AssumedRole", "arn": JOB},
        "sourceIPAddress": "198.51.100.7",
        "awsRegion": "us-east-1",
    }
    denial = read_denial(json.dumps(event, indent=2))
    assert (denial.principal, denial.action) == (JOB, "iam:PutUserPolicy")
    assert (denial.policy_type, denial.explicit) == ("identity", True)
    assert denial.context["aws:SourceIp"] == "198.51.100.7"


@pytest.mark.parametrize("code", REFUSED)
def test_a_caller_that_aws_did_not_accept(code: str) -> None:
    text = f"An error occurred ({code}) when calling the ListUsers operation: whatever"
    denial = read_denial(text)
    assert "did not accept the caller" in denial.summary()
    assert len(denial.checks()) >= 2 and denial.policy_type is None


@pytest.mark.parametrize("text", ["", "hello", '{"a": 1}', "{", "no such file or directory", "[]"])
def test_what_is_no_denial(text: str) -> None:
    assert read_denial(text) is None


def test_every_type_has_its_checks() -> None:
    for kind in TYPES:
        assert (kind, True) in CHECKS and (kind, False) in CHECKS


def test_the_labs_own_denials_are_read_back(lab: Any) -> None:
    """Each service's wording, made by a call; EC2's encoded message too."""
    import boto3
    from botocore.exceptions import ClientError

    boto3.client("iam").create_user(UserName="ana")
    session = lab.session("user/ana")
    calls = {
        "iam:ListUsers": lambda: session.client("iam").list_users(),
        "s3:GetObject": lambda: session.client("s3").get_object(Bucket="r", Key="q"),
        "ec2:StopInstances": lambda: session.client("ec2").stop_instances(InstanceIds=["i-1"]),
        "dynamodb:ListTables": lambda: session.client("dynamodb").list_tables(),
        "kms:ListKeys": lambda: session.client("kms").list_keys(),
        "lambda:ListFunctions": lambda: session.client("lambda").list_functions(),
        "secretsmanager:ListSecrets": lambda: session.client("secretsmanager").list_secrets(),
        "cloudtrail:DescribeTrails": lambda: session.client("cloudtrail").describe_trails(),
    }
    for action, call in calls.items():
        with pytest.raises(ClientError) as denied:
            call()
        denial = read_denial(str(denied.value))
        assert (denial.principal, denial.action) == (ANA, action)
        assert (denial.policy_type, denial.explicit) == ("identity", False)
        if action.startswith("ec2"):
            assert "decode-authorization-message" in denial.checks()[0]
            sts = boto3.client("sts")
            answer = sts.decode_authorization_message(EncodedMessage=denial.encoded)
            for pasted in (answer["DecodedMessage"], json.dumps({**answer, "ResponseMetadata": 0})):
                decoded = read_denial(pasted)
                assert (decoded.principal, decoded.action) == (ANA, action)
                assert decoded.resource.endswith("instance/i-1") and decoded.explicit is False
                assert decoded.context["aws:SourceIp"]


@given(st.text(max_size=300) | st.sampled_from([READ, BOTO]).flatmap(
    lambda start: st.text(max_size=80).map(lambda rest: start + rest)))  # fmt: skip
def test_any_text_is_read_without_an_error(text: str) -> None:
    denial = read_denial(text)
    assert denial is None or (denial.summary() and denial.checks())


def test_a_long_text_is_read_in_no_time() -> None:
    assert read_denial("User: " * 200_000) is None
    assert read_denial("{" * 100_000) is None
