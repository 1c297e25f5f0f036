"""What destinations say of the objects that they were asked to keep."""

import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select, update

from service.ledger.database import Database
from service.ledger.events import note_event
from service.ledger.locks import hold_deliveries
from service.ledger.outbox import close_settled, retry_after
from service.ledger.states import DeliveryState
from service.ledger.tables import commitment, outbox

# PS3.4, J.3.3.1 and PS3.3, C.14.1.1: reasons for which another sending may help
WORTH_ANOTHER = {0x0110: "processing failure", 0x0112: "no such object", 0x0213: "resource limitation"}
FAILURES = WORTH_ANOTHER | {
    0x0119: "class and object do not fit",
    0x0122: "class not supported",
    0x0131: "duplicate transaction UID",
}
SENDINGS = 3  # that a destination takes and does not keep; then a person has to look


@dataclass(frozen=True, slots=True)
class Commitments:
    """Takes reports; any part of the house may get one."""

    database: Database
    clock: Callable[[], float] = field(default=time.time)

    def reported(self, transaction_uid: str, kept: Set[str], failed: Mapping[str, int]) -> bool:
        """Note which objects (by SOP Instance UID) a destination keeps, and why it does not keep others.

        False where nobody asked with this transaction. What is not kept is sent again where that may help.
        """
        now = self.clock()
        with self.database.write() as connection:
            destination = connection.scalar(
                update(commitment)
                .where(commitment.c.transaction_uid == transaction_uid)
                .values(answered_at=now)
                .returning(commitment.c.destination)
            )
            if destination is None:
                return False
            asked = (
                (outbox.c.destination == destination)
                & outbox.c.sop_instance_uid.in_([*kept, *failed])
                & (outbox.c.state == DeliveryState.UNCOMMITTED)
            )
            hold_deliveries(connection, asked)
            rows = connection.execute(select(outbox).where(asked)).all()
            for row in rows:
                uid = row.sop_instance_uid
                if uid in failed:  # named in both: it is not safe
                    again = row.attempts < SENDINGS and not row.former_identity
                    state = _not_kept(connection, row.id, row.attempts, failed[uid], now, again=again)
                else:
                    state = _kept(connection, row.id, now)
                note_event(connection, now, "delivery", row.series_id, {"kind": row.kind, "state": state})
            close_settled(connection, [row.series_id for row in rows])
        return True

    def waiting(self) -> int:
        """Count the objects of which nobody knows yet whether they are kept."""
        with self.database.read() as connection:
            query = select(func.count()).where(outbox.c.state == DeliveryState.UNCOMMITTED)
            return int(connection.scalar(query) or 0)


def _kept(connection: Connection, row: int, now: float) -> DeliveryState:
    changes = {"state": DeliveryState.COMMITTED, "committed_at": now, "reason": "", "lease_until": 0.0}
    connection.execute(update(outbox).where(outbox.c.id == row).values(changes))
    return DeliveryState.COMMITTED


def _not_kept(
    connection: Connection, row: int, attempts: int, reason: int, now: float, *, again: bool
) -> DeliveryState:
    state = DeliveryState.WAITING if again and reason in WORTH_ANOTHER else DeliveryState.DEAD
    said = f"not committed: 0x{reason:04X} {FAILURES.get(reason, '')}".strip()
    connection.execute(
        update(outbox)
        .where(outbox.c.id == row)
        .values(
            state=state,
            answer=said,
            next_at=now + retry_after(attempts),
            lease_until=0.0,
            attempt=outbox.c.attempt + 1,
        )
    )
    return state
