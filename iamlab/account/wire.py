"""Reads an HTTP request as an AWS API call: which service, which operation, which parameters."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from iamlab.account.errors import STYLES, AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from iamlab.account.callers import Caller
    from iamlab.policy import Decision


@dataclass(slots=True)
class HttpRequest:
    """An HTTP request, however it reached the lab.

    Attributes
    ----------
    method, url : str
        The URL as it was signed: whole, still percent-encoded.
    headers : dict of str to str
        Names in small letters.
    body : bytes
    source_ip : str or None
        The caller's address; None for calls from this process.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    source_ip: str | None = None
    netloc: str = ""
    path: str = ""
    query: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        self.netloc, self.path, self.query = parts.netloc, parts.path or "/", parts.query


@dataclass(slots=True)
class ApiCall:
    """One API call, as the gate understood it.

    Attributes
    ----------
    service, operation : str
        botocore's names: ``"iam"``, ``"GetUser"``.
    params : dict
        By botocore's member names, structured. Object bodies (S3) are left out.
    region, account : str
        Where the call goes; the caller's account.
    caller : Caller
    headers : dict of str to str
        Names in small letters.
    source_ip : str
    secure : bool
        True for HTTPS.
    decisions : sequence of Decision
        What the gate decided; all allowed, but for calls that AWS answers item by item.
    """

    service: str
    operation: str
    params: dict[str, Any]
    region: str = "us-east-1"
    account: str = ""
    caller: Caller = None  # type: ignore[assignment]
    headers: dict[str, str] = field(default_factory=dict)
    source_ip: str = ""
    secure: bool = True
    decisions: Sequence[Decision] = ()


_NAMES = "|".join(name for name in STYLES if name != "s3")
_HOSTS = (
    re.compile(
        rf"^(?P<service>{_NAMES})(?:-fips)?(?:\.(?P<region>[a-z]{{2}}[a-z0-9-]+))?"
        r"\.(?:amazonaws\.com|api\.aws)$"
    ),
    re.compile(r"^\d{12}\.(?P<service>ddb)\.(?P<region>[a-z0-9-]+)\.amazonaws\.com$"),
    re.compile(r"^(?:(?P<region>[a-z0-9-]+)\.)?(?P<service>queue)\.amazonaws\.com$"),
    re.compile(
        r"^(?:(?P<bucket>[^/]+?)\.)?(?P<service>s3)(?:-external-1)?(?:[.-](?:dualstack\.|fips\.)?"
        r"(?P<region>[a-z]{2}-[a-z0-9-]+))?\.amazonaws\.com$"
    ),
    # Where an SDK's endpoint is http://localhost:PORT, S3's buckets stand before that name.
    re.compile(r"^(?P<bucket>[^/]+)\.(?P<service>localhost)$"),
)
# The lab calls a service as its actions and signatures do; botocore's name differs here.
BOTOCORE_NAMES = {"access-analyzer": "accessanalyzer"}
_LEGACY = {"ddb": "dynamodb", "queue": "sqs", "localhost": "s3"}
# Every name under which AWS answers. Nothing that ends so may ever leave this machine.
AWS_DOMAINS = (
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".api.aws",
    ".aws.dev",
    ".on.aws",
    ".awsapps.com",
    ".amazonaws.eu",
)


@lru_cache(maxsize=4096)
def host_service(netloc: str) -> tuple[str, str | None, str | None] | None:
    """Return (service, region, bucket) of an AWS host name, or None if the lab does not serve it.

    Parameters
    ----------
    netloc : str
        Host name, perhaps with a port.

    Returns
    -------
    tuple of (str, str or None, str or None) or None

    Examples
    --------
    >>> host_service("reports.s3.eu-west-1.amazonaws.com")
    ('s3', 'eu-west-1', 'reports')
    """
    host = netloc.rsplit("@", 1)[-1].partition(":")[0].lower()
    for pattern in _HOSTS:
        found = pattern.match(host)
        if found:
            names = found.groupdict()
            service = _LEGACY.get(names["service"], names["service"])
            return service, names.get("region"), names.get("bucket")
    return None


