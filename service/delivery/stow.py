"""A DICOMweb server as a destination: STOW-RS, and QIDO-RS before what is old (PS3.18, 10.5 and 10.6)."""

import json
import ssl
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx

from service.delivery.base import DUPLICATE, Answer, Letter, Study, Undelivered
from service.dicomweb.multipart import Part, related
from service.tls import BadCertificate, TlsFiles, client_context

CONNECT_S = 5.0
LARGEST_REQUEST = 64 << 20  # bytes; more goes in several requests
LARGEST_ANSWER = 4 << 20  # bytes
LONGEST_ANSWER_S = 120.0  # from its first byte to its last
LONGEST_WAIT_S = 3600.0  # however long the server asks to be left alone
JSON = "application/dicom+json"
TELLS_OF_EACH = frozenset({200, 202, 409})  # PS3.18, table 10.5.3-1: the body says which and why
TOO_LARGE, NO_CONTENT = 413, 204
BLAMES_AN_OBJECT = frozenset({400, TOO_LARGE, 415, 422})  # one of a bundle may be why the others are refused
NO_QUERIES = frozenset({401, 403, 404, 405, 406, 501})
THERE_ALREADY = frozenset({DUPLICATE, 0xB00E})  # the second is what Azure's service answers

# PS3.18, annex F: keys of the DICOM JSON model
_STORED, _FAILED = "00081199", "00081198"
_SOP_INSTANCE, _FAILURE = "00081155", "00081197"
_STUDY_UID, _PATIENT_ID, _ISSUER = "0020000D", "00100020", "00100021"


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """How to be let in; read anew for each bundle, so that a file may be replaced."""

    token_file: Path | None = None  # a bearer token
    user: str = ""
    password_file: Path | None = None

    def header(self) -> dict[str, str]:
        """Give the header of a request. Raises Undelivered where a file cannot be read."""
        try:
            if self.token_file is not None:
                return {"Authorization": f"Bearer {self.token_file.read_text('utf-8').strip()}"}
            if self.password_file is not None:
                password = self.password_file.read_text("utf-8").rstrip("\r\n")
                request = httpx.Request("GET", "http://none")
                signed = next(httpx.BasicAuth(self.user, password).auth_flow(request))
                return {"Authorization": signed.headers["Authorization"]}
        except (OSError, UnicodeError) as error:
            raise Undelivered("the file with the token or password cannot be read") from error
        return {}


