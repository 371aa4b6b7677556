"""Things to look at and play with: widgets that say in words what they show in colour."""

from iamlab.widgets.access_table import AccessTable, access_matrix
from iamlab.widgets.authenticator import Authenticator, authenticator
from iamlab.widgets.credential_countdown import Countdown, countdown
from iamlab.widgets.credential_timeline import Timeline, timeline
from iamlab.widgets.denial import DenialPage, explain_denial
from iamlab.widgets.exercise_card import ExerciseCard, exercise_card
from iamlab.widgets.notes import Notes, notes
from iamlab.widgets.opens import Opens, opens, opens_figure
from iamlab.widgets.policy_playground import Playground, playground
from iamlab.widgets.progress_map import ProgressMap, progress_map
from iamlab.widgets.quiz_card import PredictionCard, QuizCard, prediction_card, quiz_card
from iamlab.widgets.trust_graph import TrustGraph, trust_graph

__all__ = [
    "AccessTable",
    "Authenticator",
    "Countdown",
    "DenialPage",
    "ExerciseCard",
    "Notes",
    "Opens",
    "Playground",
    "PredictionCard",
    "ProgressMap",
    "QuizCard",
    "Timeline",
    "TrustGraph",
    "access_matrix",
    "authenticator",
    "countdown",
    "exercise_card",
    "explain_denial",
    "notes",
    "opens",
    "opens_figure",
    "playground",
    "prediction_card",
    "progress_map",
    "quiz_card",
    "timeline",
    "trust_graph",
]
