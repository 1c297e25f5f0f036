"""The door as a process."""

from dicom_scp.listener import Listener, ListenerConfig
from dicom_scp.taking import Taker
from service.bootstrap import deidentifier, lay_foundation, metrics_of, scanner_book
from service.door import door_events
from service.ledger import Intake
from service.parts.dicomweb import dicomweb
from service.parts.health import basics, health_server
from service.parts.part import Part
from service.reception import Reception
from service.settings import Settings


def run(settings: Settings, *, supervised: bool) -> None:
    """Run the door until it is told to stop."""
    foundation = lay_foundation(settings)
    metrics = metrics_of(settings)
    part = Part("receive", foundation.upkeep, foundation.database, metrics)
    intake = Intake(foundation.database)
    reception = Reception(
        spool=foundation.spool,
        vault=foundation.vault,
        intake=intake,
        scanners=scanner_book(foundation),
        metrics=metrics,
        min_free_bytes=settings.min_free_mb * 2**20,
    )
    taker = Taker(reception, deidentifier(foundation), door_events(metrics, intake))
    listener = Listener(_listener_config(settings), taker)
    port = listener.start()
    part.facts |= {"ae_title": settings.ae_title, "port": port}
    with (
        part.running(),
        health_server(
            0 if supervised else settings.receive_health_port, metrics, basics(foundation)
        ) as health,
        dicomweb(foundation, taker) as dicomweb_port,
    ):
        part.facts |= {"health_port": health, "dicomweb_port": dicomweb_port}
        part.beat()
        part.stop.wait()
        listener.stop(drain_s=5.0)


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
