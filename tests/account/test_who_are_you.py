"""Who are you: iam_evaluation §10's table, seen through plain boto3 for every served service."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

import iamlab

ONCE = Config(retries={"max_attempts": 0})
# A harmless call of each service.
HARMLESS = {
    "iam": lambda c: c.list_users(),
    "sts": lambda c: c.get_caller_identity(),
    "s3": lambda c: c.list_buckets(),
    "ec2": lambda c: c.describe_instances(),
    "dynamodb": lambda c: c.list_tables(),
    "sqs": lambda c: c.list_queues(),
    "kms": lambda c: c.list_keys(),
    "secretsmanager": lambda c: c.list_secrets(),
    "lambda": lambda c: c.list_functions(),
    "organizations": lambda c: c.list_roots(),
}
QUERY, S3, EC2 = ("iam", "sts", "sqs"), ("s3",), ("ec2",)
JSON, REST = ("dynamodb", "kms", "secretsmanager", "organizations"), ("lambda",)
# reason -> services -> (code, HTTP status). The JSON and REST rows are [M] in §10.
TABLE: dict[str, list[tuple[tuple[str, ...], str, int]]] = {
    "unknown": [
        (QUERY, "InvalidClientTokenId", 403),
        (S3, "InvalidAccessKeyId", 403),
        (EC2, "AuthFailure", 401),
        (JSON, "UnrecognizedClientException", 400),
        (REST, "UnrecognizedClientException", 403),
    ],
    "signature": [
        (QUERY, "SignatureDoesNotMatch", 403),
        (S3, "SignatureDoesNotMatch", 403),
        (EC2, "AuthFailure", 401),
        (JSON, "InvalidSignatureException", 400),
        (REST, "InvalidSignatureException", 403),
    ],
    "expired": [
        (QUERY, "ExpiredToken", 403),
        (S3, "ExpiredToken", 400),
        (EC2, "RequestExpired", 400),
        (JSON, "ExpiredTokenException", 400),
        (REST, "ExpiredTokenException", 403),
    ],
    "token": [
        (QUERY, "InvalidClientTokenId", 403),
        (S3, "InvalidToken", 400),
        (EC2, "AuthFailure", 401),
        (JSON, "UnrecognizedClientException", 400),
        (REST, "UnrecognizedClientException", 403),
    ],
}
ROWS = [
    (reason, service, code, status)
    for reason, groups in TABLE.items()
    for services, code, status in groups
    for service in services
]
TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
    '"Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]}'
)
ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


@pytest.fixture
def lab() -> Iterator[Any]:
    with iamlab.start() as lab:
        yield lab


@pytest.fixture
def key(lab: Any) -> dict[str, str]:
    iam = boto3.client("iam")
    iam.create_user(UserName="ana")
    iam.put_user_policy(UserName="ana", PolicyName="all", PolicyDocument=ALL)
    return iam.create_access_key(UserName="ana")["AccessKey"]


def _role_credentials() -> dict[str, Any]:
    iam = boto3.client("iam")
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="reader", PolicyName="all", PolicyDocument=ALL)
    return boto3.client("sts").assume_role(
        RoleArn="arn:aws:iam::111122223333:role/reader", RoleSessionName="morning"
    )["Credentials"]


def _client(service: str, key_id: str, secret: str, token: str | None = None) -> Any:
    return boto3.client(
        service,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=ONCE,
    )


def _refused(service: str, client: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as refused:
        HARMLESS[service](client)
    answer = refused.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(("reason", "service", "code", "status"), ROWS)
def test_refusals(
    lab: Any, key: dict[str, str], reason: str, service: str, code: str, status: int
) -> None:
    """§10: code and HTTP status of each style."""
    if reason == "unknown":
        client = _client(service, "AKIAIOSFODNN7EXAMPLE", "x" * 40)
    elif reason == "signature":
        client = _client(service, key["AccessKeyId"], "x" * 40)
    else:
        made = _role_credentials()
        token = made["SessionToken"]
        if reason == "token":
            token = token[:-8] + "AAAAAAAA"
        else:
            lab.clock.advance(hours=1)
        client = _client(service, made["AccessKeyId"], made["SecretAccessKey"], token)
    assert _refused(service, client) == (code, status)
    assert lab.history().iloc[-1]["decision"] == "refused"
    assert lab.why().code == code


@pytest.mark.parametrize("service", HARMLESS)
def test_accepted_credentials_work(lab: Any, key: dict[str, str], service: str) -> None:
    """The table's calls are answered when nothing is wrong: the refusals are not for all."""
    if service == "organizations":
        boto3.client("organizations").create_organization()
    HARMLESS[service](_client(service, key["AccessKeyId"], key["SecretAccessKey"]))
    made = _role_credentials()
    parts = made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]
    HARMLESS[service](_client(service, *parts))


