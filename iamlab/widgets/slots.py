"""The playground's editors: which kinds of policy there are, how many, and what each is called.

An editor is known by its slot: the kind alone (``"identity"``), or with a number
(``"identity-2"``).
For SCPs and RCPs the number is the level of the organization, 1 is the root; a second policy at
level 2 is ``"scp-2.2"``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from iamlab.policy import Policies, Policy

# most: how many editors the page offers; frame: what "Write a frame" puts in.
KINDS: dict[str, dict[str, Any]] = {
    "identity": {
        "label": "Identity policy",
        "note": "attached to the user or role that asks",
        "most": 10,
        "frame": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
    },
    "resource": {
        "label": "Resource policy",
        "note": "of the bucket, queue, key or role asked for",
        "most": 1,
        "frame": {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "s3:GetObject",
            "Resource": "*",
        },
    },
    "boundary": {
        "label": "Permissions boundary",
        "note": "the most the user or role may have",
        "most": 1,
        "frame": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    },
    "session": {
        "label": "Session policy",
        "note": "narrows one session of a role",
        "most": 1,
        "frame": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    },
    "scp": {
        "label": "Service control policy",
        "note": "the most anyone in the account may have",
        "most": 7,
        "frame": {"Effect": "Allow", "Action": "*", "Resource": "*"},
    },
    "rcp": {
        "label": "Resource control policy",
        "note": "the most anyone may do to the account's resources",
        "most": 1,
        "frame": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"},
    },
}
_TRUST_FRAME = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": "sts:AssumeRole",
}
_LEVELLED = ("scp", "rcp")
_SLOT = re.compile(rf"({'|'.join(KINDS)})(?:-([1-9]\d?)(?:\.([1-9]\d?))?)?")


def read(slot: str) -> tuple[str, int, int]:
    """Return kind, number (for SCPs and RCPs the level) and place in the level.

    Raises
    ------
    ValueError
        If it names no editor.

    Examples
    --------
    >>> read("identity"), read("scp-2.3")
    (('identity', 1, 1), ('scp', 2, 3))
    """
    found = _SLOT.fullmatch(slot)
    if not found:
        raise ValueError(f"{slot!r} names no policy: write one of {', '.join(KINDS)}")
    kind, number, place = found.groups()
    return kind, int(number or 1), int(place or 1)


def slot_of(kind: str, number: int, place: int = 1) -> str:
    """Name a slot; the reverse of `read`.

    Examples
    --------
    >>> slot_of("identity", 1), slot_of("scp", 2, 3)
    ('identity', 'scp-2.3')
    """
    if place > 1:
        return f"{kind}-{number}.{place}"
    return kind if number == 1 else f"{kind}-{number}"


def in_order(slots: Iterable[str]) -> list[str]:
    """Sort slots as the page shows them.

    Examples
    --------
    >>> in_order(["scp", "identity-2", "identity"])
    ['identity', 'identity-2', 'scp']
    """
    kinds = list(KINDS)
    return sorted(slots, key=lambda slot: (kinds.index(read(slot)[0]), *read(slot)[1:]))


def grammar(slot: str, request: Mapping[str, str]) -> str:
    """Name the rules a text must follow: a role's resource policy is its trust policy.

    Examples
    --------
    >>> grammar("resource", {"action": "sts:AssumeRole"})
    'trust'
    """
    kind = read(slot)[0]
    action = request.get("action", "").strip().lower()
    if kind == "resource" and action.startswith(("sts:assumerole", "sts:tagsession")):
        return "trust"
    return "key" if kind == "resource" and action.startswith("kms:") else kind


def frame(slot: str, request: Mapping[str, str]) -> dict[str, Any]:
    """Return a small policy to begin with."""
    rules = grammar(slot, request)
    statement = _TRUST_FRAME if rules == "trust" else KINDS[read(slot)[0]]["frame"]
    return {"Version": "2012-10-17", "Statement": [statement]}


def label(
    slot: str, slots: Iterable[str], request: Mapping[str, str], names: Mapping[str, str]
) -> str:
    """Say what stands above an editor.

    Examples
    --------
    >>> label("identity-2", ["identity", "identity-2"], {}, {})
    'Identity policy 2'
    """
    kind, number, _ = read(slot)
    special = {"trust": "Trust policy", "key": "Key policy"}.get(grammar(slot, request))
    text = special or KINDS[kind]["label"]
    if sum(read(other)[0] == kind for other in slots) > 1:
        text += f", level {number}" if kind in _LEVELLED else f" {number}"
        text += " (the root)" if kind in _LEVELLED and number == 1 else ""
    return f"{text}: {names[slot]}" if slot in names else text


def called(slot: str, slots: Iterable[str], names: Mapping[str, str]) -> str:
    """Say which policy it is, as sentences have it: after "the identity policy"."""
    kind, number, _ = read(slot)
    if slot in names:
        return names[slot]
    if sum(read(other)[0] == kind for other in slots) < 2:
        return "above"
    return f"at level {number}" if kind in _LEVELLED else f"number {number}"


Place = tuple[str, int, int]  # type, level and which one there, from 0, as the evaluator counts


def places(slots: Iterable[str]) -> dict[Place, str]:
    """Say where the policies of some slots stand for the evaluator; empty levels are left out.

    Examples
    --------
    >>> places(["scp-2", "identity"])
    {('identity', 0, 0): 'identity', ('scp', 0, 0): 'scp-2'}
    """
    found: dict[Place, str] = {}
    levels: dict[str, list[int]] = {}
    for slot in in_order(slots):
        kind, number, _ = read(slot)
        known = levels.setdefault(kind, [])
        number = number if kind in _LEVELLED else 1
        if number not in known:
            known.append(number)
        level = len(known) - 1
        place = sum((kind, level) == (k, n) for k, n, _ in found)
        found[kind, level, place] = slot
    return found


def slot_at(place: Place, slots: Iterable[str]) -> str:
    """Name the slot at a place; a new one if nothing stands there.

    Examples
    --------
    >>> slot_at(("identity", 0, 1), ["identity"])
    'identity-2'
    """
    found = places(slots)
    if place in found:
        return found[place]
    kind, level, at = place
    return slot_of(kind, level + 1, at + 1) if kind in _LEVELLED else slot_of(kind, at + 1)


def gather(parsed: Mapping[str, Policy]) -> Policies:
    """Put policies together for the evaluator.

    Examples
    --------
    >>> gather({}).identity
    ()
    """
    docs: dict[str, list[list[Policy]]] = {kind: [] for kind in KINDS}
    for (kind, level, _), slot in places(parsed).items():
        docs[kind] += [[] for _ in range(level + 1 - len(docs[kind]))]
        docs[kind][level].append(parsed[slot])
    one = {kind: (docs[kind] or [()])[0] for kind in KINDS if kind not in _LEVELLED}
    many = {f"{kind}s": docs[kind] or None for kind in _LEVELLED}
    return Policies(**one, **many)


def spread(policies: Policies) -> dict[str, Policy]:
    """Give each of some policies its slot; the reverse of `gather`.

    Examples
    --------
    >>> deny = {"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}
    >>> spread(Policies(identity=[deny, deny], scps=[[deny]])).keys()
    dict_keys(['identity', 'identity-2', 'scp'])
    """
    found = {}
    for kind in KINDS:
        for level, docs in enumerate(policies.of(kind), 1):
            for place, policy in enumerate(docs, 1):
                numbers = (level, place) if kind in _LEVELLED else (place,)
                found[slot_of(kind, *numbers)] = policy
    return found
