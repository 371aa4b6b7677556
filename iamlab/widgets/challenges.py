"""Challenges: make this call allowed and that one denied, with no more open than the task asks.

Each is judged by the evaluator: on the calls of the task, which the page shows, and on others that
it does not show. So any right policy passes, and one that opens too much fails with the call named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iamlab.policy import Policy, PolicyError, Request, allows, parse
from iamlab.widgets import slots
from iamlab.widgets.judgement import as_text
from iamlab.widgets.request_fields import as_fields


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(action: str | list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


@dataclass(frozen=True, slots=True)
class Call:
    """One call, and what AWS shall answer. ``words`` say what happens: "Ana reads q3.csv"."""

    words: str
    allowed: bool
    request: Request


@dataclass(frozen=True, slots=True)
class Challenge:
    """A task: what stands there first, the calls that are shown, and those that are not.

    ``given`` are the slots that belong to somebody else: they stay as they are.
    """

    task: str
    policies: Mapping[str, dict[str, Any]]
    shown: tuple[Call, ...]
    hidden: tuple[Call, ...]
    given: tuple[str, ...] = ()


def _call(words: str, allowed: bool, action: str, what: str, who: str, **context: str) -> Call:
    """Describe a call. ``what`` is a bucket or an object if it is no ARN; ``who`` a user's name."""
    resource = what if what.startswith("arn:") else f"arn:aws:s3:::{what}"
    caller = who if who.startswith("arn:") else f"{_HERE}:user/{who}"
    keys = _about(caller) | {_KEYS[key]: value for key, value in context.items()}
    return Call(words, allowed, Request(caller, action, resource, keys))


def _about(caller: str) -> dict[str, str]:
    """The keys that AWS itself adds about who calls."""
    *_, account, rest = caller.split(":", 5)
    kind, name, *_ = rest.split("/")
    if kind == "user":
        return {"aws:PrincipalArn": caller, "aws:username": name}
    return {"aws:PrincipalArn": f"arn:aws:iam::{account}:role/{name}"}


def _yes(words: str, action: str, what: str, who: str = "ana", **context: str) -> Call:
    return _call(words, True, action, what, who, **context)


def _no(words: str, action: str, what: str, who: str = "ana", **context: str) -> Call:
    return _call(words, False, action, what, who, **context)


_KEYS = {
    "ip": "aws:SourceIp",
    "external": "sts:ExternalId",
    "limit": "iam:PermissionsBoundary",
}
_HERE, _THERE = "arn:aws:iam::111122223333", "arn:aws:iam::444455556666"
_OFFICE = "203.0.113.20"
_PUBLISHER = f"{_HERE}:role/map-publisher"
_IMPORTER = "arn:aws:sts::444455556666:assumed-role/importer/nightly"
_INTERN = "arn:aws:sts::444455556666:assumed-role/intern/nightly"
_READER, _WRITER = f"{_HERE}:role/apps/reader", f"{_HERE}:role/apps/writer"
_LIMIT, _ADMIN = f"{_HERE}:policy/apps-limit", "arn:aws:iam::aws:policy/AdministratorAccess"
_GET, _PUT, _DELETE, _LIST = "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"
_TAKE, _CREATE = "sts:AssumeRole", "iam:CreateRole"

