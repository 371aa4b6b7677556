"""iam_evaluation §9: quotas, names, password policies and the errors that guard them, by calls.

Quotas that would take thousands of calls to reach (5,000 users and the like) are filled behind
the API and then met by one call.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.account.certificates import certificate, ssh_key
from tests.account.helpers import (
    ACCOUNT,
    AS_IS,
    IAM,
    World,
    allow,
    deny,
    outcome,
    policy,
    refusal,
    trusts,
)

LIMIT = ("LimitExceeded", 409)


def _sized(size: int, **more: Any) -> str:
    """A policy of exactly so many characters that are not white space."""
    bare = "".join(policy(allow("s3:*", "arn:aws:s3:::", **more)).split())
    return policy(allow("s3:*", "arn:aws:s3:::" + "a" * (size - len(bare)), **more))


def _answer(call: Callable[[], Any]) -> Any:
    refused = refusal(call)
    return (refused.code, refused.status) if refused else "allowed"


# --- Sizes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "wanted"), [(6144, "allowed"), (6145, LIMIT)])
@pytest.mark.parametrize("how", ["policy", "version"])
def test_size_of_managed_policies(world: World, how: str, size: int, wanted: Any) -> None:
    """§9 [M]: 6,144."""
    iam, text = world.iam, _sized(size)
    if how == "policy":
        call = lambda: iam.create_policy(PolicyName="p", PolicyDocument=text)  # noqa: E731
    else:
        arn = world.managed("p", allow("s3:*"))
        call = lambda: iam.create_policy_version(PolicyArn=arn, PolicyDocument=text)  # noqa: E731
    assert _answer(call) == wanted


@pytest.mark.parametrize(("kind", "most"), [("user", 2048), ("group", 5120), ("role", 10_240)])
def test_size_of_inline_policies_in_total(world: World, kind: str, most: int) -> None:
    """§9 [M the figures; D aggregate]: several of one entity count together."""
    if kind == "group":
        world.iam.create_group(GroupName="x")
    else:
        getattr(world, kind)("x")
    put = getattr(world.iam, f"put_{kind}_policy")
    name = {f"{kind.capitalize()}Name": "x"}

    def call(policy_name: str, size: int) -> Any:
        return _answer(lambda: put(PolicyName=policy_name, PolicyDocument=_sized(size), **name))

    assert call("a", most + 1) == LIMIT
    assert call("a", most - 1000) == "allowed"
    assert call("b", 1001) == LIMIT
    assert call("b", 1000) == "allowed"
    assert call("b", 999) == "allowed"  # a policy that is replaced counts once


def test_white_space_does_not_count(world: World) -> None:
    """§9 [D]."""
    world.user("ana")
    text = json.dumps(json.loads(_sized(2048)), indent=8)
    assert len(text) > 2100
    put = {"UserName": "ana", "PolicyName": "p", "PolicyDocument": text}
    assert _answer(lambda: world.iam.put_user_policy(**put)) == "allowed"


@pytest.mark.parametrize("size", [2048, 2049])
@pytest.mark.parametrize("how", ["create", "update"])
def test_size_of_trust_policies(world: World, how: str, size: int) -> None:
    """§9 [D, 2023]: 2,048."""
    bare = len("".join(policy(trusts(ACCOUNT, Sid="x")).split()))
    text = policy(trusts(ACCOUNT, Sid="x" * (size - bare + 1)))
    assert len("".join(text.split())) == size
    if how == "create":
        made = {"RoleName": "r", "AssumeRolePolicyDocument": text}
        call = lambda: world.iam.create_role(**made)  # noqa: E731
    else:
        world.role("r")
        change = {"RoleName": "r", "PolicyDocument": text}
        call = lambda: world.iam.update_assume_role_policy(**change)  # noqa: E731
    assert _answer(call) == ("allowed" if size == 2048 else LIMIT)


@pytest.mark.parametrize(("size", "wanted"), [(5120, "allowed"), (5121, "denied")])
@pytest.mark.parametrize("kind", ["SERVICE", "RESOURCE"])
def test_size_of_control_policies(world: World, kind: str, size: int, wanted: str) -> None:
    """§9 [M]: SCP and RCP 5,120. Code from the Organizations API [D], its text [I]."""
    world.organization()
    more = {"Principal": "*"} if kind == "RESOURCE" else {}
    bare = "".join(policy(deny("s3:*", "arn:aws:s3:::", **more)).split())
    text = policy(deny("s3:*", "arn:aws:s3:::" + "a" * (size - len(bare)), **more))
    made = {"Name": "p", "Description": "-", "Type": f"{kind}_CONTROL_POLICY", "Content": text}
    answer = outcome(lambda: world.admin("organizations").create_policy(**made))
    assert answer == ("allowed" if wanted == "allowed" else "ConstraintViolationException")


# --- Numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["user", "role", "group"])
def test_ten_attached_policies(world: World, kind: str) -> None:
    """§9 [D, 2023]: 10 (more can be asked for); attaching one again changes nothing."""
    if kind == "group":
        world.iam.create_group(GroupName="x")
    else:
        getattr(world, kind)("x")
    attach = getattr(world.iam, f"attach_{kind}_policy")
    name = {f"{kind.capitalize()}Name": "x"}
    arns = [world.managed(f"p{n}", allow("s3:*")) for n in range(11)]
    for arn in [*arns[:10], arns[0]]:
        attach(PolicyArn=arn, **name)
    assert _answer(lambda: attach(PolicyArn=arns[10], **name)) == LIMIT
    getattr(world.iam, f"detach_{kind}_policy")(PolicyArn=arns[0], **name)
    assert _answer(lambda: attach(PolicyArn=arns[10], **name)) == "allowed"


def test_five_versions(world: World) -> None:
    """§9 [D]."""
    arn = world.managed("p", allow("s3:*"))
    add = lambda: world.iam.create_policy_version(  # noqa: E731
        PolicyArn=arn, PolicyDocument=policy(allow("s3:*"))
    )
    assert [_answer(add) for _ in range(5)] == ["allowed"] * 4 + [LIMIT]
    world.iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    assert add()["PolicyVersion"]["VersionId"] == "v6"  # a number is never used again


def test_two_access_keys(world: World) -> None:
    """§9 [D]; an inactive key counts."""
    world.iam.create_user(UserName="ana")
    make = lambda: world.iam.create_access_key(UserName="ana")  # noqa: E731
    first = make()["AccessKey"]["AccessKeyId"]
    world.iam.update_access_key(UserName="ana", AccessKeyId=first, Status="Inactive")
    assert [_answer(make) for _ in range(2)] == ["allowed", LIMIT]
    world.iam.delete_access_key(UserName="ana", AccessKeyId=first)
    assert _answer(make) == "allowed"


def test_ten_groups_of_a_user(world: World) -> None:
    """§9 [D]."""
    world.iam.create_user(UserName="ana")
    for n in range(11):
        world.iam.create_group(GroupName=f"g{n}")
    answers = [
        _answer(lambda n=n: world.iam.add_user_to_group(UserName="ana", GroupName=f"g{n}"))
        for n in range(11)
    ]
    assert answers == ["allowed"] * 10 + [LIMIT]


def test_one_boundary(world: World) -> None:
    """§9 [D]: a second one takes the first one's place."""
    world.iam.create_user(UserName="ana")
    for name in ("first", "second"):
        arn = world.managed(name, allow("s3:*"))
        world.iam.put_user_permissions_boundary(UserName="ana", PermissionsBoundary=arn)
    shown = world.iam.get_user(UserName="ana")["User"]["PermissionsBoundary"]
    assert shown["PermissionsBoundaryArn"] == f"{IAM}:policy/second"


