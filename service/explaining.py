"""`scanside score --explain`: why the worst slices of a series were called unsuitable, as maps and pictures."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.explain import Explanation, picture
from inference.eye import Eye
from inference.image import Slice
from inference.score import SliceScore

WORST = 3  # slices of a series that are explained


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One slice to explain."""

    image: Slice
    sop_instance_uid: str  # as in the input
    number: int  # by which the results name it


def explain_slices(eye: Eye, slices: Iterable[Asked], stem: Path) -> list[dict[str, Any]]:
    """Explain slices one after the other; gives plain values, and leaves files.

    `<stem>-explanation-<number>-<frame>.png` is the map over the slice, `.npz` beside it the map itself.
    Raises ModelFailed.
    """
    return [_explained(eye, asked, stem) for asked in slices]


def _explained(eye: Eye, asked: Asked, stem: Path) -> dict[str, Any]:
    began = time.process_time()
    explanation = eye.explain(asked.image)
    seconds = time.process_time() - began
    frame = asked.image.frame
    drawn = stem.with_name(f"{stem.name}-explanation-{asked.number}-{frame}.png")
    drawn.parent.mkdir(parents=True, exist_ok=True)
    drawn.write_bytes(picture(asked.image, explanation))
    _write_map(drawn.with_suffix(".npz"), asked, explanation)
    row, column = explanation.peak
    return {
        "instance_number": asked.number,
        "frame": frame,
        "picture": str(drawn),
        "map": str(drawn.with_suffix(".npz")),
        "suitability": round(explanation.suitability, 4),
        "peak": [row, column],
        "rise": round(float(explanation.rise[row, column]), 4),
        "grid": explanation.grid,
        "runs": explanation.runs,
        "cpu_seconds": round(seconds, 3),
    }


def _write_map(path: Path, asked: Asked, explanation: Explanation) -> None:
    values: Mapping[str, Any] = {
        "rise": explanation.rise,
        "suitability": np.float32(explanation.suitability),
        "grid": np.int32(explanation.grid),
        "sop_instance_uid": np.array(asked.sop_instance_uid),
        "frame_number": np.int32(asked.image.frame),
    }
    np.savez_compressed(path, allow_pickle=False, **values)


def worst_of(scores: Iterable[tuple[int, SliceScore]], count: int = WORST) -> list[int]:
    """Give the positions of the worst slices that count for the series, the worst first."""
    ranked = sorted((score.index, position) for position, score in scores if score.signal and score.familiar)
    return [position for _, position in ranked[:count]]
