"""What people said to a verdict: once for each request, and only to the verdict that they saw."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select

from service.ledger.audit import note
from service.ledger.database import Database, lock_all
from service.ledger.events import note_event
from service.ledger.review import object_to
from service.ledger.tables import feedback, series
from service.ledger_views import FeedbackKind, FeedbackView, SeriesFeedback
from service.operating.audit_views import Entry


class NoSuchSeries(LookupError):
    """There is no such series."""


class NoVerdict(ValueError):
    """There is no verdict yet to say something to."""


class SaidMeanwhile(ValueError):
    """The verdict, or what was said to it, is another one by now: look again."""


class KeyUsed(ValueError):
    """This Idempotency-Key came with another request before."""


@dataclass(frozen=True, slots=True)
class Saying:
    """Something that a person says to the verdict of a series."""

    series_id: str
    kind: FeedbackKind
    author: str
    role: str
    key: str  # of the request: the same one again counts once
    comment: str = ""


class FeedbackBook:
    """Keeps what was said."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def of(self, series_id: str) -> SeriesFeedback | None:
        """Give what was said to a series, oldest first; None where there is no such series."""
        with self._database.read() as connection:
            row = connection.execute(_verdict_of(series_id)).first()
            return None if row is None else said_to(connection, series_id, mark_of(row))

    def say(self, saying: Saying, version: str) -> SeriesFeedback:
        """Note what is said, if ``version`` is still that of what the person saw.

        Raises NoSuchSeries, NoVerdict, SaidMeanwhile and KeyUsed.
        """
        with self._database.write() as connection:
            lock_all(connection, [f"feedback {saying.series_id}"])
            row = connection.execute(
                _verdict_of(saying.series_id).with_for_update(read=True)  # no verdict between
            ).first()
            if row is None:
                raise NoSuchSeries(NoSuchSeries.__doc__)
            about = mark_of(row)
            before = said_to(connection, saying.series_id, about)
            if _came_before(connection, saying):
                return before
            if not row.verdict:
                raise NoVerdict(NoVerdict.__doc__)
            if version != before.version:
                raise SaidMeanwhile(SaidMeanwhile.__doc__)
            now = self._clock()
            connection.execute(insert(feedback), asdict(saying) | {"at": now, "about": about})
            object_to(connection, row, about, saying.kind, now)
            after = said_to(connection, saying.series_id, about)
            told: Mapping[str, object] = {"said": saying.kind, "role": saying.role}
            note_event(connection, now, "feedback", saying.series_id, told)
            said = Entry(
                f"verdict: {saying.kind}", saying.author, saying.series_id, detail={"role": saying.role}
            )
            note(connection, now, said)
        return after


def _came_before(connection: Connection, saying: Saying) -> bool:
    """Whether this very request was answered before. Raises KeyUsed where it was another one."""
    mine = (feedback.c.author == saying.author) & (feedback.c.key == saying.key)
    row = connection.execute(select(feedback).where(mine)).first()
    said = (saying.series_id, saying.kind, saying.comment)
    if row is not None and (row.series_id, row.kind, row.comment) != said:
        raise KeyUsed(KeyUsed.__doc__)
    return row is not None


def _verdict_of(series_id: str) -> Select[Any]:
    return select(series).where(series.c.id == series_id)


def mark_of(row: Row[Any]) -> str:
    """Tell the verdict of a series from the others that it had."""
    return mark(row.judged, row.verdict, row.reason)


def mark(judged: int, verdict: str, reason: str) -> str:
    """Tell one verdict of a series from the others: by what it says, and how many images it is about."""
    said = json.dumps([judged, verdict, reason])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def said_to(connection: Connection, series_id: str, about: str) -> SeriesFeedback:
    """Read what was said to a series; its version changes with the verdict and with each saying."""
    query = select(feedback).where(feedback.c.series_id == series_id).order_by(feedback.c.id)
    return said_in(connection.execute(query).all(), about)


def said_in(rows: Sequence[Row[Any]], about: str) -> SeriesFeedback:
    """Give what some rows say, which are all of a series, oldest first."""
    last = rows[-1].id if rows else 0
    return SeriesFeedback(tuple(_view(row, about) for row in rows), f"{about}-{last}")


def _view(row: Row[Any], about: str) -> FeedbackView:
    return FeedbackView(
        kind=row.kind,
        author=row.author,
        role=row.role,
        at=row.at,
        earlier=row.about != about,
        comment=row.comment,
    )
