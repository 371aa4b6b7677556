"""Every exercise of every lesson: its starter, its right answers, its known wrong answers."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import pandas as pd
import pytest
from botocore.exceptions import ClientError

import iamlab
from iamlab.course import Card, Exercise, Lesson, Order, Outcome, Question
from iamlab.course.look import unrecorded
from iamlab.lessons import LESSONS, load_lesson

ALL = [(key, e) for key in LESSONS for e in load_lesson(key).exercises]
IDS = [e.id for _, e in ALL]
RIGHT = [(key, e, code) for key, e in ALL for code in (e.solution, *e.also)]
# Reading boto3's models is most of a lab's start: once is enough for all tests.
LOADER = botocore.loaders.Loader()
WRONG = [(key, e, wrong) for key, e in ALL for wrong in e.wrong]


@pytest.fixture
def lesson(request: pytest.FixtureRequest) -> Any:
    with iamlab.start():
        core = botocore.session.Session()
        core.register_component("data_loader", LOADER)
        boto3.setup_default_session(botocore_session=core)
        opened = load_lesson(request.param)
        opened.start()
        yield opened


def run(lesson: Lesson, exercise: Exercise, code: str) -> Card:
    """Run code as the notebook does: after the first cell and the exercise's starter."""
    names: dict[str, Any] = {
        "boto3": boto3,
        "json": json,
        "pd": pd,
        "ClientError": ClientError,
        "lesson": lesson,
        "lab": lesson.lab,
        "iam": boto3.client("iam"),
        "sts": boto3.client("sts"),
        "s3": boto3.client("s3"),
    }
    exec(exercise.starter, names)
    if code != exercise.starter:
        exec(code, names)
    number = lesson.exercises.index(exercise_of(lesson, exercise.id)) + 1
    answer = (names[exercise.answer],) if exercise.answer else ()
    return lesson.check(number, *answer)


def exercise_of(lesson: Lesson, id: str) -> Exercise:
    return next(e for e in lesson.exercises if e.id == id)


@pytest.mark.parametrize(("lesson", "exercise"), ALL, ids=IDS, indirect=["lesson"])
def test_starter_is_not_attempted(lesson: Lesson, exercise: Exercise) -> None:
    assert run(lesson, exercise, exercise.starter).outcome is Outcome.NOT_ATTEMPTED


@pytest.mark.parametrize(("lesson", "exercise"), ALL, ids=IDS, indirect=["lesson"])
def test_before_the_starter_is_not_attempted(lesson: Lesson, exercise: Exercise) -> None:
    number = IDS_IN_LESSON[exercise.id]
    assert lesson.check(number).outcome is Outcome.NOT_ATTEMPTED


@pytest.mark.parametrize(
    ("lesson", "exercise", "code"),
    RIGHT,
    ids=[f"{e.id}-{n}" for _, e in ALL for n in range(1 + len(e.also))],
    indirect=["lesson"],
)
def test_right_answers_are_done_and_stay_so(lesson: Lesson, exercise: Exercise, code: str) -> None:
    card = run(lesson, exercise, code)
    assert card.outcome is Outcome.DONE, str(card)
    assert card.text.startswith(exercise.learned)
    assert card.text.endswith(exercise.belief)


@pytest.mark.parametrize(
    ("lesson", "exercise", "wrong"),
    WRONG,
    ids=[f"{e.id}-{w.does}" for _, e, w in WRONG],
    indirect=["lesson"],
)
def test_wrong_answers_get_their_own_message(
    lesson: Lesson, exercise: Exercise, wrong: Any
) -> None:
    card = run(lesson, exercise, wrong.code)
    assert card.outcome is Outcome.NOT_YET, str(card)
    assert wrong.says in card.text, str(card)
    others = [w.says for w in exercise.wrong if w is not wrong]
    assert not [says for says in others if says in card.text], str(card)
    reveals_nothing(exercise, card.text, wrong.code)


@pytest.mark.parametrize(
    ("lesson", "exercise", "code"),
    [(key, e, code) for key, e in ALL for code in (e.solution, e.wrong[0].code)],
    ids=[f"{e.id}-{kind}" for _, e in ALL for kind in ("right", "wrong")],
    indirect=["lesson"],
)
def test_checking_leaves_no_trace(lesson: Lesson, exercise: Exercise, code: str) -> None:
    first = run(lesson, exercise, code)
    before = everything(lesson)
    number = IDS_IN_LESSON[exercise.id]
    if not exercise.answer:
        assert lesson.check(number) == first
    else:
        lesson.check(number, "something else")
    assert everything(lesson) == before


def everything(lesson: Lesson) -> list[Any]:
    """The record, the clock's day, and all of IAM as the account's own report gives it."""
    calls = len(lesson.lab.trail.records)
    with unrecorded(lesson.lab):
        details = boto3.client("iam").get_account_authorization_details()
    del details["ResponseMetadata"]
    return [calls, lesson.lab.clock.now().date(), details]


