"""Lesson 02: policies: effect, action, resource, and why Deny wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from iamlab.course import Lesson, Look, Probe, World, read_manifest, reason
from iamlab.lessons.company import MAPS, PAYROLL, Q3, Q4_2025, REPORTS, WAGES, buckets, folder
from iamlab.lessons.company import policy as document
from iamlab.lessons.company import statement as allow

DRAFT = f"arn:aws:s3:::{MAPS}/drafts"
ALL_WORK = document(
    allow("Allow", "s3:*", ["arn:aws:s3:::larkfield-*", "arn:aws:s3:::larkfield-*/*"], Sid="Work")
)
# The mistake that the learner must find: a capital letter where the bucket has none.
READ_WAGES = document(
    allow("Allow", "s3:GetObject", "arn:aws:s3:::Larkfield-payroll/*", Sid="ReadWages")
)


def check_read(look: Look, _: Any) -> None:
    """01: Ana reads all reports, and nothing else."""
    look.needs_policy("user/ana", "read-reports")
    bucket = f"arn:aws:s3:::{REPORTS}"
    if not look.allows("user/ana", "s3:GetObject", Q3):
        if look.allows("user/ana", "s3:GetObject", bucket):
            look.not_yet(
                "The policy names the bucket itself. The objects in it are another kind of "
                "resource, with longer ARNs.\n\n"
                f"Why: {reason(look.decide('user/ana', 's3:GetObject', Q3))}"
            )
        if look.allows("user/ana", "s3:ListBucket", bucket):
            look.not_yet("Ana can list the names of the reports. She must read what is in them.")
    look.probe(
        Probe("user/ana", "iam:CreateUser", look.arn("user/x"), False, "Ana could make users now."),
        Probe("user/ana", "s3:GetObject", WAGES, False, "Ana could read everyone's pay now."),
        Probe("user/ana", "s3:DeleteObject", Q3, False, "Ana could delete a report now."),
        Probe("user/ana", "s3:GetObject", Q3, True, "Ana cannot read this report."),
        Probe("user/ana", "s3:GetObject", Q4_2025, True, "Ana cannot read the reports of 2025."),
        Probe(
            "user/ana",
            "s3:GetObject",
            f"{bucket}/2027/q1.csv",
            True,
            "Ana cannot read a report that somebody adds next year.",
        ),
    )


def check_list(look: Look, _: Any) -> None:
    """02: Carlo lists one bucket."""
    look.needs_policy("user/carlo", "list-maps")
    bucket = f"arn:aws:s3:::{MAPS}"
    look.probe(
        Probe("user/carlo", "s3:DeleteObject", f"{DRAFT}/x", False, "Carlo could delete maps now."),
        Probe("user/carlo", "s3:DeleteBucket", bucket, False, "Carlo could delete the bucket now."),
        Probe(
            "user/carlo",
            "s3:ListBucket",
            f"arn:aws:s3:::{PAYROLL}",
            False,
            "Carlo can list the payroll bucket as well.",
        ),
    )
    if not look.allows("user/carlo", "s3:ListBucket", bucket):
        if look.allows("user/carlo", "s3:ListBucket", f"{bucket}/x"):
            look.not_yet(
                "AWS asks the bucket for its list, not the objects in it.\n\n"
                f"Why: {reason(look.decide('user/carlo', 's3:ListBucket', bucket))}"
            )
        if look.allows("user/carlo", "s3:ListAllMyBuckets", "*"):
            look.not_yet("That gives the names of the buckets. Carlo needs what is in one.")
        if look.allows("user/carlo", "s3:GetBucketLocation", bucket):
            look.not_yet("The actions that begin with Get read things. Listing is none of them.")
    look.probe(
        Probe("user/carlo", "s3:ListBucket", bucket, True, "Carlo still cannot list the bucket."),
        Probe(
            "user/carlo", "s3:GetObject", f"{DRAFT}/ines/x", False, "Carlo can read the maps too."
        ),
    )


def check_deny(look: Look, _: Any) -> None:
    """03: Ben keeps his work, without the payroll."""
    payroll, say = f"arn:aws:s3:::{PAYROLL}", "Ben cannot do his other work any more."
    read = not look.allows("user/ben", "s3:GetObject", WAGES)
    touched = look.inline("user/ben").get("no-payroll")
    if touched is None and look.inline("user/ben").get("work") == ALL_WORK:
        look.not_attempted("Ben has no policy called no-payroll yet. Run the exercise's cell.")
    if touched is not None and "FILL_ME" in str(touched):
        look.not_attempted("The policy no-payroll still has a blank: change FILL_ME.")
    look.probe(
        Probe("user/ben", "s3:DeleteObject", f"{DRAFT}/x", True, say),
        Probe("user/ben", "s3:ListBucket", f"arn:aws:s3:::{REPORTS}", True, say),
    )
    if not read and not look.allows("user/ben", "s3:ListBucket", payroll):
        look.probe(
            Probe(
                "user/ben",
                "s3:GetObject",
                WAGES,
                False,
                "The bucket is closed to Ben. The objects in it are still open.",
            )
        )
    look.probe(
        Probe("user/ben", "s3:GetObject", WAGES, False, "Ben can still read everyone's pay."),
        Probe("user/ben", "s3:PutObject", WAGES, False, "Ben can still change everyone's pay."),
        Probe("user/ben", "s3:ListBucket", payroll, False, "Ben can still see the file names."),
    )


def check_folders(look: Look, _: Any) -> None:
    """04: one policy, each person's own folder."""
    for name in ("user/carlo", "user/ines"):
        look.needs_policy(name, "own-drafts")
    put, own = "s3:PutObject", "Each of the two must be able to write to the folder of their name."
    literal = look.allows("user/ines", put, f"{DRAFT}/${{aws:username}}/x")
    if literal and not look.allows("user/ines", put, f"{DRAFT}/carlo/x"):
        look.probe(
            Probe(
                "user/ines",
                put,
                f"{DRAFT}/ines/x",
                True,
                "The variable is in the policy, and AWS takes it as plain text. What says which "
                "policy language this is?",
            )
        )
    look.probe(
        Probe("user/carlo", put, Q3, False, "Carlo can write outside the drafts."),
        Probe("user/carlo", put, f"{DRAFT}/ines/x", False, "Carlo can write into Ines's folder."),
        Probe("user/ines", put, f"{DRAFT}/carlo/x", False, "Ines can write into Carlo's folder."),
        Probe("user/carlo", put, f"{DRAFT}/carlo/x", True, own),
        Probe("user/ines", put, f"{DRAFT}/ines/x", True, own),
    )


