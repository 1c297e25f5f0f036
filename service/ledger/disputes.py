"""Series whose results wait for a person: two images under one UID, or images of more than one patient."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, delete, insert, select, update

from service.ledger.database import Database, lock_all
from service.ledger.events import note_event
from service.ledger.locks import hold_generations
from service.ledger.repeats import newer_generation
from service.ledger.reports import held
from service.ledger.states import OPEN, SeriesState, SliceState
from service.ledger.tables import instance, scanner, series, slice_

Keep = Literal["first", "last"]


class NoDispute(Exception):
    """No decision is waited for on a series of this id."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """A series that waits for a decision."""

    id: str
    scanner: str
    series_number: int | None
    opened_at: float  # s since the epoch
    images: int  # SOP Instance UIDs that came with more than one image
    bearers: int  # how many identities its images came under


@dataclass(frozen=True, slots=True)
class Pair:
    """Two contents under one SOP Instance UID, instances by row: one stands, the other came after it."""

    series_uid: str
    standing: int
    standing_name: str  # its file in the spool
    further: int
    further_name: str


class Disputes:
    """What is disputed, and how a person decided."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def open(self) -> list[Dispute]:
        """Give the series that wait, the oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(series, scanner.c.name.label("scanner"))
                .join(scanner, scanner.c.id == series.c.scanner_id)
                .where(held(), ~newer_generation())
                .order_by(series.c.opened_at)
            ).all()
            return [
                Dispute(
                    id=row.id,
                    scanner=row.scanner,
                    series_number=row.series_number,
                    opened_at=row.opened_at,
                    images=len(_disputed(connection, row.uid)),
                    bearers=_bearers(connection, row.uid),
                )
                for row in rows
            ]

    def decided(self, series_id: str, keep: Keep, by: str) -> None:
        """Let the first or the last image stand under each UID, and all images be of whom the series is of now.

        The series is judged anew, and its results leave. Raises NoDispute and LedgerUnavailable.
        """
        now = self._clock()
        with self._database.write() as connection:
            found = connection.execute(
                select(series.c.uid, series.c.bearer).where(series.c.id == series_id, held())
            ).first()
            if found is None:
                raise NoDispute(NoDispute.__doc__)
            lock_all(connection, {found.uid})
            hold_generations(connection, series.c.uid == found.uid)
            for uid in _disputed(connection, found.uid):
                _keep(connection, uid, keep)
            connection.execute(
                update(instance).where(instance.c.series_uid == found.uid).values(bearer=found.bearer)
            )
            _over(connection, found.uid)
            note_event(connection, now, "decision", series_id, {"keep": keep, "by": by})

    def pairs(self) -> list[Pair]:
        """Give the contents that are in dispute; each was in the spool when it came."""
        standing, further = instance.alias(), instance.alias()
        disputed = select(series.c.uid).where(
            series.c.conflict, series.c.state.in_((*OPEN, SeriesState.COMPLETE))
        )
        with self._database.read() as connection:
            rows = connection.execute(
                select(
                    further.c.series_uid,
                    standing.c.id,
                    standing.c.spool_name,
                    further.c.id.label("further"),
                    further.c.spool_name.label("further_name"),
                )
                .join(standing, standing.c.sop_instance_uid == further.c.sop_instance_uid)
                .where(
                    further.c.series_uid.in_(disputed),
                    standing.c.series_uid == further.c.series_uid,
                    further.c.conflict,
                    standing.c.conflict.is_(False),
                )
                .order_by(further.c.id)
            ).all()
        return [Pair(row.series_uid, row.id, row.spool_name, row.further, row.further_name) for row in rows]

    def same(self, pair: Pair) -> None:
        """Let the further content of a pair count as a duplicate, of whom it came last; its file is a stray now."""
        now = self._clock()
        with self._database.write() as connection:
            lock_all(connection, {pair.series_uid})
            hold_generations(connection, series.c.uid == pair.series_uid)
            gone = connection.execute(
                delete(instance)
                .where(instance.c.id == pair.further, instance.c.conflict)
                .returning(instance.c.bearer, instance.c.reference)
            ).first()
            if gone is None:
                return
            connection.execute(
                update(instance)
                .where(instance.c.id == pair.standing)
                .values(bearer=gone.bearer, reference=gone.reference)
            )
            if not _disputed(connection, pair.series_uid):
                _over(connection, pair.series_uid)
            newest = select(series.c.id).where(series.c.uid == pair.series_uid, ~newer_generation())
            note_event(connection, now, "series", connection.scalar(newest) or "")


def _over(connection: Connection, series_uid: str) -> None:
    """End the dispute of a series: its last generation is judged anew."""
    connection.execute(update(series).where(series.c.uid == series_uid).values(conflict=False))
    connection.execute(
        update(series)
        .where(series.c.uid == series_uid, series.c.state == SeriesState.COMPLETE, ~newer_generation())
        .values(state=SeriesState.SETTLING, lease_until=0.0, attempt=series.c.attempt + 1)
    )


def _disputed(connection: Connection, series_uid: str) -> list[str]:
    """Give the SOP Instance UIDs of a series that came with more than one image."""
    return list(
        connection.scalars(
            select(instance.c.sop_instance_uid)
            .where(instance.c.series_uid == series_uid, instance.c.conflict)
            .distinct()
        )
    )


def _bearers(connection: Connection, series_uid: str) -> int:
    return len(set(connection.scalars(select(instance.c.bearer).where(instance.c.series_uid == series_uid))))


def _keep(connection: Connection, sop_instance_uid: str, keep: Keep) -> None:
    """Let one image stand under a UID; the others stay, and count for nothing."""
    rows = connection.execute(
        select(instance).where(instance.c.sop_instance_uid == sop_instance_uid).order_by(instance.c.id)
    ).all()
    chosen = rows[0] if keep == "first" else rows[-1]
    for row in rows:
        stands = row.id == chosen.id
        connection.execute(update(instance).where(instance.c.id == row.id).values(conflict=not stands))
        if not stands:
            connection.execute(delete(slice_).where(slice_.c.instance_id == row.id))
    known = connection.scalar(select(slice_.c.id).where(slice_.c.instance_id == chosen.id).limit(1))
    if known is None:
        connection.execute(
            insert(slice_),
            [
                {
                    "instance_id": chosen.id,
                    "series_uid": chosen.series_uid,
                    "frame": frame,
                    "state": SliceState.WAITING,
                }
                for frame in range(1, chosen.frames + 1)
            ],
        )
