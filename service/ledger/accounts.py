"""Accounts: the people who may sign in, and the failed attempts to do so."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from service.ledger.database import Database, lock_all
from service.ledger.events import note_event
from service.ledger.tables import account, session, sign_in_try
from service.ledger.tokens import ACCESS, NameTaken

ADMINISTRATOR = "administrator"


class NoAccount(LookupError):
    """There is no user of this name."""


class LastAdministrator(ValueError):
    """Somebody has to remain who can sign in and give out accounts: make another administrator first."""


@dataclass(frozen=True, slots=True)
class Account:
    """One person."""

    id: int
    name: str
    role: str
    temporary: bool  # the password was given by another person, and opens nothing but the door to a new one
    locked: bool
    created_at: float  # s since the epoch, like every time here
    seen_at: float | None  # the last sign-in


class Accounts:
    """The people of the house. ``by`` says whose doing a change is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def any(self) -> bool:
        """Whether there is any account."""
        with self._database.read() as connection:
            return connection.scalar(select(account.c.id).limit(1)) is not None

    def all(self) -> list[Account]:
        """Give the accounts by name."""
        with self._database.read() as connection:
            return [account_of(row) for row in connection.execute(select(account).order_by(account.c.name))]

    def get(self, name: str) -> Account:
        """Give an account. Raises NoAccount."""
        known = self.credentials(name)
        if known is None:
            raise NoAccount(NoAccount.__doc__)
        return known[0]

    def credentials(self, name: str) -> tuple[Account, str] | None:
        """Give an account with its encoded password."""
        with self._database.read() as connection:
            row = connection.execute(select(account).where(account.c.name == name)).first()
        return None if row is None else (account_of(row), row.password)

    def added(self, name: str, role: str, password: str, *, temporary: bool, now: float, by: str) -> Account:
        """Add a person with an encoded password. Raises NameTaken."""
        kept = {"name": name, "role": role, "password": password, "temporary": temporary, "created_at": now}
        with self._database.write() as connection:
            lock_all(connection, ["accounts"])
            if connection.scalar(select(account.c.id).where(account.c.name == name)) is not None:
                raise NameTaken(NameTaken.__doc__)
            row = connection.execute(insert(account).values(kept).returning(account)).one()
            _note(connection, now, "user added", name, by, role=role)
        return account_of(row)

    def given_role(self, name: str, role: str, now: float, by: str) -> Account:
        """Change a person's role. Raises NoAccount and LastAdministrator."""
        return self._changed(name, {"role": role}, now, by, "role changed")

    def locked(self, name: str, now: float, by: str) -> Account:
        """Let a person in no more, and end the sessions. Raises NoAccount and LastAdministrator."""
        return self._changed(name, {"locked": True}, now, by, "user locked")

    def unlocked(self, name: str, now: float, by: str) -> Account:
        """Let a person in again. Raises NoAccount."""
        return self._changed(name, {"locked": False}, now, by, "user unlocked")

    def given_password(self, name: str, password: str, *, temporary: bool, now: float, by: str) -> Account:
        """Change an encoded password and end every session of the person. Raises NoAccount."""
        values = {"password": password, "temporary": temporary}
        return self._changed(name, values, now, by, "password changed")

    def rehashed(self, account_id: int, former: str, password: str) -> None:
        """Keep the same password, encoded with today's parameters, unless it is another one by now."""
        same = (account.c.id == account_id) & (account.c.password == former)
        with self._database.write() as connection:
            connection.execute(update(account).where(same).values(password=password))

    def removed(self, name: str, now: float, by: str) -> None:
        """Forget a person. Raises NoAccount and LastAdministrator."""
        with self._database.write() as connection:
            lock_all(connection, ["accounts"])
            before = _governors(connection)
            if not connection.execute(delete(account).where(account.c.name == name)).rowcount:
                raise NoAccount(NoAccount.__doc__)
            _check_governed(connection, before)
            _note(connection, now, "user removed", name, by)

    def _changed(self, name: str, values: Mapping[str, object], now: float, by: str, done: str) -> Account:
        with self._database.write() as connection:
            lock_all(connection, ["accounts"])
            before = _governors(connection)
            change = update(account).where(account.c.name == name).values(**values).returning(account)
            row = connection.execute(change).first()
            if row is None:
                raise NoAccount(NoAccount.__doc__)
            _check_governed(connection, before)
            if values.keys() & {"locked", "password"}:
                connection.execute(delete(session).where(session.c.account_id == row.id))
            _note(connection, now, done, name, by, role=row.role)
        return account_of(row)

    def attempted(
        self, limits: Mapping[str, int], bar_s: Callable[[int], float], now: float, forget_s: float
    ) -> float:
        """Count an attempt to sign in before it is known how it ends, unless one of its subjects is barred.

        Args:
            limits: subject -> failures in a row from which on it is barred.
            bar_s: how long, in seconds, by the number of failures beyond the limit.
            now: the time.
            forget_s: seconds after the last failure at which it is forgotten.

        Returns:
            0, or for how many seconds the attempt is still barred.

        """
        with self._database.write() as connection:
            lock_all(connection, limits)
            connection.execute(delete(sign_in_try).where(sign_in_try.c.at < now - forget_s))
            query = select(sign_in_try).where(sign_in_try.c.subject.in_(limits))
            known = {row.subject: row for row in connection.execute(query)}
            wait_s = max((row.barred_until - now for row in known.values()), default=0.0)
            if wait_s > 0:
                return wait_s
            for subject, limit in limits.items():
                failures = known[subject].failures + 1 if subject in known else 1
                until = now + bar_s(failures - limit) if failures >= limit else 0.0
                connection.execute(delete(sign_in_try).where(sign_in_try.c.subject == subject))
                values = {"subject": subject, "failures": failures, "barred_until": until, "at": now}
                connection.execute(insert(sign_in_try), values)
        return 0.0

    def refused(self, name: str, address: str, now: float) -> None:
        """Note a failed sign-in; ``name`` is empty where there is no such account."""
        with self._database.write() as connection:
            _note(connection, now, "sign-in refused", name, "", address=address)

    def forgiven(self, *subjects: str) -> None:
        """Forget the failed attempts of subjects."""
        with self._database.write() as connection:
            lock_all(connection, subjects)
            connection.execute(delete(sign_in_try).where(sign_in_try.c.subject.in_(subjects)))

    def eased(self, subject: str) -> None:
        """Take one attempt back, which ended well, and leave those that did not."""
        counted = (sign_in_try.c.subject == subject) & (sign_in_try.c.failures > 0)
        values = {"failures": sign_in_try.c.failures - 1, "barred_until": 0.0}
        with self._database.write() as connection:
            connection.execute(update(sign_in_try).where(counted).values(**values))


def _note(connection: Connection, now: float, done: str, name: str, by: str, **more: str) -> None:
    note_event(connection, now, ACCESS, "", {"done": done, "user": name, "by": by, **more})


def _governors(connection: Connection) -> int:
    governing = (account.c.role == ADMINISTRATOR) & account.c.locked.is_(False)
    return connection.execute(select(func.count()).select_from(account).where(governing)).scalar_one()


def _check_governed(connection: Connection, before: int) -> None:
    """See to it that people who had an administrator before are not left without one."""
    anybody = connection.scalar(select(account.c.id).limit(1)) is not None
    if before and anybody and not _governors(connection):
        raise LastAdministrator(LastAdministrator.__doc__)


def account_of(row: Row[Any]) -> Account:
    """Read a row."""
    return Account(
        id=row.id,
        name=row.name,
        role=row.role,
        temporary=row.temporary,
        locked=row.locked,
        created_at=row.created_at,
        seen_at=row.seen_at,
    )
