"""Service-specific credentials, as the IAM API Reference has them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from .conftest import ACCOUNT, refused

GIT = "codecommit.amazonaws.com"


def create(iam, name="ana", service=GIT, **more):
    made = iam.create_service_specific_credential(UserName=name, ServiceName=service, **more)
    return made["ServiceSpecificCredential"]


def test_a_password_and_its_life(lab, iam, user):
    own = user("ana", "iam:*").client("iam")
    made = create(iam)
    assert made["ServiceUserName"] == f"ana-at-{ACCOUNT}" and made["Status"] == "Active"
    assert made["UserName"] == "ana" and made["ServiceName"] == GIT and made["ServicePassword"]
    assert "ExpirationDate" not in made and "ServiceCredentialSecret" not in made
    (shown,) = own.list_service_specific_credentials()["ServiceSpecificCredentials"]
    assert "ServicePassword" not in shown and shown["ServiceUserName"] == made["ServiceUserName"]
    which = {"ServiceSpecificCredentialId": made["ServiceSpecificCredentialId"]}
    again = own.reset_service_specific_credential(**which)["ServiceSpecificCredential"]
    assert again["ServicePassword"] != made["ServicePassword"]
    own.update_service_specific_credential(Status="Inactive", **which)
    listed = iam.list_service_specific_credentials(UserName="ana", ServiceName=GIT)
    assert [one["Status"] for one in listed["ServiceSpecificCredentials"]] == ["Inactive"]
    own.delete_service_specific_credential(**which)
    with refused("NoSuchEntity", 404):
        own.delete_service_specific_credential(**which)


def test_an_api_key_that_ends(lab, iam, user):
    user("ana")
    made = create(iam, service="bedrock.amazonaws.com", CredentialAgeDays=30)
    assert made["ServiceCredentialSecret"] and made["ServiceCredentialAlias"]
    assert "ServicePassword" not in made and "ServiceUserName" not in made
    assert made["ExpirationDate"] - made["CreateDate"] == timedelta(days=30)
    lab.clock.advance(days=31)
    (shown,) = iam.list_service_specific_credentials(UserName="ana")["ServiceSpecificCredentials"]
    assert shown["Status"] == "Expired" and "ServiceCredentialSecret" not in shown


def test_two_a_service(iam, user):
    user("ana")
    names = {create(iam)["ServiceUserName"] for _ in range(2)}
    assert len(names) == 2
    with refused("LimitExceeded", 409):
        create(iam)
    create(iam, service="cassandra.amazonaws.com")


def test_of_all_users_by_pages(iam, user):
    for name in ("ana", "bo", "cy"):
        user(name)
        create(iam, name)
    create(iam, "cy", "cassandra.amazonaws.com")
    seen, more = [], {}
    while True:
        page = iam.list_service_specific_credentials(
            AllUsers=True, ServiceName=GIT, MaxItems=2, **more
        )
        seen += [one["UserName"] for one in page["ServiceSpecificCredentials"]]
        if not page["IsTruncated"]:
            break
        more = {"Marker": page["Marker"]}
    assert sorted(seen) == ["ana", "bo", "cy"]


@pytest.mark.parametrize(
    ("params", "code", "status"),
    [
        ({"UserName": "no"}, "NoSuchEntity", 404),
        ({"ServiceName": "s3.amazonaws.com"}, "NotSupportedService", 404),
        ({"CredentialAgeDays": 0}, "ValidationError", 400),
        ({"CredentialAgeDays": 10}, "ValidationError", 400),  # not for CodeCommit. [I]
    ],
)
def test_refusals(iam, user, params, code, status):
    user("ana")
    with refused(code, status):
        iam.create_service_specific_credential(**{"UserName": "ana", "ServiceName": GIT} | params)


def test_a_user_keeps_them(iam, user):
    user("ana")
    create(iam)
    with refused("DeleteConflict", 409):
        iam.delete_user(UserName="ana")
