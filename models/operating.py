"""Choose how a model's outputs are read, on validation slices only: calibration and thresholds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.answers import MASK_GRID, Answers, CleanAnswers
from models.classes import CLASSES
from models.metrics import Bits, Floats, calibration_error, ratio
from models.modelcard import OperatingPoint

FALSE_ALARMS = 0.02  # of the clean validation slices, per class
LOWEST, HIGHEST = 0.30, 0.98  # of a presence threshold
TEMPERATURES = (0.25, 4.0)
CUTS, CUT_SEED = 8, 606  # how often subjects are cut in halves
ABSTENTIONS = 0.01  # of validation slices, be they clean or simulated

Fit = tuple[float, float]  # temperature, bias: probability = sigmoid(logit / temperature + bias)


@dataclass(frozen=True, slots=True)
class Reading:
    """How the outputs are read."""

    points: Sequence[OperatingPoint]
    suitability: Fit
    outlier: float  # the distance beyond which a slice is not scored

    def presence(self, logits: Floats) -> Floats:
        """Return calibrated presence (n, 13)."""
        temperature = np.array([point.presence_temperature for point in self.points])
        return sigmoid(logits / temperature + np.array([point.presence_bias for point in self.points]))

    def usable(self, logits: Floats) -> Floats:
        """Return calibrated suitability (n,)."""
        return sigmoid(logits / self.suitability[0] + self.suitability[1])

    def alarms(self, logits: Floats) -> Bits:
        """Return which classes are called present (n, 13)."""
        thresholds = np.array([point.presence_threshold for point in self.points])
        return np.asarray(self.presence(logits) >= thresholds, dtype=bool)


def choose(simulated: Answers, clean: CleanAnswers) -> Reading:
    """Return the operating point of each class, the calibration of the suitability, and how far is too far."""
    own = held_out(simulated, clean)
    logits = np.concatenate([simulated.suitability, clean.suitability[own]])
    truth = np.concatenate([simulated.usable, np.ones(int(own.sum()), dtype=bool)])
    subject = np.concatenate([simulated.subject, clean.subject[own]])
    points = tuple(_point(k, simulated, clean) for k in range(len(CLASSES)))
    return Reading(points, calibrated(logits, truth, subject), _farthest(simulated, clean))


def held_out(simulated: Answers, clean: CleanAnswers) -> Bits:
    """Return which clean slices are of the subjects of the simulated ones: the others may have been trained on."""
    return np.isin(clean.subject, simulated.subject)


def calibrated(logits: Floats, truth: Bits, subject: NDArray[np.str_]) -> Fit:
    """Return the calibration whose error is least on subjects that it was not fitted on, fitted on all.

    A temperature alone or temperature and bias (Platt 1999). Subjects are cut in two halves, several times: each way is
    fitted on one half and judged on the other.
    """
    ways: tuple[Callable[[Floats, Bits], Fit], ...] = (tempered, platt)
    cuts = halves(subject)
    errors = [sum(_held_out_error(way, logits, truth, first) for first in cuts) for way in ways]
    return ways[int(np.argmin(errors))](logits, truth)


def halves(subject: NDArray[np.str_]) -> list[Bits]:
    """Return, several times, which slices are of the first half: subjects in any order, each to the smaller side."""
    names, counts = np.unique(subject, return_counts=True)
    rng = np.random.default_rng(CUT_SEED)
    cuts = []
    for _ in range(CUTS):
        sides: tuple[list[str], list[str]] = ([], [])
        sizes = [0, 0]
        for k in rng.permutation(len(names)):
            side = int(sizes[1] < sizes[0])
            sides[side].append(str(names[k]))
            sizes[side] += int(counts[k])
        cuts.append(np.isin(subject, sides[0]))
    return cuts


def _held_out_error(way: Callable[[Floats, Bits], Fit], logits: Floats, truth: Bits, first: Bits) -> float:
    errors = []
    for fitted in (first, ~first):
        if not fitted.any() or fitted.all():
            return 0.0  # one subject alone: nothing to hold out, the first way serves
        temperature, bias = way(logits[fitted], truth[fitted])
        said = sigmoid(logits[~fitted] / temperature + bias)
        errors.append(float(calibration_error(said, truth[~fitted], np.ones((1, len(said))))[0]))
    return sum(errors)


def sigmoid(logits: Floats) -> Floats:
    """Return probabilities."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -40, 40))), dtype=np.float64)


