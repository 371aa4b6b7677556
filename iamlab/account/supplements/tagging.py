"""Tags on everything in IAM that can carry them: set, taken away, listed, by AWS's rules.

moto has tags on some of these, keeps them in several shapes, and knows fewer rules: "Department"
and "department" are one key, and the later value counts.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from iamlab.account.errors import AwsError
from iamlab.account.supplements.entities import find
from iamlab.account.supplements.paging import page

MOST = 50
DUPLICATE = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
RESERVED = "System tags cannot be added/updated by requester."  # code and text: [I]
TOO_MANY = "The number of tags has reached the maximum limit."  # text: [I]
RESERVED_PREFIX = "aws:"

# What can carry tags: the parameter that names it, how to find it in the account (those of
# entities.KINDS are found there), and what AWS says if it is not there [I].
Kind = namedtuple("Kind", "param found missing")
KINDS = {
    "User": Kind("UserName", None, ""),
    "Role": Kind("RoleName", None, ""),
    "Policy": Kind("PolicyArn", None, ""),
    "InstanceProfile": Kind("InstanceProfileName", None, ""),
    "MFADevice": Kind(
        "SerialNumber",
        lambda iam, serial: iam.virtual_mfa_devices.get(serial),
        "VirtualMFADevice with serial number {} doesn't exist.",
    ),
    "OpenIDConnectProvider": Kind(
        "OpenIDConnectProviderArn",
        lambda iam, arn: iam.open_id_providers.get(arn),
        "OpenIDConnect Provider not found for arn {}",
    ),
    "SAMLProvider": Kind(
        "SAMLProviderArn",
        lambda iam, arn: next((p for p in iam.saml_providers.values() if p.arn == arn), None),
        "SAMLProvider {} does not exist.",
    ),
    "ServerCertificate": Kind(
        "ServerCertificateName",
        lambda iam, name: next((c for c in iam.certificates.values() if c.cert_name == name), None),
        "The Server Certificate with name {} cannot be found.",
    ),
}


def refuse(call: Any, lab: Any) -> None:
    """Refuse tags that AWS refuses wherever they are given, at creation and later.

    Notes
    -----
    Source: "Tags for IAM resources", IAM User Guide: keys are unique ignoring case, and ``aws:``
    is reserved.
    """
    keys = [tag["Key"].lower() for tag in call.params.get("Tags") or ()]
    if len(set(keys)) < len(keys):
        raise AwsError("InvalidInput", DUPLICATE)
    if any(key.startswith(RESERVED_PREFIX) for key in keys):
        raise AwsError("InvalidInput", RESERVED)


def tag(call: Any, lab: Any) -> dict[str, Any]:
    """TagUser and its sisters: a key that is there, in whatever case, gets the new value."""
    kind = call.operation.removeprefix("Tag")
    new = call.params["Tags"]
    replaced = {one["Key"].lower() for one in new}
    thing = _thing(kind, call, lab)
    kept = [one for one in _tags(thing) if one["Key"].lower() not in replaced]
    if len(kept) + len(new) > MOST:
        raise AwsError("LimitExceeded", TOO_MANY, 409)
    _keep(kind, thing, kept + [dict(one) for one in new], lab)
    return {}


def untag(call: Any, lab: Any) -> dict[str, Any]:
    """UntagUser and its sisters: keys that are not there are no error."""
    kind = call.operation.removeprefix("Untag")
    gone = {key.lower() for key in call.params["TagKeys"]}
    thing = _thing(kind, call, lab)
    kept = [one for one in _tags(thing) if one["Key"].lower() not in gone]
    _keep(kind, thing, kept, lab)
    return {}


def listed(call: Any, lab: Any) -> dict[str, Any]:
    """ListUserTags and its sisters, sorted by key."""
    kind = call.operation.removeprefix("List").removesuffix("Tags")
    tags = _tags(_thing(kind, call, lab))
    return page(tags, call.params, "Tags", key=lambda one: one["Key"])


def _thing(kind: str, call: Any, lab: Any) -> Any:
    param, found, missing = KINDS[kind]
    name = call.params[param]
    if found is None:  # before_iam has seen that it is there
        return find(lab, call.account, kind, name)
    thing = found(lab.state.iam(call.account), name)
    if thing is None:
        raise AwsError("NoSuchEntity", missing.format(name), 404)
    return thing


def _tags(thing: Any) -> list[dict[str, str]]:
    """moto's own: a list, or a dict by lower-case key; none where it has no tags."""
    tags = getattr(thing, "tags", None) or []
    return list(tags.values()) if isinstance(tags, dict) else list(tags)


def _keep(kind: str, thing: Any, tags: list[dict[str, str]], lab: Any) -> None:
    if kind == "User":
        tagger = lab.state.iam(thing.account_id).tagger
        tagger.delete_all_tags_for_resource(thing.arn)
        tagger.tag_resource(thing.arn, tags)
    elif kind in ("Policy", "OpenIDConnectProvider"):
        thing.tags = {one["Key"].lower(): one for one in tags}
    else:
        thing.tags = tags


REGISTRY = {
    **{("iam", f"Tag{kind}"): tag for kind in KINDS},
    **{("iam", f"Untag{kind}"): untag for kind in KINDS},
    **{("iam", f"List{kind}Tags"): listed for kind in KINDS},
}
BEFORE = {
    ("iam", operation): refuse
    for operation in (
        *(f"Tag{kind}" for kind in KINDS),
        *("CreateUser", "CreateRole", "CreatePolicy", "CreateInstanceProfile"),
        *("CreateVirtualMFADevice", "UploadServerCertificate"),
        *("CreateOpenIDConnectProvider", "CreateSAMLProvider"),
    )
}
