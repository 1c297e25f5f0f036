"""Where slices belong: noted before they are scored, so that of a long series in time only a sample is."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from inference.places import Part
from inference.stacks import Place, sample
from service.ledger.database import lock_all
from service.ledger.leases import Worker
from service.ledger.order import instance_order, place_of
from service.ledger.states import OPEN, SliceState
from service.ledger.tables import instance, series, slice_

IDS_AT_ONCE = 500  # in one statement
CHEAP_S = 0.1  # to look through a series; one that takes longer rests for so many times as long
REST = 9.0
LEFT_OUT = "other volumes of the series were scored"


@dataclass(frozen=True, slots=True)
class Unplaced:
    """One instance whose slices have no place yet."""

    instance_id: int
    series_uid: str
    spool_name: str
    frames: int


@dataclass(frozen=True, slots=True)
class Placed:
    """What an instance is made of; parts without a place stay whole, and scoring them says why."""

    item: Unplaced
    parts: Sequence[Part]


class Places:
    """Takes the places of slices, and leaves out what the sample of a series in time does not hold."""

    def __init__(self, worker: Worker, volumes: int) -> None:
        """Keep a ledger's room; `volumes` are scored of each kind and echo of a series at most."""
        self._worker = worker
        self._volumes = volumes
        self._grown: set[str] = (
            set()
        )  # series that have slices of which nobody knows yet whether they are scored
        self._resting: dict[
            str, float
        ] = {}  # long series, and until when they are not looked through (monotonic, s)

    def unplaced(self, limit: int) -> list[Unplaced]:
        """Give instances of open series whose slices have no place yet, the first to come first.

        No lease is needed: to read a header twice does no harm, and the first to write it wins.
        """
        with self._worker.database.read() as connection:
            rows = connection.execute(
                select(instance.c.id, instance.c.series_uid, instance.c.spool_name, instance.c.frames)
                .where(
                    instance.c.id.in_(
                        select(slice_.c.instance_id)
                        .join(series, series.c.uid == slice_.c.series_uid)
                        .where(
                            slice_.c.state == SliceState.WAITING,
                            slice_.c.place.is_(None),
                            series.c.state.in_(OPEN),
                        )
                    )
                )
                .order_by(instance.c.id)
                .limit(limit)
            ).all()
        return [Unplaced(row.id, row.series_uid, row.spool_name, row.frames) for row in rows]

    def placed(self, notes: Sequence[Placed]) -> None:
        """Note the places of slices, a row for each tile of a mosaic; they wait outside of the sample."""
        if notes:
            with self._worker.database.write() as connection:
                for note in notes:
                    _note(connection, note)
        for note in notes:
            self._grown.add(note.item.series_uid)

    def sampled(self) -> bool:
        """Take into the samples of series what came; tells whether anything was.

        To look through a long series costs time: most of it goes to other work.
        """
        found = False
        started = time.monotonic()
        self._resting = {uid: until for uid, until in self._resting.items() if until > started}
        for uid in self._grown - self._resting.keys():
            self._grown.discard(uid)
            found |= self._sample(uid, whole=False)
            ended = time.monotonic()
            if ended - started > CHEAP_S:
                self._resting[uid] = ended + REST * (ended - started)
            started = ended
        return found

    def completed(self, series_uid: str) -> bool:
        """Fill the sample of a series of which no more is expected; tells whether further slices wait now."""
        with self._worker.database.read() as connection:
            left_out = connection.execute(
                select(slice_.c.id)
                .where(slice_.c.series_uid == series_uid, slice_.c.state == SliceState.UNSAMPLED)
                .limit(1)
            ).first()
        return left_out is not None and self._sample(series_uid, whole=True)

    def of_series(self, series_uid: str, generation: int) -> list[Place | None] | None:
        """Give the places of all slices of a generation, in their order; None while some are not noted yet."""
        with self._worker.database.read() as connection:
            rows = _rows(connection, series_uid, generation)
        if any(row.place is None for row in rows):
            return None
        return [place_of(row.place) for row in rows]

    def _sample(self, uid: str, *, whole: bool) -> bool:
        """Choose what is scored besides what is chosen already; tells whether anything is, or all has changed.

        The series is looked through outside of the transaction that writes: the door waits for that one.
        """
        with self._worker.database.read() as connection:
            rows = [row for row in _rows(connection, uid) if row.place is not None]
            announced = _announced(connection, uid)
        taken = {n for n, row in enumerate(rows) if row.state != SliceState.UNSAMPLED}
        places = [place_of(row.place) for row in rows]
        chosen = sample(places, taken, self._volumes, whole=whole, announced=announced)
        ids = [rows[n].id for n in sorted(chosen - taken)]
        if not ids:
            return False
        with self._worker.database.write() as connection:
            lock_all(connection, {f"sample {uid}"})
            if _taken(connection, uid) == len(taken):  # else another worker has chosen meanwhile
                _wait(connection, ids)
        return True


def _note(connection: Connection, note: Placed) -> None:
    """Give the slices of an instance their places; a mosaic's row becomes its first tile, further ones follow.

    What has no place is for scoring to say so.
    """
    of_instance = (slice_.c.instance_id == note.item.instance_id) & slice_.c.place.is_(None)
    further: list[dict[str, Any]] = []
    for part in note.parts:
        place = {} if part.place is None else part.place.to_json()
        values: dict[str, Any] = {"tile": part.tile, "place": place}
        if place:
            values |= {"state": SliceState.UNSAMPLED, "reason": LEFT_OUT}
        if part.tile > 1:
            further.append({"state": SliceState.WAITING, "reason": ""} | values)
            continue
        waits = slice_.c.state == SliceState.WAITING
        written = connection.execute(
            update(slice_).where(of_instance, waits, slice_.c.frame == part.frame).values(values)
        )
        if not written.rowcount:  # somebody else was faster
            return
    if further:
        row = {"instance_id": note.item.instance_id, "series_uid": note.item.series_uid, "frame": 1}
        connection.execute(insert(slice_), [row | each for each in further])


def _taken(connection: Connection, series_uid: str) -> int:
    """Count the slices that are in the sample."""
    taken = (slice_.c.place.is_not(None)) & (slice_.c.state != SliceState.UNSAMPLED)
    counted = connection.scalar(select(func.count()).where(slice_.c.series_uid == series_uid, taken))
    return counted or 0


def _rows(
    connection: Connection, series_uid: str, generation: int | None = None
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Give the slices of a series, in its order."""
    query = (
        select(slice_.c.id, slice_.c.state, slice_.c.place)
        .join(instance, instance.c.id == slice_.c.instance_id)
        .where(slice_.c.series_uid == series_uid)
        .order_by(*instance_order(), slice_.c.frame, slice_.c.tile)
    )
    if generation is not None:
        query = query.where(instance.c.generation <= generation)
    return connection.execute(query).all()


def _announced(connection: Connection, series_uid: str) -> int | None:
    """Give how many volumes the header of a series promises."""
    facts = connection.scalar(
        select(series.c.facts).where(series.c.uid == series_uid).order_by(series.c.generation.desc()).limit(1)
    )
    count = (facts or {}).get("temporal_positions")
    return count if isinstance(count, int) and count > 1 else None


def _wait(connection: Connection, ids: Sequence[int]) -> None:
    """Let slices wait for their scores."""
    for start in range(0, len(ids), IDS_AT_ONCE):
        connection.execute(
            update(slice_)
            .where(slice_.c.id.in_(ids[start : start + IDS_AT_ONCE]), slice_.c.state == SliceState.UNSAMPLED)
            .values(state=SliceState.WAITING, reason="")
        )
