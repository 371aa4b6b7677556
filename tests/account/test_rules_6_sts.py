"""iam_evaluation §6: temporary credentials, by real calls. The form of parameters is tested with
the supplements; here is what each call gives, to whom, for how long, and what it then may do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyotp
import pytest

from tests.account.helpers import (
    ACCOUNT,
    AS_IS,
    IAM,
    OTHER,
    STS,
    Doc,
    World,
    allow,
    deny,
    outcome,
    policy,
    read,
    refusal,
    signed,
    trusts,
)

ADMIN = allow("*")
TAGGING = trusts(ACCOUNT, "sts:AssumeRole", "sts:TagSession")
NAMING = trusts(ACCOUNT, "sts:AssumeRole", "sts:SetSourceIdentity")


def _mfa(world: World, name: str = "ana") -> tuple[str, pyotp.TOTP]:
    """Give a user an MFA device; return its serial number and its codes."""
    made = world.iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    codes = pyotp.TOTP(made["Base32StringSeed"].decode())
    now = world.lab.clock.now()
    world.iam.enable_mfa_device(
        UserName=name,
        SerialNumber=made["SerialNumber"],
        AuthenticationCode1=codes.at(now - timedelta(seconds=30)),
        AuthenticationCode2=codes.at(now),
    )
    world.lab.clock.advance(minutes=2)
    return made["SerialNumber"], codes


def _code(world: World, device: tuple[str, pyotp.TOTP]) -> dict[str, str]:
    return {"SerialNumber": device[0], "TokenCode": device[1].at(world.lab.clock.now())}


def _credentials(world: World, kind: str) -> Any:
    """A session of each kind in the table, of a principal who may do everything."""
    if kind == "user":
        return world.user("ana", ADMIN)
    if kind == "root":
        return world.lab.session("root")
    if kind in ("role", "chained"):
        session = world.assume(world.role("worker", ADMIN))
        return session if kind == "role" else world.assume(world.role("next", ADMIN), session)
    if kind == "root token":
        return signed(world.lab.session("root").client("sts").get_session_token())
    sts = world.user("ana", ADMIN).client("sts")
    if kind == "federated":
        return signed(sts.get_federation_token(Name="guest", Policy=policy(ADMIN)))
    more = _code(world, _mfa(world)) if kind == "token with MFA" else {}
    return signed(sts.get_session_token(**more))


# --- The table: who may call, and what the result cannot ----------------------------------------

NO = "InvalidClientTokenId"  # IAM does not accept such credentials
CAN: dict[str, dict[str, str]] = {
    # kind: operation -> outcome; what is not named is allowed
    "user": {},
    "role": {"get_federation_token": "denied", "get_session_token": "denied"},
    "chained": {"get_federation_token": "denied", "get_session_token": "denied"},
    "root": {"assume_role": "denied"},
    "federated": {
        "list_users": NO,
        "assume_role": "denied",
        "get_federation_token": "denied",
        "get_session_token": "denied",
        "get_access_key_info": "denied",
    },
    "token": {
        "list_users": NO,
        "get_federation_token": "denied",
        "get_session_token": "denied",
        "get_access_key_info": "denied",
    },
    "token with MFA": {
        "get_federation_token": "denied",
        "get_session_token": "denied",
        "get_access_key_info": "denied",
    },
    "root token": {
        "list_users": NO,
        "assume_role": "denied",
        "get_federation_token": "denied",
        "get_session_token": "denied",
        "get_access_key_info": "denied",
    },
}


@pytest.mark.parametrize("kind", CAN)
def test_what_credentials_cannot_do(world: World, kind: str) -> None:
    """§6, table, columns "Callers" and "Result cannot" [D]; root and roles: §4 [O]."""
    vault = world.role("vault", trust="*")
    session = _credentials(world, kind)
    sts, iam, s3 = (session.client(name) for name in ("sts", "iam", "s3"))
    key = session.get_credentials().access_key
    calls = {
        "get_caller_identity": lambda: sts.get_caller_identity(),
        "assume_role": lambda: sts.assume_role(RoleArn=vault, RoleSessionName="morning"),
        "get_federation_token": lambda: sts.get_federation_token(
            Name="guest", Policy=policy(ADMIN)
        ),
        "get_session_token": lambda: sts.get_session_token(),
        "get_access_key_info": lambda: sts.get_access_key_info(AccessKeyId=key),
        "list_users": lambda: iam.list_users(),
        "list_buckets": lambda: s3.list_buckets(),
    }
    answers = {name: outcome(call) for name, call in calls.items()}
    assert answers == {name: CAN[kind].get(name, "allowed") for name in calls}


@pytest.mark.parametrize("call", ["assume_role_with_web_identity", "assume_role_with_saml"])
def test_unsigned_calls_are_judged_by_their_token(world: World, call: str) -> None:
    """§6, table, second row [D]: no signature is asked for, a bad token is refused."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    sts = boto3.client("sts", config=Config(signature_version=UNSIGNED))
    vault = world.role("vault", trust=({**trusts("*"), "Action": "sts:*"},))
    more = {
        "assume_role_with_web_identity": {"RoleSessionName": "morning", "WebIdentityToken": "none"},
        "assume_role_with_saml": {
            "PrincipalArn": f"{IAM}:saml-provider/none",
            "SAMLAssertion": "bm9uZQ==",
        },
    }[call]
    refused = refusal(lambda: getattr(sts, call)(RoleArn=vault, **more))
    assert refused and (refused.code, refused.status) == ("InvalidIdentityToken", 400)


