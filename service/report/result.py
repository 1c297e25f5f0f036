"""What a finished series hands to the builders: its source images, its score and who scored it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from inference import Finding, MaskStack, QualityScore, SliceScore
from inference.masks import OPERATING_POINT
from inference.series import Description

NOT_SCORED = "Not scored"
Region = tuple[int, int, int, int]  # left, top, right, bottom: px of the image, half-open


@dataclass(frozen=True, slots=True, eq=False)
class SourceInstance:
    """One received image object, under its original identity."""

    sop_class_uid: str
    sop_instance_uid: str  # original
    instance_number: int
    frames: int  # 1 for a single-frame image
    rows: int
    columns: int
    position: tuple[float, float, float] | None = None  # mm, Image Position (Patient)
    orientation: tuple[float, float, float, float, float, float] | None = None  # Image Orientation (Patient)
    spacing: tuple[float, float] | None = None  # mm, (row, column) as in Pixel Spacing
    frame_of_reference_uid: str = ""
    window: tuple[float, float] | None = None  # of a single-frame image: centre, width
    rescale: tuple[float, float] | None = None  # slope, intercept
    header: Dataset | None = None  # a multi-frame object's own header: its functional groups tell the planes

    @property
    def is_multi_frame(self) -> bool:
        """Whether references to this object name frames."""
        return self.frames > 1 or (
            self.header is not None and "PerFrameFunctionalGroupsSequence" in self.header
        )


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The scored series as the destination knows it."""

    header: Dataset  # of the first instance, original, without pixels
    instances: tuple[SourceInstance, ...]  # in series order

    @property
    def series_instance_uid(self) -> str:
        """The original Series Instance UID."""
        return str(self.header.SeriesInstanceUID)


@dataclass(frozen=True, slots=True, eq=False)
class ScoredSlice:
    """One scored slice and where it came from."""

    position: int  # index into Source.instances
    frame: int  # 1-based
    score: SliceScore
    masks: MaskStack | None = None
    tile: int = 0  # of a mosaic, 1-based; 0: the frame is the slice

    @property
    def region(self) -> Region | None:
        """What the slice is of its image, px; None where it is all of it."""
        return self.score.region


@dataclass(frozen=True, slots=True)
class Product:
    """Who scored: this installation, its model and its settings."""

    version: str
    installation_uid: str  # stable for the life of an installation
    model_name: str
    model_version: str
    model_sha256: str
    config_digest: str  # of the settings that change a result
    parameters: tuple[str, ...] = ()  # by which it judged, in words

    @property
    def algorithm_version(self) -> str:
        """Semantic version and hash of the model file, at most 64 characters (LO)."""
        return f"{self.model_version}+{self.model_sha256[:12]}"[:64]


class Predecessor(NamedTuple):
    """The report that this one replaces."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Everything that the report, the segmentation and the card are made of."""

    source: Source
    quality: QualityScore
    slices: tuple[ScoredSlice, ...]  # positions in quality.findings[].slices and quality.worst count in here
    verdict: str  # Usable | Check | Repeat | Not scored
    reason: str
    advice: tuple[str, ...]
    product: Product
    created: datetime  # local time, as the site's other objects give it
    generation: int = 1
    identity_revision: int = 0  # counts corrections of patient and study since the images came
    about: Description = field(default_factory=Description)  # what the series is, in codes
    picture: NDArray[np.uint8] | NDArray[np.float32] | None = field(default=None, repr=False)
    """The worst slice, (rows, columns), in any range: what the card shows."""

    @property
    def is_scored(self) -> bool:
        """Whether there is a score to report, not only a reason why there is none."""
        return self.quality.scored and self.verdict != NOT_SCORED

    @property
    def present(self) -> frozenset[str]:
        """The artifacts that count for the series; a single doubtful slice may show others."""
        return frozenset(finding.artifact for finding in self.quality.findings if finding.present)

    def found_on(self, scored: ScoredSlice) -> tuple[Finding, ...]:
        """Pick what was found on a slice and counts for the series."""
        findings = scored.score.findings if scored.score.signal else ()
        return tuple(finding for finding in findings if finding.present and finding.artifact in self.present)

    @property
    def worst(self) -> ScoredSlice | None:
        """The slice with the lowest index."""
        position = self.quality.worst
        return None if position is None else self.slices[position]

    def region(self, scored: ScoredSlice) -> Region:
        """Give the part of its image that a slice is, px: all of it, but for a tile of a mosaic."""
        instance = self.instance(scored)
        return scored.region or (0, 0, instance.columns, instance.rows)

    def mask(self, scored: ScoredSlice, index: int) -> NDArray[np.bool_]:
        """Enlarge a class's mask (an index of the catalogue) to the matrix of the image, (rows, columns)."""
        instance = self.instance(scored)
        left, top, right, bottom = self.region(scored)
        out = np.zeros((instance.rows, instance.columns), np.bool_)
        if scored.masks is not None:
            small = scored.masks.probabilities[index]
            size = (right - left, bottom - top)
            enlarged = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR) >= OPERATING_POINT
            out[top:bottom, left:right] = enlarged
        return out

    def instance(self, scored: ScoredSlice) -> SourceInstance:
        """Find the image object that a scored slice came from."""
        return self.source.instances[scored.position]
