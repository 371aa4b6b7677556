"""The policy playground: policies and a request, the verdict as you type, and the way to it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import traitlets

from iamlab.policy import Decision, Policy, Request
from iamlab.policy.changes import changes
from iamlab.widgets import challenges, completion, judgement, lab_side, presets, sharing, slots
from iamlab.widgets._base import LabWidget, page_file, page_style
from iamlab.widgets.request_fields import FIELDS, as_fields

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

Doc = dict[str, Any] | str | Policy
Docs = Doc | Sequence[Doc] | None

# What stands there when nothing was given: an honest start, with no verdict but "nothing allows".
_START = presets.rows()[0]


class Playground(LabWidget):
    """The widget behind `playground`.

    Attributes
    ----------
    policies : dict of str to str
        Slot (see `iamlab.widgets.slots`) to the text in its editor.
    request : dict of str to str
        The text of each field: ``principal``, ``action``, ``resource``, ``resource_account``,
        ``context``.
    names : dict of str to str
        Slot to the policy's own name, for those that have one.
    result : dict
        What `iamlab.widgets.judgement.judge` says of them; always up to date.
    """

    _esm = page_file(
        "common.js",
        "editor.js",
        "suggestions.js",
        "decision_path.js",
        "playground_parts.js",
        "playground.js",
    )
    _css = page_style("playground.css") + page_file("decision_path.css")

    policies = traitlets.Dict().tag(sync=True)
    request = traitlets.Dict().tag(sync=True)
    names = traitlets.Dict().tag(sync=True)
    result = traitlets.Dict().tag(sync=True)
    start = traitlets.Dict().tag(sync=True)  # what "Start again" goes back to
    cases = traitlets.List().tag(sync=True)
    tasks = traitlets.List().tag(sync=True)
    kinds = traitlets.Dict(slots.KINDS).tag(sync=True)
    fields = traitlets.Dict(FIELDS).tag(sync=True)
    has_lab = traitlets.Bool().tag(sync=True)

    _decision: Decision | None = None
    _lab: Lab | None = None
    _aloud: tuple[str, ...] = ()
    _quick = False  # the verdict first; advice comes when the learner pauses

    @property
    def decision(self) -> Decision | None:
        """The full `Decision`, or None while the page holds a mistake."""
        return self._decision

    @property
    def lab(self) -> Lab | None:
        """The lab that people and policies can be taken from, if one runs."""
        lab = self._lab or lab_side.running()
        return lab if lab is not None and lab is lab_side.running() else None

    @property
    def share(self) -> str:
        """What stands on the page as one short word, for ``playground(shared=...)``."""
        return sharing.as_link(self._state())

    def save(self) -> str:
        """Return what stands on the page as the text of a small JSON file."""
        return sharing.as_file(self._state())

    def _state(self) -> dict[str, dict[str, str]]:
        return {"policies": self.policies, "request": self.request, "names": self.names}

    @traitlets.observe("policies", "request", "names")
    def _judge(self, _: Any = None) -> None:
        self.result, self._decision = judgement.judge(
            self.policies, self.request, self.names, self._aloud, self._quick
        )

    def heard(self, message: dict[str, Any]) -> dict[str, Any]:
        """Take over the texts that the learner changed on the page, and only these.

        The page gets its own texts and their verdict in one answer, and it never writes an answer
        over what was typed since. What else it wants is in the reply.
        """
        texts, aloud = message.get("texts", {}), tuple(message.get("aloud", ()))
        self._quick = True
        with self.hold_sync(), self.hold_trait_notifications():
            policies = self.policies | texts.get("policies", {})
            self.policies = {slot: text for slot, text in policies.items() if text is not None}
            self.request = self.request | texts.get("request", {})
            self.names = message.get("names", self.names)
            self.has_lab = self.lab is not None
        if aloud != self._aloud:
            self._aloud = aloud
            self._judge()
        self._quick = False
        wanted = message.get("want", {})
        return {name: getattr(self, f"_give_{name}")(wanted[name]) for name in wanted}

    # --- what the page can want: the name of the method is the name of the wish ------------------

    def _give_rows(self, caret: dict[str, Any]) -> dict[str, Any] | None:
        """Completions where the caret is."""
        part, name, at = caret["part"], caret["name"], caret["at"]
        if part == "policies":
            kind = slots.grammar(name, self.request)
            things = lab_side.things(self.lab)
            return completion.complete(self.policies[name], at, kind, self.request, things)
        people, things = lab_side.people(self.lab), lab_side.things(self.lab)
        text = self.request[name]
        return completion.complete_field(name, text, at, self.request, people, things)

    def _give_warm(self, _: bool) -> bool:
        """Read AWS's actions beside what the learner does, before the first completion."""
        threading.Thread(target=completion.warm, daemon=True).start()
        return True

    def _give_advice(self, _: bool) -> bool:
        """Not quick any more: the advice is in the result."""
        self._judge()
        return True

    def _give_changes(self, _: bool) -> list[dict[str, Any]]:
        """The smallest changes that turn the verdict, with the texts they lead to."""
        if self._decision is None:
            return []
        written = [slot for slot, text in self.policies.items() if text.strip()]
        found = []
        for change in changes(self._decision.request, self._decision.policies):
            texts = {
                slots.slot_at(place, written): judgement.as_text(document)
                for place, document in change.documents.items()
            }
            context = as_fields(change.request)["context"]
            old = as_fields(self._decision.request)["context"]
            request = {"context": context} if context != old else {}
            first, *more = change.sentences
            words = [first, *(f"And {text[0].lower()}{text[1:]}" for text in more)]
            found.append({"sentences": words, "texts": {"policies": texts, "request": request}})
        return found

    def _give_frame(self, slot: str) -> str:
        return judgement.as_text(slots.frame(slot, self.request))

    def _give_check(self, name: str) -> dict[str, Any]:
        return challenges.check(name, self.policies)

    def _give_file(self, _: bool) -> str:
        return self.save()

    def _give_link(self, _: bool) -> str:
        return self.share

    def _give_open(self, text: str) -> dict[str, Any]:
        return _or_problem(lambda: sharing.read(text))

    def _give_lab(self, _: bool) -> dict[str, Any]:
        if self.lab is None:
            return {"problem": "No lab is running. Start one: lab = iamlab.start()"}
        return _or_problem(lambda: lab_side.from_lab(self.lab, self.request))

    def words(self) -> str:
        """Say the verdict and its reasons in plain lines."""
        return judgement.in_words(self.result)


