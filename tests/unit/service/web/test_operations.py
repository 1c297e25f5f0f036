"""The API of deliveries, nodes and the system: what it takes, what it refuses, and that it leaves nothing behind."""

import io
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from service.access import Gate, Role
from service.ledger import Control, Database, Deed, NodeBook, Views, prepare
from service.ledger.audit import AuditBook
from service.ledger.tables import outbox
from service.ledger.tables_audit import audit
from service.ledger_views import BadCursor, DeliverySelection
from service.operating.audit_views import Entry
from service.operating.node_desk import AT_ONCE, Asking, NodeDesk, NotAsked
from service.settings import Settings
from service.settings_tables import Allow, DicomDestination, Scanner
from service.web import create_app
from tests.outbox import OutboxHouse
from tests.series import Patient
from tests.unit.service.web.recorded import ACCEPTED, VAULT, RecordedLedger, a_gate, a_house
from tests.unit.service.web.test_access import as_person, ask, headers_of

PACS = DicomDestination(name="pacs", host="127.0.0.1", port=9, ae_title="PACS")
SETTINGS = Settings(destination=(PACS,), allow=Allow(ae_titles=("MR1",)))
SCANNER = {"role": "scanner", "name": "MR 7", "ae_title": "MR7"}

Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def house(tmp_path: Path) -> OutboxHouse:
    made = OutboxHouse(Database(f"sqlite:///{tmp_path / 'ledger.sqlite'}"), OutboxHouse.spool(tmp_path))
    prepare(made.database)
    made.vault = VAULT
    return made


@pytest.fixture
def gate() -> Gate:
    made = a_gate()
    encoded = made.passwords.encode("blue horse under moon")
    for role in [Role.ADMINISTRATOR, *(role for role in Role if role is not Role.ADMINISTRATOR)]:
        made.accounts.added(role, role, encoded, temporary=False, now=made.clock(), by="test")
    return made


def an_app(house: OutboxHouse, gate: Gate, settings: Settings = SETTINGS) -> FastAPI:
    return create_app(
        a_house(RecordedLedger(), gate=gate, past=house.database, settings=settings, files=house.files)
    )


def caller(app: FastAPI, gate: Gate, role: str = "operations") -> Call:
    signed = headers_of(as_person(gate, role))

    def call(method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {} if body is None else {"json": body}
        answer = ask(app, method, f"/api/v1{path}", headers=signed | more, **given)
        is_json = answer.content and "json" in answer.headers.get("content-type", "")
        return answer.status_code, answer.json() if is_json else answer.content

    return call


@pytest.fixture
def call(house: OutboxHouse, gate: Gate) -> Call:
    return caller(an_app(house, gate), gate)


def test_a_thousand_ids_go_in_one_request_and_count_once(house: OutboxHouse, call: Call) -> None:
    for number in range(250):
        house.post(key=f"s{number}", kinds=("SR", "SEG", "SC", "KO"))
    with house.database.write() as connection:
        connection.execute(update(outbox).values(state="dead"))
    ids = [str(row.id) for row in house.rows()]
    body = {"what": "resend", "reason": "the PACS is back", "ids": ids}
    assert call("POST", "/deeds", body, Idempotency_Key="key-00001") == (201, {"changed": 1000, "left": 0})
    with house.database.write() as connection:
        connection.execute(update(outbox).values(state="sent"))
    assert call("POST", "/deeds", body, Idempotency_Key="key-00001") == (201, {"changed": 1000, "left": 0})
    assert set(house.states()) == {"sent"}  # the repeated request did nothing
    assert call("POST", "/deeds", body | {"what": "hold"}, Idempotency_Key="key-00001")[0] == 409
    assert call("POST", "/deeds", body | {"ids": [*ids, "1"]}, Idempotency_Key="key-00002")[0] == 422
    (told,) = call("GET", "/deeds")[1]["items"]
    assert (told["what"], told["by"], told["reason"], told["changed"]) == (
        "resend", "operations", "the PACS is back", 1000,
    )  # fmt: skip


def test_who_tries_names_against_series_is_on_record(house: OutboxHouse, call: Call) -> None:
    house.post()
    body = {"what": "hold", "reason": f"is it {Patient().id}?", "of": {"destination": "pacs"}}
    assert call("POST", "/deeds", body, Idempotency_Key="0123456789abcdef")[0] == 400
    [row] = list(AuditBook(house.database).rows())
    assert (row.what, row.actor, row.result) == ("text refused", "operations", "refused")
    assert Patient().id not in row.detail


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/pauses/to:pacs", {"reason": "{} is on the table"}),
        ("PUT", "/pauses/scoring", {"reason": "wrong images of {}"}),
        ("POST", "/deeds", {"what": "discard", "reason": "{} was wrong", "of": {"destination": "pacs"}}),
        ("PUT", "/rules", {"why": "asked for by {}", "toml": "format = 1\n"}),
    ],
)
def test_no_reason_names_whoever_was_here_of_late(
    house: OutboxHouse, gate: Gate, method: str, path: str, body: dict[str, Any]
) -> None:
    house.post(patient=Patient(name="Quastenflosser^Wilhelmine"))
    call = caller(an_app(house, gate), gate, "administrator")
    key = next(name for name in ("reason", "why") if name in body)
    headers = {"Idempotency_Key": "key-00001", "If_Match": '"0"'}
    status, told = call(method, path, body | {key: body[key].format("Wilhelmine")}, **headers)
    assert (status in {400, 422}, "names a patient" in told["detail"]) == (True, True)
    assert "Wilhelmine" not in str(told)
    assert Control(house.database).pauses() == []
    assert set(house.states()) == {"waiting"}
    [row] = list(AuditBook(house.database).rows())
    assert (row.what, row.actor, row.result) == ("text refused", "administrator", "refused")
    status, _ = call(method, path, body | {key: body[key].format("the physicist")}, **headers)
    assert status < 300


