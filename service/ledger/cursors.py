"""Where a list goes on: after the number, or the time and the id, of the last one that was shown."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, or_

from service.ledger.tables import series
from service.ledger_views import BadCursor

MOST_DIGITS = 18  # of a row's number: more fits into no column


def number_of(cursor: str) -> int:
    """Read the number of the row that was shown last. Raises BadCursor."""
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= MOST_DIGITS):
        raise BadCursor(BadCursor.__doc__)
    return int(cursor)


def after_cursor(cursor: str) -> ColumnElement[bool]:
    """Select the series that come after, newest first. Raises BadCursor."""
    opened_at, _, series_id = cursor.partition("_")
    try:
        moment = float(opened_at)
    except ValueError as error:
        raise BadCursor(BadCursor.__doc__) from error
    return and_(
        series.c.opened_at <= moment,
        or_(series.c.opened_at < moment, series.c.id < series_id),
    )


def cursor_of(rows: Sequence[Row[Any]], limit: int) -> str | None:
    """Give the cursor after the first `limit` rows, None where there are no more."""
    return f"{rows[limit - 1].opened_at!r}_{rows[limit - 1].id}" if len(rows) > limit else None
