"""Nothing goes round the gate: a user without policies is denied every operation there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import iamlab
from iamlab.account import seam
from iamlab.account.gate import NotInTheLab
from iamlab.account.operations import SERVICES
from iamlab.account.wire import BOTOCORE_NAMES
from tests.account.smallest import model_of, smallest

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

# What each service answers to a caller who may not ("Common errors" of each API reference; that
# of SQS by the header x-amzn-query-error).
DENIED = {
    "iam": ("AccessDenied", 403),
    "sts": ("AccessDenied", 403),
    "s3": ("AccessDenied", 403),
    "ec2": ("UnauthorizedOperation", 403),
    "dynamodb": ("AccessDeniedException", 400),
    "sqs": ("AccessDenied", 403),
    "kms": ("AccessDeniedException", 400),
    "secretsmanager": ("AccessDeniedException", 400),
    "lambda": ("AccessDeniedException", 403),
    "organizations": ("AccessDeniedException", 400),
    "cloudtrail": ("AccessDeniedException", 400),
    "access-analyzer": ("AccessDeniedException", 403),
    "ecs": ("AccessDeniedException", 400),
}
# Operations that AWS itself lets everybody call, and why.
ALLOWED = {
    ("sts", "GetCallerIdentity"): "No permission is needed; it works even under an explicit Deny.",
    ("sts", "GetSessionToken"): "No permission is needed; policies have no effect on it.",
}
# Refused otherwise than with the service's denial, and why.
OTHERWISE = {
    ("s3", "HeadBucket"): ("403", 403, "An answer to HEAD has no body: only the status tells."),
    ("s3", "HeadObject"): ("403", 403, "An answer to HEAD has no body: only the status tells."),
    ("sts", "AssumeRoleWithSAML"): ("InvalidIdentityToken", 400, "Nobody signs this call; the "
                                    "assertion says who calls, and this one says nothing."),
    ("sts", "AssumeRoleWithWebIdentity"): ("InvalidIdentityToken", 400, "Nobody signs this call; "
                                           "the token says who calls, and this one says nothing."),
}  # fmt: skip
# botocore sends these to another service's endpoint, which the lab does not have: it says so and
# sends nothing. Over loopback it can only answer: 501, or as the service that signed the call.
ELSEWHERE = {
    ("s3", "ListDirectoryBuckets"): ("501", 501, "s3express-control"),
    ("s3", "WriteGetObjectResponse"): ("501", 501, "s3-object-lambda"),
    ("dynamodb", "SearchVectors"): (*DENIED["dynamodb"], "search-dynamodb"),
}
# Two names for one HTTP request: the gate cannot tell them apart, and need not.
SAME_REQUEST = {
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
}
QUICK = Config(retries={"total_max_attempts": 1})


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with iamlab.start() as running:
        boto3.client("iam").create_user(UserName="nobody")
        yield running


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that were handed on to moto."""
    calls: list[str] = []
    ask_moto = seam.ask_moto

    def note(request: Any, call: Any, *rest: Any) -> Any:
        calls.append(call.operation)
        return ask_moto(request, call, *rest)

    monkeypatch.setattr(seam, "ask_moto", note)
    return calls


def _operations(service: str) -> list[str]:
    return list(model_of(service).operation_names)


def _answer(client: Any, operation: str) -> tuple[str, int]:
    """The error code and the HTTP status that a call with the smallest request gets."""
    model = client.meta.service_model.operation_model(operation)
    names = {real: python for python, real in client.meta.method_to_api_mapping.items()}
    try:
        answer = getattr(client, names[operation])(**smallest(model))
    except ClientError as error:
        answer = error.response
    except NotInTheLab:
        return "NotInTheLab", 0
    metadata = answer["ResponseMetadata"]
    return answer.get("Error", {}).get("Code", ""), metadata["HTTPStatusCode"]


def _wrong_answers(lab: Lab, client: Any, service: str) -> dict[str, tuple[str, int, str]]:
    """Every operation that was not read for what it is, or not refused as AWS refuses it."""
    wrong = {}
    loopback = "127.0.0.1" in client.meta.endpoint_url
    for operation in _operations(service):
        expected = (*DENIED[service], SAME_REQUEST.get(operation, operation))
        if (service, operation) in ALLOWED:
            expected = ("", 200, operation)
        elif (service, operation) in OTHERWISE:
            expected = (*OTHERWISE[service, operation][:2], operation)
        code, status = _answer(client, operation)
        read = lab.trail.records[-1].operation
        if (service, operation) in ELSEWHERE:
            expected = ELSEWHERE[service, operation][:2] if loopback else ("NotInTheLab", 0)
            expected = (*expected, read)
        if (code, status, read) != expected:
            wrong[operation] = (code, status, read)
    return wrong


@pytest.mark.parametrize("service", DENIED)
def test_a_user_without_policies_is_denied_everything(
    lab: Lab, reached: list[str], service: str
) -> None:
    client = lab.session("user/nobody").client(BOTOCORE_NAMES.get(service, service), config=QUICK)
    assert _wrong_answers(lab, client, service) == {}
    assert set(reached) <= {name for of, name in ALLOWED if of == service}


@pytest.mark.parametrize("service", DENIED)
def test_nor_is_there_a_way_over_loopback(lab: Lab, reached: list[str], service: str) -> None:
    config = QUICK.merge(Config(inject_host_prefix=False))
    session = lab.session("user/nobody")
    client = session.client(
        BOTOCORE_NAMES.get(service, service), config=config, endpoint_url=lab.serve()
    )
    assert _wrong_answers(lab, client, service) == {}
    assert set(reached) <= {name for of, name in ALLOWED if of == service}


def test_every_operation_of_every_served_service_was_tried() -> None:
    assert set(DENIED) == set(SERVICES)
    everything = [(service, name) for service in DENIED for name in _operations(service)]
    assert len(everything) >= 1400  # 1,460 in botocore 1.44.8
    assert set(ALLOWED) | set(OTHERWISE) | set(ELSEWHERE) <= set(everything)
