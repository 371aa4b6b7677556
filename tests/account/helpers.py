"""For the tests of the rules: people, things and policies in one line each, and what a call gets.

``outcome(call)`` is "allowed" or the name of the refusal; ``refusal(call)`` is the whole of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ACCOUNT, OTHER = "111122223333", "444455556666"
IAM = f"arn:aws:iam::{ACCOUNT}"
STS = f"arn:aws:sts::{ACCOUNT}"
# Requests that botocore itself would refuse are to reach the lab.
AS_IS = Config(parameter_validation=False, retries={"max_attempts": 0})
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403")

Doc = dict[str, Any]


def statement(effect: str, action: Any, resource: Any = "*", **more: Any) -> Doc:
    """A statement; ``more`` holds further elements, and None takes one out."""
    made = {"Effect": effect, "Action": action, "Resource": resource} | more
    return {key: value for key, value in made.items() if value is not None}


def allow(action: Any, resource: Any = "*", **more: Any) -> Doc:
    return statement("Allow", action, resource, **more)


def deny(action: Any, resource: Any = "*", **more: Any) -> Doc:
    return statement("Deny", action, resource, **more)


def policy(*statements: Doc, version: str | None = "2012-10-17") -> str:
    document: Doc = {"Version": version} if version else {}
    return json.dumps(document | {"Statement": list(statements)})


def trusts(principal: Any, *actions: str, **more: Any) -> Doc:
    """A statement of a trust policy; a text is an AWS principal."""
    who = {"AWS": principal} if isinstance(principal, (str, list)) else principal
    return allow(list(actions or ("sts:AssumeRole",)), None, Principal=who, **more)


@dataclass(frozen=True)
class Refused:
    code: str
    status: int
    text: str


def refusal(call: Callable[[], Any]) -> Refused | None:
    """What AWS answers instead of doing the call; None if it does it."""
    try:
        call()
    except ClientError as error:
        answer = error.response
        return Refused(
            answer["Error"]["Code"],
            answer["ResponseMetadata"]["HTTPStatusCode"],
            answer["Error"].get("Message", ""),
        )
    return None


def outcome(call: Callable[[], Any]) -> str:
    """Return "allowed", "denied" (any service's way), or the code of another error."""
    refused = refusal(call)
    if refused is None:
        return "allowed"
    return "denied" if refused.code in DENIED else refused.code


def signed(answer: dict[str, Any]) -> boto3.Session:
    """A session with the temporary credentials of an STS answer."""
    import iamlab

    made = answer["Credentials"]
    return iamlab.start()._session(
        made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]
    )


class World:
    """The lab's accounts, and short ways to fill them.

    Clients of the administrators are kept: making one costs more than most calls.
    """

    def __init__(self, lab: Any) -> None:
        self.lab = lab
        self._kept: dict[tuple[str, str], Any] = {}
        self._sessions: dict[str, Any] = {}
        self.root = ""  # the ID of the organization's root, once there is one

    def admin(self, service: str, account: str = ACCOUNT) -> Any:
        """A client of the account's administrator."""
        if (service, account) not in self._kept:
            session = self._sessions.setdefault(account, self.lab.account(account))
            self._kept[service, account] = session.client(service, config=AS_IS)
        return self._kept[service, account]

    @property
    def iam(self) -> Any:
        return self.admin("iam")

    @property
    def s3(self) -> Any:
        return self.admin("s3")

    def user(self, name: str, *statements: Doc, account: str = ACCOUNT, **more: Any) -> Any:
        """Make a user with an inline policy; return a session of theirs."""
        iam = self.admin("iam", account)
        iam.create_user(UserName=name, **more)
        if statements:
            self.grant(f"user/{name}", *statements, account=account)
        return self.lab.session(f"user/{name}", account)

    def role(
        self,
        name: str,
        *statements: Doc,
        trust: Any = ACCOUNT,
        account: str = ACCOUNT,
        **more: Any,
    ) -> str:
        """Make a role; return its ARN. ``trust``: a principal, or a tuple of statements."""
        iam = self.admin("iam", account)
        says = trust if isinstance(trust, tuple) else (trusts(trust),)
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(*says), **more)
        if statements:
            self.grant(f"role/{name}", *statements, account=account)
        return made["Role"]["Arn"]

    def grant(self, who: str, *statements: Doc, account: str = ACCOUNT, name: str = "own") -> None:
        """Put an inline policy on "user/…", "role/…" or "group/…", or take it away."""
        kind, _, entity = who.partition("/")
        kind = kind.capitalize()
        iam, key = self.admin("iam", account), {f"{kind}Name": entity, "PolicyName": name}
        if statements:
            put = getattr(iam, f"put_{kind.lower()}_policy")
            put(PolicyDocument=policy(*statements), **key)
        else:
            getattr(iam, f"delete_{kind.lower()}_policy")(**key)

    def managed(self, name: str, *statements: Doc, account: str = ACCOUNT) -> str:
        """Make a managed policy; return its ARN."""
        made = self.admin("iam", account).create_policy(
            PolicyName=name, PolicyDocument=policy(*statements)
        )
        return made["Policy"]["Arn"]

    def assume(self, role: str, by: Any = None, **more: Any) -> Any:
        """Assume a role (by the administrator, if nobody is named); return a session."""
        sts = by.client("sts", config=AS_IS) if by is not None else self.admin("sts")
        arn = role if role.startswith("arn:") else f"{IAM}:role/{role}"
        return signed(sts.assume_role(**{"RoleArn": arn, "RoleSessionName": "morning"} | more))

    def bucket(self, name: str, *statements: Doc, account: str = ACCOUNT) -> None:
        """Make a bucket that holds q3.csv, or give one a policy."""
        s3 = self.admin("s3", account)
        if self.lab.state.bucket_account(name) is None:
            s3.create_bucket(Bucket=name)
            s3.put_object(Bucket=name, Key="q3.csv", Body=b"1")
        if statements:
            s3.put_bucket_policy(Bucket=name, Policy=policy(*statements))

    def organization(self) -> str:
        """Make the learner's account head an organization; return a member account's ID."""
        client = self.admin("organizations")
        client.create_organization()
        self.root = client.list_roots()["Roots"][0]["Id"]
        made = client.create_account(AccountName="apps", Email="apps@example.com")
        return made["CreateAccountStatus"]["AccountId"]

    def scp(self, name: str, *statements: Doc, target: str, kind: str = "SERVICE") -> str:
        """Make an SCP (or with ``kind="RESOURCE"`` an RCP) and attach it; return its ID."""
        client = self.admin("organizations")
        made = client.create_policy(
            Name=name,
            Description="-",
            Type=f"{kind}_CONTROL_POLICY",
            Content=policy(*statements),
        )["Policy"]["PolicySummary"]["Id"]
        client.attach_policy(PolicyId=made, TargetId=target)
        return made


def read(session: Any, bucket: str = "reports", key: str = "q3.csv") -> Callable[[], Any]:
    """The call most tests ask about: GetObject."""
    s3 = session.client("s3", config=AS_IS)
    return lambda: s3.get_object(Bucket=bucket, Key=key)
