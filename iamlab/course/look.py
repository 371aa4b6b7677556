"""How a check looks at the account: it asks what would happen, and leaves no trace."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import get_ident, main_thread
from typing import TYPE_CHECKING, Any, NoReturn

import boto3

from iamlab.course.card import Outcome

if TYPE_CHECKING:
    from iamlab.account.callers import Caller
    from iamlab.account.lab import Lab
    from iamlab.policy import Decision

# A starter's blank. It is a legal policy text that matches nothing, so a starter runs as it is.
BLANK = "FILL_ME"


class Finding(Exception):
    """What a check found short of "done"; raised by :class:`Look`, caught by the exercise."""

    def __init__(self, outcome: Outcome, text: str) -> None:
        super().__init__(text)
        self.outcome = outcome


@dataclass(frozen=True)
class Probe:
    """A call that must be allowed, or must be denied, and what to say if it is not so.

    Parameters
    ----------
    who : str or boto3.Session
        A principal: ``"user/ana"``, ``"role/auditor"``, a whole ARN, or a session.
    action, resource : str
        As in a policy: ``"s3:GetObject"`` and an ARN.
    allowed : bool
        What should happen.
    say : str
        What the learner reads if the opposite happens: kind, specific, never the answer.
    context : mapping, optional
        Condition keys and values to add to the request.
    """

    who: str | boto3.Session
    action: str
    resource: str
    allowed: bool
    say: str
    context: Mapping[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def unrecorded(lab: Lab) -> Iterator[None]:
    """Keep what the course itself calls out of ``lab.history()``: it is not the learner's doing.

    What a running cell calls at the same time is kept: a card's button works meanwhile, in a
    thread beside the one that runs cells.
    """
    records, before, cells = lab.trail.records, len(lab.trail.records), main_thread().ident
    try:
        yield
    finally:
        beside = get_ident() != cells
        records[before:] = [r for r in records[before:] if beside and r.thread == cells]


class Look:
    """The account as a check sees it: with the lab's administrator's eyes, and without a trace.

    Parameters
    ----------
    lab : Lab
        The running lab.
    keys : mapping, optional
        The access keys that the lesson's story hands out, by name.
    """

    def __init__(self, lab: Lab, keys: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.lab = lab
        self.keys = keys or {}
        self._clients: dict[str, Any] = {}

    # Verdicts -----------------------------------------------------------------------------

    def not_yet(self, say: str) -> NoReturn:
        """End the check: the learner did something, and it is not right yet."""
        raise Finding(Outcome.NOT_YET, say)

    def not_attempted(self, say: str = "Nothing has changed yet.") -> NoReturn:
        """End the check: the learner has not begun."""
        raise Finding(Outcome.NOT_ATTEMPTED, say)

    # Questions to the account -------------------------------------------------------------

    def decide(
        self,
        who: str | boto3.Session,
        action: str,
        resource: str,
        context: Mapping[str, Any] | None = None,
    ) -> Decision:
        """Return what the account would answer to a call, with the policies it has now."""
        return self.lab.decide(who, action, resource, dict(context or {}))

    def allows(self, who: str | boto3.Session, action: str, resource: str, **context: Any) -> bool:
        """Return whether the call would be allowed."""
        return bool(self.decide(who, action, resource, context))

    def probe(self, *probes: Probe) -> None:
        """Try the probes in turn; the first that goes wrong ends the check, with its reason."""
        for probe in probes:
            decision = self.decide(probe.who, probe.action, probe.resource, probe.context)
            if decision.allowed != probe.allowed:
                who = probe.who if isinstance(probe.who, str) else "the session"
                self.not_yet(
                    f"{probe.say}\n\n"
                    f"The call: {who} asks for {probe.action} on {probe.resource}\n"
                    f"It should be {_word(probe.allowed)}. It is {_word(decision.allowed)}.\n"
                    f"Why: {reason(decision)}"
                )

    def arn(self, who: str) -> str:
        """Return the ARN of ``"user/ana"`` or ``"role/x"``; a whole ARN passes through."""
        return who if who.startswith("arn:") else f"arn:aws:iam::{self.lab.account_id}:{who}"

    def client(self, service: str) -> Any:
        """Return a boto3 client of the lab's administrator."""
        if service not in self._clients:
            self._clients[service] = self.lab.account(self.lab.account_id).client(service)
        return self._clients[service]

    def find(self, operation: str, **params: Any) -> dict[str, Any] | None:
        """Call an IAM operation; None where IAM answers that there is no such thing."""
        iam = self.client("iam")
        try:
            return getattr(iam, operation)(**params)
        except iam.exceptions.NoSuchEntityException:
            return None

    def inline(self, who: str) -> dict[str, dict[str, Any]]:
        """Return the inline policies of a user or a role, by name; none if it is not there."""
        kind, name = who.split("/")
        key = f"{kind.capitalize()}Name"
        listed = self.find(f"list_{kind}_policies", **{key: name})
        return {
            policy: self.find(f"get_{kind}_policy", **{key: name, "PolicyName": policy})[
                "PolicyDocument"
            ]
            for policy in (listed or {"PolicyNames": []})["PolicyNames"]
        }

    def attached(self, who: str) -> list[str]:
        """Return the ARNs of the managed policies attached to a user or a role."""
        kind, name = who.split("/")
        listed = self.find(f"list_attached_{kind}_policies", **{f"{kind.capitalize()}Name": name})
        return [p["PolicyArn"] for p in (listed or {"AttachedPolicies": []})["AttachedPolicies"]]

    def needs_policy(self, who: str, policy: str) -> None:
        """End the check as not attempted while the inline policy is missing or has a blank."""
        document = self.inline(who).get(policy)
        if document is None:
            self.not_attempted(f"{who} has no policy called {policy} yet. Run the exercise's cell.")
        if BLANK in json.dumps(document):
            self.not_attempted(f"The policy {policy} still has a blank: change {BLANK}.")

    def caller(self, session: Any) -> Caller:
        """Return who a boto3 session is; what is no working session ends the check.

        Parameters
        ----------
        session : boto3.Session
            What the learner handed over.

        Returns
        -------
        Caller
            With its ARN; its ``session`` has the dates of temporary credentials.
        """
        if session is None:
            self.not_attempted("Make the session first, and hand it to the check.")
        if not hasattr(session, "get_credentials"):
            kind = type(session).__name__
            self.not_yet(f"The check needs a boto3.Session. You gave it a {kind}.")
        keys = session.get_credentials().get_frozen_credentials()
        known = self.lab.callers.find(keys.access_key)
        if known is None:
            self.not_yet(f"No key in this account has the ID {keys.access_key}.")
        if known.secret != keys.secret_key:
            self.not_yet(f"The secret in this session is not the one of key {keys.access_key}.")
        if not known.active:
            self.not_yet(f"The key {keys.access_key} is inactive: every call with it is refused.")
        if (known.token or None) != (keys.token or None):
            self.not_yet("The session token in this session is not the one of its key.")
        return known.caller


def reason(decision: Decision) -> str:
    """Say why, by the engine's facts and without its advice: in an exercise advice is the answer.

    Parameters
    ----------
    decision : Decision
        Of :meth:`Look.decide`.

    Returns
    -------
    str
        One line, and for a call that nothing allows the two values that did not fit.
    """
    if decision.allowed:
        return " ".join(str(decision).splitlines()[1:])
    step = next(s for s in decision.steps if s.policy_type == decision.blocked_by)
    lines = [step.sentence]
    for result in step.statements:
        if decision.effect == "implicitDeny" and result.effect == "Allow" and result.failure:
            fail = result.failure
            key = f" {fail.key}" if fail.key else ""
            says = " or ".join(fail.expected)
            has = " and ".join(fail.actual) if isinstance(fail.actual, tuple) else fail.actual
            lines.append(
                f"{result.policy}, statement {result.index + 1}: its {fail.element}{key} says "
                f"{says}. The call has {has or 'no such key'}."
            )
    return "\n".join(lines[:4])


def _word(allowed: bool) -> str:
    return "allowed" if allowed else "denied"
