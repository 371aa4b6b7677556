"""The policy simulator, by plain boto3. Sources: "SimulateCustomPolicy", "SimulatePrincipalPolicy",
"EvaluationResult" and "GetContextKeysForCustomPolicy", IAM API Reference, and the examples there
and in the AWS CLI Command Reference."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from tests.account.helpers import AS_IS, World, allow, deny, outcome, policy, trusts
from tests.account.supplements.conftest import ACCOUNT, OTHER, refused

IAM = f"arn:aws:iam::{ACCOUNT}"
ANA = f"{IAM}:user/ana"
BUCKET = "arn:aws:s3:::reports"
OBJECT = f"{BUCKET}/q3.csv"
ADMIN = policy(allow("*"))


@pytest.fixture
def custom(iam: Any) -> Callable[..., dict[str, Any]]:
    """Simulate s3:GetObject with a policy or several, unless told otherwise; the one result."""

    def ask(*policies: str, **more: Any) -> dict[str, Any]:
        given = {"PolicyInputList": list(policies), "ActionNames": ["s3:GetObject"]} | more
        (result,) = iam.simulate_custom_policy(**given)["EvaluationResults"]
        return result

    return ask


@pytest.fixture
def principal(iam: Any) -> Callable[..., dict[str, Any]]:
    """The same for what ana has."""

    def ask(**more: Any) -> dict[str, Any]:
        given = {"PolicySourceArn": ANA, "ActionNames": ["s3:GetObject"]} | more
        (result,) = iam.simulate_principal_policy(**given)["EvaluationResults"]
        return result

    return ask


def entry(key: str, *values: str, form: str = "string") -> dict[str, Any]:
    return {"ContextKeyName": key, "ContextKeyValues": list(values), "ContextKeyType": form}


def cut(text: str, matched: dict[str, Any]) -> str:
    """The part of a text that a matched statement's positions name."""
    lines = text.split("\n")
    start, end = (
        sum(len(line) + 1 for line in lines[: place["Line"] - 1]) + place["Column"] - 1
        for place in (matched["StartPosition"], matched["EndPosition"])
    )
    return text[start:end]


# --- decisions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policies", "verdict"),
    [
        ([ADMIN], "allowed"),
        ([policy(allow("s3:Get*", f"{BUCKET}/*"))], "allowed"),
        ([policy(allow("s3:PutObject"))], "implicitDeny"),
        ([policy(allow("s3:*", "arn:aws:s3:::other/*"))], "implicitDeny"),
        ([policy(allow("*"), deny("s3:GetObject"))], "explicitDeny"),
        ([ADMIN, policy(deny("*", BUCKET))], "allowed"),
        ([ADMIN, policy(deny("*", f"{BUCKET}*"))], "explicitDeny"),
        ([policy(deny("s3:*"))], "explicitDeny"),
    ],
)
def test_what_identity_policies_say(
    custom: Callable[..., Any], policies: list[str], verdict: str
) -> None:
    result = custom(*policies, ResourceArns=[OBJECT])
    (one,) = result["ResourceSpecificResults"]
    assert result["EvalDecision"] == one["EvalResourceDecision"] == verdict
    assert one["EvalResourceName"] == OBJECT
    assert bool(result["MatchedStatements"]) == (verdict != "implicitDeny")
    assert result["MatchedStatements"] == one["MatchedStatements"]
    # Same account, a resource: present and empty.
    assert result["EvalDecisionDetails"] == {} and "EvalDecisionDetails" not in one
    assert "OrganizationsDecisionDetail" not in result
    assert "PermissionsBoundaryDecisionDetail" not in result


def test_without_resources_all_are_meant(custom: Callable[..., Any]) -> None:
    result = custom(policy(allow("s3:*", f"{BUCKET}/*")))
    assert (result["EvalResourceName"], result["EvalDecision"]) == ("*", "implicitDeny")
    assert "ResourceSpecificResults" not in result and "EvalDecisionDetails" not in result
    assert custom(ADMIN, ResourceArns=["*"])["EvalDecision"] == "allowed"


def test_aws_s_example_of_the_cli_reference(custom: Callable[..., Any]) -> None:
    text = (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":'
        '"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}'
    )

    def at(moment: str) -> dict[str, Any]:
        context = [entry("aws:CurrentTime", moment, form="date")]
        return custom(text, ActionNames=["dynamodb:CreateBackup"], ContextEntries=context)

    assert at("2019-04-25T11:00:00Z") == {
        "EvalActionName": "dynamodb:CreateBackup",
        "EvalResourceName": "*",
        "EvalDecision": "allowed",
        "MatchedStatements": [
            {
                "SourcePolicyId": "PolicyInputList.1",
                "SourcePolicyType": "IAM Policy",
                "StartPosition": {"Line": 1, "Column": 38},
                "EndPosition": {"Line": 1, "Column": 167},
            }
        ],
        "MissingContextValues": [],
    }
    late = at("2018-04-25T11:00:00Z")
    assert (late["EvalDecision"], late["MatchedStatements"]) == ("implicitDeny", [])


def test_one_result_an_action_the_strictest_of_all_resources(iam: Any) -> None:
    text = policy(
        allow("s3:*", f"{BUCKET}/*", Sid="Read"), deny("s3:*", f"{BUCKET}/secret", Sid="No")
    )
    resources = [OBJECT, "arn:aws:s3:::other/x", f"{BUCKET}/secret"]
    results = iam.simulate_custom_policy(
        PolicyInputList=[text], ActionNames=["s3:PutObject", "s3:GetObject"], ResourceArns=resources
    )["EvaluationResults"]
    assert [one["EvalActionName"] for one in results] == ["s3:PutObject", "s3:GetObject"]
    for result in results:
        each = result["ResourceSpecificResults"]
        assert [one["EvalResourceName"] for one in each] == resources
        assert [one["EvalResourceDecision"] for one in each] == [
            "allowed",
            "implicitDeny",
            "explicitDeny",
        ]
        assert result["EvalDecision"] == "explicitDeny"
        # Only statements that led to the decision.
        (matched,) = result["MatchedStatements"]
        assert json.loads(cut(text, matched))["Sid"] == "No"
    only = iam.simulate_custom_policy(
        PolicyInputList=[text], ActionNames=["s3:GetObject"], ResourceArns=resources[:2]
    )["EvaluationResults"][0]
    assert (only["EvalDecision"], only["MatchedStatements"]) == ("implicitDeny", [])


