"""EC2's exceptions to the general rule: many resources a call, what launches create, tags.

Source: "Actions, resources, and condition keys for Amazon EC2"; "Example policies to control
access to the Amazon EC2 API" and "Grant permission to tag resources", Amazon EC2 User Guide.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from .iam import find_profile
from .target import NOTHING, Check, Kind, Target, ask, fill, pass_role, tags_of, words

TAG_PREFIXES = ("aws:ResourceTag/", "ec2:ResourceTag/")
CREATES_UNNAMED = True  # what a call creates is asked as TYPE/*
KEYS_BY_KIND = True  # each resource type of a call has its own condition keys

# Members that name a resource of a type, where they are not called like the ARN's placeholder.
_M = {
    "capacity-reservation": "CapacityReservationId CapacityReservationIds "
    "SourceCapacityReservationId DestinationCapacityReservationId",
    "capacity-reservation-cancellation-quote": "QuoteId",
    "certificate": "CertificateArn",
    "coip-pool": "CoipPoolId PoolId",
    "declarative-policies-report": "ReportId",
    "dedicated-host": "HostId HostIds HostIdSet",
    "export-image-task": "ExportImageTaskId ExportTaskId",
    "import-image-task": "ImportTaskId",
    "import-snapshot-task": "ImportTaskId",
    "elastic-ip": "AllocationId AllocationIds",
    "image-usage-report": "ReportId",
    "instance": "InstanceId InstanceIds Instances InstanceSpecification.InstanceId "
    "InstanceCreditSpecifications.InstanceId AssociationId",
    "internet-gateway": "InternetGatewayId InternetGatewayIds GatewayId",
    "ipam-pool": "IpamPoolId Ipv4IpamPoolId Ipv6IpamPoolId SourceIpamPoolId",
    "ipv4pool-ec2": "PoolId PublicIpv4Pool",
    "ipv6pool-ec2": "PoolId Ipv6Pool",
    "key-pair": "KeyName KeyNames",
    "launch-template": "LaunchTemplateId LaunchTemplateIds LaunchTemplateName "
    "LaunchTemplate.LaunchTemplateId LaunchTemplate.LaunchTemplateName "
    "LaunchTemplateConfigs.LaunchTemplateSpecification.LaunchTemplateId",
    "local-gateway-route-table": "LocalGatewayRouteTableId",
    "network-acl": "NetworkAclId NetworkAclIds",
    "placement-group": "GroupName Placement.GroupName",
    "prefix-list": "PrefixListId PrefixListIds DestinationPrefixListId",
    "reserved-instances": "ReservedInstancesIds ReservedInstanceIds",
    "role": "RoleArn",
    "route-table": "RouteTableId RouteTableIds AddRouteTableIds RemoveRouteTableIds",
    "security-group": "GroupId GroupIds SecurityGroupId SecurityGroupIds Groups GroupName "
    "GroupNames SecurityGroups AddSecurityGroupIds RemoveSecurityGroupIds",
    "snapshot": "SnapshotId SnapshotIds SourceSnapshotIds",
    "subnet": "SubnetId SubnetIds AddSubnetIds RemoveSubnetIds TargetVpcSubnetId",
    "transit-gateway-attachment": "TransitGatewayAttachmentId TransitGatewayAttachmentIds "
    "TransportTransitGatewayAttachmentId PeeringAttachmentId AddMiddleboxAttachmentIds",
    "transit-gateway-route-table": "TransitGatewayRouteTableId TargetRouteTableId",
    "volume": "VolumeId VolumeIds SourceVolumeId",
    "vpc-block-public-access-exclusion": "ExclusionId",
    "vpc-endpoint-service": "ServiceId ServiceIds",
    "vpc-flow-log": "FlowLogId FlowLogIds",
    "vpn-gateway": "VpnGatewayId VpnGatewayIds GatewayId",
}
MEMBERS: dict[Any, tuple[str, ...]] = {kind: tuple(words(names)) for kind, names in _M.items()} | {
    # "*": a new one beside those the call names.
    ("RunInstances", "instance"): ("*",),
    ("RunInstances", "volume"): ("*",),
    ("RunInstances", "network-interface"): ("NetworkInterfaces.NetworkInterfaceId",),
    ("RunInstances", "subnet"): ("SubnetId", "NetworkInterfaces.SubnetId"),
    ("RunInstances", "security-group"): (
        "SecurityGroupIds",
        "SecurityGroups",
        "NetworkInterfaces.Groups",
    ),
    ("RunInstances", "snapshot"): ("BlockDeviceMappings.Ebs.SnapshotId",),
    ("CreateSecurityGroup", "security-group"): ("*",),
    ("CreateLaunchTemplate", "launch-template"): ("*",),
    ("CreateVolume", "volume"): ("*",),
    ("CreateSnapshot", "snapshot"): ("*",),
    ("CopySnapshot", "snapshot"): ("SourceSnapshotId", "*"),
    ("CopyImage", "image"): ("SourceImageId", "*"),
    ("CreateImage", "image"): ("*",),
    ("CreateImage", "snapshot"): ("*",),
    ("CreateVpcPeeringConnection", "vpc-peering-connection"): ("*",),
    ("AcceptVpcPeeringConnection", "vpc"): ("*",),
}
KEYS = {
    "InstanceType": "ec2:InstanceType",
    "Placement.AvailabilityZone": "ec2:AvailabilityZone",
    "Placement.Tenancy": "ec2:Tenancy",
    "EbsOptimized": "ec2:EbsOptimized",
    "MetadataOptions.HttpTokens": "ec2:MetadataHttpTokens",
    "MetadataOptions.HttpEndpoint": "ec2:MetadataHttpEndpoint",
    "MetadataOptions.HttpPutResponseHopLimit": "ec2:MetadataHttpPutResponseHopLimit",
    "InstanceMarketOptions.MarketType": "ec2:InstanceMarketType",
    "NetworkInterfaces.AssociatePublicIpAddress": "ec2:AssociatePublicIpAddress",
    "BlockDeviceMappings.Ebs.VolumeType": "ec2:VolumeType",
    "BlockDeviceMappings.Ebs.VolumeSize": "ec2:VolumeSize",
    "BlockDeviceMappings.Ebs.Encrypted": "ec2:Encrypted",
    "AvailabilityZone": "ec2:AvailabilityZone",
    "VolumeType": "ec2:VolumeType",
    "Size": "ec2:VolumeSize",
    "Iops": "ec2:VolumeIops",
    "Throughput": "ec2:VolumeThroughput",
    "Encrypted": "ec2:Encrypted",
    "KeyName": "ec2:KeyPairName",
    "KeyType": "ec2:KeyPairType",
    "Domain": "ec2:Domain",
    "InstanceTenancy": "ec2:Tenancy",
    "Attribute": "ec2:Attribute",
    "Owner": "ec2:Owner",
    "AuthorizedService": "ec2:AuthorizedService",
}
# What RunInstances takes for granted: a condition sees it, asked for or not.
_LAUNCH = {
    "ec2:InstanceType": "m1.small",
    "ec2:Tenancy": "default",
    "ec2:EbsOptimized": "false",
    "ec2:MetadataHttpEndpoint": "enabled",
    "ec2:RootDeviceType": "ebs",
    "ec2:InstanceMarketType": "on-demand",
    "ec2:Encrypted": "false",
    "ec2:VolumeType": "gp2",
    "ec2:IsLaunchTemplateResource": "false",
}
PASSES = {
    "RequestSpotFleet": ((("SpotFleetRequestConfig", "IamFleetRole"), "spotfleet.amazonaws.com"),),
    "CreateFlowLogs": ((("DeliverLogsPermissionArn",), "vpc-flow-logs.amazonaws.com"),),
    "ImportImage": ((("RoleName",), "vmie.amazonaws.com"),),
    "ImportSnapshot": ((("RoleName",), "vmie.amazonaws.com"),),
    "ExportImage": ((("RoleName",), "vmie.amazonaws.com"),),
}

# What an ID begins with -> its resource type; the longest beginning counts.
_PREFIXES = {
    "acl": "network-acl", "ami": "image", "cagw": "carrier-gateway", "cgw": "customer-gateway",
    "cr": "capacity-reservation", "cvpn-endpoint": "client-vpn-endpoint", "dopt": "dhcp-options",
    "eice": "instance-connect-endpoint", "eigw": "egress-only-internet-gateway",
    "eipalloc": "elastic-ip", "eni": "network-interface", "export-ami": "export-image-task",
    "export-i": "export-instance-task", "fl": "vpc-flow-log", "fleet": "fleet",
    "h": "dedicated-host", "i": "instance", "iew": "instance-event-window",
    "igw": "internet-gateway", "import-ami": "import-image-task",
    "import-snap": "import-snapshot-task", "ipam": "ipam", "ipam-pool": "ipam-pool",
    "ipam-scope": "ipam-scope", "ipv4pool-ec2": "ipv4pool-ec2", "ipv6pool-ec2": "ipv6pool-ec2",
    "key": "key-pair", "lt": "launch-template", "nat": "natgateway",
    "pcx": "vpc-peering-connection", "pg": "placement-group", "pl": "prefix-list", "rtb": "route-table",
    "sfr": "spot-fleet-request",
    "sg": "security-group", "sgr": "security-group-rule", "sir": "spot-instances-request",
    "snap": "snapshot", "subnet": "subnet", "tgw": "transit-gateway",
    "tgw-attach": "transit-gateway-attachment", "tgw-rtb": "transit-gateway-route-table",
    "tmf": "traffic-mirror-filter", "tms": "traffic-mirror-session", "tmt": "traffic-mirror-target",
    "vgw": "vpn-gateway", "vol": "volume", "vpc": "vpc", "vpce": "vpc-endpoint",
    "vpce-svc": "vpc-endpoint-service", "vpn": "vpn-connection",
}  # fmt: skip
_NO_ACCOUNT = frozenset(("image", "snapshot"))  # their ARNs leave the account empty


def target(kind: Kind, value: str | None, call: Any, state: Any) -> Target | None:
    """A resource of one type; an ID of another type is not it."""
    if value is None:
        return None
    if value.startswith("arn:"):
        return Target(value)
    backend = state.backend("ec2", call.account, call.region) if value != "*" else None
    value = _by_name(kind.name, value, backend) if backend is not None else value
    if value is None or _kind_of(value) not in (None, kind.name):
        return None
    tags = backend.tags.get(value, NOTHING) if backend is not None else NOTHING
    account = call.account if kind.name in _NO_ACCOUNT else None
    keys: Mapping[str, Any] = NOTHING
    if backend is not None and kind.name in _ABOUT:
        find, about = _ABOUT[kind.name]
        if (found := find(backend, value)) is not None:
            owner = getattr(found, "owner_id", None) if kind.name in _NO_ACCOUNT else None
            account = owner if owner and owner.isdigit() else account
            read = {"ec2:" + key: value_of(found) for key, value_of in about.items()}
            keys = {key: str(v) for key, v in read.items() if v is not None}
    return Target(fill(kind, value, call), account, None, tags, keys)


def _kind_of(id_: str) -> str | None:
    """The resource type of an ID, None if its beginning is not known."""
    start = id_.rpartition("-")[0]
    return _PREFIXES.get(start)


def _by_name(kind: str, value: str, backend: Any) -> str | None:
    """IDs of the things that calls may also name: security groups, templates, associations."""
    if kind == "security-group" and not value.startswith("sg-"):
        groups = (group for vpc in list(backend.groups.values()) for group in vpc.values())
        return next((group.id for group in groups if group.name == value), None)
    if kind == "launch-template" and not value.startswith("lt-"):
        return backend.launch_template_name_to_ids.get(value)
    if kind == "instance" and value.startswith("iip-assoc-"):
        links = list(backend.iam_instance_profile_associations.values())
        return next((link.instance_id for link in links if link.association_id == value), None)
    return value


def _arn(kind: str, id_: str, call: Any) -> str:
    account = "" if kind in _NO_ACCOUNT else call.account
    return f"arn:aws:ec2:{call.region}:{account}:{kind}/{id_}"


def _vpc_arn(thing: Any) -> str | None:
    backend = thing.ec2_backend
    if not thing.vpc_id:
        return None
    return f"arn:aws:ec2:{backend.region_name}:{backend.account_id}:vpc/{thing.vpc_id}"


def _flag(name: str) -> Any:
    return lambda thing: "true" if getattr(thing, name, None) else "false"


def _get(name: str) -> Any:
    def read(thing: Any) -> Any:
        for part in name.split("."):
            thing = getattr(thing, part, None)
        return thing

    return read


def _profile_arn(instance: Any) -> str | None:
    profile = instance.iam_instance_profile
    return profile.get("Arn") if isinstance(profile, Mapping) else getattr(profile, "arn", profile)


def _instance(backend: Any, id_: str) -> Any:
    for reservation in list(backend.reservations.values()):
        for instance in reservation.instances:
            if instance.id == id_:
                return instance
    return None


# How moto's things answer EC2's condition keys: resource type -> (finder, key -> value).
_ABOUT: dict[str, tuple[Any, dict[str, Any]]] = {
    "instance": (
        _instance,
        {
            "InstanceID": _get("id"),
            "InstanceType": _get("instance_type"),
            "AvailabilityZone": _get("placement.zone"),
            "Tenancy": _get("placement.tenancy"),
            "EbsOptimized": _flag("ebs_optimized"),
            "InstanceProfile": _profile_arn,
            "RootDeviceType": _get("root_device_type"),
            "MetadataHttpTokens": _get("metadata_options.http_tokens"),
            "MetadataHttpEndpoint": _get("metadata_options.http_endpoint"),
            "MetadataHttpPutResponseHopLimit": _get("metadata_options.http_put_response_hop_limit"),
        },
    ),
    "volume": (
        lambda backend, id_: backend.volumes.get(id_),
        {
            "VolumeID": _get("id"),
            "VolumeType": _get("volume_type"),
            "VolumeSize": _get("size"),
            "VolumeIops": _get("iops"),
            "Encrypted": _flag("encrypted"),
            "AvailabilityZone": _get("zone.name"),
        },
    ),
    "image": (
        lambda backend, id_: backend.amis.get(id_),
        {
            "ImageID": _get("id"),
            "ImageType": _get("image_type"),
            "Owner": lambda image: image.owner_alias or image.owner_id,
            "Public": _flag("is_public"),
            "RootDeviceType": _get("root_device_type"),
        },
    ),
    "snapshot": (
        lambda backend, id_: backend.snapshots.get(id_),
        {
            "SnapshotID": _get("id"),
            "Owner": _get("owner_id"),
            "VolumeSize": _get("volume.size"),
            "Encrypted": _flag("encrypted"),
        },
    ),
    "subnet": (
        lambda backend, id_: next(
            (zone[id_] for zone in list(backend.subnets.values()) if id_ in zone), None
        ),
        {"SubnetID": _get("id"), "AvailabilityZone": _get("availability_zone"), "Vpc": _vpc_arn},
    ),
    "security-group": (
        lambda backend, id_: next(
            (vpc[id_] for vpc in list(backend.groups.values()) if id_ in vpc), None
        ),
        {"SecurityGroupID": _get("id"), "Vpc": _vpc_arn},
    ),
    "network-interface": (
        lambda backend, id_: backend.enis.get(id_),
        {"NetworkInterfaceID": _get("id"), "AvailabilityZone": _get("subnet.availability_zone")},
    ),
    "vpc": (
        lambda backend, id_: backend.vpcs.get(id_),
        {"VpcID": _get("id"), "Tenancy": _get("instance_tenancy")},
    ),
}


def context(operation: str, call: Any, state: Any, found: dict[str, Any]) -> None:
    """The Region, the attribute that a Modify call changes, and what a launch takes for granted."""
    found["ec2:Region"] = call.region
    params = call.params
    if operation == "RunInstances":
        for key, value in _LAUNCH.items():
            found.setdefault(key, value)
        if profile := _profile(params.get("IamInstanceProfile"), call, state):
            found["ec2:InstanceProfile"] = profile.arn
        if subnet := params.get("SubnetId"):
            found["ec2:Subnet"] = _arn("subnet", subnet, call)
    elif operation.startswith("Modify") or operation.startswith("Reset"):
        for name, value in params.items():
            if isinstance(value, Mapping) and set(value) <= {"Value"}:
                value = value.get("Value")
            if isinstance(value, (str, bool, int)) and not name.endswith("Id"):
                attribute = "true" if value is True else "false" if value is False else str(value)
                found["ec2:Attribute/" + name] = attribute
                found.setdefault("ec2:Attribute", name)


def every(operation: str, call: Any, state: Any, asked: list[Check]) -> list[Check]:
    """Tags given to what a call creates: on its own check, and as ec2:CreateTags."""
    found = []
    for specification in call.params.get("TagSpecifications") or ():
        kind, tags = specification.get("ResourceType"), tags_of(specification.get("Tags"))
        if not kind or not tags:
            continue
        keys = {"aws:RequestTag/" + key: value for key, value in tags.items()}
        keys["aws:TagKeys"] = list(tags)
        for check in asked:
            if f":{kind}/" in check.resource:
                check.context.update(keys)
        new = Target(_arn(kind, "*", call), call.account)
        keys |= {"ec2:CreateAction": operation, "ec2:Region": call.region}
        found.append(ask("ec2:CreateTags", new, keys, call, ()))
    return found


def _tag(call: Any, state: Any) -> list[Check]:
    """CreateTags and DeleteTags name resources of any type by their IDs."""
    tags = tags_of(call.params.get("Tags"))
    keys: dict[str, Any] = {"ec2:Region": call.region, "aws:TagKeys": list(tags)}
    keys.update({"aws:RequestTag/" + k: v for k, v in tags.items() if v is not None})
    found = []
    for id_ in call.params.get("Resources") or ("*",):
        kind = _kind_of(id_) or "*"
        form = _arn(kind, "{name}", call)
        thing = target(Kind(kind, form, True, (), frozenset()), id_, call, state)
        found.append(ask("ec2:" + call.operation, thing or Target("*"), keys, call, TAG_PREFIXES))
    return found


def _from_template(call: Any, state: Any) -> Any:
    """RunInstances with a launch template asks for what the template says too."""
    chosen = call.params.get("LaunchTemplate")
    if not chosen:
        return call
    backend = state.backend("ec2", call.account, call.region)
    name = chosen.get("LaunchTemplateId") or chosen.get("LaunchTemplateName") or ""
    template = backend.launch_templates.get(_by_name("launch-template", name, backend))
    if template is None:
        return call
    wanted = str(chosen.get("Version") or "$Default").lower()
    number = {
        "$default": template.default_version_number,
        "$latest": len(template.versions),
    }.get(wanted, wanted)
    data = next((v.data for v in template.versions if str(v.number) == str(number)), {})
    merged = copy.copy(call)
    merged.params = {**data, **call.params}
    return merged


def _profile(chosen: Mapping[str, str] | None, call: Any, state: Any) -> Any:
    """moto's instance profile that a call names by name or ARN."""
    if not chosen:
        return None
    arn = chosen.get("Arn") or ""
    name = chosen.get("Name") or arn.rpartition("/")[2]
    account = arn.split(":")[4] if arn.startswith("arn:") else call.account
    return find_profile(state.iam(account), name)


def _pass_roles(call: Any, state: Any, asked: list[Check]) -> list[Check]:
    """An instance gets the role of its instance profile: the caller passes that role."""
    chosen = call.params.get("IamInstanceProfile")
    chosen = chosen or (call.params.get("LaunchSpecification") or {}).get("IamInstanceProfile")
    profile = _profile(chosen, call, state)
    roles = [role.arn for role in profile.roles] if profile is not None else []
    instance = next((c.resource for c in asked if ":instance/" in c.resource), asked[0].resource)
    return pass_role(roles, "ec2.amazonaws.com", instance, call)


WHOLE = {"CreateTags": _tag, "DeleteTags": _tag}
PREPARE = {"RunInstances": _from_template}
EXTRA = dict.fromkeys(
    ("RunInstances", "AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation",
     "RequestSpotInstances"),
    _pass_roles,
)  # fmt: skip
