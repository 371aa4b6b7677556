"""For tests and doctests alike: a lab, progress kept apart, and CI that skips nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from iamlab.account.lab import Lab


@pytest.fixture(scope="session", autouse=True)
def progress_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the tests' progress away from the learner's."""
    os.environ["IAMLAB_DATA_DIR"] = str(tmp_path_factory.mktemp("progress"))


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab of its own for one test: started before it, stopped after it."""
    import iamlab

    with iamlab.start() as running:
        yield running


@pytest.fixture(autouse=True)
def no_lab_left_by_an_example(request: pytest.FixtureRequest) -> Iterator[None]:
    """Stop the lab that a docstring's example left running: the next one starts afresh."""
    yield
    if isinstance(request.node, pytest.DoctestItem) and "iamlab.account.lab" in sys.modules:
        import iamlab

        iamlab.start().stop()


def _ci_skips_nothing(report: Any) -> None:
    # On a learner's computer a missing tool is a skip. In CI it would be a test nobody ran.
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI=true forbids: {reason}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn a skipped test into a failed one in CI."""
    outcome = yield
    _ci_skips_nothing(outcome.get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Turn a skipped module into a failed one in CI."""
    outcome = yield
    _ci_skips_nothing(outcome.get_result())