def test_eight_mfa_devices(world: World) -> None:
    """§9 [D]."""
    import pyotp

    world.iam.create_user(UserName="ana")
    answers = []
    for n in range(9):
        made = world.iam.create_virtual_mfa_device(VirtualMFADeviceName=f"d{n}")
        codes = pyotp.TOTP(made["VirtualMFADevice"]["Base32StringSeed"].decode())
        now = world.lab.clock.now()
        more = {
            "SerialNumber": made["VirtualMFADevice"]["SerialNumber"],
            "AuthenticationCode1": codes.at(now - timedelta(seconds=30)),
            "AuthenticationCode2": codes.at(now),
        }
        answers.append(_answer(lambda m=more: world.iam.enable_mfa_device(UserName="ana", **m)))
    assert answers == ["allowed"] * 8 + [LIMIT]


@pytest.mark.parametrize("kind", ["user", "role"])
def test_fifty_tags(world: World, kind: str) -> None:
    """§9 [D]: at creation and afterwards."""
    tags = [{"Key": f"k{n}", "Value": "v"} for n in range(51)]
    if kind == "user":
        make, name = world.iam.create_user, {"UserName": "x"}
        add = world.iam.tag_user
    else:
        trust = policy(trusts(ACCOUNT))
        make = lambda **more: world.iam.create_role(  # noqa: E731
            AssumeRolePolicyDocument=trust, **more
        )
        name, add = {"RoleName": "x"}, world.iam.tag_role
    assert _answer(lambda: make(Tags=tags, **name)) != "allowed"
    assert _answer(lambda: make(Tags=tags[:50], **name)) == "allowed"
    assert _answer(lambda: add(Tags=tags[50:], **name)) == LIMIT
    again = [{"Key": "K0", "Value": "new"}]
    assert _answer(lambda: add(Tags=again, **name)) == "allowed"  # the key is there already


