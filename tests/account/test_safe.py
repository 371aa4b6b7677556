"""Safe: no packet leaves for anything but loopback, no real credential is read, all is put back."""

import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import botocore.auth
import botocore.credentials
import botocore.httpsession
import moto.core.utils
import moto.iam.models
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import iamlab

CANARY = "AKIACANARYCANARY1234"
# Runs before anything else in a child process: notes every file opened and every address that
# a socket is connected to or a name that is looked up, from C code too.
WATCH = """
import sys, os
opened, reached = [], []
def watch(event, args):
    if event == "open" and isinstance(args[0], str):
        opened.append(args[0])
    elif event == "socket.connect":
        reached.append(str(args[1]))
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        reached.append(str(args[0] if event != "socket.sendto" else args[1]))
sys.addaudithook(watch)
"""
REPORT = """
home = os.path.expanduser("~")
aws = [p for p in opened if os.sep + ".aws" + os.sep in p or p.endswith(".boto")]
away = [a for a in reached if "127.0.0.1" not in a and "localhost" not in a]
assert not aws, aws
assert not away, away
print("clean")
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder full of real-looking credentials."""
    aws = tmp_path / ".aws"
    (aws / "sso" / "cache").mkdir(parents=True)
    (aws / "credentials").write_text(
        f"[default]\naws_access_key_id={CANARY}\naws_secret_access_key=canary\n"
        f"[work]\naws_access_key_id={CANARY}\naws_secret_access_key=canary\n"
    )
    (aws / "config").write_text(
        "[default]\nregion=eu-central-1\nendpoint_url=https://real.example.com\n"
        "[profile work]\ncredential_process=/bin/false\n"
    )
    (tmp_path / ".boto").write_text("[Credentials]\naws_access_key_id=canary\n")
    return tmp_path


def _child(program: str, home: Path, **environment: str) -> str:
    code = WATCH + textwrap.dedent(program) + REPORT
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "HOME": str(home),
            "USERPROFILE": str(home),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip().endswith("clean"), result.stdout
    return result.stdout


EVERYTHING = {
    "AWS_ACCESS_KEY_ID": CANARY,
    "AWS_SECRET_ACCESS_KEY": "canary",
    "AWS_SESSION_TOKEN": "canary",
    "AWS_PROFILE": "work",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "canary",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/token",
    "AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/real",
    "AWS_ENDPOINT_URL_IAM": "https://real.example.com",
    "AWS_CA_BUNDLE": "/nowhere/ca.pem",
}


@pytest.mark.parametrize("environment", [{}, EVERYTHING], ids=["files only", "everything"])
def test_no_real_credential_is_read_and_nothing_leaves(
    home: Path, environment: dict[str, str]
) -> None:
    """Before, during: the audit hook sees every open() and every connection."""
    _child(
        """
        import iamlab, boto3
        lab = iamlab.start()
        assert boto3.client("sts").get_caller_identity()["Account"] == lab.account_id
        boto3.client("iam").create_user(UserName="ana")
        boto3.client("s3").create_bucket(Bucket="reports")
        boto3.resource("s3").Bucket("reports").put_object(Key="a", Body=b"1")
        session = lab.session("user/ana")
        try:
            session.client("dynamodb").list_tables()
        except session.client("dynamodb").exceptions.ClientError:
            pass
        else:
            raise AssertionError("allowed")
        assert boto3.Session().get_credentials().access_key.startswith("AKIA")
        assert boto3.Session().get_credentials().access_key != "CANARY"
        """.replace("CANARY", CANARY),
        home,
        **environment,
    )


def test_serving_reads_and_reaches_nothing_of_the_learners(home: Path) -> None:
    """Its settings files are in a folder of its own; not even its own name is asked of DNS."""
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    _child(
        """
        import iamlab, boto3, urllib.request
        lab = iamlab.start()
        url = lab.serve(quiet=True)
        assert boto3.Session(profile_name="default").client("sts").get_caller_identity()
        assert boto3.Session().available_profiles == ["default"]
        client = boto3.client("iam", endpoint_url=url)
        client.create_user(UserName="ana")
        assert "iamlab" in lab.shell()
        lab.reset()
        lab.stop()
        """,
        home,
        **EVERYTHING,
    )
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_a_client_made_before_start_is_caught(home: Path) -> None:
    """It was made with real keys in the environment: the lab does not know them."""
    _child(
        f"""
        import boto3
        old = boto3.client("iam", region_name="us-east-1",
            endpoint_url="https://iam.amazonaws.com",
            aws_access_key_id="{CANARY}", aws_secret_access_key="canary")
        import iamlab
        lab = iamlab.start()
        try:
            old.list_users()
        except old.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "InvalidClientTokenId", error
        else:
            raise AssertionError("answered")
        opened.clear()  # boto3 alone, before the lab, may read what it likes
        """,
        home,
    )


