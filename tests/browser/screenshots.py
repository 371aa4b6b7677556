"""Make the pictures of the README and the gallery: python -m tests.browser.screenshots FOLDER

Each picture is one widget in one state, taken in a real JupyterLab, in both themes.
"""

from __future__ import annotations

import itertools
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
    """import json
from iamlab.widgets import timeline
trust = {"Effect": "Allow", "Principal": {"AWS": lab.account_id}, "Action": "sts:AssumeRole"}
may = {"Effect": "Allow", "Action": ["s3:ListAllMyBuckets", "sts:AssumeRole"], "Resource": "*"}
trust, may = (json.dumps({"Version": "2012-10-17", "Statement": one}) for one in (trust, may))
for role in ("reader", "auditor"):
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName=role, PolicyName="may", PolicyDocument=may)
iam.put_user_policy(UserName="ana", PolicyName="may", PolicyDocument=may)
timeline(lab)""",
    """import json
from iamlab.widgets import trust_graph
def doc(action, resource="*", **more):
    made = {"Effect": "Allow", "Action": action, "Resource": resource} | more
    made = {key: value for key, value in made.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [made]})
def role(name, who, action, **more):
    trust = doc("sts:AssumeRole", None, Principal=who, **more)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=doc(action))
us = {"AWS": f"arn:aws:iam::{lab.account_id}:root"}
mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
role("deployer", us, ["iam:PassRole", "lambda:*"], Condition=mfa)
role("runner", {"Service": "lambda.amazonaws.com"}, "*")
role("partner", {"AWS": "444455556666"}, "s3:List*")
roles = f"arn:aws:iam::{lab.account_id}:role/deployer"
iam.put_user_policy(UserName="ana", PolicyName="roles", PolicyDocument=doc("sts:*", roles))
trust_graph(lab)""",
    """from iamlab.widgets import access_matrix, opens
role("auditor-of-the-yearly-report", us, ["s3:List*", "s3:Get*", "sqs:*", "kms:Describe*"])
for name, action in {"ben": ["s3:*", "dynamodb:*"], "carla": ["ec2:Describe*", "sqs:*"]}.items():
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="work", PolicyDocument=doc(action))
lab.session("user/ben").client("s3").list_buckets()
iam.put_user_policy(UserName="carla", PolicyName="keep-queues", PolicyDocument=doc(
    "sqs:DeleteQueue", Effect="Deny"))
access_matrix(lab)""",
    """opens(doc(["s3:*", "sqs:Get*"]), doc(["s3:Get*", "s3:List*", "sqs:*", "iam:PutUserPolicy"]),
      used=["s3:GetObject", "s3:ListBucket", "sqs:SendMessage"])""",
)


