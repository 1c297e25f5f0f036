"""Who may do what over DICOMweb: clients are known by their tokens."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

from service.access import Permission, Tokens
from service.web.guard import name_of_host
from service.web.house import LOOPBACK_NAMES


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks."""

    name: str = ""  # of its token; "" for anybody on this machine
    ae_title: str = ""  # what its images count as sent by


@dataclass(frozen=True, slots=True)
class Admission:
    """Lets clients in.

    Results, which carry identity, are never given without a token. Images may come without one where the port is
    this machine's own and no token for them has been issued.
    """

    tokens: Tokens
    at_home: bool  # only this machine reaches the port
    clock: Callable[[], float] = time.time

    def client(self, request: Request, scope: Permission) -> Client:
        """Give the client that asks; blocks. Raises HTTPException: 401 where it is unknown, 403 where it may not."""
        header = request.headers.get("authorization")
        if header is None and self._is_open(scope):
            if name_of_host(request.headers.get("host", "")) not in LOOPBACK_NAMES:
                # A page of another site whose name was made to point here (DNS rebinding) ends at this line.
                raise HTTPException(
                    421, "Without a token this service answers to names of this machine only."
                )
            return Client()
        kind, _, secret = (header or "").partition(" ")
        token = self.tokens.known(secret.strip(), now=self.clock()) if kind.lower() == "bearer" else None
        if token is None:
            asked = "Bearer" if header is None else 'Bearer error="invalid_token"'
            raise HTTPException(401, "A bearer token is needed.", {"WWW-Authenticate": asked})
        if scope not in token.scopes:
            asked = f'Bearer error="insufficient_scope", scope="{scope}"'
            raise HTTPException(403, f"The token is not for {scope}.", {"WWW-Authenticate": asked})
        return Client(token.name, token.ae_title)

    def _is_open(self, scope: Permission) -> bool:
        return self.at_home and scope == Permission.STOW and not self.tokens.any_for(scope, now=self.clock())
