"""A principal in a stored policy is one entity, not a name: iam_evaluation §3."""

from __future__ import annotations

import json

import boto3
import pytest

from .conftest import ACCOUNT, allow, refused, trust

ANA = f"arn:aws:iam::{ACCOUNT}:user/ana"


def remove(iam, name):
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


def trusted(iam, name):
    document = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    return document["Statement"][0]["Principal"]["AWS"]


def test_user_made_anew_is_somebody_else(lab, iam, role, user):
    session = user("ana")
    user_id = iam.get_user(UserName="ana")["User"]["UserId"]
    arn = role("anas", {"AWS": ANA})
    assert session.client("sts").assume_role(RoleArn=arn, RoleSessionName="work")
    remove(iam, "ana")
    assert trusted(iam, "anas") == user_id
    again = user("ana")
    assert trusted(iam, "anas") == user_id
    with refused("AccessDenied", 403):
        again.client("sts").assume_role(RoleArn=arn, RoleSessionName="work")
    document = iam.get_role(RoleName="anas")["Role"]["AssumeRolePolicyDocument"]
    with refused("MalformedPolicyDocument", 400, f'Invalid principal in policy: "AWS":"{user_id}"'):
        iam.update_assume_role_policy(RoleName="anas", PolicyDocument=json.dumps(document))
    iam.update_assume_role_policy(RoleName="anas", PolicyDocument=trust({"AWS": ANA}))
    assert again.client("sts").assume_role(RoleArn=arn, RoleSessionName="work")


def test_condition_survives(lab, iam, role, user):
    """A condition on aws:PrincipalArn compares names."""
    condition = {"ArnEquals": {"aws:PrincipalArn": ANA}}
    arn = role("anas", trust=trust({"AWS": "*"}, condition=condition))
    user("ana")
    remove(iam, "ana")
    again = user("ana")
    assert again.client("sts").assume_role(RoleArn=arn, RoleSessionName="work")


def test_role_in_a_bucket_policy(lab, iam, role):
    arn = role("reader")
    role_id = iam.get_role(RoleName="reader")["Role"]["RoleId"]
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="maps")
    s3.put_object(Bucket="maps", Key="a", Body=b"x")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": [arn, f"arn:aws:iam::{ACCOUNT}:user/administrator"]},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::maps/*",
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket="maps", Policy=json.dumps(document))
    lab.session("role/reader").client("s3").get_object(Bucket="maps", Key="a")
    iam.delete_role(RoleName="reader")
    role("reader")
    kept = json.loads(s3.get_bucket_policy(Bucket="maps")["Policy"])
    assert kept["Statement"][0]["Principal"]["AWS"][0] == role_id
    with refused("AccessDenied", 403):
        lab.session("role/reader").client("s3").get_object(Bucket="maps", Key="a")


@pytest.mark.parametrize("service", ["sqs", "kms", "secretsmanager"])
def test_other_stored_policies(lab, iam, service):
    iam.create_user(UserName="ana")
    user_id = iam.get_user(UserName="ana")["User"]["UserId"]
    document = json.loads(trust({"AWS": ANA}, f"{service}:*"))
    document["Statement"][0]["Resource"] = "*"
    text, client = json.dumps(document), boto3.client(service)
    if service == "sqs":
        url = client.create_queue(QueueName="jobs", Attributes={"Policy": text})["QueueUrl"]

        def read():
            return client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])[
                "Attributes"
            ]["Policy"]
    elif service == "kms":
        key = client.create_key(Policy=text, BypassPolicyLockoutSafetyCheck=True)
        key_id = key["KeyMetadata"]["KeyId"]
        stored = lab.state.backend("kms", ACCOUNT).keys[key_id]

        def read():
            return stored.policy  # the policy itself lets nobody but ana read it
    else:
        client.create_secret(Name="code", SecretString="x")
        client.put_resource_policy(SecretId="code", ResourcePolicy=text)

        def read():
            return client.get_resource_policy(SecretId="code")["ResourcePolicy"]

    assert json.loads(read())["Statement"][0]["Principal"]["AWS"] == ANA
    iam.delete_user(UserName="ana")
    assert json.loads(read())["Statement"][0]["Principal"]["AWS"] == user_id


def test_renamed_user_keeps_trust(lab, iam, role, user):
    session = user("ana")
    arn = role("anas", {"AWS": ANA})
    iam.update_user(UserName="ana", NewUserName="anna")
    assert trusted(iam, "anas") == f"arn:aws:iam::{ACCOUNT}:user/anna"
    assert session.client("sts").assume_role(RoleArn=arn, RoleSessionName="work")


def test_permissions_of_others_do_not_change(iam, role, user):
    user("ana", "s3:*")
    role("r")
    iam.put_role_policy(
        RoleName="r", PolicyName="p", PolicyDocument=allow("iam:GetUser", resource=ANA)
    )
    remove_policy = iam.delete_user_policy(UserName="ana", PolicyName="own")
    assert remove_policy["ResponseMetadata"]["HTTPStatusCode"] == 200
    remove(iam, "ana")
    kept = iam.get_role_policy(RoleName="r", PolicyName="p")["PolicyDocument"]
    assert kept["Statement"][0]["Resource"] == ANA
