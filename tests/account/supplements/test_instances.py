"""Instance profiles given, replaced and taken away; metadata options; what a launch needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from .conftest import ACCOUNT, allow, refused, trust

EC2 = {"Service": "ec2.amazonaws.com"}
AMI = "ami-12c6146b"


@pytest.fixture
def ec2(lab: Any) -> Any:
    return boto3.client("ec2")


@pytest.fixture
def profile(iam: Any, role: Callable[..., str]) -> Callable[[str], str]:
    """Make a role and a profile of one name; return the profile's ARN."""

    def make(name: str) -> str:
        role(name, EC2)
        made = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        return made["Arn"]

    return make


def run(ec2: Any, count: int = 1, **more: Any) -> list[dict[str, Any]]:
    return ec2.run_instances(ImageId=AMI, MinCount=count, MaxCount=count, **more)["Instances"]


def shown(ec2: Any, instance: str) -> dict[str, Any]:
    return ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]


@pytest.mark.parametrize("by", ["Name", "Arn"])
def test_every_instance_of_a_launch_has_the_profile(
    ec2: Any, iam: Any, profile: Any, by: str
) -> None:
    arn = profile("web")
    made = run(ec2, 3, IamInstanceProfile={by: "web" if by == "Name" else arn})
    unique = iam.get_instance_profile(InstanceProfileName="web")["InstanceProfile"]
    expected = {"Arn": arn, "Id": unique["InstanceProfileId"]}
    for instance in made:
        assert shown(ec2, instance["InstanceId"])["IamInstanceProfile"] == expected
    links = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    assert {link["InstanceId"] for link in links} == {i["InstanceId"] for i in made}
    assert {link["State"] for link in links} == {"associated"}


def test_a_launch_template_names_profile_and_metadata_options(ec2: Any, profile: Any) -> None:
    arn = profile("web")
    ec2.create_launch_template(
        LaunchTemplateName="web",
        LaunchTemplateData={
            "ImageId": AMI,
            "IamInstanceProfile": {"Name": "web"},
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        },
    )
    template = {"LaunchTemplateName": "web"}
    made = shown(ec2, run(ec2, LaunchTemplate=template)[0]["InstanceId"])
    assert made["IamInstanceProfile"]["Arn"] == arn
    assert made["MetadataOptions"]["HttpTokens"] == "required"
    assert made["MetadataOptions"]["HttpPutResponseHopLimit"] == 2
    own = run(ec2, LaunchTemplate=template, MetadataOptions={"HttpTokens": "optional"})
    assert shown(ec2, own[0]["InstanceId"])["MetadataOptions"]["HttpTokens"] == "optional"


def test_associate_replace_disassociate(ec2: Any, profile: Any) -> None:
    web, db = profile("web"), profile("db")
    instance = run(ec2)[0]["InstanceId"]
    made = ec2.associate_iam_instance_profile(
        InstanceId=instance, IamInstanceProfile={"Name": "web"}
    )["IamInstanceProfileAssociation"]
    assert (made["InstanceId"], made["State"]) == (instance, "associating")
    assert made["IamInstanceProfile"]["Arn"] == web
    assert made["IamInstanceProfile"]["Id"].startswith("AIPA")
    with refused("IncorrectState", 400, "existing association"):
        ec2.associate_iam_instance_profile(InstanceId=instance, IamInstanceProfile={"Arn": db})
    replaced = ec2.replace_iam_instance_profile_association(
        AssociationId=made["AssociationId"], IamInstanceProfile={"Arn": db}
    )["IamInstanceProfileAssociation"]
    assert replaced["AssociationId"] != made["AssociationId"]
    assert shown(ec2, instance)["IamInstanceProfile"]["Arn"] == db
    gone = ec2.disassociate_iam_instance_profile(AssociationId=replaced["AssociationId"])
    assert gone["IamInstanceProfileAssociation"]["State"] == "disassociating"
    assert "IamInstanceProfile" not in shown(ec2, instance)
    with refused("InvalidAssociationID.NotFound", 400):
        ec2.disassociate_iam_instance_profile(AssociationId=replaced["AssociationId"])


