"""Each shortcoming that made the lab necessary is gone, seen through plain boto3 only.

A program that knows nothing of the lab but ``iamlab.start()``: every client here is plain boto3's,
and only time is moved by the lab's clock. One test for each sentence of the project's "Why".
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.account.helpers import ACCOUNT, IAM, allow, deny, policy, trusts

ONCE = Config(retries={"max_attempts": 0})
ALL = policy(allow("*"))


@pytest.fixture(autouse=True)
def started(lab: Any) -> Any:
    return lab


def _client(service: str, key: dict[str, str]) -> Any:
    return boto3.client(
        service,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key.get("SecretAccessKey"),
        aws_session_token=key.get("SessionToken"),
        config=ONCE,
    )


def _user(name: str, document: str | None = ALL) -> dict[str, str]:
    iam = boto3.client("iam")
    iam.create_user(UserName=name)
    if document:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
    return iam.create_access_key(UserName=name)["AccessKey"]


def _role(name: str, trust: str | None = None, document: str = ALL, **more: Any) -> str:
    iam = boto3.client("iam")
    trust = trust or policy(trusts(ACCOUNT))
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    return arn


def _assume(arn: str, **more: Any) -> dict[str, Any]:
    sts = boto3.client("sts")
    return sts.assume_role(RoleArn=arn, RoleSessionName="morning", **more)["Credentials"]


def _bucket() -> Any:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="reports")
    s3.put_object(Bucket="reports", Key="q3.csv", Body=b"1")
    return s3


def _code(call: Any, *args: Any, **named: Any) -> str | None:
    """The code of the refusal, or None if the call works."""
    try:
        call(*args, **named)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def test_an_inactive_key_does_not_work() -> None:
    key = _user("ana")
    s3 = _client("s3", key)
    assert _code(s3.list_buckets) is None
    iam = boto3.client("iam")
    iam.update_access_key(UserName="ana", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert _code(s3.list_buckets) == "InvalidAccessKeyId"
    assert _code(_client("iam", key).list_users) == "InvalidClientTokenId"
    iam.update_access_key(UserName="ana", AccessKeyId=key["AccessKeyId"], Status="Active")
    assert _code(s3.list_buckets) is None


def test_a_role_that_does_not_exist_cannot_be_assumed() -> None:
    assert _code(_assume, f"{IAM}:role/nobody") == "AccessDenied"
    _role("somebody")
    _assume(f"{IAM}:role/somebody")


def test_a_role_whose_trust_denies_the_caller_cannot_be_assumed() -> None:
    me = f"{IAM}:user/administrator"
    _role("closed", policy(trusts(ACCOUNT), deny("sts:AssumeRole", None, Principal={"AWS": me})))
    assert _code(_assume, f"{IAM}:role/closed") == "AccessDenied"


def test_a_role_that_trusts_somebody_else_cannot_be_assumed() -> None:
    _user("ana", None)
    _role("hers", policy(trusts(f"{IAM}:user/ana")))
    assert _code(_assume, f"{IAM}:role/hers") == "AccessDenied"


def test_twelve_hours_are_not_given_where_the_limit_is_one() -> None:
    hour = _role("hour", MaxSessionDuration=3600)
    assert _code(_assume, hour, DurationSeconds=43_200) == "ValidationError"
    day = _role("day", MaxSessionDuration=43_200)
    made = _assume(day, DurationSeconds=43_200)
    left = made["Expiration"] - boto3.client("iam").get_role(RoleName="day")["Role"]["CreateDate"]
    assert 43_195 <= left.total_seconds() <= 43_205


def test_credentials_expire(started: Any) -> None:
    made = _assume(_role("reader"), DurationSeconds=900)
    s3, sts = _client("s3", made), _client("sts", made)
    started.clock.advance(minutes=14)
    assert _code(s3.list_buckets) is None
    started.clock.advance(minutes=2)
    assert _code(s3.list_buckets) == "ExpiredToken"
    assert _code(sts.get_caller_identity) == "ExpiredToken"


def test_boundaries_count() -> None:
    iam = boto3.client("iam")
    limit = iam.create_policy(PolicyName="only-s3", PolicyDocument=policy(allow("s3:*")))
    arn = limit["Policy"]["Arn"]
    key = _user("ana")
    assert _code(_client("iam", key).list_users) is None
    iam.put_user_permissions_boundary(UserName="ana", PermissionsBoundary=arn)
    assert _code(_client("iam", key).list_users) == "AccessDenied"
    assert _code(_client("s3", key).list_buckets) is None


def test_session_policies_count() -> None:
    made = _assume(_role("reader"), Policy=policy(allow("s3:ListAllMyBuckets")))
    assert _code(_client("s3", made).list_buckets) is None
    assert _code(_client("iam", made).list_users) == "AccessDenied"


def test_bucket_policies_count() -> None:
    s3, key = _bucket(), _user("ana", None)
    read = _client("s3", key).get_object
    objects = "arn:aws:s3:::reports/*"
    ana = {"AWS": f"{IAM}:user/ana"}
    assert _code(read, Bucket="reports", Key="q3.csv") == "AccessDenied"
    grant = allow("s3:GetObject", objects, Principal=ana)
    s3.put_bucket_policy(Bucket="reports", Policy=policy(grant))
    assert _code(read, Bucket="reports", Key="q3.csv") is None
    ban = deny("s3:GetObject", objects, Principal="*")
    s3.put_bucket_policy(Bucket="reports", Policy=policy(grant, ban))
    assert _code(read, Bucket="reports", Key="q3.csv") == "AccessDenied"
    assert _code(s3.get_object, Bucket="reports", Key="q3.csv") == "AccessDenied"


def test_scps_count(started: Any) -> None:
    organizations = boto3.client("organizations")
    organizations.create_organization()
    made = organizations.create_account(AccountName="apps", Email="apps@example.com")
    member = made["CreateAccountStatus"]["AccountId"]
    # The member's administrator, as plain boto3 reaches it: by the role Organizations made there.
    role = f"arn:aws:iam::{member}:role/OrganizationAccountAccessRole"
    credentials = _assume(role)
    assert _code(_client("s3", credentials).list_buckets) is None
    scp = organizations.create_policy(
        Name="no-s3",
        Description="-",
        Type="SERVICE_CONTROL_POLICY",
        Content=policy(deny("s3:*")),
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=scp, TargetId=member)
    assert _code(_client("s3", credentials).list_buckets) == "AccessDenied"
    assert _code(_client("iam", credentials).list_users) is None


def test_conditions_on_identity_policies_count() -> None:
    def only(ip: str) -> str:
        return policy(allow("s3:*", Condition={"IpAddress": {"aws:SourceIp": ip}}))

    here = _client("s3", _user("here", only("203.0.113.0/24")))
    there = _client("s3", _user("there", only("198.51.100.0/24")))
    assert _code(here.list_buckets) is None
    assert _code(there.list_buckets) == "AccessDenied"


@pytest.mark.parametrize(
    ("written", "reads"),
    [
        (allow("s3:getobject"), True),
        (allow("S3:GETOBJECT"), True),
        (allow("s3:Get?bject"), True),
        (allow("s3:Get??bject"), False),
        (allow("s3:GetObject", "arn:aws:s3:::reports/q?.csv"), True),
        (allow("s3:GetObject", "arn:aws:s3:::reports/q??.csv"), False),
        (allow("s3:GetObject", "arn:aws:s3:::REPORTS/q3.csv"), False),
        (allow("s3:GetObject", None, NotResource="arn:aws:s3:::other/*"), True),
        (allow("s3:GetObject", None, NotResource="arn:aws:s3:::reports/*"), False),
    ],
    ids=lambda value: json.dumps(value)[:90],
)
def test_case_question_marks_and_not_resource(written: dict[str, Any], reads: bool) -> None:
    _bucket()
    read = _client("s3", _user("ana", policy(written))).get_object
    wanted = None if reads else "AccessDenied"
    assert _code(read, Bucket="reports", Key="q3.csv") == wanted


def test_a_letter_does_not_pass_a_password_policy_of_fourteen() -> None:
    iam = boto3.client("iam")
    iam.update_account_password_policy(MinimumPasswordLength=14)
    iam.create_user(UserName="ana")
    login = {"UserName": "ana"}
    assert _code(iam.create_login_profile, **login, Password="a") == "PasswordPolicyViolation"
    assert _code(iam.create_login_profile, **login, Password="a" * 13) == "PasswordPolicyViolation"
    assert _code(iam.get_login_profile, **login) == "NoSuchEntity"
    assert _code(iam.create_login_profile, **login, Password="Fourteen-chars") is None


# --- a foreign endpoint -------------------------------------------------------------------------


class Watch:
    """What this process did with sockets, by Python's own audit events: nothing can hide them."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[tuple[str, Any]] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
            self.seen.append((event, arguments[1] if event != "socket.getaddrinfo" else arguments))


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()  # an audit hook cannot be taken out again: one is enough


