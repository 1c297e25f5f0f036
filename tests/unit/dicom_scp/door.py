"""A door that stands open for one test, with everything that it said and took."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from dicom_scp.deidentify import Deidentifier
from dicom_scp.guard import TlsNow
from dicom_scp.identity import Vault
from dicom_scp.instance import Facts, Instance
from dicom_scp.listener import Listener, ListenerConfig, Offer
from dicom_scp.spool import Spool
from dicom_scp.taking import DoorEvents, Refusal, Taker
from tests.unit.dicom_scp.encodings import KEYS


@dataclass(slots=True)
class Door:
    """What happened at the door."""

    spool: Spool
    port: int = 0
    taken: list[Instance] = field(default_factory=list)
    associations: list[str] = field(default_factory=list)
    active: list[int] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    released: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    take: Callable[[Instance], int] = lambda _: 0

    def receive(self, instance: Instance) -> int:
        status = self.take(instance)
        if status == 0:
            self.spool.write(instance.content, instance.digest)
            self.taken.append(instance)
        return status

    def left_behind(self) -> list[str]:
        """Names in the spool that belong to nothing that was taken."""
        return sorted(set(self.spool.names()) - {instance.digest for instance in self.taken})

    def events(self) -> DoorEvents:
        def skipped(reason: str, _facts: Facts | None) -> None:
            self.skipped.append(reason)

        return DoorEvents(
            association=lambda result, _peer: self.associations.append(result),
            active=self.active.append,
            skipped=skipped,
            refused=self.refused.append,
            released=lambda title, series: self.released.append((title, series)),
            stored=lambda _seconds, status, _size: self.stored.append(status),
        )


@contextmanager
def open_door(
    folder: Path,
    *,
    tls: TlsNow | None = None,
    offers: Sequence[Offer] = (),
    **config: object,
) -> Iterator[Door]:
    """Listen on a free port until the block is left; `config` are fields of ListenerConfig."""
    door = Door(Spool(folder / "spool", Vault(KEYS)))
    settings = replace(ListenerConfig(port=0, pdu_deadline_s=5.0), **config)  # type: ignore[arg-type]
    listener = Listener(settings, Taker(door.receive, Deidentifier(KEYS), door.events()), offers, tls)
    door.port = listener.start()
    try:
        yield door
    finally:
        listener.stop(drain_s=1.0)
