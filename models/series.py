"""Held-out series, clean as they were found or spoilt by one artifact, and the verdicts that a model brings on them.

The way is that of the service: header gate, `Eye`, `summarise`, `verdict_of`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray

from inference.eye import Eye
from inference.guard import unsuited
from inference.image import Slice, UnreadableImage
from inference.preprocess import to_canvas
from inference.score import NO_SCORE, QualityScore, SliceScore, not_scored, summarise
from inference.text import kept
from inference.verdict import Thresholds, Verdict, verdict_of
from models.answers import REPEATABLE
from models.dataset import Pool, data_folder, manifest, nifti_slices, split_of, split_table
from models.modelcard import CANVAS
from models.simulate import Plan, Planted, simulate
from models.visibility import Image

VERDICTS: tuple[Verdict, ...] = tuple(Verdict)
THRESHOLDS = Thresholds()
SPOILT_SLICES = 6  # of a series, from its middle
PART_SPOILT = 2  # of these, where only a part is spoilt
SEVERITIES = (1.2, 1.8, 2.6, 3.4, 3.4, 3.4)  # tried in turn, each with a draw of its own
SEED = 404
# Series that the service turns away by the words of their description: no clean series to be scored.
LOCALIZER = re.compile(r"(?i)(?<![a-z0-9])(loc|locali[sz]er|scout|survey)(?![a-z0-9])")

_Row = tuple[str, str, str, bool, int, bool]  # the fields of `Verdicts`


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One clean series."""

    source: str  # repository
    subject: str  # repository / subject
    slices: tuple[Slice, ...]  # those that the header gate lets through
    refused: str  # why the others are not scored, "" where all are


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What was said of n series."""

    subject: NDArray[np.str_]  # (n,)
    artifact: NDArray[np.str_]  # (n,) "" for a clean one
    extent: NDArray[np.str_]  # (n,) "all" or "part" of the slices, "" for a clean one
    unsuitable: NDArray[np.bool_]  # (n,) at least half of the spoilt slices are so, by their similarity
    verdict: NDArray[np.int8]  # (n,) place in VERDICTS
    named: NDArray[np.bool_]  # (n,) any artifact counts for the series


def read_series(pool: Pool, split: str) -> list[Series]:
    """Return the clean series of a split, as files give them; where there is no data, those of the pool's phantoms."""
    folder = data_folder()
    return list(_of_pool(pool.of(split)) if folder is None else _of_files(folder, split))


def _of_pool(pool: Pool) -> Iterator[Series]:
    for subject in np.unique(pool.source):
        places = np.flatnonzero(pool.source == subject)
        yield Series("phantom", str(subject), tuple(_as_slice(pool.image(int(k))) for k in places), "")


def _of_files(folder: Path, split: str) -> Iterator[Series]:
    table = split_table()
    rows = [
        row
        for row in manifest(folder)
        if split_of(table, row["source_repo"], row["patient_id"]) == split
        and not LOCALIZER.search(row["series"])
    ]

    def key(row: Mapping[str, str]) -> tuple[str, str, str]:
        return row["source_repo"], row["patient_id"], row["series_id"]

    for (source, patient, number), of_series in groupby(sorted(rows, key=key), key=key):
        slices, refused = _slices(folder, list(of_series))
        yield Series(source, f"{source}/{patient or number}", tuple(slices), refused)


def _slices(folder: Path, rows: Sequence[Mapping[str, str]]) -> tuple[list[Slice], str]:
    slices: list[Slice] = []
    refused = ""
    for row in rows:
        path = folder / row["path"]
        if row["format"] != "DICOM":
            slices += nifti_slices(path, row["slice_axis"])
            continue
        header = pydicom.dcmread(path)
        why: str = unsuited(header)
        try:
            slices += [] if why else [Slice.from_dataset(header)]
        except UnreadableImage as unreadable:
            why = str(unreadable)
        refused = refused or why
    return slices, refused


def _as_slice(image: Image) -> Slice:
    return Slice.from_array(image, phase_encoding="COL")


def judged(scores: Sequence[SliceScore], refused: str = "") -> tuple[QualityScore, Verdict]:
    """Return score and verdict of a series by its slices."""
    quality = summarise(scores) if scores else not_scored(kept(refused, None) if refused else NO_SCORE)
    return quality, verdict_of(quality, THRESHOLDS)


def judge_clean(eye: Eye, series: Sequence[Series]) -> Verdicts:
    """Return the verdicts on series as they were found."""
    rows = [
        (
            one.subject,
            "",
            "",
            False,
            *_said(judged([each.score for each in eye.examine(one.slices)], one.refused)),
        )
        for one in series
    ]
    return _verdicts(rows)


def judge_spoilt(eye: Eye, series: Sequence[Series]) -> Verdicts:
    """Return the verdicts on the series that are long enough, each spoilt by motion, ghost, wrap and spike in turn.

    Once on all of a few slices from its middle, once on a part of them. The severity rises until half of the spoilt
    slices are unsuitable; where it does not suffice the series does not count as unsuitable.
    """
    rows: list[_Row] = []
    for number, one in enumerate(series):
        if len(one.slices) < SPOILT_SLICES:
            continue
        canvases = _middle(one)
        clean = _scores(eye, canvases)
        for artifact in REPEATABLE:
            spoilt, unsuitable = _spoilt(canvases, artifact, number)
            scores = _scores(eye, spoilt)
            half = (SPOILT_SLICES - PART_SPOILT) // 2
            part = [*clean[:half], *scores[half : half + PART_SPOILT], *clean[half + PART_SPOILT :]]
            for extent, these in (("all", scores), ("part", part)):
                rows.append((one.subject, artifact, extent, unsuitable, *_said(judged(these))))
    return _verdicts(rows)


def _said(of_series: tuple[QualityScore, Verdict]) -> tuple[int, bool]:
    quality, verdict = of_series
    return VERDICTS.index(verdict), any(finding.present for finding in quality.findings)


def _verdicts(rows: Sequence[_Row]) -> Verdicts:
    subject, artifact, extent, unsuitable, verdict, named = zip(*rows, strict=True) if rows else ((),) * 6
    return Verdicts(
        np.array(subject, dtype=np.str_),
        np.array(artifact, dtype=np.str_),
        np.array(extent, dtype=np.str_),
        np.array(unsuitable, dtype=bool),
        np.array(verdict, dtype=np.int8),
        np.array(named, dtype=bool),
    )


def _middle(series: Series) -> list[Image]:
    first = (len(series.slices) - SPOILT_SLICES) // 2
    return [
        to_canvas(one, CANVAS, transpose=one.phase_encoding == "ROW").image
        for one in series.slices[first : first + SPOILT_SLICES]
    ]


def _scores(eye: Eye, canvases: Sequence[Image]) -> list[SliceScore]:
    return [examined.score for examined in eye.examine([_as_slice(canvas) for canvas in canvases])]


def _spoilt(canvases: Sequence[Image], artifact: str, number: int) -> tuple[list[Image], bool]:
    """Return the slices with the artifact, drawn alike on each, and whether half of them are unsuitable."""
    for attempt, severity in enumerate(SEVERITIES):
        seed = [SEED, number, REPEATABLE.index(artifact), attempt]
        plan = Plan((Planted(artifact, severity),))
        samples = [simulate(np.random.default_rng(seed), canvas, plan) for canvas in canvases]
        unsuitable = sum(not sample.suitable for sample in samples) * 2 >= len(samples)
        if unsuitable:
            break
    return [sample.image for sample in samples], unsuitable
