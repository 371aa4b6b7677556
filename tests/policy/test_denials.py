"""Real error messages, as people paste them, taken apart."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamlab.policy.denial_checks import CAUSES, CHECKS, REFUSED, TYPES
from iamlab.policy.denials import error_code, read_denial

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
    # --- the forms of tools and services in public logs [O], with names of our own ---------------
    "a Deny of no kind": (
        f"An error occurred (AccessDeniedException) when calling the GetAuthorizationToken "
        f"operation: User: {ANA} is not authorized to perform: ecr:GetAuthorizationToken on "
        "resource: * with an explicit deny",
        {"action": "ecr:GetAuthorizationToken", "resource": "*", "explicit": True,
         "policy_type": None},
    ),
    "SNS": (
        f"[ERROR] AuthorizationErrorException: An error occurred (AuthorizationError) when calling "
        f"the Publish operation: User: {JOB} is not authorized to perform: SNS:Publish on "
        "resource: arn:aws:sns:us-east-1:111122223333:news",
        {"code": "AuthorizationError", "action": "SNS:Publish", "principal": JOB},
    ),
    "without the word User": (
        f"{JOB} is not authorized to perform: SNS:Publish on resource: +358401234567 because no "
        "identity-based policy allows the SNS:Publish action",
        {"principal": JOB, "resource": "+358401234567", "policy_type": "identity"},
    ),
    "nobody named": (
        "User is not authorized to access this resource with an explicit deny in an "
        "identity-based policy",
        {"principal": None, "explicit": True, "policy_type": "identity"},
    ),
    "anonymous": (
        '{"Message":"User: anonymous is not authorized to perform: es:ESHttpGet because no '
        'resource-based policy allows the es:ESHttpGet action"}',
        {"principal": "anonymous", "action": "es:ESHttpGet", "policy_type": "resource"},
    ),
    "a masked account": (
        "User: arn:aws:sts::***:assumed-role/ci/s is not authorized to perform: iam:DeleteUser on "
        "resource: arn:aws:iam::***:user/ana with an explicit deny in an identity-based policy: "
        "arn:aws:iam::***:policy/guard",
        {"principal": "arn:aws:sts::***:assumed-role/ci/s", "resource": "arn:aws:iam::***:user/ana",
         "policy_arn": "arn:aws:iam::***:policy/guard"},
    ),
    "no space after the principal": (
        f"User: {JOB}is not authorized to perform: iam:GetRole on resource: role x because no "
        "identity-based policy allows the iam:GetRole action",
        {"principal": JOB, "action": "iam:GetRole", "resource": "role x"},
    ),
    "backticks": (
        f"User: `{JOB}` is not authorized to perform: sts:TagSession on resource: "
        "arn:aws:iam::111122223333:role/deploy",
        {"principal": JOB, "resource": "arn:aws:iam::111122223333:role/deploy"},
    ),
    "docker": (
        f"denied: User: {JOB} is not authorized to perform: ecr:InitiateLayerUpload on resource: "
        "arn:aws:ecr:us-east-1:111122223333:repository/shop because no resource-based policy allows"
        " the ecr:InitiateLayerUpload action\nError: Process completed with exit code 1.",
        {"action": "ecr:InitiateLayerUpload", "policy_type": "resource", "principal": JOB},
    ),
    "CloudFormation": (
        f'Resource handler returned message: "User: {ANA} is not authorized to perform: iam:GetRole'
        " on resource: role cdk because no identity-based policy allows the iam:GetRole action "
        '(Service: Iam, Status Code: 403, Request ID: 2)" (HandlerErrorCode: AccessDenied)',
        {"action": "iam:GetRole", "resource": "role cdk", "policy_type": "identity"},
    ),
    "a table's narrow column": (
        "CREATE_FAILED   AWS::IAM::Role   FnRole   API: iam:CreateRole \n"
        "                                         User: arn:aws:iam::111 \n"
        "                                         122223333:user/ana \n"
        "                                         is not authorized \n"
        "                                         to perform: \n"
        "                                         iam:CreateRole on \n"
        "                                         resource: arn:aws:iam: \n"
        "                                         :111122223333:role/x",
        {"principal": ANA, "action": "iam:CreateRole", "resource":
         "arn:aws:iam::111122223333:role/x"},
    ),
    "Terraform's frame": (
        f"│ Error: creating Role\n│ \n│ operation error IAM: CreateRole, api error AccessDenied: "
        f"User:\n│ {JOB} is not authorized to perform:\n│ iam:CreateRole on resource: "
        "arn:aws:iam::111122223333:role/x because no\n│ identity-based policy allows the "
        "iam:CreateRole action",
        {"principal": JOB, "resource": "arn:aws:iam::111122223333:role/x", "operation":
         "CreateRole", "policy_type": "identity"},
    ),
    "Terraform, S3": (
        "Error: reading S3 Bucket (x): operation error S3: HeadBucket, https response error "
        "StatusCode: 403, RequestID: X, HostID: Y, api error Forbidden: Forbidden",
        {"code": "Forbidden", "action": "s3:ListBucket"},
    ),
    "JavaScript": (
        "{ [AccessDenied: User: user/ana is not authorized to perform: iam:GetUser on resource: "
        "user/ana]\n  message: 'User: user/ana is not authorized to perform: iam:GetUser on "
        "resource: user/ana',\n  code: 'AccessDenied',",
        {"principal": "user/ana", "resource": "user/ana", "action": "iam:GetUser"},
    ),
    "JavaScript, no text": (
        "{ [Forbidden: null]\nmessage: null,\ncode: 'Forbidden',\nstatusCode: 403 }",
        {"code": "Forbidden", "action": None},
    ),
    "Lambda's log": (
        json.dumps({"errorType": "AccessDeniedException", "errorMessage": f"User: {JOB} is not "
                    "authorized to perform: dynamodb:Scan on resource: "
                    "arn:aws:dynamodb:us-east-1:111122223333:table/T"}),
        {"code": "AccessDeniedException", "principal": JOB, "action": "dynamodb:Scan"},
    ),
    "JSON in a string": (
        '{\\"Message\\":\\"User: ' + JOB + ' is not authorized to perform: lambda:InvokeFunction '
        "on resource: arn:aws:lambda:us-east-1:111122223333:function:Shop because no identity-based"
        ' policy allows the lambda:InvokeFunction action\\"}',
        {"resource": "arn:aws:lambda:us-east-1:111122223333:function:Shop", "principal": JOB},
    ),
    "Ruby": (
        "client.rb:375:in `return_or_raise': Access Denied (AWS::S3::Errors::AccessDenied)",
        {"code": "AccessDenied"},
    ),
    "PHP": (
        'Error executing "PutObject" on "https://b.s3.amazonaws.com/k"; AWS HTTP error: Client '
        "error: `PUT https://b.s3.amazonaws.com/k` resulted in a `403 Forbidden` response: "
        "AccessDenied (client): Access Denied",
        {"code": "AccessDenied", "operation": "PutObject", "action": "s3:PutObject"},
    ),
    "the CLI's address of an object": (
        "upload failed: ./a.txt to s3://shop-data/in/a.txt An error occurred (AccessDenied) when "
        "calling the PutObject operation: Access Denied",
        {"action": "s3:PutObject", "resource": "arn:aws:s3:::shop-data/in/a.txt"},
    ),
    "an old CLI": (
        "A client error (AccessDenied) occurred when calling the PutObject operation: Access "
        "Denied",
        {"code": "AccessDenied", "action": "s3:PutObject"},
    ),
    "SQS": (
        '{\n "message": "Access to the resource '
        'https://sqs.eu-west-1.amazonaws.com/111122223333/jobs is denied.",\n '
        '"code": "AccessDenied" }',
        {"code": "AccessDenied", "resource": "arn:aws:sqs:eu-west-1:111122223333:jobs"},
    ),
    "KMS, a ciphertext": (
        "An error occurred (AccessDeniedException) when calling the GetParameter operation: The "
        "ciphertext refers to a customer master key that does not exist, does not exist in this "
        "region, or you are not allowed to access. (Service: AWSKMS; Status Code: 400)",
        {"action": "kms:Decrypt", "resource": None},
    ),
    "KMS, no kind": (
        f"User: {JOB} is not authorized to perform: kms:Decrypt on the resource associated with "
        "this ciphertext because the resource does not exist in this Region, no resource-based "
        "policies allow access, or a resource-based policy explicitly denies access",
        {"principal": JOB, "action": "kms:Decrypt", "resource": None, "policy_type": None},
    ),
    "EC2, newer": (
        "api error UnauthorizedOperation: You are not authorized to perform this operation. User: "
        f"{JOB} is not authorized to perform: ec2:RunInstances on resource: "
        "arn:aws:ec2:us-east-1:111122223333:instance/* with an explicit deny in a service control "
        "policy: arn:aws:organizations::444455556666:policy/o-a/service_control_policy/p-1. "
        "Encoded authorization failure message: abcDEF123_-abcDEF123",
        {"action": "ec2:RunInstances", "resource": "arn:aws:ec2:us-east-1:111122223333:instance/*",
         "policy_type": "scp", "encoded": "abcDEF123_-abcDEF123", "policy_arn":
         "arn:aws:organizations::444455556666:policy/o-a/service_control_policy/p-1"},
    ),
    "EC2, broken by the terminal": (
        "Encoded authorization failure message: " + "aB1-" * 20 + "\n" + "cD2_" * 20
        + "\n        status code: 403, request id: 3",
        {"encoded": "aB1-" * 20 + "cD2_" * 20, "code": "UnauthorizedOperation"},
    ),
    "a function's role": (
        "The provided execution role does not have permissions to call CreateNetworkInterface on "
        "EC2 (Service: Lambda, Status Code: 400, Request ID: b)",
        {"principal": "The function's role", "action": "ec2:CreateNetworkInterface"},
    ),
    "a file of CloudTrail": (
        json.dumps({"Records": [{"eventName": "GetUser"}, {"eventName": "RunInstances",
                    "eventSource": "ec2.amazonaws.com", "errorCode": "Client.UnauthorizedOperation",
                    "userIdentity": {"arn": JOB}}]}),
        {"code": "Client.UnauthorizedOperation", "action": "ec2:RunInstances", "principal": JOB},
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
def test_a_code_that_is_no_matter_of_policies(code: str) -> None:
    text = f"An error occurred ({code}) when calling the ListUsers operation: whatever"
    denial = read_denial(text)
    assert denial.cause == REFUSED[code] and denial.policy_type is None
    assert denial.summary() == CAUSES[denial.cause][0]
    assert denial.checks() == list(CAUSES[denial.cause][1])


# Words of public logs [O], to the cause.
WORDS = {
    "Error when retrieving token from sso: Token has expired and refresh failed": "sign-in",
    "The SSO session associated with this profile has expired or is otherwise invalid.": "sign-in",
    "An error occurred (UnauthorizedException) when calling the GetRoleCredentials operation: "
    "Session token not found or invalid": "sign-in",
    'Unable to locate credentials. You can configure credentials by running "aws login".':
    "no credentials",
    "CredentialsProviderError: Could not load credentials from any providers": "no credentials",
    "Error: No valid credential sources found": "no credentials",
    "denied: Your authorization token has expired. Reauthenticate and try again.": "registry",
    "An error occurred (AccessDenied) when calling the GetSessionToken operation: "
    "MultiFactorAuthentication failed with invalid MFA one time pass code. ": "code",
    "An error occurred (AccessDenied) when calling the AssumeRole operation: Roles may not be "
    "assumed by root accounts.": "root",
    "An error occurred (AccessDeniedException) when calling the InvokeModel operation: You don't "
    "have access to the model with the specified model ID.": "model",
    "MetaException(message:Insufficient Lake Formation permission(s): Required Create Database on "
    "Catalog (Service: AWSGlue; Error Code: AccessDeniedException))": "lake formation",
    "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>":
    "expired",
}  # fmt: skip


@pytest.mark.parametrize("text", WORDS)
def test_words_that_name_another_cause(text: str) -> None:
    assert read_denial(text).cause == WORDS[text]


def test_every_cause_says_what_to_do() -> None:
    assert {*REFUSED.values(), *WORDS.values()} == set(CAUSES)
    for means, todo in CAUSES.values():
        assert means.endswith(".") and todo and not any("{" in row for row in todo)


NO_DENIAL = [
    *("", "hello", '{"a": 1}', "{", "no such file or directory", "[]"),
    "An error occurred (NoSuchKey) when calling the GetObject operation: The key does not exist.",
    "An error occurred (ThrottlingException) when calling the ListUsers operation: Rate exceeded",
    json.dumps({"eventName": "GetUser", "eventSource": "iam.amazonaws.com", "errorCode": "NoSuch"}),
    "error: You must be logged in to the server (Unauthorized)",
    "Error response from daemon: unauthorized: authentication required",
    "Unauthorized persons may not enter",
]


@pytest.mark.parametrize("text", NO_DENIAL)
def test_what_is_no_denial(text: str) -> None:
    assert read_denial(text) is None


def test_the_code_of_any_error() -> None:
    assert error_code(NO_DENIAL[6]) == "NoSuchKey"
    assert error_code("hello") is None and error_code("") is None


def test_a_head_request_cannot_say_why() -> None:
    denial = read_denial("An error occurred (403) when calling the HeadObject operation: Forbidden")
    assert denial.checks()[0].startswith("Make the same call as GetObject: the answer to a HEAD")


def test_a_key_that_may_not_be_there() -> None:
    denial = read_denial(MESSAGES["KMS, no kind"][0])
    assert denial.checks()[0].startswith("See whether the key exists")


def test_a_deny_of_no_kind_is_said() -> None:
    assert read_denial(MESSAGES["a Deny of no kind"][0]).summary() == (
        "user/ana may not do ecr:GetAuthorizationToken on *. A Deny statement forbids it. "
        "The message does not say which policy is the reason."
    )


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
