"""The one place where the lab touches moto and botocore: the front door, the clock, the state.

Every request that this process sends with botocore or requests, and every request that moto's
server mode receives, goes to the gate first. The patches stand in one table and are all put back.
"""

from __future__ import annotations

import difflib
import os
import re
import socket
import sys
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import botocore.auth
import botocore.configprovider
import botocore.credentials
import botocore.httpsession
import botocore.signers
import botocore.utils
import moto
import moto.backends
import moto.core.botocore_stubber
import moto.core.models
import moto.core.utils
import moto.iam.models
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.exceptions import BotoCoreError, EndpointConnectionError
from moto.core.base_backend import BackendDict
from moto.core.config import default_user_config
from moto.core.request import Request
from moto.core.serialize import XFormedAttributePicker, get_serializer_class

from iamlab.account.callers import new_key_id
from iamlab.account.errors import AwsError, Response
from iamlab.account.wire import (
    ApiCall,
    HttpRequest,
    host_service,
    is_aws_host,
    lower_headers,
    service_model,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from iamlab.account.clock import Clock

# moto's own names of the services that it calls otherwise.
_MOTO_NAMES = {"lambda": "awslambda"}
_GLOBAL = {"iam", "sts", "s3", "organizations"}
# Services that moto has not at all: the lab's own supplements are all there is.
_NOT_IN_MOTO = {"access-analyzer"}
# AWS gives unique IDs whose first letters tell what they name ("IAM identifiers", IAM User Guide).
_ID_PREFIXES = {"User": "AIDA", "Group": "AGPA", "InstanceProfile": "AIPA", "ManagedPolicy": "ANPA"}


class State:
    """A read-only view of what moto holds, and a number that grows when any policy may change.

    Attributes
    ----------
    version : int
        Whoever caches something read from here keeps it only while this stays the same.
    """

    def __init__(self) -> None:
        self.version = 0

    def changed(self) -> None:
        """Say that identities, policies or organizations may have changed."""
        self.version += 1

    def accounts(self) -> list[str]:
        """Return the IDs of the accounts that hold any IAM state."""
        return list(_backends("iam").keys())

    def iam(self, account: str) -> Any:
        """Return moto's IAM backend of an account."""
        return _backends("iam")[account]["aws"]

    def backend(self, service: str, account: str, region: str = "us-east-1") -> Any:
        """Return moto's backend of a service in an account and a region."""
        return _backends(service)[account]["aws" if service in _GLOBAL else region]

    def everywhere(self, service: str, account: str) -> list[Any]:
        """Return moto's backends of a service in each Region where an account has used it."""
        backends = _backends(service)
        return list(backends[account].values()) if account in backends else []

    def bucket_account(self, name: str) -> str | None:
        """Return the account that owns a bucket, or None if there is no such bucket."""
        found = _backends("s3").bucket_accounts.get(name)
        return found[1] if found else None

    def organization(self, account: str) -> Any:
        """Return moto's backend of the organization an account belongs to, or None."""
        backends = _backends("organizations")
        owner = backends.master_accounts.get(account, (account, "aws"))[0]
        if owner not in backends:
            return None
        backend = backends[owner]["aws"]
        return backend if backend.org is not None else None

    def role(self, account: str, name: str) -> Any:
        """Return moto's role of that name, or None."""
        return next((r for r in self.iam(account).roles.values() if r.name == name), None)

    def managed_policy(self, arn: str, account: str) -> Any:
        """Return moto's managed policy of that ARN, or None; AWS's own are loaded when asked for.

        Parameters
        ----------
        arn : str
        account : str
            The account that asks: AWS's managed policies are in every account.
        """
        owner = arn.split(":")[4] if arn.count(":") >= 5 else ""
        if owner == "aws":
            self.load_aws_policy(account, arn)
            return self.iam(account).managed_policies.get(arn)
        return self.iam(owner).managed_policies.get(arn) if owner.isdigit() else None

    def load_aws_policy(self, account: str, arn: str | None = None) -> None:
        """Bring one AWS managed policy into an account, or all about 1,300 of them."""
        backend = self.iam(account)
        data = _aws_policies()
        for name, entry in data.items() if arn is None else _named(data, arn):
            policy_arn = f"arn:aws:iam::aws:policy{entry['Path']}{name}"
            if policy_arn not in backend.managed_policies:
                policy = moto.iam.models.AWSManagedPolicy.from_data(
                    name, account, "us-east-1", entry
                )
                backend.managed_policies[policy_arn] = policy
                backend.aws_managed_policies.append(policy)


def _named(data: dict[str, Any], arn: str) -> Iterator[tuple[str, Any]]:
    name = arn.rsplit("/", 1)[-1]
    if name in data:
        yield name, data[name]


@lru_cache(maxsize=1)
def _aws_policies() -> dict[str, Any]:
    import json

    from moto.iam.aws_managed_policies import aws_managed_policies_data

    return json.loads(aws_managed_policies_data)


@cache
def _backends(service: str) -> Any:
    return moto.backends.get_backend(_MOTO_NAMES.get(service, service))


@cache
def _routes(service: str) -> list[tuple[re.Pattern[str], Callable[..., Any]]]:
    """Return moto's handlers of a service. moto compiles these anew at each call."""
    if service in _NOT_IN_MOTO:
        return []
    backend = _backends(service)["000000000000"]["aws" if service in _GLOBAL else "us-east-1"]
    handlers = backend.urls.items()
    routes = [(re.compile(url), _corrected(service, handler)) for url, handler in handlers]
    del _backends(service)["000000000000"]
    return routes


def _corrected(service: str, handler: Callable[..., Any]) -> Callable[..., Any]:
    """Put a function of the lab in the place of one of moto's while moto handles a call.

    moto judges bucket and key policies without looking at who asks: it no longer does. And what
    instances get at their launch is completed.
    """
    owner: Any
    new: dict[str, Callable[..., Any]]
    if service == "s3":
        from moto.s3.models import FakeBucket as owner

        new = {"get_permission": _permitted}
    elif service == "kms":
        import moto.kms.responses as owner

        new = {"validate_policy": _permitted}
    elif service == "ec2":
        from moto.ec2.models import EC2Backend as owner

        from iamlab.account.supplements.instances import completed

        new = completed(owner)
    else:
        return handler

    def call(*args: Any) -> Any:
        real = {name: getattr(owner, name) for name in new}
        for name, function in new.items():
            setattr(owner, name, function)
        try:
            return handler(*args)
        finally:
            for name, function in real.items():
                setattr(owner, name, function)

    call.__self__ = handler.__self__  # type: ignore[attr-defined]
    return call


def _permitted(*_: Any) -> Any:
    from moto.iam.access_control import PermissionResult

    return PermissionResult.PERMITTED


def ask_moto(request: HttpRequest, call: ApiCall, account: str) -> Response:
    """Let moto carry out a call that has been authorized.

    Parameters
    ----------
    request : HttpRequest
    call : ApiCall
    account : str
        The account whose state it acts on.

    Returns
    -------
    tuple of (int, dict, bytes)

    Raises
    ------
    AwsError
        501 where moto has no such operation.
    """
    if not has(call.service, call.operation):
        raise _missing(call)
    headers = dict(request.headers)
    headers["x-moto-account-id"] = account
    url = request.url
    host = request.netloc.partition(":")[0]
    if not is_aws_host(host):
        # It came over loopback: give moto the URL that AWS would have seen.
        found = host_service(host)
        name = f"{found[2]}.s3" if found else call.service
        headers["host"] = f"{name}.{call.region}.amazonaws.com"
        url = f"https://{headers['host']}{request.path}"
        url += f"?{request.query}" if request.query else ""
    normal = Request.from_primitives(request.method, url, headers, request.body)
    raw = normal.raw_url
    clean = raw.partition("?")[0]
    for pattern, handler in _routes(call.service):
        if pattern.match(clean):
            try:
                status, answer, body = handler(normal, raw, normal.headers)
            except NotImplementedError:
                break
            except Exception as error:
                from werkzeug.exceptions import HTTPException

                if isinstance(error, HTTPException):
                    status, answer, body = error.code or 400, error.get_headers(), error.get_body()
                else:
                    raise AwsError(
                        "InternalFailure",
                        f"The lab's copy of {call.service}:{call.operation} failed: {error!r}",
                        501,
                    ) from error
            if isinstance(body, str):
                body = body.encode()
            return int(status), {str(k): str(v) for k, v in dict(answer).items()}, body or b""
    raise _missing(call)


# moto's methods that only refuse use no other names than these.
_REFUSES = {"NotImplementedError", "error_on_dryrun"}


@cache
def has(service: str, operation: str) -> bool:
    """Return whether moto's part of a service has an operation at all.

    Parameters
    ----------
    service, operation : str
        Such as ``"ec2"`` and ``"RunInstances"``.

    Returns
    -------
    bool

    Notes
    -----
    Of S3's operations many differ by a word in the query alone, such as ``?metrics``. Where moto
    does not know the word it would do something else: delete the bucket, overwrite the object.
    """
    if service in _NOT_IN_MOTO:
        return False
    part = _routes(service)[0][1].__self__  # the class whose methods are named like boto3's
    if service == "s3":
        http = service_model("s3").operation_model(operation).http
        path, _, query = http["requestUri"].partition("?")
        words = [word for word in query.split("&") if word and "=" not in word]
        place = "key" if "{Key" in path else "bucket"
        method = getattr(part, f"_{place}_response_{http['method'].lower()}", None)
        known = method.__code__.co_consts if method else ()
        return operation == "DeleteObjects" or all(word in known for word in words)
    method = getattr(part, xform_name(operation), None)
    if method is None:
        return False
    names = set(method.__code__.co_names)
    return "NotImplementedError" not in names or not names <= _REFUSES


def _missing(call: ApiCall) -> AwsError:
    """Say what is not there, and name what works and is called almost the same."""
    everything = service_model(call.service).operation_names
    names = [name for name in everything if has(call.service, name)]
    close = difflib.get_close_matches(call.operation, names, 3, 0.5)
    return AwsError(
        "NotImplemented",
        f"The lab does not have {call.service}:{call.operation} yet. Your call was allowed; "
        "nothing was done. `iamlab doctor --coverage` lists what is missing, and why."
        + (f" Close by, these work: {', '.join(close)}." if close else ""),
        501,
    )


# The credential report keeps the first use in any 15 minutes ("Generate credential reports for
# your AWS account", IAM User Guide).
REPORTED_APART = timedelta(minutes=15)


def mark_used(state: State, caller: Any, now: datetime, service: str, region: str) -> None:
    """Note when, for which service and where a user's access key was last used."""
    key = state.iam(caller.account).access_keys.get(caller.access_key_id)
    if key is not None:
        use = moto.iam.models.AccessKeyLastUsed(now, service, region)
        before = getattr(key, "reported_use", None) or key.last_used
        apart = before is None or now - before.timestamp >= REPORTED_APART
        key.last_used, key.reported_use = use, use if apart else before


@lru_cache(maxsize=512)
def _serializer(service: str, operation: str, protocol: str) -> Any:
    model = service_model(service).operation_model(operation)
    transformers = None
    if service == "iam":
        # moto's IAM objects do not call everything as the API does; this says how they differ.
        from moto.iam.responses import IamResponse

        transformers = IamResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER
    picker = XFormedAttributePicker(response_transformers=transformers)
    return get_serializer_class(service, protocol)(operation_model=model, value_picker=picker)


def serialize(call: ApiCall, result: dict[str, Any]) -> Response:
    """Write a supplement's result (botocore's output shape) in the service's wire format."""
    protocol = str(service_model(call.service).protocol)
    form = call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if call.service == "sqs" and form:
        protocol = "query"
    written = _serializer(call.service, call.operation, protocol).serialize(result)
    body = written["body"]
    return (
        written["status_code"],
        dict(written["headers"]),
        body.encode() if isinstance(body, str) else body,
    )


# --- The front door -------------------------------------------------------------------------


class Installation:
    """All that the lab changes in this process, and the way back.

    Parameters
    ----------
    handle : callable
        The gate: takes an HttpRequest, returns (status, headers, body).
    clock : Clock
        Lab time.
    environment : dict of str to (str or None)
        Environment variables to set; None removes one.
    metadata : callable
        Answers for 169.254.169.254 and its like; None where nobody would.
    """

    def __init__(
        self,
        handle: Callable[[HttpRequest], Response],
        clock: Clock,
        environment: dict[str, str | None],
        metadata: Callable[[HttpRequest], Response | None],
    ) -> None:
        self._handle = handle
        self._metadata = metadata
        self._clock = clock
        self._environment = environment
        self._undo: list[Callable[[], None]] = []

    def install(self) -> None:
        """Put the lab between this process and the network."""
        if moto.core.models.MockAWS._mocks_active:
            raise RuntimeError(
                "moto's mock_aws is on in this process, and the lab would wipe what it holds. "
                "Stop it first, or start the lab in another kernel."
            )
        try:
            for owner, name, value in self._patches():
                self._patch(owner, name, value)
            for name, value in self._environment.items():
                self.set_environment(name, value)
            self._patch(default_user_config, "iam", {"load_aws_managed_policies": False})
        except BaseException:
            self.uninstall()
            raise

    def uninstall(self) -> None:
        """Put back everything, last change first."""
        while self._undo:
            self._undo.pop()()

    def _patches(self) -> list[tuple[Any, str, Any]]:
        handle, clock, metadata = self._handle, self._clock, self._metadata
        real_send = botocore.httpsession.URLLib3Session.send
        real_seconds = botocore.credentials.RefreshableCredentials._seconds_remaining
        local_now = botocore.credentials._local_now

        def send(session: Any, request: Any) -> AWSResponse:
            http = _leaves_for(request.url)
            if http == "loopback":
                return real_send(session, request)
            if http == "elsewhere":
                raise NotAws(url=request.url)
            response = (metadata if http == "metadata" else handle)(from_botocore(request))
            if response is None:
                # The error botocore expects where no instance or container is.
                raise EndpointConnectionError(endpoint_url=request.url, error="the lab is running")
            status, headers, body = response
            answer = AWSResponse(request.url, status, _answer_headers(headers), _Raw(body))
            if not request.stream_output:
                _ = answer.content
            return answer

        def seconds_remaining(credentials: Any) -> float:
            if credentials._time_fetcher is not local_now:
                return real_seconds(credentials)
            return (credentials._expiry_time - clock.now()).total_seconds()

        def current_datetime(remove_tzinfo: bool = True) -> Any:
            now = clock.now()
            return now.replace(tzinfo=None) if remove_tzinfo else now

        def utcnow() -> Any:
            return clock.now().replace(tzinfo=None)

        def presigned_until(auth: Any) -> str:
            return str(int(clock.now().timestamp()) + int(auth._expires))

        def mocked(*_: Any, **__: Any) -> None:
            raise RuntimeError(
                "The lab is running and has this process's pretend AWS: mock_aws would wipe it. "
                "Call lab.stop() first if you want moto alone."
            )

        def process_request(_: Any, request: Any) -> Any:
            return handle(from_botocore(request))

        patches: list[tuple[Any, str, Any]] = [
            (botocore.httpsession.URLLib3Session, "send", send),
            (botocore.credentials.RefreshableCredentials, "_seconds_remaining", seconds_remaining),
            (botocore.credentials, "_local_now", clock.now),
            (botocore.auth.HmacV1QueryAuth, "_get_date", presigned_until),
            (moto.core.models.MockAWS, "start", mocked),
            (moto.core.botocore_stubber.BotocoreStubber, "process_request", process_request),
            (moto.core.utils.convert_to_flask_response, "__call__", _server_view(handle)),
            # The environment sends other programs (the AWS CLI) to loopback; here it is not needed.
            (botocore.configprovider.ConfiguredEndpointProvider, "provide", lambda _: None),
            (socket, "getaddrinfo", _guard_names(socket.getaddrinfo)),
            (socket.socket, "connect", _guard_addresses(socket.socket.connect)),
            (socket.socket, "connect_ex", _guard_addresses(socket.socket.connect_ex)),
        ]
        patches += [
            # botocore.endpoint has one too, for time-outs: that stays on the real clock.
            (module, "get_current_datetime", current_datetime)
            for module in (botocore.auth, botocore.signers, botocore.utils)
        ]
        self._everywhere("utcnow", utcnow)
        # IAM's dates are whole seconds.
        self._patch(moto.iam.models, "utcnow", lambda: utcnow().replace(microsecond=0))
        # moto lists the methods of a class anew at each call; they are always the same.
        names = moto.core.utils.method_names_from_class
        self._everywhere("method_names_from_class", lru_cache(None)(names))
        patches += [
            (getattr(moto.iam.models, cls), "__init__", _with_id(cls, prefix))
            for cls, prefix in _ID_PREFIXES.items()
        ]
        patches += _requests_patches(handle, metadata)
        return patches

    def _patch(self, owner: Any, name: str, value: Any) -> None:
        if isinstance(owner, dict):
            missing = name not in owner
            before = owner.get(name)
            owner[name] = value
            self._undo.append(
                lambda: owner.pop(name) and None if missing else owner.__setitem__(name, before)
            )
            return
        before = owner.__dict__[name] if name in vars(owner) else None
        inherited = name not in vars(owner)
        setattr(owner, name, value)
        self._undo.append(
            lambda: delattr(owner, name) if inherited else setattr(owner, name, before)
        )

    def _everywhere(self, name: str, new: Any) -> None:
        """Replace a function of moto.core.utils in every module that imported it.

        Modules that are imported later get the new one, and lose it again at the end.
        """
        old = getattr(moto.core.utils, name)
        _swap(name, old, new)
        self._undo.append(lambda: _swap(name, new, old))

    def set_environment(self, name: str, value: str | None) -> None:
        """Set an environment variable (None removes it); :meth:`uninstall` puts it back."""
        before = os.environ.get(name)
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
        self._undo.append(
            lambda: (
                os.environ.pop(name, None) and None
                if before is None
                else os.environ.__setitem__(name, before)
            )
        )


def make_administrator(state: State, account: str, key_id: str, secret: str) -> None:
    """Give an account its user ``administrator``, with AdministratorAccess and this access key."""
    backend, user = state.iam(account), administrator(account)
    for policy in user.managed_policies.values():
        backend.managed_policies[policy.arn] = policy
        backend.aws_managed_policies.append(policy)
    backend.users[user.name] = user
    key = user.create_access_key("AKIA")
    key.access_key_id, key.secret_access_key = key_id, secret
    backend.access_keys[key_id] = key


def administrator(account: str) -> Any:
    """Return a user ``administrator`` with AdministratorAccess who is not (yet) in the account."""
    models = moto.iam.models
    policy = models.AWSManagedPolicy(
        "AdministratorAccess",
        account_id=account,
        region="us-east-1",
        default_version_id="v1",
        path="/",
        document=_ADMINISTRATOR_ACCESS,
        create_date=datetime(2015, 2, 6, 18, 39, 46),
        update_date=datetime(2015, 2, 6, 18, 39, 46),
    )
    user = models.User(account, "us-east-1", "administrator")
    policy.attach_to(user)
    return user


# AWS's own document, word for word: it is all that this policy says.
_ADMINISTRATOR_ACCESS = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
)


