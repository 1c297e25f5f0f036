"""What is remembered goes when its time is over, and nothing of it stays behind; what is still at work stays."""

import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select

from service.bootstrap import Foundation, audit_log, lay_foundation, metrics_of
from service.cli.audit import verify
from service.housekeeping import Housekeeper
from service.ledger import Database, Identities, Upkeep, Views
from service.ledger.audit import AuditBook
from service.ledger.retention import BATCH, Retention
from service.ledger.tables import (
    event,
    feedback,
    instance,
    learnt,
    metadata,
    outbox,
    pace,
    refusal,
    series,
    slice_,
    vault,
)
from service.ledger.tables_desk import deed
from service.ledger.tables_nodes import caller, probe
from service.ledger.tables_review import review, review_decision, threshold_trial, threshold_version
from service.ledger.tables_rules import errand, firing, rulebook
from service.ledger.tables_trends import trend
from service.operating.audit_views import Entry
from service.settings import Settings
from tests.unit.service.review.reviewing import KEY, put_review, put_scanner, put_series, quality

DAY = 86400.0
NOW = 2_000_000_000.0
OLD, YOUNG = NOW - 2000 * DAY, NOW - 10 * DAY
ROOT = Path(__file__).resolve().parents[3]


def file_of(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def put(database: Database, table: Any, **values: Any) -> int:
    with database.write() as connection:
        made = connection.execute(insert(table).values(**values))
        return int(made.inserted_primary_key[0]) if isinstance(made.inserted_primary_key[0], int) else 0


def put_all(database: Database, scanner_id: int, key: str, at: float, *, state: str = "delivered") -> None:
    """Note a series with something in every table that tells of one."""
    uid, protocol = f"uid-{key}", f"PROTOCOL-{key}"
    put_series(database, scanner_id, key, quality(8.0), at, uid=uid, protocol_key=protocol, state=state)
    put_review(database, scanner_id, key, "Usable", at, outcome="usable")
    with database.read() as connection:
        review_id = connection.scalar(select(review.c.id).where(review.c.series_id == key))
    said = {"author": "rad", "role": "radiologist", "at": at, "key": key, "about": "mark", "comment": ""}
    put(
        database, review_decision,
        review_id=review_id, tier=1, decision="usable", tags=[], cursor=None, blind=False, **said,
    )  # fmt: skip
    put(database, feedback, series_id=key, kind="agree", **said)
    made = put(
        database, instance,
        series_uid=uid, generation=1, sop_instance_uid=f"{uid}.1", sop_class_uid="1.2", digest=key, picture=key,
        bearer="B", spool_name=file_of(key), reference=b"", frames=1, rows=1, columns=1, received_at=at, swept=True,
    )  # fmt: skip
    put(database, slice_, instance_id=made, series_uid=uid, frame=1, state="scored", masks=b"m", reason="")
    put(database, vault, uid=uid, sealed=b"s", created_at=at)
    put(
        database, outbox,
        series_id=key, destination="pacs", kind="SR", rank=0, sop_instance_uid=f"2.25.{key}", name=file_of(key),
        state="sent", created_at=at, next_at=at,
    )  # fmt: skip
    put(database, event, at=at, kind="alert", series_id=key, data={})
    ordered(database, key, at)
    for table, more in ((learnt, {"source": "count", "matched": 3}), (pace, {"pauses": [1.0]})):
        put(database, table, scanner_id=scanner_id, protocol_key=protocol, **more)
    put(
        database, trend,
        series_id=key, uid=uid, scanner_id=scanner_id, protocol="P", coil="", opened_at=at, day=1,
        verdict="Usable", strange=False, model="m",
    )  # fmt: skip


def ordered(database: Database, key: str, at: float, state: str = "done", suffix: str = "") -> None:
    with database.read() as connection:
        version = connection.scalar(select(rulebook.c.id))
    version = version or put(
        database, rulebook, at=OLD, author="ada", why="", origin="page", digest="d", content={}
    )
    number = put(
        database, firing,
        series_id=key, at=at, version=version, about="mark", provisional=False, fired=[], routes={},
    )  # fmt: skip
    put(
        database, errand,
        firing_id=number, series_id=key, kind="alert", rule="r", channel="ris", what={}, key=key + suffix,
        state=state, created_at=at, next_at=at,
    )  # fmt: skip


def counted(database: Database) -> dict[str, int]:
    return Upkeep(database).sizes()


def test_of_a_forgotten_series_nothing_stays_in_any_table(database: Database) -> None:
    scanner_id, retention = put_scanner(database), Retention(database)
    before = counted(database)
    put_all(database, scanner_id, "old", OLD)
    with_one = counted(database)
    filled = {name for name, count in with_one.items() if count > before[name]} - {"rulebook"}
    assert len(filled) >= 14
    put_all(database, scanner_id, "young", YOUNG)
    assert retention.outlived(NOW - 1826 * DAY, 9) == ["uid-old"]
    left = retention.forgotten("uid-old", NOW - 1826 * DAY)
    assert (left.images, left.results) == ((file_of("old"),), (file_of("old"),))
    after = counted(database)
    assert {name: after[name] for name in filled} == dict.fromkeys(filled, 1)
    assert retention.outlived(NOW - 1826 * DAY, 9) == []
    with database.read() as connection:
        assert connection.scalars(select(series.c.id)).all() == ["young"]
        assert connection.scalars(select(learnt.c.protocol_key)).all() == ["PROTOCOL-young"]


def test_a_series_of_which_something_waits_is_not_forgotten(database: Database) -> None:
    scanner_id, retention = put_scanner(database), Retention(database)
    put_all(database, scanner_id, "stuck", OLD, state="reported")
    put_all(database, scanner_id, "late", OLD)
    put_series(
        database, scanner_id, "late-2", quality(8.0), NOW, uid="uid-late", generation=2, protocol_key="P"
    )
    assert retention.outlived(NOW - 1826 * DAY, 9) == []
    assert retention.forgotten("uid-stuck", NOW) == retention.forgotten("uid-late", NOW - DAY)
    assert counted(database)["series"] == 3


def test_old_rows_of_each_kind_go_and_young_ones_and_those_at_work_stay(database: Database) -> None:
    scanner_id, retention = put_scanner(database), Retention(database)
    put_all(database, scanner_id, "a", YOUNG)
    ordered(database, "a", OLD, suffix="-sent")
    ordered(database, "a", OLD, state="waiting", suffix="-waits")
    for at in (OLD, YOUNG):
        put(database, event, at=at, kind="alert", series_id="a", data={})
        put(database, event, at=at, kind="decision", series_id="a", data={})
        put(database, refusal, at=at, status=1, reason="r", size=1, digest=str(at))
        told = {"what": "hold", "by": "ada", "reason": "", "request": "", "changed": 1, "left": 0}
        put(database, deed, at=at, key=str(at), **told)
        put(database, probe, id=f"to:{at}", at=at, good=True, told="", seconds=0.1)
        called = {"address": "10.0.0.1", "ae_title": str(at), "result": "accepted", "calls": 1}
        put(database, caller, first_at=at, last_at=at, **called)
        tried = {
            "scanner_id": scanner_id,
            "protocol_key": KEY,
            "thresholds": {},
            "figures": {},
            "author": "ada",
        }
        put(database, threshold_trial, at=at, **tried)
    accepted = put(database, threshold_trial, at=OLD, **tried)
    put(
        database, threshold_version,
        scanner_id=scanner_id, protocol_key=KEY, number=1, lane="live", model="m", thresholds={},
        trial_id=accepted, why="", author="ada", role="physicist", at=OLD, key="k",
    )  # fmt: skip
    had = counted(database)
    for kind in ("orders", "deeds", "callers", "events"):
        while retention.let_go(kind, NOW - 30 * DAY):
            pass
    now = counted(database)
    gone = {name: had[name] - now[name] for name in had if had[name] != now[name]}
    assert gone == {
        "errand": 1, "firing": 1, "deed": 1, "event": 2, "threshold_trial": 1, "caller": 1, "probe": 1, "refusal": 1,
    }  # fmt: skip
    with database.read() as connection:
        assert "waiting" in connection.scalars(select(errand.c.state)).all()


def test_no_transaction_takes_more_than_a_batch(database: Database) -> None:
    with database.write() as connection:
        rows = [{"at": OLD + n, "kind": "alert", "series_id": "", "data": {}} for n in range(BATCH + 7)]
        connection.execute(insert(event), rows)
    retention = Retention(database)
    assert [retention.let_go("events", NOW) for _ in range(3)] == [BATCH, 7, 0]


def test_masks_go_once_neither_pixels_nor_identity_are_kept(database: Database) -> None:
    put_all(database, put_scanner(database), "a", OLD)

    def masks() -> Any:
        with database.read() as connection:
            return connection.scalar(select(func.count()).where(slice_.c.masks.is_not(None)))

    assert masks() == 1
    Identities(database).forget("uid-a", NOW)
    assert masks() == 0


@pytest.fixture
def foundation(tmp_path: Path) -> Iterator[Foundation]:
    made = lay_foundation(Settings(state_dir=tmp_path, min_free_mb=0))
    yield made
    made.database.close()


def test_housekeeping_keeps_the_times_of_the_settings_and_the_audit_log_still_proves_itself(
    foundation: Foundation, capsys: pytest.CaptureFixture[str]
) -> None:
    now, settings = time.time(), foundation.settings
    database = foundation.database
    scanner_id = put_scanner(database)
    put_all(database, scanner_id, "old", now - (settings.keep.series_days + 1) * DAY)
    put_all(database, scanner_id, "young", now - 5 * DAY)
    with database.write() as connection:
        connection.execute(delete(vault))  # no key fits what a test has sealed
    past = iter([now - 3000 * DAY, now - 2500 * DAY, now - 2191.5 * DAY, now - DAY])
    book = AuditBook(database, past.__next__)
    first, _, third, last = [book.noted(Entry("looked up", "ada", f"series{n}")) for n in range(4)]
    Housekeeper(foundation, metrics_of(settings), Views(database), lambda: settings).let_go()
    with database.read() as connection:
        assert connection.scalars(select(series.c.id)).all() == ["young"]
        assert connection.scalars(select(trend.c.series_id)).all() == ["young"]
    rows = list(audit_log(foundation).book.rows())
    assert [(row.what, row.actor) for row in rows] == [("looked up", "ada"), ("audit purged", "housekeeping")]
    assert audit_log(foundation).check(last).sound

    assert verify(settings, f"{first.id}:{first.digest}", as_json=False) == 0
    assert f"row {first.id}: it went in a purge" in capsys.readouterr().out
    assert verify(settings, f"{third.id}:{third.digest}", as_json=True) == 0
    assert f'"purged": [\n  {third.id}\n ]' in capsys.readouterr().out
    assert (
        verify(settings, f"{third.id}:{'0' * 64}", as_json=False) == 1
    )  # the purge tells what its last row was
    assert "the log was changed" in capsys.readouterr().out

    Housekeeper(foundation, metrics_of(settings), Views(database), lambda: settings).let_go()
    assert len(list(audit_log(foundation).book.rows())) == 2  # nothing more is old


def test_the_manual_says_of_every_table_how_long_its_rows_stay() -> None:
    manual = (ROOT / "OPERATIONS.md").read_text("utf-8")
    _, _, section = manual.partition("## How long what is remembered stays")
    told = section.partition("\n## ")[0]
    assert [name for name in metadata.tables if f"`{name}`" not in told] == []
