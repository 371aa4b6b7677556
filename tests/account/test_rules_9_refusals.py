"""iam_evaluation §9, last part: the errors of the IAM API, for every operation that lists them.

Which operation can answer which error is read from AWS's service model. What is not there is asked
for by every operation that knows NoSuchEntity; the other errors have a table each.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pyotp
import pytest

from iamlab.account.coverage import refused
from iamlab.account.wire import service_model
from tests.account.certificates import certificate, ssh_key
from tests.account.helpers import ACCOUNT, IAM, World, allow, policy, refusal, trusts
from tests.account.smallest import smallest

MODEL = service_model("iam")
BODY, KEY = certificate()
# Well-formed, but the name of nothing. Members that are no names get what is valid.
NOTHING: dict[str, Any] = {
    "UserName": "none",
    "GroupName": "none",
    "RoleName": "none",
    "InstanceProfileName": "none",
    "ServerCertificateName": "none",
    "PolicyArn": f"{IAM}:policy/none",
    "Arn": f"{IAM}:role/none",
    "PolicySourceArn": f"{IAM}:role/none",
    "PermissionsBoundary": f"{IAM}:policy/none",
    "SerialNumber": f"{IAM}:mfa/none",
    "OpenIDConnectProviderArn": f"{IAM}:oidc-provider/none.example",
    "SAMLProviderArn": f"{IAM}:saml-provider/none",
    "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
    "SSHPublicKeyId": "APKAIOSFODNN7EXAMPLE",
    "CertificateId": "A" * 32,
    "ServiceSpecificCredentialId": "ACCAIOSFODNN7EXAMPLE",
    "VersionId": "v9",
    "JobId": "a" * 36,
    "DeletionTaskId": f"task/aws-service-role/x/y/{'a' * 36}",
    "AccountAlias": "no-such-alias",
    "PolicyDocument": policy(allow("s3:*")),
    "SSHPublicKeyBody": ssh_key(),
    "CertificateBody": BODY,
    "ServiceName": "codecommit.amazonaws.com",
    "AuthenticationCode1": "123456",
    "AuthenticationCode2": "654321",
    "ActionNames": ["s3:GetObject"],
    "ServiceNamespaces": ["s3"],
    "Password": "Correct-horse-7",
    "SAMLMetadataDocument": "x" * 1000,
}
# These have NoSuchEntity in their list, and this request does not get it. Why:
OTHERWISE = {
    "CreateUser": "only a boundary can be missing (tested in test_boundaries)",
    "CreateGroup": "nothing that could be missing",
    "CreateServiceLinkedRole": "nothing that could be missing",
    "UpdateAccountPasswordPolicy": "nothing that could be missing",
    "DeleteOpenIDConnectProvider": "its page: no error if the provider does not exist",
    "GetAccountPasswordPolicy": "takes no parameter",
    "DeleteAccountPasswordPolicy": "takes no parameter",
}


def _listing(error: str) -> list[str]:
    there = set(MODEL.operation_names) - set(refused("iam"))
    return sorted(
        name
        for name in there
        if error in {shape.name for shape in MODEL.operation_model(name).error_shapes}
    )


def _call(iam: Any, operation: str, params: dict[str, Any]) -> Any:
    names = {real: python for python, real in iam.meta.method_to_api_mapping.items()}
    made = refusal(lambda: getattr(iam, names[operation])(**params))
    return made and (made.code, made.status, bool(made.text))


def _request(operation: str, **given: Any) -> dict[str, Any]:
    model = MODEL.operation_model(operation)
    members = model.input_shape.members if model.input_shape else {}
    wanted = smallest(model)
    for name in ("UserName", *given):  # optional in some, and then the caller's own
        if name in members:
            wanted[name] = NOTHING.get(name)
    values = {name: NOTHING.get(name, value) for name, value in wanted.items()}
    return values | {name: value for name, value in given.items() if name in members}


def test_what_is_not_there(world: World) -> None:
    """§9 [D]: NoSuchEntity 404, wherever the API Reference lists it."""
    asked = [name for name in _listing("NoSuchEntityException") if name not in OTHERWISE]
    assert len(asked) > 100
    expected = ("NoSuchEntity", 404, True)
    wrong = {name: _call(world.iam, name, _request(name)) for name in asked}
    assert {name: got for name, got in wrong.items() if got != expected} == {}


PARTS = {
    # What a user, group, role or profile that is there does not have.
    "user": "DeleteAccessKey UpdateAccessKey DeleteLoginProfile GetLoginProfile UpdateLoginProfile "
    "DeleteUserPolicy GetUserPolicy DetachUserPolicy DeleteSSHPublicKey GetSSHPublicKey "
    "UpdateSSHPublicKey DeleteSigningCertificate UpdateSigningCertificate EnableMFADevice "
    "DeactivateMFADevice ResyncMFADevice DeleteServiceSpecificCredential "
    "ResetServiceSpecificCredential UpdateServiceSpecificCredential AttachUserPolicy "
    "PutUserPermissionsBoundary DeleteUserPermissionsBoundary AddUserToGroup",
    "group": "DeleteGroupPolicy GetGroupPolicy DetachGroupPolicy AttachGroupPolicy AddUserToGroup",
    "role": "DeleteRolePolicy GetRolePolicy DetachRolePolicy AttachRolePolicy "
    "PutRolePermissionsBoundary DeleteServiceLinkedRole AddRoleToInstanceProfile "
    "RemoveRoleFromInstanceProfile",
    "policy": "GetPolicyVersion SetDefaultPolicyVersion DeletePolicyVersion DetachUserPolicy "
    "DetachGroupPolicy DetachRolePolicy",
}


@pytest.mark.parametrize("kind", PARTS)
def test_what_somebody_does_not_have(world: World, kind: str) -> None:
    """§9 [D]: the second name of a request is not there, or not the first one's."""
    world.user("x")
    world.iam.create_group(GroupName="x")
    world.role("x")
    world.iam.create_instance_profile(InstanceProfileName="x")
    there = {"user": {"UserName": "x"}, "group": {"GroupName": "x"}, "role": {"RoleName": "x"}}
    there["policy"] = {"PolicyArn": world.managed("x", allow("s3:*"))}
    there["policy"] |= there["user"] | there["group"] | there["role"]
    given = there[kind]
    if kind == "role":
        given = given | {"InstanceProfileName": "x"}
    wrong = {}
    for name in PARTS[kind].split():
        if name == "AddRoleToInstanceProfile":
            given = {"RoleName": "x"}
        got = _call(world.iam, name, _request(name, **given))
        if got != ("NoSuchEntity", 404, True):
            wrong[name] = got
    assert wrong == {}