def test_profiles_that_are_missing_or_empty(ec2: Any, iam: Any) -> None:
    """Codes and texts: public logs [O]."""
    iam.create_instance_profile(InstanceProfileName="empty")
    instance = run(ec2)[0]["InstanceId"]
    for call in (
        lambda chosen: run(ec2, IamInstanceProfile=chosen),
        lambda chosen: ec2.associate_iam_instance_profile(
            InstanceId=instance, IamInstanceProfile=chosen
        ),
    ):
        with refused("InvalidParameterValue", 400, "Invalid IAM Instance Profile name"):
            call({"Name": "nothing"})
        with refused("InvalidParameterValue", 400, "Invalid IAM Instance Profile ARN"):
            call({"Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/nothing"})
        with refused("InvalidParameterValue", 400, "has no associated IAM Roles"):
            call({"Name": "empty"})


def test_a_launch_needs_pass_role(lab: Any, ec2: Any, profile: Any, iam: Any, user: Any) -> None:
    """iam:PassRole on the role, not on the profile; also to associate and to replace."""
    profile("web")
    theirs = user("dev", "ec2:*").client("ec2")
    instance = run(theirs)[0]["InstanceId"]
    chosen = {"IamInstanceProfile": {"Name": "web"}}
    calls = (
        lambda: run(theirs, **chosen),
        lambda: theirs.associate_iam_instance_profile(InstanceId=instance, **chosen),
    )
    for call in calls:
        with refused(
            "UnauthorizedOperation",
            403,
            f"iam:PassRole on resource: arn:aws:iam::{ACCOUNT}:role/web",
        ):
            call()
    iam.put_user_policy(
        UserName="dev",
        PolicyName="pass",
        PolicyDocument=allow("iam:PassRole", resource=f"arn:aws:iam::{ACCOUNT}:role/web"),
    )
    for call in calls:
        call()


def test_metadata_options_that_are_not_named_stay(ec2: Any) -> None:
    """ModifyInstanceMetadataOptions, Amazon EC2 API Reference."""
    instance = run(ec2, MetadataOptions={"HttpPutResponseHopLimit": 3})[0]["InstanceId"]
    answer = ec2.modify_instance_metadata_options(InstanceId=instance, HttpTokens="required")
    expected = {
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 3,
        "HttpEndpoint": "enabled",
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": "disabled",
    }
    assert answer["InstanceId"] == instance
    assert answer["InstanceMetadataOptions"] == expected | {"State": "pending"}
    assert shown(ec2, instance)["MetadataOptions"] == expected | {"State": "applied"}


def test_metadata_options_that_are_wrong(ec2: Any) -> None:
    instance = run(ec2)[0]["InstanceId"]
    for wrong in ({"HttpTokens": "maybe"}, {"HttpPutResponseHopLimit": 65}, {"HttpEndpoint": "on"}):
        with refused("InvalidParameterValue", 400):
            ec2.modify_instance_metadata_options(InstanceId=instance, **wrong)
        with refused("InvalidParameterValue", 400):
            run(ec2, MetadataOptions=wrong)
    with refused("InvalidInstanceID.NotFound", 400):
        ec2.modify_instance_metadata_options(InstanceId="i-0", HttpTokens="required")
    with refused("DryRunOperation", 412):
        ec2.modify_instance_metadata_options(
            InstanceId=instance, HttpTokens="required", DryRun=True
        )
    assert shown(ec2, instance)["MetadataOptions"]["HttpTokens"] == "optional"


def test_the_trust_policy_can_name_the_account(lab: Any, ec2: Any, iam: Any, profile: Any) -> None:
    """aws:SourceAccount in a trust policy, against confused deputies."""
    profile("web")
    instance = run(ec2, IamInstanceProfile={"Name": "web"})[0]["InstanceId"]
    for account, found in (("999999999999", False), (ACCOUNT, True)):
        condition = {"StringEquals": {"aws:SourceAccount": account}}
        iam.update_assume_role_policy(
            RoleName="web", PolicyDocument=trust(EC2, condition=condition)
        )
        with lab.on_instance(instance):
            assert (boto3.Session().get_credentials() is not None) is found
