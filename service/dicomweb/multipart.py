"""multipart/related (RFC 2387) as a stream: parts are read as they come in, and written one after the other."""

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from service.dicomweb.media import DICOM, RELATED, MediaType

MOST_PARTS = 20_000
LONGEST_HEADER = 8192  # bytes of the header lines of one part; of what stands before the first one, too
# RFC 2046, 5.1.1, but longer than the 70 characters there: Orthanc takes two UUIDs
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,199}[0-9A-Za-z'()+_,./:=?-]")
_LINE_END = re.compile(rb"[ \t]*(?:(--)|\r\n)")
_LONGEST_LINE_END = 64


class BrokenMultipart(ValueError):
    """The message is no multipart/related message."""


class TooLarge(ValueError):
    """A part, or the number of parts, is beyond the limit."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message."""

    body: bytes = field(repr=False)
    media_type: str = DICOM  # Content-Type with its parameters; "" where a received part has none
    location: str = ""  # Content-Location


def related(parts: Iterable[Part], root_type: str = DICOM) -> tuple[str, Iterator[bytes]]:
    """Give the Content-Type of a message and its bytes, a few for each part as that part is asked for."""
    boundary = secrets.token_hex(16)  # as long as that it stands in no part
    return f'{RELATED}; type="{root_type}"; boundary={boundary}', _written(parts, boundary.encode())


def _written(parts: Iterable[Part], boundary: bytes) -> Iterator[bytes]:
    for part in parts:
        lines = [b"--" + boundary, b"Content-Type: " + part.media_type.encode("ascii")]
        lines.append(b"Content-Length: " + str(len(part.body)).encode())
        if part.location:
            lines.append(b"Content-Location: " + part.location.encode("ascii"))
        yield b"\r\n".join([*lines, b"", b""])
        yield part.body
        yield b"\r\n"
    yield b"--" + boundary + b"--\r\n"


def boundary_of(kind: MediaType) -> str:
    """Give the boundary of a message by its media type. Raises BrokenMultipart where there is none."""
    boundary = kind.parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise BrokenMultipart("the Content-Type names no boundary")
    return boundary


class PartReader:
    """Takes a message apart as its bytes come in; holds one part at a time.

    Args:
        boundary: of the message.
        most_bytes: how large the body of one part may be.
        most_parts: how many there may be.

    """

    def __init__(self, boundary: str, *, most_bytes: int, most_parts: int = MOST_PARTS) -> None:
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        self._buffer = bytearray(b"\r\n")  # the first delimiter may stand at the very beginning
        self._searched = 0  # up to here there is no delimiter
        self._headers: Mapping[str, str] | None = None  # of the part that is coming in
        self._begun = self._ended = False
        self._most_bytes = most_bytes
        self._parts_left = most_parts

    @property
    def held(self) -> int:
        """Bytes of the part that is half here."""
        return len(self._buffer)

    @property
    def ended(self) -> bool:
        """Whether the closing delimiter has come; what follows it is not looked at."""
        return self._ended

    def feed(self, data: bytes) -> Iterator[Part]:
        """Take the next bytes; gives the parts that are whole with them, each before the rest is looked at.

        Raises BrokenMultipart and TooLarge.
        """
        if self._ended:
            return
        self._buffer += data
        while not self._ended:
            if self._begun and self._headers is None and not self._read_headers():
                return
            body = self._up_to_delimiter()
            if body is None:
                return
            if self._headers is not None:
                headers, self._headers = self._headers, None
                yield Part(body, headers.get("content-type", ""), headers.get("content-location", ""))
            self._begun = True

    def close(self) -> None:
        """Say that there is no more. Raises BrokenMultipart where the message is cut."""
        if not self._ended:
            raise BrokenMultipart("the message ends before its closing delimiter")

    def _read_headers(self) -> bool:
        """Read the header lines of a part; False where they are not all here. The buffer begins with their CRLF."""
        end = self._buffer.find(b"\r\n\r\n", 0, LONGEST_HEADER)
        if end < 0:
            if len(self._buffer) >= LONGEST_HEADER:
                raise BrokenMultipart("the header of a part does not end")
            return False
        if self._parts_left == 0:
            raise TooLarge("there are too many parts")
        self._parts_left -= 1
        self._headers = _headers(bytes(self._buffer[2:end])) if end else {}
        del self._buffer[: end + 2]  # the last CRLF stays: a delimiter may begin with it
        self._searched = 0
        return True

    def _up_to_delimiter(self) -> bytes | None:
        """Cut the buffer at the next delimiter; gives what stood before it, None where there is none yet."""
        delimiter, buffer = self._delimiter, self._buffer
        at = buffer.find(delimiter, self._searched)
        while at >= 0:
            tail = bytes(buffer[at + len(delimiter) : at + len(delimiter) + _LONGEST_LINE_END])
            end = _LINE_END.match(tail)
            if end is not None:
                self._check(at)
                with memoryview(buffer) as view:  # the body follows the CRLF that ended the header
                    body = bytes(view[2:at]) if self._headers is not None else b""
                del buffer[: at + len(delimiter) + end.end() - (0 if end[1] else 2)]
                self._ended, self._searched = end[1] is not None, 0
                return body
            if len(tail) < _LONGEST_LINE_END and not tail.strip(b" \t").strip(b"-\r"):
                self._searched = at  # the rest of the line is still to come
                return None
            at = buffer.find(delimiter, at + 1)
        self._searched = max(0, len(buffer) - len(delimiter))
        self._check(self._searched)
        return None

    def _check(self, length: int) -> None:
        if self._headers is not None and length > self._most_bytes + 2:
            raise TooLarge("a part is larger than an instance may be")
        if self._headers is None and length > LONGEST_HEADER:
            raise BrokenMultipart("the message does not begin with its boundary")


def _headers(block: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in block.decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():  # folded lines (obs-fold) among them
            raise BrokenMultipart("a part has a line in its header that is none")
        found[name.lower()] = value.strip()
    return found
