"""A real JupyterLab and a real Chromium, shut in on this computer, for the browser tests.

The server runs in a folder of its own with settings of its own. Every request of the page is
looked at: one that would leave 127.0.0.1 is stopped and fails the test, and so does anything that
the page writes to its console as an error.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Route, sync_playwright

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]

# Console errors that are JupyterLab's own, with or without our widgets on the page.
TOLERATED = (
    # JupyterLab asks for workspaces and for translations that a new folder does not have.
    re.compile(r"Failed to load resource: .* 404 .*/api/workspaces/"),
    # JupyterLab's debugger asks a kernel that the test has just shut down; nothing of ours is hurt.
    re.compile(r"Could not restore the debugger state: Canceled future for debug_request"),
)


def chromium_path() -> str | None:
    """Where this computer's Chromium is, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("IAMLAB_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def code_notebook(*cells: str) -> dict[str, Any]:
    """Build a notebook of code cells."""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(cells)
        ],
    }


class Jupyter:
    """A JupyterLab server in ``folder``; `iamlab` is importable in its kernels."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.url = f"http://127.0.0.1:{port}"

    def write(self, name: str, notebook: dict[str, Any]) -> str:
        """Put a notebook in the server's folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook), encoding="utf-8")
        return name


@contextlib.contextmanager
def jupyter(home: Path) -> Iterator[Jupyter]:
    """Run JupyterLab in ``home`` until the block ends.

    ``IAMLAB_BROWSER_PYTHON`` names another Python to run it with, for example one with the
    versions that Binder has.
    """
    folder = home / "work"
    folder.mkdir(parents=True)
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env |= {
        "PYTHONPATH": str(ROOT),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "IAMLAB_DATA_DIR": str(home / "progress"),
    }
    command = [
        os.environ.get("IAMLAB_BROWSER_PYTHON", sys.executable),
        *("-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"),
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        "--ServerApp.password=",
        "--ServerApp.terminals_enabled=False",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.extension_manager=readonly",
        "--expose-app-in-browser",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    log = home / "jupyter.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, env=env, cwd=folder, stdout=output, stderr=output)
    running = Jupyter(folder, port)
    try:
        _wait_for(running, server, log)
        yield running
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(running: Jupyter, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{running.url}/api", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """This computer's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Notebook:
    """One notebook, open in JupyterLab; ``page`` is Playwright's page."""

    def __init__(self, server: Jupyter, page: Page, name: str) -> None:
        self.server, self.page, self.name = server, page, name
        self.outside: list[str] = []
        self.errors: list[str] = []
        self.tolerated = TOLERATED
        page.route("**/*", self._on_request)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))

    def _on_request(self, route: Route, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("data", "blob") or address.hostname == "127.0.0.1":
            route.continue_()
        else:
            self.outside.append(request.url)
            route.abort()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            where = (message.location or {}).get("url", "")
            self.errors.append(f"{message.text} {where}".strip())

    def open(self, *, reset: bool = True) -> Notebook:
        """Load the page and wait for a kernel that is idle."""
        address = f"{self.server.url}/lab/tree/{quote(self.name)}" + ("?reset" if reset else "")
        self.page.goto(address, wait_until="domcontentloaded", timeout=90_000)
        self.wait_idle()
        self.page.evaluate("""async () => {
            const app = window.jupyterapp;
            await app.commands.execute('sidebar:toggle-left-area').catch(() => {});
            if (!app.shell.leftCollapsed) app.shell.collapseLeft();
            app.shell.collapseRight();
        }""")
        return self

    def wait_idle(self) -> None:
        """Wait until the notebook on the page has a kernel and it has nothing to do."""
        self.page.wait_for_function(
            """name => {
                const panel = window.jupyterapp?.shell?.currentWidget;
                const context = panel?.sessionContext;
                return panel?.context?.path === name && panel.context.isReady
                    && context?.session?.kernel?.status === 'idle';
            }""",
            arg=self.name,
            timeout=90_000,
        )

    def run_all(self, timeout: float = 240) -> list[str]:
        """Run every cell and return the errors in their outputs (normally none)."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_function(
            """() => {
                const cells = window.jupyterapp.shell.currentWidget.content.widgets;
                const code = cells.filter(c => c.model.type === 'code'
                    && c.model.sharedModel.getSource().trim());
                const broken = code.some(c => c.model.outputs.toJSON().some(
                    o => o.output_type === 'error'));
                return broken || code.every(c => c.model.executionCount);
            }""",
            timeout=timeout * 1000,
        )
        self.wait_idle()
        return self.page.evaluate("""() => window.jupyterapp.shell.currentWidget.content.widgets
            .filter(c => c.model.type === 'code')
            .flatMap((c, n) => c.model.outputs.toJSON()
                .filter(o => o.output_type === 'error')
                .map(o => `code cell ${n + 1}: ${o.ename}: ${o.evalue}`))""")

    def execute(self, code: str) -> None:
        """Run code in the kernel, beside the cells, and wait for its end."""
        status = self.page.evaluate(
            """async code => {
                const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                const reply = await kernel.requestExecute({code}).done;
                return reply.content.status === 'ok' ? 'ok'
                    : `${reply.content.ename}: ${reply.content.evalue}`;
            }""",
            code,
        )
        if status != "ok":
            raise AssertionError(f"the kernel answered {status} to: {code}")

    def draw_everything(self) -> None:
        """Keep every cell on the page: JupyterLab else takes away those that are out of sight."""
        self.page.evaluate("""() => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            notebook.notebookConfig = {...notebook.notebookConfig, windowingMode: 'none'};
        }""")

    def theme(self, name: str) -> None:
        """Switch JupyterLab's theme: "light" or "dark"."""
        theme = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[name]
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
        )
        wanted = str(name == "light").lower()
        self.page.wait_for_function(
            "wanted => document.body.dataset.jpThemeLight === wanted", arg=wanted
        )

    def check(self, *more_tolerated: str) -> None:
        """Fail on any request that left this computer and on any console error."""
        tolerated = (*self.tolerated, *map(re.compile, more_tolerated))
        errors = [e for e in self.errors if not any(t.search(e) for t in tolerated)]
        assert not self.outside, f"the page asked outside 127.0.0.1: {self.outside}"
        assert not errors, "the page wrote errors to its console:\n" + "\n".join(errors)


