"""The same gate over loopback HTTP."""

import http.client
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def url(lab: Any) -> Iterator[str]:
    yield lab.serve()


def test_one_account_state_for_both_ways(lab: Any, url: str) -> None:
    boto3.client("iam", endpoint_url=url).create_user(UserName="ana")
    assert boto3.client("iam").get_user(UserName="ana")["User"]["UserName"] == "ana"
    assert list(lab.history()["action"]) == ["iam:CreateUser", "iam:GetUser"]


def test_every_style_of_service(lab: Any, url: str) -> None:
    def client(name: str) -> Any:
        return boto3.client(name, endpoint_url=url)

    client("s3").create_bucket(Bucket="reports")
    client("s3").put_object(Bucket="reports", Key="a b/ü", Body=b"x" * 100_000)
    assert client("s3").get_object(Bucket="reports", Key="a b/ü")["Body"].read() == b"x" * 100_000
    assert client("s3").head_object(Bucket="reports", Key="a b/ü")["ContentLength"] == 100_000
    queue = client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    assert queue.endswith("/111122223333/jobs")
    client("sqs").send_message(QueueUrl=queue, MessageBody="1")
    assert client("ec2").describe_instances()["Reservations"] == []
    assert client("dynamodb").list_tables()["TableNames"] == []
    assert client("lambda").list_functions()["Functions"] == []
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    assert client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyId"] == key


def test_denials_are_the_same_on_both_ways(lab: Any, url: str) -> None:
    boto3.client("iam").create_user(UserName="nobody")
    session = lab.session("user/nobody")
    answers = []
    for endpoint in (None, url):
        with pytest.raises(ClientError) as denied:
            session.client("iam", endpoint_url=endpoint).list_users()
        answers.append(denied.value.response["Error"])
    assert answers[0] == answers[1]
    assert answers[0]["Code"] == "AccessDenied"


def _raw(url: str, host: str, path: str = "/") -> tuple[int, bytes]:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port or 0, timeout=5)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_other_hosts_names_are_turned_away(lab: Any, url: str) -> None:
    """A web page that makes a browser call 127.0.0.1 under its own name gets nothing."""
    assert _raw(url, "evil.example")[0] == 403
    assert b"AccessDenied" in _raw(url, urlsplit(url).netloc)[1]


def test_only_this_machine_can_reach_it(lab: Any, url: str) -> None:
    assert lab._endpoint._server.server_address[0] == "127.0.0.1"


def test_an_unsigned_or_unknown_request_is_refused(lab: Any, url: str) -> None:
    status, body = _raw(url, urlsplit(url).netloc, "/moto-api/data.json")
    assert (status, b"AccessDenied" in body) == (403, True)
    with pytest.raises(ClientError, match="501"):
        boto3.client("athena", endpoint_url=url).list_work_groups()


def test_it_stops_with_the_lab() -> None:
    import iamlab

    lab = iamlab.start()
    where = urlsplit(lab.serve())
    lab.stop()
    with pytest.raises(OSError):
        http.client.HTTPConnection(where.hostname or "", where.port or 0, timeout=2).request(
            "GET", "/"
        )
