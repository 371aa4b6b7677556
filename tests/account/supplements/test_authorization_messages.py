"""EC2's encoded denials and DecodeAuthorizationMessage. Source: "DecodeAuthorizationMessage", STS
API Reference, and the example of decode-authorization-message, AWS CLI Command Reference."""

from __future__ import annotations

import base64
import json
import zlib
from random import Random
from typing import Any

import pytest

from tests.account.helpers import AS_IS, World, allow, deny, outcome, refusal
from tests.account.supplements.conftest import ACCOUNT, OTHER, refused

ANA = f"arn:aws:iam::{ACCOUNT}:user/ana"
IMAGE = "ami-12c6146b"
INVALID = "InvalidAuthorizationMessageException"


def message_of(session: Any, **more: Any) -> str:
    """What EC2 says to a RunInstances that is denied: the encoded part."""
    run = session.client("ec2", config=AS_IS).run_instances
    given = {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro"}
    no = refusal(lambda: run(**given | more))
    assert no is not None and no.code == "UnauthorizedOperation"
    return no.text.partition(" Encoded authorization failure message: ")[2]


def decoded(world: World, text: str) -> dict[str, Any]:
    answer = world.admin("sts").decode_authorization_message(EncodedMessage=text)
    return json.loads(answer["DecodedMessage"])


def conditions(said: dict[str, Any]) -> dict[str, list[str]]:
    return {
        one["key"]: [value["value"] for value in one["values"]["items"]]
        for one in said["context"]["conditions"]["items"]
    }


def test_an_implicit_denial(world: World) -> None:
    session = world.user("ana")
    user_id = world.iam.get_user(UserName="ana")["User"]["UserId"]
    said = decoded(world, message_of(session))
    context = said.pop("context")
    assert said == {
        "allowed": False,
        "explicitDeny": False,
        "matchedStatements": {"items": []},
        "failures": {"items": []},
    }
    assert context["principal"] == {"id": user_id, "name": "ana", "arn": ANA}
    assert context["action"] == "RunInstances"
    assert context["resource"].startswith("arn:aws:ec2:us-east-1:")
    assert context["resource"] == world.lab.why().request.resource
    assert set(conditions({"context": context})) == set(world.lab.why().request.context)


def test_an_explicit_denial_names_its_statement(world: World) -> None:
    micro = {"StringEquals": {"ec2:InstanceType": ["t3.micro", "t3.nano"]}}
    instances = "arn:aws:ec2:*:*:instance/*"
    session = world.user(
        "ana",
        allow("*", Sid="All"),
        deny(["ec2:RunInstances", "ec2:StartInstances"], instances, Sid="NoMicro", Condition=micro),
    )
    said = decoded(world, message_of(session))
    assert said["explicitDeny"] is True and said["allowed"] is False
    (matched,) = said["matchedStatements"]["items"]
    assert matched == {
        "statementId": "NoMicro",
        "effect": "DENY",
        "principals": {"items": [{"value": said["context"]["principal"]["id"]}]},
        "principalGroups": {"items": []},
        "actions": {"items": [{"value": "ec2:RunInstances"}, {"value": "ec2:StartInstances"}]},
        "resources": {"items": [{"value": instances}]},
        "conditions": {
            "items": [
                {
                    "key": "ec2:InstanceType",
                    "values": {"items": [{"value": "t3.micro"}, {"value": "t3.nano"}]},
                }
            ]
        },
    }
    assert conditions(said)["ec2:InstanceType"] == ["t3.micro"]
    assert said["context"]["resource"].startswith(f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/")


def test_a_role_session_and_a_role_to_pass(world: World) -> None:
    world.role("developer", allow("ec2:*"))
    role = world.iam.get_role(RoleName="developer")["Role"]["RoleId"]
    world.role("worker")
    world.iam.create_instance_profile(InstanceProfileName="worker")
    world.iam.add_role_to_instance_profile(InstanceProfileName="worker", RoleName="worker")
    text = message_of(world.assume("developer"), IamInstanceProfile={"Name": "worker"})
    context = decoded(world, text)["context"]
    assert context["principal"] == {
        "id": f"{role}:morning",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/developer/morning",
    }
    assert context["action"] == "iam:PassRole"
    assert context["resource"] == f"arn:aws:iam::{ACCOUNT}:role/worker"


def test_whoever_is_denied_cannot_read_it(world: World) -> None:
    session = world.user("ana")
    text = message_of(session)
    sts = session.client("sts", config=AS_IS)
    assert outcome(lambda: sts.decode_authorization_message(EncodedMessage=text)) == "denied"
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert b"RunInstances" not in raw
    for start in range(len(raw)):
        with pytest.raises(zlib.error):
            zlib.decompress(raw[start:])
    world.grant("user/ana", allow("sts:DecodeAuthorizationMessage"))
    answer = sts.decode_authorization_message(EncodedMessage=text)
    assert json.loads(answer["DecodedMessage"])["context"]["principal"]["arn"] == ANA
    assert text != message_of(session)  # the same denial looks different each time


@pytest.mark.parametrize("change", ["first", "last", "short", "newline", "words", "other letters"])
def test_messages_that_were_never_given(world: World, change: str) -> None:
    text = message_of(world.user("ana"))
    middle = len(text) // 2
    made_up = {
        "first": ("B" if text[0] == "A" else "A") + text[1:],
        "last": text[:middle] + ("B" if text[middle] == "A" else "A") + text[middle + 1 :],
        "short": text[:30],
        "newline": text[:middle] + "\n" + text[middle:],
        "words": "not a message",
        "other letters": "é" * 40,
    }[change]
    with refused(INVALID, 400):
        decoded(world, made_up)
    assert decoded(world, text)["allowed"] is False


def test_old_messages_and_those_of_other_accounts(world: World) -> None:
    """Both are not documented in detail: a day, and one's own account only [I]."""
    text = message_of(world.user("ana"))
    with refused(INVALID, 400):
        world.admin("sts", OTHER).decode_authorization_message(EncodedMessage=text)
    world.lab.clock.advance(hours=23)
    assert decoded(world, text)
    world.lab.clock.advance(hours=2)
    with refused(INVALID, 400):
        decoded(world, text)


def test_the_length_of_a_message(world: World) -> None:
    for wrong in ("", "A" * 10_241):
        with refused("ValidationError", 400, "encodedMessage"):
            decoded(world, wrong)
    # However much denies, the message can be sent back.
    session = world.user("ana")
    rng = Random(1)
    for number in range(8):
        names = [f"ec2:{rng.getrandbits(160):040x}" for _ in range(110)]
        arn = world.managed(f"Long{number}", deny(["ec2:RunInstances", *names]))
        world.iam.attach_user_policy(UserName="ana", PolicyArn=arn)
    text = message_of(session)
    assert 5_000 < len(text) <= 10_240
    matched = decoded(world, text)["matchedStatements"]["items"]
    assert 0 < len(matched) < 8 and len(matched[0]["actions"]["items"]) == 111
