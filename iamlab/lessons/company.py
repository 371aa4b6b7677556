"""Larkfield Maps, the company that every lesson tells of: its account, people and buckets."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iamlab.copying import course_source

ACCOUNT = "111122223333"
PARTNER = "444455556666"  # Fairbridge Audit
MAPS, REPORTS, PAYROLL = "larkfield-maps", "larkfield-reports", "larkfield-payroll"
Q3 = f"arn:aws:s3:::{REPORTS}/2026/q3.csv"
Q4_2025 = f"arn:aws:s3:::{REPORTS}/2025/q4.csv"
WAGES = f"arn:aws:s3:::{PAYROLL}/2026/september.csv"


def folder() -> Path:
    """Return the folder of the company's files: in the installed package, or in a checkout."""
    return course_source() / "datasets" / "company"


def buckets(*names: str) -> Mapping[str, Mapping[str, bytes]]:
    """Return the company's buckets with their objects, as resources.csv lists them."""
    found: dict[str, dict[str, bytes]] = {}
    with (folder() / "resources.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            objects = found.setdefault(row["bucket"], {})
            if row["kind"] == "object":
                objects[row["key"]] = _body(row)
    return {name: found[name] for name in names or found}


def arn(who: str, account: str = ACCOUNT) -> str:
    """Return the ARN of ``"user/ana"`` or ``"role/auditor"``."""
    return f"arn:aws:iam::{account}:{who}"


def statement(effect: str, action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    """Return one policy statement; `more` are its other elements, such as ``Sid``."""
    return {**more, "Effect": effect, "Action": action, "Resource": resource}


def policy(*statements: Mapping[str, Any], version: str = "2012-10-17") -> dict[str, Any]:
    """Return a policy document of these statements."""
    return {"Version": version, "Statement": list(statements)}


def trust(**principal: str | list[str]) -> dict[str, Any]:
    """Return a trust policy: ``trust(AWS=arn("user/ana"))``."""
    return policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


def _body(row: Mapping[str, str]) -> bytes:
    if row["file"]:
        return (folder() / row["file"]).read_bytes()
    return f"Larkfield Maps\nsheet: {Path(row['key']).stem}\n".encode()
