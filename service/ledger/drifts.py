"""Drift: what a scanner gives of late, held against the first months under the model in use."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from service.ledger.database import Database, lock_all
from service.ledger.events import note_event
from service.ledger.tables import scanner
from service.ledger.tables_trends import drift, metric_in, trend
from service.trends import DRIFTING, drift_of

DRIFT = "drift"  # the kind of event
DAY_S = 86400.0
LATE_S = 30 * DAY_S
BEFORE_S = 90 * DAY_S  # from the first series under the model in use

_COLUMNS = {
    measure.name: trend.c[metric_in(measure.of)]
    if measure.group == "metric"
    else trend.c["quality_index" if measure.of == "index" else measure.of]
    for measure in DRIFTING
}


class Drifts:
    """Measures drift, and tells it when it begins."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def measure(self, now: float) -> None:
        """Compare each measure of each scanner anew; what begins to alarm, or has ended, is an event."""
        with self._database.read() as connection:
            scanners = connection.execute(select(scanner.c.id, scanner.c.name)).all()
        for scanner_id, name in scanners:
            with self._database.read() as connection:
                rows = list(_compared(connection, scanner_id, now))
            self._note(scanner_id, name, rows, now)

    def _note(self, scanner_id: int, name: str, rows: list[dict[str, Any]], now: float) -> None:
        mine = drift.c.scanner_id == scanner_id
        with self._database.write() as connection:
            lock_all(connection, [f"drift {scanner_id}"])  # of several workers one after the other
            since = {
                row.measure: row.since for row in connection.execute(select(drift).where(mine, drift.c.alarm))
            }
            for row in rows:
                row["since"] = since.get(row["measure"], now) if row["alarm"] else None
            alarms = {row["measure"] for row in rows if row["alarm"]}
            connection.execute(delete(drift).where(mine))
            if rows:
                connection.execute(insert(drift), rows)
            for measure in sorted(alarms ^ since.keys()):
                told = {"scanner": name, "measure": measure, "alarm": measure in alarms}
                note_event(connection, now, DRIFT, "", told)

    def measured_at(self) -> float | None:
        """Tell when drift was measured last; None where it never was."""
        with self._database.read() as connection:
            last = connection.scalar(select(func.max(drift.c.measured_at)))
        return None if last is None else float(last)


def _compared(connection: Connection, scanner_id: int, now: float) -> Iterator[dict[str, Any]]:
    """Compare the last month with the first three under the model of the newest series, as rows."""
    mine = trend.c.scanner_id == scanner_id
    model = connection.scalar(
        select(trend.c.model)
        .where(mine)
        .order_by(trend.c.opened_at.desc(), trend.c.series_id.desc())
        .limit(1)
    )
    same = (mine, trend.c.model == model)
    first = connection.scalar(select(func.min(trend.c.opened_at)).where(*same))
    if first is None:
        return
    until = min(first + BEFORE_S, now - LATE_S)
    query = select(*_COLUMNS.values())
    early = connection.execute(query.where(*same, trend.c.opened_at < until)).all()
    late = connection.execute(query.where(*same, trend.c.opened_at >= now - LATE_S)).all()
    for place, measure in enumerate(_COLUMNS):
        found = drift_of(
            [row[place] for row in early if row[place] is not None],
            [row[place] for row in late if row[place] is not None],
        )
        if found is not None:
            yield {
                "scanner_id": scanner_id,
                "measure": measure,
                "psi": found.psi,
                "ks": found.ks,
                "p": found.p,
                "n_before": found.n_before,
                "n_now": found.n_now,
                "before": found.before,
                "now": found.now,
                "alarm": found.alarm,
                "measured_at": now,
            }
