"""The credential timeline in a real browser: over the end, revoked, renewed; by mouse and keys."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

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

START = """import boto3, iamlab, json
from iamlab.widgets import timeline
lab = iamlab.start()
lab.reset()
iam = boto3.client("iam")

def document(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", **statement}})

trust = document(Action="sts:AssumeRole", Principal={"AWS": lab.account_id})
may = document(Action=["s3:ListAllMyBuckets", "sts:AssumeRole"], Resource="*")

def role(name):
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=may)

def become(source, name, session, seconds=3600):
    arn = f"arn:aws:iam::{lab.account_id}:role/{name}"
    made = source.client("sts").assume_role(
        RoleArn=arn, RoleSessionName=session, DurationSeconds=seconds)["Credentials"]
    return boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

role("reader")
role("auditor")
iam.create_user(UserName="ana")
iam.put_user_policy(UserName="ana", PolicyName="may", PolicyDocument=may)
build = become(lab.session("user/ana"), "reader", "build-7")
lab.clock.advance(minutes=20)
build.client("s3").list_buckets()
deeper = become(build, "auditor", "deeper", 1800)
lab.clock.advance(minutes=5)"""

# Forty sessions and more: long names, deep nesting, many calls; bars in every phase.
MANY = """role("r" * 64)
name = "s" * 64
deep = become(build, "r" * 64, name)
for level in range(5):
    deep = become(deep, "auditor", f"level-{level}")
buckets = deep.client("s3")
for call in range(60):
    lab.clock.advance(seconds=20)
    buckets.list_buckets()
sts = boto3.client("sts")
for number in range(40):
    sts.assume_role(RoleArn=f"arn:aws:iam::{lab.account_id}:role/reader",
                    RoleSessionName=f"run-{number}", DurationSeconds=900 + 60 * number)
    lab.clock.advance(seconds=50)
for client in (build.client("iam"), deeper.client("iam")):
    for _ in range(3):
        try:
            client.list_users()
        except Exception:
            pass
many = timeline(lab)
many.try_call(next(iter(lab.callers.sessions)), "iam ListUsers")
many.revoke(f"arn:aws:iam::{lab.account_id}:role/auditor")
many"""


def opened(open_notebook: Callable[..., Notebook], last: str, **window: object) -> Notebook:
    notebook = open_notebook("timeline.ipynb", code_notebook(START, last), **window)
    assert notebook.run_all() == []
    notebook.page.wait_for_selector(".iamlab.timeline")
    return notebook


def bar(page: Page, name: str) -> Locator:
    return page.locator(f".timeline .tl-bar[aria-label*='{name}']")


def press(page: Page, name: str) -> None:
    """Come to a button by Tab, and press Enter on it."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if name in page.evaluate("() => document.activeElement?.textContent ?? ''"):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"Tab does not come to {name}")


