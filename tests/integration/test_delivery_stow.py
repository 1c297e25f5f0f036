"""Results by STOW-RS: to a real Orthanc, and to servers that are dead, slow, strict or no DICOMweb servers at all."""

import base64
import http.server
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import Dataset

from service.delivery import Credentials, StowServer
from service.delivery import stow as stow_module
from service.tls import TlsFiles
from tests.authority import Authority
from tests.outbox import HOUR_S, OutboxHouse
from tests.peers import Orthanc, free_port, orthanc
from tests.series import Patient

Reply = tuple[int, dict[str, str], bytes]
Script = Callable[["Asked"], Reply]


class Asked:
    """A request as it came."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        self.method, self.path, self.headers, self.body = method, path, headers, body

    @property
    def objects(self) -> int:
        return self.body.count(b"DICM")


class Server:
    """An HTTP server that answers as it is told to."""

    def __init__(self, script: Script) -> None:
        self.script, self.asked = script, list[Asked]()
        self.port = 0
        self.scheme = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/dicom-web"


@contextmanager
def serving(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(script)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(self.command, self.path, dict(self.headers), body)
            server.asked.append(asked)
            status, headers, content = server.script(asked)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that hangs up is no news
    if tls is not None:
        listening.socket = tls.wrap_socket(listening.socket, server_side=True)
        server.scheme = "https"
    server.port = listening.server_address[1]
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


def told(stored: list[Dataset], failed: dict[str, int] | None = None) -> bytes:
    """Write the body of a STOW-RS response."""
    reference = {"vr": "UI"}
    answer: dict[str, object] = {
        "00081199": {
            "vr": "SQ",
            "Value": [{"00081155": reference | {"Value": [one.SOPInstanceUID]}} for one in stored],
        }
    }
    if failed:
        items = [
            {"00081155": reference | {"Value": [uid]}, "00081197": {"vr": "US", "Value": [code]}}
            for uid, code in failed.items()
        ]
        answer["00081198"] = {"vr": "SQ", "Value": items}
    return json.dumps(answer).encode()


def stow(url: str, **more: object) -> StowServer:
    fields: dict[str, object] = {"credentials": Credentials(), "tls": TlsFiles(), "timeout_s": 5.0}
    return StowServer(name="pacs", url=url, **(fields | more))  # type: ignore[arg-type] # fields of the class


@pytest.fixture
def house(tmp_path: Path) -> OutboxHouse:
    return OutboxHouse.at(tmp_path)


@pytest.fixture(scope="module")
def pacs() -> Iterator[Orthanc]:
    with orthanc() as running:
        yield running


def test_orthanc_takes_a_bundle_and_the_answer_to_each_object_is_kept(
    house: OutboxHouse, pacs: Orthanc
) -> None:
    objects = house.post(kinds=("SR", "SEG", "SC"))
    assert house.postman(stow(f"{pacs.url}/dicom-web")).deliver_next()
    assert house.states() == ["sent"] * 3
    assert house.answers() == ["200"] * 3
    assert house.series_states() == {"a-1": "delivered"}
    there = {one.SOPInstanceUID: one for one in pacs.instances(PatientID=Patient().id)}
    assert all(there[one.SOPInstanceUID].PixelData == one.PixelData for one in objects)


def test_orthanc_is_asked_for_study_and_patient_before_what_is_old_leaves(
    house: OutboxHouse, pacs: Orthanc
) -> None:
    server = stow(f"{pacs.url}/dicom-web", doubts_after_s=HOUR_S)
    house.post(key="known")
    postman = house.postman(server)
    postman.deliver_next()
    assert house.states("known") == ["sent", "sent"]
    house.post(key="old", age_s=2 * HOUR_S)
    house.post(key="corrected", patient=Patient(id="ANOTHER-1"), age_s=2 * HOUR_S)
    postman.deliver_next()
    assert house.states("old") == ["sent", "sent"]
    assert house.states("corrected") == ["held", "held"]
    assert "another patient id" in house.rows("corrected")[0].reason
    pacs.empty()
    house.post(key="gone", age_s=2 * HOUR_S)
    postman.deliver_next()
    assert house.states("gone") == ["held", "held"]
    assert "not known" in house.rows("gone")[0].reason
    assert Patient().id not in str(house.rows())


def test_each_object_has_the_answer_that_is_its_own(house: OutboxHouse) -> None:
    sr, seg = house.post()
    with serving(lambda _: (409, {}, told([sr], {seg.SOPInstanceUID: 0xA700}))) as server:
        house.postman(stow(server.url)).deliver_next()
    assert house.states() == ["sent", "waiting"]
    assert house.answers()[1] == "409 0xA700"


def test_an_object_that_is_there_already_is_delivered(house: OutboxHouse) -> None:
    (sr,) = house.post(kinds=("SR",))
    with serving(lambda _: (409, {}, told([], {sr.SOPInstanceUID: 0x0111}))) as server:
        house.postman(stow(server.url)).deliver_next()
    assert house.states() == ["sent"]


@pytest.mark.parametrize(
    "reply",
    [
        (200, {"Content-Type": "text/html"}, b"<html>Please log in</html>"),
        (200, {}, b""),
        (200, {}, b'{"00081199": {"Value": [{"00081155": {"Value": ["1.2.3"]}}]}}'),
        (200, {}, b"[" * 5000),
        (202, {}, b'{"00081199": 7, "00081198": {"Value": "x"}}'),
        (302, {"Location": "http://127.0.0.1:1/"}, b""),
        (401, {}, b""),
        (500, {}, b"Quastenflosser"),
        (200, {}, b" " * (stow_module.LARGEST_ANSWER + 1)),
    ],
)
def test_nothing_counts_as_delivered_that_the_server_does_not_name(house: OutboxHouse, reply: Reply) -> None:
    house.post()
    with serving(lambda _: reply) as server:
        house.postman(stow(server.url)).deliver_next()
    assert house.states() == ["waiting", "waiting"]
    assert str(reply[0]) in house.answers()[0]
    assert "Quastenflosser" not in str(house.rows())


def test_a_bundle_that_is_too_large_goes_one_by_one_and_an_object_that_is_too_large_is_given_up(
    house: OutboxHouse,
) -> None:
    sr, seg, card = house.post(kinds=("SR", "SEG", "SC"))

    def strict(asked: Asked) -> Reply:
        if asked.objects > 1 or seg.SOPInstanceUID.encode() in asked.body:
            return 413, {}, b""
        return 200, {}, told([sr, card])

    with serving(strict) as server:
        house.postman(stow(server.url)).deliver_next()
    assert house.states() == ["sent", "dead", "sent"]
    assert house.answers()[1] == "413"


def test_one_object_that_a_server_cannot_bear_does_not_stop_its_bundle(house: OutboxHouse) -> None:
    sr, seg = house.post()

    def picky(asked: Asked) -> Reply:
        bad = seg.SOPInstanceUID.encode() in asked.body
        return (400, {}, b"") if bad else (200, {}, told([sr]))

    house.post(key="b")
    with serving(picky) as server:
        house.postman(stow(server.url)).deliver_next()
    assert house.states("a") == ["sent", "waiting"]
    assert house.rows("a")[1].answer == "400"


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_to_be_left_alone_is_left_alone(house: OutboxHouse, status: int) -> None:
    objects = house.post()
    with serving(lambda _: (status, {"Retry-After": "120"}, b"")) as server:
        postman = house.postman(stow(server.url))
        postman.deliver_next()
        house.post(key="b")
        house.clock.ahead = 100.0
        assert not postman.deliver_next()
        assert len(server.asked) == 1
        house.clock.ahead = 121.0
        server.script = lambda _: (200, {}, told(objects))
        assert postman.deliver_next()
        assert house.states("a") == ["sent", "sent"]


def test_a_date_in_retry_after_counts_and_nonsense_does_not() -> None:
    wait = stow_module._wait
    assert wait("Wed, 21 Oct 2195 07:28:00 GMT") == stow_module.LONGEST_WAIT_S
    assert wait("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert [wait(text) for text in (None, "", "soon", "-5", "9" * 400, "1.5")] == [0.0] * 4 + [
        stow_module.LONGEST_WAIT_S,
        0.0,
    ]


def test_a_dead_server_a_silent_one_and_one_that_speaks_no_http_are_told_apart(house: OutboxHouse) -> None:
    house.post(kinds=("SR",))
    house.postman(stow(f"http://127.0.0.1:{free_port()}")).deliver_next()
    assert house.answers() == ["no connection"]
    house.clock.ahead = 10.0
    with serving(lambda _: (time.sleep(1.0), (200, {}, b""))[1]) as server:
        house.postman(stow(server.url, timeout_s=0.2)).deliver_next()
    assert house.answers() == ["no answer in time"]
    house.clock.ahead = 60.0
    with serving(lambda _: (200, {"Content-Length": "x"}, b"")) as server:
        house.postman(stow(server.url)).deliver_next()
    assert house.answers() == ["no HTTP answer"]
    assert house.rows()[0].attempts == 3


def test_token_and_password_come_from_files_and_a_missing_file_is_told(
    house: OutboxHouse, tmp_path: Path
) -> None:
    token, password = tmp_path / "token", tmp_path / "password"
    token.write_text("secret-token\n")
    password.write_text("pass:word\n")
    objects = house.post()
    with serving(lambda _: (200, {}, told(objects[:1]))) as server:
        house.postman(stow(server.url, credentials=Credentials(token_file=token))).deliver_next()
        house.clock.ahead = 60.0
        basic = Credentials(user="scanside", password_file=password)
        house.postman(stow(server.url, credentials=basic)).deliver_next()
    assert server.asked[0].headers["Authorization"] == "Bearer secret-token"
    expected = base64.b64encode(b"scanside:pass:word").decode()
    assert server.asked[-1].headers["Authorization"] == f"Basic {expected}"
    token.unlink()
    house.clock.ahead = 200.0
    house.postman(stow(server.url, credentials=Credentials(token_file=token))).deliver_next()
    assert "token or password" in house.answers()[1]


def test_tls_wants_a_certificate_that_our_ca_signed_and_shows_ours(
    house: OutboxHouse, tmp_path: Path
) -> None:
    ours, strangers = Authority(tmp_path / "ours"), Authority(tmp_path / "strangers")
    certificate, key = ours.issue("127.0.0.1")
    own, own_key = ours.issue("scanside")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(ours.ca))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificate, key)
    objects = house.post(kinds=("SR",))
    with serving(lambda _: (200, {}, told(objects)), tls=context) as server:
        house.postman(stow(server.url, tls=TlsFiles(ca=strangers.ca))).deliver_next()
        assert (house.states(), house.answers()) == (["waiting"], ["TLS failed"])
        assert server.asked == []
        house.clock.ahead = 60.0
        house.postman(stow(server.url, tls=TlsFiles(ours.ca, own, own_key))).deliver_next()
    assert house.states() == ["sent"]
