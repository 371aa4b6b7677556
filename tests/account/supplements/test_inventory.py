"""Lists, the whole account at once, its counts: one account built from a seed, counted twice.

The counts that are expected are made by list calls and by what the script did, never by the code
under test. The operations' pages in the IAM API Reference say what each shows.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import timedelta

import boto3
import pyotp
import pytest

from .conftest import ACCOUNT, allow, refused, signed_by, trust

IAM = f"arn:aws:iam::{ACCOUNT}"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
KINDS = {"User": 12, "Group": 5, "Role": 9}


def every(iam, operation, member, **params):
    """All pages of a list, three at a time."""
    found, marker = [], {}
    while True:
        answer = getattr(iam, operation)(MaxItems=3, **params, **marker)
        assert len(answer[member]) <= 3
        found += answer[member]
        if not answer["IsTruncated"]:
            assert "Marker" not in answer
            return found
        marker = {"Marker": answer["Marker"]}


@pytest.fixture
def grown(lab, iam):
    """An account that a seeded script fills; returns what it did, by name."""
    rng = random.Random(20261124)
    arns, attached, bounded = [READ_ONLY], Counter(), {}
    for number in range(7):
        document = allow(f"s3:Get{number}*")
        made = iam.create_policy(
            PolicyName=f"policy-{number}",
            Path=rng.choice(["/", "/team/"]),
            PolicyDocument=document,
            Description=f"number {number}",
            Tags=[{"Key": "n", "Value": str(number)}],
        )
        arns.append(made["Policy"]["Arn"])
        for _ in range(rng.randrange(3)):
            iam.create_policy_version(
                PolicyArn=arns[-1], PolicyDocument=document, SetAsDefault=rng.random() < 0.5
            )
    inline, members, tags = {}, {}, {}
    for kind, most in KINDS.items():
        for number in range(most):
            name, path = f"{kind.lower()}-{number}", rng.choice(["/", "/team/", "/team/a/"])
            key, more = {f"{kind}Name": name}, {"Path": path}
            if kind != "Group" and rng.random() < 0.4:
                more["PermissionsBoundary"] = bounded[name] = rng.choice(arns)
            if kind != "Group" and rng.random() < 0.5:
                more["Tags"] = tags[name] = [{"Key": "cost centre", "Value": f"{number} + @é"}]
            if kind == "Role":
                more["AssumeRolePolicyDocument"] = trust({"AWS": ACCOUNT})
            getattr(iam, f"create_{kind.lower()}")(**key, **more)
            for arn in rng.sample(arns, rng.randrange(4)):
                getattr(iam, f"attach_{kind.lower()}_policy")(PolicyArn=arn, **key)
                attached[arn, name] += 1
            inline[name] = [f"own-{n}" for n in range(rng.randrange(3))]
            for policy in inline[name]:
                getattr(iam, f"put_{kind.lower()}_policy")(
                    PolicyName=policy, PolicyDocument=allow("sqs:*"), **key
                )
            if kind == "Group":
                members[name] = rng.sample(range(KINDS["User"]), rng.randrange(6))
                for user in members[name]:
                    iam.add_user_to_group(GroupName=name, UserName=f"user-{user}")
    for number in range(3):
        iam.create_instance_profile(InstanceProfileName=f"profile-{number}")
        iam.add_role_to_instance_profile(
            InstanceProfileName=f"profile-{number}", RoleName=f"role-{number}"
        )
    return {
        "arns": arns,
        "attached": attached,
        "bounded": bounded,
        "inline": inline,
        "members": members,
        "tags": tags,
    }


def details(iam, **params):
    """GetAccountAuthorizationDetails, page by page through boto3's paginator."""
    pages = iam.get_paginator("get_account_authorization_details").paginate(**params)
    return pages.build_full_result()


