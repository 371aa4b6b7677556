"""Storing policies: MalformedPolicyDocument, sizes and principals of iam_evaluation §9."""

from __future__ import annotations

import json

import boto3
import pytest

from .conftest import ACCOUNT, OTHER, allow, refused, trust

ALLOW = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
NO_VERSION = json.dumps({"Statement": [ALLOW]})
GHOST = f"arn:aws:iam::{ACCOUNT}:user/ghost"
INVALID = f'Invalid principal in policy: "AWS":"{GHOST}"'


def long(size, start=""):
    """A good policy whose size without white space is this."""
    empty = len(allow("").replace(" ", "")) - 0
    return allow(start + "s3:" + "x" * (size - empty - 3 - len(start)))


@pytest.mark.parametrize("kind", ["user", "group", "role"])
class TestInline:
    @pytest.fixture
    def put(self, iam, role, kind):
        make = {
            "user": lambda: iam.create_user(UserName="x"),
            "group": lambda: iam.create_group(GroupName="x"),
            "role": lambda: role("x"),
        }
        make[kind]()

        def call(document, name="own"):
            put = getattr(iam, f"put_{kind}_policy")
            put(**{f"{kind.title()}Name": "x"}, PolicyName=name, PolicyDocument=document)

        return call

    def test_malformed(self, put, kind):
        for document in ("{", "[]", '{"Version": "2012-10-17"}', trust("*")):
            with refused("MalformedPolicyDocument", 400):
                put(document)

    def test_version_may_be_missing(self, iam, put, kind):
        """§7: then it is 2008-10-17."""
        put(NO_VERSION)
        got = getattr(iam, f"get_{kind}_policy")(**{f"{kind.title()}Name": "x"}, PolicyName="own")
        assert got["PolicyDocument"] == {"Statement": [ALLOW]}

    def test_all_together_have_a_limit(self, put, kind):
        most = {"user": 2048, "group": 5120, "role": 10240}[kind]
        half = long(most // 2)
        put(half)
        put(half + " " * 5000, "other")
        with refused("LimitExceeded", 409, f"policy size of {most} bytes exceeded for {kind} x"):
            put(allow("s3:*"), "third")
        put(allow("s3:*"), "other")
        put(allow("s3:*"), "third")


class TestManaged:
    def test_malformed(self, iam):
        for document in ("{", NO_VERSION, trust("*")):
            with refused("MalformedPolicyDocument", 400):
                iam.create_policy(PolicyName="p", PolicyDocument=document)

    def test_size(self, iam):
        iam.create_policy(PolicyName="p", PolicyDocument=long(6144) + "\n" * 99)
        with refused("LimitExceeded", 409, "Cannot exceed quota for PolicySize: 6144"):
            iam.create_policy(PolicyName="q", PolicyDocument=long(6145))

    def test_versions(self, iam):
        arn = iam.create_policy(PolicyName="p", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
        for number in range(2, 6):
            made = iam.create_policy_version(
                PolicyArn=arn, PolicyDocument=allow("s3:Get*"), SetAsDefault=number == 3
            )["PolicyVersion"]
            assert made["VersionId"] == f"v{number}"
            assert made["IsDefaultVersion"] == (number == 3)
        assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v3"
        versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
        assert [v["VersionId"] for v in versions if v["IsDefaultVersion"]] == ["v3"]
        with refused("LimitExceeded", 409, "A managed policy can have up to 5 versions."):
            iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow("s3:*"))
        iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
        with refused("MalformedPolicyDocument", 400):
            iam.create_policy_version(PolicyArn=arn, PolicyDocument="{")
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow("s3:*"))
        assert made["PolicyVersion"]["VersionId"] == "v6"

    def test_answer(self, iam):
        made = iam.create_policy(
            PolicyName="p",
            Path="/maps/",
            PolicyDocument=allow("s3:*"),
            Description="Reads",
            Tags=[{"Key": "Team", "Value": "maps"}],
        )["Policy"]
        assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:policy/maps/p"
        assert made["PolicyId"].startswith("ANPA")
        got = iam.get_policy(PolicyArn=made["Arn"])["Policy"]
        assert (got["Description"], got["AttachmentCount"]) == ("Reads", 0)
        tags = iam.list_policy_tags(PolicyArn=made["Arn"])["Tags"]
        assert tags == [{"Key": "Team", "Value": "maps"}]


