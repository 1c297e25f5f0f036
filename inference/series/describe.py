"""From one clean data set to a coded description: tables first, then geometry and timing."""

import re
import warnings
from collections.abc import Iterator
from functools import cache
from math import acos, degrees
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydicom.dataset import Dataset

from inference import header
from inference.series.clues import Clues, read
from inference.series.description import UNKNOWN, Answer, Description
from inference.series.timing import weighting_by_timing
from inference.series.vocabulary import rows

PATH = Path(__file__).with_name("tables.tsv")
OBLIQUE_DEG = 30.0  # a slice normal that is farther than this from every axis is oblique
_AXES = ("SAGITTAL", "CORONAL", "AXIAL")  # by the axis of the normal: x, y, z of the patient
_FIELDS = (0.01, 25.0)  # T
_GAUSS = 1e4  # some old headers count in gauss


class Row(NamedTuple):
    """One row of `tables.tsv`."""

    facet: str
    term: str
    vendor: str
    element: str
    pattern: re.Pattern[str]
    source: str


def describe(ds: Dataset, frame: int = 1) -> Description:
    """Describe what a frame (1-based) of a clean MR object is.

    Facets that the evidence does not settle are unknown. Never raises, nor warns: an unreadable header tells nothing.
    """
    with warnings.catch_warnings(action="ignore"):
        try:
            return _described(ds, frame)
        except header.BROKEN:
            return Description()


def facet_of(ds: Dataset, facet: str, frame: int = 1) -> str:
    """Give the term that the tables alone tell of one facet, cheaply. Raises one of `header.BROKEN`."""
    return _by_table(facet, read(ds, frame), "*").term


def _described(ds: Dataset, frame: int) -> Description:
    clues = read(ds, frame)
    vendor = _by_table("vendor", clues, "*")
    found = {"vendor": vendor}
    for facet in _tables():
        if facet != "vendor":
            found[facet] = _by_table(facet, clues, vendor.term)
    if not found["weighting"].known:
        found["weighting"] = weighting_by_timing(clues, found["family"].term)
    found["orientation"] = _plane(ds, frame) or found["orientation"]
    found["dynamic"] = _dynamic(clues, found)
    return Description.of(found.values(), _field(ds))


def _by_table(facet: str, clues: Clues, vendor: str) -> Answer:
    """Give the term of the first row that matches, borne out by all rows of that term that do."""
    matching = [
        row
        for row in _tables()[facet]
        if row.vendor in ("*", vendor)
        and row.element in clues.texts
        and row.pattern.search(clues.text(row.element))
    ]
    if not matching:
        return Answer(facet)
    term = matching[0].term
    said = (clues.sources[row.element] for row in matching if row.term == term)
    return Answer(facet, term, tuple(dict.fromkeys(source for sources in said for source in sources)))


def _plane(ds: Dataset, frame: int) -> Answer | None:
    place = header.plane(ds, frame)
    if place is None:
        return None
    normal = np.abs(np.cross(place.along_row, place.along_column))
    axis = int(normal.argmax())
    angle = degrees(acos(min(1.0, float(normal[axis] / np.linalg.norm(normal)))))
    return Answer(
        "orientation", _AXES[axis] if angle <= OBLIQUE_DEG else "OBLIQUE", ("ImageOrientationPatient",)
    )


def _dynamic(clues: Clues, found: dict[str, Answer]) -> Answer:
    """Tell along which dimension images of one place differ, as far as one header knows."""
    return Answer("dynamic", *next(_dimensions(clues, found), (UNKNOWN, ())))


def _dimensions(clues: Clues, found: dict[str, Answer]) -> Iterator[tuple[str, tuple[str, ...]]]:
    weighting, derivation = found["weighting"], found["derivation"].term
    measured = derivation in (UNKNOWN, "ORIGINAL", "TRACE")
    if weighting.term == "DIFFUSION" and measured:
        yield "B_VALUE", weighting.evidence
    for term, name in (("TRIGGER", "CardiacPhases"), ("TIME", "Times")):
        if measured and clues.at_least(name, 2):
            yield term, clues.sources[name]
    if weighting.term in ("BOLD", "ASL", "PERFUSION") and measured:
        yield "TIME", weighting.evidence
    if measured and clues.at_least("Echoes", 2):
        yield "ECHO", clues.sources["Echoes"]


def _field(ds: Dataset) -> float | None:
    stated = header.number(ds, "MagneticFieldStrength")
    if stated is None:
        return None
    tesla = stated / _GAUSS if stated > _FIELDS[1] else stated
    return round(tesla, 1 if tesla >= 1 else 3) if _FIELDS[0] <= tesla <= _FIELDS[1] else None


@cache
def _tables() -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for facet, term, vendor, element, pattern, source in rows(PATH, 6):
        found.setdefault(facet, []).append(Row(facet, term, vendor, element, re.compile(pattern), source))
    return found
