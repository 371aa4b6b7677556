"""Putting things back: what hangs on a user, a role and a bucket."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from iamlab.course import Look
from iamlab.course.restore import put_back, remember, remove, say

ALLOW = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    }
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111122223333"}}
        ],
    }
)
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
SECURITY_AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"
TAGS = [{"Key": "team", "Value": "maps"}]
CLAIMS = ("user/ana", "role/reader", "bucket/maps")


@pytest.fixture
def iam(lab: Any) -> Any:
    iam, s3 = boto3.client("iam"), boto3.client("s3")
    iam.create_group(GroupName="readers")
    iam.create_group(GroupName="writers")
    iam.create_user(UserName="ana", Tags=TAGS, PermissionsBoundary=READ_ONLY)
    iam.put_user_policy(UserName="ana", PolicyName="own", PolicyDocument=ALLOW)
    iam.attach_user_policy(UserName="ana", PolicyArn=SECURITY_AUDIT)
    iam.add_user_to_group(UserName="ana", GroupName="readers")
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST, MaxSessionDuration=7200)
    iam.put_role_policy(RoleName="reader", PolicyName="own", PolicyDocument=ALLOW)
    s3.create_bucket(Bucket="maps")
    s3.put_object(Bucket="maps", Key="a", Body=b"one")
    return iam


def everything(lab: Any) -> Any:
    return remember(lab, CLAIMS)


def test_what_was_added_goes_and_what_was_taken_comes_back(lab: Any, iam: Any) -> None:
    began, s3 = everything(lab), boto3.client("s3")
    iam.put_user_policy(UserName="ana", PolicyName="more", PolicyDocument=ALLOW)
    iam.delete_user_policy(UserName="ana", PolicyName="own")
    iam.attach_user_policy(UserName="ana", PolicyArn=READ_ONLY)
    iam.detach_user_policy(UserName="ana", PolicyArn=SECURITY_AUDIT)
    iam.tag_user(UserName="ana", Tags=[{"Key": "x", "Value": "y"}, *TAGS])
    iam.delete_user_permissions_boundary(UserName="ana")
    iam.add_user_to_group(UserName="ana", GroupName="writers")
    iam.remove_user_from_group(UserName="ana", GroupName="readers")
    iam.put_role_permissions_boundary(RoleName="reader", PermissionsBoundary=READ_ONLY)
    iam.update_role(RoleName="reader", MaxSessionDuration=3600)
    iam.update_assume_role_policy(
        RoleName="reader", PolicyDocument=TRUST.replace("111122223333", "444455556666")
    )
    s3.put_object(Bucket="maps", Key="a", Body=b"two")
    s3.put_object(Bucket="maps", Key="b", Body=b"new")
    assert everything(lab) != began
    calls = len(lab.trail.records)
    assert put_back(lab, CLAIMS, (), began, {}) == []
    assert everything(lab) == began
    assert len(lab.trail.records) == calls


def test_what_was_deleted_is_made_again(lab: Any, iam: Any) -> None:
    began, s3 = everything(lab), boto3.client("s3")
    remove(Look(lab), "user/ana")
    remove(Look(lab), "role/reader")
    s3.delete_object(Bucket="maps", Key="a")
    s3.delete_bucket(Bucket="maps")
    told = put_back(lab, CLAIMS, (), began, {})
    assert sorted(line.split(".")[0] for line in told) == [
        "The role reader had been deleted",
        "The user ana had been deleted",
    ]
    assert everything(lab) == began
    remove(Look(lab), "user/nobody")  # is not there, and that is fine


def test_what_was_not_there_goes(lab: Any, iam: Any) -> None:
    claims = ("user/new", "user/*ight*", "role/new", "bucket/new")
    began = remember(lab, claims)
    assert began == {"user/new": None, "user/*ight*": [], "role/new": None, "bucket/new": None}
    for name in ("new", "NightJob", "other"):
        iam.create_user(UserName=name)
        iam.create_access_key(UserName=name)
    iam.create_role(RoleName="new", AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName="new", PolicyArn=READ_ONLY)
    boto3.client("s3").create_bucket(Bucket="new")
    boto3.client("s3").put_object(Bucket="new", Key="k", Body=b"v")
    assert put_back(lab, claims, (), began, {}) == []
    assert remember(lab, claims) == began
    assert iam.get_user(UserName="other")


def test_parts_of_other_exercises_stay(lab: Any, iam: Any) -> None:
    began = everything(lab)
    for name in ("first", "second", "stray"):
        iam.put_user_policy(UserName="ana", PolicyName=name, PolicyDocument=ALLOW)
    iam.update_role(RoleName="reader", MaxSessionDuration=3600)
    others = ("user/ana: second", "role/reader: limit")
    put_back(lab, ("user/ana: first", "role/reader"), others, began, {})
    assert iam.list_user_policies(UserName="ana")["PolicyNames"] == ["own", "second"]
    assert iam.get_role(RoleName="reader")["Role"]["MaxSessionDuration"] == 3600


def test_keys_stay_unless_the_exercise_is_about_them(lab: Any, iam: Any) -> None:
    old = iam.create_access_key(UserName="ana")["AccessKey"]
    story = {
        "whole": {
            "aws_access_key_id": old["AccessKeyId"],
            "aws_secret_access_key": old["SecretAccessKey"],
        },
        "lost": {"aws_access_key_id": old["AccessKeyId"]},
    }
    began = everything(lab)
    iam.delete_access_key(UserName="ana", AccessKeyId=old["AccessKeyId"])
    iam.create_access_key(UserName="ana")
    assert put_back(lab, ("user/ana",), (), began, story) == []
    (told,) = put_back(lab, ("user/ana: keys",), (), began, story)
    (key,) = iam.list_access_keys(UserName="ana")["AccessKeyMetadata"]
    assert told.startswith(f"The key {old['AccessKeyId']} had been deleted, and cannot come back.")
    assert story["lost"] == {"aws_access_key_id": key["AccessKeyId"]}
    session = boto3.Session(**story["whole"], region_name="us-east-1")
    assert session.client("sts").get_caller_identity()["Arn"].endswith(":user/ana")
    iam.update_access_key(UserName="ana", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert put_back(lab, ("user/ana: keys",), (), began, story) == []
    assert iam.list_access_keys(UserName="ana")["AccessKeyMetadata"][0]["Status"] == "Active"


def test_things_are_named() -> None:
    assert say(["user/ana: x"]) == "the user ana"
    assert say(["user/a", "user/*b*", "role/c", "bucket/d"]) == (
        "the user a, the role c and the bucket d"
    )