# The widgets of a lesson, in a notebook of their own: a lesson builds its own account.
LESSON = (
    """import os, tempfile
os.environ["IAMLAB_DATA_DIR"] = tempfile.mkdtemp()
import boto3, json
from iamlab.lessons import open_lesson
lesson = open_lesson("05")
lab = lesson.lab
iam = boto3.client("iam")
for done in ("00-1", "00-2", "01-1", "01-2", "01-3", "01-4", "01-5", "01-6", "02-1"):
    lesson.progress.note_check(done, "Done")
lesson.progress.note_quiz("01", 3, 3)""",
    """trust = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{lab.account_id}:user/ben"},  # change me
            "Action": "sts:AssumeRole",
        }
    ],
}
iam.update_assume_role_policy(RoleName="report-reader", PolicyDocument=json.dumps(trust))""",
    "lesson.exercise(1)",
    'lesson.prediction("admin")',
    "lesson.quiz_card()",
    "lesson.map()",
    "lesson.notes()",
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


def _levels(page: Page) -> None:
    _case("A bucket is not its objects")(page)
    for number, action in ((1, "*"), (2, "ec2:*")):
        page.get_by_role("button", name="Service control policy", exact=True).click()
        name = ("Service control policy", "Service control policy, level 2")[number - 1]
        page.get_by_role("button", name=f"Write a frame: {name}").click()
        area = page.get_by_label(name, exact=True)
        expect(area).not_to_have_value("")
        area.fill(area.input_value().replace('"*"', f'"{action}"', 1))
    page.get_by_role("button", name="In words: Service control policy, level 2").click()
    expect(page.locator(".playground .said")).to_contain_text("No SCP at level 2")
    page.wait_for_timeout(1500)


def _suggest(page: Page) -> None:
    page.get_by_role("button", name="Start again").click()
    area = page.get_by_label("Identity policy", exact=True)
    area.focus()
    area.evaluate("el => el.setSelectionRange(...[0, 12].map(n => n + el.value.indexOf('s3:Get')))")
    page.keyboard.type("s3:getob")
    expect(page.locator(".playground .suggestions:visible [role=option]").first).to_be_visible()


def _almost(page: Page) -> None:
    page.keyboard.press("Escape")
    _case("3. Everything but the salaries")(page)
    page.get_by_label("Identity policy 1", exact=True).fill(
        """{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Deny",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::larkfield-reports/salaries/*"
  }
}"""
    )
    expect(page.locator(".playground .challenge .word")).to_contain_text("Almost")


def _call(page: Page) -> None:
    page.get_by_role("button", name="Call now").click()
    expect(page.locator(".countdown .calls li").first).to_be_visible()


def _expire(page: Page) -> None:
    for _ in range(3):
        page.get_by_role("button", name="+5 minutes").click()
    expect(page.locator(".countdown .left")).to_contain_text("Expired")
    _call(page)
    expect(page.locator(".countdown .calls li").first).to_contain_text("refused")


def _run(page: Page, code: str) -> None:
    page.evaluate(
        """code => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
            .requestExecute({code}).done""",
        code,
    )


def _enable(page: Page) -> None:
    code = """first, second = phone.codes()
iam.enable_mfa_device(UserName="ana", SerialNumber=made["VirtualMFADevice"]["SerialNumber"],
                      AuthenticationCode1=first, AuthenticationCode2=second)"""
    _run(page, code)
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


def _day(page: Page) -> None:
    code = """
def become(source, role, name, seconds):
    made = source.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{lab.account_id}:role/{role}", RoleSessionName=name,
        DurationSeconds=seconds)["Credentials"]
    return boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

lab.clock.advance(hours=2)
build = become(lab.session("user/ana"), "reader", "build-7", 3600)
lab.clock.advance(minutes=9)
build.client("s3").list_buckets()
deeper = become(build, "auditor", "deeper", 900)
lab.clock.advance(minutes=6)
try:
    deeper.client("iam").list_users()
except Exception:
    pass
lab.clock.advance(minutes=11)"""
    _run(page, code)
    page.locator(".tl-bar[aria-label*='build-7']").click()
    expect(page.locator(".tl-sentence")).to_contain_text("build-7")


def _tried(page: Page, before: str, answer: str) -> None:
    page.get_by_role("button", name=before).click()
    page.get_by_label("Call to try").select_option("s3 ListBuckets")
    page.get_by_role("button", name="Try it", exact=True).click()
    expect(page.locator(".tl-answer")).to_contain_text(answer)


def _edge(page: Page) -> None:
    _tried(page, "Walk to one second before the end", "worked")


def _over(page: Page) -> None:
    _tried(page, "Step over the end", "ExpiredToken")


def _renewed(page: Page) -> None:
    page.get_by_label("Role to hold").select_option("role/auditor")
    page.get_by_role("button", name="Start a program").click()
    bars = page.locator(".tl-bar[aria-label*='renews-itself']")
    for number in range(1, 5):
        expect(bars).to_have_count(number)
        _run(page, "_ = lab.clock.advance(minutes=52)")
    bars.last.click()
    page.get_by_role("button", name="12 h", exact=True).click()


def _revoked(page: Page) -> None:
    _tried(page, "Revoke active sessions of role/auditor", "explicit deny")


def _way(page: Page) -> None:
    page.locator(".trust").get_by_role("button", name="Refresh").click()
    expect(page.locator(".trust .fresh")).to_contain_text("Read again")
    for name in ("user/ana", "administrator"):
        page.locator(f'.trust .node[data-name="{name}"]').click()
    page.locator(".trust .hops summary").first.click()
    expect(page.locator(".trust .hops pre").first).to_be_visible()


def _statements(page: Page) -> None:
    for name in ("sqs", "Write"):
        page.locator(f'.access thead th[title="{name}"]').click()
        expect(page.locator(".access .ax-crumbs [aria-current]")).to_have_text(name)
    row = page.locator('.access tbody th[title="user/carla"]').get_attribute("data-row")
    column = page.locator('.access thead th[title="DeleteQueue"]').get_attribute("data-column")
    page.locator(f'.access td[data-row="{row}"][data-column="{column}"]').click()
    expect(page.locator(".access .ax-panel")).to_contain_text("denies it always")


def _service(page: Page) -> None:
    page.locator(".opens summary", has_text="sqs").click()
    expect(page.locator(".opens .op-body:visible")).to_contain_text("SendMessage")


def _hints(page: Page) -> None:
    card = page.locator(".exercise")
    for number in (1, 2, 3):
        card.get_by_role("button", name=f"Hint {number} of 3").click()
    card.get_by_role("button", name="Show one solution").click()
    expect(card.locator(".both pre")).to_have_count(2)


def _passed(page: Page) -> None:
    code = """iam.update_assume_role_policy(RoleName="report-reader",
    PolicyDocument=json.dumps(trust).replace("user/ben", "user/ana"))"""
    _run(page, code)
    card = page.locator(".exercise")
    card.get_by_role("button", name="Hide the solution").click()
    card.get_by_role("button", name="Check", exact=True).click()
    expect(card.locator(".chip")).to_have_text("Done")


def _guess(page: Page) -> None:
    page.get_by_role("radio", name="yes").check()
    page.get_by_role("button", name="Write it down").click()
    _run(page, "'the next cell'")
    page.get_by_role("button", name="What happened?").click()
    expect(page.locator(".prediction .text")).to_contain_text("What happens: no")


def _marked(page: Page) -> None:
    card = page.locator(".quiz")
    for name in ("b) The Deny", "b) The bucket with", "c) The secret key"):
        card.get_by_role("radio", name=name).check()
    for _ in range(3):
        card.get_by_role("button", name="Move up: Ben asks STS").click()
    card.get_by_role("button", name="Mark my answers").click()
    expect(card.locator(".answer:visible")).to_have_count(5)


def _row(page: Page) -> None:
    page.locator(".map summary").nth(2).click()


def _written(page: Page) -> None:
    page.get_by_role("textbox", name="Your notes").fill(
        "Trust says who may become the role.\nPermissions say what it may do."
    )
    expect(page.locator(".notes .head")).to_contain_text("Saved.")


# (picture, widget, what to do first); one after the other on the same page.
STATES: tuple[tuple[str, str, Callable[[Page], None] | None], ...] = (
    ("playground-denied", "playground", None),
    ("playground-mistake", "playground", _mistake),
    ("playground-allowed", "playground", _mended),
    ("playground-trust", "playground", _case("Who may become a role")),
    ("playground-session", "playground", _case("A session policy only narrows")),
    ("playground-levels", "playground", _levels),
    ("playground-suggestions", "playground", _suggest),
    ("playground-challenge", "playground", _almost),
    ("countdown-before", "countdown", _call),
    ("countdown-after", "countdown", _expire),
    ("authenticator-new", "authenticator", None),
    ("authenticator-used", "authenticator", _enable),
    ("denial-encoded", "denial", _example("EC2: an encoded message")),
    ("denial-playground", "denial", _try),
    ("timeline-sessions", "timeline", _day),
    ("timeline-edge", "timeline", _edge),
    ("timeline-over", "timeline", _over),
    ("timeline-renewed", "timeline", _renewed),
    ("timeline-revoked", "timeline", _revoked),
    ("trust-all", "trust", None),
    ("trust-way", "trust", _way),
    ("access-all", "access", None),
    ("access-statements", "access", _statements),
    ("opens-change", "opens", None),
    ("opens-service", "opens", _service),
)

LESSON_STATES: tuple[tuple[str, str, Callable[[Page], None] | None], ...] = (
    ("exercise-not-yet", "exercise", None),
    ("exercise-solution", "exercise", _hints),
    ("exercise-done", "exercise", _passed),
    ("prediction-new", "prediction", None),
    ("prediction-answered", "prediction", _guess),
    ("quiz-new", "quiz", None),
    ("quiz-marked", "quiz", _marked),
    ("map", "map", _row),
    ("notes", "notes", _written),
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
        pages = (("gallery", CELLS, STATES), ("lesson", LESSON, LESSON_STATES))
        for theme, (kind, cells, states) in itertools.product(("light", "dark"), pages):
            made = code_notebook(*cells)
            if kind == "lesson":
                made["cells"][1]["id"] = "exercise-1"  # as in the lessons' notebooks
            name = server.write(f"{kind}-{theme}.ipynb", made)
            page = browser.new_page(viewport=size, device_scale_factor=2)
            notebook = Notebook(server, page, name).open()
            notebook.theme(theme)
            if errors := notebook.run_all():
                raise RuntimeError("\n".join(errors))
            for picture, widget, act in states:
                if act is not None:
                    act(page)
                page.wait_for_timeout(400)
                page.mouse.move(0, 0)
                page.evaluate(  # a list of suggestions closes when its field is left
                    "() => document.querySelector('.suggestions:not([hidden])')"
                    " || document.activeElement?.blur()"
                )
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
