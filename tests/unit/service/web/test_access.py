"""Who gets in, and what each may: every cell of the table of authorisation, on the running application."""

from pathlib import Path

import anyio
import httpx
import pytest
from fastapi import APIRouter, FastAPI

from service.access import OF_ROLE, OPEN, Gate, Role
from service.access.gate import SignedIn
from service.ledger.tokens import Grant
from service.web import create_app
from service.web.access import COOKIE, Undeclared, check_declared
from service.web.matrix import Operation, describe, operations
from service.web.proxy import Proxies
from tests.unit.service.web.conftest import BASE
from tests.unit.service.web.recorded import RecordedLedger, a_gate, a_house, a_series, judged, some_slices

ROOT = Path(__file__).resolve().parents[4]
PASSWORD = "blue horse under moon"
EXAMPLES = {
    "series_id": "s1",
    "review_id": "4711",
    "protocol_id": "1-KEY",
    "study_id": "study-1",
    "scanner": "MR 2",
    "position": "0",
    "name": "somebody",
    "session_id": "4711",
    "delivery_id": "4711",
    "number": "1",
    "errand_id": "4711",
    "artifact": "motion",
    "node_id": "scanner:MR 1",
    "what": "scoring",
    "profile": "live",
}
DESCRIPTION = create_app(a_house(RecordedLedger())).openapi()
OPERATIONS = list(operations(DESCRIPTION))


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(clock: Clock) -> Gate:
    return a_gate(clock)


@pytest.fixture
def people(gate: Gate) -> Gate:
    """A gate with a person of each role."""
    encoded = gate.passwords.encode(PASSWORD)
    for role in [Role.ADMINISTRATOR, *(role for role in Role if role is not Role.ADMINISTRATOR)]:
        gate.accounts.added(role, role, encoded, temporary=False, now=gate.clock(), by="test")
    return gate


@pytest.fixture
def ledger() -> RecordedLedger:
    made = RecordedLedger()
    found = {"motion": 0.9}
    made.put(judged("s1", "Repeat", found, index=2.4), some_slices("s1", found), "alert")
    made.put(a_series("other", scanner="MR 9"))
    return made


@pytest.fixture
def app(ledger: RecordedLedger, gate: Gate) -> FastAPI:
    return create_app(a_house(ledger, gate=gate))


def ask(app: FastAPI, method: str, url: str, **more: object) -> httpx.Response:
    async def asking() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
            return await http.request(method, url, **more)  # type: ignore[arg-type]  # httpx's own keywords

    return anyio.run(asking)


def as_person(gate: Gate, name: str) -> SignedIn:
    return gate._opened(gate.accounts.get(name), "127.0.0.1", None)


def headers_of(signed: SignedIn) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={signed.secret}", "X-CSRF-Token": signed.caller.csrf}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def call(app: FastAPI, operation: Operation, headers: dict[str, str]) -> int:
    app.state.feed.close()  # else the event stream has no end
    url = operation.path.format_map(EXAMPLES)
    body = {"json": {}} if operation.method in {"POST", "PUT", "PATCH"} else {}
    return ask(app, operation.method, url, headers=headers, **body).status_code


@pytest.mark.parametrize("role", Role)
def test_each_role_may_call_what_the_table_says_and_nothing_else(
    app: FastAPI, people: Gate, role: Role
) -> None:
    wrong = []
    for operation in OPERATIONS:
        status = call(app, operation, headers_of(as_person(people, role)))
        refused = status in {401, 403}
        # signing in demands nothing, and is refused without a password
        if operation.path != "/api/v1/session" and refused is operation.allows(OF_ROLE[role]):
            wrong.append((operation.method, operation.path, status))
    assert wrong == []


def test_nobody_may_call_what_demands_something(app: FastAPI, people: Gate) -> None:
    statuses = {(one.method, one.path): call(app, one, {}) for one in OPERATIONS if one.needs}
    assert {key: status for key, status in statuses.items() if status != 401} == {}
    assert {one.path for one in OPERATIONS if not one.needs} == {
        "/login",
        "/help",  # whoever cannot sign in may read how
        "/livez",
        "/readyz",
        "/api/v1/session",
    }


