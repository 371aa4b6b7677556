"""What to look at after a denial, in order; and the refusals that no policy is the reason of."""

from __future__ import annotations

# (as a holder of a Deny, as what should allow)
TYPES = {
    "identity": ("an identity policy of the caller", "identity policy of the caller"),
    "resource": ("the policy on the resource", "policy on the resource"),
    "boundary": ("the caller's permissions boundary", "permissions boundary"),
    "session": ("the session policy", "session policy"),
    "scp": ("a service control policy of the organization", "service control policy"),
    "rcp": ("a resource control policy of the organization", "resource control policy"),
    "endpoint": ("the VPC endpoint's policy", "VPC endpoint policy"),
    "trust": ("the role's trust policy", "statement of the role's trust policy"),
}

DENY_FIRST = "No Allow helps against a Deny. Find the Deny in {policy}: read its Condition first."
CHECKS = {
    ("identity", False): (
        "List the policies of {who}: inline, attached, and for a user those of its groups.",
        "Look for an Allow whose Action covers {action}: spelling, and the right service.",
        "Compare that statement's Resource with {resource}, part by part.",
        "Look at its Condition: does the request bring every key with the right value?",
    ),
    ("identity", True): (
        "Look in the policies of {who}, its groups' too, for Deny statements.",
        DENY_FIRST,
        "A Deny that asks for MFA or for a place is met by signing in so, not by another policy.",
    ),
    ("resource", False): (
        "Read the policy on {resource}. Is there an Allow that names {who} or its account?",
        "Across accounts both sides must allow: the policy of {who} and the one on the resource.",
        "If it trusts the whole account, {who} needs an identity policy for {action} too.",
    ),
    ("resource", True): (
        "Read the policy on {resource} and look for its Deny statements.",
        DENY_FIRST,
    ),
    ("boundary", False): (
        "See which permissions boundary {who} has.",
        "A boundary grants nothing, but it must allow {action} too: add it there.",
    ),
    ("boundary", True): ("Read the permissions boundary of {who}.", DENY_FIRST),
    ("session", False): (
        "See what policy was passed when the session was made (Policy, PolicyArns).",
        "The session may do only what the role and the session policy both allow.",
    ),
    ("session", True): ("See what policy was passed when the session was made.", DENY_FIRST),
    ("scp", False): (
        "Ask who runs the organization: an SCP at the root, an OU or the account lacks {action}.",
        "Every level must allow it. Nothing inside the account can change that.",
    ),
    ("scp", True): (
        "Ask who runs the organization which SCP denies {action}, and under what condition.",
        "Nothing inside the account can change that.",
    ),
    ("rcp", True): (
        "Ask who runs the organization that owns {resource} which RCP denies {action}.",
        "Often it asks that the caller be of the same organization.",
    ),
    ("endpoint", False): (
        "The call went through a VPC endpoint: read that endpoint's policy.",
        "It must allow {action} on {resource} for {who}.",
    ),
    ("endpoint", True): ("Read the VPC endpoint's policy.", DENY_FIRST),
    ("trust", False): (
        "Read the role's trust policy: does an Allow name {who}, its account or its provider?",
        "Look at its Condition: external ID, MFA, or the token's sub and aud.",
        "From another account, {who} also needs an identity policy for {action}.",
    ),
    ("trust", True): ("Read the role's trust policy and its Deny statements.", DENY_FIRST),
    ("key", None): (
        "See whether the key exists, and in which Region: AWS says the same when it does not.",
        "Read the key policy: does it allow {action} for {who}, or for the whole account?",
        "If for the account, look for an Allow for {action} in the identity policies of {who}.",
    ),
    (None, True): (
        "Look for Deny statements: identity policies of {who}, permissions boundary, SCPs.",
        "Read the policy on {resource}, if it can have one, and look for its Deny statements.",
        "No Allow helps against a Deny. Read its Condition first: often it asks for MFA, a Region "
        "or a network.",
    ),
    (None, None): (
        "Run `aws sts get-caller-identity`: are you who you think you are?",
        "Look for an Allow in the identity policies of {who} that covers {action}.",
        "Look for a Deny: identity policies, permissions boundary, SCPs.",
        "Read the policy on {resource}, if it can have one; across accounts it must allow too.",
        "See whether the resource exists: AWS says no rather than that it is not there.",
    ),
}
DECODE = (
    "Read the encoded part: `aws sts decode-authorization-message --encoded-message ...`. Paste "
    "what it prints here."
)
CHECKS["trust", None] = CHECKS["trust", False]
CHECKS["rcp", False] = CHECKS["rcp", True]
HEAD = (
    "Make the same call as {operation}: the answer to a HEAD request has no body, so AWS could not "
    "write the reason into it."
)

