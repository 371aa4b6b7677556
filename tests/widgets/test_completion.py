"""Completions: the right words for the place, in broken texts as well, and quickly."""

from __future__ import annotations

import json
import time

import pytest

from iamlab.policy import catalog
from iamlab.widgets.completion import MOST, complete, complete_field, find_spot, warm

REQUEST = {
    "principal": "arn:aws:iam::111122223333:user/ana",
    "action": "s3:GetObject",
    "resource": "arn:aws:s3:::reports/q3.csv",
    "context": "aws:SourceIp = 10.0.0.7",
}
LAB = [
    {"text": "arn:aws:s3:::larkfield-maps", "note": "bucket, in the lab"},
    {"text": "arn:aws:iam::111122223333:role/map-publisher", "note": "role, in the lab"},
]


def at(text: str, kind: str = "identity", lab=LAB):
    """Complete where the | stands."""
    where = text.index("|")
    return complete(text.replace("|", "", 1), where, kind, REQUEST, lab)


def texts(found) -> list[str]:
    return [] if found is None else [row["text"] for row in found["rows"]]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ('{"|', ["Version", "Statement", "Id"]),
        ('{"Version": "|"', ["2012-10-17"]),
        ('{"Statement": [{"Ef|', ["Effect"]),
        ('{"Statement": [{"Effect": "|', ["Allow", "Deny"]),
        ('{"Statement": [{"Action": ["s3:*", "sqs:GetQueueA|', ["sqs:GetQueueAttributes"]),
        ('{"Statement": {"NotAction": "sqs:getqueueu|"}}', ["sqs:GetQueueUrl"]),
        ('{"Statement": [{"Action": "s|', ["s3:"]),
        ('{"Statement": [{"Condition": {"StringNotL|', ["StringNotLike"]),
        ('{"Statement": [{"Condition": {"Bool": {"aws:SecureT|', ["aws:SecureTransport"]),
        ('{"Statement": [{"Condition": {"Bool": {"aws:SecureTransport": "|', ["true", "false"]),
        (
            '{"Statement": {"Action": "s3:ListBucket", "Condition": {"StringLike": {"s3:pre|"}}}}',
            ["s3:prefix"],
        ),
        (
            '{"Statement": [{"Condition": {"IpAddress": {"aws:SourceIp": ["|',
            ["10.0.0.7", "203.0.113.0/24"],
        ),
        ('{"Statement": {"Condition": {"StringEquals": {"aws:username": "${|', ["${aws:username}"]),
        (
            '{"Statement": [{"Action": "s3:GetObject", "Resource": "|"}]}',
            ["*", "arn:aws:s3:::reports/q3.csv", "arn:aws:s3:::larkfield-maps/*"],
        ),
        (
            # The actions may come after the Resource.
            '{"Statement": [{"Resource": "arn:aws:s3:::lark|", "Action": "s3:ListBucket"}]}',
            ["arn:aws:s3:::larkfield-maps"],
        ),
        ('{"Statement": [{"Action": "sqs:SendMessage", "Resource": "arn:aws:sq|"}]}',
         ["arn:aws:sqs:us-east-1:111122223333:QUEUE-NAME"]),
    ],
)  # fmt: skip
def test_what_comes_first(text: str, first: list[str]) -> None:
    assert texts(at(text))[: len(first)] == first


@pytest.mark.parametrize("text", ["|", "{|", '{"Version": |', '{"Statement": []|}', '"a" |'])
def test_outside_a_string_there_is_nothing(text: str) -> None:
    assert at(text) is None


def test_names_of_elements_fit_the_kind() -> None:
    start = '{"Statement": [{"|'
    assert "Principal" not in texts(at(start)) and "Resource" in texts(at(start))
    assert "Principal" in texts(at(start, "resource"))
    assert "Resource" not in texts(at(start, "trust")) and "Principal" in texts(at(start, "trust"))
    assert texts(at('{"Statement": [{"Principal": {"|', "trust")) == ["AWS", "Service", "Federated"]
    people = texts(at('{"Statement": [{"Principal": {"AWS": ["|', "trust"))
    assert people == [REQUEST["principal"], "arn:aws:iam::111122223333:root", LAB[1]["text"]]


def test_an_action_is_described() -> None:
    row = at('{"Statement": [{"Action": "s3:getobj|')["rows"][0]
    assert row["text"] == "s3:GetObject"
    words = "Read. Grants permission to retrieve objects from Amazon S3"
    assert row["note"] == f"In the request. {words}"


def test_what_the_request_asks_for_comes_first() -> None:
    assert texts(at('{"Statement": [{"Action": "s3:|'))[0] == "s3:GetObject"
    assert texts(at('{"Statement": [{"Action": "s3:p|'))[0].startswith("s3:P")