def test_details_say_what_was_built(lab, iam, grown):
    found = details(iam, PaginationConfig={"PageSize": 4})
    users = {one["UserName"]: one for one in found["UserDetailList"]}
    groups = {one["GroupName"]: one for one in found["GroupDetailList"]}
    roles = {one["RoleName"]: one for one in found["RoleDetailList"]}
    people = {"administrator"} | {f"user-{n}" for n in range(KINDS["User"])}
    assert users.keys() == people and len(found["UserDetailList"]) == len(people)
    assert groups.keys() == {f"group-{n}" for n in range(KINDS["Group"])}
    assert roles.keys() == {f"role-{n}" for n in range(KINDS["Role"])}
    for name, shown in (users | groups | roles).items():
        if name == "administrator":
            continue
        kind = name.partition("-")[0].capitalize()
        attached = {arn for arn, holder in grown["attached"] if holder == name}
        assert {one["PolicyArn"] for one in shown["AttachedManagedPolicies"]} == attached
        own = shown[f"{kind}PolicyList"]
        assert [one["PolicyName"] for one in own] == grown["inline"][name]
        for one in own:
            assert one["PolicyDocument"] == json.loads(allow("sqs:*"))
        bound = shown.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        assert bound == grown["bounded"].get(name)
        if kind != "Group":
            assert shown["Tags"] == grown["tags"].get(name, [])
        if kind == "User":
            number = int(name.partition("-")[2])
            groups_of = [group for group, some in grown["members"].items() if number in some]
            assert shown["GroupList"] == sorted(groups_of)
        if kind == "Role":
            document = shown["AssumeRolePolicyDocument"]
            assert document == json.loads(trust({"AWS": ACCOUNT}))
            number = int(name.partition("-")[2])
            profiles = [one["InstanceProfileName"] for one in shown["InstanceProfileList"]]
            assert profiles == ([f"profile-{number}"] if number < 3 else [])
            assert shown["RoleLastUsed"] == {}
    by_arn = {one["Arn"]: one for one in found["Policies"]}
    in_use = {arn for arn, _ in grown["attached"]} | set(grown["bounded"].values())
    own = set(grown["arns"]) - {READ_ONLY}
    assert by_arn.keys() == own | (in_use & {READ_ONLY}) | {ADMINISTRATOR}
    for arn in own:
        shown, versions = by_arn[arn], every(iam, "list_policy_versions", "Versions", PolicyArn=arn)
        uses = sum(held == arn for held, _ in grown["attached"])
        bounds = sum(bound == arn for bound in grown["bounded"].values())
        assert (shown["AttachmentCount"], shown["PermissionsBoundaryUsageCount"]) == (uses, bounds)
        assert shown["IsAttachable"] is True and shown["Description"].startswith("number ")
        listed = [one.pop("Document") and one for one in shown["PolicyVersionList"]]
        assert listed == versions, "newest first"
        (default,) = [one["VersionId"] for one in versions if one["IsDefaultVersion"]]
        assert shown["DefaultVersionId"] == default


