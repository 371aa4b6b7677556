"""Who can do what, in a real browser: zoom to a statement and back, sort, filter, files, size."""

from __future__ import annotations

import re
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
    """import json, boto3, iamlab
from iamlab.widgets import access_matrix
lab = iamlab.start()
lab.reset()
iam = boto3.client("iam")
def allow(action, resource="*", effect="Allow"):
    return {"Effect": effect, "Action": action, "Resource": resource}
def user(name, *statements):
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": list(statements)}))
user("ana", allow(["s3:ListAllMyBuckets", "sqs:*"]), allow("sqs:DeleteQueue", effect="Deny"))
user("ben", allow("s3:*", "arn:aws:s3:::reports/*"))
user("name-" * 12 + "long", allow("kms:*"))
lab.session("user/ana").client("s3").list_buckets()
table = access_matrix(lab)
table""",
)
MANY = """import random, moto.iam.models
lab.state.load_aws_policy(lab.account_id)
account, real = lab.state.iam(lab.account_id), random.Random(3)
every = sorted(account.managed_policies)
for number in range(300):
    user = moto.iam.models.User(lab.account_id, "us-east-1", f"u{number:05}")
    account.users[user.name] = user
    for arn in real.sample(every, 3):
        user.managed_policies[arn] = account.managed_policies[arn]
lab.state.changed()"""


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook]) -> Notebook:
    opened = open_notebook("access.ipynb", code_notebook(*CELLS), height=1100)
    assert opened.run_all() == []
    opened.page.wait_for_selector(".iamlab.access td[data-row]")
    return opened


def cell(page: Page, who: str, column: str):
    """The cell of a principal and a column."""
    place = page.wait_for_function(
        """([who, column]) => {
            const named = (selector, text) => [...document.querySelectorAll(selector)]
                .find(el => el.title === text)?.dataset;
            const row = named('.access th[scope=row]', who)?.row;
            const at = named('.access thead th[data-column]', column)?.column;
            return row && at && [row, at];
        }""",
        arg=[who, column],
    ).json_value()
    return page.locator(f'.access td[data-row="{place[0]}"][data-column="{place[1]}"]')


def good_looks(page: Page, axe: Callable[..., list[str]]) -> None:
    assert [row for row in contrasts(page) if row[0] < 4.5] == []
    assert overflows(page) == []
    assert axe(page) == []


def test_by_mouse(notebook: Notebook, axe: Callable[..., list[str]]) -> None:
    page = notebook.page
    said = page.locator(".access .ax-said")
    page.get_by_label("Services with").fill("s")
    page.get_by_label("Services with").fill("sqs")
    expect(page.locator(".access .ax-summary")).to_contain_text("1 of")
    expect(page.locator(".access thead th[data-column]")).to_have_count(1)
    ana = cell(page, "user/ana", "sqs")
    expect(ana).to_have_attribute("aria-label", "19 of 20, unused")
    ana.click()
    expect(said).to_contain_text("user/ana may do 19 of 20 actions of sqs. Never used since")
    page.get_by_role("button", name="Zoom into sqs").click()
    expect(page.locator(".access thead th[data-column]")).to_have_count(4)
    expect(page.locator(".access .ax-crumbs [aria-current]")).to_have_text("sqs")
    expect(page.locator(".access td:focus")).to_have_attribute("data-column", "0")
    page.locator(".access thead th", has_text="Write").click()
    cell(page, "user/ana", "DeleteQueue").click()
    panel = page.locator(".access .ax-panel")
    expect(panel).to_contain_text("Closed: Statement 2 of the identity policy own denies it always")
    expect(panel.locator("pre").nth(1)).to_contain_text('"Action": "sqs:DeleteQueue"')
    screenshot(page, "access-statements", ".iamlab.access")
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()
    page.get_by_role("button", name="All services").click()
    expect(page.get_by_label("Services with")).to_have_value("sqs")
    page.get_by_label("Services with").fill("")
    expect(page.locator(".access thead th", has_text="kms")).to_be_visible()
    first = page.locator(".access th[data-row='0'][data-column='-1']")
    expect(first).to_have_text("user/administrator")
    page.get_by_label("Sort by").select_option("name")
    page.get_by_label("Principals with").fill("ana")
    expect(page.locator(".access tbody th")).to_have_count(1)
    expect(first).to_have_text("user/ana")
    page.get_by_label("Principals with").fill("")
    page.get_by_label("Services with").fill("s3")
    expect(page.locator(".access .ax-summary")).to_contain_text(" of 4")
    expect(cell(page, "user/ben", "s3")).not_to_have_text("")
    page.get_by_label("Only what is open on everything").check()
    expect(cell(page, "user/ben", "s3")).to_have_text("")

    # Used access is no longer hatched once the page looks again.
    expect(cell(page, "user/ana", "s3")).to_have_class("")
    for name in ("CSV", "PNG"):
        with page.expect_download() as coming:
            page.get_by_role("button", name=f"Export to {name}").click()
        assert coming.value.suggested_filename == f"access.{name.lower()}"
        text = coming.value.path().read_bytes()
        assert text.startswith(b"principal,") if name == "CSV" else b"Users and roles" in text
    expect(page.locator(".access .ax-news")).to_contain_text("It shows: Users and roles")

    page.get_by_label("Services with").fill("")
    for theme, width in (("light", 1280), ("dark", 320), ("dark", 2560)):
        notebook.theme(theme)
        page.set_viewport_size({"width": width, "height": 1100})
        page.wait_for_timeout(300)
        good_looks(page, axe)
        screenshot(page, f"access-{theme}-{width}", ".iamlab.access")
    # A browser at 200 % lays out 1,280 px as 640.
    page.set_viewport_size({"width": 640, "height": 450})
    page.wait_for_timeout(300)
    good_looks(page, axe)


