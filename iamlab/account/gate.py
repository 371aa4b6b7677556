"""The gate every call passes: who are you, may you, then moto, then the record."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from iamlab.account import operations, seam, signature, supplements
from iamlab.account.callers import ANONYMOUS, Caller
from iamlab.account.errors import (
    STYLES,
    AwsError,
    Response,
    denial,
    numbered,
    refusal,
    respond,
)
from iamlab.account.trail import Record, Refusal
from iamlab.account.wire import ApiCall, HttpRequest, host_service, is_aws_host, read_call
from iamlab.policy import Decision, Request, evaluate

if TYPE_CHECKING:
    from iamlab.account.lab import Lab

# Calls that AWS takes unsigned: a token in the request says who asks.
_UNSIGNED = {"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"}
# A call that only reads cannot change which policies apply.
_READS = ("Get", "List", "Describe", "Simulate", "Generate", "Head", "Lookup", "Query", "Scan")
_FROM_HEADERS = (("aws:UserAgent", "user-agent"), ("aws:Referer", "referer"))
_CHANGERS = {"iam", "organizations"}


class NotInTheLab(NotImplementedError):
    """A service that the lab does not serve. Nothing was sent anywhere."""

    def __init__(self, service: str) -> None:
        super().__init__(
            f"The lab does not have the service {service!r}. It has {', '.join(STYLES)}. "
            "Nothing was sent anywhere."
        )


class Gate:
    """Judges every request, and lets moto carry out what is allowed.

    Parameters
    ----------
    lab : Lab
        Whose accounts, clock, callers and record to use.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        # moto is not written for threads: one call at a time.
        self.lock = threading.RLock()

    def handle(self, request: HttpRequest) -> Response:
        """Answer one HTTP request as AWS would.

        Parameters
        ----------
        request : HttpRequest

        Returns
        -------
        tuple of (int, dict, bytes)
            HTTP status, headers, body.
        """
        with self.lock:
            return self._handle(request)

    def decide(
        self,
        caller: Caller,
        action: str,
        resource: str,
        context: dict[str, Any] | None = None,
        *,
        resource_account: str | None = None,
        policy_of: tuple[Any, ...] | None = None,
        call: ApiCall | None = None,
    ) -> Decision:
        """Ask the account's present policies about one action, without calling anything.

        Returns
        -------
        Decision
        """
        lab = self._lab
        facts = lab.attached.context(caller)
        now = lab.clock.now()
        facts["aws:CurrentTime"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        facts["aws:EpochTime"] = str(int(now.timestamp()))
        if caller.kind != "service":
            facts["aws:SourceIp"] = call.source_ip if call else lab.source_ip
        facts["aws:SecureTransport"] = "true" if call is None or call.secure else "false"
        facts["aws:RequestedRegion"] = call.region if call else lab.region
        facts["aws:ViaAWSService"] = "false"
        for key, header in _FROM_HEADERS:
            if call is not None and header in call.headers:
                facts[key] = call.headers[header]
        session = caller.session
        if session is not None and session.mfa_at is not None:
            facts["aws:MultiFactorAuthAge"] = str(int((now - session.mfa_at).total_seconds()))
        if resource_account:
            facts["aws:ResourceAccount"] = resource_account
            organization = lab.attached.organization_id(resource_account)
            if organization:
                facts["aws:ResourceOrgID"] = organization
        if context:
            facts.update(context)
        asked = Request(
            caller.arn,
            action,
            resource,
            facts,
            resource_account=resource_account,
            issuer=_issuer(caller),
        )
        return evaluate(asked, lab.attached.policies(caller, policy_of, resource_account))

    def _handle(self, request: HttpRequest) -> Response:
        service, region, bucket = self._service(request)
        call = ApiCall(service, "", {}, region or self._lab.region, headers=request.headers)
        call.source_ip = request.source_ip or self._lab.source_ip
        call.secure = not request.url.startswith("http://") or request.source_ip is not None
        record = Record(
            self._lab.clock.now(), "", service, "", call.region, "", {}, "", call.source_ip, ()
        )
        record.user_agent = request.headers.get("user-agent", "")
        self._lab.trail.records.append(record)
        if service not in STYLES:
            record.refused = Refusal("NotInTheLab", str(NotInTheLab(service)))
            raise NotInTheLab(service)
        try:
            call.operation, call.params = read_call(request, service, bucket)
            record.operation, record.params = call.operation, call.params
            self._identify(request, call, record)
            # STS reads the form and the MFA code first: the code is part of what policies see.
            context = supplements.authenticate(call, self._lab)
            if call.caller is not record.caller:  # a token said who calls
                record.caller, record.principal = call.caller, call.caller.arn
            owner = self._authorize(call, record, context)
            answer = self._carry_out(request, call, owner)
            record.request_id, answer = numbered(service, answer)
            if answer[0] >= 400:
                record.error = _answered(answer[0], answer[2])
            elif service == "sts" or not call.operation.startswith(_READS):
                record.response = answer
            return answer
        except AwsError as error:
            record.error = error
            query = service == "sqs" and "x-amz-target" not in request.headers
            answer = respond(service, error, request.method == "HEAD", query)
            record.request_id, answer = numbered(service, answer)
            return answer

    def _service(self, request: HttpRequest) -> tuple[str, str | None, str | None]:
        host = request.headers.get("host") or request.netloc
        found = host_service(host) or host_service(request.netloc)
        if found is not None:
            return found
        name = (request.netloc.partition(":")[0]).lower()
        if is_aws_host(name) or name.startswith("169.254.") or name.startswith("fd00:ec2:"):
            return name.partition(".")[0] or name, None, None
        # Over loopback the host says nothing: the signature's scope names the service.
        try:
            claim = signature.read_claim(request)
        except signature.Malformed:
            claim = None
        if claim is not None and claim.service:
            return claim.service, claim.region or None, None
        form = request.body[:4096].decode("latin-1")
        if any(f"Action={name}" in form or f"Action={name}" in request.query for name in _UNSIGNED):
            return "sts", None, None
        return "s3", None, None

    # --- Who are you ------------------------------------------------------------------------

    def _identify(self, request: HttpRequest, call: ApiCall, record: Record) -> None:
        try:
            call.caller = self._caller(request, call, record)
        except AwsError as error:
            record.principal = record.access_key_id or "unknown"
            record.refused = Refusal(error.code, error.message)
            raise
        call.account = record.account = call.caller.account
        record.principal = call.caller.arn
        record.caller = call.caller

    def _caller(self, request: HttpRequest, call: ApiCall, record: Record) -> Caller:
        service = call.service
        try:
            claim = signature.read_claim(request)
        except signature.Malformed as problem:
            raise refusal(service, "malformed", detail=str(problem)) from None
        if claim is None:
            if service == "s3" or (service == "sts" and call.operation in _UNSIGNED):
                return ANONYMOUS
            raise refusal(service, "missing")
        record.access_key_id = claim.access_key_id
        if claim.version == 4 and claim.service != service:
            raise refusal(service, "scope")
        if claim.region:
            call.region = record.region = claim.region
        found = self._lab.callers.find(claim.access_key_id)
        if found is None or not found.active:
            raise refusal(service, "unknown")
        if found.token is not None and not claim.token:
            raise refusal(service, "unknown")
        if not signature.matches(claim, request, found.secret):
            raise refusal(service, "signature")
        if claim.token != found.token:
            raise refusal(service, "token")
        self._in_time(claim, service)
        session = found.caller.session
        if session is not None and self._lab.clock.now() >= session.expires:
            raise refusal(service, "expired")
        limited = supplements.may_not_call(found.caller, service, call.operation)
        if limited is not None:
            record.caller, record.account = found.caller, found.caller.account
            raise limited
        return found.caller

    def _in_time(self, claim: signature.Claim, service: str) -> None:
        now = self._lab.clock.now()
        if claim.version == 2:
            if claim.in_query and now.timestamp() > (claim.expires or 0):
                raise refusal(service, "url_expired")
            return
        assert claim.signed_at is not None
        if claim.in_query:
            if now > claim.signed_at + timedelta(seconds=claim.expires or 0):
                raise refusal(
                    service,
                    "url_expired" if service == "s3" else "skewed",
                    **_dates(claim.signed_at, now),
                )
            return
        # Programs outside this process sign by the real clock: either clock will do.
        real = self._lab.clock.real_now()
        if all(abs(t - claim.signed_at) > signature.ALLOWED_SKEW for t in (now, real)):
            raise refusal(service, "skewed", **_dates(claim.signed_at, now))

    # --- May you ----------------------------------------------------------------------------

    def _authorize(self, call: ApiCall, record: Record, context: dict[str, Any]) -> str:
        """Ask for every permission the call needs; return whose account the call acts on."""
        caller, lab = call.caller, self._lab
        decisions: list[Decision] = []
        call.decisions = record.decisions = decisions
        checks = operations.checks(call, lab.state)
        item_by_item = supplements.item_by_item(call, lab)
        for check in checks:
            decision = self.decide(
                caller,
                check.action,
                check.resource,
                check.context | context if context else check.context,
                resource_account=check.resource_account,
                policy_of=check.policy_of,
                call=call,
            )
            decisions.append(decision)
            if decision.effect != "allowed" and not item_by_item:
                near = self._near(caller.account, check.resource_account)
                self._used(call, record)
                raise denial(call.service, caller.arn, decision, near)
        self._used(call, record)
        first = checks[0] if checks else None
        # Only what has a resource policy can be reached from another account.
        shared = first is not None and first.policy_of is not None
        owner = first.resource_account if shared and call.service != "sts" else None
        return owner or call.account or lab.account_id

    def _near(self, account: str, owner: str | None) -> bool:
        """Within the account or its organization: there S3 gives the reason of a denial."""
        if owner in (None, "", account):
            return True
        ours = self._lab.attached.organization_id(account) if account else None
        return ours is not None and ours == self._lab.attached.organization_id(str(owner))

    def _used(self, call: ApiCall, record: Record) -> None:
        """Note when and where a key or a role was last used: denied calls count too."""
        caller = call.caller
        if caller.entity is None:
            return
        now = record.time.replace(tzinfo=None)
        if caller.kind == "role":
            caller.entity.last_used = now
            caller.entity.last_used_region = call.region
        elif caller.session is None:
            seam.mark_used(self._lab.state, caller, now, call.service, call.region)

    # --- Do it ------------------------------------------------------------------------------

    def _carry_out(self, request: HttpRequest, call: ApiCall, owner: str) -> Response:
        lab = self._lab
        changes = call.service in _CHANGERS and not call.operation.startswith(_READS)
        try:
            if call.service == "iam":
                self._load_aws_policies(call)
            supplements.before(call, lab)
            result = supplements.answer(call, lab)
            if result is not None:
                return seam.serialize(call, result)
            return seam.ask_moto(request, call, owner)
        finally:
            if changes:
                lab.state.changed()

    def _load_aws_policies(self, call: ApiCall) -> None:
        arn = str(call.params.get("PolicyArn") or call.params.get("PermissionsBoundary") or "")
        if arn.startswith("arn:aws:iam::aws:policy/"):
            self._lab.state.load_aws_policy(call.account, arn)
        elif call.operation == "ListPolicies" and call.params.get("Scope") != "Local":
            self._lab.state.load_aws_policy(call.account)


def _issuer(caller: Caller) -> str | None:
    if caller.kind == "federated" and caller.entity is not None:
        return caller.entity.arn
    return caller.principal_arn if caller.kind == "role" else None


def _dates(signed: Any, now: Any) -> dict[str, str]:
    form = "%Y%m%dT%H%M%SZ"
    return {
        "signed": signed.strftime(form),
        "earliest": (now - signature.ALLOWED_SKEW).strftime(form),
        "now": now.strftime(form),
    }


def _answered(status: int, body: bytes) -> AwsError:
    """Return the error that moto answered, for the record."""
    text = body.decode("utf-8", "replace")
    code = _between(text, "<Code>", "</Code>") or _between(text, '"__type": "', '"')
    message = _between(text, "<Message>", "</Message>") or _between(text, '"message": "', '"')
    return AwsError(code or str(status), message or text[:200], status)


def _between(text: str, before: str, after: str) -> str:
    _, found, rest = text.partition(before)
    return rest.partition(after)[0] if found else ""
