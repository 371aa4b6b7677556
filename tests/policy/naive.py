"""A second evaluator, slow and plain, written from AWS's rules to check the real one against.

It shares no code with `iamlab.policy`: it takes plain dicts and does everything the long way.
Lines marked [I] or [M] rest on inference or memory, not on a page of AWS's documentation.
"""

import datetime
import fnmatch
import ipaddress
import re
from itertools import chain
from operator import eq, ge, gt, le, lt

ORDER = ("rcp", "scp", "resource", "identity", "boundary", "session")


def decide(request, policies):
    """Return (effect, blocked_by) as AWS would; blocked_by is None where AWS does not say.

    ``request``: principal, action, resource, context, resource_account, issuer.
    ``policies``: identity, resource, boundary, session, scps, rcps; lists of documents (scps and
    rcps: lists of levels), resource a document or None; boundary and session None when absent.
    """
    who = caller(request)
    who["bounded"] = policies["boundary"] is not None and who["kind"] != "root"
    identity = [] if who["kind"] in ("root", "service", "anonymous") else policies["identity"]
    boundary = None if who["kind"] == "root" else policies["boundary"]
    session = policies["session"]
    resource = [policies["resource"]] if policies["resource"] else []
    rcp, scp = (list(chain(*(policies[name] or []))) for name in ("rcps", "scps"))
    groups = (rcp, scp, resource, identity, boundary or [], session or [])
    # Any explicit Deny wins (Policy evaluation logic).
    for name, docs in zip(ORDER, groups, strict=True):
        if matching(docs, "Deny", request, who):
            return "explicitDeny", name

    def allows(docs):
        return bool(matching(docs, "Allow", request, who))

    # An allow in an RCP always comes from RCPFullAWSAccess. Every SCP level must allow. [M: level]
    scp = all(allows(level) for level in policies["scps"] or [])
    bounded = boundary is None or allows(boundary)
    in_session = session is None or allows(session)
    if who["kind"] == "federated" and session is None:
        in_session = False  # GetFederationToken without a policy: nothing from identity policies
    own = who["kind"] == "root" or allows(identity)
    named = strongest(matching(resource, "Allow", request, who), who)
    service = request["action"].split(":")[0].lower()
    # Trust policies and key policies must agree, also within one account.
    must_agree = bool(resource) and (service == "kms" or is_trust(request["action"]))

    if not scp:
        return "implicitDeny", "scp"
    if who["kind"] in ("service", "anonymous"):
        return ("allowed", None) if named else ("implicitDeny", "resource")
    if resource_account(request, who) != who["account"]:
        needs = [("resource", named), ("identity", own), ("boundary", bounded)]
    elif named == "direct":
        return "allowed", None
    elif named == "role":
        needs = [("boundary", bounded)]
    elif must_agree and named is None:
        return "implicitDeny", "resource" if own else None
    else:
        needs = [("identity", own), ("boundary", bounded)]
    for name, good in [*needs, ("session", in_session)]:
        if not good:
            unclear = who["kind"] == "federated" and session is None and name != "resource"
            return "implicitDeny", None if unclear else name
    return "allowed", None


def is_trust(action):
    action = action.lower()
    return action.startswith("sts:assumerole") or action in (
        "sts:tagsession",
        "sts:setsourceidentity",
    )


def caller(request):
    """Say who calls: kind, account, and every ARN by which a policy may name the caller."""
    principal = request["principal"]
    if principal == "*":
        return {"kind": "anonymous", "account": None, "direct": [], "entity": []}
    if not principal.startswith("arn:"):
        return {"kind": "service", "account": None, "direct": [principal], "entity": []}
    _, partition, _, _, account, last = principal.split(":", 5)
    kind, _, rest = last.partition("/")
    entity = []
    if kind == "assumed-role":
        made = f"arn:{partition}:iam::{account}:role/{rest.split('/')[0]}"
        entity = [request.get("issuer") or request["context"].get("aws:PrincipalArn") or made]
    elif kind == "federated-user":
        entity = [request["issuer"]]
    kinds = {"root": "root", "user": "user", "assumed-role": "role", "federated-user": "federated"}
    direct = [] if kind == "root" else [principal]
    return {"kind": kinds[kind], "account": account, "direct": direct, "entity": entity}


def resource_account(request, who):
    if request.get("resource_account"):
        return request["resource_account"]
    parts = request["resource"].split(":", 5)
    return (parts[4] if len(parts) == 6 else "") or who["account"]


def ways(element, who):
    """Return by which of its names a Principal element names the caller."""
    values = ["*"] if element == "*" else element.values()
    listed = {name for value in values for name in as_list(value)}
    account = [who["account"], f"arn:aws:iam::{who['account']}:root"] if who["account"] else []
    known = {"everyone": ["*"], **who, "account": account}
    return {way for way in ("everyone", "direct", "entity", "account") if listed & {*known[way]}}


def strongest(statements, who):
    """Return how a resource policy names the caller: "direct", "role", "account" or None."""
    found = set()
    for statement in statements:
        found |= ways(statement["Principal"], who)
    if found & {"direct", "everyone"} or ("account" in found and who["kind"] == "root"):
        return "direct"  # "everyone" is as good as direct [I]
    if "entity" in found:
        return "role"
    return "account" if found else None


def matching(docs, effect, request, who):
    return [
        statement
        for doc in docs
        for statement in as_list(doc["Statement"])
        if statement["Effect"] == effect and applies(statement, doc.get("Version"), request, who)
    ]


