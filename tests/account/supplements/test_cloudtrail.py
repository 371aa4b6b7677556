"""LookupEvents: filters, times, pages, Regions and accounts; refusals by AWS's codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

import boto3
import pytest

from iamlab.account.supplements.cloudtrail import events
from tests.account.helpers import OTHER, World, allow
from tests.account.supplements.conftest import ACCOUNT, AS_IS, refused


@pytest.fixture
def trail(lab: Any) -> Any:
    return boto3.client("cloudtrail", config=AS_IS)


@pytest.fixture
def world(lab: Any) -> World:
    lab.clock.speed = 0
    return World(lab)


def look(client: Any, key: str | None = None, value: str = "", **more: Any) -> list[Any]:
    asked = [{"AttributeKey": key, "AttributeValue": value}] if key else []
    return client.lookup_events(LookupAttributes=asked, **more)["Events"]


def names(found: list[Any]) -> list[str]:
    return [entry["EventName"] for entry in found]


def pages(client: Any, **more: Any) -> Iterator[list[Any]]:
    answer = client.lookup_events(**more)
    yield answer["Events"]
    while "NextToken" in answer:
        answer = client.lookup_events(NextToken=answer["NextToken"], **more)
        yield answer["Events"]


def test_newest_first_with_every_member(trail: Any, iam: Any, lab: Any) -> None:
    iam.create_user(UserName="ana")
    lab.clock.advance(minutes=5)
    made = iam.create_access_key(UserName="ana")["AccessKey"]
    entry, before = look(trail)
    assert names([entry, before]) == ["CreateAccessKey", "CreateUser"]
    assert entry["EventTime"] - before["EventTime"] >= timedelta(minutes=5)
    told = json.loads(entry.pop("CloudTrailEvent"))
    assert entry == {
        "EventId": told["eventID"],
        "EventName": "CreateAccessKey",
        "ReadOnly": "false",
        "AccessKeyId": told["userIdentity"]["accessKeyId"],
        "EventTime": entry["EventTime"],
        "EventSource": "iam.amazonaws.com",
        "Username": "administrator",
        "Resources": [
            {"ResourceType": "AWS::IAM::User", "ResourceName": "ana"},
            {"ResourceType": "AWS::IAM::AccessKey", "ResourceName": made["AccessKeyId"]},
        ],
    }
    seen = entry["EventTime"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert told["eventTime"] == seen


def test_the_history_needs_no_trail_and_changes_nothing(trail: Any, iam: Any) -> None:
    assert look(trail) == []
    iam.list_users()
    first = look(trail)
    # Between the two looks nothing happened but the look itself, which is logged like any call.
    again = look(trail)
    assert names(first) == ["ListUsers", "LookupEvents"]
    assert names(again) == ["LookupEvents", "ListUsers", "LookupEvents"]
    assert again[1:] == first


@pytest.fixture
def filled(world: World) -> dict[str, Any]:
    """Two users' calls; which entries of the history each attribute should find, by name."""
    ana = world.user("ana", allow("s3:*"), allow("iam:GetUser"))
    ana.client("s3").create_bucket(Bucket="reports")
    ana.client("s3").list_buckets()
    return {"ana": ana}


ATTRIBUTES = [
    ("EventName", "CreateBucket", ["CreateBucket"]),
    ("EventName", "createbucket", []),
    ("ReadOnly", "true", ["ListBuckets"]),
    ("ReadOnly", "false", ["CreateBucket", "PutUserPolicy", "CreateUser"]),
    ("Username", "ana", ["ListBuckets", "CreateBucket"]),
    ("Username", "nobody", []),
    ("EventSource", "iam.amazonaws.com", ["PutUserPolicy", "CreateUser"]),
    ("ResourceType", "AWS::S3::Bucket", ["CreateBucket"]),
    ("ResourceName", "reports", ["CreateBucket"]),
    ("ResourceName", "ana", ["PutUserPolicy", "CreateUser"]),
    ("ResourceName", f"arn:aws:iam::{ACCOUNT}:user/ana", ["CreateUser"]),
]


@pytest.mark.parametrize("key, value, found", ATTRIBUTES)
def test_one_attribute_filters(
    trail: Any, filled: dict[str, Any], key: str, value: str, found: list[str]
) -> None:
    assert names(look(trail, key, value)) == found


def test_an_access_key_and_an_event_id_filter(trail: Any, filled: dict[str, Any]) -> None:
    key = filled["ana"].get_credentials().access_key
    mine = look(trail, "AccessKeyId", key)
    assert names(mine) == ["ListBuckets", "CreateBucket"]
    assert look(trail, "EventId", mine[1]["EventId"]) == mine[1:]


