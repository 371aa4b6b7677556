"""The Python half of "Who can do what", on a real lab: numbers, order, words, files."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import boto3
import pytest

import iamlab
from iamlab.audit import access_matrix as numbers
from iamlab.policy import catalog
from iamlab.widgets.access_grid import Access
from iamlab.widgets.access_table import AccessTable, access_matrix
from tests.account.helpers import World, allow, deny

LONG = "a-role-with-a-very-long-name-that-takes-all-sixty-four-letters-x"


@pytest.fixture
def world(lab: Any) -> World:
    made = World(lab)
    made.user(
        "ana",
        allow(["s3:ListAllMyBuckets", "sqs:*"]),
        deny("sqs:DeleteQueue", Sid="KeepQueues"),
        allow("s3:PutObject", "arn:aws:s3:::reports/*"),
    )
    edge = made.managed("only-storage", allow("s3:*"))
    made.user("ben", allow(["s3:*", "iam:*"]), PermissionsBoundary=edge)
    made.user("carla")
    made.role(LONG, allow(["kms:*"]))
    return made


@pytest.fixture
def table(lab: Any, world: World) -> Any:
    page = access_matrix(lab)
    yield page
    page.close()


def ask(table: AccessTable, **message: Any) -> dict[str, Any]:
    table._reply = {}
    table._on_message(table, {**message, "ping": "1"}, None)
    return table._reply


def at(table: AccessTable, who: str, column: str) -> tuple[int, int]:
    return table.grid["rows"].index(who), table.grid["columns"].index(column)


def said(table: AccessTable, who: str, column: str) -> str:
    row, number = at(table, who, column)
    return ask(table, do="cell", row=row, column=number)["said"]


def names(table: AccessTable) -> list[str]:
    return [table.grid["rows"][row] for row in table.view["rows"]]


def columns(table: AccessTable) -> list[str]:
    return [table.grid["columns"][number] for number in table.view["columns"]]


@pytest.mark.parametrize("wide", [False, True])
def test_the_numbers_are_those_of_the_audit(lab: Any, table: AccessTable, wide: bool) -> None:
    table.arrange(wide=wide, sort="name")
    expected = numbers(lab, wide=wide)
    assert list(table.frame().columns) == list(expected.columns)
    assert (table.frame().sort_index() == expected.sort_index()).to_numpy().all()
    table.zoom("s3")
    by_level = numbers(lab, wide=wide, by="level")["s3"].sort_index()
    found = table.frame().sort_index()
    for level in found.columns:
        got = found[level].tolist()
        assert got == (by_level[level].tolist() if level in by_level else [0] * len(found))
    table.zoom("s3", "Write")
    by_action = numbers(lab, wide=wide, by="action").sort_index()
    found = table.frame().sort_index() != ""
    for action in found.columns:
        assert found[action].tolist() == by_action[f"s3:{action}"].tolist(), action


def test_a_boundary_and_a_deny_count(table: AccessTable) -> None:
    table.arrange(principals="ben")
    assert names(table) == ["user/ben"]
    ana, ben = at(table, "user/ana", "sqs"), at(table, "user/ben", "iam")
    total = len(catalog.actions("sqs"))
    assert abs(table.grid["cells"][ana[0]][ana[1]]) == total - 1
    assert table.grid["cells"][ben[0]][ben[1]] == 0


def test_what_is_open_on_everything_and_what_on_something(table: AccessTable) -> None:
    table.zoom("s3", "Write")
    row, column = at(table, "user/ana", "PutObject")
    assert table.grid["cells"][row][column] == -1
    assert said(table, "user/ana", "PutObject").startswith(
        "user/ana may do `s3:PutObject` on some resources, or under a condition. Never used"
    )
    assert abs(table.grid["cells"][at(table, "user/ben", "PutObject")[0]][column]) == 2
    table.arrange(wide=True)
    assert table.grid["cells"][row][column] == 0
    assert "may not do `s3:PutObject` on every resource, without" in said(
        table, "user/ana", "PutObject"
    )


def test_unused_access_is_below_zero_and_said(lab: Any, world: World, table: AccessTable) -> None:
    made = lab.clock.now()
    session = lab.session("user/ana")
    lab.clock.advance(days=5)
    session.client("s3").list_buckets()
    ask(table)
    row, s3 = at(table, "user/ana", "s3")
    assert table.grid["cells"][row][s3] > 0
    assert table.grid["cells"][row][table.grid["columns"].index("sqs")] < 0
    all_s3 = len(catalog.actions("s3"))
    assert said(table, "user/ana", "s3") == (
        f"user/ana may do 2 of {all_s3} actions of `s3`. 1 of them was used in the last 90 days."
    )
    assert said(table, "user/ana", "sqs").endswith(
        f"Never used since it was made on {made:%Y-%m-%d}, 5 days ago."
    )
    lab.clock.advance(days=100)
    ask(table)
    assert table.grid["cells"][row][s3] < 0
    assert said(table, "user/ana", "s3").endswith("100 days ago.")
    assert "Last used on" in said(table, "user/ana", "s3")


def test_a_denied_call_is_no_use(lab: Any, world: World, table: AccessTable) -> None:
    with pytest.raises(lab.session("user/carla").client("s3").exceptions.ClientError):
        lab.session("user/carla").client("s3").list_buckets()
    carla = Access(lab, lab.account_id)
    assert carla.uses[carla.names.index("user/carla")] == {}


def test_names_have_sentences_too(table: AccessTable) -> None:
    row, sqs = at(table, "user/ana", "sqs")
    assert ask(table, do="cell", row=row, column=-1)["said"].startswith(
        f"user/ana may do {len(catalog.actions('sqs')) + 1} actions in 2 services. Never used"
    )
    top = ask(table, do="cell", row=-1, column=sqs)
    assert top["said"] == (
        "2 principals may do something in `sqs`; 2 of them did not in the last 90 days."
    )
    assert top["go"] == "Zoom into sqs: access levels"
    carla = table.grid["rows"].index("user/carla")
    assert ask(table, do="cell", row=carla, column=-1)["said"] == "user/carla may do nothing here."
    assert "may do none of the" in said(table, "user/carla", "sqs")


def test_order(table: AccessTable) -> None:
    table.arrange(sort="most")
    assert names(table)[0] == "user/administrator" and names(table)[-1] == "user/carla"
    assert columns(table)[:3] == ["s3", "kms", "sqs"], "what most may do comes first"
    table.arrange(sort="name")
    assert names(table) == sorted(names(table)) and columns(table) == sorted(columns(table))
    table.zoom("s3")
    assert columns(table) == ["List", "Read", "Write", "Tagging", "Permissions management"]


def test_most_unused_first(lab: Any, world: World, table: AccessTable) -> None:
    table.arrange(sort="unused", columns="s3")
    before = names(table)
    assert before[:2] == ["user/administrator", "user/ben"]
    table.zoom("s3", "List")
    table.arrange(sort="unused", columns="listallmybuckets")
    assert {"user/ana", "user/ben"} <= set(names(table)[:3])
    lab.session("user/ana").client("s3").list_buckets()
    ask(table)
    assert names(table).index("user/ana") > names(table).index("user/ben")


def test_a_filter_of_columns_belongs_to_its_depth(table: AccessTable) -> None:
    table.arrange(columns="SQS")
    assert columns(table) == ["sqs"]
    table.zoom("sqs")
    assert len(columns(table)) == 4 and table.view["filters"] == ["", ""]
    table.zoom()
    assert columns(table) == ["sqs"] and table.view["filters"] == ["", "SQS"]
    table.arrange(columns="nothing of that name")
    assert table.view["summary"].startswith("Nothing has such a name.")


@pytest.mark.parametrize(
    ("who", "path", "sentence", "effects"),
    [
        (
            "user/ana",
            ("sqs", "Write", "DeleteQueue"),
            "Closed: Statement 2 (KeepQueues) of the identity policy own denies it always. A Deny "
            "beats every Allow.",
            ["Allow", "Deny"],
        ),
        (
            "user/ben",
            ("iam", "Write", "CreateAccessKey"),
            "Closed: the permissions boundary does not allow it. It sets what user/ben may have.",
            ["Allow"],
        ),
        (
            "user/carla",
            ("s3", "Write", "PutObject"),
            "Closed: no identity policy of user/carla allows it.",
            [],
        ),
        (
            "user/ana",
            ("s3", "Write", "PutObject"),
            "Open on something, not on everything: the identity policy names resources or "
            "conditions.",
            ["Allow"],
        ),
        (
            "user/ben",
            ("s3", "Write", "PutObject"),
            "Open on every resource, without a condition.",
            ["Allow", "Allow"],
        ),
    ],
)
def test_the_statements_behind_a_cell(
    table: AccessTable, who: str, path: tuple[str, str, str], sentence: str, effects: list[str]
) -> None:
    table.zoom(*path[:2])
    row, column = at(table, who, path[2])
    answer = ask(table, do="open", row=row, column=column)
    panel = answer["panel"]
    assert answer["said"] == said(table, who, path[2])
    assert panel["title"] == f"{who} and {path[0]}:{path[2]}"
    assert panel["sentence"] == sentence
    assert [one["effect"] for one in panel["rows"]] == effects
    assert all(json.loads(one["text"])["Effect"] == one["effect"] for one in panel["rows"])
    open_ = table.grid["cells"][row][column] != 0
    assert sentence.startswith("Open") == open_, "the sentence and the number agree"


def test_scps_close_a_member(lab: Any) -> None:
    world = World(lab)
    member = world.organization()
    world.scp("no-s3", deny("s3:Put*"), target=member)
    world.user("eva", allow("s3:*"), account=member)
    table = access_matrix(lab, member)
    table.zoom("s3", "Write")
    row, column = at(table, "user/eva", "PutObject")
    panel = ask(table, do="open", row=row, column=column)["panel"]
    assert table.grid["cells"][row][column] == 0
    assert panel["sentence"].startswith("Closed: Statement 1 of the SCP of level 2 no-s3")


def test_the_csv_is_what_is_shown(table: AccessTable) -> None:
    table.arrange(principals="ana", columns="s")
    table.zoom("sqs")
    file = ask(table, do="csv")["file"]
    head, *rows = csv.reader(io.StringIO(file["text"]))
    assert file["name"] == "access-sqs.csv" and head[1:] == columns(table)
    assert [row[0] for row in rows] == ["user/ana"] == names(table)
    table.zoom("s3", "Write")
    table.arrange(columns="PutObject")
    rows = list(csv.reader(io.StringIO(ask(table, do="csv")["file"]["text"])))
    assert rows[1][rows[0].index("PutObject")] == "some"


def test_the_picture_carries_its_words(table: AccessTable) -> None:
    file = ask(table, do="png")["file"]
    assert file["type"] == "image/png" and file["base64"].startswith("iVBORw0KGgo")
    picture = table.figure()
    assert str(picture) == file["alt"] and table.view["summary"] in file["alt"]
    assert f"Not drawn: {len(columns(table)) - 40} services." in file["alt"]
    assert picture.alt.encode() in picture.png()
    assert f'alt="{picture.alt}"' in picture._repr_html_()
    texts = [text.get_text() for text in picture.axes[0].texts]
    assert str(len(catalog.actions("s3"))) in texts


def test_the_words_name_everybody(table: AccessTable) -> None:
    table.arrange(columns="sqs")
    text = str(table)
    assert text.splitlines()[0].startswith("Users and roles, by service. 5 principals, 1 of")
    assert f"user/ana: sqs {len(catalog.actions('sqs')) - 1} (unused)" in text
    assert "user/carla: nothing" in text
    table.zoom("sqs", "Write")
    assert "DeleteQueue on everything (unused)" in str(table)


def test_bad_questions_are_answered_in_words(table: AccessTable) -> None:
    with pytest.raises(ValueError, match="there is no s4"):
        table.zoom("s4")
    with pytest.raises(ValueError, match="there is no s3, Reading"):
        table.zoom("s3", "Reading")
    with pytest.raises(ValueError, match="most, unused, name"):
        table.arrange(sort="colour")
    assert table.grid["path"] == [] and columns(table)[0] == "s3", "nothing has changed"


def test_a_change_of_the_account_is_seen(lab: Any, table: AccessTable) -> None:
    boto3.client("iam").create_user(UserName="dora")
    ask(table)
    assert "user/dora" in names(table)


def test_an_empty_account_is_said(lab: Any) -> None:
    table = access_matrix(lab, "999988887777")
    assert table.view["summary"] == "This account has no users and no roles."
    assert str(table).endswith("This account has no users and no roles.")


def test_a_stopped_lab_is_said() -> None:
    lab = iamlab.start()
    table = access_matrix(lab)
    lab.stop()
    ask(table, do="zoom", path=["s3"])
    assert "iamlab.start()" in table.view["stopped"] and "iamlab.start()" in str(table)
    with pytest.raises(RuntimeError, match="stopped"):
        table.zoom("s3")
