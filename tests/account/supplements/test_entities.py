"""What IAM refuses of users, groups, roles and policies: iam_evaluation §9."""

from __future__ import annotations

import pytest

from .conftest import ACCOUNT, allow, refused, signed_by, trust

USER = f"arn:aws:iam::{ACCOUNT}:user"
NAME_TEXT = "It must contain only alphanumeric characters and/or the following: +=,.@_-"
SEVERAL = "This policy has more than one version."


def policy(iam, name, **more):
    return iam.create_policy(PolicyName=name, PolicyDocument=allow("s3:*"), **more)["Policy"]["Arn"]


class TestNames:
    @pytest.mark.parametrize(
        ("call", "params", "text"),
        [
            ("create_user", {"UserName": "a b"}, f"value for userName is invalid. {NAME_TEXT}"),
            ("create_user", {"UserName": "a" * 65}, "length less than or equal to 64"),
            ("create_user", {"UserName": "ana", "Path": "team"}, "It must begin and end with /"),
            ("create_group", {"GroupName": "ä"}, f"value for groupName is invalid. {NAME_TEXT}"),
            ("create_group", {"GroupName": "a" * 129}, "length less than or equal to 128"),
            (
                "create_role",
                {"RoleName": "a" * 65, "AssumeRolePolicyDocument": trust("*")},
                "at 'roleName' failed to satisfy constraint: Member must have length less than",
            ),
            (
                "create_role",
                {
                    "RoleName": "r",
                    "AssumeRolePolicyDocument": trust("*"),
                    "MaxSessionDuration": 3599,
                },
                "at 'maxSessionDuration' failed to satisfy constraint: Member must have value "
                "greater than or equal to 3600",
            ),
            (
                "update_access_key",
                {"UserName": "ana", "AccessKeyId": "A" * 16, "Status": "Off"},
                "at 'status' failed to satisfy constraint: Member must satisfy enum value set",
            ),
        ],
    )
    def test_form(self, iam, call, params, text):
        """[O: texts]"""
        with refused("ValidationError", 400, text):
            getattr(iam, call)(**params)

    def test_unique_ignoring_case(self, iam, role):
        iam.create_user(UserName="Ana")
        iam.create_group(GroupName="Team")
        iam.create_instance_profile(InstanceProfileName="Box")
        role("Writer")
        policy(iam, "Read")
        with refused("EntityAlreadyExists", 409, "User with name ana already exists."):
            iam.create_user(UserName="ana")
        with refused("EntityAlreadyExists", 409, "Group with name TEAM already exists."):
            iam.create_group(GroupName="TEAM")
        with refused("EntityAlreadyExists", 409, "Role with name writer already exists."):
            role("writer", Path="/elsewhere/")
        with refused("EntityAlreadyExists", 409, "A policy called READ already exists."):
            policy(iam, "READ")
        with refused("EntityAlreadyExists", 409, "Instance Profile box already exists."):
            iam.create_instance_profile(InstanceProfileName="box")
        iam.create_user(UserName="bo")
        with refused("EntityAlreadyExists", 409, "User with name ANA already exists."):
            iam.update_user(UserName="bo", NewUserName="ANA")
        iam.update_user(UserName="bo", NewUserName="BO")
        assert iam.get_user(UserName="BO")["User"]["Arn"] == f"{USER}/BO"


@pytest.mark.parametrize(
    ("call", "params", "text"),
    [
        ("get_user", {"UserName": "no"}, "The user with name no cannot be found."),
        ("delete_user", {"UserName": "no"}, "The user with name no cannot be found."),
        ("get_group", {"GroupName": "no"}, "The group with name no cannot be found."),
        ("get_role", {"RoleName": "no"}, "The role with name no cannot be found."),
        ("list_role_policies", {"RoleName": "no"}, "The role with name no cannot be found."),
        (
            "get_instance_profile",
            {"InstanceProfileName": "no"},
            "Instance Profile no cannot be found.",
        ),
        (
            "get_policy",
            {"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/no"},
            f"Policy arn:aws:iam::{ACCOUNT}:policy/no was not found.",
        ),
        (
            "attach_user_policy",
            {"UserName": "administrator", "PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/no"},
            f"Policy arn:aws:iam::{ACCOUNT}:policy/no does not exist or is not attachable.",
        ),
        (
            "delete_access_key",
            {"UserName": "administrator", "AccessKeyId": "AKIAIOSFODNN7EXAMPLE"},
            "The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found.",
        ),
    ],
)
def test_no_such_entity(iam, call, params, text):
    with refused("NoSuchEntity", 404, text):
        getattr(iam, call)(**params)


def test_policy_arn_must_be_one(iam):
    with refused("InvalidInput", 400, "ARN arn:aws:iam::x:policies/y is not valid."):
        iam.attach_user_policy(UserName="administrator", PolicyArn="arn:aws:iam::x:policies/y")


