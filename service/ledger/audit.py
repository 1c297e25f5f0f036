"""The audit log: who did what to what, each row chained to the one before by a keyed digest.

Rows are written in the transaction that does what they tell of. The key lies in the state folder: whoever writes into
the database alone can make no row that fits. The last row is noted elsewhere too, which shows when the end is cut off.
"""

import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from itertools import takewhile

from sqlalchemy import Connection, RowMapping, Select, delete, insert, select

from service.ledger.cursors import number_of
from service.ledger.database import AUDIT_KEY, Database, mark_audit, order_events
from service.ledger.tables_audit import audit
from service.operating.audit_views import EVERYTHING, AuditQuery, AuditRow, Check, Entry, Fault, Mark

ADDRESS: ContextVar[str] = ContextVar("address", default="")
"""Where the request comes from that is being answered; "" for what no request asked for."""

PURGED = "audit purged"
MOST_FAULTS = 20
BATCH = 1000  # rows read at once
PURGED_AT_ONCE = 5000  # rows of a transaction
_FIELDS = ("id", "at", "actor", "address", "what", "subject", "result", "detail", "previous")


def note(connection: Connection, at: float, entry: Entry) -> Mark:
    """Add a row to the transaction; to be called late, for on PostgreSQL it waits its turn."""
    order_events(connection)
    last = connection.execute(select(audit.c.id, audit.c.digest).order_by(audit.c.id.desc()).limit(1)).first()
    row: dict[str, object] = {
        "id": 1 if last is None else last.id + 1,
        "at": float(at),
        "actor": entry.actor,
        "address": entry.address or ADDRESS.get(),
        "what": entry.what,
        "subject": entry.subject,
        "result": entry.result,
        "detail": _written(entry.detail),
        "previous": "" if last is None else last.digest,
    }
    mark = Mark(int(str(row["id"])), _digest(_key(connection), row))
    connection.execute(insert(audit), row | {"digest": mark.digest})
    mark_audit(connection, mark)
    return mark


def note_deed(connection: Connection, at: float, kind: str, subject: str, data: Mapping[str, object]) -> None:
    """Write down an event that tells of what a person did; others are none of the log's business."""
    if kind == "access":
        told = {name: value for name, value in data.items() if name not in _NAMED}
        done, user = str(data.get("done", "")), str(data.get("user") or data.get("token") or "")
        result = "refused" if done.endswith("refused") else "done"
        address = str(data.get("address") or "")
        note(connection, at, Entry(done, str(data.get("by") or user), user, result, address, told))
    elif kind == "decision":
        told = {name: value for name, value in data.items() if name not in ("by", "deed")}
        what = f"deliveries: {data['deed']}" if "deed" in data else "dispute decided"
        note(connection, at, Entry(what, str(data.get("by") or ""), subject, detail=told))


_NAMED = frozenset({"done", "by", "user", "token", "address"})


