"""The form of parameters, as AWS's own models have it."""

from __future__ import annotations

import pytest

from iamlab.account.errors import AwsError
from iamlab.account.supplements import parameters
from iamlab.account.wire import operation_names


def message(service, operation, **params):
    with pytest.raises(AwsError) as caught:
        parameters.check(service, operation, params)
    assert (caught.value.code, caught.value.status) == ("ValidationError", 400)
    return caught.value.message


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_every_operation_has_rules(service):
    """No model is too deep, and nothing given is refused only for being left out."""
    for operation in operation_names(service):
        try:
            parameters.check(service, operation, {})
        except AwsError as error:
            assert "Member must not be null" in error.message


def test_places_in_lists_and_several_faults():
    tags = [{"Key": "ok", "Value": ""}, {"Key": "no|", "Value": "v" * 257}]
    text = message("iam", "TagUser", UserName="ana", Tags=tags)
    assert text.startswith("2 validation errors detected: Value 'no|' at 'tags.2.member.key'")
    assert "at 'tags.2.member.value' failed to satisfy constraint: Member must have length" in text


@pytest.mark.parametrize("key", ["Équipe", "Kosten stelle", "a_b.c:/=+-@", "数字٣"])
def test_letters_of_all_scripts_in_tags(key):
    parameters.check("iam", "TagUser", {"UserName": "ana", "Tags": [{"Key": key, "Value": key}]})


def test_only_plain_letters_in_names():
    assert "userName is invalid" in message("iam", "CreateUser", UserName="Zoë")


def test_secrets_are_not_repeated():
    text = message("iam", "ChangePassword", OldPassword="x" * 129, NewPassword="y")
    assert "at 'oldPassword'" in text and "xxx" not in text


def test_numbers_come_as_text():
    parameters.check("sts", "GetSessionToken", {"DurationSeconds": "900"})
    text = message("sts", "GetSessionToken", DurationSeconds="soon")
    assert "Value 'soon' at 'durationSeconds'" in text
