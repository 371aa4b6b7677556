"""The authenticator's Python half, on a real lab: codes that AWS's calls take, once each."""

from __future__ import annotations

from typing import Any

import boto3
import pyotp
import pytest
from botocore.exceptions import ClientError

import iamlab
from iamlab.account.supplements import mfa
from iamlab.widgets import Authenticator, authenticator
from iamlab.widgets import authenticator as shown
from iamlab.widgets.mfa_device import card, read_device

SERIAL = "arn:aws:iam::111122223333:mfa/phone"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def made(lab: Any) -> dict[str, Any]:
    lab.clock.speed = 0  # a step never ends in the middle of a test
    boto3.client("iam").create_user(UserName="ana")
    return boto3.client("iam").create_virtual_mfa_device(VirtualMFADeviceName="phone")


@pytest.fixture
def phone(lab: Any, made: dict[str, Any]) -> Authenticator:
    return authenticator(lab, made)


def ask(phone: Authenticator, do: str, value: Any = "") -> dict[str, Any]:
    phone._on_message(phone, {"do": do, "value": value, "ping": 1}, None)
    return phone.state


def enable(phone: Authenticator) -> None:
    first, second = phone.codes()
    boto3.client("iam").enable_mfa_device(
        UserName="ana", SerialNumber=SERIAL, AuthenticationCode1=first, AuthenticationCode2=second
    )
    phone.look()


def sign_in(lab: Any, code: str) -> Any:
    sts = lab.session("user/ana").client("sts")
    return sts.get_session_token(SerialNumber=SERIAL, TokenCode=code)


def row(phone: Authenticator) -> dict[str, Any]:
    phone.look()
    return phone.state["devices"][0]


def _spelled(code: str) -> str:
    return "\u00a0".join(code)


def test_the_step_is_that_of_the_account() -> None:
    assert iamlab.widgets.Authenticator is Authenticator and shown is authenticator
    from iamlab.widgets.authenticator import STEP

    assert STEP == mfa.STEP


def test_each_form_of_a_device_is_the_same_device(lab: Any, made: dict[str, Any]) -> None:
    device = made["VirtualMFADevice"]
    seed = device["Base32StringSeed"].decode()
    forms = (
        made,
        device,
        device["Base32StringSeed"],
        seed,
        seed.lower(),
        " ".join(seed[i : i + 4] for i in range(0, 64, 4)),
        device["QRCodePNG"],
        {"QRCodePNG": device["QRCodePNG"]},
        f"otpauth://totp/phone@111122223333?secret={seed}",
        SERIAL,
        {"SerialNumber": SERIAL},
    )
    entries = {read_device(lab, form) for form in forms}
    assert len(entries) == 1
    phone = authenticator(lab, *forms)
    assert len(phone.state["devices"]) == 1, "the same device is on the phone once"


def test_the_qr_code_is_that_of_aws(lab: Any, made: dict[str, Any]) -> None:
    import segno

    entry = read_device(lab, made)
    assert mfa.picture("phone", "111122223333", entry.seed) == made["VirtualMFADevice"]["QRCodePNG"]
    drawn = segno.make_qr(f"otpauth://totp/phone@111122223333?secret={entry.seed}")
    shown = card(entry)
    assert shown["qr"] == drawn.svg_data_uri(scale=1, border=4, light="#ffffff", dark="#000000")
    assert shown["seed"].replace(" ", "") == entry.seed and shown["alt"] == "QR code of phone"


def test_the_two_codes_enable_the_device_and_are_used_then(phone: Authenticator) -> None:
    assert row(phone)["owner"] == "of nobody yet"
    assert row(phone)["note"] == (
        "Not enabled yet. EnableMFADevice asks for two codes in a row: this one and the next."
    )
    enable(phone)
    assert row(phone)["owner"] == "of user/ana" and row(phone)["used"] and row(phone)["nextUsed"]
    assert row(phone)["note"] == "This code was used. Each code works once: wait for the next one."
    assert "(used)" in str(phone)


