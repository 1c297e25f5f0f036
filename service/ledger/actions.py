"""What rules order: written with the verdict, claimed by who does it, tried again with back-off."""

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, exists, insert, select, update

from service.ledger.control import TO, goes_on
from service.ledger.events import note_event
from service.ledger.leases import Worker
from service.ledger.outbox import retry_after
from service.ledger.states import DeliveryState
from service.ledger.tables import outbox, series, vault
from service.ledger.tables_rules import errand, firing
from service.routing import CONSOLE, Order, Route
from service.routing.views import Ruling
from service.routing.wording import withdrawn

HELD_BY_RULE = "held by the rule "  # followed by its name: the reason of a delivery
FORWARD = "forward"  # kind of the orders that ask a PACS; of the same name as the destination
NOTICE = "notice"  # kind of the events that tell the console what a rule alerts it to
WAITING, DONE, DEAD, SUPERSEDED, DISCARDED, SHADOW = (
    *("waiting", "done", "dead"),
    *("superseded", "discarded", "shadow"),
)
Told = tuple[str, dict[str, object]]  # series, and what the console is told of it


@dataclass(frozen=True, slots=True)
class Errand:
    """One claimed order."""

    id: int
    series_id: str
    kind: str
    rule: str
    channel: str
    what: Mapping[str, Any]  # a message's values, or where a PACS sends what
    replaces: int | None  # the errand whose alert this one replaces
    received: int  # instances of the series at the time of claiming
    attempt: int
    attempts: int  # tries that failed before
    tried_since: float
    series_uid: str
    header: bytes | None  # sealed; None where the identity is no longer kept


class Errands:
    """Hands out what is due for a channel, and takes its answers."""

    def __init__(
        self, worker: Worker, *, give_up_s: float, chance: Callable[[], float] = random.random
    ) -> None:
        self._worker = worker
        self._give_up_s = give_up_s
        self._chance = chance

    def claim(self, channel: str, kind: str) -> Errand | None:
        """Claim the oldest order that is due for a channel.

        An alert in whose place another one came does not leave any more; while it is under way, the other one waits.
        No PACS is asked to send anything on while a person has it stopped as a destination.
        """
        now = self._worker.clock()
        later, earlier = errand.alias(), errand.alias()
        replaced = exists().where(later.c.replaces == errand.c.id)
        behind = exists().where(
            earlier.c.id == errand.c.replaces, earlier.c.state == WAITING, earlier.c.lease_until >= now
        )
        due = (
            (errand.c.channel == channel)
            & (errand.c.kind == kind)
            & (errand.c.state == WAITING)
            & (errand.c.next_at <= now)
            & (errand.c.lease_until < now)
            & ~behind
        )
        if kind == FORWARD:
            due &= goes_on(TO + channel)
        query = (
            select(errand, series.c.received, series.c.uid.label("series_uid"), vault.c.sealed)
            .join(series, series.c.id == errand.c.series_id)
            .outerjoin(vault, vault.c.uid == series.c.uid)
            .where(due, ~replaced)
            .order_by(errand.c.id)
            .limit(1)
        )
        with self._worker.database.read() as connection:
            if connection.execute(select(errand.c.id).where(due).limit(1)).first() is None:
                return None
        with self._worker.database.write() as connection:
            connection.execute(update(errand).where(due, replaced).values(state=SUPERSEDED))
            row = connection.execute(query.with_for_update(of=errand, skip_locked=True)).first()
            if row is None:
                return None
            connection.execute(
                update(errand)
                .where(errand.c.id == row.id)
                .values(
                    lease_owner=self._worker.owner,
                    lease_until=now + self._worker.lease_s,
                    attempt=errand.c.attempt + 1,
                )
            )
        return _errand(row)

    def holding(self, one: Errand) -> AbstractContextManager[None]:
        """Keep a claimed order for as long as the block lasts."""
        return self._worker.holding(errand, [one.id])

    def done(self, one: Errand, answer: str) -> None:
        """Note that it is done."""
        now = self._worker.clock()
        values = {"state": DONE, "done_at": now, "tried_at": now, "answer": answer}
        with self._worker.database.write() as connection:  # unfenced: what is done stays done
            connection.execute(
                update(errand)
                .where(errand.c.id == one.id)
                .values(values | {"attempts": one.attempts + 1, "lease_until": 0.0})
            )

    def failed(self, one: Errand, answer: str, *, wait_s: float = 0.0, final: bool = False) -> str:
        """Note that it failed: it is tried again later, and given up after the same time as a delivery.

        At once where it is `final`, and no earlier than in `wait_s`. Gives the state.
        """
        now = self._worker.clock()
        attempts = one.attempts + 1
        dead = final or now - one.tried_since > self._give_up_s
        state = DEAD if dead else WAITING
        with self._worker.database.write() as connection:
            connection.execute(
                update(errand)
                .where(
                    errand.c.id == one.id,
                    errand.c.lease_owner == self._worker.owner,
                    errand.c.attempt == one.attempt,
                    errand.c.state == WAITING,
                )
                .values(
                    state=state,
                    attempts=attempts,
                    answer=answer,
                    tried_at=now,
                    next_at=now + max(wait_s, retry_after(attempts, self._chance())),
                    lease_until=0.0,
                )
            )
        return state


