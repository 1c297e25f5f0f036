"""DICOMweb beside the door, in its process: it hands out and takes in what is under the patient's name."""

from collections.abc import Generator
from contextlib import contextmanager

from dicom_scp.guard import Gate
from dicom_scp.taking import Taker
from service.bootstrap import Foundation
from service.dicomweb.app import create_app
from service.dicomweb.server import DicomwebServer
from service.dicomweb.stow import Limits, Stow
from service.dicomweb.tokens import Client, Tokens
from service.settings import Settings


@contextmanager
def dicomweb(foundation: Foundation, taker: Taker) -> Generator[int | None]:
    """Serve DICOMweb until the block ends; gives the port, None where the settings name none."""
    settings = foundation.settings
    if settings.dicomweb.port is None:
        yield None
        return
    gate = Gate(settings.allow.networks, settings.max_associations, settings.max_associations_per_peer)
    tokens = tokens_of(settings)
    stow = Stow(taker, tokens, foundation.keyring.uid, limits_of(settings))
    server = DicomwebServer(create_app(stow, tokens), gate, taker.events.association)
    port = server.start(settings.dicomweb.host, settings.dicomweb.port)
    try:
        yield port
    finally:
        server.stop()


def tokens_of(settings: Settings) -> Tokens:
    """Give the clients that the settings name."""
    return Tokens(
        Client(entry.name, entry.ae_title or "", frozenset(entry.scopes), bytes.fromhex(entry.digest))
        for entry in settings.token
    )


def limits_of(settings: Settings) -> Limits:
    """Give how much of a request to bear."""
    return Limits(
        instance_bytes=settings.max_instance_mb * 2**20,
        pace_bytes=settings.max_pdu,
        pace_s=settings.pdu_deadline_s,
    )
