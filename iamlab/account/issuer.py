"""An identity provider of the lab's own: it signs real tokens (JWTs) for jobs that have no keys."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from iamlab.account.clock import Clock

# What GitHub's workflows and AWS's own SDKs ask for by default.
STS_AUDIENCE = "sts.amazonaws.com"


class Issuer:
    """Signs tokens, as the CI service behind a URL would. Make one with :meth:`Lab.issuer`.

    The token says who its bearer is (``sub``) and for whom it is meant (``aud``). AWS checks the
    signature with the issuer's public key, which it fetches from the issuer's URL; the lab fetches
    nothing, it knows the issuers that were made in it.

    Attributes
    ----------
    url : str
        The token's ``iss``, and the URL of the identity provider in IAM.

    Notes
    -----
    Source: "OIDC federation", IAM User Guide.

    Examples
    --------
    >>> import boto3, iamlab
    >>> with iamlab.start() as lab:
    ...     ci = lab.issuer("https://ci.larkfield.example")
    ...     len(ci.token("repo:maps:main").split("."))
    3
    """

    def __init__(self, url: str, clock: Clock) -> None:
        if not url.startswith("https://") or "?" in url or len(url) > 255:
            raise ValueError(
                f"{url!r} cannot be an issuer: write https://, a host name and perhaps a path."
            )
        self.url = url
        self._clock = clock
        self._key_id = uuid4().hex

    def token(
        self, sub: str, aud: str | list[str] = STS_AUDIENCE, minutes: float = 5, **claims: Any
    ) -> str:
        """Sign a token.

        Parameters
        ----------
        sub : str
            Who the bearer is, such as ``"repo:larkfield/maps:ref:refs/heads/main"``.
        aud : str or list of str
            For whom the token is.
        minutes : float
            How long it is good, from now on the lab's clock.
        **claims
            More claims; they win over the usual ones. ``None`` leaves a claim out.

        Returns
        -------
        str
            What ``AssumeRoleWithWebIdentity`` takes as ``WebIdentityToken``.
        """
        import jwt

        now = self._clock.now()
        said: dict[str, Any] = {
            "iss": self.url,
            "sub": sub,
            "aud": aud,
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=minutes)).timestamp()),
            "jti": str(uuid4()),
        } | claims
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(said, self._key, algorithm="RS256", headers={"kid": self._key_id})

    def configuration(self) -> dict[str, Any]:
        """Return what stands at the URL under ``/.well-known/openid-configuration``."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url.rstrip('/')}/.well-known/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def jwks(self) -> dict[str, Any]:
        """Return the public keys, as they stand at the configuration's ``jwks_uri``."""
        from jwt.algorithms import RSAAlgorithm

        key = json.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [key | {"kid": self._key_id, "use": "sig", "alg": "RS256"}]}

    @cached_property
    def _key(self) -> Any:
        from cryptography.hazmat.primitives.asymmetric import rsa

        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
