"""Complete generations claimed for reporting, and their results put into the outbox."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, or_, select, update

from service.ledger.actions import let_go, routes_of
from service.ledger.events import note_event
from service.ledger.exams import ExamState
from service.ledger.leases import LeaseLost, Worker
from service.ledger.locks import hold_deliveries, hold_generations
from service.ledger.order import NAMED, instance_order
from service.ledger.states import OPEN, OUTSTANDING, TAKEN, DeliveryState, SeriesState
from service.ledger.tables import exam, instance, outbox, series, slice_, vault
from service.routing import Route

# The documents of a series that a destination has, by the names of both: class, instance, series.
Documents = Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class ReportTask:
    """A complete generation, claimed for building its results."""

    id: str
    uid: str
    patient: str  # pseudonym
    generation: int
    identity_revision: int
    attempt: int
    verdict: str
    reason: str
    advice: Sequence[str]
    facts: Mapping[str, Any]
    closed_at: float
    header: bytes  # sealed
    documents: Documents  # of the earlier generations, sent or not
    there: Documents  # those of them that the destinations have
    judging: Mapping[str, Any] | None = None  # the thresholds in force
    routes: Mapping[str, Route] = field(
        default_factory=dict[str, Route]
    )  # what the site's rules say, by destination


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """One instance of a series with its sealed reference."""

    id: int
    sop_instance_uid: str
    digest: str
    reference: bytes


@dataclass(frozen=True, slots=True)
class Parcel:
    """One built object for one destination; `name` is its sealed file."""

    destination: str
    kind: str
    rank: int  # the SR goes first
    sop_instance_uid: str
    name: str
    bundle: bool = False  # it waits until its study is over, and only one generation of its series goes
    held: str = ""  # why it waits for a person


class Reports:
    """Hands out complete generations and takes their built results."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def claim_report(self) -> ReportTask | None:
        """Claim the complete generation that waits longest for its results."""
        now = self._worker.clock()
        earlier = series.alias()  # the last generation's report is what this one will replace
        free = (
            (series.c.state == SeriesState.COMPLETE)
            & (series.c.lease_until < now)
            & ~exists().where(
                earlier.c.uid == series.c.uid,
                earlier.c.generation < series.c.generation,
                earlier.c.state == SeriesState.COMPLETE,
            )
            & ~held()
        )
        waiting = (
            select(series, vault.c.sealed)
            .join(vault, vault.c.uid == series.c.uid)
            .where(free)
            .order_by(series.c.closed_at)
            .limit(1)
        )
        with self._worker.database.read() as connection:
            if connection.execute(waiting).first() is None:
                return None
        with self._worker.database.write() as connection:
            row = connection.execute(waiting.with_for_update(of=series, skip_locked=True)).first()
            if row is None:
                return None
            reports = [
                report or {}
                for report in connection.scalars(
                    select(series.c.report)
                    .where(series.c.uid == row.uid, series.c.generation < row.generation)
                    .order_by(series.c.generation.desc())
                )
            ]
            there = _there(connection, reports, now)
            routes = routes_of(connection, row.id)
            connection.execute(
                update(series)
                .where(series.c.id == row.id)
                .values(
                    lease_owner=self._worker.owner,
                    lease_until=now + self._worker.lease_s,
                    attempt=series.c.attempt + 1,
                )
            )
        return ReportTask(
            id=row.id,
            uid=row.uid,
            patient=row.patient,
            generation=row.generation,
            identity_revision=row.identity_revision,
            attempt=row.attempt + 1,
            verdict=row.verdict,
            reason=row.reason,
            advice=row.advice,
            facts=row.facts,
            closed_at=row.closed_at,
            header=row.sealed,
            documents=reports[0] if reports else {},
            there=there,
            judging=row.judging,
            routes=routes,
        )

    def holding(self, task: ReportTask) -> AbstractContextManager[None]:
        """Keep a claimed generation for as long as the block lasts."""
        return self._worker.holding(series, [task.id])

    def instances_of(self, series_uid: str, generation: int) -> list[InstanceRow]:
        """Give the instances of a generation that are scored (not the second content of a conflict)."""
        with self._worker.database.read() as connection:
            rows = connection.execute(
                select(instance)
                .where(
                    instance.c.series_uid == series_uid,
                    instance.c.generation <= generation,
                    instance.c.conflict.is_(False),
                    NAMED,
                )
                .order_by(*instance_order())
            ).all()
        return [InstanceRow(row.id, row.sop_instance_uid, row.digest, row.reference) for row in rows]

    def headers_of(self, series_uid: str) -> dict[str, bytes]:
        """Give the sealed headers of a series' multi-frame objects by their keyed SOP Instance UID."""
        with self._worker.database.read() as connection:
            rows = connection.execute(
                select(vault.c.uid, vault.c.sealed)
                .join(instance, instance.c.sop_instance_uid == vault.c.uid)
                .where(instance.c.series_uid == series_uid)
            ).all()
        return {row.uid: row.sealed for row in rows}

    def masks_of(self, series_uid: str) -> dict[tuple[int, int, int], bytes]:
        """Give the packed masks by (instance row, frame, tile)."""
        with self._worker.database.read() as connection:
            rows = connection.execute(
                select(slice_.c.instance_id, slice_.c.frame, slice_.c.tile, slice_.c.masks).where(
                    slice_.c.series_uid == series_uid, slice_.c.masks.is_not(None)
                )
            ).all()
        return {(row.instance_id, row.frame, row.tile): row.masks for row in rows}

    def posted_before(self, task: ReportTask, destination: str) -> set[str]:
        """Give the objects that earlier generations of the series put into the outbox for a destination."""
        with self._worker.database.read() as connection:
            return set(
                connection.scalars(
                    select(outbox.c.sop_instance_uid)
                    .join(series, series.c.id == outbox.c.series_id)
                    .where(series.c.uid == task.uid, outbox.c.destination == destination)
                )
            )

    def posted(self, task: ReportTask, parcels: Sequence[Parcel]) -> None:
        """Put built objects into the outbox; one that lies there already (a retry) stays. Raises LeaseLost."""
        with self._worker.database.write() as connection:
            self._hold(connection, task)
            _post(connection, self._worker.clock(), task, parcels)

    def reported(self, task: ReportTask, parcels: Sequence[Parcel], documents: Documents) -> None:
        """Put the last objects into the outbox, note who has which documents, and end the report. Raises LeaseLost."""
        now = self._worker.clock()
        with self._worker.database.write() as connection:
            self._hold(connection, task)
            _post(connection, now, task, parcels)
            undelivered = connection.scalar(
                select(func.count()).where(outbox.c.series_id == task.id, outbox.c.state.in_(OUTSTANDING))
            )
            state = SeriesState.REPORTED if undelivered else SeriesState.DELIVERED
            connection.execute(
                update(series)
                .where(series.c.id == task.id)
                .values(state=state, report=dict(documents), lease_until=0.0)
            )
            note_event(connection, now, "series", task.id)

    def gathered(self, quiet_s: float) -> None:
        """Let the results of studies go that are over: quiet for `quiet_s`, or ended by the scanner's word.

        Nothing of such a study is still coming, to be judged or to be reported.
        """
        now = self._worker.clock()
        with self._worker.database.read() as connection:
            studies = _gathering(connection)
            over = [study for study in studies if _is_over(connection, study, now - quiet_s)]
        if not over:
            return
        with self._worker.database.write() as connection:
            of_study = select(series.c.id).where(series.c.study_uid.in_(over))
            gathering = (outbox.c.state == DeliveryState.GATHERING) & outbox.c.series_id.in_(of_study)
            hold_deliveries(connection, gathering)
            connection.execute(
                update(outbox).where(gathering).values(state=DeliveryState.WAITING, next_at=now)
            )

    def _hold(self, connection: Connection, task: ReportTask) -> None:
        hold_generations(connection, series.c.uid == task.uid)  # what is posted may replace earlier ones
        held = connection.execute(
            update(series)
            .where(
                series.c.id == task.id,
                series.c.state == SeriesState.COMPLETE,
                series.c.lease_owner == self._worker.owner,
                series.c.attempt == task.attempt,
            )
            .values(lease_until=self._worker.clock() + self._worker.lease_s)
        )
        if held.rowcount == 0:
            raise LeaseLost(LeaseLost.__doc__)


