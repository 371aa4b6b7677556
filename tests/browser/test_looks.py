"""How the widgets look: readable in both themes, at every width, zoomed, and to a screen reader."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.harness import (
    Notebook,
    code_notebook,
    contrasts,
    overflows,
    screenshot,
)

pytestmark = pytest.mark.slow

READABLE = 4.5  # WCAG 2.2, 1.4.3

# Every state at once: allowed, denied with a reason, a mistake, advice, an empty field; a session
# with calls, one that has expired, a long-term key.
CELLS = (
    """import boto3, iamlab
from iamlab.widgets import countdown, playground
lab = iamlab.start()
lab.reset()
who = "arn:aws:iam::111122223333:user/ana"
ask = {"principal": who, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/f.csv",
       "context": {"aws:SourceIp": "10.0.0.7"}}
allow = {"Version": "2012-10-17", "Statement": [
    {"Sid": "Home", "Effect": "Allow", "Action": "s3:Get*", "Resource":
     "arn:aws:s3:::b/${aws:username, 'nobody'}/*"},
    {"Effect": "Allow", "Action": ["s3:*", "s3:GetObjekt"], "Resource": "*",
     "Condition": {"Bool": {"aws:MultiFactorAuthPresent": False}}}]}
playground(allow, ask)""",
    """playground({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "*", "Resource": "*"}]}, ask,
    resource_policy={"Version": "2012-10-17", "Statement": {
        "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}})""",
    """playground({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "*", "Resource": "*"}]}, ask, cases=False)""",
    """playground('{"Version": "2012-10-17",\\n "Statement" [\\n]}', {"principal": who})""",
    """watch = countdown(lab, boto3.client("sts").get_session_token(DurationSeconds=3600))
old = countdown(lab, boto3.client("sts").get_session_token(DurationSeconds=900))
watch.call_now()
old.call_now()
watch.advance(20)
old.call_now()
watch""",
    "old",
    """boto3.client("iam").create_user(UserName="ana")
countdown(lab, lab.session("user/ana"))""",
)


def opened(
    open_notebook: Callable[..., Notebook], theme: str = "light", **window: object
) -> Notebook:
    notebook = open_notebook("looks.ipynb", code_notebook(*CELLS), **window)
    notebook.theme(theme)  # JupyterLab remembers the last one
    notebook.draw_everything()
    assert notebook.run_all() == []
    expect(notebook.page.locator(".iamlab")).to_have_count(len(CELLS))
    expect(notebook.page.locator(".iamlab .said .headline")).to_have_count(4)
    return notebook


def check_looks(notebook: Notebook, axe: Callable[..., list[str]]) -> None:
    found = contrasts(notebook.page)
    assert len(found) > 100, "the page shows far less text than it should"
    assert [row for row in found if row[0] < READABLE] == []
    assert overflows(notebook.page) == []
    assert axe(notebook.page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_themes(
    theme: str, open_notebook: Callable[..., Notebook], axe: Callable[..., list[str]]
) -> None:
    notebook = opened(open_notebook, theme, height=1700)
    check_looks(notebook, axe)
    for number, cell in enumerate(notebook.page.locator(".iamlab").all()):
        cell.evaluate("el => el.setAttribute('data-shot', '')")
        screenshot(notebook.page, f"looks-{theme}-{number}", "[data-shot]")
        cell.evaluate("el => el.removeAttribute('data-shot')")


@pytest.mark.parametrize("width", [320, 2560])
def test_widths(
    width: int, open_notebook: Callable[..., Notebook], axe: Callable[..., list[str]]
) -> None:
    notebook = opened(open_notebook, width=width)
    check_looks(notebook, axe)
    screenshot(notebook.page, f"looks-{width}")
    screenshot(notebook.page, f"looks-{width}-playground", ".iamlab.playground")
    screenshot(notebook.page, f"looks-{width}-countdown", ".iamlab.countdown")


def test_zoom_200_percent(
    open_notebook: Callable[..., Notebook], axe: Callable[..., list[str]]
) -> None:
    # A browser at 200 % lays out 1,280 px as 640 and draws each of them twice as large.
    notebook = opened(open_notebook, width=640, height=450, device_scale_factor=2)
    check_looks(notebook, axe)
    screenshot(notebook.page, "looks-zoom-200")


def test_the_measure_finds_what_is_wrong(
    open_notebook: Callable[..., Notebook], axe: Callable[..., list[str]]
) -> None:
    """The checks above can fail: pale text, an unlabelled field and a wide box are caught."""
    notebook = opened(open_notebook)
    notebook.page.evaluate("""() => {
        const root = document.querySelector('.iamlab');
        root.insertAdjacentHTML('beforeend', '<p style="color:#bbb">pale</p><input type="text">'
            + '<div style="width:3000px">wide</div>');
    }""")
    assert [text for ratio, text, _ in contrasts(notebook.page) if ratio < READABLE] == ["pale"]
    assert "DIV." in overflows(notebook.page)
    assert any("label" in line for line in axe(notebook.page))
