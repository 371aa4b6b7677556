"""Tags on all that IAM can tag, by the rules of "Tags for IAM resources", IAM User Guide."""

from __future__ import annotations

import json

import pytest

from tests.account.certificates import certificate

from .conftest import allow, refused, trust

TEAM = [{"Key": "Team", "Value": "maps"}]
KINDS = ["user", "role", "policy", "instance_profile", "mfa_device"]
KINDS += ["open_id_connect_provider", "saml_provider", "server_certificate"]


def make(iam, kind, **more):
    """Make one thing of a kind; return the parameter that names it."""
    if kind == "user":
        iam.create_user(UserName="x", **more)
        return {"UserName": "x"}
    if kind == "role":
        iam.create_role(RoleName="x", AssumeRolePolicyDocument=trust({"AWS": "*"}), **more)
        return {"RoleName": "x"}
    if kind == "policy":
        made = iam.create_policy(PolicyName="x", PolicyDocument=allow("s3:*"), **more)
        return {"PolicyArn": made["Policy"]["Arn"]}
    if kind == "instance_profile":
        iam.create_instance_profile(InstanceProfileName="x", **more)
        return {"InstanceProfileName": "x"}
    if kind == "mfa_device":
        made = iam.create_virtual_mfa_device(VirtualMFADeviceName="x", **more)
        return {"SerialNumber": made["VirtualMFADevice"]["SerialNumber"]}
    if kind == "open_id_connect_provider":
        made = iam.create_open_id_connect_provider(
            Url="https://ci.example.com", ThumbprintList=["a" * 40], **more
        )
        return {"OpenIDConnectProviderArn": made["OpenIDConnectProviderArn"]}
    if kind == "saml_provider":
        text = "<EntityDescriptor/>" + " " * 1000
        made = iam.create_saml_provider(Name="x", SAMLMetadataDocument=text, **more)
        return {"SAMLProviderArn": made["SAMLProviderArn"]}
    body, key = certificate()
    iam.upload_server_certificate(
        ServerCertificateName="x", CertificateBody=body, PrivateKey=key, **more
    )
    return {"ServerCertificateName": "x"}


def calls(iam, kind):
    names = f"tag_{kind}", f"untag_{kind}", f"list_{kind}_tags"
    return (getattr(iam, name) for name in names)


@pytest.mark.parametrize("kind", KINDS)
def test_life(iam, kind):
    which = make(iam, kind)
    tag, untag, listed = calls(iam, kind)

    def shown(**more):
        answer = listed(**which, **more)
        return [(one["Key"], one["Value"]) for one in answer["Tags"]], answer

    assert shown()[0] == []
    tag(Tags=TEAM, **which)
    tag(Tags=[{"Key": "Budget", "Value": ""}, {"Key": "team", "Value": "ops"}], **which)
    assert shown()[0] == [("Budget", ""), ("team", "ops")]  # sorted; one key ignoring case
    first, answer = shown(MaxItems=1)
    rest, last = shown(MaxItems=1, Marker=answer["Marker"])
    assert first + rest == [("Budget", ""), ("team", "ops")] and not last["IsTruncated"]
    untag(TagKeys=["BUDGET", "nothing"], **which)
    assert shown()[0] == [("team", "ops")]


@pytest.mark.parametrize("kind", KINDS)
def test_refusals(iam, kind):
    which = make(iam, kind)
    tag, untag, listed = calls(iam, kind)
    fifty = [{"Key": f"k{n}", "Value": "v"} for n in range(50)]
    tag(Tags=fifty, **which)
    tag(Tags=[{"Key": "K1", "Value": "new"}], **which)
    with refused("LimitExceeded", 409):
        tag(Tags=TEAM, **which)
    bad = [
        ("ValidationError", [*fifty, *TEAM]),
        ("ValidationError", [{"Key": "k" * 129, "Value": ""}]),
        ("ValidationError", [{"Key": "", "Value": ""}]),
        ("ValidationError", [{"Key": "k", "Value": "v" * 257}]),
        ("ValidationError", [{"Key": "k!", "Value": ""}]),
        ("InvalidInput", [{"Key": "AWS:mine", "Value": ""}]),
        ("InvalidInput", [{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}]),
    ]
    for code, tags in bad:
        with refused(code, 400):
            tag(Tags=tags, **which)
    nobody = {name: value[:-1] + "y" for name, value in which.items()}
    with refused("NoSuchEntity", 404):
        tag(Tags=TEAM, **nobody)
    with refused("NoSuchEntity", 404):
        untag(TagKeys=["a"], **nobody)
    with refused("NoSuchEntity", 404):
        listed(**nobody)


@pytest.mark.parametrize("kind", KINDS)
def test_at_creation(iam, kind):
    with refused("InvalidInput", 400, "Duplicate tag keys found."):
        make(iam, kind, Tags=[{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}])
    which = make(iam, kind, Tags=TEAM)
    _, _, listed = calls(iam, kind)
    assert listed(**which)["Tags"] == TEAM


def test_policies_see_the_tags_of_a_device(lab, iam, user):
    """aws:ResourceTag of an MFA device: only one's own team's may be deactivated."""
    which = make(iam, "mfa_device", Tags=TEAM)
    session = user("ana")
    statement = {
        "Effect": "Allow",
        "Action": "iam:DeleteVirtualMFADevice",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/Team": "maps"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=document)
    iam.tag_mfa_device(Tags=[{"Key": "Team", "Value": "ops"}], **which)
    with refused("AccessDenied", 403):
        session.client("iam").delete_virtual_mfa_device(**which)
    iam.tag_mfa_device(Tags=TEAM, **which)
    session.client("iam").delete_virtual_mfa_device(**which)
