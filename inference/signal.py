"""Classical metrics of image quality: the evidence beside the score, each with a value or the reason why it has none.

They are computed on the native matrix with the phase encoding along axis 0. Background metrics want real air. All are
ratios to the median of the body, so that none depends on the scale of the pixels.
"""

from collections.abc import Callable, Iterable

import cv2
import numpy as np
import numpy.typing as npt

from inference.detectors import spike_db, zipper_score
from inference.evidence import METRICS, SIGNIFICANT, Reading, Readings
from inference.footprint import GRID, Footprint
from inference.ground import NO_SIGNAL, SAMPLES, Ground, Image, median
from inference.image import Slice
from inference.text import Text

NOT_DIRECTED = Text(
    "the header does not tell the phase-encoding direction", "der Header nennt die Phasenkodierrichtung nicht"
)
NO_GHOST_REGION = Text("too little air where a ghost would lie", "zu wenig Luft, wo ein Geisterbild läge")
BLACK = Text("the air is black", "die Luft ist schwarz")
FEW_LINES = Text("too few lines cross the air", "zu wenige Linien verlaufen durch Luft")
NOT_FINITE = Text("the value is not finite", "der Wert ist nicht endlich")
LEAST_PIXELS = 64
STRONGEST = 0.10  # share of the body's pixels that are its edges
STRUCTURED = 4.0  # noise SD above which air holds signal: one in 3,000 does by chance
RAYLEIGH_QUARTER = 0.7585  # the lower quartile of the magnitude of noise, in SD of one channel
MAD = 0.6745  # of a Gaussian, in SD
LOW_PASS = 0.08  # SD of the blur that leaves shading, in fields of view
OUTERMOST = 0.02  # of the lines at each end of the field of view


class DoesNotApply(ValueError):
    """This metric says nothing of this slice."""

    def __init__(self, why: Text) -> None:
        super().__init__(why)
        self.why = why


def measure(image: Slice, body: npt.NDArray[np.uint8]) -> Readings:
    """Read every metric of the table, in its order; `body` as `inference.postprocess.body_of` gives it."""
    ground = Ground(image, body)
    if ground.empty:
        return tuple(Reading(metric.name, None, NO_SIGNAL) for metric in METRICS)
    with np.errstate(
        all="ignore"
    ):  # of a scale beyond single precision comes what is not finite, and is told so
        return tuple(_read(metric.name, ground) for metric in METRICS)


def footprint(image: Slice, body: npt.NDArray[np.uint8]) -> Footprint:
    """Leave what the checks of the series need, of a slice without signal too: it may have dropped out."""
    rows, columns = image.pixels.shape
    high, wide = rows * image.spacing[0], columns * image.spacing[1]
    down, across = (body.mean(axis=axis) for axis in (1, 0))
    cells = np.asarray(cv2.resize(image.pixels, (GRID, GRID), interpolation=cv2.INTER_AREA))
    sides = (body[0], body[:, -1], body[-1], body[:, 0])
    return Footprint(
        plane=image.plane,
        area=_rounded(float(body.mean())),
        centre=(_rounded(_off_centre(down) * high), _rounded(_off_centre(across) * wide)),
        touched=(
            _rounded(float(sides[0].mean())),
            _rounded(float(sides[1].mean())),
            _rounded(float(sides[2].mean())),
            _rounded(float(sides[3].mean())),
        ),
        grid=tuple(_rounded(float(value)) for value in cells.ravel()),
    )


def _off_centre(profile: npt.NDArray[np.float64]) -> float:
    """Give how far the centre of mass lies from the middle, in lengths of the profile."""
    places = (np.arange(len(profile)) + 0.5) / len(profile) - 0.5
    return float((places * profile).sum() / max(float(profile.sum()), 1e-6))


def _rounded(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT}g}")


def _read(name: str, ground: Ground) -> Reading:
    try:
        value = _MEASURES[name](ground)
    except DoesNotApply as reason:
        return Reading(name, None, reason.why)
    if not np.isfinite(value):
        return Reading(name, None, NOT_FINITE)
    return Reading.of(name, value)


