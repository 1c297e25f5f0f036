"""The API of site rules: versions, trying them out, and what is wrong said at its place."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from io import BytesIO

import anyio
import httpx
import pytest
from fastapi import FastAPI
from pydicom import dcmwrite

from service.access import Gate, Role
from service.ledger import Database
from service.web import create_app
from service.web.access import COOKIE, CSRF_HEADER
from tests.rules import RULES, put_verdict
from tests.series import Patient, mr_series
from tests.unit.service.web.conftest import BASE
from tests.unit.service.web.recorded import RecordedLedger, a_gate, a_house, an_empty_database

PASSWORD = "blue horse under moon"
API = "/api/v1/rules"


class Person:
    """Somebody who is signed in and asks the application in process."""

    def __init__(self, app: FastAPI, name: str) -> None:
        self.app = app
        told = self("POST", "/api/v1/session", json={"name": name, "password": PASSWORD})
        self.headers = {"cookie": f"{COOKIE}={told.cookies[COOKIE]}", CSRF_HEADER: told.json()["csrf"]}

    def __call__(self, method: str, url: str, **more: object) -> httpx.Response:
        headers = {**getattr(self, "headers", {}), **more.pop("headers", {})}  # type: ignore[dict-item]

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
                return await http.request(method, url, headers=headers, **more)  # type: ignore[arg-type]

        return anyio.run(ask)

    def put(self, rules: object, seen: int | None, why: str = "a test") -> httpx.Response:
        form = "toml" if isinstance(rules, str) else "rulebook"
        headers = {} if seen is None else {"If-Match": f'"{seen}"'}
        return self("PUT", API, json={form: rules, "why": why}, headers=headers)


@pytest.fixture(scope="module")
def gate() -> Gate:
    made = a_gate()
    for name, role in (("ada", Role.ADMINISTRATOR), ("tom", Role.TECHNOLOGIST)):
        made.users.add(name, role, PASSWORD, "test")
    return made


@pytest.fixture
def database() -> Iterator[Database]:
    made = an_empty_database()
    yield made
    made.close()


@pytest.fixture
def app(gate: Gate, database: Database) -> FastAPI:
    return create_app(a_house(RecordedLedger(), gate=gate, past=database))


@pytest.fixture
def ada(app: FastAPI) -> Person:
    return Person(app, "ada")


def test_without_rules_there_are_none_and_everything_is_as_ever(ada: Person) -> None:
    answer = ada("GET", API)
    told = answer.json()
    assert answer.headers["etag"] == '"0"'
    assert (told["version"], told["rulebook"]["rule"], told["problems"]) == (None, [], [])
    assert told["names"]["channels"] == ["console", "ris"]
    assert told["names"]["pacs"] == ["pacs"]


def test_rules_are_saved_as_a_version_and_come_back_in_both_forms(ada: Person) -> None:
    saved = ada.put(RULES, 0)
    assert (saved.status_code, saved.headers["etag"]) == (200, '"1"')
    told = ada("GET", API).json()
    assert [rule["name"] for rule in told["rulebook"]["rule"]] == [
        "Tell about repeats",
        "Keep usable ones here",
    ]
    assert (told["version"]["author"], told["version"]["why"]) == ("ada", "a test")
    again = ada.put(told["rulebook"], 1)  # the same rules as values are no new version
    assert again.headers["etag"] == '"1"'
    assert ada.put(told["toml"], 1).headers["etag"] == '"1"'


def test_of_two_who_change_the_rules_the_second_has_to_look_again(ada: Person) -> None:
    assert ada.put(RULES, 0).status_code == 200
    assert ada.put(RULES.replace("pacs", "copy"), 0).status_code == 412
    assert ada.put(RULES.replace("pacs", "copy"), None).status_code == 428
    assert ada("GET", API).json()["version"]["number"] == 1


@pytest.mark.parametrize(
    ("wrong", "path", "line"),
    [
        (RULES.replace('["console"]', '["rsi"]'), "rule.0.do.0.channels", 11),
        (RULES.replace('["Repeat"]', '["repeat"]'), "rule.0.when.0.one_of.0", 7),
        (RULES.replace('["pacs"]', '["pcas"]'), "rule.1.do.0.destinations", 22),
        (RULES.replace('kind = "withhold"', 'kind = "withold"'), "rule.1.do.0", 20),
        (RULES.replace("Keep usable ones here", "Tell about repeats"), "rule", 2),
        (
            RULES.replace('channels = ["console"]', 'channels = ["console"]\ntext = "{patient}"'),
            "rule.0.do.0.text",
            12,
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_place(ada: Person, wrong: str, path: str, line: int) -> None:
    told = ada("POST", f"{API}/check", json={"toml": wrong}).json()
    assert [(one["path"], one["line"]) for one in told["problems"]] == [(path, line)]
    refused = ada.put(wrong, 0)
    assert refused.status_code == 422
    assert [one["parameter"] for one in refused.json()["errors"]] == [f"body.{path}"]
    assert ada("GET", API).json()["version"] is None


def test_a_version_can_be_put_into_force_again_and_what_changed_is_shown(ada: Person) -> None:
    ada.put(RULES, 0, "first")
    ada.put(RULES.replace("Usable", "Check"), 1, "second")
    back = ada("POST", f"{API}/versions/1/restore", json={"why": "back"}, headers={"If-Match": '"2"'})
    assert (back.status_code, back.headers["etag"]) == (200, '"3"')
    page = ada("GET", f"{API}/versions?limit=2")
    assert [(one["number"], one["why"], one["origin"]) for one in page.json()["items"]] == [
        (3, "back", "restore"),
        (2, "second", "page"),
    ]
    assert 'rel="next"' in page.headers["link"]
    lines = ada("GET", f"{API}/versions/2/diff?since=1").json()["lines"]
    changed = [(one["mark"], one["text"]) for one in lines if one["mark"] != " "]
    assert changed == [("-", 'one_of = ["Usable"]'), ("+", 'one_of = ["Check"]')]
    assert ada("GET", f"{API}/versions/1").json()["rulebook"] == ada("GET", API).json()["rulebook"]
    assert ada("GET", f"{API}/versions/9").status_code == 404


def long_rules(word: str) -> str:
    """Give as many rules as there may be, each of which is like all others."""
    return "\n".join(
        f"""[[rule]]
