"""What a policy opens: before and after, by service and access level, and how much was used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import traitlets

from iamlab.audit.access import running
from iamlab.widgets._base import LabWidget, page_file, page_style
from iamlab.widgets.opens_report import few, read_side, read_used, report

if TYPE_CHECKING:
    from iamlab.policy import Policy
    from iamlab.widgets.picture import Picture

    # A policy, several that hold together, a managed policy's ARN, ARN and version, a principal.
    Source = dict[str, Any] | str | Policy | list[Any] | tuple[str, str]

LINES = 20  # services that `words` lists
SIGNS = {"gained": "+", "lost": "\u2212"}


class Opens(LabWidget):
    """The widget behind `opens`.

    Attributes
    ----------
    state : dict
        What the page shows; see `iamlab.widgets.opens_report.report`. ``live`` is True if
        something of it comes from the lab and can change; ``stopped`` says what to do when that
        can no longer be read.
    """

    _esm = page_file("common.js", "opens.js")
    _css = page_style("opens.css")

    state = traitlets.Dict().tag(sync=True)

    def __init__(self, before: Source, after: Source | None, used: Any) -> None:
        super().__init__()
        self._asked = (before, after, used)
        self.state = read(*self._asked)
        self._lab = running(None) if self.state["live"] else None

    def look(self) -> None:
        """Read again what comes from the lab: policies that changed, calls that were made.

        Raises
        ------
        RuntimeError
            If that lab is stopped.
        """
        if self._lab is not None:
            self._lab.check_running()
            self.state = read(*self._asked)

    def heard(self, message: dict[str, Any]) -> None:
        """Do what the page asks: look again."""
        if message.get("do") == "look":
            try:
                self.look()
            except (LookupError, RuntimeError) as error:
                self.state = {**self.state, "stopped": str(error)}

    def words(self) -> str:
        """Say what is open, what changed and what was used."""
        return say(self.state)


def opens(
    before: Source, after: Source | None = None, used: str | Iterable[str] | None = None
) -> Opens:
    """Show what a policy opens, or what a change of it opens and closes.

    Parameters
    ----------
    before : dict, str, Policy, list or tuple
        A policy (a dict, JSON text, `iamlab.policy.Policy`), or a list of policies that one
        principal has together; of the running lab: the ARN of a managed policy, its ARN and a
        version (``("arn:aws:iam::…:policy/reports", "v1")``), or a principal (``"user/ana"``):
        all that it may do.
    after : the same, optional
        What to compare it with.
    used : str or iterable of str, optional
        What was used: actions, or a principal of the running lab, whose allowed calls count. A
        meter then says how much wider the policy (the one after, if there are two) is.

    Returns
    -------
    Opens
        Show it as the last line of a cell. ``print`` it for the same in words.

    Raises
    ------
    PolicyError
        If AWS would refuse a policy.
    LookupError
        If the lab has no such policy, version or principal.
    TypeError, ValueError
        If something else was given, or an action that AWS has not.

    Notes
    -----
    An action counts as open that is allowed on anything at all; a Resource or a Condition that
    narrows it is not weighed. Sources: "Service Authorization Reference"; "Refine permissions in
    AWS using last accessed information", IAM User Guide.

    Examples
    --------
    >>> def allow(actions):
    ...     return {"Version": "2012-10-17", "Statement": [
    ...         {"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    >>> print(opens(allow("sqs:GetQueueUrl"), allow("sqs:Get*"), used=["sqs:GetQueueUrl"]))
    What a policy opens. Before: the first policy. After: the second policy.
    1 action before, 2 after: 1 gained.
    sqs: +1 Read (GetQueueAttributes)
    2 actions open; 1 used. So it is 2.0 times as wide as what was used. Used: 1 Read. No unused \
action of it can hand out rights (Permissions management).
    An action counts as open if it is allowed on anything at all: a Resource or a Condition that \
narrows it is not weighed.
    """
    return Opens(before, after, used)


def opens_figure(
    before: Source, after: Source | None = None, used: str | Iterable[str] | None = None
) -> Picture:
    """Draw the same with matplotlib.

    Parameters
    ----------
    before, after, used
        As for `opens`.

    Returns
    -------
    Picture
        Show it as the last line of a cell; its ``alt`` says in words what it shows.

    Examples
    --------
    >>> policy = {"Version": "2012-10-17", "Statement": [
    ...     {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}
    >>> opens_figure(policy).alt.splitlines()[0]
    'What a policy opens: the policy.'
    """
    from iamlab.widgets.opens_drawing import draw  # matplotlib: not at every start

    state = read(before, after, used)
    return draw(state, say(state))


def read(before: Source, after: Source | None, used: Any) -> dict[str, Any]:
    """Read what is compared, and work out what is shown."""
    names = ("the policy", "") if after is None else ("the first policy", "the second policy")
    first = read_side(before, names[0])
    second = None if after is None else read_side(after, names[1])
    record = None if used is None else read_used(used)
    live = any(one is not None and one.live for one in (first, second, record))
    return {**report(first, second, record), "live": live, "stopped": ""}


def say(state: dict[str, Any]) -> str:
    """Put a report into plain lines."""
    title = f"What a policy opens: {state['before']}."
    if state["both"]:
        title = f"What a policy opens. Before: {state['before']}. After: {state['after']}."
    lines = [title, " ".join([state["headline"], *state["more"]])]
    services = [one for one in state["services"] if not state["both"] or _changed(one)]
    lines += [f"{one['name']}: {_service(one, state['both'])}" for one in services[:LINES]]
    if len(services) > LINES:
        lines.append(f"… and {len(services) - LINES:,} more services.")
    if state["meter"]:
        lines.append(" ".join(state["meter"]["sentences"]))
    return "\n".join([*lines, state["note"]])


def _changed(service: dict[str, Any]) -> bool:
    return bool(service["gained"] or service["lost"])


def _service(service: dict[str, Any], both: bool) -> str:
    parts = [
        f"{SIGNS.get(part, '')}{len(level[part]):,} {level['name']} ({few(level[part], 4)})"
        for part in (("gained", "lost") if both else ("kept",))
        for level in service["levels"]
        if level.get(part)
    ]
    return ", ".join(parts)
