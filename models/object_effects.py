"""What happens to the object before the coil sees it: chemshift, susceptibility, fatsat, flow, motion, and bias."""

from dataclasses import dataclass

import cv2
import numpy as np

from models.fields import (
    Complex,
    Rng,
    dipole,
    frequencies,
    from_lines,
    gain_field,
    grid,
    line_numbers,
    moved,
    shifted_along_x,
    smooth,
    to_lines,
    uniform,
)
from models.visibility import Image, Mask

FAT_PERCENTILE = 72
FAT_DEPTH = (20.0, 26.0)  # px below the skin
STOP_BAND = 0.45  # half width of the suppression, in fat-water shifts


@dataclass(frozen=True, slots=True, eq=False)
class Displacement:
    """What a susceptibility difference did: px along the frequency encoding, and the share of signal lost."""

    image: Complex
    shift: Image
    loss: Image


def fat_share(rng: Rng, magnitude: Image, body: Mask) -> Image:
    """Return 0..1: how much of the signal is taken for fat (bright, and near the skin)."""
    if not body.any():
        return np.zeros_like(magnitude)
    threshold = float(np.percentile(magnitude[body], FAT_PERCENTILE))
    bright = np.clip((magnitude / max(threshold, 1e-6) - 1) / 0.2 + 0.5, 0, 1)
    depth = cv2.distanceTransform(body.astype(np.uint8), cv2.DIST_L2, 3)
    near = np.clip((uniform(rng, *FAT_DEPTH) - depth) / 4 + 0.5, 0, 1) * body
    return np.asarray(bright * near, dtype=np.float32)


def chemical_shift(rng: Rng, image: Complex, fat: Image, severity: float) -> Complex:
    """Move fat along the frequency encoding; water and fat meet in phase, or in a third at 90 degrees."""
    pixels = uniform(rng, 0.6, 1.2) * (1 + 0.5 * severity) * (1 if rng.random() < 0.5 else -1)
    phase = np.complex64(1j if rng.random() < 1 / 3 else 1)
    lipid = (image * fat).astype(np.complex64)
    return (image - lipid + phase * shifted_along_x(lipid, pixels)).astype(np.complex64)


def susceptibility(rng: Rng, image: Complex, body: Mask, severity: float) -> Displacement:
    """Put a dipole into the body: displacement along x with pile-up, and (gradient echo) a void and dephasing."""
    radius = uniform(rng, 3, 8) * severity**0.5
    centre = _place(rng, body)
    axis = str(rng.choice(["x", "y", "z"]))
    field = dipole(image.shape[:2], centre, radius, axis)
    peak = uniform(rng, 3, 8) * severity**0.5 * (1 if rng.random() < 0.5 else -1)
    shift = (field * (peak / float(np.abs(field).max()))).astype(np.float32)
    loss = np.zeros_like(shift)
    if rng.random() < 0.6:
        down, across = np.gradient(shift)
        dephasing = np.exp(-uniform(rng, 0.6, 1.6) * np.hypot(down, across))
        y, x = grid(image.shape[:2])
        void = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius * radius
        loss = np.where(void, 1.0, 1 - dephasing).astype(np.float32)
    return Displacement(_piled_up((image * (1 - loss)).astype(np.complex64), shift), shift, loss)


def _place(rng: Rng, body: Mask) -> tuple[float, float]:
    """Return a place (y, x) in the body, or anywhere where there is none."""
    places = np.argwhere(body)
    if not len(places):
        return uniform(rng, 0, body.shape[0]), uniform(rng, 0, body.shape[1])
    y, x = places[int(rng.integers(len(places)))]
    return float(y), float(x)


def _piled_up(image: Complex, shift: Image, oversampling: int = 3) -> Complex:
    """Send every piece of signal to x + shift; what meets adds up, nothing is lost inside the field of view."""
    columns = image.shape[1]
    moving = np.flatnonzero(np.abs(shift).max(axis=1) > 0.05)
    out = image.copy()
    if not len(moving):
        return out
    fine = columns * oversampling
    x = (np.arange(fine, dtype=np.float32) + 0.5) / oversampling - 0.5
    weight = np.float32(1 / oversampling)
    stretched = cv2.resize(shift[moving], (fine, len(moving)), interpolation=cv2.INTER_LINEAR)
    target = np.clip(x + stretched, 0, columns - 1.001)
    left = target.astype(np.int64)
    part = (target - left).astype(np.float32)
    cell = left + (np.arange(len(moving)) * columns)[:, None]
    for channel in ("real", "imag"):
        plane = np.ascontiguousarray(getattr(image, channel)[moving])
        signal = cv2.resize(plane, (fine, len(moving)), interpolation=cv2.INTER_LINEAR) * weight
        sums = np.bincount(cell.ravel(), (signal * (1 - part)).ravel(), len(moving) * columns)
        sums += np.bincount(cell.ravel() + 1, (signal * part).ravel(), len(moving) * columns + 1)[: sums.size]
        getattr(out, channel)[moving] = sums.reshape(len(moving), columns)
    return out


