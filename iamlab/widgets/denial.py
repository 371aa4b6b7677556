"""Paste a denial: a real AWS error taken apart, explained, and opened in the playground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets
from botocore.exceptions import ClientError
from ipywidgets import widget_serialization

from iamlab.policy.denial_checks import TYPES
from iamlab.policy.denials import Denial, error_code, read_denial
from iamlab.widgets import lab_side
from iamlab.widgets._base import LabWidget, page_file, page_style
from iamlab.widgets.policy_playground import Playground, playground

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

HOW = {
    True: "a Deny statement forbids it (explicit deny)",
    False: "no statement allows it (implicit deny)",
}

# (button, message): forms of public logs, with names of nobody.
EXAMPLES = (
    (
        "S3: nothing allows it",
        "An error occurred (AccessDenied) when calling the GetObject operation: User: "
        "arn:aws:iam::111122223333:user/ana is not authorized to perform: s3:GetObject on "
        'resource: "arn:aws:s3:::reports/2026/q3.csv" because no identity-based policy allows the '
        "s3:GetObject action",
    ),
    (
        "An SCP forbids it",
        "Error: creating EC2 Instance: operation error EC2: RunInstances, https response error "
        "StatusCode: 403, api error AccessDenied: User: "
        "arn:aws:sts::111122223333:assumed-role/deploy/pipeline is not authorized to perform: "
        "ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:111122223333:instance/* with an "
        "explicit deny in a service control policy: "
        "arn:aws:organizations::444455556666:policy/o-a1b2c3d4e5/service_control_policy/p-12345678",
    ),
    (
        "EC2: an encoded message",
        "An error occurred (UnauthorizedOperation) when calling the StopInstances operation: You "
        "are not authorized to perform this operation. Encoded authorization failure message: "
        "Ex4mpLe-0nLy_tH1s-1s-n0T-a-rEaL-mEsSaGe_bUt-It-lOoKs-lIkE-0nE_wItHoUt-ItS-kEy-nObOdY-"
        "cAn-rEaD-wHaT-iS-iN-iT_x9Qd2VwZ7LkP0sTf3uYb8",
    ),
    (
        "Expired credentials",
        "An error occurred (ExpiredToken) when calling the ListBuckets operation: The provided "
        "token has expired.",
    ),
)

START = "Paste an error message into the box, or take one of the examples."
UNKNOWN = (
    "This does not read like a denial from AWS. Paste the whole message, from the name of the "
    "error to the last word. A CloudTrail event is good too, or what decode-authorization-message "
    "printed."
)
OTHER = (
    "AWS's code {code} is an error, but not a denial: policies are not the reason. Read what it "
    "says about the request itself."
)
DECODE = "aws sts decode-authorization-message --encoded-message {encoded}"


class DenialPage(LabWidget):
    """The widget behind `explain_denial`.

    Attributes
    ----------
    text : str
        The message.
    result : dict
        What the page shows: ``sentence``, ``rows`` (``label``, ``value``, ``said``), ``checks``,
        ``found``, ``try`` (whether the playground can show it) and ``command`` (how AWS decodes the
        encoded part).
    ticked : list of int
        The checks that are done, from 0.
    page : Playground or None
        The playground with the request, once it was asked for.
    """

    _esm = page_file("common.js", "denial.js")
    _css = page_style("denial.css")

    text = traitlets.Unicode().tag(sync=True)
    result = traitlets.Dict().tag(sync=True)
    ticked = traitlets.List().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    page = traitlets.Any(None, allow_none=True).tag(sync=True, **widget_serialization)
    examples = traitlets.List([list(row) for row in EXAMPLES]).tag(sync=True)

    @property
    def denial(self) -> Denial | None:
        """What the message says, as `iamlab.policy.denials.read_denial` reads it."""
        return read_denial(self.text)

    @traitlets.observe("text")
    def _read(self, change: Any) -> None:
        old = change["old"] if isinstance(change["old"], str) else ""
        self.result = look(self.text)
        if self.result != look(old):
            self.ticked, self.note = [], ""
            self._close()

    def open_playground(self) -> Playground:
        """Show the playground with the request of the message, and return it.

        With a lab that knows the caller, the caller's real policies stand in it.

        Raises
        ------
        ValueError
            If the message names no action and no caller.
        """
        denial = self.denial
        if denial is None or not self.result["try"]:
            raise ValueError("This message names no request that the playground could show.")
        page, note = _playground(denial, lab_side.running())
        self._close()
        self.page, self.note = page, note
        return page

    def heard(self, message: dict[str, Any]) -> None:
        """Do what the page asks: read a text, tick checks, open the playground, decode."""
        if isinstance(message.get("text"), str):
            self.text = message["text"]
        if isinstance(message.get("ticked"), list):
            self.ticked = message["ticked"]
        if message.get("do") == "try" and self.result["try"]:
            self.open_playground()
        elif message.get("do") == "decode":
            self._decode()

    def words(self) -> str:
        """Say what the message says and what to look at, in plain lines."""
        result = self.result
        lines = [result["sentence"]]
        lines += [f"{row['label']}: {row['value']}" for row in result["rows"] if row["said"]]
        silent = [row["label"] for row in result["rows"] if not row["said"]]
        lines += [f"Not said: {', '.join(silent)}."] if silent else []
        lines += [f"{number}. {check}" for number, check in enumerate(result["checks"], 1)]
        return "\n".join([*lines, *([self.note, str(self.page)] if self.page else [])])

    def _decode(self) -> None:
        """Read the encoded part where a lab wrote it; AWS's own only AWS can read."""
        denial, lab = self.denial, lab_side.running()
        if denial is None or not denial.encoded:
            return
        if lab is not None:
            account = (denial.principal or "").split(":")[4:5]
            known = account and account[0] in lab.state.accounts()
            sts = lab.account(account[0] if known else lab.account_id).client("sts")
            try:
                answer = sts.decode_authorization_message(EncodedMessage=denial.encoded)
                self.text = answer["DecodedMessage"]
                self.note = "The lab has read its encoded message. This is what was in it."
                return
            except ClientError:
                pass  # not one of the lab's
        self.note = (
            "Only AWS can read this encoded part. Run the command as somebody who may call "
            "sts:DecodeAuthorizationMessage, and paste here what it prints."
        )

    def _close(self) -> None:
        old, self.page = self.page, None
        if old is not None:
            old.close()


