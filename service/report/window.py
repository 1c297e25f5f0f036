"""How bright the source images are to be shown, in the numbers that are stored in their pixels.

A presentation state replaces what the images say of their own brightness (PS3.4 N.2), rescaling included. So the
window goes into stored numbers: one that serves images of different slopes needs no common rescaling.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from service.report.picture import WINDOW
from service.report.result import Result, ScoredSlice
from service.report.stacks import macro

Window = tuple[float, float]  # centre, width; in stored numbers


def windows(result: Result, slices: Iterable[ScoredSlice]) -> dict[Window, list[ScoredSlice]]:
    """Group slices by the window of their image: its own or its frame's, or one that fits the worst slice."""
    out: dict[Window, list[ScoredSlice]] = defaultdict(list)
    for scored in slices:
        instance = result.instance(scored)
        shown, rescale = instance.window, instance.rescale
        if instance.header is not None:
            groups = frame_groups(instance.header, scored.frame)
            shown = _numbers(groups, "FrameVOILUTSequence", ("WindowCenter", "WindowWidth"))
            rescale = _numbers(
                groups, "PixelValueTransformationSequence", ("RescaleSlope", "RescaleIntercept")
            )
        out[_window(result, shown, rescale)].append(scored)
    return dict(out)


def frame_groups(header: Dataset, frame: int) -> list[Dataset]:
    """Give where a frame's attributes stand, its own groups first; the header itself where it has none."""
    groups = [*header.get("PerFrameFunctionalGroupsSequence", [])[frame - 1 : frame]]
    return [*groups, *header.get("SharedFunctionalGroupsSequence", [])[:1], header]


def _window(result: Result, shown: Window | None, rescale: Window | None) -> Window:
    """Bring a window to stored numbers; one that shows nothing is replaced."""
    slope, intercept = rescale if rescale and rescale[0] > 0 else (1.0, 0.0)
    if shown is None or shown[1] < 1:
        shown = _fitted(result)
    if shown is None:
        return _whole_range(result.source.header)
    stored = np.array([shown[0] - intercept, shown[1]]) / slope
    if not np.isfinite(stored).all():
        return _whole_range(result.source.header)
    centre, width = (round(float(value), 3) for value in stored)
    return centre, max(1.0, width)


def _fitted(result: Result) -> Window | None:
    """Fit a window to the worst slice, where that can still be seen."""
    if result.picture is None:
        return None
    low, high = (float(value) for value in np.percentile(result.picture, WINDOW))
    return (low + high) / 2, max(1.0, high - low)


def _whole_range(header: Dataset) -> Window:
    width = 2.0 ** int(header.get("BitsStored", 12) or 12)
    return (0.0 if header.get("PixelRepresentation") == 1 else width / 2), width


def _numbers(groups: Sequence[Dataset], sequence: str, keywords: tuple[str, str]) -> Window | None:
    """Read two numbers that belong together, of several the first; None where one of them is missing or none."""
    for place in (macro(groups, sequence), groups[-1]):
        values = [place.get(keyword) for keyword in keywords]
        first: list[Any] = [
            value[0] if isinstance(value, MultiValue) and value else value for value in values
        ]
        try:
            one, other = (float(value) for value in first)
        except (TypeError, ValueError):
            continue
        if np.isfinite([one, other]).all():
            return one, other
    return None