class TestLimits:
    def test_access_keys(self, iam):
        iam.create_user(UserName="ana")
        for _ in range(2):
            iam.create_access_key(UserName="ana")
        with refused("LimitExceeded", 409, "Cannot exceed quota for AccessKeysPerUser: 2"):
            iam.create_access_key(UserName="ana")

    @pytest.mark.parametrize("kind", ["user", "group", "role"])
    def test_attached_policies(self, iam, role, kind):
        make = {
            "user": lambda: iam.create_user(UserName="x"),
            "group": lambda: iam.create_group(GroupName="x"),
            "role": lambda: role("x"),
        }
        make[kind]()
        attach = getattr(iam, f"attach_{kind}_policy")
        who = {f"{kind.title()}Name": "x"}
        for number in range(10):
            arn = policy(iam, f"p{number}")
            attach(PolicyArn=arn, **who)
            attach(PolicyArn=arn, **who)
        assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
        text = f"Cannot exceed quota for PoliciesPer{kind.title()}: 10"
        with refused("LimitExceeded", 409, text):
            attach(PolicyArn=policy(iam, "p10"), **who)

    def test_groups_of_a_user(self, iam):
        iam.create_user(UserName="ana")
        for number in range(11):
            iam.create_group(GroupName=f"g{number}")
        for number in range(10):
            iam.add_user_to_group(UserName="ana", GroupName=f"g{number}")
        iam.add_user_to_group(UserName="ana", GroupName="g3")
        with refused("LimitExceeded", 409, "Cannot exceed quota for GroupsPerUser: 10"):
            iam.add_user_to_group(UserName="ana", GroupName="g10")

    def test_groups_of_an_account(self, iam):
        for number in range(300):
            iam.create_group(GroupName=f"g{number}")
        with refused("LimitExceeded", 409, "Cannot exceed quota for GroupsPerAccount: 300"):
            iam.create_group(GroupName="one-more")

    def test_tags(self, iam):
        many = [{"Key": f"k{n}", "Value": "v"} for n in range(51)]
        with refused("ValidationError", 400, "at 'tags' failed to satisfy constraint"):
            iam.create_user(UserName="ana", Tags=many)
        iam.create_user(UserName="ana", Tags=many[:50])
        iam.tag_user(UserName="ana", Tags=many[:1])
        with refused("LimitExceeded", 409):
            iam.tag_user(UserName="ana", Tags=many[50:])
        with refused("InvalidInput", 400, "Duplicate tag keys found."):
            iam.create_user(
                UserName="bo", Tags=[{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}]
            )


class TestDeleting:
    def test_user_with_things(self, lab, iam):
        iam.create_user(UserName="ana")
        iam.create_group(GroupName="team")
        arn = policy(iam, "read")
        iam.add_user_to_group(UserName="ana", GroupName="team")
        iam.put_user_policy(UserName="ana", PolicyName="own", PolicyDocument=allow("s3:*"))
        iam.attach_user_policy(UserName="ana", PolicyArn=arn)
        key = iam.create_access_key(UserName="ana")["AccessKey"]["AccessKeyId"]
        iam.create_login_profile(UserName="ana", Password="Sturdy-word-1")
        steps = [
            (
                "remove users from group",
                lambda: iam.remove_user_from_group(UserName="ana", GroupName="team"),
            ),
            ("delete access keys", lambda: iam.delete_access_key(UserName="ana", AccessKeyId=key)),
            (
                "detach all policies",
                lambda: iam.detach_user_policy(UserName="ana", PolicyArn=arn),
            ),
            (
                "delete policies",
                lambda: iam.delete_user_policy(UserName="ana", PolicyName="own"),
            ),
            ("delete login profile", lambda: iam.delete_login_profile(UserName="ana")),
        ]
        for what, remove in steps:
            with refused("DeleteConflict", 409, f"Cannot delete entity, must {what} first."):
                iam.delete_user(UserName="ana")
            remove()
        iam.delete_user(UserName="ana")
        with refused("NoSuchEntity", 404):
            iam.get_user(UserName="ana")

    def test_group_with_things(self, iam):
        iam.create_user(UserName="ana")
        iam.create_group(GroupName="team")
        arn = policy(iam, "read")
        iam.add_user_to_group(UserName="ana", GroupName="team")
        iam.attach_group_policy(GroupName="team", PolicyArn=arn)
        with refused("DeleteConflict", 409, "must remove users from group first."):
            iam.delete_group(GroupName="team")
        iam.remove_user_from_group(UserName="ana", GroupName="team")
        with refused("DeleteConflict", 409, "must detach all policies first."):
            iam.delete_group(GroupName="team")
        iam.detach_group_policy(GroupName="team", PolicyArn=arn)
        iam.delete_group(GroupName="team")

    def test_role_with_things(self, iam, role):
        role("box")
        iam.create_instance_profile(InstanceProfileName="box")
        iam.add_role_to_instance_profile(InstanceProfileName="box", RoleName="box")
        text = "Cannot delete entity, must remove roles from instance profile first."
        with refused("DeleteConflict", 409, text):
            iam.delete_role(RoleName="box")
        iam.remove_role_from_instance_profile(InstanceProfileName="box", RoleName="box")
        iam.put_role_policy(RoleName="box", PolicyName="own", PolicyDocument=allow("s3:*"))
        with refused("DeleteConflict", 409, "must delete policies first."):
            iam.delete_role(RoleName="box")
        iam.delete_role_policy(RoleName="box", PolicyName="own")
        iam.delete_role(RoleName="box")

    def test_policy_in_use(self, iam):
        arn = policy(iam, "read")
        iam.create_group(GroupName="team")
        iam.attach_group_policy(GroupName="team", PolicyArn=arn)
        with refused("DeleteConflict", 409, "Cannot delete a policy attached to entities."):
            iam.delete_policy(PolicyArn=arn)
        iam.detach_group_policy(GroupName="team", PolicyArn=arn)
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow("s3:Get*"))
        with refused("DeleteConflict", 409, SEVERAL):
            iam.delete_policy(PolicyArn=arn)
        with refused("DeleteConflict", 409, "Cannot delete the default version of a policy."):
            iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
        with refused("NoSuchEntity", 404, "version v9 does not exist or is not attachable."):
            iam.delete_policy_version(PolicyArn=arn, VersionId="v9")
        iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
        iam.delete_policy(PolicyArn=arn)

    def test_aws_policies_stay(self, iam):
        arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
        with refused("AccessDenied", 403, f"Policy {arn} is outside your own account."):  # code [I]
            iam.delete_policy(PolicyArn=arn)
        with refused("AccessDenied", 403):
            iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow("s3:*"))


