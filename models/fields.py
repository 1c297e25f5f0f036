"""Smooth fields, lines of k-space and small motions: the tools that the artifacts are made with.

Complex images are complex64 (rows, columns), phase encoding along y (rows' index). Lines of k-space are the Fourier
transform along y alone, zero frequency first.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.visibility import Image, Mask

Complex = NDArray[np.complex64]
Rng = np.random.Generator


def uniform(rng: Rng, low: float, high: float) -> float:
    """Return one uniform number."""
    return float(rng.uniform(low, high))


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """Return one number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def smooth(rng: Rng, shape: tuple[int, int], cells: int = 4) -> Image:
    """Return a smooth random field of mean 0 and SD of about 1, `cells` knots each way."""
    knots = rng.standard_normal((cells, cells)).astype(np.float32)
    rows, columns = shape
    return np.asarray(cv2.resize(knots, (columns, rows), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def with_phase(rng: Rng, magnitude: Image) -> Complex:
    """Return the magnitude with the smooth phase that a receiver and the field give it."""
    depth, start = np.float32(uniform(rng, 0.2, 1.2)), smooth(rng, magnitude.shape[:2])
    phase = depth * start + np.float32(uniform(rng, -3.1, 3.1))
    turned = np.empty(magnitude.shape, dtype=np.complex64)
    turned.real, turned.imag = magnitude * np.cos(phase), magnitude * np.sin(phase)
    return turned


def grid(shape: tuple[int, int]) -> tuple[Image, Image]:
    """Return y (rows, 1) and x (1, columns) in px."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    return y.astype(np.float32), x.astype(np.float32)


def gain_field(rng: Rng, body: Mask, ratio: float) -> Image:
    """Return a smooth gain that spans 1..`ratio` over the body: of coils, or a polynomial (B1, dielectric)."""
    y, x = grid(body.shape[:2])
    rows, columns = body.shape
    v, u = 2 * y / rows - 1, 2 * x / columns - 1
    if rng.random() < 0.6:
        log = np.zeros(body.shape, dtype=np.float32)
        for _ in range(int(rng.integers(1, 3))):
            angle, width = uniform(rng, 0, 2 * np.pi), uniform(rng, 0.5, 1.3)
            distance = (v - np.sin(angle)) ** 2 + (u - np.cos(angle)) ** 2
            log = log + np.exp(-distance / (2 * width * width))
        log = np.log(log + 0.05)
    else:
        a, b, c, d, e = rng.normal(0, 1, 5).astype(np.float32)
        log = a * u + b * v + 0.7 * (c * u * v + d * u * u + e * v * v)
    seen = log[body] if body.any() else log.ravel()
    low, high = float(seen.min()), float(seen.max())
    share = np.clip((log - low) / max(high - low, 1e-6), 0, 1)
    return np.asarray(np.exp(share * np.log(ratio)), dtype=np.float32)


def to_lines(image: Complex) -> Complex:
    """Return the lines of k-space: ky along axis 0, x along axis 1."""
    return np.asarray(np.fft.fft(image, axis=0), dtype=np.complex64)


def from_lines(lines: Complex) -> Complex:
    """Undo `to_lines`."""
    return np.asarray(np.fft.ifft(lines, axis=0), dtype=np.complex64)


def line_numbers(rows: int) -> NDArray[np.intp]:
    """Return, for each line as stored, its place 0..rows-1 in the order from -ky to +ky."""
    return np.asarray(np.fft.ifftshift(np.arange(rows)), dtype=np.intp)


def frequencies(rows: int) -> Image:
    """Return ky in cycles per field of view of each line as stored."""
    return np.asarray(np.fft.fftfreq(rows) * rows, dtype=np.float32)


def moved(image: Complex, angle: float, down: float, right: float) -> Complex:
    """Return the image turned by `angle` degrees about its centre and shifted by px."""
    rows, columns = image.shape
    pairs = np.ascontiguousarray(image).view(np.float32).reshape(rows, columns, 2)
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), angle, 1.0)
    matrix[0, 2] += right
    matrix[1, 2] += down
    turned = cv2.warpAffine(pairs, matrix, (columns, rows), flags=cv2.INTER_CUBIC)
    return np.ascontiguousarray(turned, dtype=np.float32).view(np.complex64)[:, :, 0]


def shifted_along_x(image: Complex, right: float) -> Complex:
    """Return the image shifted by `right` px along the frequency encoding, exactly (Fourier)."""
    ramp = np.exp(-2j * np.pi * np.fft.fftfreq(image.shape[1]) * right).astype(np.complex64)
    return np.asarray(np.fft.ifft(np.fft.fft(image, axis=1) * ramp, axis=1), dtype=np.complex64)


def dipole(shape: tuple[int, int], centre: tuple[float, float], radius: float, axis: str) -> Image:
    """Return R^3 / r^3 (3 cos^2 - 1) with B0 along `axis` ("x", "y" or "z": through the plane), its inside constant."""
    y, x = grid(shape)
    dy, dx = y - np.float32(centre[0]), x - np.float32(centre[1])
    squared = np.maximum(dy * dy + dx * dx, radius * radius)
    along = {"x": dx * dx, "y": dy * dy, "z": np.zeros((1, 1), dtype=np.float32)}[axis]
    return np.asarray(radius**3 / squared**1.5 * (3 * along / squared - 1), dtype=np.float32)
