"""From the scores of slices to the score of their series: pure functions."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from math import ceil, comb, floor
from statistics import median

from inference.artifacts import NAMES
from inference.geometry import Member, layout_of, look, sampling
from inference.neighbours import slice_step
from inference.reference import reference, sum_up_metrics
from inference.score import (
    DIGITS,
    NO_SCORE,
    NO_SIGNAL,
    UNFAMILIAR,
    Finding,
    QualityScore,
    SeriesFinding,
    SliceScore,
    Unscored,
    not_scored,
)
from inference.stacks import Place
from inference.text import UNSAID

LOW = 0.10  # the quantile of the slices that speaks for the series
ALARMS = 0.02  # share of clean slices that a class is found on: what its threshold was chosen for
CHANCE = 0.02  # what counts for a series is found on so many clean slices with this probability at most
RUINED = 3.5  # the index below which a slice shows nothing to rely on
SURE = 0.95  # a slice at least so probable speaks for itself: a spike strikes one slice of thirty


def summarise(series: Sequence[SliceScore | Unscored]) -> QualityScore:
    """Sum up the slices of a series, in its order; positions in the answer count among those with a score.

    Slices without signal, and those unlike what the model was made with, do not count, but keep their place in it; a
    series that is mostly of the latter is not scored.
    """
    scores = [each for each in series if isinstance(each, SliceScore)]
    shown = [position for position, score in enumerate(scores) if score.signal]
    if not shown:
        return not_scored(NO_SIGNAL if scores else NO_SCORE, len(scores))
    kind = _commonest([scores[position].kind for position in shown])
    layout = layout_of([_member(each) for each in series])
    counted = [position for position in shown if scores[position].familiar]
    unsaid = replace(
        not_scored(UNFAMILIAR, len(scores)),
        n_signal=len(shown),
        kind=kind,
        unfamiliar=len(shown) - len(counted),
        outlier=_distance(scores, shown),
        geometry=look(layout, kind),
        sampling=sampling(layout),
    )
    if 2 * len(counted) < len(shown):
        return unsaid
    ranked = sorted(counted, key=lambda position: scores[position].index)
    return replace(
        unsaid,
        scored=True,
        reason=UNSAID,
        index=_low([scores[position].index for position in counted]),
        suitability=_low([scores[position].suitability for position in counted]),
        findings=tuple(_heard(_over_series(name, scores, counted), scores, kind) for name in NAMES),
        worst=ranked[0],
        lowest=tuple(ranked[: ceil(LOW * (len(ranked) - 1)) + 1]),
        ruined=tuple(position for position in counted if _ruined(scores[position])),
        evidence=sum_up_metrics(
            {position: scores[position].evidence for position in counted}, kind, slice_step(layout.neighbours)
        ),
    )


def _ruined(score: SliceScore) -> bool:
    """Tell whether an artifact that has a place leaves nothing of a slice to rely on."""
    return score.index < RUINED and any(one.present and one.box is not None for one in score.findings)


def _distance(scores: Sequence[SliceScore], shown: Sequence[int]) -> float | None:
    """Give the median distance of some slices from what the model was made with; None where it was not kept."""
    known = [far for position in shown if (far := scores[position].outlier) is not None]
    return median(known) if known else None


def _member(slice_: SliceScore | Unscored) -> Member:
    if isinstance(slice_, Unscored):
        return Member(slice_.place, slice_.why)
    place, footprint = slice_.place, slice_.footprint
    if place is None and footprint is not None:
        place = Place(footprint.plane)
    return Member(place, "scored", footprint)


def _over_series(name: str, scores: Sequence[SliceScore], counted: Sequence[int]) -> SeriesFinding:
    """Sum up one artifact over the slices that count."""
    which = NAMES.index(name)
    found = {position: scores[position].findings[which] for position in counted}
    showing = sorted(
        (position for position in counted if found[position].present),
        key=lambda position: (-found[position].severity, -found[position].probability, position),
    )
    sure = [position for position in showing if found[position].probability >= SURE]
    present = bool(sure) or len(showing) > erring(len(counted))

    def speaking(value: Callable[[Finding], float]) -> float:
        """Give the highest value but for those of slices that may err, or the highest of those that are sure."""
        ranked = sorted((value(finding) for finding in found.values()), reverse=True)
        return max([ranked[erring(len(counted))], *(value(found[position]) for position in sure)])

    return SeriesFinding(
        artifact=name,
        probability=speaking(lambda finding: finding.probability),
        severity=speaking(lambda finding: finding.severity),
        present=present,
        slices=tuple(showing) if present else (),
        box=found[showing[0]].box if present else None,
    )


def _heard(finding: SeriesFinding, scores: Sequence[SliceScore], kind: str) -> SeriesFinding:
    """Ask the metrics about a finding that is present."""
    if not finding.present:
        return finding
    readings = [scores[position].evidence for position in finding.slices]
    return replace(finding, evidence=reference().hear(finding.artifact, readings, kind))


def _commonest(kinds: Sequence[str]) -> str:
    return max(sorted(set(kinds)), key=kinds.count)


@cache
def erring(slices: int) -> int:
    """Return on how many of so many clean slices an artifact may be found: more are found by chance in CHANCE at most.

    By the binomial distribution, as if the slices of a series erred each for itself.
    """
    below = 0.0
    for found in range(slices):
        below += comb(slices, found) * ALARMS**found * (1.0 - ALARMS) ** (slices - found)
        if 1.0 - below <= CHANCE + 1e-9:
            return found
    return 0


def _low(values: Sequence[float]) -> float:
    """Give the low quantile, linear between neighbours: a few bad slices show, one of many does not rule."""
    ordered = sorted(values)
    place = LOW * (len(ordered) - 1)
    below = floor(place)
    above = min(below + 1, len(ordered) - 1)
    return round(ordered[below] + (place - below) * (ordered[above] - ordered[below]), DIGITS)
