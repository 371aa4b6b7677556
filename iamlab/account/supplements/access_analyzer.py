"""IAM Access Analyzer: analyzers, their archive rules and findings.

Not there: internal access analyzers, access previews, recommendations, service-linked analyzers.
Source: "IAM Access Analyzer API Reference". An analyzer looks at everything whenever it is asked.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from iamlab.account.errors import AwsError
from iamlab.account.supplements import policy_checks
from iamlab.account.supplements.paging import token_page
from iamlab.account.supplements.policy_checks import form, invalid

UNUSED = ("ACCOUNT_UNUSED_ACCESS", "ORGANIZATION_UNUSED_ACCESS")
EXTERNAL = ("ACCOUNT", "ORGANIZATION")
# "You can create only one analyzer per account per Region", "up to 5 analyzers per organization".
QUOTA = {"ACCOUNT": 1, "ACCOUNT_UNUSED_ACCESS": 1, "ORGANIZATION": 5}
QUOTA["ORGANIZATION_UNUSED_ACCESS"] = 5
AGE = 90  # days, if unusedAccessAge is not given
MAX_RULES = 100

Item = dict[str, Any]


def store(lab: Any, call: Any) -> Item:
    """Return the analyzers and jobs of the caller's account and Region; a reset forgets them."""
    whole = lab.state.iam(call.account).__dict__.setdefault("access_analyzer", {})
    return whole.setdefault(call.region, {"analyzers": {}, "jobs": []})


# --- analyzers ----------------------------------------------------------------------------------


def create_analyzer(call: Any, lab: Any) -> Item:
    """CreateAnalyzer, of the types for external and for unused access."""
    params, now = call.params, lab.clock.now()
    name, kind = params["analyzerName"], params["type"]
    analyzers = store(lab, call)["analyzers"]
    same = analyzers.get(name)
    if same is not None:
        if params.get("clientToken") and same["token"] == params["clientToken"]:
            return {"arn": same["arn"]}
        raise _conflict("An analyzer with this name already exists.", name, "Analyzer")
    if kind not in QUOTA:
        text = f"The lab has no analyzers of type {kind}: {', '.join(QUOTA)} are there."
        raise invalid(text, "notSupported", "type")
    if kind.startswith("ORGANIZATION"):
        organization = lab.state.organization(call.account)
        if organization is None or organization.org.master_account_id != call.account:
            text = "Only the management account of an organization can do that here."
            raise invalid(text, "other", "type")
    if sum(one["type"] == kind for one in analyzers.values()) >= QUOTA[kind]:
        fields = {"resourceId": name, "resourceType": "Analyzer"}
        text = f"The quota of analyzers of type {kind} in this Region is reached."
        raise AwsError("ServiceQuotaExceededException", text, 402, fields)
    arn = f"arn:aws:access-analyzer:{call.region}:{call.account}:analyzer/{name}"
    analyzer = {
        "arn": arn,
        "name": name,
        "type": kind,
        "createdAt": now,
        "status": "ACTIVE",
        "tags": dict(params.get("tags") or {}),
        "configuration": _configuration(kind, params.get("configuration"), {}),
        "token": params.get("clientToken"),
        "rules": {},
        "findings": {},
    }
    for rule in params.get("archiveRules") or ():
        _add_rule(analyzer, rule["ruleName"], rule["filter"], now)
    analyzers[name] = analyzer
    return {"arn": arn}


def _configuration(kind: str, given: Item | None, before: Item) -> Item:
    if kind in EXTERNAL:
        if given:
            text = "An analyzer of external access has no configuration."
            raise invalid(text, "notSupported", "configuration")
        return {}
    if given and "unusedAccess" not in given:
        raise invalid("This analyzer needs unusedAccess.", name="configuration")
    unused = before.get("unusedAccess", {"unusedAccessAge": AGE}) | (given or {}).get(
        "unusedAccess", {}
    )
    if not 1 <= int(unused["unusedAccessAge"]) <= 365:
        raise invalid("unusedAccessAge must be from 1 to 365 days.", name="unusedAccessAge")
    return {"unusedAccess": unused}


