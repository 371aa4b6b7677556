"""The Python half of "What a policy opens": what can be compared, the numbers, every sentence."""

from __future__ import annotations

import json
import random
from typing import Any

import boto3
import pytest

import iamlab
from iamlab.policy import PolicyError, catalog, parse
from iamlab.policy.breadth import compare, open_actions
from iamlab.widgets.opens import Opens, opens, opens_figure
from iamlab.widgets.opens_report import NOTE
from tests.account.helpers import IAM, World, allow, deny, policy


@pytest.fixture
def world(lab: Any) -> World:
    return World(lab)


def ask(page: Opens, **message: Any) -> None:
    page._on_message(page, {**message, "ping": "1"}, None)


def doc(*statements: dict[str, Any]) -> dict[str, Any]:
    return json.loads(policy(*statements))


def actions(page: Opens, part: str) -> set[str]:
    return {
        f"{service['name']}:{name}"
        for service in page.state["services"]
        for level in service["levels"]
        for name in level.get(part, ())
    }


def test_one_policy() -> None:
    page = opens(doc(allow(["sqs:ListQueues", "sqs:SendMessage", "sts:GetCallerIdentity"])))
    assert page.state["headline"] == "It opens 3 actions in 2 services."
    assert not page.state["both"] and page.state["meter"] == {} and not page.state["live"]
    assert actions(page, "kept") == {"sqs:ListQueues", "sqs:SendMessage", "sts:GetCallerIdentity"}
    assert str(page).splitlines() == [
        "What a policy opens: the policy.",
        "It opens 3 actions in 2 services.",
        f"sqs: 1 {catalog.access_level('sqs:ListQueues')} (ListQueues), 1 Write (SendMessage)",
        "sts: 1 Read (GetCallerIdentity)",
        NOTE,
    ]


def test_gained_and_lost() -> None:
    page = opens(
        doc(allow(["s3:GetObject", "sqs:SendMessage"])),
        doc(allow(["s3:GetObject", "iam:PutUserPolicy", "s3:PutObject"])),
    )
    assert page.state["headline"] == "2 actions before, 3 after: 2 gained and 1 lost."
    assert page.state["more"] == [
        "Gained with it, the right to hand out rights: iam:PutUserPolicy."
    ]
    assert actions(page, "gained") == {"iam:PutUserPolicy", "s3:PutObject"}
    assert actions(page, "lost") == {"sqs:SendMessage"}
    assert actions(page, "kept") == {"s3:GetObject"}
    levels = {row["name"]: row for row in page.state["levels"]}
    assert (levels["Write"]["gained"], levels["Write"]["lost"]) == (1, 1)
    assert levels["Permissions management"]["gained"] == 1 and levels["Read"]["kept"] == 1
    assert "s3: +1 Write (PutObject)" in str(page)
    assert "sqs: \u22121 Write (SendMessage)" in str(page)


def test_real_policies_change_as_breadth_says() -> None:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    every = [entry["Document"] for entry in json.loads(aws_managed_policies_data).values()]
    for old, new in zip(*[iter(random.Random(4).sample(every, 24))] * 2, strict=True):
        page, expected = opens(old, new), compare(old, new)
        assert actions(page, "gained") == set(expected["gained"])
        assert actions(page, "lost") == set(expected["lost"])
        for part in ("gained", "lost", "kept"):
            number = len(actions(page, part))
            assert sum(row[part] for row in page.state["levels"]) == number
            assert sum(row[part] for row in page.state["services"]) == number


def test_no_change_is_said() -> None:
    one = doc(allow("s3:GetObject"))
    narrow = doc(allow("s3:GetObject", "arn:aws:s3:::reports/*"))
    page = opens(one, narrow)
    assert page.state["headline"] == "Nothing changes: both open the same 1 action."
    assert "narrows it is not weighed" in page.state["note"]
    nothing = opens(doc(deny("*")))
    assert nothing.state["headline"] == "It opens 0 actions."


def test_the_meter() -> None:
    granted = doc(allow(["s3:GetObject", "s3:PutObject", "s3:PutBucketPolicy", "sqs:ListQueues"]))
    page = opens(granted, used=["s3:GetObject", "S3:putobject"])
    assert page.state["meter"]["sentences"] == [
        "4 actions open; 2 used.",
        "So it is 2.0 times as wide as what was used.",
        "Used: 1 Read, 1 Write.",
        "Open, not used, and able to hand out rights (Permissions management): s3:PutBucketPolicy.",
    ]
    assert (page.state["meter"]["used"], page.state["meter"]["idle"]) == (2, 2)
    fine = {row["name"]: (row["used"], row["opened"]) for row in page.state["meter"]["levels"]}
    assert fine["Write"] == (1, 1) and fine["Permissions management"] == (0, 1)
    assert "2.0 times as wide" in str(page)


@pytest.mark.parametrize(
    ("used", "sentences"),
    [
        ([], ["2 actions open; 0 used.", "Nothing of what is open was used."]),
        (
            ["s3:GetObject", "s3:PutObject"],
            ["2 actions open; 2 used.", "It fits: all that is open was used."],
        ),
        (
            ["s3:GetObject", "sqs:SendMessage"],
            ["2 actions open; 1 used.", "So it is 2.0 times as wide as what was used."],
        ),
    ],
)
def test_how_wide(used: list[str], sentences: list[str]) -> None:
    meter = opens(doc(allow(["s3:GetObject", "s3:PutObject"])), used=used).state["meter"]
    assert meter["sentences"][:2] == sentences
    other = "Used, but not opened by it: sqs:SendMessage. Something else allowed that."
    assert (other in meter["sentences"]) == ("sqs:SendMessage" in used)


