"""The way through the course: what is done, a file to take along, and a record of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from iamlab.course.desk import Desk
from iamlab.course.progress import Progress


@dataclass(frozen=True)
class Entry:
    """A lesson as the map knows it.

    Parameters
    ----------
    id, title : str
        Such as ``"02"`` and ``"Policies"``.
    notebook : str
        The file's name, such as ``"02-policies.ipynb"``.
    exercises : tuple of (str, str)
        ID and title of each.
    """

    id: str
    title: str
    notebook: str
    exercises: tuple[tuple[str, str], ...]


class MapDesk(Desk):
    """The progress map.

    Parameters
    ----------
    progress : Progress
        The learner's progress.
    lessons : sequence of Entry
        The lessons that there are, in order.
    here : str
        The ID of the lesson that shows the map.

    Examples
    --------
    >>> from iamlab.lessons import course_entries
    >>> MapDesk(Progress(), course_entries(), "00").state()["lessons"][0]["title"]
    '00 Welcome'
    """

    def __init__(self, progress: Progress, lessons: Sequence[Entry], here: str) -> None:
        self._progress, self._lessons, self._here = progress, tuple(lessons), here
        self._news = ""

    def state(self) -> dict[str, Any]:
        """Return a row for each lesson, and what the buttons say."""
        data = self._progress.read()
        rows = [self._row(entry, data) for entry in self._lessons]
        done, every = sum(row["done"] for row in rows), sum(len(row["exercises"]) for row in rows)
        finished = "You have done every exercise of the course. Well done." if done == every else ""
        return {
            "title": "Your way through the course",
            "summary": f"{done} of {every} exercises done.",
            "done": done,
            "every": every,
            "finished": finished,
            "lessons": rows,
            "files": "Your progress and your notes are kept on the computer that runs this "
            "notebook. Binder forgets them when it stops: save them to a file before you go, and "
            "bring them back next time.",
            "save": "Save to a file",
            "bring": "Bring back from a file",
            "record": "Write a record",
            "news": self._news,
            "problem": self.problem,
        }

    def act(self, what: str, value: Any) -> dict[str, Any] | None:
        """Save the progress to a file, bring it back from one, or write a record."""
        self._news = ""
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        match what:
            case "save":
                name = f"iamlab-progress-{today}.json"
                text = self._progress.export_text()
                self._news = f"Your browser saves {name}. Keep it."
                return {"file": {"name": name, "text": text}}
            case "record":
                name = f"iamlab-record-{today}.md"
                text = record(self._progress.read(), self._lessons)
                self._news = f"Your browser saves {name}. It is a record, and not a proof."
                return {"file": {"name": name, "text": text}}
            case "bring":
                before = self.state()["done"]
                self._progress.restore_text(value["text"], value["name"])
                more = self.state()["done"] - before
                self._news = (
                    f"Brought back from {value['name']}: {more} more "
                    f"{'exercise is' if more == 1 else 'exercises are'} done. "
                    "Nothing that was here is lost."
                )
        return None

    def words(self) -> str:
        """Say what is done of each lesson, and the calls for the file."""
        state = self.state()
        lines = [f"{state['title']}: {state['summary']}", state["finished"], state["problem"]]
        for row in state["lessons"]:
            lines.append(f"{row['title']}: {row['summary']}. {row['quiz']}.")
        lines.append(
            'Without buttons: lesson.progress.export("mine.json"), '
            'lesson.progress.restore("mine.json"), lesson.record("record.md")'
        )
        return "\n".join(filter(None, lines))

    def _row(self, entry: Entry, data: dict[str, Any]) -> dict[str, Any]:
        exercises = [
            {
                "title": f"{name} {title}",
                "done": _done(data, name),
                "word": "done" if _done(data, name) else "not yet",
            }
            for name, title in entry.exercises
        ]
        done = sum(exercise["done"] for exercise in exercises)
        quiz = data["quizzes"].get(entry.id)
        return {
            "id": entry.id,
            "title": f"{entry.id} {entry.title}",
            "link": entry.notebook,
            "here": "you are here" if entry.id == self._here else "",
            "done": done,
            "exercises": exercises,
            "summary": f"{done} of {len(exercises)} exercises done",
            "quiz": _quiz(quiz),
        }


def record(data: dict[str, Any], lessons: Sequence[Entry]) -> str:
    """Write a short record of what is done.

    Parameters
    ----------
    data : dict
        What `Progress.read` gives.
    lessons : sequence of Entry
        The lessons that there are.

    Returns
    -------
    str
        Markdown. It says of itself that it is a record and no proof.
    """
    rows, done_of_all = [], 0
    for entry in lessons:
        done = [name for name, _ in entry.exercises if _done(data, name)]
        done_of_all += len(done)
        dates = [data["exercises"][name].get("done_at", "")[:10] for name in done]
        rows.append(
            f"| {entry.id} {entry.title} | {len(done)} of {len(entry.exercises)} "
            f"| {max(dates, default='')} | {_quiz(data['quizzes'].get(entry.id))} |"
        )
    every = sum(len(entry.exercises) for entry in lessons)
    return "\n".join(
        [
            "# Record: AWS IAM in practice, with iamlab",
            "",
            "Name (written by the learner):",
            "",
            f"{done_of_all} of {every} exercises done. Written on {datetime.now(UTC):%d %B %Y}.",
            "",
            "| lesson | exercises done | the last one on | quiz |",
            "|---|---|---|---|",
            *rows,
            "",
            "This is a record, and not a proof. The learner's own computer wrote it from the "
            "learner's own file. Nobody watched.",
            "",
        ]
    )


def _done(data: dict[str, Any], exercise: str) -> bool:
    return bool(data["exercises"].get(exercise, {}).get("outcome") == "Done")


def _quiz(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return "Quiz not done"
    return f"Quiz: {entry.get('right', 0)} of {entry.get('questions', 0)} right"
