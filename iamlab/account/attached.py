"""Which policies apply to a call, and the context that AWS adds about the caller."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from iamlab.account.errors import AwsError
from iamlab.account.supplements.boundaries import boundary_arn
from iamlab.account.supplements.passwords import account_grant
from iamlab.policy import Policies, Policy, PolicyError, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from iamlab.account.callers import Caller
    from iamlab.account.seam import State


_EVERYTHING = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
)

_DENIES_ALL = (
    '{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]}'
)


@lru_cache(maxsize=8192)
def _parsed(text: str, name: str, arn: str | None) -> Policy:
    return parse(text, name=name, arn=arn)


def read_policy(text: Any, name: str, arn: str | None = None) -> Policy:
    """Return a stored policy, parsed; the same text is parsed once.

    What the lab cannot read (only a loaded account has such) denies everything: the lab does not
    guess what it allows. Its name then says so.
    """
    if isinstance(text, bytes):
        text = text.decode()
    if not isinstance(text, str):
        text = json.dumps(text)
    try:
        return _parsed(text, name, arn)
    except PolicyError as error:
        why = f"which the lab cannot read and takes to deny everything: {error.message}"
        return _parsed(_DENIES_ALL, f"{name} ({why})", arn)


@dataclass(slots=True)
class _OfCaller:
    """What is known of one caller until some policy changes."""

    version: int
    identity: list[Policy]
    boundary: Policy | None
    scps: list[list[Policy]] | None
    context: dict[str, Any]
    combined: dict[tuple[int, int], tuple[Any, Policies]] = field(default_factory=dict)


class Attached:
    """Gathers the policies of a caller and of a resource.

    Parameters
    ----------
    state : State
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._callers: dict[tuple[str, str, str], _OfCaller] = {}
        self._kept: dict[tuple[str, str], tuple[int, list[list[Policy]] | None]] = {}

    def context(self, caller: Caller) -> dict[str, Any]:
        """Return the condition keys that depend on who calls (a fresh dict).

        Notes
        -----
        Source: "AWS global condition context keys", IAM User Guide.
        """
        return dict(self._of(caller).context)

    def policies(
        self, caller: Caller, policy_of: tuple[Any, ...] | None, resource_account: str | None
    ) -> Policies:
        """Return every policy that applies to a call.

        Parameters
        ----------
        caller : Caller
        policy_of : tuple or None
            Whose resource policy applies, such as ``("bucket", "reports")``.
        resource_account : str or None
            The account that owns the resource: its RCPs apply.
        """
        known = self._of(caller)
        resource = self.resource_policy(policy_of) if policy_of else None
        rcps = self._rcps_of(resource_account or caller.account)
        key = (id(resource), id(rcps))
        found = known.combined.get(key)
        if found is not None:
            return found[1]
        session = caller.session.policies if caller.session else None
        policies = Policies(
            identity=known.identity,
            resource=resource,
            boundary=known.boundary,
            session=list(session) if session is not None else None,
            scps=known.scps,
            rcps=rcps,
        )
        if len(known.combined) > 256:
            known.combined.clear()
        # The resource policy and the RCPs are kept beside, so that their id() stays theirs.
        known.combined[key] = ((resource, rcps), policies)
        return policies

    def _of(self, caller: Caller) -> _OfCaller:
        key = (caller.account, caller.user_id, caller.access_key_id)
        version = self._state.version
        known = self._callers.get(key)
        if known is None or known.version != version:
            known = self._gather(caller, version)
            if len(self._callers) > 4096:
                self._callers.clear()
            self._callers[key] = known
        return known

    def _gather(self, caller: Caller, version: int) -> _OfCaller:
        return _OfCaller(version, *self.of_principal(caller), self._caller_context(caller))

    def of_principal(
        self, caller: Caller
    ) -> tuple[list[Policy], Policy | None, list[list[Policy]] | None]:
        """Return identity policies, boundary and SCPs of a caller, whatever it calls.

        Nothing of it is remembered: `iamlab.audit` asks once for each of thousands of principals.
        """
        identity: list[Policy] = []
        boundary = None
        if caller.entity is not None:
            backend = self._state.iam(caller.account)
            identity = self.identity(caller.account, caller.entity)
            arn = boundary_arn(backend, caller.entity)
            if arn:
                boundary = self._managed(caller.account, arn)
        elif caller.kind == "federated":
            # GetFederationToken by the root user: the session policy alone limits it. [I]
            identity = [read_policy(_EVERYTHING, "the root user's permissions")]
        return identity, boundary, self._scps(caller)

    def identity(self, account: str, entity: Any) -> list[Policy]:
        """Return the identity policies of a moto User or Role: inline, managed, of its groups."""
        backend = self._state.iam(account)
        is_user = hasattr(entity, "access_keys")
        holders = [("", entity)]
        if is_user:
            holders += [
                (f" of group {group.name}", group)
                for group in backend.groups.values()
                if entity in group.users
            ]
        found = []
        for whose, holder in holders:
            found += [read_policy(text, f"{name}{whose}") for name, text in holder.policies.items()]
            found += [
                self.default_version(policy, whose) for policy in holder.managed_policies.values()
            ]
        grant = account_grant(backend, entity) if is_user else None
        return [*found, grant] if grant is not None else found

    def _managed(self, account: str, arn: str) -> Policy | None:
        policy = self._state.managed_policy(arn, account)
        if policy is None:
            # AWS does not let a boundary in use be deleted; if it is gone all the same, nothing
            # may pass it (the safe reading [I]).
            return read_policy(_NOTHING, f"{arn} (deleted)")
        return self.default_version(policy, "")

    def default_version(self, policy: Any, whose: str = "") -> Policy:
        """Return the default version of a moto ManagedPolicy; ``whose`` ends its name."""
        for version in policy.versions:
            if version.version_id == policy.default_version_id:
                return read_policy(version.document, f"{policy.name}{whose}", policy.arn)
        raise AwsError("NoSuchEntity", f"Policy {policy.arn} has no default version.", 404)

    # --- Organizations ----------------------------------------------------------------------

    def _organization(self, account: str) -> tuple[Any, Any] | None:
        """Return (moto's backend, its FakeAccount or None) of an account's organization."""
        backend = self._state.organization(account)
        if backend is None:
            return None
        member = next((member for member in backend.accounts if member.id == account), None)
        return (backend, member) if member is not None else None

    def _path(self, backend: Any, member: Any) -> list[Any]:
        """Return root, OUs and account, root first."""
        path, parent = [member], member.parent_id
        while parent:
            unit = next((unit for unit in backend.ou if unit.id == parent), None)
            if unit is None or unit in path:
                break
            path.append(unit)
            parent = unit.parent_id
        return path[::-1]

    def _levels(self, account: str, kind: str) -> list[list[Policy]] | None:
        """Return the levels of one kind of policy, root first; worked out once a version."""
        known = self._kept.get((account, kind))
        if known is None or known[0] != self._state.version:
            known = self._kept[account, kind] = (
                self._state.version,
                self._read_levels(account, kind),
            )
        return known[1]

    def _read_levels(self, account: str, kind: str) -> list[list[Policy]] | None:
        found = self._organization(account)
        if found is None:
            return None
        backend, member = found
        # The management account is limited by neither ("Service control policies (SCPs)",
        # AWS Organizations User Guide).
        if account == backend.org.master_account_id or backend.org.feature_set != "ALL":
            return None
        return [
            [
                read_policy(policy.content, f"{policy.name} at {_level_name(level)}", policy.arn)
                for policy in level.attached_policies
                if policy.type == kind
            ]
            for level in self._path(backend, member)
        ]

    def _scps(self, caller: Caller) -> list[list[Policy]] | None:
        linked = getattr(caller.entity, "_linked_service", None)
        if not caller.account or linked:
            return None  # SCPs do not restrict service-linked roles.
        return self._levels(caller.account, "SERVICE_CONTROL_POLICY")

    def _rcps_of(self, account: str) -> list[list[Policy]] | None:
        return self._levels(account, "RESOURCE_CONTROL_POLICY") if account else None

    # --- The caller's context ---------------------------------------------------------------

    def _caller_context(self, caller: Caller) -> dict[str, Any]:
        if caller.kind == "anonymous":
            return {"aws:PrincipalType": "Anonymous", "aws:userid": "anonymous"}
        if caller.kind == "provider":
            return {"aws:FederatedProvider": caller.arn}
        if caller.kind == "service":
            return {"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": caller.arn}
        context: dict[str, Any] = {
            "aws:PrincipalArn": caller.principal_arn,
            "aws:PrincipalAccount": caller.account,
            "aws:PrincipalType": _PRINCIPAL_TYPES[caller.kind],
            "aws:userid": caller.user_id,
            "aws:PrincipalIsAWSService": "false",
        }
        if caller.kind == "user":
            context["aws:username"] = caller.name
        tags = self._tags(caller)
        session = caller.session
        if session is not None:
            # Session tags win over the role's own of the same key, ignoring case.
            own = {key.lower() for key in session.tags or {}}
            tags = {k: v for k, v in tags.items() if k.lower() not in own} | (session.tags or {})
            context["aws:TokenIssueTime"] = session.issued.strftime("%Y-%m-%dT%H:%M:%SZ")
            context["aws:MultiFactorAuthPresent"] = "true" if session.mfa_at else "false"
            context |= session.keys or {}
            if session.source_identity:
                context["aws:SourceIdentity"] = session.source_identity
            if session.federated_provider:
                context["aws:FederatedProvider"] = session.federated_provider
        context |= {f"aws:PrincipalTag/{key}": value for key, value in tags.items()}
        found = self._organization(caller.account)
        if found is not None:
            backend, member = found
            path = [level.id for level in self._path(backend, member)[:-1]]
            context["aws:PrincipalOrgID"] = backend.org.id
            context["aws:PrincipalOrgMasterAccountId"] = backend.org.master_account_id
            context["aws:PrincipalOrgPaths"] = ["/".join([backend.org.id, *path]) + "/"]
        return context

    def _tags(self, caller: Caller) -> dict[str, str]:
        entity = caller.entity
        if entity is None or caller.kind == "federated":
            return {}
        if caller.kind == "user":
            backend = self._state.iam(caller.account)
            tags = backend.tagger.list_tags_for_resource(entity.arn)["Tags"]
        else:
            tags = entity.tags or []
        return {tag["Key"]: tag["Value"] for tag in tags}

    def limited_by_rcps(self, account: str) -> bool:
        """Tell whether an RCP other than RCPFullAWSAccess applies to an account's resources."""
        levels = self._rcps_of(account) or ()
        return any(s.effect == "Deny" for level in levels for p in level for s in p.statements)

    def organization_id(self, account: str) -> str | None:
        """Return the ID of an account's organization, or None."""
        found = self._organization(account)
        return found[0].org.id if found else None

    # --- Resource policies ------------------------------------------------------------------

    def resource_policy(self, policy_of: tuple[Any, ...]) -> Policy | None:
        """Return the resource policy that ``policy_of`` names, or None if there is none.

        Parameters
        ----------
        policy_of : tuple
            ``("bucket", name)``, ``("role", account, name)``, ``("queue", account, region,
            name)``, ``("key", account, region, key ID)``, ``("secret", account, region, ID)``,
            ``("function", account, region, name)``, ``("table", account, region, name)``.
        """
        kind, *where = policy_of
        text = _FETCH[kind](self._state, *where)
        if not text:
            return None
        return read_policy(text, _NAMES[kind].format(where[-1]))


