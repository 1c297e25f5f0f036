"""QIDO-RS and WADO-RS over a real socket: clients find and fetch results, and nobody else does."""

import hashlib
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from dicomweb_client import DICOMwebClient
from pydicom import Dataset, FileMetaDataset, dcmread, dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

from dicom_scp.deidentify import Deidentifier
from dicom_scp.guard import Gate
from dicom_scp.identity import Vault
from dicom_scp.spool import Spool
from dicom_scp.taking import Taker
from service.access import Tokens
from service.dicomweb.app import create_app
from service.dicomweb.results import Results
from service.dicomweb.server import DicomwebServer
from service.dicomweb.stow import Limits, Stow
from service.dicomweb.tokens import Admission
from service.dicomweb.wado import Retrieval
from service.ledger import Database, prepare
from service.ledger.shelf import Shelved
from service.ledger.tokens import Grant, TokenBook
from tests.unit.dicom_scp.encodings import KEYS

SR, SEG, SC = "1.2.840.10008.5.1.4.1.1.88.22", "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.7"
NAME, KANJI = "Yamada^Tarou", "山田^太郎"


def result(study: str, number: int, modality: str, **more: object) -> Dataset:
    """Make one result object, with little else than what clients ask for."""
    out = Dataset()
    out.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    out.PatientName, out.PatientID, out.PatientBirthDate = f"{NAME}={KANJI}", f"ID-{study}", "19610412"
    out.StudyInstanceUID, out.SeriesInstanceUID = (
        f"1.2.{study}",
        f"1.2.{study}.{modality.encode().hex()[:1]}{number}",
    )
    out.SOPInstanceUID = f"2.25.{study}{number}"
    out.SOPClassUID = {"SR": SR, "SEG": SEG, "OT": SC}[modality]
    out.Modality, out.StudyDate, out.StudyTime = modality, f"2026{int(study):02d}15", "101500"
    out.SeriesNumber, out.InstanceNumber, out.AccessionNumber = 9900 + number, 1, "ACC"
    out.file_meta = FileMetaDataset()
    out.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for keyword, value in more.items():
        setattr(out, keyword, value)
    return out


def masks(frames: int, rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 2, (frames, rows, columns), np.uint8)


def segmentation(study: str, number: int) -> Dataset:
    bits = masks(3, 5, 7)
    return result(
        study, number, "SEG", Rows=5, Columns=7, NumberOfFrames=3, SamplesPerPixel=1, BitsAllocated=1,
        BitsStored=1, HighBit=0, PixelRepresentation=0, PhotometricInterpretation="MONOCHROME2",
        PixelData=np.packbits(bits, bitorder="little").tobytes(),
    )  # fmt: skip


def colours() -> np.ndarray:
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, :30] = (200, 30, 10)
    return picture


def card(study: str, number: int) -> Dataset:
    return result(
        study, number, "OT", Rows=40, Columns=60, SamplesPerPixel=3, BitsAllocated=8, BitsStored=8, HighBit=7,
        PixelRepresentation=0, PlanarConfiguration=0, PhotometricInterpretation="RGB",
        PixelData=colours().tobytes(),
    )  # fmt: skip


@dataclass(slots=True)
class Shelf:
    """A shelf of results with an HTTP port."""

    port: int
    secret: str
    objects: list[Dataset]
    files: Spool
    rows: list[Shelved]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/dicom-web"

    def client(self) -> DICOMwebClient:
        return DICOMwebClient(self.url, headers={"Authorization": f"Bearer {self.secret}"})

    def get(self, path: str, accept: str = "", **headers: str) -> httpx.Response:
        sent = {"authorization": f"Bearer {self.secret}", "accept": accept or "*/*"} | headers
        return httpx.get(self.url + path, headers=sent, timeout=30)


