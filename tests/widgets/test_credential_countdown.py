"""The countdown's Python half, on a real lab: time left, and calls before and after expiry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

import iamlab
from iamlab.widgets import Countdown, countdown
from iamlab.widgets.credential_countdown import in_words


@pytest.fixture
def credentials(lab: Any) -> dict[str, Any]:
    return boto3.client("sts").get_session_token(DurationSeconds=3600)


@pytest.fixture
def watch(lab: Any, credentials: dict[str, Any]) -> Iterator[Countdown]:
    page = countdown(lab, credentials)
    yield page
    page.close()


def ask(page: Countdown, do: str, value: Any = None) -> None:
    page._on_message(page, {"do": do, "value": value, "ping": 1}, None)


def test_it_starts_with_the_whole_time(watch: Countdown) -> None:
    assert watch.state["left"] == pytest.approx(3600, abs=30)
    assert watch.state["owner"].endswith(":user/administrator")
    assert watch.state["key"].startswith("ASIA")
    assert watch.state["speed"] == 1 and not watch.state["stopped"]


def test_a_call_works_before_and_is_refused_after(watch: Countdown) -> None:
    ask(watch, "call")
    for _ in range(13):
        ask(watch, "advance", 5)
    ask(watch, "call")
    before, after = watch.calls
    assert before["ok"] and before["said"].endswith(":user/administrator")
    assert not after["ok"] and after["said"].startswith("ExpiredToken: ")
    assert before["at"] < after["at"]
    assert watch.state["calls"] == watch.calls


def test_any_session_can_be_watched(lab: Any, credentials: dict[str, Any]) -> None:
    part = credentials["Credentials"]
    session = boto3.Session(
        aws_access_key_id=part["AccessKeyId"],
        aws_secret_access_key=part["SecretAccessKey"],
        aws_session_token=part["SessionToken"],
    )
    for given in (session, part):
        assert countdown(lab, given).state["left"] == pytest.approx(3600, abs=30)


def test_a_long_term_key_has_no_end(lab: Any) -> None:
    boto3.client("iam").create_user(UserName="ana")
    page = countdown(lab, lab.session("user/ana"))
    assert page.state["left"] is None and page.state["expires"] is None
    assert "long-term key" in str(page)


def test_a_role_session_is_named_by_its_session(lab: Any) -> None:
    trust = (
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",'
        ' "Principal": {"AWS": "111122223333"}}}'
    )
    role = boto3.client("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=trust)
    answer = boto3.client("sts").assume_role(
        RoleArn=role["Role"]["Arn"], RoleSessionName="try", DurationSeconds=900
    )
    page = countdown(lab, answer)
    assert page.state["owner"].endswith(":assumed-role/reader/try")
    assert page.state["left"] == pytest.approx(900, abs=30)


def test_the_speed_is_the_labs(lab: Any, watch: Countdown) -> None:
    ask(watch, "speed", 60)
    assert lab.clock.speed == 60 and watch.state["speed"] == 60
    ask(watch, "speed", 0)
    still = lab.clock.now()
    ask(watch, "look")
    assert lab.clock.now() == still


def test_a_racing_clock_is_slowed_once_at_the_end(lab: Any, watch: Countdown) -> None:
    ask(watch, "speed", 600)
    lab.clock.advance(hours=2)
    ask(watch, "look")
    assert watch.state["left"] < 0 and lab.clock.speed == 1
    assert "normal speed" in watch.state["notice"]
    ask(watch, "speed", 600)
    ask(watch, "look")
    assert lab.clock.speed == 600, "only once: after that the hand on it is the learner's"


def test_time_moved_elsewhere_is_seen(lab: Any, watch: Countdown) -> None:
    lab.clock.advance(minutes=59)
    ask(watch, "look")
    assert watch.state["left"] == pytest.approx(60, abs=30)


def test_a_call_of_the_lessons_own(lab: Any, credentials: dict[str, Any]) -> None:
    def list_my_buckets(session: boto3.Session) -> Any:
        return session.client("s3").list_buckets()["Buckets"]

    page = countdown(lab, credentials, call=list_my_buckets)
    assert page.call_name == "list_my_buckets"
    assert page.call_now()["said"] == "[]"
    assert countdown(lab, credentials, call=lambda session: None).call_now()["said"] == "it worked"


def test_a_fault_in_the_lessons_call_is_shown_not_raised(lab: Any, credentials: Any) -> None:
    row = countdown(lab, credentials, call=lambda session: session.nonsense).call_now()
    assert not row["ok"] and row["said"].startswith("AttributeError")


def test_a_long_answer_is_cut(lab: Any, credentials: Any) -> None:
    said = countdown(lab, credentials, call=lambda session: "x" * 999).call_now()["said"]
    assert len(said) == 200 and said.endswith("…")


def test_nothing_is_called_once_the_lab_is_stopped() -> None:
    lab = iamlab.start()
    called: list[boto3.Session] = []
    page = countdown(lab, boto3.client("sts").get_session_token(), call=called.append)
    lab.stop()
    ask(page, "call")
    ask(page, "speed", 60)
    assert "iamlab.start()" in page.state["stopped"]
    assert not called and lab.clock.speed == 1
    with pytest.raises(RuntimeError, match="stopped"):
        page.call_now()
    assert "Credentials ASIA" in str(page)


@pytest.mark.parametrize("wrong", [None, "ASIA", 5, [], {"AccessKeyId": "ASIA"}])
def test_what_are_no_credentials_is_said(lab: Any, wrong: Any) -> None:
    with pytest.raises(TypeError, match="assume_role returned"):
        countdown(lab, wrong)


def test_the_words_hold_time_and_calls(watch: Countdown) -> None:
    watch.call_now()
    watch.advance(minutes=61)
    watch.call_now()
    words = str(watch)
    assert "Expired 1 min" in words or "Expired 59 s" in words
    assert "✓ worked" in words and "✗ refused" in words and "Lab time" in words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (7260, "2 h 1 min")],
)
def test_lengths_of_time(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
