"""Figures of verdicts, on held-out series, clean and spoilt, and under stress; and of classical metrics alone."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from inference.verdict import Verdict
from models.answers import REPEATABLE, Answers
from models.classes import CLASSES
from models.classical import Evidence, fit
from models.figures import Rows
from models.metrics import Bits, area, mean, share
from models.resampling import Resampling
from models.series import VERDICTS, Verdicts
from models.stress import STRESSES, Outcomes

REPEAT, CHECK, NOT_SCORED = (
    VERDICTS.index(verdict) for verdict in (Verdict.REPEAT, Verdict.CHECK, Verdict.NOT_SCORED)
)


def of_clean(said: Verdicts, resamples: Resampling) -> Rows:
    """Return the share of clean series that got each verdict, and of those of which any artifact is said."""
    weights = resamples.weights(said.subject)
    return {"clean_series_named": share(said.named, weights)} | {
        f"clean_series_{verdict.value.lower().replace(' ', '_')}": share(said.verdict == place, weights)
        for place, verdict in enumerate(VERDICTS)
    }


def of_spoilt(said: Verdicts, resamples: Resampling) -> Rows:
    """Return the share of unsuitable series that get Repeat, and of those that get Repeat or Check."""
    rows: Rows = {}
    for extent in ("all", "part"):
        chosen = said.unsuitable & (said.extent == extent)
        weights = resamples.weights(said.subject[chosen])
        rows[f"spoilt_{extent}_repeat"] = share(said.verdict[chosen] == REPEAT, weights)
        rows[f"spoilt_{extent}_flagged"] = share(np.isin(said.verdict[chosen], (REPEAT, CHECK)), weights)
    return rows


def by_artifact(said: Verdicts) -> Mapping[str, Mapping[str, float]]:
    """Return the same for each artifact, with how many series it made unsuitable."""
    table = {}
    for artifact in REPEATABLE:
        of_class = said.unsuitable & (said.artifact == artifact)
        row = {"series": float((of_class & (said.extent == "all")).sum())}
        for extent in ("all", "part"):
            verdicts = said.verdict[of_class & (said.extent == extent)]
            row[f"{extent}_repeat"] = _share(verdicts == REPEAT)
            row[f"{extent}_flagged"] = _share(np.isin(verdicts, (REPEAT, CHECK)))
        table[artifact] = row
    return table


def by_source(said: Verdicts) -> Iterator[tuple[str, list[int]]]:
    """Give for each source how many of its clean series got each verdict (VERDICTS), and of how many any is said."""
    sources = np.array([subject.rpartition("/")[0] for subject in said.subject])
    for source in np.unique(sources):
        inside = sources == source
        counts = np.bincount(said.verdict[inside], minlength=len(VERDICTS))
        yield str(source), [*(int(count) for count in counts), int(said.named[inside].sum())]


def of_stress(said: Outcomes) -> Mapping[str, Mapping[str, float]]:
    """Return for each stress how many are sure and wrong, on clean and on unsuitable slices too, and abstentions."""
    return {stress.name: _failures(said, row, said.counted[row]) for row, stress in enumerate(STRESSES)}


def unstressed(said: Outcomes, *, by: str) -> Mapping[str, Mapping[str, float]]:
    """Return the same of slices as found, for each "source" or "anatomy"."""
    sources = np.array([subject.rpartition("/")[0] for subject in said.subject])
    groups = {"source": sources, "anatomy": said.anatomy}[by]
    return {str(name): _failures(said, 0, said.counted[0] & (groups == name)) for name in np.unique(groups)}


def _failures(said: Outcomes, row: int, counted: Bits) -> Mapping[str, float]:
    wrong, bad = said.wrong[row], said.unsuitable[row]
    return {
        "sure_and_wrong": _share(wrong[counted]),
        "praised": _share(wrong[counted & bad]),
        "blamed": _share(wrong[counted & ~bad]),
        "abstained": _share(said.abstained[row][counted]),
        "slices": float(counted.sum()),
    }


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


def worst(table: Mapping[str, Mapping[str, float]], key: str) -> float:
    """Return the highest value of a column."""
    return max(_known(row[key] for row in table.values()), default=float("nan"))


def _known(values: Iterable[float]) -> list[float]:
    return [value for value in values if np.isfinite(value)]


def _share(said: Bits) -> float:
    return float(said.mean()) if said.size else float("nan")
