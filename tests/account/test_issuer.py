"""The lab's own identity provider: its tokens are real ones."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

URL = "https://ci.larkfield.example"


def test_a_token_can_be_checked_with_the_published_keys(lab: Any) -> None:
    ci = lab.issuer(URL)
    token = ci.token("repo:maps:main", environment="production")
    key = jwt.PyJWK(ci.jwks()["keys"][0])
    claims = jwt.decode(token, key, algorithms=["RS256"], audience="sts.amazonaws.com", issuer=URL)
    assert claims["sub"] == "repo:maps:main" and claims["environment"] == "production"
    assert claims["exp"] - claims["iat"] == 300
    assert ci.configuration()["jwks_uri"].startswith(URL)
    assert "d" not in ci.jwks()["keys"][0]  # the private part stays in the lab


def test_tokens_follow_the_labs_clock(lab: Any) -> None:
    lab.clock.advance(days=3)
    claims = jwt.decode(lab.issuer(URL).token("x"), options={"verify_signature": False})
    assert abs(claims["iat"] - lab.clock.now().timestamp()) < 5


def test_one_issuer_a_url(lab: Any) -> None:
    assert lab.issuer(URL) is lab.issuer(URL)
    assert lab.issuer(URL) is not lab.issuer(URL + "/other")
    before = lab.issuer(URL)
    lab.reset()
    assert lab.issuer(URL) is not before


@pytest.mark.parametrize("url", ["http://ci.example", "ci.example", "https://ci.example/?a=1"])
def test_a_url_that_iam_would_refuse(lab: Any, url: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        lab.issuer(url)
