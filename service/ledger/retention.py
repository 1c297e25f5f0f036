"""Letting go of what was remembered for its time, a few rows in each transaction: the house goes on meanwhile."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, Table, case, delete, exists, func, select

from service.ledger.actions import WAITING
from service.ledger.database import Database, lock_all
from service.ledger.desk import DEED
from service.ledger.identities import Leftovers
from service.ledger.locks import hold_generations
from service.ledger.states import SeriesState
from service.ledger.tables import (
    event,
    exam_series,
    feedback,
    instance,
    learnt,
    outbox,
    pace,
    refusal,
    series,
    slice_,
    vault,
)
from service.ledger.tables_desk import deed
from service.ledger.tables_nodes import caller, probe
from service.ledger.tables_review import review, review_decision, threshold_trial, threshold_version
from service.ledger.tables_rules import errand, firing
from service.ledger.tables_trends import trend

BATCH = 500  # rows of a transaction

Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Rows:
    """What goes of a table: what is older than a moment, and nothing depends on."""

    table: Table
    old: Callable[[float], Condition]


Kind = Literal["orders", "deeds", "callers", "events"]
KINDS: Mapping[Kind, tuple[Rows, ...]] = {  # each in the order in which its rows may go
    "orders": (
        Rows(errand, lambda before: (errand.c.created_at < before) & (errand.c.state != WAITING)),
        Rows(
            firing,
            lambda before: (
                (firing.c.at < before)
                & ~exists().where(errand.c.firing_id == firing.c.id)
                & exists().where(
                    series.c.id == firing.c.series_id, series.c.state == SeriesState.DELIVERED
                )  # else its results are still to be routed
            ),
        ),
    ),
    "deeds": (
        Rows(deed, lambda before: deed.c.at < before),
        Rows(event, lambda before: (event.c.at < before) & (event.c.kind == DEED)),
        Rows(
            threshold_trial,
            lambda before: (
                (threshold_trial.c.at < before)
                & ~exists().where(threshold_version.c.trial_id == threshold_trial.c.id)
            ),
        ),
    ),
    "callers": (
        Rows(caller, lambda before: caller.c.last_at < before),
        Rows(probe, lambda before: probe.c.at < before),
    ),
    "events": (
        Rows(event, lambda before: (event.c.at < before) & (event.c.kind != DEED)),
        Rows(refusal, lambda before: refusal.c.at < before),
    ),
}


class Retention:
    """Lets go; each call is one transaction of no more than `BATCH` rows, or of one series."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def let_go(self, kind: Kind, before: float) -> int:
        """Let rows of a kind go that are older; gives how many, 0 when none is left."""
        for rows in KINDS[kind]:
            key = next(iter(rows.table.primary_key))
            old = select(key).where(rows.old(before)).limit(BATCH)
            with self._database.read() as connection:  # the usual answer is no, and costs no write lock
                if connection.scalar(old.limit(1)) is None:
                    continue
            with self._database.write() as connection:
                gone = connection.execute(delete(rows.table).where(key.in_(old))).rowcount
            if gone:
                return gone
        return 0

    def outlived(self, before: float, limit: int) -> list[str]:
        """Give series of which nothing came since then and nothing waits, the oldest first."""
        first = series.alias()
        began = series.c.uid.in_(select(first.c.uid).where(first.c.opened_at < before))  # by its index
        query = _outlived(before).where(began).order_by(func.max(series.c.last_instance_at)).limit(limit)
        with self._database.read() as connection:
            return list(connection.scalars(query))

    def forgotten(self, series_uid: str, before: float) -> Leftovers:
        """Let everything go that is known of a series, if it is `outlived` still; gives the files that must go now."""
        with self._database.write() as connection:
            lock_all(connection, {series_uid})
            hold_generations(connection, series.c.uid == series_uid)
            if connection.scalar(_outlived(before).where(series.c.uid == series_uid)) is None:
                return Leftovers((), ())
            rows = connection.execute(select(series).where(series.c.uid == series_uid)).all()
            left = _forgotten(connection, series_uid, [row.id for row in rows])
            for scanner_id, protocol_key in {(row.scanner_id, row.protocol_key) for row in rows}:
                _unlearn(connection, scanner_id, protocol_key)
            return left


def _outlived(before: float) -> Select[Any]:
    waits = func.sum(case((series.c.state == SeriesState.DELIVERED, 0), else_=1))
    return (
        select(series.c.uid)
        .group_by(series.c.uid)
        .having(waits == 0, func.max(series.c.last_instance_at) < before)
    )


def _forgotten(connection: Connection, series_uid: str, ids: Sequence[str]) -> Leftovers:
    """Take out all rows of a series, those first that name others."""
    own = select(instance.c.sop_instance_uid).where(instance.c.series_uid == series_uid)
    connection.execute(delete(vault).where((vault.c.uid == series_uid) | vault.c.uid.in_(own)))
    of_reviews = select(review.c.id).where(review.c.series_id.in_(ids))
    connection.execute(delete(review_decision).where(review_decision.c.review_id.in_(of_reviews)))
    for table in (errand, firing, review, feedback, trend, event):
        connection.execute(delete(table).where(table.c.series_id.in_(ids)))
    for table in (slice_, exam_series):
        connection.execute(delete(table).where(table.c.series_uid == series_uid))
    of_generations = delete(outbox).where(outbox.c.series_id.in_(ids)).returning(outbox.c.name)
    results = connection.scalars(of_generations).all()
    of_series = delete(instance).where(instance.c.series_uid == series_uid).returning(instance.c.spool_name)
    images = connection.scalars(of_series).all()
    connection.execute(delete(series).where(series.c.uid == series_uid))
    return Leftovers(tuple(images), tuple(results))


def _unlearn(connection: Connection, scanner_id: int, protocol_key: str) -> None:
    """Let go of what was learnt of a protocol of which no series is left."""
    same = (series.c.scanner_id == scanner_id) & (series.c.protocol_key == protocol_key)
    if connection.scalar(select(series.c.id).where(same).limit(1)) is None:
        for table in (learnt, pace):
            mine = (table.c.scanner_id == scanner_id) & (table.c.protocol_key == protocol_key)
            connection.execute(delete(table).where(mine))
