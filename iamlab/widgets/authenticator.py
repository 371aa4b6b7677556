"""The authenticator: a phone on the page whose six digits run on the lab's clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyotp
import traitlets

from iamlab.widgets._base import LabWidget, page_file, page_style
from iamlab.widgets.credential_countdown import in_words
from iamlab.widgets.mfa_device import Device, Entry, card, devices_of, read_device

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

STEP = 30  # seconds that one code is good for (RFC 6238)
_PAIR = "EnableMFADevice asks for two codes in a row: this one and the next."


class Authenticator(LabWidget):
    """The widget behind `authenticator`.

    Attributes
    ----------
    state : dict
        What the page shows: ``now`` (ISO 8601, lab time), ``left`` (lab seconds until the codes
        change), ``speed``, ``devices``, ``others`` (devices of the account that are not on the
        phone), ``clocks``, ``differ``, ``news``, ``problem``, and ``stopped``: what to do when the
        lab does not run.
    cards : dict
        Key of a device to its QR picture and its secret.
    """

    _esm = page_file("common.js", "authenticator.js")
    _css = page_style("authenticator.css")

    state = traitlets.Dict().tag(sync=True)
    cards = traitlets.Dict().tag(sync=True)

    def __init__(self, lab: Lab, account: str) -> None:
        super().__init__()
        self._lab, self._account = lab, account
        self._entries: dict[str, Entry] = {}
        self._ahead: set[str] = set()  # the devices whose next code was asked for
        self._news = self._problem = ""
        self.look()

    def add(self, device: Device) -> str:
        """Put a device on the phone, and return its name.

        Parameters
        ----------
        device : mapping, str or bytes
            As for `authenticator`.

        Raises
        ------
        ValueError
            If it is none of these, or the lab has no device of that serial number.
        """
        entry = read_device(self._lab, device)
        if all(known.seed != entry.seed for known in self._entries.values()):
            key = str(max(map(int, self._entries), default=0) + 1)
            self.cards = self.cards | {key: card(entry)}
            self._entries[key] = entry
        self.look()
        return entry.name

    def remove(self, name: str) -> None:
        """Take a device off the phone. The account keeps it."""
        key = self._key(name)
        del self._entries[key]
        self.cards = {other: shown for other, shown in self.cards.items() if other != key}
        self.look()

    def codes(self, name: str | None = None) -> tuple[str, str]:
        """Return the code of now and the next one, for EnableMFADevice.

        Parameters
        ----------
        name : str, optional
            Name or serial number; the first device on the phone if not given.

        Raises
        ------
        LookupError
            If there is no such device on the phone.
        """
        return self._codes(self._entries[self._key(name)])

    def wait(self, name: str | None = None) -> str:
        """Move the lab's clock on to the next code that was not used yet, and return that code.

        Parameters
        ----------
        name : str, optional
            As for `codes`.
        """
        entry = self._entries[self._key(name)]
        known, now = self._known(entry), self._lab.clock.now()
        first = step = self._step(entry) + 1
        while known is not None and step in getattr(known, "used_steps", ()):
            step += 1
        at = datetime.fromtimestamp((step - _off(known)) * STEP, UTC)
        moved = self._lab.clock.advance(seconds=(at - now).total_seconds())
        code = self._codes(entry)[0]
        skipped = " The code in between was used already." if step > first else ""
        self._news = (
            f"The lab's clock was moved {in_words(round((at - now).total_seconds()))} on, to "
            f"{moved:%H:%M:%S}.{skipped} The code of {entry.name} is now {_spelled(code)}."
        )
        self.look()
        return code

    def look(self) -> None:
        """Bring `state` up to the lab's time."""
        stopped = self._stopped()
        if stopped and self.state:  # the codes of a lab that is gone open nothing: none are shown
            blank = [
                {**row, "code": "", "next": "", "used": False} for row in self.state["devices"]
            ]
            self.state = {**self.state, "stopped": stopped, "devices": blank}
            return
        clock = self._lab.clock
        now = clock.now()
        on_phone = {entry.serial for entry in self._entries.values()}
        devices = self._lab.state.iam(self._account).virtual_mfa_devices
        words, differ = _clocks(clock)
        self.state = {
            "now": now.isoformat(timespec="milliseconds"),
            "left": STEP - now.timestamp() % STEP,
            "step": STEP,
            "speed": clock.speed,
            "devices": [self._row(key, entry) for key, entry in self._entries.items()],
            "others": sorted(serial for serial in devices if serial not in on_phone),
            "clocks": words,
            "differ": differ,
            "news": self._news,
            "problem": self._problem,
            "stopped": stopped,
        }

    def heard(self, message: dict[str, Any]) -> None:
        """Do what the page asks: look, add, remove, wait, show the next code, set the clock."""
        do, value = message.get("do"), str(message.get("value", ""))
        if self._stopped():
            do = "look"
        entry = self._entries.get(value)
        if do != "look":
            self._news = self._problem = ""
        if do == "add":
            try:
                self._news = f"{self.add(value)} is on the phone."
            except ValueError as error:
                self._problem = str(error)
        elif do == "clock":
            self._lab.clock.restart()
            self._news = (
                "The lab's clock is at the real time again. What had expired in lab time only is "
                "good again."
            )
        elif entry and do == "remove":
            self.remove(value)
            self._news = f"{entry.name} is off the phone. The account still has it."
        elif entry and do == "wait":
            self.wait(value)
        elif entry and do == "next":
            self._ahead ^= {value}
        self.look()

    def words(self) -> str:
        """Say every device's code and how long it is good, in plain lines."""
        self.look()
        state = self.state
        lines = [f"Authenticator, lab time {datetime.fromisoformat(state['now']):%H:%M:%S} UTC"]
        for row in state["devices"]:
            said = f"{row['code'][:3]} {row['code'][3:]}, {in_words(state['left'])} left"
            if row["used"]:
                said += " (used)"
            lines.append(f"{row['name']}, {row['owner']}: {said if row['code'] else 'no code'}.")
            lines += [f"  {row['note']}"] if row["note"] else []
        if not state["devices"]:
            lines.append("No device is on the phone yet.")
        return "\n".join([*lines, state["stopped"] or state["clocks"]])

    def _row(self, key: str, entry: Entry) -> dict[str, Any]:
        known, step = self._known(entry), self._step(entry)
        code, after = self._codes(entry)
        used = getattr(known, "used_steps", ())
        user = getattr(known, "user", None)
        return {
            "key": key,
            "name": entry.name,
            "serial": entry.serial or "",
            "owner": f"of user/{user.name}" if user else "of nobody yet" if known else "unknown",
            "code": code,
            "used": step in used,
            "next": after if key in self._ahead else "",
            "nextUsed": step + 1 in used,
            "ahead": key in self._ahead,
            "note": self._note(entry, known, step in used),
        }

    def _note(self, entry: Entry, known: Any, used: bool) -> str:
        if entry.serial is None:
            return (
                "The lab has no device with this secret, so it cannot tell which codes were used."
            )
        if known is None:
            return "The account has no such device any more: these codes open nothing."
        if used:
            return "This code was used. Each code works once: wait for the next one."
        if known.user is None:
            return f"Not enabled yet. {_PAIR}"
        if off := _off(known):
            way = "ahead of" if off > 0 else "behind"
            return (
                f"When it was enabled, this device was {in_words(abs(off) * STEP)} {way} the lab's "
                "clock. AWS remembers that, and these codes are made for it."
            )
        return ""

    def _known(self, entry: Entry) -> Any:
        """The lab's device with this secret; None when it is gone or was made anew."""
        found = devices_of(self._lab).get(entry.serial or "")
        return found if found is not None and found.base32_string_seed == entry.seed else None

    def _step(self, entry: Entry) -> int:
        return int(self._lab.clock.now().timestamp()) // STEP + _off(self._known(entry))

    def _codes(self, entry: Entry) -> tuple[str, str]:
        totp, step = pyotp.TOTP(entry.seed), self._step(entry)
        return totp.generate_otp(step), totp.generate_otp(step + 1)

    def _key(self, name: str | None) -> str:
        for key, entry in self._entries.items():
            if name in (None, key, entry.name, entry.serial):
                return key
        names = ", ".join(entry.name for entry in self._entries.values()) or "nothing"
        raise LookupError(f"There is no {name or 'device'} on this phone; it has {names}.")

    def _stopped(self) -> str:
        try:
            self._lab.check_running()
        except RuntimeError as error:
            return f"{error} Make a new device with it, then run this cell again."
        return ""


