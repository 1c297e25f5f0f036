"""Measure released models on held-out subjects and sources, choose their thresholds on others, and write their cards.

    python -m models.evaluate [MODEL FOLDER ...] [--slices 600] [--print] [--log FILE]

Without folders all released models are measured and stand side by side. Writes card.toml, README.md and the curves of
each model and prints the tables; `--print` only prints, and leaves the thresholds of the cards as they are. The slices
follow from a seed: the same figures come of the same model, code and data. What a model answered is kept in the cache.
"""

import argparse
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from tqdm import tqdm

from inference.card import Calibration, Card, load_card, released
from inference.eye import Eye
from inference.segmenter import Segmenter
from models.answers import Answers, CleanAnswers, ask, ask_clean
from models.classical import Evidence, evidence
from models.dataset import Pool, cache_folder, data_folder, load_pool
from models.evaluation import Evaluation, Provenance, learning_of, metrics_of, sources
from models.figures import both_ways, measure
from models.kept import contents_of, digest, kept, made_of, state_of
from models.modelcard import ModelCard, OperatingPoint
from models.operating import Reading, choose
from models.outcomes import Tried, of_classical, of_clean, of_spoilt, stress_tables
from models.readme import readme, side_by_side
from models.resampling import resampling
from models.series import (
    CHOOSING_SLICES,
    Series,
    Spoilt,
    Verdicts,
    diagnostic,
    few,
    judge_clean,
    judge_spoilt,
    read_series,
    spoil,
    spread,
)
from models.sightings import Shown, Sighting, of_plain, of_sightings, read_sightings, show
from models.stress import Outcomes, Stressed, judge_stressed, stressed
from models.trial import SEEDS, Trial, drawn

SLICES = 600
STRESSED_SHARE = 3  # one stressed slice for so many simulated ones
SERIES_SHARE = 25  # one series for so many simulated slices
CHOOSING: Mapping[str, int | None] = {"validation": None, "train": 2}  # series of a source, for thresholds
FEW = 14  # clean slices of a subject, for thresholds
LOG = "training.csv"  # of the training, beside its model

Kept = TypeVar("Kept")


