"""Access keys and the caller's own user: IAM API Reference, "UserName" left out."""

from __future__ import annotations

from .conftest import ACCOUNT, allow, refused


def test_name_may_be_left_out(lab, iam, user):
    own = user("ana", "iam:*").client("iam")
    assert own.get_user()["User"]["UserName"] == "ana"
    made = own.create_access_key()["AccessKey"]
    assert made["UserName"] == "ana"
    assert len(own.list_access_keys()["AccessKeyMetadata"]) == 2
    own.update_access_key(AccessKeyId=made["AccessKeyId"], Status="Inactive")
    own.delete_access_key(AccessKeyId=made["AccessKeyId"])
    assert len(own.list_access_keys()["AccessKeyMetadata"]) == 1


def test_other_peoples_keys_are_out_of_reach(iam, user):
    other = iam.create_user(UserName="bo") and iam.create_access_key(UserName="bo")["AccessKey"]
    own = user("ana", "iam:*").client("iam")
    with refused("NoSuchEntity", 404):
        own.delete_access_key(AccessKeyId=other["AccessKeyId"])
    assert len(iam.list_access_keys(UserName="bo")["AccessKeyMetadata"]) == 1


def test_roles_have_no_user(lab, iam, role):
    role("team")
    iam.put_role_policy(RoleName="team", PolicyName="p", PolicyDocument=allow("iam:*"))
    inside = lab.session("role/team").client("iam")
    text = "Must specify userName when calling with non-User credentials"
    with refused("ValidationError", 400, text):
        inside.get_user()
    with refused("ValidationError", 400, text):
        inside.list_access_keys()


def test_root(lab):
    seen = lab.session("root").client("iam").get_user()["User"]
    assert (seen["UserId"], seen["Arn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