def _wants_air(ground: Ground) -> None:
    if ground.why_no_air:
        raise DoesNotApply(ground.why_no_air)


def _wants_direction(ground: Ground) -> None:
    if not ground.directed:
        raise DoesNotApply(NOT_DIRECTED)


def gsr_pe(ground: Ground) -> float:
    """Ghost-to-signal ratio along the phase encoding, up with N/2 ghosts (Giannelli et al. 2010; MRIQC gsr_x/y)."""
    return _gsr(ground, 0)


def gsr_fe(ground: Ground) -> float:
    """Ghost-to-signal ratio along the frequency encoding: ghosts along the other axis make it fall."""
    return _gsr(ground, 1)


def _gsr(ground: Ground, axis: int) -> float:
    """Air on which the body's image at half the field of view falls, less other air, over the signal."""
    _wants_direction(ground)
    _wants_air(ground)
    moved = np.roll(ground.body, ground.body.shape[axis] // 2, axis)
    ghost, rest = ground.image[ground.outside & moved], ground.image[ground.outside & ~moved]
    if min(len(ghost), len(rest)) < LEAST_PIXELS:
        raise DoesNotApply(NO_GHOST_REGION)
    return float(ghost.mean() - rest.mean()) / ground.level


def psg(ground: Ground) -> float:
    """Percent signal ghosting: air before and behind the body along the phase encoding, less that beside it.

    As in the ACR phantom test guidance, but signed: up with every ghost along the phase encoding (motion, flow, N/2).
    """
    _wants_direction(ground)
    _wants_air(ground)
    columns, rows = np.any(ground.body, axis=0, keepdims=True), np.any(ground.body, axis=1, keepdims=True)
    along, across = ground.image[ground.outside & columns], ground.image[ground.outside & rows]
    if min(len(along), len(across)) < LEAST_PIXELS:
        raise DoesNotApply(NO_GHOST_REGION)
    return 100.0 * float(along.mean() - across.mean()) / (2.0 * ground.level)


def qi_1(ground: Ground) -> float:
    """Share of the air that holds more than noise, up with ghosts (after Mortamet et al. 2009; MRIQC qi_1)."""
    _wants_air(ground)
    sigma = float(np.percentile(_some(ground.air), 25.0)) / RAYLEIGH_QUARTER
    return float((ground.air > STRUCTURED * sigma).mean()) if sigma > 0.0 else float((ground.air > 0).mean())


def aes(ground: Ground) -> float:
    """Average edge strength: mean gradient of the body's strongest edges, down with blur (Aksoy et al. 2012)."""
    across = cv2.Scharr(ground.image, cv2.CV_32F, 1, 0, scale=1 / 32)
    down = cv2.Scharr(ground.image, cv2.CV_32F, 0, 1, scale=1 / 32)
    slope = np.asarray(cv2.magnitude(across, down))[ground.body]
    kept = max(1, int(STRONGEST * len(slope)))
    return float(np.partition(slope, len(slope) - kept)[-kept:].mean()) / ground.level


def laplacian(ground: Ground) -> float:
    """SD of the Laplacian in the body, down with blur and truncation, up with noise (Pech-Pacheco et al. 2000)."""
    return float(np.asarray(cv2.Laplacian(ground.image, cv2.CV_32F))[ground.body].std()) / ground.level


def wavelet_sigma(ground: Ground) -> float:
    """Noise from the finest diagonal wavelets in the body (Donoho and Johnstone 1994), over the signal."""
    rows, columns = (side // 2 * 2 for side in ground.image.shape)
    image, inside = ground.image[:rows, :columns], ground.body[:rows:2, :columns:2]
    diagonal = image[::2, ::2] - image[1::2, ::2] - image[::2, 1::2] + image[1::2, 1::2]
    found = np.abs(diagonal[inside])
    if len(found) < LEAST_PIXELS:
        raise DoesNotApply(NO_SIGNAL)
    return median(found) / (2.0 * MAD * ground.level)


def fber(ground: Ground) -> float:
    """Foreground-background energy ratio: medians of the squared signal, down with noise (MRIQC fber)."""
    _wants_air(ground)
    background = median(ground.air) ** 2
    if background <= 0.0:
        raise DoesNotApply(BLACK)
    return ground.level**2 / background


def snrd(ground: Ground) -> float:
    """Signal over the SD of the air, with Dietrich's (2007) factor for magnitudes, down with noise (MRIQC snrd)."""
    _wants_air(ground)
    spread = float(ground.air.std())
    if spread <= 0.0:
        raise DoesNotApply(BLACK)
    return ground.level / (spread * float(np.sqrt(2.0 / (4.0 - np.pi))))


def efc(ground: Ground) -> float:
    """Entropy focus criterion, 0 (one bright pixel) to 1 (all alike), up with ghosts and blur (Atkinson 1997)."""
    pixels = ground.image.ravel()
    count = pixels.size
    energy = float(np.sqrt(np.dot(pixels, pixels)))
    shares = pixels / np.float32(energy) + np.float32(1e-12)
    logs = np.asarray(cv2.log(shares)).ravel()
    return -float(np.dot(shares, logs)) / float(np.sqrt(count) * np.log(np.sqrt(count)))


def lowpass_cv(ground: Ground) -> float:
    """SD over mean of the low-pass image in the body, up with shading."""
    step = max(1, round(max(ground.image.shape) / 64))
    shape = (max(2, ground.image.shape[1] // step), max(2, ground.image.shape[0] // step))
    inside = ground.body.astype(np.float32)
    bright = np.asarray(cv2.resize(ground.image * inside, shape, interpolation=cv2.INTER_AREA))
    weight = np.asarray(cv2.resize(inside, shape, interpolation=cv2.INTER_AREA))
    sd = LOW_PASS * max(shape)
    smooth = np.asarray(cv2.GaussianBlur(bright, (0, 0), sd)) / np.maximum(
        np.asarray(cv2.GaussianBlur(weight, (0, 0), sd)), 1e-3
    )
    values = smooth[weight > 0.5]
    if len(values) < 2:
        raise DoesNotApply(NO_SIGNAL)
    return float(values.std() / values.mean())


def edge_pe(ground: Ground) -> float:
    """Mean signal of the outermost lines at the brighter end of the phase encoding, up where anatomy may wrap."""
    _wants_direction(ground)
    return _edge(ground.image) / ground.level


def edge_fe(ground: Ground) -> float:
    """Mean signal of the outermost lines along the frequency encoding, up where anatomy is cut."""
    _wants_direction(ground)
    return _edge(ground.image.T) / ground.level


def _edge(image: Image) -> float:
    lines = max(1, round(OUTERMOST * len(image)))
    return max(float(image[:lines].mean()), float(image[-lines:].mean()))


def air_fraction(ground: Ground) -> float:
    """Share of the field of view outside the body's hull, down with wrap and ghosts."""
    return float(ground.outside.mean())


def spike(ground: Ground) -> float:
    """Largest sample of k-space above the median of its surroundings, dB; up with spikes."""
    return spike_db(ground.image)


def zipper(ground: Ground) -> float:
    """Largest mean of a row or column in air above its neighbours' median, in robust SD; up with zippers."""
    _wants_air(ground)
    found = zipper_score(ground.image, ground.outside, ground.level)
    if found is None:
        raise DoesNotApply(FEW_LINES)
    return found


def _some(values: Image) -> Image:
    return values[:: max(1, len(values) // SAMPLES)]


def _by_name(measures: Iterable[Callable[[Ground], float]]) -> dict[str, Callable[[Ground], float]]:
    return {measure.__name__: measure for measure in measures}


_MEASURES = _by_name(
    (
        gsr_pe,
        gsr_fe,
        psg,
        qi_1,
        aes,
        laplacian,
        wavelet_sigma,
        fber,
        snrd,
        efc,
        lowpass_cv,
        edge_pe,
        edge_fe,
        air_fraction,
        spike,
        zipper,
    )
)
