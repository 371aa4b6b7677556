"""Access keys and the principals behind them."""

from datetime import timedelta
from typing import Any

import boto3
import pytest

from iamlab.account.callers import Session, new_key_id, new_secret


def _key(user: str) -> str:
    iam = boto3.client("iam")
    iam.create_user(UserName=user)
    return iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]


def test_a_user_s_key(lab: Any) -> None:
    key = _key("ana")
    found = lab.callers.find(key)
    assert found.active
    assert (found.caller.kind, found.caller.name) == ("user", "ana")
    assert found.caller.arn == found.caller.principal_arn == "arn:aws:iam::111122223333:user/ana"
    assert found.caller.user_id.startswith("AIDA")


def test_a_cached_key_is_never_stale(lab: Any) -> None:
    """Every way a key can change, between two look-ups."""
    iam = boto3.client("iam")
    key = _key("ana")
    assert lab.callers.find(key).active
    iam.update_access_key(UserName="ana", AccessKeyId=key, Status="Inactive")
    assert not lab.callers.find(key).active
    iam.update_access_key(UserName="ana", AccessKeyId=key, Status="Active")
    assert lab.callers.find(key).active
    iam.update_user(UserName="ana", NewUserName="anna", NewPath="/staff/")
    assert lab.callers.find(key).caller.arn == "arn:aws:iam::111122223333:user/staff/anna"
    iam.delete_access_key(UserName="anna", AccessKeyId=key)
    assert lab.callers.find(key) is None


def test_keys_of_other_accounts(lab: Any) -> None:
    partner = lab.account("444455556666").client("iam")
    partner.create_user(UserName="theirs")
    key = partner.create_access_key(UserName="theirs")["AccessKey"]["AccessKeyId"]
    assert lab.callers.find(key).caller.account == "444455556666"


def test_root_keys_are_made_once_an_account(lab: Any) -> None:
    first = lab.callers.root_key("111122223333")
    assert lab.callers.root_key("111122223333") == first
    assert lab.callers.root_key("444455556666") != first
    caller = lab.callers.find(first[0]).caller
    assert (caller.kind, caller.user_id) == ("root", "111122223333")


def _session(lab: Any, **fields: Any) -> Session:
    now = lab.clock.now()
    return Session(
        **{
            "access_key_id": new_key_id("ASIA"),
            "secret": new_secret(),
            "token": "t",
            "kind": "user",
            "account": "111122223333",
            "arn": "arn:aws:iam::111122223333:user/ana",
            "principal_arn": "arn:aws:iam::111122223333:user/ana",
            "user_id": "AIDAX",
            "name": "ana",
            "issued": now,
            "expires": now + timedelta(hours=1),
        }
        | fields
    )


def test_a_session_ends_with_the_entity_behind_it(lab: Any) -> None:
    iam = boto3.client("iam")
    user = iam.create_user(UserName="ana")["User"]
    session = _session(lab, entity_id=user["UserId"])
    lab.callers.add(session)
    assert lab.callers.find(session.access_key_id).caller.session is session
    iam.delete_user(UserName="ana")
    assert lab.callers.find(session.access_key_id) is None


def test_principals_by_arn(lab: Any) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="ana", Path="/staff/")
    trust = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",'
        '"Action":"sts:AssumeRole"}]}'
    )
    iam.create_role(RoleName="reader", Path="/team/", AssumeRolePolicyDocument=trust)
    start = "arn:aws:iam::111122223333:"
    find = lab.callers.principal
    assert find(start + "user/staff/ana").name == "ana"
    assert find(start + "root").kind == "root"
    role = find(start + "role/team/reader")
    assert role.principal_arn == start + "role/team/reader"
    assert role.arn.startswith("arn:aws:sts::111122223333:assumed-role/reader/")
    session = find("arn:aws:sts::111122223333:assumed-role/reader/morning")
    assert session.arn.endswith("/reader/morning")


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "ana",
        "arn:aws:s3:::b",
        "arn:aws:iam::111122223333:user/none",
        "arn:aws:iam::111122223333:group/g",
        "arn:aws:iam::111122223333:role/none",
    ],
)
def test_no_such_principal(lab: Any, arn: str) -> None:
    assert lab.callers.principal(arn) is None


def test_made_up_keys_look_like_aws_s() -> None:
    assert len({new_key_id("AKIA") for _ in range(100)}) == 100
    assert len(new_key_id("ASIA")) == 20 and new_key_id("ASIA").isalnum()
    assert len(new_secret()) == 40