def axe(page: Page, within: str = ".jp-Cell-outputArea") -> list[str]:
    """Return what axe-core finds wrong inside the outputs, one line a finding.

    Left out: pandas' own tables, whose header over the index is empty.
    """
    if not page.evaluate("() => Boolean(window.axe)"):
        page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        """async within => (await axe.run(
                {include: [[within]], exclude: [['table.dataframe']]},
                {resultTypes: ['violations']}))
            .violations.flatMap(v => v.nodes.map(
                n => `${v.id}: ${v.help}: ${n.target.join(' ')}: ${n.failureSummary}`))""",
        within,
    )
    return list(found)


# Every visible piece of text with its colour, and what is painted behind it. A text area whose own
# text is transparent is left out: the coloured layer behind it is what people read.
_TEXTS = """within => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgba = colour => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, below) => top.slice(0, 3).map(
        (c, i) => c * top[3] + below[i] * (1 - top[3]));
    const behind = el => {
        const layers = [];
        for (let at = el; at; at = at.parentElement) {
            const colour = rgba(getComputedStyle(at).backgroundColor);
            if (colour[3] > 0) layers.push(colour);
            if (colour[3] === 1) break;
        }
        return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
    };
    const light = c => {
        const [r, g, b] = c.map(v => v / 255).map(
            v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [];
    for (const root of document.querySelectorAll(within)) {
        for (const el of root.querySelectorAll('*')) {
            if (!el.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})) continue;
            const own = [...el.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join('');
            const text = (el.matches('input[type=text], textarea') ? el.value : own)
                .replace(/\\u200b/g, '').trim();
            const colour = rgba(getComputedStyle(el).color);
            if (!text || colour[3] === 0) continue;
            const below = behind(el);
            const pair = [light(over(colour, below)), light(below)].sort((a, b) => b - a);
            found.push({
                text: text.slice(0, 40), where: `${el.tagName}.${el.className}`,
                ratio: (pair[0] + 0.05) / (pair[1] + 0.05),
            });
        }
    }
    return found;
}"""


def contrasts(page: Page, within: str = ".iamlab") -> list[tuple[float, str, str]]:
    """Compute the contrast of every visible text: (ratio, text, element), the worst first."""
    rows = page.evaluate(_TEXTS, within)
    return sorted((row["ratio"], row["text"], row["where"]) for row in rows)


def overflows(page: Page, within: str = ".iamlab") -> list[str]:
    """Name the elements that stick out of their widget, or whose own text does not fit in them.

    What lies in a ``.scrolls`` is meant to be larger than what is seen of it.
    """
    return page.evaluate(
        """within => [...document.querySelectorAll(within)].flatMap(root => {
            const edge = root.getBoundingClientRect().right + 1;
            const out = [...root.querySelectorAll('*')].filter(el => el.checkVisibility()
                && !el.parentElement.closest('.scrolls') && (el.getBoundingClientRect().right > edge
                || (el.clientWidth && el.scrollWidth > el.clientWidth + 1
                    && !el.matches('input, select, .iamlab, .scrolls'))));
            const area = root.closest('.jp-OutputArea-output');
            if (area && area.scrollWidth > area.clientWidth + 1) out.push(area);
            return out.map(el => `${el.tagName}.${el.className}`);
        })""",
        within,
    )


def screenshot(page: Page, name: str, selector: str | None = None) -> None:
    """Save a picture into the folder that ``IAMLAB_SCREENSHOTS`` names, if it names one."""
    folder = os.environ.get("IAMLAB_SCREENSHOTS")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    path = str(Path(folder) / f"{name}.png")
    if selector:
        page.locator(selector).first.screenshot(path=path)
    else:
        page.screenshot(path=path)


def tab_to(page: Page, selector: str, limit: int = 40) -> None:
    """Press Tab until the focus is on what the selector names: as a keyboard user comes there."""
    for _ in range(limit):
        if page.evaluate("s => document.activeElement?.matches(s) ?? false", selector):
            return
        page.keyboard.press("Tab")
    where = page.evaluate("() => document.activeElement?.outerHTML?.slice(0, 200)")
    raise AssertionError(f"{limit} times Tab did not reach {selector}; the focus is on {where}")
