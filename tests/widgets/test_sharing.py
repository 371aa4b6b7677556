"""Save and share: what goes out comes back, and what is broken is refused in a sentence."""

from __future__ import annotations

import base64
import json
import textwrap
import zlib

import pytest

from iamlab.widgets import playground, sharing
from iamlab.widgets.presets import rows

STATES = [{"policies": row["policies"], "request": row["request"], "names": {}} for row in rows()]


def full(state: dict) -> dict:
    return {part: {k: v for k, v in texts.items() if v} for part, texts in state.items()}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("write", [sharing.as_file, sharing.as_link])
def test_there_and_back(state: dict, write) -> None:
    assert sharing.read(write(state)) == full(state)


@pytest.mark.parametrize("state", STATES)
def test_a_case_fits_into_a_link(state: dict) -> None:
    link = sharing.as_link(state)
    assert len(link) < 900
    assert link.isascii() and not set(link) & set(" /?#&+%=\"'<>")


def test_every_character_survives() -> None:
    state = {
        "policies": {"identity": 'é "\\\u2028 \U0001f5fa \ud7ff\n\t'},
        "request": {},
        "names": {},
    }
    assert sharing.read(sharing.as_link(state)) == full(state)
    assert sharing.read(sharing.as_file(state)) == full(state)


def test_a_link_that_was_broken_into_lines_or_stands_in_a_sentence() -> None:
    link = sharing.as_link(STATES[0])
    for text in (
        "\n".join(textwrap.wrap(link, 70)),
        f"  {link}\r\n",
        f"https://example.com/play#{link}",
    ):
        assert sharing.read(text) == full(STATES[0])


def test_every_way_to_cut_a_link_is_refused() -> None:
    link = sharing.as_link(STATES[1])
    for end in range(9, len(link)):
        with pytest.raises(ValueError, match="is not whole"):
            sharing.read(link[:end])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "There is nothing here. Paste a share text, or choose a file."),
        ("hello", "This is no share text: such a text begins with iamlab1. or is a file."),
        ("iamlab1.", "This text is not whole. Copy all of it, from iamlab1. to its end."),
        ("iamlab2.eJyr", "A newer iamlab made this text. Update iamlab, then try again."),
        ('{"format": ', "This file is broken in line 1. Download it again."),
        ("{" * 100_000, "This file is broken"),
        ("[1]", "This is no share text: such a text begins with iamlab1. or is a file."),
        (
            '{"Version": "2012-10-17", "Statement": []}',
            "This is a policy, not a saved playground. Paste it into an editor.",
        ),
        ("{}", 'This file is no saved playground: it does not say "iamlab playground".'),
        (
            '{"format": "iamlab playground", "version": 2}',
            "A newer iamlab made this file. Update iamlab, then try again.",
        ),
        (
            '{"format": "iamlab playground", "version": 1, "policies": {"identity": 1}}',
            'In this file "policies" is not what it has to be: names and texts.',
        ),
        (
            '{"format": "iamlab playground", "version": 1, "policies": {"bucket": "x"}}',
            "'bucket' names no policy: write one of identity, resource, boundary, session, scp, "
            "rcp",
        ),
        (
            '{"format": "iamlab playground", "version": 1, "request": {"who": "x"}}',
            "The request in this file has an unknown part: 'who'.",
        ),
        ("x" * 1_000_001, "This is too long to be a saved playground."),
    ],
)
def test_what_is_no_playground_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        sharing.read(text)
    assert str(refused.value).startswith(message)


def test_a_small_text_that_unpacks_to_a_huge_one_is_refused() -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b" " * 50_000_000, 9)).decode().rstrip("=")
    with pytest.raises(ValueError, match="is not whole"):
        sharing.read(f"iamlab1.{bomb}")


def test_a_playground_opens_from_either() -> None:
    page = playground(
        {"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}, scp=["", ""]
    )
    for shared in (page.share, page.save()):
        again = playground(shared=shared)
        assert again.policies["identity"] == page.policies["identity"]
        assert again.request == page.request
        assert json.loads(again.save()) == json.loads(page.save())
    with pytest.raises(ValueError, match="not whole"):
        playground(shared=page.share[:-5])
