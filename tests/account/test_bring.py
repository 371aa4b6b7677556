"""A real account, loaded from what AWS writes about it, is that account; and it is saved again."""

from __future__ import annotations

import base64
import copy
import csv
import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import iamlab
from iamlab.account.account_file import AccountFileError, moment
from tests.account.synthetic_account import ACCOUNT, AWS_POLICIES, PARTNERS, Synthetic

OTHER = "123456789012"
ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
FULL = {"Version": "2012-10-17", "Statement": [ALLOW_ALL]}
DATE = "2024-05-01T10:00:00+00:00"


def without(arn: str) -> Any:
    """Attached to the role alone: a policy that is not in the file."""
    return lambda d: d["RoleDetailList"][0].update(
        AttachedManagedPolicies=[{"PolicyName": "gone", "PolicyArn": arn}]
    )


def allows(*actions: str, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"} | more
    return {"Version": "2012-10-17", "Statement": [statement]}


def named(kind: str, name: str, prefix: str, path: str = "/", number: int = 0) -> dict[str, Any]:
    return {
        "Path": path,
        f"{kind}Name": name,
        f"{kind}Id": f"{prefix}{number:017}",
        "Arn": f"arn:aws:iam::{OTHER}:{kind.lower()}{path}{name}",
        "CreateDate": DATE,
    }


def small() -> dict[str, Any]:
    """One of everything."""
    trust = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sts:AssumeRole"}
    arn = f"arn:aws:iam::{OTHER}:policy/teams/reader"
    attached = [{"PolicyName": "reader", "PolicyArn": arn}]
    version = {"CreateDate": DATE, "IsDefaultVersion": False}
    user = named("User", "ana", "AIDA", "/maps/") | {
        "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": allows("sqs:*")}],
        "GroupList": ["devs"],
        "AttachedManagedPolicies": [],
        "PermissionsBoundary": {
            "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
            "PermissionsBoundaryArn": arn,
        },
        "Tags": [{"Key": "team", "Value": "maps"}],
    }
    group = named("Group", "devs", "AGPA") | {
        "GroupPolicyList": [],
        "AttachedManagedPolicies": attached,
    }
    role = named("Role", "app", "AROA") | {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "InstanceProfileList": [],
        "RolePolicyList": [],
        "AttachedManagedPolicies": attached,
        "Tags": [],
        "RoleLastUsed": {},
    }
    policy = named("Policy", "reader", "ANPA", "/teams/") | {
        "DefaultVersionId": "v2",
        "AttachmentCount": 2,
        "PermissionsBoundaryUsageCount": 1,
        "IsAttachable": True,
        "UpdateDate": DATE,
        "PolicyVersionList": [
            version | {"VersionId": "v2", "Document": allows("s3:Get*"), "IsDefaultVersion": True},
            version | {"VersionId": "v1", "Document": allows("s3:*")},
        ],
    }
    return {
        "UserDetailList": [user],
        "GroupDetailList": [group],
        "RoleDetailList": [role],
        "Policies": [policy],
    }


# --- What is loaded is there ----------------------------------------------------------------------


