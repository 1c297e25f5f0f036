"""What the boards of scanners and the time lines of exams read."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from service.board_views import MadeView, ScannerView, StepView, StudyView
from service.ledger.database import Database
from service.ledger.exams import audited
from service.ledger.states import OPEN
from service.ledger.tables import exam, exam_series, scanner, series


class Boards:
    """Reads only; each answer is one consistent state. ``named`` are the site's names of scanners."""

    def __init__(self, database: Database, named: Iterable[str] = ()) -> None:
        self._database = database
        self._named = frozenset(named)

    def scanners(self) -> list[ScannerView]:
        """Give every scanner that has a name or sent something, by name."""
        with self._database.read() as connection:
            open_by_scanner = {
                row.scanner_id: int(row.n)
                for row in connection.execute(
                    select(series.c.scanner_id, func.count().label("n"))
                    .where(series.c.state.in_(OPEN))
                    .group_by(series.c.scanner_id)
                )
            }
            known = [
                _scanner_view(connection, row.id, row.name, open_by_scanner.get(row.id, 0))
                for row in connection.execute(select(scanner.c.id, scanner.c.name))
            ]
        silent = self._named - {view.name for view in known}
        return sorted([*known, *map(ScannerView, silent)], key=lambda view: view.name.casefold())

    def study(self, study_uid: str, scanner_name: str = "") -> StudyView | None:
        """Give an exam, as far as one scanner or all of them made it; None where nothing of it came."""
        with self._database.read() as connection:
            made = _made(connection, study_uid, scanner_name)
            return StudyView(study_uid, made, _steps(connection, study_uid)) if made else None


def _scanner_view(connection: Connection, scanner_id: int, name: str, n_open: int) -> ScannerView:
    """Look from the newest series backwards: an index leads there, however many there are."""
    newest = select(series).where(series.c.scanner_id == scanner_id).order_by(series.c.opened_at.desc())
    last = connection.execute(newest.limit(1)).first()
    judged = connection.execute(newest.where(series.c.verdict != "").limit(1)).first()
    return ScannerView(
        name=name,
        last_instance_at=None if last is None else last.last_instance_at,
        open=n_open,
        verdict="" if judged is None else judged.verdict,
        series=None if judged is None else judged.id,
    )


def _made(connection: Connection, study_uid: str, scanner_name: str) -> tuple[MadeView, ...]:
    query = (
        select(series.c.id, series.c.uid, series.c.opened_at, series.c.repeats)
        .join(scanner, scanner.c.id == series.c.scanner_id)
        .where(series.c.study_uid == study_uid)
        .order_by(series.c.generation)
    )
    if scanner_name:
        query = query.where(scanner.c.name == scanner_name)
    rows = connection.execute(query).all()
    began: dict[str, float] = {}
    for row in rows:
        began.setdefault(row.uid, row.opened_at)
    newest = {row.uid: row for row in rows}
    by_id = {row.id: newest[row.uid].id for row in rows}  # what is said of a generation is said of the series
    made = [MadeView(row.id, began[uid], by_id.get(row.repeats)) for uid, row in newest.items()]
    return tuple(sorted(made, key=lambda one: (one.began_at, one.id)))


def _steps(connection: Connection, study_uid: str) -> tuple[StepView, ...]:
    """Give the steps that name the study, and those that list one of its series."""
    listed = (
        select(exam_series.c.exam_uid)
        .join(series, series.c.uid == exam_series.c.series_uid)
        .where(series.c.study_uid == study_uid)
    )
    steps = connection.execute(
        select(exam)
        .where(or_(exam.c.study_uid == study_uid, exam.c.uid.in_(listed)))
        .order_by(exam.c.opened_at, exam.c.uid)
    ).all()
    return tuple(_step(connection, step) for step in steps)


def _step(connection: Connection, step: Row[Any]) -> StepView:
    made = audited(connection, step.uid)
    return StepView(
        state=step.state,
        opened_at=step.opened_at,
        ended_at=step.ended_at,
        series=len(made),
        told=sum(one.told for one in made),
        never_came=sum(len(one.missing) for one in made),
    )
