"""The names people rely on: start, account, session, clock, history, why, reset, stop."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pandas as pd
import pytest
from botocore.exceptions import ClientError

import iamlab
from iamlab.account.trail import COLUMNS, Refusal
from iamlab.policy import Decision

ALLOW_LIST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListUsers",'
    '"Resource":"*"}]}'
)
TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
    '"Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]}'
)


def _arn(session: boto3.Session) -> str:
    return session.client("sts").get_caller_identity()["Arn"]


def test_start_returns_the_running_lab(lab: Any) -> None:
    assert iamlab.start() is lab
    assert lab.account_id == "111122223333"
    assert "running" in repr(lab)


def test_start_with_other_options_while_one_runs_is_refused(lab: Any) -> None:
    with pytest.raises(ValueError, match="already runs"):
        iamlab.start(account_id="999988887777")


@pytest.mark.parametrize("account", ["12345", "abcdefghijkl", 111122223333])
def test_a_wrong_account_id_is_refused(account: Any) -> None:
    with pytest.raises(ValueError, match="12 digits"):
        iamlab.start(account_id=account)
    with iamlab.start(account_id="999988887777", region="eu-west-1") as lab:
        assert boto3.client("sts").get_caller_identity()["Account"] == "999988887777"
        assert boto3.client("s3").meta.region_name == "eu-west-1" == lab.region


def test_plain_boto3_is_the_administrator(lab: Any) -> None:
    assert _arn(boto3.Session()) == "arn:aws:iam::111122223333:user/administrator"
    boto3.resource("iam").create_user(UserName="ana")
    assert boto3.client("iam").get_user(UserName="ana")["User"]["UserName"] == "ana"


def test_other_accounts(lab: Any) -> None:
    partner = lab.account("444455556666")
    assert _arn(partner) == "arn:aws:iam::444455556666:user/administrator"
    partner.client("iam").create_user(UserName="theirs")
    names = [user["UserName"] for user in boto3.client("iam").list_users()["Users"]]
    assert names == ["administrator"]
    assert len(lab.account("444455556666").client("iam").list_users()["Users"]) == 2


def test_sessions(lab: Any) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="ana", Path="/staff/")
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)
    arn = "arn:aws:iam::111122223333:user/staff/ana"
    assert _arn(lab.session("user/ana")) == arn
    assert _arn(lab.session(arn)) == arn
    assert _arn(lab.session("user/staff/ana")) == arn
    assert len(iam.list_access_keys(UserName="ana")["AccessKeyMetadata"]) == 1
    assert _arn(lab.session("root")) == "arn:aws:iam::111122223333:root"
    role = _arn(lab.session("role/reader"))
    assert role.startswith("arn:aws:sts::111122223333:assumed-role/reader/")


def test_a_session_after_its_key_was_deleted_gets_a_new_one(lab: Any) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="ana")
    lab.session("user/ana")
    (key,) = iam.list_access_keys(UserName="ana")["AccessKeyMetadata"]
    iam.delete_access_key(UserName="ana", AccessKeyId=key["AccessKeyId"])
    assert _arn(lab.session("user/ana")).endswith("user/ana")


@pytest.mark.parametrize("who", ["user/nobody", "group/g", "ana", "user/", ""])
def test_a_session_of_nobody(lab: Any, who: str) -> None:
    with pytest.raises(LookupError):
        lab.session(who)


def test_a_role_that_does_not_trust_the_administrator(lab: Any) -> None:
    trust = TRUST.replace('"AWS":"arn:aws:iam::111122223333:root"', '"Service":"ec2.amazonaws.com"')
    boto3.client("iam").create_role(RoleName="web", AssumeRolePolicyDocument=trust)
    with pytest.raises(ClientError, match="AccessDenied"):
        lab.session("role/web")


def test_dates_follow_the_lab_clock(lab: Any) -> None:
    iam, sts = boto3.client("iam"), boto3.client("sts")
    lab.clock.advance(days=100)
    lab.clock.speed = 0
    now = lab.clock.now()
    assert now - datetime.now(UTC) > timedelta(days=99)
    second = timedelta(seconds=1)
    assert abs(iam.create_user(UserName="ana")["User"]["CreateDate"] - now) <= second
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    assert abs(key["CreateDate"] - now) < second
    assert key["CreateDate"].microsecond == 0
    iam.create_login_profile(UserName="ana", Password="Correct-Horse-9")
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)
    arn = "arn:aws:iam::111122223333:role/reader"
    made = sts.assume_role(RoleArn=arn, RoleSessionName="morning", DurationSeconds=900)
    assert abs(made["Credentials"]["Expiration"] - now - timedelta(minutes=15)) <= second
    with pytest.raises(ClientError):
        lab.session("user/ana").client("s3").list_buckets()
    (used,) = {
        key["AccessKeyId"]: iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
        for key in iam.list_access_keys(UserName="ana")["AccessKeyMetadata"]
        if "ServiceName"
        in iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"]).get("AccessKeyLastUsed", {})
        and iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"][
            "ServiceName"
        ]
        == "s3"
    }.values()
    assert abs(used["AccessKeyLastUsed"]["LastUsedDate"] - now) < second


def test_botocore_renews_credentials_by_the_lab_clock(lab: Any) -> None:
    """botocore's own assume-role refresh sees lab time, and so never hands out expired ones."""
    from botocore.credentials import (
        AssumeRoleCredentialFetcher,
        DeferredRefreshableCredentials,
    )

    boto3.client("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)
    core = boto3.Session()._session
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=core.create_client,
        source_credentials=core.get_credentials(),
        role_arn="arn:aws:iam::111122223333:role/reader",
        extra_args={"DurationSeconds": 3600, "RoleSessionName": "renewed"},
    )
    credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    first = credentials.get_frozen_credentials().access_key
    assert credentials.get_frozen_credentials().access_key == first
    lab.clock.advance(minutes=50)  # botocore renews in the last 15 minutes
    second = credentials.get_frozen_credentials()
    assert second.access_key != first
    renewed = boto3.Session(second.access_key, second.secret_key, second.token)
    assert "assumed-role/reader/renewed" in _arn(renewed)


