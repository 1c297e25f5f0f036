"""Sealed identities: sealed anew with another key, looked up, and let go when their time is over."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, case, delete, exists, func, or_, select, update

from service.ledger.database import Database, lock_all
from service.ledger.locks import hold_generations
from service.ledger.states import OUTSTANDING, DeliveryState, SeriesState
from service.ledger.tables import instance, outbox, series, slice_, vault

BATCH = 200
LATELY_S = 86400.0
PURGED = "purged on request"


@dataclass(frozen=True, slots=True)
class SealedValue:
    """A sealed value and the name of its place."""

    row: str | int
    name: str  # keyed UID
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """A series that somebody asked for by a pseudonym or a keyed UID."""

    uid: str  # keyed, as the next two
    study_uid: str
    patient: str
    delivered: bool  # nothing of it waits to be scored, reported or delivered
    header: bytes | None  # sealed; None where the vault has let it go


@dataclass(frozen=True, slots=True)
class Leftovers:
    """The files that must go after their rows."""

    images: tuple[str, ...]
    results: tuple[str, ...]


class Identities:
    """The sealed columns of the ledger."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def newest_head(self) -> bytes | None:
        """Give the first bytes of the header that was sealed last, which name its key."""
        newest = select(func.substr(vault.c.sealed, 1, 8)).order_by(vault.c.created_at.desc()).limit(1)
        with self._database.read() as connection:
            return connection.scalar(newest)

    def headers(self) -> Iterator[SealedValue]:
        """Give every sealed header, a few at a time."""
        last = ""
        while True:
            with self._database.read() as connection:
                rows = connection.execute(
                    select(vault.c.uid, vault.c.sealed)
                    .where(vault.c.uid > last)
                    .order_by(vault.c.uid)
                    .limit(BATCH)
                ).all()
            if not rows:
                return
            yield from (SealedValue(row.uid, row.uid, row.sealed) for row in rows)
            last = rows[-1].uid

    def references(self) -> Iterator[SealedValue]:
        """Give every sealed reference, a few at a time."""
        last = 0
        columns = (instance.c.id, instance.c.sop_instance_uid, instance.c.reference)
        while True:
            with self._database.read() as connection:
                rows = connection.execute(
                    select(*columns).where(instance.c.id > last).order_by(instance.c.id).limit(BATCH)
                ).all()
            if not rows:
                return
            yield from (
                SealedValue(row.id, row.sop_instance_uid, row.reference) for row in rows if row.reference
            )
            last = rows[-1].id

    def header_resealed(self, value: SealedValue, sealed: bytes) -> None:
        """Put a header that was sealed anew in the place of the same one."""
        with self._database.write() as connection:
            connection.execute(
                update(vault)
                .where(vault.c.uid == value.row, vault.c.sealed == value.sealed)
                .values(sealed=sealed)
            )

    def reference_resealed(self, value: SealedValue, sealed: bytes) -> None:
        """Put a reference that was sealed anew in the place of the same one."""
        with self._database.write() as connection:
            connection.execute(
                update(instance)
                .where(instance.c.id == value.row, instance.c.reference == value.sealed)
                .values(reference=sealed)
            )

    def due(self, before: float, limit: int) -> list[str]:
        """Give delivered series, the oldest first, whose identity may go: nothing came or left since then."""
        with self._database.read() as connection:
            oldest = _due(before).order_by(func.max(series.c.last_instance_at)).limit(limit)
            return list(connection.scalars(oldest))

    def forget(self, series_uid: str, before: float) -> Leftovers:
        """Let the identity of a series go, with its built results; nothing goes if it is not `due` any more."""
        with self._database.write() as connection:
            lock_all(connection, {series_uid})
            if connection.scalar(_due(before).where(series.c.uid == series_uid)) is None:
                return Leftovers((), ())
            return Leftovers((), _forget(connection, series_uid))

    def find(self, name: str) -> list[Found]:
        """Find series by a patient's pseudonym or by the keyed UID of a study, a series or an instance."""
        of_instance = select(instance.c.series_uid).where(instance.c.sop_instance_uid == name)
        asked = or_(
            series.c.patient == name,
            series.c.study_uid == name,
            series.c.uid == name,
            series.c.uid.in_(of_instance),
        )
        waiting = func.sum(case((series.c.state == SeriesState.DELIVERED, 0), else_=1))
        with self._database.read() as connection:
            rows = connection.execute(
                select(series.c.uid, series.c.study_uid, series.c.patient, waiting.label("waiting"))
                .where(asked)
                .group_by(series.c.uid, series.c.study_uid, series.c.patient)
                .order_by(series.c.uid)
            ).all()
            kept = select(vault.c.uid, vault.c.sealed).where(vault.c.uid.in_([row.uid for row in rows]))
            headers = {row.uid: row.sealed for row in connection.execute(kept)}
        return [
            Found(row.uid, row.study_uid, row.patient, not row.waiting, headers.get(row.uid)) for row in rows
        ]

    def header_of(self, series_id: str) -> SealedValue | None:
        """Give the sealed header of a generation's series; None where there is none, or it was let go."""
        with self._database.read() as connection:
            row = connection.execute(
                select(vault.c.uid, vault.c.sealed)
                .join(series, series.c.uid == vault.c.uid)
                .where(series.c.id == series_id)
            ).first()
        return None if row is None else SealedValue(row.uid, row.uid, row.sealed)

    def headers_of(self, series_ids: Collection[str]) -> Iterator[SealedValue]:
        """Give the sealed headers of the series of generations, a few at a time."""
        ids = sorted(series_ids)
        for start in range(0, len(ids), BATCH):
            with self._database.read() as connection:
                rows = connection.execute(
                    select(vault.c.uid, vault.c.sealed)
                    .join(series, series.c.uid == vault.c.uid)
                    .where(series.c.id.in_(ids[start : start + BATCH]))
                    .distinct()
                ).all()
            yield from (SealedValue(row.uid, row.uid, row.sealed) for row in rows)

    def lately(self) -> Iterator[SealedValue]:
        """Give a sealed header of each patient of whom a series began within a day of the last one."""
        newest = select(func.max(series.c.opened_at) - LATELY_S).scalar_subquery()
        query = (
            select(func.max(series.c.id))
            .where(series.c.opened_at >= newest, exists().where(vault.c.uid == series.c.uid))
            .group_by(series.c.patient)
        )
        with self._database.read() as connection:
            ids = list(connection.scalars(query))
        return self.headers_of(ids)

    def purge(self, series_uid: str) -> Leftovers:
        """Let everything of a series go that could tell who it is of, its pixels too, whatever still waits.

        The ledger then knows none of its instances any more: sent again, they come in as new ones.
        """
        with self._database.write() as connection:
            lock_all(connection, {series_uid})
            hold_generations(connection, series.c.uid == series_uid)
            generations = select(series.c.id).where(series.c.uid == series_uid)
            connection.execute(
                update(outbox)
                .where(outbox.c.series_id.in_(generations), outbox.c.state.in_(OUTSTANDING))
                .values(state=DeliveryState.DEAD, answer=PURGED, lease_until=0.0)
            )
            connection.execute(
                update(series)
                .where(series.c.uid == series_uid)
                .values(state=SeriesState.DELIVERED, lease_until=0.0)
            )
            results = _forget(connection, series_uid)
            connection.execute(delete(slice_).where(slice_.c.series_uid == series_uid))
            images = connection.scalars(
                delete(instance).where(instance.c.series_uid == series_uid).returning(instance.c.spool_name)
            ).all()
            return Leftovers(tuple(images), results)