def test_the_same_request_twice_at_once_is_done_once(house: OutboxHouse, gate: Gate) -> None:
    for number in range(100):
        house.post(key=f"s{number}", kinds=("SR",))
    desk = an_app(house, gate).state.house.deliveries
    selection = DeliverySelection(destination="pacs")
    deed = Deed("resend", "ada", "the PACS is back", "key-00001", "digest")
    with ThreadPoolExecutor(4) as pool:
        done = {(one.changed, one.left) for one in pool.map(lambda _: desk.act(deed, selection), range(4))}
    assert done == {(100, 0)}
    assert [len(desk.desk.history(row.id)[1]) for row in house.rows()] == [1] * 100


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ({"reason": "x"}, 400, "Say which"),
        ({"reason": "x", "ids": ["1; drop table outbox"]}, 422, "parameter"),
        ({"reason": " ", "ids": ["1"]}, 422, "parameter"),
        ({"reason": "a\x1bb", "ids": ["1"]}, 400, "printable"),
        (
            {"reason": f"wrong study of {Patient().id}", "of": {"destination": "pacs"}},
            400,
            "names a patient",
        ),
        ({"reason": "x", "of": {"destination": "pacs"}, "what": "move", "to": "nowhere"}, 400, "one of pacs"),
        ({"reason": "x", "of": {"posted_before": "2026-11-21T10:00:00"}}, 422, "parameter"),
        ({"reason": "x", "ids": ["1"], "more": 1}, 422, "parameter"),
    ],
)
def test_what_is_not_thought_out_changes_nothing(
    house: OutboxHouse, call: Call, body: dict[str, object], status: int, why: str
) -> None:
    house.post()
    found, told = call("POST", "/deeds", {"what": "discard"} | body, Idempotency_Key="key-00001")
    assert (found, why in told["detail"]) == (status, True), told
    assert house.states() == ["waiting", "waiting"]
    assert call("GET", "/deeds")[1]["items"] == []


