"""What an administrator types every day, by the real AWS CLI: people, groups, policies, roles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.account.helpers import allow, policy, trusts
from tests.clients.conftest import CliError

if TYPE_CHECKING:
    from tests.clients.conftest import Cli

ACCOUNT = "arn:aws:iam::111122223333"


def _refused(aws: Cli, *words: str, who: str | None = None) -> CliError:
    with pytest.raises(CliError) as refused:
        aws(*words, who=who)
    return refused.value


def test_a_person_with_a_password_and_keys(aws: Cli) -> None:
    ana = ("--user-name", "ana")
    made = aws("iam", "create-user", *ana, "--path", "/people/", "--tags", "Key=team,Value=maps")
    assert made["User"]["Arn"] == f"{ACCOUNT}:user/people/ana"
    assert made["User"]["UserId"].startswith("AIDA") and made["User"]["Tags"][0]["Key"] == "team"
    assert _refused(aws, "iam", "create-user", *ana).code == "EntityAlreadyExists"
    rules = ("--minimum-password-length", "14", "--require-numbers", "--max-password-age", "90")
    assert aws("iam", "update-account-password-policy", *rules) is None
    shown = aws("iam", "get-account-password-policy")["PasswordPolicy"]
    assert (shown["MinimumPasswordLength"], shown["MaxPasswordAge"]) == (14, 90)
    short = ("--password", "Short1", "--password-reset-required")
    refused = _refused(aws, "iam", "create-login-profile", *ana, *short)
    assert refused.code == "PasswordPolicyViolation"
    long = ("--password", "much longer than 14", "--password-reset-required")
    profile = aws("iam", "create-login-profile", *ana, *long)["LoginProfile"]
    assert profile["PasswordResetRequired"] is True
    keys = [aws("iam", "create-access-key", *ana)["AccessKey"] for _ in range(2)]
    assert _refused(aws, "iam", "create-access-key", *ana).code == "LimitExceeded"
    which = (*ana, "--access-key-id", keys[0]["AccessKeyId"])
    aws("iam", "update-access-key", *which, "--status", "Inactive")
    listed = aws("iam", "list-access-keys", *ana)["AccessKeyMetadata"]
    assert [key["Status"] for key in listed] == ["Inactive", "Active"]
    aws("iam", "delete-access-key", *which)
    assert _refused(aws, "iam", "delete-user", *ana).code == "DeleteConflict"
    ended = _refused(aws, "iam", "delete-access-key", *which)
    assert ended.code == "NoSuchEntity" and ended.exit_code == 255


def test_a_group_and_a_policy_with_versions(aws: Cli, tmp_path: Path) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="ana")
    group = ("--group-name", "readers")
    assert aws("iam", "create-group", *group)["Group"]["Arn"] == f"{ACCOUNT}:group/readers"
    aws("iam", "add-user-to-group", *group, "--user-name", "ana")
    (tmp_path / "v1.json").write_text(policy(allow("iam:ListUsers")))
    document = ("--policy-document", f"file://{tmp_path / 'v1.json'}")
    made = aws("iam", "create-policy", "--policy-name", "read", *document)["Policy"]
    which = ("--policy-arn", made["Arn"])
    assert made["Arn"] == f"{ACCOUNT}:policy/read" and made["DefaultVersionId"] == "v1"
    aws("iam", "attach-group-policy", *group, *which)
    assert "Users" in aws("iam", "list-users", who="user/ana")
    second = ("--policy-document", policy(allow("iam:ListRoles")), "--set-as-default")
    made = aws("iam", "create-policy-version", *which, *second)["PolicyVersion"]
    assert (made["VersionId"], made["IsDefaultVersion"]) == ("v2", True)
    refused = _refused(aws, "iam", "list-users", who="user/ana")
    assert refused.code == "AccessDenied" and "iam:ListUsers" in refused.printed
    shown = aws("iam", "get-policy-version", *which, "--version-id", "v1")["PolicyVersion"]
    assert shown["Document"] == json.loads(policy(allow("iam:ListUsers")))
    (tmp_path / "bad.json").write_text('{"Version": "2012-10-17"}')
    bad = ("--policy-document", f"file://{tmp_path / 'bad.json'}")
    refused = _refused(aws, "iam", "create-policy", "--policy-name", "bad", *bad)
    assert refused.code == "MalformedPolicyDocument"
    attached = aws("iam", "list-attached-group-policies", *group)["AttachedPolicies"]
    assert attached == [{"PolicyName": "read", "PolicyArn": f"{ACCOUNT}:policy/read"}]


def test_a_role_is_assumed_within_a_boundary(aws: Cli, lab: Any) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="ana")
    may = ("--policy-name", "own", "--policy-document", policy(allow("sts:AssumeRole")))
    aws("iam", "put-user-policy", "--user-name", "ana", *may)
    role = ("--role-name", "reader")
    trust = ("--assume-role-policy-document", policy(trusts(f"{ACCOUNT}:user/ana")))
    made = aws("iam", "create-role", *role, *trust, "--max-session-duration", "7200")["Role"]
    assert made["Arn"] == f"{ACCOUNT}:role/reader" and made["RoleId"].startswith("AROA")
    every = "arn:aws:iam::aws:policy/"
    aws("iam", "attach-role-policy", *role, "--policy-arn", f"{every}IAMReadOnlyAccess")
    session = ("sts", "assume-role", "--role-arn", made["Arn"], "--role-session-name", "ana")
    answer = aws(*session, "--duration-seconds", "7200", who="user/ana")
    assert answer["AssumedRoleUser"]["Arn"].endswith(":assumed-role/reader/ana")
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    refused = _refused(aws, *session, "--duration-seconds", "7201", who="user/ana")
    assert refused.code == "ValidationError" and "MaxSessionDuration" in refused.printed
    assert _refused(aws, *session).code == "AccessDenied"  # the administrator is not trusted
    boundary = ("--permissions-boundary", f"{every}AmazonS3ReadOnlyAccess")
    aws("iam", "put-role-permissions-boundary", *role, *boundary)
    shown = aws("iam", "get-role", *role)["Role"]["PermissionsBoundary"]
    assert shown["PermissionsBoundaryArn"] == f"{every}AmazonS3ReadOnlyAccess"
    iam.update_assume_role_policy(
        RoleName="reader", PolicyDocument=policy(trusts(f"{ACCOUNT}:user/administrator"))
    )
    refused = _refused(aws, "iam", "list-users", who="role/reader")
    assert "no permissions boundary allows the iam:ListUsers action" in refused.printed
    aws("iam", "delete-role-permissions-boundary", *role)
    assert "Users" in aws("iam", "list-users", who="role/reader")
    token = aws("sts", "get-session-token", "--duration-seconds", "900", who="user/ana")
    assert set(token["Credentials"]) == {
        "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration",
    }  # fmt: skip
