"""Research export through the running service: whole series leave without identity and face, with their label."""

import json
from datetime import date
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from tests.faces import FacedHead, faced_head
from tests.peers import House, Orthanc, dciodvfy, free_port, scanside, storescu, wait_until
from tests.series import Patient, mr_series, write_series

STUDY_DATE = date(2026, 11, 4)  # of tests.series


@pytest.fixture(scope="module")
def head() -> FacedHead:
    return faced_head()


def sent(head: FacedHead, folder: Path) -> list[Dataset]:
    series = mr_series(pixels=head.pixels)
    write_series(folder, series)
    return series


def await_delivered(house: House, count: int = 1) -> list[dict[str, object]]:
    wait_until(
        lambda: (
            [one["state"] for one in house.get("/api/v1/series")["items"]] == ["delivered"] * count or None
        ),
        within_s=90.0,
        process=house.process,
        log=house.log,
        what="delivery",
    )
    return list(house.get("/api/v1/series")["items"])


def manifest_of(folder: Path) -> list[dict[str, object]]:
    return [
        json.loads(line) for path in folder.glob("MANIFEST-*.jsonl") for line in path.read_text().splitlines()
    ]


def named(tokens: tuple[str, ...], content: bytes) -> set[str]:
    return {token for token in tokens if token.encode() in content}


def check_images(exported: list[Dataset], series: list[Dataset], head: FacedHead) -> None:
    """Hold every image against what was sent: no face, the same brain, shifted dates, and what was done stated."""
    exported = sorted(exported, key=lambda one: int(one.InstanceNumber))
    assert len(exported) == len(series)
    pixels = np.stack([one.pixel_array for one in exported])
    assert (pixels[head.brain] == head.pixels[head.brain]).all()
    floor = np.broadcast_to(pixels.min(axis=(1, 2))[:, None, None], pixels.shape)
    assert (pixels == floor)[head.face].mean() >= 0.97
    days = {(date.fromisoformat(str(one.StudyDate)) - STUDY_DATE).days for one in exported}
    assert len(days) == 1
    assert days.pop() < 0
    for one in exported:
        assert one.RecognizableVisualFeatures == "NO"
        assert one.LongitudinalTemporalInformationModified == "MODIFIED"
        assert {code.CodeValue for code in one.DeidentificationMethodCodeSequence} >= {"113102", "113107"}


def test_a_head_leaves_for_a_folder_without_identity_and_face(head: FacedHead, tmp_path: Path) -> None:
    series, out = sent(head, tmp_path / "scanner"), tmp_path / "research"
    paths = sorted((tmp_path / "scanner").glob("*.dcm"))
    destination = {"name": "research", "kind": "research", "folder": str(out)}
    with scanside(quiet_s=0.6, destination=[destination]) as house:
        assert storescu(paths, "127.0.0.1", house.dicom_port).returncode == 0
        (told,) = await_delivered(house)
    lines = manifest_of(out)
    files = {path.name: path.read_bytes() for path in out.glob("*.dcm")}
    assert {str(line["file"]): line["sha256"] for line in lines} == {
        name: sha256(content).hexdigest() for name, content in files.items()
    }
    assert {(line["verdict"], line["index"], line["profile"], line["defaced"]) for line in lines} == {
        (told["verdict"], told["index"], "export", True)
    }
    everything = b"".join(path.name.encode() + path.read_bytes() for path in out.iterdir())
    originals = {str(one[keyword].value) for one in series for keyword in UIDS}
    assert named((*Patient().tokens(), "20261104", "SN-990017", *originals), everything) == set()
    assert {path.stat().st_mtime for path in [out, *out.iterdir()]} == {0}, (
        "when it came would tell the shift"
    )
    check_images([dcmread(path) for path in out.glob("IMAGE-*.dcm")], series, head)
    (report,) = out.glob("SR-*.dcm")
    assert dciodvfy(report) == []
    assert str(told["verdict"]).upper() in dcmread(report).SeriesDescription
    assert dcmread(report).PatientID == lines[0]["patient"]
    for path in list(out.glob("IMAGE-*.dcm"))[:3]:
        assert dciodvfy(path) == dciodvfy(paths[0])


UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")


def test_a_head_leaves_for_a_pacs_that_was_away(head: FacedHead, pacs: Orthanc, tmp_path: Path) -> None:
    series, out, state = sent(head, tmp_path / "scanner"), tmp_path / "manifests", tmp_path / "state"
    state.mkdir()
    where = pacs.destination(name="research", kind="research", folder=str(out))
    with scanside(state_dir=state, quiet_s=0.6, destination=[where | {"port": free_port()}]) as house:
        storescu(sorted((tmp_path / "scanner").glob("*.dcm")), "127.0.0.1", house.dicom_port)
        wait_until(
            lambda: any(row["attempts"] for row in house.get("/api/v1/deliveries")["items"]) or None,
            within_s=60.0,
            process=house.process,
            log=house.log,
            what="a failed delivery",
        )
        house.kill()
    with scanside(state_dir=state, destination=[where]) as house:
        await_delivered(house)
    images = pacs.instances(Modality="MR")
    check_images(images, series, head)
    assert len(pacs.instances(Modality="SR")) == 1
    assert {str(one.SOPInstanceUID) in str(manifest_of(out)) for one in images} == {True}
    assert [path.suffix for path in out.iterdir()] == [".jsonl"]


def test_what_may_be_a_head_and_shows_no_face_surely_stays(tmp_path: Path) -> None:
    """Slices of a knee without a word of what they are, and the same with it."""
    series = mr_series(slices=6, rows=96, columns=96)
    for one in series:
        del one.BodyPartExamined
    knee = mr_series(slices=6, rows=96, columns=96, key="b", study="other")
    for one in knee:
        one.BodyPartExamined = "KNEE"
    out = tmp_path / "research"
    with scanside(quiet_s=0.6, destination=[{"name": "r", "kind": "research", "folder": str(out)}]) as house:
        for name, datasets in (("unknown", series), ("knee", knee)):
            storescu(write_series(tmp_path / name, datasets), "127.0.0.1", house.dicom_port)
        await_delivered(house, 2)
        said = house.said()
    lines = manifest_of(out)
    assert {line["defaced"] for line in lines} == {False}
    assert len({line["series"] for line in lines}) == 1
    assert said.count("a series is not exported") == 1
    exported = sorted(
        (dcmread(path) for path in out.glob("IMAGE-*")), key=lambda one: int(one.InstanceNumber)
    )
    assert [one.PixelData for one in exported] == [one.PixelData for one in knee]
    assert {one.BodyPartExamined for one in exported} == {"KNEE"}


def test_the_other_profile_lets_no_date_leave(head: FacedHead, tmp_path: Path) -> None:
    sent(head, tmp_path / "scanner")
    out = tmp_path / "research"
    destination = {"name": "r", "kind": "research", "folder": str(out), "profile": "live"}
    with scanside(quiet_s=0.6, destination=[destination]) as house:
        storescu(sorted((tmp_path / "scanner").glob("*.dcm")), "127.0.0.1", house.dicom_port)
        await_delivered(house)
    for path in out.glob("*.dcm"):
        dates = {str(one.value) for one in dcmread(path).iterall() if one.VR in {"DA", "DT"} and one.value}
        assert {value[:8] for value in dates} <= {"20000101"}
