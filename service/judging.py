"""Step three: a complete, fully scored series gets its verdict."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from inference.score import UNFAMILIAR, QualityScore, SliceScore, not_scored, summarise
from service.closing import Closing, Evidence, Patience, judge
from service.ledger import (
    Closings,
    Judgement,
    LedgerUnavailable,
    OpenSeries,
    ScoredRow,
    SeriesState,
    SliceState,
)
from service.metrics import Metrics
from service.rules import Decision, Thresholds, circumstances, decide

SKIPPED = frozenset({SliceState.UNSUITED, SliceState.ERASED})
UNSCORED = frozenset({SliceState.UNREADABLE, SliceState.ERASED})

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Judge:
    """Closes what is complete."""

    closings: Closings
    patience: Patience
    thresholds: Thresholds
    listening_since: Callable[[], float]  # s since the epoch
    model: str
    provider: str
    metrics: Metrics
    clock: Callable[[], float] = time.time

    def close_next(self) -> bool:
        """Close every series that is ready; False if none was."""
        closed = False
        for item in self.closings.open_series():
            closing = judge(self._evidence(item), self.clock(), self.patience)
            if closing is None:
                continue
            try:
                closed |= self._settle(item, closing)
            except LedgerUnavailable:
                raise
            except Exception:  # one series that cannot be judged must not keep the others open
                log.exception("a series cannot be judged", extra={"series": item.id})
        return closed

    def _settle(self, item: OpenSeries, closing: Closing) -> bool:
        if item.unscored == 0:
            return self._close(item, closing)
        if item.state is SeriesState.RECEIVING:
            self.closings.settled(item)
        return False

    def _evidence(self, item: OpenSeries) -> Evidence:
        return Evidence(
            received=item.received,
            expected=item.expected,
            last_instance_at=item.last_instance_at,
            released_at=item.released_at,
            resumed=item.resumed,
            listening_since=self.listening_since(),
            learnt=item.learnt,
        )

    def _close(self, item: OpenSeries, closing: Closing) -> bool:
        rows = self.closings.scored_rows(item.uid, item.generation)
        quality = sum_up(rows)
        decision = decide(
            quality,
            circumstances(
                item.facts,
                incomplete=closing.incomplete,
                conflict=item.conflict,
                unscored=any(row.state in UNSCORED for row in rows),
            ),
            self.thresholds,
        )
        written = self.closings.closed(
            item,
            Judgement(
                close_reason=closing.reason,
                incomplete=closing.incomplete,
                verdict=decision.verdict,
                reason=decision.reason,
                quality=_placed(quality, rows).to_json(),
                advice=decision.advice,
                model=self.model,
                provider=self.provider,
                signs=closing.signs,
                alert=_alert(quality, decision),
            ),
        )
        if written:
            self._count(item, closing, quality, decision)
            if not quality.scored:
                self.metrics.ood.labels(reason=_unscored(rows, quality)).inc()
        return written

    def _count(self, item: OpenSeries, closing: Closing, quality: QualityScore, decision: Decision) -> None:
        self.metrics.series_completed.labels(reason=closing.reason).inc()
        self.metrics.verdicts.labels(verdict=decision.verdict).inc()
        self.metrics.verdict_latency.observe(max(0.0, self.clock() - item.last_instance_at))
        for finding in quality.findings:
            if finding.present:
                self.metrics.artifacts.labels(artifact=finding.artifact).inc()


def sum_up(rows: Sequence[ScoredRow]) -> QualityScore:
    """Sum up the slices of a series; where none was scored, the commonest reason says why not.

    The positions in the result count among the scored slices.
    """
    scores = [SliceScore.from_json(dict(row.score)) for row in rows if row.score is not None]
    if scores:
        return summarise(scores)
    reasons = Counter(row.reason for row in rows if row.reason)
    reason = reasons.most_common(1)[0][0] if reasons else "no image was received"
    return not_scored(reason, n_slices=len(rows))


def _placed(quality: QualityScore, rows: Sequence[ScoredRow]) -> QualityScore:
    """Let positions count among all slices of the series, as the console numbers them."""
    places = [row.position for row in rows if row.score is not None]
    return replace(
        quality,
        worst=None if quality.worst is None else places[quality.worst],
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
    return all(row.state in SKIPPED for row in rows)


def _unscored(rows: Sequence[ScoredRow], quality: QualityScore) -> str:
    """Tell why a series has no score, as the metrics count it."""
    if is_skipped_kind(rows):
        return "kind"
    return "unfamiliar" if quality.reason == UNFAMILIAR else "unreadable"


def _alert(quality: QualityScore, decision: Decision) -> dict[str, object]:
    return {
        "verdict": decision.verdict,
        "reason": decision.reason,
        "index": quality.index,
        "advice": list(decision.advice),
    }
