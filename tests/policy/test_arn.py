"""ARNs and callers: iam_evaluation.md §3 (Principal values) and §7."""

import pytest

from iamlab.policy.arn import ACCOUNT, DIRECT, ENTITY, read_caller, split

A = "111122223333"
ROOT = f"arn:aws:iam::{A}:root"


def test_the_resource_part_keeps_its_colons():
    assert split("arn:aws:lambda:eu-west-1:1:function:f:7")[5] == "function:f:7"


@pytest.mark.parametrize("text", ["", "reports", "arn:aws:s3", "arn:aws:s3:::", "urn:a:b:c:d:e"])
def test_what_is_no_arn_says_so(text):
    with pytest.raises(ValueError, match="is not an ARN"):
        split(text)


@pytest.mark.parametrize(
    ("principal", "kind", "issuer"),
    [
        (f"arn:aws:iam::{A}:user/mia", "user", f"arn:aws:iam::{A}:user/mia"),
        (f"arn:aws:iam::{A}:user/maps/mia", "user", f"arn:aws:iam::{A}:user/maps/mia"),
        (ROOT, "root", ROOT),
        (f"arn:aws:sts::{A}:assumed-role/Auditor/s", "role", f"arn:aws:iam::{A}:role/Auditor"),
        (f"arn:aws:iam::{A}:role/Auditor", "role", f"arn:aws:iam::{A}:role/Auditor"),
        (f"arn:aws:sts::{A}:federated-user/fay", "federated", None),
        (f"arn:aws:iam::{A}:saml-provider/Corp", "provider", None),
        ("ec2.amazonaws.com", "service", None),
        ("*", "anonymous", None),
    ],
)
def test_the_kind_of_caller_is_read_from_the_principal(principal, kind, issuer):
    caller = read_caller(principal)
    assert (caller.kind, caller.issuer) == (kind, issuer)


@pytest.mark.parametrize(
    "principal",
    ["mia", "", None, f"arn:aws:iam::{A}:group/maps", f"arn:aws:iam::{A}:policy/p", "arn:aws:iam"],
)
def test_who_cannot_make_a_request_is_refused(principal):
    """§3: groups cannot be principals [D]."""
    with pytest.raises(ValueError):
        read_caller(principal)


SESSION = f"arn:aws:sts::{A}:assumed-role/Auditor/s"
PATHED = f"arn:aws:iam::{A}:role/team/Auditor"


@pytest.mark.parametrize(
    ("caller", "entry", "strength"),
    [
        ((f"arn:aws:iam::{A}:user/mia",), ("AWS", f"arn:aws:iam::{A}:user/mia"), DIRECT),
        ((f"arn:aws:iam::{A}:user/mia",), ("AWS", f"arn:aws:iam::{A}:user/Mia"), 0),
        ((f"arn:aws:iam::{A}:user/mia",), ("AWS", f"arn:aws:iam::{A}:user/*"), 0),
        ((f"arn:aws:iam::{A}:user/mia",), ("AWS", ROOT), ACCOUNT),
        ((f"arn:aws:iam::{A}:user/mia",), ("AWS", A), ACCOUNT),
        ((f"arn:aws:iam::{A}:user/mia", None, "AIDAMIA"), ("AWS", "AIDAMIA"), DIRECT),
        ((ROOT,), ("AWS", A), DIRECT),
        ((SESSION,), ("AWS", SESSION), DIRECT),
        ((SESSION,), ("AWS", f"arn:aws:iam::{A}:role/Auditor"), ENTITY),
        ((SESSION, PATHED), ("AWS", PATHED), ENTITY),
        ((SESSION, PATHED), ("AWS", f"arn:aws:iam::{A}:role/Auditor"), 0),
        ((SESSION, None, "AROAX:s"), ("AWS", "AROAX"), ENTITY),
        (("ec2.amazonaws.com",), ("Service", "ec2.amazonaws.com"), DIRECT),
        (("ec2.amazonaws.com",), ("AWS", A), 0),
        (("*",), ("AWS", "*"), DIRECT),
        (("*",), ("AWS", A), 0),
    ],
)
def test_how_strongly_a_principal_entry_names_a_caller(caller, entry, strength):
    """§3: no wildcards inside an ARN, names are case-sensitive, IDs after recreation [D]."""
    assert read_caller(*caller).names.get(entry, 0) == strength
