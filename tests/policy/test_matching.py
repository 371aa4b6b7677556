"""Wildcards and resources: iam_evaluation.md §7."""

import fnmatch
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamlab.policy.conditions import Condition
from iamlab.policy.matching import resource, wildcard


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("*", "", True),
        ("*", "anything/at:all", True),
        ("", "", True),
        ("a", "a", True),
        ("a", "A", False),
        ("a*", "abc", True),
        ("*c", "abc", True),
        ("a*c", "ac", True),
        ("a*c", "a", False),
        ("ab*ba", "aba", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("?", "", False),
        ("?*", "x", True),
        ("*?b*c?", "aabxcd", True),
        ("a**b", "ab", True),
        ("a.c", "abc", False),
        ("a?c", "a\nc", True),
        ("[ab]", "a", False),
    ],
)
def test_wildcards(pattern, text, matches):
    assert wildcard(pattern)(text) is matches


@given(st.text("ab*?", max_size=8), st.text("ab\n", max_size=10))
def test_wildcards_agree_with_the_standard_library(pattern, text):
    assert wildcard(pattern)(text) is bool(re.match(fnmatch.translate(pattern), text))


REPORTS = "arn:aws:s3:::reports"


@pytest.mark.parametrize(
    ("pattern", "asked", "matches"),
    [
        ("*", "*", True),
        ("*", REPORTS, True),
        (REPORTS, REPORTS, True),
        (REPORTS, f"{REPORTS}/q3.csv", False),
        (f"{REPORTS}/*", f"{REPORTS}/2026/q3.csv", True),
        (f"{REPORTS}/*", REPORTS, False),
        ("arn:aws:s3:::Reports", REPORTS, False),
        ("arn:aws:s3:::*", "*", False),
        ("arn:aws:iam::*:user/mia", "arn:aws:iam::111122223333:user/mia", True),
        ("arn:aws:sqs:*:111122223333:jobs", "arn:aws:sqs:eu-west-1:444455556666:jobs", False),
        # A star in one of the first five parts stays in its part [I].
        ("arn:aws:sqs:*:jobs", "arn:aws:sqs:eu-west-1:111122223333:jobs", False),
        ("arn:aws:*:::reports", "arn:aws:sqs:eu-west-1:1:reports", False),
        ("arn:aws:sqs:e*:1:jobs", "arn:aws:sqs:eu-west-1:1:jobs", True),
        # A star at the end of a short ARN spans the rest [I].
        ("arn:aws:ec2:*", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", True),
        ("arn:aws:lambda:*:*:function:f*", "arn:aws:lambda:eu-west-1:1:function:f:7", True),
        ("arn:aws:s3:::reports/?.csv", "arn:aws:s3:::reports/7.csv", True),
        ("arn:aws:s3", "arn:aws:s3:::reports", False),
    ],
)
def test_resources(pattern, asked, matches):
    assert bool(resource(pattern, True)(asked, {})) is matches


@pytest.mark.parametrize(
    "pattern",
    ["a*" * 1000 + "b", "*a" * 1000, "?*" * 1000, "*?a" * 1000 + "c", "a?" * 5000 + "*b"],
)
def test_a_thousand_stars_are_answered_at_once(pattern):
    """Issue 2: no exponential backtracking. Generous: it takes milliseconds, or for ever."""
    start = time.process_time()
    wildcard(pattern)("a" * 20_000)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("text", ["$:", "${", "${a:b}", "*?", "${a,'", "a:", "${*}"])
def test_a_megabyte_is_compiled_at_once(text):
    start = time.process_time()
    long = text * (1_000_000 // len(text))
    condition = Condition("ArnLike", "k", (f"arn:aws:s3:::{long}",), True)
    condition.test({"k": "arn:aws:s3:::x", "a:b": "y"})
    resource(f"arn:aws:s3:::{long}", True)("arn:aws:s3:::x", {"a:b": "y"})
    assert time.process_time() - start < 10  # a second on a quiet machine; for ever if quadratic
