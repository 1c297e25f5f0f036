"""The figures of a model card, from answers on slices that chose nothing: test subjects and sources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.answers import MASK_GRID, Answers, Bits, CleanAnswers, Floats
from models.classes import CLASSES
from models.metrics import auc, weighted
from models.modelcard import OperatingPoint
from models.operating import sigmoid, usable
from models.visibility import GREY_ZONE

Figures = dict[str, object]
REPEAT_BELOW = 0.5  # of calibrated suitability: what would be called unusable


@dataclass(frozen=True, slots=True)
class Reading:
    """How the outputs are read."""

    points: Sequence[OperatingPoint]
    suitability: tuple[float, float]  # temperature, bias

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


def figures(answers: Answers, clean: CleanAnswers, reading: Reading) -> Figures:
    """Return all figures: numbers for the model as a whole, then one table a class."""
    per_class = [_class(k, answers, clean, reading) for k in range(len(CLASSES))]

    def column(name: str) -> Floats:
        return np.array([row[name] for row in per_class])

    return {
        "iou_mean": float(np.nanmean(column("iou"))),
        "iou_weighted": weighted(column("iou")),
        "iou_strict_mean": float(np.nanmean(column("iou_strict"))),
        "iou_strict_weighted": weighted(column("iou_strict")),
        "presence_auc_macro": float(np.nanmean(column("presence_auc"))),
        **_suitability(answers, clean, reading),
        "clean_any_alarm": float(reading.alarms(clean.presence).any(axis=1).mean()),
        "presence_ece": _presence_ece(answers, reading),
        **{f"class_{name}": row for name, row in zip(CLASSES, per_class, strict=True)},
    }


def _class(k: int, answers: Answers, clean: CleanAnswers, reading: Reading) -> Mapping[str, float]:
    row = MASK_GRID.index(reading.points[k].mask_threshold)
    known = answers.present[:, k] >= 0
    truth = answers.present[known, k] == 1
    alarms = reading.alarms(answers.presence)[known, k]
    return {
        "iou": float(answers.iou[row, k]),
        "iou_strict": float(answers.iou_strict[row, k]),
        "presence_auc": auc(answers.presence[known, k], truth),
        "sensitivity": _share(alarms[truth]),
        "specificity": _share(~alarms[~truth]),
        "clean_alarm": _share(reading.alarms(clean.presence)[:, k]),
        "slices_present": float(truth.sum()),
    }


def _suitability(answers: Answers, clean: CleanAnswers, reading: Reading) -> Mapping[str, float]:
    truth, said = usable(answers), reading.usable(answers.suitability)
    mean = answers.similarity[:, 0]
    outside = (mean <= GREY_ZONE[0]) | (mean >= GREY_ZONE[1])
    return {
        "suitability_auc": auc(said, truth),
        "suitability_auc_grey_zone_out": auc(said[outside], truth[outside]),
        "suitability_ece": expected_calibration_error(said, truth),
        "clean_unsuitable": _share(reading.usable(clean.suitability) < REPEAT_BELOW),
        "spoilt_found": _share(said[~truth & answers.repeatable] < REPEAT_BELOW),
        "usable_called_unsuitable": _share(said[truth] < REPEAT_BELOW),
    }


def _presence_ece(answers: Answers, reading: Reading) -> float:
    known = answers.present >= 0
    return expected_calibration_error(reading.presence(answers.presence)[known], answers.present[known] == 1)


def expected_calibration_error(probability: Floats, truth: Bits, bins: int = 10) -> float:
    """Return the mean gap between what was said and what was so, over bins of equal width (Naeini et al. 2015)."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = [
        (place == b).mean() * abs(float(probability[place == b].mean()) - float(truth[place == b].mean()))
        for b in range(bins)
        if (place == b).any()
    ]
    return float(sum(gaps))


def _share(said: Bits) -> float:
    return float(said.mean()) if said.size else float("nan")
