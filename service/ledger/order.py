"""The order of a series: position along the slice normal, then instance number, then arrival."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from inference.stacks import Place
from inference.text import Text, kept
from service.ledger.states import SliceState
from service.ledger.tables import instance, slice_


@dataclass(frozen=True, slots=True)
class ScoredRow:
    """One slice of a series with its score, as summing up and reporting need it."""

    position: int  # 0-based, in the order of the series
    instance_id: int
    frame: int
    state: SliceState
    reason: Text
    score: Mapping[str, Any] | None
    spool_name: str
    instance_number: int | None
    tile: int = 0  # of a mosaic, 1-based; 0: the frame is the slice
    place: Place | None = None  # None where the header does not tell, or it is not noted yet


def place_of(noted: Mapping[str, Any] | None) -> Place | None:
    """Rebuild a place as it is noted."""
    return Place.from_json(noted) if noted else None


def instance_order() -> tuple[Any, ...]:
    """Give the columns to order instances by; those without a position come last."""
    none_last = case((instance.c.position.is_(None), 1), else_=0)
    return none_last, instance.c.position, instance.c.instance_number, instance.c.id


NAMED = func.length(instance.c.reference) > 0  # who these instances are of has not been forgotten


def scored_rows(
    connection: Connection, series_uid: str, generation: int, *conditions: ColumnElement[bool]
) -> list[ScoredRow]:
    """Give the slices of a generation, which has those of all before it, in the order of the series."""
    rows = connection.execute(
        select(
            slice_.c.instance_id,
            slice_.c.frame,
            slice_.c.tile,
            slice_.c.place,
            slice_.c.state,
            slice_.c.reason,
            slice_.c.reason_de,
            slice_.c.score,
            instance.c.spool_name,
            instance.c.instance_number,
        )
        .join(instance, instance.c.id == slice_.c.instance_id)
        .where(slice_.c.series_uid == series_uid, instance.c.generation <= generation, *conditions)
        .order_by(*instance_order(), slice_.c.frame, slice_.c.tile)
    ).all()
    return [
        ScoredRow(
            position=position,
            instance_id=row.instance_id,
            frame=row.frame,
            tile=row.tile,
            place=place_of(row.place),
            state=SliceState(row.state),
            reason=kept(row.reason, row.reason_de),
            score=row.score,
            spool_name=row.spool_name,
            instance_number=row.instance_number,
        )
        for position, row in enumerate(rows)
    ]


def slice_at(connection: Connection, series_uid: str, generation: int, position: int) -> int | None:
    """Give the row of one slice by its position in `scored_rows`, without reading the scores of all others."""
    return connection.scalar(
        select(slice_.c.id)
        .join(instance, instance.c.id == slice_.c.instance_id)
        .where(slice_.c.series_uid == series_uid, instance.c.generation <= generation)
        .order_by(*instance_order(), slice_.c.frame, slice_.c.tile)
        .offset(position)
        .limit(1)
    )
