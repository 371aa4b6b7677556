"""EC2 instances with an instance profile: which one they have, and how their metadata is guarded.

What an instance hands out of its role is in `iamlab.account.instance_metadata`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iamlab.account.errors import AwsError
from iamlab.account.operations.iam import find_profile

# InstanceMetadataOptionsRequest, Amazon EC2 API Reference: what each member may be.
_OPTIONS = {
    "HttpTokens": ("optional", "required"),
    "HttpEndpoint": ("enabled", "disabled"),
    "HttpProtocolIpv6": ("enabled", "disabled"),
    "InstanceMetadataTags": ("enabled", "disabled"),
    "HttpPutResponseHopLimit": tuple(str(hops) for hops in range(1, 65)),
}
_ATTRIBUTES = {
    "HttpTokens": "http_tokens",
    "HttpEndpoint": "http_endpoint",
    "HttpProtocolIpv6": "http_protocol_ipv6",
    "InstanceMetadataTags": "instance_metadata_tags",
    "HttpPutResponseHopLimit": "http_put_response_hop_limit",
}


def find_instance(backend: Any, instance_id: str) -> Any:
    """Return moto's instance of that ID, or None."""
    instances = (i for r in list(backend.reservations.values()) for i in r.instances)
    return next((instance for instance in instances if instance.id == instance_id), None)


def completed(owner: Any) -> dict[str, Callable[..., Any]]:
    """What takes the place of two of moto's methods, so that launches are whole.

    moto gives a profile to the first instance of a launch alone, passes over what a launch
    template says of profile and metadata, and prints the association's ID as the profile's.
    """
    run, associate = owner.run_instances, owner.associate_iam_instance_profile

    def run_instances(
        backend: Any, image: Any, count: int, data: Any, groups: Any, **said: Any
    ) -> Any:
        template: dict[str, Any] = {}
        if said.get("launch_template"):
            template = backend._get_template_from_args(said["launch_template"]).data
        options = template.get("MetadataOptions") or {}
        said["metadata_options"] = options | (said.get("metadata_options") or {})
        made = run(backend, image, count, data, groups, **said)
        name, arn = said.get("iam_instance_profile_name"), said.get("iam_instance_profile_arn")
        left = made.instances[1:]  # moto itself gives it to the first one
        if not (name or arn):
            profile = template.get("IamInstanceProfile") or {}
            name, arn, left = profile.get("Name"), profile.get("Arn"), made.instances
        if name or arn:
            for instance in left:
                backend.associate_iam_instance_profile(instance.id, name, arn)
        return made

    def associate_iam_instance_profile(backend: Any, *args: Any, **named: Any) -> Any:
        made = associate(backend, *args, **named)
        _show(made)
        return made

    return {
        "run_instances": run_instances,
        "associate_iam_instance_profile": associate_iam_instance_profile,
    }


def _show(association: Any) -> None:
    profile = association.iam_instance_profile
    association.instance.iam_instance_profile = {"Arn": profile.arn, "Id": profile.id}


def _backend(call: Any, lab: Any) -> Any:
    return lab.state.backend("ec2", call.account, call.region)


def _answer(association: Any, state: str) -> dict[str, Any]:
    profile = association.iam_instance_profile
    return {
        "IamInstanceProfileAssociation": {
            "AssociationId": association.association_id,
            "InstanceId": association.instance_id,
            "IamInstanceProfile": {"Arn": profile.arn, "Id": profile.id},
            "State": state,
        }
    }


def associate(call: Any, lab: Any) -> dict[str, Any]:
    """AssociateIamInstanceProfile: one profile an instance."""
    chosen = _chosen(call)
    made = _backend(call, lab).associate_iam_instance_profile(
        call.params["InstanceId"], chosen.get("Name"), chosen.get("Arn")
    )
    _show(made)
    return _answer(made, "associating")


