"""Exams as the scanners tell of them (MPPS): they end, and say what they made."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from service.ledger.database import Database, lock_all
from service.ledger.events import note_event
from service.ledger.tables import exam, exam_series


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


def _list(connection: Connection, note: ExamNote) -> None:
    for uid, instances in note.made.items():
        here = (exam_series.c.exam_uid == note.uid) & (exam_series.c.series_uid == uid)
        values = {"instances": list(instances)}
        if connection.execute(update(exam_series).where(here).values(values)).rowcount == 0:
            connection.execute(insert(exam_series), {"exam_uid": note.uid, "series_uid": uid} | values)


def endings(connection: Connection, studies: Mapping[str, str]) -> dict[str, Ending]:
    """Find the ended exams of series; `studies` gives the study of each series, all keyed.

    A step ends the series that it lists, and where it lists none those of its study.
    """
    rows = connection.execute(
        select(exam, exam_series.c.series_uid)
        .outerjoin(exam_series, exam_series.c.exam_uid == exam.c.uid)
        .where(exam.c.study_uid.in_(set(studies.values())), exam.c.ended_at.is_not(None))
    ).all()
    found: dict[str, Ending] = {}
    for uid, study in studies.items():
        own = [row for row in rows if row.study_uid == study and row.series_uid in {uid, None}]
        if own:
            found[uid] = Ending(
                at=max(row.ended_at for row in own),
                discontinued=any(row.state == ExamState.DISCONTINUED for row in own),
            )
    return found
