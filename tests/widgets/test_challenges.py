"""The challenges: a right answer passes however it is written, and each slip gets its own word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iamlab.widgets.challenges import CHALLENGES, check, rows

PUBLISHER = "arn:aws:iam::111122223333:role/map-publisher"
IMPORTER = "arn:aws:iam::444455556666:role/importer"
APPS = "arn:aws:iam::111122223333:role/apps/*"
LIMIT = "arn:aws:iam::111122223333:policy/apps-limit"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def s3(path: str) -> str:
    return f"arn:aws:s3:::{path}"


def office(operator: str = "IpAddress", addresses: Any = "203.0.113.0/24") -> dict[str, Any]:
    return {"Condition": {operator: {"aws:SourceIp": addresses}}}


def trust(principal: Any = IMPORTER, **condition: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return policy(statement | ({"Condition": condition} if condition else {}))


def external(value: str, operator: str = "StringEquals") -> dict[str, Any]:
    return {operator: {"sts:ExternalId": value}}


READ, REPORTS = "s3:GetObject", s3("larkfield-reports/*")
HOME = "larkfield-home/${aws:username}/*"
BOUNDED = {"Condition": {"StringEquals": {"iam:PermissionsBoundary": LIMIT}}}
ANY_BOUNDARY = {"Condition": {"Null": {"iam:PermissionsBoundary": "false"}}}
LIST = allow("s3:ListBucket", s3("larkfield-maps"))
DENY = {"Effect": "Deny", "Action": "s3:*"}
DENY_SALARIES = {
    "Effect": "Deny",
    "Action": "s3:GetObject*",
    "Resource": s3("larkfield-reports/salaries/*"),
}

# More than one right answer to each.
SOLUTIONS = {
    "1. Read, and no more": [
        policy(
            allow(READ, s3("larkfield-maps/*")), allow("s3:ListBucket", s3("larkfield-maps"))
        ),
        policy(allow([READ, "s3:ListBucket"], s3("larkfield-maps")),
               allow(READ, s3("larkfield-maps/*"))),
    ],
    "2. Only from the office": [
        policy(allow(READ, REPORTS, **office())),
        policy(
            allow(READ, REPORTS),
            {"Effect": "Deny", "Action": "*", "Resource": "*", **office("NotIpAddress")},
        ),
        policy(allow(READ, REPORTS, **office(addresses=["203.0.113.0/25", "203.0.113.128/25"]))),
    ],
    "3. Everything but the salaries": [
        policy(DENY_SALARIES),
        policy(allow(READ, REPORTS), DENY_SALARIES | {"Action": "s3:*"}),
    ],
    "4. One policy for everybody": [
        policy(allow([READ, "s3:PutObject"], s3(HOME))),
        policy(allow(READ, s3(HOME)), allow("s3:PutObject", s3(HOME))),
    ],
    "5. A role for a partner": [
        trust(**external("larkfield-7731")),
        trust("arn:aws:iam::444455556666:root", **external("larkfield-7731"),
              ArnEquals={"aws:PrincipalArn": IMPORTER}),
    ],
    "6. A builder who stays within limits": [
        policy(allow("iam:CreateRole", APPS, **BOUNDED)),
    ],
}  # fmt: skip

# (answer, the end of its message)
SLIPS = {
    "1. Read, and no more": [
        (policy(allow("*", "*")), "Not yet: 2 of 3 calls are answered as it should be."),
        (
            policy(allow("s3:*", s3("larkfield-maps/*")), LIST),
            "Not yet: 2 of 3 calls are answered as it should be.",
        ),
        (
            policy(allow([READ, "s3:ListBucket"], "*")),
            "This would be allowed: Ana reads a file in larkfield-reports.",
        ),
        (
            policy(allow([READ, "s3:ListBucket", "s3:PutObject"], s3("larkfield-maps*"))),
            "This would be allowed: Ana writes a file into larkfield-maps.",
        ),
        (
            policy(allow([READ, "s3:ListBucket"], s3("larkfield-maps*"))),
            "This would be allowed: Ana reads a file in larkfield-maps-old.",
        ),
        (
            policy(allow(READ, s3("larkfield-maps/n*")), LIST),
            "This is still denied: Ana reads a file deep in a folder.",
        ),
        (
            policy({"Effect": "Allow", "NotAction": "s3:DeleteObject", "Resource": "*"}),
            "This would be allowed: Ana writes a file into larkfield-maps.",
        ),
    ],
    "2. Only from the office": [
        (
            policy(allow(READ, REPORTS, **office("IpAddressIfExists"))),
            "This would be allowed: Ana reads q3.csv where AWS sees no address.",
        ),
        (
            policy(allow(READ, REPORTS, **office(addresses="203.0.113.20"))),
            "This is still denied: Ana reads q4.csv at 203.0.113.254.",
        ),
        (
            policy(allow(READ, REPORTS, **office(addresses="203.0.112.0/22"))),
            "This would be allowed: Ana reads q3.csv next door, at 203.0.114.1.",
        ),
        (
            policy(allow("s3:*", REPORTS, **office())),
            "This would be allowed: Ana deletes q3.csv in the office.",
        ),
        (
            policy(allow(READ, "*", **office())),
            "This would be allowed: Ana reads a file in larkfield-maps in the office.",
        ),
    ],
    "3. Everything but the salaries": [
        (
            policy(DENY_SALARIES | {"Action": READ}),
            "This would be allowed: Ana reads an older version of salaries/2026.csv.",
        ),
        (
            policy(DENY_SALARIES | {"Resource": s3("larkfield-reports/salaries*")}),
            "This is still denied: Ana reads salaries.txt, which is in no folder.",
        ),
        (
            policy(DENY | {"NotResource": s3("larkfield-reports/q3.csv")}),
            "This is still denied: Ana reads salaries.txt, which is in no folder.",
        ),
        (
            policy(DENY_SALARIES, allow("s3:*", REPORTS)),
            "This would be allowed: Ana writes q3.csv.",
        ),
    ],
    "4. One policy for everybody": [
        (
            policy(allow([READ, "s3:PutObject"], s3(HOME), Condition={
                "StringEquals": {"aws:username": ["ana", "tomas"]}})),
            "This is still denied: Mia, who is new, reads mia/plan.txt.",
        ),
        (
            policy(allow([READ, "s3:PutObject"], s3("larkfield-home/${aws:username}*"))),
            "This would be allowed: Ana writes anabel/a.txt.",
        ),
        (
            policy(allow("s3:*", s3(HOME))),
            "This would be allowed: Ana deletes ana/a.txt.",
        ),
        (
            policy(allow([READ, "s3:PutObject"], s3("*/${aws:username}/*"))),
            "This would be allowed: Ana reads ana/a.txt in another bucket.",
        ),
    ],
    "5. A role for a partner": [
        (
            trust("arn:aws:iam::444455556666:root", **external("larkfield-7731")),
            "This would be allowed: Another role of the partner takes it.",
        ),
        (
            trust(**external("larkfield-*", "StringLike")),
            "This would be allowed: The importer takes it with another external ID.",
        ),
        (
            trust("*", **external("larkfield-7731")),
            "This would be allowed: Another role of the partner takes it.",
        ),
        (
            trust([IMPORTER, "111122223333"], **external("larkfield-7731")),
            "This would be allowed: Somebody of your own account takes it.",
        ),
    ],
    "6. A builder who stays within limits": [
        (
            policy(allow("iam:*", APPS, **BOUNDED)),
            "This would be allowed: Ana takes the boundary off a role.",
        ),
        (
            policy(allow(["iam:CreateRole", "iam:CreateUser"], "*", **BOUNDED)),
            "This would be allowed: Ana creates a role outside /apps/.",
        ),
        (
            policy(allow("iam:CreateRole", APPS, **ANY_BOUNDARY)),
            "This would be allowed: Ana creates a role with another boundary.",
        ),
        (
            policy(allow("iam:CreateRole", APPS, **BOUNDED), allow("iam:Create*Version", LIMIT)),
            "This would be allowed: Ana changes the boundary apps-limit.",
        ),
    ],
}  # fmt: skip

EVERY = [(name, answer) for name, answers in SOLUTIONS.items() for answer in answers]
EVERY_SLIP = [(name, *slip) for name, slips in SLIPS.items() for slip in slips]


def answer(name: str, text: str) -> dict[str, str]:
    """What stands on the page with this answer."""
    row = next(row for row in rows() if row["name"] == name)
    (own,) = set(row["policies"]) - set(row["given"])
    return row["policies"] | {own: text}


def test_every_challenge_is_tested() -> None:
    assert set(SOLUTIONS) == set(SLIPS) == set(CHALLENGES)
    assert 5 <= len(CHALLENGES) <= 6


@pytest.mark.parametrize("name", CHALLENGES)
def test_what_stands_there_first_does_not_pass(name: str) -> None:
    row = next(row for row in rows() if row["name"] == name)
    found = check(name, row["policies"])
    assert not found["passed"] and found["message"].startswith("Not yet")
    assert {goal["wanted"] for goal in found["goals"]} == {"allowed", "denied"}
    assert not check(name, {})["passed"]


@pytest.mark.parametrize(("name", "text"), EVERY)
def test_a_right_answer_passes(name: str, text: str) -> None:
    found = check(name, answer(name, text))
    assert found["passed"], found["message"]
    assert found["message"].startswith("Done.")
    assert all(goal["wanted"] == goal["now"] for goal in found["goals"])


@pytest.mark.parametrize(("name", "text", "message"), EVERY_SLIP)
def test_a_slip_gets_its_message(name: str, text: str, message: str) -> None:
    found = check(name, answer(name, text))
    assert not found["passed"]
    assert found["message"].endswith(message)


@pytest.mark.parametrize("name", CHALLENGES)
def test_a_wide_open_answer_fails(name: str) -> None:
    wide = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    if "resource" in CHALLENGES[name].policies:
        wide = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
    assert not check(name, answer(name, policy(wide)))["passed"]


@pytest.mark.parametrize("name", CHALLENGES)
def test_what_is_given_counts_as_it_was_given(name: str) -> None:
    given = CHALLENGES[name].given
    texts = answer(name, SOLUTIONS[name][0])
    changed = texts | dict.fromkeys(given, policy(allow("*", "*")))
    extra = texts | {"identity-3": policy(allow("*", "*"))}
    assert check(name, changed) == check(name, texts) == check(name, extra)


@pytest.mark.parametrize("name", CHALLENGES)
def test_no_message_prints_an_answer(name: str) -> None:
    """No element of a right answer that is not in the task stands in any message."""
    said = " ".join(
        check(name, answer(name, text))["message"]
        for text in (*(slip for slip, _ in SLIPS[name]), *SOLUTIONS[name])
    )
    for secret in ("${", "arn:", "Condition", "StringEquals", "IpAddress", "s3:", "iam:", "Deny"):
        assert secret not in said


def test_a_mistake_is_named_as_one() -> None:
    name = "1. Read, and no more"
    found = check(name, answer(name, '{"Version":'))
    assert found["message"] == "There is a mistake in a policy. Mend it first."
    assert {goal["now"] for goal in found["goals"]} == {""}
