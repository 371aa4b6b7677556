"""Last accessed information: what policies open, and what of it was tried, from the record.

Expected: "Refine permissions in AWS using last accessed information", IAM User Guide, and the
operations' pages in the IAM API Reference.
"""

from __future__ import annotations

import json
from datetime import timedelta

import boto3
import pytest

from .conftest import ACCOUNT, allow, refused, signed_by

IAM = f"arn:aws:iam::{ACCOUNT}"
MISSING = "0" * 8 + "-0000-0000-0000-" + "0" * 12


def services(iam, arn, **more):
    """The report on one ARN, as a dict by namespace."""
    job = iam.generate_service_last_accessed_details(Arn=arn, **more)["JobId"]
    answer = iam.get_service_last_accessed_details(JobId=job, MaxItems=1000)
    assert answer["JobStatus"] == "COMPLETED" and not answer["IsTruncated"]
    return {one["ServiceNamespace"]: one for one in answer["ServicesLastAccessed"]}


def entities(iam, arn, space, **more):
    job = iam.generate_service_last_accessed_details(Arn=arn)["JobId"]
    answer = iam.get_service_last_accessed_details_with_entities(
        JobId=job, ServiceNamespace=space, **more
    )
    return answer["EntityDetailsList"]


def test_services_are_those_that_policies_open(iam, user):
    user("ana", "s3:GetObject", "sqs:*")
    iam.create_group(GroupName="ops")
    iam.add_user_to_group(GroupName="ops", UserName="ana")
    iam.put_group_policy(
        GroupName="ops", PolicyName="p", PolicyDocument=allow("kms:Decrypt", "nosuch:Thing")
    )
    shown = services(iam, f"{IAM}:user/ana")
    assert list(shown) == ["kms", "s3", "sqs"], "sorted by namespace"
    assert shown["s3"] == {
        "ServiceName": "Amazon S3",
        "ServiceNamespace": "s3",
        "TotalAuthenticatedEntities": 0,
    }
    assert list(services(iam, f"{IAM}:group/ops")) == ["kms"]


def test_what_is_always_denied_is_not_opened(iam, user):
    user("ana", "s3:*", "sqs:*", "kms:*")
    deny = {"Effect": "Deny", "Action": ["s3:*", "sqs:Send*"], "Resource": "*"}
    narrow = {"Effect": "Deny", "Action": "kms:*", "Resource": "arn:aws:kms:*:*:key/1"}
    iam.put_user_policy(
        UserName="ana",
        PolicyName="deny",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [deny, narrow]}),
    )
    assert list(services(iam, f"{IAM}:user/ana")) == ["kms", "sqs"]


def test_everything_is_every_service(iam):
    from iamlab.policy import catalog

    shown = services(iam, f"{IAM}:user/administrator")
    assert set(shown) == {space for space in catalog.services() if catalog.actions(space)}
    assert shown["iam"]["LastAuthenticatedEntity"] == f"{IAM}:user/administrator"


def test_attempts_count_denied_ones_too(lab, iam, user):
    ana = user("ana", "sqs:GetQueueUrl", "s3:ListAllMyBuckets")
    ana.client("s3").list_buckets()
    lab.clock.advance(hours=1)
    with refused("AccessDenied", 403):
        ana.client("sqs", region_name="eu-west-1").list_queues()
    with refused("AccessDenied", 403):
        ana.client("iam").list_users()  # IAM is opened by no policy: not listed
    shown = services(iam, f"{IAM}:user/ana")
    assert set(shown) == {"s3", "sqs"}
    assert shown["sqs"]["LastAuthenticatedRegion"] == "eu-west-1"
    assert shown["sqs"]["LastAuthenticatedEntity"] == f"{IAM}:user/ana"
    assert shown["sqs"]["TotalAuthenticatedEntities"] == 1
    apart = shown["sqs"]["LastAuthenticated"] - shown["s3"]["LastAuthenticated"]
    assert timedelta(minutes=59) < apart < timedelta(minutes=61)
    assert "TrackedActionsLastAccessed" not in shown["sqs"]


