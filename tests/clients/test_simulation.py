"""The policy simulator and DecodeAuthorizationMessage by the real AWS CLI."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.clients.conftest import CliError

if TYPE_CHECKING:
    from tests.clients.conftest import Cli

ANA = "arn:aws:iam::111122223333:user/ana"
# As it stands in the AWS CLI Command Reference, simulate-custom-policy.
DATED = (
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*",'
    '"Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}'
)
AT = "ContextKeyName='aws:CurrentTime',ContextKeyValues='{}',ContextKeyType=date"


@pytest.fixture
def ana(lab: Any) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="ana")
    iam.put_user_policy(UserName="ana", PolicyName="own", PolicyDocument=DATED)


def test_simulate_custom_policy(lab: Any, aws: Cli) -> None:
    printed = aws(
        "iam", "simulate-custom-policy", "--policy-input-list", DATED,
        "--action-names", "dynamodb:CreateBackup",
        "--context-entries", AT.format("2019-04-25T11:00:00Z"),
    )  # fmt: skip
    assert printed == {
        "EvaluationResults": [
            {
                "EvalActionName": "dynamodb:CreateBackup",
                "EvalResourceName": "*",
                "EvalDecision": "allowed",
                "MatchedStatements": [
                    {
                        "SourcePolicyId": "PolicyInputList.1",
                        "SourcePolicyType": "IAM Policy",
                        "StartPosition": {"Line": 1, "Column": 38},
                        "EndPosition": {"Line": 1, "Column": 167},
                    }
                ],
                "MissingContextValues": [],
            }
        ]
    }


def test_simulate_principal_policy(ana: None, aws: Cli) -> None:
    words = ("iam", "simulate-principal-policy", "--policy-source-arn", ANA)
    words += ("--action-names", "dynamodb:CreateBackup", "s3:GetObject", "--max-items", "2")
    words += ("--resource-arns", "arn:aws:s3:::reports/q3.csv", "arn:aws:s3:::reports")
    first, second = aws(*words, "--page-size", "1")["EvaluationResults"]
    assert first["EvalDecision"] == second["EvalDecision"] == "implicitDeny"
    assert first["EvalDecisionDetails"] == {}
    assert first["MissingContextValues"] == ["aws:CurrentTime"]
    assert [one["EvalResourceName"] for one in second["ResourceSpecificResults"]] == [*words[-2:]]
    with pytest.raises(CliError) as denied:
        aws(*words, who="user/ana")
    assert denied.value.code == "AccessDenied"


def test_get_context_keys(ana: None, aws: Cli) -> None:
    printed = aws("iam", "get-context-keys-for-principal-policy", "--policy-source-arn", ANA)
    assert printed == {"ContextKeyNames": ["aws:CurrentTime"]}
    words = ("iam", "get-context-keys-for-custom-policy", "--policy-input-list", DATED)
    assert aws(*words) == printed


def test_decode_authorization_message(ana: None, aws: Cli) -> None:
    with pytest.raises(CliError) as denied:
        aws("ec2", "describe-instances", who="user/ana")
    assert denied.value.code == "UnauthorizedOperation"
    text = denied.value.printed.split("Encoded authorization failure message: ")[1].split()[0]
    printed = aws("sts", "decode-authorization-message", "--encoded-message", text)
    said = json.loads(printed["DecodedMessage"])
    assert said["context"]["principal"]["arn"] == ANA
    assert said["context"]["action"] == "DescribeInstances"
