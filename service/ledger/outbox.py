"""The outbox: built results that wait for their destinations, with exponential back-off."""

import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, exists, insert, or_, select, update

from service.ledger.control import TO, goes_on
from service.ledger.events import note_event
from service.ledger.leases import Worker
from service.ledger.locks import hold_deliveries, hold_generations
from service.ledger.states import OUTSTANDING, UNSENT, DeliveryState, SeriesState
from service.ledger.tables import commitment, outbox, series

FIRST_RETRY_S = 2.0
LONGEST_RETRY_S = 48.0  # with its jitter no more than a minute: a destination that is back is noticed in one
JITTER = 0.25  # of the time, up or down: what failed together does not come back together
COMMITMENT_S = 600.0  # for a destination to say that it keeps what it took; then it is asked again
REPLACED = "a later generation took its place"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One claimed outbox row."""

    id: int
    series_id: str
    kind: str
    rank: int  # 0: the report, which goes first
    sop_instance_uid: str
    name: str  # its sealed file
    state: DeliveryState  # waiting, or uncommitted: it is only asked for again
    attempt: int
    attempts: int  # sendings that failed before
    created_at: float
    tried_since: float  # from when on it counts how long it is tried
    released: bool  # a person said that it leaves, whatever the destination knows of its study


def retry_after(attempts: int, chance: float = 0.5) -> float:
    """Seconds to wait after the given number of failed sendings (1, 2, ...); `chance` is 0..1."""
    longest = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(attempts - 1, 20))
    return longest * (1.0 + JITTER * (2.0 * chance - 1.0))


class Outbox:
    """Hands out what is due for a destination and takes its answers."""

    def __init__(
        self, worker: Worker, *, give_up_s: float, chance: Callable[[], float] = random.random
    ) -> None:
        self._worker = worker
        self._give_up_s = give_up_s
        self._chance = chance

    def claim(self, destination: str, limit: int) -> list[Delivery]:
        """Claim what is due for a destination: oldest series first, in each the SR first.

        Of a series the generations go in their order; what a later one replaces before it left does not go.
        Nothing goes while a person has the destination stopped.
        """
        now = self._worker.clock()
        here = outbox.c.destination == destination
        due = here & _is_due(now) & goes_on(TO + destination)
        with self._worker.database.read() as connection:
            if connection.execute(select(outbox.c.id).where(due).limit(1)).first() is None:
                return []
        with self._worker.database.write() as connection:
            _supersede(connection, destination, now)
            rows = connection.execute(
                select(outbox)
                .where(due, ~_is_behind(now))
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
        return [_delivery(row) for row in rows]

    def holding(self, items: Sequence[Delivery]) -> AbstractContextManager[None]:
        """Keep claimed rows for as long as the block lasts."""
        return self._worker.holding(outbox, [item.id for item in items])

    def delivered(self, item: Delivery, answer: str, *, kept: bool = True) -> None:
        """Note that the destination took the object; the last one ends the generation's way.

        With `kept` False it has yet to say that it keeps it.
        """
        now = self._worker.clock()
        state = DeliveryState.SENT if kept else DeliveryState.UNCOMMITTED
        with self._worker.database.write() as connection:
            hold_generations(connection, series.c.id == item.series_id)
            connection.execute(
                update(outbox)
                .where(outbox.c.id == item.id)  # unfenced: what the destination took stays taken
                .values(
                    state=state,
                    sent_at=now,
                    tried_at=now,
                    next_at=now + COMMITMENT_S,
                    attempts=item.attempts + 1,
                    answer=answer,
                    reason="",
                    lease_until=0.0,
                )
            )
            close_settled(connection, [item.series_id])
            note_event(connection, now, "delivery", item.series_id, {"kind": item.kind, "state": state})

    def failed(
        self, item: Delivery, answer: str, *, wait_s: float = 0.0, final: bool = False
    ) -> DeliveryState:
        """Note that a sending failed: it is tried again later, and set aside for a person after `give_up_s`.

        At once where it is `final`, and no earlier than in `wait_s` where the destination asks for that.
        """
        now = self._worker.clock()
        attempts = item.attempts + 1
        dead = final or now - item.tried_since > self._give_up_s
        state = DeliveryState.DEAD if dead else item.state
        with self._worker.database.write() as connection:
            changed = connection.execute(
                update(outbox)
                .where(self._is_ours(item))
                .values(
                    state=state,
                    attempts=attempts,
                    answer=answer,
                    tried_at=now,
                    next_at=now + max(wait_s, retry_after(attempts, self._chance())),
                    lease_until=0.0,
                )
            )
            if changed.rowcount and (attempts == 1 or dead):  # a peer that stays away is news once
                note_event(connection, now, "delivery", item.series_id, {"kind": item.kind, "state": state})
        return state

    def put_back(self, item: Delivery, wait_s: float = 0.0) -> None:
        """Let go of an object that did not get its turn; it is due again soon, or in `wait_s`."""
        next_at = self._worker.clock() + max(wait_s, retry_after(1, self._chance()))
        with self._worker.database.write() as connection:
            connection.execute(
                update(outbox).where(self._is_ours(item)).values(next_at=next_at, lease_until=0.0)
            )

    def held(self, item: Delivery, reason: str) -> None:
        """Note that a person has to decide whether the object leaves."""
        now = self._worker.clock()
        with self._worker.database.write() as connection:
            changed = connection.execute(
                update(outbox)
                .where(self._is_ours(item))
                .values(state=DeliveryState.HELD, reason=reason, tried_at=now, lease_until=0.0)
            )
            if changed.rowcount:
                told = {"kind": item.kind, "state": DeliveryState.HELD}
                note_event(connection, now, "delivery", item.series_id, told)

    def commitment_asked(self, transaction_uid: str, destination: str, items: Sequence[Delivery]) -> None:
        """Note that a destination is about to be asked whether it keeps what it took."""
        now = self._worker.clock()
        with self._worker.database.write() as connection:
            connection.execute(
                insert(commitment),
                {"transaction_uid": transaction_uid, "destination": destination, "asked_at": now},
            )
            connection.execute(
                update(outbox)
                .where(
                    outbox.c.id.in_([item.id for item in items]),
                    outbox.c.state == DeliveryState.UNCOMMITTED,
                )
                .values(next_at=now + COMMITMENT_S)
            )

    def _is_ours(self, item: Delivery) -> ColumnElement[bool]:
        return (
            (outbox.c.id == item.id)
            & (outbox.c.lease_owner == self._worker.owner)
            & (outbox.c.attempt == item.attempt)
            & (outbox.c.state == item.state)
        )


def close_settled(connection: Connection, series_ids: Iterable[str]) -> None:
    """End the way of reported generations of which nothing is outstanding any more."""
    ids = sorted(set(series_ids))
    # Held, so that of two last objects to two destinations one sees the other delivered.
    hold_generations(connection, series.c.id.in_(ids))
    connection.execute(
        update(series)
        .where(
            series.c.id.in_(ids),
            series.c.state == SeriesState.REPORTED,
            ~exists().where(outbox.c.series_id == series.c.id, outbox.c.state.in_(OUTSTANDING)),
        )
        .values(state=SeriesState.DELIVERED)
    )


def _is_due(now: float) -> ColumnElement[bool]:
    return (
        outbox.c.state.in_((DeliveryState.WAITING, DeliveryState.UNCOMMITTED))
        & (outbox.c.next_at <= now)
        & (outbox.c.lease_until < now)
    )


def _is_behind(now: float) -> ColumnElement[bool]:
    """Tell whether something else has to leave first: its report, or an earlier generation of its series."""
    before, earlier, own = outbox.alias(), series.alias(), series.alias()
    waits = (before.c.destination == outbox.c.destination) & (before.c.state == DeliveryState.WAITING)
    report = exists().where(
        waits,
        before.c.series_id == outbox.c.series_id,
        before.c.rank < outbox.c.rank,
        or_(before.c.next_at > now, before.c.lease_until >= now),
    )
    generation = exists().where(
        waits,
        before.c.series_id == earlier.c.id,
        own.c.id == outbox.c.series_id,
        earlier.c.uid == own.c.uid,
        earlier.c.generation < own.c.generation,
    )
    return (outbox.c.state == DeliveryState.WAITING) & (report | generation)


def _supersede(connection: Connection, destination: str, now: float) -> None:
    """Let nothing leave that a later generation replaces; where it was held, so is what takes its place.

    Images and manifests for research are not replaced: a later generation brings only what is new.
    """
    later, latest, own, manifest = outbox.alias(), series.alias(), series.alias(), outbox.alias()
    replacing = (
        (later.c.destination == destination)
        & (later.c.series_id == latest.c.id)
        & (own.c.id == outbox.c.series_id)
        & (latest.c.uid == own.c.uid)
        & (latest.c.generation > own.c.generation)
        & later.c.state.not_in((DeliveryState.DISCARDED, DeliveryState.SUPERSEDED))
    )
    query = (
        select(outbox.c.id, outbox.c.series_id, outbox.c.state, outbox.c.reason, own.c.uid)
        .join(own, own.c.id == outbox.c.series_id)
        .where(
            outbox.c.destination == destination,
            outbox.c.state.in_(UNSENT),
            outbox.c.lease_until < now,
            exists(select(later.c.id).join(latest, latest.c.id == later.c.series_id).where(replacing)),
            ~exists().where(
                manifest.c.destination == destination,
                manifest.c.series_id == outbox.c.series_id,
                manifest.c.kind == "MANIFEST",
            ),
        )
    )
    found = {row.uid for row in connection.execute(query).all()}
    if not found:
        return
    ids = connection.scalars(select(series.c.id).where(series.c.uid.in_(found))).all()
    of_found = outbox.c.series_id.in_(ids)
    hold_deliveries(connection, (outbox.c.destination == destination) & of_found)
    replaced = connection.execute(query.where(of_found)).all()  # as it is, now that nobody changes it
    for reason, uid in {(row.reason, row.uid) for row in replaced if row.state == DeliveryState.HELD}:
        of_series = select(series.c.id).where(series.c.uid == uid)
        connection.execute(
            update(outbox)
            .where(
                outbox.c.destination == destination,
                outbox.c.series_id.in_(of_series),
                outbox.c.state.in_((DeliveryState.GATHERING, DeliveryState.WAITING)),
                outbox.c.lease_until < now,
            )
            .values(state=DeliveryState.HELD, reason=reason)
        )
    if not replaced:
        return
    connection.execute(
        update(outbox)
        .where(outbox.c.id.in_([row.id for row in replaced]))
        .values(state=DeliveryState.SUPERSEDED, reason=REPLACED, attempt=outbox.c.attempt + 1)
    )
    generations = {row.series_id for row in replaced}
    close_settled(connection, generations)
    for series_id in sorted(generations):
        note_event(connection, now, "delivery", series_id, {"state": DeliveryState.SUPERSEDED})


def _delivery(row: Row[tuple[object, ...]]) -> Delivery:
    return Delivery(
        id=row.id,
        series_id=row.series_id,
        kind=row.kind,
        rank=row.rank,
        sop_instance_uid=row.sop_instance_uid,
        name=row.name,
        state=DeliveryState(row.state),
        attempt=row.attempt + 1,
        attempts=row.attempts,
        created_at=row.created_at,
        tried_since=max(row.created_at, row.renewed_at),
        released=row.released,
    )
