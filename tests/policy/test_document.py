"""Reading policies: AWS's grammar, its words, and the place of each mistake.

Source: "Grammar of the IAM JSON policy language", IAM User Guide. The wording of AWS's refusals is
in no documentation; each text is marked in `iamlab.policy.refusals` by how sure it is.
"""

import json
import pickle
import time

import pytest

from iamlab.policy.document import KINDS, Policy, PolicyError, parse
from iamlab.policy.refusals import IAM, WORDS

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
ANA = {"AWS": "arn:aws:iam::111122223333:user/ana"}


def policy(*statements, **others):
    return {"Version": "2012-10-17", **others, "Statement": list(statements)}


def one(remove=(), **changes):
    return policy({k: v for k, v in {**ALLOW, **changes}.items() if k not in remove})


def trust(**changes):
    return policy({"Effect": "Allow", "Principal": ANA, "Action": "sts:AssumeRole", **changes})


def bucket(remove=(), **changes):
    whole = {**ALLOW, "Principal": ANA, "Resource": "arn:aws:s3:::reports/*", **changes}
    return policy({k: v for k, v in whole.items() if k not in remove})


def refusal(doc, kind=None, **options):
    with pytest.raises(PolicyError) as caught:
        parse(doc, kind=kind, **options)
    return caught.value


# --- what is read -------------------------------------------------------------------------------


def test_a_statement_keeps_every_element_as_it_was_written():
    document = {
        "Version": "2012-10-17",
        "Id": "all of it",
        "Statement": [
            {
                "Sid": "First",
                "Effect": "Deny",
                "Principal": {
                    "AWS": ["111122223333", *ANA.values()],
                    "Service": "s3.amazonaws.com",
                },
                "NotAction": ["S3:get*", "iam:*"],
                "NotResource": "arn:aws:s3:::reports/*",
                "Condition": {
                    "Bool": {"aws:SecureTransport": False},
                    "NumericLessThan": {"s3:max-keys": [5, "6", 7.5]},
                },
            }
        ],
    }
    for doc in (document, json.dumps(document)):
        read = parse(doc, kind="resource", name="reports", arn="arn:aws:s3:::reports")
        (statement,) = read.statements
        assert (read.version, read.id, read.name, read.arn, read.kind) == (
            *("2012-10-17", "all of it", "reports", "arn:aws:s3:::reports", "resource"),
        )
        assert read.text == (doc if isinstance(doc, str) else None)
        assert statement.index == 0
        assert (statement.sid, statement.effect) == ("First", "Deny")
        assert statement.actions is None
        assert statement.not_actions == ("S3:get*", "iam:*")
        assert statement.resources is None
        assert statement.not_resources == ("arn:aws:s3:::reports/*",)
        assert statement.principals == (
            *(("AWS", "111122223333"), ("AWS", ANA["AWS"]), ("Service", "s3.amazonaws.com")),
        )
        assert statement.not_principals is None
        assert statement.conditions == (
            ("Bool", "aws:SecureTransport", ("false",)),
            ("NumericLessThan", "s3:max-keys", ("5", "6", "7.5")),
        )


def test_a_single_statement_may_stand_without_its_list():
    assert parse({"Statement": ALLOW}).statements == parse({"Statement": [ALLOW]}).statements


@pytest.mark.parametrize("everybody", ["*", {"AWS": "*"}, {"AWS": ["*"]}])
def test_the_lone_star_is_everybody(everybody):
    assert parse(bucket(Principal=everybody)).statements[0].principals == (("AWS", "*"),)


def test_without_version_the_rules_of_2008_hold():
    read = parse({"Statement": ALLOW})
    assert (read.version, read.has_version) == ("2008-10-17", False)


def test_a_policy_passes_through():
    read = parse(one())
    assert parse(read) is read


def test_numbers_are_kept_as_they_were_written_in_the_text():
    text = json.dumps(one(Condition={"NumericEquals": {"s3:max-keys": 0}})).replace("0}", "1.50e3}")
    assert parse(text).statements[0].conditions[0][2] == ("1.50e3",)


