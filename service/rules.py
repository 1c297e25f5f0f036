"""From a score to a verdict and what the technologist is told; pure.

What a verdict may say: a contrast-timed or dynamic series never says Repeat (the moment cannot be had again);
artifacts that a new scan does not mend say Check at most; nothing says Repeat unless a located artifact explains it
with which the evidence does not clearly disagree. What is advised depends on what the series is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inference.artifacts import by_name
from inference.checks import BY_NAME
from inference.score import QualityScore, SeriesFinding
from inference.series import Description
from inference.series.advice import advice_on, repeat_time
from inference.series.protocol import Protocol
from inference.series.situation import Situation
from inference.text import Text, decimal, joined
from inference.verdict import Thresholds, Verdict, disputed, explaining, verdict_of
from service.understanding import acquired, described

__all__ = ["Circumstances", "Decision", "Thresholds", "Verdict", "circumstances", "decide", "softened"]

TIMED = frozenset({"PERFUSION", "CE_ANGIO"})  # weightings that show a bolus on its way
SLIGHT = 1 / 3  # severity below which a finding is slight: a report calls it mild
MOST_NAMED = 3  # findings in one sentence

_TIMED = Text("Timed series with {found}", "Zeitlich gebundene Serie mit {found}")
_PASSED = Text(
    "The moment cannot be repeated. Tell the radiologist.",
    "Der Zeitpunkt lässt sich nicht wiederholen. Radiologie verständigen.",
)
_UNUSABLE = Text("Non-diagnostic: {found}", "Nicht diagnostisch: {found}")
_DISPUTED = Text("the evidence disagrees with {found}", "die Belege widersprechen: {found}")
_UNSCORED = Text("some images could not be scored", "einige Bilder ließen sich nicht bewerten")
_RUINED = Text("{n} of {of} slices non-diagnostic", "{n} von {of} Schichten nicht diagnostisch")
_STRANGE = Text(
    "images unlike those that the model was made with",
    "Bilder gleichen denen nicht, mit denen das Modell trainiert wurde",
)
_INCOMPLETE = Text("instances are missing", "Bilder fehlen")
_CONFLICT = Text(
    "two different images carry one SOP Instance UID",
    "zwei verschiedene Bilder tragen dieselbe SOP Instance UID",
)
_LOW = Text("image quality index {index}", "Bildqualitätsindex {index}")
_ALSO_FOUND = Text("found: {found}", "gefunden: {found}")
_FOUND = Text("Found: {found}", "Gefunden: {found}")
_SLIGHT = Text("Slight: {found}", "Gering: {found}")
_CLEAN = Text("No artifact stands out", "Kein Artefakt fällt auf")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else bears on the verdict."""

    timed: bool = False  # contrast agent or several temporal positions
    incomplete: bool = False
    conflict: bool = False
    unscored: bool = False  # some images could not be read or scored
    about: Description = field(default_factory=Description)  # what the series is
    protocol: Protocol = field(default_factory=Protocol)  # how it was acquired

    @property
    def series(self) -> Situation:
        """The series as advice sees it."""
        return Situation(self.about, self.protocol, self.timed)


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, why, and what to change, most important first."""

    verdict: Verdict
    reason: Text
    advice: tuple[Text, ...]


def circumstances(
    facts: Mapping[str, Any], *, incomplete: bool = False, conflict: bool = False, unscored: bool = False
) -> Circumstances:
    """Read what bears on the verdict from the facts of a series' first instance."""
    about = described(facts)
    dynamic = (facts.get("temporal_positions") or 1) > 1 or about["dynamic"] == "TIME"
    timed = bool(facts.get("contrast")) or about["agent"] == "GIVEN" or about["weighting"] in TIMED or dynamic
    return Circumstances(
        timed=timed,
        incomplete=incomplete,
        conflict=conflict,
        unscored=unscored,
        about=about,
        protocol=acquired(facts),
    )


def softened(verdict: Verdict, around: Circumstances) -> Verdict:
    """Give what becomes of the score's own verdict under the circumstances."""
    if verdict is Verdict.REPEAT and around.timed:
        return Verdict.CHECK
    doubted = around.unscored or around.incomplete or around.conflict
    return Verdict.CHECK if verdict is Verdict.USABLE and doubted else verdict


def decide(quality: QualityScore, around: Circumstances, thresholds: Thresholds) -> Decision:
    """Give the verdict on a series."""
    alone = verdict_of(quality, thresholds)
    verdict = softened(alone, around)
    if verdict is Verdict.NOT_SCORED:
        return Decision(verdict, quality.reason, ())
    found = sorted(
        (finding for finding in quality.findings if finding.present),
        key=lambda finding: finding.severity * finding.probability * by_name(finding.artifact).weight,
        reverse=True,
    )
    reasons = explaining(quality)
    borne_out = [finding for finding in found if finding in reasons and not finding.contradicted]
    advice = (
        *(BY_NAME[fact.check].advice for fact in quality.doubtful),
        *dict.fromkeys(advice_on(finding.artifact, around.series).line for finding in found),
    )
    if alone is Verdict.REPEAT and verdict is Verdict.CHECK:
        return Decision(verdict, _naming(_TIMED, borne_out), (_PASSED, *advice))
    if verdict is Verdict.REPEAT:
        lead = joined(" ", filter(None, (advice[0], repeat_time(around.series))))
        return Decision(verdict, _naming(_UNUSABLE, borne_out), (lead, *advice[1:]))
    low = quality.index is not None and quality.index < thresholds.usable_index
    at_odds = disputed(quality, thresholds)
    doubts = [
        *([_naming(_DISPUTED, at_odds)] if at_odds else []),
        *([_UNSCORED] if around.unscored else []),
        *([_ruined(quality)] if quality.ruined else []),
        *([_STRANGE] if quality.strange else []),
        *([_INCOMPLETE] if around.incomplete else []),
        *([_CONFLICT] if around.conflict else []),
        *(BY_NAME[fact.check].title.inside for fact in quality.doubtful),
        *([_LOW.filled({"index": decimal(f"{quality.index:.1f}")})] if low else []),
    ]
    if verdict is Verdict.CHECK:
        reason = joined("; ", [*doubts, *([_naming(_ALSO_FOUND, found)] if found else [])])
        return Decision(verdict, reason.begun, advice)
    saying = _SLIGHT if all(finding.severity < SLIGHT for finding in found) else _FOUND
    return Decision(verdict, _naming(saying, found) if found else _CLEAN, advice)


def _naming(saying: Text, findings: Sequence[SeriesFinding]) -> Text:
    named = (by_name(finding.artifact).title.inside for finding in findings[:MOST_NAMED])
    return saying.filled({"found": joined(", ", named)})


def _ruined(quality: QualityScore) -> Text:
    return _RUINED.filled({"n": str(len(quality.ruined)), "of": str(quality.n_slices)})
