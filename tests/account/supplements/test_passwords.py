"""The account's password policy, enforced: iam_evaluation §9."""

from __future__ import annotations

import pytest

from .conftest import ACCOUNT, allow, refused

GOOD = "Correct-horse-7"
VIOLATION = ("PasswordPolicyViolation", 400)


@pytest.fixture
def ana(iam):
    iam.create_user(UserName="ana")
    return "ana"


def profile(iam, password, name="ana"):
    return iam.create_login_profile(UserName=name, Password=password)


@pytest.mark.parametrize("password", ["Ab1-xyz", "alllowercase", "lower1234", ACCOUNT])
def test_default_policy(iam, ana, password):
    """8 characters and three of four classes."""
    with refused(*VIOLATION):
        profile(iam, password)


@pytest.mark.parametrize("password", ["Lower123", "lower-12", "LOWER-12", "Lower-xy"])
def test_default_policy_accepts(iam, ana, password):
    assert profile(iam, password)["LoginProfile"]["UserName"] == "ana"


def test_a_letter_against_fourteen(iam, ana):
    iam.update_account_password_policy(MinimumPasswordLength=14)
    with refused(*VIOLATION, "minimum length of 14"):
        profile(iam, "x")
    profile(iam, "x" * 14)
    with refused(*VIOLATION):
        iam.update_login_profile(UserName="ana", Password="short")


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        ("RequireUppercaseCharacters", "lower-12", "Upper-12"),
        ("RequireLowercaseCharacters", "UPPER-12", "Upper-12"),
        ("RequireNumbers", "Letters-only", "Letters-1"),
        ("RequireSymbols", "Letters12", "Letters-1"),
        ("RequireNumbers", "Letters-²", "Letters-1"),
    ],
)
def test_classes(iam, ana, rule, bad, good):
    iam.update_account_password_policy(**{rule: True})
    with refused(*VIOLATION, "Password should have at least one"):
        profile(iam, bad)
    profile(iam, good)


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"MinimumPasswordLength": 5}, "minimumPasswordLength"),
        ({"MinimumPasswordLength": 129}, "minimumPasswordLength"),
        ({"MaxPasswordAge": 1096}, "maxPasswordAge"),
        ({"PasswordReusePrevention": 25}, "passwordReusePrevention"),
    ],
)
def test_bounds(iam, wrong, at):
    with refused("ValidationError", 400, f"at '{at}' failed to satisfy constraint"):
        iam.update_account_password_policy(**wrong)


def test_profile_life(lab, iam, ana):
    made = iam.create_login_profile(UserName="ana", Password=GOOD, PasswordResetRequired=True)
    assert made["LoginProfile"]["PasswordResetRequired"] is True
    with refused("EntityAlreadyExists", 409, "Login Profile for user ana already exists."):
        profile(iam, GOOD)
    iam.update_login_profile(UserName="ana", PasswordResetRequired=False)
    got = iam.get_login_profile(UserName="ana")["LoginProfile"]
    assert got["PasswordResetRequired"] is False
    iam.delete_login_profile(UserName="ana")
    for call in (iam.get_login_profile, iam.delete_login_profile, iam.update_login_profile):
        with refused("NoSuchEntity", 404, "Login Profile for User ana cannot be found."):
            call(UserName="ana")


class TestChangePassword:
    def test_own(self, lab, iam, user):
        own = user("ana", "iam:ChangePassword").client("iam")
        with refused("NoSuchEntity", 404):
            own.change_password(OldPassword=GOOD, NewPassword="Other-horse-8")
        profile(iam, GOOD)
        with refused("AccessDenied", 403, "The old password was incorrect."):  # [M]
            own.change_password(OldPassword="Wrong-horse-9", NewPassword="Other-horse-8")
        with refused(*VIOLATION):
            own.change_password(OldPassword=GOOD, NewPassword="short")
        own.change_password(OldPassword=GOOD, NewPassword="Other-horse-8")
        own.change_password(OldPassword="Other-horse-8", NewPassword=GOOD)

    def test_reuse(self, iam, user):
        iam.update_account_password_policy(PasswordReusePrevention=2)
        own = user("ana", "iam:ChangePassword").client("iam")
        words = ["First-word-1", "Second-word-2", "Third-word-3"]
        profile(iam, words[0])
        own.change_password(OldPassword=words[0], NewPassword=words[1])
        with refused(*VIOLATION, "reuse prevention"):
            own.change_password(OldPassword=words[1], NewPassword=words[0])
        with refused(*VIOLATION):
            own.change_password(OldPassword=words[1], NewPassword=words[1])
        own.change_password(OldPassword=words[1], NewPassword=words[2])
        own.change_password(OldPassword=words[2], NewPassword=words[0])

    def test_allowed_by_the_account(self, lab, iam, user):
        """AllowUsersToChangePassword grants it to every user, for their own password."""
        own = user("ana").client("iam")
        profile(iam, GOOD)
        with refused("AccessDenied", 403, "iam:ChangePassword"):
            own.change_password(OldPassword=GOOD, NewPassword="Other-horse-8")
        iam.update_account_password_policy(AllowUsersToChangePassword=True)
        own.change_password(OldPassword=GOOD, NewPassword="Other-horse-8")
        own.get_account_password_policy()
        iam.update_account_password_policy(AllowUsersToChangePassword=False)
        with refused("AccessDenied", 403):
            own.change_password(OldPassword="Other-horse-8", NewPassword=GOOD)

    def test_users_only(self, lab, iam, role):
        role("team")
        iam.put_role_policy(RoleName="team", PolicyName="p", PolicyDocument=allow("iam:*"))
        with refused("InvalidUserType", 400):  # text: [I]
            lab.session("role/team").client("iam").change_password(
                OldPassword=GOOD, NewPassword="Other-horse-8"
            )


def test_the_policy_is_shown_member_by_member(iam):
    """PasswordPolicy, IAM API Reference; what is not given is the default, not what was."""
    iam.update_account_password_policy(
        MinimumPasswordLength=14,
        RequireSymbols=True,
        RequireNumbers=True,
        RequireUppercaseCharacters=True,
        RequireLowercaseCharacters=True,
        AllowUsersToChangePassword=True,
        MaxPasswordAge=90,
        PasswordReusePrevention=5,
        HardExpiry=True,
    )
    assert iam.get_account_password_policy()["PasswordPolicy"] == {
        "MinimumPasswordLength": 14,
        "RequireSymbols": True,
        "RequireNumbers": True,
        "RequireUppercaseCharacters": True,
        "RequireLowercaseCharacters": True,
        "AllowUsersToChangePassword": True,
        "ExpirePasswords": True,
        "MaxPasswordAge": 90,
        "PasswordReusePrevention": 5,
        "HardExpiry": True,
    }
    iam.update_account_password_policy(MinimumPasswordLength=8)
    assert iam.get_account_password_policy()["PasswordPolicy"] == {
        "MinimumPasswordLength": 8,
        "RequireSymbols": False,
        "RequireNumbers": False,
        "RequireUppercaseCharacters": False,
        "RequireLowercaseCharacters": False,
        "AllowUsersToChangePassword": False,
        "ExpirePasswords": False,
        "HardExpiry": False,
    }


def test_an_expired_password_can_be_changed_by_its_owner_with_a_key(lab, iam, user):
    iam.update_account_password_policy(MaxPasswordAge=30, HardExpiry=True)
    own = user("ana", "iam:ChangePassword").client("iam")
    profile(iam, GOOD)
    lab.clock.advance(days=31)
    own.change_password(OldPassword=GOOD, NewPassword="Other-horse-8")
