"""The credential countdown: time left on the lab clock, and calls before and after expiry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import traitlets
from botocore.exceptions import BotoCoreError, ClientError

from iamlab.widgets._base import LabWidget, page_file, page_style

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

SPEEDS = (0.0, 1.0, 60.0, 600.0)  # lab seconds in one real second; 0 is a pause


@dataclass(slots=True, frozen=True)
class Watched:
    """The credentials that a countdown watches; ``expires`` is None for a long-term key."""

    session: boto3.Session
    access_key_id: str
    owner: str
    issued: datetime
    expires: datetime | None


class Countdown(LabWidget):
    """The widget behind `countdown`.

    Attributes
    ----------
    state : dict
        What the page shows: ``now``, ``issued`` and ``expires`` (ISO 8601, lab time), ``left``
        (seconds), ``speed``, ``notice``, ``calls``, and ``stopped``: what to do when the lab does
        not run. It is as new as the page's last question.
    """

    _esm = page_file("common.js", "countdown.js")
    _css = page_style("countdown.css")

    state = traitlets.Dict().tag(sync=True)
    speeds = traitlets.List(list(SPEEDS)).tag(sync=True)
    call_name = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, lab: Lab, watched: Watched, call: Callable[[boto3.Session], Any], call_name: str
    ) -> None:
        super().__init__(call_name=call_name)
        self._lab, self._watched, self._call = lab, watched, call
        self._calls: list[dict[str, Any]] = []
        self._slowed = False
        self.look()

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every call made so far: ``at`` (ISO 8601), ``ok``, ``what`` and ``said``."""
        return [dict(row) for row in self._calls]

    def call_now(self) -> dict[str, Any]:
        """Make the call with the watched credentials, and note what AWS would answer.

        Returns
        -------
        dict
            ``at``, ``ok``, ``what`` and ``said``, as in `calls`.

        Raises
        ------
        RuntimeError
            If the lab is stopped.
        """
        self._check_running()  # else the call would go to the real AWS
        at = self._lab.clock.now()
        ok, said = answer_of(self._call, self._watched.session)
        row = {"at": _iso(at), "ok": ok, "what": self.call_name, "said": said}
        self._calls.append(row)
        self.look()
        return dict(row)

    def advance(self, minutes: float) -> None:
        """Move the lab's clock on and look again."""
        self._lab.clock.advance(minutes=minutes)
        self.look()

    def look(self) -> None:
        """Bring `state` up to the lab's time."""
        watched, notice = self._watched, ""
        clock = self._lab.clock
        now = clock.now()
        left = None if watched.expires is None else (watched.expires - now).total_seconds()
        if not self._slowed and left is not None and left <= 0:
            self._slowed = True
            if clock.speed > 1:  # once: a clock left racing would expire everything else as well
                clock.speed = 1.0
                notice = "The clock is back at normal speed."
        self.state = {
            "owner": watched.owner,
            "key": watched.access_key_id,
            "now": _iso(now),
            "issued": _iso(watched.issued),
            "expires": watched.expires and _iso(watched.expires),
            "left": left,
            "speed": clock.speed,
            "notice": notice or (self.state or {}).get("notice", ""),
            "calls": self.calls,
            "stopped": self._stopped(),
        }

    def heard(self, message: dict[str, Any]) -> None:
        """Do what the page asks: look, change the speed, move the clock, call."""
        if self._stopped():
            self.look()
            return
        match message.get("do"), message.get("value"):
            case "speed", float() | int() as speed:
                self._lab.clock.speed = float(speed)
            case "advance", float() | int() as minutes:
                self._lab.clock.advance(minutes=minutes)
            case "call", _:
                self.call_now()
        self.look()

    def _stopped(self) -> str:
        try:
            self._check_running()
        except RuntimeError as error:
            return f"{error} Make new credentials with it, then run this cell again."
        return ""

    def _check_running(self) -> None:
        self._lab.check_running()

    def words(self) -> str:
        """Say the time left and the calls made, in plain lines."""
        self.look()
        lines = [f"Credentials {self._watched.access_key_id} of {self._watched.owner}"]
        left, expires = self.state["left"], self._watched.expires
        if expires is None or left is None:
            lines.append("This is a long-term key: it works until somebody deletes it.")
        elif left > 0:
            lines.append(f"{in_words(left)} left; they expire at {expires:%H:%M:%S} UTC lab time.")
        else:
            lines.append(f"Expired {in_words(-left)} ago, at {expires:%H:%M:%S} UTC lab time.")
        lines.append(f"Lab time: {datetime.fromisoformat(self.state['now']):%Y-%m-%d %H:%M:%S} UTC")
        for row in self._calls:
            mark = "✓ worked" if row["ok"] else "✗ refused"
            at = datetime.fromisoformat(row["at"])
            lines.append(f"{at:%H:%M:%S} {mark}: {row['what']}: {row['said']}")
        return "\n".join(lines)