def test_everything_is_there_with_its_ids_and_dates(lab: Any) -> None:
    lab.load(small())
    iam = lab.account(OTHER).client("iam")
    user = iam.get_user(UserName="ana")["User"]
    assert (user["UserId"], user["Arn"]) == (f"AIDA{0:017}", f"arn:aws:iam::{OTHER}:user/maps/ana")
    assert user["CreateDate"].isoformat() == DATE
    assert user["Tags"] == [{"Key": "team", "Value": "maps"}]
    assert user["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("policy/teams/reader")
    assert [g["GroupName"] for g in iam.list_groups_for_user(UserName="ana")["Groups"]] == ["devs"]
    policy = iam.get_policy(PolicyArn=f"arn:aws:iam::{OTHER}:policy/teams/reader")["Policy"]
    counts = policy["AttachmentCount"], policy["PermissionsBoundaryUsageCount"]
    assert (*counts, policy["DefaultVersionId"]) == (2, 1, "v2")
    made = iam.create_policy_version(PolicyArn=policy["Arn"], PolicyDocument=json.dumps(FULL))
    assert made["PolicyVersion"]["VersionId"] == "v3"
    role = iam.get_role(RoleName="app")["Role"]
    assert (
        role["AssumeRolePolicyDocument"] == small()["RoleDetailList"][0]["AssumeRolePolicyDocument"]
    )


def test_the_policies_decide(lab: Any) -> None:
    lab.load(small())
    bucket = "arn:aws:s3:::reports/q3.csv"
    assert lab.decide("user/ana", "s3:GetObject", bucket, account=OTHER)  # of the group
    assert not lab.decide("user/ana", "s3:PutObject", bucket, account=OTHER)  # v1 is not in force
    decision = lab.decide(f"arn:aws:iam::{OTHER}:user/maps/ana", "sqs:SendMessage")
    assert decision.blocked_by == "boundary"
    with pytest.raises(ClientError, match="no permissions boundary allows"):
        lab.session("user/ana", OTHER).client("sqs").list_queues()
    assert "no permissions boundary" in str(lab.history().iloc[-1]["reason"]) or lab.why()
    assert (
        lab.session("role/app", OTHER)
        .client("sts")
        .get_caller_identity()["Arn"]
        .endswith(":assumed-role/app/lab-session")
    )


def test_raw_forms_and_pages_are_the_same_account(lab: Any) -> None:
    details = small()
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    details["GroupDetailList"][0]["AttachedManagedPolicies"].append(
        {"PolicyName": "AdministratorAccess", "PolicyArn": admin}
    )
    lab.load(details)
    expected = lab.save(account=OTHER)
    assert expected["Policies"][0]["Arn"] == admin

    def raw(value: Any, name: str = "") -> Any:
        if name.endswith("Document"):
            return quote(json.dumps(value), safe="")
        if name.endswith("Date"):
            return datetime.fromisoformat(value)
        if isinstance(value, dict):
            return {key: raw(item, key) for key, item in value.items()}
        return [raw(item) for item in value] if isinstance(value, list) else value

    whole = raw(expected)
    pages = [{name: listed, "IsTruncated": True} for name, listed in whole.items()]
    pages[-1]["IsTruncated"] = False
    for form in (whole, pages):
        assert lab.load(form, replace=True).notes == (NO_REPORT,)
        assert lab.save(account=OTHER) == expected


NO_REPORT = "Without a credential report nobody has a password, key or MFA device."


def test_awss_own_example_loads(lab: Any) -> None:
    # Its shape: the IDs are the same for all, a list of one is no list, and there is more to come.
    details = small()
    for item in (details["UserDetailList"][0], details["GroupDetailList"][0]):
        item[next(key for key in item if key.endswith("Id"))] = "AIDA1234567890EXAMPLE"
    details["GroupDetailList"][0]["AttachedManagedPolicies"] = {
        "PolicyName": "AdministratorAccess",
        "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
    }
    notes = lab.load(details | {"IsTruncated": True, "Marker": "more"}).notes
    assert [
        word
        for word in ("IsTruncated", "AdministratorAccess (v1)", "Unique IDs")
        if word in str(notes)
    ] == [
        "IsTruncated",
        "AdministratorAccess (v1)",
        "Unique IDs",
    ]
    users = lab.account(OTHER).client("iam").list_users()["Users"]
    assert [user["UserName"] for user in users] == ["ana"]


@pytest.mark.parametrize("text", ["s3", "%7B", "0001-01-01T00:00:00+23:59", '{"a": 1, "a": 2}'])
def test_a_document_that_is_no_json_is_kept_as_its_text(lab: Any, text: str) -> None:
    details = small()
    details["UserDetailList"][0]["UserPolicyList"][0]["PolicyDocument"] = quote(text, safe="")
    assert "cannot read" in str(lab.load(details).notes)
    saved = lab.save(account=OTHER)
    lab.load(saved, replace=True)
    assert lab.save(account=OTHER) == saved


def test_a_policy_that_cannot_be_read_is_kept_and_denies_everything(lab: Any) -> None:
    details = small()
    strange = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Aktion": "s3:*"}]}
    own = details["UserDetailList"][0]["UserPolicyList"]
    own.append({"PolicyName": "strange", "PolicyDocument": strange})
    (note,) = [note for note in lab.load(details).notes if "cannot read" in note]
    assert "strange of user/maps/ana" in note and "denies everything" in note
    decision = lab.decide("user/ana", "s3:GetObject", "arn:aws:s3:::reports/q3.csv", account=OTHER)
    assert decision.effect == "explicitDeny" and "cannot read" in str(decision)
    kept = lab.save(account=OTHER)["UserDetailList"][0]["UserPolicyList"]
    assert kept[1]["PolicyDocument"] == strange
    iam = lab.account(OTHER).client("iam")
    with pytest.raises(ClientError, match="user_ana_strange cannot be evaluated"):
        iam.simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{OTHER}:user/maps/ana", ActionNames=["s3:GetObject"]
        )


# --- The lab's own hands do not show --------------------------------------------------------------


def report(lab: Any, account: str = OTHER) -> dict[str, dict[str, str]]:
    iam = lab.account(account).client("iam")
    iam.generate_credential_report()
    content = iam.get_credential_report()["Content"].decode()
    return {row["user"]: row for row in csv.DictReader(io.StringIO(content))}


