"""What stands in the account when a lesson begins: a table, and what builds it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

Policies = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Role:
    """A role of the world: its trust policy, its inline policies, its longest session."""

    trust: Mapping[str, Any]
    policies: Policies = field(default_factory=dict)
    max_seconds: int = 3600


@dataclass(frozen=True)
class World:
    """The users, buckets and roles that a lesson begins with.

    Parameters
    ----------
    users : mapping
        From a user name to that user's inline policies (policy name to document).
    buckets : mapping
        From a bucket name to its objects (key to bytes).
    roles : mapping
        From a role name to its :class:`Role`.
    events : callable, optional
        ``events(lab)`` does what no table says, such as the story's calls. It returns the access
        keys that the story hands out: name to keyword arguments of ``boto3.Session``.
    """

    users: Mapping[str, Policies] = field(default_factory=dict)
    buckets: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    events: Callable[[Lab], dict[str, dict[str, str]]] | None = None

    def build(self, lab: Lab) -> None:
        """Make what is missing in the account. What is there already stays as it is."""
        administrator = lab.account(lab.account_id)
        iam, s3 = administrator.client("iam"), administrator.client("s3")
        there = {user["UserName"] for user in iam.list_users()["Users"]}
        for name, policies in self.users.items():
            if name not in there:
                iam.create_user(UserName=name)
                for policy, document in policies.items():
                    iam.put_user_policy(
                        UserName=name, PolicyName=policy, PolicyDocument=json.dumps(document)
                    )
        there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
        for bucket, objects in self.buckets.items():
            if bucket not in there:
                s3.create_bucket(Bucket=bucket)
                for key, body in objects.items():
                    s3.put_object(Bucket=bucket, Key=key, Body=body)
        there = {role["RoleName"] for role in iam.list_roles()["Roles"]}
        for name, role in self.roles.items():
            if name not in there:
                iam.create_role(
                    RoleName=name,
                    AssumeRolePolicyDocument=json.dumps(role.trust),
                    MaxSessionDuration=role.max_seconds,
                )
                for policy, document in role.policies.items():
                    iam.put_role_policy(
                        RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document)
                    )