def test_service_role_policies_are_not_attachable(iam):
    """[O: text]"""
    arn = "arn:aws:iam::aws:policy/aws-service-role/AutoScalingServiceRolePolicy"
    with refused("PolicyNotAttachable", 400, "Cannot attach a Service Role Policy"):
        iam.attach_user_policy(UserName="administrator", PolicyArn=arn)


def test_a_required_parameter_is_missing(iam):
    text = "Value null at 'userName' failed to satisfy constraint: Member must not be null"
    with refused("ValidationError", 400, text):
        iam.create_user()


def test_service_linked_roles_are_awss(iam):
    with refused("InvalidInput", 400):
        iam.create_service_linked_role(AWSServiceName="nobody")
    made = iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    name = made["Role"]["RoleName"]
    with refused("UnmodifiableEntity", 400, "this role is only modifiable by AWS"):
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=allow("s3:*"))
    with refused("UnmodifiableEntity", 400):
        iam.delete_role(RoleName=name)
    iam.get_role(RoleName=name)


def test_renaming_keeps_keys_tags_and_permissions(lab, iam, user):
    session = user("ana", "iam:ListUsers", Tags=[{"Key": "Team", "Value": "maps"}])
    temporary = signed_by(session.client("sts").get_session_token())
    iam.update_user(UserName="ana", NewUserName="anna", NewPath="/maps/")
    assert temporary.client("sts").get_caller_identity()["Arn"] == f"{USER}/maps/anna"
    session.client("iam").list_users()
    assert session.client("sts").get_caller_identity()["Arn"] == f"{USER}/maps/anna"
    assert iam.list_user_tags(UserName="anna")["Tags"] == [{"Key": "Team", "Value": "maps"}]
    iam.create_group(GroupName="g")
    iam.update_group(GroupName="g", NewPath="/maps/")
    assert iam.get_group(GroupName="g")["Group"]["Path"] == "/maps/"


def test_listing_users_by_pages(iam):
    boundary = policy(iam, "edge")
    for number in range(5):
        iam.create_user(UserName=f"u{number}", Path="/maps/", PermissionsBoundary=boundary)
    first = iam.list_users(PathPrefix="/maps/", MaxItems=3)
    assert [u["UserName"] for u in first["Users"]] == ["u0", "u1", "u2"]
    assert first["IsTruncated"] and "PermissionsBoundary" not in first["Users"][0]
    rest = iam.list_users(PathPrefix="/maps/", MaxItems=3, Marker=first["Marker"])
    assert [u["UserName"] for u in rest["Users"]] == ["u3", "u4"]
    assert not rest["IsTruncated"] and "Marker" not in rest
    assert len(iam.list_users()["Users"]) == 6
