"""What the page says when Python is gone, came back, or was never there."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.harness import Notebook, code_notebook, screenshot

pytestmark = pytest.mark.slow

CELLS = (
    """import boto3, iamlab
from iamlab.widgets import countdown, playground
lab = iamlab.start()
page = playground()
page""",
    """watch = countdown(lab, boto3.client("sts").get_session_token(DurationSeconds=900))
watch""",
)


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook]) -> Notebook:
    opened = open_notebook("restart.ipynb", code_notebook(*CELLS))
    assert opened.run_all() == []
    expect(opened.page.locator(".iamlab")).to_have_count(2)
    return opened


def test_after_a_restart_the_page_says_start_the_lab_again(notebook: Notebook) -> None:
    page = notebook.page
    area = page.get_by_label("Identity policy", exact=True)
    area.fill("kept")
    expect(page.locator(".playground .findings .bad")).to_be_visible()
    page.evaluate("""async () => {
        const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        await kernel.restart();
    }""")
    for name in ("playground", "countdown"):
        banner = page.locator(f".{name} .iamlab-banner")
        expect(banner).to_be_visible()
        expect(banner).to_contain_text("Start the lab again")
    expect(page.get_by_role("button", name="Call now")).to_be_disabled()
    page.get_by_text("Save and share").click()
    expect(page.get_by_role("button", name="Download a file")).to_be_disabled()
    # What was typed is still there, and more can be typed without an error.
    area.press("End")
    page.keyboard.type(" and more")
    expect(area).to_have_value("kept and more")
    page.wait_for_timeout(500)
    screenshot(page, "restarted", ".iamlab.countdown")

    # Running the cells again makes new, living widgets.
    notebook.wait_idle()
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    assert notebook.run_all() == []
    expect(page.locator(".iamlab-banner:visible")).to_have_count(0)
    page.get_by_role("button", name="Call now").click()
    expect(page.locator(".countdown .calls li")).to_contain_text("worked")


def test_a_reloaded_page_finds_its_widgets_alive(notebook: Notebook) -> None:
    page = notebook.page
    page.get_by_role("combobox", name="Action what for").fill("s3:ListBucket")
    expect(page.locator(".playground .said")).to_contain_text("s3:ListBucket")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")
    notebook.open(reset=False)
    expect(page.get_by_role("combobox", name="Action what for")).to_have_value("s3:ListBucket")
    page.get_by_role("button", name="Call now").click()
    expect(page.locator(".countdown .calls li")).to_contain_text("worked")
    expect(page.locator(".iamlab-saved:visible")).to_have_count(0)


def test_a_saved_notebook_opened_later_says_what_it_showed(notebook: Notebook) -> None:
    page = notebook.page
    expect(page.locator(".iamlab-saved:visible")).to_have_count(0)
    page.evaluate("""async () => {
        const panel = window.jupyterapp.shell.currentWidget;
        await panel.context.save();
        await panel.sessionContext.shutdown();
    }""")
    notebook.open(reset=False)
    saved = page.locator(".iamlab-saved")
    expect(saved).to_have_count(2)
    expect(saved.first).to_be_visible()
    expect(saved.first).to_contain_text("iamlab.start()")
    expect(saved.first).to_contain_text("Denied: user/ana")
    expect(saved.last).to_contain_text("Credentials ASIA")
    screenshot(page, "reopened")
    # JupyterLab itself says in the console that the models are gone; nothing else may.
    notebook.tolerated = (*notebook.tolerated, re.compile("widget model not found"))


def test_a_busy_kernel_is_waited_for(notebook: Notebook) -> None:
    page = notebook.page
    page.evaluate("""() => {
        const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        kernel.requestExecute({code: 'import time; time.sleep(7)'});
    }""")
    page.get_by_role("combobox", name="Action what for").fill("s3:ListBucket")
    # With subshells (JupyterLab 4.4 and ipykernel 7 on) the answer comes at once; without, a
    # notice says what is waited for. Either way it comes, and the notice goes.
    expect(page.locator(".playground .said")).to_contain_text("s3:ListBucket", timeout=15_000)
    expect(page.locator(".iamlab-banner:visible")).to_have_count(0, timeout=15_000)
