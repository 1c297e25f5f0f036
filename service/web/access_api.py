"""The API: who may sign in, and which tokens there are."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path

from service.access import Invited, Role, UnfitName, UnfitToken
from service.access.roles import BOARD_SCOPES, SCOPES
from service.ledger.accounts import Account, LastAdministrator, NoAccount
from service.ledger.tokens import Grant, NameTaken, Token
from service.web.access import TokenKeeper, UserKeeper
from service.web.access_wire import (
    InvitedAnswer,
    IssuedAnswer,
    NewToken,
    NewUser,
    TokenAnswer,
    TokenList,
    UserAnswer,
    UserChange,
    UserList,
)
from service.web.answers import instant
from service.web.deps import HouseOf
from service.web.problems import documented

router = APIRouter(prefix="/api/v1", tags=["access"])

DAY_S = 86400.0

UserName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9._@-]{1,63}$", description="Name of a user")]
TokenName = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,31}$", description="Name of a token")]


def _user(account: Account) -> UserAnswer:
    return UserAnswer(
        name=account.name,
        role=Role(account.role),
        locked=account.locked,
        temporary=account.temporary,
        created_at=instant(account.created_at),
        seen_at=None if account.seen_at is None else instant(account.seen_at),
    )


def _invited(invited: Invited) -> InvitedAnswer:
    return InvitedAnswer(user=_user(invited.account), password=invited.password)


def _token(token: Token) -> TokenAnswer:
    return TokenAnswer(
        name=token.name,
        scopes=sorted(token.scopes),
        scanner=token.scanner,
        ae_title=token.ae_title,
        created_at=instant(token.created_at),
        expires_at=None if token.expires_at is None else instant(token.expires_at),
        used_at=None if token.used_at is None else instant(token.used_at),
    )


@router.get("/users", summary="Who may sign in", responses=documented(401, 403))
def list_users(house: HouseOf, _caller: UserKeeper) -> UserList:
    """List everybody, by name."""
    return UserList(items=[_user(account) for account in house.gate.users.all()])


@router.post("/users", summary="Add a user", status_code=201, responses=documented(400, 401, 403, 409, 413))
def add_user(house: HouseOf, caller: UserKeeper, given: NewUser) -> InvitedAnswer:
    """Add a user with a password that has to be changed at the first sign-in."""
    try:
        return _invited(house.gate.users.invite(given.name, given.role, caller.name))
    except UnfitName as error:
        raise HTTPException(400, str(error)) from error
    except NameTaken as error:
        raise HTTPException(409, str(error)) from error


@router.patch("/users/{name}", summary="Change a user", responses=documented(401, 403, 404, 409, 413))
def change_user(name: UserName, house: HouseOf, caller: UserKeeper, given: UserChange) -> UserAnswer:
    """Change a role, lock a user out, or let a locked one in again."""
    try:
        return _user(house.gate.users.change(name, given.role, given.locked, caller.name))
    except NoAccount as error:
        raise HTTPException(404, str(error)) from error
    except LastAdministrator as error:
        raise HTTPException(409, str(error)) from error


@router.post(
    "/users/{name}/password",
    summary="Give a user a new password",
    status_code=201,
    responses=documented(401, 403, 404),
)
def reset_password(name: UserName, house: HouseOf, caller: UserKeeper) -> InvitedAnswer:
    """Give a user a password that has to be changed at the next sign-in; every session of the user ends."""
    try:
        return _invited(house.gate.users.reset_password(name, caller.name))
    except NoAccount as error:
        raise HTTPException(404, str(error)) from error


@router.delete(
    "/users/{name}", summary="Remove a user", status_code=204, responses=documented(401, 403, 404, 409)
)
def remove_user(name: UserName, house: HouseOf, caller: UserKeeper) -> None:
    """Remove a user; what the user said to verdicts stays."""
    if name == caller.name:
        raise HTTPException(409, "Nobody removes the account that asks.")
    try:
        house.gate.users.remove(name, caller.name)
    except NoAccount as error:
        raise HTTPException(404, str(error)) from error
    except LastAdministrator as error:
        raise HTTPException(409, str(error)) from error


@router.get("/tokens", summary="Tokens of programs and boards", responses=documented(401, 403))
def list_tokens(house: HouseOf, _caller: TokenKeeper) -> TokenList:
    """List the tokens, by name."""
    return TokenList(
        items=[_token(token) for token in house.gate.tokens.all()],
        scopes=sorted(SCOPES),
        board_scopes=sorted(BOARD_SCOPES),
    )


@router.post(
    "/tokens", summary="Issue a token", status_code=201, responses=documented(400, 401, 403, 409, 413)
)
def issue_token(house: HouseOf, caller: TokenKeeper, given: NewToken) -> IssuedAnswer:
    """Issue a token; its secret is in this answer and nowhere else."""
    now = house.gate.clock()
    grant = Grant(
        name=given.name,
        scopes=frozenset(given.scopes),
        scanner=given.scanner,
        ae_title=given.ae_title.strip(),
        expires_at=None if given.days is None else now + given.days * DAY_S,
    )
    try:
        issued = house.gate.tokens.issue(grant, now, caller.name)
    except UnfitToken as error:
        raise HTTPException(400, str(error)) from error
    except NameTaken as error:
        raise HTTPException(409, str(error)) from error
    return IssuedAnswer(token=_token(issued.token), secret=issued.secret)


@router.delete(
    "/tokens/{name}", summary="Revoke a token", status_code=204, responses=documented(401, 403, 404)
)
def revoke_token(name: TokenName, house: HouseOf, caller: TokenKeeper) -> None:
    """Revoke a token; boards that were opened with it are closed."""
    if not house.gate.tokens.revoke(name, house.gate.clock(), caller.name):
        raise HTTPException(404, "There is no token of this name.")
