"""`iamlab doctor`: is everything here that the course needs, and what to do when it is not."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from packaging.requirements import Requirement

from iamlab.copying import CourseError, course_source

REINSTALL = "Install iamlab again: python -m pip install --upgrade --force-reinstall iamlab"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what it was, how it is ("ok", "optional", "PROBLEM"), what to do."""

    about: str
    state: str
    detail: str
    todo: str = ""


def examine() -> list[Finding]:
    """Look at this computer: Python, packages, course, kernel, lab, network, Chromium.

    Returns
    -------
    list of Finding
        One for each check, in the order of :data:`CHECKS`. A check that itself breaks is a
        problem with the error in its ``detail``; it never stops the others.

    Examples
    --------
    >>> {finding.state for finding in examine()} <= {"ok", "optional", "PROBLEM"}
    True
    """
    return [_run(about, check) for about, check in CHECKS.items()]


def _run(about: str, check: Callable[[], Finding | str]) -> Finding:
    try:
        found = check()
    except Exception as error:
        return Finding(about, "PROBLEM", f"{type(error).__name__}: {error}", REINSTALL)
    return found if isinstance(found, Finding) else Finding(about, "ok", found)


def _python() -> str:
    return f"{platform.python_version()} at {sys.executable}"


def _packages() -> Finding | str:
    wrong, found = [], []
    for text in importlib.metadata.requires("iamlab") or []:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        found.append(f"{requirement.name} {version}")
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} {version} is not {requirement.specifier}")
    if wrong:
        return Finding("Packages", "PROBLEM", ", ".join(wrong), REINSTALL)
    return ", ".join(found)


def _course() -> Finding | str:
    try:
        lessons = sorted((course_source() / "notebooks").glob("[0-9][0-9]-*.ipynb"))
    except CourseError as error:
        return Finding("Course", "PROBLEM", str(error), REINSTALL)
    return f"{len(lessons)} lessons, {lessons[0].stem} to {lessons[-1].stem}"


def _folder() -> Finding | str:
    try:
        with tempfile.TemporaryDirectory(dir=os.curdir):
            return f"you may write in {os.getcwd()}"
    except OSError as error:
        detail = f"{os.getcwd()}: {error.strerror}"
        return Finding("Folder", "PROBLEM", detail, "Go to a folder of your own, then: iamlab open")


def _kernel() -> Finding | str:
    from jupyter_client.kernelspec import KernelSpecManager

    command = KernelSpecManager().get_kernel_spec("python3").argv[0]
    # Jupyter reads a bare "python" as the one that it runs with itself.
    here = os.path.dirname(command) == os.path.dirname(sys.executable)
    if command in ("python", "python3") or here:
        return "notebooks run with this Python"
    todo = "Run: python -m ipykernel install --sys-prefix"
    return Finding("Kernel", "PROBLEM", f"notebooks would run with {command}", todo)


def _lab() -> Finding | str:
    import boto3

    import iamlab

    # The second client names a real AWS address: the lab must answer that one too.
    with _network_shut() as attempts, iamlab.start() as lab:
        accounts = {
            boto3.client("sts", region_name="us-east-1", **where).get_caller_identity()["Account"]
            for where in ({}, {"endpoint_url": "https://sts.amazonaws.com"})
        }
        if accounts != {lab.account_id}:
            return Finding("Lab", "PROBLEM", f"answered for account {accounts}", REINSTALL)
    if attempts:
        todo = "Please report this, with the output of this command."
        return Finding("Lab", "PROBLEM", f"tried to reach {', '.join(attempts)}", todo)
    return f"answers as account {lab.account_id}, and asked nothing of the network"


@contextmanager
def _network_shut() -> Iterator[list[str]]:
    """Refuse every look-up of a name while it lasts, and list the names that were asked for."""
    attempts: list[str] = []
    real = socket.getaddrinfo

    def refuse(host: Any, *rest: Any, **more: Any) -> Any:
        attempts.append(str(host))
        raise OSError("iamlab doctor keeps the network shut during this check")

    socket.getaddrinfo = refuse
    try:
        yield attempts
    finally:
        socket.getaddrinfo = real


def _chromium() -> Finding | str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return Finding("Chromium", "optional", "not found; only the project's own browser tests use it")


CHECKS: dict[str, Callable[[], Finding | str]] = {
    "Python": _python,
    "Packages": _packages,
    "Course": _course,
    "Folder": _folder,
    "Kernel": _kernel,
    "Lab": _lab,
    "Chromium": _chromium,
}
