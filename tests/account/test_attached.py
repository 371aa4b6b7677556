"""Which policies apply, and that nothing kept in memory is ever stale."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

ARN = "arn:aws:iam::111122223333"


def _doc(effect: str, action: str, **more: Any) -> str:
    statement = {"Effect": effect, "Action": action, "Resource": "*"} | more
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


ALLOW, DENY = _doc("Allow", "s3:ListAllMyBuckets"), _doc("Deny", "s3:*")


def _may(lab: Any, user: str = "ana") -> bool:
    try:
        lab.session(f"user/{user}").client("s3").list_buckets()
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
        return False
    return True


Change = Callable[[Any], Any]
POLICY = f"{ARN}:policy/lists"
# (what changes, how to change it, may the user list buckets afterwards): run in this order, so
# that each row finds what the row before left in memory.
STORY: list[tuple[str, Change, bool]] = [
    ("nothing yet", lambda iam: None, False),
    (
        "an inline policy",
        lambda iam: iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=ALLOW),
        True,
    ),
    (
        "the inline policy, replaced",
        lambda iam: iam.put_user_policy(
            UserName="ana", PolicyName="p", PolicyDocument=_doc("Allow", "iam:*")
        ),
        False,
    ),
    (
        "put back",
        lambda iam: iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=ALLOW),
        True,
    ),
    (
        "the inline policy, deleted",
        lambda iam: iam.delete_user_policy(UserName="ana", PolicyName="p"),
        False,
    ),
    (
        "a managed policy, made",
        lambda iam: iam.create_policy(PolicyName="lists", PolicyDocument=ALLOW),
        False,
    ),
    ("attached", lambda iam: iam.attach_user_policy(UserName="ana", PolicyArn=POLICY), True),
    (
        "a new version, not the default",
        lambda iam: iam.create_policy_version(PolicyArn=POLICY, PolicyDocument=DENY),
        True,
    ),
    (
        "made the default",
        lambda iam: iam.set_default_policy_version(PolicyArn=POLICY, VersionId="v2"),
        False,
    ),
    (
        "back to the first",
        lambda iam: iam.set_default_policy_version(PolicyArn=POLICY, VersionId="v1"),
        True,
    ),
    (
        "a new default at once",
        lambda iam: iam.create_policy_version(
            PolicyArn=POLICY, PolicyDocument=DENY, SetAsDefault=True
        ),
        False,
    ),
    (
        "back again",
        lambda iam: iam.set_default_policy_version(PolicyArn=POLICY, VersionId="v1"),
        True,
    ),
    ("detached", lambda iam: iam.detach_user_policy(UserName="ana", PolicyArn=POLICY), False),
    (
        "a group with the policy",
        lambda iam: (
            iam.create_group(GroupName="g"),
            iam.attach_group_policy(GroupName="g", PolicyArn=POLICY),
        ),
        False,
    ),
    ("into the group", lambda iam: iam.add_user_to_group(GroupName="g", UserName="ana"), True),
    (
        "an inline denial on the group",
        lambda iam: iam.put_group_policy(GroupName="g", PolicyName="d", PolicyDocument=DENY),
        False,
    ),
    ("gone again", lambda iam: iam.delete_group_policy(GroupName="g", PolicyName="d"), True),
    (
        "a boundary",
        lambda iam: iam.put_user_permissions_boundary(
            UserName="ana", PermissionsBoundary="arn:aws:iam::aws:policy/AmazonEC2FullAccess"
        ),
        False,
    ),
    (
        "another boundary",
        lambda iam: iam.put_user_permissions_boundary(UserName="ana", PermissionsBoundary=POLICY),
        True,
    ),
    ("no boundary", lambda iam: iam.delete_user_permissions_boundary(UserName="ana"), True),
    (
        "a condition on a tag",
        lambda iam: iam.create_policy_version(
            PolicyArn=POLICY,
            SetAsDefault=True,
            PolicyDocument=_doc(
                "Allow", "s3:*", Condition={"StringEquals": {"aws:PrincipalTag/team": "maps"}}
            ),
        ),
        False,
    ),
    (
        "the tag",
        lambda iam: iam.tag_user(UserName="ana", Tags=[{"Key": "team", "Value": "maps"}]),
        True,
    ),
    (
        "the tag, changed",
        lambda iam: iam.tag_user(UserName="ana", Tags=[{"Key": "team", "Value": "ops"}]),
        False,
    ),
    (
        "and back",
        lambda iam: iam.tag_user(UserName="ana", Tags=[{"Key": "team", "Value": "maps"}]),
        True,
    ),
    ("the tag, removed", lambda iam: iam.untag_user(UserName="ana", TagKeys=["team"]), False),
    (
        "out of the group",
        lambda iam: iam.remove_user_from_group(GroupName="g", UserName="ana"),
        False,
    ),
]


def test_every_change_acts_on_the_next_call(lab: Any) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="ana")
    answers = []
    for what, change, expected in STORY:
        change(iam)
        answers.append((what, _may(lab), expected))
    assert [row for row in answers if row[1] != row[2]] == []


def test_a_change_of_the_role_acts_on_sessions_that_run(lab: Any) -> None:
    iam = boto3.client("iam")
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": f"{ARN}:root"}, "Action": "sts:AssumeRole"}
            ],
        }
    )
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust)
    s3 = lab.session("role/reader").client("s3")
    with pytest.raises(ClientError):
        s3.list_buckets()
    iam.put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=ALLOW)
    s3.list_buckets()
    iam.put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=DENY)
    with pytest.raises(ClientError):
        s3.list_buckets()


def test_bucket_policies_act_on_the_next_call(lab: Any) -> None:
    boto3.client("iam").create_user(UserName="ana")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="reports")
    ana = lab.session("user/ana").client("s3")

    def may() -> bool:
        try:
            ana.list_objects_v2(Bucket="reports")
        except ClientError:
            return False
        return True

    def put(principal: str) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::reports",
        }
        s3.put_bucket_policy(
            Bucket="reports", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        )

    assert not may()
    put(f"{ARN}:user/ana")
    assert may()
    put(f"{ARN}:user/administrator")
    assert not may()
    put("*")
    assert may()
    s3.delete_bucket_policy(Bucket="reports")
    assert not may()


def _organization(lab: Any) -> tuple[Any, str, str]:
    """Return (client, root, member account): an organization with one member."""
    client = boto3.client("organizations")
    client.create_organization()
    member = client.create_account(AccountName="m", Email="m@example.com")
    account = member["CreateAccountStatus"]["AccountId"]
    return client, client.list_roots()["Roots"][0]["Id"], account


def test_scps_by_level_and_their_changes(lab: Any) -> None:
    """§2.3: every level must allow; §4: not the management account."""
    client, root, account = _organization(lab)
    member = lab.account(account)
    unit = client.create_organizational_unit(ParentId=root, Name="apps")["OrganizationalUnit"]["Id"]

    def may() -> bool:
        try:
            member.client("s3").list_buckets()
        except ClientError as error:
            assert "service control policy" in str(error)
            return False
        return True

    def policy(name: str, content: str) -> str:
        return client.create_policy(
            Name=name, Description="-", Type="SERVICE_CONTROL_POLICY", Content=content
        )["Policy"]["PolicySummary"]["Id"]

    assert may()
    deny = policy("no-s3", DENY)
    client.attach_policy(PolicyId=deny, TargetId=root)
    assert not may()
    boto3.client("s3").list_buckets()  # the management account is not limited
    client.detach_policy(PolicyId=deny, TargetId=root)
    assert may()
    client.attach_policy(PolicyId=deny, TargetId=unit)
    assert may()
    client.move_account(AccountId=account, SourceParentId=root, DestinationParentId=unit)
    assert not may()
    client.detach_policy(PolicyId=deny, TargetId=unit)
    assert may()
    only = policy("only-ec2", _doc("Allow", "ec2:*"))
    client.attach_policy(PolicyId=only, TargetId=unit)
    assert may()
    client.detach_policy(PolicyId="p-FullAWSAccess", TargetId=unit)
    assert not may()
    client.update_policy(PolicyId=only, Content=_doc("Allow", "*"))
    assert may()


def test_an_scp_binds_the_root_user_of_a_member(lab: Any) -> None:
    client, root, account = _organization(lab)
    lab.account(account)
    made = client.create_policy(
        Name="n", Description="-", Type="SERVICE_CONTROL_POLICY", Content=DENY
    )
    target = made["Policy"]["PolicySummary"]["Id"]
    lab.session("root", account).client("s3").list_buckets()
    client.attach_policy(PolicyId=target, TargetId=root)
    with pytest.raises(ClientError, match="service control policy"):
        lab.session("root", account).client("s3").list_buckets()


def test_organization_keys(lab: Any) -> None:
    client, root, account = _organization(lab)
    organization = client.describe_organization()["Organization"]["Id"]
    caller = lab._principal(lab.account(account))
    context = lab.attached.context(caller)
    assert context["aws:PrincipalOrgID"] == organization
    assert context["aws:PrincipalOrgPaths"] == [f"{organization}/{root}/"]


def test_a_grant_allows_what_the_key_policy_does_not(lab: Any) -> None:
    """§4: key policy, IAM policy that it enables, or a grant."""
    boto3.client("iam").create_user(UserName="ana")
    kms = boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    ana = lab.session("user/ana").client("kms")
    with pytest.raises(ClientError):
        ana.encrypt(KeyId=key, Plaintext=b"x")
    grant = kms.create_grant(KeyId=key, GranteePrincipal=f"{ARN}:user/ana", Operations=["Encrypt"])[
        "GrantId"
    ]
    secret = ana.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    with pytest.raises(ClientError):
        ana.decrypt(CiphertextBlob=secret)
    kms.revoke_grant(KeyId=key, GrantId=grant)
    with pytest.raises(ClientError):
        ana.encrypt(KeyId=key, Plaintext=b"x")


def test_the_caller_s_context(lab: Any) -> None:
    iam = boto3.client("iam")
    made = iam.create_user(UserName="ana", Tags=[{"Key": "team", "Value": "maps"}])["User"]
    caller = lab._principal("user/ana")
    context = lab.attached.context(caller)
    assert context == {
        "aws:PrincipalArn": f"{ARN}:user/ana",
        "aws:PrincipalAccount": "111122223333",
        "aws:PrincipalType": "User",
        "aws:PrincipalIsAWSService": "false",
        "aws:userid": made["UserId"],
        "aws:username": "ana",
        "aws:PrincipalTag/team": "maps",
    }
    context["aws:username"] = "changed"
    assert lab.attached.context(caller)["aws:username"] == "ana"