def playground(
    policy: Docs | Decision = None,
    request: Request | Mapping[str, Any] | None = None,
    *,
    resource_policy: Doc | None = None,
    boundary: Doc | None = None,
    session_policy: Doc | None = None,
    scp: Docs | Sequence[Sequence[Doc]] = None,
    rcp: Docs | Sequence[Sequence[Doc]] = None,
    shared: str | None = None,
    lab: Lab | None = None,
    cases: bool = True,
) -> Playground:
    """Open a playground: change a policy or a request, and see what AWS would answer, and why.

    Parameters
    ----------
    policy : dict, str or Policy, list of those, or Decision, optional
        The identity policies to begin with. A text may have mistakes: the playground shows them.
        A Decision, such as ``lab.why()``, fills in everything: its policies and its request.
        With nothing given, the first ready-made case is shown.
    request : Request or mapping, optional
        ``principal``, ``action``, ``resource``, ``resource_account`` and ``context``; what is
        left out starts empty.
    resource_policy, boundary, session_policy : dict, str or Policy, optional
        More policies. Every kind can also be added on the page. For ``sts:AssumeRole`` the
        resource policy is the trust policy.
    scp, rcp : dict, str or Policy, list of those, or list of lists, optional
        Organization policies; a list has one entry a level, the root first.
    shared : str, optional
        What "Save and share" gave: the share text, or the text of the file.
    lab : Lab, optional
        Where people and policies can be picked from; the running lab if not given.
    cases : bool
        Whether the ready-made cases and the challenges can be chosen on the page.

    Returns
    -------
    Playground
        Show it as the last line of a cell. ``print`` it for the verdict in words; its
        ``decision`` is the `iamlab.policy.Decision`, its ``share`` a text for ``shared``.

    Raises
    ------
    TypeError
        If the request has a part that the page has no field for, or a policy is none.
    ValueError
        If the shared text cannot be read.

    Examples
    --------
    >>> page = playground(
    ...     {"Version": "2012-10-17",
    ...      "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}},
    ...     {"principal": "arn:aws:iam::111122223333:user/ana", "action": "s3:GetObject",
    ...      "resource": "arn:aws:s3:::larkfield-reports/2026/q3.csv"})
    >>> page.decision.effect
    'allowed'
    >>> playground(shared=page.share).decision.effect
    'allowed'
    """
    given = {
        "resource": resource_policy,
        "boundary": boundary,
        "session": session_policy,
    }
    texts = {kind: _text(doc) for kind, doc in given.items() if doc is not None}
    for kind, levels in (("scp", scp), ("rcp", rcp)):
        for level, docs in enumerate(_listed(levels), 1):
            for place, doc in enumerate(_listed(docs), 1):
                texts[slots.slot_of(kind, level, place)] = _text(doc)
    start: dict[str, Any]
    if isinstance(policy, Decision):
        start = lab_side.from_decision(policy)
        request = start["request"] if request is None else request
        start = start | {"policies": start["policies"] | texts, "request": as_fields(request)}
    elif shared is not None:
        start = sharing.read(shared)
        start["request"] = as_fields(start["request"])
    else:
        docs = _listed(policy)
        texts |= {slots.slot_of("identity", n): _text(doc) for n, doc in enumerate(docs, 1)}
        start = {"policies": texts, "request": as_fields(request)}
        if not texts and request is None:
            start = {name: _START[name] for name in ("policies", "request")}
    start = {"names": {}} | start | {"policies": {"identity": ""} | start["policies"]}
    page = Playground(
        start=start,
        cases=presets.rows() if cases else [],
        tasks=challenges.rows() if cases else [],
        **start,
    )
    page._lab = lab
    page.has_lab = page.lab is not None
    return page


def _listed(docs: Any) -> list[Any]:
    if docs is None:
        return []
    return list(docs) if isinstance(docs, list | tuple) else [docs]


def _text(doc: Any) -> str:
    if not isinstance(doc, dict | str | Policy):
        raise TypeError(
            f"a policy is a dict, its JSON text or a Policy, not a {type(doc).__name__}"
        )
    return judgement.as_text(doc)


def _or_problem(work: Any) -> dict[str, Any]:
    try:
        return work()
    except ValueError as error:
        return {"problem": str(error)}
