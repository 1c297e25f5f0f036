"""Series searched for by what they are and how they were judged; never by whose they are."""

from collections.abc import Iterator
from itertools import compress
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Row, Select, and_, cast, exists, or_, select

from inference.artifacts import NAMES as ARTIFACTS
from inference.text import kept
from service.ledger.cursors import after_cursor, cursor_of
from service.ledger.database import Database
from service.ledger.tables import feedback, scanner, series
from service.ledger.tables_review import review
from service.ledger.tables_trends import found_in, trend
from service.protocols import mark_of
from service.trends.views import FoundSeries, Query

AT_ONCE = 2000  # rows of an export that are read in one transaction
SEEN = "acknowledged"  # says that somebody looked, and nothing about the verdict

_said = exists().where(feedback.c.series_id == series.c.id, feedback.c.kind != SEEN).correlate(series)
_decided = (
    exists().where(review.c.series_id == series.c.id, review.c.decided_at.is_not(None)).correlate(series)
)
REVIEWED = or_(_said, _decided)
_FOUND = tuple(cast(trend.c[found_in(name)], Integer) for name in ARTIFACTS)


class Search:
    """Reads only; newest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, query: Query, limit: int, cursor: str | None = None
    ) -> tuple[list[FoundSeries], str | None]:
        """Give what is searched for, and the next page's cursor. Raises BadCursor."""
        with self._database.read() as connection:
            wanted = _wanted(connection, query)
            if cursor is not None:
                wanted.append(after_cursor(cursor))
            rows = connection.execute(_select(query).where(*wanted).limit(limit + 1)).all()
        return [_found(row) for row in rows[:limit]], cursor_of(rows, limit)

    def rows(self, query: Query) -> Iterator[FoundSeries]:
        """Give all that is searched for, read some thousands at a time: no transaction stays open."""
        cursor: str | None = None
        while True:
            found, cursor = self.page(query, AT_ONCE, cursor)
            yield from found
            if cursor is None:
                return


def _select(query: Query) -> Select[*tuple[Any, ...]]:
    """Join what the trends know; where an artifact is asked for, they hold all that can be meant."""
    joined = series.join(scanner, scanner.c.id == series.c.scanner_id)
    joined = joined.join(trend, trend.c.series_id == series.c.id, isouter=not query.artifact)
    return (
        select(
            *(series.c.id, series.c.generation, series.c.opened_at, scanner.c.name.label("scanner")),
            *(series.c.series_number, series.c.protocol, series.c.coil, series.c.state, series.c.verdict),
            *(
                series.c.reason,
                series.c.reason_de,
                trend.c.quality_index,
                trend.c.suitability,
                REVIEWED.label("reviewed"),
                *_FOUND,
            ),
        )
        .select_from(joined)
        .order_by(series.c.opened_at.desc(), series.c.id.desc())
    )


def _wanted(connection: Connection, query: Query) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if query.since is not None:
        wanted.append(series.c.opened_at >= query.since)
    if query.until is not None:
        wanted.append(series.c.opened_at < query.until)
    if query.scanner:
        named = select(scanner.c.id).where(scanner.c.name == query.scanner)
        wanted.append(series.c.scanner_id == (connection.scalar(named) or 0))
    if query.protocol:
        wanted.append(series.c.protocol == query.protocol)
    wanted += [series.c.protocol.contains(mark_of(*term), autoescape=True) for term in query.terms]
    if query.verdict:
        wanted.append(series.c.verdict == query.verdict)
    if query.state:
        wanted.append(series.c.state == query.state)
    if query.artifact:
        wanted.append(trend.c[found_in(query.artifact)].is_(True))
    if query.reviewed is not None:
        wanted.append(REVIEWED if query.reviewed else and_(~_said, ~_decided))
    return wanted


def _found(row: Row[*tuple[Any, ...]]) -> FoundSeries:
    """Read a row in the order in which `_select` asks for it: of a file there are a hundred thousand."""
    series_id, generation, opened_at, name, number, protocol, coil, state, verdict, reason, *more = row
    reason_de, index, suitability, reviewed, *present = more
    return FoundSeries(
        series_id,
        generation,
        opened_at,
        name,
        number,
        protocol,
        coil,
        state,
        verdict,
        kept(reason, reason_de),
        index,
        suitability,
        tuple(compress(ARTIFACTS, present)),
        bool(reviewed),
    )