def test_a_session_is_found_by_its_name_and_its_key(trail: Any, world: World) -> None:
    world.role("reader", allow("iam:List*"))
    session = world.assume("reader", RoleSessionName="morning")
    session.client("iam").list_users()
    assert names(look(trail, "Username", "morning")) == ["ListUsers"]
    key = session.get_credentials().access_key
    assert names(look(trail, "AccessKeyId", key)) == ["ListUsers"]
    # The call that made the session is found by what it made.
    assert names(look(trail, "ResourceName", key)) == ["AssumeRole"]
    (made,) = look(trail, "EventName", "AssumeRole")
    kinds = sorted(found["ResourceType"] for found in made["Resources"])
    assert kinds == ["AWS::IAM::AccessKey", "AWS::IAM::Role"] + ["AWS::STS::AssumedRole"] * 3


def test_times_include_their_ends(trail: Any, iam: Any, lab: Any) -> None:
    times = []
    for name in ("a", "b", "c"):
        iam.create_user(UserName=name)
        times.append(look(trail, "EventName", "CreateUser")[0]["EventTime"])
        lab.clock.advance(hours=1)

    def made(**more: Any) -> list[str]:
        found = look(trail, "EventName", "CreateUser", **more)
        return [json.loads(e["CloudTrailEvent"])["requestParameters"]["userName"] for e in found]

    assert made(StartTime=times[1]) == ["c", "b"]
    assert made(EndTime=times[1]) == ["b", "a"]
    assert made(StartTime=times[1], EndTime=times[1]) == ["b"]
    second = timedelta(seconds=1)
    assert made(StartTime=times[0] + second, EndTime=times[2] - second) == ["b"]


def test_events_are_kept_for_90_days(trail: Any, iam: Any, lab: Any) -> None:
    iam.create_user(UserName="ana")
    lab.clock.advance(days=89)
    iam.create_user(UserName="bo")
    lab.clock.advance(days=2)
    assert names(look(trail)) == ["CreateUser"]
    assert events(lab, ACCOUNT)[0]["requestParameters"] == {"userName": "bo"}
    now = lab.clock.now()
    # What lies within the 90 days is answered even if the question begins earlier. [I]
    assert len(look(trail, "EventName", "CreateUser", StartTime=now - timedelta(days=365))) == 1
    with refused("InvalidTimeRangeException", 400):
        look(trail, StartTime=now - timedelta(days=200), EndTime=now - timedelta(days=100))


def test_pages_hold_though_calls_go_on(trail: Any, iam: Any) -> None:
    for number in range(7):
        iam.create_user(UserName=f"u{number}")
    # Every page is itself a call that is logged; none moves the pages that follow.
    found = list(pages(trail, MaxResults=3, LookupAttributes=[]))
    assert [len(page) for page in found] == [3, 3, 1]
    told = [json.loads(e["CloudTrailEvent"]) for page in found for e in page]
    assert [t["requestParameters"]["userName"] for t in told] == [f"u{n}" for n in range(6, -1, -1)]
    only = list(pages(trail, MaxResults=1, LookupAttributes=[_is("EventName", "CreateUser")]))
    assert [len(page) for page in only] == [1] * 7


def test_a_page_has_fifty_unless_told(trail: Any, iam: Any) -> None:
    for _ in range(60):
        iam.get_account_summary()
    assert [len(page) for page in pages(trail)] == [50, 10]
    paginator = trail.get_paginator("lookup_events")
    found = [e for page in paginator.paginate(LookupAttributes=[_is("ReadOnly", "true")])
             for e in page["Events"] if e["EventName"] == "GetAccountSummary"]  # fmt: skip
    assert len(found) == 60 == len({e["EventId"] for e in found})


def _is(key: str, value: str) -> dict[str, str]:
    return {"AttributeKey": key, "AttributeValue": value}


BAD_ATTRIBUTES = [
    [_is("Colour", "red")],
    [_is("username", "ana")],
    [_is("Username", "a"), _is("EventName", "b")],
    [_is("Username", "")],
    [_is("Username", "x" * 2001)],
    [_is("Username", "_" * 1001)],
    [{"AttributeKey": "Username"}],
]


@pytest.mark.parametrize("asked", BAD_ATTRIBUTES)
def test_attributes_that_are_not_valid(trail: Any, asked: list[Any]) -> None:
    with refused("InvalidLookupAttributesException", 400):
        trail.lookup_events(LookupAttributes=asked)


