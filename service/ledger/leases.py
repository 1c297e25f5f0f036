"""Leases: a claim has an owner, a time and an attempt, and a write of one that was lost changes nothing."""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Table, update

from service.ledger.database import Database
from service.ledger.tables import series


class LeaseLost(Exception):
    """Somebody else works on this by now; what we did is not written."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Who claims: a lease is renewed while its work goes on, and runs out by itself when that fails."""

    database: Database
    owner: str  # unique to the process
    lease_s: float = 6.0
    clock: Callable[[], float] = field(default=time.time)
    _held: set[tuple[Table, int | str]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def holding(self, table: Table, rows: Sequence[int | str]) -> Generator[None]:
        """Keep the leases of these rows for as long as the block lasts."""
        held = {(table, row) for row in rows}
        with self._lock:
            self._held.update(held)
        try:
            yield
        finally:
            with self._lock:
                self._held.difference_update(held)

    def beat(self) -> None:
        """Renew the leases of what is being worked on; costs nothing while there is none."""
        with self._lock:
            held = sorted(self._held, key=lambda one: (one[0] is not series, one[0].name, one[1]))
        if not held:
            return
        until = self.clock() + self.lease_s
        with self.database.write() as connection:
            for table, row in held:
                connection.execute(
                    update(table)
                    .where(table.c.id == row, table.c.lease_owner == self.owner, table.c.lease_until > 0)
                    .values(lease_until=until)
                )
