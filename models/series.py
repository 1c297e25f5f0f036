"""Clean series, as they were found or spoilt by one artifact, and the verdicts that a model brings on them.

The way is that of the service: header gate, `Eye`, `summarise`, `verdict_of`.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import numpy as np
import pydicom
from numpy.typing import NDArray

from inference.eye import Eye
from inference.guard import unsuited
from inference.image import Slice, UnreadableImage
from inference.preprocess import to_canvas
from inference.score import NO_SCORE, QualityScore, SliceScore, not_scored
from inference.summary import summarise
from inference.text import kept
from inference.verdict import Thresholds, Verdict, verdict_of
from models.answers import REPEATABLE
from models.dataset import Pool, data_folder, manifest, nifti_slices, split_of, split_table
from models.metrics import Bits, Floats
from models.modelcard import CANVAS
from models.simulate import Plan, Planted, simulate
from models.visibility import GREY_ZONE, Image

VERDICTS: tuple[Verdict, ...] = tuple(Verdict)
THRESHOLDS = Thresholds()
ALWAYS_POOR = Thresholds(repeat_index=math.inf)  # every series is poor: what says Repeat now has a reason to
CHOOSING_SLICES = 24  # of a series that thresholds may be chosen by
SPOILT_SLICES = 6  # of a series, from its middle
PART_SPOILT = 2  # of these, where only a part is spoilt
SEVERITIES = (1.2, 1.8, 2.6, 3.4, 3.4, 3.4)  # tried in turn, each with a draw of its own
SEED = 404
# Series that the service turns away by the words of their description, which its door has read.
LOCALIZER = re.compile(r"(?i)(?<![a-z0-9])(loc|locali[sz]er|scout|survey)(?![a-z0-9])")

Item = TypeVar("Item")
_Rows = list[dict[str, str]]  # of a manifest


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One clean series."""

    source: str  # repository
    subject: str  # repository / subject
    slices: tuple[Slice, ...]  # those that the header gate lets through
    refused: str  # why the others are not scored, "" where all are
    turned_away: bool = False  # all of it, by the header gate: a kind of image that is not to be judged


