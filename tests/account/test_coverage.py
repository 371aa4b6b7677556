"""The page of what the lab refuses is true: every operation of every service is called."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import iamlab
from iamlab.account.coverage import DIFFERENCES, NOT_KEPT, REASONS, coverage, page, refused
from iamlab.account.gate import NotInTheLab
from iamlab.account.operations import SERVICES
from iamlab.account.wire import BOTOCORE_NAMES
from iamlab.cli import main
from tests.account.smallest import smallest

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

CONFIG = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
# Listed, but its smallest request is refused for its form first.
FORM = {("iam", "GenerateOrganizationsAccessReport")}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with iamlab.start() as running:
        yield running


def _not_there(client: Any, operation: str) -> bool:
    """Whether an administrator's call of it is answered with 501, as not implemented."""
    model = client.meta.service_model.operation_model(operation)
    names = {real: python for python, real in client.meta.method_to_api_mapping.items()}
    try:
        getattr(client, names[operation])(**smallest(model))
    except ClientError as error:
        answer = error.response
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        return status == 501 and answer["Error"]["Code"] == "NotImplemented"
    except NotInTheLab:
        return True
    return False


@pytest.mark.parametrize("service", SERVICES)
def test_refused_if_and_only_if_listed(
    lab: Lab, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Looking for names that are alike is most of what a refusal costs, and not the matter here.
    monkeypatch.setattr(difflib, "get_close_matches", lambda *_: [])
    client = boto3.client(BOTOCORE_NAMES.get(service, service), config=CONFIG)
    operations = client.meta.service_model.operation_names
    answered = {name for name in operations if _not_there(client, name)}
    answered |= {name for of, name in FORM if of == service}
    assert answered == set(refused(service))


def test_every_refusal_has_a_reason_and_every_reason_is_used() -> None:
    everything = coverage()
    assert [one.service for one in everything] == list(SERVICES)
    for one in everything:
        used = set(one.refused)
        assert {why for _, why in REASONS.get(one.service, ())} | {NOT_KEPT} >= used
        listed = [name for names in one.refused.values() for name in names]
        assert len(listed) == len(set(listed)) <= one.operations
    iam = everything[0]
    for patterns, why in REASONS["iam"]:
        assert len(iam.refused[why]) >= len(patterns.split()), why


def test_the_page_can_be_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--coverage"]) == 0
    printed = capsys.readouterr().out
    assert printed == page() + "\n"
    words = printed.split()
    for service in SERVICES:
        assert set(refused(service)) <= set(words), service
    for about, _ in DIFFERENCES:
        assert f"\n{about}\n" in printed
    assert max(map(len, printed.splitlines())) <= 100


def test_a_refusal_names_the_page(lab: Lab) -> None:
    with pytest.raises(ClientError, match="iamlab doctor --coverage"):
        boto3.client("iam", config=CONFIG).list_organizations_features()
