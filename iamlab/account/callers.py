"""Who is calling: access keys, temporary credentials and the principals behind them."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from iamlab.account.clock import Clock
    from iamlab.account.seam import State
    from iamlab.policy import Policy


@dataclass(slots=True, eq=False)
class Session:
    """Temporary credentials that STS gave out, and what AWS remembers about them.

    Attributes
    ----------
    kind : str
        ``"role"``, ``"federated"``, or for GetSessionToken ``"user"`` and ``"root"``.
    issued, expires : datetime
        Aware, lab time.
    mfa_at : datetime or None
        When the MFA code was given, if one was.
    policies : tuple of Policy or None
        Session policies; None where none was passed.
    tags : dict of str to str
        Session tags; ``transitive`` holds the keys that go on to the next role.
    chained : bool
        True if the role was assumed with another role's credentials.
    federated_provider : str or None
        The identity provider whose token was shown.
    keys : dict of str to str
        Condition keys that every call of the session has: what a service gave along for an
        instance or a function (``ec2:RoleDelivery``), what a token says
        (``accounts.google.com:sub``).
    entity_id : str
        Unique ID of the role or user behind it: the session ends with that entity.
    """

    access_key_id: str
    secret: str
    token: str
    kind: str
    account: str
    arn: str
    principal_arn: str
    user_id: str
    name: str
    issued: datetime
    expires: datetime
    entity_id: str = ""
    mfa_at: datetime | None = None
    policies: tuple[Policy, ...] | None = None
    tags: dict[str, str] | None = None
    transitive: frozenset[str] = frozenset()
    source_identity: str | None = None
    chained: bool = False
    role_session_name: str | None = None
    keys: dict[str, str] | None = None
    federated_provider: str | None = None


@dataclass(slots=True, eq=False)
class Caller:
    """The principal that signed a call.

    Attributes
    ----------
    kind : str
        ``"root"``, ``"user"``, ``"role"``, ``"federated"``, ``"provider"`` (of a web identity),
        ``"anonymous"`` or ``"service"``.
    account : str
        Twelve digits; empty for an anonymous caller.
    arn : str
        As AWS prints it: user ARN, assumed-role ARN, federated-user ARN, root ARN.
    principal_arn : str
        The value of ``aws:PrincipalArn``: for a role session the role's ARN, with its path.
    user_id : str
        The value of ``aws:userid``.
    entity : object or None
        moto's User or Role behind the caller.
    session : Session or None
        The temporary credentials, if the caller used some.
    """

    kind: str
    account: str
    arn: str
    principal_arn: str
    user_id: str
    name: str
    access_key_id: str = ""
    entity: Any = None
    session: Session | None = None


ANONYMOUS = Caller("anonymous", "", "*", "*", "anonymous", "anonymous")


@dataclass(slots=True)
class Credentials:
    """What the gate needs to check a signature: the secret, and whose it is."""

    secret: str
    caller: Caller
    token: str | None = None
    active: bool = True


class Callers:
    """Finds the principal behind an access key ID.

    Parameters
    ----------
    state : State
        The accounts.
    clock : Clock
        Lab time, for expiry.
    """

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._root_keys: dict[str, tuple[str, str]] = {}
        self._known: dict[str, tuple[int, Credentials]] = {}
        self.sessions: dict[str, Session] = {}
        # Accounts that came from a file: the lab's own administrator and keys are not in them,
        # so that their reports stay true. Key ID -> (account, secret, the user's ID; "" is root).
        self._hidden_keys: dict[str, tuple[str, str, str]] = {}
        self.administrators: dict[str, Any] = {}

    def find(self, access_key_id: str) -> Credentials | None:
        """Return the credentials of an access key ID.

        Parameters
        ----------
        access_key_id : str
            ``AKIA…`` (long-term) or ``ASIA…`` (temporary).

        Returns
        -------
        Credentials or None
            None if no such key exists, or its user or role is gone.

        Examples
        --------
        >>> import iamlab
        >>> with iamlab.start() as lab:
        ...     lab.callers.find("AKIAIOSFODNN7EXAMPLE") is None
        True
        """
        version = self._state.version
        cached = self._known.get(access_key_id)
        if cached is not None and cached[0] == version:
            return cached[1]
        credentials = self._look_up(access_key_id)
        if credentials is not None:
            self._known[access_key_id] = (version, credentials)
        else:
            self._known.pop(access_key_id, None)
        return credentials

    def add(self, session: Session) -> None:
        """Remember temporary credentials that STS has given out."""
        self.sessions[session.access_key_id] = session

    def forget(self) -> None:
        """Forget every key and session."""
        self._root_keys.clear()
        self._known.clear()
        self.sessions.clear()
        self._hidden_keys.clear()
        self.administrators.clear()

    def hide_administrator(self, user: Any, key: tuple[str, str]) -> None:
        """Let the lab's administrator of an account call from outside: the account shows nobody.

        Parameters
        ----------
        user : moto.iam.models.User
            Who calls; not in the account.
        key : tuple of (str, str)
            Access key ID and secret.
        """
        account = user.account_id
        user = self.administrators.setdefault(account, user)
        self._hidden_keys[key[0]] = (account, key[1], user.id)

    def hidden_key(self, account: str, user_id: str = "") -> tuple[str, str]:
        """Return an access key (ID, secret) of a user that is in no list and in no report.

        Parameters
        ----------
        account : str
            Twelve digits.
        user_id : str
            Unique ID of the user; the root user if not given.
        """
        for key_id, (owner, secret, whose) in self._hidden_keys.items():
            if (owner, whose) == (account, user_id):
                return key_id, secret
        key_id, secret = new_key_id("AKIA"), new_secret()
        self._hidden_keys[key_id] = (account, secret, user_id)
        return key_id, secret

    def root_key(self, account: str) -> tuple[str, str]:
        """Return an access key (ID, secret) of an account's root user, making it if needed."""
        if account in self.administrators:
            return self.hidden_key(account)
        for key_id, (owner, secret) in self._root_keys.items():
            if owner == account:
                return key_id, secret
        key_id, secret = new_key_id("AKIA"), new_secret()
        self._root_keys[key_id] = (account, secret)
        return key_id, secret

    def principal(self, arn: str) -> Caller | None:
        """Return a caller for a user's, role's, session's or root's ARN, without credentials."""
        parts = arn.split(":", 5)
        if len(parts) != 6 or parts[2] not in ("iam", "sts"):
            return None
        account, rest = parts[4], parts[5]
        if rest == "root":
            return self._root(account, "")
        kind, _, path = rest.partition("/")
        name = path.rsplit("/", 1)[-1]
        if kind == "user":
            user = self._state.iam(account).users.get(name)
            return self._user(account, user, "") if user is not None else None
        session_name = "lab-question"
        if kind == "assumed-role":
            name, _, session_name = path.partition("/")
        role = self._state.role(account, name) if kind in ("role", "assumed-role") else None
        return role_caller(account, role, session_name) if role is not None else None

    def _look_up(self, key_id: str) -> Credentials | None:
        session = self.sessions.get(key_id)
        if session is not None:
            return self._of_session(session)
        if key_id in self._root_keys:
            account, secret = self._root_keys[key_id]
            return Credentials(secret, self._root(account, key_id))
        if key_id in self._hidden_keys:
            account, secret, user_id = self._hidden_keys[key_id]
            if not user_id:
                return Credentials(secret, self._root(account, key_id))
            user = self._by_id(account, user_id)
            return user and Credentials(secret, self._user(account, user, key_id))
        for account in self._state.accounts():
            backend = self._state.iam(account)
            key = backend.access_keys.get(key_id)
            if key is None:
                continue
            user = backend.users.get(key.user_name)
            if user is None or key not in user.access_keys:
                # A renamed user keeps its keys; moto leaves the old name on them.
                user = next((u for u in backend.users.values() if key in u.access_keys), None)
                if user is None:
                    return None
                key.user_name = user.name
            caller = self._user(account, user, key_id)
            return Credentials(key.secret_access_key, caller, active=key.status == "Active")
        return None

    def _of_session(self, session: Session) -> Credentials | None:
        entity = None
        if session.kind == "role":
            entity = self._state.iam(session.account).roles.get(session.entity_id)
        elif session.kind != "root" and session.entity_id != session.account:
            entity = self._by_id(session.account, session.entity_id)
        if entity is None and session.entity_id and session.entity_id != session.account:
            return None  # Deleting the role or the user ends its sessions.
        caller = Caller(
            session.kind,
            session.account,
            session.arn,
            session.principal_arn,
            session.user_id,
            session.name,
            session.access_key_id,
            entity,
            session,
        )
        return Credentials(session.secret, caller, session.token)

    def _by_id(self, account: str, user_id: str) -> Any:
        hidden = self.administrators.get(account)
        users = (*self._state.iam(account).users.values(), *([hidden] if hidden else ()))
        return next((user for user in users if user.id == user_id), None)

    def _user(self, account: str, user: Any, key_id: str) -> Caller:
        return Caller("user", account, user.arn, user.arn, user.id, user.name, key_id, user)

    def _root(self, account: str, key_id: str) -> Caller:
        arn = f"arn:aws:iam::{account}:root"
        return Caller("root", account, arn, arn, account, "root", key_id)


def role_caller(account: str, role: Any, session_name: str) -> Caller:
    """Return the caller that a session of this role would be."""
    arn = f"arn:aws:sts::{account}:assumed-role/{role.name}/{session_name}"
    return Caller("role", account, arn, role.arn, f"{role.id}:{session_name}", role.name, "", role)


def new_key_id(prefix: str) -> str:
    """Return a fresh access key ID: 20 capitals and digits, beginning with ``prefix``."""
    return (prefix + base64.b32encode(secrets.token_bytes(15)).decode())[:20]


def new_secret() -> str:
    """Return a fresh secret access key: 40 characters."""
    return base64.b64encode(secrets.token_bytes(30)).decode()
