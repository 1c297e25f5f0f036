"""The outermost layer: who may ask, the request's id, the security headers, and the last catch."""

import logging
import re
import uuid
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.ledger.audit import ADDRESS
from service.web.problems import told
from service.web.proxy import Proxies

log = logging.getLogger(__name__)

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
}

TOO_LONG = "The request is too long."
PAST_PROXY = (403, "This service is asked through its proxy, by https.")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # methods that change nothing
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?", re.IGNORECASE)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def name_of_host(value: str) -> str | None:
    """Take the port off a Host header; None where it is no host at all."""
    found = _HOST.fullmatch(value)
    return found["name"].lower() if found else None


def request_id_of(headers: Headers) -> str:
    """Take over the caller's id where it is harmless in a log, else a new one."""
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


class Guard:
    """ASGI middleware around the whole application.

    Args:
        app: what it is around.
        hosts: names that it answers to; None for any.
        proxies: with them nobody is answered who comes past them.
        most_bytes: of a request; None where the application sees to that itself.
        larger: the same for paths that take more.

    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Iterable[str] | None,
        proxies: Proxies | None = None,
        most_bytes: int | None = None,
        larger: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._larger = larger
        self._proxies = proxies
        self._hosts = None if hosts is None else frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other kinds of scope pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        past_proxy = self._proxies is not None and not self._proxies.seen_through(scope)
        request_id = scope["request_id"] = request_id_of(headers)
        ADDRESS.set(scope["client"][0] if scope.get("client") else "")
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(message, request_id, scope["scheme"])
            await send(message)

        refusal = PAST_PROXY if past_proxy else self._refusal(scope, headers)
        if refusal is not None:
            status, detail = refusal
            await told(Request(scope), status, detail)(scope, receive, send_guarded)
            return
        try:
            await self._app(scope, self._bounded(receive, scope), send_guarded)
        except Exception:
            log.exception("request failed", extra={"request_id": request_id, "method": scope["method"]})
            if started:
                raise
            failure = told(Request(scope), 500, "The service failed; its log says why.")
            await failure(scope, receive, send_guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """Say why a request is not even looked at, with the status; None for one that is."""
        if self._hosts is not None and name_of_host(headers.get("host", "")) not in self._hosts:
            # A page of another site whose name was made to point here (DNS rebinding) ends at this line.
            return 421, "This service does not answer to that host name."
        if scope["method"] not in SAFE and not _from_here(scope, headers):
            return 403, "A page of another site asks for this."
        length = headers.get("content-length", "0")
        most = self._most(scope)
        if most is not None and length.isdecimal() and int(length) > most:
            return 413, TOO_LONG
        return None

    def _most(self, scope: Scope) -> int | None:
        return None if self._most_bytes is None else self._larger.get(scope["path"], self._most_bytes)

    def _bounded(self, receive: Receive, scope: Scope) -> Receive:
        """Let no body through that is longer than it may be, whatever its header said."""
        most = self._most(scope)
        if most is None:
            return receive
        left: int = most

        async def bounded() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, TOO_LONG)
            return message

        return bounded


def _from_here(scope: Scope, headers: Headers) -> bool:
    """Whether a browser's request comes from a page of ours; programs, which tell neither header, pass."""
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    own = f"{scope['scheme']}://{headers.get('host', '')}"
    return headers.get("origin", own).lower() == own.lower()


def _add_headers(message: Message, request_id: str, scheme: str) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in SECURITY_HEADERS.items():
        headers[name] = value
    if scheme == "https":
        headers["Strict-Transport-Security"] = "max-age=31536000"
    headers["X-Request-ID"] = request_id
    headers.setdefault("Cache-Control", "no-store")