# --- Durations ----------------------------------------------------------------------------------

ROOT = "root"
# (API, caller, role's maximum, asked seconds, seconds given or error code)
DURATIONS = [
    ("assume_role", "user", 3600, None, 3600),
    ("assume_role", "user", 43_200, None, 3600),
    ("assume_role", "user", 3600, 900, 900),
    ("assume_role", "user", 3600, 899, "ValidationError"),
    ("assume_role", "user", 3600, 3600, 3600),
    ("assume_role", "user", 3600, 3601, "ValidationError"),
    ("assume_role", "user", 7200, 7200, 7200),
    ("assume_role", "user", 43_200, 43_200, 43_200),
    ("assume_role", "user", 43_200, 43_201, "ValidationError"),
    ("assume_role", "role", 43_200, 3600, 3600),
    ("assume_role", "role", 43_200, 3601, "ValidationError"),
    ("assume_role", "role", 43_200, None, 3600),
    ("get_federation_token", "user", None, None, 43_200),
    ("get_federation_token", "user", None, 900, 900),
    ("get_federation_token", "user", None, 899, "ValidationError"),
    ("get_federation_token", "user", None, 129_600, 129_600),
    ("get_federation_token", "user", None, 129_601, "ValidationError"),
    ("get_federation_token", ROOT, None, None, 3600),
    ("get_federation_token", ROOT, None, 900, 900),
    ("get_federation_token", ROOT, None, 129_600, 3600),
    ("get_session_token", "user", None, None, 43_200),
    ("get_session_token", "user", None, 900, 900),
    ("get_session_token", "user", None, 899, "ValidationError"),
    ("get_session_token", "user", None, 129_600, 129_600),
    ("get_session_token", "user", None, 129_601, "ValidationError"),
    ("get_session_token", ROOT, None, None, 3600),
    ("get_session_token", ROOT, None, 129_600, 3600),
]


@pytest.mark.parametrize(("api", "who", "longest", "asked", "given"), DURATIONS)
def test_durations(
    world: World, api: str, who: str, longest: int | None, asked: int | None, given: Any
) -> None:
    """§6, table, columns "Callers" and "Duration", and the bullet on MaxSessionDuration [D]."""
    sts = _credentials(world, who).client("sts", config=AS_IS)
    more: dict[str, Any] = {"DurationSeconds": asked} if asked else {}
    if api == "assume_role":
        more["RoleArn"] = world.role("vault", MaxSessionDuration=longest)
        more["RoleSessionName"] = "morning"
    elif api == "get_federation_token":
        more["Name"] = "guest"
    made: dict[str, Any] = {}
    answer = outcome(lambda: made.update(getattr(sts, api)(**more)))
    if isinstance(given, str):
        assert answer == given
        return
    assert answer == "allowed"
    left = (made["Credentials"]["Expiration"] - world.lab.clock.now()).total_seconds()
    assert given - 5 <= left <= given
    world.lab.clock.advance(seconds=given - 5)
    session = signed(made).client("sts")
    assert outcome(session.get_caller_identity) == "allowed"
    world.lab.clock.advance(seconds=10)
    assert outcome(session.get_caller_identity) == "ExpiredToken"


@pytest.mark.parametrize(
    ("who", "asked", "text"),
    [
        ("user", 7200, "The requested DurationSeconds exceeds the MaxSessionDuration set for "
                       "this role."),
        ("role", 7200, "The requested DurationSeconds exceeds the 1 hour session limit for roles "
                       "assumed by role chaining."),
    ],
)  # fmt: skip
def test_too_long_in_awss_words(world: World, who: str, asked: int, text: str) -> None:
    """§6, bullet on MaxSessionDuration: texts [O]."""
    vault = world.role("vault", MaxSessionDuration=3600 if who == "user" else 43_200)
    session = _credentials(world, who)
    refused = refusal(lambda: world.assume(vault, session, DurationSeconds=asked))
    assert refused and (refused.code, refused.status) == ("ValidationError", 400)
    assert refused.text == text


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [
        (3599, "ValidationError"),
        (3600, "allowed"),
        (43_200, "allowed"),
        (43_201, "ValidationError"),
    ],
)
def test_max_session_duration_has_bounds(world: World, seconds: int, wanted: str) -> None:
    """§6, bullet on MaxSessionDuration [D]."""
    assert outcome(lambda: world.role("vault", MaxSessionDuration=seconds)) == wanted
    world.role("other")
    change = {"RoleName": "other", "MaxSessionDuration": seconds}
    assert outcome(lambda: world.iam.update_role(**change)) == wanted


