"""What of AWS the lab has, what it refuses and why, and where it is known to differ.

The lists of operations are computed, from the lab's own calls and from moto's: nobody types them.
Only the reasons, and the differences that are known, stand in tables here.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

# Why an operation is refused: the first pattern of its service that fits. Many patterns to a
# reason are parted by spaces.
NOT_KEPT = "moto, which keeps the lab's resources, has no such part."
ELSEWHERE = "It goes to another service's endpoint, which the lab does not have."
_ROOT = "It is for root sessions of member accounts (AssumeRoot), which the lab does not have."
REASONS = {
    "iam": (
        ("*Delegation* GetHumanReadableSummary", "Only partners that AWS has admitted can use it."),
        ("AcquireRole *RoleTemplate* *AccountProperties", "It needs AWS's own role templates."),
        ("*OrganizationsRoot* ListOrganizationsFeatures", _ROOT),
        (
            "*OutboundWebIdentity*",
            "It is for tokens that AWS signs for others (GetWebIdentityToken). The lab signs none; "
            "its own issuer (lab.issuer) shows the other direction.",
        ),
        (
            "UpdateOpenIDConnectProvider",
            "It is for trusted identity propagation from IAM Identity Center, which the lab does "
            "not have.",
        ),
        (
            "SetSecurityTokenServicePreferences",
            "It chooses between two forms of session tokens; the lab's tokens work in all Regions.",
        ),
        ("*OrganizationsAccessReport", "The lab has last-accessed data of each account only."),
    ),
    "sts": (
        ("AssumeRoot", _ROOT),
        ("GetScopedCredentials", "Not built yet; a role with a session policy is much like it."),
        ("GetWebIdentityToken", "The lab signs no tokens for services outside AWS."),
        ("GetDelegatedAccessToken", "Only partners that AWS has admitted can use it."),
    ),
    "s3": (
        ("ListDirectoryBuckets WriteGetObjectResponse", ELSEWHERE),
        ("CreateSession RenameObject", "It is for directory buckets, which the lab does not have."),
    ),
    "dynamodb": (("SearchVectors", ELSEWHERE),),
    "ec2": (("*", f"{NOT_KEPT} EC2 is here for roles on instances and for tags in policies."),),
    "access-analyzer": (
        ("*AccessPreview*", "CheckNoNewAccess and CheckNoPublicAccess look ahead in the lab."),
        ("*ServiceLinked*", "Only AWS's own services may call it."),
        ("*", "The generated policy of StartPolicyGeneration says what to keep."),
    ),
}

# What works, but not in every way as on AWS. Kept by hand.
DIFFERENCES = (
    ("Services", "Any other service than those above raises NotInTheLab. Nothing is sent."),
    ("S3 Block Public Access", "It is stored and shown. It blocks nothing: a public policy acts."),
    ("S3 ACLs", "They are stored and shown. They grant nothing, as under BucketOwnerEnforced."),
    ("VPC endpoints", "No call comes through one: endpoint policies are never asked."),
    ("Console sign-in", "Passwords are kept and checked, but there is no page to sign in on."),
    ("Time", "The lab's clock can be moved. A phone's codes then need ResyncMFADevice."),
    ("Conflicts", "Nothing is ever too busy to change (ConcurrentModification and its like)."),
    ("Changes", "They act on the next call. On AWS they may take some seconds to be everywhere."),
    ("Quotas", "They are AWS's defaults. There is no Service Quotas to raise them."),
    ("Throttling", "There is none: no call is refused for coming too fast."),
    ("Regions", "All are open to every account, and IAM is the same in each."),
    ("Service-linked roles", "Services' names for them are guessed, but for the best known."),
    ("AWS managed policies", "Those of the moto release installed; AWS changes its own daily."),
    ("Condition keys", "Keys about networks, devices and services calling for you are absent."),
    ("Chained calls", "A service that acts for a caller asks only for the permissions listed in "
     "the service authorization reference."),
    ("CloudTrail", "LookupEvents shows the lab's own calls at once; AWS takes some minutes."),
    ("MFA", "Only virtual devices, of users. No FIDO keys, and the root user has none."),
    ("Root user", "lab.session('root') signs its calls. It can get no MFA device."),
    ("SAML", "Providers can be stored; AssumeRoleWithSAML checks no signature and is refused."),
    ("Error texts", "Codes and HTTP statuses are AWS's. Texts that AWS does not publish are the "
     "lab's words."),
    ("InternalFailure", "HTTP 501 with this code: moto broke on the call. Nothing was done."),
)  # fmt: skip

WIDTH = 96


class Covered(NamedTuple):
    """One service: how many operations AWS has, and which of them the lab refuses, by reason."""

    service: str
    operations: int
    refused: dict[str, tuple[str, ...]]


def refused(service: str) -> dict[str, str]:
    """Return the operations of a service that the lab answers with HTTP 501, and the reasons.

    Parameters
    ----------
    service : str
        The prefix of its actions, such as ``"iam"``.

    Returns
    -------
    dict of str to str
        Operation to reason, by name.

    Examples
    --------
    >>> "GetUser" in refused("iam")
    False
    """
    from iamlab.account import seam
    from iamlab.account.supplements import REGISTRY
    from iamlab.account.wire import service_model

    return {
        name: why
        for name in sorted(service_model(service).operation_names)
        if (why := _reason(service, name)) == ELSEWHERE
        or not ((service, name) in REGISTRY or seam.has(service, name))
    }


def coverage() -> list[Covered]:
    """Return what the lab has of each service it serves.

    Returns
    -------
    list of Covered
        In the order of :data:`iamlab.account.operations.SERVICES`.

    Examples
    --------
    >>> covered = coverage()[0]
    >>> covered.service, covered.operations > 180
    ('iam', True)
    """
    from iamlab.account.operations import SERVICES
    from iamlab.account.wire import service_model

    found = []
    for service in SERVICES:
        by_reason: dict[str, list[str]] = {}
        for name, why in refused(service).items():
            by_reason.setdefault(why, []).append(name)
        operations = len(service_model(service).operation_names)
        found.append(
            Covered(service, operations, {why: tuple(names) for why, names in by_reason.items()})
        )
    return found


def page() -> str:
    """Return the page that ``iamlab doctor --coverage`` prints.

    Returns
    -------
    str

    Examples
    --------
    >>> print(page().splitlines()[0])
    What the lab has of AWS, and what it has not
    """
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "What the lab has of AWS, and what it has not"
    yield ""
    yield from _wrapped(
        "A call that is listed here as refused is judged like any other: who may not make it is "
        "denied. Who may gets HTTP 501 (NotImplemented), and nothing is done."
    )
    yield ""
    everything = coverage()
    yield f"{'service':16} {'AWS has':>8} {'works':>8} {'refused':>8}"
    for one in everything:
        missing = sum(len(names) for names in one.refused.values())
        yield f"{one.service:16} {one.operations:8} {one.operations - missing:8} {missing:8}"
    yield ""
    yield "Refused, and why"
    for one in everything:
        for why, names in one.refused.items():
            yield ""
            yield from _wrapped(f"{one.service}: {why}")
            yield from _wrapped(" ".join(names), "    ")
    yield ""
    yield "Works, but differs from AWS"
    for about, how in DIFFERENCES:
        yield ""
        yield about
        yield from _wrapped(how, "    ")


def _reason(service: str, operation: str) -> str:
    for patterns, why in REASONS.get(service, ()):
        if any(fnmatchcase(operation, pattern) for pattern in patterns.split()):
            return why
    return NOT_KEPT


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