def test_by_mouse(open_notebook: Callable[..., Notebook]) -> None:
    notebook = opened(open_notebook, "shown = timeline(lab)\nshown")
    page = notebook.page
    button = lambda name: page.get_by_role("button", name=name, exact=True)  # noqa: E731
    panel, news = page.locator(".tl-panel"), page.locator(".tl-news")
    answer, calls = panel.locator(".tl-answer"), panel.locator(".calls li")
    expect(bar(page, "deeper")).to_have_attribute("data-phase", "good")
    # What a session made stands below it, set in further; its bar begins where it was issued.
    names = page.locator(".tl-rows .tl-who")
    expect(names).to_have_text(
        ["user/administrator", "user/ana", "↳ role/reader", "↳ role/auditor"]
    )
    left = [name.evaluate("el => el.getBoundingClientRect().left") for name in names.all()]
    assert left[1] < left[2] < left[3]
    edges = [bar(page, name).bounding_box() for name in ("build-7", "deeper")]
    assert edges[0]["x"] < edges[1]["x"] and edges[0]["width"] > edges[1]["width"]

    bar(page, "build-7").click()
    expect(panel.locator(".tl-sentence")).to_contain_text("role/reader, session build-7: issued")
    page.get_by_label("Call to try").select_option("s3 ListBuckets")
    button("Walk to one second before the end").click()
    expect(news).to_contain_text("one second before the end of role/reader, session build-7")
    expect(page.get_by_role("radio", name="Pause")).to_be_checked()
    button("Try it").click()
    expect(answer).to_contain_text("worked: 0 buckets")
    screenshot(page, "timeline-edge", ".iamlab.timeline")
    button("Step over the end").click()
    expect(bar(page, "build-7")).to_have_attribute("data-phase", "expired")
    button("Try it").click()
    expect(answer).to_contain_text("ExpiredToken")
    expect(calls.first).to_contain_text("refused")
    expect(button("Step over the end")).to_be_disabled()
    expect(page.locator(".tl-marks .tl-mark.refused")).to_have_count(1)
    expect(bar(page, "deeper")).to_have_attribute("data-phase", "expired")

    # The page alone makes a new session; revoking its role denies it at the next call.
    bar(page, "user/ana").click()
    page.get_by_label("Call to try").select_option("sts AssumeRole role/reader")
    button("Try it").click()
    expect(bar(page, "tried-here")).to_be_visible()
    bar(page, "tried-here").click()
    page.get_by_label("Call to try").select_option("s3 ListBuckets")
    button("Try it").click()
    expect(answer).to_contain_text("worked")
    button("Revoke active sessions of role/reader").click()
    expect(bar(page, "tried-here")).to_have_attribute("data-phase", "revoked")
    expect(news).to_contain_text("role/reader now denies every session")
    button("Try it").click()
    expect(answer).to_contain_text("with an explicit deny in an identity-based policy")
    expect(calls.first).to_contain_text("denied")
    screenshot(page, "timeline-revoked", ".iamlab.timeline")
    notebook.execute(
        "p = iam.get_role_policy(RoleName='reader', PolicyName='AWSRevokeOlderSessions')\n"
        "assert p['PolicyDocument']['Statement'][0]['Effect'] == 'Deny'"
    )

    # Credentials that renew themselves: a chain of bars grows while the clock races.
    page.get_by_label("Role to hold").select_option("role/auditor")
    button("Start a program that holds it").click()
    expect(bar(page, "renews-itself")).to_have_count(1)
    page.get_by_role("radio", name="600\u00d7", exact=True).check()
    expect(bar(page, "renews-itself")).to_have_count(3, timeout=20_000)
    page.get_by_role("radio", name="Pause").check()
    expect(bar(page, "renews-itself").last).to_have_attribute("data-phase", "good")
    button("Stop renewing").click()
    expect(button("Start a program that holds it")).to_be_visible()
    button("12 h").click()
    tops = {one.bounding_box()["y"] for one in bar(page, "renews-itself").all()}
    assert len(tops) == 2, "bars that overlap lie in two lanes"
    screenshot(page, "timeline-renewed", ".iamlab.timeline")


def test_by_keyboard_alone(open_notebook: Callable[..., Notebook]) -> None:
    notebook = opened(open_notebook, "shown = timeline(lab)\nshown")
    page = notebook.page
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    sentence, answer = page.locator(".tl-sentence"), page.locator(".tl-answer")
    page.locator(".jp-Cell").nth(1).evaluate("el => el.focus()")
    tab_to(page, ".timeline .tl-bar")
    expect(sentence).to_contain_text("deeper")
    page.keyboard.press("ArrowUp")
    expect(sentence).to_contain_text("build-7")
    expect(bar(page, "build-7")).to_be_focused()
    page.keyboard.press("Home")
    expect(sentence).to_contain_text("user/administrator")
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    expect(bar(page, "build-7")).to_be_focused()
    press(page, "Walk to one second")
    expect(page.locator(".tl-news")).to_contain_text("one second before")
    press(page, "Step over the end")
    expect(bar(page, "build-7")).to_have_attribute("data-phase", "expired")
    press(page, "Try it")
    expect(answer).to_contain_text("ExpiredToken")

    # Back to ana's key, become the role again, revoke it, and see the denial.
    bar(page, "build-7").evaluate("el => el.focus()")  # many times Shift+Tab, in one
    page.keyboard.press("ArrowUp")
    expect(sentence).to_contain_text("user/ana")
    tab_to(page, ".tl-panel select")
    page.keyboard.type("sts A")
    expect(page.get_by_label("Call to try")).to_have_value("sts AssumeRole role/reader")
    press(page, "Try it")
    expect(bar(page, "tried-here")).to_have_count(1)
    bar(page, "user/ana").evaluate("el => el.focus()")
    page.keyboard.press("End")
    expect(sentence).to_contain_text("tried-here")
    press(page, "Revoke active sessions")
    expect(bar(page, "tried-here")).to_have_attribute("data-phase", "revoked")
    tab_to(page, ".tl-panel select")
    page.keyboard.type("s3")
    press(page, "Try it")
    expect(answer).to_contain_text("AccessDenied")
    expect(answer).to_contain_text("explicit deny")
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells


