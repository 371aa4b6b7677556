"""What policies open, and two policies compared."""

from iamlab.policy import parse
from iamlab.policy.breadth import compare, open_actions, opens


def allow(action, **changes):
    one = {"Effect": "Allow", "Action": action, "Resource": "*", **changes}
    return {"Version": "2012-10-17", "Statement": [one]}


def deny(action, **changes):
    return allow(action, Effect="Deny", **changes)


def test_actions_stand_by_service_and_access_level():
    found = opens([allow(["s3:GetObject", "s3:PutObject"]), allow("sts:GetCallerIdentity")])
    assert found == {
        "s3": {"Read": ("s3:GetObject",), "Write": ("s3:PutObject",)},
        "sts": {"Read": ("sts:GetCallerIdentity",)},
    }


def test_unknown_actions_open_nothing_and_known_ones_are_written_as_aws_does():
    assert open_actions(allow(["S3:getobject", "s3:ReadObject", "nothing:*"])) == {"s3:GetObject"}


def test_a_deny_takes_away_only_what_it_always_denies():
    both = [allow("sts:Get*"), deny("sts:GetSessionToken")]
    assert "sts:GetSessionToken" not in open_actions(both)
    assert "sts:GetCallerIdentity" in open_actions(both)
    for narrow in (
        {"Resource": "arn:aws:iam::111122223333:user/ana"},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    ):
        narrowed = [allow("sts:Get*"), deny("sts:GetSessionToken", **narrow)]
        assert "sts:GetSessionToken" in open_actions(narrowed)


def test_not_action():
    others = allow("*")
    del others["Statement"][0]["Action"]
    others["Statement"][0]["NotAction"] = "iam:*"
    found = open_actions(others)
    assert "s3:GetObject" in found
    assert not any(action.startswith("iam:") for action in found)
    only = deny("*")
    del only["Statement"][0]["Action"]
    only["Statement"][0]["NotAction"] = "s3:Get*"
    assert open_actions([allow(["s3:GetObject", "s3:PutObject"]), only]) == {"s3:GetObject"}


def test_two_policies_are_compared():
    assert compare(allow("s3:GetObject"), parse(allow(["s3:PutObject"]))) == {
        "gained": ("s3:PutObject",),
        "lost": ("s3:GetObject",),
    }
    assert compare(allow("*"), [allow("*"), deny("s3:PutObject")]) == {
        "gained": (),
        "lost": ("s3:PutObject",),
    }
