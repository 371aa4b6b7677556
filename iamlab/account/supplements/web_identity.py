"""AssumeRoleWithWebIdentity and AssumeRoleWithSAML: credentials for a token."""

from __future__ import annotations

REGISTRY = {}
BEFORE = {}
