"""The real evaluator against `naive`: thousands of random policies and requests, one answer.

Everything is drawn from small sets, so that matches are frequent; the share of each verdict is
asserted, so that the test cannot agree on nothing but denials. Every choice is one call of
``pick(values)``: Hypothesis picks a few hundred cases (and makes a failing one small), a seeded
`random.Random` picks thousands more, much faster.
"""

import random
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iamlab.policy import Policies, Request, allows, evaluate

from . import naive

A, B = "111122223333", "444455556666"
ANA, ROLE = f"arn:aws:iam::{A}:user/ana", f"arn:aws:iam::{A}:role/svc/app"
SESSION, FEDERATED = f"arn:aws:sts::{A}:assumed-role/app/s1", f"arn:aws:sts::{A}:federated-user/fay"
BOB, ROOT, SERVICE = f"arn:aws:iam::{B}:user/bob", f"arn:aws:iam::{A}:root", "ec2.amazonaws.com"
# caller: the IAM entity behind it
CALLERS = {
    ANA: None,
    SESSION: ROLE,
    FEDERATED: ANA,
    BOB: None,
    ROOT: None,
    SERVICE: None,
    "*": None,
}
ASKED = {
    "s3:GetObject": ["arn:aws:s3:::reports/a.csv", "arn:aws:s3:::reports/ana/b*.csv"],
    "S3:putobject": ["arn:aws:s3:::reports/ana/b.csv"],
    "s3:ListAllMyBuckets": ["*"],
    "sqs:SendMessage": [f"arn:aws:sqs:us-east-1:{A}:jobs", f"arn:aws:sqs:us-east-1:{B}:jobs"],
    "kms:Decrypt": [f"arn:aws:kms:us-east-1:{A}:key/k1"],
    "sts:AssumeRole": [ROLE, f"arn:aws:iam::{B}:role/app"],
}
ACTIONS = ["*", "s3:*", "S3:Get*", "s3:?etObject", "s3:PutObject", "sqs:*", "kms:Decrypt", "sts:*"]
RESOURCES = [
    *("*", "arn:aws:s3:::*", "arn:aws:s3:::reports/*", "arn:aws:s3:::reports/a.csv"),
    *("arn:aws:s3:::reports/${aws:username}/*", "arn:aws:s3:::reports/ana/b${*}.csv"),
    *("arn:aws:s3:::reports/${aws:PrincipalTag/team, 'ana'}/*", "arn:aws:s3:::REPORTS/*"),
    *(f"arn:aws:sqs:*:{A}:j?bs", f"arn:aws:kms:us-east-1:{A}:key/*", "arn:aws:iam::*:role/*app"),
]
PRINCIPALS = [
    *("*", {"AWS": "*"}, {"AWS": A}, {"AWS": [ROOT, BOB]}, {"AWS": ANA}, {"AWS": [ROLE]}),
    *({"AWS": SESSION}, {"AWS": FEDERATED}, {"AWS": B}, {"Service": SERVICE}),
    {"AWS": [ROLE, SESSION], "Service": [SERVICE]},
]
NOT_PRINCIPALS = [
    *({"AWS": [A, ANA]}, {"AWS": ANA}, {"AWS": [ROLE, ROOT]}, {"AWS": [SESSION, ROLE, A]}),
    *({"AWS": [B, BOB]}, {"AWS": [FEDERATED, ANA, A]}, {"Service": [SERVICE]}, {"AWS": A}),
]
# operators, condition keys, the values a policy may name, the values a request may have
_EQ = ["Equals", "NotEquals"]
_SIZE = [*_EQ, "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]
_TEXT = ["String" + n for n in (*_EQ, "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike")]
FAMILIES = [
    (
        _TEXT,
        ["aws:username", "AWS:PrincipalTag/Team", "s3:prefix"],
        ["ana", "a*", "Red", "red", "${aws:username}", "r?d", "${aws:userid, 'ana'}", "a${*}", "*"],
        ["ana", "red", "a*", "Red", "bob"],
    ),
    (
        ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
        ["aws:SourceArn"],
        ["arn:aws:s3:::*", "arn:aws:s*:::reports", "arn:*:*:*:*:*", "arn:aws:s3:::${aws:username}"],
        ["arn:aws:s3:::reports", "arn:aws:sns:us-east-1:1:t:u", "arn:aws:s3:::ana", "no ARN"],
    ),
    (
        ["Numeric" + name for name in _SIZE],
        ["s3:max-keys"],
        ["5", 10, "10.0", "-1"],
        ["5", 10, "7.5", "010"],
    ),
    (
        ["Date" + name for name in _SIZE],
        ["aws:CurrentTime"],
        ["2026-01-01T00:00:00Z", "2026-06-01", "1767225600"],
        ["2026-01-01T00:00:00Z", "2026-03-01T12:00:00+02:00", "2027-01-01T00:00:00Z"],
    ),
    (["Bool"], ["aws:SecureTransport"], ["true", "false", True, "TRUE"], ["true", "false", True]),
    (
        ["IpAddress", "NotIpAddress"],
        ["aws:SourceIp"],
        ["10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "0.0.0.0/0"],
        ["10.1.2.3", "192.0.2.1", "2001:db8::1"],
    ),
]
MANY = (_TEXT, ["aws:TagKeys"], ["red", "Red", "blue", "b*"], [["red"], ["red", "blue"], [], ["x"]])

WIDE = {"Effect": "Allow", "Action": "*", "Resource": "*"}
FULL = {"Version": "2012-10-17", "Statement": WIDE}
YES_AND_NO, ONE_IN_FOUR, THREE_IN_FOUR = [True, False], [True, *[False] * 3], [False, *[True] * 3]


def some(pick, values):
    return [pick(values) for _ in range(pick([1, 2]))] if pick(YES_AND_NO) else pick(values)


def conditions(pick):
    found = {}
    for _ in range(pick([0, 0, 0, 1, 1, 2])):
        kind = pick([*range(len(FAMILIES)), "set", "null"])
        if kind == "set":
            operators, keys, values, _ = MANY
            operators = [
                f"{p}{o}" for p in ("ForAllValues:", "ForAnyValue:", "") for o in operators
            ]
        elif kind == "null":
            _, keys, _, _ = pick([*FAMILIES, MANY])
            operators, values = ["Null"], ["true", "false", True]
        else:
            operators, keys, values, _ = FAMILIES[kind]
        operator = pick(operators) + ("IfExists" if kind != "null" and pick(ONE_IN_FOUR) else "")
        found.setdefault(operator, {})[pick(keys)] = some(pick, values)
    return found


def statement(pick, action, resource, principal=False, trust=False):
    found = {"Effect": pick(["Allow", "Allow", "Allow", "Allow", "Deny"])}
    if principal and not trust and found["Effect"] == "Deny" and pick(YES_AND_NO):
        found["NotPrincipal"] = pick(NOT_PRINCIPALS)
    elif principal:
        found["Principal"] = pick(PRINCIPALS)
    if trust:
        found["Action"] = some(pick, ["sts:AssumeRole", "sts:*", "sts:TagSession"])
    else:
        found[pick(["Action", "Action", "Action", "NotAction"])] = some(
            pick, [action, action, action, "*", *ACTIONS]
        )
        resources = ["*", "*", *RESOURCES, *([resource] * 2 if "*" not in resource else [])]
        found[pick(["Resource", "Resource", "Resource", "NotResource"])] = some(pick, resources)
    wanted = conditions(pick)
    return {**found, "Condition": wanted} if wanted else found


def document(pick, *asked, **options):
    found = [statement(pick, *asked, **options) for _ in range(pick([1, 1, 2, 3]))]
    version = pick(["2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", None])
    return {**({"Version": version} if version else {}), "Statement": found}


def often_full(pick, *asked):
    """Return a document that is often wide open, so that something is allowed at all."""
    return FULL if pick(YES_AND_NO) else document(pick, *asked)


def rcp(pick, *asked):
    """Return denials, and RCPFullAWSAccess, which AWS keeps attached."""
    found = document(pick, *asked)
    denials = [{**one, "Effect": "Deny", "Principal": "*"} for one in found["Statement"]]
    return {**found, "Statement": [*denials, {**WIDE, "Principal": "*"}]}


def case(pick):
    """Return a request and policies, as `naive.decide` takes them."""
    caller = pick([ANA, ANA, SESSION, SESSION, SESSION, FEDERATED, BOB, ROOT, SERVICE, "*"])
    action = pick(["s3:GetObject", *ASKED])
    trust = action == "sts:AssumeRole"
    if trust and caller in (ROOT, "*"):
        caller = ANA  # AWS refuses both before any policy is looked at
    asked = action, pick(ASKED[action])
    context = {}
    for _, keys, _, values in [*FAMILIES, MANY]:
        for key in keys:
            if pick(THREE_IN_FOUR):
                context[key.lower() if pick(YES_AND_NO) else key] = pick(values)
    request = {
        "principal": caller,
        "action": action,
        "resource": asked[1],
        "context": context,
        "resource_account": A if caller in ("*", SERVICE) else pick([None, None, A, B]),
        "issuer": CALLERS[caller],
    }
    person = caller in (ANA, SESSION, FEDERATED, BOB)
    organised = caller not in ("*", SERVICE)  # SCPs and RCPs are not looked at for services [O]
    policies = {
        "identity": [often_full(pick, *asked) for _ in range(pick([0, 1, 1, 2]))],
        "resource": None,
        "boundary": [often_full(pick, *asked)] if person and pick(YES_AND_NO) else None,
        "session": None,
        "scps": None,
        "rcps": [[rcp(pick, *asked)]] if organised and pick(ONE_IN_FOUR) else None,
    }
    if not person:
        policies["identity"] = []
    if trust or pick(YES_AND_NO):
        policies["resource"] = document(pick, *asked, principal=True, trust=trust)
    if caller == FEDERATED or (caller == SESSION and pick(YES_AND_NO)):
        policies["session"] = [often_full(pick, *asked)] if pick(THREE_IN_FOUR) else None
    if organised and pick(ONE_IN_FOUR):
        levels = range(pick([1, 2]))
        policies["scps"] = [[often_full(pick, *asked) for _ in range(pick([1, 2]))] for _ in levels]
    return request, policies


def compare(asked, documents):
    """Ask both; return what they agree on."""
    effect, blocked_by = naive.decide(asked, documents)
    request, policies = Request(**asked), Policies(**documents)
    decision = evaluate(request, policies)
    told = f"\n{asked}\n{documents}\n{decision}"
    assert decision.effect == effect, told
    if blocked_by is not None or effect == "allowed":
        assert decision.blocked_by == blocked_by, told
    assert allows(request, policies) is (effect == "allowed"), told
    return effect, blocked_by


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_both_evaluators_agree_and_a_disagreement_is_made_small(data):
    compare(*case(lambda values: data.draw(st.sampled_from(values))))


def test_both_evaluators_agree_thousands_of_times_on_every_verdict():
    seen = Counter()
    for seed in range(8000):
        try:
            seen[compare(*case(random.Random(seed).choice))] += 1
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
    total = Counter()
    for (effect, _), count in seen.items():
        total[effect] += count
    for effect in ("allowed", "implicitDeny", "explicitDeny"):
        assert total[effect] >= 0.1 * total.total(), seen
    for blocker in ("scp", "resource", "identity", "boundary", "session"):
        assert seen["implicitDeny", blocker] >= 20, seen
        assert seen["explicitDeny", blocker] >= 20, seen
    assert seen["explicitDeny", "rcp"] >= 20, seen
