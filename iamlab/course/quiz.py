"""Questions: predictions made before a run, recall questions, and steps to put in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from iamlab.course.card import Card, Outcome
from iamlab.course.look import Look

LETTERS = "abcdefgh"


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

    @property
    def letters(self) -> str:
        """The letters of the choices, such as ``"abc"``."""
        return LETTERS[: len(self.choices)]

    def read(self, answer: object) -> str | None:
        """Return the letter that `answer` means, or None."""
        return read_guess(answer, self.letters)

    def judge(self, given: str) -> tuple[bool, str]:
        """Return whether `given` is right, and what to say of it."""
        right = given == self.right
        return right, f"{'Right.' if right else 'Not right.'} {self.because}"


@dataclass(frozen=True)
class WrongOrder:
    """A mistake in an order: one step stands before another, and should not.

    Parameters
    ----------
    first, then : str
        The letters of the two steps: the learner has `first` somewhere before `then`.
    says : str
        What the learner reads. It does not give the order away.
    """

    first: str
    then: str
    says: str


@dataclass(frozen=True)
class Order:
    """Steps that the learner puts in order.

    Parameters
    ----------
    lesson : str
        The lesson that it is about, such as ``"05"``.
    ask : str
        The question.
    choices : tuple of str
        The steps, called a, b, c … in the order in which they are shown.
    right : str
        The letters in the right order, such as ``"cab"``.
    because : str
        Why it is so. Shown once the order is right.
    wrong : tuple of WrongOrder
        The known mistakes. The first that fits is named.

    Raises
    ------
    ValueError
        If `right` is not an order of all steps, is the order shown, or breaks one of `wrong`.

    Examples
    --------
    >>> dress = Order("00", "Get dressed.", ("shoes", "socks"), "ba", "So it is.",
    ...               (WrongOrder("a", "b", "Socks do not go over shoes."),))
    >>> dress.judge("ab")
    (False, 'Not right. Socks do not go over shoes.')
    """

    lesson: str
    ask: str
    choices: tuple[str, ...]
    right: str
    because: str
    wrong: tuple[WrongOrder, ...] = ()

    def __post_init__(self) -> None:
        if self.read(self.right) != self.right or self.right == self.letters:
            raise ValueError(f"right = {self.right!r} is not another order of {self.letters!r}")
        for mistake in self.wrong:
            if not self.right.index(mistake.then) < self.right.index(mistake.first):
                raise ValueError(f"the right order has {mistake.first} before {mistake.then} too")

    @property
    def letters(self) -> str:
        """The letters of the steps, in the order in which they are shown."""
        return LETTERS[: len(self.choices)]

    def read(self, answer: object) -> str | None:
        """Return the letters of `answer` without what stands between them; None if one lacks."""
        text = re.sub(r"[\s,;>-]+", "", str(answer or "")).lower()
        return text if sorted(text) == list(self.letters) else None

    def judge(self, given: str) -> tuple[bool, str]:
        """Return whether `given` is right, and what to say of it."""
        if given == self.right:
            return True, f"Right. {self.because}"
        for mistake in self.wrong:
            if given.index(mistake.first) < given.index(mistake.then):
                return False, f"Not right. {mistake.says}"
        good = next(n for n, step in enumerate(given) if step != self.right[n])
        top = "The first step is" if good == 1 else f"The first {good} steps are"
        said = f"{top} right. The next one" if good else "The step at the top"
        return False, f"Not right. {said} comes too early."


def read_guess(guess: object, choices: Sequence[str]) -> str | None:
    """Return the choice that `guess` means, or None: case and spaces do not matter.

    Examples
    --------
    >>> read_guess(" Denied", ("allowed", "denied"))
    'denied'
    """
    text = str(guess or "").strip().lower()
    return next((choice for choice in choices if choice.lower() == text), None)


def mark(
    questions: Sequence[Question | Order], answers: Mapping[str, str]
) -> tuple[Card, int, int]:
    """Mark a quiz.

    Parameters
    ----------
    questions : sequence of Question or Order
        The questions, called q1, q2 … in this order.
    answers : mapping of str to str
        From a name such as ``"q1"`` to a letter, or to the letters of the steps in order, such as
        ``"cab"``. Names that are missing or empty are not answered.

    Returns
    -------
    tuple of Card, int, int
        What to show, the number of right answers, and the number of answers.
    """
    lines: list[str] = []
    right = given = 0
    for number, question in enumerate(questions, start=1):
        answer = question.read(answers.get(f"q{number}"))
        lines.append(f"q{number}. {question.ask}")
        pairs = zip(question.letters, question.choices, strict=True)
        lines += [f"   {letter}) {text}" for letter, text in pairs]
        if answer is None:
            what = "a letter" if isinstance(question, Question) else "the letters in order"
            lines.append(f"   Not answered yet: put {what} between the quotes of q{number}.")
        else:
            good, said = question.judge(answer)
            given += 1
            right += good
            lines.append(f"   You said {answer}. {said}")
        lines.append("")
    unknown = sorted(set(answers) - {f"q{n}" for n in range(1, len(questions) + 1)})
    if unknown:
        lines.append(f"There is no question {', '.join(unknown)}.")
    return (
        Card(
            headline(right, given, len(questions)),
            "\n".join(lines).rstrip(),
            quiz_outcome(given, len(questions)),
        ),
        right,
        given,
    )


def headline(right: int, given: int, questions: int) -> str:
    """Return the headline of a marked quiz: how many are right, once all are answered."""
    return f"Quiz: {right} of {questions} right" if given == questions else "Quiz"


def quiz_outcome(given: int, questions: int) -> Outcome:
    """Return how far a quiz is answered, as an outcome."""
    if given == questions:
        return Outcome.DONE
    return Outcome.NOT_YET if given else Outcome.NOT_ATTEMPTED
