"""The record in words."""

from datetime import UTC, datetime

from iamlab.account.errors import AwsError
from iamlab.account.trail import COLUMNS, Record, Refusal, Trail
from iamlab.policy import Decision, Policies, Request, evaluate

ANA = "arn:aws:iam::111122223333:user/ana"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def _record(decisions: list[Decision], **more: object) -> Record:
    return Record(
        NOW,
        ANA,
        "iam",
        "GetUser",
        "us-east-1",
        "111122223333",
        {},
        "AKIA",
        "203.0.113.10",
        decisions,
        **more,
    )


def _decision(allow: bool) -> Decision:
    statement = {"Effect": "Allow" if allow else "Deny", "Action": "iam:*", "Resource": "*"}
    policies = Policies(identity=[{"Version": "2012-10-17", "Statement": [statement]}])
    return evaluate(Request(ANA, "iam:GetUser", ANA), policies)


def test_an_empty_record_is_a_table_with_columns() -> None:
    frame = Trail().frame()
    assert list(frame.columns) == COLUMNS and frame.empty
    assert str(frame["time"].dtype).endswith("UTC]")


def test_rows_tell_what_was_decided_and_what_aws_then_said() -> None:
    trail = Trail()
    trail.records += [
        _record([_decision(True)]),
        _record([_decision(True)], error=AwsError("NoSuchEntity", "no such user", 404)),
        _record([_decision(False)]),
        _record([], refused=Refusal("ExpiredToken", "too late")),
        _record([]),
    ]
    frame = trail.frame()
    assert list(frame["decision"]) == ["allowed", "allowed", "explicitDeny", "refused", "allowed"]
    assert "NoSuchEntity: no such user" in frame["reason"][1]
    assert "ExpiredToken" in frame["reason"][3]
    assert "no permission" in frame["reason"][4]
    assert list(frame["resource"][:3]) == [ANA] * 3


def test_a_record_of_several_permissions_shows_the_one_that_was_missing() -> None:
    record = _record([_decision(True), _decision(False)])
    assert record.denied is record.decisions[1]
    assert record.row()["decision"] == "explicitDeny"


def test_last_denial_is_the_last_one() -> None:
    trail = Trail()
    assert trail.last_denial() is None
    denied = _decision(False)
    trail.records += [
        _record([], refused=Refusal("ExpiredToken", "x")),
        _record([denied]),
        _record([_decision(True)]),
    ]
    assert trail.last_denial() is denied
