"""What leaves in which order, what is replaced or held, and what people do about it."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from sqlalchemy import select, update

from service.__main__ import main
from service.delivery.postman import Pause
from service.forms import RESULT_KINDS
from service.ledger import Commitments, Database, Deed, Desk, Outbox, Views, Worker, retry_after
from service.ledger.outbox import JITTER, LONGEST_RETRY_S
from service.ledger.retention import Retention
from service.ledger.tables import event, outbox
from service.ledger_views import DeliveryKind, DeliverySelection
from tests.outbox import Clock, OutboxHouse
from tests.series import Patient


@pytest.fixture
def house(database: Database, tmp_path: Path) -> OutboxHouse:
    return OutboxHouse(database, OutboxHouse.spool(tmp_path), Clock())


def box(house: OutboxHouse, owner: str = "worker", give_up_s: float = 1e6) -> Outbox:
    return Outbox(Worker(house.database, owner, clock=house.clock), give_up_s=give_up_s)


def deed(what: str) -> Deed:
    return Deed(what, "tester", "because")


def ids(house: OutboxHouse, key: str | None = None) -> list[int]:
    return [row.id for row in house.rows(key)]


def test_the_wait_doubles_up_to_a_minute_and_differs_from_one_to_the_next() -> None:
    waits = [retry_after(n) for n in range(1, 12)]
    assert all(after == min(2 * before, LONGEST_RETRY_S) for before, after in pairwise(waits))
    assert retry_after(99, 1.0) == LONGEST_RETRY_S * (1 + JITTER) <= 60.0
    assert retry_after(1, 0.0) < retry_after(1, 1.0)


def test_a_generation_that_never_left_is_replaced_by_the_next(house: OutboxHouse) -> None:
    house.post(generation=1)
    sending = box(house)
    for item in sending.claim("pacs", 9):
        sending.failed(item, "no association")
    house.post(generation=2)
    house.clock.ahead = 1.0
    claimed = sending.claim("pacs", 9)
    assert {item.series_id for item in claimed} == {"a-2"}
    assert house.states() == ["superseded"] * 2 + ["waiting"] * 2
    assert house.series_states()["a-1"] == "delivered"
    for item in claimed:
        sending.delivered(item, "0x0000")
    house.clock.ahead = 1000.0
    assert sending.claim("pacs", 9) == []


def test_a_generation_on_its_way_is_not_overtaken(house: OutboxHouse) -> None:
    house.post(generation=1)
    first = box(house, "first")
    under_way = first.claim("pacs", 9)
    house.post(generation=2)
    second = box(house, "second")
    assert second.claim("pacs", 9) == []
    for item in under_way:
        first.delivered(item, "0x0000")
    assert {item.series_id for item in second.claim("pacs", 9)} == {"a-2"}


def test_generations_at_other_destinations_and_of_other_series_do_not_matter(house: OutboxHouse) -> None:
    house.post(generation=1, to="copy")
    house.post(generation=2, to="pacs")
    house.post(generation=1, key="b", to="pacs")
    assert {item.series_id for item in box(house).claim("pacs", 9)} == {"a-2", "b-1"}
    assert house.states()[:2] == ["waiting", "waiting"]


def test_images_for_research_are_not_replaced_but_keep_their_order(house: OutboxHouse) -> None:
    house.post(generation=1, kinds=("SR", "IMAGE", "MANIFEST"))
    sending = box(house)
    for item in sending.claim("pacs", 9):
        sending.failed(item, "no association")
    house.post(generation=2, kinds=("SR", "IMAGE", "MANIFEST"))
    assert sending.claim("pacs", 9) == []
    house.clock.ahead = 60.0
    assert {item.series_id for item in sending.claim("pacs", 9)} == {"a-1"}
    assert house.states() == ["waiting"] * 6


def test_what_takes_the_place_of_something_held_is_held_for_the_same_reason(house: OutboxHouse) -> None:
    house.post(generation=1)
    sending = box(house)
    for item in sending.claim("pacs", 9):
        sending.held(item, "the study is not known at the destination")
    house.post(generation=2)
    assert sending.claim("pacs", 9) == []
    assert house.states() == ["superseded"] * 2 + ["held"] * 2
    assert house.rows()[-1].reason == "the study is not known at the destination"


def test_what_is_refused_for_good_is_given_up_at_once_and_a_wait_that_is_asked_for_is_kept(
    house: OutboxHouse,
) -> None:
    house.post(kinds=("SR",))
    house.post(key="b", kinds=("SR",))
    sending = box(house)
    first, second = sending.claim("pacs", 9)
    assert sending.failed(first, "413", final=True) == "dead"
    sending.failed(second, "503", wait_s=500.0)
    house.clock.ahead = 400.0
    assert sending.claim("pacs", 9) == []
    house.clock.ahead = 501.0
    assert [item.id for item in sending.claim("pacs", 9)] == [second.id]


def test_staff_hold_release_and_discard(house: OutboxHouse) -> None:
    house.post()
    desk, sending = Desk(house.database, house.clock), box(house)
    assert desk.hold(ids(house), deed("hold")) == 2
    assert sending.claim("pacs", 9) == []
    assert desk.release(ids(house), deed("release")) == 2
    claimed = sending.claim("pacs", 9)
    assert [item.released for item in claimed] == [True, True]
    assert desk.discard(ids(house), deed("discard")) == 2
    sending.failed(claimed[0], "no association")  # too late: it is out of the worker's hands
    assert house.states() == ["discarded", "discarded"]
    assert house.series_states() == {"a-1": "delivered"}


def test_what_is_sent_again_has_its_time_anew_and_its_series_is_not_swept_meanwhile(
    house: OutboxHouse,
) -> None:
    house.post(kinds=("SR",))
    sending, desk = box(house, give_up_s=10.0), Desk(house.database, house.clock)
    house.clock.ahead = 20.0
    (item,) = sending.claim("pacs", 9)
    assert sending.failed(item, "no association") == "dead"
    assert desk.resend(ids(house), deed("resend")) == 1
    (item,) = sending.claim("pacs", 9)
    assert sending.failed(item, "no association") == "waiting"
    house.clock.ahead = 25.0
    (item,) = sending.claim("pacs", 9)
    sending.delivered(item, "0x0000")
    assert house.series_states() == {"a-1": "delivered"}
    assert desk.resend(ids(house), deed("resend")) == 1
    assert house.series_states() == {"a-1": "reported"}
    assert sending.claim("pacs", 9)


def test_what_waits_for_a_destination_that_is_gone_is_told_and_can_be_moved(house: OutboxHouse) -> None:
    house.post(to="old", key="a")
    house.post(to="old", key="b")
    house.post(to="pacs", key="a")
    desk = Desk(house.database, house.clock)
    assert desk.strays({"pacs"}) == {"old": 4}
    desk.hold(ids(house, "b"), deed("hold"))
    old = [row.id for row in house.rows() if row.destination == "old"]
    assert desk.move(old, "pacs", deed("move")) == 2
    rows = [row for row in house.rows() if row.id in old]
    assert [(row.destination, row.state) for row in rows] == [("old", "superseded")] * 2 + [
        ("pacs", "held")
    ] * 2
    assert desk.strays({"pacs"}) == {}


def test_every_deed_stands_with_name_and_reason_and_outlives_other_events(house: OutboxHouse) -> None:
    house.post()
    Desk(house.database, house.clock).hold(ids(house), deed("hold"))
    Retention(house.database).let_go("events", house.clock() + 1e6)
    with house.database.read() as connection:
        (row,) = connection.execute(select(event)).all()
    assert (row.kind, row.series_id) == ("decision", "a-1")
    assert row.data == {"deed": "hold", "by": "tester", "reason": "because", "deliveries": ids(house)}


def test_deliveries_are_listed_by_destination_state_and_age(house: OutboxHouse) -> None:
    house.post(key="old", age_s=7200.0)
    house.post(key="new", to="copy")
    views = Views(house.database)

    def listed(**selection: object) -> list[str]:
        page, _ = views.deliveries_page(10, selection=DeliverySelection(**selection))  # type: ignore[arg-type] # its fields
        return [view.series_id for view in page]

    assert listed(destination="copy") == ["new-1"] * 2
    assert listed(state="held") == []
    assert listed(before=house.clock() - 3600) == ["old-1"] * 2
    assert listed(series_id="new-1", destination="pacs") == []
    first, cursor = views.deliveries_page(3)
    rest, end = views.deliveries_page(3, cursor)
    assert (len(first), len(rest), end) == (3, 1, None)


def test_every_kind_of_result_can_be_shown() -> None:
    assert set(RESULT_KINDS) < set(get_args(DeliveryKind))


def test_a_commitment_of_one_destination_says_nothing_of_another(house: OutboxHouse) -> None:
    (one,) = house.post(kinds=("SR",))
    house.post(kinds=("SR",), to="copy", key="a")
    sending = box(house)
    for name in ("pacs", "copy"):
        (item,) = sending.claim(name, 9)
        sending.delivered(item, "0x0000", kept=False)
    sending.commitment_asked("2.25.77", "pacs", [])
    assert Commitments(house.database).reported("2.25.77", {str(one.SOPInstanceUID)}, {})
    assert house.states() == ["committed", "uncommitted"]


def test_a_pause_grows_and_ends_with_an_answer() -> None:
    clock = Clock()
    pause = Pause(clock=clock, jitter=lambda: 0.5)
    for wait_s in (2.0, 4.0, 8.0):
        pause.longer(0.0)
        clock.ahead += wait_s - 0.5
        assert pause.lasts()
        clock.ahead += 0.6
        assert not pause.lasts()
    pause.longer(100.0)
    clock.ahead += 90.0
    assert pause.lasts()
    pause.over()
    assert not pause.lasts()


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OutboxHouse]:
    """Give the outbox of a state folder that the command line uses, with one destination."""
    monkeypatch.setenv("SCANSIDE_STATE_DIR", str(tmp_path))
    folders = [{"name": name, "kind": "folder", "folder": str(tmp_path / name)} for name in ("pacs", "copy")]
    research = {"name": "trial", "kind": "research", "folder": str(tmp_path / "trial")}
    monkeypatch.setenv("SCANSIDE_DESTINATION", json.dumps([*folders, research]))
    assert main(["deliveries", "list"]) == 0
    house = OutboxHouse.installed(tmp_path)
    yield house
    house.database.close()


def test_the_command_line_holds_and_moves_with_a_reason(
    installed: OutboxHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.post(to="gone")
    assert main(["deliveries", "hold", "--destination", "gone", "--reason", "PACS replaced"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"changed": 2, "left": 0}
    assert main(["deliveries", "move", "--destination", "gone", "--to", "pacs", "--reason", "renamed"]) == 0
    assert main(["deliveries", "release", "--destination", "pacs", "--reason", "checked by phone"]) == 0
    assert [(row.destination, row.state) for row in installed.rows()] == [("pacs", "waiting")] * 2
    capsys.readouterr()
    assert main(["deliveries", "list", "--destination", "pacs", "--json"]) == 0
    assert {row["state"] for row in json.loads(capsys.readouterr().out)} == {"waiting"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["discard", "--reason", "all of it"], "say which"),
        (["discard", "--state", "waiting"], "the reason wants"),
        (["move", "--destination", "gone", "--to", "nowhere", "--reason", "x"], "copy, pacs, trial"),
        (["move", "--destination", "gone", "--to", "trial", "--reason", "x"], "goes to research"),
        (["move", "--state", "waiting", "--to", "pacs", "--reason", "x"], "are to leave"),
        (
            ["hold", "--destination", "gone", "--reason", f"wrong study of {Patient().id}"],
            "names a patient",
        ),
        (["hold", "--destination", "gone", "--reason", "mrs quastenflosser moved"], "names a patient"),
    ],
)
def test_the_command_line_refuses_what_is_not_thought_out(
    installed: OutboxHouse, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    installed.post(to="gone")
    assert main(["deliveries", *words]) == 2
    assert told in capsys.readouterr().err
    assert installed.states() == ["waiting", "waiting"]


def test_what_stands_under_a_former_identity_is_not_sent_again(house: OutboxHouse) -> None:
    house.post()
    sending, desk = box(house), Desk(house.database)
    for number, item in enumerate(sending.claim("pacs", 9)):
        sending.delivered(item, "0x0000", kept=number > 0)
    with house.database.write() as connection:
        connection.execute(update(outbox).values(former_identity=True))
    assert desk.selected(DeliverySelection(destination="pacs"), "resend") == []
    assert desk.resend(ids(house), deed("resend")) == desk.move(ids(house), "copy", deed("move")) == 0
    asking = [row.sop_instance_uid for row in house.rows() if row.state == "uncommitted"]
    sending.commitment_asked("2.25.1", "pacs", [])
    assert Commitments(house.database).reported("2.25.1", set(), dict.fromkeys(asking, 0x0110))
    assert house.states() == ["dead", "sent"]


def test_built_objects_that_were_let_go_are_not_sent_again(
    installed: OutboxHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.post()
    installed.files.delete(installed.rows()[0].name)
    assert main(["deliveries", "resend", "--destination", "pacs", "--reason", "lost there"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"changed": 1, "left": 1}


def test_check_tells_what_waits_for_nobody(
    installed: OutboxHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.post(to="gone")
    assert main(["check"]) == 1
    told = capsys.readouterr().out
    assert "FAILS  deliveries               2 deliveries wait for 'gone'" in told
