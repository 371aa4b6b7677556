"""IAM Access Analyzer through boto3: analyzers, findings, archive rules, checks of policies."""

from __future__ import annotations

import io
import json
import random
import zipfile
from datetime import timedelta
from typing import Any

import boto3
import pytest

from iamlab.policy.validation import MESSAGES, findings
from tests.account.supplements.conftest import (
    ACCOUNT,
    AS_IS,
    OTHER,
    allow,
    refused,
    trust,
)

OUTSIDER = f"arn:aws:iam::{OTHER}:user/partner"


@pytest.fixture
def analyzer(lab: Any) -> Any:
    return boto3.client("accessanalyzer", config=AS_IS)


def make(analyzer: Any, name: str = "watch", kind: str = "ACCOUNT", **more: Any) -> str:
    return analyzer.create_analyzer(analyzerName=name, type=kind, **more)["arn"]


def bucket(name: str, principal: Any, action: str = "s3:GetObject", **more: Any) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=name)
    statement = {"Effect": "Allow", "Principal": principal, "Action": action} | more
    statement["Resource"] = f"arn:aws:s3:::{name}/*"
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket=name, Policy=text)


def found(analyzer: Any, arn: str, **more: Any) -> list[Any]:
    return analyzer.list_findings(analyzerArn=arn, **more)["findings"]


# --- analyzers ----------------------------------------------------------------------------------


def test_an_analyzer_is_made_shown_tagged_and_deleted(lab: Any, analyzer: Any) -> None:
    arn = make(analyzer, tags={"team": "red"})
    assert arn == f"arn:aws:access-analyzer:us-east-1:{ACCOUNT}:analyzer/watch"
    shown = analyzer.get_analyzer(analyzerName="watch")["analyzer"]
    assert (shown["status"], shown["type"], shown["tags"]) == ("ACTIVE", "ACCOUNT", {"team": "red"})
    assert lab.clock.now() - shown["createdAt"] < timedelta(minutes=1)
    analyzer.tag_resource(resourceArn=arn, tags={"cost": "1"})
    analyzer.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert analyzer.list_tags_for_resource(resourceArn=arn)["tags"] == {"cost": "1"}
    with refused("ConflictException", 409):
        make(analyzer)
    with refused("ServiceQuotaExceededException", 402):
        make(analyzer, "second")
    analyzer.delete_analyzer(analyzerName="watch")
    assert analyzer.list_analyzers()["analyzers"] == []
    with refused("ResourceNotFoundException", 404):
        analyzer.get_analyzer(analyzerName="watch")


def test_what_cannot_be_made_is_refused_in_words(analyzer: Any) -> None:
    for name, kind in (("1st", "ACCOUNT"), ("a", "EVERYTHING")):
        with refused("ValidationException", 400) as error:
            make(analyzer, name, kind)
        assert error.value.response["reason"] == "fieldValidationFailed"
    with refused("ValidationException", 400, "INTERNAL") as error:
        make(analyzer, "a", "ACCOUNT_INTERNAL_ACCESS")
    assert error.value.response["reason"] == "notSupported"
    with refused("ValidationException", 400, "management account"):
        make(analyzer, "a", "ORGANIZATION")
    with refused("ValidationException", 400, "365"):
        age = {"unusedAccess": {"unusedAccessAge": 366}}
        make(analyzer, "a", "ACCOUNT_UNUSED_ACCESS", configuration=age)


def test_the_age_of_an_analyzer_of_unused_access_can_be_changed(analyzer: Any) -> None:
    make(analyzer, "idle", "ACCOUNT_UNUSED_ACCESS")
    shown = analyzer.get_analyzer(analyzerName="idle")["analyzer"]
    assert shown["configuration"] == {"unusedAccess": {"unusedAccessAge": 90}}
    given = {"unusedAccess": {"unusedAccessAge": 10}}
    analyzer.update_analyzer(analyzerName="idle", configuration=given)
    assert analyzer.get_analyzer(analyzerName="idle")["analyzer"]["configuration"] == given
    assert "configuration" not in analyzer.list_analyzers()["analyzers"][0]
    make(analyzer)
    with refused("ValidationException", 400):
        analyzer.update_analyzer(analyzerName="watch", configuration=given)


