"""The seam inside moto and botocore: if an upgrade moves it, one test says what moved."""

import inspect
from collections.abc import Callable
from typing import Any

import boto3
import botocore.auth
import botocore.configprovider
import botocore.credentials
import botocore.httpsession
import botocore.signers
import botocore.utils
import moto
import moto.backends
import moto.core.botocore_stubber
import moto.core.models
import moto.core.parse
import moto.core.routing
import moto.core.serialize
import moto.core.utils
import moto.iam.models
import moto.iam.responses
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.core.request import Request

import iamlab
from iamlab.account import seam


def _parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


# What the lab stands on, and what to look at when it is no longer so.
SEAM: list[tuple[str, Callable[[], bool]]] = [
    (
        "botocore no longer sends with URLLib3Session.send(request): the front door is open",
        lambda: _parameters(botocore.httpsession.URLLib3Session.send) == ["self", "request"],
    ),
    (
        "botocore no longer asks RefreshableCredentials._seconds_remaining how long credentials "
        "last: they would not follow the lab clock",
        lambda: (
            "_seconds_remaining" in vars(botocore.credentials.RefreshableCredentials)
            and callable(botocore.credentials._local_now)
        ),
    ),
    (
        "botocore no longer dates signatures with get_current_datetime: presigned URLs would not "
        "follow the lab clock",
        lambda: all(
            hasattr(module, "get_current_datetime")
            for module in (botocore.auth, botocore.signers, botocore.utils)
        ),
    ),
    (
        "botocore's ConfiguredEndpointProvider has no provide(): clients would follow "
        "AWS_ENDPOINT_URL, which the lab sets for other programs",
        lambda: _parameters(botocore.configprovider.ConfiguredEndpointProvider.provide) == ["self"],
    ),
    (
        "moto's server no longer wraps its views in convert_to_flask_response: server mode would "
        "go round the gate",
        lambda: "__call__" in vars(moto.core.utils.convert_to_flask_response),
    ),
    (
        "moto's BotocoreStubber.process_request(request) is gone: mock_aws would go round the gate",
        lambda: (
            _parameters(moto.core.botocore_stubber.BotocoreStubber.process_request)
            == ["self", "request"]
        ),
    ),
    (
        "moto.core.utils.utcnow is gone: moto's dates would not follow the lab clock",
        lambda: (
            callable(moto.core.utils.utcnow) and moto.iam.models.utcnow is moto.core.utils.utcnow
        ),
    ),
    (
        "moto no longer takes the account from the header x-moto-account-id: accounts would mix",
        lambda: (
            "x-moto-account-id"
            in inspect.getsource(moto.core.responses.BaseResponse.get_current_account)
        ),
    ),
    (
        "moto's Request.from_primitives(method, url, headers, body) has changed: allowed calls "
        "cannot be handed on",
        lambda: _parameters(Request.from_primitives)[:3] == ["method", "url", "headers"],
    ),
    (
        "moto's backends no longer list their handlers in .urls: allowed calls cannot be handed on",
        lambda: callable(
            next(iter(moto.backends.get_backend("iam")["111122223333"]["aws"].urls.values()))
        ),
    ),
    (
        "moto's IAM backend no longer keeps users, roles, groups, access_keys and "
        "managed_policies as dictionaries: the gate cannot find policies",
        lambda: all(
            isinstance(getattr(moto.backends.get_backend("iam")["111122223333"]["aws"], name), dict)
            for name in ("users", "roles", "groups", "access_keys", "managed_policies")
        ),
    ),
    (
        "moto's S3 no longer keeps bucket_accounts: the owner of a bucket cannot be found",
        lambda: isinstance(moto.backends.get_backend("s3").bucket_accounts, dict),
    ),
    (
        "moto's organizations no longer keep master_accounts: SCPs cannot be found",
        lambda: isinstance(moto.backends.get_backend("organizations").master_accounts, dict),
    ),
    (
        "moto's service router or serializers have moved: calls cannot be read or answered",
        lambda: (
            callable(moto.core.routing.get_service_router)
            and callable(moto.core.serialize.get_serializer_class)
            and "rest-xml" in moto.core.parse.PROTOCOL_PARSERS
        ),
    ),
]


@pytest.mark.parametrize(("sentence", "stands"), SEAM, ids=[row[0][:40] for row in SEAM])
def test_the_seam_is_where_it_was(sentence: str, stands: Callable[[], bool]) -> None:
    try:
        holds = stands()
    except (AttributeError, ImportError, StopIteration) as error:
        pytest.fail(f"{sentence} ({error}). moto is {moto.__version__}.")
    assert holds, f"{sentence}. moto is {moto.__version__}."