@pytest.mark.parametrize(
    ("action", "resource", "form"),
    [
        ("s3:GetObject", OBJECT, "arn:${Partition}:s3:::${BucketName}/${KeyName}"),
        ("s3:ListBucket", BUCKET, "arn:${Partition}:s3:::${BucketName}"),
        ("s3:ListAllMyBuckets", BUCKET, "*"),
        ("nosuch:Thing", BUCKET, "*"),
    ],
)
def test_the_form_of_the_resource(
    custom: Callable[..., Any], action: str, resource: str, form: str
) -> None:
    result = custom(ADMIN, ActionNames=[action], ResourceArns=[resource])
    assert result["EvalResourceName"] == form
    assert result["EvalDecision"] == "allowed"


# --- boundaries and SCPs ------------------------------------------------------------------------


def test_a_boundary(custom: Callable[..., Any]) -> None:
    def within(boundary: str) -> tuple[str, bool]:
        given = {"PermissionsBoundaryPolicyInputList": [boundary], "ResourceArns": [OBJECT]}
        result = custom(ADMIN, **given)
        detail = result["PermissionsBoundaryDecisionDetail"]
        assert detail == result["ResourceSpecificResults"][0]["PermissionsBoundaryDecisionDetail"]
        return result["EvalDecision"], detail["AllowedByPermissionsBoundary"]

    assert within(policy(allow("s3:*"))) == ("allowed", True)
    assert within(policy(allow("iam:*"))) == ("implicitDeny", False)
    assert within(policy(allow("*"), deny("s3:*"))) == ("explicitDeny", False)


def test_a_resource_policy_that_names_the_user_goes_over_the_boundary(
    custom: Callable[..., Any],
) -> None:
    """AWS's "Same-Account Simulation" of SimulateCustomPolicy."""
    mateo = f"{IAM}:user/mateo"
    only_iam = policy(allow("iam:*"))
    bucket_policy = policy(trusts(mateo, "s3:List*", "s3:Put*", Resource=f"{BUCKET}/*"))
    result = custom(
        only_iam,
        ActionNames=["s3:PutObject"],
        CallerArn=mateo,
        ResourceArns=[OBJECT],
        ResourceOwner=f"{IAM}:root",
        PermissionsBoundaryPolicyInputList=[only_iam],
        ResourcePolicy=bucket_policy,
    )
    assert result["EvalDecision"] == "allowed" and result["EvalDecisionDetails"] == {}
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    (matched,) = result["MatchedStatements"]
    assert matched["SourcePolicyId"] == "ResourcePolicy"
    assert matched["SourcePolicyType"] == "Resource Policy"
    assert json.loads(cut(bucket_policy, matched))["Principal"] == {"AWS": mateo}


@pytest.mark.parametrize(
    ("levels", "verdict", "allowed"),
    [
        ([[ADMIN], [ADMIN]], "allowed", True),
        ([[ADMIN], [policy(allow("s3:*"))], [ADMIN]], "allowed", True),
        ([[ADMIN], [policy(allow("iam:*"))], [ADMIN]], "implicitDeny", False),
        ([[ADMIN, policy(deny("s3:*"))], [ADMIN]], "explicitDeny", False),
    ],
)
def test_scps_level_by_level(
    custom: Callable[..., Any], levels: list[list[str]], verdict: str, allowed: bool
) -> None:
    given = [{"ServiceControlPolicyInputList": level} for level in levels]
    result = custom(ADMIN, ResourceArns=[OBJECT], OrderedOrganizationPolicyInputList=given)
    assert result["EvalDecision"] == verdict
    assert result["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": allowed}
    # What SCPs deny is looked at no further; their statements are never listed.
    assert ("EvalDecisionDetails" in result) is allowed
    assert bool(result["MatchedStatements"]) is allowed


