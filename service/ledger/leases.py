"""Leases: a claim has an owner, a time and an attempt, and a write of one that was lost changes nothing."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import exists, or_, select, update

from service.ledger.database import Database
from service.ledger.tables import outbox, series, slice_


class LeaseLost(Exception):
    """Somebody else works on this by now; what we did is not written."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Who claims: every lease that it takes runs out by itself unless it beats."""

    database: Database
    owner: str  # unique to the process
    lease_s: float = 6.0
    clock: Callable[[], float] = field(default=time.time)

    def beat(self) -> None:
        """Renew every lease of this worker; costs no write while there is none."""
        until = self.clock() + self.lease_s
        held = [
            exists().where(table.c.lease_owner == self.owner, table.c.lease_until > 0)
            for table in (slice_, series, outbox)
        ]
        with self.database.read() as connection:
            if not connection.scalar(select(or_(*held))):
                return
        with self.database.write() as connection:
            for table in (slice_, series, outbox):
                connection.execute(
                    update(table)
                    .where(table.c.lease_owner == self.owner, table.c.lease_until > 0)
                    .values(lease_until=until)
                )

    def let_go(self) -> None:
        """Give back every lease of this worker: it stops."""
        with self.database.write() as connection:
            for table in (slice_, series, outbox):
                connection.execute(
                    update(table)
                    .where(table.c.lease_owner == self.owner, table.c.lease_until > 0)
                    .values(lease_until=0.0)
                )
