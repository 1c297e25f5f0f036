"""The same SOP Instance UID again: a duplicate, the same image under a corrected identity, or a conflict."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, select, update

from service.ledger.states import UNSENT, DeliveryState, SeriesState
from service.ledger.tables import instance, outbox, series, vault

if TYPE_CHECKING:
    from service.ledger.intake import Arrival

BUILT = frozenset({SeriesState.COMPLETE, SeriesState.REPORTED, SeriesState.DELIVERED})


@dataclass(frozen=True, slots=True)
class Held:
    """An instance that the ledger has under this SOP Instance UID."""

    id: int
    series_uid: str
    digest: str
    picture: str
    bearer: str


def known_instances(connection: Connection, uids: Sequence[str]) -> dict[str, list[Held]]:
    """Find what is known under SOP Instance UIDs, the first content first."""
    columns = (
        instance.c.id,
        instance.c.series_uid,
        instance.c.digest,
        instance.c.picture,
        instance.c.bearer,
    )
    rows = connection.execute(
        select(instance.c.sop_instance_uid, *columns)
        .where(instance.c.sop_instance_uid.in_(uids))
        .order_by(instance.c.id)
    )
    known: dict[str, list[Held]] = {}
    for uid, *values in rows:
        known.setdefault(uid, []).append(Held(*values))
    return known


def same_image(arrival: "Arrival", held: Sequence[Held]) -> Held | None:
    """Find the instance that is the same image, whatever name it came under."""
    same = [one for one in held if arrival.digest == one.digest]
    same += [one for one in held if arrival.picture == one.picture]
    return same[0] if same else None


def still_coming(connection: Connection, arrivals: Sequence["Arrival"], now: float) -> None:
    """Note duplicates: whoever sends again what is here may be about to send what is not.

    Their files may have been swept: they are there once more, and leave once more.
    """
    connection.execute(
        update(instance)
        .where(
            instance.c.sop_instance_uid.in_([arrival.sop_instance_uid for arrival in arrivals]),
            instance.c.digest.in_([arrival.digest for arrival in arrivals]),
        )
        .values(swept=False)
    )
    connection.execute(
        update(series)
        .where(
            series.c.uid.in_({arrival.series_uid for arrival in arrivals}),
            series.c.state == SeriesState.RECEIVING,
        )
        .values(last_instance_at=now)
    )


def corrected(connection: Connection, arrival: "Arrival", held: Held, now: float) -> None:
    """Let an image be of whom it is of now: in its reference, in its series, and in what is not delivered yet."""
    connection.execute(
        update(instance)
        .where(instance.c.id == held.id)
        .values(
            digest=arrival.digest,
            spool_name=arrival.digest,
            bearer=arrival.bearer,
            reference=arrival.reference,
            swept=False,
        )
    )
    if arrival.multi_frame and arrival.sop_instance_uid != held.series_uid:
        _seal_anew(connection, arrival, arrival.sop_instance_uid, now)
    renamed(connection, arrival, held.series_uid, now)


def renamed(connection: Connection, arrival: "Arrival", series_uid: str, now: float) -> None:
    """Let a series be of whom its newest instance is of; nothing changes where it is already."""
    changed = connection.execute(
        update(series)
        .where(series.c.uid == series_uid, series.c.bearer != arrival.bearer)
        .values(
            bearer=arrival.bearer,
            patient=arrival.patient,
            study_uid=arrival.study_uid,
            identity_revision=series.c.identity_revision + 1,
        )
        .returning(series.c.id)
    ).all()
    if not changed:
        return
    _seal_anew(connection, arrival, series_uid, now)
    for row in changed:
        _rebuild(connection, row.id)


def _seal_anew(connection: Connection, arrival: "Arrival", uid: str, now: float) -> None:
    sealed = {"sealed": arrival.header(uid), "created_at": now}
    if connection.execute(update(vault).where(vault.c.uid == uid).values(sealed)).rowcount == 0:
        connection.execute(insert(vault), {"uid": uid, **sealed})


def _rebuild(connection: Connection, series_id: str) -> None:
    """Flag what was sent under the former identity, and let what was not be built again."""
    of_series = outbox.c.series_id == series_id
    connection.execute(update(outbox).where(of_series).values(former_identity=True))
    unsent = connection.execute(
        update(outbox)
        .where(of_series, outbox.c.state.in_(UNSENT))
        .values(state=DeliveryState.SUPERSEDED, lease_until=0.0)
    )
    under_way = (
        series.c.state == SeriesState.COMPLETE
    )  # its lease is lost: what was built of it counts for nothing
    if unsent.rowcount:
        under_way = series.c.state.in_(BUILT)
    connection.execute(
        update(series)
        .where(series.c.id == series_id, under_way)
        .values(state=SeriesState.COMPLETE, lease_until=0.0, attempt=series.c.attempt + 1)
    )