def test_by_keyboard_alone_and_after_a_restart(notebook: Notebook) -> None:
    page = notebook.page
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    said = page.locator(".access .ax-said")
    active = page.locator(".access [data-row]:focus")
    page.locator(".jp-Cell").nth(0).evaluate("el => el.focus()")
    tab_to(page, ".access input[type=text]")
    tab_to(page, ".access td[data-row]")
    expect(active).to_have_attribute("data-row", "0")
    page.keyboard.press("ArrowUp")
    expect(page.locator(".access thead th:focus")).to_have_attribute("title", "s3")
    expect(said).to_contain_text("principals may do something in s3")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    expect(said).to_contain_text("user/administrator may do")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(said).to_contain_text("user/ben may do")
    page.keyboard.press("Enter")  # all services -> s3
    expect(page.locator(".access .ax-crumbs [aria-current]")).to_have_text("s3")
    expect(said).to_contain_text("user/ben may do", timeout=10_000)
    expect(said).to_contain_text("that are")
    page.keyboard.press("Enter")  # s3 -> its first level
    expect(page.locator(".access .ax-crumbs li")).to_have_count(3)
    expect(said).to_contain_text("user/ben may do s3:")
    page.keyboard.press("Enter")  # the statements
    panel = page.locator(".access .ax-panel")
    expect(panel).to_be_focused()
    expect(panel).to_contain_text("Open on something, not on everything")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(active).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".access .ax-crumbs [aria-current]")).to_have_text("s3")
    expect(active).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".access .ax-crumbs [aria-current]")).to_have_text("All services")
    expect(said).to_contain_text("user/ben may do")  # where one came from
    page.keyboard.press("End")
    expect(active).to_be_visible()
    last = page.evaluate("() => Number(document.activeElement.dataset.column)")
    assert last > 400
    assert page.locator(".access td[data-row]").count() < 400, "only what is seen is drawn"
    page.keyboard.press("Home")
    page.keyboard.press("Home")
    expect(page.locator(".access th[data-column='-1']:focus")).to_have_count(1)
    page.keyboard.press("b")  # would add a cell, were it not kept from JupyterLab
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells
    page.keyboard.press("Escape")  # on top of all there is nothing to go back from: JupyterLab's
    expect(page.locator(".jp-Notebook.jp-mod-commandMode")).to_have_count(1)

    # JupyterLab's own: it was still busy with the kernel that the test restarts.
    notebook.tolerated = (*notebook.tolerated, re.compile("create_subshell_request"))
    page.evaluate("""async () => {
        const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        await kernel.restart();
    }""")
    expect(page.locator(".access .iamlab-banner")).to_contain_text("Start the lab again")
    for name in ("Export to CSV", "Look again"):
        expect(page.get_by_role("button", name=name)).to_be_disabled()
    expect(page.get_by_label("Principals with")).to_be_disabled()
    page.locator(".access td[data-row='0']").first.click()
    page.keyboard.press("Enter")  # nothing happens, and nothing breaks
    page.keyboard.press("ArrowDown")
    expect(active).to_have_attribute("data-row", "1")


def test_three_hundred_principals(notebook: Notebook) -> None:
    page = notebook.page
    notebook.execute(MANY)
    page.get_by_role("button", name="Look again").click()
    expect(page.locator(".access .ax-summary")).to_contain_text("304 principals", timeout=30_000)
    expect(page.locator(".access table")).to_have_attribute("aria-rowcount", "305")
    found = page.evaluate("""async () => {
        const box = document.querySelector('.ax-scroll');
        const frame = () => new Promise(done => requestAnimationFrame(done));
        let most = 0, holes = 0;
        for (let i = 0; i < 60; i++) {
            box.scrollTop += i < 30 ? 300 : 0;
            box.scrollLeft += i < 30 ? 0 : 600;
            await frame(); await frame(); await frame();
            most = Math.max(most, box.querySelectorAll('td').length);
            const {right, bottom} = box.getBoundingClientRect();
            const seen = document.elementFromPoint(right - 60, bottom - 60);
            holes += seen?.dataset.row === undefined ? 1 : 0;
        }
        return {most, holes, top: box.scrollTop, left: box.scrollLeft};
    }""")
    assert found["top"] > 8_000 and found["left"] > 10_000
    assert found["most"] < 1_500, "drawing more than can be seen makes scrolling slow"
    assert found["holes"] == 0, "wherever one scrolls, there are cells"
    page.get_by_label("Principals with").fill("u00299")
    expect(page.locator(".access tbody th")).to_have_count(1)
    expect(page.locator(".access .ax-summary")).to_contain_text("1 of 304 principals")
