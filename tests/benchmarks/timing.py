"""Time work against a fixed piece of Python run beside it, so that machines can be compared."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

_TEXT = json.dumps([{"name": f"n{i}", "values": list(range(20))} for i in range(50)])


def reference() -> None:
    """The yardstick: read one fixed JSON text."""
    json.loads(_TEXT)


def seconds(work: Callable[[], object], times: int) -> float:
    """Return the seconds for one call of `work`: the best of five runs of `times` calls."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(times):
            work()
        best = min(best, time.perf_counter() - start)
    return best / times


def report(name: str, work: Callable[[], object], each: int, times: int, target: float) -> float:
    """Print how many a second, beside the target and the yardstick; return the rate.

    Parameters
    ----------
    name : str
    work : callable
        Does the work `each` times.
    each, times : int
        How often `work` does it in one call, and how often it is called in one run.
    target : float
        What is to be reached, a second, on the machine that the target was set on.

    Returns
    -------
    float
        How many a second.
    """
    yardstick = seconds(reference, 20)
    one = seconds(work, times) / each
    print(
        f"\n{name}: {1 / one:,.0f}/s (target {target:,.0f}/s); "
        f"one costs {one / yardstick:.3f} of the yardstick ({yardstick * 1e6:.0f} us)"
    )
    return 1 / one
