"""CreateAccount leaves a role by which the management account gets into the new account."""

import boto3
import pytest

from .conftest import refused, signed_by


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