_WHO = "AWS did not accept the caller at all. "
_KEYS = (
    "Run `aws sts get-caller-identity` with the same profile: it shows who you are, or fails too.",
    "Look which credentials the program really uses: environment variables win over profiles.",
)
# What no policy is the reason of. Name: (what it means, what to do).
CAUSES: dict[str, tuple[str, tuple[str, ...]]] = {
    "expired": (
        _WHO + "Its temporary credentials have run out.",
        (
            "Get new temporary credentials: assume the role again, or sign in again.",
            "If they are new, look at the computer's clock.",
        ),
    ),
    "unknown key": (
        _WHO + "AWS does not know the access key ID, or the key is not active.",
        (
            "Look whether the key was deleted or made inactive.",
            "With temporary credentials, look whether the session token is sent too.",
            *_KEYS,
        ),
    ),
    "signature": (
        _WHO + "The secret access key is wrong, or the request was changed on its way.",
        (
            "Look for a space or a missing character in the secret access key.",
            "Look at the computer's clock: more than five minutes off is too much.",
            *_KEYS,
        ),
    ),
    "clock": (
        _WHO + "The computer's clock is too far off, so the signature is too old or too new.",
        (
            "Set the computer's clock.",
            "In a container or a virtual machine, set the clock of its host.",
        ),
    ),
    "unsigned": (
        _WHO + "The request was not signed.",
        ("Give the program credentials; see whether it found its profile.", *_KEYS),
    ),
    "token": (
        _WHO + "The token is broken, or it was not made for AWS.",
        (
            "Look whether the token was cut off when it was copied.",
            "For a web identity, compare its audience with the identity provider's in IAM.",
        ),
    ),
    "sign-in": (
        "The sign-in to IAM Identity Center has run out. No policy said no.",
        ("Run `aws sso login` with the same profile, then try again.",),
    ),
    "no credentials": (
        "The program found no credentials, so it asked AWS nothing. No policy said no.",
        (
            "Name the profile: AWS_PROFILE, or --profile.",
            "On EC2, ECS, EKS or Lambda, see whether the machine, task, pod or function has a "
            "role.",
            *_KEYS,
        ),
    ),
    "registry": (
        "The password for the container registry (ECR) has run out. No policy said no.",
        ("Run `aws ecr get-login-password` and `docker login` again: it is good for 12 hours.",),
    ),
    "code": (
        "AWS did not accept the MFA code, the device, or both. No policy said no.",
        (
            "Wait for the next code: each one works only once.",
            "Look at the phone's clock; a device out of step is cured with ResyncMFADevice.",
            "Compare the serial number with the device that the user really has.",
        ),
    ),
    "root": (
        "The root user cannot assume a role, whatever the policies say.",
        ("Sign in as an IAM user or with a role, and assume the role from there.",),
    ),
    "model": (
        "The account has no access to this model yet. That is no matter of IAM policies alone.",
        (
            "Look up in the Amazon Bedrock console, in the same Region, what the model asks for.",
            "Then look for an Allow for bedrock:InvokeModel in the identity policies of the "
            "caller.",
        ),
    ),
    "lake formation": (
        "Lake Formation says no: it has grants of its own, beside IAM policies.",
        (
            "Ask an administrator of the data lake to grant the permission that is named.",
            "An IAM policy alone, even AdministratorAccess, does not help.",
        ),
    ),
    "not signed up": (
        "The account is not signed up for this service, or not in this Region.",
        ("Sign up for the service, or enable the Region, then try again.",),
    ),
}

# AWS's error code, to the cause.
REFUSED: dict[str | None, str] = {
    "ExpiredToken": "expired",
    "ExpiredTokenException": "expired",
    "RequestExpired": "expired",
    "InvalidClientTokenId": "unknown key",
    "UnrecognizedClientException": "unknown key",
    "InvalidAccessKeyId": "unknown key",
    "AuthFailure": "unknown key",
    "SignatureDoesNotMatch": "signature",
    "InvalidSignatureException": "signature",
    "RequestTimeTooSkewed": "clock",
    "MissingAuthenticationToken": "unsigned",
    "MissingAuthenticationTokenException": "unsigned",
    "InvalidToken": "token",
    "InvalidIdentityToken": "token",
    "OptInRequired": "not signed up",
}

# Words of a message that give the cause away, whatever its code. [O: public logs]
WORDS = (
    ("Token has expired and refresh failed", "sign-in"),
    ("SSO session associated with this profile", "sign-in"),
    ("Error loading SSO Token", "sign-in"),
    ("Session token not found or invalid", "sign-in"),
    ("Unable to locate credentials", "no credentials"),
    ("Could not load credentials from any providers", "no credentials"),
    ("No valid credential sources", "no credentials"),
    ("Your authorization token has expired. Reauthenticate", "registry"),
    ("MultiFactorAuthentication failed", "code"),
    ("Roles may not be assumed by root accounts", "root"),
    ("access to the model with the specified model ID", "model"),
    ("Insufficient Lake Formation permission", "lake formation"),
)
