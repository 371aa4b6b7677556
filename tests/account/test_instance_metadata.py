"""The metadata service of an instance: both versions, the role's credentials, their rotation.

Source: "Use the Instance Metadata Service to access instance metadata", Amazon EC2 User Guide;
"Troubleshoot IAM and Amazon EC2", IAM User Guide.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError, NoCredentialsError

import iamlab
from tests.account.helpers import IAM, STS, World, allow, deny, outcome, policy, trusts

LINK_LOCAL = "http://169.254.169.254"
EC2 = {"Service": "ec2.amazonaws.com"}
ROLE = "latest/meta-data/iam/security-credentials/web"


@pytest.fixture
def lab() -> Iterator[Any]:
    with iamlab.start() as running:
        yield running


@pytest.fixture
def world(lab: Any) -> World:
    return World(lab)


@pytest.fixture
def launch(world: World) -> Callable[..., str]:
    """Make the role web and its profile, start an instance with it, return the instance's ID."""

    def make(trust: Any = EC2, profile: str | None = "web", **options: str) -> str:
        if profile == "web":
            world.role("web", allow("s3:*"), trust=(trusts(trust),))
            world.iam.create_instance_profile(InstanceProfileName="web")
            world.iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
        named = {"IamInstanceProfile": {"Name": profile}} if profile else {}
        made = world.admin("ec2").run_instances(
            ImageId="ami-12c6146b", MinCount=1, MaxCount=1, MetadataOptions=options, **named
        )
        return made["Instances"][0]["InstanceId"]

    return make


def token(ttl: str | None = "21600", **headers: str) -> requests.Response:
    if ttl is not None:
        headers["X-aws-ec2-metadata-token-ttl-seconds"] = ttl
    return requests.put(f"{LINK_LOCAL}/latest/api/token", headers=headers)


def get(path: str, with_token: str | None = None) -> requests.Response:
    headers = {} if with_token is None else {"X-aws-ec2-metadata-token": with_token}
    return requests.get(f"{LINK_LOCAL}/{path}", headers=headers)


def test_boto3_finds_the_role_with_no_keys_anywhere(lab: Any, world: World, launch: Any) -> None:
    """Its own InstanceMetadataProvider does it; the session is named like the instance."""
    world.bucket("reports")
    instance = launch(HttpTokens="required")
    before, session = dict(os.environ), boto3.DEFAULT_SESSION
    with lab.on_instance(instance):
        assert not [name for name in os.environ if "KEY" in name and name.startswith("AWS_")]
        me = boto3.client("sts").get_caller_identity()
        assert me["Arn"] == f"{STS}:assumed-role/web/{instance}"
        role_id = world.iam.get_role(RoleName="web")["Role"]["RoleId"]
        assert me["UserId"] == f"{role_id}:{instance}"
        assert boto3.Session().get_credentials().method == "iam-role"
        assert boto3.client("s3").get_object(Bucket="reports", Key="q3.csv")["Body"].read() == b"1"
        assert outcome(boto3.client("iam").list_users) == "denied"
    assert dict(os.environ) == before
    assert boto3.DEFAULT_SESSION is session
    assert boto3.client("sts").get_caller_identity()["Arn"] == f"{IAM}:user/administrator"


def test_the_two_steps_as_aws_documents_them(lab: Any, launch: Any) -> None:
    with lab.on_instance(launch(HttpTokens="required")):
        made = token()
        assert made.status_code == 200
        assert made.headers["X-aws-ec2-metadata-token-ttl-seconds"] == "21600"
        role = get("latest/meta-data/iam/security-credentials/", made.text)
        assert (role.status_code, role.text) == (200, "web")
        said = get(ROLE, made.text).json()
    assert list(said) == [
        *("Code", "LastUpdated", "Type", "AccessKeyId", "SecretAccessKey", "Token", "Expiration")
    ]
    assert (said["Code"], said["Type"], said["AccessKeyId"][:4]) == ("Success", "AWS-HMAC", "ASIA")
    signed = boto3.Session(said["AccessKeyId"], said["SecretAccessKey"], said["Token"])
    assert "assumed-role/web/" in signed.client("sts").get_caller_identity()["Arn"]


@pytest.mark.parametrize("ttl", [None, "", "0", "21601", "-5", "six", "1.5", "٣"])
def test_a_wrong_time_to_live_is_400(lab: Any, launch: Any, ttl: str | None) -> None:
    with lab.on_instance(launch()):
        sent = ttl.encode() if ttl else ttl
        assert token(sent).status_code == 400  # type: ignore[arg-type]


