"""Two looks at a slice whose phase-encoding direction is not told, joined into one answer.

Each look answers as if its direction were the true one. With both directions equally likely beforehand, and clean
images that look alike either way, Bayes' theorem makes the odds of an artifact the mean of the two odds: a look that is
sure half convinces, one that is half sure does not. On simulated validation slices it keeps sensitivity and specificity
of the known direction, where the larger of the two probabilities raises half as many alarms again.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from inference.card import Card

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

SUREST = 1.0 - 1e-12  # a steep calibration rounds to 1, which has no odds


def presence(looks: Array, card: Card) -> Doubles:
    """Return the calibrated probability of each class (classes,) of what looks (looks, classes) said, uncalibrated."""
    calibrated = [
        [point.presence(float(said)) for point, said in zip(card.classes, look, strict=True)]
        for look in looks
    ]
    return joined(calibrated)


def suitability(looks: Array, card: Card) -> float:
    """Return the calibrated suitability of what looks (looks,) said, uncalibrated: unsuitable is what is found."""
    return float(1.0 - joined([1.0 - card.suitability(float(said)) for said in looks]))


def joined(probabilities: Sequence[float] | Sequence[Sequence[float]]) -> Doubles:
    """Return the probabilities whose odds are the mean of those along the first axis; each 0..1."""
    said = np.minimum(np.asarray(probabilities, dtype=np.float64), SUREST)
    odds = (said / (1.0 - said)).mean(axis=0)
    return np.asarray(odds / (1.0 + odds), dtype=np.float64)
