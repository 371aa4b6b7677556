"""AWS's own words for a policy it refuses, as tables: what is wrong -> what AWS says.

Each line is marked by how sure it is: ``documented`` (AWS's documentation), ``observed`` (quoted in
public reports of real AWS answers), ``remembered`` (known, not found again) or ``ours`` (no
report found: the nearest AWS wording was taken).
"""

SYNTAX = "Syntax errors in policy."
PREFACED = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
NOT_OF_TYPE = (
    "The provided policy document does not meet the requirements of the specified policy type."
)
IAM_PATHS = (
    *("user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/"),
    *("server-certificate/", "policy/", "sms-mfa/", "saml-provider/", "oidc-provider/"),
    *("report/", "access-report/"),
)

# what is wrong: (AWS's text for IAM policies, how sure, what to do next)
IAM = {
    "json": (SYNTAX, "observed", "This is not valid JSON: {detail}"),
    "form": (SYNTAX, "observed", "{detail}"),
    "surrogate": (SYNTAX, "ours", "Half a character (a lone surrogate) is in the text: remove it."),
    "duplicate": (SYNTAX, "ours", "{detail} is written twice here: keep one of them."),
    "unknown": (SYNTAX, "observed", "There is no element {detail} here. {why}"),
    "statement": (SYNTAX, "observed", "A policy needs a Statement with at least one statement."),
    "no statements": (SYNTAX, "remembered", "The Statement list is empty: write one statement."),
    "version": (SYNTAX, "remembered", 'Version must be "2012-10-17" (or the old "2008-10-17").'),
    "old version": (
        "Policy document must be version 2012-10-17 or greater.",
        "observed",
        'Write "Version": "2012-10-17" as the first element of the policy.',
    ),
    "no effect": (SYNTAX, "remembered", 'Every statement needs "Effect": "Allow" or "Deny".'),
    "effect": (SYNTAX, "observed", 'Effect must be "Allow" or "Deny".'),
    "effect case": (
        "The policy failed legacy parsing",
        "observed",
        'Effect must be "Allow" or "Deny", with a capital letter first.',
    ),
    "no Action": (
        "Policy statement must contain actions.",
        "observed",
        'Say what the statement is about, for example "Action": "s3:GetObject".',
    ),
    "no Resource": (
        "Policy statement must contain resources.",
        "observed",
        'Say which resources are meant: "Resource": an ARN, a list of ARNs, or "*".',
    ),
    "no Principal": (
        "Missing required field Principal",
        "observed",
        "Say who is meant: a Principal element, for example "
        '"Principal": {{"AWS": "arn:aws:iam::111122223333:user/ana"}}.',
    ),
    "principal forbidden": (
        "Policy document should not specify a principal.",
        "observed",
        "Remove {detail}: whoever the policy is attached to is the principal.",
    ),
    "prohibited": ("Has prohibited field {detail}", "observed", "Remove {detail}. {why}"),
    "both": (SYNTAX, "remembered", "A statement has either {detail} or Not{detail}, not both."),
    "prefix": (
        PREFACED,
        "observed",
        'An action is "service:Name", for example "s3:GetObject", or "*".',
    ),
    "colons": (
        "Actions/Condition can contain only one colon.",
        "observed",
        'An action is "service:Name" with one colon. A whole ARN belongs into Resource.',
    ),
    "vendor": (
        "Vendor {detail} is not valid",
        "remembered",
        "The part before the colon is a service prefix such as s3 or iam, without wildcards.",
    ),
    "arn": (
        'Resource {detail} must be in ARN format or "*".',
        "observed",
        'Write the whole ARN, for example "arn:aws:s3:::reports/*", or "*".',
    ),
    "partition": (
        'Partition "{part}" is not valid for resource "{detail}".',
        "observed",
        'The second part of an ARN is the partition, usually "aws".',
    ),
    "service": (
        "Resource vendor must be fully qualified and cannot contain regexes.",
        "remembered",
        "The third part of an ARN is one service, such as s3; no wildcard is allowed there.",
    ),
    "region": (
        "IAM resource {detail} cannot contain region information.",
        "remembered",
        "IAM is global: leave the fourth part of the ARN empty, as in arn:aws:iam::…",
    ),
    "iam path": (
        'IAM resource path must either be "*" or start with ' + ", ".join(IAM_PATHS) + ".",
        "remembered",
        "The last part of an IAM ARN says what kind of thing is meant, for example user/ana.",
    ),
    "principal": ("Invalid principal in policy: {part}", "observed", "{detail}"),
    "sid": (
        "Statement IDs (SID) must be alpha-numeric. "
        "Check that your input satisfies the regular expression [0-9A-Za-z]*",
        "observed",
        "Use only letters and digits in Sid: no spaces, dashes or underscores.",
    ),
    "sid twice": (
        "Statement IDs (SID) in a single policy must be unique.",
        "observed",
        'Two statements have the Sid "{detail}": change one.',
    ),
    "trust action": (
        "AssumeRole policy may only specify STS AssumeRole actions.",
        "observed",
        "A trust policy is about becoming the role: use sts:AssumeRole or one of its sisters.",
    ),
    "date": (
        "The policy failed legacy parsing",
        "remembered",
        "Write the date as 2026-11-30T17:00:00Z, or as seconds since 1970.",
    ),
    "operator": (
        SYNTAX,
        "ours",
        "There is no condition operator {detail}. For example: StringEquals, Bool, IpAddress.",
    ),
}

