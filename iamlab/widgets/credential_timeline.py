"""The credential timeline: sessions as bars on the lab's clock, up to their end and over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import traitlets
from botocore.exceptions import BotoCoreError, ClientError

from iamlab.widgets._base import LabWidget, page_file, page_style
from iamlab.widgets.credential_countdown import SPEEDS, answer_of
from iamlab.widgets.session_bars import Bar, bars, chains, depth, short
from iamlab.widgets.session_calls import CALLS, Call, assume, revoke, self_renewing, signed_in
from iamlab.widgets.session_words import as_calls, as_row, count, iso

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

MOST_BARS = 200  # the newest; a page with more cannot be read

_EMPTY = (
    "No credentials yet. Sign in as somebody, for example lab.session('user/ana'), or assume a "
    "role."
)


class Timeline(LabWidget):
    """The widget behind `timeline`.

    Attributes
    ----------
    state : dict
        ``now`` and ``first`` (ISO 8601, lab time), ``speed``, ``notice``, ``answer`` (of the last
        call tried: ``key``, ``ok`` and ``text``), ``renewing`` (role ARNs), ``note`` (what is not
        shown), and ``stopped``: what to do when the lab does not run.
    rows : list of dict
        One a row of the drawing: ``label``, ``note``, ``depth``, and its ``bars``: ``key``,
        ``sentence``, ``status``, ``phase``, ``facts``, ``issued``, ``expires``, ``lane``.
    calls : dict
        Access key ID to ``marks`` (time, kind) and the newest ``rows`` of calls.
    """

    _esm = page_file("common.js", "axis.js", "timeline.js")
    _css = page_style("timeline.css")

    state = traitlets.Dict().tag(sync=True)
    rows = traitlets.List().tag(sync=True)
    calls = traitlets.Dict().tag(sync=True)
    choices = traitlets.List().tag(sync=True)
    roles = traitlets.List().tag(sync=True)
    speeds = traitlets.List(list(SPEEDS)).tag(sync=True)

    def __init__(
        self,
        lab: Lab,
        account: str | None,
        follow: Iterable[boto3.Session],
        calls: Mapping[str, Call],
    ) -> None:
        super().__init__()
        self._lab, self._account, self._own_calls = lab, account, dict(calls)
        self._renewing: dict[str, Any] = {}  # role ARN, or a number -> refreshable credentials
        self._renewed: set[str] = set()  # access key IDs that they had
        self._answer: dict[str, Any] | None = None
        self._notice = ""
        self._all = 0
        for number, session in enumerate(follow):
            self._renewing[str(number)] = _credentials(session)
        self.look()

    # --- What one can do --------------------------------------------------------------------

    def try_call(self, key: str, name: str = "sts GetCallerIdentity") -> dict[str, Any]:
        """Make a call with a credential, and note what AWS answers.

        Parameters
        ----------
        key : str
            An access key ID on the timeline.
        name : str
            One of ``choices``: such as ``"s3 ListBuckets"``, ``"sts AssumeRole role/reader"``.

        Returns
        -------
        dict
            ``key``, ``ok`` and ``text``.

        Raises
        ------
        RuntimeError
            If the lab is stopped.
        LookupError
            If there is no such credential or no such call.
        """
        self._lab.check_running()  # else the call would go to the real AWS
        bar = self._bar(key)
        calls = self._calls()
        if name not in calls:
            raise LookupError(f"There is no call {name!r}. There are: {', '.join(calls)}.")
        ok, said = answer_of(calls[name], signed_in(self._lab, key))
        word = "worked" if ok else "did not work"
        who = f"{name} with {bar.who}, {bar.name}"
        self._answer = {"key": key, "ok": ok, "text": f"{who} {word}: {said}"}
        self.look()
        return dict(self._answer)

    def walk_to_end(self, key: str) -> None:
        """Pause the clock one second before a session expires.

        Raises
        ------
        ValueError
            If it has expired, or never does.
        """
        bar, end = self._ending(key)
        self._go_to(end - timedelta(seconds=1))
        self._notice = (
            f"The clock is paused one second before the end of {bar.who}, {bar.name}. "
            "AWS still takes it."
        )
        self.look()

    def step_over(self, key: str) -> None:
        """Pause the clock one second after a session has expired.

        Raises
        ------
        ValueError
            If it has expired, or never does.
        """
        bar, end = self._ending(key)
        self._go_to(end + timedelta(seconds=1))
        self._notice = (
            f"The clock is paused one second after the end of {bar.who}, {bar.name}. "
            "Try a call: AWS refuses it."
        )
        self.look()

    def revoke(self, role_arn: str) -> None:
        """Revoke a role's sessions as the console does: deny what was issued before now.

        Puts the inline policy ``AWSRevokeOlderSessions`` on the role, as the account's
        administrator. Source: "Revoke IAM role temporary security credentials", IAM User Guide.

        Raises
        ------
        ClientError
            If IAM does not do it: the role is gone, or is a service's own.
        """
        self._lab.check_running()
        before = revoke(self._lab, role_arn)
        older = [bar for bar in self._found() if bar.role == role_arn and bar.left(before) > 0]
        self._notice = (
            f"{short(role_arn, self._lab.account_id)} now denies every session that was issued "
            f"before {before:%H:%M:%S}: {count(len(older), 'session')}. No session has ended by "
            "that. See what AWS answers to the next call."
        )
        self.look()

    def renew(self, role_arn: str) -> None:
        """Let a program of the administrator hold a role, as boto3 does for a profile.

        Its credentials renew themselves: in their last 15 minutes, the next use fetches new ones.
        While somebody looks at the timeline, it uses them.

        Raises
        ------
        ClientError
            If STS does not give the role out.
        """
        self._lab.check_running()
        program = self_renewing(self._lab, role_arn)
        program.get_frozen_credentials()
        self._renewing[role_arn] = program
        name = short(role_arn, self._lab.account_id)
        self._notice = (
            f"A program now holds {name}. Let the time run: it fetches new credentials before the "
            "old ones expire."
        )
        self.look()

    def stop_renewing(self, role_arn: str) -> None:
        """End the program that `renew` started; its last session goes on until it expires."""
        self._renewing.pop(role_arn, None)
        self.look()

    # --- What is shown ----------------------------------------------------------------------

    def look(self) -> None:
        """Bring the timeline up to the lab's time."""
        stopped = self._stopped()
        if stopped:
            self.state = {**self.state, "stopped": stopped}
            return
        self._use_what_renews()
        now = self._lab.clock.now()
        found = self._found()
        within = {bar.key for bar in found}
        with self.hold_sync():  # one message: the page never sees half of it
            self.rows = [
                as_row(row, depth(row[0], within), now, self._renewed) for row in chains(found)
            ]
            self.calls = {bar.key: as_calls(bar) for bar in found if bar.calls}
            self.roles = self._roles()
            self.choices = list(self._calls())
            sessions = [bar.issued for bar in found if bar.expires]
            self.state = {
                "now": iso(now),
                "first": iso(min(sessions, default=now - timedelta(minutes=5))),
                "speed": self._lab.clock.speed,
                "notice": self._notice,
                "answer": self._answer,
                "renewing": [arn for arn in self._renewing if arn.startswith("arn:")],
                "note": self._left_out(len(found)),
                "stopped": "",
            }

    def heard(self, message: dict[str, Any]) -> None:
        """Do what the page asks."""
        if self._stopped():
            self.look()
            return
        try:
            match message.get("do"), message.get("value"):
                case "speed", float() | int() as speed:
                    self._lab.clock.speed = float(speed)
                case "walk", str() as key:
                    self.walk_to_end(key)
                case "step", str() as key:
                    self.step_over(key)
                case "try", [str() as key, str() as name]:
                    self.try_call(key, name)
                case "revoke", str() as arn:
                    self.revoke(arn)
                case "renew", str() as arn:
                    self.renew(arn)
                case "stop renewing", str() as arn:
                    self.stop_renewing(arn)
        except ClientError as error:
            self._notice = "AWS answered {Code}: {Message}".format_map(error.response["Error"])
        except (ValueError, LookupError, BotoCoreError) as error:
            self._notice = str(error)
        self.look()

    def words(self) -> str:
        """Say every bar's sentence, set in below what made it, and the last answer."""
        self.look()
        if self.state["stopped"] and not self.rows:
            return self.state["stopped"]
        now = datetime.fromisoformat(self.state["now"])
        lines = [f"Credentials of the lab at {now:%Y-%m-%d %H:%M:%S} UTC lab time"]
        lines += ["  " * row["depth"] + bar["sentence"] for row in self.rows for bar in row["bars"]]
        if self.state["note"]:
            lines.append(self.state["note"])
        if self._answer is not None:
            lines.append(("✓ " if self._answer["ok"] else "✗ ") + self._answer["text"])
        return "\n".join(lines)

    # --- Helpers ----------------------------------------------------------------------------

    def _stopped(self) -> str:
        try:
            self._lab.check_running()
        except RuntimeError as error:
            return f"{error} Then run this cell again."
        return ""

    def _found(self) -> list[Bar]:
        found = bars(self._lab, self._account)
        self._all = len(found)
        return found[-MOST_BARS:]

    def _left_out(self, shown: int) -> str:
        if self._all > shown:
            return f"These are the newest {shown} of {self._all} credentials."
        return "" if shown else _EMPTY

    def _bar(self, key: str) -> Bar:
        bar = next((bar for bar in self._found() if bar.key == key), None)
        if bar is None:
            raise LookupError(f"There is no credential {key!r} on this timeline.")
        return bar

    def _ending(self, key: str) -> tuple[Bar, datetime]:
        self._lab.check_running()
        bar = self._bar(key)
        if bar.expires is None:
            raise ValueError(f"{bar.who}, {bar.name} has no end: it works until it is deleted.")
        if bar.expires <= self._lab.clock.now():
            raise ValueError(f"{bar.who}, {bar.name} has expired. The clock cannot go back.")
        return bar, bar.expires

    def _go_to(self, moment: datetime) -> None:
        clock = self._lab.clock
        clock.speed = 0.0
        clock.advance(seconds=max(0.0, (moment - clock.now()).total_seconds()))

    def _calls(self) -> dict[str, Call]:
        return (
            self._own_calls
            | CALLS
            | {f"sts AssumeRole {role['name']}": assume(role["arn"]) for role in self._roles()}
        )

    def _roles(self) -> list[dict[str, str]]:
        """Every role that IAM lets people change: not those of the services themselves."""
        accounts = [self._account] if self._account else self._lab.state.accounts()
        return [
            {"arn": role.arn, "name": short(role.arn, self._lab.account_id)}
            for account in accounts
            for role in self._lab.state.iam(account).roles.values()
            if not role.path.startswith("/aws-service-role/")
        ]

    def _use_what_renews(self) -> None:
        for name, credentials in list(self._renewing.items()):
            try:
                key = credentials.get_frozen_credentials().access_key
            except (ClientError, BotoCoreError, RuntimeError) as error:
                del self._renewing[name]
                self._notice = f"Credentials could not renew themselves any more: {error}"
                continue
            if key in self._lab.callers.sessions:
                self._renewed.add(key)
            else:  # the lab was emptied
                del self._renewing[name]