def is_aws_host(host: str) -> bool:
    """Return True for a name under which AWS answers.

    Examples
    --------
    >>> is_aws_host("athena.us-east-1.amazonaws.com"), is_aws_host("example.com")
    (True, False)
    """
    return ("." + host.lower().rstrip(".")).endswith(AWS_DOMAINS)


def read_call(request: HttpRequest, service: str, bucket: str | None) -> tuple[str, dict[str, Any]]:
    """Return the operation that a request asks for, and its parameters.

    Parameters
    ----------
    request : HttpRequest
    service : str
        botocore's name.
    bucket : str or None
        The bucket named by the host, for S3.

    Returns
    -------
    tuple of (str, dict)
        Operation and parameters, by botocore's names.

    Raises
    ------
    AwsError
        If the service has no such operation: what cannot be read is refused.

    Examples
    --------
    >>> read_call(HttpRequest("POST", "https://iam.amazonaws.com/", {},
    ...     b"Action=GetUser&Version=2010-05-08&UserName=ana"), "iam", None)
    ('GetUser', {'UserName': 'ana'})
    """
    style = STYLES[service]
    if style == "s3":
        return _read_s3(request, bucket)
    if style == "rest-json":
        return _read_rest_json(request, service)
    if "x-amz-target" in request.headers and style in ("json", "sqs"):
        return _read_json(request, service)
    if style in ("query", "ec2", "sqs"):
        return _read_query(request, service)
    raise AwsError("UnknownOperationException", "The request names no operation.", 404)


@cache
def service_model(service: str) -> Any:
    """Return botocore's model of a service."""
    from moto.core.utils import get_service_model

    return get_service_model(BOTOCORE_NAMES.get(service, service))


@cache
def operation_names(service: str) -> frozenset[str]:
    """Return the names of all operations of a service."""
    return frozenset(service_model(service).operation_names)


def unknown_operation(service: str, name: str) -> AwsError:
    """Word AWS's answer to an operation that the service does not have."""
    if STYLES[service] in ("query", "ec2", "sqs"):
        version = service_model(service).api_version
        text = f"Could not find operation {name} for version {version}"
        return AwsError("InvalidAction", text, 400)
    return AwsError("UnknownOperationException", "", 400)


def _read_query(request: HttpRequest, service: str) -> tuple[str, dict[str, Any]]:
    values = dict(parse_qsl(request.query, keep_blank_values=True))
    if request.method == "POST" and request.body:
        values.update(_form(request.body))
    operation = values.pop("Action", "")
    if operation not in operation_names(service):
        raise unknown_operation(service, operation)
    shape = service_model(service).operation_model(operation).input_shape
    if shape is None:
        return operation, {}
    if service == "sqs":
        # botocore's model of SQS has forgotten the names of its older query form.
        values.setdefault("QueueUrl", request.url.partition("?")[0])
        return operation, values
    return operation, _structure(values, shape, service)


def _form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True)
    except (UnicodeDecodeError, ValueError):
        raise AwsError("MalformedQueryString", "The query string is not UTF-8 text.", 400) from None


def _structure(values: dict[str, str], shape: Any, service: str) -> dict[str, Any]:
    """Turn ``Tags.member.1.Key=a`` into ``{"Tags": [{"Key": "a"}]}``, by the service's model."""
    ec2 = service == "ec2"
    if all("." not in key for key in values):
        plan = _SCALARS.get((service, shape.name))
        if plan is None:
            plan = {_wire_name(name, member, ec2): name for name, member in shape.members.items()}
            _SCALARS[service, shape.name] = plan
        return {plan[key]: value for key, value in values.items() if key in plan}
    prefixes = set()
    for key in values:
        while key:
            prefixes.add(key)
            key = key.rpartition(".")[0]
    return _member(values, prefixes, shape, "", ec2) or {}


# How the members of a request travel, by service and shape: read from the model once.
_SCALARS: dict[tuple[str, str], dict[str, str]] = {}


