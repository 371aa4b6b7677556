"""`aws configure`, named profiles and credentials of every origin, typed as in AWS's documents."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pexpect
import pyotp
import pytest

from tests.account.helpers import allow, policy, trusts
from tests.clients.conftest import CliError

if TYPE_CHECKING:
    from tests.clients.conftest import Cli

ARN = "--query Arn --output text"
ANA = "arn:aws:iam::111122223333:user/ana"


@pytest.fixture
def ana(aws: Cli) -> dict[str, str]:
    """A user who may assume roles, and her profile, made as `aws configure` makes it."""
    iam = boto3.client("iam")
    iam.create_user(UserName="ana")
    document = policy(allow("sts:AssumeRole"))
    iam.put_user_policy(UserName="ana", PolicyName="own", PolicyDocument=document)
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    answers = f"{key['AccessKeyId']}\n{key['SecretAccessKey']}\neu-west-1\njson\n"
    aws.shell(f"printf '{answers}' | aws configure --profile ana")
    return key


def _role(name: str, *, condition: dict[str, Any] | None = None, **more: Any) -> str:
    trust = trusts(ANA, Condition=condition)
    made = boto3.client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=policy(trust), **more
    )
    return made["Role"]["Arn"]


def _profile(aws: Cli, name: str, **settings: Any) -> None:
    """What `aws configure set` writes, without the half second that each takes."""
    lines = [f"[profile {name}]", *(f"{key} = {value}" for key, value in settings.items()), ""]
    with open(os.environ["AWS_CONFIG_FILE"], "a") as file:
        file.write("\n".join(lines))


def _assumed(lab: Any) -> int:
    return list(lab.history()["action"]).count("sts:AssumeRole")


def test_a_profile_of_a_user(aws: Cli, ana: dict[str, str]) -> None:
    assert aws.shell("aws configure get aws_access_key_id --profile ana") == ana["AccessKeyId"]
    assert aws.shell(f"aws sts get-caller-identity --profile ana {ARN}") == ANA
    assert aws.shell(f"AWS_PROFILE=ana aws sts get-caller-identity {ARN}") == ANA
    # With a profile its region counts, and the keys in the environment do not.
    assert "eu-west-1" in aws.shell("aws configure list --profile ana")
    # The default is the lab's administrator; an unknown profile is the CLI's own to refuse.
    assert aws.shell(f"aws sts get-caller-identity {ARN}").endswith(":user/administrator")
    with pytest.raises(CliError, match="could not be found"):
        aws.shell("aws sts get-caller-identity --profile bo")
    # boto3 in the notebook reads the same files.
    session = boto3.Session(profile_name="ana")
    assert session.client("sts").get_caller_identity()["Arn"] == ANA
    assert list(aws.home.rglob("*")) == []


def test_configure_set_makes_another_user_the_default(aws: Cli, ana: dict[str, str]) -> None:
    aws.shell(f"aws configure set aws_access_key_id {ana['AccessKeyId']}")
    aws.shell(f"aws configure set aws_secret_access_key {ana['SecretAccessKey']}")
    assert aws.shell(f"aws sts get-caller-identity {ARN}") == ANA
    # The notebook's boto3 stays who it was.
    assert boto3.client("sts").get_caller_identity()["Arn"].endswith("user/administrator")


def test_a_profile_that_assumes_a_role(aws: Cli, ana: dict[str, str], lab: Any) -> None:
    """external_id, role_session_name, duration_seconds; the cache follows the lab's clock."""
    role = _role("auditor", condition={"StringEquals": {"sts:ExternalId": "7788"}})
    _profile(
        aws, "audit", role_arn=role, source_profile="ana", external_id=7788,
        role_session_name="yearly", duration_seconds=1800,
    )  # fmt: skip
    session = "arn:aws:sts::111122223333:assumed-role/auditor/yearly"
    who = f"aws sts get-caller-identity --profile audit {ARN}"
    assert aws.shell(who) == session
    (made,) = [s for s in lab.callers.sessions.values() if s.arn == session]
    assert (made.expires - made.issued).total_seconds() == 1800
    # The CLI keeps the credentials, in the lab's folder, and not in the learner's home.
    assert aws.shell(who) == session and _assumed(lab) == 1
    assert list(aws.home.rglob("*")) == []
    folder = Path(os.environ["AWS_CONFIG_FILE"]).parent
    (cached,) = folder.rglob("cache/*.json")
    assert made.access_key_id in cached.read_text()
    # When they have expired by the lab's clock, it gets new ones, as on AWS.
    lab.clock.advance(minutes=31)
    assert aws.shell(who) == session and _assumed(lab) == 2
    # The same profile without the external ID is refused, with AWS's words.
    _profile(aws, "stranger", role_arn=role, source_profile="ana")
    with pytest.raises(CliError) as denied:
        aws.shell(who.replace("audit", "stranger"))
    assert denied.value.code == "AccessDenied" and "sts:AssumeRole" in denied.value.printed


