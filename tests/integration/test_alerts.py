"""The ways out of site rules, over real sockets: webhook, mail, syslog, and C-MOVE at a real Orthanc."""

import base64
import hashlib
import hmac
import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.events import Event

from inference.series import Answer, Description
from service.routing import Case, Found, message_of
from service.routing.channels import NotDone, Notice
from service.routing.forward import PATIENCE_TRIES, Archive
from service.routing.mail import Mail
from service.routing.syslog import Syslog
from service.routing.webhook import Webhook
from service.routing.wording import Message
from service.tls import TlsFiles
from tests.authority import Authority
from tests.peers import Orthanc, free_port
from tests.series import Patient, mr_series, write_series

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
SECRET = "a secret of a decent length"
CASE = Case(
    "Repeat",
    1_770_000_000.0,
    2.4,
    0.2,
    reason="Non-diagnostic: motion",
    advice=("Pad the head.",),
    artifacts={"motion": Found(0.6, 0.9)},
    scanner='MR "1"]',
    about=Description.of([Answer("part", "BRAIN")]),
    series="opaque-1",
    series_number=4,
)


def message(template: str = "{verdict} on {scanner}: {reason}", **more: str) -> Message:
    given = {"rule": "r", "priority": "high", "link": "https://scanside.example/#/series/opaque-1"} | more
    return message_of(CASE, template=template, **given)


NOTICE = Notice("scanside-12345678-7", message(), "scanside-12345678-3")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "ca")


def server_tls(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("127.0.0.1"))
    return context


