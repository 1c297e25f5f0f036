"""All that was measured of one model, as its card keeps it."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.answers import Answers
from models.dataset import Pool
from models.figures import Measured, Rows
from models.modelcard import ModelCard
from models.operating import Reading
from models.outcomes import StressTables, Tried, by_artifact, worst
from models.readme import readme
from models.resampling import Figure, figure
from models.series import Verdicts
from models.sightings import Sighted

Learning = Sequence[Mapping[str, str]]  # rows of a training's log


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the figures were measured on."""

    simulated: int
    clean: int
    series: int
    turned_away: int  # further series, by their kind
    test_sources: tuple[str, ...]
    validation_sources: tuple[str, ...]
    learning: Learning  # () where no log is at hand


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What was measured of one model."""

    card: ModelCard  # as it reads its outputs now; `metrics` are those of this evaluation
    reading: Reading
    answers: Answers  # on the simulated test slices
    single: Measured
    series: Rows
    clean: Verdicts
    spoilt: Verdicts
    thresholds: Mapping[str, Tried]  # by split: those that choose
    stress: StressTables
    sighted: Sequence[Sighted]  # real artifacts
    plain: Mapping[str, tuple[float, float]]  # on real EPI and on clean slices, how often each class is said
    classical: Rows
    origin: Provenance

    def write(self, folder: Path, beside: "Sequence[Evaluation]" = ()) -> None:
        """Write card.toml, README.md (with the other models beside) and the curves beside the model."""
        from models.plots import draw  # noqa: PLC0415  no figure without matplotlib, but every measurement

        (folder / "card.toml").write_text(self.card.to_toml(), encoding="utf-8")
        (folder / "README.md").write_text(readme(self, beside), encoding="utf-8")
        draw(self, folder)

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.card.name} {self.card.version}"

    def figure(self, name: str) -> Figure:
        """Return a figure of the model as a whole. Raises KeyError."""
        return figure((self.single.whole | self.series)[name])


def metrics_of(one: Evaluation) -> dict[str, object]:
    """Return the figures as card.toml keeps them: those of the whole model, then tables."""
    whole = {name: figure(rows) for name, rows in (one.single.whole | one.series).items()}
    return {
        **{name: found.value for name, found in whole.items()},
        "stress_sure_and_wrong_worst": worst(one.stress.of_stress, "sure_and_wrong"),
        "low": {name: found.low for name, found in whole.items()},
        "high": {name: found.high for name, found in whole.items()},
        **{f"class_{name}": _values(of_class) for name, of_class in one.single.classes.items()},
        **{
            f"severity_{name}": {
                f"{key}_{place}": float(value)
                for key, values in rows.items()
                for place, value in enumerate(values)
            }
            for name, rows in one.single.severities.items()
        },
        **{f"spoilt_{name}": row for name, row in by_artifact(one.spoilt).items()},
        **{f"stress_{name}": _values(rows) for name, rows in one.stress.of_stress.items()},
        "classical": _values(one.classical),
        "split": {
            "test": ", ".join(one.origin.test_sources),
            "validation": ", ".join(one.origin.validation_sources),
        },
    }


def _values(rows: Rows) -> dict[str, float]:
    return {name: float(values[0]) for name, values in rows.items()}


def learning_of(log: Path | None) -> Learning:
    """Return the rows of a training's log; () where there is none."""
    if log is None or not log.is_file():
        return ()
    with log.open(encoding="utf-8", newline="") as stream:
        return tuple(csv.DictReader(stream))


def sources(pool: Pool) -> tuple[str, ...]:
    """Return the sources, how many subjects of each, and how many slices."""
    repositories = np.array([name.rpartition("/")[0] for name in pool.source])
    told = []
    for repository in np.unique(repositories):
        inside = repositories == repository
        subjects = len(np.unique(pool.source[inside]))
        told.append(f"{repository} ({subjects} series or subjects, {int(inside.sum())} slices)")
    return tuple(told)