def test_a_changed_maximum_acts_on_the_next_session(world: World) -> None:
    """§6 [D]; sessions that run keep their time [M]."""
    vault = world.role("vault", MaxSessionDuration=7200)
    running = world.assume(vault, DurationSeconds=7200).client("sts")
    world.iam.update_role(RoleName="vault", MaxSessionDuration=3600)
    assert outcome(lambda: world.assume(vault, DurationSeconds=7200)) == "ValidationError"
    world.lab.clock.advance(minutes=90)
    assert outcome(running.get_caller_identity) == "allowed"


# --- What policies cannot touch -----------------------------------------------------------------


@pytest.mark.parametrize("who", ["user", "role", "scp"])
def test_get_caller_identity_always_works(world: World, who: str) -> None:
    """§6 [D]: even with an explicit Deny."""
    ban = deny("*")
    if who == "scp":
        member = world.organization()
        session = world.user("ana", account=member)
        world.scp("ban", ban, target=member)
    elif who == "user":
        session = world.user("ana", ban)
    else:
        session = world.assume(world.role("worker", ban))
    assert outcome(session.client("sts").get_caller_identity) == "allowed"


@pytest.mark.parametrize("limit", ["nothing", "deny", "boundary", "scp"])
def test_get_session_token_needs_no_permission(world: World, limit: str) -> None:
    """§6 [D]; that a Deny in an SCP is ignored too: [I]."""
    account, more = ACCOUNT, {}
    if limit == "scp":
        account = world.organization()
        world.scp("ban", deny("sts:*"), target=account)
    if limit == "boundary":
        more["PermissionsBoundary"] = world.managed("limit", allow("s3:*"))
    statements = [deny("*")] if limit == "deny" else []
    ana = world.user("ana", *statements, account=account, **more)
    assert outcome(ana.client("sts").get_session_token) == "allowed"


def test_get_federation_token_needs_permission(world: World) -> None:
    """§6, table [D], in contrast."""
    ana = world.user("ana").client("sts")
    assert outcome(lambda: ana.get_federation_token(Name="guest")) == "denied"
    world.grant("user/ana", allow("sts:GetFederationToken", f"{STS}:federated-user/guest"))
    assert outcome(lambda: ana.get_federation_token(Name="guest")) == "allowed"
    assert outcome(lambda: ana.get_federation_token(Name="other")) == "denied"


@pytest.mark.parametrize("name", ["a", "a" * 33, "a b"])
def test_federated_names(world: World, name: str) -> None:
    """§6 [D]: 2 to 32 characters."""
    ana = world.user("ana", ADMIN).client("sts", config=AS_IS)
    assert outcome(lambda: ana.get_federation_token(Name=name)) == "ValidationError"
    assert outcome(lambda: ana.get_federation_token(Name="a" * 32)) == "allowed"


def test_in_a_role_only_the_role_counts(world: World) -> None:
    """§6 [D]: neither the caller's Allow nor the caller's Deny comes along."""
    ana = world.user("ana", ADMIN, deny("s3:*"))
    session = world.assume(world.role("worker", allow("s3:ListAllMyBuckets")), ana)
    assert outcome(session.client("s3").list_buckets) == "allowed"
    assert outcome(session.client("iam").list_users) == "denied"
    world.grant("user/ana")
    assert outcome(session.client("s3").list_buckets) == "allowed"


def test_the_session_outlives_the_caller_s_key(world: World) -> None:
    """§6: the role's session is its own; only its expiry or the role's end stops it."""
    ana = world.user("ana", ADMIN)
    session = world.assume(world.role("worker", ADMIN), ana)
    key = ana.get_credentials().access_key
    world.iam.delete_access_key(UserName="ana", AccessKeyId=key)
    assert outcome(session.client("s3").list_buckets) == "allowed"


# --- Session policies ---------------------------------------------------------------------------


def _padded(size: int) -> str:
    """A session policy of exactly so many characters."""
    bare = policy(allow("s3:*", "arn:aws:s3:::"))
    return policy(allow("s3:*", "arn:aws:s3:::" + "a" * (size - len(bare))))


