"""The project's own promises: its files, its pins, its wheel, and nothing left in the tree."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")

UV = [sys.executable, "-m", "uv", "--quiet"]


def pins(file: str) -> dict[str, str]:
    """The versions that a requirements file pins: {package: version}."""
    found = {}
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        text = line.split("#")[0].strip()
        if text:
            requirement = Requirement(text)
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", f"{file}: {line} is not an exact pin"
            found[canonicalize_name(requirement.name)] = specifier.version
    return found


def tracked() -> list[Path]:
    """The files under git; in an unpacked source without git, all that a build would ship."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        # A file that another change just moved is listed until that change is committed.
        return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git clone: the tracked files cannot be listed")


def texts() -> dict[str, str]:
    found = {}
    for path in tracked():
        try:
            found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


# --- dependencies ---------------------------------------------------------------------------


def _requirements() -> list[Requirement]:
    project = PYPROJECT["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(text) for group in groups for text in group]


@pytest.mark.parametrize("requirement", _requirements(), ids=lambda r: r.name)
def test_a_pinned_version_satisfies_each_dependency(requirement: Requirement) -> None:
    version = pins("constraints.txt")[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(version)


def test_moto_is_held_to_one_minor_version() -> None:
    (moto,) = [r for r in _requirements() if r.name == "moto"]
    major, minor, *_ = pins("constraints.txt")["moto"].split(".")
    assert f"<{major}.{int(minor) + 1}" in str(moto.specifier)
    assert not moto.specifier.contains(f"{major}.{int(minor) + 1}.0")
    assert not moto.specifier.contains(f"{major}.{int(minor) - 1}.99")


def test_python_3_11_and_newer() -> None:
    supported = SpecifierSet(PYPROJECT["project"]["requires-python"])
    assert "3.11.0" in supported and "3.14.0" in supported and "3.10.99" not in supported


def test_the_packages_installed_here_are_the_pinned_ones() -> None:
    """Only what was tested together is what learners get: make, CI and Binder share the pins."""
    from importlib.metadata import PackageNotFoundError, version

    wanted = pins("constraints.txt")
    different = {}
    for requirement in _requirements():
        name = canonicalize_name(requirement.name)
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        if found != wanted[name]:
            different[name] = (found, wanted[name])
    assert not different


# --- what must not be in the tree -----------------------------------------------------------


def test_no_path_of_a_machine_in_the_tree() -> None:
    # Spelled in pieces so that this file passes its own test.
    machine = re.compile("/" + r"(home|Users|root)/[\w.-]+/|/" + r"work/\w|/" + r"tmp/\w")
    found = [
        f"{name}: {line.strip()[:100]}"
        for name, text in texts().items()
        for line in text.splitlines()
        if machine.search(line)
    ]
    assert not found


def test_no_address_of_a_package_registry_in_the_tree() -> None:
    registry = re.compile(r"""(resolved|registry|index[-_]url)"?\s*[:=]\s*"?https?://""")
    host = re.compile(r"https?://[\w./-]*(pypi|npmjs|pythonhosted|anaconda)\.")
    found = [name for name, text in texts().items() if registry.search(text) or host.search(text)]
    assert not found


def test_no_large_file_in_the_tree() -> None:
    assert [str(path) for path in tracked() if path.stat().st_size > 3_000_000] == []


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_a_notebook_stores_no_output(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["cells"], "an empty notebook"
    for cell in notebook["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("words", [["check"], ["format", "--check"]], ids=" ".join)
def test_the_style_is_the_projects(words: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "ruff", *words, "--no-cache", "."],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr


# --- the README -----------------------------------------------------------------------------


def test_the_readme_sets_up_with_exactly_two_make_commands() -> None:
    setup = re.search(r"^## Set up\n(.*?)^## ", README, re.M | re.S)
    assert setup, "README.md has no section 'Set up'"
    assert re.findall(r"^make \w+", setup[1], re.M) == ["make lab", "make test"]


def test_every_make_target_named_in_the_documents_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", README + contributing, re.M))
    assert {"lab", "test"} <= named <= targets


def test_every_exercise_in_the_table_of_sentences_exists() -> None:
    from iamlab.lessons import LESSONS, load_lesson

    titles = {e.id: e.title for key in LESSONS for e in load_lesson(key).exercises}
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .+ \| (\d\d) \| (\d\d-\d) (.+) \|$", contributing, re.M)
    assert {lesson for lesson, *_ in rows} <= LESSONS.keys()
    assert rows and [(id, titles.get(id)) for _, id, _ in rows] == [row[1:] for row in rows]


def test_the_readme_lists_the_lessons_that_there_are() -> None:
    listed = re.findall(r"^\| `(\d\d-[\w-]+)` \|", README, re.M)
    assert listed == sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_every_file_that_the_documents_link_to_exists() -> None:
    for document in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
        assert not [link for link in links if not (ROOT / link).exists()], document


def test_the_readme_example_prints_what_the_readme_says() -> None:
    blocks = re.findall(r"```python\n(.*?)```\s*```text\n(.*?)```", README, re.S)
    assert blocks, "no example with its output in README.md"
    for code, printed in blocks:
        ran = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
        )
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.split() == printed.split()


# --- the wheel ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([*UV, "build", "--wheel", "-o", folder, ROOT], check=True, timeout=200)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_carries_the_course_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    course = {name.removeprefix("iamlab/_course/") for name in names if "/_course/" in name}
    committed = {path.relative_to(ROOT).as_posix() for path in tracked()}
    kept = {name for name in committed if name.startswith(("notebooks/", "datasets/"))}
    assert kept <= course
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"iamlab"}
    junk = (".ipynb_checkpoints", "__pycache__", "node_modules", ".pyc")
    assert not [name for name in names if any(word in name for word in junk)]
    assert wheel.stat().st_size < 5_000_000


@pytest.mark.slow
def test_a_stranger_installs_the_wheel_and_opens_the_course(wheel: Path, tmp_path: Path) -> None:
    """In an empty environment, away from this repository, with a changed file kept."""
    venv, home = tmp_path / "venv", tmp_path / "home"
    home.mkdir()
    binaries = venv / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run([*UV, "venv", "--python", sys.executable, venv], check=True)
    install = [*UV, "pip", "install", "--python", venv, "-c", ROOT / "constraints.txt", wheel]
    subprocess.run(install, check=True, timeout=250)

    def iamlab(*words: str) -> str:
        environment = os.environ | {"HOME": str(home)}
        environment.pop("PYTHONPATH", None)
        return subprocess.run(
            [binaries / "iamlab", *words],
            cwd=home, env=environment, capture_output=True, text=True, check=True, timeout=120,
        ).stdout  # fmt: skip

    iamlab("open", "--copy-only")
    mine = home / "iam-course" / "notebooks" / "00-welcome.ipynb"
    course = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {path.name for path in mine.parent.iterdir()} == course
    mine.write_text("my own work", encoding="utf-8")
    iamlab("open", "--copy-only")
    assert mine.read_text(encoding="utf-8") == "my own work"
    assert "PROBLEM" not in iamlab("doctor")
