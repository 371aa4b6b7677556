"""The role that leads into a new account, and the policies that cannot be detached."""

import boto3
import pytest

from .conftest import allow, refused, signed_by


@pytest.mark.parametrize("more", [{}, {"RoleName": "Way-In"}])
def test_the_management_account_gets_in(lab, more):
    organizations = boto3.client("organizations")
    with refused("AWSOrganizationsNotInUseException", 400):
        organizations.create_account(AccountName="apps", Email="apps@example.com")
    organizations.create_organization()
    made = organizations.create_account(AccountName="apps", Email="apps@example.com", **more)
    account = made["CreateAccountStatus"]["AccountId"]
    role = f"arn:aws:iam::{account}:role/{more.get('RoleName', 'OrganizationAccountAccessRole')}"
    member = signed_by(boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="morning"))
    member.client("iam").create_user(UserName="ana")
    assert lab.state.iam(account).users["ana"]


def test_the_last_scp_and_the_full_rcp_stay(lab):
    organizations = boto3.client("organizations")
    organizations.create_organization()
    root = organizations.list_roots()["Roots"][0]["Id"]
    for policy in ("p-FullAWSAccess", "p-RCPFullAWSAccess"):
        with refused("ConstraintViolationException", 400) as caught:
            organizations.detach_policy(PolicyId=policy, TargetId=root)
        assert caught.value.response["Reason"] == "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
    other = organizations.create_policy(
        Name="all", Description="-", Type="SERVICE_CONTROL_POLICY", Content=allow("*")
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=other, TargetId=root)
    organizations.detach_policy(PolicyId="p-FullAWSAccess", TargetId=root)
    with refused("ConstraintViolationException", 400):
        organizations.detach_policy(PolicyId=other, TargetId=root)
