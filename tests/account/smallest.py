"""The smallest valid parameters of an operation, made from botocore's service model."""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.model import OperationModel, ServiceModel, Shape

from iamlab.account.wire import BOTOCORE_NAMES

# Members that botocore checks or uses before it sends, or whose pattern a plain text would break.
WORDS = {
    "Bucket": "larkfield-smallest",
    "AccountId": "111122223333",
    "OwnerAccountId": "111122223333",
    "QueueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/orders",
    "RoleArn": "arn:aws:iam::111122223333:role/nothing",
    "TargetPrincipal": "111122223333",
    "CopySource": "larkfield-smallest/key",
    "PolicyArn": "arn:aws:iam::111122223333:policy/nothing",
}


def model_of(service: str) -> ServiceModel:
    """botocore's model of a service, by the prefix of the service's actions."""
    return botocore.session.get_session().get_service_model(BOTOCORE_NAMES.get(service, service))


def smallest(operation: OperationModel) -> dict[str, Any]:
    """Values for the required members only, as short as their limits allow."""
    shape = operation.input_shape
    return {} if shape is None else _value(shape, "", ())


def _value(shape: Shape, name: str, inside: tuple[str, ...]) -> Any:
    kind = shape.type_name
    if kind == "structure":
        if shape.name in inside:  # a shape that holds itself, such as a DynamoDB value
            return {}
        inside = (*inside, shape.name)
        required = list(shape.required_members)
        if not required and shape.metadata.get("union"):
            required = list(shape.members)[:1]
        return {member: _value(shape.members[member], member, inside) for member in required}
    if kind == "list":
        count = max(1, shape.metadata.get("min", 1))
        return [_value(shape.member, name, inside) for _ in range(count)]
    if kind == "map":
        return {_value(shape.key, name, inside): _value(shape.value, name, inside)}
    if kind == "string":
        if name in WORDS:
            return WORDS[name]
        if shape.enum:
            return shape.enum[0]
        return "a" * max(1, shape.metadata.get("min", 1))
    if kind in ("integer", "long", "float", "double"):
        return shape.metadata.get("min", 1)
    return {"boolean": True, "blob": b"a", "timestamp": "2026-01-01T00:00:00Z"}[kind]