class Bench:
    """What every model is tried on, made once and only where it is needed."""

    def __init__(self, pool: Pool, slices: int, cache: Path | None = None) -> None:
        """Take the clean slices, how many to simulate (validation and test each), and where to keep answers."""
        self.pool, self.slices = pool, slices
        self._cache = cache
        asking = [Path(__file__), *made_of("models.answers")]
        self._state = digest(state_of(asking), contents_of(pool), slices)
        listed = [folder / "manifest.csv"] if (folder := data_folder()) else []
        self.judging = state_of(
            made_of("models.classical", "models.series", "models.sightings", "models.stress") + listed
        )

    def kept(self, kind: Callable[..., Kept], name: str, model: str, make: Callable[[], Kept]) -> Kept:
        """Return what an earlier run kept of a step for a model, else make it."""
        path = self._cache / f"{name}-{digest(model, self._state)}.npz" if self._cache else None
        return kept(kind, path, make)

    @cached_property
    def validation(self) -> Trial:
        """The simulated slices that choose."""
        return drawn(self.pool.of("validation"), self.slices, SEEDS["validation"])

    @cached_property
    def test(self) -> Trial:
        """The simulated slices that measure."""
        return drawn(self.pool.of("test"), self.slices, SEEDS["test"])

    def evidence(self, split: str) -> Evidence:
        """Return the classical metrics of the simulated slices of "validation" or "test"."""
        return self.kept(Evidence, f"evidence-{split}", self.judging, lambda: evidence(self._trial(split)))

    def _trial(self, split: str) -> Trial:
        return self.validation if split == "validation" else self.test

    @cached_property
    def quiet(self) -> Pool:
        """A few clean slices of every subject of training and validation, so that none rules the false alarms."""
        rng = np.random.default_rng(SEEDS["validation"])
        inside = np.isin(self.pool.split, ("train", "validation"))
        names = np.unique(self.pool.source[inside])
        chosen = [
            rng.permutation(np.flatnonzero(inside & (self.pool.source == name)))[:FEW] for name in names
        ]
        return self._thinned(self.pool.at(np.sort(np.concatenate(chosen))))

    @cached_property
    def clean(self) -> Pool:
        """The held-out slices as they were found."""
        return self._thinned(self.pool.of("test"))

    def _thinned(self, pool: Pool) -> Pool:
        """Take no more clean slices than are simulated."""
        return pool.at(spread(len(pool), self.slices))

    @cached_property
    def held_out(self) -> list[Series]:
        """The held-out series, be they of a kind that is judged or not."""
        return read_series(self.pool, "test")

    @cached_property
    def series(self) -> dict[str, list[Series]]:
        """The series that are judged: all that are held out, and a few, of few slices, of the splits that choose."""
        found = {
            split: read_series(self.pool, split, of_source=most, longest=CHOOSING_SLICES)
            for split, most in CHOOSING.items()
        }
        most = max(1, self.slices // SERIES_SHARE)
        return {
            split: few(diagnostic(series), most)
            for split, series in (found | {"test": self.held_out}).items()
        }

    @cached_property
    def spoilt(self) -> dict[str, list[Spoilt]]:
        """The same, spoilt."""
        return {split: spoil(series) for split, series in self.series.items()}

    @cached_property
    def sightings(self) -> list[Sighting]:
        """Real artifacts that were seen."""
        return read_sightings()

    @cached_property
    def stressed(self) -> Stressed:
        """The held-out slices under stress."""
        return stressed(self.pool.of("test"), max(8, self.slices // STRESSED_SHARE))


def evaluate(
    folder: Path, pool: Pool, slices: int, *, log: Path | None = None, keep: bool = False
) -> Evaluation:
    """Return what the model in `folder` is worth on the pool's test split.

    Thresholds and calibration are chosen on its validation split (false alarms on clean slices of training as well),
    or kept as the card has them. `log` is that of the training. Raises UnfitModel.
    """
    return evaluated(folder, Bench(pool, slices), log=log, keep=keep)


def evaluated(folder: Path, bench: Bench, *, log: Path | None = None, keep: bool = False) -> Evaluation:
    """Do the same on a bench that serves several models."""
    card = load_card(folder)
    model = Segmenter(card)

    def step(kind: Callable[..., Kept], name: str, make: Callable[[], Kept]) -> Kept:
        return bench.kept(kind, name, card.sha256, make)

    validation = step(Answers, "validation", lambda: ask(model, bench.validation))
    answers = step(Answers, "test", lambda: ask(model, bench.test))
    clean = step(CleanAnswers, "clean", lambda: ask_clean(model, bench.clean))
    if keep:
        reading = _stated(card)
    else:
        reading = choose(validation, step(CleanAnswers, "quiet", lambda: ask_clean(model, bench.quiet)))
    card = _read_as(card, reading)
    verdicts = _verdicts(card, bench)
    test = bench.pool.of("test")
    said = verdicts.clean["test"], verdicts.spoilt["test"]
    resamples = resampling(np.concatenate([test.source, said[0].subject]))
    single = measure(answers, clean, reading, resamples)
    turned = step(CleanAnswers, "turned", lambda: ask_clean(model, bench.clean.turned()))
    series = of_clean(said[0], resamples) | of_spoilt(said[1], resamples)
    classical = of_classical(
        (bench.evidence("validation"), validation), (bench.evidence("test"), answers), resamples
    )
    origin = Provenance(
        simulated=bench.slices,
        clean=len(bench.clean),
        series=len(said[0].subject),
        turned_away=len(bench.held_out) - len(diagnostic(bench.held_out)),
        test_sources=sources(test),
        validation_sources=sources(bench.pool.of("validation")),
        learning=learning_of(log or folder / LOG),
    )
    found = Evaluation(
        card=_rewritten(card, reading),
        reading=reading,
        answers=answers,
        single=replace(single, whole=single.whole | both_ways((clean, turned), card, resamples)),
        series=series,
        clean=said[0],
        spoilt=said[1],
        thresholds={split: Tried(verdicts.clean[split], verdicts.spoilt[split]) for split in CHOOSING},
        stress=stress_tables(verdicts.stress, resamples),
        sighted=of_sightings(verdicts.shown, clean, reading),
        plain=of_plain(verdicts.shown, clean, reading),
        classical=classical,
        origin=origin,
    )
    return replace(found, card=replace(found.card, metrics=metrics_of(found)))


@dataclass(frozen=True, slots=True)
class _Judged:
    clean: dict[str, Verdicts]  # by split
    spoilt: dict[str, Verdicts]  # by split
    stress: Outcomes
    shown: Shown


def _verdicts(card: Card, bench: Bench) -> _Judged:
    """Let the eye judge series and stressed slices as the card now reads the outputs."""
    eye = Eye(card)
    named = digest(card.sha256, card.classes, card.suitability, card.outlier, bench.judging)

    def judge(name: str, how: Callable[[str], Verdicts]) -> dict[str, Verdicts]:
        return {
            split: bench.kept(Verdicts, f"{name}-{split}", named, partial(how, split))
            for split in ("test", *CHOOSING)
        }

    return _Judged(
        clean=judge("series", lambda split: judge_clean(eye, bench.series[split])),
        spoilt=judge("spoilt", lambda split: judge_spoilt(eye, bench.spoilt[split])),
        stress=bench.kept(Outcomes, "stress", named, lambda: judge_stressed(eye, bench.stressed)),
        shown=bench.kept(Shown, "sightings", named, lambda: show(eye, bench.sightings)),
    )


def _stated(card: Card) -> Reading:
    points = tuple(
        OperatingPoint(c.mask_threshold, c.presence_threshold, c.presence_temperature, c.presence_bias)
        for c in card.classes
    )
    return Reading(points, (card.suitability.temperature, card.suitability.bias), card.outlier)


def _read_as(card: Card, reading: Reading) -> Card:
    """Return the card with other thresholds and calibration."""
    classes = tuple(
        replace(
            one,
            mask_threshold=point.mask_threshold,
            presence_threshold=point.presence_threshold,
            presence_temperature=point.presence_temperature,
            presence_bias=point.presence_bias,
        )
        for one, point in zip(card.classes, reading.points, strict=True)
    )
    suitability = Calibration(*reading.suitability)
    return replace(card, classes=classes, suitability=suitability, outlier=reading.outlier)


def _rewritten(card: Card, reading: Reading) -> ModelCard:
    return ModelCard(
        name=card.name,
        version=card.version,
        sha256=card.sha256,
        trained_commit=card.trained_commit,
        trained_on=card.trained_on,
        weights=card.weights,
        cost=card.cost,
        points=tuple(reading.points),
        suitability=reading.suitability,
        outlier=reading.outlier,
        limits=card.limits,
    )


def all_released() -> list[Path]:
    """Return the folders of all released models, the default one first."""
    default = released()
    others = sorted(card.parent for card in default.parent.glob("*/card.toml"))
    return [default, *(folder for folder in others if folder != default)]


def main() -> None:
    """Evaluate as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="*", help="of models (default: all released)")
    parser.add_argument(
        "--slices", type=int, default=SLICES, help="simulated, in validation and in test each"
    )
    parser.add_argument(
        "--print", action="store_true", dest="keep", help="measure with the cards as they are"
    )
    parser.add_argument("--log", type=Path, help="of the training of the one model: kept beside it")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    folders: list[Path] = chosen.folders or all_released()
    if chosen.log and len(folders) == 1:
        shutil.copyfile(chosen.log, folders[0] / LOG)
    if data_folder() is None:
        print("SCANSIDE_DATA is not set: phantoms stand in, and nothing is written")
    cache = cache_folder()
    bench = Bench(load_pool(cache), chosen.slices, cache / "evaluations")
    found = [evaluated(folder, bench, keep=chosen.keep) for folder in tqdm(folders, unit="model")]
    for folder, one in zip(folders, found, strict=True):
        beside = [other for other in found if other is not one]
        if data_folder() is not None and not chosen.keep:
            one.write(folder, beside)
        else:
            print(readme(one, beside))
    print(side_by_side(found))


if __name__ == "__main__":
    main()