def wipe() -> None:
    """Forget every account that moto holds."""
    BackendDict.reset()
    _backends("s3").bucket_accounts.clear()
    _backends("organizations").master_accounts.clear()


def forget_account(account: str) -> None:
    """Forget an account's IAM, as if nobody had ever asked for it."""
    _backends("iam").pop(account, None)


def from_botocore(request: Any) -> HttpRequest:
    """Return a botocore (or requests) prepared request as the gate reads it."""
    body = request.body
    if body is None:
        body = b""
    elif isinstance(body, str):
        body = body.encode()
    elif hasattr(body, "read"):
        body = body.read()
        body = body.encode() if isinstance(body, str) else body
    elif not isinstance(body, bytes | bytearray):
        body = b"".join(body)
    return HttpRequest(request.method, request.url, lower_headers(request.headers), bytes(body))


class _Raw:
    """What botocore reads an answer from."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def read(self, amount: int | None = None, **_: Any) -> bytes:
        end = len(self._body) if amount is None or amount < 0 else self._at + amount
        part = self._body[self._at : end]
        self._at += len(part)
        return part

    def readinto(self, buffer: Any) -> int:
        part = self.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def stream(self, amount: int = 65536, **_: Any) -> Iterator[bytes]:
        while part := self.read(amount):
            yield part

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._at = len(self._body)

    @property
    def closed(self) -> bool:
        return False


def _answer_headers(headers: dict[str, str]) -> Any:
    from botocore.awsrequest import HeadersDict

    return HeadersDict(headers)


_LOOPBACK = {"localhost", "127.0.0.1", "::1", "[::1]"}


def _leaves_for(url: str) -> str:
    host = (urlsplit(url).hostname or "").lower()
    if is_aws_host(host):
        return "aws"
    if _is_metadata(host):
        return "metadata"
    if host in _LOOPBACK or host.startswith("127.") or host.endswith(".localhost"):
        return "loopback"
    return "elsewhere"


def _is_metadata(host: str) -> bool:
    # Where EC2 and ECS hand out real credentials. The lab answers; nothing is sent there.
    return host.startswith("169.254.") or host.startswith("fd00:ec2:")


class NotAws(BotoCoreError):
    """A client with an ``endpoint_url`` that is neither AWS nor this machine."""

    fmt = (
        "The lab is running, and {url} is neither AWS nor this machine. The lab never sends "
        "anything out. Make the client without endpoint_url, or call lab.stop() first."
    )


class LeavesTheLab(OSError):
    """Something other than botocore or requests tried to reach AWS while the lab was running."""


def _refuse(host: str) -> LeavesTheLab:
    return LeavesTheLab(
        f"The lab is running, so nothing may reach {host}. Use boto3 or requests: the lab "
        "answers those. To reach the real AWS, call lab.stop() first."
    )


def _guard_names(real: Callable[..., Any]) -> Callable[..., Any]:
    def getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        name = host.decode("latin-1") if isinstance(host, bytes) else str(host or "")
        if is_aws_host(name) or _is_metadata(name):
            raise _refuse(name)
        return real(host, *rest, **named)

    return getaddrinfo


def _guard_addresses(real: Callable[..., Any]) -> Callable[..., Any]:
    def connect(sock: socket.socket, address: Any) -> Any:
        if isinstance(address, tuple) and address and isinstance(address[0], str):
            host = address[0].lower()
            if is_aws_host(host) or _is_metadata(host):
                raise _refuse(host)
        return real(sock, address)

    return connect


def _swap(name: str, old: Any, new: Any) -> None:
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith("moto.") and vars(module).get(name) is old:
            setattr(module, name, new)


def _with_id(cls: str, prefix: str) -> Callable[..., None]:
    real = getattr(moto.iam.models, cls).__init__

    def init(entity: Any, *args: Any, **kwargs: Any) -> None:
        real(entity, *args, **kwargs)
        entity.id = prefix + new_key_id("")[:17]

    return init


def _requests_patches(
    handle: Callable[[HttpRequest], Response],
    metadata: Callable[[HttpRequest], Response | None],
) -> list[tuple[Any, str, Any]]:
    """Catch the requests package too: for presigned URLs, and for the metadata service."""
    import requests
    import requests.adapters
    from requests.structures import CaseInsensitiveDict
    from urllib3.response import HTTPResponse

    real = requests.adapters.HTTPAdapter.send

    def send(adapter: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        where = _leaves_for(request.url)
        if where not in ("aws", "metadata"):
            return real(adapter, request, *args, **kwargs)
        response = (handle if where == "aws" else metadata)(from_botocore(request))
        if response is None:
            raise requests.ConnectionError(_refuse(request.url), request=request)
        status, headers, body = response
        answer = requests.Response()
        answer.status_code = status
        answer.headers = CaseInsensitiveDict(headers)
        from io import BytesIO

        answer.raw = HTTPResponse(BytesIO(body), headers, status, preload_content=False)
        answer.url, answer.request, answer.connection = request.url, request, adapter
        return answer

    return [(requests.adapters.HTTPAdapter, "send", send)]


def _server_view(handle: Callable[[HttpRequest], Response]) -> Callable[..., Any]:
    """Stand in for every view of moto's server mode, its own /moto-api pages included."""

    def view(_: Any, args: Any = None, **__: Any) -> Any:
        from flask import Response as FlaskResponse
        from flask import request

        http = HttpRequest(
            request.method,
            request.raw_url,  # type: ignore[attr-defined]
            lower_headers(request.headers),
            request.get_data(),
            request.remote_addr,
        )
        status, headers, body = handle(http)
        return FlaskResponse(response=body, status=status, headers=headers)

    return view
