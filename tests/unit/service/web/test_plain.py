"""Texts that no database can hold: refused at every place of every operation, by a problem that says where."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI

from service.access import Gate, Role
from service.ledger import Database, prepare
from service.web import create_app
from service.web.plain import UNFIT, is_plain
from tests.peers import postgres
from tests.unit.service.web.recorded import RecordedLedger, a_gate, a_house
from tests.unit.service.web.test_access import DESCRIPTION, EXAMPLES, OPERATIONS, as_person, ask, headers_of

NUL, HALF = "a\0b", "a\ud800b"
WRITES = {"POST", "PUT", "PATCH"}


@pytest.fixture(scope="module")
def on_postgresql() -> Iterator[Database]:
    with postgres() as cluster:
        database = Database(cluster.database())
        prepare(database)
        yield database
        database.close()


@pytest.fixture
def gate() -> Gate:
    made = a_gate()
    encoded = made.passwords.encode("blue horse under moon")
    made.accounts.added("admin", Role.ADMINISTRATOR, encoded, temporary=False, now=made.clock(), by="test")
    return made


@pytest.fixture
def app(gate: Gate, on_postgresql: Database) -> FastAPI:
    made = create_app(a_house(RecordedLedger(), gate=gate, past=on_postgresql))
    made.state.feed.close()  # else the event stream has no end
    return made


def texts(operation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give place and name of each parameter in the path or the query; of whatever type, all come as text."""
    for one in operation.get("parameters", ()):
        if one["in"] in {"path", "query"}:
            yield one["in"], one["name"]


def test_no_operation_sees_what_a_database_cannot_hold(app: FastAPI, gate: Gate) -> None:
    headers = headers_of(as_person(gate, "admin"))
    asked, wrong = 0, []
    for one in OPERATIONS:
        described = DESCRIPTION["paths"][one.path][one.method.lower()]
        for where, name in texts(described):
            path = one.path.format_map(EXAMPLES | {name: quote(NUL)} if where == "path" else EXAMPLES)
            url = f"{path}?{name}={quote(NUL)}" if where == "query" else path
            body = {"json": {}} if one.method in WRITES else {}
            answer = ask(app, one.method, url, headers=headers, **body)
            asked += 1
            told = {"parameter": f"{where}.{name}", "message": UNFIT}
            if answer.status_code != 422 or told not in answer.json()["errors"]:
                wrong.append((one.method, url, answer.status_code))
    assert asked > 80
    assert wrong == []


@pytest.mark.parametrize("content", [{"why": NUL}, {"why": HALF}, {"deep": [{HALF: 1}]}, [NUL]])
def test_no_body_holds_it_at_any_depth(app: FastAPI, gate: Gate, content: object) -> None:
    headers = headers_of(as_person(gate, "admin")) | {"Content-Type": "application/json"}
    taking = [
        one
        for one in OPERATIONS
        if "application/json"
        in DESCRIPTION["paths"][one.path][one.method.lower()].get("requestBody", {}).get("content", {})
    ]
    assert len(taking) > 15
    for one in taking:
        url = one.path.format_map(EXAMPLES)
        answer = ask(app, one.method, url, headers=headers, content=json.dumps(content))
        assert answer.status_code == 422, (one.method, url, answer.text)
        assert {"parameter": "body", "message": UNFIT} in answer.json()["errors"]


def test_a_search_for_what_was_typed_by_accident_is_told_so(app: FastAPI, gate: Gate) -> None:
    answer = ask(app, "GET", "/api/v1/search?protocol=T2%00", headers=headers_of(as_person(gate, "admin")))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"] == [{"parameter": "query.protocol", "message": UNFIT}]


def test_letters_beyond_the_first_plane_are_text() -> None:
    assert is_plain({"comment": "Bewegung 🧠, 頭部", "tags": ["motion"], "n": 1, "more": None})
    assert not is_plain(HALF)
