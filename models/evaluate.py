"""Measure a released model on held-out subjects and sources, choose its thresholds on others, and write its card.

    python -m models.evaluate [MODEL FOLDER] [--slices 600] [--print]

Writes card.toml and README.md of the model and prints the table; `--print` only prints, and leaves the thresholds of
the card as they are. The slices are simulated anew from a seed: the same figures come of the same model and data.
"""

import argparse
import csv
import dataclasses
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.card import Card, load_card, released
from inference.segmenter import Segmenter
from models.answers import Model, ask, ask_clean, simulated
from models.dataset import Pool, cache_folder, data_folder, load_pool
from models.figures import Reading, figures
from models.modelcard import ModelCard, OperatingPoint
from models.operating import choose
from models.readme import Provenance, readme

Floats = NDArray[np.float32]
SEEDS = {"validation": 101, "test": 202}
LOG = "log.csv"
FEW = 14  # clean slices of a subject


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """What an evaluation gives."""

    card: ModelCard
    origin: Provenance

    def write(self, folder: Path) -> None:
        """Write card.toml and README.md beside the model."""
        (folder / "card.toml").write_text(self.card.to_toml(), encoding="utf-8")
        (folder / "README.md").write_text(readme(self.card, self.origin), encoding="utf-8")


def evaluate(
    folder: Path, pool: Pool, slices: int, *, log: Path | None = None, keep: bool = False
) -> Measured:
    """Return the card of the model in `folder` with figures measured on the pool's test split.

    Thresholds and calibration are chosen on its validation split (false alarms on clean slices of training as well),
    or kept as the card has them. Raises UnfitModel.
    """
    card = load_card(folder)
    model = running(card)
    reading = _stated(card)
    if not keep:
        validation = pool.of("validation")
        quiet = ask_clean(model, pool.at(few_of_each(pool, ("train", "validation"))))
        asked = ask(model, *simulated(validation, slices, SEEDS["validation"]))
        reading = Reading(*choose(asked, quiet))
    test = pool.of("test")
    measured = figures(ask(model, *simulated(test, slices, SEEDS["test"])), ask_clean(model, test), reading)
    origin = Provenance(
        simulated=slices,
        clean=len(test),
        test_sources=_sources(test),
        validation_sources=_sources(pool.of("validation")),
        training=training_told(log),
    )
    split = {"test": ", ".join(origin.test_sources), "validation": ", ".join(origin.validation_sources)}
    return Measured(_rewritten(card, reading, {**measured, "split": split}), origin)


def few_of_each(pool: Pool, splits: tuple[str, ...]) -> NDArray[np.intp]:
    """Return the indices of a few slices of every subject, so that no subject rules the false alarms.

    Clean slices for thresholds come from training too: the validation sources alone hold too few anatomies.
    """
    rng = np.random.default_rng(SEEDS["validation"])
    inside = np.isin(pool.split, splits)
    names = np.unique(pool.source[inside])
    chosen = [rng.permutation(np.flatnonzero(inside & (pool.source == name)))[:FEW] for name in names]
    return np.sort(np.concatenate(chosen))


def running(card: Card) -> Model:
    """Return the released model as a function."""
    segmenter = Segmenter(card)

    def ask_it(canvases: Floats) -> tuple[Floats, Floats, Floats]:
        said = segmenter(canvases)
        return said.masks, said.presence, said.suitability

    return ask_it


def training_told(log: Path | None) -> str:
    """Say from the training's log how long and on how much it trained."""
    if log is None or not log.is_file():
        return "No log of the training is at hand."
    with log.open(encoding="utf-8", newline="") as stream:
        last = list(csv.DictReader(stream))[-1]
    return (
        f"{float(last['minutes']):.0f} minutes on a processor, {float(last['step']):.0f} steps, "
        f"{float(last['seen']):.0f} slices seen, freshly simulated and each drawn about three times."
    )


def _stated(card: Card) -> Reading:
    points = tuple(
        OperatingPoint(c.mask_threshold, c.presence_threshold, c.presence_temperature, c.presence_bias)
        for c in card.classes
    )
    return Reading(points, (card.suitability.temperature, card.suitability.bias))


def _rewritten(card: Card, reading: Reading, metrics: dict[str, object]) -> ModelCard:
    return ModelCard(
        name=card.name,
        version=card.version,
        sha256=card.sha256,
        trained_commit=card.trained_commit,
        trained_on=card.trained_on,
        points=tuple(reading.points),
        suitability=reading.suitability,
        metrics=metrics,
        limits=card.limits,
    )


def _sources(pool: Pool) -> tuple[str, ...]:
    """Return the sources, how many subjects of each, and how many slices."""
    repositories = np.array([name.rpartition("/")[0] for name in pool.source])
    told = []
    for repository in np.unique(repositories):
        inside = repositories == repository
        subjects = len(np.unique(pool.source[inside]))
        told.append(f"{repository} ({subjects} series or subjects, {int(inside.sum())} slices)")
    return tuple(told)


def main() -> None:
    """Evaluate as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", help="of the model (default: the newest released)")
    parser.add_argument("--slices", type=int, default=600, help="simulated, in validation and in test each")
    parser.add_argument("--print", action="store_true", dest="keep", help="measure with the card as it is")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    folder = chosen.folder or released()
    if data_folder() is None:
        print("SCANSIDE_DATA is not set: phantoms stand in, and nothing is written")
    pool = load_pool(cache_folder())
    measured = evaluate(folder, pool, chosen.slices, log=cache_folder() / LOG, keep=chosen.keep)
    if data_folder() is not None and not chosen.keep:
        measured.write(folder)
    print(readme(measured.card, measured.origin))


if __name__ == "__main__":
    main()
