"""lab.serve(): one account for the notebook and the AWS CLI; every service, and files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import requests

from tests.clients.conftest import CliError

if TYPE_CHECKING:
    from tests.clients.conftest import Cli

# One call of each service, and the member of its answer that lists what there is.
LISTINGS = {
    "iam list-groups": "Groups",
    "s3api list-buckets": "Buckets",
    "ec2 describe-instances": "Reservations",
    "dynamodb list-tables": "TableNames",
    "kms list-keys": "Keys",
    "secretsmanager list-secrets": "SecretList",
    "lambda list-functions": "Functions",
    "cloudtrail lookup-events --max-items 0": "Events",
    "accessanalyzer list-analyzers": "analyzers",
    "ecs list-clusters": "clusterArns",
}


def test_the_cli_and_the_notebook_share_one_account(lab: Any, aws: Cli) -> None:
    boto3.client("iam").create_user(UserName="ana")
    assert "ana" in [user["UserName"] for user in aws("iam", "list-users")["Users"]]
    with pytest.raises(CliError) as denied:
        aws("iam", "list-users", who="user/ana")
    assert denied.value.code == "AccessDenied"
    assert "no identity-based policy allows the iam:ListUsers action" in denied.value.printed
    assert lab.why().request.action == "iam:ListUsers"


def test_every_service_answers(aws: Cli) -> None:
    for command, member in LISTINGS.items():
        assert aws(*command.split()).get(member, []) == [], command
    assert aws("sts", "get-caller-identity")["Account"] == "111122223333"
    assert aws("sqs", "list-queues") is None
    made = aws("organizations", "create-organization")["Organization"]
    assert made["MasterAccountId"] == "111122223333"
    with pytest.raises(CliError, match="does not have the service 'athena'"):
        aws("athena", "list-work-groups")


def test_files(aws: Cli, tmp_path: Path, lab: Any) -> None:
    """`aws s3`: a large file goes in parts; a link works for whoever has it, until it expires."""
    large, back = tmp_path / "large", tmp_path / "back"
    large.write_bytes(bytes(range(256)) * 80_000)  # 20 MB: the CLI sends parts of 8
    aws.shell("aws s3 mb s3://reports")
    aws.shell(f"aws s3 cp --only-show-errors {large} 's3://reports/a b/large+1.bin'")
    actions = list(lab.history()["action"])
    assert actions.count("s3:PutObject") >= 3 and "s3:ListAllMyBuckets" not in actions
    assert "20480000 a b/large+1.bin" in aws.shell("aws s3 ls --recursive s3://reports")
    aws.shell(f"aws s3 cp --only-show-errors 's3://reports/a b/large+1.bin' {back}")
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (large, back)]
    assert digests[0] == digests[1]
    aws.shell("printf hello | aws s3 cp - s3://reports/said")
    link = aws.shell("aws s3 presign s3://reports/said --expires-in 600")
    assert requests.get(link, timeout=10).text == "hello"
    lab.clock.advance(minutes=11)
    ended = requests.get(link, timeout=10)
    assert (ended.status_code, "Request has expired" in ended.text) == (403, True)
    # The lab's clock is ahead now. The CLI's is not, and yet its next link works as long.
    again = aws.shell("aws s3 presign s3://reports/said --expires-in 600")
    assert requests.get(again, timeout=10).text == "hello"
    lab.clock.advance(minutes=11)
    assert requests.get(again, timeout=10).status_code == 403
    with pytest.raises(CliError) as denied:
        boto3.client("iam").create_user(UserName="ana")
        aws("s3", "ls", "s3://reports", who="user/ana")
    assert denied.value.code == "AccessDenied" and "s3:ListBucket" in denied.value.printed


def test_what_the_cli_does_with_answers(aws: Cli) -> None:
    """--query, --output, pages and waiters."""
    iam = boto3.client("iam")
    for name in ("ana", "bo", "cy"):
        iam.create_user(UserName=name)
    said = aws.shell("aws iam list-users --query 'Users[1:].UserName' --output text")
    assert said.split() == ["ana", "bo", "cy"]
    table = aws.shell("aws iam list-users --query 'Users[].[UserName,Path]' --output table")
    assert "ListUsers" in table and "|  ana            |  / |" in table
    first = aws("iam", "list-users", "--max-items", "3", "--page-size", "1")
    rest = aws("iam", "list-users", "--starting-token", first["NextToken"])
    names = [user["UserName"] for page in (first, rest) for user in page["Users"]]
    assert names == ["administrator", "ana", "bo", "cy"] and "NextToken" not in rest
    raw = aws("iam", "list-users", "--no-paginate", "--max-items", "1")
    assert raw["IsTruncated"] is True and len(raw["Users"]) == 1
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=_TRUST)
    assert aws("iam", "wait", "role-exists", "--role-name", "reader") is None


_TRUST = """{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
    "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}"""