def test_looks(open_notebook: Callable[..., Notebook], axe: Callable[..., list[str]]) -> None:
    notebook = opened(open_notebook, MANY, height=1500)
    page = notebook.page
    expect(page.locator(".timeline .tl-bar")).to_have_count(2 + 2 + 6 + 40)
    page.locator(".tl-inwords summary").click()
    expect(page.locator(".tl-sentences li")).to_have_count(50)
    for theme, width in (("light", 320), ("light", 2560), ("dark", 640)):
        notebook.theme(theme)
        page.set_viewport_size({"width": width, "height": 1500})
        for zoom in ("15 min", "All"):
            page.get_by_role("button", name=zoom, exact=True).click()
            found = contrasts(page)
            assert len(found) > 100, "the page shows far less text than it should"
            assert [row for row in found if row[0] < 4.5] == []
            assert overflows(page) == []
            ticks = page.locator(".tl-tick").evaluate_all(
                "all => all.filter(el => el.textContent).map(el => el.getBoundingClientRect())"
                ".map(box => [box.left, box.right])"
            )
            assert all(one[1] <= two[0] for one, two in pairwise(ticks))
            assert ticks, "the axis has times on it"
            screenshot(page, f"timeline-many-{theme}-{width}-{zoom}", ".iamlab.timeline")
        assert axe(page) == []
    notebook.theme("light")


def test_far_from_now_and_after_a_restart(open_notebook: Callable[..., Notebook]) -> None:
    notebook = opened(open_notebook, "shown = timeline(lab)\nshown")
    page = notebook.page
    notebook.execute("lab.clock.speed = 0; lab.clock.advance(hours=30)")
    old = bar(page, "build-7")
    expect(old).to_have_attribute("data-out", "before")
    page.locator(".jp-Cell").nth(1).evaluate("el => el.focus()")
    tab_to(page, ".timeline .tl-bar")
    page.keyboard.press("ArrowUp")
    expect(old).to_be_focused()
    expect(old).to_have_attribute("data-out", "")
    page.get_by_role("button", name="Now", exact=True).click()
    expect(old).to_have_attribute("data-out", "before")
    page.get_by_role("button", name="All", exact=True).click()
    expect(old).to_have_attribute("data-out", "")

    # A stop and a restart are said.
    old.click()
    notebook.execute("lab.stop()")
    expect(page.locator(".tl-news")).to_contain_text("iamlab.start()")
    for name in ("Try it", "Step over the end", "Start a program that holds it"):
        expect(page.get_by_role("button", name=name)).to_be_disabled()
    bar(page, "deeper").click()  # what is drawn can still be read
    expect(page.locator(".tl-sentence")).to_contain_text("deeper")
    page.evaluate("""async () => {
        const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        await kernel.restart();
    }""")
    expect(page.locator(".timeline .iamlab-banner")).to_contain_text("Start the lab again")
    expect(page.get_by_role("radio", name="Pause")).to_be_disabled()
    notebook.wait_idle()
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    assert notebook.run_all() == []
    expect(page.locator(".iamlab-banner:visible")).to_have_count(0)
    expect(page.get_by_role("button", name="Try it")).to_be_enabled()
