"""Sends DICOM files by C-STORE: `scanside send`, and what plays the scanner in the demonstration."""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.events import EventHandlerType

from dicom_scp.libraries import quiet_libraries
from service.cli.files import files_in

MOST_CONTEXTS = 128  # PS3.8, 9.3.2.2: their numbers are odd and fit a byte
_MAX_PDU = 131_072
_TIMEOUT_S = 30.0
_LOST, _SILENT = "the association was lost", "no answer"

Context = tuple[str, str]  # SOP class, transfer syntax


class NoAssociation(ConnectionError):
    """The peer cannot be reached, or does not accept the association."""


class Rejected(NoAssociation):
    """The peer rejects the association; the message says why, in the Standard's words (PS3.8, 9.3.4)."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one file."""

    path: Path
    status: int | None  # DIMSE status; None where there was no answer
    reason: str = ""  # why there was none
    seconds: float = 0.0  # from the request to its answer

    @property
    def stored(self) -> bool:
        """Whether the peer took it, with a warning or without (PS3.4, table B.2-1)."""
        return self.status is not None and (self.status == 0 or 0xB000 <= self.status < 0xC000)


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    context: Context


def send(
    paths: Iterable[Path],
    host: str,
    port: int,
    *,
    called: str = "SCANSIDE",
    calling: str = "SCANNER",
    pace: float = 0.0,
    on_sent: Callable[[Sent], None] = lambda _: None,
) -> list[Sent]:
    """Send files, and the files in folders, in their order; `pace` is in instances a second, 0 for full speed.

    Nothing is sent twice. What is no DICOM file, or has no answer, is in the list with the reason.
    Raises NoAssociation where the peer does not take the first association.
    """
    quiet_libraries()
    sent: list[Sent] = []
    for outcome in _sent(list(files_in(paths)), (host, port), (called, calling), pace):
        sent.append(outcome)
        on_sent(outcome)
    return sent


def _sent(
    paths: Sequence[Path], address: tuple[str, int], titles: tuple[str, str], pace: float
) -> Iterator[Sent]:
    readable: list[_File] = []
    for path in paths:
        try:
            readable.append(_File(path, _context(path)))
        except (InvalidDicomError, OSError, ValueError, AttributeError):
            yield Sent(path, None, "not a DICOM file")
    waiting, began = readable, False
    while waiting:  # a lost association costs the file that it was lost with, and no other
        group = _group(waiting)
        try:
            association = associate({file.context for file in group}, address, titles)
        except NoAssociation:
            if not began:
                raise
            yield from (Sent(file.path, None, "no association") for file in waiting)
            return
        done = 0
        try:
            for sent in _through(association, group, pace):
                yield sent
                done += 1
        finally:
            if association.is_established:
                association.release()
        waiting, began = waiting[done:], True


def _context(path: Path) -> Context:
    """Read SOP class and transfer syntax. Raises where it is no DICOM file."""
    header = dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID", "SOPInstanceUID"])
    if "SOPInstanceUID" not in header:
        raise InvalidDicomError
    return str(header.SOPClassUID), str(header.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian))


def _group(files: Sequence[_File]) -> Sequence[_File]:
    """Give the first files, no more than need as many contexts as an association has."""
    contexts: set[Context] = set()
    for number, file in enumerate(files):
        contexts.add(file.context)
        if len(contexts) > MOST_CONTEXTS:
            return files[:number]
    return files


def associate(
    contexts: set[Context],
    address: tuple[str, int],
    titles: tuple[str, str],
    *,
    connect_s: float = _TIMEOUT_S,
    answer_s: float = _TIMEOUT_S,
    tls: ssl.SSLContext | None = None,
    handlers: Sequence[EventHandlerType] = (),
) -> Association:
    """Associate with one transfer syntax for each context, so that no file is ever converted.

    `titles` are the called and the calling AE title, `handlers` take what the peer asks. Raises NoAssociation, and
    Rejected where the peer said why.
    """
    called, calling = titles
    entity = ApplicationEntity(calling)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = answer_s
    entity.connection_timeout = connect_s
    for sop_class, transfer_syntax in sorted(contexts):
        entity.add_requested_context(sop_class, transfer_syntax)
    association = entity.associate(
        *address,
        ae_title=called,
        max_pdu=_MAX_PDU,
        tls_args=None if tls is None else (tls, address[0]),
        evt_handlers=list(handlers),
    )
    if not association.is_established:
        answer = association.acceptor.primitive
        if association.is_rejected and answer is not None:
            raise Rejected(f"the association is rejected: {answer.reason_str}")
        raise NoAssociation(NoAssociation.__doc__)
    connection = association.dul.socket.socket if association.dul.socket else None
    if connection is not None:  # else each request waits 40 ms for the acknowledgement of the last answer
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(answer_s)  # for a peer that stops reading
    return association


def _through(association: Association, files: Sequence[_File], pace: float) -> Iterator[Sent]:
    """Send files one after the other, until the association is lost."""
    began = time.monotonic()
    for number, file in enumerate(files):
        if pace > 0:
            time.sleep(max(0.0, began + number / pace - time.monotonic()))
        sent = _stored(association, file.path)
        yield sent
        if sent.reason in (_LOST, _SILENT):
            association.abort()
            return


def _stored(association: Association, path: Path) -> Sent:
    """Ask the peer to store one file."""
    asked = time.perf_counter()
    try:
        dataset = dcmread(path)
        if not dataset:  # pydicom gives nothing of a file that ends within its last element
            return Sent(path, None, "the file is cut short")
        answer = association.send_c_store(dataset)
    except RuntimeError:
        return Sent(path, None, _LOST)
    except (ValueError, OSError, InvalidDicomError, AttributeError) as error:
        return Sent(path, None, "not accepted by the peer" if isinstance(error, ValueError) else "not sent")
    status = answer.get("Status")
    seconds = time.perf_counter() - asked
    return Sent(path, None if status is None else int(status), "" if answer else _SILENT, seconds)