def timeline(
    lab: Lab | None = None,
    account: str | None = None,
    *,
    follow: boto3.Session | Iterable[boto3.Session] = (),
    calls: Mapping[str, Call] | None = None,
) -> Timeline:
    """Show every session and key of the lab as a bar on its clock.

    Calls are marks on the bar of the credentials that made them. What a session made is set in
    below it.

    Parameters
    ----------
    lab : Lab, optional
        The one that runs, if not given.
    account : str, optional
        Twelve digits: only this account's. Every account's if not given, as a session may come
        from another account.
    follow : boto3.Session or iterable of boto3.Session
        Sessions whose credentials renew themselves, such as one made inside ``lab.on_instance``.
        While somebody looks at the timeline it uses them, so that they renew as in a program.
    calls : mapping of str to callable, optional
        More calls to try: a name, and what gets a `boto3.Session` with the chosen credentials and
        makes a call.

    Returns
    -------
    Timeline
        Show it as the last line of a cell. ``print`` it for the same in words.

    Raises
    ------
    RuntimeError
        If the lab is stopped.
    TypeError
        If `follow` holds no sessions.

    Examples
    --------
    >>> import boto3, iamlab
    >>> lab = iamlab.start()
    >>> made = boto3.client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    >>> shown = timeline(lab)
    >>> shown.walk_to_end(made["AccessKeyId"])
    >>> shown.try_call(made["AccessKeyId"])["ok"]
    True
    >>> shown.step_over(made["AccessKeyId"])
    >>> shown.try_call(made["AccessKeyId"])["ok"]
    False
    >>> lab.stop()
    """
    if lab is None:
        from iamlab.account.lab import start

        lab = start()
    lab.check_running()
    if isinstance(follow, boto3.Session):
        follow = (follow,)
    return Timeline(lab, account, follow, calls or {})


def _credentials(session: boto3.Session) -> Any:
    found = session.get_credentials() if isinstance(session, boto3.Session) else None
    if found is None:
        raise TypeError("follow takes boto3 sessions that have credentials.")
    return found
