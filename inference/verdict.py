"""What the score of a series says by itself: the rule that the service applies and that a model is measured by.

Nothing says Repeat unless a located artifact that a new scan mends explains it, is more than a trace, and the evidence
does not clearly disagree with it. What only the series shows (slices missing, moved or without signal), a single ruined
slice and many unfamiliar ones say Check. What bears on the verdict beside the score (a timed series, missing instances)
is the service's matter.
"""

from dataclasses import dataclass
from enum import StrEnum

from inference.artifacts import by_name
from inference.score import QualityScore, SeriesFinding
from inference.text import Text

TRACE = 0.1  # severity below which an artifact does not explain a poor series
# What a slice of a kind cannot show: an echo-planar one takes all of its lines within a tenth of a second, so that what
# looks like motion between them is its own blur and distortion. Motion between slices and volumes is seen by geometry.
IMPOSSIBLE = frozenset({("epi", "motion")})


class Verdict(StrEnum):
    """What becomes of a series."""

    USABLE = "Usable"
    CHECK = "Check"
    REPEAT = "Repeat"
    NOT_SCORED = "Not scored"

    @property
    def called(self) -> Text:
        """What people call it."""
        return _TITLES[self]


_TITLES = {
    Verdict.USABLE: Text("Usable", "Verwendbar"),
    Verdict.CHECK: Text("Check", "Prüfen"),
    Verdict.REPEAT: Text("Repeat", "Wiederholen"),
    Verdict.NOT_SCORED: Text("Not scored", "Nicht bewertet"),
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the verdicts part; the defaults are those of the settings."""

    usable_index: float = 7.0  # 0-10: at and above it a series is Usable
    repeat_index: float = 5.0  # 0-10: below it Repeat may be said
    repeat_suitability: float = 0.5  # 0-1: the same for the probability of being usable


def explaining(quality: QualityScore) -> list[SeriesFinding]:
    """Give the findings that a poor series would be repeated for.

    They are present, have a place, are more than a trace, are possible, a new scan would mend them, and they show on at
    least half of the slices that the index speaks of: what lies on good slices alone is no reason.
    """
    lowest = set(quality.lowest)
    return [
        finding
        for finding in quality.findings
        if finding.present
        and finding.box is not None
        and finding.severity >= TRACE
        and by_name(finding.artifact).cap == Verdict.REPEAT.value
        and (quality.kind, finding.artifact) not in IMPOSSIBLE
        and 2 * len(lowest.intersection(finding.slices)) >= len(lowest)
    ]


def verdict_of(quality: QualityScore, thresholds: Thresholds) -> Verdict:
    """Give the verdict that the score alone calls for."""
    if not quality.scored or quality.index is None or quality.suitability is None:
        return Verdict.NOT_SCORED
    reasons = _reasons(quality, thresholds)
    if any(not finding.contradicted for finding in reasons):
        return Verdict.REPEAT
    low = quality.index < thresholds.usable_index
    doubted = reasons or quality.doubtful or quality.ruined or quality.strange or low
    return Verdict.CHECK if doubted else Verdict.USABLE


def disputed(quality: QualityScore, thresholds: Thresholds) -> list[SeriesFinding]:
    """Give the findings that would say Repeat if the evidence did not clearly disagree with all of them."""
    reasons = _reasons(quality, thresholds)
    return reasons if all(finding.contradicted for finding in reasons) else []


def _reasons(quality: QualityScore, thresholds: Thresholds) -> list[SeriesFinding]:
    """Give what explains a series that is poor by these thresholds."""
    if quality.index is None or quality.suitability is None:
        return []
    poor = quality.index < thresholds.repeat_index or quality.suitability < thresholds.repeat_suitability
    return explaining(quality) if poor else []
