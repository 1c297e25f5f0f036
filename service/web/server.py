"""The HTTP server: uvicorn on a socket of ours, stopped within seconds although streams are open."""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Generator
from typing import cast

import h11
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from service.web.feed import Feed
from service.web.house import House

REQUEST_S = 10.0  # the longest that a request line with its headers may take to arrive
KEEP_ALIVE_S = 20
GRACE_S = 3  # for requests in flight at the stop
MAX_CONNECTIONS = 1_200
MAX_HEADER_BYTES = 32 * 1024
DEAD_PEER_MS = 20_000  # unacknowledged bytes older than this end the connection


class NotLoopback(ValueError):
    """Without TLS, its own or a proxy's, the web is served on a loopback address only."""


class TimedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with a deadline for requests that arrive drop by drop."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take bytes."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._forget()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._forget()
        elif self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(REQUEST_S, self._too_slow)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self.transport.abort()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals to whoever started us."""
        yield


def bind(host: str, port: int) -> socket.socket:
    """Bind a loopback address; port 0 lets the system choose. Raises NotLoopback and OSError."""
    try:
        loopback = ipaddress.ip_address(_numeric(host)).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise NotLoopback(str(NotLoopback.__doc__))
    return listen(host, port)


def listen(host: str, port: int) -> socket.socket:
    """Bind any address; port 0 lets the system choose. Raises OSError."""
    address = _numeric(host)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only where it is; without, small answers take 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit it: a peer that stops reading cannot hold its buffers for ever.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_MS)
        listening.bind((address, port))
    except OSError:
        listening.close()
        raise
    return listening


def _numeric(host: str) -> str:
    return "127.0.0.1" if host == "localhost" else host


def run_web(
    app: FastAPI,
    host: str,
    port: int,
    stop: threading.Event,
    *,
    bound: Callable[[int], None] | None = None,
    tls: Callable[[], ssl.SSLContext] | None = None,
) -> None:
    """Serve until ``stop`` is set; ``bound`` is told the port as soon as connections are accepted.

    Blocks, in any thread; installs no signal handler. Raises NotLoopback, and OSError where
    the port is taken.
    """
    house = cast("House", app.state.house)
    safe = tls is not None or house.proxies is not None
    listening = listen(host, port) if safe else bind(host, port)
    feed = cast("Feed", app.state.feed)
    run_http(app, listening, stop, bound=bound, closing=feed.close, tls=tls)


def run_http(
    app: Starlette,
    listening: socket.socket,
    stop: threading.Event,
    *,
    bound: Callable[[int], None] | None = None,
    closing: Callable[[], None] = lambda: None,
    protocol: Callable[..., asyncio.Protocol] = TimedProtocol,
    tls: Callable[[], ssl.SSLContext] | None = None,
) -> None:
    """Serve on a bound socket until ``stop`` is set; ``closing`` is called before open responses are waited for."""
    config = uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", protocol),
        ws="none",
        lifespan="on",
        loop="asyncio",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        ssl_context_factory=None if tls is None else lambda _config, _default: tls(),
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
    )
    asyncio.run(_serve(_Server(config), listening, stop, bound, closing))


async def _serve(
    server: _Server,
    listening: socket.socket,
    stop: threading.Event,
    bound: Callable[[int], None] | None,
    closing: Callable[[], None],
) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    told = False
    while not serving.done() and not stop.is_set():
        if server.started and not told:
            told = True
            if bound is not None:
                bound(listening.getsockname()[1])
        await asyncio.sleep(0.02)
    closing()  # uvicorn waits for open responses, and an event stream ends only when it is told to
    server.should_exit = True
    await serving
    for connection in list(server.server_state.connections):  # of those who came while the door was closing
        connection.transport.abort()
    await asyncio.sleep(0)
