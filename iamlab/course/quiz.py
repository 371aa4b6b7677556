"""Questions: predictions made before a run, and recall questions on earlier lessons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from iamlab.course.card import Card, Outcome
from iamlab.course.look import Look


@dataclass(frozen=True)
class Prediction:
    """A guess that the learner writes down before the code runs.

    Parameters
    ----------
    ask : str
        The question.
    choices : tuple of str
        The words to choose from.
    happens : str
        The choice that is right when the lesson begins. A test holds `truth` to it.
    truth : callable
        ``truth(look)`` asks the account, and returns one of `choices`.
    because : str
        Why it is so. Shown after the guess.
    """

    ask: str
    choices: tuple[str, ...]
    happens: str
    truth: Callable[[Look], str]
    because: str


@dataclass(frozen=True)
class Question:
    """A recall question with one right choice.

    Parameters
    ----------
    lesson : str
        The lesson that it comes from, such as ``"01"``.
    ask : str
        The question.
    choices : tuple of str
        The choices, called a, b, c … in this order.
    right : str
        The letter of the right one.
    because : str
        Why it is right. Shown once the learner has answered.
    """

    lesson: str
    ask: str
    choices: tuple[str, ...]
    right: str
    because: str


def read_guess(guess: object, choices: Sequence[str]) -> str | None:
    """Return the choice that `guess` means, or None: case and spaces do not matter.

    Examples
    --------
    >>> read_guess(" Denied", ("allowed", "denied"))
    'denied'
    """
    text = str(guess or "").strip().lower()
    return next((choice for choice in choices if choice.lower() == text), None)


def mark(questions: Sequence[Question], answers: Mapping[str, str]) -> tuple[Card, int, int]:
    """Mark a quiz.

    Parameters
    ----------
    questions : sequence of Question
        The questions, called q1, q2 … in this order.
    answers : mapping of str to str
        From a name such as ``"q1"`` to a letter. Names that are missing or empty are not answered.

    Returns
    -------
    tuple of Card, int, int
        What to show, the number of right answers, and the number of answers.
    """
    lines: list[str] = []
    right = given = 0
    for number, question in enumerate(questions, start=1):
        letters = "abcdefgh"[: len(question.choices)]
        letter = read_guess(answers.get(f"q{number}"), letters)
        lines.append(f"q{number}. {question.ask}")
        lines += [f"   {a}) {text}" for a, text in zip(letters, question.choices, strict=True)]
        if letter is None:
            lines.append(f"   Not answered yet: put a letter between the quotes of q{number}.")
        else:
            given += 1
            right += letter == question.right
            verdict = "Right." if letter == question.right else "Not right."
            lines.append(f"   You said {letter}. {verdict} {question.because}")
        lines.append("")
    unknown = sorted(set(answers) - {f"q{n}" for n in range(1, len(questions) + 1)})
    if unknown:
        lines.append(f"There is no question {', '.join(unknown)}.")
    done = given == len(questions)
    head = f"Quiz: {right} of {len(questions)} right" if done else "Quiz"
    outcome = Outcome.DONE if done else Outcome.NOT_YET if given else Outcome.NOT_ATTEMPTED
    return Card(head, "\n".join(lines).rstrip(), outcome), right, given
