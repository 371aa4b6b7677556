"""The credential report, read with csv and pandas, and when keys and roles were last used.

Expected: "Generate credential reports for your AWS account", IAM User Guide.
"""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import boto3
import pandas as pd
import pyotp
import pytest

from .conftest import ACCOUNT, refused, signed_by

KEY = ["active", "last_rotated", "last_used_date", "last_used_region", "last_used_service"]
COLUMNS = [
    *["user", "arn", "user_creation_time", "password_enabled", "password_last_used"],
    *["password_last_changed", "password_next_rotation", "mfa_active"],
    *[f"access_key_1_{fact}" for fact in KEY],
    *[f"access_key_2_{fact}" for fact in KEY],
    *["cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated"],
    "additional_credentials_info",
]
PASSWORD = "Correct-Horse-7"


def report(iam):
    """Rows by user name, of a report made now or up to four hours ago."""
    iam.generate_credential_report()
    text = iam.get_credential_report()["Content"].decode()
    return {row["user"]: row for row in csv.DictReader(io.StringIO(text))}


def printed(when):
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def stop(lab):
    """Hold the clock, so that dates can be told exactly."""
    lab.clock.speed = 0
    return lab.clock.now()


def use(lab, key, service="sqs", region="eu-west-1"):
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=region)
    with refused("AccessDenied", 403):
        session.client(service).list_queues()


def test_columns_and_first_row(iam):
    iam.create_user(UserName="ana", Path="/team/")
    iam.generate_credential_report()
    answer = iam.get_credential_report()
    assert answer["ReportFormat"] == "text/csv"
    frame = pd.read_csv(io.BytesIO(answer["Content"]), dtype=str, keep_default_na=False)
    assert list(frame.columns) == COLUMNS
    assert list(frame["user"]) == ["<root_account>", "administrator", "ana"]
    assert frame["arn"][2] == f"arn:aws:iam::{ACCOUNT}:user/team/ana"
    assert b"\r" not in answer["Content"] and not answer["Content"].endswith(b"\n")


def test_states_of_a_report(lab, iam):
    with refused("ReportNotPresent", 410):
        iam.get_credential_report()
    first = iam.generate_credential_report()
    assert first["State"] == "STARTED"
    assert first["Description"].endswith("Starting a new report generation task")
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    made = iam.get_credential_report()["GeneratedTime"]
    assert abs(made - lab.clock.now()) < timedelta(seconds=5)


def test_a_report_is_kept_for_four_hours(lab, iam):
    assert "late" not in report(iam)
    iam.create_user(UserName="late")
    lab.clock.advance(hours=3, minutes=59)
    assert "late" not in report(iam)
    lab.clock.advance(minutes=1)
    with refused("ReportExpired", 410):
        iam.get_credential_report()
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert "late" in report(iam)


def test_each_account_has_its_own_report(lab, iam):
    other = lab.account("444455556666").client("iam")
    iam.generate_credential_report()
    with refused("ReportNotPresent", 410):
        other.get_credential_report()


def test_a_user_without_anything(lab, iam):
    now = stop(lab)
    iam.create_user(UserName="ana")
    row = report(iam)["ana"]
    assert row.pop("user_creation_time") == printed(now)
    assert (row.pop("user"), row.pop("arn")) == ("ana", f"arn:aws:iam::{ACCOUNT}:user/ana")
    flags = {name for name in row if name.endswith(("enabled", "active"))}
    assert {row[name] for name in flags} == {"false"}
    assert {row[name] for name in row.keys() - flags} == {"N/A"}


def test_password_dates(lab, iam):
    iam.create_user(UserName="ana")
    lab.clock.advance(days=2)
    made = stop(lab)
    iam.create_login_profile(UserName="ana", Password=PASSWORD)
    row = report(iam)["ana"]
    assert row["password_enabled"] == "true"
    assert row["password_last_used"] == "no_information"
    assert row["password_last_changed"] == printed(made)
    assert row["password_next_rotation"] == "N/A"
    lab.clock.advance(days=1)
    iam.update_account_password_policy(MaxPasswordAge=90)
    assert report(iam)["ana"]["password_next_rotation"] == printed(made + timedelta(days=90))
    changed = lab.clock.advance(days=1)
    iam.update_login_profile(UserName="ana", Password=PASSWORD + "x")
    row = report(iam)["ana"]
    assert row["password_last_changed"] == printed(changed)
    assert row["password_next_rotation"] == printed(changed + timedelta(days=90))
    lab.clock.advance(days=1)
    iam.delete_login_profile(UserName="ana")
    row = report(iam)["ana"]
    assert (row["password_enabled"], row["password_last_changed"]) == ("false", "N/A")


