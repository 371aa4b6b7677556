"""A change acts on the very next call: what the lab remembers is never stale.

Each story changes one kind of policy (or what a policy looks at) in every way that the API offers,
and asks the same question after each step. The same sessions are used throughout, so that whatever
is kept of them is old when the next answer is due.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.account.helpers import (
    ACCOUNT,
    IAM,
    OTHER,
    Doc,
    World,
    allow,
    deny,
    outcome,
    policy,
    read,
    signed,
    trusts,
)

Step = tuple[str, Callable[[], Any], str]
YES, NO = "allowed", "denied"
ANA = f"{IAM}:user/ana"
LISTS = "s3:ListAllMyBuckets"


def _tell(question: Callable[[], Any], story: list[Step]) -> None:
    wrong = []
    for what, change, wanted in story:
        change()
        answer = outcome(question)
        if answer != wanted:
            wrong.append((what, answer))
    assert wrong == []


def _team(value: str = "maps") -> list[dict[str, str]]:
    return [{"Key": "team", "Value": value}]


def _nothing() -> None:
    pass


def test_policies_of_a_role_act_on_sessions_that_run(world: World) -> None:
    iam = world.iam
    role = {"RoleName": "worker"}
    world.role("worker")
    s3 = world.assume("worker").client("s3")
    managed = world.managed("lists", allow(LISTS))
    limit = world.managed("limit", allow("iam:*"))
    tagged = allow(LISTS, Condition={"StringEquals": {"aws:PrincipalTag/team": "maps"}})
    _tell(
        s3.list_buckets,
        [
            ("nothing", _nothing, NO),
            ("put_role_policy", lambda: world.grant("role/worker", allow(LISTS)), YES),
            ("put again", lambda: world.grant("role/worker", allow("iam:*")), NO),
            ("put a third", lambda: world.grant("role/worker", allow("s3:*")), YES),
            ("delete_role_policy", lambda: world.grant("role/worker"), NO),
            ("attach", lambda: iam.attach_role_policy(PolicyArn=managed, **role), YES),
            (
                "a version that is not the default",
                lambda: iam.create_policy_version(
                    PolicyArn=managed, PolicyDocument=policy(deny("*"))
                ),
                YES,
            ),
            (
                "set_default_policy_version",
                lambda: iam.set_default_policy_version(PolicyArn=managed, VersionId="v2"),
                NO,
            ),
            (
                "and back",
                lambda: iam.set_default_policy_version(PolicyArn=managed, VersionId="v1"),
                YES,
            ),
            (
                "delete the other version",
                lambda: iam.delete_policy_version(PolicyArn=managed, VersionId="v2"),
                YES,
            ),
            (
                "put a boundary",
                lambda: iam.put_role_permissions_boundary(PermissionsBoundary=limit, **role),
                NO,
            ),
            (
                "a new default of the boundary",
                lambda: iam.create_policy_version(
                    PolicyArn=limit, PolicyDocument=policy(allow("*")), SetAsDefault=True
                ),
                YES,
            ),
            (
                "the boundary's first default again",
                lambda: iam.set_default_policy_version(PolicyArn=limit, VersionId="v1"),
                NO,
            ),
            (
                "delete the boundary",
                lambda: iam.delete_role_permissions_boundary(**role),
                YES,
            ),
            ("detach", lambda: iam.detach_role_policy(PolicyArn=managed, **role), NO),
            ("a policy about tags", lambda: world.grant("role/worker", tagged), NO),
            ("tag_role", lambda: iam.tag_role(Tags=_team(), **role), YES),
            ("another value", lambda: iam.tag_role(Tags=_team("ops"), **role), NO),
            ("and back", lambda: iam.tag_role(Tags=_team(), **role), YES),
            ("untag_role", lambda: iam.untag_role(TagKeys=["team"], **role), NO),
        ],
    )


def test_policies_of_a_user_act_on_sessions_of_theirs(world: World) -> None:
    """GetSessionToken and GetFederationToken: the user's policies of this moment count."""
    ana = world.user("ana", allow("sts:GetFederationToken")).client("sts")
    token = signed(ana.get_session_token()).client("s3")
    guest = signed(ana.get_federation_token(Name="guest", Policy=policy(allow("*")))).client("s3")
    limit = world.managed("limit", allow("iam:*"))
    for session in (token, guest):
        _tell(
            session.list_buckets,
            [
                ("nothing", _nothing, NO),
                ("put", lambda: world.grant("user/ana", allow(LISTS), name="p"), YES),
                (
                    "bound",
                    lambda: world.iam.put_user_permissions_boundary(
                        UserName="ana", PermissionsBoundary=limit
                    ),
                    NO,
                ),
                (
                    "free",
                    lambda: world.iam.delete_user_permissions_boundary(UserName="ana"),
                    YES,
                ),
                ("delete", lambda: world.grant("user/ana", name="p"), NO),
            ],
        )


