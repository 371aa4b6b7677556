"""Amazon Resource Names, and who the caller is: the principal of a request, read from its ARN."""

from __future__ import annotations

from functools import lru_cache


def split(arn: str) -> tuple[str, str, str, str, str, str]:
    """Cut an ARN into its six parts.

    Parameters
    ----------
    arn : str
        ``arn:partition:service:region:account:resource``; the resource may hold more colons.

    Returns
    -------
    tuple of six str

    Raises
    ------
    ValueError
        If the text does not start with ``arn:`` or has fewer than six parts.

    Notes
    -----
    Source: *Identify AWS resources with Amazon Resource Names (ARNs)*, AWS General Reference.

    Examples
    --------
    >>> split("arn:aws:s3:::reports/q3.csv")[5]
    'reports/q3.csv'
    """
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[5]:
        raise ValueError(
            f"{arn!r} is not an ARN. An ARN has six parts with a colon between them, "
            "such as arn:aws:s3:::reports or arn:aws:iam::111122223333:user/analyst."
        )
    return tuple(parts)


# How strongly a Principal element may name a caller (section "resource-based policies" of the
# page *Policy evaluation logic*): it names the account only, which hands the decision to that
# account; or the role or user behind a session; or exactly this caller (or everybody).
ACCOUNT, ENTITY, DIRECT = 1, 2, 3


class Caller:
    """Who asks: what a request's principal ARN says, worked out once.

    Attributes
    ----------
    kind : str
        ``"user"``, ``"role"``, ``"federated"``, ``"root"``, ``"service"``, ``"provider"`` (a SAML
        or web identity provider) or ``"anonymous"``.
    arn : str
        The principal as the request gives it.
    partition, account : str or None
        ``"aws"`` and ``"111122223333"``, say; None for services and anonymous callers.
    issuer : str or None
        The role or user behind a session; the caller's own ARN otherwise.
    names : dict of (kind, value) to int
        Every Principal entry that means this caller, and how strongly (ACCOUNT, ENTITY, DIRECT).
    is_root : bool
        The root user, or a federated session that the root user made.
    service_linked : bool
        The role behind the session is a service-linked role: its path says so.
    """

    __slots__ = (
        "account",
        "arn",
        "is_root",
        "issuer",
        "kind",
        "names",
        "partition",
        "service_linked",
    )

    def __init__(self, arn: str, issuer: str | None, user_id: str | None) -> None:
        self.arn = arn
        self.issuer = None
        self.names = {("AWS", "*"): DIRECT}
        self.partition = self.account = None
        if arn == "*":
            self.kind = "anonymous"
        elif arn.startswith("arn:"):
            self._read_arn(issuer, user_id)
        elif "." in arn and " " not in arn and ":" not in arn:
            # accounts.google.com and cognito-identity.amazonaws.com look like services too.
            self.kind = "service"
            for kind in ("Service", "Federated"):
                self.names[kind, arn] = self.names[kind, "*"] = DIRECT
        else:
            raise ValueError(
                f"The principal {arn!r} is none that AWS knows. Give an ARN such as "
                'arn:aws:iam::111122223333:user/analyst, a service such as "ec2.amazonaws.com", '
                'or "*" for an anonymous caller.'
            )
        behind = self.issuer or ""
        self.is_root = behind.endswith(":root")
        self.service_linked = ":role/aws-service-role/" in behind

    def _read_arn(self, issuer: str | None, user_id: str | None) -> None:
        _, self.partition, service, _, self.account, resource = split(self.arn)
        kind, slash, name = resource.partition("/")
        self.kind = _KINDS.get((service, kind if slash else resource), "")
        if not self.kind or (slash and not name):
            raise ValueError(
                f"{self.arn!r} cannot make a request. A user, a role, a role session "
                "(assumed-role/ROLE/SESSION), a federated user, the root user, an identity "
                "provider or a service can; a group or a policy cannot."
            )
        if self.kind == "provider":
            self.names["Federated", self.arn] = self.names["Federated", "*"] = DIRECT
            return
        root = f"arn:{self.partition}:iam::{self.account}:root"
        if self.kind == "root":
            self.issuer = self.arn
            self.names[("AWS", root)] = self.names[("AWS", self.account)] = DIRECT
            return
        self.names[("AWS", root)] = self.names[("AWS", self.account)] = ACCOUNT
        behind = {"role": ":role/", "federated": ":user/"}.get(self.kind)
        if behind and kind != "role":  # a session
            if self.kind == "role":
                derived = f"arn:{self.partition}:iam::{self.account}:role/{name.split('/')[0]}"
            else:
                derived = None
            fits = issuer and (behind in issuer or issuer.endswith(":root"))
            self.issuer = issuer if fits else derived
            if self.issuer and self.issuer != root:
                self.names[("AWS", self.issuer)] = ENTITY
        else:
            self.issuer = self.arn
        own = ENTITY if kind == "role" else DIRECT
        self.names[("AWS", self.arn)] = own
        if user_id and self.kind in ("user", "role"):
            self.names[("AWS", user_id.partition(":")[0])] = ENTITY if self.kind == "role" else own

    @property
    def short(self) -> str:
        """The caller in few letters: ``user/analyst``."""
        if self.kind == "anonymous":
            return "an anonymous caller"
        if self.kind == "root":
            return "the root user"
        return self.arn.split(":", 5)[-1]


_KINDS = {
    ("iam", "user"): "user",
    ("iam", "role"): "role",
    ("sts", "assumed-role"): "role",
    ("sts", "federated-user"): "federated",
    ("iam", "root"): "root",
    ("iam", "saml-provider"): "provider",
    ("iam", "oidc-provider"): "provider",
}


@lru_cache(maxsize=4096)
def read_caller(principal: str, issuer: str | None = None, user_id: str | None = None) -> Caller:
    """Read who the caller is from a principal.

    Parameters
    ----------
    principal : str
        An ARN, a service name, or ``"*"`` for an anonymous caller.
    issuer : str, optional
        The role (with its path) or user behind a session.
    user_id : str, optional
        The value of ``aws:userid``, so that a unique ID in a Principal element can match.

    Returns
    -------
    Caller

    Raises
    ------
    ValueError
        If no such principal can make a request.

    Notes
    -----
    Source: *AWS JSON policy elements: Principal*, IAM User Guide.

    Examples
    --------
    >>> caller = read_caller("arn:aws:sts::111122223333:assumed-role/Auditor/mia")
    >>> caller.kind, caller.issuer
    ('role', 'arn:aws:iam::111122223333:role/Auditor')
    """
    if not isinstance(principal, str) or not principal:
        raise ValueError(
            "A request needs a principal: an ARN such as arn:aws:iam::111122223333:user/analyst, "
            'a service such as "ec2.amazonaws.com", or "*".'
        )
    return Caller(principal, issuer, user_id)