def test_everybody_may_read_while_there_is_no_user_and_nobody_may_write(app: FastAPI, gate: Gate) -> None:
    statuses = {(one.method, one.path): call(app, one, {}) for one in OPERATIONS if one.needs}
    open_to_all = {(one.method, one.path) for one in OPERATIONS if one.allows(OPEN)}
    assert {key for key, status in statuses.items() if status != 401} == {
        key for key in statuses if key in open_to_all
    }
    assert {method for method, _ in open_to_all if _ != "/api/v1/session"} == {"GET"}
    told = ask(app, "GET", "/api/v1/session").json()
    assert (told["open"], told["signed_in"], told["csrf"]) == (True, False, "")


@pytest.mark.parametrize("scope", ["read", "status", "deliveries", "metrics", "stow", "results"])
def test_a_token_may_what_its_scope_names(app: FastAPI, people: Gate, scope: str) -> None:
    issued = people.tokens.issue(Grant(name="t", scopes=frozenset({scope})), people.clock(), "test")
    wrong = []
    for operation in (one for one in OPERATIONS if one.needs):
        status = call(app, operation, bearer(issued.secret))
        if (status == 403) is operation.allows(frozenset({scope})):
            wrong.append((operation.method, operation.path, status))
    assert wrong == []


def test_the_table_that_is_written_down_is_what_the_description_says() -> None:
    begin, end = "<!-- generated: authorisation -->\n", "<!-- end: authorisation -->"
    there = (
        (ROOT / "deploy/authorisation.md")
        .read_text("utf-8")
        .partition(begin)[2]
        .partition(end)[0]
        .strip("\n")
    )
    expected = describe(DESCRIPTION)
    assert there == expected, f"put this between the markers:\n\n{expected}\n"


def test_an_operation_that_declares_nothing_stops_the_start() -> None:
    router = APIRouter()
    router.get("/forgotten")(lambda: None)
    with pytest.raises(Undeclared, match="/forgotten"):
        check_declared(router)


def sign_in(app: FastAPI, name: str, password: str = PASSWORD, **more: object) -> httpx.Response:
    return ask(app, "POST", "/api/v1/session", json={"name": name, "password": password}, **more)


def test_the_cookie_is_the_host_s_alone_and_no_script_s(app: FastAPI, people: Gate) -> None:
    answer = sign_in(app, "technologist")
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("__host-scanside=")
    for part in ("secure", "httponly", "samesite=strict", "path=/"):
        assert part in cookie
    assert "domain" not in cookie
    assert "max-age" not in cookie


def test_signing_in_gives_a_new_id_and_ends_the_session_before(app: FastAPI, people: Gate) -> None:
    planted = {"Cookie": f"{COOKIE}=planted"}
    first = sign_in(app, "technologist", headers=planted).cookies[COOKIE]
    second = sign_in(app, "technologist", headers={"Cookie": f"{COOKIE}={first}"}).cookies[COOKIE]
    assert len({"planted", first, second}) == 3
    told = [
        ask(app, "GET", "/api/v1/session", headers={"Cookie": f"{COOKIE}={one}"}).json()
        for one in (first, second)
    ]
    assert [one["signed_in"] for one in told] == [False, True]


def test_an_unknown_name_and_a_wrong_password_are_answered_alike(app: FastAPI, people: Gate) -> None:
    answers = [sign_in(app, name, "wrong").json() for name in ("technologist", "stranger")]
    people.accounts.locked("technologist", people.clock(), "test")
    answers.append(sign_in(app, "technologist").json())
    assert {(one["status"], one["detail"]) for one in answers} == {
        (401, "The name or the password is wrong, or the account is locked.")
    }