def test_the_lab_is_hidden(lab: Any) -> None:
    lab.load(small())
    before = lab.save(account=OTHER)
    lab.session("user/ana", OTHER).client("sts").get_caller_identity()
    lab.session("root", OTHER).client("sts").get_caller_identity()
    iam = lab.account(OTHER).client("iam")
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["ana"]
    assert iam.list_access_keys(UserName="ana")["AccessKeyMetadata"] == []
    rows = report(lab)
    assert set(rows) == {"<root_account>", "ana"}
    assert all(row["access_key_1_active"] == "false" for row in rows.values())
    assert lab.save(account=OTHER) == before
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["Users"], summary["AccountAccessKeysPresent"]) == (1, 0)


def test_the_learners_own_account_can_be_loaded(lab: Any) -> None:
    mine = json.loads(json.dumps(small()).replace(OTHER, lab.account_id))
    client = boto3.client("iam")
    lab.load(mine)
    for iam in (client, boto3.client("iam"), lab.account(lab.account_id).client("iam")):
        assert [user["UserName"] for user in iam.list_users()["Users"]] == ["ana"]
    token = boto3.client("sts").get_session_token()["Credentials"]
    again = boto3.client(
        "iam",
        aws_access_key_id=token["AccessKeyId"],
        aws_secret_access_key=token["SecretAccessKey"],
        aws_session_token=token["SessionToken"],
    )
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        again.list_users()  # IAM takes no such credentials without MFA
    with pytest.raises(LookupError):
        lab.decide("user/administrator", "iam:ListUsers")
    assert lab.decide(boto3.Session(), "iam:ListUsers")
    lab.reset()
    assert [user["UserName"] for user in client.list_users()["Users"]] == ["administrator"]


def test_a_session_outlives_loading_again(lab: Any) -> None:
    lab.load(small())
    ana = lab.session("user/ana", OTHER).client("sts")
    lab.load(small(), replace=True)
    assert ana.get_caller_identity()["UserId"] == f"AIDA{0:017}"
    lab.account(OTHER).client("iam").remove_user_from_group(GroupName="devs", UserName="ana")
    iam = lab.account(OTHER).client("iam")
    iam.delete_user_policy(UserName="ana", PolicyName="own")
    iam.delete_user(UserName="ana")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        ana.get_caller_identity()


# --- Refusals: the place, and nothing done --------------------------------------------------------


def state(lab: Any) -> Any:
    accounts = sorted(lab.state.accounts())
    buckets = sorted(lab.state.backend("s3", OTHER).buckets)
    return accounts, buckets, [lab.save(account=account) for account in accounts]


