"""One database, SQLite or PostgreSQL: transactions durable when they return, and a bell that rings on commits."""

import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from service.operating.audit_views import Mark

CHANNEL = "scanside"
_MARK = "audit_mark"  # in what SQLAlchemy keeps of a connection
EVENT_LOCK = 0x5CA75  # PostgreSQL advisory lock: event ids are given in the order of their commits
AUDIT_KEY = "audit_key"  # execution option: what the rows of the audit log are signed with
BUSY_S = 4.0
POLL_S = 0.01
PATIENCE: dict[
    str, Any
] = {  # libpq's words; a host that vanished must not hold a sender for a quarter of an hour
    "connect_timeout": 4,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
LIMITS = "-c statement_timeout=20000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=20000"


class LedgerUnavailable(Exception):
    """The database does not answer, or does not take the transaction."""


class Database:
    """Transactions on one engine.

    SQLite writers of one process queue on a lock of their own: SQLite's back-off between threads sleeps for
    tens of milliseconds, which is longer than a transaction takes.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _sqlite(url) if url.startswith("sqlite") else _postgresql(url)
        self.sqlite = self.engine.dialect.name == "sqlite"
        self._writers = threading.Lock()
        self._noted: Callable[[Mark], None] = _nowhere

    def sign_audit(self, key: bytes, noted: Callable[[Mark], None]) -> None:
        """Sign rows of the audit log from now on, and tell the last one of each transaction once it is durable."""
        self.engine.update_execution_options(**{AUDIT_KEY: key})
        self._noted = noted

    @contextmanager
    def write(self) -> Generator[Connection]:
        """Do one transaction that is durable on return.

        Raises LedgerUnavailable when the database cannot be reached, is locked or is full.
        """
        mark: Mark | None = None
        try:
            if self.sqlite:
                with self._writers, self.engine.connect() as connection:
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                    connection.info.pop(_MARK, None)
                    yield connection
                    mark = connection.info.pop(_MARK, None)
                    connection.commit()  # leaving without it rolls back
            else:
                with self.engine.begin() as connection:
                    connection.info.pop(_MARK, None)
                    yield connection
                    mark = connection.info.pop(_MARK, None)
                    connection.exec_driver_sql(f"NOTIFY {CHANNEL}")
        except SQLAlchemyError as error:
            raise LedgerUnavailable(type(error).__name__) from error
        if mark is not None:
            self._noted(mark)

    @contextmanager
    def read(self) -> Generator[Connection]:
        """Read one consistent state."""
        try:
            with self.engine.connect() as connection:
                if self.sqlite:
                    connection.exec_driver_sql("BEGIN")
                else:
                    connection.execution_options(isolation_level="REPEATABLE READ")
                yield connection
        except SQLAlchemyError as error:
            raise LedgerUnavailable(type(error).__name__) from error

    def bell(self) -> "Bell":
        """Give a bell of the caller's own, for use by one thread."""
        return SqliteBell(self.engine) if self.sqlite else PostgresBell(self.url)

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


class SqliteBell:
    """Notices commits of other connections, in any process, by SQLite's data version."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.raw_connection()
        self._connection.detach()

    def wait(self, seen: int, timeout_s: float) -> int:
        """Return a marker other than `seen` as soon as another connection has committed, or `seen` at the time-out."""
        deadline = time.monotonic() + timeout_s
        while True:
            cursor = self._connection.cursor()
            row = cursor.execute("PRAGMA data_version").fetchone()
            cursor.close()
            if row[0] != seen or time.monotonic() >= deadline:
                return int(row[0])
            time.sleep(POLL_S)

    def close(self) -> None:
        """Close the bell's connection."""
        self._connection.close()


class PostgresBell:
    """Notices commits by LISTEN; a lost connection is made anew at the next wait, the poll being the fallback."""

    def __init__(self, url: str) -> None:
        self._url = url.replace("postgresql+psycopg", "postgresql", 1)
        self._connection: psycopg.Connection[Any] | None = None
        self._rung = 0

    def wait(self, seen: int, timeout_s: float) -> int:
        """Return a marker that differs from `seen` after a commit, or `seen` at the time-out."""
        if seen != self._rung:
            return self._rung
        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._url, autocommit=True, **PATIENCE)
                self._connection.execute(f"LISTEN {CHANNEL}")
                self._rung += 1  # whatever came before the first LISTEN was not heard
                return self._rung
            if list(self._connection.notifies(timeout=timeout_s, stop_after=1)):
                self._rung += 1
        except psycopg.Error:
            self.close()
            time.sleep(min(timeout_s, 1.0))
        return self._rung

    def close(self) -> None:
        """Close the bell's connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


Bell = SqliteBell | PostgresBell


def mark_audit(connection: Connection, mark: Mark) -> None:
    """Let the transaction tell this row of the audit log when it is durable."""
    connection.info[_MARK] = mark


def _nowhere(_mark: Mark) -> None:
    """Note a row of the audit log nowhere else."""


def order_events(connection: Connection) -> None:
    """Make event ids follow the order of commits: to be called just before the first event of a transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": EVENT_LOCK})


def lock_all(connection: Connection, names: Iterable[str]) -> None:
    """Hold named locks until the transaction ends, taken in one order so that nobody waits in a circle.

    SQLite has one writer at a time and needs none.
    """
    if connection.dialect.name == "postgresql":
        for name in sorted(names):
            connection.execute(text("SELECT pg_advisory_xact_lock(1, hashtext(:name))"), {"name": name})


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_S, "check_same_thread": False})

    def connected(connection: object, _record: object) -> None:
        raw = cast("sqlite3.Connection", connection)
        raw.isolation_level = None  # this module begins its transactions itself
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=2000"):
            raw.execute(f"PRAGMA {pragma}").close()

    event.listen(engine, "connect", connected)
    return engine


def _postgresql(url: str) -> Engine:
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_pre_ping=True,
        connect_args=PATIENCE | {"options": LIMITS},
    )
