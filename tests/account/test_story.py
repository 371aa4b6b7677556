"""One scripted day, read the same from the lab's history, CloudTrail and IAM's reports.

What happened stands in ``Day.said``, written down by the test while it happens. Each report is
then held against a few lines over that list, not against another report.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pyotp
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

import iamlab
from tests.account.helpers import ACCOUNT, IAM, OTHER, World, allow, trusts

REGIONS = ("us-east-1", "eu-west-1")
STEP = timedelta(minutes=20)  # a key's last use is kept by the quarter of an hour
# Calls on data are in the lab's history and count as use, but are not in the event history.
DATA = {"GetObject", "PutObject", "SendMessage"}


@dataclass(frozen=True)
class Fact:
    """One call: when, who (as AWS prints it), with which key, what, where, what came of it."""

    when: datetime
    who: str
    entity: str  # the user's or the role's ARN
    key: str
    service: str
    operation: str
    action: str  # the permission it needs
    region: str
    code: str  # AWS's error code, empty if the call was done

    @property
    def accepted(self) -> bool:
        """False where AWS did not even accept the credentials."""
        return self.code not in ("ExpiredToken", "InvalidClientTokenId")

    @property
    def account(self) -> str:
        return self.who.split(":")[4]


@dataclass(frozen=True)
class Person:
    who: str
    entity: str
    session: boto3.Session

    @property
    def key(self) -> str:
        return self.session.get_credentials().access_key


class Day:
    """Lets people call, and writes down what they did."""

    def __init__(self, world: World) -> None:
        self.world, self.said = world, []

    def user(self, name: str, *statements: Any) -> Person:
        """A user and a key of theirs."""
        self.world.iam.create_user(UserName=name)
        self.world.grant(f"user/{name}", *statements)
        made = self.world.iam.create_access_key(UserName=name)["AccessKey"]
        session = boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], None, "us-east-1")
        return Person(f"{IAM}:user/{name}", f"{IAM}:user/{name}", session)

    def given(self, answer: Any, who: str, entity: str) -> Person:
        """Somebody with the temporary credentials of an answer."""
        made = answer["Credentials"]
        session = boto3.Session(
            made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], "us-east-1"
        )
        return Person(who, entity, session)

    def does(
        self,
        person: Person,
        service: str,
        operation: str,
        code: str = "",
        *,
        at: str = "us-east-1",
        needs: str = "",
        **params: Any,
    ) -> Any:
        """One call, twenty minutes after the last; ``code`` is the error that it must get."""
        lab = self.world.lab
        lab.clock.advance(seconds=STEP.total_seconds())
        client = person.session.client(service, at)
        when, answer, got = lab.clock.now().replace(microsecond=0), None, ""
        try:
            answer = getattr(client, xform_name(operation))(**params)
        except ClientError as error:
            got = error.response["Error"]["Code"]
        assert got == code, (person.who, operation, got)
        action = f"{service}:{needs or operation}"
        self.said.append(
            Fact(when, person.who, person.entity, person.key, service, operation, action, at, code)
        )
        return answer


@pytest.fixture(scope="module")
def day() -> Iterator[Day]:
    with iamlab.start() as lab:
        lab.clock.speed = 0  # it moves when the story says so
        told = Day(World(lab))
        _morning_to_evening(told)
        yield told


def _morning_to_evening(day: Day) -> None:
    world = day.world
    with_mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    ana = day.user(
        "ana",
        allow(["ec2:DescribeInstances", "s3:*", "sts:AssumeRole"]),
        allow(["iam:ListUsers"], Condition=with_mfa),
    )
    bo = day.user("bo", allow(["sqs:*", "dynamodb:ListTables"]))
    world.iam.create_access_key(UserName="bo")  # a second key that nobody uses
    cy = day.user("cy", allow("ec2:*"))
    auditor = world.role(
        "auditor", allow(["s3:ListAllMyBuckets", "iam:ListRoles"]), trust=ACCOUNT, account=OTHER
    )
    vault = world.role("vault", trust=(trusts(f"arn:aws:iam::{OTHER}:root"),), account=OTHER)
    world.bucket("reports")

    # The morning: one key in two Regions and three services.
    day.does(ana, "ec2", "DescribeInstances", at="eu-west-1")
    day.does(ana, "s3", "ListBuckets", needs="ListAllMyBuckets")
    day.does(ana, "s3", "GetObject", Bucket="reports", Key="q3.csv")
    day.does(ana, "iam", "ListUsers", "AccessDenied")
    launch = {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1}
    day.does(ana, "ec2", "RunInstances", "UnauthorizedOperation", at="eu-west-1", **launch)

    # With the phone: what was denied before.
    device = world.iam.create_virtual_mfa_device(VirtualMFADeviceName="ana")["VirtualMFADevice"]
    serial, codes = device["SerialNumber"], pyotp.TOTP(device["Base32StringSeed"].decode())
    now = world.lab.clock.now()
    world.iam.enable_mfa_device(
        UserName="ana",
        SerialNumber=serial,
        AuthenticationCode1=codes.at(now),
        AuthenticationCode2=codes.at(now + timedelta(seconds=30)),
    )
    code = codes.at(world.lab.clock.now() + STEP)
    answer = day.does(ana, "sts", "GetSessionToken", SerialNumber=serial, TokenCode=code)
    sure = day.given(answer, ana.who, ana.entity)
    day.does(sure, "iam", "ListUsers")

    # Across accounts.
    params = {"RoleArn": auditor, "RoleSessionName": "ana"}
    answer = day.does(ana, "sts", "AssumeRole", **params)
    there = day.given(answer, answer["AssumedRoleUser"]["Arn"], auditor)
    day.does(there, "s3", "ListBuckets", needs="ListAllMyBuckets")
    day.does(there, "iam", "CreateUser", "AccessDenied", UserName="eve")
    denied = {"RoleArn": vault, "RoleSessionName": "ana"}
    day.does(ana, "sts", "AssumeRole", "AccessDenied", **denied)
    # By now the hour of the session is over.
    day.does(there, "s3", "ListBuckets", "ExpiredToken")

    # Bo's key is made inactive.
    day.does(bo, "dynamodb", "ListTables", at="eu-west-1")
    url = day.does(bo, "sqs", "CreateQueue", QueueName="jobs")["QueueUrl"]
    day.does(bo, "sqs", "SendMessage", QueueUrl=url, MessageBody="hello")
    world.iam.update_access_key(UserName="bo", AccessKeyId=bo.key, Status="Inactive")
    day.does(bo, "sqs", "ListQueues", "InvalidClientTokenId")
    # Cy only tries, and is denied.
    day.does(cy, "kms", "ListKeys", "AccessDeniedException")


def test_the_history_tells_the_day(day: Day) -> None:
    people = {f.who for f in day.said} | {f.key for f in day.said}
    frame = day.world.lab.history()
    rows = frame[frame["principal"].isin(people)].to_dict("records")
    told = [
        (row["time"].floor("s").to_pydatetime(), row["principal"], row["action"], row["decision"])
        for row in rows
    ]
    wanted = []
    for fact in day.said:
        # Of a caller who is not accepted no more is known than the key.
        who = fact.who if fact.accepted else fact.key
        action = fact.action if fact.accepted else f"{fact.service}:{fact.operation}"
        result = "implicitDeny" if fact.code else "allowed"
        wanted.append((fact.when, who, action, result if fact.accepted else "refused"))
    assert told == wanted


def _looked_up(day: Day, account: str) -> list[dict[str, Any]]:
    """An account's event history of all Regions, by LookupEvents, oldest first."""
    found = []
    for region in REGIONS:
        client = day.world.lab.account(account).client("cloudtrail", region)
        for page in client.get_paginator("lookup_events").paginate():
            found += [json.loads(entry["CloudTrailEvent"]) for entry in page["Events"]]
    return sorted(found, key=lambda told: told["eventTime"])


