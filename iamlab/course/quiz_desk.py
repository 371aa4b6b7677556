"""A quiz and a prediction at the learner's desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iamlab.course.card import Outcome
from iamlab.course.desk import TONES, Desk
from iamlab.course.quiz import Order, headline, mark, quiz_outcome

if TYPE_CHECKING:
    from iamlab.course.lesson import Lesson


class QuizDesk(Desk):
    """The quiz of a lesson: choices, and steps to put in order.

    Examples
    --------
    >>> from iamlab.lessons import open_lesson
    >>> desk = QuizDesk(open_lesson("02"))
    >>> desk.do("answer", {"number": 1, "answer": "a"})
    {}
    >>> desk.state()["summary"].startswith("1 of")
    True
    """

    def __init__(self, lesson: Lesson) -> None:
        self._lesson = lesson
        self._given: dict[int, str] = {}
        self._marked: dict[int, str] = {}
        self._asked = False
        self._news = ""

    def state(self) -> dict[str, Any]:
        """Return the questions with what was answered and, once marked, what to say of it."""
        questions = self._lesson.questions
        marked = len(self._marked) == len(questions) and self._marked == self._given
        right = sum(q.judge(self._marked[n])[0] for n, q in self._numbered() if n in self._marked)
        outcome = quiz_outcome(len(self._given) if not marked else len(questions), len(questions))
        if outcome is Outcome.DONE and not marked:
            outcome = Outcome.NOT_YET
        if marked:
            summary = f"{headline(right, len(questions), len(questions))}."
        else:
            summary = f"{len(self._given)} of {len(questions)} questions answered."
        return {
            "title": f"Quiz of lesson {self._lesson.id}",
            "tone": TONES[outcome],
            "chip": str(outcome),
            "summary": summary,
            "questions": [
                self._question(number, question) for number, question in self._numbered()
            ],
            "button": "Mark my answers",
            "news": self._news,
            "problem": self.problem,
        }

    def act(self, what: str, value: Any) -> None:
        """Take an answer, move a step, or mark the quiz."""
        self._news = ""
        match what:
            case "answer" | "move":
                number = value["number"]
                question = dict(self._numbered())[number]
                answer = question.read(value["answer"])
                if answer is None:
                    return
                self._given[number] = answer
                if what == "move":
                    place = answer.index(value["moved"])
                    text = question.choices[question.letters.index(value["moved"])]
                    self._news = f"Now step {place + 1} of {len(answer)}: {text}"
            case "mark":
                self._asked, self._marked = True, dict(self._given)
                card = self._lesson.quiz(**{f"q{n}": a for n, a in self._given.items()})
                left = len(self._lesson.questions) - len(self._given)
                self._news = f"{card.head}." if card.done else f"Not answered yet: {left}."

    def words(self) -> str:
        """Say the questions and the answers, and the call that does the same."""
        answers = {f"q{n}": answer for n, answer in self._marked.items()}
        blanks = ", ".join(f'q{n}=""' for n, _ in self._numbered())
        card, _, _ = mark(self._lesson.questions, answers)
        return f"{card}\nWithout buttons: lesson.quiz({blanks})"

    def _numbered(self) -> list[tuple[int, Any]]:
        return list(enumerate(self._lesson.questions, start=1))

    def _question(self, number: int, question: Any) -> dict[str, Any]:
        given = self._given.get(number, "")
        said, right = "", None
        if given and self._marked.get(number) == given:
            right, said = question.judge(given)
        elif self._asked and not given:
            said = "Not answered yet."
        order = isinstance(question, Order)
        pairs = dict(zip(question.letters, question.choices, strict=True))
        return {
            "kind": "order" if order else "choice",
            "ask": f"{number}. {question.ask}",
            "choices": [[letter, pairs[letter]] for letter in (given if order else "") or pairs],
            "given": given,
            "right": right,
            "said": said,
        }


class PredictionDesk(Desk):
    """A guess, written down before the code runs and answered after it.

    Examples
    --------
    >>> from iamlab.lessons import open_lesson
    >>> desk = PredictionDesk(open_lesson("02"), "case")
    >>> desk.do("guess", "denied")
    {}
    >>> desk.state()["guess"]
    'denied'
    """

    def __init__(self, lesson: Lesson, name: str) -> None:
        self._lesson, self._name = lesson, name
        self._prediction = lesson.predictions[name]
        self._since = lesson.bench.cells
        self._answer = ""
        self._news = ""

    def state(self) -> dict[str, Any]:
        """Return the question, the guess, and what to do next or what happened."""
        entries = self._lesson.progress.read()["predictions"]
        guess = entries.get(f"{self._lesson.id}-{self._name}", {}).get("guess", "")
        if self._answer:
            told = self._answer
        elif guess:
            told = f"You guess: {guess}. Now run the next cell. Then ask what happened."
        else:
            told = "Choose, and write it down. Then run the next cell."
        return {
            "title": "Your guess",
            "ask": self._prediction.ask,
            "choices": list(self._prediction.choices),
            "guess": guess,
            "text": told,
            "button": "" if guess else "Write it down",
            "reveal": "What happened?" if guess and not self._answer else "",
            "news": self._news,
            "problem": self.problem,
        }

    def act(self, what: str, value: Any) -> None:
        """Write the guess down, or put what happens beside it."""
        self._news = ""
        if what == "guess":
            card = self._lesson.predict(self._name, value)
            if card.outcome is Outcome.NOT_ATTEMPTED:
                self._news = "Choose one of them first."
            self._since = self._lesson.bench.cells
        elif what == "reveal":
            if self._lesson.bench.cells == self._since:
                self._news = "Run the next cell first."
            else:
                self._answer = " ".join(self._lesson.reveal(self._name).text.split())

    def words(self) -> str:
        """Say the question, the guess, and the calls that do the same."""
        state, name = self.state(), self._name
        choices = " or ".join(f'"{choice}"' for choice in state["choices"])
        calls = f'lesson.predict("{name}", {choices}), lesson.reveal("{name}")'
        lines = [state["title"], state["ask"], state["text"], state["problem"]]
        return "\n".join([*filter(None, lines), f"Without buttons: {calls}"])
