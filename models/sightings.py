"""Real artifacts: what a model says of slices of which the manifest names an artifact that an engineer saw again.

There are few of them, no masks, and no reader looked. It is a check whether what is simulated transfers, no measure of
how well.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.eye import Eye
from inference.image import Slice
from models.answers import CleanAnswers
from models.classes import CLASSES, INDEX
from models.dataset import data_folder, slices_of, whole_manifest
from models.metrics import Bits, Floats
from models.operating import Reading
from models.series import few

TABLE = Path(__file__).parent / "sightings.toml"
PLAIN: Mapping[str, Any] = {
    "words": "EPI of which the manifest names no artifact",
    "artifact": "",
    "most": 16,  # slices of a series
}


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """Slices of one subject that show the same."""

    words: str  # what is seen
    artifact: str  # of CLASSES; "" for plain EPI
    subject: str  # repository / subject
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What was said of n real slices."""

    words: NDArray[np.str_]  # (n,)
    artifact: NDArray[np.str_]  # (n,)
    subject: NDArray[np.str_]  # (n,)
    probability: Floats  # (n, 13), calibrated
    present: Bits  # (n, 13)


@dataclass(frozen=True, slots=True)
class Shares:
    """How often one class was said of some slices."""

    present: float
    first: float  # the most probable of all classes, be it present or not
    second: float  # among the two most probable


@dataclass(frozen=True, slots=True)
class Sighted:
    """What a model says of what was seen."""

    words: str
    artifact: str
    slices: int
    subjects: int
    said: Shares
    clean: Shares  # of the same class, on clean slices


def read_sightings(table: Path = TABLE) -> list[Sighting]:
    """Return the slices that the table names; [] where there is no data. Raises KeyError on a series not there."""
    folder = data_folder()
    if folder is None:
        return []
    named = tomllib.loads(table.read_text(encoding="utf-8"))
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in whole_manifest(folder):
        rows.setdefault((row["source_repo"], row["series_id"]), []).append(row)
    found = []
    for entry in (*named["seen"], *(PLAIN | one for one in named["plain"])):
        for series in entry["series"]:
            of_series = rows[entry["source"], series]
            slices = [one for row in of_series for one in slices_of(folder, row)]
            chosen = (
                [slices[k] for k in entry["slices"]] if "slices" in entry else few(slices, entry.get("most"))
            )
            subject = entry.get("subject") or of_series[0]["patient_id"] or series
            found.append(
                Sighting(entry["words"], entry["artifact"], f"{entry['source']}/{subject}", tuple(chosen))
            )
    return found


def show(eye: Eye, sightings: Sequence[Sighting]) -> Shown:
    """Return what the eye says of them."""
    of_slice = [one for one in sightings for _ in one.slices]
    scores = [examined.score for one in sightings for examined in eye.examine(one.slices)]
    shape = (len(scores), len(CLASSES))
    return Shown(
        words=np.array([one.words for one in of_slice], dtype=np.str_),
        artifact=np.array([one.artifact for one in of_slice], dtype=np.str_),
        subject=np.array([one.subject for one in of_slice], dtype=np.str_),
        probability=np.array([[each.probability for each in one.findings] for one in scores]).reshape(shape),
        present=np.array([[each.present for each in one.findings] for one in scores], dtype=bool).reshape(
            shape
        ),
    )


def of_sightings(shown: Shown, clean: CleanAnswers, reading: Reading) -> list[Sighted]:
    """Return for everything that was seen how often its class was said, there and on clean slices."""
    quiet, alarms = reading.presence(clean.presence), reading.alarms(clean.presence)
    seen = dict.fromkeys(zip(shown.words.tolist(), shown.artifact.tolist(), strict=True))
    told = []
    for words, artifact in seen:
        if artifact:
            which, k = shown.words == words, INDEX[artifact]
            told.append(
                Sighted(
                    words=words,
                    artifact=artifact,
                    slices=int(which.sum()),
                    subjects=len(np.unique(shown.subject[which])),
                    said=_shares(k, shown.probability[which], shown.present[which]),
                    clean=_shares(k, quiet, alarms),
                )
            )
    return told


def of_plain(shown: Shown, clean: CleanAnswers, reading: Reading) -> Mapping[str, tuple[float, float]]:
    """Return for each class on what share of plain EPI, and of clean slices, it is said; {} without EPI."""
    which = shown.artifact == ""
    if not which.any():
        return {}
    shares = shown.present[which].mean(axis=0), reading.alarms(clean.presence).mean(axis=0)
    return {name: (float(epi), float(quiet)) for name, epi, quiet in zip(CLASSES, *shares, strict=True)}


def _shares(k: int, probability: Floats, present: Bits) -> Shares:
    ahead = (probability > probability[:, k : k + 1]).sum(axis=1)  # classes that are more probable
    return Shares(float(present[:, k].mean()), float((ahead < 1).mean()), float((ahead < 2).mean()))
