"""Generations that are not closed yet, their evidence, and the verdict that closes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from service.ledger.database import lock_all
from service.ledger.events import note_event
from service.ledger.leases import Worker
from service.ledger.order import NAMED, ScoredRow, scored_rows
from service.ledger.states import OPEN, SeriesState, SliceState
from service.ledger.tables import learnt, series, slice_


@dataclass(frozen=True, slots=True)
class OpenSeries:
    """A generation that is not closed yet: the evidence that `closing` judges."""

    id: str
    uid: str
    generation: int
    scanner_id: int
    protocol_key: str
    state: SeriesState
    received: int
    expected: int | None
    last_instance_at: float
    released_at: float | None
    resumed: bool  # an instance came after a release
    unscored: int  # slices without a score
    conflict: bool
    learnt: Mapping[str, int]  # sign of completeness -> times in a row that it came true
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a generation as it is written down."""

    close_reason: str
    incomplete: bool
    verdict: str
    reason: str
    quality: Mapping[str, Any]
    advice: Sequence[str]
    model: str
    provider: str
    signs: Mapping[str, bool]  # sign of completeness -> did it come true
    alert: Mapping[str, Any]


class Closings:
    """Closing needs no lease: the verdict is a pure function of the scores, and the first to write it wins."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def open_series(self) -> list[OpenSeries]:
        """Give every generation that is not closed, with its evidence."""
        unscored = (
            select(func.count())
            .where(slice_.c.series_uid == series.c.uid, slice_.c.state == SliceState.WAITING)
            .scalar_subquery()
        )
        with self._worker.database.read() as connection:
            rows = connection.execute(
                select(series, unscored.label("unscored")).where(series.c.state.in_(OPEN))
            ).all()
            if not rows:
                return []
            lessons: dict[tuple[int, str], dict[str, int]] = {}
            protocols = {row.protocol_key for row in rows}
            for lesson in connection.execute(select(learnt).where(learnt.c.protocol_key.in_(protocols))):
                of_protocol = lessons.setdefault((lesson.scanner_id, lesson.protocol_key), {})
                of_protocol[lesson.source] = lesson.matched
        return [
            OpenSeries(
                id=row.id,
                uid=row.uid,
                generation=row.generation,
                scanner_id=row.scanner_id,
                protocol_key=row.protocol_key,
                state=SeriesState(row.state),
                received=row.received,
                expected=row.expected,
                last_instance_at=row.last_instance_at,
                released_at=row.released_at,
                resumed=row.resumed,
                unscored=row.unscored,
                conflict=row.conflict,
                learnt=lessons.get((row.scanner_id, row.protocol_key), {}),
                facts=row.facts,
            )
            for row in rows
        ]

    def settled(self, item: OpenSeries) -> None:
        """Note that no more instances are expected; the verdict waits for the last scores."""
        with self._worker.database.write() as connection:
            connection.execute(
                update(series)
                .where(
                    series.c.id == item.id,
                    series.c.state == SeriesState.RECEIVING,
                    series.c.received == item.received,
                )
                .values(state=SeriesState.SETTLING)
            )

    def scored_rows(self, series_uid: str, generation: int) -> list[ScoredRow]:
        """Give the slices of a generation in their order: position along the normal, instance number, arrival.

        A generation that comes after the series was forgotten has its own slices only.
        """
        with self._worker.database.read() as connection:
            return scored_rows(connection, series_uid, generation, NAMED)

    def closed(self, item: OpenSeries, judgement: Judgement) -> bool:
        """Write the verdict, learn from it and tell the console; False if an instance came in between."""
        now = self._worker.clock()
        with self._worker.database.write() as connection:
            changed = connection.execute(
                update(series)
                .where(series.c.id == item.id, series.c.state.in_(OPEN), series.c.received == item.received)
                .values(
                    state=SeriesState.COMPLETE,
                    closed_at=now,
                    close_reason=judgement.close_reason,
                    incomplete=judgement.incomplete,
                    verdict=judgement.verdict,
                    reason=judgement.reason,
                    quality=dict(judgement.quality),
                    advice=list(judgement.advice),
                    model=judgement.model,
                    provider=judgement.provider,
                )
            )
            if changed.rowcount == 0:
                return False
            for sign, came_true in judgement.signs.items():
                _learn(connection, item, sign, came_true=came_true)
            note_event(connection, now, "alert", item.id, judgement.alert)
        return True


def _learn(connection: Connection, item: OpenSeries, sign: str, *, came_true: bool) -> None:
    here = (
        (learnt.c.scanner_id == item.scanner_id)
        & (learnt.c.protocol_key == item.protocol_key)
        & (learnt.c.source == sign)
    )
    lock_all(connection, {f"learnt {item.scanner_id} {item.protocol_key}"})
    known = connection.scalar(select(learnt.c.matched).where(here)) or 0
    matched = known + 1 if came_true else 0
    connection.execute(delete(learnt).where(here))
    connection.execute(
        insert(learnt),
        {
            "scanner_id": item.scanner_id,
            "protocol_key": item.protocol_key,
            "source": sign,
            "matched": matched,
        },
    )
