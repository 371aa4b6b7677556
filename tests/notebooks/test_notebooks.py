"""The notebooks: what they hold, how they read, and that they run, empty and filled in."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from iamlab.course import Lesson
from iamlab.lessons import LESSONS, load_lesson
from tests.notebooks.reading import grade, markdown, minutes, plain, prose, split

ROOT = Path(__file__).resolve().parents[2]
FOUND = {path.name[:2]: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}


def read(key: str) -> Any:
    return nbformat.read(FOUND[key], as_version=4)


def test_each_lesson_has_its_notebook() -> None:
    assert list(FOUND) == list(LESSONS)


@pytest.mark.parametrize("key", LESSONS)
def test_nothing_of_a_machine_is_stored(key: str) -> None:
    notebook = read(key)
    nbformat.validate(notebook)
    assert notebook.metadata == {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        assert not cell.metadata, cell.id
        if cell.cell_type == "code":
            assert cell.outputs == [], cell.id
            assert cell.execution_count is None, cell.id
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert not re.search(r"/(home|root|tmp|work|Users)/", FOUND[key].read_text())


@pytest.mark.parametrize("key", LESSONS)
def test_notebook_and_lesson_agree(key: str) -> None:
    lesson, cells = load_lesson(key), {cell.id: cell.source for cell in read(key).cells}
    for number, exercise in enumerate(lesson.exercises, start=1):
        assert cells[f"exercise-{number}"] == exercise.starter
        head = f"### Exercise {number}: {exercise.title}\n\n{exercise.task}"
        assert cells[f"task-{number}"].startswith(head)
        assert cells[f"check-{number}"] == f"lesson.exercise({number})"
    for name, prediction in lesson.predictions.items():
        assert prediction.ask in cells[f"ask-{name}"]
        assert cells[f"predict-{name}"] == f'lesson.prediction("{name}")'
        assert cells[f"reveal-{name}"] == f'lesson.reveal("{name}")'
    assert cells["quiz"] == "lesson.quiz_card()"
    assert cells["notes"] == "lesson.notes()"
    # Exercises come in their order, and each prediction before what happens.
    places = [cell.id for cell in read(key).cells]
    numbers = [int(i.split("-")[1]) for i in places if i.startswith("exercise-")]
    assert numbers == sorted(numbers)
    for name in lesson.predictions:
        assert places.index(f"predict-{name}") < places.index(f"reveal-{name}")


@pytest.mark.parametrize("key", LESSONS)
def test_parts_that_every_lesson_has(key: str) -> None:
    lesson, notebook = load_lesson(key), read(key)
    text = "\n\n".join(markdown(notebook))
    assert text.startswith(f"# Lesson {key} · {lesson.title}\n")
    for part in ("**After this lesson you can**", "## On real AWS", "## Keep this", "## Quiz"):
        assert part in text
    assert "AWS documentation:" in text
    assert f"*About {minutes(notebook, lesson)} minutes." in text
    assert 25 <= minutes(notebook, lesson) <= 40


@pytest.mark.parametrize("key", LESSONS)
def test_reads_easily(key: str) -> None:
    lesson, notebook = load_lesson(key), read(key)
    # The list of AWS's page titles is no prose of ours.
    texts = [re.sub(r"\*AWS documentation:.*", "", text, flags=re.S) for text in markdown(notebook)]
    assert grade(prose("\n\n".join(texts))) < 9
    said = [t for e in lesson.exercises for t in (e.task, e.learned, e.belief, *e.hints)]
    said += [t for p in lesson.predictions.values() for t in (p.ask, p.because)]
    said += [t for q in lesson.questions for t in (q.ask, q.because)]
    assert grade(plain("\n\n".join(said))) < 9
    longest = max(split(prose("\n\n".join([*texts, *said]))), key=lambda s: len(s.split()))
    assert len(longest.split()) <= 30, longest


def run(notebook: Any, folder: Path) -> dict[str, str]:
    """Run in a fresh kernel, in an empty folder; return each code cell's output in words."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "IAMLAB_DATA_DIR": str(folder / "data")}
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    client.execute(env=environment)
    return {
        cell.id: "".join(
            output.get("text", "") or output.get("data", {}).get("text/plain", "")
            for output in cell.outputs
        )
        for cell in notebook.cells
        if cell.cell_type == "code"
    }


@pytest.mark.slow
@pytest.mark.parametrize("key", LESSONS)
def test_runs_as_a_learner_first_meets_it(key: str, tmp_path: Path) -> None:
    outputs = run(read(key), tmp_path)
    for number in range(1, 1 + len(load_lesson(key).exercises)):
        assert outputs[f"check-{number}"].startswith("Not attempted"), outputs[f"check-{number}"]
    assert outputs["quiz"].startswith("Not attempted")


@pytest.mark.slow
@pytest.mark.parametrize("key", LESSONS)
def test_filled_in_it_ends_all_done(key: str, tmp_path: Path) -> None:
    lesson = load_lesson(key)
    outputs = run(fill(read(key), lesson), tmp_path)
    for number in range(1, 1 + len(lesson.exercises)):
        assert outputs[f"check-{number}"].startswith("Done"), outputs[f"check-{number}"]
    count = len(lesson.questions)
    assert outputs["quiz"].startswith(f"Done · Quiz: {count} of {count} right")
    for name in lesson.predictions:
        assert "Your guess was right" in outputs[f"reveal-{name}"], outputs[f"reveal-{name}"]


def fill(notebook: Any, lesson: Lesson) -> Any:
    """Write the solutions, the right guesses and the right letters into a notebook."""
    for cell in notebook.cells:
        kind, _, name = cell.id.partition("-")
        if kind == "exercise":
            exercise = lesson.exercises[int(name) - 1]
            cell.source = f"{exercise.starter}\n{exercise.solution}"
        elif kind == "predict":
            cell.source = f'lesson.predict("{name}", "{lesson.predictions[name].happens}")'
        elif kind == "quiz":
            right = [f'q{n}="{q.right}"' for n, q in enumerate(lesson.questions, start=1)]
            cell.source = f"lesson.quiz({', '.join(right)})"
    return notebook
