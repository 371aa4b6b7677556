"""From key press to new verdict on the page, with ten policies of full size.

The figure is what the playground adds to an idle notebook's own echo: beside it stands the smallest
widget there is, which sends each key to Python and shows what comes back. Both are typed into by
turns. The figure is printed (pytest -s); no clock fails the test.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.harness import Notebook, code_notebook

pytestmark = pytest.mark.slow

KEYS = 50
FULL = 6144  # characters of a managed policy, blanks not counted ("IAM and AWS STS quotas")

ECHO = '''import anywidget

class Echo(anywidget.AnyWidget):
    _esm = """function render({ model, el }) {
        const typed = document.createElement("input"), seen = document.createElement("output");
        typed.className = "echo-in"; seen.className = "echo-out"; typed.ariaLabel = "echo";
        typed.oninput = () => model.send({ text: typed.value });
        model.on("msg:custom", (message) => (seen.textContent = message.text));
        el.append(typed, seen);
    }
    export default { render };"""

    def __init__(self):
        super().__init__()
        self.on_msg(lambda _, message, __: self.send({"text": message["text"]}))

Echo()'''

PAGE = """from iamlab.widgets import playground
docs = {docs!r}
page = playground(docs[:4], {ask!r}, resource_policy=docs[4], boundary=docs[5],
                  session_policy=docs[6], scp=docs[7:])
page"""

ASK = {
    "principal": "arn:aws:sts::111122223333:assumed-role/map-publisher/ana",
    "action": "s3:GetObject",
    "resource": "arn:aws:s3:::larkfield-reports/2026/q3.csv",
    "context": {"aws:SourceIp": "203.0.113.20", "aws:PrincipalTag/team": "maps"},
}

# Note when a key goes down, and when what it changed has been painted.
WATCH = """selector => {
    const out = document.querySelector(selector);
    window.times = [];
    let pressed = null;
    document.addEventListener('keydown', event => { pressed = event.timeStamp; }, true);
    new MutationObserver(() => {
        if (pressed === null) return;
        const from = pressed;
        pressed = null;
        requestAnimationFrame(() => setTimeout(() => window.times.push(performance.now() - from)));
    }).observe(out, {childList: true, characterData: true, subtree: true});
}"""


def full_policy(number: int, principal: bool = False) -> dict:
    """A policy as large as AWS takes, of statements as people write them; the first one allows."""
    who = {"Principal": "*"} if principal else {}
    statements = [
        {"Sid": "S", "Effect": "Allow", "Action": "s3:*", "Resource": "*"} | who,
    ]
    while len(json.dumps(statements, separators=(",", ":"))) < FULL - 350:
        n = len(statements)
        statements.append(
            {
                "Sid": f"Statement{n}",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                "Resource": [f"arn:aws:s3:::bucket-{number}-{n}/*"],
                "Condition": {"StringEquals": {"aws:PrincipalTag/team": f"team-{n}"}},
            }
            | who
        )
    return {"Version": "2012-10-17", "Statement": statements}


def type_keys(page: Page, selector: str, count: int) -> list[float]:
    """Press keys one by one, each when the last one's answer is on the page."""
    for n in range(count):
        before = page.evaluate("() => window.times.length")
        page.keyboard.press("abcdefghij"[n % 10])
        page.wait_for_function("n => window.times.length > n", arg=before)
        page.wait_for_timeout(60)
    return page.evaluate("() => window.times")


def p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def test_from_key_press_to_verdict(open_notebook: Callable[..., Notebook]) -> None:
    docs = [full_policy(n, principal=n == 4) for n in range(10)]
    assert all(FULL - 350 < len(json.dumps(d, separators=(",", ":"))) <= FULL for d in docs)
    notebook = open_notebook("speed.ipynb", code_notebook(ECHO, PAGE.format(docs=docs, ask=ASK)))
    assert notebook.run_all() == []
    page = notebook.page
    page.wait_for_selector(".iamlab.playground .said .headline")
    assert page.locator(".playground .policy").count() == 10
    page.wait_for_timeout(1500)

    page.evaluate(WATCH, ".echo-out")
    page.locator(".echo-in").click()
    type_keys(page, ".echo-in", 5)
    echo = type_keys(page, ".echo-in", KEYS)[5:]

    area = page.get_by_label("Resource policy", exact=True)  # it names everybody: it decides
    page.evaluate(WATCH, ".playground .said")
    area.click()
    at = area.input_value().index('"Sid": "S"') + len('"Sid": "S')
    area.evaluate("(el, at) => el.setSelectionRange(at, at)", at)
    type_keys(page, "", 5)
    verdicts = type_keys(page, "", KEYS)[5:]

    typed = ("abcdefghij" * 10)[:5] + ("abcdefghij" * 10)[:KEYS]
    assert f"Statement 1 (S{typed})" in page.locator(".playground .said").inner_text()
    assert len(echo) == len(verdicts) == KEYS
    print(
        f"\nkey press to verdict, ten full policies: p50 {statistics.median(verdicts):.0f} ms, "
        f"p95 {p95(verdicts):.0f} ms; echo of the notebook alone: p50 "
        f"{statistics.median(echo):.0f} ms, p95 {p95(echo):.0f} ms; beyond the echo: p50 "
        f"{statistics.median(verdicts) - statistics.median(echo):.0f} ms, "
        f"p95 {p95(verdicts) - p95(echo):.0f} ms (aim: under 100)"
    )