class TestTrust:
    def test_malformed(self, iam, role):
        for document in ("{", allow("sts:AssumeRole"), trust({"AWS": ACCOUNT}, "s3:GetObject")):
            with refused("MalformedPolicyDocument", 400):
                role("r", trust=document)
        role("r")
        with refused("MalformedPolicyDocument", 400):
            iam.update_assume_role_policy(RoleName="r", PolicyDocument="{")

    def test_principals_exist(self, lab, iam, role):
        with refused("MalformedPolicyDocument", 400, INVALID):
            role("r", {"AWS": GHOST})
        for nobody in ("bob", "AIDAABCDEFGHIJKLMNOPQ", "arn:aws:iam::111122223333:group/g"):
            with refused("MalformedPolicyDocument", 400, "Invalid principal in policy"):
                role("r", {"AWS": nobody})
        iam.create_user(UserName="ghost", Path="/old/")
        with refused("MalformedPolicyDocument", 400, INVALID):
            role("r", {"AWS": GHOST})
        lab.account(OTHER).client("iam").create_user(UserName="eve")
        good = [
            f"arn:aws:iam::{ACCOUNT}:user/old/ghost",
            f"arn:aws:iam::{OTHER}:user/eve",
            "arn:aws:iam::999988887777:root",
            "999988887777",
            "*",
            f"arn:aws:sts::{ACCOUNT}:federated-user/Bob",
        ]
        role("r", {"AWS": good, "Service": "ec2.amazonaws.com"})
        user_id = iam.get_user(UserName="ghost")["User"]["UserId"]
        role("s", {"AWS": user_id})
        with refused("MalformedPolicyDocument", 400, INVALID):
            iam.update_assume_role_policy(RoleName="r", PolicyDocument=trust({"AWS": GHOST}))

    def test_size(self, role):
        many = trust({"AWS": [f"{number:012d}" for number in range(150)]})
        with refused("LimitExceeded", 409, "Cannot exceed quota for ACLSizePerRole: 2048"):
            role("r", trust=many)


