"""Passwords of IAM users: the account's password policy enforced, and ChangePassword."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from iamlab.account.errors import AwsError
from iamlab.policy.document import Policy, parse

SYMBOLS = "!@#$%^&*()_+-=[]{}|'"
# What a password may have to contain: (attribute of moto's password policy, test, AWS's words).
# The texts of violations are not published. [I]
CLASSES = (
    ("require_uppercase_characters", str.isupper, "one uppercase letter"),
    ("require_lowercase_characters", str.islower, "one lowercase letter"),
    ("require_numbers", str.isdigit, "one number"),
    ("require_symbols", SYMBOLS.__contains__, "one symbol"),
)
DEFAULT_LENGTH = 8
DEFAULT_CLASSES = 3
REUSED = "Policy constraint violation with password reuse prevention during password change."
NOT_NULL = "constraint: Member must not be null"
NO_PROFILE = "Login Profile for User {} cannot be found."


def check(iam: Any, user: Any, password: str) -> None:
    """Refuse a password that the account's policy does not allow.

    Parameters
    ----------
    iam : moto.iam.models.IAMBackend
        The account. Without a policy of its own, AWS's default one holds: 8 characters, three of
        four classes, not the account's name.
    user : moto.iam.models.User
        Whose password; earlier ones are remembered on it.
    password : str
        The new one.

    Raises
    ------
    AwsError
        ``PasswordPolicyViolation`` (400).

    Notes
    -----
    Source: "Set an account password policy for IAM users", IAM User Guide.
    """
    policy = iam.account_password_policy
    shortest = policy.minimum_password_length if policy else DEFAULT_LENGTH
    if len(password) < shortest:
        raise _violation(f"Password should have a minimum length of {shortest}")
    lacking = [
        (attribute, words)
        for attribute, test, words in CLASSES
        if not any(test(char) and char.isascii() for char in password)
    ]
    if policy is None:
        if len(CLASSES) - len(lacking) < DEFAULT_CLASSES:
            raise _violation(
                "Password should have at least three of: "
                + ", ".join(words for _, _, words in CLASSES)
            )
        if password in (*iam.account_aliases, iam.account_id):
            raise _violation("Password should not be the account name")
        return
    for attribute, words in lacking:
        if getattr(policy, attribute):
            raise _violation(f"Password should have at least {words}")
    kept = int(policy.password_reuse_prevention or 0)
    if kept and _digest(password) in _earlier(user)[-kept:]:
        raise _violation(REUSED)


def get_policy(call: Any, lab: Any) -> dict[str, Any]:
    """GetAccountPasswordPolicy: numbers that were never set are left out."""
    policy = lab.state.iam(call.account).get_account_password_policy()  # refuses if there is none
    shown = {
        "MinimumPasswordLength": policy.minimum_password_length,
        "RequireSymbols": policy.require_symbols,
        "RequireNumbers": policy.require_numbers,
        "RequireUppercaseCharacters": policy.require_uppercase_characters,
        "RequireLowercaseCharacters": policy.require_lowercase_characters,
        "AllowUsersToChangePassword": policy.allow_users_to_change_password,
        "ExpirePasswords": policy.expire_passwords,
        "MaxPasswordAge": policy.max_password_age or None,
        "PasswordReusePrevention": policy.password_reuse_prevention or None,
        "HardExpiry": bool(policy.hard_expiry),
    }
    return {"PasswordPolicy": {name: value for name, value in shown.items() if value is not None}}


def account_grant(iam: Any, user: Any) -> Policy | None:
    """Return what AllowUsersToChangePassword grants a user, as a policy.

    Parameters
    ----------
    iam : moto.iam.models.IAMBackend
        The account.
    user : moto.iam.models.User
        Who may then change their own password.

    Returns
    -------
    Policy or None
        None unless the account's password policy says so.

    Notes
    -----
    Source: "Permit IAM users to change their own passwords", IAM User Guide: the permission is
    applied at the account level, with no policy attached to anybody.
    """
    policy = iam.account_password_policy
    if policy is None or not policy.allow_users_to_change_password:
        return None
    statements = [
        {"Effect": "Allow", "Action": "iam:ChangePassword", "Resource": user.arn},
        {"Effect": "Allow", "Action": "iam:GetAccountPasswordPolicy", "Resource": "*"},
    ]
    document = {"Version": "2012-10-17", "Statement": statements}
    return parse(document, name="of the account's password policy")


def create_profile(call: Any, lab: Any) -> dict[str, Any]:
    """CreateLoginProfile."""
    iam, params = lab.state.iam(call.account), call.params
    user = _user(call, iam)
    if user.password:
        text = f"Login Profile for user {user.name} already exists."
        raise AwsError("EntityAlreadyExists", text, 409)
    if params.get("Password") is None:  # Only AssumeRoot sessions may leave it out.
        text = f"1 validation error detected: Value null at 'password' failed to satisfy {NOT_NULL}"
        raise AwsError("ValidationError", text)
    check(iam, user, params["Password"])
    _set(user, params["Password"], lab)
    user.password_created = user.password_last_changed
    user.password_reset_required = _true(params.get("PasswordResetRequired"))
    return _profile(user)


def get_profile(call: Any, lab: Any) -> dict[str, Any]:
    """GetLoginProfile."""
    return _profile(_with_password(call, lab))


def update_profile(call: Any, lab: Any) -> dict[str, Any]:
    """UpdateLoginProfile: either parameter may be left out."""
    user, params = _with_password(call, lab), call.params
    if params.get("Password") is not None:
        check(lab.state.iam(call.account), user, params["Password"])
        _set(user, params["Password"], lab)
    if "PasswordResetRequired" in params:
        user.password_reset_required = _true(params["PasswordResetRequired"])
    return {}


def delete_profile(call: Any, lab: Any) -> dict[str, Any]:
    """DeleteLoginProfile."""
    _with_password(call, lab).password = None
    return {}


def change(call: Any, lab: Any) -> dict[str, Any]:
    """ChangePassword: a user's own, with the old one.

    One that has expired can be changed too, whatever HardExpiry says: that is about the console.

    Notes
    -----
    Source: "Set an account password policy for IAM users", IAM User Guide: users with an access
    key and iam:ChangePassword may change their own expired password by the API.
    """
    caller, params = call.caller, call.params
    if caller.kind != "user":
        text = "Only IAM Users can change their own password"  # text: [I]
        raise AwsError("InvalidUserType", text, 400)
    user = caller.entity
    if not user.password:
        raise AwsError("NoSuchEntity", NO_PROFILE.format(user.name), 404)
    if user.password != params["OldPassword"]:
        raise AwsError("AccessDenied", "The old password was incorrect.", 403)  # [M]
    check(lab.state.iam(call.account), user, params["NewPassword"])
    _set(user, params["NewPassword"], lab)
    user.password_reset_required = False
    return {}


def _user(call: Any, iam: Any) -> Any:
    name = call.params.get("UserName")
    return iam.users[name] if name else call.caller.entity


def _with_password(call: Any, lab: Any) -> Any:
    user = _user(call, lab.state.iam(call.account))
    if not user.password:
        raise AwsError("NoSuchEntity", NO_PROFILE.format(user.name), 404)
    return user


def _profile(user: Any) -> dict[str, Any]:
    return {
        "LoginProfile": {
            "UserName": user.name,
            "CreateDate": getattr(user, "password_created", user.create_date),
            "PasswordResetRequired": bool(user.password_reset_required),
        }
    }


def _set(user: Any, password: str, lab: Any) -> None:
    user.password = password
    user.password_last_changed = lab.clock.now().replace(microsecond=0)
    _earlier(user).append(_digest(password))


def _earlier(user: Any) -> list[str]:
    """Digests of the user's passwords so far, the present one last."""
    return user.__dict__.setdefault("passwords_so_far", [])


def _digest(password: str) -> str:
    return sha256(password.encode()).hexdigest()


def _true(value: Any) -> bool:
    return str(value or "").lower() == "true"


def _violation(text: str) -> AwsError:
    return AwsError("PasswordPolicyViolation", text)


REGISTRY = {
    ("iam", "ChangePassword"): change,
    ("iam", "CreateLoginProfile"): create_profile,
    ("iam", "DeleteLoginProfile"): delete_profile,
    ("iam", "GetAccountPasswordPolicy"): get_policy,
    ("iam", "GetLoginProfile"): get_profile,
    ("iam", "UpdateLoginProfile"): update_profile,
}
