"""Who may do what: bearer tokens (RFC 6750), known by the SHA-256 of their secrets."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import Request

STOW, RESULTS = "stow", "results"


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks."""

    name: str = ""  # as the settings call it; "" for nobody in particular
    ae_title: str = ""  # what its instances count as sent by
    scopes: frozenset[str] = frozenset()
    digest: bytes = field(default=b"", repr=False)  # SHA-256 of its secret


class Tokens:
    """The clients of a site.

    STOW-RS asks for no token where the site has none of that scope; the settings see to it that the port is this
    machine's own then. Results, which carry identity, are never given without one.
    """

    def __init__(self, clients: Iterable[Client]) -> None:
        self._clients = tuple(clients)
        self._open = frozenset() if any(STOW in one.scopes for one in self._clients) else frozenset({STOW})

    @property
    def everywhere(self) -> bool:
        """Whether nothing is done without a token."""
        return not self._open

    def client(self, request: Request, scope: str) -> Client:
        """Give the client that asks. Raises HTTPException: 401 where it is unknown, 403 where it may not."""
        header = request.headers.get("authorization")
        if header is None and scope in self._open:
            return Client()
        kind, _, secret = (header or "").partition(" ")
        found = self._known(secret.strip()) if kind.lower() == "bearer" else None
        if found is None:
            asked = "Bearer" if header is None else 'Bearer error="invalid_token"'
            raise HTTPException(401, "A bearer token is needed.", {"WWW-Authenticate": asked})
        if scope not in found.scopes:
            asked = f'Bearer error="insufficient_scope", scope="{scope}"'
            raise HTTPException(403, f"The token is not for {scope}.", {"WWW-Authenticate": asked})
        return found

    def _known(self, secret: str) -> Client | None:
        """Find whose secret it is, in a time that does not tell how near it came."""
        digest = hashlib.sha256(secret.encode("latin-1", "replace")).digest()
        found = None
        for client in self._clients:
            if hmac.compare_digest(digest, client.digest):
                found = client
        return found
