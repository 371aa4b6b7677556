"""Paging: markers that cannot be made up, and that survive what happens between two pages."""

from __future__ import annotations

import pytest

from iamlab.account.errors import AwsError
from iamlab.account.supplements.paging import page, token_page


def test_pages_put_together_are_the_list() -> None:
    items, seen, params = [f"n{i:03}" for i in range(250)], [], {}
    sizes = []
    while True:
        answer = page(items, params, "Names")
        seen += answer["Names"]
        sizes.append(len(answer["Names"]))
        if not answer["IsTruncated"]:
            assert "Marker" not in answer
            break
        params = {"Marker": answer["Marker"]}
    assert seen == items and sizes == [100, 100, 50]


def test_exactly_full_is_not_truncated() -> None:
    assert page("ab", {"MaxItems": 2}, "X") == {"X": ["a", "b"], "IsTruncated": False}


def test_deleting_what_was_shown_loses_nothing() -> None:
    items = list("dacb")
    first = page(items, {"MaxItems": "2"}, "X", key=str)
    assert first["X"] == ["a", "b"]
    for gone in first["X"]:
        items.remove(gone)
    items.append("bb")
    assert page(items, {"Marker": first["Marker"]}, "X", key=str)["X"] == ["bb", "c", "d"]


@pytest.mark.parametrize("marker", ["nonsense", "2", "-1", "AAAA", "é", "W10=", "WyJYIiwgLTFd"])
def test_a_marker_that_nobody_gave_is_refused(marker: str) -> None:
    with pytest.raises(AwsError) as caught:
        page("abc", {"Marker": marker}, "X")
    assert (caught.value.code, caught.value.status) == ("ValidationError", 400)
    with pytest.raises(AwsError) as caught:
        token_page("abc", {"nextToken": marker}, "X", refused="InvalidNextTokenException")
    assert caught.value.code == "InvalidNextTokenException"


def test_a_marker_of_another_list_is_refused() -> None:
    marker = page("abc", {"MaxItems": 1}, "Users")["Marker"]
    with pytest.raises(AwsError):
        page("abc", {"Marker": marker}, "Roles")
    with pytest.raises(AwsError):
        page("abc", {"Marker": marker}, "Users", key=str)


def test_tokens() -> None:
    names = {"limit": "MaxResults", "token": "NextToken"}
    first = token_page("abc", {"MaxResults": 2}, "Events", **names)
    assert first["Events"] == ["a", "b"]
    assert token_page("abc", {"NextToken": first["NextToken"]}, "Events", **names) == {
        "Events": ["c"]
    }