def test_a_key_policy_statement_without_resource_is_kept_and_is_about_nothing():
    """API "CreateKey": KMS accepts it, "the policy statement has no effect"."""
    (statement,) = parse(bucket(remove=["Resource", "Action"]), kind="key").statements
    assert (statement.actions, statement.resources) == ((), ())


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_every_kind_has_a_good_example(kind):
    good = {
        "trust": trust(),
        "rcp": bucket(Principal="*"),
        **dict.fromkeys(("resource", "bucket", "key"), bucket()),
    }
    assert len(parse(good.get(kind, one()), kind=kind, stored=True).statements) == 1


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:iam::111122223333:user/ana",
        "arn:aws:iam::*:role/*",
        "arn:aws:iam::111122223333:*",
        "arn:aws:iam::111122223333:us*",
        "arn:aws:s3:::${aws:username}/*",
        "arn:aws-cn:s3:::reports",
        "arn:aws:sns:us-east-1:111122223333:topic:0a1b",
        "arn:aws:logs:*",  # short, but AWS keeps it; `advise` says so
    ],
)
def test_resources_that_aws_keeps(resource):
    assert parse(one(Resource=resource), kind="managed").statements[0].resources == (resource,)


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "111122223333"},
        {"AWS": "arn:aws:iam::111122223333:root"},
        {"AWS": "arn:aws:sts::111122223333:assumed-role/app/i-0a"},
        {"AWS": "arn:aws:sts::111122223333:federated-user/fay"},
        {"AWS": "AROAEXAMPLEEXAMPLE123"},
        {"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"},
        {"Federated": "cognito-identity.amazonaws.com"},
        {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"},
    ],
)
def test_principals_that_aws_keeps(principal):
    assert parse(bucket(Principal=principal), kind="bucket").statements[0].principals


# --- what is refused ----------------------------------------------------------------------------

SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"
REFUSED = [
    # kind, document, AWS's text, path
    (None, {}, SYNTAX, "Statement"),
    (None, [], SYNTAX, ""),
    (None, None, SYNTAX, ""),
    (None, {"Statement": []}, SYNTAX, "Statement"),
    (None, {"Statement": "Allow"}, SYNTAX, "Statement"),
    (None, {"Statement": ["Allow"]}, SYNTAX, "Statement[0]"),
    (None, {"Version": "2012-10-18", "Statement": ALLOW}, SYNTAX, "Version"),
    (None, {"Version": None, "Statement": ALLOW}, SYNTAX, "Version"),
    (None, {"version": "2012-10-17", "Statement": ALLOW}, SYNTAX, "version"),
    (None, policy(ALLOW, Id=5), SYNTAX, "Id"),
    (None, one(remove=["Effect"]), SYNTAX, "Statement[0]"),
    (None, one(Effect="allow"), LEGACY, "Statement[0].Effect"),
    (None, one(Effect="Maybe"), SYNTAX, "Statement[0].Effect"),
    (None, one(Effect=["Allow"]), SYNTAX, "Statement[0].Effect"),
    (None, one(action="s3:*"), SYNTAX, "Statement[0].action"),
    (None, one(Actions="s3:*"), SYNTAX, "Statement[0].Actions"),
    (None, one(Sid=5), SYNTAX, "Statement[0].Sid"),
    (None, one(Sid=None), SYNTAX, "Statement[0].Sid"),
    (None, one(NotAction="s3:*"), SYNTAX, "Statement[0].NotAction"),
    (None, one(NotResource="*"), SYNTAX, "Statement[0].NotResource"),
    (None, one(Action={"s3": "*"}), SYNTAX, "Statement[0].Action"),
    (None, one(Action=["s3:*", None]), SYNTAX, "Statement[0].Action[1]"),
    (None, one(Action=[["s3:*"]]), SYNTAX, "Statement[0].Action[0]"),
    (None, one(Resource=True), SYNTAX, "Statement[0].Resource"),
    (None, one(Resource=None), SYNTAX, "Statement[0].Resource"),
    (None, one(Condition=[]), SYNTAX, "Statement[0].Condition"),
    (None, one(Condition={"Bool": "true"}), SYNTAX, "Statement[0].Condition.Bool"),
    (
        None,
        one(Condition={"Bool": {"aws:SecureTransport": None}}),
        *(SYNTAX, "Statement[0].Condition.Bool.aws:SecureTransport"),
    ),
    (None, bucket(NotPrincipal=ANA), SYNTAX, "Statement[0].NotPrincipal"),
    (
        *(None, bucket(Principal={"AWS": []})),
        *("Missing required field Principal", "Statement[0].Principal.AWS"),
    ),
    ("identity", one(remove=["Action"]), "Policy statement must contain actions.", "Statement[0]"),
    ("identity", one(Action=[]), "Policy statement must contain actions.", "Statement[0].Action"),
    (
        *("identity", one(remove=["Resource"])),
        *("Policy statement must contain resources.", "Statement[0]"),
    ),
    (
        *("identity", one(Resource=[])),
        *("Policy statement must contain resources.", "Statement[0].Resource"),
    ),
    (
        *("identity", one(Principal="*")),
        *("Policy document should not specify a principal.", "Statement[0].Principal"),
    ),
    (
        *("session", one(NotPrincipal=ANA)),
        *("Policy document should not specify a principal.", "Statement[0].NotPrincipal"),
    ),
    (
        *("managed", {"Statement": ALLOW}),
        *("Policy document must be version 2012-10-17 or greater.", "Version"),
    ),
    (
        *("identity", one(Action="GetObject")),
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        "Statement[0].Action",
    ),
    (
        *("identity", one(Action=["s3:*", "arn:aws:s3:::reports"])),
        "Actions/Condition can contain only one colon.",
        "Statement[0].Action[1]",
    ),
    ("identity", one(Action="s*:Get"), "Vendor s* is not valid", "Statement[0].Action"),
    ("identity", one(Action=" s3:Get"), "Vendor  s3 is not valid", "Statement[0].Action"),
    (
        *("identity", one(Resource="reports")),
        *('Resource reports must be in ARN format or "*".', "Statement[0].Resource"),
    ),
    (
        *("identity", one(Resource=["*", ""])),
        *('Resource  must be in ARN format or "*".', "Statement[0].Resource[1]"),
    ),
    (
        *("identity", one(Resource="arn:aw:s3:::reports")),
        'Partition "aw" is not valid for resource "arn:aw:s3:::reports".',
        "Statement[0].Resource",
    ),
    (
        *("identity", one(Resource="arn:aws:*:::reports")),
        "Resource vendor must be fully qualified and cannot contain regexes.",
        "Statement[0].Resource",
    ),
    (
        *("identity", one(Resource="arn:aws:iam:us-east-1:111122223333:user/ana")),
        "IAM resource arn:aws:iam:us-east-1:111122223333:user/ana cannot contain region "
        "information.",
        "Statement[0].Resource",
    ),
    (
        *("identity", one(Sid="My statement")),
        "Statement IDs (SID) must be alpha-numeric. "
        "Check that your input satisfies the regular expression [0-9A-Za-z]*",
        "Statement[0].Sid",
    ),
    (
        *("identity", policy({**ALLOW, "Sid": "A"}, {**ALLOW, "Sid": "A"})),
        *("Statement IDs (SID) in a single policy must be unique.", "Statement[1].Sid"),
    ),
    ("trust", trust(Resource="*"), "Has prohibited field Resource", "Statement[0].Resource"),
    (
        *("trust", policy({"Effect": "Allow", "NotPrincipal": ANA, "Action": "sts:AssumeRole"})),
        *("Has prohibited field NotPrincipal", "Statement[0].NotPrincipal"),
    ),
    (
        *("trust", policy({"Effect": "Allow", "Action": "sts:AssumeRole"})),
        *("Missing required field Principal", "Statement[0]"),
    ),
    (
        *("trust", trust(Action=["sts:AssumeRole", "s3:GetObject"])),
        "AssumeRole policy may only specify STS AssumeRole actions.",
        "Statement[0].Action[1]",
    ),
    (
        *("trust", trust(Principal={"AWS": "arn:aws:iam::111122223333:group/staff"})),
        'Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:group/staff"',
        "Statement[0].Principal.AWS",
    ),
    (
        *("trust", trust(Principal={"AWS": "arn:aws:iam::111122223333:user/*"})),
        'Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/*"',
        "Statement[0].Principal.AWS",
    ),
    (
        *("trust", trust(Principal={"Service": "ec2"})),
        *('Invalid principal in policy: "SERVICE":"ec2"', "Statement[0].Principal.Service"),
    ),
    (
        *("trust", trust(Principal={"AWS": "1111"})),
        *('Invalid principal in policy: "AWS":"1111"', "Statement[0].Principal.AWS"),
    ),
    ("bucket", {}, "Missing required field Statement", "Statement"),
    ("bucket", bucket(remove=["Principal"]), "Missing required field Principal", "Statement[0]"),
    ("bucket", bucket(remove=["Action"]), "Missing required field Action", "Statement[0]"),
    ("bucket", bucket(Effect="hello"), "Invalid effect: hello", "Statement[0].Effect"),
    ("bucket", bucket(Action="invalid"), "Policy has invalid action", "Statement[0].Action"),
    ("bucket", bucket(Resource="reports"), "Policy has invalid resource", "Statement[0].Resource"),
    (
        *("bucket", bucket(Principal={"AWS": "user"})),
        *("Invalid principal in policy", "Statement[0].Principal.AWS"),
    ),
    (
        *("bucket", {"Version": "2012-10-17", "Statement": []}),
        *("Could not parse the policy: Statement is empty!", "Statement"),
    ),
    (
        *("scp", one(Principal="*")),
        "The provided policy document does not meet the requirements of the specified policy type.",
        "Statement[0].Principal",
    ),
    (
        *("rcp", bucket()),
        "The provided policy document does not meet the requirements of the specified policy type.",
        "Statement[0].Principal",
    ),
]


