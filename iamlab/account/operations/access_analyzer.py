"""Access Analyzer's exceptions to the general rule.

Source: "Actions, resources, and condition keys for AWS IAM Access Analyzer".
"""

from __future__ import annotations

from typing import Any

from .target import Check, Kind, Target, dig, pass_role, plain

# "GetFinding and GetFindingV2 both use access-analyzer:GetFinding."
ACTIONS = {"GetFindingV2": "GetFinding", "ListFindingsV2": "ListFindings"}
MEMBERS = {
    "Analyzer": ("analyzerArn", "analyzerName", "resourceArn"),
    "ArchiveRule": ("ruleName",),
    # There the ARN is that of a thing looked at.
    ("StartResourceScan", "Analyzer"): ("analyzerArn",),
    ("GetAnalyzedResource", "Analyzer"): ("analyzerArn",),
    ("UpdateFindings", "Analyzer"): ("analyzerArn",),
}


def target(kind: Kind, value: str | None, call: Any, state: Any) -> Target | None:
    """An archive rule's ARN holds its analyzer's; an analyzer has tags."""
    if kind.name == "ArchiveRule" and value is not None:
        analyzer = call.params.get("analyzerName") or call.params.get("analyzerArn", "*")
        if not analyzer.startswith("arn:"):
            place = f"{call.region}:{call.account}"
            analyzer = f"arn:aws:access-analyzer:{place}:analyzer/{analyzer}"
        return Target(f"{analyzer}/archive-rule/{value}")
    found = plain(kind, value, call, state)
    tags = _tags(found.arn, call, state) if found is not None and state is not None else {}
    return found._replace(tags=tags) if found is not None and tags else found


def _tags(arn: str, call: Any, state: Any) -> dict[str, str]:
    regions = getattr(state.iam(call.account), "access_analyzer", {}).values()
    known = {one["arn"]: one["tags"] for r in regions for one in r["analyzers"].values()}
    return known.get(arn, {})


def _service_role(call: Any, state: Any, main: list[Check]) -> list[Check]:
    # "To generate policies, an IAM user must have a permissions policy that allows them to pass
    # the service role" ("IAM Access Analyzer policy generation", IAM User Guide).
    role = dig(call.params, ("cloudTrailDetails", "accessRole"))
    return pass_role(role, "access-analyzer.amazonaws.com", main[0].resource, call)


EXTRA = {"StartPolicyGeneration": _service_role}