def test_version_1_is_refused_where_version_2_is_required(lab: Any, launch: Any) -> None:
    """No token, a made-up token: 401, and nothing is given away."""
    with lab.on_instance(launch(HttpTokens="required")):
        for answer in (get(ROLE), get(ROLE, "made-up"), get(ROLE, "")):
            assert answer.status_code == 401
            assert "401 - Unauthorized" in answer.text
            assert "ASIA" not in answer.text


def test_version_1_works_where_it_is_optional(lab: Any, launch: Any) -> None:
    """That is the default of RunInstances for an AMI that does not ask for version 2."""
    with lab.on_instance(launch()):
        assert get("latest/meta-data/iam/security-credentials/").text == "web"
        assert get(ROLE).json()["Code"] == "Success"
        assert get(ROLE, "made-up").status_code == 401  # [I] a wrong token is never passed over


def test_a_token_expires_on_the_lab_clock(lab: Any, launch: Any) -> None:
    with lab.on_instance(launch(HttpTokens="required")):
        short = token("60").text
        assert get("latest/meta-data/instance-id", short).status_code == 200
        lab.clock.advance(seconds=30)
        answer = get("latest/meta-data/instance-id", short)
        assert 1 <= int(answer.headers["X-aws-ec2-metadata-token-ttl-seconds"]) <= 30
        lab.clock.advance(seconds=31)
        assert get("latest/meta-data/instance-id", short).status_code == 401


def test_a_proxied_put_is_403(lab: Any, launch: Any) -> None:
    """X-Forwarded-For: an open proxy on the instance passes a stranger's request on."""
    with lab.on_instance(launch()):
        assert token(**{"X-Forwarded-For": "198.51.100.7"}).status_code == 403
        other = requests.put(f"{LINK_LOCAL}/2021-07-15/api/token", headers={
            "X-aws-ec2-metadata-token-ttl-seconds": "60"})  # fmt: skip
        assert other.status_code == 403


def test_a_disabled_endpoint_is_403(lab: Any, launch: Any) -> None:
    with lab.on_instance(launch(HttpEndpoint="disabled")):
        assert token().status_code == 403
        assert get(ROLE).status_code == 403
        with pytest.raises(NoCredentialsError):
            boto3.client("sts").get_caller_identity()


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH"])
def test_other_methods_are_405(lab: Any, launch: Any, method: str) -> None:
    """[I]"""
    with lab.on_instance(launch()):
        assert requests.request(method, f"{LINK_LOCAL}/latest/api/token").status_code == 405


def test_the_tree(lab: Any, launch: Any, world: World) -> None:
    """What an instance can ask about itself, and the names below a folder."""
    instance = launch()
    ec2 = world.admin("ec2")
    told = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    mac = told["NetworkInterfaces"][0]["MacAddress"]
    expected = {
        "meta-data/instance-id": instance,
        "meta-data/ami-id": "ami-12c6146b",
        "meta-data/instance-type": told["InstanceType"],
        "meta-data/placement/region": "us-east-1",
        "meta-data/placement/availability-zone": told["Placement"]["AvailabilityZone"],
        "meta-data/local-ipv4": told["PrivateIpAddress"],
        "meta-data/hostname": told["PrivateDnsName"],
        "meta-data/mac": mac,
        f"meta-data/network/interfaces/macs/{mac}/vpc-id": told["VpcId"],
        "meta-data/network/interfaces/macs/": f"{mac}/",
        "meta-data/placement/": "availability-zone\nregion",
        "meta-data/iam/": "info\nsecurity-credentials/",
        "meta-data/services/partition": "aws",
        "": "dynamic\nmeta-data",
    }
    with lab.on_instance(instance):
        assert {path: get(f"latest/{path}").text for path in expected} == expected
        assert get("2021-07-15/meta-data/instance-id").text == instance
        assert {"iam/", "instance-id"} <= set(get("latest/meta-data").text.split("\n"))
        document = get("latest/dynamic/instance-identity/document").json()
        for missing in ("latest/meta-data/nothing", "latest/user-data", "meta-data", ROLE + "x"):
            assert get(missing).status_code == 404, missing
    assert (document["accountId"], document["instanceId"]) == (lab.account_id, instance)
    assert (document["region"], document["privateIp"]) == ("us-east-1", told["PrivateIpAddress"])


