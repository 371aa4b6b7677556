"""Who can become whom in a real browser: a way to administrator found by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.harness import (
    Notebook,
    code_notebook,
    contrasts,
    overflows,
    screenshot,
    tab_to,
)

pytestmark = pytest.mark.slow

READABLE = 4.5  # WCAG 2.2, 1.4.3

# ben makes keys of ana, who assumes deployer with MFA, who passes runner to Lambda.
WORLD = """import json, boto3, iamlab
from iamlab.widgets import trust_graph
lab = iamlab.start()
lab.reset()
iam, account = boto3.client("iam"), lab.account_id
def doc(action, resource="*", **more):
    made = {"Effect": "Allow", "Action": action, "Resource": resource} | more
    made = {key: value for key, value in made.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [made]})
def role(name, who, action, **more):
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=doc(
        "sts:AssumeRole", None, Principal=who, **more))
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=doc(action))
def user(name, action, resource="*"):
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=doc(action, resource))
root = {"AWS": f"arn:aws:iam::{account}:root"}
mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
role("deployer", root, ["iam:PassRole", "lambda:*"], Condition=mfa)
role("runner", {"Service": "lambda.amazonaws.com"}, "*")
role("server", {"Service": "ec2.amazonaws.com"}, "s3:*")
for name in ("north", "south"):
    role(name, root, "s3:Get*")
role("archive", {"AWS": [f"arn:aws:iam::{account}:role/{n}" for n in ("north", "south")]}, "s3:*")
user("ana", "sts:AssumeRole", f"arn:aws:iam::{account}:role/deployer")
user("ben", ["iam:CreateAccessKey", "iam:UpdateLoginProfile"], f"arn:aws:iam::{account}:user/ana")
user("cy", "sts:AssumeRole", f"arn:aws:iam::{account}:role/*th")
page = trust_graph(lab)
page"""
LONG = "x" * 40 + "-" + "y" * 23
MANY = f"""for number in range(22):
    role(f"report-service-{{number}}", root, "s3:Get*")
