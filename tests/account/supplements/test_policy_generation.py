"""Policies made from what was really done: sufficient, minimal, and in AWS's shape."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import iamlab
from iamlab.account.supplements.policy_generation import exact
from iamlab.policy import Policies, Request, allows
from tests.account.supplements.conftest import ACCOUNT, AS_IS, LOADER, OTHER, refused

ANA = f"arn:aws:iam::{ACCOUNT}:user/ana"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"
WHO = {"principalArn": ANA}


@pytest.fixture
def analyzer(lab: Any) -> Any:
    return boto3.client("accessanalyzer", config=AS_IS)


def generate(analyzer: Any, start: dict[str, Any] | None = None, **options: Any) -> Any:
    job = analyzer.start_policy_generation(policyGenerationDetails=WHO, **(start or {}))["jobId"]
    answer = analyzer.get_generated_policy(jobId=job, **options)
    assert answer["jobDetails"]["status"] == "SUCCEEDED"
    return answer["generatedPolicyResult"]


def documents(result: Any) -> list[Any]:
    return [json.loads(one["policy"]) for one in result["generatedPolicies"]]


def tries(call: Any) -> None:
    with pytest.raises(ClientError):
        call()


@pytest.fixture
def ana(user: Any) -> Any:
    session = user("ana", "iam:*", "s3:*", "sqs:*", "sts:*")
    iam, s3 = session.client("iam"), session.client("s3")
    iam.list_users()
    iam.create_user(UserName="bo")
    s3.create_bucket(Bucket="reports")
    s3.put_object(Bucket="reports", Key="q3.csv", Body=b"1")
    session.client("sqs").create_queue(QueueName="jobs")
    tries(lambda: session.client("kms").list_keys())  # denied: not part of what was used
    return session


def test_a_policy_names_the_actions_that_were_used(analyzer: Any, ana: Any) -> None:
    result = generate(analyzer)
    assert documents(result) == [
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["iam:CreateUser", "iam:ListUsers", "s3:CreateBucket"],
                    "Resource": "*",
                }
            ],
        }
    ]
    # PutObject is a data event, and of SQS AWS only knows that it was used.
    assert result["properties"]["isComplete"] is False
    assert result["properties"]["principalArn"] == ANA
    assert "cloudTrailProperties" not in result["properties"]


def test_placeholders_and_services(analyzer: Any, ana: Any) -> None:
    result = generate(analyzer, includeResourcePlaceholders=True, includeServiceLevelTemplate=True)
    policy, template = documents(result)
    resources = {tuple(s["Action"]): s["Resource"] for s in policy["Statement"]}
    assert resources["s3:CreateBucket",] == "arn:aws:s3:::${BucketName}"
    assert template["Statement"][0]["Action"] == ["s3:${ActionName}", "sqs:${ActionName}"]


def test_what_is_asked_of_a_trail_is_given_back(lab: Any, analyzer: Any, ana: Any) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/monitor"
    now = lab.clock.now()
    details = {
        "trails": [{"cloudTrailArn": TRAIL, "allRegions": True}],
        "accessRole": role,
        "startTime": now - timedelta(days=1),
    }
    result = generate(analyzer, {"cloudTrailDetails": details})
    shown = result["properties"]["cloudTrailProperties"]
    assert shown["trailProperties"] == details["trails"]
    assert documents(result)
    lab.clock.advance(days=2)
    later = details | {"startTime": lab.clock.now() - timedelta(hours=1)}
    assert documents(generate(analyzer, {"cloudTrailDetails": later})) == []
    with refused("ValidationException", 400, "90 days"):
        long_ago = details | {"startTime": now - timedelta(days=100)}
        generate(analyzer, {"cloudTrailDetails": long_ago})


def test_jobs_are_listed_for_seven_days(lab: Any, analyzer: Any, ana: Any) -> None:
    token = {"clientToken": "once"}
    first = analyzer.start_policy_generation(policyGenerationDetails=WHO, **token)["jobId"]
    assert analyzer.start_policy_generation(policyGenerationDetails=WHO, **token)["jobId"] == first
    other = {"principalArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"}
    with refused("ConflictException", 409):
        analyzer.start_policy_generation(policyGenerationDetails=other, **token)
    missing = analyzer.start_policy_generation(policyGenerationDetails=other)["jobId"]
    answer = analyzer.get_generated_policy(jobId=missing)
    assert answer["jobDetails"]["jobError"]["code"] == "RESOURCE_NOT_FOUND_ERROR"
    analyzer.cancel_policy_generation(jobId=first)
    listed = analyzer.list_policy_generations(principalArn=ANA)["policyGenerations"]
    assert [(one["jobId"], one["status"]) for one in listed] == [(first, "CANCELED")]
    assert len(analyzer.list_policy_generations()["policyGenerations"]) == 2
    lab.clock.advance(days=8)
    assert analyzer.list_policy_generations()["policyGenerations"] == []
    with refused("ValidationException", 400):
        analyzer.get_generated_policy(jobId=first)
    with refused("ValidationException", 400):
        elsewhere = {"principalArn": f"arn:aws:iam::{OTHER}:user/ana"}
        analyzer.start_policy_generation(policyGenerationDetails=elsewhere)


CALLS = {
    "list": lambda s: s.client("iam").list_users(),
    "user": lambda s: s.client("iam").create_user(UserName="bo"),
    "tag": lambda s: s.client("iam").tag_user(UserName="bo", Tags=[{"Key": "a", "Value": "b"}]),
    "bucket": lambda s: s.client("s3").create_bucket(Bucket="reports"),
    "put": lambda s: s.client("s3").put_object(Bucket="reports", Key="q?*.csv", Body=b"1"),
    "get": lambda s: s.client("s3").get_object(Bucket="reports", Key="q?*.csv"),
    "buckets": lambda s: s.client("s3").list_buckets(),
    "queue": lambda s: s.client("sqs").create_queue(QueueName="jobs"),
    "denied": lambda s: s.client("kms").list_keys(),
    "who": lambda s: s.client("sts").get_caller_identity(),
}
OTHER_ACTIONS = ["iam:DeleteUser", "s3:DeleteBucket", "kms:ListKeys", "ec2:RunInstances"]


@given(st.lists(st.sampled_from(sorted(CALLS)), min_size=1, max_size=12))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_was_done_and_nothing_else(names: list[str]) -> None:
    with iamlab.start() as lab:
        boto3.setup_default_session(botocore_session=_core())
        iam = boto3.client("iam")
        iam.create_user(UserName="ana")
        statement = {"Effect": "Allow", "NotAction": "kms:*", "Resource": "*"}
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="ana", PolicyName="own", PolicyDocument=text)
        session = lab.session("user/ana")
        for name in names:
            try:
                CALLS[name](session)
            except ClientError:
                continue
        mine = exact(lab, ANA)
        analyzer = boto3.client("accessanalyzer")
        theirs = (documents(generate(analyzer)) or [{"Statement": []}])[0]
        done = [
            decision.request
            for record in lab.trail.records
            if record.caller is not None and record.caller.arn == ANA and record.denied is None
            for decision in record.decisions
        ]
    named = {a for s in theirs["Statement"] for a in s["Action"]}
    if mine["Statement"]:
        policies = Policies(identity=[mine])
        assert all(allows(request, policies) for request in done)
        for action in OTHER_ACTIONS:
            assert not allows(Request(ANA, action, "*"), policies)
        used = {request.action for request in done}
        assert {a for s in mine["Statement"] for a in s["Action"]} == used
        assert named <= used
        if named:  # what AWS can know of: each such call is allowed
            generated = Policies(identity=[theirs])
            assert all(allows(r, generated) == (r.action in named) for r in done)
    else:
        assert not done and not named


def _core() -> Any:
    import botocore.session

    core = botocore.session.Session()
    core.register_component("data_loader", LOADER)
    return core
