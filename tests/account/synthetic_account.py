"""A made-up account of 300 principals, in the files that AWS writes; the same for one seed."""

from __future__ import annotations

import csv
import io
import json
import random
from datetime import datetime, timedelta
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data

from iamlab.account.supplements.credential_report import COLUMNS

ACCOUNT = "210987654321"
PARTNERS = ("345678901234", "456789012345")
USERS, ROLES, GROUPS, POLICIES = 180, 120, 12, 150
TEAMS = ("maps", "billing", "search", "ops")
AWS_POLICIES = (
    "AdministratorAccess",
    "AmazonEC2FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AWSLambda_FullAccess",
    "IAMFullAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "SecurityAudit",
)
ACTIONS = (
    ["s3:GetObject", "s3:ListBucket"],
    ["s3:*"],
    ["iam:PassRole"],
    ["iam:Get*", "iam:List*"],
    ["iam:CreatePolicyVersion", "iam:CreatePolicy"],
    ["ec2:Describe*"],
    ["dynamodb:PutItem", "dynamodb:GetItem"],
    ["sqs:*"],
    ["lambda:InvokeFunction"],
)
RESOURCES = ("*", "*", "arn:aws:s3:::reports", "arn:aws:iam::210987654321:role/*")
REGIONS = ("us-east-1", "eu-central-1")


