"""Thresholds that were accepted for a scanner and protocol: tried first, numbered, never changed, and taken back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from sqlalchemy import Connection, Row, Select, and_, case, exists, func, insert, select

from inference.score import QualityScore
from inference.verdict import Thresholds, Verdict
from service.ledger.audit import note
from service.ledger.database import Database, lock_all
from service.ledger.review import RequestUsed
from service.ledger.tables import scanner, series
from service.ledger.tables_review import review, threshold_trial, threshold_version
from service.operating.audit_views import Entry
from service.review.threshold_views import Lane, ProtocolView, TrialView, VersionView
from service.review.thresholds import InForce, PastSeries, thresholds_of
from service.review.views import Choice
from service.rules import circumstances
from service.understanding import described

MOST_PAST = 2000  # series of a protocol that are looked at, the newest

_later = series.alias()
NEWEST = ~exists().where(  # of the generations of a series only the last that was judged counts
    _later.c.uid == series.c.uid, _later.c.generation > series.c.generation, _later.c.verdict != ""
)


class NoSuchProtocol(LookupError):
    """No series of this scanner and protocol is known."""


class NotTried(ValueError):
    """These thresholds were not tried on series of this model, or others are in force since: try them first."""


class AcceptedMeanwhile(ValueError):
    """Other thresholds were accepted meanwhile: look at them, and decide again."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Thresholds that a person puts in force, in one lane."""

    protocol: str  # as `ProtocolView.id`
    lane: Lane
    trial: int | None  # that showed what they do; None: an earlier version comes back
    restores: int | None  # its number; 0: the settings, or no shadow
    why: str
    author: str
    role: str
    key: str  # of the request: the same one again counts once


