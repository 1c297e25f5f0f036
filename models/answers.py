"""What a released model says of simulated and of clean slices, counted so that figures and thresholds follow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.segmenter import Prediction
from models.classes import CLASSES, INDEX
from models.dataset import Pool
from models.metrics import Bits, Floats
from models.shelf import Batch, Slots, unpacked
from models.trial import Trial, drawn
from models.visibility import suitable

Model = Callable[[NDArray[np.float32]], Prediction]  # (n, 1, 256, 256) -> probabilities

MASK_GRID: tuple[float, ...] = tuple(np.round(np.linspace(0.05, 0.85, 17), 2).tolist())
PART = 16  # slices at a time
# What makes a slice unusable in the way that a repetition would mend.
REPEATABLE = ("motion", "ghost", "wrap", "spike")


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The network's answers on n simulated slices, beside the truth."""

    pixels: NDArray[np.int32]  # (n, 13, 4, 18) see `count`
    presence: Floats  # (n, 13) logits, not calibrated
    suitability: Floats  # (n,) logits, not calibrated
    outlier: Floats  # (n,) distance to what the model was made with
    present: NDArray[np.int8]  # (n, 13) 1, 0, -1 unknown
    severity: NDArray[np.float32]  # (n, 13) as planted, 0: not planted
    similarity: NDArray[np.float32]  # (n, 2)
    subject: NDArray[np.str_]  # (n,)

    @property
    def usable(self) -> Bits:
        """Which slices are diagnostically usable (n,)."""
        return suitable(self.similarity[:, 0], self.similarity[:, 1])

    @property
    def repeatable(self) -> Bits:
        """Which slices hold motion, ghost, wrap or spike (n,)."""
        return np.asarray((self.present[:, [INDEX[name] for name in REPEATABLE]] == 1).any(axis=1))

    def overlap(self, threshold: int, *, strict: bool) -> tuple[Floats, Floats]:
        """Return pixels in both masks and in either (n, 13) at MASK_GRID[threshold]; the band counts if `strict`."""
        counted = self.pixels if strict else self.pixels[:, :, :2]
        said = counted[..., threshold + 1 :].sum(axis=-1)
        both = said[:, :, 1::2].sum(axis=-1)
        truth = counted[:, :, 1::2].sum(axis=(-1, -2))
        return both.astype(np.float64), (said.sum(axis=-1) + truth - both).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class CleanAnswers:
    """The network's answers on clean slices as they were found."""

    presence: Floats  # (n, 13) logits
    suitability: Floats  # (n,) logits
    outlier: Floats  # (n,)
    subject: NDArray[np.str_]  # (n,)


def logit(probability: NDArray[np.float32]) -> Floats:
    """Return the log odds, in double precision and finite."""
    bounded = np.clip(probability.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(bounded / (1 - bounded)), dtype=np.float64)


def simulated(pool: Pool, number: int, seed: int) -> tuple[Slots, NDArray[np.str_]]:
    """Return a fixed set of simulated slices over a pool, and whose they are."""
    trial = drawn(pool, number, seed)
    return trial.slots, trial.subject


def ask(model: Model, trial: Trial) -> Answers:
    """Return what the model says of simulated slices."""
    heads, pixels = [], []
    for at in range(0, len(trial.slots), PART):
        batch = unpacked(trial.slots[at : at + PART])
        said = model(batch.image)
        heads.append(_heads(said))
        pixels.append(count(said.masks, batch))
    presence, suitability, outlier = _apart(heads)
    return Answers(
        pixels=np.concatenate(pixels),
        presence=presence,
        suitability=suitability,
        outlier=outlier,
        present=trial.slots["presence"],
        severity=trial.severity,
        similarity=trial.slots["similarity"],
        subject=trial.subject,
    )


def _heads(said: Prediction) -> Floats:
    """Return (n, 15): log odds of presence and of suitability, and the outlier distance."""
    return np.column_stack([logit(said.presence), logit(said.suitability), said.outlier])


def _apart(heads: Sequence[Floats]) -> tuple[Floats, Floats, Floats]:
    every = np.concatenate([np.zeros((0, len(CLASSES) + 2)), *heads])
    return every[:, : len(CLASSES)], every[:, -2], every[:, -1]


def count(masks: NDArray[np.float32], batch: Batch) -> NDArray[np.int32]:
    """Count pixels (n, 13, 4, 18): by truth (1) and band (2), and by how many thresholds of MASK_GRID they reach."""
    n, classes = masks.shape[:2]
    reached = np.searchsorted(np.array(MASK_GRID, dtype=np.float32), masks, side="right")
    kinds, levels = 4, len(MASK_GRID) + 1
    row = np.arange(n * classes).reshape(n, classes, 1, 1)
    place = (row * kinds + batch.mask + 2 * batch.band) * levels + reached
    counts = np.bincount(place.ravel(), minlength=n * classes * kinds * levels)
    return counts.reshape(n, classes, kinds, levels).astype(np.int32)


def ask_clean(model: Model, pool: Pool) -> CleanAnswers:
    """Return what the model says of the slices of a pool as they are."""
    heads = [
        _heads(model(np.stack([pool.image(k) for k in range(at, min(at + PART, len(pool)))])[:, None]))
        for at in range(0, len(pool), PART)
    ]
    return CleanAnswers(*_apart(heads), subject=pool.source)