def applies(statement, version, request, who):
    variables = version == "2012-10-17"
    if "Principal" in statement and not ways(statement["Principal"], who):
        return False
    if "NotPrincipal" in statement:
        # Exempt only who is listed by every one of its names. [I, the cautious reading]
        found = ways(statement["NotPrincipal"], who)
        needed = {way for way in ("direct", "entity", "account") if who[way]}
        # Nor whoever has a permissions boundary: such a Deny always denies them (documented).
        if who["kind"] != "anonymous" and needed <= found and not who["bounded"]:
            return False
    action = request["action"].lower()
    for element, wanted in (("Action", True), ("NotAction", False)):
        if element in statement:
            patterns = [pattern.lower() for pattern in as_list(statement[element])]
            if any(wild(pattern, action) for pattern in patterns) != wanted:
                return False
    if "Resource" in statement:
        good = [resource_fits(p, variables, request) for p in as_list(statement["Resource"])]
        # Listing all buckets is about "*", yet AWS's examples allow it on all buckets. [I]
        listing = (action, request["resource"]) == ("s3:listallmybuckets", "*")
        if listing and "Action" in statement and "arn:aws:s3:::*" in as_list(statement["Resource"]):
            good = [True]
        if True not in good:
            return False
    if "NotResource" in statement:
        bad = [resource_fits(p, variables, request) for p in as_list(statement["NotResource"])]
        if True in bad or None in bad:  # None: a variable without a value matches nothing
            return False
    return all(
        condition(operator, key, as_list(values), variables, request["context"])
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )


def resource_fits(pattern, variables, request):
    if pattern == "*":
        return True
    parts = pattern.split(":", 5)
    if variables:
        parts[5] = fill(parts[5], request["context"])
        if parts[5] is None:
            return None
    else:
        parts[5] = escape_dollar(parts[5])
    have = request["resource"].split(":", 5)
    if len(have) != 6:
        return False
    return all(map(wild, parts, have))


# --- text ---------------------------------------------------------------------------------------
# A pattern's wildcards are * and ?; a literal star, mark or bracket is held in private characters.

HIDE = {"*": "\ue001", "?": "\ue002", "[": "\ue003", "$": "\ue004"}


def hidden(text):
    for character, stand_in in HIDE.items():
        text = text.replace(character, stand_in)
    return text


def escape_dollar(text):
    return text.replace("[", HIDE["["]).replace("$", HIDE["$"])


def wild(pattern, value):
    """Match * and ? the slow way."""
    return fnmatch.fnmatchcase(hidden(value), escape_dollar(pattern))


def fill(text, context):
    """Put in policy variables; None when one has no value. A put-in value is literal text. [I]"""
    missing = []

    def value(match):
        inside = match[1]
        if inside in ("*", "?", "$"):
            return HIDE[inside]
        key, _, default = inside.partition(",")
        found = look_up(key.strip(), context)
        if found is None or isinstance(found, list):
            if not default:
                missing.append(key)
                return ""
            found = default.strip().strip("'")
        return hidden(as_text(found))

    text = re.sub(r"\$\{([^}]*)\}", value, text)
    return None if missing else text


def look_up(key, context):
    for name, value in context.items():
        if name.lower() == key.lower():
            return value
    return None


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def as_text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


# --- conditions ---------------------------------------------------------------------------------


def condition(operator, key, wanted, variables, context):
    prefix, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    have = look_up(key, context)
    values = [] if have is None else [as_text(value) for value in as_list(have)]
    if name == "Null":
        return any((as_text(want).lower() == "true") == (not values) for want in wanted)
    negated = "Not" in name
    test = TESTS[name.replace("Not", "", 1)]

    def hit(value):
        return any(test(as_text(want), value, variables, context) for want in wanted)

    if not values:
        if if_exists or prefix == "ForAllValues":
            return True
        return False if prefix == "ForAnyValue" else negated
    hits = [hit(value) for value in values]
    if prefix == "ForAllValues":
        return not any(hits) if negated else all(hits)
    if prefix == "ForAnyValue":
        return not all(hits) if negated else any(hits)
    return not any(hits) if negated else any(hits)  # several values, plain operator [I]


def textual(compare):
    """Make a test of texts; a variable without a value fits nothing."""

    def test(want, value, variables, context):
        want = fill(want, context) if variables else escape_dollar(want)
        return want is not None and compare(want, value)

    return test


def arn_like(want, value):
    ours, theirs = want.split(":", 5), value.split(":", 5)
    return len(ours) == len(theirs) == 6 and all(map(wild, ours, theirs))


def instant(text):
    if text.isdigit():
        return float(text)
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def address(want, value, *_):
    network, host = ipaddress.ip_network(want, strict=False), ipaddress.ip_address(value)
    return network.version == host.version and host in network


def measured(read, compare):
    return lambda want, value, *_: compare(read(value), read(want))


COMPARE = {"Equals": eq, "LessThan": lt, "LessThanEquals": le}
COMPARE |= {"GreaterThan": gt, "GreaterThanEquals": ge}


TESTS = {
    # Without wildcards, a star in the policy is only a star.
    "StringEquals": textual(lambda want, value: hidden(want) == hidden(value)),
    "StringEqualsIgnoreCase": textual(lambda a, b: hidden(a).lower() == hidden(b).lower()),
    "StringLike": textual(wild),
    "ArnEquals": textual(arn_like),
    "ArnLike": textual(arn_like),
    "IpAddress": address,
    "Bool": lambda want, value, *_: want.lower() == value.lower() in ("true", "false"),
    **{f"Numeric{name}": measured(float, test) for name, test in COMPARE.items()},
    **{f"Date{name}": measured(instant, test) for name, test in COMPARE.items()},
}
