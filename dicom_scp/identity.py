"""The site's secrets: keyed UIDs and pseudonyms (`KeyRing`), and authenticated encryption (`Vault`).

The first key of a ring makes the names, and never changes; the last one seals; every one of them opens. So a key is
rotated by adding one, sealing anew what older ones have sealed, and dropping those.
"""

import base64
import hmac
import os
import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydicom._uid_dict import UID_dictionary  # the one list there is

SECRET_BYTES = 32
STANDARD_UIDS = frozenset(
    UID_dictionary
)  # PS3.6, annex A; they name nobody, unlike what else hides below their root
REMEMBERED_UIDS = 4096  # study, series and frame-of-reference UIDs come again with every instance

_MOST_DAYS = 3653  # ten years
_SALT_BYTES, _NONCE_BYTES, _KEY_ID_BYTES = 16, 12, 4
_MAGIC = b"SSV1"
_SALT_AT = len(_MAGIC) + _KEY_ID_BYTES
_BETWEEN_KEYS = re.compile(r"[\s,]+")
_HEAD_BYTES = len(_MAGIC) + _KEY_ID_BYTES + _SALT_BYTES + _NONCE_BYTES


class KeyProblem(Exception):
    """The key cannot be used."""


class MissingKey(KeyProblem):
    """There is no key, and none may be made because sealed data exist."""


class UnfitKey(KeyProblem):
    """A key is not 64 hexadecimal digits, or everybody on this machine may read its file."""


class WrongKey(KeyProblem):
    """The data were sealed with another key."""


class Damaged(WrongKey):
    """The sealed data are not what was sealed: altered, cut, or moved from another place."""


@dataclass(frozen=True, slots=True)
class SealingKey:
    """What one secret seals with."""

    id: bytes  # stands in front of what it has sealed
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> Self:
        """Derive it."""
        mark = hmac.digest(_derived(secret, "fingerprint"), b"vault", "sha256")
        return cls(mark[:_KEY_ID_BYTES], _derived(secret, "vault"))

    def for_value(self, salt: bytes) -> bytes:
        """Give the key of one value."""
        return hmac.digest(self.secret, salt, "sha256")


def _derived(secret: bytes, purpose: str) -> bytes:
    """Give 32 secret bytes for one purpose (NIST SP 800-108 with HMAC-SHA-256, one block)."""
    return hmac.digest(secret, b"\x01scanside\x00" + purpose.encode(), "sha256")


class KeyRing:
    """The site's secrets and what is derived from them; the same first secret gives the same names in any process."""

    def __init__(self, secret: bytes, *further: bytes) -> None:
        if any(len(one) != SECRET_BYTES for one in (secret, *further)):
            raise UnfitKey(UnfitKey.__doc__)
        self._secret = secret
        self.sealing = tuple(SealingKey.of(one) for one in (secret, *further))  # the last one seals
        self._uids = self.derive("uid")
        self._pseudonyms = self.derive("pseudonym")
        self.uid: Callable[[str], str] = lru_cache(REMEMBERED_UIDS)(self._uid)

    @classmethod
    def from_file(cls, path: Path, *, create: bool) -> Self:
        """Read the key file; with `create` a missing one is made (mode 0600, durable on return).

        Raises MissingKey and UnfitKey.
        """
        if not path.exists():
            if not create:
                raise MissingKey(MissingKey.__doc__)
            _write_new_key(path)
        if path.stat().st_mode & 0o007:
            raise UnfitKey(UnfitKey.__doc__)
        return cls.from_text(path.read_text("ascii"))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Take keys of 64 hexadecimal digits, parted by spaces, commas or lines. Raises UnfitKey."""
        try:
            return cls(*(bytes.fromhex(word) for word in _BETWEEN_KEYS.split(text.strip())))
        except ValueError as error:
            raise UnfitKey(UnfitKey.__doc__) from error

    @classmethod
    def ephemeral(cls) -> Self:
        """Give a key ring that nobody can ever have again."""
        return cls(secrets.token_bytes(SECRET_BYTES))

    def derive(self, purpose: str) -> bytes:
        """Give 32 secret bytes for one purpose."""
        return _derived(self._secret, purpose)

    def _uid(self, original: str) -> str:
        """Give the UID that stands for `original`: `2.25.` and a UUIDv8 made of its HMAC (RFC 9562, 5.8)."""
        if original in STANDARD_UIDS:
            return original
        digest = hmac.digest(self._uids, original.encode("utf-8", "surrogateescape"), "sha256")
        number = int.from_bytes(digest[:16], "big")
        number = number & ~(0xF << 76) | 0x8 << 76
        number = number & ~(0x3 << 62) | 0x2 << 62
        return f"2.25.{UUID(int=number).int}"

    def pseudonym(self, kind: str, text: str) -> str:
        """Give 16 characters (80 bits, base 32) that stand for `text` among things of one kind."""
        message = kind.encode() + b"\x00" + text.encode("utf-8", "surrogateescape")
        return base64.b32encode(hmac.digest(self._pseudonyms, message, "sha256")[:10]).decode("ascii")

    def days(self, patient: str) -> int:
        """Give by how many days the dates of a pseudonymous patient are shifted: 1 to 3653, into the past."""
        digest = hmac.digest(self.derive("days"), patient.encode(), "sha256")
        return -1 - int.from_bytes(digest[:8], "big") % _MOST_DAYS


class KeyFile:
    """The site's key file: a key a line; looked at again whenever it was changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._stamp()

    def renewed(self) -> KeyRing | None:
        """Give the ring anew if the file is another than when last asked, else None."""
        stamp = self._stamp()
        if stamp is None or stamp == self._seen:
            return None
        ring = KeyRing.from_file(self._path, create=False)
        self._seen = stamp
        return ring

    def add(self, keep: Collection[str]) -> None:
        """Add a new key behind the site's own, those whose id is in `keep`, and the last one; others are dropped.

        The last one stays because a running part may be about to seal with it. One process at a time.
        Durable on return. Raises MissingKey and UnfitKey.
        """
        ring = KeyRing.from_file(self._path, create=False)
        lines = _BETWEEN_KEYS.split(self._path.read_text("ascii").strip())
        stay = {*keep, ring.sealing[-1].id.hex()}
        kept = [line for line, key in zip(lines[1:], ring.sealing[1:], strict=True) if key.id.hex() in stay]
        new = secrets.token_bytes(SECRET_BYTES).hex()
        temporary = _written_aside(self._path, "\n".join((lines[0], *kept, new)))
        temporary.replace(self._path)
        _sync(self._path.parent)

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns


def _write_new_key(path: Path) -> None:
    temporary = _written_aside(path, secrets.token_bytes(SECRET_BYTES).hex())
    try:
        os.link(temporary, path)  # unlike a rename it never replaces the key that another process just made
    except FileExistsError:
        return
    finally:
        temporary.unlink()
        _sync(path.parent)


def _written_aside(path: Path, text: str) -> Path:
    """Write a file that only its owner may read beside `path`; durable but for its name."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, f"{text}\n".encode("ascii"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return temporary


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


class Vault:
    """Seals bytes with AES-256-GCM; every value has its own key and nonce, so their number is no worry.

    `renewed` gives the key ring anew once its source has changed: a key that was added is used from then on.
    """

    def __init__(self, keyring: KeyRing, renewed: Callable[[], KeyRing | None] = lambda: None) -> None:
        self._renewed = renewed
        self._keys = keyring.sealing
        self.fingerprint = _fingerprint(keyring)  # safe to store: tells that the site's key is the same one

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Tell the keys apart, the one that seals last; safe to show."""
        return tuple(key.id.hex() for key in self._current())

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt; `context` (the row's or file's name) must be given again to open it."""
        key = self._current()[-1]
        salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
        cipher = AESGCM(key.for_value(salt))
        return b"".join((_MAGIC, key.id, salt, nonce, cipher.encrypt(nonce, plain, context.encode())))

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt what `seal` gave for the context. Raises WrongKey, and Damaged where the key is right."""
        found = key_id(sealed)
        if len(sealed) < _HEAD_BYTES or found is None:
            raise Damaged(Damaged.__doc__)
        key = next((key for key in self._current() if key.id.hex() == found), None)
        if key is None:
            raise WrongKey(WrongKey.__doc__)
        salt = sealed[_SALT_AT : _SALT_AT + _SALT_BYTES]
        nonce = sealed[_SALT_AT + _SALT_BYTES : _HEAD_BYTES]
        try:
            return AESGCM(key.for_value(salt)).decrypt(
                nonce, memoryview(sealed)[_HEAD_BYTES:], context.encode()
            )
        except InvalidTag as error:
            raise Damaged(Damaged.__doc__) from error

    def resealed(self, sealed: bytes, context: str) -> bytes | None:
        """Seal with the newest key what an older one has sealed; None where there is nothing to do.

        Raises WrongKey and Damaged.
        """
        if key_id(sealed) == self.key_ids[-1]:
            return None
        return self.seal(self.open(sealed, context), context)

    def _current(self) -> tuple[SealingKey, ...]:
        newer = self._renewed()
        if newer is not None:
            if _fingerprint(newer) != self.fingerprint:
                raise WrongKey(WrongKey.__doc__)  # once, loudly; what is known goes on
            self._keys = newer.sealing
        return self._keys


def _fingerprint(keyring: KeyRing) -> str:
    return hmac.digest(keyring.derive("fingerprint"), b"vault", "sha256")[:16].hex()


def key_id(sealed: bytes) -> str | None:
    """Give the id of the key that sealed a value; its first eight bytes are enough. None where nothing did."""
    return sealed[len(_MAGIC) : _SALT_AT].hex() if sealed.startswith(_MAGIC) else None
