"""The AWS SDK for JavaScript against the served lab: sign-in, roles, expiry, denials, files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.account.helpers import allow, policy, trusts

HERE = Path(__file__).parent
ACCOUNT = "arn:aws:iam::111122223333"
ROLE = f"{ACCOUNT}:role/reader"


@pytest.fixture
def js(lab: Any, tmp_path: Path) -> Callable[..., list[Any]]:
    """Run calls in one node process; each answer is its output, or (name, message) of an error."""
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules" / "@aws-sdk" / "client-sts").is_dir():
        pytest.skip("no AWS SDK for JavaScript: `make test` installs it if npm is here")
    lab.serve(quiet=True)

    def run(*calls: dict[str, Any]) -> list[Any]:
        done = subprocess.run(
            [node, HERE / "sdk.mjs", json.dumps(calls, default=str)],
            env=os.environ | {"HOME": str(tmp_path)},
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [
            answer["output"] if "output" in answer else tuple(answer["error"].values())
            for answer in json.loads(done.stdout)
        ]

    return run


@pytest.fixture
def ana() -> dict[str, str]:
    """A user who may assume the role reader; and the role, which may list users."""
    iam = boto3.client("iam")
    iam.create_user(UserName="ana")
    may = {"PolicyName": "own", "PolicyDocument": policy(allow("sts:AssumeRole", ROLE))}
    iam.put_user_policy(UserName="ana", **may)
    trusted = policy(trusts(f"{ACCOUNT}:user/ana"))
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trusted)
    may = {"PolicyName": "own", "PolicyDocument": policy(allow("iam:ListUsers"))}
    iam.put_role_policy(RoleName="reader", **may)
    return iam.create_access_key(UserName="ana")["AccessKey"]


def _call(service: str, command: str, input: Any = None, **more: Any) -> dict[str, Any]:
    return {"service": service, "command": command, "input": input, **more}


def test_sign_in_assume_role_and_a_denial(js: Any, ana: dict[str, str], lab: Any) -> None:
    own: dict[str, Any] = {"credentials": ana}
    asked = {"RoleArn": ROLE, "RoleSessionName": "from-js", "DurationSeconds": 900}
    who, me, denied, assumed, wrong = js(
        _call("sts", "GetCallerIdentity"),
        _call("sts", "GetCallerIdentity", **own),
        _call("iam", "ListUsers", **own),
        _call("sts", "AssumeRole", asked, **own),
        _call("sts", "GetCallerIdentity", credentials=ana | {"SecretAccessKey": "wrong"}),
    )
    assert who["Arn"] == f"{ACCOUNT}:user/administrator"
    assert me["Arn"] == f"{ACCOUNT}:user/ana"
    assert denied[0] == "AccessDenied"
    assert "no identity-based policy allows the iam:ListUsers action" in denied[1]
    assert wrong[0] == "SignatureDoesNotMatch"
    assert assumed["AssumedRoleUser"]["Arn"].endswith(":assumed-role/reader/from-js")
    session = {"credentials": assumed["Credentials"]}
    listed, refused, untokened = js(
        _call("iam", "ListUsers", **session),
        _call("iam", "ListRoles", **session),
        _call("iam", "ListUsers", credentials=assumed["Credentials"] | {"SessionToken": None}),
    )
    assert {user["UserName"] for user in listed["Users"]} == {"administrator", "ana"}
    assert refused[0] == "AccessDenied" and "assumed-role/reader/from-js" in refused[1]
    assert untokened[0] == "InvalidClientTokenId"
    # They end by the lab's clock, and long-term keys go on working however far it is ahead.
    lab.clock.advance(minutes=15)
    ended, again = js(_call("iam", "ListUsers", **session), _call("iam", "ListUsers"))
    assert ended[0] == "ExpiredToken"
    assert "Users" in again
    assert lab.history()["action"].tolist().count("sts:AssumeRole") == 1


def test_the_sdks_own_providers_assume_the_role(js: Any, ana: dict[str, str], lab: Any) -> None:
    """fromTemporaryCredentials, and a profile of the lab's own files, with a clock far ahead."""
    lab.clock.advance(days=3)
    boto3.client("iam").update_assume_role_policy(
        RoleName="reader", PolicyDocument=policy(trusts("111122223333"))
    )
    with open(os.environ["AWS_CONFIG_FILE"], "a") as file:
        file.write(f"[profile reader]\nrole_arn = {ROLE}\nsource_profile = default\n")
    role = {"RoleArn": ROLE, "RoleSessionName": "provider"}
    first, second, profile = js(
        _call("sts", "GetCallerIdentity", role=role),
        _call("sts", "GetCallerIdentity", role=role),
        _call("sts", "GetCallerIdentity", profile="reader"),
    )
    assert (
        first["Arn"]
        == second["Arn"]
        == f"{ROLE}/provider".replace(":iam:", ":sts:").replace("role/", "assumed-role/")
    )
    assert ":assumed-role/reader/" in profile["Arn"]
    assert lab.history()["action"].tolist().count("sts:AssumeRole") == 2  # kept for the second


def test_files_both_ways(js: Any, lab: Any) -> None:
    """Names with every kind of character, in path style, which an address of numbers asks for."""
    key = "a b/ü+é=&?#(1)!.txt"
    large = {"Bucket": "reports", "Key": key, "Body": "x" * 100_000, "ContentLength": 100_000}
    made, put, got, listed, missing = js(
        _call("s3", "CreateBucket", {"Bucket": "reports"}),
        _call("s3", "PutObject", large, stream=True),
        _call("s3", "GetObject", {"Bucket": "reports", "Key": key}),
        _call("s3", "ListObjectsV2", {"Bucket": "reports"}),
        _call("s3", "GetObject", {"Bucket": "reports", "Key": "none"}),
    )
    assert "Location" in made and "ETag" in put
    assert got["Body"] == "x" * 100_000
    assert listed["Contents"][0]["Key"] == key
    assert missing[0] == "NoSuchKey"
    found = boto3.client("s3").get_object(Bucket="reports", Key=key)
    assert found["Body"].read() == b"x" * 100_000