def test_deliveries_are_filtered_and_each_tells_what_was_done_to_it(house: OutboxHouse, call: Call) -> None:
    house.post(age_s=7200)
    house.post(key="b", to="copy")
    first = house.rows()[0].id
    body = {"what": "hold", "reason": "to be looked at", "ids": [str(first)]}
    assert call("POST", "/deeds", body, Idempotency_Key="key-00001")[0] == 201
    (deed,) = call("GET", f"/deliveries/{first}/deeds")[1]["items"]
    assert (deed["what"], deed["by"], deed["reason"]) == ("hold", "operations", "to be looked at")
    assert call("GET", f"/deliveries/{first + 1}/deeds")[1]["items"] == []
    assert call("GET", "/deliveries/999999/deeds")[0] == 404
    counts = {
        (one["destination"], one["state"]): one["count"]
        for one in call("GET", "/deliveries/counts")[1]["items"]
    }
    assert counts == {("pacs", "held"): 1, ("pacs", "waiting"): 1, ("copy", "waiting"): 2}


def test_a_node_is_added_changed_and_removed_by_whoever_saw_it_last(call: Call) -> None:
    key = {"Idempotency_Key": "key-00001"}
    assert call("POST", "/nodes", SCANNER)[0] == 422  # without a key
    status, made = call("POST", "/nodes", SCANNER, **key)
    assert (status, made["id"], made["version"], made["source"]) == (201, "scanner:MR 7", 1, "console")
    assert call("POST", "/nodes", SCANNER, **key)[1]["version"] == 1
    assert call("POST", "/nodes", SCANNER, Idempotency_Key="key-00002")[0] == 409
    changed = SCANNER | {"network": "10.1.2.3"}
    path = "/nodes/scanner:MR%207"
    assert call("PUT", path, changed, Idempotency_Key="key-00003")[0] == 428
    assert (
        call("PUT", path, changed, Idempotency_Key="key-00003", If_Match='"1"')[1]["network"] == "10.1.2.3/32"
    )
    assert call("PUT", path, SCANNER, Idempotency_Key="key-00004", If_Match='"1"')[0] == 412
    assert call("PUT", path, SCANNER, Idempotency_Key="key-00004", If_Match="nonsense")[0] == 412
    renamed = SCANNER | {"name": "MR 8"}
    assert call("PUT", path, renamed, Idempotency_Key="key-00004", If_Match='"2"')[0] == 400
    assert [one["version"] for one in call("GET", f"{path}/versions")[1]["items"]] == [2, 1]
    assert call("DELETE", path, Idempotency_Key="key-00005", If_Match='"2"')[0] == 204
    assert call("DELETE", path, Idempotency_Key="key-00006", If_Match='"3"')[0] == 404
    assert call("POST", f"{path}/echo")[0] == 404


def test_a_change_of_a_node_that_comes_twice_counts_once(call: Call) -> None:
    call("POST", "/nodes", SCANNER, Idempotency_Key="key-00001")
    path, more = "/nodes/scanner:MR%207", {"Idempotency_Key": "key-00002", "If_Match": '"1"'}
    changed = SCANNER | {"network": "10.1.2.3"}
    assert [call("PUT", path, changed, **more)[1]["version"] for _ in range(2)] == [2, 2]
    assert call("PUT", path, SCANNER, Idempotency_Key="key-00002", If_Match='"2"')[0] == 409  # another one
    more = {"Idempotency_Key": "key-00003", "If_Match": '"2"'}
    assert [call("DELETE", path, **more)[0] for _ in range(2)] == [204, 204]


def test_two_scanners_do_not_share_an_ae_title(house: OutboxHouse, gate: Gate) -> None:
    settings = SETTINGS.model_copy(update={"scanner": (Scanner(name="MR 1", ae_title="MR1"),)})
    call = caller(an_app(house, gate, settings), gate)
    assert call("POST", "/nodes", SCANNER, Idempotency_Key="key-00001")[0] == 201
    twin = SCANNER | {"name": "MR 8"}
    assert call("POST", "/nodes", twin, Idempotency_Key="key-00002")[0] == 409
    other = SCANNER | {"ae_title": "MR1"}  # that of the settings file
    path = "/nodes/scanner:MR%207"
    assert call("PUT", path, other, Idempotency_Key="key-00003", If_Match='"1"')[0] == 409
    assert call("GET", f"{path}/versions")[1]["items"][0]["version"] == 1