def test_a_password_that_the_user_changes(lab, iam, user):
    ana = user("ana", "iam:ChangePassword")
    iam.create_login_profile(UserName="ana", Password=PASSWORD)
    lab.clock.advance(days=1)
    now = stop(lab)
    ana.client("iam").change_password(OldPassword=PASSWORD, NewPassword=PASSWORD + "x")
    assert report(iam)["ana"]["password_last_changed"] == printed(now)


def test_mfa(lab, iam):
    iam.create_user(UserName="ana")
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    assert report(iam)["ana"]["mfa_active"] == "false"
    codes, now = pyotp.TOTP(made["Base32StringSeed"].decode()), lab.clock.now()
    iam.enable_mfa_device(
        UserName="ana",
        SerialNumber=made["SerialNumber"],
        AuthenticationCode1=codes.at(now),
        AuthenticationCode2=codes.at(now + timedelta(seconds=30)),
    )
    lab.clock.advance(hours=4)
    row = report(iam)["ana"]
    assert row["mfa_active"] == "true"


def test_keys_by_age_and_use(lab, iam):
    iam.create_user(UserName="ana")
    old = stop(lab)
    first = iam.create_access_key(UserName="ana")["AccessKey"]
    young = lab.clock.advance(days=200)
    second = iam.create_access_key(UserName="ana")["AccessKey"]
    used = lab.clock.advance(hours=1)
    use(lab, first)
    row = report(iam)["ana"]
    assert [row[f"access_key_1_{fact}"] for fact in KEY] == [
        *["true", printed(old), printed(used), "eu-west-1", "sqs"]
    ]
    assert [row[f"access_key_2_{fact}"] for fact in KEY] == ["true", printed(young), *["N/A"] * 3]
    iam.update_access_key(UserName="ana", AccessKeyId=first["AccessKeyId"], Status="Inactive")
    iam.delete_access_key(UserName="ana", AccessKeyId=second["AccessKeyId"])
    changed = lab.clock.advance(hours=5)
    row = report(iam)["ana"]
    # "If the user does not have an active access key, the value in this field is N/A."
    assert (row["access_key_1_active"], row["access_key_1_last_rotated"]) == ("false", "N/A")
    assert row["access_key_1_last_used_date"] == printed(used)
    assert (row["access_key_2_active"], row["access_key_2_last_rotated"]) == ("false", "N/A")
    # "created or last changed" [I: that a change of status is such a change]
    iam.update_access_key(UserName="ana", AccessKeyId=first["AccessKeyId"], Status="Active")
    lab.clock.advance(hours=5)
    assert report(iam)["ana"]["access_key_1_last_rotated"] == printed(changed)


def test_use_of_s3_has_no_region(lab, iam, user):
    ana = user("ana", "s3:*")
    ana.client("s3").list_buckets()
    row = report(iam)["ana"]
    assert row["access_key_1_last_used_region"] == "N/A"
    assert row["access_key_1_last_used_service"] == "s3"


def test_only_the_first_use_in_15_minutes_is_reported(lab, iam):
    iam.create_user(UserName="ana")
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    times = [stop(lab)]
    use(lab, key, region="eu-west-1")
    times.append(lab.clock.advance(minutes=14))
    use(lab, key, region="eu-west-2")
    row = report(iam)["ana"]
    assert row["access_key_1_last_used_date"] == printed(times[0])
    assert row["access_key_1_last_used_region"] == "eu-west-1"
    # GetAccessKeyLastUsed tells of "the last request made with that key".
    last = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    assert (printed(last["LastUsedDate"]), last["Region"]) == (printed(times[1]), "eu-west-2")
    times.append(lab.clock.advance(minutes=1))
    use(lab, key, region="eu-west-3")
    lab.clock.advance(hours=4)
    assert report(iam)["ana"]["access_key_1_last_used_date"] == printed(times[2])


def test_certificates(lab, iam):
    iam.create_user(UserName="ana")
    now = stop(lab)
    made = iam.upload_signing_certificate(UserName="ana", CertificateBody=certificate())
    row = report(iam)["ana"]
    assert (row["cert_1_active"], row["cert_1_last_rotated"]) == ("true", printed(now))
    assert (row["cert_2_active"], row["cert_2_last_rotated"]) == ("false", "N/A")
    iam.update_signing_certificate(
        UserName="ana", CertificateId=made["Certificate"]["CertificateId"], Status="Inactive"
    )
    lab.clock.advance(hours=4)
    assert report(iam)["ana"]["cert_1_active"] == "false"


