"""The door's side of the ledger: instances noted, associations over, objects refused."""

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from service.closing import COMMITMENT, NEXT
from service.ledger.again import Held, corrected, known_instances, renamed, same_image, still_coming
from service.ledger.database import Database, LedgerUnavailable, lock_all
from service.ledger.events import note_event
from service.ledger.locks import hold_generations
from service.ledger.states import OPEN, SeriesState, SliceState
from service.ledger.tables import instance, outbox, refusal, scanner, series, slice_, vault
from service.protocols import key_of
from service.understanding import COIL, described

_AT_ONCE = 500  # names in one question
SCANNERS = "scanners"  # the lock under which a new scanner gets its entry


class Outcome(StrEnum):
    """What the ledger made of an instance."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CORRECTED = "corrected"  # the same image under another identity
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One de-identified, spooled instance as the ledger notes it."""

    series_uid: str
    study_uid: str
    patient: str
    sop_instance_uid: str
    sop_class_uid: str
    digest: str  # of the clean content; names its file in the spool
    picture: str  # digest of pixels and geometry alone
    bearer: str  # pseudonym of who it is of
    scanner_key: str  # what tells this scanner from others
    scanner_name: str  # the configured name, or ""
    protocol_key: str
    series_number: int | None
    instance_number: int | None
    position: float | None
    frames: int
    rows: int
    columns: int
    counts: Mapping[str, int]  # by sign of completeness: instances that the header announces
    concatenation: tuple[str, int, int] | None  # keyed UID, number and total, where it is a part of one
    facts: Mapping[str, Any]
    multi_frame: bool  # such an object keeps a header of its own: its functional groups tell the planes
    header: Callable[[str], bytes]  # the original header sealed for a place in the vault, made only if wanted
    reference: bytes  # the sealed reference to the original instance


class Intake:
    """Notes arrivals; those that wait at the same moment share one durable transaction (group commit)."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._waiting: list[tuple[Arrival, Future[Outcome]]] = []
        self._lock = threading.Lock()
        self._leading = threading.Lock()

    def received(self, arrival: Arrival) -> Outcome:
        """Note an instance whose file is durable; durable on return. Raises LedgerUnavailable."""
        outcome: Future[Outcome] = Future()
        with self._lock:
            self._waiting.append((arrival, outcome))
        with self._leading:  # whoever gets in commits for all who wait
            if not outcome.done():
                self._commit()
        return outcome.result()

    def _commit(self) -> None:
        with self._lock:
            group, self._waiting = self._waiting, []
        error = self._commit_together(group)
        if error is not None and len(group) == 1:
            group[0][1].set_exception(error)
        elif error is not None:  # what fails for one must not fail for its neighbours
            for alone in group:
                error = self._commit_together([alone])
                if error is not None:
                    alone[1].set_exception(error)

    def _commit_together(self, group: Sequence[tuple[Arrival, Future[Outcome]]]) -> Exception | None:
        try:
            with self._database.write() as connection:
                outcomes = _note(connection, [arrival for arrival, _ in group], self._clock())
        except Exception as error:  # noqa: BLE001 - handed on to those who wait, whose threads answer it
            return error
        for (_, waiting), outcome in zip(group, outcomes, strict=True):
            waiting.set_result(outcome)
        return None

    def ended(self, series_uids: frozenset[str], sign: str) -> None:
        """Note a sign that these series are over, such as the end of their association. Raises LedgerUnavailable."""
        if series_uids:
            with self._database.write() as connection:
                stand(connection, series.c.uid.in_(series_uids), sign, self._clock())

    def committed(self, uids: frozenset[str]) -> None:
        """Note that a sender asks to keep these instances: series that hold no others may be over.

        Raises LedgerUnavailable.
        """
        named: Counter[str] = Counter()
        asked = sorted(uids)
        with self._database.write() as connection:
            for start in range(0, len(asked), _AT_ONCE):
                some = instance.c.sop_instance_uid.in_(asked[start : start + _AT_ONCE])
                named.update(
                    connection.scalars(
                        select(instance.c.series_uid).where(some, instance.c.conflict.is_(False))
                    ).all()
                )
            for series_uid, count in named.items():
                whole = (series.c.uid == series_uid) & (series.c.received == count)
                stand(connection, whole, COMMITMENT, self._clock())

    def is_own(self, sop_instance_uid: str) -> bool:
        """Tell whether an object, by its original UID, is one that was made here to be sent.

        While the ledger is out of reach nothing is known to be: an image is not taken then anyway.
        """
        if not sop_instance_uid.startswith(
            "2.25."
        ):  # all of ours do, and no scanner's; nothing is asked for those
            return False
        ours = select(outbox.c.id).where(outbox.c.sop_instance_uid == sop_instance_uid).limit(1)
        try:
            with self._database.read() as connection:
                return connection.scalar(ours) is not None
        except LedgerUnavailable:
            return False

    def refused(self, *, status: int, reason: str, size: int, digest: str) -> None:
        """Keep the event of a refused object: its size and hash, none of its bytes. Raises LedgerUnavailable."""
        with self._database.write() as connection:
            connection.execute(
                insert(refusal),
                {"at": self._clock(), "status": status, "reason": reason, "size": size, "digest": digest},
            )


def _note(connection: Connection, arrivals: Sequence[Arrival], now: float) -> list[Outcome]:
    """Note instances in one go; gives what became of each, in their order."""
    lock_all(connection, {arrival.series_uid for arrival in arrivals})
    known = known_instances(connection, [arrival.sop_instance_uid for arrival in arrivals])
    touched = {arrival.series_uid for arrival in arrivals}
    touched |= {one.series_uid for held in known.values() for one in held}
    hold_generations(connection, series.c.uid.in_(touched))
    outcomes: list[Outcome] = []
    fresh: dict[str, list[tuple[Arrival, bool]]] = {}  # by series, each with whether it is a conflict
    again: list[Arrival] = []
    news: list[tuple[str, str]] = []
    for arrival in arrivals:
        held = known.setdefault(arrival.sop_instance_uid, [])
        same = same_image(arrival, held)
        if same is None:
            outcomes.append(Outcome.CONFLICT if held else Outcome.NEW)
            fresh.setdefault(arrival.series_uid, []).append((arrival, bool(held)))
            held.append(Held(0, arrival.series_uid, arrival.digest, arrival.picture, arrival.bearer))
        elif (
            same.bearer == arrival.bearer or not same.id
        ):  # one of this very group: its sender sends it again
            outcomes.append(Outcome.DUPLICATE)
            again.append(arrival)
        else:
            outcomes.append(Outcome.CORRECTED)
            corrected(connection, arrival, same, now)
            held[held.index(same)] = replace(same, digest=arrival.digest, bearer=arrival.bearer)
            news.append(("identity", same.series_uid))
    if again:
        still_coming(connection, again, now)
    told = [_take(connection, items, now) for items in fresh.values()]
    told += [(kind, _newest(connection, uid)) for kind, uid in dict.fromkeys(news)]
    for kind, series_id in told:
        if kind:
            note_event(connection, now, kind, series_id)
    return outcomes


def _take(connection: Connection, items: Sequence[tuple[Arrival, bool]], now: float) -> tuple[str, str]:
    """Add new instances of one series; gives the kind of event to tell, "" for none, and the series' row."""
    arrival = items[-1][0]
    conflict = any(conflicts for _, conflicts in items)
    current = _current(connection, arrival.series_uid)
    opens = current is None or current.state not in OPEN
    if current is None or opens:
        series_id, generation = _open(connection, items, now, current)
    else:
        series_id, generation = current.id, current.generation
        _count(connection, items, now, current)
    if conflict:
        connection.execute(update(series).where(series.c.id == series_id).values(conflict=True))
    _keep(connection, items, generation, now)
    if current is not None and current.bearer != arrival.bearer:
        renamed(connection, arrival, arrival.series_uid, now)
    return "conflict" if conflict else "series" if opens else "", series_id


