"""The lesson's widgets in a real browser: by mouse, by keyboard alone, and after a restart."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.harness import (
    Jupyter,
    Notebook,
    code_notebook,
    contrasts,
    overflows,
    screenshot,
    tab_to,
)

pytestmark = pytest.mark.slow

START = """import os
os.environ["IAMLAB_DATA_DIR"] = {folder!r}
import boto3, json
from iamlab.lessons import open_lesson
lesson = open_lesson("05")
lab = lesson.lab
iam = boto3.client("iam")"""
TRUST = """trust = {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"AWS": f"arn:aws:iam::{lab.account_id}:user/ben"}}}
iam.update_assume_role_policy(RoleName="report-reader", PolicyDocument=json.dumps(trust))"""
CARDS = {
    "exercise": "lesson.exercise(1)",
    "prediction": 'lesson.prediction("admin")',
    "quiz": "quiz = lesson.quiz_card()\nquiz",
    "map": "lesson.map()",
    "notes": "lesson.notes()",
}


def lesson_notebook(folder: str, *cards: str) -> dict:
    """A notebook with these cards, and with progress of its own in `folder`."""
    notebook = code_notebook(START.format(folder=folder), TRUST, *(CARDS[c] for c in cards))
    notebook["cells"][1]["id"] = "exercise-1"  # as in the lessons' notebooks
    return notebook


@pytest.fixture
def opened(open_notebook: Callable[..., Notebook], tmp_path: Path) -> Callable[..., Notebook]:
    def opener(*cards: str, name: str = "furniture.ipynb", **window: object) -> Notebook:
        made = lesson_notebook(str(tmp_path / "progress"), *cards)
        notebook = open_notebook(name, made, **window)
        notebook.draw_everything()
        assert notebook.run_all() == []
        expect(notebook.page.locator(".iamlab.furniture")).to_have_count(len(cards))
        return notebook

    return opener


def edit(notebook: Notebook, cell: int, old: str, new: str) -> None:
    """Change a cell's code and run it, as a learner does."""
    notebook.page.evaluate(
        """async ([cell, before, after]) => {
            const panel = window.jupyterapp.shell.currentWidget;
            const model = panel.content.widgets[cell].model.sharedModel;
            model.setSource(model.getSource().replace(before, after));
            panel.content.activeCellIndex = cell;
            await window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        [cell, old, new],
    )
    notebook.wait_idle()


def restart(notebook: Notebook) -> None:
    notebook.page.evaluate("""async () => {
        const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        await kernel.restart();
    }""")


def run_anew(notebook: Notebook) -> None:
    notebook.wait_idle()
    notebook.page.evaluate(
        "() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')"
    )
    assert notebook.run_all() == []


# The exercise ---------------------------------------------------------------------------------


def test_exercise_by_mouse(opened: Callable[..., Notebook]) -> None:
    notebook = opened("exercise")
    card = notebook.page.locator(".iamlab.exercise")
    chip, text = card.locator(".chip"), card.locator(".text")
    expect(chip).to_have_text("Not yet")
    expect(text).to_have_text("The role trusts Ben. The task names somebody else.")
    edit(notebook, 1, "user/ben", "root")
    begun = time.monotonic()
    card.get_by_role("button", name="Check").click()
    expect(text).to_contain_text("The role trusts the whole account.")
    took = time.monotonic() - begun
    print(f"check: {took:.2f} s")  # aim: under one second, on a computer that does nothing else
    expect(card.get_by_text("Checked 2 times.")).to_be_visible()
    expect(card.get_by_role("button", name="Show one solution")).to_be_hidden()
    for number in (1, 2, 3):
        card.get_by_role("button", name=f"Hint {number} of 3").click()
        expect(card.locator(".hints li")).to_have_count(number)
    expect(card.get_by_role("button", name="Hint")).to_be_hidden()
    card.get_by_role("button", name="Show one solution").click()
    expect(card.locator(".both pre")).to_have_count(2)
    mine, one = card.locator(".both pre").all()
    expect(mine).to_contain_text(':root"}}}')
    expect(one).to_contain_text("user/ana")
    expect(card.locator(".both .differs").first).to_contain_text("≠")
    screenshot(notebook.page, "exercise-solution", ".iamlab.exercise")
    card.get_by_role("button", name="Hide the solution").click()
    expect(card.locator(".both")).to_be_hidden()

    edit(notebook, 1, ":root", ":user/ana")
    card.get_by_role("button", name="Check").click()
    expect(chip).to_have_text("Done")
    expect(text).to_contain_text("Many people believe")
    card.get_by_text("Start this exercise again").click()
    card.get_by_role("button", name="Put it back").click()
    expect(chip).to_have_text("Not attempted")
    expect(text).to_contain_text("Back to the lesson's start: the role report-reader")
    expect(card.get_by_text("You did this exercise on")).to_be_visible()
    notebook.execute("assert lesson.status().head == 'Lesson 05: 1 of 6 exercises done'")


def test_exercise_by_keyboard_alone(opened: Callable[..., Notebook]) -> None:
    notebook = opened("exercise")
    page = notebook.page
    card = page.locator(".iamlab.exercise")
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    page.locator(".jp-Cell").nth(2).evaluate("el => el.focus()")
    tab_to(page, ".exercise .task summary")
    page.keyboard.press("Enter")
    expect(card.locator(".task p")).to_be_visible()
    tab_to(page, ".exercise button.main")
    page.keyboard.press("Space")
    expect(card.get_by_text("Checked 2 times.")).to_be_visible()
    page.keyboard.press("Tab")
    for number in (1, 2, 3):
        expect(card.get_by_role("button", name=f"Hint {number} of 3")).to_be_focused()
        page.keyboard.press("Enter")
        expect(card.locator(".hints li")).to_have_count(number)
    # The last hint's button is gone: the focus is on what came in its place.
    expect(card.get_by_role("button", name="Show one solution")).to_be_focused()
    page.keyboard.press("Enter")
    expect(card.locator(".both pre")).to_have_count(2)
    tab_to(page, ".exercise .again summary")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(card.locator(".chip")).to_have_text("Not attempted")
    expect(card.get_by_role("button", name="Check")).to_be_focused()
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells


# Questions ------------------------------------------------------------------------------------


def steps_on(page: Page) -> str:
    return page.evaluate(
        "() => [...document.querySelectorAll('.steps li')].map(li => li.dataset.letter).join('')"
    )


def test_quiz_and_order_by_mouse(opened: Callable[..., Notebook]) -> None:
    notebook = opened("quiz")
    page = notebook.page
    card = page.locator(".iamlab.quiz")
    card.get_by_role("radio", name="a) The later one").check()
    card.get_by_role("button", name="Mark my answers").click()
    expect(card.get_by_text("Not right. Any Deny that matches wins.")).to_be_visible()
    expect(card.get_by_text("Not answered yet.", exact=True)).to_have_count(4)
    expect(card.locator(".chip")).to_have_text("Not yet")
    for name in ("b) The Deny", "a) The bucket", "c) The secret key", "b) The name of the"):
        card.get_by_role("radio", name=name).first.check()

    expect(card.locator(".standing")).to_contain_text("4 of 5 questions answered.")

    # Drag the fourth step to the top.
    assert steps_on(page) == "abcde"
    card.get_by_role("button", name="Mark my answers").scroll_into_view_if_needed()
    boxes = [li.bounding_box() for li in card.locator(".steps li").all()]
    page.mouse.move(boxes[3]["x"] + 60, boxes[3]["y"] + 12)
    page.mouse.down()
    notebook.execute("quiz.heard({})")  # Python's word does not pull it out of the hand
    for box in reversed(boxes[:3]):
        page.mouse.move(box["x"] + 60, box["y"] + 6, steps=4)
    page.mouse.up()
    assert steps_on(page) == "dabce"
    expect(card.locator(".news")).to_have_text(
        "Now step 1 of 5: Ben asks STS for the role, and signs with his own keys."
    )
    card.get_by_role("button", name="Mark my answers").click()
    expect(card.get_by_text("Here anybody gets keys")).to_be_visible()
    screenshot(page, "quiz-order", ".iamlab.quiz")
    for _ in range(2):
        card.get_by_role("button", name="Move up: STS reads the trust policy").click()
    expect(card.locator(".news")).to_contain_text("Now step 2 of 5: STS reads the trust policy")
    assert steps_on(page) == "dcabe"
    card.get_by_role("button", name="Mark my answers").click()
    expect(card.locator(".chip")).to_have_text("Done")
    expect(card.locator(".standing")).to_contain_text("Quiz: 5 of 5 right.")
    notebook.execute("assert lesson.progress.read()['quizzes']['05']['right'] == 5")


def test_quiz_and_guess_by_keyboard_alone(opened: Callable[..., Notebook]) -> None:
    notebook = opened("prediction", "quiz")
    page = notebook.page
    guess, quiz = page.locator(".iamlab.prediction"), page.locator(".iamlab.quiz")
    page.locator(".jp-Cell").nth(2).evaluate("el => el.focus()")
    tab_to(page, ".prediction input")
    page.keyboard.press("Space")
    tab_to(page, ".prediction button.main")
    page.keyboard.press("Enter")
    expect(guess.locator(".text")).to_contain_text("You guess: yes. Now run the next cell.")
    expect(guess.get_by_role("button", name="What happened?")).to_be_focused()
    page.keyboard.press("Enter")
    expect(guess.locator(".problem")).to_have_text("Run the next cell first.")
    edit(notebook, 1, "user/ben", "user/ana")
    guess.get_by_role("button", name="What happened?").focus()
    page.keyboard.press("Enter")
    expect(guess.locator(".text")).to_contain_text("What happens: no. It went otherwise.")

    tab_to(page, ".quiz input")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    expect(quiz.get_by_role("radio", name="b) The Deny")).to_be_checked()
    expect(quiz.locator(".standing")).to_contain_text("1 of 5 questions answered.")
    tab_to(page, ".steps li[data-letter='d'] button")
    for place in (3, 2, 1):
        page.keyboard.press("Enter")
        expect(quiz.locator(".news")).to_contain_text(f"Now step {place} of 5: Ben asks STS")
        expect(quiz.get_by_role("button", name="Move up: Ben asks STS")).to_be_focused()
    page.keyboard.press("Enter")  # at the top already
    assert steps_on(page) == "dabce"
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(quiz.locator(".news")).to_contain_text("Now step 2 of 5")
    expect(quiz.get_by_role("button", name="Move down: Ben asks STS")).to_be_focused()
    assert steps_on(page) == "adbce"
    # A page loaded again has kept it.
    page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")
    notebook.open(reset=False)
    expect(page.get_by_role("radio", name="b) The Deny")).to_be_checked()
    assert steps_on(page) == "adbce"


# The map --------------------------------------------------------------------------------------


def test_map_opens_saves_and_brings_back(
    opened: Callable[..., Notebook], server: Jupyter, tmp_path: Path
) -> None:
    server.write("course/01-users-and-keys.ipynb", code_notebook("1"))
    notebook = opened("map", "notes", name="course/05-roles-and-trust.ipynb")
    page = notebook.page
    card = page.locator(".iamlab.map")
    expect(card.get_by_text("you are here")).to_be_visible()
    notebook.execute("lesson.progress.note_check('05-2', 'Done')")
    notebook.execute("lesson.note('Trust says who.')")
    with page.expect_download() as download:
        card.get_by_role("button", name="Save to a file").click()
    assert re.fullmatch(r"iamlab-progress-[\d-]+\.json", download.value.suggested_filename)
    saved = json.loads(Path(download.value.path()).read_text())
    assert saved["exercises"]["05-2"]["outcome"] == "Done"
    assert saved["notes"]["05"]["text"] == "Trust says who."
    expect(card.locator(".news")).to_contain_text("Your browser saves iamlab-progress-")
    card.get_by_text("1 of 6 exercises done").click()
    expect(card.locator("details li").filter(has_text="05-2")).to_contain_text("done")
    with page.expect_download() as download:
        card.get_by_role("button", name="Write a record").click()
    assert "and not a proof" in Path(download.value.path()).read_text()

    broken, whole = tmp_path / "broken.json", tmp_path / "whole.json"
    broken.write_text('{"format": 1, "exerc')
    saved["exercises"]["05-1"] = {"outcome": "Done", "checks": 1}
    whole.write_text(json.dumps(saved))
    with page.expect_file_chooser() as chooser:
        card.get_by_role("button", name="Bring back from a file").press("Enter")
    chooser.value.set_files(broken)
    expect(card.locator(".news")).to_contain_text("broken.json is not a progress file")
    expect(card.get_by_text("1 of 6 exercises done")).to_be_visible()
    screenshot(page, "map-broken", ".iamlab.map")
    with page.expect_file_chooser() as chooser:
        card.get_by_role("button", name="Bring back from a file").click()
    chooser.value.set_files(whole)
    expect(card.locator(".news")).to_contain_text("1 more exercise is done.")
    expect(card.get_by_text("2 of 6 exercises done")).to_be_visible()

    # A lesson opens as another tab of the same page, by its link's own key.
    card.get_by_role("link", name="01 Users and keys").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.context?.path"
        " === 'course/01-users-and-keys.ipynb'"
    )
    assert "/lab/tree/" in page.url


# The notes ------------------------------------------------------------------------------------


def test_notes_survive(
    opened: Callable[..., Notebook], open_notebook: Callable[..., Notebook], tmp_path: Path
) -> None:
    notebook = opened("notes")
    page = notebook.page
    field = page.get_by_role("textbox", name="Your notes on lesson 05")
    saved = page.locator(".iamlab.notes .head .note")
    field.press_sequentially("Trust says who.")
    page.keyboard.press("Enter")
    page.keyboard.type("b")  # in JupyterLab a bare b would add a cell
    expect(saved).to_contain_text("Saved.")
    notebook.execute(
        "kept = lesson.progress.note('05'); assert kept == 'Trust says who.\\nb', repr(kept)"
    )

    # Another notebook, with the same notes: both write, and no line is lost.
    made = lesson_notebook(str(tmp_path / "progress"), "notes")
    other = open_notebook("other.ipynb", made)
    assert other.run_all() == []
    its = other.page.get_by_role("textbox", name="Your notes on lesson 05")
    expect(its).to_have_value("Trust says who.\nb")
    its.fill("Trust says who.\nb\nfrom the other")
    expect(other.page.locator(".iamlab.notes .head .note")).to_contain_text("Saved.")
    other.execute("assert lesson.progress.note('05').endswith('other')")
    field.press("End")
    page.keyboard.type(", and more")
    expect(field).to_have_value(
        "Trust says who.\nb, and more\n\n(Written in another window:)\nfrom the other"
    )

    # Python goes before it heard of the last words. The browser kept them.
    page.evaluate("""() => {
        const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        kernel.requestExecute({code: 'import time; time.sleep(3)'});
    }""")
    restart(notebook)
    expect(page.locator(".iamlab.notes .iamlab-banner")).to_contain_text("Start the lab again")
    field.press("Control+Home")
    page.keyboard.type("Last words. ")
    expect(saved).to_have_text("Not saved yet.")
    run_anew(notebook)
    field = page.get_by_role("textbox", name="Your notes on lesson 05")
    expect(field).to_have_value(re.compile(r"^Last words\. Trust says who\..*other$", re.DOTALL))
    expect(saved).to_contain_text("Saved.")
    notebook.execute("assert lesson.progress.note('05').startswith('Last words. Trust')")
    assert page.locator(".jp-Notebook .jp-Cell").count() == 3


def test_after_a_restart_every_card_says_so(opened: Callable[..., Notebook]) -> None:
    notebook = opened(*CARDS)
    page = notebook.page
    restart(notebook)
    banners = page.locator(".furniture .iamlab-banner")
    expect(banners).to_have_count(len(CARDS))
    for banner in banners.all():
        expect(banner).to_contain_text("Start the lab again")
    for button in page.locator(".furniture button:visible").all():
        expect(button).to_be_disabled()
    run_anew(notebook)
    expect(page.locator(".furniture .iamlab-banner:visible")).to_have_count(0)
    page.locator(".exercise button.main").click()
    expect(page.locator(".exercise .chip")).to_have_text("Not yet")


# Looks ----------------------------------------------------------------------------------------

LONG = "x" * 64
# Every state at once, and an exercise with names as long as IAM lets them be.
LOOKS = f"""import dataclasses
card = lesson.exercise(1)
[card._desk.do("hint") for _ in range(3)]
card._desk.do("solution")
card.heard({{}})
long = dataclasses.replace(lesson.exercises[0], title="Who is {LONG}?",
    task="Let `{LONG}` be **{LONG}**.", hints=("{LONG}",) * 3, touches=("user/{LONG}",))
quiz, guess, notes, done = (lesson.quiz_card(), lesson.prediction("admin"), lesson.notes(),
    lesson.exercise(2))
for n in (1, 2):
    quiz.heard({{"do": "answer", "value": {{"number": n, "answer": "a"}}}})
quiz.heard({{"do": "move", "value": {{"number": 5, "answer": "bacde", "moved": "b"}}}})
quiz.heard({{"do": "mark"}})
guess.heard({{"do": "guess", "value": "yes"}})
notes.heard({{"do": "save", "value": {{"text": "{LONG * 3}", "seen": ""}}}})
lesson.progress.note_check("00-1", "Done")
lesson.progress.note_check("05-2", "Done")
done.heard({{}})
lesson.exercises = (long, *lesson.exercises[1:])
display(card, done, lesson.exercise(1), guess, quiz, notes)
lesson.map()"""


@pytest.mark.parametrize(
    ("theme", "window"),
    [
        ("light", {"width": 1280}),
        ("dark", {"width": 1280}),
        ("light", {"width": 320}),
        ("dark", {"width": 2560}),
        ("light", {"width": 640, "height": 450, "device_scale_factor": 2}),  # zoom 200 %
    ],
    ids=["light", "dark", "320", "2560", "zoom"],
)
def test_looks(
    theme: str,
    window: dict[str, int],
    open_notebook: Callable[..., Notebook],
    axe: Callable[..., list[str]],
    tmp_path: Path,
) -> None:
    made = lesson_notebook(str(tmp_path / "progress"))
    made["cells"] += code_notebook(LOOKS)["cells"]
    made["cells"][-1]["id"] = "looks"
    notebook = open_notebook("looks.ipynb", made, **window)
    notebook.theme(theme)
    notebook.draw_everything()
    assert notebook.run_all() == []
    page = notebook.page
    expect(page.locator(".iamlab.furniture")).to_have_count(7)
    page.locator(".furniture details").evaluate_all(
        "all => all.forEach(one => { one.open = true; })"
    )
    found = contrasts(page)
    assert len(found) > 100, "the page shows far less text than it should"
    assert [row for row in found if row[0] < 4.5] == []
    assert overflows(page) == []
    assert axe(page) == []
    for number, card in enumerate(page.locator(".iamlab.furniture").all()):
        card.evaluate("el => el.setAttribute('data-shot', '')")
        screenshot(page, f"furniture-{theme}-{window['width']}-{number}", "[data-shot]")
        card.evaluate("el => el.removeAttribute('data-shot')")