# From the easiest to the hardest.
CHALLENGES: dict[str, Challenge] = {
    "1. Read, and no more": Challenge(
        "Ana draws maps. Let her read every file in the bucket larkfield-maps, and list the "
        "bucket. Nothing else.",
        {"identity": _policy(_allow("s3:*", "arn:aws:s3:::larkfield-maps/*"))},
        (
            _yes("Ana reads north.png", _GET, "larkfield-maps/north.png"),
            _yes("Ana lists the bucket larkfield-maps", _LIST, "larkfield-maps"),
            _no("Ana deletes north.png", _DELETE, "larkfield-maps/north.png"),
        ),
        (
            _yes("Ana reads a file deep in a folder", _GET, "larkfield-maps/a/b/c.png"),
            _no("Ana writes a file into larkfield-maps", _PUT, "larkfield-maps/x.png"),
            _no("Ana deletes the bucket", "s3:DeleteBucket", "larkfield-maps"),
            _no("Ana changes the bucket's policy", "s3:PutBucketPolicy", "larkfield-maps"),
            _no("Ana reads a file in larkfield-reports", _GET, "larkfield-reports/q3.csv"),
            _no("Ana lists larkfield-reports", _LIST, "larkfield-reports"),
            _no("Ana reads a file in larkfield-maps-old", _GET, "larkfield-maps-old/x.png"),
            _no("Ana creates a user", "iam:CreateUser", f"{_HERE}:user/eve"),
        ),
    ),
    "2. Only from the office": Challenge(
        "Ana may read the files in larkfield-reports, but only from the office. The office has the "
        "addresses 203.0.113.0 to 203.0.113.255.",
        {"identity": _policy(_allow(_GET, "arn:aws:s3:::larkfield-reports/*"))},
        (
            _yes("Ana reads q3.csv in the office", _GET, "larkfield-reports/q3.csv", ip=_OFFICE),
            _no("Ana reads q3.csv at home", _GET, "larkfield-reports/q3.csv", ip="198.51.100.7"),
        ),
        (
            _yes("Ana reads q4.csv at 203.0.113.254", _GET, "larkfield-reports/q4.csv",
                 ip="203.0.113.254"),
            _no("Ana reads q3.csv next door, at 203.0.114.1", _GET, "larkfield-reports/q3.csv",
                ip="203.0.114.1"),
            _no("Ana reads q3.csv where AWS sees no address", _GET, "larkfield-reports/q3.csv"),
            _no("Ana deletes q3.csv in the office", _DELETE, "larkfield-reports/q3.csv",
                ip=_OFFICE),
            _no("Ana reads a file in larkfield-maps in the office", _GET, "larkfield-maps/x.png",
                ip=_OFFICE),
        ),
    ),
    "3. Everything but the salaries": Challenge(
        "The second policy lets everybody read every bucket, and you cannot change it. Keep Ana "
        "out of the folder salaries/ in larkfield-reports. The rest stays as it is.",
        {
            "identity": _policy(_allow(_GET, "arn:aws:s3:::larkfield-reports/*")),
            "identity-2": _policy(_allow(["s3:Get*", "s3:List*"], "*")),
        },
        (
            _no("Ana reads salaries/2026.csv", _GET, "larkfield-reports/salaries/2026.csv"),
            _yes("Ana reads q3.csv", _GET, "larkfield-reports/q3.csv"),
        ),
        (
            _no("Ana reads an older version of salaries/2026.csv", "s3:GetObjectVersion",
                "larkfield-reports/salaries/2026.csv"),
            _no("Ana reads a file in a folder below salaries/", _GET,
                "larkfield-reports/salaries/old/2020.csv"),
            _yes("Ana reads salaries.txt, which is in no folder", _GET,
                 "larkfield-reports/salaries.txt"),
            _yes("Ana lists larkfield-reports", _LIST, "larkfield-reports"),
            _yes("Ana reads a file in larkfield-maps", _GET, "larkfield-maps/north.png"),
            _no("Ana writes q3.csv", _PUT, "larkfield-reports/q3.csv"),
            _no("Ana deletes q3.csv", _DELETE, "larkfield-reports/q3.csv"),
        ),
        given=("identity-2",),
    ),
    "4. One policy for everybody": Challenge(
        "This policy is attached to the group of all people. In larkfield-home each has a folder "
        "with their own user name. Let each read and write files in their own folder, and in no "
        "other. New people come every week: the policy has to fit them too.",
        {"identity": _policy(_allow([_GET, _PUT], "arn:aws:s3:::larkfield-home/ana/*"))},
        (
            _yes("Ana writes ana/a.txt", _PUT, "larkfield-home/ana/a.txt"),
            _yes("Tomas writes tomas/b.txt", _PUT, "larkfield-home/tomas/b.txt", "tomas"),
            _no("Tomas reads ana/a.txt", _GET, "larkfield-home/ana/a.txt", "tomas"),
        ),
        (
            _yes("Mia, who is new, reads mia/plan.txt", _GET, "larkfield-home/mia/plan.txt", "mia"),
            _no("Ana writes tomas/a.txt", _PUT, "larkfield-home/tomas/a.txt"),
            _no("Ana writes anabel/a.txt", _PUT, "larkfield-home/anabel/a.txt"),
            _no("Ana reads a file that is in no folder", _GET, "larkfield-home/all.txt"),
            _no("Ana deletes ana/a.txt", _DELETE, "larkfield-home/ana/a.txt"),
            _no("Ana reads ana/a.txt in another bucket", _GET, "larkfield-reports/ana/a.txt"),
        ),
    ),
    "5. A role for a partner": Challenge(
        "This is the trust policy of the role map-publisher. Only the role importer of the "
        "partner's account 444455556666 shall take it, and only with the external ID "
        "larkfield-7731. The partner's side allows it already.",
        {
            "resource": _policy(
                {"Effect": "Allow", "Principal": {"AWS": f"{_THERE}:root"}, "Action": _TAKE}
            ),
            "identity": _policy(_allow(_TAKE, _PUBLISHER)),
        },
        (
            _yes("The importer takes the role with the external ID", _TAKE, _PUBLISHER, _IMPORTER,
                 external="larkfield-7731"),
            _no("The importer takes it without an external ID", _TAKE, _PUBLISHER, _IMPORTER),
        ),
        (
            _no("The importer takes it with another external ID", _TAKE, _PUBLISHER, _IMPORTER,
                external="larkfield-7732"),
            _no("Another role of the partner takes it", _TAKE, _PUBLISHER, _INTERN,
                external="larkfield-7731"),
            _no("A user of the partner takes it", _TAKE, _PUBLISHER, f"{_THERE}:user/sam",
                external="larkfield-7731"),
            _no("A stranger's account takes it", _TAKE, _PUBLISHER,
                "arn:aws:iam::999988887777:user/eve", external="larkfield-7731"),
            _no("Somebody of your own account takes it", _TAKE, _PUBLISHER, "tomas",
                external="larkfield-7731"),
        ),
        given=("identity",),
    ),
    "6. A builder who stays within limits": Challenge(
        "Ana builds apps. Let her create roles whose path is /apps/, but only if she gives them "
        "the permissions boundary apps-limit. No way round it may stay open.",
        {"identity": _policy(_allow("iam:*", f"{_HERE}:role/apps/*"))},
        (
            _yes("Ana creates apps/reader with the boundary", _CREATE, _READER, limit=_LIMIT),
            _no("Ana creates apps/reader without a boundary", _CREATE, _READER),
        ),
        (
            _yes("Ana creates apps/writer with the boundary", _CREATE, _WRITER, limit=_LIMIT),
            _no("Ana creates a role with another boundary", _CREATE, _READER, limit=_ADMIN),
            _no("Ana creates a role outside /apps/", _CREATE, f"{_HERE}:role/x", limit=_LIMIT),
            _no("Ana takes the boundary off a role", "iam:DeleteRolePermissionsBoundary", _READER,
                limit=_LIMIT),
            _no("Ana gives a role another boundary", "iam:PutRolePermissionsBoundary", _READER,
                limit=_ADMIN),
            _no("Ana changes the boundary apps-limit", "iam:CreatePolicyVersion", _LIMIT),
            _no("Ana creates a user", "iam:CreateUser", f"{_HERE}:user/eve"),
            _no("Ana creates a user with the boundary", "iam:CreateUser", f"{_HERE}:user/eve",
                limit=_LIMIT),
        ),
    ),
}  # fmt: skip