def test_conditions_of_scps_hold_but_their_keys_are_not_missing(
    custom: Callable[..., Any],
) -> None:
    lock = deny("*", Condition={"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}})
    given = [{"ServiceControlPolicyInputList": [policy(allow("*"), lock)]}]
    result = custom(ADMIN, OrderedOrganizationPolicyInputList=given)
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("explicitDeny", [])
    here = [entry("aws:RequestedRegion", "eu-west-1")]
    result = custom(ADMIN, OrderedOrganizationPolicyInputList=given, ContextEntries=here)
    assert result["EvalDecision"] == "allowed"


# --- resource policies --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identity", "resource", "same", "across"),
    [
        # identity policy, resource policy -> in one account, between two
        (ADMIN, trusts(ANA, "s3:*", Resource=f"{BUCKET}/*"), "allowed", "allowed"),
        (policy(allow("iam:*")), trusts(ANA, "s3:*", Resource="*"), "allowed", "implicitDeny"),
        (policy(allow("iam:*")), trusts(ACCOUNT, "s3:*", Resource="*"), "implicitDeny", None),
        (ADMIN, trusts(ACCOUNT, "s3:*", Resource="*"), "allowed", "allowed"),
        (ADMIN, trusts(f"{IAM}:user/bo", "s3:*", Resource="*"), "allowed", "implicitDeny"),
        (ADMIN, deny("s3:*", Principal="*"), "explicitDeny", "explicitDeny"),
    ],
)
def test_a_bucket_policy(
    custom: Callable[..., Any], identity: str, resource: Any, same: str, across: str | None
) -> None:
    given = {"CallerArn": ANA, "ResourceArns": [OBJECT], "ResourcePolicy": policy(resource)}
    assert custom(identity, **given)["EvalDecision"] == same
    result = custom(identity, **given, ResourceOwner=f"arn:aws:iam::{OTHER}:root")
    assert result["EvalDecision"] == (across or "implicitDeny")
    assert set(result["EvalDecisionDetails"]) == {"IAM Policy", "Resource Policy"}


def test_aws_s_cross_account_simulation(world: World, principal: Callable[..., Any]) -> None:
    """The third example of SimulatePrincipalPolicy."""
    world.user("ana", allow("ec2:*"))
    result = principal(
        ActionNames=["s3:PutObject"],
        ResourceArns=[OBJECT],
        ResourceOwner=f"arn:aws:iam::{OTHER}:root",
        PermissionsBoundaryPolicyInputList=[policy(allow("iam:*"))],
        ResourcePolicy=policy(trusts(ANA, "s3:List*", "s3:Put*", Resource=f"{BUCKET}/*")),
    )
    (one,) = result["ResourceSpecificResults"]
    details = {
        "IAM Policy": "implicitDeny",
        "Resource Policy": "allowed",
        "Permissions Boundary Policy": "implicitDeny",
    }
    assert result["EvalDecision"] == one["EvalResourceDecision"] == "implicitDeny"
    assert result["EvalDecisionDetails"] == one["EvalDecisionDetails"] == details
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    assert result["MatchedStatements"] == []
    assert [m["SourcePolicyId"] for m in one["MatchedStatements"]] == ["ResourcePolicy"]


def test_the_account_in_an_arn_is_its_owner(custom: Callable[..., Any]) -> None:
    queue = f"arn:aws:sqs:us-east-1:{OTHER}:jobs"
    given = {"ActionNames": ["sqs:SendMessage"], "ResourceArns": [queue]}
    assert custom(ADMIN, **given)["EvalDecision"] == "allowed"  # nobody in particular asks
    result = custom(ADMIN, **given, CallerArn=ANA)
    assert result["EvalDecision"] == "implicitDeny"
    assert result["EvalDecisionDetails"] == {
        "IAM Policy": "allowed",
        "Resource Policy": "implicitDeny",
    }


@pytest.mark.parametrize("action", ["sts:AssumeRole", "sts:TagSession"])
@pytest.mark.parametrize(
    ("trust", "caller", "owner", "verdict"),
    [
        (trusts(ANA, "sts:*"), ANA, ACCOUNT, "allowed"),
        (trusts(ACCOUNT, "sts:*"), ANA, ACCOUNT, "allowed"),
        (trusts(f"{IAM}:user/bo", "sts:*"), ANA, ACCOUNT, "implicitDeny"),
        (trusts(ANA, "sts:*"), ANA, OTHER, "allowed"),
        (trusts(OTHER, "sts:*"), ANA, OTHER, "implicitDeny"),
        (deny("sts:*", None, Principal={"AWS": ANA}), ANA, ACCOUNT, "explicitDeny"),
        (trusts(f"{IAM}:role/first", "sts:*"), f"{IAM}:role/first", ACCOUNT, "allowed"),
        (
            trusts(ANA, "sts:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
            ANA,
            ACCOUNT,
            "implicitDeny",
        ),
    ],
)
def test_trust_policies_are_honoured(
    custom: Callable[..., Any], trust: Any, caller: str, owner: str, verdict: str, action: str
) -> None:
    """Better than AWS's own simulator, which does not look at them."""
    given = {
        "ActionNames": [action],
        "CallerArn": caller,
        "ResourceArns": [f"arn:aws:iam::{owner}:role/reader"],
        "ResourcePolicy": policy(trust),
    }
    assert custom(ADMIN, **given)["EvalDecision"] == verdict


def test_trust_of_an_identity_provider(custom: Callable[..., Any]) -> None:
    provider = f"{IAM}:oidc-provider/token.actions.example.com"
    condition = {"StringEquals": {"token.actions.example.com:aud": "sts.amazonaws.com"}}
    who = {"Federated": provider}
    given = {
        "ActionNames": ["sts:AssumeRoleWithWebIdentity"],
        "CallerArn": provider,
        "ResourcePolicy": policy(trusts(who, "sts:AssumeRoleWithWebIdentity", Condition=condition)),
    }
    result = custom(ADMIN, **given)
    assert result["EvalDecision"] == "implicitDeny"
    assert result["MissingContextValues"] == ["token.actions.example.com:aud"]
    given["ContextEntries"] = [entry("token.actions.example.com:aud", "sts.amazonaws.com")]
    assert custom(ADMIN, **given)["EvalDecision"] == "allowed"


def test_a_key_policy_must_agree(custom: Callable[..., Any]) -> None:
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
    given = {"ActionNames": ["kms:Decrypt"], "CallerArn": ANA, "ResourceArns": [key]}
    for who, verdict in ((ACCOUNT, "allowed"), (f"{IAM}:user/bo", "implicitDeny")):
        document = policy(trusts(who, "kms:*", Resource="*"))
        assert custom(ADMIN, **given, ResourcePolicy=document)["EvalDecision"] == verdict


# --- context ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "key", "wanted", "form", "right", "wrong"),
    [
        ("StringEquals", "aws:username", "ana", "string", ["ana"], ["bo"]),
        ("StringLike", "aws:UserAgent", "aws-cli*", "string", ["aws-cli/2"], ["curl"]),
        ("ForAnyValue:StringEquals", "aws:TagKeys", "a", "stringList", ["a", "b"], ["b"]),
        ("ForAllValues:StringEquals", "aws:TagKeys", "a", "stringList", ["a"], ["a", "b"]),
        ("NumericLessThan", "s3:max-keys", "10", "numeric", ["9"], ["10"]),
        ("ForAnyValue:NumericEquals", "x:sizes", "3", "numericList", ["2", "3"], ["4"]),
        ("Bool", "aws:SecureTransport", "true", "boolean", ["true"], ["false"]),
        ("ForAnyValue:Bool", "x:flags", "true", "booleanList", ["false", "true"], ["false"]),
        ("IpAddress", "aws:SourceIp", "203.0.113.0/24", "ip", ["203.0.113.7"], ["192.0.2.1"]),
        ("IpAddress", "aws:SourceIp", "2001:db8::/32", "ip", ["2001:db8::1"], ["2001:db9::1"]),
        ("ForAnyValue:IpAddress", "x:ips", "10.0.0.0/8", "ipList", ["10.1.1.1"], ["11.1.1.1"]),
        ("DateLessThan", "aws:CurrentTime", "2026-01-01", "date", ["2025-12-31"], ["1767225600"]),
        ("ForAnyValue:DateEquals", "x:days", "2026-02-01", "dateList", ["2026-02-01"], ["2026"]),
        ("BinaryEquals", "x:token", "aGVsbG8=", "binary", ["aGVsbG8="], ["aGk="]),
        ("ForAnyValue:BinaryEquals", "x:tokens", "aGVsbG8=", "binaryList", ["aGVsbG8="], ["aGk="]),
        ("ArnLike", "aws:SourceArn", f"{BUCKET}*", "string", [BUCKET], [ANA]),
        ("Null", "aws:TokenIssueTime", "false", "date", ["2026-01-01T00:00:00Z"], []),
    ],
)
def test_every_type_of_context(
    custom: Callable[..., Any],
    operator: str,
    key: str,
    wanted: str,
    form: str,
    right: list[str],
    wrong: list[str],
) -> None:
    document = policy(allow("s3:*", Condition={operator: {key: wanted}}))
    # Names of keys do not mind capitals.
    asked = {"ContextEntries": [entry(key.swapcase(), *right, form=form)]}
    result = custom(document, **asked)
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("allowed", [])
    refused_too = custom(document, ContextEntries=[entry(key, *wrong, form=form)])
    assert refused_too["EvalDecision"] == "implicitDeny"
    assert refused_too["MissingContextValues"] == ([] if wrong else [key])
    assert custom(document)["MissingContextValues"] == [key]


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("numeric", "ten"),
        ("numericList", "ten"),
        ("boolean", "yes"),
        ("ip", "10.0.0.300"),
        ("date", "soon"),
        ("binary", "!"),
    ],
)
def test_a_value_that_is_not_of_its_type(iam: Any, form: str, value: str) -> None:
    with refused("InvalidInput", 400, value):
        iam.simulate_custom_policy(
            PolicyInputList=[ADMIN],
            ActionNames=["s3:GetObject"],
            ContextEntries=[entry("x:key", value, form=form)],
        )


