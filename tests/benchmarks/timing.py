"""Time work against a fixed piece of Python run beside it, so that machines can be compared."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

_TEXT = json.dumps([{"name": f"n{i}", "values": list(range(20))} for i in range(50)])


def reference() -> None:
    """The yardstick: read one fixed JSON text."""
    json.loads(_TEXT)


def seconds(
    work: Callable[[], object],
    least: float = 0.5,
    before: Callable[[], object] | None = None,
) -> float:
    """Return the seconds of one call of `work`: the best of many, over `least` seconds or more.

    The best, since other programs on the machine can only make it slower. `before` prepares each
    call and is not timed.
    """
    best = float("inf")
    until = time.perf_counter() + least
    while True:
        if before is not None:
            before()
        start = time.perf_counter()
        work()
        end = time.perf_counter()
        best = min(best, end - start)
        if end > until:
            return best


def report(
    name: str,
    work: Callable[[], object],
    each: int,
    target: float | None = None,
    before: Callable[[], object] | None = None,
) -> float:
    """Print how many a second, beside the target and the yardstick; return the rate.

    Parameters
    ----------
    name : str
    work : callable
        Does the work `each` times.
    each : int
    target : float, optional
        What is to be reached, a second, on the machine that the target was set on.
    before : callable, optional
        Prepares each call of `work`; not timed.

    Returns
    -------
    float
        How many a second.
    """
    yardstick = seconds(reference)
    one = seconds(work, before=before) / each
    aim = f" (target {target:,.0f}/s)" if target else ""
    print(
        f"\n{name}: {1 / one:,.0f}/s{aim}; one costs {one / yardstick:.3f} of the yardstick "
        f"({yardstick * 1e6:.0f} us)"
    )
    return 1 / one
