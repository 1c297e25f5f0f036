"""Which slices make one 3-D stack, and what is located in each: the plan of the segmentations.

The plan is cheap (it looks at the masks at their own size), so that the report can name the segmentations
before they are built. One segmentation holds one stack (`inference.stacks`): parallel planes of one matrix,
spacing and frame of reference, no position twice. A diffusion, dynamic or multi-echo series becomes a stack for
each of its volumes, a mosaic one of its own.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from inference import CATALOGUE
from inference.stacks import stacks_of
from service.report.result import Result, ScoredSlice, SourceInstance

MOST_STACKS = 12  # segmentations of one series; an archive is not to be flooded by an fMRI run

_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Plane:
    """Where an image lies in the patient, mm."""

    position: tuple[float, ...]  # (3,)
    orientation: tuple[float, ...]  # (6,)
    spacing: tuple[float, ...]  # (row, column)
    thickness: float | None

    def offset(self) -> float:
        """Distance from the origin along the stack's normal."""
        row, column = np.array(self.orientation[:3]), np.array(self.orientation[3:])
        return float(np.dot(np.cross(row, column), np.array(self.position)))


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """An image (a frame) on which something of `classes` (indices into the catalogue) is located."""

    slices: tuple[ScoredSlice, ...]  # those that are located on: one, or tiles of a mosaic
    plane: Plane
    classes: tuple[int, ...]

    @property
    def scored(self) -> ScoredSlice:
        """The slice, or the first tile: what names the image."""
        return self.slices[0]


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """The slices of one 3-D stack in which something is located, along its normal."""

    number: int  # 1-based among the series' segmentations
    slices: tuple[Located, ...]
    thickness: float  # mm
    spacing: float | None  # mm between neighbouring planes of the whole stack, where it is even

    @property
    def classes(self) -> tuple[int, ...]:
        """The classes located here, in catalogue order."""
        return tuple(sorted({index for located in self.slices for index in located.classes}))


def located_stacks(result: Result) -> list[Stack]:
    """Find the stacks in which a class that is present is located; empty without geometry."""
    if not result.is_scored:
        return []
    found = []
    for members in _stacks(result):
        located = [_located(result, slices, plane) for slices, plane in members]
        images = tuple(image for image in located if image is not None)
        gaps = np.diff([plane.offset() for _, plane in members])
        thickness = members[0][1].thickness or float(gaps.min(initial=np.inf))
        if images and 0 < thickness < np.inf:
            found.append((images, thickness, _even(gaps)))
    kept = sorted(sorted(range(len(found)), key=lambda n: -len(found[n][0]))[:MOST_STACKS])
    return [Stack(number, *found[n]) for number, n in enumerate(kept, start=1)]


def frame_of_reference(result: Result, scored: ScoredSlice) -> str:
    """Give the Frame of Reference UID of an image: its own, else that of the series; "" where there is none."""
    instance = result.instance(scored)
    own = instance.header.get("FrameOfReferenceUID") if instance.header is not None else None
    return str(
        own or instance.frame_of_reference_uid or result.source.header.get("FrameOfReferenceUID") or ""
    )


def _stacks(result: Result) -> list[list[tuple[tuple[ScoredSlice, ...], Plane]]]:
    """All images that have a plane, grouped into stacks and sorted along each one's normal."""
    images: dict[tuple[int, int], list[ScoredSlice]] = defaultdict(list)
    for scored in result.slices:
        images[scored.position, scored.frame].append(scored)
    volume = {
        number: which
        for which, stack in enumerate(stacks_of([scored.score.place for scored in result.slices]))
        for number in stack.slices
    }
    volume_of = {id(scored): volume.get(number) for number, scored in enumerate(result.slices)}
    groups: dict[_Key, list[tuple[tuple[ScoredSlice, ...], Plane]]] = defaultdict(list)
    seen: Counter[_Key] = Counter()
    for slices in images.values():
        instance, first = result.instance(slices[0]), slices[0]
        plane = plane_of(result.source.header, instance, first.frame)
        reference = frame_of_reference(result, first)
        if plane is None or not reference:
            continue
        shape = (instance.rows, instance.columns, _rounded(plane.orientation), _rounded(plane.spacing))
        kind = (*shape, reference, volume_of[id(first)])
        where = (*kind, _rounded(plane.position, 2))
        groups[*kind, seen[where]].append((tuple(slices), plane))
        seen[where] += 1
    return [sorted(group, key=lambda member: member[1].offset()) for group in groups.values()]


