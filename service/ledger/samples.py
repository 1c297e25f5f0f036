"""What people decided, read as labelled samples, and where the images of a series lie."""

from collections.abc import Sequence

from sqlalchemy import select

from service.ledger.database import Database
from service.ledger.order import NAMED, ScoredRow, instance_order, scored_rows
from service.ledger.reports import InstanceRow
from service.ledger.review import decision_view
from service.ledger.tables import instance, series
from service.ledger.tables_review import review, review_decision
from service.review.views import SampleView
from service.understanding import described


class SampleBook:
    """Reads only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, limit: int, after: int = 0) -> list[SampleView]:
        """Give series that were decided on, in the order in which they came into review."""
        query = (
            select(
                review,
                series.c.uid,
                series.c.generation,
                series.c.patient,
                series.c.facts,
                series.c.quality,
                series.c.model,
                series.c.judging,
            )
            .join(series, series.c.id == review.c.series_id)
            .where(review.c.outcome.in_(("usable", "limits", "unusable")), review.c.id > after)
            .order_by(review.c.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            made = connection.execute(
                select(review_decision)
                .where(review_decision.c.review_id.in_([row.id for row in rows]))
                .order_by(review_decision.c.id)
            ).all()
        return [
            SampleView(
                id=row.id,
                series_uid=row.uid,
                generation=row.generation,
                patient=row.patient,
                scanner_id=row.scanner_id,
                protocol_key=row.protocol_key,
                description=described(row.facts),
                verdict=row.verdict,
                quality=row.quality or {},
                model=row.model,
                judging=row.judging,
                why=tuple(row.why),
                share=row.share,
                first=row.first,
                second=row.second,
                outcome=row.outcome,
                decisions=tuple(decision_view(one, row.about) for one in made if one.review_id == row.id),
            )
            for row in rows
        ]

    def images(self, series_uid: str, generation: int) -> tuple[Sequence[ScoredRow], Sequence[InstanceRow]]:
        """Give the slices of a generation, and its instances whose pixels have not left."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(instance)
                .where(
                    instance.c.series_uid == series_uid,
                    instance.c.generation <= generation,
                    instance.c.conflict.is_(False),
                    instance.c.swept.is_(False),
                    NAMED,
                )
                .order_by(*instance_order())
            ).all()
            slices = scored_rows(connection, series_uid, generation, NAMED)
        return slices, [InstanceRow(row.id, row.sop_instance_uid, row.digest, row.reference) for row in rows]
