"""SimulateCustomPolicy, SimulatePrincipalPolicy and the context keys that policies ask for."""

from __future__ import annotations

REGISTRY = {}
BEFORE = {}
