"""A series that was made because another one failed: linked to it, and never in its place."""

from typing import Any

from sqlalchemy import Connection, Row, or_, select

from service.ledger.tables import series

FAILED = "Repeat"
_PARALLEL = 0.9  # cosine between the directions of rows and of columns: planned anew, but the same plane


def repeated(connection: Connection, row: Row[Any]) -> str:
    """Give the row of the last failed series that a series repeats, "" where there is none.

    Same study, scanner and protocol, same matrix and plane, acquired later; failed: Repeat, or left incomplete.
    """
    earlier = connection.execute(
        select(series.c.id, series.c.uid, series.c.facts, series.c.generation)
        .where(
            series.c.study_uid == row.study_uid,
            series.c.scanner_id == row.scanner_id,
            series.c.protocol_key == row.protocol_key,
            series.c.uid != row.uid,
            series.c.opened_at < row.opened_at,
            or_(series.c.verdict == FAILED, series.c.incomplete.is_(True)),
            ~newer_generation(),
        )
        .order_by(series.c.opened_at.desc())
    ).all()
    return next((one.id for one in earlier if _same_geometry(one.facts, row.facts)), "")


def newer_generation() -> Any:  # noqa: ANN401 - an SQL expression
    """Tell whether a generation has been followed by another."""
    newer = series.alias()
    return (
        select(newer.c.id)
        .where(newer.c.uid == series.c.uid, newer.c.generation > series.c.generation)
        .correlate(series)
        .exists()
    )


def _same_geometry(one: dict[str, Any], other: dict[str, Any]) -> bool:
    if (one.get("rows"), one.get("columns")) != (other.get("rows"), other.get("columns")):
        return False
    mine, theirs = one.get("orientation") or [], other.get("orientation") or []
    if len(mine) != len(theirs):
        return False
    parts = [
        sum(a * b for a, b in zip(mine[at : at + 3], theirs[at : at + 3], strict=True))
        for at in range(0, len(mine), 3)
    ]
    return all(part >= _PARALLEL for part in parts)
