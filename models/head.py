"""The numerical phantom: a head-like object of ellipsoids with texture."""

from dataclasses import dataclass

import cv2
import numpy as np

from models.fields import Rng, smooth, uniform
from models.visibility import Image

# Centre (x, y, z) and half axes (x, y, z) in half fields of view, turn in degrees, signal.
# Skin, skull, brain, then what is inside; a later part covers an earlier one.
HEAD: tuple[tuple[tuple[float, float, float], tuple[float, float, float], float, float], ...] = (
    ((0.0, 0.0, 0.0), (0.66, 0.84, 0.95), 0, 0.95),
    ((0.0, 0.0, 0.0), (0.61, 0.79, 0.90), 0, 0.10),
    ((0.0, 0.0, 0.0), (0.57, 0.75, 0.86), 0, 0.52),
    ((0.0, -0.02, 0.05), (0.46, 0.62, 0.70), 0, 0.62),
    ((-0.12, -0.05, 0.1), (0.07, 0.26, 0.30), 14, 0.22),
    ((0.12, -0.05, 0.1), (0.07, 0.26, 0.30), -14, 0.22),
    ((0.0, 0.50, -0.25), (0.28, 0.16, 0.30), 0, 0.58),
    ((-0.20, 0.12, 0.0), (0.10, 0.13, 0.22), 0, 0.70),
    ((0.20, 0.12, 0.0), (0.10, 0.13, 0.22), 0, 0.70),
    ((-0.27, -0.66, -0.3), (0.13, 0.12, 0.18), 0, 0.85),
    ((0.27, -0.66, -0.3), (0.13, 0.12, 0.18), 0, 0.85),
    ((0.0, 0.20, -0.4), (0.10, 0.12, 0.45), 0, 0.66),
)


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What tells one phantom from another; drawn once, so that the slices of a series fit together."""

    scale: tuple[float, float]  # x, y
    turn: float  # degrees
    contrast: tuple[float, ...]  # factor on the signal of each part
    texture: Image  # (256, 256) fine structure


def draw_anatomy(rng: Rng) -> Anatomy:
    """Draw a phantom."""
    grain = sum(
        (smooth(rng, (256, 256), cells) / np.sqrt(cells) for cells in (8, 20, 48)), start=np.float32(0.0)
    )
    return Anatomy(
        scale=(uniform(rng, 0.88, 1.05), uniform(rng, 0.9, 1.05)),
        turn=uniform(rng, -6, 6),
        contrast=tuple(rng.uniform(0.85, 1.15, len(HEAD)).tolist()),
        texture=np.asarray(grain, dtype=np.float32),
    )


def head_slice(anatomy: Anatomy, height: float, size: int = 256) -> Image:
    """Return the magnitude (size, size) of the phantom at `height` (-1..1 along the body); air is 0."""
    fine = 2 * size  # drawn twice as fine and averaged: soft edges
    image = np.zeros((fine, fine), dtype=np.float32)
    for part, factor in zip(HEAD, anatomy.contrast, strict=True):
        (cx, cy, cz), (ax, ay, az), turn, signal = part
        depth = 1 - ((height - cz) / az) ** 2
        if depth <= 0:
            continue
        shrink = float(np.sqrt(depth)) * fine / 2
        centre = (fine / 2 * (1 + cx * anatomy.scale[0]), fine / 2 * (1 + cy * anatomy.scale[1]))
        axes = (2 * ax * anatomy.scale[0] * shrink, 2 * ay * anatomy.scale[1] * shrink)
        cv2.ellipse(image, (centre, axes, turn), signal * factor, -1)
    turned = cv2.getRotationMatrix2D((fine / 2, fine / 2), anatomy.turn, 1.0)
    image = np.asarray(cv2.warpAffine(image, turned, (fine, fine)), dtype=np.float32)
    small = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    texture = cv2.resize(np.roll(anatomy.texture, int(height * 40), axis=0), (size, size))
    return np.asarray(small * np.clip(1 + 0.12 * texture, 0.5, 1.5), dtype=np.float32)