def test_what_the_settings_file_has_meanwhile_is_not_changed_by_the_page(
    house: OutboxHouse, gate: Gate
) -> None:
    assert caller(an_app(house, gate), gate)("POST", "/nodes", SCANNER, Idempotency_Key="key-00001")[0] == 201
    settings = SETTINGS.model_copy(update={"scanner": (Scanner(name="MR 7", ae_title="MR9"),)})
    call = caller(an_app(house, gate, settings), gate)
    path, more = "/nodes/scanner:MR%207", {"Idempotency_Key": "key-00002", "If_Match": '"1"'}
    assert call("PUT", path, SCANNER | {"network": "10.1.2.3"}, **more)[0] == 409
    assert call("DELETE", path, **more)[0] == 204


def test_a_cursor_that_no_row_has_is_refused(house: OutboxHouse, gate: Gate) -> None:
    call = caller(an_app(house, gate), gate, "administrator")
    for path in ("/rules/versions", "/errands", "/audit"):
        assert call("GET", f"{path}?cursor={'9' * 60}")[0] == 422
    with pytest.raises(BadCursor):
        Views(house.database).deliveries_page(10, cursor="9" * 60)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (SCANNER | {"name": "<script>alert(1)</script>"}, 422),
        (SCANNER | {"ae_title": "A\\B"}, 422),
        (SCANNER | {"host": "mr7"}, 400),
        (SCANNER | {"network": "everywhere"}, 400),
        (SCANNER | {"serial": "4711"}, 422),
        ({"role": "destination", "name": "pacs", "ae_title": "X", "host": "h", "port": 1}, 409),
        (
            {"role": "destination", "name": "p2", "ae_title": "X", "host": "file:///etc/passwd", "port": 1},
            422,
        ),
        ({"role": "destination", "name": "p2", "ae_title": "X", "host": "h", "port": 0}, 422),
        (
            {
                "role": "destination",
                "name": "p2",
                "ae_title": "X",
                "host": "h",
                "port": 1,
                "tls": {"ca": "/x"},
            },
            422,
        ),
        ({"role": "folder", "name": "p2", "folder": "/etc"}, 422),
        ([], 422),
    ],
)
def test_what_is_no_node_is_refused_and_nothing_is_kept(
    house: OutboxHouse, call: Call, body: object, status: int
) -> None:
    found, told = call("POST", "/nodes", body, Idempotency_Key="key-00001")
    assert (found, "detail" in told) == (status, True)
    assert "script" not in str(told)
    assert NodeBook(house.database).all() == []


class Hangs:
    """A destination that never answers."""

    name, doubts_after_s = "hangs", None

    def __init__(self) -> None:
        self.over = threading.Event()

    def tried(self) -> tuple[bool, str]:
        self.over.wait(20)
        return True, "too late"


def test_a_node_that_hangs_is_told_of_in_time_and_holds_up_no_more_than_a_few(house: OutboxHouse) -> None:
    hanging, asking = Hangs(), Asking(within_s=0.2)
    began = time.monotonic()
    for _ in range(AT_ONCE):
        good, told, _seconds = asking(hanging)  # type: ignore[arg-type]  # it is only asked
        assert (good, told) == (False, "no answer within 0.2 s")
    assert time.monotonic() - began < 5
    with pytest.raises(NotAsked):
        asking(hanging)  # type: ignore[arg-type]  # the same
    hanging.over.set()


def test_the_page_is_told_that_nobody_answers(house: OutboxHouse, gate: Gate) -> None:
    app = an_app(house, gate)
    nodes: NodeDesk = app.state.house.nodes
    app.state.house = replace(
        app.state.house, nodes=replace(nodes, build=lambda *_: Hangs(), asking=Asking(within_s=0.1))
    )
    status, told = caller(app, gate)("POST", "/nodes/to:pacs/echo")
    assert (status, told["good"], told["told"]) == (200, False, "no answer within 0.1 s")
    (node,) = caller(app, gate)("GET", "/nodes")[1]["items"]
    assert node["probe"]["told"] == "no answer within 0.1 s"