def test_a_report_stays_as_it_was_asked_for(iam, user):
    ana = user("ana", "s3:*")
    job = iam.generate_service_last_accessed_details(Arn=f"{IAM}:user/ana")["JobId"]
    ana.client("s3").list_buckets()
    answer = iam.get_service_last_accessed_details(JobId=job)
    assert answer["ServicesLastAccessed"][0]["TotalAuthenticatedEntities"] == 0
    assert answer["JobType"] == "SERVICE_LEVEL"
    assert answer["JobCreationDate"] <= answer["JobCompletionDate"]
    assert services(iam, f"{IAM}:user/ana")["s3"]["TotalAuthenticatedEntities"] == 1


def test_actions(lab, iam, user):
    ana = user("ana", "s3:*", "sqs:*")
    s3 = ana.client("s3")
    s3.create_bucket(Bucket="reports")
    lab.clock.advance(minutes=5)
    s3.put_object(Bucket="reports", Key="a", Body=b"1")
    shown = services(iam, f"{IAM}:user/ana", Granularity="ACTION_LEVEL")
    actions = {one["ActionName"]: one for one in shown["s3"]["TrackedActionsLastAccessed"]}
    assert list(actions) == sorted(actions)
    created = actions["CreateBucket"]
    assert created["LastAccessedEntity"] == f"{IAM}:user/ana"
    assert created["LastAccessedRegion"] == "us-east-1"
    assert created["LastAccessedTime"] < shown["s3"]["LastAuthenticated"]
    assert actions["DeleteBucket"] == {"ActionName": "DeleteBucket"}
    assert "PutObject" not in actions, "actions on data are not tracked"
    # "This field is null … if the principal did not use the tracked actions"
    assert "TrackedActionsLastAccessed" not in shown["sqs"]


def test_pass_role_is_not_tracked(iam):
    shown = services(iam, f"{IAM}:user/administrator", Granularity="ACTION_LEVEL")["iam"]
    names = {one["ActionName"] for one in shown["TrackedActionsLastAccessed"]}
    assert "PassRole" not in names and "GenerateServiceLastAccessedDetails" in names


def test_roles_are_known_by_all_their_sessions(iam, role):
    arn = role("reader", Path="/apps/")
    iam.put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=allow("sqs:*"))
    sts = boto3.client("sts")
    for name in ("morning", "evening"):
        session = signed_by(sts.assume_role(RoleArn=arn, RoleSessionName=name))
        session.client("sqs").list_queues()
    shown = services(iam, arn)["sqs"]
    assert shown["LastAuthenticatedEntity"] == arn == f"{IAM}:role/apps/reader"
    assert shown["TotalAuthenticatedEntities"] == 1
    (detail,) = entities(iam, arn, "sqs")
    assert detail["EntityInfo"]["Type"] == "ROLE"


def test_sessions_of_a_user_are_the_users(iam, user):
    ana = user("ana", "sqs:*", "sts:GetFederationToken").client("sts")
    token = ana.get_federation_token(Name="guest", Policy=allow("sqs:ListQueues"))
    signed_by(token).client("sqs", region_name="eu-west-1").list_queues()
    shown = services(iam, f"{IAM}:user/ana")["sqs"]
    assert shown["LastAuthenticatedEntity"] == f"{IAM}:user/ana"  # [I]
    assert shown["LastAuthenticatedRegion"] == "eu-west-1"


