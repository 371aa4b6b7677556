"""The same gate over loopback HTTP."""

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError


@pytest.fixture
def url(lab: Any) -> Iterator[str]:
    yield lab.serve(quiet=True)


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


def _raw(url: str, host: str, path: str = "/", method: str = "GET") -> tuple[int, bytes, Any]:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port or 0, timeout=10)
    connection.request(method, path, headers={"Host": host, "Origin": "https://evil.example"})
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


def _say(url: str, *lines: str, body: bytes = b"", close: bool = False) -> bytes:
    """Send these lines as they stand and return all that comes back."""
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port), timeout=10) as wire:
        wire.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        if close:
            return b""
        wire.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: wire.recv(65536), b""))


@pytest.fixture
def bucket(lab: Any, url: str) -> str:
    """A bucket that anyone may read and write, so that a request needs no signature."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="open")
    anyone = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    anyone["Resource"] = ["arn:aws:s3:::open", "arn:aws:s3:::open/*"]
    document = {"Version": "2012-10-17", "Statement": [anyone]}
    s3.delete_public_access_block(Bucket="open")
    s3.put_bucket_policy(Bucket="open", Policy=json.dumps(document))
    return "open"


# --- Who may talk to it ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "[::1]"]
)
def test_other_hosts_names_are_turned_away(lab: Any, url: str, host: str) -> None:
    """A web page that makes a browser call 127.0.0.1 under its own name gets nothing."""
    assert _raw(url, host)[0] == 403
    assert len(lab.history()) == 0


def test_its_own_names_are_answered(lab: Any, url: str) -> None:
    port = urlsplit(url).port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "LOCALHOST", f"open.localhost:{port}"):
        assert b"AccessDenied" in _raw(url, host)[1]
    assert b"403" in _say(url, "GET / HTTP/1.1")
    assert b"403" in _say(url, "GET / HTTP/1.1", "Host: localhost", "Host: evil.example")


def test_only_this_machine_can_reach_it(lab: Any, url: str) -> None:
    """It listens on 127.0.0.1 and on none of this machine's other addresses."""
    port = urlsplit(url).port or 0
    assert lab._endpoint._server.server_address == ("127.0.0.1", port)
    others = {"127.0.0.2"}
    with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: it only picks an address
        others.add(probe.getsockname()[0])
    for address in others - {"127.0.0.1", "0.0.0.0"}:
        with socket.socket() as wire:
            wire.settimeout(2)
            assert wire.connect_ex((address, port)) != 0, address


@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
def test_no_page_of_another_site_may_read_an_answer(bucket: str, url: str, method: str) -> None:
    """Not even if the bucket's own rules allow it: that would open the lab to any page."""
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    boto3.client("s3").put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    boto3.client("s3").put_object(Bucket=bucket, Key="a", Body=b"1")
    _, _, headers = _raw(url, urlsplit(url).netloc, f"/{bucket}/a", method)
    assert not [name for name in headers if name.lower().startswith("access-control-")]


def test_an_unsigned_or_unknown_request_is_refused(lab: Any, url: str) -> None:
    status, body, _ = _raw(url, urlsplit(url).netloc, "/moto-api/data.json")
    assert (status, b"AccessDenied" in body) == (403, True)
    with pytest.raises(ClientError, match="501"):
        boto3.client("athena", endpoint_url=url).list_work_groups()


# --- Requests of every shape ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Content-Length: -5"], 400),
        (["Content-Length: 5x"], 400),
        (["Content-Length: ²"], 400),
        (["Content-Length: 999999999999"], 413),
        (["Transfer-Encoding: gzip"], 400),
        (["Transfer-Encoding: chunked", "Content-Length: 3"], 400),
    ],
    ids=lambda value: str(value),
)
def test_a_length_that_cannot_be_is_refused(url: str, lines: list[str], status: int) -> None:
    answer = _say(url, "PUT /open/a HTTP/1.1", "Host: localhost", *lines, body=b"abc")
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("chunks", [b"-1\r\na\r\n0\r\n\r\n", b"zz\r\n", b"0x3\r\nabc\r\n"])
def test_a_chunk_that_cannot_be_is_refused(url: str, chunks: bytes) -> None:
    head = ("PUT /open/a HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked")
    assert _say(url, *head, body=chunks).startswith(b"HTTP/1.1 400 ")


def test_a_body_in_chunks_with_trailers(bucket: str, url: str) -> None:
    head = ("PUT /open/a HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked")
    body = b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nx-trailer: 1\r\n\r\n"
    assert _say(url, *head, "Connection: close", body=body).startswith(b"HTTP/1.1 200 ")
    found = boto3.client("s3").get_object(Bucket=bucket, Key="a")["Body"].read()
    assert found == b"abc0123456789"