def test_inactive_deleted_and_reactivated_keys(lab: Any, key: dict[str, str]) -> None:
    """§10 and lesson 01: inactive is refused but can come back; deleted is for ever."""
    iam, sts = boto3.client("iam"), _client("sts", key["AccessKeyId"], key["SecretAccessKey"])
    sts.get_caller_identity()
    iam.update_access_key(UserName="ana", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert _refused("sts", sts) == ("InvalidClientTokenId", 403)
    iam.update_access_key(UserName="ana", AccessKeyId=key["AccessKeyId"], Status="Active")
    assert sts.get_caller_identity()["Arn"].endswith("user/ana")
    iam.delete_access_key(UserName="ana", AccessKeyId=key["AccessKeyId"])
    assert _refused("sts", sts) == ("InvalidClientTokenId", 403)


def test_temporary_keys_without_their_token(lab: Any) -> None:
    """A session's key and secret are worth nothing without the token."""
    made = _role_credentials()
    client = _client("sts", made["AccessKeyId"], made["SecretAccessKey"])
    assert _refused("sts", client) == ("InvalidClientTokenId", 403)


def test_the_token_of_another_session(lab: Any) -> None:
    """A token belongs to one key."""
    first, second = _role_credentials(), None
    second = boto3.client("sts").assume_role(
        RoleArn="arn:aws:iam::111122223333:role/reader", RoleSessionName="evening"
    )["Credentials"]
    client = _client("s3", first["AccessKeyId"], first["SecretAccessKey"], second["SessionToken"])
    assert _refused("s3", client) == ("InvalidToken", 400)


def test_a_token_with_a_long_term_key(lab: Any, key: dict[str, str]) -> None:
    """A long-term key has no token; one that is sent along is refused."""
    client = _client("sts", key["AccessKeyId"], key["SecretAccessKey"], "nonsense")
    assert _refused("sts", client) == ("InvalidClientTokenId", 403)


@pytest.mark.parametrize("service", sorted(set(HARMLESS) - {"s3"}))
def test_unsigned_calls(lab: Any, service: str) -> None:
    """Only S3 takes anonymous calls, and there policies decide."""
    client = boto3.client(service, config=Config(signature_version=UNSIGNED))
    code, _ = _refused(service, client)
    assert code in (
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "MissingParameter",
    )


def test_anonymous_s3(lab: Any) -> None:
    """§4: "*" in a bucket policy is anybody, an anonymous caller too."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="open-data")
    s3.put_object(Bucket="open-data", Key="a.txt", Body=b"hello")
    anonymous = boto3.client("s3", config=Config(signature_version=UNSIGNED))
    with pytest.raises(ClientError, match="Access Denied"):
        anonymous.get_object(Bucket="open-data", Key="a.txt")
    s3.put_bucket_policy(
        Bucket="open-data",
        Policy='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",'
        '"Action":"s3:GetObject","Resource":"arn:aws:s3:::open-data/*"}]}',
    )
    assert anonymous.get_object(Bucket="open-data", Key="a.txt")["Body"].read() == b"hello"


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls(lab: Any, version: str) -> None:
    """A presigned URL works until its time on the lab's clock is over, and not when changed."""
    import requests

    s3 = boto3.client("s3", config=Config(signature_version=version))
    s3.create_bucket(Bucket="reports")
    s3.put_object(Bucket="reports", Key="q3 ü.csv", Body=b"1,2")
    url = s3.generate_presigned_url(
        "get_object", Params={"Bucket": "reports", "Key": "q3 ü.csv"}, ExpiresIn=600
    )
    assert requests.get(url).content == b"1,2"
    other = requests.get(url.replace("q3", "q4"))
    assert (other.status_code, b"SignatureDoesNotMatch" in other.content) == (403, True)
    lab.clock.advance(minutes=11)
    late = requests.get(url)
    assert (late.status_code, b"Request has expired" in late.content) == (403, True)


def test_presigned_post_is_not_a_way_round(lab: Any) -> None:
    """A browser form upload is an S3 call too: unsigned, it is anonymous."""
    import requests

    boto3.client("s3").create_bucket(Bucket="reports")
    answer = requests.post(
        "https://reports.s3.amazonaws.com/", data={"key": "x"}, files={"file": b"1"}
    )
    assert answer.status_code in (400, 403)
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket="reports")


def test_a_changed_request_is_refused(lab: Any, key: dict[str, str]) -> None:
    """The signature covers what is asked: a body changed on the way does not pass."""
    client = _client("iam", key["AccessKeyId"], key["SecretAccessKey"])

    def change(request: Any, **_: Any) -> None:
        request.body = request.body.replace("ListUsers", "ListRoles")

    client.meta.events.register_first("before-send.iam.ListUsers", change)
    assert _refused("iam", client) == ("SignatureDoesNotMatch", 403)


def test_a_signature_for_another_service(lab: Any, key: dict[str, str]) -> None:
    """A signature is for one service."""
    client = boto3.client(
        "iam",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        config=ONCE,
    )
    client.meta.events.register("choose-signer.iam.*", lambda **_: None)
    client._request_signer._signing_name = "s3"
    code, status = _refused("iam", client)
    assert (code, status) == ("SignatureDoesNotMatch", 403)


def test_the_account_header_of_moto_is_no_way_into_another_account(
    lab: Any, key: dict[str, str]
) -> None:
    """moto's own header must not choose the account."""
    lab.account("444455556666").client("iam").create_user(UserName="secret-user")
    client = _client("iam", key["AccessKeyId"], key["SecretAccessKey"])

    def add(request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = "444455556666"

    client.meta.events.register_first("before-send.iam.ListUsers", add)
    names = {user["UserName"] for user in client.list_users()["Users"]}
    assert names == {"administrator", "ana"}
