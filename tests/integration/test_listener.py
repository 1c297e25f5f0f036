"""The listener among real peers: dcmtk sends, pynetdicom negotiates, and the right statuses come back."""

import logging
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    MRImageStorage,
    RLELossless,
)
from pynetdicom.ae import ApplicationEntity

from benchmarks.sender import Sender, c_store
from dicom_scp.instance import Instance, parse_reference
from dicom_scp.spool import NoSpace
from dicom_scp.storage_classes import PHILIPS, STORAGE_CLASSES
from dicom_scp.transfer_syntaxes import TRANSFER_SYNTAXES
from tests.compressed import compressed, frames_of, with_frames
from tests.peers import echoscu, storescu, wait_until
from tests.series import Patient, mr_series, write_series
from tests.unit.dicom_scp.door import Door, open_door
from tests.unit.dicom_scp.encodings import KEYS, encoded


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with open_door(tmp_path) as opened:
        yield opened


def test_an_echo_is_answered(door: Door) -> None:
    assert echoscu("127.0.0.1", door.port)


@pytest.mark.parametrize("event_waits", [True, False])
def test_a_series_of_dcmtk_comes_in_clean_and_is_told_when_it_ends(tmp_path: Path, event_waits: bool) -> None:
    series = mr_series(slices=4)
    paths = write_series(tmp_path / "in", series)
    with open_door(tmp_path, event_waits=event_waits) as door:
        done = storescu(paths, "127.0.0.1", door.port, calling="MR1", more=["-v"])
        assert done.returncode == 0, done.stderr
        assert (done.stderr + done.stdout).count("(Success)") == 4
        wait_until(lambda: door.released, what="the release")
        assert door.released == [("MR1", frozenset({KEYS.uid(series[0].SeriesInstanceUID)}))]
        assert [i.facts.instance_number for i in door.taken] == [1, 2, 3, 4]
        assert {i.calling_ae_title for i in door.taken} == {"MR1"}
        for instance, original in zip(door.taken, series, strict=True):
            assert not [token for token in Patient().tokens() if token.encode() in instance.content]
            assert parse_reference(instance.identity.reference).sop_instance_uid == original.SOPInstanceUID
            assert door.spool.read(instance.digest) == instance.content
        assert door.associations == ["accepted", "released"]
        assert door.active == [1, -1]
        assert door.stored == [0] * 4


@pytest.mark.parametrize(
    ("option", "syntax"),
    [("-xi", ImplicitVRLittleEndian), ("-xb", ExplicitVRBigEndian), ("-xd", DeflatedExplicitVRLittleEndian)],
)
def test_dcmtk_may_send_in_other_transfer_syntaxes(
    door: Door, tmp_path: Path, option: str, syntax: str
) -> None:
    paths = write_series(tmp_path / "in", mr_series(slices=2))
    done = storescu(paths, "127.0.0.1", door.port, more=[option, "-R"])
    assert done.returncode == 0, done.stderr
    assert len(door.taken) == 2, syntax


@pytest.mark.parametrize(
    ("option", "syntax"),
    [("-xr", RLELossless), ("-xs", JPEGLosslessSV1), ("-xt", JPEGLSLossless), ("-xv", JPEG2000Lossless)],
)
def test_dcmtk_may_send_compressed_and_the_fragments_stay_as_they_are(
    door: Door, tmp_path: Path, option: str, syntax: str
) -> None:
    sent = [compressed(ds, syntax) for ds in mr_series(slices=2)]
    done = storescu(write_series(tmp_path / "in", sent), "127.0.0.1", door.port, more=[option, "-R"])
    assert done.returncode == 0, done.stderr
    kept = [dcmread(BytesIO(instance.content)) for instance in door.taken]
    assert [frames_of(ds) for ds in kept] == [frames_of(ds) for ds in sent]
    assert {ds.file_meta.TransferSyntaxUID for ds in kept} == {syntax}


def test_uncompressed_is_preferred_and_lossless_to_lossy(door: Door) -> None:
    entity = ApplicationEntity("ASKS")
    proposed = [
        [JPEGBaseline8Bit, JPEGLosslessSV1, ImplicitVRLittleEndian],
        [JPEGBaseline8Bit, JPEG2000Lossless],
        [JPEGBaseline8Bit],
    ]
    for syntaxes in proposed:
        entity.add_requested_context(MRImageStorage, syntaxes)
    association = entity.associate("127.0.0.1", door.port)
    taken = [context.transfer_syntax for context in association.accepted_contexts]
    association.release()
    assert taken == [[ImplicitVRLittleEndian], [JPEG2000Lossless], [JPEGBaseline8Bit]]


