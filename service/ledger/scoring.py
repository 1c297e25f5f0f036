"""Slices claimed and scored."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, select, update

from inference.text import UNSAID, Text
from service.ledger.control import SCORING, goes_on
from service.ledger.leases import Worker
from service.ledger.states import OPEN, SliceState
from service.ledger.tables import instance, series, slice_

SUSPECT = (
    2  # a slice whose claims ended so often without a score is claimed alone: perhaps it kills its worker
)


@dataclass(frozen=True, slots=True)
class SliceTask:
    """One claimed slice."""

    id: int
    series_uid: str
    spool_name: str
    frame: int  # 1-based
    tile: int  # of a mosaic, 1-based; 0: the frame is the slice
    attempt: int


@dataclass(frozen=True, slots=True)
class SliceNote:
    """What became of a claimed slice."""

    task: SliceTask
    state: SliceState
    reason: Text = UNSAID
    score: Mapping[str, Any] | None = None
    masks: bytes | None = None


class Scoring:
    """Hands out unscored slices, the open series taking turns, and takes their scores."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    def claim_slices(self, limit: int) -> list[SliceTask]:
        """Claim up to `limit` waiting slices whose place is noted, of the open series that was served longest ago.

        None while a person has scoring stopped.
        """
        now = self.worker.clock()
        free = (
            (slice_.c.state == SliceState.WAITING)
            & slice_.c.place.is_not(None)
            & (slice_.c.lease_until < now)
            & goes_on(SCORING)
        )
        turn = (
            select(series.c.id, series.c.uid)
            .where(series.c.state.in_(OPEN), exists().where(slice_.c.series_uid == series.c.uid, free))
            .order_by(series.c.served_at, series.c.opened_at)
            .limit(1)
        )
        with self.worker.database.read() as connection:  # the usual answer is no, and costs no write lock
            if connection.execute(turn).first() is None:
                return []
        with self.worker.database.write() as connection:
            chosen = connection.execute(turn).first()
            if chosen is None:
                return []
            connection.execute(update(series).where(series.c.id == chosen.id).values(served_at=now))
            rows = connection.execute(
                select(slice_.c.id, slice_.c.frame, slice_.c.tile, slice_.c.attempt, instance.c.spool_name)
                .join(instance, instance.c.id == slice_.c.instance_id)
                .where(slice_.c.series_uid == chosen.uid, free)
                .order_by(slice_.c.attempt, slice_.c.id)
                .limit(limit)
                .with_for_update(of=slice_, skip_locked=True)
            ).all()
            rows = [row for row in rows if row.attempt < SUSPECT] or rows[:1]
            connection.execute(
                update(slice_)
                .where(slice_.c.id.in_([row.id for row in rows]))
                .values(
                    lease_owner=self.worker.owner,
                    lease_until=now + self.worker.lease_s,
                    attempt=slice_.c.attempt + 1,
                )
            )
        return [
            SliceTask(row.id, chosen.uid, row.spool_name, row.frame, row.tile, row.attempt + 1)
            for row in rows
        ]

    def holding(self, tasks: Sequence[SliceTask]) -> AbstractContextManager[None]:
        """Keep claimed slices for as long as the block lasts."""
        return self.worker.holding(slice_, [task.id for task in tasks])

    def erased(self, task: SliceTask, reason: Text) -> None:
        """Note that the pixels of the instance are not to be kept: none of its slices has a score any more.

        Needs no lease: whoever saw it, it is so.
        """
        with self.worker.database.write() as connection:
            whole = select(slice_.c.instance_id).where(slice_.c.id == task.id).scalar_subquery()
            connection.execute(
                update(slice_)
                .where(slice_.c.instance_id == whole)
                .values(
                    state=SliceState.ERASED,
                    reason=reason,
                    reason_de=reason.de,
                    score=None,
                    masks=None,
                    lease_until=0.0,
                )
            )
            connection.execute(update(instance).where(instance.c.id == whole).values(swept=True))

    def scored(self, notes: Sequence[SliceNote]) -> None:
        """Write down what became of claimed slices; those whose lease was lost stay as they are."""
        with self.worker.database.write() as connection:
            for note in notes:
                connection.execute(
                    update(slice_)
                    .where(
                        slice_.c.id == note.task.id,
                        slice_.c.lease_owner == self.worker.owner,
                        slice_.c.attempt == note.task.attempt,
                        slice_.c.state == SliceState.WAITING,
                    )
                    .values(
                        state=note.state,
                        reason=note.reason,
                        reason_de=note.reason.de,
                        score=None if note.score is None else dict(note.score),
                        masks=note.masks,
                        lease_until=0.0,
                    )
                )
