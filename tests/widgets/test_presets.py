"""The ready-made cases: each teaches what it says."""

from __future__ import annotations

import json

import pytest

from iamlab.widgets.judgement import judge
from iamlab.widgets.presets import CASES, rows
from iamlab.widgets.slots import KINDS

ROWS = {row["name"]: row for row in rows()}

# What AWS answers at first, and after the change that the note proposes:
# (policy or field, old text, new text) -> effect.
BEFORE_AND_AFTER = {
    "A bucket is not its objects": (
        "implicitDeny",
        ("identity", 'larkfield-reports"', 'larkfield-reports/*"'),
        "allowed",
    ),
    "A Deny always wins": ("explicitDeny", ("identity", "s3:Delete*", "s3:PutObject"), "allowed"),
    "NotAction denies nothing": (
        "implicitDeny",
        ("identity", "}\n  ]", '},{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}]'),
        "allowed",
    ),
    "Only from the office": ("allowed", ("context", "203.0.113.20", "8.8.8.8"), "implicitDeny"),
    "Deny without MFA, and its gap": (
        "allowed",
        ("identity", '"Bool"', '"BoolIfExists"'),
        "explicitDeny",
    ),
    "Either side is enough, in one account": (
        "allowed",
        ("resource", "user/ana", "user/tomas"),
        "implicitDeny",
    ),
    "Who may become a role": ("implicitDeny", ("principal", "tomas", "ana"), "allowed"),
    "A session policy only narrows": (
        "implicitDeny",
        ("action", "PutObject", "GetObject"),
        "allowed",
    ),
}


def test_every_case_is_tested() -> None:
    assert set(BEFORE_AND_AFTER) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_case_and_its_change(name: str) -> None:
    before, (where, old, new), after = BEFORE_AND_AFTER[name]
    policies, request = dict(ROWS[name]["policies"]), dict(ROWS[name]["request"])
    result, _ = judge(policies, request)
    assert not result["problems"] and result["effect"] == before
    part = policies if where in KINDS else request
    assert old in part[where], "the change must be possible"
    part[where] = part[where].replace(old, new)
    assert judge(policies, request)[0]["effect"] == after


def test_order_of_statements_means_nothing() -> None:
    # "A Deny always wins" asks the learner to try this.
    request, policies = CASES["A Deny always wins"][1:]
    policy = policies["identity"]
    turned = policy | {"Statement": policy["Statement"][::-1]}
    _, decision = judge({"identity": json.dumps(turned)}, {"context": "", **request})
    assert decision is not None and decision.effect == "explicitDeny"


def test_a_case_without_its_context_is_denied() -> None:
    row = ROWS["Only from the office"]
    result, _ = judge(row["policies"], row["request"] | {"context": ""})
    assert result["effect"] == "implicitDeny"
