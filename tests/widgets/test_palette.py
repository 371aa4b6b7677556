"""The colours: each can be read, and the sheet for the page holds them all."""

from __future__ import annotations

from itertools import combinations

import pytest

from iamlab.widgets import palette


def test_contrast_of_known_pairs() -> None:
    # The two ends, and the grey that is the lightest to pass on white (W3C, "Understanding 1.4.3").
    assert palette.contrast("#000000", "#ffffff") == 21
    assert palette.contrast("#123456", "#123456") == 1
    assert palette.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert palette.contrast("#ffffff", "#767676") == palette.contrast("#767676", "#ffffff")


@pytest.mark.parametrize("theme", palette.SURFACES)
def test_every_ink_can_be_read_wherever_it_is_written(theme: str) -> None:
    shades = palette.shades(theme)
    for name, ink in shades.items():
        if not name.endswith("-ink") and name not in ("text", "quiet"):
            continue
        behind = [shades["surface"], shades["sunk"]]
        if name != "quiet":
            behind += [value for tint, value in shades.items() if tint.endswith("-tint")]
        for surface in behind:
            assert palette.contrast(ink, surface) >= palette.READABLE, (name, ink, surface)


@pytest.mark.parametrize("theme", palette.SURFACES)
def test_a_number_can_be_read_on_every_share(theme: str) -> None:
    shades = palette.shades(theme)
    behind = [shades[f"share-{step}"] for step in range(1, 6)]
    assert all(palette.contrast(shades["text"], one) >= palette.READABLE for one in behind)
    away = [palette.contrast(shades["surface"], one) for one in behind]
    assert away == sorted(away) and away[0] > 1.05, "each step is further from the page"


@pytest.mark.parametrize("theme", palette.SURFACES)
def test_edges_of_fields_are_seen(theme: str) -> None:
    shades = palette.shades(theme)
    assert palette.contrast(shades["edge"], shades["surface"]) >= palette.EDGE
    assert palette.contrast(shades["edge"], shades["sunk"]) >= palette.EDGE


def test_allow_deny_and_notice_have_hues_of_their_own() -> None:
    hues = [palette.OKABE_ITO[palette.MEANINGS[m]] for m in ("allow", "deny", "notice", "info")]
    assert all(one != other for one, other in combinations(hues, 2))


def test_the_sheet_holds_both_themes() -> None:
    sheet = palette.css()
    for theme in palette.SURFACES:
        for name, value in palette.shades(theme).items():
            assert f"--iamlab-{name}: {value};" in sheet
    assert '[data-jp-theme-light="false"] .iamlab' in sheet


def test_a_shade_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="no shade of #777777"):
        palette._ink("#777777", "#888888", ("#808080",), 4.5)