@pytest.mark.parametrize("name", ["technologist", "stranger"])
def test_the_sixth_attempt_has_to_wait_whether_there_is_such_a_user_or_not(
    app: FastAPI, people: Gate, clock: Clock, name: str
) -> None:
    statuses = [sign_in(app, name, "wrong").status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    barred = sign_in(app, name)  # even with the right password
    assert (barred.status_code, barred.headers["retry-after"]) == (429, "30")
    clock.now += 31
    assert sign_in(app, name, "wrong").status_code == 401
    assert sign_in(app, name, "wrong").headers["retry-after"] == "60"


UNSAFE = ("DELETE", "/api/v1/account/sessions")


@pytest.mark.parametrize("told", [{}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}])
def test_nothing_changes_without_the_session_s_own_token(
    app: FastAPI, people: Gate, told: dict[str, str]
) -> None:
    signed = as_person(people, "technologist")
    headers = {"Cookie": f"{COOKIE}={signed.secret}", **told}
    assert ask(app, *UNSAFE, headers=headers).status_code == 403
    stranger = headers_of(as_person(people, "physicist"))["X-CSRF-Token"]
    assert ask(app, *UNSAFE, headers=headers | {"X-CSRF-Token": stranger}).status_code == 403
    assert people.lasts(signed.caller)


