"""What a policy opens, in a real browser: read by mouse and by keyboard, alone after a restart."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

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
    """import json, boto3, iamlab
from iamlab.widgets import opens, opens_figure
lab = iamlab.start()
lab.reset()
iam = boto3.client("iam")
def policy(*actions):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": list(actions), "Resource": "*"}]})
arn = iam.create_policy(PolicyName="reports", PolicyDocument=policy("s3:*", "sqs:Get*"))
arn = arn["Policy"]["Arn"]
iam.create_policy_version(PolicyArn=arn, SetAsDefault=True,
    PolicyDocument=policy("s3:Get*", "s3:List*", "sqs:*", "iam:PutUserPolicy"))
iam.create_user(UserName="ana")
iam.attach_user_policy(UserName="ana", PolicyArn=arn)
page = opens((arn, "v1"), arn, used="user/ana")
page""",
    'opens(policy("*"))',
    'opens_figure((arn, "v1"), arn, used=["s3:GetObject"])',
)


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook]) -> Notebook:
    opened = open_notebook("opens.ipynb", code_notebook(*CELLS), height=1400)
    opened.draw_everything()
    assert opened.run_all() == []
    expect(opened.page.locator(".iamlab.opens")).to_have_count(2)
    return opened


def test_by_mouse(notebook: Notebook, axe: Callable[..., list[str]]) -> None:
    page = notebook.page
    root = page.locator(".iamlab.opens").first
    expect(root.locator(".op-names")).to_contain_text("reports (v2, the default)")
    expect(root.locator(".op-headline")).to_contain_text("before, ")
    expect(root.locator(".op-more")).to_contain_text("iam:PutUserPolicy")
    expect(root.locator(".op-keys")).to_contain_text("0 used")
    rows = root.locator(".op-services > li:visible")
    expect(rows).to_have_count(3)
    root.locator("summary", has_text="sqs").click()
    expect(root.locator(".op-body:visible")).to_contain_text("SendMessage")
    root.get_by_label("Services and actions with").fill("sqs:deleteq")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("sqs")
    root.get_by_label("Services and actions with").fill("")

    notebook.execute("_ = lab.session('user/ana').client('s3').list_buckets()")
    root.get_by_role("button", name="Look again").click()
    expect(root.locator(".op-keys")).to_contain_text("1 used")
    expect(root.locator(".op-meter")).to_contain_text("used by user/ana. So it is")
    expect(root.locator(".op-body:visible")).to_have_count(1)  # what was open stays open

    alone = page.locator(".iamlab.opens").nth(1)
    expect(alone.get_by_role("button", name="Look again")).to_be_hidden()
    alone.get_by_label("Services and actions with").fill("ec2:RunInst")
    expect(alone.locator(".op-services > li:visible")).to_have_count(1)
    picture = page.locator(".jp-OutputArea img")
    assert picture.get_attribute("alt").startswith("What a policy opens. Before: reports (v1).")
    for theme, width in (("light", 1280), ("dark", 320), ("dark", 2560), ("light", 640)):
        notebook.theme(theme)
        page.set_viewport_size({"width": width, "height": 1400})
        page.wait_for_timeout(300)
        assert [row for row in contrasts(page) if row[0] < 4.5] == []
        assert overflows(page) == []
        assert axe(page) == []
        screenshot(page, f"opens-{theme}-{width}", ".iamlab.opens")


def test_by_keyboard_alone_and_after_a_restart(notebook: Notebook) -> None:
    page = notebook.page
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    root = page.locator(".iamlab.opens").first
    page.locator(".jp-Cell").nth(0).evaluate("el => el.focus()")
    tab_to(page, ".opens input[type=text]")
    page.keyboard.type("sqs")
    expect(root.locator(".op-services > li:visible")).to_have_count(1)
    tab_to(page, ".opens summary")
    page.keyboard.press("Enter")
    expect(root.locator(".op-body:visible")).to_contain_text("SendMessage")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")  # only what changes: off
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    expect(root.locator(".op-services > li:visible")).to_have_count(3)
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells

    # JupyterLab's own: it was still busy with the kernel that the test restarts.
    notebook.tolerated = (*notebook.tolerated, re.compile("create_subshell_request"))
    page.evaluate("""async () => {
        const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        await kernel.restart();
    }""")
    expect(root.locator(".iamlab-banner")).to_contain_text("Start the lab again")
    expect(root.get_by_role("button", name="Look again")).to_be_disabled()
    # What is there can still be read and searched.
    root.get_by_label("Services and actions with").fill("iam")
    expect(root.locator(".op-services > li:visible")).to_have_count(1)
