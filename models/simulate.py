"""Artifacts on a clean slice: what is planted, the image that comes of it, and the exact masks.

    rng = np.random.default_rng(seed)
    sample = simulate(rng, magnitude, Plan((Planted("wrap", 1.5),)))

The ground truth of Scanside is simulated, on real anatomy: no public set of MR images has artifact masks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from models import kspace_effects as kspace
from models import object_effects as objects
from models import visibility
from models.classes import CLASSES, INDEX
from models.fields import Complex, Rng, gain_field, log_uniform, uniform, with_phase
from models.visibility import Ground, Image, Mask

Scalar = TypeVar("Scalar", bound=np.generic)

SEVERITY = (0.8, 3.4)
# Shares of the classes among planted artifacts: what weighs in the clinic, or is hard to learn, comes more often.
SHARES: Mapping[str, float] = dict.fromkeys(CLASSES, 1.0) | {
    "fatsat": 2.4,
    "ghost": 2.2,
    "flow": 2.2,
    "bias": 2.0,
    "gibbs": 1.5,
    "parallel": 1.5,
    "wrap": 1.4,
    "motion": 1.3,
    "susceptibility": 1.2,
    "zipper": 0.6,
    "noise": 0.6,
}
COUNTS = (0.18, 0.37, 0.28, 0.17)  # chance of 0, 1, 2, 3 classes on a slice
CLEAN_SNR = (28.0, 300.0)
FILLED_SHARE = 0.2  # of the slices without wrap, whose object is larger than the field of view


@dataclass(frozen=True, slots=True)
class Planted:
    """One artifact to plant."""

    name: str
    severity: float  # 0.8 (subtle) to 3.4 (gross)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to plant on a slice; `benign` adds the variation that clean images show too."""

    artifacts: tuple[Planted, ...] = ()
    benign: bool = True

    def severity(self, name: str) -> float | None:
        """Return the severity of a planted class, or None."""
        return next((planted.severity for planted in self.artifacts if planted.name == name), None)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A simulated slice with its truth; all maps on the field of view, phase encoding along y."""

    image: Image  # magnitude with noise, in the units of the input
    reference: Image  # the same slice without artifact and noise
    body: Mask
    plan: Plan
    visibility: Mapping[str, Image]  # E of every class that left a trace
    shading: Image | None  # E of "bias" with its sign: above 0 where it brightens
    similarity: tuple[float, float]  # mean and 10th percentile of the local SSIM in the body

    @property
    def suitable(self) -> bool:
        """Whether the slice is diagnostically usable."""
        return visibility.suitable(*self.similarity)

    def presence(self) -> list[int]:
        """Return per class 1 (present), 0 (absent) or -1 (unknown: planted or seen, but hardly)."""
        known = [0] * len(CLASSES)
        for planted in self.plan.artifacts:
            known[INDEX[planted.name]] = -1
        for name, seen in self.visibility.items():
            share = float(visibility.mask_of(seen).mean())
            if share > 0:
                known[INDEX[name]] = 1 if share >= visibility.PRESENT_SHARE else -1
        return known


@dataclass(slots=True, eq=False)
class _Scene:
    """The slice on its way through the scanner."""

    image: Complex  # with artifacts; enlarged along y while a wrap is to come
    ideal: Complex  # without
    body: Mask  # of the enlarged field of view
    level: float  # S
    rows: int  # of the field of view
    pairs: dict[str, tuple[Image, Image]] = field(default_factory=dict)  # magnitudes before and after
    gain: Image | None = None
    displacement: objects.Displacement | None = None
    window: Image | None = None
    noise_shape: Image | None = None

    def fov(self, plane: NDArray[Scalar]) -> NDArray[Scalar]:
        above = (plane.shape[0] - self.rows) // 2
        return plane[above : above + self.rows]

    def put(self, name: str, after: Complex) -> None:
        self.pairs[name] = self.fov(np.abs(self.image)), self.fov(np.abs(after))
        self.image = after


def draw_plan(
    rng: Rng,
    severity: tuple[float, float] = SEVERITY,
    *,
    shares: Mapping[str, float] = SHARES,
    counts: Sequence[float] = COUNTS,
) -> Plan:
    """Draw 0-3 classes by their shares, and their severities (log-uniform); `counts`: chance of 0, 1, ... classes."""
    weights = np.array([shares[name] for name in CLASSES])
    count = int(rng.choice(len(counts), p=counts))
    names = rng.choice(CLASSES, size=count, replace=False, p=weights / weights.sum())
    return Plan(tuple(Planted(str(name), log_uniform(rng, *severity)) for name in names))


def simulate(rng: Rng, magnitude: Image, plan: Plan) -> Sample:
    """Return `magnitude` (square, phase encoding along y, >= 0) as scanned with the planned artifacts."""
    scene = _enter(rng, magnitude, plan)
    _object(rng, scene, plan)
    _coil(rng, scene, plan)
    _acquire(rng, scene, plan)
    return _develop(rng, scene, plan)


def _enter(rng: Rng, magnitude: Image, plan: Plan) -> _Scene:
    rows = magnitude.shape[0]
    if plan.severity("wrap") is not None:
        magnitude = _enlarged(rng, magnitude)
    elif plan.benign and rng.random() < FILLED_SHARE:
        above = rows // 2  # oversampled, so that nothing folds: an object beyond the edge is no wrap
        magnitude = np.ascontiguousarray(_enlarged(rng, magnitude)[above : above + rows])
    image = with_phase(rng, magnitude)
    window = None
    if plan.benign and plan.severity("gibbs") is None and rng.random() < 0.5:
        image, window = kspace.apodised(rng, image)
    scene = _Scene(image, image, np.zeros(0, dtype=bool), 0.0, rows, window=window)
    if image.shape[0] != rows:
        scene.window = None
    plain = np.abs(image)
    scene.body = visibility.find_body(plain)
    body = scene.fov(scene.body)
    scene.level = float(np.median(scene.fov(plain)[body])) if body.any() else float(plain.max())
    return scene


def _enlarged(rng: Rng, magnitude: Image) -> Image:
    """Return twice the rows, the object magnified until the field of view covers 60-88 % of it along y."""
    rows, columns = magnitude.shape
    filled = np.flatnonzero(visibility.find_body(magnitude).any(axis=1))
    extent = float(filled[-1] - filled[0] + 1) if len(filled) else float(rows)
    centre = float(filled[-1] + filled[0]) / 2 if len(filled) else rows / 2
    zoom = min(rows / (uniform(rng, 0.60, 0.88) * extent), 2.5)
    off = uniform(rng, -0.5, 0.5) * max(zoom * extent - rows, 0.0)
    matrix = np.array(
        [[zoom, 0, columns / 2 * (1 - zoom)], [0, zoom, rows + off - zoom * centre]], dtype=np.float64
    )
    enlarged = cv2.warpAffine(magnitude, matrix, (columns, 2 * rows), flags=cv2.INTER_LINEAR)
    return np.asarray(enlarged, dtype=np.float32)


def _object(rng: Rng, scene: _Scene, plan: Plan) -> None:
    chemshift, fatsat = plan.severity("chemshift"), plan.severity("fatsat")
    fat = np.zeros(0, dtype=np.float32)
    if chemshift is not None or fatsat is not None:
        fat = objects.fat_share(rng, np.abs(scene.image), scene.body)
    if chemshift is not None:
        scene.put("chemshift", objects.chemical_shift(rng, scene.image, fat, chemshift))
        scene.ideal = scene.image  # a property of the protocol: part of the clean slice
    if (severity := plan.severity("susceptibility")) is not None:
        scene.displacement = objects.susceptibility(rng, scene.image, scene.body, severity)
        scene.image = scene.displacement.image
    if fatsat is not None:
        failed, perfect = objects.fat_suppression(rng, fat, fatsat)
        before = np.abs(scene.image * perfect)
        scene.image = (scene.image * failed).astype(np.complex64)
        scene.ideal = (scene.ideal * perfect).astype(np.complex64)
        scene.pairs["fatsat"] = scene.fov(before), scene.fov(np.abs(scene.image))
    if (severity := plan.severity("flow")) is not None:
        steady = with_phase(rng, objects.vessels(rng, scene.body, scene.level))
        pulsing = objects.pulsating(rng, steady, severity)
        scene.image, scene.ideal = scene.image + steady, scene.ideal + steady
        scene.put("flow", scene.image - steady + pulsing)
    if (severity := plan.severity("motion")) is not None:
        scene.put("motion", objects.motion(rng, scene.image, severity))


def _coil(rng: Rng, scene: _Scene, plan: Plan) -> None:
    if (severity := plan.severity("bias")) is not None:
        scene.gain = objects.shading(rng, scene.body, severity)
        scene.image = (scene.image * scene.gain).astype(np.complex64)
    elif plan.benign and rng.random() < 0.6:
        scene.gain = gain_field(rng, scene.body, uniform(rng, 1.0, 1.25))
        scene.image = (scene.image * scene.gain).astype(np.complex64)
        scene.ideal = (scene.ideal * scene.gain).astype(np.complex64)
    if scene.image.shape[0] != scene.rows:
        before, after = scene.fov(np.abs(scene.image)), kspace.folded(rng, scene.image, scene.rows)
        scene.pairs["wrap"], scene.image = (before, np.abs(after)), after
    if (severity := plan.severity("parallel")) is not None:
        after, scene.noise_shape = kspace.unfolded_badly(rng, scene.image, severity)
        scene.put("parallel", after)


def _acquire(rng: Rng, scene: _Scene, plan: Plan) -> None:
    if (severity := plan.severity("ghost")) is not None:
        scene.put("ghost", kspace.ghosted(rng, scene.image, severity))
    if (severity := plan.severity("gibbs")) is not None:
        ringing, soft, scene.window = kspace.truncated(rng, scene.image, severity)
        scene.image = soft
        scene.put("gibbs", ringing)
    if (severity := plan.severity("spike")) is not None:
        radius = 1.0 if scene.window is None else float(np.sqrt((scene.window > 0).mean()))
        scene.put("spike", kspace.spiked(rng, scene.image, severity, scene.level, radius))
    if (severity := plan.severity("zipper")) is not None:
        scene.put("zipper", kspace.zippered(rng, scene.image, severity, scene.level))


def _develop(rng: Rng, scene: _Scene, plan: Plan) -> Sample:
    severity = plan.severity("noise")
    ratio = log_uniform(rng, *CLEAN_SNR) if severity is None else 12.0 / severity
    shape = (scene.rows, scene.image.shape[1])
    shaped = np.ones(shape, dtype=np.float32) if scene.noise_shape is None else scene.noise_shape
    if scene.noise_shape is None and rng.random() < 1 / 3:
        shaped = kspace.noise_shape(rng, shape)
    sigma = (shaped * np.float32(scene.level / ratio)).astype(np.float32)
    signal = np.abs(scene.image)
    image = np.abs(scene.image + kspace.noise(rng, shape, sigma, scene.window))
    body, reference = scene.fov(scene.body), scene.fov(np.abs(scene.ideal))
    where = visibility.ground(body, scene.level, signal, sigma)
    return Sample(
        image=image,
        reference=reference,
        body=body,
        plan=plan,
        visibility=_traces(scene, where, sigma),
        shading=None if scene.gain is None else visibility.shading(scene.fov(scene.gain), where),
        similarity=visibility.similarity(image, reference, body),
    )


def _traces(scene: _Scene, where: Ground, sigma: Image) -> dict[str, Image]:
    seen = {
        name: visibility.difference_visibility(name, before, after, where)
        for name, (before, after) in scene.pairs.items()
    }
    seen["noise"] = visibility.noise_visibility(sigma, where)
    if scene.gain is not None:
        seen["bias"] = visibility.bias_visibility(scene.fov(scene.gain), where)
    if scene.displacement is not None:
        shift, loss = scene.fov(scene.displacement.shift), scene.fov(scene.displacement.loss)
        seen["susceptibility"] = visibility.susceptibility_visibility(shift, loss, where)
    return seen
