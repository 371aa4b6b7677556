"""Things to look at and play with: widgets that say in words what they show in colour."""

from iamlab.widgets.authenticator import Authenticator, authenticator
from iamlab.widgets.credential_countdown import Countdown, countdown
from iamlab.widgets.credential_timeline import Timeline, timeline
from iamlab.widgets.exercise_card import ExerciseCard, exercise_card
from iamlab.widgets.notes import Notes, notes
from iamlab.widgets.policy_playground import Playground, playground
from iamlab.widgets.progress_map import ProgressMap, progress_map
from iamlab.widgets.quiz_card import PredictionCard, QuizCard, prediction_card, quiz_card

__all__ = [
    "Authenticator",
    "Countdown",
    "ExerciseCard",
    "Notes",
    "Playground",
    "PredictionCard",
    "ProgressMap",
    "QuizCard",
    "Timeline",
    "authenticator",
    "countdown",
    "exercise_card",
    "notes",
    "playground",
    "prediction_card",
    "progress_map",
    "quiz_card",
    "timeline",
]
