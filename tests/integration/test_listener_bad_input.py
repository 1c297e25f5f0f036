"""Bad input over the wire: the right status, a clear event, nothing left behind, the next series unharmed."""

import hashlib
import os
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, RLELossless
from pynetdicom.ae import ApplicationEntity

from benchmarks.sender import Sender, associate_request, c_store
from dicom_scp.elements import Walker, encode
from tests.peers import storescu, wait_until
from tests.series import Patient, mr_series, write_series
from tests.unit.dicom_scp.door import Door, open_door
from tests.unit.dicom_scp.encodings import encoded


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with open_door(tmp_path_factory.mktemp("door")) as opened:
        yield opened


@pytest.fixture
def ds() -> Dataset:
    return mr_series(slices=1, rows=32, columns=32)[0]


@pytest.fixture(autouse=True)
def _next_series_unharmed(door: Door, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    for events in (door.taken, door.refused, door.skipped):
        events.clear()
    for name in list(door.spool.names()):
        door.spool.delete(name)
    yield
    assert not door.left_behind()
    before = len(door.taken)
    paths = write_series(tmp_path / "next", mr_series(slices=2, key=request.node.name))
    assert storescu(paths, "127.0.0.1", door.port).returncode == 0
    assert len(door.taken) == before + 2


def answered(
    door: Door, uid: str, data: bytes, *, syntax: str = ExplicitVRLittleEndian, sop_class: str = ""
) -> int:
    """Send raw bytes as a data set; gives the status."""
    announced = sop_class or "1.2.840.10008.5.1.4.1.1.4"
    sender = Sender.associated("127.0.0.1", door.port, called="SCANSIDE", syntax=syntax)
    status = sender.store(c_store(uid, data, 1, sop_class=announced, max_pdu=sender.max_pdu))
    sender.release()
    return status


def refused(door: Door, data: bytes) -> str:
    """Check the one refusal that there must be; gives its reason."""
    (refusal,) = door.refused
    assert (refusal.size, refusal.digest) == (len(data), hashlib.sha256(data).hexdigest())
    assert not [token for token in Patient().tokens() if token in repr(refusal)]
    return refusal.reason


@pytest.mark.parametrize("percent", [0, 1, 10, 40, 99])
def test_a_truncated_object(door: Door, ds: Dataset, percent: int) -> None:
    whole = encoded(ds)
    data = whole[: len(whole) * percent // 100]
    assert answered(door, ds.SOPInstanceUID, data) in {0xC000, 0xA900}
    assert refused(door, data)


def test_random_bytes(door: Door, ds: Dataset) -> None:
    data = random.Random(1).randbytes(50_000)
    assert answered(door, ds.SOPInstanceUID, data) == 0xC000
    refused(door, data)


def test_another_instance_than_announced(door: Door, ds: Dataset) -> None:
    data = encoded(ds)
    assert answered(door, "1.2.3.4.5", data) == 0xA900
    assert "announced" in refused(door, data)


def test_another_sop_class_than_announced(door: Door, ds: Dataset) -> None:
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    data = encoded(ds)
    assert answered(door, ds.SOPInstanceUID, data) == 0xA900
    assert "announced" in refused(door, data)


def test_a_missing_study_uid(door: Door, ds: Dataset) -> None:
    del ds.StudyInstanceUID
    data = encoded(ds)
    assert answered(door, ds.SOPInstanceUID, data) == 0xA900
    assert "missing" in refused(door, data)


@pytest.mark.parametrize(
    "uid", ["../../../../etc/cron.d/x", "/etc/passwd", "1.2.3/..", "1" * 64 + ".2", "$(id);|"]
)
def test_a_uid_like_a_path_in_the_request(door: Door, ds: Dataset, uid: str) -> None:
    data = encoded(ds)
    assert answered(door, uid, data) == 0xC000
    assert "no UID" in refused(door, data)


def test_a_uid_like_a_path_in_the_data_set(door: Door, ds: Dataset) -> None:
    whole = encoded(ds)
    element = next(e for e in Walker(whole, explicit=True).top() if e.tag == 0x0020000E)
    data = whole[: element.start - 8] + encode(element.tag, b"UI", b"../../x") + whole[element.end :]
    assert answered(door, ds.SOPInstanceUID, data) == 0xC000
    assert "no UID" in refused(door, data)


def test_an_absurd_matrix(door: Door, ds: Dataset) -> None:
    ds.Rows = ds.Columns = 65535
    data = encoded(ds)
    assert answered(door, ds.SOPInstanceUID, data) == 0xC000
    assert "no image has this size" in refused(door, data)


def test_a_million_frames(door: Door, ds: Dataset) -> None:
    ds.NumberOfFrames = 999_999
    data = encoded(ds)
    assert answered(door, ds.SOPInstanceUID, data) == 0xC000


def test_a_length_of_four_gigabytes(door: Door, ds: Dataset) -> None:
    whole = encoded(ds)
    at = whole.rindex(b"\xe0\x7f\x10\x00OW")
    data = whole[: at + 8] + struct.pack("<L", 0xFFFFFFFE) + whole[at + 12 :]
    assert answered(door, ds.SOPInstanceUID, data) == 0xC000
    assert "longer" in refused(door, data)


def test_encapsulated_garbage(door: Door, ds: Dataset) -> None:
    whole = encoded(ds)
    at = whole.rindex(b"\xe0\x7f\x10\x00OW")
    data = whole[:at] + b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + os.urandom(400)
    assert answered(door, ds.SOPInstanceUID, data, syntax=RLELossless) == 0xC000
    refused(door, data)


def test_a_deflated_bomb(door: Door, ds: Dataset) -> None:
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    data = b"".join(deflater.compress(bytes(1 << 20)) for _ in range(200)) + deflater.flush()
    assert answered(door, ds.SOPInstanceUID, data, syntax=DeflatedExplicitVRLittleEndian) == 0xC000
    assert "beyond" in refused(door, data)


@pytest.mark.parametrize(
    "change",
    [lambda ds: setattr(ds, "BurnedInAnnotation", "YES"), lambda ds: setattr(ds, "SamplesPerPixel", 3)],
)
def test_what_is_not_scored_is_no_refusal(door: Door, ds: Dataset, change: Callable[[Dataset], None]) -> None:
    change(ds)
    assert answered(door, ds.SOPInstanceUID, encoded(ds)) == 0x0000
    assert len(door.skipped) == 1
    assert not door.refused


def test_a_request_without_a_data_set(door: Door) -> None:
    entity = ApplicationEntity("MR1")
    entity.add_requested_context("1.2.840.10008.5.1.4.1.1.4", ExplicitVRLittleEndian)
    association = entity.associate("127.0.0.1", door.port)
    assert association.is_established
    association.abort()


def test_an_association_that_vanishes_within_an_object(door: Door, ds: Dataset) -> None:
    request = c_store(str(ds.SOPInstanceUID), encoded(ds), 1)
    ended = door.associations.count("aborted")
    sender = Sender.associated("127.0.0.1", door.port, called="SCANSIDE")
    sender.connection.sendall(request[: len(request) // 2])
    sender.connection.close()
    wait_until(lambda: door.associations.count("aborted") > ended, what="the end of the association")
    assert not door.taken


def test_bytes_that_are_no_dicom_at_all(door: Door) -> None:
    sender = Sender.connected("127.0.0.1", door.port)
    sender.connection.sendall(b"GET / HTTP/1.1\r\nHost: scanside\r\n\r\n")
    assert sender.is_closed_within(3)


def test_a_request_of_twenty_thousand_contexts(door: Door) -> None:
    request = associate_request("SCANSIDE", "MR1", contexts=20_000)
    sender = Sender.connected("127.0.0.1", door.port)
    sender.connection.sendall(request[:200_000])
    assert sender.is_closed_within(3)