class Synthetic:
    """The files: ``details`` (the account file), ``report`` (the credential report, CSV)."""

    def __init__(self, now: datetime, seed: int = 7) -> None:
        self._random = random.Random(seed)
        self._now = now.replace(tzinfo=None, microsecond=0)
        self._aws = json.loads(aws_managed_policies_data)
        self.details: dict[str, Any] = {
            "UserDetailList": [],
            "GroupDetailList": [],
            "RoleDetailList": [],
            "Policies": [self._customer_policy(i) for i in range(POLICIES)],
        }
        self._customer = [policy["Arn"] for policy in self.details["Policies"]]
        self.details["GroupDetailList"] = [self._group(i) for i in range(GROUPS)]
        self.details["UserDetailList"] = [self._user(i) for i in range(USERS)]
        self.details["RoleDetailList"] = [self._role(i) for i in range(ROLES)]
        self.details["Policies"] += [self._aws_policy(name) for name in AWS_POLICIES]
        self.report = self._report()

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _date(self, most_days: int = 1500, least_days: int = 0) -> str:
        days = self._random.randint(least_days, most_days)
        seconds = self._random.randint(60, 86400)
        return f"{(self._now - timedelta(days=days, seconds=seconds)).isoformat()}+00:00"

    def _id(self, prefix: str) -> str:
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
        return prefix + "".join(self._random.choices(letters, k=17))

    def _document(self, effect: str = "Allow") -> dict[str, Any]:
        statement = {
            "Sid": f"S{self._random.randint(1, 99)}",
            "Effect": effect,
            "Action": self._random.choice(ACTIONS),
            "Resource": self._random.choice(RESOURCES),
        }
        if self._chance(0.1):
            statement["Condition"] = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
        return {"Version": "2012-10-17", "Statement": [statement]}

    def _customer_policy(self, number: int) -> dict[str, Any]:
        path = "/" if self._chance(0.7) else "/teams/"
        name, created = f"policy-{number:03}", self._date(1500, 300)
        last = self._random.randint(1, 4)
        documents = {n: self._document("Deny" if number % 15 == 14 else "Allow") for n in range(5)}
        default = self._random.randint(1, last)
        versions = [
            {
                "Document": documents[n],
                "VersionId": f"v{n}",
                "IsDefaultVersion": n == default,
                "CreateDate": self._date(200),
            }
            for n in range(last, 0, -1)
        ]
        return {
            "PolicyName": name,
            "PolicyId": self._id("ANPA"),
            "Arn": f"arn:aws:iam::{ACCOUNT}:policy{path}{name}",
            "Path": path,
            "DefaultVersionId": f"v{default}",
            "AttachmentCount": 0,
            "PermissionsBoundaryUsageCount": 0,
            "IsAttachable": True,
            "CreateDate": created,
            "UpdateDate": max(version["CreateDate"] for version in versions),
            "PolicyVersionList": versions,
        }

    def _aws_policy(self, name: str) -> dict[str, Any]:
        data = self._aws[name]
        version = {
            "Document": data["Document"],
            "VersionId": data["DefaultVersionId"],
            "IsDefaultVersion": True,
            "CreateDate": data["UpdateDate"],
        }
        return {
            "PolicyName": name,
            "PolicyId": self._id("ANPA"),
            "Arn": f"arn:aws:iam::aws:policy{data['Path']}{name}",
            "Path": data["Path"],
            "DefaultVersionId": data["DefaultVersionId"],
            "AttachmentCount": 1,
            "PermissionsBoundaryUsageCount": 0,
            "IsAttachable": True,
            "CreateDate": data["CreateDate"],
            "UpdateDate": data["UpdateDate"],
            "PolicyVersionList": [version],
        }

    def _named(self, kind: str, name: str, prefix: str, path: str = "/") -> dict[str, Any]:
        return {
            "Path": path,
            f"{kind}Name": name,
            f"{kind}Id": self._id(prefix),
            "Arn": f"arn:aws:iam::{ACCOUNT}:{kind.lower()}{path}{name}",
            "CreateDate": self._date(1500, 400),
        }

    def _policies(self, kind: str, most: int = 3) -> dict[str, Any]:
        inline = [
            {"PolicyName": f"own-{i}", "PolicyDocument": self._document()}
            for i in range(self._random.choice((0, 0, 0, 1, 2)))
        ]
        # The last 20 policies are attached nowhere.
        arns = self._random.sample(self._customer[:-20], self._random.randint(0, most))
        if self._chance(0.15):
            arns.append(f"arn:aws:iam::aws:policy/{self._random.choice(AWS_POLICIES)}")
        attached = [{"PolicyName": arn.rsplit("/", 1)[1], "PolicyArn": arn} for arn in arns]
        return {f"{kind}PolicyList": inline, "AttachedManagedPolicies": attached}

    def _more(self) -> dict[str, Any]:
        team = {"Key": "team", "Value": self._random.choice(TEAMS)}
        more: dict[str, Any] = {"Tags": [team] if self._chance(0.6) else []}
        if self._chance(0.1):
            more["PermissionsBoundary"] = {
                "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
                "PermissionsBoundaryArn": self._random.choice(self._customer[:5]),
            }
        return more

    def _group(self, number: int) -> dict[str, Any]:
        group = self._named("Group", f"group-{number:02}", "AGPA")
        return group | self._policies("Group")

    def _user(self, number: int) -> dict[str, Any]:
        path = "/" if self._chance(0.6) else f"/{self._random.choice(TEAMS)}/"
        user = self._named("User", f"user-{number:03}", "AIDA", path)
        groups = self._random.sample(range(GROUPS - 1), self._random.randint(0, 3))
        return (
            user
            | self._policies("User")
            | {"GroupList": [f"group-{i:02}" for i in groups]}
            | self._more()
        )

    def _role(self, number: int) -> dict[str, Any]:
        principal: dict[str, str] = self._random.choice(
            (
                {"Service": "ec2.amazonaws.com"},
                {"Service": "lambda.amazonaws.com"},
                {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                {"AWS": f"arn:aws:iam::{self._random.choice(PARTNERS)}:root"},
                {"AWS": self._id("AIDA")},  # somebody who was deleted
            )
        )
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        role = self._named("Role", f"role-{number:03}", "AROA")
        copy = role | {"AssumeRolePolicyDocument": {"Version": "2008-10-17", "Statement": [trust]}}
        profiles = []
        if principal.get("Service") == "ec2.amazonaws.com":
            profile = self._named("InstanceProfile", role["RoleName"], "AIPA")
            profile["Arn"] = profile["Arn"].replace(":instanceprofile/", ":instance-profile/")
            profiles.append(profile | {"Roles": [copy | {"MaxSessionDuration": 7200}]})
        used = {"LastUsedDate": self._date(390), "Region": self._random.choice(REGIONS)}
        return (
            copy
            | {"InstanceProfileList": profiles}
            | self._policies("Role")
            | self._more()
            | {"RoleLastUsed": used if self._chance(0.7) else {}}
        )

    # --- The credential report ----------------------------------------------------------------

    def _report(self) -> str:
        text = io.StringIO()
        table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        table.writeheader()
        root = {"user": "<root_account>", "arn": f"arn:aws:iam::{ACCOUNT}:root"}
        root |= {"user_creation_time": self._date(2000, 1501), "password_enabled": "true"}
        root |= {"password_last_used": self._date(20), "password_last_changed": "not_supported"}
        root |= {"password_next_rotation": "not_supported", "mfa_active": "true"}
        table.writerow(self._filled(root, []))
        for user in sorted(self.details["UserDetailList"], key=lambda user: user["UserName"]):
            row = {"user": user["UserName"], "arn": user["Arn"]}
            row["user_creation_time"] = user["CreateDate"]
            row |= self._password()
            row["mfa_active"] = "true" if self._chance(0.5) else "false"
            table.writerow(
                self._filled(row, [self._key() for _ in range(self._random.randint(0, 2))])
            )
        return text.getvalue().rstrip("\n")

    def _password(self) -> dict[str, str]:
        if self._chance(0.4):
            return {"password_enabled": "false"}
        changed = self._now - timedelta(days=self._random.randint(1, 300))
        return {
            "password_enabled": "true",
            "password_last_used": "no_information" if self._chance(0.2) else self._date(200),
            "password_last_changed": f"{changed.isoformat()}+00:00",
            "password_next_rotation": f"{(changed + timedelta(days=365)).isoformat()}+00:00",
        }

    def _key(self) -> dict[str, str]:
        key = {"active": "true", "last_rotated": self._date(400)}
        used = {
            "last_used_date": self._date(100),
            "last_used_region": self._random.choice(REGIONS),
            "last_used_service": self._random.choice(("ec2", "iam", "sqs")),
        }
        if self._chance(0.2):
            return used | {"active": "false", "last_rotated": "N/A"}
        return key | (used if self._chance(0.7) else {})

    def _filled(self, row: dict[str, str], keys: list[dict[str, str]]) -> dict[str, str]:
        filled = {column: "N/A" for column in COLUMNS}
        filled |= {column: "false" for column in COLUMNS if column.endswith("_active")}
        for slot, key in enumerate(keys, 1):
            row |= {f"access_key_{slot}_{fact}": value for fact, value in key.items()}
        return filled | row
