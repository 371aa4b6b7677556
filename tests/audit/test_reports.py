"""Credential report as a table, unused access, findings: each on an account made for it."""

from __future__ import annotations

from typing import Any

import boto3
import pandas as pd
import pyotp
import pytest

from iamlab.audit import credential_report, findings, unused
from tests.account.helpers import ACCOUNT, World, allow, trusts


@pytest.fixture
def world(lab: Any) -> World:
    return World(lab)


def _found(lab: Any, **more: Any) -> set[tuple[str, str, str]]:
    frame = findings(lab, **more)
    assert all(frame["sentence"]) and all(frame["todo"])
    return set(frame[["severity", "about", "kind"]].itertuples(index=False, name=None))


def test_the_report_has_dates_and_truth_values(lab: Any, world: World) -> None:
    ana = world.user("ana", allow("s3:*"))
    ana.client("s3").list_buckets()
    report = credential_report(lab).set_index("user")
    assert report.loc["ana", "mfa_active"] is False
    assert report.loc["ana", "access_key_1_active"] is True
    assert report.loc["ana", "access_key_1_last_used_service"] == "s3"
    assert isinstance(report["user_creation_time"].dtype, pd.DatetimeTZDtype)
    assert pd.isna(report.loc["ana", "access_key_2_last_used_date"])
    assert report.loc["<root_account>", "access_key_1_active"] is False
    assert len(lab.history()) == 3  # asking for it is not a call


def test_what_is_unused(lab: Any, world: World) -> None:
    ana = world.user("ana", allow(["s3:ListAllMyBuckets", "sqs:ListQueues"]))
    world.user("ben")
    world.role("reader", allow("s3:GetObject"))
    lab.clock.advance(days=60)
    ana.client("s3").list_buckets()
    lab.clock.advance(days=50)
    frame = unused(lab, days=90)
    mine = frame[frame["principal"] == "user/ana"]
    assert mine[["kind", "name"]].to_numpy().tolist() == [["service", "sqs"]]
    ben = frame[frame["principal"] == "user/ben"].iloc[0]
    assert ben["kind"] == "access key" and round(ben["idle_days"]) == 110
    assert "never used" in ben["sentence"] and pd.isna(ben["last_used"])
    assert set(frame[frame["principal"] == "role/reader"]["kind"]) == {"role", "service"}
    recent = unused(lab, days=45)
    assert "s3" in recent[recent["principal"] == "user/ana"]["name"].tolist()


def test_credentials_that_should_be_mended(lab: Any, world: World) -> None:
    iam = boto3.client("iam")
    world.user("ana", allow("*"))
    iam.create_login_profile(UserName="ana", Password="aB3$aB3$aB3$")
    world.user("ben", allow("s3:*"))
    iam.create_access_key(UserName="ben")
    lab.session("root").client("sts").get_caller_identity()
    lab.clock.advance(days=100)
    found = _found(lab)
    assert {
        ("critical", "root", "root has an access key"),
        ("high", "user/ana", "no MFA"),
        ("medium", "user/ana", "old access key"),
        ("low", "user/ben", "two access keys"),
        ("low", "user/ben", "unused access key"),
        ("low", "account", "no password policy"),
    } <= found
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="ana")["VirtualMFADevice"]
    codes, now = pyotp.TOTP(device["Base32StringSeed"].decode()), lab.clock.now().timestamp()
    iam.enable_mfa_device(
        UserName="ana",
        SerialNumber=device["SerialNumber"],
        AuthenticationCode1=codes.at(now - 30),
        AuthenticationCode2=codes.at(now),
    )
    iam.update_account_password_policy(MinimumPasswordLength=14)
    after = _found(lab)
    assert ("high", "user/ana", "no MFA") not in after
    assert ("low", "account", "no password policy") not in after


def test_doors_that_stand_open(lab: Any, world: World) -> None:
    iam = boto3.client("iam")
    world.role("open", trust=(trusts("*"),))
    world.role("vendor", trust=(trusts("999988887777"),))
    good = trusts("999988887777", Condition={"StringEquals": {"sts:ExternalId": "x7"}})
    world.role("careful", trust=(good,))
    provider = iam.create_open_id_connect_provider(Url="https://ci.example", ClientIDList=["sts"])
    arn = provider["OpenIDConnectProviderArn"]
    job = trusts({"Federated": arn}, "sts:AssumeRoleWithWebIdentity")
    world.role("job", trust=(job,))
    narrow = job | {"Condition": {"StringEquals": {"ci.example:sub": "repo:a"}}}
    world.role("narrow-job", trust=(narrow,))
    world.bucket("site", allow("s3:GetObject", "arn:aws:s3:::site/*", Principal="*"))
    world.bucket("private", allow("s3:*", "arn:aws:s3:::private/*", Principal={"AWS": ACCOUNT}))
    found = _found(lab)
    doors = {("open to the world"), "no external ID", "any token will do", "public bucket"}
    assert {(about, kind) for _, about, kind in found if kind in doors} == {
        ("role/open", "open to the world"),
        ("role/vendor", "no external ID"),
        ("role/job", "any token will do"),
        ("bucket site", "public bucket"),
    }


def test_a_way_to_administrator_is_told_step_by_step(lab: Any, world: World) -> None:
    world.user("intern", allow("iam:CreateAccessKey"))
    frame = findings(lab)
    (row,) = frame[frame["kind"] == "way to administrator"].itertuples()
    assert (row.severity, row.about) == ("high", "user/intern")
    assert "access key of user/administrator" in row.sentence
    world.grant("user/intern", allow("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/x"))
    assert "way to administrator" not in set(findings(lab)["kind"])


def test_worst_first(lab: Any, world: World) -> None:
    world.role("open", trust=(trusts("*"),))
    assert findings(lab)["severity"].iloc[0] == "critical"