def certificate():
    from datetime import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ana")])
    build = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    build = build.public_key(key.public_key()).serial_number(1)
    build = build.not_valid_before(datetime(2020, 1, 1)).not_valid_after(datetime(2040, 1, 1))
    return build.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def test_the_root_user(lab, iam):
    row = report(iam)["<root_account>"]
    assert row["arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert (row["password_enabled"], row["password_last_used"]) == ("true", "no_information")
    assert row["password_next_rotation"] == "not_supported"
    assert (row["mfa_active"], row["access_key_1_active"]) == ("false", "false")
    lab.clock.advance(hours=4)
    lab.session("root").client("iam").list_users()
    row = report(iam)["<root_account>"]
    assert row["access_key_1_active"] == "true"
    assert row["access_key_1_last_used_service"] == "iam"


def test_a_member_account_has_no_root_password(lab, iam):
    """ "This value is FALSE for new member accounts created as part of your organization"."""
    organizations = boto3.client("organizations")
    organizations.create_organization()
    made = organizations.create_account(AccountName="apps", Email="apps@example.com")
    account = made["CreateAccountStatus"]["AccountId"]
    member = signed_by(
        boto3.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole",
            RoleSessionName="audit",
        )
    ).client("iam")
    root = report(member)["<root_account>"]
    assert (root["password_enabled"], root["password_last_used"]) == ("false", "N/A")
    assert member.get_account_summary()["SummaryMap"]["AccountPasswordPresent"] == 0
    assert iam.get_account_summary()["SummaryMap"]["AccountPasswordPresent"] == 1


def test_facts_of_a_real_account_are_shown(lab, iam):
    """What lab.load sets from a real report."""
    from moto.iam.models import AccessKeyLastUsed

    iam.create_user(UserName="ana")
    iam.create_login_profile(UserName="ana", Password=PASSWORD)
    iam.create_access_key(UserName="ana")
    ana = lab.state.iam(ACCOUNT).users["ana"]
    day = pd.Timestamp("2026-01-02 03:04:05").to_pydatetime()
    ana.password_last_used = ana.password_last_changed = ana.access_keys[0].last_rotated = day
    ana.access_keys[0].last_used = AccessKeyLastUsed(day, "kms", "eu-north-1")
    facts = {"mfa_active": "true", "access_key_2_active": "true"}
    lab.state.iam(ACCOUNT).root_facts = facts
    assert facts.items() <= report(iam)["<root_account>"].items()
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["AccountMFAEnabled"], summary["AccountAccessKeysPresent"]) == (1, 1)
    row = report(iam)["ana"]
    dates = ("password_last_used", "password_last_changed", "access_key_1_last_rotated")
    assert {row[name] for name in dates} == {"2026-01-02T03:04:05Z"}
    assert row["access_key_1_last_used_region"] == "eu-north-1"
    assert iam.get_user(UserName="ana")["User"]["PasswordLastUsed"].year == 2026


def test_key_last_used(lab, iam):
    iam.create_user(UserName="ana")
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    answer = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert answer["UserName"] == "ana"
    assert answer["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    use(lab, key)
    iam.update_user(UserName="ana", NewUserName="anna")
    answer = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert answer["UserName"] == "anna"
    last = answer["AccessKeyLastUsed"]
    assert (last["ServiceName"], last["Region"]) == ("sqs", "eu-west-1")
    assert abs(last["LastUsedDate"] - lab.clock.now()) < timedelta(seconds=5)
    with refused("NoSuchEntity", 404):
        iam.get_access_key_last_used(AccessKeyId="AKIAIOSFODNN7EXAMPLE")


def test_role_last_used(lab, iam, role):
    arn = role("reader")
    assert iam.get_role(RoleName="reader")["Role"]["RoleLastUsed"] == {}
    session = signed_by(boto3.client("sts").assume_role(RoleArn=arn, RoleSessionName="morning"))
    assert iam.get_role(RoleName="reader")["Role"]["RoleLastUsed"] == {}, "assumed, not used"
    with refused("AccessDenied", 403):
        session.client("sqs", region_name="eu-west-1").list_queues()
    used = iam.get_role(RoleName="reader")["Role"]["RoleLastUsed"]
    assert used["Region"] == "eu-west-1"
    assert abs(used["LastUsedDate"] - lab.clock.now()) < timedelta(seconds=5)
    assert "RoleLastUsed" not in iam.list_roles()["Roles"][0]
    lab.clock.advance(days=401)  # "Activity is only reported for the trailing 400 days."
    assert iam.get_role(RoleName="reader")["Role"]["RoleLastUsed"] == {}


@pytest.mark.parametrize("call", ["generate_credential_report", "get_credential_report"])
def test_permissions(iam, user, call):
    action = "iam:" + call.title().replace("_", "")
    iam.generate_credential_report()
    getattr(user("may", action).client("iam"), call)()
    with refused("AccessDenied", 403, action):
        getattr(user("not", "iam:GetUser").client("iam"), call)()