name = "{word} {number}"
note = "{word} note {number}"
[[rule.when]]
kind = "index"
below = {1 + number % 8}.{number % 10}
[[rule.do]]
kind = "alert"
channels = ["console"]
text = "{word} {number} {{verdict}}"
"""
        for number in range(200)
    )


def test_long_rules_are_compared_without_comparing_all_letters(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = long_rules("alpha"), long_rules("beta")
    assert ada.put(before, 0).status_code == ada.put(after, 1).status_code == 200
    steps = 0
    counted = SequenceMatcher.find_longest_match

    def counting(self: SequenceMatcher[str], *bounds: int) -> object:
        nonlocal steps
        steps += 1
        return counted(self, *bounds)

    monkeypatch.setattr(SequenceMatcher, "find_longest_match", counting)
    lines = ada("GET", f"{API}/versions/2/diff?since=1").json()["lines"]
    assert steps < 10_000
    texts = {version: ada("GET", f"{API}/versions/{version}").json()["toml"] for version in (1, 2)}
    assert [one["text"] for one in lines if one["mark"] in " -"] == texts[1].splitlines()
    assert [one["text"] for one in lines if one["mark"] in " +"] == texts[2].splitlines()


@pytest.mark.parametrize(
    "toml", ["a = 1" + "0" * 5000, "a" + ".a" * 25_000 + " = 1", f"[a{'.a' * 25_000}]", "a = " + "[" * 20_000]
)
def test_what_no_file_of_rules_holds_is_refused_at_once(ada: Person, toml: str) -> None:
    answer = ada("POST", f"{API}/check", json={"toml": toml})
    assert answer.status_code == 200
    assert [one["path"] for one in answer.json()["problems"]] == [""]


def test_rules_are_tried_on_the_last_verdicts_before_they_are_in_force(
    ada: Person, database: Database
) -> None:
    for key, verdict in (("a", "Usable"), ("b", "Repeat"), ("c", "Check")):
        put_verdict(database, key, verdict)
    told = ada("POST", f"{API}/dry-run", json={"rules": {"toml": RULES}, "last": 50}).json()
    assert told["held"] == {"Tell about repeats": 1, "Keep usable ones here": 1}
    by_series = {one["series"]: one["decision"] for one in told["items"]}
    assert by_series["b-1"]["orders"][0]["text"] == "Repeat: T2, brain, 3 T, series 3, MR 1. Motion"
    assert by_series["a-1"]["routes"] == {
        "pacs": {"send": False, "hold": None, "rules": ["Keep usable ones here"]}
    }
    assert by_series["c-1"] == {"fired": [], "routes": {}, "orders": []}
    assert ada("GET", "/api/v1/errands").json()["items"] == []


def test_rules_are_tried_on_a_dropped_file_of_which_nothing_is_kept(ada: Person) -> None:
    patient = Patient(name="Zyx^Canary", id="CANARY-7")
    image = mr_series(slices=1, rows=16, columns=16, patient=patient)[0]
    image.BodyPartExamined = "BRAIN"
    file = BytesIO()
    dcmwrite(file, image, enforce_file_format=True)
    answer = ada("POST", f"{API}/describe?verdict=Repeat&index=2", content=file.getvalue())
    case = answer.json()
    assert (case["verdict"], case["index"], case["description"]["part"]) == ("Repeat", 2.0, "BRAIN")
    assert "CANARY" not in answer.text.upper()
    told = ada("POST", f"{API}/try", json={"rules": {"toml": RULES}, "case": case}).json()
    assert [one["rule"] for one in told["fired"]] == ["Tell about repeats"]
    assert ada("POST", f"{API}/describe", content=b"no image at all").status_code == 400


def test_who_may_not_change_rules_reads_them(app: FastAPI) -> None:
    tom = Person(app, "tom")
    assert tom("GET", API).status_code == 200
    assert tom("GET", f"{API}/versions").status_code == 200
    assert tom.put(RULES, 0).status_code == 403
    assert tom("POST", f"{API}/check", json={"toml": RULES}).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"toml": RULES},
        {"toml": RULES, "why": ""},
        {"toml": RULES, "why": "two\nlines"},
        {"toml": RULES, "rulebook": {}, "why": "both"},
        {"rulebook": [], "why": "no table"},
        {"rulebook": {"rule": [{"name": "x", "do": [{"kind": "run", "code": "1"}]}]}, "why": "x"},
        {"rulebook": {"rule": [{"name": "x", "do": []}]}, "why": "does nothing"},
    ],
)
def test_what_is_no_change_is_refused(ada: Person, body: object) -> None:
    assert ada("PUT", API, json=body, headers={"If-Match": '"0"'}).status_code == 422
    assert ada("GET", API).json()["version"] is None


def test_groups_without_end_are_refused(ada: Person) -> None:
    condition: dict[str, object] = {"kind": "circumstance", "one_of": ["timed"]}
    for _ in range(400):
        condition = {"kind": "not", "of": [condition]}
    rule = {"name": "deep", "when": [condition], "do": [{"kind": "hold"}]}
    assert ada.put({"rule": [rule]}, 0).status_code == 422
    assert ada.put("x = " + "[" * 5000, 0).status_code == 422
