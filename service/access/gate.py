"""The gate: signs people and boards in and out, and says who a request is from."""

import hmac
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from service.access.callers import ANYBODY, NOBODY, Caller, of_account, of_token
from service.access.passwords import Passwords
from service.access.roles import Permission
from service.access.tokens import Tokens, digest_of, expired, new_secret
from service.access.users import Users
from service.ledger.accounts import Account, Accounts, NoAccount
from service.ledger.database import Database
from service.ledger.sessions import Session, Sessions
from service.ledger.tokens import Token, TokenBook

log = logging.getLogger(__name__)

USER_AUTHENTICATION = "110114"  # DCM code of the audit message (PS3.15 A.5.3.11)
HERE_TRIES, ACCOUNT_TRIES, ADDRESS_TRIES = 5, 50, 30
"""Failures in a row from which on is barred: an account at one address, an account, an address. Who does not know the
password of another bars that person at the own address alone."""
FIRST_BAR_S, LONGEST_BAR_S = 30.0, 900.0
FORGET_S = 3600.0
ACTIVE_S = 15.0  # activity is noted as often
DAY_S = 86400.0


class NotSignedIn(PermissionError):
    """The name or the password is wrong, or the account is locked."""


class NoUser(PermissionError):
    """The console is shown to other machines, and nobody can sign in: `scanside user add NAME --role administrator`."""


