"""The model card that people read: README.md of a released model, from measured figures alone."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from models import prose
from models.classes import CLASSES
from models.figures import SEVERITIES, Rows
from models.metrics import PREVALENCE
from models.operating import HIGHEST, LOWEST
from models.outcomes import CANDIDATES, by_artifact, by_source
from models.resampling import Figure, figure
from models.series import CHOOSING_SLICES, THRESHOLDS, VERDICTS
from models.sightings import PLAIN
from models.stress import STRESSES
from models.visibility import GREY_ZONE

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
    "presence_ece": "Calibration error of presence (ECE), mean of the classes",
    "presence_ece_worst": "Calibration error of presence, the worst class",
    "suitability_ece": "Calibration error of suitability (ECE)",
    "clean_unsuitable": "Clean slices called unsuitable",
    "clean_any_alarm": "Clean slices with any false alarm",
    "clean_unsuitable_both_ways": "Clean slices called unsuitable, phase encoding not told",
    "clean_any_alarm_both_ways": "Clean slices with any false alarm, phase encoding not told",
    "spoilt_found": "Slices spoilt by motion, ghost, wrap or spike that are called unsuitable",
    "usable_called_unsuitable": "Usable simulated slices called unsuitable",
    "clean_series_usable": "Clean series: Usable",
    "clean_series_check": "Clean series: Check",
    "clean_series_repeat": "Clean series: Repeat",
    "clean_series_not_scored": "Clean series: Not scored",
    "clean_series_named": "Clean series of which any artifact is named",
    "spoilt_all_repeat": "Series spoilt on all slices: Repeat",
    "spoilt_all_repeat_grey_zone_out": "Series spoilt on all slices, grey zone left out: Repeat",
    "spoilt_all_flagged": "Series spoilt on all slices: Repeat or Check",
    "spoilt_part_repeat": "Series spoilt on a third of the slices: Repeat",
    "spoilt_part_repeat_grey_zone_out": "Series spoilt on a third of the slices, grey zone left out: Repeat",
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
WRONG = 0.05  # sure and wrong so often is told
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
        prose.OPERATING.format(*card.suitability, LOWEST, HIGHEST),
        prose.ABSTAINING.format(card.outlier),
        _table(("class", "mask from", "present from", "temperature", "bias"), _points(one)),
        "![Reliability of presence and suitability](reliability.png) ![Receiver's curves](roc.png)",
        "### Severity",
        prose.SEVERITY,
        _table(("class", *_bins("found"), *_bins("IoU"), *_bins("slices")), _severities(one)),
        "![Found and IoU by severity](severity.png)",
        "### Series",
        prose.SERIES.format(
            usable=THRESHOLDS.usable_index,
            index=THRESHOLDS.repeat_index,
            suitability=THRESHOLDS.repeat_suitability,
            turned_away=origin.turned_away,
            clear=GREY_ZONE[0],
        ),
        _table(("source", *(verdict.value for verdict in VERDICTS), "any artifact named"), _sources(one)),
        _table(("spoilt by", *SPOILT.values()), _spoilt(one)),
        "### Thresholds of Repeat",
        prose.THRESHOLDS.format(CHOOSING_SLICES),
        _table(("Repeat below", *_tried(one)), _thresholds(one)),
        "### Stress",
        prose.STRESS,
        _table(("stress", "slices", *FAILURES.values()), _stresses(one)),
        _table(("slices as found", "slices", *FAILURES.values()), _groups(one)),
        "### Real artifacts",
        *_real(one),
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


SPOILT: Mapping[str, str] = {
    "all_series": "all slices: series made unsuitable",
    "all_repeat": "Repeat",
    "all_flagged": "Repeat or Check",
    "all_clear_series": "grey zone left out: series",
    "all_clear_repeat": "Repeat",
    "part_series": "a third: series made unsuitable",
    "part_repeat": "Repeat",
    "part_flagged": "Repeat or Check",
    "part_clear_series": "grey zone left out: series",
    "part_clear_repeat": "Repeat",
}


def _spoilt(one: "Evaluation") -> Table:
    for artifact, row in by_artifact(one.spoilt).items():
        cells = (f"{row[key]:.0f}" if key.endswith("_series") else _number(row[key]) for key in SPOILT)
        yield artifact, *cells


SPLITS: Mapping[str, str] = {"validation": "validation", "train": "training"}
GROUPS: Mapping[str, str] = {
    "clean": "clean",
    "spoilt": "spoilt on all slices",
    "clear": "the same, grey zone left out",
}


def _tried(one: "Evaluation") -> Iterable[str]:
    """Give the heads of the columns: which series, and how many."""
    for split, tried in one.thresholds.items():
        for group, (_, which) in tried.groups().items():
            yield f"{SPLITS[split]}, {GROUPS[group]} ({int(which.sum())})"


def _thresholds(one: "Evaluation") -> Table:
    for at in CANDIDATES:
        shares = (share for tried in one.thresholds.values() for share in tried.repeats(at).values())
        default = " (default)" if at == THRESHOLDS else ""
        title = f"index {at.repeat_index:g} or suitability {at.repeat_suitability:.2f}{default}"
        yield title, *(_number(share) for share in shares)


FAILURES: Mapping[str, str] = {
    "sure_and_wrong": "sure and wrong",
    "praised": "unsuitable, surely Usable",
    "blamed": "clean, surely Repeat",
    "abstained": "abstained",
}


def _stresses(one: "Evaluation") -> Table:
    for stress in STRESSES:
        yield stress.told, *_failure_cells(one.stress.of_stress[stress.name])


def _groups(one: "Evaluation") -> Table:
    for groups in (one.stress.of_vendor, one.stress.of_anatomy):
        for name, rows in groups.items():
            yield name, *_failure_cells(rows)


def _failure_cells(rows: Rows) -> Iterable[str]:
    return (f"{rows['slices'][0]:.0f}", *(_with_interval(figure(rows[key])) for key in FAILURES))


SAID = ("said present", "most probable", "among the two most probable")


def _real(one: "Evaluation") -> Iterable[str]:
    if not one.sighted:
        yield "None are at hand."
        return
    yield prose.REAL
    heads = (*SAID, *(f"clean slices: {head}" for head in SAID))
    yield _table(("what is seen", "class", "slices", "subjects", *heads), _sighted(one))
    yield prose.PLAIN.format(PLAIN["most"])
    shares = ((name, *map(_number, pair)) for name, pair in one.plain.items())
    yield _table(("class", "said present on EPI", "on clean slices"), shares)


def _sighted(one: "Evaluation") -> Table:
    for seen in one.sighted:
        shares = (
            value for said in (seen.said, seen.clean) for value in (said.present, said.first, said.second)
        )
        yield seen.words, seen.artifact, str(seen.slices), str(seen.subjects), *map(_number, shares)


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
    unsaid = [
        f"{seen.words} ({seen.artifact} {_number(seen.said.present)})"
        for seen in one.sighted
        if not seen.said.present >= 0.5
    ]
    if unsaid:
        yield f"On fewer than half of the real slices that show them these are said: {'; '.join(unsaid)}."
    wrong = {
        stress.told: float(one.stress.of_stress[stress.name]["sure_and_wrong"][0]) for stress in STRESSES
    }
    failing = [f"{told} ({_number(value)})" for told, value in wrong.items() if value > WRONG]
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
