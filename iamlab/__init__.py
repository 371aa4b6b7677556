"""A pretend AWS account for learning IAM: start it, and plain boto3 talks to it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself is slow to import
    from typing import Any

    from iamlab.account.lab import Lab

__all__ = ["start"]
__version__ = "0.1.0"


def start(**options: Any) -> Lab:
    """Start this kernel's lab, or return the one that already runs.

    Parameters
    ----------
    **options
        Passed to :class:`iamlab.account.lab.Lab`: ``account_id`` (12 digits), ``region``.

    Returns
    -------
    Lab
        The lab. Also a context manager that stops it at the end.

    Examples
    --------
    >>> import iamlab, boto3
    >>> with iamlab.start() as lab:
    ...     boto3.client("sts").get_caller_identity()["Account"] == lab.account_id
    True
    """
    # Imported here so that `import iamlab.policy` stays free of moto and boto3.
    from iamlab.account.lab import start as start_lab

    return start_lab(**options)
