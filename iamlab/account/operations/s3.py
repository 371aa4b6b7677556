"""S3's exceptions to the general rule: its actions rarely have the names of its operations.

Source: "Actions, resources, and condition keys for Amazon S3"; "Required permissions for Amazon
S3 API operations" and the Permissions part of each operation, Amazon S3 API Reference.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote

from .kms import use_key
from .target import NOTHING, Check, Kind, Target, ask, pairs, same, tags_of, words

NEVER = frozenset({"accesspoint", "accesspointobject"})  # reached through a Bucket ARN
MEMBERS = {"bucket": ("Bucket",), "object": ("Key",)}

_CONFIGURATIONS = ("Analytics", "IntelligentTiering", "Inventory", "Metrics")
ACTIONS = pairs("""
    HeadBucket=ListBucket ListObjects=ListBucket ListObjectsV2=ListBucket
    ListObjectVersions=ListBucketVersions ListMultipartUploads=ListBucketMultipartUploads
    ListBuckets=ListAllMyBuckets SelectObjectContent=GetObject CopyObject=PutObject
    CreateMultipartUpload=PutObject UploadPart=PutObject UploadPartCopy=PutObject
    CompleteMultipartUpload=PutObject ListParts=ListMultipartUploadParts
    GetBucketAccelerateConfiguration=GetAccelerateConfiguration
    PutBucketAccelerateConfiguration=PutAccelerateConfiguration DeleteBucketCors=PutBucketCORS
    GetBucketEncryption=GetEncryptionConfiguration
    PutBucketEncryption=PutEncryptionConfiguration
    DeleteBucketEncryption=PutEncryptionConfiguration
    GetBucketLifecycle=GetLifecycleConfiguration
    GetBucketLifecycleConfiguration=GetLifecycleConfiguration
    PutBucketLifecycle=PutLifecycleConfiguration
    PutBucketLifecycleConfiguration=PutLifecycleConfiguration
    DeleteBucketLifecycle=PutLifecycleConfiguration
    GetBucketNotificationConfiguration=GetBucketNotification
    PutBucketNotificationConfiguration=PutBucketNotification
    DeleteBucketOwnershipControls=PutBucketOwnershipControls
    GetBucketReplication=GetReplicationConfiguration
    PutBucketReplication=PutReplicationConfiguration
    DeleteBucketReplication=PutReplicationConfiguration DeleteBucketTagging=PutBucketTagging
    GetObjectLockConfiguration=GetBucketObjectLockConfiguration
    PutObjectLockConfiguration=PutBucketObjectLockConfiguration
    GetPublicAccessBlock=GetBucketPublicAccessBlock
    PutPublicAccessBlock=PutBucketPublicAccessBlock
    DeletePublicAccessBlock=PutBucketPublicAccessBlock
    CreateBucketMetadataConfiguration=CreateBucketMetadataTableConfiguration
    GetBucketMetadataConfiguration=GetBucketMetadataTableConfiguration
    DeleteBucketMetadataConfiguration=DeleteBucketMetadataTableConfiguration
""")
for _name in _CONFIGURATIONS:
    ACTIONS |= {
        f"GetBucket{_name}Configuration": f"Get{_name}Configuration",
        f"ListBucket{_name}Configurations": f"Get{_name}Configuration",
        f"PutBucket{_name}Configuration": f"Put{_name}Configuration",
        f"DeleteBucket{_name}Configuration": f"Put{_name}Configuration",
    }

KEYS = pairs("""
    Prefix=s3:prefix Delimiter=s3:delimiter MaxKeys=s3:max-keys VersionId=s3:VersionId
    CreateBucketConfiguration.LocationConstraint=s3:LocationConstraint ACL=s3:x-amz-acl
    GrantFullControl=s3:x-amz-grant-full-control GrantRead=s3:x-amz-grant-read
    GrantReadACP=s3:x-amz-grant-read-acp GrantWrite=s3:x-amz-grant-write
    GrantWriteACP=s3:x-amz-grant-write-acp CopySource=s3:x-amz-copy-source
    MetadataDirective=s3:x-amz-metadata-directive
    ServerSideEncryption=s3:x-amz-server-side-encryption
    SSEKMSKeyId=s3:x-amz-server-side-encryption-aws-kms-key-id
    SSECustomerAlgorithm=s3:x-amz-server-side-encryption-customer-algorithm
    StorageClass=s3:x-amz-storage-class
    WebsiteRedirectLocation=s3:x-amz-website-redirect-location
    ObjectOwnership=s3:x-amz-object-ownership ObjectLockMode=s3:object-lock-mode
    ObjectLockRetainUntilDate=s3:object-lock-retain-until-date
    ObjectLockLegalHoldStatus=s3:object-lock-legal-hold Retention.Mode=s3:object-lock-mode
    Retention.RetainUntilDate=s3:object-lock-retain-until-date
    LegalHold.Status=s3:object-lock-legal-hold IfMatch=s3:if-match IfNoneMatch=s3:if-none-match
    AnnotationPrefix=s3:annotation-prefix MaxAnnotationResults=s3:max-annotation-results
