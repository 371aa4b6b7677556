"""The page files: in the package, in the wheel, small, and alone."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from iamlab.widgets import (
    AccessTable,
    Authenticator,
    Countdown,
    DenialPage,
    Opens,
    Playground,
    Timeline,
    TrustGraph,
)

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path("iamlab/widgets")
WIDGETS = {
    "access_table": AccessTable,
    "opens": Opens,
    "playground": Playground,
    "countdown": Countdown,
    "timeline": Timeline,
    "authenticator": Authenticator,
    "denial": DenialPage,
    "trust_graph": TrustGraph,
}


def page_files() -> list[Path]:
    found = sorted(p for p in (ROOT / FOLDER).iterdir() if p.suffix in (".js", ".css"))
    assert len(found) >= 7
    return found


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widget_gets_its_files(name: str) -> None:
    assert (ROOT / FOLDER / f"{name}.js").read_text(encoding="utf-8") in WIDGETS[name]._esm
    assert (ROOT / FOLDER / f"{name}.css").read_text(encoding="utf-8") in WIDGETS[name]._css
    assert WIDGETS[name]._esm.count("export default") == 1


def test_the_wheel_carries_them(tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(wheel).namelist())
    missing = [p.name for p in page_files() if f"{FOLDER.as_posix()}/{p.name}" not in names]
    assert not missing


def test_nothing_is_fetched_or_bundled() -> None:
    for path in page_files():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"https?://|\bimport\b.*\bfrom\b|@import|url\(|innerHTML", text), path
        assert len(text.splitlines()) <= 350, f"{path.name} is too long to be read in one go"


def test_axe_is_pinned_to_one_version() -> None:
    wanted = json.loads((ROOT / "tests/browser/package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert not (ROOT / "tests/browser/package-lock.json").exists()