@pytest.mark.parametrize(
    ("way", "body"),
    [
        (
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            b"5;chunk-signature=ad80\r\nhello\r\n0;chunk-signature=b681\r\n\r\n",
        ),
        (
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            b"3\r\nhel\r\n2\r\nlo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
        ),
        (
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            b"5;chunk-signature=ad80\r\nhello\r\n0;chunk-signature=b681\r\n"
            b"x-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:63bd\r\n\r\n",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_an_sdk_sends_in_parts(bucket: str, url: str, way: str, body: bytes) -> None:
    """ "Signature calculations … transferring payload in multiple chunks", Amazon S3 API Reference:
    the parts' own signatures are not what is stored, nor is aws-chunked its encoding."""
    head = [
        "PUT /open/a HTTP/1.1",
        "Host: localhost",
        "Content-Encoding: aws-chunked",
        "Content-Type: text/plain",
        f"x-amz-content-sha256: {way}",
        "x-amz-decoded-content-length: 5",
        "x-amz-trailer: x-amz-checksum-crc32",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    assert _say(url, *head, body=body).startswith(b"HTTP/1.1 200 ")
    found = boto3.client("s3").get_object(Bucket=bucket, Key="a")
    assert found["Body"].read() == b"hello"
    assert "aws-chunked" not in found.get("ContentEncoding", "")


def test_a_client_that_waits_is_told_once_to_go_on(bucket: str, url: str) -> None:
    head = ["PUT /open/a HTTP/1.1", "Host: localhost", "Content-Length: 3", "Connection: close"]
    answer = _say(url, *head, "Expect: 100-continue", body=b"abc")
    assert answer.count(b"100 Continue") == 1 and b"HTTP/1.1 200 " in answer
    head[2] = "Content-Length: 999999999999"  # and not at all if the body will not be read
    assert b"100 Continue" not in _say(url, *head, "Expect: 100-continue")


def test_a_client_that_hangs_up_changes_nothing(
    bucket: str, url: str, lab: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    before = len(lab.history())
    head = ("PUT /open/half HTTP/1.1", "Host: localhost")
    _say(url, *head, "Content-Length: 100", body=b"half", close=True)
    assert _say(url, *head, "Content-Length: 100", body=b"half") == b""
    assert _say(url, *head, "Transfer-Encoding: chunked", body=b"9\r\nhalf") == b""
    for _ in range(20):  # asks for much, and does not wait for the answer
        _say(url, "GET /open HTTP/1.1", "Host: localhost", close=True)
    assert boto3.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert "half" not in str(lab.history()["resource"][before:].tolist())
    assert capfd.readouterr() == ("", "")  # nothing on the learner's screen


def test_many_requests_on_one_connection_and_on_many(bucket: str, url: str) -> None:
    where = urlsplit(url)

    def work(number: int) -> int:
        wire = http.client.HTTPConnection(where.hostname or "", where.port or 0, timeout=60)
        for turn in range(3):
            wire.request("PUT", f"/open/{number}-{turn}", body=b"x" * number)
            answer = wire.getresponse()
            answer.read()
            assert answer.status == 200
        return number

    with ThreadPoolExecutor(40) as pool:
        assert list(pool.map(work, range(40))) == list(range(40))
    assert boto3.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 120


def test_names_with_every_character_are_signed_alike(lab: Any, url: str) -> None:
    s3 = boto3.client("s3", endpoint_url=url)
    s3.create_bucket(Bucket="reports")
    for key in ("a b", "a+b", "ü/é", "a%20b", "a//b", "~!*'();:@&=+$,?#[]", "trailing/", "a\\b"):
        s3.put_object(Bucket="reports", Key=key, Body=key.encode(), Metadata={"k": "v v"})
        assert s3.get_object(Bucket="reports", Key=key)["Body"].read() == key.encode()
        link = s3.generate_presigned_url("get_object", {"Bucket": "reports", "Key": key})
        assert requests.get(link, timeout=10).content == key.encode(), key
    iam = boto3.client("iam", endpoint_url=url)
    iam.create_user(UserName="a+b=c,d.e@f-g", Path="/x/y/", Tags=[{"Key": "ü é", "Value": "+ /"}])
    assert iam.list_user_tags(UserName="a+b=c,d.e@f-g")["Tags"] == [{"Key": "ü é", "Value": "+ /"}]


def test_a_bucket_may_stand_in_the_hosts_name(lab: Any, url: str) -> None:
    """As SDKs write it when the endpoint is http://localhost:PORT."""
    port = urlsplit(url).port
    virtual = Config(s3={"addressing_style": "virtual"})
    s3 = boto3.client("s3", endpoint_url=f"http://localhost:{port}", config=virtual)
    boto3.client("s3").create_bucket(Bucket="reports")
    link = s3.generate_presigned_url("put_object", {"Bucket": "reports", "Key": "q/3.csv"})
    host = f"reports.localhost:{port}"
    assert urlsplit(link).netloc == host
    at_loopback = link.replace(host, f"127.0.0.1:{port}")  # not every system resolves that name
    assert requests.put(at_loopback, b"1", headers={"Host": host}, timeout=10).status_code == 200
    assert boto3.client("s3").get_object(Bucket="reports", Key="q/3.csv")["Body"].read() == b"1"


# --- Its end --------------------------------------------------------------------------------


def test_a_connection_that_was_kept_open_ends_with_the_lab() -> None:
    """Else it would lead from the old lab's address into the next lab's accounts."""
    import iamlab

    with iamlab.start() as lab:
        where = urlsplit(lab.serve(quiet=True))
        wire = http.client.HTTPConnection(where.hostname or "", where.port or 0, timeout=5)
        wire.request("GET", "/")
        assert wire.getresponse().read()
        wire.auto_open = False
    with iamlab.start() as lab:
        with pytest.raises((OSError, http.client.HTTPException)):
            wire.request("GET", "/")
            wire.getresponse()
        assert len(lab.history()) == 0


def test_it_stops_with_the_lab() -> None:
    import iamlab

    lab = iamlab.start()
    where = urlsplit(lab.serve(quiet=True))
    lab.stop()
    with pytest.raises(OSError):
        http.client.HTTPConnection(where.hostname or "", where.port or 0, timeout=2).request(
            "GET", "/"
        )
