"""Exams as the scanners tell of them (MPPS): they end, and say what they made."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from service.ledger.database import Database, lock_all
from service.ledger.events import note_event
from service.ledger.tables import exam, exam_series, instance


class ExamState(StrEnum):
    """Performed Procedure Step Status (PS3.3, C.4.14)."""

    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    DISCONTINUED = "DISCONTINUED"


class ExamKnown(Exception):
    """There is such a procedure step already."""


class ExamUnknown(Exception):
    """There is no such procedure step."""


class ExamEnded(Exception):
    """The procedure step may no longer be updated."""


@dataclass(frozen=True, slots=True)
class ExamNote:
    """What a scanner tells of a procedure step, as far as the ledger may read it."""

    uid: str  # keyed
    study_uid: str  # keyed; "" where it was not told
    state: ExamState | None  # None: as before
    made: Mapping[str, tuple[str, ...]]  # keyed Series Instance UID -> keyed SOP Instance UIDs


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of the exam that a series belongs to."""

    at: float  # s since the epoch
    discontinued: bool


@dataclass(frozen=True, slots=True)
class SeriesAudit:
    """What a procedure step says of one series, against what came."""

    uid: str  # keyed
    told: int  # instances
    missing: tuple[str, ...]  # keyed SOP Instance UIDs that never came


@dataclass(frozen=True, slots=True)
class ExamAudit:
    """A procedure step against what came of it."""

    uid: str  # keyed
    study_uid: str  # keyed
    state: ExamState
    opened_at: float  # s since the epoch
    ended_at: float | None
    series: tuple[SeriesAudit, ...]


class Exams:
    """Procedure steps begun, told of, ended."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def begun(self, note: ExamNote) -> None:
        """Note a new step. Raises ExamKnown and LedgerUnavailable."""
        with self._database.write() as connection:
            lock_all(connection, {f"exam {note.uid}"})
            if connection.scalar(select(exam.c.uid).where(exam.c.uid == note.uid)) is not None:
                raise ExamKnown(ExamKnown.__doc__)
            connection.execute(
                insert(exam),
                {
                    "uid": note.uid,
                    "study_uid": note.study_uid,
                    "state": note.state or ExamState.IN_PROGRESS,
                    "opened_at": self._clock(),
                },
            )
            _list(connection, note)

    def told(self, note: ExamNote) -> None:
        """Note what a step says now. Raises ExamUnknown, ExamEnded and LedgerUnavailable."""
        now = self._clock()
        with self._database.write() as connection:
            lock_all(connection, {f"exam {note.uid}"})
            known = connection.execute(select(exam).where(exam.c.uid == note.uid)).first()
            if known is None:
                raise ExamUnknown(ExamUnknown.__doc__)
            if known.state != ExamState.IN_PROGRESS:
                raise ExamEnded(ExamEnded.__doc__)
            _list(connection, note)
            if note.state in {None, ExamState.IN_PROGRESS}:
                return
            connection.execute(
                update(exam).where(exam.c.uid == note.uid).values(state=note.state, ended_at=now)
            )
            data = {"exam": note.uid, "study": known.study_uid, "state": note.state}
            note_event(connection, now, "exam", "", data)

    def audit(self, since: float = 0.0) -> list[ExamAudit]:
        """Hold every step that began since then against what came; the newest first.

        What was never routed here is no loss: only the site can tell it from what was.
        """
        with self._database.read() as connection:
            steps = connection.execute(
                select(exam).where(exam.c.opened_at >= since).order_by(exam.c.opened_at.desc())
            ).all()
            return [
                ExamAudit(
                    uid=step.uid,
                    study_uid=step.study_uid,
                    state=ExamState(step.state),
                    opened_at=step.opened_at,
                    ended_at=step.ended_at,
                    series=audited(connection, step.uid),
                )
                for step in steps
            ]


def told_of(connection: Connection, series_uid: str) -> SeriesAudit | None:
    """Hold one series against what a procedure step says of it; None where none does."""
    told = connection.scalar(
        select(exam_series.c.instances).where(exam_series.c.series_uid == series_uid).limit(1)
    )
    return None if told is None else _compared(connection, series_uid, told)


def audited(connection: Connection, exam_uid: str) -> tuple[SeriesAudit, ...]:
    """Hold each series that a procedure step lists against what came of it."""
    listed = connection.execute(select(exam_series).where(exam_series.c.exam_uid == exam_uid)).all()
    return tuple(_compared(connection, row.series_uid, row.instances) for row in listed)


def _compared(connection: Connection, series_uid: str, told: list[str]) -> SeriesAudit:
    came = select(instance.c.sop_instance_uid).where(instance.c.series_uid == series_uid)
    here = set(connection.scalars(came))
    return SeriesAudit(series_uid, len(told), tuple(uid for uid in told if uid not in here))


def _list(connection: Connection, note: ExamNote) -> None:
    for uid, instances in note.made.items():
        here = (exam_series.c.exam_uid == note.uid) & (exam_series.c.series_uid == uid)
        values = {"instances": list(instances)}
        if connection.execute(update(exam_series).where(here).values(values)).rowcount == 0:
            connection.execute(insert(exam_series), {"exam_uid": note.uid, "series_uid": uid} | values)


def endings(connection: Connection, studies: Mapping[str, str]) -> dict[str, Ending]:
    """Find the ended exams of series; `studies` gives the study of each series, all keyed.

    A step ends the series that it lists, of whatever study it is; and where it lists none those of its study.
    """
    listed = exam_series.c.series_uid
    rows = connection.execute(
        select(exam, listed)
        .outerjoin(exam_series, exam_series.c.exam_uid == exam.c.uid)
        .where(
            exam.c.ended_at.is_not(None),
            listed.in_(studies) | (listed.is_(None) & exam.c.study_uid.in_(set(studies.values()))),
        )
    ).all()
    found: dict[str, Ending] = {}
    for uid, study in studies.items():
        own = [
            row for row in rows if row.series_uid == uid or (not row.series_uid and row.study_uid == study)
        ]
        if own:
            found[uid] = Ending(
                at=max(row.ended_at for row in own),
                discontinued=any(row.state == ExamState.DISCONTINUED for row in own),
            )
    return found
