"""STOW-RS over a real socket: the same door as C-STORE, and what is no lawful request leaves nothing behind."""

import gzip
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest
from dicomweb_client import DICOMwebClient
from dicomweb_client.session_utils import add_certs_to_session, create_session
from pydicom import Dataset, dcmwrite

from dicom_scp.deidentify import Deidentifier
from dicom_scp.guard import Gate
from dicom_scp.identity import Vault
from dicom_scp.spool import Spool
from dicom_scp.taking import Taker
from service.access import Tokens
from service.dicomweb.app import create_app
from service.dicomweb.multipart import Part, related
from service.dicomweb.results import Results
from service.dicomweb.server import DicomwebServer
from service.dicomweb.stow import Limits, Stow
from service.dicomweb.tokens import Admission
from service.dicomweb.wado import Retrieval
from service.ledger import Database, prepare
from service.ledger.tokens import Grant, TokenBook
from service.tls import TlsFiles, server_context
from tests.authority import Authority
from tests.peers import wait_until
from tests.series import Patient, mr_series
from tests.unit.dicom_scp.door import Door
from tests.unit.dicom_scp.encodings import KEYS

LIMITS = Limits(instance_bytes=1 << 20, pace_bytes=1 << 16, pace_s=0.5)
FAILED, STORED, NAMELESS = "00081198", "00081199", "0008119A"


@dataclass(slots=True)
class Web(Door):
    """A door with an HTTP port."""

    tokens: Tokens = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/dicom-web"

    def post(self, content: bytes, kind: str, *, study: str = "", **headers: str) -> httpx.Response:
        url = f"{self.url}/studies" + (f"/{study}" if study else "")
        return httpx.post(url, content=content, headers={"Content-Type": kind} | headers, timeout=30)

    def store(self, parts: list[Part], root: str = "application/dicom", **more: str) -> httpx.Response:
        kind, chunks = related(parts, root)
        return self.post(b"".join(chunks), kind, **more)


