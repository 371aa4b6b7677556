"""Where to draw the nodes of a graph: in columns, arrows to the right, with few crossings."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

COLUMNS = 6  # at most: more would be too narrow to read
_BEND = 0.4  # the room that an arrow takes where it passes a column; a node takes 1
_SWEEPS = 8

Place = tuple[int, float]
Edge = tuple[str, str]
# A node, or the place where the long arrows to one node pass a column: (node, column).
_Slot = str | tuple[str, int]


@dataclass(frozen=True)
class Layout:
    """Where everything is.

    Attributes
    ----------
    places : dict of str to (int, float)
        Of each node its column, from 0 at the left, and its row, from 0 at the top.
    bends : dict of (str, str) to list of (int, float)
        Of each arrow that passes columns on its way: where.
    columns : int
    rows : float
        The last row in use, and one more.
    """

    places: dict[str, Place]
    bends: dict[Edge, list[Place]]
    columns: int
    rows: float


def arrange(nodes: Iterable[str], edges: Iterable[Edge], last: str = "") -> Layout:
    """Give every node a column and a row.

    Parameters
    ----------
    nodes : iterable of str
    edges : iterable of (str, str)
        Between these nodes. Arrows in a circle keep within one column.
    last : str, optional
        The node that has the last column for itself.

    Returns
    -------
    Layout
        The same for the same nodes and edges, in whatever order they come.

    Notes
    -----
    The layers of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical
    system structures" (1981): columns by the longest way to the right edge, order by the middle of
    a node's neighbours, rows by least squares.

    Examples
    --------
    >>> arrange("abc", [("a", "b"), ("b", "c"), ("a", "c")]).places["b"][0]
    1
    """
    names = sorted(set(nodes))
    arrows = sorted({(a, b) for a, b in edges if a != b})
    column = _columns(names, arrows, last)
    # Dicts without values: each slot once, in the order in which they came.
    layers: dict[int, dict[_Slot, None]] = defaultdict(dict)
    right, left = defaultdict(dict), defaultdict(dict)
    for name in names:
        layers[column[name]][name] = None
    chains: dict[Edge, list[_Slot]] = {}
    for a, b in arrows:
        chain = chains[a, b] = [a, *((b, at) for at in range(column[a] + 1, column[b])), b]
        for at, slot in enumerate(chain[1:-1], column[a] + 1):
            layers[at][slot] = None
        if column[a] < column[b]:
            for one, other in pairwise(chain):
                right[one][other] = left[other][one] = None
    order = [list(layers[at]) for at in range(max(layers, default=-1) + 1)]
    order = _uncross(order, left, right)
    row = _rows(order, left, right)
    return Layout(
        {name: (column[name], row[name]) for name in names},
        {
            edge: [(slot[1], row[slot]) for slot in chain[1:-1]]
            for edge, chain in chains.items()
            if len(chain) > 2
        },
        len(order),
        max(row.values(), default=-1.0) + 1,
    )


def _columns(names: Sequence[str], arrows: Sequence[Edge], last: str) -> dict[str, int]:
    import networkx

    graph = networkx.DiGraph()
    graph.add_nodes_from(names)
    graph.add_edges_from(arrows)
    circles = networkx.condensation(graph)
    far: dict[str, int] = {}  # columns to the right of a node
    floor = int(last in graph)  # the last column is taken
    for circle in reversed(list(networkx.topological_sort(circles))):
        after = [far[n] for c in circles.successors(circle) for n in circles.nodes[c]["members"]]
        for name in circles.nodes[circle]["members"]:
            far[name] = 0 if name == last else min(max([floor - 1, *after]) + 1, COLUMNS - 1)
    most = max(far.values(), default=0)
    return {name: most - distance for name, distance in far.items()}


def _uncross(
    order: list[list[_Slot]],
    left: Mapping[_Slot, Iterable[_Slot]],
    right: Mapping[_Slot, Iterable[_Slot]],
) -> list[list[_Slot]]:
    """Sort each column by the middle of its neighbours, to and fro; keep the best seen."""
    best, least = [list(layer) for layer in order], _crossings(order, right)
    for sweep in range(_SWEEPS):
        columns = range(1, len(order)) if sweep % 2 else range(len(order) - 2, -1, -1)
        beside = left if sweep % 2 else right
        for at in columns:
            other = order[at - 1] if sweep % 2 else order[at + 1]
            where = {slot: place for place, slot in enumerate(other)}

            def middle(item: tuple[int, _Slot]) -> float:
                near = [where[slot] for slot in beside.get(item[1], ())]  # noqa: B023
                return sum(near) / len(near) if near else item[0]

            order[at] = [slot for _, slot in sorted(enumerate(order[at]), key=middle)]
        crossings = _crossings(order, right)
        if crossings < least:
            best, least = [list(layer) for layer in order], crossings
    return best


def _crossings(order: list[list[_Slot]], right: Mapping[_Slot, Iterable[_Slot]]) -> int:
    total = 0
    for one, other in pairwise(order):
        where = {slot: place for place, slot in enumerate(other)}
        ends: list[int] = []
        for slot in one:
            mine = sorted(where[end] for end in right.get(slot, ()))
            total += sum(len(ends) - bisect_left(ends, end + 1) for end in mine)
            for end in mine:
                insort(ends, end)
    return total


def _rows(
    order: list[list[_Slot]],
    left: Mapping[_Slot, Iterable[_Slot]],
    right: Mapping[_Slot, Iterable[_Slot]],
) -> dict[_Slot, float]:
    """Bring each column's slots as near to their neighbours' rows as their order allows."""
    row: dict[_Slot, float] = {}
    for layer in order:
        at = -sum(map(_room, layer)) / 2
        for slot in layer:
            row[slot] = at + _room(slot) / 2
            at += _room(slot)
    for sweep in range(_SWEEPS):
        for layer in order if sweep % 2 else order[::-1]:
            near = [[row[n] for side in (left, right) for n in side.get(s, ())] for s in layer]
            wanted = [sum(n) / len(n) if n else row[s] for n, s in zip(near, layer, strict=True)]
            row.update(zip(layer, _apart(layer, wanted), strict=True))
    top = min((row[slot] - _room(slot) / 2 for slot in row), default=0.0)
    return {slot: round(at - top - 0.5, 3) for slot, at in row.items()}


def _apart(layer: Sequence[_Slot], wanted: Sequence[float]) -> list[float]:
    """The rows nearest to those wanted (least squares), in order and with room for each."""
    offsets, total = [], 0.0
    for number, slot in enumerate(layer):
        total += (_room(layer[number - 1]) + _room(slot)) / 2 if number else 0.0
        offsets.append(total)
    blocks: list[list[float]] = []  # sum and count of slots that lie side by side
    for want, offset in zip(wanted, offsets, strict=True):
        blocks.append([want - offset, 1])
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] > blocks[-1][0] * blocks[-2][1]:
            value, count = blocks.pop()
            blocks[-1][0] += value
            blocks[-1][1] += count
    means = [value / count for value, count in blocks for _ in range(int(count))]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]


def _room(slot: _Slot) -> float:
    return 1.0 if isinstance(slot, str) else _BEND