def ruled(connection: Connection, row: Row[Any], about: str, ruling: Ruling, now: float) -> list[Told]:
    """Write what the rules make of a verdict, in its transaction; gives what the console is to be told.

    `row` is the generation, `about` its verdict. Nothing is ordered twice; an alert that holds no more is taken
    back: it does not leave, or those who got it are told.
    """
    provisional = bool(ruling.now.values["provisional"])
    number = connection.scalar(
        insert(firing)
        .values(
            series_id=row.id,
            at=now,
            version=ruling.version,
            about=about,
            provisional=provisional,
            fired=[dict(one) for one in ruling.fired],
            routes={name: route.to_json() for name, route in ruling.routes.items()},
        )
        .returning(firing.c.id)
    )
    writer = _Writer(connection, row, int(number or 0), now, shadow=ruling.shadow)
    standing = {} if ruling.shadow else _standing(connection, row.uid)
    for order in ruling.orders:
        earlier = standing.pop((order.channel, order.rule), None) if order.kind == "alert" else None
        writer.write(order, about, earlier)
    for (channel, rule), earlier in standing.items():
        if earlier.what["event"] == "alert":
            order = Order("alert", rule, channel, withdrawn(ruling.now, rule).to_json())
            writer.write(order, about, earlier)
    return writer.told


class _Writer:
    """Writes the orders of one firing."""

    def __init__(
        self, connection: Connection, row: Row[Any], firing_id: int, now: float, *, shadow: bool
    ) -> None:
        self._connection = connection
        self._row = row
        self._firing_id = firing_id
        self._shadow = shadow
        self._now = now
        self.told: list[Told] = []

    def write(self, order: Order, about: str, earlier: Row[Any] | None) -> None:
        """Write one order, unless it was given before; `earlier` is the alert in whose place it comes."""
        if earlier is not None and _says_so(earlier, self._row, about, order):
            return
        key = _key(self._row, order, about, earlier)
        if self._connection.scalar(select(errand.c.id).where(errand.c.key == key)) is not None:
            return
        replaces = None if earlier is None else self._taken_back(earlier)
        if order.what.get("event") == "withdrawn" and replaces is None:
            return  # nobody was told
        state = SHADOW if self._shadow else DONE if order.channel == CONSOLE else WAITING
        number = self._connection.scalar(
            insert(errand)
            .values(
                firing_id=self._firing_id,
                series_id=self._row.id,
                kind=order.kind,
                rule=order.rule,
                channel=order.channel,
                what=dict(order.what),
                key=key,
                replaces=replaces,
                state=state,
                created_at=self._now,
                next_at=self._now,
                done_at=self._now if state == DONE else None,
            )
            .returning(errand.c.id)
        )
        if state == DONE:
            told: dict[str, object] = {
                "errand": number,
                "replaces": replaces,
                "text": order.what["text"],
                "de": order.what["de"],
                "rule": order.rule,
            }
            told |= {"event": order.what["event"], "priority": order.what["values"]["priority"]}
            self.told.append((self._row.id, told))

    def _taken_back(self, earlier: Row[Any]) -> int | None:
        """Let an alert that has not left stay here; gives the one that people have, None where there is none."""
        kept = self._connection.execute(
            update(errand)
            .where(errand.c.id == earlier.id, errand.c.state == WAITING, errand.c.lease_until < self._now)
            .values(state=SUPERSEDED, attempt=errand.c.attempt + 1)
        )
        return earlier.replaces if kept.rowcount else int(earlier.id)


