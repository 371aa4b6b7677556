"""Properties of the policy language that hold for every policy and every request."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamlab.policy import Policies, PolicyError, Request, allows, evaluate, parse
from iamlab.policy.advice import advise
from iamlab.policy.document import KINDS

from .test_against_naive import FAMILIES, MANY, case, document, statement

SEEDS = range(400)


def cases():
    for seed in SEEDS:
        rng = random.Random(seed)
        asked, policies = case(rng.choice)
        yield rng, Request(**asked), policies


# --- reading ------------------------------------------------------------------------------------

ELEMENTS = ("Version", "Statement", "Effect", "Action", "NotAction", "Resource", "Principal")
OTHERS = ("Condition", "Sid", "Id", "Allow", "Deny", "*", "2012-10-17", "s3:GetObject", "AWS")
WORDS = st.sampled_from([*ELEMENTS, *OTHERS, "arn:aws:s3:::a/*", "StringEquals", "aws:username"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


def read(doc, kind=None):
    """Parse and advise; all that may be raised is a PolicyError that can be printed."""
    try:
        policy = parse(doc, kind=kind)
    except PolicyError as error:
        str(error).encode()
        assert error.message and error.hint
        assert bool(error.line) == bool(error.column) == isinstance(doc, str)
        return None
    assert all(str(one).encode() for one in advise(policy, kind))
    return policy


@given(JSON, st.sampled_from([None, *KINDS]))
@settings(deadline=None)
def test_no_json_makes_the_reader_fail(value, kind):
    dictionary = read(value, kind) if not isinstance(value, str) else None
    text = read(json.dumps(value), kind)
    assert (text is None) >= (dictionary is None and not isinstance(value, str))


@given(st.text() | st.text(alphabet='{}[]",:\\ \n\ud800\ufeffSEnA"', max_size=60))
@settings(deadline=None)
def test_no_text_makes_the_reader_fail(text):
    read(text)


def test_a_broken_policy_is_refused_where_it_is_broken():
    """Cut a letter out of a good policy, or put one in: it is read, or refused with a place."""
    refused = 0
    for seed in SEEDS:
        rng = random.Random(seed)
        good = json.dumps(document(rng.choice, "s3:GetObject", "*"), indent=rng.choice([None, 2]))
        at = rng.randrange(len(good))
        text = good[:at] + rng.choice(["", '"', "}", ",", "x", "\\", "\x00"]) + good[at + 1 :]
        refused += read(text, "identity") is None
    assert refused > len(SEEDS) / 2


def test_what_is_read_can_be_written_and_read_again():
    for seed in SEEDS:
        pick = random.Random(seed).choice
        found = document(pick, "s3:GetObject", "*", principal=True)
        policy = parse(found, kind="resource")
        assert parse(policy.as_dict()).statements == policy.statements
        assert parse(json.dumps(found, indent=1)).statements == policy.statements
        assert (policy.as_dict().get("Version"), policy.version) in (
            *((found.get("Version"), found.get("Version")), (None, "2008-10-17")),
        )


def test_every_place_is_where_the_thing_stands():
    def check(policy, value, path):
        line, column = policy.place(path)
        rest = "\n".join(policy.text.split("\n")[line - 1 :])[column - 1 :]
        assert json.JSONDecoder().raw_decode(rest)[0] == value
        inner = value.items() if isinstance(value, dict) else []
        for key, one in inner:
            check(policy, one, f"{path}.{key}" if path else key)
        for number, one in enumerate(value if isinstance(value, list) else []):
            check(policy, one, f"{path}[{number}]")

    for seed in SEEDS:
        rng = random.Random(seed)
        found = document(rng.choice, "s3:GetObject", "*", principal=True)
        found["Id"] = "é\n\u2028" * rng.randrange(3)
        spaces = rng.choice([None, 0, 1, "\t"])
        text = " \n" * rng.randrange(3) + json.dumps(found, indent=spaces, ensure_ascii=False)
        check(parse(text), found, "")


# --- deciding -----------------------------------------------------------------------------------


def added(policies, statement):
    """Return the policies with one more statement in each identity-like document."""

    def more(doc):
        return {**doc, "Statement": [*_list(doc["Statement"]), statement]}

    levels = policies["scps"]
    return {
        **policies,
        "identity": [more(doc) for doc in policies["identity"]],
        "boundary": policies["boundary"] and [more(doc) for doc in policies["boundary"]],
        "session": policies["session"] and [more(doc) for doc in policies["session"]],
        "scps": levels and [[more(doc) for doc in level] for level in levels],
    }


def _list(value):
    return value if isinstance(value, list) else [value]


def test_one_more_deny_never_widens_and_one_more_allow_never_narrows():
    changed = 0
    for rng, request, policies in cases():
        more = statement(rng.choice, request.action, request.resource)
        before = allows(request, Policies(**policies))
        with_deny = allows(request, Policies(**added(policies, {**more, "Effect": "Deny"})))
        with_allow = allows(request, Policies(**added(policies, {**more, "Effect": "Allow"})))
        assert with_deny <= before <= with_allow
        changed += with_deny != with_allow
    assert changed > 10


def test_order_means_nothing():
    def shuffled(rng, docs):
        docs = [
            {**doc, "Statement": rng.sample(_list(doc["Statement"]), len(_list(doc["Statement"])))}
            for doc in docs
        ]
        return rng.sample(docs, len(docs))

    verdicts = set()
    for rng, request, policies in cases():
        mixed = {
            name: docs and shuffled(rng, docs)
            for name, docs in policies.items()
            if name in ("identity", "boundary", "session")
        }
        one = evaluate(request, Policies(**policies))
        other = evaluate(request, Policies(**{**policies, **mixed}))
        assert (one.effect, one.blocked_by) == (other.effect, other.blocked_by)
        verdicts.add(one.effect)
    assert len(verdicts) == 3


def applies(one, context=None, request=None):
    """Tell whether a statement, as the only identity policy, allows reading a report."""
    asked = {"action": "s3:GetObject", "resource": "arn:aws:s3:::reports/a.csv", **(request or {})}
    request = Request("arn:aws:iam::111122223333:user/ana", context=context or {}, **asked)
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", **one}}
    return allows(request, Policies(identity=[document]))


@pytest.mark.parametrize(("element", "other"), [("Action", "Resource"), ("Resource", "Action")])
def test_not_is_the_complement(element, other):
    seen = set()
    for seed in SEEDS:
        pick = random.Random(seed).choice
        found = statement(pick, "s3:GetObject", "arn:aws:s3:::reports/a.csv")
        values = found.get(element) or found[f"Not{element}"]
        context = {"aws:username": pick(["ana", "a.csv"]), "aws:PrincipalTag/team": "ana"}
        plain = applies({element: values, other: "*"}, context)
        assert plain is not applies({f"Not{element}": values, other: "*"}, context)
        seen.add(plain)
    assert seen == {True, False}


def test_a_resource_variable_without_value_matches_neither_way():
    for element in ("Resource", "NotResource"):
        assert not applies({"Action": "*", element: "arn:aws:s3:::reports/${aws:username}/*"})


def test_capitals_count_in_resources_and_not_in_actions_and_keys():
    condition = {"StringEquals": {"AWS:UserName": "ana"}}
    one = {"Action": "S3:gEtObject", "Resource": "arn:aws:s3:::reports/*", "Condition": condition}
    assert applies(one, {"aws:username": "ana"})
    assert not applies({**one, "Resource": "arn:aws:s3:::Reports/*"}, {"aws:username": "ana"})
    assert not applies(one, {"aws:username": "Ana"})


def met(operator, key, values, context):
    return applies(
        {"Action": "*", "Resource": "*", "Condition": {operator: {key: values}}}, context
    )


def conditions():
    """Give every family's operators with values of policy and request, many times."""
    for seed in SEEDS:
        rng = random.Random(seed)
        operators, keys, values, actual = rng.choice([*FAMILIES, MANY])
        found = rng.sample(values, rng.randrange(1, 3))
        yield rng, rng.choice(operators), rng.choice(keys), found, rng.choice(actual)


