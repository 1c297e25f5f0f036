"""Choose how a model's outputs are read, on validation slices only: calibration and thresholds."""

import numpy as np

from models.answers import MASK_GRID, Answers, Bits, CleanAnswers, Floats
from models.classes import CLASSES
from models.modelcard import OperatingPoint
from models.visibility import UNSUITABLE_MEAN, UNSUITABLE_TENTH

FALSE_ALARMS = 0.02  # of the clean validation slices, per class
LOWEST, HIGHEST = 0.30, 0.98  # of a presence threshold
TEMPERATURES = (0.25, 4.0)


def sigmoid(logits: Floats) -> Floats:
    """Return probabilities."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -40, 40))), dtype=np.float64)


def platt(logits: Floats, truth: Bits, steps: int = 50) -> tuple[float, float]:
    """Return (temperature, bias) that make sigmoid(logit / temperature + bias) the likeliest (Platt 1999).

    Newton's method, held near (1, 0) by a weak prior, since a class may have few positives.
    """
    slope, bias = 1.0, 0.0
    for _ in range(steps):
        error = sigmoid(slope * logits + bias) - truth
        spread = np.maximum(sigmoid(slope * logits + bias) * (1 - sigmoid(slope * logits + bias)), 1e-9)
        gradient = np.array([(error * logits).sum() + 2 * (slope - 1), error.sum() + 0.1 * bias])
        mixed = (spread * logits).sum()
        curvature = np.array([[(spread * logits**2).sum() + 2, mixed], [mixed, spread.sum() + 0.1]])
        move = np.linalg.solve(curvature, gradient)
        slope, bias = slope - float(np.clip(move[0], -0.5, 0.5)), bias - float(np.clip(move[1], -1, 1))
        slope = min(max(slope, 1 / TEMPERATURES[1]), 1 / TEMPERATURES[0])
    return 1 / slope, bias


def usable(answers: Answers) -> Bits:
    """Return which slices are diagnostically usable."""
    mean, tenth = answers.similarity[:, 0], answers.similarity[:, 1]
    return np.asarray((mean >= UNSUITABLE_MEAN) & (tenth >= UNSUITABLE_TENTH), dtype=bool)


def choose(simulated: Answers, clean: CleanAnswers) -> tuple[tuple[OperatingPoint, ...], tuple[float, float]]:
    """Return the operating point of each class, and the suitability's (temperature, bias)."""
    points = tuple(_point(k, simulated, clean) for k in range(len(CLASSES)))
    logits = np.concatenate([simulated.suitability, clean.suitability])
    truth = np.concatenate([usable(simulated), np.ones(len(clean.suitability), dtype=bool)])
    return points, platt(logits, truth)


def _point(k: int, simulated: Answers, clean: CleanAnswers) -> OperatingPoint:
    known = simulated.present[:, k] >= 0
    logits, truth = simulated.presence[known, k], simulated.present[known, k] == 1
    temperature, bias = platt(logits, truth)
    quiet = sigmoid(clean.presence[:, k] / temperature + bias)
    threshold = max(_best_f1(sigmoid(logits / temperature + bias), truth), _above(quiet, FALSE_ALARMS))
    iou = np.nan_to_num(simulated.iou[:, k])
    return OperatingPoint(
        mask_threshold=MASK_GRID[int(iou.argmax())],
        presence_threshold=round(min(max(threshold, LOWEST), HIGHEST), 3),
        presence_temperature=round(temperature, 4),
        presence_bias=round(bias, 4),
    )


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
