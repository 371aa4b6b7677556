"""CloudTrail through the real AWS CLI: the event history, and a trail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.account.helpers import policy
from tests.account.supplements.test_trails import ARN, grants
from tests.clients.conftest import CliError

if TYPE_CHECKING:
    from tests.clients.conftest import Cli


def test_lookup_events(lab: Any, aws: Cli) -> None:
    boto3.client("iam").create_user(UserName="ana")
    with pytest.raises(CliError) as denied:
        aws("iam", "list-users", who="user/ana")
    look = ("cloudtrail", "lookup-events", "--lookup-attributes")
    (entry,) = aws(*look, "AttributeKey=Username,AttributeValue=ana")["Events"]
    assert entry.keys() == {
        "EventId", "EventName", "ReadOnly", "AccessKeyId", "EventTime", "EventSource", "Username",
        "Resources", "CloudTrailEvent",
    }  # fmt: skip
    told = json.loads(entry["CloudTrailEvent"])
    assert (told["eventName"], told["errorCode"]) == ("ListUsers", "AccessDenied")
    assert told["errorMessage"] in denied.value.printed
    assert told["userAgent"].startswith("aws-cli/")
    assert told["sourceIPAddress"] == "127.0.0.1"
    first = aws(*look, "AttributeKey=ReadOnly,AttributeValue=false", "--max-items", "1")
    assert [e["EventName"] for e in first["Events"]] == ["CreateUser"]
    with pytest.raises(CliError) as refused:
        aws(*look, "AttributeKey=Colour,AttributeValue=red")
    assert refused.value.code in ("InvalidLookupAttributesException", "")


def test_a_trail(lab: Any, aws: Cli) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="logs")
    make = ("cloudtrail", "create-trail", "--name", "main", "--s3-bucket-name", "logs")
    with pytest.raises(CliError) as refused:
        aws(*make)
    assert refused.value.code == "InsufficientS3BucketPolicyException"
    s3.put_bucket_policy(Bucket="logs", Policy=policy(*grants("logs")))
    assert aws(*make, "--is-multi-region-trail")["TrailARN"] == ARN
    aws("cloudtrail", "start-logging", "--name", "main")
    assert aws("cloudtrail", "get-trail-status", "--name", "main")["IsLogging"] is True
    (shown,) = aws("cloudtrail", "describe-trails", "--trail-name-list", "main")["trailList"]
    assert shown["HomeRegion"] == "us-east-1"
    chosen = aws("cloudtrail", "get-event-selectors", "--trail-name", "main")
    assert chosen["EventSelectors"][0]["ReadWriteType"] == "All"
    aws("cloudtrail", "delete-trail", "--name", ARN)
    assert aws("cloudtrail", "list-trails") == {"Trails": []}