def test_the_seam_test_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of move is noticed: a name that is gone, a signature that changed."""
    monkeypatch.delattr(moto.core.utils.convert_to_flask_response, "__call__")
    monkeypatch.setattr(
        botocore.httpsession.URLLib3Session, "send", lambda self, request, more: None
    )
    broken = [sentence for sentence, stands in SEAM if not stands()]
    assert len(broken) == 2


def test_moto_is_the_minor_version_that_was_read() -> None:
    assert moto.__version__.startswith("5.2."), (
        f"moto is {moto.__version__}; the seam was read in 5.2. Read iamlab/account/seam.py again."
    )


def test_moto_s_server_mode_passes_the_gate() -> None:
    """ThreadedMotoServer in the same process, its own /moto-api pages included."""
    import boto3
    import requests
    from botocore.exceptions import ClientError
    from moto.server import ThreadedMotoServer

    with iamlab.start() as lab:
        boto3.client("iam").create_user(UserName="nobody")
        session = lab.session("user/nobody")
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        try:
            url = "http://{}:{}".format(*server.get_host_and_port())
            with pytest.raises(ClientError, match="not authorized to perform: iam:ListUsers"):
                session.client("iam", endpoint_url=url).list_users()
            names = boto3.client("iam", endpoint_url=url).list_users()["Users"]
            assert [user["UserName"] for user in names] == ["administrator", "nobody"]
            assert requests.post(f"{url}/moto-api/reset").status_code in (400, 403)
            assert len(boto3.client("iam").list_users()["Users"]) == 2
        finally:
            server.stop()


def test_unique_ids_begin_as_aws_writes_them() -> None:
    """Source: "IAM identifiers", IAM User Guide."""
    import boto3

    with iamlab.start():
        iam = boto3.client("iam")
        assert iam.create_user(UserName="a")["User"]["UserId"].startswith("AIDA")
        assert iam.create_group(GroupName="g")["Group"]["GroupId"].startswith("AGPA")
        profile = iam.create_instance_profile(InstanceProfileName="p")["InstanceProfile"]
        assert profile["InstanceProfileId"].startswith("AIPA")
        assert iam.create_access_key(UserName="a")["AccessKey"]["AccessKeyId"].startswith("AKIA")


def test_aws_managed_policies_are_loaded_only_when_asked_for() -> None:
    import boto3

    with iamlab.start() as lab:
        iam = boto3.client("iam")
        backend = lab.state.iam(lab.account_id)
        assert len(backend.managed_policies) == 1
        arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
        iam.create_user(UserName="ana")
        iam.attach_user_policy(UserName="ana", PolicyArn=arn)
        assert len(backend.managed_policies) == 2
        lab.session("user/ana").client("s3").list_buckets()
        pages = iam.get_paginator("list_policies").paginate(Scope="AWS")
        assert sum(len(page["Policies"]) for page in pages) > 1000
        attached = iam.list_attached_user_policies(UserName="ana")["AttachedPolicies"]
        assert [policy["PolicyArn"] for policy in attached] == [arn]


def test_state_version_grows_with_every_change_and_with_no_read() -> None:
    import boto3

    with iamlab.start() as lab:
        iam = boto3.client("iam")
        before = lab.state.version
        iam.list_users()
        iam.get_account_summary()
        boto3.client("s3").list_buckets()
        assert lab.state.version == before
        iam.create_user(UserName="a")
        assert lab.state.version > before


def test_from_botocore_reads_every_kind_of_body() -> None:
    import io

    class Sent:
        method, url = "PUT", "https://s3.amazonaws.com/b/k"

        def __init__(self, body: Any) -> None:
            self.body = body
            self.headers = {"X-Amz-Date": b"20261124T000000Z"}

    for body in (b"abc", "abc", bytearray(b"abc"), io.BytesIO(b"abc"), iter([b"a", b"bc"])):
        request = seam.from_botocore(Sent(body))
        assert request.body == b"abc"
        assert request.headers == {"x-amz-date": "20261124T000000Z"}
    assert seam.from_botocore(Sent(None)).body == b""


def test_an_operation_that_moto_lacks_does_nothing_else(lab: Any) -> None:
    """moto would take ?analytics for nothing and delete the bucket, ?renameObject for a new one."""
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    s3 = boto3.client("s3", config=config)
    s3.create_bucket(Bucket="reports")
    s3.put_object(Bucket="reports", Key="q3.csv", Body=b"1")
    for call, more in (
        ("delete_bucket_analytics_configuration", {"Id": "x"}),
        ("rename_object", {"Key": "q3.csv", "RenameSource": "other"}),
        ("update_object_encryption", {"Key": "q3.csv", "ObjectEncryption": {}}),
    ):
        with pytest.raises(ClientError) as refused:
            getattr(s3, call)(Bucket="reports", **more)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert s3.get_object(Bucket="reports", Key="q3.csv")["Body"].read() == b"1"
    with pytest.raises(ClientError, match="Close by, these work"):
        boto3.client("kms").generate_data_key_pair(KeyId="x", KeyPairSpec="RSA_2048")