def test_summary_counts_what_lists_list(lab, iam, grown):
    iam.create_virtual_mfa_device(VirtualMFADeviceName="spare")
    worn = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    codes, now = pyotp.TOTP(worn["Base32StringSeed"].decode()), lab.clock.now()
    iam.enable_mfa_device(
        UserName="user-1",
        SerialNumber=worn["SerialNumber"],
        AuthenticationCode1=codes.at(now),
        AuthenticationCode2=codes.at(now + timedelta(seconds=30)),
    )
    summary = iam.get_account_summary()["SummaryMap"]
    lists = {
        "Users": ("list_users", "Users"),
        "Groups": ("list_groups", "Groups"),
        "Roles": ("list_roles", "Roles"),
        "InstanceProfiles": ("list_instance_profiles", "InstanceProfiles"),
        "MFADevices": ("list_virtual_mfa_devices", "VirtualMFADevices"),
    }
    for name, (operation, member) in lists.items():
        assert summary[name] == len(every(iam, operation, member)) > 0, name
    assert summary["Policies"] == len(every(iam, "list_policies", "Policies", Scope="Local")) == 7
    in_use = {arn for arn, _ in grown["attached"]} | set(grown["bounded"].values())
    assert summary["PolicyVersionsInUse"] == len(in_use | {ADMINISTRATOR})
    assert summary["MFADevicesInUse"] == 1
    zero = ["Providers", "ServerCertificates", "AccountMFAEnabled", "AccountAccessKeysPresent"]
    assert [summary[name] for name in [*zero, "AccountSigningCertificatesPresent"]] == [0] * 5
    quotas = {name: value for name, value in summary.items() if name.endswith("Quota")}
    assert quotas == {  # "IAM and AWS STS quotas", IAM User Guide
        "AccessKeysPerUserQuota": 2,
        "AssumeRolePolicySizeQuota": 2048,
        "AttachedPoliciesPerGroupQuota": 10,
        "AttachedPoliciesPerRoleQuota": 10,
        "AttachedPoliciesPerUserQuota": 10,
        "GroupPolicySizeQuota": 5120,
        "GroupsPerUserQuota": 10,
        "GroupsQuota": 300,
        "InstanceProfilesQuota": 1000,
        "PoliciesQuota": 1500,
        "PolicySizeQuota": 6144,
        "PolicyVersionsInUseQuota": 10000,
        "RolePolicySizeQuota": 10240,
        "RolesQuota": 1000,
        "ServerCertificatesQuota": 20,
        "SigningCertificatesPerUserQuota": 2,
        "UserPolicySizeQuota": 2048,
        "UsersQuota": 5000,
        "VersionsPerPolicyQuota": 5,
    }
    lab.session("root").client("iam").list_users()
    assert iam.get_account_summary()["SummaryMap"]["AccountAccessKeysPresent"] == 1


def test_every_list_pages(iam, grown):
    """Put together, three at a time, a list is what was built, sorted by name."""
    for kind, most in KINDS.items():
        listed = every(iam, f"list_{kind.lower()}s", f"{kind}s")
        names = [one[f"{kind}Name"] for one in listed]
        built = [f"{kind.lower()}-{n}" for n in range(most)]
        assert names == sorted(built + (["administrator"] if kind == "User" else []))
        for one in listed:
            assert not one.keys() & {"Tags", "PermissionsBoundary", "RoleLastUsed"}
        for name in built:
            key = {f"{kind}Name": name}
            operation = f"list_attached_{kind.lower()}_policies"
            attached = every(iam, operation, "AttachedPolicies", **key)
            held = {arn for arn, holder in grown["attached"] if holder == name}
            assert {one["PolicyArn"] for one in attached} == held
            team = every(iam, operation, "AttachedPolicies", PathPrefix="/team/", **key)
            assert {one["PolicyArn"] for one in team} == {arn for arn in held if "/team/" in arn}
            own = every(iam, f"list_{kind.lower()}_policies", "PolicyNames", **key)
            assert own == grown["inline"][name]
    for group, members in grown["members"].items():
        found = every(iam, "get_group", "Users", GroupName=group)
        assert [one["UserName"] for one in found] == sorted(f"user-{n}" for n in members)
    shown = iam.get_group(GroupName="group-1")["Group"]
    assert shown["Arn"].startswith(f"{IAM}:group/") and shown["GroupId"].startswith("AGPA")
    for number in range(KINDS["User"]):
        found = every(iam, "list_groups_for_user", "Groups", UserName=f"user-{number}")
        groups = [group for group, some in grown["members"].items() if number in some]
        assert [one["GroupName"] for one in found] == sorted(groups)
    (profile,) = every(
        iam, "list_instance_profiles_for_role", "InstanceProfiles", RoleName="role-2"
    )
    assert profile["Roles"][0]["RoleName"] == "role-2"


def test_paths(iam, grown):
    for kind in KINDS:
        everyone = every(iam, f"list_{kind.lower()}s", f"{kind}s")
        some = every(iam, f"list_{kind.lower()}s", f"{kind}s", PathPrefix="/team/")
        assert some == [one for one in everyone if one["Path"].startswith("/team/")]
        assert 0 < len(some) < len(everyone)


