"""A role for a token: what STS checks itself, and what the trust policy decides."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import jwt
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from cryptography.hazmat.primitives.asymmetric import rsa

from .conftest import ACCOUNT, refused, signed_by

URL = "https://token.actions.githubusercontent.com"
HOST = URL.removeprefix("https://")
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{HOST}"
MAIN = "repo:larkfield/maps:ref:refs/heads/main"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"


def trust(*actions: str, provider: str = PROVIDER, **conditions: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": list(actions or ("sts:AssumeRoleWithWebIdentity",)),
        "Condition": conditions,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


EXACT = trust(StringEquals={f"{HOST}:aud": "sts.amazonaws.com", f"{HOST}:sub": MAIN})
READ = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}],
    }
)


@pytest.fixture
def ci(lab: Any, iam: Any) -> Any:
    """A provider in IAM, a role that trusts one branch of one repository, and the issuer."""
    iam.create_open_id_connect_provider(Url=URL, ClientIDList=["sts.amazonaws.com"])
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=EXACT)
    iam.put_role_policy(RoleName="deploy", PolicyName="read", PolicyDocument=READ)
    return lab.issuer(URL)


def assume(token: str, **more: Any) -> Any:
    sts = boto3.client("sts", config=Config(signature_version=UNSIGNED, parameter_validation=False))
    wanted = {"RoleArn": ROLE, "RoleSessionName": "build-7", "WebIdentityToken": token}
    return sts.assume_role_with_web_identity(**wanted | more)


def test_a_job_gets_credentials_without_keys(lab: Any, ci: Any) -> None:
    answer = assume(ci.token(MAIN))
    assert answer["SubjectFromWebIdentityToken"] == MAIN
    assert answer["Audience"] == "sts.amazonaws.com"
    assert answer["Provider"] == PROVIDER
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/build-7"
    assert answer["AssumedRoleUser"]["Arn"] == arn
    session = signed_by(answer)
    assert session.client("sts").get_caller_identity()["Arn"] == arn
    assert session.client("iam").list_users()["Users"]
    left = answer["Credentials"]["Expiration"] - lab.clock.now()
    assert 3590 <= left.total_seconds() <= 3600


@pytest.mark.parametrize(
    ("sub", "policy", "allowed"),
    [
        (MAIN, EXACT, True),
        ("repo:larkfield/maps:pull_request", EXACT, False),
        ("repo:stranger/maps:ref:refs/heads/main", EXACT, False),
        # A star in StringEquals is a star, not "anything".
        (MAIN, trust(StringEquals={f"{HOST}:sub": "repo:larkfield/*"}), False),
        (MAIN, trust(StringLike={f"{HOST}:sub": "repo:larkfield/*"}), True),
        # Without a condition on sub, any repository in the world will do.
        (
            "repo:stranger/x:ref:refs/heads/main",
            trust(StringEquals={f"{HOST}:aud": "sts.amazonaws.com"}),
            True,
        ),
        (MAIN, trust(provider=PROVIDER + "2"), False),
        (MAIN, trust("sts:AssumeRole"), False),
        (MAIN, trust(StringEquals={"aws:FederatedProvider": PROVIDER}), True),
    ],
)
def test_the_trust_policy_decides(lab: Any, iam: Any, ci: Any, sub, policy, allowed) -> None:
    iam.update_assume_role_policy(RoleName="deploy", PolicyDocument=policy)
    if allowed:
        assert assume(ci.token(sub))["SubjectFromWebIdentityToken"] == sub
        return
    with refused("AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        assume(ci.token(sub))
    assert lab.why().blocked_by == "resource"
    assert lab.history().iloc[-1]["principal"] == PROVIDER


def test_a_wrong_audience_is_refused_before_the_trust_policy(ci: Any) -> None:
    with refused("InvalidIdentityToken", 400, "Incorrect token audience"):
        assume(ci.token(MAIN, aud="https://github.com/larkfield"))


def test_the_authorized_party_counts_as_the_audience(iam: Any, ci: Any) -> None:
    iam.update_assume_role_policy(
        RoleName="deploy", PolicyDocument=trust(StringEquals={f"{HOST}:aud": "sts.amazonaws.com"})
    )
    answer = assume(ci.token(MAIN, aud="somebody-else", azp="sts.amazonaws.com"))
    assert answer["Audience"] == "sts.amazonaws.com"


def test_an_old_token_has_expired(lab: Any, ci: Any) -> None:
    token = ci.token(MAIN, minutes=5)
    lab.clock.advance(minutes=4)
    assert assume(token)
    lab.clock.advance(minutes=2)
    with refused("ExpiredTokenException", 400, "Token expired"):
        assume(token)


def test_a_token_that_somebody_else_signed(lab: Any, ci: Any) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = jwt.decode(ci.token(MAIN), options={"verify_signature": False})
    kid = ci.jwks()["keys"][0]["kid"]
    forged = jwt.encode(claims, stranger, algorithm="RS256", headers={"kid": kid})
    with refused("InvalidIdentityToken", 400, "signature"):
        assume(forged)
    unsigned = jwt.encode(claims, None, algorithm="none", headers={"kid": kid})
    with refused("InvalidIdentityToken", 400):
        assume(unsigned)
    by_text = jwt.encode(claims, "x" * 64, algorithm="HS256", headers={"kid": kid})
    with refused("InvalidIdentityToken", 400):
        assume(by_text)


@pytest.mark.parametrize("claim", ["sub", "aud", "exp", "iat"])
def test_a_token_without_a_needed_claim(ci: Any, claim: str) -> None:
    token = ci.token(**{"sub": MAIN} | {claim: None})
    with refused("InvalidIdentityToken", 400, f"Missing a required claim: {claim}"):
        assume(token)


def test_a_provider_that_iam_does_not_know(lab: Any, ci: Any) -> None:
    other = lab.issuer("https://ci.example")
    with refused("InvalidIdentityToken", 400, "No OpenIDConnect provider found"):
        assume(other.token(MAIN))


def test_a_provider_whose_keys_the_lab_cannot_fetch(lab: Any, iam: Any, ci: Any) -> None:
    iam.create_open_id_connect_provider(Url="https://real.example", ClientIDList=["me"])
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = int(time.time())
    claims = {"iss": "https://real.example", "sub": "x", "aud": "me", "iat": now, "exp": now + 60}
    with refused("InvalidIdentityToken", 400, "Couldn't retrieve verification key"):
        assume(jwt.encode(claims, key, algorithm="RS256"))


def test_a_missing_role_looks_like_any_denial(ci: Any) -> None:
    with refused("AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        assume(ci.token(MAIN), RoleArn=ROLE + "er")


def test_session_tags_come_from_the_token(lab: Any, iam: Any, ci: Any) -> None:
    said = {"principal_tags": {"team": ["maps"]}, "transitive_tag_keys": ["team"]}
    token = ci.token(MAIN, **{"https://aws.amazon.com/tags": said})
    with refused("AccessDenied", 403):
        assume(token)  # the trust policy does not let it set tags
    both = trust("sts:AssumeRoleWithWebIdentity", "sts:TagSession")
    iam.update_assume_role_policy(RoleName="deploy", PolicyDocument=both)
    made = lab.callers.sessions[assume(token)["Credentials"]["AccessKeyId"]]
    assert made.tags == {"team": "maps"} and made.transitive == {"team"}


def test_a_source_identity_comes_from_the_token(iam: Any, ci: Any) -> None:
    both = trust("sts:AssumeRoleWithWebIdentity", "sts:SetSourceIdentity")
    iam.update_assume_role_policy(RoleName="deploy", PolicyDocument=both)
    token = ci.token(MAIN, **{"https://aws.amazon.com/source_identity": "ana"})
    assert assume(token)["SourceIdentity"] == "ana"


def test_the_session_remembers_the_token(lab: Any, iam: Any, ci: Any) -> None:
    only_main = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "iam:ListUsers",
                "Resource": "*",
                "Condition": {
                    "StringEquals": {f"{HOST}:sub": MAIN, "aws:FederatedProvider": PROVIDER}
                },
            }
        ],
    }
    iam.put_role_policy(RoleName="deploy", PolicyName="read", PolicyDocument=json.dumps(only_main))
    assert signed_by(assume(ci.token(MAIN))).client("iam").list_users()


def test_duration_and_session_policy(lab: Any, ci: Any) -> None:
    with refused("ValidationError", 400, "MaxSessionDuration"):
        assume(ci.token(MAIN), DurationSeconds=7200)
    nothing = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
        }
    )
    answer = assume(ci.token(MAIN), DurationSeconds=900, Policy=nothing)
    with refused("AccessDenied", 403, "no session policy allows"):
        signed_by(answer).client("iam").list_users()


def test_google_needs_no_provider_in_iam(lab: Any, iam: Any, ci: Any) -> None:
    google = lab.issuer("https://accounts.google.com")
    policy = trust(
        provider="accounts.google.com",
        StringEquals={"accounts.google.com:aud": "maps-app"},
    )
    iam.update_assume_role_policy(RoleName="deploy", PolicyDocument=policy)
    assert assume(google.token("1122", aud="maps-app"))["Provider"] == "https://accounts.google.com"
    with refused("AccessDenied", 403):
        assume(google.token("1122", aud="another-app"))


def test_a_login_with_amazon_is_not_for_the_lab(ci: Any) -> None:
    with refused("IDPCommunicationError", 400, "www.amazon.com"):
        assume("Atza|nothing", ProviderId="www.amazon.com")