@pytest.mark.parametrize("api", ["assume_role", "get_federation_token"])
@pytest.mark.parametrize(("size", "wanted"), [(2048, "allowed"), (2049, "ValidationError")])
def test_inline_session_policies_have_2048_characters(
    world: World, api: str, size: int, wanted: str
) -> None:
    """§6, bullet on session policies [D]."""
    sts = world.admin("sts")
    more = (
        {"RoleArn": world.role("worker"), "RoleSessionName": "morning"}
        if api == "assume_role"
        else {"Name": "guest"}
    )
    assert outcome(lambda: getattr(sts, api)(Policy=_padded(size), **more)) == wanted


@pytest.mark.parametrize(("count", "wanted"), [(10, "allowed"), (11, "ValidationError")])
def test_ten_managed_session_policies(world: World, count: int, wanted: str) -> None:
    """§6, bullet on session policies [D]."""
    worker = world.role("worker", ADMIN)
    arns = [{"arn": world.managed(f"p{n}", allow("s3:*"))} for n in range(count)]
    assert outcome(lambda: world.assume(worker, PolicyArns=arns)) == wanted


def test_inline_and_managed_session_policies_are_one(world: World) -> None:
    """§6, bullet on session policies [D]: what any of them allows passes."""
    worker = world.role("worker", ADMIN)
    managed = world.managed("lists", allow("s3:ListAllMyBuckets"))
    session = world.assume(
        worker, Policy=policy(allow("iam:ListUsers")), PolicyArns=[{"arn": managed}]
    )
    assert outcome(session.client("s3").list_buckets) == "allowed"
    assert outcome(session.client("iam").list_users) == "allowed"
    assert outcome(session.client("iam").list_roles) == "denied"


def test_too_much_together_is_packed_policy_too_large(world: World) -> None:
    """§6, bullet on session policies [D]: 2,048 characters combined."""
    worker = world.role("worker")
    arns = [{"arn": world.managed("n" * 120 + str(n), allow("s3:*"))} for n in range(2)]
    refused = refusal(lambda: world.assume(worker, Policy=_padded(1900), PolicyArns=arns))
    assert refused and (refused.code, refused.status) == ("PackedPolicyTooLarge", 400)
    assert outcome(lambda: world.assume(worker, Policy=_padded(1000), PolicyArns=arns)) == "allowed"


def test_get_session_token_takes_no_session_policy(world: World) -> None:
    """§6, table, column "Session policy" [D]: the API has no such parameter."""
    members = world.admin("sts").meta.service_model.operation_model("GetSessionToken").input_shape
    assert not {"Policy", "PolicyArns"} & set(members.members)


# --- MFA parameters -----------------------------------------------------------------------------


def test_assume_role_with_mfa(world: World) -> None:
    """§6, table, column "MFA params" [D]: the trust policy sees the code."""
    ana = world.user("ana", ADMIN)
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    vault = world.role("vault", trust=(trusts(ACCOUNT, Condition=condition),))
    device = _mfa(world)
    assert outcome(lambda: world.assume(vault, ana)) == "denied"
    assert outcome(lambda: world.assume(vault, ana, **_code(world, device))) == "allowed"
    wrong = {"SerialNumber": device[0], "TokenCode": "000000"}
    refused = refusal(lambda: world.assume(vault, ana, **wrong))
    assert refused and (refused.code, refused.status) == ("AccessDenied", 403)
    assert "invalid MFA one time pass code" in refused.text


def test_the_mfa_session_may_then_assume(world: World) -> None:
    """§6, table, column "MFA params" [D]: the code given to GetSessionToken goes along."""
    ana = world.user("ana", ADMIN)
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    vault = world.role("vault", trust=(trusts(ACCOUNT, Condition=condition),))
    device = _mfa(world)
    plain = signed(ana.client("sts").get_session_token())
    assert outcome(lambda: world.assume(vault, plain)) == "denied"
    strong = signed(ana.client("sts").get_session_token(**_code(world, device)))
    assert outcome(lambda: world.assume(vault, strong)) == "allowed"


# --- Session tags -------------------------------------------------------------------------------


