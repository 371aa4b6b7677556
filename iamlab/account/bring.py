"""Bring your own account: what AWS wrote about an account is rebuilt in the lab, and written back.

The file is what ``aws iam get-account-authorization-details`` prints. Everything in it becomes
moto's own objects, with their real IDs and dates. Nothing leaves the machine.

In a loaded account the lab's administrator and the keys of ``lab.session`` are hidden: no list and
no report of the account shows them. So reports say what they would say on AWS.

Source: "GetAccountAuthorizationDetails", IAM API Reference.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.iam import models

from iamlab.account import seam, surroundings
from iamlab.account.account_file import AccountFileError, Value, read_json, some
from iamlab.account.callers import new_key_id
from iamlab.account.supplements import boundaries, inventory
from iamlab.account.wire import ApiCall, service_model
from iamlab.policy import PolicyError, parse

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

__all__ = ["AccountFileError", "Loaded", "load", "save"]

LISTS = inventory.DETAILS
COMMAND = "aws iam get-account-authorization-details > account.json"
# Whatever of these an account holds would be lost if another were loaded over it.
_HELD = [
    "groups",
    "roles",
    "instance_profiles",
    "certificates",
    "saml_providers",
    "open_id_providers",
    "virtual_mfa_devices",
    "account_aliases",
    "account_password_policy",
]


@dataclass(frozen=True, repr=False)
class Loaded:
    """What was loaded; print it.

    Attributes
    ----------
    account_id : str
        Twelve digits.
    counts : dict of str to int
        How many users, groups and so on the account now has.
    notes : tuple of str
        What was left out, could not be read or had to be made up, and why.
    """

    account_id: str
    counts: dict[str, int]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        counts = ", ".join(f"{what} {number}" for what, number in self.counts.items())
        notes = "".join(f"\n- {note}" for note in self.notes)
        return f"Account {self.account_id} is in the lab: {counts}.{notes and f' Note:{notes}'}"

    __repr__ = __str__


def load(
    lab: Lab,
    source: Any,
    *,
    bucket_policies: Any = None,
    scps: Any = None,
    credential_report: Any = None,
    account_id: str | None = None,
    replace: bool = False,
) -> Loaded:
    """Rebuild an account in the lab: what `Lab.load` does and says.

    Parameters
    ----------
    lab : Lab
    source, bucket_policies, scps, credential_report, account_id, replace
        See `Lab.load`.

    Returns
    -------
    Loaded

    Raises
    ------
    AccountFileError
        Then the lab is as it was.
    """
    details = _Details(source)
    account = details.account(account_id)
    around = surroundings.Surroundings(account, bucket_policies, scps, credential_report)
    with lab.gate.lock, ExitStack() as undo:
        undo.callback(lab.state.changed)
        _make_room(lab, account, replace, undo)
        built = _Account(lab, account, details)
        around.build(lab, replace, undo)
        lab.callers.hide_administrator(seam.administrator(account), lab._administrator_key(account))
        undo.pop_all()
    lab.state.changed()
    notes = details.notes + built.notes + around.notes(lab)
    return Loaded(account, built.counts() | around.counts(), tuple(notes))


def save(
    lab: Lab,
    path: str | os.PathLike[str] | None = None,
    account: str | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Return, and write, an account as the AWS CLI prints it: what `Lab.save` does and says.

    Parameters
    ----------
    lab : Lab
    path, account, overwrite
        See `Lab.save`.

    Returns
    -------
    dict

    Raises
    ------
    FileExistsError
        If there is a file that says something else.
    LookupError
        If the lab has no such account.
    """
    account = account or lab.account_id
    if account not in lab.state.accounts():
        raise LookupError(f"The lab has no account {account}.")
    with lab.gate.lock:
        details = _answer(lab, account)
    # The documented output ends dates in Z; version 2 of the CLI writes +00:00 there.
    text = json.dumps(
        details,
        indent=4,
        ensure_ascii=False,
        default=lambda when: when.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    if path is not None:
        _write(Path(path), text + "\n", overwrite)
    return json.loads(text)


def _answer(lab: Lab, account: str) -> dict[str, Any]:
    """Every page of GetAccountAuthorizationDetails, read as the CLI reads it; no call is made."""
    from botocore.handlers import json_decode_policies
    from botocore.parsers import create_parser

    operation = "GetAccountAuthorizationDetails"
    model = service_model("iam").operation_model(operation)
    whole: dict[str, Any] = {name: [] for name in LISTS}
    call = ApiCall("iam", operation, {"MaxItems": 1000}, account=account)
    while True:
        answer = inventory.authorization_details(call, lab)
        status, headers, body = seam.serialize(call, answer)
        page = create_parser("query").parse(
            {"status_code": status, "headers": headers, "body": body}, model.output_shape
        )
        json_decode_policies(page, model)
        for name in LISTS:
            whole[name] += page.get(name, [])
        if not page["IsTruncated"]:
            return whole
        call.params["Marker"] = page["Marker"]


def _write(path: Path, text: str, overwrite: bool) -> None:
    new = text.encode()
    if path.exists() and not overwrite:
        if path.read_bytes() == new:
            return
        raise FileExistsError(
            f"{path} is there already and says something else. Choose another name, or pass "
            "overwrite=True."
        )
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(new)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _make_room(lab: Lab, account: str, replace: bool, undo: ExitStack) -> None:
    """Empty the account's IAM, or refuse; what is undone puts everything back."""
    known = account in lab.state.accounts()
    backend = lab.state.iam(account)
    before = dict(vars(backend))
    if not known:
        undo.callback(seam.forget_account, account)
    ours = lab._administrators.get(account, ("",))[0]
    held = {name: getattr(backend, name) for name in _HELD if getattr(backend, name)}
    counts = {name: len(what) if hasattr(what, "__len__") else 1 for name, what in held.items()}
    users = [
        u for u in backend.users.values() if ours not in (k.access_key_id for k in u.access_keys)
    ]
    local = [arn for arn in backend.managed_policies if not arn.startswith(inventory.AWS_OWN)]
    counts = {"users": len(users), "policies": len(local)} | counts
    holds = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items() if n)
    if holds and not replace:
        raise AccountFileError(
            f"Account {account} is not empty: it has {holds}. Pass replace=True to lose them, or "
            "call lab.reset() first. lab.save(path) keeps a copy. Nothing was loaded."
        )
    vars(backend).clear()
    undo.callback(vars(backend).update, before)
    undo.callback(vars(backend).clear)
    backend.__init__("aws", account)


