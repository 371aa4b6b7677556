"""HTTP requests are read as the API calls they are, and what cannot be read is refused."""

import json
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config

from iamlab.account.errors import AwsError
from iamlab.account.seam import from_botocore
from iamlab.account.wire import HttpRequest, host_service, is_aws_host, read_call


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("iam.amazonaws.com", ("iam", None, None)),
        ("sts.amazonaws.com:443", ("sts", None, None)),
        ("sts.eu-west-1.amazonaws.com", ("sts", "eu-west-1", None)),
        ("s3.amazonaws.com", ("s3", None, None)),
        ("s3.eu-west-1.amazonaws.com", ("s3", "eu-west-1", None)),
        ("s3-eu-west-1.amazonaws.com", ("s3", "eu-west-1", None)),
        ("s3.dualstack.eu-west-1.amazonaws.com", ("s3", "eu-west-1", None)),
        ("reports.s3.amazonaws.com", ("s3", None, "reports")),
        ("my.dotted.bucket.s3.us-west-2.amazonaws.com", ("s3", "us-west-2", "my.dotted.bucket")),
        ("queue.amazonaws.com", ("sqs", None, None)),
        ("111122223333.ddb.us-east-1.amazonaws.com", ("dynamodb", "us-east-1", None)),
        ("ec2.us-east-1.api.aws", ("ec2", "us-east-1", None)),
        ("athena.us-east-1.amazonaws.com", None),
        ("127.0.0.1:5000", None),
        ("iam.amazonaws.com.evil.example", None),
    ],
)
def test_host_names(host: str, found: Any) -> None:
    assert host_service(host) == found


def test_aws_host_names() -> None:
    assert is_aws_host("anything.amazonaws.com.")
    assert is_aws_host("ec2.eu-west-1.api.aws")
    assert not is_aws_host("amazonaws.com.evil.example")
    assert not is_aws_host("notamazonaws.com")


class _Sent(Exception):
    pass


def _sent(service: str, operation: str, params: dict[str, Any], **config: Any) -> HttpRequest:
    """Return the request that a real botocore client would send."""
    session = botocore.session.Session()
    client = session.create_client(
        service,
        "eu-west-1",
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"max_attempts": 0}, **config),
    )
    caught: list[AWSPreparedRequest] = []

    def stop(request: AWSPreparedRequest, **_: Any) -> None:
        caught.append(request)
        raise _Sent

    client.meta.events.register_first("before-send", stop)
    with pytest.raises(_Sent):
        getattr(client, operation)(**params)
    return from_botocore(caught[0])


