"""The encoded messages of EC2's denials: written here, and read back by DecodeAuthorizationMessage.

AWS's own encoding is not public. Here a message is sealed with a key that lives as long as the
lab's process: who may not call DecodeAuthorizationMessage cannot read it, and nobody can make
one up.
"""

from __future__ import annotations

import base64
import json
import secrets
import zlib
from hashlib import blake2b, shake_256
from typing import TYPE_CHECKING, Any

from iamlab.account.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from iamlab.policy import Decision

# AWS says that messages expire, not when. [I]
LIFETIME = 24 * 3600
LONGEST = 10_240  # what DecodeAuthorizationMessage takes

_KEY = secrets.token_bytes(32)
_NONCE, _SEAL = 12, 16


def encode(decision: Decision) -> str:
    """Return the encoded authorization failure message of a denial.

    Parameters
    ----------
    decision : Decision
        With the facts that the gate adds: account, user ID, time.

    Returns
    -------
    str
        Letters, digits, ``-`` and ``_``.
    """
    facts, said = decision.request.context, message(decision)
    letter = {
        "account": facts.get("aws:PrincipalAccount"),
        "time": int(facts.get("aws:EpochTime") or 0),
        "message": said,
    }
    nonce, statements = secrets.token_bytes(_NONCE), said["matchedStatements"]["items"]
    while True:
        hidden = _cross(nonce, zlib.compress(json.dumps(letter).encode()))
        whole = base64.urlsafe_b64encode(nonce + _seal(nonce + hidden) + hidden).decode()
        if len(whole) <= LONGEST or not statements:
            return whole.rstrip("=")
        statements.pop()  # one is enough to know why


def message(decision: Decision) -> dict[str, Any]:
    """Return what a decoded message says.

    Parameters
    ----------
    decision : Decision

    Returns
    -------
    dict
        ``allowed``, ``explicitDeny``, ``matchedStatements``, ``failures``, ``context``.

    Notes
    -----
    Source: the example of decode-authorization-message, AWS CLI Command Reference. There an action
    of EC2 itself stands without its prefix. Statements are named only where they deny.
    """
    request = decision.request
    user_id = request.context.get("aws:userid")
    principal = {
        "id": user_id,
        "name": request.context.get("aws:username"),
        "arn": request.principal,
    }
    return {
        "allowed": decision.allowed,
        "explicitDeny": decision.effect == "explicitDeny",
        "matchedStatements": _items(
            {
                "statementId": result.sid or "",
                "effect": result.effect.upper(),
                "principals": _values([str(user_id).partition(":")[0]]),
                "principalGroups": _items(()),
                "actions": _values(result.statement.actions or ()),
                "resources": _values(result.statement.resources or ()),
                "conditions": _items(
                    {"key": key, "values": _values(values)}
                    for _, key, values in result.statement.conditions
                ),
            }
            for result in decision.deciding
        ),
        "failures": _items(()),
        "context": {
            "principal": {name: value for name, value in principal.items() if value},
            "action": request.action.removeprefix("ec2:"),
            "resource": request.resource,
            "conditions": _items(
                {"key": key, "values": _values([value] if isinstance(value, str) else value)}
                for key, value in request.context.items()
                if value is not None
            ),
        },
    }


def decode(call: Any, lab: Any) -> dict[str, Any]:
    """DecodeAuthorizationMessage (STS API Reference): of one's own account, if not too old."""
    refused = AwsError("InvalidAuthorizationMessageException", "Message is not valid")  # text: [M]
    text = call.params["EncodedMessage"]
    try:
        whole = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError:
        raise refused from None
    nonce, seal, hidden = whole[:_NONCE], whole[_NONCE:][:_SEAL], whole[_NONCE + _SEAL :]
    if not secrets.compare_digest(seal, _seal(nonce + hidden)):
        raise refused
    letter = json.loads(zlib.decompress(_cross(nonce, hidden)))
    # Whether AWS opens other accounts' messages is not documented; the careful reading. [I]
    if letter["account"] != call.account or _age(letter, lab) > LIFETIME:
        raise refused
    return {"DecodedMessage": json.dumps(letter["message"], separators=(",", ":"))}


def _age(letter: dict[str, Any], lab: Any) -> float:
    return lab.clock.now().timestamp() - letter["time"]


def _items(items: Iterable[Any]) -> dict[str, list[Any]]:
    return {"items": list(items)}


def _values(values: Iterable[str]) -> dict[str, list[Any]]:
    return _items({"value": value} for value in values)


def _cross(nonce: bytes, data: bytes) -> bytes:
    """Hide what is open, or open what is hidden."""
    stream = shake_256(_KEY + nonce).digest(len(data))
    return bytes(one ^ other for one, other in zip(data, stream, strict=True))


def _seal(data: bytes) -> bytes:
    return blake2b(data, digest_size=_SEAL, key=_KEY).digest()


REGISTRY = {("sts", "DecodeAuthorizationMessage"): decode}
BEFORE = {}
