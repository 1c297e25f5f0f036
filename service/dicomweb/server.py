"""The DICOMweb port: uvicorn behind the same gate as the DICOM port."""

import asyncio
import ssl
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.applications import Starlette

from dicom_scp.guard import Gate
from dicom_scp.taking import Peer
from service.web.server import TimedProtocol, listen, run_http


class GatedProtocol(TimedProtocol):
    """A connection that the gate has let in, or one that is closed before a byte of it is read."""

    def __init__(
        self,
        *arguments: Any,  # noqa: ANN401 - uvicorn's
        gate: Gate,
        turned_away: Callable[[str, Peer], None],
        **more: Any,  # noqa: ANN401 - the same
    ) -> None:
        super().__init__(*arguments, **more)
        self._gate = gate
        self._turned_away = turned_away
        self._inside = ""  # the address that was counted
        self.access_log = False  # its lines would hold what is asked for: patients and studies

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Ask the gate."""
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        reason = self._gate.enter(address) if address else "refused_address"
        if not reason:
            self._inside = address
        super().connection_made(transport)
        if reason:
            self._turned_away(reason, Peer(address))
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave."""
        if self._inside:
            self._gate.leave(self._inside)
            self._inside = ""
        super().connection_lost(exc)


class DicomwebServer:
    """Serves an application in a thread of its own."""

    def __init__(
        self,
        app: Starlette,
        gate: Gate,
        turned_away: Callable[[str, Peer], None],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._app = app
        self._tls = tls
        self._protocol = partial(GatedProtocol, gate=gate, turned_away=turned_away)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, host: str, port: int) -> int:
        """Listen; gives the port. Raises OSError where the address cannot be had."""
        listening = listen(host, port)
        listening.listen()  # who connects from here on waits until the thread is up
        context = self._tls
        tls = None if context is None else lambda: context
        serve = partial(run_http, self._app, listening, self._stop, protocol=self._protocol, tls=tls)
        self._thread = threading.Thread(target=serve, name="dicomweb", daemon=True)
        self._thread.start()
        return int(listening.getsockname()[1])

    def stop(self) -> None:
        """Accept no more, give what is under way a moment, and end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
