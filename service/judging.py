"""Step three: a complete, fully scored series gets its verdict."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from inference.geometry import Why
from inference.score import UNFAMILIAR, QualityScore, SliceScore, Unscored, not_scored
from inference.series import UNKNOWN
from inference.stacks import Place, gaps, stacks_of
from inference.summary import summarise
from inference.text import Text, with_german
from service.closing import Closing, Patience, judge
from service.ledger import (
    Closings,
    Judgement,
    LedgerUnavailable,
    OpenSeries,
    Places,
    ScoredRow,
    SeriesState,
    SliceState,
)
from service.metrics import Metrics
from service.review.second_look import Sampling, nominated
from service.review.thresholds import InForce
from service.routing.views import Known, Ruling
from service.rules import TIMED, Circumstances, Decision, circumstances, decide
from service.understanding import described

SKIPPED = frozenset({SliceState.UNSUITED, SliceState.ERASED})
_WHY: Mapping[SliceState, Why] = {
    SliceState.UNSUITED: "unsuited",
    SliceState.UNREADABLE: "unreadable",
    SliceState.ERASED: "erased",
}
UNSCORED = frozenset({SliceState.UNREADABLE, SliceState.ERASED})
_NOTHING = Text("no image was received", "es kam kein Bild an")
_PARTS = Text("{n} of {of} parts of a concatenation", "{n} von {of} Teilen einer Concatenation")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shape:
    """What the places of a series' slices tell of its completeness."""

    received: int  # instances that were looked at
    gaps: tuple[Text, ...]  # in words
    phases: bool  # it has several volumes in time


@dataclass(frozen=True, slots=True)
class Judge:
    """Closes what is complete."""

    closings: Closings
    places: Places
    patience: Patience
    thresholds: Callable[[int, str], InForce]  # of a scanner and a protocol
    sampling: Sampling
    listening_since: Callable[[], float]  # s since the epoch
    model: str
    provider: str
    metrics: Metrics
    clock: Callable[[], float] = time.time
    ruling: Callable[[OpenSeries, Judgement], Callable[[Known], Ruling | None]] = lambda _, __: lambda _: None
    _shapes: dict[str, Shape] = field(default_factory=dict[str, Shape])  # by series

    def close_next(self) -> bool:
        """Close every series that is ready; False if none was."""
        closed = False
        items = self.closings.open_series()
        for gone in self._shapes.keys() - {item.id for item in items}:
            del self._shapes[gone]
        for item in items:
            try:
                closed |= self._judged(item)
            except LedgerUnavailable:
                raise
            except Exception:  # one series that cannot be judged must not keep the others open
                log.exception("a series cannot be judged", extra={"series": item.id})
        return closed

    def _judged(self, item: OpenSeries) -> bool:
        evidence = replace(item.evidence, listening_since=self.listening_since(), timed=is_timed(item.facts))
        if judge(evidence, self.clock(), self.patience) is None:
            return False
        shape = self._shape(item)  # looked at where nothing else keeps it open
        timed = evidence.timed or (shape.phases and bool(item.facts.get("contrast")))
        evidence = replace(evidence, gaps=shape.gaps, timed=timed)
        closing = judge(evidence, self.clock(), self.patience)
        if closing is None or (closing.provisional and item.judged == evidence.received):
            return False
        return self._settle(replace(item, evidence=evidence), closing)

    def _shape(self, item: OpenSeries) -> Shape:
        """Give what the geometry tells; looked at anew after every instance."""
        known = self._shapes.get(item.id)
        if known is not None and known.received == item.evidence.received:
            return known
        places = self.places.of_series(item.uid, item.generation)
        parts = self.closings.concatenations(item.uid, item.generation)
        lacking = (*missing_parts(parts), *gaps(places or ()))
        shape = Shape(item.evidence.received, lacking, has_phases(places or ()))
        if places is not None:
            self._shapes[item.id] = shape
        return shape

    def _settle(self, item: OpenSeries, closing: Closing) -> bool:
        if item.unscored == 0 and not self._more_to_score(item, closing):
            return self._close(item, closing)
        if item.state is SeriesState.RECEIVING:
            self.closings.settled(item)
        return False

    def _more_to_score(self, item: OpenSeries, closing: Closing) -> bool:
        """Fill the sample where no more is expected, and before a provisional verdict on nothing at all."""
        rows = self.closings.scored_rows(item.uid, item.generation) if closing.provisional else ()
        chosen = any(row.state is not SliceState.UNSAMPLED for row in rows)
        return not chosen and self.places.completed(item.uid)

    def _close(self, item: OpenSeries, closing: Closing) -> bool:
        rows = self.closings.scored_rows(item.uid, item.generation)
        quality = sum_up(rows)
        around = circumstances(
            item.facts,
            incomplete=closing.incomplete,
            conflict=item.conflict,
            unscored=any(row.state in UNSCORED for row in rows),
        )
        thresholds = self.thresholds(item.scanner_id, item.protocol_key)
        decision = decide(quality, around, thresholds.live)
        skipped = is_skipped_kind(rows)
        judgement = Judgement(
            closing=closing,
            gaps=item.evidence.gaps,
            verdict=decision.verdict,
            reason=decision.reason,
            quality=_placed(quality, rows).to_json(),
            advice=decision.advice,
            model=self.model,
            provider=self.provider,
            alert=_alert(quality, decision, provisional=closing.provisional),
            judging=_judging(quality, around, thresholds),
            review=nominated(item.uid, decision.verdict, quality, self.sampling, skipped=skipped),
        )
        written = self.closings.closed(item, judgement, self.ruling(item, judgement))
        if written and not closing.provisional:
            self._count(item, closing, quality, decision)
            if not quality.scored:
                self.metrics.ood.labels(reason=_unscored(rows, quality)).inc()
        return written

    def _count(self, item: OpenSeries, closing: Closing, quality: QualityScore, decision: Decision) -> None:
        self.metrics.series_completed.labels(reason=closing.reason).inc()
        self.metrics.verdicts.labels(verdict=decision.verdict).inc()
        self.metrics.verdict_latency.observe(max(0.0, self.clock() - item.evidence.last_instance_at))
        for finding in quality.findings:
            if finding.present:
                self.metrics.artifacts.labels(artifact=finding.artifact).inc()


