"""Who calls at the door, and who is turned away: counted by address, AE title and outcome."""

from collections.abc import Iterable

from sqlalchemy import delete, insert, select, update

from service.ledger.database import Database, lock_all
from service.ledger.tables import refusal
from service.ledger.tables_nodes import caller
from service.operating.node_views import Call, RefusedInstance

MOST = 500  # rows: whoever calls under ever new titles pushes out the oldest, and fills no disk


class Callers:
    """Keeps who called."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def called(self, calls: Iterable[Call]) -> None:
        """Add calls to what is known of those who made them."""
        with self._database.write() as connection:
            lock_all(connection, ["callers"])
            for call in calls:
                same = (
                    (caller.c.address == call.address)
                    & (caller.c.ae_title == call.ae_title)
                    & (caller.c.result == call.result)
                )
                values: dict[str, object] = {"calls": caller.c.calls + call.count, "last_at": call.last_at}
                if connection.execute(update(caller).where(same).values(values)).rowcount == 0:
                    row: dict[str, object] = {
                        "address": call.address,
                        "ae_title": call.ae_title,
                        "result": call.result,
                    }
                    row |= {"calls": call.count, "first_at": call.first_at, "last_at": call.last_at}
                    connection.execute(insert(caller), row)
            kept = select(caller.c.id).order_by(caller.c.last_at.desc(), caller.c.id.desc()).limit(MOST)
            connection.execute(delete(caller).where(caller.c.id.not_in(kept)))

    def all(self) -> list[Call]:
        """Give who called, the last one first."""
        with self._database.read() as connection:
            rows = connection.execute(select(caller).order_by(caller.c.last_at.desc())).all()
        return [
            Call(row.address, row.ae_title, row.result, row.calls, row.first_at, row.last_at) for row in rows
        ]

    def refused(self, limit: int) -> list[RefusedInstance]:
        """Give the instances that the door did not take, the last one first."""
        query = select(refusal).order_by(refusal.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [RefusedInstance(row.at, row.status, row.reason, row.size) for row in rows]
