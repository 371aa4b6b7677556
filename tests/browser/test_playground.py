"""The policy playground in a real browser: by mouse, and by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.harness import Notebook, code_notebook, screenshot, tab_to

pytestmark = pytest.mark.slow

CELL = """from iamlab.widgets import playground
page = playground()
page"""


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook]) -> Notebook:
    opened = open_notebook("playground.ipynb", code_notebook(CELL))
    assert opened.run_all() == []
    opened.page.wait_for_selector(".iamlab.playground")
    return opened


def headline(page: Page) -> Locator:
    return page.locator(".playground .said")


def field(page: Page, name: str) -> Locator:
    return page.locator(".playground .request").get_by_label(re.compile(f"^{name}"))


def undo_until(page: Page, box: Locator, text: str) -> None:
    """Press Ctrl+Z until the text is back.

    Chromium begins a new step of its undo when the page shows something new, so what was typed
    around a verdict comes back in pieces: how many depends on how quick this computer is.
    """
    for _ in range(20):
        if box.input_value() == text:
            return
        page.keyboard.press("Control+z")
    assert box.input_value() == text


def test_by_mouse(notebook: Notebook) -> None:
    page = notebook.page
    area = page.get_by_label("Identity policy", exact=True)
    expect(headline(page)).to_contain_text("Denied")
    expect(headline(page)).to_contain_text("user/ana")
    expect(page.locator(".playground .station")).to_contain_text("arn:aws:s3:::larkfield-reports/*")

    # Break it: a comma is gone.
    whole = area.input_value()
    comma = whole.index('"s3:GetObject",') + len('"s3:GetObject",')
    area.click()
    area.evaluate("(el, at) => el.setSelectionRange(at, at)", comma)
    page.keyboard.press("Backspace")
    problem = page.locator(".playground .findings .bad")
    expect(problem).to_contain_text("Mistake. Line ")
    expect(headline(page)).to_contain_text("No verdict yet")
    expect(page.locator(".playground .line.bad")).to_have_count(1)
    assert area.get_attribute("aria-invalid") == "true"
    screenshot(page, "playground-mistake", ".iamlab.playground")

    # Go to the place by the link, then take the change back with the browser's own undo.
    problem.get_by_role("button").click()
    expect(area).to_be_focused()
    line = int(
        page.locator(".playground .line.bad").evaluate(
            "el => [...el.parentElement.children].indexOf(el) + 1"
        )
    )
    caret = area.evaluate("el => el.value.slice(0, el.selectionStart).split('\\n').length")
    assert caret == line
    page.keyboard.press("Control+z")
    assert area.input_value() == whole
    expect(headline(page)).to_contain_text("Denied")

    # Mend what the case asks for: the verdict turns.
    area.fill(whole.replace('larkfield-reports"', 'larkfield-reports/*"'))
    expect(headline(page)).to_contain_text("Allowed")
    expect(page.locator(".playground .line.decided")).to_have_count(5)  # the whole statement
    screenshot(page, "playground-allowed", ".iamlab.playground")

    # Another request.
    field(page, "Action").fill("s3:PutObject")
    expect(headline(page)).to_contain_text("Denied")
    field(page, "Context").fill("nonsense")
    expect(page.locator(".playground .problem:visible")).to_contain_text("Line 1")
    expect(headline(page)).to_contain_text("No verdict yet")

    # Start again brings everything back; Python has the same texts as the page.
    page.get_by_role("button", name="Start again").click()
    expect(headline(page)).to_contain_text("Denied")
    assert area.input_value() == whole
    assert field(page, "Context").input_value() == ""
    notebook.execute(
        "assert page.decision.effect == 'implicitDeny'\n"
        "assert page.policies['identity'] == page.cases[0]['policies']['identity']"
    )


def test_another_case_keeps_what_was_typed(notebook: Notebook) -> None:
    page = notebook.page
    area = page.get_by_label("Identity policy", exact=True)
    first = area.input_value()
    field(page, "Action").fill("s3:PutObject")
    cases = page.get_by_label("Ready-made")
    cases.select_option("Who may become a role")
    expect(headline(page)).to_contain_text("Denied: user/tomas")
    expect(page.get_by_label("Trust policy", exact=True)).to_be_visible()
    field(page, "Principal").fill("arn:aws:iam::111122223333:user/ana")
    expect(headline(page)).to_contain_text("Allowed")
    cases.select_option("A session policy only narrows")
    expect(page.get_by_label("Session policy", exact=True)).to_be_visible()
    cases.select_option("A bucket is not its objects")
    assert area.input_value() == first
    assert field(page, "Action").input_value() == "s3:PutObject"
    expect(page.get_by_label("Session policy", exact=True)).to_have_count(0)


def test_by_keyboard_alone(notebook: Notebook) -> None:
    page = notebook.page
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    # From the cell that was run, as JupyterLab leaves the focus.
    page.locator(".jp-Cell").first.evaluate("el => el.focus()")
    tab_to(page, ".playground select")
    page.keyboard.press("ArrowDown")
    expect(headline(page)).to_contain_text("NoDeletes")
    area = page.get_by_label("Identity policy", exact=True)
    tab_to(page, ".playground textarea")
    expect(area).to_be_focused()

    # Letters that are commands of the notebook elsewhere are letters here.
    whole = area.input_value()
    page.keyboard.press("Control+End")
    page.keyboard.type(" bad dd xx")
    assert area.input_value() == whole + " bad dd xx"
    expect(page.locator(".playground .findings .bad")).to_contain_text("Mistake. Line ")
    expect(headline(page)).to_contain_text("No verdict yet")
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells

    # Mend it.
    for _ in " bad dd xx":
        page.keyboard.press("Backspace")
    assert area.input_value() == whole
    expect(headline(page)).to_contain_text("NoDeletes")

    # Write a policy from nothing. Enter keeps the indentation.
    page.keyboard.press("Control+a")
    page.keyboard.type('{"Version": "2012-10-17",\n"Statement": [')
    page.keyboard.press("Enter")
    page.keyboard.type('{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}')
    assert '[\n  {"Effect"' in area.input_value()
    expect(headline(page)).to_contain_text("Allowed")

    # Tab leaves the editor: no trap. Format, then undo it, all from the keyboard.
    for _ in range(3):
        page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Format: Identity policy")).to_be_focused()
    page.keyboard.press("Enter")
    assert '\n      "Effect": "Allow",\n' in area.input_value()
    tab_to(page, ".playground textarea")
    page.keyboard.press("Control+z")
    assert '[\n  {"Effect"' in area.input_value()

    # The request.
    tab_to(page, ".playground .field input")
    before = field(page, "Principal").input_value()
    page.keyboard.press("Control+a")
    page.keyboard.type("nobody")
    expect(headline(page)).to_contain_text("No verdict yet")
    expect(headline(page)).to_contain_text("'nobody'")
    undo_until(page, field(page, "Principal"), before)
    expect(headline(page)).to_contain_text("Allowed")
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells


def test_copy(open_notebook: Callable[..., Notebook]) -> None:
    opened = open_notebook(
        "copy.ipynb", code_notebook(CELL), permissions=["clipboard-read", "clipboard-write"]
    )
    assert opened.run_all() == []
    page = opened.page
    page.get_by_role("button", name="Copy: Identity policy").click()
    expect(page.locator(".playground .done").first).to_have_text("copied")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == page.get_by_label("Identity policy", exact=True).input_value()


def test_two_views_of_one_widget_agree(open_notebook: Callable[..., Notebook]) -> None:
    opened = open_notebook("twice.ipynb", code_notebook(CELL, "page"))
    assert opened.run_all() == []
    page = opened.page
    expect(page.locator(".iamlab.playground")).to_have_count(2)
    field(page, "Action").first.fill("s3:ListBucket")
    expect(field(page, "Action").last).to_have_value("s3:ListBucket")
    expect(page.locator(".said").last).to_contain_text("s3:ListBucket")
    # And Python can write to both.
    opened.execute("page.request = page.request | {'action': 's3:DeleteBucket'}")
    for box in field(page, "Action").all():
        expect(box).to_have_value("s3:DeleteBucket")