def _twice(world: World) -> dict[str, Callable[[], Any]]:
    iam, trust = world.iam, policy(trusts(ACCOUNT))
    pair = {"CertificateBody": BODY, "PrivateKey": KEY}
    return {
        "CreateUser": lambda: iam.create_user(UserName="x"),
        "CreateGroup": lambda: iam.create_group(GroupName="x"),
        "CreateRole": lambda: iam.create_role(RoleName="x", AssumeRolePolicyDocument=trust),
        "CreatePolicy": lambda: world.managed("x", allow("s3:*")),
        "CreateInstanceProfile": lambda: iam.create_instance_profile(InstanceProfileName="x"),
        "CreateLoginProfile": lambda: iam.create_login_profile(
            UserName="x", Password="Correct-horse-7"
        ),
        "CreateVirtualMFADevice": lambda: iam.create_virtual_mfa_device(VirtualMFADeviceName="x"),
        "CreateOpenIDConnectProvider": lambda: iam.create_open_id_connect_provider(
            Url="https://x.example", ThumbprintList=["a" * 40]
        ),
        "CreateSAMLProvider": lambda: iam.create_saml_provider(
            Name="x", SAMLMetadataDocument="x" * 1000
        ),
        "UploadServerCertificate": lambda: iam.upload_server_certificate(
            ServerCertificateName="x", **pair
        ),
    }


def test_what_is_there_already(world: World) -> None:
    """§9 [D]: EntityAlreadyExists 409."""
    for what, make in _twice(world).items():
        make()
        again = refusal(make)
        assert again and (again.code, again.status) == ("EntityAlreadyExists", 409), what
        assert again.text, what


