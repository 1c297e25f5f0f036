"""Why a slice was called unsuitable: occlusion, which needs nothing of the network but its answer.

A patch slides over the canvas on a coarse grid; under it the image gives way to its own blur, which takes the texture
of an artifact away and leaves the brightness. Where the suitability rises without what was there, the reason lay there
(Zeiler and Fergus 2014). Each place costs one look at the slice: at most grid x grid + 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

import cv2
import numpy as np
import numpy.typing as npt

from inference.image import Slice
from inference.preprocess import PERCENTILE, Canvas, from_canvas, orientations, to_canvas

GRID = 16  # places of the patch along each side of the canvas
REACH = 2.5  # side of the soft patch in steps of the grid; its SD is a quarter of that
BLUR = 0.03  # SD of what takes the image's place, in sides of the canvas
BATCH = 16  # canvases handed over at a time
LEAST = 0.02  # of the canvas' range: a place whose brightest pixel is darker is not tried
SURE = 1e-6  # probabilities are kept so far from 0 and 1
STRONGEST = 1.0  # change of the log odds that is drawn at full strength, if the map has none stronger
AGAINST, FOR = (0, 94, 213), (178, 114, 0)  # BGR of Okabe and Ito's vermillion and blue
OPACITY = 0.6

Plane = npt.NDArray[np.float32]
Suitability = Callable[[Plane], Sequence[float]]  # canvases (n, 1, size, size) -> calibrated probabilities


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What the suitability of one slice hung on."""

    suitability: float  # of the slice as it was shown, 0..1
    rise: Plane  # (rows, columns): change of its log odds without what lies there; above 0: held against the slice
    runs: int  # looks at the slice that it cost
    grid: int  # places along each side of the canvas

    @property
    def peak(self) -> tuple[int, int]:
        """Row and column of what was held most against the slice."""
        row, column = np.unravel_index(int(self.rise.argmax()), self.rise.shape)
        return int(row), int(column)


def explain(
    image: Slice, suitability: Suitability, size: int, *, percentile: float = PERCENTILE, grid: int = GRID
) -> Explanation:
    """Occlude a slice place by place; the map covers its matrix."""
    canvas = to_canvas(image, size, transpose=orientations(image)[0], percentile=percentile)
    blurred = np.asarray(cv2.GaussianBlur(canvas.image, (0, 0), BLUR * size), np.float32)
    patches = [patch for patch in _patches(size, grid) if float((patch * canvas.image).max()) > LEAST]
    asked = _asked(suitability, canvas.image, blurred, patches)
    plain, changes = asked[0], [_log_odds(answer) - _log_odds(asked[0]) for answer in asked[1:]]
    total, seen = np.zeros_like(blurred), np.full_like(blurred, SURE)
    for patch, change in zip(patches, changes, strict=True):
        total += patch * np.float32(change)
        seen += patch
    return Explanation(plain, _on_slice(canvas, total / seen), 1 + len(patches), grid)


def picture(image: Slice, explanation: Explanation) -> bytes:
    """Draw the map over the slice as PNG: vermillion what was held against it, blue what spoke for it."""
    brightest = float(np.percentile(image.pixels, 99.5)) or 1.0
    grey = np.clip(image.pixels / brightest, 0.0, 1.0)[..., None] * 255.0
    share = explanation.rise / max(STRONGEST, float(np.abs(explanation.rise).max()))
    colour = np.where(share[..., None] > 0.0, np.array(AGAINST), np.array(FOR))
    weight = OPACITY * np.abs(share)[..., None]
    drawn = ((1.0 - weight) * grey + weight * colour).astype(np.uint8)
    return np.asarray(cv2.imencode(".png", drawn)[1], np.uint8).tobytes()


def _patches(size: int, grid: int) -> list[Plane]:
    """Give soft patches (size, size) of values 0..1 around the places of the grid."""
    step = size / grid
    sd = REACH * step / 4.0
    at = np.arange(size, dtype=np.float32)
    bells = [np.exp(-(((at - (n + 0.5) * step) / sd) ** 2) / 2.0).astype(np.float32) for n in range(grid)]
    return [np.asarray(down[:, None] * across, np.float32) for down in bells for across in bells]


def _asked(suitability: Suitability, image: Plane, blurred: Plane, patches: Sequence[Plane]) -> list[float]:
    """Ask for the suitability of the canvas as it is, then without what lies under each patch."""
    answers = list(suitability(image[None, None]))
    for start in range(0, len(patches), BATCH):
        shown = [image + patch * (blurred - image) for patch in patches[start : start + BATCH]]
        answers += suitability(np.asarray(np.stack(shown)[:, None], np.float32))
    return answers


def _log_odds(probability: float) -> float:
    bounded = min(1.0 - SURE, max(SURE, probability))
    return log(bounded / (1.0 - bounded))


def _on_slice(canvas: Canvas, values: Plane) -> Plane:
    cut = from_canvas(canvas, values[None])[0]
    return np.asarray(
        cv2.resize(cut, (canvas.columns, canvas.rows), interpolation=cv2.INTER_LINEAR), np.float32
    )
