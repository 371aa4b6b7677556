"""The lab's clock moves as told and only forward."""

from datetime import UTC, datetime, timedelta

import pytest

from iamlab.account.clock import Clock


def test_starts_at_the_real_time_in_utc() -> None:
    assert abs(Clock().now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_advance_adds_up_its_parts() -> None:
    clock = Clock()
    before = clock.now()
    after = clock.advance(seconds=1, minutes=2, hours=3, days=4)
    step = timedelta(seconds=1, minutes=2, hours=3, days=4)
    assert step <= after - before < step + timedelta(seconds=5)


def test_time_does_not_run_backwards() -> None:
    clock = Clock()
    with pytest.raises(ValueError, match="positive"):
        clock.advance(minutes=-1)
    with pytest.raises(ValueError, match="backwards"):
        clock.speed = -1


def test_speed_zero_stops_and_a_high_speed_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    real = [100.0]
    monkeypatch.setattr("iamlab.account.clock.time.monotonic", lambda: real[0])
    clock = Clock()
    clock.speed = 0
    stopped = clock.now()
    real[0] += 50
    assert clock.now() == stopped
    clock.speed = 60
    real[0] += 2
    assert clock.now() == stopped + timedelta(minutes=2)
    clock.speed = 1
    real[0] += 1
    assert clock.now() == stopped + timedelta(minutes=2, seconds=1)


def test_restart_goes_back_to_the_real_time() -> None:
    clock = Clock()
    clock.advance(days=400)
    clock.speed = 0
    clock.restart()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.speed == 1
