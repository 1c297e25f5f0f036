"""What every model is tried on: simulated slices that follow from a seed alone, whatever a training draws from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.classes import CLASSES, INDEX
from models.dataset import Pool, varied
from models.fields import Rng
from models.shelf import Slots, chances_of, packed, shortened
from models.simulate import SEVERITY, Plan, Sample, draw_plan, simulate
from models.visibility import Image

SEEDS: Mapping[str, int] = {"validation": 101, "test": 202}
SHARES: Mapping[str, float] = dict.fromkeys(CLASSES, 1.0)
COUNTS = (0.2, 0.45, 0.25, 0.1)  # chance of 0, 1, 2, 3 classes on a slice


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
    return simulate(rng, shortened(rng, varied(rng, clean)), plan)
