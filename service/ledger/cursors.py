"""Where a list of series goes on: after the time and the id of the last one that was shown, newest first."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, or_

from service.ledger.tables import series
from service.ledger_views import BadCursor


def after_cursor(cursor: str) -> ColumnElement[bool]:
    """Select what comes after. Raises BadCursor."""
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
