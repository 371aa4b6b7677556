"""Trails: the bucket that CloudTrail may write into, names and ARNs, selectors."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import boto3
import pytest

from iamlab.account.supplements.cloudtrail import events
from tests.account.helpers import ACCOUNT, World, allow, policy
from tests.account.supplements.conftest import AS_IS, refused

CLOUDTRAIL = {"Service": "cloudtrail.amazonaws.com"}
ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"


def grants(bucket: str, prefix: str = "", account: str = ACCOUNT) -> list[dict[str, Any]]:
    """The bucket policy of the User Guide's page."""
    folder = f"arn:aws:s3:::{bucket}/{prefix}AWSLogs/{account}/*"
    full = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
    return [
        allow("s3:GetBucketAcl", f"arn:aws:s3:::{bucket}", Principal=CLOUDTRAIL),
        allow("s3:PutObject", folder, Principal=CLOUDTRAIL, Condition=full),
    ]


@pytest.fixture
def world(lab: Any) -> World:
    lab.clock.speed = 0
    return World(lab)


@pytest.fixture
def trail(world: World) -> Any:
    world.bucket("logs", *grants("logs"))
    return boto3.client("cloudtrail", config=AS_IS)


def make(trail: Any, **more: Any) -> Any:
    return trail.create_trail(**{"Name": "main", "S3BucketName": "logs"} | more)


def test_a_trail_from_its_making_to_its_end(trail: Any) -> None:
    made = make(trail, IsMultiRegionTrail=True, TagsList=[{"Key": "team", "Value": "red"}])
    assert (made["Name"], made["TrailARN"], made["IsMultiRegionTrail"]) == ("main", ARN, True)
    assert trail.get_trail_status(Name="main")["IsLogging"] is False
    trail.start_logging(Name=ARN)
    assert trail.get_trail_status(Name="main")["IsLogging"] is True
    assert trail.get_trail(Name=ARN)["Trail"]["HomeRegion"] == "us-east-1"
    assert trail.list_trails()["Trails"] == [
        {"TrailARN": ARN, "Name": "main", "HomeRegion": "us-east-1"}
    ]
    tags = trail.list_tags(ResourceIdList=[ARN])["ResourceTagList"][0]["TagsList"]
    assert tags == [{"Key": "team", "Value": "red"}]
    updated = trail.update_trail(Name="main", EnableLogFileValidation=True)
    assert updated["LogFileValidationEnabled"] is True
    trail.stop_logging(Name="main")
    assert trail.get_trail_status(Name="main")["IsLogging"] is False
    trail.delete_trail(Name=ARN)
    with refused("TrailNotFoundException", 400, "Unknown trail: main for the user"):
        trail.get_trail(Name="main")


def test_a_name_is_taken_once(trail: Any) -> None:
    make(trail)
    with refused("TrailAlreadyExistsException", 400, "main already exists"):
        make(trail)


@pytest.mark.parametrize("call", ["delete_trail", "get_trail", "start_logging", "stop_logging"])
def test_a_trail_that_is_not_there(trail: Any, call: str) -> None:
    with refused("TrailNotFoundException", 400):
        getattr(trail, call)(Name="nothing")


def test_the_list_of_trails_can_be_asked_by_name(trail: Any) -> None:
    make(trail)
    make(trail, Name="other")
    asked = trail.describe_trails(trailNameList=["main", "unknown"])["trailList"]
    assert [found["Name"] for found in asked] == ["main"]
    assert len(trail.describe_trails()["trailList"]) == 2


def test_selectors(trail: Any) -> None:
    make(trail)
    assert trail.get_event_selectors(TrailName="main")["EventSelectors"] == [
        {
            "ReadWriteType": "All",
            "IncludeManagementEvents": True,
            "DataResources": [],
            "ExcludeManagementEventSources": [],
        }
    ]
    assert trail.get_trail(Name="main")["Trail"]["HasCustomEventSelectors"] is False
    chosen = [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]
    trail.put_event_selectors(TrailName="main", EventSelectors=chosen)
    shown = trail.get_event_selectors(TrailName=ARN)["EventSelectors"]
    assert shown[0]["ReadWriteType"] == "WriteOnly"
    assert trail.get_trail(Name="main")["Trail"]["HasCustomEventSelectors"] is True