def explain_denial(text: str = "") -> DenialPage:
    """Take a real AWS error message apart: who, what, on what, which policy, and what to look at.

    Parameters
    ----------
    text : str, optional
        The message. It can be pasted into the page too: a boto3, CLI, SDK, Terraform or
        CloudFormation error, a CloudTrail event, or a decoded message. Nothing leaves this
        computer.

    Returns
    -------
    DenialPage
        Show it as the last line of a cell. ``print`` it for the same in words; its ``denial`` is
        the `iamlab.policy.denials.Denial`.

    Notes
    -----
    Source: "Troubleshoot access denied error messages", IAM User Guide.

    Examples
    --------
    >>> page = explain_denial(
    ...     "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: iam:ListUsers "
    ...     "because no identity-based policy allows the iam:ListUsers action")
    >>> print(str(page).splitlines()[0])
    user/ana may not do iam:ListUsers: no identity policy of the caller allows it.
    """
    page = DenialPage(result=look(""))
    page.text = text
    return page


def look(text: str) -> dict[str, Any]:
    """Say what a message says, as `DenialPage.result` has it.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> look("hello")["found"], look(EXAMPLES[0][1])["rows"][1]["value"]
    (False, 's3:GetObject')
    """
    denial = read_denial(text)
    empty = {"rows": [], "checks": [], "found": False, "try": False, "command": ""}
    if denial is None:
        code = error_code(text)
        sentence = OTHER.format(code=code) if code else UNKNOWN if text.strip() else START
        return {"sentence": sentence, **empty}
    return {
        "sentence": denial.summary(),
        "rows": [
            {"label": label, "value": value or "not said", "said": bool(value)}
            for label, value, always in _rows(denial)
            if value or always
        ],
        "checks": denial.checks(),
        "found": True,
        "try": not denial.cause and bool(denial.action or denial.principal),
        "command": DECODE.format(encoded=denial.encoded) if denial.encoded else "",
    }


def request_of(denial: Denial) -> dict[str, Any]:
    """Write what a denial says as the request that the playground asks about.

    What AWS left out is empty; ``*`` stands where the action names no resource, and IAM's short
    names become ARNs.

    Parameters
    ----------
    denial : Denial

    Examples
    --------
    >>> request_of(read_denial(
    ...     "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: iam:GetRole on "
    ...     "resource: role reader"))["resource"]
    'arn:aws:iam::111122223333:role/reader'
    """
    from iamlab.policy import catalog

    action, resource = denial.action or "", denial.resource or ""
    account = (denial.principal or "").split(":")[4:5]
    kind, _, name = resource.partition(" ")
    if action.startswith("iam:") and account and kind in ("role", "user", "group") and name:
        resource = f"arn:aws:iam::{account[0]}:{kind}/{name}"
    if not resource and action and catalog.describe(action) and not catalog.resource_types(action):
        resource = "*"
    principal = {"anonymous": "*"}.get(denial.principal or "", denial.principal or "")
    named = principal == "*" or principal.startswith(("arn:", "user/", "role/"))
    return {
        "principal": principal if named else "",
        "action": action,
        "resource": resource,
        "context": denial.context,
    }


def _rows(denial: Denial) -> list[tuple[str, str | None, bool]]:
    """(label, what is said, whether it is shown when it is not said)."""
    asked = not denial.cause
    return [
        ("Who", denial.principal, asked),
        ("What", denial.action, asked),
        ("On what", denial.resource, asked),
        ("Which policy", TYPES.get(denial.policy_type or "", (None,))[0], asked),
        ("How", HOW.get(denial.explicit), asked),
        ("Its ARN", denial.policy_arn, False),
        ("AWS's code", denial.code, True),
        ("Call", denial.operation, False),
        ("Encoded part", denial.encoded and f"{len(denial.encoded)} characters", False),
        ("Also", "\n".join(f"{k} = {v}" for k, v in denial.context.items()) or None, False),
    ]


def _playground(denial: Denial, lab: Lab | None) -> tuple[Playground, str]:
    """The playground with the request, and what to know about the policies in it."""
    request = request_of(denial)
    alone = "Put the policies of the caller into the editors: the message does not hold them."
    if lab is None or not request["principal"] or not request["action"]:
        return playground(request=request, cases=False), alone
    asked = (request["principal"], request["action"], request["resource"] or "*")
    try:
        decision = lab.decide(*asked, request["context"])
    except (LookupError, ValueError, RuntimeError) as error:
        why = str(error).strip("'\"")
        return playground(request=request, cases=False), f"{why} {alone}"
    note = "These are the policies that the caller has in the running lab."
    if decision.allowed:
        note += " They allow this request: the message is older, or of another account."
    return playground(decision, request, cases=False), note
