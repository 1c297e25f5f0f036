"""What the web reads of the ledger."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from sqlalchemy import Connection, Row, Select, func, select

from inference.checks import SeriesFact
from inference.geometry import Sampling
from inference.reference import MetricSummary, Statement
from inference.text import all_kept, kept, texts_of
from service.ledger.beside import Beside
from service.ledger.cursors import after_cursor, cursor_of, number_of
from service.ledger.database import Bell, Database
from service.ledger.desk import chosen
from service.ledger.order import scored_rows, slice_at
from service.ledger.states import OPEN, DeliveryState, SliceState
from service.ledger.tables import event, instance, outbox, part, scanner, series, slice_
from service.ledger_views import (
    ALL,
    ArtifactView,
    Counts,
    DeliverySelection,
    DeliveryView,
    EventView,
    FindingView,
    PartView,
    SeriesView,
    SliceSource,
    SliceView,
)
from service.rules import circumstances
from service.understanding import described

SHOWN = frozenset({SliceState.SCORED})  # all others: nobody has looked for text on them, or it was found

NEXT = frozenset({DeliveryState.WAITING, DeliveryState.UNCOMMITTED})  # something more is planned


class Views:
    """Reads only; each answer is one consistent state."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._bell: Bell | None = None

    def series_page(
        self, limit: int, cursor: str | None = None, verdict: str | None = None, scanner_name: str = ""
    ) -> tuple[list[SeriesView], str | None]:
        """Give generations of one scanner or of all, newest first, and the next page's cursor. Raises BadCursor."""
        query = _series_query().order_by(series.c.opened_at.desc(), series.c.id.desc()).limit(limit + 1)
        if cursor is not None:
            query = query.where(after_cursor(cursor))
        if verdict is not None:
            query = query.where(series.c.verdict == verdict)
        with self._database.read() as connection:
            if scanner_name:
                named = select(scanner.c.id).where(scanner.c.name == scanner_name)
                query = query.where(series.c.scanner_id == (connection.scalar(named) or 0))
            rows = connection.execute(query).all()
            beside = Beside.of(connection, rows[:limit])
        page = [_series_view(row, beside) for row in rows[:limit]]
        return page, cursor_of(rows, limit)

    def series_view(self, series_id: str) -> SeriesView | None:
        """Give one generation, or None."""
        with self._database.read() as connection:
            row = connection.execute(_series_query().where(series.c.id == series_id)).first()
            return None if row is None else _series_view(row, Beside.of(connection, [row]))

    def scanner_of(self, series_id: str) -> str | None:
        """Give the scanner of a series, or None."""
        with self._database.read() as connection:
            return connection.scalar(
                select(scanner.c.name)
                .join(series, series.c.scanner_id == scanner.c.id)
                .where(series.c.id == series_id)
            )

    def slices_of(self, series_id: str) -> list[SliceView]:
        """Give the slices of a generation's series in their order; unscored ones have no index."""
        with self._database.read() as connection:
            found = _found(connection, series_id)
            if found is None:
                return []
            uid, generation = found
            sizes = {
                row.id: (row.rows, row.columns)
                for row in connection.execute(
                    select(instance.c.id, instance.c.rows, instance.c.columns).where(
                        instance.c.series_uid == uid
                    )
                )
            }
            scored = scored_rows(connection, uid, generation)
        views = []
        for row in scored:
            score = row.score or {}
            rows, columns = sizes[row.instance_id]
            region = score.get("region")
            if region is not None:
                left, top, right, bottom = region
                rows, columns = bottom - top, right - left
            views.append(
                SliceView(
                    id=f"{series_id}-{row.position}",
                    series_id=series_id,
                    position=row.position,
                    instance_number=row.instance_number or row.position + 1,
                    frame=row.frame,
                    tile=row.tile,
                    region=None if region is None else (region[0], region[1], region[2], region[3]),
                    state=row.state,
                    reason=row.reason,
                    rows=rows,
                    columns=columns,
                    index=score.get("index"),
                    suitability=score.get("suitability"),
                    signal=bool(score.get("signal", False)),
                    findings=tuple(_finding_view(finding) for finding in score.get("findings", ())),
                    evidence=score.get("evidence", {}),
                    familiar=bool(score.get("familiar", True)),
                )
            )
        return views

    def slice_source(self, series_id: str, position: int) -> SliceSource | None:
        """Tell where the pixels and masks of a slice lie; None before it was looked at, and if it is erased."""
        with self._database.read() as connection:
            found = _found(connection, series_id)
            row_id = None if found is None or position < 0 else slice_at(connection, *found, position)
            row = connection.execute(
                select(slice_.c.state, slice_.c.frame, slice_.c.tile, slice_.c.masks, instance.c.spool_name)
                .join(instance, instance.c.id == slice_.c.instance_id)
                .where(slice_.c.id == row_id)
            ).first()
        if row is None or row.state not in SHOWN:
            return None
        return SliceSource(row.spool_name, row.frame, row.tile, row.masks)

    def deliveries_page(
        self,
        limit: int,
        cursor: str | None = None,
        selection: DeliverySelection = ALL,
        scanner_name: str = "",
    ) -> tuple[list[DeliveryView], str | None]:
        """Give outbox rows of one scanner or of all, newest first, and the next page's cursor. Raises BadCursor."""
        query = (
            select(outbox, series.c.generation)
            .join(series, series.c.id == outbox.c.series_id)
            .order_by(outbox.c.id.desc())
            .limit(limit + 1)
        )
        if cursor is not None:
            query = query.where(outbox.c.id < number_of(cursor))
        if selection:
            query = query.where(chosen(selection))
        if scanner_name:
            query = query.join(scanner, scanner.c.id == series.c.scanner_id)
            query = query.where(scanner.c.name == scanner_name)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        page = [_delivery_view(row) for row in rows[:limit]]
        return page, str(rows[limit - 1].id) if len(rows) > limit else None

    def events_after(self, event_id: int, limit: int = 500) -> list[EventView]:
        """Give events in the order of their commits."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(event).where(event.c.id > event_id).order_by(event.c.id).limit(limit)
            ).all()
        return [EventView(row.id, row.at, row.kind, row.series_id, row.data) for row in rows]

    def last_event_id(self) -> int:
        """Give the newest event's id, 0 where nothing has happened."""
        with self._database.read() as connection:
            return int(connection.scalar(select(func.max(event.c.id))) or 0)

    def wait_for_change(self, seen: int, timeout_s: float) -> int:
        """Block until somebody commits (a marker other than `seen`) or the time is over; for one thread."""
        self._bell = self._bell or self._database.bell()
        return self._bell.wait(seen, timeout_s)

    def close(self) -> None:
        """Close the connection that waited for changes."""
        if self._bell is not None:
            self._bell.close()
            self._bell = None

    def counts(self) -> Counts:
        """Count what there is, and what waits."""
        with self._database.read() as connection:
            by_state = _count_by(connection, series.c.state)
            deliveries = _count_by(connection, outbox.c.state)
            waiting = connection.scalar(select(func.count()).where(slice_.c.state == SliceState.WAITING))
            oldest = connection.scalar(
                select(func.min(instance.c.received_at))
                .join(slice_, slice_.c.instance_id == instance.c.id)
                .where(slice_.c.state == SliceState.WAITING)
            )
        return Counts(
            series=by_state,
            slices_waiting=int(waiting or 0),
            deliveries=deliveries,
            dead_letters=deliveries.get(DeliveryState.DEAD, 0),
            oldest_waiting_s=None if oldest is None else max(0.0, self._clock() - oldest),
        )

    def parts(self) -> list[PartView]:
        """Give the running parts and their last signs of life."""
        with self._database.read() as connection:
            rows = connection.execute(select(part).order_by(part.c.name)).all()
        return [PartView(row.name, row.pid, row.started_at, row.beat_at, row.facts) for row in rows]