@pytest.mark.parametrize(("kind", "doc", "message", "path"), REFUSED)
def test_aws_says_what_is_wrong_and_we_say_where(kind, doc, message, path):
    error = refusal(doc, kind)
    assert error.message == message
    assert error.path == path
    assert (error.line, error.column) == (None, None)
    assert error.hint
    # As text, the same mistake has a place as well, on the right line.
    text = json.dumps(doc, indent=1)
    again = refusal(text, kind)
    assert (again.message, again.path, again.hint) == (message, path, error.hint)
    last = path.rpartition(".")[2].partition("[")[0]
    line = text.splitlines()[again.line - 1]
    if f'"{last}"' in text and "[" not in path.rpartition(".")[2]:
        assert f'"{last}"' in line
    assert 1 <= again.column <= len(line)


def test_iam_paths_are_checked():
    error = refusal(one(Resource="arn:aws:iam::111122223333:ana"), "identity")
    assert error.message.startswith('IAM resource path must either be "*" or start with user/, ')


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("identity", "MalformedPolicyDocument"),
        ("trust", "MalformedPolicyDocument"),
        ("bucket", "MalformedPolicy"),
        ("key", "MalformedPolicyDocumentException"),
        ("scp", "MalformedPolicyDocumentException"),
    ],
)
def test_the_error_code_is_that_of_the_service(kind, code):
    assert refusal({}, kind).code == code


def test_what_aws_refuses_to_keep_but_can_be_evaluated():
    """Unknown operators and malformed dates. [remembered: the wording]"""
    for condition, message in (
        ({"StringEqual": {"aws:username": "ana"}}, SYNTAX),
        ({"DateLessThan": {"aws:CurrentTime": "soon"}}, LEGACY),
    ):
        doc = one(Condition=condition)
        assert parse(doc, kind="identity").statements
        assert refusal(doc, "identity", stored=True).message == message