@pytest.mark.parametrize("missing", [0, 1])
def test_cloudtrail_must_be_allowed_to_write(trail: Any, world: World, missing: int) -> None:
    rest = [rule for number, rule in enumerate(grants("logs")) if number != missing]
    world.s3.put_bucket_policy(Bucket="logs", Policy=policy(*rest))
    with refused("InsufficientS3BucketPolicyException", 400, "for bucket: logs"):
        make(trail)


def test_the_bucket_policy_names_account_prefix_and_trail(trail: Any, world: World) -> None:
    with refused("InsufficientS3BucketPolicyException", 400):
        make(trail, S3KeyPrefix="audit")
    world.s3.put_bucket_policy(Bucket="logs", Policy=policy(*grants("logs", "audit/")))
    make(trail, S3KeyPrefix="audit")
    with refused("InsufficientS3BucketPolicyException", 400):
        trail.update_trail(Name="main", S3KeyPrefix="else")
    # The confused deputy: the page asks for aws:SourceArn of this one trail.
    rules = grants("logs")
    for rule in rules:
        rule["Condition"] = rule.get("Condition", {}) | {"ArnEquals": {"aws:SourceArn": ARN + "2"}}
    world.s3.put_bucket_policy(Bucket="logs", Policy=policy(*rules))
    make(trail, Name="main2")
    with refused("InsufficientS3BucketPolicyException", 400):
        make(trail, Name="main3")


def test_a_bucket_that_is_not_there(trail: Any) -> None:
    with refused("S3BucketDoesNotExistException", 400):
        make(trail, S3BucketName="nowhere-1234")


def test_permissions_are_asked_on_the_trail(trail: Any, world: World) -> None:
    make(trail)
    bo = world.user("bo", allow("cloudtrail:StopLogging", ARN)).client("cloudtrail")
    bo.stop_logging(Name="main")
    with refused("AccessDeniedException", 400, f"cloudtrail:StartLogging on resource: {ARN}"):
        bo.start_logging(Name="main")
    tagged = {"StringEquals": {"aws:RequestTag/team": "red"}}
    world.grant("user/bo", allow("cloudtrail:CreateTrail", Condition=tagged))
    with refused("AccessDeniedException", 400):
        make(bo, Name="untagged")
    make(bo, Name="tagged", TagsList=[{"Key": "team", "Value": "red"}])


def test_the_logs_role_is_passed(trail: Any, world: World) -> None:
    role = world.role("to-logs", trust=({"Effect": "Allow", "Action": "sts:AssumeRole",
                                         "Principal": CLOUDTRAIL},))  # fmt: skip
    bo = world.user("bo", allow("cloudtrail:*")).client("cloudtrail")
    more = {"CloudWatchLogsRoleArn": role, "CloudWatchLogsLogGroupArn": "arn:aws:logs:::x"}
    with refused("AccessDeniedException", 400, f"iam:PassRole on resource: {role}"):
        make(bo, **more)


# --- Log files --------------------------------------------------------------------------------


def files(world: World, prefix: str = "") -> dict[str, list[dict[str, Any]]]:
    """What a reader of the bucket finds: key -> events."""
    found = world.s3.list_objects_v2(Bucket="logs", Prefix=prefix + "AWSLogs/").get("Contents", [])
    told = {}
    for entry in found:
        answer = world.s3.get_object(Bucket="logs", Key=entry["Key"])
        assert (answer["ContentType"], answer["ContentEncoding"]) == ("application/json", "gzip")
        told[entry["Key"]] = json.loads(gzip.decompress(answer["Body"].read()))["Records"]
    return told


