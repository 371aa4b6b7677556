"""Progress on disk: nothing is lost, whoever writes and whatever breaks."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from iamlab.course import Progress, ProgressError


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress(tmp_path / "deep" / "progress.json")


def test_nothing_yet(progress: Progress) -> None:
    parts = ("exercises", "predictions", "quizzes", "notes")
    assert progress.read() == {"format": 1, **{part: {} for part in parts}}
    assert not progress.path.exists(), "reading makes no file"


def test_done_stays_done(progress: Progress) -> None:
    for outcome in ("Not attempted", "Not yet", "Done", "Not yet"):
        progress.note_check("01-1", outcome)
    entry = progress.read()["exercises"]["01-1"]
    assert (entry["outcome"], entry["checks"]) == ("Done", 4)
    assert entry["done_at"]


def test_first_guess_stands_and_best_quiz_too(progress: Progress) -> None:
    progress.note_guess("01-new-user", "allowed")
    progress.note_guess("01-new-user", "denied")
    assert progress.read()["predictions"]["01-new-user"]["guess"] == "allowed"
    for right in (1, 3, 2):
        progress.note_quiz("01", right, 3)
    assert progress.read()["quizzes"]["01"]["right"] == 3


def test_hints_only_go_up(progress: Progress) -> None:
    for shown in (1, 3, 2):
        progress.note_hint("01-1", shown)
    assert progress.read()["exercises"]["01-1"]["hints"] == 3


@pytest.mark.parametrize(
    "damage", ["", "{", '{"format": 1, "exercises": {"01-1"', "[]", "\x00" * 9]
)
def test_truncated_file_falls_back_to_the_last_good_copy(progress: Progress, damage: str) -> None:
    progress.note_check("01-1", "Done")
    progress.path.write_text(damage)
    assert progress.read()["exercises"]["01-1"]["outcome"] == "Done"
    progress.note_check("01-2", "Done")
    assert set(progress.read()["exercises"]) == {"01-1", "01-2"}
    aside = list(progress.path.parent.glob("*.damaged-*"))
    assert [path.read_text() for path in aside] == [damage], "the damaged file is kept too"


def test_file_that_is_no_text(progress: Progress) -> None:
    progress.note_check("01-1", "Done")
    progress.path.write_bytes(b"\xff\xfe\x00{")
    assert progress.read()["exercises"]["01-1"]["outcome"] == "Done"


def test_backup_survives_the_loss_of_the_file(progress: Progress) -> None:
    progress.note_check("01-1", "Done")
    progress.path.unlink()
    assert progress.read()["exercises"]["01-1"]["outcome"] == "Done"


def test_a_write_that_fails_loses_nothing(
    progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress.note_check("01-1", "Done")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            progress.note_check("01-2", "Done")
    assert set(progress.read()["exercises"]) == {"01-1"}
    assert not list(progress.path.parent.glob("*.new")), "no half-written file stays"


def test_newer_format_is_left_alone(progress: Progress) -> None:
    progress.path.parent.mkdir()
    text = json.dumps({"format": 2, "exercises": {}})
    progress.path.write_text(text)
    with pytest.raises(ProgressError, match="newer iamlab"):
        progress.note_check("01-1", "Done")
    assert progress.path.read_text() == text


def test_entries_of_another_version_are_kept(progress: Progress) -> None:
    progress.path.parent.mkdir()
    data = {"format": 1, "exercises": {"99-1": {"outcome": "Done", "new": 7}}, "badges": [1]}
    progress.path.write_text(json.dumps(data))
    progress.note_check("01-1", "Done")
    after = progress.read()
    assert after["exercises"]["99-1"] == {"outcome": "Done", "new": 7}
    assert after["badges"] == [1]


def _write(path: str, lesson: str) -> None:
    for number in range(25):
        Progress(path).note_check(f"{lesson}-{number}", "Done")


def test_two_writers_lose_nothing(progress: Progress) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=_write, args=(str(progress.path), lesson)) for lesson in ("01", "02")
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert len(progress.read()["exercises"]) == 50


def test_export_and_import(progress: Progress, tmp_path: Path) -> None:
    progress.note_check("01-1", "Done")
    progress.note_guess("01-x", "yes")
    taken = progress.export(tmp_path / "usb" / "mine.json")
    other = Progress(tmp_path / "other" / "progress.json")
    other.note_check("01-1", "Not yet")
    other.note_check("02-1", "Done")
    other.restore(taken)
    other.restore(taken)
    read = other.read()
    assert {k: v["outcome"] for k, v in read["exercises"].items()} == {
        "01-1": "Done",
        "02-1": "Done",
    }
    assert read["exercises"]["01-1"]["checks"] == 1
    assert read["predictions"]["01-x"]["guess"] == "yes"


def test_import_of_something_else(progress: Progress, tmp_path: Path) -> None:
    progress.note_check("01-1", "Done")
    with pytest.raises(ProgressError, match="There is no file"):
        progress.restore(tmp_path / "missing.json")
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"cells": []}')
    with pytest.raises(ProgressError, match="is not a progress file"):
        progress.restore(wrong)
    assert set(progress.read()["exercises"]) == {"01-1"}


def test_default_place_is_the_learners(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IAMLAB_DATA_DIR", str(tmp_path))
    assert Progress().path == tmp_path / "progress.json"
    monkeypatch.delenv("IAMLAB_DATA_DIR")
    assert Progress().path.parts[-2:] == ("iamlab", "progress.json")