""")

PASSES = {
    "PutBucketReplication": ((("ReplicationConfiguration", "Role"), "s3.amazonaws.com"),),
}

# A request that also sets one of these needs a second permission on the same object or bucket.
_ALSO = pairs("""
    ACL=s3:PutObjectAcl GrantFullControl=s3:PutObjectAcl GrantRead=s3:PutObjectAcl
    GrantReadACP=s3:PutObjectAcl GrantWriteACP=s3:PutObjectAcl Tagging=s3:PutObjectTagging
    ObjectLockMode=s3:PutObjectRetention ObjectLockRetainUntilDate=s3:PutObjectRetention
    ObjectLockLegalHoldStatus=s3:PutObjectLegalHold
    BypassGovernanceRetention=s3:BypassGovernanceRetention
""")
_ALSO_BUCKET = pairs("""
    ACL=s3:PutBucketAcl GrantFullControl=s3:PutBucketAcl GrantRead=s3:PutBucketAcl
    GrantReadACP=s3:PutBucketAcl GrantWrite=s3:PutBucketAcl GrantWriteACP=s3:PutBucketAcl
    ObjectLockEnabledForBucket=s3:PutBucketObjectLockConfiguration,s3:PutBucketVersioning
    ObjectOwnership=s3:PutBucketOwnershipControls
""")
_WRITES = frozenset(
    words("PutObject CopyObject CreateMultipartUpload DeleteObject PutObjectRetention")
)


def context(operation: str, call: Any, state: Any, found: dict[str, Any]) -> None:
    """The keys that every S3 request has, and the tags it sets on an object."""
    found["s3:signatureversion"] = "AWS4-HMAC-SHA256"
    signed_header = "authorization" in call.headers
    found["s3:authType"] = "REST-HEADER" if signed_header else "REST-QUERY-STRING"
    if digest := call.headers.get("x-amz-content-sha256"):
        found["s3:x-amz-content-sha256"] = digest
    tagging = call.params.get("Tagging")
    if tagging and operation != "PutBucketTagging":
        tags = dict(parse_qsl(tagging, True)) if isinstance(tagging, str) else tags_of(tagging)
        found["s3:RequestObjectTagKeys"] = list(tags)
        found.update({"s3:RequestObjectTag/" + key: value for key, value in tags.items()})


def target(kind: Kind, value: str | None, call: Any, state: Any) -> Target | None:
    """A bucket, or an object in the bucket that the request names."""
    bucket = call.params.get("Bucket")
    if bucket is None or value is None:
        return None
    if kind.name != "object":
        return _thing(bucket, None, call, state)
    tagged = "s3:existingobjecttag/<key>" in kind.keys
    return _thing(bucket, value, call, state, call.params.get("VersionId"), tagged)


def _thing(
    bucket: str, key: str | None, call: Any, state: Any, version: Any = None, tagged: bool = True
) -> Target:
    """The target for a bucket or an object, with the object's tags."""
    if bucket.startswith("arn:"):  # an access point
        return Target(bucket if key is None else f"{bucket}/object/{key}")
    creates = call.operation == "CreateBucket"  # asked in one's own account, whose the name may be
    account = (None if creates else state.bucket_account(bucket)) or call.account
    policy = None if creates or _of_root(call, account) else ("bucket", bucket)
    keys = {"s3:ResourceAccount": account} if account else {}
    if key is None:
        return Target(f"arn:aws:s3:::{bucket}", account, policy, NOTHING, keys)
    if account and tagged:  # an anonymous caller has no account
        backend = state.backend("s3", account)
        if backend.tagger.tags and (found := _object(backend, bucket, key, version)):
            keys |= _object_tags(backend, found)
    return Target(f"arn:aws:s3:::{bucket}/{key}", account, policy, NOTHING, keys)


def _of_root(call: Any, owner: str | None) -> bool:
    """A bucket's policy never keeps the owner's root user from that policy ("PutBucketPolicy")."""
    caller = call.caller
    return (
        call.operation in _POLICY_CALLS
        and caller is not None
        and (caller.kind, caller.account) == ("root", owner)
    )


_POLICY_CALLS = ("GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy")


