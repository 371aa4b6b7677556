"""Names and numbers in a trust graph's words: what a principal is, long names, short lists."""

from __future__ import annotations

import re
from typing import Any

_LABEL = 40  # characters of a name in the graph

# What a name stands for: pattern, what its box says above the name, the list it is offered in. The
# group "name" of the pattern is what the box shows.
KINDS: tuple[tuple[str, str, str], ...] = (
    (r"(?P<name>administrator)", "every right", "Every right"),
    (r"user/(?P<name>[^ ]+)", "user", "Users"),
    (r"role/(?P<name>[^ ]+)", "role", "Roles"),
    (r"(?P<kind>user|role)/(?P<name>.+) of (?P<account>\d{12})", "{kind} of {account}", "Outside"),
    (r"account (?P<name>\d{12})", "other account", "Outside"),
    (r"(?P<name>anyone)", "any AWS account", "Outside"),
    (r"(?P<name>.+\.amazonaws\.com(\.cn)?)", "AWS service", "AWS services"),
    (r"(.*saml-provider/)?(?P<name>.+)", "identity provider", "Identity providers"),
)


def kind_of(name: str) -> tuple[str, str, str]:
    """What a box shows of a name, what it says above it, and the list the name is offered in."""
    for pattern, kind, title in KINDS:
        found = re.fullmatch(pattern, name)
        if found:
            return found["name"], kind.format_map(found.groupdict()), title
    raise ValueError(f"a principal without a name: {name!r}")


def short(name: str) -> str:
    """A long name without its middle: names mostly differ at their ends."""
    return name if len(name) <= _LABEL else f"{name[: _LABEL - 16]}…{name[-15:]}"


def count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def listed(names: list[str]) -> str:
    if not names:
        return "nobody"
    if len(names) > 5:
        return f"{', '.join(names[:4])} and {len(names) - 4} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def title_of(shown: dict[str, Any], holder: str) -> str:
    whose = shown["policy"]
    if whose.startswith("trust policy "):
        whose = f"the {whose}"
    else:
        whose = f"policy {whose}" if " of group " in whose else f"policy {whose} of {holder}"
    return f"Statement {shown['statement'] + 1} of {whose}"


def capital(text: str) -> str:
    return text.replace("nobody", "Nobody", 1) if text.startswith("nobody") else text
