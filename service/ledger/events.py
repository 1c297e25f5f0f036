"""What happened, in the order of commits: the console's stream is read from here."""

from collections.abc import Mapping

from sqlalchemy import Connection, insert

from service.ledger.audit import note_deed
from service.ledger.database import order_events
from service.ledger.tables import event


def note_event(
    connection: Connection, at: float, kind: str, series_id: str, data: Mapping[str, object] | None = None
) -> None:
    """Add an event to the transaction, and what people do to the audit log.

    To be called last, for on PostgreSQL it waits its turn.
    """
    order_events(connection)
    connection.execute(
        insert(event), {"at": at, "kind": kind, "series_id": series_id, "data": dict(data or {})}
    )
    note_deed(connection, at, kind, series_id, data or {})
