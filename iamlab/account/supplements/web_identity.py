"""AssumeRoleWithWebIdentity: a role's credentials for a token that an identity provider signed.

Nobody signs this call: the token says who calls. STS looks at the token first (is it signed by the
provider, still good, meant for us?), then the role's trust policy decides, with the token's claims
as condition keys. SAML assertions are refused: to check one takes an XML signature library (lxml,
12 MB) for something that no lesson teaches, and a CI job's token shows the same idea.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, NoReturn

from iamlab.account.callers import Caller
from iamlab.account.errors import AwsError
from iamlab.account.supplements import sts

# The algorithms that STS takes (AssumeRoleWithWebIdentity, AWS STS API Reference).
ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
REQUIRED = ("iss", "sub", "aud", "exp", "iat")
# Providers that AWS knows without an entry in IAM; a trust policy names them so.
BUILT_IN = ("accounts.google.com", "cognito-identity.amazonaws.com")
TAGS = "https://aws.amazon.com/tags"
SOURCE_IDENTITY = "https://aws.amazon.com/source_identity"


def identify(call: Any, lab: Any) -> None:
    """Check the token of AssumeRoleWithWebIdentity, and write into the call who it speaks for.

    Session tags and a source identity come from the token ("Passing session tags using
    AssumeRoleWithWebIdentity", IAM User Guide); from here on they are parameters of the call.

    Raises
    ------
    AwsError
        ``InvalidIdentityToken`` or ``ExpiredTokenException`` (400). Texts: public logs [O].
    """
    account, _ = sts.role_name(call.params["RoleArn"])
    if call.params.get("ProviderId"):
        raise AwsError(
            "IDPCommunicationError",
            f"The lab cannot ask {call.params['ProviderId']} whether the token is good.",
        )
    claims, header = _read(call.params["WebIdentityToken"])
    url = str(claims["iss"]).removeprefix("https://")
    arn = f"arn:aws:iam::{account}:oidc-provider/{url}"
    provider = lab.state.iam(account).open_id_providers.get(arn)
    if provider is None and url not in BUILT_IN:
        raise _bad(f"No OpenIDConnect provider found in your account for {claims['iss']}")
    _verify(call.params["WebIdentityToken"], claims, header, lab)
    audience = claims.get("azp") or claims["aud"]
    if provider is not None:
        meant = {audience} if isinstance(audience, str) else set(audience)
        if not meant & set(provider.client_id_list):
            raise _bad("Incorrect token audience")
    shown = audience if isinstance(audience, str) else ",".join(audience)
    principal = arn if provider is not None else url
    _tags(call.params, claims)
    # A provider is nobody's IAM principal: no account's SCPs limit it. [I]
    call.caller = Caller(
        "provider", "", principal, principal, f"{principal}:{shown}:{claims['sub']}", claims["sub"]
    )


def assume(call: Any, lab: Any) -> dict[str, Any]:
    """AssumeRoleWithWebIdentity, for a token that `identify` and the trust policy let pass."""
    claims, _ = _read(call.params["WebIdentityToken"])
    url = str(claims["iss"]).removeprefix("https://")
    audience = claims.get("azp") or claims["aud"]
    # These go on into every call of the session ("AWS OIDC federation": cross-service keys [M]).
    keys = {f"{url}:{name}": claims[name] for name in ("sub", "amr") if name in claims}
    _, answer = sts.open_role(
        call,
        lab,
        federated_provider=call.caller.arn,
        keys=keys | {f"{url}:aud": audience},
    )
    return answer | {
        "SubjectFromWebIdentityToken": claims["sub"],
        # The API reference says the token's iss; public logs show the provider's ARN. [D against O]
        "Provider": claims["iss"] if call.caller.arn == url else call.caller.arn,
        "Audience": audience if isinstance(audience, str) else audience[0],
    }


def with_saml(call: Any, lab: Any) -> NoReturn:
    """AssumeRoleWithSAML: refused, since the lab cannot check a SAML signature."""
    account, _ = sts.role_name(call.params["RoleArn"])
    try:
        base64.b64decode(call.params["SAMLAssertion"], validate=True)
    except (binascii.Error, ValueError):
        raise _bad("Invalid base64 SAMLResponse") from None
    providers = lab.state.iam(account).saml_providers.values()
    if call.params["PrincipalArn"] not in {provider.arn for provider in providers}:
        raise _bad("Specified provider doesn't exist")
    raise _bad("Response signature invalid")


def _read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The claims and the header of a token, its signature not yet looked at."""
    import jwt

    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise _bad("The ID Token provided is not a valid JWT.") from None
    for name in REQUIRED:
        if name not in claims:
            raise _bad(f"Missing a required claim: {name}")
    if not isinstance(claims["exp"], int) or not isinstance(claims["iat"], int):
        raise _bad("The ID Token provided is not a valid JWT.")
    return claims, header


def _verify(token: str, claims: dict[str, Any], header: dict[str, Any], lab: Any) -> None:
    import jwt

    issuer = lab.issuers.get(claims["iss"])
    if issuer is None:
        raise _bad(
            "Couldn't retrieve verification key from your identity provider,  please reference "
            "AssumeRoleWithWebIdentity documentation for requirements"
        )
    # Whether it is still good is the lab clock's to say, not PyJWT's.
    options = {
        f"verify_{name}": False for name in ("exp", "iat", "nbf", "aud", "iss", "sub", "jti")
    }
    try:
        key = next(k for k in issuer.jwks()["keys"] if k["kid"] == header.get("kid"))
        jwt.decode(token, jwt.PyJWK(key), algorithms=ALGORITHMS, options=options)
    except (StopIteration, jwt.PyJWTError):
        raise _bad("Couldn't verify the signature of the ID Token.") from None  # text: [I]
    now = int(lab.clock.now().timestamp())
    if now >= claims["exp"]:
        raise AwsError(
            "ExpiredTokenException",
            f"Token expired: current date/time {now} must be before the expiration date/time "
            f"{claims['exp']}",
        )


def _tags(params: dict[str, Any], claims: dict[str, Any]) -> None:
    tags = claims.get(TAGS) or {}
    # Each value is a list of one text.
    pairs = {
        k: v[0] if isinstance(v, list) else v for k, v in tags.get("principal_tags", {}).items()
    }
    if pairs:
        params["Tags"] = [{"Key": key, "Value": str(value)} for key, value in pairs.items()]
    if tags.get("transitive_tag_keys"):
        params["TransitiveTagKeys"] = list(tags["transitive_tag_keys"])
    if claims.get(SOURCE_IDENTITY):
        params["SourceIdentity"] = claims[SOURCE_IDENTITY]


def _bad(text: str) -> AwsError:
    return AwsError("InvalidIdentityToken", text, 400)


REGISTRY = {
    ("sts", "AssumeRoleWithWebIdentity"): assume,
}
# Who calls is in the call itself: the gate asks here before it asks any policy.
IDENTIFIES = {
    "AssumeRoleWithSAML": with_saml,
    "AssumeRoleWithWebIdentity": identify,
}
