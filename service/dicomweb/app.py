"""The DICOMweb application: routes under /dicom-web, errors as problem details, bodies that nobody read."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send

from service.dicomweb.stow import Stow
from service.dicomweb.wado import Retrieval
from service.web.guard import Guard
from service.web.problems import answer_problems

ROOT = "/dicom-web"
DRAINED_BYTES = 16 << 20  # of a body that is refused: clients that send before they read hear why
DRAINED_S = 2.0

log = logging.getLogger(__name__)


def create_app(stow: Stow, retrieval: Retrieval) -> Starlette:
    """Build the application."""
    app = Starlette(
        routes=[
            Route(f"{ROOT}/studies", stow.__call__, methods=["POST"], name="store"),
            Route(f"{ROOT}/studies/{{study}}", stow.__call__, methods=["POST"], name="store in study"),
            *retrieval.routes(ROOT),
        ],
        middleware=[
            Middleware(Guard, hosts=None),
            Middleware(Lingering),
        ],
    )
    app.router.redirect_slashes = False
    answer_problems(app)
    app.add_exception_handler(HTTPException, _told(app.exception_handlers[HTTPException]))
    return app


def _told(answer: ExceptionHandler) -> Callable[[Request, Exception], Response]:
    """Say in the log what is refused and why: our own words, nothing of the request's."""

    def told(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        address = request.client.host if request.client else ""
        facts = {"http_status": error.status_code, "reason": error.detail, "address": address}
        log.warning("request refused", extra=facts)
        return cast("Callable[[Request, Exception], Response]", answer)(request, error)

    return told


class Lingering:
    """Reads on, for a while, where an answer is ready before the request is whole; then closes the connection.

    A connection that is closed with bytes unread is reset, and the answer may be lost on the way.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other kinds of scope pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        whole = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        begun = False

        async def receive_noted() -> Message:
            nonlocal whole, begun
            begun = True
            message = await receive()
            whole = not message.get("more_body", False)
            return message

        async def send_late(message: Message) -> None:
            if message["type"] == "http.response.start" and not whole:
                if begun or "expect" not in headers:  # who waits to be asked for a body is not asked for it
                    with suppress(TimeoutError):
                        await asyncio.wait_for(_drained(receive_noted), DRAINED_S)
                if not whole:
                    MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self._app(scope, receive_noted, send_late)


async def _drained(receive: Receive) -> None:
    left = DRAINED_BYTES
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if not message.get("more_body", False):
            return
