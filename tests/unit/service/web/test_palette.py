"""The colours of the pages: contrast by WCAG 2.2 (1.4.3, 1.4.11) of what is read, and of what is seen."""

import re
from importlib.resources import files
from itertools import product

import pytest

from inference.artifacts import CATALOGUE, Artifact

SHEET = (files("service.web") / "static" / "style.css").read_text("utf-8")
PALETTE = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", SHEET))
GROUNDS = ("ground", "panel", "raised")
SEEN = ("control", "focus", "good", "bad", "notice", "check")  # borders, focus, marks, lines of charts


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_is_twenty_one_to_one() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize(("text", "ground"), list(product(("text", "muted"), GROUNDS)))
def test_what_is_read_stands_out_from_every_ground(text: str, ground: str) -> None:
    assert contrast(PALETTE[text], PALETTE[ground]) >= 4.5


@pytest.mark.parametrize("name", [name.removesuffix("-text") for name in PALETTE if name.endswith("-text")])
def test_the_word_of_a_verdict_stands_out_from_its_colour(name: str) -> None:
    assert contrast(PALETTE[f"{name}-text"], PALETTE[name]) >= 4.5


@pytest.mark.parametrize(("mark", "ground"), list(product(SEEN, GROUNDS)))
def test_what_is_seen_stands_out_from_every_ground(mark: str, ground: str) -> None:
    assert contrast(PALETTE[mark], PALETTE[ground]) >= 3


@pytest.mark.parametrize(
    ("artifact", "ground"), list(product(CATALOGUE, GROUNDS)), ids=lambda one: getattr(one, "name", one)
)
def test_the_colour_of_an_artifact_stands_out_from_every_ground(artifact: Artifact, ground: str) -> None:
    assert contrast(artifact.colour, PALETTE[ground]) >= 3
