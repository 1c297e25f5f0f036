"""Reviewed series as `scanside samples` writes them: canvases with what people decided."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.artifacts import NAMES
from models.dataset import Pool

OUTCOMES = ("usable", "limits", "unusable")


@dataclass(frozen=True, slots=True, eq=False)
class Reviewed:
    """Slices of reviewed series; what was decided holds for the series of each."""

    pool: Pool  # `source` tells patients apart, for splits; `split` is empty
    series: NDArray[np.str_]  # (n,)
    positions: NDArray[np.int32]  # (n,) in the series
    outcome: NDArray[np.int64]  # (n,) index into OUTCOMES
    tags: NDArray[
        np.bool_
    ]  # (n, classes) artifacts that the last reviewer of the highest tier saw in the series
    weight: NDArray[np.float64]  # (n,) one over the probability of coming into review; 0: somebody objected


def read_reviewed(folder: Path) -> Reviewed:
    """Read the samples of a folder that have pictures. Raises ValueError where none has."""
    told: list[tuple[dict[str, Any], int]] = []
    images, positions = [], []
    for line in (folder / "samples.jsonl").read_text("utf-8").splitlines():
        sample = json.loads(line)
        if sample.get("pictures"):
            with np.load(folder / sample["pictures"]) as arrays:
                images.append(arrays["images"])
                positions.append(arrays["positions"])
                told.append((sample, len(arrays["images"])))
    if not told:
        raise ValueError(f"no sample in {folder} has pictures")
    each = [sample for sample, count in told for _ in range(count)]
    return Reviewed(
        pool=Pool(
            np.concatenate(images),
            np.full(len(each), ""),
            np.array([sample["group"] for sample in each]),
            np.array([sample["description"] for sample in each]),
            np.full(len(each), "unknown"),
        ),
        series=np.array([sample["sample"] for sample in each]),
        positions=np.concatenate(positions),
        outcome=np.array([OUTCOMES.index(sample["outcome"]) for sample in each]),
        tags=np.array([[name in _seen(sample) for name in NAMES] for sample in each]),
        weight=np.array([1 / sample["share"] if sample["share"] else 0.0 for sample in each]),
    )


def _seen(sample: dict[str, Any]) -> list[str]:
    """Give the tags of the decision that counts."""
    made: list[dict[str, Any]] = sample["decisions"]
    highest = max((one["tier"] for one in made), default=0)
    return next((list(one["tags"]) for one in reversed(made) if one["tier"] == highest), [])
