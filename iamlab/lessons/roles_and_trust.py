"""Lesson 05: roles: who may become one, what it may do, and whose keys it uses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iamlab.course import Lesson, Look, Probe, Role, World, read_manifest
from iamlab.course.look import unrecorded
from iamlab.lessons.company import (
    MAPS,
    PARTNER,
    PAYROLL,
    Q3,
    REPORTS,
    WAGES,
    arn,
    buckets,
    folder,
    trust,
)
from iamlab.lessons.company import policy as document
from iamlab.lessons.company import statement as allow

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

ASSUME = "sts:AssumeRole"
STRANGERS = "999988887777"
STRANGER, EVA = arn("user/stranger", STRANGERS), arn("user/eva", PARTNER)
MAY_ASSUME = document(allow("Allow", ASSUME, "*", Sid="MayAsk"))
READ_DRAFTS = document(allow("Allow", "s3:GetObject", f"arn:aws:s3:::{MAPS}/drafts/*"))
READ_REPORTS = document(allow("Allow", "s3:GetObject", f"arn:aws:s3:::{REPORTS}/*"))
WRITE_NIGHTLY = document(allow("Allow", "s3:PutObject", f"arn:aws:s3:::{REPORTS}/nightly/*"))
READ_PAYROLL = document(allow("Allow", "s3:GetObject", f"arn:aws:s3:::{PAYROLL}/*"))
PUBLISH = document(allow("Allow", "s3:PutObject", f"arn:aws:s3:::{MAPS}/published/*"))
PUBLISHED = f"arn:aws:s3:::{MAPS}/published/high-moor.txt"


def events(lab: Lab) -> dict[str, dict[str, str]]:
    """Open two more accounts, and let Carlo leave and come back."""
    with unrecorded(lab):
        for account, user in ((PARTNER, "eva"), (STRANGERS, "stranger")):
            iam = lab.account(account).client("iam")
            iam.create_user(UserName=user)
            iam.put_user_policy(
                UserName=user, PolicyName="may-ask", PolicyDocument=json.dumps(MAY_ASSUME)
            )
        carlo_leaves(lab)
    return {}


def carlo_leaves(lab: Lab) -> None:
    """Let Carlo leave and come back: the roles that trust him keep his old unique ID."""
    iam = lab.account(lab.account_id).client("iam")
    iam.delete_user(UserName="carlo")
    iam.create_user(UserName="carlo")


def _open_to_all(role: str) -> Probe:
    say = "Anybody in the world with an AWS account can become this role."
    return Probe(STRANGER, ASSUME, arn(role), False, say)


def check_trust(look: Look, _: Any) -> None:
    """01: the role trusts Ana, and nobody else."""
    role = "role/report-reader"
    look.probe(_open_to_all(role))
    ana, ben, priya = (look.allows(f"user/{u}", ASSUME, arn(role)) for u in ("ana", "ben", "priya"))
    if ben and priya:
        look.not_yet(
            "The role trusts the whole account. So everybody in it who may call sts:AssumeRole "
            "can become it. The task names one person."
        )
    if ben:
        look.not_yet("The role trusts Ben. The task names somebody else.")
    if not ana and look.inline("user/ana"):
        look.not_yet("Ana has a policy now. But the role must say that it trusts her.")
    if not ana:
        look.not_attempted("The role does not trust Ana yet.")
    look.probe(Probe(role, "s3:GetObject", Q3, True, "The role cannot read reports any more."))


def check_permissions(look: Look, _: Any) -> None:
    """02: the role may publish maps; Ben himself may not."""
    role = "role/map-publisher"
    if look.allows("user/ben", "s3:PutObject", PUBLISHED):
        look.not_yet("Ben can publish with his own keys now. The task is about the role.")
    look.needs_policy(role, "publish")
    look.probe(
        Probe(role, "iam:CreateUser", arn("user/x"), False, "The role could make users now."),
        Probe(role, "s3:DeleteObject", PUBLISHED, False, "The role could delete maps now."),
        Probe(
            role,
            "s3:PutObject",
            f"arn:aws:s3:::{MAPS}/drafts/x",
            False,
            "The role can write into the drafts too.",
        ),
        Probe(role, "s3:PutObject", PUBLISHED, True, "The role cannot publish a map."),
    )


def check_session(look: Look, session: Any) -> None:
    """03: a session of the role, made by Ben."""
    if hasattr(session, "get_credentials"):
        keys = session.get_credentials()
        if keys.access_key.startswith("ASIA") and not keys.token:
            look.not_yet("The session has two of the three parts. Temporary keys need all three.")
    caller = look.caller(session)
    if caller.arn == arn("user/ben"):
        look.not_yet("These are Ben's own keys. A role session has keys of its own, for a time.")
    if caller.kind != "role":
        look.not_yet(f"This session signs as {caller.name}. It is no role.")
    if caller.principal_arn != arn("role/map-publisher"):
        look.not_yet(f"This is a session of another role: {caller.name}.")
    if not caller.arn.endswith("/ben-publishes"):
        look.not_yet("The role is right. Its session has another name than the task says.")


def check_two_sides(look: Look, _: Any) -> None:
    """04: a program may become one role that trusts its account."""
    program, writer = "user/nightly-report", arn("role/report-writer")
    look.needs_policy(program, "become-writer")
    look.probe(
        Probe(
            program,
            ASSUME,
            arn("role/payroll-reader"),
            False,
            "The program can become another role too: one that reads the pay.",
        ),
        Probe(program, "iam:PutRolePolicy", writer, False, "The program could change the role."),
        Probe(
            program,
            "s3:PutObject",
            f"arn:aws:s3:::{REPORTS}/nightly/x",
            False,
            "The program itself can write now. It should do so as the role only.",
        ),
    )
    if not look.allows(program, ASSUME, writer) and look.allows(program, "iam:PassRole", writer):
        look.not_yet("PassRole hands a role to an AWS service. It does not make you the role.")
    look.probe(Probe(program, ASSUME, writer, True, "The program still cannot become the role."))


def check_auditors(look: Look, _: Any) -> None:
    """05: a role for another account."""
    role = "role/auditor"
    if look.find("get_role", RoleName="auditor") is None:
        look.not_attempted("There is no role called auditor yet.")
    look.probe(
        _open_to_all(role),
        Probe("user/ben", ASSUME, arn(role), False, "The role trusts your own account."),
        Probe(EVA, ASSUME, arn(role), True, "Eva of Fairbridge Audit cannot become the role."),
        Probe(role, "iam:CreateUser", arn("user/x"), False, "The auditors could make users now."),
        Probe(role, "s3:GetObject", WAGES, False, "The auditors could read the files themselves."),
        Probe(
            role,
            "iam:ListUsers",
            arn("user/"),
            True,
            "The auditors can come in. But the role may not look at the users.",
        ),
    )


def check_carlo(look: Look, _: Any) -> None:
    """06: the role trusts today's Carlo again."""
    role = arn("role/map-deployer")
    look.probe(_open_to_all("role/map-deployer"))
    if look.allows("user/carlo", "iam:CreateUser", arn("user/x")):
        look.not_yet("Carlo is an administrator now. He had one role before, and no more.")
    if look.allows("user/ben", ASSUME, role):
        look.not_yet("Ben can become the role as well now. It was made for Carlo alone.")
    if look.find("get_role", RoleName="map-deployer") is None:
        look.not_yet("The role is gone. lesson.reset() gives you a fresh account.")
    if not look.allows("user/carlo", ASSUME, role):
        if look.inline("user/carlo") or look.attached("user/carlo"):
            look.not_yet("Carlo may ask now. It does not help: the role does not know him.")
        look.not_attempted("Carlo is still denied.")
    look.probe(
        Probe("role/map-deployer", "s3:PutObject", PUBLISHED, True, "The role lost its permission.")
    )


