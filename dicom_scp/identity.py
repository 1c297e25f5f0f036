"""The site's secret: keyed UIDs and pseudonyms (`KeyRing`), and authenticated encryption (`Vault`)."""

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SECRET_BYTES = 32
# UIDs of the Standard itself name nobody; what hides a longer number under its root is none of them.
STANDARD_UID = re.compile(r"1\.2\.840\.10008(\.\d{1,4}){1,12}")
REMEMBERED_UIDS = 4096  # study, series and frame-of-reference UIDs come again with every instance

_MOST_DAYS = 3653  # ten years
_SALT_BYTES, _NONCE_BYTES, _KEY_ID_BYTES = 16, 12, 4
_MAGIC = b"SSV1"
_HEAD_BYTES = len(_MAGIC) + _KEY_ID_BYTES + _SALT_BYTES + _NONCE_BYTES


class KeyProblem(Exception):
    """The key cannot be used."""


class MissingKey(KeyProblem):
    """There is no key, and none may be made because sealed data exist."""


class UnfitKey(KeyProblem):
    """The key is not 64 hexadecimal digits, or everybody on this machine may read its file."""


class WrongKey(KeyProblem):
    """The data were sealed with another key."""


class Damaged(WrongKey):
    """The sealed data are not what was sealed: altered, cut, or moved from another place."""


class KeyRing:
    """The site's secret and what is derived from it; the same secret gives the same names in any process."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise UnfitKey(UnfitKey.__doc__)
        self._secret = secret
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
        """Take the key from 64 hexadecimal digits (an environment variable, say). Raises UnfitKey."""
        try:
            return cls(bytes.fromhex(text.strip()))
        except ValueError as error:
            raise UnfitKey(UnfitKey.__doc__) from error

    @classmethod
    def ephemeral(cls) -> Self:
        """Give a key ring that nobody can ever have again."""
        return cls(secrets.token_bytes(SECRET_BYTES))

    def derive(self, purpose: str) -> bytes:
        """Give 32 secret bytes for one purpose (NIST SP 800-108 with HMAC-SHA-256, one block)."""
        return hmac.digest(self._secret, b"\x01scanside\x00" + purpose.encode(), "sha256")

    def _uid(self, original: str) -> str:
        """Give the UID that stands for `original`: `2.25.` and a UUIDv8 made of its HMAC (RFC 9562, 5.8)."""
        if STANDARD_UID.fullmatch(original):
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


def _write_new_key(path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(SECRET_BYTES).hex().encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(temporary, path)  # unlike a rename it never replaces the key that another process just made
    except FileExistsError:
        return
    finally:
        temporary.unlink()
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


class Vault:
    """Seals bytes with AES-256-GCM; every value has its own key and nonce, so their number is no worry."""

    def __init__(self, keyring: KeyRing) -> None:
        self._key = keyring.derive("vault")
        fingerprint = hmac.digest(keyring.derive("fingerprint"), b"vault", "sha256")
        self._key_id = fingerprint[:_KEY_ID_BYTES]
        self.fingerprint = fingerprint[:16].hex()  # safe to store: tells that the key is the same one

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt; `context` (the row's or file's name) must be given again to open it."""
        salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
        cipher = AESGCM(self._cipher_key(salt))
        return b"".join(
            (_MAGIC, self._key_id, salt, nonce, cipher.encrypt(nonce, plain, context.encode())),
        )

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt what `seal` gave for the context. Raises WrongKey, and Damaged where the key is right."""
        if len(sealed) < _HEAD_BYTES or not sealed.startswith(_MAGIC):
            raise Damaged(Damaged.__doc__)
        key_id_ends = len(_MAGIC) + _KEY_ID_BYTES
        if sealed[len(_MAGIC) : key_id_ends] != self._key_id:
            raise WrongKey(WrongKey.__doc__)
        salt = sealed[key_id_ends : key_id_ends + _SALT_BYTES]
        nonce = sealed[key_id_ends + _SALT_BYTES : _HEAD_BYTES]
        try:
            return AESGCM(self._cipher_key(salt)).decrypt(
                nonce, memoryview(sealed)[_HEAD_BYTES:], context.encode()
            )
        except InvalidTag as error:
            raise Damaged(Damaged.__doc__) from error

    def _cipher_key(self, salt: bytes) -> bytes:
        return hmac.new(self._key, salt, hashlib.sha256).digest()