def test_an_unknown_kind_is_a_mistake_of_the_program_and_says_the_right_ones():
    with pytest.raises(ValueError, match="identity, managed"):
        parse(one(), kind="user")


def test_every_text_can_be_said_for_every_kind():
    from iamlab.policy.refusals import words

    for kind in ("identity", *WORDS):
        for problem in IAM:
            message, code, hint = words(problem, kind, {"detail": "x", "part": "y"})
            assert message and code and hint and "{d" not in message + hint


# --- JSON ---------------------------------------------------------------------------------------

TEXT = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["s3:GetObject", "s3:PutObject"],
      "Resource": "*"
    }
  ]
}"""


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "hint"),
    [
        ('"*"\n', '"*",\n', 8, 5, "a comma too many"),
        ('"Effect"', "'Effect'", 5, 7, "double quotes"),
        ('"s3:GetObject"', "NaN", 6, 18, "NaN is not a JSON number"),
        ('"Effect": "Allow",\n', '"Effect": "Allow"\n', 6, 7, "delimiter"),
        ('"Resource": "*"', '"Resource": "*", "Resource": "x"', 7, 24, "written twice"),
        ('"Resource": "*"', '"Resource": ', 8, 5, "a value is missing"),
        ('"Version"', '"Version": "x", "Version"', 2, 19, "written twice"),
        ('"Effect"', '"effect"', 5, 7, "Did you mean Effect?"),
        ('"Allow"', '"allow"', 5, 17, "capital letter"),
        ('"s3:PutObject"', '"PutObject"', 6, 34, "service:Name"),
        ('"Resource": "*"', '"Condition": {}', 4, 5, "Resource"),
        ("{\n", "\ufeff{\n", 1, 1, "byte order mark"),
    ],
)
def test_mistakes_in_the_text_have_their_line_and_column(old, new, line, column, hint):
    assert old in TEXT
    error = refusal(TEXT.replace(old, new, 1), "identity")
    assert (error.line, error.column) == (line, column)
    assert hint in error.hint
    assert f"line {line}, column {column}" in str(error)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "empty"),
        ("  \n ", "empty"),
        ("policy.json", "file name"),
        ("%7B%22Version", "URL-encoded"),
        ("null", "JSON object"),
        (TEXT + TEXT, "Extra data"),
        (TEXT[:-1], "delimiter"),
    ],
)
def test_what_is_no_json_gets_a_hint(text, hint):
    """Observed: CreatePolicy with null, or with a file's name, says "Syntax errors in policy."."""
    error = refusal(text, "identity")
    assert error.message == SYNTAX
    assert hint.lower() in error.hint.lower()


def test_trust_and_bucket_policies_have_other_words_for_broken_json():
    assert refusal("{,}", "trust").message == "This policy contains invalid Json"
    s3 = "Policies must be valid JSON and the first byte must be '{'"
    assert refusal("policy.json", "bucket").message == s3
    assert refusal("[]", "bucket").message == s3


def test_a_place_can_be_asked_for_any_path():
    read = parse(TEXT)
    assert read.place("Statement[0].Action[1]") == (6, 34)
    assert read.place("Statement[0].Effect") == (5, 17)
    assert read.place("Statement[0].Nothing.at[3].all") == (4, 5)
    assert read.place("") == (1, 1)
    assert read.line_of(0) == 4
    assert parse(one()).place("Statement[0]") is None
    assert parse(one()).line_of(0) is None


@pytest.mark.parametrize("indent", [None, 0, 3])
@pytest.mark.parametrize("number", [1, 3])
def test_where_a_statement_begins_and_ends(indent, number):
    statements = [
        {"Sid": f"S{n}", "Effect": "Deny", "Action": "*", "Resource": "*"} for n in range(number)
    ]
    alone = statements[0] if number == 1 else statements
    text = json.dumps({"Version": "2012-10-17", "Statement": alone}, indent=indent)
    read, lines = parse(text), text.split("\n")

    def offset(place):
        return sum(len(line) + 1 for line in lines[: place[0] - 1]) + place[1] - 1

    for index, statement in enumerate(statements):
        start, end = read.span(index)
        assert json.loads(text[offset(start) : offset(end)]) == statement
    assert parse(json.loads(text)).span(0) is None


