"""Is a part alive, is it ready, what has it counted: a little HTTP server for those without the web."""

import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from service.bootstrap import Foundation
from service.ledger import LedgerUnavailable, Views
from service.metrics import Metrics
from service.parts.part import living

Checks = Mapping[str, bool | str]  # by name: True, or the reason why not


def basics(foundation: Foundation) -> Callable[[], Checks]:
    """Check what every part needs: database and disk."""

    def ready() -> Checks:
        return {"database": _answers(foundation), "disk": _has_room(foundation)}

    return ready


def readiness(foundation: Foundation, views: Views) -> Callable[[], Checks]:
    """Check what a series needs on its whole way."""

    def ready() -> Checks:
        database = _answers(foundation)
        kinds = (
            {part.facts.get("kind") for part in living(views.parts(), time.time())}
            if database is True
            else set()
        )
        return {
            "database": database,
            "disk": _has_room(foundation),
            "listener": "receive" in kinds or "no door gives a sign of life",
            "model": "work" in kinds or "no worker gives a sign of life",
        }

    return ready


def _answers(foundation: Foundation) -> bool | str:
    try:
        foundation.upkeep.installation()
    except LedgerUnavailable:
        return "does not answer"
    return True


def _has_room(foundation: Foundation) -> bool | str:
    free = foundation.spool.free_bytes()
    return free > foundation.settings.min_free_mb * 2**20 or "below the watermark"


@contextmanager
def health_server(port: int, metrics: Metrics, ready: Callable[[], Checks]) -> Generator[int]:
    """Serve /livez, /readyz and /metrics on the loopback address; gives the bound port."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            """Answer a probe."""
            status, body, kind = _answer(self.path, metrics, ready)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing: probes come every few seconds."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def _answer(path: str, metrics: Metrics, ready: Callable[[], Checks]) -> tuple[int, bytes, str]:
    if path == "/livez":
        return 200, b"alive\n", "text/plain"
    if path == "/readyz":
        checks = ready()
        lines = [f"{name}: {'ok' if value is True else value}" for name, value in checks.items()]
        status = 200 if all(value is True for value in checks.values()) else 503
        return status, ("\n".join(lines) + "\n").encode(), "text/plain"
    if path == "/metrics":
        return 200, generate_latest(metrics.registry), CONTENT_TYPE_LATEST
    return 404, b"not here\n", "text/plain"