def test_one_role_in_an_instance_profile(world: World) -> None:
    """§9 [D]."""
    world.iam.create_instance_profile(InstanceProfileName="p")
    for name in ("a", "b"):
        world.role(name, trust=(trusts({"Service": "ec2.amazonaws.com"}),))
    add = lambda name: world.iam.add_role_to_instance_profile(  # noqa: E731
        InstanceProfileName="p", RoleName=name
    )
    assert _answer(lambda: add("a")) == "allowed"
    assert _answer(lambda: add("b")) == LIMIT


@pytest.mark.parametrize(("kind", "most"), [("signing certificate", 2), ("SSH key", 5)])
def test_certificates_and_ssh_keys(world: World, kind: str, most: int) -> None:
    """§9 [D]: 2 signing certificates, 5 SSH keys."""
    world.iam.create_user(UserName="ana")
    answers = []
    for n in range(most + 1):
        if kind == "SSH key":
            more = {"SSHPublicKeyBody": ssh_key(n)}
            call = world.iam.upload_ssh_public_key
        else:
            more, call = (
                {"CertificateBody": certificate(f"ana{n}")[0]},
                world.iam.upload_signing_certificate,
            )
        answers.append(_answer(lambda c=call, m=more: c(UserName="ana", **m)))
    assert answers == ["allowed"] * most + [LIMIT]


@pytest.mark.parametrize(
    ("kind", "most"), [("users", 5000), ("groups", 300), ("roles", 1000), ("policies", 1500)]
)
def test_quotas_of_an_account(world: World, kind: str, most: int) -> None:
    """§9 [D]."""
    backend, iam = world.lab.state.iam(ACCOUNT), world.iam
    calls: dict[str, tuple[Any, Callable[[], Any]]] = {
        "users": (backend.users, lambda: iam.create_user(UserName="x")),
        "groups": (backend.groups, lambda: iam.create_group(GroupName="x")),
        "roles": (backend.roles, lambda: world.role("x")),
        "policies": (backend.managed_policies, lambda: world.managed("x", allow("s3:*"))),
    }
    held, call = calls[kind]
    own = [key for key in held if ":iam::aws:" not in str(key)]
    for n in range(most - len(own)):
        held[f"filler{n}"] = SimpleNamespace(name=f"filler{n}", arn=f"filler{n}", users=[])
    assert _answer(call) == LIMIT
    held.pop("filler0")
    assert _answer(call) == "allowed"


# --- Names --------------------------------------------------------------------------------------

LONGEST = [("user", 64), ("role", 64), ("group", 128), ("policy", 128), ("profile", 128)]


def _create(world: World, kind: str, name: str, **more: Any) -> Any:
    iam = world.iam
    if kind == "user":
        return iam.create_user(UserName=name, **more)
    if kind == "group":
        return iam.create_group(GroupName=name, **more)
    if kind == "role":
        return world.role(name, **more)
    if kind == "policy":
        text = policy(allow("s3:*"))
        return iam.create_policy(PolicyName=name, PolicyDocument=text, **more)
    return iam.create_instance_profile(InstanceProfileName=name, **more)


@pytest.mark.parametrize(("kind", "longest"), LONGEST)
def test_names(world: World, kind: str, longest: int) -> None:
    """§9 [D]: length, characters, unique ignoring case."""
    invalid = ("ValidationError", 400)
    taken = ("EntityAlreadyExists", 409)
    name = "n" * longest
    assert _answer(lambda: _create(world, kind, name)) == "allowed"
    assert _answer(lambda: _create(world, kind, name.upper())) == taken
    assert _answer(lambda: _create(world, kind, name + "n")) == invalid
    assert _answer(lambda: _create(world, kind, "")) == invalid
    assert _answer(lambda: _create(world, kind, "az_+=,.@-09")) == "allowed"
    for wrong in ("a b", "a/b", "a:b", "a*", "a!", "a#"):
        assert _answer(lambda name=wrong: _create(world, kind, name)) == invalid, wrong


