"""Tags on MFA devices, certificates, providers and instance profiles."""

from __future__ import annotations

REGISTRY = {}
BEFORE = {}