class ThresholdBook:
    """Keeps trials and accepted versions, and tells the worker what is in force.

    All of it holds for one model: the scores of another mean something else, so that its series are judged by the
    settings until thresholds are tried and accepted for it.
    """

    def __init__(
        self, database: Database, settings: Thresholds, model: str, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._settings = settings
        self._model = model
        self._clock = clock

    def in_force(self, scanner_id: int, protocol_key: str) -> InForce:
        """Give what the next series of a scanner and protocol is judged by."""
        with self._database.read() as connection:
            return self._in_force(connection, scanner_id, protocol_key)

    def protocols(
        self, since: float, limit: int, after: str | None = None
    ) -> tuple[list[ProtocolView], str | None]:
        """Give the protocols of which series were judged since then, in the order of their ids, and where to go on."""
        place = after and _place_of(after)
        query: Select[*tuple[Any, ...]] = (
            select(series.c.scanner_id, series.c.protocol_key, scanner.c.name, func.count().label("past"))
            .join(scanner, scanner.c.id == series.c.scanner_id)
            .where(series.c.closed_at >= since, NEWEST)
            .group_by(series.c.scanner_id, series.c.protocol_key, scanner.c.name)
            .order_by(series.c.scanner_id, series.c.protocol_key)
            .limit(limit + 1)
        )
        if place:
            further = (series.c.scanner_id > place[0]) | (
                (series.c.scanner_id == place[0]) & (series.c.protocol_key > place[1])
            )
            query = query.where(further)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            page = [self._protocol(connection, row, since, {}) for row in rows[:limit]]
        return page, page[-1].id if len(rows) > limit else None

    def protocol(self, protocol: str, since: float) -> ProtocolView | None:
        """Give one protocol, or None."""
        place = _place_of(protocol)
        if place is None:
            return None
        past = func.sum(case((and_(series.c.closed_at >= since, NEWEST), 1), else_=0))
        query: Select[*tuple[Any, ...]] = (
            select(series.c.scanner_id, series.c.protocol_key, scanner.c.name, past.label("past"))
            .join(scanner, scanner.c.id == series.c.scanner_id)
            .where(series.c.scanner_id == place[0], series.c.protocol_key == place[1])
            .group_by(series.c.scanner_id, series.c.protocol_key, scanner.c.name)
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
            if row is None:
                return None
            return self._protocol(connection, row, since, _compared(connection, place, since))

    def past(self, protocol: str, since: float) -> list[PastSeries]:
        """Give the series of a protocol that were judged since then, the oldest first, with what people decided."""
        place = _place_of(protocol)
        if place is None:
            return []
        query: Select[*tuple[Any, ...]] = (
            select(
                series.c.quality,
                series.c.facts,
                series.c.incomplete,
                series.c.conflict,
                series.c.judging,
                review.c.outcome,
                review.c.share,
            )
            .outerjoin(review, review.c.series_id == series.c.id)
            .where(
                series.c.scanner_id == place[0],
                series.c.protocol_key == place[1],
                series.c.closed_at >= since,
                series.c.model == self._model,
                series.c.verdict.not_in(["", Verdict.NOT_SCORED]),
                NEWEST,
            )
            .order_by(series.c.closed_at.desc())
            .limit(MOST_PAST)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [_past(row) for row in reversed(rows)]

    def tried(
        self, protocol: str, thresholds: Thresholds, figures: Mapping[str, Any], author: str
    ) -> TrialView:
        """Note a trial. Raises NoSuchProtocol."""
        place = _place_of(protocol)
        now = self._clock()
        with self._database.write() as connection:
            if place is None or not _known(connection, place):
                raise NoSuchProtocol(NoSuchProtocol.__doc__)
            values = {
                "scanner_id": place[0],
                "protocol_key": place[1],
                "thresholds": asdict(thresholds),
                "figures": {**figures, "model": self._model},
                "author": author,
                "at": now,
            }
            made = connection.execute(insert(threshold_trial).values(values).returning(threshold_trial)).one()
            return _trial(made)

    def accept(self, acceptance: Acceptance, version: int) -> ProtocolView:
        """Put thresholds in force, if ``version`` is still the number of the last version.

        Raises NoSuchProtocol, NotTried, AcceptedMeanwhile and RequestUsed.
        """
        place, now = _place_of(acceptance.protocol), self._clock()
        with self._database.write() as connection:
            if place is None or not _known(connection, place):
                raise NoSuchProtocol(NoSuchProtocol.__doc__)
            lock_all(connection, [f"thresholds {acceptance.protocol}"])
            if not _came_before(connection, acceptance, place):
                rows = connection.execute(_versions(*place)).all()
                last = rows[-1].number if rows else 0
                if last != version:
                    raise AcceptedMeanwhile(AcceptedMeanwhile.__doc__)
                values = {
                    "scanner_id": place[0],
                    "protocol_key": place[1],
                    "number": last + 1,
                    "lane": acceptance.lane,
                    "model": self._model,
                    "thresholds": self._values(connection, acceptance, place, rows),
                    "trial_id": acceptance.trial,
                    "restores": acceptance.restores,
                    "why": acceptance.why,
                    "author": acceptance.author,
                    "role": acceptance.role,
                    "at": now,
                    "key": acceptance.key,
                }
                connection.execute(insert(threshold_version), values)
                told = {"version": last + 1, "lane": acceptance.lane, "why": acceptance.why}
                changed = Entry("thresholds accepted", acceptance.author, acceptance.protocol, detail=told)
                note(connection, now, changed)
        found = self.protocol(acceptance.protocol, 0.0)
        assert found is not None  # it is known, and series are never taken out
        return found

    def _values(
        self, connection: Connection, acceptance: Acceptance, place: tuple[int, str], rows: Sequence[Row[Any]]
    ) -> Mapping[str, Any] | None:
        """Give the thresholds that are accepted; None: those of the settings, or no shadow. Raises NotTried."""
        if acceptance.trial is None:
            if not acceptance.restores:
                return None
            earlier = [row for row in rows if row.number == acceptance.restores and row.thresholds]
            if not earlier:
                raise NotTried("There is no such version to come back to.")
            if earlier[0].model != self._model:
                raise NotTried("That version is for another model: try its thresholds first.")
            return cast("Mapping[str, Any]", earlier[0].thresholds)
        mine = (threshold_trial.c.scanner_id == place[0]) & (threshold_trial.c.protocol_key == place[1])
        query = select(threshold_trial).where(mine, threshold_trial.c.id == acceptance.trial)
        trial = connection.execute(query).first()
        present = asdict(self._in_force(connection, *place).live)
        if trial is None or (trial.figures["model"], trial.figures.get("before")) != (self._model, present):
            raise NotTried(NotTried.__doc__)
        return cast("Mapping[str, Any]", trial.thresholds)

    def _in_force(self, connection: Connection, scanner_id: int, protocol_key: str) -> InForce:
        rows = connection.execute(_versions(scanner_id, protocol_key))
        lanes = {row.lane: row for row in rows if row.model == self._model}
        live, shadow = lanes.get("live"), lanes.get("shadow")
        return InForce(
            live=self._settings if live is None or not live.thresholds else thresholds_of(live.thresholds),
            number=0 if live is None or not live.thresholds else live.number,
            shadow=None if shadow is None or not shadow.thresholds else thresholds_of(shadow.thresholds),
            shadow_number=0 if shadow is None or not shadow.thresholds else shadow.number,
        )

    def _protocol(
        self, connection: Connection, row: Row[Any], since: float, compared: Mapping[str, int]
    ) -> ProtocolView:
        of_series = (series.c.scanner_id == row.scanner_id) & (series.c.protocol_key == row.protocol_key)
        newest = connection.scalar(
            select(series.c.facts).where(of_series).order_by(series.c.closed_at.desc()).limit(1)
        )
        decided = connection.scalar(
            select(func.count())
            .select_from(review)
            .join(series, series.c.id == review.c.series_id)
            .where(
                review.c.scanner_id == row.scanner_id,
                review.c.protocol_key == row.protocol_key,
                review.c.decided_at >= since,
                review.c.outcome.in_(("usable", "limits", "unusable")),
                NEWEST,
            )
        )
        versions = connection.execute(_versions(row.scanner_id, row.protocol_key)).all()
        return ProtocolView(
            id=f"{row.scanner_id}-{row.protocol_key}",
            scanner=row.name,
            description=described(newest or {}),
            past=int(row.past),
            decided=int(decided or 0),
            in_force=self._in_force(connection, row.scanner_id, row.protocol_key),
            versions=tuple(_version(one) for one in versions),
            compared=compared,
        )


def _compared(connection: Connection, place: tuple[int, str], since: float) -> dict[str, int]:
    """Count what shadows said beside what told, as "Check > Usable"."""
    query = (
        select(series.c.verdict, series.c.judging)
        .where(
            series.c.scanner_id == place[0],
            series.c.protocol_key == place[1],
            series.c.closed_at >= since,
            NEWEST,
        )
        .order_by(series.c.closed_at.desc())
        .limit(MOST_PAST)
    )
    counted: dict[str, int] = {}
    for verdict, judging in connection.execute(query):
        shadow = (judging or {}).get("shadow")
        if shadow:
            name = f"{verdict} > {shadow['verdict']}"
            counted[name] = counted.get(name, 0) + 1
    return counted


def _past(row: Row[Any]) -> PastSeries:
    unscored = bool((row.judging or {}).get("unscored"))
    return PastSeries(
        quality=QualityScore.from_json(row.quality),
        around=circumstances(row.facts, incomplete=row.incomplete, conflict=row.conflict, unscored=unscored),
        decided=cast("Choice", row.outcome) if row.outcome else None,
        weight=1 / row.share if row.share else 0.0,
    )


def _place_of(protocol: str) -> tuple[int, str] | None:
    """Read the id of a protocol: its scanner's row, and the keyed pseudonym."""
    number, _, key = protocol.partition("-")
    return (int(number), key) if number.isascii() and number.isdecimal() and len(number) < 18 else None


def _known(connection: Connection, place: tuple[int, str]) -> bool:
    query = select(series.c.id).where(series.c.scanner_id == place[0], series.c.protocol_key == place[1])
    return connection.scalar(query.limit(1)) is not None


def _versions(scanner_id: int, protocol_key: str) -> Select[Any]:
    return (
        select(threshold_version)
        .where(threshold_version.c.scanner_id == scanner_id, threshold_version.c.protocol_key == protocol_key)
        .order_by(threshold_version.c.number)
    )


def _came_before(connection: Connection, acceptance: Acceptance, place: tuple[int, str]) -> bool:
    mine = (threshold_version.c.author == acceptance.author) & (threshold_version.c.key == acceptance.key)
    row = connection.execute(select(threshold_version).where(mine)).first()
    if row is None:
        return False
    asked = (*place, acceptance.lane, acceptance.trial, acceptance.restores, acceptance.why)
    if (row.scanner_id, row.protocol_key, row.lane, row.trial_id, row.restores, row.why) != asked:
        raise RequestUsed(RequestUsed.__doc__)
    return True


def _trial(row: Row[Any]) -> TrialView:
    return TrialView(str(row.id), thresholds_of(row.thresholds), row.figures, row.author, row.at)


def _version(row: Row[Any]) -> VersionView:
    return VersionView(
        number=row.number,
        lane=row.lane,
        thresholds=None if not row.thresholds else thresholds_of(row.thresholds),
        restores=row.restores,
        why=row.why,
        author=row.author,
        role=row.role,
        at=row.at,
        model=row.model,
    )
