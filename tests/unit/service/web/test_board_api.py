"""Boards, exams, acknowledgements and identities over the API: to whom, and with which refusals."""

import pytest
from fastapi import FastAPI

from service.access import Gate, Role
from service.ledger.tokens import Grant
from service.ledger_views import SeriesFeedback
from service.web import create_app
from tests.unit.service.web.recorded import RecordedLedger, a_gate, a_house, a_series, judged, some_slices
from tests.unit.service.web.test_access import as_person, ask, bearer, headers_of

FOUND = {"motion": 0.9}
KEY = {"Idempotency-Key": "0123456789abcdef"}


@pytest.fixture
def ledger() -> RecordedLedger:
    made = RecordedLedger()
    said = SeriesFeedback((), "0")
    made.put(judged("s1", "Repeat", FOUND, feedback=said), some_slices("s1", FOUND), "alert")
    made.put(a_series("other", scanner="MR 9", study="study-1"))
    return made


@pytest.fixture
def gate() -> Gate:
    made = a_gate()
    made.accounts.added("tom", Role.TECHNOLOGIST, "x", temporary=False, now=made.clock(), by="test")
    return made


@pytest.fixture
def app(ledger: RecordedLedger, gate: Gate) -> FastAPI:
    return create_app(a_house(ledger, gate=gate))


@pytest.fixture
def tom(gate: Gate) -> dict[str, str]:
    return headers_of(as_person(gate, "tom"))


@pytest.fixture
def kiosk(gate: Gate) -> dict[str, str]:
    grant = Grant(name="wall", scopes=frozenset({"read", "acknowledge"}), scanner="MR 2")
    return bearer(gate.tokens.issue(grant, gate.clock(), "test").secret)


def test_a_board_is_told_of_its_scanner_alone(app: FastAPI, kiosk: dict[str, str]) -> None:
    def get(path: str) -> tuple[int, list[str]]:
        answer = ask(app, "GET", f"/api/v1{path}", headers=kiosk)
        items = answer.json().get("items", [])
        return answer.status_code, [one.get("name") or one.get("series", one)["id"] for one in items]

    assert get("/scanners") == (200, ["MR 2"])
    assert get("/series") == get("/series?scanner=MR%202") == (200, ["s1"])
    assert get("/series?scanner=MR%209") == (404, [])
    assert get("/studies/study-1") == (200, ["s1"])
    assert get("/series/other") == (404, [])
    assert ask(app, "GET", "/api/v1/events?scanner=MR%209", headers=kiosk).status_code == 404


def test_a_person_may_ask_for_one_scanner_or_all(app: FastAPI, tom: dict[str, str]) -> None:
    both = ask(app, "GET", "/api/v1/series", headers=tom).json()["items"]
    one = ask(app, "GET", "/api/v1/series?scanner=MR%209", headers=tom).json()["items"]
    assert ({series["id"] for series in both}, [series["id"] for series in one]) == (
        {"s1", "other"},
        ["other"],
    )
    assert ask(app, "GET", "/api/v1/studies/none", headers=tom).status_code == 404


def test_an_acknowledgement_is_of_what_was_seen_and_counts_once(
    app: FastAPI, ledger: RecordedLedger, kiosk: dict[str, str]
) -> None:
    path = "/api/v1/series/s1/acknowledgement"
    seen = {"If-Match": '"0"'}
    assert ask(app, "POST", path, headers=kiosk | KEY).status_code == 428
    assert ask(app, "POST", path, headers=kiosk | seen).status_code == 422
    assert ask(app, "POST", path, headers=kiosk | KEY | {"If-Match": '"other"'}).status_code == 412
    assert ask(app, "POST", path, headers=kiosk | KEY | seen).status_code == 204
    (said,) = ledger.series["s1"].feedback.items
    assert (said.kind, said.author, said.role) == ("acknowledged", "wall", "board")
    other = "/api/v1/series/other/acknowledgement"
    assert ask(app, "POST", other, headers=kiosk | KEY | seen).status_code == 404


def test_an_identity_is_told_to_persons_alone_and_kept_by_nobody(
    app: FastAPI, ledger: RecordedLedger, tom: dict[str, str], kiosk: dict[str, str]
) -> None:
    path = "/api/v1/series/s1/identity"
    answer = ask(app, "POST", path, headers=tom)
    assert answer.json() == {"name": "Doe^Jane", "number": "4711"}
    assert answer.headers["cache-control"] == "no-store"
    assert ledger.asked == [("s1", "tom")]
    assert ask(app, "POST", path, headers=kiosk).status_code == 403
    assert (
        ask(app, "POST", path, headers={"Cookie": tom["Cookie"]}).status_code == 403
    )  # without the page's secret
    assert ask(app, "GET", path, headers=tom).status_code == 405
    assert ask(app, "POST", "/api/v1/series/none/identity", headers=tom).status_code == 404
    assert ledger.asked == [("s1", "tom")]
    for series_id, status in (("nobody", 410), ("elsewhere", 503)):
        ledger.put(judged(series_id, "Usable", {}))
        assert ask(app, "POST", f"/api/v1/series/{series_id}/identity", headers=tom).status_code == status