def test_binary_context_as_base64(custom: Callable[..., Any]) -> None:
    wanted = base64.b64encode(b"\x00\xff").decode()
    document = policy(allow("s3:*", Condition={"BinaryEquals": {"x:key": wanted}}))
    given = [entry("x:key", wanted, form="binary")]
    assert custom(document, ContextEntries=given)["EvalDecision"] == "allowed"


def test_missing_values_are_those_of_all_policies_given(custom: Callable[..., Any]) -> None:
    """As AWS does [O: boto3 issue 3111]: also keys of statements about other actions."""
    document = policy(
        allow("s3:ListBucket", BUCKET, Condition={"StringLike": {"aws:PrincipalTag/job": "s3"}}),
        allow("s3:GetObject", f"{BUCKET}/${{aws:username}}"),
    )
    given = {"ActionNames": ["s3:ListBucket"], "ResourceArns": [BUCKET]}
    result = custom(document, **given)
    keys = ["aws:PrincipalTag/job", "aws:username"]
    assert result["MissingContextValues"] == keys
    assert result["ResourceSpecificResults"][0]["MissingContextValues"] == keys
    given["ContextEntries"] = [entry("aws:principaltag/JOB", "s3"), entry("aws:username", "ana")]
    result = custom(document, **given)
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("allowed", [])


def test_variables_are_filled_in_from_what_is_given(custom: Callable[..., Any]) -> None:
    document = policy(allow("s3:*", f"{BUCKET}/${{aws:username}}/*"))
    given = {"ResourceArns": [f"{BUCKET}/ana/x"]}
    assert custom(document, **given, CallerArn=ANA)["EvalDecision"] == "implicitDeny"
    given["ContextEntries"] = [entry("aws:username", "ana")]
    assert custom(document, **given)["EvalDecision"] == "allowed"


# --- positions and pages ------------------------------------------------------------------------


@pytest.mark.parametrize("indent", [None, 2, 4])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_positions_are_those_of_the_text(
    custom: Callable[..., Any], indent: int | None, newline: str
) -> None:
    statements = [
        allow("s3:Get*", Sid="First"),
        allow("ec2:*", Sid="Other"),
        allow(["s3:GetObject"], [f"{BUCKET}/*", BUCKET], Sid="Third"),
    ]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=indent)
    text = text.replace("\n", newline)
    matched = custom(text, ResourceArns=[OBJECT])["MatchedStatements"]
    assert [json.loads(cut(text, one)) for one in matched] == [statements[0], statements[2]]
    assert {one["SourcePolicyId"] for one in matched} == {"PolicyInputList.1"}


