"""The figures of a model, from answers on slices that chose nothing: test subjects and sources."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference import looks as joining
from inference.card import Card
from models.answers import MASK_GRID, Answers, CleanAnswers
from models.classes import CLASSES
from models.metrics import (
    Bits,
    Floats,
    area,
    average_precision,
    by_prevalence,
    calibration_error,
    dice,
    mean,
    ratio,
    share,
)
from models.operating import Reading, sigmoid
from models.resampling import Resampling
from models.visibility import GREY_ZONE

# A name and its rows: every subject counted once, then the resamples.
Rows = dict[str, Floats]  # (1 + draws,) each

REPEAT_BELOW = 0.5  # of calibrated suitability: what would be called unusable
SEVERITIES = (0.8, 1.3, 2.1, 3.4)  # edges of bins that a log-uniform severity fills alike


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What the answers on single slices come to."""

    whole: Rows  # of the model
    classes: Mapping[str, Rows]  # of each class
    severities: Mapping[str, Mapping[str, Floats]]  # of each class: detected, iou, slices, each (bins,)


def measure(answers: Answers, clean: CleanAnswers, reading: Reading, resamples: Resampling) -> Measured:
    """Return all figures of single slices."""
    weights, quiet = resamples.weights(answers.subject), resamples.weights(clean.subject)
    overlap = {strict: _overlap(answers, reading, weights, strict=strict) for strict in (False, True)}
    classes = {
        name: _class(k, answers, reading, weights)
        | {
            "iou": overlap[False][:, k],
            "dice": dice(overlap[False][:, k]),
            "iou_strict": overlap[True][:, k],
            "dice_strict": dice(overlap[True][:, k]),
            "clean_alarm": share(reading.alarms(clean.presence)[:, k], quiet),
        }
        for k, name in enumerate(CLASSES)
    }

    def column(name: str) -> Floats:
        return np.stack([rows[name] for rows in classes.values()], axis=-1)

    whole = {
        "iou_mean": mean(column("iou")),
        "iou_weighted": by_prevalence(column("iou")),
        "dice_mean": mean(column("dice")),
        "dice_weighted": by_prevalence(column("dice")),
        "iou_strict_mean": mean(column("iou_strict")),
        "iou_strict_weighted": by_prevalence(column("iou_strict")),
        "dice_strict_mean": mean(column("dice_strict")),
        "dice_strict_weighted": by_prevalence(column("dice_strict")),
        "presence_auc_macro": mean(column("presence_auc")),
        "presence_ap_macro": mean(column("presence_ap")),
        "presence_ece": mean(column("presence_ece")),
        "presence_ece_worst": np.nanmax(column("presence_ece"), axis=-1),
        **_suitability(answers, reading, weights),
        "clean_unsuitable": share(reading.usable(clean.suitability) < REPEAT_BELOW, quiet),
        "clean_any_alarm": share(np.asarray(reading.alarms(clean.presence).any(axis=1)), quiet),
    }
    return Measured(whole, classes, _severities(answers, reading))


def both_ways(looks: tuple[CleanAnswers, CleanAnswers], card: Card, resamples: Resampling) -> Rows:
    """Return the figures of clean slices that are shown along both axes and joined as where no header tells which.

    `looks` are what was said of the slices and of the same, turned; the card reads it.
    """
    first, second = looks
    weights = resamples.weights(first.subject)
    pairs = list(zip(_said(first), _said(second), strict=True))
    presence = np.array([joining.presence(np.stack([a[:-1], b[:-1]]), card) for a, b in pairs])
    suitability = np.array([joining.suitability(np.stack([a[-1], b[-1]]), card) for a, b in pairs])
    alarms = presence >= np.array([each.presence_threshold for each in card.classes])
    return {
        "clean_unsuitable_both_ways": share(suitability < REPEAT_BELOW, weights),
        "clean_any_alarm_both_ways": share(np.asarray(alarms.any(axis=1)), weights),
    }


