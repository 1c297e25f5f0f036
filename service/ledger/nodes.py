"""Scanners and destinations that the console added: each change is a new version, and the old ones stay."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from service.ledger.audit import note
from service.ledger.database import Database, lock_all
from service.ledger.tables import outbox
from service.ledger.tables_nodes import node, probe
from service.operating.audit_views import Entry
from service.operating.node_views import NodeRow, Probe, Sending

LOCK = "nodes"


class NoNode(LookupError):
    """There is no such node."""


class NodeExists(ValueError):
    """There is a node of this name already."""


class NodeChanged(ValueError):
    """The node is another one by now: look again."""


class KeyUsed(ValueError):
    """This Idempotency-Key came with another request before."""


@dataclass(frozen=True, slots=True)
class NodeChange:
    """What a person makes of a node."""

    id: str  # scanner:NAME or to:NAME
    told: Mapping[str, Any] | None  # None: it goes
    by: str
    key: str  # of the request: the same one again counts once


class NodeBook:
    """Keeps them."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def all(self) -> list[NodeRow]:
        """Give the nodes that there are, by id."""
        with self._database.read() as connection:
            rows = connection.execute(_newest().where(node.c.told.is_not(None)).order_by(node.c.id)).all()
        return [_row(row) for row in rows]

    def versions(self, node_id: str) -> list[NodeRow]:
        """Give all versions of a node, newest first; none where there never was one."""
        query = select(node).where(node.c.id == node_id).order_by(node.c.version.desc())
        with self._database.read() as connection:
            return [_row(row) for row in connection.execute(query).all()]

    def added(self, change: NodeChange) -> NodeRow:
        """Add a node. Raises NodeExists and KeyUsed."""
        with self._database.write() as connection:
            lock_all(connection, [LOCK])
            before = _came_before(connection, change)
            if before is not None:
                return before
            last = _last(connection, change.id)
            if last is not None and last.told is not None:
                raise NodeExists(NodeExists.__doc__)
            return self._write(connection, change, 1 if last is None else last.version + 1)

    def changed(self, change: NodeChange, version: int) -> NodeRow:
        """Change a node, or remove it, if it is still the version that was seen.

        Raises NoNode, NodeChanged and KeyUsed.
        """
        with self._database.write() as connection:
            lock_all(connection, [LOCK])
            before = _came_before(connection, change)
            if before is not None:
                return before
            last = _last(connection, change.id)
            if last is None or last.told is None:
                raise NoNode(NoNode.__doc__)
            if last.version != version:
                raise NodeChanged(NodeChanged.__doc__)
            if change.told is None:
                connection.execute(delete(probe).where(probe.c.id == change.id))
            return self._write(connection, change, last.version + 1)

    def probed(self, told: Probe) -> None:
        """Note what a node said when it was asked."""
        row = {name: getattr(told, name) for name in ("id", "at", "good", "told", "seconds")}
        with self._database.write() as connection:
            lock_all(connection, [LOCK])
            changed = connection.execute(update(probe).where(probe.c.id == told.id).values(row))
            if changed.rowcount == 0:
                connection.execute(insert(probe), row)

    def probes(self) -> dict[str, Probe]:
        """Give the last answers of the nodes that were asked, by id."""
        with self._database.read() as connection:
            rows = connection.execute(select(probe)).all()
        return {row.id: Probe(row.id, row.at, row.good, row.told, row.seconds) for row in rows}

    def sendings(self) -> dict[str, Sending]:
        """Give how each destination answered last, by name."""
        times = select(
            outbox.c.destination, func.max(outbox.c.tried_at).label("tried"), func.max(outbox.c.sent_at).label("sent")
        ).group_by(outbox.c.destination)  # fmt: skip
        found: dict[str, Sending] = {}
        with self._database.read() as connection:
            for row in connection.execute(times).all():
                answer = connection.scalar(
                    select(outbox.c.answer)
                    .where(outbox.c.destination == row.destination, outbox.c.tried_at == row.tried)
                    .limit(1)
                )
                found[row.destination] = Sending(row.tried, row.sent, answer or "")
        return found

    def _write(self, connection: Connection, change: NodeChange, version: int) -> NodeRow:
        told = None if change.told is None else dict(change.told)
        made = NodeRow(change.id, version, told, self._clock(), change.by)
        row = {"id": made.id, "version": version, "told": told}
        connection.execute(insert(node), row | {"at": made.at, "by": made.by, "key": change.key})
        done = "node removed" if told is None else "node added" if version == 1 else "node changed"
        note(connection, made.at, Entry(done, made.by, made.id, detail={"version": version}))
        return made


def _came_before(connection: Connection, change: NodeChange) -> NodeRow | None:
    """Give what this very request made when it came before. Raises KeyUsed where it was another one."""
    mine = (node.c.by == change.by) & (node.c.key == change.key)
    row = connection.execute(select(node).where(mine)).first()
    if row is None:
        return None
    if (row.id, row.told) != (change.id, change.told):
        raise KeyUsed(KeyUsed.__doc__)
    return _row(row)


def _newest() -> Any:  # noqa: ANN401 - a select of all columns
    newest = select(node.c.id, func.max(node.c.version).label("version")).group_by(node.c.id).subquery()
    return select(node).join(newest, (newest.c.id == node.c.id) & (newest.c.version == node.c.version))


def _last(connection: Connection, node_id: str) -> Row[Any] | None:
    query = select(node).where(node.c.id == node_id).order_by(node.c.version.desc()).limit(1)
    return connection.execute(query).first()


def _row(row: Row[Any]) -> NodeRow:
    return NodeRow(row.id, row.version, row.told, row.at, row.by)
