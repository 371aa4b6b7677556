"""A fresh lab a test, and short ways to say what AWS refuses and how."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import iamlab

ACCOUNT = "111122223333"
OTHER = "444455556666"
# Let what is too short or too long reach the lab: AWS's own answer is what counts.
AS_IS = Config(parameter_validation=False)
ALLOW_ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


# Reading botocore's models is most of what a new client costs: read them once for all tests.
LOADER = botocore.loaders.Loader()


@pytest.fixture
def lab() -> Iterator[Any]:
    with iamlab.start() as running:
        core = botocore.session.Session()
        core.register_component("data_loader", LOADER)
        boto3.setup_default_session(botocore_session=core)
        yield running


@pytest.fixture
def iam(lab: Any) -> Any:
    return boto3.client("iam", config=AS_IS)


@contextmanager
def refused(code: str, status: int, text: str | None = None) -> Iterator[Any]:
    """The call inside is refused with this code, HTTP status and text."""
    with pytest.raises(ClientError) as caught:
        yield caught
    answer = caught.value.response
    assert answer["Error"]["Code"] == code, answer["Error"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    if text is not None:
        assert text in answer["Error"]["Message"], answer["Error"]["Message"]


def allow(*actions: str, resource: Any = "*") -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(principal: Any, *actions: str, condition: Any = None) -> str:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal}
    statement["Action"] = list(actions or ("sts:AssumeRole",))
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def role(iam: Any) -> Callable[..., str]:
    """Make a role that the account trusts, unless told otherwise; returns its ARN."""

    def make(name: str, principal: Any = None, **more: Any) -> str:
        document = more.pop("trust", None) or trust(principal or {"AWS": ACCOUNT})
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **more)
        return made["Role"]["Arn"]

    return make


@pytest.fixture
def user(lab: Any, iam: Any) -> Callable[..., Any]:
    """Make a user with some permissions; returns a session of theirs."""

    def make(name: str, *actions: str, **more: Any) -> Any:
        iam.create_user(UserName=name, **more)
        if actions:
            document = allow(*actions)
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
        return lab.session(f"user/{name}")

    return make


def signed_by(answer: dict[str, Any]) -> boto3.Session:
    """A session with the temporary credentials of an STS answer."""
    made = answer["Credentials"]
    return boto3.Session(
        made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], "us-east-1"
    )
