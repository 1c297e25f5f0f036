"""What stands beside some generations: results, decisions, feedback; read for all of them at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Connection, Row, func, select

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
        return cls(
            results=_results(connection, ids),
            former=_former(connection, ids),
            held=frozenset(connection.scalars(select(series.c.id).where(series.c.id.in_(ids), held()))),
            repeated_by=_repeated_by(connection, ids),
            feedback=_feedback(connection, rows),
            told=_told(connection, {row.uid for row in rows}),
        )


def _results(connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, int]]:
    columns = (outbox.c.series_id, outbox.c.state)
    counted = select(*columns, func.count()).where(outbox.c.series_id.in_(ids)).group_by(*columns)
    found: dict[str, dict[str, int]] = {}
    for series_id, state, count in connection.execute(counted):
        found.setdefault(series_id, {})[state] = count
    return found


def _former(connection: Connection, ids: Sequence[str]) -> frozenset[str]:
    left = (outbox.c.former_identity, outbox.c.state == DeliveryState.SENT)
    return frozenset(connection.scalars(select(outbox.c.series_id).where(outbox.c.series_id.in_(ids), *left)))


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