def encoded(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    files = Spool(tmp_path / "outbox", Vault(KEYS))
    objects = [result("1", 1, "SR"), segmentation("1", 2), card("1", 3), result("2", 1, "SR")]
    rows, studies = [], {}
    for number, dataset in enumerate(objects):
        content = encoded(dataset)
        name = files.write(content, hashlib.sha256(content).hexdigest())
        rows.append(Shelved(f"series-{number}", dataset.Modality, dataset.SOPInstanceUID, name))
        studies[dataset.SOPInstanceUID] = KEYS.uid(dataset.StudyInstanceUID)

    def listed(study: str | None, instance: str | None) -> list[Shelved]:
        return [
            row
            for row in rows
            if study in {None, studies[row.sop_instance_uid]} and instance in {None, row.sop_instance_uid}
        ]

    database = Database(f"sqlite:///{tmp_path / 'scanside.sqlite'}")
    prepare(database)
    tokens = Tokens(TokenBook(database))
    secret = tokens.issue(Grant(name="viewer", scopes=frozenset({"results"})), time.time(), "").secret
    admission = Admission(tokens, at_home=True)
    stow = Stow(Taker(lambda _: 0, Deidentifier(KEYS)), admission, KEYS.uid, Limits(1 << 20, 1 << 16, 1.0))
    app = create_app(stow, Retrieval(Results(listed, files, KEYS.uid), admission))
    server = DicomwebServer(app, Gate((), 50, 50), lambda _: None)
    port = server.start("127.0.0.1", 0)
    try:
        yield Shelf(port, secret, objects, files, rows)
    finally:
        server.stop()
        database.close()


def test_dicomweb_client_finds_its_way_from_the_study_to_the_frames(shelf: Shelf) -> None:
    client = shelf.client()
    (study,) = (
        Dataset.from_json(one) for one in client.search_for_studies(search_filters={"PatientID": "ID-1"})
    )
    assert study.PatientName.ideographic == KANJI
    assert (study.ModalitiesInStudy, study.NumberOfStudyRelatedInstances) == (["OT", "SEG", "SR"], 3)
    found = [Dataset.from_json(one) for one in client.search_for_series(study.StudyInstanceUID)]
    assert sorted(one.Modality for one in found) == ["OT", "SEG", "SR"]
    instances = [Dataset.from_json(one) for one in client.search_for_instances(study.StudyInstanceUID)]
    assert {one.SOPInstanceUID for one in instances} == {one.SOPInstanceUID for one in shelf.objects[:3]}
    assert client.retrieve_study(study.StudyInstanceUID) == shelf.objects[:3]
    seg = shelf.objects[1]
    path = seg.StudyInstanceUID, seg.SeriesInstanceUID, seg.SOPInstanceUID
    assert client.retrieve_instance(*path) == seg
    assert client.retrieve_series(*path[:2]) == [seg]
    frames = client.retrieve_instance_frames(*path, frame_numbers=[1, 3])
    for frame, mask in zip(frames, masks(3, 5, 7)[[0, 2]], strict=True):
        bits = np.unpackbits(np.frombuffer(frame, np.uint8), count=35, bitorder="little")
        assert (bits.reshape(5, 7) == mask).all()
    metadata = Dataset.from_json(
        client.retrieve_instance_metadata(*path), bulk_data_uri_handler=lambda *_: b""
    )
    assert (metadata.NumberOfFrames, metadata.PatientName.ideographic) == (3, KANJI)


def test_a_frame_is_rendered_as_browsers_show_it(shelf: Shelf) -> None:
    one = shelf.objects[2]
    path = f"/studies/{one.StudyInstanceUID}/series/{one.SeriesInstanceUID}/instances/{one.SOPInstanceUID}"
    answer = shelf.get(f"{path}/rendered", "image/png")
    assert answer.headers["content-type"] == "image/png"
    drawn = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert (drawn == colours()).all()
    small = shelf.get(f"{path}/frames/1/rendered?viewport=30,30&quality=50", "image/jpeg")
    assert small.headers["content-type"] == "image/jpeg"
    assert cv2.imdecode(np.frombuffer(small.content, np.uint8), cv2.IMREAD_COLOR).shape == (20, 30, 3)
    raw = shelf.get(f"{path}/bulkdata/7FE00010", "application/octet-stream")
    assert raw.content == colours().tobytes()
    seg = shelf.objects[1]
    path = f"/studies/{seg.StudyInstanceUID}/series/{seg.SeriesInstanceUID}/instances/{seg.SOPInstanceUID}"
    mask = shelf.get(f"{path}/frames/2/rendered", "image/png").content
    drawn = cv2.imdecode(np.frombuffer(mask, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert (drawn == masks(3, 5, 7)[1] * 255).all()


@pytest.mark.parametrize(
    ("query", "studies"),
    [
        ("", ["1.2.1", "1.2.2"]),
        ("?PatientID=ID-2", ["1.2.2"]),
        ("?00100020=ID-*", ["1.2.1", "1.2.2"]),
        ("?PatientID=id-2", []),
        ("?PatientName=yamada*", ["1.2.1", "1.2.2"]),
        ("?PatientName=山田^太郎", ["1.2.1", "1.2.2"]),
        ("?StudyInstanceUID=1.2.1,1.2.9", ["1.2.1"]),
        ("?StudyDate=20260101-20260131", ["1.2.1"]),
        ("?StudyDate=20260201-", ["1.2.2"]),
        ("?StudyDate=-202601", ["1.2.1"]),
        ("?StudyTime=10-11", ["1.2.1", "1.2.2"]),
        ("?ModalitiesInStudy=SEG", ["1.2.1"]),
        ("?limit=1", ["1.2.1"]),
        ("?offset=1", ["1.2.2"]),
        ("?offset=2", []),
        ("?limit=0", []),
    ],
)
def test_a_search_matches_as_ps3_4_says(shelf: Shelf, query: str, studies: list[str]) -> None:
    answer = shelf.get(f"/studies{query}", "application/dicom+json")
    assert answer.status_code == (200 if studies else 204)
    found = answer.json() if studies else []
    assert [one["0020000D"]["Value"][0] for one in found] == studies
    assert all(
        one["00081190"]["Value"] == [f"{shelf.url}/studies/{uid}"]
        for one, uid in zip(found, studies, strict=True)
    )


def test_what_is_left_out_of_an_answer_is_said(shelf: Shelf) -> None:
    assert "offset" in shelf.get("/studies?limit=1").headers["warning"]
    assert "fuzzymatching" in shelf.get("/studies?fuzzymatching=true").headers["warning"]
    (series,) = shelf.get("/studies/1.2.2/series?includefield=AccessionNumber,00080070").json()
    assert series["00080050"]["Value"] == ["ACC"]
    (instance,) = shelf.get("/instances?SOPInstanceUID=2.25.12&includefield=all").json()
    assert instance["7FE00010"]["BulkDataURI"].startswith(shelf.url)


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("/studies?nonsense=1", "", 400),
        ("/studies?limit=-1", "", 400),
        ("/studies?SOPInstanceUID=1.2", "", 400),
        ("/studies", "application/dicom+xml", 406),
        ("/studies/abc", "", 400),
        ("/studies/1.2.3.4", "", 404),
        ("/studies/1.2.1/series/1.2.9", "", 404),
        ("/studies/1.2.2/series/1.2.1/instances/2.25.11", "", 404),
        ("/studies/1.2.1", "text/html", 406),
        (
            "/studies/1.2.1",
            'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.5',
            406,
        ),
        ("/studies/1.2.1/series/1.2.1.52/instances/2.25.12/frames/4", "", 404),
        ("/studies/1.2.1/series/1.2.1.52/instances/2.25.12/frames/x", "", 400),
        ("/studies/1.2.1/series/1.2.1.52/instances/2.25.12/frames/1", "image/gif", 406),
        ("/studies/1.2.1/series/1.2.1.51/instances/2.25.11/rendered", "", 406),
        ("/studies/1.2.1/series/1.2.1.52/instances/2.25.12/rendered?quality=0", "", 400),
        ("/studies/1.2.1/series/1.2.1.52/instances/2.25.12/rendered?viewport=9", "", 400),
        ("/nothing", "", 404),
    ],
)
def test_what_does_not_fit_is_a_problem(shelf: Shelf, path: str, accept: str, status: int) -> None:
    answer = shelf.get(path, accept)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "1.2." not in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/studies", "/studies/1.2.1", "/studies/1.2.1/metadata", "/instances"])
def test_nobody_without_a_token_for_results_sees_any(shelf: Shelf, path: str) -> None:
    assert shelf.get(path, authorization="").status_code == 401
    assert shelf.get(path, authorization="Bearer scanside_x").status_code == 401


def test_a_result_that_is_gone_is_gone_everywhere(shelf: Shelf) -> None:
    assert shelf.get("/studies/1.2.2").status_code == 200
    shelf.files.delete(shelf.rows[3].name)
    assert shelf.get("/studies/1.2.2").status_code == 404
    assert len(shelf.get("/studies").json()) == 1


def test_each_access_is_told_without_a_name(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        shelf.get("/studies?PatientID=ID-1")
        shelf.get("/studies/1.2.1")
        shelf.get("/studies/1.2.1/metadata")
        shelf.get("/studies/1.2.77")
    told = [record for record in caplog.records if record.getMessage() == "results shown"]
    assert [(vars(one)["peer"], vars(one)["operation"], vars(one)["count"]) for one in told] == [
        ("viewer", "search", 3),
        ("viewer", "retrieve", 3),
        ("viewer", "metadata", 3),
    ]
    ours = [vars(record) for record in caplog.records if not record.name.startswith("http")]  # the client's
    said = json.dumps(ours, default=str)
    assert [word for word in ("ID-1", "1.2.1", "1.2.77", NAME, KANJI, "2.25.1") if word in said] == []


def test_a_transfer_syntax_that_is_asked_for_is_the_stored_one(shelf: Shelf) -> None:
    kind = 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1'
    assert shelf.get("/studies/1.2.1", kind).status_code == 200
    single = shelf.get("/studies/1.2.2/series/1.2.2.51/instances/2.25.21", "application/dicom")
    assert dcmread(BytesIO(single.content)) == shelf.objects[3]
