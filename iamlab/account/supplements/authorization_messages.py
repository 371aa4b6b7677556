"""DecodeAuthorizationMessage: EC2's encoded denials, read back."""

from __future__ import annotations

REGISTRY = {}
BEFORE = {}