def _said(clean: CleanAnswers) -> NDArray[np.float32]:
    """Return what the network said (n, 14): presence and suitability, not calibrated."""
    return sigmoid(np.column_stack([clean.presence, clean.suitability])).astype(np.float32)


def bins_of(severity: Floats) -> Floats:
    """Return the bin of each severity; -1 where nothing was planted."""
    place = np.clip(np.searchsorted(SEVERITIES, severity, side="right") - 1, 0, len(SEVERITIES) - 2)
    return np.where(severity > 0, place, -1)


def _overlap(answers: Answers, reading: Reading, weights: Floats, *, strict: bool) -> Floats:
    """Return IoU (1 + draws, 13), pooled over slices, each class at its own threshold."""
    both, either = _at_thresholds(answers, reading, strict=strict)
    return ratio(weights @ both, weights @ either)


def _at_thresholds(answers: Answers, reading: Reading, *, strict: bool) -> tuple[Floats, Floats]:
    rows = [MASK_GRID.index(point.mask_threshold) for point in reading.points]
    tables = {row: answers.overlap(row, strict=strict) for row in set(rows)}
    both, either = (
        np.stack([tables[row][which][:, k] for k, row in enumerate(rows)], axis=1) for which in (0, 1)
    )
    return both, either


def _class(k: int, answers: Answers, reading: Reading, weights: Floats) -> Rows:
    known = answers.present[:, k] >= 0
    truth, score, of_known = answers.present[known, k] == 1, answers.presence[known, k], weights[:, known]
    alarms = reading.alarms(answers.presence)[known, k]
    return {
        "presence_auc": area(score, truth, of_known),
        "presence_ap": average_precision(score, truth, of_known),
        "presence_ece": calibration_error(reading.presence(answers.presence)[known, k], truth, of_known),
        "sensitivity": share(alarms[truth], of_known[:, truth]),
        "specificity": share(~alarms[~truth], of_known[:, ~truth]),
        "slices_present": of_known[:, truth].sum(axis=1),
    }


def _suitability(answers: Answers, reading: Reading, weights: Floats) -> Rows:
    truth, said = answers.usable, reading.usable(answers.suitability)
    outside = decided(answers)
    spoilt = ~truth & answers.repeatable
    return {
        "suitability_auc": area(said, truth, weights),
        "suitability_auc_grey_zone_out": area(said[outside], truth[outside], weights[:, outside]),
        "suitability_ap_unsuitable": average_precision(-said, ~truth, weights),
        "suitability_ece": calibration_error(said, truth, weights),
        "spoilt_found": share(said[spoilt] < REPEAT_BELOW, weights[:, spoilt]),
        "usable_called_unsuitable": share(said[truth] < REPEAT_BELOW, weights[:, truth]),
    }


def decided(answers: Answers) -> Bits:
    """Return which slices lie outside the grey zone of suitability."""
    average = answers.similarity[:, 0]
    return np.asarray((average <= GREY_ZONE[0]) | (average >= GREY_ZONE[1]))


def _severities(answers: Answers, reading: Reading) -> Mapping[str, Mapping[str, Floats]]:
    """Tell per class and bin of severity: found of those present, IoU on those planted, and how many are present."""
    both, either = _at_thresholds(answers, reading, strict=False)
    alarms, place = reading.alarms(answers.presence), bins_of(answers.severity.astype(np.float64))
    table = {}
    for k, name in enumerate(CLASSES):
        planted = [place[:, k] == b for b in range(len(SEVERITIES) - 1)]
        shown = [within & (answers.present[:, k] == 1) for within in planted]
        count = np.array([float(within.sum()) for within in shown])
        table[name] = {
            "slices": count,
            "detected": ratio(np.array([float(alarms[within, k].sum()) for within in shown]), count),
            "iou": ratio(
                *(np.array([part[within, k].sum() for within in planted]) for part in (both, either))
            ),
        }
    return table
