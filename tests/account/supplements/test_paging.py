"""Paging: markers that cannot be made up, and that survive what happens between two pages."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import xform_name

from iamlab.account.errors import AwsError
from iamlab.account.supplements.paging import page, token_page

from .conftest import ACCOUNT, allow, refused, trust


def test_pages_put_together_are_the_list() -> None:
    items, seen, params = [f"n{i:03}" for i in range(250)], [], {}
    sizes = []
    while True:
        answer = page(items, params, "Names")
        seen += answer["Names"]
        sizes.append(len(answer["Names"]))
        if not answer["IsTruncated"]:
            assert "Marker" not in answer
            break
        params = {"Marker": answer["Marker"]}
    assert seen == items and sizes == [100, 100, 50]


def test_exactly_full_is_not_truncated() -> None:
    assert page("ab", {"MaxItems": 2}, "X") == {"X": ["a", "b"], "IsTruncated": False}


def test_deleting_what_was_shown_loses_nothing() -> None:
    items = list("dacb")
    first = page(items, {"MaxItems": "2"}, "X", key=str)
    assert first["X"] == ["a", "b"]
    for gone in first["X"]:
        items.remove(gone)
    items.append("bb")
    assert page(items, {"Marker": first["Marker"]}, "X", key=str)["X"] == ["bb", "c", "d"]


@pytest.mark.parametrize("marker", ["nonsense", "2", "-1", "AAAA", "é", "W10=", "WyJYIiwgLTFd"])
def test_a_marker_that_nobody_gave_is_refused(marker: str) -> None:
    with pytest.raises(AwsError) as caught:
        page("abc", {"Marker": marker}, "X")
    assert (caught.value.code, caught.value.status) == ("ValidationError", 400)
    with pytest.raises(AwsError) as caught:
        token_page("abc", {"nextToken": marker}, "X", refused="InvalidNextTokenException")
    assert caught.value.code == "InvalidNextTokenException"


def test_a_marker_of_another_list_is_refused() -> None:
    marker = page("abc", {"MaxItems": 1}, "Users")["Marker"]
    with pytest.raises(AwsError):
        page("abc", {"Marker": marker}, "Roles")
    with pytest.raises(AwsError):
        page("abc", {"Marker": marker}, "Users", key=str)


def test_tokens() -> None:
    names = {"limit": "MaxResults", "token": "NextToken"}
    first = token_page("abc", {"MaxResults": 2}, "Events", **names)
    assert first["Events"] == ["a", "b"]
    assert token_page("abc", {"NextToken": first["NextToken"]}, "Events", **names) == {
        "Events": ["c"]
    }


# Operations with pages that the lab does not have, or that need a report or a policy first.
ELSEWHERE = {
    "GetOrganizationsAccessReport",
    "GetServiceLastAccessedDetails",
    "GetServiceLastAccessedDetailsWithEntities",
    "ListDelegationRequests",
    "SimulateCustomPolicy",
    "SimulatePrincipalPolicy",
}


def test_every_list_of_iam_reads_its_marker(iam: Any) -> None:
    """What IAM's own model says can be paged refuses a marker that nobody gave."""
    iam.create_user(UserName="ana")
    iam.create_group(GroupName="ops")
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    iam.create_instance_profile(InstanceProfileName="web")
    policy = iam.create_policy(PolicyName="p", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    oidc = iam.create_open_id_connect_provider(Url="https://ci.example", ClientIDList=["a"])
    given = {
        "UserName": "ana",
        "GroupName": "ops",
        "RoleName": "reader",
        "InstanceProfileName": "web",
        "PolicyArn": policy,
        "SerialNumber": device["SerialNumber"],
        "OpenIDConnectProviderArn": oidc["OpenIDConnectProviderArn"],
        "Arn": f"arn:aws:iam::{ACCOUNT}:user/ana",
        "ServiceNamespaces": ["s3"],
    }
    model, tried = iam.meta.service_model, 0
    for operation in model.operation_names:
        shape = model.operation_model(operation).input_shape
        if shape is None or "Marker" not in shape.members or operation in ELSEWHERE:
            continue
        if missing := set(shape.required_members) - given.keys():
            assert missing <= {"ServerCertificateName", "SAMLProviderArn"}, operation
            continue
        params = {name: given[name] for name in shape.required_members}
        getattr(iam, xform_name(operation))(**params)
        with refused("ValidationError", 400):
            getattr(iam, xform_name(operation))(**params, Marker="made-up")
        tried += 1
    assert tried >= 30
