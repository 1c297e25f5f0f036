"""Ground: what the evidence metrics stand on: the body, the air around it, the level of the signal."""

from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from inference.image import Slice
from inference.text import UNSAID, Text

Image = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

NO_SIGNAL = Text("no signal", "kein Signal")
NO_AIR = Text("no air in the field of view", "keine Luft im FOV")
MASKED = Text("the background is masked out", "der Hintergrund ist ausmaskiert")
NOT_DARK = Text("what surrounds the body is no air", "um den Körper liegt keine Luft")
LEAST_AIR = 0.05  # of the field of view
MARGIN = 0.03  # of the field of view: so far from the body begins the air
DARK = 0.45  # of the body's median: air is darker, even at a signal-to-noise ratio of 3
BLANK = 0.5  # share of exact zeros in the air from which on it was masked
SAMPLES = 1 << 14  # pixels are enough for a median


class Ground:
    """One slice, phase encoding along axis 0 where it is known, with body and air."""

    def __init__(self, image: Slice, body: npt.NDArray[np.uint8]) -> None:
        """`body` (h, w) covers the slice on any grid, in the slice's orientation; all 0 where there is no signal."""
        rows, columns = image.pixels.shape
        enlarged = np.asarray(cv2.resize(body, (columns, rows), interpolation=cv2.INTER_NEAREST)) > 0
        hull = np.asarray(cv2.resize(_hull(body), (columns, rows), interpolation=cv2.INTER_NEAREST)) > 0
        turned = image.phase_encoding == "ROW"
        self.directed = bool(image.phase_encoding)  # whether axis 0 is known to be the phase encoding
        self.image: Image = np.ascontiguousarray(image.pixels.T if turned else image.pixels)
        self.body: Mask = np.ascontiguousarray(enlarged.T if turned else enlarged)
        self.outside: Mask = ~np.ascontiguousarray(hull.T if turned else hull)
        self.level = median(self.image[self.body]) if self.body.any() else 0.0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to measure."""
        return self.level <= 0.0

    @cached_property
    def why_no_air(self) -> Text:
        """Why background metrics do not apply; "" if there is real air."""
        if self.outside.mean() < LEAST_AIR:
            return NO_AIR
        values = self.image[self.outside]
        if float((values == 0.0).mean()) > BLANK:
            return MASKED
        return NOT_DARK if median(values) > DARK * self.level else UNSAID

    @cached_property
    def air(self) -> Image:
        """The pixels of the air, (n,)."""
        return self.image[self.outside]


def _hull(body: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Give the convex hull of the body, widened by the margin."""
    out = np.zeros_like(body)
    contours, _ = cv2.findContours(body, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if contours:
        cv2.fillConvexPoly(out, cv2.convexHull(np.concatenate(contours)), 1)
    reach = 2 * max(1, round(MARGIN * max(body.shape))) + 1
    return np.asarray(cv2.dilate(out, np.ones((reach, reach), np.uint8)), np.uint8)


def median(values: Image) -> float:
    """Give the median of pixels (n,), of a sample where there are many."""
    return float(np.median(values[:: max(1, len(values) // SAMPLES)]))
