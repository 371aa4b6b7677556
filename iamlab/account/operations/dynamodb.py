"""DynamoDB's exceptions to the general rule: batches, transactions, PartiQL, indexes, keys.

Source: "Actions, resources, and condition keys for Amazon DynamoDB"; "Using IAM policy conditions
for fine-grained access control", Amazon DynamoDB Developer Guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .target import NOTHING, Check, Kind, Target, ask, fill, pairs, tags_of, words

TAG_PREFIXES = ("aws:ResourceTag/",)
_TABLE = words(
    "TableName TableArn ResourceArn SourceTableName SourceTableArn TargetTableName "
    "GlobalTableName TableCreationParameters.TableName"
)
MEMBERS = {
    "table": tuple(_TABLE),
    "index": ("IndexName",),
    "stream": ("ResourceArn",),
    "backup": ("BackupArn",),
    "export": ("ExportArn",),
    "import": ("ImportArn",),
    "global-table": ("GlobalTableName",),
}
LIKE = {"StartBulkPutItems": "PutItem"}
TAGS_ALSO = {"CreateTable": "dynamodb:TagResource"}
KEYS = {
    "ReturnValues": "dynamodb:ReturnValues",
    "ReturnConsumedCapacity": "dynamodb:ReturnConsumedCapacity",
}


def target(kind: Kind, value: str | None, call: Any, state: Any) -> Target | None:
    """A table, or its index alone when the call names one."""
    if value is None:
        return None
    index = call.params.get("IndexName")
    if kind.name == "index":
        table = call.params.get("TableName")
        return _table(table, call, state, value) if table else None
    if kind.name == "table":
        return None if index else _table(value, call, state)
    if kind.name == "stream" and "/stream/" not in value:
        return None  # ResourceArn names a table
    return Target(value if value.startswith("arn:") else fill(kind, value, call))


def _table(value: str, call: Any, state: Any, index: str | None = None) -> Target:
    region, account, name = call.region, call.account, value
    if value.startswith("arn:"):
        region, account, path = value.split(":", 5)[3:]
        name = path.split("/")[1] if "/" in path else path
    arn = f"arn:aws:dynamodb:{region}:{account}:table/{name}"
    found = state.backend("dynamodb", account, region).tables.get(name) if account else None
    policy = None if found is None else ("table", account, region, name)
    tags = tags_of(found.tags) if found is not None else NOTHING
    if value.startswith(arn + "/"):
        arn = value  # a stream or an index of the table
    return Target(f"{arn}/index/{index}" if index else arn, account, policy, tags)


def context(operation: str, call: Any, state: Any, found: dict[str, Any]) -> None:
    """The keys for fine-grained access control, for calls on items of one table."""
    if operation in _ITEM_CALLS:
        found.update(_item_keys(operation, call.params, call.params.get("TableName"), call, state))


_ITEM_CALLS = frozenset(words("GetItem PutItem UpdateItem DeleteItem Query Scan"))


def _item_keys(
    operation: str, item: Mapping[str, Any], table: str | None, call: Any, state: Any
) -> dict[str, Any]:
    """`dynamodb:LeadingKeys`, `dynamodb:Attributes` and `dynamodb:Select` of one request part."""
    found: dict[str, Any] = {}
    names = item.get("ExpressionAttributeNames") or {}
    hash_key = _hash_key(table, item.get("IndexName"), call, state)
    given = [part for part in (item.get("Key"), item.get("Item")) if part]
    given += item.get("Keys") or ()
    leading = [_plain(part[hash_key]) for part in given if hash_key in part]
    if operation == "Query":
        leading = _queried(item, hash_key, names)
    if leading:
        found["dynamodb:LeadingKeys"] = leading
    attributes = dict.fromkeys(name for part in given for name in part)
    attributes.update(dict.fromkeys(item.get("AttributesToGet") or ()))
    attributes.update(dict.fromkeys(item.get("AttributeUpdates") or ()))
    for member in _EXPRESSIONS:
        attributes.update(dict.fromkeys(_named(item.get(member) or "", names)))
    if attributes:
        found["dynamodb:Attributes"] = list(attributes)
    if operation in _SELECTS:
        some = item.get("ProjectionExpression") or item.get("AttributesToGet")
        default = "SPECIFIC_ATTRIBUTES" if some else "ALL_ATTRIBUTES"
        found["dynamodb:Select"] = item.get("Select") or default
    return found


_SELECTS = frozenset(words("GetItem BatchGetItem Query Scan"))
_EXPRESSIONS = words(
    "ProjectionExpression FilterExpression KeyConditionExpression UpdateExpression "
    "ConditionExpression"
)
_NOT_NAMES = frozenset(
    words(
        "and or not between in set remove add delete attribute_exists attribute_not_exists "
        "attribute_type begins_with contains size if_not_exists list_append"
    )
)


def _named(expression: str, names: Mapping[str, str]) -> Iterable[str]:
    """The top-level attributes that an expression speaks of."""
    for word in re.findall(r"(?<![\w:#.])[A-Za-z_#][\w#-]*", expression):
        if word.lower() not in _NOT_NAMES:
            yield names.get(word, word)


def _queried(item: Mapping[str, Any], hash_key: str, names: Mapping[str, str]) -> list[str]:
    values = item.get("ExpressionAttributeValues") or {}
    for name, value in re.findall(
        r"([\w#.-]+)\s*=\s*(:\w+)", item.get("KeyConditionExpression") or ""
    ):
        if names.get(name, name) == hash_key and value in values:
            return [_plain(values[value])]
    condition = (item.get("KeyConditions") or {}).get(hash_key) or {}
    return [_plain(value) for value in condition.get("AttributeValueList") or ()]


def _hash_key(table: str | None, index: str | None, call: Any, state: Any) -> str:
    name = (table or "").rpartition("/")[2]
    found = state.backend("dynamodb", call.account, call.region).tables.get(name)
    if found is None:
        return ""
    for candidate in (*(found.indexes or ()), *(found.global_indexes or ())):
        if candidate.name == index:
            return next(k["AttributeName"] for k in candidate.schema if k["KeyType"] == "HASH")
    return found.hash_key_attr


def _plain(value: Any) -> str:
    """The text of a typed value such as {"S": "anna"}."""
    return str(next(iter(value.values()), "")) if isinstance(value, Mapping) else str(value)


def _ask(name: str, table: str, item: Mapping, call: Any, state: Any, **more: str) -> Check:
    keys = _item_keys(name, item, table, call, state)
    keys.update({"dynamodb:" + key: value for key, value in more.items()})
    if capacity := call.params.get("ReturnConsumedCapacity"):
        keys["dynamodb:ReturnConsumedCapacity"] = capacity
    return ask("dynamodb:" + name, _table(table, call, state), keys, call, TAG_PREFIXES)


def _batch(call: Any, state: Any) -> list[Check]:
    """One question for each table of a batch."""
    found = []
    for table, wanted in (call.params.get("RequestItems") or {"*": {}}).items():
        if isinstance(wanted, list):  # BatchWriteItem: a list of put and delete requests
            requests = [next(iter(request.values()), {}) for request in wanted]
            wanted = {"Keys": [r.get("Item") or r.get("Key") or {} for r in requests]}
        found.append(_ask(call.operation, table, wanted, call, state))
    return found


_TRANSACTED = pairs("""
    Get=GetItem Put=PutItem Update=UpdateItem Delete=DeleteItem
    ConditionCheck=ConditionCheckItem