def countdown(
    lab: Lab,
    credentials: boto3.Session | Mapping[str, Any],
    *,
    call: Callable[[boto3.Session], Any] | None = None,
    call_name: str | None = None,
) -> Countdown:
    """Watch credentials run out on the lab's clock.

    Parameters
    ----------
    lab : Lab
        What `iamlab.start` returned.
    credentials : boto3.Session or mapping
        The answer of AssumeRole, GetSessionToken or GetFederationToken, its ``Credentials`` part,
        or a session made with them.
    call : callable, optional
        Gets a `boto3.Session` with these credentials and makes a call; what it returns is shown.
        By default it asks STS who it is (GetCallerIdentity).
    call_name : str, optional
        What to write beside the call. By default the function's name.

    Returns
    -------
    Countdown
        Show it as the last line of a cell. ``print`` it for the same in words.

    Raises
    ------
    TypeError
        If the credentials are none of these.

    Examples
    --------
    >>> import boto3, iamlab
    >>> lab = iamlab.start()
    >>> watch = countdown(lab, boto3.client("sts").get_session_token())
    >>> watch.call_now()["ok"]
    True
    >>> watch.advance(minutes=60 * 13)
    >>> watch.call_now()["ok"]
    False
    >>> lab.stop()
    """
    if call is None:
        call, call_name = who_am_i, call_name or "sts get_caller_identity"
    name = call_name or getattr(call, "__name__", "").replace("<lambda>", "") or "your call"
    return Countdown(lab, _watch(lab, credentials), call, name)


def in_words(seconds: float) -> str:
    """Say a length of time in its two largest parts.

    Examples
    --------
    >>> in_words(3725)
    '1 h 2 min'
    >>> in_words(59.6)
    '59 s'
    """
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _watch(lab: Lab, credentials: boto3.Session | Mapping[str, Any]) -> Watched:
    given = credentials
    if isinstance(given, Mapping):
        given = given.get("Credentials", given)
        try:
            session = boto3.Session(
                aws_access_key_id=given["AccessKeyId"],
                aws_secret_access_key=given["SecretAccessKey"],
                aws_session_token=given.get("SessionToken"),
                region_name="us-east-1",
            )
        except KeyError as missing:
            raise TypeError(
                f"these credentials have no {missing}: give what assume_role returned"
            ) from None
    elif hasattr(given, "get_credentials"):
        session = given
    else:
        raise TypeError(
            f"credentials is a {type(given).__name__}: give what assume_role returned, or a "
            "boto3.Session"
        )
    found = session.get_credentials()
    if found is None:
        raise TypeError("this session has no credentials: sign it in, for example lab.session(...)")
    key = found.access_key
    record = lab.callers.sessions.get(key)
    known = lab.callers.find(key)
    expires = record.expires if record else None
    if expires is None and isinstance(given, Mapping):
        expires = given.get("Expiration")
    owner = known.caller.arn if known else "somebody the lab does not know"
    issued = record.issued if record else lab.clock.now()
    return Watched(session, key, owner, issued, expires)


def answer_of(call: Callable[[boto3.Session], Any], session: boto3.Session) -> tuple[bool, str]:
    """Make a call, and return whether it worked and, in short, what AWS answered."""
    try:
        return True, _brief(call(session))
    except ClientError as error:
        return False, "{Code}: {Message}".format_map(error.response["Error"])
    except (BotoCoreError, ValueError, TypeError, KeyError, AttributeError) as error:
        return False, f"{type(error).__name__}: {error}"


def who_am_i(session: boto3.Session) -> str:
    return session.client("sts", region_name="us-east-1").get_caller_identity()["Arn"]


def _brief(answer: Any) -> str:
    if isinstance(answer, Mapping):
        answer = {key: value for key, value in answer.items() if key != "ResponseMetadata"} or None
    text = "it worked" if answer is None else str(answer)
    return text if len(text) <= 200 else text[:199] + "…"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
