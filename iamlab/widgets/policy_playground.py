"""The policy playground: policies on the left, a request on the right, the verdict as you type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import traitlets

from iamlab.policy import Decision, Policy, Request
from iamlab.widgets import judgement, presets
from iamlab.widgets._base import LabWidget, page_file, page_style

Doc = dict[str, Any] | str | Policy | None

# What stands there when nothing was given: an honest start, with no verdict but "nothing allows".
_START = presets.rows()[0]


class Playground(LabWidget):
    """The widget behind `playground`.

    Attributes
    ----------
    policies : dict of str to str
        Kind of policy (a key of `iamlab.widgets.judgement.KINDS`) to the text in its editor.
    request : dict of str to str
        The text of each field: ``principal``, ``action``, ``resource``, ``context``.
    result : dict
        What `iamlab.widgets.judgement.judge` says of them; always up to date.
    """

    _esm = page_file("common.js", "editor.js", "playground.js")
    _css = page_style("playground.css")

    policies = traitlets.Dict().tag(sync=True)
    request = traitlets.Dict().tag(sync=True)
    result = traitlets.Dict().tag(sync=True)
    start = traitlets.Dict().tag(sync=True)  # what "Start again" goes back to
    cases = traitlets.List().tag(sync=True)
    kinds = traitlets.Dict(judgement.KINDS).tag(sync=True)
    fields = traitlets.Dict(judgement.FIELDS).tag(sync=True)

    _decision: Decision | None = None

    @property
    def decision(self) -> Decision | None:
        """The full `Decision`, or None while the page holds a mistake."""
        return self._decision

    @traitlets.observe("policies", "request")
    def _judge(self, _: Any) -> None:
        self.result, self._decision = judgement.judge(self.policies, self.request)

    def heard(self, message: dict[str, Any]) -> None:
        """Take over the texts that the learner changed on the page, and only these.

        The page gets its own texts and their verdict in one answer, and it never writes an answer
        over what was typed since.
        """
        texts = message.get("texts", {})
        with self.hold_sync(), self.hold_trait_notifications():
            self.policies = self.policies | texts.get("policies", {})
            self.request = self.request | texts.get("request", {})

    def words(self) -> str:
        """Say the verdict and its reasons in plain lines."""
        return judgement.in_words(self.result)


def playground(
    policy: Doc = None,
    request: Request | Mapping[str, Any] | None = None,
    *,
    resource_policy: Doc = None,
    boundary: Doc = None,
    session_policy: Doc = None,
    scp: Doc = None,
    cases: bool = True,
) -> Playground:
    """Open a playground: change a policy or a request, and see what AWS would answer, and why.

    Parameters
    ----------
    policy : dict, str or Policy, optional
        The identity policy to begin with. A text may have mistakes: the playground shows them.
        With neither a policy nor a request, the first ready-made case is shown.
    request : Request or mapping, optional
        ``principal``, ``action``, ``resource`` and ``context``; what is left out starts empty.
    resource_policy, boundary, session_policy, scp : dict, str or Policy, optional
        More policies. A resource policy can always be added on the page; the others are shown when
        they are given here or a ready-made case has one.
    cases : bool
        Whether the ready-made cases can be chosen on the page.

    Returns
    -------
    Playground
        Show it as the last line of a cell. ``print`` it for the verdict in words; its
        ``decision`` is the `iamlab.policy.Decision`.

    Raises
    ------
    TypeError
        If the request has a part that the page has no field for.

    Examples
    --------
    >>> page = playground(
    ...     {"Version": "2012-10-17",
    ...      "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}},
    ...     {"principal": "arn:aws:iam::111122223333:user/ana", "action": "s3:GetObject",
    ...      "resource": "arn:aws:s3:::larkfield-reports/2026/q3.csv"})
    >>> page.decision.effect
    'allowed'
    """
    given = {
        "identity": policy,
        "resource": resource_policy,
        "boundary": boundary,
        "session": session_policy,
        "scp": scp,
    }
    texts = {kind: judgement.as_text(doc) for kind, doc in given.items() if doc is not None}
    if texts or request is not None:
        start = {"policies": texts, "request": judgement.as_fields(request)}
    else:
        start = {name: _START[name] for name in ("policies", "request")}
    start["policies"] = {"identity": "", "resource": ""} | start["policies"]
    return Playground(start=start, cases=presets.rows() if cases else [], **start)