def _wire_name(name: str, member: Any, ec2: bool) -> str:
    if not ec2:
        return member.serialization.get("name", name)
    if "queryName" in member.serialization:
        return member.serialization["queryName"]
    wire = member.serialization.get("name", name)
    return wire[0].upper() + wire[1:]


def _member(values: dict[str, str], prefixes: set[str], shape: Any, prefix: str, ec2: bool) -> Any:
    kind = shape.type_name
    if kind == "structure":
        found = {}
        for name, member in shape.members.items():
            wire = _wire_name(name, member, ec2)
            key = f"{prefix}.{wire}" if prefix else wire
            if key in prefixes or (member.type_name == "list" and not ec2):
                value = _member(values, prefixes, member, key, ec2)
                if value is not None:
                    found[name] = value
        return found
    if kind == "list":
        return _list(values, prefixes, shape, prefix, ec2)
    if kind == "map":
        key_name = shape.key.serialization.get("name", "key")
        value_name = shape.value.serialization.get("name", "value")
        base = prefix if shape.serialization.get("flattened") else f"{prefix}.entry"
        pairs = {}
        index = 1
        while f"{base}.{index}" in prefixes:
            value = _member(values, prefixes, shape.value, f"{base}.{index}.{value_name}", ec2)
            pairs[values.get(f"{base}.{index}.{key_name}", "")] = value
            index += 1
        return pairs
    return values.get(prefix)


def _list(
    values: dict[str, str], prefixes: set[str], shape: Any, prefix: str, ec2: bool
) -> list[Any] | None:
    base = prefix
    if not ec2:
        name = shape.member.serialization.get("name")
        if shape.serialization.get("flattened"):
            if name:
                base = ".".join([*prefix.split(".")[:-1], name])
        else:
            base = f"{prefix}.{name or 'member'}"
    items = []
    index = 1
    while f"{base}.{index}" in prefixes:
        items.append(_member(values, prefixes, shape.member, f"{base}.{index}", ec2))
        index += 1
    if items:
        return items
    return [] if prefix in values else None


def _read_json(request: HttpRequest, service: str) -> tuple[str, dict[str, Any]]:
    target = request.headers["x-amz-target"]
    prefix, _, operation = target.rpartition(".")
    if prefix != service_model(service).metadata.get("targetPrefix"):
        raise unknown_operation(service, target)
    if operation not in operation_names(service):
        raise unknown_operation(service, operation)
    return operation, _json_body(request.body)


def _json_body(body: bytes) -> dict[str, Any]:
    try:
        params = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise AwsError("SerializationException", "The request body is not JSON.", 400) from None
    if not isinstance(params, dict):
        raise AwsError("SerializationException", "The request body is not a JSON object.", 400)
    return params


def _read_rest_json(request: HttpRequest, service: str) -> tuple[str, dict[str, Any]]:
    operation, params = _route(service, request)
    model = service_model(service).operation_model(operation)
    if model.input_shape is None:
        return operation, params
    params = _located(service, model.input_shape, request) | params
    payload = model.input_shape.serialization.get("payload")
    if not payload and request.body:
        params = _json_body(request.body) | params
    return operation, params


def _route(service: str, request: HttpRequest) -> tuple[str, dict[str, Any]]:
    from moto.core.request import Request
    from moto.core.routing import NotFound, get_service_router

    plain = Request.from_primitives(request.method, request.url, request.headers, b"")
    try:
        model, params = get_service_router(BOTOCORE_NAMES.get(service, service)).match(plain)
    except (NotFound, NotImplementedError):
        raise unknown_operation(service, f"{request.method} {request.path}") from None
    return model.name, dict(params)


def _located(service: str, shape: Any, request: HttpRequest) -> dict[str, Any]:
    """Return the members that travel in the query string and in headers."""
    params: dict[str, Any] = {}
    query = dict(parse_qsl(request.query, keep_blank_values=True)) if request.query else {}
    for name, where, wire, kind in _locations(service, shape):
        if where == "header":
            if wire in request.headers:
                params[name] = request.headers[wire]
        elif where == "headers":
            found = {
                key[len(wire) :]: value
                for key, value in request.headers.items()
                if key.startswith(wire)
            }
            if found:
                params[name] = found
        elif kind == "list" and wire in query:
            pairs = parse_qsl(request.query, keep_blank_values=True)
            params[name] = [value for key, value in pairs if key == wire]
        elif wire in query:
            params[name] = query[wire]
    return params