def get_analyzer(call: Any, lab: Any) -> Item:
    """GetAnalyzer."""
    return {"analyzer": _summary(_named(call, lab), whole=True)}


def list_analyzers(call: Any, lab: Any) -> Item:
    """ListAnalyzers: "the ListAnalyzers action omits" the configuration."""
    wanted = call.params.get("type")
    listed = [
        _summary(one, whole=False)
        for one in store(lab, call)["analyzers"].values()
        if wanted in (None, one["type"])
    ]
    return token_page(listed, call.params, "analyzers")


def _summary(analyzer: Item, whole: bool) -> Item:
    names = ["arn", "name", "type", "createdAt", "status", "tags"]
    names += ["lastResourceAnalyzed", "lastResourceAnalyzedAt"]
    names += ["configuration"] if whole and analyzer["configuration"] else []
    return {name: analyzer[name] for name in names if analyzer.get(name) is not None}


def update_analyzer(call: Any, lab: Any) -> Item:
    """UpdateAnalyzer: "not supported for external access analyzers"."""
    analyzer = _named(call, lab)
    if analyzer["type"] in EXTERNAL:
        text = "An analyzer of external access cannot be updated."
        raise invalid(text, "notSupported", "analyzerName")
    given = call.params.get("configuration")
    analyzer["configuration"] = _configuration(analyzer["type"], given, analyzer["configuration"])
    return {"configuration": analyzer["configuration"]}


def delete_analyzer(call: Any, lab: Any) -> Item:
    """DeleteAnalyzer: its findings are gone too."""
    del store(lab, call)["analyzers"][_named(call, lab)["name"]]
    return {}


def _named(call: Any, lab: Any) -> Item:
    name = call.params["analyzerName"]
    found = store(lab, call)["analyzers"].get(name)
    if found is None:
        arn = f"arn:aws:access-analyzer:{call.region}:{call.account}:analyzer/{name}"
        raise _missing(arn, "Analyzer")
    return found


def _by_arn(call: Any, lab: Any, arn: str, *types: str) -> Item:
    for analyzer in store(lab, call)["analyzers"].values():
        if analyzer["arn"] == arn:
            if types and analyzer["type"] not in types:
                text = f"{call.operation} is not supported for analyzers of this type."
                raise invalid(text, "notSupported", "analyzerArn")
            return analyzer
    raise _missing(arn, "Analyzer")


def _missing(what: str, kind: str) -> AwsError:
    fields = {"resourceId": what, "resourceType": kind}
    return AwsError("ResourceNotFoundException", f"{kind} {what} was not found.", 404, fields)


def _conflict(text: str, what: str, kind: str) -> AwsError:
    return AwsError("ConflictException", text, 409, {"resourceId": what, "resourceType": kind})


def tag_resource(call: Any, lab: Any) -> Item:
    """TagResource."""
    _by_arn(call, lab, call.params["resourceArn"])["tags"] |= call.params["tags"]
    return {}