def test_users_may_be_deleted_while_paging(iam):
    for number in range(10):
        iam.create_user(UserName=f"x-{number}")
    seen = []
    for shown in iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 3}):
        for one in shown["Users"]:
            if one["UserName"] != "administrator":
                iam.delete_user(UserName=one["UserName"])
                seen.append(one["UserName"])
    assert seen == [f"x-{number}" for number in range(10)]


def test_markers_and_sizes_are_checked(iam):
    for bad in ({"Marker": "2"}, {"MaxItems": 0}, {"MaxItems": 1001}):
        for operation in ("list_users", "list_roles", "get_account_authorization_details"):
            with refused("ValidationError", 400):
                getattr(iam, operation)(**bad)


def test_list_policies(iam, grown):
    local = every(iam, "list_policies", "Policies", Scope="Local")
    assert {one["Arn"] for one in local} == set(grown["arns"]) - {READ_ONLY}
    assert all("Description" not in one and "Tags" not in one for one in local)
    for one in local:
        uses = sum(held == one["Arn"] for held, _ in grown["attached"])
        assert one["AttachmentCount"] == uses
    bounding = every(
        iam, "list_policies", "Policies", Scope="Local", PolicyUsageFilter="PermissionsBoundary"
    )
    assert {one["Arn"] for one in bounding} == set(grown["bounded"].values()) - {READ_ONLY}
    attached = iam.list_policies(Scope="AWS", OnlyAttached=True)["Policies"]
    used = {arn for arn, _ in grown["attached"]} | set(grown["bounded"].values())
    assert {one["Arn"] for one in attached} == (used & {READ_ONLY}) | {ADMINISTRATOR}
    whole = iam.get_policy(PolicyArn=grown["arns"][1])["Policy"]
    assert whole["Description"] == "number 0" and whole["Tags"] == [{"Key": "n", "Value": "0"}]
    first = iam.list_policies(Scope="AWS")
    assert len(first["Policies"]) == 100 and first["IsTruncated"]


def test_filters_of_details(iam, grown):
    members = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"]
    for wanted, only in (("User", 0), ("Group", 1), ("Role", 2), ("LocalManagedPolicy", 3)):
        found = details(iam, Filter=[wanted])
        filled = [member for member in members if found.get(member)]
        assert filled == [members[only]]
    own = details(iam, Filter=["LocalManagedPolicy"])["Policies"]
    assert {one["Arn"] for one in own} == set(grown["arns"]) - {READ_ONLY}
    both = details(iam, Filter=["User", "Role"])
    assert both["UserDetailList"] and both["RoleDetailList"] and not both.get("Policies")
    of_aws = iam.get_account_authorization_details(Filter=["AWSManagedPolicy"], MaxItems=5)
    assert len(of_aws["Policies"]) == 5 and of_aws["IsTruncated"]
    assert all(one["Arn"].startswith("arn:aws:iam::aws:policy/") for one in of_aws["Policies"])
    with refused("ValidationError", 400):
        iam.get_account_authorization_details(Filter=["Nonsense"])


def test_details_of_a_role_that_was_used(lab, iam, role):
    arn = role("reader")
    session = signed_by(boto3.client("sts").assume_role(RoleArn=arn, RoleSessionName="morning"))
    with refused("AccessDenied", 403):
        session.client("sqs", region_name="eu-west-1").list_queues()
    (shown,) = iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    assert shown["RoleLastUsed"]["Region"] == "eu-west-1"
    assert shown["RoleLastUsed"] == iam.get_role(RoleName="reader")["Role"]["RoleLastUsed"]