@contextmanager
def open_web(
    folder: Path, *, limits: Limits = LIMITS, gate: Gate | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[Web]:
    door = Web(Spool(folder / "spool", Vault(KEYS)))
    database = Database(f"sqlite:///{folder / 'scanside.sqlite'}")
    prepare(database)
    door.tokens = Tokens(TokenBook(database))
    admission, events = Admission(door.tokens, at_home=True), door.events()
    stow = Stow(Taker(door.receive, Deidentifier(KEYS), events), admission, KEYS.uid, limits)
    nothing = Retrieval(Results(lambda *_: [], door.spool, KEYS.uid), admission)
    gate = gate or Gate((), 50, 50)
    server = DicomwebServer(create_app(stow, nothing), gate, events.association, tls)
    door.port = server.start("127.0.0.1", 0)
    try:
        yield door
    finally:
        server.stop()
        database.close()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with open_web(tmp_path) as door:
        yield door


@pytest.fixture(scope="module")
def images() -> list[Dataset]:
    return mr_series(slices=3)


def file_of(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def test_dicomweb_client_stores_a_series(web: Web, images: list[Dataset]) -> None:
    answer = DICOMwebClient(web.url).store_instances(images)
    assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == [
        image.SOPInstanceUID for image in images
    ]
    assert "FailedSOPSequence" not in answer
    assert [one.sop_instance_uid for one in web.taken] == [KEYS.uid(one.SOPInstanceUID) for one in images]


def test_a_port_with_a_certificate_speaks_https_alone(tmp_path: Path, images: list[Dataset]) -> None:
    authority = Authority(tmp_path / "authority")
    certificate, key = authority.issue("127.0.0.1")
    tls = server_context(TlsFiles(certificate=certificate, key=key))
    with open_web(tmp_path, tls=tls) as web:
        url = web.url.replace("http://", "https://")
        session = add_certs_to_session(create_session(), str(authority.ca))
        session.trust_env = False  # a bundle that the environment names would stand in for the authority
        DICOMwebClient(url, session=session).store_instances(images)
        assert len(web.taken) == len(images)
        with pytest.raises(httpx.HTTPError):
            httpx.get(web.url)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(url)  # this machine does not know the authority


def test_an_answer_names_every_instance_and_the_end_is_a_release(web: Web, images: list[Dataset]) -> None:
    answer = web.store([Part(file_of(image)) for image in images])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/dicom+json")
    assert [item["00081155"]["Value"] for item in answer.json()[STORED]["Value"]] == [
        [image.SOPInstanceUID] for image in images
    ]
    assert web.released == [("", frozenset({KEYS.uid(images[0].SeriesInstanceUID)}))]
    assert (web.associations, web.active, web.stored) == (["accepted", "released"], [1, -1], [0, 0, 0])


def test_the_answer_is_xml_where_that_is_asked_for(web: Web, images: list[Dataset]) -> None:
    parts = [Part(file_of(images[0])), Part(b"no file")]
    answer = web.store(parts, accept="application/dicom+xml")
    assert (answer.status_code, answer.headers["content-type"]) == (202, "application/dicom+xml")
    tree, name = ET.fromstring(answer.text), "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"
    found = {one.get("keyword"): one.findtext(f"{name}Value") for one in tree.iter(f"{name}DicomAttribute")}
    assert found["ReferencedSOPInstanceUID"] == images[0].SOPInstanceUID
    assert found["FailureReason"] == str(0xC000)


def test_a_study_in_the_url_must_be_that_of_the_instances(web: Web, images: list[Dataset]) -> None:
    other = mr_series(slices=1, study="another")[0]
    answer = web.store([Part(file_of(images[0])), Part(file_of(other))], study=images[0].StudyInstanceUID)
    assert answer.status_code == 202
    (failed,) = answer.json()[FAILED]["Value"]
    assert (failed["00081155"]["Value"], failed["00081197"]["Value"]) == ([other.SOPInstanceUID], [0xA900])
    assert len(web.taken) == 1
    assert [refusal.reason for refusal in web.refused] == [
        "the instance is of another study than was announced"
    ]


def test_what_cannot_be_read_fails_and_the_rest_is_stored(web: Web, images: list[Dataset]) -> None:
    file = file_of(images[0])
    cut = Part(file_of(images[1])[:-100])
    answer = web.store([cut, Part(b"garbage"), Part(file), Part(file, "text/plain"), Part(file[:200])])
    assert answer.status_code == 202
    assert len(answer.json()[STORED]["Value"]) == 1
    assert [item["00081155"]["Value"] for item in answer.json()[FAILED]["Value"]] == [
        [images[1].SOPInstanceUID]
    ]
    assert answer.json()[NAMELESS]["Value"] == [{"00081197": {"vr": "US", "Value": [0xC000]}}] * 3
    assert web.left_behind() == []
    assert sorted(web.stored) == [0, 0xC000, 0xC000, 0xC000, 0xC000]


def test_nothing_stored_is_a_conflict(web: Web, images: list[Dataset]) -> None:
    web.take = lambda _: 0xA700
    answer = web.store([Part(file_of(images[0]))])
    assert answer.status_code == 409
    assert answer.json()[FAILED]["Value"][0]["00081197"]["Value"] == [0xA700]


def test_what_is_not_kept_is_said_so(web: Web) -> None:
    (image,) = mr_series(slices=1)
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.22"
    answer = web.store([Part(file_of(image))])
    assert answer.status_code == 202
    assert answer.json()[STORED]["Value"][0]["00081196"]["Value"] == [0xB006]
    assert web.skipped == ["not an MR image"]
    assert web.left_behind() == []


def bulk_parts(dataset: Dataset) -> list[Part]:
    """Take a data set apart into metadata and its pixels."""
    model = dataset.to_json_dict()
    model["7FE00010"] = {"vr": "OW", "BulkDataURI": "bulk/1"}
    pixels = Part(dataset.PixelData, "application/octet-stream", "bulk/1")
    return [Part(json.dumps([model]).encode(), "application/dicom+json"), pixels]


@pytest.mark.parametrize("order", [1, -1])
def test_metadata_with_bulk_data_gives_the_same_instance(web: Web, images: list[Dataset], order: int) -> None:
    answer = web.store(bulk_parts(images[0])[::order], "application/dicom+json")
    assert answer.status_code == 200
    assert web.store([Part(file_of(images[0]))]).status_code == 200
    apart, whole = web.taken
    assert apart.sop_instance_uid == whole.sop_instance_uid
    assert apart.content[-len(images[0].PixelData) :] == images[0].PixelData
    assert apart.facts == whole.facts


@pytest.mark.parametrize("named", [None, "ISO_IR 100", "ISO_IR 192", "ISO 2022 IR 87"])
def test_a_name_in_metadata_arrives_whatever_character_set_it_names(
    web: Web, images: list[Dataset], named: str | None
) -> None:
    model, *pixels = bulk_parts(images[0])
    (metadata,) = json.loads(model.body)
    metadata["00080005"] = {"vr": "CS", "Value": [named] if named else []}
    metadata["00100010"]["Value"] = [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}]
    told = Part(json.dumps([metadata]).encode(), "application/dicom+json")
    assert web.store([told, *pixels], "application/dicom+json").status_code == 200
    assert web.taken[0].identity.dataset().PatientName == "Yamada^Tarou=山田^太郎"


def test_metadata_without_its_bulk_data_fails(web: Web, images: list[Dataset]) -> None:
    answer = web.store(bulk_parts(images[0])[:1], "application/dicom+json")
    assert answer.status_code == 409
    assert answer.json()[FAILED]["Value"][0]["00081155"]["Value"] == [images[0].SOPInstanceUID]
    assert [refusal.reason for refusal in web.refused] == ["bulk data is missing"]


@pytest.mark.parametrize(
    "metadata",
    [
        b"",
        b"{",
        b"[1]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'[{"00080016": 7}]',
        b'[{"00080018": ' + b"1" * 5000 + b"}]",
        b'[{"00080016": {"vr": "UI", "Value": ["1.2"]}, "00080018": {"vr": "UI", "Value": ["\\ud800"]}}]',
        b'[{"00080016": {"vr": "UI", "Value": [7]}}]',
        b'[{"nonsense": {"vr": "XX", "Value": ["a"]}}]',
        b'[{"00080018": {"vr": "SQ", "Value": [{"00080018": {"vr": "UI", "Value": [{}]}}]}}]',
    ],
)
def test_metadata_that_is_none_is_refused(web: Web, metadata: bytes) -> None:
    answer = web.store([Part(metadata, "application/dicom+json")], "application/dicom+json")
    assert answer.status_code in {400, 409}
    assert (web.taken, web.left_behind()) == ([], [])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "multipart/form-data; boundary=b"}, 415),
        ({"Content-Type": "application/dicom"}, 415),
        ({"Content-Type": 'multipart/related; type="image/jpeg"; boundary=b'}, 415),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Content-Type": 'multipart/related; type="application/dicom"'}, 400),
        ({"Accept": "text/html"}, 406),
        ({"Host": "pacs.example"}, 421),
    ],
)
def test_an_unlawful_request_is_a_problem(web: Web, headers: dict[str, str], status: int) -> None:
    kind = 'multipart/related; type="application/dicom"; boundary=b'
    body = gzip.compress(bytes(1 << 20))
    answer = httpx.post(f"{web.url}/studies", content=body, headers={"Content-Type": kind} | headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["detail"]
    assert (web.taken, web.associations) == ([], [])


@pytest.mark.parametrize("study", ["xyz", "1" * 65, "1.2%2F3", "..%2F.."])
def test_a_study_that_is_no_uid_is_refused(web: Web, study: str) -> None:
    answer = web.store([Part(b"x")], study=study)
    assert answer.status_code in {400, 404}
    assert study not in answer.text


KIND = 'multipart/related; type="application/dicom"; boundary=b'


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"--b--", 400),
        (b"--b\r\n\r\nnever ends", 400),
        (b"x" * 100_000, 400),
        (b"--b\r\n" + b"A" * 20_000, 400),
        (b"--b\r\n\r\n" + bytes(2 << 20) + b"\r\n--b--", 413),
    ],
)
def test_a_broken_body_is_a_problem_and_no_release(web: Web, body: bytes, status: int) -> None:
    answer = web.post(body, KIND)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert web.associations == ["accepted", "aborted"]
    assert (web.released, web.left_behind()) == ([], [])
    if status == 413:
        assert [refusal.reason for refusal in web.refused] == ["a part is larger than an instance may be"]


