"""What was done at the door, counted: names of attributes, never a value."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from time import time

from sqlalchemy import func, insert, select, update

from service.ledger.database import Database, lock_all
from service.ledger.states import SliceState
from service.ledger.tables import refusal, slice_
from service.ledger.tables_deid import deid_tally
from service.operating.deid_views import DoorCounts, Tallied

SKIPPED = "skipped"  # in place of an action: the attribute is the reason


class DeidTally:
    """Keeps the counts."""

    def __init__(self, database: Database, clock: Callable[[], float] = time) -> None:
        self._database = database
        self._clock = clock

    def done(self, counted: Iterable[Tallied]) -> None:
        """Add counts to what is known."""
        now = self._clock()
        table = deid_tally.c
        with self._database.write() as connection:
            lock_all(connection, ["deid tally"])
            for one in counted:
                same = (
                    (table.profile == one.profile)
                    & (table.attribute == one.attribute)
                    & (table.action == one.action)
                )
                more = {"instances": table.instances + one.instances, "last_at": now}
                if connection.execute(update(deid_tally).where(same).values(more)).rowcount == 0:
                    fresh = replace(one, first_at=now, last_at=now)
                    connection.execute(insert(deid_tally), asdict(fresh))

    def tallied(self, profile: str) -> list[Tallied]:
        """Give the counts of a profile, the commonest first."""
        query = (
            select(deid_tally)
            .where(deid_tally.c.profile == profile, deid_tally.c.action != SKIPPED)
            .order_by(deid_tally.c.instances.desc(), deid_tally.c.attribute)
        )
        with self._database.read() as connection:
            return [Tallied(**row) for row in connection.execute(query).mappings()]

    def at_the_door(self) -> DoorCounts:
        """Count what was erased, refused and skipped."""
        erased = select(func.count(slice_.c.instance_id.distinct())).where(
            slice_.c.state == SliceState.ERASED
        )
        refused = select(refusal.c.reason, func.count().label("n")).group_by(refusal.c.reason)
        skipped = select(deid_tally.c.attribute, func.sum(deid_tally.c.instances)).where(
            deid_tally.c.action == SKIPPED
        )
        with self._database.read() as connection:
            return DoorCounts(
                connection.execute(erased).scalar_one(),
                [
                    (str(reason), int(n))
                    for reason, n in connection.execute(refused.order_by(refusal.c.reason))
                ],
                [
                    (str(reason), int(n))
                    for reason, n in connection.execute(skipped.group_by(deid_tally.c.attribute))
                ],
            )
