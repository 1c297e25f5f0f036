"""One thread waits for the ledger, and every open event stream hears of it within milliseconds."""

import asyncio
import json
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from fastapi.sse import format_sse_event

from service.ledger.database import LedgerUnavailable
from service.ledger_views import EventView
from service.web.house import Views

log = logging.getLogger(__name__)

HEARTBEAT_S = 3.0
PAGE = 500  # events read at a time
WAIT_S = 0.5  # the longest that the thread blocks, and so the longest that a stop waits for it
MAX_BACKLOG = 2_000  # events that a reader may lag behind before it is dropped; it comes back and replays
MAX_REPLAY = 5_000  # events; a reader that missed more reads the lists again
MAX_LISTENERS = 1_000
MAX_SCANNERS = 10_000  # series whose scanner is remembered
WITHHELD = frozenset({"access"})  # kinds of events that no stream shows
CHECK_S = 1.0  # the longest that a heartbeat waits for the checks


Told = tuple[int, str, bytes]  # an event's id, its scanner, and how it goes over the wire


class TooManyListeners(RuntimeError):
    """As many event streams are open as this service allows."""


def encode(event: str, data: Mapping[str, object], event_id: int | None = None) -> bytes:
    """Write one event as it goes over the wire."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return format_sse_event(event=event, data_str=text, id=None if event_id is None else str(event_id))


def encode_view(view: EventView) -> bytes:
    """Write an event of the ledger; its kind is its name on the stream."""
    body = {
        "id": view.id,
        "at": view.at,
        "kind": view.kind,
        "series": view.series_id,
        "data": dict(view.data),
    }
    return encode(view.kind, body, view.id)


class Listener:
    """One open event stream: what waits to be written to it."""

    def __init__(self, scanner: str = "") -> None:
        self.scanner = scanner  # the only one that it hears of; "" for all
        self._backlog: deque[tuple[int, bytes]] = deque()
        self._wake = asyncio.Event()
        self.open = True

    def push(self, event_id: int, chunk: bytes) -> None:
        """Add a chunk; a listener that lags too far behind is closed instead."""
        if len(self._backlog) >= MAX_BACKLOG:
            self._backlog.clear()
            self.open = False
        else:
            self._backlog.append((event_id, chunk))
        self._wake.set()

    def close(self) -> None:
        """End the stream after what waits."""
        self.open = False
        self._wake.set()

    async def take(self) -> list[tuple[int, bytes]]:
        """Wait for chunks, and take all of them; an empty list when the stream is over."""
        while self.open and not self._backlog:
            self._wake.clear()
            await self._wake.wait()
        taken = list(self._backlog)
        self._backlog.clear()
        return taken


class Feed:
    """Fans the ledger's events out to the listeners, with a heartbeat that carries the checks."""

    def __init__(
        self,
        views: Views,
        ready: Callable[[], Mapping[str, bool | str]],
        *,
        heartbeat_s: float = HEARTBEAT_S,
        max_listeners: int = MAX_LISTENERS,
    ) -> None:
        self._views = views
        self._ready = ready
        self._heartbeat_s = heartbeat_s
        self._max_listeners = max_listeners
        self._listeners: set[Listener] = set()
        self._scanners: dict[str, str] = {}  # of series of late
        self._stop = threading.Event()
        self._checks: asyncio.Future[dict[str, bool | str]] | None = None

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return len(self._listeners)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Watch the ledger for as long as the context is open."""
        loop = asyncio.get_running_loop()
        thread = threading.Thread(target=self._watch, args=(loop,), name="event-feed", daemon=True)
        thread.start()
        heart = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            heart.cancel()
            self.close()
            await asyncio.to_thread(thread.join, 2 * WAIT_S)

    def close(self) -> None:
        """End every stream and take no more; to be called in the loop."""
        self._stop.set()
        for listener in self._listeners:
            listener.close()

    def admit(self) -> None:
        """Raise TooManyListeners where one more stream would be too many."""
        if len(self._listeners) >= self._max_listeners:
            raise TooManyListeners(str(TooManyListeners.__doc__))

    async def stream(self, after: int | None, scanner: str = "") -> AsyncGenerator[bytes, None]:
        """Give chunks of events: first what was committed after ``after``, then what comes; of one scanner or of all.

        Ends when the feed closes or the reader lags too far behind.
        """
        listener = Listener(scanner)
        if self._stop.is_set():
            listener.close()
        self._listeners.add(listener)  # before the replay: what is committed meanwhile waits in the backlog
        try:
            newest = await asyncio.to_thread(self._views.last_event_id)
            # An id of the future is of another ledger, one of long ago too much to tell: start afresh.
            sent = after if after is not None and newest - MAX_REPLAY <= after <= newest else newest
            yield encode("hello", {"last": sent, "reset": sent != after}, sent)
            while events := await asyncio.to_thread(self._views.events_after, sent, PAGE):
                sent = events[-1].id
                told = await asyncio.to_thread(self._told, events)
                if fresh := [chunk for _, whose, chunk in told if scanner in {"", whose}]:
                    yield b"".join(fresh)
            while chunks := await listener.take():
                fresh = [chunk for event_id, chunk in chunks if event_id > sent or not event_id]
                sent = max(sent, *(event_id for event_id, _ in chunks))
                if fresh:
                    yield b"".join(fresh)
        except LedgerUnavailable:
            log.warning("event stream ended", extra={"reason": "the database does not answer"})
        finally:
            self._listeners.discard(listener)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        marker, last = 0, None
        while not self._stop.is_set():
            try:
                if last is None:
                    last = self._views.last_event_id()
                marker = self._views.wait_for_change(marker, WAIT_S)
                while events := self._views.events_after(last, PAGE):
                    last = events[-1].id
                    self._hand_over(loop, events)
            except Exception:
                log.exception("event feed cannot read the ledger")
                self._stop.wait(WAIT_S)

    def _hand_over(self, loop: asyncio.AbstractEventLoop, events: Sequence[EventView]) -> None:
        told = self._told(events)
        if told and not self._stop.is_set():
            loop.call_soon_threadsafe(self._broadcast, told)

    def _told(self, events: Sequence[EventView]) -> list[Told]:
        """Write the events that are for streams, each with its scanner: who got in is told to nobody."""
        shown = [event for event in events if event.kind not in WITHHELD]
        return [(event.id, self._scanner_of(event.series_id), encode_view(event)) for event in shown]

    def _scanner_of(self, series_id: str) -> str:
        known = self._scanners.get(series_id)
        if known is None:
            known = self._views.scanner_of(series_id) or ""
            if len(self._scanners) >= MAX_SCANNERS:
                self._scanners.clear()
            self._scanners[series_id] = known
        return known

    def _broadcast(self, told: Sequence[Told]) -> None:
        for listener in self._listeners:
            for event_id, scanner, chunk in told:
                if not event_id or listener.scanner in {"", scanner}:
                    listener.push(event_id, chunk)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            if self._listeners:
                checks = await self._check()
                ready = all(value is True for value in checks.values())
                body = {"at": time.time(), "ready": ready, "checks": checks}
                self._broadcast([(0, "", encode("heartbeat", body))])

    async def _check(self) -> dict[str, bool | str]:
        """Ask whether the house is ready; a check that hangs must not silence the heart."""
        if self._checks is None or self._checks.done():
            self._checks = asyncio.ensure_future(asyncio.to_thread(lambda: dict(self._ready())))
        try:
            return await asyncio.wait_for(asyncio.shield(self._checks), CHECK_S)
        except TimeoutError:
            return {"checks": "no answer"}
        except Exception:
            log.exception("readiness cannot be checked")
            return {"checks": "failed"}
