"""What stands around a loaded account: bucket policies, SCPs, and its credential report.

Each is read whole before anything is changed, and each change can be undone.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.iam import models

from iamlab.account.account_file import (
    AccountFileError,
    Value,
    moment,
    read_json,
    read_text,
    some,
)
from iamlab.account.callers import new_key_id, new_secret
from iamlab.account.seam import forget_account
from iamlab.account.supplements import credential_report as report
from iamlab.policy import PolicyError, parse

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# Made up where no SCP tells the real one; the second if the first is the account itself.
_MANAGEMENT = ("999988887777", "777788889999")
_SCP_ARN = re.compile(r"arn:aws:organizations::(\d{12}):policy/(o-[a-z0-9]{10,32})/")
_SCP = "SERVICE_CONTROL_POLICY"
_FULL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


class Surroundings:
    """Bucket policies, SCPs and a credential report, read and ready to be put in place."""

    def __init__(self, account: str, bucket_policies: Any, scps: Any, report_source: Any) -> None:
        self.account = account
        self._notes: list[str] = []
        self._buckets = self._read_buckets(bucket_policies)
        self._levels = self._read_scps(scps)
        self._rows = self._read_report(report_source)

    def build(self, lab: Lab, replace: bool, undo: ExitStack) -> None:
        """Put everything in place; ``undo`` gets the way back."""
        self._build_buckets(lab, replace, undo)
        self._build_organization(lab, replace, undo)
        if self._rows is not None:
            self._build_credentials(lab, self._rows)

    def counts(self) -> dict[str, int]:
        """Return how many buckets and SCPs there are."""
        scps = sum(map(len, self._levels or ()))
        counts = {"buckets": len(self._buckets), "SCPs": scps}
        return {what: number for what, number in counts.items() if number}

    def notes(self, lab: Lab) -> list[str]:
        """Return what had to be made up, and what the lab shows otherwise than the files do."""
        if self._rows is not None:
            return self._notes + self._differences(lab)
        unknown = "Without a credential report nobody has a password, key or MFA device."
        return [*self._notes, unknown]

    def _parsed(self, text: str, what: str) -> Any:
        try:
            return parse(text)
        except PolicyError as error:
            self._notes.append(
                f"The lab cannot read {what}: {error} It is kept as it is, and denies everything."
            )
            return None

    # --- Bucket policies ----------------------------------------------------------------------

    def _read_buckets(self, source: Any) -> dict[str, str]:
        if source is None:
            return {}
        file, found = read_json(source, "bucket_policies"), {}
        for name, given in file.fields().items():
            if not isinstance(name, str) or not _BUCKET.fullmatch(name):
                raise file.wrong(f"{name!r:.80} is not a bucket's name.")
            if isinstance(given, dict) and "Policy" in given:  # what get-bucket-policy writes
                found[name] = file.get(name).document("Policy")
            else:
                found[name] = file.document(name)
            self._parsed(found[name], f"the policy of bucket {name}")
        return found

    def _build_buckets(self, lab: Lab, replace: bool, undo: ExitStack) -> None:
        s3 = lab.state.backend("s3", self.account) if self._buckets else None
        for name, text in self._buckets.items():
            owner = lab.state.bucket_account(name)
            if owner not in (None, self.account) or (owner and not replace):
                raise AccountFileError(
                    f"There is a bucket {name} in account {owner} already: no two buckets of one "
                    "name. Call lab.reset() first"
                    + (", or pass replace=True" if owner == self.account else "")
                    + ". Nothing was loaded."
                )
            if owner is None:
                s3.create_bucket(name, lab.region)
                undo.callback(s3.delete_bucket, name)
            bucket = s3.buckets[name]
            undo.callback(setattr, bucket, "policy", bucket.policy)
            bucket.policy = text.encode()
        if self._buckets:
            self._notes.append("The buckets are empty: nothing is known of what is in them.")

    # --- SCPs ---------------------------------------------------------------------------------

    def _read_scps(self, source: Any) -> list[list[tuple[str, str, str | None]]] | None:
        """Return (name, text, ARN) of each SCP, level by level."""
        if source is None:
            return None
        levels = []
        for level in read_json(source, "scps").each():
            policies = [self._read_scp(scp, i) for i, scp in enumerate(level.each(), 1)]
            levels.append(policies)
            parsed = [self._parsed(text, f"the SCP {name}") for name, text, _ in policies]
            if not any(
                s.effect == "Allow" for policy in parsed if policy for s in policy.statements
            ):
                self._notes.append(
                    f"Level {len(levels)} of the SCPs (1 is the root) allows nothing, and so "
                    "nothing is allowed below it. On AWS FullAWSAccess is mostly attached: put it "
                    "in the list too."
                )
        if not levels:
            raise AccountFileError(
                "scps is empty. It is a list of levels, the root first; each level is a list of "
                "policies. Nothing was loaded."
            )
        return levels

    def _read_scp(self, scp: Value, number: int) -> tuple[str, str, str | None]:
        if isinstance(scp.value, dict) and "Policy" in scp.value:  # what describe-policy writes
            scp = scp.get("Policy")
            facts = scp.get("PolicySummary")
            return facts.text("Name"), scp.document("Content"), facts.text("Arn", "")
        if isinstance(scp.value, dict) and "Content" in scp.value:
            return scp.text("Name", f"SCP {number}"), scp.document("Content"), None
        # A document, as an object or as text. (Value.document reads members.)
        return f"SCP {number}", Value({scp.path: scp.value}, scp.file).document(scp.path), None

    def _build_organization(self, lab: Lab, replace: bool, undo: ExitStack) -> None:
        from moto.organizations import models as organizations

        backends = organizations.organizations_backends
        old = lab.state.organization(self.account)
        if old is not None and replace and getattr(old, "came_with", None) == self.account:
            owner = old.org.master_account_id
            undo.callback(backends.__setitem__, owner, backends.pop(owner))
            member = backends.master_accounts.pop(self.account, None)
            if member is not None:
                undo.callback(backends.master_accounts.__setitem__, self.account, member)
            old = None
        if self._levels is None:
            return
        if old is not None:
            raise AccountFileError(
                f"Account {self.account} is in the organization {old.org.id} already. Call "
                "lab.reset() first. Nothing was loaded."
            )
        told = [_SCP_ARN.match(arn or "") for level in self._levels for _, _, arn in level]
        known = next(filter(None, told), None)
        management = known[1] if known else next(m for m in _MANAGEMENT if m != self.account)
        if lab.state.organization(management) is not None:
            raise AccountFileError(
                f"The lab's account {management} has an organization already, and the SCPs are of "
                "that account. Call lab.reset() first. Nothing was loaded."
            )
        undo.callback(backends.pop, management, None)
        undo.callback(backends.master_accounts.pop, self.account, None)
        strays = set(lab.state.accounts())
        backend = lab.state.backend("organizations", management)
        backend.create_organization(lab.region)
        backend.came_with = self.account
        member = backend.accounts[0]
        if management != self.account:
            member = organizations.FakeAccount(
                backend.org, AccountName="loaded", Email="loaded@example.com"
            )
            member.id, member.joined_method = self.account, "INVITED"
            backend.accounts.append(member)
            backends.master_accounts[self.account] = (management, "aws")
        # moto makes each account's role in an account of a random ID.
        for stray in set(lab.state.accounts()) - strays:
            forget_account(stray)
        self._attach(organizations, backend, member)
        if known:
            backend.org.id = known[2]
            for thing in (*backend.ou, *backend.accounts, *backend.policies):
                thing.organization_id = known[2]
        else:
            self._notes.append(
                f"Of the organization only the SCPs are known: its ID {backend.org.id} and its "
                f"management account {management} are made up."
            )
        if management == self.account:
            self._notes.append("It is the management account: SCPs do not restrict it.")

    def _attach(self, organizations: Any, backend: Any, member: Any) -> None:
        """Make the units between root and account, and attach each level's SCPs."""
        assert self._levels is not None
        holders = [backend.ou[0]]
        backend.ou[0].add_policy_type(_SCP)
        for number in range(2, len(self._levels)):
            unit = organizations.FakeOrganizationalUnit(
                backend.org, Name=f"level-{number}", ParentId=holders[-1].id
            )
            backend.ou.append(unit)
            holders.append(unit)
        member.parent_id = holders[-1].id
        full, everything = backend.policies[:2]  # FullAWSAccess and RCPFullAWSAccess
        for holder in (*holders, member):
            holder.attached_policies = [full, everything]
        holders.append(member)
        made: dict[tuple[str, str], Any] = {}
        for holder, level in zip(holders, self._levels, strict=False):
            holder.attached_policies = [everything]
            for name, text, _ in level:
                policy = full if _is_full(text) else made.get((name, text))
                if policy is None:
                    policy = organizations.FakePolicy(
                        backend.org, Name=name, Description="", Type=_SCP, Content=text
                    )
                    made[name, text] = policy
                    backend.policies.append(policy)
                holder.attached_policies.append(policy)
        for policy in backend.policies:
            policy.attachments = [h for h in holders if policy in h.attached_policies]

    # --- The credential report ----------------------------------------------------------------

    def _read_report(self, source: Any) -> dict[str, dict[str, str]] | None:
        """Return the rows by user name."""
        if source is None:
            return None
        name, text = "credential_report", source
        if isinstance(source, os.PathLike) or (isinstance(source, str) and "\n" not in source):
            name, text = str(source), read_text(source)
        try:
            if isinstance(text, str) and text.lstrip().startswith("{"):
                text = json.loads(text)
            if isinstance(text, dict):  # what get-credential-report writes
                text = text.get("Content")
                text = base64.b64decode(text, validate=True) if isinstance(text, str) else text
        except (ValueError, RecursionError) as error:
            raise AccountFileError(
                f"{name} is neither CSV nor what get-credential-report writes: {error}. "
                "Nothing was loaded."
            ) from None
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        if not isinstance(text, str):
            raise AccountFileError(
                f"{name} is not a credential report. Write it with: aws iam "
                "get-credential-report > report.json. Nothing was loaded."
            )
        try:
            table = csv.DictReader(io.StringIO(text), strict=True)
            rows = list(table)
        except csv.Error as error:
            raise AccountFileError(
                f"{name}: This is not CSV: {error}. Nothing was loaded."
            ) from None
        if not {"user", "arn"} <= set(table.fieldnames or ()):
            raise AccountFileError(
                f"{name}: The first line has to name the columns, user and arn among them. "
                "Nothing was loaded."
            )
        found: dict[str, dict[str, str]] = {}
        for number, row in enumerate(rows, 2):
            value = Value({str(k): v for k, v in row.items()}, f"{name}, line {number}")
            row = {column: value.text(column, "") for column in value.value if column != "None"}
            if f":{self.account}:" not in row["arn"]:
                raise value.get("arn").wrong(f"{row['arn'][:80]!r} is not in {self.account}.")
            if row["user"] in found:
                raise value.get("user").wrong("This user has a line already.")
            found[row["user"]] = row
        return found

    def _build_credentials(self, lab: Lab, rows: dict[str, dict[str, str]]) -> None:
        iam = lab.state.iam(self.account)
        ages = set()
        for name, row in rows.items():
            user = iam.users.get(name)
            if user is not None:
                self._password(user, row, ages)
                if row.get("mfa_active") == "true":
                    serial = iam.create_virtual_mfa_device(name, "/").serial_number
                    iam.enable_mfa_device(name, serial, "000000", "000000")
                self._keys(iam, user, row)
        if len(ages) == 1:
            days = ages.pop()
            iam.update_account_password_policy(False, None, days, 6, None, *[False] * 4)
            self._notes.append(
                f"Of the account's password policy only MaxPasswordAge is known: {days} days."
            )
        iam.root_facts = {
            column: value
            for column, value in rows.get("<root_account>", {}).items()
            if column in report.COLUMNS
        }
        self._notes.append(
            "A credential report has no secrets: passwords, access keys (their IDs too) and MFA "
            "devices are made up. A key that is inactive and was never used is not in it."
        )
        unknown = [name for name in rows if name not in iam.users and name != "<root_account>"]
        silent = [name for name in iam.users if name not in rows]
        for names, why in (
            (unknown, "are in the credential report and not in the account file: left out"),
            (silent, "are not in the credential report: they have no password and no keys"),
        ):
            if names:
                self._notes.append(f"{some(names)} {why}.")

    def _password(self, user: Any, row: dict[str, str], ages: set[int]) -> None:
        if row.get("password_enabled") != "true":
            return
        user.password = new_secret()
        user.password_last_used = moment(row.get("password_last_used"))
        changed = moment(row.get("password_last_changed"))
        user.password_last_changed = user.password_created = changed or user.create_date
        rotation = moment(row.get("password_next_rotation"))
        if changed and rotation and 1 <= (days := (rotation - changed).days) <= 1095:
            ages.add(days)

    def _keys(self, iam: Any, user: Any, row: dict[str, str]) -> None:
        slots = [_key_facts(row, slot) for slot in report.SLOTS]
        while slots and slots[-1] is None:
            slots.pop()
        for facts in slots:
            # Nothing is known of the first of two keys: then it is inactive.
            active, rotated, use = facts or (False, None, None)
            key = user.create_access_key("AKIA", "Active" if active else "Inactive")
            key.create_date = rotated or user.create_date
            if rotated:
                key.last_rotated = rotated
            if use:
                key.last_used = models.AccessKeyLastUsed(*use)
            iam.access_keys[key.access_key_id] = key
        for slot in report.SLOTS:
            made = moment(row.get(f"cert_{slot}_last_rotated"))
            if row.get(f"cert_{slot}_active") == "true" or made:
                certificate = models.SigningCertificate(new_key_id("")[:20] + "CERT", user.name, "")
                certificate.upload_date = made or user.create_date
                certificate.status = (
                    "Active" if row.get(f"cert_{slot}_active") == "true" else "Inactive"
                )
                user.signing_certificates[certificate.id] = certificate

    def _differences(self, lab: Lab) -> list[str]:
        """Say what GenerateCredentialReport now says otherwise than the report that was loaded."""
        assert self._rows is not None
        shown = csv.DictReader(io.StringIO(report.write(self.account, lab)))
        differ = [
            f"{row['user']}, {column}: {said!r:.60} (the lab says {row[column]!r})"
            for row in shown
            for column, said in self._rows.get(row["user"], {}).items()
            if column in row and _meant(row[column]) != _meant(said)
        ]
        if not differ:
            return []
        return [f"The lab cannot show this of the credential report: {some(differ, '; ')}."]


def _key_facts(row: dict[str, str], slot: int) -> tuple[bool, datetime | None, Any] | None:
    """Return whether a key is active, since when, and its last use; None if there is no key."""

    def fact(what: str) -> str:
        return row.get(f"access_key_{slot}_{what}", report.NONE)

    active, rotated = fact("active") == "true", moment(fact("last_rotated"))
    used = moment(fact("last_used_date"))
    if not active and rotated is None and used is None:
        return None
    use = (used, fact("last_used_service"), fact("last_used_region")) if used else None
    return active, rotated, use


def _is_full(text: str) -> bool:
    try:
        statements = json.loads(text)["Statement"]
    except (ValueError, KeyError, TypeError):
        return False
    return statements in (_FULL, [_FULL])


def _meant(said: str) -> Any:
    return moment(said) or said
