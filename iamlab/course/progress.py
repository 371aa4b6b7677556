"""The learner's progress: one small JSON file in the learner's own data folder."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FORMAT = 1
_PARTS = ("exercises", "predictions", "quizzes")


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
            ``format`` (int), and ``exercises``, ``predictions``, ``quizzes`` (dicts by ID).

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
            except ValueError:
                continue  # Damaged, such as cut short by a full disk: the last good copy counts.
            return data
        return {"format": FORMAT, **{part: {} for part in _PARTS}}

    def note_check(self, exercise: str, outcome: str) -> None:
        """Record that an exercise was checked. Once done, it stays done."""

        def change(data: dict[str, Any]) -> None:
            entry = data["exercises"].setdefault(exercise, {"outcome": outcome, "checks": 0})
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

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write a copy of the progress to `path`, to take along; return the path."""
        target = Path(path)
        _write(target, self.read())
        return target

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Merge an exported file into the progress: of each entry the better one stays.

        Raises
        ------
        ProgressError
            If `path` is missing or is not an exported progress file.
        """
        try:
            other = _load(Path(path))
        except FileNotFoundError:
            raise ProgressError(f"There is no file {path}. Check its name and folder.") from None
        except ValueError as problem:
            raise ProgressError(
                f"{path} is not a progress file ({problem}). Choose the file that "
                "progress.export() wrote."
            ) from None
        self._change(lambda data: _merge(data, other))

    def _change(self, change: Callable[[dict[str, Any]], object]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(self.path.with_name(self.path.name + ".lock")):
            data = self.read()
            self._set_damaged_aside()
            change(data)
            _write(self.path, data)
            # Written second: whenever the process dies, one of the two files is whole.
            _write(self.backup, data)

    def _set_damaged_aside(self) -> None:
        try:
            _load(self.path)
        except FileNotFoundError:
            return
        except ValueError:
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
    data = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or not isinstance(data.get("format"), int):
        raise ValueError("it has no format number")
    if data["format"] > FORMAT:
        raise ProgressError(
            f"{path} was written by a newer iamlab (format {data['format']}, this one reads "
            f"{FORMAT}). Upgrade iamlab; the file is left as it is."
        )
    for part in _PARTS:
        entries = data.setdefault(part, {})
        if not isinstance(entries, dict) or not all(isinstance(e, dict) for e in entries.values()):
            raise ValueError(f"its part {part} is not a table")
    return data


def _write(path: Path, data: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1, ensure_ascii=False)
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
            mine.update(outcome="Done", done_at=entry.get("done_at"))
        for count in ("checks", "hints"):
            if count in entry or count in mine:
                mine[count] = max(entry.get(count, 0), mine.get(count, 0))
    for name, entry in other["predictions"].items():
        data["predictions"].setdefault(name, entry)
    for name, entry in other["quizzes"].items():
        if entry.get("right", 0) >= data["quizzes"].get(name, {}).get("right", 0):
            data["quizzes"][name] = entry


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
