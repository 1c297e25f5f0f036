"""The rulebook's versions: added, never changed; and past verdicts, for trying rules out."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select

from service.ledger.audit import note
from service.ledger.cursors import number_of
from service.ledger.database import Database, lock_all
from service.ledger.states import OPEN
from service.ledger.tables import scanner, series
from service.ledger.tables_rules import firing, rulebook
from service.operating.audit_views import Entry
from service.routing import case_of, circumstances_of
from service.routing.views import Origin, PastCase, Version


class ChangedMeanwhile(ValueError):
    """The rules were changed meanwhile: look again."""


class NoVersion(LookupError):
    """There is no such version of the rules."""


class Rulebooks:
    """Keeps every version; the newest one is in force."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def newest(self) -> int:
        """Give the number of the version in force, 0 where there is none."""
        with self._database.read() as connection:
            return _newest(connection)

    def in_force(self) -> Version | None:
        """Give the version in force, None where nobody has written any."""
        with self._database.read() as connection:
            row = connection.execute(select(rulebook).order_by(rulebook.c.id.desc()).limit(1)).first()
        return None if row is None else _version(row)

    def version(self, number: int) -> Version:
        """Give one version. Raises NoVersion."""
        with self._database.read() as connection:
            row = connection.execute(select(rulebook).where(rulebook.c.id == number)).first()
        if row is None:
            raise NoVersion(NoVersion.__doc__)
        return _version(row)

    def page(self, limit: int, cursor: str | None = None) -> tuple[list[Version], str | None]:
        """Give versions, newest first, and the next page's cursor. Raises BadCursor."""
        query = select(rulebook).order_by(rulebook.c.id.desc()).limit(limit + 1)
        if cursor is not None:
            query = query.where(rulebook.c.id < number_of(cursor))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [_version(row) for row in rows[:limit]], str(rows[limit - 1].id) if len(rows) > limit else None

    def saved(
        self, content: Mapping[str, Any], *, seen: int | None, author: str, why: str, origin: Origin
    ) -> Version:
        """Add a version, if `seen` is the one in force still; None adds it in any case. Raises ChangedMeanwhile.

        What is in force already is not written again.
        """
        digest = digest_of(content)
        with self._database.write() as connection:
            lock_all(connection, ["rulebook"])
            before = connection.execute(select(rulebook).order_by(rulebook.c.id.desc()).limit(1)).first()
            if seen is not None and seen != (0 if before is None else before.id):
                raise ChangedMeanwhile(ChangedMeanwhile.__doc__)
            if before is not None and before.digest == digest:
                return _version(before)
            values = {
                "at": self._clock(),
                "author": author,
                "why": why,
                "origin": origin,
                "digest": digest,
                "content": dict(content),
            }
            number = 1 if before is None else int(before.id) + 1  # without a gap
            connection.execute(insert(rulebook), {"id": number, **values})
            told = {"origin": origin, "digest": digest, "why": why}
            note(connection, self._clock(), Entry("rules changed", author, f"version {number}", detail=told))
            return Version(number=number, **values)  # type: ignore[arg-type]  # its fields, by name

    def last_file(self) -> str | None:
        """Give the digest of what was taken in from the file last; None where nothing ever was."""
        of_file = select(rulebook.c.digest).where(rulebook.c.origin == "file")
        with self._database.read() as connection:
            digest: str | None = connection.scalar(of_file.order_by(rulebook.c.id.desc()).limit(1))
        return digest

    def past(self, limit: int, scanner_name: str = "") -> list[PastCase]:
        """Give the last verdicts, newest first, each with what fired at the time."""
        query = _judged().order_by(series.c.opened_at.desc(), series.c.id.desc()).limit(limit)
        if scanner_name:
            query = query.where(scanner.c.name == scanner_name)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            fired = _fired(connection, [row.id for row in rows])
        return [_past(row, fired.get(row.id, ())) for row in rows]


def digest_of(content: Mapping[str, Any]) -> str:
    """Give the digest of a rulebook's plain values."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _newest(connection: Connection) -> int:
    return int(connection.scalar(select(func.max(rulebook.c.id))) or 0)


def _version(row: Row[Any]) -> Version:
    return Version(row.id, row.at, row.author, row.why, row.origin, row.digest, row.content)


def _judged() -> Select[Any]:
    return (
        select(series, scanner.c.name.label("scanner"))
        .join(scanner, scanner.c.id == series.c.scanner_id)
        .where(series.c.verdict != "")
    )


def _fired(connection: Connection, series_ids: list[str]) -> dict[str, tuple[str, ...]]:
    rows = connection.execute(
        select(firing.c.series_id, firing.c.fired)
        .where(firing.c.series_id.in_(series_ids))
        .order_by(firing.c.id)
    )
    return {row.series_id: tuple(one["rule"] for one in row.fired) for row in rows}


def _past(row: Row[Any], fired: tuple[str, ...]) -> PastCase:
    around = circumstances_of(
        row.facts,
        provisional=row.state in OPEN,
        repeats=row.repeats != "",
        incomplete=row.incomplete,
        conflict=row.conflict,
        generation=row.generation,
    )
    case = case_of(
        verdict=row.verdict,
        at=row.closed_at or row.last_instance_at,
        reason=row.reason,
        advice=row.advice or (),
        quality=row.quality or {},
        facts=row.facts,
        around=around,
        scanner=row.scanner,
        series=row.id,
        series_number=row.series_number,
        generation=row.generation,
    )
    return PastCase(case, fired)