def test_if_exists_is_the_plain_operator_when_the_key_is_there_and_true_when_not():
    seen = set()
    for _, operator, key, values, actual in conditions():
        if actual == []:
            continue
        plain = met(operator, key, values, {key: actual})
        assert met(f"{operator}IfExists", key, values, {key: actual}) is plain
        assert met(f"{operator}IfExists", key, values, {})
        assert met(operator, key, values, {}) is ("Not" in operator)
        seen.add(plain)
    assert seen == {True, False}


def test_a_negated_operator_is_the_opposite_of_the_plain_one():
    seen = set()
    for _, operator, key, values, actual in conditions():
        if operator.replace("Not", "") != operator:
            plain = met(operator.replace("Not", ""), key, values, {key: actual})
            assert met(operator, key, values, {key: actual}) is not plain
            seen.add(plain)
    assert seen == {True, False}


def test_one_more_value_widens_a_positive_operator_and_narrows_a_negated_one():
    for rng, operator, key, values, actual in conditions():
        family = next(f for f in [*FAMILIES, MANY] if key in f[1] and operator in f[0])
        more = [*values, rng.choice(family[2])]
        few = met(operator, key, values, {key: actual})
        many = met(operator, key, more, {key: actual})
        assert many <= few if "Not" in operator else few <= many


def test_for_all_values_and_for_any_value_are_two_sides():
    """Source: "Set operators for multivalued context keys", IAM User Guide."""
    operators, (key,), values, actuals = MANY
    for seed in SEEDS:
        pick = random.Random(seed).choice
        operator, wanted, actual = pick(operators), [pick(values), pick(values)], pick(actuals)
        every = met(f"ForAllValues:{operator}", key, wanted, {key: actual})
        some = met(f"ForAnyValue:{operator}", key, wanted, {key: actual})
        if not actual:
            assert (every, some) == (True, False)
        elif len(actual) == 1:
            assert every is some is met(operator, key, wanted, {key: actual[0]})
        else:
            assert every <= some
        if "Not" not in operator:
            opposite = operator.replace("String", "StringNot", 1)
            none = met(f"ForAllValues:{opposite}", key, wanted, {key: actual})
            assert none is not some if actual else none


def test_null_tells_whether_the_key_is_there():
    for _, _, key, _, actual in conditions():
        there = actual != []
        assert met("Null", key, "true", {key: actual}) is not there
        assert met("Null", key, "false", {key: actual}) is there
        assert met("Null", key, True, {})
        assert met("Null", key, ["true", "false"], {key: actual})