def test_a_cut_frame_is_answered_that_it_cannot_be_understood(door: Door) -> None:
    (ds,) = mr_series(slices=1)
    (frame,) = frames_of(compressed(ds, JPEGLSLossless))
    cut = with_frames(ds, JPEGLSLossless, [frame[: len(frame) // 2]])
    entity = ApplicationEntity("MR1")
    entity.add_requested_context(MRImageStorage, JPEGLSLossless)
    association = entity.associate("127.0.0.1", door.port)
    assert association.send_c_store(cut).Status == 0xC000
    assert association.send_c_store(compressed(ds, JPEGLSLossless)).Status == 0x0000
    association.release()
    assert [refusal.reason for refusal in door.refused] == ["a compressed frame is cut"]
    assert door.left_behind() == []


def test_every_storage_class_is_negotiated_and_no_syntax_that_does_not_decode_here(door: Door) -> None:
    readable = [*TRANSFER_SYNTAXES]
    assert set(PHILIPS) < set(STORAGE_CLASSES)
    assert len(STORAGE_CLASSES) > 150
    entity = ApplicationEntity("ASKS")
    for start in range(0, len(STORAGE_CLASSES), 60):
        entity.requested_contexts = []
        for uid in STORAGE_CLASSES[start : start + 60]:
            entity.add_requested_context(uid, readable)
            if uid in PHILIPS or uid.endswith(".4"):
                entity.add_requested_context(uid, MPEG2MPML)
        association = entity.associate("127.0.0.1", door.port)
        assert association.is_established
        accepted = {str(context.abstract_syntax) for context in association.accepted_contexts}
        syntaxes = {str(context.transfer_syntax[0]) for context in association.accepted_contexts}
        association.release()
        assert accepted == set(STORAGE_CLASSES[start : start + 60])
        assert syntaxes <= set(readable)


@pytest.mark.parametrize("sop_class", ["1.2.840.10008.5.1.4.1.1.7", *PHILIPS])
def test_what_is_not_scored_is_taken_with_success_and_dropped(
    door: Door, tmp_path: Path, sop_class: str
) -> None:
    (ds,) = mr_series(slices=1)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = sop_class
    entity = ApplicationEntity("MR1")
    entity.add_requested_context(sop_class, ExplicitVRLittleEndian)
    association = entity.associate("127.0.0.1", door.port)
    assert association.send_c_store(ds).Status == 0x0000
    association.release()
    assert door.skipped == ["not an MR image"]
    assert not door.taken
    assert not list(door.spool.names())
    assert not door.stored


@pytest.mark.parametrize("error", [NoSpace(28, "full"), OSError(5, "EIO"), RuntimeError("Quastenflosser")])
def test_what_cannot_be_kept_is_answered_a700_and_the_association_lives(door: Door, error: Exception) -> None:
    def fail(_: Instance) -> int:
        raise error

    one, two = (encoded(ds) for ds in mr_series(slices=2))
    sender = Sender.associated("127.0.0.1", door.port, called="SCANSIDE")
    door.take = fail
    first, second = (str(ds.SOPInstanceUID) for ds in mr_series(slices=2))
    assert sender.store(c_store(first, one, 1)) == 0xA700
    door.take = lambda _: 0
    assert sender.store(c_store(second, two, 2)) == 0x0000
    sender.release()
    assert [refusal.status for refusal in door.refused] == [0xA700]
    assert "Quastenflosser" not in door.refused[0].reason
    assert not door.left_behind()


def test_the_status_of_the_receiver_is_the_answer(door: Door) -> None:
    door.take = lambda _: 0xA700
    (ds,) = mr_series(slices=1)
    sender = Sender.associated("127.0.0.1", door.port, called="SCANSIDE")
    assert sender.store(c_store(str(ds.SOPInstanceUID), encoded(ds), 1)) == 0xA700
    sender.release()
    wait_until(lambda: door.released, what="the release")
    assert door.released == [("BENCH", frozenset())]


def test_eight_associations_at_once_lose_nothing(door: Door, tmp_path: Path) -> None:
    folders = [write_series(tmp_path / key, mr_series(slices=6, key=key)) for key in "abcdefgh"]
    results: list[int] = []
    threads = [
        threading.Thread(
            target=lambda p=paths: results.append(storescu(p, "127.0.0.1", door.port).returncode)
        )
        for paths in folders
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [0] * 8
    assert len({instance.sop_instance_uid for instance in door.taken}) == 48


def test_stopping_answers_what_is_being_taken_and_takes_nothing_more(tmp_path: Path) -> None:
    answers: list[int] = []
    (ds,) = mr_series(slices=1)
    with open_door(tmp_path) as door:
        began = threading.Event()

        def slow(_: Instance) -> int:
            began.set()
            time.sleep(0.5)
            return 0

        door.take = slow
        sender = Sender.associated("127.0.0.1", door.port, called="SCANSIDE")
        request = c_store(str(ds.SOPInstanceUID), encoded(ds), 1)
        thread = threading.Thread(target=lambda: answers.append(sender.store(request)))
        thread.start()
        assert began.wait(10)
    thread.join(10)
    sender.connection.close()
    assert answers == [0]
    assert len(door.taken) == 1
    with pytest.raises(OSError, match="refused"):
        Sender.associated("127.0.0.1", door.port, called="SCANSIDE")


def test_no_log_says_who_the_patient_is_even_when_libraries_are_to_tell_all(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    caplog.set_level(logging.DEBUG)
    (ds,) = mr_series(slices=1)
    data = encoded(ds)
    with open_door(tmp_path) as door:
        sender = Sender.associated("127.0.0.1", door.port, called="SCANSIDE", calling="QUASTENFLOSSER")
        sender.store(c_store(str(ds.SOPInstanceUID), data, 1))
        sender.store(c_store("1.2.3/Quastenflosser", data, 2))
        sender.store(c_store(str(ds.SOPInstanceUID), data[:2000], 3))
        sender.connection.sendall(b"\x04\0\0\0\0\x10Quastenflosser..")
        wait_until(lambda: "aborted" in door.associations, what="the abort")
    said = caplog.text + "".join(str(warning.message) for warning in recwarn)
    assert not [token for token in (*Patient().tokens(), "QUASTENFLOSSER") if token in said]
    assert str(ds.SOPInstanceUID) not in said