@pytest.mark.parametrize("kind", [kind for kind, _ in LONGEST])
def test_paths(world: World, kind: str) -> None:
    """§9 [D]: 512 characters, slashes at both ends."""
    invalid = ("ValidationError", 400)
    path = "/" + "p" * 510 + "/"
    assert _answer(lambda: _create(world, kind, "a", Path=path)) == "allowed"
    assert _answer(lambda: _create(world, kind, "b", Path="/p" + path)) == invalid
    assert _answer(lambda: _create(world, kind, "c", Path="team")) == invalid
    assert _answer(lambda: _create(world, kind, "d", Path="/team")) == invalid
    assert _answer(lambda: _create(world, kind, "e", Path="/team/maps/")) == "allowed"


@pytest.mark.parametrize(
    ("char", "good"), [("ÿ", True), ("\t", True), ("Ā", False), ("\x07", False)]
)
def test_characters_of_policy_text(world: World, char: str, good: bool) -> None:
    """§9 [D]: tab, LF, CR, U+0020..U+00FF."""
    world.user("ana")
    text = policy(allow("s3:*", "arn:aws:s3:::a/X")).replace("X", "" if char == "\t" else char)
    text = text + char if char == "\t" else text
    text = json.dumps(json.loads(text), ensure_ascii=False) if good and char != "\t" else text
    put = {"UserName": "ana", "PolicyName": "p", "PolicyDocument": text}
    answer = _answer(lambda: world.iam.put_user_policy(**put))
    assert (answer == "allowed") is good
    if not good:
        assert answer[1] == 400


# --- Password policy ----------------------------------------------------------------------------

BOUNDS = [
    ("MinimumPasswordLength", 5, False),
    ("MinimumPasswordLength", 6, True),
    ("MinimumPasswordLength", 128, True),
    ("MinimumPasswordLength", 129, False),
    ("MaxPasswordAge", 0, False),
    ("MaxPasswordAge", 1, True),
    ("MaxPasswordAge", 1095, True),
    ("MaxPasswordAge", 1096, False),
    ("PasswordReusePrevention", 0, False),
    ("PasswordReusePrevention", 1, True),
    ("PasswordReusePrevention", 24, True),
    ("PasswordReusePrevention", 25, False),
]


@pytest.mark.parametrize(("name", "value", "good"), BOUNDS)
def test_bounds_of_the_password_policy(world: World, name: str, value: int, good: bool) -> None:
    """§9 [D]."""
    answer = _answer(lambda: world.iam.update_account_password_policy(**{name: value}))
    assert answer == ("allowed" if good else ("ValidationError", 400))


PASSWORDS = [
    # (password policy or None for AWS's own, password, good)
    (None, "Short1!", False),
    (None, "Enough-8", True),
    (None, "lowercase", False),
    (None, "lower case", False),
    (None, "lower-case1", True),
    (None, "UPPER-lower", True),
    (None, "UPPERlower1", True),
    (None, ACCOUNT, False),
    ({}, "aaaaaa", True),  # MinimumPasswordLength is 6 where a policy does not say more
    ({}, "aaaaa", False),
    ({"MinimumPasswordLength": 14}, "a" * 13, False),
    ({"MinimumPasswordLength": 14}, "a" * 14, True),
    ({"RequireSymbols": True}, "abcdef", False),
    ({"RequireSymbols": True}, "abcde!", True),
    ({"RequireSymbols": True}, "abcde~", False),  # not one of the symbols that count
    ({"RequireNumbers": True}, "abcdef", False),
    ({"RequireNumbers": True}, "abcde1", True),
    ({"RequireUppercaseCharacters": True}, "abcdef", False),
    ({"RequireUppercaseCharacters": True}, "abcdeF", True),
    ({"RequireLowercaseCharacters": True}, "ABCDEF", False),
    ({"RequireLowercaseCharacters": True}, "ABCDEf", True),
]


@pytest.mark.parametrize(("rules", "password", "good"), PASSWORDS)
def test_passwords(world: World, rules: Any, password: str, good: bool) -> None:
    """§9 [D]: the default asks 8 characters and 3 of 4 classes."""
    if rules is not None:
        world.iam.update_account_password_policy(**rules)
    world.iam.create_user(UserName="ana")
    wanted = "allowed" if good else ("PasswordPolicyViolation", 400)
    make = {"UserName": "ana", "Password": password}
    assert _answer(lambda: world.iam.create_login_profile(**make)) == wanted
    world.iam.create_user(UserName="bo")
    other = {"UserName": "bo", "Password": "Another-one-12345"}
    world.iam.create_login_profile(**other)
    assert (
        _answer(lambda: world.iam.update_login_profile(**other | {"Password": password})) == wanted
    )


