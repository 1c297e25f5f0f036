"""Trends: what each verdict adds, and what the physicist asks of thousands of them."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    String,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
)

from inference.artifacts import NAMES as ARTIFACTS
from inference.score import UNFAMILIAR
from service.ledger.database import Database
from service.ledger.tables import scanner
from service.ledger.tables_trends import METRIC_NAMES, drift, found_in, metric_in, probability_in, trend
from service.ledger_views import Verdict
from service.trends import Measure
from service.trends.views import Bucket, DriftView, Group, Period, Presence, Selection, TrendRow

_VERDICTS: tuple[Verdict, ...] = ("Usable", "Check", "Repeat", "Not scored")
AT_ONCE = 5000  # rows of an export that are read in one transaction
_COLUMNS: Mapping[str, ColumnElement[Any]] = {
    "index": trend.c.quality_index,
    "suitability": trend.c.suitability,
    "outlier": trend.c.outlier,
    "unfamiliar": trend.c.unfamiliar,
    "strange": trend.c.strange,
    **{f"presence.{name}": trend.c[found_in(name)] for name in ARTIFACTS},
    **{f"probability.{name}": trend.c[probability_in(name)] for name in ARTIFACTS},
    **{f"metric.{name}": trend.c[metric_in(name)] for name in METRIC_NAMES},
}
VALUES: tuple[str, ...] = tuple(_COLUMNS)
"""What an exported row holds beside what the series is, by name."""


def day_of(epoch_s: float) -> int:
    """Give the day of an instant by the clock of the site (TZ), counted from 1 January 1970."""
    local = datetime.fromtimestamp(epoch_s, UTC).astimezone()
    return local.toordinal() - datetime(1970, 1, 1, tzinfo=UTC).toordinal()


def coil_id(name: str) -> str:
    """Give what stands for a coil's name in an address; "" for none."""
    return hashlib.sha256(name.encode()).hexdigest()[:12] if name else ""


def note_trend(
    connection: Connection, row: Row[Any], verdict: str, quality: Mapping[str, Any], model: str
) -> None:
    """Add a verdict to the trends, in place of what this series added before; `row` is its generation."""
    known = {name: getattr(row, name) for name in _OF_SERIES}
    connection.execute(delete(trend).where(trend.c.uid == row.uid))
    connection.execute(insert(trend), trend_row(row.id, known, verdict, quality, model))


_OF_SERIES = ("uid", "scanner_id", "protocol", "coil", "opened_at")


def trend_row(
    series_id: str, known: Mapping[str, Any], verdict: str, quality: Mapping[str, Any], model: str
) -> dict[str, Any]:
    """Give the row of a verdict; `known` is what its series has under the same names."""
    slices = quality.get("n_slices")
    found = {one["artifact"]: one for one in quality.get("findings", ())}
    read = {one["metric"]: one["median"] for one in quality.get("evidence", ())}
    return (
        {name: known[name] for name in _OF_SERIES}
        | {
            "series_id": series_id,
            "day": day_of(known["opened_at"]),
            "verdict": verdict,
            "quality_index": quality.get("index"),
            "suitability": quality.get("suitability"),
            "outlier": quality.get("outlier"),
            "unfamiliar": quality.get("unfamiliar", 0) / slices if slices else None,
            "strange": quality.get("reason") == UNFAMILIAR,
            "model": model,
        }
        | {found_in(name): found[name]["present"] if name in found else None for name in ARTIFACTS}
        | {probability_in(name): found[name]["probability"] if name in found else None for name in ARTIFACTS}
        | {metric_in(name): read.get(name) for name in METRIC_NAMES}
    )


