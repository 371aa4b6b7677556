"""iam_evaluation §8: conditions, judged on real calls.

A user's tag is the key ``aws:PrincipalTag/…``, so every operator can be tried on a value of one's
own choice; what a tag cannot hold comes from the call itself.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.account.helpers import ACCOUNT, IAM, Doc, World, allow, deny, outcome, read

T = "aws:PrincipalTag/"
N = "${aws:PrincipalTag/n}"
# (rule, condition, the user's tags, does it match)
ROWS: list[tuple[str, Doc, dict[str, str], bool]] = [
    # AND over operators, AND over keys, OR over values [D new]
    ("two values: any", {"StringEquals": {T + "a": ["x", "y"]}}, {"a": "y"}, True),
    ("two keys: all", {"StringEquals": {T + "a": "x", T + "b": "y"}}, {"a": "x", "b": "y"}, True),
    ("two keys: one missing", {"StringEquals": {T + "a": "x", T + "b": "y"}}, {"a": "x"}, False),
    (
        "two operators: all",
        {"StringEquals": {T + "a": "x"}, "NumericEquals": {T + "n": "1"}},
        {"a": "x", "n": "1"},
        True,
    ),
    (
        "two operators: one fails",
        {"StringEquals": {T + "a": "x"}, "NumericEquals": {T + "n": "1"}},
        {"a": "x", "n": "2"},
        False,
    ),
    ("negated, two values: NOR", {"StringNotEquals": {T + "a": ["x", "y"]}}, {"a": "y"}, False),
    ("negated, two values, neither", {"StringNotEquals": {T + "a": ["x", "y"]}}, {"a": "z"}, True),
    # Key names ignore case, also after the slash [D]
    ("key in capitals", {"StringEquals": {"AWS:PRINCIPALTAG/A": "x"}}, {"a": "x"}, True),
    ("key in small letters", {"StringEquals": {"aws:principaltag/team": "x"}}, {"Team": "x"}, True),
    # Missing key [D]
    ("missing, positive", {"StringEquals": {T + "a": "x"}}, {}, False),
    ("missing, negated", {"StringNotEquals": {T + "a": "x"}}, {}, True),
    ("missing, IfExists", {"StringEqualsIfExists": {T + "a": "x"}}, {}, True),
    ("present, IfExists, no match", {"StringEqualsIfExists": {T + "a": "x"}}, {"a": "y"}, False),
    ("missing, negated IfExists", {"StringNotEqualsIfExists": {T + "a": "x"}}, {}, True),
    ("missing, StringLike", {"StringLike": {T + "a": "*"}}, {}, False),
    ("missing, StringNotLike", {"StringNotLike": {T + "a": "x*"}}, {}, True),
    ("missing, Numeric", {"NumericLessThan": {T + "a": "5"}}, {}, False),
    ("missing, NumericNotEquals", {"NumericNotEquals": {T + "a": "5"}}, {}, True),
    ("missing, Date", {"DateLessThan": {T + "a": "2030-01-01T00:00:00Z"}}, {}, False),
    ("missing, Bool", {"Bool": {T + "a": "false"}}, {}, False),
    ("missing, BoolIfExists", {"BoolIfExists": {T + "a": "true"}}, {}, True),
    ("missing, IpAddress", {"IpAddress": {T + "a": "0.0.0.0/0"}}, {}, False),
    ("missing, NotIpAddress", {"NotIpAddress": {T + "a": "0.0.0.0/0"}}, {}, True),
    ("missing, ArnLike", {"ArnLike": {T + "a": "arn:*:*:*:*:*"}}, {}, False),
    ("missing, ArnNotLike", {"ArnNotLike": {T + "a": "arn:*:*:*:*:*"}}, {}, True),
    # Null [D]
    ("Null true, absent", {"Null": {T + "a": "true"}}, {}, True),
    ("Null true, present", {"Null": {T + "a": "true"}}, {"a": "x"}, False),
    ("Null false, absent", {"Null": {T + "a": "false"}}, {}, False),
    ("Null false, present", {"Null": {T + "a": "false"}}, {"a": "x"}, True),
    ("Null false, empty", {"Null": {T + "a": "false"}}, {"a": ""}, False),
    # StringEquals/NotEquals: exact [D]
    ("StringEquals", {"StringEquals": {T + "a": "Maps"}}, {"a": "Maps"}, True),
    ("StringEquals, case", {"StringEquals": {T + "a": "maps"}}, {"a": "Maps"}, False),
    ("StringEquals, no wildcards", {"StringEquals": {T + "a": "M*"}}, {"a": "Maps"}, False),
    ("StringNotEquals, case", {"StringNotEquals": {T + "a": "maps"}}, {"a": "Maps"}, True),
    ("StringEquals, variable", {"StringEquals": {T + "a": "${aws:username}"}}, {"a": "ana"}, True),
    # ...IgnoreCase [D]
    ("IgnoreCase", {"StringEqualsIgnoreCase": {T + "a": "mAPS"}}, {"a": "Maps"}, True),
    ("IgnoreCase, no wildcards", {"StringEqualsIgnoreCase": {T + "a": "m*"}}, {"a": "Maps"}, False),
    ("NotEqualsIgnoreCase", {"StringNotEqualsIgnoreCase": {T + "a": "mAPS"}}, {"a": "Maps"}, False),
    # StringLike/NotLike [D]
    ("StringLike, *", {"StringLike": {T + "a": "M*s"}}, {"a": "Maps"}, True),
    ("StringLike, ?", {"StringLike": {T + "a": "Map?"}}, {"a": "Maps"}, True),
    ("StringLike, ? for nothing", {"StringLike": {T + "a": "Maps?"}}, {"a": "Maps"}, False),
    ("StringLike, across slashes", {"StringLike": {T + "a": "a*d"}}, {"a": "a/b:c/d"}, True),
    ("StringLike, part", {"StringLike": {T + "a": "Map"}}, {"a": "Maps"}, False),
    ("StringLike, case", {"StringLike": {T + "a": "m*"}}, {"a": "Maps"}, False),
    ("StringNotLike", {"StringNotLike": {T + "a": "M*"}}, {"a": "Maps"}, False),
    ("StringNotLike, case", {"StringNotLike": {T + "a": "m*"}}, {"a": "Maps"}, True),
    # Numeric [D; unparsable: I]
    ("NumericEquals", {"NumericEquals": {T + "n": "5"}}, {"n": "5"}, True),
    ("NumericEquals, decimals", {"NumericEquals": {T + "n": "5.0"}}, {"n": "5"}, True),
    ("NumericEquals, a JSON number", {"NumericEquals": {T + "n": 5}}, {"n": "5"}, True),
    ("NumericNotEquals", {"NumericNotEquals": {T + "n": "5"}}, {"n": "5"}, False),
    ("NumericLessThan", {"NumericLessThan": {T + "n": "10"}}, {"n": "9"}, True),
    ("NumericLessThan, equal", {"NumericLessThan": {T + "n": "9"}}, {"n": "9"}, False),
    ("NumericLessThanEquals", {"NumericLessThanEquals": {T + "n": "9"}}, {"n": "9"}, True),
    ("NumericGreaterThan", {"NumericGreaterThan": {T + "n": "9.5"}}, {"n": "10"}, True),
    ("NumericGreaterThanEquals", {"NumericGreaterThanEquals": {T + "n": "10"}}, {"n": "10"}, True),
    ("Numeric, unparsable [I]", {"NumericLessThan": {T + "n": "10"}}, {"n": "five"}, False),
    ("Numeric, negative", {"NumericLessThan": {T + "n": "0"}}, {"n": "-1"}, True),
    # Date [D; instants: I]
    (
        "DateEquals",
        {"DateEquals": {T + "d": "2026-01-02T03:04:05Z"}},
        {"d": "2026-01-02T03:04:05Z"},
        True,
    ),
    (
        "DateEquals, other zone",
        {"DateEquals": {T + "d": "2026-01-02T03:04:05Z"}},
        {"d": "2026-01-02T04:04:05+01:00"},
        True,
    ),
    (
        "DateEquals, epoch",
        {"DateEquals": {T + "d": "2001-09-09T01:46:40Z"}},
        {"d": "1000000000"},
        True,
    ),
    (
        "DateNotEquals",
        {"DateNotEquals": {T + "d": "2026-01-02T03:04:05Z"}},
        {"d": "2026-01-02T03:04:06Z"},
        True,
    ),
    (
        "DateLessThan",
        {"DateLessThan": {T + "d": "2026-01-02T00:00:00Z"}},
        {"d": "2026-01-01T23:59:59Z"},
        True,
    ),
    (
        "DateLessThanEquals",
        {"DateLessThanEquals": {T + "d": "2026-01-02"}},
        {"d": "2026-01-02T00:00:00Z"},
        True,
    ),
    (
        "DateGreaterThan",
        {"DateGreaterThan": {T + "d": "2026-01-02"}},
        {"d": "2026-01-02T00:00:00Z"},
        False,
    ),
    (
        "DateGreaterThanEquals",
        {"DateGreaterThanEquals": {T + "d": "2026-01-02"}},
        {"d": "2026-01-02T00:00:00Z"},
        True,
    ),
    ("Date, no date", {"DateLessThan": {T + "d": "2030-01-01"}}, {"d": "soon"}, False),
    # Bool [D; case and other texts: I]
    ("Bool, true", {"Bool": {T + "b": "true"}}, {"b": "true"}, True),
    ("Bool, false", {"Bool": {T + "b": "false"}}, {"b": "true"}, False),
    ("Bool, JSON boolean", {"Bool": {T + "b": True}}, {"b": "true"}, True),
    ("Bool, case [I]", {"Bool": {T + "b": "TRUE"}}, {"b": "true"}, True),
    ("Bool, no boolean [I]", {"Bool": {T + "b": "true"}}, {"b": "yes"}, False),
    # BinaryEquals [D]
    ("BinaryEquals", {"BinaryEquals": {T + "b": "QmluYXJ5"}}, {"b": "QmluYXJ5"}, True),
    ("BinaryEquals, other", {"BinaryEquals": {T + "b": "QmluYXJ5"}}, {"b": "QmluYXJ6"}, False),
    # IpAddress/NotIpAddress [D; /128 and families: I]
    ("IpAddress", {"IpAddress": {T + "i": "198.51.100.0/24"}}, {"i": "198.51.100.7"}, True),
    (
        "IpAddress, outside",
        {"IpAddress": {T + "i": "198.51.100.0/24"}},
        {"i": "198.51.101.7"},
        False,
    ),
    (
        "IpAddress, bare is /32",
        {"IpAddress": {T + "i": "198.51.100.7"}},
        {"i": "198.51.100.7"},
        True,
    ),
    (
        "IpAddress, bare, other",
        {"IpAddress": {T + "i": "198.51.100.7"}},
        {"i": "198.51.100.8"},
        False,
    ),
    ("IpAddress, v6", {"IpAddress": {T + "i": "2001:db8::/32"}}, {"i": "2001:db8:1::7"}, True),
    (
        "IpAddress, v6 bare is /128 [I]",
        {"IpAddress": {T + "i": "2001:db8::7"}},
        {"i": "2001:DB8:0::7"},
        True,
    ),
    ("IpAddress, families [I]", {"IpAddress": {T + "i": "0.0.0.0/0"}}, {"i": "2001:db8::7"}, False),
    (
        "NotIpAddress, families [I]",
        {"NotIpAddress": {T + "i": "0.0.0.0/0"}},
        {"i": "2001:db8::7"},
        True,
    ),
    (
        "NotIpAddress",
        {"NotIpAddress": {T + "i": ["198.51.100.0/24", "192.0.2.0/24"]}},
        {"i": "192.0.2.1"},
        False,
    ),
    # Arn* [D; malformed: I]
    (
        "ArnEquals",
        {"ArnEquals": {T + "r": "arn:aws:sns:us-east-1:1:t"}},
        {"r": "arn:aws:sns:us-east-1:1:t"},
        True,
    ),
    (
        "ArnEquals is ArnLike",
        {"ArnEquals": {T + "r": "arn:aws:sns:*:1:t*"}},
        {"r": "arn:aws:sns:us-east-1:1:t9"},
        True,
    ),
    (
        "ArnLike, ?",
        {"ArnLike": {T + "r": "arn:aws:sns:*:1:t?"}},
        {"r": "arn:aws:sns:us-east-1:1:t9"},
        True,
    ),
    (
        "ArnLike, star stays in its part",
        {"ArnLike": {T + "r": "arn:aws:sns:*:t"}},
        {"r": "arn:aws:sns:us-east-1:1:t"},
        False,
    ),
    (
        "ArnLike, case",
        {"ArnLike": {T + "r": "arn:aws:sns:*:1:T"}},
        {"r": "arn:aws:sns:us-east-1:1:t"},
        False,
    ),
    (
        "ArnNotEquals",
        {"ArnNotEquals": {T + "r": "arn:aws:sns:*:1:t"}},
        {"r": "arn:aws:sns:us-east-1:1:t"},
        False,
    ),
    (
        "ArnNotLike",
        {"ArnNotLike": {T + "r": "arn:aws:sqs:*:1:t"}},
        {"r": "arn:aws:sns:us-east-1:1:t"},
        True,
    ),
    ("ArnLike, malformed [I]", {"ArnLike": {T + "r": "arn:*:*:*:*:*"}}, {"r": "sns"}, False),
    ("ArnNotLike, malformed [I]", {"ArnNotLike": {T + "r": "arn:*:*:*:*:*"}}, {"r": "sns"}, True),
    # Variables [D but the last]
    (
        "variable without value, positive",
        {"StringEquals": {T + "a": "${" + T + "none}"}},
        {"a": "x"},
        False,
    ),
    (
        "variable without value, negated",
        {"StringNotEquals": {T + "a": "${" + T + "none}"}},
        {"a": "x"},
        True,
    ),
    (
        "variable with a default",
        {"StringEquals": {T + "a": "${" + T + "none, 'x'}"}},
        {"a": "x"},
        True,
    ),
    (
        "default not used",
        {"StringEquals": {T + "a": "${" + T + "b, 'x'}"}},
        {"a": "x", "b": "y"},
        False,
    ),
    (
        "variable in ArnLike",
        {"ArnLike": {T + "r": "arn:aws:sns:*:1:${aws:username}"}},
        {"r": "arn:aws:sns:x:1:ana"},
        True,
    ),
    ("${*} is a star", {"StringLike": {T + "a": "x${*}"}}, {"a": "xyz"}, False),
    ("${?} is a question mark", {"StringLike": {T + "a": "x${?}"}}, {"a": "xy"}, False),
    ("${$} is a dollar", {"StringLike": {T + "a": "x${$}"}}, {"a": "x"}, False),
    (
        "a multivalued key is no variable",
        {"StringEquals": {T + "a": "${aws:TagKeys}"}},
        {"a": "x"},
        False,
    ),
    ("no variables in Numeric", {"NumericEquals": {T + "a": N}}, {"a": "5", "n": "5"}, False),
    ("no variables in Null", {"Null": {T + "a": "${" + T + "n}"}}, {"n": "true"}, False),
    ("no wildcards in Numeric", {"NumericEquals": {T + "a": "*"}}, {"a": "5"}, False),
    ("no wildcards in IpAddress", {"IpAddress": {T + "a": "10.0.0.*"}}, {"a": "10.0.0.1"}, False),
    # Sets on a key that is missing [D]
    ("ForAllValues, missing", {"ForAllValues:StringEquals": {T + "a": "x"}}, {}, True),
    ("ForAnyValue, missing", {"ForAnyValue:StringEquals": {T + "a": "x"}}, {}, False),
    ("ForAllValues, empty text", {"ForAllValues:StringEquals": {T + "a": "x"}}, {"a": ""}, True),
    (
        "ForAnyValue IfExists, missing [I]",
        {"ForAnyValue:StringEqualsIfExists": {T + "a": "x"}},
        {},
        True,
    ),
]


@pytest.mark.parametrize(
    ("rule", "condition", "tags", "matches"), ROWS, ids=[row[0] for row in ROWS]
)
def test_conditions(
    world: World, rule: str, condition: Doc, tags: dict[str, str], matches: bool
) -> None:
    """§8, row by row."""
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    ana = world.user("ana", allow("s3:*", Condition=condition), Tags=listed)
    answer = outcome(ana.client("s3").list_buckets)
    assert answer == ("allowed" if matches else "denied")


def test_deny_with_if_exists_and_the_key_missing(world: World) -> None:
    """§8, third bullet [D]."""
    ban = deny("s3:*", Condition={"StringNotEqualsIfExists": {T + "team": "maps"}})
    ana = world.user("ana", allow("*"), ban).client("s3")
    assert outcome(ana.list_buckets) == "denied"
    assert world.lab.why().effect == "explicitDeny"


# --- Sets: aws:TagKeys of a call that tags ------------------------------------------------------

SETS: list[tuple[str, list[str], list[str], bool]] = [
    # operator, values of the policy, keys of the request, match
    ("ForAllValues:StringEquals", ["a", "b"], ["a"], True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
    ("ForAllValues:StringEquals", ["a"], [], True),
    ("ForAllValues:StringLike", ["a*"], ["ab", "ac"], True),
    ("ForAllValues:StringLike", ["a*"], ["ab", "ca"], False),
    ("ForAnyValue:StringEquals", ["a", "b"], ["a", "c"], True),
    ("ForAnyValue:StringEquals", ["a", "b"], ["c", "d"], False),
    ("ForAnyValue:StringEquals", ["a"], [], False),
    ("ForAnyValue:StringLike", ["a*"], ["x", "ab"], True),
    # Negated [D new]: All = no value matches any; Any = some value matches none
    ("ForAllValues:StringNotEquals", ["a", "b"], ["c", "d"], True),
    ("ForAllValues:StringNotEquals", ["a", "b"], ["c", "a"], False),
    ("ForAllValues:StringNotLike", ["a*"], ["b", "ab"], False),
    ("ForAnyValue:StringNotEquals", ["a", "b"], ["a", "c"], True),
    ("ForAnyValue:StringNotEquals", ["a", "b"], ["a", "b"], False),
    ("ForAnyValue:StringNotLike", ["a*"], ["ab", "b"], True),
    ("ForAnyValue:StringNotEquals", ["a"], [], False),
    # A plain operator on a set: any value may match [I]
    ("StringEquals", ["a"], ["b", "a"], True),
    ("StringEquals", ["a"], ["b"], False),
]


@pytest.mark.parametrize(("operator", "values", "keys", "matches"), SETS)
def test_sets(
    world: World, operator: str, values: list[str], keys: list[str], matches: bool
) -> None:
    """§8, fifth and sixth bullet [D; D new; I the last two]."""
    allowed = allow(
        ["iam:CreateUser", "iam:TagUser"], Condition={operator: {"aws:TagKeys": values}}
    )
    iam = world.user("ana", allowed).client("iam")
    more: Any = {"Tags": [{"Key": key, "Value": "v"} for key in keys]} if keys else {}
    answer = outcome(lambda: iam.create_user(UserName="bo", **more))
    assert answer == ("allowed" if matches else "denied")


# --- Addresses, time, variables -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("ip", "wanted"),
    [("198.51.100.7", "allowed"), ("203.0.113.10", "denied"), ("2001:db8::1", "denied")],
)
def test_the_caller_s_address(world: World, ip: str, wanted: str) -> None:
    """§8, IpAddress [D]."""
    here = {"IpAddress": {"aws:SourceIp": ["198.51.100.0/24"]}}
    ana = world.user("ana", allow("s3:*", Condition=here)).client("s3")
    world.lab.source_ip = ip
    assert outcome(ana.list_buckets) == wanted


@pytest.mark.parametrize("key", ["aws:CurrentTime", "aws:EpochTime"])
@pytest.mark.parametrize("form", ["ISO", "epoch"])
def test_time_conditions_follow_the_lab_s_clock(world: World, key: str, form: str) -> None:
    """§8, Date [D]: both keys, ISO 8601 and epoch."""
    now = world.lab.clock.now()

    def at(minutes: int) -> str:
        moment = now + timedelta(minutes=minutes)
        return str(int(moment.timestamp())) if form == "epoch" else f"{moment:%Y-%m-%dT%H:%M:%SZ}"

    between = {"DateGreaterThan": {key: at(10)}, "DateLessThan": {key: at(20)}}
    ana = world.user("ana", allow("s3:*", Condition=between)).client("s3")
    answers = []
    for _ in range(3):
        answers.append(outcome(ana.list_buckets))
        world.lab.clock.advance(minutes=12)
    assert answers == ["denied", "allowed", "denied"]


def test_epoch_time_is_a_number_too(world: World) -> None:
    """§8, Numeric and Date [D]."""
    soon = str(int(world.lab.clock.now().timestamp()) + 600)
    until = {"NumericLessThan": {"aws:EpochTime": soon}}
    ana = world.user("ana", allow("s3:*", Condition=until)).client("s3")
    assert outcome(ana.list_buckets) == "allowed"
    world.lab.clock.advance(minutes=11)
    assert outcome(ana.list_buckets) == "denied"


@pytest.mark.parametrize(
    ("prefix", "wanted"), [("home/ana/", "allowed"), ("home/bo/", "denied"), ("", "denied")]
)
def test_a_home_folder(world: World, prefix: str, wanted: str) -> None:
    """§8, variables [D]: in Resource after the fifth colon, and in a String condition."""
    world.bucket("reports")
    for key in ("home/ana/x", "home/bo/x"):
        world.s3.put_object(Bucket="reports", Key=key, Body=b"")
    home = {"StringLike": {"s3:prefix": "home/${aws:username}/*"}}
    ana = world.user(
        "ana",
        allow("s3:ListBucket", "arn:aws:s3:::reports", Condition=home),
        allow("s3:GetObject", "arn:aws:s3:::reports/home/${aws:username}/*"),
    )
    s3 = ana.client("s3")
    assert outcome(lambda: s3.list_objects_v2(Bucket="reports", Prefix=prefix)) == wanted
    if prefix:
        assert outcome(read(ana, key=prefix + "x")) == wanted


def test_values_of_variables_are_not_patterns(world: World) -> None:
    """§8, variables [I, the safe reading]: a star that comes from the request is a star."""
    world.bucket("reports")
    like = {"StringLike": {T + "home": "${s3:prefix}"}}
    ana = world.user(
        "ana",
        allow("s3:ListBucket", Condition=like),
        Tags=[{"Key": "home", "Value": "ana"}],
    ).client("s3")
    assert outcome(lambda: ana.list_objects_v2(Bucket="reports", Prefix="ana")) == "allowed"
    assert outcome(lambda: ana.list_objects_v2(Bucket="reports", Prefix="*")) == "denied"
    assert outcome(lambda: ana.list_objects_v2(Bucket="reports", Prefix="an?")) == "denied"


def test_the_literals_stand_for_themselves(world: World) -> None:
    """§8, variables [D]: ${*}, ${?}, ${$} match exactly those characters, here in a resource."""
    world.bucket("reports")
    for key in ("a*b", "a?b", "a$b", "axb"):
        world.s3.put_object(Bucket="reports", Key=key, Body=b"")
    for number, (literal, char) in enumerate((("${*}", "*"), ("${?}", "?"), ("${$}", "$"))):
        arn = f"arn:aws:s3:::reports/a{literal}b"
        session = world.user(f"u{number}", allow("s3:GetObject", arn))
        assert outcome(read(session, key=f"a{char}b")) == "allowed"
        assert outcome(read(session, key="axb")) == "denied"


@pytest.mark.parametrize(
    ("who", "wanted"),
    [(f"{IAM}:user/ana", "allowed"), (f"{IAM}:user/a*", "allowed"), (f"{IAM}:role/*", "denied")],
)
def test_arn_operators_on_the_principal(world: World, who: str, wanted: str) -> None:
    """§8, Arn [D]: unlike in Principal, wildcards are good here."""
    world.bucket("reports")
    condition = {"ArnLike": {"aws:PrincipalArn": who}}
    grant = allow("s3:GetObject", "arn:aws:s3:::reports/*", Principal="*", Condition=condition)
    world.bucket("reports", grant)
    ana = world.user("ana")
    assert ana and ACCOUNT in who
    assert outcome(read(ana)) == wanted