def test_reuse_of_passwords(world: World) -> None:
    """§9 [D]: PasswordReusePrevention, when the user changes the password."""
    world.iam.update_account_password_policy(PasswordReusePrevention=2)
    ana = world.user("ana", allow("iam:ChangePassword"))
    world.iam.create_login_profile(UserName="ana", Password="first-one")
    iam = ana.client("iam")
    answers = []
    now = "first-one"
    for new in ("second-one", "first-one", "third-one", "first-one"):
        change = {"OldPassword": now, "NewPassword": new}
        answers.append(_answer(lambda c=change: iam.change_password(**c)))
        now = new if answers[-1] == "allowed" else now
    violation = ("PasswordPolicyViolation", 400)
    assert answers == ["allowed", violation, "allowed", "allowed"]


def test_users_may_be_allowed_to_change_their_own(world: World) -> None:
    """§9 [D]: AllowUsersToChangePassword needs no policy on anybody."""
    ana = world.user("ana").client("iam")
    world.iam.create_login_profile(UserName="ana", Password="First-one")
    change = lambda: ana.change_password(  # noqa: E731
        OldPassword="First-one", NewPassword="Second-one"
    )
    assert outcome(change) == "denied"
    world.iam.update_account_password_policy(AllowUsersToChangePassword=True)
    assert outcome(change) == "allowed"


def test_no_policy_means_none_to_show(world: World) -> None:
    """§9 [D]."""
    get = world.iam.get_account_password_policy
    assert _answer(get) == ("NoSuchEntity", 404)
    world.iam.update_account_password_policy(MaxPasswordAge=90, HardExpiry=True)
    shown = get()["PasswordPolicy"]
    assert shown["ExpirePasswords"] and shown["HardExpiry"] and shown["MaxPasswordAge"] == 90
    assert shown["MinimumPasswordLength"] == 6
    world.iam.delete_account_password_policy()
    assert _answer(get) == ("NoSuchEntity", 404)


# --- The API's errors ---------------------------------------------------------------------------


def _errors(world: World) -> dict[str, tuple[str, int, Callable[[], Any]]]:
    iam = world.admin("iam")
    return {
        "a user twice": ("EntityAlreadyExists", 409, lambda: iam.create_user(UserName="ana")),
        "a user with a policy": ("DeleteConflict", 409, lambda: iam.delete_user(UserName="ana")),
        "a third key": (*LIMIT, lambda: iam.create_access_key(UserName="two")),
        "nobody": ("NoSuchEntity", 404, lambda: iam.get_user(UserName="nobody")),
        "no policy": (
            "MalformedPolicyDocument",
            400,
            lambda: iam.create_policy(PolicyName="p", PolicyDocument="{"),
        ),
        "AWS's own role": (
            "UnmodifiableEntity",
            400,
            lambda: iam.delete_role(RoleName="AWSServiceRoleForAutoScaling"),
        ),
        "a bad ARN": (
            "InvalidInput",
            400,
            lambda: iam.get_policy(PolicyArn="arn:aws:s3:::policy-that-is-none"),
        ),
        "a weak password": (
            "PasswordPolicyViolation",
            400,
            lambda: iam.create_login_profile(UserName="ana", Password="weak"),
        ),
        "a policy that AWS keeps for itself": (
            "PolicyNotAttachable",
            400,
            lambda: iam.attach_role_policy(
                RoleName="reader",
                PolicyArn="arn:aws:iam::aws:policy/aws-service-role/AutoScalingServiceRolePolicy",
            ),
        ),
    }


@pytest.mark.parametrize(
    "case",
    [
        "a user twice",
        "a user with a policy",
        "a third key",
        "nobody",
        "no policy",
        "AWS's own role",
        "a bad ARN",
        "a weak password",
        "a policy that AWS keeps for itself",
    ],
)
def test_errors_of_the_api(world: World, case: str) -> None:
    """§9, last line [D]: code and HTTP status."""
    world.user("ana", allow("s3:*"))
    world.role("reader")
    world.iam.create_user(UserName="two")
    for _ in range(2):
        world.iam.create_access_key(UserName="two")
    world.iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    code, status, call = _errors(world)[case]
    refused = refusal(call)
    assert refused and (refused.code, refused.status) == (code, status)
    assert refused.text


def test_denied_before_the_limits_are_looked_at(world: World) -> None:
    """§9 with §1: who may not do a thing learns nothing of what is there."""
    iam = world.user("ana").client("iam", config=AS_IS)
    for name in ("ana", "nobody", "n" * 64):
        assert outcome(lambda n=name: iam.create_user(UserName=n)) == "denied"
        assert outcome(lambda n=name: iam.get_user(UserName=n)) == "denied"
