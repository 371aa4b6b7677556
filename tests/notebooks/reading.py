"""How hard a text is to read, and how long a lesson takes: computed, never guessed."""

from __future__ import annotations

import re
from typing import Any

WORDS_A_MINUTE = 200
# Minutes for what is not reading: measured against nobody yet, so they stand here to be changed.
EXERCISE, PREDICTION, QUESTION, CODE_CELL = 3.0, 0.5, 0.5, 0.25


def minutes(notebook: Any, lesson: Any) -> int:
    """Return the minutes that a lesson takes, rounded to five."""
    words = sum(len(plain(text).split()) for text in markdown(notebook))
    code = sum(cell.cell_type == "code" for cell in notebook.cells)
    total = words / WORDS_A_MINUTE + code * CODE_CELL + len(lesson.exercises) * EXERCISE
    total += len(lesson.predictions) * PREDICTION + len(lesson.questions) * QUESTION
    return round(total / 5) * 5


def markdown(notebook: Any) -> list[str]:
    """Return the text of the Markdown cells."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def grade(text: str) -> float:
    """Return the Flesch-Kincaid grade level of plain text.

    0.39 · words a sentence + 11.8 · syllables a word - 15.59 (Kincaid and others, 1975).
    """
    sentences = split(text)
    words = re.findall(r"[A-Za-z]+(?:'[A-Za-z]+)?", text)
    syllables = sum(map(_syllables, words))
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59


def split(text: str) -> list[str]:
    """Return the sentences of plain text."""
    parts = re.split(r"[.!?:]+[)\"'”]*(?:\s|$)|\n\s*\n", text)
    return [part for part in parts if re.search(r"[A-Za-z]", part)]


def plain(text: str) -> str:
    """Return Markdown as plain words: names in code and ARNs are not words to be read aloud."""
    text = re.sub(r"```.*?```", " ", text, flags=re.S)
    text = re.sub(r"`[^`]*`", "example", text)
    text = re.sub(r"\barn:\S+", "example", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"(?m)^\s*(?:#+|>|[*-]|\d+\.)\s+", "\n\n", text)  # A heading, an item.
    return text.replace("|", " ").replace("*", "")


def prose(text: str) -> str:
    """Return the paragraphs of Markdown in plain words, without headings, lists and tables."""
    blocks = re.sub(r"```.*?```", " ", text, flags=re.S).split("\n\n")
    kept = [b for b in blocks if not re.match(r"\s*(?:#|[-*] |\d+\. |\||>)", b)]
    return "\n\n".join(map(plain, kept))


def _syllables(word: str) -> int:
    word = word.lower()
    groups = re.findall(r"[aeiouy]+", word)
    silent = word.endswith("e") and not word.endswith(("le", "ee")) and len(groups) > 1
    return max(1, len(groups) - silent)
