"""Generations that are not closed yet, their evidence, and the verdict that closes them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from inference.text import Text, with_german
from service.closing import PACES, CloseReason, Closing, Evidence
from service.ledger.actions import Told, ruled, tell
from service.ledger.database import lock_all
from service.ledger.events import note_event
from service.ledger.exams import Ending, endings
from service.ledger.feedback import mark
from service.ledger.leases import Worker
from service.ledger.order import NAMED, ScoredRow, scored_rows
from service.ledger.repeats import repeated
from service.ledger.review import nominate
from service.ledger.states import OPEN, SeriesState, SliceState
from service.ledger.tables import instance, learnt, pace, scanner, series, slice_
from service.ledger.trends import note_trend
from service.review.second_look import Nomination
from service.routing.views import Known, Ruling


@dataclass(frozen=True, slots=True)
class OpenSeries:
    """A generation that is not closed yet."""

    id: str
    uid: str
    generation: int
    study_uid: str
    scanner_id: int
    protocol_key: str
    state: SeriesState
    judged: int  # instances that a provisional verdict is about
    unscored: int  # slices without a score
    conflict: bool
    evidence: Evidence  # what `closing` judges, but for gaps and since when the door listens
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a generation as it is written down."""

    closing: Closing
    gaps: Sequence[Text]  # what the geometry lacked, in words
    verdict: str
    reason: Text
    quality: Mapping[str, Any]
    advice: Sequence[Text]
    model: str
    provider: str
    alert: Mapping[str, Any]
    judging: Mapping[str, Any] | None = None  # the thresholds in force, and what others would have said
    review: Nomination | None = None  # somebody looks at it again


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
                select(series, unscored.label("unscored"))
                .where(series.c.state.in_(OPEN))
                .order_by(series.c.opened_at, series.c.id)
            ).all()
            if not rows:
                return []
            lessons = _lessons(connection, {row.protocol_key for row in rows})
            pauses = _pauses(connection, {row.protocol_key for row in rows})
            ended = endings(connection, {row.uid: row.study_uid for row in rows})
        return [
            _open_series(
                row,
                lessons.get((row.scanner_id, row.protocol_key), {}),
                pauses.get((row.scanner_id, row.protocol_key), ()),
                ended.get(row.uid),
            )
            for row in rows
        ]

    def concatenations(self, series_uid: str, generation: int) -> list[tuple[str, int, int]]:
        """Give the parts of concatenations that are here: keyed UID, number, total."""
        with self._worker.database.read() as connection:
            found = connection.scalars(
                select(instance.c.concatenation).where(
                    instance.c.series_uid == series_uid,
                    instance.c.generation <= generation,
                    instance.c.conflict.is_(False),
                )
            ).all()
        return [(part[0], part[1], part[2]) for part in found if part]

    def settled(self, item: OpenSeries) -> None:
        """Note that no more instances are expected; the verdict waits for the last scores."""
        with self._worker.database.write() as connection:
            connection.execute(
                update(series)
                .where(
                    series.c.id == item.id,
                    series.c.state == SeriesState.RECEIVING,
                    series.c.received == item.evidence.received,
                )
                .values(state=SeriesState.SETTLING, settled_at=self._worker.clock())
            )

    def scored_rows(self, series_uid: str, generation: int) -> list[ScoredRow]:
        """Give the slices of a generation in their order: position along the normal, instance number, arrival.

        A generation that comes after the series was forgotten has its own slices only.
        """
        with self._worker.database.read() as connection:
            return scored_rows(connection, series_uid, generation, NAMED)

    def closed(
        self,
        item: OpenSeries,
        judgement: Judgement,
        ruling: Callable[[Known], Ruling | None] = lambda _: None,
    ) -> bool:
        """Write the verdict with what the site's rules order, learn from it and tell the console.

        False if an instance came in between, or a slice was chosen to be scored.

        A provisional verdict is written and told too; the series stays open, and nothing is learnt from it.
        """
        now = self._worker.clock()
        waiting = select(slice_.c.id).where(
            slice_.c.series_uid == item.uid, slice_.c.state == SliceState.WAITING
        )
        with self._worker.database.write() as connection:
            lock_all(connection, {f"sample {item.uid}"})
            before = connection.execute(
                select(series)
                .where(
                    series.c.id == item.id,
                    series.c.state.in_(OPEN),
                    series.c.received == item.evidence.received,
                    series.c.conflict == item.conflict,
                    ~waiting.exists(),
                )
                .with_for_update()
            ).first()
            if before is None:
                return False
            values = _written(judgement) | {"judged": item.evidence.received}
            if judgement.closing.provisional:
                values["state"] = SeriesState.PROVISIONAL
            else:
                capped = judgement.closing.reason is CloseReason.CAP  # what seemed settled before was not
                settled_at = now if capped else before.settled_at or now
                values |= _closed(item, judgement, now, settled_at)
                values["repeats"] = repeated(connection, before)
                note_trend(connection, before, judgement.verdict, judgement.quality, judgement.model)
                if before.closing is None:  # else it is judged anew, and what it taught is learnt
                    _learn(connection, item, judgement.closing)
            connection.execute(update(series).where(series.c.id == item.id).values(values))
            if not judgement.closing.provisional:
                about = mark(item.evidence.received, judgement.verdict, judgement.reason)
                nominate(connection, before, about, judgement.verdict, judgement.review, now)
            told = (before.verdict, before.reason) == (judgement.verdict, judgement.reason)
            kind = "series" if told and before.judged == item.evidence.received else "alert"
            notices = _ruled(connection, before, judgement, ruling, values | {"at": now})
            note_event(connection, now, kind, item.id, judgement.alert)
            tell(connection, notices, now)
        return True


