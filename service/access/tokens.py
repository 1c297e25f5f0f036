"""Bearer tokens (RFC 6750): issued once, known by the SHA-256 of their secrets, for some scopes and some time."""

import hashlib
import re
import secrets
from dataclasses import dataclass, field

from service.access.audit import changed
from service.access.roles import BOARD_SCOPES, SCOPES
from service.ledger.tokens import Grant, Token, TokenBook

MARK = "scanside_"  # by which searches for leaked secrets know it
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,31}")
USED_S = 60.0  # the last use is noted to the minute


class UnfitToken(ValueError):
    """A token needs a name, scopes that there are, and an end that lies ahead."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token; its secret is told this once."""

    token: Token
    secret: str = field(repr=False)


def digest_of(secret: str) -> str:
    """Give what is kept of a secret. It is 256 random bits: no salt or slowness would make it safer."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def new_secret() -> str:
    """Make a secret that nobody guesses."""
    return secrets.token_urlsafe(32)


class Tokens:
    """Issues tokens and recognises them."""

    def __init__(self, book: TokenBook) -> None:
        self._book = book

    def issue(self, grant: Grant, now: float, by: str) -> Issued:
        """Issue a token; ``by`` says whose doing it is. Raises UnfitToken and NameTaken."""
        _check(grant, now)
        secret = MARK + new_secret()
        issued = Issued(self._book.issued(grant, digest_of(secret), now, by), secret)
        changed("token issued", grant.name, by)
        return issued

    def known(self, secret: str, now: float) -> Token | None:
        """Find the token of a secret; None where it is unknown or its time is over."""
        if not secret.startswith(MARK):
            return None
        token = self._book.by_digest(digest_of(secret))
        if token is None or expired(token, now):
            return None
        if token.used_at is None or now - token.used_at >= USED_S:
            self._book.used(token.id, now)
        return token

    def lasts(self, digest: str, now: float) -> bool:
        """Whether the token of a digest still holds; does not count as use."""
        token = self._book.by_digest(digest)
        return token is not None and not expired(token, now)

    def any_for(self, scope: str, now: float) -> bool:
        """Whether there is a token for a scope."""
        return any(scope in token.scopes and not expired(token, now) for token in self._book.all())

    def all(self) -> list[Token]:
        """Give the tokens by name."""
        return self._book.all()

    def revoke(self, name: str, now: float, by: str) -> bool:
        """Let a token count no more; False where there is none of that name."""
        revoked = self._book.revoked(name, now, by)
        if revoked:
            changed("token revoked", name, by)
        return revoked


def expired(token: Token, now: float) -> bool:
    """Whether a token's time is over."""
    return token.expires_at is not None and token.expires_at <= now


def _check(grant: Grant, now: float) -> None:
    if not NAME.fullmatch(grant.name):
        raise UnfitToken("a token's name has 1 to 32 letters, digits, spaces, dots, dashes or underscores")
    allowed = BOARD_SCOPES if grant.scanner else SCOPES
    if not grant.scopes or grant.scopes - allowed:
        whose = "a token that is bound to a scanner" if grant.scanner else "a token"
        raise UnfitToken(f"{whose} is for some of {', '.join(sorted(allowed))}")
    if grant.expires_at is not None and grant.expires_at <= now:
        raise UnfitToken("a token ends in the future, or never")