def test_a_single_statement_begins_after_its_brace(custom: Callable[..., Any]) -> None:
    """As in AWS's "Using Context Keys in a Policy Simulation"."""
    text = (
        '{\n  "Version":"2012-10-17",\n  "Statement":{\n    "Effect":"Allow",\n'
        '    "Action":"s3:GetObject",\n    "Resource":"*"\n  }\n}'
    )
    (matched,) = custom(text)["MatchedStatements"]
    assert matched["StartPosition"] == {"Line": 3, "Column": 16}
    assert matched["EndPosition"] == {"Line": 7, "Column": 4}
    assert json.loads("{" + cut(text, matched))["Action"] == "s3:GetObject"


def test_pages_hold_everything_once(iam: Any) -> None:
    actions = [f"s3:Action{number}" for number in range(23)]
    asked = {
        "PolicyInputList": [policy(allow(actions[::3]))],
        "ActionNames": actions,
        "ResourceArns": [OBJECT, BUCKET],
    }
    whole = iam.simulate_custom_policy(**asked)
    assert whole["IsTruncated"] is False and "Marker" not in whole
    pages = iam.get_paginator("simulate_custom_policy").paginate(
        **asked, PaginationConfig={"PageSize": 5}
    )
    pages = [page["EvaluationResults"] for page in pages]
    assert [len(page) for page in pages] == [5, 5, 5, 5, 3]
    assert [one for page in pages for one in page] == whole["EvaluationResults"]
    with refused("ValidationError", 400):
        iam.simulate_custom_policy(**asked, Marker="made-up")
    with refused("ValidationError", 400, "maxItems"):
        iam.simulate_custom_policy(**asked, MaxItems=1001)


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"PolicyInputList": ["{"]}, "PolicyInputList.1"),
        ({"PolicyInputList": [ADMIN, "{}"]}, "PolicyInputList.2"),
        ({"PolicyInputList": [policy(trusts(ANA, "s3:*", Resource="*"))]}, "PolicyInputList.1"),
        ({"PermissionsBoundaryPolicyInputList": [ADMIN, ADMIN]}, "only one"),
        ({"ActionNames": []}, "ActionNames"),
        ({"ActionNames": ["s3:Get*"]}, "s3:Get*"),
        ({"ActionNames": ["GetObject"]}, "GetObject"),
        ({"ResourceArns": ["14a050d4"]}, "not in a valid ARN format: 14a050d4"),
        ({"ResourcePolicy": policy(trusts(ANA, "s3:*", Resource="*"))}, "CallerArn"),
        ({"CallerArn": "arn:aws:sts::111122223333:assumed-role/r/s"}, "does not clearly define"),
        ({"CallerArn": "arn:aws:sts::111122223333:federated-user/bo"}, "does not clearly define"),
        ({"CallerArn": "ec2.amazonaws.com"}, "does not clearly define"),
        ({"CallerArn": f"{IAM}:oidc-provider/x"}, "does not clearly define"),
        ({"ResourceOwner": "somebody"}, "'somebody' is not a valid as a Resource Owner."),
        ({"ResourceHandlingOption": "EC2-VPC"}, "EC2-VPC-EBS-Subnet"),
        ({"ResourceHandlingOption": "EC2-VPC-EBS"}, "instance, image, security-group"),
        ({"ContextEntries": [{"ContextKeyValues": ["x"]}]}, "ContextKeyName"),
    ],
)
def test_invalid_input(iam: Any, given: dict[str, Any], text: str) -> None:
    asked = {"PolicyInputList": [ADMIN], "ActionNames": ["s3:GetObject"]} | given
    with refused("InvalidInput", 400, text):
        iam.simulate_custom_policy(**asked)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"ActionNames": ["s3"]}, "greater than or equal to 3"),
        ({"ContextEntries": [entry("x", "1")]}, "greater than or equal to 5"),
        ({"ContextEntries": [entry("aws:x", "1", form="text")]}, "enum value set"),
        ({"OrderedOrganizationPolicyInputList": [{"ServiceControlPolicyInputList": [ADMIN]}] * 8},
         "less than or equal to 7"),
    ],
)  # fmt: skip
def test_the_form_of_parameters(iam: Any, given: dict[str, Any], text: str) -> None:
    asked = {"PolicyInputList": [ADMIN], "ActionNames": ["s3:GetObject"]} | given
    with refused("ValidationError", 400, text):
        iam.simulate_custom_policy(**asked)


def test_roles_and_groups_as_callers(custom: Callable[..., Any], iam: Any) -> None:
    """Resource policies are simulated for users only ("SimulateCustomPolicy"), trust apart."""
    for caller in (f"{IAM}:role/reader", f"{IAM}:group/staff"):
        assert custom(ADMIN, CallerArn=caller)["EvalDecision"] == "allowed"
        with refused("InvalidInput", 400, "Caller must be an IAM user in this context."):
            custom(
                ADMIN,
                CallerArn=caller,
                ResourceArns=[OBJECT],
                ResourcePolicy=policy(trusts(ACCOUNT, "s3:*", Resource=f"{BUCKET}/*")),
            )


def test_a_resource_policy_is_about_the_resource(custom: Callable[..., Any]) -> None:
    given = {"CallerArn": ANA, "ResourcePolicy": policy(trusts(ANA, "s3:*", Resource=OBJECT))}
    assert custom(ADMIN, **given, ResourceArns=[BUCKET])["EvalDecision"] == "allowed"
    own = policy(trusts(ANA, "s3:*", Resource="arn:aws:s3:::${aws:PrincipalTag/team}/*"))
    assert custom(ADMIN, CallerArn=ANA, ResourcePolicy=own, ResourceArns=[OBJECT])
    for other in ("arn:aws:s3:::other/q3.csv", "*"):
        with refused("InvalidInput", 400, "not applicable"):
            custom(ADMIN, **given, ResourceArns=[OBJECT, other])
    with refused("InvalidInput", 400, "ResourcePolicy"):
        custom(ADMIN, CallerArn=ANA, ResourceArns=[OBJECT], ResourcePolicy=ADMIN)


