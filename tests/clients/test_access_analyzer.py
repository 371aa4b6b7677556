"""IAM Access Analyzer by the AWS CLI: each operation once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.clients.conftest import CliError

if TYPE_CHECKING:
    from tests.clients.conftest import Cli

OTHER = "444455556666"


def allow(action: str) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(principal: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_checks_of_policies(lab: Any, aws: Cli) -> None:
    def ask(*words: str, **more: Any) -> Any:
        return aws("accessanalyzer", *words, **more)

    kind = ("--policy-type", "IDENTITY_POLICY")
    found = ask("validate-policy", "--policy-document", allow("iam:PassRole"), *kind)["findings"]
    assert [one["issueCode"] for one in found] == ["PASS_ROLE_WITH_STAR_IN_RESOURCE"]
    both = ("--new-policy-document", allow("s3:*"), "--existing-policy-document", allow("s3:Get*"))
    assert ask("check-no-new-access", *both, *kind)["result"] == "FAIL"
    access = ("--access", "actions=iam:CreateUser", "--policy-document", allow("s3:*"))
    assert ask("check-access-not-granted", *access, *kind)["result"] == "PASS"
    document = ("--policy-document", trust("*"))
    role = ("--resource-type", "AWS::IAM::AssumeRolePolicyDocument")
    assert ask("check-no-public-access", *document, *role)["result"] == "FAIL"
    boto3.client("iam").create_user(UserName="ana")
    with pytest.raises(CliError) as denied:
        ask("list-analyzers", who="user/ana")
    assert denied.value.code == "AccessDeniedException"
    assert "access-analyzer:ListAnalyzers" in denied.value.printed


def test_analyzers_and_findings(lab: Any, aws: Cli) -> None:
    def ask(*words: str) -> Any:
        return aws("accessanalyzer", *words)

    iam = boto3.client("iam")
    role = iam.create_role(RoleName="out", AssumeRolePolicyDocument=trust(OTHER))["Role"]["Arn"]
    named = ("--analyzer-name", "watch")
    arn = ask("create-analyzer", *named, "--type", "ACCOUNT", "--tags", "team=red")["arn"]
    mine = ("--analyzer-arn", arn)
    assert ask("get-analyzer", *named)["analyzer"]["arn"] == arn
    assert [one["name"] for one in ask("list-analyzers")["analyzers"]] == ["watch"]
    ask("tag-resource", "--resource-arn", arn, "--tags", "cost=1")
    ask("untag-resource", "--resource-arn", arn, "--tag-keys", "team")
    assert ask("list-tags-for-resource", "--resource-arn", arn)["tags"] == {"cost": "1"}

    (finding,) = ask("list-findings", *mine)["findings"]
    assert (finding["resource"], finding["principal"]) == (role, {"AWS": OTHER})
    key = ("--id", finding["id"])
    assert ask("get-finding", *mine, *key)["finding"]["id"] == finding["id"]
    assert ask("list-findings-v2", *mine)["findings"][0]["findingType"] == "ExternalAccess"
    assert "externalAccessDetails" in ask("get-finding-v2", *mine, *key)["findingDetails"][0]
    counted = ask("get-findings-statistics", *mine)["findingsStatistics"][0]
    assert counted["externalAccessFindingsStatistics"]["totalActiveFindings"] == 1
    ask("start-resource-scan", *mine, "--resource-arn", role)
    assert ask("list-analyzed-resources", *mine)["analyzedResources"][0]["resourceArn"] == role
    shown = ask("get-analyzed-resource", *mine, "--resource-arn", role)["resource"]
    assert (shown["isPublic"], shown["status"]) == (False, "ACTIVE")

    rule, filter_ = ("--rule-name", "partner"), json.dumps({"principal.AWS": {"eq": [OTHER]}})
    ask("create-archive-rule", *named, *rule, "--filter", filter_)
    assert ask("get-archive-rule", *named, *rule)["archiveRule"]["ruleName"] == "partner"
    assert len(ask("list-archive-rules", *named)["archiveRules"]) == 1
    ask("apply-archive-rule", *mine, *rule)
    assert ask("get-finding", *mine, *key)["finding"]["status"] == "ARCHIVED"
    ask("update-findings", *mine, "--ids", finding["id"], "--status", "ACTIVE")
    ask("update-archive-rule", *named, *rule, "--filter", '{"isPublic": {"eq": ["true"]}}')
    ask("delete-archive-rule", *named, *rule)

    idle = ("--analyzer-name", "idle")
    ask("create-analyzer", *idle, "--type", "ACCOUNT_UNUSED_ACCESS")
    age = ("--configuration", '{"unusedAccess": {"unusedAccessAge": 10}}')
    updated = ask("update-analyzer", *idle, *age)["configuration"]
    assert updated == {"unusedAccess": {"unusedAccessAge": 10}}
    ask("delete-analyzer", *idle)


def test_policy_generation(lab: Any, aws: Cli) -> None:
    def ask(*words: str) -> Any:
        return aws("accessanalyzer", *words)

    who = f"arn:aws:iam::{lab.account_id}:user/administrator"
    boto3.client("iam").list_users()
    job = ask("start-policy-generation", "--policy-generation-details", f"principalArn={who}")
    named = ("--job-id", job["jobId"])
    result = ask("get-generated-policy", *named)["generatedPolicyResult"]
    (policy,) = [json.loads(one["policy"]) for one in result["generatedPolicies"]]
    assert "iam:ListUsers" in policy["Statement"][0]["Action"]
    assert len(ask("list-policy-generations")["policyGenerations"]) == 1
    ask("cancel-policy-generation", *named)
