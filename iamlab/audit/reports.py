"""What an auditor asks for: the credential report, what is unused, and what should be mended."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from iamlab.audit.access import access_matrix, running
from iamlab.audit.trust import administrators, paths, trust_edges

if TYPE_CHECKING:
    import pandas as pd

    from iamlab.account.lab import Lab

# Words that the report has instead of a date or a truth value.
_NO_DATE = ("N/A", "no_information", "not_supported", "")
SEVERITIES = ("critical", "high", "medium", "low")
STALE = 90  # days; what "Security best practices in IAM" and common baselines call old


def credential_report(lab: Lab | None = None, *, account: str | None = None) -> pd.DataFrame:
    """Return the account's credential report as a table with real dates and truth values.

    Parameters
    ----------
    lab : Lab, optional
        The one that runs, if not given.
    account : str, optional
        Twelve digits; the learner's if not given.

    Returns
    -------
    pandas.DataFrame
        One row a user, ``<root_account>`` first; the columns of AWS's file. Columns of dates hold
        timestamps (UTC) or NaT, ``…_active`` and ``…_enabled`` hold True, False or None.

    Notes
    -----
    It is made anew at each call; AWS gives the same file for four hours. Source: "Generate
    credential reports for your AWS account", IAM User Guide.

    Examples
    --------
    >>> import iamlab
    >>> with iamlab.start() as lab:
    ...     credential_report(lab)["user"].tolist()
    ['<root_account>', 'administrator']
    """
    import pandas as pd

    from iamlab.account.supplements.credential_report import write

    lab = running(lab)
    text = write(account or lab.account_id, lab)
    frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    for column in frame.columns:
        if column.endswith(("_active", "_enabled")):
            truth = frame[column].map({"true": True, "false": False})
            frame[column] = truth.astype(object).where(truth.notna(), None)
        elif column.endswith(("_time", "_date", "_used", "_changed", "_rotation", "_rotated")):
            dates = frame[column].where(~frame[column].isin(_NO_DATE), None)
            frame[column] = pd.to_datetime(dates, utc=True)
    return frame


def unused(
    lab: Lab | None = None, *, account: str | None = None, days: float = STALE
) -> pd.DataFrame:
    """List access that nobody used for a while: keys, passwords, roles, services of a principal.

    Parameters
    ----------
    lab : Lab, optional
        The one that runs, if not given.
    account : str, optional
        Twelve digits; the learner's if not given.
    days : float
        How long unused, on the lab's clock. What is younger than that is not listed.

    Returns
    -------
    pandas.DataFrame
        Columns principal, kind (``access key``, ``password``, ``role``, ``service``), name,
        last_used (NaT: never), idle_days (since the last use, or since it was made), sentence.

    Notes
    -----
    Whether a service was used is read from the lab's record of calls. Source: "Refine permissions
    in AWS using last accessed information", IAM User Guide.

    Examples
    --------
    >>> import iamlab
    >>> with iamlab.start() as lab:
    ...     _ = lab.clock.advance(days=100)
    ...     unused(lab)["principal"].tolist()
    ['user/administrator']
    """
    import pandas as pd

    lab = running(lab)
    account = account or lab.account_id
    now = lab.clock.now().replace(tzinfo=None)
    found = []
    for principal, kind, name, made, used in _uses(lab, account):
        idle = (now - (used or made)) / timedelta(days=1)
        if idle >= days:
            when = f"not used for {idle:.0f} days" if used else f"never used in {idle:.0f} days"
            about = f"{kind} {name}" if name else kind
            sentence = f"{principal}: {about} {when}."
            found.append((principal, kind, name, used, round(idle, 1), sentence))
    columns = ["principal", "kind", "name", "last_used", "idle_days", "sentence"]
    frame = pd.DataFrame(found, columns=columns)
    frame["last_used"] = pd.to_datetime(frame["last_used"], utc=True)
    return frame.sort_values(["principal", "kind", "name"], ignore_index=True)


Use = tuple[str, str, str, datetime, datetime | None]


def _uses(lab: Lab, account: str) -> Iterator[Use]:
    """Yield everything that can be used: principal, kind, name, when made, when last used."""
    iam = lab.state.iam(account)
    for user in iam.users.values():
        who = f"user/{user.name}"
        for key in user.access_keys:
            last = key.last_used.timestamp.replace(tzinfo=None) if key.last_used else None
            if key.status == "Active":
                yield who, "access key", key.access_key_id, key.create_date, last
        if user.password:
            made = getattr(user, "password_last_changed", None) or user.create_date
            used = user.password_last_used
            yield who, "password", "", _naive(made), _naive(used) if used else None
    for role in iam.roles.values():
        if not role.path.startswith("/aws-service-role/"):
            yield f"role/{role.name}", "role", "", role.create_date, role.last_used
    last_calls: dict[tuple[str, str], datetime] = {}
    for record in lab.trail.records:
        caller = record.caller
        if caller is not None and caller.entity is not None:
            last_calls[caller.entity.id, record.service] = _naive(record.time)
    made = {f"user/{u.name}": u for u in iam.users.values()}
    made |= {f"role/{r.name}": r for r in iam.roles.values()}
    matrix = access_matrix(lab, account=account)
    for who, row in zip(matrix.index, matrix.to_numpy() > 0, strict=True):
        if row.sum() > 100:
            continue  # an administrator: a row for each of 450 services would hide the rest
        for service in matrix.columns[row]:
            entity = made[who]
            yield who, "service", service, entity.create_date, last_calls.get((entity.id, service))


def _naive(when: datetime) -> datetime:
    return when.replace(tzinfo=None)


def findings(
    lab: Lab | None = None, *, account: str | None = None, days: float = STALE
) -> pd.DataFrame:
    """List what should be mended in an account, worst first.

    Parameters
    ----------
    lab : Lab, optional
        The one that runs, if not given.
    account : str, optional
        Twelve digits; the learner's if not given.
    days : float
        After how many days a key counts as old or anything as unused.

    Returns
    -------
    pandas.DataFrame
        Columns severity (``critical``, ``high``, ``medium``, ``low``), about (the principal or
        the resource), kind, sentence, todo.

    Notes
    -----
    Source: "Security best practices in IAM", IAM User Guide; how bad each is, is our reading.

    Examples
    --------
    >>> import iamlab
    >>> with iamlab.start() as lab:
    ...     findings(lab)[["severity", "about", "kind"]].to_numpy().tolist()[0]
    ['high', 'user/administrator', 'no MFA']
    """
    import pandas as pd

    lab = running(lab)
    account = account or lab.account_id
    found = [row for check in CHECKS for row in check(lab, account, days)]
    frame = pd.DataFrame(found, columns=["severity", "about", "kind", "sentence", "todo"])
    order = frame["severity"].map(SEVERITIES.index)
    frame = frame.assign(order=order).sort_values(["order", "kind", "about"], kind="stable")
    return frame.drop(columns="order").reset_index(drop=True)


Finding = tuple[str, str, str, str, str]


def _credentials(lab: Lab, account: str, days: float) -> Iterator[Finding]:
    report = credential_report(lab, account=account)
    now = lab.clock.now()
    chiefs = administrators(lab, account=account)
    for row in report.to_dict("records"):
        root = row["user"] == "<root_account>"
        who = "root" if root else f"user/{row['user']}"
        keys = [n for n in (1, 2) if row[f"access_key_{n}_active"]]
        if root and keys:
            yield (
                "critical",
                who,
                "root has an access key",
                "The root user has an access key: whoever finds it owns the account.",
                "Delete the key. Nothing needs it.",
            )
        if not root and not row["mfa_active"] and (row["password_enabled"] or keys):
            grave = who in chiefs
            if grave or row["password_enabled"]:
                yield (
                    "high" if grave else "medium",
                    who,
                    "no MFA",
                    f"{who} {'is an administrator and ' if grave else ''}signs in without MFA.",
                    "Give the user an MFA device, and ask for it in the policies.",
                )
        for number in keys:
            rotated = row[f"access_key_{number}_last_rotated"]
            age = (now - rotated.to_pydatetime()) / timedelta(days=1)
            if age >= days:
                yield (
                    "medium",
                    who,
                    "old access key",
                    f"Access key {number} of {who} is {age:.0f} days old.",
                    "Make a new key, move the program to it, then delete the old one.",
                )
        if len(keys) == 2:
            yield (
                "low",
                who,
                "two access keys",
                f"{who} has two active access keys: one is enough but for a change of keys.",
                "Find out which is used, and deactivate the other.",
            )


def _unused(lab: Lab, account: str, days: float) -> Iterator[Finding]:
    for row in unused(lab, account=account, days=days).itertuples():
        if row.kind != "service":
            yield (
                "low",
                row.principal,
                f"unused {row.kind}",
                row.sentence,
                "Ask who needs it; if nobody does, remove it.",
            )


def _ways_up(lab: Lab, account: str, days: float) -> Iterator[Finding]:
    edges = trust_edges(lab, account=account)
    chiefs = administrators(lab, account=account)
    for row in edges.itertuples():
        if row.source == "anyone" and not row.condition:
            yield (
                "critical",
                row.target,
                "open to the world",
                f"Anybody with an AWS account can assume {row.target}.",
                "Name the accounts or principals in its trust policy.",
            )
        elif row.source.startswith("account ") and "ExternalId" not in row.condition:
            yield (
                "medium",
                row.target,
                "no external ID",
                f"{row.target} trusts {row.source}, and asks for no external ID.",
                "If that is a company that serves many customers, ask for sts:ExternalId.",
            )
        elif row.means == "sts:AssumeRoleWithWebIdentity" and ":sub" not in row.condition:
            yield (
                "critical",
                row.target,
                "any token will do",
                f"{row.target} trusts every token of {row.source}, whoever it speaks for.",
                f"Add a condition on {row.source}:sub.",
            )
    for source in dict.fromkeys(edges["source"]):
        if not source.startswith(("user/", "role/")) or source in chiefs or " " in source:
            continue
        ways = paths(source, lab=lab, edges=edges)
        if ways:
            steps = " Then ".join(s for s in ways[0]["sentence"] if "may do everything" not in s)
            yield (
                "high",
                source,
                "way to administrator",
                steps or f"{source} may do everything.",
                "Take away the first right of this way, or narrow its Resource.",
            )


def _public(lab: Lab, account: str, days: float) -> Iterator[Finding]:
    for bucket in lab.state.backend("s3", account).buckets.values():
        if bucket.account_id != account or not bucket.policy:
            continue
        text = bucket.policy.decode() if isinstance(bucket.policy, bytes) else bucket.policy
        statements = json.loads(text).get("Statement", [])
        for statement in statements if isinstance(statements, list) else [statements]:
            named = statement.get("Principal")
            anybody = named == "*" or (isinstance(named, dict) and "*" in _list(named.get("AWS")))
            if statement.get("Effect") == "Allow" and anybody and not statement.get("Condition"):
                yield (
                    "critical",
                    f"bucket {bucket.name}",
                    "public bucket",
                    f"Anybody may {', '.join(_list(statement.get('Action')))} in {bucket.name}.",
                    "Name the principals in the bucket policy, or switch on Block Public Access.",
                )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _passwords(lab: Lab, account: str, days: float) -> Iterator[Finding]:
    iam = lab.state.iam(account)
    policy = iam.account_password_policy
    if policy is None and any(user.password for user in iam.users.values()):
        yield (
            "low",
            "account",
            "no password policy",
            "The account has no password policy of its own: passwords of 8 characters will do.",
            "Set one with update_account_password_policy: at least 14 characters.",
        )


CHECKS = (_credentials, _ways_up, _public, _passwords, _unused)
