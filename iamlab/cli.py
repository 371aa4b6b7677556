"""The `iamlab` command: open the course, check this computer, ask about one request."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from iamlab import __version__
from iamlab.copying import PARTS, CourseError, copy_course
from iamlab.policy import Policies, Policy, PolicyError, Request, evaluate, parse

POLICY_HELP = "an identity policy in JSON; may be given several times; - is standard input"


class UsageError(Exception):
    """The command was asked for something it cannot do. The message says what to write."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ``iamlab`` command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after ``iamlab``. Default: those of this process.

    Returns
    -------
    int
        0 when all is well, 1 when the answer is "no" (``simulate``: denied, ``doctor``: a
        problem), 2 when the command could not be carried out.

    Examples
    --------
    >>> main(["open", "/dev/null/course", "--copy-only"])
    2
    """
    arguments = _parser().parse_args(argv)
    # An old Windows console cannot show every character: show the rest, never fail.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        return arguments.run(arguments)
    except (CourseError, UsageError) as error:
        print(f"iamlab: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="iamlab", description=__doc__.split(": ", 1)[1])
    parser.add_argument("--version", action="version", version=f"iamlab {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    command = commands.add_parser("open", help="open your own copy of the course in JupyterLab")
    command.add_argument("folder", nargs="?", default="iam-course", help="default: ./iam-course")
    command.add_argument("--lesson", default="00", help="for instance 02 or 02-policies")
    command.add_argument("--copy-only", action="store_true", help="do not start JupyterLab")
    command.add_argument("--no-browser", action="store_true", help="print the address instead")
    command.add_argument("--port", type=int, help="default: 8888, or the next one that is free")
    command.set_defaults(run=_open)

    command = commands.add_parser("doctor", help="check that everything needed works here")
    command.add_argument(
        "--coverage", action="store_true", help="list what of AWS the lab refuses, and why"
    )
    command.set_defaults(run=_doctor)

    command = commands.add_parser("serve", help="the pretend account for the AWS CLI and others")
    command.add_argument("--port", type=int, default=0, help="default: one that is free")
    command.add_argument("--account", metavar="ID", help="12 digits; default: 111122223333")
    command.add_argument(
        "command",
        nargs="*",
        metavar="-- COMMAND",
        help="run this against the account, then stop; the exit code is the command's",
    )
    command.set_defaults(run=_serve)

    command = commands.add_parser("simulate", help="would AWS allow this request, and why?")
    command.add_argument("--policy", action="append", default=[], metavar="FILE", help=POLICY_HELP)
    command.add_argument("--resource-policy", metavar="FILE", help="a bucket, trust or key policy")
    command.add_argument("--boundary", metavar="FILE", help="the permissions boundary")
    command.add_argument("--session-policy", metavar="FILE", help="the session policy")
    command.add_argument("--principal", required=True, help="ARN of the user or role session")
    command.add_argument("--action", required=True, help="for instance s3:GetObject")
    command.add_argument("--resource", default="*", help="ARN; default: *")
    command.add_argument("--context", action="append", default=[], metavar="KEY=VALUE")
    command.set_defaults(run=_simulate)
    return parser


def _open(arguments: argparse.Namespace) -> int:
    folder = Path(arguments.folder).expanduser().absolute()
    copied = copy_course(folder)
    lesson = _find_lesson(folder, arguments.lesson)
    print(f"Your course is in {folder}")
    if copied.updated:
        print(f"Brought up to date: {', '.join(copied.updated)}")
    for mine, beside in copied.kept.items():
        print(f"You changed {mine}: it stays as it is. The course's new version is {beside}")
    if arguments.copy_only:
        return 0
    return _start_jupyterlab(folder, lesson, arguments)


def _find_lesson(folder: Path, wanted: str) -> str:
    notebooks = sorted(path.stem for path in (folder / PARTS[0]).glob("[0-9][0-9]-*.ipynb"))
    wanted = wanted.removesuffix(".ipynb")
    number = wanted.zfill(2)
    for name in notebooks:
        if wanted == name or name.split("-")[0] == number or name.split("-", 1)[1] == wanted:
            return name
    raise UsageError(f"There is no lesson {wanted!r}. The lessons are: {', '.join(notebooks)}")


def _start_jupyterlab(folder: Path, lesson: str, arguments: argparse.Namespace) -> int:
    from jupyterlab.labapp import LabApp

    # Nothing that asks the internet, or asks whether it may: no news, no update check, no
    # catalogue of extensions. The folder holds JupyterLab settings for this start only.
    options = [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{PARTS[0]}/{lesson}.ipynb",
        "--ServerApp.ip=127.0.0.1",
        f"--LabApp.app_settings_dir={Path(__file__).parent / '_jupyterlab'}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        "--log-level=WARN",  # of all it prints, the address is what a learner needs
    ]
    if arguments.no_browser:
        options.append("--no-browser")
    if arguments.port is not None:
        options.append(f"--ServerApp.port={arguments.port}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # a container; Jupyter refuses root otherwise
        options.append("--allow-root")
    print("Starting JupyterLab. To stop it, press Ctrl+C twice here.", flush=True)
    LabApp.launch_instance(options)
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    if arguments.coverage:
        from iamlab.account.coverage import page

        print(page())
        return 0
    from iamlab.doctor import examine

    findings = examine()
    for finding in findings:
        print(f"{finding.state:8} {finding.about}: {finding.detail}")
        if finding.todo:
            print(f"{'':8} -> {finding.todo}")
    problems = sum(finding.state == "PROBLEM" for finding in findings)
    print("All is well." if not problems else f"{problems} to mend: see the arrows above.")
    return min(problems, 1)


def _serve(arguments: argparse.Namespace) -> int:
    import contextlib
    import signal
    import subprocess
    import threading

    import iamlab

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        lab = iamlab.start(account_id=arguments.account)
    except ValueError as error:
        raise UsageError(str(error)) from error
    with lab, contextlib.suppress(KeyboardInterrupt):
        try:
            url = lab.serve(arguments.port, quiet=True)
        except (OSError, OverflowError) as error:
            raise UsageError(str(error)) from error
        if not arguments.command:
            print(f"Account {lab.account_id} is at {url}. In another terminal, run this first:\n")
            print(f"    {lab.shell()}\n\nThen, for instance: aws iam list-users")
            print("To end the lab, press Ctrl+C here. Its account is gone then.", flush=True)
            threading.Event().wait()
        try:
            running = subprocess.Popen(arguments.command)
        except OSError as error:
            raise UsageError(f"Cannot run {arguments.command[0]}: {error.strerror}") from error
        # Ctrl+C reaches the command too: it decides what that means. A kill does not.
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: running.terminate())
        code = running.wait()
        return code if code >= 0 else 128 - code
    return 0


def _simulate(arguments: argparse.Namespace) -> int:
    policies = Policies(
        identity=[_read_policy(file, "identity") for file in arguments.policy],
        resource=_read_policy(arguments.resource_policy),  # any kind: trust and key policies too
        boundary=_read_policy(arguments.boundary, "boundary"),
        session=_read_policy(arguments.session_policy, "session"),
    )
    context: dict[str, list[str]] = {}
    for pair in arguments.context:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--context {pair}: write it as KEY=VALUE")
        context.setdefault(key, []).append(value)
    request = Request(
        principal=arguments.principal,
        action=arguments.action,
        resource=arguments.resource,
        context={key: values[0] if len(values) == 1 else values for key, values in context.items()},
    )
    decision = evaluate(request, policies)
    print(decision)
    return 0 if decision.allowed else 1


def _read_policy(file: str | None, kind: str | None = None) -> Policy | None:
    if file is None:
        return None
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read the policy {file}: {error}") from error
    try:
        return parse(text, kind=kind, name=file)
    except PolicyError as error:
        raise UsageError(f"In {file}: {error}") from error