def check_managed(look: Look, _: Any) -> None:
    """05: Mira reads S3, and only S3, through a policy that AWS keeps."""
    if not look.attached("user/mira") and not look.inline("user/mira"):
        look.not_attempted("Mira has no policy yet.")
    look.probe(
        Probe("user/mira", "iam:CreateUser", look.arn("user/x"), False, "Mira could make users."),
        Probe("user/mira", "s3:DeleteObject", Q3, False, "Mira could delete files now."),
        Probe(
            "user/mira",
            "dynamodb:GetItem",
            f"arn:aws:dynamodb:us-east-1:{look.lab.account_id}:table/orders",
            False,
            "Mira can read in other services too. The task speaks of S3 only.",
        ),
        Probe("user/mira", "s3:GetObject", WAGES, True, "Mira cannot read the files themselves."),
        Probe("user/mira", "s3:ListAllMyBuckets", "*", True, "Mira cannot see the buckets."),
    )
    if not look.attached("user/mira"):
        look.not_yet("Mira can read. But this is a policy of your own: use one that AWS keeps.")


def check_wages(look: Look, _: Any) -> None:
    """06: Dina reads the payroll bucket, and no other."""
    look.probe(
        Probe("user/dina", "iam:CreateUser", look.arn("user/x"), False, "Dina could make users."),
        Probe("user/dina", "s3:GetObject", Q3, False, "Dina can read the reports now. Too much."),
        Probe("user/dina", "s3:DeleteObject", WAGES, False, "Dina could delete the pay file now."),
    )
    if look.inline("user/dina") == {"read-wages": READ_WAGES} and not look.attached("user/dina"):
        look.not_attempted("Dina is still denied.")
    if not look.allows("user/dina", "s3:GetObject", WAGES):
        policies = list(look.inline("user/dina").values())
        if any("s3:getobject" in str(policy) for policy in policies):
            look.not_yet("You changed the action's letters. AWS does not look at their case.")
    august = f"arn:aws:s3:::{PAYROLL}/2026/august.csv"
    look.probe(
        Probe("user/dina", "s3:GetObject", WAGES, True, "Dina still cannot read the pay file."),
        Probe("user/dina", "s3:GetObject", august, True, "Dina cannot read the other months."),
    )


def truth_bucket_arn(look: Look) -> str:
    """Judge a policy on the bucket's ARN against a call for an object."""
    return _with(look, document(allow("Allow", "s3:GetObject", f"arn:aws:s3:::{REPORTS}")))


def truth_order(look: Look) -> str:
    """Judge a Deny that comes first, with an exact Allow behind it."""
    deny = allow("Deny", "s3:GetObject", "*")
    return _with(look, document(deny, allow("Allow", "s3:GetObject", Q3)))


def truth_case(look: Look) -> str:
    """Judge an action in small letters."""
    return _with(look, document(allow("Allow", "s3:getobject", f"arn:aws:s3:::{REPORTS}/*")))


def _with(look: Look, policy: dict[str, Any]) -> str:
    """Say whether a user with this one policy may read the report of the third quarter."""
    from iamlab.policy import Policies, Request, allows

    asked = Request(look.arn("user/omar"), "s3:GetObject", Q3)
    return "allowed" if allows(asked, Policies(identity=[policy])) else "denied"


def lesson() -> Lesson:
    """Return lesson 02."""
    return Lesson(
        id="02",
        title="Policies",
        data=folder(),
        world=World(
            users={
                **{name: {} for name in ("ana", "carlo", "ines", "mira", "omar")},
                "ben": {"work": ALL_WORK},
                "dina": {"read-wages": READ_WAGES},
            },
            buckets=buckets(),
        ),
        **read_manifest(Path(__file__).with_suffix(".toml"), globals()),
    )