def reveals_nothing(exercise: Exercise, text: str, own: str = "") -> None:
    for secret in (*exercise.secret, exercise.solution):
        if secret in own:
            continue  # The learner wrote it: a message may quote it.
        assert not re.search(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", text), secret


@pytest.mark.parametrize("lesson", LESSONS, indirect=True)
def test_strange_answers_are_never_done(lesson: Lesson) -> None:
    strange = [0, 13.9, True, [], {}, {"principal": 1}, b"", "x", " ", object(), lesson, print]
    for number, exercise in enumerate(lesson.exercises, start=1):
        if exercise.answer:
            for answer in [*strange, boto3.Session(), boto3.Session("AKIANOBODY", "x")]:
                card = lesson.check(number, answer)
                assert card.outcome in (Outcome.NOT_YET, Outcome.NOT_ATTEMPTED), str(card)


@pytest.mark.parametrize("lesson", LESSONS, indirect=True)
def test_order_of_exercises_does_not_matter(lesson: Lesson) -> None:
    for exercise in reversed(lesson.exercises):
        assert run(lesson, exercise, exercise.solution).done, exercise.id
    for exercise in lesson.exercises:
        if not exercise.answer:
            assert lesson.check(IDS_IN_LESSON[exercise.id]).done, exercise.id


@pytest.mark.parametrize("exercise", [e for _, e in ALL], ids=IDS)
def test_exercise_is_complete(exercise: Exercise) -> None:
    assert len(exercise.hints) == 3
    assert len(exercise.also) >= 2
    assert len(exercise.wrong) >= 3
    assert len({w.says for w in exercise.wrong}) == len(exercise.wrong)
    assert len({exercise.solution, *exercise.also}) == 1 + len(exercise.also)
    for text in (exercise.title, exercise.task, exercise.learned, exercise.belief):
        assert text.strip()
    for text in (*exercise.hints, exercise.task):
        reveals_nothing(exercise, text)


@pytest.mark.parametrize("lesson", LESSONS, indirect=True)
def test_again_puts_back_what_any_answer_did(lesson: Lesson) -> None:
    for number, exercise in enumerate(lesson.exercises, start=1):
        for code in (*(w.code for w in exercise.wrong), exercise.solution):
            run(lesson, exercise, code)
            told = lesson.again(number).text
            card = lesson.check(number)
            assert card.outcome is Outcome.NOT_ATTEMPTED, f"{code}\n{card}"
            if "has another unique ID" in told:
                lesson.reset()
        lesson.again(number)  # A second time there is nothing to do.
        assert run(lesson, exercise, exercise.solution).done


@pytest.mark.parametrize("lesson", LESSONS, indirect=True)
def test_again_leaves_the_other_exercises_alone(lesson: Lesson) -> None:
    for exercise in lesson.exercises:
        run(lesson, exercise, exercise.solution)
    calls = len(lesson.lab.trail.records)
    kept = [e for e in lesson.exercises if not e.answer]
    for exercise in kept:
        lesson.again(IDS_IN_LESSON[exercise.id])
        assert lesson.check(IDS_IN_LESSON[exercise.id]).outcome is Outcome.NOT_ATTEMPTED
        for other in kept:
            if other is not exercise:
                assert lesson.check(IDS_IN_LESSON[other.id]).done, (exercise.id, other.id)
        assert len(lesson.lab.trail.records) == calls, "it is not the learner's doing"
        run(lesson, exercise, exercise.solution)
        calls = len(lesson.lab.trail.records)


ORDERS = [q for key in LESSONS for q in load_lesson(key).questions if isinstance(q, Order)]


@pytest.mark.parametrize("order", ORDERS, ids=[o.ask[:30] for o in ORDERS])
def test_each_known_mistake_in_an_order_gets_its_own_message(order: Order) -> None:
    assert order.judge(order.right) == (True, f"Right. {order.because}")
    assert len(order.wrong) >= 3
    got = {
        order.judge("".join(letters))[1]: letters
        for letters in itertools.permutations(order.letters)
        if "".join(letters) != order.right
    }
    for mistake in order.wrong:
        assert f"Not right. {mistake.says}" in got
    assert not [said for said in got if order.because in said or order.right in said]


IDS_IN_LESSON = {
    e.id: n for key in LESSONS for n, e in enumerate(load_lesson(key).exercises, start=1)
}


@pytest.mark.parametrize("key", LESSONS)
def test_lesson_is_complete(key: str) -> None:
    lesson = load_lesson(key)
    assert len(lesson.exercises) >= 5
    assert [e.id for e in lesson.exercises] == [
        f"{key}-{n}" for n in range(1, len(lesson.exercises) + 1)
    ]
    assert any("alone" in e.title for e in lesson.exercises), "no diagnosis without help"
    assert len(lesson.predictions) >= 2
    assert len(lesson.questions) >= 3
    earlier = {q.lesson for q in lesson.questions if isinstance(q, Question)}
    assert earlier == {"00"} if key == "00" else all(name < key for name in earlier)


@pytest.mark.parametrize("lesson", LESSONS, indirect=True)
def test_every_prediction_has_an_answer(lesson: Lesson) -> None:
    for name, prediction in lesson.predictions.items():
        assert "You made no guess" in lesson.reveal(name).text
        assert lesson.predict(name).outcome is Outcome.NOT_ATTEMPTED
        card = lesson.predict(name, prediction.happens.upper())
        assert prediction.happens in card.text
        assert "Your guess was right" in lesson.reveal(name).text
        assert prediction.because in lesson.reveal(name).text
