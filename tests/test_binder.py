"""Binder: what repo2docker would build, and the same steps done by hand at its versions."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_project import ROOT, UV, pins, tracked

# Binder's image of autumn 2025. The first test below tells when repo2docker brings another.
BINDER = {
    "python": "3.11.14",
    "jupyterlab": "4.4.9",
    "ipywidgets": "8.1.7",
    "jupyter-server": "2.17.0",
    "ipykernel": "7.0.1",
    "jupyterhub": "5.4.0",
}


@pytest.fixture(scope="module")
def image() -> dict[str, str]:
    """The packages of Binder's own environment, read from repo2docker's lock file."""
    spec = find_spec("repo2docker")
    if spec is None:
        pytest.skip("jupyter-repo2docker is not installed")
    folder = Path(spec.origin).parent / "buildpacks" / "conda"
    lock = (folder / "environment.py-3.11-linux-64.lock").read_text(encoding="utf-8")
    found = re.findall(r"/(?:linux-64|noarch)/(.+)-([^-]+)-[^-]+\.(?:conda|tar\.bz2)#", lock)
    packages = {canonicalize_name(name): version for name, version in found}
    return packages | {"jupyterhub": packages["jupyterhub-base"]}


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What ``jupyter-repo2docker --no-build --debug .`` prints for the tracked files."""
    if find_spec("repo2docker") is None:
        pytest.skip("jupyter-repo2docker is not installed")
    ran = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."],
        cwd=_checkout(tmp_path_factory.mktemp("checkout")),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout + ran.stderr


def _checkout(folder: Path) -> Path:
    """The tracked files, as Binder would clone them."""
    for path in tracked():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return folder


# --- what repo2docker makes of binder/ ------------------------------------------------------


def test_the_versions_we_test_at_are_still_binders(image: dict[str, str]) -> None:
    assert {name: image[name] for name in BINDER} == BINDER


def test_repo2docker_makes_a_python_3_11_environment(dockerfile: str) -> None:
    # It writes a path's punctuation as -XX, its code in hexadecimal.
    names = re.sub("-([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), dockerfile)
    assert re.search(r"/buildpacks/conda/environment\.py-3\.11-linux-\w+\.lock", names)
    assert "${KERNEL_PYTHON_PREFIX}/bin/pip install" in dockerfile  # only the Python build pack


def test_requirements_are_installed_before_the_repository_is_copied(dockerfile: str) -> None:
    install = '/bin/pip install --no-cache-dir -r "binder/requirements.txt"'
    assert 0 < dockerfile.index(install) < dockerfile.index("COPY --chown=0:0 src/ ${REPO_DIR}/")


def test_post_build_runs_and_nothing_installs_the_package_before_it(dockerfile: str) -> None:
    copied = dockerfile.index("COPY --chown=0:0 src/ ${REPO_DIR}/")
    assert dockerfile.index("RUN ./binder/postBuild") > copied
    assert "pip install --no-cache-dir ." not in dockerfile  # a binder/ folder turns that off


def test_post_build_stops_at_the_first_failure() -> None:
    script = (ROOT / "binder" / "postBuild").read_text(encoding="utf-8")
    commands = [line for line in script.splitlines() if line and not line.startswith("#")]
    assert script.startswith("#!/bin/bash\n") and commands[0] == "set -e"
    assert "\r" not in script


# --- the pins -------------------------------------------------------------------------------


def test_binder_has_the_same_versions_as_make_and_ci() -> None:
    constraints = pins("constraints.txt")
    ours = pins("binder/requirements.txt")
    assert ours == {name: constraints[name] for name in ours}


def test_binder_has_every_package_the_lab_needs_at_a_version_it_accepts(
    image: dict[str, str],
) -> None:
    there = image | pins("binder/requirements.txt")
    wrong, seen, pending = [], set(), [("pyproject.toml", text) for text in _direct()]
    while pending:
        asker, text = pending.pop()
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        on_binder = {"python_version": "3.11", "python_full_version": "3.11.14", "extra": ""}
        if requirement.marker and not requirement.marker.evaluate(on_binder):
            continue
        if name not in there or not requirement.specifier.contains(there[name]):
            wrong.append(f"{asker} wants {text}, Binder has {there.get(name, 'none')}")
        if name not in seen and name in pins("binder/requirements.txt"):
            seen.add(name)
            try:
                pending += [(name, more) for more in requires(name) or []]
            except PackageNotFoundError:
                wrong.append(f"{name} is not installed here, so its needs are unknown")
    assert not wrong
    assert pins("binder/requirements.txt").keys() == seen, "not needed, or not reached"


def test_binder_keeps_its_own_jupyter() -> None:
    assert (
        not {"jupyterlab", "ipywidgets", "ipykernel", "jupyter-server", "tornado"}
        & pins("binder/requirements.txt").keys()
    )


def _direct() -> list[str]:
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]


# --- by hand: a new environment at Binder's versions, one lesson run in it -------------------


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="Binder runs Python 3.11")
@pytest.mark.timeout(600)
def test_a_lesson_runs_where_binder_would_run_it(image: dict[str, str], tmp_path: Path) -> None:
    checkout, prefix = _checkout(tmp_path / "repository"), tmp_path / "srv"
    venv.create(prefix, with_pip=False)
    python, home = prefix / "bin" / "python", tmp_path / "home"
    home.mkdir()
    # Binder's environment: its Jupyter, and of the packages below it those that it pins too.
    shared = image.keys() & pins("constraints.txt").keys()
    lock = tmp_path / "image.txt"
    names = ("jupyterlab", "ipywidgets", "jupyter-server", "ipykernel", "nbconvert", "pip")
    lock.write_text("".join(f"{name}=={image[name]}\n" for name in shared | {"pip"}))
    base = [*UV, "pip", "install", "--python", python, "-c", lock]
    subprocess.run([*base, *(n for n in names if n in image or n == "nbconvert")], check=True)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "JUPYTER", "AWS_"))
    } | {"PATH": f"{prefix / 'bin'}:/usr/bin:/bin", "HOME": str(home)}

    def run(*words: str | Path) -> str:
        ran = subprocess.run(
            words, cwd=checkout, env=environment, capture_output=True, text=True, timeout=400
        )
        assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
        return ran.stdout

    run(python, "-m", "pip", "install", "--no-cache-dir", "-r", "binder/requirements.txt")
    run("bash", "./binder/postBuild")
    listed = json.loads(run(python, "-m", "pip", "list", "--format=json"))
    versions = {canonicalize_name(row["name"]): row["version"] for row in listed}
    stays = BINDER.keys() - {"python", "jupyterhub"}
    assert {name: versions[name] for name in stays} == {name: BINDER[name] for name in stays}
    run("jupyter", "execute", "notebooks/00-welcome.ipynb")