# --- access from outside ------------------------------------------------------------------------


def test_a_role_that_trusts_another_account(analyzer: Any, role: Any) -> None:
    inside = role("inside")
    outside = role("outside", {"AWS": OTHER})
    arn = make(analyzer)
    (one,) = found(analyzer, arn)
    assert one["resource"] == outside != inside
    assert (one["resourceType"], one["resourceOwnerAccount"]) == ("AWS::IAM::Role", ACCOUNT)
    assert (one["principal"], one["action"]) == ({"AWS": OTHER}, ["sts:AssumeRole"])
    assert (one["isPublic"], one["status"], one["condition"]) == (False, "ACTIVE", {})
    same = analyzer.get_finding(analyzerArn=arn, id=one["id"])["finding"]
    assert same == one | {"analyzedAt": same["analyzedAt"]}
    new = analyzer.get_finding_v2(analyzerArn=arn, id=one["id"])
    assert new["findingType"] == "ExternalAccess"
    details = new["findingDetails"][0]["externalAccessDetails"]
    assert (details["principal"], details["isPublic"]) == ({"AWS": OTHER}, False)


def test_a_finding_is_resolved_and_comes_back(lab: Any, analyzer: Any, role: Any, iam: Any) -> None:
    role("outside", {"AWS": OTHER})
    arn = make(analyzer)
    (before,) = found(analyzer, arn)
    lab.clock.advance(hours=1)
    closed = trust({"AWS": ACCOUNT})
    iam.update_assume_role_policy(RoleName="outside", PolicyDocument=closed)
    (after,) = found(analyzer, arn)
    assert (after["id"], after["status"]) == (before["id"], "RESOLVED")
    assert after["createdAt"] == before["createdAt"]
    assert after["updatedAt"] - before["updatedAt"] >= timedelta(hours=1)
    iam.update_assume_role_policy(RoleName="outside", PolicyDocument=trust({"AWS": OTHER}))
    (again,) = found(analyzer, arn)
    assert (again["id"], again["status"]) == (before["id"], "ACTIVE")