_LOCATIONS: dict[tuple[str, str], list[tuple[str, str, str, str]]] = {}


def _locations(service: str, shape: Any) -> list[tuple[str, str, str, str]]:
    plan = _LOCATIONS.get((service, shape.name))
    if plan is None:
        plan = []
        for name, member in shape.members.items():
            where = member.serialization.get("location")
            if where in ("header", "headers", "querystring"):
                wire = member.serialization.get("name", name)
                wire = wire if where == "querystring" else wire.lower()
                plan.append((name, where, wire, member.type_name))
        _LOCATIONS[service, shape.name] = plan
    return plan


# The queries and headers whose value, not only presence, chooses the S3 operation.
_S3_VALUES = ("list-type", "x-id")
_S3_ROUTES: dict[tuple[Any, ...], str] = {}


@cache
def _s3_headers() -> frozenset[str]:
    """Return the headers that some S3 operation requires: they choose between operations."""
    model = service_model("s3")
    names = set()
    for operation in model.operation_names:
        shape = model.operation_model(operation).input_shape
        if shape is None:
            continue
        for name in shape.required_members:
            member = shape.members[name]
            if member.serialization.get("location") == "header":
                names.add(member.serialization.get("name", name).lower())
    return frozenset(names)


def _read_s3(request: HttpRequest, bucket: str | None) -> tuple[str, dict[str, Any]]:
    path = request.path
    if bucket is None:
        name, _, key = path[1:].partition("/")
        bucket = unquote(name) or None
    else:
        key = path[1:]
    pairs = parse_qsl(request.query, keep_blank_values=True) if request.query else []
    kind = 2 if key else 1 if bucket else 0
    chooser = (
        request.method,
        kind,
        tuple(sorted(pair if pair[0] in _S3_VALUES else (pair[0],) for pair in pairs)),
        tuple(sorted(_s3_headers().intersection(request.headers))),
    )
    operation = _S3_ROUTES.get(chooser)
    if operation is None:
        # moto's router reads the path style; give it that, whatever the client used.
        where = "/" + quote(bucket or "", safe="") + ("/k" if key else "")
        styled = HttpRequest(
            request.method,
            f"https://s3.us-east-1.amazonaws.com{where}?{request.query}",
            request.headers,
            b"",
        )
        operation, _ = _route("s3", styled)
        if len(_S3_ROUTES) < 4096:
            _S3_ROUTES[chooser] = operation
    model = service_model("s3").operation_model(operation)
    params: dict[str, Any] = {}
    if model.input_shape is not None:
        params = _located("s3", model.input_shape, request)
        params |= _s3_payload(model, request)
    if bucket:
        params["Bucket"] = bucket
    if key:
        params["Key"] = unquote(key)
    return operation, params


def _s3_payload(model: Any, request: HttpRequest) -> dict[str, Any]:
    """Return what an XML body says (DeleteObjects' keys, a bucket's configuration …)."""
    shape = model.input_shape
    payload = shape.serialization.get("payload")
    if not payload or not request.body:
        return {}
    if payload == "Policy":  # a bucket policy is JSON, as it stands
        return {payload: request.body.decode("utf-8", "replace")}
    if shape.members[payload].type_name != "structure":
        return {}
    from moto.core.parse import PROTOCOL_PARSERS

    parsed = PROTOCOL_PARSERS["rest-xml"](model).parse(
        {
            "method": request.method,
            "values": {},
            "headers": {},
            "body": request.body,
            "url_path": request.path,
            "url_params": {},
        }
    )
    return {payload: parsed[payload]} if payload in parsed else {}


def lower_headers(headers: Mapping[str, Any]) -> dict[str, str]:
    """Return headers with names in small letters and values as text."""
    return {
        str(name).lower(): value.decode("latin-1") if isinstance(value, bytes) else str(value)
        for name, value in headers.items()
    }
