"""What a policy opens, as a figure: gained to the right, lost to the left, used below."""

from __future__ import annotations

from typing import Any

from iamlab.widgets import palette
from iamlab.widgets.picture import Picture

MOST = 20  # services that are drawn


def draw(state: dict[str, Any], alt: str) -> Picture:
    """Draw a report.

    Parameters
    ----------
    state : dict
        See `iamlab.widgets.opens_report.report`.
    alt : str
        The same in words.

    Returns
    -------
    Picture
    """
    both, meter = state["both"], state["meter"]
    services = [s for s in state["services"] if not both or s["gained"] or s["lost"]]
    shown = services[:MOST]
    height = 1.6 + 0.3 * max(len(shown), 1)
    figure = Picture(alt, figsize=(9, height + (1.1 if meter else 0)))
    ratios = [height, 1.0] if meter else [height]
    charts = figure.subplots(len(ratios), 1, squeeze=False, height_ratios=ratios)[:, 0]
    inks = palette.shades("light")
    axes = charts[0]
    title = "What a policy opens" if not both else "What a change of a policy opens and closes"
    axes.set_title(f"{title}\n{state['headline']}", loc="left", fontsize=10)
    series = [("gained", 1, "allow-ink", "+"), ("lost", -1, "deny-ink", "\u2212")]
    for part, side, ink, sign in series if both else [("kept", 1, "info-ink", "")]:
        values = [side * service[part] for service in shown]
        bars = axes.barh(range(len(shown)), values, color=inks[ink])
        labels = [f"{sign}{abs(value):,}" if value else "" for value in values]
        axes.bar_label(bars, labels, padding=3, fontsize=8)
    axes.axvline(0, color=inks["edge"], linewidth=0.8)
    axes.set_yticks(range(len(shown)), [service["name"] for service in shown], fontsize=8)
    axes.set_ylim(max(len(shown), 1) - 0.4, -0.6)
    axes.margins(x=0.12)
    rest = f"; {len(services) - MOST:,} more services are not drawn" if len(services) > MOST else ""
    kinds = "lost to the left, gained to the right" if both else "open"
    axes.set_xlabel(f"actions, {kinds}{rest}", fontsize=8, loc="left")
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    if meter:
        _meter(charts[1], meter, inks)
    return figure


def _meter(axes: Any, meter: dict[str, Any], inks: dict[str, str]) -> None:
    axes.barh([0], [meter["used"]], color=inks["info-ink"])
    axes.barh(
        [0],
        [meter["idle"]],
        left=meter["used"],
        color=inks["info-tint"],
        hatch="//",
        edgecolor=inks["info-ink"],
    )
    axes.set_title(" ".join(meter["sentences"][:2]), loc="left", fontsize=9)
    axes.set_xlim(0, max(meter["opened"], 1))
    axes.set_yticks([])
    axes.set_xlabel("dark: used; hatched: open, but not used", fontsize=8, loc="left")
    axes.tick_params(axis="x", labelsize=8)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.spines[["top", "right", "left"]].set_visible(False)
