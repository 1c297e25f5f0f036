"""Sessions: browsers that signed in, known by the digest of what their cookie holds."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update

from service.ledger.accounts import Account, NoAccount, account_of
from service.ledger.database import Database
from service.ledger.events import note_event
from service.ledger.tables import account, session, token
from service.ledger.tokens import ACCESS, Token, token_of


@dataclass(frozen=True, slots=True)
class Session:
    """One browser."""

    id: int
    holder: Account | Token  # whose it is
    address: str
    created_at: float  # s since the epoch, like every time here
    active_at: float  # when a person last did something


class Sessions:
    """The browsers that are signed in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def opened(
        self, holder: Account | Token, digest: str, address: str, now: float, password: str | None = None
    ) -> None:
        """Note a new session; of a person only while the encoded ``password`` that was checked still holds.

        Raises NoAccount where the person was removed or locked meanwhile, or was given another password.
        """
        person = isinstance(holder, Account)
        kept = {
            "digest": digest,
            "account_id": holder.id if person else None,
            "token_id": None if person else holder.id,
            "address": address,
            "created_at": now,
            "active_at": now,
        }
        with self._database.write() as connection:
            if person:
                same = (account.c.id == holder.id) & (account.c.name == holder.name)
                same &= account.c.locked.is_(False)
                if password is not None:
                    same &= account.c.password == password
                if not connection.execute(update(account).where(same).values(seen_at=now)).rowcount:
                    raise NoAccount(NoAccount.__doc__)
            connection.execute(insert(session), kept)
            kind = "user" if person else "token"
            said = {"done": "signed in", kind: holder.name, "address": address}
            note_event(connection, now, ACCESS, "", said)

    def by_digest(self, digest: str) -> Session | None:
        """Find a session with its holder, whether its time is over or not."""
        with self._database.read() as connection:
            row = connection.execute(select(session).where(session.c.digest == digest)).first()
            if row is None:
                return None
            whose = account if row.account_id is not None else token
            holder_id = row.account_id if row.account_id is not None else row.token_id
            holder = connection.execute(select(whose).where(whose.c.id == holder_id)).one()
        return _session_of(row, account_of(holder) if whose is account else token_of(holder))

    def of(self, holder: Account) -> list[Session]:
        """Give a person's sessions, the newest first."""
        query = select(session).where(session.c.account_id == holder.id).order_by(session.c.id.desc())
        with self._database.read() as connection:
            return [_session_of(row, holder) for row in connection.execute(query)]

    def active(self, session_id: int, at: float) -> None:
        """Note when a person last did something."""
        with self._database.write() as connection:
            connection.execute(update(session).where(session.c.id == session_id).values(active_at=at))

    def closed(self, found: Session, now: float) -> None:
        """End a session."""
        with self._database.write() as connection:
            connection.execute(delete(session).where(session.c.id == found.id))
            note_event(connection, now, ACCESS, "", {"done": "signed out", "user": found.holder.name})

    def closed_all(self, holder: Account, now: float) -> None:
        """End every session of a person."""
        with self._database.write() as connection:
            connection.execute(delete(session).where(session.c.account_id == holder.id))
            note_event(connection, now, ACCESS, "", {"done": "signed out everywhere", "user": holder.name})

    def swept(self, *, born_before: float, active_before: float, boards_before: float) -> None:
        """Forget sessions whose time is over: those of persons by both limits, those of tokens by their own."""
        person = session.c.account_id.is_not(None)
        over = or_(
            person & (session.c.created_at < born_before),
            person & (session.c.active_at < active_before),
            session.c.token_id.is_not(None) & (session.c.created_at < boards_before),
        )
        with self._database.write() as connection:
            connection.execute(delete(session).where(over))


def _session_of(row: Row[Any], holder: Account | Token) -> Session:
    return Session(row.id, holder, row.address, row.created_at, row.active_at)