def _object(backend: Any, bucket: str, key: str, version: str | None = None) -> Any:
    """moto's object, or None if there is no such object, version or bucket."""
    bucket = backend.buckets.get(bucket)
    versions = bucket.keys.getlist(key, []) if bucket is not None else []
    if version is not None:
        versions = [v for v in versions if str(v.version_id) == version]
    return versions[-1] if versions and hasattr(type(versions[-1]), "etag") else None


def _read(call: Any, state: Any) -> list[Check]:
    """GetObject and HeadObject; one look at the object serves its tags, its key and its absence."""
    params = call.params
    bucket, key, version = params.get("Bucket", ""), params.get("Key", ""), params.get("VersionId")
    keys: dict[str, Any] = {"s3:VersionId": version} if version else {}
    context(call.operation, call, state, keys)
    action = "s3:GetObjectVersion" if version else "s3:GetObject"
    if bucket.startswith("arn:"):
        return [ask(action, _thing(bucket, key, call, state), keys, call, ())]
    account = state.bucket_account(bucket)
    if account is None:  # no such bucket
        thing = Target(f"arn:aws:s3:::{bucket}/{key}", call.account, ("bucket", bucket))
        return [ask(action, thing, keys, call, ())]
    backend = state.backend("s3", account)
    stored = _object(backend, bucket, key, version)
    if stored is not None and backend.tagger.tags:
        keys |= _object_tags(backend, stored)
    policy = ("bucket", bucket)
    keys["s3:ResourceAccount"] = account
    read = ask(action, Target(f"arn:aws:s3:::{bucket}/{key}", account, policy), keys, call, ())
    if stored is None and not version:
        # To learn that there is no such object, one must be allowed to list the bucket.
        owner = {"s3:ResourceAccount": account}
        listing = Target(f"arn:aws:s3:::{bucket}", account, policy, NOTHING, owner)
        return [read, ask("s3:ListBucket", listing, NOTHING, call, ())]
    if stored is not None and stored.encryption:
        return [read, *_decrypt(stored, read, call, state)]
    return [read]


def _object_tags(backend: Any, stored: Any) -> dict[str, str]:
    tags = backend.tagger.get_tag_dict_for_resource(stored.arn)
    return {"s3:ExistingObjectTag/" + name: value for name, value in tags.items()}


def _object_calls(call: Any, state: Any, asked: list[Check]) -> list[Check]:
    """What a call on an object asks beside its own action."""
    params, first = call.params, asked[0]
    _version_action(call, asked)
    found = []
    if call.operation in _WRITES:
        more = {_ALSO[m]: None for m in params if m in _ALSO and params[m] not in _UNSET}
        found = [same(action, check) for action in more for check in asked]
    if call.operation == "GetObjectAttributes":
        name = "s3:GetObjectVersion" if params.get("VersionId") else "s3:GetObject"
        found.append(same(name, first))
    if params["Bucket"].startswith("arn:") or not first.resource_account:
        return found
    backend = state.backend("s3", first.resource_account)
    return found + _encrypt(backend, params["Bucket"], first, call, state)


_UNSET = (None, False, "", "false")


def _version_action(call: Any, asked: list[Check]) -> None:
    """With a version ID the action is that of versions: s3:GetObjectVersion, and so on."""
    if not call.params.get("VersionId"):
        return
    for check in asked:
        name = check.action.replace("Object", "ObjectVersion", 1)
        if name in _VERSION_ACTIONS:
            check.action = name


_VERSION_ACTIONS = frozenset(
    "s3:" + name.replace("Object", "ObjectVersion", 1)
    for name in words(
        "GetObject GetObjectAcl GetObjectAttributes GetObjectTagging GetObjectTorrent "
        "PutObjectAcl PutObjectTagging DeleteObject DeleteObjectTagging "
        "GetObjectAnnotation PutObjectAnnotation DeleteObjectAnnotation ListObjectAnnotations"
    )
)


def _encrypt(backend: Any, bucket: str, check: Check, call: Any, state: Any) -> list[Check]:
    """Writing with a KMS key needs the key. AWS's own key (aws/s3) asks nothing."""
    params = call.params
    if call.operation not in ("PutObject", "CopyObject", "CreateMultipartUpload", "UploadPart"):
        return []
    key, kind = params.get("SSEKMSKeyId"), params.get("ServerSideEncryption")
    found = backend.buckets.get(bucket)
    if kind is None and found is not None and found.encryption:
        default = found.encryption.get("Rule") or {}
        default = default.get("ApplyServerSideEncryptionByDefault") or {}
        kind, key = default.get("SSEAlgorithm"), default.get("KMSMasterKeyID")
    if not key or not str(kind).startswith("aws:kms"):
        return []
    actions = ["kms:GenerateDataKey"]
    if call.operation in ("CreateMultipartUpload", "UploadPart"):
        actions.append("kms:Decrypt")
    return use_key(actions, key, "s3", {"aws:s3:arn": check.resource}, call, state)