def ended(connection: Connection, which: ColumnElement[bool]) -> None:
    """Let generations be delivered of which nothing waits any more."""
    waits = (
        exists().where(outbox.c.series_id == series.c.id, outbox.c.state.in_(OUTSTANDING)).correlate(series)
    )
    connection.execute(
        update(series)
        .where(which, series.c.state == SeriesState.REPORTED, ~waits)
        .values(state=SeriesState.DELIVERED)
    )


def held() -> ColumnElement[bool]:
    """Tell whether a person has to decide before results of a series leave.

    One UID came with two images, in whatever generation, or some images are still of somebody else than the others.
    """
    disputed = series.alias()
    return or_(
        exists().where(disputed.c.uid == series.c.uid, disputed.c.conflict).correlate(series),
        exists()
        .where(
            instance.c.series_uid == series.c.uid,
            instance.c.conflict.is_(False),
            instance.c.bearer != series.c.bearer,
        )
        .correlate(series),
    )


def _gathering(connection: Connection) -> list[str]:
    return list(
        connection.scalars(
            select(series.c.study_uid)
            .join(outbox, outbox.c.series_id == series.c.id)
            .where(outbox.c.state == DeliveryState.GATHERING)
            .distinct()
        )
    )


def _is_over(connection: Connection, study_uid: str, quiet_since: float) -> bool:
    """Tell whether a study is over, and all of it is reported."""
    busy = (
        select(func.count())
        .select_from(series)
        .where(
            series.c.study_uid == study_uid,
            or_(series.c.state.in_(OPEN), and_(series.c.state == SeriesState.COMPLETE, ~held())),
        )
    )
    if connection.scalar(busy):
        return False
    last = connection.scalar(
        select(func.max(series.c.last_instance_at)).where(series.c.study_uid == study_uid)
    )
    if last is not None and last <= quiet_since:
        return True
    states = set(connection.scalars(select(exam.c.state).where(exam.c.study_uid == study_uid)))
    return bool(states) and ExamState.IN_PROGRESS not in states


