"""An exercise: what to do, how it is checked, and the wrong answers that it knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iamlab.course.card import Card, Outcome
from iamlab.course.look import Finding, Look, unrecorded

if TYPE_CHECKING:
    from iamlab.account.lab import Lab


@dataclass(frozen=True)
class Wrong:
    """A wrong answer that learners give.

    Parameters
    ----------
    does : str
        What the learner does, in a few words.
    code : str
        The same as code. A test runs it in place of the starter.
    says : str
        A part of the message that it must get, and no other wrong answer of the exercise gets.
    """

    does: str
    code: str
    says: str


@dataclass(frozen=True)
class Exercise:
    """One task for the learner, and all that the course knows about it.

    Parameters
    ----------
    id : str
        Lesson and number, such as ``"01-3"``. Progress is kept under it: never change it.
    title : str
        A few words.
    task : str
        What to do, in plain words (Markdown).
    starter : str
        The code that the learner begins with. It runs as it is, and changes nothing that counts.
    check : callable
        ``check(look, answer)`` asks the account. It returns when all is right, and else calls
        ``look.not_yet`` or ``look.not_attempted``. It changes nothing.
    learned : str
        What the learner reads when it is done, with the belief after it.
    hints : tuple of str
        Three: from a nudge to almost there. None of them is the answer.
    solution : str
        Code that is one right answer.
    wrong : tuple of Wrong
        The wrong answers that people give, each with its own message.
    belief : str
        The belief behind the wrong answers: what people think, and what AWS does.
    also : tuple of str
        Code of other right answers, written differently.
    answer : str
        The name of the variable that the learner hands to the check; empty for none.
    secret : tuple of str
        Texts that no message and no hint may contain, since they are the answer.
    touches : tuple of str
        The users, roles and buckets that it is about, as :func:`iamlab.course.restore.remember`
        takes them: they are put back when the learner starts this exercise again.
    again : callable, optional
        ``again(lab)`` plays the story's part, once what `touches` names was made anew. For things
        that no call can put back, such as a trust in somebody who was deleted.

    Examples
    --------
    >>> from iamlab.lessons import open_lesson
    >>> open_lesson("01").exercises[0].id
    '01-1'
    """

    id: str
    title: str
    task: str
    starter: str
    check: Callable[[Look, Any], None]
    learned: str
    hints: tuple[str, str, str]
    solution: str
    wrong: tuple[Wrong, ...]
    belief: str
    also: tuple[str, ...] = ()
    answer: str = ""
    secret: tuple[str, ...] = ()
    touches: tuple[str, ...] = ()
    again: Callable[[Lab], object] | None = None

    def run_check(self, look: Look, answer: Any = None) -> Card:
        """Check the exercise against the account that `look` sees.

        Parameters
        ----------
        look : Look
            The account, as checks see it.
        answer : object, optional
            What the learner handed over, for exercises that ask for an answer.

        Returns
        -------
        Card
            With one of the four outcomes. This never raises.
        """
        head = f"Exercise {self.id}: {self.title}"
        try:
            with unrecorded(look.lab):
                self.check(look, answer)
        except Finding as finding:
            return Card(head, str(finding), finding.outcome)
        except Exception as problem:  # A check must never hand a traceback to a beginner.
            return Card(
                head,
                f"The check could not finish: {type(problem).__name__}: {problem}\n"
                "Nothing of yours is lost. Run the exercise's cell again, from its first line. "
                "If this comes back, lesson.reset() gives you a fresh account.",
                Outcome.ERROR,
            )
        return Card(head, f"{self.learned}\nMany people believe: {self.belief}", Outcome.DONE)
