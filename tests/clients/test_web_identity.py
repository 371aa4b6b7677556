"""A CI job's token, exchanged by the real AWS CLI: by hand, and through a profile."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.account.helpers import allow, policy, trusts
from tests.clients.conftest import CliError

if TYPE_CHECKING:
    from tests.clients.conftest import Cli

URL = "https://ci.larkfield.example"
ROLE = "arn:aws:iam::111122223333:role/deploy"


@pytest.fixture
def ci(lab: Any) -> Any:
    iam = boto3.client("iam")
    made = iam.create_open_id_connect_provider(Url=URL, ClientIDList=["sts.amazonaws.com"])
    trusted = trusts(
        {"Federated": made["OpenIDConnectProviderArn"]},
        "sts:AssumeRoleWithWebIdentity",
        Condition={"StringEquals": {"ci.larkfield.example:sub": "repo:maps:main"}},
    )
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=policy(trusted))
    iam.put_role_policy(
        RoleName="deploy", PolicyName="own", PolicyDocument=policy(allow("iam:ListUsers"))
    )
    return lab.issuer(URL)


def _exchange(aws: Cli, token: str) -> Any:
    words = ("sts", "assume-role-with-web-identity", "--role-arn", ROLE)
    return aws(*words, "--role-session-name", "build-7", "--web-identity-token", token)


def test_the_token_is_exchanged(aws: Cli, ci: Any) -> None:
    answer = _exchange(aws, ci.token("repo:maps:main"))
    assert answer["SubjectFromWebIdentityToken"] == "repo:maps:main"
    assert answer["AssumedRoleUser"]["Arn"].endswith("assumed-role/deploy/build-7")
    with pytest.raises(CliError) as denied:
        _exchange(aws, ci.token("repo:maps:another-branch"))
    assert denied.value.code == "AccessDenied"


def test_a_job_with_only_a_token_file(aws: Cli, ci: Any, tmp_path: Path) -> None:
    """As a CI service sets it up: a file, a role, and no key anywhere."""
    file = tmp_path / "token"
    file.write_text(ci.token("repo:maps:main"))
    environment = aws.environment()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del environment[name]
    environment |= {"AWS_WEB_IDENTITY_TOKEN_FILE": str(file), "AWS_ROLE_ARN": ROLE}
    done = subprocess.run(
        [aws.program, "iam", "list-users", "--query", "Users[].UserName", "--output", "text"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "administrator"), done.stderr


def test_client_ids_of_a_provider(aws: Cli, ci: Any) -> None:
    arn = "arn:aws:iam::111122223333:oidc-provider/ci.larkfield.example"
    words = ("--open-id-connect-provider-arn", arn)
    aws("iam", "add-client-id-to-open-id-connect-provider", *words, "--client-id", "maps")
    shown = aws("iam", "get-open-id-connect-provider", *words)
    assert shown["ClientIDList"] == ["sts.amazonaws.com", "maps"]
    aws("iam", "remove-client-id-from-open-id-connect-provider", *words, "--client-id", "maps")
    assert aws("iam", "list-open-id-connect-providers")["OpenIDConnectProviderList"] == [
        {"Arn": arn}
    ]
