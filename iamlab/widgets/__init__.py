"""Things to look at and play with: widgets that say in words what they show in colour."""

from iamlab.widgets.credential_countdown import Countdown, countdown
from iamlab.widgets.policy_playground import Playground, playground

__all__ = ["Countdown", "Playground", "countdown", "playground"]