class _Details:
    """The account file: its pages put together, and what is not right with the whole."""

    def __init__(self, source: Any) -> None:
        file = read_json(source, "the account")
        pages = file.each() if isinstance(file.value, list) else [file]
        self.notes: list[str] = []
        self.lists = {name: [item for page in pages for item in page.items(name)] for name in LISTS}
        if not any(page.value.get(name) is not None for page in pages for name in LISTS):
            raise file.wrong(
                f"This is not what {COMMAND.partition(' >')[0]} writes: it has none of "
                f"{', '.join(LISTS)}. Make the file with: {COMMAND}"
            )
        cut = [page for page in pages if page.value.get("IsTruncated") or "NextToken" in page.value]
        if len(cut) >= len(pages):
            self.notes.append(
                "The file is not the whole account (IsTruncated, or NextToken): what it does not "
                f"say is missing in the lab too. Write all of it with: {COMMAND}"
            )
        self.file = file

    def account(self, given: str | None) -> str:
        """Return the account's ID, which every ARN has to agree on."""
        found = given
        for kind, item in [(name, item) for name in LISTS for item in self.lists[name]]:
            arn = item.text("Arn")
            parts = arn.split(":")
            if len(parts) < 6 or parts[1] != "aws" or parts[2] != "iam":
                raise item.get("Arn").wrong(
                    f"{arn[:80]!r} is not an ARN of the partition aws, which is all the lab has."
                )
            if parts[4] == "aws" and kind == "Policies":
                continue
            if not re.fullmatch(r"\d{12}", parts[4], re.ASCII):
                raise item.get("Arn").wrong(f"{parts[4][:20]!r} is not an account ID.")
            if parts[4] != (found := found or parts[4]):
                raise item.get("Arn").wrong(
                    f"This is in account {parts[4]}, but the account is {found}. Load one account "
                    "at a time."
                )
        if found is None:
            raise self.file.wrong("Nothing in it names the account. Pass account_id=.")
        if not (isinstance(found, str) and re.fullmatch(r"\d{12}", found, re.ASCII)):
            why = f"account_id={found!r} is not a text of 12 digits. Nothing was loaded."
            raise AccountFileError(why)
        return found


