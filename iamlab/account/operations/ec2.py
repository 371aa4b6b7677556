"""EC2's exceptions to the general rule: many resources a call, what launches create, tags.

Source: "Actions, resources, and condition keys for Amazon EC2"; "Example policies to control
access to the Amazon EC2 API" and "Grant permission to tag resources", Amazon EC2 User Guide.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from .iam import find_profile
from .target import NOTHING, Check, Kind, Target, ask, fill, pairs, pass_role, tags_of, words

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
# The same for one call; "*" is a new one beside those that the call names.
_ONE = """
    RunInstances/instance=* RunInstances/volume=*
    RunInstances/subnet=SubnetId,NetworkInterfaces.SubnetId
    RunInstances/network-interface=NetworkInterfaces.NetworkInterfaceId
    RunInstances/security-group=SecurityGroupIds,SecurityGroups,NetworkInterfaces.Groups
    RunInstances/snapshot=BlockDeviceMappings.Ebs.SnapshotId
    CreateSecurityGroup/security-group=* CreateLaunchTemplate/launch-template=*
    CreateVolume/volume=* CreateSnapshot/snapshot=* CopySnapshot/snapshot=SourceSnapshotId,*
    CopyImage/image=SourceImageId,* CreateImage/image=* CreateImage/snapshot=*
    CreateVpcPeeringConnection/vpc-peering-connection=* AcceptVpcPeeringConnection/vpc=*
"""
MEMBERS: dict[Any, tuple[str, ...]] = {kind: tuple(words(names)) for kind, names in _M.items()}
MEMBERS |= {tuple(key.split("/")): tuple(v.split(",")) for key, v in pairs(_ONE).items()}
KEYS = pairs("""
    InstanceType=ec2:InstanceType Placement.AvailabilityZone=ec2:AvailabilityZone
    Placement.Tenancy=ec2:Tenancy EbsOptimized=ec2:EbsOptimized
    MetadataOptions.HttpTokens=ec2:MetadataHttpTokens
    MetadataOptions.HttpEndpoint=ec2:MetadataHttpEndpoint
    MetadataOptions.HttpPutResponseHopLimit=ec2:MetadataHttpPutResponseHopLimit
    InstanceMarketOptions.MarketType=ec2:InstanceMarketType
    NetworkInterfaces.AssociatePublicIpAddress=ec2:AssociatePublicIpAddress
    BlockDeviceMappings.Ebs.VolumeType=ec2:VolumeType
    BlockDeviceMappings.Ebs.VolumeSize=ec2:VolumeSize
    BlockDeviceMappings.Ebs.Encrypted=ec2:Encrypted AvailabilityZone=ec2:AvailabilityZone
    VolumeType=ec2:VolumeType Size=ec2:VolumeSize Iops=ec2:VolumeIops
    Throughput=ec2:VolumeThroughput Encrypted=ec2:Encrypted KeyName=ec2:KeyPairName
    KeyType=ec2:KeyPairType Domain=ec2:Domain InstanceTenancy=ec2:Tenancy
    Attribute=ec2:Attribute Owner=ec2:Owner AuthorizedService=ec2:AuthorizedService
""")
# What RunInstances takes for granted: a condition sees it, asked for or not.
_LAUNCH = pairs("""
    ec2:InstanceType=m1.small ec2:Tenancy=default ec2:EbsOptimized=false
    ec2:MetadataHttpEndpoint=enabled ec2:RootDeviceType=ebs ec2:InstanceMarketType=on-demand
    ec2:Encrypted=false ec2:VolumeType=gp2 ec2:IsLaunchTemplateResource=false