CODES = {"UnauthorizedOperation": "Client.UnauthorizedOperation",
         "AccessDeniedException": "AccessDenied"}  # fmt: skip


@pytest.mark.parametrize("account", [ACCOUNT, OTHER])
def test_cloudtrail_tells_the_day(day: Day, account: str) -> None:
    people = {f.who for f in day.said}
    told = [
        (
            datetime.strptime(e["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
            e["userIdentity"]["arn"],
            e["userIdentity"]["accessKeyId"],
            e["eventSource"],
            e["eventName"],
            e["awsRegion"],
            e.get("errorCode", ""),
        )
        for e in _looked_up(day, account)
        if e["userIdentity"].get("arn") in people
    ]
    wanted = [
        (
            f.when,
            f.who,
            f.key,
            f"{f.service}.amazonaws.com",
            f.operation,
            f.region,
            CODES.get(f.code, f.code),
        )
        for f in day.said
        if f.account == account and f.accepted and f.operation not in DATA
    ]
    assert told == wanted


def test_what_cloudtrail_says_of_the_sessions(day: Day) -> None:
    mine, theirs = _looked_up(day, ACCOUNT), _looked_up(day, OTHER)
    mfa = {
        e["userIdentity"]["accessKeyId"]: e["userIdentity"]["sessionContext"]["attributes"]
        for e in mine
        if "sessionContext" in e["userIdentity"]
    }
    assert [seen["mfaAuthenticated"] for seen in mfa.values()] == ["true"]
    (got,) = [f for f in day.said if f.operation == "GetSessionToken"]
    assert [seen["creationDate"] for seen in mfa.values()] == [f"{got.when:%Y-%m-%dT%H:%M:%SZ}"]
    # The one role that was given is in both accounts' histories, the one that was not in one.
    here = [e for e in mine if e["eventName"] == "AssumeRole"]
    there = [e for e in theirs if e["eventName"] == "AssumeRole"]
    assert [e.get("errorCode") for e in here] == [None, "AccessDenied"]
    assert [e["sharedEventID"] for e in there] == [here[0]["sharedEventID"]]
    assert there[0]["userIdentity"]["accountId"] == ACCOUNT


def _last_use(day: Day, key: str) -> Fact | None:
    used = [f for f in day.said if f.key == key and f.accepted]
    return used[-1] if used else None


def test_the_credential_report_tells_when_keys_were_used(day: Day) -> None:
    iam = day.world.iam
    iam.generate_credential_report()
    rows = csv.DictReader(io.StringIO(iam.get_credential_report()["Content"].decode()))
    report = {row["user"]: row for row in rows}
    for name in ("ana", "bo", "cy"):
        keys = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
        assert len(keys) == (2 if name == "bo" else 1)
        for slot, key in enumerate(keys, 1):
            last, row = _last_use(day, key["AccessKeyId"]), report[name]
            shown = [
                row[f"access_key_{slot}_{fact}"]
                for fact in ("active", "last_used_date", "last_used_region", "last_used_service")
            ]
            active = "true" if key["Status"] == "Active" else "false"
            if last is None:
                assert shown == [active, "N/A", "N/A", "N/A"]
            else:
                assert shown[:2] == [active, f"{last.when:%Y-%m-%dT%H:%M:%SZ}"]
                assert shown[2:] == [last.region, last.service]
    assert report["bo"]["access_key_1_active"] == "false"
    assert report["ana"]["mfa_active"] == "true" and report["cy"]["mfa_active"] == "false"


def test_each_keys_last_use(day: Day) -> None:
    keys = {f.key: f for f in day.said if f.accepted and f.key.startswith("AKIA")}
    assert len(keys) == 3
    for key, last in keys.items():
        seen = day.world.iam.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]
        assert (seen["LastUsedDate"], seen["Region"], seen["ServiceName"]) == (
            last.when,
            last.region,
            last.service,
        )


@pytest.mark.parametrize(
    "entity",
    [f"{IAM}:user/ana", f"{IAM}:user/bo", f"{IAM}:user/cy", f"arn:aws:iam::{OTHER}:role/auditor"],
)
def test_last_accessed_tells_the_last_attempt_at_each_service(day: Day, entity: str) -> None:
    iam = day.world.admin("iam", entity.split(":")[4])
    job = iam.generate_service_last_accessed_details(Arn=entity)["JobId"]
    told = iam.get_service_last_accessed_details(JobId=job)["ServicesLastAccessed"]
    # Denied attempts count, for the services that the policies open at all.
    last = {f.service: f for f in day.said if f.entity == entity and f.accepted}
    assert len(told) > 0
    for service in told:
        fact = last.get(service["ServiceNamespace"])
        assert service.get("LastAuthenticated") == (fact.when if fact else None)
        assert service.get("LastAuthenticatedRegion") == (fact.region if fact else None)
        assert service.get("LastAuthenticatedEntity") == (entity if fact else None)


def test_the_roles_last_use(day: Day) -> None:
    seen = day.world.admin("iam", OTHER).get_role(RoleName="auditor")["Role"]["RoleLastUsed"]
    last = [f for f in day.said if f.entity.endswith("role/auditor") and f.accepted][-1]
    assert (seen["LastUsedDate"], seen["Region"]) == (last.when, last.region)
