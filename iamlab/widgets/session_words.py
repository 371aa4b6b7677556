"""What the timeline shows of a credential, said in sentences."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from iamlab.widgets.session_bars import REVOCATION, Bar, lanes

MOST_CALLS = 20  # of a session, in its list
MOST_MARKS = 300  # of a session, on its bar


_RENEWS = (
    "These credentials renew themselves: in their last 15 minutes, the next use fetches new ones."
)


def status(bar: Bar, now: datetime) -> str:
    """Say in a few words how it stands."""
    phase, left = bar.phase(now), bar.left(now)
    if phase in ("good", "soon") and left is not None:
        return f"{length(left)} left"
    return {"key": "no end", "gone": bar.gone}.get(phase, phase)


def sentence(bar: Bar, now: datetime) -> str:
    """Say everything that the bar shows."""
    begun, left = day_time(bar.issued, now), bar.left(now)
    parts = [f"{bar.who}, {bar.name}: " + ("made " if left is None else "issued ") + begun]
    if left is None or bar.expires is None:
        parts.append("no end")
    elif left > 0:
        parts += [f"expires {day_time(bar.expires, now)}", f"{length(left)} left"]
    else:
        parts += [f"expired {day_time(bar.expires, now)}", f"{length(-left)} ago"]
    kinds = [call.kind for call in bar.calls]
    parts.append(count(len(kinds), "call") if kinds else "no calls")
    parts += [f"{kinds.count(kind)} {kind}" for kind in ("denied", "refused") if kind in kinds]
    end = f" It is {bar.gone}: AWS refuses it." if bar.phase(now) == "gone" else ""
    if bar.phase(now) == "revoked":
        end = " Revoked: its role denies all that it asks for."
    return ", ".join(parts) + "." + end


def facts(bar: Bar, now: datetime) -> list[str]:
    """Say where it comes from, what came from it, and what ended it."""
    said = []
    if bar.parent is not None:
        said.append(f"Made with {bar.parent.who}, {bar.parent.name}, by {bar.operation}.")
    elif bar.maker:
        said.append(f"{bar.maker} asked for it, by {bar.operation}.")
    if bar.chained:
        said.append(
            "Role chaining: a session of a role made it. AWS gives such a session one hour at most."
        )
    if bar.made:
        names = "; ".join(f"{one.who}, {one.name}" for one in bar.made[:3])
        more = f"; and {len(bar.made) - 3} more" if len(bar.made) > 3 else ""
        said.append(f"From it came: {names}{more}.")
        living = any(one.phase(now) in ("good", "soon") for one in bar.made)
        if living and bar.phase(now) in ("expired", "revoked", "gone"):
            said.append("What came from it lives on: each session has an end of its own.")
    if bar.revoked is not None and bar.phase(now) == "revoked":
        said.append(
            f"The policy {REVOCATION} of {bar.who} denies every session that was issued "
            f"before {day_time(bar.revoked, now, seconds=True)}."
        )
        said.append("A call that needs no permission, sts GetCallerIdentity, still works.")
    return said


def as_row(row: list[Bar], deep: int, now: datetime, renewed: set[str]) -> dict[str, Any]:
    """Return a row as the page draws it.

    Parameters
    ----------
    row : list of Bar
        One of `iamlab.widgets.session_bars.chains`.
    deep : int
        How far it is set in.
    now : datetime
    renewed : set of str
        Access key IDs of credentials that renew themselves.
    """
    drawn = [
        {
            "key": bar.key,
            "sentence": sentence(bar, now),
            "status": status(bar, now),
            "phase": bar.phase(now),
            "facts": facts(bar, now),
            "issued": iso(bar.issued),
            "expires": bar.expires and iso(bar.expires),
            "lane": lane,
            "role": bar.role,
        }
        for bar, lane in zip(row, lanes(row), strict=True)
    ]
    for one, bar in zip(drawn, row, strict=True):
        if bar.key in renewed:
            one["facts"].append(_RENEWS)
    for (old, before), (new, after) in pairwise(zip(drawn, row, strict=True)):
        text = "The session issued {} took over from it."
        old["facts"].append(text.format(day_time(after.issued, now)))
        text = "It took over from the session issued {}."
        new["facts"].append(text.format(day_time(before.issued, now)))
    return {"label": row[0].who, "note": row[0].name, "depth": deep, "bars": drawn}


def as_calls(bar: Bar) -> dict[str, Any]:
    """Return the calls of a bar as the page draws them: all marks, and the newest rows."""
    rows = [
        {
            "at": iso(call.at),
            "ok": call.kind == "allowed",
            "word": call.kind,
            "what": call.what,
            "said": call.said,
        }
        for call in reversed(bar.calls[-MOST_CALLS:])
    ]
    marks = [[iso(call.at), call.kind] for call in bar.calls[-MOST_MARKS:]]
    all_of_them = len(bar.calls)
    more = f"The newest {MOST_CALLS} of {all_of_them} calls." if all_of_them > MOST_CALLS else ""
    return {"rows": rows, "marks": marks, "more": more}


def length(seconds: float) -> str:
    """Say a length of time in whole words.

    Examples
    --------
    >>> length(725), length(3660), length(1)
    ('12 minutes', '1 hour 1 minute', '1 second')
    """
    whole = int(seconds)
    if whole < 60:
        return count(whole, "second")
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    return " ".join([count(number, unit) for number, unit in parts if number][:2])


def day_time(at: datetime, now: datetime, *, seconds: bool = False) -> str:
    """Say a time of day, and the day where it is not today.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> day_time(datetime(2026, 5, 4, 10, 0, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC))
    '10:00 on 4 May'
    """
    text = f"{at:%H:%M:%S}" if seconds else f"{at:%H:%M}"
    if at.date() != now.date():
        text += f" on {at.day} {at:%B}" + ("" if at.year == now.year else f" {at.year}")
    return text


def count(number: int, thing: str) -> str:
    """Say how many there are.

    Examples
    --------
    >>> count(1, "call"), count(3, "call")
    ('1 call', '3 calls')
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"


def iso(moment: datetime) -> str:
    """Write a time for the page, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
