"""One JupyterLab and one Chromium for all browser tests of a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser import harness


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Jupyter]:
    """A running JupyterLab in a temporary folder."""
    if harness.chromium_path() is None:
        pytest.skip("no Chromium on this computer: install the package chromium")
    with harness.jupyter(tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.fixture(scope="session")
def browser(server: harness.Jupyter) -> Iterator[Any]:
    """A running Chromium."""
    with harness.chromium() as running:
        yield running


@pytest.fixture
def open_notebook(server: harness.Jupyter, browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a notebook; afterwards its kernel is ended, and the page must have been quiet."""
    opened: list[tuple[Any, harness.Notebook]] = []

    def opener(
        name: str, notebook: dict[str, Any] | None = None, *, width: int = 1280, **context: Any
    ) -> harness.Notebook:
        if notebook is not None:
            server.write(name, notebook)
        size = {"width": width, "height": context.pop("height", 900)}
        window = browser.new_context(viewport=size, **context)
        window.set_default_timeout(20_000)
        opened.append((window, harness.Notebook(server, window.new_page(), name)))
        return opened[-1][1].open()

    yield opener
    for window, notebook in opened:
        notebook.page.evaluate("""async () => {
            const panel = window.jupyterapp.shell.currentWidget;
            await panel.context.save();
            await panel.sessionContext.shutdown();
        }""")
        window.close()
        notebook.check()


@pytest.fixture
def axe() -> Callable[..., list[str]]:
    """axe-core, or a skip that says how to get it."""
    if not harness.AXE.is_file():
        pytest.skip("axe-core is not here: npm install --prefix tests/browser --no-package-lock")
    return harness.axe
