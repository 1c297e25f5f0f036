"""The spool: sealed files of de-identified instances, durable when `write` returns."""

import errno
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dicom_scp.identity import Vault, key_id

_NAME = re.compile(r"[0-9a-f]{64}")
_NEW = "new"
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


class NoSpace(OSError):
    """The disk under the spool is full."""


class Spool:
    """A folder of sealed files named by the digest of their clean content, never by anything received.

    The 256 subfolders are made once, so that only the last one needs an fsync for each file.
    Several processes may share a spool.
    """

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder = folder
        self._vault = vault
        self._new = folder / _NEW
        self._new.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number in range(256):
            (folder / f"{number:02x}").mkdir(exist_ok=True, mode=0o700)
        _fsync(folder)
        self._sweep()

    def write(self, content: bytes, digest: str) -> str:
        """Seal and keep `content`, whose SHA-256 is `digest`; durable on return. Gives its name.

        The same content again makes no second file. Raises NoSpace where disk or quota is full, OSError else.
        """
        target = self._path(digest)
        try:
            try:
                os.utime(target)  # young again: nobody takes it for an orphan before it is noted
            except FileNotFoundError:
                self._write_new(self._vault.seal(content, _context(digest)), target)
            _fsync(target.parent)
        except OSError as error:
            if error.errno in _NO_SPACE:
                raise NoSpace(error.errno, NoSpace.__doc__) from error
            raise
        return digest

    def read(self, name: str) -> bytes:
        """Open a sealed file. Raises FileNotFoundError, WrongKey and Damaged."""
        return self._vault.open(self._path(name).read_bytes(), _context(name))

    def key_id(self, name: str) -> str | None:
        """Tell which key sealed a file. Raises FileNotFoundError."""
        with self._path(name).open("rb") as file:
            return key_id(file.read(8))

    def reseal(self, name: str) -> bool:
        """Seal a file with the newest key; False if it is, or is gone. Raises WrongKey and Damaged, OSError."""
        target = self._path(name)
        try:
            sealed = self._vault.resealed(target.read_bytes(), _context(name))
            if sealed is None or not target.exists():
                return False
        except FileNotFoundError:
            return False
        self._write_new(sealed, target)
        _fsync(target.parent)
        return True

    def delete(self, name: str) -> None:
        """Remove a file; one that is gone already is no error."""
        self._path(name).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        """Give the names of all files, in order."""
        for number in range(256):
            yield from sorted(
                p.name for p in (self._folder / f"{number:02x}").iterdir() if _NAME.fullmatch(p.name)
            )

    def holds(self, name: str) -> bool:
        """Tell whether a file is there."""
        return self._path(name).exists()

    def age_s(self, name: str, now: float) -> float:
        """Give the seconds since a file was written; `now` is in seconds since the epoch. Raises FileNotFoundError."""
        return now - self._path(name).stat().st_mtime

    def free_bytes(self) -> int:
        """Give the space left to us on the disk under the spool."""
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError("a spool name is 64 hexadecimal digits")
        return self._folder / name[:2] / name

    def _write_new(self, sealed: bytes, target: Path) -> None:
        temporary = self._new / f"{os.getpid()}-{secrets.token_hex(8)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            # The lock tells the sweep of another process that somebody still writes here.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            rest = memoryview(sealed)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fdatasync(descriptor)
            temporary.rename(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)

    def _sweep(self) -> None:
        """Remove the temporary files of processes that died while they wrote."""
        for path in self._new.iterdir():
            with suppress(FileNotFoundError), path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                path.unlink()


def _context(name: str) -> str:
    return f"spool/{name}"


def _fsync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
