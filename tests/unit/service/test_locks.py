"""Whoever changes deliveries and generations takes them in one order: nobody waits in a circle."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update

from service.ledger import Database, Deed, Desk, Intake, Outbox, Parcel, Reports, Worker
from service.ledger.reports import ReportTask
from service.ledger.tables import outbox, series
from service.routing import Route
from tests.outbox import OutboxHouse
from tests.unit.service.test_ledger import arrival

STAGED_S = 1.0  # for the other one to get as far as it can


@pytest.fixture
def house(database: Database, tmp_path: Path) -> OutboxHouse:
    made = OutboxHouse(database, OutboxHouse.spool(tmp_path))
    made.post(generation=1)
    made.post(generation=2)
    return made


class Meeting:
    """Lets each of two threads go on after its first write only when the other has written, or cannot."""

    def __init__(self, database: Database) -> None:
        self._wrote: dict[str, threading.Event] = {"one": threading.Event(), "other": threading.Event()}
        event.listen(database.engine, "after_cursor_execute", self._met)

    def _met(self, _connection: object, _cursor: object, statement: str, *_more: object) -> None:
        name = threading.current_thread().name
        if name not in self._wrote or self._wrote[name].is_set():
            return
        if statement.startswith(("UPDATE outbox", "UPDATE series")):
            self._wrote[name].set()
            self._wrote["other" if name == "one" else "one"].wait(STAGED_S)

    def of(self, one: Any, other: Any) -> None:
        """Do both at once; what either raises is raised."""

        def named(name: str, do: Any) -> None:
            threading.current_thread().name = name
            do()

        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(named, "one", one), pool.submit(named, "other", other)]:
                done.result(30)


def reporting(house: OutboxHouse) -> ReportTask:
    """Give the claimed report of the second generation; a rule held the first one's results, and lets them go now."""
    with house.database.write() as connection:
        claimed = {"state": "complete", "lease_owner": "reporter", "attempt": 1}
        connection.execute(update(series).where(series.c.id == "a-2").values(claimed))
        first = outbox.c.series_id == "a-1"
        connection.execute(update(outbox).where(first).values(state="held", reason="held by the rule h"))
    plain: dict[str, Any] = {"verdict": "", "reason": "", "advice": (), "facts": {}, "closed_at": 0.0}
    return ReportTask(
        id="a-2", uid="a", patient="P", generation=2, identity_revision=0, attempt=1, header=b"",
        documents={}, there={}, routes={"pacs": Route(hold=False)}, **plain,
    )  # fmt: skip


def test_the_reporter_and_the_desk_pass_each_other(house: OutboxHouse) -> None:
    task, ids = reporting(house), [row.id for row in house.rows()]
    reports = Reports(Worker(house.database, "reporter"))
    desk = Desk(house.database)
    parcel = Parcel("pacs", "SC", 2, "2.25.77", "name")
    Meeting(house.database).of(
        lambda: reports.posted(task, [parcel]), lambda: desk.discard(ids, Deed("discard", "staff", "because"))
    )
    assert sorted(house.states()) == ["discarded"] * 4 + ["waiting"]
    assert house.series_states() == {"a-1": "delivered", "a-2": "complete"}


def test_an_image_under_another_name_and_a_delivery_that_arrives_pass_each_other(house: OutboxHouse) -> None:
    box = Outbox(Worker(house.database, "postman"), give_up_s=1e6)
    item, *_ = box.claim("pacs", 9)
    Meeting(house.database).of(
        lambda: Intake(house.database, house.clock).received(arrival(1, series="a")),
        lambda: box.delivered(item, "0x0000"),
    )
    assert [row.former_identity for row in house.rows()] == [True] * 4
    assert "sent" in house.states()