# (service, client method, parameters, operation, the parameters the gate must see)
CALLS: list[tuple[str, str, dict[str, Any], str, dict[str, Any]]] = [
    ("iam", "get_user", {"UserName": "ana"}, "GetUser", {"UserName": "ana"}),
    ("iam", "list_users", {}, "ListUsers", {}),
    (
        "iam",
        "create_role",
        {
            "RoleName": "r",
            "AssumeRolePolicyDocument": "{}",
            "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}],
        },
        "CreateRole",
        {
            "RoleName": "r",
            "AssumeRolePolicyDocument": "{}",
            "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}],
        },
    ),
    (
        "sts",
        "assume_role",
        {
            "RoleArn": "arn:aws:iam::111122223333:role/r",
            "RoleSessionName": "sess",
            "TransitiveTagKeys": ["a"],
            "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
        },
        "AssumeRole",
        {
            "RoleArn": "arn:aws:iam::111122223333:role/r",
            "RoleSessionName": "sess",
            "TransitiveTagKeys": ["a"],
            "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
        },
    ),
    (
        "ec2",
        "run_instances",
        {
            "ImageId": "ami-1",
            "MinCount": 1,
            "MaxCount": 1,
            "InstanceType": "t3.micro",
            "SecurityGroupIds": ["sg-1", "sg-2"],
            "IamInstanceProfile": {"Name": "web"},
            "TagSpecifications": [
                {"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "1"}]}
            ],
        },
        "RunInstances",
        {
            "ImageId": "ami-1",
            "InstanceType": "t3.micro",
            "SecurityGroupIds": ["sg-1", "sg-2"],
            "IamInstanceProfile": {"Name": "web"},
            "TagSpecifications": [
                {"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "1"}]}
            ],
        },
    ),
    ("dynamodb", "list_tables", {"Limit": 3}, "ListTables", {"Limit": 3}),
    (
        "sqs",
        "send_message",
        {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/q", "MessageBody": "x"},
        "SendMessage",
        {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/q", "MessageBody": "x"},
    ),
    ("kms", "describe_key", {"KeyId": "alias/a"}, "DescribeKey", {"KeyId": "alias/a"}),
    ("secretsmanager", "get_secret_value", {"SecretId": "s"}, "GetSecretValue", {"SecretId": "s"}),
    (
        "lambda",
        "invoke",
        {"FunctionName": "f", "Qualifier": "live", "Payload": b"{}"},
        "Invoke",
        {"FunctionName": "f", "Qualifier": "live"},
    ),
    (
        "lambda",
        "update_function_configuration",
        {"FunctionName": "f", "Role": "arn:aws:iam::111122223333:role/r"},
        "UpdateFunctionConfiguration",
        {"FunctionName": "f", "Role": "arn:aws:iam::111122223333:role/r"},
    ),
    ("organizations", "list_accounts", {}, "ListAccounts", {}),
    ("s3", "list_buckets", {}, "ListBuckets", {}),
    (
        "s3",
        "get_object",
        {"Bucket": "reports", "Key": "a b/ü.csv"},
        "GetObject",
        {"Bucket": "reports", "Key": "a b/ü.csv"},
    ),
    (
        "s3",
        "head_object",
        {"Bucket": "reports", "Key": "a"},
        "HeadObject",
        {"Bucket": "reports", "Key": "a"},
    ),
    ("s3", "head_bucket", {"Bucket": "reports"}, "HeadBucket", {"Bucket": "reports"}),
    (
        "s3",
        "list_objects_v2",
        {"Bucket": "reports", "Prefix": "x/"},
        "ListObjectsV2",
        {"Bucket": "reports", "Prefix": "x/"},
    ),
    ("s3", "list_objects", {"Bucket": "reports"}, "ListObjects", {"Bucket": "reports"}),
    (
        "s3",
        "put_object",
        {"Bucket": "reports", "Key": "a", "Body": b"x", "ACL": "private"},
        "PutObject",
        {"Bucket": "reports", "Key": "a", "ACL": "private"},
    ),
    (
        "s3",
        "copy_object",
        {"Bucket": "reports", "Key": "a", "CopySource": "other/b"},
        "CopyObject",
        {"Bucket": "reports", "Key": "a", "CopySource": "other/b"},
    ),
    (
        "s3",
        "get_object_tagging",
        {"Bucket": "reports", "Key": "a"},
        "GetObjectTagging",
        {"Bucket": "reports", "Key": "a"},
    ),
    (
        "s3",
        "put_bucket_policy",
        {"Bucket": "reports", "Policy": "{}"},
        "PutBucketPolicy",
        {"Bucket": "reports"},
    ),
    (
        "s3",
        "get_object",
        {"Bucket": "reports", "Key": "a", "VersionId": "v"},
        "GetObject",
        {"Bucket": "reports", "Key": "a", "VersionId": "v"},
    ),
    (
        "s3",
        "upload_part_copy",
        {"Bucket": "reports", "Key": "a", "CopySource": "o/b", "PartNumber": 1, "UploadId": "u"},
        "UploadPartCopy",
        {"Key": "a", "CopySource": "o/b"},
    ),
    (
        "s3",
        "delete_objects",
        {"Bucket": "reports", "Delete": {"Objects": [{"Key": "a"}]}},
        "DeleteObjects",
        {"Bucket": "reports", "Delete": {"Objects": [{"Key": "a"}]}},
    ),
]


@pytest.mark.parametrize(("service", "method", "params", "operation", "seen"), CALLS)
def test_what_botocore_sends_is_read(
    service: str, method: str, params: dict[str, Any], operation: str, seen: dict[str, Any]
) -> None:
    request = _sent(service, method, params)
    found = host_service(request.netloc)
    assert found is not None and found[0] == service
    read, got = read_call(request, service, found[2])
    assert read == operation
    assert {name: got.get(name) for name in seen} == seen


def test_path_style_s3() -> None:
    request = _sent(
        "s3", "get_object", {"Bucket": "reports", "Key": "a/b"}, s3={"addressing_style": "path"}
    )
    assert read_call(request, "s3", None) == read_call(request, "s3", None)
    operation, params = read_call(request, "s3", None)
    assert (operation, params["Bucket"], params["Key"]) == ("GetObject", "reports", "a/b")


def _post(body: bytes, **headers: str) -> HttpRequest:
    return HttpRequest("POST", "https://x.amazonaws.com/", headers, body)


@pytest.mark.parametrize(
    ("service", "request_", "code"),
    [
        ("iam", _post(b"Action=Nonsense&Version=2010-05-08"), "InvalidAction"),
        ("iam", _post(b"\xff\xfe"), "MalformedQueryString"),
        ("dynamodb", _post(b"{}"), "UnknownOperationException"),
        (
            "dynamodb",
            _post(b"{}", **{"x-amz-target": "DynamoDB_20120810.Nonsense"}),
            "UnknownOperationException",
        ),
        (
            "kms",
            _post(b"{}", **{"x-amz-target": "DynamoDB_20120810.GetItem"}),
            "UnknownOperationException",
        ),
        (
            "dynamodb",
            _post(b"[" * 100_000, **{"x-amz-target": "DynamoDB_20120810.GetItem"}),
            "SerializationException",
        ),
        (
            "dynamodb",
            _post(b"[]", **{"x-amz-target": "DynamoDB_20120810.GetItem"}),
            "SerializationException",
        ),
        ("lambda", HttpRequest("GET", "https://l/none", {}, b""), "UnknownOperationException"),
    ],
)
def test_what_cannot_be_read_is_refused(service: str, request_: HttpRequest, code: str) -> None:
    with pytest.raises(AwsError) as refused:
        read_call(request_, service, None)
    assert refused.value.code == code


def test_json_parameters_are_those_of_the_body() -> None:
    request = _post(
        json.dumps({"TableName": "t", "Key": {"id": {"S": "1"}}}).encode(),
        **{"x-amz-target": "DynamoDB_20120810.GetItem"},
    )
    assert read_call(request, "dynamodb", None) == (
        "GetItem",
        {"TableName": "t", "Key": {"id": {"S": "1"}}},
    )
