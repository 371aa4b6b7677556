"""CloudTrail's LookupEvents over the lab's record."""

from __future__ import annotations

REGISTRY = {}
BEFORE = {}