def test_a_scenario_with_all_its_resources(custom: Callable[..., Any]) -> None:
    types = ("instance", "image", "security-group", "network-interface", "volume")
    result = custom(
        ADMIN,
        ActionNames=["ec2:RunInstances"],
        ResourceHandlingOption="EC2-VPC-EBS",
        ResourceArns=[f"arn:aws:ec2:us-east-1:{ACCOUNT}:{one}/*" for one in types],
    )
    assert result["EvalDecision"] == "allowed"
    assert len(result["ResourceSpecificResults"]) == 5


# --- what a principal really has ----------------------------------------------------------------


def test_all_policies_of_a_user(world: World, principal: Callable[..., Any]) -> None:
    world.user("ana", allow("s3:GetObject"))
    world.iam.create_group(GroupName="staff")
    world.iam.add_user_to_group(GroupName="staff", UserName="ana")
    world.grant("group/staff", allow("s3:GetObject"), name="reading")
    readers = world.managed("Readers", allow("s3:GetObject"))
    world.iam.attach_user_policy(UserName="ana", PolicyArn=readers)
    aws = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    world.iam.attach_group_policy(GroupName="staff", PolicyArn=aws)
    result = principal(PolicyInputList=[ADMIN], ResourceArns=[OBJECT])
    assert [one["SourcePolicyId"] for one in result["MatchedStatements"]] == [
        "user_ana_own",
        "Readers",
        "group_staff_reading",
        "AmazonS3ReadOnlyAccess",
        "PolicyInputList.1",
    ]
    assert {one["SourcePolicyType"] for one in result["MatchedStatements"]} == {"IAM Policy"}
    stored = world.iam.get_policy_version(PolicyArn=readers, VersionId="v1")["PolicyVersion"]
    text = json.dumps(stored["Document"])
    assert json.loads(cut(text, result["MatchedStatements"][1])) == allow("s3:GetObject")
    group = principal(PolicySourceArn=f"{IAM}:group/staff", ActionNames=["s3:ListBucket"])
    assert [one["SourcePolicyId"] for one in group["MatchedStatements"]] == [
        "AmazonS3ReadOnlyAccess"
    ]


def test_a_change_counts_at_once(world: World, principal: Callable[..., Any]) -> None:
    world.user("ana")
    assert principal()["EvalDecision"] == "implicitDeny"
    world.grant("user/ana", allow("s3:*"))
    assert principal()["EvalDecision"] == "allowed"
    arn = world.managed("No", deny("s3:*"))
    world.iam.attach_user_policy(UserName="ana", PolicyArn=arn)
    assert principal()["EvalDecision"] == "explicitDeny"
    world.iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=policy(deny("ec2:*")), SetAsDefault=True
    )
    assert principal()["EvalDecision"] == "allowed"


def test_a_role_with_a_path(world: World, principal: Callable[..., Any]) -> None:
    arn = world.role("reader", allow("s3:*"), Path="/jobs/night/")
    result = principal(PolicySourceArn=arn)
    assert result["EvalDecision"] == "allowed"
    assert result["MatchedStatements"][0]["SourcePolicyId"] == "role_reader_own"
    with refused("NoSuchEntity", 404, "The role with name reader cannot be found."):
        principal(PolicySourceArn=f"{IAM}:role/reader")


def test_the_boundary_of_a_user_or_the_one_given(
    world: World, principal: Callable[..., Any]
) -> None:
    world.user("ana", allow("*"))
    arn = world.managed("Edge", allow("iam:*"))
    world.iam.put_user_permissions_boundary(UserName="ana", PermissionsBoundary=arn)
    result = principal()
    assert result["EvalDecision"] == "implicitDeny"
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    result = principal(PermissionsBoundaryPolicyInputList=[policy(allow("s3:*"))])
    assert result["EvalDecision"] == "allowed"
    result = principal(PolicyExclusionList=[{"PolicyType": "permission-boundary"}])
    assert result["EvalDecision"] == "allowed"
    assert "PermissionsBoundaryDecisionDetail" not in result


def test_scps_of_the_organization(world: World) -> None:
    member = world.organization()
    world.user("ana", allow("*"), account=member)
    iam = world.admin("iam", member)
    world.scp("lock", deny("s3:*"), target=member)

    def ask(**more: Any) -> dict[str, Any]:
        source = f"arn:aws:iam::{member}:user/ana"
        given = {"PolicySourceArn": source, "ActionNames": ["s3:GetObject"]} | more
        return iam.simulate_principal_policy(**given)["EvaluationResults"][0]

    result = ask(ResourceArns=[OBJECT])
    assert result["EvalDecision"] == "explicitDeny"
    assert result["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": False}
    assert "EvalDecisionDetails" not in result and result["MatchedStatements"] == []
    result = ask(ActionNames=["ec2:RunInstances"])
    assert result["EvalDecision"] == "allowed"
    assert result["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": True}
    assert ask(PolicyExclusionList=[{"PolicyType": "scp"}])["EvalDecision"] == "allowed"
    # The management account belongs to it too, and no SCP limits it.
    world.user("ana", allow("*"))
    own = world.iam.simulate_principal_policy(PolicySourceArn=ANA, ActionNames=["s3:GetObject"])
    (result,) = own["EvaluationResults"]
    assert result["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": True}


