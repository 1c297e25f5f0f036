"""The desk: what people do about deliveries; each deed stands with its reason in the event table, and stays there."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, and_, func, insert, select, true, update

from service.ledger.database import Database, lock_all
from service.ledger.events import note_event
from service.ledger.locks import hold_deliveries
from service.ledger.outbox import close_settled
from service.ledger.states import OUTSTANDING, DeliveryState, SeriesState
from service.ledger.tables import event, outbox, series
from service.ledger.tables_desk import deed as deeds
from service.ledger_views import DeedView, DeliverySelection

_Id = TypeVar("_Id", int, str)

AT_ONCE = 500  # rows of a statement
DEED = "decision"  # kind of the events that tell of what people did
BY_STAFF = "held by staff"
THERE_ALREADY = "moved where it lies already"


@dataclass(frozen=True, slots=True)
class Selected:
    """One delivery that a deed is about."""

    id: int
    series_id: str
    state: DeliveryState
    kind: str
    name: str  # its sealed file


class KeyUsed(ValueError):
    """This Idempotency-Key came with another request before."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Who did something, and why."""

    what: str
    by: str
    reason: str
    key: str = field(default_factory=lambda: str(uuid4()))  # of the request: the same one again counts once
    request: str = ""  # a digest of what was asked


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a deed."""

    changed: int
    left: int  # selected, but their built objects have been let go


# What each deed applies to, and what it makes of it.
APPLIES: Mapping[str, frozenset[DeliveryState]] = {
    "resend": frozenset(DeliveryState)
    - {DeliveryState.GATHERING, DeliveryState.HELD, DeliveryState.SUPERSEDED, DeliveryState.DISCARDED},
    "hold": frozenset({DeliveryState.GATHERING, DeliveryState.WAITING, DeliveryState.DEAD}),
    "release": frozenset({DeliveryState.HELD}),
    "discard": OUTSTANDING,
    "move": OUTSTANDING,
}


class Desk:
    """Where people look after deliveries."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def done_before(self, deed: Deed) -> Done | None:
        """Give what came of this very request when it came before. Raises KeyUsed where it was another one."""
        with self._database.read() as connection:
            return _done_before(connection, deed)

    def noted(self, deed: Deed, done: Done) -> Done:
        """Write down what came of a deed; of one that came twice meanwhile the first stands. Raises KeyUsed."""
        with self._database.write() as connection:
            lock_all(connection, [f"deed {deed.by}"])
            before = _done_before(connection, deed)
            if before is not None:
                return before
            row = {name: getattr(deed, name) for name in ("what", "by", "reason", "key", "request")}
            row |= {"at": self._clock(), "changed": done.changed, "left": done.left}
            connection.execute(insert(deeds), row)
        return done

    def latest(self, limit: int) -> list[DeedView]:
        """Give what people did last, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(deeds).order_by(deeds.c.at.desc()).limit(limit)).all()
        return [DeedView(row.what, row.by, row.at, row.reason, row.changed, row.left) for row in rows]

    def history(self, delivery: int) -> tuple[str, list[DeedView]] | None:
        """Give the series of a delivery, and what people did to it, oldest first; None where there is none."""
        with self._database.read() as connection:
            series_id = connection.scalar(select(outbox.c.series_id).where(outbox.c.id == delivery))
            if series_id is None:
                return None
            mine = (event.c.series_id == series_id) & (event.c.kind == DEED)
            rows = connection.execute(select(event.c.at, event.c.data).where(mine).order_by(event.c.id)).all()
        told = [
            DeedView(row.data["deed"], row.data["by"], row.at, row.data["reason"])
            for row in rows
            if delivery in row.data.get("deliveries", ())
        ]
        return series_id, told

    def counts(self) -> dict[tuple[str, str], int]:
        """Count all deliveries by destination and state."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(outbox.c.destination, outbox.c.state, func.count()).group_by(
                    outbox.c.destination, outbox.c.state
                )
            ).all()
        return {(str(destination), str(state)): int(count) for destination, state, count in rows}

    def selected(self, selection: DeliverySelection, what: str) -> list[Selected]:
        """Give the deliveries of a selection to which a deed applies."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(outbox.c.id, outbox.c.series_id, outbox.c.state, outbox.c.kind, outbox.c.name)
                .where(chosen(selection), applies(what))
                .order_by(outbox.c.id)
            ).all()
        return [Selected(row.id, row.series_id, DeliveryState(row.state), row.kind, row.name) for row in rows]

    def resend(self, ids: Sequence[int], deed: Deed) -> int:
        """Let deliveries leave now, also those that were taken before; gives how many."""
        now = self._clock()
        values = {"state": DeliveryState.WAITING, "next_at": now, "renewed_at": now, "reason": ""}
        return self._done(ids, deed, values)

    def hold(self, ids: Sequence[int], deed: Deed) -> int:
        """Let deliveries stay until they are released; gives how many."""
        return self._done(ids, deed, {"state": DeliveryState.HELD, "reason": BY_STAFF})

    def release(self, ids: Sequence[int], deed: Deed) -> int:
        """Let held deliveries leave, whatever their destination knows of their study; gives how many."""
        now = self._clock()
        values = {"state": DeliveryState.WAITING, "next_at": now, "renewed_at": now, "reason": ""}
        return self._done(ids, deed, values | {"released": True})

    def discard(self, ids: Sequence[int], deed: Deed) -> int:
        """Let deliveries never leave; gives how many."""
        return self._done(ids, deed, {"state": DeliveryState.DISCARDED, "reason": "discarded by staff"})

    def move(self, ids: Sequence[int], to: str, deed: Deed) -> int:
        """Let deliveries go to another destination, at once; what lies there already does not go twice."""
        now = self._clock()
        there = outbox.alias()
        double = (
            select(there.c.id)
            .where(there.c.destination == to, there.c.sop_instance_uid == outbox.c.sop_instance_uid)
            .exists()
        )
        moved = 0
        with self._database.write() as connection:
            hold_deliveries(connection, outbox.c.id.in_(ids))
            for batch in _batches(ids):
                mine = outbox.c.id.in_(batch) & applies("move")
                settled = {"state": DeliveryState.SUPERSEDED, "reason": THERE_ALREADY} | _let_go()
                connection.execute(update(outbox).where(mine, double).values(settled))
                # What is held stays held; what was only not committed elsewhere is sent here.
                fresh = {"destination": to, "next_at": now, "renewed_at": now, "attempts": 0, "answer": ""}
                held = outbox.c.state == DeliveryState.HELD
                waits = {"state": DeliveryState.WAITING} | fresh | _let_go()
                moved += connection.execute(
                    update(outbox).where(mine, held).values(fresh | _let_go())
                ).rowcount
                moved += connection.execute(update(outbox).where(mine, ~held).values(waits)).rowcount
                self._note(connection, batch, deed)
        return moved

    def strays(self, known: Collection[str]) -> dict[str, int]:
        """Count what is outstanding for destinations that are not known, by their names."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(outbox.c.destination, func.count())
                .where(outbox.c.state.in_(OUTSTANDING), outbox.c.destination.not_in(sorted(known)))
                .group_by(outbox.c.destination)
            ).all()
        return {str(name): int(count) for name, count in rows}

    def outstanding(self) -> dict[tuple[str, str], int]:
        """Count what is outstanding, by destination and state."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(outbox.c.destination, outbox.c.state, func.count())
                .where(outbox.c.state.in_(OUTSTANDING))
                .group_by(outbox.c.destination, outbox.c.state)
            ).all()
        return {(str(destination), str(state)): int(count) for destination, state, count in rows}

    def _done(self, ids: Sequence[int], deed: Deed, values: Mapping[str, object]) -> int:
        """Change the deliveries to which a deed applies still."""
        changed = 0
        with self._database.write() as connection:
            hold_deliveries(connection, outbox.c.id.in_(ids))
            for batch in _batches(ids):
                rows = connection.execute(
                    update(outbox)
                    .where(outbox.c.id.in_(batch), applies(deed.what))
                    .values(dict(values) | _let_go())
                    .returning(outbox.c.id)
                ).all()
                changed += len(rows)
                self._note(connection, [row.id for row in rows], deed)
        return changed

    def _note(self, connection: Connection, ids: Sequence[int], deed: Deed) -> None:
        """Open or end the way of the generations that are touched, and write who did what to them, and why."""
        rows = connection.execute(
            select(outbox.c.series_id, outbox.c.id).where(outbox.c.id.in_(ids)).order_by(outbox.c.id)
        ).all()
        touched: dict[str, list[int]] = {}
        for row in rows:
            touched.setdefault(row.series_id, []).append(row.id)
        outstanding = select(outbox.c.series_id).where(outbox.c.state.in_(OUTSTANDING))
        connection.execute(
            update(series)
            .where(
                series.c.id.in_(sorted(touched)),
                series.c.state == SeriesState.DELIVERED,
                series.c.id.in_(outstanding),
            )
            .values(state=SeriesState.REPORTED)
        )
        close_settled(connection, touched)
        told = {"deed": deed.what, "by": deed.by, "reason": deed.reason}
        for series_id, deliveries in sorted(touched.items()):
            note_event(connection, self._clock(), DEED, series_id, told | {"deliveries": deliveries})


def _done_before(connection: Connection, deed: Deed) -> Done | None:
    row = connection.execute(select(deeds).where(deeds.c.by == deed.by, deeds.c.key == deed.key)).first()
    if row is None:
        return None
    if row.request != deed.request:
        raise KeyUsed(KeyUsed.__doc__)
    return Done(row.changed, row.left)


def applies(what: str) -> ColumnElement[bool]:
    """Give to which deliveries a deed applies; what stands under a former identity is not sent any more."""
    fits = outbox.c.state.in_(APPLIES[what])
    return fits & outbox.c.former_identity.is_(False) if what in {"resend", "release", "move"} else fits


def chosen(selection: DeliverySelection) -> ColumnElement[bool]:
    """Give a selection as a condition on the outbox."""
    given: list[ColumnElement[bool]] = []
    if selection.ids:
        given.append(outbox.c.id.in_(selection.ids))
    if selection.destination is not None:
        given.append(outbox.c.destination == selection.destination)
    if selection.state is not None:
        given.append(outbox.c.state == selection.state)
    if selection.series_id is not None:
        given.append(outbox.c.series_id == selection.series_id)
    if selection.kind is not None:
        given.append(outbox.c.kind == selection.kind)
    if selection.before is not None:
        given.append(outbox.c.created_at < selection.before)
    return and_(true(), *given)


def _let_go() -> dict[str, object]:
    """Take a row out of the hands of whoever carries it."""
    return {"lease_until": 0.0, "attempt": outbox.c.attempt + 1}


def _batches(ids: Sequence[_Id]) -> Iterator[list[_Id]]:
    for start in range(0, len(ids), AT_ONCE):
        yield list(ids[start : start + AT_ONCE])
