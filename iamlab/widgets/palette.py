"""The colours of the widgets and figures: Okabe and Ito's eight, and readable shades of them."""

from __future__ import annotations

# Okabe M, Ito K: "Color Universal Design" (2008): told apart with every common colour blindness.
OKABE_ITO = {
    "black": "#000000",
    "orange": "#e69f00",
    "sky blue": "#56b4e9",
    "bluish green": "#009e73",
    "yellow": "#f0e442",
    "blue": "#0072b2",
    "vermillion": "#d55e00",
    "reddish purple": "#cc79a7",
}

# What JupyterLab's two themes put behind an output, and the colour of plain text on it.
SURFACES = {"light": ("#ffffff", "#1f2328"), "dark": ("#111111", "#e8eaed")}

# What each colour means: one hue a meaning, in both themes.
MEANINGS = {
    "allow": "bluish green",
    "deny": "vermillion",
    "notice": "orange",
    "info": "blue",
    "key": "blue",
    "string": "reddish purple",
    "literal": "vermillion",
}

# How much blue lies behind a number that is a share of a whole: a fifth or less, …, four fifths up.
SHARES = {"light": (0.1, 0.22, 0.34, 0.46, 0.58), "dark": (0.22, 0.36, 0.5, 0.64, 0.78)}

READABLE = 4.5  # contrast ratio that WCAG 2.2 asks of text (1.4.3, level AA)
EDGE = 3.0  # and of the border of a field (1.4.11)
_MARGIN = 1.06  # a little more, so that rounding in a browser never falls below


def contrast(one: str, other: str) -> float:
    """Tell how well two colours stand apart.

    Parameters
    ----------
    one, other : str
        Colours as ``#rrggbb``.

    Returns
    -------
    float
        The contrast ratio, 1 (the same) to 21 (black on white), as "Web Content Accessibility
        Guidelines 2.2" defines it.

    Examples
    --------
    >>> contrast("#000000", "#ffffff")
    21.0
    """
    low, high = sorted((_luminance(one), _luminance(other)))
    return round((high + 0.05) / (low + 0.05), 4)


def mix(colour: str, other: str, share: float) -> str:
    """Mix two colours.

    Parameters
    ----------
    colour, other : str
        Colours as ``#rrggbb``.
    share : float
        How much of `other`, 0 to 1.

    Returns
    -------
    str
        The mixture as ``#rrggbb``.

    Examples
    --------
    >>> mix("#000000", "#ffffff", 0.5)
    '#808080'
    """
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def shades(theme: str) -> dict[str, str]:
    """Work out the colours of one theme.

    Each meaning has a *tint* to lay behind text, and an *ink* to write with: the hue itself, moved
    towards black or white just far enough to be read on the surface and on every tint.

    Parameters
    ----------
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    dict of str to str
        Name of the shade to ``#rrggbb``: ``surface``, ``text``, ``quiet`` (text of less weight),
        ``edge``, ``sunk`` (behind an editor), ``<meaning>-ink`` and ``<meaning>-tint``, and
        ``share-1`` to ``share-5``: blues to lay behind text, the more the deeper.

    Raises
    ------
    KeyError
        If the theme is not one of `SURFACES`.

    Examples
    --------
    >>> contrast(shades("dark")["deny-ink"], "#111111") >= 4.5
    True
    """
    surface, text = SURFACES[theme]
    sunk = mix(surface, text, 0.035)
    found = {
        "surface": surface,
        "text": text,
        "sunk": sunk,
        "quiet": _ink(mix(text, surface, 0.5), text, (surface, sunk), READABLE),
        "edge": _ink(mix(text, surface, 0.7), text, (surface, sunk), EDGE),
        "line": mix(surface, text, 0.16),
    }
    share = 0.11 if theme == "light" else 0.2
    hues = {meaning: OKABE_ITO[name] for meaning, name in MEANINGS.items()}
    tints = {f"{meaning}-tint": mix(surface, hue, share) for meaning, hue in hues.items()}
    behind = (surface, sunk, *tints.values())
    inks = {f"{meaning}-ink": _ink(hue, text, behind, READABLE) for meaning, hue in hues.items()}
    blues = enumerate(SHARES[theme], 1)
    shares = {f"share-{step}": mix(surface, OKABE_ITO["blue"], blue) for step, blue in blues}
    return found | tints | inks | shares


def css() -> str:
    """Write the colours as CSS variables, for both of JupyterLab's themes.

    Returns
    -------
    str
        Rules for elements of class ``iamlab``; JupyterLab, Notebook and Voilà say which theme is
        on in the page's ``data-jp-theme-light``.

    Examples
    --------
    >>> "--iamlab-allow-ink" in css()
    True
    """
    rules = {".iamlab": "light", '[data-jp-theme-light="false"] .iamlab': "dark"}
    return "".join(
        f"{selector} {{ color-scheme: {theme};"
        + "".join(f" --iamlab-{name}: {value};" for name, value in shades(theme).items())
        + " }\n"
        for selector, theme in rules.items()
    )


def _ink(hue: str, towards: str, behind: tuple[str, ...], ratio: float) -> str:
    for step in range(101):
        ink = mix(hue, towards, step / 100)
        if all(contrast(ink, surface) >= ratio * _MARGIN for surface in behind):
            return ink
    raise ValueError(f"no shade of {hue} can be read on {', '.join(behind)}")


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