def _tags(**tags: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


LIMITS = [
    (_tags(**{f"k{n}": "v" for n in range(50)}), "allowed"),
    (_tags(**{f"k{n}": "v" for n in range(51)}), "ValidationError"),
    (_tags(**{"k" * 128: "v"}), "allowed"),
    (_tags(**{"k" * 129: "v"}), "ValidationError"),
    (_tags(k="v" * 256), "allowed"),
    (_tags(k="v" * 257), "ValidationError"),
]


@pytest.mark.parametrize(("tags", "wanted"), LIMITS)
def test_limits_of_session_tags(world: World, tags: Any, wanted: str) -> None:
    """§6, bullet on session tags [D]."""
    vault = world.role("vault", trust=(TAGGING,))
    assert outcome(lambda: world.assume(vault, Tags=tags)) == wanted


@pytest.mark.parametrize(
    ("trusted", "identity", "wanted"),
    [
        ([ACCOUNT, "sts:AssumeRole"], [ADMIN], "denied"),
        ([ACCOUNT, "sts:AssumeRole", "sts:TagSession"], [ADMIN], "allowed"),
        ([ACCOUNT, "sts:AssumeRole", "sts:TagSession"], [allow("sts:AssumeRole")], "denied"),
        ([f"{IAM}:user/ana", "sts:AssumeRole", "sts:TagSession"], [], "allowed"),
    ],
)
def test_session_tags_need_tag_session(
    world: World, trusted: list[str], identity: list[Doc], wanted: str
) -> None:
    """§6, bullet on session tags [D]: alongside sts:AssumeRole, in the trust policy."""
    ana = world.user("ana", *identity)
    vault = world.role("vault", trust=(trusts(*trusted),))
    assert outcome(lambda: world.assume(vault, ana, Tags=_tags(team="maps"))) == wanted


@pytest.mark.parametrize("theirs", [True, False])
@pytest.mark.parametrize("ours", [True, False])
def test_tagging_across_accounts_needs_both_sides(world: World, theirs: bool, ours: bool) -> None:
    """§6, bullet on session tags [D in trust; I in the identity policy]."""
    actions = ["sts:AssumeRole", "sts:TagSession"]
    ana = world.user("ana", allow(actions[: 1 + ours]))
    vault = world.role("vault", trust=(trusts(ACCOUNT, *actions[: 1 + theirs]),), account=OTHER)
    wanted = "allowed" if ours and theirs else "denied"
    assert outcome(lambda: world.assume(vault, ana, Tags=_tags(team="maps"))) == wanted


@pytest.mark.parametrize(
    ("condition", "tags", "transitive", "wanted"),
    [
        ({"StringEquals": {"aws:RequestTag/team": "maps"}}, _tags(team="maps"), [], "allowed"),
        ({"StringEquals": {"aws:RequestTag/team": "maps"}}, _tags(team="ops"), [], "denied"),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}, _tags(team="x"), [], "allowed"),
        (
            {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}},
            _tags(team="x", site="y"),
            [],
            "denied",
        ),
        (
            {"ForAnyValue:StringEquals": {"sts:TransitiveTagKeys": ["team"]}},
            _tags(team="x"),
            ["team"],
            "allowed",
        ),
        (
            {"ForAnyValue:StringEquals": {"sts:TransitiveTagKeys": ["team"]}},
            _tags(team="x"),
            [],
            "denied",
        ),
    ],
)
def test_keys_of_tag_session(
    world: World, condition: Doc, tags: Any, transitive: list[str], wanted: str
) -> None:
    """§6, bullet on session tags [D]: the second authorization sees the tags asked for."""
    says = (
        trusts(ACCOUNT),
        trusts(ACCOUNT, "sts:TagSession", Condition=condition),
    )
    vault = world.role("vault", trust=says)
    more = {"TransitiveTagKeys": transitive} if transitive else {}
    assert outcome(lambda: world.assume(vault, Tags=tags, **more)) == wanted


def _only_tagged(value: str, key: str = "team") -> Doc:
    return allow("*", Condition={"StringEquals": {f"aws:PrincipalTag/{key}": value}})


def test_session_tags_override_role_tags(world: World) -> None:
    """§6, bullet on session tags [D]: of the same key, ignoring case."""
    vault = world.role(
        "vault", _only_tagged("maps"), trust=(TAGGING,), Tags=_tags(team="ops", site="oslo")
    )
    assert outcome(world.assume(vault).client("s3").list_buckets) == "denied"
    session = world.assume(vault, Tags=_tags(TEAM="maps"))
    assert outcome(session.client("s3").list_buckets) == "allowed"
    world.grant("role/vault", _only_tagged("oslo", "site"))  # the role's other tag stays
    assert outcome(session.client("s3").list_buckets) == "allowed"


def test_transitive_tags_persist_and_cannot_be_overwritten(world: World) -> None:
    """§6, bullet on session tags [D]."""
    first = world.role("first", ADMIN, trust=(TAGGING,))
    second = world.role("second", _only_tagged("maps"), trust=(TAGGING,), Tags=_tags(team="ops"))
    third = world.role("third", _only_tagged("maps"), trust=(TAGGING,))
    one = world.assume(first, Tags=_tags(team="maps", site="oslo"), TransitiveTagKeys=["team"])
    two = world.assume(second, one)  # overrides the second role's own tag
    assert outcome(two.client("s3").list_buckets) == "allowed"
    world.grant("role/second", ADMIN)
    three = world.assume(third, two)
    assert outcome(three.client("s3").list_buckets) == "allowed"
    world.grant("role/third", _only_tagged("oslo", "site"))  # this one was not transitive
    assert outcome(three.client("s3").list_buckets) == "denied"
    for key in ("team", "Team"):
        again = {"Tags": _tags(**{key: "ops"})}
        refused = refusal(lambda more=again: world.assume(second, one, **more))
        assert refused and refused.status == 400
    other = {"Tags": _tags(site="rome")}  # not transitive: may be set anew
    assert outcome(lambda: world.assume(second, one, **other)) == "allowed"


