"""A C-STORE sender that never stalls: requests are encoded beforehand, answers are read raw and acknowledged."""

import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from threading import Thread
from typing import Self

import numpy as np
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from dicom_scp.elements import IMPLICIT
from tests.series import mr_series

MAX_PDU = 131_072
_RESPONSE_STATUS = b"\x00\x00\x00\x09\x02\x00\x00\x00"  # (0000,0900), two bytes, Implicit VR


def series(
    instances: int, rows: int = 384, columns: int = 512, *, key: str = "bench"
) -> list[tuple[str, bytes]]:
    """Give SOP Instance UID and encoded data set of each instance of a noisy series of one patient."""
    noise = np.random.default_rng(7).integers(0, 4096, (instances, rows, columns), dtype=np.uint16)
    return [(str(ds.SOPInstanceUID), encoded(ds)) for ds in mr_series(pixels=noise, key=key)]


def encoded(ds: Dataset) -> bytes:
    """Encode a data set, Explicit VR Little Endian."""
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = False, True
    write_dataset(buffer, ds)
    return buffer.getvalue()


def c_store(
    uid: str, data_set: bytes, message_id: int, sop_class: str = MRImageStorage, max_pdu: int = MAX_PDU
) -> bytes:
    """Encode one C-STORE request as P-DATA-TF PDUs (PS3.7, 9.3.1; PS3.8, 9.3.5) on presentation context 1."""
    elements = (
        (0x0002, _padded(sop_class)),
        (0x0100, struct.pack("<H", 0x0001)),
        (0x0110, struct.pack("<H", message_id)),
        (0x0700, struct.pack("<H", 0)),
        (0x0800, struct.pack("<H", 0)),
        (0x1000, _padded(uid)),
    )
    command = b"".join(IMPLICIT.pack(0, number, len(value)) + value for number, value in elements)
    command = IMPLICIT.pack(0, 0, 4) + struct.pack("<L", len(command)) + command
    pdus = [p_data(command, 0x03)]
    room = min(max_pdu, MAX_PDU) - 6
    for start in range(0, max(1, len(data_set)), room):
        last = start + room >= len(data_set)
        pdus.append(p_data(data_set[start : start + room], 0x02 if last else 0x00))
    return b"".join(pdus)


def p_data(fragment: bytes, control: int) -> bytes:
    """Encode one P-DATA-TF PDU with one fragment."""
    return struct.pack(">BBLLBB", 4, 0, len(fragment) + 6, len(fragment) + 2, 1, control) + fragment


def associate_request(
    called: str,
    calling: str,
    sop_class: str = MRImageStorage,
    syntax: str = ExplicitVRLittleEndian,
    contexts: int = 1,
) -> bytes:
    """Encode an A-ASSOCIATE-RQ that proposes the SOP class in one syntax, as often as told (PS3.8, 9.3.2)."""
    context = b"".join(
        _item(
            0x20,
            bytes((n * 2 % 256 + 1, 0, 0, 0))
            + _item(0x30, sop_class.encode())
            + _item(0x40, syntax.encode()),
        )
        for n in range(contexts)
    )
    user = _item(0x51, struct.pack(">L", MAX_PDU)) + _item(0x52, b"2.25.4711")
    titles = called.ljust(16).encode(), calling.ljust(16).encode()
    body = struct.pack(">HH16s16s32x", 1, 0, *titles) + _item(0x10, b"1.2.840.10008.3.1.1.1")
    body += context + _item(0x50, user)
    return struct.pack(">BBL", 1, 0, len(body)) + body


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(value)) + value


def _padded(uid: str) -> bytes:
    return uid.encode() + b"\0" * (len(uid) % 2)


@dataclass(slots=True)
class Sender:
    """One association."""

    connection: socket.socket
    max_pdu: int = MAX_PDU  # what the peer takes

    @classmethod
    def connected(cls, host: str, port: int) -> Self:
        """Connect, and say nothing yet."""
        sender = cls(socket.create_connection((host, port), timeout=30))
        sender.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sender

    @classmethod
    def associated(
        cls,
        host: str,
        port: int,
        *,
        called: str,
        calling: str = "BENCH",
        sop_class: str = MRImageStorage,
        syntax: str = ExplicitVRLittleEndian,
    ) -> Self:
        """Connect and associate. Raises ConnectionError where the peer refuses."""
        sender = cls.connected(host, port)
        sender.connection.sendall(associate_request(called, calling, sop_class=sop_class, syntax=syntax))
        kind, body = sender.pdu()
        if kind != 2:
            raise ConnectionError("not accepted")
        at = body.find(b"\x51\x00\x00\x04")  # the maximum length item (PS3.8, D.1)
        sender.max_pdu = int.from_bytes(body[at + 4 : at + 8], "big") or MAX_PDU
        return sender

    def is_closed_within(self, seconds: float) -> bool:
        """Wait until the peer ends the connection, whatever it still says; closes this end."""
        self.connection.settimeout(seconds)
        try:
            while self.connection.recv(65536):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        finally:
            self.connection.close()
        return True

    def store(self, request: bytes) -> int:
        """Send a prepared request; gives the status."""
        self.connection.sendall(request)
        kind, body = self.pdu()
        at = body.find(_RESPONSE_STATUS)
        if kind != 4 or at < 0:
            raise ConnectionError("no answer")
        return int.from_bytes(body[at + 8 : at + 10], "little")

    def release(self) -> None:
        """Release the association."""
        self.connection.sendall(struct.pack(">BBLL", 5, 0, 4, 0))
        self.pdu()
        self.connection.close()

    def pdu(self) -> tuple[int, bytes]:
        """Read one PDU: its type and its body."""
        kind, _, length = struct.unpack(">BBL", self._read(6))
        return kind, self._read(length)

    def _read(self, count: int) -> bytes:
        buffer = BytesIO()
        while count:
            # Peers without TCP_NODELAY hold the rest of an answer until its beginning is acknowledged.
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            part = self.connection.recv(count)
            if not part:
                raise ConnectionError("the peer closed")
            buffer.write(part)
            count -= len(part)
        return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Run:
    """What one run over some associations gave."""

    associations: int
    rate: float  # instances a second, all associations together
    p50: float  # ms from a request's first byte to its answer
    failures: int


def send_all(host: str, port: int, called: str, shares: Sequence[Sequence[tuple[str, bytes]]]) -> Run:
    """Send each share of instances over an association of its own, all at once."""
    senders = [Sender.associated(host, port, called=called) for _ in shares]
    requests = [
        [c_store(uid, data, n + 1, max_pdu=sender.max_pdu) for n, (uid, data) in enumerate(share)]
        for sender, share in zip(senders, shares, strict=True)
    ]
    took: list[float] = []
    failures: list[int] = []

    def work(sender: Sender, mine: Sequence[bytes]) -> None:
        for request in mine:
            began = time.perf_counter()
            status = sender.store(request)
            took.append(time.perf_counter() - began)
            if status:
                failures.append(status)

    threads = [Thread(target=work, args=pair) for pair in zip(senders, requests, strict=True)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    for sender in senders:
        sender.release()
    return Run(len(senders), len(took) / seconds, 1000 * sorted(took)[len(took) // 2], len(failures))