def test_documents_come_back_as_they_were_stored(iam):
    """URL-encoded on the way ("compliant with RFC 3986"): signs that have a meaning there."""
    signs = "arn:aws:s3:::b/100%25+é~ &=?#[]${aws:username}"
    document = allow("s3:GetObject", resource=signs)
    trusted = trust({"AWS": ACCOUNT}, condition={"StringEquals": {"sts:ExternalId": signs}})
    iam.create_user(UserName="ana")
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=document)
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trusted)
    iam.create_policy(PolicyName="p", PolicyDocument=document)
    found = iam.get_account_authorization_details(Filter=["User", "Role", "LocalManagedPolicy"])
    own = found["UserDetailList"][1]["UserPolicyList"][0]["PolicyDocument"]
    managed = found["Policies"][0]["PolicyVersionList"][0]["Document"]
    assert own == managed == json.loads(document)
    roles = (
        found["RoleDetailList"][0],
        iam.list_roles()["Roles"][0],
        iam.get_role(RoleName="reader")["Role"],
    )
    for shown in roles:
        assert shown["AssumeRolePolicyDocument"] == json.loads(trusted)


def test_a_policy_is_updated_by_its_newest_version(lab, iam):
    """ "…when the most recent policy version was created." """
    arn = iam.create_policy(PolicyName="p", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
    first = iam.get_policy(PolicyArn=arn)["Policy"]
    assert first["UpdateDate"] == first["CreateDate"]
    lab.clock.advance(days=3)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow("sqs:*"))
    second = iam.get_policy(PolicyArn=arn)["Policy"]
    assert second["CreateDate"] == first["CreateDate"]
    assert second["UpdateDate"] - first["UpdateDate"] >= timedelta(days=3)


def test_entities_for_policy(iam, grown):
    for arn in grown["arns"]:
        attached = {name for held, name in grown["attached"] if held == arn}
        bounded = {name for name, bound in grown["bounded"].items() if bound == arn}
        usages = {
            None: attached | bounded,
            "PermissionsPolicy": attached,
            "PermissionsBoundary": bounded,
        }
        for usage, expected in usages.items():
            more = {"PolicyUsageFilter": usage} if usage else {}
            pages = iam.get_paginator("list_entities_for_policy").paginate(
                PolicyArn=arn, PaginationConfig={"PageSize": 2}, **more
            )
            found = pages.build_full_result()
            names = [
                one[f"{kind}Name"] for kind in KINDS for one in found.get(f"Policy{kind}s", ())
            ]
            assert sorted(names) == sorted(expected), (arn, usage)
    arn = grown["arns"][2]
    everybody = iam.list_entities_for_policy(PolicyArn=arn)
    for kind in KINDS:
        only = iam.list_entities_for_policy(PolicyArn=arn, EntityFilter=kind)
        assert only[f"Policy{kind}s"] == everybody[f"Policy{kind}s"]
        assert sum(len(only[f"Policy{other}s"]) for other in KINDS) == len(only[f"Policy{kind}s"])
    team = iam.list_entities_for_policy(PolicyArn=arn, PathPrefix="/team/")
    for kind in KINDS:
        some = every(iam, f"list_{kind.lower()}s", f"{kind}s", PathPrefix="/team/")
        ids = {one[f"{kind}Id"] for one in some}
        expected = [one for one in everybody[f"Policy{kind}s"] if one[f"{kind}Id"] in ids]
        assert team[f"Policy{kind}s"] == expected
    with refused("NoSuchEntity", 404):
        iam.list_entities_for_policy(PolicyArn=f"{IAM}:policy/nothing")


def test_permissions(iam, user):
    calls = {
        "iam:GetAccountSummary": lambda client: client.get_account_summary(),
        "iam:GetAccountAuthorizationDetails": lambda c: c.get_account_authorization_details(),
        "iam:ListEntitiesForPolicy": lambda c: c.list_entities_for_policy(PolicyArn=ADMINISTRATOR),
    }
    may, may_not = user("may", *calls).client("iam"), user("not", "iam:GetUser").client("iam")
    for action, call in calls.items():
        call(may)
        with refused("AccessDenied", 403, action):
            call(may_not)
