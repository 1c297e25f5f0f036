"""The shelf: built results that clients come for."""

from dataclasses import dataclass

from sqlalchemy import select

from service.ledger.database import Database
from service.ledger.states import DeliveryState
from service.ledger.tables import outbox, series


@dataclass(frozen=True, slots=True)
class Shelved:
    """One result of a destination."""

    series_id: str  # of the generation that it is about
    kind: str
    sop_instance_uid: str  # its own
    name: str  # its sealed file


class Shelf:
    """Reads only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def results(
        self, destination: str, *, study_uid: str | None = None, sop_instance_uid: str | None = None
    ) -> list[Shelved]:
        """Give the results of a destination, newest series first, in each the report first.

        Args:
            destination: its configured name.
            study_uid: keyed, where only one study is asked for.
            sop_instance_uid: where only one object is asked for.

        """
        query = (
            select(outbox.c.series_id, outbox.c.kind, outbox.c.sop_instance_uid, outbox.c.name)
            .join(series, series.c.id == outbox.c.series_id)
            .where(
                outbox.c.destination == destination,
                outbox.c.state == DeliveryState.SENT,
                outbox.c.kind != "FHIR",  # no DICOM object
                outbox.c.former_identity.is_(False),  # nobody is to find it under a patient it is not of
            )
            .order_by(series.c.closed_at.desc(), series.c.id, outbox.c.rank, outbox.c.id)
        )
        if study_uid is not None:
            query = query.where(series.c.study_uid == study_uid)
        if sop_instance_uid is not None:
            query = query.where(outbox.c.sop_instance_uid == sop_instance_uid)
        with self._database.read() as connection:
            return [Shelved(*row) for row in connection.execute(query)]
