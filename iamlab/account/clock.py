"""The lab's own clock: it can be moved on, sped up or paused; the real one is left alone."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Lab time: starts at the real time, then goes where the learner sends it.

    Every date that the lab gives out follows it: when credentials expire, when a key was last
    used, how old a password is, and what botocore thinks is "nearly expired".

    Examples
    --------
    >>> clock = Clock()
    >>> before = clock.now()
    >>> bool(clock.advance(minutes=20) - before >= timedelta(minutes=20))
    True
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Go back to the real time, at the speed of life."""
        self._lab = datetime.now(UTC)
        self._real = time.monotonic()
        self._speed = 1.0

    def now(self) -> datetime:
        """Return the lab's time.

        Returns
        -------
        datetime
            Aware, in UTC.

        Examples
        --------
        >>> Clock().now().tzinfo is UTC
        True
        """
        passed = time.monotonic() - self._real
        return self._lab + timedelta(seconds=passed * self._speed)

    def real_now(self) -> datetime:
        """Return the real time (aware, UTC): programs outside the lab sign their calls by it."""
        return datetime.now(UTC)

    @property
    def speed(self) -> float:
        """Lab seconds that pass in one real second: 1 is life, 60 a minute a second, 0 stops."""
        return self._speed

    @speed.setter
    def speed(self, value: float) -> None:
        if not 0 <= value < float("inf"):
            raise ValueError(f"speed is {value}: time cannot run backwards; give 0 or more")
        self._lab, self._real = self.now(), time.monotonic()
        self._speed = float(value)

    def advance(
        self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0
    ) -> datetime:
        """Move the lab's clock forward.

        Parameters
        ----------
        seconds, minutes, hours, days : float
            How far, added up.

        Returns
        -------
        datetime
            The new lab time.

        Raises
        ------
        ValueError
            If the sum is negative: what has expired stays expired.

        Examples
        --------
        >>> clock = Clock()
        >>> clock.advance(hours=1) <= clock.now()
        True
        """
        step = timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days)
        if step < timedelta(0):
            raise ValueError(f"cannot move the clock by {step}: give a positive amount of time")
        self._lab += step
        return self.now()
