"""IAM Access Analyzer: validation, findings and access checks."""

from __future__ import annotations

REGISTRY = {}
BEFORE = {}
