"""A head that has a face: skin, eyes, nose, mouth before a skull with a brain in it, all of it known voxel by voxel."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tests.series import FIELD_OF_VIEW_MM, SLICE_MM

Mask = npt.NDArray[np.bool_]
LOWEST_MM = -40.0  # of the first slice, as `tests.series.position` has it
CONTRASTS = {  # brain, scalp and face, eyes
    "T1": (0.6, 1.0, 0.2),
    "T2": (0.7, 0.5, 1.0),
    "fat suppressed": (0.8, 0.3, 0.9),
}


@dataclass(frozen=True, slots=True, eq=False)
class FacedHead:
    """Stored values (slices, rows, columns) from the feet to the crown, and what is where."""

    pixels: npt.NDArray[np.uint16]
    brain: Mask
    face: Mask  # nose, eyes, and 6 mm behind the skin of the face


def faced_head(
    slices: int = 42, side: int = 128, *, contrast: str = "T1", gap_mm: float = SLICE_MM
) -> FacedHead:
    """Draw it; slices lie `gap_mm` apart."""
    mm = FIELD_OF_VIEW_MM / side
    line = -FIELD_OF_VIEW_MM / 2 + mm * np.arange(side)
    z, y, x = np.meshgrid(LOWEST_MM + gap_mm * np.arange(slices), line, line, indexing="ij")

    def blob(centre: tuple[float, float, float], half: tuple[float, float, float]) -> Mask:
        away = (x - centre[0]) / half[0], (y - centre[1]) / half[1], (z - centre[2]) / half[2]
        return np.asarray(sum(part**2 for part in away) < 1)

    middle = (0.0, 8.0, 92.0)
    stem = (x**2 + (y - 30) ** 2 < 11**2) & (z < 60)
    brain = blob(middle, (66, 82, 56))
    skull = blob(middle, (74, 90, 64)) | ((x**2 + (y - 30) ** 2 < 17**2) & (z < 60))
    jaw, inner_jaw = blob((0, -25, 5), (62, 70, 82)), blob((0, -25, 5), (56, 64, 76))
    nose = blob((0, -96, 12), (12, 16, 18))
    eyes = blob((31, -72, 36), (12, 12, 12)) | blob((-31, -72, 36), (12, 12, 12))
    neck = (x**2 + (y - 20) ** 2 < 62**2) & (z < 40)
    cavities = (
        blob((24, -55, 5), (13, 20, 18))
        | blob((-24, -55, 5), (13, 20, 18))
        | blob((0, -50, -20), (20, 22, 8))
    )
    grey, scalp, eye = CONTRASTS[contrast]
    image = scalp * (blob(middle, (82, 98, 72)) | jaw | nose | neck)
    image = np.where(cavities, 0.03, image)
    image = np.where(eyes, eye, image)
    image = np.where(skull, 0.05, image)
    ripples = 0.06 * np.sin(x / 4) * np.sin(y / 5) * np.sin(z / 6)
    image = np.where(brain | (stem & skull), grey * (1 + ripples), image)
    rng = np.random.default_rng(5)
    noisy = np.hypot(image + rng.normal(0, 0.012, image.shape), rng.normal(0, 0.012, image.shape))
    in_front = (y < -45) & (z < 42) & ~skull
    return FacedHead(
        pixels=np.clip(noisy * 1200, 0, 4095).astype(np.uint16),
        brain=brain | (stem & (z > 30)),
        face=nose | (eyes & ~skull) | (in_front & jaw & ~inner_jaw),
    )