@dataclass(frozen=True, slots=True, eq=False)
class Spoilt:
    """A few slices from the middle of a series, clean and with each artifact."""

    subject: str  # repository / subject
    clean: tuple[Image, ...]
    spoilt: Mapping[str, tuple[Image, ...]]  # by artifact
    similarity: Mapping[str, Floats]  # by artifact, mean similarity of each slice to the clean one
    unsuitable: Mapping[str, Bits]  # by artifact, of each slice


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What was said of n series."""

    subject: NDArray[np.str_]  # (n,)
    artifact: NDArray[np.str_]  # (n,) "" for a clean one
    extent: NDArray[np.str_]  # (n,) "all" or "part" of the slices, "" for a clean one
    similarity: Floats  # (n,) of the spoilt slices to the clean ones, their mean; NaN for a clean one
    unsuitable: Bits  # (n,) at least half of the spoilt slices are so, by their similarity
    verdict: NDArray[np.int8]  # (n,) place in VERDICTS
    named: Bits  # (n,) any artifact counts for the series
    mendable: Bits  # (n,) an artifact would say Repeat if the series were poor
    index: Floats  # (n,) 0-10, NaN where not scored
    suitability: Floats  # (n,) 0-1, NaN where not scored

    @property
    def clear(self) -> Bits:
        """Which are unsuitable and lie below the grey zone of the similarity, where honest observers agree."""
        return np.asarray(self.unsuitable & (self.similarity < GREY_ZONE[0]))

    def repeated(self, thresholds: Thresholds) -> Bits:
        """Return which would get Repeat at other thresholds."""
        poor = (self.index < thresholds.repeat_index) | (self.suitability < thresholds.repeat_suitability)
        return np.asarray(self.mendable & poor)


@dataclass(frozen=True, slots=True)
class _Row:
    """What `Verdicts` tells of one series."""

    subject: str
    artifact: str
    extent: str
    similarity: float
    unsuitable: bool
    verdict: int
    named: bool
    mendable: bool
    index: float
    suitability: float


_KINDS = (np.str_, np.str_, np.str_, np.float64, bool, np.int8, bool, bool, np.float64, np.float64)


def diagnostic(series: Sequence[Series]) -> list[Series]:
    """Return those that are not turned away."""
    return [one for one in series if not one.turned_away]


def spread(number: int, most: int) -> NDArray[np.intp]:
    """Return at most so many of 0..number - 1, evenly."""
    return np.unique(np.linspace(0, number - 1, min(number, most)).round().astype(np.intp))


def read_series(
    pool: Pool, split: str, *, of_source: int | None = None, longest: int | None = None
) -> list[Series]:
    """Return the clean series of a split, as files give them; where there is no data, those of the pool's phantoms.

    At most `of_source` of a repository, and `longest` slices of each, evenly.
    """
    folder = data_folder()
    if folder is None:
        return list(_of_pool(pool.of(split), of_source))
    return [
        replace(one, slices=tuple(few(one.slices, longest))) for one in _of_files(folder, split, of_source)
    ]


def few(items: Sequence[Item], most: int | None) -> list[Item]:
    """Return at most so many, evenly; None: all."""
    return [items[k] for k in spread(len(items), len(items) if most is None else most)]


def _of_pool(pool: Pool, of_source: int | None) -> Iterator[Series]:
    for subject in few(np.unique(pool.source).tolist(), of_source):
        places = np.flatnonzero(pool.source == subject)
        yield Series("phantom", str(subject), tuple(as_slice(pool.image(int(k))) for k in places), "")


def _of_files(folder: Path, split: str, of_source: int | None) -> Iterator[Series]:
    table = split_table()
    rows = [
        row for row in manifest(folder) if split_of(table, row["source_repo"], row["patient_id"]) == split
    ]

    def key(row: Mapping[str, str]) -> tuple[str, str, str]:
        return row["source_repo"], row["patient_id"], row["series_id"]

    every = [(names, list(of_series)) for names, of_series in groupby(sorted(rows, key=key), key=key)]
    for source, of_repository in groupby(every, key=lambda one: one[0][0]):
        for (_, patient, number), of_series in few(list(of_repository), of_source):
            slices, refused, turned_away = _slices(folder, of_series)
            yield Series(source, f"{source}/{patient or number}", tuple(slices), refused, turned_away)


def _slices(folder: Path, rows: _Rows) -> tuple[list[Slice], str, bool]:
    """Return slices, why others are not scored, and whether none is of a kind that is to be judged."""
    if LOCALIZER.search(rows[0]["series"]):
        return [], "a localizer is not scored", True
    slices: list[Slice] = []
    kinds: list[str] = []
    broken: list[str] = []
    for row in rows:
        path = folder / row["path"]
        if row["format"] != "DICOM":
            slices += nifti_slices(path, row["slice_axis"])
            continue
        header = pydicom.dcmread(path)
        if kind := unsuited(header):
            kinds.append(kind)
            continue
        try:
            slices.append(Slice.from_dataset(header))
        except UnreadableImage as unreadable:
            broken.append(str(unreadable))
    return slices, next(iter([*kinds, *broken]), ""), len(kinds) == len(rows)


def as_slice(image: Image) -> Slice:
    """Return a canvas as a slice with its phase encoding along the rows' index."""
    return Slice.from_array(image, phase_encoding="COL")


def judged(scores: Sequence[SliceScore], refused: str = "") -> tuple[QualityScore, Verdict]:
    """Return score and verdict of a series by its slices."""
    quality = summarise(scores) if scores else not_scored(kept(refused, None) if refused else NO_SCORE)
    return quality, verdict_of(quality, THRESHOLDS)