def test_groups(world: World) -> None:
    """Membership, and the group renamed or deleted."""
    iam = world.iam
    ana = world.user("ana").client("s3")
    iam.create_group(GroupName="staff")
    managed = world.managed("lists", allow(LISTS))
    join = {"GroupName": "staff", "UserName": "ana"}
    _tell(
        ana.list_buckets,
        [
            ("a policy of a group", lambda: world.grant("group/staff", allow(LISTS)), NO),
            ("join", lambda: iam.add_user_to_group(**join), YES),
            ("leave", lambda: iam.remove_user_from_group(**join), NO),
            ("join again", lambda: iam.add_user_to_group(**join), YES),
            ("rename", lambda: iam.update_group(GroupName="staff", NewGroupName="team"), YES),
            ("delete the policy", lambda: world.grant("group/team"), NO),
            (
                "attach",
                lambda: iam.attach_group_policy(GroupName="team", PolicyArn=managed),
                YES,
            ),
            (
                "detach",
                lambda: iam.detach_group_policy(GroupName="team", PolicyArn=managed),
                NO,
            ),
        ],
    )


def test_a_renamed_user(world: World) -> None:
    """UpdateUser: the key goes on, under the new name and path."""
    named = allow(LISTS, Condition={"StringEquals": {"aws:username": "ana"}})
    pathed = allow(LISTS, Condition={"ArnLike": {"aws:PrincipalArn": f"{IAM}:user/staff/*"}})
    ana = world.user("ana", named).client("s3")
    update = world.iam.update_user
    _tell(
        ana.list_buckets,
        [
            ("nothing", _nothing, YES),
            ("renamed", lambda: update(UserName="ana", NewUserName="anna"), NO),
            ("renamed back", lambda: update(UserName="anna", NewUserName="ana"), YES),
            ("a policy about the path", lambda: world.grant("user/ana", pathed), NO),
            ("moved", lambda: update(UserName="ana", NewPath="/staff/"), YES),
            ("moved back", lambda: update(UserName="ana", NewPath="/"), NO),
        ],
    )


def test_a_bucket_s_policy(world: World) -> None:
    ana = world.user("ana")
    objects = "arn:aws:s3:::reports/*"

    def put(*statements: Doc) -> Callable[[], Any]:
        return lambda: world.bucket("reports", *statements)

    def delete_and_make() -> None:
        world.s3.delete_object(Bucket="reports", Key="q3.csv")
        world.s3.delete_bucket(Bucket="reports")
        world.bucket("reports")

    world.bucket("reports")
    grant = allow("s3:GetObject", objects, Principal={"AWS": ANA})
    tagged = {"StringEquals": {"s3:ExistingObjectTag/team": "maps"}}
    tags = {"Bucket": "reports", "Key": "q3.csv"}
    _tell(
        read(ana),
        [
            ("nothing", _nothing, NO),
            ("put", put(grant), YES),
            ("for somebody else", put(grant | {"Principal": {"AWS": OTHER}}), NO),
            ("for everybody", put(grant | {"Principal": "*"}), YES),
            ("with a Deny", put(grant, deny("s3:*", objects, Principal="*")), NO),
            ("put once more", put(grant), YES),
            ("delete", lambda: world.s3.delete_bucket_policy(Bucket="reports"), NO),
            ("and put", put(grant), YES),
            ("the bucket deleted and made anew", delete_and_make, NO),
            ("about the object's tag", put(grant | {"Condition": tagged}), NO),
            (
                "put_object_tagging",
                lambda: world.s3.put_object_tagging(Tagging={"TagSet": _team()}, **tags),
                YES,
            ),
            ("delete_object_tagging", lambda: world.s3.delete_object_tagging(**tags), NO),
        ],
    )