def _standing(connection: Connection, series_uid: str) -> dict[tuple[str, str], Row[Any]]:
    """Give the last alert of each channel and rule on a series, whatever its generation."""
    rows = connection.execute(
        select(errand, firing.c.about)
        .join(firing, firing.c.id == errand.c.firing_id)
        .join(series, series.c.id == errand.c.series_id)
        .where(
            series.c.uid == series_uid,
            errand.c.kind == "alert",
            errand.c.state.in_((WAITING, DONE, DEAD)),
        )
        .order_by(errand.c.id)
    ).all()
    return {(row.channel, row.rule): row for row in rows}


def _says_so(earlier: Row[Any], row: Row[Any], about: str, order: Order) -> bool:
    """Whether an alert tells of this very verdict already."""
    same = (earlier.series_id, earlier.about) == (row.id, about)
    return same and earlier.what["event"] == order.what["event"]


def _key(row: Row[Any], order: Order, about: str, earlier: Row[Any] | None) -> str:
    """Tell one order from the others: an alert by verdict and what it follows, a forward by the number of images."""
    said: list[object]
    if order.kind == "alert":
        follows = 0 if earlier is None else earlier.id
        said = [row.id, about, order.rule, order.channel, order.what["event"], follows]
    else:
        said = [row.uid, row.received, order.channel, order.what]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def tell(connection: Connection, told: Sequence[Told], now: float) -> None:
    """Tell the console what rules alert it to; called last in a transaction."""
    for series_id, data in told:
        note_event(connection, now, NOTICE, series_id, data)


def routes_of(connection: Connection, series_id: str) -> dict[str, Route]:
    """Give what the rules said of the results at the last verdict that stands."""
    routes = connection.scalar(
        select(firing.c.routes)
        .where(firing.c.series_id == series_id, firing.c.provisional.is_(False))
        .order_by(firing.c.id.desc())
        .limit(1)
    )
    return {name: Route.from_json(route) for name, route in (routes or {}).items()}


def let_go(connection: Connection, series_uid: str, routes: Mapping[str, Route], now: float) -> None:
    """Let deliveries of a series leave that a rule held at an earlier verdict, where one releases them now."""
    released = [name for name, route in routes.items() if route.hold is False]
    if released:
        connection.execute(
            update(outbox)
            .where(
                outbox.c.destination.in_(released),
                outbox.c.series_id.in_(select(series.c.id).where(series.c.uid == series_uid)),
                outbox.c.state == DeliveryState.HELD,
                outbox.c.reason.startswith(HELD_BY_RULE),
            )
            .values(state=DeliveryState.WAITING, reason="", next_at=now, renewed_at=now)
        )


def _errand(row: Row[Any]) -> Errand:
    return Errand(
        id=row.id,
        series_id=row.series_id,
        kind=row.kind,
        rule=row.rule,
        channel=row.channel,
        what=row.what,
        replaces=row.replaces,
        received=row.received,
        attempt=row.attempt + 1,
        attempts=row.attempts,
        tried_since=max(row.created_at, row.renewed_at),
        series_uid=row.series_uid,
        header=row.sealed,
    )
