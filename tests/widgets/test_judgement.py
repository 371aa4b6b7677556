"""What the playground says about texts, without a page."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iamlab.policy import Request, parse
from iamlab.widgets.judgement import as_text, in_words, judge
from iamlab.widgets.request_fields import FIELDS, as_fields, read_context
from iamlab.widgets.slots import KINDS

ANA = "arn:aws:iam::111122223333:user/ana"
FILE = "arn:aws:s3:::larkfield-reports/2026/q3.csv"
ASK = {
    "principal": ANA,
    "action": "s3:GetObject",
    "resource": FILE,
    "resource_account": "",
    "context": "",
}


def text(**statement: Any) -> str:
    full = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"} | statement
    return json.dumps({"Version": "2012-10-17", "Statement": [full]}, indent=2)


def test_a_decision_is_told_with_the_line_that_decided() -> None:
    result, decision = judge({"identity": text(Effect="Deny", Sid="Never")}, ASK)
    assert decision is not None and decision.effect == "explicitDeny"
    assert result["effect"] == "explicitDeny"
    assert result["headline"].startswith("Denied")
    assert "Never" in result["sentence"]
    assert result["marks"] == {"identity": [{"kind": "decided", "line": 4, "to": 9}]}
    identity = next(step for step in result["steps"] if step["type"] == "identity")
    assert (identity["state"], identity["word"]) == ("deny", "stop: a Deny")
    assert identity["statements"][0]["decides"]
    json.dumps(result)  # it goes to the page as it is


def test_a_statement_that_does_not_match_says_why() -> None:
    bucket = "arn:aws:s3:::larkfield-reports"
    result, _ = judge({"identity": text(Resource=bucket)}, ASK)
    (row,) = [row for step in result["steps"] for row in step["statements"]]
    assert not row["matched"] and not row["decides"]
    assert row["why"] == (
        f"you wrote `{bucket}`; the request is for `{FILE}`: `{bucket}` is the bucket itself; the "
        f"objects in it are `{bucket}/*`."
    )
    # The line where the nearest statement failed is marked.
    assert result["marks"] == {"identity": [{"kind": "near", "line": 7, "to": 7}]}


def test_a_syntax_error_stands_at_its_line() -> None:
    broken = text().replace('"s3:GetObject",', '"s3:GetObject"')
    result, decision = judge({"identity": broken}, ASK)
    assert decision is None and result["effect"] is None
    (problem,) = result["problems"]["identity"]
    assert problem["line"] in (6, 7) and problem["message"] and problem["hint"]
    assert f"line {problem['line']}" in result["sentence"]
    assert problem["message"] in in_words(result)


def test_a_grammar_error_stands_at_its_line() -> None:
    result, _ = judge({"identity": text(Effect="allow")}, ASK)
    (problem,) = result["problems"]["identity"]
    assert problem["line"] == 5
    assert "Effect" in problem["path"]


def test_one_broken_policy_stops_the_verdict_and_the_other_keeps_its_advice() -> None:
    policies = {"identity": text(Action="s3:GetObjekt"), "resource": "{"}
    result, decision = judge(policies, ASK)
    assert decision is None
    assert "resource" in result["problems"] and "identity" not in result["problems"]
    assert any("GetObjekt" in row["message"] for row in result["advice"]["identity"])
    assert result["sentence"].startswith("Resource policy")


def test_advice_stands_beside_a_verdict() -> None:
    result, decision = judge({"identity": text(Action="s3:GetObjekt")}, ASK)
    assert decision is not None
    (row, *_) = result["advice"]["identity"]
    assert row["line"] == 6 and row["severity"]


def test_blank_text_means_no_such_policy() -> None:
    result, decision = judge({"identity": " \n", "resource": ""}, ASK)
    assert decision is not None and decision.effect == "implicitDeny"
    assert not result["problems"] and not result["advice"]


@pytest.mark.parametrize("field", ["principal", "action", "resource"])
def test_an_empty_field_says_what_to_write(field: str) -> None:
    result, decision = judge({"identity": text()}, ASK | {field: "  "})
    assert decision is None
    assert result["fields"] == {field: FIELDS[field]["missing"]}
    assert result["sentence"] == FIELDS[field]["missing"]


@pytest.mark.parametrize("field", ["principal", "action", "resource"])
def test_nonsense_in_a_field_never_breaks_the_page(field: str) -> None:
    for nonsense in ("x", ":::::::", "arn:aws", "*", "\ud800", "a" * 5000):
        result, _ = judge({"identity": text()}, ASK | {field: nonsense})
        assert result["headline"]


def test_the_action_chooses_the_rules_of_a_resource_policy() -> None:
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Principal": {"AWS": ANA}, "Action": "sts:AssumeRole"},
        }
    )
    role = {"action": "sts:AssumeRole", "resource": "arn:aws:iam::111122223333:role/publisher"}
    result, decision = judge({"resource": trust}, ASK | role)
    assert decision is not None and decision.allowed
    assert result["names"]["resource"] == "Trust policy"
    # As a bucket policy the same text lacks its Resource.
    result, _ = judge({"resource": trust}, ASK)
    assert result["problems"]["resource"] and result["names"]["resource"] == "Resource policy"


@pytest.mark.parametrize("kind", ["boundary", "session", "scp"])
def test_every_kind_reaches_the_decision(kind: str) -> None:
    session = "arn:aws:sts::111122223333:assumed-role/publisher/ana"
    ask = ASK | {"principal": session if kind == "session" else ANA}
    policies = {"identity": text(), kind: text(Action="s3:ListBucket")}
    _, decision = judge(policies, ask)
    assert decision is not None and decision.blocked_by == kind
    assert kind in KINDS


def test_context_is_read_by_line() -> None:
    lines = "aws:SourceIp = 10.0.0.7\n\naws:TagKeys = team\naws:TagKeys = cost = high\n s3:prefix ="
    assert read_context(lines) == {
        "aws:SourceIp": "10.0.0.7",
        "aws:TagKeys": ["team", "cost = high"],
        "s3:prefix": "",
    }


@pytest.mark.parametrize("line", ["aws:SourceIp", "= 10.0.0.7", "aws:SourceIp: 10.0.0.7"])
def test_a_context_line_without_a_key_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="Line 2"):
        read_context(f"aws:username = ana\n{line}")
    result, decision = judge({"identity": text()}, ASK | {"context": f"a = b\n{line}"})
    assert decision is None and "Line 2" in result["fields"]["context"]


def test_context_goes_to_fields_and_back() -> None:
    context = {"aws:TagKeys": ["team", "cost"], "aws:SecureTransport": True, "s3:max-keys": 5}
    fields = as_fields({"principal": ANA, "context": context})
    assert fields["principal"] == ANA and fields["action"] == ""
    assert read_context(fields["context"]) == {
        "aws:TagKeys": ["team", "cost"],
        "aws:SecureTransport": "true",
        "s3:max-keys": "5",
    }


def test_a_request_goes_to_fields() -> None:
    request = Request(ANA, "s3:GetObject", FILE, {"aws:SourceIp": "10.0.0.7"})
    assert as_fields(request) == ASK | {"context": "aws:SourceIp = 10.0.0.7"}


def test_an_unknown_part_of_a_request_is_named() -> None:
    with pytest.raises(TypeError, match="actoin"):
        as_fields({"actoin": "s3:GetObject"})


def test_a_policy_goes_to_text() -> None:
    assert as_text('{"Version"') == '{"Version"'
    assert json.loads(as_text(json.loads(text()))) == json.loads(text())
    assert as_text(parse(text())) == text()
    assert as_text(None) == ""
    with pytest.raises(TypeError, match="give the dict"):
        as_text(parse(json.loads(text())))


def test_the_statements_of_a_station_the_nearest_first() -> None:
    statements = [
        {"Effect": "Allow", "Action": f"ec2:Describe{n}", "Resource": "*"} for n in range(30)
    ]
    statements.append({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::x/*"})
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    result, _ = judge({"identity": policy}, ASK)
    (identity,) = [step for step in result["steps"] if step["type"] == "identity"]
    rows = identity["statements"]
    assert rows[0]["title"] == "Statement 31" and not rows[0]["other"]
    assert len(rows) == 12 and identity["more"] == 19
    # Where all are about other actions, those that came nearest are shown as near.
    result, _ = judge({"identity": text(Action="s3:PutObject")}, ASK)
    (row,) = [row for step in result["steps"] for row in step["statements"]]
    assert not row["other"] and "s3:PutObject" in row["why"]


def test_each_station_has_its_word() -> None:
    session = "arn:aws:sts::111122223333:assumed-role/publisher/ana"
    policies = {
        "identity": text(),
        "boundary": text(Action="s3:Put*"),
        "session": text(Effect="Deny"),
        "scp": text(Action="*"),
    }
    result, _ = judge(policies, ASK | {"principal": session})
    assert [(step["label"], step["word"]) for step in result["steps"]] == [
        ("RCP", "not asked"),
        ("SCP", "pass"),
        ("Resource policy", "not asked"),
        ("Identity policy", "pass"),
        ("Boundary", "no Allow"),
        ("Session policy", "stop: a Deny"),
    ]
    result, _ = judge(policies | {"session": ""}, ASK | {"principal": session})
    assert [step["word"] for step in result["steps"]][4:] == ["stop: no Allow", "not asked"]
