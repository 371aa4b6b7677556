"""What the playground takes from a running lab: people, things, policies, the last denial."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError

import iamlab
from iamlab.account.lab import Lab
from iamlab.widgets import lab_side, playground
from iamlab.widgets.policy_playground import Playground

ANA = "arn:aws:iam::111122223333:user/ana"
FILE = "arn:aws:s3:::larkfield-reports/q3.csv"


def policy(action: str, resource: str = "*", **more: object) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def lab() -> Iterator[Lab]:
    with iamlab.start() as running:
        iam, s3 = boto3.client("iam"), boto3.client("s3")
        iam.create_user(UserName="ana")
        iam.put_user_policy(UserName="ana", PolicyName="Read", PolicyDocument=policy("s3:Get*"))
        limit = iam.create_policy(PolicyName="Limit", PolicyDocument=policy("s3:List*"))
        iam.put_user_permissions_boundary(
            UserName="ana", PermissionsBoundary=limit["Policy"]["Arn"]
        )
        s3.create_bucket(Bucket="larkfield-reports")
        yield running


def want(page: Playground, **wish: object) -> dict:
    return page.heard({"want": wish})


def test_without_a_lab_none_is_started() -> None:
    assert lab_side.running() is None
    assert lab_side.people(None) == lab_side.things(None) == []
    page = playground()
    assert not page.has_lab
    problem = want(page, lab=True)["lab"]["problem"]
    assert problem == "No lab is running. Start one: lab = iamlab.start()"
    assert lab_side.running() is None


def test_people_and_things_are_proposed(lab: Lab) -> None:
    assert {"text": ANA, "note": "user, in the lab"} in lab_side.people(lab)
    assert lab_side.things(lab)[0] == {
        "text": "arn:aws:s3:::larkfield-reports",
        "note": "bucket, in the lab",
    }
    page = playground(request={"action": "s3:GetObject"})
    assert page.has_lab
    rows = want(page, rows={"part": "request", "name": "principal", "at": 0})["rows"]["rows"]
    assert ANA in [row["text"] for row in rows]
    rows = want(page, rows={"part": "request", "name": "resource", "at": 0})["rows"]["rows"]
    assert rows[0]["text"] == "arn:aws:s3:::larkfield-reports/KEY"


def test_policies_come_from_the_lab_with_their_names(lab: Lab) -> None:
    page = playground(request={"principal": ANA, "action": "s3:GetObject", "resource": FILE})
    state = want(page, lab=True)["lab"]
    assert set(state["policies"]) == {"identity", "boundary"}
    assert state["names"] == {"identity": "Read", "boundary": "Limit"}
    assert "\n" in state["policies"]["identity"]  # laid out, to be read
    assert "aws:username = ana" in state["request"]["context"]
    page.heard({"texts": state, "names": state["names"]})
    assert page.decision is not None and page.decision.blocked_by == "boundary"
    assert page.decision.effect == lab.decide(ANA, "s3:GetObject", FILE).effect
    assert page.result["names"]["identity"] == "Identity policy: Read"


def test_nobody_of_that_name(lab: Lab) -> None:
    nobody = ANA.replace("ana", "nobody")
    page = playground(request={"principal": nobody, "action": "s3:GetObject", "resource": FILE})
    assert want(page, lab=True)["lab"] == {
        "problem": f"There is nobody with the ARN {nobody} in the lab."
    }
    page = playground(request={"principal": nobody, "action": "s3:GetObject"})
    assert want(page, lab=True)["lab"]["problem"].startswith("Write the ARN")


def test_the_last_denial_opens_with_everything_filled_in(lab: Lab) -> None:
    with pytest.raises(ClientError):
        lab.session("user/ana").client("s3").get_object(Bucket="larkfield-reports", Key="q3.csv")
    denial = lab.why()
    page = playground(denial)
    assert page.request["principal"] == ANA and page.request["resource"] == FILE
    assert page.decision is not None
    assert (page.decision.effect, page.decision.blocked_by) == (denial.effect, denial.blocked_by)
    assert page.start["names"]["boundary"] == "Limit"
    # One thing can be changed from outside.
    allowed = playground(denial, boundary=json.loads(policy("*")))
    assert allowed.decision is not None and allowed.decision.allowed


def test_a_foreign_bucket_keeps_its_owner(lab: Lab) -> None:
    lab.account("444455556666").client("s3").create_bucket(Bucket="partner-maps")
    decision = lab.decide(ANA, "s3:GetObject", "arn:aws:s3:::partner-maps/x.png")
    page = playground(decision)
    assert page.request["resource_account"] == "444455556666"
    assert page.decision is not None and page.decision.blocked_by == decision.blocked_by


def test_a_stopped_lab_is_no_lab() -> None:
    with iamlab.start() as lab:
        page = playground(lab=lab)
        assert page.lab is lab
    assert page.lab is None