def authenticator(
    lab: Lab | None = None, *devices: Device, account: str | None = None
) -> Authenticator:
    """Show a phone with an authenticator app that runs on the lab's clock.

    Parameters
    ----------
    lab : Lab, optional
        What `iamlab.start` returned. If not given, the lab that runs; one is started if none does.
    *devices : mapping, str or bytes
        What to put on the phone; more can be added on the page. Each one is the answer of
        CreateVirtualMFADevice, its ``Base32StringSeed`` or ``QRCodePNG``, an ``otpauth://``
        address, or the serial number of a virtual device in the lab.
    account : str, optional
        The account whose devices the page offers; the learner's if not given.

    Returns
    -------
    Authenticator
        Show it as the last line of a cell. ``print`` it for the codes in words.

    Raises
    ------
    TypeError
        If the first argument is no lab.
    ValueError
        If a device is none of these.

    Notes
    -----
    Source: "Assign a virtual MFA device in the AWS Management Console", IAM User Guide; the codes
    are those of RFC 6238: six digits, SHA-1, 30 seconds.

    Examples
    --------
    >>> import boto3, iamlab
    >>> lab = iamlab.start()
    >>> iam = boto3.client("iam")
    >>> _ = iam.create_user(UserName="ana")
    >>> made = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")
    >>> phone = authenticator(lab, made)
    >>> first, second = phone.codes("phone")
    >>> _ = iam.enable_mfa_device(
    ...     UserName="ana", SerialNumber=made["VirtualMFADevice"]["SerialNumber"],
    ...     AuthenticationCode1=first, AuthenticationCode2=second)
    >>> "This code was used." in str(phone)
    True
    >>> lab.stop()
    """
    if lab is None:
        import iamlab

        lab = iamlab.start()
    if not hasattr(lab, "clock"):
        raise TypeError("The lab comes first: authenticator(lab, device).")
    phone = Authenticator(lab, account or lab.account_id)
    for device in devices:
        phone.add(device)
    return phone


