"""The learner's copy: complete, brought up to date, and never written over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iamlab.copying import RECORD, Copied, CourseError, copy_course, course_source

WELCOME = "notebooks/00-welcome.ipynb"
STAFF = "datasets/company/staff.csv"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small course: two notebooks, a dataset, and things that must not be copied."""
    course = tmp_path / "source"
    for name, content in {
        WELCOME: "welcome 1",
        "notebooks/01-users.ipynb": "users 1",
        STAFF: "name\nAda\n",
        "notebooks/.ipynb_checkpoints/00-welcome.ipynb": "checkpoint",
        "datasets/__pycache__/make.pyc": "compiled",
    }.items():
        _write(course / name, content)
    return course


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return tmp_path / "mine"


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_first_copy_is_the_whole_course_and_nothing_hidden(source: Path, mine: Path) -> None:
    copied = copy_course(mine, source)
    assert _files(mine) == {WELCOME, "notebooks/01-users.ipynb", STAFF, RECORD}
    assert sorted(copied.added) == sorted(_files(mine) - {RECORD})
    assert _read(mine / STAFF) == _read(source / STAFF)


def test_the_second_time_nothing_happens(source: Path, mine: Path) -> None:
    copy_course(mine, source)
    before = {name: (mine / name).stat().st_mtime_ns for name in _files(mine) - {RECORD}}
    assert copy_course(mine, source) == Copied()
    assert {name: (mine / name).stat().st_mtime_ns for name in _files(mine) - {RECORD}} == before


def test_an_untouched_file_follows_the_course(source: Path, mine: Path) -> None:
    copy_course(mine, source)
    _write(source / WELCOME, "welcome 2")
    assert copy_course(mine, source).updated == [WELCOME]
    assert _read(mine / WELCOME) == "welcome 2"


def test_a_changed_file_is_kept_and_the_new_version_put_beside_it_once(
    source: Path, mine: Path
) -> None:
    copy_course(mine, source)
    _write(mine / WELCOME, "my answers")
    assert copy_course(mine, source) == Copied()  # the course did not change: nothing to say
    _write(source / WELCOME, "welcome 2")
    assert copy_course(mine, source).kept == {WELCOME: "notebooks/00-welcome.new.ipynb"}
    assert copy_course(mine, source) == Copied()
    assert _read(mine / WELCOME) == "my answers"
    assert _read(mine / "notebooks/00-welcome.new.ipynb") == "welcome 2"


def test_work_in_a_new_version_is_kept_too(source: Path, mine: Path) -> None:
    copy_course(mine, source)
    _write(mine / WELCOME, "my answers")
    _write(source / WELCOME, "welcome 2")
    copy_course(mine, source)
    _write(mine / "notebooks/00-welcome.new.ipynb", "my answers in the new one")
    _write(source / WELCOME, "welcome 3")
    assert copy_course(mine, source).kept == {WELCOME: "notebooks/00-welcome.new-2.ipynb"}
    assert _read(mine / WELCOME) == "my answers"
    assert _read(mine / "notebooks/00-welcome.new.ipynb") == "my answers in the new one"
    assert _read(mine / "notebooks/00-welcome.new-2.ipynb") == "welcome 3"


def test_a_learner_who_takes_the_new_version_gets_updates_again(source: Path, mine: Path) -> None:
    copy_course(mine, source)
    _write(mine / WELCOME, "my answers")
    _write(source / WELCOME, "welcome 2")
    copy_course(mine, source)
    (mine / "notebooks/00-welcome.new.ipynb").replace(mine / WELCOME)
    _write(source / WELCOME, "welcome 3")
    assert copy_course(mine, source).updated == [WELCOME]


def test_a_deleted_file_comes_back(source: Path, mine: Path) -> None:
    copy_course(mine, source)
    (mine / STAFF).unlink()
    assert copy_course(mine, source).added == [STAFF]


def test_a_learners_own_files_are_left_alone(source: Path, mine: Path) -> None:
    _write(mine / "notebooks/02-mine.ipynb", "a lesson of my own")
    _write(mine / "notes.txt", "notes")
    copy_course(mine, source)
    copy_course(mine, source)
    assert _read(mine / "notebooks/02-mine.ipynb") == "a lesson of my own"
    assert _read(mine / "notes.txt") == "notes"


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"notebooks/00-welcome.ipynb": 7}', None])
def test_without_a_readable_record_every_difference_counts_as_the_learners(
    source: Path, mine: Path, damage: str | None
) -> None:
    copy_course(mine, source)
    _write(source / WELCOME, "welcome 2")
    if damage is None:
        (mine / RECORD).unlink()
    else:
        _write(mine / RECORD, damage)
    assert copy_course(mine, source).kept == {WELCOME: "notebooks/00-welcome.new.ipynb"}
    assert _read(mine / WELCOME) == "welcome 1"
    assert json.loads(_read(mine / RECORD)).keys() == {*_files(source)} - {
        "notebooks/.ipynb_checkpoints/00-welcome.ipynb",
        "datasets/__pycache__/make.pyc",
    }


def test_a_copy_that_was_cut_off_is_finished_the_next_time(
    source: Path, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import iamlab.copying as copying

    real, calls = copying.os.replace, []

    def full_disk(part: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(part, target)

    with monkeypatch.context() as patched:
        patched.setattr(copying.os, "replace", full_disk)
        with pytest.raises(CourseError, match="No space left on device"):
            copy_course(mine, source)
    assert len(_files(mine)) == 1, "half a file, or a part of one, was left behind"
    copy_course(mine, source)
    assert _files(mine) == {WELCOME, "notebooks/01-users.ipynb", STAFF, RECORD}


def test_the_courses_own_folder_is_refused(source: Path) -> None:
    with pytest.raises(CourseError, match="Name another folder"):
        copy_course(source, source)
    assert RECORD not in _files(source)


def test_a_folder_that_cannot_be_made_says_what_to_do(source: Path, tmp_path: Path) -> None:
    _write(tmp_path / "file", "not a folder")
    with pytest.raises(CourseError, match=r"Cannot write the course to .*file.*iamlab open"):
        copy_course(tmp_path / "file" / "course", source)


def test_this_course_is_found() -> None:
    assert (course_source() / WELCOME).is_file()
