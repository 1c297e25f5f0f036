"""The API of trends and search: what it answers, whom it answers what, and what it refuses."""

import csv
import json
from io import StringIO
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from service.access import Gate, Role
from service.ledger import Bands, Database, Drifts
from service.ledger.tables import scanner
from service.ledger.tables_trends import trend
from service.ledger.tokens import Grant
from service.web import create_app
from service.web.trends_api import HEADER, wilson
from tests.unit.service.web.conftest import Asked
from tests.unit.service.web.recorded import RecordedLedger, a_gate, a_house, an_empty_database
from tests.unit.service.web.test_access import as_person, ask, bearer, headers_of
from tests.year import Year, fill

NOW = 1_700_000_000.0
YEAR = Year(until=NOW, days=70, scanners=2, a_day=10)
EVIL = '=HYPERLINK("http://evil.example/","x")'


@pytest.fixture(scope="module")
def past() -> Database:
    made = an_empty_database()
    fill(made, YEAR)
    with made.write() as connection:
        connection.execute(update(scanner).where(scanner.c.name == "MR 2").values(name="=MR 2"))
        connection.execute(update(trend).where(trend.c.coil == "Head 32").values(coil=EVIL))
    Bands(made).learn(NOW)
    Drifts(made).measure(NOW)
    return made


@pytest.fixture(scope="module")
def gate() -> Gate:
    return a_gate()


@pytest.fixture(scope="module")
def app(past: Database, gate: Gate) -> FastAPI:
    return create_app(a_house(RecordedLedger(), gate=gate, past=past))


@pytest.fixture
def client(app: FastAPI) -> Asked:
    return Asked(app)


def told_of(client: Asked, path: str, **query: object) -> Any:
    answer = client.get(f"{path}?{urlencode(query)}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_nobody_is_searched_for_and_nobody_found_by_identity(app: FastAPI, client: Asked) -> None:
    document = app.openapi()
    paths = [path for path in document["paths"] if path.startswith("/api/v1/search")]
    asked = {one["name"] for path in paths for one in document["paths"][path]["get"]["parameters"]}
    found = set(told_of(client, "/api/v1/search", limit=1)["items"][0])
    assert {"since", "verdict"} <= asked
    assert "scanner" in found
    for name in asked | found:
        assert not any(word in name for word in ("patient", "name", "birth", "accession", "uid", "study"))


def test_a_trend_has_its_points_limits_and_rules(client: Asked) -> None:
    told = told_of(client, "/api/v1/trends", measure="metric.snrd", scanner="=MR 2")
    assert told["measure"]["title"] == "Signal-to-noise ratio"
    assert len(told["points"]) == YEAR.days
    assert told["series"] == YEAR.days * YEAR.a_day
    limits = told["limits"]
    assert limits["lower"] < limits["centre"] < limits["upper"]
    assert (limits["n"], limits["chosen"]) == (25, False)
    assert [point["baseline"] for point in told["points"]] == [True] * 25 + [False] * 45
    late = {signal["rule"] for point in told["points"][-20:] for signal in point["signals"]}
    assert {"beyond", "ewma", "eight"} <= late
    assert all(signal["high"] is False for point in told["points"][-20:] for signal in point["signals"])


def test_a_chosen_baseline_makes_the_limits(client: Asked) -> None:
    usual = told_of(client, "/api/v1/trends", measure="metric.snrd", scanner="=MR 2")
    since, until = usual["points"][-20]["at"], usual["points"][-1]["at"]
    told = told_of(
        client,
        "/api/v1/trends",
        measure="metric.snrd",
        scanner="=MR 2",
        baseline_since=since,
        baseline_until=until,
    )
    assert (told["limits"]["since"], told["limits"]["until"], told["limits"]["chosen"]) == (
        since,
        until,
        True,
    )
    assert told["limits"]["centre"] < usual["limits"]["centre"]


def test_weeks_are_fewer_and_thin_points_say_nothing(client: Asked) -> None:
    weeks = told_of(client, "/api/v1/trends", by="week")
    assert len(weeks["points"]) in {10, 11}
    thin = told_of(client, "/api/v1/trends", fewest=1000)
    assert thin["limits"] is None
    assert all(point["thin"] and not point["signals"] for point in thin["points"])
    assert told_of(client, "/api/v1/trends", scanner="MR 9")["points"] == []


def test_choices_tell_protocols_in_words_and_coils_by_an_id(client: Asked) -> None:
    told = told_of(client, "/api/v1/trends/choices")
    group = next(one for one in told["groups"] if one["coil_name"] == EVIL)
    assert group["description"].endswith("3 T")
    rows = told_of(
        client, "/api/v1/trends", coil=group["coil"], protocol=group["protocol"], scanner=group["scanner"]
    )
    assert rows["series"] == group["n"]
    assert {"facet": "part", "term": "KNEE", "words": "knee", "de": {"words": "Knie"}} in told["terms"]
    assert len({measure["name"] for measure in told["measures"]}) == len(told["measures"])


def test_bands_stand_beside_the_general_ones(client: Asked) -> None:
    group = told_of(client, "/api/v1/trends/choices")["groups"][0]
    told = told_of(client, "/api/v1/trends/bands", scanner=group["scanner"], protocol=group["protocol"])
    assert told["fewest"] == 60
    empty = told_of(client, "/api/v1/trends/bands", scanner="MR 9", protocol=group["protocol"])
    assert empty["items"] == []


def test_drift_tells_alarms_first(client: Asked) -> None:
    items = told_of(client, "/api/v1/trends/drift")["items"]
    assert (items[0]["scanner"], items[0]["measure"]["name"], items[0]["alarm"]) == (
        "=MR 2",
        "metric.snrd",
        True,
    )
    assert items[0]["since"] is not None
    assert [one["alarm"] for one in items] == sorted((one["alarm"] for one in items), reverse=True)


def test_presence_has_an_interval(client: Asked) -> None:
    items = {
        one["artifact"]: one for one in told_of(client, "/api/v1/trends/presence", scanner="=MR 2")["items"]
    }
    noise = items["noise"]
    assert 0 < noise["low"] < noise["rate"] < noise["high"] < 1
    assert noise["rate"] == noise["found"] / noise["n"]


def test_the_interval_of_a_share_is_wilson_s() -> None:
    assert wilson(10, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)  # Newcombe 1998, method 3
    assert wilson(0, 20)[0] == 0.0
    assert wilson(0, 0) == (None, None)


def rows_of(content: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(content, newline="")))


