"""DICOMweb beside the door, in its process: it hands out and takes in what is under the patient's name."""

import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager

from dicom_scp.guard import Gate
from dicom_scp.taking import Taker
from service.access import Tokens
from service.bootstrap import Foundation
from service.dicomweb.app import create_app
from service.dicomweb.results import Results
from service.dicomweb.server import DicomwebServer
from service.dicomweb.stow import Limits, Stow
from service.dicomweb.tokens import Admission
from service.dicomweb.wado import Retrieval
from service.ledger.shelf import Shelf, Shelved
from service.ledger.tokens import TokenBook
from service.settings import Settings, is_loopback
from service.settings_tables import Dicomweb, ShelfDestination
from service.tls import TlsFiles, server_context


@contextmanager
def dicomweb(foundation: Foundation, taker: Taker, gate: Gate) -> Generator[int | None]:
    """Serve DICOMweb behind a gate until the block ends; gives the port, None where the settings name none."""
    settings = foundation.settings
    if settings.dicomweb.port is None:
        yield None
        return
    tokens = Tokens(TokenBook(foundation.database))
    admission = Admission(tokens, at_home=is_loopback(settings.dicomweb.host))
    keyed = foundation.keyring.uid
    stow = Stow(taker, admission, keyed, limits_of(settings))
    results = Results(rows_of(settings, Shelf(foundation.database)), foundation.outbox, keyed)
    app = create_app(stow, Retrieval(results, admission))
    server = DicomwebServer(app, gate, taker.events.association, _tls(settings.dicomweb))
    port = server.start(settings.dicomweb.host, settings.dicomweb.port)
    try:
        yield port
    finally:
        server.stop()


def _tls(entry: Dicomweb) -> ssl.SSLContext | None:
    """Give this port's side of https; None where it speaks http. Raises BadCertificate."""
    if entry.certificate is None:
        return None
    return server_context(TlsFiles(certificate=entry.certificate, key=entry.private_key))


def rows_of(settings: Settings, shelf: Shelf) -> Callable[[str | None, str | None], list[Shelved]]:
    """Give what lists the results of the shelves that the settings name; an object on two of them counts once."""
    names = [entry.name for entry in settings.destination if isinstance(entry, ShelfDestination)]

    def rows(study_uid: str | None, sop_instance_uid: str | None) -> list[Shelved]:
        found = (
            row
            for name in names
            for row in shelf.results(name, study_uid=study_uid, sop_instance_uid=sop_instance_uid)
        )
        return list({row.sop_instance_uid: row for row in found}.values())

    return rows


def limits_of(settings: Settings) -> Limits:
    """Give how much of a request to bear."""
    return Limits(
        instance_bytes=settings.max_instance_mb * 2**20,
        pace_bytes=settings.max_pdu,
        pace_s=settings.pdu_deadline_s,
    )
