"""The credential report, and when an access key was last used.

Nobody signs in to a web console in the lab, so a password was never used: ``no_information``.
Facts of a real account can be put on moto's objects: ``user.password_last_used`` and
``user.password_last_changed``, ``key.last_rotated``, ``key.last_used`` (an AccessKeyLastUsed; UTC,
naive), and ``root_facts`` on the IAM backend.

Source: "Generate credential reports for your AWS account", IAM User Guide. The guide writes TRUE
and FALSE as a spreadsheet shows them; the file has small letters, and dates that end in Z (public
logs [O]).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from iamlab.account.errors import AwsError

LIFE = timedelta(hours=4)
NONE, NO_INFORMATION, NOT_SUPPORTED = "N/A", "no_information", "not_supported"
NO_KEY, NO_CERTIFICATE = ["false", *[NONE] * 4], ["false", NONE]
SLOTS = (1, 2)
_OF_KEY = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    *(f"access_key_{slot}_{fact}" for slot in SLOTS for fact in _OF_KEY),
    *(f"cert_{slot}_{fact}" for slot in SLOTS for fact in _OF_KEY[:2]),
    "additional_credentials_info",
)
# "The last used service is not Region-specific, such as Amazon S3": then the region is N/A. Which
# others there are is not documented; IAM and STS show us-east-1 in public logs. [O]
NO_REGION = {"s3"}

ABSENT = "Credential report is not present."  # These texts: [I]
EXPIRED = "Credential report has expired. Call GenerateCredentialReport for a new one."


def generate(call: Any, lab: Any) -> dict[str, Any]:
    """GenerateCredentialReport: STARTED at first, COMPLETE while the report is under 4 hours old.

    The lab's report is ready at once, so that nobody meets INPROGRESS.
    """
    iam, now = lab.state.iam(call.account), lab.clock.now().replace(microsecond=0)
    known = _kept(iam)
    if known is not None and now - known[0] < LIFE:
        return {"State": "COMPLETE"}
    iam.kept_credential_report = (now, write(call.account, lab))
    why = "No report exists" if known is None else "The last report has expired"  # second: [I]
    return {"State": "STARTED", "Description": f"{why}. Starting a new report generation task"}


def get(call: Any, lab: Any) -> dict[str, Any]:
    """GetCredentialReport."""
    known = _kept(lab.state.iam(call.account))
    if known is None:
        raise AwsError("ReportNotPresent", ABSENT, 410)
    made, content = known
    if lab.clock.now() - made >= LIFE:
        raise AwsError("ReportExpired", EXPIRED, 410)
    return {"Content": content.encode(), "ReportFormat": "text/csv", "GeneratedTime": made}


def write(account: str, lab: Any) -> str:
    """Return an account's credential report as it is now, whatever report is kept.

    Parameters
    ----------
    account : str
        Twelve digits.
    lab : Lab
        The lab.

    Returns
    -------
    str
        CSV with the columns `COLUMNS`: the root user first, then the users by name.

    Examples
    --------
    >>> import iamlab
    >>> with iamlab.start() as lab:
    ...     write(lab.account_id, lab).split("\\n")[1].split(",")[0]
    '<root_account>'
    """
    iam = lab.state.iam(account)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerow(root(account, lab).values())
    for user in sorted(iam.users.values(), key=lambda user: user.name.lower()):
        table.writerow(_row(user, iam.account_password_policy))
    return text.getvalue().removesuffix("\n")


def _row(user: Any, policy: Any) -> list[str]:
    used = changed = rotation = NONE
    if user.password:
        used = _date(user.password_last_used) or NO_INFORMATION
        when = getattr(user, "password_last_changed", None) or user.create_date
        changed, days = _date(when), int(policy.max_password_age or 0) if policy else 0
        rotation = _date(when + timedelta(days=days)) if days else NONE
    row = [user.name, user.arn, _date(user.create_date), _true(user.password)]
    row += [used, changed, rotation, _true(user.mfa_devices)]
    keys, certificates = user.access_keys, list(user.signing_certificates.values())
    for key in _slots(keys):
        row += _key(key) if key else NO_KEY
    for certificate in _slots(certificates):
        row += _rotated(certificate, "upload_date") if certificate else NO_CERTIFICATE
    return [*row, NONE]  # Nobody can have more than two of either.


def root(account: str, lab: Any) -> dict[str, str]:
    """Return the root user's row of the credential report.

    Parameters
    ----------
    account : str
        Twelve digits.
    lab : Lab
        The lab.

    Returns
    -------
    dict of str to str
        By the names of `COLUMNS`. What ``root_facts`` on moto's IAM backend says (a dict like
        this one) goes before.

    Examples
    --------
    >>> import iamlab
    >>> with iamlab.start() as lab:
    ...     root(lab.account_id, lab)["mfa_active"]
    'false'
    """
    iam, now = lab.state.iam(account), lab.clock.now()
    everybody = (*iam.users.values(), *iam.roles.values(), *iam.groups.values())
    # An account is as old as the first thing in it.
    made = min((one.create_date for one in everybody), default=now)
    row = ["<root_account>", f"arn:aws:iam::{account}:root", _date(made)]
    row += ["true", NO_INFORMATION] if _has_password(account, lab) else ["false", NONE]
    row += [NOT_SUPPORTED, NOT_SUPPORTED, "false"]
    keys = lab.callers._root_keys.items()
    key_id = next((key_id for key_id, (owner, _) in keys if owner == account), None)
    if key_id is None:
        row += NO_KEY
    else:
        calls = [one for one in lab.trail.records if one.access_key_id == key_id]
        # The lab makes the key when somebody first signs in as root.
        row += ["true", _date(calls[0].time if calls else now)]
        row += _use(calls[-1].time, calls[-1].service, calls[-1].region) if calls else [NONE] * 3
    row += [*NO_KEY, *NO_CERTIFICATE, *NO_CERTIFICATE, NONE]
    return dict(zip(COLUMNS, row, strict=True)) | getattr(iam, "root_facts", {})


def _has_password(account: str, lab: Any) -> bool:
    """A root user has no password where an organization made the account."""
    backend = lab.state.organization(account)
    if backend is None or account == backend.org.master_account_id:
        return True
    return all(one.joined_method != "CREATED" for one in backend.accounts if one.id == account)


def _key(key: Any) -> list[str]:
    use = getattr(key, "reported_use", None) or key.last_used
    shown = _use(use.timestamp, use.service, use.region) if use else [NONE] * 3
    return _rotated(key, "create_date") + shown


def _use(when: datetime, service: str, region: str) -> list[str]:
    return [_date(when), NONE if service in NO_REGION else region, service]


def _rotated(credential: Any, made: str) -> list[str]:
    # "If the user does not have an active access key, the value in this field is N/A."
    active = credential.status == "Active"
    when = getattr(credential, "last_rotated", None) or getattr(credential, made)
    return [_true(active), _date(when) if active else NONE]


def _slots(things: list[Any]) -> Iterator[Any]:
    for slot in SLOTS:
        yield things[slot - 1] if len(things) >= slot else None


def _date(when: datetime | None) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ") if when else ""


def _true(value: Any) -> str:
    return "true" if value else "false"


def _kept(iam: Any) -> tuple[datetime, str] | None:
    return getattr(iam, "kept_credential_report", None)


def key_last_used(call: Any, lab: Any) -> dict[str, Any]:
    """GetAccessKeyLastUsed."""
    key = lab.state.iam(call.account).access_keys.get(call.params["AccessKeyId"])
    if key is None:
        text = f"The Access Key with id {call.params['AccessKeyId']} cannot be found."
        raise AwsError("NoSuchEntity", text, 404)  # code and text: [I]
    use: dict[str, Any] = {"ServiceName": NONE, "Region": NONE}
    if key.last_used is not None:
        last = key.last_used
        use = {"ServiceName": last.service, "Region": last.region}
        use["LastUsedDate"] = last.timestamp.replace(microsecond=0)
    return {"UserName": key.user_name, "AccessKeyLastUsed": use}


REGISTRY = {
    ("iam", "GenerateCredentialReport"): generate,
    ("iam", "GetCredentialReport"): get,
    ("iam", "GetAccessKeyLastUsed"): key_last_used,
}