def broken(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    details = small()
    change(details)
    return details


USER, ROLE, POLICY = "UserDetailList[0]", "RoleDetailList[0]", "Policies[0]"
WRONG = {
    f"{USER}.Arn: Name and path": lambda d: d["UserDetailList"][0].update(Path="/"),
    f"{USER}.UserName: Expected text": lambda d: d["UserDetailList"][0].pop("UserName"),
    f"{USER}.CreateDate: Expected a date": lambda d: d["UserDetailList"][0].update(CreateDate="x"),
    f"{USER}.GroupList[0]: GroupDetailList has no group": lambda d: d.update(GroupDetailList=[]),
    f"{USER}: 'ana' is in the file twice": lambda d: d["UserDetailList"].insert(
        0, d["UserDetailList"][0] | {"UserId": f"AIDA{7:017}"}
    ),
    f"{ROLE}.AttachedManagedPolicies[0].PolicyArn: Policies does not have": without(
        f"arn:aws:iam::{OTHER}:policy/gone"
    ),
    f"{ROLE}.AssumeRolePolicyDocument: Expected an object": lambda d: d["RoleDetailList"][0].pop(
        "AssumeRolePolicyDocument"
    ),
    f"{ROLE}.Arn: This is in account 444455556666": lambda d: d["RoleDetailList"][0].update(
        Arn="arn:aws:iam::444455556666:role/app"
    ),
    f"{POLICY}.DefaultVersionId: PolicyVersionList has no v9": lambda d: d["Policies"][0].update(
        DefaultVersionId="v9"
    ),
    "UserDetailList: Expected a list": lambda d: d.update(UserDetailList=7),
    "is not what aws iam get-account-authorization-details writes": lambda d: d.clear(),
}


@pytest.mark.parametrize("says", WRONG)
def test_a_wrong_file_changes_nothing(lab: Any, says: str) -> None:
    before = state(lab)
    with pytest.raises(AccountFileError) as refused:
        lab.load(broken(WRONG[says]))
    if "twice" in says:
        says = says.replace("[0]", "[1]", 1)
    assert says in str(refused.value) and "Nothing was loaded" in str(refused.value)
    assert state(lab) == before
    assert boto3.client("iam").list_users()["Users"][0]["UserName"] == "administrator"


def test_what_is_no_json_is_refused_with_its_line(lab: Any, tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.write_text('{"UserDetailList": [\n  {"Path": "/",}\n]}')
    with pytest.raises(AccountFileError, match=r"account\.json, line 2, column"):
        lab.load(file)
    with pytest.raises(AccountFileError, match="cannot be opened"):
        lab.load(tmp_path / "nothing.json")
    file.write_bytes(json.dumps(small()).encode("utf-16"))  # as Windows PowerShell writes it
    assert lab.load(str(file)).counts["users"] == 1


def test_what_the_account_holds_is_not_lost(lab: Any) -> None:
    iam = lab.account(OTHER).client("iam")
    iam.create_user(UserName="bo")
    before = state(lab)
    with pytest.raises(AccountFileError, match="it has 1 users"):
        lab.load(small())
    assert state(lab) == before
    lab.load(small(), replace=True)
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["ana"]


def test_an_error_at_the_very_end_undoes_everything(lab: Any) -> None:
    boto3.client("s3").create_bucket(Bucket="taken")
    before = state(lab)
    with pytest.raises(AccountFileError, match="bucket taken in account"):
        lab.load(small(), bucket_policies={"mine-1": FULL, "taken": FULL}, scps=[[FULL], [FULL]])
    assert state(lab) == before
    assert lab.state.organization(OTHER) is None


def test_an_account_without_arns_needs_its_id(lab: Any) -> None:
    empty = {name: [] for name in small()}
    with pytest.raises(AccountFileError, match="account_id="):
        lab.load(empty)
    assert lab.load(empty, account_id=OTHER).account_id == OTHER
    with pytest.raises(AccountFileError, match="the account is 444455556666"):
        lab.load(small(), account_id="444455556666")


@cache
def _paths() -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []

    def walk(value: Any, path: tuple[Any, ...]) -> None:
        found.append(path)
        if not isinstance(value, dict | list):
            return
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            walk(item, (*path, key))

    walk(small(), ())
    return found[1:]


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["%7B", "%ff", "{", "v0", "arn:aws:iam::aws:policy/x", "9" * 12, "\x00", DATE]),
    st.lists(st.none() | st.text(max_size=2), max_size=2),
    st.dictionaries(st.text(max_size=2), st.none(), max_size=2),
    st.just([[[{}]]]),
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=st.lists(st.tuples(st.integers(0, 10**6), ODD, st.booleans()), max_size=3))
def test_a_mutated_file_loads_or_is_refused_in_words(lab: Any, changes: Any) -> None:
    details: Any = copy.deepcopy(small())
    for number, odd, drop in changes:
        path = _paths()[number % len(_paths())]
        where = details
        try:
            for key in path[:-1]:
                where = where[key]
            if drop:
                del where[path[-1]]
            else:
                where[path[-1]] = odd
        except (KeyError, IndexError, TypeError):
            continue
    try:
        loaded = lab.load(details, replace=True)
    except AccountFileError as error:
        assert "Nothing was loaded" in str(error)
        return
    saved = lab.save(account=loaded.account_id)
    lab.load(saved, replace=True)
    assert lab.save(account=loaded.account_id) == saved
    report(lab, loaded.account_id)


# --- What stands around ---------------------------------------------------------------------------


def test_bucket_policies(lab: Any, tmp_path: Path) -> None:
    principal = {"AWS": f"arn:aws:iam::{OTHER}:role/app"}
    document = allows("s3:PutObject", Principal=principal, Resource="arn:aws:s3:::drop-1/*")
    file = tmp_path / "buckets.json"
    file.write_text(json.dumps({"drop-1": {"Policy": json.dumps(document)}, "drop-2": document}))
    assert lab.load(small(), bucket_policies=file).counts["buckets"] == 2
    s3 = lab.account(OTHER).client("s3")
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["drop-1", "drop-2"]
    assert json.loads(s3.get_bucket_policy(Bucket="drop-1")["Policy"]) == document
    lab.session("role/app", OTHER).client("s3").put_object(Bucket="drop-1", Key="a", Body=b"")
    assert not lab.decide("user/ana", "s3:PutObject", "arn:aws:s3:::drop-1/a", account=OTHER)
    lab.load(small(), bucket_policies={"drop-1": json.dumps(document)}, replace=True)
    assert s3.list_objects_v2(Bucket="drop-1")["KeyCount"] == 1


