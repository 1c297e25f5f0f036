"""Keeping the house: signs of life, the key that fits, spool and ledger agreeing, pixels that leave."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Select, case, delete, exists, func, insert, select, update

from inference.text import Text
from service.ledger.database import Database, lock_all
from service.ledger.identities import drop_masks
from service.ledger.states import SeriesState, SliceState
from service.ledger.tables import (
    commitment,
    exam,
    exam_series,
    installation,
    instance,
    metadata,
    outbox,
    part,
    series,
    slice_,
)

BATCH = 500
FORGOTTEN_S = 600.0  # a part that was silent for so long is not listed any more
_GONE = Text("the file is gone from the spool", "die Datei ist nicht mehr im Zwischenspeicher")


@dataclass(frozen=True, slots=True)
class Installation:
    """This site: an opaque id, and the fingerprint of the key that sealed its vault."""

    id: str
    key_fingerprint: str


class Upkeep:
    """What is done at start and now and then."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def installation(self) -> Installation | None:
        """Give this site's entry, or None before the first start."""
        with self._database.read() as connection:
            row = connection.execute(select(installation)).first()
        return None if row is None else Installation(row.id, row.key_fingerprint)

    def install(self, key_fingerprint: str) -> Installation:
        """Make this site's entry unless another process was faster; gives the one that stands."""
        with self._database.write() as connection:
            lock_all(connection, {"installation"})
            if connection.execute(select(installation)).first() is None:
                row = {"id": str(uuid4()), "key_fingerprint": key_fingerprint, "created_at": self._clock()}
                connection.execute(insert(installation), row)
        made = self.installation()
        assert made is not None
        return made

    def alive(self, name: str, pid: int, started_at: float, facts: Mapping[str, Any]) -> None:
        """Note a part's sign of life."""
        now = self._clock()
        row = {
            "name": name,
            "pid": pid,
            "started_at": started_at,
            "beat_at": now,
            "facts": dict(facts),
        }
        with self._database.write() as connection:
            connection.execute(delete(part).where(part.c.beat_at < now - FORGOTTEN_S))
            changed = connection.execute(update(part).where(part.c.name == name).values(row))
            if changed.rowcount == 0:
                connection.execute(insert(part), row)

    def gone(self, name: str) -> None:
        """Note that a part has stopped."""
        with self._database.write() as connection:
            connection.execute(delete(part).where(part.c.name == name))

    def sizes(self) -> dict[str, int]:
        """Count the rows of every table."""
        with self._database.read() as connection:
            return {
                name: int(connection.scalar(select(func.count()).select_from(table)) or 0)
                for name, table in sorted(metadata.tables.items())
            }

    def spooled(self) -> list[str]:
        """Give the spool names of all instances whose pixels should be there."""
        with self._database.read() as connection:
            return list(
                connection.scalars(
                    select(instance.c.spool_name).where(
                        instance.c.swept.is_(False), instance.c.lost.is_(False)
                    )
                )
            )

    def lost(self, spool_name: str) -> None:
        """Note that the file of an instance is gone.

        Its unscored slices count as unreadable, so that the series still ends with a result.
        """
        with self._database.write() as connection:
            ids = connection.scalars(select(instance.c.id).where(instance.c.spool_name == spool_name)).all()
            connection.execute(update(instance).where(instance.c.id.in_(ids)).values(lost=True))
            connection.execute(
                update(slice_)
                .where(slice_.c.instance_id.in_(ids), slice_.c.state == SliceState.WAITING)
                .values(state=SliceState.UNREADABLE, reason=_GONE, reason_de=_GONE.de)
            )

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Give those of the names that no instance has: files of instances that were never acknowledged."""
        asked = list(names)
        with self._database.read() as connection:
            known = {
                name
                for start in range(0, len(asked), BATCH)
                for name in connection.scalars(
                    select(instance.c.spool_name).where(
                        instance.c.spool_name.in_(asked[start : start + BATCH])
                    )
                )
            }
        return [name for name in asked if name not in known]

    def outlived(self, before: float, limit: int) -> list[str]:
        """Give delivered series, the oldest first, whose pixels may leave: last seen before the given time."""
        with self._database.read() as connection:
            return list(
                connection.scalars(
                    _outlived(before).order_by(func.max(series.c.last_instance_at)).limit(limit)
                )
            )

    def swept(self, series_uid: str, before: float) -> tuple[list[str], list[str]]:
        """Note that the pixels of a series leave; gives the files that must now go, of images and of results.

        None go where the series is not `outlived` any more: an image came in between.
        """
        with self._database.write() as connection:
            lock_all(connection, {series_uid})
            if connection.scalar(_outlived(before).where(series.c.uid == series_uid)) is None:
                return [], []
            names = connection.scalars(
                update(instance)
                .where(instance.c.series_uid == series_uid, instance.c.swept.is_(False))
                .values(swept=True)
                .returning(instance.c.spool_name)
            ).all()
            drop_masks(connection, series_uid)
            parcels = connection.scalars(
                select(outbox.c.name)
                .join(series, series.c.id == outbox.c.series_id)
                .where(series.c.uid == series_uid)
            ).all()
        return list(names), list(parcels)

    def erased(self) -> list[str]:
        """Give the files of instances that are erased: what comes again after that must go again."""
        ids = select(slice_.c.instance_id).where(slice_.c.state == SliceState.ERASED)
        with self._database.write() as connection:
            return list(
                connection.scalars(
                    update(instance)
                    .where(instance.c.id.in_(ids))
                    .values(swept=True)
                    .returning(instance.c.spool_name)
                )
            )

    def forget_talk(self, before: float) -> None:
        """Drop the procedure steps that scanners told of, and the commitments asked of archives, before a time."""
        old = select(exam.c.uid).where(exam.c.opened_at < before)
        with self._database.write() as connection:
            connection.execute(delete(exam_series).where(exam_series.c.exam_uid.in_(old)))
            connection.execute(delete(exam).where(exam.c.opened_at < before))
            connection.execute(delete(commitment).where(commitment.c.asked_at < before))


def _outlived(before: float) -> Select[Any]:
    return (
        select(series.c.uid)
        .where(exists().where(instance.c.series_uid == series.c.uid, instance.c.swept.is_(False)))
        .group_by(series.c.uid)
        .having(
            func.sum(case((series.c.state == SeriesState.DELIVERED, 0), else_=1)) == 0,
            func.max(series.c.last_instance_at) < before,
        )
    )