def test_role_tags_are_not_handed_on(world: World) -> None:
    """§6, bullet on session tags [D]: role tags cannot be transitive."""
    first = world.role("first", ADMIN, trust=(TAGGING,), Tags=_tags(team="maps"))
    second = world.role("second", _only_tagged("maps"), trust=(TAGGING,))
    two = world.assume(second, world.assume(first))
    assert outcome(two.client("s3").list_buckets) == "denied"
    asked = {"TransitiveTagKeys": ["team"]}
    refused = refusal(lambda: world.assume(first, **asked))
    assert refused and refused.status == 400


def test_federated_users_bring_tags(world: World) -> None:
    """§6, bullet on session tags [D], for GetFederationToken."""
    ana = world.user("ana", ADMIN).client("sts")
    made = ana.get_federation_token(
        Name="guest", Policy=policy(_only_tagged("maps")), Tags=_tags(team="maps")
    )
    assert outcome(signed(made).client("s3").list_buckets) == "allowed"
    made = ana.get_federation_token(Name="guest", Policy=policy(_only_tagged("maps")))
    assert outcome(signed(made).client("s3").list_buckets) == "denied"
    world.grant("user/ana", allow("sts:GetFederationToken"))
    more = {"Name": "guest", "Tags": _tags(team="maps")}
    assert outcome(lambda: ana.get_federation_token(**more)) == "denied"


# --- External ID, source identity, session name -------------------------------------------------


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("a", "ValidationError"),
        ("ab", "allowed"),
        ("a" * 1224, "allowed"),
        ("a" * 1225, "ValidationError"),
        ("a_+=,.@:/-Z9", "allowed"),
        ("a b", "ValidationError"),
        ("a!b", "ValidationError"),
    ],
)
def test_the_form_of_external_ids(world: World, value: str, wanted: str) -> None:
    """§6, bullet on sts:ExternalId [D]."""
    vault = world.role("vault")
    assert outcome(lambda: world.assume(vault, ExternalId=value)) == wanted


@pytest.mark.parametrize(
    ("given", "wanted"), [(None, "denied"), ("Wrong-ID", "denied"), ("My-ID", "allowed")]
)
def test_external_ids(world: World, given: str | None, wanted: str) -> None:
    """§6, bullet on sts:ExternalId [D]: missing or wrong is an implicit denial."""
    condition = {"StringEquals": {"sts:ExternalId": "My-ID"}}
    vault = world.role("vault", trust=(trusts(ACCOUNT, Condition=condition),), account=OTHER)
    more = {"ExternalId": given} if given else {}
    assert outcome(lambda: world.assume(vault, **more)) == wanted
    if wanted == "denied":
        assert world.lab.why().effect == "implicitDeny"
    absent = {"Null": {"sts:ExternalId": "true"}}  # in the context only if passed
    shy = world.role("shy", trust=(trusts(ACCOUNT, Condition=absent),))
    assert outcome(lambda: world.assume(shy, **more)) == ("denied" if given else "allowed")


@pytest.mark.parametrize(
    ("parameter", "value", "wanted"),
    [
        ("SourceIdentity", "a", "ValidationError"),
        ("SourceIdentity", "a" * 64, "allowed"),
        # 64 in the IAM User Guide; the API's own model says 256 today, and is followed.
        ("SourceIdentity", "a" * 256, "allowed"),
        ("SourceIdentity", "a" * 257, "ValidationError"),
        ("SourceIdentity", "aws:ana", "ValidationError"),
        ("RoleSessionName", "a", "ValidationError"),
        ("RoleSessionName", "ab", "allowed"),
        ("RoleSessionName", "a_+=,.@-Z9", "allowed"),
        ("RoleSessionName", "a" * 65, "ValidationError"),
        ("RoleSessionName", "a:b", "ValidationError"),
    ],
)
def test_names_in_a_session(world: World, parameter: str, value: str, wanted: str) -> None:
    """§6, bullet on sts:ExternalId [D]: bounds of SourceIdentity and RoleSessionName."""
    vault = world.role("vault", trust=(NAMING,))
    assert outcome(lambda: world.assume(vault, **{parameter: value})) == wanted


