"""The order of locks: named ones, then generations by id, then their slices and deliveries by id, and events last.

On PostgreSQL whoever changes several of them in one transaction takes them by these functions before the first change,
so that nobody waits in a circle. SQLite has one writer at a time and needs none.
"""

from sqlalchemy import ColumnElement, Connection, select

from service.ledger.tables import outbox, series


def hold_generations(connection: Connection, which: ColumnElement[bool]) -> None:
    """Lock the generations that are meant, until the transaction ends."""
    if connection.dialect.name == "postgresql":
        query = select(series.c.id).where(which).order_by(series.c.id)
        connection.execute(query.with_for_update(key_share=True)).all()


def hold_deliveries(connection: Connection, which: ColumnElement[bool]) -> None:
    """Lock the generations that the deliveries are of which are meant, and after them the deliveries."""
    if connection.dialect.name == "postgresql":
        of = connection.scalars(select(outbox.c.series_id).where(which).distinct()).all()
        hold_generations(connection, series.c.id.in_(of))
        connection.execute(select(outbox.c.id).where(which).order_by(outbox.c.id).with_for_update()).all()
