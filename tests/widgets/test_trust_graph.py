"""Who can become whom: the graph's Python half, on a real lab: ways, sentences, what is drawn."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

import iamlab
from iamlab.widgets import TrustGraph, trust_graph
from iamlab.widgets.trust_graph import LINES, NEAR, NODES, WAYS
from tests.account.helpers import ACCOUNT, OTHER, World, allow, trusts

ROLES = f"arn:aws:iam::{ACCOUNT}:role"


@pytest.fixture
def world(lab: Any) -> World:
    """ben makes keys of ana, who assumes deployer, who passes runner to Lambda; cy can do less."""
    world = World(lab)
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    world.role(
        "deployer",
        allow(["iam:PassRole", "lambda:*"]),
        trust=(trusts(f"arn:aws:iam::{ACCOUNT}:root", Condition=mfa),),
    )
    world.role("runner", allow("*"), trust=(trusts({"Service": "lambda.amazonaws.com"}),))
    world.role("reader", allow("s3:Get*"))
    world.user("ana", allow("sts:AssumeRole", f"{ROLES}/deployer"))
    rights = ["iam:CreateAccessKey", "iam:UpdateLoginProfile"]
    world.user("ben", allow(rights, f"arn:aws:iam::{ACCOUNT}:user/ana"))
    boto3.client("iam").create_group(GroupName="staff")
    world.grant("group/staff", allow("sts:AssumeRole", f"{ROLES}/reader"), name="reading")
    world.user("cy")
    boto3.client("iam").add_user_to_group(GroupName="staff", UserName="cy")
    return world


def ask(page: TrustGraph, **message: Any) -> dict[str, Any]:
    page._on_message(page, {**message, "ping": 1}, None)
    assert page.state == json.loads(json.dumps(page.state)), "the page gets plain data"
    return page.state


def names(page: TrustGraph) -> set[str]:
    return {node["name"] for node in page.state["nodes"]}


def test_nothing_is_chosen_at_first(lab: Any, world: World) -> None:
    state = trust_graph(lab).state
    assert state["verdict"] == "Choose two: who starts, and whom they want to become."
    assert state["summary"] == (
        "role/runner and user/administrator are administrators. "
        "lambda.amazonaws.com, role/deployer, user/ana and user/ben can become one."
    )
    assert state["rising"] == [
        {"name": "lambda.amazonaws.com", "said": "2 steps"},
        {"name": "role/deployer", "said": "2 steps"},
        {"name": "user/ana", "said": "3 steps"},
        {"name": "user/ben", "said": "4 steps"},
    ]
    assert [row["title"] for row in state["choices"]] == [
        *("Every right", "Users", "Roles", "AWS services"),
    ]
    users = ["user/administrator", "user/ana", "user/ben", "user/cy"]
    assert state["choices"][1]["names"] == users
    assert not (state["ways"] or state["note"] or state["stale"] or state["dense"])


def test_a_way_is_told_with_the_statement_behind_each_step(lab: Any, world: World) -> None:
    state = ask(trust_graph(lab), do="choose", source="user/ben", target="administrator")
    assert state["verdict"] == "user/ben can become administrator in 4 steps."
    ((key, assume, pass_role, last),) = state["ways"]
    assert (key["source"], key["target"], key["up"]) == ("user/ben", "user/ana", True)
    assert key["sentence"] == "user/ben can change user/ana's password and sign in."
    assert key["others"] == [
        "iam:CreateAccessKey: user/ben can make itself an access key of user/ana."
    ]
    assert assume["condition"] == "aws:MultiFactorAuthPresent is true"
    assert [shown["title"] for shown in assume["statements"]] == [
        "Statement 1 of the trust policy of role deployer",
        "Statement 1 of policy own of user/ana",
    ]
    written = json.loads(assume["statements"][1]["text"])
    assert written == allow("sts:AssumeRole", f"{ROLES}/deployer")
    assert pass_role["means"] == "iam:PassRole + lambda:CreateFunction + lambda:InvokeFunction"
    assert (last["sentence"], last["means"]) == ("role/runner may do everything.", "")


def test_what_a_group_opens_is_said_to_be_the_groups(lab: Any, world: World) -> None:
    page = trust_graph(lab)
    state = ask(page, do="choose", source="user/cy", target="role/reader")
    assert state["verdict"] == "user/cy can become role/reader in 1 step."
    (((step,),)) = state["ways"]
    assert step["statements"][1]["title"] == "Statement 1 of policy reading of group staff"
    (cy,) = (node for node in state["nodes"] if node["name"] == "user/cy")
    assert cy["said"] == "user/cy: user, member of staff, chosen: from here."
    assert (cy["label"], cy["kind"], cy["up"]) == ("cy", "user", False)


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("user/ana", "", "user/ana can become role/deployer. Now choose To."),
        ("role/reader", "", "role/reader can become nobody."),
        ("", "role/deployer", "user/ana can become role/deployer. Now choose From."),
        ("", "user/cy", "Nobody can become user/cy."),
        (
            *("user/cy", "administrator"),
            "user/cy cannot become administrator. It can become role/reader.",
        ),
        ("user/cy", "user/cy", "Both are the same. Choose two."),
        (
            *("user/ben", "user/ana"),
            "user/ben can become user/ana in 1 step. user/ana leads to administrator.",
        ),
    ],
)
def test_the_answer(lab: Any, world: World, source: str, target: str, said: str) -> None:
    page = trust_graph(lab)
    assert ask(page, do="choose", source=source, target=target)["verdict"] == said
    assert said in str(page)


def test_only_what_leads_to_administrator(lab: Any, world: World) -> None:
    page = trust_graph(lab)
    assert {"user/cy", "role/reader"} < names(page)
    assert ask(page, do="only", on=True)["only"]
    assert names(page) == {
        *("user/ben", "user/ana", "role/deployer", "lambda.amazonaws.com", "role/runner"),
        *("user/administrator", "administrator"),
    }
    assert all(edge["up"] for edge in page.state["edges"])
    ask(page, do="only", on=False)
    assert {edge["said"] for edge in page.state["edges"] if not edge["up"]} == {
        "user/cy → role/reader: sts:AssumeRole"
    }


def test_arrows_join_the_boxes_that_they_name(lab: Any, world: World) -> None:
    state = trust_graph(lab).state
    for edge in state["edges"]:
        source, target = (state["nodes"][end]["name"] for end in edge["ends"])
        assert edge["said"].startswith(f"{source} → {target}: ")


def test_another_of_the_shortest_ways(lab: Any, world: World) -> None:
    roles = [f"{ROLES}/{name}" for name in "abc"]
    for name in "abc":
        world.role(name)
    world.role("end", trust=tuple(map(trusts, roles)))
    world.user("dee", allow("sts:AssumeRole", roles))
    page = trust_graph(lab)
    state = ask(page, do="choose", source="user/dee", target="role/end")
    assert state["verdict"].endswith("in 2 steps. There are 3 ways that short.")
    middles = [way[0]["target"] for way in state["ways"]]
    assert sorted(middles) == ["role/a", "role/b", "role/c"] and state["way"] == 0
    assert ask(page, do="way", number=2)["way"] == 2
    assert f"{middles[2]} trusts user/dee." in str(page)
    assert ask(page, do="way", number=9)["way"] == 0, "there is no such way"


def test_too_many_ways_are_said_and_cut(lab: Any, world: World) -> None:
    for number in range(WAYS + 3):
        world.role(f"r{number}")
    arns = [f"{ROLES}/r{number}" for number in range(WAYS + 3)]
    world.role("end", trust=(trusts(arns),))
    world.user("dee", allow("sts:AssumeRole", arns))
    state = ask(trust_graph(lab), do="choose", source="user/dee", target="role/end")
    assert len(state["ways"]) == WAYS
    assert state["verdict"].endswith(f"There are more than {WAYS} ways that short.")


def test_too_many_to_draw_are_said_and_cut(lab: Any, world: World) -> None:
    world.user("dee", allow("sts:AssumeRole", f"{ROLES}/many-*"))
    for number in range(NODES):
        world.role(f"many-{number}")
    page = trust_graph(lab)
    assert len(names(page)) == NODES and {"administrator", "user/ben"} < names(page)
    assert page.state["dense"]
    (ben,) = (node for node in page.state["nodes"] if node["name"] == "user/ben")
    assert ben["label"] == "user/ben"
    total = NODES + 10  # those, dee, and nine of the world
    assert page.state["note"] == (
        f"There are {total} to draw, too many to read at once. Drawn are the {NODES} nearest to "
        "administrator. Choose others to see theirs."
    )
    ask(page, do="choose", source="user/dee", target="")
    assert len(names(page)) == NODES and "user/ben" not in names(page)
    state = ask(page, do="choose", source="user/dee", target="role/many-7")
    assert {"user/dee", "role/many-7"} < names(page) and len(names(page)) == NEAR
    assert state["note"] == (
        f"Drawn are these ways and who is next to them. Clear shows all {total}."
    )


def test_a_changed_account_is_noticed_and_read_anew(lab: Any, world: World) -> None:
    page = trust_graph(lab)
    assert ask(page)["stale"] == ""
    world.grant("role/reader", allow("*"))
    assert ask(page)["stale"] == ("The account may have changed since it was read. Press Refresh.")
    ask(page, do="choose", source="user/cy", target="administrator")
    assert page.state["verdict"].startswith("user/cy cannot"), "it shows what it has read"
    state = ask(page, do="refresh")
    assert (state["news"], state["stale"]) == ("Read again: 1 step more.", "")
    assert state["verdict"] == "user/cy can become administrator in 2 steps."
    boto3.client("iam").remove_user_from_group(GroupName="staff", UserName="cy")
    world.user("eli", allow("sts:AssumeRole", f"{ROLES}/reader"))
    assert ask(page, do="refresh")["news"] == "Read again: 1 step more and 1 step less."
    assert ask(page, do="refresh")["news"] == "Read again: nothing has changed."
    assert ask(page)["news"] == ""


def test_who_is_gone_is_no_longer_chosen(lab: Any, world: World) -> None:
    page = trust_graph(lab)
    page.choose("user/ben", "user/ana")
    lab.reset()
    World(lab).user("ana")
    page.refresh()
    assert (page.state["source"], page.state["target"]) == ("", "user/ana")


def test_nobody_of_that_name(lab: Any, world: World) -> None:
    with pytest.raises(
        LookupError, match=r"There is no user/zoe here\. Names are lambda.amazonaws.com, "
    ):
        trust_graph(lab).choose("user/zoe")


def test_strangers_have_boxes_too(lab: Any, world: World) -> None:
    world.role("open", trust=(trusts("*"),))
    world.role("partner", trust=("999988887777"))
    world.role("shared", trust=OTHER)
    saml = {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/office"}
    world.role("desk", trust=(trusts(saml, "sts:AssumeRoleWithSAML"),))
    world.user("eve", allow("sts:AssumeRole"), account=OTHER)
    boxes = {(node["label"], node["kind"]) for node in trust_graph(lab).state["nodes"]}
    assert {
        ("anyone", "any AWS account"),
        ("999988887777", "other account"),
        ("eve", f"user of {OTHER}"),
        ("office", "identity provider"),
        ("lambda.amazonaws.com", "AWS service"),
        ("administrator", "every right"),
    } < boxes


def test_another_account(lab: Any, world: World) -> None:
    world.user("eve", allow("iam:PutUserPolicy"), account=OTHER)
    page = trust_graph(lab, OTHER)
    assert page.state["account"] == OTHER
    assert "user/eve" in names(page) and "user/ben" not in names(page)


def test_a_long_name_loses_its_middle_in_the_box_only(lab: Any, world: World) -> None:
    long = "x" * 40 + "-" + "y" * 23
    world.user(long, allow("iam:PutUserPolicy"))
    (node,) = (n for n in trust_graph(lab).state["nodes"] if n["name"] == f"user/{long}")
    assert node["label"] == "x" * 24 + "…" + "y" * 15
    assert long in node["said"]


def test_it_prints_the_ways_to_administrator(lab: Any, world: World) -> None:
    assert str(trust_graph(lab)).splitlines() == [
        f"Who can become whom in account {ACCOUNT}",
        "role/runner and user/administrator are administrators. "
        "lambda.amazonaws.com, role/deployer, user/ana and user/ben can become one.",
        "",
        "Ways to administrator:",
        "- lambda.amazonaws.com, 2 steps: role/runner trusts lambda.amazonaws.com. "
        "Then: role/runner may do everything.",
        "- role/deployer, 2 steps: role/deployer can run code of its own as role/runner in a new "
        "Lambda function. Then: role/runner may do everything.",
        "- user/ana, 3 steps: role/deployer trusts user/ana, if aws:MultiFactorAuthPresent is "
        "true. Then: role/deployer can run code of its own as role/runner in a new Lambda "
        "function. Then: role/runner may do everything.",
        "- user/ben, 4 steps: user/ben can change user/ana's password and sign in. "
        "Then: role/deployer trusts user/ana, if aws:MultiFactorAuthPresent is true. "
        "Then: role/deployer can run code of its own as role/runner in a new Lambda function. "
        "Then: role/runner may do everything.",
    ]


def test_a_long_print_is_cut_and_says_so(lab: Any) -> None:
    world = World(lab)
    for number in range(LINES + 2):
        world.user(f"u{number}", allow("iam:PutUserPolicy"))
    assert str(trust_graph(lab)).endswith("\n… and 2 more: iamlab.audit.trust_edges lists all.")


def test_an_account_with_nobody_to_rise(lab: Any) -> None:
    page = trust_graph()
    assert str(page) == (
        f"Who can become whom in account {ACCOUNT}\n"
        "user/administrator is administrator. Nobody else can become one."
    )
    assert [node["name"] for node in page.state["nodes"]] == [
        *("user/administrator", "administrator"),
    ]


def test_a_stopped_lab_is_said() -> None:
    lab = iamlab.start()
    page = trust_graph(lab)
    lab.stop()
    before = page.state["nodes"]
    state = ask(page, do="refresh")
    assert "iamlab.start()" in state["stopped"] and state["stopped"].endswith(
        "run this cell again."
    )
    assert state["nodes"] == before, "what was read stays on the page"
    with pytest.raises(RuntimeError, match="stopped"):
        trust_graph(lab)