@pytest.mark.parametrize(
    ("identifier", "left"),
    [
        ({"PolicyType": "inline"}, ["Readers", "AmazonS3ReadOnlyAccess"]),
        ({"PolicyType": "aws-managed"}, ["user_ana_own", "Readers", "group_staff_own"]),
        ({"PolicyType": "user-managed"},
         ["user_ana_own", "group_staff_own", "AmazonS3ReadOnlyAccess"]),
        ({"PolicyType": "rcp"},
         ["user_ana_own", "Readers", "group_staff_own", "AmazonS3ReadOnlyAccess"]),
        ({"PolicyArn": f"{IAM}:policy/Read?rs"},
         ["user_ana_own", "group_staff_own", "AmazonS3ReadOnlyAccess"]),
        ({"PolicyArn": "arn:aws:iam::aws:policy/Amazon*"},
         ["user_ana_own", "Readers", "group_staff_own"]),
        ({"InlinePolicyIdentifier":
          {"PolicyName": "own", "AttachmentType": "group", "AttachmentName": "s*f"}},
         ["user_ana_own", "Readers", "AmazonS3ReadOnlyAccess"]),
        ({"InlinePolicyIdentifier":
          {"PolicyName": "own", "AttachmentType": "role", "AttachmentName": "*"}},
         ["user_ana_own", "Readers", "group_staff_own", "AmazonS3ReadOnlyAccess"]),
    ],
)  # fmt: skip
def test_excluded_policies(
    world: World, principal: Callable[..., Any], identifier: dict[str, Any], left: list[str]
) -> None:
    world.user("ana", allow("s3:*"))
    world.iam.create_group(GroupName="staff")
    world.iam.add_user_to_group(GroupName="staff", UserName="ana")
    world.grant("group/staff", allow("s3:*"))
    arn = world.managed("Readers", allow("s3:*"))
    world.iam.attach_user_policy(UserName="ana", PolicyArn=arn)
    aws = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    world.iam.attach_group_policy(GroupName="staff", PolicyArn=aws)
    result = principal(PolicyExclusionList=[identifier])
    assert [one["SourcePolicyId"] for one in result["MatchedStatements"]] == left


@pytest.mark.parametrize(
    "identifier",
    [
        {"PolicyArn": f"{IAM}:policy/a*b*"},
        {"PolicyArn": "arn:aws:iam::*:policy/Readers"},
        {"PolicyArn": f"{IAM}:role/reader-of-things"},
        {"PolicyType": "inline", "PolicyArn": f"{IAM}:policy/Readers"},
        {"InlinePolicyIdentifier":
         {"PolicyName": "own*", "AttachmentType": "user", "AttachmentName": "ana"}},
        {"InlinePolicyIdentifier":
         {"PolicyName": "own", "AttachmentType": "user", "AttachmentName": "*a*"}},
    ],
)  # fmt: skip
def test_what_names_no_policy(
    world: World, principal: Callable[..., Any], identifier: dict[str, Any]
) -> None:
    world.user("ana")
    with refused("InvalidInput", 400):
        principal(PolicyExclusionList=[identifier])


def test_sources_that_cannot_be_simulated(iam: Any) -> None:
    def ask(arn: str) -> None:
        iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject"])

    with refused("NoSuchEntity", 404, "The user with name nobody cannot be found."):
        ask(f"{IAM}:user/nobody")
    with refused("NoSuchEntity", 404, "The group with name nobody cannot be found."):
        ask(f"{IAM}:group/nobody")
    with refused("InvalidInput", 400, "does not have access to policies in account"):
        ask(f"arn:aws:iam::{OTHER}:user/ana")
    for arn in (f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s", f"{IAM}:policy/Readers", f"{IAM}:root"):
        with refused("InvalidInput", 400, "does not clearly define entity type and name."):
            ask(arn)


def test_somebody_with_another_s_policies(world: World, principal: Callable[..., Any]) -> None:
    """The CallerArn's name stands in Principal; the policies are the source's."""
    world.user("ana", allow("ec2:*"))
    bob = f"{IAM}:user/bob"
    given = {"ResourceArns": [OBJECT]}
    given["ResourcePolicy"] = policy(trusts(bob, "s3:*", Resource=f"{BUCKET}/*"))
    assert principal(**given)["EvalDecision"] == "implicitDeny"
    assert principal(**given, CallerArn=bob)["EvalDecision"] == "allowed"
    world.role("reader", allow("s3:*"))
    with refused("InvalidInput", 400, "Caller must be an IAM user in this context."):
        principal(**given, PolicySourceArn=f"{IAM}:role/reader")
    result = principal(**given, PolicySourceArn=f"{IAM}:role/reader", CallerArn=bob)
    assert result["EvalDecision"] == "allowed"


# Everyday calls: the action, its resource, and the call itself.
CALLS: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("s3:GetObject", OBJECT, lambda s: s("s3").get_object(Bucket="reports", Key="q3.csv")),
    ("s3:PutObject", f"{BUCKET}/new", lambda s: s("s3").put_object(Bucket="reports", Key="new")),
    ("s3:ListBucket", BUCKET, lambda s: s("s3").list_objects_v2(Bucket="reports")),
    ("s3:ListAllMyBuckets", "*", lambda s: s("s3").list_buckets()),
    ("iam:GetUser", ANA, lambda s: s("iam").get_user(UserName="ana")),
    ("iam:ListUsers", "*", lambda s: s("iam").list_users()),
    ("iam:CreateUser", f"{IAM}:user/bo", lambda s: s("iam").create_user(UserName="bo")),
    ("iam:DeleteGroup", f"{IAM}:group/staff", lambda s: s("iam").delete_group(GroupName="staff")),
    ("ec2:DescribeInstances", "*", lambda s: s("ec2").describe_instances()),
    ("sts:AssumeRole", f"{IAM}:role/reader", lambda s: s("sts").assume_role(
        RoleArn=f"{IAM}:role/reader", RoleSessionName="morning")),
]  # fmt: skip
GRANTS = [
    [],
    [allow("*")],
    [allow("s3:*")],
    [allow("s3:Get*", f"{BUCKET}/*"), allow("iam:Get*", ANA)],
    [allow("*"), deny("iam:*")],
    [allow("*"), deny("s3:*", f"{BUCKET}/*"), deny("*", f"{IAM}:user/bo")],
    [allow(None, NotAction=["iam:*", "ec2:*"])],
    [allow("*", None, NotResource=[OBJECT, ANA])],
    [allow("*", Condition={"StringEquals": {"aws:username": "ana"}})],
    [allow("*"), deny("*", Condition={"Bool": {"aws:SecureTransport": "true"}})],
    [allow("iam:*", f"{IAM}:user/${{aws:username}}"), allow("sts:*", f"{IAM}:role/r*")],
]
FACTS = [entry("aws:username", "ana"), entry("aws:SecureTransport", "true", form="boolean")]