def _there(connection: Connection, reports: Sequence[Documents], now: float) -> Documents:
    """Pick the newest documents of a series that each destination has, or is just given; `reports`: newest first.

    What is replaced before it leaves is no predecessor, nor is what stands under somebody else's name.
    """
    uids = {names[1] for report in reports for kinds in report.values() for names in kinds.values()}
    rows = connection.execute(
        select(outbox.c.destination, outbox.c.sop_instance_uid).where(
            outbox.c.sop_instance_uid.in_(uids),
            outbox.c.former_identity.is_(False),
            or_(outbox.c.state.in_(TAKEN), outbox.c.lease_until >= now),
        )
    )
    has = {(row.destination, row.sop_instance_uid) for row in rows}
    found: dict[str, Mapping[str, Sequence[str]]] = {}
    for report in reports:
        for destination, kinds in report.items():
            held = {kind: names for kind, names in kinds.items() if (destination, names[1]) in has}
            if held:
                found.setdefault(destination, held)
    return found


def _post(connection: Connection, now: float, task: ReportTask, parcels: Sequence[Parcel]) -> None:
    let_go(connection, task.uid, task.routes, now)
    for parcel in parcels:
        here = outbox.c.destination == parcel.destination
        there = connection.scalar(
            select(outbox.c.id).where(here, outbox.c.sop_instance_uid == parcel.sop_instance_uid)
        )
        same_kind = here & (outbox.c.kind == parcel.kind)
        former = connection.scalar(  # it keeps what it got under the former identity; staff are told
            select(outbox.c.id).where(
                same_kind,
                outbox.c.series_id == task.id,
                outbox.c.former_identity,
                outbox.c.state.in_(TAKEN),
            )
        )
        if (
            there is not None
            or former is not None
            or (parcel.bundle and _has_left(connection, task, here, now))
        ):
            continue
        state = DeliveryState.GATHERING if parcel.bundle else DeliveryState.WAITING
        if parcel.held:
            state = DeliveryState.HELD
        connection.execute(
            insert(outbox),
            {
                "series_id": task.id,
                "destination": parcel.destination,
                "kind": parcel.kind,
                "rank": parcel.rank,
                "sop_instance_uid": parcel.sop_instance_uid,
                "name": parcel.name,
                "state": state,
                "reason": parcel.held,
                "created_at": now,
                "next_at": now,
            },
        )


def _has_left(connection: Connection, task: ReportTask, here: ColumnElement[bool], now: float) -> bool:
    """Tell whether an earlier generation has gone to a destination that gets one only; else it is replaced.

    What only gathers is so at once; what is due already, or held, is by the next claim.
    """
    earlier = select(series.c.id).where(series.c.uid == task.uid, series.c.generation < task.generation)
    of_earlier = here & outbox.c.series_id.in_(earlier)
    connection.execute(
        update(outbox)
        .where(of_earlier, outbox.c.state == DeliveryState.GATHERING)
        .values(state=DeliveryState.SUPERSEDED)
    )
    ended(connection, series.c.id.in_(earlier))
    gone = or_(outbox.c.state.in_(TAKEN), outbox.c.lease_until >= now)
    return connection.scalar(select(outbox.c.id).where(of_earlier, gone).limit(1)) is not None
