"""`scanside support`: one archive that tells how an installation stands, and nothing of any patient.

What people wrote (reasons) stays out, and so does what names a device or a person (serial numbers, mail addresses).
"""

import json
import platform
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import distributions, version
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from inference.card import Card
from service.bootstrap import Foundation, certificates, lay_foundation, model_card, roster
from service.ledger import Callers, Control, Desk, LedgerUnavailable, NodeBook, Views
from service.settings import Settings
from service.tls import BadCertificate, expiry

HIDDEN = "(hidden)"
PRIVATE = frozenset(
    {"serial", "user", "sender", "recipients"}
)  # names of settings that may name a device or a person
LOGS_H = 24.0  # how far back
LOG_BYTES = 20 * 2**20  # of each file, its end
MOST_REFUSALS = 200


@dataclass(frozen=True, slots=True)
class Support:
    """Makes the archive."""

    foundation: Foundation
    card: Card
    metrics: Callable[[], bytes]  # in the text format of Prometheus

    def __call__(self, to: IO[bytes]) -> None:
        """Write it; what cannot be told says why in place of the facts."""
        with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, tell in self._tellers():
                archive.writestr(name, _told(tell))
            archive.writestr("metrics.txt", self.metrics())
            for log in logs(self.foundation.settings.state_dir, time.time()):
                archive.writestr(f"logs/{log.name}", _end_of(log))

    def _tellers(self) -> Iterator[tuple[str, Callable[[], object]]]:
        database, settings = self.foundation.database, self.foundation.settings
        views, control, desk = Views(database), Control(database), Desk(database)
        in_force = roster(self.foundation, None)
        yield "about.json", lambda: about(self.card)
        yield "settings.json", lambda: harmless(settings)
        yield "in_force.json", lambda: harmless(in_force())
        yield "parts.json", lambda: [asdict(part) for part in views.parts()]
        yield "counts.json", lambda: asdict(views.counts())
        yield "tables.json", self.foundation.upkeep.sizes
        yield "deliveries.json", lambda: [[*names, count] for names, count in sorted(desk.counts().items())]
        yield "deeds.json", lambda: [_without_reason(asdict(one)) for one in desk.latest(MOST_REFUSALS)]
        yield "pauses.json", lambda: [_without_reason(asdict(one)) for one in control.pauses()]
        yield "nodes.json", lambda: [asdict(one) for one in NodeBook(database).probes().values()]
        yield "callers.json", lambda: [asdict(one) for one in Callers(database).all()]
        yield "refused.json", lambda: [asdict(one) for one in Callers(database).refused(MOST_REFUSALS)]
        yield "disk.json", lambda: {"free_bytes": self.foundation.spool.free_bytes()}
        yield "certificates.json", lambda: dict(_ends(certificates(settings)))


def support(settings: Settings, out: Path) -> int:
    """Write the archive of this installation; gives the exit status."""
    foundation = lay_foundation(settings)
    with out.open("wb") as file:
        Support(foundation, model_card(settings), lambda: b"# only a running console has metrics\n")(file)
    print(out)
    return 0


def about(card: Card) -> dict[str, object]:
    """Say what runs here: the product, the model, the machine, and every package."""
    return {
        "version": version("scanside"),
        "model": {"name": card.name, "version": card.version, "sha256": card.sha256},
        "python": sys.version,
        "system": platform.platform(),
        "at": time.time(),
        "packages": dict(sorted((one.name, one.version) for one in distributions())),
    }


def harmless(value: object, name: str = "") -> object:
    """Give settings as JSON, without secrets and without what names a device or a person."""
    if isinstance(value, SecretStr) or (name in PRIVATE and value is not None):
        return HIDDEN
    if isinstance(value, BaseModel):
        return {key: harmless(inner, key) for key, inner in value}
    if isinstance(value, tuple | list):
        return [harmless(inner, name) for inner in value]
    if name == "url":  # its path may be a secret, as with webhooks
        parts = urlsplit(str(value))
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/..."
    return value if isinstance(value, int | float | bool) or value is None else str(value)


def logs(state_dir: Path, now: float) -> Sequence[Path]:
    """Give the log files that were written to lately."""
    found = (state_dir / "logs").glob("*.jsonl*")
    return sorted(path for path in found if now - path.stat().st_mtime < LOGS_H * 3600)


def _end_of(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_BYTES))
        return file.read()


def _told(tell: Callable[[], object]) -> str:
    try:
        return json.dumps(tell(), indent=1, default=str)
    except LedgerUnavailable as error:
        return json.dumps({"not told": str(error)})


def _without_reason(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "reason"}


def _ends(paths: Sequence[Path]) -> Iterator[tuple[str, object]]:
    for path in paths:
        try:
            yield str(path), expiry(path)
        except BadCertificate as error:
            yield str(path), str(error)