def _ruled(
    connection: Connection,
    row: Row[Any],
    judgement: Judgement,
    ruling: Callable[[Known], Ruling | None],
    values: Mapping[str, Any],
) -> list[Told]:
    """Ask what the site's rules make of a verdict, and write it."""
    name = connection.scalar(select(scanner.c.name).where(scanner.c.id == row.scanner_id)) or ""
    made = ruling(Known(name, repeats=bool(values.get("repeats")), at=values["at"]))
    if made is None:
        return []
    about = mark(values["judged"], judgement.verdict, judgement.reason)
    said = f"{about}{'-provisional' if judgement.closing.provisional else ''}"
    return ruled(connection, row, said, made, values["at"])


def _written(judgement: Judgement) -> dict[str, Any]:
    return {
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "reason_de": judgement.reason.de,
        "quality": dict(judgement.quality),
        "advice": list(judgement.advice),
        "advice_de": [one.de for one in judgement.advice],
        "model": judgement.model,
        "provider": judgement.provider,
        "judging": None if judgement.judging is None else dict(judgement.judging),
    }


def _closed(item: OpenSeries, judgement: Judgement, now: float, settled_at: float) -> dict[str, Any]:
    """Give the end of a generation with the evidence that brought it."""
    closing, evidence = judgement.closing, item.evidence
    told = {
        "sign": closing.sign,
        "received": evidence.received,
        "expected": closing.expected,
        "counts": dict(evidence.counts),
        "gaps": list(judgement.gaps),
        "waited_s": round(max(0.0, settled_at - evidence.last_instance_at), 3),
        "quiet_s": round(closing.quiet_s, 3),
        "longest_pause_s": round(evidence.longest_pause_s, 3),
    }
    return {
        "state": SeriesState.COMPLETE,
        "closed_at": now,
        "close_reason": closing.reason,
        "incomplete": closing.incomplete,
        "closing": with_german(told, "gaps"),
    }


def _open_series(
    row: Row[Any], lessons: Mapping[str, int], pauses: Sequence[float], ended: Ending | None
) -> OpenSeries:
    return OpenSeries(
        id=row.id,
        uid=row.uid,
        generation=row.generation,
        study_uid=row.study_uid,
        scanner_id=row.scanner_id,
        protocol_key=row.protocol_key,
        state=SeriesState(row.state),
        judged=row.judged,
        unscored=row.unscored,
        conflict=row.conflict,
        evidence=Evidence(
            received=row.received,
            last_instance_at=row.last_instance_at,
            counts=row.counts,
            learnt=lessons,
            paces=pauses,
            longest_pause_s=row.longest_pause,
            ends=row.ends,
            outlived=frozenset(row.outlived),
            exam_ended_at=None if ended is None else ended.at,
            discontinued=ended is not None and ended.discontinued,
        ),
        facts=row.facts,
    )


def _lessons(connection: Connection, protocols: Iterable[str]) -> dict[tuple[int, str], dict[str, int]]:
    found: dict[tuple[int, str], dict[str, int]] = {}
    for row in connection.execute(select(learnt).where(learnt.c.protocol_key.in_(protocols))):
        found.setdefault((row.scanner_id, row.protocol_key), {})[row.source] = row.matched
    return found


def _pauses(connection: Connection, protocols: Iterable[str]) -> dict[tuple[int, str], Sequence[float]]:
    rows = connection.execute(select(pace).where(pace.c.protocol_key.in_(protocols)))
    return {(row.scanner_id, row.protocol_key): row.pauses for row in rows}


def _learn(connection: Connection, item: OpenSeries, closing: Closing) -> None:
    """Keep what a closing teaches of its scanner and protocol."""
    lock_all(connection, {f"learnt {item.scanner_id} {item.protocol_key}"})
    of_learnt = (learnt.c.scanner_id == item.scanner_id) & (learnt.c.protocol_key == item.protocol_key)
    known = {row.source: row.matched for row in connection.execute(select(learnt).where(of_learnt))}
    protocol = {"scanner_id": item.scanner_id, "protocol_key": item.protocol_key}
    if closing.signs:
        connection.execute(delete(learnt).where(of_learnt, learnt.c.source.in_(closing.signs)))
        connection.execute(
            insert(learnt),
            [
                protocol | {"source": sign, "matched": known.get(sign, 0) + 1 if came_true else 0}
                for sign, came_true in closing.signs.items()
            ],
        )
    if closing.pace is not None:
        here = (pace.c.scanner_id == item.scanner_id) & (pace.c.protocol_key == item.protocol_key)
        pauses = connection.scalar(select(pace.c.pauses).where(here)) or []
        connection.execute(delete(pace).where(here))
        connection.execute(insert(pace), protocol | {"pauses": [*pauses, round(closing.pace, 3)][-PACES:]})