@pytest.mark.parametrize(
    ("case", "identity", "trusted", "wanted"),
    [
        ("same account, trust silent", [ADMIN], (trusts(ACCOUNT),), "denied"),
        ("same account, trust allows", [ADMIN], (NAMING,), "allowed"),
    ],
)
def test_source_identity_needs_the_trust_policy(
    world: World, case: str, identity: list[Doc], trusted: Any, wanted: str
) -> None:
    """§6, bullet on sts:ExternalId [D]."""
    ana = world.user("ana", *identity)
    vault = world.role("vault", trust=trusted)
    assert outcome(lambda: world.assume(vault, ana, SourceIdentity="mia")) == wanted


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("case", ["chaining", "another account"])
def test_source_identity_needs_the_caller_s_policies_too(
    world: World, case: str, ours: bool
) -> None:
    """§6, bullet on sts:ExternalId [D]: when chaining or crossing accounts.

    In the first case the trust policy names the caller's role itself, which would be enough for
    sts:AssumeRole alone.
    """
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity"][: 1 + ours]
    if case == "chaining":
        caller = world.assume(world.role("first", allow(actions)))
        says = trusts(f"{IAM}:role/first", "sts:AssumeRole", "sts:SetSourceIdentity")
        vault = world.role("vault", trust=(says,))
    else:
        caller = world.user("ana", allow(actions))
        vault = world.role("vault", trust=(NAMING,), account=OTHER)
    wanted = "allowed" if ours else "denied"
    assert outcome(lambda: world.assume(vault, caller, SourceIdentity="mia")) == wanted


def test_source_identity_is_seen_and_cannot_change(world: World) -> None:
    """§6, bullet on sts:ExternalId [D]: sts:SourceIdentity at AssumeRole, aws: afterwards."""
    asks = {"StringEquals": {"sts:SourceIdentity": "mia"}}
    says = (trusts(ACCOUNT, "sts:AssumeRole", "sts:SetSourceIdentity", Condition=asks),)
    mine = {"StringEquals": {"aws:SourceIdentity": "mia"}}
    vault = world.role("vault", allow("*", Condition=mine), trust=says)
    assert outcome(lambda: world.assume(vault)) == "denied"
    assert outcome(lambda: world.assume(vault, SourceIdentity="eve")) == "denied"
    session = world.assume(vault, SourceIdentity="mia")
    assert outcome(session.client("s3").list_buckets) == "allowed"
    following = world.role("next", allow("*", Condition=mine), trust=(NAMING,))
    chained = world.assume(following, session)  # goes on by itself
    assert outcome(chained.client("s3").list_buckets) == "allowed"
    assert outcome(lambda: world.assume(following, session, SourceIdentity="eve")) == "denied"
    plain = world.assume(following)
    assert outcome(plain.client("s3").list_buckets) == "denied"


# --- Keys of temporary credentials --------------------------------------------------------------

PRESENT = {
    # kind: (MultiFactorAuthPresent, MultiFactorAuthAge, TokenIssueTime, username)
    "user": (False, False, False, True),
    "root": (False, False, False, False),
    "role": (True, False, True, False),
    "token": (True, False, True, True),
    "token with MFA": (True, True, True, True),
}
KEYS = (
    "aws:MultiFactorAuthPresent",
    "aws:MultiFactorAuthAge",
    "aws:TokenIssueTime",
    "aws:username",
)


@pytest.mark.parametrize("kind", PRESENT)
@pytest.mark.parametrize("key", KEYS)
def test_keys_that_only_some_callers_have(world: World, kind: str, key: str) -> None:
    """§6, bullet on aws:MultiFactorAuthPresent [D]; seen by a bucket policy that denies."""
    there = PRESENT[kind][KEYS.index(key)]
    ban = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject"}
    ban |= {"Resource": "arn:aws:s3:::reports/*", "Condition": {"Null": {key: "false"}}}
    world.bucket("reports", ban)
    session = _credentials(world, kind)
    assert outcome(read(session)) == ("denied" if there else "allowed")