def _spelled(code: str) -> str:
    """Digits one by one, as a screen reader should say them; they stay in one line."""
    return "\u00a0".join(code)


def _off(device: Any) -> int:
    """The steps that a device's own clock is off, as AWS learned when it was enabled."""
    return getattr(device, "off", 0)


def _clocks(clock: Any) -> tuple[str, bool]:
    """What to know about a real phone, and whether the two clocks differ."""
    ahead = (clock.now() - clock.real_now()).total_seconds()
    pace = ""
    if clock.speed == 0:
        pace = "The lab's clock stands still, so the codes do not change. "
    elif clock.speed != 1:
        pace = (
            f"The lab's clock runs at {clock.speed:g} times the real speed, and so do the codes. "
        )
    if abs(ahead) <= STEP:
        same = "A real phone shows the same codes: the lab's clock and the real clock agree."
        return pace + (same if not pace else ""), bool(pace)
    way = "ahead of" if ahead > 0 else "behind"
    return (
        f"{pace}The lab's clock is {in_words(abs(ahead))} {way} the real clock. A real phone goes "
        "by the real clock, so it shows other codes than this page. You can still use it: enable "
        "the device with two codes in a row from the real phone, or give two to ResyncMFADevice. "
        "AWS then remembers how far off it is. Or set the lab's clock back to the real time."
    ), True