def _forget(connection: Connection, series_uid: str) -> tuple[str, ...]:
    own = select(instance.c.sop_instance_uid).where(instance.c.series_uid == series_uid)
    connection.execute(delete(vault).where(or_(vault.c.uid == series_uid, vault.c.uid.in_(own))))
    connection.execute(update(instance).where(instance.c.series_uid == series_uid).values(reference=b""))
    drop_masks(connection, series_uid)
    results = connection.scalars(
        select(outbox.c.name)
        .join(series, series.c.id == outbox.c.series_id)
        .where(series.c.uid == series_uid)
    ).all()
    return tuple(results)


def drop_masks(connection: Connection, series_uid: str) -> None:
    """Let the masks of a series go once nothing is laid under them: neither pixels nor who it is of are kept."""
    named = exists().where(vault.c.uid == series_uid)
    kept = exists().where(instance.c.series_uid == series_uid, instance.c.swept.is_(False))
    connection.execute(
        update(slice_)
        .where(slice_.c.series_uid == series_uid, slice_.c.masks.is_not(None), ~named, ~kept)
        .values(masks=None)
    )


def _due(before: float) -> Select[Any]:
    sent_since = (
        exists().where(outbox.c.series_id == series.c.id, outbox.c.sent_at >= before).correlate(series)
    )
    return (
        select(series.c.uid)
        .where(exists().where(vault.c.uid == series.c.uid))
        .group_by(series.c.uid)
        .having(
            func.sum(case((series.c.state == SeriesState.DELIVERED, 0), else_=1)) == 0,
            func.sum(case((sent_since, 1), else_=0)) == 0,
            func.max(series.c.last_instance_at) < before,
        )
    )
