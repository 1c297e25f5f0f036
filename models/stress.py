"""Catastrophic failure: how often a model is sure and wrong on slices unlike those that it was made with.

Half of the slices are clean, half are made unsuitable. A stress changes the object before the artifact comes, or the
image after it; what is unsuitable is told by its similarity to the clean slice under the same stress. Each slice is
judged as a series of one, by the way of the service; "Not scored" is an abstention.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.eye import Eye
from inference.verdict import Verdict
from models.answers import REPEATABLE
from models.dataset import Pool
from models.fields import Rng, uniform
from models.metrics import Bits
from models.series import VERDICTS, as_slice, judged
from models.shelf import chances_of
from models.simulate import Plan, Planted, simulate
from models.visibility import Image, find_body, similarity, suitable

SURE = 0.8  # a verdict is sure where the calibrated suitability is so far on its side
SEVERITIES = (1.6, 2.4, 3.4, 3.4)  # tried in turn, each with a draw of its own
SEED = 505


def _same(_rng: Rng, image: Image) -> Image:
    return image


@dataclass(frozen=True, slots=True)
class Stress:
    """One way of being unlike."""

    name: str
    told: str
    before: Callable[[Rng, Image], Image] = _same  # on the object, 0..1
    after: Callable[[Rng, Image], Image] = _same  # on the image


def _inverted(_rng: Rng, image: Image) -> Image:
    body = find_body(image)
    return np.where(body, np.clip(1.05 - image, 0, None), image).astype(np.float32)


def _bent(rng: Rng, image: Image) -> Image:
    return np.asarray(image ** (0.45 if rng.random() < 0.5 else 2.2), dtype=np.float32)


def _nulled(rng: Rng, image: Image) -> Image:
    """Recover from an inversion: the magnitude passes through zero at the signal of one tissue."""
    body = find_body(image)
    null = float(np.percentile(image[body], uniform(rng, 30, 60))) if body.any() else 0.5
    return np.where(body, np.abs(image - null) / max(1 - null, null), image).astype(np.float32)


def _coarse(_rng: Rng, image: Image) -> Image:
    rows, columns = image.shape
    small = cv2.resize(image, (columns * 2 // 5, rows * 2 // 5), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _scaled(rng: Rng, image: Image) -> Image:
    """Store the image on 48 grey levels or on 30,000."""
    levels = 48.0 if rng.random() < 0.5 else 30000.0
    return np.asarray(np.round(image / max(float(image.max()), 1e-6) * levels), dtype=np.float32)


def _turned(rng: Rng, image: Image) -> Image:
    rows, columns = image.shape
    angle = uniform(rng, 25, 65) * (1 if rng.random() < 0.5 else -1)
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), angle, 0.85)
    return np.asarray(cv2.warpAffine(image, matrix, (columns, rows)), dtype=np.float32)


def _cropped(rng: Rng, image: Image) -> Image:
    """Keep 60 % along both axes, enlarged: no air, anatomy cut on all sides."""
    rows, columns = image.shape
    high, wide = rows * 6 // 10, columns * 6 // 10
    top, left = (
        int(rng.integers(3, 8) * (whole - part) // 10) for whole, part in ((rows, high), (columns, wide))
    )
    cut = np.ascontiguousarray(image[top : top + high, left : left + wide])
    return np.asarray(cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


STRESSES: tuple[Stress, ...] = (
    Stress("none", "as found"),
    Stress("inversion", "contrast inverted in the body", before=_inverted),
    Stress("gamma", "contrast bent, gamma 0.45 or 2.2", before=_bent),
    Stress("sequence", "unseen sequence: an inversion recovery that nulls a tissue", before=_nulled),
    Stress("rotation", "turned by 25-65 degrees", before=_turned),
    Stress("resolution", "resolution cut to two fifths", after=_coarse),
    Stress("intensity", "intensities on 48 or on 30,000 grey levels", after=_scaled),
    Stress("cropping", "cropped to 60 % along both axes", before=_cropped),
)


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What was said under stress of n slices; a slice is the same in every stress."""

    verdict: NDArray[np.int8]  # (stresses, n) place in VERDICTS
    suitability: NDArray[np.float64]  # (stresses, n), NaN where not scored
    unsuitable: NDArray[np.bool_]  # (stresses, n)
    counted: NDArray[np.bool_]  # (stresses, n) clean, or unsuitable as it was meant to be
    subject: NDArray[np.str_]  # (n,)
    anatomy: NDArray[np.str_]  # (n,)
    vendor: NDArray[np.str_]  # (n,)

    @property
    def wrong(self) -> Bits:
        """Which are sure and wrong: Usable and unsuitable, or Repeat and clean (stresses, n)."""
        praised = (self.verdict == VERDICTS.index(Verdict.USABLE)) & (self.suitability >= SURE)
        blamed = (self.verdict == VERDICTS.index(Verdict.REPEAT)) & (self.suitability <= 1 - SURE)
        return np.asarray(np.where(self.unsuitable, praised, blamed), dtype=bool)

    @property
    def abstained(self) -> Bits:
        """Which were not scored (stresses, n)."""
        return np.asarray(self.verdict == VERDICTS.index(Verdict.NOT_SCORED))