def test_an_image_before_the_breach_stays_as_it_does_when_an_association_is_aborted(
    web: Web, images: list[Dataset]
) -> None:
    body = b"--b\r\n\r\n" + file_of(images[0]) + b"\r\n--b\r\nbroken\r\n\r\n"
    assert web.post(body, KIND).status_code == 400
    assert len(web.taken) == 1
    assert web.released == []


def test_thousands_of_tiny_parts_are_answered_one_by_one(web: Web) -> None:
    body = b"".join(b"--b\r\n\r\nx\r\n" for _ in range(3000)) + b"--b--"
    answer = web.post(body, KIND)
    assert answer.status_code == 409
    assert len(answer.json()[NAMELESS]["Value"]) == 3000


def connected(web: Web, head: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", web.port), timeout=10)
    lines = f"POST /dicom-web/studies HTTP/1.1\r\nHost: localhost\r\nContent-Type: {KIND}\r\n{head}\r\n\r\n"
    connection.sendall(lines.encode())
    return connection


def test_a_sender_that_drips_is_told_to_stop(web: Web) -> None:
    with connected(web, "Content-Length: 100000") as connection:
        began = time.monotonic()
        for byte in b"--b\r\n\r\n" + bytes(50):
            connection.sendall(bytes([byte]))
            time.sleep(0.02)
        assert connection.recv(1000).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - began < 5
    assert web.associations == ["accepted", "aborted"]


def test_a_sender_that_leaves_leaves_nothing(web: Web, images: list[Dataset]) -> None:
    with connected(web, "Content-Length: 100000") as connection:
        connection.sendall(b"--b\r\n\r\n" + file_of(images[0])[:5000])
    wait_until(lambda: web.associations == ["accepted", "aborted"], what="the end")
    assert (web.taken, web.released, web.left_behind()) == ([], [], [])


def test_who_asks_before_it_sends_is_refused_before_it_sends(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as connection:
        lines = (
            "Host: localhost",
            "Content-Type: text/plain",
            "Content-Length: 9000000",
            "Expect: 100-continue",
        )
        connection.sendall("\r\n".join(["POST /dicom-web/studies HTTP/1.1", *lines, "", ""]).encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 415")


def test_an_endless_part_is_cut_while_it_comes(web: Web) -> None:
    with connected(web, "Transfer-Encoding: chunked") as connection:
        chunk = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
        connection.sendall(b"7\r\n--b\r\n\r\n\r\n")
        sent = 0
        try:
            while sent < 64 << 20:
                connection.sendall(chunk)
                sent += 1 << 16
            pytest.fail("it took everything")
        except OSError:
            pass
    wait_until(lambda: web.associations == ["accepted", "aborted"], what="the end")
    assert sent < 48 << 20


def test_a_token_is_asked_for_where_there_is_one(web: Web, images: list[Dataset]) -> None:
    parts, now = [Part(file_of(images[0]))], time.time()
    secret = web.tokens.issue(
        Grant(name="gateway", scopes=frozenset({"stow"}), ae_title="GATEWAY"), now, ""
    ).secret
    reader = web.tokens.issue(Grant(name="reader", scopes=frozenset({"results"})), now, "").secret
    unknown = web.store(parts)
    assert (unknown.status_code, unknown.headers["www-authenticate"]) == (401, "Bearer")
    assert web.store(parts, authorization="Bearer wrong").status_code == 401
    assert web.store(parts, authorization=f"Basic {secret}").status_code == 401
    assert web.store(parts, authorization=f"Bearer {reader}").status_code == 403
    assert web.taken == []
    assert web.store(parts, authorization=f"Bearer {secret}", host="pacs.example").status_code == 200
    assert web.taken[0].calling_ae_title == "GATEWAY"
    assert web.released[0][0] == "GATEWAY"


def test_the_gate_is_that_of_the_dicom_port(tmp_path: Path) -> None:
    with open_web(tmp_path, gate=Gate(("10.0.0.0/8",), 5, 5)) as web:
        with pytest.raises(httpx.TransportError):
            web.post(b"", KIND)
        assert web.associations == ["refused_address"]
    with open_web(tmp_path, gate=Gate((), 5, 1)) as web:
        with connected(web, "Content-Length: 10"):
            wait_until(lambda: web.active == [1], what="the first one")
            with pytest.raises(httpx.TransportError):
                web.post(b"", KIND)
        assert "refused_too_many" in web.associations
        wait_until(lambda: web.post(b"", KIND).status_code == 400, what="room again")


def test_more_at_once_than_may_be_held_comes_later(tmp_path: Path) -> None:
    limits = Limits(instance_bytes=1 << 20, pace_bytes=1 << 16, pace_s=5.0)
    with open_web(tmp_path, limits=limits) as web:
        half = b"--b\r\n\r\n" + bytes(900_000)
        waiting = [connected(web, "Content-Length: 2000000") for _ in range(3)]
        for connection in waiting:
            connection.sendall(half)
            time.sleep(0.3)
        assert waiting[2].recv(1000).startswith(b"HTTP/1.1 503")
        for connection in waiting:
            connection.close()


def test_nobody_is_named_where_a_request_fails(
    web: Web, images: list[Dataset], caplog: pytest.LogCaptureFixture
) -> None:
    parts = [Part(file_of(images[0])[:-50]), *bulk_parts(images[1])]
    answers = [
        web.store(parts, study=images[0].StudyInstanceUID),
        web.store(parts[1:], "application/dicom+json"),
    ]
    answers.append(web.store([Part(b"x")], study=images[0].StudyInstanceUID + "x"))
    said = caplog.text + "".join(str(refusal) for refusal in web.refused) + answers[-1].text
    tokens = (*Patient().tokens(), images[0].StudyInstanceUID, images[0].SOPInstanceUID)
    assert [token for token in tokens if token in said] == []
