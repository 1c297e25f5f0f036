"""Passwords: argon2id with the parameters of OWASP's Password Storage Cheat Sheet (2026), and what is too weak."""

import secrets
import threading
import unicodedata
from itertools import pairwise

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 128  # characters
FEWEST_KINDS = 5  # different characters
AT_ONCE = 2  # each takes 19 MiB and some 30 ms of a core
_COMMON = """
    password1234 passwordpassword password12345 password123456 123456789012 1234567890123 qwertyuiop123
    qwertyuiop12 qwertyuiop1234 administrator administrator1 adminadmin123 iloveyou1234 letmeinletmein
    welcome12345 welcome123456 changeme1234 changemechangeme trustno1trustno1 correcthorsebatterystaple
    1q2w3e4r5t6y 1q2w3e4r5t6y7u qazwsxedcrfv zaq12wsxcde3 abcdefghijkl abcdefghijklm passw0rd1234
    p@ssw0rd1234 radiology1234 radiology123 hospital1234 scanner12345 scansidescanside
"""
COMMON = frozenset(_COMMON.split())  # guessed first, among those that are long enough


class WeakPassword(ValueError):
    """This password would be guessed."""


class Passwords:
    """Encodes passwords and checks them; the time it takes does not tell whether there is such a user."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
        self._nobody = self._hasher.hash(secrets.token_urlsafe(32))
        self._room = threading.BoundedSemaphore(AT_ONCE)

    def encode(self, password: str) -> str:
        """Encode a password with a salt of its own."""
        with self._room:
            return self._hasher.hash(_normal(password))

    def fits(self, password: str, encoded: str | None) -> bool:
        """Whether it is the encoded one; None stands for a user that is not there, and takes as long."""
        with self._room:
            try:
                self._hasher.verify(encoded or self._nobody, _normal(password))
            except (VerificationError, InvalidHashError):
                return False
        return encoded is not None

    def outdated(self, encoded: str) -> bool:
        """Whether it was encoded with other parameters than today's."""
        return self._hasher.check_needs_rehash(encoded)


def check_strength(password: str, name: str) -> None:
    """Raise WeakPassword with the reason where a password is too easy to guess (NIST SP 800-63B-4, 3.1.1.2)."""
    text = _normal(password)
    folded = text.casefold()
    if not SHORTEST <= len(text) <= LONGEST:
        raise WeakPassword(f"a password has {SHORTEST} to {LONGEST} characters")
    if len(name) > 2 and name.casefold() in folded:
        raise WeakPassword("the password holds the name of the user")
    if len(set(folded)) < FEWEST_KINDS or folded in COMMON or _is_a_run(folded):
        raise WeakPassword("this password is among the first that are guessed")


def _is_a_run(text: str) -> bool:
    steps = [ord(b) - ord(a) for a, b in pairwise(text)]
    return sum(step in {-1, 0, 1} for step in steps) > 0.75 * len(steps)


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
