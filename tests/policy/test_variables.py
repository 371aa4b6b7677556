"""Policy variables: iam_evaluation.md §7 and the end of §8."""

import pytest

from iamlab.policy import Policies, Request, evaluate
from iamlab.policy.matching import wildcard
from iamlab.policy.variables import Template, split_arn


@pytest.mark.parametrize(
    ("pattern", "context", "text"),
    [
        ("${aws:username}", {"aws:username": "mia"}, "mia"),
        ("${AWS:UserName}/x", {"aws:username": "mia"}, "mia/x"),
        ("${aws:PrincipalTag/Team}", {"aws:principaltag/team": "maps"}, "maps"),
        ("${aws:username}", {}, None),
        ("${aws:username, 'nobody'}", {}, "nobody"),
        ("${aws:username,'it's'}", {}, "it's"),
        ("${aws:username, 'nobody'}", {"aws:username": "mia"}, "mia"),
        ("${aws:TagKeys}", {"aws:tagkeys": ("one",)}, None),
        ("${*}${?}${$}", {}, "*?$"),
        ("${unclosed", {}, "${unclosed"),
        ("$5", {}, "$5"),
        ("${$}{aws:username}", {"aws:username": "mia"}, "${aws:username}"),
    ],
)
def test_filling_in(pattern, context, text):
    assert Template(pattern).text(context) == text


@pytest.mark.parametrize(
    ("pattern", "value", "asked", "matches"),
    [
        ("home/${k}/*", "mia", "home/mia/a", True),
        ("home/${k}/*", "*", "home/mia/a", False),
        ("home/${k}/*", "*", "home/*/a", True),
        ("home/${k}/?", "m?a", "home/mia/a", False),
        ("home/${k}/?", "m?a", "home/m?a/a", True),
        ("home/${k}", "mia", "home/mia", True),
        ("*/${k}", "mia", "home/mia", True),
        ("${k}-${k}*", "a", "a-ab", True),
        ("home/${k}*end", "mia", "home/mia-the-end", True),
        ("a${*}b", "", "axb", False),
        ("a${*}b", "", "a*b", True),
        ("a${?}b", "", "axb", False),
    ],
)
def test_a_value_is_literal_text(pattern, value, asked, matches):
    """§8: wildcards inside a substituted value are not wildcards [I]."""
    assert wildcard(pattern, variables=True)(asked, {"k": value}) is matches


def test_a_colon_in_a_variable_does_not_cut_an_arn():
    assert split_arn("arn:aws:iam::${aws:PrincipalAccount}:role/a:b")[4:] == [
        "${aws:PrincipalAccount}",
        "role/a:b",
    ]


def _decide(resource, version="2012-10-17", **context):
    document = {
        "Version": version,
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", **resource}],
    }
    asked = Request(
        "arn:aws:iam::111122223333:user/mia",
        "s3:GetObject",
        "arn:aws:s3:::b/mia/x",
        {"aws:username": "mia"} if not context else context["context"],
    )
    return evaluate(asked, Policies(identity=[document]))


MINE = {"Resource": "arn:aws:s3:::b/${aws:username}/*"}


def test_only_the_new_version_has_variables():
    """§7: with 2008-10-17, or no version, `${...}` is literal text [D]."""
    assert _decide(MINE).allowed
    old = _decide(MINE, version="2008-10-17")
    assert not old.allowed
    assert "has no variables" in old.steps[3].statements[0].failure.sentence


def test_a_variable_without_value_matches_nothing_even_in_not_resource():
    """§7: for NotResource with an unresolved variable the statement matches nothing [D]."""
    assert not _decide(MINE, context={}).allowed
    other = {"NotResource": "arn:aws:s3:::b/${aws:username}/secret"}
    assert _decide(other).allowed
    silent = _decide(other, context={})
    assert not silent.allowed
    assert "no value for `${aws:username}`" in silent.steps[3].statements[0].failure.sentence


def test_a_variable_before_the_fifth_colon_is_reported():
    """§8: variables are allowed in Resource after the fifth colon [D]."""
    early = _decide({"Resource": "arn:aws:s3:${aws:username}::b/*"})
    assert not early.allowed
    assert "fifth colon" in early.steps[3].statements[0].failure.problem
    assert any("fifth colon" in warning for warning in early.warnings)
