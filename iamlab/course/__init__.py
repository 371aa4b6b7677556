"""The course's frame: exercises, checks, hints, quizzes and progress. It knows no one lesson."""

from iamlab.course.card import Card, Outcome
from iamlab.course.exercise import Exercise, Wrong
from iamlab.course.lesson import Lesson
from iamlab.course.look import Look, Probe, reason
from iamlab.course.manifest import read_manifest
from iamlab.course.progress import Progress, ProgressError
from iamlab.course.quiz import Prediction, Question
from iamlab.course.world import Role, World

__all__ = [
    "Card",
    "Exercise",
    "Lesson",
    "Look",
    "Outcome",
    "Prediction",
    "Probe",
    "Progress",
    "ProgressError",
    "Question",
    "Role",
    "World",
    "Wrong",
    "read_manifest",
    "reason",
]
