"""What a released model says of simulated and of clean slices, counted so that figures and thresholds follow."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.classes import CLASSES, INDEX
from models.dataset import Pool
from models.metrics import Overlap
from models.shelf import Batch, Slots, chances_of, fresh, packed, unpacked

Floats = NDArray[np.float64]
Bits = NDArray[np.bool_]
# (n, 1, 256, 256) -> masks, presence, suitability, as probabilities
Model = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]]

MASK_GRID: tuple[float, ...] = tuple(np.round(np.linspace(0.05, 0.85, 17), 2).tolist())
PART = 16  # slices at a time
# What makes a slice unusable in the way that a repetition would mend.
REPEATABLE = ("motion", "ghost", "wrap", "spike")


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The network's answers on n simulated slices, beside the truth."""

    iou: Floats  # (thresholds, 13), band left out
    iou_strict: Floats  # (thresholds, 13), band counted
    presence: Floats  # (n, 13) logits, not calibrated
    suitability: Floats  # (n,) logits, not calibrated
    present: NDArray[np.int8]  # (n, 13) 1, 0, -1 unknown
    similarity: NDArray[np.float32]  # (n, 2)
    repeatable: Bits  # (n,) holds motion, ghost, wrap or spike
    subject: NDArray[np.str_]  # (n,)


@dataclass(frozen=True, slots=True, eq=False)
class CleanAnswers:
    """The network's answers on clean slices as they were found."""

    presence: Floats  # (n, 13) logits
    suitability: Floats  # (n,) logits
    subject: NDArray[np.str_]  # (n,)
    masked: Floats  # (thresholds, 13) mean share of the canvas that is masked


def logit(probability: NDArray[np.float32]) -> Floats:
    """Return the log odds, in double precision and finite."""
    bounded = np.clip(probability.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(bounded / (1 - bounded)), dtype=np.float64)


def simulated(pool: Pool, number: int, seed: int) -> tuple[Slots, NDArray[np.str_]]:
    """Return a fixed set of simulated slices over a pool, and whose they are."""
    rng, chances = np.random.default_rng(seed), chances_of(pool)
    slots, subjects = [], []
    for _ in range(number):
        index = int(rng.choice(len(pool), p=chances))
        slots.append(packed(fresh(rng, pool.image(index))))
        subjects.append(pool.source[index])
    return np.stack(slots), np.array(subjects)


def ask(model: Model, slots: Slots, subjects: NDArray[np.str_]) -> Answers:
    """Return what the model says of simulated slices."""
    kept, strict = ([Overlap() for _ in MASK_GRID] for _ in range(2))
    said: list[tuple[Floats, Floats]] = []
    for at in range(0, len(slots), PART):
        batch = unpacked(slots[at : at + PART])
        masks, presence, suitability = model(batch.image)
        _count(kept, strict, masks, batch)
        said.append((logit(presence), logit(suitability)))
    chosen = [INDEX[name] for name in REPEATABLE]
    return Answers(
        iou=np.stack([overlap.iou() for overlap in kept]),
        iou_strict=np.stack([overlap.iou() for overlap in strict]),
        presence=np.concatenate([each[0] for each in said]),
        suitability=np.concatenate([each[1] for each in said]),
        present=slots["presence"],
        similarity=slots["similarity"],
        repeatable=(slots["presence"][:, chosen] == 1).any(axis=1),
        subject=subjects,
    )


def _count(kept: list[Overlap], strict: list[Overlap], masks: NDArray[np.float32], batch: Batch) -> None:
    outside = ~batch.band
    for threshold, leaving_out, counting in zip(MASK_GRID, kept, strict, strict=True):
        said = masks >= threshold
        leaving_out.add(said, batch.mask, outside)
        counting.add(said, batch.mask)


def ask_clean(model: Model, pool: Pool) -> CleanAnswers:
    """Return what the model says of the slices of a pool as they are."""
    said: list[tuple[Floats, Floats]] = []
    areas = np.zeros((len(MASK_GRID), len(CLASSES)))
    for at in range(0, len(pool), PART):
        part = range(at, min(at + PART, len(pool)))
        masks, present, suitable = model(np.stack([pool.image(k) for k in part])[:, None])
        areas += [(masks >= threshold).mean(axis=(2, 3)).sum(axis=0) for threshold in MASK_GRID]
        said.append((logit(present), logit(suitable)))
    return CleanAnswers(
        presence=np.concatenate([each[0] for each in said]),
        suitability=np.concatenate([each[1] for each in said]),
        subject=pool.source,
        masked=areas / max(len(pool), 1),
    )
