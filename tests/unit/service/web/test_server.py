"""Where the web listens."""

import asyncio
import socket
import threading

import httpx
import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol

from service.web import NotLoopback, create_app, run_web
from tests.unit.service.web.recorded import RecordedLedger, a_house
from tests.unit.service.web.serving import serving


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org", ""])
def test_without_a_login_only_loopback_addresses_are_served(host: str) -> None:
    with pytest.raises(NotLoopback):
        run_web(create_app(a_house(RecordedLedger())), host, 0, threading.Event())


def test_answers_are_not_held_back_by_nagle(monkeypatch: pytest.MonkeyPatch) -> None:
    delays: list[int] = []
    made = H11Protocol.connection_made

    def connected(self: H11Protocol, transport: asyncio.Transport) -> None:
        made(self, transport)
        delays.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(H11Protocol, "connection_made", connected)
    with serving(create_app(a_house(RecordedLedger()))) as url:
        assert httpx.get(f"{url}/livez").status_code == 200
    assert delays == [1]


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        run_web(create_app(a_house(RecordedLedger())), "127.0.0.1", taken.getsockname()[1], threading.Event())
