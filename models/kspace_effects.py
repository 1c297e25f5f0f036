"""What happens from the coil to the image: wrap, parallel, ghost, gibbs, spike, zipper and noise.

Each takes the complex image within the field of view and returns it with the artifact in it.
"""

import numpy as np

from models.fields import Complex, Rng, frequencies, from_lines, grid, line_numbers, smooth, to_lines, uniform
from models.visibility import Image

COILS = 8
# A Gaussian window of the same full width at half maximum as a hard cut: exp(-1.296 (u / cut)^2).
SAME_WIDTH = 1.296


def folded(rng: Rng, image: Complex, rows: int) -> Complex:
    """Fold what lies outside the central `rows` of the enlarged field of view back into them."""
    above = (image.shape[0] - rows) // 2
    weight = uniform(rng, 0.5, 1.0) * np.exp(1j * uniform(rng, -np.pi, np.pi))
    out = image[above : above + rows].copy()
    out[rows - above :] += np.complex64(weight) * image[:above]
    rest = image.shape[0] - above - rows
    out[:rest] += np.complex64(weight) * image[above + rows :]
    return out


def unfolded_badly(rng: Rng, image: Complex, severity: float) -> tuple[Complex, Image]:
    """Undersample by R = 2-4 with eight coils and unfold with sensitivities that have moved.

    Returns the image and the g-factor (>= 1), which shapes the noise.
    """
    factor = int(rng.choice([2, 3, 4]))
    rows, columns = image.shape
    height = rows // factor * factor
    off = rng.normal(0, 4.5 * severity, 2)
    coils, width = _coil_places(rng), uniform(rng, 0.35, 0.5)
    shape = (rows, columns)
    true = _by_alias(_sensitivities(shape, coils, width, (0.0, 0.0)), factor)
    used = _by_alias(_sensitivities(shape, coils, width, (float(off[0]), float(off[1]))), factor)
    pieces = image[:height].reshape(factor, height // factor, columns).transpose(1, 2, 0)
    aliased = np.einsum("yxcr,yxr->yxc", true, pieces)
    adjoint = used.conj().transpose(0, 1, 3, 2)
    gram = adjoint @ used + 1e-3 * np.eye(factor, dtype=np.complex64)
    inverse = np.linalg.inv(gram)
    unfolded = (inverse @ (adjoint @ aliased[..., None]))[..., 0]
    amplification = np.sqrt(
        np.einsum("yxrr->yxr", inverse).real * np.einsum("yxrr->yxr", gram).real,
    )
    out, g_factor = image.copy(), np.ones(shape, dtype=np.float32)
    out[:height] = unfolded.transpose(2, 0, 1).reshape(height, columns)
    g_factor[:height] = amplification.transpose(2, 0, 1).reshape(height, columns)
    return out, np.clip(g_factor, 1, 6)


def _coil_places(rng: Rng) -> list[tuple[float, float, float]]:
    """Return (y, x, phase) of each coil, y and x in fields of view."""
    turn = uniform(rng, 0, 2 * np.pi)
    angles = turn + 2 * np.pi * np.arange(COILS) / COILS
    return [
        (0.5 + 0.5 * float(np.sin(a)), 0.5 + 0.5 * float(np.cos(a)), uniform(rng, -np.pi, np.pi))
        for a in angles
    ]


def _sensitivities(
    shape: tuple[int, int], coils: list[tuple[float, float, float]], width: float, shift: tuple[float, float]
) -> Complex:
    """Return (rows, columns, coil)."""
    y, x = grid(shape)
    v, u = (y - shift[0]) / shape[0], (x - shift[1]) / shape[1]
    maps = []
    for cy, cx, phase in coils:
        down, across = (np.exp(-(axis**2) / (2 * width**2)) for axis in (v - cy, u - cx))
        turn = np.exp(1j * (phase + 1.5 * (v - cy))).astype(np.complex64)
        maps.append((down * turn) * across)
    return np.stack(maps, axis=-1).astype(np.complex64)


def _by_alias(maps: Complex, factor: int) -> Complex:
    """Return (rows / factor, columns, coil, alias)."""
    rows, columns, coils = maps.shape
    height = rows // factor
    pieces = maps[: height * factor].reshape(factor, height, columns, coils)
    return np.ascontiguousarray(pieces.transpose(1, 2, 3, 0))


def ghosted(rng: Rng, image: Complex, severity: float) -> Complex:
    """Odd-even phase errors (N/2), a periodic modulation of the lines, or dropped lines."""
    rows, columns = image.shape
    number = line_numbers(rows)
    amplitude = 0.07 * severity
    kind = rng.random()
    if kind < 0.5:
        slope = uniform(rng, -1, 1) * amplitude
        across = np.linspace(-1, 1, columns, dtype=np.float32)
        phase = (2 * amplitude * (1 if rng.random() < 0.5 else -1) + 2 * slope * across).astype(np.float32)
        return nyquist_ghost(image, phase)
    lines = to_lines(image)
    if kind < 0.85:
        period = int(rng.integers(2, 9))
        wave = np.cos(2 * np.pi * number / period + uniform(rng, 0, 2 * np.pi))
        turn = np.exp(1j * uniform(rng, -np.pi, np.pi))
        return from_lines((lines * (1 + 2 * amplitude * turn * wave)[:, None]).astype(np.complex64))
    period = int(rng.integers(4, 17))
    dropped = (number % period == int(rng.integers(period))) & (np.abs(frequencies(rows)) > 3)
    lines[dropped] *= np.float32(max(0.0, 1 - 0.6 * severity))
    return from_lines(lines)


def nyquist_ghost(image: Complex, phase: Image) -> Complex:
    """Return the image whose odd lines have the phase `phase` (columns,): a ghost of abs(sin(phase / 2)) at N/2."""
    turn = np.exp(1j * phase.astype(np.float64))[None, :]
    moved = np.roll(image, image.shape[0] // 2, axis=0)
    out = image * (1 + turn) / 2 + moved * (1 - turn) / 2
    return np.asarray(out * np.exp(-0.5j * phase)[None, :], dtype=np.complex64)


def truncated(rng: Rng, image: Complex, severity: float) -> tuple[Complex, Complex, Image]:
    """Cut k-space hard at 20-60 % in one or two directions.

    Returns the ringing image, the image of a Gaussian window of equal width, and the hard window (as stored).
    """
    rows, columns = image.shape
    # A severe case is a low cut: 0.60 at severity 0.8, 0.20 at 3.4.
    cut = float(np.clip(0.72 - 0.153 * severity + rng.normal(0, 0.04), 0.2, 0.6))
    both, first = rng.random() < 0.4, rng.random() < 0.6
    v = np.abs(frequencies(rows))[:, None] * (2 / rows) if both or first else np.zeros((rows, 1))
    u = np.abs(frequencies(columns))[None, :] * (2 / columns) if both or not first else np.zeros((1, columns))
    hard = ((v <= cut) & (u <= cut)).astype(np.float32)
    gauss = np.exp(-SAME_WIDTH * (u / cut) ** 2) * np.exp(-SAME_WIDTH * (v / cut) ** 2)
    space = np.fft.fft2(image)
    ringing, soft = np.fft.ifft2(space * hard), np.fft.ifft2(space * gauss.astype(np.float32))
    return ringing.astype(np.complex64), soft.astype(np.complex64), hard


def apodised(rng: Rng, image: Complex) -> tuple[Complex, Image]:
    """Zero-fill and filter as scanners do, without ringing to speak of; returns the image and the window."""
    rows, columns = image.shape
    cut_y, cut_x = uniform(rng, 0.65, 1.1), uniform(rng, 0.65, 1.1)
    v, u = np.abs(frequencies(rows)) * (2 / rows), np.abs(frequencies(columns)) * (2 / columns)
    window = (_taper(v / cut_y)[:, None] * _taper(u / cut_x)[None, :]).astype(np.float32)
    return np.asarray(np.fft.ifft2(np.fft.fft2(image) * window), dtype=np.complex64), window


def _taper(u: Image) -> Image:
    """Return a Hann edge over the outer half of the window."""
    edge = np.clip((u - 0.5) / 0.5, 0, 1)
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * edge), dtype=np.float32)


