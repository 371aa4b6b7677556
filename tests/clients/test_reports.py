"""The reports through the real AWS CLI: one call of each operation, and one that is denied."""

from __future__ import annotations

import base64
import csv
import io
import json
from typing import Any

import boto3
import pytest

from .conftest import CliError

ACCOUNT = "111122223333"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.fixture
def ana(lab: Any) -> Any:
    """A user with one inline policy, a tag and a key."""
    iam = boto3.client("iam")
    iam.create_user(UserName="ana", Tags=[{"Key": "team", "Value": "red"}])
    statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_user_policy(UserName="ana", PolicyName="own", PolicyDocument=document)
    lab.session("user/ana").client("s3").list_buckets()
    return lab.session("user/ana").get_credentials().access_key


def test_credential_report(aws: Any, ana: str) -> None:
    with pytest.raises(CliError) as refused:
        aws("iam", "get-credential-report")
    assert refused.value.code == "ReportNotPresent"
    assert aws("iam", "generate-credential-report")["State"] == "STARTED"
    answer = aws("iam", "get-credential-report")
    assert answer["ReportFormat"] == "text/csv"
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(answer["Content"]).decode())))
    assert [row["user"] for row in rows] == ["<root_account>", "administrator", "ana"]
    assert rows[2]["access_key_1_last_used_service"] == "s3"
    last = aws("iam", "get-access-key-last-used", "--access-key-id", ana)
    assert last["UserName"] == "ana" and last["AccessKeyLastUsed"]["ServiceName"] == "s3"


def test_last_accessed(aws: Any, ana: str) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:user/ana"
    job = aws("iam", "generate-service-last-accessed-details", "--arn", arn)["JobId"]
    answer = aws("iam", "get-service-last-accessed-details", "--job-id", job)
    (service,) = answer["ServicesLastAccessed"]
    assert (answer["JobStatus"], service["ServiceNamespace"]) == ("COMPLETED", "s3")
    assert service["LastAuthenticatedEntity"] == arn
    by = "get-service-last-accessed-details-with-entities"
    details = aws("iam", by, "--job-id", job, "--service-namespace", "s3")["EntityDetailsList"]
    assert details[0]["EntityInfo"]["Arn"] == arn
    granting = "list-policies-granting-service-access"
    found = aws("iam", granting, "--arn", arn, "--service-namespaces", "s3", "sqs")
    entries = found["PoliciesGrantingServiceAccess"]
    assert [len(entry["Policies"]) for entry in entries] == [1, 0]


def test_inventory(aws: Any, ana: str) -> None:
    found = aws("iam", "get-account-authorization-details", "--filter", "User")
    users = {user["UserName"]: user for user in found["UserDetailList"]}
    assert users["ana"]["Tags"] == [{"Key": "team", "Value": "red"}]
    action = users["ana"]["UserPolicyList"][0]["PolicyDocument"]["Statement"]["Action"]
    assert action == "s3:ListAllMyBuckets"
    assert aws("iam", "get-account-summary")["SummaryMap"]["Users"] == 2
    who = aws("iam", "list-entities-for-policy", "--policy-arn", ADMINISTRATOR)
    assert [user["UserName"] for user in who["PolicyUsers"]] == ["administrator"]
    paged = aws("iam", "list-users", "--page-size", "1")
    assert [user["UserName"] for user in paged["Users"]] == ["administrator", "ana"]


def test_denied(aws: Any, ana: str) -> None:
    with pytest.raises(CliError) as refused:
        aws("iam", "get-account-authorization-details", who="user/ana")
    assert refused.value.code == "AccessDenied"
    assert "iam:GetAccountAuthorizationDetails" in refused.value.printed
