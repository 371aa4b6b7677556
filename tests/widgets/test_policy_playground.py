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


def test_several_policies_and_levels() -> None:
    page = playground([ALLOW, DENY_DOC], ASK, scp=[[ALLOW, ALLOW], ALLOW])
    assert set(page.policies) == {"identity", "identity-2", "scp", "scp-1.2", "scp-2"}
    assert page.decision is not None and page.decision.effect == "explicitDeny"
    assert page.result["sentence"].startswith("Statement 1 of the identity policy number 2 denies")
    assert page.result["marks"]["identity-2"][0]["kind"] == "decided"


DENY_DOC = {"Version": "2012-10-17", "Statement": DENY}


def test_what_is_no_policy_is_refused() -> None:
    with pytest.raises(TypeError, match="not a int"):
        playground(7)  # type: ignore[arg-type]


def test_a_policy_that_is_taken_away() -> None:
    page = playground([ALLOW, DENY_DOC], ASK)
    ask(page, ping="a", texts={"policies": {"identity-2": None}})
    assert set(page.policies) == {"identity"}
    assert page.decision is not None and page.decision.allowed


def test_the_verdict_comes_first_and_advice_when_it_is_wanted() -> None:
    page = playground(ALLOW, ASK)
    wrong = json.dumps(ALLOW | {"Statement": {**ALLOW["Statement"], "Action": "s3:GetObjekt"}})
    assert page.heard({"texts": {"policies": {"identity": wrong}}}) == {}
    assert page.result["effect"] == "implicitDeny" and page.result["advice"] == {}
    assert page.heard({"want": {"advice": True}}) == {"advice": True}
    assert "GetObjekt" in page.result["advice"]["identity"][0]["message"]
    # In Python there is no hurry: the advice is there at once.
    page.policies = page.policies | {"identity": wrong.replace("Objekt", "Objekte")}
    assert "GetObjekte" in page.result["advice"]["identity"][0]["message"]


def test_changes_come_with_the_texts_they_lead_to() -> None:
    page = playground(ALLOW | {"Statement": {**ALLOW["Statement"], "Action": "s3:Put*"}}, ASK)
    assert page.decision is not None and not page.decision.allowed
    for way in page.heard({"want": {"changes": True}})["changes"]:
        tried = playground(cases=False)
        tried.policies = page.policies | way["texts"]["policies"]
        tried.request = page.request | way["texts"]["request"]
        assert tried.decision is not None and tried.decision.allowed, way["sentences"]
    # A change of the context, and back from allowed to denied.
    statement = ALLOW["Statement"] | {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}
    page = playground(ALLOW | {"Statement": statement}, ASK)
    (way, *_) = page.heard({"want": {"changes": True}})["changes"]
    assert way["texts"] == {"policies": {}, "request": {"context": "aws:SecureTransport = true"}}
    page.request = page.request | way["texts"]["request"]
    assert page.decision is not None and page.decision.allowed
    assert page.heard({"want": {"changes": True}})["changes"]
    page.policies = {"identity": "{"}
    assert page.heard({"want": {"changes": True}})["changes"] == []


def test_a_policy_is_read_aloud_when_it_is_wanted() -> None:
    page = playground(ALLOW, ASK)
    assert page.result["aloud"] == {}
    page.heard({"aloud": ["identity"]})
    assert page.result["aloud"] == {
        "identity": [
            {
                "line": 3,
                "title": "Statement 1",
                "text": "Allows `s3:GetObject` (read) on every resource.",
            }
        ]
    }
    page.heard({"aloud": []})
    assert page.result["aloud"] == {}


def test_a_frame_for_every_kind_and_a_challenge_checked() -> None:
    page = playground()
    found = page.heard({"want": {"frame": "scp", "check": page.tasks[0]["name"]}})
    assert json.loads(found["frame"])["Statement"][0]["Action"] == "*"
    assert found["check"]["message"].startswith("Not yet")


def test_open_gives_the_texts_or_the_problem() -> None:
    page = playground(ALLOW, ASK)
    link = page.heard({"want": {"link": True}})["link"]
    assert page.heard({"want": {"open": link}})["open"]["policies"] == page.policies
    assert "not whole" in page.heard({"want": {"open": link[:-3]}})["open"]["problem"]
    assert page.heard({"want": {"file": True}})["file"] == page.save()
