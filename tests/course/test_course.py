"""The frame: cards, checks that fail by themselves, hints, solutions, quizzes, manifests."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import boto3
import pytest

import iamlab
from iamlab.course import (
    Card,
    Exercise,
    Lesson,
    Look,
    Outcome,
    Prediction,
    Probe,
    Progress,
    Question,
    World,
    Wrong,
    read_manifest,
)
from iamlab.course.look import unrecorded
from iamlab.course.quiz import mark, read_guess


def exercise(check: Any, **parts: Any) -> Exercise:
    given = {
        "id": "99-1",
        "title": "Try",
        "task": "Do it.",
        "starter": "x = 1",
        "check": check,
        "learned": "So it is.",
        "hints": ("one", "two", "three"),
        "solution": "x = 2\ny = 3",
        "wrong": (Wrong("a", "b", "c"),),
        "belief": "b",
    }
    return Exercise(**{**given, **parts})


@pytest.fixture
def lesson(lab: Any, tmp_path: Path) -> Lesson:
    return Lesson(
        id="99",
        title="Test",
        data=tmp_path,
        world=World(users={"ana": {}}, buckets={"larkfield-test": {"k": b"v"}}),
        exercises=(exercise(lambda look, answer: None),),
        predictions={
            "p": Prediction("Is it?", ("yes", "no"), "no", lambda look: "no", "It is not.")
        },
        questions=(Question("98", "Which?", ("this", "that"), "b", "That one."),),
        progress=Progress(tmp_path / "progress.json"),
    )


def test_card_says_the_same_in_words_and_html() -> None:
    card = Card("Head <b>", "One & two\nthree", Outcome.NOT_YET)
    assert str(card) == repr(card) == "Not yet · Head <b>\nOne & two\nthree"
    page = card._repr_html_()
    assert "Not yet · Head &lt;b&gt;" in page and "One &amp; two\nthree" in page
    assert 'role="status"' in page and "color:#1a1a1a" in page and "background:#fff" in page


def test_four_outcomes(lesson: Lesson) -> None:
    look = Look(lesson.lab)
    cases = {
        Outcome.DONE: lambda look, _: None,
        Outcome.NOT_YET: lambda look, _: look.not_yet("Almost."),
        Outcome.NOT_ATTEMPTED: lambda look, _: look.not_attempted("Begin."),
        Outcome.ERROR: lambda look, _: {}["gone"],
    }
    for outcome, check in cases.items():
        assert exercise(check).run_check(look).outcome is outcome
    problem = exercise(cases[Outcome.ERROR]).run_check(look).text
    assert "KeyError" in problem and "lesson.reset()" in problem


def test_probe_shows_the_call_and_the_reason(lesson: Lesson) -> None:
    probe = Probe(
        "user/ana", "s3:GetObject", "arn:aws:s3:::larkfield-test/k", True, "Ana cannot read."
    )
    text = exercise(lambda look, _: look.probe(probe)).run_check(Look(lesson.lab)).text
    assert text.startswith("Ana cannot read.")
    assert "The call: user/ana asks for s3:GetObject on arn:aws:s3:::larkfield-test/k" in text
    assert "It should be allowed. It is denied." in text
    assert "no identity policies" in text


def test_session_that_is_none(lesson: Lesson) -> None:
    def outcome(value: Any) -> Card:
        return exercise(lambda look, answer: look.caller(answer)).run_check(Look(lesson.lab), value)

    assert outcome(None).outcome is Outcome.NOT_ATTEMPTED
    assert "a dict" in outcome({}).text
    assert "No key in this account" in outcome(boto3.Session("AKIANOBODY", "x")).text
    key = boto3.client("iam").create_access_key(UserName="ana")["AccessKey"]
    pair = key["AccessKeyId"], key["SecretAccessKey"]
    assert "The secret in this session" in outcome(boto3.Session(pair[0], "x")).text
    assert "The session token" in outcome(boto3.Session(*pair, "token")).text
    assert outcome(boto3.Session(*pair)).outcome is Outcome.DONE
    boto3.client("iam").update_access_key(UserName="ana", AccessKeyId=pair[0], Status="Inactive")
    assert "is inactive" in outcome(boto3.Session(*pair)).text


def test_unrecorded_hides_only_what_is_inside(lesson: Lesson) -> None:
    boto3.client("sts").get_caller_identity()
    before = len(lesson.lab.history())
    with unrecorded(lesson.lab):
        boto3.client("sts").get_caller_identity()
    assert len(lesson.lab.history()) == before
    boto3.client("sts").get_caller_identity()
    assert len(lesson.lab.history()) == before + 1


def test_unrecorded_keeps_what_a_cell_calls_meanwhile(lesson: Lesson) -> None:
    lab, begun, called = lesson.lab, threading.Event(), threading.Event()

    def check() -> None:
        with unrecorded(lab):
            lab.account(lab.account_id).client("sts").get_caller_identity()
            begun.set()
            called.wait(30)

    button = threading.Thread(target=check)
    button.start()
    assert begun.wait(30)
    boto3.client("iam").list_users()
    called.set()
    button.join()
    assert lab.history()["action"].tolist() == ["iam:ListUsers"]


def test_unrecorded_hides_what_another_thread_did_for_it(lesson: Lesson) -> None:
    sts = lesson.lab.account(lesson.lab.account_id).client("sts")
    with unrecorded(lesson.lab):  # as the instance metadata service does
        server = threading.Thread(target=sts.get_caller_identity)
        server.start()
        server.join()
    assert len(lesson.lab.history()) == 0


def test_start_again_keeps_the_learners_work_and_reset_does_not(lesson: Lesson) -> None:
    iam = boto3.client("iam")
    lab = lesson.start()
    assert len(lab.history()) == 0, "the world is not the learner's doing"
    iam.create_user(UserName="mine")
    iam.tag_user(UserName="ana", Tags=[{"Key": "a", "Value": "b"}])
    lesson.start()
    assert iam.list_user_tags(UserName="ana")["Tags"]
    lesson.check(1)
    lesson.reset()
    assert {user["UserName"] for user in iam.list_users()["Users"]} == {"administrator", "ana"}
    assert not iam.list_user_tags(UserName="ana")["Tags"]
    assert lesson.status().head == "Lesson 99: 1 of 1 exercises done"


def test_the_story_is_played_once(lab: Any, tmp_path: Path) -> None:
    played: list[int] = []

    def events(lab: Any) -> dict[str, dict[str, str]]:
        played.append(1)
        return {"k": {"n": str(len(played))}}

    def opened() -> Lesson:
        new = Lesson("98", "T", tmp_path, World(users={"u": {}}, events=events), ())
        new.start()
        return new

    first, second = opened(), opened()
    assert first.keys == second.keys == {"k": {"n": "1"}}
    second.reset()
    assert second.keys == {"k": {"n": "2"}}


def test_a_second_lesson_in_one_kernel_is_told_apart(lesson: Lesson, tmp_path: Path) -> None:
    lesson.start()
    other = Lesson("98", "T", tmp_path, World(users={"u": {}}), ())
    with pytest.raises(RuntimeError, match="Lesson 99 is open in this kernel"):
        other.start()
    iamlab.start().reset()
    other.start()
    assert [u["UserName"] for u in boto3.client("iam").list_users()["Users"]] == [
        "administrator",
        "u",
    ]


def test_solution_comes_after_three_hints_or_success(lesson: Lesson) -> None:
    assert "3 hints" in lesson.solution(1).text
    assert lesson.hint(1).text == "1. one"
    assert lesson.hint(1).text == "1. one\n2. two"
    assert "1 hints" in lesson.solution(1).text
    assert "lesson.solution(1)" in lesson.hint(1).text
    assert lesson.solution(1).text == "x = 2\ny = 3"
    assert "- x = 1" in lesson.solution(1, "x = 1\ny = 3").text
    assert "  y = 3" in lesson.solution(1, "x = 1\ny = 3").text


def test_guess_comes_first_and_stands(lesson: Lesson) -> None:
    assert lesson.predict("p", "perhaps").outcome is Outcome.NOT_ATTEMPTED
    assert "You made no guess" in lesson.reveal("p").text
    lesson.predict("p", " YES ")
    lesson.predict("p", "no")
    text = lesson.reveal("p").text
    assert "Your guess: yes" in text and "What happens: no" in text and "It is not." in text


def test_quiz_never_answers_an_open_question(lesson: Lesson) -> None:
    assert "That one." not in lesson.quiz().text
    assert "That one." not in lesson.quiz(q1="z").text
    assert lesson.quiz(q1="z").outcome is Outcome.NOT_ATTEMPTED
    assert "no question q9" in lesson.quiz(q9="a").text
    assert lesson.quiz(q1="a").head == "Quiz: 0 of 1 right"
    assert lesson.quiz(q1="B").head == "Quiz: 1 of 1 right"
    assert lesson.progress.read()["quizzes"]["99"]["right"] == 1


def test_mark_counts() -> None:
    questions = [Question("00", f"{n}?", ("x", "y"), "a", "so") for n in range(3)]
    _, right, given = mark(questions, {"q1": "a", "q2": "b", "q3": ""})
    assert (right, given) == (1, 2)


@pytest.mark.parametrize(("guess", "read"), [("Yes", "yes"), (None, None), (7, None), ("y", None)])
def test_read_guess(guess: object, read: str | None) -> None:
    assert read_guess(guess, ("yes", "no")) == read


@pytest.mark.parametrize("number", [0, 2, "1", None])
def test_no_such_exercise(lesson: Lesson, number: Any) -> None:
    with pytest.raises(ValueError, match="has no exercise"):
        lesson.check(number)


def test_no_such_prediction(lesson: Lesson) -> None:
    with pytest.raises(ValueError, match="give one of p"):
        lesson.predict("q", "yes")


def test_lab_that_was_stopped_is_started_anew(lesson: Lesson) -> None:
    lesson.start().stop()
    again = lesson.start()
    assert lesson.lab is again
    assert [u["UserName"] for u in boto3.client("iam").list_users()["Users"]].count("ana") == 1
    iamlab.start().stop()


MANIFEST = """
[[exercise]]
id = "97-1"
title = "t"
task = '''
two
lines
'''
check = "check_it"
starter = "a = FILL_ME"
learned = "l"
hints = ["1", "2", "3"]
belief = "b"
solution.change = [["FILL_ME", "1"]]

[[exercise.wrong]]
does = "d"
says = "s"
change = [["FILL_ME", "2"]]
"""


def manifest(tmp_path: Path, text: str) -> dict[str, Any]:
    path = tmp_path / "words.toml"
    path.write_text(text)
    return read_manifest(path, {"check_it": print})


def test_manifest(tmp_path: Path) -> None:
    (read,) = manifest(tmp_path, MANIFEST)["exercises"]
    assert (read.task, read.solution, read.wrong[0].code) == ("two lines", "a = 1", "a = 2")
    assert read.check is print


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('check = "check_it"', 'check = "check_that"'),
        ('belief = "b"', ""),
        ('belief = "b"', 'belief = "b"\nbeleif = "c"'),
        ('"FILL_ME", "2"', '"FILL_IN", "2"'),
    ],
)
def test_manifest_with_a_mistake_names_the_entry(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(ValueError, match=r"words.toml, entry '97-1'"):
        manifest(tmp_path, MANIFEST.replace(old, new))
