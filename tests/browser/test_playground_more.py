"""The playground: path, changes, editors, suggestions, challenges, sharing, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from iamlab.widgets import sharing
from tests.browser.harness import Notebook, code_notebook, contrasts, overflows, tab_to

pytestmark = pytest.mark.slow

CELL = """import boto3, iamlab
from iamlab.widgets import playground
lab = iamlab.start()
lab.reset()
boto3.client("iam").create_user(UserName="ana")
boto3.client("iam").put_user_policy(UserName="ana", PolicyName="ListOnly", PolicyDocument=(
    '{"Version": "2012-10-17", "Statement": '
    '[{"Effect": "Allow", "Action": "s3:List*", "Resource": "*"}]}'))
boto3.client("s3").create_bucket(Bucket="larkfield-reports")
page = playground()
page"""


@pytest.fixture
def page(open_notebook: Callable[..., Notebook]) -> Page:
    opened = open_notebook("more.ipynb", code_notebook(CELL), height=1400)
    opened.theme("light")
    assert opened.run_all() == []
    opened.page.wait_for_selector(".playground .changes li")
    opened.page.notebook = opened  # type: ignore[attr-defined]
    return opened.page


def said(page: Page) -> Locator:
    return page.locator(".playground .said")


def editor(page: Page, name: str = "Identity policy") -> Locator:
    return page.get_by_label(name, exact=True)


def field(page: Page, name: str) -> Locator:
    return page.locator(".playground .request").get_by_label(re.compile(f"^{name}"))


def options(page: Page) -> Locator:
    return page.locator(".playground .suggestions:visible [role=option]")


def station(page: Page, name: str) -> Locator:
    return page.locator(".playground .track").get_by_role("tab", name=name)


def caret_at(area: Locator, text: str, after: bool = True) -> None:
    area.evaluate(
        "(el, at) => { el.focus(); el.setSelectionRange(at, at); }",
        area.input_value().index(text) + (len(text) if after else 0),
    )


def execute(page: Page, code: str) -> None:
    page.notebook.execute(code)  # type: ignore[attr-defined]


def test_the_path_and_what_would_have_to_change(page: Page) -> None:
    # Six stations in AWS's order, each with a word.
    names = page.locator(".track .name").all_inner_texts()
    policies = ["Resource policy", "Identity policy", "Boundary", "Session policy"]
    assert names == ["RCP", "SCP", *policies]
    words = page.locator(".track .word").all_inner_texts()
    assert words == ["not asked"] * 3 + ["stop: no Allow"] + ["not asked"] * 2
    identity = station(page, "Identity policy")
    expect(identity).to_have_attribute("aria-selected", "true")
    panel = page.locator(".playground .station")
    expect(panel).to_contain_text("is the bucket itself; the objects in it are")

    # By keyboard: one stop for Tab, arrows between the stations.
    tab_to(page, ".track [role=tab]")
    expect(identity).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(station(page, "Boundary")).to_be_focused()
    expect(panel).to_contain_text("there is no permissions boundary")
    page.keyboard.press("Home")
    expect(station(page, "RCP")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(station(page, "Session policy")).to_be_focused()
    identity.click()

    # From the statement in the panel to its place in the editor.
    panel.get_by_role("button", name="Statement 1").click()
    expect(editor(page)).to_be_focused()
    before = editor(page).evaluate("el => el.value.slice(0, el.selectionStart)")
    assert before.count("\n") == 3
    expect(page.locator(".line.near")).to_have_text(re.compile('"Resource"'))

    # The smallest change is one press away, and one Ctrl+Z back.
    first = editor(page).input_value()
    ways = page.locator(".changes li")
    expect(ways.first).to_contain_text("Add arn:aws:s3:::larkfield-reports/* to Resource")
    page.get_by_role("button", name="Try way 1").press("Enter")
    expect(said(page)).to_contain_text("Allowed")
    expect(identity.locator(".word")).to_have_text("pass")
    expect(page.locator(".line.decided").first).to_be_visible()
    expect(page.locator(".playground .station .chip")).to_contain_text("decides")
    expect(ways.first).to_contain_text(re.compile("^Take"), timeout=10_000)
    editor(page).focus()
    page.keyboard.press("Control+z")
    expect(editor(page)).to_have_value(first)
    expect(said(page)).to_contain_text("Denied")

    # A change of the request.
    page.get_by_label("Ready-made").select_option("Only from the office")
    expect(said(page)).to_contain_text("Allowed")
    field(page, "Context").fill("")
    expect(said(page)).to_contain_text("Denied")
    way = ways.filter(has_text="Make the request with aws:SourceIp")
    expect(way).to_be_visible(timeout=10_000)
    way.get_by_role("button").click()
    expect(field(page, "Context")).to_have_value("aws:SourceIp = 203.0.113.1")
    expect(said(page)).to_contain_text("Allowed")


def test_editors_come_and_go_and_are_read_aloud(page: Page) -> None:
    expect(page.locator(".playground .policy")).to_have_count(1)
    add = page.get_by_role("group", name="Add a policy")
    add.get_by_role("button", name="Service control policy").press("Enter")
    expect(editor(page, "Service control policy")).to_be_focused()
    for _ in range(4):
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")  # "Write a frame"
    expect(editor(page, "Service control policy")).to_have_value(re.compile('"Action": "\\*"'))
    expect(station(page, "SCP").locator(".word")).to_have_text("pass")

    # A second level, which lets nothing through: the path stops there, and the level is named.
    add.get_by_role("button", name="Service control policy").click()
    second = editor(page, "Service control policy, level 2")
    second.fill(
        '{"Version": "2012-10-17", "Statement": '
        '[{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]}'
    )
    expect(station(page, "SCP").locator(".word")).to_have_text("stop: no Allow")
    expect(said(page)).to_contain_text("No SCP at level 2")
    execute(page, "assert set(page.policies) == {'identity', 'scp', 'scp-2'}, page.policies")

    # Taken away, the focus stays nearby; added again, the text is there again.
    text = second.input_value()
    page.get_by_role("button", name="Remove: Service control policy, level 2").press("Enter")
    expect(second).to_have_count(0)
    expect(add.get_by_role("button", name="Service control policy")).to_be_focused()
    expect(station(page, "SCP").locator(".word")).to_have_text("pass")
    execute(page, "assert set(page.policies) == {'identity', 'scp'}, page.policies")
    page.keyboard.press("Enter")
    expect(second).to_have_value(text)
    expect(station(page, "SCP").locator(".word")).to_have_text("stop: no Allow")

    # In words.
    words = page.get_by_role("button", name="In words: Service control policy, level 2")
    words.press("Enter")
    expect(words).to_have_attribute("aria-expanded", "true")
    aloud = page.locator(".playground .aloud:visible")
    expect(aloud).to_contain_text("Leaves room for every action of ec2 on every resource.")
    second.fill(text.replace("ec2", "sqs"))
    expect(aloud).to_contain_text("every action of sqs")

    # "Start again" goes back to one.
    page.get_by_role("button", name="Start again").click()
    expect(page.locator(".playground .policy")).to_have_count(1)
    execute(page, "assert page.policies == page.start['policies'], page.policies")


def test_suggestions_by_keyboard_and_by_mouse(page: Page) -> None:
    area = editor(page)
    before = area.input_value()
    area.focus()
    page.wait_for_timeout(1000)  # as people do; AWS's actions are read meanwhile
    area.evaluate("(el, at) => el.setSelectionRange(at, at + 12)", before.index("s3:GetObject"))
    page.keyboard.type("s3:putob")
    expect(options(page).first).to_contain_text("s3:PutObject")
    active = area.get_attribute("aria-activedescendant")
    expect(page.locator(f"[id='{active}']")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(options(page).nth(1)).to_have_attribute("aria-selected", "true")
    chosen = options(page).nth(1).locator(".written").inner_text()
    page.keyboard.press("Enter")
    expect(options(page)).to_have_count(0)
    expect(area).to_have_value(before.replace("s3:GetObject", chosen))
    page.keyboard.press("Control+z")
    expect(area).to_have_value(before.replace("s3:GetObject", "s3:putob"))

    # Escape closes the list, and the editor keeps the focus.
    caret_at(area, "s3:putob")
    page.keyboard.press("Control+Space")
    expect(options(page).first).to_be_visible()
    page.keyboard.press("Escape")
    expect(options(page)).to_have_count(0)
    expect(area).to_be_focused()
    # Enter is a new line again.
    page.keyboard.press("Enter")
    assert "s3:putob\n" in area.input_value()
    page.keyboard.press("Backspace")

    # With the mouse; a form of ARN is written with its blank selected, to be typed over.
    area.fill('{"Statement": [{"Action": "sqs:SendMessage", "Resource": "')
    page.keyboard.press("End")
    page.keyboard.press("Control+Space")
    options(page).filter(has_text="form: queue").click()
    assert area.evaluate("el => el.value.slice(el.selectionStart, el.selectionEnd)") == "QUEUE-NAME"
    page.keyboard.type("orders")
    expect(area).to_have_value(re.compile('sqs:us-east-1:111122223333:orders"$'))

    # The fields: arrow down shows all there is, from the lab too.
    principal = field(page, "Principal")
    principal.focus()
    page.keyboard.press("ArrowDown")
    expect(principal).to_have_attribute("aria-expanded", "true")
    expect(options(page).filter(has_text="user/ana")).to_have_count(1)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Suggestions for Resource").click()
    options(page).filter(has_text="an object in it").click()
    expect(field(page, "Resource")).to_have_value("arn:aws:s3:::larkfield-reports/KEY")
    context = field(page, "Context")
    context.focus()
    page.keyboard.type("aws:securet")
    expect(options(page).first).to_contain_text("aws:SecureTransport")
    page.keyboard.press("Enter")
    expect(context).to_have_value("aws:SecureTransport = ")

    # The lab's policies for this caller, with their names.
    field(page, "Principal").fill("arn:aws:iam::111122223333:user/nobody")
    page.get_by_role("button", name="Take the policies from the lab").click()
    expect(page.locator(".request p[role=status]")).to_contain_text("There is nobody")
    field(page, "Principal").fill("arn:aws:iam::111122223333:user/ana")
    page.get_by_role("button", name="Take the policies from the lab").click()
    expect(editor(page, "Identity policy: ListOnly")).to_have_value(re.compile("s3:List"))
    expect(said(page)).to_contain_text("Denied")


def test_a_challenge_is_failed_and_passed_by_keyboard(
    page: Page, axe: Callable[..., list[str]]
) -> None:
    tab_to(page, ".playground select")
    page.keyboard.type("3. Every")  # as one picks from a list
    panel = page.locator(".playground .challenge")
    expect(panel).to_contain_text("Keep Ana out of the folder salaries/")
    expect(panel.locator("li")).to_have_count(2)
    expect(panel.locator(".word")).to_have_text(
        "Not yet: 1 of 2 calls is answered as it should be."
    )
    expect(page.locator(".playground .changes")).to_be_hidden()  # it would print the answer
    given = editor(page, "Identity policy 2")
    expect(given).to_have_js_property("readOnly", True)
    assert page.get_by_role("button", name="Remove: Identity policy 2").count() == 0

    deny = {"Effect": "Deny", "Action": "s3:GetObject"}
    own = editor(page, "Identity policy 1")

    def answer(**more: str) -> None:
        document = {"Version": "2012-10-17", "Statement": deny | more}
        own.focus()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(json.dumps(document, indent=2))

    answer(Resource="*")
    expect(panel.locator(".word")).to_have_text(
        "Not yet: 1 of 2 calls is answered as it should be."
    )
    expect(panel.locator("li").last).to_contain_text("shall be allowed, is denied")
    answer(Resource="arn:aws:s3:::larkfield-reports/salaries/*")
    expect(panel.locator(".word")).to_contain_text("Almost: more is open than the task asks.")
    expect(panel.locator(".word")).to_contain_text("an older version of salaries/2026.csv")
    # The call of a goal can be looked at.
    panel.get_by_role("button", name="Ana reads q3.csv").press("Enter")
    expect(field(page, "Resource")).to_have_value("arn:aws:s3:::larkfield-reports/q3.csv")
    answer(Resource="arn:aws:s3:::larkfield-reports/salaries/*", Action="s3:*")
    expect(panel.locator(".word")).to_contain_text("Done.")
    assert "passed" in (panel.get_attribute("class") or "")
    assert axe(page) == []
    assert [row for row in contrasts(page) if row[0] < 4.5] == []
    assert overflows(page) == []

    # Another one, and back: the answer is still there.
    page.get_by_label("Ready-made").select_option("1. Read, and no more")
    expect(panel.locator("li")).to_have_count(3)
    expect(page.locator(".playground .policy")).to_have_count(1)
    page.get_by_label("Ready-made").select_option("3. Everything but the salaries")
    expect(panel.locator(".word")).to_contain_text("Done.")
    page.get_by_label("Ready-made").select_option("A Deny always wins")
    expect(panel).to_be_hidden()
    expect(page.locator(".playground .changes")).to_be_visible()


def test_save_and_share(page: Page, tmp_path: Path) -> None:
    field(page, "Action").fill("s3:PutObject")
    expect(said(page)).to_contain_text("s3:PutObject")
    policy = editor(page).input_value()
    page.get_by_text("Save and share").click()
    share = page.locator(".playground .share")
    word = share.locator(".word")

    with page.expect_download() as waiting:
        share.get_by_role("button", name="Download a file").click()
    assert waiting.value.suggested_filename == "iamlab-playground.json"
    saved = tmp_path / "saved.json"
    waiting.value.save_as(saved)
    state = sharing.read(saved.read_text(encoding="utf-8"))
    assert state["policies"] == {"identity": policy}
    assert state["request"]["action"] == "s3:PutObject"

    box = share.get_by_label("Share text")
    share.get_by_role("button", name="Copy the share text").click()
    expect(box).to_have_value(re.compile("^iamlab1\\."))
    link = box.input_value()
    assert sharing.read(link) == state
    expect(word).to_contain_text(f"{len(link)} characters")

    # Something else stands there, then it is opened again: by keyboard, and after a broken text.
    page.get_by_label("Ready-made").select_option("A session policy only narrows")
    expect(editor(page, "Session policy")).to_be_visible()
    box.fill(link[:-9])
    share.get_by_role("button", name="Open the share text").press("Enter")
    expect(word).to_have_text("This text is not whole. Copy all of it, from iamlab1. to its end.")
    expect(editor(page, "Session policy")).to_be_visible()
    box.fill(link)
    share.get_by_role("button", name="Open the share text").press("Enter")
    expect(editor(page)).to_have_value(policy)
    expect(editor(page, "Session policy")).to_have_count(0)
    expect(field(page, "Action")).to_have_value("s3:PutObject")
    expect(page.get_by_label("Ready-made")).to_have_value("")

    # The file.
    state["policies"]["boundary"] = policy
    saved.write_text(sharing.as_file(state), encoding="utf-8")
    share.get_by_label("or open a file").set_input_files(saved)
    expect(editor(page, "Permissions boundary")).to_have_value(policy)
    saved.write_text(policy, encoding="utf-8")
    share.get_by_label("or open a file").set_input_files(saved)
    expect(word).to_have_text("This is a policy, not a saved playground. Paste it into an editor.")
    execute(page, "assert set(page.policies) == {'identity', 'boundary'}, page.policies")
