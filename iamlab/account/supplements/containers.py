"""ECS tasks and their role's credentials."""

from __future__ import annotations

REGISTRY = {}
BEFORE = {}