def test_settings_come_back(home: Path) -> None:
    """After stop() the environment and boto3's default session are the learner's own again."""
    _child(
        """
        import boto3, iamlab
        before = dict(os.environ)
        mine = boto3.Session("x", "y", region_name="eu-west-1")
        boto3.DEFAULT_SESSION = mine
        lab = iamlab.start()
        assert os.environ["AWS_ACCESS_KEY_ID"] != before["AWS_ACCESS_KEY_ID"]
        assert "AWS_PROFILE" not in os.environ
        lab.stop()
        assert dict(os.environ) == before
        assert boto3.DEFAULT_SESSION is mine
        opened.clear()
        """,
        home,
        **EVERYTHING,
    )


def test_every_patch_is_put_back() -> None:
    """stop() leaves botocore, moto, requests and socket as it found them."""
    import socket

    import requests.adapters

    def seen() -> list[Any]:
        return [
            botocore.httpsession.URLLib3Session.send,
            botocore.credentials.RefreshableCredentials._seconds_remaining,
            botocore.auth.get_current_datetime,
            botocore.auth.HmacV1QueryAuth._get_date,
            moto.core.utils.utcnow,
            moto.iam.models.utcnow,
            moto.iam.models.User.__init__,
            requests.adapters.HTTPAdapter.send,
            socket.getaddrinfo,
            socket.socket.connect,
            "connect" in vars(socket.socket),
        ]

    before = seen()
    lab = iamlab.start()
    during = seen()
    lab.stop()
    assert seen() == before
    assert sum(a != b for a, b in zip(before, during, strict=True)) == len(before)


def test_a_module_imported_while_the_lab_ran_keeps_no_lab_clock() -> None:
    """moto's modules are loaded when first used: they must not keep a dead lab's clock."""
    program = """
    import iamlab, boto3, datetime
    lab = iamlab.start()
    lab.clock.advance(days=1000)
    boto3.client("sqs").create_queue(QueueName="q")
    boto3.client("kms").create_key()
    lab.stop()
    import moto.kms.models, moto.sqs.models
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    assert abs((moto.kms.models.utcnow() - now).total_seconds()) < 60
    """
    code = textwrap.dedent(program)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.example.com",
        "http://10.1.2.3:9000",
        "https://iam.amazonaws.com.evil.example",
    ],
)
def test_a_foreign_endpoint_is_refused_with_clear_words(url: str) -> None:
    """Nothing is sent; the message says what to do."""
    once = Config(retries={"max_attempts": 0})
    with (
        iamlab.start(),
        pytest.raises(BotoCoreError, match=r"lab is running.*lab\.stop"),
    ):
        boto3.client("s3", endpoint_url=url, config=once).list_buckets()


def test_instance_metadata_has_no_credentials_to_give() -> None:
    """botocore's own fetchers find nothing, as on a machine that is no instance."""
    from botocore.utils import (
        ContainerMetadataFetcher,
        InstanceMetadataFetcher,
        MetadataRetrievalError,
    )

    with iamlab.start():
        os.environ.pop("AWS_EC2_METADATA_DISABLED")
        assert InstanceMetadataFetcher(num_attempts=1).retrieve_iam_role_credentials() == {}
        with pytest.raises(MetadataRetrievalError):
            ContainerMetadataFetcher(sleep=lambda _: None).retrieve_uri("/v2/credentials")


