"""The credential countdown in a real browser: a session walked over its expiry."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.harness import Notebook, code_notebook, screenshot, tab_to

pytestmark = pytest.mark.slow

CELLS = (
    """import boto3, iamlab
from iamlab.widgets import countdown
lab = iamlab.start()
lab.reset()
credentials = boto3.client("sts").get_session_token(DurationSeconds=900)""",
    """watch = countdown(lab, credentials)
watch""",
)


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook]) -> Notebook:
    opened = open_notebook("countdown.ipynb", code_notebook(*CELLS))
    assert opened.run_all() == []
    opened.page.wait_for_selector(".iamlab.countdown")
    return opened


def seconds_on(page: Page) -> int:
    """What the lab clock on the page shows, as seconds since midnight."""
    hours, minutes, seconds = page.locator(".countdown .now").inner_text().split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


def test_by_mouse(notebook: Notebook) -> None:
    page = notebook.page
    left = page.locator(".countdown .left")
    calls = page.locator(".countdown .calls li")
    call = page.get_by_role("button", name="Call now")
    expect(left).to_contain_text("14 min")
    expect(page.get_by_role("radio", name="1\u00d7", exact=True)).to_be_checked()
    call.click()
    expect(calls).to_have_count(1)
    expect(calls.first).to_contain_text("worked")
    expect(calls.first).to_contain_text("user/administrator")
    screenshot(page, "countdown-before", ".iamlab.countdown")

    # A pause holds the lab's time; 60 makes it race. The label is what a mouse hits.
    page.get_by_role("radio", name="Pause").check()
    page.wait_for_function("() => document.querySelector('.countdown .now').textContent")
    notebook.execute("assert lab.clock.speed == 0")
    page.get_by_role("radio", name="60\u00d7", exact=True).check()
    start = seconds_on(page)
    page.wait_for_timeout(2000)
    assert (seconds_on(page) - start) % 86400 >= 60
    notebook.execute("assert lab.clock.speed == 60")
    page.get_by_role("radio", name="1\u00d7", exact=True).check()

    # Walk over the edge.
    for _ in range(3):
        page.get_by_role("button", name="+5 minutes").click()
    expect(left).to_contain_text("Expired")
    expect(page.locator(".countdown .news")).to_contain_text("have expired")
    call.click()
    expect(calls).to_have_count(2)
    expect(calls.first).to_contain_text("refused")
    expect(calls.first).to_contain_text("ExpiredToken")
    expect(calls.last).to_contain_text("worked")
    green, red = (
        row.locator(".chip").evaluate("el => getComputedStyle(el).color")
        for row in (calls.last, calls.first)
    )
    assert green != red
    screenshot(page, "countdown-after", ".iamlab.countdown")
    notebook.execute("assert [row['ok'] for row in watch.calls] == [True, False]")


def test_by_keyboard_alone(notebook: Notebook) -> None:
    page = notebook.page
    calls = page.locator(".countdown .calls li")
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    page.locator(".jp-Cell").nth(1).evaluate("el => el.focus()")
    tab_to(page, ".countdown input[type=radio]")
    tab_to(page, ".countdown button.main")
    page.keyboard.press("Enter")
    expect(calls).to_have_count(1)
    expect(calls.first).to_contain_text("worked")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("radio", name="1\u00d7", exact=True)).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="600\u00d7", exact=True)).to_be_checked()
    expect(page.locator(".countdown .left")).to_contain_text("Expired", timeout=15_000)
    # The racing clock was brought back to life's speed, and the page says so.
    expect(page.get_by_role("radio", name="1\u00d7", exact=True)).to_be_checked()
    expect(page.locator(".countdown .news")).to_contain_text("normal speed")
    tab_to(page, ".countdown button.main")
    page.keyboard.press("Space")
    expect(calls).to_have_count(2)
    expect(calls.first).to_contain_text("ExpiredToken")
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells


def test_it_asks_only_while_somebody_can_see_it(notebook: Notebook) -> None:
    page = notebook.page
    notebook.execute(
        "seen = []\n"
        "watch.observe(lambda change: seen.append(1), 'state')\n"
        "count = lambda: len(seen)"
    )
    page.wait_for_timeout(2500)
    notebook.execute("assert count() >= 2")
    # The output is cleared: the view is gone, and with it the questions.
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    expect(page.locator(".iamlab.countdown")).to_have_count(0)
    notebook.execute("seen.clear()")
    page.wait_for_timeout(2500)
    notebook.execute("assert count() == 0")


def test_a_stopped_lab_is_said_and_nothing_is_called(notebook: Notebook) -> None:
    page = notebook.page
    notebook.execute("lab.stop()")
    expect(page.locator(".countdown .news")).to_contain_text("iamlab.start()")
    expect(page.get_by_role("button", name="Call now")).to_be_disabled()
    expect(page.get_by_role("radio", name="60\u00d7", exact=True)).to_be_disabled()
    notebook.execute("assert watch.calls == []")
