"""A postman for each destination in force: those that come get one, those that go lose theirs."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from dicom_scp.spool import Spool
from service.delivery import Destination, Postman
from service.ledger import Outbox
from service.metrics import Metrics
from service.parts.part import Part
from service.settings import Settings
from service.settings_tables import Destination as DestinationEntry

RENEW_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class PostRoom:
    """Employs them. In shadow mode nobody carries anything."""

    part: Part
    outbox: Outbox
    files: Spool
    metrics: Metrics
    settings: Callable[[], Settings]  # in force now
    build: Callable[[DestinationEntry, Settings], Destination]
    _employed: dict[str, tuple[DestinationEntry, threading.Event]] = field(
        default_factory=dict[str, tuple[DestinationEntry, threading.Event]]
    )

    def open(self) -> None:
        """Begin, and keep up with what people change."""
        self.renew()
        self.part.every(RENEW_EVERY_S, self.renew, "post room")

    def renew(self) -> None:
        """Let those go whose destination went or changed; what they carry at the moment they carry to its end."""
        settings = self.settings()
        wanted = {} if settings.mode == "shadow" else {entry.name: entry for entry in settings.destination}
        for name, (entry, dismissed) in list(self._employed.items()):
            if wanted.get(name) != entry:
                dismissed.set()
                del self._employed[name]
        for name, entry in wanted.items():
            if name not in self._employed:
                self._employ(entry, settings)

    def _employ(self, entry: DestinationEntry, settings: Settings) -> None:
        dismissed = threading.Event()
        postman = Postman(self.outbox, self.files, self.build(entry, settings), self.metrics)
        self._employed[entry.name] = entry, dismissed
        self.part.loop(postman.deliver_next, f"deliver {entry.name}", until=dismissed)