@pytest.mark.parametrize("grants", GRANTS)
@pytest.mark.parametrize("edge", [None, [allow("s3:*"), allow("sts:*")]])
def test_the_simulator_says_what_a_real_call_gets(world: World, grants: Any, edge: Any) -> None:
    more = {"PermissionsBoundary": world.managed("Edge", *edge)} if edge else {}
    session = world.user("ana", *grants, **more)
    world.role("reader")
    world.bucket("reports")
    world.iam.create_group(GroupName="staff")
    simulated, real = {}, {}
    for action, resource, call in CALLS:
        (result,) = world.iam.simulate_principal_policy(
            PolicySourceArn=ANA,
            ActionNames=[action],
            ResourceArns=[resource],
            ContextEntries=FACTS,
        )["EvaluationResults"]
        simulated[action] = result["EvalDecision"] == "allowed"
        got = outcome(lambda call=call: call(lambda name: session.client(name, config=AS_IS)))
        assert got in ("allowed", "denied"), (action, got)
        real[action] = got == "allowed"
        if got == "denied":
            assert result["EvalDecision"] == world.lab.why().effect
    assert simulated == real


def test_who_may_simulate(world: World) -> None:
    ana = world.user("ana", allow("iam:SimulatePrincipalPolicy", f"{IAM}:user/bo"))
    world.iam.create_user(UserName="bo")
    iam = ana.client("iam", config=AS_IS)
    asked = {"ActionNames": ["s3:GetObject"]}
    assert iam.simulate_principal_policy(PolicySourceArn=f"{IAM}:user/bo", **asked)
    for call in (
        lambda: iam.simulate_principal_policy(PolicySourceArn=ANA, **asked),
        lambda: iam.simulate_custom_policy(PolicyInputList=[ADMIN], **asked),
        lambda: iam.get_context_keys_for_custom_policy(PolicyInputList=[ADMIN]),
        lambda: iam.get_context_keys_for_principal_policy(PolicySourceArn=f"{IAM}:user/bo"),
    ):
        assert outcome(call) == "denied"


# --- context keys -------------------------------------------------------------------------------


def test_context_keys_of_policies(iam: Any) -> None:
    first = policy(
        allow(
            "dynamodb:*",
            [f"arn:aws:dynamodb:us-west-2:{ACCOUNT}:table/${{aws:username}}"],
            Condition={"DateGreaterThan": {"aws:CurrentTime": "2018-08-16T12:00:00Z"}},
        ),
        deny(
            "s3:*",
            None,
            NotResource=f"{BUCKET}/${{aws:PrincipalTag/team, 'none'}}/${{*}}${{?}}",
            Condition={
                "StringEquals": {"AWS:UserName": ["x", "${aws:userid}"]},
                "Null": {"s3:x-amz-acl": "true"},
            },
        ),
    )
    old = policy(allow("s3:*", f"{BUCKET}/${{saml:sub}}"), version="2008-10-17")  # no variables
    keys = iam.get_context_keys_for_custom_policy(PolicyInputList=[first, old, ADMIN])
    assert keys["ContextKeyNames"] == [
        "aws:username",
        "aws:CurrentTime",
        "aws:PrincipalTag/team",
        "aws:userid",
        "s3:x-amz-acl",
    ]
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[ADMIN])["ContextKeyNames"] == []
    with refused("InvalidInput", 400, "PolicyInputList.1"):
        iam.get_context_keys_for_custom_policy(PolicyInputList=["{"])


def test_context_keys_of_a_principal(world: World) -> None:
    def key(name: str) -> Any:
        return allow("s3:*", Condition={"StringEquals": {name: "x"}})

    world.user("ana", key("aws:PrincipalTag/own"))
    world.iam.create_group(GroupName="staff")
    world.iam.add_user_to_group(GroupName="staff", UserName="ana")
    world.grant("group/staff", key("s3:prefix"))
    edge = world.managed("Edge", key("aws:RequestedRegion"))
    world.iam.put_user_permissions_boundary(UserName="ana", PermissionsBoundary=edge)
    world.role("reader", key("aws:SourceVpc"))
    ask = world.iam.get_context_keys_for_principal_policy
    given = [policy(key("aws:SourceIp"))]
    answer = ask(PolicySourceArn=ANA, PolicyInputList=given)
    assert answer["ContextKeyNames"] == ["aws:PrincipalTag/own", "s3:prefix", "aws:SourceIp"]
    assert ask(PolicySourceArn=f"{IAM}:group/staff")["ContextKeyNames"] == ["s3:prefix"]
    assert ask(PolicySourceArn=f"{IAM}:role/reader")["ContextKeyNames"] == ["aws:SourceVpc"]
    with refused("NoSuchEntity", 404):
        ask(PolicySourceArn=f"{IAM}:user/nobody")


def test_what_is_asked_for_is_what_is_missing(world: World, principal: Callable[..., Any]) -> None:
    """GetContextKeys names what to give; once given, nothing is missing."""
    world.user("ana", allow("s3:*", f"{BUCKET}/${{aws:username}}/*"))
    ask = boto3.client("iam").get_context_keys_for_principal_policy
    keys = ask(PolicySourceArn=ANA)["ContextKeyNames"]
    assert keys == principal()["MissingContextValues"] == ["aws:username"]
    given = [entry(key, "ana") for key in keys]
    result = principal(ContextEntries=given, ResourceArns=[f"{BUCKET}/ana/x"])
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("allowed", [])
