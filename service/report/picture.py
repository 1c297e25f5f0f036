"""A slice as a picture, with what was found drawn over it in the catalogue's colours."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from inference import CATALOGUE, MaskStack
from inference.masks import OPERATING_POINT

Rgb = NDArray[np.uint8]  # (height, width, 3)
Colour = tuple[int, int, int]

FILL = 0.28  # opacity: anatomy has to stay visible under a finding that covers all of it
WINDOW = (1.0, 99.5)  # percentiles of the picture that become black and white
_TO_XYZ = np.array(  # IEC 61966-2-1, rows divided by the white point D65
    [[0.43395, 0.37622, 0.18983], [0.21264, 0.71517, 0.07219], [0.01776, 0.10947, 0.87277]]
)


def rgb(colour: str) -> Colour:
    """`#rrggbb` as three numbers."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def cielab(colour: str) -> list[int]:
    """Convert `#rrggbb` (sRGB) to unsigned 16 bit CIELab (PS3.3 C.10.7.1.1).

    By hand: OpenCV's first conversion to Lab spends a tenth of a second on its tables.
    """
    share = np.array(rgb(colour)) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    xyz = _TO_XYZ @ linear
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116).tolist()
    lightness, a, b = 116 * y - 16, 500 * (x - y), 200 * (y - z)
    return [round(lightness * 655.35), round((a + 128) * 257), round((b + 128) * 257)]


def picture(
    pixels: NDArray[np.uint8] | NDArray[np.float32], spacing: tuple[float, float] | None, size: int
) -> Rgb:
    """Draw the slice in grey, square pixels, its longer side `size` px long."""
    image = np.nan_to_num(pixels.astype(np.float32))
    low, high = (float(value) for value in np.percentile(image[::2, ::2], WINDOW))
    grey = np.clip((image - low) * (255 / max(high - low, 1e-6)), 0, 255).astype(np.uint8)
    row_mm, column_mm = spacing if spacing and min(spacing) > 0 else (1.0, 1.0)
    height, width = image.shape[0] * row_mm, image.shape[1] * column_mm
    scale = size / max(height, width)
    shape = (max(1, round(width * scale)), max(1, round(height * scale)))
    shrinks = shape[0] < image.shape[1]
    resized = cv2.resize(grey, shape, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.asarray(cv2.cvtColor(resized, cv2.COLOR_GRAY2RGB), np.uint8)


def draw_masks(image: Rgb, masks: MaskStack, artifacts: Sequence[str]) -> None:
    """Draw the masks of the named classes over `image`: a light fill and a bright outline."""
    height, width = image.shape[:2]
    outlines: list[tuple[Sequence[NDArray[np.int32]], Colour]] = []
    for index, artifact in enumerate(CATALOGUE):
        if artifact.name not in artifacts:
            continue
        mask = cv2.resize(masks.probabilities[index], (width, height), interpolation=cv2.INTER_LINEAR)
        inside = (mask >= OPERATING_POINT).astype(np.uint8)
        tinted = cv2.addWeighted(image, 1 - FILL, np.full_like(image, rgb(artifact.colour)), FILL, 0)
        cv2.copyTo(tinted, inside, image)
        contours, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        outlines.append((contours, rgb(artifact.colour)))
    for contours, colour in outlines:
        cv2.drawContours(image, contours, -1, colour, 2, cv2.LINE_AA)