_NOTHING = (
    '{"Version": "2012-10-17",'
    ' "Statement": [{"Effect": "Allow", "NotAction": "*", "Resource": "*"}]}'
)
_PRINCIPAL_TYPES = {
    "root": "Account",
    "user": "User",
    "role": "AssumedRole",
    "federated": "FederatedUser",
}
# Read after the kind of policy, as in "the role trust policy of role reader".
_NAMES = {
    "bucket": "of bucket {}",
    "role": "of role {}",
    "queue": "of queue {}",
    "key": "of key {}",
    "secret": "of secret {}",
    "function": "of function {}",
    "table": "of table {}",
}


def _level_name(level: Any) -> str:
    return {"ROOT": "the root", "ACCOUNT": f"account {level.id}"}.get(
        level.type, f"unit {level.name}"
    )


def _bucket(state: State, name: str) -> Any:
    owner = state.bucket_account(name)
    return state.backend("s3", owner).buckets[name].policy if owner else None


def _role(state: State, account: str, name: str) -> Any:
    role = state.role(account, name)
    return role.assume_role_policy_document if role is not None else None


def _queue(state: State, account: str, region: str, name: str) -> Any:
    queue = state.backend("sqs", account, region).queues.get(name)
    return queue.policy if queue is not None else None


def _key(state: State, account: str, region: str, key_id: str) -> Any:
    key = state.backend("kms", account, region).keys.get(key_id)
    if key is None:
        return None
    return _with_grants(key.policy, tuple(_grant(grant) for grant in key.grants.values()))


