"""TLS for what leaves and what comes: contexts by BCP 195, and when a certificate ends."""

import logging
import ssl
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

log = logging.getLogger(__name__)

# PS3.15, B.12 (BCP 195 RFC 8996, 9325 TLS Profile): with TLS 1.2 only forward secrecy and AES in GCM
CIPHERS = "ECDHE+AESGCM:!aNULL"


class BadCertificate(ValueError):
    """A certificate or key cannot be used."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The files of one side of a connection, all PEM."""

    ca: Path | None = None  # who signs the other side; None: whom this machine trusts
    certificate: Path | None = None  # ours, with what stands between it and its root
    key: Path | None = None  # None: it stands in `certificate`
    check_name: bool = True  # the other side's certificate must be for the host that we call


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """Make the context of one who calls; who answers has to prove itself. Raises BadCertificate."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT, files)
    if files.ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    context.check_hostname = files.check_name
    return context


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """Make the context of one who is called; with `ca`, who calls has to prove itself. Raises BadCertificate."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, files)
    if files.ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class FreshServerContext:
    """The context of one who is called, made anew when its files change; what cannot be used changes nothing."""

    def __init__(self, files: TlsFiles) -> None:
        """Read the files. Raises BadCertificate."""
        self._files = files
        self._seen = self._changed()
        self._context = server_context(files)
        self._lock = threading.Lock()

    def __call__(self) -> ssl.SSLContext:
        """Give the context for the next connection."""
        with self._lock:
            changed = self._changed()
            if changed != self._seen:
                self._seen = changed
                try:
                    self._context = server_context(self._files)
                except BadCertificate as error:
                    log.exception("certificate not replaced", extra={"reason": str(error)})
            return self._context

    def _changed(self) -> list[int]:
        """Give when each file changed, 0 for one that is gone."""
        files = self._files
        paths = [path for path in (files.ca, files.certificate, files.key) if path is not None]
        return [path.stat().st_mtime_ns if path.exists() else 0 for path in paths]


def _context(protocol: int, files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    try:
        if files.ca is not None:
            context.load_verify_locations(files.ca)
        if files.certificate is not None:
            context.load_cert_chain(files.certificate, files.key, password=_no_password)
    except (OSError, ssl.SSLError) as error:
        named = ", ".join(str(path) for path in (files.ca, files.certificate, files.key) if path)
        raise BadCertificate(f"{named}: {_reason(error)}") from error
    return context


def _no_password() -> bytes:
    """Nobody is asked at a terminal: a key with a password is not taken."""
    return b""


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"no certificate or key that fits ({error.reason or 'unreadable'})"
    return error.strerror or type(error).__name__


def expiry(certificate: Path) -> float:
    """Give when a certificate ends, in seconds since 1970. Raises BadCertificate."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError) as error:
        raise BadCertificate(f"{certificate}: no certificate") from error
    return found.not_valid_after_utc.timestamp()


def earliest_expiry(certificates: Iterable[Path]) -> float | None:
    """Give when the first of them ends, None where there are none; 0 for one that cannot be read."""
    ends = []
    for certificate in certificates:
        try:
            ends.append(expiry(certificate))
        except BadCertificate:
            ends.append(0.0)
    return min(ends, default=None)