def _located(result: Result, slices: Sequence[ScoredSlice], plane: Plane) -> Located | None:
    found = {n: those for n, scored in enumerate(slices) if (those := _located_classes(result, scored))}
    if not found:
        return None
    classes = sorted({index for each in found.values() for index in each})
    return Located(tuple(slices[n] for n in found), plane, tuple(classes))


def _located_classes(result: Result, scored: ScoredSlice) -> tuple[int, ...]:
    names = {finding.artifact for finding in result.found_on(scored)}
    located = scored.masks.located() if scored.masks is not None and names else ()
    return tuple(index for index in located if CATALOGUE[index].name in names)


def plane_of(header: Dataset, instance: SourceInstance, frame: int) -> Plane | None:
    """Find the plane of a frame; None where its geometry is missing or makes no sense.

    Args:
        header: of the series, for the slice thickness of single-frame images.
        instance: the image object.
        frame: 1-based.

    """
    if instance.is_multi_frame:
        return _plane_of_frame(instance.header, frame) if instance.header is not None else None
    values = (instance.position, instance.orientation, instance.spacing)
    return _plane(*values, header.get("SliceThickness"))


def _plane_of_frame(header: Dataset, frame: int) -> Plane | None:
    """Read the plane from a multi-frame object's functional groups (PS3.3 C.7.6.16)."""
    groups = [*header.get("PerFrameFunctionalGroupsSequence", [])[frame - 1 : frame]]
    groups += [*header.get("SharedFunctionalGroupsSequence", [])[:1]]
    measures = macro(groups, "PixelMeasuresSequence")
    return _plane(
        macro(groups, "PlanePositionSequence").get("ImagePositionPatient"),
        macro(groups, "PlaneOrientationSequence").get("ImageOrientationPatient"),
        measures.get("PixelSpacing"),
        measures.get("SliceThickness"),
    )


def macro(groups: Sequence[Dataset], keyword: str) -> Dataset:
    """Find a functional group's only item: the frame's own before the shared one."""
    return next((group[keyword][0] for group in groups if group.get(keyword)), Dataset())


def _plane(position: object, orientation: object, spacing: object, thickness: object) -> Plane | None:
    """Check what may be a plane; headers hold anything."""
    where, axes, pitch = _floats(position, 3), _floats(orientation, 6), _floats(spacing, 2)
    if not (where and axes and pitch) or min(pitch) <= 0:
        return None
    normal = np.cross(axes[:3], axes[3:])
    if abs(float(np.linalg.norm(normal)) - 1) > 0.01:
        return None
    depth = _floats([thickness], 1)
    return Plane(where, axes, pitch, depth[0] if depth and depth[0] > 0 else None)


def _floats(values: object, count: int) -> tuple[float, ...]:
    """Read `count` finite numbers; an empty tuple where they are not."""
    try:
        numbers = tuple(float(value) for value in values)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return ()
    return numbers if len(numbers) == count and bool(np.isfinite(numbers).all()) else ()


def _even(gaps: NDArray[np.float64]) -> float | None:
    """Give the distance between neighbouring planes, where all are the same to a hundredth."""
    if not gaps.size or gaps.min() <= 0 or np.ptp(gaps) > 0.01 * gaps.mean():
        return None
    return round(float(gaps.mean()), 6)


def _rounded(values: Iterable[float], digits: int = 4) -> tuple[float, ...]:
    return tuple(round(value, digits) + 0.0 for value in values)
