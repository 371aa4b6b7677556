"""MFA devices, tags, certificates and passwords by the real AWS CLI."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pyotp
import pytest

from tests.account.certificates import certificate, ssh_key
from tests.clients.conftest import CliError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.conftest import Cli

ACCOUNT = "111122223333"
SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/phone"
ALL = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
)


@pytest.fixture
def ana(lab: Any) -> str:
    iam = boto3.client("iam")
    iam.create_user(UserName="ana")
    iam.put_user_policy(UserName="ana", PolicyName="own", PolicyDocument=ALL)
    return "user/ana"


def _codes(lab: Any, codes: pyotp.TOTP) -> list[str]:
    """The options of two calls: the code before, and that of now; then time passes."""
    now = lab.clock.now()
    pair = codes.at(now - timedelta(seconds=30)), codes.at(now)
    lab.clock.advance(seconds=30)
    return ["--authentication-code1", pair[0], "--authentication-code2", pair[1]]


def test_a_phone_from_the_shop_to_the_session(lab: Any, aws: Cli, ana: str, tmp_path: Path) -> None:
    """--outfile with both ways to start; then every call that a device lives through."""
    zxingcpp = pytest.importorskip("zxingcpp")
    from PIL import Image

    new = ["iam", "create-virtual-mfa-device", "--virtual-mfa-device-name"]
    picture, seed = tmp_path / "phone.png", tmp_path / "seed.txt"
    tags = ["--tags", "Key=Team,Value=maps"]
    made = aws(*new, "phone", *tags, "--outfile", str(picture), "--bootstrap-method", "QRCodePNG")
    assert made["VirtualMFADevice"]["SerialNumber"] == SERIAL
    assert not {"QRCodePNG", "Base32StringSeed"} & set(made["VirtualMFADevice"])
    (read,) = zxingcpp.read_barcodes(Image.open(picture))
    codes = pyotp.parse_uri(read.text)
    assert isinstance(codes, pyotp.TOTP)
    aws(*new, "spare", "--outfile", str(seed), "--bootstrap-method", "Base32StringSeed")
    assert pyotp.TOTP(seed.read_text()).now().isdigit()

    which = ["--user-name", "ana", "--serial-number", SERIAL]
    with pytest.raises(CliError) as wrong:
        aws("iam", "enable-mfa-device", *which, *_codes(lab, pyotp.TOTP(seed.read_text())))
    assert wrong.value.code == "InvalidAuthenticationCode"
    aws("iam", "enable-mfa-device", *which, *_codes(lab, codes))
    (own,) = aws("iam", "list-mfa-devices", who=ana)["MFADevices"]
    assert own["UserName"] == "ana" and own["SerialNumber"] == SERIAL
    assert aws("iam", "get-mfa-device", *which) == own
    shown = aws("iam", "list-virtual-mfa-devices", "--assignment-status", "Assigned")
    assert [one["User"]["UserName"] for one in shown["VirtualMFADevices"]] == ["ana"]

    code = codes.at(lab.clock.now())
    session = aws(
        "sts", "get-session-token", "--serial-number", SERIAL, "--token-code", code, who=ana
    )
    assert session["Credentials"]["AccessKeyId"].startswith("ASIA")
    aws("iam", "resync-mfa-device", *which, *_codes(lab, codes))

    mine = ["--serial-number", SERIAL]
    assert aws("iam", "list-mfa-device-tags", *mine)["Tags"] == [{"Key": "Team", "Value": "maps"}]
    aws("iam", "tag-mfa-device", *mine, "--tags", "Key=Size,Value=small")
    aws("iam", "untag-mfa-device", *mine, "--tag-keys", "Team")
    assert aws("iam", "list-mfa-device-tags", *mine)["Tags"] == [{"Key": "Size", "Value": "small"}]

    with pytest.raises(CliError) as busy:
        aws("iam", "delete-virtual-mfa-device", *mine)
    assert busy.value.code == "DeleteConflict"
    aws("iam", "deactivate-mfa-device", *mine, who=ana)
    aws("iam", "delete-virtual-mfa-device", *mine)


def test_who_may_not(aws: Cli, ana: str) -> None:
    boto3.client("iam").delete_user_policy(UserName="ana", PolicyName="own")
    with pytest.raises(CliError) as denied:
        aws("iam", "list-virtual-mfa-devices", who=ana)
    assert denied.value.code == "AccessDenied" and "iam:ListVirtualMFADevices" in str(denied.value)


def test_tags_of_a_profile_a_provider_and_a_certificate(aws: Cli, tmp_path: Path) -> None:
    iam = boto3.client("iam")
    iam.create_instance_profile(InstanceProfileName="web")
    text = "<EntityDescriptor/>" + " " * 1000
    saml = iam.create_saml_provider(Name="corp", SAMLMetadataDocument=text)["SAMLProviderArn"]
    body, key = certificate()
    for name, content in (("body", body), ("key", key)):
        (tmp_path / name).write_text(content)
    made = aws(
        *("iam", "upload-server-certificate", "--server-certificate-name", "site"),
        *("--certificate-body", f"file://{tmp_path}/body"),
        *("--private-key", f"file://{tmp_path}/key"),
    )
    assert made["ServerCertificateMetadata"]["ServerCertificateId"].startswith("ASCA")
    aws(
        *("iam", "update-server-certificate", "--server-certificate-name", "site"),
        *("--new-server-certificate-name", "shop"),
    )
    for kind, option, value in (
        ("instance-profile", "--instance-profile-name", "web"),
        ("saml-provider", "--saml-provider-arn", saml),
        ("server-certificate", "--server-certificate-name", "shop"),
    ):
        aws("iam", f"tag-{kind}", option, value, "--tags", "Key=Team,Value=maps")
        shown = aws("iam", f"list-{kind}-tags", option, value)
        assert shown["Tags"] == [{"Key": "Team", "Value": "maps"}]
        aws("iam", f"untag-{kind}", option, value, "--tag-keys", "team")


def test_ssh_keys_and_service_credentials(aws: Cli, ana: str) -> None:
    own = ["--user-name", "ana"]
    body = ssh_key()
    key = aws("iam", "upload-ssh-public-key", *own, "--ssh-public-key-body", body)["SSHPublicKey"]
    which = ["--ssh-public-key-id", key["SSHPublicKeyId"]]
    pem = aws("iam", "get-ssh-public-key", *own, *which, "--encoding", "PEM")["SSHPublicKey"]
    assert pem["SSHPublicKeyBody"].startswith("-----BEGIN PUBLIC KEY-----")

    service = ["--service-name", "codecommit.amazonaws.com"]
    made = aws("iam", "create-service-specific-credential", *own, *service)
    made = made["ServiceSpecificCredential"]
    assert made["ServiceUserName"] == f"ana-at-{ACCOUNT}" and made["ServicePassword"]
    which = ["--service-specific-credential-id", made["ServiceSpecificCredentialId"]]
    aws("iam", "update-service-specific-credential", *which, "--status", "Inactive", who=ana)
    again = aws("iam", "reset-service-specific-credential", *which, who=ana)
    assert again["ServiceSpecificCredential"]["ServicePassword"] != made["ServicePassword"]
    listed = aws("iam", "list-service-specific-credentials", "--all-users", *service)
    assert [one["Status"] for one in listed["ServiceSpecificCredentials"]] == ["Inactive"]
    aws("iam", "delete-service-specific-credential", *which, who=ana)


def test_passwords(aws: Cli, ana: str) -> None:
    aws(
        *("iam", "update-account-password-policy", "--minimum-password-length", "12"),
        *("--require-symbols", "--max-password-age", "90", "--password-reuse-prevention", "3"),
    )
    policy = aws("iam", "get-account-password-policy")["PasswordPolicy"]
    assert policy["MinimumPasswordLength"] == 12 and policy["ExpirePasswords"]
    with pytest.raises(CliError) as weak:
        aws("iam", "create-login-profile", "--user-name", "ana", "--password", "Short-1")
    assert weak.value.code == "PasswordPolicyViolation"
    made = aws(
        *("iam", "create-login-profile", "--user-name", "ana"),
        *("--password", "Long-enough-1", "--password-reset-required"),
    )
    assert made["LoginProfile"]["PasswordResetRequired"] is True
    aws(
        *("iam", "change-password", "--old-password", "Long-enough-1"),
        *("--new-password", "Long-enough-2"),
        who=ana,
    )
    with pytest.raises(CliError) as again:
        aws("iam", "update-login-profile", "--user-name", "ana", "--password", "x" * 11)
    assert again.value.code == "PasswordPolicyViolation"
    aws("iam", "delete-account-password-policy")
    with pytest.raises(CliError) as none:
        aws("iam", "get-account-password-policy")
    assert none.value.code == "NoSuchEntity"