class AuditBook:
    """Reads and checks the log."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def noted(self, entry: Entry) -> Mark:
        """Write down what is about to be told or done outside of the database."""
        with self._database.write() as connection:
            return note(connection, self._clock(), entry)

    def page(
        self, limit: int, cursor: str | None = None, query: AuditQuery = EVERYTHING
    ) -> tuple[list[AuditRow], str | None]:
        """Give rows, newest first, and the cursor of the next page. Raises BadCursor."""
        chosen = _chosen(query).order_by(audit.c.id.desc()).limit(limit + 1)
        if cursor is not None:
            chosen = chosen.where(audit.c.id < number_of(cursor))
        with self._database.read() as connection:
            rows = [_row(row) for row in connection.execute(chosen).mappings()]
        return rows[:limit], str(rows[limit - 1].id) if len(rows) > limit else None

    def kinds(self) -> list[str]:
        """Give what the rows tell of, by name."""
        with self._database.read() as connection:
            return [
                str(what) for what in connection.scalars(select(audit.c.what).distinct().order_by("what"))
            ]

    def rows(self, query: AuditQuery = EVERYTHING) -> Iterator[AuditRow]:
        """Give rows, oldest first, in batches: nothing is held while they are written out."""
        after = 0
        while True:
            chosen = _chosen(query).where(audit.c.id > after).order_by(audit.c.id).limit(BATCH)
            with self._database.read() as connection:
                batch = [_row(row) for row in connection.execute(chosen).mappings()]
            yield from batch
            if len(batch) < BATCH:
                return
            after = batch[-1].id

    def check(self, *noted: Mark) -> Check:
        """Go through the chain from the first row; ``noted`` are rows as they were noted elsewhere."""
        with self._database.read() as connection:
            return _checked(connection, noted)

    def oldest(self) -> float | None:
        """Tell from when the first row is; None where there is none."""
        with self._database.read() as connection:
            return connection.scalar(select(audit.c.at).order_by(audit.c.id).limit(1))

    def purged(self, before: float, by: str) -> int:
        """Let go of the first rows, a batch at most, up to the first that is not from before a moment.

        A row tells of it: signed like all others, it proves that the rest follows what went. Gives how many went.
        """
        with self._database.write() as connection:
            order_events(connection)
            front = select(audit.c.id, audit.c.at, audit.c.digest).order_by(audit.c.id).limit(PURGED_AT_ONCE)
            going = list(takewhile(lambda row: row.at < before, connection.execute(front)))
            if not going:
                return 0
            last = going[-1]
            told = {"through": last.id, "digest": last.digest, "rows": len(going)}
            note(connection, self._clock(), Entry(PURGED, by, detail=told))
            connection.execute(delete(audit).where(audit.c.id <= last.id))
        return len(going)


def _chosen(query: AuditQuery) -> Select[tuple[object, ...]]:
    chosen = select(audit)
    for name in ("actor", "what", "subject"):
        value = getattr(query, name)
        if value:
            chosen = chosen.where(audit.c[name] == value)
    if query.since is not None:
        chosen = chosen.where(audit.c.at >= query.since)
    if query.until is not None:
        chosen = chosen.where(audit.c.at < query.until)
    return chosen


def _checked(connection: Connection, noted: tuple[Mark, ...]) -> Check:
    key, faults, count = _key(connection), list[Fault](), 0
    first, last = 0, None
    start: tuple[int, str] | None = None  # the row that must have gone before the first, and its digest
    checkpoints: set[tuple[int, str]] = set()
    wanted: dict[int, set[str]] = {}
    for mark in noted:
        wanted.setdefault(mark.id, set()).add(mark.digest)
    result = connection.execution_options(yield_per=BATCH).execute(select(audit).order_by(audit.c.id))
    for row in result.mappings():
        count += 1
        if last is None:
            first, start = row["id"], (row["id"] - 1, row["previous"])
        elif row["id"] != last.id + 1:
            faults.append(Fault(row["id"], f"rows {last.id + 1} to {row['id'] - 1} are missing"))
        elif row["previous"] != last.digest:
            faults.append(Fault(row["id"], "it does not follow the row before"))
        digest = _digest(key, row)
        if digest != row["digest"]:  # compared plainly: what was tampered with may be of any type
            faults.append(Fault(row["id"], "it is not as it was written"))
        elif row["what"] == PURGED:
            told = json.loads(row["detail"])
            checkpoints.add((int(told["through"]), str(told["digest"])))
        if wanted.pop(row["id"], set()) - {row["digest"]}:
            faults.append(Fault(row["id"], "it is not the row that was noted elsewhere"))
        last = Mark(row["id"], row["digest"])
    if start is not None and start != (0, "") and start not in checkpoints:
        faults.append(Fault(first, "the rows before it are missing, and no purge tells of them"))
    purged = tuple(sorted(number for number in wanted if number < first))
    ends = dict(checkpoints)
    faults += [
        Fault(number, "it is not the row that was noted elsewhere: the purge tells of another one")
        for number in purged
        if number in ends and wanted[number] - {ends[number]}
    ]
    faults += [
        Fault(number, "the end is cut off: a row that was noted elsewhere is missing")
        for number in wanted
        if number > (last.id if last is not None else 0)
    ]
    return Check(count, first, last, tuple(faults[:MOST_FAULTS]), purged)


def _key(connection: Connection) -> bytes:
    return bytes(connection.get_execution_options().get(AUDIT_KEY, b""))


def _digest(key: bytes, row: Mapping[str, object] | RowMapping) -> str:
    said = json.dumps([row[name] for name in _FIELDS], separators=(",", ":"), default=repr)  # bytes: not ours
    return hmac.digest(key, said.encode(), "sha256").hex()


def _written(detail: Mapping[str, object]) -> str:
    return json.dumps(dict(detail), sort_keys=True, separators=(",", ":"), default=str)


def _row(row: RowMapping) -> AuditRow:
    return AuditRow(**{name: row[name] for name in (*_FIELDS, "digest")})