def _found(connection: Connection, series_id: str) -> tuple[str, int] | None:
    """Find the keyed UID and the generation of a row."""
    row = connection.execute(
        select(series.c.uid, series.c.generation).where(series.c.id == series_id)
    ).first()
    return None if row is None else (row.uid, row.generation)


def _series_query() -> Select[Any]:
    return select(series, scanner.c.name.label("scanner")).join(scanner, scanner.c.id == series.c.scanner_id)


def _count_by(connection: Connection, column: Any) -> dict[str, int]:  # noqa: ANN401 - any column
    rows = connection.execute(select(column, func.count()).group_by(column)).all()
    return {str(value): int(count) for value, count in rows}


def _json(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", json.loads(value) if isinstance(value, str) else value or {})


def _series_view(row: Row[Any], beside: Beside) -> SeriesView:
    quality, facts = _json(row.quality), _json(row.facts)
    told = beside.told.get(row.uid)
    return SeriesView(
        id=row.id,
        generation=row.generation,
        study=row.study_uid,
        scanner=row.scanner,
        state=row.state,
        series_number=row.series_number,
        description=described(facts),
        opened_at=row.opened_at,
        last_instance_at=row.last_instance_at,
        closed_at=row.closed_at,
        close_reason=row.close_reason,
        received=row.received,
        expected=_expected(row),
        closing=None if row.closing is None else texts_of(row.closing, "gaps"),
        provisional=row.state in OPEN and row.verdict != "",
        repeats=row.repeats or None,
        verdict=row.verdict,
        reason=kept(row.reason, row.reason_de),
        index=quality.get("index"),
        suitability=quality.get("suitability"),
        artifacts=tuple(
            ArtifactView(
                name=found["artifact"],
                probability=found["probability"],
                severity=found["severity"],
                present=found["present"],
                slices=tuple(found["slices"]),
                evidence=tuple(map(Statement.from_json, found.get("evidence", ()))),
            )
            for found in quality.get("findings", ())
        ),
        geometry=tuple(map(SeriesFact.from_json, quality.get("geometry", ()))),
        evidence=tuple(map(MetricSummary.from_json, quality.get("evidence", ()))),
        sampling=Sampling(**quality["sampling"]) if quality.get("sampling") else None,
        advice=all_kept(row.advice or (), row.advice_de),
        model=row.model,
        provider=row.provider,
        conflict=row.conflict,
        told=None if told is None else told.told,
        never_came=None if told is None else len(told.missing),
        held=row.id in beside.held,
        former_identity=row.id in beside.former,
        repeated_by=beside.repeated_by.get(row.id),
        judging=row.judging,
        incomplete=row.incomplete,
        feedback=beside.feedback[row.id],
        situation=circumstances(facts).series,
        results=beside.results.get(row.id, {}),
    )


def _expected(row: Row[Any]) -> int | None:
    """Give how many instances a series should have: what its closing held true, or the header's lower bound."""
    if row.closing is not None:
        expected = row.closing["expected"]
        return None if expected is None else int(expected)
    return max(row.counts.values(), default=None)


def _finding_view(finding: Mapping[str, Any]) -> FindingView:
    box = finding.get("box")
    return FindingView(
        artifact=finding["artifact"],
        probability=finding["probability"],
        severity=finding["severity"],
        present=finding["present"],
        area=finding.get("area", 0.0),
        box=None if box is None else (box[0], box[1], box[2], box[3]),
    )


def _delivery_view(row: Row[Any]) -> DeliveryView:
    return DeliveryView(
        id=str(row.id),
        series_id=row.series_id,
        generation=row.generation,
        destination=row.destination,
        kind=row.kind,
        state=row.state,
        attempts=row.attempts,
        next_at=row.next_at if row.state in NEXT else None,
        answer=row.answer,
        reason=row.reason,
        created_at=row.created_at,
        tried_at=row.tried_at,
        sent_at=row.sent_at,
        committed_at=row.committed_at,
        former_identity=row.former_identity,
    )