class TestElsewhere:
    def test_bucket(self, lab):
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="maps")

        def put(principal, resource="arn:aws:s3:::maps/*", action="s3:GetObject"):
            statement = {
                "Effect": "Allow",
                "Principal": principal,
                "Action": action,
                "Resource": resource,
            }
            document = {"Version": "2012-10-17", "Statement": [statement]}
            s3.put_bucket_policy(Bucket="maps", Policy=json.dumps(document))

        put({"AWS": f"arn:aws:iam::{ACCOUNT}:user/administrator"})
        with refused("MalformedPolicy", 400, "Invalid principal in policy"):
            put({"AWS": GHOST})
        with refused("MalformedPolicy", 400, "Policy has invalid resource"):
            put({"AWS": ACCOUNT}, "arn:aws:s3:::other/*")
        with refused("MalformedPolicy", 400):
            s3.put_bucket_policy(Bucket="maps", Policy="{")
        with refused("MalformedPolicy", 400):
            s3.put_bucket_policy(Bucket="maps", Policy=allow("s3:*"))
        kept = json.loads(s3.get_bucket_policy(Bucket="maps")["Policy"])
        assert kept["Statement"][0]["Principal"]["AWS"].endswith("user/administrator")

    def test_a_deny_for_others_is_not_for_all(self, lab):
        """moto's own judgement of bucket and key policies, which ignores principals, is off."""
        s3, kms = boto3.client("s3"), boto3.client("kms")
        s3.create_bucket(Bucket="maps")
        deny = {"Effect": "Deny", "Principal": {"AWS": OTHER}, "Action": ["s3:*"]}
        deny["Resource"] = ["arn:aws:s3:::maps", "arn:aws:s3:::maps/*"]
        document = {"Version": "2012-10-17", "Statement": [deny]}
        s3.put_bucket_policy(Bucket="maps", Policy=json.dumps(document))
        s3.put_object(Bucket="maps", Key="a", Body=b"x")
        assert s3.get_object(Bucket="maps", Key="a")["Body"].read() == b"x"
        gone = s3.delete_objects(Bucket="maps", Delete={"Objects": [{"Key": "a"}]})
        assert "Errors" not in gone
        deny |= {"Action": ["kms:*"], "Resource": "*"}
        allow_own = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*"}
        document["Statement"].append(allow_own | {"Resource": "*"})
        key = kms.create_key(Policy=json.dumps(document))["KeyMetadata"]["KeyId"]
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyId"] == key
        kms.put_key_policy(KeyId=key, Policy=json.dumps(document))
        assert json.loads(kms.get_key_policy(KeyId=key)["Policy"]) == document

    def test_queue_key_and_secret(self, lab):
        """Codes and texts: [O] and [I]."""
        document = trust({"AWS": GHOST}, "sqs:SendMessage").replace("}]", ', "Resource": "*"}]')
        sqs, kms = boto3.client("sqs"), boto3.client("kms")
        with refused("InvalidAttributeValue", 400, "Invalid value for the parameter Policy."):
            sqs.create_queue(QueueName="jobs", Attributes={"Policy": document})
        url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        with refused("InvalidAttributeValue", 400, "Invalid value for the parameter Policy."):
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        with refused("MalformedPolicyDocumentException", 400, "invalid principals"):
            kms.put_key_policy(KeyId=key, Policy=document)
        with refused("MalformedPolicyDocumentException", 400):
            kms.create_key(Policy="{")
        vault = boto3.client("secretsmanager")
        vault.create_secret(Name="code", SecretString="x")
        with refused("MalformedPolicyDocumentException", 400, "unsupported principal"):
            vault.put_resource_policy(SecretId="code", ResourcePolicy=document)

    def test_a_key_policy_that_locks_its_author_out(self, lab):
        kms = boto3.client("kms")
        admin = f"arn:aws:iam::{ACCOUNT}:user/administrator"
        lab.account(OTHER)
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        for principal, action in (({"AWS": OTHER}, "kms:*"), ({"AWS": admin}, "kms:Encrypt")):
            document = trust(principal, action).replace("}]", ', "Resource": "*"}]')
            text = "The new key policy will not allow you to update the key policy in the future."
            with refused("MalformedPolicyDocumentException", 400, text):
                kms.put_key_policy(KeyId=key, Policy=document)
            with refused("MalformedPolicyDocumentException", 400, text):
                kms.create_key(Policy=document)
        kms.put_key_policy(KeyId=key, Policy=document, BypassPolicyLockoutSafetyCheck=True)
        for principal in ({"AWS": ACCOUNT}, {"AWS": admin}):
            document = trust(principal, "kms:*").replace("}]", ', "Resource": "*"}]')
            kms.create_key(Policy=document)

    def test_organizations(self, lab):
        client = boto3.client("organizations")
        client.create_organization(FeatureSet="ALL")
        make = {"Description": "d", "Name": "n", "Type": "SERVICE_CONTROL_POLICY"}
        with refused("MalformedPolicyDocumentException", 400):
            client.create_policy(Content=trust("*"), **make)
        made = client.create_policy(Content=allow("s3:*"), **make)["Policy"]["PolicySummary"]
        with refused("MalformedPolicyDocumentException", 400):
            client.update_policy(PolicyId=made["Id"], Content="{")
        with refused("ConstraintViolationException", 400):  # text: [I]
            client.update_policy(PolicyId=made["Id"], Content=long(5121))
