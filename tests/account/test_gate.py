"""The gate: one path for every call, in the order who are you, may you, do it, record it."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from iamlab.account import operations
from iamlab.account.callers import ANONYMOUS
from iamlab.account.wire import HttpRequest


def _policy(action: str, resource: str = "*") -> str:
    return (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
        f'"Action":"{action}","Resource":"{resource}"}}]}}'
    )


def _user(name: str, *policies: str) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName=name)
    for number, policy in enumerate(policies):
        iam.put_user_policy(UserName=name, PolicyName=f"p{number}", PolicyDocument=policy)


def test_a_denied_call_does_nothing(lab: Any) -> None:
    _user("ana")
    with pytest.raises(ClientError, match="AccessDenied"):
        lab.session("user/ana").client("iam").create_user(UserName="eve")
    names = [user["UserName"] for user in boto3.client("iam").list_users()["Users"]]
    assert names == ["administrator", "ana"]


def test_every_permission_of_a_call_must_be_allowed(lab: Any) -> None:
    """RunInstances with a role needs iam:PassRole as well; the first that is missing is named."""
    iam = boto3.client("iam")
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=_trust("ec2.amazonaws.com"))
    iam.create_instance_profile(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    _user("ana", _policy("ec2:*"))
    ec2 = lab.session("user/ana").client("ec2")
    image = boto3.client("ec2").describe_images()["Images"][0]["ImageId"]
    plain = {"ImageId": image, "MinCount": 1, "MaxCount": 1}
    assert len(ec2.run_instances(**plain)["Instances"]) == 1
    with pytest.raises(ClientError, match=r"iam:PassRole on resource: .*role/web"):
        ec2.run_instances(**plain, IamInstanceProfile={"Name": "web"})
    role = "arn:aws:iam::111122223333:role/web"
    iam.put_user_policy(
        UserName="ana", PolicyName="p", PolicyDocument=_policy("iam:PassRole", role)
    )
    assert ec2.run_instances(**plain, IamInstanceProfile={"Name": "web"})["Instances"]


def _trust(service: str) -> str:
    return (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"'
        + service
        + '"},"Action":"sts:AssumeRole"}]}'
    )


def test_a_missing_object_is_hidden_from_who_may_not_list(lab: Any) -> None:
    """ "GetObject", Amazon S3 API Reference: 404 with s3:ListBucket, 403 without."""
    boto3.client("s3").create_bucket(Bucket="reports")
    _user("ana", _policy("s3:GetObject", "arn:aws:s3:::reports/*"))
    s3 = lab.session("user/ana").client("s3")
    with pytest.raises(ClientError) as hidden:
        s3.get_object(Bucket="reports", Key="none")
    assert hidden.value.response["Error"]["Code"] == "AccessDenied"
    assert "s3:ListBucket" in str(hidden.value)
    assert lab.why().request.action == "s3:ListBucket"
    with pytest.raises(ClientError, match="403"):
        s3.head_object(Bucket="reports", Key="none")
    list_it = _policy("s3:ListBucket", "arn:aws:s3:::reports")
    boto3.client("iam").put_user_policy(UserName="ana", PolicyName="l", PolicyDocument=list_it)
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="reports", Key="none")
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket="reports", Key="none")


def test_delete_objects_answers_for_each_key(lab: Any) -> None:
    """ "DeleteObjects", Amazon S3 API Reference."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="reports")
    for key in ("own/a", "own/b", "other/c"):
        s3.put_object(Bucket="reports", Key=key, Body=b"1")
    _user("ana", _policy("s3:DeleteObject", "arn:aws:s3:::reports/own/*"))
    answer = (
        lab.session("user/ana")
        .client("s3")
        .delete_objects(
            Bucket="reports",
            Delete={"Objects": [{"Key": k} for k in ("own/a", "other/c", "own/b")]},
        )
    )
    assert [item["Key"] for item in answer["Deleted"]] == ["own/a", "own/b"]
    (error,) = answer["Errors"]
    assert (error["Key"], error["Code"]) == ("other/c", "AccessDenied")
    assert "s3:DeleteObject" in error["Message"]
    left = s3.list_objects_v2(Bucket="reports")["Contents"]
    assert [item["Key"] for item in left] == ["other/c"]
    assert lab.why().request.resource == "arn:aws:s3:::reports/other/c"


def test_another_account_s_resources_are_reached_in_that_account(lab: Any) -> None:
    """The state a call acts on is that of the resource's owner, if both sides allow."""
    partner = lab.account("444455556666")
    partner.client("s3").create_bucket(Bucket="partner-data")
    url = partner.client("sqs").create_queue(
        QueueName="orders",
        Attributes={
            "Policy": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":'
            '{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sqs:SendMessage",'
            '"Resource":"arn:aws:sqs:us-east-1:444455556666:orders"}]}'
        },
    )["QueueUrl"]
    boto3.client("sqs").send_message(QueueUrl=url, MessageBody="hello")
    received = partner.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert [message["Body"] for message in received] == ["hello"]
    with pytest.raises(ClientError, match="AccessDenied"):
        boto3.client("sqs").receive_message(QueueUrl=url)
    with pytest.raises(ClientError, match="Access Denied"):
        boto3.client("s3").list_objects_v2(Bucket="partner-data")


def test_last_used_counts_denied_calls(lab: Any) -> None:
    _user("ana")
    session = lab.session("user/ana")
    with pytest.raises(ClientError):
        session.client("dynamodb", region_name="eu-west-1").list_tables()
    key = session.get_credentials().access_key
    used = boto3.client("iam").get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"]) == ("dynamodb", "eu-west-1")


def test_the_record_holds_every_call_once(lab: Any) -> None:
    _user("ana")
    before = len(lab.trail.records)
    with pytest.raises(ClientError):
        lab.session("user/ana").client("iam").list_users()
    boto3.client("sts").get_caller_identity()
    new = lab.trail.records[before:]
    assert [(record.operation, record.denied is not None) for record in new] == [
        ("ListUsers", True),
        ("GetCallerIdentity", False),
    ]


def test_a_call_nobody_signed_to_an_unknown_host_is_s3_and_denied(lab: Any) -> None:
    status, _, body = lab.gate.handle(HttpRequest("GET", "http://127.0.0.1:5/bucket/key", {}, b""))
    assert (status, b"AccessDenied" in body) == (403, True)


@pytest.mark.parametrize("body", [b"", b"Action=", b"\x00\xff" * 50, b"Action=GetUser&" * 10_000])
def test_nonsense_is_refused_never_a_crash(lab: Any, body: bytes) -> None:
    for host in ("iam", "sts", "ec2.us-east-1", "dynamodb.us-east-1", "lambda.us-east-1", "s3"):
        request = HttpRequest("POST", f"https://{host}.amazonaws.com/%zz/..//?x=%", {}, body)
        status, _, _ = lab.gate.handle(request)
        assert 400 <= status < 500, (host, body[:20])


def test_decide_for_an_anonymous_caller(lab: Any) -> None:
    decision = lab.gate.decide(ANONYMOUS, "s3:GetObject", "arn:aws:s3:::reports/a")
    assert decision.effect == "implicitDeny"


def test_no_permission_needed_is_a_short_list() -> None:
    assert set(operations.NO_PERMISSION_NEEDED) == {
        ("sts", "GetCallerIdentity"),
        ("sts", "GetSessionToken"),
    }