@pytest.mark.parametrize(
    "principal, condition, expected",
    [
        ("*", None, True),
        ({"AWS": OUTSIDER.replace("user/partner", "root")}, None, False),
        ("*", {"StringEquals": {"aws:PrincipalAccount": OTHER}}, False),
        ("*", {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, None),
        ("*", {"StringEquals": {"aws:SourceAccount": ACCOUNT}}, None),
        ("*", {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, False),
        ({"Service": "cloudtrail.amazonaws.com"}, None, None),
        ({"AWS": ACCOUNT}, None, None),
    ],
)
def test_who_is_outside_a_bucket_policy(
    analyzer: Any, principal: Any, condition: Any, expected: bool | None
) -> None:
    bucket("reports", principal, **({"Condition": condition} if condition else {}))
    listed = found(analyzer, make(analyzer))
    assert [one["isPublic"] for one in listed] == ([] if expected is None else [expected])
    for one in listed:
        assert one["sources"] == [{"type": "POLICY"}]
        assert one["condition"] == {
            key: value for keys in (condition or {}).values() for key, value in keys.items()
        }


def test_a_deny_takes_it_back(analyzer: Any, role: Any) -> None:
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sts:AssumeRole"},
        {"Effect": "Deny", "Principal": "*", "Action": "sts:*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    role("closed", trust=document)
    assert found(analyzer, make(analyzer)) == []


def test_a_public_acl_and_the_block_against_it(analyzer: Any) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="open")
    s3.put_bucket_acl(Bucket="open", ACL="public-read")
    arn = make(analyzer)
    (one,) = found(analyzer, arn)
    assert one["sources"] == [{"type": "BUCKET_ACL"}] and one["isPublic"]
    assert "s3:ListBucket" in one["action"]
    blocked = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    s3.put_public_access_block(Bucket="open", PublicAccessBlockConfiguration=blocked)
    assert [one["status"] for one in found(analyzer, arn)] == ["RESOLVED"]


def test_queues_keys_secrets_functions_and_tables(lab: Any, analyzer: Any, role: Any) -> None:
    who = {"AWS": OUTSIDER}
    lab.account(OTHER).client("iam").create_user(UserName="partner")

    def policy(action: str, resource: str = "*") -> str:
        statement = {"Effect": "Allow", "Principal": who, "Action": action, "Resource": resource}
        root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
        root |= {"Action": "kms:*", "Resource": "*"}
        both = [statement, root] if action.startswith("kms") else [statement]
        return json.dumps({"Version": "2012-10-17", "Statement": both})

    sqs, kms = boto3.client("sqs"), boto3.client("kms")
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"
    attributes = {"Policy": policy("sqs:SendMessage", queue)}
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    kms.create_key(Policy=policy("kms:Decrypt"))
    granted = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_grant(KeyId=granted, GranteePrincipal=OUTSIDER, Operations=["Decrypt"])
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="db", SecretString="x")
    secrets.put_resource_policy(
        SecretId="db", ResourcePolicy=policy("secretsmanager:GetSecretValue")
    )
    dynamodb = boto3.client("dynamodb")
    table = dynamodb.create_table(
        TableName="sales",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    dynamodb.put_resource_policy(ResourceArn=table, Policy=policy("dynamodb:GetItem", table))

    functions = boto3.client("lambda")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("a.py", "")
    runner = role("runner", {"Service": "lambda.amazonaws.com"})
    functions.create_function(
        FunctionName="mail",
        Role=runner,
        Code={"ZipFile": code.getvalue()},
        Handler="a.b",
        Runtime="python3.12",
    )
    functions.add_permission(
        FunctionName="mail", StatementId="p", Action="lambda:InvokeFunction", Principal=OTHER
    )

    arn = make(analyzer)
    seen = {(one["resourceType"], one["action"][0]) for one in found(analyzer, arn)}
    assert seen == {
        ("AWS::SQS::Queue", "sqs:SendMessage"),
        ("AWS::KMS::Key", "kms:Decrypt"),
        ("AWS::SecretsManager::Secret", "secretsmanager:GetSecretValue"),
        ("AWS::DynamoDB::Table", "dynamodb:GetItem"),
        ("AWS::Lambda::Function", "lambda:InvokeFunction"),
    }
    assert sum(one["resourceType"] == "AWS::KMS::Key" for one in found(analyzer, arn)) == 2
    listed = analyzer.list_analyzed_resources(analyzerArn=arn, resourceType="AWS::SQS::Queue")
    assert [one["resourceArn"] for one in listed["analyzedResources"]] == [queue]
    one = analyzer.get_analyzed_resource(analyzerArn=arn, resourceArn=queue)["resource"]
    assert (one["actions"], one["status"], one["isPublic"]) == (
        ["sqs:SendMessage"],
        "ACTIVE",
        False,
    )
    analyzer.start_resource_scan(analyzerArn=arn, resourceArn=queue)
    with refused("ResourceNotFoundException", 404):
        analyzer.start_resource_scan(analyzerArn=arn, resourceArn=queue + "x")


def test_the_organization_as_zone_of_trust(lab: Any, analyzer: Any, role: Any) -> None:
    organizations = boto3.client("organizations")
    organizations.create_organization()
    made = organizations.create_account(AccountName="apps", Email="apps@example.com")
    member = made["CreateAccountStatus"]["AccountId"]
    role("within", {"AWS": member})
    role("without", {"AWS": OTHER})
    whole, mine = make(analyzer, "all", "ORGANIZATION"), make(analyzer)
    assert [one["principal"]["AWS"] for one in found(analyzer, whole)] == [OTHER]
    assert {one["principal"]["AWS"] for one in found(analyzer, mine)} == {member, OTHER}


def test_findings_are_counted(analyzer: Any, role: Any) -> None:
    role("partner", {"AWS": OTHER})
    bucket("open", "*")
    arn = make(analyzer)
    answer = analyzer.get_findings_statistics(analyzerArn=arn)["findingsStatistics"]
    (counted,) = (one["externalAccessFindingsStatistics"] for one in answer)
    assert (counted["totalActiveFindings"], counted["totalArchivedFindings"]) == (2, 0)
    assert counted["resourceTypeStatistics"]["AWS::S3::Bucket"]["totalActivePublic"] == 1
    assert counted["resourceTypeStatistics"]["AWS::IAM::Role"]["totalActiveCrossAccount"] == 1


# --- archiving, filters, pages ------------------------------------------------------------------


def test_findings_are_archived_by_hand_and_by_rule(analyzer: Any, role: Any) -> None:
    first = role("first", {"AWS": OTHER})
    arn = make(analyzer)
    (one,) = found(analyzer, arn)
    analyzer.update_findings(analyzerArn=arn, ids=[one["id"]], status="ARCHIVED")
    assert found(analyzer, arn)[0]["status"] == "ARCHIVED"
    analyzer.update_findings(analyzerArn=arn, resourceArn=first, status="ACTIVE")
    assert found(analyzer, arn)[0]["status"] == "ACTIVE"
    rule = {"principal.AWS": {"eq": [OTHER]}, "resourceType": {"contains": ["Role"]}}
    analyzer.create_archive_rule(analyzerName="watch", ruleName="partner", filter=rule)
    role("second", {"AWS": OTHER})
    assert {one["status"] for one in found(analyzer, arn)} == {"ACTIVE", "ARCHIVED"}
    analyzer.apply_archive_rule(analyzerArn=arn, ruleName="partner")
    assert {one["status"] for one in found(analyzer, arn)} == {"ARCHIVED"}
    shown = analyzer.get_archive_rule(analyzerName="watch", ruleName="partner")["archiveRule"]
    assert shown["filter"] == rule
    changed = {"isPublic": {"eq": ["true"]}}
    analyzer.update_archive_rule(analyzerName="watch", ruleName="partner", filter=changed)
    listed = analyzer.list_archive_rules(analyzerName="watch")["archiveRules"]
    assert [one["filter"] for one in listed] == [changed]
    analyzer.delete_archive_rule(analyzerName="watch", ruleName="partner")
    with refused("ResourceNotFoundException", 404):
        analyzer.get_archive_rule(analyzerName="watch", ruleName="partner")
    with refused("ValidationException", 400, "colour"):
        analyzer.create_archive_rule(
            analyzerName="watch", ruleName="x", filter={"colour": {"eq": ["red"]}}
        )


def test_findings_are_filtered_sorted_and_paged(analyzer: Any, role: Any) -> None:
    for name in ("b", "a", "c"):
        role(name, {"AWS": OTHER})
    arn = make(analyzer)
    order = {"attributeName": "resource", "orderBy": "DESC"}
    pages = analyzer.get_paginator("list_findings").paginate(
        analyzerArn=arn, sort=order, PaginationConfig={"PageSize": 2}
    )
    shown = [[one["resource"][-1] for one in page["findings"]] for page in pages]
    assert shown == [["c", "b"], ["a"]]
    only = found(analyzer, arn, filter={"resource": {"contains": ["role/a"]}})
    assert len(only) == 1
    assert found(analyzer, arn, filter={"error": {"exists": True}}) == []
    assert len(found(analyzer, arn, filter={"isPublic": {"neq": ["true"]}})) == 3
    with refused("ResourceNotFoundException", 404):
        found(analyzer, arn + "x")


# --- access that nobody uses --------------------------------------------------------------------


def test_unused_roles_keys_passwords_and_permissions(
    lab: Any, analyzer: Any, role: Any, user: Any, iam: Any
) -> None:
    role("idle")
    ana = user("ana", "iam:ListUsers", "iam:ListRoles", "s3:ListAllMyBuckets")
    iam.create_login_profile(UserName="ana", Password="Correct-horse-1")
    bo = iam.create_user(UserName="bo")["User"]["Arn"]
    key = iam.create_access_key(UserName="bo")["AccessKey"]["AccessKeyId"]
    arn = make(
        analyzer,
        "idle",
        "ACCOUNT_UNUSED_ACCESS",
        configuration={"unusedAccess": {"unusedAccessAge": 30}},
    )
    newer = analyzer.list_findings_v2(analyzerArn=arn)["findings"]
    assert newer == []  # nothing is old enough
    lab.clock.advance(days=31)
    ana.client("iam").list_users()
    seen = {
        (one["findingType"], one["resource"].rpartition("/")[2]): one["id"]
        for one in analyzer.list_findings_v2(analyzerArn=arn)["findings"]
    }
    assert {key for key in seen if key[1] != "administrator"} == {
        ("UnusedIAMRole", "idle"),
        ("UnusedIAMUserAccessKey", "bo"),
        ("UnusedIAMUserPassword", "ana"),
        ("UnusedPermission", "ana"),
    }

    def details(*which: str) -> list[Any]:
        return analyzer.get_finding_v2(analyzerArn=arn, id=seen[which])["findingDetails"]

    assert details("UnusedIAMUserAccessKey", "bo") == [
        {"unusedIamUserAccessKeyDetails": {"accessKeyId": key}}
    ]
    assert details("UnusedIAMRole", "idle") == [{"unusedIamRoleDetails": {}}]
    permissions = [one["unusedPermissionDetails"] for one in details("UnusedPermission", "ana")]
    by_service = {one["serviceNamespace"]: one for one in permissions}
    assert [one["action"] for one in by_service["iam"]["actions"]] == ["ListRoles"]
    assert by_service["iam"]["lastAccessed"] <= lab.clock.now()
    assert "lastAccessed" not in by_service["s3"] and "actions" not in by_service["s3"]
    iam.update_access_key(UserName="bo", AccessKeyId=key, Status="Inactive")
    (state,) = (
        one["status"]
        for one in analyzer.list_findings_v2(analyzerArn=arn)["findings"]
        if one["resource"] == bo
    )
    assert state == "RESOLVED"
    with refused("ValidationException", 400):
        analyzer.list_findings(analyzerArn=arn)


# --- checks of policies -------------------------------------------------------------------------


def codes(analyzer: Any, document: Any, kind: str = "IDENTITY_POLICY", **more: Any) -> list[str]:
    text = document if isinstance(document, str) else json.dumps(document)
    answer = analyzer.validate_policy(policyDocument=text, policyType=kind, **more)
    for one in answer["findings"]:
        assert one["issueCode"] in MESSAGES[one["findingType"]]
        assert one["learnMoreLink"].startswith("https://docs.aws.amazon.com/IAM/")
        span = one["locations"][0]["span"]
        assert 0 <= span["start"]["offset"] <= span["end"]["offset"] <= len(text)
    return [one["issueCode"] for one in answer["findings"]]


def one(**elements: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"} | elements
    made = {key: value for key, value in statement.items() if value is not None}
    return {"Version": "2012-10-17", "Statement": [made]}


VALID = [
    (one(), []),
    (one(Action="s3:GetObjcet"), ["INVALID_ACTION"]),
    (one(Action="s4:GetObject"), ["INVALID_SERVICE_IN_ACTION"]),
    (one(Effect="allow"), ["INVALID_EFFECT"]),
    (one(Effect=None), ["MISSING_EFFECT"]),
    (one(Action=None), ["MISSING_ACTION"]),
    (one(Action=[]), ["EMPTY_ARRAY_ACTION"]),
    (one(Resource=None), ["MISSING_RESOURCE"]),
    (one(Resource=[]), ["EMPTY_ARRAY_RESOURCE"]),
    (one(Resource="bucket"), ["INVALID_ARN_PREFIX"]),
    (one(Resource="arn:aws:s3:::"), []),
    (one(Resource="arn:aws:s3"), ["MISSING_ARN_FIELD"]),
    (one(Resource="arn:aws:s3:us-east-1::b/*"), ["ARN_REGION_NOT_ALLOWED"]),
    (one(Resource="arn:aws:s3::111122223333:b/*"), ["ARN_ACCOUNT_NOT_ALLOWED"]),
    (one(Action="sqs:*", Resource="arn:aws:sqs:us-east-1:1234:q"), ["INVALID_ARN_ACCOUNT"]),
    (one(Resource="arn:amazon:s3:::b"), ["INVALID_PARTITION"]),
    (one(Resource="arn:aws:*code*::111122223333:*"), ["WILDCARD_IN_SERVICE_NAME"]),
    (one(Principal="*"), ["UNSUPPORTED_PRINCIPAL"]),
    (one(Sid=""), ["EMPTY_SID_VALUE"]),
    (one(Sid="two words"), ["UNSUPPORTED_SID"]),
    (one(Colour="red"), ["INVALID_POLICY_ELEMENT"]),
    (one(NotAction="s3:*"), ["UNSUPPORTED_ELEMENT_COMBINATION"]),
    (one(Condition={}), ["EMPTY_OBJECT_CONDITION"]),
    (one(Action="iam:PassRole"), ["PASS_ROLE_WITH_STAR_IN_RESOURCE"]),
    (
        one(Action="*"),
        [
            "CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE",
            "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE",
        ],
    ),
    (
        one(Action=None, NotAction="s3:*"),
        [
            "CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION",
            "PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION",
        ],
    ),
    (
        one(Action="iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "x.y"}}),
        [],
    ),
    (one(Action=["s3:Get*", "s3:GetObject"]), ["REDUNDANT_ACTION"]),
    (one(Resource=["arn:aws:s3:::a/*", "arn:aws:s3:::a/b"]), ["REDUNDANT_RESOURCE"]),
    (
        one(Condition={"StringEquals": {"aws:username": "a*"}}),
        ["WILDCARD_WITHOUT_LIKE_OPERATOR"],
    ),
    (one(Condition={"StringIs": {"aws:username": "a"}}), ["INVALID_CONDITION_OPERATOR"]),
    (one(Condition={"StringEquals": {"aws:Nothing": "a"}}), ["INVALID_GLOBAL_CONDITION_KEY"]),
    (one(Condition={"StringEquals": {"s3:nothing": "a"}}), ["INVALID_SERVICE_CONDITION_KEY"]),
    (
        one(Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": ["2700", "3600"]}}),
        ["REDUNDANT_CONDITION_VALUE_NUM"],
    ),
    (one(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), ["PRIVATE_IP_ADDRESS"]),
    (one(Condition={"IpAddress": {"aws:SourceIp": "203.0.113.9/24"}}), ["IMPROVE_IP_RANGE"]),
    (one(Condition={"IpAddress": {"aws:SourceIp": "home"}}), ["TYPE_MISMATCH_IP_RANGE"]),
    (one(Condition={"Bool": {"aws:SecureTransport": "yes"}}), ["TYPE_MISMATCH_BOOLEAN"]),
    (
        one(Condition={"NullIfExists": {"aws:username": "true"}}),
        ["NULL_WITH_IF_EXISTS"],
    ),
    (
        one(Condition={"ForAllValues:StringEquals": {"aws:username": "a"}}),
        ["FORALLVALUES_WITH_SINGLE_VALUED_KEY"],
    ),
    (one(Condition={"StringEquals": {"aws:TagKeys": "a"}}), ["MISSING_QUALIFIER"]),
    (one(Resource="arn:aws:s3:::b/${aws:username"), ["MISSING_BRACE_IN_VARIABLE"]),
    ({"Statement": one()["Statement"]}, ["MISSING_VERSION"]),
    ({"Version": "2020-01-01", "Statement": one()["Statement"]}, ["INVALID_VERSION"]),
    ({"Version": "2012-10-17"}, ["MISSING_STATEMENT"]),
    ({"Version": "2012-10-17", "Statement": one()["Statement"] * 2}, ["REDUNDANT_STATEMENT"]),
    ('{"Version": "2012-10-17",}', ["JSON_SYNTAX_ERROR"]),
]


def test_what_validate_policy_finds_in_identity_policies(analyzer: Any) -> None:
    for document, expected in VALID:
        assert codes(analyzer, document) == expected, document


def test_what_validate_policy_finds_in_other_policies(analyzer: Any) -> None:
    resource = {"kind": "RESOURCE_POLICY"}
    trusts = resource | {"validatePolicyResourceType": "AWS::IAM::AssumeRolePolicyDocument"}
    assert codes(analyzer, one(), **resource) == ["MISSING_PRINCIPAL"]
    assert codes(analyzer, trust({"AWS": OTHER}), **trusts) == []
    assert codes(analyzer, trust({"AWS": OTHER}), **resource) == []
    inside = one(Action="sts:AssumeRole", Principal={"AWS": OTHER})
    assert codes(analyzer, inside, **trusts) == ["ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE"]
    open_ = one(NotPrincipal={"AWS": OTHER})
    assert codes(analyzer, open_, **resource) == ["ALLOW_WITH_NOT_PRINCIPAL"]
    star = one(Principal={"AWS": f"arn:aws:iam::{OTHER}:user/*"})
    assert codes(analyzer, star, **resource) == ["UNSUPPORTED_WILDCARD_IN_PRINCIPAL"]
    assert codes(analyzer, one(Principal={"Aws": OTHER}), **resource) == ["INVALID_PRINCIPAL_KEY"]
    assert codes(analyzer, one(Principal="*"), kind="SERVICE_CONTROL_POLICY") == [
        "SCP_SYNTAX_ERROR_PRINCIPAL"
    ]
    rcp = one(Principal="*", Effect="Deny")
    assert codes(analyzer, rcp, kind="RESOURCE_CONTROL_POLICY") == []
    assert codes(
        analyzer, one(Principal="*", Resource="arn:aws:s3:::b"), kind="RESOURCE_CONTROL_POLICY"
    ) == ["RCP_SYNTAX_ERROR_ALLOW"]
    with refused("ValidationException", 400):
        codes(analyzer, one(), validatePolicyResourceType="AWS::S3::Bucket")


def test_where_a_finding_is(analyzer: Any) -> None:
    text = '{"Version": "2012-10-17",\n "Statement": {"Effect": "Allow",\n  "Action": "s3:Gte",'
    text += ' "Resource": "*"}}'
    answer = analyzer.validate_policy(policyDocument=text, policyType="IDENTITY_POLICY")
    (place,) = answer["findings"][0]["locations"]
    assert place["path"] == [{"value": "Statement"}, {"value": "Action"}]
    assert place["span"]["start"] == {"line": 3, "column": 12, "offset": text.index('"s3:Gte"')}
    assert place["span"]["end"]["offset"] == text.index('"s3:Gte"') + len('"s3:Gte"')
    assert answer["findings"][0]["findingDetails"].startswith("The action s3:Gte does not exist.")


def test_findings_of_a_policy_come_in_pages(analyzer: Any) -> None:
    text = json.dumps(one(Action=["s3:A", "s3:B", "s3:C"]))
    pages = analyzer.get_paginator("validate_policy").paginate(
        policyDocument=text, policyType="IDENTITY_POLICY", PaginationConfig={"PageSize": 2}
    )
    assert [len(page["findings"]) for page in pages] == [2, 1]


# Errors that AWS itself says are in its managed policies ("AWS managed policies with this error"):
# actions of services that are no more. lakeformation:GlueARN is in no reference.
KNOWN = {"INVALID_ACTION", "INVALID_SERVICE_IN_ACTION"}


def test_aws_own_policies_have_no_errors_but_actions_that_are_no_more() -> None:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    policies = json.loads(aws_managed_policies_data)
    for name in random.Random(7).sample(sorted(policies), 150):
        for finding in findings(json.dumps(policies[name]["Document"]), "identity"):
            known = finding.code in KNOWN or "lakeformation:GlueARN" in finding.details
            assert finding.type != "ERROR" or known, (name, finding)


def check(answer: dict[str, Any]) -> tuple[str, str, list[Any]]:
    return answer["result"], answer["message"], answer.get("reasons", [])


def test_check_no_new_access(analyzer: Any) -> None:
    def ask(new: str, old: str) -> tuple[str, str, list[Any]]:
        return check(
            analyzer.check_no_new_access(
                newPolicyDocument=new, existingPolicyDocument=old, policyType="IDENTITY_POLICY"
            )
        )

    same = "The modified permissions do not grant new access compared to your existing policy."
    assert ask(allow("s3:GetObject"), allow("s3:Get*")) == ("PASS", same, [])
    new = "The modified permissions grant new access compared to your existing policy."
    reason = {"description": "New access in the statement with index: 0.", "statementIndex": 0}
    assert ask(allow("s3:*"), allow("s3:Get*")) == ("FAIL", new, [reason])
    tag = "${aws:PrincipalTag/team}"
    exact = one(Condition={"StringEquals": {"aws:RequestTag/team": tag}})
    like = one(Condition={"StringLike": {"aws:RequestTag/team": tag + "*"}})
    with refused("UnprocessableEntityException", 422, "neither prove"):
        ask(json.dumps(exact), json.dumps(like))
    with refused("InvalidParameterException", 400):
        ask("{", allow("s3:*"))


# The examples of the API reference.
JOHN = (
    '{"Version":"2012-10-17","Id":"123","Statement":[{"Sid":"AllowJohnDoe","Effect":"Allow",'
    '"Principal":{"AWS":"arn:aws:iam::123456789012:user/JohnDoe"},"Action":"%s","Resource":"%s"}]}'
)
BOB = (
    '{"Version":"2012-10-17","Statement":[{"Sid":"Bob","Effect":"Allow","Principal":%s,'
    '"Action":["s3:GetObject"]}]}'
)


def test_check_access_not_granted(analyzer: Any) -> None:
    def ask(document: str, **access: Any) -> tuple[str, str, list[Any]]:
        return check(
            analyzer.check_access_not_granted(
                policyDocument=document, access=[access], policyType="RESOURCE_POLICY"
            )
        )

    passed = (
        "PASS",
        "The policy document does not grant access to perform the listed actions or resources.",
        [],
    )
    assert ask(JOHN % ("s3:GetObject", "*"), actions=["s3:PutObject"]) == passed
    elsewhere = JOHN % ("s3:PutObject", "arn:aws:s3:::non-sensitive-bucket/*")
    assert ask(elsewhere, resources=["arn:aws:s3:::sensitive-bucket/*"]) == passed
    mine = JOHN % ("s3:PutObject", "arn:aws:s3:::my-bucket/*")
    text = "One or more of the listed actions or resources in the statement with sid: AllowJohnDoe."
    assert ask(mine, resources=["arn:aws:s3:::my-bucket/*"]) == (
        "FAIL",
        "The policy document grants access to perform one or more of the listed actions or "
        "resources.",
        [{"description": text, "statementIndex": 0, "statementId": "AllowJohnDoe"}],
    )
    with refused("InvalidParameterException", 400):
        ask(mine)


def test_check_no_public_access(analyzer: Any) -> None:
    def ask(principal: str) -> tuple[str, str, list[Any]]:
        document = BOB % principal
        answer = analyzer.check_no_public_access(
            policyDocument=document, resourceType="AWS::S3::Bucket"
        )
        return check(answer)

    text = "The resource policy does not grant public access for the given resource type."
    assert ask('{"AWS":"arn:aws:iam::111122223333:user/JohnDoe"}') == ("PASS", text, [])
    reason = "Public access granted in the following statement with sid: Bob."
    assert ask('"*"') == (
        "FAIL",
        "The resource policy grants public access for the given resource type.",
        [{"description": reason, "statementIndex": 0, "statementId": "Bob"}],
    )


# --- permissions --------------------------------------------------------------------------------


def test_permissions_are_asked_on_the_analyzer(lab: Any, analyzer: Any, user: Any) -> None:
    arn = make(analyzer)
    session = user("auditor", "access-analyzer:ListFindings")
    mine = session.client("accessanalyzer")
    assert mine.list_findings_v2(analyzerArn=arn)["findings"] == []
    with refused("AccessDeniedException", 403, f"on resource: {arn}"):
        mine.delete_analyzer(analyzerName="watch")
    with refused("AccessDeniedException", 403, "access-analyzer:ValidatePolicy"):
        mine.validate_policy(policyDocument="{}", policyType="IDENTITY_POLICY")
