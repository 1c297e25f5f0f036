"""Sending files by C-STORE to the listener."""

import time
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian, RLELossless

from service.scu import NoAssociation, Sent, send
from tests.peers import free_port
from tests.series import mr_series, write_series
from tests.unit.dicom_scp.door import open_door


def test_files_and_folders_are_sent_in_order_each_with_its_status(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "in", mr_series(slices=3))
    told: list[Sent] = []
    with open_door(tmp_path) as door:
        sent = send([paths[2], tmp_path / "in"], "127.0.0.1", door.port, calling="MR7", on_sent=told.append)
        assert [one.path for one in sent] == [paths[2], *paths]
        assert [i.facts.instance_number for i in door.taken] == [3, 1, 2, 3]
    assert told == sent
    assert all(one.status == 0 and one.stored and one.seconds > 0 for one in sent)
    assert {instance.calling_ae_title for instance in door.taken} == {"MR7"}


def test_each_file_travels_in_its_own_transfer_syntax(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "in", mr_series(slices=2))
    ds = dcmread(paths[1])
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    ds.save_as(paths[1], implicit_vr=True)
    with open_door(tmp_path) as door:
        assert all(one.stored for one in send(paths, "127.0.0.1", door.port))
        implicit = door.taken[1].identity.header
    assert implicit.startswith(ImplicitVRLittleEndian.encode() + b"\n")


def test_what_is_no_dicom_file_is_told_and_the_rest_is_sent(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "in", mr_series(slices=1))
    (tmp_path / "in" / "notes.txt").write_text("no image")
    (tmp_path / "in" / "DICOMDIR").write_bytes(b"")
    with open_door(tmp_path) as door:
        sent = {one.path.name: one for one in send([tmp_path / "in"], "127.0.0.1", door.port)}
    assert set(sent) == {"notes.txt", paths[0].name}
    assert (sent["notes.txt"].status, sent["notes.txt"].reason) == (None, "not a DICOM file")
    assert sent[paths[0].name].stored


def test_a_refusal_of_the_peer_is_the_status(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "in", mr_series(slices=2))
    with open_door(tmp_path) as door:
        door.take = lambda instance: 0xA700 if instance.facts.instance_number == 1 else 0
        sent = send(paths, "127.0.0.1", door.port)
    assert [(one.status, one.stored) for one in sent] == [(0xA700, False), (0, True)]


def test_the_pace_is_kept(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "in", mr_series(slices=5))
    with open_door(tmp_path) as door:
        began = time.monotonic()
        send(paths, "127.0.0.1", door.port, pace=20)
        assert 0.2 <= time.monotonic() - began < 3


def test_a_peer_that_is_not_there_is_told(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "in", mr_series(slices=1))
    with pytest.raises(NoAssociation):
        send(paths, "127.0.0.1", free_port())
    with open_door(tmp_path, ae_titles=("ONLY",)) as door, pytest.raises(NoAssociation):
        send(paths, "127.0.0.1", door.port)


def test_a_file_that_is_cut_short_is_named_and_the_rest_still_goes(tmp_path: Path) -> None:
    datasets = mr_series(slices=3)
    datasets[1].compress(RLELossless)
    paths = write_series(tmp_path / "files", datasets)
    whole = paths[1].read_bytes()
    paths[1].write_bytes(whole[: len(whole) - 100])
    with open_door(tmp_path) as door:
        sent = send(paths, "127.0.0.1", door.port)
    assert [one.stored for one in sent] == [True, False, True]
    assert sent[1].reason == "the file is cut short"


def test_a_lost_association_costs_one_file(tmp_path: Path) -> None:
    small, large = (
        mr_series(slices=2, rows=64, columns=64),
        mr_series(slices=1, rows=256, columns=256, key="b"),
    )
    paths = write_series(tmp_path / "in", [small[0], *large, small[1]])
    with open_door(tmp_path, max_instance_bytes=64 << 10) as door:
        sent = send(paths, "127.0.0.1", door.port)
    assert [one.stored for one in sent] == [True, False, True]
    assert len(door.taken) == 2
