"""STS as AWS does it: iam_evaluation §6, seen through boto3."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import boto3
import pytest

from .conftest import ACCOUNT, ALLOW_ALL, AS_IS, OTHER, allow, refused, signed_by, trust


def sts(session: boto3.Session | None = None):
    return (session or boto3).client("sts", config=AS_IS)


def assume(arn: str, session: boto3.Session | None = None, **more):
    return sts(session).assume_role(**{"RoleArn": arn, "RoleSessionName": "work"} | more)


class TestAssumeRole:
    def test_answer_has_awss_form(self, lab, iam, role):
        answer = assume(role("auditor", Path="/finance/"))
        role_id = iam.get_role(RoleName="auditor")["Role"]["RoleId"]
        assert answer["AssumedRoleUser"] == {
            "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/auditor/work",
            "AssumedRoleId": f"{role_id}:work",
        }
        assert "PackedPolicySize" not in answer and "SourceIdentity" not in answer
        made = answer["Credentials"]
        assert re.fullmatch(r"ASIA[A-Z2-7]{16}", made["AccessKeyId"])
        assert len(made["SecretAccessKey"]) == 40 and len(made["SessionToken"]) > 300
        left = made["Expiration"] - lab.clock.now()
        assert timedelta(seconds=3590) < left <= timedelta(hours=1)
        assert made["Expiration"].microsecond == 0

    def test_caller_identity_of_every_kind(self, lab, iam, role, user):
        """§6 GetCallerIdentity; works with an explicit Deny."""
        ana = user("ana")
        deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
        iam.put_user_policy(UserName="ana", PolicyName="no", PolicyDocument=document)
        ana_id = iam.get_user(UserName="ana")["User"]["UserId"]
        assert re.fullmatch(r"AIDA[A-Z0-9]{17}", ana_id)
        seen = sts(ana).get_caller_identity()
        assert (seen["UserId"], seen["Arn"]) == (ana_id, f"arn:aws:iam::{ACCOUNT}:user/ana")
        seen = sts(lab.session("root")).get_caller_identity()
        assert (seen["UserId"], seen["Arn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
        answer = assume(role("auditor"))
        seen = sts(signed_by(answer)).get_caller_identity()
        assert seen["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
        assert seen["Arn"] == answer["AssumedRoleUser"]["Arn"]
        answer = sts().get_federation_token(Name="Bob")
        seen = sts(signed_by(answer)).get_caller_identity()
        assert seen["UserId"] == answer["FederatedUser"]["FederatedUserId"] == f"{ACCOUNT}:Bob"
        assert seen["Arn"] == f"arn:aws:sts::{ACCOUNT}:federated-user/Bob"

    def test_missing_role_looks_like_a_denial(self, lab):
        """§10: AWS does not say that the role does not exist."""
        arn = f"arn:aws:iam::{ACCOUNT}:role/nobody"
        admin = f"arn:aws:iam::{ACCOUNT}:user/administrator"
        with refused("AccessDenied", 403) as caught:
            assume(arn)
        text = caught.value.response["Error"]["Message"]
        expected = f"User: {admin} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        assert text == expected

    def test_path_is_part_of_the_arn(self, role):
        role("auditor", Path="/finance/")
        with refused("AccessDenied", 403):
            assume(f"arn:aws:iam::{ACCOUNT}:role/auditor")

    def test_trusting_somebody_else_only(self, lab, iam, role, user):
        """§4: denied even for an administrator."""
        ana = user("ana")
        arn = role("anas", {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ana"})
        with refused("AccessDenied", 403):
            assume(arn)
        assert assume(arn, ana)["Credentials"]

    def test_account_trust_needs_identity_policy(self, role, user):
        """§4 (b)."""
        arn = role("team")
        with refused("AccessDenied", 403):
            assume(arn, user("ana"))
        assert assume(arn, user("bo", "sts:AssumeRole"))["Credentials"]

    def test_root_may_not(self, lab, role):
        """§4 [O]."""
        with refused("AccessDenied", 403, "Roles may not be assumed by root accounts."):
            assume(role("team"), lab.session("root"))

    @pytest.mark.parametrize(
        ("wrong", "text"),
        [
            ({"RoleSessionName": "a b"}, "Value 'a b' at 'roleSessionName' failed to satisfy "
             "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"),
            ({"RoleSessionName": "a"}, "at 'roleSessionName' failed to satisfy constraint: "
             "Member must have length greater than or equal to 2"),
            ({"RoleSessionName": "a" * 65}, "Member must have length less than or equal to 64"),
            ({"DurationSeconds": 899}, "Value '899' at 'durationSeconds' failed to satisfy "
             "constraint: Member must have value greater than or equal to 900"),
            ({"DurationSeconds": 43201}, "Member must have value less than or equal to 43200"),
            ({"ExternalId": "x"}, "at 'externalId'"),
            ({"ExternalId": "a b"}, "at 'externalId'"),
            ({"SourceIdentity": "aws:x"}, "at 'sourceIdentity'"),
            ({"TokenCode": "12345678", "SerialNumber": "GAHT12345678"}, "at 'tokenCode'"),
            ({"Tags": [{"Key": "k" * 129, "Value": ""}]}, "at 'tags.1.member.key'"),
            ({"Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]}, "at 'tags'"),
            ({"RoleArn": "arn:aws:iam::111122223333:user/x"}, "is invalid"),
        ],
    )  # fmt: skip
    def test_form(self, role, wrong, text):
        """§6; the form is looked at before anything else."""
        with refused("ValidationError", 400, text):
            assume(role("team"), **wrong)

    def test_two_faults_are_both_named(self, role):
        with refused("ValidationError", 400, "2 validation errors detected: Value '1234567x' at"):
            assume(role("team"), TokenCode="1234567x", SerialNumber="GAHT12345678")

    def test_longest_session_is_the_roles(self, lab, role):
        """§6 [O text]."""
        short, long = role("short"), role("long", MaxSessionDuration=43200)
        text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        with refused("ValidationError", 400, text):
            assume(short, DurationSeconds=3601)
        answer = assume(long, DurationSeconds=43200)
        left = answer["Credentials"]["Expiration"] - lab.clock.now()
        assert left > timedelta(hours=11, minutes=59)
        assert assume(long)["Credentials"]["Expiration"] < lab.clock.now() + timedelta(hours=2)

    def test_chaining_lasts_an_hour_at_most(self, iam, role):
        """§6 [O text]."""
        first, second = role("first"), role("second", MaxSessionDuration=43200)
        iam.put_role_policy(
            RoleName="first", PolicyName="go", PolicyDocument=allow("sts:AssumeRole")
        )
        session = signed_by(assume(first))
        assert assume(second, session, DurationSeconds=3600)["Credentials"]
        with refused("ValidationError", 400, "the 1 hour session limit for roles assumed by role"):
            assume(second, session, DurationSeconds=3601)

    def test_expires_on_the_labs_clock(self, lab, role):
        session = signed_by(assume(role("team"), DurationSeconds=900))
        lab.clock.advance(seconds=890)
        sts(session).get_caller_identity()
        lab.clock.advance(seconds=20)
        with refused("ExpiredToken", 403):
            sts(session).get_caller_identity()

    def test_deleting_the_role_ends_its_sessions(self, iam, role):
        session = signed_by(assume(role("team")))
        iam.delete_role(RoleName="team")
        with refused("InvalidClientTokenId", 403):
            sts(session).get_caller_identity()
        role("team")
        with refused("InvalidClientTokenId", 403):
            sts(session).get_caller_identity()

    def test_external_id(self, role):
        """§6: missing or wrong is a denial."""
        condition = {"StringEquals": {"sts:ExternalId": "Unique-ID"}}
        arn = role("third", trust=trust({"AWS": ACCOUNT}, condition=condition))
        with refused("AccessDenied", 403):
            assume(arn)
        with refused("AccessDenied", 403):
            assume(arn, ExternalId="Other-ID")
        assert assume(arn, ExternalId="Unique-ID")["Credentials"]

    def test_across_accounts(self, lab, iam, user):
        """§4, §5: both sides must allow."""
        there = lab.account(OTHER).client("iam")
        arn = there.create_role(RoleName="guest", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))[
            "Role"
        ]["Arn"]
        with refused("AccessDenied", 403):
            assume(arn, user("ana"))
        session = signed_by(assume(arn, user("bo", "sts:AssumeRole")))
        assert sts(session).get_caller_identity()["Account"] == OTHER


class TestSessionPolicies:
    def test_limits_the_role_and_grants_nothing(self, iam, role):
        arn = role("reader")
        document = allow("iam:ListUsers", "iam:ListRoles")
        iam.put_role_policy(RoleName="reader", PolicyName="own", PolicyDocument=document)
        answer = assume(arn, Policy=allow("iam:ListUsers", "iam:ListGroups"))
        assert 1 <= answer["PackedPolicySize"] <= 100
        inside = signed_by(answer).client("iam")
        inside.list_users()
        with refused("AccessDenied", 403, "no session policy allows the iam:ListRoles action"):
            inside.list_roles()
        with refused("AccessDenied", 403):
            inside.list_groups()

    def test_managed(self, iam, role):
        arn = role("reader")
        iam.put_role_policy(
            RoleName="reader", PolicyName="own", PolicyDocument=json.dumps(ALLOW_ALL)
        )
        own = iam.create_policy(PolicyName="Users", PolicyDocument=allow("iam:ListUsers"))
        inside = signed_by(assume(arn, PolicyArns=[{"arn": own["Policy"]["Arn"]}])).client("iam")
        inside.list_users()
        with refused("AccessDenied", 403):
            inside.list_roles()
        aws = [{"arn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}]
        inside = signed_by(assume(arn, PolicyArns=aws)).client("iam")
        inside.list_roles()
        with refused("AccessDenied", 403):
            inside.create_user(UserName="x")

    def test_bad_ones(self, lab, role):
        arn = role("reader")
        with refused("MalformedPolicyDocument", 400):
            assume(arn, Policy="{")
        with refused("MalformedPolicyDocument", 400):
            assume(arn, Policy=trust("*"))
        with refused("ValidationError", 400, "Member must have length less than or equal to 2048"):
            assume(arn, Policy=allow("s3:" + "x" * 2048))
        missing = [{"arn": f"arn:aws:iam::{ACCOUNT}:policy/none"}]
        with refused("ValidationError", 400):  # code: [I]
            assume(arn, PolicyArns=missing)
        many = [{"arn": f"arn:aws:iam::{ACCOUNT}:policy/p{n}"} for n in range(11)]
        with refused("ValidationError", 400):
            assume(arn, PolicyArns=many)

    def test_too_much_together(self, iam, role):
        """§6: inline and managed together 2,048 characters -> PackedPolicyTooLarge."""
        arn = role("reader")
        arns = []
        for number in range(5):
            made = iam.create_policy(
                PolicyName=f"p{number}" + "n" * 100, PolicyDocument=allow("s3:*")
            )
            arns.append({"arn": made["Policy"]["Arn"]})
        text = "of allotted space, please use smaller policy."
        with refused("PackedPolicyTooLarge", 400, text):
            assume(arn, Policy=allow("s3:" + "x" * 1800), PolicyArns=arns)


TAGS = [{"Key": "Team", "Value": "maps"}, {"Key": "Site", "Value": "oslo"}]


class TestTags:
    def test_need_tag_session(self, role):
        with refused("AccessDenied", 403, "sts:TagSession"):
            assume(role("team"), Tags=TAGS)

    def test_are_principal_tags_and_transitive_ones_go_on(self, lab, iam, role):
        """§6: session tags override role tags ignoring case; transitive tags persist."""
        both = trust({"AWS": ACCOUNT}, "sts:AssumeRole", "sts:TagSession")
        first = role("first", trust=both, Tags=[{"Key": "team", "Value": "old"}])
        second, third = role("second", trust=both), role("third", trust=both)
        untagged = role("untagged")
        if_maps = {"StringEquals": {"aws:PrincipalTag/Team": "maps"}}
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": if_maps}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        for name in ("first", "second", "third"):
            iam.put_role_policy(RoleName=name, PolicyName="maps", PolicyDocument=document)
        with refused("AccessDenied", 403):
            signed_by(assume(first)).client("iam").list_users()
        answer = assume(first, Tags=TAGS, TransitiveTagKeys=["team"])
        assert answer["PackedPolicySize"] >= 1
        one = signed_by(answer)
        one.client("iam").list_users()
        two = signed_by(assume(second, one))
        two.client("iam").list_users()
        signed_by(assume(third, two)).client("iam").list_users()
        session = lab.callers.sessions[two.get_credentials().access_key]
        assert session.tags == {"Team": "maps"}
        with refused("AccessDenied", 403, "sts:TagSession"):
            assume(untagged, one)  # the tags that go on need permission too [O]
        with refused("InvalidParameterValue", 400):  # code: [I]
            assume(second, one, Tags=[{"Key": "TEAM", "Value": "other"}])

    def test_duplicates_and_unknown_transitive_keys(self, role):
        arn = role("team", trust=trust({"AWS": ACCOUNT}, "sts:AssumeRole", "sts:TagSession"))
        twice = [{"Key": "Team", "Value": "a"}, {"Key": "team", "Value": "b"}]
        with refused("InvalidParameterValue", 400, "Duplicate tag keys"):  # code: [I]
            assume(arn, Tags=twice)
        with refused("InvalidParameterValue", 400, "transitive"):  # code: [I]
            assume(arn, Tags=TAGS, TransitiveTagKeys=["Other"])


class TestSourceIdentity:
    def test_is_kept_and_cannot_change(self, lab, iam, role):
        both = trust({"AWS": ACCOUNT}, "sts:AssumeRole", "sts:SetSourceIdentity")
        first, second = role("first", trust=both), role("second", trust=both)
        go = allow("sts:AssumeRole", "sts:SetSourceIdentity")
        iam.put_role_policy(RoleName="first", PolicyName="go", PolicyDocument=go)
        answer = assume(first, SourceIdentity="ana")
        assert answer["SourceIdentity"] == "ana"
        one = signed_by(answer)
        assert assume(second, one, SourceIdentity="ana")["SourceIdentity"] == "ana"
        assert assume(second, one)["SourceIdentity"] == "ana"
        with refused("AccessDenied", 403, "sts:SetSourceIdentity"):
            assume(second, one, SourceIdentity="bo")
        with refused("AccessDenied", 403, "sts:SetSourceIdentity"):
            assume(role("third"), one)  # the identity goes on, and that needs permission [M]

    def test_needs_permission_in_the_trust_policy(self, role):
        with refused("AccessDenied", 403, "sts:SetSourceIdentity"):
            assume(role("team"), SourceIdentity="ana")


class TestGetSessionToken:
    def test_has_the_users_permissions_but_not_iam(self, lab, user):
        """§6, table."""
        ana = user("ana", "s3:ListAllMyBuckets", "iam:*", "sts:*")
        inside = signed_by(sts(ana).get_session_token())
        inside.client("s3").list_buckets()
        assert sts(inside).get_caller_identity()["Arn"].endswith(":user/ana")
        text = "The security token included in the request is invalid"
        with refused("InvalidClientTokenId", 403, text):
            inside.client("iam").list_users()
        for call in ("get_session_token", "get_federation_token"):
            with refused("AccessDenied", 403, "with session credentials"):
                getattr(sts(inside), call)(**({"Name": "Bob"} if "fed" in call else {}))

    def test_may_assume_roles(self, role, user):
        arn = role("team")
        inside = signed_by(sts(user("ana", "sts:AssumeRole")).get_session_token())
        assert assume(arn, inside)["Credentials"]

    def test_no_policy_forbids_it(self, iam, user):
        ana = user("ana")
        deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
        iam.put_user_policy(UserName="ana", PolicyName="no", PolicyDocument=document)
        assert sts(ana).get_session_token()["Credentials"]

    def test_durations(self, lab, user):
        ana, now = user("ana"), lab.clock.now
        left = sts(ana).get_session_token()["Credentials"]["Expiration"] - now()
        assert timedelta(hours=11, minutes=59) < left <= timedelta(hours=12)
        longest = sts(ana).get_session_token(DurationSeconds=129600)["Credentials"]["Expiration"]
        assert longest - now() > timedelta(hours=35, minutes=59)
        for seconds in (899, 129601):
            with refused("ValidationError", 400, "at 'durationSeconds'"):
                sts(ana).get_session_token(DurationSeconds=seconds)
        root = sts(lab.session("root"))
        for asked in ({}, {"DurationSeconds": 7200}):
            left = root.get_session_token(**asked)["Credentials"]["Expiration"] - now()
            assert left <= timedelta(hours=1)

    def test_roles_may_not(self, iam, role):
        arn = role("team")
        iam.put_role_policy(RoleName="team", PolicyName="all", PolicyDocument=json.dumps(ALLOW_ALL))
        inside = sts(signed_by(assume(arn)))
        text = "Cannot call GetSessionToken with session credentials"
        with refused("AccessDenied", 403, text):
            inside.get_session_token()
        with refused("AccessDenied", 403, "Cannot call GetFederationToken with session"):
            inside.get_federation_token(Name="Bob")

    def test_deleting_the_user_ends_it(self, lab, iam, user):
        inside = signed_by(sts(user("ana")).get_session_token())
        for key in iam.list_access_keys(UserName="ana")["AccessKeyMetadata"]:
            iam.delete_access_key(UserName="ana", AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName="ana")
        with refused("InvalidClientTokenId", 403):
            sts(inside).get_caller_identity()


class TestGetFederationToken:
    def test_without_a_policy_it_may_do_nothing(self, user):
        """§2.7."""
        ana = user("ana", "sts:GetFederationToken", "s3:*", "ec2:*")
        inside = signed_by(sts(ana).get_federation_token(Name="Bob"))
        with refused("AccessDenied", 403):
            inside.client("s3").list_buckets()

    def test_is_the_intersection(self, user):
        ana = user("ana", "sts:GetFederationToken", "s3:*")
        answer = sts(ana).get_federation_token(
            Name="Bob", Policy=allow("s3:ListAllMyBuckets", "ec2:*")
        )
        assert answer["PackedPolicySize"] >= 1
        inside = signed_by(answer)
        inside.client("s3").list_buckets()
        with refused("UnauthorizedOperation", 403):
            inside.client("ec2").describe_instances()

    def test_cannot_call_iam_nor_sts(self, user):
        ana = user("ana", "*")
        inside = signed_by(sts(ana).get_federation_token(Name="Bob", Policy=allow("*")))
        with refused("InvalidClientTokenId", 403):
            inside.client("iam").list_users()
        with refused("AccessDenied", 403):
            assume(f"arn:aws:iam::{ACCOUNT}:role/any", inside)
        assert sts(inside).get_caller_identity()["Arn"].endswith("federated-user/Bob")

    def test_needs_permission(self, user):
        with refused("AccessDenied", 403, "sts:GetFederationToken"):
            sts(user("ana")).get_federation_token(Name="Bob")

    @pytest.mark.parametrize("name", ["B", "B" * 33, "a b"])
    def test_name(self, lab, name):
        with refused("ValidationError", 400, "at 'name'"):
            sts().get_federation_token(Name=name)

    def test_root_gets_an_hour(self, lab):
        root = sts(lab.session("root"))
        answer = root.get_federation_token(
            Name="Bob", DurationSeconds=129600, Policy=allow("s3:ListAllMyBuckets")
        )
        assert answer["Credentials"]["Expiration"] - lab.clock.now() <= timedelta(hours=1)
        signed_by(answer).client("s3").list_buckets()  # what root may, cut by the policy [I]
        with refused("UnauthorizedOperation", 403):
            signed_by(answer).client("ec2").describe_instances()
        with refused("AccessDenied", 403):
            signed_by(root.get_federation_token(Name="Bob")).client("s3").list_buckets()


def test_access_key_info(lab, iam, role, user):
    user("ana")
    key = iam.create_access_key(UserName="ana")["AccessKey"]["AccessKeyId"]
    assert sts().get_access_key_info(AccessKeyId=key)["Account"] == ACCOUNT
    iam.delete_access_key(UserName="ana", AccessKeyId=key)
    assert sts().get_access_key_info(AccessKeyId=key)["Account"] == ACCOUNT
    temporary = assume(role("team"))["Credentials"]["AccessKeyId"]
    assert sts().get_access_key_info(AccessKeyId=temporary)["Account"] == ACCOUNT
    there = lab.account(OTHER).client("iam")
    there.create_user(UserName="eve")
    key = there.create_access_key(UserName="eve")["AccessKey"]["AccessKeyId"]
    there.delete_access_key(UserName="eve", AccessKeyId=key)
    assert sts().get_access_key_info(AccessKeyId=key)["Account"] == OTHER
    with refused("ValidationError", 400):  # text: [I]
        sts().get_access_key_info(AccessKeyId="1" * 20)


def test_tokens_of_others_are_refused(lab, role):
    """The lab cannot check an identity provider's signature, and says what AWS would say."""
    arn = role("web")
    with refused("InvalidIdentityToken", 400, "not a valid JWT"):
        sts().assume_role_with_web_identity(
            RoleArn=arn, RoleSessionName="web", WebIdentityToken="nonsense"
        )
    with refused("InvalidIdentityToken", 400, "Invalid base64 SAMLResponse"):
        sts().assume_role_with_saml(
            RoleArn=arn,
            PrincipalArn=f"arn:aws:iam::{ACCOUNT}:saml-provider/idp",
            SAMLAssertion="not base64!",
        )
    with refused("InvalidIdentityToken", 400, "Specified provider doesn't exist"):
        sts().assume_role_with_saml(
            RoleArn=arn,
            PrincipalArn=f"arn:aws:iam::{ACCOUNT}:saml-provider/idp",
            SAMLAssertion="QUJDRA==",
        )
