"""Where boxes go: arrows to the right, few crossings, nothing on top of anything."""

from __future__ import annotations

import random
from itertools import combinations, pairwise

import pytest

from iamlab.widgets.graph_layout import COLUMNS, Layout, arrange


def crossings(layout: Layout, edges: list[tuple[str, str]]) -> int:
    """Arrows between neighbouring columns that cross, counted pair by pair."""
    pieces = []
    for a, b in edges:
        points = [layout.places[a], *layout.bends.get((a, b), []), layout.places[b]]
        pieces += pairwise(points)
    return sum(
        (p[0][1] - q[0][1]) * (p[1][1] - q[1][1]) < 0
        for p, q in combinations(set(pieces), 2)
        if p[0][0] == q[0][0] and p[1][0] == q[1][0]
    )


def test_a_chain_goes_from_left_to_right() -> None:
    layout = arrange("abc", [("a", "b"), ("b", "c")])
    assert layout.places == {"a": (0, 0.0), "b": (1, 0.0), "c": (2, 0.0)}
    assert (layout.columns, layout.rows, layout.bends) == (3, 1.0, {})


def test_the_last_one_has_its_column_for_itself() -> None:
    layout = arrange("abcd", [("a", "b"), ("c", "d")], last="d")
    assert [layout.places[name][0] for name in "abcd"] == [0, 1, 1, 2]


def test_a_long_arrow_bends_where_it_passes_a_column() -> None:
    layout = arrange("abc", [("a", "b"), ("b", "c"), ("a", "c")])
    ((column, row),) = layout.bends["a", "c"]
    assert column == 1 and abs(row - layout.places["b"][1]) >= 0.5


def test_what_goes_in_a_circle_keeps_in_one_column() -> None:
    layout = arrange("abcd", [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")])
    columns = {name: place[0] for name, place in layout.places.items()}
    assert columns["a"] < columns["b"] == columns["c"] < columns["d"]


def test_crossings_that_need_not_be_are_not() -> None:
    edges = [("a", "z"), ("b", "y"), ("c", "x"), ("d", "w")]
    assert crossings(arrange("abcdwxyz", edges), edges) == 0
    tree = [("m", n) for n in "stuv"] + [(n, n + end) for n in "stuv" for end in "12"]
    names = {name for edge in tree for name in edge}
    assert crossings(arrange(names, tree), tree) == 0


def test_far_fewer_crossings_than_by_name() -> None:
    chance = random.Random(11)
    rows = [[f"{layer}{n:02}" for n in range(9)] for layer in "abc"]
    edges = [(a, chance.choice(after)) for row, after in pairwise(rows) for a in row]
    names = {name for edge in edges for name in edge}
    plain = Layout({n: ("abc".index(n[0]), float(n[1:])) for n in names}, {}, 3, 9.0)
    assert crossings(arrange(names, edges), edges) <= crossings(plain, edges) / 3


@pytest.mark.parametrize("seed", range(20))
def test_nothing_lies_on_anything_and_the_order_given_does_not_matter(seed: int) -> None:
    chance = random.Random(seed)
    names = [f"n{number}" for number in range(chance.randint(1, 60))]
    edges = [(chance.choice(names), chance.choice(names)) for _ in range(len(names) * 2)]
    layout = arrange(names, edges, last="n0")
    assert set(layout.places) == set(names) and layout.columns <= COLUMNS
    for one, other in combinations(layout.places.values(), 2):
        assert one[0] != other[0] or abs(one[1] - other[1]) >= 0.999
    for bends in layout.bends.values():
        for column, row in bends:
            assert all(abs(row - r) >= 0.699 for c, r in layout.places.values() if c == column)
    assert all(-0.5 <= row <= layout.rows - 0.999 for _, row in layout.places.values())
    chance.shuffle(names)
    chance.shuffle(edges)
    assert arrange(names, edges, last="n0") == layout


def test_nothing_to_draw() -> None:
    assert arrange([], []) == Layout({}, {}, 0, 0.0)
