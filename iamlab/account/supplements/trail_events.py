"""A call of the record as CloudTrail writes it down: the JSON of one event.

Sources: "CloudTrail record contents for management, data, and network activity events" and
"CloudTrail userIdentity element", AWS CloudTrail User Guide; "Logging IAM and AWS STS API calls
with AWS CloudTrail", IAM User Guide; the page on CloudTrail in each service's guide. What only
public logs show is marked [O]. The lab has no TLS, so ``tlsDetails`` (optional) is left out; so
is root's account alias, which the record does not keep.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID, uuid5

from iamlab.account.trail import Record
from iamlab.account.wire import service_model

VERSION = "1.11"
# These are everywhere, and log in us-east-1. STS logs where its endpoint is.
GLOBAL = ("iam", "organizations")
_UNSIGNED = ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML")
# Data events are not in the event history. By service: a word for which all operations count, or
# their names. (SQS documents the reads of its queues as data events or as not logged at all.)
_DATA = {
    "s3": "AbortMultipartUpload CompleteMultipartUpload CreateMultipartUpload HeadBucket "
    "ListMultipartUploads ListParts UploadPart UploadPartCopy CreateSession",
    "dynamodb": "BatchExecuteStatement BatchGetItem BatchWriteItem DeleteItem ExecuteStatement "
    "ExecuteTransaction GetItem PutItem Query Scan TransactGetItems TransactWriteItems UpdateItem",
    "sqs": "ChangeMessageVisibility ChangeMessageVisibilityBatch DeleteMessage DeleteMessageBatch "
    "GetQueueAttributes GetQueueUrl ListDeadLetterSourceQueues ListQueueTags ListQueues "
    "ReceiveMessage SendMessage SendMessageBatch",
    "lambda": "Invoke InvokeAsync InvokeWithResponseStream",
}
_DATA_EVENTS = {service: frozenset(names.split()) for service, names in _DATA.items()}
_READS = (
    *("Get", "List", "Describe", "Head", "Lookup", "Search", "BatchGet"),
    *("Simulate", "Generate", "Validate", "CheckNo", "CheckAccess"),
)
# CloudTrail's readOnly where it does not follow from the operation's name: STS's [O], KMS's
# ("Logging AWS KMS API calls with AWS CloudTrail"); the rest as in the Service Authorization
# Reference.
_READ_ONLY = {
    "sts": dict.fromkeys(("AssumeRole", *_UNSIGNED), True) | {"GetFederationToken": False},
    "kms": dict.fromkeys(("Encrypt", "Decrypt", "ReEncrypt", "Sign", "Verify", "VerifyMac"), True)
    | {"DeriveSharedSecret": True},
    "access-analyzer": {"GenerateFindingRecommendation": False},
    "cloudtrail": {"GenerateQuery": False},
}
# S3's event names ("Amazon S3 CloudTrail events", Amazon S3 User Guide).
_S3_NAMES = {
    "GetBucketLifecycleConfiguration": "GetBucketLifecycle",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketLifecycleConfiguration": "PutBucketLifecycle",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "DeletePublicAccessBlock": "DeleteBucketPublicAccessBlock",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
# Lambda's event names end with the date of the API version, and these also with "v2" [O].
_LAMBDA_V2 = (
    "AddPermission GetFunction GetFunctionConfiguration GetPolicy RemovePermission TagResource "
    "UntagResource UpdateFunctionCode UpdateFunctionConfiguration"
)
_LAMBDA_DATED = ("2015", "2016", "2017", "2018")  # younger operations carry no date [O]
# The owner of the resource gets an event too if the call was done.
_SHARED = {"sts": "AWS::IAM::Role", "kms": "AWS::KMS::Key", "s3": "AWS::S3::Bucket"}
# One-time codes; all else that is secret is marked so in botocore's models.
_HIDDEN = ("TokenCode", "AuthenticationCode1", "AuthenticationCode2")
# What stands for a secret; where nothing is said the member is left out.
_IN_PLACE = {"ec2": "<sensitiveDataRemoved>", "organizations": "****"}
_NAMES = {"ARN": "arn", "AWSAccountIds": "AWSAccountIds"}
# EC2's own names for the lists of a request [O].
_EC2_SETS = {
    "InstanceIds": "instancesSet",
    "ImageIds": "imagesSet",
    "GroupIds": "securityGroupIdSet",
    "Resources": "resourcesSet",
}
_TYPES = {"root": "Root", "user": "IAMUser", "role": "AssumedRole", "federated": "FederatedUser"}


def event(record: Record, account: str) -> dict[str, Any]:
    """Return the event that an account gets for a call.

    Parameters
    ----------
    record : Record
        One that `recipients` says is logged.
    account : str
        One of its recipients, 12 digits.

    Returns
    -------
    dict
        JSON-able; `errorCode`, `resources`, `sharedEventID` only where they apply.

    Examples
    --------
    >>> import boto3, iamlab
    >>> with iamlab.start() as lab:
    ...     _ = boto3.client("iam").create_user(UserName="ana")
    ...     event(lab.trail.records[0], "111122223333")["requestParameters"]
    {'userName': 'ana'}
    """
    told: dict[str, Any] = {
        "eventVersion": VERSION,
        "userIdentity": _identity(record, account),
        "eventTime": _iso(record.time),
        "eventSource": source(record),
        "eventName": name(record),
        "awsRegion": region(record),
        "sourceIPAddress": _address(record),
        "userAgent": f"[{record.user_agent}]" if record.service == "s3" else record.user_agent,
    }
    if record.error is not None:
        told["errorCode"] = _error_code(record)
        told["errorMessage"] = record.error.message
    told["requestParameters"] = _request(record)
    told["responseElements"] = _response(record)
    # A service's own call was never a request to the lab.
    told["requestID"] = record.request_id or str(uuid5(UUID(record.event_id), "request"))
    told["eventID"] = event_id(record, account)
    told["readOnly"] = read_only(record)
    if resources := _resources(record):
        told["resources"] = resources
    told |= {"eventType": "AwsApiCall", "managementEvent": True, "recipientAccountId": account}
    if len(recipients(record)) > 1:
        told["sharedEventID"] = str(uuid5(UUID(record.event_id), "shared"))
    told["eventCategory"] = "Management"
    return told


def recipients(record: Record) -> tuple[str, ...]:
    """Return the accounts that get an event for a call; none if it is not in any event history.

    Calls whose credentials AWS did not accept are not logged ("CloudTrail logs all authenticated
    API requests", IAM User Guide), nor are data events.
    """
    caller = record.caller
    if caller is None or not record.operation or _is_data(record):
        return ()
    if record.refused is not None and record.refused.code != "AccessDenied":
        return ()
    if record.operation in _UNSIGNED:
        return _account_of(record.params.get("RoleArn"))
    first = record.account or caller.account
    if not first:
        return ()
    if record.error is None and record.service in _SHARED:
        for decision in record.decisions:
            owner = decision.request.resource_account
            if owner and owner != first:
                return (first, owner)
    return (first,)


def event_id(record: Record, account: str) -> str:
    """Return the event's ID: each account that gets the event has its own."""
    if record.caller is not None and record.caller.account not in ("", account):
        return str(uuid5(UUID(record.event_id), account))
    return record.event_id


def source(record: Record) -> str:
    """Return who was called, such as ``"iam.amazonaws.com"``."""
    return f"{record.service}.amazonaws.com"


def region(record: Record) -> str:
    """Return the Region whose event history has the call."""
    return "us-east-1" if record.service in GLOBAL else record.region


def name(record: Record) -> str:
    """Return CloudTrail's name of the operation."""
    operation = record.operation
    if record.service == "s3":
        return _S3_NAMES.get(operation, operation)
    return _lambda_name(operation) if record.service == "lambda" else operation


def read_only(record: Record) -> bool:
    """Return whether CloudTrail calls this a read."""
    table = _READ_ONLY.get(record.service, {})
    return table.get(record.operation, record.operation.startswith(_READS))


def user_name(record: Record, account: str) -> str | None:
    """Return the event history's user name: a role's is the name of its session [O]."""
    caller = record.caller
    if caller is None or caller.kind in ("service", "anonymous"):
        return None
    if caller.kind != "provider" and caller.account != account:
        return None
    return caller.user_id.partition(":")[2] if caller.kind in ("role", "federated") else caller.name


def access_key_id(record: Record, account: str) -> str | None:
    """Return the key that signed the call; another account is not told."""
    caller = record.caller
    return record.access_key_id or None if caller and caller.account == account else None


def _is_data(record: Record) -> bool:
    names = _DATA_EVENTS.get(record.service)
    if names is None:
        return False
    operation = record.operation
    if record.service == "s3" and "Object" in operation:
        return not operation.endswith("ObjectLockConfiguration")
    return operation in names


@cache
def _lambda_name(operation: str) -> str:
    path = service_model("lambda").operation_model(operation).http["requestUri"]
    date = path.split("/")[1].replace("-", "")
    if not date.startswith(_LAMBDA_DATED):
        return operation
    return operation + date + ("v2" if operation in _LAMBDA_V2.split() else "")


def _account_of(arn: Any) -> tuple[str, ...]:
    parts = str(arn).split(":")
    return (parts[4],) if len(parts) > 4 and parts[4].isdigit() else ()


def _address(record: Record) -> str:
    # "For services in AWS, only the DNS name is displayed."
    caller = record.caller
    return caller.arn if caller is not None and caller.kind == "service" else record.source_ip


# --- Who ------------------------------------------------------------------------------------


def _identity(record: Record, account: str) -> dict[str, Any]:
    caller = record.caller
    assert caller is not None
    if caller.kind == "service":
        return {"type": "AWSService", "invokedBy": caller.arn}
    if record.operation in _UNSIGNED:
        kind = "SAMLUser" if record.operation.endswith("SAML") else "WebIdentityUser"
        if caller.kind != "provider":  # the token was not good: nobody to name
            return {"type": kind}
        return {
            "type": kind,
            "principalId": caller.user_id,
            "userName": caller.name,
            "identityProvider": caller.arn,
        }
    if caller.account != account:
        return {
            "type": "AWSAccount",
            "principalId": caller.user_id,
            "accountId": caller.account,
        }
    told: dict[str, Any] = {
        "type": _TYPES.get(caller.kind, "Unknown"),
        "principalId": caller.user_id,
        "arn": caller.arn,
        "accountId": caller.account,
        "accessKeyId": record.access_key_id,
    }
    if caller.kind == "user":
        told["userName"] = caller.name
    if caller.session is not None:
        told["sessionContext"] = _session(caller)
    return told


def _session(caller: Any) -> dict[str, Any]:
    session, account = caller.session, caller.account
    told: dict[str, Any] = {}
    if session.kind == "role":
        told["sessionIssuer"] = {
            "type": "Role",
            "principalId": session.entity_id,
            "arn": session.principal_arn,
            "accountId": account,
            "userName": session.name,
        }
    elif session.kind == "federated" and caller.entity is not None:
        told["sessionIssuer"] = {
            "type": "IAMUser",
            "principalId": session.entity_id,
            "arn": caller.entity.arn,
            "accountId": account,
            "userName": session.name,
        }
    elif session.kind == "federated":
        root = {"type": "Root", "principalId": account, "arn": f"arn:aws:iam::{account}:root"}
        told["sessionIssuer"] = root | {"accountId": account}
    if session.federated_provider:
        told["webIdFederationData"] = {
            "federatedProvider": session.federated_provider,
            "attributes": dict(session.keys or {}),
        }
    told["attributes"] = {
        "creationDate": _iso(session.issued),
        "mfaAuthenticated": "true" if session.mfa_at is not None else "false",
    }
    if session.source_identity:
        told["sourceIdentity"] = session.source_identity
    return told


# --- What -----------------------------------------------------------------------------------


def _request(record: Record) -> dict[str, Any] | None:
    shape = service_model(record.service).operation_model(record.operation).input_shape
    if shape is None:
        return None
    if record.service == "s3":
        return _s3_request(record.params, shape) or None
    told = _plain(record.params, shape, record.service)
    if record.operation in _UNSIGNED:  # what the token says
        tags = record.params.get("Tags") or ()
        said = {
            "sourceIdentity": record.params.get("SourceIdentity"),
            "principalTags": {tag["Key"]: tag["Value"] for tag in tags},
            "transitiveTagKeys": record.params.get("TransitiveTagKeys"),
        }
        told |= {key: value for key, value in said.items() if value}
    if record.operation == "RunInstances":  # [O]
        first = {
            k: told.pop(k) for k in ("imageId", "minCount", "maxCount", "keyName") if k in told
        }
        told["instancesSet"] = {"items": [first]}
    return told or None


def _s3_request(params: Mapping[str, Any], shape: Any) -> dict[str, Any]:
    """S3 shows a request as it travelled: headers and elements under their own names."""
    told: dict[str, Any] = {}
    for member, value in params.items():
        if member == "Bucket":
            told["bucketName"] = value
        elif member == "Policy":
            told["bucketPolicy"] = _json_or_text(value)
        elif member in shape.members:
            told[shape.members[member].serialization.get("name", member)] = _jsonable(value)
    return told


def _json_or_text(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return text


def _jsonable(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def _response(record: Record) -> dict[str, Any] | None:
    """What a call that changes something answered; for reads nothing, but STS's credentials."""
    service, operation = record.service, record.operation
    if record.response is None or record.error is not None or service == "s3":
        return None
    shape = service_model(service).operation_model(operation).output_shape
    if shape is None or (read_only(record) and "Credentials" not in shape.members):
        return None
    status, headers, body = record.response
    # SQS still speaks its older query form, which its model does not know: XML is not JSON.
    if service == "sqs" and body.startswith(b"<"):
        return None
    answer = _parser(service)(
        {"status_code": status, "headers": _lower(headers), "body": body}, shape
    )
    told = _plain(answer, shape, service)
    if service == "ec2" and told:
        told = {"requestId": record.request_id} | told
    return told or None


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in headers.items()}


@cache
def _parser(service: str) -> Callable[..., Any]:
    from botocore.parsers import create_parser

    return create_parser(service_model(service).metadata["protocol"]).parse


def _plain(value: Any, shape: Any, service: str) -> Any:
    """Return a parameter or an answer by CloudTrail's names, without what is secret."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, Mapping):
        told = {}
        for member, inner in shape.members.items():
            if value.get(member) is None or member in _HIDDEN or inner.type_name == "blob":
                continue
            shown = _ec2_name(member, inner) if service == "ec2" else _camel(member)
            if shape.name == "TagSpecification" and member == "Tags":
                told["tags"] = _plain(value[member], inner, "")  # a plain list even in EC2 [O]
            elif not _is_secret(inner):
                told[shown] = _plain(value[member], inner, service)
            elif service in _IN_PLACE:
                told[shown] = _IN_PLACE[service]
        return told
    if kind == "list" and isinstance(value, (list, tuple)):
        items = [_plain(item, shape.member, service) for item in value]
        if service != "ec2":
            return items
        named = [item if isinstance(item, dict) else {_item(shape): item} for item in items]
        return {"items": named} if named else {}
    if kind == "map" and isinstance(value, Mapping):
        return {str(k): _plain(v, shape.value, service) for k, v in value.items()}
    return _scalar(value, kind, service)


def _is_secret(shape: Any) -> bool:
    held = shape.member if shape.type_name == "list" else shape
    return bool(shape.metadata.get("sensitive") or held.metadata.get("sensitive"))


def _camel(member: str) -> str:
    return _NAMES.get(member) or member[0].lower() + member[1:]


def _ec2_name(member: str, shape: Any) -> str:
    if member == "Return":
        return "_return"
    wire = shape.serialization.get("name")
    if member in _EC2_SETS and wire and wire[0].isupper():
        return _EC2_SETS[member]
    if shape.type_name == "list" and wire and wire[0].isupper():
        return _camel(wire) + "Set"
    return _camel(wire or member)


def _item(shape: Any) -> str:
    wire = shape.member.serialization.get("name") or shape.serialization.get("name")
    return _camel(wire) if wire and wire != "item" else "value"


def _scalar(value: Any, kind: str, service: str) -> Any:
    if kind == "timestamp":
        return _java_date(value, "" if service == "iam" else ",")
    if kind == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if kind in ("integer", "long", "float", "double") and isinstance(value, str):
        try:
            return int(value) if kind in ("integer", "long") else float(value)
        except ValueError:
            return value
    return value if isinstance(value, (str, int, float, bool)) else _jsonable(value)


def _java_date(value: Any, comma: str) -> str:
    """A date as AWS's services print it: "Mar 24, 2014 9:11:59 PM"; most put a comma more [O]."""
    with suppress(OverflowError, ValueError, OSError):
        value = datetime.fromtimestamp(value, UTC) if isinstance(value, (int, float)) else value
    if not isinstance(value, datetime):
        return str(value)
    t = value.astimezone(UTC) if value.tzinfo else value
    return f"{t:%b} {t.day}, {t.year}{comma} {t.hour % 12 or 12}:{t:%M:%S %p}"


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _error_code(record: Record) -> str:
    """Return CloudTrail's spelling of an error code [O]; Lambda's page shows AccessDenied."""
    assert record.error is not None
    code = record.error.code.rpartition("#")[2]
    if record.service == "ec2":
        return ("Server." if record.error.status >= 500 else "Client.") + code
    if code == "AccessDeniedException":
        return "AccessDenied"
    if record.service in ("iam", "sts"):
        return _exceptions(record.service).get(code, code)
    return code


@cache
def _exceptions(service: str) -> dict[str, str]:
    """IAM's and STS's errors by the names of their exceptions, as CloudTrail calls them [O]."""
    return {shape.error_code: shape.name for shape in service_model(service).error_shapes}


def _resources(record: Record) -> list[dict[str, str]]:
    """The resources that STS, KMS and S3 name in their events."""
    kind = _SHARED.get(record.service)
    found = {}
    for decision in record.decisions if kind else ():
        asked = decision.request
        if record.service == "sts" and ":role/" not in asked.resource:
            continue
        if asked.resource.startswith("arn:") and "*" not in asked.resource:
            account = asked.resource_account or record.account
            found[asked.resource] = {"accountId": account, "type": kind, "ARN": asked.resource}
    return list(found.values())


# --- Resources referenced, for looking up ------------------------------------------------------

# The members that hold names and IDs; "iam.groupId" is IAM's alone. ("Resource types supported by
# CloudTrail Event history"; those of the younger services are CloudFormation's names.)
_MEMBERS = {
    "AWS::IAM::User": "userName userId newUserName",
    "AWS::IAM::Role": "roleName roleId",
    "AWS::IAM::Group": "groupName iam.groupId",
    "AWS::IAM::Policy": "policyName policyId",
    "AWS::IAM::AccessKey": "accessKeyId",
    "AWS::IAM::AccountAlias": "accountAlias",
    "AWS::IAM::InstanceProfile": "instanceProfileName instanceProfileId",
    "AWS::IAM::ServerCertificate": "serverCertificateName",
    "AWS::IAM::SigningCertificate": "certificateId",
    "AWS::IAM::SshPublicKey": "sSHPublicKeyId",
    "AWS::STS::AssumedRole": "roleSessionName assumedRoleId",
    "AWS::STS::FederatedUser": "federatedUserId",
    "AWS::S3::Bucket": "bucketName",
    "AWS::EC2::Instance": "instanceId",
    "AWS::EC2::Ami": "imageId",
    "AWS::EC2::VPC": "vpcId",
    "AWS::EC2::Subnet": "subnetId",
    "AWS::EC2::SecurityGroup": "ec2.groupId ec2.groupName",
    "AWS::EC2::Volume": "volumeId",
    "AWS::EC2::Snapshot": "snapshotId",
    "AWS::EC2::KeyPair": "keyName",
    "AWS::EC2::RouteTable": "routeTableId",
    "AWS::EC2::InternetGateway": "internetGatewayId",
    "AWS::EC2::NetworkInterface": "networkInterfaceId",
    "AWS::EC2::EIP": "allocationId",
    "AWS::KMS::Key": "kms.keyId",
    "AWS::DynamoDB::Table": "tableName",
    "AWS::Lambda::Function": "functionName",
    "AWS::SQS::Queue": "queueName",
    "AWS::SecretsManager::Secret": "secretId secretsmanager.name",
    "AWS::CloudTrail::Trail": "cloudtrail.name cloudtrail.trailName",
}
_BY_MEMBER = {member: kind for kind, listed in _MEMBERS.items() for member in listed.split()}
# What an ARN names, where the type is not the service's and the word of the ARN put together.
_SERVICES = {"iam": "IAM", "sts": "STS", "kms": "KMS", "dynamodb": "DynamoDB", "lambda": "Lambda"}
_SERVICES |= {"secretsmanager": "SecretsManager", "cloudtrail": "CloudTrail"}
_WORDS = {
    "mfa": "MfaDevice",
    "oidc-provider": "OpenIDConnectProvider",
    "saml-provider": "SamlProvider",
}


def referenced(told: dict[str, Any]) -> list[dict[str, str]]:
    """Return the resources that an event names: each name, ID and ARN once, as LookupEvents does.

    Examples
    --------
    >>> referenced({"eventSource": "iam.amazonaws.com", "responseElements": None,
    ...             "requestParameters": {"userName": "ana"}})
    [{'ResourceType': 'AWS::IAM::User', 'ResourceName': 'ana'}]
    """
    service = told["eventSource"].partition(".")[0]
    found: dict[tuple[str, str], None] = {}
    for part in ("responseElements", "requestParameters", "resources"):
        for member, text in _texts(told.get(part), ""):
            kind = _BY_MEMBER.get(f"{service}.{member}") or _BY_MEMBER.get(member)
            if text.startswith("arn:aws:"):
                kind = _type_of(text) or kind
            if kind is not None:
                found[kind, text] = None
    return [{"ResourceType": kind, "ResourceName": text} for kind, text in found]


def _type_of(arn: str) -> str | None:
    parts = arn.split(":", 5)
    owner, word = parts[2], parts[-1].replace(":", "/").partition("/")[0]
    if owner == "s3":
        return "AWS::S3::Bucket"
    if owner not in _SERVICES or "/" not in parts[-1].replace(":", "/"):
        return None
    return f"AWS::{_SERVICES[owner]}::{_WORDS.get(word) or word.title().replace('-', '')}"


def _texts(value: Any, member: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key != "bucketPolicy":
                yield from _texts(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, member)
    elif isinstance(value, str) and value:
        yield member, value
