"""Measure the reference bands of the evidence metrics, and what each metric is worth for each artifact.

    SCANSIDE_DATA=... python -m models.bands --out inference/reference.toml

Bands are percentiles over the clean slices of the training split, each subject counting alike. A metric is a witness
for an artifact where it tells slices with the artifact (simulated on those slices, grave enough to be repeated for)
from clean ones. It is decisive where it would deny hardly any of them.
"""

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.evidence import NAMES, SIGNIFICANT, Worse
from inference.guard import SMALLEST_MATRIX as SMALLEST_SCORED
from inference.image import Slice
from inference.postprocess import body_of
from inference.preprocess import to_canvas
from inference.reference import Band
from inference.signal import measure
from models.classes import INDEX
from models.dataset import LEAST_FILLED, data_folder, manifest, slices_of, split_of, split_table
from models.fields import Rng, log_uniform
from models.metrics import auc
from models.simulate import Plan, Planted, simulate

PERCENTILES = (5.0, 50.0, 95.0)
GROUPS = {"brain": "head", "knee": "body", "wrist": "body", "prostate/pelvis": "body"}
GRAVE = (1.5, 3.4)  # severities of the artifacts that a witness is tried with
ENOUGH = 5  # subjects for a group to have a band of its own
WORTH = 0.75  # AUC from which on a metric is heard
DENIES = 0.03  # share of grave artifacts that a decisive witness may deny: each costs a Repeat, which becomes Check
TRIED = 400  # slices for each artifact

