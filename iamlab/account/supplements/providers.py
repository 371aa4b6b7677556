"""Identity providers: OpenID Connect and SAML, as IAM keeps them."""

from __future__ import annotations

REGISTRY = {}
BEFORE = {}
