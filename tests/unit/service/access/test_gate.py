"""People, sessions, tokens and feedback, on a real SQLite file and, where there is one, a real PostgreSQL."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from argon2 import PasswordHasher
from sqlalchemy import insert, select

from service.access import Barred, Gate, Limits, NotSignedIn, Role, UnfitName, UnfitToken, WeakPassword
from service.access.passwords import Passwords, check_strength
from service.ledger import Database, prepare
from service.ledger.accounts import LastAdministrator, NoAccount
from service.ledger.feedback import FeedbackBook, KeyUsed, NoSuchSeries, NoVerdict, SaidMeanwhile, Saying
from service.ledger.tables import account, event, metadata, scanner, series, session, token
from service.ledger.tokens import Grant, NameTaken
from tests.peers import postgres

PASSWORD = "blue horse under moon"
IDLE, LONGEST, BOARD = 900.0, 43_200.0, 864_000.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def engine_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('access') / 'ledger.sqlite'}"
        return
    with postgres() as cluster:
        yield cluster.database()


@pytest.fixture
def database(engine_url: str) -> Iterator[Database]:
    made = Database(engine_url)
    prepare(made)
    yield made
    with made.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(database: Database, clock: Clock) -> Gate:
    limits = Limits(IDLE, LONGEST, BOARD)
    made = Gate.of(database, lambda text: f"<{text}>", limits, open_when_empty=True, clock=clock)
    made.users.add("ada", Role.ADMINISTRATOR, PASSWORD, "test")
    made.users.add("tom", Role.TECHNOLOGIST, PASSWORD, "test")
    return made


def everything(database: Database) -> str:
    """Give all that the database holds, as text."""
    with database.read() as connection:
        return json.dumps(
            [str(row) for table in metadata.sorted_tables for row in connection.execute(select(table))]
        )


def test_neither_passwords_nor_secrets_are_kept(database: Database, gate: Gate) -> None:
    secret = gate.sign_in("tom", PASSWORD, "192.0.2.7").secret
    issued = gate.tokens.issue(Grant(name="t", scopes=frozenset({"read"})), 1.0, "test").secret
    with pytest.raises(NotSignedIn):
        gate.sign_in("hunter2-as-a-name", "hunter2-wrong", "192.0.2.7")
    kept = everything(database)
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in kept
    for word in (PASSWORD, secret, issued, "hunter2-wrong"):
        assert word not in kept
    with database.read() as connection:
        told = json.dumps([row.data for row in connection.execute(select(event))])
    assert "hunter2" not in told
    assert {"user added", "signed in", "token issued", "sign-in refused"} <= {
        one["done"] for one in json.loads(told)
    }


def test_a_person_is_signed_out_after_doing_nothing_and_after_a_day_s_work(gate: Gate, clock: Clock) -> None:
    secret = gate.sign_in("tom", PASSWORD, "a").secret
    begin = clock.now
    while clock.now < begin + LONGEST - IDLE:
        clock.now += IDLE - 1
        assert gate.caller(secret, None).name == "tom"
    clock.now = begin + LONGEST
    assert not gate.caller(secret, None).known
    secret = gate.sign_in("tom", PASSWORD, "a").secret
    for _ in range(10):  # a page that asks and asks while nobody touches it
        clock.now += 100
        idle = gate.caller(secret, None, idle_s=clock.now - begin - LONGEST)
    assert not idle.known


def test_a_board_stays_open_without_anybody_until_its_time_or_its_token_ends(
    gate: Gate, clock: Clock
) -> None:
    grant = Grant(name="b", scopes=frozenset({"read"}), scanner="MR 1", expires_at=clock.now + 500_000)
    secret = gate.sign_in_board(gate.tokens.issue(grant, clock.now, "test").secret, "a").secret
    clock.now += 499_000
    assert gate.caller(secret, None, idle_s=499_000).scanner == "MR 1"
    clock.now += 1_000
    assert not gate.caller(secret, None).known


def test_locking_changing_a_password_and_removing_end_every_session(gate: Gate) -> None:
    def opened() -> str:
        return gate.sign_in("tom", PASSWORD, "a").secret

    secret = opened()
    gate.users.lock("tom", "test")
    assert not gate.caller(secret, None).known
    with pytest.raises(NotSignedIn):
        gate.sign_in("tom", PASSWORD, "a")
    gate.users.unlock("tom", "test")
    secrets = [opened(), opened()]
    mine = gate.caller(secrets[0], None)
    fresh = gate.change_password(mine, PASSWORD, "a quiet lake at dawn").secret
    assert [gate.caller(one, None).known for one in (*secrets, fresh)] == [False, False, True]
    gate.users.remove("tom", "test")
    assert not gate.caller(fresh, None).known
    with pytest.raises(NoAccount):
        gate.users.lock("tom", "test")


def test_an_old_encoding_is_renewed_at_sign_in(database: Database, gate: Gate) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    with database.write() as connection:
        connection.execute(account.update().where(account.c.name == "tom").values(password=weak))
    gate.sign_in("tom", PASSWORD, "a")
    known = gate.accounts.credentials("tom")
    assert known is not None
    assert "m=19456,t=2,p=1" in known[1]
    gate.sign_in("tom", PASSWORD, "a")


def test_attempts_at_once_are_counted_before_they_are_answered(gate: Gate) -> None:
    ended: list[str] = []

    def attempt() -> None:
        try:
            gate.sign_in("tom", "wrong", "192.0.2.7")
        except (NotSignedIn, Barred) as error:
            ended.append(type(error).__name__)

    threads = [threading.Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (ended.count("NotSignedIn"), ended.count("Barred")) == (5, 7)


def test_an_address_is_barred_for_all_names_and_others_are_not(gate: Gate) -> None:
    for number in range(30):
        with pytest.raises(NotSignedIn):
            gate.sign_in(f"stranger{number}", "wrong", "192.0.2.7")
    with pytest.raises(Barred):
        gate.sign_in("tom", PASSWORD, "192.0.2.7")
    assert gate.sign_in("tom", PASSWORD, "192.0.2.8").caller.name == "tom"


def test_a_good_sign_in_forgives_the_account_and_not_the_address(gate: Gate) -> None:
    for _ in range(7):
        for _ in range(4):
            with pytest.raises(NotSignedIn):
                gate.sign_in("tom", "wrong", "192.0.2.7")
        gate.sign_in("tom", PASSWORD, "192.0.2.7")
    with pytest.raises(NotSignedIn):
        gate.sign_in("tom", "wrong", "192.0.2.7")
    with pytest.raises((NotSignedIn, Barred)):
        gate.sign_in("tom", "wrong", "192.0.2.7")
    with pytest.raises(Barred):
        gate.sign_in("tom", PASSWORD, "192.0.2.7")


def test_somebody_remains_who_can_give_out_accounts(gate: Gate) -> None:
    for deed in (
        lambda: gate.users.remove("ada", "test"),
        lambda: gate.users.lock("ada", "test"),
        lambda: gate.users.give_role("ada", Role.PHYSICIST, "test"),
    ):
        with pytest.raises(LastAdministrator):
            deed()
    assert [(one.name, one.role, one.locked) for one in gate.users.all()] == [
        ("ada", "administrator", False),
        ("tom", "technologist", False),
    ]
    gate.users.remove("tom", "test")
    gate.users.remove("ada", "test")  # nobody is left: the console is as on its first day
    assert gate.open_to_all()


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 129,
        "aaaaaaaaaaaaaaaa",
        "abcdefghijklmnop",
        "123456789012",
        "Tom-is-my-name-1",
        "Password1234",
    ],
)
def test_passwords_that_are_guessed_first_are_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        check_strength(password, "tom")


@pytest.mark.parametrize("name", ["", "a", "Ada", "1a", "a b", "a" * 65, "a\n", "<b>"])
def test_names_that_are_none_are_refused(gate: Gate, name: str) -> None:
    with pytest.raises(UnfitName):
        gate.users.add(name, Role.PHYSICIST, PASSWORD, "test")


@pytest.mark.parametrize(
    "grant",
    [
        Grant(name="", scopes=frozenset({"read"})),
        Grant(name="t", scopes=frozenset()),
        Grant(name="t", scopes=frozenset({"users"})),
        Grant(name="t", scopes=frozenset({"feedback"})),
        Grant(name="t", scopes=frozenset({"status"}), scanner="MR 1"),
        Grant(name="t", scopes=frozenset({"read"}), expires_at=1.0),
    ],
)
def test_tokens_that_are_for_too_much_are_refused(gate: Gate, clock: Clock, grant: Grant) -> None:
    with pytest.raises(UnfitToken):
        gate.tokens.issue(grant, clock.now, "test")


def test_a_token_ends_is_revoked_and_has_one_name(database: Database, gate: Gate, clock: Clock) -> None:
    grant = Grant(name="t", scopes=frozenset({"read"}), expires_at=clock.now + 10)
    secret = gate.tokens.issue(grant, clock.now, "test").secret
    with pytest.raises(NameTaken):
        gate.tokens.issue(grant, clock.now, "test")
    assert gate.caller(None, secret).permissions == {"read"}
    assert gate.tokens.all()[0].used_at == clock.now
    clock.now += 10
    with pytest.raises(NotSignedIn):
        gate.caller(None, secret)
    assert gate.tokens.revoke("t", clock.now, "test")
    assert not gate.tokens.revoke("t", clock.now, "test")
    with database.read() as connection:
        assert connection.execute(select(token)).all() == []
        assert connection.execute(select(session)).all() == []


def a_series(database: Database, series_id: str, verdict: str) -> None:
    with database.write() as connection:
        connection.execute(insert(scanner).values(id=1, key="k", name="MR 1"))
        row = {
            column.name: "" for column in series.c if not column.nullable and column.server_default is None
        }
        row |= {"id": series_id, "generation": 1, "scanner_id": 1, "opened_at": 1.0, "last_instance_at": 1.0}
        row |= {
            "received": 4,
            "facts": {},
            "counts": {},
            "ends": {},
            "outlived": [],
            "verdict": verdict,
            "judged": 4,
        }
        connection.execute(insert(series), row)


def test_feedback_is_for_what_was_seen_and_a_repeated_request_counts_once(
    database: Database, clock: Clock
) -> None:
    a_series(database, "s1", "Repeat")
    book = FeedbackBook(database, clock)
    seen = book.of("s1")
    assert seen is not None
    saying = Saying("s1", "wrong alarm", "tom", "technologist", "key-1")
    after = book.say(saying, seen.version)
    assert book.say(saying, seen.version) == after  # the answer was lost, and the request came again
    assert [one.kind for one in after.items] == ["wrong alarm"]
    with pytest.raises(SaidMeanwhile):
        book.say(Saying("s1", "agreed", "pia", "physicist", "key-1"), seen.version)
    with pytest.raises(KeyUsed):
        book.say(Saying("s1", "agreed", "tom", "technologist", "key-1"), after.version)
    with pytest.raises(KeyUsed):
        book.say(replace(saying, comment="but look at slice 3"), after.version)
    with database.write() as connection:
        connection.execute(series.update().values(judged=5))  # another verdict
    with pytest.raises(SaidMeanwhile):
        book.say(Saying("s1", "agreed", "pia", "physicist", "key-2"), after.version)
    with database.write() as connection:
        connection.execute(series.update().values(verdict="Check", reason="looked at anew"))  # as many images
    told = book.of("s1")
    assert told is not None
    assert told.version not in {seen.version, after.version}
    assert [one.earlier for one in (*after.items, *told.items)] == [False, True]
    both = book.say(Saying("s1", "agreed", "pia", "physicist", "key-3"), told.version)
    assert [one.earlier for one in both.items] == [True, False]
    with database.read() as connection:
        events = connection.execute(select(event).where(event.c.kind == "feedback")).all()
    assert [(one.series_id, one.data["said"]) for one in events] == [
        ("s1", "wrong alarm"),
        ("s1", "agreed"),
    ]


def test_there_is_nothing_to_say_before_a_verdict_or_without_a_series(
    database: Database, clock: Clock
) -> None:
    a_series(database, "s1", "")
    book = FeedbackBook(database, clock)
    assert book.of("none") is None
    with pytest.raises(NoSuchSeries):
        book.say(Saying("none", "agreed", "tom", "technologist", "key-1"), "0-0")
    with pytest.raises(NoVerdict):
        book.say(Saying("s1", "agreed", "tom", "technologist", "key-1"), "4-0")


def test_people_who_have_no_administrator_change_their_passwords_all_the_same(database: Database) -> None:
    gate = Gate.of(database, str, Limits(), open_when_empty=True)
    gate.users.add("tom", Role.TECHNOLOGIST, PASSWORD, "test")
    mine = gate.sign_in("tom", PASSWORD, "a").caller
    assert gate.change_password(mine, PASSWORD, "a quiet lake at dawn").caller.name == "tom"
    assert gate.users.give_role("tom", Role.ADMINISTRATOR, "test").role == "administrator"


def test_whoever_guesses_another_s_password_bars_that_person_at_the_own_address_alone(gate: Gate) -> None:
    for _ in range(5):
        with pytest.raises(NotSignedIn):
            gate.sign_in("tom", "wrong", "192.0.2.66")
    with pytest.raises(Barred):
        gate.sign_in("tom", PASSWORD, "192.0.2.66")
    assert gate.sign_in("tom", PASSWORD, "192.0.2.7").caller.name == "tom"


def test_guesses_from_many_addresses_bar_the_account(gate: Gate) -> None:
    for number in range(50):
        with pytest.raises(NotSignedIn):
            gate.sign_in("tom", "wrong", f"192.0.2.{number // 4}")
    with pytest.raises(Barred):
        gate.sign_in("tom", PASSWORD, "198.51.100.1")


def test_a_password_that_is_replaced_while_it_is_checked_opens_nothing(
    database: Database, gate: Gate
) -> None:
    class Slow(Passwords):
        def fits(self, password: str, encoded: str | None) -> bool:
            fits = super().fits(password, encoded)
            gate.users.set_password("tom", "a quiet lake at dawn", "test")
            return fits

    with pytest.raises(NotSignedIn):
        replace(gate, passwords=Slow()).sign_in("tom", PASSWORD, "a")
    with database.read() as connection:
        assert connection.execute(select(session)).all() == []


def test_what_goes_on_for_long_ends_with_its_token(gate: Gate, clock: Clock) -> None:
    for name, shown in (("program", ""), ("board", "MR 1")):
        grant = Grant(name=name, scopes=frozenset({"read"}), scanner=shown, expires_at=clock.now + 10)
        caller = gate.caller(None, gate.tokens.issue(grant, clock.now, "test").secret)
        assert gate.lasts(caller)
        clock.now += 10
        assert not gate.lasts(caller)
    grant = Grant(name="third", scopes=frozenset({"read"}))
    caller = gate.caller(None, gate.tokens.issue(grant, clock.now, "test").secret)
    assert gate.tokens.revoke("third", clock.now, "test")
    assert not gate.lasts(caller)


def test_a_board_that_may_not_read_is_not_opened(gate: Gate, clock: Clock) -> None:
    grant = Grant(name="b", scopes=frozenset({"deliveries"}), scanner="MR 1")
    secret = gate.tokens.issue(grant, clock.now, "test").secret
    with pytest.raises(NotSignedIn):
        gate.sign_in_board(secret, "a")


def test_changes_of_users_and_tokens_are_told_in_the_log(
    gate: Gate, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    mine = gate.sign_in("tom", PASSWORD, "a").caller
    gate.change_password(mine, PASSWORD, "a quiet lake at dawn")
    gate.users.change("tom", Role.PHYSICIST, locked=True, by="ada")
    gate.users.unlock("tom", "ada")
    gate.users.reset_password("tom", "ada")
    gate.users.remove("tom", "ada")
    gate.tokens.issue(Grant(name="t", scopes=frozenset({"read"})), clock.now, "ada")
    gate.tokens.revoke("t", clock.now, "ada")
    lines = [one.__dict__ for one in caplog.records if one.message == "security attributes changed"]
    assert [(one["operation"], one["user"], one["by"]) for one in lines] == [
        ("password changed", "tom", "tom"),
        ("role changed", "tom", "ada"),
        ("user locked", "tom", "ada"),
        ("user unlocked", "tom", "ada"),
        ("password changed", "tom", "ada"),
        ("user removed", "tom", "ada"),
        ("token issued", "t", "ada"),
        ("token revoked", "t", "ada"),
    ]
