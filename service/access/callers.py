"""Who asks, and what they may."""

from dataclasses import dataclass, field

from service.access.roles import OF_ROLE, OPEN, Permission, Role
from service.ledger.accounts import Account
from service.ledger.sessions import Session
from service.ledger.tokens import Token


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. Without anything it is nobody, who may nothing."""

    permissions: frozenset[str] = frozenset()
    name: str = ""
    role: Role | None = None
    scanner: str = ""  # the only one that is shown; "" for all
    temporary: bool = False  # has to change the password first
    open: bool = False  # nobody can sign in yet, and so nobody has to
    account: Account | None = None
    session: Session | None = None
    ends_at: float | None = None  # of the session, at the latest; s since the epoch
    csrf: str = field(default="", repr=False)  # what unsafe requests of this session repeat
    digest: str = field(default="", repr=False)  # of the cookie or the bearer token that was shown

    @property
    def known(self) -> bool:
        """Whether it is somebody."""
        return bool(self.name)


NOBODY = Caller()
ANYBODY = Caller(OPEN, open=True)


def of_account(person: Account, session: Session, csrf: str, ends_at: float, digest: str) -> Caller:
    """Give the caller for a person's session."""
    role = Role(person.role)
    return Caller(
        permissions=frozenset({Permission.OWN}) if person.temporary else OF_ROLE[role],
        name=person.name,
        role=role,
        temporary=person.temporary,
        account=person,
        session=session,
        ends_at=ends_at,
        csrf=csrf,
        digest=digest,
    )


def of_token(
    token: Token, digest: str, session: Session | None = None, csrf: str = "", ends_at: float | None = None
) -> Caller:
    """Give the caller for a token, or for a session that was opened with it."""
    return Caller(
        permissions=token.scopes,
        name=token.name,
        scanner=token.scanner,
        session=session,
        ends_at=ends_at,
        csrf=csrf,
        digest=digest,
    )
