"""The authenticator in a real browser: its codes enable a device, and each works once."""

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

LONG = "tablet-of-somebody-whose-name-has-sixty-four-letters-in-all-x-x-"
CELLS = (
    f"""import boto3, iamlab
from iamlab.widgets import authenticator
lab = iamlab.start()
lab.reset()
iam = boto3.client("iam")
iam.create_user(UserName="ana")
made = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")
iam.create_virtual_mfa_device(VirtualMFADeviceName="{LONG}")
serial = made["VirtualMFADevice"]["SerialNumber"]
def enable(first, second):
    iam.enable_mfa_device(UserName="ana", SerialNumber=serial,
                          AuthenticationCode1=first, AuthenticationCode2=second)
def sign_in(code):
    lab.session("user/ana").client("sts").get_session_token(SerialNumber=serial, TokenCode=code)
""",
    """phone = authenticator(lab, made)
phone""",
)


def opened(open_notebook: Callable[..., Notebook], **window: object) -> Notebook:
    notebook = open_notebook("authenticator.ipynb", code_notebook(*CELLS), **window)
    notebook.draw_everything()
    assert notebook.run_all() == []
    expect(notebook.page.locator(".authenticator .digits .code")).to_have_count(1)
    return notebook


def digits(page: Page, where: str = ".digits .code") -> str:
    """The six digits that people see."""
    text = page.locator(f".authenticator {where}").first.inner_text()
    found = re.search(r"(\d{3}) (\d{3})", text)
    assert found, text
    return found[1] + found[2]


def test_by_mouse(open_notebook: Callable[..., Notebook]) -> None:
    notebook = opened(open_notebook)
    page = notebook.page
    news = page.locator(".authenticator .news")
    ring = page.get_by_role("progressbar", name="Time until the next code")
    expect(ring).to_have_attribute("aria-valuetext", re.compile(r"^\d\d? seconds$"))
    expect(page.get_by_role("img", name="QR code of phone")).to_be_visible()
    expect(page.locator(".authenticator .seed")).to_be_hidden()
    page.get_by_text("Show the secret").click()
    expect(page.locator(".authenticator .seed")).to_be_visible()

    # Two codes in a row, read off the page, enable the device, and are used then.
    page.get_by_role("button", name="Wait for the next code").click()
    expect(news).to_contain_text("The lab's clock was moved")
    page.get_by_role("button", name="Next code", exact=True).click()
    expect(page.locator(".authenticator .next")).to_be_visible()
    notebook.execute(f"enable({digits(page)!r}, {digits(page, '.next')!r})")
    expect(page.locator(".authenticator .digits .chip")).to_have_text("used")
    expect(page.locator(".authenticator .codes")).to_contain_text("of user/ana")
    expect(page.locator(".authenticator .next")).to_contain_text("used")
    screenshot(page, "authenticator-used", ".iamlab.authenticator")

    # The next code that was not used signs in, once; copying says what was copied.
    page.get_by_role("button", name="Wait for the next code").click()
    expect(news).to_contain_text("was used already")
    expect(page.locator(".authenticator .digits .chip")).to_be_hidden()
    code = digits(page)
    page.get_by_role("button", name="Copy the code of phone").click()
    expect(news).to_contain_text("\u00a0".join(code))
    notebook.execute(f"sign_in({code!r})")
    expect(page.locator(".authenticator .digits .chip")).to_be_visible()

    # The clocks differ by now; another device; the lab's clock set back.
    notebook.execute("lab.clock.advance(minutes=20)")
    clocks = page.locator(".authenticator section", has_text="The two clocks")
    expect(clocks).to_contain_text("ahead of the real clock")
    page.get_by_label("A virtual device of the account").select_option(label=serial_of(LONG))
    page.get_by_role("button", name="Add", exact=True).first.click()
    expect(page.locator(".authenticator .digits .code")).to_have_count(2)
    page.get_by_label("Device", exact=True).select_option(f"{LONG}, of nobody yet")
    expect(page.get_by_role("img", name=f"QR code of {LONG}")).to_be_visible()
    page.get_by_role("button", name="Set the lab's clock to the real time").click()
    expect(clocks).to_contain_text("the real clock agree")
    page.get_by_role("button", name="Remove of phone").click()
    expect(page.locator(".authenticator .digits .code")).to_have_count(1)
    expect(news).to_contain_text("phone is off the phone")


def serial_of(name: str) -> str:
    return f"arn:aws:iam::111122223333:mfa/{name}"


def test_by_keyboard_alone(open_notebook: Callable[..., Notebook]) -> None:
    notebook = opened(open_notebook)
    page = notebook.page
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    page.locator(".jp-Cell").nth(1).evaluate("el => el.focus()")
    tab_to(page, ".authenticator .codes .main")
    before = digits(page)
    page.keyboard.press("Enter")
    expect(page.locator(".authenticator .news")).to_contain_text("The code of phone is now")
    assert digits(page) != before
    expect(page.locator(".authenticator .codes .main")).to_be_focused()
    tab_to(page, ".authenticator summary")
    page.keyboard.press("Enter")
    expect(page.locator(".authenticator .seed")).to_be_visible()
    tab_to(page, ".authenticator input[type=text]")
    page.keyboard.type("hello")
    page.keyboard.press("Enter")
    problem = page.locator(".authenticator .problem")
    expect(problem).to_contain_text("That is no virtual MFA device.")
    field = page.locator(".authenticator input[type=text]")
    expect(field).to_have_value("hello")
    page.keyboard.press("Control+A")
    page.keyboard.type(serial_of(LONG))
    page.keyboard.press("Enter")
    expect(page.locator(".authenticator .digits .code")).to_have_count(2)
    expect(field).to_have_value("")
    expect(problem).to_be_empty()
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells


def test_looks_and_a_restart(
    open_notebook: Callable[..., Notebook], axe: Callable[..., list[str]]
) -> None:
    notebook = opened(open_notebook)
    page = notebook.page
    notebook.execute(
        f"phone.add({serial_of(LONG)!r})\nenable(*phone.codes())\nlab.clock.advance(minutes=0)"
    )
    page.get_by_role("button", name="Next code", exact=True).first.click()
    page.get_by_text("Show the secret").click()
    page.locator(".authenticator input[type=text]").fill("hello")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".authenticator .problem")).not_to_be_empty()
    expect(page.locator(".authenticator .digits .chip").first).to_be_visible()
    for theme, width in (("light", 1280), ("dark", 640), ("light", 320), ("dark", 2560)):
        notebook.theme(theme)
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(300)
        found = contrasts(page)
        assert len(found) > 20 and [row for row in found if row[0] < 4.5] == []
        assert overflows(page) == [], width
        screenshot(page, f"authenticator-{theme}-{width}", ".iamlab.authenticator")
    assert axe(page) == []
    notebook.theme("light")

    # Then the lab is stopped, and at last Python restarted.
    notebook.execute("lab.stop()")
    expect(page.locator(".authenticator .news")).to_contain_text("iamlab.start()")
    expect(page.get_by_role("button", name="Wait for the next code").first).to_be_disabled()
    expect(page.locator(".authenticator .digits .code").first).not_to_contain_text(
        re.compile(r"\d")
    )
    page.evaluate("""async () => {
        await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart();
    }""")
    expect(page.locator(".authenticator .iamlab-banner")).to_contain_text("Start the lab again")
    expect(page.locator(".authenticator input[type=text]")).to_be_disabled()
    notebook.wait_idle()  # JupyterLab complains if a kernel goes while it starts