def tempered(logits: Floats, truth: Bits) -> Fit:
    """Return the temperature that makes sigmoid(logit / temperature) the likeliest, by looking at 81 of them."""
    temperatures = np.geomspace(*TEMPERATURES, 81)
    losses = [float(np.logaddexp(0, np.where(truth, -logits, logits) / t).sum()) for t in temperatures]
    return float(temperatures[int(np.argmin(losses))]), 0.0


def platt(logits: Floats, truth: Bits, steps: int = 50) -> Fit:
    """Return (temperature, bias) that make sigmoid(logit / temperature + bias) the likeliest (Platt 1999).

    Newton's method, held near (1, 0) by a weak prior, since a class may have few positives.
    """
    slope, bias = 1.0, 0.0
    for _ in range(steps):
        said = sigmoid(slope * logits + bias)
        error, spread = said - truth, np.maximum(said * (1 - said), 1e-9)
        gradient = np.array([(error * logits).sum() + 2 * (slope - 1), error.sum() + 0.1 * bias])
        mixed = (spread * logits).sum()
        curvature = np.array([[(spread * logits**2).sum() + 2, mixed], [mixed, spread.sum() + 0.1]])
        move = np.linalg.solve(curvature, gradient)
        slope, bias = slope - float(np.clip(move[0], -0.5, 0.5)), bias - float(np.clip(move[1], -1, 1))
        slope = min(max(slope, 1 / TEMPERATURES[1]), 1 / TEMPERATURES[0])
    return 1 / slope, bias


def _point(k: int, simulated: Answers, clean: CleanAnswers) -> OperatingPoint:
    known = simulated.present[:, k] >= 0
    logits, truth = simulated.presence[known, k], simulated.present[known, k] == 1
    temperature, bias = calibrated(logits, truth, simulated.subject[known])
    quiet = sigmoid(clean.presence[:, k] / temperature + bias)
    threshold = max(_best_f1(sigmoid(logits / temperature + bias), truth), _above(quiet, FALSE_ALARMS))
    return OperatingPoint(
        mask_threshold=_mask_threshold(k, simulated),
        presence_threshold=round(min(max(threshold, LOWEST), HIGHEST), 3),
        presence_temperature=round(temperature, 4),
        presence_bias=round(bias, 4),
    )


def _farthest(simulated: Answers, clean: CleanAnswers) -> float:
    """Return the distance that few slices of validation subjects exceed: an artifact is no reason not to score."""
    told = (clean.outlier[held_out(simulated, clean)], simulated.outlier)
    return round(max(float(np.quantile(far, 1 - ABSTENTIONS)) for far in told if len(far)), 4)


def _mask_threshold(k: int, simulated: Answers) -> float:
    pooled = [
        [pixels[:, k].sum() for pixels in simulated.overlap(row, strict=False)]
        for row in range(len(MASK_GRID))
    ]
    both, either = np.array(pooled).T
    return MASK_GRID[int(np.nan_to_num(ratio(both, either)).argmax())]


def _above(probability: Floats, share: float) -> float:
    """Return a threshold that only `share` of the values reach."""
    return float(np.quantile(probability, 1 - share)) + 1e-3 if len(probability) else 0.5


def _best_f1(probability: Floats, truth: Bits) -> float:
    best, chosen = -1.0, 0.5
    for threshold in np.linspace(0.1, 0.9, 33):
        said = probability >= threshold
        f1 = 2 * float((said & truth).sum()) / max(float(said.sum() + truth.sum()), 1.0)
        if f1 > best:
            best, chosen = f1, float(threshold)
    return chosen
