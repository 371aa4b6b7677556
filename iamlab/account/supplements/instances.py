"""EC2 instances with an instance profile: their role and its credentials."""

from __future__ import annotations

REGISTRY = {}
BEFORE = {}
