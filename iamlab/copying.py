"""The learner's own copy of the course: made, brought up to date, never overwritten."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

RECORD = ".iamlab-course.json"
PARTS = ("notebooks", "datasets")
WELCOME = "notebooks/00-welcome.ipynb"


class CourseError(Exception):
    """The course cannot be copied or opened. The message says why and what to do next."""


@dataclass
class Copied:
    """What one :func:`copy_course` did. Paths are relative to the folder, with ``/``."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    """The learner's changed file -> the new version that now lies beside it."""


def copy_course(folder: str | Path, source: Path | None = None) -> Copied:
    """Copy the course into a folder, or bring the copy there up to date.

    A file that the learner changed is never written to. Where the course has a newer version
    of it, that one is put beside it as ``NAME.new.ipynb``, once. To know which files were
    changed, the folder keeps the fingerprint of each version it was given.

    Parameters
    ----------
    folder : str or Path
        Where the learner works. Made when it does not exist.
    source : Path, optional
        A folder with ``notebooks/`` and ``datasets/``. Default: :func:`course_source`.

    Returns
    -------
    Copied
        The files added, updated, and kept as the learner left them.

    Raises
    ------
    CourseError
        The folder is the course's own source, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first, second = copy_course(folder), copy_course(folder)
    >>> "notebooks/00-welcome.ipynb" in first.added, second
    (True, Copied(added=[], updated=[], kept={}))
    """
    folder, source = Path(folder).absolute(), source or course_source()
    if folder.resolve() == source.resolve():
        raise CourseError(
            f"{folder} is where the course itself is kept: your work would change it. "
            "Name another folder, for instance: iamlab open my-course"
        )
    given, copied = _read_record(folder), Copied()
    try:
        for name, content in _course_files(source).items():
            _give(folder, name, content, given, copied)
        _write(folder / RECORD, json.dumps(given, indent=1, sort_keys=True).encode())
    except OSError as error:
        raise CourseError(
            f"Cannot write the course to {folder}: {error.strerror or error}. "
            "Name a folder where you may write, for instance: iamlab open ~/iam-course"
        ) from error
    return copied


def course_source() -> Path:
    """Return the folder that holds the course: in the installed package, or in a clone."""
    package = Path(__file__).resolve().parent
    for place in (package / "_course", package.parent):
        if (place / WELCOME).is_file():
            return place
    raise CourseError(
        "The lessons are missing from this installation. Install iamlab again with pip."
    )


def _give(folder: Path, name: str, content: bytes, given: dict[str, str], copied: Copied) -> None:
    target, offered = folder / name, given.get(name)
    new, there = _fingerprint(content), _fingerprint_of(target)
    if there == new:
        pass
    elif there is None:
        _write(target, content)
        copied.added.append(name)
    elif there == offered:
        _write(target, content)
        copied.updated.append(name)
    elif offered != new:
        beside = _free_name(target, new)
        _write(beside, content)
        copied.kept[name] = beside.relative_to(folder).as_posix()
    given[name] = new


def _free_name(target: Path, new: str) -> Path:
    number = 1
    while True:
        mark = ".new" if number == 1 else f".new-{number}"
        beside = target.with_name(f"{target.stem}{mark}{target.suffix}")
        if _fingerprint_of(beside) in (None, new):
            return beside
        number += 1


def _course_files(source: Path) -> dict[str, bytes]:
    files = {}
    for path in sorted(file for part in PARTS for file in (source / part).rglob("*")):
        name = path.relative_to(source)
        hidden = any(part.startswith((".", "__")) for part in name.parts)
        if path.is_file() and not hidden:
            files[name.as_posix()] = path.read_bytes()
    return files


def _read_record(folder: Path) -> dict[str, str]:
    # A damaged record only makes us careful: every file that differs then counts as changed.
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write(path: Path, content: bytes) -> None:
    # Whole or not at all: a full disk or a pulled plug must not leave half a notebook.
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _fingerprint_of(path: Path) -> str | None:
    return _fingerprint(path.read_bytes()) if path.exists() else None