def test_groups_and_policies_by_entity(lab, iam, user, role):
    policy = iam.create_policy(PolicyName="queues", PolicyDocument=allow("sqs:*"))["Policy"]["Arn"]
    iam.create_group(GroupName="ops")
    iam.attach_group_policy(GroupName="ops", PolicyArn=policy)
    people = {name: user(name) for name in ("ana", "ben", "eve", "zoe")}
    for name in ("ana", "ben", "eve"):
        iam.add_user_to_group(GroupName="ops", UserName=name)
    arn = role("worker", principal={"AWS": ACCOUNT})
    iam.attach_role_policy(RoleName="worker", PolicyArn=policy)
    people["ben"].client("sqs").list_queues()
    lab.clock.advance(minutes=1)
    people["ana"].client("sqs").list_queues()
    lab.clock.advance(minutes=1)
    with refused("AccessDenied", 403):
        people["zoe"].client("sqs").list_queues()

    group = services(iam, f"{IAM}:group/ops")["sqs"]
    assert group["LastAuthenticatedEntity"] == f"{IAM}:user/ana", "not zoe: she is not in it"
    assert group["TotalAuthenticatedEntities"] == 2
    found = entities(iam, f"{IAM}:group/ops", "sqs")
    assert [one["EntityInfo"]["Name"] for one in found] == ["ana", "ben", "eve"], "last use first"
    assert found[0]["EntityInfo"] == {
        "Arn": f"{IAM}:user/ana",
        "Name": "ana",
        "Type": "USER",
        "Id": iam.get_user(UserName="ana")["User"]["UserId"],
        "Path": "/",
    }
    assert "LastAuthenticated" in found[1] and "LastAuthenticated" not in found[2]

    session = signed_by(boto3.client("sts").assume_role(RoleArn=arn, RoleSessionName="morning"))
    session.client("sqs").list_queues()
    assert services(iam, policy)["sqs"]["LastAuthenticatedEntity"] == arn
    assert entities(iam, policy, "sqs")[0]["EntityInfo"]["Name"] == "worker"
    assert len(entities(iam, policy, "sqs")) == 4
    assert entities(iam, policy, "s3") == []


def test_the_last_400_days(lab, iam, user):
    ana = user("ana", "s3:*")
    ana.client("s3").list_buckets()
    lab.clock.advance(days=399)
    assert services(iam, f"{IAM}:user/ana")["s3"]["TotalAuthenticatedEntities"] == 1
    lab.clock.advance(days=2)
    assert services(iam, f"{IAM}:user/ana")["s3"]["TotalAuthenticatedEntities"] == 0


def test_a_new_user_of_the_same_name_is_somebody_else(iam, user):
    user("ana", "s3:*").client("s3").list_buckets()
    iam.delete_user_policy(UserName="ana", PolicyName="own")
    for key in iam.list_access_keys(UserName="ana")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="ana", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="ana")
    user("ana", "s3:*")
    assert services(iam, f"{IAM}:user/ana")["s3"]["TotalAuthenticatedEntities"] == 0


def test_pages(iam):
    job = iam.generate_service_last_accessed_details(Arn=f"{IAM}:user/administrator")["JobId"]
    first = iam.get_service_last_accessed_details(JobId=job)
    assert len(first["ServicesLastAccessed"]) == 100 and first["IsTruncated"]
    second = iam.get_service_last_accessed_details(JobId=job, Marker=first["Marker"], MaxItems=5)
    spaces = [one["ServiceNamespace"] for one in second["ServicesLastAccessed"]]
    assert len(spaces) == 5
    assert spaces[0] > first["ServicesLastAccessed"][-1]["ServiceNamespace"]
    with refused("ValidationError", 400):
        iam.get_service_last_accessed_details(JobId=job, Marker="made-up")


@pytest.mark.parametrize(
    ("arn", "code", "status"),
    [
        (f"{IAM}:user/nobody", "NoSuchEntity", 404),
        (f"{IAM}:user/team/administrator", "NoSuchEntity", 404),
        (f"{IAM}:role/nobody", "NoSuchEntity", 404),
        (f"{IAM}:policy/nothing", "NoSuchEntity", 404),
        (f"{IAM}:instance-profile/x", "InvalidInput", 400),
        ("arn:aws:s3:::reports-of-the-year", "InvalidInput", 400),
        ("short", "ValidationError", 400),
    ],
)
def test_arns_that_name_nothing(iam, arn, code, status):
    with refused(code, status):
        iam.generate_service_last_accessed_details(Arn=arn)


