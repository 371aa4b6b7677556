"""Make the pictures of the README and the gallery: python -m tests.browser.screenshots FOLDER

Each picture is one widget in one state, taken in a real JupyterLab, in both themes.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.harness import Notebook, chromium, code_notebook, jupyter

CELLS = (
    "from iamlab.widgets import countdown, playground\nplayground()",
    """import boto3, iamlab
lab = iamlab.start()
watch = countdown(lab, boto3.client("sts").get_session_token(DurationSeconds=900))
watch""",
    """from iamlab.widgets import authenticator, explain_denial
iam = boto3.client("iam")
iam.create_user(UserName="ana")
made = iam.create_virtual_mfa_device(VirtualMFADeviceName="anas-phone")
phone = authenticator(lab, made)
phone""",
    """iam.put_user_policy(UserName="ana", PolicyName="read-reports", PolicyDocument='''{
  "Version": "2012-10-17",
  "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports"}
}''')
explain_denial()""",
)


def _case(name: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.get_by_label("Ready-made").select_option(name)

    return act


def _mistake(page: Page) -> None:
    page.get_by_label("Ready-made").select_option("A bucket is not its objects")
    area = page.get_by_label("Identity policy", exact=True)
    area.fill(area.input_value().replace('"Allow",', '"Allow"'))
    expect(page.locator(".playground .line.bad")).to_have_count(1)


def _mended(page: Page) -> None:
    page.get_by_role("button", name="Start again").click()
    area = page.get_by_label("Identity policy", exact=True)
    area.fill(area.input_value().replace('reports"', 'reports/*"'))
    expect(page.locator(".playground .said")).to_contain_text("Allowed")


def _call(page: Page) -> None:
    page.get_by_role("button", name="Call now").click()
    expect(page.locator(".countdown .calls li").first).to_be_visible()


def _expire(page: Page) -> None:
    for _ in range(3):
        page.get_by_role("button", name="+5 minutes").click()
    expect(page.locator(".countdown .left")).to_contain_text("Expired")
    _call(page)
    expect(page.locator(".countdown .calls li").first).to_contain_text("refused")


def _enable(page: Page) -> None:
    code = """first, second = phone.codes()
iam.enable_mfa_device(UserName="ana", SerialNumber=made["VirtualMFADevice"]["SerialNumber"],
                      AuthenticationCode1=first, AuthenticationCode2=second)"""
    page.evaluate(
        """code => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
            .requestExecute({code}).done""",
        code,
    )
    page.get_by_role("button", name="Next code", exact=True).click()
    expect(page.locator(".authenticator .next")).to_contain_text("used")


def _example(name: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.get_by_role("button", name=name).click()
        expect(page.locator(".denial ol li").first).to_be_visible()

    return act


def _try(page: Page) -> None:
    _example("S3: nothing allows it")(page)
    page.get_by_role("checkbox", name="List the policies").check()
    page.get_by_role("button", name="Try it in the playground").click()
    expect(page.locator(".denial .playground .said")).to_contain_text("Denied")


# (picture, widget, what to do first); one after the other on the same page.
STATES: tuple[tuple[str, str, Callable[[Page], None] | None], ...] = (
    ("playground-denied", "playground", None),
    ("playground-mistake", "playground", _mistake),
    ("playground-allowed", "playground", _mended),
    ("playground-trust", "playground", _case("Who may become a role")),
    ("playground-session", "playground", _case("A session policy only narrows")),
    ("countdown-before", "countdown", _call),
    ("countdown-after", "countdown", _expire),
    ("authenticator-new", "authenticator", None),
    ("authenticator-used", "authenticator", _enable),
    ("denial-encoded", "denial", _example("EC2: an encoded message")),
    ("denial-playground", "denial", _try),
)


def take(folder: Path) -> list[Path]:
    """Take every picture into ``folder`` and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    size = {"width": 1180, "height": 1900}  # tall: a widget is never cut off
    with (
        tempfile.TemporaryDirectory() as home,
        jupyter(Path(home)) as server,
        chromium() as browser,
    ):
        for theme in ("light", "dark"):
            name = server.write(f"gallery-{theme}.ipynb", code_notebook(*CELLS))
            page = browser.new_page(viewport=size, device_scale_factor=2)
            notebook = Notebook(server, page, name).open()
            notebook.theme(theme)
            if errors := notebook.run_all():
                raise RuntimeError("\n".join(errors))
            for picture, widget, act in STATES:
                if act is not None:
                    act(page)
                page.wait_for_timeout(400)
                page.mouse.move(0, 0)
                page.evaluate("() => document.activeElement?.blur()")
                taken.append(folder / f"{picture}-{theme}.png")
                page.locator(f".iamlab.{widget}").first.screenshot(path=str(taken[-1]))
            notebook.check()
            page.close()
    return taken


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Say where to put the pictures: python -m tests.browser.screenshots FOLDER")
    for path in take(Path(sys.argv[1])):
        print(path)
