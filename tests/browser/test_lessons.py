"""The lessons in a real JupyterLab, as `iamlab open` lays them out: top to bottom, no error."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from iamlab.copying import copy_course
from tests.browser.harness import ROOT, Jupyter, Notebook, contrasts, screenshot

pytestmark = pytest.mark.slow

LESSONS = {
    "00-welcome",
    "01-users-and-keys",
    "02-policies",
    "05-roles-and-trust",
    "06-credentials-that-expire",
}
# What there is, so that a lesson added later is run as well.
FOUND = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_the_first_five_are_here() -> None:
    assert set(FOUND) >= LESSONS


@pytest.fixture(scope="module")
def course(server: Jupyter) -> str:
    copy_course(server.folder / "course")
    return "course/notebooks"


@pytest.mark.parametrize("lesson", FOUND)
def test_a_lesson_runs_top_to_bottom(
    lesson: str,
    course: str,
    open_notebook: Callable[..., Notebook],
    axe: Callable[..., list[str]],
) -> None:
    notebook = open_notebook(f"{course}/{lesson}.ipynb", height=1000)
    notebook.theme("light")
    screenshot(notebook.page, f"lesson-{lesson}-before")
    notebook.draw_everything()
    assert notebook.run_all() == []
    widgets = notebook.page.locator(".iamlab")
    for number in range(widgets.count()):
        widgets.nth(number).scroll_into_view_if_needed()
        screenshot(notebook.page, f"lesson-{lesson}-widget-{number}")
    assert [row for row in contrasts(notebook.page) if row[0] < 4.5] == []
    assert axe(notebook.page) == []
    screenshot(notebook.page, f"lesson-{lesson}-after")
