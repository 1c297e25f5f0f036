"""What looks odd on a slice and is no artifact: what was done to the patient or to the image, and disease.

Each takes a clean canvas (y, x) and returns one of the same shape; both are clean images.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from models.fields import Rng, smooth, uniform
from models.visibility import Image, Mask, blur, find_body

Change = Callable[[Rng, Image, Mask], Image]


def odd(rng: Rng, image: Image) -> Image:
    """Return the slice with one such oddity, drawn evenly; where there is no body, unchanged."""
    body = find_body(image)
    name = str(rng.choice(list(CHANGES)))
    if not body.any():
        return image
    return np.asarray(np.maximum(CHANGES[name](rng, image, body), 0), dtype=np.float32)


def stripped(rng: Rng, image: Image, body: Mask) -> Image:
    """Leave what lies deep in the body, as skull stripping does; black around it."""
    depth = cv2.distanceTransform(body.astype(np.uint8), cv2.DIST_L2, 3)
    edge = uniform(rng, 0.15, 0.35) * float(depth.max()) * (1 + 0.25 * smooth(rng, image.shape[:2], 5))
    return np.asarray(image * (depth > edge), dtype=np.float32)


def defaced(rng: Rng, image: Image, body: Mask) -> Image:
    """Cut a side of the body off along a straight or slightly bent line."""
    y, x = np.nonzero(body)
    angle = uniform(rng, 0, 2 * np.pi)
    down, across = float(np.sin(angle)), float(np.cos(angle))
    rows, columns = np.indices(image.shape[:2], dtype=np.float32)
    along = rows * down + columns * across + 4 * smooth(rng, image.shape[:2], 4)
    line = float(np.quantile(y * down + x * across, uniform(rng, 0.75, 0.93)))
    return np.asarray(np.where(along > line, 0, image), dtype=np.float32)


def diseased(rng: Rng, image: Image, body: Mask) -> Image:
    """Lay 1-4 brighter or darker patches with soft edges into the body."""
    factor = np.ones_like(image)
    for _ in range(int(rng.integers(1, 5))):
        patch = blur(_patch(rng, body, (3, 18)), uniform(rng, 0.8, 3.0))
        factor = factor * np.exp(patch * np.float32(rng.normal(0, 0.6)))
    return np.asarray(image * factor, dtype=np.float32)


def enhanced(rng: Rng, image: Image, body: Mask) -> Image:
    """Brighten vessels and the rim of a patch, as a contrast agent does."""
    lit = np.zeros(image.shape, dtype=np.uint8)
    for _ in range(int(rng.integers(2, 6))):
        place = _place(rng, body)
        turns = np.cumsum(rng.normal(0, 0.5, 12)) + uniform(rng, 0, 2 * np.pi)
        path = place + np.cumsum(5 * np.stack([np.cos(turns), np.sin(turns)], axis=1), axis=0)
        cv2.polylines(
            lit, [np.round(path).astype(np.int32)], isClosed=False, color=1, thickness=int(rng.integers(1, 4))
        )
    if rng.random() < 0.5:
        patch = _patch(rng, body, (5, 14)).astype(np.uint8)
        rim = patch - cv2.erode(patch, np.ones((3, 3), np.uint8))
        lit = np.maximum(lit, np.asarray(rim, dtype=np.uint8))
    soft = blur((lit * body).astype(np.float32), 0.7)
    return np.asarray(image * (1 + uniform(rng, 0.5, 2.0) * soft), dtype=np.float32)


def operated(rng: Rng, image: Image, body: Mask) -> Image:
    """Put a cavity with a sharp edge into the body, filled with what is dark or bright."""
    cavity = blur(_patch(rng, body, (8, 26)), 0.7)
    filling = float(np.quantile(image[body], uniform(rng, 0.02, 0.98)))
    return np.asarray(image * (1 - cavity) + filling * cavity, dtype=np.float32)


def coarse(rng: Rng, image: Image, _body: Mask) -> Image:
    """Lower the resolution along one or both axes, as a quick protocol does, and interpolate."""
    rows, columns = image.shape[:2]
    down, across = uniform(rng, 1.2, 2.6), uniform(rng, 1.2, 2.6)
    if rng.random() < 0.4:
        down = 1.0
    size = (round(columns / across), round(rows / down))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), 0.6)
    return np.asarray(cv2.resize(soft, (columns, rows), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


CHANGES: Mapping[str, Change] = {
    "stripped": stripped,
    "defaced": defaced,
    "diseased": diseased,
    "enhanced": enhanced,
    "operated": operated,
    "coarse": coarse,
}


def _place(rng: Rng, body: Mask) -> tuple[float, float]:
    """Return x, y in the body."""
    y, x = np.nonzero(body)
    k = int(rng.integers(len(y)))
    return float(x[k]), float(y[k])


def _patch(rng: Rng, body: Mask, radius: tuple[float, float]) -> Image:
    """Return an irregular ellipse in the body, 0 or 1."""
    patch = np.zeros(body.shape, dtype=np.float32)
    axes = uniform(rng, *radius), uniform(rng, *radius)
    cv2.ellipse(patch, (_place(rng, body), (2 * axes[0], 2 * axes[1]), uniform(rng, 0, 180)), 1.0, -1)
    ragged = blur(patch, 1.5) + 0.25 * smooth(rng, (body.shape[0], body.shape[1]), 24)
    return np.asarray((ragged > 0.5) & body, dtype=np.float32)