def test_a_role_through_a_role(aws: Cli, ana: dict[str, str]) -> None:
    first = _role("first")
    boto3.client("iam").put_role_policy(
        RoleName="first", PolicyName="own", PolicyDocument=policy(allow("sts:AssumeRole"))
    )
    boto3.client("iam").create_role(
        RoleName="second", AssumeRolePolicyDocument=policy(trusts(first))
    )
    _profile(aws, "first", role_arn=first, source_profile="ana")
    _profile(aws, "second", role_arn=first.replace("first", "second"), source_profile="first")
    said = aws.shell(f"aws sts get-caller-identity --profile second {ARN}")
    assert ":assumed-role/second/botocore-session-" in said


def test_a_profile_with_mfa_asks_for_the_code(aws: Cli, ana: dict[str, str], lab: Any) -> None:
    iam = boto3.client("iam")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="ana")["VirtualMFADevice"]
    codes = pyotp.TOTP(device["Base32StringSeed"].decode())
    serial, now = device["SerialNumber"], lab.clock.now()
    iam.enable_mfa_device(
        UserName="ana", SerialNumber=serial,
        AuthenticationCode1=codes.at(now.timestamp() - 30), AuthenticationCode2=codes.at(now),
    )  # fmt: skip
    role = _role("secret", condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    _profile(aws, "secret", role_arn=role, source_profile="ana", mfa_serial=serial)
    lab.clock.advance(seconds=30)  # a code is good for once
    words = ["-c", f"aws sts get-caller-identity --profile secret {ARN}"]
    terminal = pexpect.spawn("sh", words, env=aws.environment(), encoding="utf-8", timeout=60)
    terminal.expect(f"Enter MFA code for {serial}: ")
    terminal.sendline(codes.at(lab.clock.now()))
    terminal.expect(":assumed-role/secret/")
    terminal.expect(pexpect.EOF)
    # It asks once, as long as the role's credentials last.
    assert ":assumed-role/secret/" in aws.shell(words[1])


def test_credentials_from_a_program(aws: Cli, ana: dict[str, str], tmp_path: Path) -> None:
    program = tmp_path / "keys.py"
    said = {
        "Version": 1,
        "AccessKeyId": ana["AccessKeyId"],
        "SecretAccessKey": ana["SecretAccessKey"],
    }
    program.write_text(f"print('{json.dumps(said)}')")
    _profile(aws, "outside", credential_process=f'"{sys.executable}" "{program}"')
    assert aws.shell(f"aws sts get-caller-identity --profile outside {ARN}") == ANA


def test_temporary_credentials_put_into_the_environment(aws: Cli, ana: dict[str, str]) -> None:
    """As AWS's documents show it: get-session-token or assume-role, three exports, a call."""
    parts = "--query Credentials.[AccessKeyId,SecretAccessKey,SessionToken] --output text"
    export = (
        "export AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=$2 AWS_SESSION_TOKEN=$3; "
        f"aws sts get-caller-identity {ARN}"
    )
    token = f"aws sts get-session-token --duration-seconds 900 --profile ana {parts}"
    assert aws.shell(f"set -- $({token}); {export}") == ANA
    role = (
        f"aws sts assume-role --role-arn {_role('reader')} --role-session-name build --profile ana"
    )
    said = aws.shell(f"set -- $({role} {parts}); {export}")
    assert said == "arn:aws:sts::111122223333:assumed-role/reader/build"
