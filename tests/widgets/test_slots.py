"""The editors by name: order, labels, and their places for the evaluator."""

from __future__ import annotations

import pytest

from iamlab.policy import parse
from iamlab.widgets import slots

DENY = {"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}


@pytest.mark.parametrize("slot", ["", "bucket", "identity-0", "identity-", "scp-1.0", "identity2"])
def test_what_names_no_editor(slot: str) -> None:
    with pytest.raises(ValueError, match="names no policy"):
        slots.read(slot)


@pytest.mark.parametrize("slot", ["identity", "identity-10", "scp-7", "scp-2.3", "rcp"])
def test_a_name_and_back(slot: str) -> None:
    assert slots.slot_of(*slots.read(slot)) == slot


def test_order() -> None:
    mixed = ["rcp", "scp-2.2", "scp-2", "identity-10", "identity-2", "scp", "resource", "identity"]
    assert slots.in_order(mixed) == [
        *("identity", "identity-2", "identity-10", "resource"),
        *("scp", "scp-2", "scp-2.2", "rcp"),
    ]


def test_places_and_back() -> None:
    given = ["identity-2", "identity-5", "scp-2", "scp-4", "scp-4.2", "boundary"]
    places = slots.places(given)
    assert places == {
        ("identity", 0, 0): "identity-2",
        ("identity", 0, 1): "identity-5",
        ("boundary", 0, 0): "boundary",
        ("scp", 0, 0): "scp-2",
        ("scp", 1, 0): "scp-4",
        ("scp", 1, 1): "scp-4.2",
    }
    parsed = {slot: parse(DENY, name=slot) for slot in given}
    gathered = slots.gather(parsed)
    for (kind, level, place), slot in places.items():
        assert gathered.of(kind)[level][place] is parsed[slot]
        assert slots.slot_at((kind, level, place), given) == slot


@pytest.mark.parametrize(
    ("place", "slot"),
    [
        (("identity", 0, 0), "identity"),
        (("identity", 0, 1), "identity-2"),
        (("resource", 0, 0), "resource"),
        (("scp", 1, 0), "scp-2"),
    ],
)
def test_a_new_policy_gets_a_new_slot(place: slots.Place, slot: str) -> None:
    assert slots.slot_at(place, []) == slot


def test_labels() -> None:
    request = {"action": "sts:AssumeRole"}
    every = ["identity", "identity-2", "resource", "scp", "scp-2", "rcp"]
    names = {"identity-2": "ReadAll"}
    assert [slots.label(slot, every, request, names) for slot in every] == [
        "Identity policy 1",
        "Identity policy 2: ReadAll",
        "Trust policy",
        "Service control policy, level 1 (the root)",
        "Service control policy, level 2",
        "Resource control policy",
    ]
    assert slots.label("resource", every, {"action": "kms:Decrypt"}, {}) == "Key policy"


@pytest.mark.parametrize("kind", slots.KINDS)
@pytest.mark.parametrize("action", ["s3:GetObject", "sts:AssumeRole"])
def test_every_frame_is_a_policy(kind: str, action: str) -> None:
    request = {"action": action}
    parse(slots.frame(kind, request), kind=slots.grammar(kind, request))
