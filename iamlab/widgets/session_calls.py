"""What can be done with a credential of the lab: call, revoke its role's sessions, renew itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
import botocore.loaders
import botocore.session
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

from iamlab.widgets.credential_countdown import who_am_i
from iamlab.widgets.session_bars import REVOCATION
from iamlab.widgets.session_words import count

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

Call = Callable[[boto3.Session], Any]


def _lists(service: str, method: str, member: str, thing: str) -> Call:
    def call(session: boto3.Session) -> str:
        return count(len(getattr(session.client(service), method)()[member]), thing)

    return call


# What can be tried: a name, and what makes the call and says in short what AWS answered.
CALLS: dict[str, Call] = {
    "sts GetCallerIdentity": who_am_i,
    "s3 ListBuckets": _lists("s3", "list_buckets", "Buckets", "bucket"),
    "iam ListUsers": _lists("iam", "list_users", "Users", "user"),
    "ec2 DescribeInstances": _lists("ec2", "describe_instances", "Reservations", "reservation"),
    "dynamodb ListTables": _lists("dynamodb", "list_tables", "TableNames", "table"),
}
_LOADER = botocore.loaders.Loader()  # reads each of botocore's models once for all credentials


def assume(role_arn: str) -> Call:
    """Return the call that makes a session of a role."""

    def call(session: boto3.Session) -> str:
        made = session.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="tried-here")
        return f"{made['AssumedRoleUser']['Arn']} until {made['Credentials']['Expiration']:%H:%M}"

    return call


def signed_in(lab: Lab, key: str) -> boto3.Session:
    """Return a session with a credential of the lab, also with one that AWS takes no longer."""
    found = lab.callers.find(key)
    kept = lab.callers.sessions.get(key)
    secret = found.secret if found else kept.secret if kept else "gone"  # refused by its ID
    core = botocore.session.Session()
    core.register_component("data_loader", _LOADER)
    return boto3.Session(key, secret, kept and kept.token, lab.region, botocore_session=core)


def revoke(lab: Lab, role_arn: str) -> datetime:
    """Put the policy on a role that the console's "Revoke active sessions" puts there.

    Parameters
    ----------
    lab : Lab
    role_arn : str

    Returns
    -------
    datetime
        The role now denies everything to sessions that were issued before this.

    Raises
    ------
    ClientError
        If IAM does not do it: the role is gone, or is a service's own.

    Notes
    -----
    Source: "Revoke IAM role temporary security credentials", IAM User Guide.
    """
    clock = lab.clock
    # Sessions are dated in whole seconds. The clock goes on to the next one, so that what was
    # issued until now is older than the policy's time, and what is issued next is not.
    speed, clock.speed = clock.speed, 0.0
    clock.advance(seconds=1 - clock.now().microsecond / 1e6)
    before = clock.now()
    statement = {
        "Effect": "Deny",
        "Action": ["*"],
        "Resource": ["*"],
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": f"{before:%Y-%m-%dT%H:%M:%SZ}"}},
    }
    try:
        lab.account(role_arn.split(":")[4]).client("iam").put_role_policy(
            RoleName=role_arn.rsplit("/", 1)[-1],
            PolicyName=REVOCATION,
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
    finally:
        clock.speed = speed
    return before


def self_renewing(lab: Lab, role_arn: str) -> DeferredRefreshableCredentials:
    """Return a role's credentials that renew themselves, as boto3 makes them for a profile.

    The administrator of the role's account assumes it. In the last 15 minutes of a session, the
    next use fetches a new one.

    Raises
    ------
    ClientError
        At the first use and at each renewal: if STS does not give the role out.
    """
    administrator = lab.account(role_arn.split(":")[4])
    fetcher = AssumeRoleCredentialFetcher(
        lambda service, **keys: administrator.client(service, **keys),
        administrator.get_credentials(),
        role_arn,
        {"RoleSessionName": "renews-itself"},
    )
    return DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
