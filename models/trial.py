"""What every model is tried on: simulated slices that follow from a seed alone, whatever a training draws from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.classes import CLASSES, INDEX
from models.dataset import Pool, varied
from models.fields import Rng
from models.modelcard import CANVAS
from models.shelf import Slots, packed
from models.simulate import Plan, Sample, draw_plan, simulate
from models.visibility import Image

SEEDS: Mapping[str, int] = {"validation": 101, "test": 202}
SHARES: Mapping[str, float] = dict.fromkeys(CLASSES, 1.0)
COUNTS = (0.2, 0.45, 0.25, 0.1)  # chance of 0, 1, 2, 3 classes on a slice
SEVERITY = (0.8, 3.4)
OBLONG_SHARE = 0.3  # of slices whose field of view is shorter along one axis


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Simulated slices with their truth."""

    slots: Slots  # (n,)
    severity: NDArray[np.float32]  # (n, 13), 0 where nothing was planted
    subject: NDArray[np.str_]  # (n,)


def drawn(pool: Pool, number: int, seed: int) -> Trial:
    """Return `number` simulated slices over a pool; the k-th follows from the seed and k."""
    chances = chances_of(pool.source)
    slots, severity = [], np.zeros((number, len(CLASSES)), dtype=np.float32)
    subjects = []
    for k in range(number):
        rng = np.random.default_rng([seed, k])
        plan = draw_plan(rng, SEVERITY, shares=SHARES, counts=COUNTS)
        index = int(rng.choice(len(pool), p=chances))
        slots.append(packed(scanned(rng, pool.image(index), plan)))
        subjects.append(pool.source[index])
        for planted in plan.artifacts:
            severity[k, INDEX[planted.name]] = planted.severity
    return Trial(np.stack(slots), severity, np.array(subjects))


def scanned(rng: Rng, clean: Image, plan: Plan) -> Sample:
    """Return a clean canvas, varied as clean images vary, with the planned artifacts."""
    return simulate(rng, _shortened(rng, varied(rng, clean)), plan)


def chances_of(subject: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return the chance of each slice: a subject counts as the root of its slices."""
    _, inverse, counts = np.unique(subject, return_inverse=True, return_counts=True)
    weights = 1 / np.sqrt(counts[inverse])
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _shortened(rng: Rng, image: Image) -> Image:
    if rng.random() >= OBLONG_SHARE:
        return image
    size = 2 * int(rng.integers(CANVAS * 3 // 10, CANVAS // 2))
    above = (CANVAS - size) // 2
    cut = image[above : above + size] if rng.random() < 0.7 else image[:, above : above + size]
    return np.ascontiguousarray(cut)