DENY_SQS = {
    "Version": "2012-10-17",
    "Statement": [ALLOW_ALL | {"Effect": "Deny", "Action": "sqs:*"}],
}


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_scps_hold(lab: Any, depth: int) -> None:
    levels = [[FULL] for _ in range(depth)]
    levels[-1].append(json.dumps(DENY_SQS))
    loaded = lab.load(small(), scps=levels)
    assert loaded.counts["SCPs"] == depth + 1
    who = lab.account(OTHER)
    assert lab.decide(who, "sqs:ListQueues").blocked_by == "scp"
    assert lab.decide(who, "s3:ListAllMyBuckets")
    with pytest.raises(ClientError, match="explicit deny in a service control policy"):
        lab.session("root", OTHER).client("sqs").list_queues()
    member = who.client("organizations").describe_organization()["Organization"]
    assert member["MasterAccountId"] in str(loaded.notes)
    lab.load(small(), scps=[[FULL]], replace=True)
    assert lab.decide(who, "sqs:ListQueues")
    lab.load(small(), replace=True)
    assert lab.state.organization(OTHER) is None


def test_scps_as_describe_policy_writes_them_tell_the_organization(lab: Any) -> None:
    arn = (
        "arn:aws:organizations::777788889999:policy/o-abcdefghij/service_control_policy/p-12345678"
    )
    summary = {"Id": "p-12345678", "Arn": arn, "Name": "NoSqs", "Type": "SERVICE_CONTROL_POLICY"}
    described = {"Policy": {"PolicySummary": summary, "Content": json.dumps(DENY_SQS)}}
    notes = lab.load(small(), scps=[[FULL, described], [FULL]]).notes
    assert notes == (NO_REPORT,)
    decision = lab.decide("role/app", "sqs:ListQueues", account=OTHER)
    assert "NoSqs at the root" in str(decision)
    assert decision.request.context["aws:PrincipalOrgID"] == "o-abcdefghij"
    assert decision.request.context["aws:PrincipalOrgMasterAccountId"] == "777788889999"


def test_scps_that_allow_nothing_are_noted(lab: Any) -> None:
    notes = lab.load(small(), scps=[[FULL], [DENY_SQS]]).notes
    assert "Level 2 of the SCPs" in str(notes)
    assert lab.decide(lab.account(OTHER), "s3:ListAllMyBuckets").blocked_by == "scp"
    with pytest.raises(AccountFileError, match=r"scps.*\[0\].*Expected a list"):
        lab.load(small(), scps=[FULL], replace=True)
    lab.account("999988887777").client("iam").create_user(UserName="bo")


def test_a_credential_report_is_given_back(lab: Any, tmp_path: Path) -> None:
    now = lab.clock.now()
    synthetic = Synthetic(now)
    answer = {"Content": base64.b64encode(synthetic.report.encode()).decode()}
    file = tmp_path / "report.json"
    file.write_text(json.dumps(answer | {"ReportFormat": "text/csv"}))
    given = {row["user"]: row for row in csv.DictReader(io.StringIO(synthetic.report))}
    for form in (file, answer, synthetic.report, {"Content": synthetic.report.encode()}):
        loaded = lab.load(synthetic.details, credential_report=form, replace=True)
        assert not [note for note in loaded.notes if "cannot show" in note]
    back = report(lab, ACCOUNT)
    assert back.keys() == given.keys()
    for user, row in given.items():
        for column, value in row.items():
            assert (moment(back[user][column]) or back[user][column]) == (moment(value) or value)
    summary = lab.account(ACCOUNT).client("iam").get_account_summary()["SummaryMap"]
    assert summary["AccountMFAEnabled"] == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "first line has to name the columns"),
        ("user,arn\nana,arn:aws:iam::444455556666:user/ana\n", "line 2, arn"),
        (f"user,arn\nana,arn:aws:iam::{OTHER}:user/x\nana,arn:aws:iam::{OTHER}:user/x\n", "line 3"),
        ('user,arn\n"ana', "This is not CSV"),
        ({"Content": "!"}, "neither CSV nor"),
        ({}, "is not a credential report"),
        (7, "is not a credential report"),
    ],
)
def test_a_wrong_credential_report_is_refused(lab: Any, text: Any, says: str) -> None:
    text = "\n" if text == "" else text
    before = state(lab)
    with pytest.raises(AccountFileError, match=says):
        lab.load(small(), credential_report=text)
    assert state(lab) == before


def test_who_is_in_one_file_only_is_said(lab: Any) -> None:
    row = f"bo,arn:aws:iam::{OTHER}:user/bo"
    notes = str(lab.load(small(), credential_report=f"user,arn\n{row}\n").notes)
    assert "bo are in the credential report and not" in notes
    assert "ana are not in the credential report" in notes


