"""Where people look after what rules ordered: lists, what fired, trying again, giving up."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, select, true, update

from service.ledger.actions import DEAD, DISCARDED, FORWARD, WAITING
from service.ledger.audit import note
from service.ledger.control import TO, goes_on
from service.ledger.cursors import number_of
from service.ledger.database import Database
from service.ledger.tables_rules import errand, firing
from service.operating.audit_views import Entry
from service.routing.views import ErrandSelection, ErrandView, FiringView


class ErrandDesk:
    """Where people see what rules ordered, and look after it."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def page(
        self,
        limit: int,
        cursor: str | None = None,
        selection: ErrandSelection = ErrandSelection(),  # noqa: B008  # frozen
    ) -> tuple[list[ErrandView], str | None]:
        """Give orders, newest first, and the next page's cursor. Raises BadCursor."""
        query = _viewed().order_by(errand.c.id.desc()).limit(limit + 1).where(_chosen(selection))
        if cursor is not None:
            query = query.where(errand.c.id < number_of(cursor))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [_view(row) for row in rows[:limit]], str(rows[limit - 1].id) if len(rows) > limit else None

    def firings(self, series_id: str) -> list[FiringView]:
        """Give what fired at the verdicts of a series, oldest first."""
        query = select(firing).where(firing.c.series_id == series_id).order_by(firing.c.id)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [FiringView(r.series_id, r.at, r.version, r.provisional, r.fired, r.routes) for r in rows]

    def retried(self, number: int, by: str) -> ErrandView | None:
        """Let an order that was given up, or waits, be tried now; None where there is no such."""
        now = self._clock()
        values = {"state": WAITING, "next_at": now, "renewed_at": now}
        return self._changed(number, values, "order of a rule tried again", by)

    def discarded(self, number: int, by: str) -> ErrandView | None:
        """Let an order never be carried out; None where there is no such."""
        return self._changed(number, {"state": DISCARDED}, "order of a rule discarded", by)

    def _changed(self, number: int, values: Mapping[str, object], deed: str, by: str) -> ErrandView | None:
        with self._database.write() as connection:
            changed = connection.execute(
                update(errand)
                .where(errand.c.id == number, errand.c.state.in_((WAITING, DEAD)))
                .values({**values, "lease_until": 0.0, "attempt": errand.c.attempt + 1})
            )
            row = connection.execute(_viewed().where(errand.c.id == number)).first()
            if row is None or not changed.rowcount:
                return None
            told = {"rule": row.rule, "channel": row.channel, "order": number}
            note(connection, self._clock(), Entry(deed, by, row.series_id, detail=told))
        return _view(row)


def _chosen(selection: ErrandSelection) -> ColumnElement[bool]:
    given = {
        errand.c.series_id: selection.series_id,
        errand.c.channel: selection.channel,
        errand.c.state: selection.state,
    }
    return and_(true(), *(column == value for column, value in given.items() if value is not None))


def _viewed() -> Select[Any]:
    stopped = (errand.c.kind == FORWARD) & (errand.c.state == WAITING) & ~goes_on(TO + errand.c.channel)
    return select(errand, firing.c.version, stopped.label("stopped")).join(
        firing, firing.c.id == errand.c.firing_id
    )


def _view(row: Row[Any]) -> ErrandView:
    return ErrandView(
        id=row.id,
        series_id=row.series_id,
        kind=row.kind,
        rule=row.rule,
        channel=row.channel,
        event=row.what.get("event", ""),
        text=row.what.get("text", "") or f"{row.what.get('what', '')} to {row.what.get('to', '')}",
        version=row.version,
        state=row.state,
        attempts=row.attempts,
        created_at=row.created_at,
        next_at=row.next_at if row.state == WAITING else None,
        stopped=row.stopped,
        tried_at=row.tried_at,
        done_at=row.done_at,
        answer=row.answer,
        replaces=row.replaces,
    )