@dataclass(frozen=True, slots=True)
class StowServer:
    """A DICOMweb server that takes results by STOW-RS."""

    name: str
    url: str  # without a slash at the end
    credentials: Credentials
    tls: TlsFiles
    timeout_s: float = 30.0  # for each step of an answer
    doubts_after_s: float | None = None

    def open(self, letters: Sequence[Letter]) -> "StowLine":  # noqa: ARG002 - any object goes over one connection
        """Make ready; nobody is called yet. Raises Undelivered where there are no credentials."""
        return StowLine(self._client(), self.url)

    def doubt(self, study: Study) -> str:
        """Ask by QIDO-RS. Raises Undelivered."""
        query = {"StudyInstanceUID": study.uid, "includefield": f"{_PATIENT_ID},{_ISSUER}"}
        with self._client() as client, _told():
            answer = _limited(client, client.build_request("GET", f"{self.url}/studies", params=query))
        if answer.status in NO_QUERIES:
            return ""
        if answer.status == NO_CONTENT:
            return study.doubt([])
        if answer.status != 200 or not isinstance(answer.content, list):
            raise Undelivered(f"the query for the study failed: {answer.status}", wait_s=answer.wait_s)
        return study.doubt([_study(found) for found in answer.content if isinstance(found, dict)])

    def tried(self) -> tuple[bool, str]:
        """Ask by QIDO-RS for one study, whichever; a server without queries answers too."""
        try:
            with self._client() as client, _told():
                request = client.build_request("GET", f"{self.url}/studies", params={"limit": "1"})
                status = _limited(client, request).status
        except Undelivered as error:
            return False, f"QIDO-RS failed: {error}"
        return status in {200, NO_CONTENT, 405, 501}, f"QIDO-RS answered {status}"

    def _client(self) -> httpx.Client:
        try:
            tls = client_context(self.tls)
        except BadCertificate as error:
            raise Undelivered("our certificate, key or CA cannot be used") from error
        return httpx.Client(
            verify=tls,
            headers=self.credentials.header() | {"Accept": JSON, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(self.timeout_s, connect=CONNECT_S),
            follow_redirects=False,  # results and credentials go where the settings say
            trust_env=False,
        )


@dataclass(frozen=True, slots=True)
class StowLine:
    """A client of the server for one bundle."""

    client: httpx.Client
    url: str

    def deliver(self, letters: Sequence[Letter]) -> Iterator[tuple[Letter, Answer]]:
        """Send objects, as many in one request as are not too large together. Raises Undelivered."""
        for request in _requests(letters):
            yield from self._posted(request)

    def close(self) -> None:
        """Close the connection."""
        self.client.close()

    def _posted(self, letters: Sequence[Letter]) -> Iterator[tuple[Letter, Answer]]:
        media_type, parts = related(Part(letter.content) for letter in letters)
        request = self.client.build_request(
            "POST",
            f"{self.url}/studies",
            content=b"".join(parts),  # whole, so that its length is known: not every server takes chunks
            headers={"Content-Type": media_type},
        )
        with _told():
            answer = _limited(self.client, request)
        if answer.status in BLAMES_AN_OBJECT and len(letters) > 1:
            for letter in letters:
                yield from self._posted([letter])
            return
        if answer.status not in TELLS_OF_EACH | BLAMES_AN_OBJECT:
            raise Undelivered(str(answer.status), wait_s=answer.wait_s)
        for letter in letters:
            yield letter, answer.to(letter.uid)


@dataclass(frozen=True, slots=True)
class _Answered:
    """What a server said to one request."""

    status: int
    content: object  # of its JSON; None where it is none
    wait_s: float

    def to(self, uid: str) -> Answer:
        """Give the answer to one object; one that is not named was not taken, whatever the status says."""
        if self.status in BLAMES_AN_OBJECT:
            return Answer(str(self.status), taken=False, final=self.status == TOO_LARGE)
        content: Mapping[str, Any] = self.content if isinstance(self.content, dict) else {}
        failed = {_value(item, _SOP_INSTANCE): _value(item, _FAILURE) for item in _items(content, _FAILED)}
        if uid in failed:
            reason = failed[uid]
            code = reason if isinstance(reason, int) and 0 <= reason <= 0xFFFF else 0
            return Answer(f"{self.status} 0x{code:04X}", taken=code in THERE_ALREADY, wait_s=self.wait_s)
        if any(_value(item, _SOP_INSTANCE) == uid for item in _items(content, _STORED)):
            return Answer(str(self.status), taken=True)
        return Answer(f"{self.status}, and nothing said of the object", taken=False, wait_s=self.wait_s)


def _requests(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    group: list[Letter] = []
    size = 0
    for letter in letters:
        if group and size + len(letter.content) > LARGEST_REQUEST:
            yield group
            group, size = [], 0
        group.append(letter)
        size += len(letter.content)
    if group:
        yield group


def _limited(client: httpx.Client, request: httpx.Request) -> _Answered:
    """Send a request and read its answer, but no longer one than there may be."""
    response = client.send(request, stream=True)
    until = time.monotonic() + LONGEST_ANSWER_S
    try:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > LARGEST_ANSWER or time.monotonic() > until:
                raise Undelivered(f"{response.status_code}, and an answer without end")
        return _Answered(
            response.status_code, _parsed(bytes(body)), _wait(response.headers.get("Retry-After"))
        )
    finally:
        response.close()


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _wait(retry_after: str | None) -> float:
    """Read Retry-After (RFC 9110, 10.2.3): seconds or a date; 0 where there is none that can be read."""
    if not retry_after:
        return 0.0
    try:
        if retry_after.strip().isdecimal():
            seconds = float(retry_after)
        else:
            seconds = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(0.0, seconds), LONGEST_WAIT_S)


@contextmanager
def _told() -> Generator[None]:
    """Say what went wrong on the way without words of the library's: they may quote the address."""
    try:
        yield
    except httpx.ConnectTimeout as error:
        raise Undelivered("no connection in time") from error
    except httpx.TimeoutException as error:
        raise Undelivered("no answer in time") from error
    except httpx.ConnectError as error:
        secure = isinstance(error.__context__, ssl.SSLError) or "SSL" in str(error)
        raise Undelivered("TLS failed" if secure else "no connection") from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise Undelivered("no HTTP answer") from error


def _items(content: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    element = content.get(key)
    value = element.get("Value") if isinstance(element, dict) else None
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def _value(item: Mapping[str, Any], key: str) -> object:
    element = item.get(key)
    value = element.get("Value") if isinstance(element, dict) else None
    found = value[0] if isinstance(value, list) and value else None
    return found if isinstance(found, str | int) else None


def _study(found: Mapping[str, Any]) -> Study:
    return Study(*(str(_value(found, key) or "").strip() for key in (_STUDY_UID, _PATIENT_ID, _ISSUER)))
