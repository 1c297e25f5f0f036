"""What people said to a verdict: once for each request, and only to the verdict that they saw."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from service.ledger.database import Database, lock_all
from service.ledger.events import note_event
from service.ledger.tables import feedback, series
from service.ledger_views import FeedbackKind, FeedbackView, SeriesFeedback


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


class FeedbackBook:
    """Keeps what was said."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def of(self, series_id: str) -> SeriesFeedback | None:
        """Give what was said to a series, oldest first; None where there is no such series."""
        with self._database.read() as connection:
            row = connection.execute(select(series.c.judged).where(series.c.id == series_id)).first()
            return None if row is None else said_to(connection, series_id, row.judged)

    def say(self, saying: Saying, version: str) -> SeriesFeedback:
        """Note what is said, if ``version`` is still that of what the person saw.

        Raises NoSuchSeries, NoVerdict, SaidMeanwhile and KeyUsed.
        """
        with self._database.write() as connection:
            lock_all(connection, [f"feedback {saying.series_id}"])
            query = select(series.c.judged, series.c.verdict).where(series.c.id == saying.series_id)
            row = connection.execute(query).first()
            if row is None:
                raise NoSuchSeries(NoSuchSeries.__doc__)
            before = said_to(connection, saying.series_id, row.judged)
            if _came_before(connection, saying):
                return before
            if not row.verdict:
                raise NoVerdict(NoVerdict.__doc__)
            if version != before.version:
                raise SaidMeanwhile(SaidMeanwhile.__doc__)
            now = self._clock()
            connection.execute(insert(feedback), asdict(saying) | {"at": now})
            after = said_to(connection, saying.series_id, row.judged)
            told: Mapping[str, object] = {"said": saying.kind, "role": saying.role}
            note_event(connection, now, "feedback", saying.series_id, told)
        return after


def _came_before(connection: Connection, saying: Saying) -> bool:
    """Whether this very request was answered before. Raises KeyUsed where it was another one."""
    mine = (feedback.c.author == saying.author) & (feedback.c.key == saying.key)
    row = connection.execute(select(feedback).where(mine)).first()
    if row is not None and (row.series_id, row.kind) != (saying.series_id, saying.kind):
        raise KeyUsed(KeyUsed.__doc__)
    return row is not None


def said_to(connection: Connection, series_id: str, judged: int) -> SeriesFeedback:
    """Read what was said to a series; its version changes with the verdict and with each saying."""
    query = select(feedback).where(feedback.c.series_id == series_id).order_by(feedback.c.id)
    rows = connection.execute(query).all()
    last = rows[-1].id if rows else 0
    return SeriesFeedback(tuple(map(_view, rows)), f"{judged}-{last}")


def _view(row: Row[Any]) -> FeedbackView:
    return FeedbackView(kind=row.kind, author=row.author, role=row.role, at=row.at)