def test_tags_are_shown_where_they_are_enabled(lab: Any, launch: Any, world: World) -> None:
    instance = launch()
    ec2 = world.admin("ec2")
    ec2.create_tags(Resources=[instance], Tags=[{"Key": "team", "Value": "maps"}])
    with lab.on_instance(instance):
        assert get("latest/meta-data/tags/instance/").status_code == 404
        ec2.modify_instance_metadata_options(InstanceId=instance, InstanceMetadataTags="enabled")
        assert get("latest/meta-data/tags/instance/team").text == "maps"


def test_credentials_rotate_before_they_expire(lab: Any, world: World, launch: Any) -> None:
    """The same ones for hours, then new ones while the old still work."""
    with lab.on_instance(launch()):
        sts = boto3.client("sts")
        first = get(ROLE).json()
        lab.clock.advance(hours=4)
        assert get(ROLE).json() == first
        lab.clock.advance(hours=1, minutes=54)
        second = get(ROLE).json()
        assert second["AccessKeyId"] != first["AccessKeyId"]
        assert second["Expiration"] > first["Expiration"]
        old = boto3.Session(first["AccessKeyId"], first["SecretAccessKey"], first["Token"])
        assert outcome(old.client("sts").get_caller_identity) == "allowed"
        lab.clock.advance(minutes=7)
        assert outcome(old.client("sts").get_caller_identity) == "ExpiredToken"
        assert outcome(sts.get_caller_identity) == "allowed"


def test_a_client_refreshes_by_itself_over_two_days(lab: Any, launch: Any) -> None:
    """One client, never made anew: boto3 asks again in time, whatever hour it is."""
    with lab.on_instance(launch(HttpTokens="required")):
        sts = boto3.client("sts")
        keys = set()
        for _ in range(48):
            sts.get_caller_identity()
            keys.add(lab.trail.records[-1].access_key_id)
            lab.clock.advance(minutes=59)
    assert 8 <= len(keys) <= 11


def test_without_a_role_there_is_no_iam_folder(lab: Any, launch: Any) -> None:
    with lab.on_instance(launch(profile=None)):
        assert get("latest/meta-data/iam/info").status_code == 404
        assert get("latest/meta-data/iam/security-credentials/").status_code == 404
        assert "iam/" not in get("latest/meta-data/").text
        with pytest.raises(NoCredentialsError):
            boto3.client("sts").get_caller_identity()


def test_a_role_that_does_not_trust_ec2(lab: Any, world: World, launch: Any) -> None:
    """The role is listed; its document says why there are no credentials. So does lab.why()."""
    with lab.on_instance(launch(trust={"Service": "lambda.amazonaws.com"})):
        assert get("latest/meta-data/iam/info").json()["Code"] == "Success"
        said = get(ROLE)
        assert said.status_code == 200
        assert said.json()["Code"] == "AssumeRoleUnauthorizedAccess"
        assert "web" in said.json()["Message"]
        with pytest.raises(NoCredentialsError):
            boto3.client("sts").get_caller_identity()
        assert lab.why().blocked_by == "resource"
        world.iam.update_assume_role_policy(RoleName="web", PolicyDocument=policy(trusts(EC2)))
        assert get(ROLE).json()["Code"] == "Success"


def test_a_profile_whose_role_was_taken_out(lab: Any, world: World, launch: Any) -> None:
    with lab.on_instance(launch()):
        world.iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="web")
        info = get("latest/meta-data/iam/info").json()
        assert info["Code"] == "Success"
        assert "does not contain a role" in info["Message"]
        assert get(ROLE).status_code == 404


def test_a_profile_that_was_deleted_and_made_anew(lab: Any, world: World, launch: Any) -> None:
    with lab.on_instance(launch()):
        for name in ("remove_role_from", "add_role_to"):
            if name.startswith("add"):
                world.iam.delete_instance_profile(InstanceProfileName="web")
                world.iam.create_instance_profile(InstanceProfileName="web")
            call = getattr(world.iam, f"{name}_instance_profile")
            call(InstanceProfileName="web", RoleName="web")
        assert get("latest/meta-data/iam/info").json()["Code"] == "InstanceProfileNotFound"


