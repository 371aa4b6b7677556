"""Paste a denial in a real browser: pasted, read, ticked, and opened in the playground."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.harness import (
    Notebook,
    code_notebook,
    contrasts,
    overflows,
    screenshot,
    tab_to,
)

pytestmark = pytest.mark.slow

CELLS = (
    """import boto3, iamlab
from iamlab.widgets import explain_denial
lab = iamlab.start()
lab.reset()
iam = boto3.client("iam")
iam.create_user(UserName="ana")
iam.put_user_policy(UserName="ana", PolicyName="read", PolicyDocument='''{
  "Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject",
  "Resource": "arn:aws:s3:::reports"}}''')
def encoded():
    try:
        lab.session("user/ana").client("ec2").stop_instances(InstanceIds=["i-1"])
    except Exception as error:
        return str(error)
page = explain_denial()
page""",
)
BOX = "The error message, as AWS or a tool wrote it"
MESSAGE = (
    "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: sqs:SendMessage on "
    "resource: arn:aws:sqs:us-east-1:111122223333:jobs with an explicit deny in a permissions "
    "boundary"
)


def opened(open_notebook: Callable[..., Notebook], **window: object) -> Notebook:
    notebook = open_notebook("denial.ipynb", code_notebook(*CELLS), **window)
    notebook.draw_everything()
    assert notebook.run_all() == []
    expect(notebook.page.locator(".iamlab.denial .sentence").first).to_contain_text(
        "Paste an error"
    )
    return notebook


def cell(page: Page, label: str) -> str:
    return page.get_by_role("row", name=label).get_by_role("cell").inner_text()


def test_by_mouse(open_notebook: Callable[..., Notebook]) -> None:
    notebook = opened(open_notebook)
    page = notebook.page
    sentence = page.locator(".iamlab.denial > .said")
    expect(page.get_by_role("button", name="Try it in the playground")).to_be_hidden()
    page.get_by_label(BOX).fill("no such file")
    expect(sentence).to_contain_text("This does not read like a denial from AWS.")
    for name, said in (
        ("An SCP forbids it", "a Deny statement in a service control policy"),
        ("Expired credentials", "AWS did not accept the caller at all."),
        ("S3: nothing allows it", "user/ana may not do s3:GetObject on arn:aws:s3:::reports/"),
    ):
        page.get_by_role("button", name=name).click()
        expect(sentence).to_contain_text(said)
    assert cell(page, "How") == "no statement allows it (implicit deny)"
    page.get_by_role("checkbox", name="Compare that statement's Resource").check()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(1)
    notebook.execute("assert page.ticked == [2]")

    # The playground below has the request and the caller's own policy, and says what is wrong.
    page.get_by_role("button", name="Try it in the playground").click()
    inside = page.locator(".iamlab.denial .iamlab.playground")
    expect(inside).to_be_visible()
    expect(inside.get_by_label("Resource", exact=False).first).to_be_visible()
    expect(inside).to_contain_text("arn:aws:s3:::reports/*")
    expect(page.locator(".iamlab.denial .more > .note")).to_contain_text("in the running lab")
    notebook.execute("assert page.page.decision.effect == 'implicitDeny'")
    notebook.execute("assert page.page.request['resource'] == 'arn:aws:s3:::reports/2026/q3.csv'")
    # Its editor keeps its own look: the coloured text shines through the box that is typed into.
    look = inside.locator(".editor textarea").first.evaluate(
        "el => [getComputedStyle(el).backgroundColor, getComputedStyle(el).position]"
    )
    assert look == ["rgba(0, 0, 0, 0)", "absolute"]
    screenshot(page, "denial-playground", ".iamlab.denial")

    # An encoded message: AWS's own only AWS can read, the lab's own the lab.
    page.get_by_role("button", name="EC2: an encoded message").click()
    expect(inside).to_have_count(0)
    assert cell(page, "Who") == "not said"
    page.get_by_role("button", name="Ask the lab to read it").click()
    expect(page.locator(".iamlab.denial .more > .note")).to_contain_text("Only AWS can read this")
    notebook.execute("page.text = encoded()")
    expect(sentence).to_contain_text("user/ana may not do ec2:StopInstances")
    page.get_by_role("button", name="Ask the lab to read it").click()
    expect(page.get_by_role("row", name="Also")).to_contain_text("aws:SourceIp")
    page.get_by_role("button", name="Clear").click()
    expect(sentence).to_contain_text("Paste an error message")


def test_by_keyboard_alone(open_notebook: Callable[..., Notebook]) -> None:
    notebook = opened(open_notebook)
    page = notebook.page
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    page.locator(".jp-Cell").first.evaluate("el => el.focus()")
    tab_to(page, ".denial textarea")
    page.keyboard.insert_text(MESSAGE)
    expect(page.locator(".iamlab.denial > .said")).to_contain_text("forbids it.")
    assert cell(page, "Which policy") == "the caller's permissions boundary"
    tab_to(page, ".denial ol input")
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(1)
    tab_to(page, ".denial .more .main")
    page.keyboard.press("Enter")
    expect(page.locator(".iamlab.denial .iamlab.playground .said")).to_be_visible()
    tab_to(page, ".denial .playground :is(input, textarea, select)")
    # An example put in by a button can be undone.
    page.get_by_label(BOX).focus()
    tab_to(page, ".denial .examples button")
    page.keyboard.press("Enter")
    expect(page.get_by_label(BOX)).not_to_have_value(MESSAGE)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Control+Z")
    expect(page.get_by_label(BOX)).to_have_value(MESSAGE)
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells


def test_looks_and_a_restart(
    open_notebook: Callable[..., Notebook], axe: Callable[..., list[str]]
) -> None:
    notebook = opened(open_notebook)
    page = notebook.page
    page.get_by_role("button", name="EC2: an encoded message").click()
    expect(page.get_by_role("button", name="Copy the command")).to_be_visible()
    for theme, width in (("light", 1280), ("dark", 640), ("light", 320), ("dark", 2560)):
        notebook.theme(theme)
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(300)
        found = contrasts(page)
        assert len(found) > 30 and [row for row in found if row[0] < 4.5] == []
        assert overflows(page) == [], width
        screenshot(page, f"denial-{theme}-{width}", ".iamlab.denial")
    assert axe(page) == []
    notebook.theme("light")

    # After a restart no button is dead without a word, and what was typed can be read on.
    page.evaluate("""async () => {
        await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart();
    }""")
    expect(page.locator(".denial .iamlab-banner").first).to_contain_text("Start the lab again")
    expect(page.get_by_role("button", name="Try it in the playground")).to_be_disabled()
    expect(page.get_by_label(BOX)).not_to_have_value("")
    notebook.wait_idle()