def test_a_queue_s_policy(world: World) -> None:
    sqs = world.admin("sqs")
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    ana = world.user("ana").client("sqs")

    def put(text: str) -> Callable[[], Any]:
        return lambda: sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})

    def delete_and_make() -> None:
        sqs.delete_queue(QueueUrl=url)
        sqs.create_queue(QueueName="jobs")

    grant = allow("sqs:SendMessage", Principal={"AWS": ANA})
    tagged = allow("sqs:*", Condition={"StringEquals": {"aws:ResourceTag/team": "maps"}})
    _tell(
        lambda: ana.send_message(QueueUrl=url, MessageBody="x"),
        [
            ("nothing", _nothing, NO),
            ("set_queue_attributes", put(policy(grant)), YES),
            ("another action", put(policy(grant | {"Action": "sqs:DeleteMessage"})), NO),
            ("an empty text takes it away", put(""), NO),
            (
                "add_permission",
                lambda: sqs.add_permission(
                    QueueUrl=url, Label="a", AWSAccountIds=[ACCOUNT], Actions=["SendMessage"]
                ),
                NO,  # it names the account: ana's own policies have to agree
            ),
            ("and they do", lambda: world.grant("user/ana", allow("sqs:SendMessage")), YES),
            ("no more", lambda: world.grant("user/ana"), NO),
            ("put", put(policy(grant)), YES),
            ("deleted and made anew", delete_and_make, NO),
            ("a policy about the tag", lambda: world.grant("user/ana", tagged), NO),
            ("tag_queue", lambda: sqs.tag_queue(QueueUrl=url, Tags={"team": "maps"}), YES),
            ("untag_queue", lambda: sqs.untag_queue(QueueUrl=url, TagKeys=["team"]), NO),
        ],
    )


def test_permissions_of_a_queue_for_another_account(world: World) -> None:
    """AddPermission and RemovePermission write the queue's policy."""
    sqs = world.admin("sqs")
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    olga = world.user("olga", allow("sqs:*"), account=OTHER).client("sqs")
    more = {"AWSAccountIds": [OTHER], "Actions": ["SendMessage"]}
    _tell(
        lambda: olga.send_message(QueueUrl=url, MessageBody="x"),
        [
            ("nothing", _nothing, NO),
            ("add", lambda: sqs.add_permission(QueueUrl=url, Label="a", **more), YES),
            ("remove", lambda: sqs.remove_permission(QueueUrl=url, Label="a"), NO),
        ],
    )


def test_a_key_s_policy_and_grants(world: World) -> None:
    kms = world.admin("kms")
    own = allow("kms:*", Principal={"AWS": f"{IAM}:user/administrator"})
    hers = allow("kms:Encrypt", Principal={"AWS": ANA})
    key = kms.create_key(Policy=policy(own))["KeyMetadata"]["Arn"]
    ana = world.user("ana").client("kms")
    kept: list[str] = []

    def put(*statements: Doc) -> Callable[[], Any]:
        return lambda: kms.put_key_policy(KeyId=key, Policy=policy(own, *statements))

    def grant() -> None:
        made = kms.create_grant(KeyId=key, GranteePrincipal=ANA, Operations=["Encrypt"])
        kept.append(made["GrantId"])

    delegates = allow("kms:*", Principal={"AWS": ACCOUNT})
    _tell(
        lambda: ana.encrypt(KeyId=key, Plaintext=b"x"),
        [
            ("nothing", _nothing, NO),
            ("put_key_policy", put(hers), YES),
            ("taken back", put(), NO),
            ("create_grant", grant, YES),
            ("revoke_grant", lambda: kms.revoke_grant(KeyId=key, GrantId=kept[-1]), NO),
            ("a grant again", grant, YES),
            ("retire_grant", lambda: kms.retire_grant(KeyId=key, GrantId=kept[-1]), NO),
            ("the account is named", put(delegates), NO),
            ("and an IAM policy", lambda: world.grant("user/ana", allow("kms:*")), YES),
            ("not named any more", put(), NO),
        ],
    )


def test_a_secret_s_policy(world: World) -> None:
    secrets = world.admin("secretsmanager")
    secrets.create_secret(Name="door", SecretString="1234")
    ana = world.user("ana").client("secretsmanager")
    grant = allow("secretsmanager:GetSecretValue", Principal={"AWS": ANA})
    tagged = allow("*", Condition={"StringEquals": {"aws:ResourceTag/team": "maps"}})
    put = lambda said: secrets.put_resource_policy(  # noqa: E731
        SecretId="door", ResourcePolicy=policy(said)
    )
    _tell(
        lambda: ana.get_secret_value(SecretId="door"),
        [
            ("nothing", _nothing, NO),
            ("put_resource_policy", lambda: put(grant), YES),
            ("for another", lambda: put(grant | {"Principal": {"AWS": OTHER}}), NO),
            ("put again", lambda: put(grant), YES),
            ("delete", lambda: secrets.delete_resource_policy(SecretId="door"), NO),
            ("a policy about the tag", lambda: world.grant("user/ana", tagged), NO),
            ("tag", lambda: secrets.tag_resource(SecretId="door", Tags=_team()), YES),
            ("untag", lambda: secrets.untag_resource(SecretId="door", TagKeys=["team"]), NO),
        ],
    )


