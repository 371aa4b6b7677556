"""Principals in stored policies: they must exist, and they mean one entity, not a name.

AWS keeps a user or role in a policy by its unique ID and shows it as an ARN for as long as it
exists. So a user who is made anew under an old name does not get the old one's trust. The lab does
the same the other way round: when a user or role is deleted, its ARN becomes its ID in every policy
that names it, and when it is renamed, the policies show the new ARN.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from moto.backends import get_backend

from iamlab.policy.document import Policy

# Services whose resources carry a policy, and how to reach each one's (object, attribute).
HOLDERS = {
    "s3": lambda backend: [(bucket, "policy") for bucket in backend.buckets.values()],
    "sqs": lambda backend: [(queue, "policy") for queue in backend.queues.values()],
    "kms": lambda backend: [(key, "policy") for key in backend.keys.values()],
    "secretsmanager": lambda backend: [(s, "policy") for s in backend.secrets.values()],
    "dynamodb": lambda backend: [(p, "policy_doc") for p in backend.resource_policies.values()],
}


def invalid(policy: Policy, lab: Any) -> tuple[str, str] | None:
    """Find the first principal of a policy that names nobody.

    Parameters
    ----------
    policy : Policy
        A trust policy or another resource policy.
    lab : Lab
        Users and roles of every account of the lab exist.

    Returns
    -------
    tuple of (str, str) or None
        Kind and value, such as ``("AWS", "arn:aws:iam::111122223333:user/nobody")``. Accounts are
        always taken to exist. Services and identity providers are not looked up.

    Notes
    -----
    Source: "AWS JSON policy elements: Principal", IAM User Guide.
    """
    for statement in policy.statements:
        for kind, value in (*(statement.principals or ()), *(statement.not_principals or ())):
            if kind == "AWS" and not _exists(value, lab):
                return kind, value
    return None


def rename(lab: Any, old: str, new: str) -> None:
    """Write ``new`` wherever a stored policy of the lab has ``old`` as a principal.

    Parameters
    ----------
    lab : Lab
        Every policy of every account in it is looked at.
    old, new : str
        An ARN, and the unique ID or ARN that takes its place.

    Notes
    -----
    Source: "AWS JSON policy elements: Principal", IAM User Guide.
    """
    for account in list(lab.state.accounts()):
        for role in lab.state.iam(account).roles.values():
            _rewrite(role, "assume_role_policy_document", old, new)
    for service, holders in HOLDERS.items():
        for backend in _backends(service):
            for holder, attribute in holders(backend):
                _rewrite(holder, attribute, old, new)
    for backend in _backends("kms"):
        for key in backend.keys.values():
            for grant in key.grants.values():
                if grant.grantee_principal == old:
                    grant.grantee_principal = new


def _exists(value: str, lab: Any) -> bool:
    if value == "*" or (value.isdigit() and len(value) == 12):
        return True
    parts = value.split(":", 5)
    if len(parts) == 1:
        return any(
            value in lab.state.iam(account).roles
            or any(user.id == value for user in lab.state.iam(account).users.values())
            for account in lab.state.accounts()
        )
    if len(parts) != 6 or parts[2] not in ("iam", "sts") or not parts[4].isdigit():
        return False
    service, account, rest = parts[2], parts[4], parts[5]
    kind, _, path = rest.partition("/")
    if rest == "root" or (service, kind) == ("sts", "federated-user"):
        return True
    if account not in lab.state.accounts():
        return False
    if (service, kind) == ("iam", "user"):
        user = lab.state.iam(account).users.get(path.rsplit("/", 1)[-1])
        return user is not None and user.arn == value
    if (service, kind) == ("iam", "role"):
        role = lab.state.role(account, path.rsplit("/", 1)[-1])
        return role is not None and role.arn == value
    if (service, kind) == ("sts", "assumed-role"):
        return path.count("/") == 1 and lab.state.role(account, path.split("/")[0]) is not None
    return False


def _backends(service: str) -> Iterator[Any]:
    """Every backend of a service that holds something; a service never used is not loaded."""
    if f"moto.{service}.models" in sys.modules:
        for account in list(get_backend(service).values()):
            yield from list(account.values())


def _rewrite(holder: Any, attribute: str, old: str, new: str) -> None:
    stored = getattr(holder, attribute)
    if not stored:
        return
    text = stored.decode() if isinstance(stored, bytes) else stored
    if old not in text:
        return
    document = json.loads(text)
    for values, place in list(_principals(document)):
        if values[place] == old:
            values[place] = new
    text = json.dumps(document)
    setattr(holder, attribute, text.encode() if isinstance(stored, bytes) else text)


def _principals(document: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Every AWS principal of a document, as the container that has it and its place there."""
    statements = document.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        for element in ("Principal", "NotPrincipal"):
            named = statement.get(element)
            if not isinstance(named, dict) or "AWS" not in named:
                continue
            if isinstance(named["AWS"], list):
                yield from ((named["AWS"], place) for place in range(len(named["AWS"])))
            else:
                yield named, "AWS"
