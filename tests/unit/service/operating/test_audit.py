"""The audit log: every tampering shows, concurrent writers do not break the chain, and it tells who did what."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update

from service.access.audit import HeadFile
from service.ledger import Database
from service.ledger.accounts import Accounts
from service.ledger.audit import PURGED, AuditBook, note
from service.ledger.desk import Deed, Desk
from service.ledger.tables_audit import audit
from service.ledger_views import BadCursor
from service.operating.audit_views import AuditQuery, Entry, Mark

KEY = bytes(range(32))


@pytest.fixture
def book(database: Database) -> AuditBook:
    database.sign_audit(KEY, lambda _mark: None)
    book = AuditBook(database, iter(range(1000, 10_000)).__next__)
    for number in range(6):
        book.noted(Entry("looked up", f"user{number % 2}", f"series{number}", detail={"n": number}))
    return book


def test_an_untouched_log_is_sound(book: AuditBook) -> None:
    found = book.check()
    assert found.sound
    assert (found.rows, found.first, found.head and found.head.id) == (6, 1, 6)


def rewritten(database: Database, number: int, **values: object) -> None:
    with database.write() as connection:
        connection.execute(update(audit).where(audit.c.id == number).values(**values))


def raw(database: Database, statement: str) -> None:
    """Write what SQLite takes and the ledger never would."""
    with database.write() as connection:
        connection.exec_driver_sql(statement)


def dropped(database: Database, *numbers: int) -> None:
    with database.write() as connection:
        connection.execute(delete(audit).where(audit.c.id.in_(numbers)))


def swapped(database: Database, one: int, other: int) -> None:
    rewritten(database, one, id=99)
    rewritten(database, other, id=one)
    rewritten(database, 99, id=other)


def forged(database: Database) -> None:
    """Rewrite the end of the chain without the key, as whoever reads this file could."""
    stranger = Database(database.url)
    stranger.sign_audit(b"guessed", lambda _mark: None)
    dropped(stranger, 5, 6)
    AuditBook(stranger).noted(Entry("looked up", "somebody else", "series4"))
    AuditBook(stranger).noted(Entry("looked up", "somebody else", "series5"))
    stranger.close()


TAMPERING: dict[str, Callable[[Database], None]] = {
    **{
        f"changed {name}": lambda database, name=name: rewritten(database, 3, **{name: "x"})  # type: ignore[misc]  # a lambda of two
        for name in (
            *("actor", "address", "what", "subject", "result", "detail"),
            *("digest", "previous"),
        )
    },
    "digest of other letters": lambda database: rewritten(database, 3, digest="é"),
    **{
        f"bytes in {name}": lambda database, name=name: raw(
            database, f"UPDATE audit SET {name} = x'00ff' WHERE id = 3"
        )  # type: ignore[misc]  # a lambda of two
        for name in ("actor", "detail", "digest", "previous")
    },
    "changed time": lambda database: rewritten(database, 3, at=5.0),
    "deleted": lambda database: dropped(database, 3),
    "several deleted": lambda database: dropped(database, 2, 3, 4),
    "beginning deleted": lambda database: dropped(database, 1, 2),
    "reordered": lambda database: swapped(database, 2, 3),
    "forged end": forged,
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_shows(book: AuditBook, database: Database, how: str) -> None:
    TAMPERING[how](database)
    assert not book.check().sound


def test_an_inserted_row_shows(book: AuditBook, database: Database) -> None:
    with database.write() as connection:
        row = dict(connection.execute(select(audit).where(audit.c.id == 6)).mappings().one())
        connection.execute(insert(audit), row | {"id": 7, "previous": row["digest"]})
    assert not book.check().sound


def test_a_cut_off_end_shows_by_what_was_noted_elsewhere(book: AuditBook, database: Database) -> None:
    head = book.check().head
    assert head is not None
    dropped(database, 5, 6)
    assert book.check().sound  # the chain alone cannot tell
    assert "cut off" in book.check(head).faults[0].told
    dropped(database, 1, 2, 3, 4)
    assert not book.check(head).sound


def test_every_note_of_a_row_counts(book: AuditBook) -> None:
    head = book.check().head
    assert head is not None
    other = Mark(head.id, "f" * 64)
    assert not book.check(head, other).sound
    assert not book.check(other, head).sound


def test_a_purge_leaves_a_provable_rest(book: AuditBook, database: Database) -> None:
    assert book.purged(1003.0, "alice") == 3
    found = book.check()
    assert (found.sound, found.rows, found.first) == (True, 4, 4)
    [row] = [row for row in book.rows() if row.what == PURGED]
    assert json.loads(row.detail)["rows"] == 3
    dropped(database, 4)
    assert not book.check().sound
    assert book.purged(1e12, "alice") == 3  # all but the row that tells of it
    assert book.check().sound


def test_nothing_is_purged_that_is_not_there(book: AuditBook) -> None:
    assert book.purged(1.0, "alice") == 0
    assert book.check().rows == 6


def test_concurrent_writers_make_one_chain(database: Database) -> None:
    database.sign_audit(KEY, lambda _mark: None)
    other = Database(database.url)
    other.sign_audit(KEY, lambda _mark: None)
    books = [AuditBook(database), AuditBook(other)]

    def write(number: int) -> None:
        for _ in range(10):
            books[number % 2].noted(Entry("looked up", f"user{number}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    found = books[0].check()
    assert (found.sound, found.rows) == (True, 60)


def test_what_people_do_is_written_with_it_or_not_at_all(database: Database) -> None:
    people, book = Accounts(database), AuditBook(database)
    people.added("alice", "administrator", "encoded", temporary=False, now=5.0, by="root (command line)")
    people.refused("alice", "192.0.2.7", 6.0)
    Desk(database).resend([], Deed("resend", "alice", "why"))
    told = [(row.what, row.actor, row.subject, row.result, row.address) for row in book.rows()]
    assert told[:2] == [
        ("user added", "root (command line)", "alice", "done", ""),
        ("sign-in refused", "alice", "alice", "refused", "192.0.2.7"),
    ]
    with pytest.raises(LookupError):
        people.given_role("nobody", "physicist", 7.0, "alice")
    assert len(list(book.rows())) == len(told)
    assert "encoded" not in " ".join(row.detail for row in book.rows())


def test_rows_are_found_and_paged(book: AuditBook) -> None:
    page, cursor = book.page(2)
    assert [row.id for row in page] == [6, 5]
    page, cursor = book.page(10, cursor)
    assert ([row.id for row in page], cursor) == ([4, 3, 2, 1], None)
    mine, _ = book.page(10, None, AuditQuery(actor="user1", since=1003.0))
    assert [row.id for row in mine] == [6, 4]
    assert book.kinds() == ["looked up"]
    for wrong in ("", "x", "-1", "9" * 30):
        with pytest.raises(BadCursor):
            book.page(2, wrong)


def test_the_head_is_noted_beside_the_database_and_never_goes_back(tmp_path: Path) -> None:
    head = HeadFile(tmp_path / "audit-head")
    assert head.read() is None
    head(Mark(7, "aa"))
    head(Mark(6, "bb"))
    assert head.read() == Mark(7, "aa")
    (tmp_path / "audit-head").write_text("not this")
    assert head.read() is None
    head(Mark(8, "cc"))
    assert head.read() == Mark(8, "cc")


def test_each_durable_row_is_told_and_none_of_a_transaction_that_failed(database: Database) -> None:
    told: list[Mark] = []
    database.sign_audit(KEY, told.append)
    book = AuditBook(database)
    book.noted(Entry("looked up", "alice"))
    with suppress(ZeroDivisionError), database.write() as connection:
        note(connection, 1.0, Entry("looked up", "bob"))
        raise ZeroDivisionError
    book.noted(Entry("looked up", "carol"))
    assert [mark.id for mark in told] == [1, 2]
    assert [row.actor for row in book.rows()] == ["alice", "carol"]
