"""The policy language: read policies, decide requests as AWS does, and say why."""

from __future__ import annotations

from iamlab.policy.decision import Decision, Failure, StatementResult, Step
from iamlab.policy.document import Policy, PolicyError, parse
from iamlab.policy.evaluation import Policies, Request, allows, evaluate

__all__ = [
    "Decision",
    "Failure",
    "Policies",
    "Policy",
    "PolicyError",
    "Request",
    "StatementResult",
    "Step",
    "advise",
    "allows",
    "evaluate",
    "parse",
]


def __getattr__(name: str) -> object:
    if name == "advise":  # needs the catalog of AWS's actions, which is slow to read
        from iamlab.policy.advice import advise

        return advise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
