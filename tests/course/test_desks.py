"""What the lesson's cards show and do, without a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from iamlab.course import (
    Bench,
    Desk,
    Entry,
    Exercise,
    ExerciseDesk,
    Lesson,
    Look,
    MapDesk,
    NotesDesk,
    Order,
    Outcome,
    Prediction,
    PredictionDesk,
    Progress,
    Question,
    QuizDesk,
    World,
    Wrong,
    WrongOrder,
)
from iamlab.course.desk import when
from iamlab.course.map_desk import record

ORDER = Order(
    "99",
    "Get dressed.",
    ("shoes", "socks", "hat"),
    "bac",
    "So it is.",
    (WrongOrder("a", "b", "Socks do not go over shoes."),),
)


def check_tag(look: Look, answer: Any) -> None:
    user = look.find("get_user", UserName="ana")
    if user is None:
        look.not_yet("Ana is gone.")
    if not user["User"].get("Tags"):
        look.not_attempted("Ana has no tag.")
    if answer == "break":
        raise KeyError("x")


@pytest.fixture
def lesson(lab: Any, tmp_path: Path) -> Lesson:
    exercise = Exercise(
        id="99-1",
        title="Tag Ana",
        task="Give `ana` a **tag**.",
        starter="x = FILL_ME",
        check=check_tag,
        learned="A tag is a label.",
        hints=("one", "two", "three"),
        solution='x = 1\niam.tag_user(UserName="ana")',
        wrong=(Wrong("a", "b", "c"),),
        belief="Tags do nothing.",
        answer="answer",
        touches=("user/ana",),
    )
    return Lesson(
        id="99",
        title="Test",
        data=tmp_path,
        world=World(users={"ana": {}}),
        exercises=(exercise,),
        predictions={
            "p": Prediction("Is it?", ("yes", "no"), "no", lambda look: "no", "It is not.")
        },
        questions=(Question("98", "Which?", ("this", "that"), "b", "That one."), ORDER),
        progress=Progress(tmp_path / "progress.json"),
    )


def tag(lesson: Lesson) -> None:
    lesson.start()
    boto3.client("iam").tag_user(UserName="ana", Tags=[{"Key": "a", "Value": "b"}])


# The exercise ---------------------------------------------------------------------------------


def test_an_exercise_in_its_four_outcomes(lesson: Lesson) -> None:
    desk = ExerciseDesk(lesson, 1)
    seen = [(desk.state()["chip"], desk.state()["tone"], desk.state()["text"])]
    tag(lesson)
    lesson.bench.ran("exercise-1", "", {"answer": "break"})
    desk.do("check")
    seen.append((desk.state()["chip"], desk.state()["tone"], desk.state()["text"][:27]))
    lesson.bench.ran("exercise-1", "", {"answer": ""})
    desk.do("check")
    seen.append((desk.state()["chip"], desk.state()["tone"], desk.state()["text"]))
    boto3.client("iam").delete_user(UserName="ana")
    desk.do("check")
    seen.append((desk.state()["chip"], desk.state()["tone"], desk.state()["text"]))
    assert seen == [
        ("Not attempted", "info", "Ana has no tag."),
        ("Error", "deny", "The check could not finish:"),
        ("Done", "allow", "A tag is a label.\nMany people believe: Tags do nothing."),
        ("Not yet", "notice", "Ana is gone."),
    ]
    assert desk.state()["count"] == "Checked 4 times."
    assert desk.state()["before"].startswith("You did this exercise on ")
    assert desk.state()["before"].endswith("Your progress keeps that.")


def test_hints_one_at_a_time_and_then_a_solution(lesson: Lesson) -> None:
    desk = ExerciseDesk(lesson, 1)
    buttons = [desk.state()["hint_button"]]
    for _ in range(3):
        assert desk.state()["solution_button"] == ""
        desk.do("solution")
        assert desk.state()["solution"] is None, "not offered, and so not shown either"
        desk.do("solution")
        desk.do("hint")
        buttons.append(desk.state()["hint_button"])
    assert buttons == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", ""]
    assert desk.state()["hints"] == [
        "Hint 1 of 3: one",
        "Hint 2 of 3: two",
        "Hint 3 of 3: three",
    ]
    assert desk.state()["solution_button"] == "Show one solution"
    desk.do("solution")
    assert desk.state()["solution_button"] == "Hide the solution"
    assert desk.state()["solution"]["mine"] == []
    assert "Run the exercise's cell" in desk.state()["solution"]["note"]


def test_the_solution_stands_beside_ones_own(lesson: Lesson) -> None:
    tag(lesson)
    desk = ExerciseDesk(lesson, 1)
    lesson.bench.ran("exercise-1", "x = 1\ntag(ana)", {})
    lesson.bench.ran("scratch", "print()", {})
    desk.do("solution")
    shown = desk.state()["solution"]
    assert shown["mine"] == [["x = 1", False], ["tag(ana)", True]]
    assert shown["one"] == [["x = 1", False], ['iam.tag_user(UserName="ana")', True]]
    assert "does not make them wrong" in shown["note"]


def test_start_again_puts_the_account_back_and_keeps_the_progress(lesson: Lesson) -> None:
    tag(lesson)
    desk = ExerciseDesk(lesson, 1)
    assert desk.state()["chip"] == "Done"
    assert desk.state()["again"]["what"].endswith("stay.")
    assert "began with: the user ana." in desk.state()["again"]["what"]
    desk.do("again")
    state = desk.state()
    assert state["chip"] == "Not attempted"
    assert state["text"].startswith("Back to the lesson's start: the user ana.")
    assert state["before"]
    assert lesson.progress.read()["exercises"]["99-1"]["outcome"] == "Done"
    assert not boto3.client("iam").list_user_tags(UserName="ana")["Tags"]


def test_the_card_and_the_plain_calls_are_equal(lesson: Lesson) -> None:
    desk = ExerciseDesk(lesson, 1)
    desk.do("hint")
    assert lesson.hint(1).text == "1. one\n2. two"
    assert desk.state()["hint_button"] == "Hint 3 of 3"
    tag(lesson)
    assert lesson.check(1).done
    desk.do("check")
    assert str(desk).startswith("Done · Exercise 99-1: Tag Ana\nA tag is a label.")
    assert "Without buttons: lesson.check(1, answer), lesson.hint(1)" in str(desk)


def test_what_cannot_be_saved_is_said(lesson: Lesson, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = ExerciseDesk(lesson, 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    desk.do("hint")
    assert desk.state()["problem"].startswith("This could not be saved: No space left on device.")
    monkeypatch.undo()
    desk.do("hint")
    assert desk.state()["problem"] == "" and len(desk.state()["hints"]) == 1


def test_without_a_widget_a_lesson_shows_its_desks(lesson: Lesson) -> None:
    shown = [
        lesson.exercise(1),
        lesson.prediction("p"),
        lesson.quiz_card(),
        lesson.map(),
        lesson.notes(),
    ]
    assert [str(desk).splitlines()[0] for desk in shown] == [
        "Not attempted · Exercise 99-1: Tag Ana",
        "Your guess",
        "Not attempted · Quiz",
        "Your way through the course: 0 of 1 exercises done.",
        "Your notes on lesson 99: Test",
    ]
    with pytest.raises(ValueError, match="has no exercise"):
        lesson.exercise(7)
    with pytest.raises(ValueError, match="give one of p"):
        lesson.prediction("q")


# The bench ------------------------------------------------------------------------------------


def test_an_answer_belongs_to_the_exercise_it_was_made_for() -> None:
    bench = Bench({1: "answer", 2: "answer", 3: "session"})
    bench.ran("exercise-1", "answer = ''", {"answer": ""})
    bench.ran("another", "answer = 'me'", {"answer": "me"})
    assert bench.answer(1) == "me", "it may be made in a cell of the learner's own"
    bench.ran("exercise-2", "answer = 14", {"answer": 14, "session": "s"})
    assert (bench.answer(1), bench.answer(2)) == ("me", 14)
    assert bench.answer(3) == "s", "a front end that does not name its cells: the variable counts"
    assert bench.answer(4) is None
    assert (bench.code(1), bench.code(3)) == ("answer = ''", "")


# The quiz -------------------------------------------------------------------------------------


def test_an_order_is_read_and_judged() -> None:
    assert ORDER.read(" B, a-c ") == "bac"
    assert [ORDER.read(no) for no in ("", None, "ba", "baa", "bacd", 7)] == [None] * 6
    assert ORDER.judge("bac") == (True, "Right. So it is.")
    assert ORDER.judge("abc") == (False, "Not right. Socks do not go over shoes.")
    assert ORDER.judge("cba") == (False, "Not right. The step at the top comes too early.")
    assert ORDER.judge("bca") == (
        False,
        "Not right. The first step is right. The next one comes too early.",
    )


@pytest.mark.parametrize("right", ["abc", "ba", "bacd", "bab"])
def test_an_order_must_be_another_order_of_all_steps(right: str) -> None:
    with pytest.raises(ValueError, match="is not another order"):
        Order("99", "?", ("x", "y", "z"), right, "b")


def test_a_known_mistake_may_not_fit_the_right_order() -> None:
    with pytest.raises(ValueError, match="has b before a too"):
        Order("99", "?", ("x", "y"), "ba", "b", (WrongOrder("b", "a", "no"),))


def test_the_plain_quiz_takes_an_order(lesson: Lesson) -> None:
    text = str(lesson.quiz(q1="b"))
    assert "put the letters in order between the quotes of q2" in text and "So it is" not in text
    assert lesson.quiz(q1="b", q2="bac").head == "Quiz: 2 of 2 right"
    assert "You said abc. Not right. Socks" in lesson.quiz(q1="b", q2="a b c").text


def test_the_quiz_card_marks_when_it_is_asked_to(lesson: Lesson) -> None:
    desk = QuizDesk(lesson)
    desk.do("answer", {"number": 1, "answer": "a"})
    one, two = desk.state()["questions"]
    assert (one["given"], one["said"], two["given"]) == ("a", "", "")
    desk.do("mark")
    state = desk.state()
    one, two = state["questions"]
    assert (one["right"], one["said"]) == (False, "Not right. That one.")
    assert two["said"] == "Not answered yet."
    assert (state["chip"], state["news"]) == ("Not yet", "Not answered yet: 1.")
    assert "99" not in lesson.progress.read()["quizzes"]
    desk.do("answer", {"number": 1, "answer": "b"})
    assert desk.state()["questions"][0]["said"] == "", "a new answer is not marked yet"
    desk.do("move", {"number": 2, "answer": "bac", "moved": "b"})
    assert desk.state()["news"] == "Now step 1 of 3: socks"
    assert [letter for letter, _ in desk.state()["questions"][1]["choices"]] == list("bac")
    desk.do("mark")
    assert desk.state()["summary"] == "Quiz: 2 of 2 right."
    assert (desk.state()["chip"], desk.state()["tone"]) == ("Done", "allow")
    assert lesson.progress.read()["quizzes"]["99"]["right"] == 2
    assert str(desk).startswith("Done · Quiz: 2 of 2 right")
    assert str(desk).endswith('Without buttons: lesson.quiz(q1="", q2="")')
    desk.do("answer", {"number": 1, "answer": "a"})
    assert desk.state()["chip"] == "Not yet", "what was changed is not marked"


# The prediction -------------------------------------------------------------------------------


def test_a_guess_is_written_down_before_the_run_and_answered_after_it(lesson: Lesson) -> None:
    desk = PredictionDesk(lesson, "p")
    assert (desk.state()["button"], desk.state()["reveal"]) == ("Write it down", "")
    desk.do("guess", "")
    assert desk.state()["news"] == "Choose one of them first."
    desk.do("guess", "yes")
    assert (desk.state()["button"], desk.state()["reveal"]) == ("", "What happened?")
    desk.do("guess", "no")
    assert desk.state()["guess"] == "yes", "the first guess stands"
    desk.do("reveal")
    assert desk.state()["news"] == "Run the next cell first."
    lesson.bench.ran("code-9", "x", {})
    desk.do("reveal")
    assert desk.state()["text"] == (
        "Your guess: yes. What happens: no. It went otherwise. It is not."
    )
    assert desk.state()["reveal"] == ""
    assert PredictionDesk(lesson, "p").state()["guess"] == "yes"


# The map --------------------------------------------------------------------------------------

LESSONS = [
    Entry("01", "Users", "01-users.ipynb", (("01-1", "A"), ("01-2", "B"))),
    Entry("02", "Policies", "02-policies.ipynb", (("02-1", "C"),)),
]


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress(tmp_path / "map" / "progress.json")


def test_the_map_says_what_is_done(progress: Progress) -> None:
    progress.note_check("01-2", "Done")
    progress.note_check("02-1", "Not yet")
    progress.note_quiz("01", 3, 4)
    state = MapDesk(progress, LESSONS, "02").state()
    assert state["summary"] == "1 of 3 exercises done." and state["finished"] == ""
    users, policies = state["lessons"]
    assert (users["title"], users["link"], users["here"]) == ("01 Users", "01-users.ipynb", "")
    assert [(e["title"], e["word"]) for e in users["exercises"]] == [
        ("01-1 A", "not yet"),
        ("01-2 B", "done"),
    ]
    assert (users["summary"], users["quiz"]) == ("1 of 2 exercises done", "Quiz: 3 of 4 right")
    assert (policies["here"], policies["quiz"]) == ("you are here", "Quiz not done")
    for name in ("01-1", "02-1"):
        progress.note_check(name, "Done")
    desk = MapDesk(progress, LESSONS, "02")
    assert desk.state()["finished"] == "You have done every exercise of the course. Well done."
    assert "02 Policies: 1 of 1 exercises done. Quiz not done." in str(desk)


def test_progress_travels_through_a_file(progress: Progress, tmp_path: Path) -> None:
    progress.note_check("01-1", "Done")
    progress.write_note("01", "Keys sign.", "")
    file = MapDesk(progress, LESSONS, "01").do("save")["file"]
    assert file["name"].startswith("iamlab-progress-2") and file["name"].endswith(".json")
    other = Progress(tmp_path / "other" / "progress.json")
    other.note_check("01-2", "Done")
    desk = MapDesk(other, LESSONS, "01")
    desk.do("bring", file)
    assert desk.state()["news"] == (
        f"Brought back from {file['name']}: 1 more exercise is done. Nothing that was here is lost."
    )
    assert desk.state()["done"] == 2 and other.note("01") == "Keys sign."
    desk.do("bring", file)
    assert ": 0 more exercises are done." in desk.state()["news"]
    assert other.note("01") == "Keys sign.", "the same note is not put in twice"


BAD = {
    "empty": "",
    "no JSON": "{",
    "a notebook": '{"cells": []}',
    "a list": "[]",
    "deep": "[" * 100_000,
    "a word for a count": '{"format": 1, "exercises": {"01-1": {"checks": "x"}}}',
    "half a character": '{"format": 1, "notes": {"01": {"text": "\\ud800"}}}',
    "a table of words": '{"format": 1, "notes": {"01": "x"}}',
    "a huge number": '{"format": 1, "quizzes": {"01": {"right": %s}}}' % ("9" * 5000),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_broken_file_is_refused_in_words_and_nothing_is_lost(
    progress: Progress, text: str
) -> None:
    progress.note_check("01-1", "Done")
    before = progress.path.read_bytes()
    desk = MapDesk(progress, LESSONS, "01")
    assert desk.do("bring", {"name": "mine.json", "text": text}) == {}
    said = desk.state()["problem"]
    assert said.startswith("mine.json is not a progress file (") and "Nothing was changed." in said
    assert progress.path.read_bytes() == before
    desk.do("look")
    assert desk.state()["problem"] == ""


def test_a_newer_file_is_refused_in_words(progress: Progress) -> None:
    desk = MapDesk(progress, LESSONS, "01")
    desk.do("bring", {"name": "mine.json", "text": '{"format": 99}'})
    assert desk.state()["problem"].startswith("mine.json was written by a newer iamlab")


def test_the_record_says_that_it_is_no_proof(progress: Progress, lesson: Lesson) -> None:
    progress.note_check("01-1", "Done")
    file = MapDesk(progress, LESSONS, "01").do("record")["file"]
    text = record(progress.read(), LESSONS)
    assert file["text"] == text and file["name"].endswith(".md")
    assert "1 of 3 exercises done." in text and "| 01 Users | 1 of 2 | 20" in text
    assert "| 02 Policies | 0 of 1 |  | Quiz not done |" in text
    assert "This is a record, and not a proof." in text
    target = lesson.record(lesson.data / "record.md")
    assert "| 99 Test | 0 of 1 |" in target.read_text()


# The notes ------------------------------------------------------------------------------------


def test_notes_come_back(progress: Progress) -> None:
    desk = NotesDesk(progress, "02", "Policies")
    assert desk.state()["text"] == "" and desk.state()["saved"].startswith("Nothing is written")
    assert desk.do("save", {"text": "Deny wins.\n  — é", "seen": ""}) == {
        "kept": "Deny wins.\n  — é"
    }
    again = NotesDesk(Progress(progress.path), "02", "Policies")
    assert again.state()["text"] == "Deny wins.\n  — é"
    assert again.state()["saved"].startswith("Saved. The last change was on ")
    assert NotesDesk(progress, "05", "Roles").state()["text"] == ""
    assert json.loads(progress.export_text())["notes"]["02"]["text"] == "Deny wins.\n  — é"
    assert "Deny wins." in str(again)


def test_two_windows_lose_no_line(progress: Progress) -> None:
    one, two = NotesDesk(progress, "02", "P"), NotesDesk(progress, "02", "P")
    first = one.do("save", {"text": "common", "seen": ""})["kept"]
    one.do("save", {"text": "common\nfrom one", "seen": first})
    kept = two.do("save", {"text": "common\nfrom two", "seen": first})["kept"]
    assert kept == "common\nfrom two\n\n(Written in another window:)\nfrom one"
    # The first window goes on, and has not seen the second.
    kept = one.do("save", {"text": "common\nfrom one, more", "seen": "common\nfrom one"})["kept"]
    assert kept.startswith("common\nfrom one, more") and "from two" in kept
    # What one deletes itself is gone.
    assert one.do("save", {"text": "new", "seen": kept})["kept"] == "new"


def test_a_note_that_is_too_long_is_refused_in_words(progress: Progress) -> None:
    desk = NotesDesk(progress, "02", "P")
    desk.do("save", {"text": "short", "seen": ""})
    assert desk.do("save", {"text": "x" * 100_001, "seen": "short"}) == {}
    assert desk.state()["problem"].startswith("These notes have 100,001 characters")
    assert desk.state()["text"] == "short"


def test_half_a_character_does_not_stop_the_saving(progress: Progress) -> None:
    desk = NotesDesk(progress, "02", "P")
    assert desk.do("save", {"text": "a\ud83d", "seen": ""}) == {"kept": "a?"}


def test_the_plain_call_adds_a_line(lesson: Lesson) -> None:
    assert lesson.note("one").text == "one"
    assert lesson.note("two").text == "one\ntwo"
    assert lesson.notes().state()["text"] == "one\ntwo"


def test_a_desk_must_say_what_it_is() -> None:
    desk = Desk()
    for method in (desk.state, desk.words, lambda: desk.act("x", None)):
        with pytest.raises(NotImplementedError):
            method()
    assert when("banana") == "" and when("2026-11-24T10:00:00+00:00") == "24 November 2026"
    assert Outcome.DONE == "Done"