def sum_up(rows: Sequence[ScoredRow]) -> QualityScore:
    """Sum up the slices of a series; where none was scored, the commonest reason says why not.

    The positions in the result count among the scored slices.
    """
    if any(row.score is not None for row in rows):
        return summarise([_seen(row) for row in rows])
    reasons = Counter(row.reason for row in rows if row.reason and row.state is not SliceState.UNSAMPLED)
    reason = reasons.most_common(1)[0][0] if reasons else _NOTHING
    return not_scored(reason, n_slices=len(rows))


def _seen(row: ScoredRow) -> SliceScore | Unscored:
    if row.score is not None:
        return replace(SliceScore.from_json(dict(row.score)), place=row.place)
    return Unscored(row.place, _WHY.get(row.state, "unsampled"))


def _placed(quality: QualityScore, rows: Sequence[ScoredRow]) -> QualityScore:
    """Let positions count among all slices of the series, as the console numbers them."""
    places = [row.position for row in rows if row.score is not None]
    return replace(
        quality,
        worst=None if quality.worst is None else places[quality.worst],
        lowest=tuple(places[position] for position in quality.lowest),
        ruined=tuple(places[position] for position in quality.ruined),
        findings=tuple(
            replace(finding, slices=tuple(places[position] for position in finding.slices))
            for finding in quality.findings
        ),
        geometry=tuple(
            replace(found, slices=tuple(places[position] for position in found.slices))
            for found in quality.geometry
        ),
        evidence=tuple(
            replace(metric, slice=None if metric.slice is None else places[metric.slice])
            for metric in quality.evidence
        ),
    )


def is_skipped_kind(rows: Sequence[ScoredRow]) -> bool:
    """Tell whether a series holds only images of kinds that are not scored: such get no report."""
    return all(row.state in SKIPPED for row in rows if row.state is not SliceState.UNSAMPLED)


def _unscored(rows: Sequence[ScoredRow], quality: QualityScore) -> str:
    """Tell why a series has no score, as the metrics count it."""
    if is_skipped_kind(rows):
        return "kind"
    return "unfamiliar" if quality.reason == UNFAMILIAR else "unreadable"


def is_timed(facts: Mapping[str, Any]) -> bool:
    """Tell whether a series has phases, which may be minutes apart: by its count, or as it shows a bolus on its way."""
    about = described(facts)
    bolus = about["weighting"] in TIMED and about["derivation"] in ("ORIGINAL", UNKNOWN)
    return bolus or (facts.get("temporal_positions") or 1) > 1


def has_phases(places: Sequence[Place | None]) -> bool:
    """Tell whether a series has several volumes of one kind and echo that differ in time and not in the b-value."""
    moments = {place.moment for place in places if place is not None}
    weighted = len({moment[-1] for moment in moments if moment}) > 1
    return not weighted and any(stack.of > 1 for stack in stacks_of(places))


def missing_parts(parts: Sequence[tuple[str, int, int]]) -> tuple[Text, ...]:
    """Tell which concatenations (keyed UID, number, total of each part that is here) are short of parts."""
    here: dict[str, set[int]] = {}
    totals: dict[str, int] = {}
    for uid, number, total in parts:
        here.setdefault(uid, set()).add(number)
        totals[uid] = max(total, totals.get(uid, 0))
    return tuple(
        _PARTS.filled({"n": str(len(numbers)), "of": str(totals[uid])})
        for uid, numbers in here.items()
        if len(numbers) < totals[uid]
    )


def _judging(quality: QualityScore, around: Circumstances, thresholds: InForce) -> dict[str, object]:
    """Say what the verdict was made with, and what thresholds that are tried in shadow would have said."""
    shadow = None
    if thresholds.shadow is not None:
        other = decide(quality, around, thresholds.shadow)
        said = {
            "thresholds": asdict(thresholds.shadow),
            "version": thresholds.shadow_number,
            "verdict": other.verdict,
            "reason": other.reason,
        }
        shadow = with_german(said, "reason")
    return {
        "thresholds": asdict(thresholds.live),
        "version": thresholds.number,
        "unscored": around.unscored,
        "shadow": shadow,
    }


def _alert(quality: QualityScore, decision: Decision, *, provisional: bool) -> dict[str, object]:
    told = {
        "provisional": provisional,
        "verdict": decision.verdict,
        "reason": decision.reason,
        "index": quality.index,
        "advice": list(decision.advice),
    }
    return with_german(told, "reason", "advice")