def replace(call: Any, lab: Any) -> dict[str, Any]:
    """ReplaceIamInstanceProfileAssociation: another profile, under a new association ID."""
    backend, chosen = _backend(call, lab), _chosen(call)
    old = backend.disassociate_iam_instance_profile(call.params["AssociationId"])
    made = backend.associate_iam_instance_profile(
        old.instance_id, chosen.get("Name"), chosen.get("Arn")
    )
    _show(made)
    return _answer(made, "associating")


def _chosen(call: Any) -> dict[str, str]:
    chosen = call.params.get("IamInstanceProfile")  # an empty one leaves no trace in a query
    if not chosen:
        text = "The request must contain the parameter IamInstanceProfile"
        raise AwsError("MissingParameter", text)
    return chosen


def disassociate(call: Any, lab: Any) -> dict[str, Any]:
    """DisassociateIamInstanceProfile: the instance has no role any more."""
    backend = _backend(call, lab)
    gone = backend.disassociate_iam_instance_profile(call.params["AssociationId"])
    return _answer(gone, "disassociating")


def modify_options(call: Any, lab: Any) -> dict[str, Any]:
    """ModifyInstanceMetadataOptions: what the call does not name stays as it is."""
    params = call.params
    instance = find_instance(_backend(call, lab), params["InstanceId"])
    if instance is None:
        text = f"The instance ID '{params['InstanceId']}' does not exist"
        raise AwsError("InvalidInstanceID.NotFound", text)
    if str(params.get("DryRun")).lower() == "true":
        text = "Request would have succeeded, but DryRun flag is set."
        raise AwsError("DryRunOperation", text, 412)
    options = instance.metadata_options
    for member, attribute in _ATTRIBUTES.items():
        if params.get(member) is not None:
            setattr(options, attribute, params[member])
    options.http_put_response_hop_limit = int(options.http_put_response_hop_limit)
    shown = {member: getattr(options, attribute) for member, attribute in _ATTRIBUTES.items()}
    return {"InstanceId": instance.id, "InstanceMetadataOptions": shown | {"State": "pending"}}


def _check_profile(call: Any, lab: Any) -> None:
    """The profile exists in the caller's account and has a role. Texts: public logs [O]."""
    chosen = call.params.get("IamInstanceProfile") or {}
    for member in ("Name", "Arn"):
        value = chosen.get(member)
        if not value:
            continue
        profile = find_profile(lab.state.iam(call.account), value.rpartition("/")[2])
        if profile is None or (member == "Arn" and profile.arn != value):
            raise AwsError(
                "InvalidParameterValue",
                f"Value ({value}) for parameter iamInstanceProfile.{member.lower()} is invalid. "
                f"Invalid IAM Instance Profile {'ARN' if member == 'Arn' else 'name'}",
            )
        if not profile.roles:
            text = f'IAM Instance Profile "{profile.arn}" has no associated IAM Roles'
            raise AwsError("InvalidParameterValue", text)


def _check_options(call: Any, lab: Any) -> None:
    """Metadata options are of the values that the API Reference lists. Text: [I]."""
    params = call.params
    options = params.get("MetadataOptions") if call.operation == "RunInstances" else params
    for member, valid in _OPTIONS.items():
        value = (options or {}).get(member)
        if value is not None and str(value) not in valid:
            name = member[0].lower() + member[1:]
            text = f"Value ({value}) for parameter {name} is invalid."
            raise AwsError("InvalidParameterValue", text)


REGISTRY = {
    ("ec2", "AssociateIamInstanceProfile"): associate,
    ("ec2", "DisassociateIamInstanceProfile"): disassociate,
    ("ec2", "ModifyInstanceMetadataOptions"): modify_options,
    ("ec2", "ReplaceIamInstanceProfileAssociation"): replace,
}


def _before_launch(call: Any, lab: Any) -> None:
    _check_profile(call, lab)
    _check_options(call, lab)


BEFORE = {
    ("ec2", "AssociateIamInstanceProfile"): _check_profile,
    ("ec2", "ModifyInstanceMetadataOptions"): _check_options,
    ("ec2", "ReplaceIamInstanceProfileAssociation"): _check_profile,
    ("ec2", "RunInstances"): _before_launch,
}
