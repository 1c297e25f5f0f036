"""The model card that people read: README.md of a released model, from measured figures alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from models.classes import CLASSES
from models.metrics import PREVALENCE
from models.modelcard import ModelCard

HEADLINES: Mapping[str, str] = {
    "iou_mean": "IoU, mean of the classes (ambiguous band left out)",
    "iou_weighted": "IoU, weighted by clinical prevalence (band left out)",
    "iou_strict_mean": "IoU, mean, strict (band counted)",
    "iou_strict_weighted": "IoU, weighted, strict",
    "presence_auc_macro": "Presence AUC, mean of the classes",
    "suitability_auc": "Suitability AUC",
    "suitability_auc_grey_zone_out": "Suitability AUC, grey zone left out",
    "presence_ece": "Calibration error of presence (ECE)",
    "suitability_ece": "Calibration error of suitability (ECE)",
    "clean_unsuitable": "Clean slices called unsuitable",
    "clean_any_alarm": "Clean slices with any false alarm",
    "spoilt_found": "Slices spoilt by motion, ghost, wrap or spike that are called unsuitable",
    "usable_called_unsuitable": "Usable simulated slices called unsuitable",
}
COLUMNS: Mapping[str, str] = {
    "iou": "IoU",
    "iou_strict": "IoU strict",
    "presence_auc": "presence AUC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "clean_alarm": "alarm on clean",
    "slices_present": "slices",
}


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the figures were measured on."""

    simulated: int
    clean: int
    test_sources: tuple[str, ...]
    validation_sources: tuple[str, ...]
    training: str  # from the training log


def readme(card: ModelCard, origin: Provenance) -> str:
    """Return the text of README.md."""
    parts = [
        f"# {card.name} {card.version}",
        INTENDED,
        "## Figures",
        MEASURED.format(simulated=origin.simulated, clean=origin.clean),
        _table(("", "measured"), _headlines(card)),
        _table(("class", *COLUMNS.values(), "clinical count"), _classes(card)),
        "## Data and splits",
        DATA,
        "Test: " + ", ".join(origin.test_sources) + ".",
        "Validation (calibration and thresholds, beside clean slices of training for false alarms): "
        + ", ".join(origin.validation_sources)
        + ".",
        "## Training",
        origin.training,
        f"Trained at commit `{card.trained_commit}`, {card.trained_on}. SHA-256 of model.onnx: `{card.sha256}`.",
        "## What it cannot see",
        "\n".join(f"- {limit}" for limit in (*card.limits, *_weak(card))),
    ]
    return "\n\n".join(parts) + "\n"


INTENDED = """Finds thirteen kinds of MR artifact on a slice, where they are, and whether the slice is diagnostically
usable. Meant as a hint to the technologist while the patient is still on the table; not for diagnosis, not a
replacement of a reader, not validated on patients."""

MEASURED = """Simulated artifacts on {simulated} slices of held-out subjects and sources, and {clean} clean slices of
the same as they were found. Written by `python -m models.evaluate`. Figures on simulated artifacts do not say how often
a real one is found."""

DATA = """No public set of MR images with artifact masks exists. Artifacts are simulated in k-space, with exact masks,
on clean slices of public repositories (brain, prostate, knee, kidney, wrist, spine, test objects; Siemens, GE, Philips,
Canon/Toshiba, UIH) and of a numerical phantom. Splits are by subject and by source (`models/split.toml`); whether one
volunteer was scanned for several repositories is not known. Two kinds of benign variation (objects larger than the
field of view, grey air) were added to the training after false alarms had been seen on test sources: the figures on
clean slices flatter the model by that."""

WEAK_IOU = 0.25


def _weak(card: ModelCard) -> Iterable[str]:
    """Name the classes whose masks are not to be trusted."""
    rows = {name: _row(card, name) for name in CLASSES}
    weak = [
        f"{name} ({_number(row.get('iou'))})"
        for name, row in rows.items()
        if not _float(row, "iou") >= WEAK_IOU
    ]
    if weak:
        yield f"Masks of these classes are weak (IoU below {WEAK_IOU}): {', '.join(weak)}."


def _headlines(card: ModelCard) -> Iterable[tuple[str, ...]]:
    return ((title, _number(card.metrics.get(name))) for name, title in HEADLINES.items())


def _classes(card: ModelCard) -> Iterable[tuple[str, ...]]:
    for name in CLASSES:
        row = _row(card, name)
        yield name, *(_number(row.get(key)) for key in COLUMNS), f"{PREVALENCE[name]:.0f}"


def _row(card: ModelCard, name: str) -> Mapping[str, object]:
    row = card.metrics.get(f"class_{name}", {})
    assert isinstance(row, Mapping)
    return row


def _float(row: Mapping[str, object], key: str) -> float:
    value = row.get(key, 0.0)
    return value if isinstance(value, float) else 0.0


def _number(value: object) -> str:
    if not isinstance(value, float) or value != value:  # noqa: PLR0124  NaN alone differs from itself
        return "n/a"
    return f"{value:.0f}" if value >= 2 else f"{value:.3f}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
