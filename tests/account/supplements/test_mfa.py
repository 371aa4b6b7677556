"""MFA codes on the lab's clock: iam_evaluation §6, MFA columns and keys."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from urllib.parse import unquote

import boto3
import pyotp
import pytest

from .conftest import ACCOUNT, allow, refused, signed_by, trust

WRONG = "MultiFactorAuthentication failed with invalid MFA one time pass code."
UNKNOWN = "MultiFactorAuthentication failed, unable to validate MFA code."


def device(iam, name="phone"):
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
    return made["SerialNumber"], pyotp.TOTP(made["Base32StringSeed"].decode())


def enable(lab, iam, name, serial, codes, call="enable_mfa_device"):
    now = lab.clock.now()
    getattr(iam, call)(
        UserName=name,
        SerialNumber=serial,
        AuthenticationCode1=codes.at(now - timedelta(seconds=30)),
        AuthenticationCode2=codes.at(now),
    )
    lab.clock.advance(seconds=30)


@pytest.fixture
def ana(lab, iam, user):
    """A user with a device: session, serial number, codes."""
    session = user("ana", "*")
    serial, codes = device(iam)
    enable(lab, iam, "ana", serial, codes)
    return session, serial, codes


def token(lab, session, serial, codes, **more):
    code = codes.at(lab.clock.now())
    return session.client("sts").get_session_token(SerialNumber=serial, TokenCode=code, **more)


def test_session_with_mfa_may_call_iam(lab, ana):
    session, serial, codes = ana
    plain = signed_by(session.client("sts").get_session_token())
    with refused("InvalidClientTokenId", 403):
        plain.client("iam").list_users()
    answer = token(lab, session, serial, codes)
    signed_by(answer).client("iam").list_users()


def test_condition_keys(lab, iam, user):
    """aws:MultiFactorAuthPresent and its age exist only where a code was given."""
    recent = {"NumericLessThan": {"aws:MultiFactorAuthAge": "600"}}
    recent["Bool"] = {"aws:MultiFactorAuthPresent": "true"}
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": recent}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    session = user("ana")
    iam.put_user_policy(UserName="ana", PolicyName="mfa", PolicyDocument=document)
    serial, codes = device(iam)
    enable(lab, iam, "ana", serial, codes)
    with refused("AccessDenied", 403):
        session.client("s3").list_buckets()
    with refused("AccessDenied", 403):
        signed_by(session.client("sts").get_session_token()).client("s3").list_buckets()
    inside = signed_by(token(lab, session, serial, codes)).client("s3")
    inside.list_buckets()
    lab.clock.advance(minutes=11)
    with refused("AccessDenied", 403):
        inside.list_buckets()


class TestCodes:
    def test_wrong_used_old(self, lab, ana):
        session, serial, codes = ana
        sts, now = session.client("sts"), lab.clock.now()
        right = codes.at(now)
        wrong = f"{(int(right) + 1) % 10**6:06d}"
        if any(wrong == codes.at(now + timedelta(seconds=s)) for s in (-30, 30)):
            wrong = f"{(int(right) + 2) % 10**6:06d}"
        with refused("AccessDenied", 403, WRONG):
            sts.get_session_token(SerialNumber=serial, TokenCode=wrong)
        sts.get_session_token(SerialNumber=serial, TokenCode=right)
        with refused("AccessDenied", 403, WRONG):
            sts.get_session_token(SerialNumber=serial, TokenCode=right)
        lab.clock.advance(minutes=5)
        with refused("AccessDenied", 403, WRONG):
            sts.get_session_token(SerialNumber=serial, TokenCode=codes.at(now))
        token(lab, session, serial, codes)

    def test_of_enabling_are_used_up(self, lab, iam, user):
        session = user("ana", "*")
        serial, codes = device(iam)
        now = lab.clock.now()
        enable(lab, iam, "ana", serial, codes)
        with refused("AccessDenied", 403, WRONG):
            session.client("sts").get_session_token(SerialNumber=serial, TokenCode=codes.at(now))

    def test_somebody_elses_device(self, lab, iam, ana, user):
        _, serial, codes = ana
        other = user("bo", "*").client("sts")
        with refused("AccessDenied", 403, UNKNOWN):
            other.get_session_token(SerialNumber=serial, TokenCode=codes.at(lab.clock.now()))
        with refused("AccessDenied", 403, "must provide both MFA serial number and one time"):
            other.get_session_token(SerialNumber=serial)


def test_trust_policy_that_asks_for_mfa(lab, iam, role, ana):
    session, serial, codes = ana
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    arn = role("careful", trust=trust({"AWS": ACCOUNT}, condition=condition))
    iam.put_role_policy(RoleName="careful", PolicyName="p", PolicyDocument=allow("s3:*"))
    sts = session.client("sts")
    with refused("AccessDenied", 403):
        sts.assume_role(RoleArn=arn, RoleSessionName="work")
    with refused("AccessDenied", 403):
        sts.assume_role(
            RoleArn=arn, RoleSessionName="work", SerialNumber=serial, TokenCode="000000"
        )
    answer = sts.assume_role(
        RoleArn=arn,
        RoleSessionName="work",
        SerialNumber=serial,
        TokenCode=codes.at(lab.clock.now()),
    )
    signed_by(answer).client("s3").list_buckets()
    lab.clock.advance(seconds=30)
    inside = signed_by(token(lab, session, serial, codes)).client("sts")
    assert inside.assume_role(RoleArn=arn, RoleSessionName="work")["Credentials"]


class TestDevices:
    def test_enabling_takes_two_codes_in_a_row(self, lab, iam, user):
        user("ana")
        serial, codes = device(iam)
        now = lab.clock.now()
        one, two = codes.at(now), codes.at(now + timedelta(seconds=30))
        text = "Authentication code for device is not valid."
        for pair in ((two, one), (one, one), ("000000", "111111")):
            with refused("InvalidAuthenticationCode", 403, text):
                iam.enable_mfa_device(
                    UserName="ana",
                    SerialNumber=serial,
                    AuthenticationCode1=pair[0],
                    AuthenticationCode2=pair[1],
                )
        assert iam.list_mfa_devices(UserName="ana")["MFADevices"] == []
        enable(lab, iam, "ana", serial, codes)
        listed = iam.list_mfa_devices(UserName="ana")["MFADevices"]
        assert [d["SerialNumber"] for d in listed] == [serial]
        lab.clock.advance(minutes=2)
        enable(lab, iam, "ana", serial, codes, "resync_mfa_device")
        user("bo")
        with refused("EntityAlreadyExists", 409):
            enable(lab, iam, "bo", serial, codes)
        nowhere = f"arn:aws:iam::{ACCOUNT}:mfa/none"
        with refused("NoSuchEntity", 404):
            enable(lab, iam, "bo", nowhere, codes)

    def test_a_phone_reads_the_picture(self, lab, iam, user):
        """VirtualMFADevice, IAM API Reference: what the QR code says."""
        zxingcpp = pytest.importorskip("zxingcpp")
        from PIL import Image

        user("ana")
        made = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone", Path="/ops/")
        made = made["VirtualMFADevice"]
        (read,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(made["QRCodePNG"])))
        seed = made["Base32StringSeed"].decode()
        assert unquote(read.text) == f"otpauth://totp/phone@{ACCOUNT}?secret={seed}"
        assert made["SerialNumber"] == f"arn:aws:iam::{ACCOUNT}:mfa/ops/phone"
        enable(lab, iam, "ana", made["SerialNumber"], pyotp.parse_uri(read.text))

    def test_a_phone_whose_clock_is_another(self, lab, iam, ana):
        """The lab's clock moved on; the phone's did not: resynchronized, it works again."""
        session, serial, codes = ana
        lab.clock.advance(days=3)
        phone = lab.clock.real_now()
        sts = session.client("sts")
        with refused("AccessDenied", 403, WRONG):
            sts.get_session_token(SerialNumber=serial, TokenCode=codes.at(phone))
        iam.resync_mfa_device(
            UserName="ana",
            SerialNumber=serial,
            AuthenticationCode1=codes.at(phone + timedelta(seconds=60)),
            AuthenticationCode2=codes.at(phone + timedelta(seconds=90)),
        )
        sts.get_session_token(
            SerialNumber=serial, TokenCode=codes.at(phone + timedelta(seconds=120))
        )
        with refused("AccessDenied", 403, WRONG):
            sts.get_session_token(SerialNumber=serial, TokenCode=codes.at(lab.clock.now()))

    def test_typed_too_late(self, lab, iam, user):
        """EnableMFADevice's page: it is associated, out of sync, and can be resynced."""
        session = user("ana", "*")
        serial, codes = device(iam)
        lab.clock.advance(minutes=30)
        then = lab.clock.now() - timedelta(minutes=10)
        iam.enable_mfa_device(
            UserName="ana",
            SerialNumber=serial,
            AuthenticationCode1=codes.at(then),
            AuthenticationCode2=codes.at(then + timedelta(seconds=30)),
        )
        with refused("AccessDenied", 403, WRONG):
            token(lab, session, serial, codes)
        enable(lab, iam, "ana", serial, codes, "resync_mfa_device")
        token(lab, session, serial, codes)

    def test_showing_one(self, lab, iam, ana):
        _, serial, _ = ana
        for more in ({}, {"UserName": "ana"}):
            shown = iam.get_mfa_device(SerialNumber=serial, **more)
            assert (shown["UserName"], shown["SerialNumber"]) == ("ana", serial)
            assert shown["EnableDate"] <= lab.clock.now() and "Certifications" not in shown
        spare, _ = device(iam, "spare")
        assert "EnableDate" not in iam.get_mfa_device(SerialNumber=spare)
        with refused("NoSuchEntity", 404):
            iam.get_mfa_device(SerialNumber=spare, UserName="ana")
        with refused("NoSuchEntity", 404, f"serial number {serial}x doesn't exist."):
            iam.get_mfa_device(SerialNumber=serial + "x")

    def test_by_pages(self, lab, iam, user):
        for name in "cab":
            user(name)
            enable(lab, iam, name, *device(iam, name))
        enable(lab, iam, "c", *device(iam, "d"))
        for call, name, more, wanted in (
            ("list_virtual_mfa_devices", "VirtualMFADevices", {}, "abcd"),
            ("list_mfa_devices", "MFADevices", {"UserName": "c"}, "cd"),
        ):
            pages = iam.get_paginator(call).paginate(PaginationConfig={"PageSize": 1}, **more)
            shown = [page[name] for page in pages]
            assert [one["SerialNumber"][-1] for (one,) in shown] == list(wanted)

    def test_names(self, iam):
        device(iam)
        with refused("EntityAlreadyExists", 409, "at the same path and name already exists."):
            device(iam)
        iam.create_virtual_mfa_device(VirtualMFADeviceName="phone", Path="/ops/")
        with refused("ValidationError", 400):
            iam.create_virtual_mfa_device(VirtualMFADeviceName="my phone")
        with refused("NoSuchEntity", 404):
            iam.delete_virtual_mfa_device(SerialNumber=f"arn:aws:iam::{ACCOUNT}:mfa/none")

    def test_listing_never_shows_the_seed(self, lab, iam, ana):
        device(iam, "spare")
        found = iam.list_virtual_mfa_devices()["VirtualMFADevices"]
        secrets = {"Base32StringSeed", "QRCodePNG", "Tags"}
        assert len(found) == 2 and not any(secrets & set(d) for d in found)
        taken = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
        assert [d["User"]["UserName"] for d in taken] == ["ana"]

    def test_leaving(self, lab, iam, ana, user):
        session, serial, codes = ana
        with refused("DeleteConflict", 409):
            iam.delete_virtual_mfa_device(SerialNumber=serial)
        user("bo")
        with refused("NoSuchEntity", 404):
            iam.deactivate_mfa_device(UserName="bo", SerialNumber=serial)
        session.client("iam").deactivate_mfa_device(SerialNumber=serial)  # the caller's own
        with refused("AccessDenied", 403, UNKNOWN):
            token(lab, session, serial, codes)
        iam.delete_virtual_mfa_device(SerialNumber=serial)

    def test_own_devices(self, lab, ana):
        session, serial, _ = ana
        own = boto3.Session.client(session, "iam").list_mfa_devices()["MFADevices"]
        assert [d["SerialNumber"] for d in own] == [serial]