def _grant(grant: Any) -> tuple[str, tuple[str, ...], str]:
    return grant.grantee_principal, tuple(grant.operations), json.dumps(grant.constraints or {})


@lru_cache(maxsize=256)
def _with_grants(policy: str, grants: tuple[tuple[str, tuple[str, ...], str], ...]) -> str:
    """Write grants as statements: they allow what a key policy statement would.

    Source: "Grants in AWS KMS", AWS KMS Developer Guide.
    """
    if not grants:
        return policy
    document = json.loads(policy)
    statements = document["Statement"]
    document["Statement"] = list(statements if isinstance(statements, list) else [statements])
    for principal, operations, constraints in grants:
        limits = json.loads(constraints)
        same = limits.get("EncryptionContextEquals") or limits.get("EncryptionContextSubset") or {}
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": [f"kms:{operation}" for operation in operations],
            "Resource": "*",
        }
        if same:
            statement["Condition"] = {
                "StringEquals": {f"kms:EncryptionContext:{k}": v for k, v in same.items()}
            }
        document["Statement"].append(statement)
    return json.dumps(document)


def _secret(state: State, account: str, region: str, name: str) -> Any:
    secrets = state.backend("secretsmanager", account, region).secrets
    secret = secrets.get(name)
    return secret.policy if secret is not None else None


def _function(state: State, account: str, region: str, name: str) -> Any:
    backend = state.backend("lambda", account, region)
    try:
        function = backend.get_function(name)
    except Exception:
        return None
    statements = [
        # moto keeps an account as the bare number that AddPermission was given.
        said | {"Principal": {"AWS": said["Principal"]}}
        if str(said.get("Principal")).isdigit()
        else said
        for said in function.policy.statements
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else None


def _table(state: State, account: str, region: str, name: str) -> Any:
    backend = state.backend("dynamodb", account, region)
    found = backend.resource_policies.get(f"arn:aws:dynamodb:{region}:{account}:table/{name}")
    return found.policy_doc if found is not None else None


_FETCH: dict[str, Callable[..., Any]] = {
    "bucket": _bucket,
    "role": _role,
    "queue": _queue,
    "key": _key,
    "secret": _secret,
    "function": _function,
    "table": _table,
}