# What an entity keeps, how it gets it, and how it loses it. Deleting is refused until all is gone.
def _kept_by_user(world: World) -> dict[str, tuple[Callable[[], Any], Callable[[], Any]]]:
    iam, lab = world.iam, world.lab
    who = {"UserName": "x"}
    arn = world.managed("mine", allow("s3:*"))
    made: dict[str, Any] = {}

    def key() -> None:
        made["key"] = iam.create_access_key(**who)["AccessKey"]["AccessKeyId"]

    def ssh() -> None:
        answer = iam.upload_ssh_public_key(SSHPublicKeyBody=ssh_key(), **who)
        made["ssh"] = answer["SSHPublicKey"]["SSHPublicKeyId"]

    def signing() -> None:
        answer = iam.upload_signing_certificate(CertificateBody=BODY, **who)
        made["signing"] = answer["Certificate"]["CertificateId"]

    def credential() -> None:
        answer = iam.create_service_specific_credential(
            ServiceName="codecommit.amazonaws.com", **who
        )
        made["own"] = answer["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]

    def device() -> None:
        answer = iam.create_virtual_mfa_device(VirtualMFADeviceName="x")["VirtualMFADevice"]
        made["mfa"], now = answer["SerialNumber"], lab.clock.now()
        codes = pyotp.TOTP(answer["Base32StringSeed"].decode())
        iam.enable_mfa_device(
            SerialNumber=made["mfa"],
            AuthenticationCode1=codes.at(now - timedelta(seconds=30)),
            AuthenticationCode2=codes.at(now),
            **who,
        )

    iam.create_group(GroupName="g")
    inline = {"PolicyName": "own", **who}
    return {
        "access keys": (key, lambda: iam.delete_access_key(AccessKeyId=made["key"], **who)),
        "detach all policies": (
            lambda: iam.attach_user_policy(PolicyArn=arn, **who),
            lambda: iam.detach_user_policy(PolicyArn=arn, **who),
        ),
        "delete policies": (
            lambda: iam.put_user_policy(PolicyDocument=policy(allow("s3:*")), **inline),
            lambda: iam.delete_user_policy(**inline),
        ),
        "login profile": (
            lambda: iam.create_login_profile(Password="Correct-horse-7", **who),
            lambda: iam.delete_login_profile(**who),
        ),
        "users from group": (
            lambda: iam.add_user_to_group(GroupName="g", **who),
            lambda: iam.remove_user_from_group(GroupName="g", **who),
        ),
        "MFA device": (
            device,
            lambda: iam.deactivate_mfa_device(SerialNumber=made["mfa"], **who),
        ),
        "signing certificates": (
            signing,
            lambda: iam.delete_signing_certificate(CertificateId=made["signing"], **who),
        ),
        "SSH public keys": (
            ssh,
            lambda: iam.delete_ssh_public_key(SSHPublicKeyId=made["ssh"], **who),
        ),
        "service specific credentials": (
            credential,
            lambda: iam.delete_service_specific_credential(
                ServiceSpecificCredentialId=made["own"], **who
            ),
        ),
    }


def test_a_user_who_keeps_something(world: World) -> None:
    """§9 [D]: DeleteConflict 409 ("DeleteUser", IAM API Reference). Texts: [O], the last [I]."""
    world.iam.create_user(UserName="x")
    delete = lambda: world.iam.delete_user(UserName="x")  # noqa: E731
    for what, (give, take) in _kept_by_user(world).items():
        give()
        kept = refusal(delete)
        assert kept and (kept.code, kept.status) == ("DeleteConflict", 409), what
        assert what in kept.text
        take()
    assert refusal(delete) is None


def test_others_who_keep_something(world: World) -> None:
    """§9 [D]: groups, roles, instance profiles, policies and MFA devices."""
    iam = world.iam
    world.user("ana")
    iam.create_group(GroupName="g")
    world.role("r", trust=(trusts({"Service": "ec2.amazonaws.com"}),))
    iam.create_instance_profile(InstanceProfileName="p")
    arn, edge = (world.managed(name, allow("s3:*")) for name in ("mine", "edge"))
    own = {"PolicyName": "own", "PolicyDocument": policy(allow("s3:*"))}
    group, role, profile = {"GroupName": "g"}, {"RoleName": "r"}, {"InstanceProfileName": "p"}
    cases: list[tuple[Any, ...]] = [
        (iam.delete_group, group, iam.add_user_to_group, iam.remove_user_from_group,
         group | {"UserName": "ana"}),
        (iam.delete_group, group, iam.attach_group_policy, iam.detach_group_policy,
         group | {"PolicyArn": arn}),
        (iam.delete_group, group, iam.put_group_policy, iam.delete_group_policy, group | own),
        (iam.delete_role, role, iam.attach_role_policy, iam.detach_role_policy,
         role | {"PolicyArn": arn}),
        (iam.delete_role, role, iam.put_role_policy, iam.delete_role_policy, role | own),
        (iam.delete_role, role, iam.add_role_to_instance_profile,
         iam.remove_role_from_instance_profile, role | profile),
        (iam.delete_instance_profile, profile, iam.add_role_to_instance_profile,
         iam.remove_role_from_instance_profile, role | profile),
        (iam.delete_policy, {"PolicyArn": arn}, iam.attach_role_policy, iam.detach_role_policy,
         role | {"PolicyArn": arn}),
        (iam.delete_policy, {"PolicyArn": edge}, iam.put_role_permissions_boundary,
         iam.delete_role_permissions_boundary, role | {"PermissionsBoundary": edge}),
    ]  # fmt: skip
    for delete, which, give, take, more in cases:
        give(**more)
        kept = refusal(lambda d=delete, w=which: d(**w))
        assert kept and (kept.code, kept.status) == ("DeleteConflict", 409), (give, delete)
        names = take.__self__.meta.service_model.operation_model(
            take.__self__.meta.method_to_api_mapping[take.__name__]
        ).input_shape.members
        take(**{name: value for name, value in more.items() if name in names})
    for delete, which, *_ in cases[0], cases[3], cases[6], cases[7]:
        assert refusal(lambda d=delete, w=which: d(**w)) is None


QUOTAS = [
    # (kept by moto's backend, how many, what makes one more)
    ("instance_profiles", 1000, lambda iam: iam.create_instance_profile(InstanceProfileName="x")),
    (
        "virtual_mfa_devices",
        5000,
        lambda iam: iam.create_virtual_mfa_device(VirtualMFADeviceName="x"),
    ),
    (
        "open_id_providers",
        100,
        lambda iam: iam.create_open_id_connect_provider(Url="https://x.example"),
    ),
    (
        "saml_providers",
        100,
        lambda iam: iam.create_saml_provider(Name="x", SAMLMetadataDocument="x" * 1000),
    ),
]


@pytest.mark.parametrize(("kept", "most", "make"), QUOTAS, ids=[row[0] for row in QUOTAS])
def test_more_quotas_of_an_account(world: World, kept: str, most: int, make: Any) -> None:
    """IAM and AWS STS quotas, IAM User Guide [D]."""
    held = getattr(world.lab.state.iam(ACCOUNT), kept)
    for n in range(most):
        held[f"filler{n}"] = SimpleNamespace(name=f"filler{n}", arn=f"filler{n}", roles=[])
    over = refusal(lambda: make(world.iam))
    assert over and (over.code, over.status) == ("LimitExceeded", 409)
    held.pop("filler0")
    assert refusal(lambda: make(world.iam)) is None


def test_roles_that_are_aws_own(world: World) -> None:
    """§9 [D]: UnmodifiableEntity 400, wherever the API Reference lists it for a role."""
    iam = world.iam
    role = iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")["Role"]
    iam.create_instance_profile(InstanceProfileName="x")
    given = {
        "RoleName": role["RoleName"],
        "InstanceProfileName": "x",
        "PolicyArn": world.managed("x", allow("s3:*")),
        "PermissionsBoundary": f"{IAM}:policy/x",
        "Tags": [{"Key": "a", "Value": "b"}],
        "TagKeys": ["a"],
    }
    # Its description may be changed ("Using service-linked roles", IAM User Guide).
    asked = set(_listing("UnmodifiableEntityException")) - {"UpdateRole", "UpdateRoleDescription"}
    wrong = {
        name: got
        for name in asked
        if "RoleName" in MODEL.operation_model(name).input_shape.members
        and (got := _call(iam, name, _request(name, **given))) != ("UnmodifiableEntity", 400, True)
    }
    assert wrong == {}
    again = refusal(
        lambda: iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    )
    assert again and again.code == "InvalidInput" and "has been taken in this account" in again.text
    task = iam.delete_service_linked_role(RoleName=role["RoleName"])["DeletionTaskId"]
    assert task.startswith(f"task/aws-service-role/autoscaling.amazonaws.com/{role['RoleName']}/")
    done = iam.get_service_linked_role_deletion_status(DeletionTaskId=task)
    assert done["Status"] == "SUCCEEDED"
    assert refusal(lambda: iam.get_role(RoleName=role["RoleName"])) is not None


def test_an_alias(world: World) -> None:
    """Your AWS account ID and its alias, IAM User Guide: one an account, and nobody else's."""
    iam, other = world.iam, world.admin("iam", "444455556666")
    iam.create_account_alias(AccountAlias="larkfield")
    iam.create_account_alias(AccountAlias="larkfield-maps")
    assert iam.list_account_aliases()["AccountAliases"] == ["larkfield-maps"]
    for alias, code in (
        ("larkfield-maps", "EntityAlreadyExists"),
        ("123456789012", "ValidationError"),
        ("Upper", "ValidationError"),
        ("two--hyphens", "ValidationError"),
    ):
        got = refusal(lambda a=alias: other.create_account_alias(AccountAlias=a))
        assert got and got.code == code, alias
    iam.delete_account_alias(AccountAlias="larkfield-maps")
    assert iam.list_account_aliases()["AccountAliases"] == []