def _current(connection: Connection, series_uid: str) -> Row[*tuple[Any, ...]] | None:
    """Find the newest generation of a series, locked against a closing at the same moment."""
    return connection.execute(
        select(series)
        .where(series.c.uid == series_uid)
        .order_by(series.c.generation.desc())
        .limit(1)
        .with_for_update()
    ).first()


def _newest(connection: Connection, series_uid: str) -> str:
    found = connection.scalar(
        select(series.c.id).where(series.c.uid == series_uid).order_by(series.c.generation.desc()).limit(1)
    )
    return found or ""


def _goes_on(
    items: Sequence[tuple[Arrival, bool]], now: float, last: Row[*tuple[Any, ...]] | None
) -> dict[str, Any]:
    """Give the evidence after further instances: what stood as the end did not hold."""
    counts: dict[str, int] = {} if last is None else dict(last.counts)
    for arrival, _ in items:
        counts |= {sign: max(n, counts.get(sign, 0)) for sign, n in arrival.counts.items()}
    return {
        "state": SeriesState.RECEIVING,
        "last_instance_at": now,
        "settled_at": None,
        "counts": counts,
        "ends": {},
        "outlived": [] if last is None else sorted({*last.outlived, *last.ends}),
        "longest_pause": 0.0 if last is None else max(last.longest_pause, now - last.last_instance_at),
    }


def _count(
    connection: Connection, items: Sequence[tuple[Arrival, bool]], now: float, current: Row[*tuple[Any, ...]]
) -> None:
    values = _goes_on(items, now, current) | {"received": current.received + _fresh(items)}
    connection.execute(update(series).where(series.c.id == current.id).values(values))


def _fresh(items: Sequence[tuple[Arrival, bool]]) -> int:
    """Count the instances whose UID is new: a second content of one is no further image."""
    return sum(1 for _, conflict in items if not conflict)