@dataclass(frozen=True, slots=True, eq=False)
class Stressed:
    """The slices themselves."""

    images: tuple[tuple[Image, ...], ...]  # of each stress
    unsuitable: NDArray[np.bool_]  # (stresses, n)
    counted: NDArray[np.bool_]  # (stresses, n)
    subject: NDArray[np.str_]  # (n,)
    anatomy: NDArray[np.str_]  # (n,)
    vendor: NDArray[np.str_]  # (n,)


def stressed(pool: Pool, number: int) -> Stressed:
    """Return `number` slices of a pool, every other one unsuitable, under each stress."""
    chosen = np.random.default_rng(SEED).choice(len(pool), size=number, p=chances_of(pool.source))
    spoil = np.arange(number) % 2 == 1
    images = []
    unsuitable = np.zeros((len(STRESSES), number), dtype=bool)
    for row, stress in enumerate(STRESSES):
        of_stress = []
        for k, index in enumerate(chosen):
            rng = np.random.default_rng([SEED, k])
            image = stress.before(rng, pool.image(int(index)))
            if spoil[k]:
                image, unsuitable[row, k] = _unsuitable(image, k, stress)
            else:
                image = stress.after(rng, image)
            of_stress.append(image)
        images.append(tuple(of_stress))
    return Stressed(
        images=tuple(images),
        unsuitable=unsuitable,
        counted=unsuitable == spoil,
        subject=pool.source[chosen],
        anatomy=pool.anatomy[chosen],
        vendor=pool.vendor[chosen],
    )


def _unsuitable(image: Image, k: int, stress: Stress) -> tuple[Image, bool]:
    """Spoil a slice by motion, ghost, wrap or spike, ever more; tells whether it became unsuitable."""
    name = REPEATABLE[k // 2 % len(REPEATABLE)]
    for attempt, severity in enumerate(SEVERITIES):
        sample = simulate(np.random.default_rng([SEED, k, attempt]), image, Plan((Planted(name, severity),)))
        spoilt, clean = (
            stress.after(np.random.default_rng([SEED, k]), one) for one in (sample.image, sample.reference)
        )
        bad = not suitable(*similarity(spoilt, clean, sample.body))
        if bad:
            break
    return spoilt, bad


def judge_stressed(eye: Eye, slices: Stressed) -> Outcomes:
    """Return what a model says of them."""
    said = [_judged(eye, images) for images in slices.images]
    return Outcomes(
        verdict=np.stack([verdicts for verdicts, _ in said]),
        suitability=np.stack([values for _, values in said]),
        unsuitable=slices.unsuitable,
        counted=slices.counted,
        subject=slices.subject,
        anatomy=slices.anatomy,
        vendor=slices.vendor,
    )


def _judged(eye: Eye, images: Sequence[Image]) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    examined = eye.examine([as_slice(image) for image in images])
    said = [judged([each.score]) for each in examined]
    values = [np.nan if quality.suitability is None else quality.suitability for quality, _ in said]
    return np.array([VERDICTS.index(verdict) for _, verdict in said], dtype=np.int8), np.array(values)
