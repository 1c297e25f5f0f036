"""The review queue: who looks at which series again, and what was decided; decisions are added, never changed."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from typing import cast as as_type

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    String,
    and_,
    cast,
    func,
    insert,
    or_,
    select,
    update,
)

from service.ledger.audit import note
from service.ledger.cursors import number_of
from service.ledger.database import Database, lock_all
from service.ledger.events import note_event
from service.ledger.tables import scanner, series
from service.ledger.tables_review import review, review_decision
from service.ledger_views import FeedbackKind
from service.operating.audit_views import Entry
from service.review.agreement import CHOICE_RANKS, MODEL_RANKS, Reviewed
from service.review.second_look import Nomination, disagrees
from service.review.views import (
    Case,
    Choice,
    Cursor,
    DecisionView,
    ReviewSelection,
    ReviewView,
    Tier,
)
from service.understanding import described

SECOND: Tier = 2
_SAID = ("review_id", "tier", "decision", "comment", "tags", "cursor")  # what tells one request from another


class NoSuchReview(LookupError):
    """There is no such series in review."""


class DecidedMeanwhile(ValueError):
    """Somebody else decided meanwhile: look at both, and decide again."""


class RequestUsed(ValueError):
    """This Idempotency-Key came with another request before."""


class OutOfTurn(ValueError):
    """It is not this tier's turn."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What somebody decides on a series in review."""

    review_id: int
    tier: Tier
    decision: Choice
    comment: str
    tags: tuple[str, ...]
    cursor: Cursor | None
    author: str
    role: str
    key: str  # of the request: the same one again counts once


