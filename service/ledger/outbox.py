"""The outbox: built results that wait for their destinations, with exponential back-off."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import exists, func, or_, select, update

from service.ledger.events import note_event
from service.ledger.leases import Worker
from service.ledger.states import DeliveryState, SeriesState
from service.ledger.tables import outbox, series

FIRST_RETRY_S = 2.0
LONGEST_RETRY_S = 300.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One claimed outbox row."""

    id: int
    series_id: str
    kind: str
    sop_instance_uid: str
    name: str  # its sealed file
    attempt: int
    attempts: int  # sendings that failed before
    created_at: float


def retry_after(attempts: int) -> float:
    """Seconds to wait after the given number of failed sendings (1, 2, ...)."""
    return float(min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(attempts - 1, 20)))


class Outbox:
    """Hands out what is due for a destination and takes its answers."""

    def __init__(self, worker: Worker, *, give_up_s: float) -> None:
        self._worker = worker
        self._give_up_s = give_up_s

    def claim(self, destination: str, limit: int) -> list[Delivery]:
        """Claim what is due for a destination: oldest series first, in each the SR first."""
        now = self._worker.clock()
        due = (
            (outbox.c.destination == destination)
            & (outbox.c.state == DeliveryState.WAITING)
            & (outbox.c.next_at <= now)
            & (outbox.c.lease_until < now)
        )
        before = (
            outbox.alias()
        )  # a report under way, or waiting for its next try, holds back what belongs to it
        due &= ~exists().where(
            before.c.series_id == outbox.c.series_id,
            before.c.destination == outbox.c.destination,
            before.c.rank < outbox.c.rank,
            before.c.state == DeliveryState.WAITING,
            or_(before.c.next_at > now, before.c.lease_until >= now),
        )
        with self._worker.database.read() as connection:
            if connection.execute(select(outbox.c.id).where(due).limit(1)).first() is None:
                return []
        with self._worker.database.write() as connection:
            rows = connection.execute(
                select(outbox)
                .where(due)
                .order_by(outbox.c.created_at, outbox.c.rank, outbox.c.id)
                .limit(limit)
                .with_for_update(of=outbox, skip_locked=True)
            ).all()
            connection.execute(
                update(outbox)
                .where(outbox.c.id.in_([row.id for row in rows]))
                .values(
                    lease_owner=self._worker.owner,
                    lease_until=now + self._worker.lease_s,
                    attempt=outbox.c.attempt + 1,
                )
            )
        return [
            Delivery(
                id=row.id,
                series_id=row.series_id,
                kind=row.kind,
                sop_instance_uid=row.sop_instance_uid,
                name=row.name,
                attempt=row.attempt + 1,
                attempts=row.attempts,
                created_at=row.created_at,
            )
            for row in rows
        ]

    def holding(self, items: Sequence[Delivery]) -> AbstractContextManager[None]:
        """Keep claimed rows for as long as the block lasts."""
        return self._worker.holding(outbox, [item.id for item in items])

    def delivered(self, item: Delivery, answer: str) -> None:
        """Note that the destination took the object; the last one ends the generation's way."""
        now = self._worker.clock()
        with self._worker.database.write() as connection:
            # Held, so that of two last objects to two destinations one sees the other delivered.
            connection.execute(select(series.c.id).where(series.c.id == item.series_id).with_for_update())
            connection.execute(
                update(outbox)
                .where(outbox.c.id == item.id)  # unfenced: what the destination took stays taken
                .values(
                    state=DeliveryState.SENT,
                    sent_at=now,
                    attempts=item.attempts + 1,
                    answer=answer,
                    lease_until=0.0,
                )
            )
            open_rows = connection.scalar(
                select(func.count()).where(
                    outbox.c.series_id == item.series_id, outbox.c.state != DeliveryState.SENT
                )
            )
            if not open_rows:
                connection.execute(
                    update(series)
                    .where(series.c.id == item.series_id, series.c.state == SeriesState.REPORTED)
                    .values(state=SeriesState.DELIVERED)
                )
            note_event(connection, now, "delivery", item.series_id, {"kind": item.kind, "state": "sent"})

    def failed(self, item: Delivery, answer: str) -> DeliveryState:
        """Note that a sending failed: it is tried again later, and set aside for a person after `give_up_s`."""
        now = self._worker.clock()
        attempts = item.attempts + 1
        dead = now - item.created_at > self._give_up_s
        state = DeliveryState.DEAD if dead else DeliveryState.WAITING
        with self._worker.database.write() as connection:
            connection.execute(
                update(outbox)
                .where(
                    outbox.c.id == item.id,
                    outbox.c.lease_owner == self._worker.owner,
                    outbox.c.attempt == item.attempt,
                )
                .values(
                    state=state,
                    attempts=attempts,
                    answer=answer,
                    next_at=now + retry_after(attempts),
                    lease_until=0.0,
                )
            )
            if attempts == 1 or dead:  # a peer that stays away is news once
                note_event(connection, now, "delivery", item.series_id, {"kind": item.kind, "state": state})
        return state