@pytest.mark.parametrize(
    "told",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_a_page_of_another_site_changes_nothing(app: FastAPI, people: Gate, told: dict[str, str]) -> None:
    signed = as_person(people, "technologist")
    assert ask(app, *UNSAFE, headers=headers_of(signed) | told).status_code == 403
    assert sign_in(app, "technologist", headers=told).status_code == 403
    assert ask(app, *UNSAFE, headers=headers_of(signed) | {"Origin": BASE}).status_code == 204


def test_a_page_leads_people_to_sign_in_and_answers_programs(app: FastAPI, people: Gate) -> None:
    answer = ask(app, "GET", "/users", headers={"Accept": "text/html,*/*"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/users")
    assert ask(app, "GET", "/users").status_code == 401


def test_a_request_that_is_too_long_is_refused_before_it_is_read(app: FastAPI, people: Gate) -> None:
    async def drops() -> object:
        for _ in range(100):
            yield b"x" * 1000

    for content in (b"x" * 100_000, drops()):
        answer = ask(
            app, "POST", "/api/v1/session", content=content, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


def test_a_first_password_opens_only_the_door_to_another(app: FastAPI, people: Gate) -> None:
    boss = headers_of(as_person(people, "administrator"))
    told = ask(app, "POST", "/api/v1/users", json={"name": "petra", "role": "physicist"}, headers=boss).json()
    signed = sign_in(app, "petra", told["password"])
    headers = {"Cookie": f"{COOKIE}={signed.cookies[COOKIE]}", "X-CSRF-Token": signed.json()["csrf"]}
    assert ask(app, "GET", "/api/v1/series", headers=headers).status_code == 403
    weak = {"current": told["password"], "new": "petrapetrapetra"}
    assert ask(app, "PUT", "/api/v1/account/password", json=weak, headers=headers).status_code == 400
    good = weak | {"new": "a quiet lake at dawn"}
    answer = ask(app, "PUT", "/api/v1/account/password", json=good, headers=headers)
    assert answer.status_code == 200
    assert ask(app, "GET", "/api/v1/series", headers=headers).status_code == 401  # that session has ended
    fresh = {"Cookie": f"{COOKIE}={answer.cookies[COOKIE]}"}
    assert ask(app, "GET", "/api/v1/series", headers=fresh).status_code == 200


def test_a_board_sees_its_scanner_alone(app: FastAPI, people: Gate) -> None:
    grant = Grant(name="board", scopes=frozenset({"read", "deliveries"}), scanner="MR 9")
    secret = people.tokens.issue(grant, people.clock(), "test").secret
    opened = ask(app, "POST", "/api/v1/session", json={"token": secret})
    assert opened.json()["scanner"] == "MR 9"
    assert "max-age" in opened.headers["set-cookie"].lower()
    for headers in (bearer(secret), {"Cookie": f"{COOKIE}={opened.cookies[COOKIE]}"}):
        items = ask(app, "GET", "/api/v1/series", headers=headers).json()["items"]
        assert [one["id"] for one in items] == ["other"]
        assert ask(app, "GET", "/api/v1/series/other", headers=headers).status_code == 200
        for path in ("", "/slices", "/findings", "/feedback", "/slices/0/image", "/slices/0/masks"):
            assert ask(app, "GET", f"/api/v1/series/s1{path}", headers=headers).status_code == 404
        assert ask(app, "GET", "/api/v1/status", headers=headers).status_code == 403
        assert ask(app, "GET", "/api/v1/users", headers=headers).status_code == 403
    assert people.tokens.revoke("board", people.clock(), "test")
    assert ask(app, "GET", "/api/v1/series", headers=headers).status_code == 401


def test_an_event_stream_that_opens_again_keeps_nobody_signed_in(
    app: FastAPI, people: Gate, clock: Clock
) -> None:
    signed = as_person(people, "technologist")
    app.state.feed.close()  # else the stream has no end
    stream = headers_of(signed) | {"Accept": "text/event-stream"}
    for _ in range(2):
        clock.now += 800
        status = ask(app, "GET", "/api/v1/events", headers=stream).status_code
    assert status == 401


def test_a_token_of_another_kind_opens_no_board(app: FastAPI, people: Gate) -> None:
    secret = people.tokens.issue(Grant(name="t", scopes=frozenset({"read"})), people.clock(), "test").secret
    assert ask(app, "POST", "/api/v1/session", json={"token": secret}).status_code == 401


def test_what_is_said_to_a_verdict_is_shown_and_counts_once_for_what_was_seen(
    app: FastAPI, people: Gate, ledger: RecordedLedger
) -> None:
    url = "/api/v1/series/s1/feedback"
    headers = headers_of(as_person(people, "technologist")) | {"Idempotency-Key": "press-0001"}
    seen = ask(app, "GET", url, headers=headers).headers["etag"]
    body = {"kind": "wrong alarm"}
    assert ask(app, "POST", url, json=body, headers=headers).status_code == 428
    said = ask(app, "POST", url, json=body, headers=headers | {"If-Match": seen})
    assert (said.status_code, [one["kind"] for one in said.json()["items"]]) == (201, ["wrong alarm"])
    assert said.headers["etag"] != seen
    assert ledger.events[-1].kind == "feedback"
    again = headers | {"If-Match": seen, "Idempotency-Key": "press-0002"}
    assert ask(app, "POST", url, json=body, headers=again).status_code == 412
    told = ask(app, "GET", "/api/v1/series/s1", headers=headers).json()
    assert [(one["author"], one["role"]) for one in told["feedback"]] == [("technologist", "technologist")]


@pytest.mark.parametrize(
    ("client", "forwarded", "expected"),
    [
        ("10.0.0.2", {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}, "192.0.2.7"),
        (
            "10.0.0.2",
            {"X-Forwarded-Proto": "https", "X-Forwarded-For": "6.6.6.6, 192.0.2.7, 10.0.0.3"},
            "192.0.2.7",
        ),
        ("10.0.0.2", {"X-Forwarded-Proto": "https", "X-Forwarded-For": "<script>"}, "unknown"),
        ("10.0.0.2", {"X-Forwarded-Proto": "http", "X-Forwarded-For": "192.0.2.7"}, None),
        ("192.0.2.9", {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}, None),
        ("::ffff:10.0.0.2", {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}, "192.0.2.7"),
        ("10.0.0.2", {"X-Forwarded-Proto": "https", "x-forwarded-proto": "http"}, None),
    ],
)
def test_a_proxy_is_believed_where_it_is_known(
    client: str, forwarded: dict[str, str], expected: str | None
) -> None:
    raw = [(name.lower().encode(), value.encode()) for name, value in forwarded.items()]
    scope = {"type": "http", "scheme": "http", "client": (client, 1), "headers": raw}
    assert Proxies(["10.0.0.0/8"]).seen_through(scope) is (expected is not None)
    if expected is not None:
        assert (scope["client"], scope["scheme"]) == ((expected, 0), "https")