""")


def _transact(call: Any, state: Any) -> list[Check]:
    """One question for each item, with the action that the item would ask alone."""
    return [
        _ask(_TRANSACTED[verb], item["TableName"], item, call, state,
             EnclosingOperation=call.operation)
        for entry in call.params.get("TransactItems") or ()
        for verb, item in entry.items()
        if verb in _TRANSACTED and item
    ] or [ask("dynamodb:" + call.operation, Target("*"), NOTHING, call, ())]  # fmt: skip


_PARTIQL = re.compile(
    r"""\s*(?:(?P<select>SELECT)\b.*?\bFROM|(?P<insert>INSERT)\s+INTO|(?P<update>UPDATE)"""
    r"""|(?P<delete>DELETE)\s+FROM)\s+"?(?P<table>[\w.:/-]+)"?"""
    r"""(?:\."(?P<index>[\w.-]+)")?""",
    re.IGNORECASE | re.DOTALL,
)


def _partiql(call: Any, state: Any) -> list[Check]:
    """PartiQL asks by the statement's verb: dynamodb:PartiQLSelect and so on."""
    params = call.params
    statements = [params["Statement"]] if params.get("Statement") else []
    for entry in params.get("Statements") or params.get("TransactStatements") or ():
        statements.append(entry.get("Statement") or "")
    found = []
    for statement in statements or [""]:
        match = _PARTIQL.match(statement)
        if match is None:  # DynamoDB refuses it after the permission is asked
            found.append(ask("dynamodb:PartiQLSelect", Target("*"), NOTHING, call, ()))
            continue
        verb = next(v for v in ("select", "insert", "update", "delete") if match[v])
        keys = {}
        if verb == "select":
            keys["dynamodb:FullTableScan"] = (
                "false" if re.search(r"(?i)\bwhere\b", statement) else "true"
            )
        thing = _table(match["table"], call, state, match["index"])
        found.append(ask(f"dynamodb:PartiQL{verb.title()}", thing, keys, call, TAG_PREFIXES))
    return found


def _restore(call: Any, state: Any, asked: list[Check]) -> list[Check]:
    """Source: "Using IAM with DynamoDB backup and restore": restoring fills the new table."""
    table = _table(call.params.get("TargetTableName", "*"), call, state)
    actions = words("PutItem UpdateItem DeleteItem GetItem Query Scan BatchWriteItem")
    return [ask("dynamodb:" + name, table, NOTHING, call, TAG_PREFIXES) for name in actions]


WHOLE = {
    "BatchGetItem": _batch,
    "BatchWriteItem": _batch,
    "TransactGetItems": _transact,
    "TransactWriteItems": _transact,
    "ExecuteStatement": _partiql,
    "BatchExecuteStatement": _partiql,
    "ExecuteTransaction": _partiql,
}
EXTRA = {"RestoreTableFromBackup": _restore, "RestoreTableToPointInTime": _restore}