class ReviewBook:
    """Keeps the queue and what was decided."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def queue(
        self, selection: ReviewSelection, limit: int, cursor: str | None = None
    ) -> tuple[list[Case], str | None]:
        """Give a page of the queue, the oldest first (what is decided: the newest), and the next page's cursor.

        Raises BadCursor.
        """
        newest_first = selection.tier in {0, None}
        column = review.c.id.desc() if newest_first else review.c.id
        query = _cases().where(*_chosen(selection)).order_by(column).limit(limit + 1)
        if cursor is not None:
            last = number_of(cursor)
            query = query.where(review.c.id < last if newest_first else review.c.id > last)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            page = [_case(connection, row) for row in rows[:limit]]
        return page, str(rows[limit - 1].id) if len(rows) > limit else None

    def waiting(self) -> dict[int, int]:
        """Count what waits for each tier."""
        query = select(review.c.tier, func.count()).where(review.c.tier > 0).group_by(review.c.tier)
        with self._database.read() as connection:
            counted = {int(tier): int(count) for tier, count in connection.execute(query)}
        return {tier: counted.get(tier, 0) for tier in (1, 2)}

    def reviewed(self, since: float, scanner_name: str = "", protocol: str = "") -> list[Reviewed]:
        """Give what was decided since then, as figures are made of it; of one scanner and protocol, or of all."""
        query: Select[*tuple[Any, ...]] = (
            select(review.c.verdict, review.c.first, review.c.second, review.c.share)
            .join(scanner, scanner.c.id == review.c.scanner_id)
            .where(review.c.decided_at >= since)
        )
        if scanner_name:
            query = query.where(scanner.c.name == scanner_name)
        if protocol:
            query = query.where(protocol_name() == protocol)
        with self._database.read() as connection:
            return [_reviewed(row) for row in connection.execute(query).all()]

    def case(self, review_id: int) -> Case | None:
        """Give one series in review with its decisions, or None."""
        with self._database.read() as connection:
            row = connection.execute(_cases().where(review.c.id == review_id)).first()
            return None if row is None else _case(connection, row)

    def decide(self, ruling: Ruling, version: int) -> Case:
        """Note a decision, if ``version`` is still that of what the person saw.

        Raises NoSuchReview, DecidedMeanwhile, OutOfTurn and RequestUsed.
        """
        now = self._clock()
        with self._database.write() as connection:
            lock_all(connection, [f"review {ruling.review_id}"])
            row = connection.execute(
                select(review).where(review.c.id == ruling.review_id).with_for_update()
            ).first()
            if row is None:
                raise NoSuchReview(NoSuchReview.__doc__)
            if not _came_before(connection, ruling):
                if row.version != version:
                    raise DecidedMeanwhile(DecidedMeanwhile.__doc__)
                _write(connection, row, ruling, now)
                told = {"review": str(row.id), "tier": ruling.tier, "decision": ruling.decision}
                note_event(connection, now, "review", row.series_id, told)
                decided = Entry(f"review: {ruling.decision}", ruling.author, row.series_id, detail=told)
                note(connection, now, decided)
            return _case(connection, connection.execute(_cases().where(review.c.id == row.id)).one())


def _write(connection: Connection, row: Row[Any], ruling: Ruling, now: float) -> None:
    made = _decisions(connection, row)
    _check_turn(row, made, ruling)
    seen = {one.author for one in made if one.tier == ruling.tier and not one.earlier}
    values = _asked(ruling) | {
        "at": now,
        "about": row.about,
        "blind": row.blind and row.tier == ruling.tier and ruling.author not in seen,
    }
    connection.execute(insert(review_decision), values)
    after = _after(row, ruling)
    connection.execute(
        update(review)
        .where(review.c.id == row.id)
        .values(**after, version=row.version + 1, decided_at=None if after["tier"] else now)
    )


def _asked(ruling: Ruling) -> dict[str, Any]:
    """Give what somebody asks for as it is kept."""
    return asdict(ruling) | {"tags": list(ruling.tags)}


def _after(row: Row[Any], ruling: Ruling) -> dict[str, Any]:
    """Give what the queue holds after a decision."""
    if ruling.tier == SECOND:
        return {"second": ruling.decision, "outcome": ruling.decision, "tier": 0}
    handed_on = ruling.decision == "doubtful" or row.again
    return {
        "first": ruling.decision,
        "outcome": ruling.decision,
        "tier": SECOND if handed_on else 0,
    }


def _check_turn(row: Row[Any], made: tuple[DecisionView, ...], ruling: Ruling) -> None:
    """Hold the rules of the tiers. Raises OutOfTurn."""
    standing = [one for one in made if not one.earlier]
    firsts = [one for one in standing if one.tier == 1]
    if ruling.tier == 1 and any(one.tier == SECOND for one in standing):
        raise OutOfTurn("The second tier has decided: only the second tier changes that.")
    if ruling.tier == SECOND and not firsts:
        raise OutOfTurn("The first tier has not decided yet.")
    if ruling.tier == SECOND and firsts[-1].author == ruling.author:
        raise OutOfTurn("Somebody else decides what you have handed on or decided in the first tier.")
    if ruling.tier == SECOND and ruling.decision == "doubtful":
        raise OutOfTurn("The second tier decides: doubtful is no decision there.")
    if row.tier == 0 and not standing:
        raise OutOfTurn("This series has another generation by now, or another verdict: look at that.")


def nominate(
    connection: Connection, row: Row[Any], about: str, verdict: str, nomination: Nomination | None, now: float
) -> None:
    """Bring a series that was just judged into the queue, or take it out; part of the transaction that judges.

    What waits of its earlier generations leaves the queue. A series that is judged anew is looked at anew.
    """
    earlier = select(series.c.id).where(series.c.uid == row.uid, series.c.generation < row.generation)
    connection.execute(
        update(review)
        .where(review.c.series_id.in_(earlier), review.c.tier > 0)
        .values(tier=0, version=review.c.version + 1)
    )
    known = connection.execute(select(review).where(review.c.series_id == row.id).with_for_update()).first()
    if nomination is None:
        if known is not None and known.about != about:
            undone: dict[str, Any] = {"outcome": "", "first": "", "second": "", "decided_at": None}
            _changed(connection, known, tier=0, verdict=verdict, about=about, **undone)
        return
    values: dict[str, Any] = {
        "verdict": verdict,
        "about": about,
        "artifacts": _listed(nomination.artifacts),
        "why": list(nomination.why),
        "share": nomination.share,
        "blind": nomination.blind,
        "again": nomination.again,
    }
    if known is None:
        _insert(connection, row, values, now)
    elif known.about != about:
        _changed(
            connection,
            known,
            **values,
            tier=1,
            outcome="",
            first="",
            second="",
            entered_at=now,
            decided_at=None,
        )


def object_to(connection: Connection, row: Row[Any], about: str, kind: FeedbackKind, now: float) -> None:
    """Bring a series into the queue to whose verdict somebody objects; part of the transaction that notes it."""
    if not disagrees(kind, row.verdict):
        return
    known = connection.execute(select(review).where(review.c.series_id == row.id).with_for_update()).first()
    if known is None:
        found = (row.quality or {}).get("findings", ())
        artifacts = tuple(one["artifact"] for one in found if one["present"])
        values: dict[str, Any] = {
            "verdict": row.verdict,
            "about": about,
            "artifacts": _listed(artifacts),
            "why": ["disagreement"],
            "share": None,
            "blind": False,
            "again": False,
        }
        _insert(connection, row, values, now)
        return
    why = [*known.why, *([] if "disagreement" in known.why else ["disagreement"])]
    waits = known.tier or (0 if known.outcome else 1)
    _changed(connection, known, why=why, tier=waits, verdict=row.verdict, about=about)


def _insert(connection: Connection, row: Row[Any], values: dict[str, Any], now: float) -> None:
    place = {"series_id": row.id, "scanner_id": row.scanner_id, "protocol_key": row.protocol_key}
    connection.execute(insert(review), place | values | {"tier": 1, "entered_at": now})


def _changed(connection: Connection, known: Row[Any], **values: object) -> None:
    connection.execute(
        update(review).where(review.c.id == known.id).values(**values, version=known.version + 1)
    )


def _listed(artifacts: tuple[str, ...]) -> str:
    return " ".join(("", *artifacts, "")) if artifacts else ""


def _came_before(connection: Connection, ruling: Ruling) -> bool:
    """Whether this very request was answered before. Raises RequestUsed where it was another one."""
    mine = (review_decision.c.author == ruling.author) & (review_decision.c.key == ruling.key)
    row = connection.execute(select(review_decision).where(mine)).first()
    if row is None:
        return False
    asked = _asked(ruling)
    if any(getattr(row, name) != asked[name] for name in _SAID):
        raise RequestUsed(RequestUsed.__doc__)
    return True


def _cases() -> Select[Any]:
    return (
        select(review, scanner.c.name.label("scanner"), series.c.series_number, series.c.facts)
        .join(series, series.c.id == review.c.series_id)
        .join(scanner, scanner.c.id == review.c.scanner_id)
    )


def _chosen(selection: ReviewSelection) -> list[ColumnElement[bool]]:
    """Give the conditions; what a blind reader may not know chooses nothing."""
    told = or_(review.c.tier == 0, review.c.blind.is_(False))
    conditions: list[ColumnElement[bool]] = []
    if selection.tier is not None:
        conditions.append(review.c.tier == selection.tier)
    if selection.tier == 0:
        conditions.append(review.c.outcome != "")
    if selection.scanner:
        conditions.append(scanner.c.name == selection.scanner)
    if selection.verdict is not None:
        conditions.append(and_(told, review.c.verdict == selection.verdict))
    if selection.artifact:
        conditions.append(and_(told, review.c.artifacts.contains(f" {selection.artifact} ", autoescape=True)))
    if selection.entered_before is not None:
        conditions.append(review.c.entered_at < selection.entered_before)
    return conditions


def protocol_name() -> ColumnElement[str]:
    """Name a protocol as the API does: by its scanner's row and its keyed pseudonym."""
    return cast(review.c.scanner_id, String) + "-" + review.c.protocol_key