def test_waiting_goes_to_the_next_code_that_was_not_used(lab: Any, phone: Authenticator) -> None:
    enable(phone)
    before = lab.clock.now()
    code = phone.wait()
    assert 30 < (lab.clock.now() - before).total_seconds() <= 60
    assert lab.clock.now().timestamp() % 30 == pytest.approx(0, abs=0.001)
    news = phone.state["news"]
    assert news.startswith("The lab's clock was moved ") and " on, to " in news
    assert news.endswith(
        f". The code in between was used already. The code of phone is now {_spelled(code)}."
    )
    assert not row(phone)["used"] and row(phone)["code"] == code
    sign_in(lab, code)
    assert row(phone)["used"]
    with pytest.raises(ClientError, match="invalid MFA one time pass code"):
        sign_in(lab, code)
    again = phone.wait()
    assert again != code and "in between" not in phone.state["news"]
    sign_in(lab, again)


def test_the_next_code_is_shown_when_asked(phone: Authenticator) -> None:
    first, second = phone.codes()
    assert row(phone)["code"] == first and row(phone)["next"] == ""
    assert ask(phone, "next", "1")["devices"][0]["next"] == second
    assert ask(phone, "wait", "1")["devices"][0]["code"] == second
    assert ask(phone, "next", "1")["devices"][0]["next"] == ""


def test_codes_are_those_of_any_authenticator(lab: Any, phone: Authenticator) -> None:
    seed = phone.cards["1"]["seed"].replace(" ", "")
    lab.clock.advance(days=3, seconds=17)
    assert phone.codes()[0] == pyotp.TOTP(seed).at(lab.clock.now())
    assert phone.state["left"] == pytest.approx(30 - lab.clock.now().timestamp() % 30, abs=31)


def test_several_devices_even_of_one_name(lab: Any, phone: Authenticator) -> None:
    iam = boto3.client("iam")
    other = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone", Path="/lab/")
    iam.create_virtual_mfa_device(VirtualMFADeviceName="tablet")
    phone.add(other)
    assert phone.add(SECRET) == "secret"
    phone.look()
    codes = [one["code"] for one in phone.state["devices"]]
    assert len(set(codes)) == 3 and set(phone.cards) == {"1", "2", "3"}
    assert phone.state["others"] == ["arn:aws:iam::111122223333:mfa/tablet"]
    assert phone.codes("arn:aws:iam::111122223333:mfa/lab/phone")[0] == codes[1]
    ask(phone, "remove", "1")
    assert [one["code"] for one in phone.state["devices"]] == codes[1:]
    assert phone.state["news"] == "phone is off the phone. The account still has it."
    assert SERIAL in phone.state["others"] and set(phone.cards) == {"2", "3"}


