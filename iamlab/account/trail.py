"""The record: every call, allowed or denied, with the reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import get_ident
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pandas as pd

    from iamlab.account.callers import Caller
    from iamlab.account.errors import AwsError, Response
    from iamlab.policy import Decision

COLUMNS = ["time", "principal", "action", "resource", "decision", "reason"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that was turned away before any policy was asked: AWS did not accept the caller.

    Attributes
    ----------
    effect : str
        Always ``"refused"``.
    code, message : str
        What AWS answered.
    """

    code: str
    message: str
    effect: str = "refused"

    def __str__(self) -> str:
        return (
            f"Refused before any policy was looked at: {self.message} ({self.code}). "
            "AWS first asks who you are, and only then what you may do."
        )


@dataclass(slots=True)
class Record:
    """One call.

    Attributes
    ----------
    time : datetime
        Lab time.
    principal : str
        The caller as AWS prints it; for a caller that was not recognized, the access key ID.
    service, operation, region, account : str
    params : dict
    decisions : sequence of Decision
        One for each permission the call needed; empty where none is needed.
    error : AwsError or None
        What AWS answered if the call failed, for whatever reason.
    refused : Refusal or None
        Set if the caller was not accepted.
    caller : Caller or None
        Who called, as it was then; None if AWS did not recognize the caller.
    user_agent : str
    response : tuple of (int, dict, bytes) or None
        The answer (HTTP status, headers, body) to a call that may have changed something.
    request_id : str
        The request ID that the caller got with the answer.
    event_id : str
        CloudTrail's name for this event, a UUID.
    thread : int
        The Python thread that the call was handled in: a widget may call while a cell runs.
    """

    time: datetime
    principal: str
    service: str
    operation: str
    region: str
    account: str
    params: dict[str, Any]
    access_key_id: str
    source_ip: str
    decisions: Sequence[Decision]
    error: AwsError | None = None
    refused: Refusal | None = None
    caller: Caller | None = None
    user_agent: str = ""
    response: Response | None = None
    request_id: str = ""
    thread: int = field(default_factory=get_ident, compare=False, repr=False)
    _event_id: str = ""

    @property
    def event_id(self) -> str:
        """CloudTrail's name for this event; made when first asked for."""
        if not self._event_id:
            self._event_id = str(uuid4())
        return self._event_id

    @property
    def denied(self) -> Decision | None:
        """The decision that stopped the call, or None."""
        return next((d for d in self.decisions if d.effect != "allowed"), None)

    def row(self) -> dict[str, Any]:
        """Return the record as :meth:`Trail.frame` shows it."""
        denied = self.denied
        shown = denied if denied is not None else next(iter(self.decisions), None)
        action = shown.request.action if shown is not None else f"{self.service}:{self.operation}"
        if self.refused is not None:
            decision, reason = "refused", str(self.refused)
        elif shown is None:
            decision, reason = "allowed", "AWS asks for no permission for this call."
        else:
            decision, reason = shown.effect, str(shown)
        if self.error is not None and not denied and self.refused is None:
            reason = f"{reason} AWS then answered {self.error.code}: {self.error.message}"
        return {
            "time": self.time,
            "principal": self.principal,
            "action": action,
            "resource": shown.request.resource if shown is not None else "*",
            "decision": decision,
            "reason": reason,
        }


class Trail:
    """Every call of one lab, oldest first, in ``records``."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def frame(self) -> pd.DataFrame:
        """Return the record as a table.

        Returns
        -------
        pandas.DataFrame
            Columns time (UTC), principal, action, resource, decision (``allowed``,
            ``implicitDeny``, ``explicitDeny`` or ``refused``), reason; one row a call.

        Examples
        --------
        >>> list(Trail().frame().columns)
        ['time', 'principal', 'action', 'resource', 'decision', 'reason']
        """
        import pandas as pd

        frame = pd.DataFrame([record.row() for record in self.records], columns=COLUMNS)
        frame["time"] = pd.to_datetime(frame["time"], utc=True)
        return frame

    def last_denial(self) -> Decision | Refusal | None:
        """Return why the last call that was turned away was turned away."""
        for record in reversed(self.records):
            if record.refused is not None:
                return record.refused
            if (denied := record.denied) is not None:
                return denied
        return None