def truth_admin(look: Look) -> str:
    """Ask whether the administrator may become a role that trusts Ben alone."""
    return _yes(look.allows("user/administrator", ASSUME, arn("role/map-publisher")))


def truth_keep_own(look: Look) -> str:
    """Ask whether the role may read what Ben may read."""
    return _yes(look.allows("role/map-publisher", "s3:GetObject", f"arn:aws:s3:::{MAPS}/drafts/x"))


def truth_root(look: Look) -> str:
    """Ask whether Omar, who has no policy, may become a role that trusts his account."""
    return _yes(look.allows("user/omar", ASSUME, arn("role/report-writer")))


def _yes(allowed: bool) -> str:
    return "yes" if allowed else "no"


def lesson() -> Lesson:
    """Return lesson 05."""
    everybody = trust(AWS=arn("root"))
    return Lesson(
        id="05",
        title="Roles and trust",
        data=folder(),
        world=World(
            users={
                **{name: {} for name in ("ana", "carlo", "omar", "nightly-report")},
                "ben": {"may-ask": MAY_ASSUME, "read-drafts": READ_DRAFTS},
                "priya": {"may-ask": MAY_ASSUME},
            },
            buckets=buckets(),
            roles={
                "report-reader": Role(
                    trust(AWS=arn("user/administrator")), {"read-reports": READ_REPORTS}
                ),
                "map-publisher": Role(trust(AWS=arn("user/ben"))),
                "report-writer": Role(everybody, {"write-nightly": WRITE_NIGHTLY}),
                "payroll-reader": Role(everybody, {"read-payroll": READ_PAYROLL}),
                "map-deployer": Role(trust(AWS=arn("user/carlo")), {"publish": PUBLISH}),
            },
            events=events,
        ),
        **read_manifest(Path(__file__).with_suffix(".toml"), globals()),
    )
