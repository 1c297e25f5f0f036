"""Figures of verdicts, on held-out series, clean and spoilt, and under stress; and of classical metrics alone."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.verdict import Thresholds, Verdict
from models.answers import REPEATABLE, Answers
from models.classes import CLASSES
from models.classical import Evidence, fit
from models.figures import Rows
from models.metrics import Bits, area, mean, share
from models.resampling import Resampling
from models.series import THRESHOLDS, VERDICTS, Verdicts
from models.stress import STRESSES, Outcomes

REPEAT, CHECK, NOT_SCORED = (
    VERDICTS.index(verdict) for verdict in (Verdict.REPEAT, Verdict.CHECK, Verdict.NOT_SCORED)
)
# Of Repeat, to be chosen among: the defaults, and others whose suitability is a tenth of the index.
CANDIDATES = sorted(
    {
        THRESHOLDS,
        *(Thresholds(repeat_index=at, repeat_suitability=at / 10) for at in (3.5, 4.0, 4.5, 5.0, 5.5, 6.0)),
    },
    key=lambda one: one.repeat_index,
)


def of_clean(said: Verdicts, resamples: Resampling) -> Rows:
    """Return the share of clean series that got each verdict, and of those of which any artifact is said."""
    weights = resamples.weights(said.subject)
    return {"clean_series_named": share(said.named, weights)} | {
        f"clean_series_{verdict.value.lower().replace(' ', '_')}": share(said.verdict == place, weights)
        for place, verdict in enumerate(VERDICTS)
    }


def of_spoilt(said: Verdicts, resamples: Resampling) -> Rows:
    """Return the share of unsuitable series that get Repeat, grey zone left out too, and of those that get any hint."""
    rows: Rows = {}
    for extent in ("all", "part"):
        within = said.extent == extent
        for name, chosen, verdicts in (
            ("repeat", said.unsuitable, (REPEAT,)),
            ("repeat_grey_zone_out", said.clear, (REPEAT,)),
            ("flagged", said.unsuitable, (REPEAT, CHECK)),
        ):
            these = chosen & within
            weights = resamples.weights(said.subject[these])
            rows[f"spoilt_{extent}_{name}"] = share(np.isin(said.verdict[these], verdicts), weights)
    return rows


def by_artifact(said: Verdicts) -> Mapping[str, Mapping[str, float]]:
    """Return the same for each artifact, and how many series it made unsuitable, and below the grey zone."""
    table = {}
    for artifact in REPEATABLE:
        row: dict[str, float] = {}
        for extent in ("all", "part"):
            within = (said.artifact == artifact) & (said.extent == extent)
            bad, clear = said.verdict[said.unsuitable & within], said.verdict[said.clear & within]
            row |= {
                f"{extent}_series": float(len(bad)),
                f"{extent}_repeat": _share(bad == REPEAT),
                f"{extent}_flagged": _share(np.isin(bad, (REPEAT, CHECK))),
                f"{extent}_clear_series": float(len(clear)),
                f"{extent}_clear_repeat": _share(clear == REPEAT),
            }
        table[artifact] = row
    return table


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """Series that thresholds of Repeat are tried on."""

    clean: Verdicts
    spoilt: Verdicts

    def groups(self) -> Mapping[str, tuple[Verdicts, Bits]]:
        """Return which series make up each group whose share of Repeat is told: clean, spoilt, clear."""
        whole = self.spoilt.extent == "all"
        return {
            "clean": (self.clean, np.ones(len(self.clean.subject), dtype=bool)),
            "spoilt": (self.spoilt, self.spoilt.unsuitable & whole),
            "clear": (self.spoilt, self.spoilt.clear & whole),
        }

    def repeats(self, thresholds: Thresholds) -> Mapping[str, float]:
        """Return the share of each group that gets Repeat."""
        return {name: _share(said.repeated(thresholds)[of]) for name, (said, of) in self.groups().items()}


def by_source(said: Verdicts) -> Iterator[tuple[str, list[int]]]:
    """Give for each source how many of its clean series got each verdict (VERDICTS), and of how many any is said."""
    sources = np.array([subject.rpartition("/")[0] for subject in said.subject])
    for source in np.unique(sources):
        inside = sources == source
        counts = np.bincount(said.verdict[inside], minlength=len(VERDICTS))
        yield str(source), [*(int(count) for count in counts), int(said.named[inside].sum())]


def of_stress(said: Outcomes, resamples: Resampling) -> Mapping[str, Rows]:
    """Return for each stress how many are sure and wrong, on clean and on unsuitable slices too, and abstentions."""
    return {
        stress.name: _failures(said, row, said.counted[row], resamples) for row, stress in enumerate(STRESSES)
    }


@dataclass(frozen=True, slots=True)
class StressTables:
    """Failures under stress; rows as of `of_stress`."""

    of_stress: Mapping[str, Rows]
    of_vendor: Mapping[str, Rows]  # of slices as found
    of_anatomy: Mapping[str, Rows]


def stress_tables(said: Outcomes, resamples: Resampling) -> StressTables:
    """Return the failures under each stress, and on slices as found by vendor and by anatomy."""
    return StressTables(
        of_stress(said, resamples),
        unstressed(said, said.vendor, resamples),
        unstressed(said, said.anatomy, resamples),
    )


def unstressed(said: Outcomes, groups: NDArray[np.str_], resamples: Resampling) -> Mapping[str, Rows]:
    """Return the same of slices as found, for each group (n,) of them."""
    return {
        str(name): _failures(said, 0, said.counted[0] & (groups == name), resamples)
        for name in np.unique(groups)
    }


def _failures(said: Outcomes, row: int, counted: Bits, resamples: Resampling) -> Rows:
    wrong, bad, abstained = said.wrong[row], said.unsuitable[row], said.abstained[row]
    shares = {
        "sure_and_wrong": (wrong, counted),
        "praised": (wrong, counted & bad),
        "blamed": (wrong, counted & ~bad),
        "abstained": (abstained, counted),
    }
    rows = {
        name: share(these[of], resamples.weights(said.subject[of])) for name, (these, of) in shares.items()
    }
    return rows | {"slices": np.array([float(counted.sum())])}


def of_classical(
    fitted: tuple[Evidence, Answers], judged: tuple[Evidence, Answers], resamples: Resampling
) -> Rows:
    """Return what classical metrics alone reach: presence AUC of each class and their mean, and suitability AUC.

    Evidence and truth of the slices to fit on, and of those to be judged on.
    """
    (seen, truth), (found, wanted) = fitted, judged
    weights = resamples.weights(wanted.subject)
    areas: list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]] = []
    for k in range(len(CLASSES)):
        known, asked = truth.present[:, k] >= 0, wanted.present[:, k] >= 0
        baseline = fit(Evidence(seen.values[known]), truth.present[known, k] == 1)
        score = baseline(Evidence(found.values[asked]))
        areas.append(area(score, wanted.present[asked, k] == 1, weights[:, asked]))
    suitable = fit(seen, truth.usable)(found)
    return {
        **{f"presence_auc_{name}": rows for name, rows in zip(CLASSES, areas, strict=True)},
        "presence_auc_macro": mean(np.stack(areas, axis=-1)),
        "suitability_auc": area(suitable, wanted.usable, weights),
    }


def worst(table: Mapping[str, Rows], key: str) -> float:
    """Return the highest value of a column."""
    return max(_known(float(row[key][0]) for row in table.values()), default=float("nan"))


def _known(values: Iterable[float]) -> list[float]:
    return [value for value in values if np.isfinite(value)]


def _share(said: Bits) -> float:
    return float(said.mean()) if said.size else float("nan")