def test_a_job_is_read_by_who_asked_for_it(lab, iam, user):
    """ "…must be used by the same role within a session, or by the same user" """
    ana = user("ana", "iam:*").client("iam")
    job = iam.generate_service_last_accessed_details(Arn=f"{IAM}:user/ana")["JobId"]
    with refused("NoSuchEntity", 404):
        ana.get_service_last_accessed_details(JobId=job)
    with refused("NoSuchEntity", 404):
        iam.get_service_last_accessed_details(JobId=MISSING)
    with refused("NoSuchEntity", 404):
        ana.get_service_last_accessed_details_with_entities(JobId=job, ServiceNamespace="iam")
    with refused("ValidationError", 400):
        iam.get_service_last_accessed_details(JobId="short")


def test_policies_that_grant(iam, user):
    user("ana", "s3:Get*")
    policy = iam.create_policy(PolicyName="queues", PolicyDocument=allow("sqs:*"))["Policy"]["Arn"]
    iam.create_group(GroupName="ops")
    iam.attach_group_policy(GroupName="ops", PolicyArn=policy)
    iam.put_group_policy(GroupName="ops", PolicyName="more", PolicyDocument=allow("*"))
    iam.add_user_to_group(GroupName="ops", UserName="ana")
    answer = iam.list_policies_granting_service_access(
        Arn=f"{IAM}:user/ana", ServiceNamespaces=["sqs", "s3"]
    )
    assert answer["IsTruncated"] is False
    more = {
        "PolicyName": "more",
        "PolicyType": "INLINE",
        "EntityType": "GROUP",
        "EntityName": "ops",
    }
    own = {"PolicyName": "own", "PolicyType": "INLINE", "EntityType": "USER", "EntityName": "ana"}
    queues = {"PolicyName": "queues", "PolicyType": "MANAGED", "PolicyArn": policy}
    assert answer["PoliciesGrantingServiceAccess"] == [
        {"ServiceNamespace": "sqs", "Policies": [queues, more]},
        {"ServiceNamespace": "s3", "Policies": [own, more]},
    ]
    answer = iam.list_policies_granting_service_access(
        Arn=f"{IAM}:group/ops", ServiceNamespaces=["kms"]
    )
    assert answer["PoliciesGrantingServiceAccess"][0]["Policies"] == [more]
    with refused("InvalidInput", 400):
        iam.list_policies_granting_service_access(Arn=policy, ServiceNamespaces=["kms"])
    with refused("InvalidInput", 400):
        iam.list_policies_granting_service_access(
            Arn=f"{IAM}:group/ops", ServiceNamespaces=["nosuchservice"]
        )


def test_boundaries_grant_nothing(iam, user):
    """ "Policies that are attached … as permissions boundaries are not returned." """
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=allow("*"))["Policy"]["Arn"]
    user("ana", "s3:*", PermissionsBoundary=bound)
    answer = iam.list_policies_granting_service_access(
        Arn=f"{IAM}:user/ana", ServiceNamespaces=["sqs", "s3"]
    )["PoliciesGrantingServiceAccess"]
    assert [len(one["Policies"]) for one in answer] == [0, 1]
    assert list(services(iam, f"{IAM}:user/ana")) == ["s3"]


def test_permissions(iam, user):
    """The report is asked for on the resource; it is read on any ("*")."""
    user("ana", "s3:*")
    generate, read = "iam:GenerateServiceLastAccessedDetails", "iam:GetServiceLastAccessedDetails"
    both = user("both").client("iam")
    iam.put_user_policy(
        UserName="both",
        PolicyName="own",
        PolicyDocument=allow(generate, resource=f"{IAM}:user/ana"),
    )
    with refused("AccessDenied", 403, f"{generate} on resource: {IAM}:user/both"):
        both.generate_service_last_accessed_details(Arn=f"{IAM}:user/both")
    job = both.generate_service_last_accessed_details(Arn=f"{IAM}:user/ana")["JobId"]
    with refused("AccessDenied", 403, f"{read} on resource: *"):
        both.get_service_last_accessed_details(JobId=job)