def test_history_and_why(lab: Any) -> None:
    iam = boto3.client("iam")
    assert lab.why() is None
    iam.create_user(UserName="ana")
    with pytest.raises(ClientError):
        lab.session("user/ana").client("iam").list_users()
    history = lab.history()
    assert isinstance(history, pd.DataFrame)
    assert list(history.columns) == COLUMNS
    assert list(history["action"]) == ["iam:CreateUser", "iam:ListUsers"]
    assert list(history["decision"]) == ["allowed", "implicitDeny"]
    assert list(history["principal"]) == [
        "arn:aws:iam::111122223333:user/administrator",
        "arn:aws:iam::111122223333:user/ana",
    ]
    assert history["time"].dt.tz is not None
    assert "AdministratorAccess" in history["reason"][0]
    why = lab.why()
    assert isinstance(why, Decision)
    assert why.request.action == "iam:ListUsers"
    assert why.blocked_by == "identity"
    with pytest.raises(ClientError):
        boto3.client(
            "sts", aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="x"
        ).get_caller_identity()
    refused = lab.why()
    assert isinstance(refused, Refusal)
    assert "InvalidClientTokenId" in str(refused)


def test_a_call_that_was_allowed_but_failed_is_in_the_record(lab: Any) -> None:
    with pytest.raises(ClientError):
        boto3.client("iam").get_user(UserName="nobody")
    row = lab.history().iloc[-1]
    assert row["decision"] == "allowed"
    assert "NoSuchEntity" in row["reason"]


def test_source_ip(lab: Any) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="ana")
    policy = ALLOW_LIST.replace(
        '"Resource":"*"',
        '"Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}',
    )
    iam.put_user_policy(UserName="ana", PolicyName="office", PolicyDocument=policy)
    ana = lab.session("user/ana").client("iam")
    with pytest.raises(ClientError):
        ana.list_users()
    lab.source_ip = "198.51.100.7"
    assert ana.list_users()["Users"]


def test_decide_asks_without_calling(lab: Any) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="ana")
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)
    boto3.client("s3").create_bucket(Bucket="reports")
    calls = len(lab.history())
    assert lab.decide("user/ana", "iam:ListUsers").effect == "implicitDeny"
    iam.put_user_policy(UserName="ana", PolicyName="list", PolicyDocument=ALLOW_LIST)
    assert lab.decide("user/ana", "iam:ListUsers").effect == "allowed"
    assert lab.decide(lab.session("user/ana"), "iam:ListUsers").effect == "allowed"
    assert lab.decide("role/reader", "iam:ListUsers").effect == "implicitDeny"
    assert lab.decide("root", "iam:ListUsers").effect == "allowed"
    boto3.client("s3").put_bucket_policy(
        Bucket="reports",
        Policy='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":'
        '{"AWS":"arn:aws:iam::111122223333:user/ana"},"Action":"s3:GetObject",'
        '"Resource":"arn:aws:s3:::reports/*"}]}',
    )
    assert lab.decide("user/ana", "s3:GetObject", "arn:aws:s3:::reports/q3.csv")
    assert not lab.decide("user/ana", "s3:GetObject", "arn:aws:s3:::other/q3.csv")
    assert len(lab.history()) == calls + 2
    with pytest.raises(LookupError):
        lab.decide("user/nobody", "iam:ListUsers")


def test_reset_empties_the_accounts_and_keeps_clients_working(lab: Any) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="ana")
    boto3.client("s3").create_bucket(Bucket="reports")
    partner = lab.account("444455556666").client("iam")
    partner.create_user(UserName="theirs")
    lab.clock.advance(days=1)
    lab.reset()
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["administrator"]
    assert [user["UserName"] for user in partner.list_users()["Users"]] == ["administrator"]
    assert boto3.client("s3").list_buckets()["Buckets"] == []
    assert len(lab.history()) == 3
    assert abs(lab.clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_stopped_lab_says_so() -> None:
    lab = iamlab.start()
    lab.stop()
    lab.stop()
    for use in (
        lambda: lab.session("root"),
        lambda: lab.account("444455556666"),
        lambda: lab.decide("root", "iam:ListUsers"),
        lab.reset,
        lab.serve,
    ):
        with pytest.raises(RuntimeError, match=r"iamlab\.start\(\)"):
            use()
    assert "stopped" in repr(lab)


def test_the_environment_points_other_programs_at_the_endpoint(lab: Any) -> None:
    url = lab.serve()
    assert os.environ["AWS_ENDPOINT_URL"] == url == lab.serve()
    assert boto3.client("iam").meta.endpoint_url == "https://iam.amazonaws.com"


def test_decide_asks_for_a_service_too(lab: Any) -> None:
    """Whether a service may take on a role is its trust policy's business alone."""
    trust = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
        '"Principal":{"Service":"ec2.amazonaws.com"}}]}'
    )
    role = boto3.client("iam").create_role(RoleName="web", AssumeRolePolicyDocument=trust)["Role"]
    assert lab.decide("ec2.amazonaws.com", "sts:AssumeRole", role["Arn"])
    denied = lab.decide("lambda.amazonaws.com", "sts:AssumeRole", role["Arn"])
    assert (denied.effect, denied.blocked_by) == ("implicitDeny", "resource")
    with pytest.raises(LookupError, match="nobody"):
        lab.decide("ec2.example.com", "sts:AssumeRole", role["Arn"])
