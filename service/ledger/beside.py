"""What stands beside some generations: results, decisions, feedback; read for all of them at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Connection, Integer, Row, cast, func, select

from service.ledger.exams import SeriesAudit
from service.ledger.feedback import mark_of, said_in
from service.ledger.reports import held
from service.ledger.states import DeliveryState
from service.ledger.tables import exam_series, feedback, instance, outbox, series
from service.ledger_views import SeriesFeedback


@dataclass(frozen=True, slots=True)
class Beside:
    """By id of the generation, except what the scanner told, which is by keyed UID of the series."""

    results: Mapping[str, Mapping[str, int]]  # deliveries by state
    former: frozenset[str]  # whose results left under a former identity
    held: frozenset[str]
    repeated_by: Mapping[str, str]  # the newest series that was made because this one failed
    feedback: Mapping[str, SeriesFeedback]
    told: Mapping[str, SeriesAudit]

    @classmethod
    def of(cls, connection: Connection, rows: Sequence[Row[Any]]) -> Self:
        """Read it for rows of the table of series."""
        ids = [row.id for row in rows]
        results, former = _deliveries(connection, ids)
        return cls(
            results=results,
            former=former,
            held=frozenset(connection.scalars(select(series.c.id).where(series.c.id.in_(ids), held()))),
            repeated_by=_repeated_by(connection, ids),
            feedback=_feedback(connection, rows),
            told=_told(connection, {row.uid for row in rows}),
        )


def _deliveries(
    connection: Connection, ids: Sequence[str]
) -> tuple[dict[str, dict[str, int]], frozenset[str]]:
    """Count the deliveries of series by state, and tell which left under a former identity."""
    columns = (outbox.c.series_id, outbox.c.state)
    former = func.max(cast(outbox.c.former_identity, Integer))
    counted = select(*columns, func.count(), former).where(outbox.c.series_id.in_(ids)).group_by(*columns)
    found: dict[str, dict[str, int]] = {}
    left: set[str] = set()
    for series_id, state, count, is_former in connection.execute(counted):
        found.setdefault(series_id, {})[state] = count
        if is_former and state == DeliveryState.SENT:
            left.add(series_id)
    return found, frozenset(left)


def _repeated_by(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    later = (
        select(series.c.repeats, series.c.id).where(series.c.repeats.in_(ids)).order_by(series.c.opened_at)
    )
    return {failed: series_id for failed, series_id in connection.execute(later)}  # noqa: C416 - rows are no pairs


def _feedback(connection: Connection, rows: Sequence[Row[Any]]) -> dict[str, SeriesFeedback]:
    mine = feedback.c.series_id.in_([row.id for row in rows])
    said: dict[str, list[Row[Any]]] = {}
    for one in connection.execute(select(feedback).where(mine).order_by(feedback.c.id)):
        said.setdefault(one.series_id, []).append(one)
    return {row.id: said_in(said.get(row.id, ()), mark_of(row)) for row in rows}


def _told(connection: Connection, uids: Iterable[str]) -> dict[str, SeriesAudit]:
    query = select(exam_series.c.series_uid, exam_series.c.instances).where(
        exam_series.c.series_uid.in_(uids)
    )
    listed = dict[str, list[str]]()
    for uid, instances in connection.execute(query):
        listed.setdefault(uid, instances)
    if not listed:
        return {}
    came = select(instance.c.sop_instance_uid).where(instance.c.series_uid.in_(listed))
    here = set(connection.scalars(came))
    return {
        uid: SeriesAudit(uid, len(told), tuple(each for each in told if each not in here))
        for uid, told in listed.items()
    }
