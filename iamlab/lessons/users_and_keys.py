"""Lesson 01: users stand for people and programs, and sign their calls with access keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from iamlab.course import Lesson, Look, Probe, World, read_manifest
from iamlab.lessons.company import MAPS, Q3, WAGES, buckets, folder
from iamlab.lessons.company import policy as document
from iamlab.lessons.company import statement as allow

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

READ_MAPS = document(allow("Allow", "s3:GetObject", f"arn:aws:s3:::{MAPS}/*", Sid="ReadMaps"))


def events(lab: Lab) -> dict[str, dict[str, str]]:
    """Make the keys that the company has already, and switch one off by mistake."""
    iam = boto3.client("iam")
    keys = {}
    for name, user in {
        "ben-web": "ben",
        "ben-laptop": "ben",
        "dina-lost": "dina",
        "map-printer": "map-printer",
    }.items():
        key = iam.create_access_key(UserName=user)["AccessKey"]
        keys[name] = {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
        }
    del keys["dina-lost"]["aws_secret_access_key"]  # Lost: the story has no secret to hand out.
    iam.update_access_key(
        UserName="map-printer",
        AccessKeyId=keys["map-printer"]["aws_access_key_id"],
        Status="Inactive",
    )
    return keys


def _status(look: Look, user: str) -> dict[str, str]:
    """Return the user's keys: key ID to Active or Inactive."""
    listed = look.find("list_access_keys", UserName=user)
    if listed is None:
        look.not_yet(f"The user {user} is gone. lesson.reset() gives you a fresh account.")
    return {key["AccessKeyId"]: key["Status"] for key in listed["AccessKeyMetadata"]}


def check_program_user(look: Look, _: Any) -> None:
    """01: a user with a tag and with no permissions."""
    found = look.find("get_user", UserName="nightly-report")
    if found is None:
        users = [u["UserName"] for u in look.client("iam").list_users()["Users"]]
        near = [name for name in users if "night" in name.lower()]
        if near:
            look.not_yet(f"There is a user {near[0]!r}. The program looks for another name.")
        look.not_attempted("The new user is not there yet.")
    if look.attached("user/nightly-report") or look.inline("user/nightly-report"):
        look.not_yet("The user has a policy already. Begin with nothing: take the policy away.")
    tags = {tag["Key"]: tag["Value"] for tag in found["User"].get("Tags", [])}
    if tags.get("kind") == "person":
        look.not_yet("The tag kind says that this user is a person. It is not.")
    if tags.get("kind") != "program":
        look.not_yet("The user is there. Its tag is missing, or has another key or value.")


def check_carlo(look: Look, session: Any) -> None:
    """02: a boto3 session that signs as Carlo."""
    if session is not None and hasattr(session, "get_credentials"):
        keys = session.get_credentials()
        if not keys.access_key.startswith("A") or look.lab.callers.find(keys.secret_key):
            look.not_yet("The ID and the secret have changed places. The ID begins with AKIA.")
    name = look.caller(session).name
    if name == "administrator":
        look.not_yet("This session is still you, the administrator. It must use Carlo's new key.")
    if name != "carlo":
        look.not_yet(f"This session signs as {name}. Whose key did you make?")


def check_leak(look: Look, _: Any) -> None:
    """03: the leaked key is off and kept; the other one works on."""
    status = _status(look, "ben")
    web, laptop = (look.keys[name]["aws_access_key_id"] for name in ("ben-web", "ben-laptop"))
    if web not in status:
        look.not_yet("The key is deleted, and that is for ever. It had to be kept, switched off.")
    if status.get(laptop) != "Active" and status[web] == "Active":
        look.not_yet("The wrong key is off. The stranger's copy still works.")
    if status.get(laptop) != "Active":
        look.not_yet("The leaked key is off. So is the other one: Ben cannot work.")
    if status[web] == "Active":
        if len(status) > 2 or set(status) != {web, laptop}:
            look.not_yet("There is a new key. The leaked one still works.")
        look.not_attempted("The leaked key still works.")


def check_lost(look: Look, _: Any) -> None:
    """04: one new active key in the place of the lost one."""
    status = _status(look, "dina")
    old = look.keys["dina-lost"]["aws_access_key_id"]
    new = [key for key in status if key != old]
    if not new:
        if old not in status:
            look.not_yet("The old key is gone. Dina has no key now, and cannot work.")
        if status[old] == "Inactive":
            look.not_yet("The old key is off. That does not bring a secret back.")
        look.not_attempted("Dina still has only the key whose secret is lost.")
    if status.get(old) == "Active":
        look.not_yet("The new key is there. The old one still works: nobody knows who has it.")
    if old in status:
        look.not_yet("The old key is off, and can be switched on again. It is to be gone.")
    if "Active" not in (status[key] for key in new):
        look.not_yet("Dina's new key is switched off. She cannot work with it.")


def check_first_policy(look: Look, _: Any) -> None:
    """05: Ana may list the buckets, and no more."""
    look.needs_policy("user/ana", "list-buckets")
    look.probe(
        Probe("user/ana", "iam:CreateUser", look.arn("user/x"), False, "Ana could make users now."),
        Probe("user/ana", "s3:DeleteObject", Q3, False, "Ana could delete a report now."),
        Probe("user/ana", "s3:GetObject", WAGES, False, "Ana could open the payroll file now."),
        Probe(
            "user/ana",
            "s3:ListBucket",
            f"arn:aws:s3:::{MAPS}",
            False,
            "Ana can look inside a bucket. She asked for the names of the buckets, no more.",
        ),
        Probe("user/ana", "s3:ListAllMyBuckets", "*", True, "Ana still sees no bucket names."),
    )


def check_printer(look: Look, _: Any) -> None:
    """06: the printer's own key is on again, and nothing else changed."""
    status = _status(look, "map-printer")
    key = look.keys["map-printer"]["aws_access_key_id"]
    if key not in status:
        look.not_yet("The program's key is deleted. It cannot come back: lesson.reset() helps.")
    wider = look.allows("user/map-printer", "s3:DeleteObject", WAGES)
    if look.attached("user/map-printer") or wider:
        look.not_yet("The program has more permissions now. They were never the trouble.")
    if status[key] != "Active":
        if len(status) > 1:
            look.not_yet("There is a second key. The program does not know it: it has the old one.")
        look.not_attempted("The program is still refused.")


def truth_new_user(look: Look) -> str:
    """Ask whether a user without policies may list the buckets."""
    return "allowed" if look.allows("user/carlo", "s3:ListAllMyBuckets", "*") else "denied"


def truth_key_id(look: Look) -> str:
    """Sign with Ben's key ID and a made-up secret; say whether AWS takes it."""
    key_id = look.keys["ben-laptop"]["aws_access_key_id"]
    session = boto3.Session(key_id, "made-up-secret", region_name="us-east-1")
    try:
        session.client("sts").get_caller_identity()
    except ClientError:
        return "no"
    return "yes"


def truth_secret_again(look: Look) -> str:
    """Look for a secret in what AWS says of Ben's keys."""
    key = look.find("list_access_keys", UserName="ben")["AccessKeyMetadata"][0]
    return "yes" if "SecretAccessKey" in key else "no"


def lesson() -> Lesson:
    """Return lesson 01."""
    return Lesson(
        id="01",
        title="Users and keys",
        data=folder(),
        world=World(
            users={
                "ana": {},
                "ben": {},
                "carlo": {},
                "dina": {},
                "map-printer": {"maps": READ_MAPS},
            },
            buckets=buckets(),
            events=events,
        ),
        **read_manifest(Path(__file__).with_suffix(".toml"), globals()),
    )
