"""Reference bands learnt from a scanner's usable series, protocol by protocol."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, exists, func, insert, select

from inference.verdict import Verdict
from service.ledger.database import Database, lock_all
from service.ledger.tables import feedback, scanner, series
from service.ledger.tables_review import review
from service.ledger.tables_trends import METRIC_NAMES, band, metric_in, trend
from service.trends.bands import band_of
from service.trends.views import BandView

DAYS = 365.0  # of which series count
DAY_S = 86400.0
CONTRADICTING = ("repeated", "wrong alarm")  # what people say to a verdict that they do not share
SHARING = ("", "usable", "limits")  # outcomes of a review that do not speak against Usable; "": none yet

_said = exists().where(feedback.c.series_id == trend.c.series_id, feedback.c.kind.in_(CONTRADICTING))
_decided = exists().where(review.c.series_id == trend.c.series_id, review.c.outcome.not_in(SHARING))


class Bands:
    """Keeps the bands; those of a scanner change together."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def learn(self, now: float) -> int:
        """Learn all bands anew from the usable series of a year that nobody contradicted; gives how many there are."""
        with self._database.read() as connection:
            scanners = connection.scalars(select(scanner.c.id)).all()
        return sum(self._learn(scanner_id, now) for scanner_id in scanners)

    def _learn(self, scanner_id: int, now: float) -> int:
        with self._database.read() as connection:
            rows = list(_bands(connection, scanner_id, now))
        with self._database.write() as connection:
            lock_all(connection, [f"bands {scanner_id}"])  # of several workers one after the other
            connection.execute(delete(band).where(band.c.scanner_id == scanner_id))
            if rows:
                connection.execute(insert(band), rows)
        return len(rows)

    def learnt_at(self) -> float | None:
        """Tell when bands were learnt last; None where there are none."""
        with self._database.read() as connection:
            last = connection.scalar(select(func.max(band.c.learnt_at)))
        return None if last is None else float(last)

    def of(self, scanner_name: str, protocol: str) -> list[BandView]:
        """Give the bands of a scanner and protocol, by metric."""
        query = _bands_with_names().where(scanner.c.name == scanner_name, band.c.protocol == protocol)
        return self._read(query)

    def of_series(self, series_id: str) -> list[BandView]:
        """Give the bands that are those of a series."""
        same = (band.c.scanner_id == series.c.scanner_id) & (band.c.protocol == series.c.protocol)
        return self._read(_bands_with_names().join(series, same).where(series.c.id == series_id))

    def _read(self, query: Select[Any]) -> list[BandView]:
        with self._database.read() as connection:
            return [_view(row) for row in connection.execute(query.order_by(band.c.metric))]


def _bands(connection: Connection, scanner_id: int, now: float) -> Iterator[dict[str, object]]:
    """Give the bands of a scanner as rows."""
    usable: tuple[ColumnElement[bool], ...] = (
        trend.c.scanner_id == scanner_id,
        trend.c.verdict == Verdict.USABLE,
        trend.c.opened_at >= now - DAYS * DAY_S,
        trend.c.protocol != "",
        ~_said,
        ~_decided,
    )
    columns = (trend.c[metric_in(name)] for name in METRIC_NAMES)
    rows = connection.execute(select(trend.c.protocol, *columns).where(*usable).order_by(trend.c.protocol))
    for protocol, members in groupby(rows, key=lambda row: row[0]):
        by_metric = zip(*(tuple(row)[1:] for row in members), strict=True)
        for metric, values in zip(METRIC_NAMES, by_metric, strict=True):
            found = band_of(metric, values)
            if found is not None:
                yield {
                    "scanner_id": scanner_id,
                    "protocol": protocol,
                    "metric": metric,
                    "low": found.low,
                    "middle": found.middle,
                    "high": found.high,
                    "n": found.n,
                    "learnt_at": now,
                }


def _bands_with_names() -> Select[Any]:
    return select(band, scanner.c.name).join(scanner, scanner.c.id == band.c.scanner_id)


def _view(row: Row[Any]) -> BandView:
    return BandView(
        scanner=row.name,
        protocol=row.protocol,
        metric=row.metric,
        low=row.low,
        middle=row.middle,
        high=row.high,
        n=row.n,
        learnt_at=row.learnt_at,
    )
