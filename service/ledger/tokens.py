"""Tokens: what programs and boards present in place of a person; the secret itself is kept nowhere."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from service.ledger.database import Database, lock_all
from service.ledger.events import note_event
from service.ledger.tables import token

ACCESS = "access"  # the kind of events that tell who got in and who may; no stream shows them


class NameTaken(ValueError):
    """Another one has this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token is for."""

    name: str
    scopes: frozenset[str]
    scanner: str = ""  # the only one that it shows; "" for all
    ae_title: str = ""  # what images sent with it count as sent by; "" for none in particular
    expires_at: float | None = None  # s since the epoch, like every time here


@dataclass(frozen=True, slots=True, kw_only=True)
class Token(Grant):
    """One token, as far as it is known."""

    id: int
    created_at: float
    used_at: float | None


class TokenBook:
    """The tokens of the house."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def issued(self, grant: Grant, digest: str, now: float, by: str) -> Token:
        """Note a new token by the digest of its secret. Raises NameTaken."""
        kept = asdict(grant) | {"scopes": sorted(grant.scopes), "digest": digest, "created_at": now}
        with self._database.write() as connection:
            lock_all(connection, ["tokens"])
            if connection.scalar(select(token.c.id).where(token.c.name == grant.name)) is not None:
                raise NameTaken(NameTaken.__doc__)
            row = connection.execute(insert(token).values(kept).returning(token)).one()
            note_event(connection, now, ACCESS, "", {"done": "token issued", "token": grant.name, "by": by})
        return token_of(row)

    def by_digest(self, digest: str) -> Token | None:
        """Find the token of a secret, expired or not."""
        with self._database.read() as connection:
            row = connection.execute(select(token).where(token.c.digest == digest)).first()
        return None if row is None else token_of(row)

    def used(self, token_id: int, now: float) -> None:
        """Note that a token was used."""
        with self._database.write() as connection:
            connection.execute(update(token).where(token.c.id == token_id).values(used_at=now))

    def all(self) -> list[Token]:
        """Give the tokens by name."""
        with self._database.read() as connection:
            return [token_of(row) for row in connection.execute(select(token).order_by(token.c.name))]

    def revoked(self, name: str, now: float, by: str) -> bool:
        """Forget a token, and with it the sessions that were opened with it; False where there is none."""
        with self._database.write() as connection:
            found = connection.execute(delete(token).where(token.c.name == name)).rowcount > 0
            if found:
                note_event(connection, now, ACCESS, "", {"done": "token revoked", "token": name, "by": by})
        return found


def token_of(row: Row[Any]) -> Token:
    """Read a row."""
    return Token(
        id=row.id,
        name=row.name,
        scopes=frozenset(row.scopes),
        scanner=row.scanner,
        ae_title=row.ae_title,
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
    )