def _open(
    connection: Connection,
    items: Sequence[tuple[Arrival, bool]],
    now: float,
    last: Row[*tuple[Any, ...]] | None,
) -> tuple[str, int]:
    """Open the next generation of a series; gives its row and number."""
    arrival = items[-1][0]
    generation = 1 if last is None else int(last.generation) + 1
    series_id = secrets.token_hex(8)
    scanner_id = _scanner(connection, arrival)
    if last is None:  # the series before it in its study may be over
        others = (series.c.study_uid == arrival.study_uid) & (series.c.scanner_id == scanner_id)
        stand(connection, others & (series.c.uid != arrival.series_uid), NEXT, now)
    if last is None or not _has_header(connection, arrival.series_uid):  # the vault may have let it go
        _keep_header(connection, arrival, arrival.series_uid, now)
    connection.execute(
        insert(series),
        {
            "id": series_id,
            "uid": arrival.series_uid,
            "generation": generation,
            "study_uid": arrival.study_uid,
            "patient": arrival.patient,
            "bearer": arrival.bearer,
            "identity_revision": 0 if last is None else last.identity_revision,
            "scanner_id": scanner_id,
            "protocol_key": arrival.protocol_key,
            "series_number": arrival.series_number,
            "facts": dict(arrival.facts),
            "protocol": key_of(described(arrival.facts)),
            "coil": arrival.facts.get(COIL, ""),
            "conflict": last is not None and last.conflict,  # until somebody decides
            "opened_at": now,
            "received": _fresh(items) + _held(connection, arrival.series_uid),
        }
        | _goes_on(items, now, last),
    )
    return series_id, generation


def stand(connection: Connection, which: ColumnElement[bool], sign: str, now: float) -> None:
    """Note a sign of the end at the open series that are meant; one that stands keeps its time.

    A series that somebody writes at this moment is passed over: it is not over.
    """
    rows = connection.execute(
        select(series.c.id, series.c.ends)
        .where(which, series.c.state.in_(OPEN))
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        if sign not in row.ends:
            connection.execute(
                update(series).where(series.c.id == row.id).values(ends={**row.ends, sign: now})
            )


def _held(connection: Connection, series_uid: str) -> int:
    """Count the instances of a series that are known: none after a purge."""
    known = (
        select(func.count())
        .select_from(instance)
        .where(instance.c.series_uid == series_uid, instance.c.conflict.is_(False))
    )
    return connection.scalar(known) or 0


def _has_header(connection: Connection, uid: str) -> bool:
    return connection.scalar(select(vault.c.uid).where(vault.c.uid == uid)) is not None


def _keep_header(connection: Connection, arrival: Arrival, uid: str, now: float) -> None:
    connection.execute(insert(vault), {"uid": uid, "sealed": arrival.header(uid), "created_at": now})


def _keep(connection: Connection, items: Sequence[tuple[Arrival, bool]], generation: int, now: float) -> None:
    """Add the instances and, unless their UID is taken by another content, the slices that want a score."""
    ids = connection.scalars(
        insert(instance).returning(instance.c.id, sort_by_parameter_order=True),
        [
            {
                "series_uid": arrival.series_uid,
                "generation": generation,
                "sop_instance_uid": arrival.sop_instance_uid,
                "sop_class_uid": arrival.sop_class_uid,
                "digest": arrival.digest,
                "picture": arrival.picture,
                "bearer": arrival.bearer,
                "concatenation": arrival.concatenation,
                "spool_name": arrival.digest,
                "reference": arrival.reference,
                "instance_number": arrival.instance_number,
                "position": arrival.position,
                "frames": arrival.frames,
                "rows": arrival.rows,
                "columns": arrival.columns,
                "received_at": now,
                "conflict": conflict,
            }
            for arrival, conflict in items
        ],
    ).all()
    slices = [
        {"instance_id": row, "series_uid": arrival.series_uid, "frame": n, "state": SliceState.WAITING}
        for row, (arrival, conflict) in zip(ids, items, strict=True)
        if not conflict
        for n in range(1, arrival.frames + 1)
    ]
    if slices:
        connection.execute(insert(slice_), slices)
    for arrival, conflict in items:
        if arrival.multi_frame and not conflict and arrival.sop_instance_uid != arrival.series_uid:
            _keep_header(connection, arrival, arrival.sop_instance_uid, now)


def _scanner(connection: Connection, arrival: Arrival) -> int:
    known = connection.scalar(select(scanner.c.id).where(scanner.c.key == arrival.scanner_key))
    if known is not None:
        return int(known)
    lock_all(connection, {SCANNERS})
    known = connection.scalar(select(scanner.c.id).where(scanner.c.key == arrival.scanner_key))
    if known is not None:
        return int(known)
    taken = set(connection.scalars(select(scanner.c.name)).all())
    name = arrival.scanner_name or next(
        n for n in (f"unnamed {i}" for i in range(1, 10**6)) if n not in taken
    )
    return int(
        connection.execute(
            insert(scanner).returning(scanner.c.id), {"key": arrival.scanner_key, "name": name}
        ).scalar_one()
    )
