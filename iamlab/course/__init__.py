"""The course's frame: exercises, checks, hints, quizzes and progress. It knows no one lesson."""

from iamlab.course.bench import Bench
from iamlab.course.card import Card, Outcome
from iamlab.course.desk import Desk
from iamlab.course.exercise import Exercise, Wrong
from iamlab.course.exercise_desk import ExerciseDesk
from iamlab.course.lesson import Lesson
from iamlab.course.look import Look, Probe, reason
from iamlab.course.manifest import read_manifest
from iamlab.course.map_desk import Entry, MapDesk
from iamlab.course.notes_desk import NotesDesk
from iamlab.course.progress import Progress, ProgressError
from iamlab.course.quiz import Order, Prediction, Question, WrongOrder
from iamlab.course.quiz_desk import PredictionDesk, QuizDesk
from iamlab.course.world import Role, World

__all__ = [
    "Bench",
    "Card",
    "Desk",
    "Entry",
    "Exercise",
    "ExerciseDesk",
    "Lesson",
    "Look",
    "MapDesk",
    "NotesDesk",
    "Order",
    "Outcome",
    "Prediction",
    "PredictionDesk",
    "Probe",
    "Progress",
    "ProgressError",
    "Question",
    "QuizDesk",
    "Role",
    "World",
    "Wrong",
    "WrongOrder",
    "read_manifest",
    "reason",
]