class Trends:
    """Reads only; sums are made where the rows are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def groups(self, scanner_name: str = "") -> list[Group]:
        """Give the scanners, protocols and coils that there are, most series first; of one scanner or of all."""
        columns = (trend.c.scanner_id, trend.c.protocol, trend.c.coil)
        with self._database.read() as connection:
            names = _names(connection)
            rows = connection.execute(
                select(*columns, func.count().label("n")).group_by(*columns).order_by(func.count().desc())
            ).all()
        groups = (Group(names[row.scanner_id], row.protocol, row.coil, row.n) for row in rows)
        return [group for group in groups if scanner_name in {"", group.scanner}]

    def course(self, selection: Selection, measure: Measure, period: Period) -> list[Bucket]:
        """Give a measure over time, oldest first; days without a series are left out."""
        start = trend.c.day if period == "day" else trend.c.day - (trend.c.day + 3) % 7  # that was a Thursday
        value = _value(measure)
        query = select(
            start.label("start"),
            func.count(value).label("n"),
            func.avg(value).label("value"),
            func.max(trend.c.model).label("model"),
            *(func.sum(case((trend.c.verdict == name, 1), else_=0)) for name in _VERDICTS),
        )
        with self._database.read() as connection:
            rows = connection.execute(
                query.where(*_chosen(connection, selection)).group_by(start).order_by(start)
            ).all()
        return [
            Bucket(
                day=first,
                n=n,
                value=None if mean is None else float(mean),
                verdicts=dict(zip(_VERDICTS, map(int, counts), strict=True)),
                model=model,
            )
            for first, n, mean, model, *counts in map(tuple, rows)
        ]

    def presence(self, selection: Selection) -> list[Presence]:
        """Give how often each artifact was found, in the catalogue's order."""
        sums = [
            column
            for name in ARTIFACTS
            for column in (
                func.sum(case((trend.c[found_in(name)], 1), else_=0)),
                func.avg(trend.c[probability_in(name)]),
            )
        ]
        scored = func.count(trend.c.quality_index)
        with self._database.read() as connection:
            row = connection.execute(select(scored, *sums).where(*_chosen(connection, selection))).one()
        n, *told = row
        return [
            Presence(name, int(n), int(told[2 * place] or 0), told[2 * place + 1])
            for place, name in enumerate(ARTIFACTS)
        ]

    def rows(self, selection: Selection) -> Iterator[TrendRow]:
        """Give the judged series, oldest first, read some thousands at a time: no transaction stays open."""
        with self._database.read() as connection:
            names, chosen = _names(connection), _chosen(connection, selection)
        columns = (
            *(trend.c.series_id, trend.c.opened_at, trend.c.scanner_id, trend.c.protocol, trend.c.coil),
            *(trend.c.verdict, trend.c.model, self._numbers(_COLUMNS.values())),
        )
        ordered = select(*columns).order_by(trend.c.opened_at, trend.c.series_id)
        query: Select[*tuple[Any, ...]] = ordered.where(*chosen).limit(AT_ONCE)
        after: ColumnElement[bool] | None = None
        while True:
            with self._database.read() as connection:
                rows = connection.execute(query if after is None else query.where(after)).all()
            for series_id, opened_at, scanner_id, protocol, coil, verdict, model, values in map(tuple, rows):
                yield TrendRow(
                    series_id, opened_at, names[scanner_id], protocol, coil, verdict, model, values
                )
            if len(rows) < AT_ONCE:
                return
            after = _later(rows[-1])

    def _numbers(self, columns: Iterable[ColumnElement[Any]]) -> ColumnElement[str]:
        """Have the database write numbers as one JSON array, to 15 digits at least: it is faster at it by half."""
        array = func.json_array if self._database.sqlite else func.json_build_array
        return cast(array(*map(_number, columns)), String)

    def drifts(self, scanner_name: str = "") -> list[DriftView]:
        """Give how far each measure of each scanner has moved, the farthest first; of one scanner or of all."""
        query = (
            select(drift, scanner.c.name)
            .join(scanner, scanner.c.id == drift.c.scanner_id)
            .order_by(drift.c.alarm.desc(), drift.c.psi.desc(), drift.c.measure)
        )
        if scanner_name:
            query = query.where(scanner.c.name == scanner_name)
        with self._database.read() as connection:
            return [_drift_view(row) for row in connection.execute(query)]


def _number(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give truth values as 1 and 0, which costs nothing in the thousands."""
    return cast(column, Integer) if isinstance(column.type, Boolean) else column


def _value(measure: Measure) -> ColumnElement[Any]:
    """Give the expression that is a series' value of a measure; null where the series does not count for it."""
    if measure.group == "verdict":
        return case((trend.c.verdict == measure.of, 1.0), else_=0.0)
    if measure.name == "abstained":
        asked = or_(trend.c.quality_index.is_not(None), trend.c.strange)
        return case((trend.c.strange, 1.0), (asked, 0.0))
    column = _COLUMNS[measure.name]
    if measure.group == "presence":
        return case((column.is_(None), None), (column, 1.0), else_=0.0)
    return column


def _chosen(connection: Connection, selection: Selection) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if selection.scanner:
        named = select(scanner.c.id).where(scanner.c.name == selection.scanner)
        wanted.append(trend.c.scanner_id == (connection.scalar(named) or 0))
    if selection.protocol:
        wanted.append(trend.c.protocol == selection.protocol)
    if selection.coil:
        coils = connection.scalars(select(trend.c.coil).distinct())
        wanted.append(trend.c.coil.in_([name for name in coils if coil_id(name) == selection.coil]))
    if selection.since is not None:
        wanted.append(trend.c.day >= selection.since)
    if selection.until is not None:
        wanted.append(trend.c.day < selection.until)
    return wanted


def _later(row: Row[*tuple[Any, ...]]) -> ColumnElement[bool]:
    """Select what comes after a row of an export."""
    series_id, opened_at = row.series_id, row.opened_at
    return and_(
        trend.c.opened_at >= opened_at,
        or_(trend.c.opened_at > opened_at, trend.c.series_id > series_id),
    )


def _names(connection: Connection) -> dict[int, str]:
    return {row.id: row.name for row in connection.execute(select(scanner.c.id, scanner.c.name))}


def _drift_view(row: Row[Any]) -> DriftView:
    return DriftView(
        scanner=row.name,
        measure=row.measure,
        psi=row.psi,
        ks=row.ks,
        p=row.p,
        n_before=row.n_before,
        n_now=row.n_now,
        before=row.before,
        now=row.now,
        alarm=row.alarm,
        since=row.since,
        measured_at=row.measured_at,
    )