def fat_suppression(rng: Rng, fat: Image, severity: float) -> tuple[Image, Image]:
    """Return the factors that (failed, perfect) fat suppression puts on the signal."""
    shape = (fat.shape[0], fat.shape[1])
    y, x = grid(shape)
    v, u = 2 * y / shape[0] - 1, 2 * x / shape[1] - 1
    a, b, c, d = rng.normal(0, 1, 4).astype(np.float32)
    off = a * u + b * v + 0.6 * (c * u * u + d * v * v)
    for _ in range(int(rng.integers(0, 3))):
        centre = uniform(rng, 0.2, 0.8) * shape[0], uniform(rng, 0.2, 0.8) * shape[1]
        off = off + uniform(rng, 1, 3) * dipole(shape, centre, uniform(rng, 12, 30), "y")
    off *= 0.25 * (1 + 0.6 * severity) / max(float(np.percentile(np.abs(off), 99)), 1e-6)

    def factor(offset: Image) -> Image:
        water = (1 - fat) * (1 - _suppressed(offset + 1))
        return np.asarray(water + fat * (1 - 0.95 * _suppressed(offset)), dtype=np.float32)

    return factor(off.astype(np.float32)), factor(np.zeros(shape, dtype=np.float32))


def _suppressed(offset: Image) -> Image:
    return np.asarray(1 / (1 + (np.abs(offset) / STOP_BAND) ** 6), dtype=np.float32)


def vessels(rng: Rng, body: Mask, level: float) -> Image:
    """Return 1-3 bright round vessels, 1.8-6 px wide, with a soft edge."""
    y, x = grid(body.shape[:2])
    out = np.zeros(body.shape, dtype=np.float32)
    for _ in range(int(rng.integers(1, 4))):
        centre, radius = _place(rng, body), uniform(rng, 0.9, 3.0)
        distance = np.sqrt((y - centre[0]) ** 2 + (x - centre[1]) ** 2)
        out = np.maximum(out, uniform(rng, 1.5, 3.5) * level * np.clip(radius + 0.5 - distance, 0, 1))
    return np.asarray(out, dtype=np.float32)


def pulsating(rng: Rng, vessel: Complex, severity: float) -> Complex:
    """Modulate the lines of the vessels by a heartbeat with drift: ghosts along the phase encoding."""
    rows = vessel.shape[0]
    t = line_numbers(rows).astype(np.float32)
    period = uniform(rng, 2.2, 24)
    drift = uniform(rng, 0, 1.5) * np.sin(2 * np.pi * t / rows * uniform(rng, 0.5, 3))
    beat = np.cos(2 * np.pi * t / period + drift + uniform(rng, 0, 2 * np.pi))
    turn = np.exp(1j * uniform(rng, -1.5, 1.5))
    factor = (1 + 0.65 * severity * beat * turn).astype(np.complex64)
    filled = np.flatnonzero(np.abs(vessel).max(axis=0) > 0)
    out = np.zeros_like(vessel)
    out[:, filled] = from_lines(to_lines(vessel[:, filled]) * factor[:, None])
    return out


def motion(rng: Rng, image: Complex, severity: float) -> Complex:
    """Acquire the lines of k-space while the object moves."""
    lines = to_lines(image)
    if rng.random() < 0.3:
        return from_lines(lines * _breathing(rng, image.shape[0], severity)[:, None])
    rows = image.shape[0]
    states = int(rng.integers(2, 7))
    order = line_numbers(rows)
    if rng.random() < 0.5:
        state = np.searchsorted(np.sort(rng.integers(1, rows, states - 1)), order, side="right")
    else:
        state = order % states  # interleaved shots of an echo train
    still = state[0]  # the line through the centre fixes where the object is seen
    for k in range(states):
        taken = np.flatnonzero(state == k)
        if k == still or not len(taken):
            continue
        angle = float(rng.normal(0, 1.6 * severity))
        down, right = rng.normal(0, 1.8 * severity, 2)
        lines[taken] = to_lines(moved(image, angle, float(down), float(right)))[taken]
    return from_lines(lines)


def _breathing(rng: Rng, rows: int, severity: float) -> Complex:
    """Return the phase on each line of a quasi-periodic translation along the phase encoding."""
    t = line_numbers(rows).astype(np.float32)
    wander = uniform(rng, 0, 1.5) * smooth(rng, (rows, 1), 4)[:, 0]
    angle = 2 * np.pi * uniform(rng, 2, 30) * t / rows + wander + uniform(rng, 0, 6.3)
    down = (0.4 + abs(float(rng.normal(0, 1.2 * severity)))) * np.sin(angle)
    return np.asarray(np.exp(-2j * np.pi * frequencies(rows) * (down - down[0]) / rows), dtype=np.complex64)


def shading(rng: Rng, body: Mask, severity: float) -> Image:
    """Return the gain of a bias field: ratio 1 + (1.5-2.8) x severity over the body."""
    return gain_field(rng, body, 1 + uniform(rng, 1.5, 2.8) * severity)
