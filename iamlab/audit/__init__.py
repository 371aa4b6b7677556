"""Look over a whole account: who can do what, what is unused, who can become whom. All pandas."""

from iamlab.audit.access import access_matrix, statements_behind
from iamlab.audit.reports import credential_report, findings, unused
from iamlab.audit.trust import administrators, paths, trust_edges

__all__ = [
    "access_matrix",
    "administrators",
    "credential_report",
    "findings",
    "paths",
    "statements_behind",
    "trust_edges",
    "unused",
]