class _Account:
    """Fills moto's empty IAM backend with what the file says."""

    def __init__(self, lab: Lab, account: str, details: _Details) -> None:
        self.lab, self.account = lab, account
        self.iam = lab.state.iam(account)
        self.notes: list[str] = []
        self._names: set[tuple[str, str]] = set()
        self._ids: Counter[str] = Counter()
        self._unread: list[str] = []
        self._own_copies: list[str] = []
        self._no_boundary: set[str] = set()
        for item in details.lists["Policies"]:
            self._policy(item)
        for item in details.lists["GroupDetailList"]:
            self._group(item)
        for item in details.lists["UserDetailList"]:
            self._user(item)
        for item in details.lists["RoleDetailList"]:
            self._role(item)
        self._note()

    def counts(self) -> dict[str, int]:
        policies = self.iam.managed_policies
        own = sum(arn.startswith(inventory.AWS_OWN) for arn in policies)
        return {
            "users": len(self.iam.users),
            "groups": len(self.iam.groups),
            "roles": len(self.iam.roles),
            "customer managed policies": len(policies) - own,
            "AWS managed policies": own,
            "instance profiles": len(self.iam.instance_profiles),
        }

    # --- One thing of the file ----------------------------------------------------------------

    def _policy(self, item: Value) -> None:
        arn, name = item.text("Arn"), item.name("PolicyName")
        kind = models.AWSManagedPolicy if ":aws:policy/" in arn else models.ManagedPolicy
        policy = kind(name, self.account, "us-east-1", path=item.folder())
        self._is(policy, item, "PolicyId")
        policy.description = item.text("Description", "")
        policy.update_date = item.date("UpdateDate")
        policy.default_version_id = item.text("DefaultVersionId")
        versions = {}
        for found in item.items("PolicyVersionList"):
            version_id = found.text("VersionId")
            number = re.fullmatch(r"v([1-9]\d{0,8})(\.[\w-]*)?", version_id, re.ASCII)
            if number is None or int(number[1]) in versions:
                raise found.get("VersionId").wrong(f"{version_id[:40]!r} is no new version.")
            text = self._document(found, "Document", f"policy {name} {version_id}")
            default = version_id == policy.default_version_id
            versions[int(number[1])] = models.PolicyVersion(
                arn, text, default, version_id, found.date("CreateDate")
            )
        policy.versions = [versions[number] for number in sorted(versions)]
        policy.next_version_num = max(versions, default=0) + 1
        if not any(version.is_default for version in policy.versions):
            raise item.get("DefaultVersionId").wrong(
                f"PolicyVersionList has no {policy.default_version_id[:20]}."
            )
        self.iam.managed_policies[arn] = policy
        if kind is models.AWSManagedPolicy:
            self.iam.aws_managed_policies.append(policy)

    def _group(self, item: Value) -> None:
        group = models.Group(self.account, "us-east-1", item.name("GroupName"), item.folder())
        self._is(group, item, "GroupId")
        self._holds(group, item, "GroupPolicyList")
        self.iam.groups[group.name] = group

    def _user(self, item: Value) -> None:
        user = models.User(self.account, "us-east-1", item.name("UserName"), item.folder())
        self._is(user, item, "UserId")
        self._holds(user, item, "UserPolicyList")
        self.iam.tagger.tag_resource(user.arn, self._tags(item))
        boundaries.bound(user, self._boundary(item))
        for name in item.get("GroupList").each() if item.get("GroupList").value else ():
            group = self.iam.groups.get(name.text())
            if group is None:
                raise name.wrong(f"GroupDetailList has no group {name.text()[:130]!r}. {_WHOLE}")
            if user in group.users:
                raise name.wrong("This group stands here twice.")
            group.users.append(user)
        self.iam.users[user.name] = user

    def _role(self, item: Value) -> None:
        name, path = item.name("RoleName"), item.folder()
        linked = re.fullmatch(r"/aws-service-role/([^/]+)/", path)
        # Only the copy of the role inside its instance profile tells these two.
        profiles = item.items("InstanceProfileList")
        copies = [copy for profile in profiles for copy in profile.items("Roles")]
        copies = [copy for copy in (item, *copies) if copy.get("RoleName").value == name]
        seconds = next((s for c in copies if (s := c.get("MaxSessionDuration")).value), None)
        if seconds and (type(seconds.value) is not int or not 3600 <= seconds.value <= 43200):
            raise seconds.wrong("Expected seconds, from 3600 to 43200.")
        role = models.Role(
            account_id=self.account,
            partition="aws",
            role_id="",
            name=name,
            assume_role_policy_document=self._document(
                item, "AssumeRolePolicyDocument", f"the trust policy of role {name}"
            ),
            path=path,
            permissions_boundary=self._boundary(item),
            description=next(filter(None, (copy.text("Description", "") for copy in copies)), ""),
            tags=self._tags(item),
            max_session_duration=str(seconds.value) if seconds else None,
            linked_service=linked and linked[1],
        )
        self._is(role, item, "RoleId")
        self._holds(role, item, "RolePolicyList")
        used = item.get("RoleLastUsed")
        if used.value and used.get("LastUsedDate").value:
            role.last_used = used.date("LastUsedDate")
            role.last_used_region = used.text("Region", "us-east-1")
        self.iam.roles[role.id] = role
        for profile in profiles:
            self._profile(profile, role)

    def _profile(self, item: Value, role: Any) -> None:
        name = item.name("InstanceProfileName")
        profile = models.InstanceProfile(
            self.account, "us-east-1", "", name, item.folder(), [role], self._tags(item)
        )
        self._is(profile, item, "InstanceProfileId")
        self.iam.instance_profiles[name] = profile

    # --- What several things have -------------------------------------------------------------

    def _is(self, thing: Any, item: Value, id_name: str) -> None:
        """Give a thing its ID and date, and see that it is what its ARN says, and the only one."""
        if thing.arn != item.text("Arn"):
            raise item.get("Arn").wrong(f"Name and path say {thing.arn[:200]}.")
        # Names of one kind are unique whatever their letters' case; two policies may differ in path
        # no more than in case. One of AWS's may be called like one of the account's.
        key = (id_name, f"{thing.name} {thing.arn.split(':')[4]}".lower())
        if key in self._names:
            raise item.wrong(f"{thing.name!r} is in the file twice.")
        self._names.add(key)
        thing.id = item.text(id_name)
        if not re.fullmatch(r"\w{16,128}", thing.id, re.ASCII):
            raise item.get(id_name).wrong(f"{thing.id[:40]!r} is not an ID that AWS gives.")
        self._ids[thing.id] += 1
        if self._ids[thing.id] > 1:
            thing.id = thing.id[:4] + new_key_id("")[:17]
        thing.create_date = item.date("CreateDate")

    def _holds(self, holder: Any, item: Value, inline: str) -> None:
        """Give a user, group or role its inline and managed policies."""
        for found in item.items(inline):
            name = found.name("PolicyName")
            if name in holder.policies:
                raise found.get("PolicyName").wrong(f"{name!r} stands here twice.")
            what = f"{name} of {holder.arn.split(':', 5)[5]}"
            holder.policies[name] = self._document(found, "PolicyDocument", what)
        for found in item.items("AttachedManagedPolicies"):
            arn = found.text("PolicyArn")
            policy = self._managed(arn)
            if policy is None:
                raise found.get("PolicyArn").wrong(f"Policies does not have {arn[:200]}. {_WHOLE}")
            policy.attach_to(holder)

    def _managed(self, arn: str) -> Any:
        policy = self.iam.managed_policies.get(arn)
        if policy is None and arn.startswith(inventory.AWS_OWN):
            policy = self.lab.state.managed_policy(arn, self.account)
            if policy is not None:
                self._own_copies.append(f"{policy.name} ({policy.default_version_id})")
        return policy

    def _boundary(self, item: Value) -> str | None:
        found = item.get("PermissionsBoundary")
        if not found.value:
            return None
        arn = found.text("PermissionsBoundaryArn")
        if not re.fullmatch(r"arn:aws:iam::(aws|\d{12}):policy/[!-~]+", arn, re.ASCII):
            raise found.get("PermissionsBoundaryArn").wrong(f"{arn[:80]!r} is no policy's ARN.")
        if self._managed(arn) is None and arn not in self._no_boundary:
            self._no_boundary.add(arn)
            self.notes.append(f"The boundary {arn} is not in the file: it permits nothing.")
        return arn

    def _tags(self, item: Value) -> list[dict[str, str]]:
        return [{key: tag.text(key) for key in ("Key", "Value")} for tag in item.items("Tags")]

    def _document(self, item: Value, name: str, what: str) -> str:
        text = item.document(name)
        try:
            parse(text)
        except PolicyError as error:
            self._unread.append(f"{what}: {error}")
        return text

    def _note(self) -> None:
        """Say what is not as it should be."""
        if self._own_copies:
            self.notes.append(
                "The file does not say what these policies of AWS say, so the lab's own copies "
                f"stand in: {some(self._own_copies)}."
            )
        self.notes += [
            f"The lab cannot read {what} It is kept as it is, and denies everything, to be safe: "
            "nothing is known of what it allows."
            for what in self._unread
        ]
        twice = sum(self._ids.values()) - len(self._ids)
        if twice:
            self.notes.append(
                f"Unique IDs that were in the file before: {twice}. The later ones got made-up "
                "IDs. (Somebody may have blackened them.)"
            )
        since = self.lab.clock.now().replace(tzinfo=None) - inventory.TRACKED
        old = [r.name for r in self.iam.roles.values() if r.last_used and r.last_used < since]
        if old:
            self.notes.append(
                f"Last used more than 400 days ago, by the lab's clock: {some(old)}. AWS no longer "
                "says when, and neither does the lab."
            )


_WHOLE = f"Write the whole account, without --filter or --max-items: {COMMAND}"
