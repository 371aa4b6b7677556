"""The credential report: every user's passwords, keys and MFA, as one CSV file."""

from __future__ import annotations

REGISTRY = {}
BEFORE = {}