def spiked(rng: Rng, image: Complex, severity: float, level: float, radius: float = 1.0) -> Complex:
    """Corrupt 1-3 samples at 0.06-0.46 of the acquired `radius` (share of k-space) by 0.045 s N^2 S."""
    rows, columns = image.shape
    out = image.copy()
    y, x = np.arange(rows), np.arange(columns)
    for _ in range(int(rng.integers(1, 4))):
        angle, reach = uniform(rng, 0, 2 * np.pi), uniform(rng, 0.06, 0.46) * radius
        ky, kx = round(reach * np.sin(angle) * rows), round(reach * np.cos(angle) * columns)
        height = 0.045 * severity * level * np.exp(1j * uniform(rng, 0, 2 * np.pi))
        wave = np.exp(2j * np.pi * ky * y / rows)[:, None] * np.exp(2j * np.pi * kx * x / columns)[None, :]
        out += (height * wave).astype(np.complex64)
    return out


def zippered(rng: Rng, image: Complex, severity: float, level: float) -> Complex:
    """Put 1-3 narrow lines at fixed frequencies (fixed x) along the phase encoding."""
    rows, columns = image.shape
    out = image.copy()
    for _ in range(int(rng.integers(1, 4))):
        x, width = int(rng.integers(4, columns - 4)), int(rng.integers(1, 3))
        tone = np.exp(2j * np.pi * (uniform(rng, -0.5, 0.5) * np.arange(rows) + uniform(rng, 0, 1)))
        if rng.random() < 0.5:  # noise-like, not coherent
            tone = (rng.standard_normal(rows) + 1j * rng.standard_normal(rows)) / np.sqrt(2)
        if rng.random() < 0.5:
            length, duty = uniform(rng, 6, 50), uniform(rng, 0.35, 0.8)
            tone = tone * ((np.arange(rows) / length + uniform(rng, 0, 1)) % 1 < duty)
        out[:, x : x + width] += (0.22 * severity * level * tone)[:, None].astype(np.complex64)
    return out


def noise(rng: Rng, shape: tuple[int, int], sigma: Image | float, window: Image | None) -> Complex:
    """Return complex Gaussian noise of SD `sigma` a channel, on the samples that `window` acquired."""
    rows, columns = shape
    white = rng.standard_normal((rows, columns * 2), dtype=np.float32).view(np.complex64)
    if window is not None:
        power = float(np.sqrt(np.square(window).mean()))
        white = (np.fft.ifft2(np.fft.fft2(white) * window) / max(power, 1e-3)).astype(np.complex64)
    return (white * np.float32(sigma)).astype(np.complex64)


def noise_shape(rng: Rng, shape: tuple[int, int]) -> Image:
    """Return a smooth factor of mean about 1 by which coils shape the noise."""
    return np.asarray(np.exp(0.25 * smooth(rng, shape)), dtype=np.float32)