def _reviewed(row: Row[Any]) -> Reviewed:
    return Reviewed(
        model=MODEL_RANKS.get(row.verdict),
        first=CHOICE_RANKS.get(row.first),
        second=CHOICE_RANKS.get(row.second),
        weight=1 / row.share if row.share else None,
    )


def _case(connection: Connection, row: Row[Any]) -> Case:
    return Case(_view(row), _decisions(connection, row))


def _view(row: Row[Any]) -> ReviewView:
    return ReviewView(
        id=str(row.id),
        series_id=row.series_id,
        scanner=row.scanner,
        series_number=row.series_number,
        description=described(row.facts),
        verdict=row.verdict,
        artifacts=tuple(row.artifacts.split()),
        why=tuple(row.why),
        blind=row.blind,
        again=row.again,
        tier=row.tier,
        outcome=row.outcome,
        version=row.version,
        entered_at=row.entered_at,
        decided_at=row.decided_at,
    )


def _decisions(connection: Connection, row: Row[Any]) -> tuple[DecisionView, ...]:
    made = review_decision.c
    rows = connection.execute(select(review_decision).where(made.review_id == row.id).order_by(made.id))
    return tuple(decision_view(one, row.about) for one in rows)


def decision_view(one: Row[Any], about: str) -> DecisionView:
    """Give a decision as it is shown beside the verdict ``about``."""
    return DecisionView(
        tier=one.tier,
        decision=as_type("Choice", one.decision),
        comment=one.comment,
        tags=tuple(one.tags),
        cursor=None if one.cursor is None else Cursor(**one.cursor),
        blind=one.blind,
        author=one.author,
        role=one.role,
        at=one.at,
        earlier=one.about != about,
    )