user("dee@larkfield-maps.example", "sts:AssumeRole", f"arn:aws:iam::{{account}}:role/report-*")
user("{LONG}", "iam:PutUserPolicy")
trust_graph(lab)"""


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook]) -> Notebook:
    return opened(open_notebook)


def opened(open_notebook: Callable[..., Notebook], *cells: str) -> Notebook:
    notebook = open_notebook("trust.ipynb", code_notebook(WORLD, *cells))
    notebook.theme("light")  # JupyterLab remembers the last one
    notebook.draw_everything()
    assert notebook.run_all() == []
    expect(notebook.page.locator(".trust")).to_have_count(1 + len(cells))
    return notebook


def box(page: Page, name: str) -> Locator:
    return page.locator(f'.trust .node[data-name="{name}"]')


def test_by_mouse(notebook: Notebook) -> None:
    page = notebook.page
    answer, hops = page.locator(".trust .tg-answer"), page.locator(".trust .hops > li")
    expect(answer).to_have_text("Choose two: who starts, and whom they want to become.")
    box(page, "user/ben").click()
    expect(answer).to_have_text("user/ben can become user/ana. Now choose To.")
    box(page, "administrator").click()
    expect(answer).to_have_text("user/ben can become administrator in 4 steps.")
    expect(page.get_by_role("combobox", name="From")).to_have_value("user/ben")
    expect(page.get_by_role("combobox", name="To", exact=True)).to_have_value("administrator")
    expect(hops).to_have_count(4)
    expect(hops.nth(1)).to_contain_text("role/deployer trusts user/ana")
    expect(hops.nth(1)).to_contain_text("Only if aws:MultiFactorAuthPresent is true")
    for hop in hops.all():
        expect(hop.locator(".chip")).to_have_text("leads to administrator")

    # The statement behind a step, as it was written; it stays open while the page is looked at.
    trust = hops.nth(1).locator("details").first
    expect(trust.locator("pre")).to_be_hidden()
    trust.locator("summary").click()
    expect(trust.locator("pre")).to_contain_text('"aws:MultiFactorAuthPresent": "true"')
    page.mouse.move(1, 1)
    page.locator(".trust .head").hover()
    page.wait_for_timeout(300)
    expect(trust.locator("pre")).to_be_visible()

    # An arrow says its means; this one is nobody's business of administrators.
    page.get_by_role("button", name="Clear").click()
    expect(hops).to_have_count(0)
    arrow = page.locator(".trust .edge:not(.up)").first
    number = int(arrow.get_attribute("data-edge") or "")
    page.locator(".trust .hit").nth(number).dispatch_event("pointerenter")
    expect(page.locator(".trust .told")).to_contain_text(": sts:AssumeRole")
    expect(arrow).to_have_class("edge lit")
    notebook.execute("assert page.state['source'] == page.state['target'] == ''")


def test_by_keyboard_alone(notebook: Notebook) -> None:
    page = notebook.page
    answer, hops = page.locator(".trust .tg-answer"), page.locator(".trust .hops > li")
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    page.locator(".jp-Cell").first.evaluate("el => el.focus()")
    tab_to(page, ".trust .node")
    assert page.locator(".trust .node[tabindex='0']").count() == 1, "Tab comes to one box only"
    go_to(page, "user/ben")
    expect(page.locator(".trust .told")).to_contain_text("user/ben → user/ana: ")
    page.keyboard.press("Enter")
    expect(answer).to_have_text("user/ben can become user/ana. Now choose To.")
    expect(box(page, "user/ben")).to_be_focused()
    page.keyboard.press("End")
    expect(box(page, "administrator")).to_be_focused()
    page.keyboard.press("Space")
    expect(answer).to_have_text("user/ben can become administrator in 4 steps.")
    tab_to(page, ".trust .hops summary")
    page.keyboard.press("Enter")
    expect(hops.first.locator("pre").first).to_contain_text("iam:UpdateLoginProfile")
    page.keyboard.press("Escape")
    expect(answer).to_have_text("Choose two: who starts, and whom they want to become.")

    # The same by the two lists, and another of two ways that are as short.
    page.locator(".jp-Cell").first.evaluate("el => el.focus()")
    tab_to(page, ".trust select")
    page.keyboard.type("user/cy")
    page.keyboard.press("Tab")
    page.keyboard.type("role/arch")
    expect(answer).to_contain_text("There are 2 ways that short.")
    expect(hops.first).to_contain_text("role/north")
    expect(page.locator(".trust .chip")).to_have_count(0)
    tab_to(page, ".trust .shortest input")
    page.keyboard.press("ArrowDown")
    expect(hops.first).to_contain_text("role/south")
    expect(page.locator(".trust .shortest input").nth(1)).to_be_focused()
    assert page.locator(".trust .edge.on").count() == 2
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells


def go_to(page: Page, name: str) -> None:
    """Press arrow keys until the focus is on a box: down each column, from the left."""
    page.keyboard.press("Home")
    for _ in range(40):
        at = page.evaluate("() => document.activeElement.dataset.name")
        if at == name:
            return
        page.keyboard.press("ArrowDown")
        if page.evaluate("() => document.activeElement.dataset.name") == at:
            page.keyboard.press("ArrowRight")
            for _ in range(20):
                page.keyboard.press("ArrowUp")
    raise AssertionError(f"arrow keys did not reach {name}")


def test_only_ways_to_administrator_and_a_changed_account(notebook: Notebook) -> None:
    page = notebook.page
    box(page, "user/ben").wait_for()
    expect(box(page, "role/archive")).to_have_count(1)
    page.get_by_label("Only ways to administrator").check()
    expect(box(page, "role/archive")).to_have_count(0)
    assert page.locator(".trust .edge:not(.up)").count() == 0
    box(page, "user/ana").click()
    expect(page.locator(".trust .tg-answer")).to_have_text(
        "user/ana can become administrator in 3 steps."
    )
    page.get_by_label("Only ways to administrator").uncheck()

    # The right is taken away: the page says that it is old, and reads anew when it is told to.
    notebook.execute('iam.delete_role_policy(RoleName="runner", PolicyName="own")')
    page.mouse.move(1, 1)
    page.locator(".trust .head").hover()
    expect(page.locator(".trust .fresh")).to_contain_text("Press Refresh")
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator(".trust .fresh")).to_have_text("Read again: 1 step less.")
    expect(page.locator(".trust .tg-answer")).to_contain_text("cannot become administrator")
    # In the list beside it, a name is a button.
    notebook.execute('user("eli", "iam:PutUserPolicy")')
    page.get_by_role("button", name="Refresh").click()
    page.locator(".trust .rising").get_by_role("button", name="user/eli").click()
    expect(page.locator(".trust .hops > li")).to_have_count(1)


def test_looks(open_notebook: Callable[..., Notebook], axe: Callable[..., list[str]]) -> None:
    notebook = opened(open_notebook, MANY)
    page = notebook.page
    first = page.locator(".trust").first
    first.get_by_role("combobox", name="From").select_option("user/ben")
    first.get_by_role("combobox", name="To", exact=True).select_option("administrator")
    expect(first.locator(".hops > li")).to_have_count(4)
    for summary in page.locator(".trust summary").all():
        summary.evaluate("el => el.parentElement.open = true")
    # A browser at 200 % lays out 1,280 px as 640.
    for theme, width in (("light", 1280), ("light", 320), ("dark", 640), ("dark", 2560)):
        page.set_viewport_size({"width": width, "height": 900})
        notebook.theme(theme)
        narrow = str(width < 700).lower()
        page.wait_for_function(
            f"""() => [...document.querySelectorAll('.trust .graph')].every(
                el => el.classList.contains('narrow') === {narrow})"""
        )
        found = contrasts(page, ".iamlab.trust")
        assert len(found) > 100, "the page shows far less text than it should"
        assert [row for row in found if row[0] < READABLE] == []
        assert overflows(page, ".iamlab.trust") == []
        assert axe(page) == []
        assert overlaps(page) == []
        screenshot(page, f"trust-{theme}-{width}", ".iamlab.trust")


def overlaps(page: Page) -> list[str]:
    """Boxes that lie on one another."""
    return page.evaluate("""() => [...document.querySelectorAll('.trust .graph')].flatMap(graph => {
        const all = [...graph.querySelectorAll('.node')].map(
            el => [el.dataset.name, el.getBoundingClientRect()]);
        return all.flatMap(([name, a], i) => all.slice(i + 1)
            .filter(([, b]) => a.left < b.right && b.left < a.right
                && a.top < b.bottom && b.top < a.bottom)
            .map(([other]) => `${name} and ${other}`));
    })""")


def test_after_a_restart_and_with_a_stopped_lab(notebook: Notebook) -> None:
    page = notebook.page
    refresh = page.get_by_role("button", name="Refresh")
    box(page, "user/ben").click()
    expect(page.locator(".trust .tg-answer")).to_contain_text("user/ben can become")
    notebook.execute("lab.stop()")
    refresh.click()
    expect(page.locator(".trust .fresh")).to_contain_text("iamlab.start()")
    expect(refresh).to_be_disabled()
    page.evaluate("""async () => {
        const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        await kernel.restart();
    }""")
    expect(page.locator(".trust .iamlab-banner")).to_contain_text("Start the lab again")
    for button in (refresh, box(page, "user/ana"), page.get_by_role("combobox", name="From")):
        expect(button).to_be_disabled()
    notebook.wait_idle()
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    assert notebook.run_all() == []
    box(page, "user/ben").click()
    expect(page.locator(".trust .tg-answer")).to_contain_text("user/ben can become")