def test_a_replaced_profile_brings_the_other_role(lab: Any, world: World, launch: Any) -> None:
    ec2 = world.admin("ec2")
    instance = launch()
    world.role("db", trust=(trusts(EC2),))
    world.iam.create_instance_profile(InstanceProfileName="db")
    world.iam.add_role_to_instance_profile(InstanceProfileName="db", RoleName="db")
    with lab.on_instance(instance):
        assert "/web/" in boto3.client("sts").get_caller_identity()["Arn"]
        links = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
        ec2.replace_iam_instance_profile_association(
            AssociationId=links[0]["AssociationId"], IamInstanceProfile={"Name": "db"}
        )
        assert get("latest/meta-data/iam/security-credentials/").text == "db"
        boto3.DEFAULT_SESSION = None
        assert "/db/" in boto3.client("sts").get_caller_identity()["Arn"]


def test_a_stopped_instance_answers_nothing(lab: Any, world: World, launch: Any) -> None:
    ec2 = world.admin("ec2")
    instance = launch()
    with lab.on_instance(instance):
        ec2.stop_instances(InstanceIds=[instance])
        assert get(ROLE).status_code == 503
    with (
        pytest.raises(LookupError, match=r"is stopped.*start_instances"),
        lab.on_instance(instance),
    ):
        pass
    with pytest.raises(LookupError, match="no instance 'i-0'"), lab.on_instance("i-0"):
        pass
    ec2.start_instances(InstanceIds=[instance])
    with lab.on_instance(instance):
        assert get(ROLE).status_code == 200


# --- What policies and the record see ---------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"NumericLessThan": {"ec2:RoleDelivery": "2.0"}}, ["2.0"]),
        ({"StringEquals": {"ec2:RoleDelivery": "2.0"}}, ["1.0"]),
        ({"ArnLike": {"ec2:SourceInstanceARN": "arn:aws:ec2:*:111122223333:instance/*"}}, []),
        ({"ArnLike": {"ec2:SourceInstanceARN": "arn:aws:ec2:*:*:instance/i-0"}}, ["1.0", "2.0"]),
        ({"Null": {"aws:Ec2InstanceSourceVpc": "false"}}, []),
        ({"IpAddress": {"aws:Ec2InstanceSourcePrivateIPv4": "10.0.0.0/8"}}, []),
        ({"StringLike": {"aws:userid": "*:i-*"}}, []),
    ],
)
def test_condition_keys_of_an_instance(
    lab: Any, world: World, launch: Any, condition: Any, allowed: list[str]
) -> None:
    """A Deny on the role that hits by how, and to which instance, the credentials were given."""
    instance = launch()
    world.grant("role/web", allow("s3:*"), deny("*", Condition=condition), name="own")
    got = []
    with lab.on_instance(instance):
        for version, said in (("1.0", get(ROLE)), ("2.0", get(ROLE, token().text))):
            keys = said.json()
            made = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["Token"])
            if outcome(made.client("s3").list_buckets) == "allowed":
                got.append(version)
    assert got == allowed


def test_the_record_tells_the_whole_story(lab: Any, world: World, launch: Any) -> None:
    """EC2 assumes the role, as CloudTrail shows it; then the instance calls."""
    instance = launch(HttpTokens="required")
    with lab.on_instance(instance):
        boto3.client("s3").list_buckets()
    assumed, called = lab.trail.records[-2:]
    assert (assumed.principal, assumed.caller.kind) == ("ec2.amazonaws.com", "service")
    assert (assumed.source_ip, assumed.user_agent) == ("ec2.amazonaws.com", "ec2.amazonaws.com")
    assert assumed.params == {"RoleArn": f"{IAM}:role/web", "RoleSessionName": instance}
    assert called.access_key_id.encode() in assumed.response[2]
    assert called.caller.session.keys["ec2:RoleDelivery"] == "2.0"
    row = lab.history().iloc[-1]
    assert row["principal"] == f"{STS}:assumed-role/web/{instance}"
    used = world.iam.get_role(RoleName="web")["Role"]["RoleLastUsed"]
    assert lab.clock.now() - used["LastUsedDate"] < timedelta(minutes=1)


def test_an_instance_is_not_chaining(lab: Any, world: World, launch: Any) -> None:
    """ "Role chaining", IAM User Guide: from an instance, AssumeRole may last its full length."""
    instance = launch()
    far = world.role("far", trust=f"{IAM}:role/web", MaxSessionDuration=7200)
    world.grant("role/web", allow("sts:AssumeRole"))
    with lab.on_instance(instance):
        sts = boto3.client("sts")
        made = sts.assume_role(RoleArn=far, RoleSessionName="far", DurationSeconds=7200)
    assert made["AssumedRoleUser"]["Arn"] == f"{STS}:assumed-role/far/far"