def _decrypt(stored: Any, check: Check, call: Any, state: Any) -> list[Check]:
    key = getattr(stored, "kms_key_id", None)
    if not key or not str(stored.encryption).startswith("aws:kms"):
        return []
    return use_key(["kms:Decrypt"], key, "s3", {"aws:s3:arn": check.resource}, call, state)


def _copy(call: Any, state: Any, asked: list[Check]) -> list[Check]:
    """A copy also reads its source, and its source's tags if it has any."""
    source = call.params.get("CopySource") or ""
    path, _, query = source.partition("?")
    version = query.removeprefix("versionId=") or None
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    thing = _thing(bucket, key, call, state, version)
    reads = ["s3:GetObjectVersion" if version else "s3:GetObject"]
    found = _object_calls(call, state, asked)
    keeps_tags = call.params.get("TaggingDirective") != "REPLACE"
    tagged = any(name.startswith("s3:ExistingObjectTag/") for name in thing.keys)
    if call.operation == "CopyObject" and tagged and keeps_tags:
        reads.append("s3:GetObjectVersionTagging" if version else "s3:GetObjectTagging")
        found.append(same("s3:PutObjectTagging", asked[0]))
    source_context = {"s3:VersionId": version} if version else {}
    found += [ask(action, thing, source_context, call, ()) for action in reads]
    if thing.account:
        backend = state.backend("s3", thing.account)
        found += _decrypt(_object(backend, bucket, key, version), found[-1], call, state)
    return found


def _delete_objects(call: Any, state: Any) -> list[Check]:
    """One question a key: AWS answers for each."""
    bucket = call.params.get("Bucket", "")
    base: dict[str, Any] = {}
    context("DeleteObjects", call, state, base)
    found = []
    for item in (call.params.get("Delete") or {}).get("Objects") or ({"Key": "*"},):
        version = item.get("VersionId")
        extra = {**base, "s3:VersionId": version} if version else base
        name = "s3:DeleteObjectVersion" if version else "s3:DeleteObject"
        thing = _thing(bucket, item.get("Key", ""), call, state, version)
        found.append(ask(name, thing, extra, call, ()))
        if str(call.params.get("BypassGovernanceRetention")).lower() == "true":
            found.append(ask("s3:BypassGovernanceRetention", thing, extra, call, ()))
    return found


def _create_bucket(call: Any, state: Any, asked: list[Check]) -> list[Check]:
    params = call.params
    names = [_ALSO_BUCKET[m] for m in params if m in _ALSO_BUCKET and params[m]]
    if (params.get("CreateBucketConfiguration") or {}).get("Tags"):
        names.append("s3:TagResource")
    names = dict.fromkeys(name for text in names for name in text.split(","))
    return [same(name, asked[0]) for name in names]


def _unnamed(action: str) -> Any:
    return lambda call, state: [ask(action, Target("*"), NOTHING, call, ())]


def _directory_bucket(call: Any, state: Any) -> list[Check]:
    bucket = call.params.get("Bucket", "*")
    arn = f"arn:aws:s3express:{call.region}:{call.account}:bucket/{bucket}"
    mode = call.params.get("SessionMode")
    keys = {"s3express:SessionMode": mode} if mode else NOTHING
    return [ask("s3express:CreateSession", Target(arn, call.account), keys, call, ())]


WHOLE = {
    "GetObject": _read,
    "HeadObject": _read,
    "DeleteObjects": _delete_objects,
    "CreateSession": _directory_bucket,
    "RenameObject": _directory_bucket,
    "ListDirectoryBuckets": _unnamed("s3express:ListAllMyDirectoryBuckets"),
    "WriteGetObjectResponse": _unnamed("s3-object-lambda:WriteGetObjectResponse"),
}
_OBJECT_CALLS = words(
    "PutObject DeleteObject CreateMultipartUpload UploadPart GetObjectAcl "
    "PutObjectAcl GetObjectAttributes GetObjectTagging PutObjectTagging DeleteObjectTagging "
    "GetObjectTorrent PutObjectRetention GetObjectAnnotation PutObjectAnnotation "
    "DeleteObjectAnnotation ListObjectAnnotations"
)
EXTRA = {name: _object_calls for name in _OBJECT_CALLS} | {
    "CopyObject": _copy,
    "UploadPartCopy": _copy,
    "CreateBucket": _create_bucket,
}