def test_what_is_stopped_is_told_to_everybody_and_only_what_there_is_can_be_stopped(
    house: OutboxHouse, gate: Gate, call: Call
) -> None:
    assert call("PUT", "/pauses/to:nowhere", {"reason": "x"})[0] == 404
    assert call("PUT", "/pauses/everything", {"reason": "x"})[0] == 422
    assert call("PUT", "/pauses/to:pacs", {"reason": "a\nb"})[0] == 422
    assert call("DELETE", "/pauses/to:pacs")[0] == 404
    assert call("PUT", "/pauses/to:pacs", {"reason": "PACS is updated"})[0] == 204
    technologist = caller(an_app(house, gate), gate, "technologist")
    told = technologist("GET", "/maintenance")[1]
    assert (told["mode"], [(one["what"], one["by"]) for one in told["pauses"]]) == (
        "live", [("to:pacs", "operations")],
    )  # fmt: skip
    assert technologist("DELETE", "/pauses/to:pacs")[0] == 403
    assert call("DELETE", "/pauses/to:pacs")[0] == 204


def test_only_what_was_looked_at_is_accepted_and_a_site_that_is_live_stays_so(
    house: OutboxHouse, gate: Gate
) -> None:
    live = caller(an_app(house, gate), gate, "physicist")
    assert live("PUT", "/acceptance", {"digest": ACCEPTED.digest()})[0] == 409
    shadow = an_app(house, gate, SETTINGS.model_copy(update={"mode": "shadow"}))
    physicist = caller(shadow, gate, "physicist")
    assert physicist("GET", "/maintenance")[1]["mode"] == "shadow"
    assert physicist("DELETE", "/acceptance")[0] == 404
    assert physicist("PUT", "/acceptance", {"digest": "0" * 64})[0] == 412
    assert caller(shadow, gate, "operations")("PUT", "/acceptance", {"digest": ACCEPTED.digest()})[0] == 403
    assert physicist("PUT", "/acceptance", {"digest": ACCEPTED.digest()})[0] == 204
    told = physicist("GET", "/system")[1]
    assert (told["mode"], told["file_mode"], told["acceptance"]["by"]) == ("live", "shadow", "physicist")
    Control(house.database).accepted("f" * 64, {}, "of another model")
    told = physicist("GET", "/system")[1]
    assert (told["acceptance"]["current"], shadow.state.house.system.roster.fresh().mode) == (False, "shadow")
    assert physicist("DELETE", "/acceptance")[0] == 204


def test_the_bundle_is_for_those_who_keep_the_house(call: Call, house: OutboxHouse, gate: Gate) -> None:
    status, content = call("GET", "/support")
    assert (status, zipfile.is_zipfile(io.BytesIO(content))) == (200, True)
    assert caller(an_app(house, gate), gate, "physicist")("GET", "/support")[0] == 403


def test_a_row_that_was_tampered_with_does_not_hide_the_others(house: OutboxHouse, gate: Gate) -> None:
    book = AuditBook(house.database)
    for actor in ("ada", "bob", "cleo"):
        book.noted(Entry("looked up", actor))
    with house.database.write() as connection:
        for number, detail in ((1, "no JSON"), (2, "[1]")):
            connection.execute(update(audit).where(audit.c.id == number).values(detail=detail))
    ask_as = caller(an_app(house, gate), gate, "physicist")
    status, told = ask_as("GET", "/audit")
    assert (status, [one["actor"] for one in told["items"]]) == (200, ["cleo", "bob", "ada"])
    assert not ask_as("GET", "/audit/check")[1]["sound"]


def test_a_day_that_no_clock_has_is_no_failure(house: OutboxHouse, gate: Gate) -> None:
    ask_as = caller(an_app(house, gate), gate, "physicist")
    for path in ("/audit?since=0001-01-01T00:00:00", "/audit/export?until=0001-01-01T00:00:00"):
        assert ask_as("GET", path)[0] == 404


def test_a_dispute_that_is_none_is_not_decided(call: Call) -> None:
    assert call("GET", "/disputes") == (200, {"items": []})
    assert call("PUT", "/disputes/s1/decision", {"keep": "first"})[0] == 404
    assert call("PUT", "/disputes/s1/decision", {"keep": "both"})[0] == 422
