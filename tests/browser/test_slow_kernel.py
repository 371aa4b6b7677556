"""A kernel that answers late: what is typed meanwhile is never lost, and is judged in the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.harness import Notebook, code_notebook

pytestmark = pytest.mark.slow

CELL = """import boto3, iamlab, time
from iamlab.widgets import countdown, playground
lab = iamlab.start()
lab.reset()
page = playground()
page"""
WATCH = """watch = countdown(lab, boto3.client("sts").get_session_token(DurationSeconds=900))
watch"""

# Each answer takes this long; the learner types on.
SLOW = "{}.observe(lambda change: time.sleep({}), '{}')"
PRINCIPAL = "arn:aws:iam::111122223333:user/a-name-that-is-long-" + "abcdefgh" * 3 + "-the-end"
POLICY = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", '
    '"Action": ["s3:ListBucket", "s3:GetObject"], "Resource": "*", "Sid": "LastOfAll"}]}'
)


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook]) -> Notebook:
    opened = open_notebook("slow.ipynb", code_notebook(CELL))
    assert opened.run_all() == []
    opened.page.wait_for_selector(".iamlab.playground")
    return opened


def box(page: Page, label: str) -> Locator:
    if label == "Identity policy":
        return page.get_by_label(label, exact=True)
    return page.locator(".playground .request").get_by_role("combobox", name=label)


def type_over(page: Page, label: str, text: str) -> None:
    """Type as people do: mostly without a pause, now and then with one that lets the page ask."""
    box(page, label).press("Control+a")
    for at in range(0, len(text), 7):
        page.keyboard.type(text[at : at + 7], delay=5)
        assert box(page, label).input_value() == text[: at + 7]
        page.wait_for_timeout(90)


def let_a_cell_run(notebook: Notebook, code: str) -> None:
    """Keep the kernel busy, without waiting for it."""
    notebook.page.evaluate(
        """code => {
            window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
                .requestExecute({code});
        }""",
        code,
    )


@pytest.mark.parametrize(
    ("label", "text", "part", "end"),
    [
        ("Principal", PRINCIPAL, "page.request['principal']", "-the-end may not do"),
        ("Identity policy", POLICY, "page.policies['identity']", "Statement 1 (LastOfAll)"),
    ],
    ids=["principal", "policy"],
)
def test_long_typing_survives_slow_answers(
    notebook: Notebook, label: str, text: str, part: str, end: str
) -> None:
    page = notebook.page
    notebook.execute(SLOW.format("page", 0.4, "result"))
    type_over(page, label, text)
    said = page.locator(".playground .said")
    expect(said).to_contain_text(end, timeout=15_000)
    expect(box(page, label)).to_have_value(text)
    notebook.execute(f"assert {part} == {text!r}, {part}")
    # Nothing comes after it: the verdict shown is the one on the whole text.
    page.wait_for_timeout(1000)
    expect(box(page, label)).to_have_value(text)
    shown = page.locator(".playground .headline").inner_text()
    notebook.execute(f"assert page.result['headline'] == {shown!r}, page.result['headline']")


def test_a_text_and_back_again_stays_what_it_is(notebook: Notebook) -> None:
    """The answer about the text between comes when the old text stands there again."""
    page = notebook.page
    first = box(page, "Action").input_value()
    notebook.execute(SLOW.format("page", 1.5, "result"))
    box(page, "Action").press("End")
    page.keyboard.type("x")
    page.wait_for_timeout(300)  # asked about it
    page.keyboard.press("Backspace")
    seen = set()
    for _ in range(45):
        seen.add(box(page, "Action").input_value())
        page.wait_for_timeout(100)
    assert seen == {first}
    notebook.execute(f"assert page.request['action'] == {first!r}")


def test_a_change_by_python_leaves_alone_what_is_being_typed(notebook: Notebook) -> None:
    page = notebook.page
    notebook.execute(SLOW.format("page", 0.3, "result"))
    let_a_cell_run(
        notebook,
        "time.sleep(2)\npage.request = page.request | {'action': 's3:DeleteBucket'}",
    )
    type_over(page, "Principal", PRINCIPAL)
    # Both are there in the end: Python's action, and every letter that was typed.
    expect(box(page, "Action")).to_have_value("s3:DeleteBucket", timeout=15_000)
    expect(box(page, "Principal")).to_have_value(PRINCIPAL)
    expect(page.locator(".playground .said")).to_contain_text("s3:DeleteBucket", timeout=15_000)
    page.wait_for_timeout(1000)
    expect(box(page, "Principal")).to_have_value(PRINCIPAL)
    notebook.execute(
        f"assert page.request['principal'] == {PRINCIPAL!r}, page.request\n"
        "assert page.request['action'] == 's3:DeleteBucket', page.request"
    )


def test_cases_and_start_again_reach_a_slow_kernel(notebook: Notebook) -> None:
    page = notebook.page
    first = box(page, "Identity policy").input_value()
    notebook.execute(SLOW.format("page", 1, "result"))
    page.get_by_label("Ready-made").select_option("Who may become a role")
    box(page, "Principal").fill("arn:aws:iam::111122223333:user/ana")
    expect(page.locator(".playground .said")).to_contain_text("Allowed", timeout=15_000)
    page.get_by_label("Ready-made").select_option("A bucket is not its objects")
    type_over(page, "Action", "s3:PutObject")
    page.get_by_role("button", name="Start again").click()
    expect(page.locator(".playground .said")).to_contain_text("s3:GetObject", timeout=15_000)
    expect(box(page, "Identity policy")).to_have_value(first)
    notebook.execute("assert page.request == page.start['request'], page.request")


def test_a_lost_question_is_asked_again(notebook: Notebook) -> None:
    page = notebook.page
    page.evaluate("""() => {
        const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        const socket = kernel._ws, send = socket.send.bind(socket);
        const text = data => typeof data === 'string' ? data : new TextDecoder().decode(data);
        window.lost = 0;
        socket.send = data => {
            if (window.lost || !text(data).includes('s3:ListBucket')) send(data);
            else window.lost = 1;
        };
    }""")
    box(page, "Action").fill("s3:ListBucket")
    page.wait_for_function("() => window.lost === 1")
    page.keyboard.type("s")  # and more is typed while nothing comes
    expect(page.locator(".playground .said")).to_contain_text("s3:ListBuckets", timeout=10_000)
    expect(page.locator(".iamlab-banner:visible")).to_have_count(0)
    notebook.execute("assert page.request['action'] == 's3:ListBuckets'")


def test_what_was_typed_outlives_its_view(notebook: Notebook) -> None:
    page = notebook.page
    notebook.execute(SLOW.format("page", 1, "result"))
    type_over(page, "Action", "s3:ListAllMyBuckets")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    expect(page.locator(".iamlab.playground")).to_have_count(0)
    page.wait_for_timeout(3000)
    notebook.execute("assert page.request['action'] == 's3:ListAllMyBuckets', page.request")


def test_a_chosen_speed_is_not_undone_by_a_late_answer(
    open_notebook: Callable[..., Notebook],
) -> None:
    opened = open_notebook("slow-clock.ipynb", code_notebook(CELL, WATCH))
    assert opened.run_all() == []
    page = opened.page
    page.wait_for_selector(".iamlab.countdown")
    opened.execute(SLOW.format("watch", 1.2, "state"))
    page.wait_for_timeout(1500)  # a look is under way all the time now
    for name, speed in (("60\u00d7", 60), ("Pause", 0), ("60\u00d7", 60)):
        page.get_by_role("radio", name=name, exact=True).check()
        page.wait_for_timeout(250)
        seen = {
            page.locator(".countdown input:checked").get_attribute("value")
            for _ in range(30)
            if page.wait_for_timeout(100) is None
        }
        assert {float(value or "nan") for value in seen} == {speed}
    opened.execute("assert lab.clock.speed == 60")