@pytest.mark.parametrize("value", ["x" * 2000, "_" * 1000])
def test_the_longest_value(trail: Any, value: str) -> None:
    assert look(trail, "ResourceName", value) == []


@pytest.mark.parametrize("size", [0, 51, -1])
def test_a_page_of_another_size(trail: Any, size: int) -> None:
    with refused("InvalidMaxResultsException", 400):
        trail.lookup_events(MaxResults=size)


def test_a_token_belongs_to_its_question(trail: Any, iam: Any) -> None:
    for _ in range(3):
        iam.list_users()
    token = trail.lookup_events(MaxResults=1)["NextToken"]
    assert trail.lookup_events(MaxResults=2, NextToken=token)["Events"]
    for bad in (
        {"NextToken": token, "LookupAttributes": [_is("Username", "root")]},
        {"NextToken": "made-up"},
        {"NextToken": ""},
        {"NextToken": "bm90IG91cnM="},
    ):
        with refused("InvalidNextTokenException", 400):
            trail.lookup_events(**bad)
    with refused("InvalidNextTokenException", 400):
        boto3.client("cloudtrail", "eu-west-1").lookup_events(NextToken=token)


def test_a_range_that_ends_before_it_starts(trail: Any, lab: Any) -> None:
    now = lab.clock.now()
    with refused("InvalidTimeRangeException", 400):
        look(trail, StartTime=now, EndTime=now - timedelta(seconds=2))


def test_insights_are_none_and_other_categories_are_refused(trail: Any, iam: Any) -> None:
    iam.list_users()
    assert trail.lookup_events(EventCategory="insight")["Events"] == []
    with refused("InvalidEventCategoryException", 400):
        trail.lookup_events(EventCategory="data")


def test_each_region_has_its_own_history(trail: Any, lab: Any) -> None:
    boto3.client("ec2", "eu-west-1").describe_instances()
    boto3.client("ec2").describe_instances()
    boto3.client("sts", "eu-west-1").get_caller_identity()
    # IAM and Organizations are global: they log in us-east-1, wherever the client is.
    boto3.client("iam", "eu-west-1").list_users()
    there = boto3.client("cloudtrail", "eu-west-1")
    assert names(look(there)) == ["GetCallerIdentity", "DescribeInstances"]
    assert names(look(trail)) == ["ListUsers", "DescribeInstances"]
    regions = {e["eventName"]: e["awsRegion"] for e in events(lab, ACCOUNT, "eu-west-1")}
    assert regions["GetCallerIdentity"] == "eu-west-1"


def test_each_account_has_its_own_history(trail: Any, world: World) -> None:
    world.admin("iam", OTHER).list_users()
    world.iam.list_roles()
    assert names(look(trail)) == ["ListRoles"]
    assert names(look(world.admin("cloudtrail", OTHER))) == ["ListUsers"]


def test_what_the_event_history_leaves_out(trail: Any, world: World) -> None:
    world.bucket("reports")
    world.s3.get_object(Bucket="reports", Key="q3.csv")
    sqs, dynamodb = world.admin("sqs"), world.admin("dynamodb")
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    dynamodb.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="t", Item={"k": {"S": "1"}})
    assert names(look(trail)) == ["CreateTable", "CreateQueue", "CreateBucket"]


def test_calls_of_nobody_are_not_logged(trail: Any, lab: Any) -> None:
    with refused("InvalidClientTokenId", 403):
        boto3.client(
            "sts", aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="x"
        ).get_caller_identity()
    assert look(trail) == []
    assert len(lab.history()) == 2  # the lab's own record has it


def test_asking_is_a_permission(world: World) -> None:
    bo = world.user("bo").client("cloudtrail")
    with refused("AccessDeniedException", 400, "cloudtrail:LookupEvents because no identity"):
        bo.lookup_events()
    may = world.user("may", allow("cloudtrail:LookupEvents")).client("cloudtrail")
    # A denied call is logged like any other.
    entry = look(may, "Username", "bo")[0]
    told = json.loads(entry["CloudTrailEvent"])
    assert (told["errorCode"], told["eventName"]) == ("AccessDenied", "LookupEvents")


def test_a_long_record_answers_its_first_page_without_making_every_event(
    trail: Any, iam: Any, lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from iamlab.account.supplements import cloudtrail

    iam.list_users()
    lab.trail.records *= 5000
    made = []
    real = cloudtrail._entry
    monkeypatch.setattr(cloudtrail, "_entry", lambda *told: made.append(1) or real(*told))
    assert len(look(trail)) == 50 and len(made) == 51