def test_a_table_s_policy(world: World) -> None:
    tables = world.admin("dynamodb")
    arn = tables.create_table(
        TableName="songs",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    ana = world.user("ana").client("dynamodb")
    grant = allow("dynamodb:GetItem", arn, Principal={"AWS": ANA})
    put = lambda said: tables.put_resource_policy(ResourceArn=arn, Policy=policy(said))  # noqa: E731
    tagged = allow("*", Condition={"StringEquals": {"aws:ResourceTag/team": "maps"}})
    _tell(
        lambda: ana.get_item(TableName="songs", Key={"k": {"S": "v"}}),
        [
            ("nothing", _nothing, NO),
            ("put_resource_policy", lambda: put(grant), YES),
            ("another action", lambda: put(grant | {"Action": "dynamodb:PutItem"}), NO),
            ("put again", lambda: put(grant), YES),
            ("delete", lambda: tables.delete_resource_policy(ResourceArn=arn), NO),
            ("a policy about the tag", lambda: world.grant("user/ana", tagged), NO),
            ("tag", lambda: tables.tag_resource(ResourceArn=arn, Tags=_team()), YES),
            ("untag", lambda: tables.untag_resource(ResourceArn=arn, TagKeys=["team"]), NO),
        ],
    )


def test_a_function_s_policy(world: World) -> None:
    functions = world.admin("lambda")
    service = {"Service": "lambda.amazonaws.com"}
    worker = world.role("worker", trust=(trusts(service),))
    arn = functions.create_function(
        FunctionName="f",
        Runtime="python3.12",
        Role=worker,
        Handler="h.h",
        Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
    )["FunctionArn"]
    olga = world.user("olga", allow("lambda:*"), account=OTHER).client("lambda")
    more = {"StatementId": "a", "Action": "lambda:GetFunction", "Principal": OTHER}
    _tell(
        lambda: olga.get_function(FunctionName=arn),
        [
            ("nothing", _nothing, NO),
            ("add_permission", lambda: functions.add_permission(FunctionName="f", **more), YES),
            (
                "remove_permission",
                lambda: functions.remove_permission(FunctionName="f", StatementId="a"),
                NO,
            ),
        ],
    )


def test_a_trust_policy(world: World) -> None:
    world.role("vault", trust=f"{IAM}:user/administrator")
    ana = world.user("ana")
    put = lambda *said: world.iam.update_assume_role_policy(  # noqa: E731
        RoleName="vault", PolicyDocument=policy(*said)
    )
    mine = trusts(ANA)
    _tell(
        lambda: world.assume("vault", ana),
        [
            ("nothing", _nothing, NO),
            ("update", lambda: put(mine), YES),
            ("a Deny", lambda: put(mine, deny("sts:*", None, Principal="*")), NO),
            ("update again", lambda: put(mine), YES),
            ("the account", lambda: put(trusts(ACCOUNT)), NO),
            ("and an IAM policy", lambda: world.grant("user/ana", allow("sts:AssumeRole")), YES),
        ],
    )


@pytest.mark.parametrize("kind", ["SERVICE", "RESOURCE"])
def test_control_policies(world: World, kind: str) -> None:
    """SCPs and RCPs: attached, changed, detached, on every level, and the account moved."""
    member = world.organization()
    client = world.admin("organizations")
    world.bucket("reports", account=member)
    mia = world.user("mia", allow("*"), account=member)
    unit = client.create_organizational_unit(ParentId=world.root, Name="apps")
    unit = unit["OrganizationalUnit"]["Id"]
    who = {"Principal": "*"} if kind == "RESOURCE" else {}
    ban, harmless = policy(deny("s3:*", **who)), policy(deny("iam:DeleteUser", **who))
    if kind == "RESOURCE":
        harmless = policy(deny("sqs:DeleteQueue", **who))
    made = client.create_policy(
        Name="p", Description="-", Type=f"{kind}_CONTROL_POLICY", Content=ban
    )["Policy"]["PolicySummary"]["Id"]

    def attach(target: str) -> Callable[[], Any]:
        return lambda: client.attach_policy(PolicyId=made, TargetId=target)

    def detach(target: str) -> Callable[[], Any]:
        return lambda: client.detach_policy(PolicyId=made, TargetId=target)

    def move(source: str, target: str) -> Callable[[], Any]:
        return lambda: client.move_account(
            AccountId=member, SourceParentId=source, DestinationParentId=target
        )

    def update(content: str) -> Callable[[], Any]:
        return lambda: client.update_policy(PolicyId=made, Content=content)

    _tell(
        read(mia),
        [
            ("made, not attached", _nothing, YES),
            ("on the root", attach(world.root), NO),
            ("off the root", detach(world.root), YES),
            ("on the account", attach(member), NO),
            ("changed", update(harmless), YES),
            ("changed back", update(ban), NO),
            ("off the account", detach(member), YES),
            ("on a unit elsewhere", attach(unit), YES),
            ("moved into the unit", move(world.root, unit), NO),
            ("moved out", move(unit, world.root), YES),
            ("moved in again", move(world.root, unit), NO),
            (
                "out of the organization",
                lambda: client.remove_account_from_organization(AccountId=member),
                YES,
            ),
        ],
    )


def test_tags_of_iam_s_own(world: World) -> None:
    """The tags of users, roles and policies as resources."""
    iam = world.iam
    tagged = allow("iam:*", Condition={"StringEquals": {"aws:ResourceTag/team": "maps"}})
    ana = world.user("ana", tagged).client("iam")
    world.user("bo")
    world.role("worker")
    arn = world.managed("p", allow("s3:*"))
    cases: list[tuple[Callable[[], Any], Callable[..., Any], Callable[..., Any], Doc]] = [
        (lambda: ana.get_user(UserName="bo"), iam.tag_user, iam.untag_user, {"UserName": "bo"}),
        (
            lambda: ana.get_role(RoleName="worker"),
            iam.tag_role,
            iam.untag_role,
            {"RoleName": "worker"},
        ),
        (
            lambda: ana.get_policy(PolicyArn=arn),
            iam.tag_policy,
            iam.untag_policy,
            {"PolicyArn": arn},
        ),
    ]
    for question, tag, untag, name in cases:
        _tell(
            question,
            [
                ("nothing", _nothing, NO),
                ("tag", lambda tag=tag, name=name: tag(Tags=_team(), **name), YES),
                ("change", lambda tag=tag, name=name: tag(Tags=_team("ops"), **name), NO),
                ("and back", lambda tag=tag, name=name: tag(Tags=_team(), **name), YES),
                ("untag", lambda u=untag, name=name: u(TagKeys=["team"], **name), NO),
            ],
        )


def test_tags_of_an_instance(world: World) -> None:
    ec2 = world.admin("ec2")
    made = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
    instance = made["Instances"][0]["InstanceId"]
    tagged = allow("ec2:*", Condition={"StringEquals": {"ec2:ResourceTag/team": "maps"}})
    ana = world.user("ana", tagged).client("ec2")
    more = {"Resources": [instance], "Tags": _team()}
    _tell(
        lambda: ana.stop_instances(InstanceIds=[instance]),
        [
            ("nothing", _nothing, NO),
            ("create_tags", lambda: ec2.create_tags(**more), YES),
            ("delete_tags", lambda: ec2.delete_tags(**more), NO),
        ],
    )


def test_everything_at_once_after_a_reset(world: World) -> None:
    """After reset() no policy, key or session of before is known."""
    ana = world.user("ana", allow(LISTS))
    role = world.assume(world.role("worker", allow(LISTS)))
    assert outcome(ana.client("s3").list_buckets) == YES
    world.lab.reset()
    for session in (ana, role):
        assert outcome(session.client("s3").list_buckets) == "InvalidAccessKeyId"
    again = world.user("ana")
    assert outcome(again.client("s3").list_buckets) == NO


def test_a_change_that_fails_changes_nothing(world: World) -> None:
    ana = world.user("ana", allow(LISTS)).client("s3")
    put = {"UserName": "ana", "PolicyName": "own", "PolicyDocument": "{"}
    assert outcome(ana.list_buckets) == YES
    assert outcome(lambda: world.iam.put_user_policy(**put)) == "MalformedPolicyDocument"
    assert outcome(ana.list_buckets) == YES
    bo = world.user("bo").client("iam")
    put["PolicyDocument"] = policy(deny("*"))
    assert outcome(lambda: bo.put_user_policy(**put)) == NO
    assert outcome(ana.list_buckets) == YES