def test_a_device_of_the_account_is_added_on_the_page(lab: Any, made: dict[str, Any]) -> None:
    phone = authenticator(lab)
    assert phone.state["devices"] == [] and phone.state["others"] == [SERIAL]
    assert "No device is on the phone yet." in str(phone)
    state = ask(phone, "add", SERIAL)
    assert state["news"] == "phone is on the phone." and state["others"] == []
    assert row(phone)["code"] == authenticator(lab, made).codes()[0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("", "That is no virtual MFA device. Give its secret"),
        ("hello", "That is no virtual"),
        ("A" * 300, "That is no virtual"),
        ("otpauth://totp/x", "That is no virtual"),
        (f"otpauth://totp/{'x' * 600}?secret={SECRET}", "That is no virtual"),
        (f"otpauth://totp/x?secret={SECRET}&digits=8", "six digits every 30 seconds"),
        (f"otpauth://hotp/x?secret={SECRET}&counter=1", "six digits every 30 seconds"),
        ("arn:aws:iam::111122223333:mfa/none", "The lab has no virtual device with the serial"),
        (b"\x89PNG no", "This picture was not made by this lab"),
        ({}, "That is no virtual"),
        (7, "That is no virtual"),
    ],
)
def test_what_is_no_device_is_said(lab: Any, wrong: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        authenticator(lab, wrong)
    if isinstance(wrong, str):
        phone = authenticator(lab)
        assert said in ask(phone, "add", wrong)["problem"] and phone.state["devices"] == []
        assert ask(phone, "next", "9")["problem"] == "", "it goes with the next thing that is done"


def test_the_lab_comes_first(lab: Any, made: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="The lab comes first"):
        authenticator(made)
    assert authenticator()._lab is lab, "without one, the lab that runs"
    with pytest.raises(LookupError, match="There is no tablet on this phone; it has nothing"):
        authenticator(lab).codes("tablet")


def test_a_secret_that_the_lab_does_not_know(lab: Any) -> None:
    phone = authenticator(lab, f"otpauth://totp/Example:ana?secret={SECRET}&issuer=Example")
    assert row(phone)["name"] == "Example:ana" and row(phone)["owner"] == "unknown"
    assert row(phone)["note"].startswith("The lab has no device with this secret")
    assert phone.codes()[0] == pyotp.TOTP(SECRET).at(lab.clock.now())


def test_a_device_that_is_gone_or_was_made_anew(phone: Authenticator) -> None:
    iam = boto3.client("iam")
    gone = "The account has no such device any more: these codes open nothing."
    iam.delete_virtual_mfa_device(SerialNumber=SERIAL)
    assert row(phone)["note"] == gone
    iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")
    assert row(phone)["note"] == gone


def test_the_two_clocks(lab: Any, phone: Authenticator) -> None:
    lab.clock.restart()
    phone.look()
    assert phone.state["clocks"] == (
        "A real phone shows the same codes: the lab's clock and the real clock agree."
    )
    assert not phone.state["differ"]
    lab.clock.speed = 60
    assert "runs at 60 times the real speed" in ask(phone, "look")["clocks"]
    lab.clock.speed = 0
    assert "stands still" in ask(phone, "look")["clocks"]
    lab.clock.advance(minutes=20)
    state = ask(phone, "look")
    assert "20 min 0 s ahead of the real clock." in state["clocks"] or "19 min" in state["clocks"]
    assert "ResyncMFADevice" in state["clocks"] and state["differ"]
    state = ask(phone, "clock")
    assert state["news"].startswith("The lab's clock is at the real time again.")
    assert not state["differ"] and lab.clock.speed == 1


def test_a_device_enabled_with_a_real_phone_is_followed(lab: Any, phone: Authenticator) -> None:
    """The lab's clock is 20 minutes ahead; a real phone's codes enable the device all the same."""
    lab.clock.advance(minutes=20)
    seed = phone.cards["1"]["seed"].replace(" ", "")
    step = int(lab.clock.real_now().timestamp()) // 30
    codes = [pyotp.TOTP(seed).generate_otp(step + n) for n in (0, 1)]
    boto3.client("iam").enable_mfa_device(
        UserName="ana", SerialNumber=SERIAL, AuthenticationCode1=codes[0],
        AuthenticationCode2=codes[1],
    )  # fmt: skip
    phone.look()
    assert phone.codes()[0] in codes, "the phone on the page is as far behind"
    assert row(phone)["used"]
    sign_in(lab, phone.wait())
    phone.wait()
    assert "behind the lab's clock. AWS remembers that" in row(phone)["note"]


def test_a_stopped_lab_shows_no_codes() -> None:
    lab = iamlab.start()
    phone = authenticator(lab, boto3.client("iam").create_virtual_mfa_device(
        VirtualMFADeviceName="phone"))  # fmt: skip
    lab.stop()
    state = ask(phone, "wait", "1")
    assert state["stopped"].startswith("This lab is stopped.") and "Make a new device" in str(phone)
    assert state["devices"][0]["code"] == ""