# What physics lets one expect; which of them are heard is measured.
CANDIDATES: tuple[tuple[str, str, Worse], ...] = (
    ("motion", "gsr_pe", "high"),
    ("motion", "psg", "high"),
    ("motion", "qi_1", "high"),
    ("motion", "aes", "low"),
    ("ghost", "gsr_pe", "high"),
    ("ghost", "gsr_fe", "low"),
    ("ghost", "psg", "high"),
    ("ghost", "qi_1", "high"),
    ("flow", "psg", "high"),
    ("wrap", "edge_pe", "high"),
    ("wrap", "air_fraction", "low"),
    ("gibbs", "laplacian", "low"),
    ("gibbs", "wavelet_sigma", "low"),
    ("spike", "spike", "high"),
    ("zipper", "zipper", "high"),
    ("noise", "wavelet_sigma", "high"),
    ("noise", "fber", "low"),
    ("noise", "snrd", "low"),
    ("bias", "lowpass_cv", "high"),
    ("parallel", "gsr_pe", "high"),
    ("parallel", "psg", "high"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Clean:
    """The clean slices, phase encoding along y, with what was measured on them."""

    images: list[Slice]
    group: NDArray[np.str_]  # (n,) "head", "body" or "" for phantoms
    subject: NDArray[np.str_]  # (n,)
    values: NDArray[np.float64]  # (n, metrics), NaN where a metric does not apply


def read_clean(split: str, *, planar: bool = False) -> Clean:
    """Read the clean slices of a split at their native matrix. Raises SystemExit where there is no data.

    With `planar` echo-planar images instead, distorted and ghosting as they ordinarily are.
    """
    folder = data_folder()
    if folder is None:
        raise SystemExit("SCANSIDE_DATA holds no training data")
    images: list[Slice] = []
    group: list[str] = []
    subject: list[str] = []
    for row in _rows(folder, split, planar=planar):
        for image in slices_of(folder, row):
            if float((to_canvas(image).image > 0.1).mean()) >= LEAST_FILLED:
                images.append(image)
                group.append("epi" if planar else GROUPS.get(row["anatomy"], ""))
                subject.append(f"{row['source_repo']}/{row['patient_id'] or row['series_id']}")
    values = np.array([measured(image) for image in images])
    return Clean(images, np.array(group), np.array(subject), values)


def _rows(folder: Path, split: str, *, planar: bool) -> Iterator[dict[str, str]]:
    table = split_table()
    for row in _planar(folder) if planar else manifest(folder):
        if split_of(table, row["source_repo"], row["patient_id"]) == split:
            yield row


def _planar(folder: Path) -> Iterator[dict[str, str]]:
    """Give the rows of the pool's manifest that are echo-planar magnitudes, large enough to be scored."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            large = min(int(row["rows"]), int(row["cols"])) >= SMALLEST_SCORED
            if row["quality"].startswith("EPI") and row["role"] == "magnitude" and large:
                yield row


def measured(image: Slice) -> list[float]:
    """Return the metrics of a slice, NaN where one does not apply."""
    readings = measure(image, body_of(to_canvas(image)))
    return [np.nan if reading.value is None else reading.value for reading in readings]


def bands(clean: Clean, group: str) -> dict[str, Band]:
    """Return the bands of a group ("" for all slices), each subject counting alike."""
    chosen = clean.group == group if group else np.ones(len(clean.images), dtype=bool)
    found = {}
    for metric, values in zip(NAMES, clean.values[chosen].T, strict=True):
        known = ~np.isnan(values)
        if known.any():
            subjects = clean.subject[chosen][known]
            if group and len(np.unique(subjects)) < ENOUGH:
                continue  # the band of all images holds
            weights = _alike(subjects)
            low, middle, high = np.percentile(
                values[known], PERCENTILES, weights=weights, method="inverted_cdf"
            )
            found[metric] = Band(float(low), float(middle), float(high), len(np.unique(subjects)))
    return found


def _alike(subject: NDArray[np.str_]) -> NDArray[np.float64]:
    _, which, counts = np.unique(subject, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[which], dtype=np.float64)


def with_artifact(rng: Rng, clean: Clean, artifact: str, count: int) -> tuple[NDArray[np.float64], list[str]]:
    """Return the metrics (count, metrics) of clean slices with a grave artifact, and the groups of these."""
    values: list[list[float]] = []
    groups: list[str] = []
    chances = _alike(clean.subject)
    while len(values) < count:
        index = int(rng.choice(len(clean.images), p=chances / chances.sum()))
        image = clean.images[index]
        pixels = image.pixels.T if image.phase_encoding == "ROW" else image.pixels
        plan = Plan((Planted(artifact, log_uniform(rng, *GRAVE)),), benign=False)
        sample = simulate(rng, np.ascontiguousarray(pixels), plan)
        if sample.presence()[INDEX[artifact]] == 1:
            values.append(measured(Slice.from_array(sample.image, phase_encoding="COL")))
            groups.append(str(clean.group[index]))
    return np.array(values), groups


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tried", type=int, default=TRIED, help="slices for each artifact")
    chosen = parser.parse_args()
    clean = read_clean("train")
    subjects = len(np.unique(clean.subject))
    lines = [
        "# Measured by `python -m models.bands`; not written by hand.",
        f'origin = "{len(clean.images)} clean slices of {subjects} subjects and phantoms of the training split"',
    ]
    measured_bands = {group: bands(clean, group) for group in ("", "head", "body")}
    measured_bands["epi"] = bands(read_clean("train", planar=True), "epi")
    for group, found in ((group, found) for group, found in measured_bands.items() if found):
        lines += ["", f"[band.{group or 'any'}]  # 5th, 50th and 95th percentile, and of how many subjects"]
        lines += [f"{name} = {_written(band)}" for name, band in found.items()]
    for line in witnesses(clean, measured_bands, chosen.tried):
        print(line)
        lines += line.splitlines()
    chosen.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def witnesses(clean: Clean, known: dict[str, dict[str, Band]], tried: int) -> Iterator[str]:
    """Try every candidate; those that are worth hearing are given as TOML."""
    for artifact in dict.fromkeys(name for name, _, _ in CANDIDATES):
        rng = np.random.default_rng(INDEX[artifact])
        values, groups = with_artifact(rng, clean, artifact, tried)
        for metric, worse in ((m, w) for name, m, w in CANDIDATES if name == artifact):
            column = NAMES.index(metric)
            sign = 1.0 if worse == "high" else -1.0
            seen = sign * np.concatenate([clean.values[:, column], values[:, column]])
            with_it = np.arange(len(seen)) >= len(clean.values)
            worth = auc(seen[~np.isnan(seen)], with_it[~np.isnan(seen)])
            middle = np.array([(known[group].get(metric) or known[""][metric]).middle for group in groups])
            applies = ~np.isnan(values[:, column])
            denied = (sign * values[:, column] <= sign * middle)[applies]
            missed = float(denied.mean()) if len(denied) else 1.0
            print(f"# {artifact} {metric}: applies {applies.mean():.2f} auc {worth:.2f} denies {missed:.3f}")
            if worth >= WORTH:
                yield (
                    f'\n[[witness]]\nartifact = "{artifact}"\nmetric = "{metric}"\nworse = "{worse}"\n'
                    f"auc = {worth:.2f}\nmissed = {missed:.3f}\ndecisive = {str(missed <= DENIES).lower()}"
                )


def _written(band: Band) -> str:
    values = [float(f"{value:.{SIGNIFICANT}g}") for value in (band.low, band.middle, band.high)]
    return repr([*values, band.subjects])


if __name__ == "__main__":
    main()
