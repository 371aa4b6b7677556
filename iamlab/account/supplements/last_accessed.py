"""When which service was last used, and which policies open it."""

from __future__ import annotations

REGISTRY = {}
BEFORE = {}
