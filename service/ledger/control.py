"""What people have stopped, and the acceptance by which a site in shadow mode goes live."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, select, update

from service.ledger.audit import note
from service.ledger.database import Database, lock_all
from service.ledger.locks import hold_deliveries
from service.ledger.states import DeliveryState, SliceState
from service.ledger.tables import outbox, slice_
from service.ledger.tables_control import acceptance, pause
from service.ledger.tables_rules import errand
from service.operating.audit_views import Entry
from service.operating.node_views import Acceptance, Pause

SCORING = "scoring"
TO = "to:"  # before the name of a destination


class Control:
    """Keeps what does not go on; `Outbox.claim` and `Scoring.claim` obey."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def pauses(self) -> list[Pause]:
        """Give what is stopped, each with what is still under way there."""
        now = self._clock()
        with self._database.read() as connection:
            rows = connection.execute(select(pause).order_by(pause.c.at, pause.c.what)).all()
            return [
                Pause(row.what, row.at, row.by, row.reason, _under_way(connection, row.what, now))
                for row in rows
            ]

    def paused(self, what: str, by: str, reason: str) -> bool:
        """Let something stop once what is under way is done; False where it has stopped already."""
        with self._database.write() as connection:
            lock_all(connection, ["pauses"])
            if connection.scalar(select(pause.c.what).where(pause.c.what == what)) is not None:
                return False
            row = {"what": what, "at": self._clock(), "by": by, "reason": reason}
            connection.execute(insert(pause), row)
            note(connection, self._clock(), Entry("paused", by, what, detail={"reason": reason}))
        return True

    def resumed(self, what: str, by: str) -> bool:
        """Let something go on; False where it was not stopped.

        What waited for a destination meanwhile, and what it was to send on, is tried for as long as if it were new.
        """
        now = self._clock()
        with self._database.write() as connection:
            lock_all(connection, ["pauses"])
            if connection.execute(delete(pause).where(pause.c.what == what)).rowcount == 0:
                return False
            if what.startswith(TO):
                waits = (outbox.c.destination == what.removeprefix(TO)) & (
                    outbox.c.state == DeliveryState.WAITING
                )
                hold_deliveries(connection, waits)
                connection.execute(update(outbox).where(waits).values(renewed_at=now))
                connection.execute(update(errand).where(_forwards(what)).values(renewed_at=now))
            note(connection, now, Entry("resumed", by, what))
        return True

    def standing(self) -> Acceptance | None:
        """Give the acceptance that stands."""
        with self._database.read() as connection:
            row = connection.execute(
                select(acceptance).where(acceptance.c.ended_at.is_(None)).order_by(acceptance.c.id.desc())
            ).first()
        return None if row is None else Acceptance(row.at, row.by, row.digest, row.told)

    def accepted(self, digest: str, told: Mapping[str, Any], by: str) -> Acceptance:
        """Note that a person accepts thresholds and model; what was accepted before ends."""
        now = self._clock()
        with self._database.write() as connection:
            lock_all(connection, ["acceptance"])
            _end(connection, now, by)
            row = {"at": now, "by": by, "digest": digest, "told": dict(told)}
            connection.execute(insert(acceptance), row)
            note(connection, now, Entry("thresholds and model accepted", by, digest))
        return Acceptance(now, by, digest, dict(told))

    def withdrawn(self, by: str) -> bool:
        """End the acceptance that stands; False where there is none."""
        with self._database.write() as connection:
            lock_all(connection, ["acceptance"])
            ended = _end(connection, self._clock(), by) > 0
            if ended:
                note(connection, self._clock(), Entry("acceptance withdrawn", by))
            return ended


def goes_on(what: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Tell, as a condition of a claim, that something is not stopped."""
    return ~exists().where(pause.c.what == what)


def _end(connection: Connection, now: float, by: str) -> int:
    standing = update(acceptance).where(acceptance.c.ended_at.is_(None))
    return connection.execute(standing.values(ended_at=now, ended_by=by)).rowcount


def _under_way(connection: Connection, what: str, now: float) -> int:
    if what == SCORING:
        query = select(func.count()).where(slice_.c.state == SliceState.WAITING, slice_.c.lease_until > now)
    else:
        query = select(func.count()).where(
            outbox.c.destination == what.removeprefix(TO),
            outbox.c.state.in_((DeliveryState.WAITING, DeliveryState.UNCOMMITTED)),
            outbox.c.lease_until > now,
        )
        sent_on = select(func.count()).where(_forwards(what), errand.c.lease_until > now)
        return int(connection.scalar(query) or 0) + int(connection.scalar(sent_on) or 0)
    return int(connection.scalar(query) or 0)


def _forwards(what: str) -> ColumnElement[bool]:
    """Give the orders of rules that a PACS sends on what it has, which wait."""
    here = errand.c.channel == what.removeprefix(TO)
    return here & (errand.c.kind == "forward") & (errand.c.state == "waiting")
