"""IAM Access Analyzer: a policy from what was really used."""

from __future__ import annotations

REGISTRY = {}
BEFORE = {}