@pytest.fixture
def packets(watch: Watch) -> Iterator[list[tuple[str, Any]]]:
    watch.seen, watch.on = [], True
    yield watch.seen
    watch.on = False


def test_the_watch_sees_what_leaves(packets: list[tuple[str, Any]]) -> None:
    """The proof below is worth something only if the watch can fail."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"", ("127.0.0.1", 9))
    assert packets == [("socket.sendto", ("127.0.0.1", 9))]


@pytest.mark.parametrize(
    "url",
    [
        "https://attacker.example.com",
        "http://198.51.100.7:8080",
        "https://[2001:db8::7]",
        "http://example.org/path",
        "https://s3.example.net",
    ],
)
@pytest.mark.parametrize("service", ["s3", "iam", "dynamodb", "logs"])
def test_a_foreign_endpoint_is_never_reached(
    packets: list[tuple[str, Any]], service: str, url: str
) -> None:
    client = boto3.client(service, endpoint_url=url, config=ONCE)
    call = {
        "s3": lambda: client.list_buckets(),
        "iam": lambda: client.list_users(),
        "dynamodb": lambda: client.list_tables(),
        "logs": lambda: client.describe_log_groups(),
    }[service]
    with pytest.raises(Exception, match="lab"):
        call()
    assert packets == []