""")
PASSES = {
    "RequestSpotFleet": ((("SpotFleetRequestConfig", "IamFleetRole"), "spotfleet.amazonaws.com"),),
    "CreateFlowLogs": ((("DeliverLogsPermissionArn",), "vpc-flow-logs.amazonaws.com"),),
    "ImportImage": ((("RoleName",), "vmie.amazonaws.com"),),
    "ImportSnapshot": ((("RoleName",), "vmie.amazonaws.com"),),
    "ExportImage": ((("RoleName",), "vmie.amazonaws.com"),),
}

# What an ID begins with -> its resource type; the longest beginning counts.
_PREFIXES = pairs("""
    acl=network-acl ami=image cagw=carrier-gateway cgw=customer-gateway cr=capacity-reservation
    cvpn-endpoint=client-vpn-endpoint dopt=dhcp-options eice=instance-connect-endpoint
    eigw=egress-only-internet-gateway eipalloc=elastic-ip eni=network-interface
    export-ami=export-image-task export-i=export-instance-task fl=vpc-flow-log fleet=fleet
    h=dedicated-host i=instance iew=instance-event-window igw=internet-gateway
    import-ami=import-image-task import-snap=import-snapshot-task ipam=ipam ipam-pool=ipam-pool
    ipam-scope=ipam-scope ipv4pool-ec2=ipv4pool-ec2 ipv6pool-ec2=ipv6pool-ec2 key=key-pair
    lt=launch-template nat=natgateway pcx=vpc-peering-connection pg=placement-group
    pl=prefix-list rtb=route-table sfr=spot-fleet-request sg=security-group
    sgr=security-group-rule sir=spot-instances-request snap=snapshot subnet=subnet
    tgw=transit-gateway tgw-attach=transit-gateway-attachment
    tgw-rtb=transit-gateway-route-table tmf=traffic-mirror-filter tms=traffic-mirror-session
    tmt=traffic-mirror-target vgw=vpn-gateway vol=volume vpc=vpc vpce=vpc-endpoint
    vpce-svc=vpc-endpoint-service vpn=vpn-connection
""")
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
        found, keys = _about(kind.name, value, backend, call)
        owner = getattr(found, "owner_id", None) or ""
        if kind.name in _NO_ACCOUNT and owner.isdigit():
            # Shared by its owner; there is no policy of the owner's to ask.
            keys["aws:ResourceAccount"] = owner
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


# How moto's things answer EC2's condition keys. A type's first word is where moto keeps its things
# ("name*" is a dict of dicts), then key=attribute: "a|b" is the first there is, "?" a yes or no.
_ABOUT = {
    "instance": """reservations InstanceID=id InstanceType=instance_type
        AvailabilityZone=placement.zone Tenancy=placement.tenancy EbsOptimized=ebs_optimized?
        InstanceProfile=iam_instance_profile RootDeviceType=root_device_type
        MetadataHttpTokens=metadata_options.http_tokens
        MetadataHttpEndpoint=metadata_options.http_endpoint
        MetadataHttpPutResponseHopLimit=metadata_options.http_put_response_hop_limit""",
    "volume": """volumes VolumeID=id VolumeType=volume_type VolumeSize=size VolumeIops=iops
        Encrypted=encrypted? AvailabilityZone=zone.name""",
    "image": """amis ImageID=id ImageType=image_type Owner=owner_alias|owner_id Public=is_public?
        RootDeviceType=root_device_type""",
    "snapshot": "snapshots SnapshotID=id Owner=owner_id VolumeSize=volume.size",
    "subnet": "subnets* SubnetID=id AvailabilityZone=availability_zone Vpc=vpc_id",
    "security-group": "groups* SecurityGroupID=id Vpc=vpc_id",
    "network-interface": "enis NetworkInterfaceID=id AvailabilityZone=subnet.availability_zone",
    "vpc": "vpcs VpcID=id Tenancy=instance_tenancy",
}


def _find(where: str, id_: str, backend: Any) -> Any:
    kept = getattr(backend, where.rstrip("*"))
    if where == "reservations":
        instances = (i for reservation in list(kept.values()) for i in reservation.instances)
        return next((instance for instance in instances if instance.id == id_), None)
    if where.endswith("*"):  # by zone or by VPC
        return next((group[id_] for group in list(kept.values()) if id_ in group), None)
    return kept.get(id_)


def _about(kind: str, id_: str, backend: Any, call: Any) -> tuple[Any, dict[str, str]]:
    """moto's thing of that ID, and its answers to the condition keys of its type."""
    where, *table = _ABOUT[kind].split()
    found = _find(where, id_, backend)
    keys: dict[str, str] = {}
    for key, _, path in (item.partition("=") for item in table if found is not None):
        value = next((v for name in path.rstrip("?").split("|") if (v := _read(found, name))), None)
        if key == "Vpc" and value:
            value = _arn("vpc", value, call)
        elif key == "InstanceProfile" and value:
            value = value.get("Arn") if isinstance(value, Mapping) else getattr(value, "arn", value)
        elif path.endswith("?"):
            value = "true" if value else "false"
        if value is not None:
            keys["ec2:" + key] = str(value)
    return found, keys


def _read(thing: Any, path: str) -> Any:
    for name in path.split("."):
        thing = getattr(thing, name, None)
    return thing


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
