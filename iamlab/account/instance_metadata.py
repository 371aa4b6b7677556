"""The instance metadata service (IMDS): what an EC2 instance can ask about itself, and its keys.

On AWS every instance finds this service at http://169.254.169.254, an address that leads nowhere
else. Code on the instance asks it for the temporary credentials of the instance's role. So no key
ever has to be stored on the instance: whoever reads its disk finds nothing.

Version 2 (IMDSv2) wants two steps. First PUT /latest/api/token: the answer is a token. Then GET,
with the token in a header. A web server on the instance that can be tricked into fetching a URL
for a stranger can only GET, and sets no headers: version 2 gives it nothing. Version 1 answers a
plain GET, and has given many keys away.

Sources: "Use the Instance Metadata Service to access instance metadata", "Instance metadata
categories", "Retrieve security credentials from instance metadata", Amazon EC2 User Guide;
"Troubleshoot IAM and Amazon EC2", IAM User Guide.

What differs from AWS: the hop limit cannot be shown, since nothing lies between a process and
loopback. The identity document is not signed. EC2's own credentials (identity-credentials) and
block devices are left out. EC2 assumes the role when it is first asked, not at the launch.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from iamlab.account import service_roles
from iamlab.account.errors import AwsError, Response
from iamlab.account.supplements.instances import find_instance

if TYPE_CHECKING:
    from datetime import datetime

    from iamlab.account.callers import Session
    from iamlab.account.lab import Lab
    from iamlab.account.wire import HttpRequest

TOKEN_TTL = "x-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "x-aws-ec2-metadata-token"
LONGEST_TTL = 21_600  # seconds: six hours
LIFETIME = 21_600  # of the role's credentials, in seconds; AWS's last about six hours [O]
# AWS has new ones ready at least five minutes before the old ones expire. The lab has them an
# hour before: SDKs begin to ask a quarter of an hour before.
RENEWED_BEFORE = timedelta(hours=1)
_HELP = (
    "Please see documentation at https://docs.aws.amazon.com/IAM/latest/UserGuide/"
    "troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc."
)
_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}
# Every version of the paths leads to the same things here.
_VERSION = re.compile(r"latest|1\.0|\d{4}-\d\d-\d\d")


class InstanceMetadata:
    """The metadata service of one instance.

    Parameters
    ----------
    lab : Lab
    backend : object
        moto's EC2 backend of the instance's account and Region.
    instance_id : str

    Examples
    --------
    >>> import boto3, iamlab
    >>> from iamlab.account.wire import HttpRequest
    >>> with iamlab.start() as lab:
    ...     made = boto3.client("ec2").run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
    ...     instance_id = made["Instances"][0]["InstanceId"]
    ...     service = InstanceMetadata(lab, lab.state.backend("ec2", lab.account_id), instance_id)
    ...     url = "http://169.254.169.254/latest/meta-data/placement/region"
    ...     service.handle(HttpRequest("GET", url, {}, b""))[2]
    b'us-east-1'
    """

    def __init__(self, lab: Lab, backend: Any, instance_id: str) -> None:
        self._lab = lab
        self._backend = backend
        self._id = instance_id
        self._tokens: dict[str, datetime] = {}
        self._sessions: dict[tuple[str, str], Session] = {}

    @property
    def arn(self) -> str:
        """The instance's ARN."""
        where = f"{self._backend.region_name}:{self._backend.account_id}"
        return f"arn:aws:ec2:{where}:instance/{self._id}"

    def handle(self, request: HttpRequest) -> Response:
        """Answer one HTTP request from the instance.

        Parameters
        ----------
        request : HttpRequest

        Returns
        -------
        tuple of (int, dict, bytes)
            400 for a PUT with no or a wrong time to live, 401 for a missing (where version 2 is
            required), wrong or expired token, 403 where it is turned off or not allowed, 404
            where there is nothing.
        """
        instance = find_instance(self._backend, self._id)
        if instance is None or instance.state != "running":
            state = "gone" if instance is None else instance.state
            return _error(503, f"Instance {self._id} is {state}: nothing runs on it.")
        options = instance.metadata_options
        if options.http_endpoint == "disabled":
            return _error(403)
        if request.method == "PUT":
            return self._new_token(request)
        if request.method not in ("GET", "HEAD"):
            return _error(405)
        token = request.headers.get(TOKEN)
        left = self._seconds_left(token) if token is not None else 0
        if left <= 0 and (token is not None or options.http_tokens == "required"):
            return _error(401)
        delivery = "2.0" if token is not None else "1.0"
        found = self._find(request.path, instance, delivery)
        if found is None:
            return _error(404)
        headers = {"content-type": "text/plain"} | ({TOKEN_TTL: str(left)} if token else {})
        return 200, headers, found.encode(errors="surrogateescape")

    def _new_token(self, request: HttpRequest) -> Response:
        if request.path != "/latest/api/token" or "x-forwarded-for" in request.headers:
            return _error(403)  # a proxy passed it on: it does not come from the instance
        ttl = request.headers.get(TOKEN_TTL, "")
        if not (ttl.isascii() and ttl.isdigit() and 1 <= int(ttl) <= LONGEST_TTL):
            return _error(400)
        token = secrets.token_urlsafe(40) + "=="
        self._tokens[token] = self._lab.clock.now() + timedelta(seconds=int(ttl))
        return 200, {"content-type": "text/plain", TOKEN_TTL: ttl}, token.encode()

    def _seconds_left(self, token: str) -> int:
        expires = self._tokens.get(token)
        if expires is None:
            return 0
        left = (expires - self._lab.clock.now()).total_seconds()
        return max(1, int(left)) if left > 0 else 0

    def _find(self, path: str, instance: Any, delivery: str) -> str | None:
        """What stands at a path: a text, or the names of what is below it."""
        names = [name for name in path.split("/") if name]
        if not names:
            return "latest"
        if not _VERSION.fullmatch(names[0]):
            return None
        at: Any = self._tree(instance, delivery)
        for name in names[1:]:
            at = at.get(name) if isinstance(at, dict) else None
        if callable(at):
            return at()
        if isinstance(at, dict):
            slash = "/" if len(names) > 1 else ""  # of a folder; the top level has none
            return "\n".join(n + slash * isinstance(below, dict) for n, below in at.items())
        return at

    def _tree(self, instance: Any, delivery: str) -> dict[str, Any]:
        nic = instance.nics[0]
        groups = "\n".join(group.name for group in instance.security_groups)
        mac = {
            "device-number": "0",
            "interface-id": nic.id,
            "local-hostname": instance.private_dns_name,
            "local-ipv4s": instance.private_ip,
            "mac": nic.mac_address,
            "owner-id": self._backend.account_id,
            "security-groups": groups,
            "subnet-id": instance.subnet_id or nic.subnet.id,
            "vpc-id": instance.vpc_id,
        }
        data = {
            "ami-id": instance.image_id,
            "ami-launch-index": str(instance.ami_launch_index),
            "hostname": instance.private_dns_name,
            "iam": self._iam(delivery),
            "instance-action": "none",
            "instance-id": instance.id,
            "instance-life-cycle": "on-demand",
            "instance-type": instance.instance_type,
            "local-hostname": instance.private_dns_name,
            "local-ipv4": instance.private_ip,
            "mac": nic.mac_address,
            "network": {"interfaces": {"macs": {nic.mac_address: mac}}},
            "placement": {
                "availability-zone": instance.availability_zone,
                "region": self._backend.region_name,
            },
            "public-hostname": instance.public_dns_name,
            "public-ipv4": instance.public_ip,
            "reservation-id": next(
                r.id for r in self._backend.reservations.values() if instance in r.instances
            ),
            "security-groups": groups,
            "services": {"domain": "amazonaws.com", "partition": "aws"},
        }
        if instance.metadata_options.instance_metadata_tags == "enabled":
            tags = self._backend.tags.get(self._id, {})
            data["tags"] = {"instance": dict(tags)}
        tree: dict[str, Any] = {
            "dynamic": {"instance-identity": {"document": lambda: self._document(instance)}},
            "meta-data": {name: value for name, value in data.items() if value},
        }
        if instance.user_data:
            tree["user-data"] = _user_data(str(instance.user_data))
        return tree

    def _document(self, instance: Any) -> str:
        nothing = ("billingProducts", "devpayProductCodes", "kernelId", "marketplaceProductCodes")
        document = dict.fromkeys((*nothing, "ramdiskId")) | {
            "accountId": self._backend.account_id,
            "architecture": instance.architecture,
            "availabilityZone": instance.availability_zone,
            "imageId": instance.image_id,
            "instanceId": instance.id,
            "instanceType": instance.instance_type,
            "pendingTime": _written(instance.launch_time),
            "privateIp": instance.private_ip,
            "region": self._backend.region_name,
            "version": "2017-09-30",
        }
        return json.dumps(dict(sorted(document.items())), indent=2)

    # --- The role ---------------------------------------------------------------------------

    def _iam(self, delivery: str) -> dict[str, Any]:
        """The iam/ folder; empty, and so not there, for an instance without a profile."""
        association = self._backend.iam_instance_profile_associations.get(self._id)
        if association is None:
            return {}
        profile = association.iam_instance_profile
        known = self._lab.state.iam(self._backend.account_id).instance_profiles.values()
        if profile not in known:
            said = {
                "Code": "InstanceProfileNotFound",
                "Message": f"The instance profile {profile.arn} was not found. {_HELP}",
            }
            return {"info": _json(said | {"LastUpdated": self._now()})}
        role = profile.roles[0] if profile.roles else None
        info = {"Code": "Success", "LastUpdated": self._now()}
        if role is None:
            info["Message"] = f"Instance Profile does not contain a role. {_HELP}"
        info |= {"InstanceProfileArn": profile.arn, "InstanceProfileId": profile.id}
        if role is None:
            return {"info": _json(info)}
        return {
            "info": _json(info),
            "security-credentials": {role.name: lambda: self._credentials(role, delivery)},
        }

    def _credentials(self, role: Any, delivery: str) -> str:
        key = (role.id, delivery)
        session = self._sessions.get(key)
        if session is None or self._lab.clock.now() >= session.expires - RENEWED_BEFORE:
            try:
                session = self._sessions[key] = self._assume(role, delivery)
            except AwsError:
                said = {
                    "Code": "AssumeRoleUnauthorizedAccess",
                    "Message": f"EC2 cannot assume the role {role.name}. {_HELP}",
                }
                return _json(said | {"LastUpdated": self._now()})
        said = {
            "Code": "Success",
            "LastUpdated": _written(session.issued),
            "Type": "AWS-HMAC",
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret,
            "Token": session.token,
            "Expiration": _written(session.expires),
        }
        return _json(said)

    def _assume(self, role: Any, delivery: str) -> Session:
        """The session is called like the instance; its calls carry where they come from.

        Source: "AWS global condition context keys", IAM User Guide: properties of roles for EC2.
        """
        instance = find_instance(self._backend, self._id)
        keys = {
            "ec2:RoleDelivery": delivery,
            "ec2:SourceInstanceArn": self.arn,
            "aws:Ec2InstanceSourceVpc": instance.vpc_id,
            "aws:Ec2InstanceSourcePrivateIPv4": instance.private_ip,
        }
        return service_roles.assume(
            self._lab,
            "ec2.amazonaws.com",
            role,
            self._id,
            seconds=LIFETIME,
            source_arn=self.arn,
            region=self._backend.region_name,
            keys={key: value for key, value in keys.items() if value},
        )

    def _now(self) -> str:
        return _written(self._lab.clock.now())


def _user_data(sent: str) -> str:
    """What RunInstances took in base64, as it was before: any bytes.

    Source: "Run commands when you launch an EC2 instance with user data input", EC2 User Guide.
    """
    try:
        return base64.b64decode(sent, validate=True).decode(errors="surrogateescape")
    except binascii.Error:
        return sent


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _json(said: dict[str, str]) -> str:
    return json.dumps(said, indent=2)


def _error(status: int, more: str = "") -> Response:
    title = f"{status} - {_REASONS[status]}"
    body = (
        '<?xml version="1.0" encoding="iso-8859-1"?>\n'
        f'<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">\n'
        f" <head>\n  <title>{title}</title>\n </head>\n"
        f" <body>\n  <h1>{title}</h1>\n{more and f'  <p>{more}</p>{chr(10)}'} </body>\n</html>\n"
    )
    return status, {"content-type": "text/html"}, body.encode()
