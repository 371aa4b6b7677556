"""The account file that the real AWS CLI writes loads, and is saved byte for byte the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.clients.conftest import CliError

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}],
}


def fill() -> None:
    iam = boto3.client("iam")
    boundary = iam.create_policy(
        PolicyName="limit",
        PolicyDocument=json.dumps(READ),
        Description="What a developer may do at most: größer < & >",
    )["Policy"]["Arn"]
    iam.create_policy_version(
        PolicyArn=boundary, PolicyDocument=json.dumps(READ), SetAsDefault=True
    )
    iam.create_group(GroupName="devs", Path="/teams/")
    iam.attach_group_policy(
        GroupName="devs", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    )
    iam.create_user(
        UserName="ana", PermissionsBoundary=boundary, Tags=[{"Key": "team", "Value": "maps"}]
    )
    iam.add_user_to_group(GroupName="devs", UserName="ana")
    iam.put_user_policy(UserName="ana", PolicyName="own", PolicyDocument=json.dumps(READ))
    iam.create_role(
        RoleName="app", AssumeRolePolicyDocument=json.dumps(TRUST), MaxSessionDuration=7200
    )
    iam.create_instance_profile(InstanceProfileName="app")
    iam.add_role_to_instance_profile(InstanceProfileName="app", RoleName="app")


def test_the_clis_own_files_load_and_come_back(aws: Any, tmp_path: Path) -> None:
    lab = aws.lab
    fill()
    printed = aws.run("iam", "get-account-authorization-details").stdout
    file = tmp_path / "account.json"
    file.write_text(printed, encoding="utf-8")
    saved = tmp_path / "saved.json"
    lab.save(saved)
    assert saved.read_text(encoding="utf-8") == printed
    aws("iam", "generate-credential-report")
    report = tmp_path / "report.json"
    report.write_text(aws.run("iam", "get-credential-report").stdout)
    lab.reset()
    loaded = lab.load(file, credential_report=report, replace=True)
    assert not [note for note in loaded.notes if "cannot show" in note]
    again = tmp_path / "again.json"
    lab.save(again)
    assert again.read_text(encoding="utf-8") == printed
    # The lab's own hands do not show to the CLI either, and the loaded policies hold.
    assert aws.run("iam", "get-account-authorization-details").stdout == printed
    with pytest.raises(CliError) as denied:
        aws("s3api", "list-buckets", who="user/ana")
    assert denied.value.code == "AccessDenied"
    assert "permissions boundary" in denied.value.printed
