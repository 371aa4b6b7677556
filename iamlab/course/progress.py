"""The learner's progress: one small JSON file in the learner's own data folder."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FORMAT = 1
_PARTS = ("exercises", "predictions", "quizzes", "notes")
# What this version reads of an entry. Fields that it does not know are kept as they are.
_FIELDS = {
    "outcome": str, "checks": int, "hints": int, "done_at": str, "guess": str, "at": str,
    "right": int, "questions": int, "text": str,
}  # fmt: skip
NOTE_LIMIT = 100_000  # characters of one lesson's notes
ELSEWHERE = "(Written in another window:)"


class ProgressError(Exception):
    """A progress file that cannot be used; the message says what to do."""


class Progress:
    """Progress on disk. Every change is read, merged and written under a lock.

    Two notebooks, a restarted kernel and a newer course can all write the same file: a change
    touches only its own exercise, entries that this version does not know are kept, and the file
    is replaced in one step. The last good copy stays beside it as ``progress.json.bak``.

    Parameters
    ----------
    path : path-like, optional
        The file. By default ``progress.json`` in the folder that the environment variable
        ``IAMLAB_DATA_DIR`` names, else in the platform's folder for a user's data.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     progress = Progress(Path(folder) / "progress.json")
    ...     progress.note_check("01-1", "Done")
    ...     progress.read()["exercises"]["01-1"]["outcome"]
    'Done'
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path) if path is not None else _default_path()
        self.backup = self.path.with_name(self.path.name + ".bak")

    def read(self) -> dict[str, Any]:
        """Return the progress as it stands; empty if there is none yet.

        Returns
        -------
        dict
            ``format`` (int), and ``exercises``, ``predictions``, ``quizzes``, ``notes`` (dicts by
            ID).

        Raises
        ------
        ProgressError
            If a newer iamlab wrote the file in a form that this one does not know.
        """
        for path in (self.path, self.backup):
            try:
                data = _load(path)
            except FileNotFoundError:
                continue
            except (ValueError, RecursionError):
                continue  # Damaged, such as cut short by a full disk: the last good copy counts.
            return data
        return {"format": FORMAT, **{part: {} for part in _PARTS}}

    def note_check(self, exercise: str, outcome: str) -> None:
        """Record that an exercise was checked. Once done, it stays done."""

        def change(data: dict[str, Any]) -> None:
            entry = data["exercises"].setdefault(exercise, {"outcome": "", "checks": 0})
            entry["checks"] = entry.get("checks", 0) + 1
            if entry.get("outcome") != "Done":
                entry["outcome"] = outcome
                if outcome == "Done":
                    entry["done_at"] = _now()

        self._change(change)

    def note_hint(self, exercise: str, shown: int) -> None:
        """Record that `shown` hints of an exercise have been seen."""

        def change(data: dict[str, Any]) -> None:
            entry = data["exercises"].setdefault(
                exercise, {"outcome": "Not attempted", "checks": 0}
            )
            entry["hints"] = max(shown, entry.get("hints", 0))

        self._change(change)

    def note_guess(self, prediction: str, guess: str) -> None:
        """Record a guess, with its time. The first guess stands."""
        self._change(
            lambda data: data["predictions"].setdefault(prediction, {"guess": guess, "at": _now()})
        )

    def note_quiz(self, quiz: str, right: int, questions: int) -> None:
        """Record the result of a quiz. The best one stands."""

        def change(data: dict[str, Any]) -> None:
            entry = {"right": right, "questions": questions, "at": _now()}
            if right >= data["quizzes"].get(quiz, {}).get("right", 0):
                data["quizzes"][quiz] = entry

        self._change(change)

    def note(self, lesson: str) -> str:
        """Return the learner's own notes on a lesson."""
        return str(self.read()["notes"].get(lesson, {}).get("text", ""))

    def write_note(self, lesson: str, text: str, seen: str) -> str:
        """Keep the learner's own notes on a lesson.

        Parameters
        ----------
        lesson : str
            The lesson's ID.
        text : str
            The notes as the learner left them.
        seen : str
            The notes as they were when this text was begun. What another window wrote since then
            goes to the end of the text: nobody's lines are lost.

        Returns
        -------
        str
            The notes as they are kept now. They begin with `text`.

        Raises
        ------
        ProgressError
            If the text is too long.
        """
        text = text.encode("utf-8", "replace").decode("utf-8")  # Half a character cannot be saved.
        if len(text) > NOTE_LIMIT:
            raise ProgressError(
                f"These notes have {len(text):,} characters, and {NOTE_LIMIT:,} can be kept. "
                "Copy a part of them into a file of your own."
            )
        kept = text

        def change(data: dict[str, Any]) -> None:
            nonlocal kept
            kept = _join_notes(text, seen, data["notes"].get(lesson, {}).get("text", ""))
            if kept != data["notes"].get(lesson, {}).get("text", ""):
                data["notes"][lesson] = {
                    **data["notes"].get(lesson, {}), "text": kept, "at": _now()
                }  # fmt: skip

        self._change(change)
        return kept

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write a copy of the progress to `path`, to take along; return the path."""
        target = Path(path)
        _write(target, self.read())
        return target

    def export_text(self) -> str:
        """Return the progress as the text of a file, for a download."""
        return _text(self.read())

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Merge an exported file into the progress: of each entry the better one stays.

        Raises
        ------
        ProgressError
            If `path` is missing or is not an exported progress file.
        """
        try:
            text = Path(path).read_bytes()
        except FileNotFoundError:
            raise ProgressError(f"There is no file {path}. Check its name and folder.") from None
        except OSError as problem:
            raise ProgressError(f"{path} cannot be read: {problem.strerror}.") from None
        self.restore_text(text, str(path))

    def restore_text(self, text: str | bytes, name: str = "This file") -> None:
        """Merge the text of an exported file into the progress, as :meth:`restore` does.

        Raises
        ------
        ProgressError
            If it is not the text of an exported progress file. Nothing is changed then.
        """
        try:
            other = _parse(text, name)
        except (ValueError, RecursionError) as problem:
            raise ProgressError(
                f"{name} is not a progress file ({_brief(problem)}). Nothing was changed. Choose "
                "the file that you saved from the progress map, or that progress.export() wrote."
            ) from None
        self._change(lambda data: _merge(data, other))

    def _change(self, change: Callable[[dict[str, Any]], object]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(self.path.with_name(self.path.name + ".lock")):
            data = self.read()
            self._set_damaged_aside()
            change(data)
            _parse(_text(data), "This change")  # What could not be read again is never written.
            _write(self.path, data)
            # Written second: whenever the process dies, one of the two files is whole.
            _write(self.backup, data)

    def _set_damaged_aside(self) -> None:
        try:
            _load(self.path)
        except FileNotFoundError:
            return
        except (ValueError, RecursionError):
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
            self.path.replace(self.path.with_name(f"{self.path.name}.damaged-{stamp}"))


def _default_path() -> Path:
    folder = os.environ.get("IAMLAB_DATA_DIR")
    if not folder:
        import platformdirs  # Comes with JupyterLab.

        folder = platformdirs.user_data_dir("iamlab", appauthor=False)
    return Path(folder) / "progress.json"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _load(path: Path) -> dict[str, Any]:
    return _parse(path.read_bytes(), str(path))


def _parse(text: str | bytes, name: str) -> dict[str, Any]:
    data = json.loads(text)
    if not isinstance(data, dict) or not isinstance(data.get("format"), int):
        raise ValueError("it has no format number")
    if data["format"] > FORMAT:
        raise ProgressError(
            f"{name} was written by a newer iamlab (format {data['format']}, this one reads "
            f"{FORMAT}). Upgrade iamlab; the file is left as it is."
        )
    for part in _PARTS:
        entries = data.setdefault(part, {})
        if not isinstance(entries, dict) or not all(isinstance(e, dict) for e in entries.values()):
            raise ValueError(f"its part {part} is not a table")
        for key, entry in entries.items():
            if entry.get("done_at", "") is None:
                del entry["done_at"]  # So an earlier version of iamlab wrote it.
            for field in entry.keys() & _FIELDS.keys():
                if not isinstance(entry[field], _FIELDS[field]):
                    raise ValueError(f"in its part {part}, {field} of {key} is of another kind")
    _text(data).encode()  # Half a character could be read and not be written.
    return data


def _text(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False)


def _brief(problem: Exception) -> str:
    if isinstance(problem, json.JSONDecodeError):
        return f"it is no JSON: line {problem.lineno}, column {problem.colno}"
    if isinstance(problem, UnicodeError):
        return "it is no text in UTF-8"
    return "it is nested too deep" if isinstance(problem, RecursionError) else str(problem)


def _write(path: Path, data: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_text(data))
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _merge(data: dict[str, Any], other: dict[str, Any]) -> None:
    for name, entry in other["exercises"].items():
        mine = data["exercises"].setdefault(name, entry)
        if entry.get("outcome") == "Done" and mine.get("outcome") != "Done":
            mine["outcome"] = "Done"
            mine |= {key: entry[key] for key in ("done_at",) if key in entry}
        for count in ("checks", "hints"):
            if count in entry or count in mine:
                mine[count] = max(entry.get(count, 0), mine.get(count, 0))
    for name, entry in other["predictions"].items():
        data["predictions"].setdefault(name, entry)
    for name, entry in other["quizzes"].items():
        if entry.get("right", 0) >= data["quizzes"].get(name, {}).get("right", 0):
            data["quizzes"][name] = entry
    for name, entry in other["notes"].items():
        mine, theirs = data["notes"].setdefault(name, entry).get("text", ""), entry.get("text", "")
        if theirs != mine:
            data["notes"][name]["text"] = _join_notes(mine, "", theirs)


def _join_notes(text: str, seen: str, there: str) -> str:
    """Put the lines that others wrote into `there`, since it was `seen`, below `text`."""
    if there == seen:
        return text
    mine, new = text.splitlines(), []
    matcher = difflib.SequenceMatcher(None, seen.splitlines(), there.splitlines(), autojunk=False)
    for kind, _, _, start, end in matcher.get_opcodes():
        if kind in ("insert", "replace"):
            new += there.splitlines()[start:end]
    new = [line for line in new if line.strip() and line not in mine and line != ELSEWHERE]
    return "\n".join([text, "", ELSEWHERE, *new]) if new else text


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file; the operating system lets go of it if the process dies."""
    with path.open("a+b") as file:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield  # Closing the file frees the lock.
