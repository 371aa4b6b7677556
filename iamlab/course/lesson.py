"""A lesson as the learner holds it in a notebook: start, check, hint, solution, predict, quiz."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iamlab.course import quiz
from iamlab.course.bench import Bench
from iamlab.course.card import Card, Outcome
from iamlab.course.desk import Desk
from iamlab.course.exercise import Exercise
from iamlab.course.exercise_desk import ExerciseDesk
from iamlab.course.look import Look, unrecorded
from iamlab.course.map_desk import Entry, MapDesk, record
from iamlab.course.notes_desk import NotesDesk
from iamlab.course.progress import Progress
from iamlab.course.quiz_desk import PredictionDesk, QuizDesk
from iamlab.course.restore import Began, put_back, remember, remove, say
from iamlab.course.world import World

if TYPE_CHECKING:
    from iamlab.account.lab import Lab


@dataclass
class _Story:
    """What a lesson's story left in an account: the keys it hands out, and how things began."""

    keys: dict[str, dict[str, str]]
    began: Began


# Unique ID of the account's administrator -> lesson ID -> its story there.
_PLAYED: dict[str, dict[str, _Story]] = {}


@dataclass
class Lesson:
    """One lesson: its world, its exercises, its questions, and what the learner can ask of it.

    Parameters
    ----------
    id : str
        Two digits, such as ``"01"``.
    title : str
        The lesson's name.
    data : pathlib.Path
        The folder of the company's files.
    world : World
        What stands in the account at the start.
    exercises : tuple of Exercise
        In order: number 1 is the first.
    predictions : mapping of str to Prediction
        By their short names.
    questions : tuple of Question or Order
        The quiz, called q1, q2 … in order.
    show : callable, optional
        Makes what a notebook shows of a :class:`~iamlab.course.desk.Desk`: a widget. By default
        the desk itself, which prints its words.
    course : callable, optional
        Gives the entries of all lessons, for the map. By default this lesson alone.

    Examples
    --------
    >>> from iamlab.lessons import open_lesson
    >>> lesson = open_lesson("01")
    >>> lesson.check(1).outcome.value
    'Not attempted'
    """

    id: str
    title: str
    data: Path
    world: World
    exercises: tuple[Exercise, ...]
    predictions: Mapping[str, quiz.Prediction] = field(default_factory=dict)
    questions: tuple[quiz.Question | quiz.Order, ...] = ()
    progress: Progress = field(default_factory=Progress)
    keys: dict[str, dict[str, str]] = field(default_factory=dict)
    show: Callable[[Desk], Any] = lambda desk: desk
    course: Callable[[], Sequence[Entry]] | None = None
    bench: Bench = field(init=False)

    def __post_init__(self) -> None:
        numbered = enumerate(self.exercises, start=1)
        self.bench = Bench({number: e.answer for number, e in numbered if e.answer})

    @property
    def lab(self) -> Lab:
        """The running lab, with the lesson's world in it. Starts it if need be."""
        return self.start()

    def start(self) -> Lab:
        """Start the lab and build the lesson's world; what is there already stays.

        Returns
        -------
        Lab
            The lab of this kernel.
        """
        import iamlab

        lab = iamlab.start()
        self._build(lab)
        return lab

    def reset(self) -> Card:
        """Give the lesson a fresh account. Progress is kept; what was made in the lab is gone."""
        lab = self.start()
        lab.reset()
        self._build(lab)
        return Card(
            f"Lesson {self.id}",
            "The account is fresh again. Your progress is kept. "
            "Run the notebook's cells again from the top.",
        )

    def check(self, number: int, answer: Any = None) -> Card:
        """Check exercise `number` by asking the account; hand over `answer` where one is asked for.

        Parameters
        ----------
        number : int
            1 for the first exercise.
        answer : object, optional
            What the task asks you to hand over.

        Returns
        -------
        Card
            Not attempted, not yet, error or done, and why.
        """
        exercise = self._exercise(number)
        card = exercise.run_check(Look(self.lab, self.keys), answer)
        self.progress.note_check(exercise.id, card.outcome)
        return card

    def hint(self, number: int) -> Card:
        """Show the next hint of exercise `number`: three in all, from a nudge to almost there."""
        exercise = self._exercise(number)
        shown = min(self._hints_seen(exercise) + 1, len(exercise.hints))
        self.progress.note_hint(exercise.id, shown)
        lines = [f"{n}. {hint}" for n, hint in enumerate(exercise.hints[:shown], start=1)]
        if shown == len(exercise.hints):
            lines.append(f"That was the last hint. lesson.solution({number}) shows one solution.")
        return Card(f"Hints for exercise {exercise.id}", "\n".join(lines))

    def solution(self, number: int, mine: str | None = None) -> Card:
        """Show one solution of exercise `number`, once it is done or three hints were seen.

        Parameters
        ----------
        number : int
            1 for the first exercise.
        mine : str, optional
            Your own code as text: the lines that differ are then marked.
        """
        exercise = self._exercise(number)
        head = f"A solution of exercise {exercise.id}"
        done = self._entry(exercise).get("outcome") == Outcome.DONE
        if not done and self._hints_seen(exercise) < len(exercise.hints):
            left = len(exercise.hints) - self._hints_seen(exercise)
            return Card(
                head,
                f"Try first. There are {left} hints that you have not seen: lesson.hint({number}).",
            )
        if mine is None:
            return Card(head, exercise.solution)
        pair = difflib.ndiff(mine.strip().splitlines(), exercise.solution.strip().splitlines())
        text = "\n".join(line.rstrip() for line in pair if not line.startswith("?"))
        return Card(head, f"Lines with - are yours, lines with + are the solution's.\n{text}")

    def again(self, number: int) -> Card:
        """Start one exercise again: put the users, roles and buckets it is about back.

        The learner's code, the progress and what the other exercises made stay.
        """
        from botocore.exceptions import ClientError

        exercise, lab = self._exercise(number), self.lab
        self.bench.forget(number)
        head = f"Exercise {exercise.id}: {exercise.title}"
        if not exercise.touches:
            return Card(head, "It changes nothing in the account. Run its cell again.")
        others = [t for e in self.exercises if e is not exercise for t in e.touches]
        began = _PLAYED[_account(lab)][self.id].began
        try:
            if exercise.again is None:
                told = put_back(lab, exercise.touches, others, began, self.keys)
            else:
                with unrecorded(lab):
                    for thing in exercise.touches:
                        remove(Look(lab), thing)
                    self.world.build(lab)
                    exercise.again(lab)
                told = []
        except ClientError as problem:
            raise RuntimeError(
                f"Not all could be put back: {problem} lesson.reset() gives you a fresh account."
            ) from problem
        done = (
            f"Back to the lesson's start: {say(exercise.touches)}. Run the exercise's cell again."
        )
        return Card(head, "\n".join([done, *told]))

    def predict(self, name: str, guess: str = "") -> Card:
        """Write down a guess before you run the code. The first guess stands.

        Parameters
        ----------
        name : str
            The prediction's short name, as in the notebook.
        guess : str
            One of the words that the question offers.
        """
        prediction = self._prediction(name)
        choices = " or ".join(f'"{choice}"' for choice in prediction.choices)
        read = quiz.read_guess(guess, prediction.choices)
        if read is None:
            text = f"{prediction.ask}\nWrite {choices} as your guess, and run the cell."
            return Card("Your guess", text, Outcome.NOT_ATTEMPTED)
        self.progress.note_guess(f"{self.id}-{name}", read)
        kept = self.progress.read()["predictions"][f"{self.id}-{name}"]["guess"]
        return Card("Your guess", f"{prediction.ask}\nYou guess: {kept}. Now run the next cell.")

    def reveal(self, name: str) -> Card:
        """Ask the account what happens, and put it beside your guess."""
        prediction = self._prediction(name)
        entry = self.progress.read()["predictions"].get(f"{self.id}-{name}")
        truth = prediction.truth(Look(self.lab, self.keys))
        said = f"Your guess: {entry['guess']}. " if entry else "You made no guess. "
        match = ""
        if entry:
            match = "Your guess was right. " if entry["guess"] == truth else "It went otherwise. "
        return Card("What happened", f"{said}What happens: {truth}. {match}\n{prediction.because}")

    def quiz(self, **answers: str) -> Card:
        """Show the quiz, and mark the answers given, such as ``lesson.quiz(q1="b", q2="a")``."""
        card, right, given = quiz.mark(self.questions, answers)
        if given == len(self.questions):
            self.progress.note_quiz(self.id, right, given)
        return card

    def status(self) -> Card:
        """Show which exercises of this lesson are done."""
        entries = self.progress.read()["exercises"]
        lines = [
            f"{entries.get(e.id, {}).get('outcome', Outcome.NOT_ATTEMPTED)}: {e.id} {e.title}"
            for e in self.exercises
        ]
        done = sum(line.startswith(Outcome.DONE) for line in lines)
        head = f"Lesson {self.id}: {done} of {len(lines)} exercises done"
        return Card(head, "\n".join(lines))

    def exercise(self, number: int) -> Any:
        """Show exercise `number` as a card, checked, with buttons: check, hint, solution, again."""
        self._exercise(number)
        return self.show(ExerciseDesk(self, number))

    def prediction(self, name: str) -> Any:
        """Show a prediction as a card: write the guess down, run the cell, see what happened."""
        self._prediction(name)
        return self.show(PredictionDesk(self, name))

    def quiz_card(self) -> Any:
        """Show the quiz as a card: choose, put steps in order, and have it marked."""
        return self.show(QuizDesk(self))

    def map(self) -> Any:
        """Show what is done of the whole course, and save it to a file or bring it back."""
        return self.show(MapDesk(self.progress, self._entries(), self.id))

    def notes(self) -> Any:
        """Show a field for your own notes on this lesson; they are saved as you type."""
        return self.show(NotesDesk(self.progress, self.id, self.title))

    def note(self, text: str) -> Card:
        """Add a line to your own notes on this lesson."""
        seen = self.progress.note(self.id)
        kept = self.progress.write_note(self.id, f"{seen}\n{text}".strip("\n"), seen)
        return Card(f"Your notes on lesson {self.id}", kept)

    def record(self, path: str | Path) -> Path:
        """Write a short record of what is done (Markdown); return the path. It is no proof."""
        target = Path(path)
        target.write_text(record(self.progress.read(), self._entries()), encoding="utf-8")
        return target

    def entry(self, notebook: str = "") -> Entry:
        """Return this lesson as the map knows it."""
        return Entry(self.id, self.title, notebook, tuple((e.id, e.title) for e in self.exercises))

    def _entries(self) -> Sequence[Entry]:
        return self.course() if self.course else [self.entry()]

    def _build(self, lab: Lab) -> None:
        played = _PLAYED.setdefault(_account(lab), {})
        if played and self.id not in played:
            raise RuntimeError(
                f"Lesson {', '.join(played)} is open in this kernel. Its users would be in your "
                "way. Open each lesson in its own notebook, or call iamlab.start().reset() first: "
                "what you made in the lab is then gone, and your progress is kept."
            )
        if not played:
            # Once only: a first cell that is run again must not play the story twice.
            with unrecorded(lab):
                self.world.build(lab)
            keys = self.world.events(lab) if self.world.events else {}
            claims = [claim for exercise in self.exercises for claim in exercise.touches]
            played[self.id] = _Story(keys, remember(lab, claims))
        self.keys = played[self.id].keys

    def _exercise(self, number: int) -> Exercise:
        if not isinstance(number, int) or not 1 <= number <= len(self.exercises):
            raise ValueError(
                f"Lesson {self.id} has no exercise {number!r}: give 1 to {len(self.exercises)}."
            )
        return self.exercises[number - 1]

    def _prediction(self, name: str) -> quiz.Prediction:
        if name not in self.predictions:
            raise ValueError(
                f"Lesson {self.id} has no prediction {name!r}: give one of "
                f"{', '.join(self.predictions)}."
            )
        return self.predictions[name]

    def _entry(self, exercise: Exercise) -> dict[str, Any]:
        return self.progress.read()["exercises"].get(exercise.id, {})

    def _hints_seen(self, exercise: Exercise) -> int:
        return int(self._entry(exercise).get("hints", 0))


def _account(lab: Lab) -> str:
    # AWS gives a new user a new unique ID: so this tells one fresh account from the next.
    return lab.callers.principal(f"arn:aws:iam::{lab.account_id}:user/administrator").user_id
