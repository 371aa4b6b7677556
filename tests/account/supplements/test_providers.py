"""OpenID Connect providers in IAM: URLs and client IDs."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import ACCOUNT, refused

URL = "https://ci.example/tenant"
ARN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/ci.example/tenant"


def _ids(iam: Any) -> list[str]:
    return iam.get_open_id_connect_provider(OpenIDConnectProviderArn=ARN)["ClientIDList"]


def test_client_ids_come_and_go(iam: Any) -> None:
    made = iam.create_open_id_connect_provider(Url=URL, ClientIDList=["one"])
    assert made["OpenIDConnectProviderArn"] == ARN
    for _ in range(2):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=ARN, ClientID="two")
    assert _ids(iam) == ["one", "two"]
    for _ in range(2):
        iam.remove_client_id_from_open_id_connect_provider(
            OpenIDConnectProviderArn=ARN, ClientID="one"
        )
    assert _ids(iam) == ["two"]


def test_a_hundred_client_ids(iam: Any) -> None:
    ids = [f"app-{number}" for number in range(100)]
    iam.create_open_id_connect_provider(Url=URL, ClientIDList=ids)
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=ARN, ClientID="app-7")
    with refused("LimitExceeded", 409, "ClientIdsPerOpenIdConnectProvider: 100"):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=ARN, ClientID="x")


def test_a_provider_that_is_not_there(iam: Any) -> None:
    for call in ("add_client_id_to", "remove_client_id_from"):
        with refused("NoSuchEntity", 404, ARN):
            operation = getattr(iam, f"{call}_open_id_connect_provider")
            operation(OpenIDConnectProviderArn=ARN, ClientID="x")


@pytest.mark.parametrize(
    "url", ["http://ci.example", "ci.example", "https://ci.example?a=1", "https://ci.example:8443"]
)
def test_a_url_that_no_provider_can_have(iam: Any, url: str) -> None:
    with refused("ValidationError", 400, "Provider URL"):
        iam.create_open_id_connect_provider(Url=url)


def test_one_provider_a_url(iam: Any) -> None:
    iam.create_open_id_connect_provider(Url=URL)
    with refused("EntityAlreadyExists", 409, f"Provider with url {URL} already exists."):
        iam.create_open_id_connect_provider(Url=URL)
    iam.create_open_id_connect_provider(Url="https://ci.example")
