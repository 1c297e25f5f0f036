"""Asking a PACS to send original images on: C-MOVE, study root. The originals are never ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom.association import Association

from service.routing.channels import NotDone
from service.scu import NoAssociation, associate
from service.tls import BadCertificate, TlsFiles, client_context

MOVE = "1.2.840.10008.5.1.4.1.2.2.2"  # Study Root Query/Retrieve Information Model - MOVE
PENDING = frozenset({0xFF00, 0xFF01})
SUCCESS, WARNING = 0x0000, 0xB000  # PS3.4 table C.4-2
UNKNOWN_TARGET = 0xA801
CONNECT_S = 5.0
PATIENT_S = 900.0  # without a word from the PACS while it sends; some tell nothing until all is done
PATIENCE_TRIES = 6  # so often it is asked again while it has fewer images than came here


@dataclass(frozen=True, slots=True)
class Archive:
    """A PACS that can be asked to send on what it has."""

    name: str
    host: str
    port: int
    ae_title: str
    calling_ae_title: str
    tls: TlsFiles | None = None

    def forward(self, header: Dataset, order: Mapping[str, Any], expected: int, tries: int) -> str:
        """Ask it to send a series or its study on, and give what it answered. Raises NotDone.

        With fewer images there than the `expected` ones it is asked again some times: it may be receiving still.
        """
        query = Dataset()
        query.QueryRetrieveLevel = "SERIES" if order["what"] == "series" else "STUDY"
        query.StudyInstanceUID = header.StudyInstanceUID
        if order["what"] == "series":
            query.SeriesInstanceUID = header.SeriesInstanceUID
        association = self._open()
        try:
            status, sent, failed = _moved(association, query, str(order["to"]))
        finally:
            if association.is_established:
                association.release()
        return _judged(status, sent, failed, expected=expected, tries=tries)

    def _open(self) -> Association:
        address, titles = (self.host, self.port), (self.ae_title, self.calling_ae_title)
        try:
            tls = None if self.tls is None else client_context(self.tls)
            made = associate({(MOVE, ImplicitVRLittleEndian)}, address, titles, connect_s=CONNECT_S, tls=tls)
        except BadCertificate as error:
            raise NotDone("our certificate, key or CA cannot be used") from error
        except NoAssociation as error:
            raise NotDone("no association, or the PACS takes no C-MOVE") from error
        made.dimse_timeout = made.network_timeout = PATIENT_S
        return made


def _moved(association: Association, query: Dataset, to: str) -> tuple[int, int, int]:
    """Give the last status, and how many images were sent and failed to be. Raises NotDone."""
    sent = failed = 0
    try:
        for status, _ in association.send_c_move(query, to, MOVE):
            code: int | None = getattr(status, "Status", None)
            if code is None:
                raise NotDone("no answer")
            sent = int(getattr(status, "NumberOfCompletedSuboperations", None) or 0)
            sent += int(getattr(status, "NumberOfWarningSuboperations", None) or 0)
            failed = int(getattr(status, "NumberOfFailedSuboperations", None) or 0)
            if code not in PENDING:
                return code, sent, failed
    except (RuntimeError, ValueError) as error:
        raise NotDone("the association was lost") from error
    raise NotDone("no answer")


def _judged(status: int, sent: int, failed: int, *, expected: int, tries: int) -> str:
    told = f"0x{status:04X}, {sent} images sent"
    if status == UNKNOWN_TARGET:
        raise NotDone("0xA801, the PACS does not know the AE title to send to")
    if status not in {SUCCESS, WARNING}:
        raise NotDone(f"0x{status:04X}")
    if failed:
        raise NotDone(f"{told}, {failed} failed")
    if sent < expected and tries < PATIENCE_TRIES:
        raise NotDone(f"{told} of {expected}: the PACS has no more yet")
    if not sent:
        raise NotDone(f"{told}: the PACS does not have it", final=True)
    return told if sent >= expected else f"{told} of {expected}"
