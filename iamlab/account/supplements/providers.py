"""Identity providers in IAM: OpenID Connect URLs and client IDs, SAML names."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from iamlab.account.errors import AwsError

# "IAM and AWS STS quotas", IAM User Guide.
MAX_CLIENT_IDS = 100
MAX_PROVIDERS = 100  # of each kind


def create(call: Any, lab: Any) -> None:
    """Refuse CreateOpenIDConnectProvider for a URL that no provider can have, or has already.

    The rules are those of the API reference, the texts public logs' [O] or our own [I].
    """
    url = call.params["Url"]
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or ":" in parts.netloc:
        text = "Invalid Open ID Connect Provider URL"
        raise AwsError("ValidationError", text)
    arn = f"arn:aws:iam::{call.account}:oidc-provider/{parts.netloc}{parts.path}"
    known = lab.state.iam(call.account).open_id_providers
    if arn in known:
        raise AwsError("EntityAlreadyExists", f"Provider with url {url} already exists.", 409)
    _not_too_many(known, "OpenIdConnectProvidersPerAccount")


def add_client_id(call: Any, lab: Any) -> dict[str, Any]:
    """AddClientIDToOpenIDConnectProvider; one that is there already does no harm."""
    known = _provider(call, lab).client_id_list
    if call.params["ClientID"] not in known:
        if len(known) >= MAX_CLIENT_IDS:
            text = f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {MAX_CLIENT_IDS}"
            raise AwsError("LimitExceeded", text, 409)
        known.append(call.params["ClientID"])
    return {}


def remove_client_id(call: Any, lab: Any) -> dict[str, Any]:
    """RemoveClientIDFromOpenIDConnectProvider; one that is not there does no harm."""
    provider = _provider(call, lab)
    wanted = call.params["ClientID"]
    provider.client_id_list = [known for known in provider.client_id_list if known != wanted]
    return {}


def create_saml(call: Any, lab: Any) -> dict[str, Any]:
    """CreateSAMLProvider, which moto makes twice under one name, and without tags. Texts: [I]."""
    iam, params = lab.state.iam(call.account), call.params
    name, tags = params["Name"], params.get("Tags") or []
    if name.lower() in {known.lower() for known in iam.saml_providers}:
        raise AwsError("EntityAlreadyExists", f"SAMLProvider {name} already exists.", 409)
    _not_too_many(iam.saml_providers, "SAMLProvidersPerAccount")
    made = iam.create_saml_provider(name, params["SAMLMetadataDocument"])
    made.tags = tags
    return {"SAMLProviderArn": made.arn} | ({"Tags": tags} if tags else {})


def delete_saml(call: Any, lab: Any) -> None:
    """Refuse DeleteSAMLProvider for a provider that is not there. Text: [I]."""
    arn = call.params["SAMLProviderArn"]
    if arn not in {known.arn for known in lab.state.iam(call.account).saml_providers.values()}:
        raise AwsError("NoSuchEntity", f"SAMLProvider {arn} does not exist.", 404)


def _not_too_many(known: Any, quota: str) -> None:
    if len(known) >= MAX_PROVIDERS:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for {quota}: {MAX_PROVIDERS}", 409)


def _provider(call: Any, lab: Any) -> Any:
    arn = call.params["OpenIDConnectProviderArn"]
    found = lab.state.iam(call.account).open_id_providers.get(arn)
    if found is None:
        raise AwsError("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}", 404)
    return found


REGISTRY = {
    ("iam", "AddClientIDToOpenIDConnectProvider"): add_client_id,
    ("iam", "CreateSAMLProvider"): create_saml,
    ("iam", "RemoveClientIDFromOpenIDConnectProvider"): remove_client_id,
}
BEFORE = {
    ("iam", "CreateOpenIDConnectProvider"): create,
    ("iam", "DeleteSAMLProvider"): delete_saml,
}
