"""Puts back what one exercise is about: its users, roles and buckets, as the lesson began."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from iamlab.course.look import Look, unrecorded

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

Began = dict[str, Any]  # thing -> what it was like when the lesson began; None if it was not there


def remember(lab: Lab, claims: Iterable[str]) -> Began:
    """Note what the things that the exercises are about are like now.

    Parameters
    ----------
    lab : Lab
        The running lab, with the lesson's world in it.
    claims : iterable of str
        ``"user/ana"``, ``"role/auditor"`` or ``"bucket/larkfield-maps"``. A user or a role may be
        followed by a part that the exercise is about: ``"user/ana: read-reports"`` (an inline
        policy), ``"user/dina: keys"``, ``"role/night-worker: limit"`` (its longest session). A
        user's name with a star, ``"user/*night*"``, stands for those that were not there before.

    Returns
    -------
    dict
        What :func:`put_back` needs.
    """
    look = Look(lab)
    with unrecorded(lab):
        return {thing: _read(look, thing) for thing in {_split(claim)[0] for claim in claims}}


def put_back(
    lab: Lab,
    claims: Iterable[str],
    others: Iterable[str],
    began: Began,
    keys: dict[str, dict[str, str]],
) -> list[str]:
    """Put the things of one exercise back as they were.

    Parameters
    ----------
    lab : Lab
        The running lab.
    claims : iterable of str
        What the exercise is about, as in :func:`remember`.
    others : iterable of str
        What the other exercises are about: the parts that they name stay as they are.
    began : dict
        From :func:`remember`.
    keys : dict
        The access keys that the story hands out. One that was deleted gets a new one in its place.

    Returns
    -------
    list of str
        What could not be put back as it was, in sentences; empty if all is as it was.
    """
    look, told = Look(lab), []
    spared: dict[str, set[str]] = {}
    for thing, part in map(_split, others):
        spared.setdefault(thing, set()).add(part)
    named: dict[str, set[str]] = {}
    for thing, part in map(_split, claims):
        named.setdefault(thing, set()).add(part)
    with unrecorded(lab):
        for thing, parts in named.items():
            was, left = began[thing], spared.get(thing, set()) - parts - {""}
            kind, _, name = thing.partition("/")
            if kind == "bucket":
                _put_objects(look, name, was)
            elif "*" in name:
                for new in set(_read(look, thing)) - set(was) - {t for t in began if began[t]}:
                    remove(look, new)
            elif was is None:
                remove(look, thing)
            else:
                if _read(look, thing) is None:
                    left = set()  # All of it is gone, so all of it comes back.
                    _make(look, thing, was)
                    told.append(
                        f"The {kind} {name} had been deleted. The new one has another unique ID: "
                        "keys and sessions of the old one stay refused. If you need them, "
                        "lesson.reset() gives you a fresh account."
                    )
                _put_principal(look, thing, was, left)
                if "keys" in parts:
                    told += _put_keys(look, name, was["keys"], keys)
    return told


def remove(look: Look, thing: str) -> None:
    """Take a user or a role away, with all that hangs on it; nothing happens if it is not there."""
    if _read(look, thing) is None:
        return
    empty = {"policies": {}, "attached": [], "boundary": None, "tags": [], "groups": []}
    _put_principal(look, thing, empty, set())
    kind, name = thing.split("/", 1)
    if kind == "user":
        _put_keys(look, name, {}, {})
    else:
        iam = look.client("iam")  # It deletes no role that an instance profile still holds.
        for profile in iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]:
            iam.remove_role_from_instance_profile(
                InstanceProfileName=profile["InstanceProfileName"], RoleName=name
            )
    _call(look, "delete_{kind}", thing)


def say(claims: Iterable[str]) -> str:
    """Name the things of an exercise, for the learner to read.

    Examples
    --------
    >>> say(["user/ana: read-reports", "bucket/larkfield-maps"])
    'the user ana and the bucket larkfield-maps'
    """
    things = dict.fromkeys(_split(claim)[0] for claim in claims if "*" not in claim)
    names = ["the {} {}".format(*thing.split("/", 1)) for thing in things]
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _split(claim: str) -> tuple[str, str]:
    thing, _, part = claim.partition(": ")
    return thing, part


def _key(thing: str) -> dict[str, str]:
    kind, name = thing.split("/", 1)
    return {f"{kind.capitalize()}Name": name}


def _call(look: Look, operation: str, thing: str, **more: Any) -> Any:
    kind = thing.split("/", 1)[0]
    return getattr(look.client("iam"), operation.format(kind=kind))(**_key(thing), **more)


def _read(look: Look, thing: str) -> Any:
    kind, name = thing.split("/", 1)
    if kind == "bucket":
        return _objects(look, name)
    if "*" in name:
        users = [user["UserName"] for user in look.client("iam").list_users()["Users"]]
        return [f"user/{user}" for user in fnmatch.filter(users, name)]
    found = look.find(f"get_{kind}", **_key(thing))
    if found is None:
        return None
    about = found[kind.capitalize()]
    state = {
        "path": about["Path"],
        "tags": about.get("Tags", []),
        "boundary": about.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "policies": look.inline(thing),
        "attached": look.attached(thing),
    }
    if kind == "role":
        return state | {
            "trust": about["AssumeRolePolicyDocument"],
            "limit": about["MaxSessionDuration"],
        }
    groups = _call(look, "list_groups_for_user", thing)["Groups"]
    listed = _call(look, "list_access_keys", thing)["AccessKeyMetadata"]
    return state | {
        "groups": [group["GroupName"] for group in groups],
        "keys": {key["AccessKeyId"]: key["Status"] for key in listed},
    }


def _make(look: Look, thing: str, was: Mapping[str, Any]) -> None:
    more = {"AssumeRolePolicyDocument": json.dumps(was["trust"])} if "trust" in was else {}
    _call(look, "create_{kind}", thing, Path=was["path"], **more)


def _put_principal(look: Look, thing: str, was: Mapping[str, Any], left: set[str]) -> None:
    now = _read(look, thing)
    for policy in now["policies"].keys() - was["policies"].keys() - left:
        _call(look, "delete_{kind}_policy", thing, PolicyName=policy)
    for policy in was["policies"].keys() - left:
        if now["policies"].get(policy) != was["policies"][policy]:
            document = json.dumps(was["policies"][policy])
            _call(look, "put_{kind}_policy", thing, PolicyName=policy, PolicyDocument=document)
    for arn in set(now["attached"]) - set(was["attached"]):
        _call(look, "detach_{kind}_policy", thing, PolicyArn=arn)
    for arn in set(was["attached"]) - set(now["attached"]):
        _call(look, "attach_{kind}_policy", thing, PolicyArn=arn)
    if was["boundary"] and was["boundary"] != now["boundary"]:
        _call(look, "put_{kind}_permissions_boundary", thing, PermissionsBoundary=was["boundary"])
    elif now["boundary"] and not was["boundary"]:
        _call(look, "delete_{kind}_permissions_boundary", thing)
    if now["tags"] != was["tags"]:
        if now["tags"]:
            _call(look, "untag_{kind}", thing, TagKeys=[tag["Key"] for tag in now["tags"]])
        if was["tags"]:
            _call(look, "tag_{kind}", thing, Tags=was["tags"])
    for group in set(now.get("groups", [])) - set(was.get("groups", [])):
        _call(look, "remove_user_from_group", thing, GroupName=group)
    for group in set(was.get("groups", [])) - set(now.get("groups", [])):
        _call(look, "add_user_to_group", thing, GroupName=group)
    if "limit" in was and "limit" not in left and now["limit"] != was["limit"]:
        _call(look, "update_role", thing, MaxSessionDuration=was["limit"])
    if "trust" in was and "trust" not in left and now["trust"] != was["trust"]:
        document = json.dumps(was["trust"])
        _call(look, "update_assume_role_policy", thing, PolicyDocument=document)


def _put_keys(
    look: Look, name: str, was: dict[str, str], story: dict[str, dict[str, str]]
) -> list[str]:
    told, iam = [], look.client("iam")
    now = _read(look, f"user/{name}")["keys"]
    for key in now.keys() - was.keys():
        iam.delete_access_key(UserName=name, AccessKeyId=key)
    for key, status in list(was.items()):
        if key in now:
            iam.update_access_key(UserName=name, AccessKeyId=key, Status=status)
            continue
        new = iam.create_access_key(UserName=name)["AccessKey"]
        iam.update_access_key(UserName=name, AccessKeyId=new["AccessKeyId"], Status=status)
        was[new["AccessKeyId"]] = was.pop(key)
        told.append(
            f"The key {key} had been deleted, and cannot come back. {new['AccessKeyId']} stands "
            "in its place."
        )
        for entry in story.values():
            if entry.get("aws_access_key_id") == key:
                entry["aws_access_key_id"] = new["AccessKeyId"]
                if "aws_secret_access_key" in entry:
                    entry["aws_secret_access_key"] = new["SecretAccessKey"]
    return told


def _objects(look: Look, bucket: str) -> dict[str, bytes] | None:
    s3 = look.client("s3")
    if bucket not in [found["Name"] for found in s3.list_buckets()["Buckets"]]:
        return None
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def _put_objects(look: Look, bucket: str, was: Mapping[str, bytes] | None) -> None:
    s3, now = look.client("s3"), _objects(look, bucket)
    if now is None and was is not None:
        s3.create_bucket(Bucket=bucket)
    for key in (now or {}).keys() - (was or {}).keys():
        s3.delete_object(Bucket=bucket, Key=key)
    for key, body in (was or {}).items():
        if (now or {}).get(key) != body:
            s3.put_object(Bucket=bucket, Key=key, Body=body)
    if was is None and now is not None:
        s3.delete_bucket(Bucket=bucket)