def test_on_an_instance_the_real_metadata_service_is_never_asked(home: Path) -> None:
    """Even on a machine that is an instance, or is behind a proxy: not one packet goes there."""
    _child(
        """
        import urllib.error, urllib.request
        import boto3, iamlab, requests
        lab = iamlab.start()
        url = "http://169.254.169.254/latest/meta-data/instance-id"
        made = boto3.client("ec2").run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
        instance = made["Instances"][0]["InstanceId"]
        def asked(call, error):
            try:
                call()
            except error as problem:
                assert "lab is running" in str(problem), problem
            else:
                raise AssertionError("answered")
        asked(lambda: requests.get(url, timeout=2), requests.ConnectionError)
        with lab.on_instance(instance):
            assert requests.get(url).text == instance
            assert boto3.Session().get_credentials() is None
            asked(lambda: urllib.request.urlopen(url, timeout=2), urllib.error.URLError)
        asked(lambda: requests.get(url, timeout=2), requests.ConnectionError)
        """,
        home,
        HTTP_PROXY="http://10.9.8.7:3128",
        NO_PROXY="intern.example",
        **EVERYTHING,
    )


def test_a_service_that_is_not_there_says_so() -> None:
    """And names what works."""
    with iamlab.start(), pytest.raises(NotImplementedError, match=r"athena.*It has iam, sts"):
        boto3.client("athena").list_work_groups()


def test_an_operation_that_moto_lacks_says_so() -> None:
    """Allowed, but not there: a clear error, no traceback from inside moto."""
    words = r"does not have iam:GetOrganizations.*these work: .*Get"
    with iamlab.start(), pytest.raises(ClientError, match=words):
        boto3.client("iam").get_organizations_access_report(JobId="0" * 36)


def test_other_programs_of_this_process_cannot_reach_aws() -> None:
    """urllib and bare sockets are stopped at the name; children get no way out in their
    environment."""
    import socket
    import urllib.error
    import urllib.request

    with iamlab.start():
        with pytest.raises(urllib.error.URLError, match="lab is running"):
            urllib.request.urlopen("https://sts.amazonaws.com/", timeout=2)
        with socket.socket() as bare, pytest.raises(OSError, match="lab is running"):
            bare.connect(("169.254.169.254", 80))
        assert os.environ["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")


def test_two_labs_one_after_the_other_share_nothing() -> None:
    """Users, keys and clients of the first are nothing in the second."""
    with iamlab.start():
        old = boto3.client("iam")
        old.create_user(UserName="ana")
    with iamlab.start():
        names = [user["UserName"] for user in boto3.client("iam").list_users()["Users"]]
        assert names == ["administrator"]
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            old.list_users()


def test_two_processes_share_nothing() -> None:
    """Two notebooks are two kernels: two accounts of the same number."""
    program = (
        "import iamlab, boto3; iamlab.start(); iam = boto3.client('iam');"
        "iam.create_user(UserName='ana'); print(len(iam.list_users()['Users']))"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [child.communicate(timeout=120)[0].strip() for child in children] == ["2", "2"]


def test_sixteen_threads() -> None:
    """A pool of clients: every answer right, every call recorded, no deadlock."""
    with iamlab.start() as lab:
        iam = boto3.client("iam")
        lock = threading.Lock()

        def work(number: int) -> str:
            with lock:  # making clients is not thread-safe in boto3 itself
                client = boto3.client("iam")
            client.create_user(UserName=f"user-{number}")
            return client.get_user(UserName=f"user-{number}")["User"]["UserName"]

        with ThreadPoolExecutor(16) as pool:
            made = list(pool.map(work, range(64)))
        assert made == [f"user-{number}" for number in range(64)]
        assert len(iam.list_users()["Users"]) == 65
        assert len(lab.history()) == 129


def test_mock_aws_inside_the_lab_is_refused() -> None:
    """It would wipe what the learner has made."""
    from moto import mock_aws

    with iamlab.start():
        boto3.client("iam").create_user(UserName="ana")
        with pytest.raises(RuntimeError, match="lab is running"), mock_aws():
            pass
        assert len(boto3.client("iam").list_users()["Users"]) == 2


def test_the_lab_inside_mock_aws_is_refused() -> None:
    """The other way round too; and nothing is left half changed."""
    from moto import mock_aws

    with mock_aws():
        with pytest.raises(RuntimeError, match="mock_aws is on"):
            iamlab.start()
        assert boto3.client("iam", region_name="us-east-1").list_users()["Users"] == []
    with iamlab.start() as lab:
        assert lab.account_id == "111122223333"
