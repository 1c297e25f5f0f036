"""The curves of a model card: reliability, receiver's curves, severity, learning. No image of a patient."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from inference.artifacts import CATALOGUE
from models.classes import CLASSES
from models.figures import SEVERITIES
from models.metrics import BINS, Bits, Floats

if TYPE_CHECKING:
    from models.evaluation import Evaluation

mpl.use("agg")
COLOURS = {artifact.name: artifact.colour for artifact in CATALOGUE}
DPI = 80
BESIDE: Mapping[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5), "frameon": False}
FEWEST = 5  # slices in a bin of which a reliability is drawn


def draw(one: "Evaluation", folder: Path) -> None:
    """Write reliability.png, roc.png, severity.png and, where the training's log is at hand, learning.png."""
    with _figure(folder / "reliability.png", 2) as axes:
        _reliability(one, *axes)
    with _figure(folder / "roc.png", 2) as axes:
        _receiver(one, *axes)
    with _figure(folder / "severity.png", 2) as axes:
        _severity(one, *axes)
    if one.origin.learning:
        with _figure(folder / "learning.png", 2) as axes:
            _learning(one, *axes)


@contextmanager
def _figure(path: Path, columns: int) -> Iterator[list[Any]]:
    figure = Figure(figsize=(5.2 * columns, 4.2), dpi=DPI, layout="constrained")
    axes = list(np.atleast_1d(np.asarray(figure.subplots(1, columns))))
    yield axes
    for each in axes:
        each.grid(alpha=0.3)
        each.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Software": None})


def _reliability(one: "Evaluation", presence: Any, suitability: Any) -> None:  # noqa: ANN401
    answers, reading = one.answers, one.reading
    known = answers.present >= 0
    pairs = (
        (
            presence,
            "Presence, all classes",
            reading.presence(answers.presence)[known],
            answers.present[known] == 1,
        ),
        (suitability, "Suitability", reading.usable(answers.suitability), answers.usable),
    )
    for axes, title, said, truth in pairs:
        place = np.minimum((said * BINS).astype(int), BINS - 1)
        filled = [b for b in range(BINS) if (place == b).sum() >= FEWEST]
        axes.plot([0, 1], [0, 1], color="0.7", lw=1)
        axes.plot(
            [said[place == b].mean() for b in filled],
            [truth[place == b].mean() for b in filled],
            "o-",
            color="#1059a7",
        )
        for b in filled:
            axes.annotate(
                str(int((place == b).sum())), (said[place == b].mean(), truth[place == b].mean()),
                textcoords="offset points", xytext=(6, -10), fontsize=7, color="0.4",
            )  # fmt: skip
        axes.set(title=title, xlabel="said", ylabel="so", xlim=(0, 1), ylim=(0, 1))


def _receiver(one: "Evaluation", presence: Any, suitability: Any) -> None:  # noqa: ANN401
    answers = one.answers
    for k, name in enumerate(CLASSES):
        known = answers.present[:, k] >= 0
        curve = _curve(answers.presence[known, k], answers.present[known, k] == 1)
        area = float(one.single.classes[name]["presence_auc"][0])
        presence.plot(*curve, color=_dark(name), lw=1.2, label=f"{name} {area:.2f}")
    presence.legend(fontsize=7, loc="lower right", title="area", title_fontsize=7)
    area = float(one.single.whole["suitability_auc"][0])
    suitability.plot(
        *_curve(answers.suitability, answers.usable), color="#1059a7", label=f"all slices {area:.3f}"
    )
    suitability.legend(fontsize=8, loc="lower right")
    for axes, title in ((presence, "Presence"), (suitability, "Suitability")):
        axes.plot([0, 1], [0, 1], color="0.7", lw=1)
        axes.set(title=title, xlabel="1 - specificity", ylabel="sensitivity", xlim=(0, 1), ylim=(0, 1.01))


def _curve(score: Floats, truth: Bits) -> tuple[Floats, Floats]:
    ordered = truth[np.argsort(-score, kind="stable")]
    found, false = np.cumsum(ordered), np.cumsum(~ordered)
    return (
        np.concatenate([[0.0], false / max(int((~truth).sum()), 1)]),
        np.concatenate([[0.0], found / max(int(truth.sum()), 1)]),
    )


def _severity(one: "Evaluation", found: Any, iou: Any) -> None:  # noqa: ANN401
    middles = [float(np.sqrt(low * high)) for low, high in pairwise(SEVERITIES)]
    for axes, key, title in (
        (found, "detected", "Found, of slices that show it"),
        (iou, "iou", "IoU, band left out"),
    ):
        for name in CLASSES:
            axes.plot(
                middles, one.single.severities[name][key], "o-", ms=3, lw=1.2, color=_dark(name), label=name
            )
        axes.set(title=title, xlabel="severity planted", ylim=(0, 1))
    iou.legend(fontsize=7, **BESIDE)


def _learning(one: "Evaluation", whole: Any, classes: Any) -> None:  # noqa: ANN401
    rows = one.origin.learning
    minutes = [float(row["minutes"]) for row in rows]
    for key, title in (
        ("iou_mean", "IoU, mean"),
        ("iou_weighted", "IoU, weighted"),
        ("presence_auc", "presence AUC"),
    ):
        if key in rows[-1]:
            whole.plot(minutes, [_value(row.get(key)) for row in rows], label=title)
    for name in CLASSES:
        if f"iou_{name}" in rows[-1]:
            curve = [_value(row.get(f"iou_{name}")) for row in rows]
            classes.plot(minutes, curve, color=_dark(name), lw=1.2, label=name)
    whole.set(title="Validation, while training", xlabel="minutes", ylim=(0, 1))
    classes.set(title="IoU of each class", xlabel="minutes", ylim=(0, 1))
    whole.legend(fontsize=8)
    classes.legend(fontsize=7, **BESIDE)


def _value(text: str | None) -> float:
    return float(text) if text else float("nan")


def _dark(name: str) -> tuple[float, float, float]:
    """Return the colour of a class, dark enough for lines on white."""
    red, green, blue = (int(COLOURS[name][at : at + 2], 16) / 255 for at in (1, 3, 5))
    light = 0.3 * red + 0.59 * green + 0.11 * blue
    factor = min(1.0, 0.6 / light)
    return red * factor, green * factor, blue * factor