def test_mfa_present_is_false_without_a_code(world: World) -> None:
    """§6, same bullet [D]: with temporary credentials the key is there, and says false."""
    ban = deny("s3:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}})
    ana = world.user("ana", ADMIN, ban)
    assert outcome(ana.client("s3").list_buckets) == "allowed"  # absent with long-term keys
    session = signed(ana.client("sts").get_session_token())
    assert outcome(session.client("s3").list_buckets) == "denied"
    device = _mfa(world)
    strong = signed(ana.client("sts").get_session_token(**_code(world, device)))
    assert outcome(strong.client("s3").list_buckets) == "allowed"


def test_the_age_of_mfa_grows(world: World) -> None:
    """§6, same bullet [D]."""
    fresh = {"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}
    ana = world.user("ana", allow("s3:*", Condition=fresh))
    device = _mfa(world)
    s3 = signed(ana.client("sts").get_session_token(**_code(world, device))).client("s3")
    assert outcome(s3.list_buckets) == "allowed"
    world.lab.clock.advance(minutes=6)
    assert outcome(s3.list_buckets) == "denied"


def test_older_sessions_are_revoked_by_their_issue_time(world: World) -> None:
    """§6, same bullet [D]: aws:TokenIssueTime, the way to end sessions that run."""
    vault = world.role("vault", ADMIN)
    old = world.assume(vault).client("s3")
    world.lab.clock.advance(minutes=1)
    now = world.lab.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    ban = deny("*", Condition={"DateLessThan": {"aws:TokenIssueTime": now}})
    world.grant("role/vault", ban, name="AWSRevokeOlderSessions")
    world.lab.clock.advance(minutes=1)
    assert outcome(old.list_buckets) == "denied"
    assert outcome(world.assume(vault).client("s3").list_buckets) == "allowed"


# --- iam:PassRole -------------------------------------------------------------------------------


def _function(session: Any, role: str) -> Any:
    client = session.client("lambda")
    return lambda: client.create_function(
        FunctionName="f",
        Runtime="python3.12",
        Role=role,
        Handler="h.h",
        Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
    )


PASS = {
    "no PassRole": ([], "denied"),
    "on this role": ([allow("iam:PassRole", f"{IAM}:role/worker")], "allowed"),
    "on another role": ([allow("iam:PassRole", f"{IAM}:role/other")], "denied"),
    "to this service": (
        [allow("iam:PassRole", Condition={"StringEquals": {
            "iam:PassedToService": "lambda.amazonaws.com"}})],
        "allowed",
    ),
    "to another service": (
        [allow("iam:PassRole", Condition={"StringEquals": {
            "iam:PassedToService": "ec2.amazonaws.com"}})],
        "denied",
    ),
    "for this resource": (
        [allow("iam:PassRole", Condition={"ArnLike": {
            "iam:AssociatedResourceArn": "arn:aws:lambda:*:*:function:f"}})],
        "allowed",
    ),
    "for another resource": (
        [allow("iam:PassRole", Condition={"ArnLike": {
            "iam:AssociatedResourceArn": "arn:aws:lambda:*:*:function:g"}})],
        "denied",
    ),
    "by the role's tag: cannot be limited so": (
        [allow("iam:PassRole", Condition={"StringEquals": {"aws:ResourceTag/team": "maps"}})],
        "denied",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", PASS)
def test_pass_role(world: World, row: str) -> None:
    """§6, last bullet [D]: asked when a role is handed to a service."""
    statements, wanted = PASS[row]
    service = {"Service": "lambda.amazonaws.com"}
    worker = world.role("worker", trust=(trusts(service),), Tags=_tags(team="maps"))
    ana = world.user("ana", allow("lambda:*"), *statements)
    refused = refusal(_function(ana, worker))
    assert ("denied" if refused else "allowed") == wanted
    if refused:
        assert refused.code == "AccessDeniedException"
        assert "is not authorized to perform: iam:PassRole on resource: " + worker in refused.text


@pytest.mark.parametrize("may", [True, False])
def test_pass_role_to_an_instance(world: World, may: bool) -> None:
    """§6, last bullet [D], for EC2: the role of the instance profile."""
    world.role("worker", trust=(trusts({"Service": "ec2.amazonaws.com"}),))
    world.iam.create_instance_profile(InstanceProfileName="p")
    world.iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="worker")
    more = [allow("iam:PassRole", f"{IAM}:role/worker")] if may else []
    ana = world.user("ana", allow("ec2:*"), *more).client("ec2")
    run = lambda: ana.run_instances(  # noqa: E731
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1, IamInstanceProfile={"Name": "p"}
    )
    assert outcome(run) == ("allowed" if may else "denied")


# --- The end of sessions ------------------------------------------------------------------------


def test_deleting_the_role_ends_its_sessions(world: World) -> None:
    """§6 and issue: a role made anew under the same name has new sessions only."""
    vault = world.role("vault", ADMIN)
    session = world.assume(vault)
    world.grant("role/vault")
    world.iam.delete_role(RoleName="vault")
    assert outcome(session.client("s3").list_buckets) == "InvalidAccessKeyId"
    assert outcome(session.client("sts").get_caller_identity) == "InvalidClientTokenId"
    world.role("vault", ADMIN)
    assert outcome(session.client("s3").list_buckets) == "InvalidAccessKeyId"
    assert outcome(world.assume(vault).client("s3").list_buckets) == "allowed"


@pytest.mark.parametrize("call", ["get_federation_token", "get_session_token"])
def test_deleting_the_user_ends_the_sessions(world: World, call: str) -> None:
    """§6: their permissions were the user's."""
    ana = world.user("ana", ADMIN)
    more = {"Name": "guest", "Policy": policy(ADMIN)} if "federation" in call else {}
    session = signed(getattr(ana.client("sts"), call)(**more)).client("s3")
    assert outcome(session.list_buckets) == "allowed"
    key = ana.get_credentials().access_key
    world.iam.delete_access_key(UserName="ana", AccessKeyId=key)
    world.grant("user/ana")
    world.iam.delete_user(UserName="ana")
    assert outcome(session.list_buckets) != "allowed"
