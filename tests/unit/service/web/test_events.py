"""The event stream on a real socket: replay, order, heartbeat, speed, and an end when it is told."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from service.ledger.database import LedgerUnavailable
from service.web import create_app
from service.web import feed as feeding
from service.web.feed import Feed, Listener
from tests.unit.service.web.recorded import RecordedLedger, a_house, a_series
from tests.unit.service.web.serving import serving

Event = tuple[str, int | None, dict[str, object]]


def events(answer: httpx.Response) -> Iterator[Event]:
    name, number, data = "", None, ""
    for line in answer.iter_lines():
        key, _, value = line.partition(": ")
        if key == "event":
            name = value
        elif key == "id":
            number = int(value)
        elif key == "data":
            data = value
        elif not line:
            yield name, number, json.loads(data)
            name, number, data = "", None, ""


@contextmanager
def listening(
    url: str, headers: dict[str, str] | None = None, query: str = ""
) -> Iterator[tuple[httpx.Response, Iterator[Event]]]:
    with (
        httpx.Client(timeout=15) as http,
        http.stream("GET", f"{url}/api/v1/events{query}", headers=headers) as answer,
    ):
        assert answer.status_code == 200
        yield answer, events(answer)


def test_a_new_listener_is_greeted_and_then_hears_what_happens(ledger: RecordedLedger) -> None:
    with serving(create_app(a_house(ledger))) as url, listening(url) as (answer, stream):
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        assert next(stream) == ("hello", 1, {"last": 1, "reset": True})
        ledger.put(a_series("s2"), kind="alert")
        name, number, body = next(stream)
        assert (name, number, body["series"]) == ("alert", 2, "s2")


@pytest.mark.parametrize("how", ["header", "query"])
def test_what_was_missed_is_replayed_once_and_in_order(ledger: RecordedLedger, how: str) -> None:
    for number in range(1200):
        ledger.put(a_series("s2", received=number))
    headers, query = ({"Last-Event-ID": "1"}, "?after=900") if how == "header" else (None, "?after=1")
    with serving(create_app(a_house(ledger))) as url, listening(url, headers, query) as (_, stream):
        assert next(stream)[2] == {"last": 1, "reset": False}
        assert [next(stream)[1] for _ in range(1200)] == list(range(2, 1202))
        ledger.put(a_series("s3"))
        assert next(stream)[1] == 1202


@pytest.mark.parametrize("known", ["4711", "x", "-1", "9" * 40])
def test_an_id_of_another_ledger_starts_afresh(ledger: RecordedLedger, known: str) -> None:
    with serving(create_app(a_house(ledger))) as url, listening(url, {"Last-Event-ID": known}) as (_, stream):
        assert next(stream)[2] == {"last": 1, "reset": True}


def test_nothing_is_lost_or_told_twice_while_events_pour_in(ledger: RecordedLedger) -> None:
    stop = threading.Event()

    def pour() -> None:
        while not stop.is_set():
            ledger.put(a_series("s2"))
            time.sleep(0.0005)

    with serving(create_app(a_house(ledger))) as url:
        pouring = threading.Thread(target=pour)
        pouring.start()
        try:
            last = 1
            for _ in range(5):  # five connections, each going on where the last one ended
                with listening(url, {"Last-Event-ID": str(last)}) as (_, stream):
                    next(stream)
                    for _ in range(200):
                        number = next(stream)[1]
                        assert number == last + 1
                        last = number
        finally:
            stop.set()
            pouring.join()


def test_the_heart_beats_with_the_checks(ledger: RecordedLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(a_house(ledger, ready={"database": True, "model": "no worker"}))
    app.state.feed = Feed(ledger, app.state.house.ready, heartbeat_s=0.05)
    with serving(app) as url, listening(url) as (_, stream):
        beats = [body for name, _, body in (next(stream) for _ in range(3)) if name == "heartbeat"]
    assert len(beats) == 2
    assert beats[0]["ready"] is False
    assert beats[0]["checks"] == {"database": True, "model": "no worker"}


def test_checks_that_hang_or_fail_do_not_silence_the_heart(
    ledger: RecordedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "CHECK_S", 0.05)
    hang = threading.Event()

    def ready() -> dict[str, bool | str]:
        hang.wait(10)
        raise OSError("the disk is gone")

    app = create_app(a_house(ledger))
    app.state.feed = Feed(ledger, ready, heartbeat_s=0.05)
    with serving(app) as url, listening(url) as (_, stream):
        next(stream)
        assert next(stream)[2]["checks"] == {"checks": "no answer"}
        hang.set()
        assert any(next(stream)[2]["checks"] == {"checks": "failed"} for _ in range(10))


def test_the_stream_lives_on_when_the_ledger_fails_for_a_while(ledger: RecordedLedger) -> None:
    app = create_app(a_house(ledger))
    app.state.feed = Feed(ledger, app.state.house.ready, heartbeat_s=0.05)
    with serving(app) as url, listening(url) as (_, stream):
        next(name for name, _, _ in stream if name == "heartbeat")  # the replay is over
        ledger.failing = LedgerUnavailable()
        ledger.put(a_series("s2"))
        time.sleep(0.2)
        ledger.failing = None
        assert next(body for name, _, body in stream if name == "series")["series"] == "s2"


def test_a_stop_ends_open_streams_at_once(ledger: RecordedLedger) -> None:
    app = create_app(a_house(ledger))
    with serving(app) as url, listening(url) as (_, stream):
        next(stream)
        app.state.feed.close()
        assert list(stream) == []


def test_a_stop_of_the_server_ends_open_streams_in_good_order(ledger: RecordedLedger) -> None:
    with httpx.Client(timeout=15) as http:
        with serving(create_app(a_house(ledger))) as url:
            answer = http.send(http.build_request("GET", f"{url}/api/v1/events"), stream=True)
            lines = answer.iter_lines()
            next(lines)
        assert not [line for line in lines if "event" in line]  # a stream that was cut off raises here
        answer.close()


def test_one_stream_too_many_is_refused(ledger: RecordedLedger) -> None:
    app = create_app(a_house(ledger))
    app.state.feed = Feed(ledger, app.state.house.ready, max_listeners=1)
    with serving(app) as url, listening(url) as (_, stream):
        next(stream)
        refused = httpx.get(f"{url}/api/v1/events")
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "5"
        assert refused.headers["content-type"] == "application/problem+json"


def test_a_listener_that_left_is_forgotten(ledger: RecordedLedger) -> None:
    app = create_app(a_house(ledger))
    with serving(app) as url:
        with listening(url) as (_, stream):
            next(stream)
            assert app.state.feed.listeners == 1
        deadline = time.monotonic() + 5
        while app.state.feed.listeners and time.monotonic() < deadline:
            time.sleep(0.02)
        assert app.state.feed.listeners == 0


def test_a_reader_that_lags_too_far_behind_is_dropped() -> None:
    async def lag() -> list[tuple[int, bytes]]:
        listener = Listener()
        for number in range(feeding.MAX_BACKLOG + 1):
            listener.push(number + 1, b"x")
        assert not listener.open
        return await listener.take()

    assert asyncio.run(lag()) == []


def test_a_request_that_never_ends_its_headers_is_cut_off(
    ledger: RecordedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.web.server.REQUEST_S", 0.3)
    with serving(create_app(a_house(ledger))) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as slow:
            slow.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            assert slow.recv(1) == b""
        assert httpx.get(f"{url}/livez").status_code == 200
