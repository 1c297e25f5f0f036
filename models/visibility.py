"""What a mask is: body, visibility E, mask, band, and suitability, from an image with and without an artifact.

All arrays are (rows, columns) on the square canvas, phase encoding along y (rows' index). Every blur is a Gaussian
whose standard deviation is in pixels, the border reflected.
"""

from dataclasses import dataclass
from typing import Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]
Flags = TypeVar("Flags", bound="Flag")
Said_co = TypeVar("Said_co", covariant=True)


class Flag(Protocol):
    """Yes or no: a bool, or an array or a tensor of them."""

    def __and__(self: Flags, other: Flags, /) -> Flags: ...


class Measure(Protocol[Said_co]):
    """A number, or an array or a tensor of them."""

    def __ge__(self, level: float, /) -> Said_co: ...


# Width (y, x) in px over which the squared difference of a class is averaged before it is called visible.
DIFFERENCE_BLUR: dict[str, tuple[float, float]] = {
    "motion": (3.5, 3.5),
    "ghost": (2.5, 2.5),
    "flow": (4.0, 2.0),
    "wrap": (2.5, 2.5),
    "gibbs": (2.5, 2.5),
    "spike": (6.0, 6.0),
    "zipper": (1.6, 1.6),
    "chemshift": (1.6, 1.6),
    "parallel": (2.5, 2.5),
    "fatsat": (2.5, 2.5),
}
EMPTY_BELOW = 0.7  # no mask where E stays below this everywhere
BAND = (0.7, 1.4)  # two honest observers differ here
PRESENT_SHARE = 0.003  # of the image; a smaller mask is neither present nor absent
UNSUITABLE_MEAN, UNSUITABLE_TENTH = 0.85, 0.60  # of the local SSIM in the body
GREY_ZONE = (0.80, 0.90)  # of its mean


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What every class is judged against."""

    body: Mask
    level: float  # S: median magnitude in the body before artifacts
    tau: Image  # visibility threshold, in magnitude
    inside: Image  # 0..1, the body with a soft edge
    lightness: Image  # L: the blurred signal


def blur(image: Image, sd: float, sd_x: float | None = None) -> Image:
    """Return `image` blurred by `sd` px along y and `sd_x` (default: the same) along x."""
    across = sd if sd_x is None else sd_x
    blurred = cv2.GaussianBlur(image, (0, 0), sigmaX=across, sigmaY=sd, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, dtype=np.float32)


def find_body(magnitude: Image) -> Mask:
    """Return the body in a magnitude image without artifacts."""
    smooth = blur(magnitude, 2.0)
    top = float(smooth.max())
    if top <= 0.0:
        return np.zeros(magnitude.shape, dtype=bool)
    bright = float(np.percentile(smooth, 99))
    otsu, _ = cv2.threshold((smooth / top * 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    threshold = max(0.05 * bright, min(0.5 * otsu / 255 * top, 0.25 * bright))
    solid = cv2.morphologyEx(
        (smooth > threshold).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)
    )
    return _largest(_filled(np.asarray(solid, dtype=np.uint8)))


def _filled(solid: NDArray[np.uint8]) -> NDArray[np.uint8]:
    outside = np.pad(solid, 1)
    cv2.floodFill(outside, None, (0, 0), 2)
    return np.asarray(outside[1:-1, 1:-1] != 2, dtype=np.uint8)


def _largest(solid: NDArray[np.uint8]) -> Mask:
    """Drop the parts below a tenth of the largest."""
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(solid)
    areas = statistics[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    kept = (areas >= 0.1 * areas.max()) & (areas > 0)
    return np.asarray(kept[labels], dtype=bool)


def ground(body: Mask, level: float, signal: Image, sigma: Image | float) -> Ground:
    """Return the thresholds of a slice.

    `signal` is the magnitude after all artifacts and before noise, `sigma` the SD of one channel of the complex noise.
    """
    lightness = blur(signal, 5.0)
    tau = np.maximum(np.maximum(0.08 * lightness, 0.035 * level), 0.9 * np.float32(sigma))
    inside = blur(body.astype(np.float32), 1.5)
    return Ground(body, level, np.maximum(tau, 1e-6).astype(np.float32), inside, lightness)


def difference_visibility(name: str, before: Image, after: Image, where: Ground) -> Image:
    """Return E of a class that adds or moves signal; `before` and `after` are noise-free magnitudes."""
    down, across = DIFFERENCE_BLUR[name]
    power = blur(np.square(after - before), down, across)
    return np.asarray(np.sqrt(np.maximum(power, 0.0)) / where.tau, dtype=np.float32)


def bias_visibility(gain: Image, where: Ground) -> Image:
    """Return E of shading by `gain` (> 0)."""
    return np.abs(shading(gain, where))


def shading(gain: Image, where: Ground) -> Image:
    """Return E of shading with its sign: above 0 where `gain` brightens."""
    median = float(np.median(gain[where.body])) if where.body.any() else 1.0
    seen = np.log(np.maximum(gain, 1e-3) / median) / np.log(1.4) * where.inside
    return np.asarray(seen, dtype=np.float32)


def noise_visibility(sigma: Image | float, where: Ground) -> Image:
    """Return E of noise whose channels have the SD `sigma`."""
    seen = 12.0 * np.float32(sigma) / np.maximum(where.lightness, 1e-6) * where.inside
    return np.asarray(seen, dtype=np.float32)


def susceptibility_visibility(shift: Image, loss: Image, where: Ground) -> Image:
    """Return E of a displacement by `shift` px and of a signal lost to the share `loss`."""
    dilated = cv2.dilate(where.body.astype(np.uint8), np.ones((9, 9), np.uint8))
    near = blur(np.asarray(dilated, dtype=np.float32), 1.0)
    seen = np.maximum(np.abs(shift) / np.float32(1.5), loss / np.float32(0.35)) * near
    return blur(seen.astype(np.float32), 1.5)


def mask_of(visibility: Image) -> Mask:
    """Return the mask: E > 1, closed and opened; empty where nothing is visible."""
    if float(visibility.max()) <= EMPTY_BELOW:
        return np.zeros(visibility.shape, dtype=bool)
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    closed = cv2.morphologyEx((visibility > 1.0).astype(np.uint8), cv2.MORPH_CLOSE, ellipse)
    return np.asarray(cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), dtype=bool)


def band_of(visibility: Image) -> Mask:
    """Return where the mask is a matter of opinion."""
    return (visibility > BAND[0]) & (visibility < BAND[1])


def similarity(image: Image, reference: Image, body: Mask) -> tuple[float, float]:
    """Return mean and 10th percentile of the local SSIM (Wang et al. 2004) to the clean `reference` in the body."""
    if not body.any():
        return 1.0, 1.0
    scale = float(np.percentile(reference, 99.5))
    energy = float(np.square(image[body]).sum())
    gain = float((image[body] * reference[body]).sum()) / max(energy, 1e-12)
    matched = np.asarray(image * gain, dtype=np.float32)
    first, second = blur(matched, 1.5), blur(reference, 1.5)
    variance = (
        blur(matched * matched, 1.5) - first * first + blur(reference * reference, 1.5) - second * second
    )
    covariance = blur(matched * reference, 1.5) - first * second
    small, smaller = (0.03 * scale) ** 2, (0.01 * scale) ** 2
    structure = (2 * covariance + small) / (variance + small)
    local = (structure * (2 * first * second + smaller) / (first * first + second * second + smaller))[body]
    return float(local.mean()), float(np.percentile(local, 10))


def suitable(mean: Measure[Flags], tenth: Measure[Flags]) -> Flags:
    """Say whether slices of this similarity to their clean selves are diagnostically usable: of numbers or arrays."""
    return (mean >= UNSUITABLE_MEAN) & (tenth >= UNSUITABLE_TENTH)
