"""The reading measures themselves."""

from __future__ import annotations

import pytest

from tests.notebooks.reading import grade, plain, prose, split


def test_grade_is_flesch_and_kincaids() -> None:
    # 2 sentences, 12 words, 13 syllables: 0.39 * 6 + 11.8 * 13 / 12 - 15.59.
    text = "The dog ran to the tree. It sat in the cool garden."
    assert grade(text) == pytest.approx(0.39 * 6 + 11.8 * 13 / 12 - 15.59, abs=0.01)


def test_hard_words_and_long_sentences_raise_the_grade() -> None:
    hard = (
        "Notwithstanding considerable organizational heterogeneity, authorization evaluation "
        "invariably necessitates comprehensive examination of applicable documentation."
    )
    assert grade("We ask who you are. Then we ask what you may do.") < 3
    assert grade(hard) > 20


def test_code_tables_and_lists_are_no_prose() -> None:
    text = (
        "# Head\n\nOne `arn:aws:iam::1:user/x` here.\n\n- item\n- two\n\n| a | b |\n\n```py\nx\n```"
    )
    assert prose(text).strip() == "One example here."
    assert split(plain("# Head\n\nOne. Two?\n- item\n- more"))[0].strip() == "Head"
    assert len(split(plain("# Head\n\nOne. Two?\n- item\n- more"))) == 5