def test_without_a_service_every_service_is_searched() -> None:
    found = texts(at('{"Statement": [{"Action": "assumerolewithsaml|'))
    assert found == ["sts:AssumeRoleWithSAML"]
    assert "s3:GetObject" in texts(at('{"Statement": [{"Action": "getobject|'))


def test_every_action_can_be_completed() -> None:
    """All of them, from any service: the last letter is missing, and it is found."""
    every = catalog.expand("*")
    assert len(every) > 20_000
    for action in every[:: len(every) // 400]:
        assert action in texts(at(f'{{"Statement": [{{"Action": "{action[:-1].lower()}|'))


def test_a_star_is_offered_last_and_counts() -> None:
    rows = at('{"Statement": [{"Action": "sqs:getq|')["rows"]
    assert rows[-1] == {"text": "sqs:GetQ*", "note": "2 actions", "last": True}


@pytest.mark.parametrize(
    ("text", "replaced", "closed"),
    [
        ('{"Statement": [{"Action": "s3:get|Objekt"}]}', "s3:getObjekt", True),
        ('{"Statement": [{"Action": "s3:get|\n}]}', "s3:get", False),
        ('{"Statement": [{"Action": ["s3:Put*", "s3:get|, "iam:x"]}]}', "s3:get", False),
    ],
)
def test_what_is_replaced(text: str, replaced: str, closed: bool) -> None:
    found = at(text)
    plain = text.replace("|", "", 1)
    assert plain[found["start"] : found["end"]] == replaced
    assert found["closed"] is closed


def test_the_blank_of_a_form_is_selected() -> None:
    rows = at('{"Statement": [{"Action": "sqs:SendMessage", "Resource": "|"}]}')["rows"]
    row = next(row for row in rows if row["note"].startswith("form"))
    start, length = row["select"]
    assert row["text"][start : start + length] == "QUEUE-NAME"


def test_what_stands_there_already_is_not_proposed() -> None:
    assert at('{"Statement": [{"Action": "sts:GetCallerIdentity|"}]}') is None


def test_long_lists_are_cut_and_counted() -> None:
    found = at('{"Statement": [{"Action": "ec2:|')
    assert len(found["rows"]) == MOST
    assert found["more"] + MOST == len(catalog.actions("ec2")) + 1  # and ec2:*


def test_broken_texts_never_break_it() -> None:
    whole = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": ["s3:Get*"],
                    "Resource": 'a"\\{}[]',
                    "Condition": {"StringEquals": {"aws:username": ["${aws:username}"]}},
                }
            ],
        }
    )
    for end in range(len(whole)):
        for text in (whole[:end], whole[:end] + whole[end + 1 :], whole[end:]):
            for kind in ("identity", "trust"):
                complete(text, min(end, len(text)), kind, REQUEST, LAB)
                find_spot(text, len(text))


@pytest.mark.parametrize(
    ("field", "text", "first"),
    [
        ("principal", "", [LAB[1]["text"], "ec2.amazonaws.com", "*"]),
        ("principal", "map", [LAB[1]["text"]]),
        ("action", "sts:assumerolew", ["sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"]),
        ("resource", "arn:aws:s3:::lark", ["arn:aws:s3:::larkfield-maps/KEY"]),
        ("context", "aws:SourceI", ["aws:SourceIdentity = ", "aws:SourceIp = "]),
        ("context", "a = b\naws:SecureTransport = ", ["true", "false"]),
    ],
)
def test_the_fields(field: str, text: str, first: list[str]) -> None:
    found = complete_field(field, text, len(text), REQUEST, LAB[1:], LAB)
    assert texts(found)[: len(first)] == first


def test_an_action_without_resources_gets_a_star() -> None:
    request = REQUEST | {"action": "s3:ListAllMyBuckets"}
    assert texts(complete_field("resource", "", 0, request))[0] == "*"


def test_context_replaces_only_its_part() -> None:
    text = "aws:SourceIp = 1\naws:SecureTransport = tr"
    found = complete_field("context", text, len(text), REQUEST)
    assert text[found["start"] : found["end"]] == "tr"
    assert complete_field("resource_account", "1", 1, REQUEST) is None


def test_it_is_quick() -> None:
    """Fails on no clock: the figure is printed. Aim: not to be felt, 20 ms."""
    warm()
    text = '{"Statement": [{"Action": "getobject|'
    at(text)
    start = time.perf_counter()
    for _ in range(20):
        at(text)
    print(f"\none completion among 22,000 actions: {(time.perf_counter() - start) * 50:.1f} ms")
