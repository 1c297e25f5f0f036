"""What each operation demands: declared once where it stands, enforced here, told by the API's description."""

import hmac
from math import inf
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from service.access import NOBODY, Caller, NotSignedIn, Permission
from service.web.deps import HouseOf, SeriesId
from service.web.guard import SAFE

COOKIE = "__Host-scanside"
"""Browsers take it from https only; Chromium and Firefox count this machine's own addresses as safe too."""
CSRF_HEADER = "X-CSRF-Token"
IDLE_HEADER = "X-Idle-Seconds"  # how long ago the person at the page did something
NO_SERIES = "There is no such series."
NO_SCANNER = "There is no such scanner."

_cookie = APIKeyCookie(
    name=COOKIE,
    scheme_name="session",
    description="Set by signing in. Requests that change something repeat its `csrf` in X-CSRF-Token.",
    auto_error=False,
)
_bearer = HTTPBearer(
    scheme_name="token", description="`scanside token add`, or the page of tokens", auto_error=False
)


class Undeclared(TypeError):
    """An operation says neither what it demands nor that it is for everybody."""


def idle_of(request: Request) -> float:
    """Read how long the person did nothing; what is no number of seconds counts as none.

    An event stream, which the browser opens again by itself and cannot give a header, is no sign of anybody.
    """
    if request.headers.get("accept") == "text/event-stream":
        return inf
    text = request.headers.get(IDLE_HEADER, "0")
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 8 else 0.0


def address_of(request: Request) -> str:
    """Give the address that asks."""
    return request.client.host if request.client else ""


def authorised(
    request: Request,
    house: HouseOf,
    needed: SecurityScopes,
    cookie: Annotated[str | None, Security(_cookie)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Caller:
    """Give the caller, who may do what is needed.

    Raises HTTPException: 401 where nobody is signed in, 403 where somebody else has to.
    """
    try:
        caller = house.gate.caller(cookie, bearer.credentials if bearer else None, idle_of(request))
    except NotSignedIn as error:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise HTTPException(401, str(error), challenge) from error
    missing = set(needed.scopes) - caller.permissions
    if missing and not caller.known:
        raise HTTPException(401, "This needs somebody who is signed in.", {"WWW-Authenticate": "Bearer"})
    if caller.temporary and missing:
        raise HTTPException(403, "The password has to be changed first.")
    if missing:
        raise HTTPException(403, f"This needs the permission {', '.join(sorted(missing))}.")
    check_csrf(request, caller)
    return caller


def anyone(request: Request, house: HouseOf) -> Caller:
    """Give the caller, who may be nobody."""
    try:
        return house.gate.caller(request.cookies.get(COOKIE), None, idle_of(request))
    except NotSignedIn:
        return NOBODY


async def public() -> None:
    """Mark an operation that asks for nobody."""


def check_csrf(request: Request, caller: Caller) -> None:
    """Refuse to change something for a session whose page did not ask for it. Raises HTTPException."""
    if request.method in SAFE or caller.session is None:
        return
    given = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(given.encode(), caller.csrf.encode()):
        raise HTTPException(403, f"The header {CSRF_HEADER} is not that of this session.")


Reader = Annotated[Caller, Security(authorised, scopes=[Permission.READ])]
StatusReader = Annotated[Caller, Security(authorised, scopes=[Permission.STATUS])]
DeliveryReader = Annotated[Caller, Security(authorised, scopes=[Permission.DELIVERIES])]
DeliveryKeeper = Annotated[Caller, Security(authorised, scopes=[Permission.DELIVER])]
Operator = Annotated[Caller, Security(authorised, scopes=[Permission.OPERATE])]
Commissioner = Annotated[Caller, Security(authorised, scopes=[Permission.COMMISSION])]
MetricsReader = Annotated[Caller, Security(authorised, scopes=[Permission.METRICS])]
Exporter = Annotated[Caller, Security(authorised, scopes=[Permission.EXPORT])]
FeedbackGiver = Annotated[Caller, Security(authorised, scopes=[Permission.FEEDBACK])]
Reviewer = Annotated[Caller, Security(authorised, scopes=[Permission.REVIEW])]
ThresholdKeeper = Annotated[Caller, Security(authorised, scopes=[Permission.THRESHOLDS])]
Acknowledger = Annotated[Caller, Security(authorised, scopes=[Permission.ACKNOWLEDGE])]
IdentityReader = Annotated[Caller, Security(authorised, scopes=[Permission.IDENTITY])]
Oneself = Annotated[Caller, Security(authorised, scopes=[Permission.OWN])]
RuleKeeper = Annotated[Caller, Security(authorised, scopes=[Permission.RULES])]
UserKeeper = Annotated[Caller, Security(authorised, scopes=[Permission.USERS])]
AuditReader = Annotated[Caller, Security(authorised, scopes=[Permission.AUDIT])]
TokenKeeper = Annotated[Caller, Security(authorised, scopes=[Permission.TOKENS])]


def visible_series(series_id: SeriesId, caller: Reader, house: HouseOf) -> str:
    """Give the id of a series that the caller may see; another scanner's is as good as none."""
    if caller.scanner and house.ledger.scanner_of(series_id) != caller.scanner:
        raise HTTPException(404, NO_SERIES)
    return series_id


def visible_scanner(
    caller: Reader,
    scanner: Annotated[str, Query(max_length=64, description="Only what this scanner made; empty: all")] = "",
) -> str:
    """Give the scanner that is asked for, or the only one that the caller may see; "" for all."""
    if caller.scanner and scanner not in {"", caller.scanner}:
        raise HTTPException(404, NO_SCANNER)
    return caller.scanner or scanner


VisibleSeries = Annotated[str, Depends(visible_series)]
VisibleScanner = Annotated[str, Depends(visible_scanner)]
Anyone = Annotated[Caller, Depends(anyone)]
PUBLIC = Depends(public)


def check_declared(router: APIRouter) -> None:
    """Raise Undeclared where an operation was forgotten."""
    for route in router.routes:
        if not isinstance(route, APIRoute) or not _declares(route.dependant):
            raise Undeclared(f"{getattr(route, 'path', route)}: {Undeclared.__doc__}")


def _declares(dependant: Dependant) -> bool:
    return any(one.call in {authorised, anyone, public} or _declares(one) for one in dependant.dependencies)
