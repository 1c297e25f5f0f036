"""The door as a process."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from pynetdicom import evt

from dicom_scp.commitment_report import PUSH_MODEL, TakeReport, answer_report
from dicom_scp.guard import Gate
from dicom_scp.listener import Listener, ListenerConfig, Offer
from dicom_scp.taking import Taker
from service.bootstrap import (
    Foundation,
    commitments,
    deidentifier,
    door_tls,
    lay_foundation,
    metrics_of,
    note_expiry,
    roster,
    scanner_book,
)
from service.door import CallBook, door_events
from service.exams import offers
from service.ledger import Callers, Intake, LedgerUnavailable
from service.ledger.deid import DeidTally
from service.operating.deid_log import Tally
from service.parts.dicomweb import dicomweb
from service.parts.health import basics, health_server
from service.parts.part import Part
from service.reception import Reception
from service.settings import Settings
from service.settings_tables import DicomDestination
from service.tls import FreshServerContext

CERTIFICATES_EVERY_S, CALLS_EVERY_S, TALLY_EVERY_S, RENEW_EVERY_S = 60.0, 2.0, 10.0, 1.0


def run(settings: Settings, *, supervised: bool) -> None:
    """Run the door until it is told to stop."""
    foundation = lay_foundation(settings)
    metrics = metrics_of(settings)
    part = Part("receive", foundation.upkeep, foundation.database, metrics)
    intake, calls = Intake(foundation.database), CallBook(Callers(foundation.database))
    gate = Gate(settings.allow.networks, settings.max_associations, settings.max_associations_per_peer)
    doorman = Doorman(foundation, gate)
    reception = Reception(
        spool=foundation.spool,
        vault=foundation.vault,
        intake=intake,
        scanners=lambda: doorman.book,
        metrics=metrics,
        min_free_bytes=settings.min_free_mb * 2**20,
    )
    tally = Tally(DeidTally(foundation.database))
    events = door_events(metrics, intake, calls.heard, tally.skipped)
    taker = Taker(reception, deidentifier(foundation, tally.done), events, intake.is_own)
    offered = [*offers(foundation, intake), *_reports(settings, commitments(foundation))]
    listeners = _listeners(settings, taker, offered)
    ports = {name: listener.start() for name, listener in listeners.items()}
    doorman.listeners += listeners.values()
    doorman.renew()
    part.facts |= {"ae_title": settings.ae_title, **ports}
    with (
        part.running(),
        health_server(
            0 if supervised else settings.receive_health_port, metrics, basics(foundation)
        ) as health,
        dicomweb(foundation, taker, gate) as dicomweb_port,
    ):
        part.facts |= {"health_port": health, "dicomweb_port": dicomweb_port}
        part.beat()
        note_expiry(settings, metrics)
        part.every(RENEW_EVERY_S, doorman.renew, "doorman")
        part.every(CALLS_EVERY_S, calls.note, "calls")
        part.every(TALLY_EVERY_S, tally.note, "tally")
        part.every(CERTIFICATES_EVERY_S, lambda: note_expiry(settings, metrics), "certificates")
        part.stop.wait()
        for listener in listeners.values():
            listener.stop(drain_s=5.0 / len(listeners))
        with suppress(LedgerUnavailable):
            tally.note()


class Doorman:
    """Knows who is let in and how scanners are called, and keeps up with what people change."""

    def __init__(self, foundation: Foundation, gate: Gate) -> None:
        self._foundation = foundation
        self._roster = roster(foundation)
        self._gate = gate
        self._seen = self._roster()
        self.book = scanner_book(foundation, self._seen)
        self.listeners: list[Listener] = []

    def renew(self) -> None:
        """Take up what is in force now."""
        settings = self._roster()
        if settings is not self._seen:
            self._seen, self.book = settings, scanner_book(self._foundation, settings)
        self._gate.admit(settings.allow.networks)
        for listener in self.listeners:
            listener.admit(settings.allow.ae_titles, settings.allow.networks)


def _reports(settings: Settings, take: TakeReport) -> list[Offer]:
    """Take reports of storage commitment where destinations are asked for it."""
    asked = any(isinstance(entry, DicomDestination) and entry.commitment for entry in settings.destination)
    return [Offer(PUSH_MODEL, [(evt.EVT_N_EVENT_REPORT, answer_report, [take])])] if asked else []


def _listeners(settings: Settings, taker: Taker, offered: Sequence[Offer]) -> dict[str, Listener]:
    """Make the open ports, each under the name of its fact. Raises BadCertificate."""
    plain = _listener_config(settings)
    made: dict[str, Listener] = {}
    if settings.tls is None or settings.tls.plain:
        made["port"] = Listener(plain, taker, offered)
    if settings.tls is not None:
        tls = FreshServerContext(door_tls(settings.tls))
        made["tls_port"] = Listener(replace(plain, port=settings.tls.port), taker, offered, tls)
    return made


def _listener_config(settings: Settings) -> ListenerConfig:
    return ListenerConfig(
        ae_title=settings.ae_title,
        host=settings.dicom_host,
        port=settings.dicom_port,
        ae_titles=settings.allow.ae_titles,
        networks=settings.allow.networks,
        max_pdu=settings.max_pdu,
        pdu_deadline_s=settings.pdu_deadline_s,
        idle_s=settings.idle_s,
        max_associations=settings.max_associations,
        max_associations_per_peer=settings.max_associations_per_peer,
        max_instance_bytes=settings.max_instance_mb * 2**20,
    )
