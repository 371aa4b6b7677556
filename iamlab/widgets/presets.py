"""The playground's ready-made cases: each shows one thing that people get wrong."""

from __future__ import annotations

from typing import Any

from iamlab.widgets.judgement import as_text
from iamlab.widgets.request_fields import FIELDS

_ANA = "arn:aws:iam::111122223333:user/ana"
_TOMAS = "arn:aws:iam::111122223333:user/tomas"
_ROLE = "arn:aws:iam::111122223333:role/map-publisher"
_FILE = "arn:aws:s3:::larkfield-reports/2026/q3.csv"


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


# name: (what to try, request, policies by kind)
CASES: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "A bucket is not its objects": (
        "Ana may read the bucket larkfield-reports. May she read a file in it? Mend the Resource.",
        {"principal": _ANA, "action": "s3:GetObject", "resource": _FILE},
        {"identity": _policy(_allow("s3:GetObject", "arn:aws:s3:::larkfield-reports"))},
    ),
    "A Deny always wins": (
        "The Allow comes last and is more exact. Swap the two statements: does it matter?",
        {"principal": _ANA, "action": "s3:DeleteObject", "resource": _FILE},
        {
            "identity": _policy(
                {"Sid": "NoDeletes", "Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"},
                _allow("s3:DeleteObject", _FILE, Sid="ThisOneFile"),
            )
        },
    ),
    "NotAction denies nothing": (
        "Ana is not allowed. Add a statement that allows iam:*: does this one keep her out of IAM?",
        {"principal": _ANA, "action": "iam:CreateUser", "resource": "*"},
        {
            "identity": _policy(
                {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*", "Sid": "AllButIam"},
            )
        },
    ),
    "Only from the office": (
        "Change the address in the context. Then take the line out: what is a missing key?",
        {
            "principal": _ANA,
            "action": "s3:GetObject",
            "resource": _FILE,
            "context": "aws:SourceIp = 203.0.113.20",
        },
        {
            "identity": _policy(
                _allow(
                    "s3:GetObject",
                    "arn:aws:s3:::larkfield-reports/*",
                    Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
                )
            )
        },
    ),
    "Deny without MFA, and its gap": (
        "A long-term key carries no MFA key at all, so Bool does not match. Try BoolIfExists.",
        {"principal": _ANA, "action": "s3:GetObject", "resource": _FILE},
        {
            "identity": _policy(
                _allow("s3:*"),
                {
                    "Sid": "NeedsMfa",
                    "Effect": "Deny",
                    "Action": "*",
                    "Resource": "*",
                    "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
                },
            )
        },
    ),
    "Either side is enough, in one account": (
        "Ana's own policy says nothing about this. The bucket's policy names her. Who decides?",
        {"principal": _ANA, "action": "s3:GetObject", "resource": _FILE},
        {
            "identity": _policy(_allow("s3:ListAllMyBuckets")),
            "resource": _policy(
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": _ANA},
                    "Action": "s3:GetObject",
                    "Resource": "arn:aws:s3:::larkfield-reports/*",
                }
            ),
        },
    ),
    "Who may become a role": (
        "Tomas may do everything. The role trusts Ana. Change the principal, or the trust policy.",
        {"principal": _TOMAS, "action": "sts:AssumeRole", "resource": _ROLE},
        {
            "identity": _policy(_allow("*")),
            "resource": _policy(
                {"Effect": "Allow", "Principal": {"AWS": _ANA}, "Action": "sts:AssumeRole"}
            ),
        },
    ),
    "A session policy only narrows": (
        "The role may read and write. This session was made for reading. Ask for s3:GetObject too.",
        {
            "principal": "arn:aws:sts::111122223333:assumed-role/map-publisher/ana",
            "action": "s3:PutObject",
            "resource": _FILE,
        },
        {
            "identity": _policy(_allow("s3:*", "arn:aws:s3:::larkfield-reports/*")),
            "session": _policy(_allow(["s3:GetObject", "s3:ListBucket"])),
        },
    ),
}


def rows() -> list[dict[str, Any]]:
    """Return the cases as the page wants them: texts only.

    Returns
    -------
    list of dict
        ``name``, ``note``, ``request`` (every field of the request) and ``policies`` (kind to
        JSON text).

    Examples
    --------
    >>> rows()[0]["name"]
    'A bucket is not its objects'
    """
    return [
        {
            "name": name,
            "note": note,
            "request": {field: request.get(field, "") for field in FIELDS},
            "policies": {kind: as_text(policy) for kind, policy in policies.items()},
        }
        for name, (note, request, policies) in CASES.items()
    ]