@dataclass
class Receiver:
    """A system that takes webhooks, and answers as it is told to."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""
    delay_s: float = 0.0


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the library's name
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            time.sleep(made.delay_s)
            with suppress(OSError):
                self.send_response(made.status)
                for name, value in made.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    scheme = "http" if tls is None else "https"
    made.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def webhook(tmp_path: Path) -> Iterator[tuple[Webhook, Receiver]]:
    (tmp_path / "secret").write_text(SECRET + "\n")
    with receiving() as receiver:
        yield Webhook("ris", receiver.url, tmp_path / "secret", TlsFiles()), receiver


def test_a_webhook_is_signed_and_the_receiver_can_check_it(webhook: tuple[Webhook, Receiver]) -> None:
    hook, receiver = webhook
    assert hook.tell(NOTICE) == "200"
    assert hook.tell(NOTICE) == "200"
    (path, headers, body), (_, again, same) = receiver.got
    assert (path, headers["webhook-id"], headers["content-type"]) == ("/hook", NOTICE.id, "application/json")
    assert (again["webhook-id"], same) == (NOTICE.id, body)  # a second try is known by its id
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 30
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    told = json.loads(body)
    assert (told["verdict"], told["series"], told["replaces"], told["event"]) == (
        "Repeat",
        "opaque-1",
        NOTICE.replaces,
        "alert",
    )


def test_a_body_of_the_settings_is_filled_in_and_stays_json(webhook: tuple[Webhook, Receiver]) -> None:
    hook, receiver = webhook
    shaped = replace(hook, body={"text": "{verdict} on {scanner}", "where": "{link}"})
    shaped.tell(NOTICE)
    told = json.loads(receiver.got[0][2])
    assert told == {"text": 'Repeat on MR "1"]', "where": "https://scanside.example/#/series/opaque-1"}


def test_a_redirect_is_not_followed_and_what_is_asked_for_is_waited_for(
    webhook: tuple[Webhook, Receiver],
) -> None:
    hook, receiver = webhook
    receiver.status, receiver.headers = 307, {"Location": receiver.url + "/elsewhere"}
    with pytest.raises(NotDone, match="307"):
        hook.tell(NOTICE)
    assert len(receiver.got) == 1
    receiver.status, receiver.headers = 503, {"Retry-After": "120"}
    with pytest.raises(NotDone) as busy:
        hook.tell(NOTICE)
    assert (busy.value.wait_s, busy.value.final) == (120.0, False)
    receiver.status = 410
    with pytest.raises(NotDone) as gone:
        hook.tell(NOTICE)
    assert gone.value.final


def test_a_webhook_that_does_not_answer_is_not_waited_for(webhook: tuple[Webhook, Receiver]) -> None:
    hook, receiver = webhook
    receiver.delay_s = 1.0
    with pytest.raises(NotDone, match="no answer in time"):
        replace(hook, timeout_s=0.1).tell(NOTICE)
    with pytest.raises(NotDone, match="no connection"):
        replace(hook, url=f"http://127.0.0.1:{free_port()}/").tell(NOTICE)


@pytest.mark.parametrize(
    ("secret", "why"), [("short", "shorter"), ("whsec_" + "!" * 30, "base64"), (None, "read")]
)
def test_without_a_sound_secret_nothing_leaves(
    webhook: tuple[Webhook, Receiver], tmp_path: Path, secret: str | None, why: str
) -> None:
    hook, receiver = webhook
    if secret is None:
        (tmp_path / "secret").unlink()
    else:
        (tmp_path / "secret").write_text(secret)
    with pytest.raises(NotDone, match=why):
        hook.tell(NOTICE)
    assert receiver.got == []


def test_a_webhook_by_tls_goes_to_whom_the_authority_knows(tmp_path: Path, authority: Authority) -> None:
    (tmp_path / "secret").write_text("whsec_" + base64.b64encode(b"k" * 24).decode())
    with receiving(server_tls(authority)) as receiver:
        hook = Webhook("ris", receiver.url, tmp_path / "secret", TlsFiles(ca=authority.ca))
        assert hook.tell(NOTICE) == "200"
        stranger = Authority(tmp_path / "other")
        with pytest.raises(NotDone, match="TLS failed"):
            replace(hook, tls=TlsFiles(ca=stranger.ca)).tell(NOTICE)
        assert len(receiver.got) == 1


class MailServer(socketserver.ThreadingTCPServer):
    """A mail server of a few words: EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, QUIT."""

    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Mailing)
        self.tls = tls
        self.mails: list[bytes] = []
        self.said: list[str] = []
        self.refused: set[str] = set()


class _Mailing(socketserver.StreamRequestHandler):
    server: MailServer
    secured: socket.socket | None = None

    def handle(self) -> None:
        self._say("220 mail")
        with suppress(OSError, ValueError):
            while line := self.rfile.readline().decode("ascii", "replace").strip():
                self.server.said.append(line)
                word = line.split(" ", 1)[0].upper()
                if word == "QUIT":
                    self._say("221 bye")
                    return
                self._answer(word, line)

    def finish(self) -> None:
        super().finish()
        if self.secured is not None:
            self.secured.close()

    def _answer(self, word: str, line: str) -> None:
        tls = self.server.tls
        if word == "EHLO":
            secure = isinstance(self.connection, ssl.SSLSocket)
            offers = ["mail", *(["STARTTLS"] if tls and not secure else []), "AUTH PLAIN LOGIN"]
            for offer in offers[:-1]:
                self._say(f"250-{offer}")
            self._say(f"250 {offers[-1]}")
        elif word == "STARTTLS" and tls:
            self._say("220 go")
            self.connection = tls.wrap_socket(self.connection, server_side=True)
            self.secured = self.connection
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        elif word == "RCPT" and any(name in line for name in self.server.refused):
            self._say("550 no such")
        elif word == "AUTH":
            self._say("235 come in")
        elif word == "DATA":
            self._say("354 tell")
            lines = []
            while (text := self.rfile.readline()) not in {b".\r\n", b""}:
                lines.append(text)
            self.server.mails.append(b"".join(lines))
            self._say("250 taken")
        else:
            self._say("250 fine")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def mailing(tls: ssl.SSLContext | None) -> Iterator[MailServer]:
    with MailServer(tls) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def mail_to(server: MailServer, ca: Path | None = None, **more: Any) -> Mail:
    port = server.server_address[1]
    made = Mail(
        "physics", "127.0.0.1", port, "scanside@h.example", ("a@h.example", "b@h.example"), TlsFiles(ca=ca)
    )
    return replace(made, **more)


def test_a_mail_goes_by_starttls_with_its_sign_in_and_names_nobody(
    authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("open sesame\n")
    with mailing(server_tls(authority)) as server:
        mail = mail_to(server, authority.ca, user="scanside", password_file=tmp_path / "password")
        assert mail.tell(NOTICE) == "250"
        (raw,) = server.mails
    assert server.said.index("STARTTLS") < next(
        n for n, one in enumerate(server.said) if one.startswith("AUTH")
    )
    got = message_from_bytes(raw, policy=policy.default)
    assert isinstance(got, EmailMessage)
    assert got["Subject"] == 'Scanside: Repeat on MR "1"]: Non-diagnostic: motion'
    assert (got["Message-ID"], got["In-Reply-To"]) == (
        f"<{NOTICE.id}@h.example>",
        f"<{NOTICE.replaces}@h.example>",
    )
    assert got["Auto-Submitted"] == "auto-generated"
    text = got.get_content()
    assert "Pad the head." in text
    assert "https://scanside.example/#/series/opaque-1" in text
    assert "replaces an earlier alert" in text


def test_a_mail_stays_where_its_server_is_not_to_be_trusted(authority: Authority, tmp_path: Path) -> None:
    with mailing(None) as bare, pytest.raises(NotDone, match="does not offer"):
        mail_to(bare).tell(NOTICE)
    assert bare.mails == []
    stranger = Authority(tmp_path / "other")
    with mailing(server_tls(authority)) as server, pytest.raises(NotDone, match="TLS failed"):
        mail_to(server, stranger.ca).tell(NOTICE)
    assert server.mails == []


def test_who_is_refused_is_told_and_the_others_get_it() -> None:
    with mailing(None) as server:
        server.refused = {"a@h.example"}
        assert mail_to(server, security="none").tell(NOTICE) == "250, 1 of 2 recipients refused"
        server.refused = {"h.example"}
        with pytest.raises(NotDone, match="no recipient"):
            mail_to(server, security="none").tell(NOTICE)
    with pytest.raises(NotDone, match="no connection"):
        mail_to(server, security="none").tell(NOTICE)


def test_a_line_break_in_what_is_told_makes_no_header() -> None:
    case = replace(CASE, scanner="MR\r\nBcc: x@y.example", reason="a\u2028b")
    told = message_of(case, rule="r", priority="low", template="{scanner} {reason}", link="")
    made = Mail("p", "h", 25, "s@h.e", ("a@h.e",), TlsFiles())
    written = made.message(Notice("id", told))
    assert written["Bcc"] is None
    assert written["Subject"] == "Scanside: MR Bcc: x@y.example a b"


EXPECTED = (
    '<131>1 2026-02-02T02:40:00+00:00 HOST scanside - alert [scanside@32473 id="scanside-12345678-7" event="alert" '
    'verdict="Repeat" index="2.4" scanner="MR \\"1\\"\\]" series="opaque-1" series_number="4" generation="1" '
    'provisional="final" rule="r" replaces="scanside-12345678-3"] \ufeffRepeat on MR "1"]: Non-diagnostic: motion'
)


def expected() -> bytes:
    return EXPECTED.replace("HOST", socket.gethostname()).encode()


def test_syslog_by_udp_is_one_line_of_rfc_5424() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        log = Syslog("siem", "127.0.0.1", server.getsockname()[1], TlsFiles(), "udp")
        assert "no answer" in log.tell(NOTICE)
        assert server.recv(65_000) == expected()


def one_connection(take: Callable[[socket.socket], bytes]) -> tuple[int, list[bytes], threading.Thread]:
    listener = socket.create_server(("127.0.0.1", 0))
    got: list[bytes] = []

    def serve() -> None:
        with listener, listener.accept()[0] as connection, suppress(OSError):
            got.append(take(connection))

    thread = threading.Thread(target=serve)
    thread.start()
    return listener.getsockname()[1], got, thread


def everything(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65_000):
        parts.append(part)
    return b"".join(parts)


def test_syslog_by_tcp_and_tls_is_counted(authority: Authority) -> None:
    framed = b"%d %s" % (len(expected()), expected())
    port, got, thread = one_connection(everything)
    assert Syslog("siem", "127.0.0.1", port, TlsFiles(), "tcp").tell(NOTICE) == "sent by TCP"
    thread.join(5)
    assert got == [framed]

    def secured(connection: socket.socket) -> bytes:
        with server_tls(authority).wrap_socket(connection, server_side=True) as wrapped:
            return everything(wrapped)

    port, got, thread = one_connection(secured)
    assert Syslog("siem", "127.0.0.1", port, TlsFiles(ca=authority.ca), "tls").tell(NOTICE) == "sent by TLS"
    thread.join(5)
    assert got == [framed]
    with pytest.raises(NotDone, match="no connection"):
        Syslog("siem", "127.0.0.1", free_port(), TlsFiles(), "tcp").tell(NOTICE)


@dataclass
class Reader:
    """Who takes what a PACS sends on."""

    port: int
    stored: list[str] = field(default_factory=list)


@pytest.fixture
def reader(pacs: Orthanc) -> Iterator[Reader]:
    entity = ApplicationEntity("READER")
    entity.add_supported_context(MR_IMAGE, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])

    def take(event: Event) -> int:
        made.stored.append(str(event.dataset.SOPInstanceUID))
        return 0x0000

    server = entity.start_server(
        (pacs.host.our_address, 0), block=False, evt_handlers=[(evt.EVT_C_STORE, take)]
    )
    assert server is not None
    made = Reader(server.socket.getsockname()[1])
    try:
        yield made
    finally:
        server.shutdown()


@pytest.fixture
def archive(pacs: Orthanc, reader: Reader) -> Archive:
    here = {"Host": pacs.host.our_address, "Port": reader.port}
    pacs.tell("PUT", "/modalities/reader", {"AET": "READER", **here})
    pacs.tell("PUT", "/modalities/scanside", {"AET": "SCANSIDE", **here})
    return Archive("pacs", pacs.address, pacs.port, pacs.ae_title, "SCANSIDE")


def stored(pacs: Orthanc, folder: Path, *, slices: int = 3, key: str = "a") -> Dataset:
    """Put a series into the PACS; gives its header."""
    made = mr_series(slices=slices, rows=16, columns=16, key=key, patient=Patient(id="P1"))
    for one in made:
        one.StudyInstanceUID = "1.2.826.0.1.3680043.10.1538.99"
    for path in write_series(folder / key, made):
        pacs.store(path)
    return made[0]


def test_a_pacs_is_asked_to_send_a_series_on_and_not_its_exam(
    archive: Archive, pacs: Orthanc, reader: Reader, tmp_path: Path
) -> None:
    header = stored(pacs, tmp_path)
    stored(pacs, tmp_path, key="b", slices=2)
    assert archive.forward(header, {"to": "READER", "what": "series"}, 3, 0) == "0x0000, 3 images sent"
    assert len(reader.stored) == 3
    assert archive.forward(header, {"to": "READER", "what": "study"}, 3, 0) == "0x0000, 5 images sent"
    assert len(reader.stored) == 8


def test_a_pacs_that_has_fewer_images_is_asked_again_some_times(
    archive: Archive, pacs: Orthanc, tmp_path: Path
) -> None:
    header = stored(pacs, tmp_path)
    order = {"to": "READER", "what": "series"}
    with pytest.raises(NotDone, match="3 images sent of 9") as again:
        archive.forward(header, order, 9, 0)
    assert not again.value.final
    assert archive.forward(header, order, 9, PATIENCE_TRIES) == "0x0000, 3 images sent of 9"


def test_what_a_pacs_cannot_do_is_said_without_a_name(
    archive: Archive, pacs: Orthanc, tmp_path: Path
) -> None:
    header = stored(pacs, tmp_path)
    with pytest.raises(NotDone) as unknown:
        archive.forward(header, {"to": "NOBODY", "what": "series"}, 3, 0)
    assert str(header.PatientName) not in str(unknown.value)
    pacs.empty()
    with pytest.raises(NotDone):
        archive.forward(header, {"to": "READER", "what": "series"}, 3, 0)