_FIELDS = {
    "statement": "Missing required field Statement",  # observed for S3
    "no effect": "Missing required field Effect",  # remembered
    "no Action": "Missing required field Action",  # remembered
    "no Resource": "Missing required field Resource",  # remembered
}
_ORGANIZATIONS = dict.fromkeys(IAM, NOT_OF_TYPE)  # observed: one text for everything

# Other kinds of policy say some things differently.
WORDS = {
    "trust": {**_FIELDS, "json": "This policy contains invalid Json"},  # observed
    "resource": _FIELDS,
    "key": _FIELDS,
    "bucket": {
        **_FIELDS,
        "json": "This policy contains invalid Json",  # remembered
        "not object": "Policies must be valid JSON and the first byte must be '{{'",  # observed
        "unknown": "Unknown field {detail}",  # remembered
        "no statements": "Could not parse the policy: Statement is empty!",  # observed
        "version": "The policy must contain a valid version string",  # remembered
        "effect": "Invalid effect: {detail}",  # observed
        "effect case": "Invalid effect: {detail}",  # observed
        "prefix": "Policy has invalid action",  # observed
        "colons": "Policy has invalid action",
        "vendor": "Policy has invalid action",
        "arn": "Policy has invalid resource",  # observed
        "partition": "Policy has invalid resource",
        "service": "Policy has invalid resource",
        "principal": "Invalid principal in policy",  # observed
        "operator": "Invalid Condition type : {detail}",  # remembered
    },
    "scp": _ORGANIZATIONS,
    "rcp": _ORGANIZATIONS,
}
CODES = {
    "bucket": "MalformedPolicy",
    "key": "MalformedPolicyDocumentException",
    "scp": "MalformedPolicyDocumentException",
    "rcp": "MalformedPolicyDocumentException",
}


class _Facts(dict):
    def __missing__(self, key: str) -> str:
        return ""


def words(problem: str, kind: str | None, facts: dict[str, str]) -> tuple[str, str, str]:
    """Return AWS's text, its error code and a plain hint for one problem.

    Parameters
    ----------
    problem : str
        A key of `IAM`.
    kind : str or None
        The kind of policy, see `iamlab.policy.document.parse`.
    facts : dict of str to str
        What the texts name: ``detail``, ``part``, ``why``.

    Examples
    --------
    >>> words("no Principal", "bucket", {})[:2]
    ('Missing required field Principal', 'MalformedPolicy')
    """
    facts = _Facts(facts)
    other = WORDS.get(kind or "", {})
    text = other.get(problem) or IAM[problem][0]
    if problem == "json" and "not object" in other and facts["part"] != "{":
        text = other["not object"]
    code = CODES.get(kind or "", "MalformedPolicyDocument")
    return text.format_map(facts), code, IAM[problem][2].format_map(facts).strip()
