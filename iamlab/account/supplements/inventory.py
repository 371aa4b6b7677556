"""The whole account in one answer: authorization details, summary, who has a policy."""

from __future__ import annotations

REGISTRY = {}
BEFORE = {}