def test_the_rows_behind_a_trend_come_as_csv_and_json(client: Asked) -> None:
    answer = client("GET", "/api/v1/trends/export?scanner=%3DMR+2&format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="scanside-trend.csv"'
    rows = rows_of(answer.text)
    assert len(rows) == YEAR.days * YEAR.a_day
    assert tuple(rows[0]) == HEADER
    assert {row["scanner"] for row in rows} == {"'=MR 2"}
    assert f"'{EVIL}" in {row["coil"] for row in rows}
    told = json.loads(client("GET", "/api/v1/trends/export?scanner=%3DMR+2&format=json").text)
    assert [one["series"] for one in told] == [row["series"] for row in rows]
    assert {one["scanner"] for one in told} == {"=MR 2"}
    for one, row in zip(told, rows, strict=True):
        assert row["index"] == ("" if one["index"] is None else repr(one["index"]))


def test_search_pages_by_link_and_exports_the_same_rows(client: Asked) -> None:
    path = "/api/v1/search?verdict=Check&term=part%3DKNEE&limit=7"
    found: list[str] = []
    url: str | None = path
    while url is not None:
        answer = client("GET", url)
        assert answer.status_code == 200
        found += [one["id"] for one in answer.json()["items"]]
        link = answer.headers.get("link")
        url = None if link is None else link.partition(">")[0][1:]
    exported = rows_of(client("GET", "/api/v1/search/export?verdict=Check&term=part%3DKNEE").text)
    assert [row["series"] for row in exported] == found
    assert len(found) > 14
    assert all("knee" in row["protocol"] for row in exported)


WRONG = [
    ("/api/v1/trends?measure=nothing", 404),
    ("/api/v1/trends?measure=" + "x" * 65, 422),
    ("/api/v1/trends?by=year", 422),
    ("/api/v1/trends?since=yesterday", 422),
    ("/api/v1/trends?protocol=%27%20OR%201%3D1", 422),
    ("/api/v1/trends?coil=zz", 422),
    ("/api/v1/trends?fewest=0", 422),
    ("/api/v1/trends/export?format=xlsx", 422),
    ("/api/v1/search?artifact=nothing", 404),
    ("/api/v1/search?term=part%3DNOWHERE", 404),
    ("/api/v1/search?term=part", 422),
    ("/api/v1/search?" + "&".join(["term=part%3DKNEE"] * 9), 422),
    ("/api/v1/search?state=gone", 422),
    ("/api/v1/search?verdict=Perhaps", 422),
    ("/api/v1/search?cursor=never_given", 422),
    ("/api/v1/search?until=9999-12-31", 404),
    ("/api/v1/search?limit=201", 422),
    ("/api/v1/search?scanner=" + "x" * 65, 422),
]


@pytest.mark.parametrize(("path", "status"), WRONG)
def test_what_makes_no_sense_is_a_problem(client: Asked, path: str, status: int) -> None:
    answer = client("GET", path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_the_first_day_and_the_last_are_part_of_what_is_asked_for(client: Asked) -> None:
    points = told_of(client, "/api/v1/trends")["points"]
    some = told_of(client, "/api/v1/trends", since=points[3]["at"], until=points[5]["at"])["points"]
    assert [point["at"] for point in some] == [point["at"] for point in points[3:6]]
    found = client("GET", f"/api/v1/search/export?since={points[3]['at']}&until={points[3]['at']}")
    assert len(rows_of(found.text)) == YEAR.scanners * YEAR.a_day


@pytest.fixture(scope="module")
def people(gate: Gate) -> Gate:
    encoded = gate.passwords.encode("blue horse under moon")
    for role in Role:
        gate.accounts.added(role, role, encoded, temporary=False, now=gate.clock(), by="test")
    return gate


EXPORTS = ("/api/v1/trends/export", "/api/v1/search/export")


@pytest.mark.parametrize("role", Role)
def test_every_role_reads_and_physicists_and_administrators_export(
    app: FastAPI, people: Gate, role: Role
) -> None:
    headers = headers_of(as_person(people, role))
    for path in ("/api/v1/trends", "/api/v1/trends/choices", "/api/v1/search", "/trends", "/search"):
        assert ask(app, "GET", path, headers=headers).status_code == 200
    expected = 200 if role in {Role.PHYSICIST, Role.ADMINISTRATOR} else 403
    assert [ask(app, "GET", path, headers=headers).status_code for path in EXPORTS] == [expected] * 2


def test_a_board_sees_its_own_scanner_only(app: FastAPI, people: Gate) -> None:
    grant = Grant(name="board", scopes=frozenset({"read"}), scanner="MR 1")
    headers = bearer(people.tokens.issue(grant, people.clock(), "test").secret)
    assert {one["scanner"] for one in ask(app, "GET", "/api/v1/search", headers=headers).json()["items"]} == {
        "MR 1"
    }
    groups = ask(app, "GET", "/api/v1/trends/choices", headers=headers).json()["groups"]
    assert {group["scanner"] for group in groups} == {"MR 1"}
    assert ask(app, "GET", "/api/v1/trends", headers=headers).json()["series"] == YEAR.days * YEAR.a_day
    for path in ("/api/v1/trends?scanner=%3DMR+2", "/api/v1/search?scanner=%3DMR+2"):
        assert ask(app, "GET", path, headers=headers).status_code == 404
    assert [ask(app, "GET", path, headers=headers).status_code for path in EXPORTS] == [403] * 2


def test_an_export_is_noted_before_it_leaves(
    app: FastAPI, people: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    ask(
        app, "GET", "/api/v1/search/export?format=json", headers=headers_of(as_person(people, Role.PHYSICIST))
    )
    (line,) = [record for record in caplog.records if record.getMessage() == "rows exported"]
    assert (line.__dict__["by"], line.__dict__["operation"]) == ("physicist", "search as json")
