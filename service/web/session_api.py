"""The API: signing in and out, one's own password and sessions."""

from math import ceil
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request, Response

from service.access import Barred, Caller, NotSignedIn, SignedIn, WeakPassword
from service.web.access import COOKIE, PUBLIC, Anyone, Oneself, address_of, check_csrf
from service.web.access_wire import Credentials, NewPassword, SessionAnswer, SessionItem, SessionList
from service.web.answers import instant
from service.web.deps import HouseOf
from service.web.problems import documented

router = APIRouter(prefix="/api/v1", tags=["access"])


def _session_answer(caller: Caller) -> SessionAnswer:
    return SessionAnswer(
        signed_in=caller.known,
        open=caller.open,
        name=caller.name,
        role="" if caller.role is None else caller.role,
        scanner=caller.scanner,
        permissions=sorted(caller.permissions),
        temporary=caller.temporary,
        ends_at=None if caller.ends_at is None else instant(caller.ends_at),
        csrf=caller.csrf,
    )


def _signed_in(response: Response, signed: SignedIn, now: float) -> SessionAnswer:
    caller = signed.caller
    # A person's cookie ends with the browser, too; a board comes back after a power cut.
    lasting = None if caller.account or caller.ends_at is None else int(caller.ends_at - now)
    response.set_cookie(
        COOKIE, signed.secret, max_age=lasting, path="/", secure=True, httponly=True, samesite="strict"
    )
    return _session_answer(caller)


def _forget(response: Response) -> None:
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")


def _barred(error: Barred) -> HTTPException:
    return HTTPException(429, str(error), {"Retry-After": str(ceil(error.seconds))})


@router.get("/session", summary="Who am I", responses=documented())
def get_session(caller: Anyone) -> SessionAnswer:
    """Tell who is signed in with this browser, and what they may."""
    return _session_answer(caller)


@router.post(
    "/session",
    summary="Sign in",
    status_code=201,
    responses=documented(400, 401, 403, 413, 429),
    dependencies=[PUBLIC],
)
def sign_in(request: Request, response: Response, house: HouseOf, given: Credentials) -> SessionAnswer:
    """Open a session; the cookie's id is new each time, and the one before ends."""
    former, address = request.cookies.get(COOKIE), address_of(request)
    token = given.token.get_secret_value()
    try:
        if token:
            signed = house.gate.sign_in_board(token, address, former)
        else:
            signed = house.gate.sign_in(given.name, given.password.get_secret_value(), address, former)
    except NotSignedIn as error:
        raise HTTPException(401, str(error), {"WWW-Authenticate": "Bearer"}) from error
    except Barred as error:
        raise _barred(error) from error
    return _signed_in(response, signed, house.gate.clock())


@router.delete("/session", summary="Sign out", status_code=204, responses=documented(403))
def sign_out(request: Request, response: Response, house: HouseOf, caller: Anyone) -> None:
    """End this session; where there is none, nothing happens."""
    check_csrf(request, caller)
    if caller.session is not None:
        house.gate.sign_out(caller.session)
    _forget(response)


@router.get("/account/sessions", summary="My sessions", responses=documented(401, 403))
def list_sessions(house: HouseOf, caller: Oneself) -> SessionList:
    """List the browsers in which I am signed in."""
    assert caller.account is not None
    assert caller.session is not None
    items = [
        SessionItem(
            id=one.id,
            address=one.address,
            created_at=instant(one.created_at),
            active_at=instant(one.active_at),
            this=one.id == caller.session.id,
        )
        for one in house.gate.sessions_of(caller.account)
    ]
    return SessionList(items=items)


@router.delete(
    "/account/sessions", summary="Sign out everywhere", status_code=204, responses=documented(401, 403)
)
def sign_out_everywhere(response: Response, house: HouseOf, caller: Oneself) -> None:
    """End every session of mine, this one too."""
    assert caller.account is not None
    house.gate.sign_out_everywhere(caller.account)
    _forget(response)


@router.delete(
    "/account/sessions/{session_id}",
    summary="End one of my sessions",
    status_code=204,
    responses=documented(401, 403, 404),
)
def end_session(session_id: Annotated[int, Path(ge=1, le=2**53)], house: HouseOf, caller: Oneself) -> None:
    """End the session of another browser of mine."""
    assert caller.account is not None
    found = next((one for one in house.gate.sessions_of(caller.account) if one.id == session_id), None)
    if found is None:
        raise HTTPException(404, "You have no such session.")
    house.gate.sign_out(found)


@router.put("/account/password", summary="Change my password", responses=documented(400, 401, 403, 413, 429))
def change_password(response: Response, house: HouseOf, caller: Oneself, given: NewPassword) -> SessionAnswer:
    """Change my password; every session ends, and a new one begins in this browser."""
    try:
        signed = house.gate.change_password(
            caller, given.current.get_secret_value(), given.new.get_secret_value()
        )
    except NotSignedIn as error:
        raise HTTPException(400, str(error)) from error
    except WeakPassword as error:
        raise HTTPException(400, f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    except Barred as error:
        raise _barred(error) from error
    return _signed_in(response, signed, house.gate.clock())
