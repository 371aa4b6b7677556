"""Conditions: iam_evaluation.md §8, every operator family and every modifier."""

from datetime import datetime, timedelta, timezone

import pytest

from iamlab.policy import Policies, Request, evaluate
from iamlab.policy.conditions import Condition, plain, read_date, read_network, read_number

KEY = "k:Key"


def holds(operator, values, actual=None, **more):
    """Test one condition on the key `k:Key` of a request."""
    values = (values,) if isinstance(values, str) else tuple(values)
    context = {key.lower(): plain(key, value) for key, value in {KEY: actual, **more}.items()}
    context = {key: value for key, value in context.items() if value is not None}
    return Condition(operator, KEY, values, variables=True).test(context)


@pytest.mark.parametrize(
    ("operator", "values", "actual", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", "a*", "a*", True),
        ("StringEquals", "", "", True),
        ("StringEquals", "5", 5, True),
        ("StringEquals", "true", True, True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringEqualsIgnoreCase", "STRASSE", "strasse", True),
        ("StringEqualsIgnoreCase", "a*", "AB", False),
        ("StringNotEqualsIgnoreCase", "A", "a", False),
        ("StringLike", "a*", "abc", True),
        ("StringLike", "b", "abc", False),
        ("StringLike", "A*", "abc", False),
        ("StringLike", "a?c", "abc", True),
        ("StringNotLike", "a*", "abc", False),
        ("stringlike", "a*", "abc", True),  # operators in other capitals are understood [I]
        ("NumericEquals", "10", "10.0", True),
        ("NumericEquals", "10", 10, True),
        ("NumericNotEquals", "10", 11, True),
        ("NumericLessThan", "10", 9.5, True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "9", "10", True),  # as numbers, not as text
        ("NumericGreaterThanEquals", "-1", "-1", True),
        ("NumericEquals", "9007199254740993", "9007199254740992", False),
        ("NumericEquals", "1", "one", False),
        ("NumericEquals", "one", "1", False),
        ("NumericNotEquals", "1", "one", True),  # unparsable: no match, so negated true [I]
        ("DateLessThan", "2026-11-24T10:00:00Z", "2026-11-24T09:00:00Z", True),
        ("DateLessThan", "2026-11-24T10:00:00Z", "2026-11-24T10:30:00+01:00", True),
        ("DateGreaterThan", "2026-11-24", "2026-11-24T00:00:01Z", True),
        ("DateEquals", "2026-11-24T00:00:00Z", "1795478400", True),
        ("DateNotEquals", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z", True),
        ("DateGreaterThanEquals", "2026-11-24T00:00:00.5Z", "2026-11-24T00:00:00.50Z", True),
        ("DateLessThanEquals", "yesterday", "2026-11-24T00:00:00Z", False),
        ("Bool", "true", "true", True),
        ("Bool", "true", True, True),
        ("Bool", "TRUE", "True", True),
        ("Bool", "false", "true", False),
        ("Bool", "true", "yes", False),
        ("Bool", "false", "no", False),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
        ("BinaryEquals", "QmluYXJ5", b"Binary", True),
        ("BinaryEquals", "QmluYXJ5", "qmluYXJ5", False),
        ("IpAddress", "10.0.0.0/8", "10.200.0.1", True),
        ("IpAddress", "10.0.0.0/8", "11.0.0.1", False),
        ("IpAddress", "203.0.113.7", "203.0.113.7", True),
        ("IpAddress", "203.0.113.7", "203.0.113.8", False),
        ("IpAddress", ["10.0.0.0/8", "2001:db8::/32"], "2001:db8:0:0::1", True),
        ("IpAddress", "2001:db8::1", "2001:0DB8:0:0:0:0:0:1", True),
        ("IpAddress", "::/0", "10.0.0.1", False),  # families never match each other [I]
        ("NotIpAddress", "0.0.0.0/0", "2001:db8::1", True),
        ("IpAddress", "10.0.0.7/8", "10.9.9.9", True),
        ("NotIpAddress", "10.0.0.0/8", "10.0.0.1", False),
        ("IpAddress", "10.0.0.0/40", "10.0.0.1", False),
        ("ArnEquals", "arn:aws:s3:::rep*", "arn:aws:s3:::reports", True),
        ("ArnLike", "arn:aws:iam::*:role/a?", "arn:aws:iam::111122223333:role/ab", True),
        ("ArnLike", "arn:aws:iam::*:role/A", "arn:aws:iam::111122223333:role/a", False),
        ("ArnLike", "arn:aws:*:role/a", "arn:aws:iam::111122223333:role/a", False),
        ("ArnLike", "arn:aws:s*:::x", "arn:aws:sns:eu-west-1:1:x", False),
        ("ArnNotEquals", "arn:aws:s3:::a", "arn:aws:s3:::b", True),
        ("ArnNotLike", "arn:aws:s3:::*", "reports", True),  # malformed: no match, negated true [I]
        ("ArnLike", "arn:aws:s3:::*", "reports", False),
    ],
)
def test_operators(operator, values, actual, expected):
    assert holds(operator, values, actual) is expected


@pytest.mark.parametrize(
    ("operator", "values", "actual", "expected"),
    [
        # A missing key: positive false, negated true, IfExists true, Null tests it [D].
        ("StringEquals", "a", None, False),
        ("StringNotEquals", "a", None, True),
        ("StringLike", "*", None, False),
        ("StringNotLike", "*", None, True),
        ("NumericNotEquals", "1", None, True),
        ("DateNotEquals", "2026", None, True),
        ("NotIpAddress", "10.0.0.0/8", None, True),
        ("ArnNotLike", "arn:aws:s3:::*", None, True),
        ("IpAddress", "0.0.0.0/0", None, False),
        ("Bool", "false", None, False),
        ("BoolIfExists", "false", None, True),
        ("BoolIfExists", "false", "true", False),
        ("StringEqualsIfExists", "a", None, True),
        ("StringEqualsIfExists", "a", "b", False),
        ("StringNotEqualsIfExists", "a", None, True),
        ("NumericLessThanIfExists", "5", None, True),
        ("Null", "true", None, True),
        ("Null", "true", "x", False),
        ("Null", "false", "x", True),
        ("Null", "false", None, False),
        ("Null", "true", "", True),
        ("Null", "true", [], True),
        ("Null", "FALSE", "x", True),
        # Set operators [D]; negated ones in the newer page's reading [D new].
        ("ForAllValues:StringEquals", ["a", "b"], ["a"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
        ("ForAllValues:StringEquals", "a", None, True),
        ("ForAllValues:StringEquals", "a", [], True),
        ("ForAllValues:StringEquals", "a", "", True),
        ("ForAllValues:StringEquals", "a", "a", True),
        ("ForAnyValue:StringEquals", ["a", "b"], ["c", "b"], True),
        ("ForAnyValue:StringEquals", "a", ["c"], False),
        ("ForAnyValue:StringEquals", "a", None, False),
        ("ForAnyValue:StringEquals", "a", [], False),
        ("ForAnyValue:StringEqualsIfExists", "a", None, True),  # [I]
        ("ForAllValues:StringNotEquals", ["a", "b"], ["c", "d"], True),
        ("ForAllValues:StringNotEquals", ["a", "b"], ["c", "a"], False),
        ("ForAnyValue:StringNotEquals", ["a", "b"], ["a", "c"], True),
        ("ForAnyValue:StringNotEquals", ["a", "b"], ["a", "b"], False),
        ("ForAnyValue:StringNotEquals", "a", None, False),
        ("ForAllValues:StringLike", "team-*", ["team-a", "team-b"], True),
        ("ForAnyValue:NumericLessThan", "5", [9, 4], True),
        ("forallvalues:StringLike", "a*", ["ab"], True),
        # A plain operator on many values: not defined by AWS; any may match [I].
        ("StringEquals", "a", ["b", "a"], True),
        ("StringNotEquals", "a", ["b", "a"], False),
    ],
)
def test_missing_keys_and_sets(operator, values, actual, expected):
    assert holds(operator, values, actual) is expected


@pytest.mark.parametrize(
    ("operator", "value", "actual", "expected"),
    [
        ("StringEquals", "${aws:username}", "mia", True),
        ("StringEquals", "${aws:none}", "mia", False),
        ("StringNotEquals", "${aws:none}", "mia", True),
        ("StringLike", "${aws:username}-*", "mia-1", True),
        ("StringLike", "a${*}", "ab", False),
        ("StringEqualsIgnoreCase", "${aws:username}", "MIA", True),
        ("StringEqualsIgnoreCase", "${aws:none}", "MIA", False),
        (
            "ArnLike",
            "arn:aws:iam::${aws:account}:user/${aws:username}",
            "arn:aws:iam::1:user/mia",
            1,
        ),
        ("ArnNotLike", "arn:aws:iam::1:user/${aws:none}", "arn:aws:iam::1:user/mia", True),
        ("Bool", "${aws:flag}", "true", True),  # AWS's pages differ here
        ("NumericEquals", "${aws:number}", "5", False),  # no variables in numbers [D]
    ],
)
def test_variables_in_values(operator, value, actual, expected):
    """§8: a variable without value: positive operators no match, negated match [D]."""
    more = {"aws:username": "mia", "aws:account": "1", "aws:flag": "true", "aws:number": "5"}
    assert holds(operator, value, actual, **more) is bool(expected)


@pytest.mark.parametrize(
    "operator", ["StringMatches", "NullIfExists", "ForAllValues:Null", "ForSome:StringEquals", ""]
)
def test_an_operator_that_aws_has_not_never_matches_and_says_why(operator):
    condition = Condition(operator, KEY, ("a",), True)
    assert condition.test({"k:key": "a"}) is False
    assert "no condition operator" in condition.problem_with({})


@pytest.mark.parametrize(
    ("operator", "value", "actual"),
    [
        ("DateLessThan", "tomorrow", "2026-11-24T00:00:00Z"),
        ("DateLessThan", "2026-02-30", "2026-11-24T00:00:00Z"),
        ("DateLessThan", "2026-11-24T00:00:00Z", "soon"),
        ("IpAddress", "10.0.0.0/99", "10.0.0.1"),
        ("NotIpAddress", "10.0.0.0/8", "my-laptop"),
        ("NumericEquals", "5", "five"),
        ("Bool", "maybe", "true"),
        ("Bool", "true", "yes"),
        ("BinaryEquals", "?", "QQ=="),
        ("ArnLike", "reports", "arn:aws:s3:::reports"),
        ("ArnLike", "arn:aws:s3:::reports", "reports"),
    ],
)
def test_values_that_cannot_be_read_are_reported(operator, value, actual):
    """Issue 2: a statement it could not evaluate is reported as such, never skipped in silence."""
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = {"Statement": [{**statement, "Condition": {operator: {KEY: value}}}]}
    request = Request("arn:aws:iam::111122223333:user/mia", "s3:GetObject", "*", {KEY: actual})
    decision = evaluate(request, Policies(identity=[document]))
    bad = value if Condition(operator, KEY, (value,), True).problem else actual
    assert any(f"`{bad}`" in warning for warning in decision.warnings)
    failure = decision.steps[3].statements[0].failure
    assert (failure is None) is operator.startswith("Not")
    if failure:
        assert f"`{bad}`" in failure.problem
        assert (failure.operator, failure.key, failure.actual) == (operator, KEY, actual)


@pytest.mark.parametrize(
    ("text", "number"),
    [("10", 10), ("-0.5", -0.5), (".5", 0.5), ("1e3", 1000.0), ("1_000", None), ("nan", None)],
)
def test_numbers(text, number):
    assert read_number(text) == number


@pytest.mark.parametrize("text", ["", "0x10", "9" * 5000, "\u0661", "1,5", "+-1", "1e9999"])
def test_what_is_no_number(text):
    assert read_number(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970", 0),
        ("1970-02", 31 * 86400),
        ("1970-01-02T00:00Z", 86400),
        ("1970-01-01T00:00:00-01:30", 5400),
        ("1970-01-01T00:00:00", 0),
        ("0001-01-01T00:00:00+14:00", -62135647200),
        ("1970-13-01", None),
        ("1970-01-01T25:00:00Z", None),
        ("1970-01-01T00:00:00+99:00", None),
        ("", None),
    ],
)
def test_dates(text, seconds):
    assert read_date(text) == seconds


@pytest.mark.parametrize("text", ["10.0.0.0/255.0.0.0", "fe80::1%eth0", "10", "", "10.0.0/8", "/8"])
def test_what_is_no_network(text):
    assert read_network(text) is None


def test_context_values_may_be_python_values():
    moment = datetime(2026, 11, 24, 9, 0, tzinfo=timezone(timedelta(hours=1)))
    assert plain("k", moment) == "2026-11-24T09:00:00+01:00"
    assert plain("k", datetime(2026, 11, 24, 9)) == "2026-11-24T09:00:00Z"
    assert plain("k", {"b", "a"}) == ("a", "b")
    assert plain("k", [True, 5, 0.5, None]) == ("true", "5", "0.5")
    assert plain("k", []) is None
    for bad in ({}, object(), [[1]], [{}]):
        with pytest.raises(ValueError, match="context value of 'k'"):
            plain("k", bad)
