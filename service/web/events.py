"""The event stream: server-sent events of the ledger, replayed after Last-Event-ID."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Query, Response
from starlette.types import Receive, Scope, Send

from service.ledger.database import LedgerUnavailable
from service.web.access import Reader, VisibleScanner
from service.web.deps import FeedOf, HouseOf
from service.web.feed import TooManyListeners
from service.web.problems import documented

log = logging.getLogger(__name__)

CHECK_S = 10.0  # how often it is asked whether the reader is still let in
WRITE_S = 10.0  # a reader that takes nothing for so long is dropped

router = APIRouter(prefix="/api/v1", tags=["events"])


class EventStream(Response):
    """Writes chunks as they come, and ends when the reader is gone or too slow."""

    media_type = "text/event-stream"

    def __init__(self, chunks: AsyncGenerator[bytes, None], lasts: Callable[[], bool]) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._chunks = chunks
        self._lasts = lasts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI's signature
        """Stream until one side ends it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        writing = asyncio.create_task(self._write(send))
        leaving = asyncio.create_task(_left(receive))
        ending = asyncio.create_task(self._ended())
        try:
            await asyncio.wait((writing, leaving, ending), return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                await writing
            elif ending.done():
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            log.warning("event stream dropped", extra={"reason": "the reader is too slow"})
        finally:
            writing.cancel()
            leaving.cancel()
            ending.cancel()
            await asyncio.gather(writing, leaving, ending, return_exceptions=True)

    async def _write(self, send: Send) -> None:
        async with aclosing(self._chunks) as chunks:
            async for chunk in chunks:
                async with asyncio.timeout(WRITE_S):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _ended(self) -> None:
        """Return when the reader is let in no more."""
        while await asyncio.to_thread(self._still):  # noqa: ASYNC110 - nothing rings when a session ends
            await asyncio.sleep(CHECK_S)

    def _still(self) -> bool:
        try:
            return self._lasts()
        except LedgerUnavailable:  # nobody is put out for that
            return True


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _event_id(text: str | None) -> int | None:
    # A header that is no number is what a browser remembers of another service: start afresh.
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) <= 18 else None


@router.get(
    "/events",
    summary="Follow what happens",
    response_class=EventStream,
    status_code=200,  # FastAPI reads it off the class otherwise, whose constructor takes none
    responses={
        200: {
            "description": "Events `series`, `alert`, `delivery`, `conflict` with their ids, `hello` at "
            "the start (`reset`: events may have been missed, read the lists again), `heartbeat` every 3 s.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **documented(401, 403, 404),
    },
)
def follow(
    feed: FeedOf,
    house: HouseOf,
    caller: Reader,
    scanner: VisibleScanner,
    after: Annotated[
        int | None, Query(ge=0, le=2**53, description="Replay what came after this event")
    ] = None,
    last_event_id: Annotated[
        str | None, Header(description="What a browser sends when it reconnects; goes before `after`")
    ] = None,
) -> EventStream:
    """Open a stream of events."""
    try:
        feed.admit()
    except TooManyListeners as full:
        raise HTTPException(503, str(full), {"Retry-After": "5"}) from full
    known = _event_id(last_event_id)
    chunks = feed.stream(after if known is None else known, scanner)
    return EventStream(chunks, lambda: house.gate.lasts(caller))
