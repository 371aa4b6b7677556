"""SQS's exceptions to the general rule: queues are named by URL, batches ask the plain action.

Source: "Actions, resources, and condition keys for Amazon SQS"; "Amazon SQS API permissions",
Amazon SQS Developer Guide.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from .kms import use_key
from .target import Check, Kind, Target, words

ACTIONS = {
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "DeleteMessageBatch": "DeleteMessage",
    "SendMessageBatch": "SendMessage",
}
MEMBERS = {"queue": ("QueueUrl", "QueueName", "SourceArn")}
TAGS_ALSO = {"CreateQueue": "sqs:TagQueue"}
# "Cross-account permissions don't apply to this action" (Amazon SQS API Reference).
_OWN_ACCOUNT = frozenset(
    words(
        "AddPermission CreateQueue DeleteQueue ListQueueTags ListQueues RemovePermission "
        "SetQueueAttributes TagQueue UntagQueue"
    )
)


def target(kind: Kind, value: str | None, call: Any, state: Any) -> Target | None:
    """A queue by URL, name or ARN; the URL also tells whose it is."""
    if value is None:
        return None
    region, account = call.region, call.params.get("QueueOwnerAWSAccountId") or call.account
    if value.startswith("arn:"):
        region, account, name = value.split(":", 5)[3:]
    elif "/" in value:
        *_, owner, name = urlsplit(value).path.split("/")
        account = owner if owner.isdigit() else account
    else:
        name = value
    queue = state.backend("sqs", account, region).queues.get(name) if account else None
    shared = account == call.account or call.operation not in _OWN_ACCOUNT
    policy = ("queue", account, region, name) if queue is not None and shared else None
    tags = queue.tags if queue is not None and queue.tags else {}
    return Target(f"arn:aws:sqs:{region}:{account}:{name}", account, policy, tags)


def _move(call: Any, state: Any, asked: list[Check]) -> list[Check]:
    """Moving messages reads one queue and fills another."""
    source = asked[0]
    found = [
        Check(f"sqs:{action}", source.resource, source.context, source.resource_account)
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    ]
    if arn := call.params.get("DestinationArn"):
        account = arn.split(":")[4]
        policy = ("queue", account, *arn.split(":")[3:6:2])
        found.append(
            Check("sqs:SendMessage", arn, {"aws:ResourceAccount": account}, account, policy)
        )
    return found


def _use_key(call: Any, state: Any, asked: list[Check]) -> list[Check]:
    """A queue that is encrypted with a customer's key needs that key."""
    region, account, name = asked[0].resource.split(":")[3:]
    queue = state.backend("sqs", account, region).queues.get(name) if account.isdigit() else None
    key = getattr(queue, "kms_master_key_id", None)
    if not key:
        return []
    sends = call.operation.startswith("Send")
    actions = ["kms:GenerateDataKey", "kms:Decrypt"] if sends else ["kms:Decrypt"]
    return use_key(actions, key, "sqs", {"aws:sqs:arn": asked[0].resource}, call, state)


EXTRA = {
    "StartMessageMoveTask": _move,
    "SendMessage": _use_key,
    "SendMessageBatch": _use_key,
    "ReceiveMessage": _use_key,
}