def untag_resource(call: Any, lab: Any) -> Item:
    """UntagResource."""
    tags = _by_arn(call, lab, call.params["resourceArn"])["tags"]
    for key in call.params["tagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags(call: Any, lab: Any) -> Item:
    """ListTagsForResource."""
    return {"tags": _by_arn(call, lab, call.params["resourceArn"])["tags"]}


# --- archive rules ------------------------------------------------------------------------------


def create_rule(call: Any, lab: Any) -> Item:
    """CreateArchiveRule: for findings that are new from now on."""
    _current(lab, call, _named(call, lab))  # what is there already is not archived by it
    params = call.params
    _add_rule(_named(call, lab), params["ruleName"], params["filter"], lab.clock.now())
    return {}


def _add_rule(analyzer: Item, name: str, filter_: Item, now: Any) -> None:
    if name in analyzer["rules"]:
        raise _conflict("An archive rule with this name already exists.", name, "ArchiveRule")
    if len(analyzer["rules"]) >= MAX_RULES:
        fields = {"resourceId": name, "resourceType": "ArchiveRule"}
        text = f"An analyzer has at most {MAX_RULES} archive rules."
        raise AwsError("ServiceQuotaExceededException", text, 402, fields)
    rule = {"ruleName": name, "filter": _filter(filter_), "createdAt": now, "updatedAt": now}
    analyzer["rules"][name] = rule


def _rule(call: Any, lab: Any, analyzer: Item) -> Item:
    name = call.params["ruleName"]
    if name not in analyzer["rules"]:
        raise _missing(f"{analyzer['arn']}/archive-rule/{name}", "ArchiveRule")
    return analyzer["rules"][name]


def get_rule(call: Any, lab: Any) -> Item:
    """GetArchiveRule."""
    return {"archiveRule": _rule(call, lab, _named(call, lab))}


def list_rules(call: Any, lab: Any) -> Item:
    """ListArchiveRules."""
    return token_page(_named(call, lab)["rules"].values(), call.params, "archiveRules")


def update_rule(call: Any, lab: Any) -> Item:
    """UpdateArchiveRule."""
    rule = _rule(call, lab, _named(call, lab))
    rule |= {"filter": _filter(call.params["filter"]), "updatedAt": lab.clock.now()}
    return {}


def delete_rule(call: Any, lab: Any) -> Item:
    """DeleteArchiveRule: what it archived stays archived."""
    analyzer = _named(call, lab)
    del analyzer["rules"][_rule(call, lab, analyzer)["ruleName"]]
    return {}


def apply_rule(call: Any, lab: Any) -> Item:
    """ApplyArchiveRule: archive what is there already."""
    analyzer = _by_arn(call, lab, call.params["analyzerArn"])
    rule = _rule(call, lab, analyzer)
    for finding in _current(lab, call, analyzer):
        if finding["status"] == "ACTIVE" and _fits(finding, rule["filter"]):
            finding |= {"status": "ARCHIVED", "updatedAt": lab.clock.now()}
    return {}


# Which facts of a finding a filter can ask for ("IAM Access Analyzer filter keys").
FILTER_KEYS = {
    "id": "id",
    "resource": "resource",
    "resourceType": "resourceType",
    "resourceOwnerAccount": "resourceOwnerAccount",
    "status": "status",
    "isPublic": "isPublic",
    "findingType": "findingType",
    "error": "error",
    "createdAt": "createdAt",
    "updatedAt": "updatedAt",
    "analyzedAt": "analyzedAt",
    "principal": "principal",
    "action": "action",
    "condition": "condition",
    "resourceControlPolicyRestriction": "resourceControlPolicyRestriction",
}


def _filter(filter_: Item) -> Item:
    for key, criterion in filter_.items():
        if key.partition(".")[0] not in FILTER_KEYS:
            raise invalid(f"There is no filter key {key}.", name="filter")
        if not criterion:
            raise invalid(f"The criterion of {key} is empty.", name="filter")
    return filter_


def _fits(finding: Item, filter_: Item) -> bool:
    return all(_meets(_fact(finding, key), one) for key, one in filter_.items())


def _fact(finding: Item, key: str) -> list[str]:
    name, _, part = key.partition(".")
    value = finding.get(name)
    if isinstance(value, dict):
        value = value.get(part) if part else [*value.values()]
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [str(v).lower() if isinstance(v, bool) else str(v) for v in values]


def _meets(values: list[str], criterion: Item) -> bool:
    if "exists" in criterion and bool(values) is not criterion["exists"]:
        return False
    if "eq" in criterion and not set(values) & set(criterion["eq"]):
        return False
    if "neq" in criterion and set(values) & set(criterion["neq"]):
        return False
    wanted = criterion.get("contains")
    return wanted is None or any(part in value for value in values for part in wanted)


# --- findings -----------------------------------------------------------------------------------


def _zone(lab: Any, call: Any, analyzer: Item) -> tuple[set[str], str | None]:
    """Return the accounts of the zone of trust, and the organization if it is one."""
    if not analyzer["type"].startswith("ORGANIZATION"):
        return {call.account}, None
    backend = lab.state.organization(call.account)
    return {account.id for account in backend.accounts}, backend.org.id


def _current(lab: Any, call: Any, analyzer: Item) -> list[Item]:
    """Look at everything; return all findings of an analyzer, the oldest first."""
    kept, now, seen = analyzer["findings"], lab.clock.now(), set()
    zone, organization = _zone(lab, call, analyzer)
    for facts in _facts(lab, call, analyzer, zone, organization):
        finding = kept.get(facts["id"])
        if finding is None:
            finding = kept[facts["id"]] = {"createdAt": now, "updatedAt": now, "status": "ACTIVE"}
            finding |= facts
            if any(_fits(finding, rule["filter"]) for rule in analyzer["rules"].values()):
                finding["status"] = "ARCHIVED"
        elif finding["status"] == "RESOLVED":
            finding |= {"status": "ACTIVE", "updatedAt": now}
        if finding["details"] != facts["details"]:
            finding["updatedAt"] = now
        finding |= facts | {"analyzedAt": now}
        seen.add(facts["id"])
        analyzer |= {"lastResourceAnalyzed": facts["resource"], "lastResourceAnalyzedAt": now}
    for key, finding in kept.items():
        if key not in seen and finding["status"] != "RESOLVED":
            finding |= {"status": "RESOLVED", "updatedAt": now, "analyzedAt": now}
    return list(kept.values())


def _facts(lab: Any, call: Any, analyzer: Item, zone: set[str], organization: str | None) -> Any:
    from iamlab.account.supplements import findings

    unused = analyzer["configuration"].get("unusedAccess")
    for account in sorted(zone):
        if unused is not None:
            rules = unused.get("analysisRule", {}).get("exclusions", [])
            if any(account in rule.get("accountIds", ()) for rule in rules):
                continue
            age = int(unused["unusedAccessAge"])
            for arn, kind, type_, details in findings.unused(lab, account, age, rules):
                key = details[0].get("unusedIamUserAccessKeyDetails", {}).get("accessKeyId")
                same = {"resource": arn, "resourceType": kind, "findingType": type_}
                same |= {"resourceOwnerAccount": account, "details": details}
                yield same | {"id": findings.identifier(analyzer["arn"], arn, type_, key)}
            continue
        for resource in findings.resources(lab, account, call.region):
            for found in findings.external(lab, resource, zone, organization):
                yield _external(lab, analyzer, resource, found)


def _external(lab: Any, analyzer: Item, resource: Any, found: Item) -> Item:
    from iamlab.account.supplements import findings

    facts = {"resource": resource.arn, "resourceType": resource.type}
    facts |= {"resourceOwnerAccount": resource.owner, "findingType": "ExternalAccess"}
    limited = "APPLICABLE" if lab.attached.limited_by_rcps(resource.owner) else "NOT_APPLICABLE"
    restriction = {"resourceControlPolicyRestriction": limited}
    shown = found if "error" in found else found | restriction
    details = {} if "error" in found else shown
    facts |= {"id": findings.identifier(analyzer["arn"], resource.arn, found)}
    return facts | shown | {"details": [{"externalAccessDetails": details}]}


FINDING = (
    *("id", "principal", "action", "resource", "isPublic", "resourceType", "condition"),
    *("createdAt", "analyzedAt", "updatedAt", "status", "resourceOwnerAccount", "error"),
    *("sources", "resourceControlPolicyRestriction"),
)
SUMMARY_V2 = (
    *("analyzedAt", "createdAt", "error", "id", "resource", "resourceType"),
    *("resourceOwnerAccount", "status", "updatedAt", "findingType"),
)


def _shown(finding: Item, names: tuple[str, ...]) -> Item:
    return {name: finding[name] for name in names if name in finding}


def list_findings(call: Any, lab: Any) -> Item:
    """ListFindings: "supported only for external access analyzers"."""
    found = _sorted(call, lab, *EXTERNAL)
    shown = [{"condition": {}} | _shown(one, FINDING) for one in found]
    return token_page(shown, call.params, "findings")


def list_findings_v2(call: Any, lab: Any) -> Item:
    """ListFindingsV2, for both kinds of analyzer."""
    found = _sorted(call, lab)
    return token_page([_shown(one, SUMMARY_V2) for one in found], call.params, "findings")


def _sorted(call: Any, lab: Any, *types: str) -> list[Item]:
    params = call.params
    analyzer = _by_arn(call, lab, params["analyzerArn"], *types)
    wanted, order = _filter(params.get("filter") or {}), params.get("sort") or {}
    found = [one for one in _current(lab, call, analyzer) if _fits(one, wanted)]
    name = order.get("attributeName")
    if name:
        if name not in FILTER_KEYS:
            raise invalid(f"Findings cannot be sorted by {name}.", name="sort")
        found.sort(key=lambda one: _fact(one, name))
    return found[::-1] if order.get("orderBy") == "DESC" else found


def _finding(call: Any, lab: Any, *types: str) -> Item:
    analyzer = _by_arn(call, lab, call.params["analyzerArn"], *types)
    for finding in _current(lab, call, analyzer):
        if finding["id"] == call.params["id"]:
            return finding
    raise _missing(call.params["id"], "Finding")


def get_finding(call: Any, lab: Any) -> Item:
    """GetFinding: "supported only for external access analyzers"."""
    return {"finding": {"condition": {}} | _shown(_finding(call, lab, *EXTERNAL), FINDING)}


def get_finding_v2(call: Any, lab: Any) -> Item:
    """GetFindingV2: the details come in pages."""
    finding = _finding(call, lab)
    page = token_page(finding["details"], call.params, "findingDetails")
    return _shown(finding, SUMMARY_V2) | page


def update_findings(call: Any, lab: Any) -> Item:
    """UpdateFindings: archive findings, or make them active again."""
    params = call.params
    analyzer = _by_arn(call, lab, params["analyzerArn"])
    ids, arn = params.get("ids"), params.get("resourceArn")
    if not ids and not arn:
        raise invalid("Name the findings by ids or by resourceArn.", name="ids")
    current = {one["id"]: one for one in _current(lab, call, analyzer)}
    for key in ids or ():
        if key not in current:
            raise _missing(key, "Finding")
    for finding in current.values():
        meant = finding["id"] in (ids or ()) or finding["resource"] == arn
        if meant and finding["status"] not in ("RESOLVED", params["status"]):
            finding |= {"status": params["status"], "updatedAt": lab.clock.now()}
    return {}


def statistics(call: Any, lab: Any) -> Item:
    """GetFindingsStatistics."""
    analyzer = _by_arn(call, lab, call.params["analyzerArn"])
    listed = _current(lab, call, analyzer)
    totals: Item = {
        f"total{status.title()}Findings": sum(f["status"] == status for f in listed)
        for status in ("ACTIVE", "ARCHIVED", "RESOLVED")
    }
    active = [f for f in listed if f["status"] == "ACTIVE"]
    if analyzer["type"] in UNUSED:
        kinds = Counter(f["findingType"] for f in active)
        totals["unusedAccessTypeStatistics"] = [
            {"unusedAccessType": kind, "total": total} for kind, total in sorted(kinds.items())
        ]
        accounts = Counter(f["resourceOwnerAccount"] for f in active).most_common(10)
        totals["topAccounts"] = [
            {"account": account, "numberOfActiveFindings": total} for account, total in accounts
        ]
        found = {"unusedAccessFindingsStatistics": totals}
    else:
        by_type: dict[str, Item] = {}
        for finding in active:
            kind = "Errors" if "error" in finding else "CrossAccount"
            name = "totalActive" + ("Public" if finding.get("isPublic") else kind)
            mine = by_type.setdefault(
                finding["resourceType"],
                dict.fromkeys(
                    ("totalActivePublic", "totalActiveCrossAccount", "totalActiveErrors"), 0
                ),
            )
            mine[name] += 1
        totals["resourceTypeStatistics"] = by_type
        found = {"externalAccessFindingsStatistics": totals}
    return {"findingsStatistics": [found], "lastUpdatedAt": lab.clock.now()}


# --- resources ----------------------------------------------------------------------------------


def _resources(lab: Any, call: Any, analyzer: Item) -> list[Any]:
    from iamlab.account.supplements import findings

    zone, _ = _zone(lab, call, analyzer)
    return [r for a in sorted(zone) for r in findings.resources(lab, a, call.region)]


def start_scan(call: Any, lab: Any) -> Item:
    """StartResourceScan: a scan is done at once."""
    analyzer = _by_arn(call, lab, call.params["analyzerArn"], *EXTERNAL)
    _resource(lab, call, analyzer)
    _current(lab, call, analyzer)
    return {}


def _resource(lab: Any, call: Any, analyzer: Item) -> Any:
    arn = call.params["resourceArn"]
    for resource in _resources(lab, call, analyzer):
        if resource.arn == arn:
            return resource
    raise _missing(arn, "Resource")


def list_resources(call: Any, lab: Any) -> Item:
    """ListAnalyzedResources."""
    analyzer = _by_arn(call, lab, call.params["analyzerArn"], *EXTERNAL)
    wanted = call.params.get("resourceType")
    listed = [
        {"resourceArn": r.arn, "resourceOwnerAccount": r.owner, "resourceType": r.type}
        for r in _resources(lab, call, analyzer)
        if wanted in (None, r.type)
    ]
    return token_page(listed, call.params, "analyzedResources")


def get_resource(call: Any, lab: Any) -> Item:
    """GetAnalyzedResource."""
    analyzer = _by_arn(call, lab, call.params["analyzerArn"], *EXTERNAL)
    resource, now = _resource(lab, call, analyzer), lab.clock.now()
    mine = [f for f in _current(lab, call, analyzer) if f["resource"] == resource.arn]
    active = [f for f in mine if f["status"] != "RESOLVED"]
    shown: Item = {"resourceArn": resource.arn, "resourceType": resource.type}
    shown |= {"createdAt": min((f["createdAt"] for f in mine), default=now)}
    shown |= {"updatedAt": max((f["updatedAt"] for f in mine), default=now), "analyzedAt": now}
    shown |= {"isPublic": any(f.get("isPublic") for f in active)}
    shown |= {"resourceOwnerAccount": resource.owner}
    if mine:
        shown["status"] = (active or mine)[0]["status"]
        shown["actions"] = sorted({a for f in active for a in f.get("action", ())})
        via = {s["type"] for f in active for s in f.get("sources", ())}
        shown |= {"sharedVia": sorted(via)} if via else {}
    return {"resource": shown}


REGISTRY = {
    ("access-analyzer", operation): answer
    for operation, answer in {
        "CreateAnalyzer": create_analyzer,
        "GetAnalyzer": get_analyzer,
        "ListAnalyzers": list_analyzers,
        "UpdateAnalyzer": update_analyzer,
        "DeleteAnalyzer": delete_analyzer,
        "TagResource": tag_resource,
        "UntagResource": untag_resource,
        "ListTagsForResource": list_tags,
        "CreateArchiveRule": create_rule,
        "GetArchiveRule": get_rule,
        "ListArchiveRules": list_rules,
        "UpdateArchiveRule": update_rule,
        "DeleteArchiveRule": delete_rule,
        "ApplyArchiveRule": apply_rule,
        "ListFindings": list_findings,
        "ListFindingsV2": list_findings_v2,
        "GetFinding": get_finding,
        "GetFindingV2": get_finding_v2,
        "UpdateFindings": update_findings,
        "GetFindingsStatistics": statistics,
        "StartResourceScan": start_scan,
        "ListAnalyzedResources": list_resources,
        "GetAnalyzedResource": get_resource,
    }.items()
} | policy_checks.REGISTRY
BEFORE = dict.fromkeys(REGISTRY, form)