def test_the_meter_is_of_the_policy_after() -> None:
    page = opens(doc(allow("*")), doc(allow("s3:GetObject")), used=["s3:GetObject"])
    assert page.state["meter"]["sentences"][0] == "1 action open; 1 used."
    assert page.state["meter"]["opened"] == 1


def test_versions_of_a_managed_policy(lab: Any, world: World) -> None:
    iam = boto3.client("iam")
    arn = world.managed("reports", allow(["s3:GetObject", "s3:PutObject"]))
    iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=policy(allow("s3:GetObject")), SetAsDefault=True
    )
    page = opens((arn, "v1"), arn)
    assert (page.state["before"], page.state["after"]) == (
        "reports (v1)",
        "reports (v2, the default)",
    )
    assert actions(page, "lost") == {"s3:PutObject"} and page.state["live"]
    iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=policy(allow("s3:*")), SetAsDefault=True
    )
    ask(page, do="look")
    assert page.state["after"] == "reports (v3, the default)"
    assert "s3:PutObject" in actions(page, "kept")
    with pytest.raises(LookupError, match="no version v9: it has v1, v2, v3"):
        opens((arn, "v9"))
    with pytest.raises(LookupError, match="no managed policy"):
        opens(f"{IAM}:policy/nothing")
    aws = opens("arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess")
    assert actions(aws, "kept") and aws.state["before"].startswith("AmazonSQSReadOnlyAccess (v")


def test_a_principal_and_what_it_did(lab: Any, world: World) -> None:
    edge = world.managed("edge", allow("s3:*"))
    ana = world.user("ana", allow(["s3:ListAllMyBuckets", "sqs:*"]), PermissionsBoundary=edge)
    page = opens("user/ana", used="user/ana")
    assert actions(page, "kept") == {"s3:ListAllMyBuckets"}
    assert page.state["meter"]["sentences"][0] == "1 action open; 0 used by user/ana."
    ana.client("s3").list_buckets()
    with pytest.raises(ana.client("sqs").exceptions.ClientError):
        ana.client("sqs").list_queues()  # denied: not used
    ask(page, do="look")
    assert page.state["meter"]["sentences"][0] == "1 action open; 1 used by user/ana."
    assert "sqs:ListQueues" not in str(page)
    assert opens(f"{IAM}:user/ana").state["before"] == "everything that user/ana may do"
    with pytest.raises(LookupError, match="user/nobody"):
        opens("user/nobody")


def test_several_policies_hold_together() -> None:
    page = opens([doc(allow("sqs:*")), policy(deny("sqs:SendMessage")), parse(doc(allow("sts:*")))])
    assert actions(page, "kept") == open_actions([doc(allow(["sqs:*", "sts:*"]))]) - {
        "sqs:SendMessage"
    }


@pytest.mark.parametrize("wrong", [None, 5, [], ("a",), [5], object()])
def test_what_is_no_policy_is_said(wrong: Any) -> None:
    with pytest.raises(TypeError, match="ARN of a managed policy"):
        opens(wrong)


def test_a_broken_policy_is_refused() -> None:
    with pytest.raises(PolicyError):
        opens({"Version": "2012-10-17"})


@pytest.mark.parametrize(
    ("used", "hint"),
    [
        (["s3:GetObjects"], "Did you mean s3:GetObject"),
        (["s3:Get*"], "Write out each action"),
        ([5], "no action of AWS"),
        ("s3", "no action of AWS"),
    ],
)
def test_what_is_no_action_is_said(used: Any, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        opens(doc(allow("s3:*")), used=used)


def test_the_figure_says_the_same() -> None:
    before, after = doc(allow(["s3:Get*", "sqs:*"])), doc(allow(["s3:*", "kms:Decrypt"]))
    used = ["s3:GetObject"]
    picture = opens_figure(before, after, used)
    assert picture.alt == str(opens(before, after, used)) and str(picture) == picture.alt
    texts = {text.get_text() for text in picture.axes[0].texts}
    gained = len(set(compare(before, after)["gained"]) - {"kms:Decrypt"})
    assert f"+{gained}" in texts and "+1" in texts
    assert f"\u2212{len(catalog.actions('sqs'))}" in texts
    assert len(picture.axes) == 2, "the meter is drawn below"
    assert picture.png().startswith(b"\x89PNG") and 'alt="What a policy opens' in (
        picture._repr_html_()
    )


def test_many_services_are_cut_and_said() -> None:
    text = str(opens(doc(allow("*"))))
    with_actions = sum(1 for service in catalog.services() if catalog.actions(service))
    assert f"… and {with_actions - 20:,} more services." in text
    assert len(text.splitlines()) < 30
    assert "more services are not drawn" in opens_figure(doc(allow("*"))).axes[0].get_xlabel()


def test_a_stopped_lab_is_said() -> None:
    lab = iamlab.start()
    arn = boto3.client("iam").create_policy(
        PolicyName="reports", PolicyDocument=policy(allow("s3:GetObject"))
    )["Policy"]["Arn"]
    page = opens(arn)
    lab.stop()
    ask(page, do="look")
    assert "iamlab.start()" in page.state["stopped"]
    assert page.state["headline"] == "It opens 1 action in 1 service."


def test_the_names_of_the_package_stay_functions() -> None:
    from iamlab import widgets

    widgets.opens_figure(doc(allow("sts:*")))
    assert callable(widgets.opens) and callable(widgets.opens_figure)
    assert callable(widgets.access_matrix)
