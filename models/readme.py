"""The model card that people read: README.md of a released model, from measured figures alone."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from models import prose
from models.classes import CLASSES
from models.figures import SEVERITIES
from models.metrics import PREVALENCE
from models.outcomes import by_artifact, by_source, of_stress, unstressed
from models.resampling import Figure, figure
from models.series import VERDICTS
from models.stress import STRESSES

if TYPE_CHECKING:
    from models.evaluation import Evaluation

HEADLINES: Mapping[str, str] = {
    "iou_weighted": "IoU, weighted by clinical prevalence (ambiguous band left out)",
    "iou_mean": "IoU, mean of the classes (band left out)",
    "dice_weighted": "Dice, weighted (band left out)",
    "dice_mean": "Dice, mean (band left out)",
    "iou_strict_weighted": "IoU, weighted, strict (band counted)",
    "iou_strict_mean": "IoU, mean, strict",
    "dice_strict_weighted": "Dice, weighted, strict",
    "dice_strict_mean": "Dice, mean, strict",
    "presence_auc_macro": "Presence AUC, mean of the classes",
    "presence_ap_macro": "Presence, average precision, mean",
    "suitability_auc": "Suitability AUC",
    "suitability_auc_grey_zone_out": "Suitability AUC, grey zone left out",
    "suitability_ap_unsuitable": "Unsuitable slices, average precision",
    "presence_ece": "Calibration error of presence (ECE)",
    "suitability_ece": "Calibration error of suitability (ECE)",
    "clean_unsuitable": "Clean slices called unsuitable",
    "clean_any_alarm": "Clean slices with any false alarm",
    "spoilt_found": "Slices spoilt by motion, ghost, wrap or spike that are called unsuitable",
    "usable_called_unsuitable": "Usable simulated slices called unsuitable",
    "clean_series_usable": "Clean series: Usable",
    "clean_series_check": "Clean series: Check",
    "clean_series_repeat": "Clean series: Repeat",
    "clean_series_not_scored": "Clean series: Not scored",
    "clean_series_named": "Clean series of which any artifact is named",
    "spoilt_all_repeat": "Series spoilt on all slices: Repeat",
    "spoilt_all_flagged": "Series spoilt on all slices: Repeat or Check",
    "spoilt_part_repeat": "Series spoilt on a third of the slices: Repeat",
    "spoilt_part_flagged": "Series spoilt on a third of the slices: Repeat or Check",
}
COSTS: Mapping[str, str] = {
    "parameters": "Parameters, millions",
    "macs": "Multiplications a slice, millions",
    "energy": "Energy a slice (Yang, Chen, Sze 2017), millions of multiplications' worth",
}
CLASSICAL = ("presence_auc_macro", "suitability_auc")  # what classical metrics alone give too
COLUMNS: Mapping[str, str] = {
    "iou": "IoU",
    "dice": "Dice",
    "iou_strict": "IoU strict",
    "dice_strict": "Dice strict",
    "presence_auc": "presence AUC",
    "presence_ap": "AP",
    "presence_ece": "ECE",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "clean_alarm": "alarm on clean",
}
BROAD = ("iou", "presence_auc")  # columns with intervals
WEAK_IOU = 0.25
Table = Iterable[Sequence[str]]


def readme(one: "Evaluation", beside: "Sequence[Evaluation]" = ()) -> str:
    """Return the text of README.md; `beside` are the other models measured in the same run."""
    card, origin = one.card, one.origin
    parts = [
        f"# {one.title}",
        prose.INTENDED,
        "## Figures",
        prose.MEASURED.format(simulated=origin.simulated, clean=origin.clean, series=origin.series),
        side_by_side([one, *beside]),
        "### Classes",
        prose.PER_CLASS,
        _table(
            ("class", *COLUMNS.values(), "slices", "AUC of classical metrics", "clinical count"),
            _classes(one),
        ),
        "### Operating points",
        prose.OPERATING.format(*card.suitability),
        prose.ABSTAINING.format(card.outlier),
        _table(("class", "mask from", "present from", "temperature", "bias"), _points(one)),
        "![Reliability of presence and suitability](reliability.png) ![Receiver's curves](roc.png)",
        "### Severity",
        prose.SEVERITY,
        _table(("class", *_bins("found"), *_bins("IoU"), *_bins("slices")), _severities(one)),
        "![Found and IoU by severity](severity.png)",
        "### Series",
        prose.SERIES,
        _table(("source", *(verdict.value for verdict in VERDICTS), "any artifact named"), _sources(one)),
        _table(SPOILT, _spoilt(one)),
        "### Stress",
        prose.STRESS,
        _table(("stress", *FAILURES.values()), _stresses(one)),
        _table(("slices as found", *FAILURES.values()), _groups(one)),
        "## Data and splits",
        prose.DATA,
        "Test: " + ", ".join(origin.test_sources) + ".",
        "Validation (calibration and thresholds, beside clean slices of training for false alarms): "
        + ", ".join(origin.validation_sources)
        + ".",
        "## Simulation",
        prose.SIMULATION,
        "## Training",
        _trained(one),
        prose.LOOKS + (f" The weights are {card.weights}." if card.weights else ""),
        f"Trained at commit `{card.trained_commit}`, {card.trained_on}. SHA-256 of model.onnx: `{card.sha256}`.",
        "## What it cannot see, and how it fails",
        "\n".join(f"- {limit}" for limit in (*card.limits, *_failures(one))),
        "## Good machine learning practice",
        prose.GMLP_LEAD,
        "\n".join(f"{n}. **{title}** {said}" for n, (title, said) in enumerate(prose.GMLP, start=1)),
    ]
    return "\n\n".join(parts) + "\n"


def side_by_side(models: "Sequence[Evaluation]") -> str:
    """Return the table of the figures of whole models, and of classical metrics alone."""
    classical = models[0].classical
    rows = [
        (
            title,
            *(_with_interval(one.figure(name)) for one in models),
            _with_interval(figure(classical[name])) if name in CLASSICAL else "",
        )
        for name, title in HEADLINES.items()
    ]
    costs = [
        (title, *(_millions(one.card.cost.get(name)) for one in models), "") for name, title in COSTS.items()
    ]
    return _table(("", *(one.title for one in models), "classical metrics alone"), [*rows, *costs])


def _millions(value: float | None) -> str:
    return "" if value is None else f"{value / 1e6:.3g}"


def _classes(one: "Evaluation") -> Table:
    for name in CLASSES:
        rows = one.single.classes[name]
        yield (
            name,
            *(_with_interval(figure(rows[key])) if key in BROAD else _first(rows[key]) for key in COLUMNS),
            f"{rows['slices_present'][0]:.0f}",
            _first(one.classical[f"presence_auc_{name}"]),
            f"{PREVALENCE[name]:.0f}",
        )


def _points(one: "Evaluation") -> Table:
    for name, point in zip(CLASSES, one.card.points, strict=True):
        yield (
            name,
            f"{point.mask_threshold:.2f}",
            f"{point.presence_threshold:.3f}",
            f"{point.presence_temperature:.2f}",
            f"{point.presence_bias:+.2f}",
        )


def _bins(what: str) -> Iterable[str]:
    return (f"{what} {low}-{high}" for low, high in pairwise(SEVERITIES))


def _severities(one: "Evaluation") -> Table:
    for name in CLASSES:
        rows = one.single.severities[name]
        cells = [_number(value) for key in ("detected", "iou") for value in rows[key]]
        yield name, *cells, *(f"{value:.0f}" for value in rows["slices"])


def _sources(one: "Evaluation") -> Table:
    for source, counts in by_source(one.clean):
        yield source, *(str(count) for count in counts)


SPOILT = (
    "spoilt by",
    "series made unsuitable",
    "all slices: Repeat",
    "Repeat or Check",
    "a third: Repeat",
    "Repeat or Check",
)


def _spoilt(one: "Evaluation") -> Table:
    for artifact, row in by_artifact(one.spoilt).items():
        shares = (row[key] for key in ("all_repeat", "all_flagged", "part_repeat", "part_flagged"))
        yield artifact, f"{row['series']:.0f}", *(_number(value) for value in shares)


FAILURES: Mapping[str, str] = {
    "sure_and_wrong": "sure and wrong",
    "praised": "unsuitable, surely Usable",
    "blamed": "clean, surely Repeat",
    "abstained": "abstained",
}


def _stresses(one: "Evaluation") -> Table:
    rows = of_stress(one.stress)
    for stress in STRESSES:
        yield stress.told, *_failure_cells(rows[stress.name])


def _groups(one: "Evaluation") -> Table:
    for by in ("source", "anatomy"):
        for name, row in unstressed(one.stress, by=by).items():
            yield f"{name} ({row['slices']:.0f})", *_failure_cells(row)


def _failure_cells(row: Mapping[str, float]) -> Iterable[str]:
    return (_number(row[key]) for key in FAILURES)


def _trained(one: "Evaluation") -> str:
    if not one.origin.learning:
        return "No log of the training is at hand."
    last = one.origin.learning[-1]
    told = (
        f"{float(last['minutes']):.0f} minutes, {float(last['step']):.0f} steps, "
        f"{float(last['seen']):.0f} slices seen."
    )
    return f"{told}\n\n![Learning curve of each class](learning.png)"


def _failures(one: "Evaluation") -> Iterable[str]:
    """Name what the figures show to be weak."""
    iou = {name: float(one.single.classes[name]["iou"][0]) for name in CLASSES}
    weak = [f"{name} ({_number(value)})" for name, value in iou.items() if not value >= WEAK_IOU]
    if weak:
        yield f"Masks of these classes are weak (IoU below {WEAK_IOU}): {', '.join(weak)}."
    missed = [
        f"{name} ({_number(float(one.single.classes[name]['sensitivity'][0]))})"
        for name in CLASSES
        if not float(one.single.classes[name]["sensitivity"][0]) >= 0.5
    ]
    if missed:
        yield f"More than half of the slices that show these classes are not said to: {', '.join(missed)}."
    rows = of_stress(one.stress)
    failing = [
        f"{stress.told} ({_number(rows[stress.name]['sure_and_wrong'])})"
        for stress in STRESSES
        if rows[stress.name]["sure_and_wrong"] > 0.05
    ]
    if failing:
        yield f"It is sure and wrong on more than one slice in twenty under: {'; '.join(failing)}."


def _first(rows: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> str:
    return _number(float(rows[0]))


def _with_interval(found: Figure) -> str:
    if not np.isfinite(found.value):
        return "n/a"
    if not np.isfinite(found.low):
        return _number(found.value)
    return f"{found.value:.3f} ({found.low:.3f}-{found.high:.3f})"


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "n/a"


def _table(head: Sequence[str], rows: Table) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
