"""OpenID Connect providers: which URLs IAM takes, and for whom their tokens may be (client IDs)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from iamlab.account.errors import AwsError

MAX_CLIENT_IDS = 100


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
    if arn in lab.state.iam(call.account).open_id_providers:
        raise AwsError("EntityAlreadyExists", f"Provider with url {url} already exists.", 409)


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


def _provider(call: Any, lab: Any) -> Any:
    arn = call.params["OpenIDConnectProviderArn"]
    found = lab.state.iam(call.account).open_id_providers.get(arn)
    if found is None:
        raise AwsError("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}", 404)
    return found


REGISTRY = {
    ("iam", "AddClientIDToOpenIDConnectProvider"): add_client_id,
    ("iam", "RemoveClientIDFromOpenIDConnectProvider"): remove_client_id,
}
BEFORE = {("iam", "CreateOpenIDConnectProvider"): create}