def judge_clean(eye: Eye, series: Sequence[Series]) -> Verdicts:
    """Return the verdicts on series as they were found."""
    return _verdicts(
        [
            _row(one.subject, *judged([each.score for each in eye.examine(one.slices)], one.refused))
            for one in series
        ]
    )


def spoil(series: Sequence[Series]) -> list[Spoilt]:
    """Spoil the series that are long enough, by motion, ghost, wrap and spike in turn.

    The severity rises until half of a few slices from its middle are unsuitable, or as far as it goes.
    """
    return [_spoilt(one, number) for number, one in enumerate(series) if len(one.slices) >= SPOILT_SLICES]


def judge_spoilt(eye: Eye, series: Sequence[Spoilt]) -> Verdicts:
    """Return the verdicts on spoilt series: once with the artifact on all slices, once on a part of them."""
    half = (SPOILT_SLICES - PART_SPOILT) // 2
    part = slice(half, half + PART_SPOILT)
    rows: list[_Row] = []
    for one in series:
        clean = _scores(eye, one.clean)
        for artifact, images in one.spoilt.items():
            scores = _scores(eye, images)
            mixed = [*clean[: part.start], *scores[part], *clean[part.stop :]]
            for extent, these, which in (("all", scores, slice(None)), ("part", mixed, part)):
                rows.append(
                    replace(
                        _row(one.subject, *judged(these)),
                        artifact=artifact,
                        extent=extent,
                        similarity=float(one.similarity[artifact][which].mean()),
                        unsuitable=bool(one.unsuitable[artifact][which].mean() >= 0.5),
                    )
                )
    return _verdicts(rows)


def _row(subject: str, quality: QualityScore, verdict: Verdict) -> _Row:
    """Return what is said of a clean series."""
    return _Row(
        subject=subject,
        artifact="",
        extent="",
        similarity=math.nan,
        unsuitable=False,
        verdict=VERDICTS.index(verdict),
        named=any(finding.present for finding in quality.findings),
        mendable=verdict_of(quality, ALWAYS_POOR) is Verdict.REPEAT,
        index=math.nan if quality.index is None else quality.index,
        suitability=math.nan if quality.suitability is None else quality.suitability,
    )


def _verdicts(rows: Sequence[_Row]) -> Verdicts:
    columns = zip(*map(astuple, rows), strict=True) if rows else ((),) * len(_KINDS)
    return Verdicts(*(np.array(column, dtype=kind) for column, kind in zip(columns, _KINDS, strict=True)))


def _scores(eye: Eye, canvases: Sequence[Image]) -> list[SliceScore]:
    return [examined.score for examined in eye.examine([as_slice(canvas) for canvas in canvases])]


def _spoilt(series: Series, number: int) -> Spoilt:
    """Return slices from the middle, with each artifact drawn alike on all of them."""
    first = (len(series.slices) - SPOILT_SLICES) // 2
    clean = tuple(
        to_canvas(one, CANVAS, transpose=one.phase_encoding == "ROW").image
        for one in series.slices[first : first + SPOILT_SLICES]
    )
    spoilt: dict[str, tuple[Image, ...]] = {}
    similarity: dict[str, Floats] = {}
    unsuitable: dict[str, Bits] = {}
    for artifact in REPEATABLE:
        for attempt, severity in enumerate(SEVERITIES):
            seed = [SEED, number, REPEATABLE.index(artifact), attempt]
            plan = Plan((Planted(artifact, severity),))
            samples = [simulate(np.random.default_rng(seed), canvas, plan) for canvas in clean]
            spoilt[artifact] = tuple(sample.image for sample in samples)
            similarity[artifact] = np.array([sample.similarity[0] for sample in samples], dtype=np.float64)
            unsuitable[artifact] = np.array([not sample.suitable for sample in samples])
            if unsuitable[artifact].mean() >= 0.5:
                break
    return Spoilt(series.subject, clean, spoilt, similarity, unsuitable)