# --- Saving ---------------------------------------------------------------------------------------


def test_a_file_is_written_as_the_cli_prints_it_and_never_over_another(
    lab: Any, tmp_path: Path
) -> None:
    lab.load(small())
    file = tmp_path / "account.json"
    saved = lab.save(file, OTHER)
    text = file.read_text(encoding="utf-8")
    assert text == json.dumps(saved, indent=4, ensure_ascii=False) + "\n"
    lab.save(file, OTHER)  # it says the same
    lab.load(file, replace=True)
    again = tmp_path / "again.json"
    lab.save(again, OTHER)
    assert again.read_bytes() == file.read_bytes()
    lab.account(OTHER).client("iam").create_user(UserName="bo")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        lab.save(file, OTHER)
    assert file.read_text(encoding="utf-8") == text
    assert len(lab.save(file, OTHER, overwrite=True)["UserDetailList"]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["account.json", "again.json"]
    with pytest.raises(LookupError, match="no account"):
        lab.save(account="444455556666")


def test_saving_and_loading_leave_no_trace_in_the_record(lab: Any) -> None:
    lab.load(small())
    lab.save(account=OTHER)
    assert lab.history().empty


def test_a_made_account_comes_back_whole(lab: Any) -> None:
    iam = boto3.client("iam")
    trust = allows("sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"})
    del trust["Statement"][0]["Resource"]
    iam.create_role(
        RoleName="worker",
        AssumeRolePolicyDocument=json.dumps(trust),
        Description="Größe <&>",
        MaxSessionDuration=7200,
        Path="/a/b/",
    )
    iam.create_instance_profile(InstanceProfileName="worker")
    iam.add_role_to_instance_profile(InstanceProfileName="worker", RoleName="worker")
    linked = iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    iam.attach_role_policy(
        RoleName="worker", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaRole"
    )
    saved = lab.save()
    lab.load(saved, replace=True)
    assert lab.save() == saved
    role = iam.get_role(RoleName="worker")["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("Größe <&>", 7200)
    with pytest.raises(ClientError, match="UnmodifiableEntity"):
        iam.delete_role(RoleName=linked["Role"]["RoleName"])


# --- 20 facts of a synthetic account --------------------------------------------------------------


class Naive:
    """The files, read by a few lines that know nothing of the lab."""

    def __init__(self, synthetic: Synthetic, now: datetime) -> None:
        self.now = now.replace(tzinfo=None)
        self.users = synthetic.details["UserDetailList"]
        self.groups = synthetic.details["GroupDetailList"]
        self.roles = synthetic.details["RoleDetailList"]
        self.customer = [p for p in synthetic.details["Policies"] if ACCOUNT in p["Arn"]]
        self.default = {
            policy["Arn"]: version["Document"]
            for policy in synthetic.details["Policies"]
            for version in policy["PolicyVersionList"]
            if version["IsDefaultVersion"]
        }
        self.rows = list(csv.DictReader(io.StringIO(synthetic.report)))[1:]

    def holders(self, one: dict[str, Any]) -> list[dict[str, Any]]:
        return [one] + [g for g in self.groups if g["GroupName"] in one.get("GroupList", ())]

    def arns(self, one: dict[str, Any]) -> set[str]:
        return {p["PolicyArn"] for h in self.holders(one) for p in h["AttachedManagedPolicies"]}

    def documents(self, one: dict[str, Any]) -> list[dict[str, Any]]:
        inline = [
            p["PolicyDocument"]
            for h in self.holders(one)
            for kind in ("User", "Group", "Role")
            for p in h.get(f"{kind}PolicyList", ())
        ]
        return inline + [self.default[arn] for arn in self.arns(one)]

    def says(self, documents: list[dict[str, Any]], effect: str, action: str, on: str) -> bool:
        def matches(patterns: Any, value: str) -> bool:
            patterns = [patterns] if isinstance(patterns, str) else patterns
            return any(fnmatchcase(value, pattern) for pattern in patterns)

        return any(
            statement["Effect"] == effect
            and "Condition" not in statement
            and (
                matches(statement["Action"], action)
                if "Action" in statement
                else not matches(statement["NotAction"], action)
            )
            and matches(statement["Resource"], on)
            for document in documents
            for statement in document["Statement"]
        )

    def may(self, action: str, on: str) -> set[str]:
        found = set()
        for one in self.users + self.roles:
            documents = self.documents(one)
            bound = one.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
            limits = [self.default[bound]] if bound else [FULL]
            if (
                self.says(documents, "Allow", action, on)
                and self.says(limits, "Allow", action, on)
                and not self.says(documents + limits, "Deny", action, on)
            ):
                found.add(one["Arn"])
        return found

    def old(self, date: str, days: int) -> bool:
        when = moment(date)
        return when is not None and when < self.now - timedelta(days=days)

    def names(self, kind: str, entities: list[dict[str, Any]], test: Any) -> set[str]:
        return {one[f"{kind}Name"] for one in entities if test(one)}


def test_twenty_facts_of_a_synthetic_account(lab: Any, tmp_path: Path) -> None:
    now = lab.clock.now()
    synthetic = Synthetic(now)
    file = tmp_path / "account.json"
    file.write_text(json.dumps(synthetic.details, indent=4))
    lab.load(file, credential_report=synthetic.report)
    naive, iam = Naive(synthetic, now), lab.account(ACCOUNT).client("iam")
    rows = report(lab, ACCOUNT)
    del rows["<root_account>"]
    policies = [
        policy
        for page in iam.get_paginator("list_policies").paginate(Scope="Local")
        for policy in page["Policies"]
    ]
    details = lab.save(account=ACCOUNT)
    role_names = [role["RoleName"] for role in naive.roles]
    roles = {name: iam.get_role(RoleName=name)["Role"] for name in role_names}

    def used(name: str) -> datetime | None:
        return moment(roles[name].get("RoleLastUsed", {}).get("LastUsedDate"))

    def may(action: str, on: str) -> set[str]:
        arns = [one["Arn"] for one in naive.users + naive.roles]
        return {arn for arn in arns if lab.decide(arn, action, on)}

    def keys(test: Callable[[dict[str, str], int], Any]) -> set[tuple[str, int]]:
        return {(name, n) for name, row in rows.items() for n in (1, 2) if test(row, n)}

    def naive_keys(test: Callable[[dict[str, str], int], Any]) -> set[tuple[str, int]]:
        return {(row["user"], n) for row in naive.rows for n in (1, 2) if test(row, n)}

    def old_key(row: dict[str, str], n: int) -> bool:
        return row[f"access_key_{n}_active"] == "true" and naive.old(
            row[f"access_key_{n}_last_rotated"], 90
        )

    def unused_key(row: dict[str, str], n: int) -> bool:
        return (
            row[f"access_key_{n}_active"] == "true"
            and row[f"access_key_{n}_last_used_date"] == "N/A"
        )

    def attached(entity: dict[str, Any]) -> set[str]:
        return {policy["PolicyArn"] for policy in entity["AttachedManagedPolicies"]}

    summary = iam.get_account_summary()["SummaryMap"]
    admin = f"arn:aws:iam::aws:policy/{AWS_POLICIES[0]}"
    admins = iam.list_entities_for_policy(PolicyArn=admin)
    holders = naive.users + naive.groups + naive.roles
    in_use = set().union(*map(attached, holders)) | {
        one["PermissionsBoundary"]["PermissionsBoundaryArn"]
        for one in holders
        if "PermissionsBoundary" in one
    }
    a_role, a_bucket = f"arn:aws:iam::{ACCOUNT}:role/{role_names[0]}", "arn:aws:s3:::reports"
    own = f"arn:aws:iam::{ACCOUNT}:policy/policy-000"
    partners = {partner: lab.account(partner) for partner in PARTNERS}
    facts = {
        "principals": (summary["Users"] + summary["Roles"], 300),
        "customer policies": (summary["Policies"], 150),
        "MFA devices in use": (
            summary["MFADevicesInUse"],
            sum(row["mfa_active"] == "true" for row in naive.rows),
        ),
        "a password and no MFA": (
            {
                n
                for n, r in rows.items()
                if (r["password_enabled"], r["mfa_active"]) == ("true", "false")
            },
            {r["user"] for r in naive.rows if r["password_enabled"] == "true" != r["mfa_active"]},
        ),
        "keys older than 90 days": (keys(old_key), naive_keys(old_key)),
        "keys never used": (keys(unused_key), naive_keys(unused_key)),
        "passwords not used for 90 days": (
            {n for n, r in rows.items() if naive.old(r["password_last_used"], 90)},
            {r["user"] for r in naive.rows if naive.old(r["password_last_used"], 90)},
        ),
        "active keys": (
            {
                (user["UserName"])
                for user in naive.users
                for key in iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
                if key["Status"] == "Active"
            },
            {
                r["user"]
                for r in naive.rows
                if "true" in (r["access_key_1_active"], r["access_key_2_active"])
            },
        ),
        "who may pass a role": (may("iam:PassRole", a_role), naive.may("iam:PassRole", a_role)),
        "who may rewrite a policy": (
            may("iam:CreatePolicyVersion", own),
            naive.may("iam:CreatePolicyVersion", own),
        ),
        "who may delete a bucket": (
            may("s3:DeleteBucket", a_bucket),
            naive.may("s3:DeleteBucket", a_bucket),
        ),
        "who may stop instances": (
            may("ec2:StopInstances", "*"),
            naive.may("ec2:StopInstances", "*"),
        ),
        "administrators": (
            {u["UserName"] for u in admins["PolicyUsers"]}
            | {r["RoleName"] for r in admins["PolicyRoles"]}
            | {g["GroupName"] for g in admins["PolicyGroups"]},
            {
                one[f"{kind}Name"]
                for one in holders
                for kind in ("User", "Group", "Role")
                if f"{kind}Name" in one and admin in attached(one)
            },
        ),
        "roles that another account may use": (
            {
                name
                for name in role_names
                for partner in PARTNERS
                if lab.decide(partners[partner], "sts:AssumeRole", roles[name]["Arn"])
            },
            naive.names(
                "Role",
                naive.roles,
                lambda one: any(p in json.dumps(one["AssumeRolePolicyDocument"]) for p in PARTNERS),
            ),
        ),
        "roles not used for 90 days": (
            {n for n in role_names if not used(n) or used(n) < naive.now - timedelta(days=90)},
            naive.names(
                "Role",
                naive.roles,
                lambda one: (
                    not one["RoleLastUsed"] or naive.old(one["RoleLastUsed"]["LastUsedDate"], 90)
                ),
            ),
        ),
        "roles of instances": (
            {
                profile["Roles"][0]["RoleName"]
                for page in iam.get_paginator("list_instance_profiles").paginate()
                for profile in page["InstanceProfiles"]
            },
            naive.names("Role", naive.roles, lambda one: one["InstanceProfileList"]),
        ),
        "policies used nowhere": (
            {
                p["Arn"]
                for p in policies
                if not p["AttachmentCount"] and not p["PermissionsBoundaryUsageCount"]
            },
            {policy["Arn"] for policy in naive.customer} - in_use,
        ),
        "groups without members": (
            {
                one["GroupName"]
                for one in naive.groups
                if not iam.get_group(GroupName=one["GroupName"])["Users"]
            },
            {g["GroupName"] for g in naive.groups}
            - {name for user in naive.users for name in user["GroupList"]},
        ),
        "users with their own inline policies": (
            naive.names("User", details["UserDetailList"], lambda one: one["UserPolicyList"]),
            naive.names("User", naive.users, lambda one: one["UserPolicyList"]),
        ),
        "users of the team maps": (
            {
                user["UserName"]
                for user in naive.users
                if {"Key": "team", "Value": "maps"}
                in iam.list_user_tags(UserName=user["UserName"])["Tags"]
            },
            naive.names("User", naive.users, lambda one: "maps" in json.dumps(one["Tags"])),
        ),
        "policies that were changed": (
            {p["Arn"] for p in policies if p["DefaultVersionId"] != "v1"},
            {p["Arn"] for p in naive.customer if p["DefaultVersionId"] != "v1"},
        ),
    }
    assert len(facts) >= 20
    for fact, (lab_says, file_says) in facts.items():
        assert lab_says == file_says, fact
        assert file_says, f"{fact}: nothing to see, so nothing is tested"
    some = sorted(naive.may("iam:PassRole", a_role))[:3] + [u["Arn"] for u in naive.users[:3]]
    for arn in some:
        answer = iam.simulate_principal_policy(
            PolicySourceArn=arn, ActionNames=["iam:PassRole"], ResourceArns=[a_role]
        )
        allowed = answer["EvaluationResults"][0]["EvalDecision"] == "allowed"
        assert allowed == (arn in naive.may("iam:PassRole", a_role))


def test_last_accessed_starts_with_what_is_done_in_the_lab(lab: Any) -> None:
    lab.load(small())
    iam = lab.account(OTHER).client("iam")
    arn = f"arn:aws:iam::{OTHER}:role/app"

    def seen() -> Any:
        job = iam.generate_service_last_accessed_details(Arn=arn)["JobId"]
        found = iam.get_service_last_accessed_details(JobId=job)["ServicesLastAccessed"]
        return next(s for s in found if s["ServiceNamespace"] == "s3").get("LastAuthenticated")

    assert seen() is None
    with pytest.raises(ClientError):
        lab.session("role/app", OTHER).client("s3").list_buckets()
    assert seen() is not None
    assert "LastUsedDate" in iam.get_role(RoleName="app")["Role"]["RoleLastUsed"]


def test_loading_needs_a_running_lab() -> None:
    lab = iamlab.start()
    lab.stop()
    with pytest.raises(RuntimeError, match="stopped"):
        lab.load(small())