def test_places_count_characters_and_know_escaped_names():
    text = '{"Statement": {"Effect": "Allow", "Act\\u0069on": "é:ü", "Resource": "*"}}'
    error = refusal(text, "identity")
    assert (error.line, error.column) == (1, text.index('"é') + 1)
    assert error.path == "Statement[0].Action"


# --- hostile input ------------------------------------------------------------------------------


def quickly(doc, kind="identity", seconds=5):
    """Return the Policy or the PolicyError. The bound is generous: this is no benchmark."""
    start = time.perf_counter()
    try:
        found = parse(doc, kind=kind)
    except PolicyError as error:
        str(error).encode()
        found = error
    assert time.perf_counter() - start < seconds
    return found


HOSTILE = {
    "open brackets": "[" * 1_000_000,
    "open braces": '{"a":' * 200_000,
    "nested well": '{"Statement":' + "[" * 100_000 + "]" * 100_000 + "}",
    "long string": json.dumps(one(Action="s3:" + "x" * 1_000_000) | {"x": 1}),
    "quotes": '{"' + '\\"' * 500_000,
    "many keys": "{" + ",".join(f'"{n}":1' for n in range(80_000)) + "}",
    "same key": "{" + ",".join(['"Effect":1'] * 80_000) + "}",
    "spaces": " " * 1_000_000,
    "long number": '{"Statement": ' + "9" * 1_000_000 + "}",
    "control character": '{"Statement": "\x00"}',
    "one of many is wrong": json.dumps(policy(*[ALLOW] * 10_000, {**ALLOW, "Effect": "No"})),
    "surrogate": '{"Statement": "\ud800"}',
    "escaped surrogate": json.dumps(one(Resource="arn:aws:s3:::\udfff")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_in_time(name):
    error = quickly(HOSTILE[name])
    assert isinstance(error, PolicyError)
    assert error.line and error.column


def test_a_great_policy_is_read_in_time():
    found = quickly(json.dumps(policy(*[{**ALLOW, "Sid": f"S{n}"} for n in range(10_000)])))
    assert isinstance(found, Policy)
    assert len(found.statements) == 10_000


def test_hostile_dicts_are_refused():
    endless = one()
    endless["Statement"][0]["Condition"] = {"Bool": endless}
    deep = value = {}
    for _ in range(100_000):
        value["a"] = value = {}
    for doc in (
        endless,
        {"Statement": deep},
        one(Resource="arn:aws:s3:::\ud800"),
        {1: 2},
        5,
        b"{}",
    ):
        assert isinstance(quickly(doc), PolicyError)
    while deep:  # let it go without a recursion of its own
        deep = deep.pop("a")


def test_a_number_that_is_none_is_no_condition_value():
    assert refusal(one(Condition={"NumericEquals": {"s3:max-keys": float("nan")}})).hint


def test_an_error_can_be_kept_and_sent():
    error = refusal(TEXT.replace("Allow", "allow"), "identity")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.path, again.line) == (str(error), error.path, error.line)


def test_every_policy_that_aws_manages_is_read():
    """AWS's own 1,500 policies, as moto carries them, are the best examples of what AWS accepts."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    from iamlab.policy.advice import advise

    documents = [one["Document"] for one in json.loads(aws_managed_policies_data).values()]
    assert len(documents) > 1000
    policies = [parse(json.dumps(doc), kind="managed", stored=True) for doc in documents]
    for policy, document in zip(policies, documents, strict=True):
        found = document["Statement"]
        assert len(policy.statements) == (1 if isinstance(found, dict) else len(found))
    # "resource-type" and its like are found in them too: AWS names actions that do nothing there.
    never = {"unknown-operator", "bad-value", "no-values", "arn-shape", "variable-needs-version"}
    assert not never & {one.code for policy in policies[::20] for one in advise(policy)}
