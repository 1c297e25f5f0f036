"""Where the web listens."""

import socket
import threading

import pytest

from service.web import NotLoopback, create_app, run_web
from tests.unit.service.web.recorded import RecordedLedger, a_house


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org", ""])
def test_without_a_login_only_loopback_addresses_are_served(host: str) -> None:
    with pytest.raises(NotLoopback):
        run_web(create_app(a_house(RecordedLedger())), host, 0, threading.Event())


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        run_web(create_app(a_house(RecordedLedger())), "127.0.0.1", taken.getsockname()[1], threading.Event())
