"""The playground's Python half: texts in, verdict out, and words where there is no page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from IPython.testing.globalipapp import start_ipython  # a shell, as in a kernel
from IPython.utils.capture import capture_output

from iamlab.widgets import playground
from iamlab.widgets.policy_playground import Playground

ASK = {
    "principal": "arn:aws:iam::111122223333:user/ana",
    "action": "s3:GetObject",
    "resource": "arn:aws:s3:::larkfield-reports/2026/q3.csv",
}
ALLOW = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
}


def test_a_policy_and_a_request_are_judged_at_once() -> None:
    page = playground(ALLOW, ASK)
    assert page.decision is not None and page.decision.allowed
    assert page.result["effect"] == "allowed"
    assert json.loads(page.policies["identity"]) == ALLOW
    assert page.start == {"policies": page.policies, "request": page.request, "names": {}}


def test_a_change_on_the_page_is_judged() -> None:
    page = playground(ALLOW, ASK)
    page.set_state({"policies": page.policies | {"identity": '{"Version":'}})
    assert page.decision is None
    assert page.result["problems"]["identity"][0]["line"] == 1
    page.set_state({"policies": page.policies | {"identity": json.dumps(ALLOW)}})
    assert page.decision is not None and page.decision.allowed
    page.set_state({"request": page.request | {"action": "s3:PutObject"}})
    assert page.result["effect"] == "implicitDeny"


def test_without_arguments_it_opens_the_first_case() -> None:
    page = playground()
    assert page.policies["identity"] == page.cases[0]["policies"]["identity"]
    assert page.result["effect"] == "implicitDeny"


def test_more_policies_can_be_given() -> None:
    page = playground(ALLOW, ASK, boundary={**ALLOW, "Statement": []} | {"Statement": [DENY]})
    assert page.decision is not None and page.decision.effect == "explicitDeny"
    assert set(page.policies) == {"identity", "boundary"}


DENY = {"Effect": "Deny", "Action": "*", "Resource": "*"}


def test_a_broken_text_is_kept_as_it_was_typed() -> None:
    page = playground('{"Version": "2012-10-17",}', ASK)
    assert page.policies["identity"] == '{"Version": "2012-10-17",}'
    assert page.decision is None and page.result["problems"]["identity"]


def test_the_cases_can_be_left_out() -> None:
    assert playground(ALLOW, ASK, cases=False).cases == []


def test_an_unknown_part_of_the_request_is_refused() -> None:
    with pytest.raises(TypeError, match="who"):
        playground(ALLOW, {"who": "ana"})


def test_print_and_repr_give_the_verdict_in_words() -> None:
    page = playground(ALLOW, ASK)
    assert str(page) == repr(page)
    assert "Allowed" in str(page) and "s3:GetObject" in str(page)


def shown(page: Playground) -> list[dict[str, Any]]:
    start_ipython()
    with capture_output() as seen:
        page._ipython_display_()
    return [output.data for output in seen.outputs]


def test_the_shown_widget_carries_its_words() -> None:
    widget, saved = shown(playground(ALLOW, ASK))
    assert "application/vnd.jupyter.widget-view+json" in widget
    assert widget["text/plain"].startswith("Allowed")
    # What stays in the file for a page that is opened later, with no kernel behind it.
    assert "iamlab.start()" in saved["text/html"] and "Allowed" in saved["text/html"]


def test_what_a_learner_typed_cannot_become_part_of_the_saved_page() -> None:
    page = playground(ALLOW, ASK | {"resource": "<script>alert(1)</script>"})
    saved = shown(page)[1]["text/html"]
    assert "<script>" not in saved and "&lt;script&gt;" in saved


def ask(page: Playground, **message: Any) -> None:
    page._on_message(page, message, None)


def test_only_the_texts_that_the_page_changed_are_taken_over() -> None:
    page = playground(ALLOW, ASK)
    ask(page, ping="a", texts={"policies": {}, "request": {"action": "s3:PutObject"}})
    assert page.request == page.start["request"] | {"action": "s3:PutObject"}
    assert page.policies == page.start["policies"]
    assert page.result["effect"] == "implicitDeny"


def test_a_question_that_is_asked_again_is_done_once_and_answered_twice() -> None:
    page = playground(ALLOW, ASK)
    sent: list[Any] = []
    page.send = sent.append  # type: ignore[method-assign]
    typed = {"ping": "a", "texts": {"request": {"action": "s3:PutObject"}}}
    ask(page, **typed)
    page.request = page.request | {"action": "s3:ListBucket"}
    ask(page, **typed, again=True)  # the first answer was lost: Python's own change must stay
    assert page.request["action"] == "s3:ListBucket"
    assert sent == [{"pong": "a"}] * 2
    ask(page, ping="b", again=True, texts={"request": {"action": "s3:GetObject"}})  # first was lost
    assert page.request["action"] == "s3:GetObject"


def test_the_page_is_always_answered() -> None:
    page = playground(ALLOW, ASK)
    sent: list[Any] = []
    page.send = sent.append  # type: ignore[method-assign]
    page._on_message(page, {"ping": 7}, None)
    assert sent == [{"pong": 7}]