def test_deleting_the_role_ends_the_sessions(lab: Any, world: World, launch: Any) -> None:
    with lab.on_instance(launch()):
        sts = boto3.client("sts")
        sts.get_caller_identity()
        world.iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="web")
        world.grant("role/web")
        world.iam.delete_role(RoleName="web")
        assert outcome(sts.get_caller_identity) == "InvalidClientTokenId"


# --- Loopback ---------------------------------------------------------------------------------


def test_on_loopback_it_is_the_same_service(lab: Any, launch: Any) -> None:
    """For programs that are started from here: 127.0.0.1 only, and not under another name."""
    with lab.on_instance(launch(HttpTokens="required")):
        url = os.environ["AWS_EC2_METADATA_SERVICE_ENDPOINT"]
        assert url.startswith("http://127.0.0.1:")
        assert requests.get(f"{url}/{ROLE}").status_code == 401
        made = requests.put(
            f"{url}/latest/api/token", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}
        )
        headers = {"X-aws-ec2-metadata-token": made.text}
        assert requests.get(f"{url}/{ROLE}", headers=headers).json()["Code"] == "Success"
        rebound = requests.get(f"{url}/{ROLE}", headers=headers | {"Host": "evil.example"})
        assert (rebound.status_code, "ASIA" in rebound.text) == (403, False)
        port = int(url.rpartition(":")[2])
    lab.stop()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_two_instances_are_two(lab: Any, world: World, launch: Any) -> None:
    one = launch()
    other = world.admin("ec2").run_instances(
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1, IamInstanceProfile={"Name": "web"}
    )["Instances"][0]["InstanceId"]
    for instance in (one, other, one):
        with lab.on_instance(instance):
            assert boto3.client("sts").get_caller_identity()["Arn"].endswith(instance)
    with lab.on_instance(one):
        with lab.on_instance(other):
            assert get("latest/meta-data/instance-id").text == other
        assert get("latest/meta-data/instance-id").text == one


def test_another_region_and_account(lab: Any) -> None:
    """The instance is found wherever it is, and calls go to its Region."""
    made = (
        lab.account("444455556666")
        .client("ec2", region_name="eu-west-1")
        .run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    )
    with lab.on_instance(made, account="444455556666"):
        assert os.environ["AWS_REGION"] == "eu-west-1"
        assert get("latest/dynamic/instance-identity/document").json()["accountId"] == (
            "444455556666"
        )


def test_stop_and_reset_inside(world: World, launch: Any) -> None:
    """Everything is put back, whichever ends first."""
    lab = iamlab.start()
    before = {k: v for k, v in os.environ.items() if k != "AWS_ENDPOINT_URL"}
    with lab.on_instance(launch()):
        lab.reset()
        assert {k: v for k, v in os.environ.items() if k != "AWS_ENDPOINT_URL"} == before
        with pytest.raises(requests.ConnectionError, match="lab is running"):
            get(ROLE)
        assert "administrator" in boto3.client("sts").get_caller_identity()["Arn"]
    lab.stop()
    outside = dict(os.environ)
    lab = iamlab.start()
    ec2 = boto3.client("ec2")
    made = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
    with lab.on_instance(made["Instances"][0]["InstanceId"]):
        lab.stop()
        assert dict(os.environ) == outside
    assert dict(os.environ) == outside


def test_denied_is_denied_on_an_instance_too(lab: Any, world: World, launch: Any) -> None:
    """The gate's answer has the session's name in it, as on AWS."""
    instance = launch()
    with lab.on_instance(instance), pytest.raises(ClientError) as caught:
        boto3.client("iam").get_user(UserName="administrator")
    said = caught.value.response["Error"]
    assert said["Code"] == "AccessDenied"
    assert said["Message"].startswith(
        f"User: {STS}:assumed-role/web/{instance} is not authorized to perform: iam:GetUser"
    )
    assert json.loads(json.dumps(lab.why().as_dict()))["effect"] == "implicitDeny"


@pytest.mark.parametrize(
    "said", ["#!/bin/sh\necho Grüße\n", b"\x1f\x8b\x08\xff\x00"], ids=["text", "gzip"]
)
def test_user_data_comes_back_as_it_was(lab: Any, said: Any) -> None:
    """boto3 sends it in base64; the instance gets it decoded, even bytes that are no text."""
    made = boto3.client("ec2").run_instances(
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1, UserData=said
    )
    with lab.on_instance(made["Instances"][0]["InstanceId"]):
        found = get("latest/user-data").content
    assert found == (said.encode() if isinstance(said, str) else said)