def check(name: str, policies: Mapping[str, str]) -> dict[str, Any]:
    """Judge an answer to a challenge.

    Parameters
    ----------
    name : str
        A key of `CHALLENGES`.
    policies : mapping of str to str
        Slot to JSON text, as they stand on the page.

    Returns
    -------
    dict
        JSON-able. ``name``, ``passed``, ``message``, and ``goals``: for each call that is shown
        ``words``, ``wanted`` ("allowed" or "denied"), ``now`` (the same, or "" while there is a
        mistake) and ``request`` (its fields).

    Examples
    --------
    >>> check("1. Read, and no more", {})["message"]
    'Not yet: 1 of 3 calls is answered as it should be.'
    """
    challenge = CHALLENGES[name]
    try:
        parsed = _parsed(challenge, policies)
    except PolicyError:
        parsed = None
    gathered = None if parsed is None else slots.gather(parsed)
    goals = [
        {
            "words": call.words,
            "wanted": "allowed" if call.allowed else "denied",
            "now": ""
            if gathered is None
            else ("allowed" if allows(call.request, gathered) else "denied"),
            "request": as_fields(call.request),
        }
        for call in challenge.shown
    ]
    right = sum(goal["wanted"] == goal["now"] for goal in goals)
    passed = False
    if gathered is None:
        message = "There is a mistake in a policy. Mend it first."
    elif right < len(goals):
        calls = f"{right} of {len(goals)} calls {'is' if right == 1 else 'are'}"
        message = f"Not yet: {calls} answered as it should be."
    else:
        wrong = [c for c in challenge.hidden if allows(c.request, gathered) is not c.allowed]
        passed = not wrong
        message = _last_word(challenge, wrong)
    return {"name": name, "passed": passed, "message": message, "goals": goals}


def _parsed(challenge: Challenge, policies: Mapping[str, str]) -> dict[str, Policy]:
    """Read the learner's policies; what is given stays what it was."""
    texts = dict(policies) | {slot: as_text(challenge.policies[slot]) for slot in challenge.given}
    request = as_fields(challenge.shown[0].request)
    return {
        slot: parse(text, kind=slots.grammar(slot, request))
        for slot, text in texts.items()
        if text.strip() and slot in challenge.policies
    }


def _last_word(challenge: Challenge, wrong: list[Call]) -> str:
    if not wrong:
        return (
            "Done. Every call is answered as it should be, and so are "
            f"{len(challenge.hidden)} others that were tried."
        )
    call = wrong[0]
    if call.allowed:
        return f"Almost: the task asks for more. This is still denied: {call.words}."
    return f"Almost: more is open than the task asks. This would be allowed: {call.words}."


def rows() -> list[dict[str, Any]]:
    """Return the challenges as the page wants them.

    Examples
    --------
    >>> rows()[0]["name"]
    '1. Read, and no more'
    """
    return [
        {
            "name": name,
            "note": one.task,
            "policies": {slot: as_text(policy) for slot, policy in one.policies.items()},
            "request": as_fields(one.shown[0].request),
            "given": list(one.given),
        }
        for name, one in CHALLENGES.items()
    ]