def logged(world: World) -> list[str]:
    return [e["eventName"] for told in files(world).values() for e in told]


def test_a_trail_writes_its_files_within_minutes(trail: Any, world: World) -> None:
    make(trail, IsMultiRegionTrail=True)
    world.iam.list_users()  # before the trail logs
    trail.start_logging(Name="main")
    world.iam.create_user(UserName="ana")
    boto3.client("ec2", "eu-west-1").describe_instances()
    world.s3.put_object(Bucket="logs", Key="x", Body=b"1")  # on data
    assert files(world) == {}  # not yet
    world.lab.clock.advance(minutes=6)
    found = files(world)
    form = (
        rf"AWSLogs/{ACCOUNT}/CloudTrail/(?P<region>[a-z0-9-]+)/\d{{4}}/\d\d/\d\d/"
        rf"{ACCOUNT}_CloudTrail_(?P=region)_\d{{8}}T\d{{4}}Z_[A-Za-z0-9]{{16}}\.json\.gz"
    )
    by_region = {}
    for key, told in found.items():
        match = re.fullmatch(form, key)
        assert match, key
        by_region.setdefault(match["region"], []).extend(told)
    assert [e["eventName"] for e in by_region["eu-west-1"]] == ["DescribeInstances"]
    assert [e["eventName"] for e in by_region["us-east-1"]] == ["StartLogging", "CreateUser"]
    history = events(world.lab, ACCOUNT)
    assert all(told in history for told in by_region["us-east-1"])
    # Nothing comes twice; what came since comes later.
    assert files(world) == found
    world.iam.create_user(UserName="bo")
    world.lab.clock.advance(minutes=6)
    assert logged(world).count("CreateUser") == 2


def test_stop_logging_is_the_last_that_a_trail_sees(trail: Any, world: World) -> None:
    make(trail)
    trail.start_logging(Name="main")
    trail.stop_logging(Name="main")
    world.iam.create_user(UserName="unseen")
    world.lab.clock.advance(minutes=6)
    assert logged(world) == ["StartLogging", "StopLogging"]
    trail.start_logging(Name="main")
    world.lab.clock.advance(minutes=6)
    assert logged(world) == ["StartLogging", "StopLogging", "StartLogging"]


def test_one_region_and_writes_only(trail: Any, world: World) -> None:
    make(trail)
    trail.put_event_selectors(
        TrailName="main",
        EventSelectors=[{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}],
    )
    trail.start_logging(Name="main")
    world.iam.create_user(UserName="ana")
    world.iam.list_users()
    boto3.client("sqs", "eu-west-1").create_queue(QueueName="far")
    world.lab.clock.advance(minutes=6)
    assert logged(world) == ["StartLogging", "CreateUser"]


def test_advanced_selectors(trail: Any, world: World) -> None:
    make(trail)
    fields = [
        {"Field": "eventCategory", "Equals": ["Management"]},
        {"Field": "eventSource", "NotEquals": ["cloudtrail.amazonaws.com"]},
        {"Field": "readOnly", "Equals": ["false"]},
    ]
    trail.put_event_selectors(
        TrailName="main", AdvancedEventSelectors=[{"Name": "writes", "FieldSelectors": fields}]
    )
    trail.start_logging(Name="main")
    world.iam.create_user(UserName="ana")
    world.iam.list_users()
    world.lab.clock.advance(minutes=6)
    assert logged(world) == ["CreateUser"]


def test_a_bucket_that_no_longer_lets_cloudtrail_in_gets_nothing(trail: Any, world: World) -> None:
    make(trail)
    trail.start_logging(Name="main")
    world.s3.delete_bucket_policy(Bucket="logs")
    world.lab.clock.advance(minutes=6)
    assert files(world) == {}
    # It gets all once it does again.
    world.s3.put_bucket_policy(Bucket="logs", Policy=policy(*grants("logs")))
    assert "StartLogging" in logged(world)
