"""lab.serve(): one account for the notebook and the AWS CLI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.clients.conftest import CliError

if TYPE_CHECKING:
    from tests.clients.conftest import Cli


def test_the_cli_and_the_notebook_share_one_account(lab: Any, aws: Cli) -> None:
    boto3.client("iam").create_user(UserName="ana")
    assert "ana" in [user["UserName"] for user in aws("iam", "list-users")["Users"]]
    with pytest.raises(CliError) as denied:
        aws("iam", "list-users", who="user/ana")
    assert denied.value.code == "AccessDenied"
    assert "no identity-based policy allows the iam:ListUsers action" in denied.value.printed
    assert lab.why().request.action == "iam:ListUsers"
