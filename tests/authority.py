"""A certificate authority for tests, made by openssl."""

import subprocess
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from tests.peers import program


@dataclass(frozen=True, slots=True)
class Authority:
    """Signs certificates; its files lie in a folder of its own."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        usage = ["-addext", "keyUsage=critical,keyCertSign"]
        self._openssl("req", "-x509", *key, "-subj", "/CN=Test CA", "-days", "30", *usage, out="ca")

    @property
    def ca(self) -> Path:
        """Its own certificate."""
        return self.folder / "ca.pem"

    def issue(self, host: str, days: int = 10) -> tuple[Path, Path]:
        """Issue a certificate for a host name or an address; gives the files of certificate and key."""
        signed = ["-CA", str(self.ca), "-CAkey", str(self.folder / "ca.key"), "-x509", "-nodes"]
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        named = ["-subj", f"/CN={host}", "-addext", f"subjectAltName={_kind(host)}:{host}"]
        self._openssl("req", *signed, *key, *named, "-days", str(days), out=host)
        return self.folder / f"{host}.pem", self.folder / f"{host}.key"

    def _openssl(self, *words: str, out: str) -> None:
        files = ["-keyout", str(self.folder / f"{out}.key"), "-out", str(self.folder / f"{out}.pem")]
        subprocess.run([program("openssl"), *words, *files], check=True, capture_output=True)


def _kind(host: str) -> str:
    try:
        ip_address(host)
    except ValueError:
        return "DNS"
    return "IP"
