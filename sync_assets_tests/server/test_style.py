"""The colours of the pages can be told apart: WCAG 2.2, contrast."""

import re
from pathlib import Path

import pytest

from sync_assets.server import pages

_STYLE = (Path(pages.__file__).parent / "static" / "style.css").read_text()
_COLOURS = dict(re.findall(r"--([a-z-]+): light-dark\((#\w{6}, #\w{6})\);", _STYLE))

TEXTS = [
    *((text, ground) for text in ("text", "quiet") for ground in ("page", "surface", "raised")),
    *(("accent", ground) for ground in ("page", "surface", "raised")),
    ("on-accent", "accent"),
    ("bad", "surface"),
    *((tone, f"{tone}-surface") for tone in ("good", "bad", "warn", "busy")),
]


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXTS)
def test_text_can_be_read(text, ground, scheme):
    one, other = (_COLOURS[name].split(", ")[scheme] for name in (text, ground))
    assert contrast(one, other) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_the_edge_of_a_control_can_be_seen(scheme):
    one, other = (_COLOURS[name].split(", ")[scheme] for name in ("control", "surface"))
    assert contrast(one, other) >= 3