class Barred(PermissionError):
    """Too many attempts failed; the next one may be made later."""

    def __init__(self, seconds: float) -> None:
        super().__init__(str(self.__doc__))
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """How long sessions last, in seconds."""

    idle_s: float = 15 * 60.0  # of a person, without doing anything
    session_s: float = 12 * 3600.0  # of a person, in all
    board_s: float = 90 * DAY_S  # of a board, in all; nobody does anything there


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session; its secret goes into the cookie and nowhere else."""

    caller: Caller
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Gate:
    """Knows who is who. ``name_subject`` turns what was typed into a pseudonym."""

    accounts: Accounts
    sessions: Sessions
    tokens: Tokens
    name_subject: Callable[[str], str]
    limits: Limits = Limits()
    open_when_empty: bool = True  # without any user everybody may read: for loopback addresses alone
    clock: Callable[[], float] = time.time
    passwords: Passwords = field(default_factory=Passwords)

    @classmethod
    def of(
        cls,
        database: Database,
        name_subject: Callable[[str], str],
        limits: Limits,
        *,
        open_when_empty: bool,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Make the gate of a house."""
        tokens = Tokens(TokenBook(database))
        rooms = Accounts(database), Sessions(database), tokens
        return cls(*rooms, name_subject, limits, open_when_empty, clock)

    @property
    def users(self) -> Users:
        """What changes the people."""
        return Users(self.accounts, self.passwords, self.clock)

    def open_to_all(self) -> bool:
        """Whether everybody may read, because there is no user and this machine alone is served."""
        return self.open_when_empty and not self.accounts.any()

    def caller(self, cookie: str | None, bearer: str | None, idle_s: float = 0.0) -> Caller:
        """Say who asks: by a bearer token if there is one, else by the session of a cookie, else nobody.

        ``idle_s`` is how long ago the person did something, as the page tells. Raises NotSignedIn for a token
        that does not hold.
        """
        if bearer is not None:
            token = self.tokens.known(bearer, self.clock())
            if token is None:
                raise NotSignedIn("The token is unknown, or its time is over.")
            return of_token(token, digest_of(bearer))
        if cookie:
            found = self._of_cookie(cookie, idle_s)
            if found is not None:
                return found
        return ANYBODY if self.open_to_all() else NOBODY

    def _of_cookie(self, cookie: str, idle_s: float) -> Caller | None:
        session, now = self.sessions.by_digest(digest_of(cookie)), self.clock()
        if session is None or not self._lasts(session, now):
            return None
        active_at = now - max(idle_s, 0.0)
        if active_at - session.active_at >= ACTIVE_S:
            self.sessions.active(session.id, active_at)
        return self._caller(session, cookie)

    def _caller(self, session: Session, secret: str) -> Caller:
        csrf = hmac.digest(secret.encode(), b"csrf", "sha256").hex()
        ends_at = self._ends_at(session)
        if isinstance(session.holder, Account):
            return of_account(session.holder, session, csrf, ends_at, digest_of(secret))
        return of_token(session.holder, digest_of(secret), session, csrf, ends_at)

    def _ends_at(self, session: Session) -> float:
        person = isinstance(session.holder, Account)
        return session.created_at + (self.limits.session_s if person else self.limits.board_s)

    def _lasts(self, session: Session, now: float) -> bool:
        if now >= self._ends_at(session):
            return False
        if isinstance(session.holder, Account):
            return not session.holder.locked and now < session.active_at + self.limits.idle_s
        return not expired(session.holder, now)

    def lasts(self, caller: Caller) -> bool:
        """Whether a caller is still let in, for what goes on for long; does not count as activity."""
        if caller.open:
            return self.open_to_all()
        if caller.session is None:
            return self.tokens.lasts(caller.digest, self.clock())
        session = self.sessions.by_digest(caller.digest)
        return session is not None and self._lasts(session, self.clock())

    def _subjects(self, name: str, address: str) -> tuple[str, str]:
        """Give what failures of a name are counted by: at this address, and in all."""
        return self.name_subject(f"user {name} at {address}"), self.name_subject(f"user {name}")

    def sign_in(self, name: str, password: str, address: str, former: str | None = None) -> SignedIn:
        """Open a session for a person; the one that the browser had before ends. Raises NotSignedIn and Barred."""
        now, name = self.clock(), name.strip().casefold()
        (here, by_account), by_address = (
            self._subjects(name, address),
            self.name_subject(f"address {address}"),
        )
        limits = {here: HERE_TRIES, by_account: ACCOUNT_TRIES, by_address: ADDRESS_TRIES}
        wait_s = self.accounts.attempted(limits, bar_s, now, FORGET_S)
        if wait_s > 0:
            _audit("login", "barred", address)
            raise Barred(wait_s)
        account, encoded = self.accounts.credentials(name) or (None, None)
        fits = self.passwords.fits(password, encoded)
        if account is None or encoded is None or not fits or account.locked:
            self.accounts.refused("" if account is None else account.name, address, now)
            _audit("login", "refused", address, account)
            raise NotSignedIn(NotSignedIn.__doc__)
        try:
            signed = self._opened(account, address, former, encoded)
        except NoAccount as error:
            raise NotSignedIn(NotSignedIn.__doc__) from error
        self.accounts.forgiven(here, by_account)
        self.accounts.eased(by_address)
        if self.passwords.outdated(encoded):
            self.accounts.rehashed(account.id, encoded, self.passwords.encode(password))
        return signed

    def sign_in_board(self, secret: str, address: str, former: str | None = None) -> SignedIn:
        """Open a session with a token that is bound to a scanner. Raises NotSignedIn and Barred."""
        by_address = self.name_subject(f"address {address}")
        wait_s = self.accounts.attempted({by_address: ADDRESS_TRIES}, bar_s, self.clock(), FORGET_S)
        if wait_s > 0:
            _audit("login", "barred", address)
            raise Barred(wait_s)
        token = self.tokens.known(secret, self.clock())
        if token is None or not token.scanner or Permission.READ not in token.scopes:
            self.accounts.refused("", address, self.clock())
            _audit("login", "refused", address)
            raise NotSignedIn("The token is unknown, its time is over, or it is not for a scanner's board.")
        self.accounts.eased(by_address)
        return self._opened(token, address, former)

    def _opened(
        self, holder: Account | Token, address: str, former: str | None, password: str | None = None
    ) -> SignedIn:
        now, secret = self.clock(), new_secret()
        old = self.sessions.by_digest(digest_of(former)) if former else None
        if old is not None:
            self.sessions.closed(old, now)
        self.sessions.swept(
            born_before=now - self.limits.session_s,
            active_before=now - self.limits.idle_s,
            boards_before=now - self.limits.board_s,
        )
        self.sessions.opened(holder, digest_of(secret), address, now, password)
        opened = self.sessions.by_digest(digest_of(secret))
        assert opened is not None
        _audit("login", "ok", address, holder)
        return SignedIn(self._caller(opened, secret), secret)

    def sign_out(self, session: Session) -> None:
        """End a session."""
        self.sessions.closed(session, self.clock())
        _audit("logout", "ok", session.address, session.holder)

    def sessions_of(self, person: Account) -> list[Session]:
        """Give the sessions of a person that last, the newest first."""
        now = self.clock()
        return [session for session in self.sessions.of(person) if self._lasts(session, now)]

    def sign_out_everywhere(self, person: Account) -> None:
        """End every session of a person."""
        self.sessions.closed_all(person, self.clock())
        log.info(
            "user authentication",
            extra={"code": USER_AUTHENTICATION, "operation": "logout everywhere", "user": person.name},
        )

    def change_password(self, caller: Caller, current: str, new: str) -> SignedIn:
        """Change one's own password: every session ends, and a new one begins here.

        Raises NotSignedIn, Barred and WeakPassword.
        """
        assert caller.account is not None
        assert caller.session is not None
        name, address = caller.account.name, caller.session.address
        here, _ = self._subjects(name, address)
        wait_s = self.accounts.attempted({here: HERE_TRIES}, bar_s, self.clock(), FORGET_S)
        if wait_s > 0:
            raise Barred(wait_s)
        known = self.accounts.credentials(name)
        if not self.passwords.fits(current, None if known is None else known[1]):
            self.accounts.refused(name, address, self.clock())
            raise NotSignedIn("The current password is wrong.")
        self.accounts.forgiven(here)
        return self._opened(self.users.set_password(name, new, by=name), address, None)


def bar_s(beyond: int) -> float:
    """Give how long a subject is barred, in seconds, by its failures beyond the limit."""
    return float(min(FIRST_BAR_S * 2 ** min(beyond, 10), LONGEST_BAR_S))


def _audit(operation: str, result: str, address: str, who: Account | Token | None = None) -> None:
    user = "" if who is None else who.name
    facts = {"code": USER_AUTHENTICATION, "operation": operation, "result": result, "user": user}
    log.info("user authentication", extra=facts | {"peer": address})
